"""The audit as a person reads, filters and proves it."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.core.action import ActionName
from app.domain.audit import AuditOutcome
from app.domain.errors import Code, Problem
from app.ui.audit_page import page as page_module
from app.ui.audit_page.entry_sheet import EntrySheet
from app.ui.audit_page.reading import Period
from app.ui.text import texts
from app.ui.theme import Mode, Theme
from tests.clock import settle
from tests.ui.audit_page.conftest import PEOPLE, InOffice, Office, deed
from tests.ui.controls import nameless, out_of_reach
from tests.ui.stage import NOON


def said(widget: QWidget) -> str:
    shown = [each for each in widget.findChildren(QWidget) if each.isVisible()]
    return " | ".join(each.text() for each in shown if isinstance(each, (QLabel, QPushButton)))


def test_the_newest_entries_come_first_and_older_ones_on_demand(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        QAbstractItemModelTester(office.page.model, QAbstractItemModelTester.FailureReportingMode.Fatal, office.page)
        assert "500 registros" in said(office.page)
        assert office.numbers()[:3] == [500, 499, 498]
        assert len(office.numbers()) < 500
        for _ in range(5):
            office.page.table.scrollToBottom()
            await office.settle()
        assert office.numbers() == list(range(500, 0, -1))

    in_office(use, [deed(number) for number in range(1, 501)])


def test_each_row_says_who_did_what_to_whom_and_how_it_ended(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        spoken = office.page.model.data(office.page.model.index(0), Qt.ItemDataRole.AccessibleTextRole)
        name = PEOPLE[1].mentorado.name
        for part in ("Aceitar outro número", name, "Desistência", "Conectado → Desligado", "rosa · Rosa Prado", "chip"):
            assert part in spoken

    in_office(use, [deed(1, action=ActionName.ACCEPT_ACCOUNT.value, reason="trocou de chip")])


def test_an_empty_audit_says_what_will_be_in_it(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        assert "Nada foi registrado ainda" in said(office.page)
        assert not office.page.export_button.isEnabled()

    in_office(use)


def test_words_find_entries_whatever_their_accents_and_however_old(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        office.page.filters.search.setText("JOAO torquato")
        await asyncio.sleep(0.3)
        await office.settle()
        assert office.numbers() == [3]
        office.page.filters.search.setText("zzz")
        await asyncio.sleep(0.3)
        await office.settle()
        assert "Nenhum registro corresponde ao filtro" in said(office.page)
        office.page.filters.clear_button.click()
        await office.settle()
        assert office.numbers()[0] == 450

    in_office(use, [deed(n, subject="João Torquato" if n == 3 else "Ana") for n in range(1, 451)])


def test_outcome_period_and_mentorado_narrow_together(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        filters = office.page.filters
        filters._outcome._pick(AuditOutcome.FAILED)
        await office.settle()
        assert office.numbers() == [n for n in range(1000, 0, -1) if n % 3 == 2][: len(office.numbers())]
        filters._period._pick(Period.TODAY)
        await office.settle()
        midnight = NOON.astimezone().replace(hour=0)
        today = [n for n in range(1000, 0, -1) if deed(n).at >= midnight]
        assert office.numbers() == [n for n in today if n % 3 == 2]
        filters._outcome._pick(None)
        filters.only(PEOPLE[1].mentorado.id)
        await office.settle()
        assert office.numbers() == [n for n in today if n % 3 == 1]
        assert PEOPLE[1].mentorado.name in filters._mentorado.text()

    in_office(use, [deed(number) for number in range(1, 1001)])


def test_what_is_done_meanwhile_appears_on_top(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        await office.audit.record(deed(4))
        office.page.look_for_newer()
        await office.settle()
        assert office.numbers() == [4, 3, 2, 1]
        assert "4 registros" in said(office.page)
        for number in range(5, 105):
            await office.audit.record(deed(number))
        office.page.look_for_newer()
        await office.settle()
        assert office.numbers()[:3] == [104, 103, 102]

    in_office(use, [deed(number) for number in range(1, 4)])


def test_an_intact_chain_is_said_to_be_and_its_proof_can_be_kept(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        QTest.mouseClick(office.page.verify_button, Qt.MouseButton.LeftButton)
        await office.settle()
        assert "Corrente intacta · 3 registros" in said(office.page.verdict)
        office.page.verdict._copy.click()
        (last, *_) = await office.audit.entries(limit=1)
        assert last.hash in QGuiApplication.clipboard().text()

    in_office(use, [deed(number) for number in range(1, 4)])


@pytest.mark.parametrize(
    ("statement", "number", "sentence"),
    [
        ("UPDATE audit SET reason = 'x' WHERE number = 7", 7, "O conteúdo do registro nº 7 foi alterado."),
        ("DELETE FROM audit WHERE number = 5", 5, "O registro nº 5 foi removido."),
        ("UPDATE audit_head SET number = 8", 9, "acrescentado por fora"),
    ],
)
def test_a_broken_chain_says_where_what_that_means_and_what_to_do(
    in_office: InOffice, statement: str, number: int, sentence: str
) -> None:
    async def use(office: Office) -> None:
        office.tamper(statement)
        office.page.verify()
        await office.settle()
        verdict = said(office.page.verdict)
        assert f"A corrente se rompe no registro nº {number}" in verdict
        assert sentence in verdict
        assert "Não apague nada." in verdict
        office.page.verdict._show_entry.click()
        await office.settle()
        if number in office.numbers():
            line = office.page.model.line_at(office.page.table.currentIndex())
            assert line is not None
            assert line.entry.number == number
            assert line.broken

    in_office(use, [deed(number) for number in range(1, 11)])


def test_nonsense_in_the_file_is_no_crash(in_office: InOffice, caplog: pytest.LogCaptureFixture) -> None:
    async def use(office: Office) -> None:
        crashes: list[object] = []
        office.page.crashed.connect(crashes.append)
        office.tamper("UPDATE audit SET before = 'nonsense'")
        office.page.read_anew()
        await office.settle()
        assert crashes == []
        assert "Um registro não pode ser lido" in said(office.page)
        office.page.verify()
        await office.settle()
        assert "A corrente se rompe no registro nº 1" in said(office.page.verdict)

    in_office(use, [deed(1), deed(2)])


def test_trouble_with_the_database_is_told_on_the_page(in_office: InOffice) -> None:
    class Locked:
        async def entries(self, **_asked: object) -> list[object]:
            raise Problem(Code.DATABASE_LOCKED)

        verification = entries

    async def use(office: Office) -> None:
        office.page._audit = Locked()  # type: ignore[assignment]
        office.page.verify()
        await office.settle()
        assert "Outro programa está usando os dados do Conecta (" in said(office.page.banners)
        assert not office.page.verdict.isVisible()

    in_office(use, [deed(1)])


def test_an_entry_is_shown_in_full_with_its_hashes(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        table = office.page.table
        table.setFocus()
        QTest.keyClick(table, Qt.Key.Key_Down)
        QTest.keyClick(table, Qt.Key.Key_Return)
        await settle()
        sheet = office.page.findChild(EntrySheet)
        assert isinstance(sheet, EntrySheet)
        (last, *_) = await office.audit.entries(limit=1)
        assert last.hash in said(sheet).replace("\n", "")
        sheet._copy.click()
        assert last.previous_hash in QGuiApplication.clipboard().text()
        sheet.reject()

    in_office(use, [deed(1, reason="trocou de chip"), deed(2)])


def test_the_menu_of_an_entry_narrows_to_its_mentorado(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        line = office.page.model.line_at(office.page.model.index(0))
        assert line is not None
        menu = office.page.entry_menu(line)
        menu.actions()[1].trigger()
        await office.settle()
        assert office.numbers() == [6, 3]
        menu.deleteLater()

    in_office(use, [deed(number) for number in range(1, 7)])


def test_everything_has_a_name_and_can_be_reached(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        office.page.verify()
        await office.settle()
        assert nameless(office.page) == []
        lost = [each for each in out_of_reach(office.page) if each.parent() is not office.page.filters.search]
        assert lost == []
        assert office.page.table.accessibleName()

    in_office(use, [deed(1)])


def test_language_and_look_change_at_once(in_office: InOffice, theme: Theme) -> None:
    async def use(office: Office) -> None:
        office.page.verify()
        await office.settle()
        texts.set_language("en")
        theme.set_mode(Mode.DARK)
        theme.set_text_scale(200)
        await settle()
        assert "Chain intact · 2 entries" in said(office.page)
        assert "Disconnect" in office.page.model.data(office.page.model.index(0))
        for button in office.page.findChildren(QPushButton):
            if button.isVisible():
                assert button.width() >= button.minimumSizeHint().width(), button.text()
                assert button.height() >= button.fontMetrics().height(), button.text()
        office.page.grab()

    in_office(use, [deed(1), deed(2)])


def test_in_a_narrow_window_rows_are_taller_and_words_shorter(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        before = office.page.table.rowHeight(0)
        office.page.resize(580, 600)
        await settle()
        assert office.page.table.rowHeight(0) > before
        assert office.page.verify_button.text() == "Verificar"
        assert office.page.verify_button.accessibleName() == "Verificar a corrente"
        office.page.grab()

    in_office(use, [deed(1)])


def test_the_filter_keeps_its_room_where_there_is_little(in_office: InOffice, theme: Theme) -> None:
    async def use(office: Office) -> None:
        theme.set_text_scale(200)
        office.page.resize(580, 560)
        await office.settle()
        filters = office.page.filters
        lowest = max(each.geometry().bottom() for each in filters.findChildren(QPushButton) if each.isVisible())
        assert lowest < filters.height()
        assert filters.geometry().bottom() < office.page.table.geometry().top()

    in_office(use, [deed(1)])


def test_the_page_looks_again_only_while_it_is_seen(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        assert office.page._again.isActive()
        assert office.page._again.interval() == page_module.LOOK_AGAIN_MILLISECONDS
        office.page.hide()
        assert not office.page._again.isActive()

    in_office(use)
