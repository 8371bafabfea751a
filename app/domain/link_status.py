"""What is true of a link right now: a small state, the reason for it, whether it may send, and the evidence.

The four are separate on purpose. The state says who must act next, the reason says why, the sentence a person reads is
chosen elsewhere, and a connected link can still be unable to send.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import Final

from app.domain.phone import PhoneNumber


class LinkState(StrEnum):
    """The state of a link, named by who must act next."""

    OFF = "off"  # nobody asked it to run
    CONNECTING = "connecting"  # asked to run, not yet through
    QR_READY = "qr_ready"  # a person with the phone is awaited
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"  # lost, comes back by itself
    BLOCKED = "blocked"  # will not come back without a person
    UNKNOWN = "unknown"  # a hosted provider cannot be asked


class Reason(StrEnum):
    """Why a link is where it is. Values are stored and logged: they may be added to, never renamed."""

    NONE = "none"
    # waiting
    WAITING_TURN = "waiting_turn"  # somebody else is being paired
    SIGNING_IN = "signing_in"  # the phone accepted the code; the first sign-in follows
    # the phone or WhatsApp ended it
    LOGGED_OUT = "logged_out"
    MAIN_DEVICE_GONE = "main_device_gone"
    BANNED = "banned"
    TEMPORARY_BAN = "temporary_ban"
    CLIENT_OUTDATED = "client_outdated"
    CLIENT_REFUSED = "client_refused"  # bad user agent, unknown client, experimental switched off
    STREAM_REPLACED = "stream_replaced"
    SIGN_IN_FAILED = "sign_in_failed"  # reached, and the session turned away without saying why
    # pairing
    QR_EXPIRED = "qr_expired"
    PAIRING_FAILED = "pairing_failed"
    PASSKEY_REQUIRED = "passkey_required"
    PHONE_UPDATE_REQUIRED = "phone_update_required"
    WRONG_ACCOUNT = "wrong_account"
    # the session files
    SESSION_MISSING = "session_missing"
    SESSION_CORRUPT = "session_corrupt"
    SESSION_IN_USE = "session_in_use"
    SESSION_HELD_ELSEWHERE = "session_held_elsewhere"  # a note says so; nothing here proves or disproves it
    SESSION_OF_ANOTHER_USER = "session_of_another_user"  # of this computer
    SESSION_OF_ANOTHER_MENTORADO = "session_of_another_mentorado"  # the file in the folder is somebody else's
    SESSION_DIR_MISSING = "session_dir_missing"
    SESSION_DIR_NOT_A_FOLDER = "session_dir_not_a_folder"
    SESSION_DIR_NOT_WRITABLE = "session_dir_not_writable"
    DISK_FULL = "disk_full"
    # on the way
    NETWORK_DOWN = "network_down"
    PROXY_REFUSED = "proxy_refused"
    CERTIFICATE_REFUSED = "certificate_refused"  # somebody sits between us and WhatsApp, or the clock is wrong
    SERVER_UNAVAILABLE = "server_unavailable"
    STREAM_ERROR = "stream_error"
    CLOCK_SKEW = "clock_skew"
    KEEPALIVE_TIMEOUT = "keepalive_timeout"
    FLAPPING = "flapping"
    # our own side
    HOST_CRASHED = "host_crashed"
    HOST_FROZEN = "host_frozen"  # it lives, and answers nothing
    HOST_MOVED = "host_moved"  # a session goes from one host to another, on purpose
    TOO_MANY_OPEN_FILES = "too_many_open_files"
    ENGINE_MISSING = "engine_missing"
    ENGINE_MISMATCH = "engine_mismatch"
    UNEXPECTED = "unexpected"  # a bug: the log has the details
    PROGRAM_CLOSED = "program_closed"  # only in the log of moves: nobody was there to keep the link running
    # hosted providers
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - a reason, not a password
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - a reason; all works until the time that is named
    BILLING = "billing"
    NOT_REGISTERED = "not_registered"
    POLICY_RESTRICTED = "policy_restricted"
    PHONE_OFFLINE = "phone_offline"
    UNREACHABLE = "unreachable"
    SESSION_DROPPED = "session_dropped"  # at the provider, which can restore it without a code
    QUEUE_PENDING = "queue_pending"  # messages wait there, and would all be sent on the way back
    CREDENTIALS_MISSING = "credentials_missing"
    ACCOUNT_TAKEN = "account_taken"  # the credentials lead to the account of another mentorado's link
    CLIENT_TOKEN_MISSING = "client_token_missing"  # noqa: S105 - a reason
    CLIENT_TOKEN_INVALID = "client_token_invalid"  # noqa: S105 - a reason
    PROVIDER_WARNING = "provider_warning"  # it says that the link is connected, and names an error nobody here knows
    ADDRESS_NOT_ALLOWED = "address_not_allowed"  # this computer's, at the provider
    PERMISSION_MISSING = "permission_missing"  # the token is right, but may not do this
    NAME_NOT_APPROVED = "name_not_approved"
    REGISTER_LIMIT = "register_limit"
    QUALITY_LOW = "quality_low"
    RATE_LIMITED = "rate_limited"
    SECRETS_LOCKED = "secrets_locked"  # credentials are kept, but cannot be read now


class SendCapability(StrEnum):
    """Whether a link may send; a connected one can be restricted."""

    OK = "ok"
    RESTRICTED = "restricted"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class SmokeTestOutcome(StrEnum):
    """How a smoke test ended. Stored."""

    PASSED = "passed"  # delivered, and answered
    PARTLY = "partly"  # all that can be seen here is well, and something cannot be seen
    FAILED = "failed"
    CANCELLED = "cancelled"


FOLLOWING_CODE: Final = timedelta(seconds=20)
"""How long each code of a pairing lasts, except the first, which lasts a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode:
    """One code to scan, and the one to type in its place, if any was asked for.

    Both are credentials: they are left out of every representation.
    """

    text: str = field(repr=False)
    typed: str = field(default="", repr=False)  # stays the same until the pairing ends
    number: int  # counted from 1
    total: int
    issued_at: datetime
    expires_at: datetime

    @property
    def pairing_ends_at(self) -> datetime:
        """When the last code of this pairing expires, and a code to type with it, unless the phone answers."""
        return self.expires_at + (self.total - self.number) * FOLLOWING_CODE


