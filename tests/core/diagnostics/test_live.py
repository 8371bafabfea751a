"""Hosts that answer, are silent or ended, through the real bus; a loop that is held up; procedures that wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.diagnostics import live
from app.core.diagnostics.live import ChannelCheck, procedures, responsiveness
from app.domain.diagnosis import Diagnosis, DiagnosisCode
from app.domain.link_status import HostPlacement, LinkState, Reason
from app.domain.loop_block import LoopBlock
from app.domain.mentorado import LinkId
from app.domain.procedure import ProcedureKind
from app.domain.provider import ActivitySeen, Blocked, Failed, HostAnswered, Unreachable
from tests.clock import DAWN, settle
from tests.core.links.connecting import connected
from tests.services import Core

C = DiagnosisCode


class Hosts:
    """The hosts of *links*; those that work answer as the real ones do."""

    def __init__(self, core: Core, *links: LinkId, deaf: bool = False, placed: HostPlacement | None = None) -> None:
        self._core = core
        self._placed = placed
        self._links = links
        self._deaf = deaf

    def ping_hosts(self) -> Sequence[LinkId]:
        if not self._deaf:
            self._core.clock.time += timedelta(milliseconds=3)
            self._core.provider.line.say(HostAnswered(self._core.clock.now(), self._placed))
        return self._links


def check(core: Core, hosts: Hosts) -> ChannelCheck:
    return ChannelCheck(
        bus=core.bus,
        hosts=hosts,
        mentorados=core.mentorados.all,
        name_of=lambda link_id: core.mentorados.through(link_id).name,
        status=core.supervisor.status,
        clock=core.clock,
        within=0.05,
    )


def codes(found: Sequence[Diagnosis]) -> list[DiagnosisCode]:
    return [each.code for each in found]


async def test_a_host_that_answers_is_heard_through_the_bus(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        (found,) = await check(core, Hosts(core, ana.link.id))()
        assert (found.code, found.evidence["count"]) == (C.CHANNEL_FINE, "1")


async def test_a_silent_host_is_named_with_the_age_of_its_last_answer(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        (never,) = await check(core, Hosts(core, ana.link.id, deaf=True))()
        assert (never.code, never.evidence["name"], never.evidence["age"]) == (C.HOST_DEAF, "Ana", "")
        await check(core, Hosts(core, ana.link.id))()
        await core.clock.advance(40)
        (found,) = await check(core, Hosts(core, ana.link.id, deaf=True))()
        assert (found.code, found.evidence["age"]) == (C.HOST_DEAF, "40")


async def test_one_silent_host_among_others_is_found(core: Core) -> None:
    async with core.running():
        bia = await connected(core, "Bia", "21 98765-4321")
        ana = await connected(core)

        class OneAnswers(Hosts):
            def ping_hosts(self) -> Sequence[LinkId]:
                core.provider.line.say(ActivitySeen(core.clock.now(), inbound=True))
                return super().ping_hosts()

        found = await check(core, OneAnswers(core, ana.link.id, bia.link.id))()
        assert [(each.code, each.evidence.get("name")) for each in found] == [
            (C.HOST_DEAF, "Bia"),
            (C.CHANNEL_FINE, None),
        ]


async def test_a_silent_host_that_holds_several_sessions_is_one_finding_that_names_them(core: Core) -> None:
    async with core.running():
        shared = HostPlacement(pid=7, others=1)
        links = []
        for name, phone in (("Bia", "21 98765-4321"), ("Ana", "21 98765-4322")):
            links.append((await connected(core, name, phone)).link.id)
            await check(core, Hosts(core, links[-1], placed=shared))()
        (found,) = await check(core, Hosts(core, *links, deaf=True))()
        assert (found.code, found.evidence["name"]) == (C.HOST_DEAF, "Ana, Bia")


async def test_a_host_that_ended_is_one_finding_for_all_its_sessions(core: Core) -> None:
    async with core.running():
        for name, phone in (("Bia", "21 98765-4321"), ("Ana", "21 98765-4322")):
            await connected(core, name, phone)
            core.provider.line.say(Failed(Reason.HOST_CRASHED, "SIGKILL"))
            await settle()
        (found,) = await check(core, Hosts(core, deaf=True))()
        assert (found.code, found.evidence["detail"]) == (C.HOST_ENDED, "SIGKILL")
        assert sorted(found.evidence["name"].split(", ")) == ["Ana", "Bia"]


async def test_without_an_open_line_there_is_no_channel(core: Core) -> None:
    async with core.running():
        await core.add()
        gone = await core.add("Bia", "21 98765-4321")
        await core.mentorados.archive(gone.id)
        assert codes(await check(core, Hosts(core, deaf=True))()) == [C.CHANNEL_UNUSED]


async def test_a_host_that_ended_is_named_with_what_it_ended_with(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Failed(Reason.HOST_CRASHED, "SIGKILL"))
        await settle()
        assert core.status(ana).reason is Reason.HOST_CRASHED
        (found,) = await check(core, Hosts(core, deaf=True))()
        assert (found.code, found.evidence["detail"]) == (C.HOST_ENDED, "SIGKILL")


async def test_a_hosted_provider_that_is_silent_for_long_is_named(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Unreachable("no answer"))
        await settle()
        assert core.status(ana).state is LinkState.UNKNOWN
        assert codes(await check(core, Hosts(core, deaf=True))()) == [C.CHANNEL_UNUSED]
        core.clock.time += timedelta(minutes=6)
        assert codes(await check(core, Hosts(core, deaf=True))()) == [C.LINK_UNCONFIRMED]


async def test_a_loop_that_is_held_up_is_measured() -> None:
    (fine,) = await responsiveness()
    assert fine.code in (C.LOOP_FINE, C.LOOP_BLOCKED), "the machine of the tests may be busy itself"
    asyncio.get_running_loop().call_later(0.05, time.sleep, live.BLOCKED_SECONDS + 0.1)
    (found,) = await responsiveness()
    assert found.code is C.LOOP_BLOCKED
    assert int(found.evidence["milliseconds"]) > 200


async def test_a_loop_that_was_held_up_earlier_by_its_own_fault_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BLOCKED_SECONDS", 5.0)  # however busy the machine of the tests is
    block = LoopBlock(
        stack=("  app.gui:1 run_gui",), first_at=DAWN, last_at=DAWN, longest=7000, worked=7000, starved=0, count=3
    )
    (found,) = await responsiveness(lambda: [block])
    assert (found.code, found.evidence) == (C.LOOP_WAS_BLOCKED, {"count": "3", "milliseconds": "7000"})
    (found,) = await responsiveness(lambda: [replace(block, starved=6000)])
    assert found.code is C.LOOP_FINE


async def test_procedures_are_told_by_who_must_act(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()

        def found() -> list[DiagnosisCode]:
            return codes(procedures(core.procedures.unfinished(), lambda each: f"of {each.head.mentorado_id}"))

        assert found() == [C.PROCEDURES_FINE]
        procedure = await core.begin(ProcedureKind.REAUTHENTICATION, ana)
        assert procedure.must_confirm
        assert found() == [C.PROCEDURE_WAITS]
        await core.procedures.pause(procedure.head.id)
        assert found() == [C.PROCEDURE_INTERRUPTED]
