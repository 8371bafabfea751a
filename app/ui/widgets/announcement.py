"""What a screen reader says at once, wherever its user is in the window."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def announce(source: QWidget, words: str) -> None:
    """Let a screen reader say *words*; nothing where *source* cannot be seen, or nobody listens."""
    from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

    if words.strip() and QAccessible.isActive() and source.isVisible():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(source, words))
