"""A procedure beside the list, from its question to its end. The window stays usable: one needs the phone meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QApplication, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from app.core.procedures.service import ProcedureService
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.events import (
    BackupProgressed,
    MentoradoChanged,
    PairingQueueChanged,
    ProcedureChanged,
    StandbyStatusChanged,
    StatusChanged,
)
from app.domain.link_status import LinkState
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.procedure import Procedure, ProcedureKind, StepName
from app.text.procedure import if_closed, progress, title
from app.text.status import problem as words_of
from app.text.status import texts
from app.ui.action_runner import ActionRequest, ActionRunner
from app.ui.async_slots import async_slot, until_destroyed
from app.ui.detail_pane.inline_error import InlineError
from app.ui.procedures.chrome import CodeRoom, FocusMemory, Footer, SheetHead
from app.ui.procedures.commands import CommandId, ProcedureCommand, other_commands
from app.ui.procedures.forms import BackupForm, ImpactForm, ProcedureForm, RestoreForm
from app.ui.procedures.progress import ProcedureView
from app.ui.provider_switch.form import SwitchForm
from app.ui.theme.theme import SPACE_3

_DECIDES: Final = MappingProxyType(
    {CommandId.SEND_AWAY: ActionName.REJECT_ACCOUNT, CommandId.ACCEPT: ActionName.ACCEPT_ACCOUNT}
)


async def begin(runner: ActionRunner, request: ActionRequest, form: ProcedureForm) -> Procedure | None:
    """Begin the procedure of *form*; None where it begins by itself. Raises `Problem`; what was typed stays then."""
    if isinstance(form, SwitchForm):
        await form.approve()
        return None
    return await procedures_of(runner).begin(
        form.kind,
        request.mentorado_id,
        facts=form.facts,
        secret=form.secret,
        override_reason=request.override_reason,
    )


async def execute(runner: ActionRunner, control: CommandId, procedure: Procedure, over: QWidget, secret: str) -> None:
    """Run the command *control* on *procedure*, with the *secret* if it was typed again. Raises `Problem`."""
    procedures, procedure_id = procedures_of(runner), procedure.head.id
    match control:
        case CommandId.SEND_AWAY | CommandId.ACCEPT:
            await runner.run(_DECIDES[control], procedure.head.mentorado_id, over)
        case CommandId.CONFIRM:
            await procedures.confirm(procedure_id)
        case CommandId.PAUSE | CommandId.NOT_NOW:
            await procedures.pause(procedure_id)
        case CommandId.UNDO:
            await procedures.undo(procedure_id)
        case CommandId.CONTINUE | CommandId.TRY_AGAIN:
            await procedures.resume(procedure_id, secret=secret)
        case CommandId.SWITCH_AGAIN:
            await runner.run(ActionName.SWITCH_PROVIDER, procedure.head.mentorado_id, over)
        case CommandId.OPEN_FOLDER:
            if file := procedure.step(StepName.PUT_IN_PLACE).facts.get("path"):
                runner.open_folder(Path(file).parent)
        case CommandId.CLOSE:
            """Commands that close the panel without touching the procedure."""


def procedures_of(runner: ActionRunner) -> ProcedureService:
    """Raises `Problem(NOT_POSSIBLE_NOW)` where there are none."""
    if runner.procedures is None:
        raise Problem(ProblemCode.NOT_POSSIBLE_NOW)
    return runner.procedures


KIND_OF: Final = MappingProxyType(
    {
        ActionName.RECOVER: ProcedureKind.RECOVERY,
        ActionName.REAUTHENTICATE: ProcedureKind.REAUTHENTICATION,
        ActionName.BACK_UP: ProcedureKind.BACKUP,
        ActionName.RESTORE: ProcedureKind.RESTORE,
        ActionName.SWITCH_PROVIDER: ProcedureKind.SWITCH,
    }
)


def form_for(request: ActionRequest, runner: ActionRunner) -> ProcedureForm:
    """Build the form for *request*."""
    mentorado, kind = runner.mentorados.get(request.mentorado_id), KIND_OF[request.name]
    match kind:
        case ProcedureKind.BACKUP:
            return BackupForm(runner.theme, mentorado)
        case ProcedureKind.RESTORE:
            if runner.backups is None:
                raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=request.name)
            return RestoreForm(runner.theme, mentorado, runner.backups, runner.clock)
        case ProcedureKind.SWITCH:
            if runner.switches is None:
                raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=request.name)
            return SwitchForm(runner, mentorado, runner.switches)
        case _:
            works = runner.supervisor.status(mentorado.link.id).state is LinkState.CONNECTED
            ends = works and kind is ProcedureKind.REAUTHENTICATION
            return ImpactForm(kind, runner.theme, mentorado, procedures_of(runner), runner.clock, ends_connection=ends)


TICK_MILLISECONDS = 1000


class ProcedurePanel(QWidget):
    """One mentorado's: first the question, once it was answered the procedure. Holds no truth of its own."""

    closed = Signal()
    """The panel was closed. The procedure, if there is one, continues."""

    def __init__(self, runner: ActionRunner, mentorado_id: MentoradoId) -> None:
        super().__init__()
        self._runner = runner
        self._mentorado_id = mentorado_id
        self._procedure: Procedure | None = None
        self._request: ActionRequest | None = None
        self._form: ProcedureForm | None = None
        self._busy = False
        self._keyboard = FocusMemory(self)
        self._last: object = None  # what the buttons depend on
        self.head = SheetHead(runner.theme)
        self.head.close_requested.connect(self.closed)
        self.trouble = InlineError(runner.theme)
        self.trouble.dismissed.connect(self.trouble.hide)
        self.view = ProcedureView(runner)
        self.view.wanted.connect(self._run_command)
        self.view.text_expanded.connect(self._refresh)
        self.footer = Footer()
        self.footer.wanted.connect(self._run_command)
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
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
        card, pairing = self.view.attention, self.view.pairing
        self._code_room = CodeRoom(self, self._column, self.head, self._scroll, self.footer, card, pairing)
        self.view.code_shown.connect(self._code_room.bring_into_view)
        runner.theme.changed.connect(self._code_room.start_anew)
        self._timer = QTimer(self, interval=TICK_MILLISECONDS)
        self._timer.timeout.connect(self._tick)
        bus = runner.bus
        until_destroyed(
            self,
            bus.subscribe(ProcedureChanged, self._on_procedure),
            bus.subscribe(BackupProgressed, self._on_moved),
            bus.subscribe(StatusChanged, self._on_status),
            bus.subscribe(StandbyStatusChanged, self._on_status),
            bus.subscribe(PairingQueueChanged, lambda _event: self._refresh()),
            bus.subscribe(MentoradoChanged, self._on_mentorado),
            texts.on_change(self._retranslate),
        )

    @property
    def procedure(self) -> Procedure | None:
        return self._procedure

    @property
    def form(self) -> ProcedureForm | None:
        """The form shown before the procedure begins."""
        return self._form

    @property
    def unanswered(self) -> bool:
        """Whether a form is shown that nobody has answered yet."""
        return self._form is not None and not self._form.settled and not self._busy

    def ask(self, request: ActionRequest) -> None:
        """Show the form for *request*."""
        self._request, self._procedure = request, None
        self._drop_form()
        self._form = form = form_for(request, self._runner)
        form.changed.connect(self._refresh)
        form.submitted.connect(self._submit)
        form.confirm_wanted.connect(lambda: self.footer.button(CommandId.CONFIRM).setFocus())
        form.look_wanted.connect(self._bring_into_view)
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
            first = fields[0] if fields else self.footer.button(CommandId.NOT_NOW)
            first.setFocus()
        elif self.view.phrase.isVisibleTo(self):
            self.view.phrase.first.setFocus()
        else:
            self.setFocus()
            self._keyboard.focus_first(self.view.attention.not_now, self.view.attention.main)

    def show_problem(self, problem: Problem) -> None:
        self.show_trouble(*(words_of(problem) if self._form is None else self._form.words_of(problem)))

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
        self._code_room.bring_into_view()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._runner.theme.tokens
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.surface))
        painter.fillRect(0, 0, 1, self.height(), QColor(tokens.border))
        painter.end()

    # --- what a person wants

    def _submit(self) -> None:
        """Press the main button if it is enabled."""
        if self.footer.button(CommandId.CONFIRM).isEnabled():
            self._run_command(CommandId.CONFIRM)

    @async_slot
    async def _run_command(self, control: CommandId) -> None:
        if self._busy:
            return
        self._busy = True
        self.trouble.hide()
        self._refresh()
        try:
            await self._on_command_done(control)
        finally:
            self._busy = False
            self._refresh()
            self._keyboard.focus_first(self.view.attention.not_now, self.view.attention.main)

    async def _on_command_done(self, control: CommandId) -> None:
        if control is CommandId.CLOSE or (self._form is not None and control is CommandId.NOT_NOW):
            self.closed.emit()
        elif self._form is not None and self._request is not None:
            await self._begin(self._form, self._request)
        elif self._procedure is not None:
            await execute(self._runner, control, self._procedure, self, self.view.take_secret())

    async def _begin(self, form: ProcedureForm, request: ActionRequest) -> None:
        procedure = await begin(self._runner, request, form)
        if procedure is not None and self._procedure is None:  # it told us already, and may have moved since
            self.show_procedure(procedure)

    # --- what happened

    def _on_procedure(self, event: ProcedureChanged) -> None:
        if event.procedure.head.mentorado_id == self._mentorado_id:
            self.show_procedure(event.procedure)

    def _on_moved(self, event: BackupProgressed) -> None:
        if self._procedure is not None and event.procedure_id == self._procedure.head.id:
            self.view.show_progress(event.progress)

    def _on_status(self, event: StatusChanged | StandbyStatusChanged) -> None:
        if event.mentorado_id == self._mentorado_id:
            self._refresh()

    def _on_mentorado(self, event: MentoradoChanged) -> None:
        if event.mentorado.id == self._mentorado_id:
            self._refresh()

    def _tick(self) -> None:
        if self._procedure is not None and not self._procedure.ended:
            self.head.set_text(self.head.title, progress(self._procedure, self._runner.clock.now()))

    # --- how it is shown

    def _refresh(self) -> None:
        procedure = self._procedure
        step = procedure.next_step if procedure else None
        now = (self._form, procedure and procedure.state, step and step.name, self._busy, self.view.link_state)
        if now == self._last:
            self._render()
            self._code_room.arrange()
            return
        self._last = now
        with self._keyboard.preserved():
            self._render()
        self._scroll.verticalScrollBar().setValue(0)  # what is new is at the top
        self._code_room.bring_into_view()

    def _render(self) -> None:
        procedure = self._procedure
        self.view.setVisible(procedure is not None)
        if procedure is not None:
            self._show(procedure, self._mentorado_of(procedure))
        elif self._form is not None:
            self._show_form(self._form)

    def _mentorado_of(self, procedure: Procedure) -> Mentorado:
        """The mentorado, with the link that is connected: a switch connects one beside the link in use."""
        mentorados, link_id = self._runner.mentorados, procedure.link_id
        return mentorados.get(self._mentorado_id) if link_id is None else mentorados.through(link_id)

    def _show(self, procedure: Procedure, mentorado: Mentorado) -> None:
        name, now = mentorado.name, self._runner.clock.now()
        self.head.set_text(title(procedure.head.kind, name), progress(procedure, now))
        self.head.set_close_text(texts("procedure.close" if procedure.ended else "procedure.close_panel"))
        self.setAccessibleName(self.head.title)
        self.view.show_procedure(procedure, mentorado, busy=self._busy)
        offers = [each for each in other_commands(procedure) if each.control not in self.view.offered]
        self.footer.show_offers(if_closed(procedure, self.view.news), offers, busy=self._busy)
        self._keyboard.announce(self.view.spoken)

    def _show_form(self, form: ProcedureForm) -> None:
        override = self._request.override_reason if self._request else ""
        self.head.set_text(form.title, texts("begin.override", reason=override) if override else "")
        self.head.set_close_text(texts("begin.cancel"))
        self.setAccessibleName(self.head.title)
        if form.spoken:
            self._keyboard.announce(form.spoken)
        self._keyboard.go_through(form.fields, before=self.footer.button(CommandId.NOT_NOW))
        if form.settled:
            offers = [ProcedureCommand(CommandId.NOT_NOW, texts("procedure.close"))]
        else:
            confirm = ProcedureCommand(CommandId.CONFIRM, form.confirm_label, form.error)
            offers = [ProcedureCommand(CommandId.NOT_NOW, texts("begin.cancel")), confirm]
        self.footer.show_offers("", offers, busy=self._busy, strong=CommandId.CONFIRM)

    def _bring_into_view(self, part: QWidget) -> None:
        QTimer.singleShot(0, part, lambda: self._scroll.ensureWidgetVisible(part))  # once it has its place

    def show_trouble(self, sentence: str, next_step: str) -> None:
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


