"""A procedure beside the list, from its question to its end. The window stays usable: one needs the phone meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.domain.errors import Problem
from app.domain.events import BackupMoved, MentoradoChanged, PairingTurnChanged, ProcedureChanged, StatusChanged
from app.domain.mentorado import Enrolment, MentoradoId
from app.domain.procedure import Procedure
from app.ui.detail_pane.trouble import Trouble
from app.ui.loop import asked
from app.ui.recovery.beginning import Beginning
from app.ui.recovery.footer import Footer
from app.ui.recovery.head import SheetHead
from app.ui.recovery.keyboard import Keyboard
from app.ui.recovery.offers import Control, Offer, other_offers
from app.ui.recovery.openings import beginning_of
from app.ui.recovery.procedure_view import ProcedureView
from app.ui.recovery.steering import begin, steer
from app.ui.recovery.words import if_closed, progress, title
from app.ui.sheets import Errand, Sheets
from app.ui.text import problem as words_of
from app.ui.text import texts
from app.ui.theme import SPACE_2, SPACE_3, SPACE_6

TICK_MILLISECONDS = 1000


class SideSheet(QWidget):
    """One mentorado's: first the question, once it was answered the procedure. Holds no truth of its own."""

    closed = Signal()
    """It can go: nothing is asked any more. The procedure, if there is one, goes on."""

    def __init__(self, sheets: Sheets, mentorado_id: MentoradoId) -> None:
        super().__init__()
        self._sheets, tools = sheets, sheets.tools
        self._mentorado_id = mentorado_id
        self._procedure: Procedure | None = None
        self._errand: Errand | None = None
        self._form: Beginning | None = None
        self._busy = False
        self._keyboard = Keyboard(self)
        self._last: object = None  # what the buttons depend on
        self.head = SheetHead(tools.theme)
        self.head.close_wanted.connect(self.closed)
        self.trouble = Trouble(tools.theme)
        self.trouble.dismissed.connect(self.trouble.hide)
        self.view = ProcedureView(tools)
        self.view.wanted.connect(self._do)
        self.view.told_more.connect(self._refresh)
        self.view.code_moved.connect(self._scroll_to)
        self.view.problem.connect(self.show_problem)
        self.view.crash.connect(self.show_crash)
        self.footer = Footer()
        self.footer.wanted.connect(self._do)
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(SPACE_6, SPACE_6 - 4, SPACE_6, SPACE_6)
        self._column.setSpacing(SPACE_3)
        self._column.addWidget(self.trouble)
        self._column.addWidget(self.view)
        self._column.addStretch(1)
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(self._inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 0, 0, 0)  # the line at the edge
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self._scroll, 1)
        column.addWidget(self.footer)
        self._timer = QTimer(self, interval=TICK_MILLISECONDS)
        self._timer.timeout.connect(self._tick)
        bus = tools.bus
        undo = (
            bus.subscribe(ProcedureChanged, self._on_procedure),
            bus.subscribe(BackupMoved, self._on_moved),
            bus.subscribe(StatusChanged, self._on_status),
            bus.subscribe(PairingTurnChanged, lambda _event: self._refresh()),
            bus.subscribe(MentoradoChanged, self._on_mentorado),
            texts.on_change(self._retranslate),
        )
        self.destroyed.connect(partial(_all_of, undo))

    @property
    def procedure(self) -> Procedure | None:
        return self._procedure

    @property
    def form(self) -> Beginning | None:
        """What is asked before it begins."""
        return self._form

    def ask(self, errand: Errand) -> None:
        """Show the question of *errand*."""
        self._errand, self._procedure = errand, None
        self._drop_form()
        self._form = form = beginning_of(errand, self._sheets.tools)
        form.changed.connect(self._refresh)
        form.submitted.connect(self._submit)
        form.problem.connect(self.show_problem)
        form.crashed.connect(self.show_crash)
        self._column.insertWidget(1, form)
        form.show()  # else the layout does it later, and nothing in it could have the keyboard yet
        self.trouble.hide()
        self._refresh()

    def show_procedure(self, procedure: Procedure) -> None:
        """Follow *procedure* from now on."""
        self._drop_form()
        self._procedure = procedure
        self._refresh()

    def take_focus(self) -> None:
        """Put the keyboard into the first field, or where nothing can go wrong."""
        if self._form is not None:
            fields = [field for field in self._form.fields if field.isVisibleTo(self)]
            first = fields[0] if fields else self.footer.button(Control.NOT_NOW)
            first.setFocus()
        elif self.view.phrase.isVisibleTo(self):
            self.view.phrase.first.setFocus()
        else:
            self.setFocus()
            self._keyboard.offer(self.view.attention.not_now, self.view.attention.main)

    def show_problem(self, problem: Problem) -> None:
        self._say_trouble(*words_of(problem))

    def show_crash(self, _error: Exception) -> None:
        self._say_trouble(texts("detail.crash"), texts("detail.crash_next"))

    def event(self, event: QEvent) -> bool:
        kind, escape = QEvent.Type.ShortcutOverride, Qt.Key.Key_Escape
        if event.type() is kind and isinstance(event, QKeyEvent) and event.key() == escape:
            event.accept()  # else the window takes it to close its drawer
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.view.bring_code_into_view()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._sheets.tools.theme.tokens
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.surface))
        painter.fillRect(0, 0, 1, self.height(), QColor(tokens.border))
        painter.end()

    # --- what a person wants

    def _submit(self) -> None:
        """Enter in a field does what the button does, if that can be pressed."""
        if self.footer.button(Control.CONFIRM).isEnabled():
            self._do(Control.CONFIRM)

    @asked
    async def _do(self, control: Control) -> None:
        if self._busy:
            return
        self._busy = True
        self.trouble.hide()
        self._refresh()
        try:
            await self._done(control)
        finally:
            self._busy = False
            self._refresh()
            self._keyboard.offer(self.view.attention.not_now, self.view.attention.main)

    async def _done(self, control: Control) -> None:
        if control is Control.CLOSE or (self._form is not None and control is Control.NOT_NOW):
            self.closed.emit()
        elif self._form is not None and self._errand is not None:
            await self._begin(self._form, self._errand)
        elif self._procedure is not None:
            await steer(self._sheets, control, self._procedure, self, self.view.take_secret())

    async def _begin(self, form: Beginning, errand: Errand) -> None:
        procedure = await begin(self._sheets.tools, errand, form)
        if self._procedure is None:  # it told us already, and may have moved since
            self.show_procedure(procedure)

    # --- what happened

    def _on_procedure(self, event: ProcedureChanged) -> None:
        if event.procedure.head.mentorado_id == self._mentorado_id:
            self.show_procedure(event.procedure)

    def _on_moved(self, event: BackupMoved) -> None:
        if self._procedure is not None and event.procedure_id == self._procedure.head.id:
            self.view.show_progress(event.progress)

    def _on_status(self, event: StatusChanged) -> None:
        if event.mentorado_id == self._mentorado_id:
            self._refresh()

    def _on_mentorado(self, event: MentoradoChanged) -> None:
        if event.enrolment.mentorado.id == self._mentorado_id:
            self._refresh()

    def _tick(self) -> None:
        if self._procedure is not None and not self._procedure.ended:
            self.head.say(self.head.title, progress(self._procedure, self._sheets.tools.clock.now()))

    # --- how it is shown

    def _refresh(self) -> None:
        procedure = self._procedure
        step = procedure.next_step if procedure else None
        now = (self._form, procedure and procedure.state, step and step.name, self._busy)
        if now == self._last:
            self._render()
            return
        self._last = now
        with self._keyboard.kept():
            self._render()
        self._scroll.verticalScrollBar().setValue(0)  # what is new is at the top
        self.view.bring_code_into_view()

    def _render(self) -> None:
        enrolment = self._sheets.tools.enrolments.get(self._mentorado_id)
        procedure = self._procedure
        self.view.setVisible(procedure is not None)
        if procedure is not None:
            self._show(procedure, enrolment)
        elif self._form is not None:
            self._show_form(self._form, enrolment)

    def _show(self, procedure: Procedure, enrolment: Enrolment) -> None:
        name, now = enrolment.mentorado.name, self._sheets.tools.clock.now()
        self.head.say(title(procedure.head.kind, name), progress(procedure, now))
        self.head.say_close(texts("procedure.close" if procedure.ended else "procedure.close_panel"))
        self.setAccessibleName(self.head.title)
        self.view.show_procedure(procedure, enrolment, busy=self._busy)
        self.footer.show_offers(if_closed(procedure), other_offers(procedure), busy=self._busy)
        self._keyboard.announce(self.view.spoken)

    def _show_form(self, form: Beginning, enrolment: Enrolment) -> None:
        override = self._errand.override_reason if self._errand else ""
        self.head.say(form.question, texts("begin.override", reason=override) if override else "")
        self.head.say_close(texts("begin.cancel"))
        self.setAccessibleName(self.head.title)
        self._keyboard.go_through(form.fields, before=self.footer.button(Control.NOT_NOW))
        offers = (Offer(Control.NOT_NOW, texts("begin.cancel")), Offer(Control.CONFIRM, form.verb, form.why_not))
        self.footer.show_offers("", offers, busy=self._busy, strong=Control.CONFIRM)

    def _scroll_to(self, top: int) -> None:
        fits = top + self.view.pairing.needed_height <= self._scroll.viewport().height()
        self._scroll.verticalScrollBar().setValue(0 if fits else top - SPACE_2)

    def _say_trouble(self, sentence: str, next_step: str) -> None:
        self.trouble.show_trouble(sentence, next_step)
        self._scroll.ensureWidgetVisible(self.trouble)
        self._keyboard.announce(f"{sentence} {next_step}")

    def _drop_form(self) -> None:
        if self._form is not None:
            self._column.removeWidget(self._form)
            self._form.hide()
            self._form.deleteLater()
            self._form = None

    def _retranslate(self) -> None:
        if self._form is not None:
            self._form.retranslate()
        self.view.retranslate()
        self._refresh()


def _all_of(undo: Sequence[Callable[[], None]], *_destroyed: object) -> None:
    for each in undo:
        each()
