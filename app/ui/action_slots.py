"""Place and sign of each action: the pane's cards and the menu of a row have the same ones, in one order. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from app.core.action import ActionName, Refusal
from app.core.actions import Actions
from app.domain.mentorado import MentoradoId

_A = ActionName
Slot = tuple[ActionName, ...]
"""The first of its actions that fits is shown, or the last one locked."""

LEAD: Final[tuple[Slot, ...]] = (
    (_A.TRY_NOW,),
    (_A.NEW_CODE,),
    (_A.ACCEPT_ACCOUNT,),
    (_A.REJECT_ACCOUNT,),
    (_A.OVERRULE_LOCK,),
)
"""These belong to the lead card, which shows them only in their moment."""

CARDS: Final[tuple[Slot, ...]] = (
    (_A.DISCONNECT, _A.CANCEL, _A.CONNECT),
    (_A.RECOVER,),
    (_A.REAUTHENTICATE,),
    (_A.BACK_UP,),
)

MORE: Final[tuple[Slot, ...]] = (
    (_A.LIFT_BAN,),
    (_A.RESTORE,),
    (_A.DECIDE_QUEUE,),
    (_A.ENTER_CREDENTIALS,),
    (_A.REGISTER,),
    (_A.DEREGISTER,),
    (_A.BRING_BACK, _A.ARCHIVE),
)
"""Rarely needed: the pane keeps them folded away."""

_NOT_HERE: Final = frozenset(
    {
        Refusal.NO_CREDENTIALS,
        Refusal.NO_QUEUE,
        Refusal.NO_REGISTRATION,
        Refusal.NO_PAIRING,
        Refusal.NOTHING_FORBIDDEN,
    }
)
"""What this provider does not have at all, or nobody needs now, is left out, not locked."""

ICON_OF: Final = MappingProxyType(
    {
        _A.CONNECT: "zap",
        _A.TRY_NOW: "refresh",
        _A.NEW_CODE: "qr",
        _A.CANCEL: "x",
        _A.DISCONNECT: "log-out",
        _A.REAUTHENTICATE: "shield-check",
        _A.RECOVER: "activity",
        _A.BACK_UP: "download",
        _A.RESTORE: "archive-restore",
        _A.ENTER_CREDENTIALS: "key",
        _A.DECIDE_QUEUE: "message",
        _A.REGISTER: "check-circle",
        _A.DEREGISTER: "unlink",
        _A.ACCEPT_ACCOUNT: "user-check",
        _A.REJECT_ACCOUNT: "user-x",
        _A.LIFT_BAN: "check-circle",
        _A.OVERRULE_LOCK: "unlink",
        _A.ARCHIVE: "archive",
        _A.BRING_BACK: "archive-restore",
    }
)


@dataclass(frozen=True, slots=True)
class Fitting:
    """What a slot shows: an action, and why it is locked."""

    name: ActionName
    refused: Refusal | None


def fitting(slot: Slot, actions: Actions, mentorado_id: MentoradoId) -> Fitting | None:
    """What *slot* shows now; None when this mentorado's provider has nothing for it."""
    refusals = {name: actions.refusal(name, mentorado_id) for name in slot}
    name = next((name for name, refused in refusals.items() if refused is None), slot[-1])
    return None if refusals[name] in _NOT_HERE else Fitting(name, refusals[name])
