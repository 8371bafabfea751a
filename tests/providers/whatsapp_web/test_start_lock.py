"""The gate: a start is alone with the library, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from app.providers.whatsapp_web.host.start_lock import LibraryBusy, StartLock


def in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_calls_meet_calls() -> None:
    gate = StartLock()
    with gate.call(0), gate.call(0):
        pass


def test_a_start_waits_for_the_calls_under_way() -> None:
    gate = StartLock()
    inside, leave, order = threading.Event(), threading.Event(), []

    def call() -> None:
        with gate.call():
            inside.set()
            leave.wait(5)
            order.append("call left")

    def start() -> None:
        gate.start(5)()
        order.append("started")

    caller = in_background(call)
    inside.wait(5)
    starter = in_background(start)
    time.sleep(0.05)
    assert order == []
    leave.set()
    caller.join(5)
    starter.join(5)
    assert order == ["call left", "started"]


def test_a_start_keeps_everybody_out_until_it_is_done() -> None:
    gate = StartLock()
    done = gate.start()
    with pytest.raises(LibraryBusy):
        gate.start(0.02, turn_within=0.02)
    with pytest.raises(LibraryBusy), gate.call(0.02):
        pass
    done()
    done()  # told twice, by the event and by the end of the call
    with gate.call(0):
        pass


def test_a_second_done_does_not_end_another_start() -> None:
    gate = StartLock()
    first = gate.start()
    first()
    second = gate.start()
    first()
    with pytest.raises(LibraryBusy):
        gate.start(0.02, turn_within=0.02)
    second()


def test_a_start_gives_up_on_a_call_that_does_not_come_back() -> None:
    gate = StartLock()
    with gate.call(), pytest.raises(LibraryBusy):
        gate.start(0.02, turn_within=0.02)
    gate.start(0, turn_within=0)()


def test_a_start_that_waits_goes_before_new_calls() -> None:
    gate = StartLock()
    started = threading.Event()

    def start() -> None:
        done = gate.start(5)
        started.set()
        done()

    with gate.call():
        starter = in_background(start)
        time.sleep(0.05)
        with pytest.raises(LibraryBusy), gate.call(0.05):
            pass
        assert not started.is_set()
    starter.join(5)
    assert started.is_set()


def test_no_call_ever_meets_a_start() -> None:
    gate, stop, lock = StartLock(), time.monotonic() + 0.5, threading.Lock()
    inside = {"calls": 0, "starts": 0}
    wrong: list[dict[str, int]] = []

    def enter(kind: str, by: int) -> None:
        with lock:
            inside[kind] += by
            if inside["starts"] and (inside["calls"] or inside["starts"] > 1):
                wrong.append(dict(inside))

    def call() -> None:
        while time.monotonic() < stop:
            with gate.call(5):
                enter("calls", 1)
                enter("calls", -1)

    def start() -> None:
        while time.monotonic() < stop:
            done = gate.start(5)
            enter("starts", 1)
            enter("starts", -1)
            done()

    threads = [in_background(work) for work in (call, call, call, start, start)]
    for thread in threads:
        thread.join(10)
    assert wrong == []
