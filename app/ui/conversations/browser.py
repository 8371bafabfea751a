"""The list of conversations: all of one mentorado, or the results of a search."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import (
    QObject,
    QRectF,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QShowEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from app.core.mentorado_service import MentoradoService
from app.domain.errors import Problem
from app.domain.mentorado import MentoradoId
from app.domain.messages import Conversation, ConversationId, HistoryStats
from app.domain.names import initials
from app.domain.repositories import Clock, MessageRepository
from app.text import conversation as conversation_text
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.conversations.search import SearchBar, SearchResults
from app.ui.detail_pane.inline_error import InlineError
from app.ui.theme import tokens as t
from app.ui.theme.icons import paint_icon_circle, paint_letter_circle
from app.ui.theme.theme import (
    SPACE_2,
    SPACE_4,
    SPACE_6,
    Theme,
)
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import vbox
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.tables import SIDE, RowDelegate, RowList, RowsModel

_HEIGHT, _AVATAR, _GAP = 64, 36, 12


class ConversationListModel(RowsModel[Conversation]):
    """The conversations as last read."""

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock

    def key(self, row: Conversation) -> ConversationId:
        return row.id

    def title(self, row: Conversation) -> str:
        return conversation_text.title(row.title, is_group=row.is_group)

    def description(self, row: Conversation) -> str:
        return texts(
            "conversation.row",
            title=self.title(row),
            messages=conversation_text.messages(row.messages),
            when=self._time_text(row),
            last=conversation_text.last_line(row)[:200],
        )

    def painted(self, row: Conversation) -> object:
        return row, self._time_text(row)

    def _time_text(self, conversation: Conversation) -> str:
        return conversation_text.short_time(conversation.last_at, self._clock.now().astimezone().date())


class ConversationDelegate(RowDelegate):
    """Picture, title and last words, with time and count on the right."""

    HEIGHT = _HEIGHT

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, tuple)  # noqa: S101 - Qt hands it through as any object
        conversation, when = row
        colours, px = self._colours, self._theme.px
        height, side = self.row_height, px(_AVATAR)
        left, right = SIDE + side + _GAP, width - SIDE
        self._paint_picture(painter, conversation, side)
        upper, lower = height / 2 - px(10), height / 2 + px(10)
        tiny = QFontMetricsF(self._tiny_font)
        count = conversation_text.number(conversation.messages)
        for preview, middle in ((when, upper), (count, lower)):
            wide = tiny.horizontalAdvance(preview)
            self._line(painter, preview, self._tiny_font, colours.text3, right - wide, middle, wide + 1)
        title_room = right - left - tiny.horizontalAdvance(when) - _GAP
        last_room = right - left - tiny.horizontalAdvance(count) - _GAP
        title, last = (
            conversation_text.title(conversation.title, is_group=conversation.is_group),
            conversation_text.last_line(conversation)[:200],
        )
        self._line(painter, title, self._title_font, colours.text, left, upper, title_room)
        self._line(painter, last, self._small_font, colours.text3, left, lower, last_room)

    def _paint_picture(self, painter: QPainter, conversation: Conversation, side: int) -> None:
        title = conversation_text.title(conversation.title, is_group=conversation.is_group)
        colours = self._colours.avatars[sum(title.encode()) % len(self._colours.avatars)]
        frame = QRectF(SIDE, (self.row_height - side) / 2, side, side)
        letters = "" if conversation.is_group else initials(title)
        if letters and letters[0].isalpha():
            font = self._theme.font(t.TEXT_SMALL, QFont.Weight.DemiBold)
            paint_letter_circle(painter, frame, colours, letters, font)
        else:
            paint_icon_circle(painter, frame, colours, "users" if conversation.is_group else "phone", side // 2)


REFRESH_MILLISECONDS = 1000
"""Milliseconds between refreshes of the list while messages arrive."""


class ConversationBrowser(QWidget):
    """Reads the list when it is visible, and again after changes."""

    conversation_requested = Signal(object)  # a Conversation
    found_requested = Signal(object)  # a Found
    counted = Signal()
    """The conversations were reloaded."""

    def __init__(
        self,
        *,
        theme: Theme,
        history: MessageRepository,
        mentorados: MentoradoService,
        clock: Clock,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._history = history
        self._mentorados = mentorados
        self._mentorado_id: MentoradoId | None = None
        self._stale = True
        self.extent: HistoryStats | None = None
        self.search = SearchBar(theme)
        self.line = text_label(role="caption")
        self.trouble = InlineError(theme)
        self.conversations = ConversationListModel(clock, self)
        self.list = RowList(self.conversations, ConversationDelegate(theme, self), theme)
        self.empty = EmptyState(theme, "message", "")
        self.results = SearchResults(theme=theme, history=history, mentorados=mentorados, clock=clock)
        self._refresh = QTimer(self, singleShot=True, interval=REFRESH_MILLISECONDS)
        self._refresh.timeout.connect(self._load)
        self._arrange()
        self._connect_parts()
        self.retranslate()

    def _arrange(self) -> None:
        self.pages = QStackedLayout()
        top = vbox(
            self.trouble, self.search, self.line, margins=(SPACE_6 - 1, SPACE_4, SPACE_6, SPACE_2), spacing=SPACE_2
        )
        column = vbox(top, inside=self)
        column.addLayout(self.pages, 1)  # before it has parts: without a parent the first is a window of its own
        for page in (self.list, self.empty, self.results):
            self.pages.addWidget(page)

    def _connect_parts(self) -> None:
        self.list.opened.connect(lambda place: self.conversation_requested.emit(self.conversations.rows[place]))
        self.search.asked.connect(self._search)
        self.search.cleared.connect(self._end_search)
        self.search.left_downwards.connect(self.enter)
        self.results.opened.connect(self.found_requested)
        self.results.counted.connect(self._show_count)
        self.results.everybody_requested.connect(partial(self.search.set_everywhere, True))
        self.trouble.dismissed.connect(self.trouble.hide)
        for rows in (self.list, self.results.list):
            rows.left_upwards.connect(self.search.field.take_focus)

    # --- what others ask of it

    @property
    def mentorado(self) -> str:
        """The name of the mentorado."""
        try:
            return self._mentorados.get(self._mentorado_id).name if self._mentorado_id else ""
        except Problem:  # the mentorados were reloaded without this one
            return ""

    def show_mentorado(self, mentorado_id: MentoradoId | None, *, keep_search: bool = False) -> None:
        """Show this mentorado's conversations, keeping a search that led here."""
        self._mentorado_id = mentorado_id
        self.extent = None
        self.conversations.show_rows(())
        self.trouble.hide()
        if not keep_search:
            self.search.field.clear()
            self.search.set_everywhere(False)
        self.name()
        self.read_soon(0)

    def read_soon(self, milliseconds: int = REFRESH_MILLISECONDS) -> None:
        """Reload once the list is visible."""
        self._stale = True
        if self.isVisible() and (milliseconds == 0 or not self._refresh.isActive()):
            self._refresh.start(milliseconds)

    def enter(self) -> None:
        """Focus the list."""
        (self.results.list if self.pages.currentWidget() is self.results else self.list).enter()

    def known(self, conversation_id: ConversationId | None) -> Conversation | None:
        rows = (self.conversations.rows[place] for place in range(self.conversations.rowCount()))
        return next((each for each in rows if each.id == conversation_id), None)

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self.trouble.show_trouble(sentence, next_step)

    def retranslate(self) -> None:
        for part in (self.search, self.results, self.trouble):
            part.retranslate()
        self.conversations.refresh_texts()
        self.empty.show_message(texts("conversation.empty"), texts("conversation.empty_line"), "")
        self.list.setAccessibleDescription(texts("conversation.list_keys"))
        self.name()

    def name(self) -> None:
        self.list.setAccessibleName(texts("conversation.list", name=self.mentorado))
        if not self.search.typed.strip():
            self.line.setText("" if self.extent is None else conversation_text.extent(self.extent))

    # --- the list and the search

    @async_slot
    async def _load(self) -> None:
        mentorado_id = self._mentorado_id
        if mentorado_id is None:
            return
        self._stale = False
        found = await self._history.conversations(mentorado_id)
        if mentorado_id != self._mentorado_id:
            return
        self.conversations.show_rows(found)
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

    def _show_count(self, text: str) -> None:
        if self.search.typed.strip():
            self.line.setText(text)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._load()
