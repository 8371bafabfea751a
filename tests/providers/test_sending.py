"""What becomes of a message that is handed to an open line, in the words of the domain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment
from app.domain.messages import Address, AddressKind
from app.domain.provider import CanSend
from app.domain.sending import Accepted, NotSent, Outgoing, SendResult, SendTrouble, TemplateUse, Uncertain
from app.providers.whatsapp_web.line import Patience
from app.providers.whatsapp_web.sending import _unsent
from tests.providers.conftest import World, digits, run


def to(person: Enrolment, text: str = "oi") -> Outgoing:
    return Outgoing(to=Address(AddressKind.PHONE, person.mentorado.phone), text=text)


def test_a_text_is_accepted_with_the_id_the_contact_sees(world: World) -> None:
    async def main() -> None:
        sender: CanSend = world.provider
        ana, bia = world.somebody(), world.somebody()
        await world.pair(ana)
        async with world.connected(ana):
            sent = await sender.send(ana, to(bia, "olá"))
            (received,) = await asyncio.to_thread(world.emulator.control.wait_received, digits(bia))
        assert isinstance(sent, Accepted)
        assert (received.id, received.text) == (sent.provider_id, "olá")

    run(main())


def test_a_number_can_write_to_itself(world: World) -> None:
    async def main() -> None:
        ana = world.somebody()
        await world.pair(ana)
        async with world.connected(ana):
            assert isinstance(await world.provider.send(ana, to(ana, "teste")), Accepted)

    run(main())


def test_what_the_server_refuses_was_not_sent_and_why_is_said(world: World) -> None:
    async def main() -> None:
        ana, bia = world.somebody(), world.somebody()
        await world.pair(ana)
        async with world.connected(ana):
            world.fault("send-463", ana)
            sent = await world.provider.send(ana, to(bia))
        assert isinstance(sent, NotSent)
        assert (sent.trouble, sent.code) == (SendTrouble.POLICY_BLOCK, "463")

    run(main())


def test_a_number_that_is_not_on_whatsapp_is_invalid_not_uncertain(world: World) -> None:
    async def main() -> None:
        ana = world.somebody()
        await world.pair(ana)
        nobody = Address(AddressKind.PHONE, "+5511900009999")
        async with world.connected(ana):
            sent = await world.provider.send(ana, Outgoing(to=nobody, text="oi"))
        assert sent == NotSent(trouble=SendTrouble.RECIPIENT_INVALID, detail="the number is not on WhatsApp")

    run(main())


def test_nothing_is_sent_without_an_open_line(world: World) -> None:
    async def main() -> None:
        ana = world.somebody()
        await world.pair(ana)
        assert await world.provider.send(ana, to(ana)) == NotSent(trouble=SendTrouble.NOT_CONNECTED)
        async with world.connected(ana):
            pass
        assert await world.provider.send(ana, to(ana)) == NotSent(trouble=SendTrouble.NOT_CONNECTED)

    run(main())


def test_a_line_that_is_not_through_yet_sends_nothing(world: World) -> None:
    async def main() -> None:
        ana = world.somebody()
        async with world.provider.pair(ana):
            sent = await world.provider.send(ana, to(ana))
        assert isinstance(sent, NotSent)
        assert sent.trouble is SendTrouble.NOT_CONNECTED

    run(main())


def test_an_answer_that_never_comes_leaves_it_open_whether_it_was_sent(build: Callable[..., World]) -> None:
    async def main() -> None:
        world = build(patience=Patience(first_code=15, sign_in=15, send=0.0, request=10))
        ana, bia = world.somebody(), world.somebody()
        await world.pair(ana)
        async with world.connected(ana):
            assert isinstance(await world.provider.send(ana, to(bia)), Uncertain)

    run(main())


@pytest.mark.parametrize(
    ("message", "trouble"),
    [
        (Outgoing(to=Address(AddressKind.GROUP, "123"), text="oi"), SendTrouble.RECIPIENT_INVALID),
        (Outgoing(to=Address(AddressKind.PHONE, "+5511987654321")), SendTrouble.REQUEST),
        (
            Outgoing(
                to=Address(AddressKind.PHONE, "+5511987654321"),
                text="oi",
                template=TemplateUse(name="ola", language="pt_BR"),
            ),
            SendTrouble.REQUEST,
        ),
    ],
)
def test_only_texts_to_numbers_are_sent(world: World, message: Outgoing, trouble: SendTrouble) -> None:
    async def main() -> None:
        sent = await world.provider.send(world.somebody(), message)
        assert isinstance(sent, NotSent)
        assert sent.trouble is trouble

    run(main())


@pytest.mark.parametrize(
    ("why", "meant"),
    [
        ("server returned error 429", NotSent(trouble=SendTrouble.RATE_GLOBAL, code="429", detail="")),
        ("server returned error 500", NotSent(trouble=SendTrouble.UNKNOWN, code="500", detail="")),
        ("websocket not connected", NotSent(trouble=SendTrouble.NOT_CONNECTED, detail="")),
        ("no LID found for 5511900009999@s.whatsapp.net from server", NotSent(trouble=SendTrouble.RECIPIENT_INVALID)),
        ("this host is busy", NotSent(trouble=SendTrouble.TRANSIENT, detail="")),
        ("timed out waiting for message send response", Uncertain()),
        ("the session host ended", Uncertain()),
        ("words of a library to come", Uncertain()),
    ],
)
def test_what_may_have_left_is_never_called_unsent(why: str, meant: SendResult) -> None:
    found = _unsent(Problem(Code.REQUEST_REFUSED, why=why))
    assert type(found) is type(meant)
    if isinstance(found, NotSent) and isinstance(meant, NotSent):
        assert (found.trouble, found.code) == (meant.trouble, meant.code)
