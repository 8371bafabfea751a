"""What is sent from here, kept like what arrives: the library reports nothing of it.

It is written down before it is sent and after. A host that dies in between, and an answer that never comes, leave a
message of which nobody knows whether it left: it is uncertain until a receipt decides. The library chooses the id, and
notes it in the session's file before it sends; without that note the message enters the history under an id of ours.
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
UNCERTAIN: Final = 60_004
_OUTCOMES: Final = {SENT: Delivery.SENT, NOT_SENT: Delivery.FAILED}
_FAR: Final = 1 << 62


class OwnSends:
    """Keeps track of the texts under way."""

    def __init__(self, keep: Callable[[int, bytes], int], id_of: Callable[[bytes], str]) -> None:
        """*id_of* says which id the library chose for the message with a secret, if it got that far."""
        self._keep = keep
        self._id_of = id_of
        self._open: dict[str, int] = {}  # ours: by its own id, the number of its record
        self._lost: set[str] = set()  # of hosts that died: nobody will tell what became of them
        self._guard = threading.Lock()

    @staticmethod
    def wrote(record: Record) -> bool:
        return record.code in (SENDING, SENT, NOT_SENT, UNCERTAIN)

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
        own_id, secret = f"conecta-{secrets.token_hex(10)}", secrets.token_hex(32)
        sending = {"own_id": own_id, "secret": secret, "to": to, "text": text}
        with self._guard:  # whoever asks for the oldest must not miss one that is being written
            self._open[sending["own_id"]] = self._keep(SENDING, json.dumps(sending).encode())
        return sending

    def sent(self, sending: dict[str, Any], message_id: str, at: float) -> None:
        self._end({**sending, "id": message_id, "at": at}, SENT)

    def failed(self, sending: dict[str, Any]) -> None:
        self._end({**sending, "at": time.time()}, NOT_SENT)

    def uncertain(self, sending: dict[str, Any]) -> None:
        """Nobody answered: it may have left."""
        self._end({**sending, "id": self._id_in_session(sending), "at": time.time()}, UNCERTAIN)

    def oldest_open(self) -> int:
        """The number of the first text of which it is not known what became of it."""
        with self._guard:
            return min(self._open.values(), default=_FAR)

    def facts_of(self, record: Record) -> Sequence[WireFact]:
        """What the history should know."""
        said = json.loads(record.payload)
        if record.code == SENDING:
            if said["own_id"] not in self._lost:
                return ()
            said |= {"id": self._id_in_session(said), "at": record.received}
        message_id = said.get("id") or said["own_id"]
        delivery = _OUTCOMES.get(record.code, Delivery.UNCERTAIN)
        message = _message(message_id, said, said["at"], record.received)
        at = message.sent_at
        return message, WireReceipt(provider_ids=(message_id,), chat=message.chat, delivery=delivery, at=at)

    def _id_in_session(self, sending: dict[str, Any]) -> str:
        return self._id_of(bytes.fromhex(sending["secret"])) if "secret" in sending else ""  # earlier versions had none

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
