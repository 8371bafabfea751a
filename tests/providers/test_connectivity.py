"""What is found when a provider's front door is tried: real sockets, a certificate of our own, a played clock."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.domain.diagnosis import DiagnosisCode
from app.domain.incident import CheckResult
from app.domain.mentorado import ProviderKind
from app.providers.connectivity import PROBE_URLS, HttpConnectivityChecker
from tests.clock import DAWN, StillClock

WEB = ProviderKind.WHATSAPP_WEB
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ANSWER = "HTTP/1.1 200 OK\r\nDate: {date}\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture(autouse=True)
def no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def answering(words: str) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(words.encode())
        await writer.drain()

    return serve


@asynccontextmanager
async def listening(serve: Serve, certificate: Path | None = None) -> AsyncIterator[int]:
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    served: set[asyncio.Task[None] | None] = set()

    async def to_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.current_task())
        with suppress(OSError, EOFError):
            await serve(reader, writer)
        await close(writer)

    server = await asyncio.start_server(to_the_end, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.sleep(0.01)  # whoever knocked last is let in before it is waited for
        for task in filter(None, served):
            await task


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@pytest.mark.parametrize(
    "address",
    [
        "http://proxy:99999",
        "http://127.0.0.1:abc",
        "http://[::1",
        "http://",
        "garbage::://",
        "http://staff:hidden-word",
        "hidden-word://proxy",
    ],
)
async def test_a_proxy_whose_address_cannot_be_read_is_what_is_to_be_corrected(address: str) -> None:
    checker = find(1, None, proxy=address)
    found = await checker.diagnose(WEB)
    assert (found.code, found.evidence["proxy"]) == (DiagnosisCode.PROXY_INVALID, "HTTPS_PROXY")
    assert "hidden-word" not in str(found.evidence)
    network, _clock = await checker.check(WEB)
    assert network.found is CheckResult.PROXY_REFUSED


@pytest.mark.parametrize(
    ("address", "kind", "shown"),
    [
        ("socks5://staff:hidden-word@proxy", "socks5", "proxy:1080"),
        ("socks5h://proxy:9", "socks5h", "proxy:9"),
        ("https://proxy", "https", "proxy:443"),
    ],
)
async def test_a_proxy_that_cannot_be_looked_through_is_no_fault_of_the_proxy(
    address: str, kind: str, shown: str
) -> None:
    found = await find(1, None, proxy=address).diagnose(WEB)
    assert found.code is DiagnosisCode.PROXY_UNCHECKED
    assert (found.evidence["kind_of_proxy"], found.evidence["proxy"]) == (kind, shown)
    assert "hidden-word" not in str(found.evidence)


def find(
    port: int, trusted: Path | None, *, proxy: str = "", within: float = 5, scheme: str = "https"
) -> HttpConnectivityChecker:
    trust = ssl.create_default_context(cafile=str(trusted)) if trusted else None
    return HttpConnectivityChecker(
        StillClock(),
        probe_urls={
            **PROBE_URLS,
            WEB: f"{scheme}://127.0.0.1:{port}",
            ProviderKind.META_CLOUD: f"{scheme}://127.0.0.1:{port}/v23.0/",
        },
        trust=trust,
        environ={"HTTPS_PROXY": proxy} if proxy else {},
        within=within,
    )


def date(seconds: float) -> str:
    return f"{DAWN + timedelta(seconds=seconds):%a, %d %b %Y %H:%M:%S} GMT"


@pytest.mark.parametrize(
    ("answer", "network", "clock"),
    [
        (ANSWER.format(date=date(0)), CheckResult.NETWORK_GOOD, CheckResult.CLOCK_GOOD),
        (ANSWER.format(date=date(119)), CheckResult.NETWORK_GOOD, CheckResult.CLOCK_GOOD),
        (ANSWER.format(date=date(121)), CheckResult.NETWORK_GOOD, CheckResult.CLOCK_WRONG),
        (ANSWER.format(date=date(-86400)), CheckResult.NETWORK_GOOD, CheckResult.CLOCK_WRONG),
        (ANSWER.format(date="yesterday"), CheckResult.NETWORK_GOOD, CheckResult.CLOCK_UNKNOWN),
        ("HTTP/1.1 404 Not Found\r\n\r\n", CheckResult.NETWORK_GOOD, CheckResult.CLOCK_UNKNOWN),
        (ANSWER.replace("200 OK", "503").format(date=date(0)), CheckResult.SERVER_SILENT, CheckResult.CLOCK_GOOD),
        ("SSH-2.0-OpenSSH\r\n\r\n", CheckResult.SERVER_SILENT, CheckResult.CLOCK_UNKNOWN),
        ("HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 20_000, CheckResult.SERVER_SILENT, CheckResult.CLOCK_UNKNOWN),
        ("", CheckResult.NETWORK_DOWN, CheckResult.CLOCK_UNKNOWN),
    ],
)
async def test_what_the_answer_says(certificate: Path, answer: str, network: CheckResult, clock: CheckResult) -> None:
    async with listening(answering(answer), certificate) as port:
        findings = await find(port, certificate).check(WEB)
    assert [finding.found for finding in findings] == [network, clock]


async def test_a_certificate_nobody_vouches_for_is_said(certificate: Path) -> None:
    async with listening(answering(""), certificate) as port:
        network, clock = await find(port, None).check(WEB)
    assert (network.found, clock.found) == (CheckResult.CERTIFICATE_REFUSED, CheckResult.CLOCK_UNKNOWN)


async def test_nobody_at_the_address_is_a_network_that_is_down(certificate: Path) -> None:
    async with listening(answering("")) as port:
        pass
    network, _ = await find(port, certificate).check(WEB)
    assert network.found is CheckResult.NETWORK_DOWN


async def test_an_endpoint_that_never_opens_takes_no_longer_than_allowed(certificate: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as port:
        network, _ = await find(port, certificate, within=0.2).check(WEB)
    assert network.found is CheckResult.NETWORK_DOWN


def test_the_proxy_is_used_with_its_credentials(certificate: Path) -> None:
    asked: list[str] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        target = int(asked[0].split()[1].rpartition(":")[2])
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pipe(reader, there_writer), pipe(there_reader, writer))

    async def main() -> None:
        async with (
            listening(answering(ANSWER.format(date=date(0))), certificate) as port,
            listening(tunnel) as proxy,
        ):
            looked = find(port, certificate, proxy=f"http://ana:s%40fe@127.0.0.1:{proxy}")
            network, clock = await looked.check(WEB)
        assert (network.found, clock.found) == (CheckResult.NETWORK_GOOD, CheckResult.CLOCK_GOOD)
        assert "Proxy-Authorization: Basic YW5hOnNAZmU=" in asked[0]  # ana:s@fe

    asyncio.run(main())


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while sent := await reader.read(65536):
            writer.write(sent)
            await writer.drain()
    await close(writer)


@pytest.mark.parametrize("answer", ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "", "hello\r\n\r\n"])
async def test_a_proxy_that_does_not_let_us_through_is_said(certificate: Path, answer: str) -> None:
    async with listening(answering(answer)) as proxy:
        network, _ = await find(1, certificate, proxy=f"127.0.0.1:{proxy}").check(WEB)
    assert network.found is CheckResult.PROXY_REFUSED


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://127.0.0.1:1", "http://"])
async def test_a_proxy_that_is_not_there_or_not_understood_is_said(certificate: Path, proxy: str) -> None:
    network, _ = await find(1, certificate, proxy=proxy).check(WEB)
    assert network.found is CheckResult.PROXY_REFUSED


async def test_what_is_exempt_from_the_proxy_is_reached_without_it(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with listening(answering(ANSWER.format(date=date(0))), certificate) as port:
        network, _ = await find(port, certificate, proxy="http://127.0.0.1:1").check(WEB)
    assert network.found is CheckResult.NETWORK_GOOD


def test_each_provider_is_looked_for_at_its_own_endpoint_and_only_there(certificate: Path) -> None:
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(ANSWER.format(date=date(300)).encode())
        await writer.drain()

    async def main() -> None:
        async with listening(serve, certificate) as port, listening(serve) as plain:
            found = await find(port, certificate).check(ProviderKind.META_CLOUD)
            nearby = await find(plain, None, scheme="http").check(ProviderKind.META_CLOUD)
        for network, clock in (found, nearby):
            assert (network.found, clock.found) == (CheckResult.NETWORK_GOOD, CheckResult.CLOCK_WRONG)
        assert all(each.startswith("HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n") for each in asked)
        assert len(asked) == 2

    asyncio.run(main())
    assert {provider: urlsplit(endpoint).hostname for provider, endpoint in PROBE_URLS.items()} == {
        ProviderKind.WHATSAPP_WEB: "web.whatsapp.com",
        ProviderKind.ZAPI: "api.z-api.io",
        ProviderKind.META_CLOUD: "graph.facebook.com",
    }


async def test_the_time_is_that_of_the_first_provider_that_answers() -> None:
    async with (
        listening(answering(ANSWER.format(date="never"))) as broken,
        listening(answering(ANSWER.format(date=date(5)))) as good,
    ):
        endpoints = {WEB: "http://127.0.0.1:1", ProviderKind.ZAPI: f"http://127.0.0.1:{broken}"}
        assert await HttpConnectivityChecker(StillClock(), probe_urls=endpoints, environ={}).ask() is None
        endpoints[ProviderKind.META_CLOUD] = f"http://127.0.0.1:{good}"
        assert await HttpConnectivityChecker(StillClock(), probe_urls=endpoints, environ={}).ask() == DAWN + timedelta(
            seconds=5
        )


async def test_the_certificates_are_read_once_however_many_are_asked_for_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each time is three quarters of a megabyte, and 15 ms of a processor."""
    read = ssl.create_default_context
    contexts: list[ssl.SSLContext] = []

    def reading() -> ssl.SSLContext:
        contexts.append(read())
        return contexts[-1]

    monkeypatch.setattr(ssl, "create_default_context", reading)
    nobody = dict.fromkeys(PROBE_URLS, "https://127.0.0.1:9")
    assert await HttpConnectivityChecker(StillClock(), probe_urls=nobody, environ={}).ask() is None
    assert len(contexts) == 1


def test_a_provider_that_is_silent_for_long_tells_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.providers.connectivity.TIME_WITHIN_SECONDS", 0.05)

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def main() -> None:
        async with listening(silent) as port:
            endpoints = {WEB: f"http://127.0.0.1:{port}"}
            assert await HttpConnectivityChecker(StillClock(), probe_urls=endpoints, environ={}).ask() is None

    asyncio.run(main())
