"""An icon in a circle with words: for a place that is empty, and for how something ended."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QWidget

from app.text.signs import Tone
from app.ui.theme import tokens as t
from app.ui.theme.icons import paint_icon_circle
from app.ui.theme.theme import SPACE_1, SPACE_3, SPACE_4, TEXT_BODY, TEXT_NAME, Theme
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.split_view import scrolled

_CIRCLE = 64
_ICON = 28
_SIGN, _SIGN_ICON = 32, 16


class IconCircle(QWidget):
    """An icon in a circle, in soft accent colours or in those of a *tone*; with *scales* it grows with the text.

    Decoration: the words beside it say the same.
    """

    def __init__(
        self,
        theme: Theme,
        icon_name: str,
        side: int = _CIRCLE,
        icon_side: int = _ICON,
        *,
        tone: Tone | None = None,
        scales: bool = False,
    ) -> None:
        super().__init__()
        self._theme = theme
        self._icon, self._tone = icon_name, tone
        self._side, self._icon_side, self._scales = side, icon_side, scales
        theme.changed.connect(self._rescale)
        self._rescale()

    def show_icon(self, icon_name: str, tone: Tone | None = None) -> None:
        self._icon, self._tone = icon_name, tone
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        soft = t.BadgeColours(fg=tokens.on_accent_soft, bg=tokens.accent_soft)
        colours = soft if self._tone is None else tokens.badge[self._tone]
        painter = QPainter(self)
        paint_icon_circle(painter, QRectF(self.rect()), colours, self._icon, self._px(self._icon_side))
        painter.end()

    def _rescale(self) -> None:
        self.setFixedSize(self._px(self._side), self._px(self._side))
        self.update()

    def _px(self, pixels: int) -> int:
        return self._theme.px(pixels) if self._scales else pixels


class Notice(QWidget):
    """Centred, for places that would otherwise be empty."""

    def __init__(self, theme: Theme, icon_name: str) -> None:
        super().__init__()
        self._circle = IconCircle(theme, icon_name)
        self._title = ScaledLabel(theme, TEXT_NAME, QFont.Weight.DemiBold)
        self._line = text_label(role="secondary")
        layout = vbox(inside=self, margins=(SPACE_3, SPACE_4, SPACE_3, SPACE_1), spacing=SPACE_1)
        layout.addWidget(self._circle, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(SPACE_3)
        for label in (self._title, self._line):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            layout.addWidget(label)

    def show_notice(self, icon_name: str, title: str, line: str) -> None:
        self._circle.show_icon(icon_name)
        self._title.setText(title)
        self._line.setText(line)


_DISC = 64
_EMPTY_ICON = 26


class EmptyState(QWidget):
    """An icon, a title, a sentence, one button unless its words are empty, perhaps others below it. It scrolls where
    there is no room for all of them.
    """

    pressed = Signal()
    second_pressed = Signal()
    third_pressed = Signal()

    def __init__(self, theme: Theme, icon_name: str, role: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = QLabel(textFormat=Qt.TextFormat.PlainText, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._title.setProperty("role", "heading")
        self._line = QLabel(textFormat=Qt.TextFormat.PlainText, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._line.setProperty("role", "secondary")
        self._button = QPushButton()
        self._button.setProperty("role", role)
        self._button.clicked.connect(self.pressed)
        self._second = QPushButton()
        self._second.clicked.connect(self.second_pressed)
        self._third = QPushButton()
        self._third.setProperty("role", "link")
        self._third.clicked.connect(self.third_pressed)
        layout = vbox(margins=(t.SPACE_6, t.SPACE_6, t.SPACE_6, t.SPACE_6), spacing=t.SPACE_2)
        vbox(scrolled(layout), inside=self)
        layout.addStretch(4)
        layout.addWidget(IconCircle(theme, icon_name, _DISC, _EMPTY_ICON), 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(t.SPACE_3)
        layout.addWidget(self._title)
        layout.addWidget(self._line)
        layout.addSpacing(t.SPACE_3)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self._second, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self._third, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(5)

    def show_message(self, title: str, line: str, button: str, second: str = "", third: str = "") -> None:
        """Show these words; the last button is a quiet one."""
        self._title.setText(title)
        self._line.setText(line)
        self._line.setVisible(bool(line))
        self._button.setText(button)
        self._button.setVisible(bool(button))
        proxy = self._button if button else None  # to one that is hidden, Tab would go in vain for ever
        self.setFocusProxy(proxy)  # type: ignore[arg-type]
        self._second.setText(second)
        self._second.setVisible(bool(second))
        self._third.setText(third)
        self._third.setVisible(bool(third))
        self.setAccessibleName(f"{title}. {line}".strip())


class ResultCard(QFrame):
    """A sentence, the next step, and a code for support."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "sunken")
        self._sign = IconCircle(theme, "info", _SIGN, _SIGN_ICON, scales=True)
        self.sentence = ScaledLabel(theme, TEXT_BODY, QFont.Weight.DemiBold)
        self.step, self.code = (text_label() for _ in range(2))
        self.step.setProperty("role", "secondary")
        self.code.setProperty("role", "caption")
        words = vbox(self.sentence, self.step, self.code, spacing=SPACE_1)
        row = hbox(inside=self, margins=(SPACE_3, SPACE_3, SPACE_3, SPACE_3), spacing=SPACE_3)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def show_result(self, look: tuple[Tone, str], sentence: str, step: str, code: str = "") -> None:
        self._sign.show_icon(look[1], look[0])
        self.sentence.setText(sentence)
        self.step.setText(step)
        self.code.setText(code)
        self.step.setVisible(bool(step))
        self.code.setVisible(bool(code))
        self.setAccessibleName(" ".join(filter(None, (sentence, step, code))))
