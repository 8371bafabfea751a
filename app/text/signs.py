"""Tone and icon of each status and action."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.domain.actions import ActionName
from app.domain.guidance import REASONS
from app.domain.link_status import LinkState, LinkStatus, Reason


class Tone(StrEnum):
    """The five tones of a badge; each has a colour pair and an icon, never colour alone."""

    CONNECTED = "connected"
    WAITING = "waiting"
    PROGRESS = "progress"
    IDLE = "idle"
    ERROR = "error"


TONE_OF: Final[Mapping[LinkState, Tone]] = MappingProxyType(
    {
        LinkState.OFF: Tone.IDLE,
        LinkState.CONNECTING: Tone.PROGRESS,
        LinkState.QR_READY: Tone.WAITING,
        LinkState.CONNECTED: Tone.CONNECTED,
        LinkState.RECONNECTING: Tone.PROGRESS,
        LinkState.BLOCKED: Tone.ERROR,
        LinkState.UNKNOWN: Tone.WAITING,
    }
)

TONE_ICON: Final[Mapping[Tone, str]] = MappingProxyType(
    {
        Tone.CONNECTED: "check-circle",
        Tone.WAITING: "qr",
        Tone.PROGRESS: "refresh",
        Tone.IDLE: "wifi-off",
        Tone.ERROR: "triangle-alert",
    }
)


def tone_of(status: LinkStatus) -> Tone:
    """The tone of a badge. A code that ran out is no failure: a person is awaited, as before. Nor is all well while a
    provider names an error beside its yes, or a token is about to expire."""
    waiting = status.reason is Reason.QR_EXPIRED or REASONS[status.reason].warns
    return Tone.WAITING if waiting else TONE_OF[status.state]


def badge_icon(status: LinkStatus) -> str:
    """Return the badge's icon; a link that cannot be asked has no code to show, and one that signs in none any more."""
    if REASONS[status.reason].warns:
        return "triangle-alert"
    if status.reason is Reason.SIGNING_IN:
        return TONE_ICON[Tone.PROGRESS]
    if status.has_typed_code:
        return "key"
    return "clock" if status.state is LinkState.UNKNOWN else TONE_ICON[tone_of(status)]


ACTION_ICON: Final = MappingProxyType(
    {
        ActionName.SMOKE_TEST: "flask",
        ActionName.CONNECT: "zap",
        ActionName.TRY_NOW: "refresh",
        ActionName.NEW_CODE: "qr",
        ActionName.CANCEL: "x",
        ActionName.DISCONNECT: "log-out",
        ActionName.REAUTHENTICATE: "shield-check",
        ActionName.RECOVER: "activity",
        ActionName.BACK_UP: "download",
        ActionName.RESTORE: "archive-restore",
        ActionName.ENTER_CREDENTIALS: "key",
        ActionName.DECIDE_QUEUE: "message",
        ActionName.REGISTER: "check-circle",
        ActionName.DEREGISTER: "unlink",
        ActionName.ACCEPT_ACCOUNT: "user-check",
        ActionName.REJECT_ACCOUNT: "user-x",
        ActionName.LIFT_BAN: "check-circle",
        ActionName.OVERRULE_LOCK: "unlink",
        ActionName.RELEASE_SENDING: "send",
        ActionName.SWITCH_PROVIDER: "swap",
        ActionName.ROLL_BACK: "undo",
        ActionName.RELEASE_FORMER: "log-out",
        ActionName.TROUBLESHOOT: "search",
        ActionName.HANDLE: "user-check",
        ActionName.GIVE_UP: "user-x",
        ActionName.ARCHIVE: "archive",
        ActionName.BRING_BACK: "archive-restore",
    }
)
