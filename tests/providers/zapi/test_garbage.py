""" "Garbage from the wire … leaves `unknown` …; ≥ 10,000 fuzzed bodies per endpoint": what is read from ten thousand
bodies is never an exception, and never better than what the body says in exactly the documented way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.messages import DeliveryReceipt, ProviderMessage, WireUnknown
from app.domain.sending import Accepted, NotSent, Uncertain
from app.providers.http_client import Answer, Response
from app.providers.zapi import responses as answers
from app.providers.zapi.responses import (
    AccessDenied,
    Code,
    Done,
    ExtensionToken,
    PasskeyReset,
    PhoneDevice,
    QueuePage,
    Restorable,
    SessionConnected,
    UnexpectedResponse,
    Unlinked,
)
from app.providers.zapi.sender import result_of
from app.providers.zapi.webhook_parser import read_callback
from tests.clock import DAWN
from tests.providers.garbage import EACH, garbage

QUEUED = {"_id": "A1", "ZaapId": "B2", "MessageId": "C3", "Phone": "5511987654321", "Message": "oi", "Created": 1.7e12}
TRUE: dict[str, list[object]] = {
    "status": [
        {"connected": True, "smartphoneConnected": True, "error": "You are already connected."},
        {"connected": False, "smartphoneConnected": False, "error": "You need to restore the session."},
        {"connected": False, "smartphoneConnected": False, "error": "You are not connected."},
        {"error": "null not allowed"},
        {"error": "203.0.113.9 not allowed"},
    ],
    "qr": [{"value": "2@AbCdEfGhIjKl,Key=,Id=,Adv="}, {"connected": True}, {"challenge": {"a": 1}}],
    "code": [{"value": "A1B2C3D4E5"}, {"code": "ABCD-EFGH"}],
    "device": [{"phone": "5511987654321", "device": {"sessionName": "Z-API"}, "isBusiness": False}],
    "done": [{"value": True}, {"success": False, "error": "no"}],
    "purge": [{}, {"value": True}],
    "token": [{"token": "FA48-HS63", "expiresAt": 1798675200000}],
    "reset": [{"success": True}, {"success": False, "error": "NotAllowedError"}],
    "queue": [
        {"messages": [QUEUED, QUEUED], "pagingState": "20", "hasMore": True},
        {"messages": [], "pagingState": None, "hasMore": False},
    ],
    "me": [{"id": "A", "token": "B" * 24, "name": "Ana", "due": 1798675200, "paymentStatus": "PAID"}],
    "send": [{"zaapId": "A1", "messageId": "B2", "id": "B2"}, {"error": "Invalid phone"}],
}


def decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def each(endpoint: str) -> list[tuple[Response, Any]]:
    """Answers with statuses good and bad, and what their bodies say."""
    statuses = (200, 200, 200, 201, 400, 404, 405, 429, 500, 502)
    bodies = garbage(TRUE[endpoint], seed=len(endpoint))
    found = [(Response(statuses[number % 10], body), decoded(body)) for number, body in enumerate(bodies)]
    assert len(found) == EACH
    return found


def good(answer: Response) -> bool:
    return answer.status in (200, 201)


def test_no_garbage_is_taken_for_a_connection() -> None:
    seen = set()
    for answer, value in each("status"):
        status = answers.parse_status(answer)
        seen.add(type(status))
        if isinstance(status, SessionConnected):
            assert good(answer)
            assert value["connected"] is True
            assert value.get("smartphoneConnected") in (True, False, None)
        if isinstance(status, Restorable | Unlinked):
            assert good(answer)
            assert value["connected"] is False
    assert seen == {SessionConnected, Restorable, Unlinked, AccessDenied, UnexpectedResponse}, (
        "the garbage is not only garbage"
    )


def test_no_garbage_is_shown_as_a_code() -> None:
    shown = 0
    for answer, value in each("qr"):
        code = answers.parse_qr(answer)
        if isinstance(code, Code):
            shown += 1
            assert good(answer)
            assert value["value"] == code.text
            assert code.text.isascii()
            assert 20 <= len(code.text) <= 2000
            assert code.text not in repr(code)
    assert shown


@pytest.mark.parametrize(
    ("endpoint", "read", "holds"),
    [
        ("code", answers.parse_phone_code, lambda got, value: not isinstance(got, Code) or got.text in value.values()),
        (
            "token",
            answers.parse_extension_token,
            lambda got, value: not isinstance(got, ExtensionToken) or got.text == value["token"] not in repr(got),
        ),
        (
            "reset",
            answers.parse_passkey_reset,
            lambda got, _value: isinstance(got, PasskeyReset | AccessDenied | UnexpectedResponse),
        ),
        (
            "device",
            answers.parse_device,
            lambda got, value: not isinstance(got, PhoneDevice) or value["phone"] in got.phone,
        ),
        ("done", answers.parse_done, lambda got, value: not isinstance(got, Done) or value["value"] is True),
        ("purge", answers.parse_purged, lambda got, _value: isinstance(got, Done | AccessDenied | UnexpectedResponse)),
        ("me", answers.parse_facts, lambda got, _value: "B" * 20 not in str(got) and all(map(str.strip, got.values()))),
    ],
)
def test_no_garbage_is_taken_for_more_than_it_says(
    endpoint: str, read: Callable[[Answer], Any], holds: Callable[[Any, Any], bool]
) -> None:
    for answer, value in each(endpoint):
        got = read(answer)
        assert holds(got, value), answer.body
        if isinstance(got, Code | PhoneDevice | Done | ExtensionToken | PasskeyReset):
            assert good(answer)


def test_a_queue_is_read_whole_or_not_at_all() -> None:
    """Fewer messages than wait must never be shown, and an empty queue opens the gate."""
    whole = 0
    for answer, value in each("queue"):
        page = answers.parse_queue(answer)
        if isinstance(page, QueuePage):
            whole += 1
            assert good(answer)
            assert len(page.messages) == len(value["messages"])
            assert (page.cursor is not None) is value["hasMore"]
    assert whole


def test_a_message_counts_as_taken_only_when_it_is_named() -> None:
    seen = set()
    for answer, value in each("send"):
        result, stop = result_of(answer)
        seen.add(type(result))
        if isinstance(result, Accepted):
            assert good(answer)
            assert result.provider_id in (value.get("messageId"), value.get("id"))
            assert stop is None
        if answer.status >= 500 and isinstance(result, NotSent):
            assert stop is not None, "a gateway does not know what became of it"
    assert seen == {Accepted, NotSent, Uncertain}


CALLBACK = {
    "instanceId": "A20DA9C0183A2D35A260F53F5D2B9244", "messageId": "3EB0", "phone": "5544999999999", "fromMe": False,
    "momment": 1632228638000, "senderName": "Ana", "senderLid": "81896604192873@lid", "connectedPhone": "554499999999",
    "isGroup": False, "isEdit": False, "waitingMessage": False, "referenceMessageId": None, "type": "ReceivedCallback",
}  # fmt: skip
CALLBACKS: dict[str, list[object]] = {
    "received": [
        {**CALLBACK, "text": {"message": "oi"}},
        {**CALLBACK, "image": {"mimeType": "image/png", "caption": "eu", "imageUrl": "https://x"}},
        {**CALLBACK, "reaction": {"value": "+", "referencedMessage": {"messageId": "3EB1", "fromMe": True}}},
        {**CALLBACK, "isGroup": True, "phone": "120363019502650977-group", "participantPhone": "5544988888888"},
        {**CALLBACK, "poll": {"question": "?", "options": [{"name": "a"}, {"name": "b"}]}},
        {**CALLBACK, "location": {"longitude": -46.6, "latitude": -23.5, "name": "x", "address": "y"}},
    ],
    "status": [{**CALLBACK, "type": "MessageStatusCallback", "status": "READ", "ids": ["3EB0", "3EB1"]}],
    "delivery": [{**CALLBACK, "type": "DeliveryCallback", "zaapId": "A20D"}],
    "connected": [
        {"type": "ConnectedCallback", "connected": True, "phone": "55", "instanceId": "A2", "momment": 1.6e9}
    ],
}


@pytest.mark.parametrize("kind", CALLBACKS)
def test_no_callback_breaks_its_reader_or_makes_up_whose_it_is(kind: str) -> None:
    facts = 0
    for body in garbage(CALLBACKS[kind], seed=len(kind)):
        try:
            callbacks = read_callback(body, DAWN)
        except ValueError:
            continue
        value = decoded(body)
        for callback in callbacks:
            assert callback.key == value["instanceId"]
            for fact in callback.facts:
                facts += 1
                assert isinstance(fact, ProviderMessage | DeliveryReceipt | WireUnknown)
                json.dumps(repr(fact)).encode()
                if isinstance(fact, ProviderMessage):
                    assert fact.chat
                    assert fact.text.encode() is not None
                    assert fact.provider_id
    assert facts or kind == "connected"
