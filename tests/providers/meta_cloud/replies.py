"""A wire whose far end says what a test gives it to say, body by body."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from app.providers.http_client import Answer, HttpClient, Response
from app.providers.meta_cloud.client import Graph
from tests.emulators.meta_cloud.state import TOKEN

T = TypeVar("T")


class FakeReplies(HttpClient):
    """Answers every question with the next of *bodies*, the statuses taking turns."""

    def __init__(self, bodies: Iterable[bytes], statuses: tuple[int, ...] = (200,)) -> None:
        self._bodies: Iterator[bytes] = iter(bodies)
        self._statuses = statuses
        self.asked = 0
        self.last = Response(0, b"")

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        within: float | None = None,
    ) -> Answer:
        self.last = Response(self._statuses[self.asked % len(self._statuses)], next(self._bodies))
        self.asked += 1
        return self.last


def graph_of(wire: HttpClient) -> Graph:
    return Graph(wire, "v25.0", TOKEN)


def run(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)
