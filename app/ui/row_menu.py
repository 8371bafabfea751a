"""What can be done to one mentorado, as a menu: the pane's actions, in the pane's order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtWidgets import QMenu, QWidget

from app.core.action import ActionName
from app.core.actions import Actions
from app.domain.mentorado import MentoradoId
from app.ui import text
from app.ui.icons import icon
from app.ui.text import texts
from app.ui.theme import Theme

_ICON = 18

SLOTS: Final = (
    (ActionName.TRY_NOW,),
    (ActionName.NEW_CODE,),
    (ActionName.ACCEPT_ACCOUNT,),
    (ActionName.REJECT_ACCOUNT,),
    (ActionName.DISCONNECT, ActionName.CANCEL, ActionName.CONNECT),
    (ActionName.REAUTHENTICATE,),
    (ActionName.BRING_BACK, ActionName.ARCHIVE),
)
"""One entry each: the first action that fits, or the last one locked."""

_ONLY_WHEN_THEY_FIT: Final = 4
"""So many slots at the start belong to the lead card, which shows them only in their moment."""


def row_menu(
    parent: QWidget,
    theme: Theme,
    actions: Actions,
    mentorado_id: MentoradoId,
    *,
    perform: Callable[[ActionName, MentoradoId], None],
    edit: Callable[[MentoradoId], None],
) -> QMenu:
    """A menu for one row. What does not fit now stays in its place, locked, and says why."""
    from app.ui.detail_pane.action_card import ICON_OF

    colours = theme.tokens
    menu = QMenu(parent)
    menu.setToolTipsVisible(True)
    for place, slot in enumerate(SLOTS):
        refusals = {name: actions.refusal(name, mentorado_id) for name in slot}
        name = next((name for name, refused in refusals.items() if refused is None), slot[-1])
        why = refusals[name]
        if why is not None and place < _ONLY_WHEN_THEY_FIT:
            continue
        label, line = text.action(name)
        entry = menu.addAction(
            icon("lock" if why else ICON_OF[name], colours.text3 if why else colours.text2, _ICON), label
        )
        entry.setToolTip(text.refusal(why) if why else line)
        entry.setEnabled(why is None)
        if why:
            entry.setText(f"{label} · {text.refusal(why)}")
        entry.triggered.connect(partial(_call, perform, name, mentorado_id))
    menu.addSeparator()
    entry = menu.addAction(icon("edit", colours.text2, _ICON), texts("list.edit"))
    entry.triggered.connect(partial(_call, edit, mentorado_id))
    return menu


def _call(function: Callable[..., None], *arguments: object) -> None:
    """Call without the checked state that Qt appends."""
    function(*[argument for argument in arguments if not isinstance(argument, bool)])
