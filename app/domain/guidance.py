"""From (state, reason) to the one thing that should be done next.

The recommendation is a table, so that a test can walk all of it and prove that nothing destructive is offered where the
operating guide forbids it: a suspended or outdated client, or a session in use elsewhere, is never sent to a new QR.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind


class Recommendation(StrEnum):
    """The one recommended action for a link."""

    NOTHING = "nothing"  # all is well
    WAIT = "wait"
    CONNECT = "connect"
    TRY_NOW = "try_now"  # hurry the next attempt, once
    RECONNECT = "reconnect"
    SHOW_NEW_CODE = "show_new_code"
    REAUTHENTICATE = "reauthenticate"  # back up the session, then pair again by QR
    DECIDE_ACCOUNT = "decide_account"
    OPEN_PHONE = "open_phone"
    UPDATE_PHONE_APP = "update_phone_app"
    UPDATE_APP = "update_app"
    SWITCH_PROVIDER = "switch_provider"
    CHECK_NETWORK = "check_network"
    FIX_CLOCK = "fix_clock"
    FREE_DISK = "free_disk"
    FIX_FOLDER = "fix_folder"
    CLOSE_OTHER_PROGRAM = "close_other_program"
    REINSTALL = "reinstall"
    FIX_CREDENTIAL = "fix_credential"
    RENEW_TOKEN = "renew_token"  # noqa: S105 - make a new one at the provider, and enter it
    SETTLE_BILL = "settle_bill"
    REGISTER_NUMBER = "register_number"
    FIX_AT_PROVIDER = "fix_at_provider"  # in its panel, then connect again
    LOOK_AT_PROVIDER = "look_at_provider"  # in its panel, while the link stays connected
    DECIDE_QUEUE = "decide_queue"  # send, remove, or leave the messages that wait at the provider
    UNLOCK_SECRETS = "unlock_secrets"
    SLOW_DOWN = "slow_down"  # connected, but close to being stopped
    CHECK_NOW = "check_now"
    CONTACT_HUMAN = "contact_human"
    SEND_REPORT = "send_report"


_R, _G = Reason, Recommendation

_BLOCKED = {
    _R.LOGGED_OUT: _G.REAUTHENTICATE,
    _R.MAIN_DEVICE_GONE: _G.OPEN_PHONE,
    _R.BANNED: _G.CONTACT_HUMAN,
    _R.TEMPORARY_BAN: _G.WAIT,
    _R.CLIENT_OUTDATED: _G.UPDATE_APP,
    _R.CLIENT_REFUSED: _G.UPDATE_APP,
    _R.STREAM_REPLACED: _G.CLOSE_OTHER_PROGRAM,
    _R.SIGN_IN_FAILED: _G.REAUTHENTICATE,
    _R.QR_EXPIRED: _G.SHOW_NEW_CODE,
    _R.PAIRING_FAILED: _G.SHOW_NEW_CODE,
    _R.PASSKEY_REQUIRED: _G.SWITCH_PROVIDER,
    _R.PHONE_UPDATE_REQUIRED: _G.UPDATE_PHONE_APP,
    _R.WRONG_ACCOUNT: _G.DECIDE_ACCOUNT,
    _R.SESSION_MISSING: _G.REAUTHENTICATE,
    _R.SESSION_CORRUPT: _G.REAUTHENTICATE,
    _R.SESSION_IN_USE: _G.CLOSE_OTHER_PROGRAM,
    _R.SESSION_HELD_ELSEWHERE: _G.CLOSE_OTHER_PROGRAM,
    _R.SESSION_OF_ANOTHER_USER: _G.FIX_FOLDER,
    _R.SESSION_OF_ANOTHER_MENTORADO: _G.REAUTHENTICATE,
    _R.SESSION_DIR_MISSING: _G.FIX_FOLDER,
    _R.SESSION_DIR_NOT_A_FOLDER: _G.FIX_FOLDER,
    _R.SESSION_DIR_NOT_WRITABLE: _G.FIX_FOLDER,
    _R.DISK_FULL: _G.FREE_DISK,
    _R.NETWORK_DOWN: _G.CHECK_NETWORK,
    _R.PROXY_REFUSED: _G.CHECK_NETWORK,
    _R.CERTIFICATE_REFUSED: _G.CHECK_NETWORK,
    _R.SERVER_UNAVAILABLE: _G.RECONNECT,
    _R.STREAM_ERROR: _G.RECONNECT,
    _R.CLOCK_SKEW: _G.FIX_CLOCK,
    _R.KEEPALIVE_TIMEOUT: _G.RECONNECT,
    _R.FLAPPING: _G.CHECK_NETWORK,
    _R.HOST_CRASHED: _G.RECONNECT,
    _R.HOST_FROZEN: _G.RECONNECT,
    _R.TOO_MANY_OPEN_FILES: _G.RECONNECT,
    _R.ENGINE_MISSING: _G.REINSTALL,
    _R.ENGINE_MISMATCH: _G.REINSTALL,
    _R.UNEXPECTED: _G.SEND_REPORT,
    _R.TOKEN_INVALID: _G.FIX_CREDENTIAL,
    _R.BILLING: _G.SETTLE_BILL,
    _R.NOT_REGISTERED: _G.REGISTER_NUMBER,
    _R.POLICY_RESTRICTED: _G.CONTACT_HUMAN,
    _R.PHONE_OFFLINE: _G.OPEN_PHONE,
    _R.UNREACHABLE: _G.RECONNECT,
    _R.SESSION_DROPPED: _G.RECONNECT,
    _R.QUEUE_PENDING: _G.DECIDE_QUEUE,
    _R.CREDENTIALS_MISSING: _G.FIX_CREDENTIAL,
    _R.ACCOUNT_TAKEN: _G.FIX_CREDENTIAL,
    _R.CLIENT_TOKEN_MISSING: _G.FIX_CREDENTIAL,
    _R.CLIENT_TOKEN_INVALID: _G.FIX_CREDENTIAL,
    _R.ADDRESS_NOT_ALLOWED: _G.FIX_AT_PROVIDER,
    _R.PERMISSION_MISSING: _G.FIX_AT_PROVIDER,
    _R.NAME_NOT_APPROVED: _G.FIX_AT_PROVIDER,
    _R.REGISTER_LIMIT: _G.WAIT,
    _R.QUALITY_LOW: _G.SLOW_DOWN,
    _R.RATE_LIMITED: _G.WAIT,
    _R.SECRETS_LOCKED: _G.UNLOCK_SECRETS,
    # A blocked link always carries its reason; these six are complete for the test's sake and safe in any case.
    _R.PROVIDER_WARNING: _G.LOOK_AT_PROVIDER,
    _R.TOKEN_EXPIRING: _G.RENEW_TOKEN,
    _R.NONE: _G.RECONNECT,
    _R.PROGRAM_CLOSED: _G.RECONNECT,
    _R.WAITING_TURN: _G.RECONNECT,
    _R.SIGNING_IN: _G.RECONNECT,
}

_BY_STATE = {
    LinkState.OFF: _G.CONNECT,
    LinkState.CONNECTING: _G.WAIT,
    LinkState.QR_READY: _G.WAIT,
    LinkState.CONNECTED: _G.NOTHING,
    LinkState.RECONNECTING: _G.TRY_NOW,
    LinkState.UNKNOWN: _G.CHECK_NOW,
}

_CONNECTED = {
    _R.PHONE_OFFLINE: _G.OPEN_PHONE,
    _R.QUALITY_LOW: _G.SLOW_DOWN,
    _R.RATE_LIMITED: _G.WAIT,
    _R.POLICY_RESTRICTED: _G.CONTACT_HUMAN,
    _R.PROVIDER_WARNING: _G.LOOK_AT_PROVIDER,
    _R.TOKEN_EXPIRING: _G.RENEW_TOKEN,
}

NEW_PAIRING = frozenset({_G.SHOW_NEW_CODE, _G.REAUTHENTICATE})
"""Recommendations that end in a new QR."""


def recommend(state: LinkState, reason: Reason) -> Recommendation:
    """The one recommended action for a link in *state* because of *reason*."""
    if state is LinkState.BLOCKED:
        return _BLOCKED[reason]
    if state is LinkState.CONNECTED:
        return _CONNECTED.get(reason, _G.NOTHING)
    return _BY_STATE[state]


NEEDS_OPERATOR = frozenset(
    {
        _R.LOGGED_OUT,
        _R.MAIN_DEVICE_GONE,
        _R.BANNED,
        _R.TEMPORARY_BAN,
        _R.CLIENT_REFUSED,
        _R.STREAM_REPLACED,
        _R.SIGN_IN_FAILED,
        _R.QR_EXPIRED,
        _R.PAIRING_FAILED,
        _R.PASSKEY_REQUIRED,
        _R.PHONE_UPDATE_REQUIRED,
        _R.WRONG_ACCOUNT,
        _R.SESSION_MISSING,
        _R.SESSION_CORRUPT,
        _R.SESSION_OF_ANOTHER_MENTORADO,
        _R.TOKEN_INVALID,
        _R.BILLING,
        _R.NOT_REGISTERED,
        _R.POLICY_RESTRICTED,
        _R.QUEUE_PENDING,
        _R.CREDENTIALS_MISSING,
        _R.ACCOUNT_TAKEN,
        _R.CLIENT_TOKEN_MISSING,
        _R.CLIENT_TOKEN_INVALID,
        _R.ADDRESS_NOT_ALLOWED,
        _R.PERMISSION_MISSING,
        _R.NAME_NOT_APPROVED,
        _R.REGISTER_LIMIT,
    }
)
"""Reasons that a new start of the program does not try by itself: only a person can have changed them."""

FORBIDDING = frozenset({_R.BANNED, _R.TEMPORARY_BAN, _R.MAIN_DEVICE_GONE})
"""WhatsApp's own word against the number (failures 406, 402 and 403). It stands until the number signs in again, a
person says that it was lifted, or the time that was named is over; whatever is found out meanwhile does not end it.
"""

OUTWEIGHED = frozenset(
    {
        _R.NONE,
        _R.LOGGED_OUT,
        _R.MAIN_DEVICE_GONE,
        _R.SIGN_IN_FAILED,
        _R.SESSION_MISSING,
        _R.SESSION_CORRUPT,
        _R.FLAPPING,
    }
)
"""What follows from a forbidding reason, and is not shown in its place: the keys are gone with it."""


def forbids(status: LinkStatus, now: datetime) -> bool:
    """Whether *status* is a forbidding one whose time is not over at *now*."""
    over = status.reason is _R.TEMPORARY_BAN and status.until is not None and status.until <= now
    return status.state is LinkState.BLOCKED and status.reason in FORBIDDING and not over


_HOSTED = {_R.TOKEN_INVALID, _R.BILLING, _R.CREDENTIALS_MISSING, _R.ACCOUNT_TAKEN, _R.SECRETS_LOCKED, _R.UNREACHABLE}
_ZAPI_ONLY = {
    _R.PHONE_OFFLINE,
    _R.SESSION_DROPPED,
    _R.QUEUE_PENDING,
    _R.CLIENT_TOKEN_MISSING,
    _R.CLIENT_TOKEN_INVALID,
    _R.ADDRESS_NOT_ALLOWED,
    _R.PROVIDER_WARNING,
}
_META_ONLY = {
    _R.NOT_REGISTERED,
    _R.POLICY_RESTRICTED,
    _R.PERMISSION_MISSING,
    _R.NAME_NOT_APPROVED,
    _R.REGISTER_LIMIT,
    _R.QUALITY_LOW,
    _R.RATE_LIMITED,
    _R.TOKEN_EXPIRING,
}
_SELF_HOSTED_ONLY = {
    _R.MAIN_DEVICE_GONE,
    _R.CLIENT_OUTDATED,
    _R.CLIENT_REFUSED,
    _R.STREAM_REPLACED,
    _R.SIGN_IN_FAILED,
    _R.SESSION_MISSING,
    _R.SESSION_CORRUPT,
    _R.SESSION_IN_USE,
    _R.SESSION_HELD_ELSEWHERE,
    _R.SESSION_OF_ANOTHER_USER,
    _R.SESSION_OF_ANOTHER_MENTORADO,
    _R.SESSION_DIR_MISSING,
    _R.SESSION_DIR_NOT_A_FOLDER,
    _R.SESSION_DIR_NOT_WRITABLE,
    _R.DISK_FULL,
    _R.KEEPALIVE_TIMEOUT,
    _R.HOST_CRASHED,
    _R.HOST_FROZEN,
    _R.TOO_MANY_OPEN_FILES,
    _R.ENGINE_MISSING,
    _R.ENGINE_MISMATCH,
}
_PAIRED_BY_CODE = {  # never at a provider that signs in with a token
    _R.WAITING_TURN,
    _R.SIGNING_IN,
    _R.LOGGED_OUT,
    _R.QR_EXPIRED,
    _R.PAIRING_FAILED,
    _R.PASSKEY_REQUIRED,
    _R.PHONE_UPDATE_REQUIRED,
}

_NEVER_AT = {
    ProviderKind.WHATSAPP_WEB: frozenset(_HOSTED | _ZAPI_ONLY | _META_ONLY),
    ProviderKind.ZAPI: frozenset(_SELF_HOSTED_ONLY | (_META_ONLY - {_R.POLICY_RESTRICTED})),
    ProviderKind.META_CLOUD: frozenset(_SELF_HOSTED_ONLY | _PAIRED_BY_CODE | _ZAPI_ONLY),
}


def applies_to(provider: ProviderKind, reason: Reason) -> bool:
    """Whether a link of *provider* can be in a state because of *reason*."""
    return reason not in _NEVER_AT[provider]
