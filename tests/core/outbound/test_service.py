from __future__ import annotations

import asyncio
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.domain.audit import AuditAction
from app.domain.consent import ASKED_FOR, ConsentChange, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.events import OutboundStopped
from app.domain.link_status import SendCapability
from app.domain.mentorado import ProviderKind
from app.domain.messages import Address, AddressKind
from app.domain.outbound import DAY, Hold, HoldReason, OutboundLimits, OutboundMessage, OutboundState, OutboundStop
from app.domain.sending import NotSent, OutgoingMessage, SendErrorKind, TemplateMessage, Uncertain
from tests.core.outbound.harness import NOON, Sending, asked, begun, phone, sending
from tests.fake_providers import FakeProvider

BIA, CAIO = phone(1), phone(2)
S, R = OutboundState, HoldReason


def state(sent: OutboundMessage | Hold) -> OutboundState:
    assert isinstance(sent, OutboundMessage), sent
    return sent.state


async def test_who_wrote_may_be_answered_and_nobody_else_is_written_to_without_having_agreed(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        assert await s.send(BIA) == Hold(R.NO_CONSENT)
        await s.receive(BIA)
        assert state(await s.send(BIA)) is S.ACCEPTED
        assert await s.send(CAIO) == Hold(R.NO_CONSENT)
        await s.grant(CAIO)
        assert state(await s.send(CAIO)) is S.ACCEPTED
        assert [message.to for message in s.provider.sent] == [BIA, CAIO]


async def test_a_campaign_needs_consent_for_campaigns_even_of_who_wrote(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA)
        await s.grant(BIA, Purpose.CONVERSATION)
        assert await s.send(BIA, purpose=Purpose.CAMPAIGN) == Hold(R.NO_CONSENT)
        await s.grant(BIA, Purpose.CAMPAIGN)
        assert state(await s.send(BIA, purpose=Purpose.CAMPAIGN, campaign=("c1", 1))) is S.ACCEPTED
        await s.say(BIA, ConsentChange.REVOKED, Purpose.CAMPAIGN)
        assert await s.send(BIA, purpose=Purpose.CAMPAIGN) == Hold(R.NO_CONSENT)


async def test_who_opted_out_is_answered_only_after_writing_again(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA, text="SAIR")
        await s.say(BIA, ConsentChange.OPTED_OUT)
        await s.later(seconds=5)
        for purpose in ASKED_FOR:
            assert await s.send(BIA, purpose=purpose) == Hold(R.OPTED_OUT)
        await s.receive(BIA, text="Só uma pergunta")
        assert state(await s.send(BIA)) is S.ACCEPTED
        assert await s.send(BIA, purpose=Purpose.CAMPAIGN) == Hold(R.OPTED_OUT)


async def test_the_other_address_of_the_same_contact_is_the_same_recipient(tmp_path: Path) -> None:
    async with sending(tmp_path, limits=OutboundLimits(per_recipient_hour=1)) as s:
        hidden = Address(AddressKind.LID, "123456789")
        await s.receive(BIA, hidden)
        assert state(await s.send(BIA)) is S.ACCEPTED
        assert await s.send(hidden) == Hold(R.RECIPIENT_LIMIT, NOON + timedelta(hours=1))
        await s.say(BIA, ConsentChange.OPTED_OUT)
        assert await s.send(hidden) == Hold(R.OPTED_OUT)


async def test_the_own_number_may_be_tested_without_asking_its_owner(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        own = Address(AddressKind.PHONE, s.ana.phone)
        for _ in range(3):
            assert state(await s.send(own, purpose=Purpose.SMOKE_TEST)) is S.ACCEPTED
        assert await s.send(own, purpose=Purpose.SMOKE_TEST) == Hold(R.SMOKE_TEST_LIMIT, NOON + timedelta(hours=1))
        assert await s.send(BIA, purpose=Purpose.SMOKE_TEST) == Hold(R.NO_CONSENT)


async def test_a_link_that_is_not_connected_sends_nothing(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA)
        await s.core.supervisor.disconnect(s.ana.id)
        assert await s.send(BIA) == Hold(R.NOT_CONNECTED)
        assert s.provider.sent == []


async def test_a_provider_without_sending_is_said_so(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        s.core.providers[ProviderKind.WHATSAPP_WEB] = FakeProvider()
        assert await s.check(BIA) == Hold(R.CANNOT_SEND)


@pytest.mark.parametrize("capability", [SendCapability.RESTRICTED, SendCapability.BLOCKED])
async def test_a_restricted_number_answers_open_chats_only_and_a_blocked_one_nothing(
    tmp_path: Path, capability: SendCapability
) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA)
        await s.grant(CAIO)
        await s.restrict(capability)
        assert await s.send(CAIO) == Hold(R.RESTRICTED)
        answered = await s.send(BIA)
        if capability is SendCapability.RESTRICTED:
            assert state(answered) is S.ACCEPTED
        else:
            assert answered == Hold(R.RESTRICTED)


@pytest.mark.parametrize("trouble", [SendErrorKind.POLICY_BLOCK, SendErrorKind.BILLING, SendErrorKind.AUTH])
async def test_after_a_policy_or_billing_error_nothing_goes_out_until_a_person_releases_the_number(
    tmp_path: Path, trouble: SendErrorKind
) -> None:
    async with sending(tmp_path) as s:
        events: list[OutboundStopped] = []
        s.core.bus.subscribe(OutboundStopped, events.append)
        await s.receive(BIA)
        s.provider.answers = [NotSent(trouble=trouble, code="463")]
        refused = await s.send(BIA)
        assert isinstance(refused, OutboundMessage)
        assert (refused.state, refused.trouble, refused.code) == (S.NOT_SENT, trouble, "463")
        assert await s.send(BIA) == Hold(R.STOPPED)
        service = await s.again()
        assert await s.send(BIA) == Hold(R.STOPPED)
        stop = service.stopped(s.ana.id)
        assert stop is not None
        assert (stop.trouble, stop.code) == (trouble, "463")
        await service.release(s.ana.id)
        await service.release(s.ana.id)  # once more changes nothing
        assert service.stopped(s.ana.id) is None
        assert state(await s.send(BIA)) is S.ACCEPTED
        assert [(event.stop is None, event.known) for event in events] == [(False, False), (False, True), (True, False)]
        actions = [entry.record.action for entry in s.core.audit.entries_]
        assert actions.count(AuditAction.STOP_SENDING) == actions.count(AuditAction.RELEASE_SENDING) == 1


async def test_a_second_refusal_changes_nothing_of_the_first(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA)
        s.provider.answers = [NotSent(trouble=SendErrorKind.BILLING, code=code) for code in ("131042", "131043")]
        s.provider.holding = asyncio.Event()
        both = [begun(s.send(BIA)) for _ in range(2)]
        await asked(s.provider, 2)
        s.provider.holding.set()
        await asyncio.gather(*both)
        (stop,) = await s.repository.stops()
        assert stop.code == "131042"


async def test_the_stop_holds_although_the_disk_is_full_and_is_written_later(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA)
        s.provider.answers = [NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463")]
        stop, failing = s.repository.stop, [True]

        async def full(what: object) -> None:
            if failing:
                failing.clear()
                raise Problem(ProblemCode.DATABASE_DISK_FULL, path="x")
            await stop(what)  # type: ignore[arg-type]

        s.repository.stop = full  # type: ignore[method-assign, assignment]
        await s.send(BIA)
        assert await s.send(BIA) == Hold(R.STOPPED)
        assert len(await s.repository.stops()) == 1


async def test_a_stop_that_the_disk_refused_outlives_a_reload_but_not_its_release(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA)
        s.provider.answers = [NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463")]
        stop, full = s.repository.stop, [True]

        async def write(what: OutboundStop) -> None:
            if full:
                raise Problem(ProblemCode.DATABASE_DISK_FULL, path="x")
            await stop(what)

        s.repository.stop = write  # type: ignore[method-assign, assignment]
        await s.service.send(s.ana.id, OutgoingMessage(to=BIA, text="Oi"), Purpose.CONVERSATION)
        await s.service.load()  # as after every commit of another program
        assert s.service.stopped(s.ana.id) is not None
        await s.service.release(s.ana.id)
        full.clear()
        await s.later(minutes=5)
        await s.core.write_queue.flush()
        assert await s.repository.stops() == []
    assert "database_disk_full" in caplog.text


async def test_what_another_program_stopped_and_released_is_followed(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        events: list[OutboundStopped] = []
        s.core.bus.subscribe(OutboundStopped, events.append)
        stop = OutboundStop(link_id=s.ana.link.id, trouble=SendErrorKind.BILLING, code="131042", at=s.clock.now())
        await s.repository.stop(stop)
        for _ in range(2):
            await s.service.load()
        await s.repository.release(s.ana.link.id)
        await s.service.load()
        assert events == [OutboundStopped(s.ana.id, each, known=True) for each in (stop, None)]


async def test_a_provider_that_asks_for_a_pause_gets_it(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA)
        s.provider.answers = [NotSent(trouble=SendErrorKind.RATE_GLOBAL, code="130429", after=90.0)]
        assert state(await s.send(BIA)) is S.NOT_SENT
        assert await s.send(BIA) == Hold(R.LINK_LIMIT, NOON + timedelta(seconds=90))
        await s.later(seconds=90)
        assert state(await s.send(BIA)) is S.ACCEPTED


async def test_an_opt_out_that_the_provider_names_is_in_the_ledger(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.grant(BIA, Purpose.CAMPAIGN)
        s.provider.answers = [NotSent(trouble=SendErrorKind.OPTED_OUT, code="131050")]
        assert state(await s.send(BIA, purpose=Purpose.CAMPAIGN)) is S.NOT_SENT
        assert await s.send(BIA, purpose=Purpose.CAMPAIGN) == Hold(R.OPTED_OUT)
        (entry,) = [e.record for e in s.core.audit.entries_ if e.record.action == AuditAction.OPT_OUT_RECEIVED]
        assert entry.after == {"contact": "+55…01", "code": "131050"}


async def test_what_may_have_gone_out_is_uncertain_and_counts(tmp_path: Path) -> None:
    async with sending(tmp_path, limits=OutboundLimits(per_hour=3)) as s:
        await s.receive(BIA)
        s.provider.answers = [Uncertain(), Problem(ProblemCode.REQUEST_TIMED_OUT, seconds="5")]
        assert state(await s.send(BIA)) is S.UNCERTAIN
        with pytest.raises(Problem):
            await s.send(BIA)
        s.provider.holding = asyncio.Event()
        waiting = begun(s.send(BIA))
        await asked(s.provider, 3)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await s.core.write_queue.flush()
        facts = await s.repository.facts(s.ana, BIA, s.clock.now())
        assert [each.state for each in facts.sent] == [S.UNCERTAIN] * 3
        assert await s.check(BIA) == Hold(R.LINK_LIMIT, NOON + timedelta(hours=1))


async def test_what_a_program_that_died_had_reserved_is_uncertain_after_a_while(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA)
        s.provider.holding = asyncio.Event()
        dying = begun(s.service.send(s.ana.id, OutgoingMessage(to=BIA, text="Oi"), Purpose.CONVERSATION))
        await asked(s.provider)
        service = await s.again()
        assert await service.recover() == []  # it may still be under way
        await s.later(minutes=11)
        (left,) = await service.recover()
        assert left.state is S.UNCERTAIN
        assert await service.recover() == []
        dying.cancel()


async def test_what_was_reserved_is_looked_at_again_when_the_disk_allows(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        recover, calls = s.repository.recover, []

        async def failing(before: object) -> object:
            calls.append(before)
            if len(calls) == 1:
                raise Problem(ProblemCode.DATABASE_DISK_FULL, path="x")
            return await recover(before)  # type: ignore[arg-type]

        s.repository.recover = failing  # type: ignore[method-assign, assignment]
        running = asyncio.get_running_loop().create_task(s.service.run())
        await s.clock.until_asleep()
        await s.later(seconds=60)
        await s.clock.until_asleep()
        running.cancel()
        assert len(calls) == 2


async def test_two_messages_never_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    gaps = iter([4.0, 7.5])
    async with sending(tmp_path, gap=lambda _low, _high: next(gaps)) as s:
        await s.receive(BIA)
        assert state(await s.send(BIA)) is S.ACCEPTED
        before = s.clock.sleepers
        second = begun(s.send(BIA))
        await s.clock.until_asleep(before + 1)
        await s.later(seconds=7.4)
        assert not second.done()
        await s.later(seconds=0.2)
        assert state(await second) is S.ACCEPTED
        first, last = (each.reserved_at for each in (await s.repository.facts(s.ana, BIA, s.clock.now())).sent)
        assert last - first >= timedelta(seconds=7.5)


async def test_a_campaign_rests_at_night_where_its_recipient_lives_and_a_person_may_answer(tmp_path: Path) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")  # 12:00 UTC is 21:00 there
    async with sending(tmp_path, zones=[UTC, tokyo]) as s:
        await s.grant(BIA, Purpose.CAMPAIGN)
        await s.receive(BIA)
        assert state(await s.send(BIA)) is S.ACCEPTED
        night = await s.send(BIA, purpose=Purpose.CAMPAIGN)
        # It is 8:00 in Tokyo at 23:00 UTC, when it is night there; at 8:00 UTC it is day in both.
        assert night == Hold(R.QUIET_HOURS, NOON.replace(hour=8) + DAY)
        await s.later(hours=20)
        assert state(await s.send(BIA, purpose=Purpose.CAMPAIGN)) is S.ACCEPTED


async def test_nearly_the_same_words_go_to_few_people_a_day_but_an_approved_template_may_repeat(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        people = [phone(number) for number in range(1, 6)]
        for each in people:
            await s.receive(each)
        words = "Oi {}, sua mentoria começa amanhã às 10h na sala de sempre. Você confirma a presença?"
        for each, name in zip(people, ("Ana", "Beto", "Carla", "Davi"), strict=False):
            sent = await s.send(each, words.format(name))
        assert sent == Hold(R.REPEATED_TEXT, NOON + DAY)
        assert state(await s.send(people[0], words.format("Ana"))) is S.ACCEPTED  # who has it already
        await s.later(minutes=2)
        template = OutgoingMessage(to=people[4], template=TemplateMessage(name="mentoria", language="pt_BR"))
        assert state(await s.service.send(s.ana.id, template, Purpose.CONVERSATION)) is S.ACCEPTED


async def test_a_dry_run_answers_like_the_real_one_and_leaves_nothing(tmp_path: Path) -> None:
    async with sending(tmp_path, limits=OutboundLimits(per_hour=1)) as s:
        assert await s.check(BIA) == Hold(R.NO_CONSENT)
        await s.receive(BIA)
        assert await s.check(BIA) is None
        assert await s.check(BIA) is None
        assert state(await s.send(BIA)) is S.ACCEPTED
        assert await s.check(BIA) == Hold(R.LINK_LIMIT, NOON + timedelta(hours=1))


async def test_two_programs_share_one_limit(tmp_path: Path) -> None:
    async with sending(tmp_path, limits=OutboundLimits(per_hour=5, per_minute=5)) as s:
        await s.receive(BIA)
        other = Sending(
            s.database, s.core, s.provider, s.ana, limits=s.limits, gap=lambda _low, _high: 0.0, zones=[UTC]
        )
        sent = await asyncio.gather(*(each.send(BIA) for _ in range(5) for each in (s, other)))
        assert sum(isinstance(each, OutboundMessage) for each in sent) == len(s.provider.sent) == 5
