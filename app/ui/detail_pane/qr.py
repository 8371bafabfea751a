"""The white plate a phone looks at, the time it has left and what to do with the phone. White in both schemes, black
modules of whole device pixels, nothing smoothed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QWidget

from app.domain.phone import PhoneNumber, last_digits
from app.text.status import texts
from app.ui.dialogs.base import SHEET_WIDTH, BaseDialog
from app.ui.theme.theme import RADIUS_SHEET, SPACE_2, SPACE_3, SPACE_6, TEXT_BODY, TEXT_CAPTION, Theme
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox

# Of the time `qrcode` takes, three quarters go into drawing the symbol with each of the eight masks to find the
# prettiest one. Every mask makes a valid symbol, and the text is as good as random, so none of them stands out: a fixed
# one reads equally well. Most of the rest of the usual way is Pillow drawing modules one by one, and a PNG that is made
# only to be read again.
MASK = 3

DARK, LIGHT = 0, 255


@dataclass(frozen=True, slots=True)
class QrMatrix:
    """The modules of a symbol without its quiet zone, a byte each, row by row."""

    size: int
    modules: bytes = field(repr=False)

    def image(self) -> QImage:
        """One pixel per module."""
        borrowed = QImage(self.modules, self.size, self.size, self.size, QImage.Format.Format_Grayscale8)
        # What is converted owns its pixels, so that Qt never reads memory that Python has freed; and it is drawn
        # several times as fast, because it has the format of the screen.
        return borrowed.convertToFormat(QImage.Format.Format_RGB32)


def encode(text: str) -> QrMatrix:
    """Compute the symbol for *text*: pure Python and some milliseconds, so call it in a thread.

    Correction level L keeps the symbol of a WhatsApp code (some 250 characters) at 57 modules; on a clean screen it is
    the size of a module, not redundancy, that decides whether a phone reads it.
    """
    import qrcode.constants  # takes a fifth of a second, which this thread has and the window does not

    symbol = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, border=0, mask_pattern=MASK)
    symbol.add_data(text, optimize=0)
    symbol.make()
    rows = symbol.modules
    return QrMatrix(len(rows), bytes(DARK if module else LIGHT for row in rows for module in row))


_PICTURE_MODULE, _PICTURE_EDGE = 10, 4


def png(matrix: QrMatrix) -> bytes:
    """*matrix* with its quiet zone as a PNG, large enough for a phone in front of a shared screen. Call it in a thread.

    Without an optimising pass: the picture is looked at for a minute at most.
    """
    from io import BytesIO

    from PIL import Image, ImageOps

    modules = Image.frombytes("L", (matrix.size, matrix.size), matrix.modules)
    framed = ImageOps.expand(modules, border=_PICTURE_EDGE, fill=LIGHT)
    side = framed.width * _PICTURE_MODULE
    file = BytesIO()
    framed.resize((side, side), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


def warm_up() -> None:
    """Load what `encode` needs, in a thread, while the first code is still on its way."""
    import qrcode.constants  # noqa: F401


def placeholder(size: int = 57) -> QrMatrix:
    """What an expired code is shown as: it looks like one, and was never one, so no camera can read it."""
    return QrMatrix(size, bytes(_placeholder_modules(size)))


def _placeholder_modules(size: int) -> Iterator[int]:
    noise = 0x2545F491
    for row in range(size):
        for column in range(size):
            noise = (noise * 1_103_515_245 + 12_345) & 0x7FFFFFFF
            near_row, near_column = min(row, size - 1 - row), min(column, size - 1 - column)
            if near_row < 8 and near_column < 8 and not (row > 8 and column > 8):
                ring = max(abs(near_row - 3), abs(near_column - 3))
                yield DARK if ring in (0, 1, 3) else LIGHT
            else:
                yield DARK if noise >> 16 & 1 else LIGHT


PLATE_SIDE = 260
LEAST_SIDE = 208
"""Three pixels a module, for every code that WhatsApp shows: a phone reads no smaller one with ease."""
QUIET_MODULES = 4  # what the standard asks for
EXPIRED = placeholder()
EXPIRED_OPACITY = 0.12

_WHITE = QColor("#ffffff")


class QrView(QAbstractButton):
    """Shows a code, a placeholder for an expired one, or nothing. A click or Enter on a code asks to see it larger."""

    def __init__(self, theme: Theme, side: int = PLATE_SIDE, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._side = side
        self._shown: tuple[QrMatrix | None, float] = (None, 0.0)
        self._image: QImage | None = None
        self.setFixedSize(side, side)
        self.show_blank()
        theme.changed.connect(self.update)

    def set_side(self, side: int) -> None:
        if side != self._side:
            self._side = side
            self.setFixedSize(side, side)
            self.update()

    def show_matrix(self, matrix: QrMatrix) -> None:
        self._show(matrix, 1.0)

    def show_expired(self) -> None:
        """What an expired code leaves behind. It is not the code made faint: a camera reads faint codes too."""
        self._show(EXPIRED, EXPIRED_OPACITY)

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


LITTLE = 0.25
"""Below this part of its life a code is shown as about to expire."""

RING_SIDE = 28
_FULL_CIRCLE = 360 * 16
_TOP = 90 * 16


class CountdownRing(QWidget):
    """Draws how much is left, from 1 down to 0."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.left = 0.0
        theme.changed.connect(self._rescale)
        self._rescale()

    def show_left(self, left: float) -> None:
        self.left = min(max(left, 0.0), 1.0)
        self.update()

    @property
    def urgent(self) -> bool:
        return 0 < self.left < LITTLE

    def _rescale(self) -> None:
        side = self._theme.px(RING_SIDE)
        self.setFixedSize(QSize(side, side))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = self._theme.px(3)
        circle = QRectF(self.rect()).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.setPen(QPen(QColor(tokens.border), width))
        painter.drawEllipse(circle)
        if self.left > 0:
            colour = QColor(tokens.danger if self.urgent else tokens.accent)
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawArc(circle, _TOP, math.ceil(_FULL_CIRCLE * self.left))
        painter.end()


