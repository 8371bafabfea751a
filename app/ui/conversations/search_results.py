"""What was found, or that nothing was; more is read as somebody scrolls."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedLayout, QWidget

from app.core.enrolments import Enrolments
from app.domain.errors import Problem
from app.domain.mentorado import MentoradoId
from app.domain.ports import Clock, History
from app.ui.conversations.found_list import Found, FoundDelegate, FoundModel
from app.ui.conversations.lists import RowList
from app.ui.conversations.words import number
from app.ui.loop import asked
from app.ui.mentorado_list.empty import EmptyState
from app.ui.text import texts
from app.ui.theme import Theme

PIECE = 60


class SearchResults(QWidget):
    """Searches when told to. An answer that comes after the next question is not shown."""

    opened = Signal(object)  # a Found
    counted = Signal(str)
    """How many were found, in words."""
    everybody_wanted = Signal()
    problem = Signal(object)
    crash = Signal(object)

    def __init__(
        self, *, theme: Theme, history: History, enrolments: Enrolments, clock: Clock, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._history = history
        self._enrolments = enrolments
        self._turn = 0
        self._typed = ""
        self._mentorado_id: MentoradoId | None = None
        self._more = self._busy = False
        self.model = FoundModel(clock, self)
        self.list = RowList(self.model, FoundDelegate(theme, self), theme)
        self.list.opened.connect(self._open)
        self.list.near_last.connect(self._want_more)
        self.nothing = EmptyState(theme, "search", "")
        self.nothing.pressed.connect(self.everybody_wanted)
        self._blank = QWidget()
        self._pages = QStackedLayout(self)
        for page in (self.list, self.nothing, self._blank):
            self._pages.addWidget(page)
        self.retranslate()

    def search(self, typed: str, mentorado_id: MentoradoId | None) -> None:
        """Look for *typed* in the conversations of one mentorado, or of everybody."""
        self._turn += 1
        self._typed, self._mentorado_id = typed, mentorado_id
        self._busy = True
        if not self.model.rowCount():
            self._pages.setCurrentWidget(self._blank)
            self.counted.emit(texts("conversation.searching"))
        self._search()

    def clear(self) -> None:
        self._turn += 1
        self._more = False
        self.model.clear()

    def show_problem(self, problem: Problem) -> None:
        self._busy = False
        self.problem.emit(problem)

    def show_crash(self, error: Exception) -> None:
        self._busy = False
        self.crash.emit(error)

    def retranslate(self) -> None:
        self.list.setAccessibleName(texts("conversation.found"))
        self.list.setAccessibleDescription(texts("conversation.list_keys"))
        again = texts("conversation.search_everybody") if self._mentorado_id else ""
        line = texts("conversation.not_found_line", typed=self._typed.strip())
        self.nothing.say(texts("conversation.not_found"), line, again)
        self._count()

    @asked
    async def _search(self) -> None:
        turn, typed, whose = self._turn, self._typed, self._mentorado_id
        found = await self._history.search(typed, mentorado_id=whose, limit=PIECE)
        places = await self._history.names({message.conversation_id for message in found})
        if turn != self._turn:
            return
        self._busy, self._more = False, len(found) == PIECE
        self.model.clear()
        self.model.add(found, places, self._names(), typed)
        self.list.scrollToTop()
        self._pages.setCurrentWidget(self.list if self.model.rowCount() else self.nothing)
        self.retranslate()

    def _want_more(self) -> None:
        if self._more and not self._busy:
            self._busy = True
            self._read_more()

    @asked
    async def _read_more(self) -> None:
        turn, typed, before = self._turn, self._typed, self.model.last_number
        found = await self._history.search(typed, mentorado_id=self._mentorado_id, before=before, limit=PIECE)
        places = await self._history.names({message.conversation_id for message in found})
        if turn != self._turn:
            return
        self._busy, self._more = False, len(found) == PIECE
        self.model.add(found, places, self._names(), typed)
        self._count()

    def _names(self) -> dict[MentoradoId, str]:
        """Whose each conversation is; of no interest where there is one mentorado only."""
        if self._mentorado_id is not None:
            return {}
        return {each.mentorado.id: each.mentorado.name for each in self._enrolments.all()}

    def _count(self) -> None:
        count = self.model.rowCount()
        if self._more:
            self.counted.emit(texts("conversation.found_more", count=number(count)))
        elif count:
            self.counted.emit(texts.plural("conversation.found", count))
        elif self._pages.currentWidget() is self.nothing:
            self.counted.emit("")

    def _open(self, place: int) -> None:
        found: Found = self.model.found(place)
        self.opened.emit(found)
