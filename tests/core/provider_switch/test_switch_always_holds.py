"""Whatever is done, fails or ends in whatever order: one provider carries the messages, and it is one that worked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason, SmokeTestOutcome
from app.domain.mentorado import LinkId, Mentorado, ProviderKind
from app.domain.provider import Blocked, Connected, ConnectionEvent, Lost, QrScanned
from app.domain.sending import OutgoingMessage
from app.domain.switch import SwitchItemState, SwitchPlan
from tests.clock import ManualClock, settle
from tests.core.provider_switch.switching import ALL, Switching

pytestmark = pytest.mark.slow

STEPS = (
    *["switch"] * 4,
    *["roll_back"] * 2,
    "scan",
    "pause",
    "resume",
    "undo",
    "go_on",
    "retry",
    "stop",
    "release",
    "write",
    "target_fails",
    "current_falls",
    "answers_stop",
    "answers_come",
    "messages_refused",
    "messages_taken",
    "disk_full",
    "disk_well",
    "later",
    "restart",
)


@dataclass
class Watched:
    """One mentorado, and what is looked at after every journal entry and at every message."""

    core: Switching
    ana: Mentorado
    worked: set[LinkId] = field(default_factory=set)  # links that were in use first, or whose smoke test passed
    wrong: list[str] = field(default_factory=list)

    def look(self, what: str) -> None:
        stored = self.core.mentorado_repository
        in_use = stored.links[self.ana.id]
        if in_use.id in stored.beside or not in_use.in_use or any(each.in_use for each in stored.beside.values()):
            self.wrong.append(f"{what}: not exactly one link is in use")
        test = self.core.smoke_tests.last(self.ana.id, in_use.id)
        if test is not None and test.outcome is SmokeTestOutcome.PASSED:
            self.worked.add(in_use.id)
        if in_use.id not in self.worked:
            self.wrong.append(f"{what}: {in_use.provider} carries the messages and was never tested")

    def sent(self, mentorado: Mentorado, message: OutgoingMessage) -> None:
        in_use = self.core.mentorado_repository.links[mentorado.id].id
        if mentorado.link.id != in_use and message.text == "Bom dia":
            self.wrong.append(f"{mentorado.link.provider} sends and is not in use")

    def disk(self, problem: Problem | None) -> None:
        """Every write raises *problem* from now on."""
        self.core.journal.problem = self.core.switch_record.problem = problem
        self.core.mentorado_repository.problem = problem

    @asynccontextmanager
    async def after_a_start(self) -> AsyncIterator[_Person]:
        """The program, started over what the last one left on a disk that works again, with somebody at it."""
        self.disk(None)
        self.core = self.core.again()
        self.core.journal.on_entry = lambda entry: self.look(f"{entry.kind} {entry.step}")
        self.core.mentorado_repository.on_put_in_use = lambda link: self.look(f"{link.provider} put in use")
        for played in self.core.played.values():
            played.on_sent = self.sent
        async with self.core.at_work():
            await self.core.supervisor.start_enabled()
            person = _Person(self)
            try:
                yield person
            finally:
                await person.leave()


class _Person:
    """Does one thing after the other, without waiting for it to end."""

    def __init__(self, world: Watched) -> None:
        self._world = world
        self._core = world.core
        self._doing: set[asyncio.Task[None]] = set()

    def begin(self, step: str, target: ProviderKind) -> None:
        task = asyncio.get_running_loop().create_task(self._do(step, target))
        self._doing.add(task)

    async def leave(self) -> None:
        for task in self._doing:
            task.cancel()
        for result in await asyncio.gather(*self._doing, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, Problem):
                raise result

    async def _do(self, step: str, target: ProviderKind) -> None:
        asking: dict[str, Callable[[], Awaitable[object]]] = {
            "switch": partial(self._switch, target),
            "scan": self._scan,
            "write": partial(self._core.write, self._world.ana),
            "later": partial(self._core.clock.advance, 400),
            "roll_back": partial(self._core.switches.roll_back, self._world.ana.id),
            "release": partial(self._core.switches.release, self._world.ana.id),
        }
        await asking.get(step, partial(self._do_plainly, step))()

    async def _switch(self, target: ProviderKind) -> None:
        await self._core.approved(SwitchPlan(target=target, mentorados=(self._world.ana.id,)))

    async def _scan(self) -> None:
        beside = self._core.mentorados.links_beside(self._world.ana.id)
        if any(self._core.supervisor.status(link.id).state is LinkState.QR_READY for link in beside):
            self._say_beside(QrScanned(self._world.ana.phone), Connected(self._world.ana.phone))

    def _say_beside(self, *signals: ConnectionEvent) -> None:
        for link in self._core.mentorados.links_beside(self._world.ana.id):
            if line := self._core.played[link.provider].open.get(link.id):
                line.say(*signals)

    async def _do_plainly(self, step: str) -> None:
        core, ana = self._core, self._world.ana
        active, runs = core.procedures.active(ana.id), core.switches.runs
        if step in ("pause", "undo", "go_on") and active is not None:
            procedures = core.procedures
            await {"pause": procedures.pause, "undo": procedures.undo, "go_on": procedures.resume}[step](active.head.id)
        elif step in ("resume", "retry", "stop") and runs:
            switches = core.switches
            await {"resume": switches.resume, "retry": switches.retry, "stop": switches.stop}[step](runs[0].id)
        elif step == "target_fails":
            self._say_beside(Blocked(Reason.BILLING))
        elif step == "current_falls":
            link = core.mentorados.get(ana.id).link
            if line := core.played[link.provider].open.get(link.id):
                line.say(Lost(Reason.NETWORK_DOWN))
        elif step == "answers_stop":
            core.smoke_test_record.silent.add(ana.id)
        elif step == "answers_come":
            core.smoke_test_record.silent.clear()
        elif step in ("messages_refused", "messages_taken"):
            for played in core.played.values():
                (played.refuses.add if step == "messages_refused" else played.refuses.discard)(ana.id)
        elif step in ("disk_full", "disk_well"):
            self._world.disk(Problem(ProblemCode.DATABASE_DISK_FULL) if step == "disk_full" else None)


async def _play(steps: Sequence[tuple[str, ProviderKind, int | None]], waits: bool) -> None:
    core = Switching(clock=ManualClock())
    async with core.at_work():
        (ana,) = await core.people(1)
    world = Watched(core, ana, worked={ana.link.id})
    if waits:
        core.played[ProviderKind.ZAPI].waits.add(ana.id)
    left = list(steps)
    while left:
        async with world.after_a_start() as person:
            while left and left[0][0] != "restart":
                step, target, turns = left.pop(0)
                person.begin(step, target)
                await (world.core.moved() if turns is None else settle(turns))
                world.look(step)
            del left[:1]
    async with world.after_a_start():
        await world.core.moved()
        world.look("at the end")
        item = world.core.switches.item_of(ana.id)
        rolling_back = world.core.procedures.active(ana.id)
        if item is not None and item.state is SwitchItemState.SWITCHED and rolling_back is None:
            assert world.core.mentorados.get(ana.id).link.id == item.to_link
    assert world.wrong == []


@pytest.mark.usefixtures("caplog")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(STEPS), st.sampled_from(ALL[1:]), st.sampled_from([0, 3, 20, None, None, None])),
        min_size=1,
        max_size=14,
    ),
    waits=st.booleans(),
)
def test_one_provider_that_worked_carries_the_messages_and_no_other_sends(
    steps: list[tuple[str, ProviderKind, int | None]], waits: bool
) -> None:
    asyncio.run(_play(steps, waits))
