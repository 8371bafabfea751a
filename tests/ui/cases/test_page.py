"""The page of cases as a person uses it, over the real service and database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.cases import CaseKind
from app.text.status import texts
from app.ui.cases.page import CaseFilter
from app.ui.theme.theme import Theme
from tests.ui.cases.harness import CasesHarness, open_cases
from tests.ui.controls import nameless
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@pytest.fixture
def folder(fast_dir: Path) -> Path:
    return fast_dir


def rows(h: CasesHarness) -> list[str]:
    model = h.page.model
    return [str(model.data(model.index(n), Qt.ItemDataRole.AccessibleTextRole)) for n in range(model.rowCount())]


def pick(h: CasesHarness, chosen: CaseFilter) -> None:
    h.page.filter.button(chosen).click()


async def test_an_empty_page_says_what_will_be_here(theme: Theme, folder: Path) -> None:
    async with open_cases(theme, folder) as h:
        assert h.page._summary.text() == "Nada espera por uma pessoa"
        assert h.page._empty.isVisible()
        assert not h.page.view.isVisible()


async def test_a_case_is_there_as_soon_as_it_is_opened_with_what_to_do_first(theme: Theme, folder: Path) -> None:
    async with open_cases(theme, folder) as h:
        await h.open(CaseKind.SENDING_STOPPED, h.s.ana, trouble="policy_block", code="463", detail="time-lock")
        assert rows(h) == ["Envios parados, Ana, ninguém ainda, vence 16:00"]
        assert h.page._summary.text() == "1 caso aberto"
        assert h.page.view.step.text() == texts("cases.step.sending_stopped")
        assert h.page.view.facts.text().splitlines() == [
            "Recusado como: O WhatsApp recusou a mensagem pelas suas regras.",
            "Código do provedor: 463",
            "Nas palavras do provedor: time-lock",
        ]


async def test_the_filters_show_mine_nobodys_the_due_and_the_closed_ones(theme: Theme, folder: Path) -> None:
    async with open_cases(theme, folder) as h:
        await h.open(CaseKind.BAN, h.s.ana, reason="banned")
        await h.open(CaseKind.UNCERTAIN_MESSAGE, h.bruno, "0123456789abcdef", purpose="conversation")
        ban, uncertain = h.service.open_cases
        await h.service.take(ban.id)
        pick(h, CaseFilter.MINE)
        assert [case.id for case in h.page.model.rows] == [ban.id]
        pick(h, CaseFilter.UNASSIGNED)
        assert [case.id for case in h.page.model.rows] == [uncertain.id]
        assert "Referência: 0123456789ab" in h.page.view.facts.text()
        pick(h, CaseFilter.DUE)
        assert h.page.model.rows == []
        assert not h.page.view.isVisible()
        await h.s.later(hours=5)
        h.page.refresh()
        assert [case.id for case in h.page.model.rows] == [ban.id]
        assert rows(h)[0].endswith("vencido desde 16:00")
        await h.service.close(ban.id, "Liberado.")
        pick(h, CaseFilter.CLOSED)
        await until(lambda: h.page.model.rowCount() == 1)
        assert not h.page.view.close_button.isVisible()
        assert "Liberado.\nstaff" in h.page.view.notes.text()


async def test_a_person_takes_notes_postpones_and_closes_a_case(theme: Theme, folder: Path) -> None:
    async with open_cases(theme, folder) as h:
        await h.open(CaseKind.SMOKE_TEST_FAILED, h.bruno, test="not_delivered")
        view = h.page.view
        assert not view.close_button.isEnabled()
        assert not view.give_back.isVisible()
        view.take.click()
        await until(view.give_back.isVisible)
        assert h.service.open_cases[0].owner == "staff"
        view.give_back.click()
        await until(view.take.isVisible)
        view.postpone.click()
        tomorrow = h.s.clock.now() + timedelta(days=1)
        await until(lambda: h.service.open_cases[0].due_at == tomorrow)
        view.field.setPlainText("Vi no celular: chegou.")
        view.note.click()
        await until(lambda: h.service.open_cases[0].notes)
        await until(lambda: view.field.toPlainText() == "")
        view.field.setPlainText("Testado de novo, passou.")
        view.close_button.click()
        await until(lambda: not h.service.open_cases)
        assert h.page._empty.isVisible()
        assert [entry.record.action for entry in h.s.core.audit.entries_][-5:] == [
            "assign_case",
            "assign_case",
            "set_case_due",
            "note_case",
            "close_case",
        ]


async def test_what_was_typed_stays_with_its_case(theme: Theme, folder: Path) -> None:
    async with open_cases(theme, folder) as h:
        await h.open(CaseKind.BAN, h.s.ana, reason="banned")
        await h.open(CaseKind.BAN, h.bruno, reason="banned")
        h.page.view.field.setPlainText("Da Ana")
        h.page.list.opened.emit(1)
        assert h.page.view.field.toPlainText() == ""
        h.page.list.opened.emit(0)
        assert h.page.view.field.toPlainText() == "Da Ana"


async def test_a_case_leads_to_its_mentorado_and_can_be_reached_by_keys(theme: Theme, folder: Path) -> None:
    async with open_cases(theme, folder) as h:
        h.page.take_focus()
        await h.open(CaseKind.BAN, h.s.ana, reason="banned")
        await h.open(CaseKind.BAN, h.bruno, reason="banned")
        h.page.resize(700, 640)
        h.page.take_focus()
        QTest.keyClick(h.page.list, Qt.Key.Key_Down)
        QTest.keyClick(h.page.list, Qt.Key.Key_Return)
        assert h.page.split.side_panel_open
        assert h.page.view.name.text() == "Bruno Tavares"
        h.page.view.name.click()
        assert h.led_to == [h.bruno.id]
        assert nameless(h.page) == []
        h.page.view.name.setFocus()
        QTest.keyClick(h.page.view.name, Qt.Key.Key_Escape)
        assert not h.page.split.side_panel_open


async def test_both_languages_at_once(theme: Theme, folder: Path) -> None:
    async with open_cases(theme, folder) as h:
        await h.open(CaseKind.BAN, h.s.ana, reason="banned", detail="402")
        texts.set_language("en")
        assert rows(h) == ["The number is banned or suspended, Ana, nobody yet, due 16:00"]
        assert h.page.view.take.text() == "Take it"
        theme.set_text_scale(200)
        assert h.page.view.field.height() > 100