class QrCountdown(QWidget):
    """The ring with two short lines beside it; the first turns red when little is left."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.ring = CountdownRing(theme)
        self.title = ScaledLabel(theme, TEXT_BODY, QFont.Weight.Medium, wraps=False)
        self.caption = text_label(role="caption", wraps=False)
        words = vbox(self.title, self.caption)
        layout = hbox(inside=self, spacing=SPACE_3)
        layout.addStretch(1)
        layout.addWidget(self.ring)
        layout.addLayout(words)
        layout.addStretch(1)

    def show_life(self, left: float, title: str, caption: str = "") -> None:
        self.ring.show_left(left)
        self.title.setText(title)
        self.caption.setText(caption)
        self.caption.setVisible(bool(caption))
        role = "danger" if self.ring.urgent else ""
        if self.title.property("role") != role:
            self.title.setProperty("role", role)
            self.title.style().unpolish(self.title)  # a sheet looks at properties only when it dresses a widget
            self.title.style().polish(self.title)


STEPS = 3
_CIRCLE = 20


class _Number(QWidget):
    """A number in a soft circle; the sentence beside it carries the meaning."""

    def __init__(self, theme: Theme, number: int) -> None:
        super().__init__()
        self._theme = theme
        self._number = number
        theme.changed.connect(self._rescale)
        self._rescale()

    def _rescale(self) -> None:
        side = self._theme.px(_CIRCLE)
        self.setFixedSize(side, side)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.accent_soft))
        painter.drawEllipse(QRectF(self.rect()))
        painter.setPen(QColor(tokens.on_accent_soft))
        painter.setFont(self._theme.font(TEXT_CAPTION, QFont.Weight.DemiBold))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, str(self._number))
        painter.end()


class PairingSteps(QWidget):
    """The first line names the number whose phone is expected, so that the right one is picked up."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._account: PhoneNumber | None = None
        self._lines = [text_label() for _ in range(STEPS)]
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(SPACE_2 + 2)
        layout.setVerticalSpacing(SPACE_2 // 2)
        layout.setColumnStretch(1, 1)
        for row, line in enumerate(self._lines):
            layout.addWidget(_Number(theme, row + 1), row, 0, Qt.AlignmentFlag.AlignTop)
            layout.addWidget(line, row, 1)

    def show_steps(self, account: PhoneNumber) -> None:
        if account != self._account:  # asked again with every code
            self._account = account
            self.retranslate()

    def retranslate(self) -> None:
        digits = last_digits(self._account) if self._account else ""
        for number, line in enumerate(self._lines, start=1):
            line.setText(texts(f"qr.step_{number}", digits=digits))


LARGEST_SIDE = 560
_MARGINS, _WORDS = 132, 88
"""What a code has round it: margins, and the title, the countdown and the button, which grow with the text."""


class QrDialog(BaseDialog):
    """Shows the same code as the panel that opened it, which updates it."""

    def __init__(self, theme: Theme, over: QWidget, account: PhoneNumber) -> None:
        window = over.window()
        side = max(
            LEAST_SIDE, min(LARGEST_SIDE, window.height() - _MARGINS - theme.px(_WORDS), window.width() - 4 * SPACE_6)
        )
        super().__init__(theme, over, width=max(side + 2 * SPACE_6, SHEET_WIDTH))
        self.set_title(texts("qr.for_number", digits=last_digits(account)))
        self.plate = QrView(theme, side)
        self.life = QrCountdown(theme)
        self.body.addWidget(self.plate, 0, Qt.AlignmentFlag.AlignHCenter)
        if side > LEAST_SIDE:
            self.body.addWidget(self.life)
        else:
            self.buttons.insertWidget(0, self.life)  # below the code there is no room for it
        close = self.add_button(texts("dialog.close"))
        close.clicked.connect(self.reject)
        self.plate.clicked.connect(self.reject)
        close.setFocus()
