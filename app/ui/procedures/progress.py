"""A procedure under way: what is going on, the code while one is to be scanned, and the steps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.domain.backup import BackupProgress
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado
from app.domain.procedure import Procedure, ProcedureState, StepRecord, StepState
from app.text import procedure as procedure_text
from app.text.procedure import (
    PAIRING_STEPS,
    LinkNews,
    ProcedureText,
    as_it_stands,
    is_unproven,
    link_news,
    scan,
    summary_text,
)
from app.text.signs import Tone
from app.text.status import texts
from app.ui.action_runner import ActionRunner
from app.ui.async_slots import async_slot
from app.ui.detail_pane.pairing import PairingPanel, Stage, turn_of
from app.ui.procedures.chrome import BackupProgressBar
from app.ui.procedures.commands import (
    CODE,
    LOOKS,
    UNPROVEN,
    CommandId,
    ProcedureCommand,
    account_commands,
    primary_command,
    secondary_command,
)
from app.ui.procedures.forms import PassphraseField
from app.ui.procedures.impact import Entry, ImpactView, entries
from app.ui.theme.icons import icon
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_BODY, TEXT_CAPTION, TEXT_NAME, TEXT_SMALL, Theme
from app.ui.widgets.labels import ScaledLabel, set_role, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, vbox
from app.ui.widgets.placeholders import IconCircle

_MARK, _ICON = 24, 14
_LOOKS = {
    StepState.DONE: (Tone.CONNECTED, "check"),
    StepState.FAILED: (Tone.ERROR, "triangle-alert"),
    StepState.UNDONE: (Tone.IDLE, "undo"),
    StepState.SKIPPED: (Tone.IDLE, "arrow-right"),
}


class _Row(QWidget):
    """A step: its mark, title and result, with a line to the next step."""

    def __init__(self, theme: Theme, number: int, *, last: bool) -> None:
        super().__init__()
        self._theme = theme
        self._number = number
        self._last = last
        self._state = StepState.WAITING
        self._halted = False
        self._current = False
        self._strong, self._plain = (
            ScaledLabel(theme, TEXT_BODY, weight) for weight in (QFont.Weight.DemiBold, QFont.Weight.Normal)
        )
        self._line = text_label(role="secondary")
        self._column = QVBoxLayout(self)
        self._column.setSpacing(SPACE_1 // 2)
        for label in (self._strong, self._plain, self._line):
            self._column.addWidget(label)
        theme.changed.connect(self._rescale)
        self._rescale()

    def show_step(self, procedure: Procedure, step: StepRecord) -> None:
        is_next = step == procedure.next_step and not procedure.ended
        line = procedure_text.step_line(step, procedure.state, is_next=is_next)
        self._state = step.state
        self._current = is_next and procedure.state is not ProcedureState.UNDOING
        self._halted = self._current and procedure.state in (ProcedureState.ASKING, ProcedureState.PAUSED)
        label = texts(f"procedure.step.{step.name}")
        for words_of, shown in ((self._strong, self._current), (self._plain, not self._current)):
            words_of.setText(label)
            words_of.setVisible(shown)
        self._line.setText(line)
        set_role(self._line, "danger" if step.state is StepState.FAILED else "secondary")
        self._line.setVisible(bool(line))
        self.setAccessibleName(procedure_text.spoken_step(procedure, step, line))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens, side = self._theme.tokens, self._theme.px(_MARK)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._last:
            painter.setPen(QPen(QColor(tokens.border), 2))
            middle = side / 2
            painter.drawLine(QPointF(middle, side + SPACE_1), QPointF(middle, self.height() - SPACE_1))
        circle = QRectF(1, 1, side - 2, side - 2)
        if self._state in _LOOKS:
            tone, name = _LOOKS[self._state]
            self._paint_icon(painter, circle, tone, name)
        elif self._halted:
            self._paint_icon(painter, circle, Tone.WAITING, "clock")
        elif self._current:
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.setBrush(QColor(tokens.accent_soft))
            painter.drawEllipse(circle)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent))
            painter.drawEllipse(circle.center(), side / 6, side / 6)
        else:
            painter.setPen(QPen(QColor(tokens.border_strong), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(circle)
            painter.setFont(self._theme.font(TEXT_CAPTION, QFont.Weight.Medium))
            painter.setPen(QColor(tokens.text3))
            painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, str(self._number))
        painter.end()

    def _paint_icon(self, painter: QPainter, circle: QRectF, tone: Tone, name: str) -> None:
        colours, side = self._theme.tokens.badge[tone], self._theme.px(_ICON)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.bg))
        painter.drawEllipse(circle)
        at = circle.center().toPoint()
        icon(name, colours.fg, side).paint(painter, QRect(at.x() - side // 2, at.y() - side // 2, side, side))

    def _rescale(self) -> None:
        side = self._theme.px(_MARK)
        below = 0 if self._last else SPACE_4
        self._column.setContentsMargins(side + SPACE_3, max(0, (side - self._theme.px(18)) // 2), 0, below)
        self.setMinimumHeight(side + below)
        self.update()


class StepList(QWidget):
    """The steps of a procedure. Rows are created once and then updated."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: list[_Row] = []
        self._of: str = ""
        self._column = vbox(inside=self)

    def show_procedure(self, procedure: Procedure) -> None:
        if self._of != procedure.head.id:
            self._of = procedure.head.id
            self._make(len(procedure.steps))
        for row, step in zip(self._rows, procedure.steps, strict=True):
            row.show_step(procedure, step)
        self.setAccessibleName(texts("procedure.steps"))

    def _make(self, count: int) -> None:
        for row in self._rows:
            row.hide()
            row.deleteLater()
        self._rows = [_Row(self._theme, number, last=number == count) for number in range(1, count + 1)]
        for row in self._rows:
            self._column.addWidget(row)


