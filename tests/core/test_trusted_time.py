"""One notion of now: never before what is stored, never far ahead of what is known, and asked about where it jumped."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.background import BackgroundTasks
from app.core.links.status_store import clamp_to_now
from app.core.trusted_time import ASK_AGAIN_SECONDS, ClockCheck, TrustedClock
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ClockDoubted
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.messages import DeliveryReceipt, DeliveryStatus, ProviderMessage
from app.domain.trusted_time import FAR_AHEAD, SKEW_ALLOWED, TimeMark, parse_timestamp, plausible
from tests.clock import DAWN, ManualClock, settle
from tests.core.conftest import Run
from tests.fakes import FakeProviderTime, FakeTimeRecords
from tests.services import Core

YEARS = timedelta(days=1100)
HOUR = timedelta(hours=1)


class FakeComputer:
    """A computer whose clock can be set, and its seconds counted beside it."""

    def __init__(
        self, *, last_run: datetime | None = None, newest: datetime | None = None, provider: datetime | None = None
    ) -> None:
        self.wall_clock = ManualClock()
        self.seconds = 0.0
        self.records = FakeTimeRecords(None if last_run is None else TimeMark(at=last_run), newest)
        self.provider = FakeProviderTime(provider)
        self.clock = TrustedClock(
            self.wall_clock, records=self.records, provider_time=self.provider, elapsed=lambda: self.seconds
        )

    def passes(self, time: timedelta) -> None:
        self.wall_clock.time += time
        self.seconds += time.total_seconds()


@pytest.mark.parametrize("closed_for", [timedelta(), HOUR, FAR_AHEAD])
async def test_a_clock_that_fits_the_last_run_is_used(closed_for: timedelta) -> None:
    computer = FakeComputer(last_run=DAWN - closed_for, newest=DAWN - closed_for - HOUR)
    await computer.clock.load()
    assert (computer.clock.now(), computer.clock.doubt) == (DAWN, None)
    computer.passes(HOUR)
    assert computer.clock.now() == computer.clock.latest() == DAWN + HOUR
    assert computer.records.corrected == [DAWN]  # what a wrong clock of former runs left behind
    assert computer.provider.asked == 0


@pytest.mark.parametrize("known", ["last_run", "newest"])
async def test_a_clock_years_ahead_is_not_believed_and_time_goes_on_from_what_was_known(known: str) -> None:
    computer = FakeComputer(**{known: DAWN - YEARS})
    await computer.clock.load()
    computer.passes(HOUR)
    assert computer.clock.now() == DAWN - YEARS + HOUR
    assert computer.clock.doubt is not None
    assert not computer.clock.doubt.certain
    assert computer.records.corrected == []
    assert not await computer.clock.may_remove()
    assert computer.clock.latest() > DAWN + HOUR  # a date a provider gave may be right


async def test_a_clock_before_the_newest_thing_stored_is_not_believed_either() -> None:
    computer = FakeComputer(last_run=DAWN, newest=DAWN + YEARS)
    await computer.clock.load()
    computer.passes(HOUR)
    assert computer.clock.now() == DAWN + YEARS + HOUR
    assert not await computer.clock.may_remove()


async def test_a_provider_settles_the_doubt_whoever_was_wrong() -> None:
    long_closed = FakeComputer(last_run=DAWN - YEARS, provider=DAWN - timedelta(seconds=2))
    await long_closed.clock.load()
    assert (long_closed.clock.now(), long_closed.clock.doubt) == (DAWN, None)
    assert await long_closed.clock.may_remove()
    assert long_closed.provider.asked == 1  # a day is soon enough to ask again

    ahead = FakeComputer(last_run=DAWN - YEARS, provider=DAWN - YEARS + HOUR)
    await ahead.clock.load()
    ahead.passes(HOUR)
    assert ahead.clock.now() == DAWN - YEARS + 2 * HOUR
    assert ahead.clock.doubt is not None
    assert ahead.clock.doubt.certain
    assert not await ahead.clock.may_remove()
    ahead.wall_clock.time = DAWN - YEARS + 2 * HOUR  # somebody puts it right
    ahead.provider.says = ahead.wall_clock.time
    assert await ahead.clock.may_remove()


async def test_dates_that_a_wrong_clock_left_behind_are_no_measure_once_they_are_known() -> None:
    computer = FakeComputer(newest=DAWN + YEARS, provider=DAWN)
    await computer.clock.load()
    assert (computer.clock.now(), computer.clock.doubt) == (DAWN, None)
    assert computer.records.stored == TimeMark(at=DAWN, disregarded_until=DAWN + YEARS)
    assert computer.records.corrected[0] == DAWN

    again = FakeComputer(newest=DAWN + YEARS)  # the log of moves cannot be corrected
    again.records.stored = computer.records.stored
    await again.clock.load()
    assert (again.clock.now(), again.clock.doubt) == (DAWN, None)
    assert again.provider.asked == 0


async def test_a_person_can_say_that_the_computer_is_right() -> None:
    computer = FakeComputer(last_run=DAWN - YEARS)
    await computer.clock.load()
    await computer.clock.confirm()
    assert (computer.clock.now(), computer.clock.doubt) == (DAWN, None)
    assert await computer.clock.may_remove()
    assert computer.records.stored == TimeMark(at=DAWN)

    behind = FakeComputer(newest=DAWN + YEARS)
    await behind.clock.load()
    await behind.clock.confirm()
    assert behind.clock.now() == DAWN
    assert behind.records.stored == TimeMark(at=DAWN, disregarded_until=DAWN + YEARS)


async def test_a_clock_that_jumps_while_the_program_runs_is_noticed() -> None:
    computer = FakeComputer(last_run=DAWN)
    await computer.clock.load()
    computer.passes(HOUR)
    assert computer.clock.now() == DAWN + HOUR
    computer.wall_clock.time += YEARS
    assert computer.clock.now() == DAWN + HOUR
    assert not await computer.clock.may_remove()
    computer.wall_clock.time -= YEARS + 30 * HOUR
    assert computer.clock.now() == DAWN + HOUR
    assert computer.clock.doubt is not None
    computer.wall_clock.time = DAWN + HOUR - SKEW_ALLOWED  # an ordinary correction
    assert computer.clock.now() == DAWN + HOUR
    assert computer.clock.doubt is None


@pytest.mark.parametrize(
    ("ahead", "provider", "checked"),
    [
        (HOUR, DAWN, DAWN),
        (timedelta(minutes=3), DAWN, DAWN + timedelta(seconds=1)),
        (-timedelta(minutes=3), DAWN, DAWN - timedelta(minutes=3)),
        (HOUR, None, DAWN + HOUR),
    ],
)
async def test_what_is_recorded_as_past_is_never_later_than_a_provider_says(
    ahead: timedelta, provider: datetime | None, checked: datetime
) -> None:
    computer = FakeComputer(last_run=DAWN - HOUR, provider=provider)
    computer.wall_clock.time += ahead
    await computer.clock.load()
    assert await computer.clock.checked_now() == checked


async def test_nothing_is_known_before_the_database_is_read() -> None:
    computer = FakeComputer()
    assert (computer.clock.now(), computer.clock.doubt) == (DAWN, None)
    await computer.clock.save()
    assert computer.records.stored is None
    await computer.clock.load()
    await computer.clock.save()
    assert computer.records.stored == TimeMark(at=DAWN)


@example(known=0, provider=None, steps=[(1, -301), (0, 1)])
@given(
    known=st.integers(-(10**8), 10**8),
    provider=st.none() | st.integers(-(10**8), 10**8),
    steps=st.lists(st.tuples(st.integers(0, 10**5), st.integers(-(10**8), 10**8)), max_size=6),
)
@settings(max_examples=150)
def test_whatever_the_clock_says_now_is_near_what_is_known_and_never_goes_back(
    known: int, provider: int | None, steps: list[tuple[int, int]]
) -> None:
    """Seconds from the computer's time at the start: of the last run, of a provider, and of jumps of the clock."""

    async def main() -> None:
        computer = FakeComputer(
            last_run=DAWN + timedelta(seconds=known),
            provider=None if provider is None else DAWN + timedelta(seconds=provider),
        )
        await computer.clock.load()
        sure = computer.clock.now() if computer.clock.doubt is None else DAWN + timedelta(seconds=known)
        if provider is not None and computer.provider.asked:
            assert abs(computer.clock.now() - DAWN - timedelta(seconds=provider)) <= SKEW_ALLOWED
            return
        before = computer.clock.now()
        for passed, jump in steps:
            computer.passes(timedelta(seconds=passed))
            computer.wall_clock.time += timedelta(seconds=jump)
            now = computer.clock.now()
            assert before <= now
            assert now >= sure
            assert now - before <= timedelta(seconds=passed) + FAR_AHEAD
            before = now

    asyncio.run(main())


