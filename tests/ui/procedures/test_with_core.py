"""An operator follows it step by step over the real core: only the phone, the disk and the clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.domain.procedure import ProcedureState
from app.domain.provider import Blocked, Connected, QrIssued, QrScanned
from app.text.signs import Tone
from app.text.status import texts
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.procedures.commands import CommandId
from app.ui.procedures.panel import ProcedurePanel
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.detail_pane.codes import LINK
from tests.ui.detail_pane.harness import OTHER_NUMBER, THIAGO, PaneHarness, pane_harness
from tests.ui.procedures.panel_controls import buttons, words
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


def side(harness: PaneHarness) -> ProcedurePanel:
    sheet = harness.pane._sides.panels.get(THIAGO)
    assert sheet is not None
    return sheet


@asynccontextmanager
async def logged_out(theme: Theme) -> AsyncIterator[PaneHarness]:
    async with pane_harness(theme) as harness:
        harness.pane.resize(364, 1000)
        harness.pane.show_mentorado(THIAGO)
        harness.pane.show()
        await harness.supervisor.connect(THIAGO)
        await settle()
        phone = harness.mentorados.get(THIAGO).phone
        harness.provider.line.say(Connected(phone))
        await settle()
        harness.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
        yield harness


async def press(harness: PaneHarness, name: ActionName) -> ProcedurePanel:
    """Press the card, and then the verb of its question."""
    card = next(each for each in harness.pane._content.action_cards.cards if each.name is name)
    card.click()
    await until(lambda: harness.pane._sides.panels.get(THIAGO) is not None)
    side(harness).footer.button(CommandId.CONFIRM).click()
    await read_aloud_in(harness, "Pronto para o novo código?")
    return side(harness)


async def read_aloud_in(harness: PaneHarness, text: str) -> None:
    """Wait until the side sheet says *text*: steps pass through threads, as long as those take."""
    await until(lambda: text in words(side(harness)))


async def press_button(harness: PaneHarness, text: str) -> None:
    await until(lambda: text in buttons(side(harness)))
    buttons(side(harness))[text].click()


@pytest.mark.within(20)
async def test_after_a_logout_the_recovery_leads_to_a_code_and_back_to_connected(theme: Theme) -> None:
    async with logged_out(theme) as harness:
        sheet = await press(harness, ActionName.RECOVER)
        assert "Pronto para o novo código?" in words(sheet)
        assert "Não serviria: é preciso um novo código" in words(sheet)
        assert harness.provider.lines[-1].pairing is False, "no code before somebody says go"
        await press_button(harness, "Gerar novo código")
        await until(lambda: harness.provider.lines[-1].pairing)
        harness.provider.line.say(QrIssued(LINK, 1, 6, 60))
        await settle()
        async with asyncio.timeout(5):
            while not sheet.view.pairing._plate.readable:
                await asyncio.sleep(0.005)
        assert "número final 5662" in words(sheet)
        phone = harness.mentorados.get(THIAGO).phone
        harness.provider.line.say(QrScanned(phone))
        await settle()
        assert texts("qr.accepted") in words(sheet)
        harness.provider.line.say(Connected(phone))
        await read_aloud_in(harness, "A conexão de Thiago Torquato voltou, com um novo código.")
        assert "O histórico inteiro foi mantido." in words(sheet)
        assert harness.status().state is LinkState.CONNECTED
        buttons(sheet)["Fechar"].click()
        await settle()
        assert harness.pane._sides.panels.get(THIAGO) is None


@pytest.mark.within(20)
async def test_the_recommended_button_leads_there_too_and_what_waits_can_be_put_off(theme: Theme) -> None:
    async with logged_out(theme) as harness:
        harness.pane._content.lead.button.click()
        await until(lambda: harness.pane._sides.panels.get(THIAGO) is not None)
        assert "Fazer backup e reautenticar Thiago Torquato?" in words(side(harness).head)
        side(harness).footer.button(CommandId.CONFIRM).click()
        await press_button(harness, "Agora não")
        await read_aloud_in(harness, "Nada foi perdido.")
        procedure = harness.core.procedures.active(THIAGO)
        assert procedure is not None
        assert procedure.state is ProcedureState.PAUSED
        assert "Nada foi perdido." in words(side(harness))
        side(harness).head.close_button.click()
        await settle()
        assert "A reautenticação está parada." in words(harness.pane)
        assert not harness.pane._content.lead.button.isEnabled(), "one procedure at a time"
        buttons(harness.pane)["Continuar"].click()
        await read_aloud_in(harness, "Pronto para o novo código?")
        side(harness).footer.button(CommandId.UNDO).click()
        await read_aloud_in(harness, "Desfeito. Tudo está como antes.")
        assert harness.status().reason is Reason.LOGGED_OUT


@pytest.mark.within(20)
async def test_the_third_card_is_open_while_connected_and_says_that_the_connection_ends(theme: Theme) -> None:
    async with logged_out(theme) as harness:
        phone = harness.mentorados.get(THIAGO).phone
        await harness.supervisor.pair_again(THIAGO)
        await settle()
        harness.provider.line.say(QrIssued(LINK, 1, 6, 60), QrScanned(phone), Connected(phone))
        await settle()
        card = harness.pane._content.action_cards.cards[2]
        assert (card.name, card.locked) == (ActionName.REAUTHENTICATE, False)
        card.click()
        await until(lambda: harness.pane._sides.panels.get(THIAGO) is not None)
        await read_aloud_in(harness, texts("ledger.ends_connection"))
        side(harness).footer.button(CommandId.CONFIRM).click()
        await read_aloud_in(harness, "Pronto para o novo código?")
        await read_aloud_in(harness, texts("ledger.ends_connection"))
        assert harness.status().state is LinkState.CONNECTED
        before = len(harness.provider.lines)
        await press_button(harness, "Gerar novo código")
        await until(lambda: len(harness.provider.lines) > before)
        harness.provider.line.say(QrIssued(LINK, 1, 6, 60), QrScanned(phone), Connected(phone))
        await read_aloud_in(harness, "voltou, com um novo código")


@pytest.mark.within(20)
async def test_the_wrong_phone_is_sent_away_and_the_step_tried_again(theme: Theme) -> None:
    async with logged_out(theme) as harness:
        await press(harness, ActionName.REAUTHENTICATE)
        await press_button(harness, "Gerar novo código")
        await until(lambda: harness.provider.lines[-1].pairing)
        harness.provider.line.say(QrIssued(LINK, 1, 6, 60), QrScanned(OTHER_NUMBER))
        await read_aloud_in(harness, "+55 11 91234-4321")
        await press_button(harness, "Desconectar este celular")
        await until(lambda: harness.pane.window().findChildren(ConfirmDialog))
        (question,) = harness.pane.window().findChildren(ConfirmDialog)
        question.accept()
        await until(lambda: harness.provider.discarded)
        assert harness.provider.discarded == [harness.mentorados.get(THIAGO).link.id]
        await read_aloud_in(harness, "O outro celular foi desconectado.")
        assert side(harness).view.attention.sign._tone is Tone.WAITING, "nothing is red any more"
        tried = len(harness.provider.lines)
        await press_button(harness, "Gerar novo código")
        await until(lambda: len(harness.provider.lines) > tried and harness.provider.lines[-1].pairing)
        assert harness.provider.line.pairing
        phone = harness.mentorados.get(THIAGO).phone
        harness.provider.line.say(QrIssued(LINK, 1, 6, 60), QrScanned(phone), Connected(phone))
        await read_aloud_in(harness, "voltou, com um novo código")


@pytest.mark.within(20)
@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_once_the_other_number_is_accepted_it_goes_on_by_itself(theme: Theme, where: str) -> None:
    async with logged_out(theme) as harness:
        await press(harness, ActionName.RECOVER)
        await press_button(harness, "Gerar novo código")
        await until(lambda: harness.provider.lines[-1].pairing)
        harness.provider.line.say(QrIssued(LINK, 1, 6, 60), QrScanned(OTHER_NUMBER))
        await read_aloud_in(harness, "+55 11 91234-4321")
        if where == "here":
            await press_button(harness, "Aceitar este número")
            await until(lambda: harness.pane.window().findChildren(ConfirmDialog))
            (question,) = harness.pane.window().findChildren(ConfirmDialog)
            question.accept()
        else:  # by a command, or in the menu of the row
            await harness.core.supervisor.accept_account(THIAGO)
        await read_aloud_in(harness, "A conexão está sendo feita.")
        card = side(harness).view.attention
        assert (card.sign._tone, card.offered) == (Tone.PROGRESS, [])
        assert texts("procedure.failed_step") not in words(side(harness))
        assert texts("procedure.if_closed.connecting") in words(side(harness))
        harness.provider.line.say(Connected(OTHER_NUMBER))
        await read_aloud_in(harness, "A conexão de Thiago Torquato voltou, com um novo código.")


@pytest.mark.within(20)
async def test_an_accepted_number_that_is_refused_says_why(theme: Theme) -> None:
    async with logged_out(theme) as harness:
        await press(harness, ActionName.REAUTHENTICATE)
        await press_button(harness, "Gerar novo código")
        await until(lambda: harness.provider.lines[-1].pairing)
        harness.provider.line.say(QrIssued(LINK, 1, 6, 60), QrScanned(OTHER_NUMBER))
        await read_aloud_in(harness, "+55 11 91234-4321")
        await harness.core.supervisor.accept_account(THIAGO)
        await read_aloud_in(harness, "A conexão está sendo feita.")
        harness.provider.line.say(Blocked(Reason.CLOCK_SKEW))
        await read_aloud_in(harness, texts("sentence.blocked.clock_skew"))
        assert "+55 11 91234-4321" not in words(side(harness))
        assert "Tentar de novo" in buttons(side(harness))


@pytest.mark.within(20)
async def test_an_expired_code_is_a_step_that_can_be_tried_again(theme: Theme) -> None:
    async with logged_out(theme) as harness:
        sheet = await press(harness, ActionName.REAUTHENTICATE)
        await press_button(harness, "Gerar novo código")
        await until(lambda: harness.provider.lines[-1].pairing)
        harness.provider.line.say(QrIssued(LINK, 6, 6, 60), Blocked(Reason.QR_EXPIRED))
        await read_aloud_in(harness, "Ninguém leu o código a tempo.")
        assert not sheet.view.pairing.isVisible()
        tried = len(harness.provider.lines)
        await press_button(harness, "Tentar de novo")
        await until(lambda: len(harness.provider.lines) > tried and harness.provider.lines[-1].pairing)
        harness.provider.line.say(QrIssued(LINK, 1, 6, 60))
        await until(sheet.view.pairing.isVisible)
        await press_button(harness, "Pausar")
        await read_aloud_in(harness, "Parado em “Ler o novo código”.")
        assert not sheet.view.pairing.isVisible()


@pytest.mark.within(20)
async def test_a_code_to_type_is_not_called_one_to_scan(theme: Theme) -> None:
    async with logged_out(theme) as harness:
        sheet = await press(harness, ActionName.REAUTHENTICATE)
        await press_button(harness, "Gerar novo código")
        await until(lambda: harness.provider.lines[-1].pairing)
        harness.provider.line.say(QrIssued(LINK, 1, 6, 60))
        await read_aloud_in(harness, "para ler este código")
        sheet.view.pairing._type_instead.click()
        await read_aloud_in(harness, "Peça ao mentorado para digitar este código")
        assert sheet.view.attention.sentence.text() == texts("badge.code_to_type")
        sheet.view.pairing._typed._back.click()
        assert sheet.view.attention.sentence.text() != texts("badge.code_to_type")
