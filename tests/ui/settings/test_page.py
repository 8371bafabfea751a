"""Each setting as a person finds it: what it says, what it does, and what it says when that fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from app.domain.errors import Problem, ProblemCode
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import ProviderKind
from app.domain.settings import OPERATOR_NAME, PROVIDER_LOG
from app.text.status import texts
from app.ui.providers.comparison import ComparisonDialog
from app.ui.settings.general import OFF, AboutSection, AppearanceSection
from app.ui.settings.providers import ProvidersSection
from app.ui.theme.theme import Mode, Theme
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach, text_in
from tests.ui.settings.harness import Copy
from tests.ui.settings.page_harness import PEOPLE, Harness, InHarness
from tests.ui.window_harness import NOON


def test_the_operators_name_is_taken_on_enter_and_written_down(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        field = harness.operator.field
        field.setText("  Rosa   Prado ")
        QTest.keyClick(field, Qt.Key.Key_Return)
        await harness.settle()
        assert harness.settings_harness.store.kept.operator_name == "Rosa Prado"
        assert field.text() == "Rosa Prado"
        assert harness.operator.message == "Salvo."
        assert harness.audited_actions() == [OPERATOR_NAME.action]

    in_harness(use)


def test_what_cannot_be_stored_is_told_where_it_was_asked(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        harness.settings_harness.store.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        harness.operator.field.setText("Rosa")
        harness.operator.save()
        await harness.settle()
        assert harness.operator.message.startswith("O disco está cheio")
        assert "Libere espaço" in harness.operator.message
        texts.set_language("en")
        assert harness.operator.message.startswith("The disk is full")

    in_harness(use)


def test_the_detailed_log_says_how_long_it_will_be_on(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.diagnosis
        section.choice.button(timedelta(hours=1)).click()
        await harness.settle()
        assert harness.settings_harness.store.kept.provider_log_until == NOON + timedelta(hours=1)
        assert "Faltam 60 min." in section.line
        harness.clock.time += timedelta(minutes=50)
        section._again.timeout.emit()
        assert "Faltam 10 min." in section.line
        harness.clock.time += timedelta(minutes=11)
        section._again.timeout.emit()
        assert "Desliga sozinho." in section.line
        assert section.choice.chosen == OFF
        section.choice.button(timedelta(minutes=15)).click()
        await harness.settle()
        section.choice.button(OFF).click()
        await harness.settle()
        assert section.choice.chosen == OFF
        assert harness.audited_actions() == [PROVIDER_LOG.action] * 3

    in_harness(use)


def test_places_are_shown_and_opened(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        for button in harness.page.findChildren(QPushButton):
            if button.text() == "Abrir pasta":
                button.click()
        assert harness.settings_harness.opened == [
            tmp_path / "logs",
            tmp_path / "sessions",
            tmp_path / "backups",
            tmp_path,
        ]
        words = text_in(harness.page).replace("\u200b", "")
        assert str(tmp_path / "sessions") in words
        assert "Conecta 0.3.0" in text_in(harness.section(AboutSection))

    in_harness(use)


def test_sessions_without_a_copy_come_first(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        assert "Nenhum número foi conectado ainda." in text_in(harness.sessions)
        for mentorado in PEOPLE:
            await harness.settings_harness.mentorados.save_link(replace(mentorado.link, enabled=True))
        for age, mentorado in zip((2, 50), PEOPLE, strict=False):
            harness.settings_harness.copies[mentorado.link.id] = [Copy(NOON - timedelta(hours=age), tmp_path)] * age
        harness.sessions.refresh()
        await harness.settle()
        words = text_in(harness.sessions)
        names = [PEOPLE[place].name for place in (2, 1, 0)]
        assert [words.index(name) for name in names] == sorted(words.index(name) for name in names)
        assert "sem cópia" in words
        assert "há 2 dias · 50 cópias" in words
        assert "2 de 3 sessões têm cópia" in words

    in_harness(use)


def test_the_look_and_the_language_change_at_once_and_follow(in_harness: InHarness, theme: Theme) -> None:
    async def use(harness: Harness) -> None:
        look = next(each for each in harness.page.sections if isinstance(each, AppearanceSection))
        look.mode.button(Mode.DARK).click()
        assert theme.mode is Mode.DARK
        look.scale.button(150).click()
        assert theme.text_scale == 150
        look.language.button("en").click()
        assert texts.language == "en"
        assert "Settings" in text_in(harness.page)
        portuguese = [
            word for word in ("Operador", "Senhas e tokens", "Guardar", "Cópias") if word in text_in(harness.page)
        ]
        assert portuguese == []
        theme.set_text_scale(100)  # by its shortcut
        assert look.scale.chosen == 100

    in_harness(use)


def test_everything_has_a_name_and_can_be_reached(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        assert nameless(harness.page) == []
        assert out_of_reach(harness.page) == []

    in_harness(use)


@pytest.mark.parametrize("width", [580, 1180])
def test_text_twice_as_large_is_not_clipped(in_harness: InHarness, theme: Theme, width: int) -> None:
    async def use(harness: Harness) -> None:
        theme.set_text_scale(200)
        harness.page.resize(width, 700)
        await harness.settle()
        for label in harness.page.area.findChildren(QLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), label.text()
        for button in harness.page.area.findChildren(QPushButton):
            if button.isVisible():
                assert button.width() >= button.minimumSizeHint().width(), button.text()
        assert harness.page._column.width() <= harness.page.area.viewport().width()

    in_harness(use)


def test_the_list_of_sections_leads_to_each_and_marks_where_one_is(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        page = harness.page
        assert [link.property("here") for link in page._links] == [True] + [False] * (len(page.sections) - 1)
        page._links[4].click()
        await settle()
        assert page.area.verticalScrollBar().value() > 0
        assert page._links[4].property("here") is True
        page.resize(700, 600)
        await settle()
        assert not page._links[0].isVisible()

    in_harness(use)


def test_the_list_of_sections_is_one_stop_of_tab_and_leads_into_each(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        page = harness.page
        page.window().activateWindow()
        page.take_focus()
        first = page._links[0]
        assert page.focusWidget() is first
        QTest.keyClick(first, Qt.Key.Key_Tab)
        assert harness.operator.isAncestorOf(page.focusWidget())
        QTest.keyClick(page.focusWidget(), Qt.Key.Key_Backtab)
        assert page.focusWidget() is first
        QTest.keyClick(first, Qt.Key.Key_Up)
        QTest.keyClick(first, Qt.Key.Key_Down)
        QTest.keyClick(page._links[1], Qt.Key.Key_Down)
        there, section = page._links[2], page.sections[2]
        assert page.focusWidget() is there
        assert [link.property("here") for link in page._links].index(True) == 2
        QTest.keyClick(there, Qt.Key.Key_Return)
        assert section.isAncestorOf(page.focusWidget())
        about = page.sections[-1]
        page.reveal(about.name)
        await settle()
        assert about.isAncestorOf(page.focusWidget()), "where one was led to"
        page.resize(700, 600)
        await settle()
        page.take_focus()
        assert page.hasFocus()

    in_harness(use)


def test_providers_in_use_are_counted_and_compared(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.section(ProvidersSection)
        assert isinstance(section, ProvidersSection)
        assert "Meta Cloud" in text_in(section)
        counted = {kind: badge.accessibleName() for kind, (_row, badge) in section._kinds.items()}
        assert counted[ProviderKind.META_CLOUD] == "nenhum mentorado"
        assert counted[ProviderKind.WHATSAPP_WEB] == "2 mentorados, 0 com conexão"
        mentorado = next(each for each in PEOPLE if each.link.provider is ProviderKind.WHATSAPP_WEB)
        status = LinkStatus(state=LinkState.CONNECTED, since=NOON)
        harness.settings_harness.statuses[mentorado.link.id] = status
        harness.settings_harness.bus.publish(StatusChanged(mentorado.id, mentorado.link.id, status, status))
        await asyncio.sleep(0.3)
        assert section._kinds[ProviderKind.WHATSAPP_WEB][1].accessibleName() == "2 mentorados, 1 com conexão"
        section.compare.click()
        await harness.settle()
        (sheet,) = harness.page.findChildren(ComparisonDialog)
        assert sheet.isVisible()
        assert sheet.comparison.buttons == {}
        sheet.back.click()
        await harness.settle()

    in_harness(use)
