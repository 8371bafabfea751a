"""Closing the program says by name what stops, what goes on at the provider, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.outbound.campaigns import CampaignService
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.text.status import texts
from app.ui.dialogs.closing import closing_lines
from app.ui.theme.theme import Theme
from tests.fake_providers import FakeProvider
from tests.services import ServicesInMemory
from tests.ui.campaigns.harness import open_campaigns
from tests.ui.switches.harness import ZAPI, open_switches
from tests.ui.window_harness import NOON, WindowHarness, person

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


def lines(core: ServicesInMemory, campaigns: CampaignService | None = None) -> Sequence[str]:
    services = core.services
    return closing_lines(
        supervisor=core.supervisor,
        mentorados=core.mentorados,
        procedures=core.procedures,
        campaigns=campaigns or services.campaigns,
        switches=core.switches,
    )


async def test_a_note_that_is_not_saved_is_said_to_be_lost(theme: Theme, fast_dir: Path) -> None:
    harness = WindowHarness(fast_dir, [replace(person(0), name="Ana")], theme)
    await harness.load()
    core = harness.core
    async with harness.supervisor:
        await harness.supervisor.connect(person(0).id)
        for restarting, stops in ((False, ["Para até você abrir de novo, sem perder nada: Ana."]), (True, [])):
            words = closing_lines(
                supervisor=core.supervisor,
                mentorados=core.mentorados,
                procedures=core.procedures,
                campaigns=core.services.campaigns,
                switches=core.switches,
                unsaved=[person(0).id],
                restarting=restarting,
            )
            assert words == ["Uma anotação não salva sobre Ana se perde.", *stops], "what comes back is not a loss"
    await harness.close()


async def test_each_connection_is_said_to_stop_or_to_go_on_at_its_provider(theme: Theme, fast_dir: Path) -> None:
    people = [
        replace(mentorado, name=name, link=replace(mentorado.link, provider=kind))
        for mentorado, name, kind in (
            (person(0), "Ana", ProviderKind.WHATSAPP_WEB),
            (person(1), "Bia", ProviderKind.ZAPI),
            (person(2), "Caio", ProviderKind.META_CLOUD),
            (person(3), "Davi", ProviderKind.WHATSAPP_WEB),
        )
    ]
    hosted = {ProviderKind.ZAPI: FakeProvider(), ProviderKind.META_CLOUD: FakeProvider()}
    harness = WindowHarness(fast_dir, people, theme, hosted=hosted)
    await harness.load()
    async with harness.supervisor:
        assert lines(harness.core) == []
        for each in people:
            await harness.supervisor.connect(each.id)
            harness.observe(each, LinkStatus(state=LinkState.CONNECTED, since=NOON))
        logged_out = LinkStatus(state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=NOON)
        harness.observe(people[3], logged_out)  # nothing of it can stop any more
        assert lines(harness.core) == [
            "Para até você abrir de novo, sem perder nada: Ana.",
            "Continuam no provedor, sem que o Conecta acompanhe: Bia (Z-API), Caio (Meta Cloud).",
        ]
        texts.set_language("en")
        assert lines(harness.core)[0] == "Stops until you open it again, losing nothing: Ana."
    await harness.close()


async def test_of_many_the_first_are_named_and_the_others_counted(theme: Theme, fast_dir: Path) -> None:
    people = [replace(person(number), name=f"Pessoa {number}") for number in (0, 1, 3, 4, 6)]
    harness = WindowHarness(fast_dir, people, theme)
    await harness.load()
    async with harness.supervisor:
        for each in people:
            await harness.supervisor.connect(each.id)
            harness.observe(each, LinkStatus(state=LinkState.CONNECTED, since=NOON))
        (line,) = lines(harness.core)
        assert line.endswith("Pessoa 0, Pessoa 1, Pessoa 3 e mais 2.")
    await harness.close()


async def test_a_campaign_that_is_being_sent_is_said_to_wait(theme: Theme, fast_dir: Path) -> None:
    async with open_campaigns(theme, fast_dir) as harness:
        core = harness.s.core
        assert [each for each in lines(core, harness.service) if "campanha" in each] == []
        await harness.consenting(3)
        await harness.begin()
        assert "A campanha Aviso de aula pausa e espera você retomar." in lines(core, harness.service)


async def test_a_switch_under_way_is_said_to_wait(theme: Theme) -> None:
    async with open_switches(theme) as harness:
        await harness.core.people(3)
        harness.plan(ZAPI)
        await harness.dry_run()
        await harness.approve()
        assert any("A troca de provedor " in each and "espera você retomar" in each for each in lines(harness.core))
