"""Z-API's callbacks, as its documentation shows them, in the history's words."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.messages import (
    Address,
    AddressKind,
    Media,
    MessageKind,
    ProviderMessage,
    WireUnknown,
)
from app.providers.zapi.message_content import TEXT_LIMIT
from tests.clock import DAWN
from tests.providers.zapi.callbacks import BASE, BIA, SENT_AT, facts, read

VOICE, PDF = Media(mime="audio/ogg", seconds=7), Media(mime="a/pdf", name="n.pdf")


def test_a_text_from_somebody() -> None:
    assert read(text={"message": "oi"}) == ProviderMessage(
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
    ("phone", "is_group", "group"),
    [
        ("120363019502650977-group", True, "120363019502650977"),
        ("120363019502650977-group", None, "120363019502650977"),
        ("120363019502650977@g.us", False, "120363019502650977"),
        ("120363019502650977", "true", "120363019502650977"),
        ("5511999999999-1623281429", True, "5511999999999-1623281429"),
        ("5511999999999-1623281429", False, "5511999999999-1623281429"),
        ("5511999999999-1623281429@g.us", True, "5511999999999-1623281429"),
        ("120363019502650977", None, "120363019502650977"),
    ],
)
def test_a_group_is_one_conversation_of_many(phone: str, is_group: object, group: str) -> None:
    """Groups are titled by chatName."""
    who = {"participantPhone": "5544999999999", "participantLid": "81896604192873@lid"}
    fact = read(isGroup=is_group, phone=phone, chatName="Turma de maio", **who)
    assert fact.chat == (Address(AddressKind.GROUP, group),)
    assert (fact.sender, fact.sender_name, fact.chat_name) == (BIA, "Bia", "Turma de maio")
    assert read(isGroup=is_group, phone=phone, chatName=phone, **who).chat_name == "", "a number is no name"


def test_what_a_talk_between_two_is_called_is_no_name_of_anybody() -> None:
    assert read(chatName="Bia do trabalho").chat_name == ""


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("5544999999999@c.us", "+5544999999999"),
        ("5544999999999@s.whatsapp.net", "+5544999999999"),
        ("5544999999999:12@s.whatsapp.net", "+5544999999999"),
        ("+55 44 99999-9999", "+5544999999999"),
        ("+55 (44) 99999.9999", "+5544999999999"),
        ("+5544999999999", "+5544999999999"),
        ("005544999999999", "+5544999999999"),
        (" 5544999999999 ", "+5544999999999"),
        ("+1\u00a0650 555 0100", "+16505550100"),
        (5544999999999, "+5544999999999"),
    ],
)
def test_a_number_is_understood_in_every_spelling(phone: object, number: str) -> None:
    fact = read(phone=phone, senderLid=None, text={"message": "oi"})
    assert fact.chat == fact.sender == (Address(AddressKind.PHONE, number),)


@pytest.mark.parametrize("phone", ["1774895799-broadcast", "1774895799@broadcast"])
@pytest.mark.parametrize("from_me", [True, False])
def test_a_broadcast_list_is_a_conversation_of_its_own(phone: str, from_me: bool) -> None:
    fact = read(phone=phone, fromMe=from_me, broadcast=True, chatName="Avisos", text={"message": "aviso a todos"})
    assert fact.chat == (Address(AddressKind.OTHER, "1774895799@broadcast"),)
    assert (fact.text, fact.chat_name, fact.from_me) == ("aviso a todos", "Avisos", from_me)


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
        ({"location": {"latitude": 999, "longitude": True, "name": "Sé"}}, "location", "Sé", None),
        ({"location": {"latitude": "-23.5", "longitude": "-46.6"}}, "location", "-23.500000, -46.600000", None),
        ({"location": {"name": "Sé", "url": "https://x"}}, "location", "Sé\nhttps://x", None),
        (
            {"liveLocation": {"latitude": 1, "longitude": 2, "caption": "indo"}},
            "location",
            "1.000000, 2.000000\nindo",
            None,
        ),
        ({"poll": {"question": "?", "options": [{"name": "a"}, 7, {"name": "b"}]}}, "poll", "?\n- a\n- b", None),
        ({"poll": {"question": "?"}}, "poll", "?", None),
        ({"buttonsResponseMessage": {"message": "Ótimo"}}, "text", "Ótimo", None),
        ({"listResponseMessage": {"title": "Z"}}, "text", "Z", None),
        ({"contact": {"displayName": "C", "phones": ["5544999999999"]}}, "contact", "C\n5544999999999", None),
        ({"contact": {"vCard": "FN:C\nTEL;waid=1:+55 44 9"}}, "contact", "C\n+55 44 9", None),
        ({"contact": {"vCard": "FN:C\nitem2.tel:+55 1\nTEL:+55 2"}}, "contact", "C\n+55 1\n+55 2", None),
        ({"contact": {"name": "C", "phones": [{"phone": "+55 1"}, 55449]}}, "contact", "C\n+55 1\n55449", None),
        ({"contacts": [{"displayName": "A", "phones": ["1"]}, {"displayName": "B"}]}, "contact", "A\n1\nB", None),
        ({"pollVote": {"pollMessageId": "P", "options": [{"name": "a"}, {"name": "b"}]}}, "poll", "☑ a\n☑ b", None),
        ({"pollVote": {"pollMessageId": "P", "options": []}}, "poll", "☐", None),
        (
            {"pixKeyMessage": {"key": "pix@exemplo.com", "keyType": "EMAIL", "merchantName": "Bia Souza"}},
            "payment",
            "Pix: pix@exemplo.com (EMAIL)\nBia Souza",
            None,
        ),
        ({"pixKeyMessage": {"key": "123"}}, "payment", "Pix: 123", None),
        (
            {"requestPayment": {"value": 12.5, "currencyCode": "BRL", "note": "aula", "paymentInfo": {"status": "W"}}},
            "payment",
            "BRL 12.5\naula\nW",
            None,
        ),
        (
            {"sendPayment": {"paymentInfo": {"value": 1, "currencyCode": "BRL", "status": "COMPLETE"}}},
            "payment",
            "BRL 1\nCOMPLETE",
            None,
        ),
        ({"sendPayment": {"paymentInfo": 7}}, "payment", "", None),
        (
            {"notification": "PAYMENT_ACTION_REQUEST_DECLINED", "notificationParameters": ["BRL", 7, "1000"]},
            "payment",
            "PAYMENT_ACTION_REQUEST_DECLINED · BRL · 1000",
            None,
        ),
        ({"notification": "PAYMENT_CIPHERTEXT"}, "payment", "PAYMENT_CIPHERTEXT", None),
        (
            {
                "event": {
                    "name": "Aula",
                    "description": "ao vivo",
                    "joinLink": "https://x",
                    "scheduleTime": 1716915653,
                    "location": {"name": "Sé"},
                }
            },
            "event",
            "Aula\n2024-05-28 17:00 UTC\nSé\nao vivo\nhttps://x",
            None,
        ),
        ({"event": {"name": "Aula", "canceled": True, "location": "Rua"}}, "event", "✗ Aula\nRua", None),
        ({"eventResponse": {"response": "GOING", "referencedMessage": {"messageId": "E"}}}, "event", "GOING", None),
        ({"eventResponse": {}}, "event", "?", None),
        ({"notification": "CALL_MISSED_VOICE"}, "missed_call", "📞", None),
        ({"notification": "CALL_MISSED_GROUP_VIDEO"}, "missed_call", "🎥", None),
        ({"notification": "CALL_VOICE", "callId": "F4"}, "call", "📞", None),
        ({"pinMessage": {"action": "pin", "referencedMessage": {"messageId": "X"}}}, "other", "📌", None),
        ({"pinMessage": {"action": "unpin"}}, "other", "📌 unpin", None),
        (
            {"order": {"orderTitle": "P", "total": 9, "currency": "BRL", "products": [{"name": "a", "quantity": 2}]}},
            "payment",
            "P\n- 2 × a\nBRL 9",
            None,
        ),
        (
            {"reviewAndPay": {"total": "605", "orderStatus": "pending", "paymentStatus": "paid", "products": "x"}},
            "payment",
            "605\npending · paid",
            None,
        ),
        ({"product": {"title": "Curso", "price": 10**400, "url": "https://x"}}, "other", "Curso\nhttps://x", None),
        ({"newsletterAdminInvite": {"newsletterName": "N", "text": "venha"}}, "other", "N\nvenha", None),
        (
            {"hydratedTemplate": {"title": "T", "message": "M", "footer": "F", "header": {"image": {}}}},
            "image",
            "T\nM\nF",
            Media(),
        ),
        (
            {"hydratedTemplate": {"message": "M", "hydratedButtons": [{"b": {"displayText": "V", "url": "u"}}]}},
            "text",
            "M\n[V · u]",
            None,
        ),
        (
            {"listMessage": {"title": "T", "sections": [{"options": [{"title": "um", "description": "às 9"}, {}]}]}},
            "text",
            "T\n- um: às 9",
            None,
        ),
        ({"text": "direto"}, "text", "direto", None),
        ({"text": {"message": ""}}, "other", "", None),
        ({"somethingNew": [{"title": "um"}, {"caption": "dois"}, 3]}, "other", "um\ndois", None),
        ({"somethingNew": [3]}, "other", "", None),
        ({"templateReply": {"selectedDisplayText": "Sim"}}, "other", "Sim", None),
        ({"hydratedTemplate": {"header": {"location": {"name": "Sé"}}, "message": "M"}}, "location", "Sé\nM", None),
        (
            {"buttonsMessage": {"message": "M", "buttons": [{"buttonText": {"displayText": "Sim"}}, {"label": "Não"}]}},
            "text",
            "M\n[Sim]\n[Não]",
            None,
        ),
        (
            {"listMessage": {"title": "T", "sections": [{"rows": [{"title": "um"}]}], "options": [{"title": "dois"}]}},
            "text",
            "T\n- um\n- dois",
            None,
        ),
        ({"listResponseMessage": {"title": "Z", "message": "Z"}}, "text", "Z", None),
        ({"listResponseMessage": {"selectedRowId": "1"}}, "text", "1", None),
        ({"carouselMessage": {"text": "T", "cards": [{"message": "a"}, {"message": "b"}]}}, "text", "T\na\nb", None),
        ({"text": {"message": "", "title": "Grupo", "url": "https://x"}}, "text", "Grupo", None),
        ({"somethingNew": {"a": 1}}, "other", "", None),
        ({"somethingNew": {"a": 1, "title": "novidade"}}, "other", "novidade", None),
        ({"waitingMessage": True}, "unreadable", "", None),
        ({"notification": "CIPHERTEXT"}, "unreadable", "", None),
        ({"text": {"message": "x" * (TEXT_LIMIT + 5)}}, "text", "x" * TEXT_LIMIT + "…", None),
    ],
)  # fmt: skip
def test_every_content_is_kept_as_what_it_is(content: dict[str, object], kind: str, text: str, media: object) -> None:
    fact = read(**content)
    assert (fact.kind, fact.text, fact.media) == (kind, text, media)


@pytest.mark.parametrize(
    ("advertisement", "line"),
    [
        ({"title": "Mentoria", "body": "Vagas\nabertas", "sourceUrl": "https://x"}, "↗ Mentoria · Vagas abertas · https://x"),
        ({"sourceType": "ad", "sourceId": "23"}, "↗ ad · 23"),
    ],
)  # fmt: skip
def test_the_advertisement_through_which_somebody_came_is_kept(advertisement: object, line: str) -> None:
    assert read(text={"message": "oi"}, externalAdReply=advertisement).text == f"oi\n{line}"
    assert read(text={"message": "oi"}, externalAdReply={}).text == "oi"


@pytest.mark.parametrize(
    "content", [{}, {"waitingMessage": True}, {"somethingNew": {"title": "x"}}, {"text": {"message": ""}}, {"poll": {}}]
)
def test_an_edit_that_brings_no_words_empties_nothing(content: dict[str, object]) -> None:
    message = read(isEdit=True, **content)
    assert message.kind is not MessageKind.EDIT
    assert message.refers_to == BASE["messageId"]
    assert read(isEdit=True, image={"caption": ""}).kind is MessageKind.EDIT, "a caption may be taken away"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({}, MessageKind.OTHER),
        ({"location": {"place": "aqui"}}, MessageKind.LOCATION),
        ({"sendPayment": {"sum": 12}}, MessageKind.PAYMENT),
        ({"contact": {"card": "C"}}, MessageKind.CONTACT),
        ({"text": {"words": "oi"}}, MessageKind.OTHER),
    ],
)
def test_a_message_of_which_nothing_can_be_read_is_shown_and_set_aside(content: Any, kind: MessageKind) -> None:
    message, unknown = facts(**content)
    assert isinstance(message, ProviderMessage)
    assert message.kind is kind
    assert isinstance(unknown, WireUnknown)
    assert unknown.kind == "content"


def test_a_hidden_id_without_its_ending_is_no_number() -> None:
    hidden = (Address(AddressKind.LID, "126104585110000"),)
    assert read(phone="126104585110000", senderLid="126104585110000@lid").chat == hidden


def test_a_vote_an_answer_to_an_event_and_a_pin_name_what_they_are_about() -> None:
    assert read(pollVote={"pollMessageId": "P", "options": []}).refers_to == "P"
    assert read(eventResponse={"referencedMessage": {"messageId": "E"}}).refers_to == "E"
    assert read(pinMessage={"referencedMessage": {"messageId": "X"}}).refers_to == "X"


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
