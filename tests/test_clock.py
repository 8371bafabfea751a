"""The tests' own clocks, on which everything timed is judged."""

import asyncio
from datetime import timedelta

from app.domain.repositories import Clock
from tests.clock import DAWN, ManualClock, StillClock


def test_both_are_clocks() -> None:
    clocks: list[Clock] = [StillClock(), ManualClock()]
    assert [clock.now() for clock in clocks] == [DAWN, DAWN]


def test_on_a_still_clock_sleeping_takes_no_time_and_is_remembered(clock: StillClock) -> None:
    asyncio.run(clock.sleep(90))
    assert clock.slept == [90]
    assert clock.now() == DAWN + timedelta(seconds=90)


def test_on_a_manual_clock_a_sleeper_wakes_only_when_its_time_has_come(manual_clock: ManualClock) -> None:
    async def main() -> list[float]:
        woke: list[float] = []

        async def every(seconds: float) -> None:
            for _ in range(3):
                await manual_clock.sleep(seconds)
                woke.append((manual_clock.now() - DAWN).total_seconds())

        async with asyncio.TaskGroup() as group:
            group.create_task(every(10))
            group.create_task(every(15))
            await manual_clock.until_asleep(2)
            await manual_clock.advance(9)
            assert woke == []
            await manual_clock.advance(36)
        return woke

    assert asyncio.run(main()) == [10, 15, 20, 30, 30, 45]


async def test_a_cancelled_sleeper_is_no_longer_counted(manual_clock: ManualClock) -> None:
    async with asyncio.TaskGroup() as group:
        sleeper = group.create_task(manual_clock.sleep(1))
        await manual_clock.until_asleep()
        sleeper.cancel()
    assert manual_clock.sleepers == 0
    await manual_clock.advance(2)


def test_sleeping_for_no_time_returns_at_once(manual_clock: ManualClock) -> None:
    asyncio.run(asyncio.wait_for(manual_clock.sleep(0), 1))
