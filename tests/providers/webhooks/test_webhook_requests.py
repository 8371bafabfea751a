"""The entrance by itself: garbage in quantity, ends that are slow, and what is told twice while it is being written."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.mentorado import ProviderKind
from app.domain.webhooks import REFUSED, DeliveryOutcome
from app.providers.meta_cloud.webhook_parser import parse
from app.providers.webhooks.host.counters import OutcomeCounters
from app.providers.webhooks.host.main_loop import HttpServer
from app.providers.webhooks.host.request_handler import WebhookRequestHandler
from app.providers.webhooks.host.spool import SpoolFull, StoredDelivery
from app.providers.zapi.webhook_parser import read_callback
from tests.emulators.meta_cloud.webhooks import account_update, envelope, inbound, signature, status
from tests.providers.webhooks.harness import (
    DORA,
    ENDPOINTS,
    PATH,
    SECRET,
    zapi_text,
)

BODIES = 10_000


def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


class HandlerHarness:
    """An entrance whose spool is a list; *writing*, when set, is waited for before anything counts as written."""

    def __init__(self, **limits: float) -> None:
        self.kept: list[StoredDelivery] = []
        self.writing: asyncio.Event | None = None
        self.full = False
        self.counting = OutcomeCounters((), now)
        self.request_handler = WebhookRequestHandler(self._keep, self.counting, now, **limits)
        self.request_handler.set_endpoints(ENDPOINTS)

    async def _keep(self, kept: StoredDelivery) -> int:
        if self.writing is not None:
            await self.writing.wait()
        if self.full:
            raise SpoolFull
        self.kept.append(kept)
        return len(self.kept)

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status that is answered to one request."""
        messages: Iterator[dict[str, Any]] = iter([{"type": "http.request", "body": body, "more_body": False}])
        items: list[dict[str, Any]] = []
        scope = {
            "type": "http",
            "method": "POST",
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }

        async def receive() -> Mapping[str, Any]:
            return next(messages)

        async def send(message: dict[str, Any]) -> None:
            items.append(message)

        await self.request_handler(scope, receive, send)
        return int(items[0]["status"])

    def count(self, *outcomes: DeliveryOutcome) -> int:
        return sum(item.count for item in self.counting.all() if item.outcome in outcomes)


def broken(seeds: list[bytes], chance: random.Random) -> bytes:
    """One of *seeds* with bytes changed, cut off, doubled or moved; or no such thing at all."""
    body = bytearray(chance.choice(seeds))
    match chance.randrange(7):
        case 0:
            return chance.randbytes(chance.randrange(200))
        case 1:
            del body[chance.randrange(len(body)) :]
        case 2:
            for _ in range(chance.randint(1, 8)):
                body[chance.randrange(len(body))] = chance.randrange(256)
        case 3:
            at = chance.randrange(len(body))
            body[at:at] = chance.choice([b'"', b"{", b"[", b"null", b"\xff", b"1e999", b"\\ud800", b"[" * 3000])
        case 4:
            begin, end = sorted(chance.randrange(len(body)) for _ in range(2))
            body[begin:begin] = body[begin:end]
        case 5:
            text = body.decode()
            for old, new in (('"', "'"), (":", ": [], "), ("1", "-1"), ("true", "null"), ("messages", "statuses")):
                if chance.random() < 0.5:
                    text = text.replace(old, new, chance.randint(1, 3))
            return text.encode()
        case _:
            value = json.loads(body)
            _replace_something(value, chance)
            return json.dumps(value).encode()
    return bytes(body)


def _replace_something(value: Any, chance: random.Random) -> None:
    """Put something of another kind into a random place of a JSON value."""
    strange: list[Any] = [None, True, 0, -1, 1e308, "", "\u0000", [], {}, [[]], "9" * 5000, {"id": []}]
    while isinstance(value, (dict, list)) and value:
        key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
        if chance.random() < 0.3 or not isinstance(value[key], (dict, list)) or not value[key]:
            value[key] = chance.choice(strange)
            return
        value = value[key]


META = [
    envelope(inbound(number_id="1111")),
    envelope(status("wamid.1", "failed", code=131047, number_id="1111"), inbound("wamid.2", number_id="2222")),
    envelope(account_update("ACCOUNT_RESTRICTION")),
    envelope(inbound(number_id="1111", type="image", image={"id": "1", "mime_type": "image/jpeg", "caption": "praia"})),
]
ZAPI = [
    json.dumps(zapi_text()).encode(),
    json.dumps({"type": "MessageStatusCallback", "instanceId": "INSTANCE", "ids": ["1"], "status": "READ"}).encode(),
    json.dumps({"type": "DisconnectedCallback", "instanceId": "INSTANCE", "momment": 1, "error": "x"}).encode(),
]


async def test_ten_thousand_broken_deliveries_without_a_signature_change_nothing() -> None:
    harness, chance = HandlerHarness(), random.Random(1)  # noqa: S311 - the same garbage in every run
    for number in range(BODIES):
        body = broken(META, chance)
        wrong = [{}, {"X-Hub-Signature-256": signature(body, "x")}, {"X-Hub-Signature-256": signature(b"")[:40]}]
        assert await harness.post("/meta", body, wrong[number % 3]) == 401
    assert harness.kept == []
    assert harness.count(DeliveryOutcome.SIGNATURE_MISSING, DeliveryOutcome.SIGNATURE_WRONG) == BODIES


async def test_ten_thousand_broken_deliveries_with_a_right_signature_are_taken_apart_or_set_aside() -> None:
    """They come from Meta, so they are kept; what reads them afterwards raises nothing but that they are none."""
    harness, chance = HandlerHarness(), random.Random(2)  # noqa: S311
    for _ in range(BODIES):
        body = broken(META, chance)
        assert await harness.post("/meta", body, {"X-Hub-Signature-256": signature(body, SECRET)}) == 200
    assert harness.count(*REFUSED) == 0
    understood = 0
    for kept in harness.kept:
        with suppress(ValueError):
            parse(kept.body, kept.received_at)
            understood += 1
    assert 0 < understood < len(harness.kept)


