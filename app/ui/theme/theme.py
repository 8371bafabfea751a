"""The current theme: tokens, text size, style sheet and typeface."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.text.signs import Tone
from app.ui.theme import tokens as t
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

_TEMPLATE = """
QWidget {{ color: {text}; }}
QMainWindow, QDialog {{ background: {surface}; }}
QToolTip {{ color: {text}; background: {raised}; border: 1px solid {border_strong}; padding: 4px 6px; }}

QLabel {{ background: transparent; }}
QLabel[role="title"] {{ font-size: {px_title}px; font-weight: 600; }}
QLabel[role="heading"] {{ font-size: {px_heading}px; font-weight: 600; }}
QLabel[role="name"] {{ font-size: {px_name}px; font-weight: 600; }}
QLabel[role="secondary"] {{ font-size: {px_small}px; color: {text2}; }}
QLabel[role="caption"] {{ font-size: {px_caption}px; color: {text3}; }}
QLabel[role="danger"] {{ color: {danger_text}; }}

QFrame[role="card"] {{ background: {raised}; border: 1px solid {border}; border-radius: 14px; }}
QFrame[role="sunken"] {{ background: {bg}; border: 1px solid {border}; border-radius: 14px; }}
QFrame[role="header"] {{ background: {surface}; border: none; border-bottom: 1px solid {border}; }}
QFrame[role="footer"] {{ background: {surface}; border: none; border-top: 1px solid {border}; }}
QFrame[role="side"] {{ background: {surface}; border: none; border-left: 1px solid {border}; }}
QFrame[role="rail"] {{ background: {surface}; border: none; border-right: 1px solid {border}; }}
QFrame[role="banner"] {{ background: {notice_bg}; border: none; border-radius: 10px; }}
QFrame[role="quiet-banner"] {{ background: {bg}; border: 1px solid {border}; border-radius: 10px; }}
QFrame[role="good-banner"] {{ background: {good_bg}; border: none; border-radius: 10px; }}
QLabel[role="good-banner"] {{ color: {good_fg}; font-size: {px_body}px; }}
QLabel[role="banner"] {{ color: {notice_fg}; font-size: {px_body}px; }}
QFrame[role="toast"] {{ background: {text}; border: none; border-radius: 10px; }}
QLabel[role="toast"] {{ color: {surface}; font-size: {px_body}px; }}
QPushButton[role="toast"] {{
    background: transparent; border: 1px solid transparent; color: {toast_link}; padding: 0 9px;
}}
QPushButton[role="toast"]:hover {{ text-decoration: underline; }}
QPushButton[role="toast"]:focus {{ border: 2px solid {toast_link}; padding: 0 8px; }}
QFrame[role="line"] {{ background: {border}; border: none; min-height: 1px; max-height: 1px; }}

QPushButton {{
    background: {raised}; color: {text}; border: 1px solid {border_strong}; border-radius: 8px;
    padding: 0 14px; min-height: {control}px; font-size: {px_body}px; font-weight: 600; outline: none;
    icon-size: {px_icon}px;
}}
QPushButton:hover {{ background: {hover}; }}
QPushButton:focus {{ border: 2px solid {focus}; padding: 0 13px; min-height: {control_focused}px; }}
QPushButton:disabled {{ color: {text3}; border-color: {border}; background: {bg}; }}
QPushButton[role="primary"] {{ background: {accent}; color: {on_accent}; border: 1px solid {accent}; padding: 0 16px; }}
QPushButton[role="primary"]:hover {{ background: {accent_hover}; border-color: {accent_hover}; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {text}; padding: 0 15px; }}
QPushButton[role="danger"] {{ background: {danger}; color: {on_danger}; border: 1px solid {danger}; padding: 0 16px; }}
QPushButton[role="danger"]:hover {{ background: {danger_hover}; border-color: {danger_hover}; }}
QPushButton[role="danger"]:focus {{ border: 2px solid {text}; padding: 0 15px; }}
QPushButton[role="primary"]:disabled, QPushButton[role="danger"]:disabled {{
    background: {bg}; color: {text3}; border-color: {border};
}}
QPushButton[role="quiet"] {{ background: transparent; border: 1px solid transparent; padding: 0 9px; }}
QPushButton[role="quiet"]:hover {{ background: {hover}; border-color: {border}; }}
QPushButton[role="quiet"]:focus {{ border: 2px solid {focus}; padding: 0 8px; }}
QPushButton[role="pick"] {{ background: {surface}; padding: 0 11px; font-weight: 400; }}
QPushButton[role="pick"]:hover {{ background: {hover}; }}
QPushButton[role="pick"]:focus {{ padding: 0 10px; }}
QPushButton[role="index"] {{
    background: transparent; border: 1px solid transparent; color: {text2}; padding: 0 11px; text-align: left;
    font-weight: 400;
}}
QPushButton[role="index"]:hover {{ background: {hover}; }}
QPushButton[role="index"][here="true"] {{ background: {accent_soft}; color: {on_accent_soft}; font-weight: 600; }}
QPushButton[role="index"]:focus {{ border: 2px solid {focus}; padding: 0 10px; }}
QPushButton[role="link"] {{
    background: transparent; border: 1px solid transparent; color: {on_accent_soft}; padding: 0 3px; text-align: left;
}}
QPushButton[role="link"]:hover {{ text-decoration: underline; }}
QPushButton[role="link"]:focus {{ border: 2px solid {focus}; padding: 0 2px; }}
QPushButton[role="link"]:disabled, QPushButton[role="index"]:disabled {{ color: {text3}; }}
QPushButton[role="pick"]:disabled {{ background: {bg}; }}

