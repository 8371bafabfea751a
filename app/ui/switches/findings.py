"""All that a dry run found about one mentorado, by what it means: what is in the way, what to look at, and facts."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.domain.mentorado import MentoradoId
from app.domain.switch import FindingCode, PlannedSwitch, Severity, SwitchDryRun
from app.text import switch as switch_text
from app.text.signs import Tone
from app.text.status import provider, texts
from app.ui.theme import tokens as t
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import Badge, ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.split_view import SidePane

LACKING: Final = frozenset(
    {
        FindingCode.CREDENTIALS_MISSING,
        FindingCode.CREDENTIALS_REFUSED,
        FindingCode.ACCOUNT_TAKEN,
        FindingCode.OTHER_NUMBER,
    }
)
"""What other credentials put right."""

_SIGNS: Final = {
    Severity.BLOCKS: (Tone.ERROR, "x-circle"),
    Severity.WARNS: (Tone.WAITING, "triangle-alert"),
    Severity.TELLS: (Tone.IDLE, "info"),
}
GOOD: Final = frozenset({FindingCode.KEPT, FindingCode.CONSENT_KEPT, FindingCode.STAYS_IN_PHONE_APP})
"""Facts that are good news."""

_WILL: Final = (Tone.CONNECTED, "check-circle")
_THERE: Final = (Tone.IDLE, "check-circle")
_ICON = 16


def is_there(planned: PlannedSwitch) -> bool:
    """Whether a mentorado stays only because the target is in use already."""
    blocking = planned.with_severity(Severity.BLOCKS)
    return bool(blocking) and all(each.code is FindingCode.SAME_PROVIDER for each in blocking)


class FindingsView(SidePane):
    """One mentorado of a dry run."""

    credentials_requested = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # there may be nothing else in it that could be focused
        self._shown: tuple[PlannedSwitch, SwitchDryRun, str] | None = None
        self.enter = QPushButton()

    def show_planned(self, planned: PlannedSwitch, made: SwitchDryRun, name: str) -> None:
        """Fill it with what *made* found about *planned*, who is called *name*."""
        if self._shown is not None and self._shown[0] is planned and self._shown[2] == name:
            return
        self._shown = planned, made, name
        self.area.setAccessibleName(name)
        self._fill(planned, made, name)

    def retranslate(self) -> None:
        if self._shown is not None:
            self._fill(*self._shown)

    def _fill(self, planned: PlannedSwitch, made: SwitchDryRun, name: str) -> None:
        column = vbox(margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_4), spacing=t.SPACE_3)
        heading = ScaledLabel(self._theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        heading.setText(name)
        badge = Badge(self._theme)
        look = _WILL if planned.will_switch else _THERE if is_there(planned) else _SIGNS[Severity.BLOCKS]
        badge.show_badge(*look, switch_text.outcome(planned))
        column.addWidget(heading)
        column.addWidget(badge, 0, Qt.AlignmentFlag.AlignLeft)
        route = texts("switches.report.route", source=provider(planned.source), target=provider(made.plan.target))
        column.addWidget(text_label(route, "secondary", selectable=True))
        for severity in Severity:
            self._add_group(column, severity, planned, made)
        if note := switch_text.price_note(planned.prices):
            column.addWidget(text_label(note, "caption", selectable=True))
        column.addStretch(1)
        self.fill(column)
        self.area.verticalScrollBar().setValue(0)
        self.setAccessibleName(f"{name}. {switch_text.outcome(planned)}.")

    def _add_group(self, column: QVBoxLayout, severity: Severity, planned: PlannedSwitch, made: SwitchDryRun) -> None:
        found = planned.with_severity(severity)
        if not found:
            return
        there = severity is Severity.BLOCKS and is_there(planned)
        if not there:
            head = ScaledLabel(self._theme, t.TEXT_SMALL, QFont.Weight.DemiBold)
            head.setText(switch_text.severity(severity))
            column.addSpacing(t.SPACE_1)
            column.addWidget(head)
        for each in found:
            sentence = switch_text.finding(each, planned, made.plan.target, made.at)
            look = _THERE if there else _WILL if each.code in GOOD else _SIGNS[severity]
            self._add(column, look, sentence, switch_text.todo(each, planned, made.plan.target))
        if any(each.code in LACKING for each in found):
            column.addWidget(self._enter_button(planned.mentorado_id), 0, Qt.AlignmentFlag.AlignLeft)

    def _add(self, column: QVBoxLayout, look: tuple[Tone, str], sentence: str, todo: str) -> None:
        tone, sign = look
        side = self._theme.px(_ICON)
        mark = text_label(wraps=False)
        mark.setPixmap(pixmap(sign, self._theme.tokens.badge[tone].fg, side, self.devicePixelRatioF()))
        words = vbox(text_label(sentence, selectable=True), spacing=1)
        if todo:
            words.addWidget(text_label(todo, "secondary", selectable=True))
        row = hbox(spacing=t.SPACE_2 + 2)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        column.addLayout(row)

    def _enter_button(self, mentorado_id: MentoradoId) -> QPushButton:
        self.enter = QPushButton(texts("switches.report.enter"))
        self.enter.clicked.connect(partial(self._ask, mentorado_id))
        return self.enter

    def _ask(self, mentorado_id: MentoradoId, _checked: bool = False) -> None:
        self.credentials_requested.emit(mentorado_id)
