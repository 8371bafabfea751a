"""The conversations of one mentorado: the list, the search over it, and the one that is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.domain.errors import Problem
from app.domain.events import HistoryGrew
from app.domain.mentorado import MentoradoId
from app.domain.messages import Conversation, HistoryExtent
from app.domain.ports import Clock, History
from app.ui.conversations import words
from app.ui.conversations.conversation_list import ConversationDelegate, ConversationListModel
from app.ui.conversations.found_list import Found
from app.ui.conversations.lists import RowList
from app.ui.conversations.search_bar import SearchBar
from app.ui.conversations.search_results import SearchResults
from app.ui.conversations.thread_page import ThreadPage
from app.ui.conversations.thread_reader import Opening
from app.ui.detail_pane.trouble import Trouble
from app.ui.loop import asked
from app.ui.mentorado_list.empty import EmptyState
from app.ui.text import problem as words_of
from app.ui.text import texts
from app.ui.theme import SPACE_2, SPACE_4, SPACE_6, Theme

REFRESH_MILLISECONDS = 1000
"""The list is counted anew this often at most while messages keep coming in."""


class ConversationsPanel(QWidget):
    """Shows and asks. The open conversation can be lent to whoever has more room for it."""

    wide_wanted = Signal(QWidget)
    """Show this widget where there is room, until `wide_done`."""
    wide_done = Signal()
    mentorado_wanted = Signal(str)
    """What was opened is somebody else's: show them."""
    thread_opened = Signal(bool)
    """Whether a conversation is open here, and so wants all the room there is."""

    def __init__(
        self,
        *,
        theme: Theme,
        bus: Bus,
        history: History,
        enrolments: Enrolments,
        clock: Clock,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._history = history
        self._enrolments = enrolments
        self._mentorado_id: MentoradoId | None = None
        self._following = False
        self._stale = True
        self._extent: HistoryExtent | None = None
        self.search = SearchBar(theme)
        self.line = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.line.setProperty("role", "caption")
        self.trouble = Trouble(theme)
        self.conversations = ConversationListModel(clock, self)
        self.list = RowList(self.conversations, ConversationDelegate(theme, self), theme)
        self.empty = EmptyState(theme, "message", "")
        self.results = SearchResults(theme=theme, history=history, enrolments=enrolments, clock=clock)
        self.page = ThreadPage(theme=theme, history=history, clock=clock)
        self._refresh = QTimer(self, singleShot=True, interval=REFRESH_MILLISECONDS)
        self._refresh.timeout.connect(self._read)
        self._arrange()
        self._connect_parts()
        undo = (bus.subscribe(HistoryGrew, self._on_grew), texts.on_change(self.retranslate))
        self.destroyed.connect(partial(_all_of, undo))
        self.retranslate()

    def _arrange(self) -> None:
        self._lists = QStackedLayout()
        for page in (self.list, self.empty, self.results):
            self._lists.addWidget(page)
        top = QVBoxLayout()
        top.setContentsMargins(SPACE_6 - 1, SPACE_4, SPACE_6, SPACE_2)
        top.setSpacing(SPACE_2)
        for part in (self.trouble, self.search, self.line):
            top.addWidget(part)
        self._home = QWidget()
        column = QVBoxLayout(self._home)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addLayout(self._lists, 1)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._home)
        self._pages.addWidget(self.page)

    def _connect_parts(self) -> None:
        self.list.opened.connect(self._open_place)
        for rows in (self.list, self.results.list):
            rows.left_upwards.connect(self.search.field.take_focus)
        self.search.asked.connect(self._search)
        self.search.cleared.connect(self._end_search)
        self.search.left_downwards.connect(self._enter_list)
        self.results.opened.connect(self._open_found)
        self.results.counted.connect(self._show_count)
        self.results.everybody_wanted.connect(partial(self.search.set_everywhere, True))
        self.page.back_wanted.connect(self.leave_thread)
        self.page.search_wanted.connect(self.take_search)
        self.page.wide_wanted.connect(self._turn_wide)
        self.trouble.dismissed.connect(self.trouble.hide)
        for part in (self.page, self.results):
            part.problem.connect(self.show_problem)
            part.crash.connect(self.show_crash)

    # --- what others ask of the panel

    @property
    def in_thread(self) -> bool:
        """Whether a conversation is open in this place."""
        return self._pages.currentWidget() is self.page

    def show_mentorado(self, mentorado_id: MentoradoId | None) -> None:
        """Show this one's conversations from now on."""
        if mentorado_id == self._mentorado_id:
            return
        self._mentorado_id = mentorado_id
        self._extent = None
        self.conversations.show_all(())
        self.trouble.hide()
        if not self._following:
            self.leave_wide()
            self.leave_thread()
            self.search.field.clear()
            self.search.set_everywhere(False)
        self._stale = True
        self._name()
        if self.isVisible():
            self._read()

    def take_search(self) -> None:
        """Put the cursor into the search; what is open in this place closes for it."""
        if not self.isVisible():  # the conversation stands where this is in a narrow window
            self.leave_wide()
        self.leave_thread()
        self.search.field.take_focus()

    def leave_thread(self) -> None:
        """Back to the list, unless the conversation is open elsewhere."""
        if not self.in_thread:
            return
        within = self.page.isAncestorOf(self.focusWidget()) if self.focusWidget() else False
        self._pages.setCurrentWidget(self._home)
        self.page.close_conversation()
        self.thread_opened.emit(False)
        if within:
            self._enter_list()

    def leave_wide(self) -> None:
        """Take the conversation back into this place."""
        if self.page.wide:
            self._turn_wide()

    def show_problem(self, problem: Problem) -> None:
        self.trouble.show_trouble(*words_of(problem))

    def show_crash(self, _error: Exception) -> None:
        self.trouble.show_trouble(texts("detail.crash"), texts("detail.crash_next"))

    def retranslate(self) -> None:
        self.search.retranslate()
        self.results.retranslate()
        self.page.retranslate()
        self.trouble.retranslate()
        self.conversations.say_again()
        self.empty.say(texts("conversation.empty"), texts("conversation.empty_line"), "")
        self.list.setAccessibleDescription(texts("conversation.list_keys"))
        self._name()

    # --- the list

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
            self._extent = extent
            self._name()

    def _on_grew(self, event: HistoryGrew) -> None:
        if self.page.conversation_id is not None:
            self.page.on_grew(event.conversations)
        if event.mentorado_id == self._mentorado_id:
            self._stale = True
            if self.isVisible() and not self._refresh.isActive():
                self._refresh.start()

    def _choose_page(self) -> None:
        if self.search.typed.strip():
            self._lists.setCurrentWidget(self.results)
        else:
            self._lists.setCurrentWidget(self.list if self.conversations.rowCount() else self.empty)

    def _enter_list(self) -> None:
        rows = self.results.list if self._lists.currentWidget() is self.results else self.list
        rows.enter()

    def _name(self) -> None:
        self.setAccessibleName(texts("conversation.tab"))
        self.list.setAccessibleName(texts("conversation.list", name=self._mentorado()))
        if not self.search.typed.strip():
            self.line.setText("" if self._extent is None else words.extent(self._extent))
        if (known := self._open_conversation()) is not None:
            self.page.show_line(" · ".join((self._mentorado(), words.messages(known.messages))))

    def _mentorado(self) -> str:
        try:
            return self._enrolments.get(self._mentorado_id).mentorado.name if self._mentorado_id else ""
        except Problem:  # the roster was read anew, without this one
            return ""

    def _open_conversation(self) -> Conversation | None:
        rows = (self.conversations.conversation(place) for place in range(self.conversations.rowCount()))
        return next((each for each in rows if each.id == self.page.conversation_id), None)

    # --- the search

    def _search(self) -> None:
        self.results.search(self.search.typed, None if self.search.everywhere else self._mentorado_id)
        self._lists.setCurrentWidget(self.results)

    def _end_search(self) -> None:
        self.results.clear()
        self._choose_page()
        self._name()

    def _show_count(self, said: str) -> None:
        if self.search.typed.strip():
            self.line.setText(said)

    # --- the open conversation

    def _open_place(self, place: int) -> None:
        conversation = self.conversations.conversation(place)
        line = " · ".join((self._mentorado(), words.messages(conversation.messages)))
        self._open(Opening(conversation.id, conversation.title, conversation.is_group, line))

    def _open_found(self, found: Found) -> None:
        if found.mentorado_id != self._mentorado_id:
            self._following = True
            try:
                self.mentorado_wanted.emit(found.mentorado_id)
                self.show_mentorado(found.mentorado_id)
            finally:
                self._following = False
        self._open(
            Opening(
                found.conversation_id,
                found.title,
                found.is_group,
                self._mentorado(),
                at=found.message.number,
                searched=found.typed,
            )
        )

    def _open(self, opening: Opening) -> None:
        self.page.open(opening)
        if not self.page.wide:
            self._pages.setCurrentWidget(self.page)
            self.thread_opened.emit(True)
        self._name()
        self.page.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _turn_wide(self) -> None:
        wide = not self.page.wide
        self.page.set_wide(wide)
        if wide:
            self._pages.setCurrentWidget(self._home)
            self.thread_opened.emit(False)
            self.wide_wanted.emit(self.page)
        else:
            self._pages.addWidget(self.page)
            self._pages.setCurrentWidget(self.page)
            self.thread_opened.emit(True)
            self.wide_done.emit()
        self.page.view.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- Qt

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._read()

    def event(self, event: QEvent) -> bool:
        is_key = isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride
        if is_key and isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Find):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Find):
            self.take_search()
        else:
            super().keyPressEvent(event)


def _all_of(undo: Sequence[Callable[[], None]], *_destroyed: object) -> None:
    for each in undo:
        each()
