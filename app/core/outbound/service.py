"""The only way out: every message is checked, counted and written down here before its provider is asked."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Final
from uuid import uuid4

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.write_queue import WriteQueue
from app.domain.audit import AuditAction
from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, ConsentWriter, Purpose, consent_state
from app.domain.errors import Problem
from app.domain.events import MessagesStored, MessageUncertain, OutboundStopped
from app.domain.link_status import LinkState, LinkStatus, SendCapability
from app.domain.mentorado import LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import Address, AddressKind, DeliveryReceipt, DeliveryStatus, ProviderMessage
from app.domain.outbound import (
    Candidate,
    Hold,
    HoldReason,
    OutboundFacts,
    OutboundLimits,
    OutboundMessage,
    OutboundRepository,
    OutboundState,
    OutboundStop,
    estimated_duration,
    fingerprint,
    limits_hold,
    quiet_until,
)
from app.domain.phone import PhoneNumber, masked, same_account
from app.domain.provider import CanSend, Provider
from app.domain.repositories import Clock, MessageWriter
from app.domain.sending import STOPS_NUMBER, Accepted, NotSent, OutgoingMessage, SendErrorKind, SendResult

log = logging.getLogger(__name__)

LOST_AFTER: Final = timedelta(minutes=10)
"""A message that was reserved so long ago, and of which nothing was heard, is uncertain: no provider takes so long."""

CHECK_SECONDS: Final = 60.0

_ANSWERS: Final = (Purpose.CONVERSATION, Purpose.SMOKE_ANSWER, Purpose.OPT_OUT_CONFIRMATION)
"""What a restricted number may still send, to who wrote to it."""

Zones = Callable[[Address], Sequence[tzinfo]]
"""The time zones in which the owner of an address may live."""


class _SendGate:
    """One mentorado's: several messages may be on their way to a provider at once, and none while it is closed."""

    def __init__(self) -> None:
        self._sending = 0
        self._open, self._idle = asyncio.Event(), asyncio.Event()
        self._open.set()
        self._idle.set()

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        await self._open.wait()
        self._sending += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._sending -= 1
            if not self._sending:
                self._idle.set()

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        self._open.clear()
        try:
            await self._idle.wait()
            yield
        finally:
            self._open.set()


