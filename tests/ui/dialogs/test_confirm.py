"""The question before something that matters, for every action that asks."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.text.status import texts
from app.ui.dialogs.confirm import Confirmations, ConfirmDialog
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import plain_tip
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach, read_aloud
from tests.ui.detail_pane.harness import OTHER_NUMBER, THIAGO, PaneHarness, pane_harness

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

WANTED = {
    ActionName.DISCONNECT: ("Desconectar Thiago Torquato?", "Desconectar"),
    ActionName.ARCHIVE: ("Arquivar Thiago Torquato?", "Arquivar"),
    ActionName.LIFT_BAN: ("O WhatsApp liberou o número de Thiago Torquato?", "Foi liberado"),
    ActionName.OVERRULE_LOCK: ("Abrir a sessão de Thiago Torquato aqui?", "Abrir aqui"),
    ActionName.ACCEPT_ACCOUNT: ("Aceitar +55 11 91234-4321 para Thiago Torquato?", "Aceitar este número"),
    ActionName.REJECT_ACCOUNT: (
        "Desconectar o celular com +55 11 91234-4321 da conexão de Thiago Torquato?",
        "Desconectar este celular",
    ),
    ActionName.LIFT_BAN: ("O WhatsApp liberou o número de Thiago Torquato?", "Foi liberado"),
}


def words(sheet: QWidget) -> str:
    return read_aloud(" | ".join(label.text() for label in sheet.findChildren(QLabel) if label.text()))


async def opened(harness: PaneHarness) -> ConfirmDialog:
    await settle()
    (sheet,) = harness.pane.findChildren(ConfirmDialog)
    return sheet


def questions(harness: PaneHarness, theme: Theme) -> Confirmations:
    harness.pane.show()
    harness.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=OTHER_NUMBER)
    return Confirmations(theme, harness.pane, harness.supervisor.status)


async def test_every_action_that_asks_has_its_question(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        asking = {name for name, action in harness.actions._by_name.items() if action.needs_confirmation}
        assert asking == set(WANTED)


@pytest.mark.parametrize("name", WANTED)
async def test_the_title_names_the_person_and_the_button_the_act(theme: Theme, name: ActionName) -> None:
    async with pane_harness(theme) as harness:
        asked = asyncio.get_running_loop().create_task(
            questions(harness, theme).confirm(name, harness.mentorados.get(THIAGO))
        )
        sheet = await opened(harness)
        assert (read_aloud(sheet.title.text()), sheet.confirm.text()) == WANTED[name]
        assert "Fica guardado" in words(sheet)
        assert "O que muda" in words(sheet)
        field = sheet.findChild(QLineEdit)
        assert sheet.focusWidget() is (field or sheet.cancel)
        assert not sheet.confirm.isDefault()
        assert nameless(sheet) == []
        assert out_of_reach(sheet) == []
        if isinstance(field, QLineEdit):
            QTest.keyClick(field, Qt.Key.Key_Return)
            assert sheet.isVisible(), "Enter gives nothing up that may have been typed"
            sheet.cancel.setFocus()
        QTest.keyClick(sheet.focusWidget(), Qt.Key.Key_Return)
        assert await asked is False


@pytest.mark.parametrize("name", [name for name in WANTED if name is not ActionName.ACCEPT_ACCOUNT])
async def test_what_can_be_undone_needs_one_press(theme: Theme, name: ActionName) -> None:
    async with pane_harness(theme) as harness:
        asked = asyncio.get_running_loop().create_task(
            questions(harness, theme).confirm(name, harness.mentorados.get(THIAGO))
        )
        sheet = await opened(harness)
        assert sheet.findChildren(QLineEdit) == []
        assert "Não dá para desfazer" not in words(sheet)
        sheet.confirm.click()
        assert await asked is True


@pytest.mark.parametrize("typed", ["Thiago Torquato", "  thiago   TORQUATO ", "Thiágo Torquato"])
async def test_what_cannot_be_undone_waits_for_the_name(theme: Theme, typed: str) -> None:
    async with pane_harness(theme) as harness:
        asked = asyncio.get_running_loop().create_task(
            questions(harness, theme).confirm(ActionName.ACCEPT_ACCOUNT, harness.mentorados.get(THIAGO))
        )
        sheet = await opened(harness)
        assert "Não dá para desfazer" in words(sheet)
        assert not sheet.confirm.isEnabled()
        (field,) = sheet.findChildren(QLineEdit)
        field.setText("Thiago")
        assert not sheet.confirm.isEnabled()
        field.setText(typed)
        assert sheet.confirm.isEnabled()
        sheet.confirm.click()
        assert await asked is True


async def test_closing_says_what_it_does_and_is_given_up_by_default(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        line = "Para até você abrir de novo, sem perder nada: Ana."
        asked = asyncio.get_running_loop().create_task(questions(harness, theme).close_program([line]))
        sheet = await opened(harness)
        assert sheet.title.text() == "Fechar o Conecta?"
        assert line in words(sheet)
        assert sheet.focusWidget() is sheet.cancel
        sheet.confirm.click()
        assert await asked is True


async def test_a_restart_is_not_called_an_end(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        closing = questions(harness, theme).close_program(["Uma anotação se perde."], restarting=True)
        asked = asyncio.get_running_loop().create_task(closing)
        sheet = await opened(harness)
        assert (sheet.title.text(), sheet.confirm.text()) == ("Reiniciar o Conecta?", texts("updated.restart"))
        sheet.cancel.click()
        assert await asked is False


async def test_questions_speak_both_languages(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        ask = questions(harness, theme)
        for language in ("pt-BR", "en"):
            texts.set_language(language)
            for name in WANTED:
                sheet = ask.sheet(name, harness.mentorados.get(THIAGO))
                assert "Thiago Torquato" in sheet.title.text()
                assert "{" not in words(sheet)
                sheet.deleteLater()


async def test_a_name_with_tags_in_it_is_read_as_it_was_written(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        name = "<img src='http://example.com/seen.png'><b>Ana"
        harness.pane.show()
        sheet = ConfirmDialog(theme, harness.pane, f"Arquivar {name}?", name, typed=name)
        sheet.ask_for_name()
        sheet.open()
        await settle()
        named = [label for label in sheet.findChildren(QLabel) if name in label.text()]
        assert len(named) == 2  # the title, and what is to be typed
        assert {label.textFormat() for label in named} == {Qt.TextFormat.PlainText}
        tip = QTextDocument()
        tip.setHtml(plain_tip(name))
        assert tip.toPlainText() == name
        assert plain_tip("Ana & Bia") == "Ana & Bia"
        sheet.close()
