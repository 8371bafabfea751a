"""What the dry run of a switch found out about one mentorado: what stands in the way, what to know, what happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from app.domain.mentorado import ProviderKind
from app.domain.switch import PlannedSwitch, Severity, SwitchFinding
from app.text.signs import Tone
from app.text.status import date_time, provider, texts
from app.text.switch import finding, price_note, severity, todo
from app.ui.switches.findings import GOOD, LACKING
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_NAME, TEXT_SMALL, Theme
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import IconCircle

_SIGN, _SIGN_ICON, _MARK, _MARK_ICON = 36, 18, 22, 13

_LOOKS: Final = MappingProxyType(
    {
        Severity.BLOCKS: (Tone.ERROR, "x"),
        Severity.WARNS: (Tone.WAITING, "triangle-alert"),
        Severity.TELLS: (Tone.IDLE, "info"),
    }
)


class _FindingRow(QWidget):
    """A sign, a sentence and what to do; where credentials put it right, the button that asks for them."""

    def __init__(self, theme: Theme, look: tuple[Tone, str], sentence: str, next_step: str) -> None:
        super().__init__()
        tone, icon_name = look
        sign = IconCircle(theme, icon_name, _MARK, _MARK_ICON, tone=tone, scales=True)
        what = text_label(sentence)
        self.column = vbox(what, margins=(0, SPACE_1 // 2, 0, 0), spacing=SPACE_1 // 2)
        if next_step:
            then = text_label(next_step, "secondary")
            self.column.addWidget(then)
        row = hbox(inside=self, spacing=SPACE_3)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(self.column, 1)
        self.setAccessibleName(f"{sentence} {next_step}".strip())


class SwitchReport(QFrame):
    """The verdict, and below it the findings: those in the way first."""

    credentials_requested = Signal()
    again_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.spoken = ""
        """All of it, for a screen reader."""
        self.sign = IconCircle(theme, "check", _SIGN, _SIGN_ICON, tone=Tone.CONNECTED, scales=True)
        self.verdict = ScaledLabel(theme, TEXT_NAME, QFont.Weight.DemiBold)
        self._checked = text_label(role="secondary")
        self.again = QPushButton()
        self.enter = QPushButton()
        for button, wanted in ((self.again, self.again_requested), (self.enter, self.credentials_requested)):
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _checked=False, wanted=wanted: wanted.emit())
        self.again.setProperty("role", "link")
        self.enter.setParent(self)
        self.enter.hide()
        words = vbox(self.verdict, self._checked, spacing=SPACE_1 // 2)
        words.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeft)
        head = hbox(spacing=SPACE_3)
        head.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self._findings = QWidget()
        self._rows = vbox(inside=self._findings, spacing=SPACE_3)
        vbox(head, self._findings, inside=self, margins=(0, SPACE_2, 0, 0), spacing=SPACE_4)

    @property
    def fields(self) -> Sequence[QWidget]:
        """What can have the keyboard, in the order of reading."""
        return self.again, self.enter

    def show_report(self, planned: PlannedSwitch, target: ProviderKind, at: datetime, now: datetime, name: str) -> None:
        """Show what was found *at* that time about a switch to *target*."""
        known = {"name": name, "provider": provider(target)}
        will = planned.will_switch
        self.sign.show_icon("check" if will else "x", Tone.CONNECTED if will else Tone.ERROR)
        self.verdict.setText(texts("switch_sheet.will" if will else "switch_sheet.will_not", **known))
        when = date_time(at.astimezone(), now.astimezone().date())
        self._checked.setText(texts("switch_sheet.checked", at=when))
        self.again.setText(texts("switch_sheet.again"))
        self.enter.setText(texts("switches.report.enter"))
        for button in (self.again, self.enter):
            button.setAccessibleName(button.text())
        self._clear()
        spoken = [self.verdict.text()]
        for meaning in Severity:
            if found := planned.with_severity(meaning):
                heading = ScaledLabel(self._theme, TEXT_SMALL, QFont.Weight.DemiBold)
                heading.setText(severity(meaning))
                self._rows.addWidget(heading)
                spoken.append(heading.text())
            for each in found:
                row = self._row(each, planned, target, now)
                self._rows.addWidget(row)
                spoken.append(row.accessibleName())
        if note := price_note(planned.prices):
            line = text_label(note, "caption")
            self._rows.addWidget(line)
            spoken.append(note)
        self.spoken = " ".join(spoken)
        self.setAccessibleName(self.spoken)

    def _row(self, found: SwitchFinding, planned: PlannedSwitch, target: ProviderKind, now: datetime) -> _FindingRow:
        look = (Tone.CONNECTED, "check") if found.code in GOOD else _LOOKS[found.severity]
        sentence, then = finding(found, planned, target, now), todo(found, planned, target)
        row = _FindingRow(self._theme, look, sentence, then)
        if found.code in LACKING and self.enter.parent() is self:
            row.column.addSpacing(SPACE_1)
            row.column.addWidget(self.enter, 0, Qt.AlignmentFlag.AlignLeft)
            self.enter.show()
        return row

    def _clear(self) -> None:
        """The button for credentials outlives the row that it stood in."""
        self.enter.setParent(self)
        self.enter.hide()
        while item := self._rows.takeAt(0):
            if part := item.widget():
                part.hide()
                part.deleteLater()