_SIGN, _SIGN_ICON = 36, 18


class CurrentStepCard(QFrame):
    """A sign and a sentence, a line below it, and either a bar, a button, or a question with its ledger."""

    wanted = Signal(object)  # a Control

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.sentence = ScaledLabel(theme, TEXT_NAME, QFont.Weight.DemiBold)
        self.line = text_label(role="secondary")
        self.moving = BackupProgressBar()
        self.ledger = ImpactView(theme)
        self.ledger.hide()
        self._choices = QWidget()
        self._controls: dict[QPushButton, CommandId] = {}
        self._row = FlowLayout(self._choices, spacing=SPACE_2)
        self.not_now, self.main, self.second = QPushButton(), QPushButton(), QPushButton()
        self.main.setProperty("role", "primary")
        for button in (self.not_now, self.main, self.second):
            button.clicked.connect(lambda _checked=False, button=button: self.wanted.emit(self._controls[button]))
            self._row.addWidget(button)
        self.column = vbox(inside=self, margins=(SPACE_4, SPACE_4 - 2, SPACE_4, SPACE_4))
        self.sign = IconCircle(
            theme, LOOKS[ProcedureState.RUNNING][1], _SIGN, _SIGN_ICON, tone=Tone.PROGRESS, scales=True
        )
        texts_layout = vbox(self.sentence, self.line, spacing=SPACE_1)
        head = hbox(spacing=SPACE_3)
        head.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(texts_layout, 1)
        self.column.addLayout(head)
        self.ledger.setContentsMargins(0, SPACE_4, 0, 0)
        self._choices.setContentsMargins(0, SPACE_3, 0, 0)
        for part in (self.moving, self.ledger, self._choices):
            self.column.addWidget(part)

    def show_text(self, text: ProcedureText, look: tuple[Tone, str]) -> None:
        self.sign.show_icon(look[1], look[0])
        for label, words in ((self.sentence, text.sentence), (self.line, text.line)):
            label.setText(words)
            label.setVisible(bool(words))
        self.setAccessibleName(f"{text.sentence} {text.line}".strip())

    def show_progress(self, progress: BackupProgress | None) -> None:
        self.moving.show_progress(progress)

    def show_ledger(self, entries: Sequence[Entry]) -> None:
        """Show *entries* above the question; an empty list hides them."""
        self.ledger.show_entries(entries)
        self.ledger.setVisible(bool(entries))
        for button in (self.not_now, self.main):
            button.setAccessibleDescription(self.ledger.spoken if entries else "")

    def show_offers(
        self,
        main: ProcedureCommand | None,
        *,
        before: ProcedureCommand | None = None,
        second: ProcedureCommand | None = None,
    ) -> None:
        """The recommended button, one *before* it that puts it off, and a *second* answer where there are two."""
        for button, offer in ((self.not_now, before), (self.main, main), (self.second, second)):
            button.setVisible(offer is not None)
            if offer is not None:
                self._controls[button] = offer.control
                button.setText(offer.label)
                button.setAccessibleName(offer.label)
        self._choices.setVisible(main is not None)

    @property
    def offered(self) -> Collection[CommandId]:
        """What its buttons do."""
        buttons = (self.not_now, self.main, self.second)
        return [self._controls[button] for button in buttons if button in self._controls and not button.isHidden()]

    def set_busy(self, busy: bool) -> None:
        for button in (self.not_now, self.main, self.second):
            button.setEnabled(not busy)


