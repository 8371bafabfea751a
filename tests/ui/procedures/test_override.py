"""In spite of an incident: who goes on says why, and it is written down."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from app.domain.actions import ActionName, UnavailableReason
from app.domain.incident import CheckResult, Finding, Incident
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.procedure import ProcedureKind
from app.text.status import refusal, texts
from app.ui.dialogs.confirm import OverrideDialog
from app.ui.procedures.commands import CommandId
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach, spoken
from tests.ui.procedures.conftest import OnViews
from tests.ui.procedures.panel_controls import words
from tests.ui.procedures.views import Views
from tests.ui.window_harness import person

WHY = "O mentorado viaja hoje e o suporte já confirmou a causa."


async def incident(views: Views) -> None:
    views.log_out()
    open_pane = views.harness.incidents._by_provider[ProviderKind.WHATSAPP_WEB]
    open_pane.states.update({person(number).id: LinkState.RECONNECTING for number in range(24)})
    open_pane.incident = Incident(
        provider=ProviderKind.WHATSAPP_WEB,
        since=views.harness.clock.now() - timedelta(minutes=3),
        affected=tuple(person(number).id for number in range(8)),
        of=14,
        causes=((Reason.NETWORK_DOWN, 8),),
        findings=(Finding(CheckResult.NETWORK_DOWN),),
    )
    views.harness.window.choose(views.who.id)
    await settle()


def ways_past(views: Views) -> list[QPushButton]:
    found = views.pane.findChildren(QPushButton)
    return [button for button in found if button.isVisible() and button.text() == texts("override.go_on")]


async def opened(views: Views) -> OverrideDialog:
    await settle()
    (sheet,) = [each for each in views.harness.window.findChildren(OverrideDialog) if each.isVisible()]
    return sheet


def test_a_locked_card_says_why_and_offers_the_way_past(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        await incident(views)
        cards = {card.name: card for card in views.pane._content.action_cards.cards}
        assert cards[ActionName.RECOVER].locked
        assert refusal(UnavailableReason.INCIDENT) in cards[ActionName.RECOVER].accessibleDescription()
        names = [spoken(button) for button in ways_past(views)]
        assert names == ["Continuar mesmo assim… Backup e reautenticar", "Continuar mesmo assim… Recuperação guiada"]

    on_views(use)


def test_the_reason_is_demanded_and_handed_on(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        await incident(views)
        ways_past(views)[1].click()
        sheet = await opened(views)
        assert sheet.title.text() == "Recuperação guiada para Fábio Sampaio, mesmo com o incidente?"
        assert "8 de 14 conexões do WhatsApp Web caíram juntas às " in words(sheet)
        assert sheet.field.hasFocus()
        assert not sheet.confirm.isEnabled()
        assert sheet.field.accessibleDescription() == "Faltam 10 caracteres."
        QTest.keyClicks(sheet.field, "pressa    !")
        assert not sheet.confirm.isEnabled(), "spaces are no reason"
        sheet.field.setPlainText(WHY)
        assert nameless(sheet) == []
        assert out_of_reach(sheet) == []
        sheet.confirm.click()
        await settle()
        assert f"Durante um incidente. Motivo: {WHY}" in words(views.sheet)
        views.sheet.footer.button(CommandId.CONFIRM).click()
        await settle()
        assert views.procedures.begun == [(ProcedureKind.RECOVERY, {}, WHY)]

    on_views(use)


def test_given_up_nothing_is_opened(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        await incident(views)
        ways_past(views)[0].click()
        (await opened(views)).cancel.click()
        await settle()
        assert views.pane._sides.panels.get(views.who.id) is None

    on_views(use)


def test_an_expired_code_is_renewed_for_a_reason_that_the_audit_keeps(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        await incident(views)
        views.put(LinkState.BLOCKED, Reason.PHONE_UPDATE_REQUIRED)
        async with views.harness.supervisor:
            ways_past(views)[0].click()
            sheet = await opened(views)
            sheet.field.setPlainText(WHY)
            sheet.confirm.click()
            async with asyncio.timeout(5):
                while not views.harness.audit.outcomes:
                    await asyncio.sleep(0.005)
            await views.harness.supervisor.disconnect(views.who.id)
        record = views.harness.audit.outcomes[0].record
        assert (record.action, record.reason) == (ActionName.NEW_CODE, WHY)

    on_views(use)
