"""What was accepted and is not stored yet: on disk before it is answered, and there until the app has stored it.

One SQLite file, because deliveries are confirmed in any order: those of a link whose line is closed stay while the
others go. Every call raises `sqlite3.Error` when the disk will not have it.
"""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.webhooks import Outcome, Tally

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
class Kept:
    """One delivery as it came. *doors* are the accounts it may be about, each with its link, as the entrance found."""

    provider: ProviderKind
    doors: Mapping[str, LinkId]
    received_at: datetime
    body: bytes = field(repr=False)
    number: int = 0


class Spool:
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

    def keep(self, some: Sequence[Kept], done: Iterable[int] = ()) -> list[int]:
        """Write *some* and forget what is *done*, in one transaction; returns the new numbers, durable by then."""
        numbers = []
        with _Transaction(self._connection):
            for kept in some:
                row = (kept.provider.value, json.dumps(dict(kept.doors)), kept.received_at.timestamp(), kept.body)
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

    def after(self, number: int, most: int = 100) -> list[Kept]:
        """The next ones above *number*, in their order."""
        return self._read(f"{_READ} WHERE number > ? ORDER BY number LIMIT ?", (number, most))

    def these(self, numbers: Sequence[int]) -> list[Kept]:
        """The ones of *numbers* that are still here, in their order, as many as are read at a time."""
        places = ",".join("?" * len(numbers))
        return self._read(f"{_READ} WHERE number IN ({places}) ORDER BY number", tuple(numbers))

    def _read(self, query: str, values: tuple[int, ...]) -> list[Kept]:
        found, size = list[Kept](), 0
        with closing(self._connection.execute(query, values)) as rows:
            for provider, doors, received_at, body, number in rows:
                size += len(body)
                if found and size > READ_MOST:
                    break
                moment = datetime.fromtimestamp(received_at, UTC)
                found.append(Kept(ProviderKind(provider), json.loads(doors), moment, body, number))
        return found

    @property
    def last(self) -> int:
        """The highest number that was ever given."""
        found = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'waiting'").fetchone()
        return 0 if found is None else int(found[0])

    def tallies(self) -> list[Tally]:
        rows = self._connection.execute("SELECT link, outcome, count, last FROM tally").fetchall()
        known = {each.value for each in Outcome}
        return [
            Tally(LinkId(link) if link else None, Outcome(outcome), count, datetime.fromtimestamp(last, UTC))
            for link, outcome, count, last in rows
            if outcome in known
        ]

    def write_tallies(self, tallies: Iterable[Tally]) -> None:
        with _Transaction(self._connection):
            self._connection.executemany(
                _COUNT,
                [(each.link_id or "", each.outcome.value, each.count, each.last.timestamp()) for each in tallies],
            )

    def set_aside(self, kept: Kept, why: str) -> None:
        """Keep what nobody understood as a file, with a note beside it; `keep` then forgets it here.

        Raises `OSError` when there is no room for it.
        """
        self._quarantine.mkdir(mode=0o700, exist_ok=True)
        if sum(file.stat().st_size for file in self._quarantine.iterdir()) + len(kept.body) > ASIDE:
            raise OSError(errno.ENOSPC, "too much is set aside")
        file = self._quarantine / f"delivery-{kept.number:020d}.bytes"
        file.write_bytes(kept.body)
        note = {
            "provider": kept.provider,
            "links": list(kept.doors.values()),
            "received_at": kept.received_at.isoformat(),
            "why": why,
        }
        file.with_suffix(".json").write_text(json.dumps(note, indent=1))

    def tidy(self) -> None:
        """Give back the room of what has gone."""
        self._connection.execute("PRAGMA incremental_vacuum")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._connection.close()

    def _set_file_aside(self, why: str) -> None:
        """Nobody can read it any more, and nothing is deleted: it waits under another name."""
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