def test_a_doubt_is_told_until_it_is_over_and_a_confirmation_is_written_down(
    core: Core, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        computer = FakeComputer(last_run=DAWN - YEARS)
        computer.wall_clock = core.clock
        clock = TrustedClock(core.clock, records=computer.records, provider_time=computer.provider)
        check = ClockCheck(bus=core.bus, clock=clock, audit_service=core.audit_service)
        doubteds: list[ClockDoubted] = []
        core.bus.subscribe(ClockDoubted, doubteds.append)
        async with core.running(), BackgroundTasks(check.run):
            await settle()
            assert doubteds == []  # nothing is known yet
            await clock.load()
            await settle()
            assert [each.doubt is None or each.doubt.certain for each in doubteds] == [False]
            computer.provider.says = DAWN - YEARS
            await core.clock.advance(ASK_AGAIN_SECONDS)
            assert [each.doubt is None or each.doubt.certain for each in doubteds] == [False, True]
            await check.confirm()
            assert doubteds[-1].doubt is None
            await check.confirm()  # there is nothing to be confirmed
        (entry,) = core.audit.outcomes
        assert entry.record.action == "confirm_date"
        assert entry.record.before == {"value": f"{DAWN - YEARS:%Y-%m-%d %H:%M} UTC"}
        assert entry.record.after == {"value": "2026-01-01 00:10 UTC"}

    run(main())
    assert "is used instead" in caplog.text


@pytest.mark.parametrize("last_run", [DAWN, DAWN - YEARS])
async def test_a_database_that_can_only_be_read_is_read_all_the_same(last_run: datetime) -> None:
    computer = FakeComputer(last_run=last_run, provider=DAWN)
    computer.records.problem = Problem(ProblemCode.DATABASE_NOT_WRITABLE)
    await computer.clock.load()
    assert (computer.clock.now(), computer.clock.doubt) == (DAWN, None)
    assert computer.clock.loaded.is_set()


async def test_while_all_is_well_nothing_is_told_and_the_mark_moves_on(core: Core) -> None:
    computer = FakeComputer(last_run=DAWN)
    check = ClockCheck(bus=core.bus, clock=computer.clock, audit_service=core.audit_service)
    doubteds: list[ClockDoubted] = []
    core.bus.subscribe(ClockDoubted, doubteds.append)
    await computer.clock.load()
    computer.passes(HOUR)
    await check.check()
    assert (doubteds, computer.provider.asked) == ([], 0)
    assert computer.records.stored == TimeMark(at=DAWN + HOUR)


def test_a_database_that_cannot_be_written_ends_nothing(core: Core, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        computer = FakeComputer(last_run=DAWN - YEARS)
        check = ClockCheck(bus=core.bus, clock=computer.clock, audit_service=core.audit_service)
        doubteds: list[ClockDoubted] = []
        core.bus.subscribe(ClockDoubted, doubteds.append)
        await computer.clock.load()
        computer.records.problem = Problem(ProblemCode.DATABASE_LOCKED)
        await check.check()
        assert len(doubteds) == 1

    run(main())
    assert "is used instead" in caplog.text


@pytest.mark.parametrize(
    ("sent_at", "stored"),
    [
        (DAWN - HOUR, DAWN - HOUR),
        (DAWN + 20 * HOUR, DAWN + 20 * HOUR),  # a provider's clock may be ahead of ours
        (DAWN + YEARS, DAWN),
        (datetime.max.replace(tzinfo=UTC), DAWN),
        (datetime(1970, 1, 1, tzinfo=UTC), DAWN),
        (datetime.min.replace(tzinfo=UTC), DAWN),
    ],
)
def test_a_message_is_not_dated_in_the_future_nor_before_there_were_any(sent_at: datetime, stored: datetime) -> None:
    message = ProviderMessage(provider_id="1", chat=(), sender=(), from_me=False, sent_at=sent_at, received_at=DAWN)
    kept = plausible(message, DAWN)
    assert isinstance(kept, ProviderMessage)
    assert (kept.sent_at, kept.received_at) == (stored, DAWN)


def test_nothing_was_received_later_than_now() -> None:
    message = ProviderMessage(
        provider_id="1", chat=(), sender=(), from_me=False, sent_at=DAWN, received_at=DAWN + YEARS
    )
    kept = plausible(message, DAWN)
    assert isinstance(kept, ProviderMessage)
    assert (kept.sent_at, kept.received_at) == (DAWN, DAWN)


@pytest.mark.parametrize(("at", "stored"), [(DAWN, DAWN), (DAWN + YEARS, DAWN)])
def test_a_receipt_is_not_dated_in_the_future(at: datetime, stored: datetime) -> None:
    kept = plausible(DeliveryReceipt(provider_ids=("1",), chat=(), delivery=DeliveryStatus.READ, at=at), DAWN)
    assert isinstance(kept, DeliveryReceipt)
    assert kept.at == stored


def test_what_is_no_moment_is_left_to_the_store() -> None:
    message = ProviderMessage(
        provider_id="1", chat=(), sender=(), from_me=False, sent_at=DAWN.replace(tzinfo=None), received_at=DAWN
    )
    assert plausible(message, DAWN) is message


@pytest.mark.parametrize(("since", "until"), [(DAWN - HOUR, DAWN + HOUR), (DAWN + YEARS, DAWN + YEARS + HOUR)])
def test_a_ban_that_a_clock_ahead_wrote_down_lasts_as_long_as_it_was_said_to(since: datetime, until: datetime) -> None:
    """Else it would be over in three years; and one of an hour ago ends when it was said to."""
    ban = LinkStatus(state=LinkState.BLOCKED, reason=Reason.TEMPORARY_BAN, since=since, until=until)
    taken_up = clamp_to_now(ban, DAWN)
    assert (taken_up.since, taken_up.until) == (min(since, DAWN), DAWN + HOUR)
    assert clamp_to_now(replace(ban, until=None), DAWN).until is None


def test_a_count_of_any_unit_is_a_moment_and_what_is_none_is_none() -> None:
    for unit in (1, 1_000, 1_000_000, 1_000_000_000):
        assert parse_timestamp(1_795_000_000 * unit) == datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)
    for none in (0, -1, -62_135_596_800_000, 1e300, float("inf"), float("-inf"), float("nan")):
        assert parse_timestamp(none) is None
