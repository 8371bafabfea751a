"""The history after webhooks: the same however deliveries were shuffled, repeated and cut into portions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.mentorado import ProviderKind
from app.domain.messages import Address, AddressKind, MessageUpdate, ProviderMessage, StoredMessage
from app.providers.meta_cloud.webhook_parser import parse
from app.providers.webhooks.host.dispatcher import Parser
from app.providers.zapi.webhook_parser import read_callback
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.emulators.meta_cloud.webhooks import account_update, batch, envelope, inbound, status
from tests.providers.webhooks.harness import zapi_text
from tests.storage.people import new_mentorado

RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
AT = 1_760_000_000


def ours(provider_id: str, minute: int) -> ProviderMessage:
    """A message sent from here: it is in the history before any webhook tells what became of it, or after."""
    moment = datetime.fromtimestamp(AT, UTC) + timedelta(minutes=minute)
    bia = (Address(AddressKind.PHONE, "+5521987650001"),)
    return ProviderMessage(
        provider_id=provider_id,
        chat=bia,
        sender=(),
        from_me=True,
        text=f"resposta {minute}",
        sent_at=moment,
        received_at=moment,
    )


def reaction(wamid: str, to: str, emoji: str, minute: int) -> bytes:
    fields = {"message_id": to, "emoji": emoji}
    return envelope(inbound(wamid, at=AT + 60 * minute, type="reaction", reaction=fields))


def edit(wamid: str, of: str, text: str, minute: int) -> bytes:
    fields = {"message": {"type": "text", "text": {"body": text}}, "original_message_id": of}
    return envelope(inbound(wamid, at=AT + 60 * minute, type="edit", edit=fields))


META: list[bytes] = [
    envelope(inbound("wamid.in.1", at=AT + 60)),
    envelope(inbound("wamid.in.2", "552187650001", at=AT + 120, name="Bia Reis")),  # without the ninth digit
    envelope(inbound("wamid.in.3", "5531987650002", at=AT + 180, name="Caio", user_id="BR.77")),
    envelope(inbound("wamid.in.4", None, at=AT + 240, name="Caio", user_id="BR.77")),
    edit("wamid.e1", "wamid.in.1", "oi, corrigida", 5),
    edit("wamid.e2", "wamid.in.1", "oi, corrigida de novo", 6),
    reaction("wamid.r1", "wamid.out.1", "👍", 7),
    reaction("wamid.r2", "wamid.out.1", "", 8),
    reaction("wamid.r3", "wamid.out.2", "🎉", 9),
    envelope(status("wamid.out.1", "sent"), status("wamid.out.2", "sent"), status("wamid.out.3", "sent")),
    envelope(status("wamid.out.1", "read"), status("wamid.out.1", "delivered")),
    envelope(status("wamid.out.2", "failed", code=131047)),  # late, after it was sent
    envelope(status("wamid.out.3", "delivered")),
    envelope(status("wamid.out.3", "failed", code=131000)),  # what was delivered did not fail
    batch([envelope(status("wamid.out.4", "failed", code=131026)), envelope(inbound("wamid.in.5", at=AT + 600))]),
    envelope(inbound("wamid.in.6", at=AT + 700, type="revoke", revoke={"original_message_id": "wamid.in.2"})),
    envelope(account_update("ACCOUNT_RESTRICTION")),
]


def body(kind: str, **more: Any) -> bytes:
    return json.dumps({"type": kind, "instanceId": "INSTANCE", "phone": "5521987650001", **more}).encode()


def text(message_id: str, words: str, minute: int, **more: Any) -> bytes:
    return json.dumps(zapi_text(message_id, words, momment=1000 * (AT + 60 * minute), **more)).encode()


ZAPI: list[bytes] = [
    text("IN1", "bom dia", 1),
    text("IN2", "sem o nove", 2, phone="552187650001", chatLid="200000000000001@lid"),
    text("IN3", "só o lid", 3, phone="200000000000001@lid", chatLid="200000000000001@lid"),
    text("IN1", "bom dia, corrigido", 4, isEdit=True),
    text("IN1", "bom dia, corrigido outra vez", 5, isEdit=True),
    json.dumps({**zapi_text("R1"), "reaction": {"value": "👍", "referencedMessage": {"messageId": "OUT1"}}}).encode(),
    text("IN4", "", 6, waitingMessage=True),
    text("FROM1", "do celular", 7, fromMe=True),
    body("DeliveryCallback", messageId="OUT1", zaapId="Z1"),
    body("MessageStatusCallback", ids=["OUT1", "OUT2", "FROM1"], status="SENT", momment=1000 * AT),
    body("MessageStatusCallback", ids=["OUT1"], status="READ", momment=1000 * AT),
    body("MessageStatusCallback", ids=["OUT1", "OUT2"], status="RECEIVED", momment=1000 * AT),
    body("DeliveryCallback", messageId="OUT3", zaapId="Z3", error="Phone number not found"),
    body("MessageStatusCallback", ids=["OUT4"], status="SENT", momment=1000 * AT),
    body("DeliveryCallback", messageId="OUT4", zaapId="Z4", error="late"),
    body("DisconnectedCallback", disconnected=True, error="Device has been disconnected", momment=AT),
]

SENT = {
    ProviderKind.META_CLOUD: [ours(f"wamid.out.{number}", number) for number in range(1, 5)],
    ProviderKind.ZAPI: [ours(f"OUT{number}", number) for number in range(1, 5)],
}
PARSERS: dict[ProviderKind, Parser] = {ProviderKind.META_CLOUD: parse, ProviderKind.ZAPI: read_callback}
BODIES = {ProviderKind.META_CLOUD: META, ProviderKind.ZAPI: ZAPI}

Delivery = bytes | ProviderMessage


def facts(provider: ProviderKind, delivery: Delivery) -> list[MessageUpdate]:
    if isinstance(delivery, ProviderMessage):
        return [delivery]
    return [fact for callback in PARSERS[provider](delivery, RECEIVED) for fact in callback.facts]


async def _after(harness: Path, provider: ProviderKind, deliveries: Sequence[Delivery], size: int) -> object:
    """What a new mentorado's history shows after *deliveries*, stored *size* at a time."""
    async with Database(harness) as database:
        count = len(await SqlMentoradoRepository(database).all())
        base = new_mentorado(number_of(count), f"+551198{count:07}")
        ana = replace(base, link=replace(base.link, provider=provider))
        await SqlMentoradoRepository(database).add(ana)
        history = SqlMessageRepository(database)
        for start in range(0, len(deliveries), size):
            updates = [fact for each in deliveries[start : start + size] for fact in facts(provider, each)]
            await history.store(ana, updates, RECEIVED)
        seen = []
        for talk in await history.conversations(ana.id):
            messages = [_plain(message) for message in await history.messages(talk.id)]  # in the order they are shown
            named = sorted(address.key for address in talk.addresses)
            seen.append((named, talk.title, talk.messages, messages))
        return sorted(seen)


