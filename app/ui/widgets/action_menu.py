"""The menu of actions on one mentorado, in the pane's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QWidget

from app.domain.actions import ActionName, UnavailableReason
from app.domain.mentorado import MentoradoId
from app.text import status as status_text
from app.text.signs import ACTION_ICON
from app.text.status import texts
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import plain_tip

if TYPE_CHECKING:
    from app.core.actions import ActionService


def pop_up(menu: QMenu, where: QPoint) -> None:
    """Show *menu* at *where* on the screen; it is gone for good when it closes."""
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(where)


_A = ActionName
Slot = tuple[ActionName, ...]
"""The first of its actions that fits is shown, or the last one locked."""

LEAD: Final[tuple[Slot, ...]] = (
    (_A.TRY_NOW,),
    (_A.NEW_CODE,),
    (_A.ACCEPT_ACCOUNT,),
    (_A.REJECT_ACCOUNT,),
    (_A.OVERRULE_LOCK,),
    (_A.RELEASE_SENDING,),
    (_A.HANDLE,),
    (_A.GIVE_UP,),
    (_A.ROLL_BACK,),
    (_A.RELEASE_FORMER,),
)
"""These belong to cards of their own, which show them only in their moment."""

CARDS: Final[tuple[Slot, ...]] = (
    (_A.SMOKE_TEST,),
    (_A.CONNECT,),
    (_A.REAUTHENTICATE,),
    (_A.SWITCH_PROVIDER,),
    (_A.RECOVER,),
    (_A.CANCEL,),
)
"""None changes its meaning under the pointer: whoever presses *connect* twice does not give it up. What comes and goes
is the last."""

RISKY: Final = frozenset({_A.SWITCH_PROVIDER})
"""Their tile is red."""

MORE: Final[tuple[Slot, ...]] = (
    (_A.BACK_UP,),
    (_A.RESTORE,),
    (_A.DISCONNECT,),
    (_A.TROUBLESHOOT,),
    (_A.LIFT_BAN,),
    (_A.DECIDE_QUEUE,),
    (_A.ENTER_CREDENTIALS,),
    (_A.REGISTER,),
    (_A.DEREGISTER,),
    (_A.BRING_BACK, _A.ARCHIVE),
)
"""Rarely needed: the pane keeps them folded away."""

_NOT_HERE: Final = frozenset(
    {
        UnavailableReason.NO_CREDENTIALS,
        UnavailableReason.NO_QUEUE,
        UnavailableReason.NO_REGISTRATION,
        UnavailableReason.NO_PAIRING,
        UnavailableReason.NOTHING_FORBIDDEN,
        UnavailableReason.NOTHING_TO_CANCEL,
    }
)
"""What this provider does not have at all, or nobody needs now, is left out, not locked."""


@dataclass(frozen=True, slots=True)
class SlotState:
    """The action in a slot, and why it is unavailable."""

    name: ActionName
    refused: UnavailableReason | None


Availability = Mapping[ActionName, UnavailableReason | None]
"""Why each action cannot be done now."""


def resolve_slots(slots: Iterable[Slot], availability: Availability) -> list[SlotState | None]:
    """Resolve each of *slots* to its action; None when the provider has none."""
    return [_resolve(slot, availability) for slot in slots]


def _resolve(slot: Slot, availability: Availability) -> SlotState | None:
    if not slot:
        return None
    name = next((name for name in slot if availability[name] is None), slot[-1])
    return None if availability[name] in _NOT_HERE else SlotState(name, availability[name])


_ICON = 18


def row_menu(
    parent: QWidget,
    theme: Theme,
    actions: ActionService,
    mentorado_id: MentoradoId,
    *,
    perform: Callable[[ActionName, MentoradoId], None],
    edit: Callable[[MentoradoId], None],
    consents: Callable[[MentoradoId], None],
) -> QMenu:
    """The menu of one row. Unavailable actions are disabled and say why."""
    colours, side = theme.tokens, theme.px(_ICON)
    menu = QMenu(parent)
    menu.setToolTipsVisible(True)
    slots = (*LEAD, *CARDS, *MORE)
    for slot, shown in zip(slots, resolve_slots(slots, actions.availability(mentorado_id)), strict=True):
        if shown is None or (shown.refused is not None and slot in LEAD):
            continue
        name, why = shown.name, shown.refused
        label, line = status_text.action(name)
        entry = menu.addAction(
            icon("lock" if why else ACTION_ICON[name], colours.text3 if why else colours.text2, side), label
        )
        entry.setToolTip(plain_tip(status_text.refusal(why) if why else line))
        entry.setEnabled(why is None)
        if why:
            entry.setText(f"{label} · {status_text.refusal(why)}")
        entry.triggered.connect(partial(_call, perform, name, mentorado_id))
    menu.addSeparator()
    entry = menu.addAction(icon("user-check", colours.text2, side), texts("detail.consents"))
    entry.triggered.connect(partial(_call, consents, mentorado_id))
    entry = menu.addAction(icon("edit", colours.text2, side), texts("list.edit"))
    entry.triggered.connect(partial(_call, edit, mentorado_id))
    return menu


def _call(function: Callable[..., None], *arguments: object) -> None:
    """Call without the checked state that Qt appends."""
    function(*[argument for argument in arguments if not isinstance(argument, bool)])
