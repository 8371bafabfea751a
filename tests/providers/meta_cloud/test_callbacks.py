"""What Meta's webhooks say, in the core's words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.messages import Address, AddressKind, Delivery, Media, MessageKind, WireMessage, WireReceipt
from app.domain.webhooks import Callback
from app.providers.meta_cloud.callbacks import EVERY_NUMBER, parse
from tests.clock import DAWN
from tests.emulators.meta_cloud import webhooks
from tests.emulators.meta_cloud.webhooks import envelope, inbound, messages, status
from tests.emulators.meta_cloud.world import NUMBER_ID

SENT_AT = datetime.fromtimestamp(1_760_000_000, UTC)
BIA = Address(AddressKind.PHONE, "+5521987650001")
CORRECTED = {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "corrigida"}}}
BIA_ID = Address(AddressKind.META_USER, "BR.1502")


def message_in(*changes: dict[str, Any]) -> WireMessage:
    (callback,) = parse(envelope(*changes), DAWN)
    (fact,) = callback.facts
    assert isinstance(fact, WireMessage)
    return fact


def receipt_in(*changes: dict[str, Any]) -> WireReceipt:
    (callback,) = parse(envelope(*changes), DAWN)
    (fact,) = callback.facts
    assert isinstance(fact, WireReceipt)
    return fact


def test_a_text_is_from_whoever_wrote_it() -> None:
    assert message_in(inbound(user_id="BR.1502")) == WireMessage(
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


def test_a_message_from_nobody_is_left_out() -> None:
    assert parse(envelope(inbound(sender=None)), DAWN) == []


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
        ("location", {"latitude": 1, "longitude": 2, "name": "Padaria"}, MessageKind.LOCATION, "Padaria", None),
        ("contacts", [{"name": {"formatted_name": "Caio"}}], MessageKind.CONTACT, "Caio", None),
        ("reaction", {"message_id": "wamid.1", "emoji": "👍"}, MessageKind.REACTION, "👍", "wamid.1"),
        ("reaction", {"message_id": "wamid.1"}, MessageKind.REACTION, "", "wamid.1"),
        ("reaction", {"emoji": "👍"}, MessageKind.OTHER, "👍", None),
        ("edit", CORRECTED, MessageKind.EDIT, "corrigida", "wamid.1"),
        ("edit", {"message": {}}, MessageKind.OTHER, "", None),
        ("revoke", {"original_message_id": "wamid.1"}, MessageKind.REVOCATION, "", "wamid.1"),
        ("revoke", {}, MessageKind.OTHER, "", None),
        ("button", {"text": "Sim", "payload": "yes"}, MessageKind.TEXT, "Sim", None),
        ("interactive", {"button_reply": {"id": "1", "title": "Não"}}, MessageKind.TEXT, "Não", None),
        ("unsupported", {}, MessageKind.OTHER, "", None),
        ("hologram", {"depth": 3}, MessageKind.OTHER, "", None),
    ],
)
def test_every_kind_is_kept_with_its_words(
    kind: str, content: Any, expected: MessageKind, words: str, refers_to: str | None
) -> None:
    message = message_in(inbound(type=kind, **{kind: content}))
    assert (message.kind, message.text, message.refers_to) == (expected, words, refers_to)


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
        ("sent", Delivery.SENT),
        ("delivered", Delivery.DELIVERED),
        ("read", Delivery.READ),
        ("played", Delivery.READ),
        ("failed", Delivery.FAILED),
    ],
)
def test_receipts_say_how_far_it_got(word: str, delivery: Delivery) -> None:
    expected = WireReceipt(provider_ids=("wamid.1",), chat=(BIA,), delivery=delivery, at=SENT_AT)
    assert receipt_in(status("wamid.1", word)) == expected


def test_a_failure_says_by_which_code() -> None:
    assert receipt_in(status("wamid.1", "failed", code=131026)).code == "131026"


def test_a_receipt_of_a_later_day_is_left_out() -> None:
    assert parse(envelope(status("wamid.1", "dreamt_of")), DAWN) == []


def test_a_batch_is_sorted_by_number_and_keeps_its_order() -> None:
    batch = webhooks.batch(
        [
            envelope(inbound("wamid.1"), inbound("wamid.2", number_id="777")),
            envelope(status("wamid.0", "read"), inbound("wamid.3")),
        ]
    )
    found = {callback.key: callback.facts for callback in parse(batch, DAWN)}
    assert [type(fact) for fact in found[NUMBER_ID]] == [WireMessage, WireReceipt, WireMessage]
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
    assert parse(envelope(change), DAWN) == [Callback(key=EVERY_NUMBER, check=True)]


def test_an_error_outside_any_message_has_the_number_asked_about() -> None:
    change = messages(errors=[{"code": 131031, "title": "locked"}])
    assert parse(envelope(change), DAWN) == [Callback(key=NUMBER_ID, check=True)]


def test_fields_nobody_subscribed_to_are_left_out() -> None:
    assert parse(envelope({"field": "flows", "value": {"event": "x"}}), DAWN) == []


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
