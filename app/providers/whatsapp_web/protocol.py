"""What the app and a session host say to each other: one JSON object a line, each way, over the host's pipes.

The host speaks first, and says which protocol it speaks. Everything about a session carries the session's id, so that a
host may hold several.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.domain.link_status import Reason
from app.domain.messages import MessageUpdate
from app.domain.sending import NotSent, SendErrorKind
from app.providers.hosts.codec import Ping, Pong, line_decoder

VERSION: Final = 6
LINE_LIMIT: Final = 4 << 20
"""No line is longer; a longer one means that something else than a host is speaking."""

SPOOL: Final = "spool"
"""The folder beside a session file where its host keeps what it received until that is stored. One for all sessions of
a mentorado: what one received outlives a new pairing."""


HOST_LOCK: Final = "host.lock"
"""Held by the host, beside the app's own: an app that is killed frees its lock at once, its host a moment later."""


class OpenMode(StrEnum):
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
    mode: OpenMode
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
    """Leave the server and let go of the session's files, which another host may open after `Closed`."""

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
class QrText:
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
    ends_host: bool = False  # the library would abort as soon as it went on: the host must end, with all its sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The session's files are free, and nothing more comes of it from this host."""

    session: str


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
    facts: tuple[MessageUpdate, ...] = field(repr=False)


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

    session: str
    level: str
    source: str
    text: str


ToHost = Open | SendText | PairPhone | LogOut | Close | SetLogging | Confirm | Ping
FromHost = (
    Ready
    | Unable
    | QrText
    | LoginStatus
    | Account
    | StateChanged
    | Closed
    | SignOfLife
    | Facts
    | Answer
    | LogLine
    | Pong
)

decode_to_host: Callable[[bytes], ToHost] = line_decoder(ToHost)
decode_from_host: Callable[[bytes], FromHost] = line_decoder(FromHost)


_SERVER_ERROR: Final = re.compile(r"server returned error (\d+)")
_BY_CODE: Final = MappingProxyType(
    {
        "429": SendErrorKind.RATE_GLOBAL,
        "463": SendErrorKind.POLICY_BLOCK,  # this account may not write to whom it does not know; again makes it worse
    }
)
_NOT_ON_WHATSAPP: Final = re.compile(r"no LID found for \S+ from server")
NOT_OPEN: Final = "the session is not open"
_BEFORE_IT_LEFT: Final = (
    NOT_OPEN,
    "websocket not connected",
    "the store doesn't contain a device JID",
)
BUSY: Final = "this host is busy"


def refusal(why: str) -> NotSent | None:
    """Why a message was certainly not sent; None when it may have left."""
    if match := _SERVER_ERROR.search(why):
        return NotSent(trouble=_BY_CODE.get(match[1], SendErrorKind.UNKNOWN), code=match[1], detail=why)
    if _NOT_ON_WHATSAPP.search(why):  # the server knows no account of that number; the message names it
        return NotSent(trouble=SendErrorKind.RECIPIENT_INVALID, detail="the number is not on WhatsApp")
    if any(words in why for words in _BEFORE_IT_LEFT):
        return NotSent(trouble=SendErrorKind.NOT_CONNECTED, detail=why)
    return NotSent(trouble=SendErrorKind.TRANSIENT, detail=why) if BUSY in why else None
