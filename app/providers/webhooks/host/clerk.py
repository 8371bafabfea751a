"""The thread that owns the spool. What came while the disk was busy is written with the next commit, all at once."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from app.providers.webhooks.host.spool import Kept, Spool

T = TypeVar("T")

TOGETHER: Final = 256
"""Deliveries in one commit, at most: each waits for all of them."""


class NoRoom(Exception):
    """The spool is full, or the disk."""


@dataclass(slots=True)
class _Batch:
    keeps: list[tuple[Kept, asyncio.Future[int]]] = field(default_factory=list)
    questions: list[tuple[Callable[[Spool], Any], asyncio.Future[Any]]] = field(default_factory=list)


class Clerk:
    """Everything is asked on one loop, and answered there."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._asked: queue.SimpleQueue[tuple[Any, asyncio.Future[Any]] | Iterable[int] | None] = queue.SimpleQueue()
        self._done: list[int] = []  # to be forgotten; a commit that failed takes them along the next time
        self._thread = threading.Thread(target=self._work, name="clerk", daemon=True)
        self._thread.start()

    async def keep(self, kept: Kept) -> int:
        """Returns its number once it outlives a power cut. Raises `NoRoom`."""
        answer: asyncio.Future[int] = self._loop.create_future()
        self._asked.put((kept, answer))
        return await answer

    def forget(self, numbers: Iterable[int]) -> None:
        """These are stored elsewhere."""
        self._asked.put(list(numbers))

    async def ask(self, question: Callable[[Spool], T]) -> T:
        """Have *question* answered after what was asked before. Raises what it raises."""
        answer: asyncio.Future[T] = self._loop.create_future()
        self._asked.put((question, answer))
        return await answer

    def close(self) -> None:
        """Finish what was asked, then close the spool."""
        self._asked.put(None)
        self._thread.join()

    def _work(self) -> None:
        over = False
        while not over:
            batch = _Batch()
            over = self._take(batch)
            results = [*self._write(batch), *((answer, *_answer(self._spool, ask)) for ask, answer in batch.questions)]
            if results:
                self._loop.call_soon_threadsafe(_settle, results)
        self._spool.close()

    def _take(self, batch: _Batch) -> bool:
        """Wait for something, then take all there is; returns whether that is the end."""
        asked = self._asked.get()
        while True:
            if asked is None:
                return True
            if isinstance(asked, tuple):
                what, answer = asked
                (batch.keeps if isinstance(what, Kept) else batch.questions).append((what, answer))
            else:
                self._done.extend(asked)
            if len(batch.keeps) >= TOGETHER:
                return False
            try:
                asked = self._asked.get_nowait()
            except queue.Empty:
                return False

    def _write(self, batch: _Batch) -> list[tuple[asyncio.Future[Any], Any, BaseException | None]]:
        room, turned_away = list[tuple[Kept, asyncio.Future[int]]](), list[asyncio.Future[int]]()
        size = 0
        for kept, answer in batch.keeps:
            if self._spool.full(size + len(kept.body)):
                turned_away.append(answer)
            else:
                size += len(kept.body)
                room.append((kept, answer))
        results: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        results.extend((answer, None, NoRoom()) for answer in turned_away)
        if not room and not self._done:
            return results
        try:
            numbers = self._spool.keep([kept for kept, _ in room], self._done)
        except sqlite3.Error as error:
            results.extend((answer, None, NoRoom(str(error))) for _, answer in room)
        else:
            self._done = []
            results.extend((answer, number, None) for (_, answer), number in zip(room, numbers, strict=True))
        return results


def _answer(spool: Spool, question: Callable[[Spool], Any]) -> tuple[Any, BaseException | None]:
    try:
        return question(spool), None
    except Exception as error:  # noqa: BLE001 - raised again where it is awaited
        return None, error


def _settle(results: Iterable[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for answer, result, error in results:
        if answer.done():
            continue
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)
