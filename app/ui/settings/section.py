"""What every section is made of: a card with a heading, and rows of a label, a line that explains, and a control."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path
from typing import Final, Protocol, TypeVar

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QPushButton, QSizePolicy, QWidget

from app.core.settings_service import SettingsService
from app.domain.errors import Problem
from app.domain.phone import PhoneNumber
from app.domain.settings import SettingField
from app.text import status as status_text
from app.text.status import texts
from app.ui.async_slots import show_dialog
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ReasonDialog
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.labels import ScaledLabel, breakable, set_role, text_label
from app.ui.widgets.layouts import set_beside, vbox
from app.ui.widgets.placeholders import IconCircle

T = TypeVar("T")

_BESIDE = 520
_MESSAGE_MILLISECONDS = 6_000
_DISC, _ICON = 32, 16
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter


class SettingRow(QWidget):
    """A label, what it means in a line, and a control beside both, or below them where it is narrow."""

    def __init__(self, theme: Theme, control: QWidget | None = None, *, below: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._below = below
        self._control = control
        self.label = ScaledLabel(theme, t.TEXT_BODY, QFont.Weight.DemiBold)
        self.line = text_label()
        self.line.setMinimumWidth(1)  # it wraps as narrow as its words; Qt asks more for a long text, and cuts the row
        self.line.setProperty("role", "secondary")
        words = vbox(self.label, self.line, spacing=2)
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(t.SPACE_3)
        self._layout.addLayout(words, 1)
        if control is not None:
            self._layout.addWidget(control)
            if control.sizePolicy().horizontalPolicy() is QSizePolicy.Policy.Fixed:
                self._layout.setAlignment(control, _LEFT)
        self._arrange()

    def set_text(self, label: str, line: str) -> None:
        self.label.setText(label)
        self.line.setText(line)
        self.line.setVisible(bool(line))
        if self._control is not None:
            if not self._control.accessibleName():
                self._control.setAccessibleName(label)
            self._control.setAccessibleDescription(line)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        set_beside(self._layout, not self._below and self.width() >= self._theme.px(_BESIDE))


class Section(QFrame):
    """Add rows with `add`. What went wrong, and what was done, is said at its end: where one has just looked."""

    def __init__(self, theme: Theme, name: str, icon_name: str) -> None:
        super().__init__()
        self._theme = theme
        self.name = name
        self._problem: Problem | None = None
        self.setProperty("role", "card")
        self._heading = ScaledLabel(theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        self._about = text_label(role="secondary")
        self._message = text_label()
        self._message.setMinimumWidth(1)
        self._message.hide()
        self._message_timer = QTimer(self, singleShot=True, interval=_MESSAGE_MILLISECONDS)
        self._message_timer.timeout.connect(self.clear_message)
        head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        head.setSpacing(t.SPACE_3)
        words = vbox(self._heading, self._about, spacing=1)
        head.addWidget(IconCircle(theme, icon_name, _DISC, _ICON, scales=True), 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self._lines: dict[QWidget, QFrame] = {}
        self._rows = vbox(spacing=t.SPACE_4)
        column = vbox(inside=self, margins=(t.SPACE_6 - 4, t.SPACE_4, t.SPACE_6 - 4, t.SPACE_6 - 4), spacing=t.SPACE_3)
        column.addLayout(head)
        column.addLayout(self._rows)
        column.addWidget(self._message)

    @property
    def title(self) -> str:
        return texts(f"settings.{self.name}.title")

    @property
    def message(self) -> str:
        """What is said at the end now."""
        return "" if self._message.isHidden() else self._message.text()

    def add(self, part: QWidget) -> None:
        """Put *part* below the others, behind a line that comes and goes with it."""
        line = QFrame()
        line.setProperty("role", "line")
        self._rows.addWidget(line)
        self._rows.addWidget(part)
        self._lines[part] = line
        part.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent) and isinstance(watched, QWidget):
            self._lines[watched].setVisible(not watched.isHidden())
        return super().eventFilter(watched, event)

    def refresh(self) -> None:
        """Look again at what is true; called whenever the page is opened."""

    def retranslate(self) -> None:
        self._heading.setText(self.title)
        self._about.setText(texts(f"settings.{self.name}.about"))
        self.setAccessibleName(self.title)
        if self._problem is not None:
            self.show_problem(self._problem)
        else:
            self.clear_message()

    def show_saved(self, words: str) -> None:
        """Tell for a moment that it was done."""
        self._problem = None
        self._set_message(words, "secondary")
        self._message_timer.start()

    def show_problem(self, problem: Problem) -> None:
        self._problem = problem
        self._message_timer.stop()
        sentence, step = status_text.problem(problem)
        self._set_message(f"{sentence} {step}", "danger")

    def place_message(self, row: QWidget) -> None:
        """What is said next stands below *row*, where one has just looked, and not at the end of a long section."""
        self._rows.removeWidget(self._message)
        self._rows.insertWidget(self._rows.indexOf(row) + 1, self._message)

    async def change_setting(
        self, service: SettingsService, setting: SettingField[T], value: T, sheet: ReasonDialog | None = None
    ) -> None:
        """Let *value* be true, and say so; where there is a *sheet*, it asks why first."""
        reason = ""
        if sheet is not None:
            if await show_dialog(sheet) is not BaseDialog.DialogCode.Accepted:
                service.decline(setting, value)
                return
            reason = sheet.reason
        await service.change(setting, value, reason=reason)
        self.show_saved(texts("settings.saved"))

    def clear_message(self) -> None:
        """What was said is over."""
        self._problem = None
        self._message.hide()

    def _set_message(self, words: str, role: str) -> None:
        set_role(self._message, role)
        self._message.setText(words)
        self._message.setAccessibleName(words)
        self._message.show()
        announce(self._message, words)


_PATH_ICON = 16


class PathRow(SettingRow):
    """The path can be selected; it breaks anywhere, because it has no spaces to break at."""

    def __init__(self, theme: Theme, path: Path, open_folder: Callable[[Path], object]) -> None:
        self.button = QPushButton()
        self.button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        super().__init__(theme, self.button)
        self._path = path
        self.line.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.button.clicked.connect(lambda _checked=False: open_folder(self._path))
        theme.changed.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        side = self._theme.px(_PATH_ICON)
        self.button.setIcon(icon("folder", self._theme.tokens.text2, side))
        self.button.setIconSize(QSize(side, side))

    def name(self, label: str) -> None:
        """Go by *label*."""
        self.button.setText(texts("settings.open_folder"))
        self.button.setAccessibleName(f"{texts('settings.open_folder')}: {label}")
        self.set_text(label, breakable(str(self._path)))


_TIME: Final = re.compile(r"(\d{1,2})(?:[:h.](\d{2}))?h?", re.ASCII)


def read_time(typed: str) -> time | None:
    """The time of day that was *typed*, as 20:00, 20h or 20; None where it is none."""
    found = _TIME.fullmatch(typed.strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (24, 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


OpenFolder = Callable[[Path], object]
"""Shows a folder in the system's own file manager."""


class Snapshot(Protocol):
    """A copy of a session: when it was taken, and where it lies."""

    @property
    def at(self) -> datetime: ...

    @property
    def path(self) -> Path: ...

    @property
    def account(self) -> PhoneNumber | None: ...
