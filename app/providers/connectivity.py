"""Whether a provider can be reached from here, and whether its time is ours: one request says both."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from time import monotonic
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import proxy_bypass

from app.domain.diagnosis import Diagnosis, DiagnosisCode, diagnosed
from app.domain.incident import CheckResult, Finding
from app.domain.mentorado import ProviderKind
from app.domain.provider_descriptor import DESCRIPTORS
from app.domain.repositories import Clock
from app.platform.threads import run_abandonable

SKEW_ALLOWED: Final = timedelta(minutes=2)
WITHIN_SECONDS: Final = 10.0
TIME_WITHIN_SECONDS: Final = 5.0
"""Somebody may be waiting for what depends on the time."""

_PORTS: Final = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
"""The kinds of proxies there are, and the port of each where none is named."""

PROBE_URLS: Final = {kind: descriptor.probe_url for kind, descriptor in DESCRIPTORS.items()}

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _ProxyRefused(OSError):
    """The proxy could not be reached, or did not let us through."""


class _ProxyUnreachable(_ProxyRefused):
    """There is no proxy where one is set."""


class _ProxyInvalid(_ProxyRefused):
    """What is set is no address of a proxy. Never quotes it: a password may be anywhere in it."""


class _ProxyUnchecked(_ProxyRefused):
    """The proxy is of a kind that cannot be looked through; the text names it."""


class HttpConnectivityChecker:
    """Asks for the headers of a provider's front page, through the proxy of ``HTTPS_PROXY`` where there is one."""

    def __init__(
        self,
        clock: Clock,
        *,
        probe_urls: Mapping[ProviderKind, str] = PROBE_URLS,
        trust: ssl.SSLContext | None = None,
        environ: Mapping[str, str] = os.environ,
        within: float = WITHIN_SECONDS,
    ) -> None:
        """Only the host of each of *probe_urls* is asked, never a path that could carry a token."""
        self._clock = clock
        self._probe_urls = probe_urls
        self._trust = trust
        self._environ = environ
        self._within = within

    async def check(self, provider: ProviderKind) -> Sequence[Finding]:
        """What was found about the network, then about the clock."""
        url = urlsplit(self._probe_urls[provider])
        try:
            async with asyncio.timeout(self._within):
                status, date = await self._ask(url, self._trust)
        except _ProxyRefused as error:
            network = Finding(CheckResult.PROXY_REFUSED, str(error))
        except ssl.SSLCertVerificationError as error:
            network = Finding(CheckResult.CERTIFICATE_REFUSED, error.verify_message)
        except (OSError, EOFError) as error:  # no name, no way, no answer in time
            network = Finding(CheckResult.NETWORK_DOWN, _why(error))
        except ValueError as error:  # what came back is not HTTP
            network = Finding(CheckResult.SERVER_SILENT, str(error))
        else:
            network = Finding(
                CheckResult.SERVER_SILENT if status >= 500 else CheckResult.NETWORK_GOOD, f"HTTP {status}"
            )
            return network, self._judge(date)
        return network, Finding(CheckResult.CLOCK_UNKNOWN)

    async def diagnose(self, provider: ProviderKind) -> Diagnosis:
        """At which step the way to *provider* ends: name, connection, proxy, certificate, encryption, answer."""
        url = urlsplit(self._probe_urls[provider])
        began = monotonic()
        evidence = {"provider": provider.value, "host": url.hostname or "", "proxy": self._proxy_of(url.hostname or "")}
        code, detail = await self._way_to(url)
        if code is DiagnosisCode.PROXY_UNCHECKED:
            evidence["kind_of_proxy"] = detail
        return diagnosed(code, **evidence, detail=detail, milliseconds=str(round((monotonic() - began) * 1000)))

    async def _way_to(self, url: SplitResult) -> tuple[DiagnosisCode, str]:
        try:
            async with asyncio.timeout(self._within):
                status, _date = await self._ask(url, self._trust)
        except TimeoutError:
            return DiagnosisCode.NO_CONNECTION, "no answer in time"
        except _ProxyInvalid as error:
            return DiagnosisCode.PROXY_INVALID, str(error)
        except _ProxyUnchecked as error:
            return DiagnosisCode.PROXY_UNCHECKED, str(error)
        except _ProxyUnreachable as error:
            return DiagnosisCode.PROXY_UNREACHABLE, str(error)
        except _ProxyRefused as error:
            return DiagnosisCode.PROXY_REFUSES, str(error)
        except socket.gaierror as error:
            return DiagnosisCode.NAME_UNKNOWN, _why(error)
        except ssl.SSLCertVerificationError as error:
            of_another = "mismatch" in error.verify_message  # which it names, and the sentence does, too
            return DiagnosisCode.CERTIFICATE_UNTRUSTED, "hostname mismatch" if of_another else error.verify_message
        except ssl.SSLError as error:
            return DiagnosisCode.HANDSHAKE_FAILED, error.reason or str(error)
        except (OSError, EOFError) as error:
            return DiagnosisCode.NO_CONNECTION, _why(error)
        except ValueError as error:
            return DiagnosisCode.SERVER_UNEXPECTED, str(error)
        found = DiagnosisCode.SERVER_UNEXPECTED if status >= 500 else DiagnosisCode.NETWORK_FINE
        return found, f"HTTP {status}"

    def _proxy_of(self, host: str) -> str:
        """The proxy on the way to *host*, without the password that may be in its address."""
        try:
            proxy = self._proxy(host)
        except _ProxyInvalid:
            return "HTTPS_PROXY"
        return "" if proxy is None else f"{proxy.hostname}:{proxy.port or _PORTS.get(proxy.scheme, 80)}"

    async def ask(self) -> datetime | None:
        """The time of the first provider that answers: a whole second, and what the way took too early."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TIME_WITHIN_SECONDS):
                trust = self._trust or await _system_trust()
                for address in self._probe_urls.values():
                    with suppress(OSError, EOFError, ValueError):  # the next one may be reached
                        return _moment((await self._ask(urlsplit(address), trust))[1])
        return None

    def _judge(self, date: str) -> Finding:
        try:
            ahead = self._clock.now() - _moment(date)
        except ValueError:
            return Finding(CheckResult.CLOCK_UNKNOWN)
        found = CheckResult.CLOCK_GOOD if abs(ahead) <= SKEW_ALLOWED else CheckResult.CLOCK_WRONG
        return Finding(found, f"{round(ahead.total_seconds()):+d} s")

    async def _ask(self, url: SplitResult, trust: ssl.SSLContext | None) -> tuple[int, str]:
        host, port = url.hostname or "", url.port
        if url.scheme != "https":
            port, trust = port or 80, None
        elif trust is None:
            trust = await _system_trust()
        async with _reach(host, port or 443, self._proxy(host), trust) as (reader, writer):
            writer.write(f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            status, headers = await _head(reader)
        return status, headers.get("date", "")

    def _proxy(self, host: str) -> SplitResult | None:
        """The proxy that is set, unless *host* is reached without it."""
        proxy = (self._environ.get("HTTPS_PROXY") or self._environ.get("https_proxy") or "").strip()
        return None if not proxy or proxy_bypass(host) else _read_proxy(proxy)


async def _system_trust() -> ssl.SSLContext:
    """The certificates that this computer trusts: three quarters of a megabyte, for as long as they are needed."""
    return await asyncio.to_thread(ssl.create_default_context)


def _read_proxy(written: str) -> SplitResult:
    """The address of a proxy; raises `_ProxyInvalid`."""
    try:
        proxy = urlsplit(written if "://" in written else f"http://{written}")
    except ValueError:
        raise _ProxyInvalid("no computer is named") from None
    if proxy.scheme not in _PORTS:
        raise _ProxyInvalid("of no known kind")
    if not proxy.hostname:
        raise _ProxyInvalid("no computer is named")
    try:
        _ = proxy.port  # reading it checks it
    except ValueError:
        raise _ProxyInvalid("the port is no number") from None
    return proxy


def _why(error: OSError | EOFError) -> str:
    """What went wrong, in words that do not change with the library that says it."""
    if isinstance(error, EOFError):
        return "the connection was closed"
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or str(error) or type(error).__name__
    return os.strerror(error.errno)


def _moment(date: str) -> datetime:
    """The ``Date`` of an answer; raises `ValueError` for what is none."""
    theirs = parsedate_to_datetime(date)
    return theirs.replace(tzinfo=theirs.tzinfo or UTC)


@asynccontextmanager
async def _reach(
    host: str, port: int, proxy: SplitResult | None, trust: ssl.SSLContext | None
) -> AsyncIterator[_Streams]:
    """A connection to *host*, inside TLS where there is a *trust*."""
    if proxy is None:
        reader, writer = await _open(host, port, trust)
    else:
        reader, writer = await _to_proxy(proxy)
    try:
        if proxy is not None:
            await _tunnel(reader, writer, proxy, f"{host}:{port}")
            if trust is not None:
                await writer.start_tls(trust, server_hostname=host)
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _open(host: str, port: int, trust: ssl.SSLContext | None = None) -> _Streams:
    """A connection to the first address of *host* that takes one. A DNS that is silent holds up nobody who gave up."""
    find = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(address[0]) for *_, address in await run_abandonable(find))
    failed: OSError | None = None
    for address in addresses:
        try:
            name = None if trust is None else host
            return await asyncio.open_connection(address, port, ssl=trust, server_hostname=name)
        except ssl.SSLError:
            raise
        except OSError as error:
            failed = error
    try:
        raise failed or OSError(f"no address of {host}")
    finally:
        del failed  # an error that its own traceback holds keeps all that this function knew


async def _to_proxy(proxy: SplitResult) -> _Streams:
    if proxy.scheme != "http":
        raise _ProxyUnchecked(proxy.scheme)
    try:
        return await _open(proxy.hostname or "", proxy.port or 80)
    except OSError as error:
        raise _ProxyUnreachable(_why(error)) from error


async def _tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: SplitResult, to: str) -> None:
    request = f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n"
    if proxy.username is not None:
        credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        request += f"Proxy-Authorization: Basic {base64.b64encode(credentials.encode()).decode()}\r\n"
    writer.write(f"{request}\r\n".encode())
    await writer.drain()
    try:
        status, _ = await _head(reader)
    except (OSError, EOFError) as error:
        raise _ProxyRefused(_why(error)) from error
    except ValueError as error:
        raise _ProxyRefused(str(error)) from error
    if status != 200:
        raise _ProxyRefused(f"HTTP {status}")


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """The status and the headers of an answer; raises `ValueError` when it is none."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.LimitOverrunError as error:
        raise ValueError("not HTTP") from error
    protocol, status, *_ = [*lines[0].split(" "), ""]
    if not protocol.startswith("HTTP/") or not status.isdecimal():
        raise ValueError("not HTTP")
    headers = (line.partition(":") for line in lines[1:])
    return int(status), {name.strip().lower(): value.strip() for name, _, value in headers}
