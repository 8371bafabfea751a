"""The provider switches that were approved, and what the history says of those to come, on disk.

What needs SQLAlchemy imports it when there is work: only the worker thread may load it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.messages import Address, ContactId
from app.domain.outbound import DAY
from app.domain.procedure import ProcedureId
from app.domain.switch import (
    MOST_IN_WAVE,
    SwitchItem,
    SwitchItemState,
    SwitchPause,
    SwitchPlan,
    SwitchRun,
    SwitchRunId,
    SwitchState,
)
from app.storage.database import Database
from app.storage.rows import plain, readable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row


class SqlSwitches:
    """Implements `SwitchRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, run: SwitchRun) -> None:
        await self._database.run(_add, run)

    async def all(self) -> Sequence[SwitchRun]:
        return await self._database.read(_all)

    async def save_run(self, run: SwitchRun) -> None:
        await self._database.run(_save_run, run)

    async def save_item(self, item: SwitchItem) -> None:
        await self._database.run(_save_item, item)

    async def outside_window(self, mentorado_id: MentoradoId, since: datetime) -> Sequence[Address]:
        return await self._database.read(_outside_window, mentorado_id, since)

    async def groups(self, mentorado_id: MentoradoId, since: datetime) -> int:
        return await self._database.read(_groups, mentorado_id, since)


def _add(connection: Connection, run: SwitchRun) -> None:
    from app.storage.tables import switch_item, switch_run

    connection.execute(switch_run.insert().values(id=run.id, **_run_values(run)))
    if run.items:
        rows = [{"run_id": each.run_id, "number": each.number, **_item_values(each)} for each in run.items]
        connection.execute(switch_item.insert(), rows)


def _save_run(connection: Connection, run: SwitchRun) -> None:
    from app.storage.tables import switch_run

    connection.execute(switch_run.update().where(switch_run.c.id == run.id).values(**_run_values(run)))


def _save_item(connection: Connection, item: SwitchItem) -> None:
    from app.storage.tables import switch_item

    this = (switch_item.c.run_id == item.run_id) & (switch_item.c.number == item.number)
    connection.execute(switch_item.update().where(this).values(**_item_values(item)))


def _run_values(run: SwitchRun) -> dict[str, Any]:
    return {
        "target": run.plan.target.value,
        "plan": json.dumps(_written(run.plan), ensure_ascii=False),
        "digest": run.digest,
        "approved_at": run.approved_at,
        "approved_by": run.approved_by,
        "second_approver": run.second_approver,
        "state": run.state.value,
        "pause": None if run.pause is None else run.pause.value,
        "pause_until": run.pause_until,
        "wave": run.wave,
        "ended_at": run.ended_at,
    }


def _item_values(item: SwitchItem) -> dict[str, Any]:
    return {
        "wave": item.wave,
        "mentorado_id": item.mentorado_id,
        "source": item.source.value,
        "target": item.target.value,
        "from_link": item.from_link,
        "basis": item.basis,
        "to_link": item.to_link,
        "state": item.state.value,
        "procedure_id": item.procedure_id,
        "reason": item.reason,
        "at": item.at,
        "switched_at": item.switched_at,
    }


def _written(plan: SwitchPlan) -> dict[str, object]:
    return {
        "cohort": plan.cohort,
        "mentorados": list(plan.mentorados),
        "canary": plan.canary,
        "wave_size": plan.wave_size,
        "pause_minutes": plan.pause_minutes,
        "stop_at_percent": plan.stop_at_percent,
        "grace_seconds": int(plan.grace.total_seconds()),
    }


def _all(connection: Connection) -> list[SwitchRun]:
    from app.storage.tables import switch_item, switch_run

    items = defaultdict[SwitchRunId, list[SwitchItem]](list)
    rows = connection.execute(switch_item.select().order_by(switch_item.c.run_id, switch_item.c.number))
    for each in readable("switch_item", rows, _item):
        items[each.run_id].append(each)
    runs = connection.execute(switch_run.select().order_by(switch_run.c.approved_at.desc(), switch_run.c.id))
    return list(readable("switch_run", runs, lambda row: _run(row, items[row.id])))


def _run(row: Row[Any], items: Sequence[SwitchItem]) -> SwitchRun:
    return SwitchRun(
        id=SwitchRunId(row.id),
        plan=_plan(ProviderKind(row.target), json.loads(row.plan)),
        digest=plain(row.digest),
        approved_at=row.approved_at,
        approved_by=plain(row.approved_by),
        second_approver=plain(row.second_approver),
        state=SwitchState(row.state),
        pause=None if row.pause is None else SwitchPause(row.pause),
        pause_until=row.pause_until,
        wave=int(row.wave),
        ended_at=row.ended_at,
        items=tuple(items),
    )


def _plan(target: ProviderKind, written: dict[str, Any]) -> SwitchPlan:
    pause, canary = written["pause_minutes"], written["canary"]
    return SwitchPlan(
        target=target,
        cohort=str(written["cohort"]),
        mentorados=tuple(MentoradoId(str(each)) for each in written["mentorados"]),
        canary=None if canary is None else MentoradoId(str(canary)),
        wave_size=min(max(int(written["wave_size"]), 1), MOST_IN_WAVE),
        pause_minutes=None if pause is None else int(pause),
        stop_at_percent=int(written["stop_at_percent"]),
        grace=timedelta(seconds=int(written["grace_seconds"])),
    )


def _item(row: Row[Any]) -> SwitchItem:
    return SwitchItem(
        run_id=SwitchRunId(row.run_id),
        number=int(row.number),
        wave=int(row.wave),
        mentorado_id=MentoradoId(row.mentorado_id),
        source=ProviderKind(row.source),
        target=ProviderKind(row.target),
        from_link=LinkId(row.from_link),
        basis=plain(row.basis),
        to_link=None if row.to_link is None else LinkId(row.to_link),
        state=SwitchItemState(row.state),
        procedure_id=None if row.procedure_id is None else ProcedureId(plain(row.procedure_id)),
        reason=plain(row.reason),
        at=row.at,
        switched_at=row.switched_at,
    )


def _outside_window(connection: Connection, mentorado_id: MentoradoId, since: datetime) -> list[Address]:
    from sqlalchemy import select

    from app.storage.history.contacts import addresses_by_contact
    from app.storage.tables import contact, conversation, message

    talk = (
        select(conversation.c.contact_id, message.c.from_me, message.c.sent_at)
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .join(contact, contact.c.id == conversation.c.contact_id)
        .where(conversation.c.mentorado_id == mentorado_id, ~contact.c.many, message.c.shown)
        .where(message.c.sent_at > since - DAY)
        .order_by(conversation.c.contact_id, message.c.sent_at, message.c.number)
    )
    wrote: dict[ContactId, datetime] = {}
    outside: list[ContactId] = []
    for row in connection.execute(talk):
        if not row.from_me:
            wrote[row.contact_id] = row.sent_at
        elif row.sent_at > since and (row.contact_id not in wrote or row.sent_at - wrote[row.contact_id] > DAY):
            outside.append(row.contact_id)
    known = addresses_by_contact(connection, mentorado_id)
    return [known[each][0] for each in outside if each in known]


def _groups(connection: Connection, mentorado_id: MentoradoId, since: datetime) -> int:
    from sqlalchemy import func, select

    from app.storage.tables import contact, conversation, message

    written = (
        select(func.count(conversation.c.contact_id.distinct()))
        .join(message, message.c.conversation_id == conversation.c.id)
        .join(contact, contact.c.id == conversation.c.contact_id)
        .where(conversation.c.mentorado_id == mentorado_id, contact.c.many, message.c.shown)
        .where(message.c.sent_at > since)
    )
    return int(connection.execute(written).scalar_one())
