"""The search in conversations, of one mentorado or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QModelIndex, QObject, QPointF, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStackedLayout, QWidget

from app.core.mentorado_service import MentoradoService
from app.domain.mentorado import MentoradoId
from app.domain.messages import ConversationId, ConversationRef, MessageKind, StoredMessage
from app.domain.repositories import Clock, MessageRepository
from app.text import conversation as conversation_text
from app.text.conversation import number, one_line
from app.text.signs import Tone
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.conversations.bubbles import layout_text, mark
from app.ui.conversations.highlight import excerpt, spans
from app.ui.theme.theme import SPACE_1, Theme
from app.ui.widgets.choices import Tabs
from app.ui.widgets.layouts import vbox
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.search_field import SearchField
from app.ui.widgets.tables import SIDE, RowDelegate, RowList, RowsModel

TYPED_MILLISECONDS = 140
"""So long after the last key the search begins; people type faster than that."""
_SCOPE_HEIGHT = 32


def _searched() -> tuple[str, str]:
    return texts("conversation.search"), texts("conversation.search_tip")


class SearchBar(QWidget):
    """Emits a search once typing pauses."""

    asked = Signal()
    cleared = Signal()
    left_downwards = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = SearchField(theme, _searched)
        self.scope = Tabs(theme, height=_SCOPE_HEIGHT)
        self.scope.show_words("", "")
        self.scope.hide()
        vbox(self.field, self.scope, inside=self, spacing=SPACE_1)
        self._pause = QTimer(self, singleShot=True, interval=TYPED_MILLISECONDS)
        self._pause.timeout.connect(self.asked)
        self.field.textChanged.connect(self._on_text)
        self.field.left_downwards.connect(self.left_downwards)
        self.field.returnPressed.connect(self._ask_now)
        self.scope.currentChanged.connect(self._ask_now)
        self.retranslate()

    @property
    def typed(self) -> str:
        return self.field.text()

    @property
    def everywhere(self) -> bool:
        return self.scope.currentIndex() == 1

    def set_everywhere(self, everywhere: bool) -> None:
        self.scope.setCurrentIndex(int(everywhere))

    def retranslate(self) -> None:
        self.field.retranslate()
        self.scope.show_words(texts("conversation.scope_here"), texts("conversation.scope_everywhere"))
        self.scope.setAccessibleName(texts("conversation.scope"))

    def _on_text(self, typed: str) -> None:
        self.scope.setVisible(bool(typed.strip()))
        if typed.strip():
            self._pause.start()
        else:
            self._pause.stop()
            self.cleared.emit()

    def _ask_now(self, *_signal_args: object) -> None:
        self._pause.stop()
        if self.typed.strip():
            self.asked.emit()


_LETTERS = 160
_LINES = 2
_GAP = 8


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One message that was found, and where."""

    message: StoredMessage
    conversation_id: ConversationId
    mentorado_id: MentoradoId
    title: str
    is_group: bool
    mentorado: str  # the name, where everybody was searched
    when: str
    typed: str

    @property
    def sentence(self) -> str:
        return _sentence(self.message, self.typed, texts.language)


@lru_cache(maxsize=512)
def _sentence(message: StoredMessage, typed: str, _language: str) -> str:
    """The part of the text around the match; the file name where that matched."""
    text = one_line(conversation_text.body(message))
    if not spans(text, typed) and message.kind is not MessageKind.TEXT:
        text = " · ".join(filter(None, (conversation_text.kind(message), text)))
    return excerpt(text, typed, _LETTERS)


class FoundModel(RowsModel[SearchHit]):
    """Search results, newest first; more are added while scrolling."""

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock

    @property
    def last_number(self) -> int | None:
        return self.rows[-1].message.number if self.rows else None

    def add(
        self,
        messages: Sequence[StoredMessage],
        places: Mapping[ConversationId, ConversationRef],
        names: Mapping[MentoradoId, str],
        typed: str,
    ) -> None:
        """Whatever has no place any more was erased a moment ago, and is left out."""
        today = self._clock.now().astimezone().date()
        new = []
        for message in messages:
            place = places.get(message.conversation_id)
            if place is not None:
                new.append(
                    SearchHit(
                        message=message,
                        conversation_id=place.id,
                        mentorado_id=place.mentorado_id,
                        title=conversation_text.title(place.title, is_group=place.is_group),
                        is_group=place.is_group,
                        mentorado=names.get(place.mentorado_id, ""),
                        when=conversation_text.short_time(message.sent_at, today),
                        typed=typed,
                    )
                )
        if new:
            self.beginInsertRows(QModelIndex(), len(self.rows), len(self.rows) + len(new) - 1)
            self.rows = [*self.rows, *new]
            self.endInsertRows()

    def title(self, row: SearchHit) -> str:
        return row.sentence

    def description(self, row: SearchHit) -> str:
        parts = {"title": row.title, "name": row.mentorado, "when": row.when, "text": row.sentence}
        return texts("conversation.found_row", **parts).replace(", ,", ",")


