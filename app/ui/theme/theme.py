"""The theme in use: which tokens, at which text size, and how they reach Qt."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.ui.theme.stylesheet import stylesheet
from app.ui.theme.tokens import (
    ACTION_CARD_HEIGHT,
    AVATAR_SIZE,
    BADGE_HEIGHT,
    CHIP_HEIGHT,
    CONTROL_HEIGHT,
    DARK,
    HEADER_HEIGHT,
    LIGHT,
    PANE_WIDTH,
    RADIUS_CARD,
    RADIUS_CONTROL,
    RADIUS_ROW,
    RADIUS_SHEET,
    ROW_HEIGHT,
    SPACE_1,
    SPACE_2,
    SPACE_3,
    SPACE_4,
    SPACE_6,
    SPACE_8,
    TEXT_BODY,
    TEXT_CAPTION,
    TEXT_HEADING,
    TEXT_NAME,
    TEXT_SMALL,
    TEXT_TITLE,
    BadgeColours,
    Tokens,
)

__all__ = [
    "ACTION_CARD_HEIGHT",
    "AVATAR_SIZE",
    "BADGE_HEIGHT",
    "CHIP_HEIGHT",
    "CONTROL_HEIGHT",
    "DARK",
    "HEADER_HEIGHT",
    "LIGHT",
    "PANE_WIDTH",
    "RADIUS_CARD",
    "RADIUS_CONTROL",
    "RADIUS_ROW",
    "RADIUS_SHEET",
    "ROW_HEIGHT",
    "SCALES",
    "SPACE_1",
    "SPACE_2",
    "SPACE_3",
    "SPACE_4",
    "SPACE_6",
    "SPACE_8",
    "TEXT_BODY",
    "TEXT_CAPTION",
    "TEXT_HEADING",
    "TEXT_NAME",
    "TEXT_SMALL",
    "TEXT_TITLE",
    "BadgeColours",
    "Mode",
    "Theme",
    "Tokens",
]

SCALES = (100, 125, 150, 175, 200)
"""Text sizes that can be chosen, in percent."""

_WEIGHT_AXIS = QFont.Tag("wght")
_Role, _Group = QPalette.ColorRole, QPalette.ColorGroup


class Mode(StrEnum):
    """What the person chose; the system's own scheme unless they said otherwise."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Theme(QObject):
    """Holds the choice and applies it. Whoever paints by hand listens to `changed` and asks for `tokens` again."""

    changed = Signal()

    def __init__(self, mode: Mode = Mode.SYSTEM, text_scale: int = 100, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mode = mode
        self._text_scale = text_scale
        self._typeface: Typeface | None = None
        self._app: QApplication | None = None

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def text_scale(self) -> int:
        """The text size in percent."""
        return self._text_scale

    @property
    def tokens(self) -> Tokens:
        """The colours to paint with now. A system that does not say is taken as light."""
        if self._mode is Mode.SYSTEM:
            dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
            return DARK if dark else LIGHT
        return DARK if self._mode is Mode.DARK else LIGHT

    def set_mode(self, mode: Mode) -> None:
        if mode is not self._mode:
            self._mode = mode
            self._refresh()

    def set_text_scale(self, percent: int) -> None:
        percent = min(max(percent, SCALES[0]), SCALES[-1])
        if percent != self._text_scale:
            self._text_scale = percent
            self._refresh()

    def px(self, size: int) -> int:
        """A design size in pixels, at the person's text size."""
        return round(size * self._text_scale / 100)

    def font(self, px: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        """The program's typeface at design size *px*."""
        font = QFont(self._typeface.family) if self._typeface else QFont()
        font.setPixelSize(self.px(px))
        font.setWeight(weight)
        # The style sheet can ask for a weight only by its name, so what it inherits must not fix the axis.
        if self._typeface and self._typeface.by_axis and weight is not QFont.Weight.Normal:
            font.setVariableAxis(_WEIGHT_AXIS, weight.value)
        return font

    def prepare(self, app: QApplication) -> None:
        """Make known what widgets measure themselves by, so that they can be built; `apply` completes it."""
        if self._app is None:
            self._typeface = install()
            app.setStyle("Fusion")
            app.styleHints().colorSchemeChanged.connect(self._on_system_scheme)
        self._app = app
        app.setFont(self.font(TEXT_BODY))
        app.setPalette(_palette(self.tokens))

    def apply(self, app: QApplication) -> None:
        """Dress the whole program, now and whenever the choice or the system's scheme changes."""
        self.prepare(app)
        app.setStyleSheet(stylesheet(self.tokens, self.px))

    def _on_system_scheme(self, _scheme: Qt.ColorScheme) -> None:
        if self._mode is Mode.SYSTEM:
            self._refresh()

    def _refresh(self) -> None:
        if self._app is not None:
            self.apply(self._app)
        self.changed.emit()


def _palette(colours: Tokens) -> QPalette:
    palette = QPalette()
    for role, name in (
        (_Role.Window, colours.surface),
        (_Role.Base, colours.surface),
        (_Role.AlternateBase, colours.bg),
        (_Role.Button, colours.raised),
        (_Role.ToolTipBase, colours.raised),
        (_Role.WindowText, colours.text),
        (_Role.Text, colours.text),
        (_Role.ButtonText, colours.text),
        (_Role.ToolTipText, colours.text),
        (_Role.BrightText, colours.on_danger),
        (_Role.PlaceholderText, colours.text3),
        (_Role.Highlight, colours.accent),
        (_Role.HighlightedText, colours.on_accent),
        (_Role.Link, colours.on_accent_soft),
        (_Role.Accent, colours.accent),
        (_Role.Light, colours.raised),
        (_Role.Mid, colours.border),
        (_Role.Dark, colours.border_strong),
        (_Role.Shadow, colours.bg),
    ):
        palette.setColor(role, QColor(name))
    for role in (_Role.WindowText, _Role.Text, _Role.ButtonText):
        palette.setColor(_Group.Disabled, role, QColor(colours.text3))
    return palette


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
