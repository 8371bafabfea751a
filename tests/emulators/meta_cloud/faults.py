"""What may come over the wire instead of an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from tests.emulators.serving import Receive, Send, hang, reset

LARGE: Final = 5 * 1024 * 1024

Headers = Sequence[tuple[bytes, bytes]]


class Fault(StrEnum):
    """Each comes after the work was done: a message that was answered with one of these has gone out."""

    HTML_502 = "html_502"
    EMPTY = "empty"
    ERROR_IN_200 = "error_in_200"
    ERROR_WITHOUT_CODE = "error_without_code"
    WRONG_TYPES = "wrong_types"
    NOT_AN_OBJECT = "not_an_object"
    NOT_UTF8 = "not_utf8"
    HUGE = "huge"  # 5 MB
    DEEP = "deep"  # JSON deeper than any parser follows
    HANG = "hang"
    DRIP = "drip"  # a byte from time to time, for ever
    RESET = "reset"  # in the middle of a body
    REDIRECT = "redirect"
    GZIP = "gzip"  # an encoding nobody asked for


_WRONG_TYPES = {
    "id": ["106540352242922"],
    "data": {"is_valid": "true", "scopes": "all", "expires_at": "soon"},
    "display_phone_number": 5511987654321,
    "status": ["CONNECTED"],
    "platform_type": {"value": "CLOUD_API"},
    "quality_rating": True,
    "health_status": "AVAILABLE",
    "messages": {"0": "wamid"},
    "contacts": "none",
    "success": "true",
    "paging": 7,
}

_BODIES: Final = {
    Fault.HTML_502: (502, b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"),
    Fault.EMPTY: (200, b""),
    Fault.ERROR_IN_200: (200, b'{"error":{"message":"An unknown error occurred","code":1,"fbtrace_id":"A"}}'),
    Fault.ERROR_WITHOUT_CODE: (400, b'{"error":"something that was never heard of"}'),
    Fault.WRONG_TYPES: (200, json.dumps(_WRONG_TYPES).encode()),
    Fault.NOT_AN_OBJECT: (200, b'["status", "CONNECTED"]'),
    Fault.NOT_UTF8: (200, b'{"status":"\xff\xfe"}'),
    Fault.HUGE: (200, b'{"status":"CONNECTED","pad":"' + b"x" * LARGE + b'"}'),
    Fault.DEEP: (200, b'{"status":' * 50_000),
}


async def answer_with(fault: Fault, receive: Receive, send: Send) -> None:
    """Give the wrong answer that *fault* stands for."""
    match fault:
        case Fault.HANG:
            await hang(receive)
        case Fault.DRIP:
            await _drip(send)
        case Fault.RESET:
            await _start(send, 200, [(b"content-length", b"1000")])
            await send({"type": "http.response.body", "body": b'{"status":"CONN', "more_body": True})
            await reset(send)
        case Fault.REDIRECT:
            await respond(send, 302, b"", [(b"location", b"http://127.0.0.1:9/stolen")])
        case Fault.GZIP:
            await respond(send, 200, b"\x1f\x8b not really", [(b"content-encoding", b"gzip")])
        case _:
            status, body = _BODIES[fault]
            await respond(send, status, body)


async def respond(send: Send, status: int, body: bytes, headers: Headers = ()) -> None:
    """One whole answer."""
    await _start(send, status, [(b"content-length", str(len(body)).encode()), *headers])
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: Headers) -> None:
    json_type = (b"content-type", b"application/json; charset=UTF-8")
    await send({"type": "http.response.start", "status": status, "headers": [json_type, *headers]})


async def _drip(send: Send) -> None:
    """A blank from time to time, as long as anybody listens, and a minute at most."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    await _start(send, 200, [(b"content-length", b"100000")])
    for _ in range(1200):
        if transport.is_closing():
            return
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.05)
