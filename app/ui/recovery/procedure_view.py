"""A procedure under way: what is going on, the code while one is to be scanned, and the steps."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from app.domain.backup import BackupProgress
from app.domain.connection import LinkState, Reason
from app.domain.mentorado import Enrolment
from app.domain.procedure import Procedure, ProcedureState, StepName, StepState
from app.ui.detail_pane.pairing_panel import PairingPanel, Stage
from app.ui.detail_pane.turn import turn_of
from app.ui.loop import asked
from app.ui.recovery.attention import Attention
from app.ui.recovery.ledger import entries
from app.ui.recovery.offers import Control, Offer, account_offers, main_offer, second_offer
from app.ui.recovery.passphrase import PassphraseField
from app.ui.recovery.sign import CODE, LOOKS, UNPROVEN
from app.ui.recovery.step_list import StepList
from app.ui.recovery.words import Said, is_unproven, said, scan
from app.ui.sheets import Tools
from app.ui.text import texts
from app.ui.theme import SPACE_3, SPACE_4, TEXT_SMALL
from app.ui.words import Words


class ProcedureView(QWidget):
    """Is told the procedure whole, each time it moves."""

    wanted = Signal(object)  # a Control
    told_more = Signal()
    """What is kept and what is lost is on show now."""
    code_moved = Signal(int)
    """How far down the code is now."""
    problem = Signal(object)
    crash = Signal(object)

    def __init__(self, tools: Tools) -> None:
        super().__init__()
        self._tools = tools
        self._shown: ProcedureState | None = None
        self._procedure: Procedure | None = None
        self._stage = Stage.NONE
        self.attention = Attention(tools.theme)
        self.attention.wanted.connect(self.wanted)
        self.phrase = PassphraseField()
        self.phrase.hide()
        self.phrase.setContentsMargins(0, SPACE_3, 0, 0)
        self.phrase.submitted.connect(self.attention.main.click)
        self.attention.column.insertWidget(self.attention.column.count() - 1, self.phrase)
        self.pairing = PairingPanel(
            tools.theme, tools.clock, phone_codes=tools.supervisor.phone_codes, cancellable=False
        )
        self.pairing.problem.connect(self.problem)
        self.pairing.crash.connect(self.crash)
        self._heading = Words(tools.theme, TEXT_SMALL, QFont.Weight.DemiBold)
        self.steps = StepList(tools.theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_4)
        for part in (self.attention, self.pairing, self._heading, self.steps):
            column.addWidget(part)
        self.pairing.hide()
        buttons = (self.attention.not_now, self.attention.main, self.attention.second)
        for above, below in pairwise((*self.phrase.fields, *buttons)):
            self.setTabOrder(above, below)
        self.retranslate()

    @property
    def _coded(self) -> bool:
        return self._stage in (Stage.CODE, Stage.LAPSED)

    @property
    def spoken(self) -> str:
        """What a screen reader is told when it moved."""
        ledger = self.attention.ledger
        said_ = f"{self.attention.sentence.text()} {self.attention.line.text()}"
        return f"{said_} {ledger.spoken}".strip() if ledger.isVisibleTo(self.attention) else said_.strip()

    def show_procedure(self, procedure: Procedure, enrolment: Enrolment, *, busy: bool) -> None:
        moved = self._procedure is None or procedure.state is not self._procedure.state
        self._procedure = procedure
        self._show_pairing(procedure, enrolment)
        self._show_said(procedure, enrolment)
        if procedure.state is not ProcedureState.RUNNING:
            self.attention.show_progress(None)
        asks = procedure.state is ProcedureState.ASKING
        if asks and moved:
            self._read_ledger(procedure, enrolment.mentorado.name)
        elif not asks:
            self.attention.show_ledger([])
        self._show_offers(procedure, enrolment)
        self.attention.set_busy(busy)
        self.phrase.setVisible(_needs_secret(procedure))
        self.steps.show_procedure(procedure)
        if moved and asks and self._may_take_focus():
            self.attention.not_now.setFocus()

    def show_progress(self, progress: BackupProgress) -> None:
        if self._procedure is not None and self._procedure.state is ProcedureState.RUNNING:
            self.attention.show_progress(progress)

    def take_secret(self) -> str:
        """The passphrase that was typed again; it is forgotten here."""
        phrase = self.phrase.phrase
        self.phrase.clear()
        return phrase

    def retranslate(self) -> None:
        self._heading.setText(texts("procedure.steps"))
        self.phrase.say(texts("procedure.needs_passphrase"))
        self.pairing.retranslate()
        self.attention.moving.retranslate()
        if self._procedure is not None and self._procedure.state is ProcedureState.ASKING:
            name = self._tools.enrolments.get(self._procedure.head.mentorado_id).mentorado.name
            self._read_ledger(self._procedure, name)

    def show_problem(self, problem: object) -> None:
        self.problem.emit(problem)

    def show_crash(self, error: object) -> None:
        self.crash.emit(error)

    @asked
    async def _read_ledger(self, procedure: Procedure, name: str) -> None:
        if self._tools.procedures is None:
            return
        kind = procedure.head.kind
        ledger = await self._tools.procedures.ledger(kind, procedure.head.mentorado_id)
        if self._procedure is not None and self._procedure.state is ProcedureState.ASKING:
            self.attention.show_ledger(entries(ledger, kind, name, self._tools.clock.now()))
            self.told_more.emit()

    def bring_code_into_view(self) -> None:
        """A code that cannot be seen whole cannot be scanned."""
        if self._coded:
            self.code_moved.emit(self.y() + self.pairing.y())

    def _show_said(self, procedure: Procedure, enrolment: Enrolment) -> None:
        match self._stage:
            case Stage.CODE | Stage.LAPSED:
                self.attention.show_said(Said(scan(enrolment), ""), CODE)
            case Stage.SIGNING_IN:
                self.attention.show_said(Said(texts("qr.accepted"), texts("qr.accepted_line")), CODE)
            case Stage.WAITING_TURN:
                name, ahead = turn_of(enrolment, self._tools.supervisor, self._tools.enrolments)
                waits = Said(texts("qr.turn", name=name), texts.plural("qr.ahead", ahead))
                self.attention.show_said(waits, LOOKS[ProcedureState.PAUSED])
            case _:
                look = UNPROVEN if is_unproven(procedure) else LOOKS[procedure.state]
                account = self._tools.supervisor.status(enrolment.link.id).account
                self.attention.show_said(said(procedure, enrolment, account), look)

    def _show_offers(self, procedure: Procedure, enrolment: Enrolment) -> None:
        status = self._tools.supervisor.status(enrolment.link.id)
        other_phone = (status.state, status.reason) == (LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
        if procedure.state is ProcedureState.ASKING:
            confirm = Offer(Control.CONFIRM, texts(f"procedure.confirm.{procedure.head.kind}"))
            self.attention.show_offers(confirm, before=Offer(Control.NOT_NOW, texts("procedure.not_now")))
        elif procedure.state is ProcedureState.FAILED and other_phone and not procedure.undoing:
            send_away, accept = account_offers()
            self.attention.show_offers(send_away, second=accept)
        else:
            self.attention.show_offers(main_offer(procedure), second=second_offer(procedure))

    def _show_pairing(self, procedure: Procedure, enrolment: Enrolment) -> None:
        step = procedure.next_step
        pairs = (
            procedure.state is ProcedureState.RUNNING
            and step is not None
            and step.name is StepName.PAIR
            and step.state is StepState.RUNNING
        )
        had_code = self._coded
        if pairs:
            tools = self._tools
            status = tools.supervisor.status(enrolment.link.id)
            self.pairing.show_status(enrolment, status, turn_of(enrolment, tools.supervisor, tools.enrolments))
        else:
            self.pairing.show_nothing()
        self._stage = self.pairing.stage
        self.pairing.setVisible(self._coded)
        if self._coded and not had_code:
            QTimer.singleShot(0, self, self.bring_code_into_view)

    def _may_take_focus(self) -> bool:
        """Not from somebody who is typing elsewhere."""
        focused = QApplication.focusWidget()
        return self.isVisible() and not isinstance(focused, QLineEdit | QPlainTextEdit)


def _needs_secret(procedure: Procedure) -> bool:
    """Whether it must be told the passphrase again: it is kept in memory only, and the program was closed."""
    step = procedure.next_step
    stuck = procedure.state in (ProcedureState.PAUSED, ProcedureState.FAILED)
    return stuck and step is not None and step.facts.get("code") == "backup_locked"
