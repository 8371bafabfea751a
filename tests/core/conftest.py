"""The core with its real parts; the provider, the disk and the clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.core.action import ActionName
from app.core.actions import Actions
from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.intake import HistoryKeeper
from app.core.links.backoff import ReconnectPolicy
from app.core.links.incident import Incidents
from app.core.links.supervisor import Supervisor
from app.core.procedure.ledger import Ledger
from app.core.procedure.procedures import Procedures
from app.core.procedure.reauthentication import Reauthentication
from app.core.procedure.record import Recorder
from app.core.procedure.recovery import Recovery
from app.core.procedure.smoke_check import SmokeCheck
from app.core.procedure.step import Step
from app.core.scribe import Scribe
from app.core.witness import Witness
from app.domain.connection import LinkStatus
from app.domain.events import (
    DeliverySetAside,
    Event,
    HistoryGrew,
    IncidentBegan,
    IncidentChanged,
    IncidentEnded,
    MentoradoAdded,
    MentoradoChanged,
    MentoradosLoaded,
    PairingTurnChanged,
    ProcedureChanged,
    StatusChanged,
    StorageFailed,
    StorageRecovered,
)
from app.domain.mentorado import Enrolment, ProviderKind
from app.domain.procedure import Procedure, ProcedureKind
from app.domain.provider import Provider
from tests.clock import ManualClock, settle
from tests.played import (
    PlayedAudit,
    PlayedBackups,
    PlayedChecks,
    PlayedCounts,
    PlayedHistory,
    PlayedJournal,
    PlayedLocks,
    PlayedLog,
    PlayedProvider,
    PlayedRoster,
    somebody,
)


class Listener:
    """Remembers every fact the bus told."""

    def __init__(self, bus: Bus) -> None:
        self.heard: list[Event] = []
        for kind in (
            MentoradosLoaded,
            MentoradoAdded,
            MentoradoChanged,
            StatusChanged,
            HistoryGrew,
            DeliverySetAside,
            PairingTurnChanged,
            ProcedureChanged,
            StorageFailed,
            StorageRecovered,
            IncidentBegan,
            IncidentChanged,
            IncidentEnded,
        ):
            bus.subscribe(kind, self.heard.append)

    def states(self) -> list[str]:
        """The states a badge would have shown, repeats left out."""
        shown = [event.after.state for event in self.heard if isinstance(event, StatusChanged)]
        return [state for index, state in enumerate(shown) if index == 0 or shown[index - 1] != state]


@dataclass
class Core:
    """Everything a test of the core needs, wired as the program wires it."""

    clock: ManualClock
    provider: PlayedProvider = field(default_factory=PlayedProvider)
    roster: PlayedRoster = field(default_factory=PlayedRoster)
    log: PlayedLog = field(default_factory=PlayedLog)
    audit: PlayedAudit = field(default_factory=PlayedAudit)
    history: PlayedHistory = field(default_factory=PlayedHistory)
    checks: PlayedChecks = field(default_factory=PlayedChecks)
    journal: PlayedJournal = field(default_factory=PlayedJournal)
    locks: PlayedLocks = field(default_factory=PlayedLocks)
    backups: PlayedBackups = field(default_factory=PlayedBackups)
    bus: Bus = field(default_factory=Bus)
    policy: ReconnectPolicy = field(default_factory=lambda: ReconnectPolicy(draw=lambda _low, high: high))

    hosted: Mapping[ProviderKind, Provider] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.providers: dict[ProviderKind, Provider] = {ProviderKind.WHATSAPP_WEB: self.provider, **self.hosted}
        self.listener = Listener(self.bus)
        self.scribe = Scribe(bus=self.bus, clock=self.clock)
        self.witness = Witness(audit=self.audit, scribe=self.scribe, clock=self.clock, actor=somebody)
        self.enrolments = Enrolments(bus=self.bus, roster=self.roster, clock=self.clock, witness=self.witness)
        self.supervisor = Supervisor(
            bus=self.bus,
            providers=self.providers,
            enrolments=self.enrolments,
            transitions=self.log,
            keeper=HistoryKeeper(bus=self.bus, store=self.history, clock=self.clock),
            clock=self.clock,
            scribe=self.scribe,
            policy=self.policy,
        )
        self.incidents = Incidents(
            bus=self.bus,
            enrolments=self.enrolments,
            checks=self.checks,
            clock=self.clock,
            bring_back=self.supervisor.bring_back,
        )
        self.actions = Actions(
            enrolments=self.enrolments,
            supervisor=self.supervisor,
            clock=self.clock,
            witness=self.witness,
            incidents=self.incidents,
            under_way=lambda mentorado_id: self.procedures.of(mentorado_id),  # noqa: PLW0108 - made below
            interrupt=lambda mentorado_id: self.procedures.pause_of(mentorado_id),  # noqa: PLW0108
        )
        self.procedures = self._procedures()

    def status(self, enrolment: Enrolment) -> LinkStatus:
        return self.supervisor.status(enrolment.link.id)

    async def add(self, name: str = "Ana", phone: str = "11 98765-4321") -> Enrolment:
        return await self.enrolments.add(name, phone)

    async def do(self, name: ActionName, enrolment: Enrolment, answer: bool = True) -> None:
        async def confirm(_name: ActionName, _enrolment: Enrolment) -> bool:
            return answer

        if name is ActionName.REAUTHENTICATE:
            await self._reauthenticate(enrolment, answer)
        else:
            await self.actions.run(name, enrolment.mentorado.id, confirm)
        await settle()

    async def _reauthenticate(self, enrolment: Enrolment, answer: bool) -> None:
        """As far as the code, for those who say yes when they are told what cannot be undone."""
        asking = await self.begin(ProcedureKind.REAUTHENTICATION, enrolment)
        if asking.must_confirm:
            await (self.procedures.confirm if answer else self.procedures.undo)(asking.head.id)
        await self.stands(enrolment)

    async def begin(self, kind: ProcedureKind, enrolment: Enrolment, **how: Any) -> Procedure:
        """Begin a procedure, and let it go as far as it goes without a person or the wire."""
        await self.procedures.begin(kind, enrolment.mentorado.id, **how)
        return await self.stands(enrolment)

    async def stands(self, enrolment: Enrolment) -> Procedure:
        """The procedure of *enrolment* that was begun last, once nothing moves by itself any more."""
        await settle(200)
        return (await self.procedures.latest(enrolment.mentorado.id))[0]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.supervisor, self.procedures:
            yield
            await settle()

    def _procedures(self) -> Procedures:
        everybody: dict[str, Any] = {
            "enrolments": self.enrolments,
            "supervisor": self.supervisor,
            "providers": self.providers,
        }
        heard: dict[str, Any] = {"bus": self.bus, "clock": self.clock}
        recovery = Recovery(incidents=self.incidents, backups=self.backups, **everybody, **heard)
        pairing = Reauthentication(no_pairing=self.actions.no_pairing, **everybody, **heard)
        smoke_check = SmokeCheck(note=lambda: "Conecta: teste", **everybody)
        return self.procedures_of([*recovery.steps(), *pairing.steps(), smoke_check.step()])

    def procedures_of(self, steps: Iterable[Step]) -> Procedures:
        """Procedures made of these *steps*."""
        return Procedures(
            journal=self.journal,
            steps=steps,
            ledger=Ledger(
                enrolments=self.enrolments, providers=self.providers, history=PlayedCounts(), journal=self.journal
            ),
            recorder=Recorder(
                witness=self.witness,
                audit=self.audit,
                enrolments=self.enrolments,
                status=self.supervisor.status,
                clear=self.backups.discard_part,
            ),
            require=lambda name, who, why: self.actions.require(name, who, override_reason=why),
            locks=self.locks,
            bus=self.bus,
            clock=self.clock,
        )


@pytest.fixture
def core(manual_clock: ManualClock) -> Core:
    return Core(manual_clock)


Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture
def run() -> Run:
    """Run a coroutine to its end, with a hard limit."""

    def go(main: Coroutine[Any, Any, None]) -> None:
        async def limited() -> None:
            async with asyncio.timeout(30):
                await main

        asyncio.run(limited())

    return go
