"""Opens the file: its engine, its shape, and the copy that is made before its shape is changed."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from app.domain.errors import Problem, ProblemCode
from app.platform.files import replacing, write_private
from app.storage.errors import file_problems, map_sqlite_errors
from app.storage.lost_database import STAMP, Trace, is_missing, refuse_lost
from app.storage.migrations import SHAPE_QUERY, Migrations, shape_fault
from app.storage.repair import AUDITED, SEARCH

log = logging.getLogger(__name__)


def open_engine(path: Path, *, busy_timeout: float, migrations: Migrations, traces: Sequence[Trace] = ()) -> Engine:
    """Open *path* for the calling thread. The shape changes whole or not at all, and a copy is kept of the former.

    A new file is made only where none of *traces* shows that there was one: else `Problem(DATABASE_MISSING)`.
    """
    if is_missing(path):
        refuse_lost(path, traces)
    with file_problems(path):
        _make_place(path)
    engine = _engine(path, busy_timeout)
    try:
        with map_sqlite_errors(path):
            with transaction(engine, writing=False) as connection:
                revision = _revision(connection, path, migrations)
            if revision != migrations.head:
                _migrate(path, busy_timeout, migrations)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def transaction(engine: Engine, *, writing: bool) -> Iterator[Connection]:
    """One transaction, committed when the block ends well.

    The driver would begin by itself, but not before CREATE and not before SELECT, so it is told not to. A writer takes
    the lock at once: a reader that turns writer later is refused without waiting when somebody else wrote meanwhile.
    """
    with engine.begin() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
        yield connection


def _make_place(path: Path) -> None:
    """Create folder and file for this user alone; SQLite gives its own side files the mode of the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        # Never opened when it exists: closing it again would drop the locks that this process holds on it.
        write_private(path, b"")
    if not path.is_file():
        raise OSError(errno.EINVAL, "not a file", str(path))
    with suppress(OSError):  # somebody else's file, or a file system without modes
        path.chmod(0o600)
    for place in (path.parent, path):
        if not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))
    refuse_cut_short(path)


def refuse_cut_short(path: Path) -> None:
    """What SQLite does not mind: it pads the last page, takes scraps for a new file and deletes an empty file's log."""
    size = path.stat().st_size
    log_file = path.with_name(f"{path.name}-wal")
    waiting = log_file.exists() and log_file.stat().st_size > 0  # commits that are not in the file yet
    if (size == 0 and waiting) or (size % 512 and not waiting):  # pages are multiples of 512 bytes
        raise Problem(ProblemCode.DATABASE_CORRUPT, path=str(path), detail="truncated")


def _engine(path: Path, busy_timeout: float, *, foreign_keys: bool = True) -> Engine:
    def configure(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None  # see `transaction`; means the same on every Python, unlike `autocommit` (3.12)
        raw.execute(f"PRAGMA foreign_keys = {foreign_keys:d}")
        raw.execute("PRAGMA journal_mode = WAL")
        # FULL: each commit reaches the disk before it counts. NORMAL is faster, but a power cut takes back the last
        # commits, and with them the proof of what was done. We write rarely, in a thread that nobody waits for.
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten; some builds do so by themselves
        raw.execute("PRAGMA wal_autocheckpoint = 4000")  # of 4 KiB: a page of an index is changed by many commits
        raw.execute("PRAGMA cache_size = -16000")  # KiB at most, of what is used
        raw.execute("PRAGMA fullfsync = ON")  # macOS, where a plain fsync stops at the drive's cache

    url = URL.create("sqlite", database=str(path))
    arguments = {"timeout": busy_timeout, "check_same_thread": True}
    # hide_parameters: what a statement was given is what people wrote, and an error about it ends in logs.
    engine = create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments, hide_parameters=True)
    event.listen(engine, "connect", configure)
    return engine


def _revision(connection: Connection, path: Path, migrations: Migrations) -> str | None:
    """The revision of the file, None for a new one. Read without Alembic, which is loaded only when it has work."""
    tables = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
    revision: str | None = None
    if "alembic_version" in tables:
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if revision is None and tables - {"alembic_version"}:
        raise Problem(ProblemCode.DATABASE_CORRUPT, path=str(path), detail="a database of another program")
    if revision is not None:
        require_known(revision, path, migrations)
        found = frozenset(connection.exec_driver_sql(SHAPE_QUERY).scalars())
        if fault := shape_fault(found, revision, migrations, aside=SEARCH | AUDITED):
            raise Problem(ProblemCode.DATABASE_CORRUPT, path=str(path), detail=fault)
    return revision


def require_known(revision: str, path: Path, migrations: Migrations) -> None:
    """Raise `Problem` for the stamp of a newer program, or one that no program wrote."""
    if revision in migrations.revisions:
        return
    if revision.isdecimal() and revision > migrations.head:
        raise Problem(ProblemCode.DATABASE_NEWER, path=str(path), found=revision, known=migrations.head)
    raise Problem(ProblemCode.DATABASE_CORRUPT, path=str(path), detail=f"unknown version: {revision}")


def _migrate(path: Path, busy_timeout: float, migrations: Migrations) -> None:
    # A table that is rebuilt is dropped for a moment, and foreign keys cannot be switched inside a transaction.
    engine = _engine(path, busy_timeout, foreign_keys=False)
    try:
        with transaction(engine, writing=True) as connection:
            revision = _revision(connection, path, migrations)
            if revision == migrations.head:
                return  # another program was quicker
            copy = _copy(path, revision) if revision is not None else None
            try:
                _upgrade(connection, path, migrations)
            except BaseException:
                if copy is not None:
                    copy.unlink(missing_ok=True)  # nothing was committed: the file itself is what was copied
                raise
        log.info("Database migrated from revision %s to %s", revision, migrations.head)
    finally:
        engine.dispose()


def _upgrade(connection: Connection, path: Path, migrations: Migrations) -> None:
    """Every revision was tried on what its predecessors make: what fails here fails by what stands in the file."""
    from app.storage.migrations.upgrade import upgrade

    try:
        with map_sqlite_errors(path):
            upgrade(connection, migrations)
    except DBAPIError as error:
        log.info("The migration failed", exc_info=error)
        raise Problem(ProblemCode.DATABASE_CORRUPT, path=str(path), detail=str(error.orig)) from error
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        log.info("The migration left rows that point nowhere: %s", [tuple(each) for each in broken])
        raise Problem(ProblemCode.DATABASE_CORRUPT, path=str(path), detail="rows that point nowhere")


def _copy(path: Path, revision: str) -> Path:
    """Copy the database while our transaction keeps other writers out. A copy with its final name is complete."""
    taken_at = datetime.now(UTC).strftime(STAMP)
    copy = path.with_name(f"{path.stem}.{revision}.{taken_at}{path.suffix}")
    with file_problems(copy), replacing(copy, path.with_name(f"{path.stem}.copy.part")) as part:
        write_private(part, b"")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # the copy is one file, wherever it is carried
    log.info("Database copied to %s before its migration", copy)
    return copy
