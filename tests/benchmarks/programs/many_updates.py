"""The real window with a thousand rows, first at rest and then under ten thousand new statuses a second."""

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import quantiles

from PySide6.QtWidgets import QApplication

from app.domain.events import StatusChanged
from app.domain.link_status import LinkState, LinkStatus, Retry
from app.domain.mentorado import Mentorado
from app.ui.async_slots import run
from tests.benchmarks.programs.marks import mark
from tests.ui.window_harness import (
    NOON,
    WindowHarness,
    person,
    status,
)

ROWS = 1000
PROBE_SECONDS = 0.004
BATCH_SECONDS = 0.004
PER_SECOND = 10_000


async def measure(rounds: int, seconds: float) -> None:
    people = [person(number) for number in range(ROWS)]
    with tempfile.TemporaryDirectory(prefix="conecta-bench-") as folder:
        stage = WindowHarness(Path(folder), people)
        await stage.load(*(status(number) for number in range(ROWS)))
        stage.window.resize(1240, 860)
        await stage.show()
        updates = Updates(stage, people)
        await asyncio.sleep(1)
        for _ in range(rounds):
            idle = await latency(seconds / 2)
            updates.begin()
            busy = await latency(seconds)
            applied = updates.end() / seconds
            mark("round", f"{idle} {busy} {applied}")
        await stage.close()


async def latency(seconds: float) -> float:
    """The 99th percentile of how long the loop takes to answer another thread, in milliseconds."""
    loop, taken, over = asyncio.get_running_loop(), list[float](), threading.Event()

    def answer(sent: float) -> None:
        taken.append(time.perf_counter() - sent)

    def probe() -> None:
        while not over.wait(PROBE_SECONDS):
            loop.call_soon_threadsafe(answer, time.perf_counter())

    thread = threading.Thread(target=probe)
    thread.start()
    await asyncio.sleep(seconds)
    over.set()
    await asyncio.to_thread(thread.join)
    return 1000 * quantiles(taken, n=100)[-1]


class Updates:
    """A thread that hands the loop what became true, as often as a thread wakes."""

    def __init__(self, stage: WindowHarness, people: Sequence[Mentorado]) -> None:
        self._publish: Callable[[StatusChanged], None] = stage.bus.publish
        self._events = [event for mentorado in people for event in _there_and_back(mentorado)]
        self._applied = 0
        self._over = threading.Event()

    def begin(self) -> None:
        self._applied = 0
        self._over.clear()
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._send, args=(loop,), daemon=True).start()

    def end(self) -> int:
        """How many were applied since `begin`."""
        self._over.set()
        return self._applied

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        began, sent, next_event = time.perf_counter(), 0, 0
        while not self._over.wait(BATCH_SECONDS):
            due = int((time.perf_counter() - began) * PER_SECOND) - sent
            batch = [self._events[(next_event + step) % len(self._events)] for step in range(due)]
            next_event, sent = next_event + due, sent + due
            loop.call_soon_threadsafe(self._apply, batch)

    def _apply(self, batch: Sequence[StatusChanged]) -> None:
        for event in batch:
            self._publish(event)
        self._applied += len(batch)


def _there_and_back(mentorado: Mentorado) -> tuple[StatusChanged, StatusChanged]:
    up = LinkStatus(state=LinkState.CONNECTED, since=NOON)
    down = replace(up, state=LinkState.RECONNECTING, retry=Retry(1, NOON))
    who, link = mentorado.id, mentorado.link.id
    return StatusChanged(who, link, up, down), StatusChanged(who, link, down, up)


if __name__ == "__main__":
    run(QApplication(sys.argv[:1]), lambda: measure(int(sys.argv[1]), float(sys.argv[2])))
    mark("done")