class ProcedureView(QWidget):
    """Is told the procedure whole, each time it moves."""

    wanted = Signal(object)  # a Control
    text_expanded = Signal()
    """What is kept and what is lost is on show now."""
    code_shown = Signal()
    """A code is on show, and has its place."""

    def __init__(self, runner: ActionRunner) -> None:
        super().__init__()
        self._runner = runner
        self._shown: ProcedureState | None = None
        self._procedure: Procedure | None = None
        self._stage = Stage.NONE
        self._typing = False
        self._mentorado: Mentorado | None = None
        self.attention = CurrentStepCard(runner.theme)
        self.attention.wanted.connect(self.wanted)
        self.phrase = PassphraseField()
        self.phrase.hide()
        self.phrase.setContentsMargins(0, SPACE_3, 0, 0)
        self.phrase.submitted.connect(self.attention.main.click)
        self.attention.column.insertWidget(self.attention.column.count() - 1, self.phrase)
        self.pairing = PairingPanel(
            runner.theme, runner.clock, phone_codes=runner.supervisor.phone_codes, cancellable=False
        )
        self.pairing.typing_changed.connect(self._on_typing)
        self._heading = ScaledLabel(runner.theme, TEXT_SMALL, QFont.Weight.DemiBold)
        self.steps = StepList(runner.theme)
        vbox(self.attention, self.pairing, self._heading, self.steps, inside=self, spacing=SPACE_4)
        self.pairing.hide()
        buttons = (self.attention.not_now, self.attention.main, self.attention.second)
        for above, below in pairwise((*self.phrase.fields, *buttons)):
            self.setTabOrder(above, below)
        self.retranslate()

    @property
    def _shows_code(self) -> bool:
        return self._stage in (Stage.CODE, Stage.LAPSED)

    @property
    def link_state(self) -> LinkState | None:
        """Of the link whose procedure failed, on which depends what is offered."""
        if self._procedure is None or self._mentorado is None or self._procedure.state is not ProcedureState.FAILED:
            return None
        return self._runner.supervisor.status(self._mentorado.link.id).state

    @property
    def news(self) -> LinkNews | None:
        """What became of the link since the procedure failed for want of it."""
        if self._procedure is None or self._mentorado is None:
            return None
        return link_news(self._procedure, self._runner.supervisor.status(self._mentorado.link.id))

    @property
    def offered(self) -> Collection[CommandId]:
        """The commands that the card offers: they are not to be offered a second time."""
        return self.attention.offered

    @property
    def spoken(self) -> str:
        """The text for screen readers."""
        ledger = self.attention.ledger
        announcement = f"{self.attention.sentence.text()} {self.attention.line.text()}"
        return f"{announcement} {ledger.spoken}".strip() if ledger.isVisibleTo(self.attention) else announcement.strip()

    def show_procedure(self, procedure: Procedure, mentorado: Mentorado, *, busy: bool) -> None:
        moved = self._procedure is None or procedure.state is not self._procedure.state
        self._procedure, self._mentorado = procedure, mentorado
        self._show_pairing(procedure, mentorado)
        self._show_text(procedure, mentorado)
        if procedure.state is not ProcedureState.RUNNING:
            self.attention.show_progress(None)
        asks = procedure.state is ProcedureState.ASKING
        if asks and moved:
            self._read_ledger(procedure, mentorado.name)
        elif not asks:
            self.attention.show_ledger([])
        self._show_offers(procedure, mentorado)
        self.attention.set_busy(busy)
        self.phrase.setVisible(_needs_secret(procedure))
        self.steps.show_procedure(as_it_stands(procedure, self.news))
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
        self.phrase.set_text(texts("procedure.needs_passphrase"))
        self.pairing.retranslate()
        self.attention.moving.retranslate()
        if self._procedure is not None and self._procedure.state is ProcedureState.ASKING:
            name = self._runner.mentorados.get(self._procedure.head.mentorado_id).name
            self._read_ledger(self._procedure, name)

    @async_slot
    async def _read_ledger(self, procedure: Procedure, name: str) -> None:
        if self._runner.procedures is None:
            return
        kind = procedure.head.kind
        ledger = await self._runner.procedures.ledger(kind, procedure.head.mentorado_id)
        if self._procedure is not None and self._procedure.state is ProcedureState.ASKING:
            now, ends = self._runner.clock.now(), procedure.ends_connection
            self.attention.show_ledger(entries(ledger, kind, name, now, ends_connection=ends))
            self.text_expanded.emit()

    def _on_typing(self, typing: bool) -> None:
        """The code itself says what is to be typed where."""
        self._typing = typing
        if self._procedure is not None and self._mentorado is not None and self._shows_code:
            self._show_text(self._procedure, self._mentorado)

    def _show_text(self, procedure: Procedure, mentorado: Mentorado) -> None:
        match self._stage:
            case Stage.CODE | Stage.LAPSED:
                asked = texts("badge.code_to_type") if self._typing else scan(mentorado)
                self.attention.show_text(ProcedureText(asked, ""), CODE)
            case Stage.SIGNING_IN:
                self.attention.show_text(ProcedureText(texts("qr.accepted"), texts("qr.accepted_line")), CODE)
            case Stage.WAITING_TURN:
                name, ahead = turn_of(mentorado, self._runner.supervisor, self._runner.mentorados)
                waits = ProcedureText(texts("qr.turn", name=name), texts.plural("qr.ahead", ahead))
                self.attention.show_text(waits, LOOKS[ProcedureState.PAUSED])
            case _:
                status = self._runner.supervisor.status(mentorado.link.id)
                stands = as_it_stands(procedure, self.news)
                look = UNPROVEN if is_unproven(procedure) else LOOKS[stands.state]
                self.attention.show_text(summary_text(procedure, mentorado, status), look)

    def _show_offers(self, procedure: Procedure, mentorado: Mentorado) -> None:
        status = self._runner.supervisor.status(mentorado.link.id)
        other_phone = (status.state, status.reason) == (LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
        if procedure.state is ProcedureState.ASKING:
            confirm = ProcedureCommand(CommandId.CONFIRM, texts(f"procedure.confirm.{procedure.head.kind}"))
            self.attention.show_offers(confirm, before=ProcedureCommand(CommandId.NOT_NOW, texts("procedure.not_now")))
        elif procedure.state is ProcedureState.FAILED and other_phone and not procedure.undoing:
            send_away, accept = account_commands()
            if procedure.link_id is None:
                self.attention.show_offers(send_away, second=accept)
            else:  # undoing a switch is what sends that phone away
                undo = ProcedureCommand(CommandId.UNDO, texts("procedure.switch.send_away"))
                self.attention.show_offers(undo)
        else:
            self.attention.show_offers(primary_command(procedure, self.news), second=secondary_command(procedure))

    def _show_pairing(self, procedure: Procedure, mentorado: Mentorado) -> None:
        step = procedure.next_step
        pairs = (
            procedure.state is ProcedureState.RUNNING
            and step is not None
            and step.name in PAIRING_STEPS
            and step.state is StepState.RUNNING
        )
        had_code = self._shows_code
        if pairs:
            runner = self._runner
            status = runner.supervisor.status(mentorado.link.id)
            self.pairing.show_status(mentorado, status, turn_of(mentorado, runner.supervisor, runner.mentorados))
        else:
            self.pairing.show_nothing()
        self._stage = self.pairing.stage
        self.pairing.setVisible(self._shows_code)
        if self._shows_code and not had_code:
            QTimer.singleShot(0, self, self.code_shown.emit)

    def _may_take_focus(self) -> bool:
        """Whether the focus may be taken: not while somebody types elsewhere."""
        focused = QApplication.focusWidget()
        return self.isVisible() and not isinstance(focused, QLineEdit | QPlainTextEdit)


def _needs_secret(procedure: Procedure) -> bool:
    """Whether it must be told the passphrase again: it is kept in memory only, and the program was closed."""
    step = procedure.next_step
    stuck = procedure.state in (ProcedureState.PAUSED, ProcedureState.FAILED)
    return stuck and step is not None and step.facts.get("code") == "backup_locked"
