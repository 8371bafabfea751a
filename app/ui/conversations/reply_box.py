"""Where a message to the contact of the open conversation is written, and what holds it back."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QPlainTextEdit, QPushButton, QWidget

from app.core.outbound.replies import ReplyService
from app.domain.errors import Problem
from app.domain.messages import ConversationId
from app.domain.outbound import WAITS, Hold, HoldReason, OutboundMessage, OutboundState
from app.domain.repositories import Clock
from app.text import outbound as outbound_text
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.dialogs.confirm import ask_release
from app.ui.theme.icons import icon
from app.ui.theme.theme import SPACE_1, SPACE_2, Theme
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import hbox, vbox

LONGEST: Final = 4096  # characters, as the shortest limit of the providers has it
_LINES: Final = 5  # the box grows to so many, then it scrolls
_ICON: Final = 18
_AGAIN_MILLISECONDS: Final = 60_000


class ReplyBox(QWidget):
    """Keeps what is typed for each conversation. A message is sent once; what may have gone out is never sent again."""

    checked = Signal()
    """It was asked again whether a message would go out: what that depends on may have changed."""

    def __init__(self, *, theme: Theme, replies: ReplyService, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._replies = replies
        self._clock = clock
        self._conversation_id: ConversationId | None = None
        self._drafts: dict[ConversationId, str] = {}
        self._uncertain: dict[ConversationId, str] = {}  # what may have gone out
        self._hold: Hold | None = None
        self._sending = False
        self._words = ""  # what became of the last message
        self.field = QPlainTextEdit(tabChangesFocus=True)
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._on_typed)
        self.button = QPushButton()
        self.button.setProperty("role", "primary")
        self.button.clicked.connect(self._on_send)
        self.line = text_label(role="caption")
        self.other = QPushButton()  # releases the number, or puts a text back
        self.other.setProperty("role", "link")
        self.other.clicked.connect(self._on_other)
        row = hbox((self.field, 1), spacing=SPACE_2)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignBottom)
        layout = vbox(row, self.line, inside=self, margins=(SPACE_2, SPACE_2, SPACE_2, 0), spacing=SPACE_1)
        layout.addWidget(self.other, 0, Qt.AlignmentFlag.AlignLeft)
        self._again = QTimer(self, singleShot=True)
        self._again.timeout.connect(self.refresh)
        theme.changed.connect(self.retranslate)
        self.retranslate()

    def open(self, conversation_id: ConversationId | None) -> None:
        """Write to this conversation from now on; what was typed elsewhere stays there."""
        if self._conversation_id is not None:
            self._drafts[self._conversation_id] = self.field.toPlainText()
        self._conversation_id, self._hold, self._words = conversation_id, None, ""
        self.field.setPlainText(self._drafts.get(conversation_id, "") if conversation_id else "")
        self._show()
        if conversation_id is not None:
            self.refresh()

    @async_slot
    async def refresh(self) -> None:
        """Ask again whether a message would go out: something changed, or time passed."""
        if (asked := self._conversation_id) is None or self._sending:
            return
        hold = await self._replies.check(asked)
        if asked == self._conversation_id and not self._sending:
            self._hold = hold
            self._show()
            self.checked.emit()

    def retranslate(self) -> None:
        self.field.setPlaceholderText(texts("reply.write"))
        self.field.setAccessibleName(texts("reply.write"))
        self.field.setToolTip(texts("reply.write_keys"))
        self.button.setAccessibleName(texts("reply.send"))
        self.button.setToolTip(texts("reply.send"))
        side = self._theme.px(_ICON)
        self.button.setIcon(icon("send", self._theme.tokens.on_accent, side))
        self.button.setIconSize(QSize(side, side))
        self._words = ""
        self._show()
        self._grow()

    # --- what a person does

    @async_slot
    async def _on_send(self) -> None:
        conversation_id, text = self._conversation_id, self.field.toPlainText().strip()
        if conversation_id is None or not self._may_send():
            return
        self._sending, self._words = True, ""
        self._uncertain.pop(conversation_id, None)
        self._show()
        try:
            sent = await self._replies.send(conversation_id, text)
        except Problem:
            self._uncertain[conversation_id] = text
            self._forget(conversation_id)
            raise
        finally:
            self._sending = False
            self._show()
        self._show_result(conversation_id, text, sent)
        self.refresh()

    def _show_result(self, conversation_id: ConversationId, text: str, sent: OutboundMessage | Hold) -> None:
        here = conversation_id == self._conversation_id
        if isinstance(sent, Hold):
            self._hold = sent if here else self._hold
        elif sent.trouble is not None:
            why, step = outbound_text.send_error(sent.trouble)
            self._words = texts("reply.not_sent", why=f"{why} {step}") if here else ""
        else:
            if sent.state is OutboundState.UNCERTAIN:
                self._uncertain[conversation_id] = text
            self._forget(conversation_id)
        self._show()

    def _forget(self, conversation_id: ConversationId) -> None:
        """The text is in the history now."""
        self._drafts.pop(conversation_id, None)
        if conversation_id == self._conversation_id:
            self.field.clear()

    def _on_other(self) -> None:
        conversation_id = self._conversation_id
        if conversation_id is None:
            return
        if self._hold is not None and self._hold.reason is HoldReason.STOPPED:
            self._release(conversation_id)
        elif text := self._uncertain.pop(conversation_id, ""):
            self.field.setPlainText(text)
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)
            self._show()

    @async_slot
    async def _release(self, conversation_id: ConversationId) -> None:
        found = await self._replies.stopped(conversation_id)
        if found is not None:
            mentorado, stop = found
            if not await ask_release(self._theme, self, mentorado, stop, self._clock.now()):
                return
            await self._replies.release(conversation_id)
            self._words = ""
        self.refresh()

    # --- what is seen

    def _may_send(self) -> bool:
        text = self.field.toPlainText().strip()
        return bool(text) and len(text) <= LONGEST and self._hold is None and not self._sending

    def _on_typed(self) -> None:
        self._words = ""
        self._show()
        self._grow()

    def _show(self) -> None:
        hold = self._hold
        # Never disabled: the focus stays where it was, and the words below are read to who cannot see them.
        self.field.setReadOnly(self._sending or (hold is not None and hold.reason not in WAITS))
        self.field.setAccessibleDescription(self._line()[0])
        self.button.setEnabled(self._may_send())
        line, other = self._line()
        self.line.setText(line)
        self.line.setVisible(bool(line))
        self.other.setText(other)
        self.other.setVisible(bool(other))
        self._again.stop()
        if hold is not None and hold.until is not None:
            left = (hold.until - self._clock.now()).total_seconds() * 1000
            self._again.start(int(min(max(left, 1000), _AGAIN_MILLISECONDS)))

    def _line(self) -> tuple[str, str]:
        """The hint below the field, and the action for it."""
        if self._sending:
            return texts("reply.sending"), ""
        if self._hold is not None:
            stopped = self._hold.reason is HoldReason.STOPPED
            words = " ".join(outbound_text.hold(self._hold, self._clock.now()))
            return words, texts("reply.release") if stopped else ""
        if self._words:
            return self._words, ""
        if self._conversation_id in self._uncertain:
            return texts("reply.uncertain"), texts("reply.put_back")
        count = len(self.field.toPlainText().strip())
        return (texts("reply.too_long", count=count, most=LONGEST), "") if count > LONGEST else ("", "")

    def _grow(self) -> None:
        """As high as its text, up to a few lines."""
        wanted = max(int(self.field.document().size().height()), 1)
        lines = min(wanted, _LINES)
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if wanted > lines else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.field.setVerticalScrollBarPolicy(policy)
        frame = 2 * (self.field.frameWidth() + int(self.field.document().documentMargin()))
        height = lines * self.field.fontMetrics().lineSpacing() + frame
        if self.field.height() != height:
            self.field.setFixedHeight(height)

    # --- Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._on_send()
                return True
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grow()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(0, 0, self.width(), 1, QColor(self._theme.tokens.border))
        painter.end()
