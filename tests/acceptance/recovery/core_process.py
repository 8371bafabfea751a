"""The core in a process of its own that is killed right after an entry of a journal is on disk.

Run as ``python -m tests.acceptance.recovery.core_process ORDERS``, it reads its settings as the program does and
carries out the orders, for one person after the other, answering every question with yes. It prints a line for each
thing that happens, and ends when its standard input closes. `Application` is the test's end of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import app.bootstrap
import app.core.procedures.recovery
from app.bootstrap import build_services
from app.core.links.reconnect import ReconnectPolicy
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ProcedureChanged, StatusChanged
from app.domain.link_status import LinkState
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.procedure import JournalEntry, Procedure, ProcedureInfo, ProcedureKind, ProcedureState
from app.domain.switch import SwitchPlan, SwitchRun, SwitchRunId
from app.platform.logging import configure_logging
from app.services import Services
from app.settings import read_settings
from app.storage.journal import SqlProcedureJournal

GO_ON: Final = "go_on"
UNDO: Final = "undo"
_TRIES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a program is to do. *wish* is a `ProcedureKind`, `GO_ON` or `UNDO`; *kill_after* counts its own entries."""

    wish: str
    people: Sequence[str]
    kill_after: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    secret: str = ""
    lose_first: bool = False  # have the link tried before, so that it is one that does not come back


class Application:
    """One that runs elsewhere, what it says, and the phones that scan what it shows."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []

    @classmethod
    @asynccontextmanager
    async def started(cls, environment: Mapping[str, str], orders: Orders) -> AsyncIterator[Application]:
        """Start one; it ends with the context, at the latest."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, json.dumps(asdict(orders))),
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        try:
            yield cls(process)
            if process.stdin is not None:
                process.stdin.close()
            async with asyncio.timeout(15):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def news(self) -> AsyncIterator[dict[str, Any]]:
        """What it says, until it has done everything or is dead."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.events.append(value := json.loads(line))
            yield value
            if value["event"] == "all":
                return

    @property
    def killed(self) -> bool:
        return self.process.returncode == -signal.SIGKILL


# --- inside the process -----------------------------------------------------------------------------------------------


class KillingJournal(SqlProcedureJournal):
    """Writes like the real one, and is the last thing this process did once the number of entries is reached."""

    left: int | None = None

    async def begin(self, head: ProcedureInfo, first: JournalEntry) -> None:
        await super().begin(head, first)
        self._count()

    async def append(self, entry: JournalEntry) -> None:
        await super().append(entry)
        self._count()

    def _count(self) -> None:
        if KillingJournal.left is None:
            return
        KillingJournal.left -= 1
        if KillingJournal.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _say(event: str, **values: Any) -> None:
    print(json.dumps({"event": event, **values}), flush=True)  # noqa: T201 - what the test reads


def _on_status(event: StatusChanged) -> None:
    after = event.after
    qr = after.qr.text if after.qr else ""
    _say("status", whom=event.mentorado_id, state=after.state, reason=after.reason, qr=qr)


def _on_procedure(event: ProcedureChanged) -> None:
    procedure = event.procedure
    facts = {step.name: {"state": step.state, **step.facts} for step in procedure.steps}
    _say("procedure", whom=procedure.head.mentorado_id, state=procedure.state, steps=facts)


async def _carry_out(core: Services, orders: Orders, whom: MentoradoId) -> None:
    if orders.wish not in (GO_ON, UNDO):
        await _begin(core, orders, whom)
    elif (found := core.procedures.active(whom)) is None:
        _say("nothing", whom=whom)  # it had come to its end
        return
    elif orders.wish == UNDO:
        await _undo(core, found)
    await _to_its_end(core, orders, whom)
    _say("ended", whom=whom)


async def _begin(core: Services, orders: Orders, whom: MentoradoId) -> None:
    kind = ProcedureKind(orders.wish)
    if kind is ProcedureKind.SWITCH:
        run = await _approved(core, SwitchPlan(target=ProviderKind(orders.facts["to"]), mentorados=(whom,)))
        while core.procedures.active(whom) is None and _is_open(core, run.id):
            await asyncio.sleep(0.001)
    elif kind is ProcedureKind.ROLL_BACK:
        await core.switches.roll_back(whom)
    else:
        if orders.lose_first:
            await _lose(core, whom)
        # The reason passes the lock of an incident: here, many are repaired in a minute.
        await core.procedures.begin(
            kind, whom, facts=orders.facts, secret=orders.secret, override_reason="um de cada vez"
        )


async def _approved(core: Services, plan: SwitchPlan) -> SwitchRun:
    """Approve what a dry run found; what came up meanwhile, as others connect, asks for another dry run."""
    for attempt in range(5):
        made = await core.switches.dry_run(plan)
        try:
            return await core.switches.approve(made, core.switches.confirmation(made))
        except Problem as problem:
            if problem.code is not ProblemCode.SWITCH_CHANGED or attempt == 4:
                raise
            await asyncio.sleep(0.2)
    raise AssertionError


def _is_open(core: Services, run_id: SwitchRunId) -> bool:
    return next(run for run in core.switches.runs if run.id == run_id).is_open


async def _undo(core: Services, procedure: Procedure) -> None:
    try:
        await core.procedures.undo(procedure.head.id)
    except Problem as problem:
        if problem.code is not ProblemCode.NOT_POSSIBLE_NOW:
            raise
        _say("no_way_back", whom=procedure.head.mentorado_id)


async def _to_its_end(core: Services, orders: Orders, whom: MentoradoId) -> None:
    tries = 0
    while (procedure := core.procedures.active(whom)) is not None:
        if procedure.state is ProcedureState.ASKING:
            await core.procedures.confirm(procedure.head.id)
        elif procedure.state in (ProcedureState.PAUSED, ProcedureState.FAILED):
            tries += 1
            if tries > _TRIES:
                raise RuntimeError(f"it does not end: {procedure}")
            await core.procedures.resume(procedure.head.id, secret=orders.secret)
        await asyncio.sleep(0.02)


async def _lose(core: Services, whom: MentoradoId) -> None:
    link = core.mentorados.get(whom).link
    await core.supervisor.connect(whom)
    while core.supervisor.status(link.id).state is not LinkState.RECONNECTING:
        await asyncio.sleep(0.02)


async def _main() -> None:
    orders = Orders(**json.loads(sys.argv[1]))
    settings = read_settings()
    configure_logging(settings.log_file)
    setattr(app.bootstrap, "SqlProcedureJournal", KillingJournal)  # noqa: B010 - the name is the program's, the class ours
    setattr(app.core.procedures.recovery, "SOFT_TRIES", 1)  # noqa: B010 - how often is another test's business
    core = build_services(settings, policy=ReconnectPolicy(first=0.05, factor=1.0, grace=0.1))
    core.bus.subscribe(StatusChanged, _on_status)
    core.bus.subscribe(ProcedureChanged, _on_procedure)
    async with core.running():  # in the order of the window
        await core.open()
        KillingJournal.left = orders.kill_after  # what others left open has been taken up, and is not counted
        await core.supervisor.start_enabled()
        for whom in orders.people:
            await _carry_out(core, orders, MentoradoId(whom))
        _say("all")
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
