"""The menu of the look: light or dark, and how large the words are."""

from __future__ import annotations

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.ui.text import texts
from app.ui.theme import SCALES, Mode, Theme


def look_menu(parent: QWidget, theme: Theme) -> QMenu:
    """A menu that changes *theme* at once."""
    menu = QMenu(parent)
    modes = QActionGroup(menu)
    for mode in Mode:
        entry = menu.addAction(texts(f"window.mode.{mode}"))
        entry.setCheckable(True)
        entry.setChecked(theme.mode is mode)
        entry.triggered.connect(lambda _checked=False, mode=mode: theme.set_mode(mode))
        modes.addAction(entry)
    menu.addSeparator()
    sizes = QActionGroup(menu)
    for percent in SCALES:
        entry = menu.addAction(texts("window.text_size", percent=percent))
        entry.setCheckable(True)
        entry.setChecked(theme.text_scale == percent)
        entry.triggered.connect(lambda _checked=False, percent=percent: theme.set_text_scale(percent))
        sizes.addAction(entry)
    return menu
