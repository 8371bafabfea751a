"""What all sheets have in common: the window behind is dimmed, and there is never a second one on the first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListWidget, QPushButton, QWidget

from app.ui.async_slots import show_dialog
from app.ui.dialogs.base import BaseDialog
from app.ui.theme.theme import SPACE_6, Theme
from app.ui.widgets.layouts import laid_out
from tests.clock import settle
from tests.ui.controls import controls
from tests.ui.keyboard import surfaces
from tests.ui.keyboard.surfaces import SURFACES
from tests.ui.window_checks import is_at_rest
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@pytest.fixture
def window(theme: Theme) -> Iterator[QWidget]:
    window = QWidget()
    window.setStyleSheet("background: white")
    window.resize(900, 700)
    window.show()
    yield window
    window.hide()
    window.deleteLater()


def titled(theme: Theme, window: QWidget, title: str) -> BaseDialog:
    sheet = BaseDialog(theme, window)
    sheet.set_title(title)
    sheet.add_button("Fechar").clicked.connect(sheet.reject)
    return sheet


async def test_the_window_is_dimmed_as_long_as_a_sheet_is_open(theme: Theme, window: QWidget) -> None:
    def brightness() -> int:
        return window.grab().toImage().pixelColor(5, 5).lightness()

    assert brightness() == 255
    sheet = titled(theme, window, "Um")
    answered = asyncio.get_running_loop().create_task(show_dialog(sheet))
    await settle()
    assert sheet.windowModality() is Qt.WindowModality.WindowModal
    assert brightness() < 160
    window.resize(1000, 800)
    assert window.grab().toImage().pixelColor(995, 795).lightness() < 160, "the shade grows with the window"
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert await answered is BaseDialog.DialogCode.Rejected
    await settle()
    assert brightness() == 255


async def test_the_round_corners_show_what_is_behind_without_help_of_the_desktop(theme: Theme, window: QWidget) -> None:
    sheet = titled(theme, window, "Um")
    sheet.open()
    await settle()
    assert not sheet.testAttribute(Qt.WidgetAttribute.WA_TranslucentBackground), "black where nothing composes windows"
    behind = window.grab().toImage().pixelColor(5, 5)
    await until(lambda: len(sheet._corners) == 4, within=5)
    picture = sheet.grab().toImage()
    right, bottom = picture.width() - 1, picture.height() - 1
    corners = {picture.pixelColor(x, y).name() for x in (0, right) for y in (0, bottom)}
    assert corners == {behind.name()}
    assert picture.pixelColor(right // 2, 10).lightness() == 255
    sheet.reject()


async def test_enter_presses_the_button_that_has_the_focus_and_not_the_default(theme: Theme, window: QWidget) -> None:
    sheet = BaseDialog(theme, window)
    cancel, other, save = (sheet.add_button(words) for words in ("Cancelar", "Adicionar", "Salvar"))
    save.setDefault(True)
    pressed: list[QPushButton] = []
    for button in (cancel, other, save):
        button.clicked.connect(lambda _checked, button=button: pressed.append(button))
    sheet.open()
    await settle()
    other.setFocus()
    QTest.keyClick(other, Qt.Key.Key_Return)
    cancel.setFocus()
    QTest.keyClick(cancel, Qt.Key.Key_Enter)
    assert pressed == [other, cancel]
    cancel.setEnabled(False)
    sheet.setFocus()
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    assert pressed == [other, cancel, save], "from anywhere else it is the default that answers"
    sheet.close()
    sheet.deleteLater()


async def test_a_second_sheet_takes_the_place_of_the_first(theme: Theme, window: QWidget) -> None:
    loop = asyncio.get_running_loop()
    first = loop.create_task(show_dialog(titled(theme, window, "Um")))
    await settle()
    second = loop.create_task(show_dialog(sheet := titled(theme, window, "Dois")))
    await settle()
    assert first.done()
    assert first.result() is BaseDialog.DialogCode.Rejected
    assert [each.windowTitle() for each in window.findChildren(BaseDialog) if each.isVisible()] == ["Dois"]
    sheet.accept()
    assert await second is BaseDialog.DialogCode.Accepted


async def test_a_sheet_is_as_tall_as_its_words_and_in_the_middle(theme: Theme, window: QWidget) -> None:
    theme.set_text_scale(200)
    sheet = titled(theme, window, "Uma pergunta bastante comprida, que precisa de várias linhas " * 3)
    sheet.open()
    await settle()
    assert sheet.title.height() >= sheet.title.heightForWidth(sheet.title.width())
    (button,) = sheet.findChildren(QPushButton)
    assert sheet.rect().contains(button.geometry())
    centre = sheet.geometry().center() - window.mapToGlobal(window.rect().center())
    assert centre.manhattanLength() <= 2
    sheet.reject()


async def test_a_list_gives_way_where_the_window_is_too_low_for_all_of_it(theme: Theme, window: QWidget) -> None:
    for height, expected in ((900, 500), (400, None), (200, 90)):
        window.resize(900, height)
        sheet = titled(theme, window, "Um")
        found = QListWidget()
        sheet.add_list(found, 500, 90)
        sheet.open()
        await settle()
        assert found.height() == expected or expected is None
        assert height == 200 or sheet.height() <= height - 2 * SPACE_6
        sheet.reject()


@pytest.mark.parametrize(
    "name",
    ["import mentorados", "import consents", "palette", "a message", "an audit entry", "a support bundle", "a code"],
)
async def test_no_sheet_is_higher_than_the_window_with_the_largest_text(
    theme: Theme, fast_dir: Path, name: str
) -> None:
    theme.set_text_scale(200)
    async with SURFACES[name](theme, fast_dir) as sheet:
        window = sheet.parentWidget()
        assert window is not None
        area = QRect(window.mapToGlobal(window.rect().topLeft()), window.size())
        assert area.contains(sheet.geometry())
        for control in controls(sheet):
            if not control.visibleRegion().isEmpty():
                assert sheet.rect().contains(QRect(control.mapTo(sheet, control.rect().topLeft()), control.size()))


@pytest.mark.parametrize(
    "name",
    ["import mentorados", "palette", "a message", "an audit entry", "a support bundle", "a code", "archive many"],
)
async def test_in_the_smallest_window_a_sheet_scrolls_above_its_buttons(
    theme: Theme, fast_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    theme.set_text_scale(200)
    monkeypatch.setattr(surfaces, "SIZE", (640, 480))
    async with SURFACES[name](theme, fast_dir) as sheet:
        window = sheet.parentWidget()
        assert window is not None
        assert window.height() == 480
        assert isinstance(sheet, BaseDialog)
        area = QRect(window.mapToGlobal(window.rect().topLeft()), window.size())
        assert area.contains(sheet.geometry())
        assert await is_at_rest()
        for button in laid_out(sheet.buttons):
            if isinstance(button, QWidget) and button.isVisible():
                assert sheet.rect().contains(button.geometry())
                assert button.width() >= button.minimumSizeHint().width()
