"""Where sessions lie, and how old the copies of each are."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.domain.mentorado import Enrolment
from app.ui import tokens as t
from app.ui.loop import asked
from app.ui.settings_page.parts import Parts, Snapshot
from app.ui.settings_page.place_row import PlaceRow
from app.ui.settings_page.section import Row, Section
from app.ui.text import age, texts
from app.ui.theme import Theme
from app.ui.words import plain_tip

SHOWN = 6

Copies = list[tuple[Enrolment, Sequence[Snapshot]]]


class SessionsSection(Section):
    """The oldest copies first, and those without any: they are what somebody should know of."""

    def __init__(self, theme: Theme, parts: Parts) -> None:
        super().__init__(theme, "sessions", "shield-check")
        self._parts = parts
        self._copies: Copies = []
        self._all = False
        self._place = PlaceRow(theme, parts.folders.sessions, parts.open_folder)
        self._list = QWidget()
        self._grid = QGridLayout(self._list)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(t.SPACE_4)
        self._grid.setVerticalSpacing(t.SPACE_2)
        self._grid.setColumnStretch(0, 1)
        self._snapshots = Row(theme, self._list, below=True)
        self.more = QPushButton()
        self.more.setProperty("role", "link")
        self.more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.more.clicked.connect(self._show_all)
        self.add(self._place)
        self.add(self._snapshots)
        self._rows.addWidget(self.more)

    @asked
    async def refresh(self) -> None:
        """Look into every folder; each takes a moment in a thread."""
        paired = [each for each in self._parts.enrolments.all() if each.link.account or each.link.wanted]
        copies = [(each, await self._parts.snapshots(each.link)) for each in paired]
        self._copies = sorted(copies, key=_latest_first_at_the_end)
        self._show()

    def retranslate(self) -> None:
        super().retranslate()
        self._place.name(texts("settings.sessions.place"))
        self._show()

    def _show_all(self, _checked: bool = False) -> None:
        self._all = True
        self._show()

    def _show(self) -> None:
        copied = sum(bool(copies) for _, copies in self._copies)
        line = texts("settings.sessions.copies_line", copied=copied, count=len(self._copies))
        self._snapshots.say(
            texts("settings.sessions.copies"), line if self._copies else texts("settings.sessions.none")
        )
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        shown = self._copies if self._all else self._copies[:SHOWN]
        for row, (enrolment, copies) in enumerate(shown):
            for column, words in enumerate((enrolment.mentorado.name, self._age_of(copies))):
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
        ago = age(self._parts.clock.now() - copies[0].at)
        return f"{ago} · {texts.plural('settings.sessions.count', len(copies))}"


def _latest_first_at_the_end(entry: tuple[Enrolment, Sequence[Snapshot]]) -> float:
    _, copies = entry
    return copies[0].at.timestamp() if copies else 0.0
