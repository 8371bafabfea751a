"""After a switch: the former provider is kept until a person goes back to it or lets it go."""

from __future__ import annotations

from datetime import timedelta

from app.domain.actions import ActionName, UnavailableReason
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.domain.switch import SwitchItemState
from app.text.status import texts
from app.ui.dialogs.confirm import ConfirmDialog
from tests.clock import settle
from tests.ui.procedures.panel_controls import buttons, words
from tests.ui.provider_switch.conftest import OnSwitches
from tests.ui.provider_switch.harness import SwitchHarness
from tests.waiting import until

BACK, RELEASE = "Voltar para WhatsApp Web…", "Liberar WhatsApp Web…"


async def timeline(harness: SwitchHarness) -> str:
    await settle(100)
    return words(harness.pane._content.timeline)


def test_the_pane_says_who_carries_the_messages_and_what_is_kept(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        assert not harness.pane._content.switch.isVisible()
        await harness.switched_to_zapi()
        card = harness.pane._content.switch
        assert card.isVisible()
        assert "Z-API leva as mensagens desde" in words(card)
        assert "WhatsApp Web fica conectado, em silêncio, até" in words(card)
        assert set(buttons(card)) == {BACK, RELEASE}
        assert "Z-API" in words(harness.pane._content.state)
        lines = await timeline(harness)
        assert "Trocado para Z-API" in lines
        assert "Troca de provedor iniciada | De WhatsApp Web para Z-API" in lines

    on_switches(use)


def test_going_back_is_asked_followed_and_told(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        await harness.switched_to_zapi()
        former = harness.item.from_link
        buttons(harness.pane._content.switch)[BACK].click()
        dialog = await harness.dialog()
        assert isinstance(dialog, ConfirmDialog)
        assert dialog.cancel.hasFocus()
        assert "também o que chegou por Z-API" in words(dialog)
        dialog.confirm.click()
        await until(lambda: harness.who.id in harness.pane._sides.panels)
        await harness.pass_time(lambda: harness.sheet.procedure and harness.sheet.procedure.ended)
        assert "voltou" in words(harness.sheet).lower() or "de volta" in words(harness.sheet).lower()
        assert "Z-API → WhatsApp Web" in words(harness.sheet.head)
        assert harness.who.link.id == former
        harness.pane._sides.close(harness.who.id)
        await until(lambda: not harness.pane._content.switch.isVisible())
        assert "De volta a WhatsApp Web" in await timeline(harness)

    on_switches(use)


def test_releasing_closes_its_line_and_nothing_else(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        await harness.switched_to_zapi()
        item = harness.item
        buttons(harness.pane._content.switch)[RELEASE].click()
        dialog = await harness.dialog()
        assert "será preciso uma nova troca" in words(dialog)
        assert "liberar agora é antes disso" in words(dialog)
        dialog.reject()
        await settle()
        assert harness.item.state is SwitchItemState.SWITCHED
        buttons(harness.pane._content.switch)[RELEASE].click()
        dialog = await harness.dialog()
        assert isinstance(dialog, ConfirmDialog)
        dialog.confirm.click()
        await until(lambda: harness.switches.item_of(harness.who.id) is None)
        assert harness.supervisor.status(item.from_link).state is LinkState.OFF
        assert harness.supervisor.status(harness.who.link.id).state is LinkState.CONNECTED
        await until(lambda: not harness.pane._content.switch.isVisible())
        assert "WhatsApp Web liberado" in await timeline(harness)

    on_switches(use)


def test_a_former_provider_that_fell_is_told_and_offers_no_way_back(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        await harness.switched_to_zapi()
        card, former = harness.pane._content.switch, harness.item.from_link
        harness.put(former, LinkState.RECONNECTING, Reason.NETWORK_DOWN)
        assert "WhatsApp Web não está conectado agora: “Reconectando”" in words(card)
        assert buttons(card)[BACK].isEnabled()
        harness.put(former, LinkState.BLOCKED, Reason.LOGGED_OUT)
        assert "Agora não há como voltar: WhatsApp Web está como “Saiu da conta”" in words(card)
        assert "fica conectado" not in words(card)
        assert not buttons(card)[BACK].isEnabled()
        assert buttons(card)[RELEASE].isEnabled()
        assert "Conectado" in harness.pane._content.state._badge.accessibleName(), "by the provider in use"
        assert "Saiu da conta" not in await timeline(harness)

    on_switches(use)


def test_after_the_grace_time_it_is_time_to_decide_and_nothing_happens_by_itself(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        await harness.switched_to_zapi()
        harness.clock.time += timedelta(hours=73)
        harness.pane._tick()
        card = harness.pane._content.switch
        assert "É hora de decidir" in words(card)
        assert harness.item.state is SwitchItemState.SWITCHED
        assert harness.supervisor.status(harness.item.from_link).state is LinkState.CONNECTED

    on_switches(use)


def test_no_other_switch_is_offered_before_this_one_is_settled(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        await harness.switched_to_zapi()
        who = harness.who.id
        actions = harness.window_harness.actions
        assert actions.unavailable_reason(ActionName.SWITCH_PROVIDER, who) is UnavailableReason.RELEASE_FORMER_FIRST
        menu = harness.window.controller.menu(harness.window_harness.runner, who)
        offered = [entry.text() for entry in menu.actions() if entry.isEnabled()]
        assert texts("action.roll_back.label") in offered
        assert texts("action.release_former.label") in offered

    on_switches(use)


def test_what_a_link_beside_does_is_not_in_the_timeline(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        link = await harness.mentorados.prepare_link(harness.who.id, ProviderKind.ZAPI)
        await harness.supervisor.connect(harness.who.id, link.id)
        await harness.line_of(harness.zapi)
        await settle(100)
        assert any(line.link_id == link.id for line in harness.core.log.lines)
        harness.pane.show_mentorado(None)
        harness.pane.show_mentorado(harness.who.id)
        events = [event for _at, event in harness.pane._content.timeline.events if isinstance(event, LinkStatus)]
        await settle(100)
        assert events == []
        assert "Conectando" not in await timeline(harness)

    on_switches(use)


def test_a_way_back_that_is_barred_on_the_way_changes_nothing_and_can_be_given_up(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        await harness.switched_to_zapi()
        harness.perform(ActionName.ROLL_BACK)
        dialog = await harness.dialog()
        assert isinstance(dialog, ConfirmDialog)
        harness.put(harness.item.from_link, LinkState.BLOCKED, Reason.LOGGED_OUT)
        dialog.confirm.click()
        await until(lambda: harness.who.id in harness.pane._sides.panels)
        await until(lambda: texts("problem.switch_old_not_back.sentence") in words(harness.sheet))
        assert harness.who.link.provider is ProviderKind.ZAPI
        assert not buttons(harness.pane._content.switch), "one thing at a time"
        buttons(harness.sheet)[texts("procedure.undo")].click()
        await until(lambda: harness.sheet.procedure and harness.sheet.procedure.ended)
        harness.pane._sides.close(harness.who.id)
        await settle()
        assert buttons(harness.pane._content.switch)[RELEASE].isEnabled()

    on_switches(use)
