"""One mentorado, whole: who, what is true, what to do next, what can be done, what happened."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QHideEvent,
    QPainter,
    QPaintEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QWidget

from app.core.action_rules import availability
from app.core.actions import ActionService
from app.core.event_bus import EventBus
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.domain.actions import ActionName
from app.domain.errors import Problem
from app.domain.events import (
    AuditRecorded,
    DeliverySetAside,
    HandlingChanged,
    IncidentBegan,
    IncidentChanged,
    IncidentEnded,
    MentoradoAdded,
    MentoradoChanged,
    MentoradosLoaded,
    MessagesErased,
    NotesChanged,
    OutboundStopped,
    PairingQueueChanged,
    ProcedureChanged,
    SnoozesChanged,
    StandbyStatusChanged,
    StatusChanged,
    SwitchesChanged,
)
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import MentoradoId
from app.domain.notifications import Snooze, SnoozeLength
from app.domain.repositories import Clock, SetAsideDeliveries, TransitionRepository
from app.domain.switch import SwitchItem
from app.domain.uptime import TimeRange
from app.text.status import problem as words_of
from app.text.status import sentence, texts
from app.ui.action_runner import ActionRunner
from app.ui.async_slots import async_slot, until_destroyed
from app.ui.detail_pane.conversations_tab import ConversationsTab
from app.ui.detail_pane.history_loader import HistoryLoader, HistorySources
from app.ui.detail_pane.pairing import turn_of
from app.ui.detail_pane.pairing_outcome import PairingOutcomes
from app.ui.detail_pane.pane_stack import PaneStack
from app.ui.detail_pane.staff import NotesSection
from app.ui.detail_pane.summary import SummaryView
from app.ui.detail_pane.view import MentoradoView, SwitchView
from app.ui.navigation import SWITCHES
from app.ui.procedures.panel import ProcedurePanelController
from app.ui.providers.number_section import NumberSection
from app.ui.snoozing import change_snooze
from app.ui.theme.theme import PANE_WIDTH, Theme
from app.ui.widgets.accessibility import announce

if TYPE_CHECKING:
    from app.ui.conversations.panel import ConversationsPanel


TICK_MILLISECONDS = 1000

_INCIDENTS = (IncidentBegan, IncidentChanged, IncidentEnded)
_ABOUT_OTHERS = frozenset({Reason.WRONG_ACCOUNT, Reason.WAITING_TURN})
"""What is shown then depends on other mentorados too: who has that number, who is being paired."""


class DetailPane(QWidget):
    """Shows the selected mentorado. Which actions are available is decided by `ActionService`."""

    edit_requested = Signal(str)  # a MentoradoId
    consents_requested = Signal(str)  # a MentoradoId
    back_requested = Signal()
    looked_at = Signal()
    """Somebody else is on show, or the pane came into view."""
    wide_requested = Signal(QWidget)
    """Show this where there is more room, until `wide_done`."""
    wide_done = Signal()
    mentorado_requested = Signal(str)
    """A message was opened that is somebody else's."""
    span_selected = Signal(object)
    """How far back a person wants to look from now on: a Span."""
    note_removed = Signal(object)
    """A Note was deleted, and can be brought back."""
    note_discarded = Signal(str, object)
    """Text about this mentorado was given up; calling the object brings it back."""

    def __init__(
        self,
        *,
        theme: Theme,
        bus: EventBus,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        actions: ActionService,
        runner: ActionRunner,
        history: TransitionRepository,
        clock: Clock,
        set_aside: SetAsideDeliveries | None = None,
        sources: HistorySources | None = None,
        make_conversations: Callable[[], ConversationsPanel] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._actions = actions
        self._clock = clock
        self._runner = runner
        self._mentorado_id: MentoradoId | None = None
        self._view: MentoradoView | None = None
        self._page: tuple[QWidget | None, bool] | None = None
        self._snooze: Snooze | None = None  # looked up when it changes, not with each status
        self._busy: set[MentoradoId] = set()
        self._trouble: dict[MentoradoId, tuple[str, str]] = {}

        self._content = SummaryView(theme, clock, supervisor.phone_codes)
        make = make_conversations
        conversations = ConversationsTab(lambda: self._connected(make())) if make else None
        self._pages = PaneStack(self, self._content, theme, conversations)
        self._sides = ProcedurePanelController(runner, self._pages, self, lambda: self._mentorado_id)
        self._outcomes = PairingOutcomes(runner, self)
        self._outcomes.changed.connect(self._refresh)
        self._history = HistoryLoader(self._content, history, set_aside, runner, self, sources)

        self._content.who.edit_requested.connect(self._edit)
        self._content.who.consents_requested.connect(lambda: self.consents_requested.emit(self._mentorado_id))
        self._content.who.back_requested.connect(self.back_requested)
        self._content.action_requested.connect(self._perform)
        self._content.picture.span_selected.connect(self.span_selected)
        self._content.outcome.action_requested.connect(self._perform)
        self._content.outcome.next_requested.connect(self._connect_next)
        self._content.trouble.dismissed.connect(self._dismiss)
        self._content.snooze.chosen.connect(self._change_snooze)
        self._content.switch.page_requested.connect(lambda: runner.page_requested.emit(SWITCHES, ""))
        self._content.mark.see_requested.connect(self._sides.show)
        self._content.mark.continue_requested.connect(self._sides.resume)
        self._sides.changed.connect(self._on_side)
        self._sides.mentorado_requested.connect(self.mentorado_requested)
        self._pages.tab_chosen.connect(self._on_tab)
        self._history.changed.connect(self._refresh)
        number = NumberSection(theme, runner.hosted.details, clock)
        self._content.add_number(number)
        if runner.notes is not None:
            notes = NotesSection(theme, runner.notes, clock)
            notes.removed.connect(self.note_removed)
            notes.discarded.connect(self.note_discarded)
            self._content.add_notes(notes)
        self._timer = QTimer(self, interval=TICK_MILLISECONDS)
        self._timer.timeout.connect(self._tick)
        theme.changed.connect(self._repaint)
        until_destroyed(
            self,
            bus.subscribe(StatusChanged, self._on_status),
            bus.subscribe(MentoradoChanged, self._on_mentorado),
            bus.subscribe(MentoradoAdded, self._on_mentorado),
            bus.subscribe(MentoradosLoaded, lambda _event: self._refresh()),
            bus.subscribe(PairingQueueChanged, self._on_queue),
            *(bus.subscribe(kind, lambda _event: self._refresh()) for kind in _INCIDENTS),
            bus.subscribe(ProcedureChanged, self._on_procedure),
            bus.subscribe(OutboundStopped, self._on_stopped),
            bus.subscribe(HandlingChanged, self._on_stopped),
            bus.subscribe(NotesChanged, self._on_notes),
            bus.subscribe(SnoozesChanged, lambda _event: self._read_snooze()),
            bus.subscribe(StandbyStatusChanged, self._on_standby),
            bus.subscribe(SwitchesChanged, self._on_switches),
            bus.subscribe(AuditRecorded, self._on_audit),
            bus.subscribe(DeliverySetAside, self._on_set_aside),
            bus.subscribe(MessagesErased, self._on_set_aside),
            texts.on_change(self._retranslate),
        )
        self._retranslate()

    def show_mentorado(self, mentorado_id: MentoradoId | None) -> None:
        """Show this one from now on, or the invitation to choose one."""
        if mentorado_id == self._mentorado_id:
            return
        self._outcomes.forget(self._mentorado_id)
        left, self._mentorado_id = self._mentorado_id, mentorado_id
        if left is not None:
            self._sides.leave(left)
        self._pages.show_mentorado(mentorado_id)
        self._history.clear()
        self._content.pairing.show_nothing()  # the code of one must never be seen under the name of another
        self._pages.go_to_top()
        self._read_snooze()
        if mentorado_id is not None:
            self._history.read(mentorado_id)
        self.looked_at.emit()

    def show_span(self, span: TimeRange) -> None:
        """Look so far back, as this person likes to."""
        self._content.picture.show_span(span)

    def set_back_visible(self, visible: bool) -> None:
        """Whether there is a list to go back to: the pane is a drawer in a narrow window."""
        self._content.who.set_back_visible(visible)

    def leave_wide(self) -> None:
        """Have a conversation here again that was lent to a wider place."""
        self._pages.leave_wide()

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self._show_trouble(self._mentorado_id, sentence, next_step)

    def sizeHint(self) -> QSize:
        return QSize(max(PANE_WIDTH, self.minimumSizeHint().width()), 720)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._pages.least_width(), 240)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()
        self._refresh()
        self.looked_at.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.tokens.surface))
        painter.fillRect(0, 0, 1, self.height(), QColor(self._theme.tokens.border))
        painter.end()

    def _connected(self, panel: ConversationsPanel) -> ConversationsPanel:
        panel.wide_requested.connect(self.wide_requested)
        panel.wide_done.connect(self.wide_done)
        panel.mentorado_requested.connect(self.mentorado_requested)
        return panel

    def _refresh(self) -> None:
        """Look everything up, and show what differs."""
        self._view = self._look_up()
        side = self._sides.panels.get(self._mentorado_id) if self._view and self._mentorado_id else None
        page = side, self._view is not None
        if page != self._page:
            self._page = page
            self._pages.turn_to(side, anybody=self._view is not None)
        self._show_view()

    def _show_view(self) -> None:
        focused = self.focusWidget()
        had_focus = focused is not None and focused.hasFocus()
        if self._view is not None:
            self._content.show_view(self._view)
        hidden = self._view is not None and self._content.code_lives
        if hidden is not self._pages.tabs_hidden:
            self._pages.hide_tabs(hidden)
        if focused is not None and had_focus and not focused.isVisible():
            self._pages.scroll.setFocus()  # what goes by itself hands the focus to nobody, least of all an action

    def _look_up(self) -> MentoradoView | None:
        mentorado_id = self._mentorado_id
        if mentorado_id is None:
            return None
        try:
            context = self._actions.context(mentorado_id)
        except Problem:  # the mentorados were reloaded without this one
            return None
        mentorado, status, forbidden = context.mentorado, context.status, context.forbidden
        switch = self._switch_view(context.switch)
        ends = (status.until, forbidden.until if forbidden else None, switch.until if switch else None)
        now = self._clock.now()
        waits = status.reason is Reason.WAITING_TURN
        return MentoradoView(
            mentorado=mentorado,
            status=status,
            availability=availability(context),
            procedure=context.procedure,
            switch=switch,
            stop=context.stop,
            turn=turn_of(mentorado, self._supervisor, self._mentorados) if waits else ("", 0),
            changes_at=min((end for end in ends if end is not None and end > now), default=None),
            busy=mentorado_id in self._busy,
            trouble=self._trouble.get(mentorado_id),
            handling=self._runner.handlings.current.get(mentorado_id) if self._runner.handlings else None,
            snooze=self._snooze,
            outcome=self._outcomes.outcome_of(mentorado) if mentorado_id in self._outcomes.found else None,
        )

    def _switch_view(self, item: SwitchItem | None) -> SwitchView | None:
        switches = self._runner.switches
        if item is None or switches is None:
            return None
        run = next(each for each in switches.runs if each.id == item.run_id)
        former = self._supervisor.status(item.from_link)
        until = run.grace_ends(item)
        over = until is not None and until <= self._clock.now()
        return SwitchView(item=item, run=run.state, until=until, over=over, former=former)

    def _update(self, **changes: Any) -> None:
        """Show these parts of the view, which are all that has changed."""
        if self._view is not None:
            self._view = replace(self._view, **changes)
            self._show_view()

    def _tick(self) -> None:
        now = self._clock.now()
        if self._view is not None and self._view.changes_at is not None and self._view.changes_at <= now:
            self._refresh()
        else:
            self._content.show_ages(now)

    def _repaint(self) -> None:
        self._content.forget()
        self._refresh()

    @async_slot
    async def _perform(self, name: ActionName) -> None:
        mentorado_id = self._mentorado_id
        if mentorado_id is None or mentorado_id in self._busy:
            return
        self._busy.add(mentorado_id)
        self._trouble.pop(mentorado_id, None)
        pressed = self._content.focusWidget()
        if pressed is not None and pressed.hasFocus():
            self._pages.scroll.setFocus()  # else what goes grey hands the focus down, and the pane scrolls after it
        self._update(busy=True, trouble=None)
        try:
            await self._runner.run(name, mentorado_id, self)
        except Problem as problem:  # another mentorado may be on show by now
            self._trouble[mentorado_id] = words_of(problem)
        finally:
            self._busy.discard(mentorado_id)
            self._refresh()
            if (
                pressed is not None
                and self.focusWidget() is self._pages.scroll
                and pressed.isEnabled()
                and pressed.isVisible()
            ):
                pressed.setFocus()

    def _read_snooze(self) -> None:
        snoozes, self._snooze = self._runner.snoozes, None
        if self._mentorado_id is not None and snoozes is not None:
            with suppress(Problem):  # the mentorados were reloaded without this one
                self._snooze = snoozes.snooze_of(self._mentorado_id)
        self._refresh()

    @async_slot
    async def _change_snooze(self, length: SnoozeLength | None) -> None:
        if self._mentorado_id is not None and self._runner.snoozes is not None:
            await change_snooze(self._runner.snoozes, self._mentorado_id, length)

    def _connect_next(self, mentorado_id: MentoradoId) -> None:
        self.mentorado_requested.emit(mentorado_id)
        self.show_mentorado(mentorado_id)  # also where a filter of the list leaves them out
        self._perform(ActionName.CONNECT)

    def _on_status(self, event: StatusChanged) -> None:
        paired = event.before.state is LinkState.QR_READY and event.after.state is LinkState.CONNECTED
        if paired or event.mentorado_id in self._outcomes.found:
            self._outcomes.add(event)
        if event.mentorado_id != self._mentorado_id:
            return
        if (event.before.state, event.before.reason) != (event.after.state, event.after.reason):
            self._history.add(event)
            self._trouble.pop(event.mentorado_id, None)  # it was about a state that is over
            if event.after.state is LinkState.CONNECTING:
                self._content.pairing.expect_code()
            self._announce(event.after)
        elif event.before.has_typed_code is not event.after.has_typed_code:
            self._announce(event.after)
        if self._is_only_evidence(event):
            self._update(status=event.after)
        else:
            self._refresh()

    def _is_only_evidence(self, event: StatusChanged) -> bool:
        """Signs of life are the most frequent by far, and change nothing about what can be done."""
        shown, after = self._view.status if self._view else None, event.after
        same = (shown, event.before.detail) == (event.before, after.detail)
        return same and replace(event.before, evidence=after.evidence) == after

    def _announce(self, status: LinkStatus) -> None:
        """Tell a screen reader what moved, wherever its user is in the window."""
        if QAccessible.isActive() and self._view is not None:
            announce(self, sentence(status, self._view.mentorado, self._clock.now()))

    def _on_mentorado(self, event: MentoradoAdded | MentoradoChanged) -> None:
        about_others = self._view is not None and self._view.status.reason in _ABOUT_OTHERS
        if about_others or event.mentorado.id == self._mentorado_id:
            self._refresh()

    def _on_queue(self, _event: PairingQueueChanged) -> None:
        if self._view is not None and self._view.status.reason is Reason.WAITING_TURN:
            self._update(turn=turn_of(self._view.mentorado, self._supervisor, self._mentorados))

    def _on_procedure(self, event: ProcedureChanged) -> None:
        if event.procedure.head.mentorado_id == self._mentorado_id:
            self._refresh()
            if event.procedure.ended:
                self._history.read_backup(self._mentorado_id)
            if event.procedure.link_id is not None:
                self._history.read_history(self._mentorado_id)

    def _on_standby(self, event: StandbyStatusChanged) -> None:
        if event.mentorado_id == self._mentorado_id and self._view is not None and self._view.switch is not None:
            self._refresh()

    def _on_switches(self, _event: SwitchesChanged) -> None:
        """They are few, and rare: whose it was is not asked."""
        if self._mentorado_id is not None:
            self._read_snooze()  # it is of the link in use
            self._history.read_history(self._mentorado_id)

    def _on_notes(self, event: NotesChanged) -> None:
        if event.mentorado_id == self._mentorado_id and self._content.notes is not None:
            self._content.notes.refresh()

    def _on_stopped(self, event: OutboundStopped | HandlingChanged) -> None:
        if event.mentorado_id == self._mentorado_id:
            self._refresh()

    def _on_audit(self, event: AuditRecorded) -> None:
        if event.mentorado_id is not None and event.mentorado_id == self._mentorado_id:
            self._history.read_acts(event.mentorado_id)

    def _on_set_aside(self, event: DeliverySetAside | MessagesErased) -> None:
        if self._mentorado_id is not None and event.mentorado_id in (self._mentorado_id, None):
            self._history.read_set_aside(self._mentorado_id)

    def shows_procedure(self, mentorado_id: MentoradoId) -> bool:
        """Whether the procedure of that mentorado can be seen now."""
        return self.isVisible() and mentorado_id == self._mentorado_id and mentorado_id in self._sides.panels

    def _on_side(self) -> None:
        self._pages.go_to_top()  # where it is said that a procedure is open
        self._refresh()

    def see_procedure(self, *, go_on: bool = False) -> None:
        """Show the open procedure of whoever is on show, and let it continue when *go_on*."""
        self._sides.resume() if go_on else self._sides.show()

    def write_note(self) -> None:
        """Open the place to write a note about whoever is on show; a procedure that is open goes on behind it."""
        notes = self._content.notes
        if self._mentorado_id is not None and notes is not None:
            self._sides.close(self._mentorado_id)
            self._pages.tabs.setCurrentIndex(0)
            notes.write()
            QTimer.singleShot(0, notes, lambda: self._pages.scroll.ensureWidgetVisible(notes.editor))

    def show_conversations(self) -> None:
        """Show the conversations of whoever is on show; a procedure that is open goes on behind them."""
        if self._mentorado_id is not None:
            self._sides.close(self._mentorado_id)
            self._pages.show_conversations()

    def _on_tab(self) -> None:
        self._page = None
        self._refresh()

    def _edit(self) -> None:
        if self._mentorado_id is not None:
            self.edit_requested.emit(self._mentorado_id)

    def _dismiss(self) -> None:
        if self._mentorado_id is not None:
            self._trouble.pop(self._mentorado_id, None)
            self._update(trouble=None)

    def _show_trouble(self, mentorado_id: MentoradoId | None, sentence: str, next_step: str) -> None:
        if mentorado_id is not None:
            self._trouble[mentorado_id] = (sentence, next_step)
            self._update(trouble=(sentence, next_step))

    def _retranslate(self) -> None:
        self.setAccessibleName(texts("detail.pane"))
        self._pages.retranslate()
        self._content.retranslate()
        self._refresh()
