"""What Z-API's webhooks tell reaches the line of its link, is stored, and is confirmed only then."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.messages import DeliveryStatus, StoredMessage
from app.domain.sending import Accepted
from app.providers.zapi.poller import PollSettings
from app.providers.zapi.webhook_parser import read_callback
from tests.acceptance.program import run
from tests.acceptance.zapi.harness import Client, Harness, ProgramRun
from tests.waiting import until

Body = dict[str, Any]


def received(ana: Client, words: str, **more: object) -> Body:
    return {
        "instanceId": ana.instance.id,
        "messageId": f"3EB0{words.encode().hex().upper()}",
        "phone": "5511912345678",
        "senderLid": "81896604192873@lid",
        "connectedPhone": ana.person.digits,
        "fromMe": False,
        "momment": int(ana.instance.now().timestamp() * 1000),
        "senderName": "Bia",
        "isGroup": False,
        "type": "ReceivedCallback",
        "text": {"message": words},
        **more,
    }


def deliver(run: ProgramRun, ana: Client, fields: Body, confirmed: list[str]) -> bool:
    """As the receiver does: parsed, found its link, handed over."""
    (callback,) = read_callback(json.dumps(fields).encode(), run.core.clock.now())
    assert callback.key == ana.instance.id
    name = str(fields.get("messageId", fields["type"]))
    return run.provider.handle(ana.person.link, callback.facts, callback.check, lambda: confirmed.append(name))


async def history(run: ProgramRun, ana: Client) -> Sequence[StoredMessage]:
    (conversation,) = await run.core.history.conversations(ana.person.id)
    return list(reversed(await run.core.history.messages(conversation.id)))


async def test_messages_and_what_changes_them_are_in_the_history_and_then_confirmed(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        confirmed: list[str] = []
        first = received(ana, "oi")
        items = [
            first,
            first,  # webhooks repeat themselves
            received(ana, "minha resposta", fromMe=True, senderLid=None, chatLid="81896604192873@lid"),
            received(ana, "foto", text=None, image={"mimeType": "image/jpeg", "caption": "eu"}),
            {**first, "isEdit": True, "text": {"message": "oi!"}, "momment": first["momment"] + 5000},
            received(ana, "r", text=None, reaction={"value": "👍", "referencedMessage": first}),
        ]
        for body in items:
            assert deliver(run, ana, body, confirmed)
        await until(lambda: len(confirmed) == len(items))
        texts = {message.text: message for message in await history(run, ana)}
        assert set(texts) == {"oi!", "minha resposta", "eu"}
        assert (texts["oi!"].original_text, texts["oi!"].reactions) == ("oi", ("👍",))
        assert texts["minha resposta"].from_me
        assert texts["oi!"].sender_name == "Bia"
        evidence = run.status(ana.person).evidence
        assert evidence.last_inbound is not None
        assert run.grown


async def test_what_becomes_of_a_message_is_told_by_its_receipts(harness: Harness) -> None:
    """Accepted, handed to WhatsApp, delivered, read: it never goes back."""
    async with harness.running() as run:
        ana = await run.connected()
        confirmed: list[str] = []
        sent = await run.send(ana, "olá")
        assert isinstance(sent, Accepted)
        deliver(run, ana, received(ana, "olá", fromMe=True, messageId=sent.provider_id), confirmed)
        whose = {"instanceId": ana.instance.id, "phone": "5511912345678", "momment": 1_767_225_700}
        read = {**whose, "type": "MessageStatusCallback", "status": "READ", "ids": [sent.provider_id]}
        seen: list[DeliveryStatus | None] = []
        for body in (
            {**whose, "type": "DeliveryCallback", "messageId": sent.provider_id, "zaapId": sent.queue_id},
            {**read, "status": "RECEIVED"},
            read,
            {**read, "status": "SENT"},
        ):
            deliver(run, ana, body, confirmed)
            await until(lambda: len(confirmed) == len(seen) + 2)
            (message,) = await history(run, ana)
            seen.append(message.delivery)
        assert seen == [DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ, DeliveryStatus.READ]


async def test_without_an_open_line_it_is_for_the_receiver_to_keep(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        confirmed: list[str] = []
        await run.do(ActionName.DISCONNECT, ana.person)
        assert not deliver(run, ana, received(ana, "oi"), confirmed)
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.CONNECTED)
        assert confirmed == []
        assert deliver(run, ana, received(ana, "oi"), confirmed)
        await until(lambda: confirmed)


def test_nothing_is_confirmed_that_could_not_be_stored(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with harness.running() as run:
            ana = await run.connected()
            store, confirmed = run.core.history.store, list[str]()

            async def full(*_args: object) -> None:
                raise Problem(ProblemCode.DATABASE_DISK_FULL)

            run.core.history.store = full  # type: ignore[method-assign,assignment]
            deliver(run, ana, received(ana, "oi"), confirmed)
            await run.core.clock.sleep(30)
            assert confirmed == []
            run.core.history.store = store  # type: ignore[method-assign]
            await until(lambda: confirmed)
            assert [message.text for message in await history(run, ana)] == ["oi"]

    run(main())
    assert "stay unconfirmed at the provider" in caplog.text


async def asked_by_the_hour(run: ProgramRun) -> Client:
    """Somebody connected, whose instance would not be asked again while a test lasts."""
    run.provider._pace = PollSettings(status=3600)
    ana = await run.connected()
    await run.core.clock.sleep(5)
    return ana


async def test_a_webhook_that_tells_of_a_fall_has_it_asked_at_once(harness: Harness) -> None:
    """ "webhook DisconnectedCallback … re-check /status, then above": the event itself changes nothing."""
    async with harness.running() as run:
        ana = await asked_by_the_hour(run)
        asked = ana.instance.asked.count("GET status")
        fell = {"type": "DisconnectedCallback", "disconnected": True, "instanceId": ana.instance.id, "momment": 1}
        assert deliver(run, ana, fell, [])
        await until(lambda: ana.instance.asked.count("GET status") > asked)
        assert {state for state, _ in run.steps(ana.person)} == {"connecting", "connected"}


async def test_a_webhook_that_tells_of_a_new_connection_has_its_number_judged(harness: Harness) -> None:
    """ "ConnectedCallback … wrong-number guard" """
    async with harness.running() as run:
        ana = await asked_by_the_hour(run)
        ana.instance.link("5521955554444")
        fields = {"type": "ConnectedCallback", "connected": True, "instanceId": ana.instance.id, "phone": "55"}
        deliver(run, ana, fields, [])
        await run.until(ana.person, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
