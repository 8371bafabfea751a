"""Taking a spreadsheet: every row is shown, what is wrong is said, what is right is taken and can be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton

from app.core.csv_import import LARGEST, CsvImportService, open_spreadsheet
from app.domain.errors import Problem, ProblemCode
from app.text.status import texts
from app.ui.async_slots import show_error
from app.ui.dialogs.csv_import import CsvImportDialog, ImportTable, _read_rows, import_spreadsheet
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach
from tests.ui.detail_pane.harness import PaneHarness, pane_harness
from tests.ui.window_harness import WindowHarness

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

FILE = b"nome;telefone;turma\nAna Lima;11987654321;T1\nBruno;123;\nThiago T;98983015662;\nCarla;21912345678;T2\n"


@asynccontextmanager
async def opened(
    theme: Theme, data: bytes = FILE, width: int = 1000
) -> AsyncIterator[tuple[PaneHarness, CsvImportDialog]]:
    async with pane_harness(theme) as harness:
        harness.pane.resize(width, 800)
        harness.pane.show()
        taking = CsvImportService(mentorados=harness.mentorados, audit_service=harness.core.audit_service)
        sheet = CsvImportDialog(theme, harness.pane, taking, open_spreadsheet(data))
        sheet.open()
        await settle()
        try:
            yield harness, sheet
        finally:
            sheet.close()
            sheet.deleteLater()


def rows(sheet: CsvImportDialog) -> list[tuple[str, str]]:
    items = [sheet.table.topLevelItem(place) for place in range(sheet.table.topLevelItemCount())]
    return [(item.text(1), item.text(3)) for item in items if item is not None]


async def test_rows_that_cannot_be_taken_come_first_and_say_why(theme: Theme) -> None:
    async with opened(theme) as (_, sheet):
        lines = rows(sheet)
        assert [name for name, _ in lines] == ["Bruno", "Thiago T", "Ana Lima", "Carla"]
        assert "Thiago Torquato" in lines[1][1]
        assert texts.plural("import.ready", 2) in sheet.summary.text()
        assert nameless(sheet) == []
        assert out_of_reach(sheet) == []


REFUSED = b"""nome;telefone;turma
Ana Lima;11987654321;T1
Ana outra vez;+55 11 98765-4321;
;21912345678;
Dois;11 98765-1111 / 11 98765-2222;
Thiago T;98983015662;
"""


@pytest.mark.parametrize("width", [700, 1280])
async def test_reasons_are_read_whole_with_numbers_as_people_write_them(theme: Theme, width: int) -> None:
    async with opened(theme, REFUSED, width) as (_, sheet):
        items = [sheet.table.topLevelItem(place) for place in range(4)]
        rows_by_line = {item.text(0): (item.text(2), item.text(3)) for item in items if item is not None}
        assert rows_by_line["3"][0] == "+55 11 98765-4321"
        assert rows_by_line["3"][1].startswith("Este número também está na linha 2 deste arquivo, com Ana Lima.")
        assert rows_by_line["4"][0] == "+55 21 91234-5678", "its name is wrong, not its number"
        assert rows_by_line["5"][0] == "11 98765-1111 / 11 98765-2222", "as it stands in the file"
        assert rows_by_line["6"][0] == "+55 98 98301-5662"
        assert rows_by_line["6"][1].endswith("Confira o número, ou arquive o outro cadastro antes.")
        assert cut_cells(sheet.table) == []


def cut_cells(table: ImportTable) -> list[str]:
    """What does not fit into its cell, on as many lines as there are."""
    cut = []
    for item in (table.topLevelItem(place) for place in range(table.topLevelItemCount())):
        assert item is not None
        row = table.visualItemRect(item)
        for place in range(table.columnCount()):
            room = QRect(0, 0, table.columnWidth(place) - 2 * 8 - (24 if place == 0 else 0), 10_000)
            needed = table.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap, item.text(place))
            right = table.columnViewportPosition(place) + table.columnWidth(place)
            if needed.height() > row.height() - 2 * 6 or needed.width() > room.width():
                cut.append(item.text(place))
            if right > table.viewport().width():
                cut.append(f"{item.text(place)} (beside the table)")
    return cut


TWO_NUMBERS = """Nome;Sobrenome;Telefone;Celular;Turma
Ana;Lima;1133334444;11987654321;T1
Bia;Sá;11955554444;;T2
""".encode()


async def test_the_sheet_says_which_column_was_taken_for_what_and_takes_another(theme: Theme) -> None:
    async with opened(theme, TWO_NUMBERS) as (harness, sheet):
        lines = [sheet.picks[name].accessibleName() for name in ("name", "phone", "cohort")]
        assert lines == ["Nome: A · Nome + B · Sobrenome", "Telefone: D · Celular", "Turma: E · Turma"]
        assert [name for name, _ in rows(sheet)] == ["Bia Sá", "Ana Lima"]  # she has no mobile
        offered = sheet.picks["phone"].menu_of_options().actions()
        assert [each.text() for each in offered][2:4] == ["C · Telefone", "D · Celular"]
        offered[2].trigger()
        assert rows(sheet) == [("Ana Lima", "T1 · telefone fixo"), ("Bia Sá", "T2")]
        none = sheet.picks["cohort"].menu_of_options().actions()[0]
        none.trigger()
        assert [note for _, note in rows(sheet)] == ["telefone fixo", ""]
        sheet.take.click()
        await settle()
        assert not sheet.picks["phone"].isEnabled()
        assert [harness.mentorados.get(who).phone for who in sheet.added] == [
            "+551133334444",
            "+5511955554444",
        ]


async def test_where_nothing_tells_the_columns_the_person_is_asked(theme: Theme) -> None:
    async with opened(theme, "Pai;Contato da mãe\nAna;11987654321\nBia;casa\n".encode()) as (_, sheet):
        assert texts("problem.import_columns_unknown.sentence") in sheet.summary.text()
        assert not sheet.take.isEnabled()
        assert [note for _, note in rows(sheet)] == ["Ana | 11987654321", "Bia | casa"]
        sheet.picks["name"].menu_of_options().actions()[1].trigger()
        sheet.picks["phone"].menu_of_options().actions()[2].trigger()
        assert texts.plural("import.ready", 1) in sheet.summary.text()
        assert sheet.take.isEnabled()


async def test_what_a_stranger_wrote_into_the_file_is_shown_as_it_is(theme: Theme) -> None:
    data = b"Nome;Telefone\nAna\x1b[2J;11987654321\nBia;<img src='http://example.com/x.png'>\n"
    async with opened(theme, data) as (_, sheet):
        items = [sheet.table.topLevelItem(place) for place in range(2)]
        assert [item.text(1) for item in items if item] == ["Ana␛[2J", "Bia"]
        assert not any("<img" in item.toolTip(3) for item in items if item)


async def test_the_rows_that_are_right_are_taken(theme: Theme) -> None:
    async with opened(theme) as (harness, sheet):
        sheet.take.click()
        await settle()
        assert [harness.mentorados.get(who).name for who in sheet.added] == ["Ana Lima", "Carla"]
        assert not sheet.isVisible()


async def test_cancelled_midway_who_was_added_stays(theme: Theme) -> None:
    async with opened(theme) as (harness, sheet):
        sheet.take.click()
        sheet.reject()
        await settle()
        assert len(sheet.added) == 1
        assert harness.mentorados.get(sheet.added[0]).name == "Ana Lima"


async def test_a_disk_that_is_full_is_said_in_the_sheet(theme: Theme) -> None:
    async with opened(theme) as (harness, sheet):
        harness.mentorado_repository.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        sheet.take.click()
        await settle()
        assert sheet.isVisible()
        assert "disco" in sheet.summary.text().lower()
        show_error(sheet, RuntimeError())
        assert texts("detail.crash") in sheet.summary.text()


async def test_with_nobody_to_take_there_is_nothing_to_press(theme: Theme) -> None:
    async with opened(theme, b"nome;telefone\nAna;1\n") as (_, sheet):
        assert not sheet.take.isEnabled()
        assert sheet.cancel.hasFocus()


async def test_the_file_is_asked_for_and_giving_up_takes_nobody(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        harness.pane.show()
        taking = CsvImportService(mentorados=harness.mentorados, audit_service=harness.core.audit_service)
        answer = asyncio.get_running_loop().create_task(import_spreadsheet(theme, harness.pane, taking))
        await settle()
        (dialog,) = harness.pane.findChildren(QFileDialog)
        dialog.reject()
        assert await answer == ()


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Problem):
        _read_rows(tmp_path / "gone.csv")
    (tmp_path / "large.csv").write_bytes(b"x" * (LARGEST + 10))
    assert len(_read_rows(tmp_path / "large.csv")) == LARGEST + 1


async def test_an_empty_home_offers_the_spreadsheet_and_the_import_can_be_undone(theme: Theme, tmp_path: Path) -> None:
    harness = WindowHarness(tmp_path, theme=theme)
    await harness.load()
    await harness.show()
    offered = [
        each
        for each in harness.window.list.findChildren(QPushButton)
        if each.isVisible() and each.text() == texts("list.import")
    ]
    file = tmp_path / "people.csv"
    file.write_bytes(FILE)
    offered[0].click()
    await settle()
    (dialog,) = harness.window.findChildren(QFileDialog)
    for line in dialog.findChildren(QLineEdit, "fileNameEdit"):
        line.setText(str(file))
    dialog.accept()
    async with asyncio.timeout(5):
        while not (sheets := harness.window.findChildren(CsvImportDialog)):
            await asyncio.sleep(0.01)
    sheets[0].take.click()
    await settle()
    assert len(list(harness.mentorados.all())) == 3  # nobody was there before, so Thiago is new
    harness.window.controller.undo.undo()
    await settle()
    assert all(each.archived for each in harness.mentorados.all())
    await harness.close()
