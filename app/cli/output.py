"""Output shared by the commands: status changes, codes to scan, and JSON."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from typing import Any, TextIO

from app.domain.events import PairingQueueChanged, StatusChanged
from app.domain.link_status import LinkState, LinkStatus, QrCode
from app.domain.mentorado import LinkId, Mentorado
from app.platform.terminal import can_write, json_line, understands_colours
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.text import status as status_text
from app.text.status import texts


class LinkOutput:
    """Context manager: prints a line per status change of one link, and draws QR codes on standard error.

    `settled` is set once the link is connected or needs a person.
    """

    def __init__(self, core: Services, link_id: LinkId, *, as_json: bool) -> None:
        self._core = core
        self._link_id = link_id
        self._as_json = as_json
        self.settled = asyncio.Event()

    def __enter__(self) -> LinkOutput:
        bus = self._core.bus
        self._stop = (
            bus.subscribe(StatusChanged, self.on_status),
            bus.subscribe(PairingQueueChanged, self.on_turn),
        )
        return self

    def __exit__(self, *_exc_info: object) -> None:
        for stop in self._stop:
            stop()

    def on_status(self, event: StatusChanged) -> None:
        if event.link_id != self._link_id:
            return
        before, after = event.before, event.after
        mentorado = self._core.mentorados.get(event.mentorado_id)
        if (before.state, before.reason) != (after.state, after.reason):
            if self._as_json:
                print_json({"event": "status", **link_as_json(mentorado, after)})
            else:
                sentence = status_text.sentence(after, mentorado, self._core.clock.now())
                print(f"{status_text.state_badge(after)}: {sentence}")
        if after.qr is not None and after.qr != before.qr:
            print_code(after.qr, as_json=self._as_json)
        if after.state in (LinkState.CONNECTED, LinkState.BLOCKED):
            self.settled.set()

    def on_turn(self, event: PairingQueueChanged) -> None:
        if self._as_json and self._link_id in event.waiting:
            print_json({"event": "waiting_turn", "ahead": event.waiting.index(self._link_id) + 1})


def print_code(code: QrCode, *, as_json: bool) -> None:
    """Draw *code* on standard error, and say on standard output that it is there."""
    if as_json:  # the text itself is a credential, and what reads these lines may keep them
        print_json({"event": "qr", "number": code.number, "total": code.total, "expires_at": iso(code.expires_at)})
    elif not sys.stdout.isatty():
        print(texts("cli.code_drawn", number=code.number, total=code.total))
    print_qr(code.text, sys.stderr)
    print(texts("cli.scan", number=code.number, total=code.total), file=sys.stderr, flush=True)


def print_qr(code: str, out: TextIO) -> None:
    """Draw *code* with half blocks, black on white whatever the terminal's colours; with what is there instead where
    the terminal has no half blocks."""
    import qrcode

    qr = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_L, border=2)
    qr.add_data(code)
    coloured = understands_colours(out)
    if can_write("▀▄█\xa0", out):
        qr.print_ascii(out=out, tty=coloured, invert=not coloured)
    elif coloured:
        qr.print_tty(out)
    else:
        out.writelines("".join("  " if dark else "##" for dark in row) + "\n" for row in qr.get_matrix())
    out.flush()


def person_as_json(mentorado: Mentorado) -> dict[str, Any]:
    return {
        "id": mentorado.id,
        "name": mentorado.name,
        "phone": mentorado.phone,
        "cohort": mentorado.cohort,
        "archived_at": iso(mentorado.archived_at),
        "provider": mentorado.link.provider,
    }


def link_as_json(mentorado: Mentorado, status: LinkStatus) -> dict[str, Any]:
    return {
        **person_as_json(mentorado),
        "state": status.state,
        "reason": status.reason,
        "since": iso(status.since),
        "until": iso(status.until),
        "account": status.account,
    }


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def print_json(value: dict[str, Any]) -> None:
    print(json_line(value), flush=True)
