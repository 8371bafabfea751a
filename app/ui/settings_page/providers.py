"""Which providers carry messages, for how many, and what to know of each; all of them side by side on request."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPushButton, QSizePolicy

from app.domain.connection import LinkState
from app.domain.events import MentoradoAdded, MentoradoChanged, MentoradosLoaded, StatusChanged
from app.domain.mentorado import ProviderKind
from app.ui.badge import Badge
from app.ui.loop import ask, asked
from app.ui.settings_page.parts import Parts
from app.ui.settings_page.section import Row, Section
from app.ui.text import provider, texts
from app.ui.theme import Theme, Tone

_SOON_MILLISECONDS = 200


class ProvidersSection(Section):
    """Nothing is decided here: a provider is chosen for each mentorado."""

    def __init__(self, theme: Theme, parts: Parts) -> None:
        super().__init__(theme, "providers", "link")
        self._parts = parts
        self._kinds: dict[ProviderKind, tuple[Row, Badge]] = {}
        for kind in parts.kinds:
            badge = Badge(theme)
            badge.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            row = Row(theme, badge)
            self._kinds[kind] = row, badge
            self.add(row)
        self.compare = QPushButton()
        self.compare.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.compare.clicked.connect(self.show_comparison)
        self._all = Row(theme, self.compare)
        self.add(self._all)
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MILLISECONDS)  # many may move at once
        self._soon.timeout.connect(self.refresh)
        undo = [
            parts.bus.subscribe(MentoradosLoaded, self._on_change),
            parts.bus.subscribe(MentoradoAdded, self._on_change),
            parts.bus.subscribe(MentoradoChanged, self._on_change),
            parts.bus.subscribe(StatusChanged, self._on_change),
        ]
        self.destroyed.connect(lambda _gone: [each() for each in undo])

    @asked
    async def show_comparison(self, _checked: bool = False) -> None:
        from app.ui.providers.comparison_sheet import ComparisonSheet

        await ask(ComparisonSheet(self._theme, self, self._parts.kinds))

    def refresh(self) -> None:
        people = [each for each in self._parts.enrolments.all() if not each.mentorado.archived]
        for kind, (row, badge) in self._kinds.items():
            theirs = [each for each in people if each.link.provider is kind]
            connected = sum(self._parts.status(each.link.id).state is LinkState.CONNECTED for each in theirs)
            if not theirs:
                badge.show_badge(Tone.IDLE, "info", texts("settings.providers.unused"))
            else:
                counted = texts.plural("settings.providers.counted", len(theirs), connected=connected)
                badge.show_badge(Tone.CONNECTED if connected else Tone.IDLE, "users", counted)
            row.say(provider(kind), texts(f"settings.providers.{kind}"))

    def retranslate(self) -> None:
        super().retranslate()
        self.compare.setText(texts("settings.providers.compare"))
        self._all.say(texts("settings.providers.which"), texts("settings.providers.which_line"))
        self.refresh()

    def _on_change(self, _event: object) -> None:
        if self.isVisible():
            self._soon.start()
