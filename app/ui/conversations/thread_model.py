"""The loaded stretch of one conversation as Qt wants to see it: one row per message, the oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.domain.messages import ConversationId, StoredMessage
from app.domain.repositories import Clock, MessageRepository
from app.text import conversation as conversation_text
from app.text.conversation import clipped, sanitize
from app.text.status import texts

PIECE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """Neighbouring messages, oldest first; *first* and *last* when nothing is kept before or after them."""

    messages: Sequence[StoredMessage]
    first: bool = False
    last: bool = False


async def newest(history: MessageRepository, conversation_id: ConversationId) -> MessagePage:
    found = await history.messages(conversation_id, limit=PIECE)
    return MessagePage(messages=found[::-1], first=len(found) < PIECE, last=True)


async def oldest(history: MessageRepository, conversation_id: ConversationId) -> MessagePage:
    found = await history.messages_after(conversation_id, 0, limit=PIECE)
    return MessagePage(messages=found, first=True, last=len(found) < PIECE)


async def around(history: MessageRepository, conversation_id: ConversationId, number: int) -> MessagePage:
    """The message with *number* in the middle, or where it was."""
    before = await history.messages(conversation_id, before=number + 1, limit=PIECE)
    after = await history.messages_after(conversation_id, number, limit=PIECE)
    return MessagePage(messages=[*before[::-1], *after], first=len(before) < PIECE, last=len(after) < PIECE)


async def older(history: MessageRepository, conversation_id: ConversationId, number: int) -> MessagePage:
    """The messages before *number*."""
    found = await history.messages(conversation_id, before=number, limit=PIECE)
    return MessagePage(messages=found[::-1], first=len(found) < PIECE)


async def newer(history: MessageRepository, conversation_id: ConversationId, number: int) -> MessagePage:
    """The messages after *number*."""
    found = await history.messages_after(conversation_id, number, limit=PIECE)
    return MessagePage(messages=found, last=len(found) < PIECE)


async def again(
    history: MessageRepository, conversation_id: ConversationId, first: int, last: int
) -> Sequence[StoredMessage]:
    """The messages from *first* to *last* as they are now."""
    found: list[StoredMessage] = []
    after = first - 1
    while True:
        piece = await history.messages_after(conversation_id, after, limit=4 * PIECE)
        found.extend(message for message in piece if message.number <= last)
        if len(piece) < 4 * PIECE or piece[-1].number >= last:
            return found
        after = piece[-1].number


Role = Qt.ItemDataRole
ROW_ROLE = Role.UserRole + 1

KEPT = 480
"""So many messages stay loaded; what is further away is read again when it is scrolled to. However long somebody
scrolls, neither memory nor the work for one picture grows."""

_NOWHERE = QModelIndex()
_TIP_LETTERS, _TIP_LINES = 600, 12


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A message, and how its neighbours affect it."""

    message: StoredMessage
    day: date | None  # the first of its day: the day stands above it
    leads: bool  # the first of several from the same sender


