"""Keeps calls into the library from meeting a start.

The library keeps its clients in Go maps without a lock, and a start writes them: a start that meets another start, or
the entry of any other call, can abort the whole process ("concurrent map writes"). All accesses of a start to the maps
lie between its call and the library's event 0, so that is the stretch nothing else may enter. Reads may meet reads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

QUIET_WITHIN = 2.0
"""How long a start waits for the calls under way; a send can take over a minute, so it does not wait them all out."""

TURN_WITHIN = 60.0
"""How long a start waits for others, each of which dials."""


class LibraryBusy(Exception):
    """The library did not come to rest in time: open the session in another host, or ask again."""


class StartLock:
    """Starts are exclusive, from their call until `done`; other calls are shared."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._calls = 0
        self._starts_waiting = 0
        self._starting = False

    def start(self, within: float = QUIET_WITHIN, turn_within: float = TURN_WITHIN) -> Callable[[], None]:
        """Enter alone, and return what ends it; raises `LibraryBusy`. Ending it twice, or on any thread, is fine.

        Other starts are waited for *turn_within* seconds, then calls under way *within* seconds.
        """
        with self._changed:
            self._starts_waiting += 1
            try:
                if not self._changed.wait_for(lambda: not self._starting, turn_within):
                    raise LibraryBusy
                self._starting = True
                if not self._changed.wait_for(lambda: self._calls == 0, within):
                    self._starting = False
                    raise LibraryBusy
            finally:
                self._starts_waiting -= 1
                self._changed.notify_all()
        return self._ender()

    def _ender(self) -> Callable[[], None]:
        ended = False

        def done() -> None:
            nonlocal ended
            with self._changed:
                if not ended:
                    ended = True
                    self._starting = False
                    self._changed.notify_all()

        return done

    @contextmanager
    def call(self, within: float = 30.0) -> Iterator[None]:
        """Enter together with other calls; raises `LibraryBusy` when a start does not end in time."""
        with self._changed:
            deadline = time.monotonic() + within
            # A start that waits goes first, or a busy host would never open another session.
            while self._starting or self._starts_waiting:
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise LibraryBusy
            self._calls += 1
        try:
            yield
        finally:
            with self._changed:
                self._calls -= 1
                self._changed.notify_all()
