"""Decides which actions are available for a link, and why not. All inputs are in an `ActionContext`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from app.domain.actions import ActionName, UnavailableReason
from app.domain.guidance import FORBIDDING, REASONS, RECOMMENDED_ACTION, ReasonSpec
from app.domain.link_status import LinkState, LinkStatus, Reason, SendCapability
from app.domain.mentorado import Mentorado
from app.domain.outbound import OutboundStop
from app.domain.procedure import Procedure, ProcedureKind
from app.domain.provider_descriptor import DESCRIPTORS, ProviderDescriptor
from app.domain.switch import SwitchItem, SwitchItemState

IN_PROGRESS = frozenset({LinkState.CONNECTING, LinkState.QR_READY})
IDLE = frozenset({LinkState.OFF, LinkState.BLOCKED})
LOST = frozenset({LinkState.RECONNECTING, LinkState.UNKNOWN})

NO_CONNECT = {
    LinkState.CONNECTED: UnavailableReason.ALREADY_CONNECTED,
    LinkState.CONNECTING: UnavailableReason.ON_ITS_WAY,
    LinkState.QR_READY: UnavailableReason.ON_ITS_WAY,
    LinkState.RECONNECTING: UnavailableReason.ON_ITS_WAY,
    LinkState.UNKNOWN: UnavailableReason.ON_ITS_WAY,  # its connection is open and asks; "check now" hurries it
}

_PAIRING = frozenset({ActionName.NEW_CODE, ActionName.REAUTHENTICATE, ActionName.RECOVER})

_ONE_AT_A_TIME = frozenset(
    {
        ActionName.RECOVER,
        ActionName.REAUTHENTICATE,
        ActionName.BACK_UP,
        ActionName.RESTORE,
        ActionName.ARCHIVE,
        ActionName.SWITCH_PROVIDER,
        ActionName.ROLL_BACK,
        ActionName.RELEASE_FORMER,
    }
)
_LINK_IS_TAKEN = frozenset({*_ONE_AT_A_TIME, ActionName.SMOKE_TEST, ActionName.CONNECT, ActionName.NEW_CODE})
"""What waits until a procedure is done or undone; how to go on with it is always offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionContext:
    """Everything the rules depend on, looked up once for all actions."""

    mentorado: Mentorado
    status: LinkStatus
    forbidden: LinkStatus | None  # what WhatsApp holds against the number, whatever the link looks like now
    retry_requested: bool  # the next try of the link was already hurried
    account_taken: bool  # the account that signed in is another mentorado's
    procedure: Procedure | None  # the one that is not finished
    incident: bool  # of the link's provider
    stop: OutboundStop | None = None  # why nothing is sent from the number
    stopped_beside: bool = False  # nothing can be sent over a link beside the one in use
    switch: SwitchItem | None = None  # the switch of its provider that is not settled
    handled_by: str | None = None  # the operator who is on it
    operator: str = ""  # the one at the keyboard, where somebody is on it


def availability(context: ActionContext) -> dict[ActionName, UnavailableReason | None]:
    """Why each action cannot be done now, or None when it can."""
    if context.mentorado.archived_at is not None:
        archived = dict.fromkeys(ActionName, UnavailableReason.ARCHIVED)
        return {**archived, ActionName.BRING_BACK: None}
    return {name: _unavailable_reason(name, context) for name in ActionName}


def _unavailable_reason(name: ActionName, context: ActionContext) -> UnavailableReason | None:
    if why := RULES[name](context):
        return why
    if name in _blocked_by_procedure(context):
        return UnavailableReason.UNDER_WAY
    return incident_lock(name, context)


def _blocked_by_procedure(context: ActionContext) -> frozenset[ActionName]:
    """Refuse actions that would interfere with the active procedure."""
    if context.procedure is None:
        return frozenset()
    return _ONE_AT_A_TIME if context.procedure.head.kind is ProcedureKind.BACKUP else _LINK_IS_TAKEN


def incident_lock(name: ActionName, context: ActionContext) -> UnavailableReason | None:
    """During an incident nobody is paired: the trouble is not theirs, and a new code would only be one more."""
    shows_code = name in _PAIRING or (name is ActionName.CONNECT and context.mentorado.link.account is None)
    return UnavailableReason.INCIDENT if shows_code and context.incident else None


