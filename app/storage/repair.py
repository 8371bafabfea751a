"""Makes anew what the database lost that follows from the rest of it: the index for the search, and the triggers,
indices and views that belong to its shape. No message is touched, and no page of a damaged index is given to others."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine

from app.storage.columns import utc_text
from app.storage.migrations import PARTS, SHAPE_QUERY, Migrations, is_due, shape_fault

log = logging.getLogger(__name__)

INDEX: Final = "message_fts"
_OF_INDEX: Final = tuple(f"{INDEX}_{part}" for part in ("data", "idx", "docsize", "config"))
_MARK: Final = "search_mark"

SEARCH: Final = frozenset({INDEX, *_OF_INDEX, _MARK, f"{_MARK}.id", f"{_MARK}.number"})
"""Tables of the index, and up to where it goes."""

AUDITED: Final = frozenset({"audit_head"})
"""A table whose loss the audit log tells of itself, with the entry from which on nothing can be proven."""

_KEEP_INDEX: Final = frozenset({"message_words", "message_words_change", "message_words_go"})
"""Without these the index is not true to the messages any more."""

_MARK_FITS: Final = (
    "SELECT count(*) FROM search_mark WHERE typeof(number) = 'integer' AND number BETWEEN 0 AND max("
    "coalesce((SELECT max(number) FROM message), 0), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'message'),"
    " 0))"
)
_STARTS_OF_PIECES: Final = (
    "SELECT NOT EXISTS (SELECT 1 FROM message_fts_data WHERE id > 10) OR EXISTS (SELECT 1 FROM message_fts_idx)"
)
_ALL_THERE: Final = (
    "SELECT (SELECT count(*) FROM message_fts_docsize) ="
    " (SELECT count(*) FROM message JOIN conversation ON conversation.id = conversation_id"
    " WHERE shown AND number <= (SELECT number FROM search_mark))"
)


def lacking_parts(raw: sqlite3.Connection, revision: str, migrations: Migrations) -> Sequence[str]:
    """The triggers, indices and views that a database of *revision* should have and *raw* has not."""
    there = _names(raw)
    due = migrations.revisions[: migrations.revisions.index(revision) + 1]
    return [name for each in due for name in PARTS.get(each, ()) if name not in there]


def search_damage(raw: sqlite3.Connection, *, thorough: bool = True) -> str:
    """What is wrong with the index for the search; empty if nothing was found. Only *thorough* reads all of it.

    Raises `sqlite3.Error` for what is no damage: another program's lock, or an interruption.
    """
    if lacking := sorted({INDEX, *_OF_INDEX, _MARK} - _names(raw)):
        return f"missing: {', '.join(lacking)}"
    try:
        if raw.execute(_MARK_FITS).fetchone() != (1,):
            return "unknown up to where it goes"
        raw.execute(f"SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH '\"a\"' LIMIT 1").fetchone()  # noqa: S608
        return _read_through(raw) if thorough else ""
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return str(error)


def _read_through(raw: sqlite3.Connection) -> str:
    for table in _OF_INDEX:
        if (found := _check(raw, table)) != "ok":
            return found
    if raw.execute(_STARTS_OF_PIECES).fetchone() != (1,):
        return "its pieces cannot be found"
    raw.execute(f"CREATE VIRTUAL TABLE temp.term USING fts5vocab('main', '{INDEX}', 'row')")
    try:
        raw.execute("SELECT count(*) FROM temp.term").fetchone()
    finally:
        raw.execute("DROP TABLE temp.term")
    return "" if raw.execute(_ALL_THERE).fetchone() == (1,) else "some messages are not in it"


def is_damage(error: sqlite3.Error) -> bool:
    """Whether *error* says that what is read makes no sense, and not that it cannot be read now."""
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB)


def rest_is_whole(raw: sqlite3.Connection) -> bool:
    """Whether every table but those of the index can be read. Raises `sqlite3.Error` where it is interrupted."""
    tables = raw.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    ).fetchall()
    try:
        return all(_check(raw, name) == "ok" for (name,) in tables if name not in SEARCH)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return False


_UNUSED: Final = re.compile(r"Page \d+(?: is|:) never used")


def only_leaves_room(fault: str, raw: sqlite3.Connection) -> bool:
    """Whether *fault*, the first that SQLite names, is what a former index left: pages that a rewriting frees."""
    return _UNUSED.match(fault) is not None and bool(
        raw.execute("SELECT 1 FROM setting WHERE key = ?", (TRACES_LEFT,)).fetchone()
    )


TRACES_LEFT: Final = "traces_left"
"""The setting that is there while words that should be gone may be in pages of the file, until it is written anew."""


def _check(raw: sqlite3.Connection, table: str) -> str:
    """Pages and rows of one table and its indices. Another's pages are not looked at."""
    found = str(raw.execute(f"PRAGMA quick_check('{table}')").fetchone()[0])
    return found.replace("*** in database main ***\n", "").partition("\n")[0]


