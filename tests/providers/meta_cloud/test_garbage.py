""" "≥ 10,000 fuzzed bodies per endpoint and per webhook": never an exception, and never better than what a body says in
exactly the documented way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.domain.link_status import SendCapability
from app.domain.messages import (
    Address,
    AddressKind,
    DeliveryReceipt,
    MessageUpdate,
    ProviderMessage,
    WirePreference,
    WireUnknown,
)
from app.domain.phone import is_e164
from app.domain.provider import Blocked, Connected, Unreachable
from app.domain.sending import Accepted, NotSent, OutgoingMessage, Uncertain
from app.domain.webhooks import ParsedWebhook
from app.providers.hosts.codec import encode, read_update
from app.providers.http_client import Response, TransportError
from app.providers.meta_cloud import webhook_parser as callbacks
from app.providers.meta_cloud.client import GraphError, GraphResponse, read
from app.providers.meta_cloud.health import (
    ASKED_FOR,
    HealthProbe,
    Number,
    evaluate_health,
    evaluate_number,
    evaluate_token,
    facts,
)
from app.providers.meta_cloud.provider import wrong_account
from app.providers.meta_cloud.sender import DeliveryPoller, MessageSender, SendCallbacks
from app.providers.meta_cloud.templates import HeldTemplates, KnownTemplate, TemplateCache, read_all
from tests.clock import DAWN, StillClock
from tests.emulators.meta_cloud import webhooks
from tests.emulators.meta_cloud.state import (
    NUMBER_ID,
    TOKEN,
    WABA_ID,
    CloudNumber,
    MetaState,
    template,
)
from tests.providers.garbage import EACH, garbage
from tests.providers.meta_cloud.replies import FakeReplies, graph_of

STATUSES = (200, 200, 200, 201, 302, 400, 401, 403, 429, 502)
ERRORS: list[object] = [
    {"error": {"message": "(#190)", "type": "OAuthException", "code": 190, "error_subcode": 463, "fbtrace_id": "A"}},
    {"error": {"message": "x", "code": 4, "error_data": {"messaging_product": "whatsapp", "details": "x"}}},
    {"error": {"message": "x", "code": 131056, "is_transient": True, "error_data": "a plain text"}},
]
BIA = Address(AddressKind.PHONE, "+5521987650001")


def bodies(*true: object, seed: int = 1) -> Iterator[bytes]:
    return garbage([*true, *true, *ERRORS], seed=seed)


def described(*fields: str, **other: Any) -> dict[str, Any]:
    number = CloudNumber()
    number.fields |= other
    return MetaState().fields(number, list(fields))


def decoded(answer: Response) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def answered(true: object, *others: object) -> Iterator[tuple[Response, Any]]:
    count = 0
    for count, body in enumerate(bodies(true, *others), 1):
        answer = Response(STATUSES[count % len(STATUSES)], body)
        yield answer, decoded(answer)
    assert count == EACH


def test_no_garbage_makes_a_token_good() -> None:
    good = 0
    for answer, value in answered(MetaState().inspect(TOKEN), MetaState().inspect("EAAother")):
        verdict = evaluate_token(read(answer, TOKEN), DAWN)
        if verdict is None:
            good += 1
            assert value["data"]["is_valid"] is True
            assert "error" not in value
            assert answer.status < 300
        else:
            assert isinstance(verdict, Blocked | Unreachable)
            assert TOKEN not in verdict.detail
    assert good > 100, "the garbage is not only garbage"


def test_no_garbage_makes_a_number() -> None:
    known = 0
    for answer, value in answered(described("display_phone_number", "status", "platform_type")):
        number = evaluate_number(read(answer))
        if isinstance(number, Number):
            known += 1
            assert is_e164(number.account)
            assert isinstance(value["status"], str)
            assert isinstance(value["platform_type"], str)
    assert known > 100


def test_no_garbage_makes_a_number_healthy() -> None:
    number = Number(account=of_number_account(), status="CONNECTED", platform="CLOUD_API")
    limited = CloudNumber()
    limited.set_health("LIMITED")
    blocked = CloudNumber()
    blocked.set_health("BLOCKED", "WABA", (131042, "Payment"))
    healths = [MetaState().fields(each, ["health_status"]) for each in (CloudNumber(), limited, blocked)]
    green = 0
    for answer, value in answered(*healths):
        verdict = evaluate_health(read(answer), number)
        if isinstance(verdict, Connected):
            health = value["health_status"]
            words = [each["can_send_message"] for each in (health, *health.get("entities", []))]
            assert {word.strip().upper() for word in words} <= {"AVAILABLE", "LIMITED"}
            green += verdict.capability is SendCapability.OK
            if verdict.capability is SendCapability.OK:
                assert {word.strip().upper() for word in words} == {"AVAILABLE"}
    assert green > 100


def of_number_account() -> Any:
    found = evaluate_number(GraphResponse(described("display_phone_number", "status", "platform_type")))
    assert isinstance(found, Number)
    return found.account


@pytest.mark.parametrize("field", ["status", "platform_type", "quality_rating", "name_status"])
async def test_no_strange_word_in_any_field_is_green(field: str) -> None:
    """Ten thousand whole rounds of questions, one of whose words is not as documented."""
    token, health = json.dumps(MetaState().inspect(TOKEN)).encode(), described("health_status")
    for strange in garbage([{"value": "GREEN"}, {"value": "CONNECTED"}], seed=3):
        word = decoded(Response(200, strange))
        word = word.get("value", "") if isinstance(word, dict) else word
        essential = described("display_phone_number", "status", "platform_type")
        more = described("quality_rating", "name_status")
        for part in (essential, more):
            if field in part:
                part[field] = word
        data = [token, *(json.dumps(each).encode() for each in (essential, more, health))]
        verdict = await HealthProbe(graph_of(FakeReplies(data)), NUMBER_ID, StillClock()).verdict()
        if isinstance(verdict, Connected) and verdict.capability is SendCapability.OK:
            assert isinstance(word, str)
            fine = {"CONNECTED", "CLOUD_API", "GREEN", "UNKNOWN", "NA", "APPROVED", "NONE"}
            assert word.strip().upper() in fine


async def test_garbage_about_optional_fields_is_only_left_out() -> None:
    wire = FakeReplies(bodies(described(*set(ASKED_FOR) & set(CloudNumber().fields)), seed=2), STATUSES)
    inquiry = HealthProbe(graph_of(wire), NUMBER_ID, StillClock())
    count = 0
    while wire.asked < EACH - 50:
        more = await inquiry.fields(ASKED_FOR)
        if not isinstance(more, GraphError | TransportError):
            values = facts(more)
            count += bool(values)
            assert all(isinstance(value, str) and value for value in values.values())
            "".join(values.values()).encode()
    assert count > 100


async def test_no_garbage_is_taken_for_a_message_that_was_accepted() -> None:
    true = {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+5521987650001", "wa_id": "552187650001"}],
        "messages": [{"id": "wamid.1", "message_status": "accepted"}],
    }
    clock = StillClock()
    seen: dict[type, int] = {Accepted: 0, NotSent: 0, Uncertain: 0}
    for body_number, body in enumerate(bodies(true)):
        wire = FakeReplies([body], (STATUSES[body_number % 10],))
        dispatch = MessageSender(
            graph_of(wire),
            NUMBER_ID,
            catalogue=TemplateCache(WABA_ID, clock),
            clock=clock,
            effects=SendCallbacks(stop=lambda _result, _refused: None, limited=lambda _until: None),
            held=HeldTemplates(),
        )
        result = await dispatch.send(OutgoingMessage(to=BIA, text="oi", last_inbound=clock.now()))
        seen[type(result)] += 1
        if isinstance(result, Accepted):
            value = decoded(wire.last)
            assert isinstance(value["messages"][0]["id"], str)
            assert result.provider_id
            assert result.to is None or is_e164(result.to.value)
        elif isinstance(result, NotSent):  # only the API's own error says that nothing went out
            assert isinstance(decoded(wire.last)["error"], dict)
    assert all(count > 100 for count in seen.values())


async def test_garbage_in_a_list_of_templates_leaves_only_whole_ones() -> None:
    whole = {
        "data": [template(), template("oi", "Olá {{nome}}"), template("foto", components=[{"type": "HEADER"}])],
        "paging": {"cursors": {"before": "a", "after": "b"}, "next": "https://x"},
    }
    wire = FakeReplies(bodies(whole), STATUSES)
    listed = 0
    while wire.asked < EACH - 50:
        found = await read_all(graph_of(wire), WABA_ID)
        for each in [] if isinstance(found, GraphError | TransportError) else found:
            assert isinstance(each, KnownTemplate)
            assert each.name
            assert each.language
            assert not each.usable or each.status == "APPROVED"
            f"{each}".encode()
            listed += 1
    assert listed > 100


async def test_garbage_in_a_history_of_deliveries_leaves_only_what_is_understood() -> None:
    events = [
        {"delivery_status": "SENT", "timestamp": 1_760_000_000},
        {"delivery_status": "READ", "timestamp": "2026-01-01"},
    ]
    whole = {"data": [{"id": "9", "message_id": "wamid.1", "events": {"data": events}}]}
    flat = {"data": [{"id": "9", "message_id": "wamid.1", "events": events}]}
    found = 0
    for number, body in enumerate(bodies(whole, flat)):
        history = DeliveryPoller(graph_of(FakeReplies([body], (STATUSES[number % 10],))), NUMBER_ID, StillClock())
        history.track("wamid.1", (BIA,))
        for receipt in await history.poll():
            found += 1
            assert receipt.provider_ids == ("wamid.1",)
            assert receipt.at.tzinfo is not None
    assert found > 100


async def test_no_garbage_makes_a_number_one_of_an_account() -> None:
    page = {"data": [{"id": "1"}, {"id": NUMBER_ID}], "paging": {"cursors": {"after": "2"}}}
    wire = FakeReplies(bodies(page), STATUSES)
    good = 0
    while wire.asked < EACH - 50:
        wrong = await wrong_account(graph_of(wire), WABA_ID, NUMBER_ID)
        if wrong is None:
            good += 1
            assert NUMBER_ID in [
                each["id"] for each in decoded(wire.last)["data"] if isinstance(each, dict) and "id" in each
            ]
    assert good > 100


def test_garbage_after_a_registration_is_never_a_success() -> None:
    done = 0
    for answer, value in answered({"success": True}):
        reply = read(answer)
        if isinstance(reply, GraphResponse) and reply.body.get("success") is True:
            done += 1
            assert value["success"] is True
            assert answer.status < 300
    assert done > 100


OLD = {"from": "5521987650001", "id": "wamid.h", "timestamp": "1759000000", "type": "text", "text": {"body": "oi"}}
CAPTION = {"type": "image", "image": {"caption": "nova"}}
DELIVERIES: list[bytes] = [
    webhooks.envelope(webhooks.inbound(), webhooks.inbound("wamid.in.2", None, user_id="BR.1502")),
    webhooks.envelope(
        webhooks.inbound(type="image", image={"id": "1", "mime_type": "image/jpeg", "caption": "Olha"}),
        webhooks.inbound(type="reaction", reaction={"message_id": "wamid.1", "emoji": "👍"}),
        webhooks.inbound(type="contacts", contacts=[{"name": {"formatted_name": "Caio"}}]),
        webhooks.inbound(type="interactive", interactive={"type": "list_reply", "list_reply": {"title": "Sim"}}),
    ),
    webhooks.envelope(webhooks.status("wamid.1", "failed", code=131048), webhooks.status("wamid.2", "read")),
    webhooks.envelope(
        webhooks.account_update("ACCOUNT_RESTRICTION", restriction_info=[{"restriction_type": "X"}]),
        webhooks.quality_update(),
        webhooks.template_status("lembrete", "PAUSED"),
        webhooks.messages(errors=[{"code": 131031}]),
    ),
    webhooks.envelope(
        {**webhooks.messages(history=[{"threads": [{"id": "5521987650001", "messages": [OLD]}]}]), "field": "history"},
        webhooks.preference("stop"),
        webhooks.inbound("wamid.1", group_id="Z3J1cG8tMQ", type="location", location={"latitude": 1, "longitude": 2}),
        webhooks.inbound(
            "wamid.2", type="interactive", interactive={"nfm_reply": {"response_json": '{"a":[{"b":1}]}'}}
        ),
        webhooks.inbound("wamid.3", type="order", order={"product_items": [{"quantity": 1, "item_price": 2.5}]}),
        webhooks.inbound("wamid.4", type="system", system={"type": "user_changed_number", "wa_id": "5521987650002"}),
        webhooks.inbound("wamid.5", type="edit", edit={"original_message_id": "wamid.1", "message": CAPTION}),
    ),
]


def named_in(fact: MessageUpdate) -> tuple[Address, ...]:
    match fact:
        case ProviderMessage():
            return (*fact.chat, *fact.sender)
        case DeliveryReceipt():
            return fact.chat
        case WirePreference():
            return fact.who
        case WireUnknown():
            return fact.about


@pytest.mark.parametrize("number", range(len(DELIVERIES)))
def test_garbage_from_webhooks_is_left_out_or_is_none(number: int) -> None:
    count = understood = 0
    for body in garbage([json.loads(DELIVERIES[number])], seed=number):
        count += 1
        try:
            collected = callbacks.parse(body, DAWN)
        except ValueError:
            continue
        for callback in collected:
            understood += 1
            assert isinstance(callback, ParsedWebhook)
            assert callback.facts or callback.check
            assert callback.key == "" or callback.key.isdigit()
            for fact in callback.facts:
                addresses = named_in(fact)
                assert all(each.kind is not AddressKind.PHONE or is_e164(each.value) for each in addresses)
                passed_on = json.dumps(json.loads(encode(fact)), ensure_ascii=False).encode()
                assert read_update(json.loads(passed_on)) == fact
                if isinstance(fact, ProviderMessage):
                    assert fact.provider_id
                    assert fact.chat
                    assert fact.sent_at.tzinfo is not None
                if isinstance(fact, WireUnknown):
                    assert fact.kind.partition("/")[0]
                    json.loads(fact.payload)
    assert count == EACH
    assert understood > 1000
