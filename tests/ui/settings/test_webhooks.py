"""Webhooks as a person finds them in the settings: off, what that means, and what there is to copy when they are on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton

from app.core.background import BackgroundTasks
from app.domain.errors import Problem, ProblemCode
from app.domain.events import DeliverySetAside, MentoradoChanged
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import SetAsideReason
from app.domain.provider_descriptor import CredentialField, dumps, secret_key
from app.domain.set_aside import SetAsideCount
from app.domain.webhooks import DeliveryOutcome, OutcomeCount, WebhookStats
from app.text.status import texts
from app.ui.settings.webhooks import HIDDEN, OFF, ON, SHOWN, WebhooksSection
from tests.ui.controls import text_in
from tests.ui.settings.page_harness import Harness, InHarness
from tests.ui.window_harness import NOON

F = CredentialField


def section(harness: Harness) -> WebhooksSection:
    return next(each for each in harness.page.sections if isinstance(each, WebhooksSection))


async def give(harness: Harness, number: int, provider: ProviderKind, credentials: dict[F, str]) -> Mentorado:
    """Let somebody use a hosted provider, with these credentials."""
    before = list(harness.settings_harness.mentorados.all())[number]
    link = replace(before.link, provider=provider)
    await harness.settings_harness.secret_store.use_memory()
    await harness.settings_harness.secret_store.set(secret_key(link.id), dumps(credentials))
    return await harness.settings_harness.mentorados.save_link(link)


def button(harness: Harness, words: str) -> QPushButton:
    return next(each for each in section(harness).findChildren(QPushButton) if each.text() == words)


def plain(words: str) -> str:
    return words.replace("\u200b", "")


def test_they_are_off_and_it_is_said_what_cannot_be_known_then(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        webhooks = section(harness)
        assert webhooks.choice.chosen == OFF
        assert "aceita pelo provedor" in webhooks.line
        assert "não chega ao histórico" in webhooks.line
        assert (webhooks.address.text(), webhooks.port.text()) == ("127.0.0.1", "8790")
        assert webhooks.ways.ways == []
        texts.set_language("en")
        assert "accepted by the provider" in webhooks.line

    in_harness(use)


def test_switching_on_listens_and_says_where(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        webhooks = section(harness)
        async with BackgroundTasks(harness.settings_harness.webhooks.run):
            await harness.settings_harness.settings_service.load()
            webhooks.choice.button(ON).click()
            await harness.settle()
            assert webhooks.choice.chosen == ON
            assert webhooks.line.startswith("Recebendo em 127.0.0.1:8790.")
            assert harness.audited_actions() == ["set_webhooks"]
            webhooks.port.setText("9000")
            webhooks.port.editingFinished.emit()
            await harness.settle()
            assert webhooks.line.startswith("Recebendo em 127.0.0.1:9000.")
            webhooks.choice.button(OFF).click()
            await harness.settle()
            assert "Sem webhooks" in webhooks.line

    in_harness(use)


def test_a_port_that_is_taken_is_said_in_words_and_they_stay_off(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        webhooks = section(harness)
        async with BackgroundTasks(harness.settings_harness.webhooks.run):
            await harness.settings_harness.settings_service.load()
            harness.settings_harness.receiver.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="8790")
            webhooks.choice.button(ON).click()
            await harness.settle()
            assert webhooks.choice.chosen == OFF
            assert webhooks.message.startswith("A porta 8790 já está em uso neste computador.")

    in_harness(use)


def test_a_place_that_is_lost_later_is_said_too(in_harness: InHarness, caplog: pytest.LogCaptureFixture) -> None:
    async def use(harness: Harness) -> None:
        harness.settings_harness.store.kept = replace(
            harness.settings_harness.store.kept, webhooks=replace(harness.settings_harness.store.kept.webhooks, on=True)
        )
        harness.settings_harness.receiver.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="8790")
        async with BackgroundTasks(harness.settings_harness.webhooks.run):
            await harness.settings_harness.settings_service.load()
            await harness.settle()
            webhooks = section(harness)
            assert webhooks.choice.chosen == ON
            assert webhooks.line.startswith("A porta 8790 já está em uso")

    in_harness(use)


def test_what_is_typed_wrong_is_said_and_the_old_place_stays(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        webhooks = section(harness)
        webhooks.port.setText("99999")
        webhooks.port.editingFinished.emit()
        await harness.settle()
        assert webhooks.message.startswith("Isto não é uma porta. Digite um número de 1 a 65535.")
        webhooks.url.setText("http://relay.example")
        webhooks.url.editingFinished.emit()
        await harness.settle()
        assert "https://" in webhooks.message
        webhooks.refresh()
        await harness.settle()
        assert (webhooks.port.text(), webhooks.url.text()) == ("8790", "")

    in_harness(use)


def test_an_address_is_copied_whole_and_its_secret_is_shown_only_when_asked_for(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        await give(harness, 0, ProviderKind.ZAPI, {F.INSTANCE_ID: "I", F.INSTANCE_TOKEN: "t"})
        webhooks = section(harness)
        webhooks.url.setText("https://relay.example/")
        webhooks.url.editingFinished.emit()
        await harness.settle()
        (way,) = webhooks.ways.ways
        assert plain(way.address.text()) == f"https://relay.example/zapi/{HIDDEN}"
        assert "unguessable" not in text_in(webhooks)
        button(harness, "Mostrar").click()
        assert plain(way.address.text()) == "https://relay.example/zapi/unguessable"
        button(harness, "Esconder").click()
        assert "unguessable" not in text_in(webhooks)
        button(harness, "Copiar endereço").click()
        assert QGuiApplication.clipboard().text() == "https://relay.example/zapi/unguessable"

    in_harness(use)


def test_meta_has_one_address_and_a_number_without_its_apps_secret_is_told(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        await give(harness, 0, ProviderKind.META_CLOUD, {F.PHONE_NUMBER_ID: "1", F.APP_SECRET: "s"})
        without = await give(harness, 1, ProviderKind.META_CLOUD, {F.PHONE_NUMBER_ID: "2"})
        await harness.settle()
        (way,) = section(harness).ways.ways
        words = plain(way.address.text())
        assert words.startswith("http://127.0.0.1:8790/meta\n")
        assert f"{without.name}: falta o segredo do app" in words
        button(harness, "Copiar token de verificação").click()
        assert QGuiApplication.clipboard().text() == "unguessable"
        texts.set_language("en")
        await harness.settle()
        assert "the app's secret is missing" in plain(section(harness).ways.ways[0].address.text())

    in_harness(use)


def test_of_many_addresses_the_first_are_shown_until_all_are_wanted(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        for number in range(3):
            await give(harness, number, ProviderKind.ZAPI, {F.INSTANCE_ID: f"I{number}", F.INSTANCE_TOKEN: "t"})
        for number in range(3):
            added = await harness.settings_harness.mentorados.add(f"Novo {number}", f"+55119987600{number:02}")
            link = replace(added.link, provider=ProviderKind.ZAPI)
            await harness.settings_harness.secret_store.set(
                secret_key(link.id), dumps({F.INSTANCE_ID: "N", F.INSTANCE_TOKEN: "t"})
            )
            await harness.settings_harness.mentorados.save_link(link)
        ways = section(harness).ways
        while len(ways.ways) < 6:
            await harness.settle()
        assert [way.isVisible() for way in ways.ways] == [True] * SHOWN + [False] * 2
        assert ways.more.text() == "Mostrar mais 2"
        ways.more.click()
        assert all(way.isVisible() for way in ways.ways)
        assert not ways.more.isVisible()

    in_harness(use)


def test_locked_secrets_are_said_in_place_of_the_addresses(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        webhooks = section(harness)
        before = next(iter(harness.settings_harness.mentorados.all()))
        await harness.settings_harness.mentorados.save_link(replace(before.link, provider=ProviderKind.ZAPI))
        await harness.settle()
        assert not webhooks.ways.isVisible()
        shown = [label.text() for label in webhooks.findChildren(QLabel) if label.isVisible()]
        assert any("não tem um cofre de senhas" in words for words in shown), shown

    in_harness(use)


def test_counts_follow_what_comes(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        ana = await give(harness, 0, ProviderKind.ZAPI, {F.INSTANCE_ID: "I", F.INSTANCE_TOKEN: "t"})
        webhooks = section(harness)
        async with BackgroundTasks(harness.settings_harness.webhooks.run):
            await harness.settings_harness.settings_service.load()
            await harness.settings_harness.webhooks.switch_on()
            await harness.settle()
            harness.settings_harness.bus.publish(MentoradoChanged(ana))
            await harness.settle()
            assert webhooks.ways.ways[0].counts.text() == "Nada recebido ainda"
            assert webhooks.counted == "Nada foi recusado."
            counts = (
                OutcomeCount(ana.link.id, DeliveryOutcome.ACCEPTED, 12, NOON - timedelta(minutes=2)),
                OutcomeCount(None, DeliveryOutcome.SIGNATURE_WRONG, 3, NOON - timedelta(hours=1)),
            )
            harness.settings_harness.receiver.now.say(WebhookStats(counts, {ana.link.id: 2}))
            await harness.settle()
            assert webhooks.ways.ways[0].counts.text() == "12 recebidas · última há 2 min · 2 esperam a conexão"
            assert webhooks.counted == "Assinatura errada: 3 · última há 1 h"

    in_harness(use)


def test_what_was_accepted_and_not_taken_into_the_history_is_named_with_whose_it_is_and_why(
    in_harness: InHarness,
) -> None:
    async def use(harness: Harness) -> None:
        webhooks = section(harness)
        assert webhooks.set_aside == "Tudo o que foi aceito está no histórico."
        ana = next(iter(harness.settings_harness.mentorados.all()))
        harness.settings_harness.set_aside.counted = [
            SetAsideCount(
                link_id=ana.link.id,
                mentorado_id=ana.id,
                provider=ProviderKind.META_CLOUD,
                kind="history",
                reason=SetAsideReason.NOT_UNDERSTOOD,
                count=3,
                last=NOON,
            )
        ]
        harness.settings_harness.bus.publish(DeliverySetAside(ana.id, ana.link.id))
        await harness.settle()
        assert f"{ana.name}: “history”: esta versão do Conecta não sabe o que significa (3×" in webhooks.set_aside

    in_harness(use)
