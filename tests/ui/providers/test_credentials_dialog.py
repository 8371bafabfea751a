"""Credentials are typed, checked live and kept; what went wrong is said where it is to be mended."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider_descriptor import CredentialField, CredentialReport, Credentials, loads, secret_key
from app.text.status import texts
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.navigation import SETTINGS
from app.ui.providers.credentials_dialog import Check, CredentialsDialog
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach, read_aloud
from tests.ui.providers.harness import Harness, Play

F = CredentialField
ZAPI, META = ProviderKind.ZAPI, ProviderKind.META_CLOUD
TYPED = {F.INSTANCE_ID: "3C01ABCD", F.INSTANCE_TOKEN: "hush-token"}


async def opened(harness: Harness, kind: ProviderKind = ZAPI) -> CredentialsDialog:
    return await harness.open(kind, ActionName.ENTER_CREDENTIALS, CredentialsDialog)


def write(sheet: CredentialsDialog, typed: Credentials) -> None:
    for name, value in typed.items():
        line = sheet.form.inputs[name].line
        line.clear()
        QTest.keyClicks(line, value)


async def checked(harness: Harness, sheet: CredentialsDialog, report: CredentialReport) -> None:
    harness.zapi.report = harness.meta.report = report
    QTest.mouseClick(sheet.check, Qt.MouseButton.LeftButton)
    await settle()


def test_credentials_that_are_right_are_saved_and_the_link_connects(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        assert not sheet.save.isEnabled()
        write(sheet, TYPED)
        right = CredentialReport(valid=True, account=PhoneNumber("+5598983015662"), facts={"due": "2026-12-12"})
        await checked(harness, sheet, right)
        assert sheet.verdict.check is Check.GOOD
        assert "Paga até: 12/12/2026" in sheet.verdict.text
        assert "+55 98 98301-5662" in read_aloud(sheet.verdict.text)
        assert sheet.save.isEnabled()
        QTest.mouseClick(sheet.save, Qt.MouseButton.LeftButton)
        await settle()
        mentorado = harness.mentorado(ZAPI)
        assert loads(harness.secret_store.kept[secret_key(mentorado.link.id)]) == TYPED
        assert harness.window_harness.supervisor.status(mentorado.link.id).state is LinkState.CONNECTING
        assert harness.shown() == []

    play(act)


@pytest.mark.parametrize(
    ("report", "check", "text"),
    [
        (CredentialReport(valid=False, reason=Reason.TOKEN_INVALID), Check.REFUSED, "recusou o token"),
        (CredentialReport(valid=False), Check.REFUSED, "A Z-API recusou estas credenciais."),
        (CredentialReport(valid=None, reason=Reason.UNREACHABLE), Check.SILENT, "Não foi possível perguntar à Z-API"),
    ],
)
def test_what_was_not_confirmed_is_kept_only_by_somebody_who_says_so(
    play: Play, report: CredentialReport, check: Check, text: str
) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        assert not sheet.keep.isVisible()
        write(sheet, TYPED)
        await checked(harness, sheet, report)
        assert sheet.verdict.check is check
        assert text in sheet.verdict.text
        assert not sheet.save.isEnabled()
        QTest.mouseClick(sheet.keep, Qt.MouseButton.LeftButton)
        assert sheet.save.isEnabled()
        QTest.keyClicks(sheet.form.inputs[F.INSTANCE_TOKEN].line, "x")
        assert sheet.verdict.check is Check.IDLE, "it was about something else"
        assert not sheet.save.isEnabled()
        await checked(harness, sheet, report)
        assert not sheet.keep.isChecked(), "it is said each time"
        sheet.keep.click()
        sheet.save.click()
        await settle()
        assert harness.secret_store.kept

    play(act)


def test_somebody_elses_number_is_told_before_anything_is_kept(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        write(sheet, TYPED)
        await checked(harness, sheet, CredentialReport(valid=True, account=PhoneNumber("+5511912344321")))
        assert sheet.verdict.check is Check.NOTED
        text = read_aloud(sheet.verdict.text)
        assert "Elas são do número +55 11 91234-4321, e o de Thiago Torquato é +55 98 98301-5662." in text
        assert sheet.save.isEnabled()

    play(act)


def test_a_number_that_is_right_and_not_registered_is_told(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness, META)
        write(sheet, {F.ACCESS_TOKEN: "EAAG", F.PHONE_NUMBER_ID: "106540352242922", F.WABA_ID: "102290129340398"})
        report = CredentialReport(
            valid=True, reason=Reason.NOT_REGISTERED, facts={"quality": "green", "tier": "tier_2k"}
        )
        await checked(harness, sheet, report)
        assert sheet.verdict.check is Check.NOTED
        assert "registre o número" in sheet.verdict.text
        assert "Qualidade: Alta" in sheet.verdict.text
        assert "Novos contatos em 24 h: até 2.000" in sheet.verdict.text

    play(act)


@pytest.mark.parametrize(
    ("typed", "field", "text"),
    [
        ({}, F.ACCESS_TOKEN, "Falta preencher este campo."),
        ({F.ACCESS_TOKEN: "EAAG", F.PHONE_NUMBER_ID: "+5511", F.WABA_ID: "1"}, F.PHONE_NUMBER_ID, "Só dígitos."),
    ],
)
def test_what_cannot_be_right_is_said_under_its_field_and_asks_nobody(
    play: Play, typed: Credentials, field: CredentialField, text: str
) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness, META)
        write(sheet, typed)
        await checked(harness, sheet, CredentialReport(valid=True))
        each = sheet.form.inputs[field]
        assert text in each.line.accessibleDescription()
        assert each.line.hasFocus()
        assert sheet.verdict.check is Check.IDLE
        assert harness.meta.checked == []
        QTest.keyClicks(each.line, "7")
        assert each.error == ""

    play(act)


def test_a_secret_shows_as_dots_until_it_is_asked_for(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        token, plain = sheet.form.inputs[F.INSTANCE_TOKEN], sheet.form.inputs[F.INSTANCE_ID]
        assert plain.line.echoMode() is QLineEdit.EchoMode.Normal
        assert not token.reveal.isVisible()
        write(sheet, TYPED)
        assert token.line.echoMode() is QLineEdit.EchoMode.Password
        assert token.reveal.accessibleName() == "Mostrar Token da instância"
        token.reveal.click()
        assert token.line.echoMode() is QLineEdit.EchoMode.Normal
        assert token.reveal.accessibleName() == "Ocultar Token da instância"
        token.reveal.click()
        assert token.line.echoMode() is QLineEdit.EchoMode.Password

    play(act)


def test_what_is_kept_is_never_shown_again_and_may_be_left_empty(play: Play) -> None:
    async def act(harness: Harness) -> None:
        harness.keep(ZAPI, {"instance_id": "3C01ABCD", "instance_token": "hush-token"})
        sheet = await opened(harness)
        assert sheet.form.typed == {F.INSTANCE_ID: "3C01ABCD", F.INSTANCE_TOKEN: "", F.CLIENT_TOKEN: ""}
        assert sheet.form.inputs[F.INSTANCE_TOKEN].line.placeholderText() == texts("credentials.kept")
        assert sheet.form.inputs[F.INSTANCE_TOKEN].line.hasFocus()
        await checked(harness, sheet, CredentialReport(valid=True))
        assert harness.zapi.checked == [TYPED]

    play(act)


def test_pasting_brings_no_blanks_and_a_whole_address_fills_both_fields(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        first, token = sheet.form.inputs[F.INSTANCE_ID], sheet.form.inputs[F.INSTANCE_TOKEN]
        first.line.insert("https://api.z-api.io/instances/3C01ABCD/token/hush-token/send-text")
        first.line.textEdited.emit(first.line.text())
        assert (first.line.text(), token.line.text()) == ("3C01ABCD", "hush-token")
        token.line.setText(" hush-\u200bother ")
        token.line.textEdited.emit(token.line.text())
        assert token.line.text() == "hush-other"

    play(act)


def test_a_place_that_is_locked_leads_to_the_settings_and_loses_nothing(play: Play) -> None:
    async def act(harness: Harness) -> None:
        harness.secret_store.lock(ProblemCode.SECRETS_LOCKED)
        sheet = await opened(harness)
        assert texts("problem.secrets_locked.sentence") in sheet.trouble.text()
        write(sheet, TYPED)
        sheet.settings.click()
        await settle()
        assert harness.window.places.here == SETTINGS
        assert harness.shown() == []
        harness.secret_store.problem = None
        again = await opened(harness)
        assert again.form.typed[F.INSTANCE_TOKEN] == "hush-token"
        assert not again.trouble.isVisible()
        again.reject()
        await settle()
        assert (await opened(harness)).form.typed[F.INSTANCE_TOKEN] == "", "who gave it up meant it"

    play(act)


@pytest.mark.parametrize("in_file", [False, True])
def test_without_a_keyring_they_are_checked_and_kept_where_a_person_says(play: Play, in_file: bool) -> None:
    async def act(harness: Harness) -> None:
        harness.secret_store.lock(ProblemCode.SECRETS_UNAVAILABLE)
        sheet = await opened(harness)
        keep = sheet.keep_secrets
        assert keep is not None
        assert not sheet.trouble.isVisible()
        write(sheet, TYPED)
        sheet.check.click()
        await settle()
        assert sheet.verdict.check is Check.GOOD
        assert not keep.isVisible(), "nothing has to be kept yet"
        sheet.save.click()
        await settle()
        assert keep.isVisible()
        assert texts("problem.secrets_unavailable.sentence") in sheet.trouble.text()
        if in_file:
            for phrase in ("curta", "cavalo certo bateria"):
                assert not keep.file_button.isEnabled()
                QTest.keyClicks(keep.phrase, phrase)
                QTest.keyClicks(keep.again, phrase)
                QTest.keyClick(keep.again, Qt.Key.Key_Return)
                assert keep.isVisible(), "the button is pressed on its own"
                keep.file_button.click()
                await settle()
                if phrase == "curta":
                    assert keep.isVisible()
                    assert "12" in sheet.trouble.text()
                    keep.phrase.clear()
                    keep.again.clear()
        else:
            keep.memory_button.click()
            await settle()
        assert harness.shown() == []
        assert harness.secret_store.kept, "saved at once: that was wanted"
        assert "set_secrets_place" in harness.audited_actions()

    play(act)


def test_credentials_are_forgotten_after_a_question(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        assert not sheet.forget.isVisible(), "there are none"
        sheet.reject()
        await settle()
        harness.keep(ZAPI, {"instance_id": "3C01ABCD", "instance_token": "hush-token"})
        for answer in ("cancel", "confirm"):
            sheet = await opened(harness)
            sheet.forget.click()
            await settle()
            (question,) = [each for each in harness.window.findChildren(ConfirmDialog) if each.isVisible()]
            getattr(question, answer).click()
            await settle()
            assert bool(harness.secret_store.kept) is (answer == "cancel")

    play(act)


def test_an_answer_that_comes_late_is_about_nothing(play: Play) -> None:
    async def act(harness: Harness) -> None:
        harness.zapi.asking = asyncio.Event()
        sheet = await opened(harness)
        write(sheet, TYPED)
        sheet.check.click()
        await settle()
        assert sheet.verdict.text == "Perguntando à Z-API…"
        assert not sheet.check.isEnabled()
        QTest.keyClicks(sheet.form.inputs[F.INSTANCE_ID].line, "E")
        harness.zapi.asking.set()
        await settle()
        assert sheet.verdict.check is Check.IDLE
        assert not sheet.save.isEnabled()

    play(act)


def test_the_keyboard_goes_from_the_first_field_to_connected(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        assert sheet.form.inputs[F.INSTANCE_ID].line.hasFocus()
        write(sheet, TYPED)
        QTest.keyClick(sheet.form.inputs[F.INSTANCE_TOKEN].line, Qt.Key.Key_Return)
        await settle()
        assert sheet.verdict.check is Check.GOOD
        assert sheet.save.hasFocus()
        QTest.keyClick(sheet.save, Qt.Key.Key_Return)
        await settle()
        assert harness.shown() == []
        assert harness.zapi.lines

    play(act)


def test_escape_keeps_nothing_and_connects_nothing(play: Play) -> None:
    async def act(harness: Harness) -> None:
        sheet = await opened(harness)
        write(sheet, TYPED)
        QTest.keyClick(sheet, Qt.Key.Key_Escape)
        await settle()
        assert harness.secret_store.kept == {}
        assert harness.zapi.lines == []

    play(act)


@pytest.mark.parametrize("scale", [100, 200])
@pytest.mark.parametrize("kind", [ZAPI, META])
def test_everything_has_a_name_can_be_reached_and_fits(
    play: Play, theme: Theme, kind: ProviderKind, scale: int
) -> None:
    async def act(harness: Harness) -> None:
        theme.set_text_scale(scale)
        sheet = await opened(harness, kind)
        write(sheet, TYPED if kind is ZAPI else {F.ACCESS_TOKEN: "EAAG"})
        assert nameless(sheet) == []
        assert out_of_reach(sheet) == []
        await asyncio.sleep(0.05)
        assert sheet.height() <= harness.window.height()
        assert sheet.width() <= harness.window.width()

    play(act)


def test_in_a_low_window_the_answer_scrolls_into_view(play: Play, theme: Theme) -> None:
    async def act(harness: Harness) -> None:
        harness.window.resize(700, 480)
        sheet = await opened(harness)
        write(sheet, TYPED)
        await checked(harness, sheet, CredentialReport(valid=False, reason=Reason.TOKEN_INVALID))
        await asyncio.sleep(0.05)
        assert sheet.height() <= harness.window.height()
        seen = sheet.area.viewport().rect()
        for part in (sheet.verdict, sheet.keep):
            assert seen.contains(part.mapTo(sheet.area.viewport(), part.rect().center()))
        theme.set_text_scale(200)
        harness.window.resize(640, 620)
        sheet.fit()
        assert sheet.width() <= harness.window.width()
        assert sheet.save.width() <= sheet.width()

    play(act)


def test_who_gives_up_while_the_provider_is_asked_hears_nothing_more(play: Play) -> None:
    async def act(harness: Harness) -> None:
        for answer in (CredentialReport(valid=True), None):
            harness.zapi.asking = asyncio.Event()
            if answer is None:
                harness.zapi.problem_of_check = Problem(ProblemCode.PROVIDER_SILENT)
            sheet = await opened(harness)
            write(sheet, TYPED)
            sheet.check.click()
            await settle()
            QTest.keyClick(sheet, Qt.Key.Key_Escape)
            await settle()
            assert harness.shown() == []
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            harness.zapi.asking.set()
            await settle()
            assert harness.crashes == []

    play(act)