@dataclass(frozen=True, slots=True)
class Retry:
    """The next reconnection attempt; *at* is None while one is running."""

    attempt: int
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlacement:
    """The process of ours in which a session is open."""

    pid: int
    others: int = 0  # sessions that share it
    kept_alone: bool = False  # its host ended too often for it to share one
    memory: int | None = None  # bytes of the process, when that was measured last


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The last signs of life behind the state, each with its time."""

    connected_since: datetime | None = None
    last_ack: datetime | None = None
    last_inbound: datetime | None = None
    last_smoke_test: datetime | None = None  # that passed, or partly
    smoke_test: SmokeTestOutcome | None = None  # how the last one ended
    last_observation: datetime | None = None
    host_answered: datetime | None = None  # the process of ours that holds the connection, to its heartbeat
    host: HostPlacement | None = None  # that process, as of then


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """What is observed of a link. It is never configured; only the supervisor moves it."""

    state: LinkState = LinkState.OFF
    reason: Reason = Reason.NONE
    since: datetime
    capability: SendCapability = SendCapability.UNKNOWN
    until: datetime | None = None  # when a ban or a restriction ends
    qr: QrCode | None = None
    retry: Retry | None = None
    account: PhoneNumber | None = None  # the number that signed in
    holder: str = ""  # who has the session open elsewhere, for a person to recognise
    evidence: Evidence = field(default_factory=Evidence)
    detail: str = field(default="", compare=False)  # for the log and the details line, never a secret

    @property
    def has_typed_code(self) -> bool:
        """Whether a code is to be typed on the phone, in place of the QR."""
        return self.qr is not None and bool(self.qr.typed)


class Trigger(Enum):
    """The events that move a link from state to state."""

    CONNECT = auto()  # a person, or the start of the program
    DISCONNECT = auto()  # a person
    CODE_SHOWN = auto()  # provider: a QR awaits the phone
    CODE_ACCEPTED = auto()  # provider: the phone scanned it; the first sign-in follows
    OPENED = auto()  # provider: through
    LOST = auto()  # provider or host: will come back by itself
    REFUSED = auto()  # provider or guard: will not come back without a person
    SILENT = auto()  # a hosted provider could not be asked


class IllegalTransition(Exception):
    """A bug: a trigger was fired that means nothing in that state."""


_S, _T = LinkState, Trigger
_RUNNING = (_S.CONNECTING, _S.QR_READY, _S.CONNECTED, _S.RECONNECTING, _S.UNKNOWN)

TABLE: Final = MappingProxyType(
    {
        (_S.OFF, _T.CONNECT): _S.CONNECTING,
        (_S.BLOCKED, _T.CONNECT): _S.CONNECTING,
        (_S.UNKNOWN, _T.CONNECT): _S.CONNECTING,
        (_S.RECONNECTING, _T.CONNECT): _S.RECONNECTING,  # hurried: the next try is now
        (_S.CONNECTING, _T.CONNECT): _S.CONNECTING,  # its turn to pair has come
        (_S.CONNECTING, _T.CODE_SHOWN): _S.QR_READY,
        (_S.RECONNECTING, _T.CODE_SHOWN): _S.QR_READY,  # the host of a pairing came back
        (_S.QR_READY, _T.CODE_SHOWN): _S.QR_READY,  # the next code
        (_S.UNKNOWN, _T.CODE_SHOWN): _S.QR_READY,  # a hosted provider answers again
        (_S.QR_READY, _T.CODE_ACCEPTED): _S.QR_READY,
        **{(s, _T.OPENED): _S.CONNECTED for s in _RUNNING},
        **{(s, _T.LOST): _S.RECONNECTING for s in _RUNNING},
        **{(s, _T.REFUSED): _S.BLOCKED for s in (*_RUNNING, _S.BLOCKED)},
        **{(s, _T.SILENT): _S.UNKNOWN for s in _RUNNING},
        **{(s, _T.DISCONNECT): _S.OFF for s in LinkState},
    }
)


def next_state(state: LinkState, trigger: Trigger) -> LinkState:
    """Return the state that follows, or raise `IllegalTransition`."""
    try:
        return TABLE[state, trigger]
    except KeyError:
        raise IllegalTransition(f"{trigger.name} while {state}") from None


def allowed(state: LinkState, trigger: Trigger) -> bool:
    """Whether *trigger* means anything in *state*; menus are enabled by this."""
    return (state, trigger) in TABLE
