"""Why an action does not fit a link as it stands: rules that need nothing but the link."""

from __future__ import annotations

from app.domain.actions import UnavailableReason
from app.domain.credentials import FIELDS
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado, ProviderKind

IN_PROGRESS = frozenset({LinkState.CONNECTING, LinkState.QR_READY})
IDLE = frozenset({LinkState.OFF, LinkState.BLOCKED})
LOST = frozenset({LinkState.RECONNECTING, LinkState.UNKNOWN})

NO_CONNECT = {
    LinkState.CONNECTED: UnavailableReason.ALREADY_CONNECTED,
    LinkState.CONNECTING: UnavailableReason.ON_ITS_WAY,
    LinkState.QR_READY: UnavailableReason.ON_ITS_WAY,
    LinkState.RECONNECTING: UnavailableReason.ON_ITS_WAY,
    LinkState.UNKNOWN: UnavailableReason.ON_ITS_WAY,  # its line is open and asks; "check now" hurries it
}

NO_NEW_PAIRING = {  # a new QR would make these worse
    Reason.CLIENT_OUTDATED: UnavailableReason.OUTDATED,
    Reason.CLIENT_REFUSED: UnavailableReason.OUTDATED,
    Reason.STREAM_REPLACED: UnavailableReason.IN_USE_ELSEWHERE,
    Reason.SESSION_IN_USE: UnavailableReason.IN_USE_ELSEWHERE,
    Reason.SESSION_HELD_ELSEWHERE: UnavailableReason.IN_USE_ELSEWHERE,
    Reason.WRONG_ACCOUNT: UnavailableReason.DECIDE_ACCOUNT_FIRST,
    # A code is not what these lack.
    Reason.CREDENTIALS_MISSING: UnavailableReason.FIX_ACCESS_FIRST,
    Reason.ACCOUNT_TAKEN: UnavailableReason.FIX_ACCESS_FIRST,
    Reason.SECRETS_LOCKED: UnavailableReason.FIX_ACCESS_FIRST,
    Reason.TOKEN_INVALID: UnavailableReason.FIX_ACCESS_FIRST,
    Reason.CLIENT_TOKEN_MISSING: UnavailableReason.FIX_ACCESS_FIRST,
    Reason.CLIENT_TOKEN_INVALID: UnavailableReason.FIX_ACCESS_FIRST,
    Reason.ADDRESS_NOT_ALLOWED: UnavailableReason.FIX_ACCESS_FIRST,
    Reason.BILLING: UnavailableReason.FIX_ACCESS_FIRST,
    Reason.QUEUE_PENDING: UnavailableReason.DECIDE_QUEUE_FIRST,
}


NO_OLD_SESSION = {
    Reason.WRONG_ACCOUNT: UnavailableReason.DECIDE_ACCOUNT_FIRST,
    Reason.BANNED: UnavailableReason.BANNED,  # its keys are gone; after a granted appeal, pair again
}

FORBIDDEN = {  # what WhatsApp's word against the number means for signing in with the session there is
    Reason.BANNED: UnavailableReason.BANNED,
    Reason.TEMPORARY_BAN: UnavailableReason.SUSPENDED,
    Reason.MAIN_DEVICE_GONE: UnavailableReason.NEEDS_NEW_CODE,
}

NEEDS_NEW_CODE = frozenset({Reason.LOGGED_OUT, Reason.MAIN_DEVICE_GONE})
"""WhatsApp took the keys back: connecting would only say so again. Files that are lost or damaged can be put back."""


def always_available(_mentorado: Mentorado, _status: LinkStatus) -> UnavailableReason | None:
    return None


def check_pairing(mentorado: Mentorado) -> UnavailableReason | None:
    """A number at Meta is registered, not paired: there is no session to recover by a code."""
    return UnavailableReason.NO_PAIRING if mentorado.link.provider is ProviderKind.META_CLOUD else None


def check_credentials(mentorado: Mentorado, _status: LinkStatus) -> UnavailableReason | None:
    return None if FIELDS[mentorado.link.provider] else UnavailableReason.NO_CREDENTIALS


def check_queue(mentorado: Mentorado, _status: LinkStatus) -> UnavailableReason | None:
    return None if mentorado.link.provider is ProviderKind.ZAPI else UnavailableReason.NO_QUEUE


def check_registration(mentorado: Mentorado, _status: LinkStatus) -> UnavailableReason | None:
    return None if mentorado.link.provider is ProviderKind.META_CLOUD else UnavailableReason.NO_REGISTRATION


def check_cancel(_mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
    return None if status.state in IN_PROGRESS else UnavailableReason.NOTHING_TO_CANCEL


def check_disconnect(_mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
    running = status.state in (LinkState.CONNECTED, LinkState.RECONNECTING, LinkState.UNKNOWN)
    return None if running else UnavailableReason.NOT_RUNNING


def check_other_account(_mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
    waits = status.state is LinkState.BLOCKED and status.reason is Reason.WRONG_ACCOUNT
    return None if waits else UnavailableReason.NO_OTHER_ACCOUNT


def no_overruling(_mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
    held = status.state is LinkState.BLOCKED and status.reason is Reason.SESSION_HELD_ELSEWHERE
    return None if held else UnavailableReason.NO_UNPROVEN_LOCK


def check_archive(_mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
    return None if status.state in IDLE else UnavailableReason.STILL_RUNNING


def check_unarchive(mentorado: Mentorado, _status: LinkStatus) -> UnavailableReason | None:
    return None if mentorado.archived else UnavailableReason.NOT_ARCHIVED
