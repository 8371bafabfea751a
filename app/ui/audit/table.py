"""The table of audit entries."""

from __future__ import annotations

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.text import audit as audit_text
from app.text.audit import Side
from app.text.signs import Tone
from app.text.status import texts
from app.ui.audit.model import LINE_ROLE, AuditModel, AuditRow
from app.ui.theme import tokens as t
from app.ui.theme.icons import paint_icon_circle, pixel_ratio, pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import badge_size, paint_badge
from app.ui.widgets.tables import RowTable, paint_row_ground, row_state

NARROW = 860
_DISC, _DISC_ICON = 36, 16
_LEAST_NAME = 80
_WHEN, _OUTCOME, _CHANGE = 104, 122, 330
_ROW, _TALL_ROW = 66, 100
_ARROW = 14
_RIGHT = 24
_NUMBERS = QFont.Tag("tnum")


class EntryDelegate(QStyledItemDelegate):
    """One line of columns, or, in a narrow list, three lines one below the other."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.by_keyboard = False
        self.narrow = False
        self.restyle()

    def restyle(self) -> None:
        """Apply the theme's current colours and sizes."""
        self._colours = self._theme.tokens
        self._strong = self._theme.font(t.TEXT_BODY, QFont.Weight.DemiBold)
        self._plain = self._theme.font(t.TEXT_BODY)
        self._small = self._theme.font(t.TEXT_SMALL)
        self._small.setFeature(_NUMBERS, 1)

    @property
    def row_height(self) -> int:
        return self._theme.px(_TALL_ROW if self.narrow else _ROW)

    def sizeHint(self, option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(option.rect.width(), self.row_height)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        line: AuditRow = index.data(LINE_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(option.rect.topLeft())
        width, px = option.rect.width(), self._theme.px
        text = t.SPACE_6 + px(_DISC) + t.SPACE_3
        self._paint_ground(painter, option, line, text)
        self._paint_disc(painter, line)
        right, row = width - _RIGHT, self.row_height
        if self.narrow:
            self._paint_words(painter, line, text, right - px(_WHEN), px(24))
            self._paint_when(painter, line, right, px(24))
            badges = QRect(text, row - px(t.BADGE_HEIGHT) - px(12), right - text, px(t.BADGE_HEIGHT))
            used = self._paint_outcome(painter, line, badges)
            self._paint_change(painter, line, badges.adjusted(used + t.SPACE_3, 0, 0, 0))
        else:
            outcome = right - px(_WHEN) - px(_OUTCOME)
            change = outcome - t.SPACE_4 - min(px(_CHANGE), round(width * 0.36))
            top = (row - px(t.BADGE_HEIGHT)) // 2
            self._paint_words(painter, line, text, change - t.SPACE_4, row // 2 - px(10))
            self._paint_when(painter, line, right, row // 2 - px(10))
            room = QRect(change, top, outcome - t.SPACE_4 - change, px(t.BADGE_HEIGHT))
            self._paint_change(painter, line, room)
            self._paint_outcome(painter, line, QRect(outcome, top, px(_OUTCOME) - t.SPACE_2, px(t.BADGE_HEIGHT)))
        painter.restore()

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, line: AuditRow, text: int) -> None:
        colours, height, width = self._colours, self.row_height, option.rect.width()
        selected, hovered, has_focus = row_state(option)
        fill = colours.selected if selected else colours.hover if hovered else None
        if line.broken:
            fill = colours.badge[Tone.ERROR].bg
        ground = QRectF(8, 2, width - 8 - 9, height - 4)
        focused = selected and self.by_keyboard and has_focus
        paint_row_ground(painter, colours, ground, fill, marked=selected, focused=focused)
        if not selected and not line.broken:
            painter.fillRect(QRectF(text, height - 1, width - _RIGHT - text, 1), QColor(colours.border))

    def _paint_disc(self, painter: QPainter, line: AuditRow) -> None:
        side, inner = self._theme.px(_DISC), self._theme.px(_DISC_ICON)
        top = (self.row_height - side) / 2 if not self.narrow else self._theme.px(15)
        colours = self._colours
        look = t.BadgeColours(fg=colours.text2, bg=colours.badge[Tone.IDLE].bg)
        name = audit_text.icon(line.entry.record.action)
        paint_icon_circle(painter, QRectF(t.SPACE_6, top, side, side), look, name, inner)

    def _paint_words(self, painter: QPainter, line: AuditRow, left: int, right: int, middle: int) -> None:
        record, colours, gap = line.entry.record, self._colours, self._theme.px(20)
        used = self._line(painter, line.what, self._strong, colours.text, QRectF(left, middle, right - left, 0))
        whom, room = audit_text.subject_label(record) if record.subject else "", right - left - used
        beside = room >= self._theme.px(_LEAST_NAME)  # in less room, a name says nothing
        if whom and beside:
            self._line(painter, f" · {whom}", self._plain, colours.text2, QRectF(left + used, middle, room, 0))
        below = " · ".join(filter(None, ("" if beside else whom, line.who, line.reason)))
        self._line(painter, below, self._small, colours.text3, QRectF(left, middle + gap, right - left, 0))

    def _paint_when(self, painter: QPainter, line: AuditRow, right: int, middle: int) -> None:
        width, colours = self._theme.px(_WHEN), self._colours
        at = QRectF(right - width, middle, width, 0)
        self._line(painter, line.when, self._small, colours.text2, at, to_the_right=True)
        below = texts("audit.number", number=audit_text.number(line.entry.number))
        if line.broken:
            below = texts("audit.breaks_here")
        colour = colours.danger_text if line.broken else colours.text3
        at.translate(0, self._theme.px(20))
        self._line(painter, below, self._small, colour, at, to_the_right=True)

    def _paint_outcome(self, painter: QPainter, line: AuditRow, room: QRect) -> int:
        result = line.entry.record.outcome
        width = min(badge_size(line.outcome, self._theme).width(), room.width())
        tone, sign = audit_text.OUTCOME_TONE[result], audit_text.OUTCOME_ICON[result]
        paint_badge(
            painter, QRect(room.left(), room.top(), width, room.height()), tone, sign, line.outcome, self._theme
        )
        return width

    def _paint_change(self, painter: QPainter, line: AuditRow, room: QRect) -> None:
        """Paint a change; the new value keeps its text, the old one is shortened."""
        arrow = self._theme.px(_ARROW) + 2 * t.SPACE_1
        sides = [side for side in (line.before, line.after) if side is not None]
        widths = [self._width(side) for side in sides]
        if len(sides) == 2 and sum(widths) + arrow > room.width():
            least = (room.width() - arrow) // 2
            widths[1] = min(widths[1], max(least, room.width() - arrow - widths[0]))
            widths[0] = room.width() - arrow - widths[1]
        left = room.left()
        for place, (side, wanted) in enumerate(zip(sides, widths, strict=True)):
            if place:
                self._paint_arrow(painter, left + t.SPACE_1, room)
                left += arrow
            width = min(wanted, room.right() + 1 - left)
            self._paint_side(painter, side, QRect(left, room.top(), width, room.height()))
            left += width

    def _paint_arrow(self, painter: QPainter, left: int, room: QRect) -> None:
        side = self._theme.px(_ARROW)
        sign = pixmap("arrow-right", self._colours.text3, side, pixel_ratio(painter))
        painter.drawPixmap(QPointF(left, room.center().y() - side / 2 + 1), sign)

    def _paint_side(self, painter: QPainter, side: Side, room: QRect) -> None:
        if side.tone is not None:
            paint_badge(painter, room, side.tone, side.icon, side.words, self._theme)
        else:
            middle = QRectF(room.left(), room.center().y(), room.width(), 0)
            self._line(painter, side.words, self._small, self._colours.text2, middle)

    def _width(self, side: Side) -> int:
        if side.tone is not None:
            return badge_size(side.words, self._theme).width()
        return round(QFontMetricsF(self._small).horizontalAdvance(side.words)) + 2

    def _line(
        self, painter: QPainter, text: str, font: QFont, colour: str, room: QRectF, *, to_the_right: bool = False
    ) -> float:
        """Paint one line, vertically centred on the top of *room*; return its width."""
        metrics = QFontMetricsF(font)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.setFont(font)
        painter.setPen(QColor(colour))
        height = metrics.height()
        side = Qt.AlignmentFlag.AlignRight if to_the_right else Qt.AlignmentFlag.AlignLeft
        at = QRectF(room.left(), room.top() - height / 2, room.width(), height)
        painter.drawText(at, side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)
        return metrics.horizontalAdvance(shown)


class EntryTable(RowTable):
    """Emits which entry to open, and where to show a menu."""

    opened = Signal(object)
    """Carries the `AuditRow`."""
    menu_requested = Signal(object, QPoint)
    _delegate: EntryDelegate

    def __init__(self, model: AuditModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._delegate = EntryDelegate(theme, self)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self.doubleClicked.connect(self._open)
        theme.changed.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        self._delegate.restyle()
        self._fit_rows()

    def show_number(self, number: int) -> bool:
        """Select that entry, if it is loaded."""
        row = self._model.row_of(number)
        if row is None:
            return False
        self.setCurrentIndex(self._model.index(row))
        self.scrollTo(self.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)
        return True

    def _fit_rows(self) -> None:
        self._delegate.narrow = self.width() < self._theme.px(NARROW)
        super()._fit_rows()
        self.viewport().update()

    def _open(self, index: QModelIndex) -> None:
        line = self._model.line_at(index)
        if line is not None:
            self.opened.emit(line)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._delegate.narrow is not (self.width() < self._theme.px(NARROW)):
            self._fit_rows()

    def _request_menu(self, index: QModelIndex, where: QPoint) -> None:
        line = self._model.line_at(index)
        if line is not None:
            self.menu_requested.emit(line, where)
