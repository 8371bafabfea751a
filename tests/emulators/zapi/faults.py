"""What may come over the wire instead of an answer."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from typing import Any, Final

from tests.emulators.serving import Receive, Send, hang, reset

LARGE: Final = 5 * 1024 * 1024
HTML: Final = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Fault(StrEnum):
    """Each instead of the true answer; those marked so do the work first."""

    HTML_502 = "html_502"
    EMPTY = "empty"
    ERROR_200 = "error_200"  # 200, with an error nobody knows inside
    WRONG_TYPES = "wrong_types"  # strings for booleans, numbers for texts
    NOT_AN_OBJECT = "not_an_object"
    TOO_LARGE = "too_large"
    DEEP = "deep"  # JSON that is deeper than any parser follows
    HANG = "hang"
    DRIP = "drip"  # a byte from time to time, for ever
    RESET = "reset"  # in the middle of a body
    REDIRECT = "redirect"
    GZIP = "gzip"  # an encoding nobody asked for
    DONE_THEN_HANG = "done_then_hang"  # does the work
    DONE_THEN_RESET = "done_then_reset"  # does the work


DOES_THE_WORK: Final = frozenset({Fault.DONE_THEN_HANG, Fault.DONE_THEN_RESET})

_BODIES: Final = {
    Fault.HTML_502: (502, HTML),
    Fault.EMPTY: (200, b""),
    Fault.ERROR_200: (200, b'{"error":"something that was never heard of"}'),
    Fault.NOT_AN_OBJECT: (200, b'["connected", true]'),
    Fault.TOO_LARGE: (200, b'{"connected":true,"smartphoneConnected":true,"error":"' + b"x" * LARGE + b'"}'),
    Fault.DEEP: (200, b'{"connected":' * 50_000),
    Fault.WRONG_TYPES: (
        200,
        json.dumps(
            {
                "connected": "true",
                "smartphoneConnected": "true",
                "error": 7,
                "value": 5,
                "phone": 5511987654321,
                "messages": {"0": "one"},
                "hasMore": "false",
                "messageId": 17,
            }
        ).encode(),
    ),
}


async def answer_with(fault: Fault, receive: Receive, send: Send) -> None:
    """Give the wrong answer that *fault* stands for."""
    match fault:
        case Fault.HANG | Fault.DONE_THEN_HANG:
            await hang(receive)
        case Fault.DRIP:
            await _drip(receive, send)
        case Fault.RESET | Fault.DONE_THEN_RESET:
            await _start(send, 200, [(b"content-length", b"1000")])
            await send({"type": "http.response.body", "body": b'{"connected":tr', "more_body": True})
            await reset(send)
        case Fault.REDIRECT:
            await respond(send, 302, b"", [(b"location", b"http://127.0.0.1:9/stolen")])
        case Fault.GZIP:
            await respond(send, 200, b"\x1f\x8b not really", [(b"content-encoding", b"gzip")])
        case _:
            status, body = _BODIES[fault]
            await respond(send, status, body)


async def respond(send: Send, status: int, body: bytes, headers: Any = ()) -> None:
    """One whole answer."""
    await _start(send, status, [(b"content-length", str(len(body)).encode()), *headers])
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    json_type = (b"content-type", b"application/json")
    await send({"type": "http.response.start", "status": status, "headers": [json_type, *headers]})


async def _drip(receive: Receive, send: Send) -> None:
    await _start(send, 200, [(b"content-length", b"100000")])
    gone = asyncio.ensure_future(hang(receive))  # noqa: TID251 - ended below, whatever happens
    try:
        while not gone.done():
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.wait([gone], timeout=0.05)
    finally:
        gone.cancel()
