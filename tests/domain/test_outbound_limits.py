from __future__ import annotations

from dataclasses import fields, replace
from datetime import time
from typing import Any

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.outbound import RANGES, OutboundLimits, checked_limits, format_limits, loosened
from tests.clock import DAWN


def put(name: str, value: int) -> OutboundLimits:
    change: dict[str, Any] = {name: value}
    return replace(OutboundLimits(longest_gap=3_600), **change)


def test_every_limit_that_is_a_number_has_a_range_around_its_default() -> None:
    numbers = {each.name for each in fields(OutboundLimits) if type(each.default) is int}
    assert set(RANGES) == numbers
    assert checked_limits(OutboundLimits()) == OutboundLimits()


@pytest.mark.parametrize("name", RANGES)
def test_what_is_out_of_range_is_refused_with_its_name_and_range(name: str) -> None:
    least, most = RANGES[name].least, RANGES[name].most
    if name == "longest_gap":
        least = OutboundLimits().shortest_gap
    for value in (least, most):
        assert checked_limits(put(name, value)) == put(name, value)
    for value in (least - 1, most + 1):
        with pytest.raises(Problem) as refused:
            checked_limits(put(name, value))
        assert refused.value.code is ProblemCode.LIMIT_INVALID
        assert refused.value.context == {"limit": name, "least": str(least), "most": str(most)}


@pytest.mark.parametrize("name", RANGES)
def test_more_is_looser_but_for_pauses_and_the_warm_up(name: str) -> None:
    now = put(name, 5)
    less, more = put(name, 4), put(name, 6)
    looser, tighter = (more, less) if RANGES[name].looser == 1 else (less, more)
    assert loosened(now, looser) == (name,)
    assert loosened(now, tighter) == loosened(now, now) == ()


def hours(quiet_from: int, quiet_to: int) -> OutboundLimits:
    return OutboundLimits(quiet_from=time(quiet_from), quiet_to=time(quiet_to))


def test_quiet_hours_that_end_earlier_or_begin_later_are_looser() -> None:
    night = hours(20, 8)
    assert loosened(night, hours(19, 9)) == ()
    assert loosened(night, hours(21, 8)) == ("quiet_from",)
    assert loosened(night, hours(20, 7)) == ("quiet_to",)
    assert loosened(night, hours(0, 0)) == ("quiet_from", "quiet_to"), "the same time is none"
    assert loosened(hours(13, 14), hours(12, 15)) == ()
    assert loosened(hours(0, 0), night) == ()


def test_to_let_partly_confirmed_tests_count_is_looser() -> None:
    counts = OutboundLimits(partly_confirmed_counts=True)
    assert loosened(OutboundLimits(), counts) == ("partly_confirmed_counts",)
    assert loosened(counts, OutboundLimits()) == ()


def test_the_audit_names_what_differs_from_the_defaults() -> None:
    assert format_limits(OutboundLimits(), DAWN) == ""
    changed = OutboundLimits(per_day=50, quiet_from=time(21, 30), partly_confirmed_counts=True)
    assert format_limits(changed, DAWN) == "per_day=50, quiet_from=21:30, partly_confirmed_counts=True"
