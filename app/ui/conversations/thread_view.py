"""The messages of one conversation and the overlays on them. Keeps the scroll position while pages load around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRectF,
    QSize,
    Qt,
    QTimer,
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
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QFrame,
    QListView,
    QWidget,
)

from app.domain.messages import StoredMessage
from app.text.status import texts
from app.ui.conversations.thread_delegate import ThreadDelegate
from app.ui.conversations.thread_model import ThreadModel
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import (
    TEXT_CAPTION,
    TEXT_SMALL,
    Theme,
)

_BY_KEYS = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
_FEW = 10
"""So few messages may fit."""
_NEARLY = 8
"""So few pixels from the end are the end."""


class ThreadView(QListView):
    """Emits when scrolled near an end of the loaded messages, and what is requested of a message."""

    near_first = Signal()
    near_last = Signal()
    moved = Signal()
    first_requested = Signal()
    last_requested = Signal()
    details_requested = Signal(int)  # a message's number
    menu_requested = Signal(int, QPoint)
    copy_requested = Signal()

    def __init__(self, model: ThreadModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._holding = False
        self._place: tuple[int, int] | None = None  # a message's number, and how far its end is below the lower edge
        self.delegate = ThreadDelegate(theme, model, self)
        self.setModel(model)
        self.setItemDelegate(self.delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Fixed)  # `resizeEvent` does it, and keeps the place
        self.verticalScrollBar().valueChanged.connect(self.look_around)
        self.doubleClicked.connect(self._on_double_click)
        self._fit_step()

    # --- the place

    @property
    def at_end(self) -> bool:
        """Whether the newest message is in view."""
        bar = self.verticalScrollBar()
        return self._model.has_last and bar.value() >= bar.maximum() - _NEARLY

    def hold(self, change: Callable[[], object]) -> None:
        """Apply *change* to the model and keep the scroll position; the end stays the end."""
        self._change_at(self.at_end, change)

    def _change_at(self, at_end: bool, change: Callable[[], object]) -> None:
        place = self._place
        self._holding = True
        try:
            change()
            self.doItemsLayout()
            if at_end and self._model.has_last:
                self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
            else:
                self._return_to(place)
        finally:
            self._holding = False
        self.look_around()

    def begin_at_end(self) -> None:
        self._begin(lambda: self.verticalScrollBar().setValue(self.verticalScrollBar().maximum()))
        self._set_current(self._model.rowCount() - 1)

    def begin_at_start(self) -> None:
        self._begin(lambda: self.verticalScrollBar().setValue(0))
        self._set_current(0)

    def begin_at(self, number: int) -> None:
        """Bring a message into the middle, and choose it."""
        place = self._model.place_of(number)
        if place is None:
            self.begin_at_end()
            return
        index = self._model.index(place)
        self._begin(lambda: self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter))
        self.setCurrentIndex(index)

    def restyle(self) -> None:
        """Theme, language or text size changed: every bubble is another."""
        self._fit_step()
        self.hold(self.delegate.restyle)
        self.viewport().update()

    def chosen(self) -> Sequence[StoredMessage]:
        """The selected messages, oldest first."""
        places = sorted(index.row() for index in self.selectedIndexes())
        return [self._model.row(place).message for place in places]

    def top_place(self) -> int | None:
        """The first row in view."""
        index = self.indexAt(QPoint(4, 4))
        return index.row() if index.isValid() else None

    def _set_current(self, place: int) -> None:
        """Let arrows begin there, without choosing anything."""
        keep = QItemSelectionModel.SelectionFlag.NoUpdate
        self.selectionModel().setCurrentIndex(self._model.index(place), keep)

    def _begin(self, go: Callable[[], object]) -> None:
        self._holding = True
        try:
            if self._model.rowCount() > _FEW:  # with a scroll bar from the first: without, all is laid out twice
                self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
            self.doItemsLayout()
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
            go()
        finally:
            self._holding = False
        self.look_around()

    def _return_to(self, place: tuple[int, int] | None) -> None:
        row = None if place is None else self._model.place_of(place[0])
        if place is None or row is None:
            return
        bar = self.verticalScrollBar()
        bottom = self.visualRect(self._model.index(row)).bottom()
        bar.setValue(bar.value() + bottom - self.viewport().height() - place[1])

    def look_around(self) -> None:
        """Remember the place, and say what is near it."""
        if self._holding:
            return
        count = self._model.rowCount()
        if not count:
            self._place = None
            return
        index = self.indexAt(QPoint(4, self.viewport().height() - 1))
        if not index.isValid():
            index = self._model.index(count - 1)
        below = self.visualRect(index).bottom() - self.viewport().height()
        self._place = (self._model.row(index.row()).message.number, below)
        bar, ahead = self.verticalScrollBar(), 2 * self.viewport().height()
        if bar.value() < ahead and not self._model.has_first:
            self.near_first.emit()
        if bar.value() > bar.maximum() - ahead and not self._model.has_last:
            self.near_last.emit()
        self.moved.emit()

    def _fit_step(self) -> None:
        self.verticalScrollBar().setSingleStep(self._theme.px(28))

    # --- what the person does

    def resizeEvent(self, event: QResizeEvent) -> None:
        def resize() -> None:
            self.delegate.width = self.viewport().width()
            super(ThreadView, self).resizeEvent(event)

        self._change_at(self.at_end or self._place is None, resize)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._show_focus(by_keyboard=True)
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_requested.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._on_double_click(self.currentIndex())
        elif event.key() == Qt.Key.Key_Home and not self._model.has_first:
            self.first_requested.emit()
        elif event.key() == Qt.Key.Key_End and not self._model.has_last:
            self.last_requested.emit()
        elif event.matches(QKeySequence.StandardKey.Find) or event.key() == Qt.Key.Key_Escape:
            event.ignore()  # whoever holds this view has a use for them
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, _typed: str) -> None:  # noqa: N802 - Qt
        """Letters are for the search field; jumping to a message that begins with one helps nobody."""

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._show_focus(by_keyboard=event.reason() in _BY_KEYS)
        super().focusInEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._show_focus(by_keyboard=False)
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and self._on_more(index, event.position()):
            self._on_double_click(index)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        if not index.isValid():
            return
        if not self.selectionModel().isSelected(index):
            self.setCurrentIndex(index)
        where = event.pos() if by_mouse else self.visualRect(index).center()
        self.menu_requested.emit(self._model.row(index.row()).message.number, self.viewport().mapToGlobal(where))

    def _on_more(self, index: QModelIndex, where: QPointF) -> bool:
        made = self.delegate.bubble(self._model.row(index.row()))
        if made.more_at is None:
            return False
        inside = where - QPointF(self.visualRect(index).topLeft())
        return made.frame.contains(inside) and inside.y() >= made.more_at.y()

    def _on_double_click(self, index: QModelIndex | QPersistentModelIndex) -> None:
        self.details_requested.emit(self._model.row(index.row()).message.number)

    def _show_focus(self, *, by_keyboard: bool) -> None:
        if self.delegate.by_keyboard is not by_keyboard:
            self.delegate.by_keyboard = by_keyboard
            self.viewport().update()


class JumpButton(QAbstractButton):
    """Round while there is nothing new, a pill with words when there is."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._new: int | None = 0  # None when it is not known how many
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.retranslate()

    def add_new(self, count: int | None) -> None:
        """Add *count* to the new messages; None when the number is unknown."""
        self._new = None if self._new is None or count is None else self._new + count
        self.retranslate()

    def forget_new(self) -> None:
        """Nothing is new any more."""
        self._new = 0
        self.retranslate()

    def place(self, width: int, height: int) -> None:
        """Stand over the lower edge of a view of this size: in the corner, or in the middle with words."""
        size = self.sizeHint()
        left = (width - size.width()) // 2 if self.text() else width - size.width() - _BUTTON_EDGE
        self.setGeometry(left, height - size.height() - _BUTTON_EDGE, size.width(), size.height())

    def retranslate(self) -> None:
        if self._new == 0:
            self.setText("")
            self.setAccessibleName(texts("conversation.to_end"))
        else:
            new = texts("conversation.new") if self._new is None else texts.plural("conversation.new_count", self._new)
            self.setText(new)
            self.setAccessibleName(new)
        self.setToolTip(texts("conversation.to_end"))
        self.resize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        high = self._theme.px(_HEIGHT)
        if not self.text():
            return QSize(high, high)
        wide = QFontMetricsF(self._font()).horizontalAdvance(self.text())
        return QSize(round(wide) + 2 * self._theme.px(_PADDING) + self._theme.px(_JUMP_ICON) + _GAP, high)

    def _font(self) -> QFont:
        return self._theme.font(TEXT_SMALL, QFont.Weight.DemiBold)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, new = self._theme.tokens, bool(self.text())
        ground = colours.accent if new else colours.raised
        ink = colours.on_accent if new else colours.text2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = colours.text if self.hasFocus() else ground if new else colours.border_strong
        width = 2 if self.hasFocus() else 1
        painter.setPen(QPen(QColor(edge), width))
        painter.setBrush(QColor(colours.hover if self.underMouse() and not new else ground))
        frame = QRectF(self.rect()).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2)
        side = self._theme.px(_JUMP_ICON)
        left = self._theme.px(_PADDING) if new else (self.width() - side) / 2
        sign = pixmap("chevron-down", ink, side, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(left, (self.height() - side) / 2), sign)
        if new:
            painter.setFont(self._font())
            painter.setPen(QColor(ink))
            words = QRectF(left + side + _GAP, 0, self.width(), self.height())
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        painter.end()


_HEIGHT, _JUMP_ICON, _PADDING, _GAP, _BUTTON_EDGE = 36, 16, 14, 6, 16
_SHOWN_MILLISECONDS = 1200


_TOP = 8


class DayPill(QWidget):
    """Shows the day while scrolling. Ignores clicks, and is hidden from screen readers: rows have their own day."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._timer = QTimer(self, singleShot=True, interval=_SHOWN_MILLISECONDS)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def show_day(self, words: str, width: int) -> None:
        """Show *words* in the middle of what is *width* wide, for a moment."""
        self._words = words
        metrics = QFontMetricsF(self._font())
        px = self._theme.px
        wide, high = round(metrics.horizontalAdvance(words)) + px(22), round(metrics.height()) + px(9)
        self.setGeometry((width - wide) // 2, _TOP, wide, high)
        self.show()
        self.raise_()
        self.update()
        self._timer.start()

    def _font(self) -> QFont:
        return self._theme.font(TEXT_CAPTION, QFont.Weight.Medium)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.border_strong), 1))
        painter.setBrush(QColor(colours.raised))
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2)
        painter.setFont(self._font())
        painter.setPen(QColor(colours.text))
        painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, self._words)
        painter.end()
