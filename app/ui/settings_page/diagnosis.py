"""The providers' detailed log, on for a chosen time, and where logs are."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from math import ceil

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent

from app.domain.events import OperatorSettingsChanged
from app.ui.choice import Choice
from app.ui.loop import asked
from app.ui.settings_page.parts import Parts
from app.ui.settings_page.place_row import PlaceRow
from app.ui.settings_page.section import Row, Section
from app.ui.text import date_time, texts
from app.ui.theme import Theme

OFF = "off"
DURATIONS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=8))
LOOK_AGAIN_MILLISECONDS = 5_000


class DiagnosisSection(Section):
    """Says how much time is left, and follows when the log ends by itself."""

    def __init__(self, theme: Theme, parts: Parts) -> None:
        super().__init__(theme, "diagnosis", "activity")
        self._parts = parts
        self.choice = Choice(theme, [OFF, *DURATIONS])
        self._log = Row(theme, self.choice)
        self._folder = PlaceRow(theme, parts.folders.logs, parts.open_folder)
        self.add(self._log)
        self.add(self._folder)
        self.choice.picked.connect(self.switch)
        self._again = QTimer(self, interval=LOOK_AGAIN_MILLISECONDS)
        self._again.timeout.connect(self.refresh)
        undo = parts.bus.subscribe(OperatorSettingsChanged, lambda _event: self.refresh())
        self.destroyed.connect(lambda _gone: undo())

    @property
    def line(self) -> str:
        """What is said of the log now."""
        return self._log.line.text()

    @asked
    async def switch(self, chosen: Hashable) -> None:
        """Write in detail for as long as was *chosen*, from now; or stop."""
        try:
            if isinstance(chosen, timedelta):
                await self._parts.provider_log.switch_on(chosen)
            else:
                await self._parts.provider_log.switch_off()
        finally:
            self.refresh()

    def refresh(self) -> None:
        until, now = self._parts.provider_log.until, self._parts.clock.now()
        if until is None:
            self.choice.choose(OFF)
            self._log.say(texts("settings.diagnosis.log"), texts("settings.diagnosis.log_line"))
            return
        left = until - now
        self.choice.choose(next((each for each in DURATIONS if left <= each), DURATIONS[-1]))
        end = date_time(until.astimezone(), now.astimezone().date())
        minutes = texts.plural("settings.diagnosis.left", ceil(left.total_seconds() / 60))
        self._log.say(texts("settings.diagnosis.log"), texts("settings.diagnosis.log_on", time=end, left=minutes))

    def retranslate(self) -> None:
        super().retranslate()
        words = [texts(f"settings.diagnosis.for.{name}") for name in (OFF, "quarter", "hour", "shift")]
        self.choice.say(texts("settings.diagnosis.log"), words)
        self._folder.name(texts("settings.diagnosis.folder"))
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._again.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._again.stop()
