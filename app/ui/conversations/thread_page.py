"""An open conversation, updated while messages arrive."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QMenu,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QWidget,
)

from app.core.outbound.replies import ReplyService
from app.domain.messages import ConversationId, StoredMessage
from app.domain.repositories import Clock, MessageRepository
from app.text import conversation as conversation_text
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.conversations.consent_line import ConsentLine
from app.ui.conversations.message_dialog import MessageDialog
from app.ui.conversations.reply_box import ReplyBox
from app.ui.conversations.thread_model import MessagePage, ThreadLoader, ThreadLocation, ThreadModel
from app.ui.conversations.thread_view import DayPill, JumpButton, ThreadView
from app.ui.theme.icons import icon
from app.ui.theme.theme import (
    SPACE_2,
    SPACE_3,
    TEXT_NAME,
    Theme,
)
from app.ui.widgets.action_menu import pop_up
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import EmptyState

_ICON = 18


class ThreadHead(QWidget):
    """The header: title and buttons."""

    back_requested = Signal()
    search_requested = Signal()
    wide_requested = Signal()

    def __init__(self, theme: Theme, below: QWidget | None = None, parent: QWidget | None = None) -> None:
        """*below* stands under the names."""
        super().__init__(parent)
        self._theme = theme
        self._wide = False
        self.title = ScaledLabel(theme, TEXT_NAME, QFont.Weight.DemiBold)
        self.line = text_label(role="caption")
        self.back, self.search, self.wide = (self._button() for _ in range(3))
        self.back.clicked.connect(self.back_requested)
        self.search.clicked.connect(self.search_requested)
        self.wide.clicked.connect(self.wide_requested)
        words = vbox(self.title, self.line)
        if below is not None:
            words.addWidget(below, 0, Qt.AlignmentFlag.AlignLeft)
        layout = hbox(self.back, (words, 1), inside=self, margins=(SPACE_2, SPACE_2, SPACE_2, SPACE_2), spacing=SPACE_2)
        layout.addWidget(self.search)
        layout.addWidget(self.wide)
        theme.changed.connect(self.retranslate)
        self.retranslate()

    def show_names(self, title: str, line: str) -> None:
        self.title.setText(title)
        self.line.setText(line)

    def set_wide(self, wide: bool) -> None:
        """Adapt the back button: the wide place has no list."""
        self._wide = wide
        self.back.setVisible(not wide)
        margins = self.layout()
        if margins is not None:
            margins.setContentsMargins(SPACE_3 * 2 if wide else SPACE_2, SPACE_2, SPACE_2, SPACE_2)
        self.retranslate()

    def retranslate(self) -> None:
        for button, name, words in (
            (self.back, "arrow-left", "conversation.back"),
            (self.search, "search", "conversation.search"),
            (self.wide, *(("shrink", "conversation.narrow") if self._wide else ("expand", "conversation.wide"))),
        ):
            button.setIcon(icon(name, self._theme.tokens.text2, self._theme.px(_ICON)))
            button.setToolTip(texts(words))
            button.setAccessibleName(texts(words))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(self._theme.tokens.border))
        painter.end()

    @staticmethod
    def _button() -> QPushButton:
        button = QPushButton()
        button.setProperty("role", "quiet")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        return button


_MINUTE = 60_000
_OWN_DAY = 40
"""As high as the day that a message carries itself: before that is out of sight, it needs no other."""


class ThreadPage(QWidget):
    """Begins at the end, or at a message that was found. It can be moved to a wider place while it is read."""

    back_requested = Signal()
    search_requested = Signal()
    wide_requested = Signal()

    def __init__(
        self,
        *,
        theme: Theme,
        history: MessageRepository,
        clock: Clock,
        replies: ReplyService | None = None,
        consent: ConsentLine | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.consent = consent
        self.wide = False
        self.model = ThreadModel(clock, self)
        self.reader = ThreadLoader(history, self.model, self)
        self.view = ThreadView(self.model, theme)
        self.head = ThreadHead(theme, consent)
        self.jump = JumpButton(theme, self.view)
        self._day = DayPill(theme, self.view)
        self._gone = EmptyState(theme, "message", "")
        self._gone.pressed.connect(self.back_requested)
        self._today = self.model.today
        self._stack = QStackedLayout()
        layout = vbox(self.head, inside=self, margins=(0, 0, 0, SPACE_2))
        layout.addLayout(self._stack, 1)  # before it has parts: without a parent the first is a window of its own
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._gone)
        self.reply = None if replies is None else ReplyBox(theme=theme, replies=replies, clock=clock)
        if self.reply is not None:
            layout.addWidget(self.reply)
            if consent is not None:
                self.reply.checked.connect(consent.refresh)
        self._minute = QTimer(self, interval=_MINUTE)
        self._minute.timeout.connect(self._on_minute)
        self._connect_parts()
        self.retranslate()

    def _connect_parts(self) -> None:
        self.head.back_requested.connect(self.back_requested)
        self.head.search_requested.connect(self.search_requested)
        self.head.wide_requested.connect(self.wide_requested)
        self.jump.clicked.connect(self.go_to_end)
        reader, view = self.reader, self.view
        reader.begun.connect(self._on_begun)
        reader.grown_upwards.connect(self._on_grown_upwards)
        reader.grown_downwards.connect(self._on_grown_downwards)
        reader.caught_up.connect(self._on_caught_up)
        view.near_first.connect(reader.load_older)
        view.near_last.connect(reader.load_newer)
        view.first_requested.connect(reader.go_to_start)
        view.last_requested.connect(self.go_to_end)
        view.moved.connect(self._on_moved)
        view.details_requested.connect(self._show_details)
        view.menu_requested.connect(self._show_menu)
        view.copy_requested.connect(self._copy)
        self._theme.changed.connect(self._restyle)

    # --- what others ask of the page

    @property
    def conversation_id(self) -> ConversationId | None:
        return None if self.reader.opening is None else self.reader.opening.conversation_id

    def open(self, opening: ThreadLocation) -> None:
        """Show this conversation from now on."""
        self.jump.forget_new()
        self.jump.hide()
        self._day.hide()
        self.head.show_names(_title(opening), opening.line)
        self.reader.open(opening)
        if self.consent is not None:
            self.consent.open(None if opening.is_group else opening.conversation_id)
        if self.reply is not None:
            self.reply.setVisible(not opening.is_group)
            self.reply.open(None if opening.is_group else opening.conversation_id)
        self._name()

    def close_conversation(self) -> None:
        self.reader.close()
        if self.consent is not None:
            self.consent.open(None)
        if self.reply is not None:
            self.reply.open(None)
        self.model.show_piece(MessagePage(messages=(), first=True, last=True), "", is_group=False)

    def show_line(self, line: str) -> None:
        """Show the number of messages."""
        if self.reader.opening is not None:
            self.head.show_names(_title(self.reader.opening), line)

    def on_grew(self, conversations: Sequence[ConversationId]) -> None:
        """Reload if *conversations* include this one."""
        self.reader.on_grew(conversations)
        if self.conversation_id in conversations:
            self.recheck_reply()

    def recheck_reply(self) -> None:
        """Whether a reply would go out may have changed."""
        if self.reply is not None:
            self.reply.refresh()

    def set_wide(self, wide: bool) -> None:
        """Whether the page is in the wide place."""
        self.wide = wide
        self.head.set_wide(wide)

    def go_to_end(self) -> None:
        """Scroll to the newest message, loading it if needed."""
        if self.model.has_last:
            self.view.scrollToBottom()
        else:
            self.reader.go_to_end()

    def retranslate(self) -> None:
        self.head.retranslate()
        if self.consent is not None:
            self.consent.retranslate()
        if self.reply is not None:
            self.reply.retranslate()
        self.jump.retranslate()
        self._gone.show_message(texts("conversation.gone"), texts("conversation.gone_line"), texts("conversation.back"))
        self.view.restyle()
        self.model.refresh_texts()
        self._name()

    # --- what was read

    def _on_begun(self, opening: ThreadLocation, piece: MessagePage) -> None:
        self.view.delegate.searched = opening.searched
        self.view.delegate.restyle()
        self.model.show_piece(piece, _title(opening), is_group=opening.is_group)
        self._stack.setCurrentWidget(self.view if piece.messages else self._gone)
        if opening.at is None:
            self.view.begin_at_end()
        elif opening.at == 0:
            self.view.begin_at_start()
        else:
            self.view.begin_at(opening.at)

    def _on_grown_upwards(self, piece: MessagePage) -> None:
        self.view.hold(partial(self.model.grow_upwards, piece))

    def _on_grown_downwards(self, piece: MessagePage) -> None:
        self.view.hold(partial(self.model.grow_downwards, piece))

    def _on_caught_up(self, now: Sequence[StoredMessage], arrived: MessagePage) -> None:
        at_end = self.view.at_end
        if at_end and not arrived.last:  # more than is worth scrolling through
            self.reader.go_to_end()
            return
        if not at_end and arrived.messages:
            self.jump.add_new(len(arrived.messages) if arrived.last else None)
        self.view.hold(partial(self._apply_update, now, arrived, at_end=at_end))

    def _apply_update(self, now: Sequence[StoredMessage], arrived: MessagePage, *, at_end: bool) -> None:
        self.model.refresh(now)
        if at_end:
            self.model.grow_downwards(arrived)
        elif self.model.has_last:
            self.model.add_newer(arrived)

    # --- what is seen

    def _on_moved(self) -> None:
        at_end = self.view.at_end
        if at_end:
            self.jump.forget_new()
        self.jump.setVisible(not at_end and self.model.rowCount() > 0)
        self.jump.place(self.view.viewport().width(), self.view.height())
        place = self.view.top_place()
        if place is None or at_end:
            return
        when = self.model.row(place).message.sent_at.astimezone().date()
        gone = self.view.visualRect(self.model.index(place)).top() < -self._theme.px(_OWN_DAY)
        if self.model.row(place).day is None or gone:
            self._day.show_day(conversation_text.day(when, self.model.today), self.view.viewport().width())

    def _on_minute(self) -> None:
        if self._today != self.model.today:
            self._today = self.model.today
            self.view.restyle()

    def _restyle(self) -> None:
        self.view.restyle()
        self.jump.retranslate()
        self.jump.place(self.view.viewport().width(), self.view.height())
        self.update()

    def _name(self) -> None:
        title = _title(self.reader.opening) if self.reader.opening else ""
        self.setAccessibleName(texts("conversation.thread", title=title))
        self.view.setAccessibleName(texts("conversation.thread", title=title))
        self.view.setAccessibleDescription(texts("conversation.thread_keys"))

    # --- what a person does

    def _copy(self) -> None:
        chosen = self.view.chosen()
        if len(chosen) == 1:
            QGuiApplication.clipboard().setText(conversation_text.body(chosen[0]) or conversation_text.kind(chosen[0]))
        elif chosen:
            self._copy_with_names()

    def _copy_with_names(self) -> None:
        lines = [conversation_text.copied(message, self.model.partner) for message in self.view.chosen()]
        QGuiApplication.clipboard().setText("\n".join(lines))

    @async_slot
    async def _show_details(self, number: int) -> None:
        place = self.model.place_of(number)
        if place is not None:
            message = self.model.row(place).message
            await show_dialog(MessageDialog(self._theme, self, message, self.model.partner))
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_menu(self, number: int, where: QPoint) -> None:
        pop_up(self.menu(number), where)

    def menu(self, number: int) -> QMenu:
        """The context menu of the selected messages, of which *number* is one."""
        menu = QMenu(self)
        colour, side = self._theme.tokens.text2, self._theme.px(_ICON)
        for name, sign, do in (
            ("copy", "copy", self._copy),
            ("copy_with_names", "users", self._copy_with_names),
            ("details", "info", lambda: self._show_details(number)),
        ):
            menu.addAction(icon(sign, colour, side), texts(f"conversation.{name}"), do)
        return menu

    def event(self, event: QEvent) -> bool:
        # The window has other uses for these keys; here they are meant for the conversation.
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride and _is_ours(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Find):
            self.search_requested.emit()
        elif event.key() == Qt.Key.Key_Escape:
            (self.wide_requested if self.wide else self.back_requested).emit()
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
        self.jump.place(self.view.viewport().width(), self.view.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.tokens.surface))
        painter.end()


def _title(opening: ThreadLocation) -> str:
    return conversation_text.title(opening.title, is_group=opening.is_group)


def _is_ours(event: QKeyEvent) -> bool:
    return event.matches(QKeySequence.StandardKey.Find) or event.key() == Qt.Key.Key_Escape
