"""Shows a menu where somebody asked for it."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu


def pop_up(menu: QMenu, where: QPoint) -> None:
    """Show *menu* at *where* on the screen; it is gone for good when it closes."""
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(where)
