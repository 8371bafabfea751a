"""Times recorded in the database: the end of the former run, the newest date, and wrong dates."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, select, text

from app.domain.trusted_time import MESSAGE_AHEAD, TimeMark
from app.storage.columns import utc_text
from app.storage.database import Database
from app.storage.tables import setting

KEY: Final = "trusted_time"
LOOKED_BACK: Final = 500
"""So many rows at the end of each table are looked at: the rest was stored before them."""

_NEWEST: Final = tuple(
    f"SELECT {column} FROM {table} ORDER BY {key} DESC LIMIT {LOOKED_BACK}"  # noqa: S608 - names of ours
    for table, column, key in (
        ("transition", "at", "id"),
        ("audit", "at", "number"),
        ("message", "stored_at", "number"),
        ("procedure", "began_at", "number"),
        ("mentorado", "created_at", "rowid"),
    )
)
_OURS: Final = (
    "UPDATE suppression SET erased_at = :now WHERE erased_at > :now",
    "UPDATE registration_try SET at = :now WHERE at > :now",
    "UPDATE outbound_message SET reserved_at = :now WHERE reserved_at > :now",
    "UPDATE message_alias SET stored_at = :now WHERE stored_at > :now",
    "UPDATE switch_item SET at = min(at, :now), switched_at = min(switched_at, :now)"
    " WHERE at > :now OR switched_at > :now",
    # A pause that a wrong clock made long ends when a person says so.
    "UPDATE switch_run SET pause_until = NULL WHERE pause_until > :ahead",
    "UPDATE smoke_test SET began_at = min(began_at, :now), ended_at = min(ended_at, :now) WHERE ended_at > :now",
    "UPDATE link_activity SET received_at = min(received_at, :now), phone_seen_at = min(phone_seen_at, :now)"
    " WHERE received_at > :now OR phone_seen_at > :now",
    "DELETE FROM figure WHERE hour > :now",
    "UPDATE message SET received_at = min(received_at, :now), stored_at = min(stored_at, :now) WHERE number IN"
    " (SELECT number FROM message ORDER BY number DESC LIMIT 20000)"
    " AND (stored_at > :now OR received_at > :now)",
)
_PROVIDERS: Final = (
    # By the index that has the date in it: no message is touched that is not to be changed.
    "UPDATE message SET sent_at = min(received_at, :now) WHERE number IN"
    " (SELECT number FROM message INDEXED BY ix_message_conversation_id WHERE sent_at > :ahead)",
    "UPDATE contact SET named_at = :now WHERE named_at > :ahead",  # no later name would take its place
    "UPDATE early_receipt SET at = :now WHERE at > :ahead",
)


class SqlTimeRecords:
    """Implements `TimeRecords`. The log of moves and the audit refuse to be changed and are not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(self) -> TimeMark | None:
        return await self._database.read(_mark)

    async def save(self, mark: TimeMark) -> None:
        await self._database.run(_save, mark)

    async def newest(self) -> datetime | None:
        return await self._database.read(_newest)

    async def correct(self, now: datetime) -> int:
        return await self._database.run(_correct, now)


def known_time(read: Callable[[str], Iterable[object]]) -> datetime | None:
    """How far time had got when something was stored last, as a start of the program takes it; *read* gives the first
    column of what a query finds."""
    kept = f"SELECT value FROM setting WHERE key = '{KEY}'"  # noqa: S608 - a name of ours
    mark = _mark_in(next(iter(read(kept)), None))
    newest = max(_moments(each for query in _NEWEST for each in read(query)), default=None)
    if mark is None or newest is None:
        return newest if mark is None else mark.at
    disregarded = mark.disregarded_until is not None and newest <= mark.disregarded_until
    return mark.at if disregarded else max(mark.at, newest)


def _mark(connection: Connection) -> TimeMark | None:
    return _mark_in(connection.execute(select(setting.c.value).where(setting.c.key == KEY)).scalar())


def _mark_in(written: object) -> TimeMark | None:
    if written is None:
        return None
    try:
        known = json.loads(str(written))
        until = known["disregarded_until"]
        return TimeMark(at=_utc(known["at"]), disregarded_until=None if until is None else _utc(until))
    except (ValueError, TypeError, LookupError, OverflowError):
        return None  # damaged: what is stored besides says enough


def _save(connection: Connection, mark: TimeMark) -> None:
    until = mark.disregarded_until
    known = {"at": utc_text(mark.at), "disregarded_until": None if until is None else utc_text(until)}
    values = {"value": json.dumps(known), "changed_at": mark.at}
    if connection.execute(setting.update().where(setting.c.key == KEY).values(**values)).rowcount == 0:
        connection.execute(setting.insert().values(key=KEY, **values))


def _newest(connection: Connection) -> datetime | None:
    found = (text for query in _NEWEST for text in connection.exec_driver_sql(query).scalars())
    return max(_moments(found), default=None)


def _moments(texts: Iterable[object]) -> Iterable[datetime]:
    for found in texts:
        with suppress(ValueError, TypeError, OverflowError):  # a damaged row says nothing
            yield _utc(found)


def _utc(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC)


def _correct(connection: Connection, now: datetime) -> int:
    moments = {"now": utc_text(now), "ahead": utc_text(now + MESSAGE_AHEAD)}
    return sum(
        connection.execute(
            text(statement), {name: moments[name] for name in moments if f":{name}" in statement}
        ).rowcount
        for statement in (*_OURS, *_PROVIDERS)
    )
