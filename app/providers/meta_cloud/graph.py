"""Questions to the Graph API, and its answers as values: said, declined with a code, or not understood at all."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from app.providers.meta_cloud.plain import document, mapping, mapping_or_none, number, shortened, text
from app.providers.wire import Answer, Answered, Patience, Unanswered, Wire, open_wire

ANY_TOKEN: Final = re.compile(r"\bEAA[0-9A-Za-z_-]{8,}")
"""What Meta's access tokens look like: its own error texts repeat one that it cannot read."""


@dataclass(frozen=True, slots=True)
class Said:
    """An object without an error in it. What it holds is not looked at yet."""

    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The API's own error. Meta asks to decide by *code*, never by the HTTP status or the words (2B.6 in its table
    differs from one copy to the next)."""

    code: int
    subcode: int | None = None
    detail: str = ""
    transient: bool = False
    status: int = 0
    retry_after: float | None = None  # seconds


LONGEST_PAUSE: Final = 86_400.0
"""Seconds of quiet that are granted at most: nobody would see for how long nothing is known."""

Reply = Said | Declined | Unanswered


class Graph:
    """The Graph API with one access token, which goes into the header and comes back in no text of ours."""

    def __init__(self, wire: Wire, version: str, token: str) -> None:
        self._wire = wire
        self._version = version
        self._token = token
        self._pause = 0.0

    async def get(self, path: str, **params: str) -> Reply:
        reply = read(await self._wire.ask("GET", f"{self._version}/{path}", params=params), self._token)
        if isinstance(reply, Declined | Unanswered):
            self._pause = max(self._pause, reply.retry_after or 0.0)
        return reply

    def take_pause(self) -> float:
        """Seconds for which answers to questions asked us to be quiet since this was called last; 0 for none."""
        pause, self._pause = self._pause, 0.0
        return min(pause, LONGEST_PAUSE)

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        return read(await self._wire.ask("POST", f"{self._version}/{path}", json=body), self._token)

    async def inspect_token(self) -> Reply:
        """What the token itself is good for. The API wants it in the address; nothing of ours repeats that one."""
        return await self.get("debug_token", input_token=self._token)


@asynccontextmanager
async def open_graph(base_url: str, version: str, token: str, patience: Patience) -> AsyncIterator[Graph]:
    """One HTTP client, for as long as the context lasts."""
    headers = {"Authorization": f"Bearer {token}"}
    async with open_wire(base_url, headers=headers, patience=patience) as wire:
        yield Graph(wire, version, token)


def read(answer: Answer, token: str = "") -> Reply:
    """What *answer* says, whatever its HTTP status. What is not the API's own JSON is no answer."""
    if isinstance(answer, Unanswered):
        return answer
    body = document(answer.body)
    if body is None:
        return _no_answer("without an answer of the API", answer)
    if "error" in body:
        return _declined(body["error"], answer.status, answer.retry_after, token)
    if not 200 <= answer.status < 300:
        return _no_answer("without an error of the API", answer)
    return Said(body)


def _no_answer(why: str, answer: Answered) -> Unanswered:
    pause = "" if answer.retry_after is None else f", and a pause of {answer.retry_after:.0f} s"
    return Unanswered(f"HTTP {answer.status} {why}{pause}", sent=True, retry_after=answer.retry_after)


def _declined(value: object, status: int, retry_after: float | None, token: str) -> Reply:
    error = mapping_or_none(value)
    code = None if error is None else number(error.get("code"))
    if error is None or code is None:
        return Unanswered(f"HTTP {status} with an error that names no code", sent=True, retry_after=retry_after)
    data = error.get("error_data")
    words = text(mapping(data).get("details")) or text(data) or text(error.get("error_user_msg"))
    words = words or text(error.get("message")).removeprefix(f"(#{code})")  # the code stands beside it anyway
    return Declined(
        code=code,
        subcode=number(error.get("error_subcode")),
        detail=discreet(shortened(words), token),
        transient=error.get("is_transient") is True,
        status=status,
        retry_after=retry_after,
    )


def discreet(words: str, token: str = "") -> str:
    """*words* without the token, or what looks like one."""
    return ANY_TOKEN.sub("[token]", words.replace(token, "[token]") if token else words)
