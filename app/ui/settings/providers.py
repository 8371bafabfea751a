"""Which providers carry messages, for how many, and whether a second person approves that they are switched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPushButton, QSizePolicy

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.settings_service import SettingsService
from app.domain.events import MentoradoAdded, MentoradoChanged, MentoradosLoaded, OperatorSettingsChanged, StatusChanged
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import LinkId, ProviderKind
from app.domain.settings import SWITCH_SECOND_PERSON
from app.text.signs import Tone
from app.text.status import provider, texts
from app.ui.async_slots import async_slot, show_dialog, until_destroyed
from app.ui.dialogs.confirm import ReasonDialog
from app.ui.settings.section import Section, SettingRow
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.labels import Badge

_SOON_MILLISECONDS = 200


class ProvidersSection(Section):
    """Nothing is decided here: a provider is chosen for each mentorado."""

    def __init__(
        self,
        theme: Theme,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        kinds: Sequence[ProviderKind],
        status: Callable[[LinkId], LinkStatus],
    ) -> None:
        super().__init__(theme, "providers", "link")
        self._mentorados = mentorados
        self._status = status
        self._kinds: dict[ProviderKind, tuple[SettingRow, Badge]] = {}
        for kind in kinds:
            badge = Badge(theme)
            badge.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            row = SettingRow(theme, badge)
            self._kinds[kind] = row, badge
            self.add(row)
        self.compare = QPushButton()
        self.compare.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.compare.clicked.connect(self.show_comparison)
        self._all = SettingRow(theme, self.compare)
        self.add(self._all)
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MILLISECONDS)  # many may move at once
        self._soon.timeout.connect(self.refresh)
        until_destroyed(
            self,
            bus.subscribe(MentoradosLoaded, self._on_change),
            bus.subscribe(MentoradoAdded, self._on_change),
            bus.subscribe(MentoradoChanged, self._on_change),
            bus.subscribe(StatusChanged, self._on_change),
        )

    @async_slot
    async def show_comparison(self, _checked: bool = False) -> None:
        from app.ui.providers.comparison import ComparisonDialog

        await show_dialog(ComparisonDialog(self._theme, self, tuple(self._kinds)))

    def refresh(self) -> None:
        people = [each for each in self._mentorados.all() if not each.archived]
        for kind, (row, badge) in self._kinds.items():
            theirs = [each for each in people if each.link.provider is kind]
            connected = sum(self._status(each.link.id).state is LinkState.CONNECTED for each in theirs)
            if not theirs:
                badge.show_badge(Tone.IDLE, "info", texts("settings.providers.unused"))
            else:
                counted = texts.plural("settings.providers.counted", len(theirs), connected=connected)
                badge.show_badge(Tone.CONNECTED if connected else Tone.IDLE, "users", counted)
            row.set_text(provider(kind), texts(f"settings.providers.{kind}"))

    def retranslate(self) -> None:
        super().retranslate()
        self.compare.setText(texts("settings.providers.compare"))
        self._all.set_text(texts("settings.providers.which"), texts("settings.providers.which_line"))
        self.refresh()

    def _on_change(self, _event: object) -> None:
        if self.isVisible():
            self._soon.start()


class SwitchesSection(Section):
    """The choice is taken at once; one that was not taken goes back to what is true."""

    def __init__(self, theme: Theme, *, bus: EventBus, settings_service: SettingsService) -> None:
        super().__init__(theme, "switches", "swap")
        self._settings_service = settings_service
        self.second = SegmentedControl(theme, [False, True])
        self._row = SettingRow(theme, self.second, below=True)
        self.add(self._row)
        self.second.picked.connect(lambda on: self.change(bool(on)))
        until_destroyed(self, bus.subscribe(OperatorSettingsChanged, lambda _event: self.refresh()))

    def refresh(self) -> None:
        self.second.choose(self._settings_service.settings.switch_second_person)

    def retranslate(self) -> None:
        super().retranslate()
        name = texts("settings.switches.second")
        self.second.set_text(name, [texts(f"settings.switches.second_{each}") for each in ("off", "on")])
        self._row.set_text(name, texts("settings.switches.second_line"))
        self.refresh()

    def sheet(self) -> ReasonDialog:
        """What one person may do alone then, and the field for the reason."""
        sheet = ReasonDialog(
            self._theme, self, texts("settings.switches.ask_title"), texts("settings.switches.ask_confirm")
        )
        sheet.add_aspect("changes", texts("settings.switches.ask_changes"))
        sheet.ask_for_reason(texts("settings.switches.ask_why"))
        sheet.field.setFocus()
        return sheet

    @async_slot
    async def change(self, on: bool) -> None:
        """Let *on* be true; whoever wants no second person any more is asked why."""
        self.clear_message()
        try:
            if on is not self._settings_service.settings.switch_second_person:
                sheet = None if on else self.sheet()
                await self.change_setting(self._settings_service, SWITCH_SECOND_PERSON, on, sheet)
        finally:
            self.refresh()
