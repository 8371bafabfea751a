"""The results of smoke tests, and what the history says of one that is under way, on disk.

What needs SQLAlchemy imports it when there is work: only the worker thread may load it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.domain.link_status import SmokeTestOutcome
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.messages import Address, DeliveryStatus, merge_delivery
from app.domain.smoke_test import GOOD, SmokeTest, SmokeTestStage, SmokeTestTarget, SmokeTestTrouble
from app.storage.database import Database
from app.storage.rows import plain, readable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_LATEST = 2_000
"""An answer is looked for among so many messages at the end of the history: the rest was stored before it."""


class SqlSmokeTests:
    """Implements `SmokeTestRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, test: SmokeTest) -> None:
        await self._database.run(_add, test)

    async def latest(self) -> Sequence[SmokeTest]:
        return await self._database.read(_latest)

    async def delivery(self, link_id: LinkId, provider_id: str) -> tuple[DeliveryStatus | None, str]:
        return await self._database.read(_delivery, link_id, provider_id)

    async def has_received(self, link_id: LinkId, *, receipts: bool) -> bool:
        return await self._database.read(_has_received, link_id, receipts)

    async def arrived(
        self,
        mentorado_id: MentoradoId,
        since: datetime,
        *,
        word: str = "",
        sender: Address | None = None,
        link_id: LinkId | None = None,
    ) -> bool:
        return await self._database.read(_arrived, mentorado_id, since, word, sender, link_id)


def _add(connection: Connection, test: SmokeTest) -> None:
    from app.storage.tables import smoke_test

    found = {stage.value: at.astimezone(UTC).isoformat() for stage, at in test.stages.items()}
    connection.execute(
        smoke_test.insert().values(
            link_id=test.link_id,
            reference=test.reference,
            began_at=test.began_at,
            ended_at=test.ended_at,
            outcome=test.outcome,
            trouble=test.trouble.value,
            stages=json.dumps({"target": test.target.value, "code": test.code, **found}),
        )
    )


def _latest(connection: Connection) -> list[SmokeTest]:
    from sqlalchemy import func, select

    from app.storage.tables import link, smoke_test

    last = select(func.max(smoke_test.c.number)).group_by(smoke_test.c.link_id)
    ended = last.where(smoke_test.c.outcome != SmokeTestOutcome.CANCELLED.value)
    good = last.where(smoke_test.c.outcome.in_([each.value for each in GOOD]))
    wanted = (
        select(smoke_test, link.c.mentorado_id)
        .join(link, link.c.id == smoke_test.c.link_id)
        .where(smoke_test.c.number.in_(ended) | smoke_test.c.number.in_(good))
        .order_by(smoke_test.c.number)
    )
    return list(readable("smoke_test", connection.execute(wanted), _test))


def _test(row: Row[Any]) -> SmokeTest:
    found: Mapping[str, str] = json.loads(row.stages)
    return SmokeTest(
        mentorado_id=MentoradoId(row.mentorado_id),
        link_id=LinkId(row.link_id),
        target=SmokeTestTarget(found.get("target", SmokeTestTarget.OWN)),
        began_at=row.began_at,
        ended_at=row.ended_at,
        reference=plain(row.reference),
        outcome=SmokeTestOutcome(row.outcome),
        trouble=SmokeTestTrouble(row.trouble),
        code=found.get("code", ""),
        stages={stage: datetime.fromisoformat(found[stage]) for stage in SmokeTestStage if stage in found},
    )


def _delivery(connection: Connection, link_id: LinkId, provider_id: str) -> tuple[DeliveryStatus | None, str]:
    """The delivery as any link of the mentorado reported it: two may report one message."""
    from sqlalchemy import and_, or_, select

    from app.storage.tables import early_receipt, link, message, message_alias

    own = select(link.c.mentorado_id).where(link.c.id == link_id).scalar_subquery()
    links = select(link.c.id).where(link.c.mentorado_id == own)
    aliased = (message_alias.c.link_id.in_(links), message_alias.c.provider_id == provider_id)
    names = connection.execute(select(message_alias.c.of_link_id, message_alias.c.of_provider_id).where(*aliased)).all()
    status: DeliveryStatus | None = None
    failure = ""
    for table in (message, early_receipt):
        ids = [and_(table.c.link_id == of_link, table.c.provider_id == of_id) for of_link, of_id in names]
        where = or_(and_(table.c.link_id.in_(links), table.c.provider_id == provider_id), *ids)
        for row in connection.execute(select(table.c.delivery, table.c.failure).where(where)):
            if row.delivery in set(DeliveryStatus):
                status = merge_delivery(status, DeliveryStatus(row.delivery))
                failure = failure or plain(row.failure or "")
    return status, failure if status is DeliveryStatus.FAILED else ""


_RECEIPTS = (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ, DeliveryStatus.FAILED)


def _has_received(connection: Connection, link_id: LinkId, receipts: bool) -> bool:
    from sqlalchemy import select

    from app.storage.tables import early_receipt, message, message_alias

    theirs = select(message.c.number).where(message.c.link_id == link_id)
    if not receipts:
        again = select(message.c.number).join(
            message_alias,
            (message_alias.c.of_link_id == message.c.link_id)
            & (message_alias.c.of_provider_id == message.c.provider_id),
        )
        inbound = (each.where(~message.c.from_me) for each in (theirs, again.where(message_alias.c.link_id == link_id)))
        return any(connection.execute(each.limit(1)).first() is not None for each in inbound)
    known = [each.value for each in _RECEIPTS]
    early = select(early_receipt.c.provider_id).where(early_receipt.c.link_id == link_id)
    wanted = (
        theirs.where(message.c.from_me, message.c.delivery.in_(known)),
        early.where(early_receipt.c.delivery.in_(known)),
    )
    return any(connection.execute(each.limit(1)).first() is not None for each in wanted)


def _arrived(
    connection: Connection,
    mentorado_id: MentoradoId,
    since: datetime,
    word: str,
    sender: Address | None,
    link_id: LinkId | None,
) -> bool:
    from sqlalchemy import select

    from app.storage.history.reading import newest_number
    from app.storage.tables import contact_address, conversation, message, message_alias

    newest = newest_number(connection)
    wanted = (
        select(message.c.number)
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(
            message.c.number > newest - _LATEST,
            ~message.c.from_me,
            conversation.c.mentorado_id == mentorado_id,
            message.c.text.contains(word, autoescape=True),
        )
    )
    stored = message.c.stored_at >= since
    if link_id is not None:
        aliased = select(message_alias.c.provider_id).where(
            message_alias.c.link_id == link_id,
            message_alias.c.of_link_id == message.c.link_id,
            message_alias.c.of_provider_id == message.c.provider_id,
            message_alias.c.stored_at >= since,
        )
        stored = (stored & (message.c.link_id == link_id)) | aliased.exists()
    wanted = wanted.where(stored)
    if sender is not None:
        known = select(contact_address.c.contact_id).where(
            contact_address.c.mentorado_id == mentorado_id, contact_address.c.key.in_(sender.keys)
        )
        wanted = wanted.where(conversation.c.contact_id.in_(known))
    return connection.execute(wanted.limit(1)).first() is not None
