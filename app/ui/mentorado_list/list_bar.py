"""The line above the list: how many are shown, what narrows them, and in which order they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from app.domain.names import fold_accents, visible
from app.text.status import provider, texts
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.narrowing import EVERYBODY, Narrowing
from app.ui.mentorado_list.order import SortOrder
from app.ui.mentorado_list.row import ListFilter
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.action_menu import pop_up
from app.ui.widgets.choices import DropdownButton
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import hbox

if TYPE_CHECKING:
    from app.domain.mentorado import Mentorado

_ICON = 14


class NarrowingButton(QPushButton):
    """Says what the list is narrowed to; its menu offers the cohorts and providers that there are now."""

    picked = Signal(object)
    """Carries a `Narrowing`."""
    views_changed = Signal(object)
    """Carries the views that are kept now, each a `Narrowing`."""

    def __init__(self, theme: Theme, people: Callable[[], Sequence[Mentorado]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._people = people
        self.chosen = EVERYBODY
        self.views: Sequence[Narrowing] = ()
        self.setProperty("role", "quiet")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda: pop_up(self.menu_of_choices(), self.mapToGlobal(QPoint(0, self.height() + 4))))
        theme.changed.connect(self.restyle)
        self.restyle()

    def choose(self, narrowing: Narrowing) -> None:
        """Show *narrowing* without emitting `picked`."""
        self.chosen = narrowing
        self.retranslate()

    def restyle(self) -> None:
        side, colours = self._theme.px(_ICON), self._theme.tokens
        self.setIcon(icon("filter", colours.accent if self.chosen != EVERYBODY else colours.text2, side))
        self.setIconSize(QSize(side, side))
        self.updateGeometry()

    def retranslate(self) -> None:
        words = _words(self.chosen)
        room = self._theme.px(150)
        shown = self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room)
        self.setText((shown or texts("narrow.name")).replace("&", "&&"))
        self.setAccessibleName(f"{texts('narrow.name')}: {words}" if words else texts("narrow.name"))
        self.setToolTip(texts("narrow.tip"))
        self.restyle()

    def menu_of_choices(self) -> QMenu:
        chosen, people = self.chosen, self._people()
        menu = QMenu(self)
        menu.setStyleSheet("QMenu { menu-scrollable: 1; }")
        entry = menu.addAction(texts("narrow.never_connected"))
        entry.setCheckable(True)
        entry.setChecked(chosen.never_connected)
        entry.triggered.connect(partial(self._pick, replace(chosen, never_connected=not chosen.never_connected)))
        kinds = sorted({each.link.provider for each in people}, key=provider)
        self._add_choices(menu, "provider", [(provider(kind), kind) for kind in kinds])
        cohorts = sorted({each.cohort for each in people}, key=lambda cohort: (not cohort, fold_accents(cohort)))
        self._add_choices(menu, "cohort", [(_cohort_words(cohort), cohort) for cohort in cohorts])
        menu.addSeparator()
        for view in self.views:
            entry = menu.addAction(_words(view).replace("&", "&&"))
            entry.setCheckable(True)
            entry.setChecked(view == chosen)
            entry.triggered.connect(partial(self._pick, view))
        is_kept = chosen in self.views
        keep = menu.addAction(texts("narrow.forget_view" if is_kept else "narrow.keep_view"))
        keep.setEnabled(chosen != EVERYBODY and chosen.only is None)
        keep.triggered.connect(self._forget if is_kept else self._keep)
        clear = menu.addAction(texts("narrow.clear"))
        clear.setEnabled(chosen != EVERYBODY)
        clear.triggered.connect(partial(self._pick, EVERYBODY))
        return menu

    def _add_choices(self, menu: QMenu, field: str, choices: Sequence[tuple[str, object]]) -> None:
        """A menu below for one *field*: any, or one of what there is."""
        below = menu.addMenu(texts(f"narrow.{field}"))
        below.setStyleSheet("QMenu { menu-scrollable: 1; }")
        group = QActionGroup(below)
        now = getattr(self.chosen, field)
        for words, value in [(texts(f"narrow.any_{field}"), None), *choices]:
            entry = below.addAction(words.replace("&", "&&"))
            entry.setCheckable(True)
            entry.setChecked(value == now)
            change: dict[str, Any] = {field: value}
            entry.triggered.connect(partial(self._pick, replace(self.chosen, **change)))
            group.addAction(entry)

    def _keep(self) -> None:
        """Keep what the list is narrowed to as a view; its words are its name."""
        self.views = sorted((*self.views, self.chosen), key=lambda view: fold_accents(_words(view)))
        self.views_changed.emit(self.views)

    def _forget(self) -> None:
        self.views = [view for view in self.views if view != self.chosen]
        self.views_changed.emit(self.views)

    def _pick(self, narrowing: Narrowing, _checked: bool = False) -> None:
        if narrowing != self.chosen:
            self.choose(narrowing)
            self.picked.emit(narrowing)


class ListBar(QWidget):
    """Follows how many rows *model* shows."""

    sorted_by = Signal(SortOrder)
    narrowed = Signal(object)
    """Carries a `Narrowing`."""

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._searching = False
        self.count = text_label(role="caption", wraps=False)
        self.ticking = QPushButton()
        self.ticking.setProperty("role", "quiet")
        self.ticking.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.narrowing = NarrowingButton(theme, model.mentorados)
        self.narrowing.picked.connect(self.narrowed)
        self.order = DropdownButton(theme, _orders)
        self.order.setProperty("role", "quiet")
        self.order.picked.connect(self._on_sorted)
        self._counting = QTimer(self, singleShot=True, interval=0)  # rows come and go one by one
        self._counting.timeout.connect(self._show_count)
        row = hbox(self.count, inside=self, spacing=t.SPACE_2)
        row.addStretch(1)
        row.addWidget(self.ticking)
        row.addWidget(self.narrowing)
        row.addWidget(self.order)
        for changed in (model.modelReset, model.rowsInserted, model.rowsRemoved):
            changed.connect(self._count_soon)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._fit()
        return super().event(event)

    def _fit(self) -> None:
        """Where there is no room for all of it, the order says less, and the count goes."""
        room = self.width() - sum(each.sizeHint().width() + t.SPACE_2 for each in (self.ticking, self.narrowing))
        self.order.fit(room)
        left = room - self.order.sizeHint().width() - t.SPACE_2
        self.count.setVisible(self.count.sizeHint().width() <= left)

    def show_search(self, typed: str) -> None:
        """Whether something is typed makes those who are shown the ones that match."""
        self._searching = bool(typed)
        self._show_count()

    def retranslate(self) -> None:
        self.ticking.setText(texts("ticks.begin"))
        self.ticking.setToolTip(texts("ticks.begin_tip"))
        self.narrowing.retranslate()
        self.order.set_text(texts("sort.label"))
        self.order.setToolTip(texts("sort.tip"))
        self._show_count()

    def _count_soon(self, *_signal_args: object) -> None:
        self._counting.start()

    def _show_count(self) -> None:
        narrowed = self._searching or self._model.narrowing != EVERYBODY or self._model.group is not ListFilter.ALL
        key = "narrow.matches" if narrowed else "narrow.everybody"
        self.count.setText(texts.plural(key, self._model.rowCount()))

    def _on_sorted(self, sort: object) -> None:
        if isinstance(sort, SortOrder):
            self.sorted_by.emit(sort)


def _orders() -> list[tuple[SortOrder, str]]:
    return [(sort, texts(f"sort.{sort}")) for sort in SortOrder]


def _words(narrowing: Narrowing) -> str:
    """Everything that is set, in one line; empty where nothing is."""
    parts = []
    if narrowing.never_connected:
        parts.append(texts("narrow.never_connected"))
    if narrowing.provider is not None:
        parts.append(provider(narrowing.provider))
    if narrowing.cohort is not None:
        parts.append(_cohort_words(narrowing.cohort))
    if narrowing.only is not None:
        parts.append(texts.plural("narrow.only", len(narrowing.only)))
    return " · ".join(parts)


def _cohort_words(cohort: str) -> str:
    return visible(cohort) or texts("narrow.no_cohort")