class FoundDelegate(RowDelegate):
    """Paints a result: conversation and time, and below them the text with the matches marked."""

    @property
    def row_height(self) -> int:
        small, title = QFontMetricsF(self._small_font).height(), QFontMetricsF(self._title_font).height()
        return round(title + _LINES * small) + self._theme.px(22)

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, SearchHit)  # noqa: S101 - Qt hands it through as any object
        colours, px = self._colours, self._theme.px
        title = QFontMetricsF(self._title_font)
        left, right, top = SIDE, width - SIDE, px(9)
        tiny = QFontMetricsF(self._tiny_font)
        when = tiny.horizontalAdvance(row.when)
        middle = top + title.height() / 2
        self._line(painter, row.when, self._tiny_font, colours.text3, right - when, middle, when + 1)
        room = right - left - when - _GAP
        taken = self._line(painter, row.title, self._title_font, colours.text, left, middle, room * 0.66)
        if row.mentorado:
            beside = f" · {row.mentorado}"
            self._line(painter, beside, self._small_font, colours.text2, left + taken, middle, room - taken)
        sentence = row.sentence
        marked = mark(colours.badge[Tone.WAITING].bg, colours.badge[Tone.WAITING].fg)
        where = spans(sentence, row.typed)
        lines = layout_text(sentence, self._small_font, right - left, lines=_LINES, marked=marked, spans=where)
        painter.setPen(QColor(colours.text2))
        lines.layout.draw(painter, QPointF(left, top + title.height() + px(3)))


PIECE = 60


class SearchResults(QWidget):
    """Runs searches and shows their results. Results of an earlier search are dropped."""

    opened = Signal(object)  # a Found
    counted = Signal(str)
    """How many were found, in words."""
    everybody_requested = Signal()

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
        self._turn = 0
        self._typed = ""
        self._mentorado_id: MentoradoId | None = None
        self._more = self._busy = False
        self.model = FoundModel(clock, self)
        self.list = RowList(self.model, FoundDelegate(theme, self), theme)
        self.list.opened.connect(self._open)
        self.list.near_last.connect(self._request_more)
        self.nothing = EmptyState(theme, "search", "")
        self.nothing.pressed.connect(self.everybody_requested)
        self._blank = QWidget()
        self._pages = QStackedLayout(self)
        for page in (self.list, self.nothing, self._blank):
            self._pages.addWidget(page)
        self.retranslate()

    def search(self, typed: str, mentorado_id: MentoradoId | None) -> None:
        """Search *typed* in the conversations of one mentorado, or of all."""
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
        self.model.show_rows(())

    def retranslate(self) -> None:
        self.list.setAccessibleName(texts("conversation.found"))
        self.list.setAccessibleDescription(texts("conversation.list_keys"))
        again = texts("conversation.search_everybody") if self._mentorado_id else ""
        line = texts("conversation.not_found_line", typed=self._typed.strip())
        self.nothing.show_message(texts("conversation.not_found"), line, again)
        self._count()

    @async_slot
    async def _search(self) -> None:
        if (found := await self._find()) is None:
            return
        self.model.show_rows(())
        self.model.add(*found, self._mentorado_names(), self._typed)
        self.list.scrollToTop()
        self._pages.setCurrentWidget(self.list if self.model.rowCount() else self.nothing)
        self.retranslate()

    def _request_more(self) -> None:
        if self._more and not self._busy:
            self._busy = True
            self._read_more()

    @async_slot
    async def _read_more(self) -> None:
        if (found := await self._find(before=self.model.last_number)) is not None:
            self.model.add(*found, self._mentorado_names(), self._typed)
            self._count()

    async def _find(
        self, before: int | None = None
    ) -> tuple[Sequence[StoredMessage], Mapping[ConversationId, ConversationRef]] | None:
        """The results and their conversations; None when another search was started meanwhile."""
        turn = self._turn
        try:
            found = await self._history.search(self._typed, mentorado_id=self._mentorado_id, before=before, limit=PIECE)
            places = await self._history.names({message.conversation_id for message in found})
        finally:
            if turn == self._turn:
                self._busy = False
        if turn != self._turn:
            return None
        self._more = len(found) == PIECE
        return found, places

    def _mentorado_names(self) -> dict[MentoradoId, str]:
        """The name of each result's mentorado; empty when only one is searched."""
        if self._mentorado_id is not None:
            return {}
        return {each.id: each.name for each in self._mentorados.all()}

    def _count(self) -> None:
        count = self.model.rowCount()
        if self._more:
            self.counted.emit(texts("conversation.found_more", count=number(count)))
        elif count:
            self.counted.emit(texts.plural("conversation.found", count))
        elif self._pages.currentWidget() is self.nothing:
            self.counted.emit("")

    def _open(self, place: int) -> None:
        found: SearchHit = self.model.rows[place]
        self.opened.emit(found)
