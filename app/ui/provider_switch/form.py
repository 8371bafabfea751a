"""Which provider, what the dry run says about it, and the name that approves it: before the switch begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from app.core.provider_switch.service import SwitchService
from app.domain.errors import Problem, ProblemCode
from app.domain.events import SwitchesChanged
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.procedure import ProcedureKind
from app.domain.switch import (
    PlannedSwitch,
    SwitchDryRun,
    SwitchItemState,
    SwitchPlan,
    SwitchRun,
    SwitchRunId,
    SwitchState,
    same_person,
)
from app.text.status import provider, texts
from app.ui.action_runner import ActionRunner, prepare_credentials
from app.ui.async_slots import async_slot, show_error, until_destroyed
from app.ui.navigation import SWITCHES
from app.ui.procedures.forms import ProcedureForm
from app.ui.provider_switch.report import SwitchReport
from app.ui.theme.theme import SPACE_1, SPACE_2
from app.ui.widgets.labels import IndeterminateBar, text_label
from app.ui.widgets.layouts import vbox
from app.ui.widgets.radio_card import RadioCard

_MOVES: Final = frozenset({"switch_sheet.checking", "switch_sheet.approving", "switch_sheet.begins"})
"""What comes to an end without anybody."""

_WAIT_ELSEWHERE: Final = frozenset({"switch_sheet.awaits_second", "switch_sheet.in_line"})
"""What is decided on the page of all switches."""


class SwitchForm(ProcedureForm):
    """One mentorado to another provider. The dry run is made as soon as a provider is chosen, and writes nothing."""

    kind = ProcedureKind.SWITCH
    _waiting_for = ""

    def __init__(self, runner: ActionRunner, mentorado: Mentorado, switches: SwitchService) -> None:
        super().__init__(runner.theme, mentorado)
        self._runner = runner
        self._switches = switches
        self._target: ProviderKind | None = None
        self._dry_run: SwitchDryRun | None = None
        self._turn = 0  # a dry run for another target, or an older one, is nobody's any more
        self._checking = False
        self._run_id: SwitchRunId | None = None  # once it was approved
        self.targets = {kind: RadioCard(runner.theme) for kind in ProviderKind if kind is not mentorado.link.provider}
        self._busy = QWidget()
        self._busy_line = text_label(role="secondary")
        self.open_page = QPushButton()
        self.open_page.clicked.connect(lambda _checked=False: runner.page_requested.emit(SWITCHES, ""))
        self.check_again = QPushButton()
        self.check_again.clicked.connect(lambda _checked=False: self.check())
        self.report = SwitchReport(runner.theme)
        self.report.again_requested.connect(self.check)
        self.report.credentials_requested.connect(self._enter_credentials)
        self._name_label = text_label(role="secondary")
        self.name_field = QLineEdit()
        self.name_field.textChanged.connect(lambda _text: self.changed.emit())
        self.name_field.returnPressed.connect(self.confirm_wanted)
        self._name_label.setBuddy(self.name_field)
        self._second = text_label(role="secondary")
        self._approval = QWidget()
        self._arrange()
        self._take_up()
        self.retranslate()
        until_destroyed(self, runner.bus.subscribe(SwitchesChanged, self._on_switches))

    # --- what the panel asks

    @property
    def about(self) -> str:
        return texts("begin.switch.line", provider=provider(self._mentorado.link.provider))

    @property
    def confirm_label(self) -> str:
        if self._target is None:
            return texts("begin.switch.confirm")
        return texts("switch_sheet.confirm", provider=provider(self._target))

    @property
    def fields(self) -> Sequence[QWidget]:
        return (*self.targets.values(), self.open_page, self.check_again, *self.report.fields, self.name_field)

    @property
    def settled(self) -> bool:
        return self._run_id is not None

    @property
    def error(self) -> str:
        if self._target is None:
            return texts("switch_sheet.choose")
        if self._lacks_dry_run:
            return texts("switch_sheet.make_first")
        if self._checking or self._dry_run is None:
            return texts("switch_sheet.check_first")
        if self._planned is None or not self._planned.will_switch:
            return texts("switch_sheet.in_the_way")
        typed = same_person(self.name_field.text(), self._switches.confirmation(self._dry_run))
        return "" if typed else texts("switch_sheet.type_first")

    @property
    def spoken(self) -> str:
        if self._waiting_for:
            return self._busy_line.text()
        return self.report.spoken if self._dry_run is not None else ""

    def words_of(self, problem: Problem) -> tuple[str, str]:
        sentence, step = super().words_of(problem)
        if problem.code is ProblemCode.SWITCH_CHANGED:  # the new dry run is made here, without being asked for
            step = texts("switch_sheet.look_again")
        return sentence, step

    async def approve(self) -> None:
        """Approve what was checked. Raises `Problem`; where the world has changed, it is checked anew."""
        if self._dry_run is None:
            raise Problem(ProblemCode.SWITCH_CHANGED)
        self._show_waiting("switch_sheet.approving")
        try:
            run = await self._switches.approve(self._dry_run, self.name_field.text())
        except Problem as problem:
            if problem.code is ProblemCode.SWITCH_CHANGED:
                self.name_field.clear()
                self.check()
            raise
        finally:
            self._show_waiting("")
        self._run_id = run.id
        self._follow(run)
        self.look_wanted.emit(self._busy)

    # --- what a person chooses

    def choose(self, target: ProviderKind) -> None:
        """Check a switch to *target*."""
        if target is not self._target or self._dry_run is None:
            self._target, self._dry_run = target, None
            self.name_field.clear()
            self._show_waiting("switch_sheet.checking")
            self.check()

    @async_slot
    async def check(self) -> None:
        """Make the dry run of a switch to the provider that is chosen."""
        target = self._target
        if target is None or self.settled:
            return
        self._turn += 1
        turn = self._turn
        self._checking = True
        self._show_waiting("switch_sheet.checking")
        try:
            made = await self._switches.dry_run(SwitchPlan(target=target, mentorados=(self._mentorado.id,)))
        except BaseException:
            if turn == self._turn:
                self._checking, self._dry_run = False, None
                self._show_waiting("")
            raise
        if turn == self._turn:
            self._checking, self._dry_run = False, made
            self._show_waiting("")
            self.look_wanted.emit(self.report.verdict)

    @async_slot
    async def _enter_credentials(self) -> None:
        if self._target is not None and await prepare_credentials(self._runner, self._mentorado.id, self._target, self):
            self.check()

    # --- what happens after the approval

    def _take_up(self) -> None:
        """Show the switch that was approved before and has not begun, instead of asking for another."""
        item = self._switches.item_of(self._mentorado.id)
        if item is not None and item.state is SwitchItemState.WAITING:
            self._target, self._run_id = item.target, item.run_id
            self._follow(next(run for run in self._switches.runs if run.id == item.run_id))

    def _on_switches(self, event: SwitchesChanged) -> None:
        if self._run_id is not None and event.run_id in (self._run_id, None):
            run = next((each for each in self._switches.runs if each.id == self._run_id), None)
            if run is not None:
                self._follow(run)

    def _follow(self, run: SwitchRun) -> None:
        """The panel shows the procedure once there is one. What could not begin is said, and can be tried again."""
        item = next(each for each in run.items if each.mentorado_id == self._mentorado.id)
        if run.state is SwitchState.STOPPED and item.state is SwitchItemState.LEFT_OUT:
            self._run_id = self._dry_run = None
            self.name_field.clear()
            self._show_waiting("switch_sheet.stopped")
            self.look_wanted.emit(self.check_again)
        elif item.state is SwitchItemState.FAILED and item.procedure_id is None:
            self._run_id = None
            self.name_field.clear()
            self.check()
            show_error(self, Problem(ProblemCode.NOT_POSSIBLE_NOW, why=item.reason))
        elif run.state is SwitchState.AWAITING_SECOND:
            self._show_waiting("switch_sheet.awaits_second")
        elif item.state is SwitchItemState.WAITING and (run.state is SwitchState.PAUSED or len(run.items) > 1):
            self._show_waiting("switch_sheet.in_line")
        else:
            self._show_waiting("switch_sheet.begins")

    # --- how it is shown

    @property
    def _planned(self) -> PlannedSwitch | None:
        return self._dry_run.people[0] if self._dry_run is not None else None

    @property
    def _lacks_dry_run(self) -> bool:
        """Whether none is being made either: it could not be, or the approved switch was stopped."""
        at_rest = self._waiting_for in ("", "switch_sheet.stopped")
        return at_rest and self._target is not None and self._dry_run is None and not self.settled

    def _arrange(self) -> None:
        for kind, card in self.targets.items():
            card.clicked.connect(lambda _checked=False, kind=kind: self.choose(kind))
            self.column.addWidget(card)
        busy = vbox(self._busy_line, inside=self._busy, margins=(0, SPACE_2, 0, 0), spacing=SPACE_2)
        self._bar = IndeterminateBar(self._theme)
        busy.addWidget(self._bar)
        busy.addWidget(self.open_page, 0, Qt.AlignmentFlag.AlignLeft)
        approval = vbox(inside=self._approval, margins=(0, SPACE_2, 0, 0), spacing=SPACE_1)
        for part in (self._second, self._name_label, self.name_field):
            approval.addWidget(part)
        self.column.addWidget(self._busy)
        self.column.addWidget(self.check_again, 0, Qt.AlignmentFlag.AlignLeft)
        for below in (self.report, self._approval):
            self.column.addWidget(below)
        self._show_waiting("")

    def retranslate(self) -> None:
        super().retranslate()
        for kind, card in self.targets.items():
            card.show_words(provider(kind), texts(f"dialog.provider_line.{kind}"))
        self._name_label.setText(texts("question.type_name", name=self.name))
        self.name_field.setAccessibleName(self._name_label.text())
        self.open_page.setText(texts("switch_sheet.open_page"))
        self.open_page.setAccessibleName(self.open_page.text())
        self.check_again.setText(texts("switch_sheet.check_again"))
        self.check_again.setAccessibleName(self.check_again.text())
        self._second.setText(texts("switch_sheet.second"))
        self._show_waiting(self._waiting_for)

    def _show_waiting(self, key: str) -> None:
        """Show what is waited for; nothing for an empty *key*."""
        self._waiting_for = key
        self._busy_line.setText(texts(key) if key else "")
        self._show()

    def _show(self) -> None:
        planned, waits = self._planned, self._waiting_for in _WAIT_ELSEWHERE
        for kind, card in self.targets.items():
            card.setChecked(kind is self._target)
            card.setEnabled(not self.settled)
        self._busy.setVisible(bool(self._waiting_for))
        self.open_page.setVisible(waits)
        self._bar.setVisible(self._waiting_for in _MOVES)
        self.check_again.setVisible(self._lacks_dry_run)
        shown = planned is not None and not self._checking and not self.settled
        self.report.setVisible(shown)
        self._approval.setVisible(shown and planned is not None and planned.will_switch)
        self._second.setVisible(self._switches.wants_second)
        if shown and planned is not None and self._dry_run is not None:
            target, now = self._dry_run.plan.target, self._runner.clock.now()
            self.report.show_report(planned, target, self._dry_run.at, now, self.name)
        self.changed.emit()
