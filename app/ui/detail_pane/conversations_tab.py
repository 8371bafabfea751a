"""The conversations, beside the summary of the pane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.domain.mentorado import MentoradoId
from app.ui.theme.theme import SPACE_6

if TYPE_CHECKING:
    from app.ui.conversations.panel import ConversationsPanel


class ConversationsTab(QWidget):
    """Makes the conversations when they are first looked at; an open one takes the head's room too."""

    def __init__(self, make: Callable[[], ConversationsPanel]) -> None:
        super().__init__()
        self._make = make
        self._mentorado_id: MentoradoId | None = None
        self._head: QWidget | None = None
        self.panel: ConversationsPanel | None = None
        self._top = QVBoxLayout()
        self._top.setContentsMargins(SPACE_6 - 1, SPACE_6, SPACE_6, 0)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(1, 0, 0, 0)  # the line at the pane's edge
        self._column.setSpacing(0)
        self._column.addLayout(self._top)

    def take_head(self, head: QWidget) -> None:
        """Show the conversations under *head*."""
        self._head = head
        self._top.addWidget(head)
        if self.panel is None:
            self.panel = panel = self._make()
            panel.thread_opened.connect(self._on_thread)
            panel.show_mentorado(self._mentorado_id)
            self._column.addWidget(panel, 1)
        self._on_thread(self.panel.in_thread)

    def give_head(self) -> None:
        """The head is needed elsewhere now."""
        if self._head is not None:
            self._head.show()

    def show_mentorado(self, mentorado_id: MentoradoId | None) -> None:
        self._mentorado_id = mentorado_id
        if self.panel is not None:
            self.panel.show_mentorado(mentorado_id)

    def leave_wide(self) -> None:
        """Have the open conversation here again."""
        if self.panel is not None:
            self.panel.leave_wide()

    def _on_thread(self, is_open: bool) -> None:
        if self._head is not None:
            self._head.setVisible(not is_open)
        self._top.setContentsMargins(SPACE_6 - 1, 0 if is_open else SPACE_6, SPACE_6, 0)
