"""What Meta's webhooks say, in the core's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.messages import (
    Address,
    AddressKind,
    DeliveryReceipt,
    DeliveryStatus,
    MessageKind,
    ProviderMessage,
    WireUnknown,
)
from app.providers.meta_cloud.webhook_parser import parse
from tests.clock import DAWN
from tests.emulators.meta_cloud.webhooks import envelope, inbound, messages
from tests.providers.meta_cloud.callbacks import BIA, BIA_ID, SENT_AT, first_in, message_in, unknown_in

CORRECTED = {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "corrigida"}}}
NEW_CAPTION = {"original_message_id": "wamid.1", "message": {"type": "image", "image": {"caption": "nova"}}}
CARDS: list[dict[str, Any]] = [
    {
        "name": {"first_name": "Caio", "last_name": "Melo"},
        "phones": [{"phone": "+55 21 90000-0009", "wa_id": "5521900000009"}],
    },
    {"phones": [{"wa_id": "5521900000010"}], "emails": [{"email": "a@b.c"}]},
]
FORM = json.dumps(
    {"flow_token": "t", "nota": 9, "dias": ["seg", "qua"], "ok": True, "fim": {"a": 1.5}, "p": [{"q": "r"}], "v": None}
)
ANSWERS = "nota: 9\ndias: seg, qua\nok: true\nfim.a: 1.5\np.1.q: r"
ORDER = {
    "text": "para sexta",
    "product_items": [
        {"product_retailer_id": "livro", "quantity": 2, "item_price": 10.5, "currency": "BRL"},
        {"product_retailer_id": "caderno"},
    ],
}
BIA_NEW = Address(AddressKind.PHONE, "+5521987650002")


DEEP = '{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{"i":"fundo"}}}}}}}}}'
DEEP_ANSWER = 'a.b.c.d.e.f.g.h: {"i": "fundo"}'
CHOICES = {
    "type": "button",
    "header": {"type": "text", "text": "Aulas"},
    "body": {"text": "Qual dia?"},
    "footer": {"text": "Até já"},
    "action": {
        "buttons": [{"type": "reply", "reply": {"id": "1", "title": "Sim"}}],
        "sections": [{"rows": [{"id": "2", "title": "Terça", "description": "às 9"}]}],
    },
}
TEMPLATE = {
    "name": "lembrete",
    "components": [
        {"type": "body", "text": "Sua aula é hoje", "parameters": [{"type": "text", "text": "Bia"}]},
        {"type": "buttons", "buttons": [{"text": "Ver", "url": "https://a.b"}]},
    ],
}
WORK = {
    "urls": [{"url": "https://a.b"}],
    "addresses": [{"street": "Rua A", "city": "Rio"}],
    "org": {"company": "ACME", "title": "Diretora"},
}


def test_a_text_is_from_whoever_wrote_it() -> None:
    assert message_in(inbound(user_id="BR.1502")) == ProviderMessage(
        provider_id="wamid.in.1",
        chat=(BIA, BIA_ID),
        sender=(BIA, BIA_ID),
        from_me=False,
        text="oi",
        sender_name="Bia",
        sent_at=SENT_AT,
        received_at=DAWN,
    )


def test_somebody_with_a_user_name_may_have_no_number() -> None:
    """ "the phone/`wa_id` may be absent"."""
    message = message_in(inbound(sender=None, user_id="BR.1502"))
    assert (message.sender, message.sender_name) == ((BIA_ID,), "Bia")


def test_what_was_written_in_the_business_app_is_ours() -> None:
    echo = {"from": "5511987654321", "to": "5521987650001", "id": "wamid.e", "timestamp": "1760000000", "type": "text"}
    value = {**messages()["value"], "message_echoes": [{**echo, "text": {"body": "Até já"}}]}
    message = message_in({"field": "smb_message_echoes", "value": value})
    assert (message.from_me, message.chat, message.sender, message.text) == (True, (BIA,), (), "Até já")


def test_a_message_from_nobody_is_kept_apart() -> None:
    assert (found := unknown_in(inbound(sender=None))).kind == "messages/text"
    assert json.loads(found.payload)["text"] == {"body": "oi"}


@pytest.mark.parametrize(
    ("kind", "content", "expected", "words", "refers_to"),
    [
        ("image", {"id": "1", "mime_type": "image/jpeg", "caption": "Olha"}, MessageKind.IMAGE, "Olha", None),
        ("video", {"id": "1"}, MessageKind.VIDEO, "", None),
        ("audio", {"id": "1"}, MessageKind.AUDIO, "", None),
        ("audio", {"id": "1", "voice": True}, MessageKind.VOICE, "", None),
        ("audio", {"id": "1", "voice": "true"}, MessageKind.AUDIO, "", None),
        ("document", {"id": "1", "filename": "a.pdf"}, MessageKind.DOCUMENT, "", None),
        ("sticker", {"id": "1"}, MessageKind.STICKER, "", None),
        ("location", {"latitude": 1, "longitude": 2, "name": "Padaria"}, MessageKind.LOCATION, "Padaria (1, 2)", None),
        ("location", {"latitude": -23.561414, "longitude": 0}, MessageKind.LOCATION, "-23.561414, 0", None),
        (
            "location",
            {"address": "Rua A, 1", "url": "https://a.b"},
            MessageKind.LOCATION,
            "Rua A, 1\nhttps://a.b",
            None,
        ),
        ("contacts", [{"name": {"formatted_name": "Caio"}}], MessageKind.CONTACT, "Caio", None),
        ("contacts", CARDS, MessageKind.CONTACT, "Caio Melo · +55 21 90000-0009\n+5521900000010 · a@b.c", None),
        ("reaction", {"message_id": "wamid.1", "emoji": "👍"}, MessageKind.REACTION, "👍", "wamid.1"),
        ("reaction", {"message_id": "wamid.1"}, MessageKind.REACTION, "", "wamid.1"),
        ("reaction", {"emoji": "👍"}, MessageKind.OTHER, "👍", None),
        ("edit", CORRECTED, MessageKind.EDIT, "corrigida", "wamid.1"),
        ("edit", NEW_CAPTION, MessageKind.EDIT, "nova", "wamid.1"),
        ("edit", {**NEW_CAPTION, "message": {"type": "image", "image": {}}}, MessageKind.EDIT, "", "wamid.1"),
        ("edit", {**CORRECTED, "message": {"type": "text", "text": {}}}, MessageKind.OTHER, "", None),
        ("edit", {**CORRECTED, "message": {"type": "hologram", "hologram": {}}}, MessageKind.OTHER, "", None),
        ("edit", {"message": {}}, MessageKind.OTHER, "", None),
        ("revoke", {"original_message_id": "wamid.1"}, MessageKind.REVOCATION, "", "wamid.1"),
        ("revoke", {}, MessageKind.OTHER, "", None),
        ("button", {"text": "Sim", "payload": "yes"}, MessageKind.TEXT, "Sim", None),
        ("interactive", {"button_reply": {"id": "1", "title": "Não"}}, MessageKind.TEXT, "Não", None),
        ("interactive", {"list_reply": {"title": "A", "description": "às 9"}}, MessageKind.TEXT, "A\nàs 9", None),
        ("interactive", {"nfm_reply": {"body": "Sent", "response_json": FORM}}, MessageKind.TEXT, ANSWERS, None),
        ("interactive", {"nfm_reply": {"body": "Sent", "response_json": "{}"}}, MessageKind.TEXT, "Sent", None),
        ("interactive", {"nfm_reply": {"response_json": "{não é"}}, MessageKind.TEXT, "{não é", None),
        ("interactive", {"type": "new", "new": {"answer": "yes"}}, MessageKind.TEXT, "answer: yes", None),
        ("interactive", {"type": "new"}, MessageKind.OTHER, "", None),
        ("order", ORDER, MessageKind.TEXT, "para sexta\n2 × livro · 10.5 BRL\ncaderno", None),
        ("media_placeholder", {}, MessageKind.UNREADABLE, "", None),
        ("unsupported", {}, MessageKind.OTHER, "", None),
        ("unsupported", {"type": "poll_creation"}, MessageKind.OTHER, "poll creation", None),
        ("system", {"body": "User identity changed", "type": "x"}, MessageKind.OTHER, "User identity changed", None),
        ("hologram", {"depth": 3}, MessageKind.OTHER, "", None),
        ("text", "direto", MessageKind.TEXT, "direto", None),
        ("text", {}, MessageKind.OTHER, "", None),
        ("button", {"payload": "yes"}, MessageKind.TEXT, "yes", None),
        ("edit", {**CORRECTED, "message": {"text": {"body": "corrigida"}}}, MessageKind.EDIT, "corrigida", "wamid.1"),
        ("system", {"type": "user_changed_number", "wa_id": "1"}, MessageKind.OTHER, "user changed number: 1", None),
        ("system", "User Bia changed", MessageKind.OTHER, "User Bia changed", None),
        ("system", {"previous_user_id": "BR.1", "user_id": "BR.2"}, MessageKind.OTHER, "BR.1 → BR.2", None),
        ("interactive", {"nfm_reply": {"response_json": DEEP}}, MessageKind.TEXT, DEEP_ANSWER, None),
        ("interactive", {"nfm_reply": {"response_json": json.dumps(FORM)}}, MessageKind.TEXT, ANSWERS, None),
        ("interactive", CHOICES, MessageKind.TEXT, "Aulas\nQual dia?\nAté já\n[Sim]\n[Terça · às 9]", None),
        ("template", TEMPLATE, MessageKind.TEXT, "lembrete\nSua aula é hoje\nBia\n[Ver · https://a.b]", None),
        ("contacts", [{"name": {}, **WORK}], MessageKind.CONTACT, "ACME · https://a.b · Rua A, Rio · Diretora", None),
    ],
)
def test_every_kind_is_kept_with_its_words(
    kind: str, content: Any, expected: MessageKind, words: str, refers_to: str | None
) -> None:
    message = first_in(inbound(type=kind, **{kind: content}))
    assert (message.kind, message.text, message.refers_to) == (expected, words, refers_to)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("hologram", {"depth": 3}),
        ("edit", {"message": {}}),
        ("edit", {**NEW_CAPTION, "message": {"type": "audio", "audio": {}}}),
        ("revoke", {}),
        ("interactive", {"type": "new"}),
        ("contacts", "Caio"),
        ("location", {"place": "aqui"}),
        ("image", "foto"),
        ("unsupported", {"reason": 7}),
        ("order", {"catalog_id": "7"}),
        ("system", {"of": "somebody"}),
    ],
)
def test_what_a_message_says_is_kept_whole_where_nobody_understands_it(kind: str, content: Any) -> None:
    found = unknown_in(inbound(type=kind, **{kind: content}))
    assert (found.kind, found.about) == (f"messages/{kind}", (BIA,))
    assert json.loads(found.payload)[kind] == content


def test_the_advertisement_through_which_somebody_came_is_kept_with_their_words() -> None:
    referral = {"source_url": "https://fb.me/x", "source_type": "ad", "headline": "Mentoria", "body": "Vagas\nabertas"}
    message = message_in(inbound(type="text", text={"body": "oi"}, referral=referral))
    assert message.text == "oi\n↗ Mentoria · Vagas abertas · https://fb.me/x"
    bare = message_in(inbound(type="text", text={"body": "oi"}, referral={"source_type": "ad", "source_id": "12"}))
    assert bare.text == "oi\n↗ ad · 12"
    product = {"referred_product": {"catalog_id": "7", "product_retailer_id": "livro"}}
    assert message_in(inbound(type="text", text={"body": "tem?"}, context=product)).text == "tem?\n↗ 7 · livro"


def test_a_message_in_a_group_is_in_the_conversation_of_the_group() -> None:
    message = message_in(inbound(type="text", text={"body": "oi"}, group_id="Z3J1cG8tMQ"))
    assert message.chat == (Address(AddressKind.GROUP, "Z3J1cG8tMQ"),)
    assert (message.sender, message.sender_name) == ((BIA,), "Bia")


CHANGES = [
    ({"type": "user_changed_number", "wa_id": "5521987650002"}, (BIA, BIA_NEW)),
    ({"type": "user_changed_number", "new_wa_id": "5521987650002", "customer": "5521987650001"}, (BIA, BIA_NEW)),
    ({"type": "customer_changed_number", "wa_id": "5521987650002"}, (BIA, BIA_NEW)),
    (
        {"type": "user_changed_number", "wa_id": "5521987650002", "user_id": "BR.2", "previous_user_id": "BR.1502"},
        (BIA, BIA_ID, BIA_NEW, Address(AddressKind.META_USER, "BR.2")),
    ),
    (
        {"type": "user_changed_user_id", "user_id": "BR.2", "previous_user_id": "BR.1502"},
        (BIA, BIA_ID, Address(AddressKind.META_USER, "BR.2")),
    ),
    ({"type": "customer_identity_changed", "wa_id": "5521987650002"}, (BIA,)),
]


@pytest.mark.parametrize(("system", "names"), CHANGES)
def test_a_notice_of_a_change_joins_the_names_before_and_after(system: dict[str, str], names: Any) -> None:
    notice = {"id": "wamid.n", "from": "5521987650001", "timestamp": "1760000000", "type": "system"}
    message = message_in(messages(messages=[{**notice, "system": {**system, "body": "User Bia changed"}}]))
    assert (message.chat, message.sender, message.text) == (names, names, "User Bia changed")


def test_the_number_on_a_card_is_the_senders_own_only_where_it_was_asked_for() -> None:
    asked = [{**CARDS[0], "origin": "contact_request"}]
    caio = Address(AddressKind.PHONE, "+5521900000009")
    for cards, names in ((asked, (BIA_ID, caio)), ([CARDS[0]], (BIA_ID,)), ([*asked, *asked], (BIA_ID,))):
        change = inbound(sender=None, user_id="BR.1502", type="contacts", contacts=cards)
        assert message_in(change).chat == names


def test_somebody_echoed_to_is_known_by_every_name_that_is_told() -> None:
    echo = {"to": "5521987650001", "id": "wamid.e", "type": "text", "text": {"body": "Até já"}}
    value = {**messages()["value"], "message_echoes": [echo]}
    value["contacts"] = [{"wa_id": "5521987650001", "user_id": "BR.1502"}]
    assert message_in({"field": "smb_message_echoes", "value": value}).chat == (BIA, BIA_ID)


def test_what_was_said_before_on_the_phone_is_taken_in_with_how_far_it_got() -> None:
    theirs = {"from": "5521987650001", "id": "wamid.h1", "timestamp": "1759000000", "type": "text"}
    ours = {"from": "5511987654321", "id": "wamid.h2", "timestamp": "1759000060", "type": "text"}
    items = [
        {**theirs, "text": {"body": "antiga"}, "history_context": {"status": "READ"}},
        {**ours, "text": {"body": "resposta"}, "history_context": {"status": "DELIVERED"}},
    ]
    value: dict[str, Any] = dict(messages()["value"])
    value["history"] = [
        {"metadata": {"phase": 0}, "threads": [{"id": "5521987650001", "messages": items}]},
        {"errors": [{"code": 2593109, "title": "declined"}]},
    ]
    value["messages"] = [
        {**theirs, "id": "wamid.h3", "type": "image", "image": {"id": "9"}},
        {**ours, "id": "wamid.h4", "to": "5521987650001", "type": "image", "image": {"id": "9"}},
    ]
    (callback,) = parse(envelope({"field": "history", "value": value}), DAWN)
    first, second, receipt, declined, third, fourth = callback.facts
    assert isinstance(first, ProviderMessage)
    assert (first.text, first.from_me, first.chat) == ("antiga", False, (BIA,))
    assert isinstance(second, ProviderMessage)
    assert (second.text, second.from_me, second.chat, second.sender) == ("resposta", True, (BIA,), ())
    assert isinstance(receipt, DeliveryReceipt)
    assert (receipt.provider_ids, receipt.delivery) == (("wamid.h2",), DeliveryStatus.DELIVERED)
    assert isinstance(declined, WireUnknown)
    assert declined.kind == "history/errors"
    assert isinstance(third, ProviderMessage)
    assert isinstance(fourth, ProviderMessage)
    assert [(each.kind, each.from_me, each.chat) for each in (third, fourth)] == [
        (MessageKind.IMAGE, False, (BIA,)),
        (MessageKind.IMAGE, True, (BIA,)),
    ]


def test_an_answer_names_what_it_answers() -> None:
    message = message_in(inbound(type="text", text={"body": "sim"}, context={"from": "5511987654321", "id": "wamid.7"}))
    assert message.refers_to == "wamid.7"