QLineEdit, QPlainTextEdit, QTextEdit {{
    background: {bg}; color: {text}; border: 1px solid {border}; border-radius: 8px; font-size: {px_body}px;
    selection-background-color: {accent}; selection-color: {on_accent}; placeholder-text-color: {text3};
}}
QLineEdit {{ padding: 0 12px; min-height: {control}px; }}
QPlainTextEdit, QTextEdit {{ padding: 8px; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus {{ border: 2px solid {focus}; }}
QLineEdit:focus {{ padding: 0 11px; min-height: {control_focused}px; }}
QLineEdit:disabled, QPlainTextEdit:disabled, QTextEdit:disabled {{ background: {hover}; color: {text3}; }}
QLineEdit[invalid="true"] {{ border-color: {danger_text}; }}

QMenu {{
    background: {raised}; border: 1px solid {border_strong}; padding: 6px 0; icon-size: {px_icon}px;
}}
QMenu::item {{ padding: 7px 26px 7px 14px; font-size: {px_body}px; }}
QMenu::item:selected {{ background: {accent_soft}; color: {on_accent_soft}; }}
QMenu::item:disabled {{ color: {text3}; background: transparent; }}
QMenu::icon {{ padding-left: 12px; }}
QMenu::separator {{ height: 1px; background: {border}; margin: 6px 0; }}

QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar::handle:vertical {{
    background: {scroll}; border-radius: 3px; min-height: 36px; margin: 2px 3px; border: none;
}}
QScrollBar::handle:vertical:hover {{ background: {border_strong}; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle:horizontal {{
    background: {scroll}; border-radius: 3px; min-width: 36px; margin: 3px 2px; border: none;
}}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}

QProgressBar {{ background: {border}; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 2px; }}

QTableView {{ background: {surface}; border: none; outline: none; selection-background-color: transparent; }}
"""


def stylesheet(colours: t.Tokens, scaled: Callable[[int], int]) -> str:
    """Return the style sheet for *colours*; *scaled* converts a design size to the user's text size."""
    fields = {name: getattr(colours, name) for name in colours.__slots__}
    return _TEMPLATE.format(
        **fields,
        notice_fg=colours.badge[Tone.WAITING].fg,
        notice_bg=colours.badge[Tone.WAITING].bg,
        good_fg=colours.badge[Tone.CONNECTED].fg,
        good_bg=colours.badge[Tone.CONNECTED].bg,
        toast_link=(t.LIGHT if colours.dark else t.DARK).accent,  # a toast is painted in the other scheme
        px_title=scaled(t.TEXT_TITLE),
        px_heading=scaled(t.TEXT_HEADING),
        px_name=scaled(t.TEXT_NAME),
        px_body=scaled(t.TEXT_BODY),
        px_small=scaled(t.TEXT_SMALL),
        px_caption=scaled(t.TEXT_CAPTION),
        px_icon=scaled(t.ICON),
        control=scaled(t.CONTROL_HEIGHT) - 2,
        control_focused=scaled(t.CONTROL_HEIGHT) - 4,
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
    """The chosen colour scheme; by default the system's."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Theme(QObject):
    """Holds and applies the theme. Widgets that paint themselves listen to `changed` and read `tokens` again."""

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
        """The current colours; light when the system reports no scheme."""
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
        """Set the font that widgets measure with before they are built; `apply` does the rest."""
        if self._app is None:
            self._typeface = install()
            if app.property(STYLE[0]) != STYLE[1]:
                app.setStyle(STYLE[1])
            app.styleHints().colorSchemeChanged.connect(self._on_system_scheme)
        self._app = app
        app.setFont(self.font(TEXT_BODY))
        app.setPalette(_palette(self.tokens))

    def apply(self, app: QApplication) -> None:
        """Apply the theme to the application, now and whenever it or the system's scheme changes."""
        self.prepare(app)
        app.setStyleSheet(stylesheet(self.tokens, self.px))

    def _on_system_scheme(self, _scheme: Qt.ColorScheme) -> None:
        if self._mode is Mode.SYSTEM:
            self._refresh()

    def _refresh(self) -> None:
        if self._app is not None:
            self.apply(self._app)
        self.changed.emit()


STYLE: Final = ("-style", "Fusion")
"""What an application can be started with. One that is given its style later returns it, and Python then makes all the
enumerations of styles, which the first picture does without."""


def new_application(name: str) -> QApplication:
    """The application of a program called *name*, with the style that `Theme` stands on."""
    app = QApplication([name, *STYLE])
    app.setProperty(*STYLE)
    return app


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
    """Register the Inter typeface with Qt before anything is painted; None when the package is missing."""
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
    import ctypes

    try:
        fontconfig = ctypes.CDLL("libfontconfig.so.1")
        return bool(fontconfig.FcConfigAppFontAddFile(None, str(file).encode()))
    except (OSError, AttributeError):
        return False
