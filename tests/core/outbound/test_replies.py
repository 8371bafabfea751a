from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.outbound.replies import ReplyService
from app.domain.consent import Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesStored
from app.domain.mentorado import ProviderKind
from app.domain.messages import (
    Address,
    AddressKind,
    ConversationId,
    DeliveryReceipt,
    DeliveryStatus,
    ProviderMessage,
)
from app.domain.outbound import Hold, HoldReason, OutboundMessage, OutboundState
from app.domain.sending import NotSent, OutgoingMessage, SendErrorKind, TemplateMessage, Uncertain
from tests.core.outbound.harness import NOON, Sending, asked, begun, phone, sending
from tests.fake_providers import FakeProvider

BIA = phone(1)


def replies(s: Sending) -> ReplyService:
    return ReplyService(mentorados=s.core.mentorados, history=s.history, outbound=s.service)


async def conversation(s: Sending) -> ConversationId:
    (one,) = await s.history.conversations(s.ana.id)
    return one.id


async def test_a_reply_goes_to_the_one_the_conversation_is_with_by_an_address_the_provider_can_use(
    tmp_path: Path,
) -> None:
    async with sending(tmp_path) as s:
        await s.receive(Address(AddressKind.LID, "777"), BIA)
        talk = await conversation(s)
        assert await replies(s).check(talk) is None
        sent = await replies(s).send(talk, "Oi, Bia")
        assert isinstance(sent, OutboundMessage)
        assert (s.provider.sent[0].to, s.provider.sent[0].text) == (BIA, "Oi, Bia")
        assert s.provider.sent[0].last_inbound == NOON


async def test_where_no_address_can_be_written_to_it_is_said(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(Address(AddressKind.META_USER, "BR.1"))
        talk = await conversation(s)
        for answer in (await replies(s).check(talk), await replies(s).send(talk, "Oi")):
            assert answer == Hold(HoldReason.NO_ADDRESS)
        s.core.providers[ProviderKind.WHATSAPP_WEB] = FakeProvider()
        assert await replies(s).check(talk) == Hold(HoldReason.CANNOT_SEND)
        assert s.service.reaches(ProviderKind.WHATSAPP_WEB) == ()


async def test_groups_are_not_written_to(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        group = (Address(AddressKind.GROUP, "120363"),)
        message = ProviderMessage(
            provider_id="G1", chat=group, sender=(BIA,), from_me=False, text="Oi", sent_at=NOON, received_at=NOON
        )
        await s.history.store(s.ana, [message], NOON)
        assert await replies(s).check(await conversation(s)) == Hold(HoldReason.NOT_A_PERSON)
        assert await replies(s).send(ConversationId("gone"), "Oi") == Hold(HoldReason.NOT_A_PERSON)


async def test_after_the_providers_window_only_a_template_goes_through(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        s.provider.window = timedelta(hours=24)
        await s.receive(BIA)
        talk = await conversation(s)
        await s.later(hours=23, minutes=59)
        assert await replies(s).check(talk) is None
        await s.later(minutes=1)
        assert await replies(s).check(talk) == Hold(HoldReason.WINDOW_CLOSED)
        template = OutgoingMessage(to=BIA, template=TemplateMessage(name="ola", language="pt_BR", parameters=("Bia",)))
        assert await s.service.check(s.ana.id, template, Purpose.CONVERSATION) is None


async def test_what_the_provider_does_not_report_back_is_put_into_the_history(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        s.provider.echoes_sent = False
        stored: list[MessagesStored] = []
        s.core.bus.subscribe(MessagesStored, stored.append)
        await s.receive(BIA)
        talk = await conversation(s)
        problem = Problem(ProblemCode.REQUEST_TIMED_OUT, seconds="5")
        s.provider.answers = [NotSent(trouble=SendErrorKind.TRANSIENT), Uncertain(), problem]
        await replies(s).send(talk, "não saiu")
        await replies(s).send(talk, "talvez")
        with pytest.raises(Problem):
            await replies(s).send(talk, "sem resposta")
        await replies(s).send(talk, "Oi, Bia")
        template = OutgoingMessage(to=BIA, template=TemplateMessage(name="ola", language="pt_BR", parameters=("Bia",)))
        await s.service.send(s.ana.id, template, Purpose.CONVERSATION)
        await s.core.write_queue.flush()
        history = [(each.text, each.from_me, each.delivery) for each in await s.history.messages(talk)][::-1]
        assert history == [
            ("Olá", False, None),
            ("talvez", True, DeliveryStatus.UNCERTAIN),
            ("sem resposta", True, DeliveryStatus.UNCERTAIN),
            ("Oi, Bia", True, DeliveryStatus.ACCEPTED),
            ("ola\nBia", True, DeliveryStatus.ACCEPTED),
        ]
        assert [event.conversations for event in stored] == [(talk,)] * 4


async def test_a_reply_that_is_cancelled_while_the_provider_has_it_is_in_the_history_as_uncertain(
    tmp_path: Path,
) -> None:
    async with sending(tmp_path) as s:
        s.provider.echoes_sent, s.provider.holding = False, asyncio.Event()
        await s.receive(BIA)
        talk = await conversation(s)
        reply = begun(replies(s).send(talk, "Oi, Bia"))
        await asked(s.provider)
        reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reply
        await s.core.write_queue.flush()
        newest = (await s.history.messages(talk))[0]
        assert (newest.text, newest.delivery) == ("Oi, Bia", DeliveryStatus.UNCERTAIN)
        facts = await s.repository.facts(s.ana, BIA, s.clock.now())
        assert [each.state for each in facts.sent] == [OutboundState.UNCERTAIN]


async def test_a_webhook_that_was_faster_than_the_answer_is_not_overwritten(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        s.provider.echoes_sent = False
        await s.receive(BIA)
        talk = await conversation(s)
        own = (Address(AddressKind.PHONE, s.ana.phone),)
        echo = ProviderMessage(
            provider_id="id 1", chat=(BIA,), sender=own, from_me=True, text="Oi, Bia", sent_at=NOON, received_at=NOON
        )
        read = DeliveryReceipt(provider_ids=("id 1",), chat=(BIA,), delivery=DeliveryStatus.READ, at=NOON)
        await s.history.store(s.ana, [echo, read], NOON)
        stored: list[MessagesStored] = []
        s.core.bus.subscribe(MessagesStored, stored.append)
        await replies(s).send(talk, "Oi, Bia")
        await s.core.write_queue.flush()
        messages = await s.history.messages(talk)
        assert [(each.text, each.delivery) for each in messages] == [("Oi, Bia", DeliveryStatus.READ), ("Olá", None)]
        assert stored == []


async def test_a_stopped_number_is_released_from_the_conversation(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA)
        talk, service = await conversation(s), replies(s)
        assert await service.stopped(talk) is None
        assert await service.stopped(ConversationId("gone")) is None
        await service.release(talk)  # there is nothing to release
        s.provider.answers = [NotSent(trouble=SendErrorKind.BILLING, code="131042")]
        await service.send(talk, "Oi, Bia")
        found = await service.stopped(talk)
        assert found is not None
        assert (found[0].id, found[1].code) == (s.ana.id, "131042")
        await service.release(talk)
        assert await service.stopped(talk) is None
