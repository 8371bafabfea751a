"""What the app and the receiver say to each other comes out as it went in, and nothing else is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from app.domain.messages import DeliveryReceipt, DeliveryStatus, SetAsideReason, WireUnknown
from app.domain.webhooks import DeliveryBatch, DeliveryOutcome, OutcomeCount, WebhookStats
from app.providers.hosts.codec import Ping, Pong, ProtocolError, encode
from app.providers.webhooks.protocol import (
    ConfirmBatch,
    Listening,
    LogMessage,
    Pause,
    Resume,
    StartFailed,
    StartServer,
    decode_from_host,
    decode_to_host,
)
from tests.providers.webhooks.harness import (
    ANA,
    BIA,
    ENDPOINTS,
    PATH,
    SECRET,
)
from tests.storage.talk import a_message, phone

AT = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = DeliveryReceipt(
    provider_ids=("1", "2"), chat=(phone("+5521987650001"),), delivery=DeliveryStatus.FAILED, at=AT
)

READ = {"type": "delivery_receipt", "provider_ids": ["1"], "chat": [], "delivery": "read", "at": 1}
UNKNOWN = WireUnknown(
    kind="history",
    payload='{"a": "\ud800"}',
    at=AT,
    about=(phone("+5521987650001"),),
    reason=SetAsideReason.NOT_STORABLE,
    detail="OverflowError",
)


@pytest.mark.parametrize(
    "message", [StartServer("/a folder", "::1", -1), ENDPOINTS, ConfirmBatch(ANA, 7), Pause(ANA), Resume(BIA), Ping(7)]
)
def test_what_the_app_says_is_heard_as_it_was_said(message: object) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode_to_host(line) == message


@pytest.mark.parametrize(
    "message",
    [
        Listening(8790),
        StartFailed("taken", "in use"),
        LogMessage("words\nin two lines"),
        Pong(7),
        DeliveryBatch(
            link_id=ANA,
            mark=3,
            facts=(a_message("M1", "olá\u2028", chat_name="Turma de maio"), RECEIPT, UNKNOWN),
            check=True,
        ),
        WebhookStats(
            (OutcomeCount(ANA, DeliveryOutcome.ACCEPTED, 3, AT), OutcomeCount(None, DeliveryOutcome.TOO_SLOW, 1, AT)),
            {BIA: 2},
        ),
    ],
)
def test_what_the_receiver_says_is_heard_as_it_was_said(message: object) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode_from_host(line) == message


@pytest.mark.parametrize("decode", [decode_to_host, decode_from_host])
@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"not json",
        b"[" * 100_000,
        b'{"type": "nobody"}',
        b'{"type": "start_server", "folder": "a"}',
        b'{"type": "start_server", "folder": "a", "address": "b", "port": "7"}',
        b'{"type": "endpoint_list", "endpoints": [["a", "zapi", "k", "s"]]}',
        b'{"type": "endpoint_list", "endpoints": [{"link_id": "a", "provider": "nobody", "key": "k", "secret": "s"}]}',
        b'{"type": "endpoint_list", "endpoints": [{"link_id": "a", "provider": "zapi", "key": "k"}]}',
        b'{"type": "confirm_batch", "link_id": "a", "mark": "x"}',
        b'{"type": "pause"}',
        b'{"type": "resume", "link_id": null}',
        b'{"type": "listening", "port": "x"}',
        b'{"type": "start_failed"}',
        b'{"type": "webhook_stats", "tallies": [{"outcome": "nobody", "count": 1, "last": 2}], "waiting": {}}',
        b'{"type": "webhook_stats", "tallies": [], "waiting": []}',
        b'{"type": "webhook_stats", "tallies": [], "waiting": {"a": "many"}}',
    ],
)
def test_anything_else_is_refused(decode: Callable[[bytes], object], line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(line)


@pytest.mark.parametrize(
    "bad", [7, {"type": "provider_message", "text": 1}, {**READ, "delivery": "eaten"}, {"type": "wire_unknown"}]
)
def test_a_fact_that_cannot_be_read_does_not_take_the_others_along(bad: object) -> None:
    batch = {"type": "delivery_batch", "link_id": "a", "mark": 1, "facts": [bad, READ], "check": True}
    listening = decode_from_host(json.dumps(batch).encode())
    assert isinstance(listening, DeliveryBatch)
    unknown, receipt = listening.facts
    assert isinstance(unknown, WireUnknown)
    assert isinstance(receipt, DeliveryReceipt)
    assert json.loads(unknown.payload) == bad


def test_secrets_are_in_no_representation() -> None:
    shown = repr(ENDPOINTS)
    assert SECRET not in shown
    assert PATH not in shown
    assert ENDPOINTS.verify_token not in shown
