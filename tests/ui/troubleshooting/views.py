"""The dialog of a guided check in every state there is, over a core in which nothing is connected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.diagnostics.passkey import PasskeyToken
from app.domain.actions import ActionName
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Link
from app.domain.troubleshooting import (
    ConclusionKind,
    FindingMark,
    Trouble,
    TroubleCheck,
    TroubleConclusion,
    TroubleFinding,
    suggested_trouble,
)
from app.ui.dialogs.troubleshooting import TroubleshootingDialog
from tests.fake_providers import FakeZapi
from tests.ui.window_harness import NOON, WindowHarness, person

C, M, K = TroubleCheck, FindingMark, ConclusionKind
WELL = LinkStatus(state=LinkState.CONNECTED, since=NOON)
TOKEN = "FA48-HS01"


class Extension(FakeZapi):
    """A provider whose browser extension answers passkeys, when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asks, self.why, self.resets = True, "", 0

    async def extension_token(self, link: Link) -> tuple[str, datetime]:
        return TOKEN, NOON + timedelta(minutes=4, seconds=12)

    async def asks_for_passkey(self, link: Link) -> bool:
        return self.asks

    async def reset_passkey(self, link: Link) -> str:
        self.resets += 1
        return self.why


def finding(check: TroubleCheck, mark: FindingMark, words: str, **values: object) -> TroubleFinding:
    return TroubleFinding(check=check, mark=mark, words=words, values=values)


FALLS = (
    finding(C.NETWORK, M.GOOD, "network_good"),
    finding(C.CLOCK, M.GOOD, "clock_good"),
    TroubleFinding(
        check=C.CLOSE_REASONS,
        mark=M.BAD,
        words="some",
        values={"count": 9},
        reasons=((Reason.KEEPALIVE_TIMEOUT, 6), (Reason.STREAM_ERROR, 2), (Reason.NETWORK_DOWN, 1)),
    ),
    finding(C.WAITS, M.GOOD, "waiting", attempt=3, at=NOON + timedelta(seconds=8)),
    finding(C.SESSION_LOCK, M.GOOD, "here"),
)
SILENT = (
    finding(C.SESSION_LOCK, M.GOOD, "left", holder="notebook-da-ana, 2026-03-01 11:20 UTC, PID 4711"),
    finding(C.REQUEST, M.GOOD, "begun"),
    finding(C.EVENT_CHANNEL, M.BAD, "silent"),
    finding(C.ANSWER, M.BAD, "nothing", seconds=30),
)
DAMAGED = (
    finding(C.SESSION_LOCK, M.GOOD, "free"),
    TroubleFinding(
        check=C.SESSION_FILE,
        mark=M.BAD,
        words="bad",
        values={"path": "/home/ana/.local/share/conecta/sessions/0001/session-1.db"},
        reasons=((Reason.SESSION_CORRUPT, 1),),
    ),
    finding(C.SIGN_IN, M.UNKNOWN, "not_tried"),
    finding(C.BACKUP, M.WARNING, "none"),
    finding(C.HISTORY, M.GOOD, "kept", messages=1284, conversations=37),
)
Shown = tuple[Trouble, Sequence[TroubleFinding], TroubleConclusion | None]
VIEWS: Mapping[str, Shown] = {
    "02-under-way": (Trouble.NO_CODE, SILENT[:2], None),
    "03-silent": (
        Trouble.NO_CODE,
        SILENT,
        TroubleConclusion(
            kind=K.SILENT_CHANNEL,
            status=WELL,
            action=ActionName.CANCEL,
            values={"until": NOON + timedelta(minutes=15)},
        ),
    ),
    "04-falls": (
        Trouble.DISCONNECTS,
        FALLS,
        TroubleConclusion(kind=K.FALLS_OFTEN, status=WELL, reason=Reason.KEEPALIVE_TIMEOUT),
    ),
    "05-damaged": (
        Trouble.SESSION,
        DAMAGED,
        TroubleConclusion(
            kind=K.STATUS,
            status=LinkStatus(state=LinkState.BLOCKED, reason=Reason.SESSION_CORRUPT, since=NOON),
            reason=Reason.SESSION_CORRUPT,
            action=ActionName.REAUTHENTICATE,
        ),
    ),
    "06-steady": (
        Trouble.DISCONNECTS,
        FALLS[:2],
        TroubleConclusion(kind=K.STEADY, status=WELL, values={"count": 0}),
    ),
}


@dataclass
class Dialogs:
    """Dialogs over the window; no check is begun."""

    harness: WindowHarness

    def opened(self, number: int = 0) -> TroubleshootingDialog:
        harness = self.harness
        mentorado = person(number)
        services = harness.core.services
        dialog = TroubleshootingDialog(
            harness.theme,
            harness.window,
            mentorado,
            services.troubleshooting,
            services.passkeys,
            harness.clock,
            suggested_trouble(harness.supervisor.status(mentorado.link.id)),
        )
        dialog.show()
        return dialog

    def shown(self, view: Shown) -> TroubleshootingDialog:
        dialog = self.opened()
        trouble, findings, conclusion = view
        dialog.choose(trouble)
        dialog.show_checks()
        for each in findings:
            dialog.show_finding(each)
        if conclusion is not None:
            dialog.show_conclusion(conclusion)
        return dialog

    def all(self) -> Iterator[tuple[str, TroubleshootingDialog]]:
        for name, view in {"01-choose": None, **VIEWS}.items():
            dialog = self.opened() if view is None else self.shown(view)
            yield name, dialog
            dialog.reject()
            dialog.deleteLater()
        dialog = self.opened(2)
        dialog.choose(Trouble.PASSKEY)
        dialog.show_checks()
        dialog.show_finding(finding(C.SIGN_IN, M.WARNING, "passkey"))
        dialog.show_conclusion(TroubleConclusion(kind=K.PASSKEY_HERE, status=WELL))
        dialog.show_passkey(PasskeyToken(TOKEN, NOON + timedelta(minutes=4, seconds=12)), "assertion rejected")
        yield "07-passkey", dialog
        dialog.reject()
