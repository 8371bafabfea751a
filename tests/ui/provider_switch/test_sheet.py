"""One mentorado is switched from the pane: choose, read what would happen, type the name, follow it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NoReturn

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.domain.actions import ActionName
from app.domain.audit import Actor
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState
from app.domain.mentorado import ProviderKind
from app.domain.procedure import StepName
from app.domain.provider import Connected, QrIssued, QrScanned
from app.domain.settings import SWITCH_SECOND_PERSON
from app.domain.switch import SwitchState
from app.text.status import texts
from app.ui.dialogs.command_palette import CommandPalette
from app.ui.procedures.commands import CommandId
from app.ui.provider_switch.form import SwitchForm
from app.ui.providers.credentials_dialog import CredentialsDialog
from app.ui.widgets.action_menu import CARDS
from tests.clock import settle
from tests.fake_providers import FakeConnection, right
from tests.ui.controls import nameless, out_of_reach
from tests.ui.detail_pane.codes import LINK
from tests.ui.detail_pane.harness import OTHER_NUMBER
from tests.ui.procedures.panel_controls import buttons, words
from tests.ui.provider_switch.conftest import OnSwitches
from tests.ui.provider_switch.harness import SwitchHarness
from tests.ui.provider_switch.reports import bad
from tests.waiting import until


def focused() -> QWidget:
    found = QApplication.focusWidget()
    assert found is not None
    return found


async def code_of_zapi(harness: SwitchHarness) -> None:
    """Approve a switch to Z-API, whose code is shown then."""
    form = await harness.checked(ProviderKind.ZAPI)
    form.name_field.setText(harness.who.name)
    harness.sheet.footer.button(CommandId.CONFIRM).click()
    line = await harness.line_of(harness.zapi)
    line.say(QrIssued(LINK, 1, 6, 60))
    await until(lambda: harness.sheet.view.pairing._plate.readable)


async def back_to_web(harness: SwitchHarness) -> FakeConnection:
    """Begin a switch to WhatsApp Web, as somebody at Z-API who never had it."""
    await harness.mentorados.put_in_use(harness.mentorados.link_for(harness.who.id, ProviderKind.ZAPI).id)
    former = harness.mentorados.link_for(harness.who.id, ProviderKind.WHATSAPP_WEB)
    await harness.mentorados.save_link(replace(former, account=None))
    harness.web.paired.discard(former.id)
    harness.put(former.id, LinkState.OFF)
    harness.put(harness.who.link.id, LinkState.CONNECTED)
    await harness.approve(ProviderKind.WHATSAPP_WEB)
    return await harness.line_of(harness.web)


def test_it_has_the_fourth_place_and_is_in_the_menu_and_the_palette(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        assert CARDS[3] == (ActionName.SWITCH_PROVIDER,)
        label = texts("action.switch_provider.label")
        menu = harness.window.controller.menu(harness.window_harness.runner, harness.who.id)
        assert label in [entry.text() for entry in menu.actions()]
        harness.window.controller.open_palette()
        await until(lambda: harness.dialogs)
        (palette,) = harness.window.findChildren(CommandPalette)
        palette.line.setText(label)
        palette.line.returnPressed.emit()
        await until(lambda: harness.who.id in harness.pane._sides.panels)
        assert "Hoje: WhatsApp Web" in words(harness.sheet)

    on_switches(use)


def test_the_whole_way_to_z_api_by_the_keyboard_alone(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        form, sheet = await harness.open_form(), harness.sheet
        confirm = sheet.footer.button(CommandId.CONFIRM)
        first = form.targets[ProviderKind.ZAPI]
        assert first.hasFocus()
        assert not confirm.isEnabled()
        QTest.keyClick(first, Qt.Key.Key_Space)
        await until(form.report.isVisible)
        assert first.hasFocus(), "nobody's focus is taken while they read"
        assert not nameless(sheet)
        assert set(out_of_reach(sheet)) <= {*form.targets.values()}, "arrows lead from one to the other"
        walked = []
        while focused() is not form.name_field:
            walked.append(focused())
            QTest.keyClick(focused(), Qt.Key.Key_Tab)
            assert len(walked) < 10
        assert form.report.again in walked
        QTest.keyClick(form.name_field, Qt.Key.Key_Return)
        assert form.name_field.hasFocus(), "nothing to confirm yet"
        QTest.keyClicks(form.name_field, harness.who.name)
        assert form.name_field.text() == harness.who.name, "a space is a space"
        assert confirm.isEnabled()
        QTest.keyClick(form.name_field, Qt.Key.Key_Return)
        assert confirm.hasFocus()
        assert sheet.procedure is None, "the button is pressed on its own"
        QTest.keyClick(confirm, Qt.Key.Key_Space)
        line = await harness.line_of(harness.zapi)
        await until(lambda: sheet.procedure is not None)
        assert "Conectando o novo provedor" in words(sheet)
        line.say(Connected(harness.who.phone))
        await harness.pass_time(lambda: "está no novo provedor" in words(sheet))
        assert "WhatsApp Web → Z-API" in words(sheet.head)
        assert harness.who.link.provider is ProviderKind.ZAPI

    on_switches(use)


def test_the_dry_run_stores_nothing_and_escape_leaves_everything_as_it_was(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        before = harness.mentorados.links_beside(harness.who.id)
        await harness.checked(ProviderKind.META_CLOUD)
        QTest.keyClick(harness.sheet, Qt.Key.Key_Escape)
        await settle()
        assert harness.who.id not in harness.pane._sides.panels
        assert harness.switches.runs == []
        assert harness.mentorados.links_beside(harness.who.id) == before

    on_switches(use)


def test_the_report_of_a_target_that_is_not_wanted_any_more_is_nobodys(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        form = await harness.open_form()
        form.targets[ProviderKind.ZAPI].click()
        assert not form.report.isVisible()
        assert texts("switch_sheet.checking") in words(form)
        QTest.keyClick(form.targets[ProviderKind.ZAPI], Qt.Key.Key_Down)
        assert form.targets[ProviderKind.META_CLOUD].hasFocus()
        await until(form.report.isVisible)
        assert harness.sheet.footer.button(CommandId.CONFIRM).text() == "Trocar para Meta Cloud"
        form.name_field.setText(harness.who.name)
        form.targets[ProviderKind.ZAPI].click()
        await until(form.report.isVisible)
        assert form.name_field.text() == "", "an approval is for what was read"

    on_switches(use)


def test_what_is_in_the_way_locks_the_button_and_credentials_are_entered_from_there(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        harness.planned = bad
        form, sheet = await harness.checked(ProviderKind.META_CLOUD), harness.sheet
        assert "Agora não é possível ir para Meta Cloud" in words(form)
        assert not form.name_field.isVisible()
        assert not sheet.footer.button(CommandId.CONFIRM).isEnabled()
        assert texts("switch_sheet.in_the_way") in words(sheet.footer)
        harness.meta.report = right(str(harness.who.phone))
        buttons(form)["Informar credenciais…"].click()
        dialog = await harness.dialog()
        assert isinstance(dialog, CredentialsDialog)
        assert f"Meta Cloud de {harness.who.name}" in words(dialog)
        assert texts("credentials.beside") in words(dialog)
        assert not dialog.forget.isVisible()
        typed = ("EAAB1234567890123456", "106540352242922", "104996122399160", "a" * 32)
        for each, text in zip(dialog.form.inputs.values(), typed, strict=True):
            each.take(text)
        harness.planned = None
        dialog.check.click()
        await until(dialog.save.isEnabled)
        assert dialog.save.text() == texts("credentials.save"), "nothing is connected from here"
        dialog.save.click()
        await until(lambda: not harness.dialogs)
        await until(lambda: "pode ir para Meta Cloud" in words(form))
        assert form.name_field.isVisible()
        beside = [link.provider for link in harness.mentorados.links_beside(harness.who.id)]
        assert beside == [ProviderKind.ZAPI, ProviderKind.META_CLOUD]
        assert not harness.meta.lines
        assert harness.who.link.provider is ProviderKind.WHATSAPP_WEB

    on_switches(use)


def test_a_world_that_has_changed_is_checked_anew_and_nothing_begins(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        form = await harness.checked(ProviderKind.ZAPI)
        form.name_field.setText(harness.who.name)
        harness.planned = bad
        harness.sheet.footer.button(CommandId.CONFIRM).click()
        await until(harness.sheet.trouble.isVisible)
        assert texts("problem.switch_changed.sentence") in words(harness.sheet)
        assert texts("switch_sheet.look_again") in words(harness.sheet), "it is made already"
        await until(lambda: "Agora não é possível" in words(form))
        assert form.name_field.text() == ""
        assert harness.switches.runs == []

    on_switches(use)


def test_with_a_second_person_the_sheet_says_so_and_nothing_begins_before(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        harness.core.audit_service._actor = lambda: Actor(user="staff", operator="Rita")
        await harness.core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
        form, sheet = await harness.checked(ProviderKind.ZAPI), harness.sheet
        assert texts("switch_sheet.second") in words(form)
        form.name_field.setText(harness.who.name)
        sheet.footer.button(CommandId.CONFIRM).click()
        await until(lambda: texts("switch_sheet.awaits_second") in words(form))
        (run,) = harness.switches.runs
        assert run.state is SwitchState.AWAITING_SECOND
        assert sheet.procedure is None
        assert list(buttons(sheet.footer)) == ["Fechar"]
        pages: list[str] = []
        runner = harness.window_harness.runner
        runner.page_requested.disconnect(harness.window.go)  # this window has only two pages
        runner.page_requested.connect(lambda name, _section: pages.append(name))
        buttons(form)["Abrir “Trocar provedores”"].click()
        buttons(sheet.footer)["Fechar"].click()
        await settle()
        buttons(harness.pane._content.switch)["Abrir “Trocar provedores”"].click()
        assert pages == ["switches", "switches"]
        assert "Falta uma segunda pessoa aprovar" in words(harness.pane)
        await harness.switches.approve_second(run.id, "1", "Outra Pessoa")
        await harness.line_of(harness.zapi)
        assert "Falta uma segunda pessoa aprovar" not in words(harness.pane)

    on_switches(use)


async def approved_by_one(harness: SwitchHarness) -> SwitchForm:
    """The form of a switch that waits for a second person."""
    harness.core.audit_service._actor = lambda: Actor(user="staff", operator="Rita")
    await harness.core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
    form = await harness.checked(ProviderKind.ZAPI)
    form.name_field.setText(harness.who.name)
    harness.sheet.footer.button(CommandId.CONFIRM).click()
    await until(lambda: texts("switch_sheet.awaits_second") in words(form))
    return form


def test_what_is_stopped_before_it_began_is_said_and_can_be_checked_anew(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        form = await approved_by_one(harness)
        (run,) = harness.switches.runs
        await harness.switches.stop(run.id)
        await settle()
        assert texts("switch_sheet.stopped") in words(form)
        assert not form._bar.isVisible(), "nothing moves any more"
        assert not form.open_page.isVisible()
        assert "Simule antes" in words(harness.sheet.footer)
        buttons(form)["Simular"].click()
        await until(form.report.isVisible)
        assert not form.check_again.isVisible()
        form.name_field.setText(harness.who.name)
        assert harness.sheet.footer.button(CommandId.CONFIRM).isEnabled()

    on_switches(use)


def test_a_switch_that_waits_for_a_second_person_is_shown_again_instead_of_a_new_form(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        await approved_by_one(harness)
        buttons(harness.sheet.footer)["Fechar"].click()
        await settle()
        form = await harness.open_form()
        assert texts("switch_sheet.awaits_second") in words(form)
        assert form.targets[ProviderKind.ZAPI].isChecked()
        assert list(buttons(harness.sheet.footer)) == ["Fechar"]
        assert form.open_page.isVisible()

    on_switches(use)


def test_what_cannot_begin_after_all_is_said_and_can_be_tried_again(
    on_switches: OnSwitches, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(harness: SwitchHarness) -> None:
        async def refuse(*_asked: object, **_facts: object) -> NoReturn:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why="under_way")

        form = await harness.checked(ProviderKind.ZAPI)
        form.name_field.setText(harness.who.name)
        with monkeypatch.context() as patch:
            patch.setattr(harness.core.procedures, "begin", refuse)
            harness.sheet.footer.button(CommandId.CONFIRM).click()
            await until(harness.sheet.trouble.isVisible)
        assert texts("refusal.under_way") in words(harness.sheet.trouble)
        await until(form.report.isVisible)
        assert form.name_field.text() == ""
        form.name_field.setText(harness.who.name)
        harness.sheet.footer.button(CommandId.CONFIRM).click()
        await harness.line_of(harness.zapi)

    on_switches(use)


def test_the_code_of_the_target_is_shown_while_the_current_provider_stays_connected(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        await code_of_zapi(harness)
        sheet = harness.sheet
        assert f"final {str(harness.who.phone)[-4:]}" in words(sheet)
        assert harness.supervisor.status(harness.who.link.id).state is LinkState.CONNECTED
        assert not harness.pane._content.pairing.isVisible(), "the link in use has no code"
        harness.zapi.line.say(QrScanned(harness.who.phone))
        await until(lambda: texts("qr.accepted") in words(sheet))
        harness.zapi.line.say(Connected(harness.who.phone))
        await harness.pass_time(lambda: harness.who.link.provider is ProviderKind.ZAPI)

    on_switches(use)


def test_a_code_to_type_is_asked_for_the_target(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        line = await back_to_web(harness)
        line.say(QrIssued(LINK, 1, 6, 60))
        harness.pane.see_procedure()
        panel = harness.sheet.view.pairing
        await until(panel._type_instead.isVisible)
        panel._type_instead.click()
        await until(lambda: harness.web.typed_codes)
        beside = harness.mentorados.link_for(harness.who.id, ProviderKind.WHATSAPP_WEB)
        assert [asked for asked, _phone in harness.web.typed_codes] == [beside.id]

    on_switches(use)


def test_another_phone_is_sent_away_when_a_person_says_so_and_the_sheet_says_what_to_do(
    on_switches: OnSwitches,
) -> None:
    async def use(harness: SwitchHarness) -> None:
        line = await back_to_web(harness)
        harness.pane.see_procedure()
        line.say(QrIssued(LINK, 1, 6, 60), QrScanned(OTHER_NUMBER))
        decide = texts("procedure.switch.send_away")
        await harness.pass_time(lambda: decide in buttons(harness.sheet))
        beside = harness.mentorados.link_for(harness.who.id, ProviderKind.WHATSAPP_WEB)
        assert harness.web.discarded == [], "unlinking it is for a person to say"
        assert "Desfazer" not in buttons(harness.sheet), "the same thing is not offered twice"
        buttons(harness.sheet)[decide].click()
        await harness.pass_time(lambda: harness.sheet.procedure and harness.sheet.procedure.ended)
        assert harness.web.discarded == [beside.id], "the next try does not find it there"
        assert "Esse celular foi desconectado" in words(harness.sheet)
        assert f"final {str(harness.who.phone)[-4:]}" in words(harness.sheet)
        assert "Desconectar este celular" not in buttons(harness.sheet)
        buttons(harness.sheet)["Trocar de provedor…"].click()
        await until(lambda: harness.sheet.form is not None)

    on_switches(use)


def test_the_words_change_with_the_language_while_it_is_open(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        form = await harness.checked(ProviderKind.ZAPI)
        texts.set_language("en")
        assert "can move to Z-API" in words(form)
        assert "Today: WhatsApp Web" in words(form)
        await asyncio.sleep(0)
        assert harness.sheet.footer.button(CommandId.CONFIRM).text() == "Switch to Z-API"

    on_switches(use)


def test_an_undo_on_the_way_says_that_the_current_provider_stays(on_switches: OnSwitches) -> None:
    async def use(harness: SwitchHarness) -> None:
        await code_of_zapi(harness)
        assert harness.procedure.next_step is not None
        assert harness.procedure.next_step.name is StepName.CONNECT_TARGET
        harness.sheet.footer.button(CommandId.UNDO).click()
        await harness.pass_time(lambda: harness.sheet.procedure and harness.sheet.procedure.ended)
        assert texts("procedure.switch.stays") in words(harness.sheet)
        assert harness.who.link.provider is ProviderKind.WHATSAPP_WEB

    on_switches(use)
