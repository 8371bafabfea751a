"""The things a person can do to a mentorado, by name, and why one cannot be done now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from app.domain.mentorado import Mentorado, MentoradoId


class ActionName(StrEnum):
    """Stable names: words, icons and shortcuts are chosen by them."""

    SMOKE_TEST = "smoke_test"
    CONNECT = "connect"
    TRY_NOW = "try_now"
    NEW_CODE = "new_code"
    CANCEL = "cancel"  # a connection that is still being made
    DISCONNECT = "disconnect"
    RECOVER = "recover"  # the guided recovery, step by step
    REAUTHENTICATE = "reauthenticate"
    BACK_UP = "back_up"
    RESTORE = "restore"
    ENTER_CREDENTIALS = "enter_credentials"
    DECIDE_QUEUE = "decide_queue"
    REGISTER = "register"
    DEREGISTER = "deregister"
    ACCEPT_ACCOUNT = "accept_account"
    REJECT_ACCOUNT = "reject_account"
    LIFT_BAN = "lift_ban"  # WhatsApp released the number again, a person says
    OVERRULE_LOCK = "overrule_lock"  # of a program that may or may not be running elsewhere
    RELEASE_SENDING = "release_sending"  # let a number send again that was stopped
    SWITCH_PROVIDER = "switch_provider"
    ROLL_BACK = "roll_back"  # to the former provider
    RELEASE_FORMER = "release_former"  # the former provider is let go
    TROUBLESHOOT = "troubleshoot"  # a guided check of what is wrong
    HANDLE = "handle"  # the person at the keyboard is on it
    GIVE_UP = "give_up"  # nobody is on it any more
    ARCHIVE = "archive"
    BRING_BACK = "bring_back"


class UnavailableReason(StrEnum):
    """Why an action cannot be done now."""

    ALREADY_CONNECTED = "already_connected"
    ON_ITS_WAY = "on_its_way"
    NOT_RUNNING = "not_running"
    NOTHING_TO_CANCEL = "nothing_to_cancel"
    NOT_LOST = "not_lost"
    ALREADY_HURRIED = "already_hurried"
    NEVER_PAIRED = "never_paired"
    NO_EXPIRED_CODE = "no_expired_code"
    NEEDS_NEW_CODE = "needs_new_code"  # no session is left to connect with
    NO_OTHER_ACCOUNT = "no_other_account"
    NO_UNPROVEN_LOCK = "no_unproven_lock"
    NUMBER_TAKEN = "number_taken"  # it is another mentorado's
    DECIDE_ACCOUNT_FIRST = "decide_account_first"
    SUSPENDED = "suspended"
    BANNED = "banned"
    NOTHING_FORBIDDEN = "nothing_forbidden"  # by WhatsApp, as far as is known
    OUTDATED = "outdated"
    IN_USE_ELSEWHERE = "in_use_elsewhere"
    STILL_RUNNING = "still_running"
    ARCHIVED = "archived"
    NOT_ARCHIVED = "not_archived"
    NOTHING_TO_RECOVER = "nothing_to_recover"
    UNDER_WAY = "under_way"  # a procedure of this mentorado
    NO_CREDENTIALS = "no_credentials"  # this provider asks for none
    DECIDE_QUEUE_FIRST = "decide_queue_first"
    FIX_ACCESS_FIRST = "fix_access_first"  # credentials, their place, or the bill
    NO_QUEUE = "no_queue"
    NO_REGISTRATION = "no_registration"
    NO_PAIRING = "no_pairing"  # this provider knows no codes
    CONNECTED_BEFORE = "connected_before"  # through the provider it has, which is not exchanged here
    NOT_CONNECTED = "not_connected"
    SEND_RESTRICTED = "send_restricted"  # by WhatsApp: no new conversation may be begun
    SENDING_STOPPED = "sending_stopped"  # by what the provider answered, until a person releases it
    NOTHING_STOPPED = "nothing_stopped"
    SWITCH_UNDER_WAY = "switch_under_way"
    RELEASE_FORMER_FIRST = "release_former_first"  # a switch is not settled: its former provider is still signed in
    NO_FORMER_PROVIDER = "no_former_provider"
    AWAITS_SECOND_PERSON = "awaits_second_person"  # who must approve a switch first
    NEEDS_NOBODY = "needs_nobody"
    ALREADY_HANDLED = "already_handled"  # by the person at the keyboard
    NOBODY_IS_ON_IT = "nobody_is_on_it"
    SOMEBODY_IS_PAIRED = "somebody_is_paired"  # else: a connection that works is not ended to wait for a turn
    INCIDENT = "incident"  # many links fell together; can be overridden with a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action a person can run. Without *perform* it needs more than a confirmation: a dialog calls the service that
    performs and audits it, after `ActionService.require`."""

    name: ActionName
    perform: Callable[[MentoradoId], Awaitable[None]] | None = None
    needs_confirmation: bool = False
    recorded: bool = False  # *perform* changes the database alone, and its audit entry with it


Confirm = Callable[[ActionName, Mentorado], Awaitable[bool]]


async def already_sure(_name: ActionName, _mentorado: Mentorado) -> bool:
    """A `Confirm` for what a person has agreed to before, such as by the arguments of a command."""
    return True
