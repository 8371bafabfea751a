"""Campaigns and their recipients, on disk."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from app.domain.campaign import (
    Campaign,
    CampaignCandidate,
    CampaignDraft,
    CampaignId,
    CampaignState,
    PauseReason,
    Recipient,
    RecipientState,
)
from app.domain.consent import Purpose, state_for
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address
from app.domain.outbound import OutboundMessage, OutboundState
from app.domain.prices import TemplateCategory
from app.domain.sending import TemplateMessage
from app.storage.consents import contacts_of, in_order
from app.storage.database import Database, stored_address
from app.storage.history.suppressions import hashed_key
from app.storage.outbound import save
from app.storage.rows import plain, readable
from app.storage.tables import (
    campaign,
    campaign_recipient,
    contact,
    contact_address,
    conversation,
    message,
    outbound_message,
)

_KNOWN = {
    OutboundState.ACCEPTED.value: RecipientState.ACCEPTED.value,
    OutboundState.UNCERTAIN.value: RecipientState.UNCERTAIN.value,
}


class SqlCampaigns:
    """Implements `CampaignRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, campaign: Campaign, recipients: Sequence[Recipient]) -> None:
        await self._database.run(_add, campaign, recipients)

    async def all(self) -> Sequence[Campaign]:
        return await self._database.read(_campaigns, campaign.select())

    async def get(self, campaign_id: CampaignId) -> Campaign | None:
        wanted = campaign.select().where(campaign.c.id == campaign_id)
        return next(iter(await self._database.read(_campaigns, wanted)), None)

    async def recipients(self, campaign_id: CampaignId, *, state: RecipientState | None = None) -> Sequence[Recipient]:
        return await self._database.read(_recipients, campaign_id, state)

    async def candidates(self, mentorado_id: MentoradoId) -> Sequence[CampaignCandidate]:
        return await self._database.read(_candidates, mentorado_id)

    async def settle(self, campaign_id: CampaignId, at: datetime) -> None:
        await self._database.run(_settle, campaign_id, at)

    async def mark(self, recipient: Recipient, message: OutboundMessage | None) -> None:
        await self._database.run(_mark, recipient, message)

    async def set_state(
        self, campaign_id: CampaignId, state: CampaignState, reason: PauseReason | None, ended_at: datetime | None
    ) -> None:
        await self._database.run(_set_state, campaign_id, state, reason, ended_at)


def _add(connection: Connection, added: Campaign, recipients: Sequence[Recipient]) -> None:
    draft = added.draft
    template = draft.template
    written = {
        "name": draft.name,
        "cohort": draft.cohort,
        "mentorados": list(draft.mentorados),
        "text": draft.text,
        "template": None if template is None else [template.name, template.language, *template.parameters],
        "category": draft.category.value,
    }
    connection.execute(
        campaign.insert().values(
            id=added.id,
            draft=json.dumps(written, ensure_ascii=False),
            digest=added.digest,
            approved_at=added.approved_at,
            approved_by=added.approved_by,
            state=added.state.value,
        )
    )
    rows = [
        {
            "campaign_id": each.campaign_id,
            "number": each.number,
            "mentorado_id": each.mentorado_id,
            "contact": hashed_key(each.mentorado_id, each.address.key),
            "kind": each.address.kind.value,
            "value": each.address.value,
            "name": each.name,
            "state": each.state.value,
            "reason": "",
            "code": "",
        }
        for each in recipients
    ]
    connection.execute(campaign_recipient.insert(), rows)


def _campaigns(connection: Connection, wanted: Select[Any]) -> list[Campaign]:
    rows = connection.execute(wanted.order_by(campaign.c.approved_at.desc(), campaign.c.id)).all()
    by_state = select(campaign_recipient.c.campaign_id, campaign_recipient.c.state, func.count())
    these = by_state.where(campaign_recipient.c.campaign_id.in_([row.id for row in rows]))
    counts = defaultdict[str, dict[RecipientState, int]](dict)
    grouped = these.group_by(campaign_recipient.c.campaign_id, campaign_recipient.c.state)
    for campaign_id, state, count in connection.execute(grouped):
        known = _recipient_state(state)
        counts[campaign_id][known] = counts[campaign_id].get(known, 0) + count

    def made(row: Row[Any]) -> Campaign:
        return Campaign(
            id=CampaignId(row.id),
            draft=_draft(json.loads(row.draft)),
            digest=plain(row.digest),
            approved_at=row.approved_at,
            approved_by=plain(row.approved_by),
            state=CampaignState(row.state),
            pause_reason=None if row.pause_reason is None else PauseReason(row.pause_reason),
            ended_at=row.ended_at,
            counts=counts[row.id],
        )

    return list(readable("campaign", rows, made))


def _recipient_state(value: object) -> RecipientState:
    """A state that no version writes is uncertain: who has it is not written to again."""
    try:
        return RecipientState(str(value))
    except ValueError:
        return RecipientState.UNCERTAIN


def _draft(written: Mapping[str, Any]) -> CampaignDraft:
    template = written["template"]
    return CampaignDraft(
        name=str(written["name"]),
        cohort=str(written["cohort"]),
        mentorados=tuple(MentoradoId(each) for each in written["mentorados"]),
        text=str(written["text"]),
        template=None
        if template is None
        else TemplateMessage(name=template[0], language=template[1], parameters=tuple(template[2:])),
        category=TemplateCategory(written["category"]),
    )


def _recipients(connection: Connection, campaign_id: CampaignId, state: RecipientState | None) -> list[Recipient]:
    wanted = campaign_recipient.select().where(campaign_recipient.c.campaign_id == campaign_id)
    if state is not None:
        wanted = wanted.where(campaign_recipient.c.state == state.value)
    rows = connection.execute(wanted.order_by(campaign_recipient.c.number))
    return list(readable("campaign_recipient", rows, _recipient))


def _recipient(row: Row[Any]) -> Recipient:
    return Recipient(
        campaign_id=CampaignId(row.campaign_id),
        number=row.number,
        mentorado_id=MentoradoId(row.mentorado_id),
        address=stored_address(row),
        name=plain(row.name),
        state=_recipient_state(row.state),
        reason=plain(row.reason),
        code=plain(row.code),
        at=row.at,
    )


def _candidates(connection: Connection, mentorado_id: MentoradoId) -> list[CampaignCandidate]:
    ledger = contacts_of(connection, mentorado_id)
    entries = {address.key: each for each in ledger for address in each.addresses}
    people = (
        select(contact.c.id, contact.c.name, contact_address.c.kind, contact_address.c.value)
        .join(contact_address, contact_address.c.contact_id == contact.c.id)
        .where(contact.c.mentorado_id == mentorado_id, ~contact.c.many)
    )
    names: dict[str, str] = {}
    known = defaultdict[str, list[Address]](list)
    for row in connection.execute(people):
        names[row.id] = plain(row.name)
        known[row.id].append(stored_address(row))
    inbound = select(conversation.c.contact_id).distinct().join(message, message.c.conversation_id == conversation.c.id)
    theirs = inbound.where(conversation.c.mentorado_id == mentorado_id, ~message.c.from_me, message.c.shown)
    wrote = set(connection.execute(theirs).scalars())
    found: list[CampaignCandidate] = []
    seen: set[str] = set()
    for contact_id, addresses in known.items():
        recorded = next((entries[each.key] for each in addresses if each.key in entries), None)
        every = addresses if recorded is None else [*addresses, *recorded.addresses]
        seen |= {each.key for each in every}
        consent = state_for(() if recorded is None else recorded.entries, Purpose.CAMPAIGN)
        best = in_order(dict.fromkeys(every))
        found.append(
            CampaignCandidate(addresses=best, name=names[contact_id], wrote=contact_id in wrote, consent=consent)
        )
    for each in ledger:
        if each.addresses and not any(address.key in seen for address in each.addresses):
            consent = state_for(each.entries, Purpose.CAMPAIGN)
            found.append(CampaignCandidate(addresses=each.addresses, name="", wrote=False, consent=consent))
    return found


def _settle(connection: Connection, campaign_id: CampaignId, at: datetime) -> None:
    open_states = [RecipientState.WAITING.value, RecipientState.UNCERTAIN.value]
    rows = connection.execute(
        select(
            campaign_recipient.c.number,
            campaign_recipient.c.state,
            outbound_message.c.state.label("found"),
        )
        .join(
            outbound_message,
            (outbound_message.c.campaign == campaign_recipient.c.campaign_id)
            & (outbound_message.c.campaign_number == campaign_recipient.c.number),
        )
        .where(
            campaign_recipient.c.campaign_id == campaign_id,
            campaign_recipient.c.state.in_(open_states),
            outbound_message.c.state.in_(_KNOWN),
        )
    ).all()
    for row in rows:
        if _KNOWN[row.found] != row.state:
            this = (campaign_recipient.c.campaign_id == campaign_id) & (campaign_recipient.c.number == row.number)
            connection.execute(campaign_recipient.update().where(this).values(state=_KNOWN[row.found], at=at))


def _mark(connection: Connection, recipient: Recipient, sent: OutboundMessage | None) -> None:
    if sent is not None:
        save(connection, sent)
    this = (campaign_recipient.c.campaign_id == recipient.campaign_id) & (
        campaign_recipient.c.number == recipient.number
    )
    values = {"state": recipient.state.value, "reason": recipient.reason, "code": recipient.code, "at": recipient.at}
    connection.execute(campaign_recipient.update().where(this).values(values))


def _set_state(
    connection: Connection,
    campaign_id: CampaignId,
    state: CampaignState,
    reason: PauseReason | None,
    ended_at: datetime | None,
) -> None:
    unended = campaign.c.state.in_([CampaignState.RUNNING.value, CampaignState.PAUSED.value])
    values = {"state": state.value, "pause_reason": None if reason is None else reason.value, "ended_at": ended_at}
    connection.execute(campaign.update().where(campaign.c.id == campaign_id, unended).values(values))
