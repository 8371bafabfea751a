"""What a smoke test finds out, and what ends it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.actions import UnavailableReason
from app.domain.audit import AuditOutcome
from app.domain.consent import ConsentChange
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason, SendCapability
from app.domain.messages import Address, AddressKind, DeliveryStatus
from app.domain.outbound import OutboundStop
from app.domain.provider import Connected, Lost
from app.domain.sending import Accepted, NotSent, SendErrorKind, Uncertain
from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget, SmokeTestTrouble
from tests.clock import settle
from tests.core.outbound.harness import asked
from tests.core.outbound.smoke_test_harness import ALL, COLLEAGUE, SENT, E, G, T, result, two_links
from tests.waiting import until


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
