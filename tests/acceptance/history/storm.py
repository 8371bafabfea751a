"""Messages in both directions while processes are killed, and what the history has of them afterwards."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from app.domain.messages import MessageKind
from tests.acceptance.connect.harness import Harness
from tests.acceptance.program import Person

ROUNDS: Final = int(os.environ.get("CONECTA_STORM_ROUNDS", "4"))
MESSAGES: Final = int(os.environ.get("CONECTA_STORM_MESSAGES", "100"))
"""Per round and direction. Fifty rounds of a hundred are the 5,000 in each direction that the promise speaks of."""

SEED: Final = os.environ.get("CONECTA_STORM_SEED", "")

_TAKEN: Final = frozenset({"", "inactive", "sender"})
"""Receipts by which a device says that it has a message: a contact's, and (the last) one of its own account's."""

_STILL: Final = 6.0  # seconds without anything new after which nothing more is expected


def dice() -> random.Random:
    """Chance, or the same again with the printed seed."""
    seed = SEED or str(random.SystemRandom().randrange(1 << 30))
    print(f"CONECTA_STORM_SEED={seed}")  # noqa: T201 - to play it again
    return random.Random(seed)  # noqa: S311 - a moment to kill at, not a secret


@dataclass(frozen=True, slots=True)
class Row:
    """A message as it lies in the database."""

    number: int
    provider_id: str
    from_me: bool
    kind: str
    text: str


@dataclass(slots=True)
class MessageLoad:
    """A contact who writes to the mentorado, and the mentorado's phone which writes to the contact, both at once."""

    harness: Harness
    ana: Person
    contact: str
    incoming: list[str] = field(default_factory=list)  # ids, in the order in which they were written
    outgoing: list[str] = field(default_factory=list)

    async def burst(self, count: int) -> None:
        """*count* messages in each direction, as fast as the phones can."""
        stream, control = self.harness.emulator.control.stream_texts, self.harness.emulator.control
        came, went = await asyncio.gather(
            control.off_loop(stream, self.contact, self.ana.digits, count, f"in {len(self.incoming)} "),
            control.off_loop(stream, self.ana.digits, self.contact, count, f"out {len(self.outgoing)} "),
        )
        self.incoming += came
        self.outgoing += went

    async def settled(self) -> StoredResult:
        """Wait until the history has everything, or gets nothing more, and look."""
        wanted = {*self.incoming, *self.outgoing}
        clock, seen, since = asyncio.get_running_loop().time, -1, 0.0
        while True:
            rows = await asyncio.to_thread(read_history, self.harness.settings.database)
            present = len(wanted & {row.provider_id for row in rows})
            if present != seen:
                seen, since = present, clock()
            if present == len(wanted) or clock() - since > _STILL:
                return await self._look(rows, wanted)
            await asyncio.sleep(0.1)

    async def _look(self, rows: Sequence[Row], wanted: set[str]) -> StoredResult:
        control = self.harness.emulator.control
        waiting = await control.off_loop(control.waiting, self.ana.digits)
        return StoredResult(
            rows=rows,
            incoming=self.incoming,
            outgoing=self.outgoing,
            acknowledged={
                receipt.id
                for receipt in await control.off_loop(control.receipts)
                if receipt.kind in _TAKEN and receipt.id in wanted
            },
            waiting={message_id for ids in waiting.values() for message_id in ids},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    """What there is, beside what there should be."""

    rows: Sequence[Row]
    incoming: Sequence[str]
    outgoing: Sequence[str]
    acknowledged: set[str]  # what the server was told we have
    waiting: set[str]  # what it would send again

    @property
    def lost(self) -> list[str]:
        """Messages of which the history knows nothing."""
        present = {row.provider_id for row in self.rows}
        return [message_id for message_id in (*self.incoming, *self.outgoing) if message_id not in present]

    @property
    def unreadable(self) -> list[str]:
        """Messages of which the history knows that they came, and not what they said."""
        return [row.provider_id for row in self.rows if row.kind == MessageKind.UNREADABLE]

    @property
    def doubled(self) -> list[str]:
        ids = Counter(row.provider_id for row in self.rows)
        texts = Counter(row.text for row in self.rows if row.kind == MessageKind.TEXT)
        return [each for counted in (ids, texts) for each, count in counted.items() if count > 1]

    @property
    def out_of_order(self) -> list[str]:
        """Of the messages that can be read, those that came before one that was written earlier."""
        found = []
        for written, from_me in ((self.incoming, False), (self.outgoing, True)):
            place = {message_id: number for number, message_id in enumerate(written)}
            readable = [r for r in self.rows if r.from_me is from_me and r.kind == MessageKind.TEXT]
            places = [place[row.provider_id] for row in sorted(readable, key=lambda row: row.number)]
            found += [written[late] for late, early in pairwise(places) if late > early]
        return found

    def __str__(self) -> str:
        written = len(self.incoming) + len(self.outgoing)
        count = len(self.acknowledged & set(self.lost))
        return (
            f"written {written}, in the history {len(self.rows)}, doubled {len(self.doubled)}, "
            f"lost {len(self.lost)} (of which the server was told that we have {count}), "
            f"unreadable {len(self.unreadable)}, out of order {len(self.out_of_order)}, "
            f"acknowledged {len(self.acknowledged)}, still waiting {len(self.waiting)}"
        )


def read_history(database: Path) -> list[Row]:
    """Every message in the file, read beside the program that writes it."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as file:
        rows = file.execute("SELECT number, provider_id, from_me, kind, text FROM message ORDER BY number").fetchall()
    return [Row(number, provider_id, bool(from_me), kind, text) for number, provider_id, from_me, kind, text in rows]
