"""The keys of the window, and what the palette offers besides people and what can be done with them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence, QShortcut

from app.ui.places import SHORTCUTS
from app.ui.text import texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.ui.main_window import MainWindow
    from app.ui.palette.entries import Entry


def add_shortcuts(window: MainWindow) -> None:
    """Let *window* listen to its keys."""
    errands, look = window.errands, window.look
    for keys, do in (
        (QKeySequence.StandardKey.Find, window.begin_search),
        (QKeySequence.StandardKey.New, window.header.add_button.click),
        ("Ctrl+I", errands.import_people),
        ("Ctrl+K", errands.open_palette),
        ("Ctrl+L", look.switch_language),
        ("Ctrl++", partial(look.scale_text, +1)),
        ("Ctrl+=", partial(look.scale_text, +1)),
        ("Ctrl+-", partial(look.scale_text, -1)),
        ("Ctrl+0", partial(look.scale_text, 0)),
        ("Esc", window.body.close_drawer),
    ):
        QShortcut(QKeySequence(keys), window).activated.connect(do)
    for place, keys in SHORTCUTS.items():
        QShortcut(QKeySequence(keys), window).activated.connect(partial(window.go, place))


def commands(window: MainWindow) -> Sequence[Entry]:
    """What *window* itself can do, each with its keys."""
    from app.ui.palette.entries import command
    from app.ui.rail import ICONS

    errands, look = window.errands, window.look
    places = [
        command(texts(f"rail.{place}"), keys, ICONS[place], partial(window.go, place))
        for place, keys in SHORTCUTS.items()
    ]
    return [
        command(texts("list.add"), "Ctrl+N", "user-plus", errands.add),
        command(texts("list.import"), "Ctrl+I", "file", errands.import_people),
        *places,
        command(texts("palette.language"), "Ctrl+L", "globe", look.switch_language),
        command(texts("palette.larger"), "Ctrl++", "expand", partial(look.scale_text, +1)),
        command(texts("palette.smaller"), "Ctrl+-", "shrink", partial(look.scale_text, -1)),
    ]
