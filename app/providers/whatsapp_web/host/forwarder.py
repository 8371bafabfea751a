"""Hands what the spool holds to the app, in order and not more at a time than the app has room for."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from app.domain.crash_report import CrashEffect
from app.domain.messages import (
    Address,
    AddressKind,
    DeliveryReceipt,
    DeliveryStatus,
    MessageUpdate,
    ProviderMessage,
    WireUnknown,
)
from app.domain.trusted_time import parse_timestamp
from app.providers.hosts.crash import report_crash
from app.providers.whatsapp_web.host.message_mapping import UnreadableRecord, messages_from
from app.providers.whatsapp_web.host.spool import SessionSpool, SpoolRecord
from app.providers.whatsapp_web.protocol import Facts, FromHost, SignOfLife

SENDING: Final = 60_001
SENT: Final = 60_002
NOT_SENT: Final = 60_003
UNCERTAIN: Final = 60_004
_OUTCOMES: Final = {SENT: DeliveryStatus.SENT, NOT_SENT: DeliveryStatus.FAILED}
_FAR: Final = 1 << 62


class SentMessageTracker:
    """Keeps track of the texts under way."""

    def __init__(self, keep: Callable[[int, bytes], int], id_of: Callable[[bytes], str]) -> None:
        """*id_of* says which id the library chose for the message with a secret, if it got that far."""
        self._keep = keep
        self._id_of = id_of
        self._open: dict[str, int] = {}  # ours: by its own id, the number of its record
        self._lost: set[str] = set()  # of hosts that died: nobody will tell what became of them
        self._guard = threading.Lock()

    @staticmethod
    def wrote(record: SpoolRecord) -> bool:
        return record.code in (SENDING, SENT, NOT_SENT, UNCERTAIN)

    def restore(self, left: Iterable[SpoolRecord]) -> None:
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

    def facts_of(self, record: SpoolRecord) -> Sequence[MessageUpdate]:
        """What the history should know."""
        fields = json.loads(record.payload)
        if record.code == SENDING:
            if fields["own_id"] not in self._lost:
                return ()
            fields |= {"id": self._id_in_session(fields), "at": record.received}
        message_id = fields.get("id") or fields["own_id"]
        delivery = _OUTCOMES.get(record.code, DeliveryStatus.UNCERTAIN)
        message = _message(message_id, fields, fields["at"], record.received)
        at = message.sent_at
        return message, DeliveryReceipt(provider_ids=(message_id,), chat=message.chat, delivery=delivery, at=at)

    def _id_in_session(self, sending: dict[str, Any]) -> str:
        return self._id_of(bytes.fromhex(sending["secret"])) if "secret" in sending else ""  # earlier versions had none

    def _end(self, outcome: dict[str, Any], code: int) -> None:
        self._keep(code, json.dumps(outcome).encode())
        with self._guard:
            self._open.pop(outcome["own_id"], None)


def _message(message_id: str, fields: dict[str, Any], at: float, received: float) -> ProviderMessage:
    return ProviderMessage(
        provider_id=message_id,
        chat=(Address(AddressKind.PHONE, f"+{fields['to']}"),),
        sender=(),
        from_me=True,
        text=fields["text"],
        sent_at=parse_timestamp(at) or datetime.fromtimestamp(received, UTC),
        received_at=datetime.fromtimestamp(received, UTC),
    )


IN_FLIGHT: Final = 1000
"""So many records wait at the app at most; the rest stays on disk."""

BATCH: Final = 25

_GROUP: Final = 0.003
_QUIET: Final = 0.02
_RESTS_AT_MOST: Final = 0.3
"""Seconds. Reading records takes the interpreter, which the library needs to hand over the next one after it has told
the server that we have it. So in a burst this thread only makes the disk keep what came, and reads when it is over."""


class SpoolForwarder:
    """The one thread that reads a spool; others add to it."""

    def __init__(
        self,
        session: str,
        spool: SessionSpool,
        *,
        messages: Callable[[], Any],
        tell: Callable[[FromHost], None],
        on_trouble: Callable[[Exception], None],
        id_of: Callable[[bytes], str] = lambda _secret: "",
    ) -> None:
        """*id_of* says which id the library chose for the message with a secret; see `SentMessageTracker`."""
        self._session = session
        self._spool = spool
        self._messages = messages
        self._tell = tell
        self._on_trouble = on_trouble
        self._news = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._handed = spool.confirmed
        self._confirmed = spool.confirmed
        self.sends = SentMessageTracker(self.append, id_of)

    def start(self) -> None:
        self.sends.restore(self._spool.unconfirmed())
        self._news.set()
        self._thread.start()

    def stop(self) -> None:
        """Hand nothing more over, and close the spool; what is not confirmed is repeated by whoever opens it next."""
        self._stopped = True
        self._news.set()
        self._thread.join()
        self._spool.close()

    def append(self, code: int, payload: bytes) -> int:
        """Take in what was reported: when this returns, it outlives the process. Quick, and raises `OSError`."""
        if self._stopped:
            return 0  # of a text under way: the next host finds it begun, and looks in the session's file
        number = self._spool.append(code, payload)
        self._news.set()
        return number

    @property
    def full(self) -> bool:
        """Whether the disk was found full, so that nothing more should be let in."""
        return self._spool.full

    def confirm(self, up_to: int) -> None:
        """The app stored everything up to this number."""
        self._confirmed = max(self._confirmed, min(up_to, self._handed))
        self._news.set()

    def _run(self) -> None:
        try:
            while not self._stopped:
                self._news.wait()
                self._keep_until_quiet()
                while records := self._spool.read(min(BATCH, IN_FLIGHT - (self._handed - self._confirmed))):
                    self._hand(records)
                # What was sent stays until it is known what became of it.
                self._spool.confirm(min(self._confirmed, self.sends.oldest_open() - 1))
        except Exception as error:  # noqa: BLE001 - a spool that nobody reads any more must not go unnoticed
            report_crash(error, CrashEffect.LINK_RETRIES)
            self._on_trouble(error)

    def _keep_until_quiet(self) -> None:
        end = time.monotonic() + _RESTS_AT_MOST
        while True:
            time.sleep(_GROUP)
            self._news.clear()
            self._spool.sync()
            if time.monotonic() > end or not self._news.wait(_QUIET):
                return

    def _hand(self, records: Sequence[SpoolRecord]) -> None:
        facts = tuple(fact for record in records for fact in self._read(record))
        self._handed, nothing_before = records[-1].number, self._handed == self._confirmed
        if not facts and nothing_before:
            self._confirmed = self._handed  # nothing in it for the app
            return
        self._tell(Facts(session=self._session, up_to=self._handed, facts=facts))
        if any(record.number > self._spool.replayed_to for record in records):
            inbound = any(isinstance(fact, ProviderMessage) and not fact.from_me for fact in facts)
            self._tell(SignOfLife(session=self._session, inbound=inbound))

    def _read(self, record: SpoolRecord) -> Sequence[MessageUpdate]:
        try:
            return (
                self.sends.facts_of(record)
                if SentMessageTracker.wrote(record)
                else messages_from(record, self._messages())
            )
        except Exception as error:  # noqa: BLE001 - whatever is in one record, the next is read
            why = str(error) if isinstance(error, UnreadableRecord) else type(error).__name__
            self._spool.set_aside_record(record, why)
            return (_unknown(record, why),)


def _unknown(record: SpoolRecord, why: str) -> WireUnknown:
    """That *record* was set aside, for the app to count: its bytes lie in the folder of the spool, under its number."""
    file = {"record": record.number, "bytes": len(record.payload), "sha256": sha256(record.payload).hexdigest()}
    at = datetime.fromtimestamp(record.received, UTC)
    return WireUnknown(kind=f"event {record.code}", payload=json.dumps(file), at=at, detail=why)
