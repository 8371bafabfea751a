"""A long list in our table, or in a `QTableWidget` that shows the same words: filled, jumped through, searched.

Either shows a few first: what is loaded once, like texts and typefaces, belongs to the start of the program.
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QTableWidget, QTableWidgetItem, QWidget

from app.domain.events import MentoradosLoaded, StatusChanged
from app.domain.mentorado import Mentorado
from app.text import status as status_text
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.row import MentoradoRow
from app.ui.mentorado_list.view import MentoradoTable
from app.ui.theme.theme import Mode, Theme
from tests.benchmarks.programs.marks import mark
from tests.clock import StillClock
from tests.ui.window_harness import NOON, person, status

_SIZE = (860, 760)
_TYPED = ("j", "jo", "joa", "joao", "joao t", "")
_JUMPS, _FEW = 30, 12


class Ours:
    """The model and the table of the program."""

    def __init__(self, people: Sequence[Mentorado]) -> None:
        self._people = people
        self._model = MentoradoListModel(StillClock(NOON))
        self.table = MentoradoTable(self._model, _theme())
        for number, mentorado in enumerate(people):
            if (observed := status(number)) is not None:
                self._model.on_status(StatusChanged(mentorado.id, mentorado.link.id, observed, observed))

    def fill(self, count: int | None = None) -> None:
        self._model.on_loaded(MentoradosLoaded(tuple(self._people[:count])))

    def search(self, typed: str) -> None:
        self._model.search(typed)


class Usual:
    """Four columns of items, and rows that are hidden when they are not meant."""

    def __init__(self, people: Sequence[Mentorado]) -> None:
        _theme()
        self._rows = [MentoradoRow(mentorado, status(number)) for number, mentorado in enumerate(people)]
        self.table = QTableWidget(0, 4)

    def fill(self, count: int | None = None) -> None:
        rows = self._rows[:count]
        self.table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            mentorado = row.mentorado
            for column, words in enumerate(
                (mentorado.name, mentorado.phone, mentorado.cohort, status_text.state_badge(row.known))
            ):
                self.table.setItem(number, column, QTableWidgetItem(words))

    def search(self, typed: str) -> None:
        for number, row in enumerate(self._rows):
            self.table.setRowHidden(number, typed not in row.search_text)


def measure(subject: Ours | Usual) -> None:
    """One filling, some frames after a jump, and one painted answer to each letter."""
    table = subject.table
    table.resize(*_SIZE)
    table.show()
    paints = _Paints(table.viewport())
    paints.milliseconds_until(partial(subject.fill, _FEW))
    mark("fill", str(paints.milliseconds_until(subject.fill)))
    for jump in range(_JUMPS):
        bar = table.verticalScrollBar()
        place = Random(jump).randint(0, bar.maximum())  # noqa: S311 - the same places for both
        mark("frame", str(paints.milliseconds_until(partial(bar.setValue, place))))
    for typed in _TYPED:
        mark("filter", str(paints.milliseconds_until(partial(subject.search, typed))))


class _Paints(QObject):
    """Sees when *seen* is painted."""

    def __init__(self, seen: QWidget) -> None:
        super().__init__(seen)
        self._seen = seen
        self._count = 0
        seen.installEventFilter(self)

    def eventFilter(self, _seen: QObject, event: QEvent) -> bool:
        self._count += event.type() is QEvent.Type.Paint
        return False

    def milliseconds_until(self, do: Callable[[], None]) -> float:
        """Until what *do* changes is painted, which happens once."""
        QApplication.processEvents()
        before, began = self._count, time.perf_counter()
        do()
        QApplication.sendPostedEvents()
        if self._count == before:
            self._seen.repaint()
        return 1000 * (time.perf_counter() - began)


def _theme() -> Theme:
    theme = Theme(Mode.LIGHT)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app)
    return theme


if __name__ == "__main__":
    _app = QApplication(sys.argv[:1])
    _everybody = [person(_number) for _number in range(int(sys.argv[2]))]
    measure(Ours(_everybody) if sys.argv[1] == "ours" else Usual(_everybody))
    mark("done")
