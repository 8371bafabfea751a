"""One exchange with a hosted provider over real sockets: every failure is a value, and says whether it was sent."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from app.providers.http_client import (
    LARGEST,
    LONGEST_WAIT,
    HttpClient,
    Response,
    Timeouts,
    TransportError,
    open_client,
)
from tests.conftest import OnQt
from tests.emulators.serving import Message, Receive, Send, Served, body_of, hang, reset
from tests.emulators.whatsapp_web.certificates import tls_context

SOON = Timeouts(connect=0.5, read=0.3, whole=0.6)
SECRET = "/token/B2E4C6D8"


async def far_end(scope: Message, receive: Receive, send: Send) -> None:
    """What is asked for by path is what comes."""
    await body_of(receive)
    what = scope["path"].rpartition("/")[2]
    headers = [(b"retry-after", unquote(asked).encode())] if (asked := what.partition("later-")[2]) else []
    if what == "hang":
        await hang(receive)
        return
    size = {"large": LARGEST + 1, "largest": LARGEST}.get(what, 2)
    headers.append((b"content-length", str(size).encode()))
    if what == "elsewhere":
        headers.append((b"location", b"/other"))
    status = {"elsewhere": 307, "later": 429}.get(what.partition("-")[0], 200)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * (size - 1), "more_body": True})
    if what == "reset":
        await reset(send)
    elif what == "stop":
        await hang(receive)
    else:
        await send({"type": "http.response.body", "body": b"x"})


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """This computer is never reached through one, whatever other tests need."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize(
    "proxy", ["garbage::://", "socks5://staff:hidden-word@127.0.0.1:9", "http://staff:hidden-word", "http://[::1"]
)
async def test_a_proxy_that_cannot_be_used_is_no_way_out_and_no_error_of_the_program(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, proxy: str
) -> None:
    """Nothing goes around it, and what stands in its address is repeated nowhere."""
    with Served(far_end) as running:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        async with open_client(running.url, headers={}, timeouts=SOON) as wire:
            answer = await wire.request("GET", "/whole")
    assert answer == TransportError("no connection", sent=False)
    assert "proxy" in caplog.text
    assert "hidden-word" not in caplog.text


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served(far_end) as running:
        yield running


@asynccontextmanager
async def wire_to(url: str, timeouts: Timeouts = SOON) -> AsyncIterator[HttpClient]:
    async with open_client(f"{url}{SECRET}/", headers={"Authorization": "Bearer x"}, timeouts=timeouts) as wire:
        yield wire


def ask(url: str, path: str, *, times: int = 1, **how: float) -> Response | TransportError:
    async def main() -> Response | TransportError:
        async with wire_to(url) as wire:
            for _ in range(times - 1):
                await wire.request("GET", path, **how)  # type: ignore[arg-type]
            return await wire.request("GET", path, **how)  # type: ignore[arg-type]

    return asyncio.run(main())


def test_what_comes_back_whole_is_an_answer_whatever_its_status(served: Served) -> None:
    assert ask(served.url, "fine") == Response(200, b"xx")
    assert "xx" not in repr(ask(served.url, "fine"))


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("17", 17.0),
        ("1.5", 1.5),
        ("10000000", LONGEST_WAIT),
        ("Sun, 29 Nov 2020 01:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
    ],
)
def test_a_pause_that_is_asked_for_is_kept_in_every_form_of_it(
    served: Served, asked: str, seconds: float | None
) -> None:
    assert ask(served.url, f"later-{quote(asked)}") == Response(429, b"xx", retry_after=seconds)


def test_a_pause_until_a_date_counts_from_the_answers_own(served: Served) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)
    answer = ask(served.url, f"later-{quote(until)}")
    assert isinstance(answer, Response)
    assert answer.retry_after == pytest.approx(600, abs=30)


def test_nobody_is_followed_elsewhere_with_a_token(served: Served) -> None:
    assert ask(served.url, "elsewhere") == Response(307, b"xx")


@pytest.mark.parametrize("what", ["hang", "stop", "reset", "large"])
@pytest.mark.parametrize("times", [1, 3])
def test_what_breaks_off_may_have_been_sent(served: Served, what: str, times: int) -> None:
    """Again and again, nothing is left open behind it."""
    answer = ask(served.url, what, times=times)
    assert isinstance(answer, TransportError)
    assert answer.sent


def test_the_largest_answer_that_is_read_is_still_one(served: Served) -> None:
    answer = ask(served.url, "largest")
    assert isinstance(answer, Response)
    assert len(answer.body) == LARGEST


def test_a_timeout_of_its_own_is_for_the_whole_of_a_request(served: Served) -> None:
    began = time.monotonic()
    answer = ask(served.url, "hang", within=0.05)
    assert isinstance(answer, TransportError)
    assert time.monotonic() - began < SOON.read


def test_what_met_nobody_was_certainly_not_sent() -> None:
    """Only this may be tried again by itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert ask(f"http://127.0.0.1:{free.getsockname()[1]}", "fine") == TransportError("no connection", sent=False)
    assert ask("http://nowhere.invalid", "fine") == TransportError("no connection", sent=False)


def test_a_certificate_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    context = tls_context(tmp_path)

    async def main() -> Response | TransportError:
        async def nobody(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(nobody, "127.0.0.1", 0, ssl=context)
        async with server, wire_to(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}") as wire:
            return await wire.request("GET", "fine")

    assert asyncio.run(main()) == TransportError("its certificate is not trusted here", sent=False)


async def test_what_cannot_be_written_is_not_sent(served: Served) -> None:
    async with wire_to(served.url) as wire:
        answer = await wire.request("POST", "fine", json={"text": "\ud800"})
        assert isinstance(answer, TransportError)
        assert not answer.sent
    assert await wire.request("GET", "fine") == TransportError("the connection was closed", sent=False)


@pytest.mark.parametrize("pauses", range(6))
def test_cancelled_while_it_closes_it_leaves_no_connection_open(served: Served, pauses: int) -> None:
    """An open one would be a warning here, and a socket for ever there."""

    async def use() -> None:
        async with wire_to(served.url) as wire, asyncio.TaskGroup() as both:
            for _ in range(3):
                both.create_task(wire.request("GET", "fine"))

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(use())
            await asyncio.sleep(0.02)
            for _ in range(pauses):
                await asyncio.sleep(0)
            task.cancel()

    for _ in range(5):
        asyncio.run(main())


def test_nothing_it_says_of_a_failure_repeats_an_address(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        for what in ("hang", "reset", "large", "fine"):
            assert SECRET not in repr(ask(served.url, what))
        assert SECRET not in repr(ask("http://nowhere.invalid", "fine"))
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    assert not any(SECRET in line or "Bearer" in line for line in ours)


def test_it_works_on_qts_loop_too(served: Served, on_qt: OnQt) -> None:
    async def main() -> list[Response | TransportError]:
        async with wire_to(served.url) as wire:
            return [await wire.request("GET", what) for what in ("fine", "stop", "reset", "fine")]

    first, stopped, broken, last = on_qt(main)
    assert first == last == Response(200, b"xx")
    assert isinstance(stopped, TransportError)
    assert isinstance(broken, TransportError)


def test_the_program_does_not_load_it_until_somebody_asks() -> None:
    """It takes a tenth of a second, and most people have no hosted provider."""
    program = "import sys, app.bootstrap; sys.exit(any(name in sys.modules for name in ('httpx', 'certifi', 'anyio')))"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
