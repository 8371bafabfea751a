"""Which provider carries somebody's messages: chosen in the form, or said with the reason why it is not."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.core.action import Refusal
from app.domain.mentorado import ProviderKind
from app.ui.choice import Choice
from app.ui.text import provider, refusal, texts
from app.ui.theme import SPACE_1, Theme


class ProviderField(QWidget):
    """One line says what the chosen one is; the rest is a comparison away."""

    changed = Signal()
    compare_wanted = Signal()

    def __init__(
        self, theme: Theme, kinds: Sequence[ProviderKind], chosen: ProviderKind, locked: Refusal | None = None
    ) -> None:
        super().__init__()
        self._chosen = chosen
        label = QLabel(texts("dialog.provider"), textFormat=Qt.TextFormat.PlainText)
        label.setProperty("role", "secondary")
        self._line = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._line.setProperty("role", "secondary")
        self.choice = Choice(theme, kinds)
        self.choice.say(label.text(), [provider(kind) for kind in kinds])
        self.choice.choose(chosen)
        self.choice.picked.connect(self._pick)
        self.compare = QPushButton(texts("dialog.compare"), autoDefault=False)
        self.compare.setProperty("role", "link")
        self.compare.clicked.connect(self.compare_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1 + 2)
        head = QHBoxLayout()
        head.addWidget(label, 1)
        column.addLayout(head)
        if locked is None:
            head.addWidget(self.compare)
            column.addWidget(self.choice)
            column.addWidget(self._line)
            self._say()
        else:
            name = QLabel(provider(chosen), textFormat=Qt.TextFormat.PlainText)
            column.addWidget(name)
            column.addWidget(self._line)
            self._line.setText(f"{refusal(locked)}.")
            self.choice.setParent(None)
            self.compare.setParent(None)

    @property
    def chosen(self) -> ProviderKind:
        return self._chosen

    def _pick(self, kind: ProviderKind) -> None:
        self._chosen = kind
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        self._line.setText(texts(f"dialog.provider_line.{self._chosen}"))
