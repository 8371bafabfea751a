from __future__ import annotations

import os
import time as system_time
from datetime import UTC, datetime, time, timedelta
from itertools import product

import pytest

from app.domain.guidance import REASONS, needs_person
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.notifications import (
    NotificationSettings,
    Snooze,
    SnoozeLength,
    can_snooze,
    is_notable,
    quiet_until,
    snooze,
)
from app.domain.settings import NOTIFICATIONS, OperatorSettings
from app.text.signs import Tone, tone_of
from tests.clock import DAWN

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
NIGHT = NotificationSettings(quiet=True, quiet_from=time(20), quiet_to=time(8))
STATUSES = [LinkStatus(state=state, reason=reason, since=DAWN) for state, reason in product(LinkState, REASONS)]


def at(hour: float, day: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (at(19.99), None),
        (at(20), at(8, 1)),
        (at(23.5), at(8, 1)),
        (at(3, 1), at(8, 1)),
        (at(8, 1), None),
        (at(12), None),
    ],
)
def test_quiet_hours_may_reach_over_midnight(now: datetime, end: datetime | None) -> None:
    assert quiet_until(now, NIGHT, UTC) == end
    assert quiet_until(now, NotificationSettings(), UTC) is None


def test_quiet_hours_belong_to_the_day_on_which_they_begin() -> None:
    friday = NotificationSettings(quiet=True, quiet_from=time(20), quiet_to=time(8), quiet_days=(4,))
    assert quiet_until(at(3, 4), friday, UTC) is None
    assert quiet_until(at(3, 5), friday, UTC) == at(8, 5)
    assert quiet_until(at(21, 5), friday, UTC) is None


def test_hours_that_begin_when_they_end_are_the_whole_day_and_lead_into_the_next() -> None:
    weekend = NotificationSettings(quiet=True, quiet_from=time(0), quiet_to=time(0), quiet_days=(5, 6))
    assert quiet_until(at(12, 4), weekend, UTC) is None
    assert quiet_until(at(12, 5), weekend, UTC) == at(0, 7)
    always = NotificationSettings(quiet=True, quiet_from=time(8), quiet_to=time(8))
    assert quiet_until(at(12), always, UTC) == at(8, 7)


def test_hours_within_a_day() -> None:
    siesta = NotificationSettings(quiet=True, quiet_from=time(12), quiet_to=time(14))
    assert quiet_until(at(13), siesta, UTC) == at(14)
    assert quiet_until(at(14), siesta, UTC) is None


def test_without_a_zone_it_is_this_computers(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "America/Sao_Paulo")
    system_time.tzset()
    try:
        assert quiet_until(at(23), NIGHT) == at(11, 1)
        assert quiet_until(at(22.9), NIGHT) is None
        assert snooze(SnoozeLength.TOMORROW, at(2)) == Snooze(at(11))
    finally:
        if before is None:
            monkeypatch.delenv("TZ")
        else:
            monkeypatch.setenv("TZ", before)
        system_time.tzset()


def test_a_snooze_is_over_at_its_time() -> None:
    assert snooze(SnoozeLength.HOUR, at(12), UTC) == Snooze(at(13))
    assert Snooze(at(13)).over(at(13))
    assert not Snooze(at(13)).over(at(12.9))
    assert not snooze(SnoozeLength.RECOVERY, at(12), UTC).over(at(12, 900))


def test_somebody_is_needed_exactly_where_the_list_says_so() -> None:
    assert [needs_person(each) for each in STATUSES] == [tone_of(each) is Tone.ERROR for each in STATUSES]


def test_every_link_that_needs_somebody_can_be_snoozed_and_none_that_is_well() -> None:
    for status in STATUSES:
        assert can_snooze(status) or not is_notable(status)
    assert not can_snooze(LinkStatus(state=LinkState.CONNECTED, since=DAWN))
    assert not can_snooze(LinkStatus(state=LinkState.OFF, since=DAWN))
    assert can_snooze(LinkStatus(state=LinkState.CONNECTED, reason=Reason.TOKEN_EXPIRING, since=DAWN))
    assert can_snooze(LinkStatus(state=LinkState.RECONNECTING, since=DAWN))


@pytest.mark.parametrize(
    ("stored", "days"),
    [([6, 0, 0], (0, 6)), ([], ()), ([7], (0, 1, 2, 3, 4, 5, 6)), ("all", (0, 1, 2, 3, 4, 5, 6))],
)
def test_days_that_make_no_sense_count_as_not_decided(stored: object, days: tuple[int, ...]) -> None:
    assert NOTIFICATIONS.read({"notifications_quiet_days": stored}).quiet_days == days


def test_the_setting_is_kept_and_said_in_the_audit() -> None:
    for chosen, words in (
        (NotificationSettings(on=False), "off"),
        (NotificationSettings(), "on"),
        (NotificationSettings(quiet=True, quiet_days=(0, 4)), "on, quiet 20:00-08:00, days 1,5"),
    ):
        rows = NOTIFICATIONS.rows(NOTIFICATIONS.put(OperatorSettings(), chosen))
        assert NOTIFICATIONS.read({**rows, "notifications_quiet_days": list(chosen.quiet_days)}) == chosen
        assert NOTIFICATIONS.format_value(chosen, DAWN) == words
