"""The services of the program in memory: real ones, over fakes of storage and of the far ends, and the real program."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

from app import bootstrap
from app.bootstrap import Services
from app.core.actions import ActionService
from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.links.incident_detector import IncidentDetector
from app.core.links.ingest import MessageIngestor
from app.core.links.reconnect import ReconnectPolicy
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.outbound.service import OutboundService
from app.core.outbound.smoke_test import SmokeTestService, SmokeTestTexts
from app.core.procedures.auditing import ProcedureAuditor
from app.core.procedures.impact import ImpactService
from app.core.procedures.reauthentication import ReauthenticationSteps
from app.core.procedures.recovery import RecoverySteps
from app.core.procedures.service import ProcedureService
from app.core.procedures.steps import SmokeCheck, Step
from app.core.settings_service import SettingsService
from app.core.write_queue import WriteQueue
from app.domain.actions import ActionName
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
from app.settings import Settings
from tests.clock import ManualClock, settle
from tests.fake_audit import FakeAuditLog, somebody
from tests.fake_providers import FakeProvider
from tests.fakes import (
    FakeBackups,
    FakeChecks,
    FakeCounts,
    FakeHistory,
    FakeJournal,
    FakeLocks,
    FakeMentoradoRepository,
    FakeOutbound,
    FakeSettings,
    FakeSmokeTests,
    FakeTransitionLog,
)


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
    """The services of the core, wired as the program wires them, over fakes that keep everything in memory."""

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
    bus: EventBus = field(default_factory=EventBus)
    policy: ReconnectPolicy = field(default_factory=lambda: ReconnectPolicy(random=lambda _low, high: high))

    hosted: Mapping[ProviderKind, Provider] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.providers: dict[ProviderKind, Provider] = {ProviderKind.WHATSAPP_WEB: self.provider, **self.hosted}
        self.listener = Listener(self.bus)
        self.write_queue = WriteQueue(bus=self.bus, clock=self.clock)
        self.audit_service = AuditService(
            audit=self.audit, write_queue=self.write_queue, clock=self.clock, actor=somebody
        )
        self.mentorados = MentoradoService(
            bus=self.bus,
            mentorado_repository=self.mentorado_repository,
            clock=self.clock,
            audit_service=self.audit_service,
        )
        self.supervisor = Supervisor(
            bus=self.bus,
            providers=self.providers,
            mentorados=self.mentorados,
            transitions=self.log,
            ingestor=MessageIngestor(bus=self.bus, store=self.history, clock=self.clock),
            clock=self.clock,
            write_queue=self.write_queue,
            policy=self.policy,
        )
        self.incidents = IncidentDetector(
            bus=self.bus,
            mentorados=self.mentorados,
            checks=self.checks,
            clock=self.clock,
            bring_back=self.supervisor.reconnect,
        )
        self.actions = ActionService(
            mentorados=self.mentorados,
            supervisor=self.supervisor,
            clock=self.clock,
            audit_service=self.audit_service,
            incidents=self.incidents,
            under_way=lambda mentorado_id: self.procedures.active(mentorado_id),  # noqa: PLW0108 - made below
            interrupt=lambda mentorado_id: self.procedures.pause_active(mentorado_id),  # noqa: PLW0108
            stopped=lambda mentorado_id: self.outbound.stopped(mentorado_id),  # noqa: PLW0108
        )
        self.outbound = OutboundService(
            bus=self.bus,
            mentorados=self.mentorados,
            supervisor=self.supervisor,
            providers=self.providers,
            repository=self.outbound_record,
            history=self.history,
            consents=self.outbound_record,
            audit_service=self.audit_service,
            write_queue=self.write_queue,
            clock=self.clock,
            zones=lambda _address: [UTC],
        )
        self.smoke_tests = SmokeTestService(
            bus=self.bus,
            mentorados=self.mentorados,
            supervisor=self.supervisor,
            outbound=self.outbound,
            unavailable=lambda whose: self.actions.unavailable_reason(ActionName.SMOKE_TEST, whose),
            repository=self.smoke_test_record,
            consents=self.outbound_record,
            settings_service=SettingsService(
                bus=self.bus, store=FakeSettings(), audit_service=self.audit_service, clock=self.clock
            ),
            audit_service=self.audit_service,
            write_queue=self.write_queue,
            clock=self.clock,
            texts=SmokeTestTexts(
                test="teste {}".format, asks_person="responda {}".format, answer="chegou {}".format, consent=str
            ),
        )
        self.procedures = self._procedures()

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

    def _procedures(self) -> ProcedureService:
        everybody: dict[str, Any] = {
            "mentorados": self.mentorados,
            "supervisor": self.supervisor,
            "providers": self.providers,
        }
        fields: dict[str, Any] = {"bus": self.bus, "clock": self.clock}
        recovery = RecoverySteps(incidents=self.incidents, backups=self.backups, **everybody, **fields)
        pairing = ReauthenticationSteps(no_pairing=self.actions.pairing_blocked, **everybody, **fields)
        smoke_check = SmokeCheck(
            note=lambda: "Conecta: teste",
            mentorados=self.mentorados,
            supervisor=self.supervisor,
            outbound=self.outbound,
        )
        return self.procedures_of([*recovery.steps(), *pairing.steps(), smoke_check.step()])

    def procedures_of(self, steps: Iterable[Step]) -> ProcedureService:
        """Procedures made of these *steps*."""
        return ProcedureService(
            journal=self.journal,
            steps=steps,
            ledger=ImpactService(
                mentorados=self.mentorados, providers=self.providers, history=FakeCounts(), journal=self.journal
            ),
            recorder=ProcedureAuditor(
                audit_service=self.audit_service,
                audit=self.audit,
                mentorados=self.mentorados,
                status=self.supervisor.status,
                clear=self.backups.discard_part,
            ),
            require=lambda name, who, why: self.actions.require(name, who, override_reason=why),
            locks=self.locks,
            bus=self.bus,
            clock=self.clock,
        )


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
