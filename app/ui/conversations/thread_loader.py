"""Reads one conversation from the history, a piece at a time, and reads again what has changed in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from app.domain.errors import Problem
from app.domain.messages import ConversationId
from app.domain.repositories import MessageRepository
from app.ui.async_slots import async_slot
from app.ui.conversations import thread_model as reading
from app.ui.conversations.thread_model import ThreadModel

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
    """One request at a time. What was asked for before the last opening is of no interest any more."""

    begun = Signal(object, object)  # the Opening, and the first Piece
    grown_upwards = Signal(object)  # a Piece
    grown_downwards = Signal(object)
    caught_up = Signal(object, object)  # the loaded messages as they are now, and the Piece that is new
    problem = Signal(object)
    crash = Signal(object)

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
        """Begin at the end, or at the message that is asked for."""
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
        """These conversations look different now."""
        if self.opening is None or self._grew.isActive():
            return
        # A conversation that was merged into another goes on under that one's id.
        known = {self.opening.conversation_id, *(message.conversation_id for message in self._model.messages[-1:])}
        if not known.isdisjoint(conversations):
            self._grew.start()

    def show_problem(self, problem: Problem) -> None:
        self.busy = False
        self.problem.emit(problem)

    def show_crash(self, error: Exception) -> None:
        self.busy = False
        self.crash.emit(error)

    def _reload(self) -> None:
        self._turn += 1
        self.busy = True

    def _ends(self, turn: int) -> bool:
        """Whether the answer is still wanted. From now on the next may be asked for."""
        if turn == self._turn:
            self.busy = False
        return turn == self._turn

    @async_slot
    async def _begin(self, opening: ThreadLocation) -> None:
        turn, history = self._turn, self._history
        if opening.at is None:
            piece = await reading.newest(history, opening.conversation_id)
        else:
            piece = await reading.around(history, opening.conversation_id, opening.at)
        if self._ends(turn):
            self._show_piece(piece)
            self.begun.emit(opening, piece)

    @async_slot
    async def _begin_at_start(self, opening: ThreadLocation) -> None:
        turn = self._turn
        piece = await reading.oldest(self._history, opening.conversation_id)
        if self._ends(turn):
            self.begun.emit(replace(opening, at=0), piece)

    @async_slot
    async def _read_older(self) -> None:
        if self.opening is None:
            return
        turn, first = self._turn, self._model.messages[0].number
        piece = await reading.older(self._history, self.opening.conversation_id, first)
        if self._ends(turn):
            self.grown_upwards.emit(piece)

    @async_slot
    async def _read_newer(self) -> None:
        if self.opening is None:
            return
        turn, last = self._turn, self._model.messages[-1].number
        piece = await reading.newer(self._history, self.opening.conversation_id, last)
        if self._ends(turn):
            self._show_piece(piece)
            self.grown_downwards.emit(piece)

    @async_slot
    async def _catch_up(self) -> None:
        opening, shown = self.opening, self._model.messages
        if opening is None:
            return
        if self.busy:  # in a moment
            self._grew.start()
            return
        self.busy = True
        turn, conversation_id = self._turn, opening.conversation_id
        if not shown:
            self._begin(opening)
            return
        first, last = shown[0].number, shown[-1].number
        now = await reading.again(self._history, conversation_id, first, last)
        piece = await reading.newer(self._history, conversation_id, max(last, self._newest))
        if self._ends(turn):
            self._show_piece(piece)
            self.caught_up.emit(now, piece)

    def _show_piece(self, piece: reading.MessagePage) -> None:
        self._newest = max(self._newest, *(message.number for message in piece.messages[-1:]), 0)
