"""What holds for a number whichever of its mentorado's links it goes through, and what holds for one link alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from app.domain.consent import Purpose
from app.domain.link_status import LinkState, LinkStatus, SmokeTestOutcome, Trigger
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import Address, DeliveryStatus
from app.domain.outbound import DAY, OutboundFacts, OutboundMessage, OutboundState, OutboundStop
from app.domain.repositories import Transition
from app.domain.sending import SendErrorKind
from app.domain.smoke_test import SmokeTest, SmokeTestRepository, SmokeTestTarget
from app.domain.switch import SwitchItem, SwitchItemState, SwitchPlan, SwitchRun, SwitchRunId
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.outbound import SqlOutbound
from app.storage.settings import SqlRegistrationAttempts
from app.storage.smoke_tests import SqlSmokeTests
from app.storage.switches import SqlSwitches
from app.storage.time_records import SqlTimeRecords
from app.storage.transitions import SqlTransitionRepository
from tests.clock import DAWN
from tests.storage.talk import BIA, CAIO, a_message, add_mentorado, execute, minutes, receipt, switched

ZAPI, META = ProviderKind.ZAPI, ProviderKind.META_CLOUD


async def _send(database: Database, who: Mentorado, reference: str, to: Address = BIA, minute: float = 0) -> None:
    def decide(facts: OutboundFacts) -> OutboundMessage:
        return OutboundMessage(
            reference=reference * 32,
            link_id=who.link.id,
            recipient=facts.recipient,
            purpose=Purpose.CAMPAIGN,
            reserved_at=minutes(minute),
            state=OutboundState.ACCEPTED,
        )

    await SqlOutbound(database).reserve(who, to, minutes(minute), decide)


async def _connected(database: Database, who: Mentorado, minute: float) -> None:
    before, after = (
        LinkStatus(state=state, since=minutes(minute)) for state in (LinkState.CONNECTING, LinkState.CONNECTED)
    )
    opened = Transition(link_id=who.link.id, at=minutes(minute), trigger=Trigger.OPENED, before=before, after=after)
    await SqlTransitionRepository(database).append(opened)


async def test_limits_and_warm_up_count_what_the_number_did_through_any_link(path: Path) -> None:
    async with Database(path) as database:
        ana, bruno = await add_mentorado(database), await add_mentorado(database, "Bruno", "+5521912345678")
        await _send(database, ana, "1", minute=1)
        await _connected(database, ana, 2)
        zapi = await switched(database, ana, ZAPI)
        await _send(database, zapi, "2", CAIO, minute=3)
        await _connected(database, zapi, 4)
        await _send(database, bruno, "3", minute=5)
        for who in (ana, zapi):
            facts = await SqlOutbound(database).facts(who, BIA, minutes(9))
            assert [each.reference[0] for each in facts.sent] == ["1", "2"]
            assert (facts.first_connected, len(facts.business_day)) == (minutes(2), 3)
        later = await SqlOutbound(database).facts(zapi, BIA, minutes(2) + DAY)
        assert [each.reference[0] for each in later.sent] == ["2"]


async def test_a_stop_is_of_the_link_that_it_was_for(path: Path) -> None:
    async with Database(path) as database:
        ana, outbound = await add_mentorado(database), SqlOutbound(database)
        zapi = await switched(database, ana, ZAPI)
        await outbound.stop(OutboundStop(link_id=ana.link.id, trouble=SendErrorKind.BILLING, code="1", at=DAWN))
        assert (await outbound.facts(ana, BIA, DAWN)).stop is not None
        assert (await outbound.facts(zapi, BIA, DAWN)).stop is None


async def test_registration_tries_of_a_former_link_count(path: Path) -> None:
    async with Database(path) as database:
        ana, tries = await add_mentorado(database), SqlRegistrationAttempts(database)
        for number in (1, 2):
            await tries.add((await switched(database, ana, META)).link.id, minutes(number))
        assert await tries.since(ana.link.id, DAWN) == [minutes(1), minutes(2)]


async def test_the_moves_of_all_links_are_in_the_timeline(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        zapi = await switched(database, ana, ZAPI)
        for minute, who in enumerate((ana, zapi, ana)):
            await _connected(database, who, minute)
        moves = await SqlTransitionRepository(database).for_mentorado(ana.id)
        assert [move.link_id for move in moves] == [ana.link.id, zapi.link.id, ana.link.id]


async def test_one_link_at_most_is_in_use_whatever_is_written(path: Path) -> None:
    async with Database(path) as database:
        mentorados, ana = SqlMentoradoRepository(database), await add_mentorado(database)
        zapi = await switched(database, ana, ZAPI)
        for value in (1, 7):
            with pytest.raises(IntegrityError):
                await execute(database, "UPDATE link SET active = :value WHERE provider = 'zapi'", value=value)
        (found,), (beside,) = await mentorados.all(), await mentorados.links_beside()
        assert (found.link.id, beside.id, beside.in_use) == (ana.link.id, zapi.link.id, False)
        await mentorados.put_in_use(replace(zapi.link, in_use=True))
        (found,), (beside,) = await mentorados.all(), await mentorados.links_beside()
        assert (found.link.id, beside.id) == (zapi.link.id, ana.link.id)
        await execute(database, "UPDATE link SET provider = 'telegram' WHERE provider = 'zapi'")
        assert [each.id for each in await mentorados.links_beside()] == [ana.link.id]


# --- smoke tests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", [ZAPI, META])
async def test_an_answer_counts_for_the_link_that_told_of_it(path: Path, provider: ProviderKind) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        tests: SmokeTestRepository = SqlSmokeTests(database)
        other = await switched(database, ana, provider)
        answer = a_message("M1", "a palavra é caju", minute=3)

        async def arrived(since: float, **details: object) -> tuple[bool, ...]:
            found = [
                await tests.arrived(ana.id, minutes(since), link_id=each, **details)  # type: ignore[arg-type]
                for each in (None, ana.link.id, other.link.id)
            ]
            return tuple(found)

        await history.store(ana, [answer], minutes(4))
        assert await arrived(3, word="caju") == (True, True, False)
        assert not await tests.has_received(other.link.id, receipts=False)
        await history.store(other, [replace(answer, provider_id="M1" if provider is ZAPI else "wamid.1")], minutes(6))
        assert await arrived(3, word="caju") == (True, True, True)
        assert await arrived(5, word="caju", sender=BIA) == (False, False, True)
        assert await arrived(3, sender=CAIO) == (False, False, False)
        assert await arrived(7) == (False, False, False)
        assert await tests.has_received(other.link.id, receipts=False)


@pytest.mark.parametrize("first", ["own", "other"])
async def test_delivery_is_found_through_whichever_link_told_of_it(path: Path, first: str) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        meta, tests = await switched(database, ana, META), SqlSmokeTests(database)
        reported = [(meta, "wamid.1"), (ana, "W1")]
        assert await tests.delivery(meta.link.id, "wamid.1") == (None, "")
        for who, provider_id in reported if first == "own" else reported[::-1]:
            await history.store(who, [a_message(provider_id, "teste", from_me=True)], minutes(2))
        assert await tests.delivery(meta.link.id, "wamid.1") == (DeliveryStatus.ACCEPTED, "")
        await history.store(ana, [receipt(DeliveryStatus.DELIVERED, "W1")], minutes(3))
        assert await tests.delivery(meta.link.id, "wamid.1") == (DeliveryStatus.DELIVERED, "")
        await history.store(meta, [receipt(DeliveryStatus.READ, "wamid.1")], minutes(4))
        assert await tests.delivery(ana.link.id, "W1") == (DeliveryStatus.READ, "")
        bruno = await add_mentorado(database, "Bruno", "+5521912345678")
        assert await tests.delivery(bruno.link.id, "W1") == (None, "")


async def test_the_last_test_is_told_of_each_link(path: Path) -> None:
    async with Database(path) as database:
        ana, tests = await add_mentorado(database), SqlSmokeTests(database)
        zapi = await switched(database, ana, ZAPI)
        for who in (ana, zapi, zapi):
            await tests.add(
                SmokeTest(
                    mentorado_id=ana.id,
                    link_id=who.link.id,
                    target=SmokeTestTarget.OWN,
                    began_at=DAWN,
                    ended_at=DAWN,
                    outcome=SmokeTestOutcome.PASSED,
                )
            )
        assert [each.link_id for each in await tests.latest()] == [ana.link.id, zapi.link.id]


# --- a clock that was wrong ------------------------------------------------------------------------------------------


async def test_a_switch_that_a_wrong_clock_dated_goes_on_when_a_person_says_so(path: Path) -> None:
    years = timedelta(days=1100)
    async with Database(path) as database:
        ana, switches = await add_mentorado(database), SqlSwitches(database)
        run_id = SwitchRunId("1" * 32)
        item = SwitchItem(
            run_id=run_id,
            number=1,
            wave=1,
            mentorado_id=ana.id,
            source=ana.link.provider,
            target=ZAPI,
            from_link=ana.link.id,
            state=SwitchItemState.SWITCHED,
            at=DAWN + years,
            switched_at=DAWN + years,
        )
        plan = SwitchPlan(target=ZAPI, pause_minutes=5)
        run = SwitchRun(id=run_id, plan=plan, digest="5" * 64, approved_at=DAWN, approved_by="rosa", items=(item,))
        await switches.add(replace(run, pause_until=DAWN + years))
        records, now = SqlTimeRecords(database), minutes(60)
        assert await records.correct(now) == 2
        (found,) = await switches.all()
        assert found == run.with_item(replace(item, at=now, switched_at=now))
        await switches.save_run(replace(run, pause_until=now + timedelta(minutes=5)))
        await switches.save_item(replace(item, at=minutes(50), switched_at=None))
        assert await records.correct(now) == 0
