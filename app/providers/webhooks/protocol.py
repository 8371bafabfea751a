"""What the app and the process that receives webhooks say to each other: one JSON object a line, over its pipes.

Both are of the same version always, so nothing is negotiated; but nothing is taken on trust either.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.webhooks import DeliveryBatch, DeliveryOutcome, Endpoint, EndpointList, OutcomeCount, WebhookStats
from app.providers.whatsapp_web.codec import fact_in, message_to_json

LINE_LIMIT: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class StartServer:
    """The first thing the process hears: where it keeps what it accepts, and where it listens (port -1: nowhere)."""

    folder: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Confirm:
    link_id: LinkId
    mark: int


@dataclass(frozen=True, slots=True)
class Pause:
    link_id: LinkId


@dataclass(frozen=True, slots=True)
class Resume:
    link_id: LinkId


@dataclass(frozen=True, slots=True)
class Ping:
    """A heartbeat: the process answers at once with the same *number*."""

    number: int


@dataclass(frozen=True, slots=True)
class Pong:
    number: int


@dataclass(frozen=True, slots=True)
class Listening:
    """The first thing the process says; the port that was asked for, or the one it got for 0."""

    port: int


@dataclass(frozen=True, slots=True)
class StartFailed:
    """It cannot; *why* is one of `taken`, `forbidden`, `address`, `disk`."""

    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LogMessage:
    """For the log."""

    text: str = field(repr=False)


ToHost = StartServer | EndpointList | Confirm | Pause | Resume | Ping
FromHost = Listening | StartFailed | LogMessage | DeliveryBatch | WebhookStats | Pong


class ProtocolError(Exception):
    """A line that is not of this protocol."""


def encode(message: ToHost | FromHost) -> bytes:
    """*message* as one line, newline included."""
    return json.dumps([type(message).__name__, _plain(message)], separators=(",", ":")).encode() + b"\n"


def _plain(message: ToHost | FromHost) -> Any:
    match message:
        case EndpointList(endpoints=endpoints, verify_token=token, complete=complete):
            return [[[d.link_id, d.provider.value, d.key, d.secret, d.number] for d in endpoints], token, complete]
        case DeliveryBatch(link_id=link_id, mark=mark, facts=facts, check=check):
            return [link_id, mark, [message_to_json(fact) for fact in facts], check]
        case WebhookStats(tallies, waiting):
            plain = [[t.link_id, t.outcome.value, t.count, t.last.timestamp()] for t in tallies]
            return [plain, dict(waiting)]
        case _:
            return [getattr(message, name) for name in message.__slots__]


def decode_to_host(line: bytes) -> ToHost:
    """What the app said; raises `ProtocolError`."""
    name, plain = _opened(line)
    try:
        match name:
            case "StartServer":
                folder, address, port = plain
                return StartServer(str(folder), str(address), int(port))
            case "EndpointList":
                endpoints, token, complete = plain
                return EndpointList(
                    endpoints=tuple(_endpoint(*each) for each in endpoints),
                    verify_token=token,
                    complete=complete is True,
                )
            case "Confirm":
                return Confirm(LinkId(str(plain[0])), int(plain[1]))
            case "Pause":
                return Pause(LinkId(str(plain[0])))
            case "Resume":
                return Resume(LinkId(str(plain[0])))
            case "Ping":
                return Ping(int(plain[0]))
            case _:
                pass
    except (ValueError, TypeError, IndexError, AttributeError):
        pass
    raise ProtocolError(name)


def decode_from_host(line: bytes) -> FromHost:
    """What the process said; raises `ProtocolError`."""
    name, plain = _opened(line)
    try:
        match name:
            case "Listening":
                return Listening(int(plain[0]))
            case "StartFailed":
                return StartFailed(str(plain[0]), str(plain[1]))
            case "LogMessage":
                return LogMessage(str(plain[0]))
            case "Pong":
                return Pong(int(plain[0]))
            case "DeliveryBatch":
                link_id, mark, facts, check = plain
                read = tuple(fact_in(each) for each in facts)
                return DeliveryBatch(link_id=LinkId(str(link_id)), mark=int(mark), facts=read, check=check is True)
            case "WebhookStats":
                tallies, waiting = plain
                return WebhookStats(tuple(_tally(*each) for each in tallies), _waiting(waiting))
            case _:
                pass
    except (ValueError, TypeError, IndexError, AttributeError):
        pass
    raise ProtocolError(name)


def _opened(line: bytes) -> tuple[str, Any]:
    try:
        name, plain = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        raise ProtocolError("not a message") from None
    return str(name), plain


def _endpoint(link_id: str, provider: str, key: str, secret: str, number: str | None = None) -> Endpoint:
    known = PhoneNumber(number) if number else None
    return Endpoint(link_id=LinkId(link_id), provider=ProviderKind(provider), key=key, secret=secret, number=known)


def _tally(link_id: str | None, outcome: str, count: int, last: float) -> OutcomeCount:
    return OutcomeCount(
        LinkId(link_id) if link_id else None, DeliveryOutcome(outcome), int(count), datetime.fromtimestamp(last, UTC)
    )


def _waiting(plain: Mapping[str, int]) -> dict[LinkId, int]:
    return {LinkId(link_id): int(count) for link_id, count in plain.items()}
