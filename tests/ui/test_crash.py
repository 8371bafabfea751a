"""A failure of the program reaches a person once, with a report that gives nobody away."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.domain.crash_report import CrashEffect, CrashReport
from app.text.status import texts
from app.ui.crash import CrashReports, CrashSheet
from app.ui.theme.theme import Theme
from tests.crashes import crash_report


def failed(words: str) -> ValueError:
    try:
        raise ValueError(words)
    except ValueError as error:
        return error


@pytest.fixture
def reports(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> Iterator[tuple[CrashReports, list[CrashReport]]]:
    made = CrashReports("1.2.3")
    found: list[CrashReport] = []
    made.reported.connect(found.append)
    undo = made.install()
    yield made, found
    undo()


def test_each_place_is_reported_once(reports: tuple[CrashReports, list[CrashReport]]) -> None:
    made, found = reports
    for words in ("one", "two"):
        made.report(failed(words))
    made.report(ZeroDivisionError())
    assert len(found) == 2


def test_an_error_that_was_logged_already_is_not_counted_again(
    reports: tuple[CrashReports, list[CrashReport]],
) -> None:
    made, _found = reports
    error = failed("in a slot")
    logging.getLogger("app.ui.async_slots").error("failed", exc_info=error)
    made.report(error)
    assert [report.count for report in made.recorder.reports()] == [1]


def test_what_nobody_caught_is_reported(reports: tuple[CrashReports, list[CrashReport]]) -> None:
    _made, found = reports
    error = failed("in a slot")
    sys.excepthook(ValueError, error, error.__traceback__)
    assert len(found) == 1


def test_a_person_who_interrupts_is_no_failure(
    reports: tuple[CrashReports, list[CrashReport]], capsys: pytest.CaptureFixture[str]
) -> None:
    _made, found = reports
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert found == []


def test_a_thread_that_fails_is_reported_on_the_right_thread(
    reports: tuple[CrashReports, list[CrashReport]], qtbot: QtBot
) -> None:
    made, found = reports
    on: list[threading.Thread] = []
    made.reported.connect(lambda _report: on.append(threading.current_thread()), Qt.ConnectionType.QueuedConnection)

    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(found) == 1)
    assert found[0].crash.lines[-1] == "ValueError"


def test_a_task_nobody_waits_for_is_reported(reports: tuple[CrashReports, list[CrashReport]]) -> None:
    made, found = reports

    async def main() -> None:
        loop = asyncio.get_running_loop()
        made.watch(loop)
        loop.call_soon(lambda: 1 / 0)
        loop.call_exception_handler({"message": "without an exception"})
        await asyncio.sleep(0.01)

    asyncio.run(main())
    (report,) = found
    assert report.crash.lines[-1] == "ZeroDivisionError"
    assert report.crash.place == "task"


@pytest.fixture
def sheet(theme: Theme, qtbot: QtBot) -> CrashSheet:
    made = CrashSheet(crash_report("KeyError", effect=CrashEffect.LINK_RETRIES), theme)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    return made


def test_the_sheet_stands_in_nobodys_way_and_its_report_can_be_copied(sheet: CrashSheet) -> None:
    assert not sheet.isModal()
    sheet.copy_button.click()
    assert "KeyError" in QGuiApplication.clipboard().text()
    assert sheet.copy_button.text() == texts("crash.copied")
    assert sheet.text.isReadOnly()
    assert sheet.effect.text() == texts("crash.effect.link_retries")


def test_a_second_failure_is_added_to_the_sheet_that_is_open(sheet: CrashSheet) -> None:
    sheet.add(crash_report("ValueError", effect=CrashEffect.PAUSED))
    assert "KeyError" in sheet.text.toPlainText()
    assert sheet.text.toPlainText().endswith("ValueError")
    assert sheet.effect.text() == texts("crash.effect.paused")


def test_a_bundle_can_be_asked_for_from_the_sheet(sheet: CrashSheet, qtbot: QtBot) -> None:
    with qtbot.waitSignal(sheet.bundle_requested, timeout=1000):
        sheet.bundle_button.click()
    assert not sheet.isVisible()


def test_in_a_small_window_the_words_scroll_and_the_buttons_stay_in_view(sheet: CrashSheet, theme: Theme) -> None:
    theme.set_text_scale(200)
    sheet.resize(520, 360)
    QApplication.processEvents()
    assert (sheet.width(), sheet.height()) == (520, 360)
    for button in sheet.findChildren(QPushButton):
        assert button.width() >= button.sizeHint().width()
        assert button.visibleRegion().boundingRect() == button.rect()
    bar = sheet.area.verticalScrollBar()
    assert bar.maximum() > 0
    bar.setValue(bar.maximum())
    assert sheet.text.visibleRegion().boundingRect().height() > 40


def test_every_effect_has_a_sentence() -> None:
    assert all(texts(f"crash.effect.{effect}") for effect in CrashEffect)
