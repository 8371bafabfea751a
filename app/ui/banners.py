"""The room for notices above the list: what happened, what to do, and a button to dismiss them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.domain.errors import Problem
from app.text import status as status_text
from app.text.signs import Tone
from app.text.status import texts
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon, pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import announce, focusable, follow_where_it_stands
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import hbox, set_beside, vbox

_ICON = 18
_SHARE_OF_BUTTONS = 0.42
_SHARE_OF_WINDOW = 0.4
Choice = tuple[Callable[[], str], Callable[[], None]]
"""A button of a notice: its label and its callback."""


class BannerFrame(QFrame):
    """One notice. It follows the language when `retranslate` is called."""

    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.problem: Problem | None = None

    def height_at(self, width: int) -> int:
        """Arrange the notice for *width*; its height in pixels is then."""
        return self.heightForWidth(width)

    def retranslate(self) -> None:
        """Show everything in the language of the moment."""


class _Banner(BannerFrame):
    """One notice: a sentence, the next step, and a cross when it can be put aside."""

    def __init__(
        self,
        say: Callable[[], str],
        theme: Theme,
        *,
        dismissible: bool,
        quiet: bool = False,
        good: bool = False,
        choices: Sequence[Choice] = (),
    ) -> None:
        super().__init__()
        self._say = say
        self._good = good
        self._theme = theme
        self._quiet = quiet
        self.setProperty("role", "good-banner" if good else "quiet-banner" if quiet else "banner")
        self._sign = text_label(wraps=False)
        self._words = text_label()
        self._words.setProperty("role", "good-banner" if good else "secondary" if quiet else "banner")
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._cross = QPushButton()
        self._cross.setProperty("role", "quiet")
        self._cross.clicked.connect(self.dismissed)
        if not dismissible:  # shown here, before it has a parent, it would be a window of its own
            self._cross.hide()
        layout = hbox(self._sign, inside=self, margins=(t.SPACE_3, t.SPACE_1, t.SPACE_1, t.SPACE_1), spacing=t.SPACE_3)
        self._flow = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._flow.setSpacing(t.SPACE_3)
        self._flow.addWidget(self._words, 1)
        layout.addLayout(self._flow, 1)
        self._choices = [(QPushButton(), label) for label, _do in choices]
        buttons = hbox(spacing=t.SPACE_3)
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
        around = self.minimumSizeHint().width() - self._flow.minimumSize().width()
        least = around + self._words.minimumSizeHint().width() + beside  # one long word is never broken
        set_beside(self._flow, beside <= width * _SHARE_OF_BUTTONS and least <= width)
        return self.heightForWidth(width)

    def retranslate(self) -> None:
        tokens, size = self._theme.tokens, self._theme.px(_ICON)
        colour = tokens.badge[Tone.CONNECTED if self._good else Tone.WAITING].fg
        if self._quiet and not self._good:
            colour = tokens.text2
        sign = "check-circle" if self._good else "info" if self._quiet else "triangle-alert"
        self._sign.setPixmap(pixmap(sign, colour, size, self.devicePixelRatioF()))
        self._cross.setIcon(icon("x", colour, size))
        self._cross.setIconSize(QSize(size, size))
        self._cross.setAccessibleName(texts("window.dismiss"))
        self._cross.setToolTip(texts("window.dismiss"))
        for button, label in self._choices:
            button.setText(label())
            button.setAccessibleName(label())
        text = self._say()
        self._words.setText(text)
        self.setAccessibleName(text)


class Banners(QWidget):
    """At most one notice per cause; a newer one of the same cause takes its place.

    As high as its words need. Where the window has no room for that, they are scrolled, and never cut.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._by_cause: dict[str, BannerFrame] = {}
        inside = QWidget()
        inside.installEventFilter(self)
        self._column = vbox(inside=inside, spacing=t.SPACE_2)
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
        self.fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:  # a style sheet changes fonts later than `Theme.changed` tells
            self.fit()
        return super().eventFilter(watched, event)

    def show_problem(self, problem: Problem, cause: str = "asked") -> None:
        """Show *problem* until it is dismissed or *cause* is cleared."""
        self.show_words(lambda: " ".join(status_text.problem(problem)), cause)
        self._by_cause[cause].problem = problem

    def show_words(
        self,
        say: Callable[[], str],
        cause: str,
        *,
        dismissible: bool = True,
        quiet: bool = False,
        good: bool = False,
        choices: Sequence[Choice] = (),
    ) -> None:
        """Tell what *set_text* returns, in the language of the moment, until it is put aside or *cause* is over.

        A *quiet* notice is no warning: it says how things are set. A *good* one says that something went well.
        """
        quiet = quiet or good
        banner = _Banner(say, self._theme, dismissible=dismissible, quiet=quiet, good=good, choices=choices)
        self.show_banner(banner, cause)

    def show_banner(self, banner: BannerFrame, cause: str) -> None:
        """Show *banner* until it is put aside or *cause* is over."""
        self.clear(cause)
        banner.dismissed.connect(lambda: self.clear(cause))
        self._by_cause[cause] = banner
        self._column.addWidget(banner)
        follow_where_it_stands(self, list(focusable(self._column)))
        self.show()
        self.fit()
        announce(self, banner.accessibleName())  # the new part of it is on the screen a moment later

    def clear(self, cause: str) -> None:
        """Remove the notice of *cause*."""
        banner = self._by_cause.pop(cause, None)
        if banner is not None:
            self._column.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
        self.setVisible(bool(self._by_cause))
        self.fit()

    def problems(self) -> list[Problem]:
        """The problems of the notices now shown."""
        return [banner.problem for banner in self._by_cause.values() if banner.problem is not None]

    def retranslate(self) -> None:
        self.area.setAccessibleName(texts("window.notices"))
        for banner in self._by_cause.values():
            banner.retranslate()
        self.fit()

    def fit(self) -> None:
        """Request the height that all notices need at this width."""
        if not self._by_cause:
            return
        around = self.contentsMargins() + self._around.contentsMargins()
        width = self.width() - around.left() - around.right()
        heights = [banner.height_at(width) for banner in self._by_cause.values()]
        gaps = self._column.spacing() * max(len(heights) - 1, 0)
        self._wanted = sum(heights) + gaps + around.top() + around.bottom()
        # Once shown, a scroll bar narrows the words, which then need the height that keeps it there.
        enough = self.height() >= self._wanted
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOff if enough else Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.area.setVerticalScrollBarPolicy(policy)
        self.updateGeometry()

    def _on_range(self, _least: int, most: int) -> None:
        """Keep the newest, which is the last, in view, and let the keyboard scroll what does not fit."""
        self.area.verticalScrollBar().setValue(most)
        self.area.setFocusPolicy(Qt.FocusPolicy.TabFocus if most else Qt.FocusPolicy.NoFocus)