class OutboundService:
    """Decides whether a message may go out, and sends it. Nothing else calls a provider's `send`.

    A message is reserved, in one transaction with everything that decides about it, before its provider is asked: it
    counts for the limits from then on, also for other programs, and is never sent again by itself.
    """

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        providers: Mapping[ProviderKind, Provider],
        repository: OutboundRepository,
        history: MessageWriter,
        consents: ConsentWriter,
        audit_service: AuditService,
        write_queue: WriteQueue,
        clock: Clock,
        zones: Zones,
        limits: Callable[[], OutboundLimits] = OutboundLimits,
        gap: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._providers = providers
        self._repository = repository
        self._history = history
        self._consents = consents
        self._audit_service = audit_service
        self._write_queue = write_queue
        self._clock = clock
        self._zones = zones
        self._limits = limits
        self._gap = gap
        self._stops: dict[LinkId, OutboundStop] = {}
        self._unsaved: dict[LinkId, OutboundStop] = {}  # of them, while the disk fails
        self._resume_at: dict[LinkId, datetime] = {}  # the provider asked for a pause until then
        self._gates: defaultdict[MentoradoId, _SendGate] = defaultdict(_SendGate)

    async def load(self) -> None:
        """Read which links are stopped, by other programs too."""
        stored = {stop.link_id: stop for stop in await self._repository.stops()}
        before, self._stops = self._stops, {**stored, **self._unsaved}
        for mentorado in self._mentorados.all():
            stop = self._stops.get(mentorado.link.id)
            if stop != before.get(mentorado.link.id):
                self._bus.publish(OutboundStopped(mentorado.id, stop, known=True))

    async def run(self) -> None:
        """Until cancelled, mark messages that ended programs had reserved as uncertain."""
        while True:
            try:
                await self.recover()
            except Problem as problem:
                log.debug("Messages without a result are checked later: %s", problem.code)
            await self._clock.sleep(CHECK_SECONDS)

    async def recover(self) -> Sequence[OutboundMessage]:
        """Mark and return the messages whose result will never be known. Raises `Problem`."""
        lost = await self._repository.recover(self._clock.now() - LOST_AFTER)
        if lost:
            whose = {mentorado.link.id: mentorado.id for mentorado in self._mentorados.through_all()}
            for message in (each for each in lost if each.link_id in whose):
                self._bus.publish(MessageUncertain(whose[message.link_id], message.reference, message.purpose))
        return lost

    @property
    def limits(self) -> OutboundLimits:
        """Those in force now."""
        return self._limits()

    def can_send(self, kind: ProviderKind) -> bool:
        """Whether messages can be sent through this provider at all."""
        return isinstance(self._providers.get(kind), CanSend)

    def reaches(self, kind: ProviderKind) -> Sequence[AddressKind]:
        """The kinds of address that this provider can write to, the best first."""
        provider: object = self._providers.get(kind)
        return provider.reaches if isinstance(provider, CanSend) else ()

    def has_templates(self, kind: ProviderKind) -> bool:
        """Whether this provider wants an approved template where nobody wrote lately."""
        provider: object = self._providers.get(kind)
        return isinstance(provider, CanSend) and provider.window is not None

    def bulk_link_hold(self, mentorado_id: MentoradoId) -> Hold | None:
        """What holds back every campaign message, whoever would get it."""
        mentorado = self._mentorados.get(mentorado_id)
        status = self._supervisor.status(mentorado.link.id)
        return self._link_hold(mentorado, Purpose.CAMPAIGN, status, OutboundFacts(recipient=""))

    async def estimate(self, mentorado_id: MentoradoId, messages: int, new: int, *, repeats: bool) -> timedelta:
        """Estimate how long *messages* of a campaign take, *new* of them to new contacts. Raises `Problem`."""
        mentorado, now = self._mentorados.get(mentorado_id), self._clock.now()
        own = Address(AddressKind.PHONE, mentorado.expected_account)
        first = (await self._repository.facts(mentorado, own, now)).first_connected
        connected_for = timedelta() if first is None else max(now - first, timedelta())
        return estimated_duration(messages, new, self._limits(), repeats=repeats, connected_for=connected_for)

    def quiet_wait(self, to: Address) -> timedelta:
        """How long it is until the quiet hours of *to* are over."""
        now = self._clock.now()
        until = quiet_until(now, self._zones(to), self._limits())
        return timedelta() if until is None else until - now

    def sending_paused(self, mentorado_id: MentoradoId) -> AbstractAsyncContextManager[None]:
        """Nothing is sent for *mentorado_id* inside; entered once every provider answered what it was handed before."""
        return self._gates[mentorado_id].closed()

    def stopped(self, mentorado_id: MentoradoId) -> OutboundStop | None:
        """Why sending for *mentorado_id* is stopped, if it is."""
        return self.stop_of(self._mentorados.get(mentorado_id).link.id)

    def stop_of(self, link_id: LinkId) -> OutboundStop | None:
        """Why sending over *link_id* is stopped, if it is."""
        return self._stops.get(link_id)

    def stops_of(self, mentorado_id: MentoradoId) -> Sequence[OutboundStop]:
        """Why sending is stopped over the link in use and those beside it, that of the link in use first."""
        links = self._mentorados.links_of(mentorado_id) if self._stops else ()
        return [self._stops[link.id] for link in links if link.id in self._stops]

    async def release(self, mentorado_id: MentoradoId) -> None:
        """Release the stops of the mentorado's links. Audited."""
        for stop in self.stops_of(mentorado_id):
            mentorado = self._mentorados.through(stop.link_id)
            before = {"trouble": stop.trouble.value, "code": stop.code}
            with self._audit_service.with_changes(AuditAction.RELEASE_SENDING, mentorado, before=before):
                await self._repository.release(stop.link_id)
            self._unsaved.pop(stop.link_id, None)
            self._stops.pop(stop.link_id, None)
            self._bus.publish(OutboundStopped(mentorado_id, None))

    async def check(self, mentorado_id: MentoradoId, message: OutgoingMessage, purpose: Purpose) -> Hold | None:
        """What would hold *message* back now; None when it would go. Nothing is reserved. Raises `Problem`."""
        mentorado, now = self._mentorados.get(mentorado_id), self._clock.now()
        facts = await self._repository.facts(mentorado, message.to, now)
        decided = self._decide(mentorado, message, purpose, ("", 0), now, 0.0, facts)
        return decided if isinstance(decided, Hold) else None

    async def send(
        self,
        mentorado_id: MentoradoId,
        message: OutgoingMessage,
        purpose: Purpose,
        *,
        campaign: tuple[str, int] = ("", 0),
        on_submitted: Callable[[OutboundMessage], None] = lambda _message: None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        link_id: LinkId | None = None,
    ) -> OutboundMessage | Hold:
        """Send *message*, after waiting for its turn (a few seconds), or say what holds it back.

        *campaign* is the id of the campaign that it is part of, and the number of its recipient there.
        *on_submitted* is called just before the provider is asked. *sleep* waits for the turn: what it raises ends
        the call, and nothing was sent. *link_id* is a link beside the one in use, through which only a smoke test goes.

        Raises `Problem` when it cannot be written down: then nothing was sent. Cancelled while the provider is asked,
        it is uncertain.
        """
        limits = self._limits()
        gap = self._gap(limits.shortest_gap, limits.longest_gap)
        while True:
            async with self._gates[mentorado_id].sending():
                now = self._clock.now()
                mentorado = self._mentorados.get(mentorado_id, link_id)
                found: list[OutboundFacts] = []

                def decide(
                    facts: OutboundFacts,
                    mentorado: Mentorado = mentorado,
                    now: datetime = now,
                    found: list[OutboundFacts] = found,
                ) -> OutboundMessage | Hold:
                    found.append(facts)
                    return self._decide(mentorado, message, purpose, campaign, now, gap, facts)

                decided = await self._repository.reserve(mentorado, message.to, now, decide)
                if isinstance(decided, OutboundMessage):
                    outgoing = replace(message, reference=decided.reference, last_inbound=found[-1].last_inbound)
                    on_submitted(decided)
                    return await self._hand_over(mentorado, outgoing, decided)
            if decided.reason is not HoldReason.PACE or decided.until is None:
                return decided
            await (sleep or self._clock.sleep)(max((decided.until - now).total_seconds(), 0.0))

    # --- the rules ------------------------------------------------------------------------------------------------

    def _decide(
        self,
        mentorado: Mentorado,
        message: OutgoingMessage,
        purpose: Purpose,
        campaign: tuple[str, int],
        now: datetime,
        gap: float,
        facts: OutboundFacts,
    ) -> OutboundMessage | Hold:
        """The message as it is reserved, or what holds it back. Also called in the database's thread."""
        limits = self._limits()
        status = self._supervisor.status(mentorado.link.id)
        text = message.text if message.template is None else message.template.name
        candidate = Candidate(
            recipient=facts.recipient,
            purpose=purpose,
            fingerprint=fingerprint(text),
            new_contact=facts.last_inbound is None,
            template=message.template is not None,
        )
        hold = (
            self._link_hold(mentorado, purpose, status, facts)
            or self._provider_pause(mentorado, now)
            or _consent_hold(mentorado, message.to, purpose, status, facts)
            or self._window_hold(mentorado, message, now, facts)
            or self._quiet_hold(message.to, purpose, now, limits)
            or limits_hold(
                candidate,
                facts.sent,
                now,
                limits,
                business_day=facts.business_day,
                first_connected=facts.first_connected,
            )
            or _pace_hold(facts.sent, now, gap)
        )
        return hold or OutboundMessage(
            reference=uuid4().hex,
            link_id=mentorado.link.id,
            recipient=facts.recipient,
            purpose=purpose,
            campaign=campaign[0],
            campaign_number=campaign[1],
            reserved_at=now,
            fingerprint=candidate.fingerprint,
            new_contact=candidate.new_contact,
        )

    def _link_hold(
        self, mentorado: Mentorado, purpose: Purpose, status: LinkStatus, facts: OutboundFacts
    ) -> Hold | None:
        if not mentorado.link.in_use and purpose is not Purpose.SMOKE_TEST:
            return Hold(HoldReason.NOT_IN_USE)
        if not self.can_send(mentorado.link.provider):
            return Hold(HoldReason.CANNOT_SEND)
        if facts.stop is not None or mentorado.link.id in self._stops:  # the latter while the disk fails
            return Hold(HoldReason.STOPPED)
        if status.state is not LinkState.CONNECTED:
            return Hold(HoldReason.NOT_CONNECTED)
        if (ban := self._supervisor.ban(mentorado.id)) is not None:  # another link of the number heard of it
            return Hold(HoldReason.RESTRICTED, ban.until)
        if status.capability is SendCapability.RESTRICTED:
            answers = purpose in _ANSWERS and facts.last_inbound is not None
            return None if answers else Hold(HoldReason.RESTRICTED, status.until)
        return Hold(HoldReason.RESTRICTED, status.until) if status.capability is SendCapability.BLOCKED else None

    def _provider_pause(self, mentorado: Mentorado, now: datetime) -> Hold | None:
        until = self._resume_at.get(mentorado.link.id)
        return Hold(HoldReason.LINK_LIMIT, until) if until is not None and now < until else None

    def _window_hold(
        self, mentorado: Mentorado, message: OutgoingMessage, now: datetime, facts: OutboundFacts
    ) -> Hold | None:
        provider: object = self._providers.get(mentorado.link.provider)
        window = provider.window if isinstance(provider, CanSend) else None
        if window is None or message.template is not None:
            return None
        closed = facts.last_inbound is None or now - facts.last_inbound >= window
        return Hold(HoldReason.WINDOW_CLOSED) if closed else None

    def _quiet_hold(self, to: Address, purpose: Purpose, now: datetime, limits: OutboundLimits) -> Hold | None:
        if purpose is not Purpose.CAMPAIGN:  # a person pressed a button, and looks at the clock
            return None
        until = quiet_until(now, self._zones(to), limits)
        return None if until is None else Hold(HoldReason.QUIET_HOURS, until)

    # --- handing over -----------------------------------------------------------------------------------------------

    async def _hand_over(
        self, mentorado: Mentorado, outgoing: OutgoingMessage, reserved: OutboundMessage
    ) -> OutboundMessage:
        provider: object = self._providers[mentorado.link.provider]
        assert isinstance(provider, CanSend)  # noqa: S101 - `_link_hold` asked
        try:
            result = await provider.send(mentorado, outgoing)
        except (Problem, asyncio.CancelledError):
            uncertain = replace(reserved, state=OutboundState.UNCERTAIN)
            self._save(uncertain)
            self._bus.publish(MessageUncertain(mentorado.id, uncertain.reference, uncertain.purpose))
            if not provider.echoes_sent:
                self._write_queue.add(partial(self._record, mentorado, outgoing, uncertain))
            raise
        message = _with_result(reserved, result)
        self._save(message)
        if message.counts and not provider.echoes_sent:
            self._write_queue.add(partial(self._record, mentorado, outgoing, message))
        if message.state is OutboundState.UNCERTAIN:
            self._bus.publish(MessageUncertain(mentorado.id, message.reference, message.purpose))
        if isinstance(result, NotSent):
            await self._on_trouble(mentorado, outgoing.to, result)
        return message

    def _save(self, message: OutboundMessage) -> None:
        """Store the result as soon as the disk allows; until then the message counts as reserved."""
        self._write_queue.add(partial(self._repository.save, message))

    async def _record(self, mentorado: Mentorado, outgoing: OutgoingMessage, message: OutboundMessage) -> None:
        """Put what was sent into the history, where its provider does not report it. Repeating it is safe."""
        own = self._supervisor.number_of(mentorado)
        uncertain = message.state is OutboundState.UNCERTAIN
        provider_id, now = message.provider_id or f"conecta-{message.reference}", self._clock.now()
        template = outgoing.template
        sent = ProviderMessage(
            provider_id=provider_id,
            chat=(outgoing.to,),
            sender=(Address(AddressKind.PHONE, own),),
            from_me=True,
            text=outgoing.text if template is None else "\n".join((template.name, *template.parameters)),
            sent_at=message.reserved_at,
            received_at=now,
        )
        delivery = DeliveryStatus.UNCERTAIN if uncertain else DeliveryStatus.ACCEPTED
        receipt = DeliveryReceipt(provider_ids=(provider_id,), chat=sent.chat, delivery=delivery, at=sent.sent_at)
        changed = await self._history.store(mentorado, [sent, receipt], now)
        if changed:
            self._bus.publish(MessagesStored(mentorado.id, tuple(changed)))

    async def _on_trouble(self, mentorado: Mentorado, to: Address, refused: NotSent) -> None:
        now, link_id, trouble = self._clock.now(), mentorado.link.id, refused.trouble
        if trouble is SendErrorKind.RATE_GLOBAL and refused.after is not None:
            self._resume_at[link_id] = now + timedelta(seconds=refused.after)
        if trouble is SendErrorKind.OPTED_OUT:
            entry = ConsentEntry(
                mentorado_id=mentorado.id,
                contact=to,
                change=ConsentChange.OPTED_OUT,
                purpose=None,
                source=ConsentSource.PROVIDER,
                at=now,
            )
            self._write_queue.add(partial(self._consents.append, [entry]))
            contact = {"contact": masked(to.value), "code": refused.code}
            self._audit_service.record(AuditAction.OPT_OUT_RECEIVED, mentorado, after=contact)
        if trouble in STOPS_NUMBER and link_id not in self._stops:
            stop = OutboundStop(link_id=link_id, trouble=trouble, code=refused.code, at=now, detail=refused.detail)
            self._stops[link_id] = self._unsaved[link_id] = stop
            try:
                await self._save_stop(stop)
            except Problem:
                self._write_queue.add(partial(self._save_stop, stop))
            self._audit_service.record(
                AuditAction.STOP_SENDING, mentorado, after={"trouble": trouble.value, "code": refused.code}
            )
            self._bus.publish(OutboundStopped(mentorado.id, stop))

    async def _save_stop(self, stop: OutboundStop) -> None:
        """Store *stop*, unless it was released before the disk allowed that."""
        if self._unsaved.get(stop.link_id) == stop:
            await self._repository.stop(stop)
            self._unsaved.pop(stop.link_id, None)


