"""Hands what the spool holds to the app, in order and not more at a time than the app has room for."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from app.domain.messages import WireFact, WireMessage, WireUnknown
from app.providers.whatsapp_web.host.facts import NotUnderstood, facts_of
from app.providers.whatsapp_web.host.own_sends import OwnSends
from app.providers.whatsapp_web.host.records import Record
from app.providers.whatsapp_web.host.spool import Spool
from app.providers.whatsapp_web.protocol import Facts, FromHost, SignOfLife

IN_FLIGHT: Final = 1000
"""So many records wait at the app at most; the rest stays on disk."""

BATCH: Final = 25

_GROUP: Final = 0.003
_QUIET: Final = 0.02
_RESTS_AT_MOST: Final = 0.3
"""Seconds. Reading records takes the interpreter, which the library needs to hand over the next one after it has told
the server that we have it. So in a burst this thread only makes the disk keep what came, and reads when it is over."""


class Handover:
    """The one thread that reads a spool; others add to it."""

    def __init__(
        self,
        session: str,
        spool: Spool,
        *,
        messages: Callable[[], Any],
        tell: Callable[[FromHost], None],
        on_trouble: Callable[[Exception], None],
        id_of: Callable[[bytes], str] = lambda _secret: "",
    ) -> None:
        """*id_of* says which id the library chose for the message with a secret; see `OwnSends`."""
        self._session = session
        self._spool = spool
        self._messages = messages
        self._tell = tell
        self._on_trouble = on_trouble
        self._news = threading.Event()
        self._handed = spool.confirmed
        self._confirmed = spool.confirmed
        self.sends = OwnSends(self.keep, id_of)

    def start(self) -> None:
        self.sends.recall(self._spool.unconfirmed())
        self._news.set()
        threading.Thread(target=self._run, daemon=True).start()

    def keep(self, code: int, payload: bytes) -> int:
        """Take in what was reported: when this returns, it outlives the process. Quick, and raises `OSError`."""
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
            while True:
                self._news.wait()
                self._keep_until_quiet()
                while records := self._spool.read(min(BATCH, IN_FLIGHT - (self._handed - self._confirmed))):
                    self._hand(records)
                # What was sent stays until it is known what became of it.
                self._spool.confirm(min(self._confirmed, self.sends.oldest_open() - 1))
        except Exception as error:  # noqa: BLE001 - a spool that nobody reads any more must not go unnoticed
            traceback.print_exc()
            self._on_trouble(error)

    def _keep_until_quiet(self) -> None:
        end = time.monotonic() + _RESTS_AT_MOST
        while True:
            time.sleep(_GROUP)
            self._news.clear()
            self._spool.sync()
            if time.monotonic() > end or not self._news.wait(_QUIET):
                return

    def _hand(self, records: Sequence[Record]) -> None:
        facts = tuple(fact for record in records for fact in self._read(record))
        self._handed, nothing_before = records[-1].number, self._handed == self._confirmed
        if not facts and nothing_before:
            self._confirmed = self._handed  # nothing in it for the app
            return
        self._tell(Facts(session=self._session, up_to=self._handed, facts=facts))
        if any(record.number > self._spool.replayed_to for record in records):
            inbound = any(isinstance(fact, WireMessage) and not fact.from_me for fact in facts)
            self._tell(SignOfLife(session=self._session, inbound=inbound))

    def _read(self, record: Record) -> Sequence[WireFact]:
        try:
            return self.sends.facts_of(record) if OwnSends.wrote(record) else facts_of(record, self._messages())
        except Exception as error:  # noqa: BLE001 - whatever is in one record, the next is read
            why = str(error) if isinstance(error, NotUnderstood) else type(error).__name__
            self._spool.set_aside_record(record, why)
            return (_unknown(record, why),)


def _unknown(record: Record, why: str) -> WireUnknown:
    """That *record* was set aside, for the app to count: its bytes lie in the folder of the spool, under its number."""
    file = {"record": record.number, "bytes": len(record.payload), "sha256": sha256(record.payload).hexdigest()}
    at = datetime.fromtimestamp(record.received, UTC)
    return WireUnknown(kind=f"event {record.code}", payload=json.dumps(file), at=at, detail=why)
