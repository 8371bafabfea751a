"""What somebody who cannot see the screen, or cannot use a mouse, finds in a window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QPushButton, QWidget


def controls(window: QWidget) -> list[QWidget]:
    """Everything on show that can be pressed or written into."""
    kinds = (QAbstractButton, QLineEdit)
    return [each for each in window.findChildren(QWidget) if isinstance(each, kinds) and each.isVisible()]


def spoken(control: QWidget) -> str:
    """The name that a screen reader says."""
    interface = QAccessible.queryAccessibleInterface(control)
    return interface.text(QAccessible.Text.Name) if interface else ""


def nameless(window: QWidget) -> list[QWidget]:
    return [each for each in controls(window) if not spoken(each).strip()]


def walked_by_arrows(control: QWidget) -> bool:
    """Whether Tab comes to one of its kind only, and the arrows lead to the others."""
    return bool(control.property("role") == "index")


def out_of_reach(window: QWidget) -> list[QWidget]:
    """Controls that could be pressed now, were it not that Tab never gets there."""
    can = (each for each in controls(window) if each.isEnabled() and not walked_by_arrows(each))
    return [each for each in can if not each.focusPolicy() & Qt.FocusPolicy.TabFocus]


def read_aloud(words: str) -> str:
    """*words* as they are read: where a line may not break makes no difference."""
    return words.replace("\u00a0", " ").replace("\u2011", "-")


def text_in(widget: QWidget) -> str:
    """Everything that is written in *widget* now."""
    shown = [each for each in widget.findChildren(QWidget) if each.isVisible()]
    return " | ".join(each.text() for each in shown if isinstance(each, (QLabel, QPushButton)))
