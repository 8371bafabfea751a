"""Questions to the Graph API, and its answers as values: said, declined with a code, or not understood at all."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from app.domain.phone import PhoneNumber, is_e164
from app.providers.http_client import (
    Answer,
    HttpClient,
    Response,
    Timeouts,
    TransportError,
    open_client,
)

LONGEST_DETAIL: Final = 200
"""Characters of a provider's own words that are kept for the details line."""

_MILLISECONDS: Final = 10**11
"""As seconds this is the year 5138: a time that large was told in a smaller unit."""

_SHOWN_NUMBER = re.compile(r"\+?[\d ().-]+")
_NOTHING: Final[Mapping[str, Any]] = {}


def parse_json(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object that *body* is, or None."""
    try:
        return mapping_or_none(json.loads(body))
    except (ValueError, RecursionError):  # no JSON, no text, or brackets without end
        return None


def mapping_or_none(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def text(value: object) -> str:
    """A text that every database takes: half a surrogate pair cannot be stored."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def enum_value(value: object) -> str:
    """One of the API's upper-case words, or an empty text."""
    return text(value).strip().upper()


def number(value: object) -> int | None:
    """A whole number, also where it came as a text of digits; a boolean is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def parse_time(value: object) -> datetime | None:
    """A time that came as seconds, milliseconds or microseconds since 1970, or as ISO 8601."""
    seconds = int(value) if isinstance(value, float) and isfinite(value) else number(value)
    try:
        if seconds is not None:
            for _ in range(3):  # milliseconds, microseconds, nanoseconds: anything larger is nonsense
                seconds = seconds // 1000 if abs(seconds) >= _MILLISECONDS else seconds
            return datetime.fromtimestamp(seconds, UTC)
        parsed = datetime.fromisoformat(text(value))
    except (ValueError, OverflowError, OSError):
        return None
    try:
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        return None


def phone(value: object) -> PhoneNumber | None:
    """A number with its country code, however it is spaced, with or without the plus."""
    shown = text(value).strip()
    if not _SHOWN_NUMBER.fullmatch(shown):
        return None
    digits = "+" + re.sub(r"\D", "", shown)
    return PhoneNumber(digits) if is_e164(digits) else None


def shortened(words: str) -> str:
    """*words* on one line, no longer than the details line has room for."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"


ANY_TOKEN: Final = re.compile(r"\bEAA[0-9A-Za-z_-]{8,}")
"""What Meta's access tokens look like: its own error texts repeat one that it cannot read."""


@dataclass(frozen=True, slots=True)
class GraphResponse:
    """An object without an error in it. What it holds is not looked at yet."""

    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphError:
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

Reply = GraphResponse | GraphError | TransportError


class Graph:
    """The Graph API with one access token, which goes into the header and comes back in no text of ours."""

    def __init__(self, wire: HttpClient, version: str, token: str) -> None:
        self._wire = wire
        self._version = version
        self._token = token
        self._pause = 0.0

    async def get(self, path: str, **params: str) -> Reply:
        reply = read(await self._wire.request("GET", f"{self._version}/{path}", params=params), self._token)
        if isinstance(reply, GraphError | TransportError):
            self._pause = max(self._pause, reply.retry_after or 0.0)
        return reply

    def take_pause(self) -> float:
        """Seconds for which answers to questions asked us to be quiet since this was called last; 0 for none."""
        pause, self._pause = self._pause, 0.0
        return min(pause, LONGEST_PAUSE)

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        return read(await self._wire.request("POST", f"{self._version}/{path}", json=body), self._token)

    async def inspect_token(self) -> Reply:
        """What the token itself is good for. The API wants it in the address; nothing of ours repeats that one."""
        return await self.get("debug_token", input_token=self._token)


@asynccontextmanager
async def open_graph(base_url: str, version: str, token: str, timeouts: Timeouts) -> AsyncIterator[Graph]:
    """One HTTP client, for as long as the context lasts."""
    headers = {"Authorization": f"Bearer {token}"}
    async with open_client(base_url, headers=headers, timeouts=timeouts) as wire:
        yield Graph(wire, version, token)


def read(answer: Answer, token: str = "") -> Reply:
    """What *answer* says, whatever its HTTP status. What is not the API's own JSON is no answer."""
    if isinstance(answer, TransportError):
        return answer
    body = parse_json(answer.body)
    if body is None:
        return _no_answer("without an answer of the API", answer)
    if "error" in body:
        return _declined(body["error"], answer.status, answer.retry_after, token)
    if not 200 <= answer.status < 300:
        return _no_answer("without an error of the API", answer)
    return GraphResponse(body)


def _no_answer(why: str, answer: Response) -> TransportError:
    pause = "" if answer.retry_after is None else f", and a pause of {answer.retry_after:.0f} s"
    return TransportError(f"HTTP {answer.status} {why}{pause}", sent=True, retry_after=answer.retry_after)


def _declined(value: object, status: int, retry_after: float | None, token: str) -> Reply:
    error = mapping_or_none(value)
    code = None if error is None else number(error.get("code"))
    if error is None or code is None:
        return TransportError(f"HTTP {status} with an error that names no code", sent=True, retry_after=retry_after)
    data = error.get("error_data")
    words = text(mapping(data).get("details")) or text(data) or text(error.get("error_user_msg"))
    words = words or text(error.get("message")).removeprefix(f"(#{code})")  # the code stands beside it anyway
    return GraphError(
        code=code,
        subcode=number(error.get("error_subcode")),
        detail=redact_token(shortened(words), token),
        transient=error.get("is_transient") is True,
        status=status,
        retry_after=retry_after,
    )


def redact_token(words: str, token: str = "") -> str:
    """*words* without the token, or what looks like one."""
    return ANY_TOKEN.sub("[token]", words.replace(token, "[token]") if token else words)
