"""A dry run changes nothing, and an approval of it relies on what decides something and on nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import deepcopy
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.cases import CaseKind
from app.domain.errors import Problem
from app.domain.link_status import Reason, SmokeTestOutcome
from app.domain.mentorado import Mentorado
from app.domain.messages import Address, AddressKind
from app.domain.procedure import ProcedureKind
from app.domain.provider import Blocked
from app.domain.provider_descriptor import CredentialReport
from app.domain.switch import SwitchDryRun
from tests.clock import settle
from tests.core.provider_switch.harness import (
    KIND,
    META,
    Planning,
    planning,
    under_way,
)
from tests.fake_providers import waiting

WEB, HOSTED, OFFICIAL = KIND.WHATSAPP_WEB, KIND.ZAPI, KIND.META_CLOUD

# --- nothing is written ---------------------------------------------------------------------------------------------


def everything(world: Planning) -> object:
    """All that is stored, and all that the providers were told to do."""
    core = world.core
    repository = core.mentorado_repository
    lines = [len(each.lines) for each in (world.web, world.zapi, world.meta)]
    sent = [world.web.sent, world.zapi.flows, len(world.zapi.waiting), world.meta.registered, world.meta.deregistered]
    return deepcopy(
        (
            (repository.mentorados, repository.links, repository.beside),
            (core.log.lines, core.audit.entries_),
            (core.journal.journals, core.tries.made, core.secrets.kept, world.settings.settings),
            (core.outbound_record.messages, core.outbound_record.stopped, core.outbound_record.ledger),
            (core.smoke_test_record.tests, world.switches.stored, world.services.cases.open_cases),
            (world.web.paired, world.web.adopted, world.web.discarded, lines, sent),
            core.listener.events,
        )
    )


async def test_a_dry_run_changes_nothing() -> None:
    async with planning() as world:
        people = [
            await world.add(f"Bia {number}", f"11 98765-000{number}", kind) for number, kind in enumerate(KIND, start=1)
        ]
        await world.prepare(people[0], HOSTED, used=True)
        await world.prepare(people[1], OFFICIAL)
        world.zapi.waiting = [waiting(1)]
        await world.core.write_queue.flush()
        before = everything(world)
        for target in KIND:
            made = await world.dry_run(target, *people)
            assert len(made.people) == 3
        for person in people:
            with pytest.raises(Problem):
                await world.planner.require(person.id, person.link.provider)
        await settle()
        await world.core.write_queue.flush()
        assert everything(world) == before
        assert world.zapi.checked, "and yet it asked"


# --- what an approval relies on -------------------------------------------------------------------------------------

Change = Callable[[Planning, Mentorado], Awaitable[None]]


async def _credentials_gone(world: Planning, _ana: Mentorado) -> None:
    world.core.secrets.kept.clear()


async def _refused(world: Planning, _ana: Mentorado) -> None:
    world.meta.report = CredentialReport(valid=False, reason=Reason.TOKEN_INVALID)


async def _other_number(world: Planning, _ana: Mentorado) -> None:
    world.meta.report = world.right("+5511900001234")


async def _link_down(world: Planning, _ana: Mentorado) -> None:
    await world.block(WEB, Blocked(Reason.LOGGED_OUT))


async def _group(world: Planning, _ana: Mentorado) -> None:
    world.switches.group_count += 1


async def _webhooks_off(world: Planning, _ana: Mentorado) -> None:
    await world.listen(on=False)


async def _case(world: Planning, ana: Mentorado) -> None:
    world.services.cases.open(CaseKind.OPTED_OUT, ana.id, "1")
    await world.core.write_queue.flush()


async def _leaves_app(world: Planning, _ana: Mentorado) -> None:
    world.meta.report = world.right("+5511987654321", on_business_app="no")


async def _procedure(world: Planning, ana: Mentorado) -> None:
    world.procedures[ana.id] = under_way(ana, ProcedureKind.RECOVERY)


RELIED_ON: list[Change] = [
    _credentials_gone, _refused, _other_number, _link_down, _group, _webhooks_off, _leaves_app, _procedure,
]  # fmt: skip


async def _message(world: Planning, _ana: Mentorado) -> None:
    world.counts.more += 1


async def _sent(world: Planning, _ana: Mentorado) -> None:
    world.switches.billed.append(Address(AddressKind.PHONE, "+5511900000001"))


async def _agreed(world: Planning, ana: Mentorado) -> None:
    world.agree(ana, f"+551190000{len(world.core.outbound_record.ledger):04}")


async def _tested(world: Planning, ana: Mentorado) -> None:
    await world.tested(ana, ana.link, SmokeTestOutcome.PASSED, world.clock.now())


async def _later(world: Planning, _ana: Mentorado) -> None:
    await world.clock.advance(timedelta(hours=13).total_seconds())


PASSES: list[Change] = [_message, _sent, _agreed, _tested, _later, _case]


async def _ready(world: Planning) -> tuple[Mentorado, SwitchDryRun]:
    ana = await world.add()
    await world.prepare(ana, OFFICIAL, META)
    world.agree(ana, "+5511911111111")
    return ana, await world.dry_run(OFFICIAL, ana)


@given(passing=st.lists(st.sampled_from(PASSES), max_size=6), change=st.sampled_from(RELIED_ON))
def test_only_what_decides_something_asks_for_a_new_dry_run(passing: list[Change], change: Change) -> None:
    async def scenario() -> None:
        async with planning() as world:
            ana, made = await _ready(world)
            for each in passing:
                await each(world, ana)
            assert (await world.dry_run(OFFICIAL, ana)).digest == made.digest
            await change(world, ana)
            assert (await world.dry_run(OFFICIAL, ana)).digest != made.digest

    asyncio.run(scenario())


async def test_another_plan_is_another_approval() -> None:
    async with planning() as world:
        ana, made = await _ready(world)
        assert (await world.dry_run(OFFICIAL, ana)).digest == made.digest
        assert (await world.dry_run(OFFICIAL, ana, wave_size=6)).digest != made.digest
