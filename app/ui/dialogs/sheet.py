"""A sheet over the window: what lies behind is dimmed, and a newcomer takes the place of whatever was open."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QHideEvent, QKeyEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.theme import RADIUS_SHEET, SPACE_2, SPACE_3, SPACE_4, SPACE_6, TEXT_HEADING, Theme
from app.ui.words import Words

SHEET_WIDTH = 440
_DIM = QColor(8, 10, 13, 140)


class _Dim(QWidget):
    """Darkens its window, and grows with it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setGeometry(window.rect())
        window.installEventFilter(self)

    def eventFilter(self, window: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and isinstance(window, QWidget):
            self.setGeometry(window.rect())
        return False

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), _DIM)
        painter.end()


class Sheet(QDialog):
    """Holds a title, a body and a row of buttons. Show it with `await ask(sheet)`, never with a second event loop."""

    def __init__(self, theme: Theme, over: QWidget, *, width: int = SHEET_WIDTH) -> None:
        super().__init__(over.window(), Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setStyleSheet("#sheet { background: transparent; }")  # the corners are round: see `paintEvent`
        self._theme = theme
        self._dim: _Dim | None = None
        self.setFixedWidth(min(theme.px(width), max(over.window().width() - 2 * SPACE_4, width)))

        self.title = Words(theme, TEXT_HEADING, QFont.Weight.DemiBold)
        self.body = QVBoxLayout()
        self.body.setSpacing(SPACE_3)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(SPACE_2)
        self.buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_6 - 4)
        layout.setSpacing(0)
        layout.addWidget(self.title)
        layout.addSpacing(SPACE_3)
        layout.addLayout(self.body)
        layout.addSpacing(SPACE_6 - 4)
        layout.addLayout(self.buttons)

    def set_title(self, title: str) -> None:
        self.title.setText(title)
        self.setWindowTitle(title)
        self.setAccessibleName(title)

    def add_button(self, words: str, role: str = "") -> QPushButton:
        """A button at the end of the row; it takes Enter only while it has the focus."""
        button = QPushButton(words, autoDefault=False)
        button.setProperty("role", role)
        self.buttons.addWidget(button)
        return button

    def fit(self) -> None:
        """As tall as the words need, in the middle of the window."""
        layout = self.layout()
        if layout is not None:  # not `adjustSize`, which keeps to two thirds of the screen and would clip large text
            layout.activate()
            self.resize(self.width(), layout.totalHeightForWidth(self.width()))
        if window := self.parentWidget():
            centre = window.mapToGlobal(window.rect().center())
            self.move(centre - self.rect().center())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        focused = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focused, QPushButton):
            focused.click()  # else the default button would answer, from whichever button Enter was pressed
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if window := self.parentWidget():
            for other in window.findChildren(Sheet, options=Qt.FindChildOption.FindDirectChildrenOnly):
                if other is not self and other.isVisible():
                    other.reject()  # to give up is always safe; a sheet on a sheet is not
            self._dim = _Dim(window)
            self._dim.show()
        self.fit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._dim is not None:
            self._dim.hide()
            self._dim.deleteLater()
            self._dim = None

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens.border_strong if tokens.dark else tokens.border), 1))
        painter.setBrush(QColor(tokens.raised))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS_SHEET, RADIUS_SHEET)
        painter.end()
