"""An ASGI application that accepts or refuses requests by their raw bytes, before anything unproven is parsed.

Meta signs each delivery with the app's secret (``X-Hub-Signature-256: sha256=<hex of HMAC-SHA256 over the raw body>``)
and asks once, by GET, whether we know the verify token. Z-API signs nothing: its path ends with a secret, and the body
names the instance. An accepted delivery is on disk before it is answered; what it says is looked at afterwards.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.provider_descriptor import WEBHOOK_SCHEMES
from app.domain.webhooks import DeliveryOutcome, Endpoint, EndpointList
from app.providers.webhooks.host.counters import OutcomeCounters
from app.providers.webhooks.host.spool import SpoolFull, StoredDelivery

LARGEST: Final = 3 << 20
"""Bytes of a body; Meta sends no more (webhooks/create-webhook-endpoint)."""

AT_ONCE: Final = 32 << 20
"""Bytes of bodies in memory that are not on disk yet."""

BODY_SECONDS: Final = 10.0
LONGEST_CHALLENGE: Final = 512
REMEMBERED: Final = 20_000
"""Deliveries that a repetition is recognised by; one that is older is stored again, which changes nothing."""

_AT_A_TIME: Final = 256 << 10  # bytes; a larger body is hashed and read in a thread

STATUS: Final[Mapping[DeliveryOutcome, int]] = {
    DeliveryOutcome.ACCEPTED: 200,
    DeliveryOutcome.DUPLICATE: 200,
    DeliveryOutcome.CHALLENGE: 200,
    DeliveryOutcome.SIGNATURE_MISSING: 401,
    DeliveryOutcome.SIGNATURE_WRONG: 401,
    DeliveryOutcome.TOKEN_WRONG: 403,
    DeliveryOutcome.OTHER_ACCOUNT: 403,
    DeliveryOutcome.UNKNOWN_PATH: 404,
    DeliveryOutcome.WRONG_METHOD: 405,
    DeliveryOutcome.TOO_LARGE: 413,
    DeliveryOutcome.TOO_SLOW: 408,
    DeliveryOutcome.MALFORMED: 400,
    DeliveryOutcome.NO_ROOM: 503,
    DeliveryOutcome.NOT_READY: 503,
}

_SIGNED: Final = {scheme.path.encode(): kind for kind, scheme in WEBHOOK_SCHEMES.items() if scheme.signed_with}
_SECRET_PATHS: Final = tuple(scheme.path.encode() for scheme in WEBHOOK_SCHEMES.values() if not scheme.signed_with)

_SIGNATURE: Final = re.compile(rb"sha256=([0-9a-f]{64})", re.IGNORECASE)

T = TypeVar("T")
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
StoreDelivery = Callable[[StoredDelivery], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """The outcome of a request, its link if known, and the note for the log."""

    outcome: DeliveryOutcome
    link_id: LinkId | None = None
    body: bytes = b""


class _Rejected(Exception):
    """Refused while it was being read."""

    def __init__(self, outcome: DeliveryOutcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class _ClientDisconnected(Exception):
    """The client closed the connection: there is nobody to answer."""


class WebhookRequestHandler:
    """Stores what it accepts with *keep*, and counts everything with *counting*."""

    def __init__(
        self,
        keep: StoreDelivery,
        counting: OutcomeCounters,
        now: Callable[[], datetime],
        *,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._keep = keep
        self._counting = counting
        self._now = now
        self._body_seconds = body_seconds
        self._held = 0  # bytes
        self._endpoints = EndpointList(complete=False)
        self._by_path: dict[bytes, Endpoint] = {}
        self._by_secret: dict[ProviderKind, dict[bytes, dict[str, LinkId]]] = {}
        self._known: OrderedDict[bytes, asyncio.Future[bool] | None] = OrderedDict()

    def set_endpoints(self, endpoints: EndpointList) -> None:
        """Accept requests for *endpoints* from now on."""
        self._endpoints = endpoints
        self._by_path, self._by_secret = {}, {kind: {} for kind in _SIGNED.values()}
        for endpoint in endpoints.endpoints:
            if endpoint.provider in self._by_secret and endpoint.secret:
                accounts = self._by_secret[endpoint.provider].setdefault(endpoint.secret.encode(), {})
                accounts[endpoint.key] = endpoint.link_id
            elif endpoint.provider not in self._by_secret:
                # Found by its hash: how long that takes says nothing about the secret.
                path = WEBHOOK_SCHEMES[endpoint.provider].path + endpoint.secret
                self._by_path[_digest(path.encode())] = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except _Rejected as turned:
            answer = WebhookResponse(turned.outcome)
        except _ClientDisconnected:
            self._counting.add(DeliveryOutcome.TOO_SLOW)
            return
        if answer.outcome is not DeliveryOutcome.ACCEPTED:  # those are counted when it is known whose they are
            self._counting.add(answer.outcome, answer.link_id)
        headers = [(b"content-length", str(len(answer.body)).encode())]
        if answer.body:
            headers += [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
        await send({"type": "http.response.start", "status": STATUS[answer.outcome], "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> WebhookResponse:
        path, method = bytes(scope["raw_path"]), scope["method"]
        if (kind := _SIGNED.get(path)) is not None:
            if method == "GET":
                return self._challenge(bytes(scope["query_string"]))
            return (
                await self._signed_delivery(kind, scope, receive)
                if method == "POST"
                else WebhookResponse(DeliveryOutcome.WRONG_METHOD)
            )
        if not path.startswith(_SECRET_PATHS):
            return WebhookResponse(DeliveryOutcome.UNKNOWN_PATH)
        endpoint = self._by_path.get(_digest(path))
        if endpoint is None:
            return WebhookResponse(
                DeliveryOutcome.UNKNOWN_PATH if self._endpoints.complete else DeliveryOutcome.NOT_READY
            )
        if method != "POST":
            return WebhookResponse(DeliveryOutcome.WRONG_METHOD, endpoint.link_id)
        return await self._unsigned_delivery(endpoint, scope, receive)

    def _challenge(self, query: bytes) -> WebhookResponse:
        try:
            asked = parse_qs(query.decode("ascii"), strict_parsing=True, max_num_fields=20)
        except ValueError:
            return WebhookResponse(DeliveryOutcome.MALFORMED)
        mode, token, challenge = (asked.get(f"hub.{name}", [""])[0] for name in ("mode", "verify_token", "challenge"))
        if mode != "subscribe" or not challenge or len(challenge) > LONGEST_CHALLENGE:
            return WebhookResponse(DeliveryOutcome.MALFORMED)
        if not self._endpoints.verify_token:
            return WebhookResponse(
                DeliveryOutcome.TOKEN_WRONG if self._endpoints.complete else DeliveryOutcome.NOT_READY
            )
        known = hmac.compare_digest(_digest(token.encode()), _digest(self._endpoints.verify_token.encode()))
        return (
            WebhookResponse(DeliveryOutcome.CHALLENGE, None, challenge.encode())
            if known
            else WebhookResponse(DeliveryOutcome.TOKEN_WRONG)
        )

    async def _signed_delivery(self, kind: ProviderKind, scope: Scope, receive: Receive) -> WebhookResponse:
        signatures = [value for name, value in scope["headers"] if name == b"x-hub-signature-256"]
        if not signatures:
            return WebhookResponse(DeliveryOutcome.SIGNATURE_MISSING)
        matched = _SIGNATURE.fullmatch(signatures[0]) if len(signatures) == 1 else None
        if matched is None:
            return WebhookResponse(DeliveryOutcome.SIGNATURE_WRONG)
        claimed = bytes.fromhex(matched[1].decode())
        secrets = tuple(self._by_secret.get(kind, {}).items())
        with self._room(_announced(scope)) as hold:
            body = await self._read(receive, hold)
            accounts = await _elsewhere(len(body), lambda: _signed_by(secrets, body, claimed))
            if accounts is None:
                return WebhookResponse(
                    DeliveryOutcome.SIGNATURE_WRONG if self._endpoints.complete else DeliveryOutcome.NOT_READY
                )
            return await self._accept(StoredDelivery(kind, accounts, self._now(), body), None)

    async def _unsigned_delivery(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> WebhookResponse:
        scheme = WEBHOOK_SCHEMES[endpoint.provider]
        with self._room(_announced(scope)) as hold:
            body = await self._read(receive, hold)
            try:
                account = await _elsewhere(len(body), lambda: _account(body, scheme.account_in))
            except (ValueError, RecursionError):
                return WebhookResponse(DeliveryOutcome.MALFORMED, endpoint.link_id)
            if not hmac.compare_digest(account.encode("utf-8", "replace"), endpoint.key.encode()):
                return WebhookResponse(DeliveryOutcome.OTHER_ACCOUNT, endpoint.link_id)
            kept = StoredDelivery(endpoint.provider, {endpoint.key: endpoint.link_id}, self._now(), body)
            return await self._accept(kept, endpoint.link_id)

    async def _accept(self, kept: StoredDelivery, link_id: LinkId | None) -> WebhookResponse:
        """Store it, or wait for the same delivery, if that is being stored."""
        digest = _digest(
            b"".join((kept.provider.encode(), *(key.encode() for key in sorted(kept.endpoints)), kept.body))
        )
        if digest in self._known:
            self._known.move_to_end(digest)
            being_written = self._known[digest]
            kept_before = being_written is None or await asyncio.shield(being_written)
            return WebhookResponse(DeliveryOutcome.DUPLICATE if kept_before else DeliveryOutcome.NO_ROOM, link_id)
        written = asyncio.get_running_loop().create_future()
        self._known[digest] = written
        try:
            await self._keep(kept)
        except SpoolFull:
            del self._known[digest]
            return WebhookResponse(DeliveryOutcome.NO_ROOM, link_id)
        else:
            self._known[digest] = None
        finally:
            written.set_result(self._known.get(digest, written) is None)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return WebhookResponse(DeliveryOutcome.ACCEPTED, link_id)

    async def _read(self, receive: Receive, hold: _MemoryReservation) -> bytes:
        parts = list[bytes]()
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise _ClientDisconnected
                    if part := message.get("body", b""):
                        parts.append(part)
                        hold.grow(len(part))
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise _Rejected(DeliveryOutcome.TOO_SLOW) from None

    def _room(self, announced: int) -> _MemoryReservation:
        if announced > LARGEST:
            raise _Rejected(DeliveryOutcome.TOO_LARGE)
        return _MemoryReservation(self)


class _MemoryReservation:
    """The memory that one body takes, given back when it is done with."""

    def __init__(self, request_handler: WebhookRequestHandler) -> None:
        self._request_handler = request_handler
        self._size = 0

    def grow(self, more: int) -> None:
        self._size += more
        self._request_handler._held += more  # noqa: SLF001 - they are one
        if self._size > LARGEST:
            raise _Rejected(DeliveryOutcome.TOO_LARGE)
        if self._request_handler._held > AT_ONCE:  # noqa: SLF001
            raise _Rejected(DeliveryOutcome.NO_ROOM)

    def __enter__(self) -> _MemoryReservation:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._request_handler._held -= self._size  # noqa: SLF001


def _announced(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0][:20]) if lengths and lengths[0].isdigit() else 0


def _signed_by(
    secrets: Sequence[tuple[bytes, dict[str, LinkId]]], body: bytes, claimed: bytes
) -> dict[str, LinkId] | None:
    """The accounts of the app whose secret made this signature. All are tried, whichever it was."""
    found: dict[str, LinkId] | None = None
    for secret, accounts in secrets:
        if hmac.compare_digest(hmac.digest(secret, body, "sha256"), claimed):
            found = accounts
    return found


def _account(body: bytes, member: str) -> str:
    document = json.loads(body)
    account = document.get(member) if isinstance(document, dict) else None
    return account if isinstance(account, str) else ""


async def _elsewhere(size: int, work: Callable[[], T]) -> T:
    """Do what takes milliseconds for a large body where it holds up nobody else's answer."""
    return work() if size <= _AT_A_TIME else await asyncio.to_thread(work)


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()
