"""What bubbles are drawn with: fonts, colours and measures of the theme in use, taken once per change."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QFont, QFontMetricsF

from app.ui import tokens as t
from app.ui.theme import Theme

_MEDIUM, _DEMI = QFont.Weight.Medium, QFont.Weight.DemiBold


@dataclass(frozen=True, slots=True)
class Paint:
    """The colours of one side's bubbles."""

    ground: str
    edge: str
    text: str
    quiet: str
    sunken: str
    accent: str


class Look:
    """Immutable: a change of theme or text size makes a new one."""

    def __init__(self, theme: Theme) -> None:
        colours = theme.tokens
        self.px = theme.px
        self.colours = colours
        self.text_font = theme.font(t.TEXT_BODY)
        self.name_font = theme.font(t.TEXT_SMALL, _DEMI)
        self.meta_font = theme.font(t.TEXT_CAPTION)
        self.meta_font.setFeature(QFont.Tag("tnum"), 1)
        self.day_font = theme.font(t.TEXT_CAPTION, _MEDIUM)
        self.kind_font = theme.font(t.TEXT_BODY, _MEDIUM)
        self.small_font = theme.font(t.TEXT_SMALL)
        self.sign_font = theme.font(t.TEXT_SMALL)
        self.meta = QFontMetricsF(self.meta_font)
        self.name = QFontMetricsF(self.name_font)
        self.day = QFontMetricsF(self.day_font)
        self.kind = QFontMetricsF(self.kind_font)
        self.small = QFontMetricsF(self.small_font)
        self.sign = QFontMetricsF(self.sign_font)
        self.line = QFontMetricsF(self.text_font).height()
        self.incoming = Paint(
            ground=colours.raised if colours.dark else colours.surface,
            edge=colours.border,
            text=colours.text,
            quiet=colours.text3,
            sunken=colours.bg,
            accent=colours.border_strong,
        )
        self.outgoing = Paint(
            ground=colours.accent_soft,
            edge=colours.accent_soft,
            text=colours.text,
            quiet=colours.text2,
            sunken=colours.selected if colours.dark else colours.surface,
            accent=colours.accent,
        )

    def of(self, *, from_me: bool) -> Paint:
        return self.outgoing if from_me else self.incoming

    def voice(self, name: str) -> str:
        """The colour of somebody's name in a group; the same one every time."""
        return self.colours.avatars[sum(name.encode()) % len(self.colours.avatars)].fg
