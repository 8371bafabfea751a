"""Sees the window as it stands on the screen: for pictures, and for phones that read its codes."""

from __future__ import annotations

from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from app.ui.dialogs.sheet import Sheet
from tests.ui.detail.codes import decode


def photograph(window: QWidget) -> QImage:
    """The window's pixels, and those of a sheet that lies over it."""
    picture = window.grab()
    painter = QPainter(picture)
    for sheet in window.findChildren(Sheet):
        if sheet.isVisible():
            painter.drawPixmap(window.mapFromGlobal(sheet.pos()), sheet.grab())
    painter.end()
    return picture.toImage()


def read_codes(window: QWidget) -> list[str]:
    """What a phone's camera reads from the window's pixels."""
    return decode(photograph(window))
