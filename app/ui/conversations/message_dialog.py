"""One message whole: all of its text, to read and to select, and everything that is known of it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QPlainTextEdit, QWidget

from app.domain.messages import MessageKind, StoredMessage
from app.text import conversation as conversation_text
from app.text import status as status_text
from app.text.conversation import one_line, reactions, sanitize
from app.text.status import texts
from app.ui.dialogs.base import ScrollDialog
from app.ui.theme.theme import SPACE_1, SPACE_4, Theme
from app.ui.widgets.labels import text_label

_WIDTH = 520
_LINE, _MOST_LINES = 20, 14


class MessageDialog(ScrollDialog):
    """Shows; the only thing to do is to copy and to close."""

    def __init__(self, theme: Theme, over: QWidget, message: StoredMessage, partner: str) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self.set_title(texts("conversation.message", who=conversation_text.sender(message) or partner))
        if message.kind is not MessageKind.TEXT:
            self.inside.addWidget(_label(conversation_text.kind(message), "name"))
        self.text = self._reader(conversation_text.body(message)) if message.text else None
        if message.revoked_at:
            self.inside.addWidget(_label(texts("conversation.revoked_note"), "secondary"))
        if message.revocation_asked:
            self.inside.addWidget(_label(texts("conversation.revocation_asked_note"), "secondary"))
        if message.edited_at:
            self.inside.addWidget(_label(texts("conversation.fact.original"), "secondary"))
            self._reader(sanitize(message.original_text))
        self.inside.addLayout(_facts(message))
        self.close_button = self.add_button(texts("conversation.close"), "primary")
        self.close_button.clicked.connect(self.accept)
        self.close_button.setFocus()

    def _reader(self, text: str) -> QPlainTextEdit:
        """Room for *text*, as high as it needs to be, with a scroll bar where that is too much."""
        reader = QPlainTextEdit(readOnly=True)
        reader.setPlainText(text)
        reader.setAccessibleName(texts("conversation.kind.text"))
        reader.setTabChangesFocus(True)
        lines = sum(1 + len(line) // 52 for line in text[:4000].splitlines()) or 1
        line = self._theme.px(_LINE)
        self.add_list(reader, line * min(lines, _MOST_LINES) + 2 * SPACE_4, line + 2 * SPACE_4)
        return reader


def _facts(message: StoredMessage) -> QGridLayout:
    known = {
        "quoted": one_line(message.quoted_text or "")[:300],
        "reactions": "  ".join(reactions(message.reactions)),
        "delivery": conversation_text.delivery(message.delivery) if message.from_me and message.delivery else "",
        "failure": one_line(message.failure)[:600],
        "sent": conversation_text.moment(message.sent_at),
        "received": conversation_text.moment(message.received_at),
        "stored": conversation_text.moment(message.stored_at),
        "edited": conversation_text.moment(message.edited_at) if message.edited_at else "",
        "revoked": conversation_text.moment(message.revoked_at) if message.revoked_at else "",
        "provider": f"{status_text.provider(message.provider)} · {one_line(message.provider_id)[:80]}",
    }
    grid = QGridLayout()
    grid.setHorizontalSpacing(SPACE_4)
    grid.setVerticalSpacing(SPACE_1)
    grid.setColumnStretch(1, 1)
    for line, (name, text) in enumerate((name, text) for name, text in known.items() if text):
        grid.addWidget(_label(texts(f"conversation.fact.{name}"), "caption"), line, 0, Qt.AlignmentFlag.AlignTop)
        value = _label(text, "secondary")
        value.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        value.setAccessibleName(f"{texts(f'conversation.fact.{name}')}: {text}")
        grid.addWidget(value, line, 1)
    return grid


def _label(text: str, role: str) -> QLabel:
    label = text_label(text)
    label.setProperty("role", role)
    return label
