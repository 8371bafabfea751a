"""The page of provider switches: the list of them, and from there a plan, its dry run, and the board of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.procedures.service import ProcedureService
from app.core.provider_switch.service import SwitchService
from app.core.settings_service import SettingsService
from app.domain.actions import ActionName
from app.domain.audit import AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.events import (
    MentoradoChanged,
    PairingQueueChanged,
    ProcedureChanged,
    StandbyStatusChanged,
    StatusChanged,
    SwitchesChanged,
)
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.repositories import Clock
from app.domain.switch import SwitchDryRun, SwitchItem, SwitchPlan, SwitchRun, SwitchRunId, SwitchState
from app.formats.csv_files import write_file
from app.formats.switch_export import switch_dry_run_csv, switch_dry_run_json
from app.text import switch_run as run_text
from app.text.status import problem, provider, texts
from app.ui.action_runner import ActionRunner, prepare_credentials
from app.ui.async_slots import async_slot, show_dialog, until_destroyed
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.dialogs.files import SaveDialog
from app.ui.dry_run import DraftPage
from app.ui.switches import dialogs
from app.ui.switches.board import SwitchBoard
from app.ui.switches.overview import SwitchRunDelegate, SwitchRunModel
from app.ui.switches.plan_form import PlanForm
from app.ui.switches.report import SwitchReportView
from app.ui.theme.theme import Theme
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.tables import RowList

_SECOND = 1000
_YES = BaseDialog.DialogCode.Accepted


class SwitchesPage(DraftPage):
    """Shows the runs of *switches*. *kinds* are the providers that can be switched to."""

    def __init__(
        self,
        *,
        theme: Theme,
        bus: EventBus,
        switches: SwitchService,
        procedures: ProcedureService,
        supervisor: Supervisor,
        mentorados: MentoradoService,
        runner: ActionRunner,
        settings_service: SettingsService,
        audit_service: AuditService,
        clock: Clock,
        kinds: Sequence[ProviderKind],
        show_mentorado: Callable[[MentoradoId], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, mentorados, parent)
        self._switches = switches
        self._runner = runner
        self._settings_service = settings_service
        self._audit_service = audit_service
        self._clock = clock
        self._planned: SwitchPlan | None = None  # what the dry run is of
        self.model = SwitchRunModel(switches, self._context_of, clock, self)
        self.list = RowList(self.model, SwitchRunDelegate(theme), theme)
        self.list.opened.connect(lambda place: self.show_run(self.model.rows[place].id))
        self._empty = EmptyState(theme, "swap", "primary")
        self.overview = QWidget()
        self._stack = QStackedLayout(self.overview)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self.form = PlanForm(theme, mentorados, kinds)
        self.report = SwitchReportView(theme, self._name_of, clock)
        self.report.approval_requested.connect(self._approve)
        self.report.export_requested.connect(self._export)
        self.report.credentials_requested.connect(self._enter_missing)
        self.board = SwitchBoard(
            theme,
            switches=switches,
            procedures=procedures,
            supervisor=supervisor,
            mentorados=mentorados,
            clock=clock,
        )
        head = self.board.head
        head.second.clicked.connect(self._approve_second)
        head.pause.clicked.connect(lambda: self._do(switches.pause))
        head.resume.clicked.connect(lambda: self._do(switches.resume))
        head.retry.clicked.connect(lambda: self._do(switches.retry))
        head.stop.clicked.connect(lambda: self._do(self._stop))
        head.release.clicked.connect(self._release_due)
        self.board.back_requested.connect(self._roll_back)
        self.board.release_requested.connect(self._release)
        self.board.open_requested.connect(show_mentorado)
        self.board.credentials_requested.connect(self._enter_other)
        self._lay_out(
            self.overview,
            self.form,
            self.report,
            self.board,
            rows=self.list,
            empty=self._empty,
            dry_run=self._begin_dry_run,
        )
        self.while_shown(_SECOND, self._on_second)
        until_destroyed(
            self,
            bus.subscribe(SwitchesChanged, self._on_changed),
            bus.subscribe(ProcedureChanged, lambda _event: self.board.refresh_soon()),
            bus.subscribe(StandbyStatusChanged, lambda _event: self.board.refresh_soon()),
            bus.subscribe(StatusChanged, lambda _event: self.board.refresh_soon()),
            bus.subscribe(PairingQueueChanged, lambda _event: self.board.refresh_soon()),
            bus.subscribe(MentoradoChanged, self._on_mentorado),
        )
        self.restyle()

    # --- what is shown

    def refresh(self) -> None:
        """Show what there is now."""
        self.model.refresh()
        self._stack.setCurrentWidget(self.list if self.model.rowCount() else self._empty)
        self.board.refresh()
        if self._here is self.report:
            self.report.show_names()
        self._show_header()

    def show_run(self, run_id: SwitchRunId) -> None:
        """Lead to the board of this one."""
        self.board.open(run_id)
        self.board.retranslate()
        self._go(self.board)
        self.board.take_focus()

    def _show_header(self) -> None:
        here, run = self._here, self.board.run
        if here is self.form:
            self.set_title(texts("switches.new"), texts("switches.plan.summary"))
        elif here is self.report:
            self.set_title(texts("switches.report.title"), self._exported or self._plan_name)
        elif here is self.board and run is not None:
            self.set_title(run_text.name(run, self._name_of), run_text.progress(run))
        else:
            self.set_title(texts("switches.title"), texts.plural("switches.summary", self.model.rowCount()))
        super()._show_header()
        self.new_button.setText(texts("switches.new" if self.form.is_empty else "switches.continue_plan"))

    @property
    def _plan_name(self) -> str:
        plan = self._planned
        if plan is None:
            return ""
        whom = run_text.scope(plan, len(plan.mentorados), self._name_of)
        return texts("switches.name", who=whom, target=provider(plan.target))

    def _on_changed(self, event: SwitchesChanged) -> None:
        self.model.refresh()
        if event.run_id in (None, self.board.run_id):
            self.board.refresh_soon()
            self.board.show_counts()
        if self.isVisible():
            self._stack.setCurrentWidget(self.list if self.model.rowCount() else self._empty)
            self._show_header()

    def _on_mentorado(self, _event: MentoradoChanged) -> None:
        self.board.refresh_soon()
        here = self._here
        if here is self.form and self.isVisible():
            self.form.refresh()
        elif here is self.report and self.isVisible():
            self.report.show_names()
            self._show_header()

    def _on_second(self) -> None:
        """Let what counts down count down."""
        here = self._here
        if here is self.board:
            self.board.refresh()
        elif here is self.overview:
            self.model.refresh_texts()

    def _context_of(self, run: SwitchRun) -> run_text.RunContext:
        return self.board.context_of(run)  # which is built after the list

    # --- plan, dry run, approval

    def compose_for(self, people: Sequence[MentoradoId]) -> None:
        """Plan a switch of *people*, who were chosen elsewhere."""
        self.compose()
        self.form.choose_people(people)

    def _begin_dry_run(self, tell: Callable[[int, int], None]) -> Awaitable[SwitchDryRun]:
        self._planned = self.form.plan
        return self._switches.dry_run(self._planned, tell)

    def approval_dialog(self) -> dialogs.ApprovalDialog | None:
        """What the approval means, before it is given; None where there is nothing to approve."""
        made = self.report.made
        if made is None or not made.switching:
            return None
        expected = self._switches.confirmation(made)
        second = self._settings_service.settings.switch_second_person
        return dialogs.approval(self._theme, self, made, expected, self._name_of, second=second)

    @async_slot
    async def _approve(self) -> None:
        """Begin to switch whom the dry run found, unless something has changed since."""
        made, dialog = self.report.made, self.approval_dialog()
        if made is None or dialog is None:
            return
        approved: list[SwitchRunId] = []
        changed: list[Problem] = []

        async def approve(typed: str, _approver: str) -> None:
            try:
                approved.append((await self._switches.approve(made, typed)).id)
            except Problem as problem:
                if problem.code is not ProblemCode.SWITCH_CHANGED:
                    raise
                changed.append(problem)

        dialog.approve_with(approve)
        self.report.set_busy(True)
        try:
            await show_dialog(dialog)
        finally:
            self.report.set_busy(False)
        if changed:
            self.report.show_refused(changed[0])
        elif approved:
            self.form.clear()
            self.show_run(approved[0])

    @async_slot
    async def _approve_second(self) -> None:
        run = self.board.run
        if run is None:
            return
        dialog = dialogs.second_approval(self._theme, self, run, self._name_of)
        dialog.approve_with(lambda typed, approver: self._switches.approve_second(run.id, typed, approver))
        await show_dialog(dialog)
        if dialog.plans_again:
            current = next(each for each in self._switches.runs if each.id == run.id)
            if current.state is SwitchState.AWAITING_SECOND:  # else somebody was faster
                await self._switches.stop(run.id)
            self.form.fill_in(run.plan)
            self.compose()

    @async_slot
    async def _enter_missing(self, mentorado_id: MentoradoId) -> None:
        """Have the credentials entered that the dry run missed."""
        made = self.report.made
        if made is not None and await self._enter_credentials(mentorado_id, made.plan.target):
            self.report.show_outdated()

    @async_slot
    async def _enter_other(self, mentorado_id: MentoradoId) -> None:
        """Have other credentials entered for somebody who failed because of them."""
        if (run := self.board.run) is not None:
            await self._enter_credentials(mentorado_id, run.plan.target)

    async def _enter_credentials(self, mentorado_id: MentoradoId, target: ProviderKind) -> bool:
        """Have the credentials of *target* entered; whether any were saved."""
        return await prepare_credentials(self._runner, mentorado_id, target, self)

    @async_slot
    async def _export(self) -> None:
        """Choose a file, and write the dry run to it."""
        name = f"{texts('switch.file_name')}-{self._clock.now().astimezone():%Y-%m-%d}"
        kinds = {"csv": texts("audit.csv"), "json": texts("switches.json")}
        if (file := await SaveDialog(self, texts("switches.export"), name, kinds).choose()) is not None:
            await self.export_to(file)

    async def export_to(self, file: Path) -> None:
        """Write the dry run to *file*, whose name says in which format. Raises `Problem`."""
        made = self.report.made
        if made is None:
            return
        as_json = file.suffix.lower() == ".json"
        content = (switch_dry_run_json if as_json else switch_dry_run_csv)(made, self._name_of)
        written = {"file": file.name, "entries": str(len(made.people)), "dry_run": made.digest}
        async with self._audit_service.around(AuditAction.EXPORT_SWITCH, after=lambda: written):
            await asyncio.to_thread(write_file, file, content)
        self._exported = texts("switches.exported", file=file.name)
        self._show_header()

    # --- what is done with a run

    @async_slot
    async def _do(self, act: Callable[[SwitchRunId], Coroutine[Any, Any, None]]) -> None:
        if self.board.run_id is not None:
            await act(self.board.run_id)
            self.refresh()

    async def _stop(self, _run_id: SwitchRunId) -> None:
        run = self.board.run
        if run is not None and await self._confirmed(dialogs.stop_question(self._theme, self, run, self._name_of)):
            await self._switches.stop(run.id)

    @async_slot
    async def _roll_back(self, mentorado_id: MentoradoId) -> None:
        await self._runner.run(ActionName.ROLL_BACK, mentorado_id, self)

    @async_slot
    async def _release(self, mentorado_id: MentoradoId) -> None:
        await self._runner.run(ActionName.RELEASE_FORMER, mentorado_id, self)

    @async_slot
    async def _release_due(self, _checked: bool = False) -> None:
        if (run := self.board.run) is not None:
            await self._release_all(run_text.due(run, self._clock.now(), self.board.context_of(run)))

    async def _release_all(self, items: Sequence[SwitchItem]) -> None:
        """Release each, once it was confirmed; one that cannot be released keeps no other from it."""
        if not await self._confirmed(dialogs.release_question(self._theme, self, items, self._name_of)):
            return
        failed: Problem | None = None
        kept: list[MentoradoId] = []
        for item in items:
            try:
                await self._switches.release(item.mentorado_id)
            except Problem as found:
                failed = found
                kept.append(item.mentorado_id)
        if failed is not None:
            names, why = ", ".join(map(self._name_of, kept)), failed
            self.banners.clear("asked")
            self.banners.show_words(
                lambda: texts("switches.not_released", names=names, why=" ".join(problem(why))), "asked"
            )

    async def _confirmed(self, dialog: ConfirmDialog) -> bool:
        return await show_dialog(dialog) is _YES

    # --- what the window asks of a page

    def take_focus(self) -> None:
        here = self._here
        if here is self.form:
            self.form.take_focus()
        elif here is self.board:
            self.board.take_focus()
        elif here is self.report:
            self.report.list.enter()
        elif self.model.rowCount():
            self.list.enter()
        else:
            self._empty.setFocus(Qt.FocusReason.OtherFocusReason)

    def retranslate(self) -> None:
        super().retranslate()
        self.back.setText(texts("switches.back"))
        self.form.retranslate()
        self.report.retranslate()
        self.board.retranslate()
        self.list.setAccessibleName(texts("switches.title"))
        self.list.setAccessibleDescription(texts("switches.keys"))
        self._empty.show_message(texts("switches.empty"), texts("switches.empty_line"), texts("switches.new"))
        self.model.refresh_texts()
        self.refresh()

    @property
    def has_way_back(self) -> bool:
        return self._here is not self.overview

    def put_away(self) -> None:
        here = self._here
        split = here.split if here in (self.report, self.board) else None
        if split is not None and split.side_panel_open:
            split.close_side_panel()
            self.take_focus()
        else:
            self.go_back()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
