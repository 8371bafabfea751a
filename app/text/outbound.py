"""Why a message is held back or was refused, in words with a next step. Qt-free."""

from __future__ import annotations

from datetime import datetime

from app.domain.outbound import Hold, HoldReason
from app.domain.sending import SendErrorKind
from app.text.status import date_time, texts


def hold(held: Hold, now: datetime) -> tuple[str, str]:
    """What holds a message back, and what can be done; times are local."""
    until = "" if held.until is None else date_time(held.until.astimezone(), now.astimezone().date())
    key = f"hold.{held.reason}"
    if held.reason is HoldReason.RESTRICTED and until:
        key += "_until"
    return texts(f"{key}.sentence", until=until), texts(f"{key}.next", until=until)


def send_error(trouble: SendErrorKind) -> tuple[str, str]:
    """Why the provider did not take a message, and what can be done."""
    return texts(f"send.{trouble}.sentence"), texts(f"send.{trouble}.next")
