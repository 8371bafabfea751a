"""An operator follows it step by step over the real core: only the phone, the disk and the clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.action import ActionName
from app.domain.connection import LinkState, Reason
from app.domain.procedure import ProcedureState
from app.domain.provider import CodeAccepted, CodeIssued, Opened, Refused
from app.ui.dialogs.question import QuestionSheet
from app.ui.recovery.offers import Control
from app.ui.recovery.side_sheet import SideSheet
from app.ui.text import texts
from app.ui.theme import Theme
from tests.clock import settle
from tests.conftest import OnQt
from tests.ui.detail.codes import LINK
from tests.ui.detail.scene import OTHER_NUMBER, THIAGO, Scene, scene
from tests.ui.recovery.test_side_sheet import buttons, words


def side(stage: Scene) -> SideSheet:
    sheet = stage.pane._sides.of(THIAGO)
    assert sheet is not None
    return sheet


@asynccontextmanager
async def logged_out(theme: Theme) -> AsyncIterator[Scene]:
    async with scene(theme) as stage:
        stage.pane.resize(364, 1000)
        stage.pane.show_mentorado(THIAGO)
        stage.pane.show()
        await stage.supervisor.connect(THIAGO)
        await settle()
        phone = stage.enrolments.get(THIAGO).mentorado.phone
        stage.provider.line.say(Opened(phone))
        await settle()
        stage.provider.line.say(Refused(Reason.LOGGED_OUT))
        await settle()
        yield stage


async def press(stage: Scene, name: ActionName) -> SideSheet:
    """Press the card, and then the verb of its question."""
    card = next(each for each in stage.pane._content.action_cards.cards if each.name is name)
    card.click()
    await settle(50)
    side(stage).footer.button(Control.CONFIRM).click()
    await settle(200)
    return side(stage)


def test_after_a_logout_the_recovery_leads_to_a_code_and_back_to_connected(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with logged_out(theme) as stage:
            sheet = await press(stage, ActionName.RECOVER)
            assert "Pronto para o novo código?" in words(sheet)
            assert "Não serviria: é preciso um novo código" in words(sheet)
            assert stage.provider.lines[-1].pairing is False, "no code before somebody says go"
            buttons(sheet)["Ler novo código"].click()
            await settle(100)
            stage.provider.line.say(CodeIssued(LINK, 1, 6, 60))
            await settle()
            async with asyncio.timeout(5):
                while not sheet.view.pairing._plate.readable:
                    await asyncio.sleep(0.005)
            assert "número final 5662" in words(sheet)
            phone = stage.enrolments.get(THIAGO).mentorado.phone
            stage.provider.line.say(CodeAccepted(phone))
            await settle()
            assert texts("qr.accepted") in words(sheet)
            stage.provider.line.say(Opened(phone))
            await settle(200)
            assert "A conexão de Thiago Torquato voltou, com um novo código." in words(sheet)
            assert "O histórico inteiro foi mantido." in words(sheet)
            assert stage.status().state is LinkState.CONNECTED
            buttons(sheet)["Fechar"].click()
            await settle()
            assert stage.pane._sides.of(THIAGO) is None

    on_qt(main, within=20)


def test_the_recommended_button_leads_there_too_and_what_waits_can_be_put_off(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with logged_out(theme) as stage:
            stage.pane._content.lead.button.click()
            await settle(50)
            assert "Fazer backup e reautenticar Thiago Torquato?" in words(side(stage).head)
            side(stage).footer.button(Control.CONFIRM).click()
            await settle(200)
            buttons(side(stage))["Agora não"].click()
            await settle(50)
            procedure = stage.core.procedures.of(THIAGO)
            assert procedure is not None
            assert procedure.state is ProcedureState.PAUSED
            assert "Nada foi perdido." in words(side(stage))
            side(stage).head.close_button.click()
            await settle()
            assert "A reautenticação está parada." in words(stage.pane)
            assert not stage.pane._content.lead.button.isEnabled(), "one procedure at a time"
            buttons(stage.pane)["Continuar"].click()
            await settle(200)
            assert "Pronto para o novo código?" in words(side(stage))
            side(stage).footer.button(Control.UNDO).click()
            await settle(200)
            assert "Desfeito. Tudo está como antes." in words(side(stage))
            assert stage.status().reason is Reason.LOGGED_OUT

    on_qt(main, within=20)


def test_the_wrong_phone_is_sent_away_and_the_step_tried_again(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with logged_out(theme) as stage:
            sheet = await press(stage, ActionName.REAUTHENTICATE)
            buttons(sheet)["Ler novo código"].click()
            await settle(100)
            stage.provider.line.say(CodeIssued(LINK, 1, 6, 60), CodeAccepted(OTHER_NUMBER))
            await settle(100)
            assert "+55 11 91234-4321" in words(sheet)
            buttons(sheet)["Desconectar este celular"].click()
            await settle(100)
            (question,) = stage.pane.window().findChildren(QuestionSheet)
            question.accept()
            await settle(100)
            assert stage.provider.discarded == [stage.enrolments.get(THIAGO).link.id]
            buttons(sheet)["Tentar de novo"].click()
            await settle(100)
            assert stage.provider.line.pairing
            phone = stage.enrolments.get(THIAGO).mentorado.phone
            stage.provider.line.say(CodeIssued(LINK, 1, 6, 60), CodeAccepted(phone), Opened(phone))
            await settle(200)
            assert "voltou, com um novo código" in words(sheet)

    on_qt(main, within=20)


def test_an_expired_code_is_a_step_that_can_be_tried_again(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with logged_out(theme) as stage:
            sheet = await press(stage, ActionName.REAUTHENTICATE)
            buttons(sheet)["Ler novo código"].click()
            await settle(100)
            stage.provider.line.say(CodeIssued(LINK, 6, 6, 60), Refused(Reason.QR_EXPIRED))
            await settle(100)
            assert "Ninguém leu o código a tempo." in words(sheet)
            assert not sheet.view.pairing.isVisible()
            buttons(sheet)["Tentar de novo"].click()
            await settle(100)
            stage.provider.line.say(CodeIssued(LINK, 1, 6, 60))
            await settle()
            assert sheet.view.pairing.isVisible()
            buttons(sheet)["Pausar"].click()
            await settle(100)
            assert not sheet.view.pairing.isVisible()
            assert "Parado em “Ler o novo código”." in words(sheet)

    on_qt(main, within=20)
