"""One HTTP exchange with a hosted provider: whatever goes wrong on the way is a value, never an exception.

Tokens travel in addresses and headers, so nothing here repeats either: not what is returned, and not a log.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

LONGEST_WAIT: Final = 7 * 86400.0
"""Seconds: whoever asks for a longer pause is asked again after this one."""

LARGEST: Final = 1 << 20
"""Bytes of an answer that are read. The largest that makes sense is a page of a hundred queued messages."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back whole, whatever its status. *retry_after* is in seconds, where the header says so."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class TransportError:
    """No answer, or none that could be read. *sent* is whether the request may have reached the far end.

    *retry_after* is in seconds, where an answer that could not be read asked for a pause.
    """

    why: str
    sent: bool
    retry_after: float | None = None


Answer = Response | TransportError


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. *whole* bounds an exchange from its first byte to its last, however slowly they drip."""

    connect: float = 5.0
    read: float = 15.0
    whole: float = 20.0


class HttpClient:
    """Asks one provider. Redirects are answers like others: nobody but the provider is ever shown a token."""

    def __init__(self, client: httpx.AsyncClient, timeouts: Timeouts) -> None:
        self._client = client
        self._timeouts = timeouts

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        within: float | None = None,
    ) -> Answer:
        """Send one request for *path* below the base address; *within* replaces the patience for the whole of it."""
        import httpx

        if self._client.is_closed:
            return TransportError("the connection was closed", sent=False)
        sent = False

        async def notice(event: str, _info: Mapping[str, Any]) -> None:
            nonlocal sent
            sent = sent or event.endswith("send_request_headers.started")

        try:
            async with asyncio.timeout(within or self._timeouts.whole) as deadline:
                request = self._client.build_request(
                    method, path, json=json, params=params, extensions={"trace": notice}
                )
                if within is not None:
                    request.extensions["timeout"]["read"] = within
                return await self._exchange(request, deadline)
        except TimeoutError:
            return TransportError("no whole answer in time, or one that is too large", sent)
        except httpx.TimeoutException:
            return TransportError("no answer in time", sent)
        except httpx.ConnectError as error:
            return TransportError(_why_no_connection(error), sent)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            return TransportError(f"the exchange broke off ({type(error).__name__})", sent)

    async def _exchange(self, request: httpx.Request, deadline: asyncio.Timeout) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            if response.headers.get("content-encoding", "identity") != "identity":
                return TransportError("an encoding that was not asked for", sent=True)
            body = bytearray()
            async for piece in response.aiter_raw():
                if len(body) <= LARGEST:
                    body += piece
                if len(body) > LARGEST:  # ended by the deadline: generators that were left would be closed by nobody
                    deadline.reschedule(asyncio.get_running_loop().time())
            if len(body) > LARGEST:
                return TransportError("an answer that is too large", sent=True)
            return Response(response.status_code, bytes(body), _retry_after(response.headers))
        finally:
            await response.aclose()


@asynccontextmanager
async def open_client(base_url: str, *, headers: Mapping[str, str], timeouts: Timeouts) -> AsyncIterator[HttpClient]:
    """A client that lives as long as the context. The library is loaded by the first one, beside the loop."""
    trust = await asyncio.to_thread(_prepared)
    import httpx

    make = partial(
        httpx.AsyncClient,
        base_url=base_url,
        headers={"Accept-Encoding": "identity", "User-Agent": "conecta", **headers},
        timeout=httpx.Timeout(timeouts.read, connect=timeouts.connect),
        follow_redirects=False,
        verify=trust,
    )
    try:
        client = make()
    except (ValueError, ImportError, httpx.InvalidURL):  # what HTTPS_PROXY says; its words may be a password
        log.warning("The proxy of this computer cannot be used; conecta doctor says why")
        client = make(transport=httpx.MockTransport(_reach_nobody))  # nothing ever goes around a proxy that is set
    try:
        yield HttpClient(client, timeouts)
    finally:
        await _close(client)


def _reach_nobody(request: httpx.Request) -> httpx.Response:
    import httpx

    raise httpx.ConnectError("no proxy", request=request)


async def _close(client: httpx.AsyncClient) -> None:
    """Close every connection, cancelled or not: left off in the middle, the library forgets those that are open."""
    closing = asyncio.get_running_loop().create_task(client.aclose())
    cancelled = None
    while not closing.done():
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


@cache
def _prepared() -> ssl.SSLContext:
    """Load the library, keep it from logging addresses, and read the certificates; a tenth of a second, once."""
    import certifi
    import httpx

    for name in (httpx.__name__, "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    trust = ssl.create_default_context(cafile=certifi.where())
    trust.load_default_certs()  # those of the system, too: an office may have its own
    return trust


def _why_no_connection(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not trusted here"
        cause = cause.__cause__ or cause.__context__
    return "no connection"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; a date counts from the answer's own, so that no clock of ours is needed (RFC 9110, 10.2.3)."""
    asked = headers.get("retry-after", "").strip()
    if match := re.fullmatch(r"(\d{1,18})(?:\.\d{1,9})?", asked, re.ASCII):
        return min(float(match[0]), LONGEST_WAIT)
    try:
        until, since = parsedate_to_datetime(asked), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - since).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
