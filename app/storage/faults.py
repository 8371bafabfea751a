"""Turns what SQLite and the file system complain about into `Problem`s; what is left over is a bug."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sqlalchemy.exc import DBAPIError

from app.domain.errors import Code, Problem

# Extended codes are looked up first, then the primary code in their low byte.
_BY_SQLITE: Final = MappingProxyType(
    {
        sqlite3.SQLITE_BUSY: Code.DATABASE_LOCKED,
        sqlite3.SQLITE_LOCKED: Code.DATABASE_LOCKED,
        sqlite3.SQLITE_PROTOCOL: Code.DATABASE_LOCKED,
        sqlite3.SQLITE_CORRUPT: Code.DATABASE_CORRUPT,
        sqlite3.SQLITE_NOTADB: Code.DATABASE_CORRUPT,
        sqlite3.SQLITE_IOERR_SHORT_READ: Code.DATABASE_CORRUPT,
        sqlite3.SQLITE_IOERR_CORRUPTFS: Code.DATABASE_CORRUPT,
        sqlite3.SQLITE_FULL: Code.DATABASE_DISK_FULL,
        # No space is `SQLITE_FULL`; what ends here is nearly always a quota, or space missing for the WAL's index.
        sqlite3.SQLITE_IOERR_WRITE: Code.DATABASE_DISK_FULL,
        sqlite3.SQLITE_IOERR_SHMSIZE: Code.DATABASE_DISK_FULL,
        sqlite3.SQLITE_READONLY: Code.DATABASE_NOT_WRITABLE,
        sqlite3.SQLITE_CANTOPEN: Code.DATABASE_NOT_WRITABLE,
        sqlite3.SQLITE_PERM: Code.DATABASE_NOT_WRITABLE,
        sqlite3.SQLITE_IOERR: Code.DATABASE_NOT_WRITABLE,
    }
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def problems(path: Path) -> Iterator[None]:
    """Raise a `Problem` about *path* instead of an error that is the environment's fault."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raw = error.orig if isinstance(error, DBAPIError) else error
        found: int | None = getattr(raw, "sqlite_errorcode", None)
        code = None if found is None else _BY_SQLITE.get(found) or _BY_SQLITE.get(found & 0xFF)
        if code is None and "decode to UTF-8" in str(raw):  # Python's words, about a text that is none
            code = Code.DATABASE_CORRUPT
        if code is None:
            raise
        raise Problem(code, path=str(path), detail=str(raw)) from error


@contextmanager
def file_problems(path: Path) -> Iterator[None]:
    """Raise a `Problem` about *path* instead of the file system's own error."""
    try:
        yield
    except OSError as error:
        code = Code.DATABASE_DISK_FULL if error.errno in _FULL else Code.DATABASE_NOT_WRITABLE
        raise Problem(code, path=str(path), detail=error.strerror or str(error)) from error
