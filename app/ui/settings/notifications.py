"""What the desktop is told and when, what closing the window does, and whether the program opens at login."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from app.core.event_bus import EventBus
from app.core.settings_service import SettingsService
from app.domain.errors import Problem, ProblemCode
from app.domain.events import OperatorSettingsChanged
from app.domain.notifications import EVERY_DAY, NotificationSettings
from app.domain.repositories import Clock
from app.domain.settings import NOTIFICATIONS
from app.platform.autostart import Autostart
from app.text.status import texts
from app.ui.appearance import Preferences
from app.ui.async_slots import async_slot, until_destroyed
from app.ui.settings.section import Section, SettingRow, read_time
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import CheckBox, SegmentedControl
from app.ui.widgets.labels import plain_tip, text_label
from app.ui.widgets.layouts import FlowLayout, hbox

_WIDTH = 72
_FROM: Final = "quiet_from"
_TO: Final = "quiet_to"


class NotificationsSection(Section):
    """Each choice is taken at once; a time when Enter is pressed or its field is left."""

    def __init__(
        self,
        theme: Theme,
        *,
        bus: EventBus,
        settings_service: SettingsService,
        clock: Clock,
        preferences: Preferences,
        has_tray: Callable[[], bool],
        autostart: Autostart | None,
    ) -> None:
        super().__init__(theme, "notifications", "bell")
        self._settings_service = settings_service
        self._clock = clock
        self._preferences = preferences
        self._has_tray = has_tray
        self._autostart = autostart
        self.on, self.quiet = (SegmentedControl(theme, [False, True]) for _ in range(2))
        self.stays, self.at_login = (SegmentedControl(theme, [False, True]) for _ in range(2))
        self.fields = {name: QLineEdit(maxLength=5) for name in (_FROM, _TO)}
        self.days = {day: CheckBox(theme) for day in EVERY_DAY}
        self._until = text_label(wraps=False)
        rows = {
            "on": SettingRow(theme, self.on),
            "quiet": SettingRow(theme, self.quiet),
            "hours": SettingRow(theme, self._hours()),
            "days": SettingRow(theme, self._week(), below=True),
            "stays": SettingRow(theme, self.stays, below=True),
            "at_login": SettingRow(theme, self.at_login),
        }
        self._rows_by_name = rows
        for row in rows.values():
            self.add(row)
        rows["at_login"].setVisible(autostart is not None)
        self.on.picked.connect(lambda on: self._change("on", on=bool(on)))
        self.quiet.picked.connect(lambda quiet: self._change("quiet", quiet=bool(quiet)))
        for name, field in self.fields.items():
            field.editingFinished.connect(partial(self._leave, name))
        for box in self.days.values():
            box.clicked.connect(lambda _checked=False: self._pick_days())
        self.stays.picked.connect(lambda stays: self._set_stays(bool(stays)))
        self.at_login.picked.connect(lambda on: self.open_at_login(bool(on)))
        until_destroyed(self, bus.subscribe(OperatorSettingsChanged, lambda _event: self.refresh()))
        theme.changed.connect(self._fit)
        self._fit()

    @property
    def decided(self) -> NotificationSettings:
        """What is true."""
        return self._settings_service.settings.notifications

    def refresh(self) -> None:
        decided = self.decided
        self.on.choose(decided.on)
        self.quiet.choose(decided.quiet)
        for name, field in self.fields.items():
            if not field.hasFocus():
                field.setText(self._text(name))
        for day, box in self.days.items():
            box.setChecked(day in decided.quiet_days)
        self._rows_by_name["quiet"].setVisible(decided.on)
        for name in ("hours", "days"):
            self._rows_by_name[name].setVisible(decided.on and decided.quiet)
        can_stay = self._has_tray()
        self.stays.choose(can_stay and self._preferences.stays_in_tray)
        self.stays.setEnabled(can_stay)
        line = texts(f"settings.notifications.{'stays_line' if can_stay else 'no_tray'}")
        self.stays.setToolTip(plain_tip("" if can_stay else line))
        self._rows_by_name["stays"].set_text(texts("settings.notifications.stays"), line)
        if self._autostart is not None:
            self.at_login.choose(self._autostart.is_on())

    def retranslate(self) -> None:
        super().retranslate()
        zone = f"{self._clock.now().astimezone():%H:%M}"
        for name, row in self._rows_by_name.items():
            row.set_text(
                texts(f"settings.notifications.{name}"), texts(f"settings.notifications.{name}_line", now=zone)
            )
        for control, name in (
            (self.on, "on"),
            (self.quiet, "quiet"),
            (self.stays, "stays"),
            (self.at_login, "at_login"),
        ):
            words = [texts(f"settings.notifications.{name}_{each}") for each in ("no", "yes")]
            control.set_text(texts(f"settings.notifications.{name}"), words)
        self._until.setText(texts("settings.notifications.to"))
        for name, field in self.fields.items():
            field.setAccessibleName(texts(f"settings.notifications.{name}"))
        for day, box in self.days.items():
            box.set_text(texts(f"settings.notifications.day.{day}"))
        self.refresh()

    @async_slot
    async def save(self, row: str, decided: NotificationSettings) -> None:
        """Let *decided* be true; *row* is where that was chosen."""
        self.place_message(self._rows_by_name[row])
        try:
            await self.change_setting(self._settings_service, NOTIFICATIONS, decided)
        finally:
            self.refresh()

    @async_slot
    async def save_time(self, name: str) -> None:
        """Take what was typed for *name*."""
        self.place_message(self._rows_by_name["hours"])
        try:
            found = read_time(self.fields[name].text())
            if found is None:
                raise Problem(ProblemCode.QUIET_TIME_INVALID)
            change: dict[str, Any] = {name: found}
            await self.change_setting(self._settings_service, NOTIFICATIONS, replace(self.decided, **change))
        finally:
            self.fields[name].setText(self._text(name))

    @async_slot
    async def open_at_login(self, on: bool) -> None:
        """Make or remove the entry that opens the program at login."""
        self.place_message(self._rows_by_name["at_login"])
        if self._autostart is None:
            return
        try:
            if on:
                self._autostart.switch_on()
            else:
                self._autostart.switch_off()
            self.show_saved(texts("settings.saved"))
        finally:
            self.refresh()

    def _set_stays(self, stays: bool) -> None:
        self.place_message(self._rows_by_name["stays"])
        self._preferences.stays_in_tray = stays
        self.show_saved(texts("settings.saved"))

    def _change(self, row: str, **changes: Any) -> None:
        self.save(row, replace(self.decided, **changes))

    def _pick_days(self) -> None:
        """No day at all is no quiet at all."""
        days = tuple(day for day, box in self.days.items() if box.isChecked())
        if days:
            self._change("days", quiet_days=days)
        else:
            self._change("quiet", quiet=False)

    def _leave(self, name: str) -> None:
        """Only what changed: the field is left when the window closes too, and nothing should begin then."""
        if self.fields[name].text().strip() != self._text(name):
            self.save_time(name)

    def _text(self, name: str) -> str:
        return f"{getattr(self.decided, name):%H:%M}"

    def _hours(self) -> QWidget:
        both = QWidget()
        hbox(self.fields[_FROM], self._until, self.fields[_TO], inside=both, spacing=t.SPACE_2)
        both.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        return both

    def _week(self) -> QWidget:
        week = QWidget()
        row = FlowLayout(week, spacing=t.SPACE_3)
        for box in self.days.values():
            row.addWidget(box)
        return week

    def _fit(self) -> None:
        for field in self.fields.values():
            field.setFixedWidth(self._theme.px(_WIDTH))
