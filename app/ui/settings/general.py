"""Who is at the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import timedelta
from math import ceil
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QLineEdit, QPushButton

from app.core.diagnostics.metrics import MetricsService
from app.core.event_bus import EventBus
from app.core.settings_service import DebugLogController, SettingsService
from app.domain.events import MetricsEndpointChanged, OperatorSettingsChanged
from app.domain.repositories import Clock
from app.domain.settings import LONGEST_NAME, OPERATOR_NAME
from app.settings import Override
from app.text import status as status_text
from app.text.status import LANGUAGES, date_time, texts
from app.ui.async_slots import async_slot, until_destroyed
from app.ui.settings.section import OpenFolder, PathRow, Section, SettingRow
from app.ui.theme.theme import SCALES, Mode, Theme
from app.ui.widgets.choices import SegmentedControl

_WIDTH = 260


class OperatorSection(Section):
    """The name is taken when Enter is pressed or the field is left."""

    def __init__(self, theme: Theme, *, settings_service: SettingsService) -> None:
        super().__init__(theme, "operator", "user-check")
        self._settings_service = settings_service
        self.field = QLineEdit()
        self.field.setMaxLength(LONGEST_NAME)
        self.field.editingFinished.connect(self._save)
        self._row = SettingRow(theme, self.field)
        self.add(self._row)
        theme.changed.connect(self._fit)
        self._fit()

    def refresh(self) -> None:
        if not self.field.hasFocus():
            self.field.setText(self._settings_service.settings.operator_name)

    @async_slot
    async def save(self) -> None:
        """Store the name; the audit log has it from the next entry on."""
        await self._settings_service.change(OPERATOR_NAME, self.field.text())
        self.field.setText(self._settings_service.settings.operator_name)
        self.show_saved(texts("settings.saved"))

    def _save(self) -> None:
        """Only what changed: the field is left when the window closes too, and nothing should begin then."""
        if self.field.text().strip() != self._settings_service.settings.operator_name:
            self.save()

    def retranslate(self) -> None:
        super().retranslate()
        self._row.set_text(texts("settings.operator.name"), texts("settings.operator.name_line"))
        self.field.setPlaceholderText(texts("settings.operator.name_hint"))
        self.field.setAccessibleName(texts("settings.operator.name"))

    def _fit(self) -> None:
        self.field.setMinimumWidth(min(self._theme.px(_WIDTH), 340))


_LANGUAGE_NAMES = {"pt-BR": "Português", "en": "English"}  # each in its own language, so that anybody finds theirs


class AppearanceSection(Section):
    """Follows the theme and the language wherever they are changed."""

    def __init__(self, theme: Theme, *, set_language: Callable[[str], None]) -> None:
        super().__init__(theme, "appearance", "sun")
        self.mode = SegmentedControl(theme, list(Mode))
        self.scale = SegmentedControl(theme, list(SCALES))
        self.language = SegmentedControl(theme, list(LANGUAGES))
        self._rows_by_name = {
            "mode": SettingRow(theme, self.mode),
            "size": SettingRow(theme, self.scale),
            "language": SettingRow(theme, self.language),
        }
        for row in self._rows_by_name.values():
            self.add(row)
        self.mode.picked.connect(theme.set_mode)
        self.scale.picked.connect(theme.set_text_scale)
        self.language.picked.connect(lambda chosen: set_language(str(chosen)))
        theme.changed.connect(self.refresh)

    def refresh(self) -> None:
        self.mode.choose(self._theme.mode)
        self.scale.choose(min(SCALES, key=lambda scale: abs(scale - self._theme.text_scale)))
        self.language.choose(texts.language)

    def retranslate(self) -> None:
        super().retranslate()
        for name, row in self._rows_by_name.items():
            row.set_text(texts(f"settings.appearance.{name}"), texts(f"settings.appearance.{name}_line"))
        self.mode.set_text(texts("settings.appearance.mode"), [texts(f"window.mode.{mode}") for mode in Mode])
        self.scale.set_text(texts("settings.appearance.size"), [f"{scale} %" for scale in SCALES])
        self.language.set_text(texts("settings.appearance.language"), [_LANGUAGE_NAMES[each] for each in LANGUAGES])
        self.refresh()


class AboutSection(Section):
    """Nothing here can be changed."""

    def __init__(
        self,
        theme: Theme,
        *,
        version: str,
        data: Path,
        overrides: Sequence[Override] = (),
        settings_file: Path | None = None,
        open_folder: OpenFolder,
    ) -> None:
        super().__init__(theme, "about", "info")
        self._app_version = version
        self._version = SettingRow(theme)
        self._licences = SettingRow(theme)
        self._data = PathRow(theme, data, open_folder)
        for row in (self._version, self._licences, self._data):
            self.add(row)
        self._file: PathRow | None = None
        if settings_file is not None:
            self._file = PathRow(theme, settings_file, lambda file: open_folder(file.parent))
            self.add(self._file)
        self._overrides = [(SettingRow(theme), chosen) for chosen in overrides]
        for row, _chosen in self._overrides:
            self.add(row)

    def retranslate(self) -> None:
        super().retranslate()
        self._version.set_text(
            texts("settings.about.version", version=self._app_version), texts("settings.about.version_line")
        )
        self._licences.set_text(texts("settings.about.licences"), texts("settings.about.licences_line"))
        self._data.name(texts("settings.about.data"))
        if self._file is not None:
            self._file.name(texts("settings.about.settings_file"))
        for row, chosen in self._overrides:
            words, place = status_text.override(chosen)
            row.set_text(texts("override.title"), f"{words}. {place}.")


OFF = "off"
DURATIONS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=8))
LOOK_AGAIN_MILLISECONDS = 5_000


class DiagnosisSection(Section):
    """Says how much time is left, and follows when the log ends by itself."""

    def __init__(
        self,
        theme: Theme,
        *,
        bus: EventBus,
        provider_log: DebugLogController,
        clock: Clock,
        folder: Path,
        open_folder: OpenFolder,
        prepare_bundle: Callable[[], object],
    ) -> None:
        super().__init__(theme, "diagnosis", "activity")
        self._provider_log = provider_log
        self._clock = clock
        self.choice = SegmentedControl(theme, [OFF, *DURATIONS])
        self._log = SettingRow(theme, self.choice)
        self._folder = PathRow(theme, folder, open_folder)
        self.bundle_button = QPushButton()
        self.bundle_button.clicked.connect(lambda _checked=False: prepare_bundle())
        self._bundle = SettingRow(theme, self.bundle_button)
        for row in (self._bundle, self._log, self._folder):
            self.add(row)
        self.choice.picked.connect(self.switch)
        self._again = QTimer(self, interval=LOOK_AGAIN_MILLISECONDS)
        self._again.timeout.connect(self.refresh)
        until_destroyed(self, bus.subscribe(OperatorSettingsChanged, lambda _event: self.refresh()))

    @property
    def line(self) -> str:
        """What is said of the log now."""
        return self._log.line.text()

    @async_slot
    async def switch(self, chosen: Hashable) -> None:
        """Write in detail for as long as was *chosen*, from now; or stop."""
        try:
            if isinstance(chosen, timedelta):
                await self._provider_log.switch_on(chosen)
            else:
                await self._provider_log.switch_off()
        finally:
            self.refresh()

    def refresh(self) -> None:
        until, now = self._provider_log.until, self._clock.now()
        if until is None:
            self.choice.choose(OFF)
            self._log.set_text(texts("settings.diagnosis.log"), texts("settings.diagnosis.log_line"))
            return
        left = until - now
        self.choice.choose(next((each for each in DURATIONS if left <= each), DURATIONS[-1]))
        end = date_time(until.astimezone(), now.astimezone().date())
        minutes = texts.plural("settings.diagnosis.left", ceil(left.total_seconds() / 60))
        self._log.set_text(texts("settings.diagnosis.log"), texts("settings.diagnosis.log_on", time=end, left=minutes))

    def retranslate(self) -> None:
        super().retranslate()
        words = [texts(f"settings.diagnosis.for.{name}") for name in (OFF, "quarter", "hour", "shift")]
        self.choice.set_text(texts("settings.diagnosis.log"), words)
        self._folder.name(texts("settings.diagnosis.folder"))
        self.bundle_button.setText(texts("settings.diagnosis.bundle_button"))
        self._bundle.set_text(texts("settings.diagnosis.bundle"), texts("settings.diagnosis.bundle_line"))
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._again.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._again.stop()


_PORT_WIDTH = 90


class MetricsSection(Section):
    """Says where the metrics can be read, or why they cannot; the port is taken when its field is left."""

    def __init__(self, theme: Theme, *, bus: EventBus, metrics: MetricsService) -> None:
        super().__init__(theme, "metrics", "chart")
        self._metrics = metrics
        self.choice = SegmentedControl(theme, [False, True])
        self.port = QLineEdit()
        self._offer = SettingRow(theme, self.choice, below=True)
        self._place = SettingRow(theme, self.port)
        self.add(self._offer)
        self.add(self._place)
        self.choice.picked.connect(lambda on: self.switch(bool(on)))
        self.port.editingFinished.connect(self._save)
        until_destroyed(
            self,
            bus.subscribe(OperatorSettingsChanged, lambda _event: self._follow()),
            bus.subscribe(MetricsEndpointChanged, lambda _event: self._follow()),
        )
        theme.changed.connect(self._fit)
        self._fit()

    @property
    def line(self) -> str:
        """What is said of the metrics now."""
        return self._offer.line.text()

    @async_slot
    async def switch(self, on: bool) -> None:
        """Offer them, or no more."""
        try:
            await self._metrics.switch(on=on)
            self.show_saved(texts("settings.saved"))
        finally:
            self.refresh()

    @async_slot
    async def save_port(self, typed: str) -> None:
        """As typed."""
        await self._metrics.set_port(typed)
        self.show_saved(texts("settings.saved"))
        self.refresh()

    def refresh(self) -> None:
        chosen, problem = self._metrics.settings, self._metrics.problem
        self.choice.choose(chosen.on)
        if not self.port.hasFocus():
            self.port.setText(str(chosen.port))
        line = texts("settings.metrics.line")
        if chosen.on and problem is not None:
            line = " ".join(status_text.problem(problem))
        elif self._metrics.port is not None:
            line = texts("settings.metrics.listening", address=f"http://127.0.0.1:{self._metrics.port}/metrics")
        self._offer.set_text(texts("settings.metrics.offer"), line)

    def retranslate(self) -> None:
        super().retranslate()
        words = [texts(f"settings.metrics.{each}") for each in ("off", "on")]
        self.choice.set_text(texts("settings.metrics.offer"), words)
        self._place.set_text(texts("settings.metrics.port"), texts("settings.metrics.port_line"))
        self.refresh()

    def _save(self) -> None:
        """Only what changed: the field is left when the window closes too, and nothing should begin then."""
        if self.port.text().strip() != str(self._metrics.settings.port):
            self.save_port(self.port.text())

    def _follow(self) -> None:
        if self.isVisible():
            self.refresh()

    def _fit(self) -> None:
        self.port.setFixedWidth(self._theme.px(_PORT_WIDTH))
