"""One mentorado through each provider in the real window: real core, real HTTP, and codes read from the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import keyring
import keyring.backends.fail
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason, SmokeTestOutcome
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider_descriptor import CredentialField
from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget
from app.settings import Settings
from app.text import status as status_text
from app.text.outbound import result_lines
from app.text.status import texts
from app.ui.dialogs.smoke_test import SmokeTestDialog
from app.ui.navigation import HOME
from app.ui.providers.credentials_dialog import CredentialsDialog
from app.ui.providers.queue_dialog import QueueDialog
from tests.conftest import OnQt
from tests.e2e.conftest import PHONE, TYPED, Session, conecta
from tests.e2e.test_first_connection import connect_by_hand
from tests.emulators.meta_cloud.graph import MetaCloud
from tests.emulators.meta_cloud.state import NUMBER_ID, TOKEN, WABA_ID
from tests.emulators.serving import Served
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

F = CredentialField
BIA_PHONE, BIA_TYPED = "5521987650001", "21 98765-0001"
BUSINESS_PHONE = "5511900000077"
META_PHONE, META_TYPED = "5531987650002", "31 98765-0002"


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    """The developer's own keyring is not for tests."""
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


@pytest.fixture
def zapi() -> Iterator[Served]:
    with Served(ZapiEmulator()) as served:
        yield served


@pytest.fixture
def meta() -> Iterator[Served]:
    with Served(MetaCloud()) as served:
        yield served


@pytest.fixture
def hosted(settings: Settings, zapi: Served, meta: Served) -> Settings:
    return replace(settings, zapi_url=zapi.url, meta_url=meta.url)


def emulated(served: Served) -> ZapiEmulator:
    assert isinstance(served.application, ZapiEmulator)
    return served.application


def words(widget: QWidget) -> str:
    return " | ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def named(session: Session, name: str) -> Mentorado:
    return session.core.mentorados.find(name)


async def add(session: Session, name: str, phone: str, kind: ProviderKind) -> CredentialsDialog:
    """Add somebody at *kind* through the form; the sheet for their credentials follows by itself."""
    QTest.mouseClick(session.window.header.add_button, Qt.MouseButton.LeftButton)
    form = await session.sheet()
    QTest.keyClicks(form.focusWidget() or form, name)
    QTest.keyClicks([edit for edit in form.findChildren(QLineEdit) if edit.isVisible()][1], phone)
    session.click(status_text.provider(kind), form)
    session.click(texts("dialog.add_and_enter"), form)
    return await credentials(session)


async def credentials(session: Session) -> CredentialsDialog:
    await until(lambda: any(isinstance(sheet, CredentialsDialog) for sheet in session.dialogs()))
    (sheet,) = session.dialogs()
    assert isinstance(sheet, CredentialsDialog)
    return sheet


async def enter(session: Session, sheet: CredentialsDialog, typed: dict[CredentialField, str]) -> None:
    """Type credentials, have them checked live, save and connect."""
    for name, value in typed.items():
        line = sheet.form.inputs[name].line
        line.setFocus()
        line.insert(value)
        line.textEdited.emit(line.text())
    session.click(texts("credentials.check"), sheet)
    await until(sheet.save.isEnabled)
    session.click(texts("credentials.save_and_connect"), sheet)
    keep = sheet.keep_secrets
    assert keep is not None
    await until(lambda: not session.dialogs() or keep.isVisible())
    if session.dialogs():  # there is no keyring on this computer, and nobody has said yet what to do about it
        session.click(texts("credentials.until_closed"), sheet)
        await until(lambda: not session.dialogs())


async def smoke_tested(session: Session, name: str) -> SmokeTestOutcome:
    """The result of a smoke test that is made from the pane, as its dialog says it."""
    mentorado = named(session, name)
    session.window.go(HOME)
    session.window.choose(mentorado.id)
    session.window.controller.perform(ActionName.SMOKE_TEST, mentorado.id)
    await until(lambda: any(isinstance(each, SmokeTestDialog) for each in session.dialogs()))
    (dialog,) = session.dialogs()
    assert isinstance(dialog, SmokeTestDialog)
    await until(dialog.close_button.isVisible, within=30)
    test = session.core.smoke_tests.last(mentorado.id)
    assert test is not None
    assert test.outcome is not None
    sentence, step = result_lines(test, session.core.clock.now())
    assert sentence in words(dialog)
    assert step in words(dialog)
    dialog.close_button.click()
    await until(lambda: not session.dialogs())
    return test.outcome


