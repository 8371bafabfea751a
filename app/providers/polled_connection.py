"""An open connection to a hosted provider: asked from time to time, and told of by webhooks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

from app.domain.messages import MessageUpdate, ProviderMessage
from app.domain.provider import ActivitySeen, Blocked, ConnectionEvent, Failed, MessagesReceived
from app.domain.repositories import Clock


class PolledConnection(AsyncIterator[ConnectionEvent]):
    """A `Connection` that `CanCheckNow`. What it emits waits in a queue until the core reads it."""

    def __init__(self, clock: Clock) -> None:
        self.over = False
        self._clock = clock
        self._events: asyncio.Queue[ConnectionEvent] = asyncio.Queue()
        self._delivered: deque[tuple[int, Callable[[], None]]] = deque()
        self._mark = 0
        self._nap: asyncio.Timeout | None = None
        self._asked = False  # whether somebody wants the provider to be asked now

    def events(self) -> AsyncIterator[ConnectionEvent]:
        """Yield what is emitted, until the connection is over."""
        return self

    async def __anext__(self) -> ConnectionEvent:
        # No generator: the core leaves off in the middle, and a generator would then be closed by a task of nobody's.
        if self.over and self._events.empty():
            raise StopAsyncIteration
        return await self._events.get()

    def emit(self, event: ConnectionEvent) -> None:
        """Ignored after the last event."""
        if self.over:
            return
        self.over = isinstance(event, Blocked | Failed)
        self._events.put_nowait(event)
        if self.over:
            self.check_now()  # whoever asks may stop resting

    def check_now(self) -> None:
        """Ask the provider as soon as it allows instead of at the next regular time."""
        self._asked = True
        self._wake()

    def handle(self, facts: Sequence[MessageUpdate], check: bool, confirm: Callable[[], None]) -> None:
        """Emit what a webhook told, and *confirm* it once it is stored."""
        if facts:
            self._emit_messages(facts, confirm)
        else:
            confirm()
        if check:
            self.check_now()

    async def confirm(self, up_to: int) -> None:
        """Everything up to this mark is stored: tell whoever delivered it."""
        while self._delivered and self._delivered[0][0] <= up_to:
            _, confirm = self._delivered.popleft()
            confirm()

    def _emit_messages(self, facts: Sequence[MessageUpdate], confirm: Callable[[], None]) -> None:
        self._mark += 1
        self._delivered.append((self._mark, confirm))
        self.emit(MessagesReceived(tuple(facts), self._mark))
        if any(isinstance(fact, ProviderMessage) and not fact.from_me for fact in facts):
            self.emit(ActivitySeen(self._clock.now(), inbound=True))

    async def _sleep(self, seconds: float) -> None:
        """Let time pass until `_wake`, at most."""
        try:
            async with asyncio.timeout(None) as self._nap:
                await self._clock.sleep(seconds)
        except TimeoutError:
            if self._nap is None or not self._nap.expired():
                raise
        finally:
            self._nap = None

    def _wake(self) -> None:
        if self._nap is not None and not self._nap.expired():
            self._nap.reschedule(asyncio.get_running_loop().time())
