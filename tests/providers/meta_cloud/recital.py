"""A wire whose far end says what a test gives it to say, body by body."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from app.providers.meta_cloud.graph import Graph
from app.providers.wire import Answer, Answered, Wire
from tests.emulators.meta_cloud.world import TOKEN

T = TypeVar("T")


class Recital(Wire):
    """Answers every question with the next of *bodies*, the statuses taking turns."""

    def __init__(self, bodies: Iterable[bytes], statuses: tuple[int, ...] = (200,)) -> None:
        self._bodies: Iterator[bytes] = iter(bodies)
        self._statuses = statuses
        self.asked = 0
        self.last = Answered(0, b"")

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        within: float | None = None,
    ) -> Answer:
        self.last = Answered(self._statuses[self.asked % len(self._statuses)], next(self._bodies))
        self.asked += 1
        return self.last


def graph_of(wire: Wire) -> Graph:
    return Graph(wire, "v25.0", TOKEN)


def run(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)
