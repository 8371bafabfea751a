"""Notices over the list that wait for nobody: what happened, what to do next, and a way to put them aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.errors import Problem
from app.ui import text
from app.ui import tokens as t
from app.ui.icons import icon, pixmap
from app.ui.text import texts
from app.ui.theme import Theme

_ICON = 18
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
        layout.addWidget(self._words, 1)
        self._choices = [(QPushButton(), label) for label, _do in choices]
        for (button, _label), (_, do) in zip(self._choices, choices, strict=True):
            if quiet:
                button.setProperty("role", "link")
            button.clicked.connect(lambda _checked=False, do=do: do())
            layout.addWidget(button)
        layout.addWidget(self._cross, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        tokens = self._theme.tokens
        colour = tokens.text2 if self._quiet else tokens.badge[t.Tone.WAITING].fg
        sign = "info" if self._quiet else "triangle-alert"
        self._sign.setPixmap(pixmap(sign, colour, _ICON, self.devicePixelRatioF()))
        self._cross.setIcon(icon("x", colour, _ICON))
        self._cross.setAccessibleName(texts("window.dismiss"))
        self._cross.setToolTip(texts("window.dismiss"))
        for button, label in self._choices:
            button.setText(label())
            button.setAccessibleName(label())
        said = self._say()
        self._words.setText(said)
        self.setAccessibleName(said)


class Banners(QWidget):
    """At most one notice per cause; a newer one of the same cause takes its place."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._by_cause: dict[str, _Banner] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(t.SPACE_6, t.SPACE_3, t.SPACE_6, 0)
        self._column.setSpacing(t.SPACE_2)
        self.hide()

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

    def clear(self, cause: str) -> None:
        """What *cause* said is over."""
        banner = self._by_cause.pop(cause, None)
        if banner is not None:
            self._column.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
        self.setVisible(bool(self._by_cause))

    def problems(self) -> list[Problem]:
        """What went wrong, of what is being told now."""
        return [banner.problem for banner in self._by_cause.values() if banner.problem is not None]

    def retranslate(self) -> None:
        for banner in self._by_cause.values():
            banner.retranslate()
