"""A list as a table with one column, because a table does not lay everything out again when it is filtered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
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
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.text.signs import Tone
from app.ui.theme import tokens as t
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import badge_size, paint_badge, plain_tip


class DrawsRows(Protocol):
    """What a delegate must know of the table it draws for."""

    by_keyboard: bool

    @property
    def row_height(self) -> int: ...


class RowTable(QTableView):
    """Rows of one height that are walked with the arrows and opened with Enter. The focus is shown to who uses keys."""

    _delegate: DrawsRows

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)  # Tab leaves the list; arrows walk it
        self.setWordWrap(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def begin(self) -> None:
        """Select the first row unless a visible one is selected."""
        if not self.selectionModel().hasSelection() and self.model().rowCount():
            self.selectRow(0)

    def _open(self, index: QModelIndex) -> None:
        """Emit that this row is to be opened."""
        raise NotImplementedError

    def _request_menu(self, index: QModelIndex, where: QPoint) -> None:
        """Emit that a menu is requested for this row, at screen position *where*."""
        raise NotImplementedError

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A banner above, or a smaller window, leaves the selected row whole if it was in sight."""
        selected = self.currentIndex()
        was_seen = QRect(QPoint(), event.oldSize()).intersects(self.visualRect(selected))
        super().resizeEvent(event)
        if selected.isValid() and was_seen:
            self.scrollTo(selected)

    def _fit_rows(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self._delegate.row_height)
        self.verticalScrollBar().setSingleStep(self._delegate.row_height // 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._show_focus(by_keyboard=False)
        super().mousePressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        by_keys = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._show_focus(by_keyboard=event.reason() in by_keys)
        super().focusInEvent(event)

    def _show_focus(self, *, by_keyboard: bool) -> None:
        self._delegate.by_keyboard = by_keyboard
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._show_focus(by_keyboard=True)
        # Qt activates a row on Enter by itself only where the platform's style says so.
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex())
        elif event.key() == Qt.Key.Key_Down and not self.selectionModel().hasSelection():
            self.begin()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        if not index.isValid():
            return
        where = event.pos() if by_mouse else self.visualRect(index).center()
        self.setCurrentIndex(index)
        self._request_menu(index, self.viewport().mapToGlobal(where))


T = TypeVar("T")
Role = Qt.ItemDataRole
_NOWHERE = QModelIndex()


