"""Where conversations are chosen: all of one mentorado's, or those a search leads to."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.core.enrolments import Enrolments
from app.domain.errors import Problem
from app.domain.mentorado import MentoradoId
from app.domain.messages import Conversation, ConversationId, HistoryExtent
from app.domain.ports import Clock, History
from app.ui.conversations import words
from app.ui.conversations.conversation_list import ConversationDelegate, ConversationListModel
from app.ui.conversations.lists import RowList
from app.ui.conversations.search_bar import SearchBar
from app.ui.conversations.search_results import SearchResults
from app.ui.detail_pane.trouble import Trouble
from app.ui.loop import asked
from app.ui.mentorado_list.empty import EmptyState
from app.ui.text import problem as words_of
from app.ui.text import texts
from app.ui.theme import SPACE_2, SPACE_4, SPACE_6, Theme

REFRESH_MILLISECONDS = 1000
"""The list is counted anew this often at most while messages keep coming in."""


class Home(QWidget):
    """Reads the list when it is looked at, and again when it has changed."""

    conversation_wanted = Signal(object)  # a Conversation
    found_wanted = Signal(object)  # a Found
    counted = Signal()
    """The conversations were read anew."""

    def __init__(
        self, *, theme: Theme, history: History, enrolments: Enrolments, clock: Clock, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._history = history
        self._enrolments = enrolments
        self._mentorado_id: MentoradoId | None = None
        self._stale = True
        self.extent: HistoryExtent | None = None
        self.search = SearchBar(theme)
        self.line = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.line.setProperty("role", "caption")
        self.trouble = Trouble(theme)
        self.conversations = ConversationListModel(clock, self)
        self.list = RowList(self.conversations, ConversationDelegate(theme, self), theme)
        self.empty = EmptyState(theme, "message", "")
        self.results = SearchResults(theme=theme, history=history, enrolments=enrolments, clock=clock)
        self._refresh = QTimer(self, singleShot=True, interval=REFRESH_MILLISECONDS)
        self._refresh.timeout.connect(self._read)
        self._arrange()
        self._connect_parts()
        self.retranslate()

    def _arrange(self) -> None:
        self.pages = QStackedLayout()
        for page in (self.list, self.empty, self.results):
            self.pages.addWidget(page)
        top = QVBoxLayout()
        top.setContentsMargins(SPACE_6 - 1, SPACE_4, SPACE_6, SPACE_2)
        top.setSpacing(SPACE_2)
        for part in (self.trouble, self.search, self.line):
            top.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addLayout(self.pages, 1)

    def _connect_parts(self) -> None:
        self.list.opened.connect(lambda place: self.conversation_wanted.emit(self.conversations.conversation(place)))
        self.search.asked.connect(self._search)
        self.search.cleared.connect(self._end_search)
        self.search.left_downwards.connect(self.enter)
        self.results.opened.connect(self.found_wanted)
        self.results.counted.connect(self._show_count)
        self.results.everybody_wanted.connect(partial(self.search.set_everywhere, True))
        self.results.problem.connect(self.show_problem)
        self.results.crash.connect(self.show_crash)
        self.trouble.dismissed.connect(self.trouble.hide)
        for rows in (self.list, self.results.list):
            rows.left_upwards.connect(self.search.field.take_focus)

    # --- what others ask of it

    @property
    def mentorado(self) -> str:
        """Whose conversations these are."""
        try:
            return self._enrolments.get(self._mentorado_id).mentorado.name if self._mentorado_id else ""
        except Problem:  # the roster was read anew, without this one
            return ""

    def show_mentorado(self, mentorado_id: MentoradoId | None, *, keep_search: bool = False) -> None:
        """Show this one's from now on; what was searched for stays where it led here."""
        self._mentorado_id = mentorado_id
        self.extent = None
        self.conversations.show_all(())
        self.trouble.hide()
        if not keep_search:
            self.search.field.clear()
            self.search.set_everywhere(False)
        self.name()
        self.read_soon(0)

    def read_soon(self, milliseconds: int = REFRESH_MILLISECONDS) -> None:
        """Something has changed; it is read again once somebody looks."""
        self._stale = True
        if self.isVisible() and (milliseconds == 0 or not self._refresh.isActive()):
            self._refresh.start(milliseconds)

    def enter(self) -> None:
        """Put the keyboard on what is listed."""
        (self.results.list if self.pages.currentWidget() is self.results else self.list).enter()

    def known(self, conversation_id: ConversationId | None) -> Conversation | None:
        rows = (self.conversations.conversation(place) for place in range(self.conversations.rowCount()))
        return next((each for each in rows if each.id == conversation_id), None)

    def show_problem(self, problem: Problem) -> None:
        self.trouble.show_trouble(*words_of(problem))

    def show_crash(self, _error: Exception) -> None:
        self.trouble.show_trouble(texts("detail.crash"), texts("detail.crash_next"))

    def retranslate(self) -> None:
        for part in (self.search, self.results, self.trouble):
            part.retranslate()
        self.conversations.say_again()
        self.empty.say(texts("conversation.empty"), texts("conversation.empty_line"), "")
        self.list.setAccessibleDescription(texts("conversation.list_keys"))
        self.name()

    def name(self) -> None:
        self.list.setAccessibleName(texts("conversation.list", name=self.mentorado))
        if not self.search.typed.strip():
            self.line.setText("" if self.extent is None else words.extent(self.extent))

    # --- the list and the search

    @asked
    async def _read(self) -> None:
        mentorado_id = self._mentorado_id
        if mentorado_id is None:
            return
        self._stale = False
        found = await self._history.conversations(mentorado_id)
        if mentorado_id != self._mentorado_id:
            return
        self.conversations.show_all(found)
        self._choose_page()
        extent = await self._history.extent(mentorado_id)
        if mentorado_id == self._mentorado_id:
            self.extent = extent
            self.name()
            self.counted.emit()

    def _choose_page(self) -> None:
        if self.search.typed.strip():
            self.pages.setCurrentWidget(self.results)
        else:
            self.pages.setCurrentWidget(self.list if self.conversations.rowCount() else self.empty)

    def _search(self) -> None:
        self.results.search(self.search.typed, None if self.search.everywhere else self._mentorado_id)
        self.pages.setCurrentWidget(self.results)

    def _end_search(self) -> None:
        self.results.clear()
        self._choose_page()
        self.name()

    def _show_count(self, said: str) -> None:
        if self.search.typed.strip():
            self.line.setText(said)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._read()
