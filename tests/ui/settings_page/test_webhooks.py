"""Webhooks as a person finds them in the settings: off, what that means, and what there is to copy when they are on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton

from app.core.chores import Chores
from app.domain.credentials import CredentialField, as_text, secret_name
from app.domain.errors import Code, Problem
from app.domain.events import DeliverySetAside, MentoradoChanged
from app.domain.mentorado import Enrolment, ProviderKind
from app.domain.messages import SetAsideReason
from app.domain.set_aside import SetAsideCount
from app.domain.webhooks import Outcome, Tallied, Tally
from app.ui.settings_page.ways_in import HIDDEN, SHOWN
from app.ui.settings_page.webhooks import OFF, ON, WebhooksSection
from app.ui.text import texts
from tests.ui.settings_page.test_page import InOffice, Office, in_office, said
from tests.ui.stage import NOON

__all__ = ["in_office"]

F = CredentialField


def section(office: Office) -> WebhooksSection:
    return next(each for each in office.page.sections if isinstance(each, WebhooksSection))


async def give(office: Office, number: int, provider: ProviderKind, credentials: dict[F, str]) -> Enrolment:
    """Let somebody use a hosted provider, with these credentials."""
    before = list(office.desk.enrolments.all())[number]
    link = replace(before.link, provider=provider)
    await office.desk.vault.keep_in_memory()
    await office.desk.vault.set(secret_name(link.id), as_text(credentials))
    return await office.desk.enrolments.save_link(link)


def button(office: Office, words: str) -> QPushButton:
    return next(each for each in section(office).findChildren(QPushButton) if each.text() == words)


def plain(words: str) -> str:
    return words.replace("\u200b", "")


def test_they_are_off_and_it_is_said_what_cannot_be_known_then(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        webhooks = section(office)
        assert webhooks.choice.chosen == OFF
        assert "aceita pelo provedor" in webhooks.line
        assert "não chega ao histórico" in webhooks.line
        assert (webhooks.address.text(), webhooks.port.text()) == ("127.0.0.1", "8790")
        assert webhooks.ways.ways == []
        texts.set_language("en")
        assert "accepted by the provider" in webhooks.line

    in_office(use)


def test_switching_on_listens_and_says_where(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        webhooks = section(office)
        async with Chores(office.desk.webhooks.run):
            await office.desk.parts.desk.load()
            webhooks.choice.button(ON).click()
            await office.settle()
            assert webhooks.choice.chosen == ON
            assert webhooks.line.startswith("Recebendo em 127.0.0.1:8790.")
            assert office.deeds() == ["set_webhooks"]
            webhooks.port.setText("9000")
            webhooks.port.editingFinished.emit()
            await office.settle()
            assert webhooks.line.startswith("Recebendo em 127.0.0.1:9000.")
            webhooks.choice.button(OFF).click()
            await office.settle()
            assert "Sem webhooks" in webhooks.line

    in_office(use)


def test_a_port_that_is_taken_is_said_in_words_and_they_stay_off(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        webhooks = section(office)
        async with Chores(office.desk.webhooks.run):
            await office.desk.parts.desk.load()
            office.desk.receiver.problem = Problem(Code.WEBHOOK_PORT_TAKEN, port="8790")
            webhooks.choice.button(ON).click()
            await office.settle()
            assert webhooks.choice.chosen == OFF
            assert webhooks.said.startswith("A porta 8790 já está em uso neste computador.")

    in_office(use)


def test_a_place_that_is_lost_later_is_said_too(in_office: InOffice, caplog: pytest.LogCaptureFixture) -> None:
    async def use(office: Office) -> None:
        office.desk.store.kept = replace(
            office.desk.store.kept, webhooks=replace(office.desk.store.kept.webhooks, on=True)
        )
        office.desk.receiver.problem = Problem(Code.WEBHOOK_PORT_TAKEN, port="8790")
        async with Chores(office.desk.webhooks.run):
            await office.desk.parts.desk.load()
            await office.settle()
            webhooks = section(office)
            assert webhooks.choice.chosen == ON
            assert webhooks.line.startswith("A porta 8790 já está em uso")

    in_office(use)


def test_what_is_typed_wrong_is_said_and_the_old_place_stays(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        webhooks = section(office)
        webhooks.port.setText("99999")
        webhooks.port.editingFinished.emit()
        await office.settle()
        assert webhooks.said.startswith("Isto não é uma porta. Digite um número de 1 a 65535.")
        webhooks.url.setText("http://relay.example")
        webhooks.url.editingFinished.emit()
        await office.settle()
        assert "https://" in webhooks.said
        webhooks.refresh()
        await office.settle()
        assert (webhooks.port.text(), webhooks.url.text()) == ("8790", "")

    in_office(use)


def test_an_address_is_copied_whole_and_its_secret_is_shown_only_when_asked_for(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        await give(office, 0, ProviderKind.ZAPI, {F.INSTANCE_ID: "I", F.INSTANCE_TOKEN: "t"})
        webhooks = section(office)
        webhooks.url.setText("https://relay.example/")
        webhooks.url.editingFinished.emit()
        await office.settle()
        (way,) = webhooks.ways.ways
        assert plain(way.address.text()) == f"https://relay.example/zapi/{HIDDEN}"
        assert "unguessable" not in said(webhooks)
        button(office, "Mostrar").click()
        assert plain(way.address.text()) == "https://relay.example/zapi/unguessable"
        button(office, "Esconder").click()
        assert "unguessable" not in said(webhooks)
        button(office, "Copiar endereço").click()
        assert QGuiApplication.clipboard().text() == "https://relay.example/zapi/unguessable"

    in_office(use)


def test_meta_has_one_address_and_a_number_without_its_apps_secret_is_told(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        await give(office, 0, ProviderKind.META_CLOUD, {F.PHONE_NUMBER_ID: "1", F.APP_SECRET: "s"})
        without = await give(office, 1, ProviderKind.META_CLOUD, {F.PHONE_NUMBER_ID: "2"})
        await office.settle()
        (way,) = section(office).ways.ways
        words = plain(way.address.text())
        assert words.startswith("http://127.0.0.1:8790/meta\n")
        assert f"{without.mentorado.name}: falta o segredo do app" in words
        button(office, "Copiar token de verificação").click()
        assert QGuiApplication.clipboard().text() == "unguessable"
        texts.set_language("en")
        await office.settle()
        assert "the app's secret is missing" in plain(section(office).ways.ways[0].address.text())

    in_office(use)


def test_of_many_addresses_the_first_are_shown_until_all_are_wanted(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        for number in range(3):
            await give(office, number, ProviderKind.ZAPI, {F.INSTANCE_ID: f"I{number}", F.INSTANCE_TOKEN: "t"})
        for number in range(3):
            added = await office.desk.enrolments.add(f"Novo {number}", f"+55119987600{number:02}")
            link = replace(added.link, provider=ProviderKind.ZAPI)
            await office.desk.vault.set(secret_name(link.id), as_text({F.INSTANCE_ID: "N", F.INSTANCE_TOKEN: "t"}))
            await office.desk.enrolments.save_link(link)
        ways = section(office).ways
        while len(ways.ways) < 6:
            await office.settle()
        assert [way.isVisible() for way in ways.ways] == [True] * SHOWN + [False] * 2
        assert ways.more.text() == "Mostrar mais 2"
        ways.more.click()
        assert all(way.isVisible() for way in ways.ways)
        assert not ways.more.isVisible()

    in_office(use)


def test_locked_secrets_are_said_in_place_of_the_addresses(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        webhooks = section(office)
        before = next(iter(office.desk.enrolments.all()))
        await office.desk.enrolments.save_link(replace(before.link, provider=ProviderKind.ZAPI))
        await office.settle()
        assert not webhooks.ways.isVisible()
        shown = [label.text() for label in webhooks.findChildren(QLabel) if label.isVisible()]
        assert any("não tem um cofre de senhas" in words for words in shown), shown

    in_office(use)


def test_counts_follow_what_comes(in_office: InOffice) -> None:
    async def use(office: Office) -> None:
        ana = await give(office, 0, ProviderKind.ZAPI, {F.INSTANCE_ID: "I", F.INSTANCE_TOKEN: "t"})
        webhooks = section(office)
        async with Chores(office.desk.webhooks.run):
            await office.desk.parts.desk.load()
            await office.desk.webhooks.switch_on()
            await office.settle()
            office.desk.bus.publish(MentoradoChanged(ana))
            await office.settle()
            assert webhooks.ways.ways[0].counts.text() == "Nada recebido ainda"
            assert webhooks.counted == "Nada foi recusado."
            tallies = (
                Tally(ana.link.id, Outcome.ACCEPTED, 12, NOON - timedelta(minutes=2)),
                Tally(None, Outcome.SIGNATURE_WRONG, 3, NOON - timedelta(hours=1)),
            )
            office.desk.receiver.now.say(Tallied(tallies, {ana.link.id: 2}))
            await office.settle()
            assert webhooks.ways.ways[0].counts.text() == "12 recebidas · última há 2 min · 2 esperam a conexão"
            assert webhooks.counted == "Assinatura errada: 3 · última há 1 h"

    in_office(use)


def test_what_was_accepted_and_not_taken_into_the_history_is_named_with_whose_it_is_and_why(
    in_office: InOffice,
) -> None:
    async def use(office: Office) -> None:
        webhooks = section(office)
        assert webhooks.set_aside == "Tudo o que foi aceito está no histórico."
        ana = next(iter(office.desk.enrolments.all()))
        office.desk.set_aside.counted = [
            SetAsideCount(
                link_id=ana.link.id,
                mentorado_id=ana.mentorado.id,
                provider=ProviderKind.META_CLOUD,
                kind="history",
                reason=SetAsideReason.NOT_UNDERSTOOD,
                count=3,
                last=NOON,
            )
        ]
        office.desk.bus.publish(DeliverySetAside(ana.mentorado.id, ana.link.id))
        await office.settle()
        assert (
            f"{ana.mentorado.name}: “history”: esta versão do Conecta não sabe o que significa (3×"
            in webhooks.set_aside
        )

    in_office(use)
