"""What the desktop is told: once for each trouble, never for each flap, and nothing in quiet hours."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import time, timedelta

import pytest

from app.core.notifications.notifier import GRACE
from app.domain.alert import Alert, AlertKind
from app.domain.events import AlertsChanged, HandlingChanged, OperatorSettingsChanged
from app.domain.handling import Handling
from app.domain.link_status import LinkState, Reason
from app.domain.notifications import MUTED_FOR, NotificationKind, NotificationSettings, SnoozeLength
from app.domain.settings import OperatorSettings
from tests.clock import settle
from tests.core.notifications.harness import NotifierHarness

MINUTE = 60.0
HOUR = 60 * MINUTE
NIGHT = NotificationSettings(quiet=True, quiet_from=time(22), quiet_to=time(8))
DOWN = LinkState.RECONNECTING


async def test_a_link_that_needs_somebody_is_told_once_after_a_moment() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1)
        await harness.fall(ana, wait=9)
        assert harness.notified == []
        await harness.clock.advance(1)
        (notified,) = harness.notified
        assert (notified.kind, notified.mentorados) == (NotificationKind.LINKS, (ana.id,))
        await harness.clock.advance(2 * HOUR)
        assert len(harness.notified) == 1


async def test_links_that_fall_together_are_told_of_together_and_later_ones_join() -> None:
    harness = NotifierHarness()
    async with harness.running():
        ana, bia, caio, *_ = await harness.people(9)
        harness.observe(ana, LinkState.BLOCKED, Reason.LOGGED_OUT)
        await harness.fall(bia, Reason.BANNED)
        assert harness.whom == [(ana.id, bia.id)]
        await harness.fall(caio)
        assert harness.whom == [(ana.id, bia.id), (ana.id, bia.id, caio.id)]
        assert {each.key for each in harness.notified} == {"links"}
        await harness.recover(ana)
        assert harness.over == []
        await harness.recover(bia)
        await harness.recover(caio)
        assert harness.over == ["links"]


async def test_once_a_person_looked_the_next_one_is_told_of_alone() -> None:
    harness = NotifierHarness()
    async with harness.running():
        ana, bia, *_ = await harness.people(9)
        await harness.fall(ana)
        harness.notifier.on_looked()
        await harness.fall(bia)
        assert harness.whom == [(ana.id,), (bia.id,)]


async def test_what_was_over_before_anybody_could_look_is_not_told() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1)
        await harness.fall(ana, wait=5)
        await harness.recover(ana, wait=HOUR)
        assert harness.notified == []


async def test_a_link_that_reconnects_by_itself_or_waits_for_a_code_is_no_news() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1)
        for state, reason in (
            (DOWN, Reason.NETWORK_DOWN),
            (LinkState.UNKNOWN, Reason.UNREACHABLE),
            (LinkState.QR_READY, Reason.NONE),
            (LinkState.BLOCKED, Reason.QR_EXPIRED),
            (LinkState.OFF, Reason.NONE),
        ):
            harness.observe(ana, state, reason)
            await harness.clock.advance(MINUTE)
        assert harness.notified == []


async def test_what_was_stored_is_no_news() -> None:
    harness = NotifierHarness()
    async with harness.running():
        ana = await harness.core.add()
        await harness.fall(ana, wait=HOUR)
        assert harness.notified == []


async def test_a_token_that_is_about_to_expire_is_told_although_the_link_works() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1)
        harness.observe(ana, LinkState.CONNECTED, Reason.TOKEN_EXPIRING)
        await harness.clock.advance(10)
        assert harness.whom == [(ana.id,)]


async def test_a_phone_that_was_not_used_for_days_is_told_once() -> None:
    harness = NotifierHarness()
    async with harness.running():
        ana, bia, *_ = await harness.people(4)
        seen = harness.clock.now()
        alerts = [
            Alert(kind=AlertKind.PHONE_UNSEEN, provider=ana.link.provider, mentorado_id=each.id, since=seen)
            for each in (ana, bia)
        ]
        incident = Alert(kind=AlertKind.INCIDENT, provider=ana.link.provider, since=seen)
        harness.core.bus.publish(AlertsChanged((*alerts, incident), (*alerts, incident), ()))
        harness.core.bus.publish(AlertsChanged((alerts[0],), (), (alerts[1], incident)))
        await harness.clock.advance(10)
        assert harness.whom == [(ana.id,)]
        assert harness.notified[0].phones == (alerts[0],)
        harness.core.bus.publish(AlertsChanged((), (), (alerts[0],)))
        await harness.fall(ana)
        assert harness.whom == [(ana.id,), (ana.id,)]
        assert harness.notified[1].phones == ()


async def test_a_link_that_falls_again_within_the_grace_time_is_one_notification() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1)
        for _ in range(5):
            await harness.fall(ana)
            await harness.recover(ana, wait=GRACE.total_seconds() - 20)
        assert harness.whom == [(ana.id,)]
        await harness.recover(ana, wait=GRACE.total_seconds())
        await harness.fall(ana)
        assert harness.whom == [(ana.id,), (ana.id,)]


async def test_another_reason_is_told_even_within_the_grace_time() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1)
        await harness.fall(ana)
        await harness.fall(ana, Reason.BANNED)
        await harness.fall(ana, Reason.LOGGED_OUT)
        assert harness.whom == [(ana.id,), (ana.id,)]


@pytest.mark.parametrize("seed", range(5))
async def test_however_a_link_flaps_each_reason_is_told_once(seed: int) -> None:
    dice, harness = random.Random(seed), NotifierHarness()  # noqa: S311 - a test that repeats itself
    async with harness.running():
        (ana,) = await harness.people(1)
        for _ in range(200):
            state = dice.choice((LinkState.CONNECTED, LinkState.BLOCKED, DOWN, LinkState.CONNECTING))
            reason = dice.choice((Reason.LOGGED_OUT, Reason.BANNED)) if state is LinkState.BLOCKED else Reason.NONE
            harness.observe(ana, state, reason)
            await harness.clock.advance(dice.choice((1, 30, 300)))
            harness.observe(ana, DOWN)
            await harness.clock.advance(dice.choice((0, 30)))
        assert len(harness.notified) <= 2


async def test_one_incident_is_one_notification_whatever_number_of_links() -> None:
    harness = NotifierHarness()
    async with harness.running():
        people = await harness.people(50)
        for mentorado in people[:30]:
            harness.observe(mentorado, LinkState.BLOCKED, Reason.LOGGED_OUT)
        for mentorado in people[30:]:
            harness.observe(mentorado, DOWN, Reason.NETWORK_DOWN)
            await harness.clock.advance(1)
        await harness.clock.advance(30)
        (notified,) = harness.notified
        assert notified.kind is NotificationKind.INCIDENT
        assert notified.incident is not None
        assert len(notified.mentorados) >= 30
        for mentorado in people:
            await harness.recover(mentorado)
        assert harness.over == [notified.key]
        assert len(harness.notified) == 1


async def test_whoever_needs_somebody_after_an_incident_is_told_of_in_one_notification() -> None:
    harness = NotifierHarness()
    async with harness.running():
        people = await harness.people(6)
        for mentorado in people:
            harness.observe(mentorado, DOWN, Reason.NETWORK_DOWN)
        await harness.clock.advance(20)
        for mentorado in people[:3]:
            harness.observe(mentorado, LinkState.BLOCKED, Reason.LOGGED_OUT)
        for mentorado in people[4:]:
            await harness.recover(mentorado)
        await harness.clock.advance(10 * MINUTE)  # one is still reconnecting: it is alone now
        assert [each.kind for each in harness.notified] == [NotificationKind.INCIDENT, NotificationKind.LINKS]
        assert harness.notified[1].mentorados == tuple(each.id for each in people[:3])
        assert harness.over == [harness.notified[0].key]


async def test_an_incident_takes_the_place_of_what_was_told_of_its_links() -> None:
    harness = NotifierHarness()
    async with harness.running():
        people = await harness.people(4)
        await harness.fall(people[0])
        assert harness.whom == [(people[0].id,)]
        for mentorado in people[1:]:
            harness.observe(mentorado, LinkState.BLOCKED, Reason.LOGGED_OUT)
        await harness.clock.advance(10)
        assert [each.kind for each in harness.notified] == [NotificationKind.LINKS, NotificationKind.INCIDENT]
        assert harness.over == ["links"]


async def test_an_incident_that_begins_again_within_the_grace_time_is_not_told_again() -> None:
    harness = NotifierHarness()
    async with harness.running():
        people = await harness.people(4)

        async def storm() -> None:
            for mentorado in people:
                harness.observe(mentorado, DOWN, Reason.NETWORK_DOWN)
            await harness.clock.advance(30)
            for mentorado in people:
                await harness.recover(mentorado)

        await storm()
        await harness.clock.advance(2 * MINUTE)
        await storm()
        assert len(harness.notified) == 1
        await harness.clock.advance(GRACE.total_seconds())
        await storm()
        assert len(harness.notified) == 2


async def test_an_incident_that_is_over_at_once_is_not_told() -> None:
    harness = NotifierHarness()
    async with harness.running():
        people = await harness.people(4)
        for mentorado in people:
            harness.observe(mentorado, DOWN, Reason.NETWORK_DOWN)
        await harness.clock.advance(5)
        for mentorado in people:
            await harness.recover(mentorado)
        await harness.clock.advance(HOUR)
        assert harness.notified == []


async def test_somebody_who_is_on_it_is_not_told_again() -> None:
    harness = NotifierHarness()
    async with harness.running():
        ana, bia, *rest = await harness.people(5)
        harness.attended.update((ana.id, *(each.id for each in rest)))
        await harness.fall(ana)
        await harness.fall(bia)
        assert harness.whom == [(bia.id,)]
        harness.attended.add(bia.id)
        for mentorado in rest:
            harness.observe(mentorado, DOWN, Reason.NETWORK_DOWN)
        await harness.clock.advance(20)
        assert len(harness.notified) == 1  # of an incident, too, when all of its links are looked after


async def test_nothing_is_told_when_it_is_switched_off() -> None:
    harness = NotifierHarness(settings=NotificationSettings(on=False))
    async with harness.running():
        (ana,) = await harness.people(1)
        await harness.fall(ana)
        assert harness.notified == []


async def test_what_happened_in_quiet_hours_is_told_once_when_they_end() -> None:
    harness = NotifierHarness(settings=NIGHT)
    async with harness.running():
        people = await harness.people(8)
        ana, bia, caio = people[:3]
        await harness.at(22)
        assert harness.notifier.quiet_until is not None
        await harness.fall(ana)
        await harness.fall(bia)
        await harness.recover(bia)
        await harness.fall(caio)
        harness.attended.add(caio.id)
        for mentorado in people[3:]:
            harness.observe(mentorado, DOWN, Reason.NETWORK_DOWN)
        await harness.clock.advance(30)
        for mentorado in people[3:]:
            await harness.recover(mentorado)
        await harness.clock.advance(9 * HOUR + 57 * MINUTE)
        assert harness.notified == []
        await harness.clock.advance(2 * MINUTE)
        (notified,) = harness.notified
        assert (notified.kind, notified.mentorados) == (NotificationKind.SUMMARY, (ana.id,))
        assert (notified.recovered, notified.incidents) == (1, 1)
        await harness.clock.advance(10 * HOUR)
        assert len(harness.notified) == 1


async def test_quiet_hours_in_which_nothing_happened_end_without_a_word() -> None:
    harness = NotifierHarness(settings=NIGHT)
    async with harness.running():
        await harness.people(2)
        await harness.clock.advance(24 * HOUR)
        assert harness.notified == []


async def test_what_was_missed_is_told_at_once_when_quiet_hours_are_switched_off() -> None:
    harness = NotifierHarness(settings=NIGHT)
    async with harness.running():
        ana, bia, *_ = await harness.people(4)
        await harness.at(22)
        await harness.fall(ana)
        harness.settings = replace(NIGHT, quiet=False)
        harness.core.bus.publish(OperatorSettingsChanged(OperatorSettings()))
        await settle()
        assert [each.kind for each in harness.notified] == [NotificationKind.SUMMARY]
        harness.settings = NIGHT
        await harness.fall(bia)
        harness.settings = NotificationSettings(on=False)
        harness.core.bus.publish(OperatorSettingsChanged(OperatorSettings()))
        await settle()
        assert len(harness.notified) == 1


async def test_it_can_be_made_quiet_for_an_hour_and_ended_before() -> None:
    harness = NotifierHarness()
    async with harness.running():
        ana, bia, *_ = await harness.people(4)
        assert harness.notifier.quiet_until is None
        harness.notifier.mute(MUTED_FOR)
        assert harness.notifier.quiet_until == harness.clock.now() + timedelta(hours=1)
        assert harness.notifier.muted
        await harness.fall(ana)
        await harness.clock.advance(HOUR - 11)
        assert harness.notified == []
        await harness.clock.advance(1)
        assert [each.kind for each in harness.notified] == [NotificationKind.SUMMARY]
        harness.notifier.mute(MUTED_FOR)
        await harness.fall(bia)
        harness.notifier.unmute()
        await settle()
        assert len(harness.notified) == 2
        assert harness.notifier.quiet_until is None
        assert harness.notifier.muted is False


async def test_whom_somebody_is_on_is_not_told_and_is_told_when_nobody_is_any_more() -> None:
    harness = NotifierHarness()
    async with harness.running():
        ana, bia, *_ = await harness.people(4)
        await harness.fall(ana)
        assert harness.whom == [(ana.id,)]
        harness.attended.add(ana.id)
        handling = Handling(mentorado_id=ana.id, operator="Rosa", since=harness.clock.now())
        harness.core.bus.publish(HandlingChanged(ana.id, handling))
        assert harness.over == ["links"]
        await harness.fall(ana, Reason.BANNED)
        assert len(harness.notified) == 1
        harness.attended.clear()
        harness.core.bus.publish(HandlingChanged(bia.id, None))
        harness.core.bus.publish(HandlingChanged(ana.id, None))
        await harness.clock.advance(10)
        assert harness.whom == [(ana.id,), (ana.id,)]


async def test_a_snoozed_link_is_not_told_and_is_told_when_the_snooze_is_over() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1)
        await harness.fall(ana)
        await harness.snoozes.begin(ana.id, SnoozeLength.HOUR)
        assert harness.over == ["links"]
        assert harness.notifier.is_silent(ana.id)
        await harness.fall(ana, Reason.BANNED)
        await harness.clock.advance(HOUR - 10)
        assert len(harness.notified) == 1
        await harness.clock.advance(10)
        assert harness.whom == [(ana.id,), (ana.id,)]
        assert not harness.notifier.is_silent(ana.id)


async def test_a_snooze_that_ends_while_the_link_is_on_its_way_tells_nothing() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1)
        harness.observe(ana, DOWN, Reason.NETWORK_DOWN)
        await harness.snoozes.begin(ana.id, SnoozeLength.HOUR)
        await harness.clock.advance(2 * HOUR)
        assert harness.notified == []
        assert harness.snoozes.snooze_of(ana.id) is None


async def test_a_recovery_ends_a_snooze() -> None:
    harness = NotifierHarness()
    async with harness.running():
        ana, bia, *_ = await harness.people(4)
        await harness.fall(ana)
        await harness.snoozes.begin(ana.id, SnoozeLength.RECOVERY)
        harness.observe(bia, DOWN)
        await harness.recover(bia)
        harness.observe(ana, LinkState.CONNECTING)
        assert harness.snoozes.snooze_of(ana.id) is not None
        await harness.recover(ana)
        assert harness.snoozes.snooze_of(ana.id) is None
        await harness.fall(ana, Reason.BANNED)
        assert len(harness.notified) == 2
