"""Z-API's webhooks, from the emulator's POST over real HTTP to the history, through the program as it is."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import httpx

from app.core.webhooks.service import ServiceState
from app.domain.actions import ActionName
from app.domain.link_status import LinkState
from app.domain.messages import DeliveryStatus, ProviderMessage, StoredMessage
from app.domain.webhooks import DeliveryOutcome
from tests.acceptance.program import run
from tests.acceptance.webhooks_on import counted, switch_on, url_for
from tests.acceptance.zapi.harness import Client, Harness, ProgramRun
from tests.providers.webhooks.harness import zapi_text
from tests.storage.talk import phone


async def posted(url: str, fields: dict[str, Any]) -> int:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(10):
        while True:
            answer = await client.post(url, content=json.dumps(fields).encode())
            if answer.status_code != 503:
                return answer.status_code
            await asyncio.sleep(0.05)


async def talk(run: ProgramRun, client: Client) -> dict[str, StoredMessage]:
    found = {}
    for conversation in await run.core.history.conversations(client.person.id):
        for message in await run.core.history.messages(conversation.id, limit=500):
            found[message.provider_id] = message
    return found


async def until_there(run: ProgramRun, client: Client, count: int) -> dict[str, StoredMessage]:
    async with asyncio.timeout(10):
        while len(found := await talk(run, client)) < count:
            await asyncio.sleep(0.02)
    return found


async def test_what_the_emulator_calls_about_reaches_the_history(harness: Harness) -> None:
    """A message handed over and delivered, told in the emulator's own time; the session's fall is asked about."""
    async with harness.running() as run:
        ana = await run.connected()
        await switch_on(run.core)
        url = await url_for(run.core, ana.person.link)
        assert await posted(url, zapi_text("IN1", instanceId=ana.instance.id)) == 200
        for kind in ("delivery", "message-status", "connected", "disconnected"):
            ana.instance.webhooks[kind] = url
        waiting = ana.instance.enqueue("5521987650001", "oi de volta")
        own = ProviderMessage(
            provider_id=waiting.message_id,
            chat=(phone("+5521987650001"),),
            sender=(),
            from_me=True,
            text="oi de volta",
            sent_at=run.core.clock.now(),
            received_at=run.core.clock.now(),
        )
        await run.core.history.store(run.core.mentorados.get(ana.person.id), [own], run.core.clock.now())
        async with asyncio.timeout(20):
            while (await talk(run, ana))[waiting.message_id].delivery is not DeliveryStatus.DELIVERED:
                ana.instance.settle()
                await asyncio.sleep(0.05)
        assert (await talk(run, ana))["IN1"].text == "oi"
        ana.instance.restore_works = ana.instance.restart_works = False
        ana.instance.drop()
        await run.until_status(ana.person, lambda status: status.state is not LinkState.CONNECTED)
        assert harness.emulator.webhook_sender.lost == []


async def test_what_was_sent_by_another_program_comes_back_with_its_state(harness: Harness) -> None:
    """Where the account notifies what it sent itself: the message, and DELIVERED as some builds say it."""
    async with harness.running() as run:
        ana = await run.connected()
        await switch_on(run.core)
        url = await url_for(run.core, ana.person.link)
        ana.instance.notify_sent_by_me, ana.instance.statuses = True, ("SENT", "DELIVERED")
        for kind in ("received", "delivery", "message-status"):
            ana.instance.webhooks[kind] = url
        waiting = ana.instance.enqueue("120363040000000001-group", "de outro programa")
        async with asyncio.timeout(20):
            while waiting.message_id not in (found := await talk(run, ana)):
                ana.instance.settle()
                await asyncio.sleep(0.05)
        message = found[waiting.message_id]
        assert (message.text, message.from_me, message.delivery) == (
            "de outro programa",
            True,
            DeliveryStatus.DELIVERED,
        )
        (conversation,) = await run.core.history.conversations(ana.person.id)
        assert (conversation.title, conversation.is_group) == ("Turma", True)
        assert harness.emulator.webhook_sender.lost == []


async def test_another_instance_or_path_changes_nothing_and_is_counted(harness: Harness) -> None:
    async with harness.running() as run:
        ana, bia = await run.connected("Ana"), await run.connected("Bia")
        await switch_on(run.core)
        url = await url_for(run.core, ana.person.link)
        assert url != await url_for(run.core, bia.person.link)
        assert await posted(url, zapi_text("right", instanceId=ana.instance.id)) == 200
        assert await posted(url, zapi_text("forged", instanceId=bia.instance.id)) == 403
        assert await posted(url[:-1], zapi_text("lost", instanceId=ana.instance.id)) == 404
        await counted(run.core, DeliveryOutcome.OTHER_ACCOUNT, 1, link_id=ana.person.link)
        await counted(run.core, DeliveryOutcome.UNKNOWN_PATH, 1)
        assert list(await until_there(run, ana, 1)) == ["right"]
        assert await talk(run, bia) == {}


async def test_shuffled_and_repeated_callbacks_end_in_the_same_history(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        await switch_on(run.core)
        url = await url_for(run.core, ana.person.link)
        items = [zapi_text(f"IN{number}", f"mensagem {number}") for number in range(20)]
        items += [zapi_text("IN3", "corrigida", isEdit=True, momment=1_760_000_100_000)]
        items += [
            {"type": "MessageStatusCallback", "ids": ["OUT"], "status": state, "phone": "5521987650001"}
            for state in ("SENT", "RECEIVED", "READ")
        ]
        items += [zapi_text("OUT", "do celular", fromMe=True)]
        order = [{**each, "instanceId": ana.instance.id} for each in [*items, *items[::4]]]
        random.Random(7).shuffle(order)  # noqa: S311 - the same in every run
        assert [await posted(url, each) for each in order] == [200] * len(order)
        found = await until_there(run, ana, 21)
        async with asyncio.timeout(10):
            while found["OUT"].delivery is not DeliveryStatus.READ or found["IN3"].text != "corrigida":
                await asyncio.sleep(0.02)
                found = await talk(run, ana)
        assert len(found) == 21
        assert (found["IN3"].text, found["IN3"].original_text) == ("corrigida", "mensagem 3")


def test_what_was_answered_is_not_lost_when_the_program_is_gone_before_it_is_stored(harness: Harness) -> None:
    """The link is off when it comes; the program ends, and the next one has it as soon as the link is back."""

    async def main() -> None:
        async with harness.running() as run:
            ana = await run.connected()
            await switch_on(run.core)
            url = await url_for(run.core, ana.person.link)
            await run.do(ActionName.DISCONNECT, ana.person)
            assert await posted(url, zapi_text("LATE", instanceId=ana.instance.id)) == 200
            await counted(run.core, DeliveryOutcome.ACCEPTED, 1, link_id=ana.person.link)
            await run.core.webhooks.switch_off()  # and still
        async with harness.running() as next_day:
            assert next_day.core.webhooks.phase is ServiceState.OFF
            await next_day.do(ActionName.CONNECT, ana.person)
            await next_day.until(ana.person, LinkState.CONNECTED)
            assert list(await until_there(next_day, ana, 1)) == ["LATE"]

    run(main())
    assert not (harness.settings.data_dir / "webhooks" / "quarantine").exists()


async def test_lists_groups_own_messages_and_every_kind_of_content_are_in_the_history(harness: Harness) -> None:
    """Broadcast lists and addresses of every spelling are understood, own messages' `status` is used, groups are titled
    by chatName, and votes, Pix, events and missed calls leave readable content."""
    bodies = [
        zapi_text("LIST", "aviso a todos", phone="1774895799-broadcast", fromMe=True, broadcast=True),
        zapi_text("OWN", "meu", fromMe=True, status="READ"),
        zapi_text(
            "GROUP",
            phone="120363040000000001-group",
            isGroup=True,
            chatName="Turma de maio",
            senderName="Caio",
            participantPhone="5521912340022",
        ),
        zapi_text("SPELT", "por extenso", phone="+55 21 98765-0001"),
        zapi_text("JID", "com servidor", phone="5521987650001@c.us"),
        zapi_text("PIX", text="", pixKeyMessage={"key": "pix@exemplo.com", "keyType": "EMAIL"}),
        zapi_text("CALL", text="", notification="CALL_MISSED_VOICE"),
        zapi_text("ADD", text="", phone="120363040000000001-group", notification="GROUP_PARTICIPANT_ADD"),
        {"type": "SomethingNewCallback", "phone": "5521987650001"},
    ]
    async with harness.running() as run:
        ana = await run.connected()
        await switch_on(run.core)
        url = await url_for(run.core, ana.person.link)
        for body in bodies:
            assert await posted(url, {**body, "instanceId": ana.instance.id}) == 200
        found = await until_there(run, ana, 7)
        async with asyncio.timeout(10):
            while not (aside := await run.core.set_aside.latest(ana.person.id)):
                await asyncio.sleep(0.02)
        assert [(each.kind, each.reason) for each in aside] == [("SomethingNewCallback", "not_understood")]
        assert set(found) == {"LIST", "OWN", "GROUP", "SPELT", "JID", "PIX", "CALL"}
        assert found["OWN"].delivery is DeliveryStatus.READ
        assert (found["PIX"].kind, found["PIX"].text) == ("payment", "Pix: pix@exemplo.com (EMAIL)")
        assert found["CALL"].kind == "missed_call"
        titles = {each.id: each.title for each in await run.core.history.conversations(ana.person.id)}
        assert titles[found["GROUP"].conversation_id] == "Turma de maio"
        assert len({found[each].conversation_id for each in ("OWN", "SPELT", "JID", "PIX", "CALL")}) == 1
        assert found["LIST"].conversation_id not in (found["OWN"].conversation_id, found["GROUP"].conversation_id)
