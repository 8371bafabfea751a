"""Where staff type what they look for in conversations, and choose whether in one mentorado's or in everybody's."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.conversations.tabs import Tabs
from app.ui.mentorado_list.search_field import SearchField
from app.ui.text import texts
from app.ui.theme import SPACE_1, Theme

TYPED_MILLISECONDS = 140
"""So long after the last key the search begins; people type faster than that."""
_SCOPE_HEIGHT = 32


class _Field(SearchField):
    """The window's search field with other words."""

    def retranslate(self) -> None:
        super().retranslate()
        self.setPlaceholderText(texts("conversation.search"))
        self.setAccessibleName(texts("conversation.search"))
        self.setToolTip(texts("conversation.search_tip"))


class SearchBar(QWidget):
    """Asks for a search once typing pauses."""

    asked = Signal()
    cleared = Signal()
    left_downwards = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = _Field(theme)
        self.scope = Tabs(theme, height=_SCOPE_HEIGHT)
        self.scope.show_words("", "")
        self.scope.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_1)
        layout.addWidget(self.field)
        layout.addWidget(self.scope)
        self._pause = QTimer(self, singleShot=True, interval=TYPED_MILLISECONDS)
        self._pause.timeout.connect(self.asked)
        self.field.textChanged.connect(self._on_text)
        self.field.left_downwards.connect(self.left_downwards)
        self.field.returnPressed.connect(self._ask_now)
        self.scope.currentChanged.connect(self._ask_now)
        self.retranslate()

    @property
    def typed(self) -> str:
        return self.field.text()

    @property
    def everywhere(self) -> bool:
        return self.scope.currentIndex() == 1

    def set_everywhere(self, everywhere: bool) -> None:
        self.scope.setCurrentIndex(int(everywhere))

    def retranslate(self) -> None:
        self.field.retranslate()
        self.scope.show_words(texts("conversation.scope_here"), texts("conversation.scope_everywhere"))
        self.scope.setAccessibleName(texts("conversation.scope"))

    def _on_text(self, typed: str) -> None:
        self.scope.setVisible(bool(typed.strip()))
        if typed.strip():
            self._pause.start()
        else:
            self._pause.stop()
            self.cleared.emit()

    def _ask_now(self, *_signal_args: object) -> None:
        self._pause.stop()
        if self.typed.strip():
            self.asked.emit()
