"""The smoke test over the real database: what each stage is known by, and what ends a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.outbound.smoke_test import SmokeTestService, SmokeTestTexts, random_word
from app.core.settings_service import SettingsService
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditOutcome
from app.domain.consent import ConsentChange
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesStored, SmokeTestChanged
from app.domain.link_status import Reason, SendCapability, SmokeTestOutcome
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import Address, AddressKind, DeliveryReceipt, DeliveryStatus, ProviderMessage
from app.domain.outbound import OutboundLimits, OutboundStop
from app.domain.phone import PhoneNumber
from app.domain.provider import Connected, Lost, QrIssued, QrScanned
from app.domain.sending import Accepted, NotSent, SendErrorKind, TemplateMessage, Uncertain
from app.domain.settings import OUTBOUND_LIMITS, OperatorSettings
from app.domain.smoke_test import SmokeTest, SmokeTestSettings, SmokeTestStage, SmokeTestTarget, SmokeTestTrouble
from app.domain.webhooks import WebhookSettings
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.settings import SqlSettings
from app.storage.smoke_tests import SqlSmokeTests
from app.text.outbound import result_lines
from app.text.status import problem as words_of
from app.text.status import texts
from tests.clock import settle
from tests.core.outbound.harness import Sending, asked, sending
from tests.fake_providers import FakeConnection
from tests.waiting import until

E, G, T = SmokeTestOutcome, SmokeTestStage, SmokeTestTrouble
COLLEAGUE = PhoneNumber("+5511955550000")
SENT = (G.SUBMITTED, G.ACCEPTED)
ALL = tuple(G)
TEXTS = SmokeTestTexts(
    test=lambda word: f"teste {word}",
    asks_person=lambda word: f"responda {word}",
    answer=lambda word: f"chegou {word}",
    consent=lambda: "um número do negócio",
)


class TwoLinks:
    """Ana, whose link is tested, and Bia, who is connected too."""

    def __init__(self, s: Sending, bia: Mentorado, lines: Sequence[FakeConnection]) -> None:
        self.s, self.core, self.ana, self.bia = s, s.core, s.ana, bia
        self.provider, self.clock = s.provider, s.clock
        self.anas_line, self.bias_line = lines
        self.words = iter(f"palavra{number}" for number in range(100))
        self.seen: list[SmokeTest] = []
        self.core.bus.subscribe(SmokeTestChanged, lambda event: self.seen.append(event.test))
        self.settings = SettingsService(
            bus=self.core.bus,
            store=SqlSettings(s.database),
            audit_service=self.core.audit_service,
            clock=self.clock,
        )
        self.repository = SqlSmokeTests(s.database)
        self.service = self.made()

    def made(self) -> SmokeTestService:
        """The service as a program makes it when it starts."""
        return SmokeTestService(
            bus=self.core.bus,
            mentorados=self.core.mentorados,
            supervisor=self.core.supervisor,
            outbound=self.s.service,
            unavailable=lambda whose: self.core.actions.unavailable_reason(ActionName.SMOKE_TEST, whose),
            repository=self.repository,
            consents=self.s.consents,
            settings_service=self.settings,
            audit_service=self.core.audit_service,
            write_queue=self.core.write_queue,
            clock=self.clock,
            texts=TEXTS,
            word=lambda: next(self.words),
        )

    async def choose(self, target: SmokeTestTarget, template: str = "") -> None:
        partner = self.bia.id if target is SmokeTestTarget.PARTNER else ""
        number = COLLEAGUE if target is SmokeTestTarget.NUMBER else PhoneNumber("")
        await self.service.choose(SmokeTestSettings(target=target, partner=partner, number=number, template=template))

    def begun(self, to: PhoneNumber | None = None) -> asyncio.Task[SmokeTest]:
        return asyncio.get_running_loop().create_task(self.service.run(self.ana.id, to))

    async def over(self, task: asyncio.Task[SmokeTest]) -> SmokeTest:
        """Let time pass until the test is over."""
        while not task.done():
            await self.clock.advance(1)
            await asyncio.sleep(0.002)
        ended = task.result()
        await self.core.write_queue.flush()
        return ended

    async def run(self, to: PhoneNumber | None = None) -> SmokeTest:
        return await self.over(self.begun(to))

    async def receipt(
        self, delivery: DeliveryStatus, *, number: int = 1, published: bool = True, code: str = ""
    ) -> None:
        """What WhatsApp says of Ana's message."""
        now, chat = self.clock.now(), (Address(AddressKind.PHONE, COLLEAGUE),)
        receipt = DeliveryReceipt(provider_ids=(f"id {number}",), chat=chat, delivery=delivery, at=now, code=code)
        await self.s.history.store(self.ana, [receipt], now)
        if published:
            self.core.bus.publish(MessagesStored(self.ana.id, ()))

    async def receive(self, whose: Mentorado, sender: str, text: str) -> None:
        """*whose* link receives *text*."""
        now, who = self.clock.now(), (Address(AddressKind.PHONE, sender),)
        message = ProviderMessage(
            provider_id=f"in {whose.name} {text} {now.timestamp()}",
            chat=who, sender=who, from_me=False, text=text, sent_at=now, received_at=now,
        )  # fmt: skip
        changed = await self.s.history.store(whose, [message], now)
        self.core.bus.publish(MessagesStored(whose.id, tuple(changed)))

    async def deliver(self, number: int, whose: Mentorado, sender: Mentorado) -> None:
        """The *number*-th message that was sent arrives at *whose* link."""
        await asked(self.provider, number)
        await self.receive(whose, sender.phone, self.provider.sent[number - 1].text)