class RowsModel(QAbstractListModel, Generic[T]):
    """The rows of a list. A subclass says what is painted, shown and read out of a row."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[T] = ()

    def key(self, row: T) -> Hashable:
        """What a row is known by when the rows are replaced. Without it, only how many there are counts."""

    @abstractmethod
    def title(self, row: T) -> str: ...

    @abstractmethod
    def description(self, row: T) -> str:
        """What is read out."""

    def painted(self, row: T) -> object:
        """What the delegate gets; the row itself where it has all."""
        return row

    def tip(self, _row: T) -> str:
        return ""

    def show_rows(self, rows: Sequence[T]) -> None:
        """Replace all rows; the list stays where it is when they are the ones of before, in the same order."""
        same = list(map(self.key, rows)) == list(map(self.key, self.rows))
        if not same:
            self.beginResetModel()
        self.rows = list(rows)
        if not same:
            self.endResetModel()
        else:
            self.refresh_texts()

    def refresh_texts(self) -> None:
        """Time has passed, or the language is another."""
        if self.rows:
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    def place_of(self, key: Hashable) -> int | None:
        return next((place for place, row in enumerate(self.rows) if self.key(row) == key), None)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        match role:
            case Role.UserRole:
                return self.painted(row)
            case Role.DisplayRole:
                return self.title(row)
            case Role.AccessibleTextRole:
                return self.description(row)
            case Role.ToolTipRole:
                return plain_tip(self.tip(row))
            case _:
                return None


SIDE = 23


@cache
def _state_flags() -> tuple[int, int, int]:
    from PySide6.QtWidgets import QStyle  # its enumerations take long, and the first picture needs none

    flags = QStyle.StateFlag
    return flags.State_Selected.value, flags.State_MouseOver.value, flags.State_HasFocus.value


def row_state(option: QStyleOptionViewItem) -> tuple[bool, bool, bool]:
    """Whether a row is selected, under the mouse, and has the focus."""
    selected, hovered, focused = _state_flags()
    state = option.state.value  # a number: flags are slow to combine, and this is asked for every row
    return bool(state & selected), bool(state & hovered), bool(state & focused)


def paint_row_ground(
    painter: QPainter,
    tokens: t.Tokens,
    ground: QRectF,
    fill: str | None,
    *,
    marked: bool = False,
    focused: bool = False,
) -> None:
    """The ground of a row in the colour *fill*, with a bar at its edge where it is *marked*."""
    painter.setPen(Qt.PenStyle.NoPen)
    if fill is not None:
        painter.setBrush(QColor(fill))
        painter.drawRoundedRect(ground, t.RADIUS_ROW, t.RADIUS_ROW)
    if marked:
        painter.setBrush(QColor(tokens.accent))
        painter.drawRoundedRect(QRectF(ground.left(), ground.center().y() - 14, 3, 28), 1.5, 1.5)
    if focused:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(tokens.focus), 1.5))
        painter.drawRoundedRect(ground.adjusted(0.75, 0.75, -0.75, -0.75), t.RADIUS_ROW, t.RADIUS_ROW)


class RowDelegate(QStyledItemDelegate):
    """Paints the background of a row; subclasses paint its content."""

    HEIGHT: int
    """Of a row, in pixels at the usual size of text."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.by_keyboard = False
        self.restyle()

    def restyle(self) -> None:
        """Apply the theme's current colours and sizes."""
        self._colours = self._theme.tokens
        self._title_font = self._theme.font(t.TEXT_BODY, QFont.Weight.DemiBold)
        self._small_font = self._theme.font(t.TEXT_SMALL)
        self._tiny_font = self._theme.font(t.TEXT_CAPTION)
        self._tiny_font.setFeature(QFont.Tag("tnum"), 1)

    @property
    def row_height(self) -> int:
        return self._theme.px(self.HEIGHT)

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
        colours = self._colours
        selected, hovered, has_focus = row_state(option)
        fill = colours.selected if selected else colours.hover if hovered else None
        ground = QRectF(10, 2, width - 20, self.row_height - 4)
        paint_row_ground(painter, colours, ground, fill, focused=self.by_keyboard and has_focus)

    def _sign(self, painter: QPainter, name: str, colour: str, side: int, left: float, middle: float) -> None:
        """An icon, *side* pixels large."""
        drawn = pixmap(name, colour, side, painter.device().devicePixelRatioF())
        painter.drawPixmap(QPointF(left, middle - side / 2), drawn)

    def _badge(self, painter: QPainter, tone: Tone, sign: str, words: str, right: int, middle: float) -> int:
        """A badge that ends at *right*; returns how wide it is."""
        size = badge_size(words, self._theme)
        room = QRect(QPoint(right - size.width(), round(middle - size.height() / 2)), size)
        paint_badge(painter, room, tone, sign, words, self._theme)
        return size.width()

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


Share = tuple[int, str]
"""How many, and the colour that shows them."""


def paint_shares(painter: QPainter, rect: QRect, ground: str, shares: Iterable[Share], total: int) -> None:
    """A bar in which each of *shares* has its part of *total*, from the left; the rest is *ground*."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    painter.fillRect(rect, QColor(ground))
    left = float(rect.left())
    for count, colour in shares:
        width = rect.width() * count / max(total, 1)
        painter.fillRect(
            QRect(round(left), rect.top(), round(left + width) - round(left), rect.height()), QColor(colour)
        )
        left += width
    painter.restore()


class RowList(QListView):
    """A list that emits the row to open."""

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
        """Focus the list from the field above it."""
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
