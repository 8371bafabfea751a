"""Proves that a link can send and receive: one short message out, delivered, and an answer back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Final

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.outbound.service import OutboundService
from app.core.settings_service import SettingsService
from app.core.write_queue import WriteQueue
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditOutcome
from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, ConsentWriter, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MentoradoAdded, MessagesStored, SmokeTestChanged
from app.domain.link_status import LinkState, SendCapability, SmokeTestOutcome
from app.domain.mentorado import LinkId, Mentorado, MentoradoId
from app.domain.messages import Address, AddressKind, DeliveryStatus
from app.domain.outbound import Hold, HoldReason, OutboundMessage, OutboundState
from app.domain.phone import PhoneNumber, masked, same_account
from app.domain.provider_descriptor import DESCRIPTORS
from app.domain.repositories import Clock
from app.domain.sending import OutgoingMessage, SendErrorKind, TemplateMessage
from app.domain.settings import SMOKE_TEST
from app.domain.smoke_test import (
    GOOD,
    HELD,
    REFUSED,
    UNAVAILABLE,
    SmokeTest,
    SmokeTestRepository,
    SmokeTestSettings,
    SmokeTestStage,
    SmokeTestTarget,
    SmokeTestTrouble,
)

DELIVERY_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 60.0
"""Seconds to wait for a test partner, which answers automatically."""

PERSON_SECONDS: Final = 300.0
"""Seconds to wait for a person who has to pick up a phone."""

LOOK_SECONDS: Final = 2.0
"""Seconds between polls of the history: another program may store the answer."""

VERSION: Final = "1"
"""Of the words with which the consent of a test's recipient is recorded."""

_STAGE, _TROUBLE, _TARGET = SmokeTestStage, SmokeTestTrouble, SmokeTestTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeTestTexts:
    """What is written, in the operator's language; *test* and *answer* are given the random word."""

    test: Callable[[str], str]
    asks_person: Callable[[str], str]
    answer: Callable[[str], str]
    consent: Callable[[], str]


class _Failure(Exception):
    """Ends a test."""

    def __init__(self, test: SmokeTest, trouble: SmokeTestTrouble) -> None:
        super().__init__(trouble)
        self.test = replace(test, outcome=SmokeTestOutcome.FAILED, trouble=trouble)


def random_word() -> str:
    """Six letters that can be read aloud."""
    return "".join(secrets.choice(letters) for letters in ("bdfglmnprstv", "aeiou") * 3)