class ThreadModel(QAbstractListModel):
    """The loaded messages, without gaps. It loads nothing itself."""

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._messages: list[StoredMessage] = []
        self._rows: list[ThreadRow] = []
        self.partner = ""
        self.is_group = False
        self.has_first = False
        self.has_last = False

    @property
    def messages(self) -> Sequence[StoredMessage]:
        return self._messages

    @property
    def today(self) -> date:
        return self._clock.now().astimezone().date()

    # --- changes

    def show_piece(self, piece: MessagePage, partner: str, *, is_group: bool) -> None:
        """Replace all messages with *piece*."""
        self.beginResetModel()
        self.partner, self.is_group = partner, is_group
        self._messages = list(piece.messages)
        self.has_first, self.has_last = piece.first, piece.last
        self._rows = self._make_rows(0, len(self._messages))
        self.endResetModel()

    def grow_upwards(self, piece: MessagePage) -> None:
        """Prepend older messages, and drop those far below."""
        self.has_first = piece.first
        first = self._messages[0].number if self._messages else None
        new = [message for message in piece.messages if first is None or message.number < first]
        if new:
            self.beginInsertRows(_NOWHERE, 0, len(new) - 1)
            self._messages[:0] = new
            self._rows[:0] = self._make_rows(0, len(new))
            self.endInsertRows()
            self._make_again(len(new))
        if (more := len(self._messages) - KEPT) > 0:
            self._remove(KEPT, more)
            self.has_last = False

    def grow_downwards(self, piece: MessagePage) -> None:
        """Append newer messages, and drop those far above."""
        self.add_newer(piece)
        if (more := len(self._messages) - KEPT) > 0:
            self._remove(0, more)
            self.has_first = False

    def add_newer(self, piece: MessagePage) -> None:
        """Append newer messages, and drop none: somebody is reading."""
        self.has_last = piece.last
        last = self._messages[-1].number if self._messages else 0
        new = [message for message in piece.messages if message.number > last]
        if new:
            start = len(self._messages)
            self.beginInsertRows(_NOWHERE, start, start + len(new) - 1)
            self._messages.extend(new)
            self._rows.extend(self._make_rows(start, len(self._messages)))
            self.endInsertRows()

    def refresh(self, now: Sequence[StoredMessage]) -> None:
        """Update the loaded messages, and remove deleted ones."""
        found = {message.number: message for message in now}
        for place in range(len(self._messages) - 1, -1, -1):
            before = self._messages[place]
            after = found.get(before.number)
            if after is None:
                self._remove(place, 1)
            elif after != before:
                self._messages[place] = after
                self._make_again(place, even_if_same=True)

    def refresh_texts(self) -> None:
        """The language or the date changed: every row reads differently."""
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    # --- questions

    def row(self, place: int) -> ThreadRow:
        return self._rows[place]

    def place_of(self, number: int) -> int | None:
        """The row of a message, or of the first after it when it is gone."""
        places = (place for place, message in enumerate(self._messages) if message.number >= number)
        return next(places, None)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == Role.DisplayRole:
            return conversation_text.body(row.message)
        if role == Role.AccessibleTextRole:
            return conversation_text.spoken(row.message, self.today, partner=self.partner)
        return self._tip(row.message) if role == Role.ToolTipRole else None

    def _tip(self, message: StoredMessage) -> str:
        lines = [
            texts("conversation.sent_at", time=conversation_text.moment(message.sent_at)),
            *conversation_text.states(message)[:4],
        ]
        if message.edited_at:
            before = clipped(sanitize(message.original_text), _TIP_LETTERS, _TIP_LINES)
            lines.append(texts("conversation.original", text=before))
        # Qt takes a tip with tags in it for HTML, so what strangers wrote is escaped.
        return "<p style='white-space:pre-wrap'>" + escape("\n".join(lines)) + "</p>"

    # --- neighbours

    def _make_rows(self, start: int, stop: int) -> list[ThreadRow]:
        return [self._make(place) for place in range(start, stop)]

    def _make(self, place: int) -> ThreadRow:
        message = self._messages[place]
        when = message.sent_at.astimezone().date()
        if place == 0:
            return ThreadRow(message, when, leads=True)
        above = self._messages[place - 1]
        same_day = above.sent_at.astimezone().date() == when
        same_voice = (above.from_me, above.sender_name) == (message.from_me, message.sender_name)
        return ThreadRow(message, None if same_day else when, leads=not (same_day and same_voice))

    def _make_again(self, place: int, *, even_if_same: bool = False) -> None:
        """A row's message or the one above it is another now."""
        if place < len(self._rows):
            row = self._make(place)
            if even_if_same or row != self._rows[place]:
                self._rows[place] = row
                self.dataChanged.emit(self.index(place), self.index(place))

    def _remove(self, place: int, count: int) -> None:
        self.beginRemoveRows(_NOWHERE, place, place + count - 1)
        del self._messages[place : place + count]
        del self._rows[place : place + count]
        self.endRemoveRows()
        self._make_again(place)
