"""Notices over the list that wait for nobody: what happened, what to do next, and a way to put them aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.domain.errors import Problem
from app.ui import text
from app.ui import tokens as t
from app.ui.icons import icon, pixmap
from app.ui.text import texts
from app.ui.theme import Theme

_ICON = 18
_SHARE_OF_BUTTONS = 0.42
_SHARE_OF_WINDOW = 0.4
Choice = tuple[Callable[[], str], Callable[[], None]]
"""A button beside the words: what it says, and what it does."""


class _Banner(QFrame):
    """One notice: a sentence, the next step, and a cross when it can be put aside."""

    dismissed = Signal()

    def __init__(
        self,
        say: Callable[[], str],
        theme: Theme,
        *,
        dismissible: bool,
        quiet: bool = False,
        choices: Sequence[Choice] = (),
    ) -> None:
        super().__init__()
        self.problem: Problem | None = None
        self._say = say
        self._theme = theme
        self._quiet = quiet
        self.setProperty("role", "quiet-banner" if quiet else "banner")
        self._sign = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._words = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._words.setProperty("role", "secondary" if quiet else "banner")
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._cross = QPushButton()
        self._cross.setProperty("role", "quiet")
        self._cross.clicked.connect(self.dismissed)
        if not dismissible:  # shown here, before it has a parent, it would be a window of its own
            self._cross.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(t.SPACE_3, t.SPACE_1, t.SPACE_1, t.SPACE_1)
        layout.setSpacing(t.SPACE_3)
        layout.addWidget(self._sign)
        self._flow = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._flow.setSpacing(t.SPACE_3)
        self._flow.addWidget(self._words, 1)
        layout.addLayout(self._flow, 1)
        self._choices = [(QPushButton(), label) for label, _do in choices]
        buttons = QHBoxLayout()
        buttons.setSpacing(t.SPACE_3)
        for (button, _label), (_, do) in zip(self._choices, choices, strict=True):
            if quiet:
                button.setProperty("role", "link")
            button.clicked.connect(lambda _checked=False, do=do: do())
            buttons.addWidget(button)
        if choices:
            buttons.addStretch()  # they stay on the left below the words
            self._flow.addLayout(buttons)
        layout.addWidget(self._cross, 0, Qt.AlignmentFlag.AlignTop)
        self.retranslate()

    def height_at(self, width: int) -> int:
        """Put the buttons below the words where they would take too much of *width*; the height in pixels is then."""
        beside = sum(button.sizeHint().width() + t.SPACE_3 for button, _label in self._choices)
        below = beside > width * _SHARE_OF_BUTTONS
        way = QBoxLayout.Direction.TopToBottom if below else QBoxLayout.Direction.LeftToRight
        self._flow.setDirection(way)
        return self.heightForWidth(width)

    def retranslate(self) -> None:
        tokens, size = self._theme.tokens, self._theme.px(_ICON)
        colour = tokens.text2 if self._quiet else tokens.badge[t.Tone.WAITING].fg
        sign = "info" if self._quiet else "triangle-alert"
        self._sign.setPixmap(pixmap(sign, colour, size, self.devicePixelRatioF()))
        self._cross.setIcon(icon("x", colour, size))
        self._cross.setIconSize(QSize(size, size))
        self._cross.setAccessibleName(texts("window.dismiss"))
        self._cross.setToolTip(texts("window.dismiss"))
        for button, label in self._choices:
            button.setText(label())
            button.setAccessibleName(label())
        said = self._say()
        self._words.setText(said)
        self.setAccessibleName(said)


class Banners(QWidget):
    """At most one notice per cause; a newer one of the same cause takes its place.

    As high as its words need. Where the window has no room for that, they are scrolled, and never cut.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._by_cause: dict[str, _Banner] = {}
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(t.SPACE_2)
        self.area = QScrollArea(widgetResizable=True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.verticalScrollBar().rangeChanged.connect(self._on_range)
        self.area.setWidget(inside)
        self._around = around = QVBoxLayout(self)
        around.setContentsMargins(t.SPACE_6, t.SPACE_3, t.SPACE_6, 0)
        around.addWidget(self.area)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._wanted = 0
        theme.changed.connect(self.retranslate)
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._wanted)

    def minimumSizeHint(self) -> QSize:
        least = min(self._wanted, int(self.window().height() * _SHARE_OF_WINDOW))
        return QSize(super().minimumSizeHint().width(), least)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._fit()

    def show_problem(self, problem: Problem, cause: str = "asked") -> None:
        """Tell about *problem* until it is put aside or *cause* is over."""
        self.show_words(lambda: " ".join(text.problem(problem)), cause)
        self._by_cause[cause].problem = problem

    def show_words(
        self,
        say: Callable[[], str],
        cause: str,
        *,
        dismissible: bool = True,
        quiet: bool = False,
        choices: Sequence[Choice] = (),
    ) -> None:
        """Tell what *say* returns, in the language of the moment, until it is put aside or *cause* is over.

        A *quiet* notice is no warning: it says how things are set.
        """
        self.clear(cause)
        banner = _Banner(say, self._theme, dismissible=dismissible, quiet=quiet, choices=choices)
        banner.dismissed.connect(lambda: self.clear(cause))
        self._by_cause[cause] = banner
        self._column.addWidget(banner)
        self.show()
        self._fit()

    def clear(self, cause: str) -> None:
        """What *cause* said is over."""
        banner = self._by_cause.pop(cause, None)
        if banner is not None:
            self._column.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
        self.setVisible(bool(self._by_cause))
        self._fit()

    def problems(self) -> list[Problem]:
        """What went wrong, of what is being told now."""
        return [banner.problem for banner in self._by_cause.values() if banner.problem is not None]

    def retranslate(self) -> None:
        self.area.setAccessibleName(texts("window.notices"))
        for banner in self._by_cause.values():
            banner.retranslate()
        self._fit()

    def _fit(self) -> None:
        """Ask for the height that all words need at this width."""
        if not self._by_cause:
            return
        around = self.contentsMargins() + self._around.contentsMargins()
        width = self.width() - around.left() - around.right()
        heights = [banner.height_at(width) for banner in self._by_cause.values()]
        gaps = self._column.spacing() * max(len(heights) - 1, 0)
        self._wanted = sum(heights) + gaps + around.top() + around.bottom()
        self.updateGeometry()

    def _on_range(self, _least: int, most: int) -> None:
        """Keep the newest, which is the last, in view, and let the keyboard scroll what does not fit."""
        self.area.verticalScrollBar().setValue(most)
        self.area.setFocusPolicy(Qt.FocusPolicy.TabFocus if most else Qt.FocusPolicy.NoFocus)
