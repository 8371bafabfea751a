""" "Error classes of §5, with the retry rules there: a timeout after a write is *ambiguous*, never resent blindly"."""

from __future__ import annotations

import json

import pytest

from app.domain.link_status import LinkState, Reason
from app.domain.messages import Address, AddressKind
from app.domain.sending import (
    STOPS_NUMBER,
    TRIED_AGAIN,
    Accepted,
    NotSent,
    OutgoingMessage,
    SendErrorKind,
    TemplateMessage,
    Uncertain,
)
from app.providers.http_client import Timeouts
from tests.acceptance.zapi.harness import Harness, ProgramRun
from tests.emulators.zapi.faults import Fault

SOON = Timeouts(connect=0.5, read=0.4, whole=0.6)
_T = SendErrorKind


async def test_a_message_is_submitted_once_with_both_its_names(harness: Harness) -> None:
    """`messageId` is what webhooks call it, `zaapId` takes it out of the queue; its yes means queued, no more."""
    async with harness.running() as run:
        ana = await run.connected()
        result = await run.send(ana, "Olá, tudo bem?")
        assert isinstance(result, Accepted)
        (waiting,) = ana.instance.queue
        assert (result.provider_id, result.queue_id) == (waiting.message_id, waiting.zaap_id)
        assert (waiting.phone, waiting.message) == ("5511912345678", "Olá, tudo bem?")


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (Address(AddressKind.PHONE, "+551112345678"), "551112345678"),
        (Address(AddressKind.PHONE, "+5511912345678"), "5511912345678"),
        (Address(AddressKind.LID, "81896604192873"), "81896604192873@lid"),
        (Address(AddressKind.GROUP, "120363019502650977"), "120363019502650977-group"),
        (Address(AddressKind.GROUP, "5511912345678-1623281429"), "5511912345678-1623281429"),
    ],
)
async def test_an_address_is_used_as_it_is(harness: Harness, address: Address, written: str) -> None:
    """ "Brazil's ninth digit: never rewritten by rule" """
    async with harness.running() as run:
        ana = await run.connected()
        mentorado = run.core.mentorados.get(ana.person.id)
        assert isinstance(await run.provider.send(mentorado, OutgoingMessage(to=address, text="oi")), Accepted)
        assert [waiting.phone for waiting in ana.instance.queue] == [written]


def error(status: int, text: str) -> tuple[int, bytes]:
    return status, json.dumps({"error": text}).encode()


def named(status: int, **more: object) -> tuple[int, bytes]:
    return status, json.dumps({"zaapId": "Z", "messageId": "M", **more}).encode()


TABLE: dict[str, tuple[Fault | tuple[int, bytes], SendErrorKind | type[Uncertain]]] = {
    "the subscription lapsed": (error(400, "To continue sending a message, you must subscribe to this …"), _T.BILLING),
    "the Client-Token is wanted": (error(400, "null not allowed"), _T.AUTH),
    "the Client-Token is wanted, as it is said today": (error(403, "Client-Token null not allowed"), _T.AUTH),
    "the Client-Token is another": (error(403, "Client-Token F0a1b2c3 not allowed"), _T.AUTH),
    "it did not wait for the end": (error(408, "Request Timeout"), Uncertain),
    "it did not wait for the end, and says nothing": ((408, b""), Uncertain),
    "a gateway did not wait for the end": ((499, b"<html>"), Uncertain),
    "it is named beside an error": (named(200, error="late"), Uncertain),
    "it is named beside an error that is no text": (named(200, error=True), Uncertain),
    "it is named, and the status is an error": (named(400), Uncertain),
    "it is queued, and the status is an error": ((400, b'{"zaapId":"Z","error":"late"}'), Uncertain),
    "it is named beside a word that there is too much": (named(429, error="slow down"), Uncertain),
    "an error that is no text": ((200, b'{"error":{"a":1}}'), Uncertain),
    "the token is another": (error(404, "Instance not found"), _T.AUTH),
    "this address is not on the list": (error(403, "203.0.113.9 not allowed"), _T.AUTH),
    "an error inside a yes": (error(200, "You are not connected."), _T.NOT_CONNECTED),
    "the session dropped": (error(400, "You need to restore the session."), _T.NOT_CONNECTED),
    "the number is none": (error(400, "Invalid phone"), _T.RECIPIENT_INVALID),
    "data that is not right": (error(400, "something is missing"), _T.REQUEST),
    "a wrong verb": (error(405, "Method Not Allowed"), _T.REQUEST),
    "a wrong header": (error(415, "Unsupported Media Type"), _T.REQUEST),
    "too many": (error(429, "slow down"), _T.RATE_GLOBAL),
    "a refusal nobody documents": (error(403, "no"), _T.UNKNOWN),
    "an error nobody knows inside a yes": (Fault.ERROR_200, _T.UNKNOWN),
    "a gateway in between": (Fault.HTML_502, Uncertain),
    "no body": (Fault.EMPTY, Uncertain),
    "no object": (Fault.NOT_AN_OBJECT, Uncertain),
    "an id that is none": (Fault.WRONG_TYPES, Uncertain),
    "far too much": (Fault.TOO_LARGE, Uncertain),
    "no answer": (Fault.HANG, Uncertain),
    "it took it, and its answer never came": (Fault.DONE_THEN_HANG, Uncertain),
    "it took it, and the line broke": (Fault.DONE_THEN_RESET, Uncertain),
    "the line broke": (Fault.RESET, Uncertain),
    "an answer that drips": (Fault.DRIP, Uncertain),
    "a redirect": (Fault.REDIRECT, Uncertain),
}


