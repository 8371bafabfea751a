"""Issue 14, 3: "all of it also as a Prometheus text endpoint on loopback, off by default"."""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.domain.figures import Figure
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.services import Services
from tests.platform.test_metrics_server import free_port
from tests.services import build_services
from tests.waiting import until

NAMES = ("Ana Prates de Souza", "Bruno Tavares")
NUMBERS = ("11 98765-4321", "21 91234-5678")
PERSONAL = (*NAMES, "Prates", "Tavares", "98765", "4321", "91234", "5678", "Turma 12", "+55")


async def asked(port: int) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
        assert answer.status_code == 200
        return answer.text


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


async def two_people(core: Services) -> None:
    """One connected, one whose session the phone ended; with counts of both."""
    for name, phone, state, reason in zip(
        NAMES, NUMBERS, (LinkState.CONNECTED, LinkState.BLOCKED), (Reason.NONE, Reason.LOGGED_OUT), strict=True
    ):
        who = await core.mentorados.add(name, phone, "Turma 12")
        who = await core.mentorados.save_link(replace(who.link, account=who.phone))
        status = LinkStatus(state=state, reason=reason, since=core.clock.now(), detail=f"{name} {phone}")
        core.supervisor._board.restore(who.link, status)
    core.figures.counted.update(
        {
            (Figure.RECONNECT, ProviderKind.WHATSAPP_WEB, ""): 2,
            (Figure.FAILURE, ProviderKind.WHATSAPP_WEB, "logged_out"): 1,
            (Figure.FAILURE, ProviderKind.WHATSAPP_WEB, NAMES[0]): 1,
            (Figure.MESSAGE_IN, ProviderKind.WHATSAPP_WEB, ""): 12,
            (Figure.CONNECT, ProviderKind.WHATSAPP_WEB, "2"): 3,
        }
    )
    await core.alerts.look()


@pytest.mark.within(30)
async def test_it_is_off_by_default_and_parses_when_it_is_on(fast_dir: Path) -> None:
    """All of it also as a Prometheus text endpoint on loopback, off by default."""
    core = build_services(fast_dir)
    await core.open()
    async with core.running():
        await two_people(core)
        assert not core.metrics.settings.on
        assert core.metrics.port is None
        port = free_port()
        await core.metrics.set_port(str(port))
        await asyncio.sleep(0)
        assert not listens(port)
        await core.metrics.switch(on=True)
        await until(lambda: core.metrics.port == port)
        families = {each.name: each for each in text_string_to_metric_families(await asked(port))}
        states = {tuple(each.labels.values()): each.value for each in families["conecta_links"].samples}
        assert {frozenset(labels): value for labels, value in states.items()} == {
            frozenset({"whatsapp_web", "connected"}): 1,
            frozenset({"whatsapp_web", "blocked"}): 1,
        }
        assert [each.value for each in families["conecta_alerts"].samples] == [1]
        assert {
            "conecta_reconnects",
            "conecta_failures",
            "conecta_messages",
            "conecta_connect_seconds",
            "conecta_link_seconds",
        } <= families.keys()
        await core.metrics.switch(on=False)
        await until(lambda: core.metrics.port is None)
        assert not listens(port)


@pytest.mark.within(30)
async def test_nothing_in_it_tells_who_anybody_is(fast_dir: Path) -> None:
    """No names or numbers in labels."""
    core = build_services(fast_dir)
    await core.open()
    async with core.running():
        await two_people(core)
        port = free_port()
        await core.metrics.set_port(str(port))
        await core.metrics.switch(on=True)
        await until(lambda: core.metrics.port == port)
        text = await asked(port)
    assert [each for each in PERSONAL if each in text] == []
    ids = [each.id for each in core.mentorados.all()] + [each.link.id for each in core.mentorados.all()]
    assert [each for each in ids if each in text] == []
    labels = {
        value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        for name, value in sample.labels.items()
        if name not in ("le", "version")
    }
    assert all(re.fullmatch(r"[a-z_]+", each) for each in labels)
