"""A database that is missing although sessions or backups show that there was one: it is never begun anew unasked."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from app.domain.backup import BACKUP_ENDING
from app.domain.erasure import CopyKind, OldCopy
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.platform.files import refuse_broken_link, replacing, write_private
from app.settings import Settings
from app.storage.audit_integrity import NAME as AUDIT_HEADS
from app.storage.errors import file_problems
from app.storage.migrations import SHAPE_QUERY, Migrations, shape_fault
from app.storage.repair import SEARCH, rest_is_whole, search_damage

_SMALLEST = 4 * 4096
"""Bytes that any database with our tables has more of."""

log = logging.getLogger(__name__)

Trace = tuple[Path, str]
"""A folder, and the pattern of files in it that only a program with a database leaves there."""


def former_files(settings: Settings) -> tuple[Trace, ...]:
    """File patterns that show that there was a database: sessions, backups, secrets, copies of the database."""
    return (
        (settings.session_dir, "*/session-*.db"),
        (settings.session_dir, "*/snapshots/*"),
        (settings.backup_dir, f"*{BACKUP_ENDING}"),
        (settings.data_dir, settings.secrets.name),
        (settings.data_dir, AUDIT_HEADS),
        (settings.data_dir, f"{settings.database.stem}.*{settings.database.suffix}"),
    )


def refuse_lost(path: Path, traces: Sequence[Trace]) -> None:
    """Raise `Problem(DATABASE_MISSING)` when files match *traces*: a database existed and is gone."""
    with file_problems(path):
        left = [str(folder) for folder, pattern in traces if next(islice(folder.glob(pattern), 1), None) is not None]
    if left:
        raise Problem(ProblemCode.DATABASE_MISSING, path=str(path), folder=str(path.parent), left=", ".join(left))


def is_missing(path: Path) -> bool:
    """Whether the database file is missing, empty, or without tables. Raises `Problem` for what is no file."""
    refuse_broken_link(path)
    with file_problems(path):
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a file", str(path))
    size = found.st_size
    if size == 0 or size > _SMALLEST or path.with_name(f"{path.name}-wal").exists():
        return size == 0
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as opened:
            return opened.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    except sqlite3.Error:
        return False  # something is there


def set_log_aside(path: Path) -> None:
    """Rename SQLite's log of the lost database: it would damage another one."""
    with file_problems(path):
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
        for ending in ("-wal", "-shm"):
            beside = path.with_name(path.name + ending)
            if beside.exists():
                beside.rename(beside.with_name(f"{beside.name}.{stamp}"))


def put_copy_in_place(copy: Path, path: Path, migrations: Migrations) -> None:
    """Copy a whole database of ours to *path*, where there is none. The copy itself stays as it is.

    Raises `Problem(DATABASE_PRESENT)` or `Problem(DATABASE_COPY_UNUSABLE)`.
    """
    if not is_missing(path):
        raise Problem(ProblemCode.DATABASE_PRESENT, path=str(path))
    with file_problems(path), replacing(path, path.with_name(f"{path.stem}.copy.part")) as part:
        write_private(part, b"")
        _read_whole(copy, part, migrations)
        set_log_aside(path)
    log.info("Database restored from the copy %s", copy)


def _read_whole(copy: Path, part: Path, migrations: Migrations) -> None:
    if not copy.is_file():
        raise Problem(ProblemCode.DATABASE_COPY_UNUSABLE, path=str(copy), detail="not a file")
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as source:
            (revision,) = source.execute("SELECT version_num FROM alembic_version").fetchone() or ("none",)
            if revision not in migrations.revisions:
                raise Problem(ProblemCode.DATABASE_COPY_UNUSABLE, path=str(copy), detail=f"revision {revision}")
            shape = frozenset(name for (name,) in source.execute(SHAPE_QUERY))
            if fault := shape_fault(shape, revision, migrations, aside=SEARCH):
                raise Problem(ProblemCode.DATABASE_COPY_UNUSABLE, path=str(copy), detail=fault)
            (whole,) = source.execute("PRAGMA quick_check(1)").fetchone()
            if whole != "ok" and not (search_damage(source) and rest_is_whole(source)):
                raise Problem(ProblemCode.DATABASE_COPY_UNUSABLE, path=str(copy), detail=str(whole))
            with closing(sqlite3.connect(part)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise Problem(ProblemCode.DATABASE_COPY_UNUSABLE, path=str(copy), detail=str(error)) from error


STAMP: Final = "%Y%m%dT%H%M%S%fZ"
_ENDING: Final = re.compile(r"\.[0-9A-Za-z_]+\.(\d{8}T\d{12}Z)")


class DatabaseCopies:
    """Implements `app.domain.erasure.Leftovers` for the database at *path*. They are of all mentorados."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def wipe(self, mentorado_id: MentoradoId, traces: Sequence[bytes]) -> int:
        return 0

    async def copies(self, mentorado_id: MentoradoId) -> Sequence[OldCopy]:
        return await asyncio.to_thread(lambda: sorted(self._found(), key=lambda each: each.path.name))

    async def remove(self, copies: Sequence[OldCopy]) -> None:

        for each in copies:
            if each.kind is CopyKind.DATABASE:
                with file_problems(each.path):
                    await asyncio.to_thread(each.path.unlink, missing_ok=True)

    def _found(self) -> Iterator[OldCopy]:
        for path in self._path.parent.glob(f"{self._path.stem}.*{self._path.suffix}"):
            middle = path.name.removeprefix(self._path.stem).removesuffix(self._path.suffix)
            if (stamp := _ENDING.fullmatch(middle)) is not None:
                with suppress(ValueError):  # no day that there is
                    at = datetime.strptime(stamp[1], STAMP).replace(tzinfo=UTC)
                    yield OldCopy(kind=CopyKind.DATABASE, path=path, at=at)
