"""The typeface: Inter from its package, so that every machine shows the same; the platform's own without it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QFontDatabase

FAMILY = "Inter"


def install() -> str | None:
    """Make Inter known to Qt; returns its family, or None when the package is not there."""
    try:
        import fontpkg_inter
    except ImportError:
        return None
    file = Path(fontpkg_inter.ROOT) / "files" / "Inter[opsz,wght].ttf"
    number = QFontDatabase.addApplicationFont(str(file))
    families = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
    return families[0] if families else None
