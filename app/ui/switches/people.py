"""Chooses mentorados by name: a search field over a list in which each can be ticked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QPushButton, QWidget

from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.names import fold_accents, visible
from app.domain.phone import readable
from app.text.status import provider, texts
from app.ui.theme import tokens as t
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import FlowLayout, vbox
from app.ui.widgets.search_field import SearchField
from app.ui.widgets.tables import SIDE, RowDelegate, RowList, RowsModel

_HEIGHT, _BOX, _TICK, _GAP = 40, 18, 14, 12


class PeopleModel(RowsModel[Mentorado]):
    """Those of the mentorados whom the search finds, each ticked or not. What was ticked stays ticked out of sight."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: Sequence[Mentorado] = ()
        self._chosen: set[MentoradoId] = set()
        self._wanted = ""

    @property
    def chosen(self) -> tuple[MentoradoId, ...]:
        """Those who are ticked, in the order of the list."""
        return tuple(each.id for each in self._all if each.id in self._chosen)

    def show_people(self, people: Sequence[Mentorado]) -> None:
        if people != self._all:
            self._all = people
            self._filter()

    def search(self, words: str) -> None:
        self._wanted = fold_accents(" ".join(words.split()))
        self._filter()

    def toggle(self, place: int) -> None:
        self._chosen ^= {self.rows[place].id}
        self.dataChanged.emit(self.index(place), self.index(place))
        self.changed.emit()

    def choose(self, people: Sequence[MentoradoId], *, on: bool = True) -> None:
        """Tick *people*, or take their tick away."""
        self._chosen = self._chosen | {*people} if on else self._chosen - {*people}
        self.refresh_texts()
        self.changed.emit()

    def key(self, row: Mentorado) -> MentoradoId:
        return row.id

    def title(self, row: Mentorado) -> str:
        return row.name

    def description(self, row: Mentorado) -> str:
        ticked = texts(f"switches.plan.{'ticked' if row.id in self._chosen else 'not_ticked'}")
        return ", ".join((row.name, _line(row), ticked))

    def painted(self, row: Mentorado) -> object:
        return row.name, _line(row), row.id in self._chosen

    def _filter(self) -> None:
        self.show_rows([each for each in self._all if self._wanted in _searched(each)])


def _line(mentorado: Mentorado) -> str:
    return " · ".join(filter(None, (visible(mentorado.cohort), provider(mentorado.link.provider))))


def _searched(mentorado: Mentorado) -> str:
    return fold_accents(f"{mentorado.name} {mentorado.cohort} {mentorado.phone} {readable(mentorado.phone)}")


class PeopleDelegate(RowDelegate):
    """A box, the name, and the cohort and provider behind it."""

    HEIGHT = _HEIGHT

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, tuple)  # noqa: S101 - Qt hands it through as any object
        name, line, ticked = row
        colours, side, middle = self._colours, self._theme.px(_BOX), self.row_height / 2
        box = QRectF(SIDE, middle - side / 2, side, side).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(QColor(colours.accent if ticked else colours.border_strong), 1))
        painter.setBrush(QColor(colours.accent if ticked else colours.bg))
        painter.drawRoundedRect(box, 5, 5)
        if ticked:
            tick = self._theme.px(_TICK)
            drawn = pixmap("check", colours.on_accent, tick, painter.device().devicePixelRatioF())
            painter.drawPixmap(round(box.center().x() - tick / 2), round(box.center().y() - tick / 2), drawn)
        left, right = SIDE + side + _GAP, width - SIDE
        shown = self._line(painter, name, self._title_font, colours.text, left, middle, (right - left) * 0.6)
        beside = left + shown + _GAP
        self._line(painter, line, self._small_font, colours.text2, beside, middle, right - beside)


class _PeopleList(RowList):
    """Space ticks, as in every list of boxes."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            self._open(self.currentIndex())
        else:
            super().keyPressEvent(event)


class PeoplePicker(QWidget):
    """*people* is asked each time it is refreshed."""

    changed = Signal()

    def __init__(self, theme: Theme, people: Callable[[], Sequence[Mentorado]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._people = people
        self.model = PeopleModel(self)
        self.search = SearchField(theme)
        self.list = _PeopleList(self.model, PeopleDelegate(theme), theme)
        self.count = text_label(role="secondary", wraps=False)
        self.all, self.none = QPushButton(), QPushButton()
        for button in (self.all, self.none):
            button.setProperty("role", "quiet")
        self.search.textChanged.connect(self._on_searched)
        self.search.left_downwards.connect(self.list.enter)
        self.list.left_upwards.connect(self.search.take_focus)
        self.list.opened.connect(self.model.toggle)
        self.all.clicked.connect(lambda: self.model.choose([each.id for each in self.model.rows]))
        self.none.clicked.connect(lambda: self.model.choose(self.model.chosen, on=False))
        self.model.changed.connect(self._on_changed)
        foot = FlowLayout(spacing=t.SPACE_2)
        for part in (self.all, self.none):
            foot.addWidget(part)
        vbox(self.search, self.list, self.count, foot, inside=self, spacing=t.SPACE_2)

    @property
    def chosen(self) -> tuple[MentoradoId, ...]:
        return self.model.chosen

    def refresh(self) -> None:
        """Follow which mentorados there are now."""
        self.model.show_people(self._people())
        self._show_count()

    def retranslate(self) -> None:
        self.search.retranslate()
        self.search.setAccessibleName(texts("switches.plan.search"))
        self.list.setAccessibleName(texts("switches.plan.who_people"))
        self.list.setAccessibleDescription(texts("switches.plan.keys"))
        self.all.setText(texts("switches.plan.tick_all"))
        self.none.setText(texts("switches.plan.tick_none"))
        self.list.setFixedHeight(self._theme.px(5 * _HEIGHT))
        self.refresh()

    def _on_searched(self, words: str) -> None:
        self.model.search(words)
        self._show_count()

    def _on_changed(self) -> None:
        self._show_count()
        self.changed.emit()

    def _show_count(self) -> None:
        found = bool(self.model.rows)
        chosen = len(self.model.chosen)
        if found:
            words = texts.plural("switches.plan.chosen", chosen)
        else:
            words = texts("switches.plan.nobody_found" if self._people() else "switches.plan.nobody_here")
        self.count.setText(words)
        self.all.setEnabled(found)
        self.none.setEnabled(chosen > 0)
