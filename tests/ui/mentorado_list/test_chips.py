"""The chips above the list: what they count, and how they give way where it is narrow."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.domain.events import MentoradosLoaded, StatusChanged
from app.text.status import texts
from app.ui.mentorado_list.chips import Chip, ChipBar
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.row import ListFilter
from app.ui.theme.theme import Theme
from tests.clock import StillClock
from tests.ui.mentorado_list.test_list_model import OFF, archived
from tests.ui.window_harness import NOON, person, status


@pytest.fixture
def model() -> MentoradoListModel:
    made = MentoradoListModel(StillClock(NOON))
    people = [person(number) for number in range(60)]
    made.on_loaded(MentoradosLoaded(tuple(people)))
    for number, mentorado in enumerate(people):
        if (observed := status(number)) is not None:
            made.on_status(StatusChanged(mentorado.id, mentorado.link.id, OFF, observed))
    made.flush()
    return made


@pytest.fixture
def bar(model: MentoradoListModel, theme: Theme, qtbot: QtBot) -> ChipBar:
    made = ChipBar(model, theme)
    qtbot.addWidget(made)
    made.retranslate()
    made.resize(900, 40)
    made.show()
    return made


def shown(bar: ChipBar) -> list[Chip]:
    return [chip for chip in bar._chips.values() if chip.isVisible()]


def test_each_chip_says_its_word_and_its_count(bar: ChipBar, model: MentoradoListModel) -> None:
    for chip in shown(bar):
        assert chip.accessibleName() == f"{texts(f'chips.{chip.stands_for}')}, {model.count(chip.stands_for)}"


def test_the_archive_has_no_chip_while_it_is_empty(bar: ChipBar, model: MentoradoListModel) -> None:
    assert ListFilter.ARCHIVED not in {chip.stands_for for chip in shown(bar)}
    model.on_loaded(MentoradosLoaded((person(1), archived(person(2)))))
    assert ListFilter.ARCHIVED in {chip.stands_for for chip in shown(bar)}


@pytest.mark.parametrize("scale", [100, 150, 200])
@pytest.mark.parametrize("width", [1200, 860, 500, 300])
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_no_chip_is_cut_off_or_covers_another(
    bar: ChipBar, theme: Theme, scale: int, width: int, language: str
) -> None:
    texts.set_language(language)
    bar.retranslate()
    theme.set_text_scale(scale)
    bar.resize(width, bar.height())
    chips = shown(bar)
    for chip in chips:
        assert chip.width() >= chip.sizeHint().width()
        assert chip.geometry().right() <= bar.width() or chip.x() == 0
        assert chip.geometry().bottom() < bar.height()
    for one, other in itertools.pairwise(chips):
        assert not one.geometry().intersects(other.geometry())


def test_words_give_way_to_icons_but_the_name_stays(bar: ChipBar) -> None:
    wide = {chip.stands_for: chip.width() for chip in shown(bar)}
    bar.resize(480, 40)
    narrow = {chip.stands_for: chip.width() for chip in shown(bar)}
    assert narrow[ListFilter.CONNECTED] < wide[ListFilter.CONNECTED]
    assert narrow[ListFilter.ALL] == wide[ListFilter.ALL]  # it has no icon to stand for it
    assert bar._chips[ListFilter.CONNECTED].toolTip() == "Conectado"


def test_arrows_walk_the_chips_and_space_picks(bar: ChipBar) -> None:
    picked: list[ListFilter] = []
    bar.picked.connect(picked.append)
    bar._chips[ListFilter.ALL].setFocus()
    QTest.keyClick(bar._chips[ListFilter.ALL], Qt.Key.Key_Right)
    QTest.keyClick(bar._chips[ListFilter.CONNECTED], Qt.Key.Key_Space)
    assert ListFilter.CONNECTED in picked
    assert bar._chips[ListFilter.CONNECTED].isChecked()
    assert not bar._chips[ListFilter.ALL].isChecked()


def test_a_large_number_is_read_in_groups_of_digits(theme: Theme, qtbot: QtBot) -> None:
    many = MentoradoListModel(StillClock(NOON))
    many.on_loaded(MentoradosLoaded(tuple(person(number) for number in range(1_234))))
    many.flush()
    bar = ChipBar(many, theme)
    qtbot.addWidget(bar)
    texts.set_language("pt-BR")
    bar.retranslate()
    assert bar._chips[ListFilter.ALL].accessibleName() == "Todos, 1.234"
    texts.set_language("en")
    bar.retranslate()
    assert bar._chips[ListFilter.ALL].accessibleName() == "All, 1,234"
