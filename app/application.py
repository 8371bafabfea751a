"""Connects the window's widgets to the services, starts both, and stops both in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices

from app.domain.audit import AuditAction
from app.domain.campaign import CampaignId
from app.domain.errors import Problem, ProblemCode
from app.domain.events import (
    BulkWorkChanged,
    CampaignsChanged,
    ClockDoubted,
    HandlingChanged,
    IncidentBegan,
    IncidentChanged,
    IncidentEnded,
    MentoradoAdded,
    MentoradoChanged,
    MentoradosLoaded,
    NotesChanged,
    OutboundStopped,
    ProcedureChanged,
    SnoozesChanged,
    StatusChanged,
    StorageFailed,
    StorageRecovered,
    SwitchesChanged,
)
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address
from app.domain.switch import SwitchRunId
from app.frame import Frame
from app.platform.installation import ProgramFile
from app.ui.action_runner import ActionRunner
from app.ui.async_slots import cancel_slots, timer_beats
from app.ui.crash import CrashReports
from app.ui.desktop.integration import DesktopIntegration
from app.ui.dialogs.lost_database import LostDatabase
from app.ui.fallen import FallenNotice
from app.ui.incident_card import IncidentBanner, IncidentCard
from app.ui.main_window import STORAGE
from app.ui.navigation import CONSENTS, DIAGNOSTICS, HOME, SETTINGS, SWITCHES, PageSpec
from app.ui.notices import (
    BulkWorkBanner,
    CampaignBanner,
    ClockNotice,
    InterruptedBanner,
    PairingQueueBanner,
    SettingsNotice,
)
from app.ui.single_instance import SingleInstance
from app.ui.updated import UpdateNotice, load_the_rest

if TYPE_CHECKING:
    from app.services import Services
    from app.ui.conversations.panel import ConversationsPanel
    from app.ui.detail_pane.pane import DetailPane
    from app.ui.navigation import Page


CHECK_AFTER_SECONDS = 15.0
"""How long after the start it is checked whether all is well: the connections come first."""

OPEN_AGAIN_SECONDS = 3.0
"""How often a database that cannot be opened is tried again; its cause may go away at any moment."""


class Application:
    """One run of the window over the services; starts and stops its parts in order."""

    def __init__(
        self, frame: Frame, core: Services, reports: CrashReports, instance: SingleInstance | None = None
    ) -> None:
        self._core = core
        self._reports = reports
        self._instance = instance
        self._theme = frame.theme
        self.window = window = frame.window
        self._close_asked = asyncio.Event()
        self._asking = False
        window.close_requested.connect(self._on_close_requested)
        if frame.close_asked:
            self._close_asked.set()
        window.crashed.connect(reports.report)
        window.controller.consents_requested.connect(self._show_consents)
        window.controller.switch_requested.connect(self._plan_switch)
        reports.reported.connect(window.show_report)
        core.support_bundle.crash_reports = reports.recorder.reports
        window.bundle_requested.connect(self._prepare_bundle)
        core.loop_watchdog.beats = timer_beats
        bus, model = core.bus, frame.model
        bus.subscribe(MentoradosLoaded, model.on_loaded)
        bus.subscribe(MentoradoAdded, model.on_added)
        bus.subscribe(MentoradoChanged, model.on_changed)
        bus.subscribe(StatusChanged, model.on_status)
        bus.subscribe(OutboundStopped, model.on_stopped)
        bus.subscribe(HandlingChanged, model.on_handling)
        bus.subscribe(NotesChanged, model.on_notes)
        bus.subscribe(SnoozesChanged, lambda _event: model.show_snoozed(core.snoozes.snoozed_mentorados()))
        bus.subscribe(StorageFailed, window.on_storage_failed)
        bus.subscribe(StorageRecovered, window.on_storage_recovered)
        notice = IncidentBanner(window.banners, self._make_incident_card)
        bus.subscribe(IncidentBegan, notice.on_lasting)
        bus.subscribe(IncidentChanged, notice.on_lasting)
        bus.subscribe(IncidentEnded, notice.on_ended)
        FallenNotice(window, model, frame.theme, core.notifier.is_silent)
        clock = ClockNotice(window.banners, core.clock_check)
        bus.subscribe(ClockDoubted, clock.on_doubted)
        bulk_work = BulkWorkBanner(window.banners, core.bulk_work, window.controller.continue_bulk_work)
        bus.subscribe(BulkWorkChanged, bulk_work.on_changed)
        self._interrupted = InterruptedBanner(window.banners, self._name_of, window.show_procedure)
        bus.subscribe(ProcedureChanged, self._interrupted.on_changed)
        waiting = PairingQueueBanner(window.banners, self._name_of, window.shows_procedure, window.show_procedure)
        bus.subscribe(ProcedureChanged, waiting.on_changed)
        campaigns = CampaignBanner(window.banners, lambda: core.campaigns.campaigns, self._show_campaign)
        bus.subscribe(CampaignsChanged, campaigns.on_changed)
        from app.ui.switches.banner import SwitchBanner  # the words of switches are not needed to paint the window

        switches = SwitchBanner(window.banners, lambda: core.switches.runs, self._name_of, self._show_switch)
        bus.subscribe(SwitchesChanged, switches.on_changed)
        self.update = UpdateNotice(window.banners, self._on_close_requested, ProgramFile(), window)
        model.problem_began.connect(self.update.look_closely)
        self._preferences = frame.preferences
        self._desktop: DesktopIntegration | None = None
        if not window.of_sample:
            self._desktop = DesktopIntegration(
                window,
                model,
                frame.preferences,
                bus=bus,
                clock=core.clock,
                mentorados=core.mentorados,
                status=core.supervisor.status,
                notifier=core.notifier,
                alerts=lambda: core.alerts.alerts,
            )
        self._lost = LostDatabase(
            window, frame.theme, folder=core.settings.data_dir, use_copy=core.use_copy, begin_anew=core.begin_anew
        )
        SettingsNotice(window.banners, core.settings, self._show_about).show()
        self._runner = ActionRunner(
            theme=frame.theme,
            bus=bus,
            clock=core.clock,
            actions=core.actions,
            mentorados=core.mentorados,
            supervisor=core.supervisor,
            incidents=core.incidents,
            procedures=core.procedures,
            backups=core.backups,
            open_folder=_open_folder,
            hosted=core.hosted,
            smoke_tests=core.smoke_tests,
            outbound=core.outbound,
            switches=core.switches,
            secret_service=core.secret_service,
            snoozes=core.snoozes,
            troubleshooting=core.troubleshooting,
            passkeys=core.passkeys,
            notes=core.notes,
            handlings=core.handlings,
            bulk_work=core.bulk_work,
            parent=window,
        )
        self.pages = (  # beside home, in the order of their shortcuts
            PageSpec("overview", "chart", self._make_overview_page),
            PageSpec(SWITCHES, "swap", self._make_switches_page),
            PageSpec("cases", "contact", self._make_cases_page),
            PageSpec("campaigns", "send", self._make_campaigns_page),
            PageSpec(CONSENTS, "user-check", self._make_consents_page),
            PageSpec("audit", "ledger", self._make_audit_page),
            PageSpec(SETTINGS, "sliders", self._make_settings_page),
            PageSpec(DIAGNOSTICS, "stethoscope", self._make_diagnostics_page),
        )
        window.attach(runner=self._runner, csv_import=core.csv_import, make_pane=self._make_pane, pages=self.pages)

    async def run(self) -> None:
        """Open the database, keep the links connected until the window is closed, then stop everything."""
        self._reports.watch(asyncio.get_running_loop())
        self.window.show()
        try:
            self._listen()
            async with self._core.running(), asyncio.TaskGroup() as group:
                opening = [group.create_task(self._open(), name="open the database")]
                if not self.window.of_sample:
                    opening.append(group.create_task(self._check_once(), name="check at the start"))
                opening.append(group.create_task(load_the_rest(), name="load the rest"))
                if self._desktop is not None:
                    opening.append(group.create_task(self._desktop.run(), name="desktop"))
                await self._wait_until_closed()
                for task in opening:
                    task.cancel()
                self.window.hide()  # the lines may take a moment to close, and nobody should watch them
                await cancel_slots()  # what was asked for last must not begin while all else ends
        finally:
            await cancel_slots()  # a sheet that is still open belongs to the window
            self.window.finish()
            self.window.deleteLater()

    async def _open(self) -> None:
        code: ProblemCode | None = None
        while True:
            try:
                await self._core.open()
            except Problem as problem:
                if problem.code is not code:
                    code = problem.code
                    if problem.code is ProblemCode.DATABASE_MISSING:
                        self._lost.offer(problem, STORAGE)
                    else:
                        self.window.on_storage_failed(StorageFailed(problem))
                await self._core.clock.sleep(OPEN_AGAIN_SECONDS)
            else:
                break
        if code is not None:
            self.window.on_storage_recovered(StorageRecovered())
        if self._instance is not None and self._instance.taken_from:
            self._core.audit_service.record(AuditAction.TAKE_OVER_WINDOW, before={"owner": self._instance.taken_from})
        self._interrupted.offer(self._core.procedures.unfinished())
        await self._core.supervisor.start_enabled()

    async def _check_once(self) -> None:
        """Check, once the start is over, what nothing else tells of, and mention only what failed."""
        await self._core.clock.sleep(CHECK_AFTER_SECONDS)
        from app.doctor import build_doctor
        from app.ui.diagnostics.page import check_at_start

        doctor = build_doctor(self._core.settings, live=self._core, starts_host=False)
        await check_at_start(doctor, self.window.banners, partial(self.window.go, DIAGNOSTICS))

    async def _wait_until_closed(self) -> None:
        from app.ui.detail_pane.staff import NotesSection
        from app.ui.dialogs.closing import closing_lines
        from app.ui.dialogs.confirm import Confirmations

        core = self._core
        while True:
            await self._close_asked.wait()
            self._close_asked.clear()
            lines = closing_lines(
                supervisor=core.supervisor,
                mentorados=core.mentorados,
                procedures=core.procedures,
                campaigns=core.campaigns,
                switches=core.switches,
                bulk_work=core.bulk_work.running,
                unsaved=[each for notes in self.window.findChildren(NotesSection) for each in notes.unsaved()],
                restarting=(restarting := self.update.restarts),
            )
            if self.window.of_sample or not lines:
                return
            self._asking = True
            if not self.window.isVisible():
                self.window.come_forward()  # the question is part of it
            try:
                questions = Confirmations(self._theme, self.window, core.supervisor.status)
                if await questions.close_program(lines, restarting=restarting):
                    return
            finally:
                self._asking = False
            self.update.restarts = False

    def _name_of(self, mentorado_id: MentoradoId) -> str:
        return self._core.mentorados.get(mentorado_id).name

    def _make_incident_card(self) -> IncidentCard:
        core, window = self._core, self.window
        return IncidentCard(
            self._theme,
            core.clock,
            lambda mentorado_id: core.supervisor.status(core.mentorados.get(mentorado_id).link.id),
            show=window.show_only,
            try_all=window.controller.try_all,
        )

    def _on_close_requested(self) -> None:
        if not self._asking:  # one question is enough
            self._close_asked.set()

    def _listen(self) -> None:
        if self._instance is not None:
            self._instance.raise_requested.connect(self.window.come_forward)
            self._instance.listen()

    def _make_pane(self) -> DetailPane:
        from app.ui.detail_pane.history_loader import HistorySources
        from app.ui.detail_pane.pane import DetailPane

        sources = HistorySources(self._core.history.last_messages, self._core.audit)
        pane = DetailPane(
            theme=self._theme,
            bus=self._core.bus,
            mentorados=self._core.mentorados,
            supervisor=self._core.supervisor,
            actions=self._core.actions,
            runner=self._runner,
            history=self._core.transitions,
            clock=self._core.clock,
            set_aside=self._core.set_aside,
            sources=sources,
            make_conversations=self._make_conversations,
        )
        pane.consents_requested.connect(self._show_consents)
        return pane

    def _make_conversations(self) -> ConversationsPanel:
        from app.ui.conversations.panel import ConversationsPanel

        return ConversationsPanel(
            theme=self._theme,
            bus=self._core.bus,
            history=self._core.history,
            mentorados=self._core.mentorados,
            clock=self._core.clock,
            replies=self._core.replies,
            ledger=self._core.consent.ledger,
            show_consents=self._show_consents,
        )

    def _show_about(self) -> None:
        """Show the settings section that lists what is not the default."""
        self.window.go(SETTINGS, "about")

    def _prepare_bundle(self, crashes: Sequence[str]) -> None:
        from app.doctor import build_doctor
        from app.ui.dialogs.support_bundle import SupportBundleDialog

        bundles = self._core.support_bundle
        bundles.doctor = build_doctor(self._core.settings, live=self._core)
        dialog = SupportBundleDialog(self._theme, self.window, bundles, _open_folder, crashes)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _make_settings_page(self) -> Page:
        from app.settings_sections import settings_sections
        from app.ui.settings.page import SettingsPage

        sections = settings_sections(self._core, self.window, self._theme, self._preferences, _open_folder)
        return SettingsPage(theme=self._theme, sections=sections)

    def _make_overview_page(self) -> Page:
        from app.ui.overview.page import OverviewPage

        core = self._core
        return OverviewPage(
            theme=self._theme,
            bus=core.bus,
            overview=core.overview,
            figures=core.figures,
            alerts=core.alerts,
            incidents=core.incidents,
            mentorados=core.mentorados,
            supervisor=core.supervisor,
            clock=core.clock,
            go=self.window.go,
            show_mentorado=self._show_mentorado,
            show_only=self.window.show_only,
        )

    def _make_switches_page(self) -> Page:
        from app.ui.switches.page import SwitchesPage

        core = self._core
        return SwitchesPage(
            theme=self._theme,
            bus=core.bus,
            switches=core.switches,
            procedures=core.procedures,
            supervisor=core.supervisor,
            mentorados=core.mentorados,
            runner=self._runner,
            settings_service=core.settings_service,
            audit_service=core.audit_service,
            clock=core.clock,
            kinds=tuple(core.providers),
            show_mentorado=self._show_mentorado,
        )

    def _show_switch(self, run_id: SwitchRunId) -> None:
        from app.ui.switches.page import SwitchesPage

        self.window.go(SWITCHES)
        if isinstance(page := self.window.places.page, SwitchesPage):
            page.show_run(run_id)

    def _plan_switch(self, people: Sequence[MentoradoId]) -> None:
        """Plan a switch of those who are ticked in the list."""
        from app.ui.switches.page import SwitchesPage

        self.window.go(SWITCHES)
        if isinstance(page := self.window.places.page, SwitchesPage):
            page.compose_for(people)

    def _make_cases_page(self) -> Page:
        from app.ui.cases.page import CasesPage

        core = self._core
        return CasesPage(
            theme=self._theme,
            bus=core.bus,
            cases=core.cases,
            mentorados=core.mentorados,
            clock=core.clock,
            show_mentorado=self._show_mentorado,
        )

    def _make_campaigns_page(self) -> Page:
        from app.ui.campaigns.page import CampaignsPage

        core = self._core
        return CampaignsPage(
            theme=self._theme,
            bus=core.bus,
            campaigns=core.campaigns,
            planner=core.campaign_planner,
            details=core.hosted.details,
            mentorados=core.mentorados,
            audit_service=core.audit_service,
            clock=core.clock,
            show_cases=partial(self.window.go, "cases"),
        )

    def _show_campaign(self, campaign_id: CampaignId) -> None:
        from app.ui.campaigns.page import CampaignsPage

        self.window.go("campaigns")
        if isinstance(page := self.window.places.page, CampaignsPage):
            page.show_campaign(campaign_id)

    def _make_consents_page(self) -> Page:
        from app.ui.consents.page import ConsentsPage

        core = self._core
        return ConsentsPage(
            theme=self._theme,
            bus=core.bus,
            consent=core.consent,
            mentorados=core.mentorados,
            conversations=core.history.conversations,
            audit_service=core.audit_service,
            clock=core.clock,
        )

    def _show_consents(self, mentorado_id: MentoradoId, contact: Address | None = None) -> None:
        """Show the consents of a mentorado's contacts, and of them *contact*."""
        from app.ui.consents.page import ConsentsPage

        self.window.go(CONSENTS)
        if isinstance(page := self.window.places.page, ConsentsPage):
            page.show_mentorado(mentorado_id, contact)

    def _make_diagnostics_page(self) -> Page:
        from app.doctor import build_doctor
        from app.ui.diagnostics.page import DiagnosticsPage

        doctor = build_doctor(self._core.settings, live=self._core)
        page = DiagnosticsPage(theme=self._theme, doctor=doctor, clock=self._core.clock)
        page.bundle_requested.connect(self._prepare_bundle)
        return page

    def _show_mentorado(self, mentorado_id: MentoradoId) -> None:
        self.window.go(HOME)
        self.window.choose(mentorado_id)

    def _make_audit_page(self) -> Page:
        from app.ui.audit.page import AuditPage

        core = self._core
        return AuditPage(
            theme=self._theme,
            audit=core.audit,
            people=core.mentorados.all,
            audit_service=core.audit_service,
            clock=core.clock,
            undo_of=self.window.controller.undo.undo_of,
        )


def _open_folder(folder: Path) -> None:
    """Show *folder* in the system's own file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