class ProcedurePanelController(QObject):
    """Shows and closes panels on *pages*. A procedure continues after its panel is closed, and can be shown again."""

    changed = Signal()
    mentorado_requested = Signal(str)
    """The sheet that was asked for is of somebody who is not on show."""

    def __init__(
        self, runner: ActionRunner, pages: QStackedLayout, pane: QWidget, shown: Callable[[], MentoradoId | None]
    ) -> None:
        super().__init__(pane)
        self._runner = runner
        self._pages = pages
        self._pane = pane
        self._shown = shown
        self.panels: dict[MentoradoId, ProcedurePanel] = {}  # those that are open
        runner.procedure_requested.connect(self.open_form)
        runner.procedure_begun.connect(self._on_begun)

    def procedure_of(self, mentorado_id: MentoradoId) -> Procedure | None:
        """The procedure that is not finished, whether its sheet is open or not."""
        return self._runner.procedures.active(mentorado_id) if self._runner.procedures else None

    @async_slot
    async def open_form(self, request: ActionRequest) -> None:
        """Show the form that comes before the procedure of *request*."""
        mentorado_id = request.mentorado_id
        if mentorado_id != self._shown() or not self._pane.isVisible():
            self.mentorado_requested.emit(mentorado_id)
        try:
            self._sheet(mentorado_id).ask(request)
        except BaseException:
            self.close(mentorado_id)
            raise
        self._raise_panel(mentorado_id)

    def show(self) -> None:
        """Show the procedure of the current mentorado, if there is one."""
        if (mentorado_id := self._shown()) is not None:
            self.show_of(mentorado_id)

    def _on_begun(self, request: ActionRequest) -> None:
        if request.over in (self._pane, self._pane.window()):  # else it is followed where it was asked for
            self.show_of(request.mentorado_id)

    def show_of(self, mentorado_id: MentoradoId) -> None:
        """Show the procedure of this mentorado, if there is one."""
        if mentorado_id != self._shown() or not self._pane.isVisible():
            self.mentorado_requested.emit(mentorado_id)
        if (procedure := self.procedure_of(mentorado_id)) is not None:
            self._sheet(mentorado_id).show_procedure(procedure)
            self._raise_panel(mentorado_id)

    @async_slot
    async def resume(self) -> None:
        """Show it, and let it continue."""
        self.show()
        mentorado_id = self._shown()
        procedure = self.procedure_of(mentorado_id) if mentorado_id else None
        if procedure is not None and self._runner.procedures is not None:
            await self._runner.procedures.resume(procedure.head.id)

    def close(self, mentorado_id: MentoradoId) -> None:
        """Have the pane itself there again."""
        sheet = self.panels.pop(mentorado_id, None)
        if sheet is None:
            return
        focused = QApplication.focusWidget()
        had_focus = focused is not None and (focused is sheet or sheet.isAncestorOf(focused))
        self.changed.emit()
        if had_focus and (shown := self._pages.currentWidget()):
            shown.setFocus()  # not the first button that comes along
        self._pages.removeWidget(sheet)
        sheet.hide()
        sheet.deleteLater()

    def leave(self, mentorado_id: MentoradoId) -> None:
        """Somebody else is on show now: a form that was not answered goes, with what was typed in it."""
        panel = self.panels.get(mentorado_id)
        if panel is not None and panel.unanswered:
            self.close(mentorado_id)

    def _raise_panel(self, mentorado_id: MentoradoId) -> None:
        self.changed.emit()
        self.panels[mentorado_id].take_focus()

    def _sheet(self, mentorado_id: MentoradoId) -> ProcedurePanel:
        if mentorado_id not in self.panels:
            sheet = self.panels[mentorado_id] = ProcedurePanel(self._runner, mentorado_id)
            sheet.closed.connect(lambda: self.close(mentorado_id))
            self._pages.addWidget(sheet)
        return self.panels[mentorado_id]
