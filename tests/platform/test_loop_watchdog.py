"""A blocked event loop is noticed, with the code that blocked it; a machine that is busy elsewhere is told apart."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest

from app.domain.loop_block import LoopBlock
from app.platform.loop_watchdog import ASLEEP_SECONDS, BEAT_SECONDS, LOOK_SECONDS, LoopWatchdog, Spent, call_later_beats
from app.ui.async_slots import timer_beats
from tests.waiting import until


def sleep_for(seconds: float) -> None:
    time.sleep(seconds)


async def watched(watchdog: LoopWatchdog, seconds: float) -> list[LoopBlock]:
    """Block the running loop, and return what was noticed."""
    found: list[LoopBlock] = []
    watchdog.subscribe(found.append)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watchdog.run())
        await asyncio.sleep(2 * LOOK_SECONDS)
        sleep_for(seconds)
        await asyncio.sleep(2 * LOOK_SECONDS)
        watching.cancel()
    return [block for block in found if block.longest >= 100]


async def test_a_block_is_reported_with_its_stack() -> None:
    watchdog = LoopWatchdog()
    found = await watched(watchdog, 0.5)
    (block,) = [each for each in found if each.longest >= 450 - BEAT_SECONDS * 1000]
    assert block in watchdog.blocks
    assert not any(thread.name == "loop watchdog" for thread in threading.enumerate())


@pytest.mark.usefixtures("on_qt")
async def test_a_block_of_qts_loop_is_reported_too() -> None:
    watchdog = LoopWatchdog()
    watchdog.beats = timer_beats
    assert any(block.longest >= 400 for block in await watched(watchdog, 0.5))


async def test_beats_end_when_they_are_told_to() -> None:
    counted: list[int] = []
    end = call_later_beats(0.001, lambda: counted.append(1))
    await until(lambda: len(counted) > 2)
    end()
    await asyncio.sleep(0.01)
    before = len(counted)
    await asyncio.sleep(0.02)
    assert len(counted) == before


class PlayedLoop:
    """A watchdog whose clock, beats and looks are the test's."""

    def __init__(self) -> None:
        self.now = 0.0
        self.spent = Spent()
        self.watchdog = LoopWatchdog(monotonic=lambda: self.now)
        self.found: list[LoopBlock] = []
        self.watchdog.subscribe(self.found.append)
        self.beat()
        self.look()

    def beat(self) -> None:
        self.watchdog._beat()

    def look(self, slept: float = LOOK_SECONDS) -> None:
        self.watchdog.look(threading.get_ident(), lambda: self.spent, slept=slept)

    def block(self, seconds: float, *, looks: int = 3) -> None:
        """Block the loop between two beats that are in time."""
        self.now += BEAT_SECONDS
        for _ in range(looks):
            self.now += seconds / looks
            self.look()
        self.beat()
        self.look()
        self.now += BEAT_SECONDS
        self.beat()
        self.look()


def test_every_block_over_the_limit_is_reported_and_none_far_below() -> None:
    loop = PlayedLoop()
    for seconds in (0.01, 0.1, 0.14):
        loop.block(seconds)
    assert loop.found == []
    loop.block(0.16)
    assert [block.longest for block in loop.found] == [160]


def test_the_stack_is_the_one_during_the_block() -> None:
    loop = PlayedLoop()
    loop.block(0.4)
    (block,) = loop.found
    assert block.stack[-1].endswith("LoopWatchdog._take_stack")


def test_a_block_in_which_nobody_else_could_run_has_the_stack_of_its_end() -> None:
    loop = PlayedLoop()
    loop.now += BEAT_SECONDS + 0.4
    loop.beat()
    loop.look()
    assert [block.longest for block in loop.found] == [400]
    assert loop.found[0].stack


def test_what_other_programs_took_is_told_apart() -> None:
    loop = PlayedLoop()
    loop.spent = Spent(working=0.1, starved=0.25)
    loop.block(0.4)
    loop.block(0.4)
    times = [(block.longest, block.worked, block.starved, block.own) for block in loop.found]
    assert times == [(400, 100, 250, 150), (400, 0, 0, 400)]
    loop.spent = Spent(working=9.0, starved=9.0)
    loop.block(0.4)
    assert (loop.found[-1].worked, loop.found[-1].own) == (400, 0)


def test_only_so_many_stacks_are_taken() -> None:
    loop = PlayedLoop()
    loop.block(3.0, looks=60)
    assert len(loop.found) == 1


def test_a_computer_that_slept_blocked_nothing() -> None:
    loop = PlayedLoop()
    loop.now += 3600
    loop.look(slept=ASLEEP_SECONDS + 1)
    loop.beat()
    loop.look()
    loop.now += 3600
    loop.beat()
    loop.look(slept=ASLEEP_SECONDS + 1)
    assert loop.found == []


def test_a_block_that_repeats_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    loop = PlayedLoop()
    with caplog.at_level(logging.INFO, "app.platform.loop_watchdog"):
        for _ in range(9):
            loop.block(0.4)
    assert [record.getMessage().rpartition(" ")[2] for record in caplog.records] == ["1", "2", "4", "8"]
    assert caplog.records[0].__dict__["trace"]
    assert loop.watchdog.blocks[0].count == 9


def test_what_a_stack_holds_is_let_go_on_the_loops_thread() -> None:
    loop = PlayedLoop()
    loop.now += BEAT_SECONDS + 0.15
    loop.look()
    assert loop.watchdog._frames
    loop.beat()
    assert not loop.watchdog._frames
