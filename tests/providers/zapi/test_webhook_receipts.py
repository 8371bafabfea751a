"""Z-API's callbacks that are no new message: how far one got, times, and what is no callback."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from app.domain.messages import (
    Address,
    DeliveryReceipt,
    DeliveryStatus,
    MessageKind,
    ProviderMessage,
    WireUnknown,
)
from app.providers.zapi.webhook_parser import read_callback
from tests.clock import DAWN
from tests.providers.zapi.callbacks import BASE, BIA, SENT_AT, facts, read


@pytest.mark.parametrize(
    "fields",
    [
        {"isNewsletter": True},
        {"phone": "status@broadcast", "senderLid": None},
        {"phone": "120363019502650977@newsletter", "senderLid": None},
        {"notification": "GROUP_PARTICIPANT_ADD"},
        {"notification": "PROFILE_NAME_UPDATED", "messageId": None},
        {"notification": "E2E_ENCRYPTED"},
        {"type": "PresenceChatCallback", "status": "COMPOSING"},
        {"type": "MessageStatusCallback", "status": "READ_BY_ME", "ids": ["3EB1"]},
        {"type": "MessageStatusCallback", "status": "read_by_me", "ids": ["3EB1"]},
    ],
)
def test_what_is_no_message_of_anybodys_is_left_out(fields: dict[str, object]) -> None:
    assert facts(**fields) == ()


@pytest.mark.parametrize(
    ("fields", "kind", "why", "about"),
    [
        ({"messageId": None}, "ReceivedCallback", "messageId", BIA),
        ({"messageId": "with blanks in it"}, "ReceivedCallback", "messageId", BIA),
        ({"phone": None, "senderLid": None}, "ReceivedCallback", "phone", ()),
        ({"phone": "١٢٣٤٥٦٧٨٩", "senderLid": None}, "ReceivedCallback", "phone", ()),  # digits, but no address
        ({"phone": "5544999999999@somewhere", "senderLid": None}, "ReceivedCallback", "phone", ()),
        ({"phone": "9" * 200, "senderLid": None}, "ReceivedCallback", "phone", ()),
        ({"isGroup": True, "phone": "somewhere"}, "ReceivedCallback", "phone", ()),
        ({"isGroup": True, "phone": "x", "participantPhone": "5544999999999"}, "ReceivedCallback", "phone", BIA[1:]),
        ({"isGroup": True, "phone": "5544999999999@c.us"}, "ReceivedCallback", "phone", ()),
        ({"phone": "x@lid", "senderLid": "y@g.us"}, "ReceivedCallback", "phone", ()),
        ({"phone": "x-group", "senderLid": "x@broadcast"}, "ReceivedCallback", "phone", ()),
        ({"fromMe": "perhaps"}, "ReceivedCallback", "fromMe", BIA),
        ({"notification": "INDIVIDUAL_CHANGE_NUMBER"}, "ReceivedCallback", "notification", BIA),
        ({"notification": {"a": 1}}, "ReceivedCallback", "notification", BIA),
        ({"type": "MessageStatusCallback", "status": 7, "ids": ["3EB1"]}, "MessageStatusCallback", "status", BIA),
        ({"type": "MessageStatusCallback", "status": "EATEN", "ids": ["1"]}, "MessageStatusCallback", "status", BIA),
        (
            {"type": "MessageStatusCallback", "status": "READ", "ids": [None, 7]},
            "MessageStatusCallback",
            "messageId",
            BIA,
        ),
        ({"type": "DeliveryCallback", "messageId": None}, "DeliveryCallback", "messageId", BIA),
        ({"type": "SomethingNewCallback"}, "SomethingNewCallback", "type", BIA),
    ],
)
def test_what_is_not_understood_is_set_aside_as_it_came(
    fields: dict[str, object], kind: str, why: str, about: tuple[Address, ...]
) -> None:
    """A delivery that is parsed but not understood is set aside with a reason, never "accepted" and gone."""
    (unknown,) = facts(**fields)
    assert isinstance(unknown, WireUnknown)
    assert (unknown.kind, unknown.detail, unknown.about, unknown.at) == (kind, why, about, DAWN)
    assert json.loads(unknown.payload) == {**BASE, **fields}


def test_a_content_nobody_knows_is_a_message_and_is_set_aside_beside_it() -> None:
    message, unknown = facts(somethingNew={"a": {"b": 1}}, text=None)
    assert isinstance(message, ProviderMessage)
    assert isinstance(unknown, WireUnknown)
    assert (unknown.kind, unknown.detail) == ("somethingNew", "content")
    assert len(facts(text={"message": "oi"}, externalAdReply={"title": "x"})) == 1


@pytest.mark.parametrize("depth", [900, 20_000])
def test_what_is_too_deep_to_be_written_is_set_aside_without_its_payload(depth: int) -> None:
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    body = json.dumps({**BASE, "type": "SomethingNew"}).encode()[:-1] + b',"deep":' + deep + b"}"
    try:
        (callback,) = read_callback(body, DAWN)
    except ValueError:
        return  # too deep to be read
    (unknown,) = callback.facts
    assert isinstance(unknown, WireUnknown)


@pytest.mark.parametrize(
    ("fields", "ids", "delivery"),
    [
        ({"type": "DeliveryCallback"}, (BASE["messageId"],), DeliveryStatus.SENT),
        ({"type": "MessageStatusCallback", "status": "DELIVERED", "ids": ["A"]}, ("A",), DeliveryStatus.DELIVERED),
        ({"type": "MessageStatusCallback", "status": "delivered", "ids": ["A"]}, ("A",), DeliveryStatus.DELIVERED),
        ({"type": "MessageStatusCallback", "status": "PENDING", "ids": ["A"]}, ("A",), DeliveryStatus.ACCEPTED),
        ({"type": "MessageStatusCallback", "status": "FAILED", "ids": ["A"]}, ("A",), DeliveryStatus.FAILED),
        ({"type": "MessageStatusCallback", "status": "READ", "ids": "A"}, ("A",), DeliveryStatus.READ),
        ({"type": "MessageStatusCallback", "status": "READ", "id": "A"}, ("A",), DeliveryStatus.READ),
        ({"type": "MessageStatusCallback", "status": "READ", "ids": [], "messageId": "A"}, ("A",), DeliveryStatus.READ),
        ({"type": "MessageStatusCallback", "status": "SENT", "ids": ["A", "A", "B"]}, ("A", "B"), DeliveryStatus.SENT),
        ({"type": "MessageStatusCallback", "status": "RECEIVED", "ids": ["A"]}, ("A",), DeliveryStatus.DELIVERED),
        ({"type": "MessageStatusCallback", "status": "READ", "ids": ["A", 7]}, ("A",), DeliveryStatus.READ),
        ({"type": "MessageStatusCallback", "status": "PLAYED", "ids": ["A"]}, ("A",), DeliveryStatus.READ),
    ],
)
def test_how_far_a_message_got(fields: dict[str, object], ids: tuple[str, ...], delivery: DeliveryStatus) -> None:
    assert facts(**fields) == (DeliveryReceipt(provider_ids=ids, chat=BIA, delivery=delivery, at=SENT_AT),)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "DeliveryCallback", "messageId": "A", "error": "no such number"},
        {"type": "MessageStatusCallback", "status": "FAILED", "ids": ["A"], "error": "no such number"},
    ],
)
def test_a_failure_says_why(fields: dict[str, object]) -> None:
    failed = DeliveryReceipt(
        provider_ids=("A",), chat=BIA, delivery=DeliveryStatus.FAILED, at=SENT_AT, code="no such number"
    )
    assert facts(**fields) == (failed,)
    (receipt,) = facts(**{**fields, "error": {"code": 463, "message": "no such number"}})
    assert isinstance(receipt, DeliveryReceipt)
    assert receipt.code == "463 · no such number"


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        ("PENDING", DeliveryStatus.ACCEPTED),
        ("SENT", DeliveryStatus.SENT),
        ("RECEIVED", DeliveryStatus.DELIVERED),
        ("READ", DeliveryStatus.READ),
        ("PLAYED", DeliveryStatus.READ),
        ("FAILED", DeliveryStatus.FAILED),
    ],
)
def test_a_message_from_the_phone_itself_says_how_far_it_got(status: str, delivery: DeliveryStatus) -> None:
    """Own messages' `status` (`fromMe`) is used."""
    own = {"fromMe": True, "senderLid": None, "chatLid": "81896604192873@lid", "text": {"message": "oi"}}
    message, receipt = facts(**own, status=status)
    assert isinstance(message, ProviderMessage)
    assert receipt == DeliveryReceipt(provider_ids=(message.provider_id,), chat=BIA, delivery=delivery, at=SENT_AT)


