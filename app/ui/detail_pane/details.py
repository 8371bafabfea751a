"""The codes support asks for, and a way to send them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.domain.connection import LinkStatus, Reason
from app.domain.mentorado import Link
from app.domain.set_aside import SetAsideCount
from app.ui.icons import icon
from app.ui.text import set_aside_count, texts
from app.ui.theme import SPACE_2, Theme

_ICON = 16


class SetAsideLines(QLabel):
    """What was delivered and not taken into the history: how much of what, why, and when last. Hidden while nothing."""

    def __init__(self) -> None:
        super().__init__(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._counts: Sequence[SetAsideCount] = ()
        self._today = date.min
        self.setProperty("role", "caption")
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.hide()

    def show_counts(self, counts: Sequence[SetAsideCount], today: date) -> None:
        self._counts, self._today = counts, today
        self.retranslate()

    def retranslate(self) -> None:
        lines = [texts.plural("aside.heading", sum(each.count for each in self._counts))]
        lines += [set_aside_count(each, self._today) for each in self._counts]
        lines.append(texts("aside.next"))
        self.setText("\n".join(lines))
        self.setVisible(bool(self._counts))


class Details(QWidget):
    """One line that can be selected; what is copied names the link too, but nobody: it leaves the house."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._copied = ""
        self._line = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._line.setProperty("role", "caption")
        self._line.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._copy = QPushButton()
        self._copy.setProperty("role", "quiet")
        self._copy.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._copied))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_2)
        layout.addWidget(self._line, 1)
        layout.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self.retranslate)
        self.retranslate()

    @property
    def line(self) -> QLabel:
        return self._line

    def show_details(self, link: Link, status: LinkStatus) -> None:
        codes = [str(status.state), *([str(status.reason)] if status.reason is not Reason.NONE else [])]
        detail = [status.detail] if status.detail and status.detail not in codes else []
        line = " · ".join([*codes, *detail])
        if line != self._line.text():  # a new text would drop what is selected
            self._line.setText(line)
        self._copied = f"{line} · {link.provider} · {link.id} · {status.since.isoformat(timespec='seconds')}"

    def retranslate(self) -> None:
        self._copy.setIcon(icon("copy", self._theme.tokens.text2, _ICON))
        self._copy.setAccessibleName(texts("detail.copy"))
        self._copy.setToolTip(texts("detail.copy"))
