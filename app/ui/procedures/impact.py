"""Shows the impact: what is kept, what changes, and what cannot be undone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.domain.backup import ImpactSummary, SessionOutcome
from app.domain.procedure import ProcedureKind
from app.text.conversation import day
from app.text.procedure import counted
from app.text.status import age, texts
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import (
    SPACE_1,
    SPACE_3,
    TEXT_SMALL,
    Theme,
)
from app.ui.widgets.labels import ScaledLabel
from app.ui.widgets.layouts import vbox

Entry = tuple[str, str]
"""The aspect (``kept``, ``changes`` or ``lost``), and its text."""

_ICON = 16
_SIGNS = {"kept": "shield-check", "changes": "swap", "lost": "triangle-alert"}


def entries(
    ledger: ImpactSummary, kind: ProcedureKind, name: str, now: datetime, *, ends_connection: bool = False
) -> list[Entry]:
    """The entries of *ledger* before the irreversible step of *kind*."""
    ends = [texts("ledger.ends_connection")] if ends_connection else []
    return [
        ("kept", " ".join(_kept(ledger, now))),
        ("changes", " ".join([*ends, *_changes(ledger, kind, name)])),
        ("lost", texts(f"ledger.lost.{kind}", name=name)),
    ]


def at_first(
    ledger: ImpactSummary, kind: ProcedureKind, name: str, now: datetime, *, ends_connection: bool = False
) -> list[Entry]:
    """The entries before the procedure begins, when nothing is lost yet."""
    ends = [texts("ledger.ends_connection")] if ends_connection else []
    first = [texts(f"ledger.at_first.{kind}", name=name), *ends]
    return [("kept", " ".join(_kept(ledger, now))), ("changes", " ".join(first))]


def _kept(ledger: ImpactSummary, now: datetime) -> list[str]:
    history, today = ledger.history, now.astimezone().date()
    lines = [texts("ledger.no_history")]
    if history.since is not None:
        lines = [
            texts(
                "ledger.history",
                messages=counted("settings.history.messages", history.messages),
                conversations=counted("settings.history.conversations", history.conversations),
                contacts=counted("ledger.contacts", ledger.contacts),
                since=day(history.since.astimezone().date(), today),
            )
        ]
    if ledger.session is not SessionOutcome.NONE:
        lines.append(texts(f"ledger.session_kept.{ledger.session}"))
    if ledger.last_backup is not None:
        lines.append(texts("ledger.last_backup", age=age(now - ledger.last_backup)))
    return lines


def _changes(ledger: ImpactSummary, kind: ProcedureKind, name: str) -> list[str]:
    lines = [texts(f"ledger.changes.{kind}", name=name)]
    if ledger.old_device_stays:
        lines.append(texts("ledger.old_device"))
    if ledger.queue:
        lines.append(texts.plural("ledger.queue", ledger.queue))
    return lines


class ImpactView(QWidget):
    """Three entries, each with its own sign and heading: never told by colour alone."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown: Sequence[Entry] = ()
        self._column = vbox(inside=self, spacing=SPACE_3)
        self._parts: list[QWidget] = []
        theme.changed.connect(self._render)

    @property
    def spoken(self) -> str:
        """All of it, for a screen reader."""
        return " ".join(f"{texts(f'question.{aspect}')}: {text}" for aspect, text in self._shown)

    def show_entries(self, shown: Sequence[Entry]) -> None:
        if shown != self._shown:
            self._shown = shown
            self._render()

    def _render(self) -> None:
        for part in self._parts:
            part.hide()
            part.deleteLater()
        self._parts = [self._entry(*entry) for entry in self._shown]
        for part in self._parts:
            self._column.addWidget(part)
        self.setAccessibleName(self.spoken)

    def _entry(self, aspect: str, text: str) -> QWidget:
        tokens, side = self._theme.tokens, self._theme.px(_ICON)
        colour = tokens.danger_text if aspect == "lost" else tokens.on_accent_soft
        entry, sign = QWidget(), QLabel(textFormat=Qt.TextFormat.PlainText)
        sign.setPixmap(pixmap(_SIGNS[aspect], colour, side, self.devicePixelRatioF()))
        heading = ScaledLabel(self._theme, TEXT_SMALL, QFont.Weight.DemiBold)
        heading.setText(texts(f"question.{aspect}"))
        heading.setProperty("role", "danger" if aspect == "lost" else "")
        grid = QGridLayout(entry)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE_3)
        grid.setVerticalSpacing(SPACE_1 // 2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(sign, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(heading, 0, 1)
        grid.addWidget(QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText), 1, 1)
        return entry
