"""What a search found: the words in their sentence, where it was said, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from app.domain.mentorado import MentoradoId
from app.domain.messages import ConversationId, ConversationName, MessageKind, StoredMessage
from app.domain.ports import Clock
from app.ui.conversations import words
from app.ui.conversations.flow import flow, mark
from app.ui.conversations.found import excerpt, spans
from app.ui.conversations.lists import SIDE, RowDelegate
from app.ui.conversations.plain import one_line
from app.ui.text import texts
from app.ui.theme import Tone

Role = Qt.ItemDataRole
_NOWHERE = QModelIndex()
_LETTERS = 160
_LINES = 2
_GAP = 8


@dataclass(frozen=True, slots=True)
class Found:
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
    """What was said, as far as it matters; the file's name where that is what was found."""
    said = one_line(words.body(message))
    if not spans(said, typed) and message.kind is not MessageKind.TEXT:
        said = " · ".join(filter(None, (words.kind(message), said)))
    return excerpt(said, typed, _LETTERS)


class FoundModel(QAbstractListModel):
    """The newest first; more are added as somebody scrolls."""

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._all: list[Found] = []

    @property
    def last_number(self) -> int | None:
        return self._all[-1].message.number if self._all else None

    def clear(self) -> None:
        self.beginResetModel()
        self._all.clear()
        self.endResetModel()

    def add(
        self,
        messages: Sequence[StoredMessage],
        places: Mapping[ConversationId, ConversationName],
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
                    Found(
                        message=message,
                        conversation_id=place.id,
                        mentorado_id=place.mentorado_id,
                        title=words.title(place.title, is_group=place.is_group),
                        is_group=place.is_group,
                        mentorado=names.get(place.mentorado_id, ""),
                        when=words.short_time(message.sent_at, today),
                        typed=typed,
                    )
                )
        if new:
            self.beginInsertRows(_NOWHERE, len(self._all), len(self._all) + len(new) - 1)
            self._all.extend(new)
            self.endInsertRows()

    def found(self, place: int) -> Found:
        return self._all[place]

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._all)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        found = self._all[index.row()]
        if role == Role.UserRole:
            return found
        if role == Role.DisplayRole:
            return found.sentence
        if role == Role.AccessibleTextRole:
            parts = {"title": found.title, "name": found.mentorado, "when": found.when, "text": found.sentence}
            return texts("conversation.found_row", **parts).replace(", ,", ",")
        return None


class FoundDelegate(RowDelegate):
    """Where and when on one line, and below it what was said, with the words marked."""

    @property
    def row_height(self) -> int:
        small, title = QFontMetricsF(self._small_font).height(), QFontMetricsF(self._title_font).height()
        return round(title + _LINES * small) + self._theme.px(22)

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, Found)  # noqa: S101 - Qt hands it through as any object
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
        lines = flow(sentence, self._small_font, right - left, lines=_LINES, marked=marked, spans=where)
        painter.setPen(QColor(colours.text2))
        lines.layout.draw(painter, QPointF(left, top + title.height() + px(3)))