@asynccontextmanager
async def two_links(folder: Path, target: SmokeTestTarget | None) -> AsyncIterator[TwoLinks]:
    limits = OutboundLimits(shortest_gap=0, longest_gap=0)
    async with sending(folder, limits=limits) as s:
        anas = s.provider.line
        bia = await s.core.add("Bia", "11 91234-5678")
        await SqlMentoradoRepository(s.database).add(bia)
        await s.core.supervisor.connect(bia.id)
        await settle()
        s.provider.line.say(QrIssued("code", 1, 6, 60.0), QrScanned(bia.phone), Connected(bia.phone))
        await settle()
        made = TwoLinks(s, bia, (anas, s.provider.line))
        await made.settings.load()
        if target is not None:
            await made.choose(target)
        yield made


def result(test: SmokeTest) -> tuple[SmokeTestOutcome | None, SmokeTestTrouble, tuple[SmokeTestStage, ...]]:
    return test.outcome, test.trouble, tuple(test.stages)


async def test_between_two_partners_the_round_trip_needs_nobody(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        task = t.begun()
        await t.deliver(1, t.bia, t.ana)
        await t.deliver(2, t.ana, t.bia)
        test = await t.over(task)
        assert result(test) == (E.PASSED, T.NONE, ALL)
        assert [sent.text for sent in t.provider.sent] == ["teste palavra0", "chegou palavra0"]
        assert [sent.to.value for sent in t.provider.sent] == [t.bia.phone, t.ana.phone]
        assert [tuple(each.stages) for each in t.seen] == [(), ALL[:1], ALL[:2], ALL[:3], ALL, ALL]
        assert t.seen[-1] == test == t.service.last(t.ana.id)
        assert t.service.current(t.ana.id) is None
        evidence = t.core.status(t.ana).evidence
        assert (evidence.smoke_test, evidence.last_smoke_test) == (E.PASSED, test.ended_at)
        (entry,) = [e.record for e in t.core.audit.outcomes if e.record.action == "smoke_test"]
        assert (entry.outcome, entry.after["value"], entry.after["to"]) == (
            AuditOutcome.DONE,
            "passed",
            "partner +55…78",
        )


async def test_a_receipt_is_a_delivery_before_the_partner_has_it(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        task = t.begun()
        await asked(t.provider)
        await t.receipt(DeliveryStatus.DELIVERED)
        await until(lambda: G.DELIVERED in t.seen[-1].stages)
        await t.deliver(1, t.bia, t.ana)
        await t.deliver(2, t.ana, t.bia)
        assert (await t.over(task)).outcome is E.PASSED


@pytest.mark.parametrize("delivery", [DeliveryStatus.DELIVERED, DeliveryStatus.READ])
async def test_a_person_of_the_business_answers(tmp_path: Path, delivery: DeliveryStatus) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await t.receive(t.ana, COLLEAGUE, "de ontem")
        await t.clock.advance(1)
        task = t.begun()
        await asked(t.provider)
        assert t.provider.sent[0].text == "responda palavra0"
        await t.receipt(delivery, published=False)  # another program stored it: it is found by looking
        await t.clock.advance(3)
        await t.receive(t.bia, COLLEAGUE, "para outra pessoa")
        await t.receive(t.ana, "+5511977770000", "outra pessoa")
        await t.receive(t.ana, COLLEAGUE, "ok")
        assert result(await t.over(task)) == (E.PASSED, T.NONE, ALL)


async def test_who_answered_has_got_it(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        task = t.begun()
        await asked(t.provider)
        await t.receive(t.ana, COLLEAGUE, "ok")
        assert result(await t.over(task)) == (E.PASSED, T.NONE, ALL)


async def test_to_oneself_no_more_than_the_servers_yes_can_be_seen(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        test = await t.run()
        assert result(test) == (E.PARTLY, T.NONE, SENT)
        assert test.expected == SENT
        assert t.core.status(t.ana).evidence.smoke_test is E.PARTLY
        assert await t.run(t.ana.phone) == replace(
            test, word="palavra1", began_at=t.seen[-1].began_at, stages=t.seen[-1].stages,
            reference=t.seen[-1].reference, ended_at=t.seen[-1].ended_at,
        )  # fmt: skip


async def test_a_partner_tests_the_own_link_with_the_own_number(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        await t.service.choose(SmokeTestSettings(target=SmokeTestTarget.PARTNER, partner=t.ana.id))
        assert (await t.run()).target is SmokeTestTarget.OWN
        await t.service.choose(SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=t.ana.phone))
        assert (await t.run()).target is SmokeTestTarget.OWN


# --- what ends a test -------------------------------------------------------------------------------------------------

REFUSALS: dict[SendErrorKind, SmokeTestTrouble] = {
    SendErrorKind.POLICY_BLOCK: T.POLICY,
    SendErrorKind.AUTH: T.ACCESS,
    SendErrorKind.BILLING: T.BILLING,
    SendErrorKind.RATE_GLOBAL: T.PROVIDER_LIMIT,
    SendErrorKind.WINDOW_CLOSED: T.WINDOW_CLOSED,
    SendErrorKind.RECIPIENT_INVALID: T.RECIPIENT,
    SendErrorKind.UNKNOWN: T.REFUSED,
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_each_refusal_has_its_trouble_and_the_providers_code(tmp_path: Path, kind: SendErrorKind) -> None:
    async with two_links(tmp_path, None) as t:
        t.provider.answers.append(NotSent(trouble=kind, code="463"))
        test = await t.run()
        assert result(test) == (E.FAILED, REFUSALS[kind], (G.SUBMITTED,))
        assert test.code == "463"
        assert len(t.provider.sent) == 1
        evidence = t.core.status(t.ana).evidence
        assert (evidence.smoke_test, evidence.last_smoke_test) == (E.FAILED, None)
        (entry,) = [e.record for e in t.core.audit.outcomes if e.record.action == "smoke_test"]
        assert (entry.outcome, entry.after["trouble"]) == (AuditOutcome.FAILED, REFUSALS[kind])


async def test_without_an_ack_it_may_have_left_and_is_not_sent_again(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        t.provider.answers.append(Uncertain(detail="no answer"))
        assert result(await t.run()) == (E.FAILED, T.NO_ACK, (G.SUBMITTED,))
        assert len(t.provider.sent) == 1


async def test_acknowledged_and_not_delivered_is_no_success(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        began = t.clock.now()
        assert result(await t.run()) == (E.FAILED, T.NOT_DELIVERED, SENT)
        assert t.clock.now() - began >= timedelta(seconds=60)


async def test_what_fails_later_is_told_with_the_providers_words(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        task = t.begun()
        await asked(t.provider)
        await t.receipt(DeliveryStatus.FAILED, code="131026")
        test = await t.over(task)
        assert (result(test), test.code) == ((E.FAILED, T.DELIVERY_FAILED, SENT), "131026")


async def test_a_person_who_does_not_answer(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        task = t.begun()
        await asked(t.provider)
        await t.receipt(DeliveryStatus.DELIVERED)
        assert result(await t.over(task)) == (E.FAILED, T.NO_ANSWER, ALL[:3])


@pytest.mark.parametrize("arrives", [False, True])
async def test_a_partner_whose_answer_does_not_come(tmp_path: Path, arrives: bool) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        task = t.begun()
        await asked(t.provider)
        if arrives:
            await t.deliver(1, t.bia, t.ana)
        else:
            await t.receipt(DeliveryStatus.DELIVERED)
        assert result(await t.over(task)) == (E.FAILED, T.NO_ANSWER, ALL[:3])
        assert len(t.provider.sent) == 1 + arrives


async def test_a_partner_who_is_not_connected_is_not_written_to(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        await t.core.supervisor.disconnect(t.bia.id)
        assert result(await t.run()) == (E.FAILED, T.PARTNER_OFFLINE, ())
        assert t.provider.sent == []


async def test_who_falls_meanwhile_is_named(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        task = t.begun()
        await asked(t.provider)
        await t.core.supervisor.disconnect(t.bia.id)
        assert (await t.over(task)).trouble is T.PARTNER_OFFLINE
        await t.choose(SmokeTestTarget.NUMBER)
        task = t.begun()
        await asked(t.provider, 2)
        await t.core.supervisor.disconnect(t.ana.id)
        assert (await t.over(task)).trouble is T.NOT_CONNECTED


async def test_an_answer_that_the_provider_refuses_is_the_partners_trouble(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        t.provider.answers += [Accepted(provider_id="id 1"), NotSent(trouble=SendErrorKind.UNKNOWN, code="x")]
        task = t.begun()
        await t.deliver(1, t.bia, t.ana)
        test = await t.over(task)
        assert (result(test), test.code) == ((E.FAILED, T.PARTNER_HELD, ALL[:3]), "x")


async def test_an_answer_that_is_held_back_is_the_partners_trouble(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        task = t.begun()
        await asked(t.provider)
        await t.receipt(DeliveryStatus.DELIVERED)
        await until(lambda: G.DELIVERED in t.seen[-1].stages)
        now = t.clock.now()
        await t.s.repository.stop(
            OutboundStop(link_id=t.bia.link.id, trouble=SendErrorKind.POLICY_BLOCK, code="463", at=now)
        )
        await t.deliver(1, t.bia, t.ana)
        test = await t.over(task)
        assert (result(test), test.code) == ((E.FAILED, T.PARTNER_HELD, ALL[:3]), "stopped")


async def test_nothing_leaves_a_link_that_is_restricted_or_off_or_in_a_recovery(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        t.anas_line.say(Connected(t.ana.phone, capability=SendCapability.RESTRICTED))
        await settle()
        assert result(await t.run()) == (E.FAILED, T.RESTRICTED, ())
        t.anas_line.say(Lost(Reason.NETWORK_DOWN))
        await settle()
        assert result(await t.run()) == (E.FAILED, T.NOT_CONNECTED, ())
        t.service._unavailable = lambda _whose: UnavailableReason.UNDER_WAY
        assert result(await t.run()) == (E.FAILED, T.UNDER_WAY, ())
        t.service._unavailable = lambda _whose: UnavailableReason.INCIDENT
        assert result(await t.run()) == (E.FAILED, T.UNDER_WAY, ())
        assert t.provider.sent == []


async def test_the_fourth_test_within_an_hour_waits(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        first = await t.run()
        for _ in range(2):
            assert (await t.run()).outcome is E.PARTLY
        held = await t.run()
        assert result(held) == (E.FAILED, T.TEST_LIMIT, ())
        assert held.until is not None
        assert first.began_at <= held.until - timedelta(hours=1) <= first.stages[G.SUBMITTED]
        assert len(t.provider.sent) == 3


async def test_who_is_added_while_nobody_was_chosen_agrees_to_nothing(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        await t.core.add("Carla", "11 93333-2222")
        await t.core.write_queue.flush()
        count = await t.s.database.read(
            lambda connection: connection.exec_driver_sql("SELECT count(*) FROM consent_entry").scalar()
        )
        assert count == 0


async def test_a_number_that_nobody_agreed_for_is_not_written_to(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        assert result(await t.run(COLLEAGUE)) == (E.FAILED, T.NO_CONSENT, ())
        await t.choose(SmokeTestTarget.NUMBER)
        await t.s.say(Address(AddressKind.PHONE, COLLEAGUE), ConsentChange.OPTED_OUT)
        assert result(await t.run()) == (E.FAILED, T.OPTED_OUT, ())


# --- one at a time, and given up --------------------------------------------------------------------------------------


async def test_a_second_test_of_the_same_link_is_refused(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        task = t.begun()
        await asked(t.provider)
        assert t.service.current(t.ana.id) is not None
        with pytest.raises(Problem) as refused:
            await t.service.run(t.ana.id)
        assert (refused.value.code, refused.value.context["why"]) == (ProblemCode.NOT_POSSIBLE_NOW, "under_way")
        await t.over(task)
        assert len(t.provider.sent) == 1


async def test_a_test_that_is_given_up_proves_nothing(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        task = t.begun()
        await until(lambda: t.seen and G.ACCEPTED in t.seen[-1].stages)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await t.core.write_queue.flush()
        assert result(t.seen[-1]) == (E.CANCELLED, T.NONE, SENT)
        assert t.service.current(t.ana.id) is None
        assert t.service.last(t.ana.id) is None
        assert t.core.status(t.ana).evidence.smoke_test is None
        assert await t.repository.latest() == []
        (entry,) = [e.record for e in t.core.audit.outcomes if e.record.action == "smoke_test"]
        assert entry.outcome is AuditOutcome.DECLINED


# --- hosted providers -------------------------------------------------------------------------------------------------


async def hosted(t: TwoLinks, kind: ProviderKind, *, webhooks: bool, who: Mentorado | None = None) -> None:
    """The messages of Ana, or of *who*, are carried by *kind* from now on, as far as the test is concerned."""
    t.core.providers[kind] = t.provider
    await t.core.mentorados.save_link(replace(t.core.mentorados.get((who or t.ana).id).link, provider=kind))
    t.settings._settings = replace(t.settings.settings, webhooks=WebhookSettings(on=webhooks))


async def test_without_webhooks_no_more_than_the_providers_yes_is_seen(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await hosted(t, ProviderKind.ZAPI, webhooks=False)
        test = await t.run()
        assert (result(test), test.expected) == ((E.PARTLY, T.NONE, SENT), SENT)


async def test_without_webhooks_a_partner_still_proves_the_delivery(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        await hosted(t, ProviderKind.ZAPI, webhooks=False)
        task = t.begun()
        await t.deliver(1, t.bia, t.ana)
        assert result(await t.over(task)) == (E.PARTLY, T.NONE, ALL[:3])
        assert len(t.provider.sent) == 1


async def test_with_webhooks_everything_is_seen(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await hosted(t, ProviderKind.ZAPI, webhooks=True)
        task = t.begun()
        await asked(t.provider)
        await t.receipt(DeliveryStatus.DELIVERED)
        await until(lambda: G.DELIVERED in t.seen[-1].stages)
        await t.core.write_queue.flush()
        await t.receive(t.ana, COLLEAGUE, "ok")
        assert (await t.over(task)).outcome is E.PASSED


async def test_webhooks_that_never_came_cannot_tell_that_it_was_not_delivered(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await hosted(t, ProviderKind.ZAPI, webhooks=True)
        test = await t.run()
        assert (result(test), test.expected) == ((E.PARTLY, T.DELIVERY_UNSEEN, SENT), SENT)
        unseen = tuple(texts(f"smoke.result.delivery_unseen.{line}") for line in ("sentence", "next"))
        assert result_lines(test, t.clock.now()) == unseen
        assert held(t) is ProblemCode.SMOKE_TEST_PARTLY
        await t.receive(t.ana, "+5511977770000", "oi")  # messages come in, and receipts are another address at Z-API
        assert result(await t.run()) == (E.PARTLY, T.DELIVERY_UNSEEN, SENT)
        await t.receipt(DeliveryStatus.SENT, number=9)  # of a message that is not known yet
        assert result(await t.run()) == (E.FAILED, T.NOT_DELIVERED, SENT)


async def test_a_receipt_of_a_message_before_shows_that_webhooks_come(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await hosted(t, ProviderKind.META_CLOUD, webhooks=True)
        task = t.begun()
        await asked(t.provider)
        await t.receipt(DeliveryStatus.READ)
        assert (await t.over(task)).trouble is T.NO_ANSWER
        assert result(await t.run()) == (E.FAILED, T.NOT_DELIVERED, SENT)


@pytest.mark.parametrize("webhooks", [False, True])
async def test_a_partner_whose_webhooks_do_not_come_proves_no_loss(tmp_path: Path, webhooks: bool) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        for who in (t.ana, t.bia):
            await hosted(t, ProviderKind.ZAPI, webhooks=webhooks, who=who)
        assert result(await t.run()) == (E.PARTLY, T.DELIVERY_UNSEEN if webhooks else T.NONE, SENT)
        await t.receive(t.bia, COLLEAGUE, "oi")
        not_delivered = (E.FAILED, T.NOT_DELIVERED, SENT)
        assert result(await t.run()) == (not_delivered if webhooks else (E.PARTLY, T.NONE, SENT))


async def test_a_number_at_meta_cannot_write_to_itself(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        await hosted(t, ProviderKind.META_CLOUD, webhooks=True)
        assert result(await t.run()) == (E.FAILED, T.NOT_TO_ITSELF, ())


@pytest.mark.parametrize(("named", "language"), [("teste/en_US", "en_US"), ("teste", "pt_BR")])
async def test_a_closed_window_is_passed_with_the_template_that_was_named(
    tmp_path: Path, named: str, language: str
) -> None:
    async with two_links(tmp_path, None) as t:
        await t.choose(SmokeTestTarget.NUMBER, template=named)
        await hosted(t, ProviderKind.META_CLOUD, webhooks=False)
        t.provider.answers.append(NotSent(trouble=SendErrorKind.WINDOW_CLOSED, code="131047"))
        assert result(await t.run()) == (E.PARTLY, T.NONE, SENT)
        text, template = t.provider.sent
        assert (text.template, template.text) == (None, "")
        assert template.template == TemplateMessage(name="teste", language=language)


async def test_a_window_that_is_known_to_be_closed_costs_no_question(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        t.provider.window = timedelta(hours=24)
        await t.choose(SmokeTestTarget.NUMBER)
        await hosted(t, ProviderKind.META_CLOUD, webhooks=False)
        closed = await t.run()
        assert (closed.over, result(closed)) == (True, (E.FAILED, T.WINDOW_CLOSED, ()))
        await t.choose(SmokeTestTarget.NUMBER, template="teste")
        assert result(await t.run()) == (E.PARTLY, T.NONE, SENT)
        assert [sent.template is None for sent in t.provider.sent] == [False]


# --- what relies on it ------------------------------------------------------------------------------------------------


def held(t: TwoLinks) -> ProblemCode | None:
    problem = t.service.bulk_hold(t.ana.id)
    if problem is not None:
        assert problem.context["name"] == t.ana.name
        assert all("—" not in line for line in words_of(problem)), "the sentence knows everything it says"
    return None if problem is None else problem.code


async def test_bulk_use_relies_on_a_test_that_passed_within_a_day(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        assert held(t) is ProblemCode.SMOKE_TEST_MISSING
        task = t.begun()
        await asked(t.provider)
        await t.receive(t.ana, COLLEAGUE, "ok")
        assert (await t.over(task)).outcome is E.PASSED
        assert held(t) is None
        await t.clock.advance(23 * 3600)
        assert held(t) is None
        await t.clock.advance(3600 + 1)
        assert held(t) is ProblemCode.SMOKE_TEST_OLD
        await t.settings.change(OUTBOUND_LIMITS, OutboundLimits(smoke_test_hours=48), reason="feriado prolongado")
        assert held(t) is None
        t.provider.answers.append(NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463"))
        assert (await t.run()).outcome is E.FAILED
        assert held(t) is ProblemCode.SMOKE_TEST_FAILED


async def test_a_test_of_a_former_link_or_of_a_date_to_come_proves_nothing(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        now, ana = t.clock.now(), t.ana
        passed = SmokeTest(
            mentorado_id=ana.id, link_id=ana.link.id, target=SmokeTestTarget.PARTNER,
            began_at=now, ended_at=now, outcome=E.PASSED,
        )  # fmt: skip
        t.service._last[ana.link.id] = passed
        assert held(t) is None
        del t.service._last[ana.link.id]
        assert held(t) is ProblemCode.SMOKE_TEST_MISSING
        t.service._last[ana.link.id] = replace(passed, ended_at=now + timedelta(days=2))
        assert held(t) is ProblemCode.SMOKE_TEST_OLD


@pytest.mark.parametrize("kind", [ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI])
@pytest.mark.parametrize("webhooks", [False, True])
async def test_partly_confirmed_counts_only_where_no_more_can_be_seen_and_the_limits_say_so(
    tmp_path: Path, kind: ProviderKind, webhooks: bool
) -> None:
    async with two_links(tmp_path, None) as t:
        await hosted(t, kind, webhooks=webhooks)
        assert (await t.run()).outcome is E.PARTLY
        assert held(t) is ProblemCode.SMOKE_TEST_PARTLY
        await t.settings.change(OUTBOUND_LIMITS, OutboundLimits(partly_confirmed_counts=True), reason="sem webhooks")
        nothing_better = kind is ProviderKind.ZAPI and not webhooks
        assert held(t) is (None if nothing_better else ProblemCode.SMOKE_TEST_PARTLY)
        await t.clock.advance(25 * 3600)
        assert held(t) is (ProblemCode.SMOKE_TEST_OLD if nothing_better else ProblemCode.SMOKE_TEST_PARTLY)


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_results_outlive_the_program(tmp_path: Path) -> None:
    async with two_links(tmp_path, None) as t:
        good = await t.run()
        t.provider.answers.append(NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463"))
        failed = await t.run()
        stored = [replace(test, word="", to=PhoneNumber(""), expected=ALL) for test in (good, failed)]
        assert await t.repository.latest() == stored
        again = t.made()
        t.core.supervisor._board._tested.clear()
        t.core.supervisor._board._statuses.clear()
        await again.load()
        assert again.last(t.ana.id) == stored[1]
        await t.core.supervisor.restore()
        evidence = t.core.status(t.ana).evidence
        assert (evidence.smoke_test, evidence.last_smoke_test) == (E.FAILED, good.ended_at)


async def test_a_result_that_no_version_writes_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with two_links(tmp_path, None) as t:
        await t.run()
        test = t.seen[-1]
        await t.repository.add(replace(test, outcome=E.PASSED, ended_at=t.clock.now()))
        await t.s.database.run(
            lambda connection: connection.exec_driver_sql("UPDATE smoke_test SET stages = '[' WHERE outcome = 'passed'")
        )
        assert await t.repository.latest() == []
        assert "1 rows of smoke_test" in caplog.text


async def test_choosing_records_the_consent_of_the_number_for_everybody(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.PARTNER) as t:
        assert t.service.chosen.partner == t.bia.id
        carla = await t.core.add("Carla", "11 93333-2222")
        await SqlMentoradoRepository(t.s.database).add(carla)
        await t.core.write_queue.flush()
        rows = await t.s.database.read(
            lambda connection: connection.exec_driver_sql(
                "SELECT mentorado_id, purpose, source, wording, version FROM consent_entry ORDER BY number"
            ).fetchall()
        )
        agreed = ("smoke_test", "setting", "um número do negócio", "1")
        assert [tuple(row) for row in rows] == [(t.ana.id, *agreed), (carla.id, *agreed)]


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        (SmokeTestSettings(target=SmokeTestTarget.NUMBER), ProblemCode.PHONE_MISSING),
        (SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=PhoneNumber("12")), ProblemCode.PHONE_INVALID),
        (SmokeTestSettings(target=SmokeTestTarget.PARTNER), ProblemCode.MENTORADO_UNKNOWN),
    ],
)
async def test_what_cannot_be_written_to_is_not_chosen(
    tmp_path: Path, chosen: SmokeTestSettings, code: ProblemCode
) -> None:
    async with two_links(tmp_path, None) as t:
        with pytest.raises(Problem) as refused:
            await t.service.choose(chosen)
        assert refused.value.code is code
        assert t.settings.settings == OperatorSettings()


async def test_the_choice_is_audited_without_the_whole_number(tmp_path: Path) -> None:
    async with two_links(tmp_path, SmokeTestTarget.NUMBER) as t:
        await t.choose(SmokeTestTarget.PARTNER)
        await t.choose(SmokeTestTarget.OWN)
        found = [e.record.after["value"] for e in t.core.audit.outcomes if e.record.action == "set_smoke_test"]
        assert found == ["number +55…00", f"partner {t.bia.id}", "own"]
        again = SqlSettings(t.s.database)
        assert (await again.load()).smoke_test == SmokeTestSettings()


def test_words_can_be_read_aloud_and_differ() -> None:
    words = {random_word() for _ in range(200)}
    assert len(words) > 190
    assert all(len(word) == 6 and word.isalpha() for word in words)