class SmokeTestService:
    """Runs smoke tests, one at a time per link, and keeps their results. Nothing is ever sent twice."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        outbound: OutboundService,
        unavailable: Callable[[MentoradoId], UnavailableReason | None],
        repository: SmokeTestRepository,
        consents: ConsentWriter,
        settings_service: SettingsService,
        audit_service: AuditService,
        write_queue: WriteQueue,
        clock: Clock,
        texts: SmokeTestTexts,
        word: Callable[[], str] = random_word,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._outbound = outbound
        self._unavailable = unavailable  # why the action is not possible now
        self._repository = repository
        self._consents = consents
        self._settings_service = settings_service
        self._audit_service = audit_service
        self._write_queue = write_queue
        self._clock = clock
        self._texts = texts
        self._word = word
        self._running: dict[MentoradoId, SmokeTest] = {}
        self._last: dict[LinkId, SmokeTest] = {}
        bus.subscribe(MentoradoAdded, self._on_added)

    async def load(self) -> None:
        """Read the results of former runs, and of other programs."""
        for test in await self._repository.latest():
            with suppress(Problem):  # of a link that is not known here yet
                self._supervisor.record_smoke_test(test.mentorado_id, test.outcome, test.ended_at, test.link_id)
                self._last[test.link_id] = test

    @property
    def chosen(self) -> SmokeTestSettings:
        """The recipient of the tests."""
        return self._settings_service.settings.smoke_test

    def current(self, mentorado_id: MentoradoId) -> SmokeTest | None:
        """The test that is under way."""
        return self._running.get(mentorado_id)

    def last(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> SmokeTest | None:
        """The test of the link in use, or of *link_id*, that ended last, cancelled ones aside."""
        return self._last.get(link_id or self._mentorados.get(mentorado_id).link.id)

    def can_pass(self, mentorado: Mentorado) -> bool:
        """Whether a test of this link, in use or beside, can end so that `bulk_hold` lets it through, as the recipient
        is chosen now."""
        test = self._begin(mentorado, None)
        if test.target is _TARGET.OWN and not DESCRIPTORS[mentorado.link.provider].sends_to_itself:
            return False
        partly_counts = self._settings_service.settings.outbound_limits.partly_confirmed_counts
        return _STAGE.ANSWERED in test.expected or (partly_counts and not self._hears(mentorado))

    def bulk_hold(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> Problem | None:
        """Why the last smoke test does not allow bulk use of the link, or a change to it; None when it does.

        It must have passed on this link, and not be older than `OutboundLimits.smoke_test_hours`. A partly confirmed
        one counts only where the provider shows no more without webhooks and the limits allow it.
        """
        mentorado, test = self._mentorados.get(mentorado_id, link_id), self.last(mentorado_id, link_id)
        limits = self._settings_service.settings.outbound_limits
        code: ProblemCode | None = None
        if test is None or test.ended_at is None:
            code = ProblemCode.SMOKE_TEST_MISSING
        elif test.outcome is SmokeTestOutcome.PASSED or (
            test.outcome is SmokeTestOutcome.PARTLY and limits.partly_confirmed_counts and not self._hears(mentorado)
        ):
            age = abs(self._clock.now() - test.ended_at)  # one that is dated ahead is as little known as an old one
            code = ProblemCode.SMOKE_TEST_OLD if age > timedelta(hours=limits.smoke_test_hours) else None
        elif test.outcome is SmokeTestOutcome.PARTLY:
            code = ProblemCode.SMOKE_TEST_PARTLY
        else:
            code = ProblemCode.SMOKE_TEST_FAILED
        return None if code is None else Problem(code, name=mentorado.name, hours=str(limits.smoke_test_hours))

    async def choose(self, chosen: SmokeTestSettings) -> None:
        """Change the recipient, whose consent is recorded. Raises `Problem` when it is refused."""
        if chosen.target is _TARGET.PARTNER:
            self._mentorados.get(MentoradoId(chosen.partner))
        await self._settings_service.change(SMOKE_TEST, chosen)
        await self._consents.append(self._consents_for(self._mentorados.all()))

    async def run(
        self, mentorado_id: MentoradoId, to: PhoneNumber | None = None, *, link_id: LinkId | None = None
    ) -> SmokeTest:
        """Test the link in use, or *link_id* beside it, as far as it can be told here; it takes minutes where a person
        has to answer.

        Cancelled, it is over, and what was sent stays sent. Raises `Problem` when a test of this link is under way, or
        when the message cannot be written down: then nothing was sent.
        """
        mentorado = self._mentorados.get(mentorado_id, link_id)
        if mentorado_id in self._running:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=ActionName.SMOKE_TEST, why="under_way")
        self._show(self._begin(mentorado, to))
        try:
            test = await self._perform(mentorado, self._running[mentorado_id])
        except _Failure as failure:
            test = failure.test
        except BaseException:
            self._end(mentorado, replace(self._running[mentorado_id], outcome=SmokeTestOutcome.CANCELLED))
            raise
        return self._end(mentorado, test)

    # --- a test, from its begin to its end ------------------------------------------------------------------------

    def _begin(self, mentorado: Mentorado, to: PhoneNumber | None) -> SmokeTest:
        chosen = self.chosen
        own = self._supervisor.number_of(mentorado)
        target, number, partner = _TARGET.OWN, own, None
        if to is not None and not same_account(to, own):
            target, number = _TARGET.NUMBER, to
        elif to is None and chosen.target is _TARGET.NUMBER and not same_account(chosen.number, own):
            target, number = _TARGET.NUMBER, chosen.number
        elif to is None and chosen.target is _TARGET.PARTNER and chosen.partner != mentorado.id:
            partner = self._mentorados.get(MentoradoId(chosen.partner))
            target, number = _TARGET.PARTNER, self._supervisor.number_of(partner)
        return SmokeTest(
            mentorado_id=mentorado.id,
            link_id=mentorado.link.id,
            target=target,
            began_at=self._clock.now(),
            word=self._word(),
            to=number,
            partner=None if partner is None else partner.id,
            expected=self._expected(mentorado, target, partner),
        )

    def _expected(
        self, mentorado: Mentorado, target: SmokeTestTarget, partner: Mentorado | None
    ) -> tuple[SmokeTestStage, ...]:
        """The stages that can be seen: nobody says that what one writes to oneself arrived, and a hosted provider tells
        of receipts and answers by webhooks alone. What reaches a partner is seen at the partner's own link."""
        hears = self._hears(mentorado)
        arrives = partner is not None and self._hears(partner)
        seen = [_STAGE.SUBMITTED, _STAGE.ACCEPTED]
        if arrives or (target is not _TARGET.OWN and hears):
            seen.append(_STAGE.DELIVERED)
        if hears and (arrives or target is _TARGET.NUMBER):
            seen.append(_STAGE.ANSWERED)
        return tuple(seen)

    def _hears(self, mentorado: Mentorado) -> bool:
        """Whether receipts and answers reach this program."""
        return DESCRIPTORS[mentorado.link.provider].webhooks is None or self._settings_service.settings.webhooks.on

    async def _perform(self, mentorado: Mentorado, test: SmokeTest) -> SmokeTest:
        partner = self._require(mentorado, test)
        with _Watch(self._bus, self._clock, (mentorado.id, *(() if partner is None else (partner.id,)))) as watch:
            test, sent = await self._send(mentorado, test)
            if _STAGE.DELIVERED in test.expected:
                if not await watch.wait_until(
                    partial(self._delivered, mentorado, partner, test, sent), DELIVERY_SECONDS
                ):
                    return await self._without_delivery(mentorado, partner, test)
                test = self._reach(test, _STAGE.DELIVERED)
            if _STAGE.ANSWERED in test.expected:
                test = await self._await_answer(mentorado, partner, test, watch)
        passed = _STAGE.DELIVERED in test.stages and _STAGE.ANSWERED in test.stages
        return replace(test, outcome=SmokeTestOutcome.PASSED if passed else SmokeTestOutcome.PARTLY)

    async def _without_delivery(self, mentorado: Mentorado, partner: Mentorado | None, test: SmokeTest) -> SmokeTest:
        """The stages after a minute without a receipt: not delivered, unless no receipt could have come."""
        if (lost := self._lost(mentorado, partner)) is not None:
            raise _Failure(test, lost)
        receives = await self._receives(mentorado, receipts=True)
        if receives or (partner is not None and await self._receives(partner, receipts=False)):
            raise _Failure(test, _TROUBLE.NOT_DELIVERED)
        unseen = _TROUBLE.DELIVERY_UNSEEN
        return replace(test, expected=tuple(test.stages), outcome=SmokeTestOutcome.PARTLY, trouble=unseen)

    async def _receives(self, mentorado: Mentorado, *, receipts: bool) -> bool:
        """Whether receipts, or messages, of this link come: webhooks that are on here may not be registered there."""
        if DESCRIPTORS[mentorado.link.provider].webhooks is None:
            return True
        return self._hears(mentorado) and await self._repository.has_received(mentorado.link.id, receipts=receipts)

    def _require(self, mentorado: Mentorado, test: SmokeTest) -> Mentorado | None:
        """Return the test partner, if there is one. Raises `Problem`."""
        why = self._unavailable(mentorado.id) if mentorado.link.in_use else self._unavailable_beside(mentorado)
        if why is not None:
            raise _Failure(test, UNAVAILABLE.get(why, _TROUBLE.UNDER_WAY))
        if test.target is _TARGET.OWN and not DESCRIPTORS[mentorado.link.provider].sends_to_itself:
            raise _Failure(test, _TROUBLE.NOT_TO_ITSELF)
        if test.partner is None:
            return None
        partner = self._mentorados.get(test.partner)
        if not self._connected(partner):
            raise _Failure(test, _TROUBLE.PARTNER_OFFLINE)
        return partner

    async def _send(self, mentorado: Mentorado, test: SmokeTest) -> tuple[SmokeTest, OutboundMessage]:
        text = (self._texts.asks_person if test.target is _TARGET.NUMBER else self._texts.test)(test.word)
        message = OutgoingMessage(to=Address(AddressKind.PHONE, test.to), text=text)
        sent = await self._hand_over(mentorado, message)
        template = self.chosen.template
        if template and _window_closed(sent):
            name, _, language = template.partition("/")  # nothing went out, so this is no second message
            approved = TemplateMessage(name=name, language=language or "pt_BR")
            sent = await self._hand_over(mentorado, replace(message, text="", template=approved))
        test = self._running[mentorado.id]
        if isinstance(sent, Hold):
            raise _Failure(replace(test, until=sent.until), HELD[sent.reason])
        if sent.trouble is not None:
            raise _Failure(replace(test, code=sent.code), REFUSED[sent.trouble])
        if sent.state is not OutboundState.ACCEPTED:
            raise _Failure(test, _TROUBLE.NO_ACK)
        return self._reach(test, _STAGE.ACCEPTED), sent

    async def _hand_over(self, mentorado: Mentorado, message: OutgoingMessage) -> OutboundMessage | Hold:
        def submitted(reserved: OutboundMessage) -> None:
            self._reach(replace(self._running[mentorado.id], reference=reserved.reference), _STAGE.SUBMITTED)

        return await self._outbound.send(
            mentorado.id, message, Purpose.SMOKE_TEST, on_submitted=submitted, link_id=_beside(mentorado)
        )

    async def _delivered(
        self, mentorado: Mentorado, partner: Mentorado | None, test: SmokeTest, sent: OutboundMessage
    ) -> bool:
        """Whether it was delivered: by a receipt, by the partner's history, or by an answer."""
        delivery, failure = await self._repository.delivery(mentorado.link.id, sent.provider_id)
        if delivery is DeliveryStatus.FAILED:
            raise _Failure(replace(test, code=failure), _TROUBLE.DELIVERY_FAILED)
        if delivery in (DeliveryStatus.DELIVERED, DeliveryStatus.READ):
            return True
        return await (self._answered(mentorado, test) if partner is None else self._has(partner, test))

    async def _await_answer(
        self, mentorado: Mentorado, partner: Mentorado | None, test: SmokeTest, watch: _Watch
    ) -> SmokeTest:
        if partner is None:
            answered = await watch.wait_until(partial(self._answered, mentorado, test), PERSON_SECONDS)
        elif answered := await watch.wait_until(partial(self._has, partner, test), ANSWER_SECONDS):
            await self._answer(mentorado, partner, test)
            answered = await watch.wait_until(partial(self._has, mentorado, test), ANSWER_SECONDS)
        if not answered:
            raise _Failure(test, self._lost(mentorado, partner) or _TROUBLE.NO_ANSWER)
        return self._reach(test, _STAGE.ANSWERED)

    async def _answer(self, mentorado: Mentorado, partner: Mentorado, test: SmokeTest) -> None:
        """Send the partner's answer, under the same rules as any message."""
        to = Address(AddressKind.PHONE, self._supervisor.number_of(mentorado))
        answer = OutgoingMessage(to=to, text=self._texts.answer(test.word))
        sent = await self._outbound.send(partner.id, answer, Purpose.SMOKE_ANSWER)
        if isinstance(sent, Hold):
            raise _Failure(replace(test, until=sent.until, code=sent.reason.value), _TROUBLE.PARTNER_HELD)
        if sent.state is OutboundState.NOT_SENT:
            raise _Failure(replace(test, code=sent.code), _TROUBLE.PARTNER_HELD)

    async def _has(self, mentorado: Mentorado, test: SmokeTest) -> bool:
        """Whether a message with the test's code arrived for *mentorado*."""
        return await self._repository.arrived(mentorado.id, test.began_at, word=test.word, link_id=_beside(mentorado))

    async def _answered(self, mentorado: Mentorado, test: SmokeTest) -> bool:
        sender = Address(AddressKind.PHONE, test.to)
        since = test.stages[_STAGE.SUBMITTED]
        return await self._repository.arrived(mentorado.id, since, sender=sender, link_id=_beside(mentorado))

    def _lost(self, mentorado: Mentorado, partner: Mentorado | None) -> SmokeTestTrouble | None:
        """The likely cause when nothing arrived."""
        if not self._connected(mentorado):
            return _TROUBLE.NOT_CONNECTED
        return None if partner is None or self._connected(partner) else _TROUBLE.PARTNER_OFFLINE

    # ----------------------------------------------------------------------------------------------------------------

    def _unavailable_beside(self, mentorado: Mentorado) -> UnavailableReason | None:
        """Why a link beside the one in use cannot be tested: a procedure is under way there, and asks for the test."""
        status = self._supervisor.status(mentorado.link.id)
        if mentorado.archived:
            return UnavailableReason.ARCHIVED
        if status.state is not LinkState.CONNECTED:
            return UnavailableReason.NOT_CONNECTED
        if self._outbound.stop_of(mentorado.link.id) is not None:
            return UnavailableReason.SENDING_STOPPED
        can_send = status.capability not in (SendCapability.RESTRICTED, SendCapability.BLOCKED)
        return None if can_send else UnavailableReason.SEND_RESTRICTED

    def _connected(self, mentorado: Mentorado) -> bool:
        return self._supervisor.status(mentorado.link.id).state is LinkState.CONNECTED

    def _reach(self, test: SmokeTest, stage: SmokeTestStage) -> SmokeTest:
        reached = replace(test, stages={**test.stages, stage: self._clock.now()})
        self._show(reached)
        return reached

    def _show(self, test: SmokeTest) -> None:
        self._running[test.mentorado_id] = test
        self._bus.publish(SmokeTestChanged(test))

    def _end(self, mentorado: Mentorado, test: SmokeTest) -> SmokeTest:
        test = replace(test, ended_at=self._clock.now())
        assert test.outcome is not None  # noqa: S101 - whoever ends it says how
        del self._running[mentorado.id]
        self._write_queue.add(partial(self._repository.add, test))
        found = {"value": test.outcome.value, "to": f"{test.target} {masked(test.to)}"}
        if test.trouble is not _TROUBLE.NONE:
            found |= {"trouble": test.trouble.value, "code": test.code}
        audited = AuditOutcome.DONE if test.outcome in GOOD else AuditOutcome.FAILED
        if test.outcome is SmokeTestOutcome.CANCELLED:
            audited = AuditOutcome.DECLINED
        else:
            self._last[test.link_id] = test
            self._supervisor.record_smoke_test(mentorado.id, test.outcome, test.ended_at, test.link_id)
        self._audit_service.record(ActionName.SMOKE_TEST, mentorado, after=found, outcome=audited)
        self._bus.publish(SmokeTestChanged(test))
        return test

    # --- consent ----------------------------------------------------------------------------------------------------

    def _on_added(self, event: MentoradoAdded) -> None:
        """Give mentorados that are added later the same recipient."""
        if entries := self._consents_for([event.mentorado]):
            self._write_queue.add(partial(self._consents.append, entries))

    def _consents_for(self, mentorados: Iterable[Mentorado]) -> list[ConsentEntry]:
        """The consent of whom the tests of *mentorados* write to; a number's own owner needs no asking."""
        chosen = self.chosen
        number, now, actor = chosen.number, self._clock.now(), self._audit_service.actor
        if chosen.target is _TARGET.PARTNER:
            number = self._supervisor.number_of(self._mentorados.get(MentoradoId(chosen.partner)))
        if chosen.target is _TARGET.OWN:
            return []
        return [
            ConsentEntry(
                mentorado_id=each.id,
                contact=Address(AddressKind.PHONE, number),
                change=ConsentChange.GRANTED,
                purpose=Purpose.SMOKE_TEST,
                source=ConsentSource.SETTING,
                at=now,
                recorded_by=actor.name,
                wording=self._texts.consent(),
                version=VERSION,
            )
            for each in mentorados
            if not same_account(number, each.expected_account)
        ]


