"""Which providers carry messages, for how many, and what to know of each; all of them side by side on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPushButton, QSizePolicy

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.domain.events import MentoradoAdded, MentoradoChanged, MentoradosLoaded, StatusChanged
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import LinkId, ProviderKind
from app.text.signs import Tone
from app.text.status import provider, texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.settings.section import Section, SettingRow
from app.ui.theme.theme import Theme
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
        undo = [
            bus.subscribe(MentoradosLoaded, self._on_change),
            bus.subscribe(MentoradoAdded, self._on_change),
            bus.subscribe(MentoradoChanged, self._on_change),
            bus.subscribe(StatusChanged, self._on_change),
        ]
        self.destroyed.connect(lambda _gone: [each() for each in undo])

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
