"""How far an archive is: a part, counted, and a bar."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from app.domain.backup import BackupPart, BackupProgress
from app.ui.conversations.words import number, size
from app.ui.text import texts
from app.ui.theme import SPACE_1

_FULL = 1000


class Moving(QWidget):
    """The bar stands for one part at a time; it moves without end while the total is not known."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: BackupProgress | None = None
        self._words = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._words.setProperty("role", "secondary")
        self.bar = QProgressBar(textVisible=False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE_1, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(self._words)
        column.addWidget(self.bar)
        self.hide()

    def show_progress(self, progress: BackupProgress | None) -> None:
        """None when there is nothing to measure."""
        self._shown = progress
        self.setVisible(progress is not None)
        if progress is not None:
            self._render(progress)

    def retranslate(self) -> None:
        self.show_progress(self._shown)

    def _render(self, progress: BackupProgress) -> None:
        said = number if progress.part is BackupPart.HISTORY else size  # messages; the rest are bytes
        known = {"part": texts(f"procedure.part.{progress.part}"), "done": said(progress.done)}
        if progress.total:
            self.bar.setRange(0, _FULL)
            self.bar.setValue(min(_FULL, _FULL * progress.done // progress.total))
            self._words.setText(texts("procedure.part_of", total=said(progress.total), **known))
        else:
            self.bar.setRange(0, 0)
            self._words.setText(texts("procedure.part_so_far", **known))
        self.bar.setAccessibleName(texts("procedure.bar"))
        self.bar.setAccessibleDescription(self._words.text())
