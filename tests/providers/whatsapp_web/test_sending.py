"""What becomes of a message that is handed to an open line, in the words of the domain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.messages import Address, AddressKind
from app.domain.provider import CanSend
from app.domain.sending import Accepted, NotSent, OutgoingMessage, SendErrorKind, SendResult, TemplateMessage, Uncertain
from app.providers.whatsapp_web.connection import SessionTimeouts, _unsent
from tests.providers.conftest import ProviderHarness, digits


def to(person: Mentorado, text: str = "oi") -> OutgoingMessage:
    return OutgoingMessage(to=Address(AddressKind.PHONE, person.phone), text=text)


async def test_a_text_is_accepted_with_the_id_the_contact_sees(harness: ProviderHarness) -> None:
    sender: CanSend = harness.provider
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    async with harness.connected(ana):
        sent = await sender.send(ana, to(bia, "olá"))
        (received,) = await asyncio.to_thread(harness.emulator.control.wait_received, digits(bia))
    assert isinstance(sent, Accepted)
    assert (received.id, received.text) == (sent.provider_id, "olá")


async def test_a_number_can_write_to_itself(harness: ProviderHarness) -> None:
    ana = harness.somebody()
    await harness.pair(ana)
    async with harness.connected(ana):
        assert isinstance(await harness.provider.send(ana, to(ana, "teste")), Accepted)


async def test_what_the_server_refuses_was_not_sent_and_why_is_said(harness: ProviderHarness) -> None:
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    async with harness.connected(ana):
        harness.fault("send-463", ana)
        sent = await harness.provider.send(ana, to(bia))
    assert isinstance(sent, NotSent)
    assert (sent.trouble, sent.code) == (SendErrorKind.POLICY_BLOCK, "463")


async def test_a_number_that_is_not_on_whatsapp_is_invalid_not_uncertain(harness: ProviderHarness) -> None:
    ana = harness.somebody()
    await harness.pair(ana)
    nobody = Address(AddressKind.PHONE, "+5511900009999")
    async with harness.connected(ana):
        sent = await harness.provider.send(ana, OutgoingMessage(to=nobody, text="oi"))
    assert sent == NotSent(trouble=SendErrorKind.RECIPIENT_INVALID, detail="the number is not on WhatsApp")


async def test_nothing_is_sent_without_an_open_line(harness: ProviderHarness) -> None:
    ana = harness.somebody()
    await harness.pair(ana)
    assert await harness.provider.send(ana, to(ana)) == NotSent(trouble=SendErrorKind.NOT_CONNECTED)
    async with harness.connected(ana):
        pass
    assert await harness.provider.send(ana, to(ana)) == NotSent(trouble=SendErrorKind.NOT_CONNECTED)


async def test_a_line_that_is_not_through_yet_sends_nothing(harness: ProviderHarness) -> None:
    ana = harness.somebody()
    async with harness.provider.pair(ana):
        sent = await harness.provider.send(ana, to(ana))
    assert isinstance(sent, NotSent)
    assert sent.trouble is SendErrorKind.NOT_CONNECTED


async def test_an_answer_that_never_comes_leaves_it_open_whether_it_was_sent(
    build: Callable[..., ProviderHarness],
) -> None:
    harness = build(timeouts=SessionTimeouts(first_code=15, sign_in=15, send=0.0, request=10))
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    async with harness.connected(ana):
        assert isinstance(await harness.provider.send(ana, to(bia)), Uncertain)


@pytest.mark.parametrize(
    ("message", "trouble"),
    [
        (OutgoingMessage(to=Address(AddressKind.GROUP, "123"), text="oi"), SendErrorKind.RECIPIENT_INVALID),
        (OutgoingMessage(to=Address(AddressKind.PHONE, "+5511987654321")), SendErrorKind.REQUEST),
        (
            OutgoingMessage(
                to=Address(AddressKind.PHONE, "+5511987654321"),
                text="oi",
                template=TemplateMessage(name="ola", language="pt_BR"),
            ),
            SendErrorKind.REQUEST,
        ),
    ],
)
async def test_only_texts_to_numbers_are_sent(
    harness: ProviderHarness, message: OutgoingMessage, trouble: SendErrorKind
) -> None:
    sent = await harness.provider.send(harness.somebody(), message)
    assert isinstance(sent, NotSent)
    assert sent.trouble is trouble


@pytest.mark.parametrize(
    ("why", "meant"),
    [
        ("server returned error 429", NotSent(trouble=SendErrorKind.RATE_GLOBAL, code="429", detail="")),
        ("server returned error 500", NotSent(trouble=SendErrorKind.UNKNOWN, code="500", detail="")),
        ("websocket not connected", NotSent(trouble=SendErrorKind.NOT_CONNECTED, detail="")),
        ("no LID found for 5511900009999@s.whatsapp.net from server", NotSent(trouble=SendErrorKind.RECIPIENT_INVALID)),
        ("this host is busy", NotSent(trouble=SendErrorKind.TRANSIENT, detail="")),
        ("timed out waiting for message send response", Uncertain()),
        ("the session host ended", Uncertain()),
        ("words of a library to come", Uncertain()),
    ],
)
def test_what_may_have_left_is_never_called_unsent(why: str, meant: SendResult) -> None:
    found = _unsent(Problem(ProblemCode.REQUEST_REFUSED, why=why))
    assert type(found) is type(meant)
    if isinstance(found, NotSent) and isinstance(meant, NotSent):
        assert (found.trouble, found.code) == (meant.trouble, meant.code)
