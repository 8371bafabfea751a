"""What this person likes to see, remembered in one small file beside the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSettings

from app.ui.catalogue import LANGUAGES, system_language
from app.ui.mentorado_list.groups import Group
from app.ui.theme import SCALES, Mode

if TYPE_CHECKING:
    from app.domain.span import Span


class Preferences:
    """Typed and forgiving: what cannot be read is as if it had never been chosen."""

    def __init__(self, file: Path) -> None:
        self._settings = QSettings(str(file), QSettings.Format.IniFormat)

    @property
    def language(self) -> str:
        """The chosen language; the system's when none was chosen."""
        kept = self._text("language")
        return kept if kept in LANGUAGES else system_language()

    @language.setter
    def language(self, language: str) -> None:
        self._settings.setValue("language", language)

    @property
    def mode(self) -> Mode:
        kept = self._text("theme")
        return Mode(kept) if kept in set(Mode) else Mode.SYSTEM

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._settings.setValue("theme", mode.value)

    @property
    def text_scale(self) -> int:
        """The text size in percent."""
        kept = self._text("text_scale")
        return min(max(int(kept), SCALES[0]), SCALES[-1]) if kept.isdecimal() else SCALES[0]

    @text_scale.setter
    def text_scale(self, percent: int) -> None:
        self._settings.setValue("text_scale", percent)

    @property
    def group(self) -> Group:
        """The chip that was checked last."""
        kept = self._text("filter")
        return Group(kept) if kept in set(Group) else Group.ALL

    @group.setter
    def group(self, group: Group) -> None:
        self._settings.setValue("filter", group.value)

    @property
    def span(self) -> Span:
        """How far back the timeline picture looks."""
        from app.domain.span import Span  # not before the first picture

        kept = self._text("span")
        return Span(kept) if kept in set(Span) else Span.DAY

    @span.setter
    def span(self, span: Span) -> None:
        self._settings.setValue("span", span.value)

    @property
    def geometry(self) -> QByteArray | None:
        """Where the window stood, in Qt's own form."""
        kept = self._settings.value("geometry")
        return kept if isinstance(kept, QByteArray) else None

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._settings.setValue("geometry", geometry)

    def save(self) -> None:
        """Write now; Qt would do so a moment later by itself."""
        self._settings.sync()

    def _text(self, key: str) -> str:
        value = self._settings.value(key, "")
        return value if isinstance(value, str) else str(value)
