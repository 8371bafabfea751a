"""Why an action does not fit a link as it stands: rules that need nothing but the link."""

from __future__ import annotations

from app.core.action import Refusal
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.credentials import ASKED
from app.domain.mentorado import Enrolment, ProviderKind

IN_PROGRESS = frozenset({LinkState.CONNECTING, LinkState.QR_READY})
IDLE = frozenset({LinkState.OFF, LinkState.BLOCKED})
LOST = frozenset({LinkState.RECONNECTING, LinkState.UNKNOWN})

NO_CONNECT = {
    LinkState.CONNECTED: Refusal.ALREADY_CONNECTED,
    LinkState.CONNECTING: Refusal.ON_ITS_WAY,
    LinkState.QR_READY: Refusal.ON_ITS_WAY,
    LinkState.RECONNECTING: Refusal.ON_ITS_WAY,
    LinkState.UNKNOWN: Refusal.ON_ITS_WAY,  # its line is open and asks; "check now" hurries it
}

NO_NEW_PAIRING = {  # a new QR would make these worse
    Reason.CLIENT_OUTDATED: Refusal.OUTDATED,
    Reason.CLIENT_REFUSED: Refusal.OUTDATED,
    Reason.STREAM_REPLACED: Refusal.IN_USE_ELSEWHERE,
    Reason.SESSION_IN_USE: Refusal.IN_USE_ELSEWHERE,
    Reason.SESSION_HELD_ELSEWHERE: Refusal.IN_USE_ELSEWHERE,
    Reason.WRONG_ACCOUNT: Refusal.DECIDE_ACCOUNT_FIRST,
    # A code is not what these lack.
    Reason.CREDENTIALS_MISSING: Refusal.FIX_ACCESS_FIRST,
    Reason.ACCOUNT_TAKEN: Refusal.FIX_ACCESS_FIRST,
    Reason.SECRETS_LOCKED: Refusal.FIX_ACCESS_FIRST,
    Reason.TOKEN_INVALID: Refusal.FIX_ACCESS_FIRST,
    Reason.CLIENT_TOKEN_MISSING: Refusal.FIX_ACCESS_FIRST,
    Reason.CLIENT_TOKEN_INVALID: Refusal.FIX_ACCESS_FIRST,
    Reason.ADDRESS_NOT_ALLOWED: Refusal.FIX_ACCESS_FIRST,
    Reason.BILLING: Refusal.FIX_ACCESS_FIRST,
    Reason.QUEUE_PENDING: Refusal.DECIDE_QUEUE_FIRST,
}


NO_OLD_SESSION = {
    Reason.WRONG_ACCOUNT: Refusal.DECIDE_ACCOUNT_FIRST,
    Reason.BANNED: Refusal.BANNED,  # its keys are gone; after an appeal that succeeded, a new pairing is the way
}

FORBIDDEN = {  # what WhatsApp's word against the number means for signing in with the session there is
    Reason.BANNED: Refusal.BANNED,
    Reason.TEMPORARY_BAN: Refusal.SUSPENDED,
    Reason.MAIN_DEVICE_GONE: Refusal.NEEDS_NEW_CODE,
}

NEEDS_NEW_CODE = frozenset({Reason.LOGGED_OUT, Reason.MAIN_DEVICE_GONE})
"""WhatsApp took the keys back: connecting would only say so again. Files that are lost or damaged can be put back."""


def possible(_enrolment: Enrolment, _status: LinkStatus) -> Refusal | None:
    return None


def no_pairing(enrolment: Enrolment) -> Refusal | None:
    """A number at Meta is registered, not paired: there is no session to recover by a code."""
    return Refusal.NO_PAIRING if enrolment.link.provider is ProviderKind.META_CLOUD else None


def no_credentials(enrolment: Enrolment, _status: LinkStatus) -> Refusal | None:
    return None if ASKED[enrolment.link.provider] else Refusal.NO_CREDENTIALS


def no_queue(enrolment: Enrolment, _status: LinkStatus) -> Refusal | None:
    return None if enrolment.link.provider is ProviderKind.ZAPI else Refusal.NO_QUEUE


def no_registration(enrolment: Enrolment, _status: LinkStatus) -> Refusal | None:
    return None if enrolment.link.provider is ProviderKind.META_CLOUD else Refusal.NO_REGISTRATION


def no_cancel(_enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
    return None if status.state in IN_PROGRESS else Refusal.NOTHING_TO_CANCEL


def no_disconnect(_enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
    running = status.state in (LinkState.CONNECTED, LinkState.RECONNECTING, LinkState.UNKNOWN)
    return None if running else Refusal.NOT_RUNNING


def no_other_account(_enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
    waits = status.state is LinkState.BLOCKED and status.reason is Reason.WRONG_ACCOUNT
    return None if waits else Refusal.NO_OTHER_ACCOUNT


def no_overruling(_enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
    held = status.state is LinkState.BLOCKED and status.reason is Reason.SESSION_HELD_ELSEWHERE
    return None if held else Refusal.NO_UNPROVEN_LOCK


def no_archive(_enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
    return None if status.state in IDLE else Refusal.STILL_RUNNING


def no_bring_back(enrolment: Enrolment, _status: LinkStatus) -> Refusal | None:
    return None if enrolment.mentorado.archived else Refusal.NOT_ARCHIVED
