"""Webhooks switched on in a program that runs, as an operator does it."""

from __future__ import annotations

import asyncio
import socket

from app.core.webhooks.service import ServiceState
from app.domain.mentorado import LinkId
from app.domain.webhooks import DeliveryOutcome
from app.services import Services


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


async def switch_on(core: Services) -> None:
    """At a port that is free, and until somebody is let in."""
    await core.webhooks.set_listen_address("127.0.0.1", free_port())
    await core.webhooks.switch_on()
    async with asyncio.timeout(20):
        while core.webhooks.phase is not ServiceState.LISTENING:
            await asyncio.sleep(0.01)


async def url_for(core: Services, link_id: LinkId) -> str:
    """What an operator copies for this link."""
    return next(way.url for way in await core.webhooks.endpoint_urls() if way.mentorado.link.id == link_id)


async def counted(core: Services, outcome: DeliveryOutcome, at_least: int, *, link_id: LinkId | None = None) -> None:
    """Wait until so many were counted."""
    async with asyncio.timeout(10):
        while _count(core, outcome, link_id) < at_least:
            await asyncio.sleep(0.01)


def _count(core: Services, outcome: DeliveryOutcome, link_id: LinkId | None) -> int:
    found = (t.count for t in core.webhooks.counts if (t.outcome, t.link_id) == (outcome, link_id))
    return next(found, 0)
