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
from app.domain.webhooks import Door, Doors, Handed, Outcome, Tallied, Tally
from app.providers.whatsapp_web.wire_json import fact_in, to_plain

LINE_LIMIT: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Begin:
    """The first thing the process hears: where it keeps what it accepts, and where it listens (port -1: nowhere)."""

    folder: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Confirm:
    link_id: LinkId
    mark: int


@dataclass(frozen=True, slots=True)
class Postpone:
    link_id: LinkId


@dataclass(frozen=True, slots=True)
class OfferAgain:
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
class Unable:
    """It cannot; *why* is one of `taken`, `forbidden`, `address`, `disk`."""

    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """For the log."""

    text: str = field(repr=False)


ToHost = Begin | Doors | Confirm | Postpone | OfferAgain | Ping
FromHost = Listening | Unable | Note | Handed | Tallied | Pong


class ProtocolError(Exception):
    """A line that is not of this protocol."""


def encode(message: ToHost | FromHost) -> bytes:
    """*message* as one line, newline included."""
    return json.dumps([type(message).__name__, _plain(message)], separators=(",", ":")).encode() + b"\n"


def _plain(message: ToHost | FromHost) -> Any:
    match message:
        case Doors(doors=doors, verify_token=token, complete=complete):
            return [[[d.link_id, d.provider.value, d.key, d.secret, d.number] for d in doors], token, complete]
        case Handed(link_id=link_id, mark=mark, facts=facts, check=check):
            return [link_id, mark, [to_plain(fact) for fact in facts], check]
        case Tallied(tallies, waiting):
            plain = [[t.link_id, t.outcome.value, t.count, t.last.timestamp()] for t in tallies]
            return [plain, dict(waiting)]
        case _:
            return [getattr(message, name) for name in message.__slots__]


def decode_to_host(line: bytes) -> ToHost:
    """What the app said; raises `ProtocolError`."""
    name, plain = _opened(line)
    try:
        match name:
            case "Begin":
                folder, address, port = plain
                return Begin(str(folder), str(address), int(port))
            case "Doors":
                doors, token, complete = plain
                return Doors(doors=tuple(_door(*each) for each in doors), verify_token=token, complete=complete is True)
            case "Confirm":
                return Confirm(LinkId(str(plain[0])), int(plain[1]))
            case "Postpone":
                return Postpone(LinkId(str(plain[0])))
            case "OfferAgain":
                return OfferAgain(LinkId(str(plain[0])))
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
            case "Unable":
                return Unable(str(plain[0]), str(plain[1]))
            case "Note":
                return Note(str(plain[0]))
            case "Pong":
                return Pong(int(plain[0]))
            case "Handed":
                link_id, mark, facts, check = plain
                read = tuple(fact_in(each) for each in facts)
                return Handed(link_id=LinkId(str(link_id)), mark=int(mark), facts=read, check=check is True)
            case "Tallied":
                tallies, waiting = plain
                return Tallied(tuple(_tally(*each) for each in tallies), _waiting(waiting))
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


def _door(link_id: str, provider: str, key: str, secret: str, number: str | None = None) -> Door:
    known = PhoneNumber(number) if number else None
    return Door(link_id=LinkId(link_id), provider=ProviderKind(provider), key=key, secret=secret, number=known)


def _tally(link_id: str | None, outcome: str, count: int, last: float) -> Tally:
    return Tally(LinkId(link_id) if link_id else None, Outcome(outcome), int(count), datetime.fromtimestamp(last, UTC))


def _waiting(plain: Mapping[str, int]) -> dict[LinkId, int]:
    return {LinkId(link_id): int(count) for link_id, count in plain.items()}
