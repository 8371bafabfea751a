"""Every move of every link, append-only: the database itself refuses to change or remove one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, and_, func, or_, select

from app.domain.guidance import FORBIDDING
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    Reason,
    SendCapability,
    Trigger,
)
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.phone import PhoneNumber
from app.domain.repositories import Transition
from app.storage.database import Database
from app.storage.rows import plain, readable
from app.storage.tables import link, transition

_FORBIDDING: Final = tuple(sorted(reason.value for reason in FORBIDDING))


class SqlTransitionRepository:
    """Implements `TransitionRepository`.

    What lasts is kept. The code to scan (a credential), the next try and the evidence belong to the moment and are not.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, transition: Transition) -> None:
        await self._database.run(_append, transition)

    async def for_mentorado(self, mentorado_id: MentoradoId, limit: int = 50) -> Sequence[Transition]:
        return await self._database.read(_for_mentorado, mentorado_id, limit)

    async def since(self, link_id: LinkId, moment: datetime) -> Sequence[Transition]:
        return await self._database.read(_since, link_id, moment)

    async def latest(self) -> Mapping[LinkId, Transition]:
        return await self._database.read(_latest)

    async def forbidding(self) -> Mapping[LinkId, Transition]:
        return await self._database.read(_forbidding)


def _append(connection: Connection, happened: Transition) -> None:
    connection.execute(
        transition.insert().values(
            link_id=happened.link_id,
            at=happened.at,
            trigger=happened.trigger.name,
            before_state=happened.before.state.value,
            before_reason=happened.before.reason.value,
            before_since=happened.before.since,
            after_state=happened.after.state.value,
            reason=happened.after.reason.value,
            capability=happened.after.capability.value,
            until=happened.after.until,
            account=happened.after.account,
            detail=happened.after.detail,
        )
    )


def _for_mentorado(connection: Connection, mentorado_id: MentoradoId, limit: int) -> list[Transition]:
    their_links = link.select().where(link.c.mentorado_id == mentorado_id).with_only_columns(link.c.id)
    theirs = transition.select().where(transition.c.link_id.in_(their_links))
    rows = connection.execute(theirs.order_by(transition.c.id.desc()).limit(limit))
    return list(readable("transition", rows, to_transition))


def _since(connection: Connection, link_id: LinkId, moment: datetime) -> list[Transition]:
    ids = select(func.min(transition.c.id)).where(transition.c.link_id == link_id, transition.c.at >= moment)
    first = connection.execute(ids).scalar()
    # By their order: among the later ones are those of a clock that went wrong for a while, whatever time they tell.
    theirs = transition.select().where(transition.c.link_id == link_id)
    earlier = theirs if first is None else theirs.where(transition.c.id < first)
    rows = list(connection.execute(earlier.order_by(transition.c.id.desc()).limit(1)))
    if first is not None:
        rows += connection.execute(theirs.where(transition.c.id >= first).order_by(transition.c.id))
    return list(readable("transition", rows, to_transition))


def _latest(connection: Connection) -> dict[LinkId, Transition]:
    # One step down the index for each link, however long its history is; GROUP BY would walk all of it.
    one = transition.alias()
    last = select(func.max(one.c.id)).where(one.c.link_id == link.c.id).scalar_subquery()
    rows = connection.execute(select(transition).join_from(link, transition, transition.c.id == last))
    return {each.link_id: each for each in readable("transition", rows, to_transition)}


def _forbidding(connection: Connection) -> dict[LinkId, Transition]:
    one = transition.alias()
    forbade = and_(one.c.after_state == LinkState.BLOCKED.value, one.c.reason.in_(_FORBIDDING))
    connected = one.c.after_state == LinkState.CONNECTED.value
    lifted = and_(
        one.c.before_state == LinkState.BLOCKED.value,
        one.c.before_reason.in_(_FORBIDDING),
        one.c.after_state == LinkState.OFF.value,
    )
    newest_first = select(one.c.id).where(one.c.link_id == link.c.id).order_by(one.c.id.desc())
    last = newest_first.where(or_(forbade, connected, lifted)).limit(1).scalar_subquery()
    rows = connection.execute(select(transition).join_from(link, transition, transition.c.id == last))
    forbidding = [row for row in rows if row.reason in _FORBIDDING]
    return {each.link_id: each for each in readable("transition", forbidding, to_transition)}


def to_transition(row: Any) -> Transition:
    """The transition in *row* of its table."""
    return Transition(
        link_id=row.link_id,
        at=row.at,
        trigger=Trigger[row.trigger],
        before=LinkStatus(state=LinkState(row.before_state), reason=Reason(row.before_reason), since=row.before_since),
        after=LinkStatus(
            state=LinkState(row.after_state),
            reason=Reason(row.reason),
            since=row.at,
            capability=SendCapability(row.capability),
            until=row.until,
            account=None if row.account is None else PhoneNumber(plain(row.account)),
            detail=plain(row.detail),
        ),
    )
