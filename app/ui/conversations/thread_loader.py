"""Reads one conversation from the history, a piece at a time, and reads again what has changed in it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.domain.messages import ConversationId, StoredMessage
from app.domain.repositories import MessageRepository
from app.ui.async_slots import async_slot
from app.ui.conversations import thread_model as reading
from app.ui.conversations.thread_model import ThreadModel

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
            piece = await self._answer(reading.newest(history, conversation_id))
        else:
            piece = await self._answer(reading.around(history, conversation_id, opening.at))
        if piece is not None:
            self._show_piece(piece)
            self.begun.emit(opening, piece)

    @async_slot
    async def _begin_at_start(self, opening: ThreadLocation) -> None:
        piece = await self._answer(reading.oldest(self._history, opening.conversation_id))
        if piece is not None:
            self.begun.emit(replace(opening, at=0), piece)

    @async_slot
    async def _read_older(self) -> None:
        if self.opening is None:
            return
        first = self._model.messages[0].number
        piece = await self._answer(reading.older(self._history, self.opening.conversation_id, first))
        if piece is not None:
            self.grown_upwards.emit(piece)

    @async_slot
    async def _read_newer(self) -> None:
        if self.opening is None:
            return
        last = self._model.messages[-1].number
        piece = await self._answer(reading.newer(self._history, self.opening.conversation_id, last))
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

    async def _read_changes(
        self, conversation_id: ConversationId
    ) -> tuple[Sequence[StoredMessage], reading.MessagePage]:
        """Read the loaded messages again, and those after them."""
        first, last = self._model.messages[0].number, self._model.messages[-1].number
        now = await reading.again(self._history, conversation_id, first, last)
        return now, await reading.newer(self._history, conversation_id, max(last, self._newest))

    def _show_piece(self, piece: reading.MessagePage) -> None:
        self._newest = max(self._newest, *(message.number for message in piece.messages[-1:]), 0)
