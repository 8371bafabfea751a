"""The groups a list can be narrowed to, one per chip. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.ui.tokens import TONE_ICON, Tone


class Group(StrEnum):
    """Values are remembered in the preferences file."""

    ALL = "all"
    CONNECTED = "connected"
    WAITING = "waiting"
    IN_PROGRESS = "in_progress"
    DISCONNECTED = "disconnected"
    ERROR = "error"
    ARCHIVED = "archived"


GROUP_OF: Final[Mapping[Tone, Group]] = MappingProxyType(
    {
        Tone.CONNECTED: Group.CONNECTED,
        Tone.WAITING: Group.WAITING,
        Tone.PROGRESS: Group.IN_PROGRESS,
        Tone.IDLE: Group.DISCONNECTED,
        Tone.ERROR: Group.ERROR,
    }
)

TONE_FOR: Final[Mapping[Group, Tone]] = MappingProxyType({group: tone for tone, group in GROUP_OF.items()})

GROUP_ICON: Final[Mapping[Group, str]] = MappingProxyType(
    {**{group: TONE_ICON[tone] for group, tone in TONE_FOR.items()}, Group.ARCHIVED: "archive"}
)
