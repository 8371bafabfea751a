"""The conversations of one mentorado: with whom, what was said last, when, and how much there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from app.domain.messages import Conversation
from app.domain.ports import Clock
from app.ui import tokens as t
from app.ui.conversations import words
from app.ui.conversations.lists import SIDE, RowDelegate
from app.ui.icons import pixmap
from app.ui.mentorado_list.pictures import initials
from app.ui.text import texts
from app.ui.theme import Theme

Role = Qt.ItemDataRole
_NOWHERE = QModelIndex()
_HEIGHT, _AVATAR, _GAP = 64, 36, 12


class ConversationListModel(QAbstractListModel):
    """What the history told last; `show_all` brings a newer telling."""

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._all: list[Conversation] = []

    def show_all(self, conversations: Sequence[Conversation]) -> None:
        """Rows that stay keep their place in the view where the order is the same."""
        if [each.id for each in conversations] == [each.id for each in self._all]:
            self._all = list(conversations)
            self.say_again()
            return
        self.beginResetModel()
        self._all = list(conversations)
        self.endResetModel()

    def conversation(self, place: int) -> Conversation:
        return self._all[place]

    def say_again(self) -> None:
        if self._all:
            self.dataChanged.emit(self.index(0), self.index(len(self._all) - 1))

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._all)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        conversation = self._all[index.row()]
        if role == Role.UserRole:
            return conversation, self._when(conversation)
        if role == Role.DisplayRole:
            return words.title(conversation.title, is_group=conversation.is_group)
        if role == Role.AccessibleTextRole:
            return texts(
                "conversation.row",
                title=words.title(conversation.title, is_group=conversation.is_group),
                messages=words.messages(conversation.messages),
                when=self._when(conversation),
                last=words.last_line(conversation)[:200],
            )
        return None

    def _when(self, conversation: Conversation) -> str:
        return words.short_time(conversation.last_at, self._clock.now().astimezone().date())


class ConversationDelegate(RowDelegate):
    """Picture, title and last words, with time and count on the right."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(theme, parent)

    @property
    def row_height(self) -> int:
        return self._theme.px(_HEIGHT)

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, tuple)  # noqa: S101 - Qt hands it through as any object
        conversation, when = row
        colours, px = self._colours, self._theme.px
        height, side = self.row_height, px(_AVATAR)
        left, right = SIDE + side + _GAP, width - SIDE
        self._paint_picture(painter, conversation, side)
        upper, lower = height / 2 - px(10), height / 2 + px(10)
        tiny = QFontMetricsF(self._tiny_font)
        count = words.number(conversation.messages)
        for said, middle in ((when, upper), (count, lower)):
            wide = tiny.horizontalAdvance(said)
            self._line(painter, said, self._tiny_font, colours.text3, right - wide, middle, wide + 1)
        title_room = right - left - tiny.horizontalAdvance(when) - _GAP
        last_room = right - left - tiny.horizontalAdvance(count) - _GAP
        title, last = (
            words.title(conversation.title, is_group=conversation.is_group),
            words.last_line(conversation)[:200],
        )
        self._line(painter, title, self._title_font, colours.text, left, upper, title_room)
        self._line(painter, last, self._small_font, colours.text3, left, lower, last_room)

    def _paint_picture(self, painter: QPainter, conversation: Conversation, side: int) -> None:
        title = words.title(conversation.title, is_group=conversation.is_group)
        colours = self._colours.avatars[sum(title.encode()) % len(self._colours.avatars)]
        frame = QRectF(SIDE, (self.row_height - side) / 2, side, side)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.bg))
        painter.drawEllipse(frame)
        letters = "" if conversation.is_group else initials(title)
        if letters and letters[0].isalpha():
            font = self._theme.font(t.TEXT_SMALL, QFont.Weight.DemiBold)
            painter.setFont(font)
            painter.setPen(QColor(colours.fg))
            painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, letters)
            return
        sign = side // 2
        name = "users" if conversation.is_group else "phone"
        ratio = float(painter.device().devicePixelRatioF())
        at = QPointF(frame.center().x() - sign / 2, frame.center().y() - sign / 2)
        painter.drawPixmap(at, pixmap(name, colours.fg, sign, ratio))
