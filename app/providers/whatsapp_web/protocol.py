"""What the app and a session host say to each other: one JSON object a line, each way, over the host's pipes.

The host speaks first, and says which protocol it speaks. Everything about a session carries the session's id, so that a
host may hold several. Fields nobody knows are ignored; a kind nobody knows is an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from app.domain.connection import Reason
from app.domain.messages import WireFact
from app.providers.whatsapp_web.wire_json import from_plain, to_plain

VERSION: Final = 2
LINE_LIMIT: Final = 4 << 20
"""No line is longer; a longer one means that something else than a host is speaking."""

SPOOL: Final = "spool"
"""The folder beside a session file where its host keeps what it received until that is stored. One for all sessions of
a mentorado: what one received outlives a new pairing."""


class ProtocolError(Exception):
    """A line that is not of this protocol. Its text is never repeated here: it may be a credential."""


class Mode(StrEnum):
    """What a session is opened for."""

    CONNECT = "connect"
    PAIR = "pair"


class SessionState(StrEnum):
    """What became of a session, as the host sees it."""

    CONNECTED = "connected"
    LOST = "lost"  # the library brings it back by itself
    REFUSED = "refused"  # needs a person
    FAILED = "failed"  # over; another attempt may do better


# --- the app asks -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Open the session kept in *file*, or pair a new one into it."""

    session: str
    mode: Mode
    file: str
    device_name: str
    proxy: str = field(default="", repr=False)  # may hold a password


@dataclass(frozen=True, slots=True, kw_only=True)
class SendText:
    session: str
    request: int
    to: str  # digits
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPhone:
    """Ask for a code to type on the phone that has number *phone*, instead of a QR."""

    session: str
    request: int
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOut:
    """Unlink the session from its phone, for good."""

    session: str
    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Leave politely; the session stays paired."""

    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLogging:
    """Whether the library's log is passed on as `LogLine`."""

    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Everything that arrived up to this mark is stored: the host need not keep it any longer."""

    session: str
    up_to: int


# --- the host tells -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Always the first message."""

    protocol: int
    engine: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unable:
    """This host will never open a session: its engine is missing or is not the one it was made for."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A QR to show for *lifetime* seconds."""

    session: str
    text: str = field(repr=False)
    number: int
    total: int
    lifetime: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginStatus:
    """What the library says of a pairing, in its own words."""

    session: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who the session belongs to: known at once when it was paired before, else as soon as the phone agreed."""

    session: str
    jid: str
    lid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    session: str
    state: SessionState
    reason: Reason = Reason.NONE
    detail: str = ""
    lasts: float | None = None  # seconds, when WhatsApp named a time


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife:
    """The server acknowledged something, or a message came in."""

    session: str
    inbound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Messages and receipts, in the order in which they came. The host keeps them until they are confirmed."""

    session: str
    up_to: int
    facts: tuple[WireFact, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome of a request: *error* is empty when it was done."""

    session: str
    request: int
    error: str = ""
    message_id: str = ""
    sent_at: int = 0  # Unix seconds, by WhatsApp's clock
    code: str = field(default="", repr=False)


NOTICE: Final = "NOTICE"
"""The level of a log line that is the host's own, and always passed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of the library's own log, with numbers masked."""

    level: str
    source: str
    text: str


_M = TypeVar("_M")
ToHost = Open | SendText | PairPhone | LogOut | Close | SetLogging | Confirm
FromHost = Ready | Unable | Code | LoginStatus | Account | StateChanged | SignOfLife | Facts | Answer | LogLine

_TO_HOST: Final[Mapping[str, type[ToHost]]] = MappingProxyType(
    {
        "open": Open,
        "send_text": SendText,
        "pair_phone": PairPhone,
        "log_out": LogOut,
        "close": Close,
        "set_logging": SetLogging,
        "confirm": Confirm,
    }
)
_FROM_HOST: Final[Mapping[str, type[FromHost]]] = MappingProxyType(
    {
        "ready": Ready,
        "unable": Unable,
        "code": Code,
        "login_status": LoginStatus,
        "account": Account,
        "state": StateChanged,
        "sign_of_life": SignOfLife,
        "facts": Facts,
        "answer": Answer,
        "log": LogLine,
    }
)
_NAMES: Final = {kind: name for table in (_TO_HOST, _FROM_HOST) for name, kind in table.items()}


def encode(message: ToHost | FromHost) -> bytes:
    """*message* as one line, newline included."""
    body = {"type": _NAMES[type(message)], **{f.name: getattr(message, f.name) for f in fields(message)}}
    if isinstance(message, Facts):
        body["facts"] = [to_plain(fact) for fact in message.facts]
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def decode_to_host(line: bytes) -> ToHost:
    """What the app asked; raises `ProtocolError`."""
    return _decode(line, _TO_HOST)


def decode_from_host(line: bytes) -> FromHost:
    """What a host told; raises `ProtocolError`."""
    return _decode(line, _FROM_HOST)


def _decode(line: bytes, kinds: Mapping[str, type[_M]]) -> _M:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        raise ProtocolError("not JSON") from None
    if not isinstance(body, dict):
        raise ProtocolError("not an object")
    name = body.get("type")
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ProtocolError("a message of unknown type")
    values = {}
    for part in fields(kind):  # type: ignore[arg-type]  # every kind in the tables is a dataclass
        if part.name in body:
            values[part.name] = _checked(name, part.name, str(part.type), body[part.name])
        elif part.default is MISSING:
            raise ProtocolError(f"{name}: {part.name} is missing")
    return kind(**values)


def _facts(plain: object) -> tuple[WireFact, ...]:
    return tuple(from_plain(each) for each in plain) if isinstance(plain, list) else ()


_READERS: Final[Mapping[str, tuple[tuple[type, ...], Callable[[object], object]]]] = MappingProxyType(
    {
        "str": ((str,), str),
        "int": ((int,), lambda value: value),
        "bool": ((bool,), bool),
        "float": ((int, float), lambda value: value),
        "float | None": ((int, float, type(None)), lambda value: value),
        "tuple[WireFact, ...]": ((list,), _facts),
        "Mode": ((str,), lambda value: Mode(str(value))),
        "SessionState": ((str,), lambda value: SessionState(str(value))),
        "Reason": ((str,), lambda value: Reason(str(value))),
    }
)


def _checked(kind: object, name: str, annotation: str, value: object) -> object:
    allowed, read = _READERS[annotation]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise ProtocolError(f"{kind}: {name} is not of type {annotation}")
    try:
        return read(value)
    except ValueError:
        raise ProtocolError(f"{kind}: {name} has an unknown value") from None
