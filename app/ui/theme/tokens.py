"""Design tokens: the colours of both schemes, and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from app.text.signs import Tone

if TYPE_CHECKING:
    from app.domain.mentorado import MentoradoId

SPACE_1: Final = 4
SPACE_2: Final = 8
SPACE_3: Final = 12
SPACE_4: Final = 16
SPACE_6: Final = 24
SPACE_8: Final = 32

RADIUS_CONTROL: Final = 8
RADIUS_ROW: Final = 10
RADIUS_CARD: Final = 14
RADIUS_SHEET: Final = 16

TEXT_CAPTION: Final = 11
TEXT_SMALL: Final = 12
TEXT_BODY: Final = 13
TEXT_NAME: Final = 14
TEXT_HEADING: Final = 17
TEXT_TITLE: Final = 20

HEADER_HEIGHT: Final = 72
ROW_HEIGHT: Final = 64
ICON: Final = 16
"""The side of an icon on a button or in a menu."""
AVATAR_SIZE: Final = 40
CONTROL_HEIGHT: Final = 36
CHIP_HEIGHT: Final = 32
ACTION_CARD_HEIGHT: Final = 60
BADGE_HEIGHT: Final = 26
PANE_WIDTH: Final = 364


@dataclass(frozen=True, slots=True)
class BadgeColours:
    """Words and icon in *fg* on *bg*."""

    fg: str
    bg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """One colour scheme. Every text pair reaches a contrast of 4.5; a test computes them."""

    dark: bool
    bg: str
    surface: str
    raised: str
    hover: str
    border: str
    border_strong: str
    selected: str
    text: str
    text2: str
    text3: str
    accent: str
    accent_hover: str
    on_accent: str
    accent_soft: str
    on_accent_soft: str
    focus: str
    danger: str
    danger_hover: str
    on_danger: str
    danger_text: str
    scroll: str
    badge: Mapping[Tone, BadgeColours]
    avatars: tuple[BadgeColours, ...]

    def avatar(self, mentorado_id: MentoradoId) -> BadgeColours:
        """Return the colours of an avatar; stable for a name on every machine."""
        return self.avatars[sum(mentorado_id.encode()) % len(self.avatars)]


LIGHT: Final = Tokens(
    dark=False,
    bg="#f4f5f7",
    surface="#ffffff",
    raised="#ffffff",
    hover="#f6f8fa",
    border="#e3e6eb",
    border_strong="#8a93a1",
    selected="#eaf5f2",
    text="#15191f",
    text2="#434b57",
    text3="#646d7a",
    accent="#0b6b5c",
    accent_hover="#095a4e",
    on_accent="#ffffff",
    accent_soft="#ddf1ec",
    on_accent_soft="#0a5d50",
    focus="#0b8f7a",
    danger="#b42332",
    danger_hover="#9b1c2a",
    on_danger="#ffffff",
    danger_text="#a11a2a",
    scroll="#d5d9e0",
    badge=MappingProxyType(
        {
            Tone.CONNECTED: BadgeColours("#0b6438", "#dcf5e6"),
            Tone.WAITING: BadgeColours("#7a4a00", "#fdefcf"),
            Tone.PROGRESS: BadgeColours("#1f4ea8", "#e3ecfd"),
            Tone.IDLE: BadgeColours("#4a5361", "#e9ecf0"),
            Tone.ERROR: BadgeColours("#a11a2a", "#fce4e6"),
        }
    ),
    avatars=(
        BadgeColours("#8a3f0c", "#fce6d6"),
        BadgeColours("#3f4a5c", "#e1e6ee"),
        BadgeColours("#1b4f8f", "#dcebfb"),
        BadgeColours("#6f2c86", "#f1e1f7"),
        BadgeColours("#46379e", "#e5e1fb"),
        BadgeColours("#0b5f52", "#d9f0ea"),
        BadgeColours("#8f1d4f", "#fbe1ec"),
    ),
)

DARK: Final = Tokens(
    dark=True,
    bg="#0e1115",
    surface="#161a20",
    raised="#1c2128",
    hover="#1b2027",
    border="#272d36",
    border_strong="#6b7583",
    selected="#152a27",
    text="#eceff3",
    text2="#b7bfca",
    text3="#929caa",
    accent="#4cc9ac",
    accent_hover="#6bd6bd",
    on_accent="#04231c",
    accent_soft="#12342d",
    on_accent_soft="#6fdcc3",
    focus="#4cc9ac",
    danger="#c73645",
    danger_hover="#b52e3d",
    on_danger="#ffffff",
    danger_text="#ff9ea6",
    scroll="#313844",
    badge=MappingProxyType(
        {
            Tone.CONNECTED: BadgeColours("#7be3ac", "#123221"),
            Tone.WAITING: BadgeColours("#f5c767", "#382a0c"),
            Tone.PROGRESS: BadgeColours("#9cc1ff", "#182b50"),
            Tone.IDLE: BadgeColours("#b7bfca", "#272d36"),
            Tone.ERROR: BadgeColours("#ff9ea6", "#43191f"),
        }
    ),
    avatars=(
        BadgeColours("#f6b98a", "#4a2a12"),
        BadgeColours("#b9c4d6", "#2b3340"),
        BadgeColours("#9cc9ff", "#1b3452"),
        BadgeColours("#e0b0f2", "#40204c"),
        BadgeColours("#c3b8ff", "#322b5c"),
        BadgeColours("#86ddc9", "#123a33"),
        BadgeColours("#ffabcb", "#4d1c33"),
    ),
)
