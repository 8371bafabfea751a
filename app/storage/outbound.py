"""Stores outbound messages and stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from app.domain.consent import ConsentChange, Purpose
from app.domain.link_status import LinkState
from app.domain.mentorado import LinkId, Mentorado
from app.domain.messages import Address, AddressKind
from app.domain.outbound import DAY, Hold, HoldReason, OutboundFacts, OutboundMessage, OutboundState, OutboundStop
from app.domain.redaction import redacted
from app.domain.sending import SendErrorKind
from app.storage.database import Database
from app.storage.history.suppressions import hashed_key
from app.storage.rows import plain, readable
from app.storage.tables import (
    consent_entry,
    contact_address,
    conversation,
    link,
    message,
    outbound_message,
    outbound_stop,
    transition,
)


class SqlOutbound:
    """Implements `OutboundRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def facts(self, mentorado: Mentorado, to: Address, now: datetime) -> OutboundFacts:
        return await self._database.read(_facts, mentorado, to, now)

    async def reserve(
        self,
        mentorado: Mentorado,
        to: Address,
        now: datetime,
        decide: Callable[[OutboundFacts], OutboundMessage | Hold],
    ) -> OutboundMessage | Hold:
        def work(connection: Connection) -> OutboundMessage | Hold:
            decided = decide(_facts(connection, mentorado, to, now))
            if isinstance(decided, OutboundMessage):
                if decided.campaign and _sent_by_campaign(connection, decided):
                    return Hold(HoldReason.ALREADY_SENT)
                _add(connection, decided)
            return decided

        return await self._database.run(work)

    async def save(self, message: OutboundMessage) -> None:
        await self._database.run(save, message)

    async def recover(self, before: datetime) -> Sequence[OutboundMessage]:
        return await self._database.run(_recover, before)

    async def stops(self) -> Sequence[OutboundStop]:
        return await self._database.read(_stops)

    async def stop(self, stop: OutboundStop) -> None:
        await self._database.run(_stop, stop)

    async def release(self, link_id: LinkId) -> None:
        await self._database.run(_release, link_id)


def _facts(connection: Connection, mentorado: Mentorado, to: Address, now: datetime) -> OutboundFacts:
    """Everything that decides about a message to *to*, whichever address of its contact that is."""
    day = now - DAY
    # WhatsApp judges a number by what it sends and has sent before, through whichever provider.
    links = select(link.c.id).where(link.c.mentorado_id == mentorado.id)
    named = select(contact_address.c.contact_id).where(
        contact_address.c.mentorado_id == mentorado.id, contact_address.c.key.in_(to.keys)
    )
    contact_id: str | None = connection.execute(named.limit(1)).scalar()
    known = select(contact_address.c.kind, contact_address.c.key).where(contact_address.c.contact_id == contact_id)
    keys = {row.key: row.kind for row in connection.execute(known)} | dict.fromkeys(to.keys, to.kind.value)
    # One contact is one recipient, whichever of its addresses is written to.
    chosen = min(keys, key=lambda key: (keys[key] != AddressKind.PHONE, key))

    ledger = consent_entry.select().where(
        consent_entry.c.mentorado_id == mentorado.id,
        consent_entry.c.contact.in_([hashed_key(mentorado.id, key) for key in keys]),
    )
    rows = connection.execute(ledger.order_by(consent_entry.c.number))
    sent = outbound_message.select().where(outbound_message.c.link_id.in_(links), outbound_message.c.reserved_at > day)
    counted = select(outbound_message.c.reserved_at).where(
        outbound_message.c.reserved_at > day, outbound_message.c.state != OutboundState.NOT_SENT.value
    )
    first = select(func.min(transition.c.at)).where(
        transition.c.link_id.in_(links), transition.c.after_state == LinkState.CONNECTED.value
    )
    return OutboundFacts(
        recipient=hashed_key(mentorado.id, chosen),
        last_inbound=None if contact_id is None else connection.execute(_last_inbound(contact_id)).scalar(),
        consent=[_consent(row) for row in rows],
        sent=list(readable("outbound_message", connection.execute(sent.order_by(outbound_message.c.number)), _message)),
        business_day=list(connection.execute(counted).scalars()),
        first_connected=connection.execute(first).scalar(),
        stop=next((each for each in _stops(connection) if each.link_id == mentorado.link.id), None),
    )


def _last_inbound(contact_id: str) -> Select[Any]:
    return (
        select(func.max(message.c.sent_at))
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(conversation.c.contact_id == contact_id, ~message.c.from_me, message.c.shown)
    )


def _consent(row: Row[Any]) -> tuple[ConsentChange, Purpose | None, datetime]:
    """A line that no version writes counts as an opt-out: what cannot be read never allows anything."""
    try:
        return ConsentChange(row.change), None if row.purpose is None else Purpose(row.purpose), row.at
    except ValueError:
        return ConsentChange.OPTED_OUT, None, row.at


def _sent_by_campaign(connection: Connection, message: OutboundMessage) -> bool:
    """Whether a message to the same recipient of a campaign may have left."""
    same = select(outbound_message.c.number).where(
        outbound_message.c.campaign == message.campaign,
        outbound_message.c.campaign_number == message.campaign_number,
        outbound_message.c.state != OutboundState.NOT_SENT.value,
    )
    return connection.execute(same).first() is not None


def _add(connection: Connection, message: OutboundMessage) -> None:
    connection.execute(
        outbound_message.insert().values(
            reference=message.reference,
            link_id=message.link_id,
            recipient=message.recipient,
            purpose=message.purpose.value,
            campaign=message.campaign,
            campaign_number=message.campaign_number,
            reserved_at=message.reserved_at,
            fingerprint=message.fingerprint,
            new_contact=message.new_contact,
            **_outcome(message),
        )
    )


def save(connection: Connection, message: OutboundMessage) -> None:
    """What became of a message that was reserved. What is known already never becomes less."""
    unknown = outbound_message.c.state.in_([OutboundState.RESERVED.value, OutboundState.UNCERTAIN.value])
    this = outbound_message.c.reference == message.reference
    connection.execute(outbound_message.update().where(this, unknown).values(**_outcome(message)))


def _outcome(message: OutboundMessage) -> dict[str, str | None]:
    return {
        "state": message.state.value,
        "provider_id": message.provider_id,
        "trouble": None if message.trouble is None else message.trouble.value,
        "code": message.code,
    }


def _recover(connection: Connection, before: datetime) -> list[OutboundMessage]:
    left = (outbound_message.c.state == OutboundState.RESERVED.value, outbound_message.c.reserved_at < before)
    references = list(connection.execute(outbound_message.select().where(*left)).mappings())
    if not references:
        return []
    connection.execute(outbound_message.update().where(*left).values(state=OutboundState.UNCERTAIN.value))
    these = outbound_message.c.reference.in_([each["reference"] for each in references])
    rows = connection.execute(outbound_message.select().where(these).order_by(outbound_message.c.number))
    return list(readable("outbound_message", rows, _message))


def _message(row: Row[Any]) -> OutboundMessage:
    return OutboundMessage(
        reference=plain(row.reference),
        link_id=LinkId(row.link_id),
        recipient=plain(row.recipient),
        purpose=Purpose(row.purpose),
        campaign=plain(row.campaign),
        campaign_number=int(row.campaign_number),
        reserved_at=row.reserved_at,
        state=OutboundState(row.state),
        provider_id=plain(row.provider_id),
        fingerprint=int(row.fingerprint),
        new_contact=bool(row.new_contact),
        trouble=None if row.trouble is None else SendErrorKind(row.trouble),
        code=plain(row.code),
    )


def _stops(connection: Connection) -> list[OutboundStop]:
    def made(row: Row[Any]) -> OutboundStop:
        try:
            trouble = SendErrorKind(row.trouble)
        except ValueError:  # of another version: it holds all the same
            trouble = SendErrorKind.UNKNOWN
        return OutboundStop(
            link_id=LinkId(row.link_id), trouble=trouble, code=plain(row.code), at=row.at, detail=plain(row.detail)
        )

    return [made(row) for row in connection.execute(outbound_stop.select())]


def _stop(connection: Connection, stop: OutboundStop) -> None:
    if connection.execute(outbound_stop.select().where(outbound_stop.c.link_id == stop.link_id)).first() is None:
        values = {"link_id": stop.link_id, "trouble": stop.trouble.value, "code": stop.code, "at": stop.at}
        connection.execute(outbound_stop.insert().values(**values, detail=redacted(stop.detail)[:300]))


def _release(connection: Connection, link_id: LinkId) -> None:
    connection.execute(outbound_stop.delete().where(outbound_stop.c.link_id == link_id))