def pairing_blocked(context: ActionContext) -> UnavailableReason | None:
    """Why a new code would do harm."""
    if _suspended(context):
        return UnavailableReason.SUSPENDED
    return _reason(context).no_pairing if context.status.state is LinkState.BLOCKED else None


def _reason(context: ActionContext) -> ReasonSpec:
    return REASONS[context.status.reason]


def _suspended(context: ActionContext) -> bool:
    return context.forbidden is not None and context.forbidden.reason is Reason.TEMPORARY_BAN


def _connect(context: ActionContext) -> UnavailableReason | None:
    status = context.status
    if status.state in IDLE and context.forbidden is not None:
        return FORBIDDING[context.forbidden.reason]
    if status.state is LinkState.BLOCKED:
        gone = UnavailableReason.NEEDS_NEW_CODE if _reason(context).keys_gone else None
        return _reason(context).no_connect or gone
    return NO_CONNECT.get(status.state)


def _try_now(context: ActionContext) -> UnavailableReason | None:
    if context.status.state not in LOST:
        return UnavailableReason.NOT_LOST
    return UnavailableReason.ALREADY_HURRIED if context.retry_requested else None


def _new_code(context: ActionContext) -> UnavailableReason | None:
    ended = RECOMMENDED_ACTION[_reason(context).blocked] is ActionName.NEW_CODE
    if context.status.state is not LinkState.BLOCKED or not ended:
        return UnavailableReason.NO_EXPIRED_CODE
    return UnavailableReason.SUSPENDED if _suspended(context) else None


def _cancel(context: ActionContext) -> UnavailableReason | None:
    return None if context.status.state in IN_PROGRESS else UnavailableReason.NOTHING_TO_CANCEL


def _disconnect(context: ActionContext) -> UnavailableReason | None:
    running = context.status.state in (LinkState.CONNECTED, LinkState.RECONNECTING, LinkState.UNKNOWN)
    return None if running else UnavailableReason.NOT_RUNNING


def _recover(context: ActionContext) -> UnavailableReason | None:
    status = context.status
    if why := _no_pairing(context):
        return why
    if status.state is LinkState.BLOCKED:
        return _reason(context).no_connect or _reauthenticate(context)
    return None if status.state in LOST else UnavailableReason.NOTHING_TO_RECOVER


def _reauthenticate(context: ActionContext) -> UnavailableReason | None:
    if why := _no_pairing(context) or pairing_blocked(context):
        return why
    status = context.status
    if context.mentorado.link.account is None and status.state is LinkState.OFF:
        return UnavailableReason.NEVER_PAIRED
    if status.state is LinkState.CONNECTED and _provider(context).keeps_session:
        return None  # its session is kept here, and connects again where the new code is not scanned
    return None if status.state in IDLE else NO_CONNECT.get(status.state)


def _no_pairing(context: ActionContext) -> UnavailableReason | None:
    """A number that is registered, not paired, has no session to recover by a code."""
    return None if _provider(context).pairs_by_code else UnavailableReason.NO_PAIRING


def _provider(context: ActionContext) -> ProviderDescriptor:
    return DESCRIPTORS[context.mentorado.link.provider]


def _always(_context: ActionContext) -> UnavailableReason | None:
    return None


def _when_idle(context: ActionContext) -> UnavailableReason | None:
    return None if context.status.state in IDLE else UnavailableReason.STILL_RUNNING


def _credentials(context: ActionContext) -> UnavailableReason | None:
    return None if _provider(context).fields else UnavailableReason.NO_CREDENTIALS


def _queue(context: ActionContext) -> UnavailableReason | None:
    return None if _provider(context).has_queue else UnavailableReason.NO_QUEUE


def _registration(context: ActionContext) -> UnavailableReason | None:
    return None if _provider(context).registers_numbers else UnavailableReason.NO_REGISTRATION


def _accept_account(context: ActionContext) -> UnavailableReason | None:
    return _other_account(context) or (UnavailableReason.NUMBER_TAKEN if context.account_taken else None)


def _other_account(context: ActionContext) -> UnavailableReason | None:
    waits = context.status.state is LinkState.BLOCKED and context.status.reason is Reason.WRONG_ACCOUNT
    return None if waits else UnavailableReason.NO_OTHER_ACCOUNT