def _beside(mentorado: Mentorado) -> LinkId | None:
    """The link of *mentorado* where it is not the one in use: what the one in use sends or hears proves nothing."""
    return None if mentorado.link.in_use else mentorado.link.id


def _window_closed(sent: OutboundMessage | Hold) -> bool:
    if isinstance(sent, Hold):
        return sent.reason is HoldReason.WINDOW_CLOSED
    return sent.trouble is SendErrorKind.WINDOW_CLOSED


class _Watch:
    """Looks for something in the history whenever one of *mentorado_ids* got something new, and now and then."""

    def __init__(self, bus: EventBus, clock: Clock, mentorado_ids: tuple[MentoradoId, ...]) -> None:
        self._bus = bus
        self._clock = clock
        self._whose = mentorado_ids
        self._look = asyncio.Event()
        self._leave = ExitStack()

    def __enter__(self) -> _Watch:
        self._leave.callback(self._bus.subscribe(MessagesStored, self._on_stored))
        return self

    def __exit__(self, _kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._leave.close()

    async def wait_until(self, check: Callable[[], Awaitable[bool]], seconds: float) -> bool:
        """Poll until *check* is true, for at most *seconds*."""
        while True:
            self._look.clear()
            if await check():
                return True
            if seconds <= 0:
                return False
            began, pause = self._clock.now(), min(seconds, LOOK_SECONDS)
            async with asyncio.TaskGroup() as group:
                alarm = group.create_task(self._ring(pause))
                await self._look.wait()
                alarm.cancel()
            seconds -= max((self._clock.now() - began).total_seconds(), 0.0)

    async def _ring(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._look.set()

    def _on_stored(self, event: MessagesStored) -> None:
        if event.mentorado_id in self._whose:
            self._look.set()