def number_of(count: int) -> str:
    return f"Ana {count}"


def _plain(message: StoredMessage) -> tuple[str, ...]:
    return (
        str(message.sent_at),
        message.provider_id,
        message.text,
        message.original_text,
        message.kind.value,
        " ".join(message.reactions),
        str(message.delivery),
        str(message.edited_at),
        str(message.revoked_at),
        message.sender_name,
    )


@pytest.mark.parametrize("provider", list(BODIES), ids=str)
def test_history_ends_the_same_however_deliveries_are_shuffled_and_repeated(
    fast_dir: Path, provider: ProviderKind
) -> None:
    everything: list[Delivery] = [*SENT[provider], *BODIES[provider]]
    harness = fast_dir / "data" / "conecta.db"
    in_order = asyncio.run(_after(harness, provider, everything, 1))
    assert len(str(in_order)) > 500

    @given(st.permutations(everything), st.lists(st.sampled_from(everything), max_size=12), st.integers(1, 9))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def shuffled(order: list[Delivery], again: list[Delivery], size: int) -> None:
        assert asyncio.run(_after(harness, provider, [*order, *again], size)) == in_order

    shuffled()


def test_a_late_failure_is_told_and_never_takes_back_what_was_delivered(fast_dir: Path) -> None:
    everything: list[Delivery] = [*SENT[ProviderKind.META_CLOUD], *reversed(META)]
    shown = asyncio.run(_after(fast_dir / "data" / "conecta.db", ProviderKind.META_CLOUD, everything, 3))
    assert isinstance(shown, list)
    deliveries = {plain[1]: plain[6] for _, _, _, messages in shown for plain in messages if "out" in plain[1]}
    assert deliveries == {
        "wamid.out.1": "read",
        "wamid.out.2": "failed",
        "wamid.out.3": "delivered",
        "wamid.out.4": "failed",
    }
