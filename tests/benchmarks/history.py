"""How fast history is stored, and how fast it is read when there is a lot of it.

The baseline is bare `sqlite3` writing the same rows, in the same batches and at the same durability, into the same
table with its unique constraint and nothing else.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import uuid4

from app.domain.mentorado import Mentorado
from app.domain.messages import Address, AddressKind, ConversationId, ProviderMessage
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.clock import DAWN
from tests.storage.people import new_mentorado

MANY = 1_000_000
_MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh directory of our own is made in it


class SyntheticText:
    """Made-up talk whose words are as unevenly frequent as those of a language."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing depends on its being hard to guess
        syllables = [a + b for a in "bcdfglmnprstvx" for b in ("a", "e", "i", "o", "u", "ão", "ção", "é")]
        self.words = [
            "".join(self._random.choices(syllables, k=self._random.choice((1, 2, 2, 3, 3, 4)))) for _ in range(30_000)
        ]
        self._weights = list(accumulate(1 / (rank + 1) for rank in range(len(self.words))))

    def text(self) -> str:
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=self._random.randint(2, 20)))

    def messages(self, count: int, people: int = 50) -> list[ProviderMessage]:
        """One mentorado's, with *people* contacts, some of it from the mentorado."""
        chats = [(Address(AddressKind.PHONE, f"+5521987{person:06}"),) for person in range(people)]
        found = []
        for minute in range(count):
            chat, from_me = self._random.choice(chats), self._random.random() < 0.4
            at = DAWN + timedelta(minutes=minute)
            found.append(
                ProviderMessage(
                    provider_id=self._random.randbytes(11).hex().upper(),
                    chat=chat,
                    sender=() if from_me else chat,
                    from_me=from_me,
                    text=self.text(),
                    sent_at=at,
                    received_at=at,
                )
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRate:
    """Messages per second."""

    batch: int
    bare: float  # the same rows written by `sqlite3`
    stored: float  # by `SqlHistory.store`
    findable: float  # stored, and prepared for the search too

    @property
    def ratio(self) -> float:
        return self.stored / self.bare

    def __str__(self) -> str:
        return (
            f"batches of {self.batch}: {self.stored:,.0f} messages stored per second,"
            f" {self.findable:,.0f} with the search index; bare sqlite3 {self.bare:,.0f}; ratio {self.ratio:.2f}"
        )


def rows_per_second(folder: Path | None = None, *, count: int = 20_000, batch: int = 100) -> StoreRate:
    """Store *count* messages on the disk that *folder* is on, where the temporary files are by default."""
    with tempfile.TemporaryDirectory(prefix="conecta-bench-", dir=folder) as place:
        rate = asyncio.run(_store(Path(place), count, batch))
    print(rate)  # noqa: T201
    return rate


async def _store(place: Path, count: int, batch: int) -> StoreRate:
    messages = SyntheticText().messages(count)
    portions = [messages[start : start + batch] for start in range(0, count, batch)]
    path = place / "conecta.db"
    async with Database(path) as database:
        mentorado = new_mentorado()
        await SqlMentoradoRepository(database).add(mentorado)
        history = SqlMessageRepository(database)
        await history.store(mentorado, [], DAWN)  # loads what is loaded once
        began = time.perf_counter()
        for portion in portions:
            await history.store(mentorado, portion, DAWN)
        stored = time.perf_counter() - began
        await history.index_pending()
        findable = time.perf_counter() - began
    bare = _bare(path, place / "bare.db", batch)
    return StoreRate(batch=batch, bare=count / bare, stored=count / stored, findable=count / findable)


def _bare(source: Path, target: Path, batch: int) -> float:
    with closing(sqlite3.connect(source)) as written:
        (shape,) = written.execute("SELECT sql FROM sqlite_master WHERE name = 'message'").fetchone()
        rows = written.execute("SELECT * FROM message ORDER BY number").fetchall()
    insert = f"INSERT INTO message VALUES ({', '.join('?' * len(rows[0]))})"
    with closing(sqlite3.connect(target, isolation_level=None)) as bare:
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = FULL")
        bare.execute("PRAGMA fullfsync = ON")
        bare.execute(shape)
        began = time.perf_counter()
        for start in range(0, len(rows), batch):
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany(insert, rows[start : start + batch])
            bare.execute("COMMIT")
        return time.perf_counter() - began


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTimes:
    """The 95th percentile of each, in milliseconds."""

    messages: int
    open_conversation: float
    scroll_back: float
    list_conversations: float
    search_everybody: float
    search_one: float

    def __str__(self) -> str:
        return (
            f"{self.messages:,} messages, p95: opening a conversation {self.open_conversation:.1f} ms,"
            f" scrolling back {self.scroll_back:.1f} ms, the list of conversations {self.list_conversations:.1f} ms,"
            f" searching everybody {self.search_everybody:.1f} ms, one mentorado {self.search_one:.1f} ms"
        )


Talk = tuple[Mentorado, ConversationId]

PEOPLE, CONTACTS = 40, 50


async def make_history(path: Path, count: int) -> list[Talk]:
    """Make a database with *count* messages of `PEOPLE` mentorados, all of them indexed."""
    babble = SyntheticText()
    async with Database(path) as database:
        everybody = [new_mentorado(f"Pessoa {n}", f"+5511987{n:06}") for n in range(PEOPLE)]
        for mentorado in everybody:
            await SqlMentoradoRepository(database).add(mentorado)
        history = SqlMessageRepository(database)
        talks: list[Talk] = []
        for mentorado in everybody:  # contacts and conversations as the program makes them, and some messages each
            first = babble.messages(CONTACTS * 8, CONTACTS)
            talks += [(mentorado, found) for found in await history.store(mentorado, first, DAWN)]
    fill(path, babble, talks, count)
    async with Database(path) as database:
        await SqlMessageRepository(database).index_pending()
    return talks


async def read_history(path: Path, talks: Sequence[Talk], count: int, rounds: int) -> ReadTimes:
    """Read from what `make_history` made."""
    chance = random.Random(2)  # noqa: S311
    async with Database(path) as database:
        history = SqlMessageRepository(database)
        some = [chance.choice(talks) for _ in range(rounds)]
        queries = list(typed_queries(SyntheticText(), chance, rounds))
        return ReadTimes(
            messages=count,
            open_conversation=await _p95(partial(history.messages, talk) for _, talk in some),
            scroll_back=await _p95(partial(history.messages, talk, before=count // 2) for _, talk in some),
            list_conversations=await _p95(partial(history.conversations, who.id) for who, _ in some),
            search_everybody=await _p95(partial(history.search, query) for query in queries),
            search_one=await _p95(
                partial(history.search, query, mentorado_id=who.id)
                for query, (who, _) in zip(queries, some, strict=True)
            ),
        )


def typed_queries(babble: SyntheticText, chance: random.Random, count: int) -> Iterator[str]:
    """What people type: one word or two, frequent or rare, the last often unfinished."""
    for _ in range(count):
        words = [chance.choice(babble.words[: 10 ** chance.randint(1, 4)]) for _ in range(chance.choice((1, 1, 2)))]
        if chance.random() < 0.5:
            words[-1] = words[-1][: chance.randint(1, 4)]
        yield " ".join(words)


async def _p95(calls: Iterable[Callable[[], Awaitable[object]]]) -> float:
    taken = []
    for call in calls:
        began = time.perf_counter()
        await call()
        taken.append(1000 * (time.perf_counter() - began))
    return quantiles(taken, n=20)[-1]


def fill(
    path: Path, babble: SyntheticText, conversations: Sequence[tuple[Mentorado, ConversationId]], count: int
) -> None:
    """Write messages past the program until there are *count*: its own way would take minutes."""
    chance = random.Random(3)  # noqa: S311
    with closing(sqlite3.connect(path)) as raw:
        raw.row_factory = sqlite3.Row
        raw.execute("PRAGMA synchronous = OFF")
        sample = dict(raw.execute("SELECT * FROM message LIMIT 1").fetchone())
        (there,) = raw.execute("SELECT count(*) FROM message").fetchone()
        columns = list(sample)
        texts = [babble.text() for _ in range(min(count, 50_000))]

        def rows() -> Iterator[list[Any]]:
            for number in range(there, count):
                mentorado, conversation_id = chance.choice(conversations)
                moment = (DAWN + timedelta(seconds=20 * number)).isoformat(timespec="microseconds")
                row = sample | {"number": number + 1, "conversation_id": conversation_id, "link_id": mentorado.link.id}
                row |= {"provider_id": uuid4().hex.upper(), "text": chance.choice(texts), "sent_at": moment}
                yield [row[column] for column in columns]

        with raw:
            raw.executemany(f"INSERT INTO message VALUES ({', '.join('?' * len(columns))})", rows())
