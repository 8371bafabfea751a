"""The head of the main window: title, search, and the buttons of the whole program."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QSpacerItem, QWidget

from app.text.status import texts
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.row import ListFilter
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import vbox
from app.ui.widgets.search_field import SearchField

_TITLE_WIDTH = 190
_SEARCH_WIDTH, _SEARCH_LEAST, _NARROW_SEARCH = 420, 140, 84
_ICON = 18
_NARROW, _NARROWEST = 780, 420


class Header(QFrame):
    """Shows; passes on. In a narrow window the primary button keeps its first word, then its sign alone, and the chips
    count the rest."""

    add_requested = Signal()
    language_requested = Signal()
    look_requested = Signal(QWidget)

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts = model.counts() if model.loaded else None
        self._theme = theme
        self._narrow = self._narrowest = False
        self._title = text_label(role="title", wraps=False)
        self._summary = text_label(role="secondary", wraps=False)
        self.search = SearchField(theme)
        self.search.setMaximumWidth(_SEARCH_WIDTH)
        self._language = self._quiet_button()
        self._language.clicked.connect(self.language_requested)
        self._look = self._quiet_button()
        self._look.clicked.connect(lambda: self.look_requested.emit(self._look))
        self.add_button = QPushButton()
        self.add_button.setProperty("role", "primary")
        self.add_button.clicked.connect(self.add_requested)

        words = vbox(spacing=1)
        words.addStretch(1)
        words.addWidget(self._title)
        words.addWidget(self._summary)
        words.addStretch(1)
        self._gap = QSpacerItem(t.SPACE_8, 0, QSizePolicy.Policy.Fixed)
        layout = self._row = QHBoxLayout(self)
        layout.setSpacing(0)
        layout.addLayout(words)
        layout.addItem(self._gap)
        layout.addWidget(self.search, 4)
        layout.addStretch(1)
        layout.addSpacing(t.SPACE_3)
        layout.addWidget(self._language)
        layout.addWidget(self._look)
        layout.addSpacing(t.SPACE_3)
        layout.addWidget(self.add_button)
        self.setProperty("role", "header")
        model.counts_changed.connect(self._show_counts)
        theme.changed.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        px, colours = self._theme.px, self._theme.tokens
        self.setFixedHeight(px(t.HEADER_HEIGHT))
        side = px(_ICON)
        self.add_button.setIcon(icon("plus", colours.on_accent, side))
        self._look.setIcon(icon("sun" if colours.dark else "moon", colours.text2, side))
        for button in (self.add_button, self._look):
            button.setIconSize(QSize(side, side))
        self._arrange()

    def _arrange(self) -> None:
        narrow = self._narrow
        self._title.setMinimumWidth(0 if narrow else self._theme.px(_TITLE_WIDTH))
        self.search.setMinimumWidth(_NARROW_SEARCH if narrow else _SEARCH_LEAST)
        edge, gap = (t.SPACE_2, t.SPACE_2) if self._narrowest else (t.SPACE_6, t.SPACE_3 if narrow else t.SPACE_8)
        self._row.setContentsMargins(edge, 0, edge, 1)
        self._gap.changeSize(gap, 0, QSizePolicy.Policy.Fixed)
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(texts("window.title"))
        self._language.setText(texts("window.language_short"))
        self._language.setAccessibleName(texts("window.language"))
        self._language.setToolTip(texts("window.language_tip"))
        self._look.setAccessibleName(texts("window.look"))
        self._look.setToolTip(texts("window.look"))
        label = texts("list.add_short" if self._narrow else "list.add")
        self.add_button.setText("" if self._narrowest else label)
        self.add_button.setAccessibleName(texts("list.add"))
        self.add_button.setToolTip(texts("window.add_tip"))
        for button in (self._language, self._look):
            button.setMinimumWidth(max(t.CONTROL_HEIGHT, button.sizeHint().width()))
        self.search.retranslate()
        self._summarise()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow, narrowest = (self.width() < self._theme.px(width) for width in (_NARROW, _NARROWEST))
        if (narrow, narrowest) != (self._narrow, self._narrowest):
            self._narrow, self._narrowest = narrow, narrowest
            self._arrange()

    def _show_counts(self, counts: dict[ListFilter, int]) -> None:
        self._counts = counts
        self._summarise()

    def _summarise(self) -> None:
        if self._counts is None:  # nothing is counted before it is known
            self._summary.clear()
            return
        everybody, connected = self._counts[ListFilter.ALL], self._counts[ListFilter.CONNECTED]
        self._summary.setText(self._summary_of(everybody, connected))
        self._summary.ensurePolished()
        widest = max(everybody, int("8" * len(str(everybody))))  # an 8 is as wide as any digit
        possible = [self._summary_of(everybody, each) for each in (0, 1, widest)]
        width = max(self._summary.fontMetrics().horizontalAdvance(each) for each in (*possible, self._summary.text()))
        self._summary.setMinimumWidth(0 if self._narrow else width + 1)  # what stands beside it never moves with it

    def _summary_of(self, everybody: int, connected: int) -> str:
        lines = [texts.plural("window.registered", everybody) if everybody else texts("window.nobody")]
        if everybody and not self._narrow:
            lines.append(texts.plural("window.connected", connected))
        return " · ".join(lines)

    def _quiet_button(self) -> QPushButton:
        button = QPushButton()
        button.setProperty("role", "quiet")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        button.setMinimumWidth(t.CONTROL_HEIGHT)
        return button
