"""A database that is missing although sessions or backups show that there was one: it is never begun anew unasked."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from app.domain.errors import Code, Problem
from app.storage.faults import file_problems
from app.storage.migrations import Migrations

_SMALLEST = 4 * 4096
"""Bytes that any database with our tables has more of."""

log = logging.getLogger(__name__)

Trace = tuple[Path, str]
"""A folder, and the pattern of files in it that only a program with a database leaves there."""


def refuse_lost(path: Path, traces: Sequence[Trace]) -> None:
    """Raise `Problem(DATABASE_MISSING)` when one of *traces* is there: something was kept, and its database is gone."""
    with file_problems(path):
        left = [str(folder) for folder, pattern in traces if next(islice(folder.glob(pattern), 1), None) is not None]
    if left:
        raise Problem(Code.DATABASE_MISSING, path=str(path), folder=str(path.parent), left=", ".join(left))


def is_missing(path: Path) -> bool:
    """Whether there is no database file, or one without a byte or a table."""
    with file_problems(path):
        try:
            size = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return True
    if size == 0 or size > _SMALLEST or path.with_name(f"{path.name}-wal").exists():
        return size == 0
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as opened:
            return opened.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    except sqlite3.Error:
        return False  # something is there


def set_log_aside(path: Path) -> None:
    """Rename what SQLite kept beside the database that is gone: applied to another one, it would damage it."""
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
        raise Problem(Code.DATABASE_PRESENT, path=str(path))
    part = path.with_name(f"{path.stem}.copy.part")
    with file_problems(path):
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        _read_whole(copy, part, migrations)
        set_log_aside(path)
        with file_problems(path):
            _flush(part)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    log.info("Database taken from the copy %s", copy)


def _read_whole(copy: Path, part: Path, migrations: Migrations) -> None:
    if not copy.is_file():
        raise Problem(Code.DATABASE_COPY_UNUSABLE, path=str(copy), detail="not a file")
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as source:
            (revision,) = source.execute("SELECT version_num FROM alembic_version").fetchone() or ("none",)
            if revision not in migrations.revisions:
                raise Problem(Code.DATABASE_COPY_UNUSABLE, path=str(copy), detail=f"revision {revision}")
            (whole,) = source.execute("PRAGMA quick_check(1)").fetchone()
            if whole != "ok":
                raise Problem(Code.DATABASE_COPY_UNUSABLE, path=str(copy), detail=str(whole))
            with closing(sqlite3.connect(part)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise Problem(Code.DATABASE_COPY_UNUSABLE, path=str(copy), detail=str(error)) from error


def _flush(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())
