"""What the lists of this package have in common: rows of one height, walked by arrows, opened by Enter or a click."""

from __future__ import annotations

from abc import abstractmethod

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.ui import tokens as t
from app.ui.theme import Theme

_STATE = QStyle.StateFlag
SIDE = 23


class RowDelegate(QStyledItemDelegate):
    """Paints the ground of a row; what stands on it is for the heirs."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.by_keyboard = False
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's colours and sizes as they are now."""
        self._colours = self._theme.tokens
        self._title_font = self._theme.font(t.TEXT_BODY, QFont.Weight.DemiBold)
        self._small_font = self._theme.font(t.TEXT_SMALL)
        self._tiny_font = self._theme.font(t.TEXT_CAPTION)
        self._tiny_font.setFeature(QFont.Tag("tnum"), 1)

    @property
    @abstractmethod
    def row_height(self) -> int: ...

    @abstractmethod
    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        """Paint *row* from the painter's origin on."""

    def sizeHint(self, option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(option.rect.width(), self.row_height)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        width = option.rect.width()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(option.rect.topLeft())
        self._paint_ground(painter, option, width)
        self.paint_row(painter, index.data(Qt.ItemDataRole.UserRole), width)
        painter.restore()

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, width: int) -> None:
        colours, height = self._colours, self.row_height
        ground = QRectF(10, 2, width - 20, height - 4)
        selected = bool(option.state & _STATE.State_Selected)
        painter.setPen(Qt.PenStyle.NoPen)
        if selected or option.state & _STATE.State_MouseOver:
            painter.setBrush(QColor(colours.selected if selected else colours.hover))
            painter.drawRoundedRect(ground, t.RADIUS_ROW, t.RADIUS_ROW)
        if self.by_keyboard and option.state & _STATE.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.focus), 1.5))
            painter.drawRoundedRect(ground.adjusted(0.75, 0.75, -0.75, -0.75), t.RADIUS_ROW, t.RADIUS_ROW)

    def _line(
        self, painter: QPainter, words: str, font: QFont, colour: str, left: float, middle: float, room: float
    ) -> float:
        """One line, shortened to *room*; returns how wide it is."""
        metrics = QFontMetricsF(font)
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        baseline = middle + (metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(left, baseline), shown)
        return metrics.horizontalAdvance(shown)


class RowList(QListView):
    """Says which row shall be opened."""

    opened = Signal(int)
    left_upwards = Signal()
    """Up was pressed on the first row: the field above is meant."""
    near_last = Signal()

    def __init__(
        self, model: QAbstractItemModel, delegate: RowDelegate, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._delegate = delegate
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.clicked.connect(self._open)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        theme.changed.connect(self.restyle)

    def restyle(self) -> None:
        self._delegate.restyle()
        self.scheduleDelayedItemsLayout()
        self.viewport().update()

    def enter(self) -> None:
        """Walk on from the field above with the arrow keys."""
        if self.model().rowCount():
            self._show_focus(by_keyboard=True)
            self.setFocus(Qt.FocusReason.TabFocusReason)
            if not self.currentIndex().isValid():
                self.setCurrentIndex(self.model().index(0, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._show_focus(by_keyboard=True)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex())
        elif event.key() == Qt.Key.Key_Up and self.currentIndex().row() <= 0:
            self.left_upwards.emit()
        elif event.matches(QKeySequence.StandardKey.Find) or event.key() == Qt.Key.Key_Escape:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        by_keys = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._show_focus(by_keyboard=event.reason() in by_keys)
        super().focusInEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._show_focus(by_keyboard=False)
        super().mousePressEvent(event)

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(index.row())

    def _on_scrolled(self, value: int) -> None:
        if value > self.verticalScrollBar().maximum() - 2 * self.viewport().height():
            self.near_last.emit()

    def _show_focus(self, *, by_keyboard: bool) -> None:
        if self._delegate.by_keyboard is not by_keyboard:
            self._delegate.by_keyboard = by_keyboard
            self.viewport().update()
