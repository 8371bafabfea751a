"""The theme, text size and language of the window, stored between runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QCoreApplication, QLibraryInfo, QObject, QPoint, QSettings, QTranslator
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.domain.mentorado import ProviderKind
from app.text.status import texts
from app.text.translator import LANGUAGES, system_language
from app.ui.mentorado_list.narrowing import Narrowing
from app.ui.mentorado_list.order import SortOrder
from app.ui.mentorado_list.row import ListFilter
from app.ui.theme.theme import SCALES, Mode, Theme
from app.ui.widgets.action_menu import pop_up

if TYPE_CHECKING:
    from app.domain.uptime import TimeRange


def look_menu(parent: QWidget, theme: Theme) -> QMenu:
    """A menu that changes *theme* at once."""
    menu = QMenu(parent)
    modes = QActionGroup(menu)
    for mode in Mode:
        entry = menu.addAction(texts(f"window.mode.{mode}"))
        entry.setCheckable(True)
        entry.setChecked(theme.mode is mode)
        entry.triggered.connect(lambda _checked=False, mode=mode: theme.set_mode(mode))
        modes.addAction(entry)
    menu.addSeparator()
    sizes = QActionGroup(menu)
    for percent in SCALES:
        entry = menu.addAction(texts("window.text_size", percent=percent))
        entry.setCheckable(True)
        entry.setChecked(theme.text_scale == percent)
        entry.triggered.connect(lambda _checked=False, percent=percent: theme.set_text_scale(percent))
        sizes.addAction(entry)
    return menu


class Preferences:
    """Typed access to the stored preferences; unreadable values count as not set."""

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
    def group(self) -> ListFilter:
        """The chip that was checked last."""
        kept = self._text("filter")
        return ListFilter(kept) if kept in set(ListFilter) else ListFilter.ALL

    @group.setter
    def group(self, group: ListFilter) -> None:
        self._settings.setValue("filter", group.value)

    @property
    def sort(self) -> SortOrder:
        """The order of the list that was chosen last."""
        kept = self._text("sort")
        return SortOrder(kept) if kept in set(SortOrder) else SortOrder.NEEDS_YOU

    @sort.setter
    def sort(self, sort: SortOrder) -> None:
        self._settings.setValue("sort", sort.value)

    @property
    def views(self) -> list[Narrowing]:
        """What the list was narrowed to and is kept to come back to."""
        kept = self._text("views")
        try:
            return [_narrowing(each) for each in json.loads(kept)] if kept else []
        except (ValueError, TypeError, AttributeError):
            return []

    @views.setter
    def views(self, views: Sequence[Narrowing]) -> None:
        kept = [
            {"cohort": view.cohort, "provider": view.provider, "never_connected": view.never_connected}
            for view in views
        ]
        self._settings.setValue("views", json.dumps(kept))

    @property
    def span(self) -> TimeRange:
        """The time range of the timeline."""
        from app.domain.uptime import TimeRange  # not before the first picture

        kept = self._text("span")
        return TimeRange(kept) if kept in set(TimeRange) else TimeRange.DAY

    @span.setter
    def span(self, span: TimeRange) -> None:
        self._settings.setValue("span", span.value)

    @property
    def folder(self) -> str:
        """Where a file or a folder was chosen last."""
        return self._text("folder")

    @folder.setter
    def folder(self, folder: str) -> None:
        self._settings.setValue("folder", folder)

    @property
    def geometry(self) -> QByteArray | None:
        """The window's geometry in Qt's format."""
        kept = self._settings.value("geometry")
        return kept if isinstance(kept, QByteArray) else None

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._settings.setValue("geometry", geometry)

    @property
    def stays_in_tray(self) -> bool:
        """Whether closing the window leaves the program in the tray."""
        return self._text("stays_in_tray") == "true"

    @stays_in_tray.setter
    def stays_in_tray(self, stays: bool) -> None:
        self._settings.setValue("stays_in_tray", "true" if stays else "false")

    @property
    def explained(self) -> frozenset[str]:
        """What is explained once and was."""
        return frozenset(filter(None, self._text("explained").split(" ")))

    @explained.setter
    def explained(self, explained: frozenset[str]) -> None:
        self._settings.setValue("explained", " ".join(sorted(explained)))

    def save(self) -> None:
        """Write to disk now; Qt would do it a moment later."""
        self._settings.sync()

    def _text(self, key: str) -> str:
        value = self._settings.value(key, "")
        return value if isinstance(value, str) else str(value)


def _narrowing(kept: Mapping[str, object]) -> Narrowing:
    """Raises `ValueError` for a provider that there is not."""
    cohort, kind = kept.get("cohort"), kept.get("provider")
    return Narrowing(
        cohort=None if cohort is None else str(cohort),
        provider=None if kind is None else ProviderKind(str(kind)),
        never_connected=kept.get("never_connected") is True,
    )


class AppearanceController(QObject):
    """Language, theme and size of the text."""

    def __init__(self, theme: Theme, preferences: Preferences, window: QWidget) -> None:
        super().__init__(window)
        self.theme = theme
        self._preferences = preferences
        self._window = window
        theme.changed.connect(self._remember)

    def set_language(self, language: str) -> None:
        """Switch to *language* and store it."""
        texts.set_language(language)
        self._preferences.language = language

    def switch_language(self) -> None:
        """Switch to the next language."""
        self.set_language(LANGUAGES[(LANGUAGES.index(texts.language) + 1) % len(LANGUAGES)])

    def scale_text(self, steps: int) -> None:
        """Change the text size by *steps*; 0 resets it."""
        if steps == 0:
            self.theme.set_text_scale(SCALES[0])
            return
        nearest = min(SCALES, key=lambda scale: abs(scale - self.theme.text_scale))
        place = SCALES.index(nearest) + steps
        self.theme.set_text_scale(SCALES[min(max(place, 0), len(SCALES) - 1)])

    def show_menu(self, button: QWidget) -> None:
        """The choice of themes, below its *button*."""

        menu = look_menu(self._window, self.theme)
        pop_up(menu, button.mapToGlobal(QPoint(0, button.height() + 4)))

    def _remember(self) -> None:
        self._preferences.mode = self.theme.mode
        self._preferences.text_scale = self.theme.text_scale


_translator: list[QTranslator] = []


def install_qt_translation(language: str) -> None:
    """Install Qt's own translation for *language*; its default is English."""
    while _translator:
        QCoreApplication.removeTranslator(_translator.pop())
    if language == "pt-BR":
        words = QTranslator()
        if words.load("qtbase_pt_BR", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
            QCoreApplication.installTranslator(words)
            _translator.append(words)
