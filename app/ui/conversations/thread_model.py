"""The loaded part of one conversation as a Qt model, oldest first, and the loader that fetches pages around it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from typing import Any, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from app.domain.messages import ConversationId, StoredMessage
from app.domain.repositories import Clock, MessageRepository
from app.text import conversation as conversation_text
from app.text.conversation import clipped, sanitize
from app.text.status import texts
from app.ui.async_slots import async_slot

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
        """Append newer messages, and drop none: somebody is reading them."""
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


T = TypeVar("T")

GREW_MILLISECONDS = 80
"""Messages and receipts come in bursts; they are read once for each burst."""


@dataclass(frozen=True, slots=True)
class ThreadLocation:
    """Which conversation, where in it, and the words that led there."""

    conversation_id: ConversationId
    title: str
    is_group: bool
    line: str = ""
    at: int | None = None
    searched: str = ""


class ThreadLoader(QObject):
    """Loads messages, one request at a time. Results from before the last opening are dropped."""

    begun = Signal(object, object)  # the Opening, and the first Piece
    grown_upwards = Signal(object)  # a Piece
    grown_downwards = Signal(object)
    caught_up = Signal(object, object)  # the loaded messages as they are now, and the Piece that is new

    def __init__(self, history: MessageRepository, model: ThreadModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._model = model
        self._turn = 0
        self.busy = False
        self.opening: ThreadLocation | None = None
        self._newest = 0  # the newest number that was ever seen, loaded or not
        self._grew = QTimer(self, singleShot=True, interval=GREW_MILLISECONDS)
        self._grew.timeout.connect(self._catch_up)

    def open(self, opening: ThreadLocation) -> None:
        """Load the end, or the requested message."""
        self.opening, self._newest = opening, 0
        self._reload()
        self._begin(opening)

    def close(self) -> None:
        self._reload()
        self.busy = False
        self.opening = None
        self._grew.stop()

    def go_to_end(self) -> None:
        if self.opening is not None:
            self._reload()
            self._begin(replace(self.opening, at=None))

    def go_to_start(self) -> None:
        if self.opening is not None:
            self._reload()
            self._begin_at_start(self.opening)

    def load_older(self) -> None:
        if not self.busy and self._model.messages:
            self.busy = True
            self._read_older()

    def load_newer(self) -> None:
        if not self.busy and self._model.messages:
            self.busy = True
            self._read_newer()

    def on_grew(self, conversations: Sequence[ConversationId]) -> None:
        """Reload if *conversations* include this one."""
        if self.opening is None or self._grew.isActive():
            return
        # A conversation that was merged into another goes on under that one's id.
        known = {self.opening.conversation_id, *(message.conversation_id for message in self._model.messages[-1:])}
        if not known.isdisjoint(conversations):
            self._grew.start()

    def _reload(self) -> None:
        self._turn += 1
        self.busy = True

    async def _answer(self, asked: Awaitable[T]) -> T | None:
        """Await *asked*; None when it is no longer wanted. The next request may start after it."""
        turn, answer = self._turn, None
        try:
            answer = await asked
        finally:
            if turn == self._turn:
                self.busy = False
        return answer if turn == self._turn else None

    @async_slot
    async def _begin(self, opening: ThreadLocation) -> None:
        history, conversation_id = self._history, opening.conversation_id
        if opening.at is None:
            piece = await self._answer(newest(history, conversation_id))
        else:
            piece = await self._answer(around(history, conversation_id, opening.at))
        if piece is not None:
            self._show_piece(piece)
            self.begun.emit(opening, piece)

    @async_slot
    async def _begin_at_start(self, opening: ThreadLocation) -> None:
        piece = await self._answer(oldest(self._history, opening.conversation_id))
        if piece is not None:
            self.begun.emit(replace(opening, at=0), piece)

    @async_slot
    async def _read_older(self) -> None:
        if self.opening is None:
            return
        first = self._model.messages[0].number
        piece = await self._answer(older(self._history, self.opening.conversation_id, first))
        if piece is not None:
            self.grown_upwards.emit(piece)

    @async_slot
    async def _read_newer(self) -> None:
        if self.opening is None:
            return
        last = self._model.messages[-1].number
        piece = await self._answer(newer(self._history, self.opening.conversation_id, last))
        if piece is not None:
            self._show_piece(piece)
            self.grown_downwards.emit(piece)

    @async_slot
    async def _catch_up(self) -> None:
        opening = self.opening
        if opening is None:
            return
        if self.busy:  # in a moment
            self._grew.start()
            return
        self.busy = True
        if not self._model.messages:
            self._begin(opening)
        elif (caught_up := await self._answer(self._read_changes(opening.conversation_id))) is not None:
            now, piece = caught_up
            self._show_piece(piece)
            self.caught_up.emit(now, piece)

    async def _read_changes(self, conversation_id: ConversationId) -> tuple[Sequence[StoredMessage], MessagePage]:
        """Read the loaded messages again, and those after them."""
        first, last = self._model.messages[0].number, self._model.messages[-1].number
        now = await again(self._history, conversation_id, first, last)
        return now, await newer(self._history, conversation_id, max(last, self._newest))

    def _show_piece(self, piece: MessagePage) -> None:
        self._newest = max(self._newest, *(message.number for message in piece.messages[-1:]), 0)
