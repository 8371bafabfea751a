"""The typeface: Inter from its package, so that every machine shows the same; the platform's own without it."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from PySide6.QtGui import QFontDatabase

FAMILY = "Inter"


def install() -> str | None:
    """Make Inter known to Qt before anything is painted; returns its family, or None when the package is not there."""
    try:
        import fontpkg_inter
    except ImportError:
        return None
    file = Path(fontpkg_inter.ROOT) / "files" / "Inter[opsz,wght].ttf"
    if sys.platform == "linux" and _tell_fontconfig(file) and FAMILY in QFontDatabase.families():
        return FAMILY
    number = QFontDatabase.addApplicationFont(str(file))
    families = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
    return families[0] if families else None


def _tell_fontconfig(file: Path) -> bool:
    """Name *file* to the library Qt asks for fonts here.

    Qt itself would see only the regular weight of a variable font on this platform; fontconfig names them all.
    """
    try:
        fontconfig = ctypes.CDLL("libfontconfig.so.1")
        return bool(fontconfig.FcConfigAppFontAddFile(None, str(file).encode()))
    except (OSError, AttributeError):
        return False
