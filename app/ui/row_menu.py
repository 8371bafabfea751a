"""What can be done to one mentorado, as a menu: the pane's actions, in the pane's order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from app.core.action import ActionName
from app.core.actions import Actions
from app.domain.mentorado import MentoradoId
from app.ui import text
from app.ui.action_slots import CARDS, ICON_OF, LEAD, MORE, fitting
from app.ui.icons import icon
from app.ui.text import texts
from app.ui.theme import Theme
from app.ui.words import plain_tip

_ICON = 18


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
    colours = theme.tokens
    menu = QMenu(parent)
    menu.setToolTipsVisible(True)
    for slot in (*LEAD, *CARDS, *MORE):
        shown = fitting(slot, actions, mentorado_id)
        if shown is None or (shown.refused is not None and slot in LEAD):
            continue
        name, why = shown.name, shown.refused
        label, line = text.action(name)
        entry = menu.addAction(
            icon("lock" if why else ICON_OF[name], colours.text3 if why else colours.text2, _ICON), label
        )
        entry.setToolTip(plain_tip(text.refusal(why) if why else line))
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
