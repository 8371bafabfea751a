"""The guided checks for what goes wrong most often: what is looked at, in which order, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.domain.actions import ActionName, UnavailableReason
from app.domain.link_status import LinkState, LinkStatus, Reason


class Trouble(StrEnum):
    """What a person sees that is wrong."""

    NO_CODE = "no_code"
    DISCONNECTS = "disconnects"
    SESSION = "session"
    PASSKEY = "passkey"


class TroubleCheck(StrEnum):
    """One thing that is looked at. Each has its name in the catalogues."""

    SESSION_LOCK = "session_lock"
    REQUEST = "request"  # whether connecting is allowed, and was begun
    EVENT_CHANNEL = "event_channel"
    ANSWER = "answer"  # to the request to connect: a code, a connection, or a refusal
    NETWORK = "network"
    CLOCK = "clock"
    CLOSE_REASONS = "close_reasons"
    WAITS = "waits"  # between two tries
    SESSION_FILE = "session_file"
    SIGN_IN = "sign_in"
    BACKUP = "backup"
    HISTORY = "history"


CHECKS_OF: Final[Mapping[Trouble, tuple[TroubleCheck, ...]]] = MappingProxyType(
    {
        Trouble.NO_CODE: (
            TroubleCheck.SESSION_LOCK,
            TroubleCheck.REQUEST,
            TroubleCheck.EVENT_CHANNEL,
            TroubleCheck.ANSWER,
        ),
        Trouble.DISCONNECTS: (
            TroubleCheck.NETWORK,
            TroubleCheck.CLOCK,
            TroubleCheck.CLOSE_REASONS,
            TroubleCheck.WAITS,
            TroubleCheck.SESSION_LOCK,
        ),
        Trouble.SESSION: (
            TroubleCheck.SESSION_LOCK,
            TroubleCheck.SESSION_FILE,
            TroubleCheck.SIGN_IN,
            TroubleCheck.BACKUP,
            TroubleCheck.HISTORY,
        ),
        Trouble.PASSKEY: (TroubleCheck.SIGN_IN,),
    }
)


class FindingMark(StrEnum):
    """How a check ended."""

    GOOD = "good"
    WARNING = "warning"  # works, and somebody should know
    BAD = "bad"
    UNKNOWN = "unknown"  # it could not be looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleFinding:
    """What one check saw. *words* names the sentence, which takes *values*; *reasons* are counted, most first."""

    check: TroubleCheck
    mark: FindingMark
    words: str
    values: Mapping[str, object] = field(default_factory=dict)
    reasons: tuple[tuple[Reason, int], ...] = ()


class ConclusionKind(StrEnum):
    """What a guided check ends with. Each has a sentence and a next step."""

    CODE_SHOWN = "code_shown"
    CONNECTED = "connected"
    STATUS = "status"  # what the state of the link says is all there is to know
    NOT_ALLOWED = "not_allowed"  # connecting, because of *why*
    WAITING_TURN = "waiting_turn"
    SILENT_CHANNEL = "silent_channel"  # the process that holds the connection says nothing
    NO_ANSWER = "no_answer"  # neither a code nor a reason in time; the detailed log is on
    HELD = "held"  # another program has the session
    INCIDENT = "incident"
    NETWORK = "network"
    CLOCK = "clock"
    FALLS_OFTEN = "falls_often"  # for *reason*
    STEADY = "steady"
    SESSION_WHOLE = "session_whole"
    NO_SESSION = "no_session"  # none is kept here: a hosted provider
    NO_PASSKEY = "no_passkey"  # none was asked for
    PASSKEY_ELSEWHERE = "passkey_elsewhere"  # asked for where it cannot be given
    PASSKEY_HERE = "passkey_here"  # and the provider's extension can give it


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleConclusion:
    """What it is, and the one action that helps; None when that is outside the program, or nothing is to be done."""

    kind: ConclusionKind
    status: LinkStatus
    action: ActionName | None = None
    reason: Reason = Reason.NONE
    why: UnavailableReason | None = None
    values: Mapping[str, object] = field(default_factory=dict)


CODE_WITHIN: Final = 30.0
"""Seconds within which a code, a connection or a reason must have come."""

CHANNEL_WITHIN: Final = 15.0
"""Seconds within which whoever holds the connection must have said something: its heartbeat comes every ten."""

LOOKED_BACK: Final = timedelta(hours=24)

OFTEN: Final = 3
"""Falls within `LOOKED_BACK` that are more than a usual day's."""

_NO_CODE: Final = frozenset({LinkState.CONNECTING, LinkState.QR_READY})


def suggested_trouble(status: LinkStatus) -> Trouble:
    """The check that fits what is seen of a link."""
    if status.reason is Reason.PASSKEY_REQUIRED:
        return Trouble.PASSKEY
    if status.reason in (Reason.SESSION_CORRUPT, Reason.SESSION_MISSING, Reason.SIGN_IN_FAILED):
        return Trouble.SESSION
    if status.state in _NO_CODE or status.reason is Reason.QR_EXPIRED:
        return Trouble.NO_CODE
    connects = status.state in (LinkState.CONNECTED, LinkState.RECONNECTING, LinkState.UNKNOWN)
    return Trouble.DISCONNECTS if connects or status.reason is Reason.FLAPPING else Trouble.NO_CODE
