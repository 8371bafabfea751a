"""What Meta's webhooks say beside new messages: receipts, errors, the account, and what is not understood."""

from __future__ import annotations

import json
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
from tests.providers.meta_cloud.callbacks import BIA, BIA_ID, SENT_AT, first_in, message_in, unknown_in


def receipt_in(*changes: dict[str, Any]) -> DeliveryReceipt:
    (callback,) = parse(envelope(*changes), DAWN)
    (fact,) = callback.facts
    assert isinstance(fact, DeliveryReceipt)
    return fact


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
