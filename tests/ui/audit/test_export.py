"""What leaves the house: whole, checkable, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog

from app.domain.audit import FIRST_HASH, Actor, AuditOutcome, AuditRecord, chain_entry
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.formats.audit_export import ExportFile, Format
from app.ui.audit.page import save_dialog
from app.ui.theme.theme import Theme
from tests.ui.audit.conftest import Harness, InHarness, record
from tests.ui.window_harness import NOON


def read_csv(file: Path) -> list[list[str]]:
    return list(csv.reader(file.read_text("utf-8-sig").splitlines(), delimiter=";"))


def test_json_has_what_is_hashed_so_that_others_can_check_the_chain(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        file = tmp_path / "audit.json"
        await harness.page.export_to(file)
        entries = json.loads(file.read_text("utf-8"))["entries"]
        assert [entry["number"] for entry in entries] == list(range(451, 0, -1))
        before = FIRST_HASH
        for entry in reversed(entries):
            again = AuditRecord(
                at=datetime.fromisoformat(entry["at"]),
                actor=Actor(user=entry["user"], operator=entry["operator"]),
                action=entry["action"],
                mentorado_id=MentoradoId(entry["mentorado_id"]),
                subject=entry["subject"],
                before=entry["before"],
                after=entry["after"],
                outcome=AuditOutcome(entry["outcome"]),
                reason=entry["reason"],
            )
            assert chain_entry(entry["number"], again, before).hash == entry["hash"]
            before = entry["hash"]
        assert "451 registros em audit.json" in harness.page._summary.text()

    in_harness(use, [record(number) for number in range(1, 451)])


def test_only_what_the_filter_shows_is_written(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        harness.page.filters._outcome._select(AuditOutcome.FAILED)
        await harness.settle()
        await harness.page.export_to(tmp_path / "a.csv")
        head, *rows = read_csv(tmp_path / "a.csv")
        assert head[:2] == ["Número", "Momento (UTC)"]
        assert [row[0] for row in rows] == ["8", "5", "2"]
        assert rows[0][6] == "Desconectar"
        assert rows[0][9] == '{"reason": "none", "state": "connected"}'

    in_harness(use, [record(number) for number in range(1, 10)])


@pytest.mark.parametrize("typed", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", "  =1", "＝1"])
def test_no_cell_is_a_formula(in_harness: InHarness, tmp_path: Path, typed: str) -> None:
    async def use(harness: Harness) -> None:
        await harness.page.export_to(tmp_path / "a.csv")
        _head, _begun, row = read_csv(tmp_path / "a.csv")
        assert row[8] == f"'{typed}"
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row)

    in_harness(use, [record(1, subject=typed, reason=typed)])


def test_separators_quotes_and_lines_in_a_cell_split_nothing(in_harness: InHarness, tmp_path: Path) -> None:
    typed = 'a;=1,"b"\nc'

    async def use(harness: Harness) -> None:
        await harness.page.export_to(tmp_path / "a.csv")
        with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
            _head, _begun, row = csv.reader(file, delimiter=";")
        assert row[12] == typed
        with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:  # opened where commas separate
            assert not any(cell.startswith("=") for cells in csv.reader(file) for cell in cells)

    in_harness(use, [record(1, reason=typed)])


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("the former one")
    with pytest.raises(KeyboardInterrupt), ExportFile(file, Format.CSV, NOON):
        raise KeyboardInterrupt
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]
    assert file.read_text() == "the former one"
    with ExportFile(file, Format.CSV, NOON):
        pass
    assert file.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_a_folder_that_cannot_be_used_is_a_sentence_on_the_page(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        with pytest.raises(Problem) as caught:
            await harness.page.export_to(tmp_path / "nowhere" / "a.csv")
        assert caught.value.code is ProblemCode.EXPORT_FOLDER_UNUSABLE
        assert harness.page.export_button.isEnabled()

    in_harness(use, [record(1)])


def test_the_kind_of_file_that_is_chosen_becomes_its_ending(in_harness: InHarness, theme: Theme) -> None:
    async def use(harness: Harness) -> None:
        dialog = save_dialog(harness.page, NOON.date())
        assert dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave
        assert dialog.defaultSuffix() == "csv"
        dialog.filterSelected.emit(dialog.nameFilters()[1])
        assert dialog.defaultSuffix() == "json"
        dialog.deleteLater()

    in_harness(use)


def test_that_the_audit_was_exported_is_in_it_from_then_on(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        await harness.page.export_to(tmp_path / "all.csv")
        with pytest.raises(Problem):
            await harness.page.export_to(tmp_path / "nowhere" / "all.csv")
        entries = await harness.audit.entries(limit=5)
        failed, tried, done, begun, _ = (entry.record for entry in entries)
        assert (begun.outcome, tried.outcome) == ("begun", "begun")
        assert (done.action, done.outcome, done.after) == ("export_audit", "done", {"entries": "2", "file": "all.csv"})
        assert (failed.action, failed.outcome) == ("export_audit", "failed")
        assert failed.reason == ProblemCode.EXPORT_FOLDER_UNUSABLE
        assert str(tmp_path) not in str(entries), "where it went is nobody's business"

    in_harness(use, [record(1)])
