"""The metrics over HTTP: a format that can be read, for this computer only, and nobody can hold it up."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.domain.errors import Problem, ProblemCode
from app.domain.metrics import Histogram, MetricFamily, MetricKind
from app.platform import metrics_server
from app.platform.metrics_server import LoopbackMetricsServer, exposition

FAMILIES = (
    MetricFamily(
        name="conecta_links",
        about="Links in use.",
        kind=MetricKind.GAUGE,
        labels=("provider", "state"),
        values={("zapi", "connected"): 3, ("zapi", "blocked"): 1},
    ),
    MetricFamily(
        name="conecta_reconnects",
        about="Came back.",
        kind=MetricKind.COUNTER,
        labels=("provider",),
        values={("zapi",): 7},
    ),
    MetricFamily(name="conecta_session_hosts", about="Hosts.", kind=MetricKind.GAUGE, values={(): 2}),
    MetricFamily(
        name="conecta_connect_seconds",
        about="Took so long.",
        kind=MetricKind.HISTOGRAM,
        labels=("provider",),
        histograms={("zapi",): Histogram((("1", 2), ("5", 3), ("+Inf", 4)), 17.5)},
    ),
)


def read() -> Sequence[MetricFamily]:
    return FAMILIES


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    port = free_port()
    async with LoopbackMetricsServer().open(port, read):
        yield port


async def ask(port: int, path: str = "/metrics", method: str = "GET", host: str = "localhost") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, f"http://127.0.0.1:{port}{path}", headers={"Host": f"{host}:{port}"})


def test_the_exposition_can_be_parsed() -> None:
    families = {each.name: each for each in text_string_to_metric_families(exposition(FAMILIES).decode())}
    assert {name: each.type for name, each in families.items()} == {
        "conecta_links": "gauge",
        "conecta_reconnects": "counter",
        "conecta_session_hosts": "gauge",
        "conecta_connect_seconds": "histogram",
    }
    samples = {
        (each.name, frozenset(each.labels.values())): each.value
        for family in families.values()
        for each in family.samples
    }
    expected = {
        ("conecta_links", "zapi", "connected"): 3,
        ("conecta_reconnects_total", "zapi"): 7,
        ("conecta_session_hosts",): 2,
        ("conecta_connect_seconds_bucket", "zapi", "5"): 3,
        ("conecta_connect_seconds_bucket", "zapi", "+Inf"): 4,
        ("conecta_connect_seconds_sum", "zapi"): 17.5,
    }
    for (name, *labels), value in expected.items():
        assert samples[name, frozenset(labels)] == value


async def test_whoever_asks_on_this_computer_is_answered() -> None:
    async with listening() as port:
        for host in ("localhost", "127.0.0.1"):
            answer = await ask(port, host=host)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            assert answer.content == exposition(FAMILIES)
        assert (await ask(port, "/metrics?a=b")).status_code == 200
        head = await ask(port, method="HEAD")
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 100


@pytest.mark.parametrize(
    ("path", "method", "host", "status"),
    [
        ("/", "GET", "localhost", 404),
        ("/metrics", "POST", "localhost", 405),
        ("/metrics", "GET", "evil.example", 403),
    ],
)
async def test_what_is_not_meant_is_refused(path: str, method: str, host: str, status: int) -> None:
    """A web page whose name was made to lead to this computer is told nothing."""
    async with listening() as port:
        answer = await ask(port, path, method, host)
        assert answer.status_code == status
        assert b"conecta_" not in answer.content


async def test_it_listens_on_this_computer_alone() -> None:
    async with listening() as port:
        others = {each[4][0] for each in socket.getaddrinfo(socket.gethostname(), port, family=socket.AF_INET)}
        for address in others - {"127.0.0.1", "127.0.1.1"}:
            with pytest.raises(OSError, match=r"refused|Connect"):
                await asyncio.open_connection(str(address), port)


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n", b"", b"GET /" + b"a" * 20_000])
async def test_nonsense_is_answered_with_nothing_of_ours(sent: bytes) -> None:
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        try:
            answer = await reader.read()
        except ConnectionError:
            answer = b""
        assert b"conecta_" not in answer
        writer.close()
        assert (await ask(port)).status_code == 200


async def test_who_says_nothing_is_let_go_and_too_many_are_not_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(metrics_server, "MOST_CONNECTIONS", 2)
    async with listening() as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        async with asyncio.timeout(5):
            assert await silent[2][0].read() == b""
            assert [await reader.read() for reader, _writer in silent[:2]] == [b"", b""]
        for _reader, writer in silent:
            writer.close()
        assert (await ask(port)).status_code == 200


async def test_closing_does_not_wait_for_who_says_nothing() -> None:
    async with asyncio.timeout(3):
        async with listening() as port:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.05)
        writer.close()


async def test_a_port_that_is_taken_or_kept_by_the_system_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as port:
        with pytest.raises(Problem) as taken:
            async with LoopbackMetricsServer().open(port, read):
                pass
        assert taken.value.code is ProblemCode.WEBHOOK_PORT_TAKEN

    async def forbidden(*_what: object, **_more: object) -> None:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(asyncio, "start_server", forbidden)
    with pytest.raises(Problem) as kept:
        async with LoopbackMetricsServer().open(80, read):
            pass
    assert kept.value.code is ProblemCode.WEBHOOK_PORT_FORBIDDEN
