"""The figures of all links, added up by the hour, and when each phone was seen."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Connection, func, select, text

from app.domain.figures import (
    GREATEST,
    KEPT,
    Figure,
    FigureKey,
    LinkInUse,
    RollUp,
    count_link,
    merged,
)
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import LinkId, ProviderKind
from app.domain.uptime import StateChange
from app.storage.columns import utc_text
from app.storage.database import Database
from app.storage.history.reading import newest_number
from app.storage.rows import plain, readable
from app.storage.tables import figure, link_activity, setting, transition
from app.storage.transitions import to_transition

KEY: Final = "figures"
ONE_PASS: Final = timedelta(days=1)
MESSAGES_AT_ONCE: Final = 20_000

# Restrict to what was received after the last count: a late message is stored anew, with another number.
_MESSAGES: Final = text(
    "SELECT substr(min(m.sent_at, m.received_at), 1, 13) AS hour, m.link_id, m.provider, m.from_me, count(*) AS number,"
    " max(m.received_at) AS received_at,"
    " max(CASE WHEN m.from_me AND m.provider = :web AND NOT EXISTS ("
    "SELECT 1 FROM outbound_message o WHERE o.link_id = m.link_id AND o.provider_id = m.provider_id"
    " AND o.reserved_at > strftime('%Y-%m-%dT%H:%M', m.sent_at, '-1 day')"
    " AND o.reserved_at < strftime('%Y-%m-%dT%H:%M', m.sent_at, '+1 day')"
    ") THEN min(m.sent_at, m.received_at) END) AS phone_seen_at"
    " FROM message m LEFT JOIN link_activity a ON a.link_id = m.link_id"
    " WHERE m.number > :first AND m.number <= :last AND m.shown"
    " AND (m.number <= :before OR a.received_at IS NULL OR m.received_at > a.received_at)"
    " GROUP BY 1, 2, 3, 4"
)
_ADD: Final = text(
    "INSERT INTO figure (hour, name, provider, detail, value) VALUES (:hour, :name, :provider, :detail, :value)"
    " ON CONFLICT (hour, name, provider, detail) DO UPDATE SET value = value + excluded.value"
)
_RAISE: Final = text(
    "INSERT INTO figure (hour, name, provider, detail, value) VALUES (:hour, :name, :provider, :detail, :value)"
    " ON CONFLICT (hour, name, provider, detail) DO UPDATE SET value = max(value, excluded.value)"
)
_SEEN: Final = text(
    "INSERT INTO link_activity (link_id, received_at, phone_seen_at) VALUES (:link_id, :received_at, :phone_seen_at)"
    " ON CONFLICT (link_id) DO UPDATE SET"
    " received_at = max(coalesce(received_at, ''), coalesce(excluded.received_at, received_at)),"
    " phone_seen_at = nullif(max(coalesce(phone_seen_at, ''), coalesce(excluded.phone_seen_at, '')), '')"
)
_TOTALS: Final = text(
    "SELECT name, detail, sum(value) AS total, max(value) AS most FROM figure"
    " WHERE hour >= :begin AND hour < :end GROUP BY name, detail"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """Up to where all is counted. Messages up to *before* were there when counting began."""

    at: datetime
    transition: int = 0
    message: int = 0
    before: int = 0


class SqlFigures:
    """Implements `FigureRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def roll_up(self, links: Sequence[LinkInUse], now: datetime) -> RollUp:
        return await self._database.run(_roll_up, links, now)

    async def add(self, counts: Mapping[FigureKey, int]) -> None:
        await self._database.run(_add, counts)

    async def totals(self, edges: Sequence[datetime]) -> Sequence[Mapping[tuple[Figure, str], int]]:
        return await self._database.read(_totals, edges)

    async def first_hour(self) -> datetime | None:
        return await self._database.read(
            lambda connection: connection.execute(select(func.min(figure.c.hour))).scalar()
        )

    async def last_seen(self) -> Mapping[LinkId, datetime]:
        return await self._database.read(_last_seen)


def _roll_up(connection: Connection, links: Sequence[LinkInUse], now: datetime) -> RollUp:
    mark = _mark(connection) or _first_mark(connection, now)
    begin = min(mark.at, now)  # a clock that was ahead may have counted further
    end = min(now, begin + ONE_PASS)
    counts, last_transition = _count_links(connection, links, mark.transition, begin, end, now=now)
    messages, last_message, more = _count_messages(connection, mark, now)
    whole = merged((counts, messages))
    _add(connection, whole)
    after = replace(mark, at=end, transition=last_transition, message=last_message)
    _save(connection, after, now)
    connection.execute(figure.delete().where(figure.c.hour < now - KEPT))
    return RollUp(until=end, caught_up=end == now and not more, counts=whole)


def _count_links(
    connection: Connection, links: Sequence[LinkInUse], first: int, begin: datetime, end: datetime, *, now: datetime
) -> tuple[Mapping[FigureKey, int], int]:
    fresh = select(transition).where(transition.c.id > first).order_by(transition.c.id)
    if end < now:
        later = select(transition.c.id).where(transition.c.id > first, transition.c.at > end)
        stop = connection.execute(later.order_by(transition.c.id).limit(1)).scalar()
        fresh = fresh if stop is None else fresh.where(transition.c.id < stop)
    moves: defaultdict[LinkId, list[StateChange]] = defaultdict(list)
    last = first
    for row in connection.execute(fresh):
        if row.at <= end:
            last = max(last, row.id)
        moves[row.link_id].extend(_changes([row]))
    counts = []
    for link in links:
        since, until = max(begin, link.begin), min(end, link.end or end)
        if since >= until:
            continue
        theirs = moves[link.link_id]
        former = [move for move in theirs if move.at < link.begin]
        inside = [move for move in theirs if link.begin <= move.at <= until]
        following = next((move for move in theirs if move.at > until), None)
        if following is None and until < now:
            following = _next(connection, link.link_id, last)
        counts.append(
            count_link(
                former[-1] if former else _former(connection, link.link_id, first),
                inside,
                link.provider,
                begin=since,
                end=until,
                live=link.live if following is None else following.before,
            )
        )
        _note_phone(connection, link, inside, end=until, now=now)
    return merged(counts), last


def _former(connection: Connection, link_id: LinkId, first: int) -> StateChange | None:
    latest = select(func.max(transition.c.id)).where(transition.c.link_id == link_id, transition.c.id <= first)
    return _change(connection, latest.scalar_subquery())


def _next(connection: Connection, link_id: LinkId, last: int) -> StateChange | None:
    following = select(func.min(transition.c.id)).where(transition.c.link_id == link_id, transition.c.id > last)
    return _change(connection, following.scalar_subquery())


def _change(connection: Connection, wanted: Any) -> StateChange | None:
    rows = connection.execute(select(transition).where(transition.c.id == wanted))
    return next(iter(_changes(rows)), None)


def _changes(rows: Iterable[Any]) -> list[StateChange]:
    found = readable("transition", rows, to_transition)
    return [StateChange(each.at, each.before, each.after) for each in found]


def _note_phone(
    connection: Connection, link: LinkInUse, moves: Sequence[StateChange], *, end: datetime, now: datetime
) -> None:
    """A code that was scanned proves that the phone is in use; so does Z-API, which asks it."""
    seen = [
        move.at for move in moves if (move.before.state, move.after.state) == (LinkState.QR_READY, LinkState.CONNECTED)
    ]
    at_hand = (link.live.state, link.live.reason) == (LinkState.CONNECTED, Reason.NONE)
    if link.provider is ProviderKind.ZAPI and at_hand and end == now:
        seen.append(now)
    if seen:
        values = {"link_id": link.link_id, "received_at": None, "phone_seen_at": utc_text(max(seen))}
        connection.execute(_SEEN, values)


def _count_messages(connection: Connection, mark: _Mark, now: datetime) -> tuple[Mapping[FigureKey, int], int, bool]:
    newest = newest_number(connection)
    last = min(newest, mark.message + MESSAGES_AT_ONCE)
    if last <= mark.message:
        return {}, mark.message, False
    values = {"first": mark.message, "last": last, "before": mark.before, "web": ProviderKind.WHATSAPP_WEB.value}
    counts: list[dict[FigureKey, int]] = []
    for row in connection.execute(_MESSAGES, values).all():
        seen = {"link_id": row.link_id, "received_at": row.received_at, "phone_seen_at": row.phone_seen_at}
        connection.execute(_SEEN, seen)
        counts.extend(readable("message", [row], _counted_messages))
    kept = [count for count in counts if now - KEPT <= next(iter(count)).hour <= now]
    return merged(kept), last, last < newest


def _counted_messages(row: Any) -> dict[FigureKey, int]:
    hour = datetime.fromisoformat(f"{row.hour}:00:00+00:00")
    name = Figure.MESSAGE_OUT if row.from_me else Figure.MESSAGE_IN
    return {FigureKey(hour, name, ProviderKind(row.provider), ""): row.number}


def _add(connection: Connection, counts: Mapping[FigureKey, int]) -> None:
    for statement, greatest in ((_ADD, False), (_RAISE, True)):
        rows = [
            {
                "hour": utc_text(key.hour),
                "name": key.figure.value,
                "provider": str(key.provider),
                "detail": str(key.detail),
                "value": value,
            }
            for key, value in counts.items()
            if (key.figure in GREATEST) is greatest and value
        ]
        if rows:
            connection.execute(statement, rows)


def _totals(connection: Connection, edges: Sequence[datetime]) -> list[Mapping[tuple[Figure, str], int]]:
    found: list[Mapping[tuple[Figure, str], int]] = []
    for begin, end in pairwise(edges):
        rows = connection.execute(_TOTALS, {"begin": utc_text(begin), "end": utc_text(end)})
        found.append(dict(readable("figure", rows, _total)))
    return found


def _total(row: Any) -> tuple[tuple[Figure, str], int]:
    name = Figure(row.name)
    return (name, plain(row.detail)), int(row.most if name in GREATEST else row.total)


def _last_seen(connection: Connection) -> dict[LinkId, datetime]:
    rows = connection.execute(select(link_activity).where(link_activity.c.phone_seen_at.is_not(None)))
    return {row.link_id: row.phone_seen_at for row in rows}


def _first_mark(connection: Connection, now: datetime) -> _Mark:
    connection.execute(figure.delete())  # there is something only where the mark was damaged
    first = connection.execute(select(transition.c.at).order_by(transition.c.id).limit(1)).scalar()
    newest = newest_number(connection)
    return _Mark(at=now if first is None else max(first, now - KEPT), before=newest)


def _mark(connection: Connection) -> _Mark | None:
    written = connection.execute(setting.select().where(setting.c.key == KEY)).one_or_none()
    if written is None:
        return None
    try:
        known = json.loads(written.value)
        return _Mark(at=datetime.fromisoformat(known.pop("at")), **{name: int(value) for name, value in known.items()})
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def _save(connection: Connection, mark: _Mark, now: datetime) -> None:
    values = {"value": json.dumps({**asdict(mark), "at": utc_text(mark.at)}), "changed_at": now}
    if connection.execute(setting.update().where(setting.c.key == KEY).values(**values)).rowcount == 0:
        connection.execute(setting.insert().values(key=KEY, **values))
