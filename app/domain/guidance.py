"""What follows from a state and its reason: a row per reason, and the one thing that should be done next.

It is a table, so that a test can walk all of it and prove that nothing destructive is offered where the operating guide
forbids it: a suspended or outdated client, or a session in use elsewhere, is never sent to a new QR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import ProblemCode
from app.domain.link_status import LinkState, LinkStatus, Reason, SendCapability
from app.domain.mentorado import ProviderKind
from app.domain.provider_descriptor import kinds_where


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
    ANSWER_PASSKEY = "answer_passkey"
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
    SMOKE_TEST = "smoke_test"  # connected, and nobody proved yet that it sends and receives
    CONTACT_HUMAN = "contact_human"
    SEND_REPORT = "send_report"


RECOMMENDED_ACTION: Final[Mapping[Recommendation, ActionName | None]] = MappingProxyType(
    {
        **dict.fromkeys(Recommendation),
        Recommendation.SMOKE_TEST: ActionName.SMOKE_TEST,
        Recommendation.CONNECT: ActionName.CONNECT,
        Recommendation.RECONNECT: ActionName.CONNECT,
        Recommendation.TRY_NOW: ActionName.TRY_NOW,
        Recommendation.CHECK_NOW: ActionName.TRY_NOW,
        Recommendation.SHOW_NEW_CODE: ActionName.NEW_CODE,
        Recommendation.REAUTHENTICATE: ActionName.REAUTHENTICATE,
        Recommendation.DECIDE_ACCOUNT: ActionName.REJECT_ACCOUNT,
        # Once the cause outside is mended, the same session is tried again.
        Recommendation.CHECK_NETWORK: ActionName.CONNECT,
        Recommendation.FIX_CLOCK: ActionName.CONNECT,
        Recommendation.FREE_DISK: ActionName.CONNECT,
        Recommendation.FIX_FOLDER: ActionName.CONNECT,
        Recommendation.FIX_AT_PROVIDER: ActionName.CONNECT,
        Recommendation.UNLOCK_SECRETS: ActionName.CONNECT,
        Recommendation.FIX_CREDENTIAL: ActionName.ENTER_CREDENTIALS,
        Recommendation.RENEW_TOKEN: ActionName.ENTER_CREDENTIALS,
        Recommendation.DECIDE_QUEUE: ActionName.DECIDE_QUEUE,
        Recommendation.REGISTER_NUMBER: ActionName.REGISTER,
        Recommendation.CLOSE_OTHER_PROGRAM: ActionName.CONNECT,
        Recommendation.UPDATE_PHONE_APP: ActionName.NEW_CODE,
        Recommendation.ANSWER_PASSKEY: ActionName.TROUBLESHOOT,
    }
)
"""The action behind the one recommended button; None when the person must act outside the program."""

_ANY = frozenset(ProviderKind)
_OURS = kinds_where(lambda provider: provider.keeps_session)  # in files here
_BY_CODE = kinds_where(lambda provider: provider.pairs_by_code)  # never at one that signs in with a token
_HOSTED = kinds_where(lambda provider: not provider.keeps_session)
_QUEUE = kinds_where(lambda provider: provider.has_queue)
_REGISTERED = kinds_where(lambda provider: provider.registers_numbers)
_ZAPI, _META = frozenset({ProviderKind.ZAPI}), frozenset({ProviderKind.META_CLOUD})


@dataclass(frozen=True, slots=True)
class ReasonSpec:
    """Everything the program derives from a reason."""

    blocked: Recommendation  # while the link is blocked
    providers: frozenset[ProviderKind] = _ANY  # whose links can be in a state because of it
    _: KW_ONLY
    while_connected: bool = False  # the same is recommended while the link is connected
    warns: bool = False  # all works while it is connected, but somebody should look: badge and sentence are its own
    needs_operator: bool = False  # only a person can have changed it: a new start does not try by itself
    forbidden: UnavailableReason | None = None  # WhatsApp's own word against the number, see `FORBIDDING`
    outweighed: bool = False  # not shown in place of a forbidding reason, from which it follows
    keys_gone: bool = False  # WhatsApp took the keys back: the same session can never come back
    no_connect: UnavailableReason | None = None  # why the session that is there is not tried again
    no_pairing: UnavailableReason | None = None  # why no new QR: it would make this worse, or is not what lacks
    ends_pairing: bool = False  # a pairing failed; the session before it, if any, is as it was
    our_side: bool = False  # a fault of this program; after some in a row a person looks
    about_account: bool = False  # over as soon as other credentials are entered
    problems: tuple[ProblemCode, ...] = ()  # that show as this when they are met while a connection is being opened


_R, _G, _U, _P = Reason, Recommendation, UnavailableReason, ProblemCode

# A blocked link always carries its reason: what can be no reason to be blocked has a row that is safe in any case.
REASONS: Final[Mapping[Reason, ReasonSpec]] = MappingProxyType(
    {
        _R.NONE: ReasonSpec(_G.RECONNECT, outweighed=True),
        # waiting
        _R.WAITING_TURN: ReasonSpec(_G.RECONNECT, _BY_CODE),
        _R.SIGNING_IN: ReasonSpec(_G.RECONNECT, _BY_CODE),
        # the phone or WhatsApp ended it
        _R.LOGGED_OUT: ReasonSpec(_G.REAUTHENTICATE, _BY_CODE, needs_operator=True, outweighed=True, keys_gone=True),
        _R.MAIN_DEVICE_GONE: ReasonSpec(
            _G.OPEN_PHONE,
            _OURS,
            needs_operator=True,
            forbidden=_U.NEEDS_NEW_CODE,
            outweighed=True,
            keys_gone=True,
        ),
        _R.BANNED: ReasonSpec(
            _G.CONTACT_HUMAN, needs_operator=True, forbidden=_U.BANNED, keys_gone=True, no_connect=_U.BANNED
        ),
        _R.TEMPORARY_BAN: ReasonSpec(_G.WAIT, needs_operator=True, forbidden=_U.SUSPENDED),
        _R.CLIENT_OUTDATED: ReasonSpec(_G.UPDATE_APP, _OURS, no_pairing=_U.OUTDATED),
        _R.CLIENT_REFUSED: ReasonSpec(_G.UPDATE_APP, _OURS, needs_operator=True, no_pairing=_U.OUTDATED),
        _R.STREAM_REPLACED: ReasonSpec(
            _G.CLOSE_OTHER_PROGRAM, _OURS, needs_operator=True, no_pairing=_U.IN_USE_ELSEWHERE
        ),
        _R.SIGN_IN_FAILED: ReasonSpec(_G.REAUTHENTICATE, _OURS, needs_operator=True, outweighed=True),
        # pairing
        _R.QR_EXPIRED: ReasonSpec(_G.SHOW_NEW_CODE, _BY_CODE, needs_operator=True, ends_pairing=True),
        _R.PAIRING_FAILED: ReasonSpec(_G.SHOW_NEW_CODE, _BY_CODE, needs_operator=True, ends_pairing=True),
        _R.PASSKEY_REQUIRED: ReasonSpec(_G.ANSWER_PASSKEY, _BY_CODE, needs_operator=True, ends_pairing=True),
        _R.PHONE_UPDATE_REQUIRED: ReasonSpec(_G.UPDATE_PHONE_APP, _BY_CODE, needs_operator=True, ends_pairing=True),
        _R.WRONG_ACCOUNT: ReasonSpec(
            _G.DECIDE_ACCOUNT,
            needs_operator=True,
            no_connect=_U.DECIDE_ACCOUNT_FIRST,
            no_pairing=_U.DECIDE_ACCOUNT_FIRST,
            about_account=True,
        ),
        # the session files
        _R.SESSION_MISSING: ReasonSpec(
            _G.REAUTHENTICATE, _OURS, needs_operator=True, outweighed=True, problems=(_P.SESSION_MISSING,)
        ),
        _R.SESSION_CORRUPT: ReasonSpec(
            _G.REAUTHENTICATE, _OURS, needs_operator=True, outweighed=True, problems=(_P.SESSION_CORRUPT,)
        ),
        _R.SESSION_IN_USE: ReasonSpec(
            _G.CLOSE_OTHER_PROGRAM, _OURS, no_pairing=_U.IN_USE_ELSEWHERE, problems=(_P.SESSION_IN_USE,)
        ),
        _R.SESSION_HELD_ELSEWHERE: ReasonSpec(
            _G.CLOSE_OTHER_PROGRAM, _OURS, no_pairing=_U.IN_USE_ELSEWHERE, problems=(_P.SESSION_HELD_ELSEWHERE,)
        ),
        _R.SESSION_OF_ANOTHER_USER: ReasonSpec(_G.FIX_FOLDER, _OURS, problems=(_P.SESSION_OF_ANOTHER_USER,)),
        _R.SESSION_OF_ANOTHER_MENTORADO: ReasonSpec(
            _G.REAUTHENTICATE, _OURS, needs_operator=True, problems=(_P.SESSION_OF_ANOTHER_MENTORADO,)
        ),
        _R.SESSION_DIR_MISSING: ReasonSpec(_G.FIX_FOLDER, _OURS, problems=(_P.SESSION_DIR_MISSING,)),
        _R.SESSION_DIR_NOT_A_FOLDER: ReasonSpec(_G.FIX_FOLDER, _OURS, problems=(_P.SESSION_DIR_NOT_A_FOLDER,)),
        _R.SESSION_DIR_NOT_WRITABLE: ReasonSpec(_G.FIX_FOLDER, _OURS, problems=(_P.SESSION_DIR_NOT_WRITABLE,)),
        _R.DISK_FULL: ReasonSpec(_G.FREE_DISK, _OURS, problems=(_P.SESSION_DISK_FULL,)),
        # on the way
        _R.NETWORK_DOWN: ReasonSpec(_G.CHECK_NETWORK),
        _R.PROXY_REFUSED: ReasonSpec(_G.CHECK_NETWORK),
        _R.CERTIFICATE_REFUSED: ReasonSpec(_G.CHECK_NETWORK),
        _R.SERVER_UNAVAILABLE: ReasonSpec(_G.RECONNECT),
        _R.STREAM_ERROR: ReasonSpec(_G.RECONNECT),
        _R.CLOCK_SKEW: ReasonSpec(_G.FIX_CLOCK),
        _R.KEEPALIVE_TIMEOUT: ReasonSpec(_G.RECONNECT, _OURS),
        _R.FLAPPING: ReasonSpec(_G.CHECK_NETWORK, outweighed=True),
        # our own side
        _R.HOST_CRASHED: ReasonSpec(_G.RECONNECT, _OURS, our_side=True),
        _R.HOST_FROZEN: ReasonSpec(_G.RECONNECT, _OURS, our_side=True),
        _R.HOST_MOVED: ReasonSpec(_G.RECONNECT, _OURS),
        _R.TOO_MANY_OPEN_FILES: ReasonSpec(_G.RECONNECT, _OURS, problems=(_P.TOO_MANY_OPEN_FILES,)),
        _R.ENGINE_MISSING: ReasonSpec(_G.REINSTALL, _OURS, problems=(_P.HOST_NOT_STARTED, _P.ENGINE_MISSING)),
        _R.ENGINE_MISMATCH: ReasonSpec(_G.REINSTALL, _OURS, problems=(_P.ENGINE_MISMATCH,)),
        _R.UNEXPECTED: ReasonSpec(_G.SEND_REPORT, our_side=True),
        _R.PROGRAM_CLOSED: ReasonSpec(_G.RECONNECT),
        # hosted providers
        _R.TOKEN_INVALID: ReasonSpec(_G.FIX_CREDENTIAL, _HOSTED, needs_operator=True, no_pairing=_U.FIX_ACCESS_FIRST),
        _R.TOKEN_EXPIRING: ReasonSpec(_G.RENEW_TOKEN, _META, while_connected=True, warns=True),
        _R.BILLING: ReasonSpec(_G.SETTLE_BILL, _HOSTED, needs_operator=True, no_pairing=_U.FIX_ACCESS_FIRST),
        _R.NOT_REGISTERED: ReasonSpec(_G.REGISTER_NUMBER, _REGISTERED, needs_operator=True),
        _R.POLICY_RESTRICTED: ReasonSpec(_G.CONTACT_HUMAN, _HOSTED, while_connected=True, needs_operator=True),
        _R.PHONE_OFFLINE: ReasonSpec(_G.OPEN_PHONE, _ZAPI, while_connected=True),
        _R.UNREACHABLE: ReasonSpec(_G.RECONNECT, _HOSTED),
        _R.SESSION_DROPPED: ReasonSpec(_G.RECONNECT, _ZAPI),
        _R.QUEUE_PENDING: ReasonSpec(_G.DECIDE_QUEUE, _QUEUE, needs_operator=True, no_pairing=_U.DECIDE_QUEUE_FIRST),
        _R.CREDENTIALS_MISSING: ReasonSpec(
            _G.FIX_CREDENTIAL,
            _HOSTED,
            needs_operator=True,
            no_pairing=_U.FIX_ACCESS_FIRST,
            problems=(_P.CREDENTIALS_MISSING,),
        ),
        _R.ACCOUNT_TAKEN: ReasonSpec(
            _G.FIX_CREDENTIAL,
            _HOSTED,
            needs_operator=True,
            no_pairing=_U.FIX_ACCESS_FIRST,
            about_account=True,
            problems=(_P.ACCOUNT_TAKEN,),
        ),
        _R.CLIENT_TOKEN_MISSING: ReasonSpec(
            _G.FIX_CREDENTIAL, _ZAPI, needs_operator=True, no_pairing=_U.FIX_ACCESS_FIRST
        ),
        _R.CLIENT_TOKEN_INVALID: ReasonSpec(
            _G.FIX_CREDENTIAL, _ZAPI, needs_operator=True, no_pairing=_U.FIX_ACCESS_FIRST
        ),
        _R.PROVIDER_WARNING: ReasonSpec(_G.LOOK_AT_PROVIDER, _ZAPI, while_connected=True, warns=True),
        _R.ADDRESS_NOT_ALLOWED: ReasonSpec(
            _G.FIX_AT_PROVIDER, _ZAPI, needs_operator=True, no_pairing=_U.FIX_ACCESS_FIRST
        ),
        _R.PERMISSION_MISSING: ReasonSpec(_G.FIX_AT_PROVIDER, _META, needs_operator=True),
        _R.NAME_NOT_APPROVED: ReasonSpec(_G.FIX_AT_PROVIDER, _REGISTERED, needs_operator=True),
        _R.REGISTER_LIMIT: ReasonSpec(_G.WAIT, _REGISTERED, needs_operator=True),
        _R.QUALITY_LOW: ReasonSpec(_G.SLOW_DOWN, _META, while_connected=True),
        _R.RATE_LIMITED: ReasonSpec(_G.WAIT, _META, while_connected=True),
        _R.SECRETS_LOCKED: ReasonSpec(
            _G.UNLOCK_SECRETS,
            _HOSTED,
            no_pairing=_U.FIX_ACCESS_FIRST,
            problems=(_P.SECRETS_UNAVAILABLE, _P.SECRETS_LOCKED),
        ),
    }
)

_BY_STATE = {
    LinkState.OFF: _G.CONNECT,
    LinkState.CONNECTING: _G.WAIT,
    LinkState.QR_READY: _G.WAIT,
    LinkState.CONNECTED: _G.NOTHING,
    LinkState.RECONNECTING: _G.TRY_NOW,
    LinkState.UNKNOWN: _G.CHECK_NOW,
}

NEW_PAIRING = frozenset({_G.SHOW_NEW_CODE, _G.REAUTHENTICATE})
"""Recommendations that end in a new QR."""

FORBIDDING: Final = {reason: spec.forbidden for reason, spec in REASONS.items() if spec.forbidden}
"""WhatsApp's own word against the number (failures 406, 402 and 403). It stands until the number signs in again, a
person says that it was lifted, or the time that was named is over; whatever is found out meanwhile does not end it.
"""


BANS: Final = frozenset({_R.BANNED, _R.TEMPORARY_BAN})
"""Of these, those that are about the number and not about one device of it: they hold for every link it has."""


def recommend(state: LinkState, reason: Reason) -> Recommendation:
    """The one recommended action for a link in *state* because of *reason*."""
    spec = REASONS[reason]
    if state is LinkState.BLOCKED or (state is LinkState.CONNECTED and spec.while_connected):
        return spec.blocked
    return _BY_STATE[state]


def recommend_for(status: LinkStatus) -> Recommendation:
    """The one recommended action for a link that is so: where nothing else is to be done, and it was never tested, the
    smoke test."""
    recommended = recommend(status.state, status.reason)
    untested = recommended is _G.NOTHING and status.evidence.smoke_test is None
    return _G.SMOKE_TEST if untested and status.capability is SendCapability.OK else recommended


def needs_person(status: LinkStatus) -> bool:
    """Whether the link will not come back without a person. A code that ran out is no failure: a person is awaited, as
    before; nor is a warning beside a yes."""
    warned = REASONS[status.reason].warns
    return status.state is LinkState.BLOCKED and status.reason is not Reason.QR_EXPIRED and not warned


def applies_to(provider: ProviderKind, reason: Reason) -> bool:
    """Whether a link of *provider* can be in a state because of *reason*."""
    return provider in REASONS[reason].providers


def forbids(status: LinkStatus, now: datetime) -> bool:
    """Whether *status* forbids the number, and has not expired at *now*."""
    over = status.reason is _R.TEMPORARY_BAN and status.until is not None and status.until <= now
    return status.state is LinkState.BLOCKED and status.reason in FORBIDDING and not over