@pytest.mark.parametrize("name", TABLE)
async def test_what_becomes_of_a_message(harness: Harness, name: str) -> None:
    fault, expected = TABLE[name]
    async with harness.running(timeouts=SOON) as run:
        ana = await run.connected()
        harness.emulator.fault("send-text", fault)
        before = harness.emulator.requested.count("POST send-text")
        result = await run.send(ana, "oi")
        if isinstance(expected, type):
            assert isinstance(result, expected)
        else:
            assert isinstance(result, NotSent)
            assert result.trouble is expected
            assert (result.after is not None) is (expected in TRIED_AGAIN)
            if expected in STOPS_NUMBER:
                await run.until(ana.person, LinkState.BLOCKED)
                second = await run.send(ana, "oi")
                assert isinstance(second, NotSent)
                assert second.trouble is SendErrorKind.NOT_CONNECTED
            else:
                assert run.status(ana.person).state is LinkState.CONNECTED
        assert harness.emulator.requested.count("POST send-text") == before + 1, "it is never sent again by itself"
        took_it = fault in (Fault.DONE_THEN_HANG, Fault.DONE_THEN_RESET)
        assert len(ana.instance.queue) == (1 if took_it else 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("you must subscribe to this instance again", Reason.BILLING),
        ("null not allowed", Reason.CLIENT_TOKEN_MISSING),
        ("Client-Token null not allowed", Reason.CLIENT_TOKEN_MISSING),
        ("Client-Token not allowed", Reason.CLIENT_TOKEN_MISSING),
        ("Client-Token abc not allowed", Reason.CLIENT_TOKEN_INVALID),
        ("198.51.100.7 not allowed", Reason.ADDRESS_NOT_ALLOWED),
        ("Instance not found", Reason.TOKEN_INVALID),
    ],
)
async def test_each_trouble_that_stops_the_number_has_its_own_reason(
    harness: Harness, text: str, reason: Reason
) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        harness.emulator.fault("send-text", error(400, text))
        await run.send(ana, "oi")
        await run.until(ana.person, LinkState.BLOCKED, reason)


async def refused(run: ProgramRun, link: object, outgoing: OutgoingMessage, trouble: SendErrorKind) -> None:
    result = await run.provider.send(link, outgoing)  # type: ignore[arg-type]
    assert isinstance(result, NotSent)
    assert (result.trouble, result.after) == (trouble, None)


async def test_nothing_is_submitted_for_a_phone_that_is_away(harness: Harness) -> None:
    """It would wait there, and go out when nobody thinks of it any more."""
    async with harness.running() as run:
        ana = await run.client()
        mentorado = run.core.mentorados.get(ana.person.id)
        message = OutgoingMessage(to=Address(AddressKind.PHONE, "+5511912345678"), text="oi")
        await refused(run, mentorado, message, SendErrorKind.NOT_CONNECTED)
        await run.do("connect", ana.person)  # type: ignore[arg-type]
        await run.code(ana.person)
        await refused(run, mentorado, message, SendErrorKind.NOT_CONNECTED)
        await run.scan_shown(ana)
        await run.until(ana.person, LinkState.CONNECTED)
        harness.emulator.fault("status", Fault.HTML_502)
        await run.until(ana.person, LinkState.UNKNOWN)
        await refused(run, mentorado, message, SendErrorKind.NOT_CONNECTED)
        assert ana.instance.queue == []
        assert "POST send-text" not in ana.instance.asked


async def test_what_z_api_cannot_carry_is_said_without_asking(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        mentorado = run.core.mentorados.get(ana.person.id)
        to = Address(AddressKind.PHONE, "+5511912345678")
        template = TemplateMessage(name="boas_vindas", language="pt_BR")
        await refused(run, mentorado, OutgoingMessage(to=to, template=template), SendErrorKind.REQUEST)
        await refused(run, mentorado, OutgoingMessage(to=to), SendErrorKind.REQUEST)
        list_address = Address(AddressKind.OTHER, "1234@broadcast")
        await refused(run, mentorado, OutgoingMessage(to=list_address, text="oi"), SendErrorKind.RECIPIENT_INVALID)
        assert "POST send-text" not in ana.instance.asked


async def test_a_send_that_finds_the_session_dropped_has_the_line_asked_at_once(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.disable_enqueue = True
        ana.instance.drop(result=False)
        result = await run.send(ana, "oi")
        assert isinstance(result, NotSent)
        assert result.trouble is SendErrorKind.NOT_CONNECTED
        await run.until(ana.person, LinkState.RECONNECTING, Reason.SESSION_DROPPED)
        await run.until(ana.person, LinkState.CONNECTED)


async def test_without_a_connection_nothing_went_out_and_it_may_be_tried_again(harness: Harness) -> None:
    """Only where it is certain that no byte of it was sent."""
    async with harness.running(timeouts=SOON) as run:
        ana = await run.connected()
        line = run.line(ana)
        line.instance._wire._client._base_url = line.instance._wire._client._base_url.copy_with(port=9)
        result = await run.send(ana, "oi")
        assert isinstance(result, NotSent)
        assert (result.trouble, result.after is not None) == (SendErrorKind.TRANSIENT, True)


async def test_a_message_that_is_never_acknowledged_stays_accepted(harness: Harness) -> None:
    """A silent restriction (463): Z-API took it, and nobody says more. That is not delivered."""
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.acknowledges = False
        assert isinstance(await run.send(ana, "oi"), Accepted)
        await run.core.clock.sleep(60)
        ana.instance.settle()
        assert ana.instance.sent == []
        assert harness.emulator.webhook_sender.delivered == []
