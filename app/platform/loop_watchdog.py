"""Notices when the event loop is blocked, and in which code.

The loop leaves a sign every `BEAT_SECONDS`. A thread that looks for it takes the stack of the loop's thread while the
sign is overdue; how late it came is what the loop itself says afterwards.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Final, NamedTuple

from app.domain.loop_block import BlockLog, LoopBlock, cause_of
from app.domain.outline import stack_outline
from app.platform.files import open_binary

log = logging.getLogger(__name__)

LIMIT_SECONDS: Final = 0.2
BEAT_SECONDS: Final = 0.05
LOOK_SECONDS: Final = 0.1
"""A block over the limit is seen at least once while it lasts: it makes a beat late by the limit less a beat."""

ASLEEP_SECONDS: Final = 30.0
"""A thread that wakes up so much later than it wanted to slept with the whole computer, or was stopped."""

MOST_STACKS: Final = 8

Beats = Callable[[float, Callable[[], None]], Callable[[], None]]
"""Calls a function on the running loop, every so many seconds, until what it returns is called."""

BlockListener = Callable[[LoopBlock], None]


class Spent(NamedTuple):
    """Seconds that a thread computed so far, and waited for a processor that others had."""

    working: float = 0.0
    starved: float = 0.0

    def __sub__(self, before: Spent) -> Spent:
        return Spent(max(self.working - before.working, 0.0), max(self.starved - before.starved, 0.0))


class LoopWatchdog:
    """Reports blocks of the loop that `run` runs on: every one over `LIMIT_SECONDS`, and none under the limit less a
    beat. It costs the loop a callback each beat."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.beats: Beats = call_later_beats
        self._monotonic = monotonic
        self._log = BlockLog()
        self._listeners: list[BlockListener] = []
        self._due = 0.0
        self._late: deque[float] = deque()  # by how much beats came too late, which nobody looked at yet
        self._stacks: list[tuple[str, ...]] = []
        self._frames: list[FrameType] = []  # what they hold is freed on the loop's thread: it may be widgets
        self._spent_before = Spent()

    @property
    def blocks(self) -> tuple[LoopBlock, ...]:
        """The kinds of blocks in this run, the latest first."""
        return self._log.blocks

    def subscribe(self, listener: BlockListener) -> None:
        """Call *listener* with each single block, on the watching thread."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Watch the running loop, until cancelled."""
        with self._watching():
            await asyncio.Event().wait()

    @contextmanager
    def _watching(self) -> Iterator[None]:
        ended = threading.Event()
        spent = _spent_by_this_thread()
        thread_id = threading.get_ident()

        def watch() -> None:
            woke = self._monotonic()
            while not ended.wait(LOOK_SECONDS):
                now = self._monotonic()
                self.look(thread_id, spent, slept=now - woke)
                woke = now

        self._due = self._monotonic() + BEAT_SECONDS
        self._spent_before = spent()
        self._late.clear()
        self._stacks.clear()
        watcher = threading.Thread(target=watch, name="loop watchdog", daemon=True)
        watcher.start()
        end_beats = self.beats(BEAT_SECONDS, self._beat)
        try:
            yield
        finally:
            end_beats()
            ended.set()
            watcher.join()
            self._frames.clear()

    def _beat(self) -> None:
        """On the loop: the sign of life."""
        now = self._monotonic()
        if now - self._due > LIMIT_SECONDS - BEAT_SECONDS:
            self._late.append(now - self._due)
        self._due = now + BEAT_SECONDS
        self._frames.clear()

    def look(self, thread_id: int, spent: Callable[[], Spent], *, slept: float) -> None:
        """On the watching thread, after it *slept*: take a stack, or report what is over."""
        if slept > ASLEEP_SECONDS:  # so did the loop, whichever of the two woke up first
            self._late.clear()
            self._due = self._monotonic() + BEAT_SECONDS
        late = max((self._late.popleft() for _ in range(len(self._late))), default=0.0)
        if late:
            self._report(late, spent() - self._spent_before, thread_id)
        elif (overdue := self._monotonic() - self._due) > 0:
            if overdue > BEAT_SECONDS and len(self._stacks) < MOST_STACKS:
                self._take_stack(thread_id)
            return
        self._stacks.clear()
        self._spent_before = spent()

    def _take_stack(self, thread_id: int) -> None:
        frame: FrameType | None = sys._current_frames().get(thread_id)  # noqa: SLF001 - the only way to another thread
        self._stacks.append(stack_outline(frame))
        while frame is not None:
            self._frames.append(frame)
            frame = frame.f_back

    def _report(self, late: float, spent: Spent, thread_id: int) -> None:
        if not self._stacks:  # nobody else could run either: something held the interpreter, and has just let go
            self._take_stack(thread_id)
        at = datetime.now(UTC)
        block = LoopBlock(
            stack=cause_of(self._stacks),
            first_at=at,
            last_at=at,
            longest=round(late * 1000),
            worked=round(min(spent.working, late) * 1000),
            starved=round(min(spent.starved, late) * 1000),
        )
        known = self._log.add(block)
        if not known.count & (known.count - 1):  # one that repeats fills no log: every power of two is told
            log.info(
                "The event loop was blocked for %d ms: %d ms of work, %d ms taken by other programs; times: %d",
                block.longest,
                block.worked,
                block.starved,
                known.count,
                extra={"trace": block.stack},
            )
        for listener in self._listeners:
            listener(block)


def call_later_beats(seconds: float, beat: Callable[[], None]) -> Callable[[], None]:
    """`Beats` by asyncio's own means."""
    loop = asyncio.get_running_loop()
    ended = False

    def on_time() -> None:
        if not ended:
            beat()
            loop.call_later(seconds, on_time)

    def end() -> None:
        nonlocal ended
        ended = True

    loop.call_later(seconds, on_time)
    return end


def _spent_by_this_thread() -> Callable[[], Spent]:
    """What the calling thread has spent so far; always 0 where the system does not tell."""
    path = f"/proc/self/task/{threading.get_native_id()}/schedstat"

    def read() -> Spent:
        with suppress(OSError, ValueError):
            descriptor = open_binary(path, os.O_RDONLY)
            try:
                working, starved, _times = os.read(descriptor, 100).split()
            finally:
                os.close(descriptor)
            return Spent(int(working) / 1e9, int(starved) / 1e9)
        return Spent()

    return read
