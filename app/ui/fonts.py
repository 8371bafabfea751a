"""The typeface: Inter from its package, so that every machine shows the same; the platform's own without it."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QFontDatabase

FAMILY = "Inter"


@dataclass(frozen=True, slots=True)
class Typeface:
    """A family Qt knows now; *by_axis* when its weights must be asked for on the variable font's axis."""

    family: str
    by_axis: bool


def install() -> Typeface | None:
    """Make Inter known to Qt before anything is painted; None when the package is not there."""
    try:
        import fontpkg_inter
    except ImportError:
        return None
    file = Path(fontpkg_inter.ROOT) / "files" / "Inter[opsz,wght].ttf"
    if sys.platform == "linux" and _tell_fontconfig(file) and FAMILY in QFontDatabase.families():
        return Typeface(FAMILY, by_axis=False)
    number = QFontDatabase.addApplicationFont(str(file))
    families = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
    return Typeface(families[0], by_axis=True) if families else None


def _tell_fontconfig(file: Path) -> bool:
    """Name *file* to the library Qt asks for fonts here.

    Qt itself would see only the regular weight of a variable font on this platform; fontconfig names them all.
    """
    try:
        fontconfig = ctypes.CDLL("libfontconfig.so.1")
        return bool(fontconfig.FcConfigAppFontAddFile(None, str(file).encode()))
    except (OSError, AttributeError):
        return False