def _with_result(reserved: OutboundMessage, result: SendResult) -> OutboundMessage:
    match result:
        case Accepted(provider_id=provider_id):
            return replace(reserved, state=OutboundState.ACCEPTED, provider_id=provider_id)
        case NotSent(trouble=trouble, code=code):
            return replace(reserved, state=OutboundState.NOT_SENT, trouble=trouble, code=code)
        case _:
            return replace(reserved, state=OutboundState.UNCERTAIN)


def _consent_hold(
    mentorado: Mentorado, to: Address, purpose: Purpose, status: LinkStatus, facts: OutboundFacts
) -> Hold | None:
    """Whether this recipient may be written to for *purpose*.

    Who wrote to us may be answered, unless they opted out after that; everybody else must have agreed. The number's
    own owner needs no asking.
    """
    if purpose is Purpose.SMOKE_TEST and _is_own(mentorado, to, status):
        return None
    state = consent_state(facts.consent, purpose)
    opted_out, last = state.opted_out_at, facts.last_inbound
    if purpose is Purpose.OPT_OUT_CONFIRMATION:
        return None if opted_out is not None else Hold(HoldReason.NO_CONSENT)
    if purpose in (Purpose.CONVERSATION, Purpose.SMOKE_ANSWER):
        if opted_out is not None and (last is None or last <= opted_out):
            return Hold(HoldReason.OPTED_OUT)
        return None if last is not None or state.granted else Hold(HoldReason.NO_CONSENT)
    if opted_out is not None:
        return Hold(HoldReason.OPTED_OUT)
    return None if state.granted else Hold(HoldReason.NO_CONSENT)


def _is_own(mentorado: Mentorado, to: Address, status: LinkStatus) -> bool:
    own = status.account or mentorado.expected_account
    return to.kind is AddressKind.PHONE and same_account(PhoneNumber(to.value), own)


def _pace_hold(sent: Sequence[OutboundMessage], now: datetime, gap: float) -> Hold | None:
    last = max((min(each.reserved_at, now) for each in sent if each.counts), default=None)
    if last is None or now - last >= timedelta(seconds=gap):
        return None
    return Hold(HoldReason.PACE, last + timedelta(seconds=gap))
