"""What is asked and told before a procedure begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.domain.errors import Problem
from app.domain.mentorado import Enrolment
from app.domain.ports import Clock
from app.domain.procedure import ProcedureKind
from app.ui.loop import asked
from app.ui.recovery.ledger import LedgerView, at_first
from app.ui.text import texts
from app.ui.theme import SPACE_2, SPACE_3, Theme

if TYPE_CHECKING:
    from app.ui.recovery.desk import ProcedureDesk


class Beginning(QWidget):
    """A question with room below it. Whoever shows it has the two buttons, and is told when they may change."""

    changed = Signal()
    submitted = Signal()
    """Enter in a field that is filled in; it never means a backup without its passphrase."""
    problem = Signal(object)
    crashed = Signal(object)

    kind: ProcedureKind

    def __init__(self, theme: Theme, enrolment: Enrolment) -> None:
        super().__init__()
        self._theme = theme
        self._enrolment = enrolment
        self._line = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(SPACE_3)
        self.column.addWidget(self._line)

    @property
    def name(self) -> str:
        return self._enrolment.mentorado.name

    @property
    def question(self) -> str:
        """What the sheet is headed with."""
        return texts(f"begin.{self.kind}.question", name=self.name)

    @property
    def verb(self) -> str:
        """What the confirming button says."""
        return texts(f"begin.{self.kind}.confirm")

    @property
    def why_not(self) -> str:
        """Why it cannot begin yet; empty when it can."""
        return ""

    @property
    def fields(self) -> Sequence[QWidget]:
        """What the keyboard goes through before the buttons, in the order in which it is read."""
        return ()

    @property
    def facts(self) -> Mapping[str, str]:
        """What it is begun with."""
        return {}

    @property
    def secret(self) -> str:
        """A passphrase that was typed; it goes no further than into memory."""
        return ""

    def retranslate(self) -> None:
        self._line.setText(texts(f"begin.{self.kind}.line", name=self.name))
        self.setAccessibleName(f"{self.question} {self._line.text()}")

    def show_problem(self, problem: Problem) -> None:
        self.problem.emit(problem)

    def show_crash(self, error: Exception) -> None:
        self.crashed.emit(error)


class LedgerBeginning(Beginning):
    """Tells what is kept and what changes, and that a question comes before what cannot be undone."""

    def __init__(
        self, kind: ProcedureKind, theme: Theme, enrolment: Enrolment, procedures: ProcedureDesk, clock: Clock
    ) -> None:
        super().__init__(theme, enrolment)
        self.kind = kind
        self._procedures = procedures
        self._clock = clock
        self._ledger = LedgerView(theme)
        self._ledger.setContentsMargins(0, SPACE_2, 0, 0)
        self.column.addWidget(self._ledger)
        self.retranslate()

    @asked
    async def retranslate(self) -> None:
        """Ask what there is to lose, each time it is told."""
        super().retranslate()
        ledger = await self._procedures.ledger(self.kind, self._enrolment.mentorado.id)
        self._ledger.show_entries(at_first(ledger, self.kind, self.name, self._clock.now()))
        self.changed.emit()
