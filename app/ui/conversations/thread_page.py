"""An open conversation: asks the history for what is read, and shows what arrives while it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMenu, QStackedLayout, QVBoxLayout, QWidget

from app.domain.errors import Problem
from app.domain.messages import ConversationId, StoredMessage
from app.domain.ports import Clock, History
from app.ui.conversations import reading, words
from app.ui.conversations.day_pill import DayPill
from app.ui.conversations.jump_button import JumpButton
from app.ui.conversations.message_sheet import MessageSheet
from app.ui.conversations.thread_head import ThreadHead
from app.ui.conversations.thread_model import ThreadModel
from app.ui.conversations.thread_view import ThreadView
from app.ui.icons import icon
from app.ui.loop import ask, asked
from app.ui.mentorado_list.empty import EmptyState
from app.ui.text import texts
from app.ui.theme import Theme

GREW_MILLISECONDS = 80
"""Messages and receipts come in bursts; they are read once for each burst."""
_MINUTE = 60_000
_EDGE = 16


@dataclass(frozen=True, slots=True)
class Opening:
    """Which conversation, where in it, and the words that led there."""

    conversation_id: ConversationId
    title: str
    is_group: bool
    line: str = ""
    at: int | None = None
    searched: str = ""


class ThreadPage(QWidget):
    """Begins at the end, or at a message that was found. It can be moved to a wider place while it is read."""

    back_wanted = Signal()
    search_wanted = Signal()
    wide_wanted = Signal()
    problem = Signal(object)
    crash = Signal(object)

    def __init__(self, *, theme: Theme, history: History, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._history = history
        self._opening: Opening | None = None
        self._turn = 0  # what was asked for before the last opening is of no interest any more
        self._busy = False
        self._new: int | None = 0
        self._newest = 0
        self.wide = False
        self.model = ThreadModel(clock, self)
        self.view = ThreadView(self.model, theme)
        self.head = ThreadHead(theme)
        self.jump = JumpButton(theme, self.view)
        self._day = DayPill(theme, self.view)
        self._gone = EmptyState(theme, "message", "")
        self._gone.pressed.connect(self.back_wanted)
        self._today = self.model.today
        self._stack = QStackedLayout()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._gone)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addLayout(self._stack, 1)
        self._grew = QTimer(self, singleShot=True, interval=GREW_MILLISECONDS)
        self._grew.timeout.connect(self._catch_up)
        self._minute = QTimer(self, interval=_MINUTE)
        self._minute.timeout.connect(self._on_minute)
        self._connect_parts()
        self.retranslate()

    def _connect_parts(self) -> None:
        self.head.back_wanted.connect(self.back_wanted)
        self.head.search_wanted.connect(self.search_wanted)
        self.head.wide_wanted.connect(self.wide_wanted)
        self.jump.clicked.connect(self.go_to_end)
        view = self.view
        view.near_first.connect(self._want_older)
        view.near_last.connect(self._want_newer)
        view.first_wanted.connect(self._go_to_start)
        view.last_wanted.connect(self.go_to_end)
        view.moved.connect(self._on_moved)
        view.details_wanted.connect(self._show_details)
        view.menu_wanted.connect(self._show_menu)
        view.copy_wanted.connect(self._copy)
        self._theme.changed.connect(self._restyle)

    # --- what others ask of the page

    @property
    def conversation_id(self) -> ConversationId | None:
        return None if self._opening is None else self._opening.conversation_id

    def open(self, opening: Opening) -> None:
        """Show this conversation from now on."""
        self._turn += 1
        self._busy = True
        self._opening = opening
        self._new = self._newest = 0
        self.jump.hide()
        self._day.hide()
        self.head.show_names(words.title(opening.title, is_group=opening.is_group), opening.line)
        self._name()
        self._begin(opening)

    def close_conversation(self) -> None:
        self._turn += 1
        self._opening = None
        self._grew.stop()
        self.model.show_piece(reading.Piece(messages=(), first=True, last=True), "", is_group=False)

    def show_line(self, line: str) -> None:
        """Something is better known now: how many messages there are."""
        if self._opening is not None:
            self.head.show_names(words.title(self._opening.title, is_group=self._opening.is_group), line)

    def on_grew(self, conversations: Sequence[ConversationId]) -> None:
        """These conversations look different now."""
        known = {self.conversation_id, *(message.conversation_id for message in self.model.messages[-1:])}
        if self._opening is not None and not known.isdisjoint(conversations) and not self._grew.isActive():
            self._grew.start()

    def set_wide(self, wide: bool) -> None:
        """Whether the page is in the wide place."""
        self.wide = wide
        self.head.set_wide(wide)

    def show_problem(self, problem: Problem) -> None:
        self._busy = False
        self.problem.emit(problem)

    def show_crash(self, error: Exception) -> None:
        self._busy = False
        self.crash.emit(error)

    def go_to_end(self) -> None:
        """The newest message, read anew when it is not loaded."""
        if self.model.has_last:
            self.view.scrollToBottom()
        elif self._opening is not None:
            self._turn += 1
            self._busy = True
            self._begin(Opening(self._opening.conversation_id, self._opening.title, self._opening.is_group))

    def retranslate(self) -> None:
        self.head.retranslate()
        self.jump.retranslate()
        self._gone.say(texts("conversation.gone"), texts("conversation.gone_line"), texts("conversation.back"))
        self.view.restyle()
        self.model.say_again()
        self._name()

    # --- reading

    @asked
    async def _begin(self, opening: Opening) -> None:
        turn, history, conversation_id = self._turn, self._history, opening.conversation_id
        if opening.at is None:
            piece = await reading.newest(history, conversation_id)
        else:
            piece = await reading.around(history, conversation_id, opening.at)
        if turn != self._turn:
            return
        self._show(piece, opening)
        if opening.at is None:
            self.view.begin_at_end()
        else:
            self.view.begin_at(opening.at)
        self._rest()

    @asked
    async def _begin_at_start(self, opening: Opening) -> None:
        turn = self._turn
        piece = await reading.oldest(self._history, opening.conversation_id)
        if turn == self._turn:
            self._show(piece, opening)
            self.view.begin_at_start()
            self._rest()

    def _show(self, piece: reading.Piece, opening: Opening) -> None:
        self.view.delegate.searched = opening.searched
        self.view.delegate.restyle()
        self.model.show_piece(piece, words.title(opening.title, is_group=opening.is_group), is_group=opening.is_group)
        self._stack.setCurrentWidget(self.view if piece.messages else self._gone)
        if piece.last and piece.messages:
            self._newest = piece.messages[-1].number

    def _go_to_start(self) -> None:
        if self._opening is not None:
            self._turn += 1
            self._busy = True
            self._begin_at_start(self._opening)

    def _want_older(self) -> None:
        if not self._busy:
            self._busy = True
            self._read_older()

    def _want_newer(self) -> None:
        if not self._busy:
            self._busy = True
            self._read_newer()

    @asked
    async def _read_older(self) -> None:
        turn, shown = self._turn, self.model.messages
        if self._opening is None or not shown:
            return
        piece = await reading.older(self._history, self._opening.conversation_id, shown[0].number)
        if turn == self._turn:
            self.view.hold(partial(self.model.grow_upwards, piece))
            self._rest()

    @asked
    async def _read_newer(self) -> None:
        turn, shown = self._turn, self.model.messages
        if self._opening is None or not shown:
            return
        piece = await reading.newer(self._history, self._opening.conversation_id, shown[-1].number)
        if turn == self._turn:
            self.view.hold(partial(self.model.grow_downwards, piece))
            self._rest()

    @asked
    async def _catch_up(self) -> None:
        opening, turn = self._opening, self._turn
        if opening is None:
            return
        if self._busy:  # in a moment
            self._grew.start()
            return
        if not self.model.messages:
            self._begin(opening)
            return
        self._busy = True
        shown, at_end, had_last = self.model.messages, self.view.at_end, self.model.has_last
        first, last = shown[0].number, shown[-1].number
        now = await reading.again(self._history, opening.conversation_id, first, last)
        arrived = await reading.newer(self._history, opening.conversation_id, max(last, self._newest))
        if turn != self._turn:
            return
        self._newest = max(self._newest, *(message.number for message in arrived.messages[-1:]), 0)
        if at_end and not arrived.last:  # more than is worth scrolling through
            self._begin(Opening(opening.conversation_id, opening.title, opening.is_group))
            return
        self.view.hold(partial(self._take_in, now, arrived, had_last=had_last))
        if not at_end and arrived.messages:
            self._new = None if self._new is None or not arrived.last else self._new + len(arrived.messages)
        self._rest()

    def _take_in(self, now: Sequence[StoredMessage], arrived: reading.Piece, *, had_last: bool) -> None:
        self.model.refresh(now)
        if had_last and self.view.at_end:
            self.model.grow_downwards(arrived)
        elif had_last:
            self.model.add_newer(arrived)

    def _rest(self) -> None:
        """Done with one piece: look whether the next is near already."""
        self._busy = False
        self.view.look_around()

    # --- what is seen

    def _on_moved(self) -> None:
        at_end = self.view.at_end
        if at_end:
            self._new = 0
        self.jump.show_new(self._new)
        self.jump.setVisible(not at_end and self.model.rowCount() > 0)
        self._place_jump()
        place = self.view.top_place()
        if place is None or at_end:
            return
        when = self.model.row(place).message.sent_at.astimezone().date()
        if self.model.row(place).day is None or self.view.visualRect(self.model.index(place)).top() < -_EDGE:
            self._day.say(words.day(when, self.model.today), self.view.viewport().width())

    def _place_jump(self) -> None:
        size, width = self.jump.sizeHint(), self.view.viewport().width()
        left = (width - size.width()) // 2 if self.jump.text() else width - size.width() - _EDGE
        self.jump.setGeometry(left, self.view.height() - size.height() - _EDGE, size.width(), size.height())

    def _on_minute(self) -> None:
        if self._today != self.model.today:
            self._today = self.model.today
            self.view.restyle()

    def _restyle(self) -> None:
        self.view.restyle()
        self.jump.retranslate()
        self._place_jump()
        self.update()

    def _name(self) -> None:
        title = words.title(self._opening.title, is_group=self._opening.is_group) if self._opening else ""
        self.setAccessibleName(texts("conversation.thread", title=title))
        self.view.setAccessibleName(texts("conversation.thread", title=title))
        self.view.setAccessibleDescription(texts("conversation.thread_keys"))

    # --- what a person does

    def _copy(self) -> None:
        chosen = self.view.chosen()
        if len(chosen) == 1:
            QGuiApplication.clipboard().setText(words.body(chosen[0]) or words.kind(chosen[0]))
        elif chosen:
            self._copy_with_names()

    def _copy_with_names(self) -> None:
        lines = [words.copied(message, self.model.partner) for message in self.view.chosen()]
        QGuiApplication.clipboard().setText("\n".join(lines))

    @asked
    async def _show_details(self, number: int) -> None:
        place = self.model.place_of(number)
        if place is not None:
            message = self.model.row(place).message
            await ask(MessageSheet(self._theme, self, message, self.model.partner))
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_menu(self, number: int, where: QPoint) -> None:
        menu = QMenu(self)
        colour = self._theme.tokens.text2
        for name, sign, do in (
            ("copy", "copy", self._copy),
            ("copy_with_names", "users", self._copy_with_names),
            ("details", "info", lambda: self._show_details(number)),
        ):
            menu.addAction(icon(sign, colour, 16), texts(f"conversation.{name}"), do)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)

    def event(self, event: QEvent) -> bool:
        # The window has other uses for these keys; here they are meant for the conversation.
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride and _is_ours(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Find):
            self.search_wanted.emit()
        elif event.key() == Qt.Key.Key_Escape:
            (self.wide_wanted if self.wide else self.back_wanted).emit()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._minute.start()
        self._on_minute()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._minute.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_jump()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.tokens.surface))
        painter.end()


def _is_ours(event: QKeyEvent) -> bool:
    return event.matches(QKeySequence.StandardKey.Find) or event.key() == Qt.Key.Key_Escape
