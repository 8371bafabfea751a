"""The spool: deliveries are written to it before they are answered, and stay until the app has stored them.

It is one SQLite file, because deliveries are confirmed in any order: those of a link whose connection is closed stay
longer. Every call raises `sqlite3.Error` when the disk cannot be written.
"""

from __future__ import annotations

import asyncio
import errno
import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.webhooks import DeliveryOutcome, OutcomeCount

NAME: Final = "spool.db"
ROOM: Final = 256 << 20
"""Bytes that may wait. Beyond them a delivery is refused, and Meta tries again for a week."""

ASIDE: Final = 64 << 20
"""Bytes that may be set aside; what nobody understands beyond them stays where it is."""

READ_MOST: Final = 4 << 20
"""Bytes read at a time, or one delivery."""

_SHAPE: Final = """
CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT NOT NULL, doors TEXT NOT NULL, received_at REAL NOT NULL,
    body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tally (
    link TEXT NOT NULL, outcome TEXT NOT NULL, count INTEGER NOT NULL, last REAL NOT NULL, PRIMARY KEY (link, outcome));
"""

_KEEP: Final = "INSERT INTO waiting (provider, doors, received_at, body) VALUES (?, ?, ?, ?)"
_READ: Final = "SELECT provider, doors, received_at, body, number FROM waiting"
_COUNT: Final = (
    "INSERT INTO tally VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = excluded.count, last = excluded.last"
)


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """One delivery as received. *endpoints* maps each account it may be about to its link."""

    provider: ProviderKind
    endpoints: Mapping[str, LinkId]
    received_at: datetime
    body: bytes = field(repr=False)
    number: int = 0


class DeliverySpool:
    """For one thread."""

    def __init__(self, folder: Path, *, room: int = ROOM) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._quarantine = folder / "quarantine"
        self._file = folder / NAME
        self._room = room
        self.note = ""  # what had to be set aside on the way
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # the disk, a lock: not the file itself
                raise
            self._set_file_aside(str(error))
            self._connection = self._open()
        size = self._connection.execute("SELECT coalesce(sum(length(body)), 0) FROM waiting").fetchone()
        self._size = int(size[0])

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False, timeout=10)
        try:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # a commit outlives a power cut
            connection.execute("PRAGMA secure_delete = ON")  # what people wrote does not linger in free pages
            connection.executescript(_SHAPE)
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("its pages do not fit together")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def full(self, more: int) -> bool:
        """Whether *more* bytes have no room."""
        return self._size + more > self._room

    def keep(self, some: Sequence[StoredDelivery], done: Iterable[int] = ()) -> list[int]:
        """Write *some* and forget what is *done*, in one transaction; returns the new numbers, durable by then."""
        numbers = []
        with _Transaction(self._connection):
            for kept in some:
                row = (kept.provider.value, json.dumps(dict(kept.endpoints)), kept.received_at.timestamp(), kept.body)
                cursor = self._connection.execute(_KEEP, row)
                numbers.append(cursor.lastrowid or 0)
            gone = 0
            for number in done:
                found = self._connection.execute(
                    "DELETE FROM waiting WHERE number = ? RETURNING length(body)", (number,)
                )
                gone += sum(size for (size,) in found.fetchall())
        self._size += sum(len(kept.body) for kept in some) - gone
        return numbers

    def read_after(self, number: int, most: int = 100) -> list[StoredDelivery]:
        """The next ones above *number*, in their order."""
        return self._read(f"{_READ} WHERE number > ? ORDER BY number LIMIT ?", (number, most))

    def read_by_number(self, numbers: Sequence[int]) -> list[StoredDelivery]:
        """The ones of *numbers* that are still here, in their order, as many as are read at a time."""
        places = ",".join("?" * len(numbers))
        return self._read(f"{_READ} WHERE number IN ({places}) ORDER BY number", tuple(numbers))

    def _read(self, query: str, values: tuple[int, ...]) -> list[StoredDelivery]:
        found, size = list[StoredDelivery](), 0
        with closing(self._connection.execute(query, values)) as rows:
            for provider, endpoints, received_at, body, number in rows:
                size += len(body)
                if found and size > READ_MOST:
                    break
                moment = datetime.fromtimestamp(received_at, UTC)
                found.append(StoredDelivery(ProviderKind(provider), json.loads(endpoints), moment, body, number))
        return found

    @property
    def last(self) -> int:
        """The highest number that was ever given."""
        found = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'waiting'").fetchone()
        return 0 if found is None else int(found[0])

    def counters(self) -> list[OutcomeCount]:
        rows = self._connection.execute("SELECT link, outcome, count, last FROM tally").fetchall()
        known = {each.value for each in DeliveryOutcome}
        return [
            OutcomeCount(
                LinkId(link) if link else None, DeliveryOutcome(outcome), count, datetime.fromtimestamp(last, UTC)
            )
            for link, outcome, count, last in rows
            if outcome in known
        ]

    def write_counts(self, counts: Iterable[OutcomeCount]) -> None:
        with _Transaction(self._connection):
            self._connection.executemany(
                _COUNT,
                [(each.link_id or "", each.outcome.value, each.count, each.last.timestamp()) for each in counts],
            )

    def quarantine(self, kept: StoredDelivery, why: str) -> None:
        """Write a delivery that cannot be parsed to a file, with a note beside it; `keep` then removes it here.

        Raises `OSError` when there is no room for it.
        """
        self._quarantine.mkdir(mode=0o700, exist_ok=True)
        if sum(file.stat().st_size for file in self._quarantine.iterdir()) + len(kept.body) > ASIDE:
            raise OSError(errno.ENOSPC, "too much is set aside")
        file = self._quarantine / f"delivery-{kept.number:020d}.bytes"
        file.write_bytes(kept.body)
        note = {
            "provider": kept.provider,
            "links": list(kept.endpoints.values()),
            "received_at": kept.received_at.isoformat(),
            "why": why,
        }
        file.with_suffix(".json").write_text(json.dumps(note, indent=1))

    def vacuum(self) -> None:
        """Give back the room of what has gone."""
        self._connection.execute("PRAGMA incremental_vacuum")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._connection.close()

    def _set_file_aside(self, why: str) -> None:
        """Rename a spool that cannot be read; nothing is deleted."""
        self._quarantine.mkdir(mode=0o700, exist_ok=True)
        moment = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        for suffix in ("", "-wal", "-shm"):
            file = self._file.with_name(NAME + suffix)
            if file.exists():
                file.rename(self._quarantine / f"{moment}-{file.name}")
        self.note = f"the spool was damaged ({why}) and set aside"


