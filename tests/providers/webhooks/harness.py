"""A receiver of webhooks over real HTTP, with two numbers of one Meta app, one of another, and a Z-API instance."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.messages import DeliveryReceipt, MessageUpdate, ProviderMessage, WirePreference, WireUnknown
from app.domain.webhooks import (
    DeliveryBatch,
    DeliveryOutcome,
    Endpoint,
    EndpointList,
    RunningWebhookServer,
    WebhookSettings,
    WebhookStats,
)
from app.providers.webhooks.host import spool
from app.providers.webhooks.server_process import RunningServer, WebhookServerProcess
from tests.emulators.meta_cloud.webhooks import envelope, inbound, signature
from tests.waiting import until

ANA, BIA, CAIO, DORA = (LinkId(letter * 32) for letter in "abcd")
SECRET, OTHER_SECRET = "the-app-secret", "another-apps-secret"
PATH = "a-path-nobody-guesses"
VERIFY = "what-meta-was-told"

ENDPOINTS: Final = EndpointList(
    endpoints=(
        Endpoint(link_id=ANA, provider=ProviderKind.META_CLOUD, key="1111", secret=SECRET),
        Endpoint(link_id=BIA, provider=ProviderKind.META_CLOUD, key="2222", secret=SECRET),
        Endpoint(link_id=CAIO, provider=ProviderKind.META_CLOUD, key="3333", secret=OTHER_SECRET),
        Endpoint(link_id=DORA, provider=ProviderKind.ZAPI, key="INSTANCE", secret=PATH),
    ),
    verify_token=VERIFY,
)
COMMAND: Final = (sys.executable, "-m", "app.providers.webhooks.host")


@dataclass
class WebhookHarness:
    """What came, what was counted, and a client to deliver with. *stores* says whether what comes is confirmed."""

    running_server: RunningServer
    client: httpx.AsyncClient
    stores: bool = True
    handed: list[DeliveryBatch] = field(default_factory=list)
    stats: WebhookStats = field(default_factory=lambda: WebhookStats((), {}))
    ended: bool = False

    def facts(self, link_id: LinkId) -> list[MessageUpdate]:
        return [fact for handed in self.handed if handed.link_id == link_id for fact in handed.facts]

    def ids(self, link_id: LinkId) -> list[str]:
        """Of the messages, or of what a receipt is about, in the order they came."""
        return [each for fact in self.facts(link_id) for each in ids(fact)]

    def count(self, outcome: DeliveryOutcome, link_id: LinkId | None = None) -> int:
        found = (item.count for item in self.stats.counts if (item.link_id, item.outcome) == (link_id, outcome))
        return next(found, 0)

    async def until(self, done: Any, within: float = 10) -> None:
        """Wait until *done* is true; it says so, or how often it was, in vain."""
        await until(done, within)

    async def meta(self, body: bytes, *, secret: str = SECRET, headers: dict[str, str] | None = None) -> int:
        signed = {"X-Hub-Signature-256": signature(body, secret)} if headers is None else headers
        return (await self.client.post("/meta", content=body, headers=signed)).status_code

    async def zapi(self, fields: dict[str, Any], path: str = PATH) -> int:
        return (await self.client.post(f"/zapi/{path}", content=json.dumps(fields).encode())).status_code

    async def follow(self) -> None:
        async for batch in self.running_server.events():
            if isinstance(batch, WebhookStats):
                self.stats = batch
                continue
            self.handed.append(batch)
            if self.stores:
                self.running_server.confirm(batch.link_id, batch.mark)
        self.ended = True


@asynccontextmanager
async def receiving(
    folder: Path, *, endpoints: EndpointList = ENDPOINTS, stores: bool = True, port: int = 0, listens: bool = True
) -> AsyncIterator[WebhookHarness]:
    """Open the receiver with the command the program uses."""
    settings = WebhookSettings(on=True, port=port) if listens else None
    async with WebhookServerProcess(folder, command=COMMAND).open(settings) as running_server:
        checked: RunningWebhookServer = running_server
        checked.set_endpoints(endpoints)
        base = f"http://127.0.0.1:{running_server.port}"
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=10) as client:
            harness = WebhookHarness(running_server, client, stores)
            following = asyncio.get_running_loop().create_task(harness.follow())
            try:
                if listens:
                    await _admitted(harness)
                yield harness
            finally:
                following.cancel()
                await asyncio.wait([following])


async def _admitted(harness: WebhookHarness) -> None:
    """The doors travel over a pipe; a challenge is answered when they are there."""
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1"}
    while (await harness.client.get("/meta", params=asked)).status_code == 503:
        await asyncio.sleep(0.01)


def ids(fact: MessageUpdate) -> Sequence[str]:
    match fact:
        case ProviderMessage(provider_id=provider_id):
            return (provider_id,)
        case DeliveryReceipt(provider_ids=provider_ids):
            return provider_ids
        case WirePreference(who=who):
            return tuple(each.value for each in who)
        case WireUnknown(kind=kind):
            return (kind,)


def zapi_text(message_id: str = "3EB0A1", text: str = "oi", **more: Any) -> dict[str, Any]:
    """A message from a contact, as Z-API's documentation shows it."""
    return {
        "type": "ReceivedCallback",
        "instanceId": "INSTANCE",
        "messageId": message_id,
        "phone": "5521987650001",
        "fromMe": False,
        "momment": 1_760_000_000_000,
        "status": "RECEIVED",
        "chatName": "Bia",
        "senderName": "Bia",
        "isGroup": False,
        "text": {"message": text},
        **more,
    }


TEXT = envelope(inbound("wamid.1", number_id="1111"))


def left(folder: Path) -> bool:
    return spool.has_left(folder / "webhooks")
