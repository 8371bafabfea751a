"""The head of the pane: who this is, and a way to correct it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.domain.mentorado import Mentorado
from app.domain.phone import readable
from app.ui.icons import icon
from app.ui.text import texts
from app.ui.theme import SPACE_1, SPACE_4, TEXT_HEADING, Theme
from app.ui.words import Words

AVATAR_SIDE = 52
_ICON = 18


def initials(name: str) -> str:
    """The first letters of the first and the last name."""
    words = name.split()
    ends = words[:1] + words[1:][-1:]
    return "".join(word[0] for word in ends).upper()


class _Avatar(QWidget):
    """Initials in the person's own colours; the name beside it says who it is."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._mentorado: Mentorado | None = None
        self.setFixedSize(AVATAR_SIDE, AVATAR_SIDE)
        theme.changed.connect(self.update)

    def show_mentorado(self, mentorado: Mentorado) -> None:
        self._mentorado = mentorado
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._mentorado is None:
            return
        colours = self._theme.tokens.avatar(self._mentorado.id)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.bg))
        painter.drawEllipse(QRectF(self.rect()))
        font = self._theme.font(TEXT_HEADING, QFont.Weight.DemiBold)
        font.setPixelSize(min(font.pixelSize(), AVATAR_SIDE // 2 - 4))  # the circle does not grow with the text
        painter.setFont(font)
        painter.setPen(QColor(colours.fg))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, initials(self._mentorado.name))
        painter.end()


class Who(QWidget):
    """Avatar, name, number, cohort, and the button that edits them; *back_requested* where the pane is a drawer."""

    edit_requested = Signal()
    back_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._avatar = _Avatar(theme)
        self._name = Words(theme, TEXT_HEADING, QFont.Weight.DemiBold)
        self._number, self._cohort = (QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText) for _ in range(2))
        self._number.setProperty("role", "secondary")
        self._number.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._cohort.setProperty("role", "caption")
        self._edit = self._icon_button()
        self._edit.clicked.connect(self.edit_requested)
        self._back = self._icon_button()
        self._back.clicked.connect(self.back_requested)
        self._back.hide()

        words = QVBoxLayout()
        words.setSpacing(SPACE_1 // 2)
        words.addStretch(1)
        for label in (self._name, self._number, self._cohort):
            words.addWidget(label)
        words.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4 - 2)
        layout.addWidget(self._back, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._avatar, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        layout.addWidget(self._edit, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self.retranslate)
        self.retranslate()

    def show_mentorado(self, mentorado: Mentorado) -> None:
        self._avatar.show_mentorado(mentorado)
        self._name.setText(mentorado.name)
        self._number.setText(readable(mentorado.phone))
        self._cohort.setText(mentorado.cohort)
        self._cohort.setVisible(bool(mentorado.cohort))

    def set_back_visible(self, visible: bool) -> None:
        self._back.setVisible(visible)

    def retranslate(self) -> None:
        colour = self._theme.tokens.text2
        for button, name, words in ((self._edit, "edit", "detail.edit"), (self._back, "arrow-left", "detail.back")):
            button.setIcon(icon(name, colour, _ICON))
            button.setToolTip(texts(words))
            button.setAccessibleName(texts(words))

    def _icon_button(self) -> QPushButton:
        button = QPushButton()
        button.setProperty("role", "quiet")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        return button
