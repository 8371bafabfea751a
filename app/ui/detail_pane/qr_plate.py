"""The white plate a phone looks at. White in both schemes, black modules of whole device pixels, nothing smoothed."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.ui.detail_pane.qr_matrix import QrMatrix, ghost
from app.ui.theme import RADIUS_SHEET, Theme

PLATE_SIDE = 272
QUIET_MODULES = 5
GHOST = ghost()
GHOST_OPACITY = 0.12

_WHITE = QColor("#ffffff")


class QrPlate(QAbstractButton):
    """Shows a code, the ghost of one that expired, or nothing. A click or Enter on a code asks to see it larger."""

    def __init__(self, theme: Theme, side: int = PLATE_SIDE, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._side = side
        self._shown: tuple[QrMatrix | None, float] = (None, 0.0)
        self._image: QImage | None = None
        self.setFixedSize(side, side)
        self.show_blank()
        theme.changed.connect(self.update)

    def show_matrix(self, matrix: QrMatrix) -> None:
        self._show(matrix, 1.0)

    def show_ghost(self) -> None:
        """What an expired code leaves behind. It is not the code made faint: a camera reads faint codes too."""
        self._show(GHOST, GHOST_OPACITY)

    def show_blank(self) -> None:
        """Nothing, while the next code is computed: the last one must not be read any more."""
        self._show(None, 1.0)

    @property
    def readable(self) -> bool:
        """Whether there is a code that a phone can read."""
        matrix, opacity = self._shown
        return matrix is not None and opacity == 1.0

    def _show(self, matrix: QrMatrix | None, opacity: float) -> None:
        if self._shown == (matrix, opacity):
            return
        self._shown = (matrix, opacity)
        self._image = matrix.image() if matrix else None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if self.readable else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if self.readable else Qt.CursorShape.ArrowCursor)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._side, self._side)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.readable:
            super().mousePressEvent(event)
        else:
            event.ignore()  # there is nothing to enlarge

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.readable:
            event.ignore()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        edge = QPen(QColor(tokens.focus), 3) if self.hasFocus() else QPen(QColor(tokens.border), 1)
        painter.setPen(edge)
        painter.setBrush(_WHITE)
        inset = edge.widthF() / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), RADIUS_SHEET, RADIUS_SHEET)
        if self._image is not None:
            painter.setRenderHints(
                QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform, on=False
            )
            painter.setOpacity(self._shown[1])
            painter.drawImage(self._place(painter, self._image.width()), self._image)
        painter.end()

    def _place(self, painter: QPainter, modules: int) -> QRectF:
        """Where the symbol goes: centred, and on the grid of device pixels at any scale of the screen."""
        to_device = painter.deviceTransform()
        scale = to_device.m11()
        module = max(1, math.floor(self._side * scale / (modules + 2 * QUIET_MODULES)))
        symbol = module * modules
        corner = to_device.map(QPointF(0, 0))
        margin = (self._side * scale - symbol) / 2
        on_grid = QPointF(round(corner.x() + margin), round(corner.y() + margin))
        to_widget, _invertible = to_device.inverted()
        start = to_widget.map(on_grid)
        return QRectF(start.x(), start.y(), symbol / scale, symbol / scale)
