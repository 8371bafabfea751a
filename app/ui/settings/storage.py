"""Where backups lie, how many there are, and how many stay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.core.backups import KEPT
from app.core.mentorado_service import MentoradoService
from app.core.settings_service import SettingsService
from app.domain.backup import BackupInfo
from app.domain.errors import Problem
from app.domain.mentorado import Link, Mentorado
from app.domain.provider_descriptor import DESCRIPTORS
from app.domain.repositories import Clock
from app.domain.settings import DEFAULT_SESSIONS_PER_HOST, MOST_SESSIONS_PER_HOST, SESSIONS_PER_HOST
from app.text.conversation import number, size
from app.text.status import age, texts
from app.ui.async_slots import async_slot
from app.ui.settings.section import OpenFolder, PathRow, Section, SettingRow, Snapshot
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.labels import plain_tip


class BackupsSection(Section):
    """They are made and restored in the pane of each mentorado; here one sees all of them together."""

    def __init__(
        self,
        theme: Theme,
        *,
        backups: Callable[[], Awaitable[Sequence[BackupInfo]]],
        clock: Clock,
        folder: Path,
        open_folder: OpenFolder,
    ) -> None:
        super().__init__(theme, "backups", "archive")
        self._backups = backups
        self._clock = clock
        self._infos: list[BackupInfo] | None = None
        self._place = PathRow(theme, folder, open_folder)
        self._count, self._kept = SettingRow(theme), SettingRow(theme)
        for row in (self._place, self._count, self._kept):
            self.add(row)

    @property
    def line(self) -> str:
        """What is said of how many there are."""
        return self._count.line.text()

    @async_slot
    async def refresh(self) -> None:
        """Look into the folder, in a thread."""
        self._infos = list(await self._backups())
        self._show()

    def show_problem(self, problem: Problem) -> None:
        super().show_problem(problem)
        self._count.set_text(texts("settings.backups.count"), "")  # nobody could count them

    def retranslate(self) -> None:
        super().retranslate()
        self._place.name(texts("settings.backups.place"))
        self._kept.set_text(texts("settings.backups.kept"), texts("settings.backups.kept_line", count=KEPT))
        self._show()

    def _show(self) -> None:
        infos = self._infos
        if infos is None:
            line = texts("settings.backups.counting")
        elif not infos:
            line = texts("settings.backups.none")
        else:
            known = {
                "count": number(len(infos)),
                "people": number(len({info.mentorado_id for info in infos})),
                "size": size(sum(info.size for info in infos)),
                "age": age(self._clock.now() - max(info.at for info in infos)),
            }
            line = texts("settings.backups.count_line" if len(infos) > 1 else "settings.backups.one_line", **known)
        self._count.set_text(texts("settings.backups.count"), line)


SHOWN = 6

Copies = list[tuple[Mentorado, Sequence[Snapshot]]]


_SESSIONS_PER_HOST = (1, 4, DEFAULT_SESSIONS_PER_HOST, MOST_SESSIONS_PER_HOST)


class SessionsSection(Section):
    """The oldest copies first, and those without any: they are what somebody should know of."""

    def __init__(
        self,
        theme: Theme,
        *,
        mentorados: MentoradoService,
        snapshots: Callable[[Link], Awaitable[Sequence[Snapshot]]],
        clock: Clock,
        folder: Path,
        open_folder: OpenFolder,
        settings_service: SettingsService,
    ) -> None:
        super().__init__(theme, "sessions", "shield-check")
        self._settings_service = settings_service
        self.per_host = SegmentedControl(theme, list(_SESSIONS_PER_HOST))
        self.per_host.picked.connect(self.share)
        self._shared = SettingRow(theme, self.per_host, below=True)
        self._mentorados = mentorados
        self._find_snapshots = snapshots
        self._clock = clock
        self._copies: Copies = []
        self._all = False
        self._place = PathRow(theme, folder, open_folder)
        self._list = QWidget()
        self._grid = QGridLayout(self._list)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(t.SPACE_4)
        self._grid.setVerticalSpacing(t.SPACE_2)
        self._grid.setColumnStretch(0, 1)
        self._snapshots = SettingRow(theme, self._list, below=True)
        self.more = QPushButton()
        self.more.setProperty("role", "link")
        self.more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.more.clicked.connect(self._show_all)
        self.add(self._place)
        self.add(self._snapshots)
        self._rows.addWidget(self.more)
        self.add(self._shared)

    @async_slot
    async def share(self, sessions: Hashable) -> None:
        """Let so many sessions share a process from now on; of those that are open, only one that is alone moves."""
        if isinstance(sessions, int):
            await self.change_setting(self._settings_service, SESSIONS_PER_HOST, sessions)

    @async_slot
    async def refresh(self) -> None:
        """Look into every folder; each takes a moment in a thread."""
        paired = [each for each in self._mentorados.through_all() if _has_session(each.link)]
        self.per_host.choose(self._settings_service.settings.sessions_per_host)
        copies = [(each, await self._find_snapshots(each.link)) for each in paired]
        self._copies = sorted(copies, key=_latest_backup_order)
        self._show()

    def retranslate(self) -> None:
        super().retranslate()
        self._place.name(texts("settings.sessions.place"))
        name = texts("settings.sessions.per_host")
        self.per_host.set_text(name, [texts.plural("settings.sessions.share", each) for each in _SESSIONS_PER_HOST])
        self._shared.set_text(name, texts("settings.sessions.per_host_line"))
        self._show()

    def _show_all(self, _checked: bool = False) -> None:
        self._all = True
        self._show()

    def _show(self) -> None:
        copied = sum(bool(copies) for _, copies in self._copies)
        line = texts("settings.sessions.copies_line", copied=copied, count=len(self._copies))
        self._snapshots.set_text(
            texts("settings.sessions.copies"), line if self._copies else texts("settings.sessions.none")
        )
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        shown = self._copies if self._all else self._copies[:SHOWN]
        for row, (mentorado, copies) in enumerate(shown):
            key = "settings.sessions.beside"  # kept beside the provider in use
            name = mentorado.name if mentorado.link.in_use else texts(key, name=mentorado.name)
            for column, words in enumerate((name, self._age_of(copies))):
                label = QLabel(words, textFormat=Qt.TextFormat.PlainText, wordWrap=column == 0)
                label.setProperty("role", "secondary")
                label.setToolTip(plain_tip(str(copies[0].path.parent) if copies else ""))
                self._grid.addWidget(label, row, column)
        self._list.setVisible(bool(shown))
        left = len(self._copies) - len(shown)
        self.more.setVisible(left > 0)
        self.more.setText(texts.plural("settings.sessions.more", left))

    def _age_of(self, copies: Sequence[Snapshot]) -> str:
        if not copies:
            return texts("settings.sessions.no_copy")
        ago = age(self._clock.now() - copies[0].at)
        return f"{ago} · {texts.plural('settings.sessions.count', len(copies))}"


def _has_session(link: Link) -> bool:
    """Whether a session was made; beside the link in use, only one that is kept here counts."""
    made = link.account is not None or link.enabled
    return made and (link.in_use or DESCRIPTORS[link.provider].keeps_session)


def _latest_backup_order(entry: tuple[Mentorado, Sequence[Snapshot]]) -> float:
    _, copies = entry
    return copies[0].at.timestamp() if copies else 0.0
