"""From the text of a code to an image of it, fast enough to be there the moment the code is.

The text is a credential: it is neither logged nor kept here, and nothing is written to disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from PySide6.QtGui import QImage

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


def warm_up() -> None:
    """Load what `encode` needs, in a thread, while the first code is still on its way."""
    import qrcode.constants  # noqa: F401


def ghost(size: int = 57) -> QrMatrix:
    """What an expired code is shown as: it looks like one, and was never one, so no camera can read it."""
    return QrMatrix(size, bytes(_ghost_modules(size)))


def _ghost_modules(size: int) -> Iterator[int]:
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
