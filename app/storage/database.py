"""The database: a worker thread of its own, and one transaction per piece of work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import Connection, Engine, Row

from app.domain.errors import Problem, ProblemCode
from app.domain.messages import Address, AddressKind
from app.storage.engine import open_engine, transaction
from app.storage.errors import map_sqlite_errors
from app.storage.lost_database import is_missing, put_copy_in_place, set_log_aside
from app.storage.migrations import OURS, Migrations
from app.storage.repair import repair
from app.storage.rows import plain

log = logging.getLogger(__name__)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class BesideChanges:
    """What is done beside a transaction's work: *prepare* before it, on the loop; *write* at its end, inside it."""

    prepare: Callable[[], Awaitable[None]]
    write: Callable[[Connection, int], None]


WITH_CHANGES: ContextVar[BesideChanges | None] = ContextVar("WITH_CHANGES", default=None)
"""What is done at the end of each transaction that `Database.run` makes for the caller, in the same transaction."""

_START_OVER = frozenset({ProblemCode.DATABASE_CORRUPT, ProblemCode.DATABASE_NOT_WRITABLE})
"""After these the connection is not trusted: the next piece of work opens the file anew, with all the checks."""


_LOOK_AGAIN_SECONDS = 60.0


class Database:
    """One SQLite file. Trouble from outside raises `Problem`, and all works again once the cause is gone."""

    def __init__(
        self,
        path: Path,
        *,
        busy_timeout: float = 5.0,
        migrations: Migrations = OURS,
        traces: Sequence[
            tuple[Path, str]
        ] = (),  # what shows that there was a database; see `app.storage.lost_database`
    ) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._migrations = migrations
        self._traces = traces
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._closed = False
        self._engine: Engine | None = None  # touched by the worker thread only, like all below it
        self._asked = 0.0  # when what is done now was asked for
        self._locked: tuple[float, Problem] | None = None  # when another program was last waited for in vain
        self._opened = 0  # how often; SQLite counts anew on each connection
        self._file: tuple[int, int] | None = None
        self._whole_until = 0.0  # when an error may be looked into again, after nothing was found
        self._repaired: list[str] = []
        self.on_repaired: Callable[[Sequence[str]], Awaitable[None]] | None = None
        """Hears the names of what was damaged or missing, and was made anew from the rest."""

    async def open(self) -> None:
        """Check the file and bring it to today's shape. May be called again after a `Problem`."""
        await self._in_worker(self._ready)

    async def begin_anew(self) -> None:
        """Make a new file although sessions or backups show that there was one. Raises `Problem(DATABASE_PRESENT)`."""
        await self._in_worker(self._begin_anew)

    async def use_copy(self, copy: Path) -> None:
        """Put a *copy* of a database where it is missing, and open it.

        Raises `Problem`: `DATABASE_PRESENT` where one is there, `DATABASE_COPY_UNUSABLE` when *copy* is not one of ours
        or is damaged.
        """
        await self._in_worker(lambda: self._use_copy(copy))

    async def copies(self) -> Sequence[Path]:
        """The copies beside the database that were taken before its shape changed, the newest last."""
        return await self._in_worker(lambda: sorted(self._path.parent.glob(f"{self._path.stem}.*{self._path.suffix}")))

    async def run(
        self,
        work: Callable[[Connection, *Ts], T],
        *args: *Ts,
        count: Callable[[T], int] = lambda _result: 0,
        again: bool = True,
    ) -> T:
        """Run *work*, with a connection and *args*, in one transaction, after all that was asked before. Cancelled, it
        happens whole or not at all.

        *count* says of the result how many rows that people count went or came, for `WITH_CHANGES`. Where *work* meets
        a damage that is made good, it is run *again*.
        """
        beside = WITH_CHANGES.get()
        if beside is not None:
            await beside.prepare()

        def whole(connection: Connection) -> T:
            nonlocal again
            result = work(connection, *args)
            if beside is not None:
                again = False  # what is written beside it is made for one time
                beside.write(connection, count(result))
            return result

        return await self._in_worker(lambda: self._transact(whole, writing=True, again=lambda: again))

    async def read(self, work: Callable[[Connection, *Ts], T], *args: *Ts) -> T:
        """Like `run`, for *work* that changes nothing: it does not wait for another program's write."""

        def whole(connection: Connection) -> T:
            return work(connection, *args)

        return await self._in_worker(lambda: self._transact(whole, writing=False, again=lambda: True))

    async def repair(self) -> None:
        """Rebuild indices, triggers and views that are damaged or missing. Reads all of the file."""
        await self._in_worker(self._look_through)

    async def version(self) -> tuple[int, int]:
        """Implements `ForeignCommits`: changes when another connection commits, not with our own."""
        return await self._in_worker(self._version)

    async def rewrite(self) -> None:
        """Rewrite the file so that no deleted data remains in it or in its log. Needs its size as free disk space.
        Raises `Problem(DATABASE_LOCKED)` when another program is reading that data."""
        await self._in_worker(self._rewrite)

    async def close(self) -> None:
        """Finish queued work, close the file and end the thread. Final; repeating it is harmless."""
        if self._closed:
            return
        self._closed = True
        await self._in_worker(self._dispose)
        self._worker.shutdown()

    async def __aenter__(self) -> Database:
        try:
            await self.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        await self.close()

    async def _in_worker(self, call: Callable[[], T]) -> T:
        asked = monotonic()

        def answer() -> T:
            self._asked = asked
            return call()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, answer)
        finally:
            if self._repaired and self.on_repaired is not None:
                names, self._repaired = self._repaired, []
                outside = WITH_CHANGES.set(None)
                try:
                    await self.on_repaired(names)
                finally:
                    WITH_CHANGES.reset(outside)

    # --- in the worker thread ------------------------------------------------------------------------------------

    def _transact(self, work: Callable[[Connection], T], *, writing: bool, again: Callable[[], bool]) -> T:
        try:
            return self._transact_once(work, writing=writing)
        except Problem as problem:
            if problem.code is not ProblemCode.DATABASE_CORRUPT or not self._repair_after_error() or not again():
                raise
        return self._transact_once(work, writing=writing)

    def _transact_once(self, work: Callable[[Connection], T], *, writing: bool) -> T:
        engine = self._ready()

        try:
            with map_sqlite_errors(self._path), transaction(engine, writing=writing) as connection:
                return work(connection)
        except Problem as problem:
            if problem.code in _START_OVER:
                self._dispose()
            raise

    def _begin_anew(self) -> None:
        if not is_missing(self._path):
            raise Problem(ProblemCode.DATABASE_PRESENT, path=str(self._path))
        set_log_aside(self._path)
        self._traces = ()
        self._ready()

    def _use_copy(self, copy: Path) -> None:
        put_copy_in_place(copy, self._path, self._migrations)
        self._ready()

    def _rewrite(self) -> None:
        engine = self._ready()

        with map_sqlite_errors(self._path), engine.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        if busy:
            raise Problem(ProblemCode.DATABASE_LOCKED, path=str(self._path), detail="read by another program")

    def _ready(self) -> Engine:
        self._refuse_another_file()
        if self._engine is None:
            self._engine = self._open_engine()
            self._file = _identity(self._path)
            self._opened += 1
            self._repair(thorough=False)
        return self._engine

    def _open_engine(self) -> Engine:
        if self._locked is not None and self._asked <= self._locked[0]:  # each would wait for itself, one after another
            raise Problem(self._locked[1].code, **self._locked[1].context)
        try:
            return open_engine(
                self._path, busy_timeout=self._busy_timeout, migrations=self._migrations, traces=self._traces
            )
        except Problem as problem:
            if problem.code is ProblemCode.DATABASE_LOCKED:
                self._locked = monotonic(), problem
            raise

    def _look_through(self) -> None:
        self._ready()
        self._repair(thorough=True)

    def _repair_after_error(self) -> bool:
        """Whether something was made anew. To look takes long, so it is not done for each of many errors."""
        if monotonic() < self._whole_until:
            return False
        repaired = self._repair(thorough=True)
        if not repaired:
            self._whole_until = monotonic() + _LOOK_AGAIN_SECONDS
        return repaired

    def _repair(self, *, thorough: bool) -> bool:
        """A disk that is full, or a lock, keeps the damage; what was asked goes its own way then."""
        try:
            with map_sqlite_errors(self._path):
                made = repair(self._path, self._migrations, thorough=thorough, busy_timeout=self._busy_timeout)
        except Problem as problem:
            log.info("What the database lost could not be made anew: %s", problem.code)
            return False
        self._repaired += made
        return bool(made)

    def _version(self) -> tuple[int, int]:
        engine = self._ready()

        with map_sqlite_errors(self._path), engine.connect() as connection:
            return self._opened, int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())

    def _refuse_another_file(self) -> None:
        # SQLite goes on writing into a file that was deleted or replaced under it, and all of that would be lost.
        if self._file is not None and self._file != _identity(self._path):
            raise Problem(
                ProblemCode.DATABASE_NOT_WRITABLE, path=str(self._path), detail="removed or replaced while in use"
            )

    def _dispose(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def stored_address(row: Row[*tuple[Any, ...]]) -> Address:
    """The address in `row.kind` and `row.value`. A kind that no version writes is OTHER, which no provider reaches."""
    try:
        kind = AddressKind(row.kind)
    except ValueError:
        kind = AddressKind.OTHER
    return Address(kind, plain(row.value))