class _Transaction:
    """All of it, or nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
                return
            except sqlite3.Error:
                self._undo()
                raise
        self._undo()

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def has_left(folder: Path) -> bool:
    """Whether a spool in *folder* holds anything. One that cannot be read might."""
    file = folder / NAME
    if not file.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=2)) as connection:
            return connection.execute("SELECT 1 FROM waiting LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return True


T = TypeVar("T")

MAX_BATCH: Final = 256
"""Deliveries in one commit, at most: each waits for all of them."""


class SpoolFull(Exception):
    """The spool is full, or the disk."""


@dataclass(slots=True)
class _Batch:
    keeps: list[tuple[StoredDelivery, asyncio.Future[int]]] = field(default_factory=list)
    questions: list[tuple[Callable[[DeliverySpool], Any], asyncio.Future[Any]]] = field(default_factory=list)


class SpoolWriter:
    """Runs the spool on a thread of its own. To be called on one loop, which gets the results."""

    def __init__(self, spool: DeliverySpool) -> None:
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._asked: queue.SimpleQueue[tuple[Any, asyncio.Future[Any]] | Iterable[int] | None] = queue.SimpleQueue()
        self._done: list[int] = []  # to be forgotten; a commit that failed takes them along the next time
        self._thread = threading.Thread(target=self._work, name="spool writer", daemon=True)
        self._thread.start()

    async def append(self, kept: StoredDelivery) -> int:
        """Returns its number once it outlives a power cut. Raises `SpoolFull`."""
        answer: asyncio.Future[int] = self._loop.create_future()
        self._asked.put((kept, answer))
        return await answer

    def delete(self, numbers: Iterable[int]) -> None:
        """These are stored elsewhere."""
        self._asked.put(list(numbers))

    async def query(self, question: Callable[[DeliverySpool], T]) -> T:
        """Run *question* on the thread, after all that was asked before. Raises what it raises."""
        answer: asyncio.Future[T] = self._loop.create_future()
        self._asked.put((question, answer))
        return await answer

    def close(self) -> None:
        """Finish what is queued, then close the spool."""
        self._asked.put(None)
        self._thread.join()

    def _work(self) -> None:
        over = False
        while not over:
            batch = _Batch()
            over = self._take(batch)
            results = [*self._write(batch), *((answer, *_answer(self._spool, ask)) for ask, answer in batch.questions)]
            if results:
                self._loop.call_soon_threadsafe(_settle, results)
        self._spool.close()

    def _take(self, batch: _Batch) -> bool:
        """Wait for something, then take all there is; returns whether that is the end."""
        asked = self._asked.get()
        while True:
            if asked is None:
                return True
            if isinstance(asked, tuple):
                what, answer = asked
                (batch.keeps if isinstance(what, StoredDelivery) else batch.questions).append((what, answer))
            else:
                self._done.extend(asked)
            if len(batch.keeps) >= MAX_BATCH:
                return False
            try:
                asked = self._asked.get_nowait()
            except queue.Empty:
                return False

    def _write(self, batch: _Batch) -> list[tuple[asyncio.Future[Any], Any, BaseException | None]]:
        room, turned_away = list[tuple[StoredDelivery, asyncio.Future[int]]](), list[asyncio.Future[int]]()
        size = 0
        for kept, answer in batch.keeps:
            if self._spool.full(size + len(kept.body)):
                turned_away.append(answer)
            else:
                size += len(kept.body)
                room.append((kept, answer))
        results: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        results.extend((answer, None, SpoolFull()) for answer in turned_away)
        if not room and not self._done:
            return results
        try:
            numbers = self._spool.keep([kept for kept, _ in room], self._done)
        except sqlite3.Error as error:
            results.extend((answer, None, SpoolFull(str(error))) for _, answer in room)
        else:
            self._done = []
            results.extend((answer, number, None) for (_, answer), number in zip(room, numbers, strict=True))
        return results


def _answer(spool: DeliverySpool, question: Callable[[DeliverySpool], Any]) -> tuple[Any, BaseException | None]:
    try:
        return question(spool), None
    except Exception as error:  # noqa: BLE001 - raised again where it is awaited
        return None, error


def _settle(results: Iterable[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for answer, result, error in results:
        if answer.done():
            continue
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)
