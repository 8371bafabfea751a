"""Harmless texts of the shape WhatsApp uses, and a reader that sees what a camera would."""

from __future__ import annotations

import random
import string
from typing import Any

import numpy as np
import zxingcpp
from PySide6.QtGui import QImage

_ALPHABET = string.ascii_letters + string.digits + "+/"


def qr_text(seed: int, length: int = 257) -> str:
    """As long and as random as a real code, and good for nothing."""
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    start = "https://example.org/linked_devices#2@"
    return start + "".join(draw.choices(_ALPHABET, k=length - len(start)))


LINK = qr_text(0)


Grey = np.ndarray[Any, np.dtype[np.uint8]]


def pixels(image: QImage) -> Grey:
    grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), dtype=np.uint8).reshape(grey.height(), grey.bytesPerLine())
    return rows[:, : grey.width()].copy()


def decode(picture: QImage | Grey) -> list[str]:
    """The texts of the codes that can be read in *picture*."""
    seen = pixels(picture) if isinstance(picture, QImage) else picture
    return [
        found.text
        for found in zxingcpp.read_barcodes(seen, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    ]
