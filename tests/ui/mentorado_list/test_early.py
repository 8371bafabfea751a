"""Who there is, on the screen before the database is open: names, and nothing about links that is not known."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy, QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.domain.errors import Problem, ProblemCode
from app.domain.events import MentoradosLoaded, StatusChanged, StorageFailed
from app.domain.link_status import LinkState, LinkStatus
from app.frame import Frame
from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from app.text.status import state_badge, texts
from app.ui.mentorado_list.chips import Chip
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.narrowing import Narrowing
from app.ui.mentorado_list.row import ListFilter
from app.ui.mentorado_list.view import ListPanel
from app.ui.theme.theme import Theme
from app.ui.widgets.search_field import SearchField
from tests.clock import StillClock
from tests.ui.window_harness import NOON, person

PEOPLE = [person(number) for number in range(3)]
DOWN = LinkStatus(state=LinkState.BLOCKED, since=NOON)


@pytest.fixture
def model(qapp: QApplication) -> MentoradoListModel:
    made = MentoradoListModel(StillClock(NOON))
    QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal, made)
    return made


def spoken(model: MentoradoListModel, place: int) -> str:
    return str(model.index(place).data(Qt.ItemDataRole.AccessibleTextRole))


def test_who_is_early_is_there_without_a_status(model: MentoradoListModel) -> None:
    counted = QSignalSpy(model.counts_changed)
    model.show_early(PEOPLE)
    assert set(model.shown_ids()) == {each.id for each in PEOPLE}
    assert not model.loaded
    assert counted.count() == 0
    off = state_badge(LinkStatus(since=NOON))
    assert not any(word in spoken(model, 0) for word in (off, texts("badge.never_connected")))
    assert model.index(0).data(Qt.ItemDataRole.ToolTipRole) == ""


def test_what_becomes_known_is_shown_and_kept(model: MentoradoListModel) -> None:
    model.show_early(PEOPLE)
    first = PEOPLE[0]
    model.on_status(StatusChanged(first.id, first.link.id, DOWN, DOWN))
    model.flush()
    place = model.row_of(first.id)
    assert place is not None
    assert state_badge(DOWN) in spoken(model, place)
    model.on_loaded(MentoradosLoaded(tuple(PEOPLE)))
    assert model.find_row(first.id).status is DOWN
    assert model.count(ListFilter.ERROR) == 1
    assert not any(model.find_row(each.id).early for each in PEOPLE)


def test_a_status_that_came_first_is_known(model: MentoradoListModel) -> None:
    first = PEOPLE[0]
    model.on_status(StatusChanged(first.id, first.link.id, DOWN, DOWN))
    model.show_early(PEOPLE)
    assert [row.early for row in map(model.find_row, [each.id for each in PEOPLE])] == [False, True, True]


def test_a_list_that_only_a_status_narrows_stays_empty(model: MentoradoListModel) -> None:
    model.narrow(Narrowing(never_connected=True))
    model.show_early(PEOPLE)
    model.narrow(Narrowing())
    model.show_group(ListFilter.DISCONNECTED)
    model.show_early(PEOPLE)
    assert model.rowCount() == 0


def test_who_was_loaded_is_not_shown_early_again(model: MentoradoListModel) -> None:
    model.on_loaded(MentoradosLoaded(tuple(PEOPLE)))
    model.show_early(PEOPLE[:1])
    model.forget_early()
    assert model.rowCount() == 3


def test_nothing_can_be_asked_of_a_row_before_it_is_known(
    qtbot: QtBot, model: MentoradoListModel, theme: Theme
) -> None:
    panel = ListPanel(model, theme)
    qtbot.addWidget(panel)
    panel.resize(860, 700)
    panel.show()
    loaded = QSignalSpy(panel.loaded)
    model.show_early(PEOPLE)
    qtbot.waitExposed(panel)
    assert panel.table.isVisible()
    assert not any(part.isEnabled() for part in (panel.table, panel.chips, panel.bar))
    panel.grab()
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=panel.table.rect().center() / 4)
    assert (panel.table.chosen_id, loaded.count()) == (None, 0)
    model.on_loaded(MentoradosLoaded(tuple(PEOPLE)))
    assert all(part.isEnabled() for part in (panel.table, panel.chips, panel.bar))
    model.on_loaded(MentoradosLoaded(tuple(PEOPLE)))
    assert loaded.count() == 1


@pytest.mark.parametrize("meanwhile", ["nothing", "other words", "the database cannot be opened", "another page"])
@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Down])
def test_a_key_in_the_search_waits_until_they_are_known(
    qtbot: QtBot, model: MentoradoListModel, theme: Theme, key: Qt.Key, meanwhile: str
) -> None:
    """Nobody asks the services about an early row, and nobody has to press the key again."""
    panel, field = ListPanel(model, theme), SearchField(theme)
    for widget in (panel, field):
        qtbot.addWidget(widget)
    field.textChanged.connect(panel.search)
    field.returnPressed.connect(panel.open_first)
    field.left_downwards.connect(panel.enter)
    chosen, opened = QSignalSpy(panel.table.chosen), QSignalSpy(panel.table.opened)
    panel.show()
    model.show_early(PEOPLE)
    QTest.keyClicks(field, PEOPLE[1].name[:4])
    QTest.keyClick(field, key)
    assert chosen.count() == 0
    if meanwhile == "other words":
        field.setText(PEOPLE[2].name)
    elif meanwhile == "the database cannot be opened":
        model.forget_early()
    elif meanwhile == "another page":
        panel.hide()
    model.on_loaded(MentoradosLoaded(tuple(PEOPLE)))
    QApplication.processEvents()
    wanted = PEOPLE[1].id if meanwhile == "nothing" else None
    assert panel.table.chosen_id == wanted
    assert opened.count() == int(wanted is not None and key is Qt.Key.Key_Return)


def test_a_chip_tells_no_number_before_it_is_known(qtbot: QtBot, theme: Theme) -> None:
    chip = Chip(ListFilter.CONNECTED, theme)
    qtbot.addWidget(chip)
    width = chip.sizeHint().width()
    assert chip.accessibleName() == chip.text()
    chip.show_count(0)
    assert chip.accessibleName() == f"{chip.text()}, 0"
    assert chip.sizeHint().width() > width


async def stored(file: Path) -> None:
    async with Database(file) as database:
        for each in PEOPLE:
            await SqlMentoradoRepository(database).add(each)


async def test_the_frame_paints_who_is_in_the_database(tmp_path: Path, qapp: QApplication) -> None:
    await stored(tmp_path / "conecta.db")
    frame = Frame(qapp, tmp_path / "window.ini", StillClock(NOON))
    frame.show_people(tmp_path / "nothing.db")
    assert frame.model.rowCount() == 0
    frame.show_people(tmp_path / "conecta.db")
    assert frame.model.rowCount() == 3
    frame.window.on_storage_failed(StorageFailed(Problem(ProblemCode.DATABASE_CORRUPT, path="x", detail="")))
    assert frame.model.rowCount() == 0
    frame.window.finish()
    frame.window.deleteLater()