def _names(raw: sqlite3.Connection) -> frozenset[str]:
    return frozenset(name for (name,) in raw.execute("SELECT name FROM sqlite_master"))


# --- putting it right -----------------------------------------------------------------------------------------------


def repair(path: Path, migrations: Migrations, *, thorough: bool, busy_timeout: float) -> Sequence[str]:
    """Rebuild what is missing at *path*, a database of the current revision, and return its names.

    An index that is damaged stays as it is while another table is damaged too: that is no fault of the index alone.
    Raises `sqlite3.Error`; all or nothing is done.
    """
    with closing(sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)) as raw:
        raw.execute("PRAGMA secure_delete = ON")
        seen = _schema(raw)
        lacking = _lacking(raw, migrations, thorough=thorough)
        if not lacking:
            return []
        # An index that does not open is not tried again inside: SQLite refuses to forget it in a transaction that did.
        with _writing(raw):
            made = _make(raw, lacking, migrations) if _schema(raw) == seen else []  # another program was quicker
    if made:
        log.info("Parts of the database were damaged or missing and were made anew: %s", ", ".join(made))
    return made


def _schema(raw: sqlite3.Connection) -> int:
    return int(raw.execute("PRAGMA schema_version").fetchone()[0])


def _lacking(raw: sqlite3.Connection, migrations: Migrations, *, thorough: bool) -> Sequence[str]:
    """Names in the order in which they are made; the index last."""
    lacking = list(lacking_parts(raw, migrations.head, migrations))
    noted = is_due("setting", migrations.head, migrations)  # in the shapes of long ago nothing could be noted
    damage = search_damage(raw, thorough=thorough) if noted else ""
    if not (lacking or damage) or _fault_of_shape(raw, migrations):
        return []
    if damage and rest_is_whole(raw):
        log.info("The index for the search is damaged: %s", damage)
        return [*lacking, INDEX]
    return [*lacking, INDEX] if noted and _KEEP_INDEX & {*lacking} and not damage else lacking


def _fault_of_shape(raw: sqlite3.Connection, migrations: Migrations) -> str:
    found = frozenset(str(name) for (name,) in raw.execute(SHAPE_QUERY))
    return shape_fault(found, migrations.head, migrations, aside=SEARCH | AUDITED)


def _make(raw: sqlite3.Connection, lacking: Sequence[str], migrations: Migrations) -> Sequence[str]:
    statements = _statements(migrations) if lacking else {}
    made = []
    for name in lacking:
        if name == INDEX:
            _make_index(raw, statements)
            made.append(name)
            continue
        try:
            raw.execute(statements[name])
            made.append(name)
        except sqlite3.IntegrityError:
            log.info("There are rows twice, so that this index cannot be made: %s", name)
    return made


def _make_index(raw: sqlite3.Connection, statements: Mapping[str, str]) -> None:
    """An empty one: what is not indexed is searched as it is, until the index has followed.

    The former is forgotten and not dropped. To drop it, SQLite would follow its damaged pages and free them, although
    they may be a message's; so they stay until the file is written anew.
    """
    raw.execute("PRAGMA writable_schema = ON")
    raw.execute("DELETE FROM sqlite_master WHERE name IN (?, ?, ?, ?, ?)", (INDEX, *_OF_INDEX))
    raw.execute("PRAGMA writable_schema = RESET")
    raw.execute(statements[INDEX])
    if _MARK not in _names(raw):
        raw.execute(statements[_MARK])
    raw.execute("DELETE FROM search_mark")
    raw.execute("INSERT INTO search_mark (id, number) VALUES (1, 0)")
    at = utc_text(datetime.now(UTC))
    raw.execute("INSERT OR REPLACE INTO setting (key, value, changed_at) VALUES (?, 'true', ?)", (TRACES_LEFT, at))


@contextmanager
def _writing(raw: sqlite3.Connection) -> Iterator[None]:
    raw.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        raw.execute("ROLLBACK")
        raise
    raw.execute("COMMIT")


def _statements(migrations: Migrations) -> Mapping[str, str]:
    """How everything is made, by its name: of an empty database in memory."""
    from app.storage.migrations.upgrade import upgrade

    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            upgrade(connection, migrations)
            found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
    finally:
        engine.dispose()
    return {str(name): str(sql) for name, sql in found}
