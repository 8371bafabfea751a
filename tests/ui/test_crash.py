"""A failure of the program reaches a person once, with a report that gives nobody away."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.ui.crash import CrashReports, CrashSheet, report
from app.ui.theme.theme import Theme
from tests.ui.window_harness import CREDENTIAL


def failed(words: str) -> ValueError:
    try:
        raise ValueError(words)
    except ValueError as error:
        return error


@pytest.fixture
def reports(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> Iterator[tuple[CrashReports, list[str]]]:
    made = CrashReports("1.2.3")
    lines: list[str] = []
    made.reported.connect(lines.append)
    undo = made.install()
    yield made, lines
    undo()


def test_a_report_holds_what_support_needs_and_nobodys_number() -> None:
    words = report(failed(f"no answer from +55 11 90000-0004 (5511900000004) to {CREDENTIAL}"), "1.2.3")
    assert "Conecta 1.2.3" in words
    assert "ValueError" in words
    assert "in failed" in words
    for private in ("90000", "0004", "not-to-be-shown"):
        assert private not in words


def test_each_place_is_reported_once(reports: tuple[CrashReports, list[str]]) -> None:
    made, lines = reports
    for words in ("one", "two"):
        made.report(failed(words))
    made.report(ZeroDivisionError())
    assert len(lines) == 2


def test_what_nobody_caught_is_reported(reports: tuple[CrashReports, list[str]]) -> None:
    _made, lines = reports
    error = failed("in a slot")
    sys.excepthook(ValueError, error, error.__traceback__)
    assert len(lines) == 1


def test_a_person_who_interrupts_is_no_failure(
    reports: tuple[CrashReports, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    _made, lines = reports
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert lines == []


def test_a_thread_that_fails_is_reported_on_the_right_thread(
    reports: tuple[CrashReports, list[str]], qtbot: QtBot
) -> None:
    _made, lines = reports

    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(lines) == 1)
    assert "in a thread" in lines[0]


def test_a_task_nobody_waits_for_is_reported(reports: tuple[CrashReports, list[str]]) -> None:
    made, lines = reports

    async def main() -> None:
        loop = asyncio.get_running_loop()
        made.watch(loop)
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert "ZeroDivisionError" in lines[0]


def test_the_sheet_stands_in_nobodys_way_and_its_report_can_be_copied(theme: Theme, qtbot: QtBot) -> None:
    sheet = CrashSheet("the report", theme)
    sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(sheet)
    sheet.show()
    assert not sheet.isModal()
    sheet.copy_button.click()
    assert QGuiApplication.clipboard().text() == "the report"
    assert sheet.text.isReadOnly()
