"""The services of the program in memory: real ones, over fakes of storage and of the far ends, and the real program."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

from app import bootstrap
from app.core.event_bus import EventBus
from app.core.links.reconnect import ReconnectPolicy
from app.core.procedures.service import ProcedureService
from app.core.procedures.steps import Step
from app.domain.actions import ActionName
from app.domain.audit import Actor
from app.domain.events import (
    DeliverySetAside,
    Event,
    IncidentBegan,
    IncidentChanged,
    IncidentEnded,
    MentoradoAdded,
    MentoradoChanged,
    MentoradosLoaded,
    MessagesStored,
    PairingQueueChanged,
    ProcedureChanged,
    StatusChanged,
    StorageFailed,
    StorageRecovered,
)
from app.domain.link_status import LinkStatus
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.procedure import Procedure, ProcedureKind
from app.domain.provider import Provider
from app.domain.repositories import CheckedClock, Clock, ProviderTime
from app.ports import Ports
from app.services import Services
from app.settings import Settings
from tests.clock import ManualClock, settle
from tests.fake_audit import FakeAuditLog, somebody
from tests.fake_figures import FakeFigures
from tests.fake_outbound import FakeOutbound, FakeSmokeTests, FakeSwitches
from tests.fake_providers import FakeProvider, FakeSecretStore, FakeTries
from tests.fakes import (
    FakeBackups,
    FakeBulkWork,
    FakeCases,
    FakeChecks,
    FakeCounts,
    FakeHandlings,
    FakeHistory,
    FakeJournal,
    FakeLocks,
    FakeMentoradoRepository,
    FakeNotes,
    FakeProviderTime,
    FakeSettings,
    FakeSnoozes,
    FakeTimeRecords,
    FakeTransitionLog,
)

NO_FOLDER = Path("/dev/null/nowhere")
"""Where nothing can be: what is in memory touches no file."""


class Listener:
    """Remembers every fact the bus told."""

    def __init__(self, bus: EventBus) -> None:
        self.events: list[Event] = []
        for kind in (
            MentoradosLoaded,
            MentoradoAdded,
            MentoradoChanged,
            StatusChanged,
            MessagesStored,
            DeliverySetAside,
            PairingQueueChanged,
            ProcedureChanged,
            StorageFailed,
            StorageRecovered,
            IncidentBegan,
            IncidentChanged,
            IncidentEnded,
        ):
            bus.subscribe(kind, self.events.append)

    def states(self) -> list[str]:
        """The states a badge would have shown, repeats left out."""
        shown = [event.after.state for event in self.events if isinstance(event, StatusChanged)]
        return [state for index, state in enumerate(shown) if index == 0 or shown[index - 1] != state]


@dataclass
class ServicesInMemory:
    """The services of the core, wired by the program, over fakes that keep everything in memory."""

    clock: CheckedClock
    provider: FakeProvider = field(default_factory=FakeProvider)
    mentorado_repository: FakeMentoradoRepository = field(default_factory=FakeMentoradoRepository)
    log: FakeTransitionLog = field(default_factory=FakeTransitionLog)
    audit: FakeAuditLog = field(default_factory=FakeAuditLog)
    history: FakeHistory = field(default_factory=FakeHistory)
    checks: FakeChecks = field(default_factory=FakeChecks)
    journal: FakeJournal = field(default_factory=FakeJournal)
    locks: FakeLocks = field(default_factory=FakeLocks)
    backups: FakeBackups = field(default_factory=FakeBackups)
    smoke_test_record: FakeSmokeTests = field(default_factory=FakeSmokeTests)
    outbound_record: FakeOutbound = field(default_factory=FakeOutbound)
    note_record: FakeNotes = field(default_factory=FakeNotes)
    handling_record: FakeHandlings = field(default_factory=FakeHandlings)
    bulk_record: FakeBulkWork = field(default_factory=FakeBulkWork)
    secrets: FakeSecretStore = field(default_factory=FakeSecretStore)
    switch_record: FakeSwitches = field(default_factory=FakeSwitches)
    figure_record: FakeFigures = field(default_factory=FakeFigures)
    tries: FakeTries = field(default_factory=FakeTries)
    bus: EventBus = field(default_factory=EventBus)
    policy: ReconnectPolicy = field(default_factory=lambda: ReconnectPolicy(random=lambda _low, high: high))

    actor: Callable[[], Actor] = somebody
    hosted: Mapping[ProviderKind, Provider] = field(default_factory=dict)
    fake_procedures: ProcedureService | None = None
    folder: Path = NO_FOLDER

    def __post_init__(self) -> None:
        self.providers: dict[ProviderKind, Provider] = {ProviderKind.WHATSAPP_WEB: self.provider, **self.hosted}
        self.listener = Listener(self.bus)
        self.services = services = self.with_steps(self.steps())
        self.write_queue, self.audit_service = services.write_queue, services.audit_service
        self.mentorados, self.supervisor = services.mentorados, services.supervisor
        self.incidents, self.actions = services.incidents, services.actions
        self.outbound, self.smoke_tests = services.outbound, services.smoke_tests
        self.provider_setup = services.hosted
        self.procedures, self.switches = services.procedures, services.switches
        self.notes, self.handlings, self.bulk_work = services.notes, services.handlings, services.bulk_work

    def steps(self) -> Iterable[Step] | None:
        """The steps of procedures; None are the program's."""
        return None

    def with_steps(self, steps: Iterable[Step] | None) -> Services:
        """All services anew, with procedures made of *steps*."""
        return bootstrap.build_services(
            Settings(data_dir=self.folder, session_dir=self.folder),
            bus=self.bus,
            clock=self.clock,
            policy=self.policy,
            provider_time=FakeProviderTime(),
            actor=self.actor,
            zones=lambda _address: [UTC],
            ports=Ports(
                providers=self.providers,
                checks=self.checks,
                time_records=FakeTimeRecords(),
                mentorados=self.mentorado_repository,
                transitions=self.log,
                audit=self.audit,
                settings=FakeSettings(),
                snoozes=FakeSnoozes(),
                messages=self.history,
                counts=FakeCounts(),
                journal=self.journal,
                locks=self.locks,
                backups=self.backups,
                consents=self.outbound_record,
                contacts=self.outbound_record,
                outbound=self.outbound_record,
                smoke_tests=self.smoke_test_record,
                cases=FakeCases(),
                notes=self.note_record,
                handlings=self.handling_record,
                bulk_work=self.bulk_record,
                switches=self.switch_record,
                figures=self.figure_record,
                secrets=self.secrets,
                registration_attempts=self.tries,
                steps=steps,
                procedures=self.fake_procedures,
            ),
        )

    def status(self, mentorado: Mentorado) -> LinkStatus:
        return self.supervisor.status(mentorado.link.id)

    async def add(self, name: str = "Ana", phone: str = "11 98765-4321") -> Mentorado:
        return await self.mentorados.add(name, phone)

    async def do(self, name: ActionName, mentorado: Mentorado, answer: bool = True) -> None:
        async def confirm(_name: ActionName, _mentorado: Mentorado) -> bool:
            return answer

        if name is ActionName.REAUTHENTICATE:
            await self._reauthenticate(mentorado, answer)
        else:
            await self.actions.run(name, mentorado.id, confirm)
        await settle()

    async def _reauthenticate(self, mentorado: Mentorado, answer: bool) -> None:
        """As far as the code, for those who say yes when they are told what cannot be undone."""
        asking = await self.begin(ProcedureKind.REAUTHENTICATION, mentorado)
        if asking.must_confirm:
            await (self.procedures.confirm if answer else self.procedures.undo)(asking.head.id)
        await self.stands(mentorado)

    async def begin(self, kind: ProcedureKind, mentorado: Mentorado, **how: Any) -> Procedure:
        """Begin a procedure, and let it go as far as it goes without a person or the wire."""
        await self.procedures.begin(kind, mentorado.id, **how)
        return await self.stands(mentorado)

    async def stands(self, mentorado: Mentorado) -> Procedure:
        """The procedure of *enrolment* that was begun last, once nothing moves by itself any more."""
        await settle(200)
        return (await self.procedures.latest(mentorado.id))[0]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.supervisor, self.procedures:
            yield
            await settle()


@dataclass
class Core(ServicesInMemory):
    """The same with a clock that a test moves."""

    clock: ManualClock


def build_services(
    data_dir: Path, *, clock: Clock | None = None, provider_time: ProviderTime | None = None
) -> Services:
    """Every service of the real program over *data_dir*, with its sessions below it. Nothing is opened yet."""
    settings = Settings(data_dir=data_dir, session_dir=data_dir / "sessions")
    return bootstrap.build_services(settings, clock=clock, provider_time=provider_time)
