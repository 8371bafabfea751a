"""What Meta's webhooks say, in the core's words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.messages import (
    Address,
    AddressKind,
    DeliveryReceipt,
    DeliveryStatus,
    Media,
    MessageKind,
    ProviderMessage,
    WirePreference,
    WireUnknown,
)
from app.domain.webhooks import ParsedWebhook
from app.providers.meta_cloud.webhook_parser import EVERY_NUMBER, parse
from tests.clock import DAWN
from tests.emulators.meta_cloud import webhooks
from tests.emulators.meta_cloud.state import NUMBER_ID
from tests.emulators.meta_cloud.webhooks import envelope, inbound, messages, status

SENT_AT = datetime.fromtimestamp(1_760_000_000, UTC)
BIA = Address(AddressKind.PHONE, "+5521987650001")
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
BIA_ID = Address(AddressKind.META_USER, "BR.1502")


def message_in(*changes: dict[str, Any]) -> ProviderMessage:
    (callback,) = parse(envelope(*changes), DAWN)
    (fact,) = callback.facts
    assert isinstance(fact, ProviderMessage)
    return fact


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


def first_in(*changes: dict[str, Any]) -> ProviderMessage:
    (callback,) = parse(envelope(*changes), DAWN)
    fact = callback.facts[0]
    assert isinstance(fact, ProviderMessage)
    return fact


def receipt_in(*changes: dict[str, Any]) -> DeliveryReceipt:
    (callback,) = parse(envelope(*changes), DAWN)
    (fact,) = callback.facts
    assert isinstance(fact, DeliveryReceipt)
    return fact


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


def unknown_in(*changes: dict[str, Any]) -> WireUnknown:
    (callback,) = parse(envelope(*changes), DAWN)
    *_, fact = callback.facts
    assert isinstance(fact, WireUnknown)
    return fact


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


@pytest.mark.parametrize(("word", "stopped"), [("stop", True), ("resume", False), ("signup", False)])
def test_a_wish_about_marketing_is_told_and_kept_with_its_words(word: str, stopped: bool) -> None:
    wish = {"wa_id": "5521987650001", "category": "marketing_messages", "value": word, "timestamp": 1_760_000_000}
    change = messages(user_preferences=[{**wish, "detail": "User requested it"}])
    (callback,) = parse(envelope({**change, "field": "user_preferences"}), DAWN)
    update, notice = callback.facts
    assert update == WirePreference(who=(BIA,), stopped=stopped, at=SENT_AT)
    assert isinstance(notice, ProviderMessage)
    assert (notice.chat, notice.text, notice.sent_at) == ((BIA,), "User requested it", SENT_AT)


@pytest.mark.parametrize("field", ["smb_app_state_sync", "group_lifecycle_update", "never_heard_of"])
def test_a_field_that_is_not_understood_is_kept_apart_for_its_number(field: str) -> None:
    change = messages(calls=[{"id": "wacid.1", "from": "5521987650001", "event": "terminate"}])
    (callback,) = parse(envelope({**change, "field": field}), DAWN)
    (fact,) = callback.facts
    assert isinstance(fact, WireUnknown)
    assert (callback.key, fact.kind, fact.about) == (NUMBER_ID, field, (BIA,))


@pytest.mark.parametrize(
    ("call", "kind", "from_me", "seconds"),
    [
        ({"direction": "USER_INITIATED", "status": "COMPLETED", "duration": 120}, MessageKind.CALL, False, 120),
        ({"direction": "USER_INITIATED", "status": "FAILED"}, MessageKind.MISSED_CALL, False, None),
        ({"from": "5511987654321", "to": "5521987650001"}, MessageKind.CALL, True, None),
    ],
)
def test_a_call_that_ended_is_in_the_conversation(
    call: dict[str, Any], kind: MessageKind, from_me: bool, seconds: int | None
) -> None:
    own = {"direction": "BUSINESS_INITIATED"} if from_me else {"from": "5521987650001", "to": "5511987654321"}
    ended = {"id": "wacid.1", "event": "terminate", "timestamp": "1760000000", **own, **call}
    message = message_in({**messages(calls=[ended]), "field": "calls"})
    assert (message.kind, message.from_me, message.chat, message.sent_at) == (kind, from_me, (BIA,), SENT_AT)
    assert (message.media.seconds if message.media else None) == seconds


@pytest.mark.parametrize("field", ["messages", "history", "smb_app_state_sync"])
def test_what_names_people_and_no_number_is_counted_without_its_words(field: str) -> None:
    """It goes to every link of the app, and must not put one mentorado's messages beside another's."""
    change = inbound(type="text", text={"body": "segredo"})
    del change["value"]["metadata"]
    (callback,) = parse(envelope({**change, "field": field}), DAWN)
    (fact,) = callback.facts
    assert isinstance(fact, WireUnknown)
    assert (callback.key, fact.kind, fact.about) == (EVERY_NUMBER, field, ())
    assert "segredo" not in fact.payload
    assert "5521987650001" not in fact.payload


def test_a_call_that_only_begins_is_kept_apart() -> None:
    begins = {"id": "wacid.1", "from": "5521987650001", "event": "connect", "direction": "USER_INITIATED"}
    assert unknown_in({**messages(calls=[begins]), "field": "calls"}).about == (BIA,)


def test_a_wish_that_is_not_understood_is_kept_apart() -> None:
    change = messages(user_preferences=[{"wa_id": "5521987650001", "value": "maybe"}])
    assert unknown_in({**change, "field": "user_preferences"}).about == (BIA,)


def test_a_file_is_kept_as_what_is_known_of_it() -> None:
    document = {"id": "1", "mime_type": "application/pdf", "filename": "Plano.pdf", "file_size": 1200}
    message = message_in(inbound(type="document", document=document))
    assert message.media == Media(mime="application/pdf", name="Plano.pdf", size=1200)


def test_an_answer_names_what_it_answers() -> None:
    message = message_in(inbound(type="text", text={"body": "sim"}, context={"from": "5511987654321", "id": "wamid.7"}))
    assert message.refers_to == "wamid.7"


@pytest.mark.parametrize(
    ("word", "delivery"),
    [
        ("sent", DeliveryStatus.SENT),
        ("delivered", DeliveryStatus.DELIVERED),
        ("read", DeliveryStatus.READ),
        ("played", DeliveryStatus.READ),
        ("failed", DeliveryStatus.FAILED),
    ],
)
def test_receipts_say_how_far_it_got(word: str, delivery: DeliveryStatus) -> None:
    expected = DeliveryReceipt(provider_ids=("wamid.1",), chat=(BIA,), delivery=delivery, at=SENT_AT)
    assert receipt_in(status("wamid.1", word)) == expected


def test_a_failure_says_by_which_code() -> None:
    assert receipt_in(status("wamid.1", "failed", code=131026)).code == "131026"


def test_a_failure_says_why_in_metas_words_each_once() -> None:
    why = {"title": "Too many", "message": "Too many", "error_data": {"details": "Try again\nlater. EAAsecret00000"}}
    receipt = receipt_in(status("wamid.1", "failed", errors=[{"code": 131049, **why}, {"title": "no code"}]))
    assert (receipt.code, receipt.detail) == ("131049", "Too many · Try again later. [token]; no code")
    bare = receipt_in(status("wamid.1", "failed", errors=[{"title": "no code"}]))
    assert (bare.code, bare.detail) == ("", "no code")
    assert receipt_in(status("wamid.1", "failed")).detail == ""


def test_a_receipt_names_the_person_by_every_name_and_a_group_as_one() -> None:
    change = status("wamid.1", "read")
    change["value"]["contacts"] = [{"wa_id": "5521987650001", "user_id": "BR.1502"}]
    assert receipt_in(change).chat == (BIA, BIA_ID)
    group = receipt_in(status("wamid.1", "read", "Z3J1cG8tMQ", recipient_type="group"))
    assert group.chat == (Address(AddressKind.GROUP, "Z3J1cG8tMQ"),)


def test_a_receipt_of_a_later_day_is_kept_apart() -> None:
    assert unknown_in(status("wamid.1", "dreamt_of")).kind == "statuses/dreamt_of"


def test_how_a_payment_or_a_call_goes_says_nothing_of_a_message() -> None:
    for of in ("payment", "call"):
        assert unknown_in(status("wamid.1", "failed", type=of)).kind == "statuses/failed"
    assert receipt_in(status("wamid.1", "READ", type="message")).delivery is DeliveryStatus.READ


def test_a_batch_is_sorted_by_number_and_keeps_its_order() -> None:
    batch = webhooks.batch(
        [
            envelope(inbound("wamid.1"), inbound("wamid.2", number_id="777")),
            envelope(status("wamid.0", "read"), inbound("wamid.3")),
        ]
    )
    found = {callback.key: callback.facts for callback in parse(batch, DAWN)}
    assert [type(fact) for fact in found[NUMBER_ID]] == [ProviderMessage, DeliveryReceipt, ProviderMessage]
    assert len(found["777"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        webhooks.account_update("DISABLED_UPDATE", ban_info={"waba_ban_state": ["DISABLE"]}),
        webhooks.account_update("ACCOUNT_RESTRICTION", restriction_info=[{"restriction_type": "X", "expiration": 1}]),
        webhooks.account_update("SOMETHING_NEW"),
        webhooks.quality_update(),
        webhooks.template_status("lembrete", "PAUSED"),
    ],
)
def test_what_concerns_the_account_has_every_number_asked_about(change: dict[str, Any]) -> None:
    assert parse(envelope(change), DAWN) == [ParsedWebhook(key=EVERY_NUMBER, check=True)]


def test_an_error_outside_any_message_has_the_number_asked_about() -> None:
    change = messages(errors=[{"code": 131031, "title": "locked"}])
    (callback,) = parse(envelope(change), DAWN)
    assert (callback.key, callback.check, callback.number) == (NUMBER_ID, True, "+5511987654321")
    (fact,) = callback.facts
    assert isinstance(fact, WireUnknown)
    assert fact.kind == "messages/errors"


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("calls", {"statuses": [{"id": "wacid.1", "type": "call", "status": "RINGING"}]}, "calls/statuses"),
        ("messages", {"something_new": [{"text": "oi"}]}, "messages/something_new"),
        ("messages", {"messages": ["oi", 7]}, "messages/messages"),
        ("messages", {"messages": {"text": "oi"}}, "messages/messages"),
        ("history", {"errors": [{"code": 1}]}, "history/errors"),
        ("history", {"history": [{"threads": {"id": "1"}}]}, "history/threads"),
        ("user_preferences", {"wishes": [{"value": "stop"}]}, "user_preferences/wishes"),
    ],
)
def test_no_member_of_a_change_is_left_out_in_silence(field: str, value: dict[str, Any], kind: str) -> None:
    found = unknown_in({**messages(**value), "field": field})
    assert found.kind == kind
    assert json.loads(found.payload)


def test_an_echo_that_names_nobody_is_to_the_one_person_beside_it() -> None:
    echo = {"id": "wamid.e", "type": "text", "text": {"body": "Até já"}}
    change = messages(message_echoes=[echo], contacts=[{"wa_id": "5521987650001"}])
    assert message_in({**change, "field": "smb_message_echoes"}).chat == (BIA,)


def test_a_number_may_come_as_a_json_number() -> None:
    change = inbound()
    change["value"]["messages"][0]["from"] = 5521987650001
    assert message_in(change).chat == (BIA,)


def test_why_a_message_cannot_be_shown_is_kept() -> None:
    errors = [{"code": 131051, "title": "Unknown type", "error_data": {"details": "Not supported"}}]
    assert first_in(inbound(type="unsupported", errors=errors)).text == "131051 · Unknown type · Not supported"
    assert first_in(inbound(type="hologram", errors=errors)).text == "131051 · Unknown type · Not supported"
    assert first_in(inbound(type="image", errors=errors)).text == "131051 · Unknown type · Not supported"


def test_somebody_without_a_name_is_called_by_their_user_name() -> None:
    change = inbound(sender=None, user_id="BR.1502")
    change["value"]["contacts"][0]["profile"] = {"username": "@bia"}
    assert message_in(change).sender_name == "@bia"


def test_a_wish_about_other_messages_holds_no_marketing_back() -> None:
    wish = {"wa_id": "5521987650001", "category": "utility", "value": "stop"}
    (callback,) = parse(envelope({**messages(user_preferences=[wish]), "field": "user_preferences"}), DAWN)
    assert [type(fact) for fact in callback.facts] == [ProviderMessage]


def test_a_field_about_the_account_that_is_not_understood_is_kept_apart() -> None:
    (callback,) = parse(envelope({"field": "flows", "value": {"event": "x"}}), DAWN)
    (fact,) = callback.facts
    assert isinstance(fact, WireUnknown)
    assert (callback.key, callback.check, fact.kind, fact.payload) == (EVERY_NUMBER, False, "flows", '{"event": "x"}')


@pytest.mark.parametrize(
    "time", [1_760_000_000, "1760000000", 1_760_000_000_123, "1760000000123", 1_760_000_000_000_123, 1_760_000_000.5]
)
def test_a_time_is_understood_in_seconds_and_in_smaller_units(time: float | str) -> None:
    change = inbound()
    change["value"]["messages"][0]["timestamp"] = time
    assert message_in(change).sent_at == SENT_AT


def test_a_message_without_a_time_was_sent_when_it_arrived() -> None:
    change = inbound()
    change["value"]["messages"][0]["timestamp"] = "yesterday"
    assert message_in(change).sent_at == DAWN


def test_half_a_character_is_made_whole_so_that_it_can_be_stored() -> None:
    message = message_in(inbound(type="text", text={"body": "oi \ud83d"}))
    assert message.text == "oi ?"
    message.text.encode()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"entry":{}}', b"\xff", b"[" * 100_000])
def test_what_is_no_webhook_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(ValueError, match="no webhook"):
        parse(body, DAWN)
