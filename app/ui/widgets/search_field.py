"""The search field."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QToolButton

from app.text.status import texts
from app.ui.theme.icons import icon, pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import plain_tip

_ICON = 16
_LEFT = 12
_GAP = 8


def _of_the_list() -> tuple[str, str]:
    return texts("list.search"), texts("list.search_tip")


class SearchField(QLineEdit):
    """A line with a magnifier and, once something is typed, a way to clear it. Esc clears it too."""

    left_downwards = Signal()
    """Down was pressed: the list is meant."""

    def __init__(
        self, theme: Theme, say: Callable[[], tuple[str, str]] = _of_the_list, *, width: int | None = None
    ) -> None:
        """*say* returns what is searched and a tip; *width* is what it asks for at the usual size of the text."""
        super().__init__()
        self._theme = theme
        self._say = say
        self._width = width
        self._wipe = QToolButton(self)  # the button that Qt has for this does not grow with the text
        self._wipe.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._wipe.setCursor(Qt.CursorShape.ArrowCursor)
        self._wipe.setStyleSheet("QToolButton { border: none; background: transparent; padding: 0; }")
        self._wipe.clicked.connect(self.clear)
        self._wipe.hide()
        self.textChanged.connect(self._on_text)
        theme.changed.connect(self.restyle)
        self.restyle()
        self.retranslate()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(hint.width() if self._width is None else self._theme.px(self._width), hint.height())

    def take_focus(self) -> None:
        """Put the cursor here, ready to type something else."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()

    def take_text(self, typed: str) -> None:
        """Insert text that was typed elsewhere."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.insert(typed)

    def restyle(self) -> None:
        side = self._theme.px(_ICON)
        self._wipe.setIcon(icon("x-circle", self._theme.tokens.text3, side))
        self._wipe.setIconSize(QSize(side, side))
        self._wipe.resize(side + _GAP, side + _GAP)
        self._place()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        """Leave room for the glass before what is typed, and for the cross behind it."""
        side = self._theme.px(_ICON)
        behind = 0 if self._wipe.isHidden() else side + _GAP
        self.setTextMargins(side + _GAP, 0, behind, 0)
        size = self._wipe.size()
        self._wipe.move(self.width() - _LEFT - size.width() + _GAP // 2, (self.height() - size.height()) // 2)
        self._fit_placeholder()

    def _fit_placeholder(self) -> None:
        """A placeholder that does not fit gives way to a shorter one or to none; name and tip say it whole."""
        room = self.width() - self.textMargins().left() - 2 * _LEFT
        possible = (self._say()[0], texts("list.search_short"), "")
        self.setPlaceholderText(
            next(words for words in possible if not words or self.fontMetrics().horizontalAdvance(words) <= room)
        )

    def retranslate(self) -> None:
        self._fit_placeholder()
        words, tip = self._say()
        self.setAccessibleName(words)
        self.setToolTip(plain_tip(tip))
        self._wipe.setToolTip(texts("list.search_clear"))
        self._wipe.setAccessibleName(texts("list.search_clear"))

    def event(self, event: QEvent) -> bool:
        # The window has other uses for Esc: while something is typed, it is meant for this field.
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride and self._is_clear_key(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.left_downwards.emit()
            return
        if self._is_clear_key(event):
            self.clear()
            return
        super().keyPressEvent(event)

    def _is_clear_key(self, event: QKeyEvent) -> bool:
        return event.key() == Qt.Key.Key_Escape and bool(self.text())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        side = self._theme.px(_ICON)
        painter = QPainter(self)
        sign = pixmap("search", self._theme.tokens.text3, side, self.devicePixelRatioF())
        painter.drawPixmap(_LEFT, (self.height() - side) // 2, sign)
        painter.end()

    def _on_text(self, typed: str) -> None:
        self._wipe.setVisible(bool(typed))
        self._place()