def test_one_mentorado_is_connected_through_each_provider_and_passes_as_much_of_a_smoke_test_as_it_shows(
    on_qt: OnQt, hosted: Settings, emulator: EmulatorProcess, zapi: Served, meta: Served
) -> None:
    emulator.control.add_account(PHONE)
    instance = emulated(zapi).add_instance()
    assert isinstance(meta.application, MetaCloud)
    number = meta.application.world.number
    number.digits = META_PHONE
    number.fields["display_phone_number"] = "+55 31 98765-0002"

    async def main() -> None:
        async with conecta(hosted) as session:
            await connect_by_hand(session, emulator)
            await session.until_state(named(session, "Ana Prates"), LinkState.CONNECTED)

            sheet = await add(session, "Bia Torquato", BIA_TYPED, ProviderKind.ZAPI)
            address = f"https://api.z-api.io/instances/{instance.id}/token/{instance.token}/send-text"
            session.badges.clear()
            await enter(session, sheet, {F.INSTANCE_ID: address})
            bia = named(session, "Bia Torquato")
            await session.until_state(bia, LinkState.QR_READY)
            code = await session.code_in_pixels()
            instance.scan(BIA_PHONE, code)
            await session.until_state(bia, LinkState.CONNECTED)
            assert session.badges == ["connecting", "qr_ready", "connected"]
            await until(lambda: session.codes_in_pixels() == [])

            sheet = await add(session, "Caio Muniz", META_TYPED, ProviderKind.META_CLOUD)
            session.badges.clear()
            await enter(session, sheet, {F.ACCESS_TOKEN: TOKEN, F.PHONE_NUMBER_ID: NUMBER_ID, F.WABA_ID: WABA_ID})
            caio = named(session, "Caio Muniz")
            await session.until_state(caio, LinkState.CONNECTED)
            assert session.badges == ["connecting", "connected"]
            session.click(texts("number.ask"))
            pane = session.window._pane
            assert pane is not None
            await until(lambda: texts("number.fact.tier") in words(pane))
            assert texts("number.value.tier.tier_2k") in words(pane)

            spoken = session.spoken_rows()
            for kind in ProviderKind:
                assert f"{status_text.provider(kind)}" in spoken
            assert spoken.count(texts("badge.connected")) >= 3

            emulator.control.add_account(BUSINESS_PHONE)
            emulator.control.answer_texts(BUSINESS_PHONE, "Recebi")
            number_of_business = PhoneNumber(f"+{BUSINESS_PHONE}")
            await session.core.smoke_tests.choose(
                SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=number_of_business, template="oi/pt_BR")
            )
            assert await smoke_tested(session, "Ana Prates") is SmokeTestOutcome.PASSED
            # Without webhooks neither of these says more than that it took the message.
            assert await smoke_tested(session, "Bia Torquato") is SmokeTestOutcome.PARTLY
            assert await smoke_tested(session, "Caio Muniz") is SmokeTestOutcome.PARTLY
            assert [each.payload["template"]["name"] for each in number.sent] == ["oi"]

    on_qt(main, within=120)
    kept = b"".join(file.read_bytes() for file in hosted.data_dir.rglob("*") if file.is_file())
    assert instance.token.encode() not in kept, "credentials are kept with the secrets only"
    assert TOKEN.encode() not in kept


@pytest.mark.within(60)
async def test_what_waits_in_the_queue_is_shown_before_a_reconnect_would_send_it(
    hosted: Settings, zapi: Served
) -> None:
    instance = emulated(zapi).add_instance()
    for name in ("Passei para confirmar amanhã.", "Segue o material do módulo 3."):
        instance.enqueue("5511987654321", name)
    async with conecta(hosted) as session:
        sheet = await add(session, "Bia Torquato", BIA_TYPED, ProviderKind.ZAPI)
        await enter(session, sheet, {F.INSTANCE_ID: instance.id, F.INSTANCE_TOKEN: instance.token})
        bia = named(session, "Bia Torquato")
        await until(lambda: session.status(bia).reason is Reason.QUEUE_PENDING)
        assert session.codes_in_pixels() == [], "a code would let them all go"
        session.click(status_text.action(ActionName.DECIDE_QUEUE)[0])
        await until(lambda: any(isinstance(each, QueueDialog) for each in session.dialogs()))
        (queue,) = session.dialogs()
        assert "Passei para confirmar amanhã." in words(queue)
        assert isinstance(queue, QueueDialog)
        session.click(texts("queue.remove"), queue)
        await until(queue.typed.hasFocus)
        QTest.keyClicks(queue.typed, "bia torquato")
        session.click(texts.plural("queue.remove_now", 2), queue)
        await session.until_state(bia, LinkState.QR_READY)
        assert instance.queue == instance.sent == []
        instance.scan(BIA_PHONE, await session.code_in_pixels())
        await session.until_state(bia, LinkState.CONNECTED)


@pytest.mark.within(60)
async def test_a_token_that_is_refused_is_said_where_it_was_typed(hosted: Settings, meta: Served) -> None:
    async with conecta(hosted) as session:
        sheet = await add(session, "Caio Muniz", TYPED, ProviderKind.META_CLOUD)
        typed = {F.ACCESS_TOKEN: "EAAwrong", F.PHONE_NUMBER_ID: NUMBER_ID, F.WABA_ID: WABA_ID}
        for name, value in typed.items():
            sheet.form.inputs[name].take(value)
        session.click(texts("credentials.check"), sheet)
        await until(sheet.keep.isVisible)
        assert texts("credentials.next.token_invalid") in sheet.verdict.text
        assert not sheet.save.isEnabled()
        sheet.form.inputs[F.ACCESS_TOKEN].take(TOKEN)
        session.click(texts("credentials.check"), sheet)
        await until(sheet.save.isEnabled)
        sheet.reject()