async def test_ten_thousand_broken_deliveries_on_zapis_path_are_refused_or_taken_apart() -> None:
    harness, chance = HandlerHarness(), random.Random(3)  # noqa: S311
    statuses = [await harness.post(f"/zapi/{PATH}", broken(ZAPI, chance), {}) for _ in range(BODIES)]
    assert set(statuses) == {200, 400, 403}
    assert statuses.count(200) == len(harness.kept) + harness.count(DeliveryOutcome.DUPLICATE)
    for kept in harness.kept:
        assert json.loads(kept.body)["instanceId"] == "INSTANCE"
        assert kept.endpoints == {"INSTANCE": DORA}
        with suppress(ValueError):
            read_callback(kept.body, kept.received_at)


async def test_a_repetition_is_answered_only_when_the_first_is_on_disk() -> None:
    harness = HandlerHarness()
    harness.writing = asyncio.Event()
    body = json.dumps(zapi_text()).encode()
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(harness.post(f"/zapi/{PATH}", body, {})) for _ in range(2)]
        await asyncio.sleep(0.02)
        assert not any(each.done() for each in both)
        harness.writing.set()
    assert [each.result() for each in both] == [200, 200]
    assert len(harness.kept) == 1


async def test_a_repetition_of_what_could_not_be_written_is_refused_as_well_and_taken_later() -> None:
    harness = HandlerHarness()
    harness.writing, harness.full = asyncio.Event(), True
    body = json.dumps(zapi_text()).encode()
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(harness.post(f"/zapi/{PATH}", body, {})) for _ in range(2)]
        await asyncio.sleep(0.02)
        harness.writing.set()
    assert [each.result() for each in both] == [503, 503]
    harness.full = False
    assert await harness.post(f"/zapi/{PATH}", body, {}) == 200
    assert harness.count(DeliveryOutcome.NO_ROOM) == 2
    assert [kept.provider for kept in harness.kept] == [ProviderKind.ZAPI]


async def test_too_much_at_once_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.providers.webhooks.host.request_handler.AT_ONCE", 100)
    harness = HandlerHarness()
    body = json.dumps(zapi_text()).encode()
    assert await harness.post(f"/zapi/{PATH}", body, {}) == 503
    small = json.dumps({"instanceId": "INSTANCE", "type": "x"}).encode()
    assert await harness.post(f"/zapi/{PATH}", small, {}) == 200  # and the room was given back


# --- ends that are slow, over real connections ----------------------------------------------------------------------

Use = Callable[[HandlerHarness, int], Awaitable[None]]


@asynccontextmanager
async def _open(**limits: float) -> Any:
    harness = HandlerHarness(body_seconds=limits.pop("body_seconds", 10.0))
    http_server = HttpServer(harness.request_handler, **limits)
    port = await http_server.open("127.0.0.1", 0)
    try:
        yield harness, port
    finally:
        await http_server.close()


async def _talk(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Say *parts* with a *pause* after each, and return what is answered until the other end closes, or is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    new_data = b""
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        async with asyncio.timeout(3):
            while data := await reader.read(1 << 16):
                new_data += data
                if new_data.endswith(b"\r\n\r\n"):
                    break
    except ConnectionError:
        pass
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return new_data


async def test_a_head_that_never_ends_is_cut_off() -> None:
    async with _open(exchange_seconds=0.3) as (harness, port):
        silent = _talk(port)
        dripping = _talk(port, b"POST /meta HTTP/1.1\r\n", b"Host: x\r\n", b"A: b\r\n", b"C: d\r\n", pause=0.15)
        assert list(await asyncio.gather(silent, dripping)) == [b"", b""]
        body = json.dumps(zapi_text()).encode()
        whole = f"POST /zapi/{PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        assert (await _talk(port, whole)).startswith(b"HTTP/1.1 200")
        assert len(harness.kept) == 1


async def test_a_connection_that_stays_open_between_two_deliveries_is_not_cut_off() -> None:
    async with _open(exchange_seconds=0.3) as (harness, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(2):
            body = json.dumps(zapi_text(str(number))).encode()
            head = f"POST /zapi/{PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.5)
        writer.close()
        await writer.wait_closed()
        assert len(harness.kept) == 2


async def test_a_body_that_drips_is_told_so_and_counted() -> None:
    async with _open(body_seconds=0.2) as (harness, port):
        head = f"POST /zapi/{PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n".encode()
        assert (await _talk(port, head, b"{", b'"', pause=0.15)).startswith(b"HTTP/1.1 408")
        assert harness.count(DeliveryOutcome.TOO_SLOW) == 1
        assert harness.kept == []


async def test_who_hangs_up_in_the_middle_changes_nothing() -> None:
    async with _open() as (harness, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST /zapi/{PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{{".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(5):
            while not harness.count(DeliveryOutcome.TOO_SLOW):
                await asyncio.sleep(0.01)
        assert harness.kept == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # somebody speaks TLS
        b"GET\r\n\r\n",
        b"POST /meta HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /meta HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /meta HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 60_000 + b"\r\n\r\n",
        b"POST /meta HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"GET /meta?%FF%00=&hub.mode HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_no_http_of_ours_is_refused_without_a_word_in_the_log(garbage: bytes) -> None:
    async with _open(exchange_seconds=1.0) as (harness, port):
        data = await _talk(port, garbage)
        assert data == b"" or data.startswith(b"HTTP/1.1 4"), data
        assert harness.kept == []
