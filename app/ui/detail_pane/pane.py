"""One mentorado, whole: who, what is true, what to do next, what can be done, what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QColor,
    QHideEvent,
    QPainter,
    QPaintEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QWidget

from app.core.action import ActionName
from app.core.actions import Actions
from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.links.supervisor import Supervisor
from app.domain.connection import LinkState, LinkStatus
from app.domain.errors import Problem
from app.domain.events import (
    DeliverySetAside,
    HistoryShrank,
    MentoradoChanged,
    MentoradosLoaded,
    PairingTurnChanged,
    ProcedureChanged,
    StatusChanged,
)
from app.domain.mentorado import Enrolment, MentoradoId
from app.domain.ports import Clock, SetAsideDeliveries, TransitionLog
from app.domain.span import Span
from app.ui.detail_pane.content import PaneContent
from app.ui.detail_pane.conversations_side import ConversationsSide
from app.ui.detail_pane.pages import Pages
from app.ui.detail_pane.past import Past
from app.ui.detail_pane.turn import turn_of
from app.ui.loop import asked
from app.ui.providers.number_section import NumberSection
from app.ui.recovery.sides import Sides
from app.ui.sheets import Sheets
from app.ui.text import problem as words_of
from app.ui.text import sentence, texts
from app.ui.theme import PANE_WIDTH, Theme

if TYPE_CHECKING:
    from app.ui.conversations.panel import ConversationsPanel

TICK_MILLISECONDS = 1000


class DetailPane(QWidget):
    """Shows, asks, passes on: what may be done is decided by `Actions`."""

    edit_requested = Signal(str)  # a MentoradoId
    back_requested = Signal()
    wide_wanted = Signal(QWidget)
    """Show this where there is more room, until `wide_done`."""
    wide_done = Signal()
    mentorado_wanted = Signal(str)
    """A message was opened that is somebody else's."""
    span_picked = Signal(object)
    """How far back a person wants to look from now on: a Span."""

    def __init__(
        self,
        *,
        theme: Theme,
        bus: Bus,
        enrolments: Enrolments,
        supervisor: Supervisor,
        actions: Actions,
        sheets: Sheets,
        history: TransitionLog,
        clock: Clock,
        set_aside: SetAsideDeliveries | None = None,
        make_conversations: Callable[[], ConversationsPanel] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._enrolments = enrolments
        self._supervisor = supervisor
        self._actions = actions
        self._clock = clock
        self._sheets = sheets
        self._mentorado_id: MentoradoId | None = None
        self._busy: set[MentoradoId] = set()
        self._trouble: dict[MentoradoId, tuple[str, str]] = {}

        self._content = PaneContent(theme, clock, supervisor.phone_codes)
        conversations = ConversationsSide(make_conversations) if make_conversations else None
        self._pages = Pages(self, self._content, theme, conversations)
        self._sides = Sides(sheets, self._pages, self, lambda: self._mentorado_id)
        self._past = Past(self._content, enrolments, history, sheets.tools.backups, set_aside, clock, self)
        if conversations is not None:
            conversations.wide_wanted.connect(self.wide_wanted)
            conversations.wide_done.connect(self.wide_done)
            conversations.mentorado_wanted.connect(self.mentorado_wanted)

        self._content.who.edit_requested.connect(self._edit)
        self._content.who.back_requested.connect(self.back_requested)
        self._content.asked_for.connect(self._perform)
        self._content.picture.span_picked.connect(self.span_picked)
        self._content.trouble.dismissed.connect(self._dismiss)
        self._content.mark.see_wanted.connect(self._sides.see)
        self._content.mark.continue_wanted.connect(self._sides.go_on)
        self._sides.changed.connect(self._on_side)
        self._sides.mentorado_wanted.connect(self.mentorado_wanted)
        self._sides.problem.connect(self.show_problem)
        self._sides.crash.connect(self.show_crash)
        self._pages.tab_chosen.connect(self._refresh)
        self._past.changed.connect(self._refresh)
        number = NumberSection(theme, sheets.tools.hosted.details, clock)
        self._content.add_number(number)
        for part in (number, self._past, self._content.pairing):
            part.problem.connect(self.show_problem)
            part.crash.connect(self.show_crash)
        self._timer = QTimer(self, interval=TICK_MILLISECONDS)
        self._timer.timeout.connect(self._refresh)
        theme.changed.connect(self._refresh)
        undo = (
            bus.subscribe(StatusChanged, self._on_status),
            bus.subscribe(MentoradoChanged, self._on_mentorado),
            bus.subscribe(MentoradosLoaded, lambda _event: self._refresh()),
            bus.subscribe(PairingTurnChanged, lambda _event: self._refresh()),
            bus.subscribe(ProcedureChanged, self._on_procedure),
            bus.subscribe(DeliverySetAside, self._on_set_aside),
            bus.subscribe(HistoryShrank, self._on_set_aside),
            texts.on_change(self._retranslate),
        )
        self.destroyed.connect(partial(_all_of, undo))
        self._retranslate()

    def show_mentorado(self, mentorado_id: MentoradoId | None) -> None:
        """Show this one from now on, or the invitation to choose one."""
        if mentorado_id == self._mentorado_id:
            return
        self._mentorado_id = mentorado_id
        self._pages.show_mentorado(mentorado_id)
        self._past.clear()
        self._content.pairing.show_nothing()  # the code of one must never be seen under the name of another
        self._pages.go_to_top()
        self._refresh()
        if mentorado_id is not None:
            self._past.read(mentorado_id)

    def show_span(self, span: Span) -> None:
        """Look so far back, as this person likes to."""
        self._content.picture.show_span(span)

    def set_back_visible(self, visible: bool) -> None:
        """Whether there is a list to go back to: the pane is a drawer in a narrow window."""
        self._content.who.set_back_visible(visible)

    def leave_wide(self) -> None:
        """Have a conversation here again that was lent to a wider place."""
        self._pages.leave_wide()

    def show_problem(self, problem: Problem) -> None:
        self._show_trouble(self._mentorado_id, *words_of(problem))

    def show_crash(self, _error: Exception) -> None:
        self._show_trouble(self._mentorado_id, texts("detail.crash"), texts("detail.crash_next"))

    def sizeHint(self) -> QSize:
        return QSize(max(PANE_WIDTH, self.minimumSizeHint().width()), 720)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._pages.least_width(), 240)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()
        self._refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.tokens.surface))
        painter.fillRect(0, 0, 1, self.height(), QColor(self._theme.tokens.border))
        painter.end()

    def _shown(self) -> Enrolment | None:
        try:
            return self._enrolments.get(self._mentorado_id) if self._mentorado_id else None
        except Problem:  # the roster was read anew, without this one
            return None

    def _refresh(self) -> None:
        enrolment = self._shown()
        side = self._sides.of(enrolment.mentorado.id) if enrolment else None
        self._pages.turn_to(side, anybody=enrolment is not None)
        if enrolment is None:
            return
        mentorado_id = enrolment.mentorado.id
        self._content.show_enrolment(
            enrolment,
            self._supervisor.status(enrolment.link.id),
            self._actions,
            self._sides.procedure_of(mentorado_id),
            busy=mentorado_id in self._busy,
            turn=turn_of(enrolment, self._supervisor, self._enrolments),
        )
        self._content.show_trouble(self._trouble.get(mentorado_id))

    @asked
    async def _perform(self, name: ActionName) -> None:
        mentorado_id = self._mentorado_id
        if mentorado_id is None or mentorado_id in self._busy:
            return
        self._busy.add(mentorado_id)
        self._trouble.pop(mentorado_id, None)
        pressed = self._content.focusWidget()
        if pressed is not None and pressed.hasFocus():
            self._pages.scroll.setFocus()  # else what goes grey hands the focus down, and the pane scrolls after it
        self._refresh()
        try:
            await self._sheets.run(name, mentorado_id, self)
        except Problem as problem:  # another mentorado may be on show by now
            self._trouble[mentorado_id] = words_of(problem)
        finally:
            self._busy.discard(mentorado_id)
            self._refresh()
            if pressed is not None and self.focusWidget() is self._pages.scroll and pressed.isEnabled():
                pressed.setFocus()

    def _on_status(self, event: StatusChanged) -> None:
        if event.mentorado_id != self._mentorado_id:
            return
        if (event.before.state, event.before.reason) != (event.after.state, event.after.reason):
            self._past.add(event)
            self._trouble.pop(event.mentorado_id, None)  # it was about a state that is over
            if event.after.state is LinkState.CONNECTING:
                self._content.pairing.expect_code()
            self._announce(event.after)
        self._refresh()

    def _announce(self, status: LinkStatus) -> None:
        """Tell a screen reader what moved, wherever its user is in the window."""
        if QAccessible.isActive() and self.isVisible() and (enrolment := self._shown()):
            said = sentence(status, enrolment, self._clock.now())
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, said))

    def _on_mentorado(self, event: MentoradoChanged) -> None:
        if event.enrolment.mentorado.id == self._mentorado_id:
            self._refresh()

    def _on_procedure(self, event: ProcedureChanged) -> None:
        if event.procedure.head.mentorado_id == self._mentorado_id:
            self._refresh()
            if event.procedure.ended:
                self._past.read_backup(self._mentorado_id)

    def _on_set_aside(self, event: DeliverySetAside | HistoryShrank) -> None:
        if self._mentorado_id is not None and event.mentorado_id in (self._mentorado_id, None):
            self._past.read_set_aside(self._mentorado_id)

    def shows_procedure(self, mentorado_id: MentoradoId) -> bool:
        """Whether the procedure of that mentorado can be seen now."""
        return self.isVisible() and mentorado_id == self._mentorado_id and self._sides.of(mentorado_id) is not None

    def _on_side(self) -> None:
        self._pages.go_to_top()  # where it is said that a procedure is open
        self._refresh()

    def see_procedure(self, *, go_on: bool = False) -> None:
        """Show the open procedure of whoever is on show, and let it continue when *go_on*."""
        self._sides.go_on() if go_on else self._sides.see()

    def _edit(self) -> None:
        if self._mentorado_id is not None:
            self.edit_requested.emit(self._mentorado_id)

    def _dismiss(self) -> None:
        if self._mentorado_id is not None:
            self._trouble.pop(self._mentorado_id, None)
            self._refresh()

    def _show_trouble(self, mentorado_id: MentoradoId | None, sentence: str, next_step: str) -> None:
        if mentorado_id is not None:
            self._trouble[mentorado_id] = (sentence, next_step)
            self._refresh()

    def _retranslate(self) -> None:
        self.setAccessibleName(texts("detail.pane"))
        self._pages.retranslate()
        self._content.retranslate()
        self._refresh()


def _all_of(undo: Sequence[Callable[[], None]], *_destroyed: object) -> None:
    for each in undo:
        each()
