"""Z-API's callbacks, as its documentation shows them, in the history's words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.messages import Address, AddressKind, Delivery, Media, MessageKind, WireMessage, WireReceipt
from app.providers.zapi.callbacks import read_callback
from app.providers.zapi.content import TEXT_LIMIT
from tests.clock import DAWN

BIA = (Address(AddressKind.LID, "81896604192873"), Address(AddressKind.PHONE, "+5544999999999"))
BASE: dict[str, Any] = {
    "isStatusReply": False,
    "senderLid": "81896604192873@lid",
    "connectedPhone": "554499999999",
    "waitingMessage": False,
    "isEdit": False,
    "isGroup": False,
    "isNewsletter": False,
    "instanceId": "A20DA9C0183A2D35A260F53F5D2B9244",
    "messageId": "3EB0796DC6B777C0C7CD",
    "phone": "5544999999999",
    "fromMe": False,
    "momment": 1632228638000,
    "status": "RECEIVED",
    "senderName": "Bia",
    "participantPhone": None,
    "participantLid": None,
    "referenceMessageId": None,
    "type": "ReceivedCallback",
}
VOICE, PDF = Media(mime="audio/ogg", seconds=7), Media(mime="a/pdf", name="n.pdf")
SENT_AT = datetime(2021, 9, 21, 12, 50, 38, tzinfo=UTC)


def read(**told: object) -> WireMessage:
    (callback,) = read_callback(json.dumps({**BASE, **told}).encode(), DAWN)
    (fact,) = callback.facts
    assert isinstance(fact, WireMessage)
    return fact


def facts(**told: object) -> tuple[object, ...]:
    (callback,) = read_callback(json.dumps({**BASE, **told}).encode(), DAWN)
    return callback.facts


def test_a_text_from_somebody() -> None:
    assert read(text={"message": "oi"}) == WireMessage(
        provider_id="3EB0796DC6B777C0C7CD",
        chat=BIA,
        sender=BIA,
        from_me=False,
        text="oi",
        sender_name="Bia",
        sent_at=SENT_AT,
        received_at=DAWN,
    )


def test_a_text_from_the_phone_itself_belongs_to_the_contacts_chat() -> None:
    """Whoever sent it is the mentorado, whatever names come with it."""
    fact = read(fromMe=True, senderLid="1111@lid", chatLid="81896604192873@lid", text={"message": "oi"})
    assert (fact.from_me, fact.chat, fact.sender_name) == (True, BIA, "")
    assert fact.sender == (Address(AddressKind.LID, "1111"), Address(AddressKind.PHONE, "+554499999999"))


def test_the_type_is_compared_without_its_case() -> None:
    """The documentation spells it both ways."""
    assert read(type="ReceivedCallBack", text={"message": "oi"}).text == "oi"


def test_a_phone_may_be_a_hidden_id_again() -> None:
    assert read(phone="81896604192873@lid", senderLid=None, text={"message": "oi"}).chat == BIA[:1]


@pytest.mark.parametrize(
    ("phone", "group"),
    [("120363019502650977-group", "120363019502650977"), ("5511999999999-1623281429", "5511999999999-1623281429")],
)
def test_a_group_is_one_conversation_of_many(phone: str, group: str) -> None:
    fact = read(isGroup=True, phone=phone, participantPhone="5544999999999", participantLid="81896604192873@lid")
    assert fact.chat == (Address(AddressKind.GROUP, group),)
    assert fact.sender == BIA


@pytest.mark.parametrize(
    ("content", "kind", "text", "media"),
    [
        ({"image": {"mimeType": "image/jpeg", "caption": "eu"}}, "image", "eu", Media(mime="image/jpeg")),
        ({"video": {"mimeType": "video/mp4", "caption": ""}}, "video", "", Media(mime="video/mp4")),
        ({"audio": {"mimeType": "audio/ogg", "ptt": True, "seconds": 7}}, "voice", "", VOICE),
        ({"audio": {"mimeType": "audio/mpeg"}}, "audio", "", Media(mime="audio/mpeg")),
        ({"document": {"mimeType": "a/pdf", "fileName": "n.pdf", "title": "n"}}, "document", "", PDF),
        ({"sticker": {"mimeType": "image/webp"}}, "sticker", "", Media(mime="image/webp")),
        ({"contact": {"displayName": "Cesar", "vCard": "…"}}, "contact", "Cesar", None),
        ({"location": {"latitude": 1, "longitude": 2, "name": "Sé"}}, "location", "Sé (1.000000, 2.000000)", None),
        ({"location": {"latitude": -23.5, "longitude": -46.6}}, "location", "-23.500000, -46.600000", None),
        ({"location": {"latitude": "x", "address": "Rua"}}, "location", "Rua", None),
        ({"poll": {"question": "?", "options": [{"name": "a"}, 7, {"name": "b"}]}}, "poll", "?\n- a\n- b", None),
        ({"poll": {"question": "?"}}, "poll", "?", None),
        ({"buttonsResponseMessage": {"message": "Ótimo"}}, "text", "Ótimo", None),
        ({"listResponseMessage": {"title": "Z"}}, "text", "Z", None),
        ({"order": {"orderTitle": "Pedido"}}, "other", "Pedido", None),
        ({"somethingNew": {"a": 1}}, "other", "", None),
        ({"waitingMessage": True}, "unreadable", "", None),
        ({"notification": "CIPHERTEXT"}, "unreadable", "", None),
        ({"text": {"message": "x" * (TEXT_LIMIT + 5)}}, "text", "x" * TEXT_LIMIT + "…", None),
    ],
)  # fmt: skip
def test_every_content_is_kept_as_what_it_is(content: dict[str, object], kind: str, text: str, media: object) -> None:
    fact = read(**content)
    assert (fact.kind, fact.text, fact.media) == (kind, text, media)


def test_a_reply_names_what_it_quotes() -> None:
    assert read(text={"message": "sim"}, referenceMessageId="3EB1").refers_to == "3EB1"


def test_a_reaction_an_edit_and_a_revocation_refer_to_their_message() -> None:
    reaction = read(reaction={"value": "❤️", "referencedMessage": {"messageId": "3EB1"}})
    assert (reaction.kind, reaction.text, reaction.refers_to) == (MessageKind.REACTION, "❤️", "3EB1")
    edit = read(isEdit=True, text={"message": "certo"})
    assert (edit.kind, edit.text, edit.refers_to) == (MessageKind.EDIT, "certo", BASE["messageId"])
    again = read(isEdit=True, text={"message": "mais certo"}, momment=1632228639000)
    revoked = read(notification="REVOKE")
    assert (revoked.kind, revoked.refers_to) == (MessageKind.REVOCATION, BASE["messageId"])
    ids = {edit.provider_id, again.provider_id, revoked.provider_id, str(BASE["messageId"])}
    assert len(ids) == 4, "none is taken for its target, come again"


def test_a_reaction_to_nothing_is_kept_where_it_can_be_seen() -> None:
    assert read(reaction={"value": "❤️"}).kind is MessageKind.OTHER


@pytest.mark.parametrize(
    "told",
    [
        {"isNewsletter": True},
        {"phone": "status@broadcast", "senderLid": None},
        {"notification": "CALL_VOICE"},
        {"notification": "GROUP_PARTICIPANT_ADD"},
        {"messageId": None},
        {"messageId": "with blanks in it"},
        {"phone": None, "senderLid": None},
        {"phone": "١٢٣٤٥٦٧٨٩", "senderLid": None},  # digits, but no address
        {"isGroup": True, "phone": "somewhere"},
        {"fromMe": "perhaps"},
        {"type": "PresenceChatCallback", "status": "COMPOSING"},
        {"type": "MessageStatusCallback", "status": "READ_BY_ME", "ids": ["3EB1"]},
        {"type": "MessageStatusCallback", "status": 7, "ids": ["3EB1"]},
        {"type": "MessageStatusCallback", "status": "READ", "ids": "3EB1"},
        {"type": "MessageStatusCallback", "status": "READ", "ids": [None, 7]},
        {"type": "DeliveryCallback", "messageId": None},
    ],
)
def test_what_is_no_message_of_anybodys_is_left_out(told: dict[str, object]) -> None:
    assert facts(**told) == ()


@pytest.mark.parametrize(
    ("told", "ids", "delivery"),
    [
        ({"type": "DeliveryCallback"}, (BASE["messageId"],), Delivery.SENT),
        ({"type": "DeliveryCallback", "error": "no such number"}, (BASE["messageId"],), Delivery.FAILED),
        ({"type": "MessageStatusCallback", "status": "SENT", "ids": ["A", "A", "B"]}, ("A", "B"), Delivery.SENT),
        ({"type": "MessageStatusCallback", "status": "RECEIVED", "ids": ["A"]}, ("A",), Delivery.DELIVERED),
        ({"type": "MessageStatusCallback", "status": "READ", "ids": ["A", 7]}, ("A",), Delivery.READ),
        ({"type": "MessageStatusCallback", "status": "PLAYED", "ids": ["A"]}, ("A",), Delivery.READ),
    ],
)
def test_how_far_a_message_got(told: dict[str, object], ids: tuple[str, ...], delivery: Delivery) -> None:
    assert facts(**told) == (WireReceipt(provider_ids=ids, chat=BIA, delivery=delivery, at=SENT_AT),)


@pytest.mark.parametrize(
    ("momment", "sent_at"),
    [
        (1632228638000, SENT_AT),
        (1632228638, SENT_AT),  # the sample of a disconnection is in seconds
        (None, DAWN),
        ("1632228638000", DAWN),
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
