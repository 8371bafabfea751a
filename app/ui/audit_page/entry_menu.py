"""What can be done with one entry of the audit, as a menu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QMenu, QWidget

from app.domain.mentorado import MentoradoId
from app.ui.audit_page.model import Line
from app.ui.icons import icon
from app.ui.text import texts
from app.ui.theme import Theme

_ICON = 18


def entry_menu(
    parent: QWidget,
    theme: Theme,
    line: Line,
    *,
    show: Callable[[Line], None],
    only: Callable[[MentoradoId], None],
) -> QMenu:
    """Look at it whole, or at everything that was done to the same mentorado."""
    menu, deed, colours = QMenu(parent), line.entry.deed, theme.tokens
    menu.addAction(icon("ledger", colours.text2, _ICON), texts("audit.entry.open")).triggered.connect(
        lambda: show(line)
    )
    mentorado_id = deed.mentorado_id
    if mentorado_id is not None:
        name = deed.subject.replace("&", "&&")  # else a menu takes it for the key of the letter behind it
        narrow = menu.addAction(icon("filter", colours.text2, _ICON), texts("audit.entry.only", name=name))
        narrow.triggered.connect(lambda: only(mentorado_id))
    return menu
