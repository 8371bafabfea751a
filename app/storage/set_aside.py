"""Deliveries that were not taken into the history, in their table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from json import dumps
from typing import Any

from sqlalchemy import Connection, Row, Select, case, delete, func, or_, select

from app.domain.erasure import spellings
from app.domain.mentorado import LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import Address, SetAsideReason, WireUnknown
from app.domain.set_aside import PAYLOAD_LIMIT, PAYLOADS_LIMIT, SetAsideCount, SetAsideDelivery
from app.storage.database import Database
from app.storage.history.suppressions import Suppressed
from app.storage.rows import count, plain, readable
from app.storage.tables import link, set_aside


class SqlSetAside:
    """Implements `SetAsideDeliveries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self, mentorado_id: MentoradoId | None = None) -> Sequence[SetAsideCount]:
        return await self._database.read(_counts, mentorado_id)

    async def latest(self, mentorado_id: MentoradoId | None = None, *, limit: int = 50) -> Sequence[SetAsideDelivery]:
        return await self._database.read(_latest, mentorado_id, limit)


def add(connection: Connection, mentorado: Mentorado, unknown: Iterable[WireUnknown], at: datetime) -> None:
    """Store each of *unknown* once, however often it is delivered, unless it was erased."""
    new = {_digest(each): each for each in unknown}
    if not new:
        return
    link, size = mentorado.link, set_aside.c.payload_size
    theirs = set_aside.c.link_id == link.id
    digests = select(set_aside.c.digest).where(theirs, set_aside.c.digest.in_(new))
    known = set(connection.execute(digests).scalars())
    bounded = func.sum(case((size > PAYLOAD_LIMIT, PAYLOAD_LIMIT), else_=size))
    kept: int = connection.execute(select(bounded).where(theirs)).scalar() or 0
    suppressed = Suppressed(connection, mentorado.id)
    for digest, each in new.items():
        if digest in known or (each.about, each.at) in suppressed:
            continue
        payload = _clean(each.payload)[:PAYLOAD_LIMIT]
        kept += len(payload)
        connection.execute(
            set_aside.insert().values(
                link_id=link.id,
                provider=link.provider.value,
                kind=_clean(each.kind)[:100],
                reason=each.reason.value,
                detail=_clean(each.detail)[:200],
                at=at,
                about=dumps([address.key for address in each.about]),
                digest=digest,
                payload_size=len(each.payload),
                payload=payload if kept <= PAYLOADS_LIMIT else "",
            )
        )


def erase(connection: Connection, mentorado_id: MentoradoId, addresses: Sequence[Address]) -> None:
    """Remove what is about one of *addresses*, or names one anywhere in its payload."""
    if not addresses:
        return
    keys = [func.instr(set_aside.c.about, dumps(key)) > 0 for address in addresses for key in address.keys]
    named = [func.instr(set_aside.c.payload, text) > 0 for address in addresses for text in spellings(address)]
    connection.execute(delete(set_aside).where(set_aside.c.link_id.in_(_links_of(mentorado_id)), or_(*keys, *named)))


def forget(connection: Connection, mentorado_id: MentoradoId | None, moment: datetime) -> None:
    """Remove what was set aside before *moment*, of one mentorado or of all."""
    old = delete(set_aside).where(set_aside.c.at < moment)
    connection.execute(old if mentorado_id is None else old.where(set_aside.c.link_id.in_(_links_of(mentorado_id))))


def _counts(connection: Connection, mentorado_id: MentoradoId | None) -> list[SetAsideCount]:
    what = (set_aside.c.link_id, link.c.mentorado_id, set_aside.c.provider, set_aside.c.kind, set_aside.c.reason)
    last = func.max(set_aside.c.number).label("last_number")
    query = select(*what, func.count().label("times"), func.max(set_aside.c.at).label("last"), last)
    query = query.join(link, link.c.id == set_aside.c.link_id).group_by(*what).order_by(last.desc())
    if mentorado_id is not None:
        query = query.where(link.c.mentorado_id == mentorado_id)
    rows = connection.execute(query)
    counts = readable("set_aside", rows, lambda row: SetAsideCount(count=row.times, last=row.last, **_common(row)))
    return list(counts)


def _latest(connection: Connection, mentorado_id: MentoradoId | None, limit: int) -> list[SetAsideDelivery]:
    query = select(set_aside, link.c.mentorado_id).join(link, link.c.id == set_aside.c.link_id)
    if mentorado_id is not None:
        query = query.where(link.c.mentorado_id == mentorado_id)
    rows = connection.execute(query.order_by(set_aside.c.number.desc()).limit(limit))

    def delivery_from_row(row: Row[Any]) -> SetAsideDelivery:
        return SetAsideDelivery(
            number=row.number,
            detail=plain(row.detail),
            at=row.at,
            payload=plain(row.payload),
            payload_size=count(row.payload_size) or 0,
            **_common(row),
        )

    return list(readable("set_aside", rows, delivery_from_row))


def _common(row: Row[Any]) -> dict[str, Any]:
    return {
        "link_id": LinkId(row.link_id),
        "mentorado_id": MentoradoId(row.mentorado_id),
        "provider": ProviderKind(row.provider),
        "kind": plain(row.kind),
        "reason": SetAsideReason(row.reason),
    }


def _links_of(mentorado_id: MentoradoId) -> Select[Any]:
    return select(link.c.id).where(link.c.mentorado_id == mentorado_id)


def _digest(unknown: WireUnknown) -> str:
    return sha256(dumps([unknown.kind, unknown.payload]).encode()).hexdigest()


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")
