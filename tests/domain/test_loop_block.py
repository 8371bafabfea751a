"""Blocks of the event loop are counted by their cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.domain.loop_block import MOST_KINDS, BlockLog, LoopBlock, block_text, cause_of
from app.domain.outline import HIDDEN

AT = datetime(2026, 11, 29, 18, 30, tzinfo=UTC)
LOOP = ("  __main__:1 <module>", "  asyncio.base_events:640 BaseEventLoop.run_forever")
SLOW = "  app.ui.main_window:10 MainWindow.go"


def block(*stack: str, longest: int = 300, starved: int = 0, minutes: int = 0) -> LoopBlock:
    at = AT + timedelta(minutes=minutes)
    return LoopBlock(stack=stack, first_at=at, last_at=at, longest=longest, worked=longest - starved, starved=starved)


def test_the_same_stack_is_one_kind_of_which_the_longest_is_kept() -> None:
    log = BlockLog()
    log.add(block(SLOW, longest=300))
    log.add(block(SLOW, longest=400, minutes=1))
    found = log.add(block(SLOW, longest=900, starved=800, minutes=2))
    assert log.blocks == (found,)
    assert (found.longest, found.starved, found.count) == (400, 0, 3), "one that others caused is not worse"
    assert (found.first_at, found.last_at) == (AT, AT + timedelta(minutes=2))


def test_the_latest_kinds_stay() -> None:
    log = BlockLog()
    for number in range(MOST_KINDS + 5):
        log.add(block(f"  app.ui.main_window:{number} MainWindow.go"))
    assert len(log.blocks) == MOST_KINDS
    assert log.blocks[0].stack == (f"  app.ui.main_window:{MOST_KINDS + 4} MainWindow.go",)
    assert log.blocks[0].key != log.blocks[1].key


def test_the_stack_that_was_seen_most_often_is_the_cause_without_the_way_to_it() -> None:
    other = "  app.ui.main_window:11 MainWindow.go"
    assert cause_of([(*LOOP, other), (*LOOP, SLOW), (*LOOP, SLOW)]) == (SLOW,)
    assert cause_of([(*LOOP, other), (*LOOP, SLOW)]) == (other,)


def test_a_block_in_which_no_python_ran_is_qts() -> None:
    assert cause_of([LOOP]) == (LOOP[-1],)


def test_a_block_of_which_nothing_was_seen_says_so() -> None:
    assert cause_of([]) == (HIDDEN,)


def test_the_text_for_support_has_the_times_and_the_stack() -> None:
    text = block_text(replace(block(SLOW, starved=20), count=4))
    assert text.splitlines() == [
        "longest 300 ms: 280 ms of work, 20 ms taken by other programs, times: 4",
        "first 2026-11-29T18:30:00Z, last 2026-11-29T18:30:00Z",
        SLOW,
    ]
