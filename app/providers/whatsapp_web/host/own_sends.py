"""What is sent from here, kept like what arrives: the library reports nothing of it.

It is written down before it is sent and after. The library chooses the id, so a host that dies in between leaves a
message of which nobody knows whether it left; it enters the history under an id of ours, as accepted and no more.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from app.domain.messages import Address, AddressKind, Delivery, WireFact, WireMessage, WireReceipt
from app.domain.trusted_time import moment_of
from app.providers.whatsapp_web.host.records import Record

SENDING: Final = 60_001
SENT: Final = 60_002
NOT_SENT: Final = 60_003
_FAR: Final = 1 << 62


class OwnSends:
    """Keeps track of the texts under way."""

    def __init__(self, keep: Callable[[int, bytes], int]) -> None:
        self._keep = keep
        self._open: dict[str, int] = {}  # ours: by its own id, the number of its record
        self._lost: set[str] = set()  # of hosts that died: nobody will tell what became of them
        self._guard = threading.Lock()

    @staticmethod
    def wrote(record: Record) -> bool:
        return record.code in (SENDING, SENT, NOT_SENT)

    def recall(self, left: Iterable[Record]) -> None:
        """Find what a former host was sending when it died."""
        for record in left:
            if not self.wrote(record):
                continue
            try:
                own_id = str(json.loads(record.payload)["own_id"])
            except (ValueError, TypeError, KeyError):
                continue  # it is set aside when it is read
            (self._lost.add if record.code == SENDING else self._lost.discard)(own_id)

    def begin(self, to: str, text: str) -> dict[str, Any]:
        """Write down that *text* is about to be sent; returns what `sent` or `failed` want to know."""
        sending = {"own_id": f"conecta-{secrets.token_hex(10)}", "to": to, "text": text}
        with self._guard:  # whoever asks for the oldest must not miss one that is being written
            self._open[sending["own_id"]] = self._keep(SENDING, json.dumps(sending).encode())
        return sending

    def sent(self, sending: dict[str, Any], message_id: str, at: float) -> None:
        self._end({**sending, "id": message_id, "at": at}, SENT)

    def failed(self, sending: dict[str, Any]) -> None:
        self._end({**sending, "at": time.time()}, NOT_SENT)

    def oldest_open(self) -> int:
        """The number of the first text of which it is not known what became of it."""
        with self._guard:
            return min(self._open.values(), default=_FAR)

    def facts_of(self, record: Record) -> Sequence[WireFact]:
        """What the history should know."""
        said = json.loads(record.payload)
        own_id = said["own_id"]
        if record.code == SENDING:
            return (_message(own_id, said, record.received, record.received),) if own_id in self._lost else ()
        message_id = said.get("id", own_id)
        delivery = Delivery.SENT if record.code == SENT else Delivery.FAILED
        message = _message(message_id, said, said["at"], record.received)
        at = message.sent_at
        return message, WireReceipt(provider_ids=(message_id,), chat=message.chat, delivery=delivery, at=at)

    def _end(self, outcome: dict[str, Any], code: int) -> None:
        self._keep(code, json.dumps(outcome).encode())
        with self._guard:
            self._open.pop(outcome["own_id"], None)


def _message(message_id: str, said: dict[str, Any], at: float, received: float) -> WireMessage:
    return WireMessage(
        provider_id=message_id,
        chat=(Address(AddressKind.PHONE, f"+{said['to']}"),),
        sender=(),
        from_me=True,
        text=said["text"],
        sent_at=moment_of(at) or datetime.fromtimestamp(received, UTC),
        received_at=datetime.fromtimestamp(received, UTC),
    )
