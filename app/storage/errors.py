"""Maps errors of SQLite and the file system to problems; anything else is a bug."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sqlalchemy.exc import DBAPIError

from app.domain.errors import Problem, ProblemCode
from app.platform.files import os_errors_as

# Extended codes are looked up first, then the primary code in their low byte.
_BY_SQLITE: Final = MappingProxyType(
    {
        sqlite3.SQLITE_BUSY: ProblemCode.DATABASE_LOCKED,
        sqlite3.SQLITE_LOCKED: ProblemCode.DATABASE_LOCKED,
        sqlite3.SQLITE_PROTOCOL: ProblemCode.DATABASE_LOCKED,
        sqlite3.SQLITE_CORRUPT: ProblemCode.DATABASE_CORRUPT,
        sqlite3.SQLITE_NOTADB: ProblemCode.DATABASE_CORRUPT,
        sqlite3.SQLITE_IOERR_SHORT_READ: ProblemCode.DATABASE_CORRUPT,
        sqlite3.SQLITE_IOERR_CORRUPTFS: ProblemCode.DATABASE_CORRUPT,
        sqlite3.SQLITE_FULL: ProblemCode.DATABASE_DISK_FULL,
        # No space is `SQLITE_FULL`; what ends here is nearly always a quota, or space missing for the WAL's index.
        sqlite3.SQLITE_IOERR_WRITE: ProblemCode.DATABASE_DISK_FULL,
        sqlite3.SQLITE_IOERR_SHMSIZE: ProblemCode.DATABASE_DISK_FULL,
        sqlite3.SQLITE_READONLY: ProblemCode.DATABASE_NOT_WRITABLE,
        sqlite3.SQLITE_CANTOPEN: ProblemCode.DATABASE_NOT_WRITABLE,
        sqlite3.SQLITE_PERM: ProblemCode.DATABASE_NOT_WRITABLE,
        sqlite3.SQLITE_IOERR: ProblemCode.DATABASE_NOT_WRITABLE,
    }
)

_DAMAGE: Final = re.compile("decode to UTF-8|^malformed database schema|^vtable constructor failed")
"""Python's words about a text that is none, and SQLite's about what it keeps of a shape and of an index."""

_GONE: Final = re.compile(r"(?:^no such (?:table|column): |has no column named )(\S+)")
"""How SQLite names a part of a shape that is not there."""


def _is_damage(words: str) -> bool:
    """Whether *words* of SQLite are about a file that is damaged. A part of a shape that was never ours is a bug."""
    gone = _GONE.search(words)
    if gone is None:
        return _DAMAGE.search(words) is not None
    from app.storage.columns import metadata

    name = gone[1].rpartition(".")[2]
    return any(name == table.name or name in table.columns for table in metadata.sorted_tables)


@contextmanager
def map_sqlite_errors(path: Path) -> Iterator[None]:
    """Raise a `Problem` about *path* instead of an error that is the environment's fault."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raw = error.orig if isinstance(error, DBAPIError) else error
        found: int | None = getattr(raw, "sqlite_errorcode", None)
        code = None if found is None else _BY_SQLITE.get(found) or _BY_SQLITE.get(found & 0xFF)
        if code is None and _is_damage(str(raw)):
            code = ProblemCode.DATABASE_CORRUPT
        if code is None:
            raise
        detail = "a text that is none" if "decode to UTF-8" in str(raw) else str(raw)  # which is quoted in it
        raise Problem(code, path=str(path), detail=detail) from error


def file_problems(path: Path) -> AbstractContextManager[None]:
    """Raise a `Problem` about *path* instead of the file system's own error."""
    return os_errors_as(ProblemCode.DATABASE_NOT_WRITABLE, path, full=ProblemCode.DATABASE_DISK_FULL)