def test_nothing_is_said_of_how_far_it_got_where_nothing_is_known_or_it_is_no_message_by_itself() -> None:
    assert len(facts(fromMe=True, status="EATEN", text={"message": "oi"})) == 1
    assert len(facts(fromMe=True, status=None, text={"message": "oi"})) == 1
    assert len(facts(fromMe=False, status="READ", text={"message": "oi"})) == 1
    assert len(facts(fromMe=True, isEdit=True, text={"message": "certo"})) == 1


@pytest.mark.parametrize(
    ("momment", "sent_at"),
    [
        (1632228638000, SENT_AT),
        (1632228638, SENT_AT),  # the sample of a disconnection is in seconds
        (None, DAWN),
        ("1632228638000", SENT_AT),
        ("2021-09-21T12:50:38Z", SENT_AT),
        ("2021-09-21 09:50:38-03:00", SENT_AT),
        ("0001-01-01T00:00:00+14:00", DAWN),
        ("ontem T", DAWN),
        ("ontem", DAWN),
        (True, DAWN),
        (-5, DAWN),
        (10**40, DAWN),
        (int((DAWN + timedelta(days=3)).timestamp() * 1000), DAWN),  # a clock is wrong somewhere
    ],
)
def test_a_time_is_in_milliseconds_or_in_seconds(momment: object, sent_at: datetime) -> None:
    assert read(momment=momment, text={"message": "oi"}).sent_at == sent_at


@pytest.mark.parametrize("kind", ["ConnectedCallback", "DisconnectedCallback"])
def test_a_change_of_the_connection_is_only_worth_asking(kind: str) -> None:
    (callback,) = read_callback(json.dumps({"type": kind, "instanceId": "A2"}).encode(), DAWN)
    assert (callback.key, callback.facts, callback.check) == ("A2", (), True)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"instanceId":"A2"}', b'{"type":"x","instanceId":"../A2"}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_callback_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(ValueError, match="no callback"):
        read_callback(body, DAWN)


def test_booleans_may_be_texts() -> None:
    fact = read(fromMe="true", isGroup="false", isEdit="true", text={"message": "oi"})
    assert (fact.from_me, fact.kind) == (True, MessageKind.EDIT)


def test_halves_of_characters_are_not_passed_on() -> None:
    """JSON may hold them, and no file would."""
    fact = read(text={"message": "a\ud800b\0c"}, senderName="\udfff")
    assert fact.text.encode()
    assert "\0" not in fact.text