def _lift_ban(context: ActionContext) -> UnavailableReason | None:
    if context.forbidden is None:
        return UnavailableReason.NOTHING_FORBIDDEN
    return None if context.status.state in IDLE else NO_CONNECT[context.status.state]


def _overrule_lock(context: ActionContext) -> UnavailableReason | None:
    status = context.status
    held = status.state is LinkState.BLOCKED and status.reason is Reason.SESSION_HELD_ELSEWHERE
    return None if held else UnavailableReason.NO_UNPROVEN_LOCK


def _smoke_test(context: ActionContext) -> UnavailableReason | None:
    if context.status.state is not LinkState.CONNECTED:
        return UnavailableReason.NOT_CONNECTED
    if context.stop is not None:
        return UnavailableReason.SENDING_STOPPED
    restricted = context.status.capability in (SendCapability.RESTRICTED, SendCapability.BLOCKED)
    return UnavailableReason.SEND_RESTRICTED if restricted else None


def _release_sending(context: ActionContext) -> UnavailableReason | None:
    return None if context.stop is not None or context.stopped_beside else UnavailableReason.NOTHING_STOPPED


def _keeps_former(context: ActionContext) -> bool:
    return context.switch is not None and context.switch.state is SwitchItemState.SWITCHED


def _switch_provider(context: ActionContext) -> UnavailableReason | None:
    """A switch that waits or runs is no reason here: it asks this rule too, and the dry run reports it."""
    return UnavailableReason.RELEASE_FORMER_FIRST if _keeps_former(context) else None


def _when_switched(context: ActionContext) -> UnavailableReason | None:
    return None if _keeps_former(context) else UnavailableReason.NO_FORMER_PROVIDER


def _handle(context: ActionContext) -> UnavailableReason | None:
    if context.handled_by is not None and context.handled_by == context.operator:
        return UnavailableReason.ALREADY_HANDLED
    return None if context.status.state is LinkState.BLOCKED or context.handled_by else UnavailableReason.NEEDS_NOBODY


def _give_up(context: ActionContext) -> UnavailableReason | None:
    return None if context.handled_by is not None else UnavailableReason.NOBODY_IS_ON_IT


def _archive(context: ActionContext) -> UnavailableReason | None:
    why = _when_idle(context) or _switch_provider(context)
    return why or (None if context.switch is None else UnavailableReason.SWITCH_UNDER_WAY)


def _not_archived(_context: ActionContext) -> UnavailableReason | None:
    return UnavailableReason.NOT_ARCHIVED  # `availability` asks no rule about one who is


RULES: Final[Mapping[ActionName, Callable[[ActionContext], UnavailableReason | None]]] = MappingProxyType(
    {
        ActionName.SMOKE_TEST: _smoke_test,
        ActionName.CONNECT: _connect,
        ActionName.TRY_NOW: _try_now,
        ActionName.NEW_CODE: _new_code,
        ActionName.CANCEL: _cancel,
        ActionName.DISCONNECT: _disconnect,
        ActionName.RECOVER: _recover,
        ActionName.REAUTHENTICATE: _reauthenticate,
        ActionName.BACK_UP: _always,
        ActionName.RESTORE: _when_idle,
        ActionName.ENTER_CREDENTIALS: _credentials,
        ActionName.DECIDE_QUEUE: _queue,
        ActionName.REGISTER: _registration,
        ActionName.DEREGISTER: _registration,
        ActionName.ACCEPT_ACCOUNT: _accept_account,
        ActionName.REJECT_ACCOUNT: _other_account,
        ActionName.LIFT_BAN: _lift_ban,
        ActionName.OVERRULE_LOCK: _overrule_lock,
        ActionName.RELEASE_SENDING: _release_sending,
        ActionName.SWITCH_PROVIDER: _switch_provider,
        ActionName.ROLL_BACK: _when_switched,
        ActionName.RELEASE_FORMER: _when_switched,
        ActionName.TROUBLESHOOT: _always,
        ActionName.HANDLE: _handle,
        ActionName.GIVE_UP: _give_up,
        ActionName.ARCHIVE: _archive,
        ActionName.BRING_BACK: _not_archived,
    }
)
"""The rule of each action about the link itself; a procedure or an incident can block any action."""
