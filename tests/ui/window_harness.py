"""A whole window over the real core, with made-up people: what the tests look into and the gallery photographs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.core.backups import BackupService
from app.core.csv_import import CsvImportService
from app.core.event_bus import EventBus
from app.core.procedures.service import ProcedureService
from app.core.secret_service import SecretService
from app.domain.events import (
    HandlingChanged,
    MentoradoAdded,
    MentoradoChanged,
    MentoradosLoaded,
    NotesChanged,
    SnoozesChanged,
    StatusChanged,
)
from app.domain.link_status import (
    Evidence,
    LinkState,
    LinkStatus,
    QrCode,
    Reason,
    Retry,
    SendCapability,
)
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Provider
from app.ui.action_runner import ActionRunner
from app.ui.appearance import Preferences
from app.ui.async_slots import cancel_slots
from app.ui.audit.page import AuditPage
from app.ui.detail_pane.pane import DetailPane
from app.ui.main_window import MainWindow
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.navigation import SETTINGS, PageSpec
from app.ui.settings.page import SettingsPage
from app.ui.theme.theme import Mode, Theme
from tests.clock import ManualClock, StillClock
from tests.fake_providers import FakeProvider
from tests.fakes import FakeMentoradoRepository
from tests.services import ServicesInMemory
from tests.ui.settings.harness import SettingsHarness
from tests.waiting import until

NOON = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
CREDENTIAL = "2@not-to-be-shown-anywhere,second,third"
COHORTS = ("Turma 12", "Turma 13", "Turma 14", "Mentoria individual", "")

_FIRST = """
Ana Clara, André, Antônia, Beatriz, Bruno, Caio, Camila, Carlos Eduardo, Cecília, Davi, Débora, Diego, Eduarda,
Fábio, Fernanda, Flávia, Gabriel, Gustavo, Helena, Heloísa, Igor, Inês, Isabela, João Pedro, Joaquim, Júlia,
Larissa, Laura, Leonardo, Letícia, Lívia, Luan, Lucas, Luíza, Maitê, Márcio, Marina, Mateus, Otávio, Paula,
Pedro Henrique, Rafael, Raquel, Renata, Ricardo, Sofia, Thiago, Valentina, Vinícius, Yasmin
"""
_LAST = """
Almeida, Aragão, Assunção, Azevêdo, Barbosa, Brandão, Cavalcanti, Conceição, Coutinho, de Araújo, de Sá, Drummond,
Estêvão, Falcão, Figueirêdo, Galvão, Gonçalves, Guimarães, Holanda, Jardim, Lacerda, Magalhães, Muniz, Nóbrega,
Paixão, Peixoto, Prates, Queirós, Rebouças, Sampaio, Siqueira, Tavares, Torquato, Valadão, Xavier
"""
FIRST_NAMES, LAST_NAMES = ([name.strip() for name in names.split(",")] for names in (_FIRST, _LAST))


def person(number: int) -> Mentorado:
    """Somebody made up; the same *number* gives the same one, and no phone has such a number."""
    name = f"{FIRST_NAMES[number * 7 % len(FIRST_NAMES)]} {LAST_NAMES[number * 11 % len(LAST_NAMES)]}"
    mentorado_id = MentoradoId(f"{number:032x}")
    area = (11, 21, 31, 41, 51, 61, 71, 81, 85, 98)[number % 10]
    return Mentorado(
        id=mentorado_id,
        name=name,
        phone=PhoneNumber(f"+55{area}90000{number:04d}"),
        cohort=COHORTS[number % len(COHORTS)],
        created_at=NOON - timedelta(days=90),
        link=Link(
            id=LinkId(f"{number + 0x1000:032x}"),
            mentorado_id=mentorado_id,
            provider=(ProviderKind.WHATSAPP_WEB, ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI)[number % 3],
        ),
    )


def status(number: int) -> LinkStatus | None:
    """How the link of that person stands: most are connected, and every kind of trouble is somewhere."""
    ago = timedelta(seconds=20 + number * number * 37 % 30_000)
    evidence = Evidence(last_observation=NOON - ago)
    if number % 13 == 3:
        return None
    troubles = {
        4: LinkStatus(
            state=LinkState.QR_READY,
            since=NOON - timedelta(seconds=20),
            qr=QrCode(
                text=CREDENTIAL,
                number=2,
                total=6,
                issued_at=NOON - timedelta(seconds=6),
                expires_at=NOON + timedelta(seconds=14),
            ),
        ),
        9: LinkStatus(
            state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=NOON - timedelta(days=2), evidence=evidence
        ),
        17: LinkStatus(state=LinkState.RECONNECTING, since=NOON - ago, retry=Retry(2, NOON + timedelta(seconds=8))),
        22: LinkStatus(
            state=LinkState.CONNECTED,
            since=NOON - ago,
            capability=SendCapability.RESTRICTED,
            until=NOON + timedelta(hours=2),
            evidence=evidence,
        ),
        30: LinkStatus(
            state=LinkState.BLOCKED,
            reason=Reason.TEMPORARY_BAN,
            since=NOON - ago,
            until=NOON + timedelta(days=3),
            evidence=evidence,
        ),
        38: LinkStatus(state=LinkState.BLOCKED, reason=Reason.PASSKEY_REQUIRED, since=NOON - ago),
        45: LinkStatus(state=LinkState.UNKNOWN, since=NOON - ago),
        51: LinkStatus(state=LinkState.CONNECTING, since=NOON),
        60: LinkStatus(state=LinkState.BLOCKED, reason=Reason.CLIENT_OUTDATED, since=NOON - ago),
        72: LinkStatus(
            state=LinkState.BLOCKED,
            reason=Reason.WRONG_ACCOUNT,
            since=NOON - ago,
            account=PhoneNumber("+5511900009999"),
        ),
        80: LinkStatus(state=LinkState.BLOCKED, reason=Reason.QR_EXPIRED, since=NOON - ago),
        91: LinkStatus(state=LinkState.CONNECTING, reason=Reason.WAITING_TURN, since=NOON - ago),
    }
    if number in troubles:
        return troubles[number]
    if number % 29 == 5:
        return LinkStatus(state=LinkState.BLOCKED, reason=Reason.STREAM_REPLACED, since=NOON - ago, evidence=evidence)
    return LinkStatus(
        state=LinkState.CONNECTED,
        since=NOON - timedelta(days=1),
        capability=SendCapability.OK,
        evidence=replace(evidence, connected_since=NOON - timedelta(days=1), last_inbound=NOON - ago),
    )


@dataclass
class WindowHarness:
    """The window and everything under it. Made on a running loop; `close` before the loop ends."""

    folder: Path
    people: Sequence[Mentorado] = ()
    theme: Theme = field(default_factory=lambda: Theme(Mode.LIGHT))
    clock: StillClock | ManualClock = field(default_factory=lambda: StillClock(NOON))
    bus: EventBus = field(default_factory=EventBus)
    provider: FakeProvider = field(default_factory=FakeProvider)
    hosted: Mapping[ProviderKind, Provider] = field(default_factory=dict)
    procedures: ProcedureService | None = None
    backups: BackupService | None = None
    opened: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        core = ServicesInMemory(
            self.clock,
            bus=self.bus,
            provider=self.provider,
            hosted=self.hosted,
            mentorado_repository=FakeMentoradoRepository(*self.people),
            fake_procedures=self.procedures,
        )
        self.core, self.log, self.audit, self.audit_service = core, core.log, core.audit, core.audit_service
        self.mentorado_repository, self.mentorados = core.mentorado_repository, core.mentorados
        self.providers, self.supervisor = core.providers, core.supervisor
        self.incidents, self.actions = core.incidents, core.actions
        self.model = MentoradoListModel(self.clock)
        self.bus.subscribe(MentoradosLoaded, self.model.on_loaded)
        self.bus.subscribe(MentoradoAdded, self.model.on_added)
        self.bus.subscribe(MentoradoChanged, self.model.on_changed)
        self.bus.subscribe(StatusChanged, self.model.on_status)
        self.bus.subscribe(HandlingChanged, self.model.on_handling)
        self.bus.subscribe(NotesChanged, self.model.on_notes)
        snoozes = core.services.snoozes
        self.bus.subscribe(SnoozesChanged, lambda _event: self.model.show_snoozed(snoozes.snoozed_mentorados()))
        self.preferences = Preferences(self.folder / "window.ini")
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self.theme.apply(app)
        self.window = MainWindow(theme=self.theme, preferences=self.preferences, model=self.model)
        self.runner = ActionRunner(
            theme=self.theme,
            bus=self.bus,
            clock=self.clock,
            actions=self.actions,
            mentorados=self.mentorados,
            supervisor=self.supervisor,
            incidents=self.incidents,
            hosted=core.provider_setup,
            smoke_tests=core.smoke_tests,
            outbound=core.outbound,
            switches=core.switches,
            secret_service=SecretService(secrets=core.secrets, audit_service=core.audit_service),
            troubleshooting=core.services.troubleshooting,
            passkeys=core.services.passkeys,
            notes=core.notes,
            handlings=core.handlings,
            bulk_work=core.bulk_work,
            snoozes=core.services.snoozes,
            procedures=self.procedures,
            backups=self.backups,
            open_folder=self.opened.append,
            parent=self.window,
        )
        self.window.attach(
            runner=self.runner,
            csv_import=CsvImportService(mentorados=self.mentorados, audit_service=self.audit_service),
            make_pane=self._make_pane,
            pages=(
                PageSpec("audit", "ledger", self._make_audit_page),
                PageSpec(SETTINGS, "sliders", self._make_settings_page),
            ),
        )

    @cached_property
    def settings_harness(self) -> SettingsHarness:
        """Made when it is first needed: its services listen, too."""
        return SettingsHarness(
            folder=self.folder,
            bus=self.bus,
            clock=self.clock,
            mentorados=self.mentorados,
            audit_service=self.audit_service,
            smoke_tests=self.core.smoke_tests,
            status=self.supervisor.status,
        )

    async def load(self, *statuses: LinkStatus | None) -> None:
        """Read the roster, then observe *statuses* in its order."""
        await self.mentorados.load()
        for mentorado, observed in zip(self.people, statuses, strict=False):
            if observed is not None:
                self.observe(mentorado, observed)
        self.model.flush()

    def observe(self, mentorado: Mentorado, observed: LinkStatus) -> None:
        """Let this be true of the link from now on."""
        self.supervisor._board.restore(mentorado.link, observed)

    async def show(self) -> None:
        """Bring the window on the screen, pane and all."""
        self.window.show()
        await until(lambda: self.window._pane is not None, within=5)
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Take everything down in the program's own order."""
        await cancel_slots()
        self.window.finish()
        self.window.deleteLater()

    def _make_pane(self) -> DetailPane:
        return DetailPane(
            theme=self.theme,
            bus=self.bus,
            mentorados=self.mentorados,
            supervisor=self.supervisor,
            actions=self.actions,
            runner=self.runner,
            history=self.log,
            clock=self.clock,
        )

    def _make_settings_page(self) -> SettingsPage:
        return SettingsPage(theme=self.theme, sections=self.settings_harness.sections(self.theme))

    def _make_audit_page(self) -> AuditPage:
        return AuditPage(
            theme=self.theme,
            audit=self.audit,
            people=self.mentorados.all,
            audit_service=self.audit_service,
            clock=self.clock,
            undo_of=self.window.controller.undo.undo_of,
        )
