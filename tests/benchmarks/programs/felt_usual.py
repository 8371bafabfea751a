"""The same uses in a window of Qt's own widgets: a `QTableWidget` beside labels, a line to search, a dialog, a page."""

import asyncio
import sys
from functools import partial
from random import Random

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.async_slots import run
from tests.benchmarks.programs.felt import CLICKS, TYPED, Pictures, click, reads
from tests.benchmarks.programs.marks import mark
from tests.ui.window_harness import person

ROWS, LINES = 1000, 30


class Usual(QMainWindow):
    """Four columns of items, and rows that are hidden when they are not meant."""

    def __init__(self) -> None:
        super().__init__()
        self.people = [person(number) for number in range(ROWS)]
        self.table = QTableWidget(ROWS, 4)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        for number, each in enumerate(self.people):
            for column, words in enumerate((each.name, each.phone, each.cohort, each.link.provider)):
                self.table.setItem(number, column, QTableWidgetItem(words))
        self.search = QLineEdit()
        self.button = QPushButton("page")
        self.labels = [QLabel() for _ in range(LINES)]
        self.pages = QStackedWidget()
        list_side, pane = QVBoxLayout(), QFormLayout()
        for part in (self.search, self.button, self.table):
            list_side.addWidget(part)
        for label in self.labels:
            pane.addRow("", label)
        home = QWidget()
        both = QHBoxLayout(home)
        both.addLayout(list_side, 2)
        both.addLayout(pane, 1)
        self.pages.addWidget(home)
        self.setCentralWidget(self.pages)
        self.resize(1240, 860)
        self.table.itemSelectionChanged.connect(self._show_person)
        self.search.textChanged.connect(self._search)
        self.button.clicked.connect(self._open_page)
        QShortcut(QKeySequence("Ctrl+K"), self).activated.connect(self._open_dialog)

    def _show_person(self) -> None:
        each = self.people[self.table.currentRow()]
        for number, label in enumerate(self.labels):
            label.setText(f"{each.name} {each.phone} {number}")

    def _search(self, typed: str) -> None:
        for number, each in enumerate(self.people):
            self.table.setRowHidden(number, typed not in each.name.casefold())

    def _open_page(self) -> None:
        inside, area = QWidget(), QScrollArea(widgetResizable=True)
        form = QFormLayout(inside)
        for number in range(2 * LINES):
            form.addRow(QLabel(f"line {number}"), QLineEdit(f"{number}") if number % 2 else QPushButton(f"{number}"))
        area.setWidget(inside)
        self.pages.setCurrentIndex(self.pages.addWidget(area))

    def _open_dialog(self) -> None:
        dialog = QDialog(self)
        column, found = QVBoxLayout(dialog), QListWidget()
        found.addItems([each.name for each in self.people])
        column.addWidget(QLineEdit())
        column.addWidget(found)
        dialog.open()


async def use(number: int) -> None:
    """Click, type, open, as `felt_window` does."""
    window = Usual()
    window.show()
    window.activateWindow()
    pictures = Pictures(window)
    await asyncio.sleep(0.5)
    table, search, rows = window.table, window.search, Random(number)  # noqa: S311 - the same in every run
    await pictures.measure("page", window.button.click, lambda: window.pages.currentIndex() == 1)
    window.pages.setCurrentIndex(0)
    dialog = await pictures.measure_dialog(
        "palette", lambda: QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    )
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    for _ in range(CLICKS):
        index = table.model().index(rows.randrange(ROWS), 0)
        table.scrollTo(index)
        read = partial(reads, lambda: str(table.currentRow()), str(index.row()))
        await pictures.measure("click", partial(click, table, index), read)
    search.setFocus()
    for letter in TYPED:
        read = partial(reads, search.text, search.text() + letter)
        await pictures.measure("letter", partial(QTest.keyClicks, search, letter), read)
    mark("used")


if __name__ == "__main__":
    run(QApplication(sys.argv[:1]), lambda: use(int(sys.argv[1])))
