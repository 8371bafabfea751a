"""Whether a number may send, and what it may still do, in words. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.domain.link_status import LinkState, LinkStatus, SendCapability
from app.text.signs import Tone
from app.text.status import texts

if TYPE_CHECKING:
    from app.domain.outbound import OutboundStop


@dataclass(frozen=True, slots=True)
class SendState:
    """*what* is true now, and what *may* still be done."""

    tone: Tone
    icon: str
    what: str
    may: str

    @property
    def line(self) -> str:
        return f"{self.what}. {self.may}"


def send_state(status: LinkStatus, stop: OutboundStop | None, now: datetime) -> SendState:
    """The send capability of a link that is so, whose sending is stopped because of *stop*."""
    key, tone, icon = _look(status, stop)
    what, may = texts(f"sending.{key}.what"), texts(f"sending.{key}.may")
    if stop is None and status.until is not None and key in ("restricted", "blocked", "blocked_number"):
        left = status.until - now
        what += " · " + (countdown(left.total_seconds()) if left.total_seconds() > 0 else texts("sending.over"))
    return SendState(tone, icon, what, may)


def _look(status: LinkStatus, stop: OutboundStop | None) -> tuple[str, Tone, str]:
    if stop is not None:
        return "stopped", Tone.ERROR, "octagon-alert"
    match status.state, status.capability:
        case LinkState.CONNECTED, SendCapability.OK:
            return "ok", Tone.CONNECTED, "send"
        case LinkState.CONNECTED, SendCapability.RESTRICTED:
            return "restricted", Tone.WAITING, "lock"
        case LinkState.CONNECTED, SendCapability.BLOCKED:
            return "blocked_number", Tone.ERROR, "ban"
        case LinkState.CONNECTED, _:
            return "unknown", Tone.WAITING, "clock"
        case LinkState.BLOCKED, _:
            return "blocked", Tone.ERROR, "ban"
        case LinkState.UNKNOWN, _:
            return "unconfirmed", Tone.WAITING, "clock"
        case _:
            return "not_connected", Tone.IDLE, "clock"


def countdown(seconds: float) -> str:
    """How long something still lasts, to the second in its last hour."""
    whole = -int(-seconds // 1)
    days, hours, minutes = whole // 86_400, whole // 3_600, whole // 60
    if days >= 2:
        return texts("sending.days", days=days, hours=hours % 24)
    if hours:
        return texts("sending.hours", hours=hours, minutes=minutes % 60)
    return texts("sending.minutes", minutes=minutes, seconds=f"{whole % 60:02}")
