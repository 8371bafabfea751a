"""How long a campaign is said to take."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from app.domain.outbound import LONGEST, OutboundLimits, estimated_duration

DAY = timedelta(days=1)
OLD = 100 * DAY


@pytest.mark.parametrize(
    ("messages", "new", "limits", "repeats", "connected_for", "expected"),
    [
        (0, 0, OutboundLimits(), True, OLD, timedelta()),
        (3, 0, OutboundLimits(), True, OLD, timedelta(seconds=36)),  # five a minute
        (4, 0, OutboundLimits(), True, OLD, DAY + timedelta(seconds=12)),  # three of nearly the same text a day
        (60, 0, OutboundLimits(), False, OLD, timedelta(minutes=12)),
        (61, 0, OutboundLimits(), False, OLD, timedelta(minutes=61)),  # sixty an hour
        (201, 0, OutboundLimits(), False, OLD, DAY + timedelta(seconds=12)),
        (21, 0, OutboundLimits(), False, timedelta(), DAY + timedelta(seconds=12)),  # a number that is new here
        (41, 41, OutboundLimits(), False, OLD, 2 * DAY + timedelta(seconds=41 * 12)),  # twenty new contacts a day
        (9, 0, OutboundLimits(per_hour=1, per_minute=60), False, OLD, timedelta(hours=9)),
        (13, 0, OutboundLimits(per_hour=1, per_minute=60), False, OLD, DAY + timedelta(seconds=7.5)),  # twelve hours
        (24, 0, OutboundLimits(per_hour=1, quiet_from=time(0), quiet_to=time(0)), False, OLD, timedelta(hours=24)),
        (1, 0, OutboundLimits(per_day=0, warm_up_first=0), False, timedelta(), LONGEST),
        (9, 9, OutboundLimits(new_contacts_per_day=0), False, OLD, 8 * DAY + timedelta(seconds=108)),
    ],
)
def test_the_limit_that_holds_back_the_longest_decides(
    messages: int, new: int, limits: OutboundLimits, repeats: bool, connected_for: timedelta, expected: timedelta
) -> None:
    assert estimated_duration(messages, new, limits, repeats=repeats, connected_for=connected_for) == expected
