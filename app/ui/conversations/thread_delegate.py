"""Paints the messages of a conversation from bubbles that were laid out before."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.text import conversation as conversation_text
from app.ui.conversations.bubbles import Bubble, BubbleStyle, lay_out
from app.ui.conversations.thread_model import KEPT, ThreadModel, ThreadRow
from app.ui.theme.icons import pixel_ratio, pixmap
from app.ui.theme.theme import Theme

_RADIUS = 14
_STATE = QStyle.StateFlag
_Key = tuple[int, int]


class ThreadDelegate(QStyledItemDelegate):
    """Caches each bubble until its message, its neighbours, the width or the theme change."""

    def __init__(self, theme: Theme, model: ThreadModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._model = model
        self._look = BubbleStyle(theme)
        self._made: dict[_Key, tuple[ThreadRow, Bubble]] = {}
        self.width = 0
        """The width of rows, set by the view: Qt asks for sizes without it."""
        self.searched = ""
        self.by_keyboard = False
        """Whether rows are walked by keys, and so must show where they act."""

    def restyle(self) -> None:
        """Take the theme, the language and what was searched for as they are now."""
        self._look = BubbleStyle(self._theme)
        self._made.clear()

    def bubble(self, row: ThreadRow) -> Bubble:
        """Laid out now or earlier."""
        width = self.width
        key = (row.message.number, width)
        known = self._made.get(key)
        if known is not None and known[0] is row:
            return known[1]
        if len(self._made) > 2 * KEPT:
            self._made.clear()
        day = conversation_text.day(row.day, self._model.today) if row.day else ""
        made = lay_out(row, width, self._look, day=day, in_group=self._model.is_group, searched=self.searched)
        self._made[key] = (row, made)
        return made

    def sizeHint(self, _option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(self.width, round(self.bubble(self._model.row(index.row())).height))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        made = self.bubble(self._model.row(index.row()))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(option.rect.topLeft())
        self._paint_day(painter, made)
        self._paint_ground(painter, made, option)
        self._paint_head(painter, made)
        self._paint_text(painter, made)
        self._paint_marks(painter, made)
        self._paint_signs(painter, made)
        painter.restore()

    def _paint_day(self, painter: QPainter, made: Bubble) -> None:
        if made.day_frame is None:
            return
        colours = self._look.colours
        painter.setPen(QPen(QColor(colours.border), 1))
        painter.setBrush(QColor(colours.surface))
        painter.drawRoundedRect(made.day_frame, made.day_frame.height() / 2, made.day_frame.height() / 2)
        self._write(painter, made.day_frame, made.day, self._look.day_font, colours.text2, centred=True)

    def _paint_ground(self, painter: QPainter, made: Bubble, option: QStyleOptionViewItem) -> None:
        colours, frame = self._look.colours, made.frame.adjusted(0.5, 0.5, -0.5, -0.5)
        selected = bool(option.state & _STATE.State_Selected)
        focused = self.by_keyboard and bool(option.state & _STATE.State_HasFocus)
        edge = colours.focus if selected or focused else made.paint.edge
        painter.setPen(QPen(QColor(edge), 2 if focused else 1.5 if selected else 1))
        painter.setBrush(QColor(made.paint.ground))
        painter.drawRoundedRect(frame, _RADIUS, _RADIUS)

    def _paint_head(self, painter: QPainter, made: Bubble) -> None:
        look, px = self._look, self._look.px
        if made.name_at is not None:
            line = QRectF(made.name_at.x(), made.name_at.y(), made.frame.width(), look.name.height())
            self._write(painter, line, made.name, look.name_font, made.name_colour)
        if made.quote is not None and made.quote_frame is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(made.paint.sunken))
            painter.drawRoundedRect(made.quote_frame, px(6), px(6))
            painter.setBrush(QColor(made.paint.accent))
            bar = QRectF(made.quote_frame.left(), made.quote_frame.top(), px(3), made.quote_frame.height())
            painter.drawRoundedRect(bar, 1.5, 1.5)
            painter.setPen(QColor(look.colours.text2))
            made.quote.layout.draw(painter, made.quote_frame.topLeft() + QPointF(px(10), px(5)))
        if made.kind is not None and made.kind_frame is not None:
            side, at = px(16), made.kind_frame.topLeft()
            sign = pixmap(made.kind_icon, look.colours.text2, side, pixel_ratio(painter))
            painter.drawPixmap(at + QPointF(0, (look.kind.height() - side) / 2), sign)
            painter.setPen(QColor(made.paint.quiet if made.quiet else made.paint.text))
            made.kind.layout.draw(painter, at + QPointF(side + px(5) + 2, 0))

    def _paint_text(self, painter: QPainter, made: Bubble) -> None:
        if made.text is not None and made.text_at is not None:
            painter.setPen(QColor(made.paint.quiet if made.quiet else made.paint.text))
            made.text.layout.draw(painter, made.text_at)
        if made.more_at is not None:
            line = QRectF(made.more_at.x(), made.more_at.y(), made.frame.width(), self._look.name.height())
            self._write(painter, line, made.more, self._look.name_font, self._look.colours.on_accent_soft)

    def _paint_marks(self, painter: QPainter, made: Bubble) -> None:
        if made.marks_at is None:
            return
        look, px = self._look, self._look.px
        left, high, side = made.marks_at.x(), look.meta.height(), px(13)
        for mark in made.marks:
            frame = QRectF(left, made.marks_at.y(), mark.width, high)
            if mark.filled:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(look.colours.accent))
                painter.drawRoundedRect(frame.adjusted(0, 0, 0, 0), high / 2, high / 2)
            if mark.icon:
                at = QPointF(frame.center().x() - side / 2, frame.center().y() - side / 2)
                painter.drawPixmap(at, pixmap(mark.icon, mark.colour, side, pixel_ratio(painter)))
            else:
                self._write(painter, frame.adjusted(0, 0, 2, 0), mark.text, look.meta_font, mark.colour)
            left += mark.width + px(5)

    def _paint_signs(self, painter: QPainter, made: Bubble) -> None:
        if made.signs_frame is None:
            return
        colours = self._look.colours
        painter.setPen(QPen(QColor(colours.border), 1))
        painter.setBrush(QColor(colours.raised))
        painter.drawRoundedRect(made.signs_frame, made.signs_frame.height() / 2, made.signs_frame.height() / 2)
        self._write(painter, made.signs_frame, made.signs, self._look.sign_font, colours.text2, centred=True)

    @staticmethod
    def _write(painter: QPainter, frame: QRectF, text: str, font: QFont, colour: str, *, centred: bool = False) -> None:
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine | Qt.TextFlag.TextDontClip
        flags |= Qt.AlignmentFlag.AlignHCenter if centred else Qt.AlignmentFlag.AlignLeft
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(frame, flags, text)
