"""Work in a thread is waited for, also by those who are told to stop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from app.platform.threads import run_to_completion


async def test_who_is_cancelled_waits_for_the_end_of_the_work() -> None:
    may_end, began, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> str:
        began.set()
        assert may_end.wait(5)
        ended.set()
        return "done"

    may_end.set()
    assert await run_to_completion(work) == "done"
    for event in (may_end, began, ended):
        event.clear()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(run_to_completion(work))
        while not began.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.sleep(0.02)
        assert not task.done()
        may_end.set()
    assert ended.is_set()
    assert task.cancelled()


def test_what_goes_wrong_in_it_comes_out() -> None:
    def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(run_to_completion(work))
