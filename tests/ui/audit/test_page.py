"""The audit as a person reads, filters and proves it."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QPushButton

from app.domain.actions import ActionName
from app.domain.audit import AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.text.status import texts
from app.ui.audit import page as page_module
from app.ui.audit.model import Period
from app.ui.audit.page import EntryDialog
from app.ui.theme.theme import Mode, Theme
from tests.clock import settle
from tests.ui.audit.conftest import PEOPLE, Harness, InHarness, record
from tests.ui.controls import nameless, out_of_reach, text_in
from tests.ui.window_harness import NOON


def test_the_newest_entries_come_first_and_older_ones_on_demand(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        QAbstractItemModelTester(harness.page.model, QAbstractItemModelTester.FailureReportingMode.Fatal, harness.page)
        assert "500 registros" in text_in(harness.page)
        assert harness.numbers()[:3] == [500, 499, 498]
        assert len(harness.numbers()) < 500
        for _ in range(5):
            harness.page.table.scrollToBottom()
            await harness.settle()
        assert harness.numbers() == list(range(500, 0, -1))

    in_harness(use, [record(number) for number in range(1, 501)])


def test_each_row_says_who_did_what_to_whom_and_how_it_ended(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        spoken = harness.page.model.data(harness.page.model.index(0), Qt.ItemDataRole.AccessibleTextRole)
        name = PEOPLE[1].name
        for part in ("Aceitar outro número", name, "Cancelado", "Conectado → Desligado", "rosa · Rosa Prado", "chip"):
            assert part in spoken

    in_harness(use, [record(1, action=ActionName.ACCEPT_ACCOUNT.value, reason="trocou de chip")])


def test_an_empty_audit_says_what_will_be_in_it(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        assert "Nada foi registrado ainda" in text_in(harness.page)
        assert not harness.page.export_button.isEnabled()

    in_harness(use)


def test_words_find_entries_whatever_their_accents_and_however_old(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        harness.page.filters.search.setText("JOAO torquato")
        await asyncio.sleep(0.3)
        await harness.settle()
        assert harness.numbers() == [3]
        harness.page.filters.search.setText("zzz")
        await asyncio.sleep(0.3)
        await harness.settle()
        assert "Nenhum registro corresponde ao filtro" in text_in(harness.page)
        harness.page.filters.clear_button.click()
        await harness.settle()
        assert harness.numbers()[0] == 450

    in_harness(use, [record(n, subject="João Torquato" if n == 3 else "Ana") for n in range(1, 451)])


def test_outcome_period_and_mentorado_narrow_together(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        filters = harness.page.filters
        filters._outcome._select(AuditOutcome.FAILED)
        await harness.settle()
        assert harness.numbers() == [n for n in range(1000, 0, -1) if n % 3 == 2][: len(harness.numbers())]
        filters._period._select(Period.TODAY)
        await harness.settle()
        midnight = NOON.astimezone().replace(hour=0)
        today = [n for n in range(1000, 0, -1) if record(n).at >= midnight]
        assert harness.numbers() == [n for n in today if n % 3 == 2]
        filters._outcome._select(None)
        filters.only(PEOPLE[1].id)
        await harness.settle()
        assert harness.numbers() == [n for n in today if n % 3 == 1]
        assert PEOPLE[1].name in filters._mentorado.text()

    in_harness(use, [record(number) for number in range(1, 1001)])


def test_what_is_done_meanwhile_appears_on_top(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        await harness.audit.record(record(4))
        harness.page.look_for_newer()
        await harness.settle()
        assert harness.numbers() == [4, 3, 2, 1]
        assert "4 registros" in text_in(harness.page)
        for number in range(5, 105):
            await harness.audit.record(record(number))
        harness.page.look_for_newer()
        await harness.settle()
        assert harness.numbers()[:3] == [104, 103, 102]

    in_harness(use, [record(number) for number in range(1, 4)])


def test_an_intact_chain_is_said_to_be_and_its_proof_can_be_kept(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        QTest.mouseClick(harness.page.verify_button, Qt.MouseButton.LeftButton)
        await harness.settle()
        assert "Corrente intacta · 3 registros" in text_in(harness.page.verdict)
        harness.page.verdict._copy.click()
        (last, *_) = await harness.audit.entries(limit=1)
        assert last.hash in QGuiApplication.clipboard().text()

    in_harness(use, [record(number) for number in range(1, 4)])


@pytest.mark.parametrize(
    ("statement", "number", "sentence"),
    [
        ("UPDATE audit SET reason = 'x' WHERE number = 7", 7, "O conteúdo do registro nº 7 foi alterado."),
        ("DELETE FROM audit WHERE number = 5", 5, "O registro nº 5 foi removido."),
        ("UPDATE audit_head SET number = 8", 9, "acrescentado por fora"),
    ],
)
def test_a_broken_chain_says_where_what_that_means_and_what_to_do(
    in_harness: InHarness, statement: str, number: int, sentence: str
) -> None:
    async def use(harness: Harness) -> None:
        harness.tamper(statement)
        harness.page.verify()
        await harness.settle()
        verdict = text_in(harness.page.verdict)
        assert f"A integridade falha no registro nº {number}" in verdict
        assert sentence in verdict
        assert "Não apague nada." in verdict
        harness.page.verdict._show_entry.click()
        await harness.settle()
        if number in harness.numbers():
            line = harness.page.model.line_at(harness.page.table.currentIndex())
            assert line is not None
            assert line.entry.number == number
            assert line.broken

    in_harness(use, [record(number) for number in range(1, 11)])


def test_nonsense_in_the_file_is_no_crash(in_harness: InHarness, caplog: pytest.LogCaptureFixture) -> None:
    async def use(harness: Harness) -> None:
        harness.tamper("UPDATE audit SET before = 'nonsense'")
        harness.page.read_anew()
        await harness.settle()
        assert "failed" not in caplog.text, "a bug would be reported so"
        assert "Um registro não pode ser lido" in text_in(harness.page)
        harness.page.verify()
        await harness.settle()
        assert "A integridade falha no registro nº 1" in text_in(harness.page.verdict)

    in_harness(use, [record(1), record(2)])


def test_trouble_with_the_database_is_told_on_the_page(in_harness: InHarness) -> None:
    class Locked:
        async def entries(self, **_asked: object) -> list[object]:
            raise Problem(ProblemCode.DATABASE_LOCKED)

        verification = entries

    async def use(harness: Harness) -> None:
        harness.page._audit = Locked()  # type: ignore[assignment]
        harness.page.verify()
        await harness.settle()
        assert "Outro programa está usando os dados do Conecta (" in text_in(harness.page.banners)
        assert not harness.page.verdict.isVisible()

    in_harness(use, [record(1)])


def test_an_entry_is_shown_in_full_with_its_hashes(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        table = harness.page.table
        table.setFocus()
        QTest.keyClick(table, Qt.Key.Key_Down)
        QTest.keyClick(table, Qt.Key.Key_Return)
        await settle()
        sheet = harness.page.findChild(EntryDialog)
        assert isinstance(sheet, EntryDialog)
        (last, *_) = await harness.audit.entries(limit=1)
        assert last.hash in text_in(sheet).replace("\n", "")
        sheet._copy.click()
        assert last.previous_hash in QGuiApplication.clipboard().text()
        sheet.reject()

    in_harness(use, [record(1, reason="trocou de chip"), record(2)])


def test_the_menu_of_an_entry_narrows_to_its_mentorado(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        line = harness.page.model.line_at(harness.page.model.index(0))
        assert line is not None
        menu = harness.page.entry_menu(line)
        menu.actions()[1].trigger()
        await harness.settle()
        assert harness.numbers() == [6, 3]
        menu.deleteLater()

    in_harness(use, [record(number) for number in range(1, 7)])


def test_everything_has_a_name_and_can_be_reached(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        harness.page.verify()
        await harness.settle()
        assert nameless(harness.page) == []
        lost = [each for each in out_of_reach(harness.page) if each.parent() is not harness.page.filters.search]
        assert lost == []
        assert harness.page.table.accessibleName()

    in_harness(use, [record(1)])


def test_language_and_look_change_at_once(in_harness: InHarness, theme: Theme) -> None:
    async def use(harness: Harness) -> None:
        harness.page.verify()
        await harness.settle()
        texts.set_language("en")
        theme.set_mode(Mode.DARK)
        theme.set_text_scale(200)
        await settle()
        assert "Chain intact · 2 entries" in text_in(harness.page)
        assert "Disconnect" in harness.page.model.data(harness.page.model.index(0))
        for button in harness.page.findChildren(QPushButton):
            if button.isVisible():
                assert button.width() >= button.minimumSizeHint().width(), button.text()
                assert button.height() >= button.fontMetrics().height(), button.text()
        harness.page.grab()

    in_harness(use, [record(1), record(2)])


def test_in_a_narrow_window_rows_are_taller_and_words_shorter(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        before = harness.page.table.rowHeight(0)
        harness.page.resize(580, 600)
        await settle()
        assert harness.page.table.rowHeight(0) > before
        assert harness.page.verify_button.text() == "Verificar"
        assert harness.page.verify_button.accessibleName() == "Verificar integridade"
        harness.page.grab()

    in_harness(use, [record(1)])


def test_the_filter_keeps_its_room_where_there_is_little(in_harness: InHarness, theme: Theme) -> None:
    async def use(harness: Harness) -> None:
        theme.set_text_scale(200)
        harness.page.resize(580, 560)
        await harness.settle()
        filters = harness.page.filters
        lowest = max(each.geometry().bottom() for each in filters.findChildren(QPushButton) if each.isVisible())
        assert lowest < filters.height()
        assert filters.geometry().bottom() < harness.page.table.geometry().top()

    in_harness(use, [record(1)])


def test_the_page_looks_again_only_while_it_is_seen(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        assert harness.page._again.isActive()
        assert harness.page._again.interval() == page_module.LOOK_AGAIN_MILLISECONDS
        harness.page.hide()
        assert not harness.page._again.isActive()

    in_harness(use)
