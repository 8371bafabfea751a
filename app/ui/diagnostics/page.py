"""The page Diagnostics: every check with what it saw and one next step, and a button where that can be put right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFont, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QWidget

from app.core.diagnostics.service import DoctorService
from app.domain.diagnosis import CheckName, CheckOutcome, Diagnosis, Report, worst
from app.domain.repositories import Clock
from app.text import diagnosis as words
from app.text.signs import Tone
from app.text.status import date_time, texts
from app.ui.async_slots import async_slot
from app.ui.banners import Banners
from app.ui.navigation import Page
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import follow_reading_order
from app.ui.widgets.labels import IndeterminateBar, ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import IconCircle

_DISC, _ICON = 32, 16
_COPIED_MILLISECONDS: Final = 2_000
_SIGNS: Final = MappingProxyType(
    {
        None: ("refresh", Tone.PROGRESS),
        CheckOutcome.OK: ("check-circle", Tone.CONNECTED),
        CheckOutcome.UNKNOWN: ("info", Tone.IDLE),
        CheckOutcome.WARNING: ("triangle-alert", Tone.WAITING),
        CheckOutcome.FAILED: ("octagon-alert", Tone.ERROR),
    }
)
_BY_WEIGHT: Final = (CheckOutcome.FAILED, CheckOutcome.WARNING, CheckOutcome.UNKNOWN, CheckOutcome.OK)

AT_START: Final = (
    CheckName.SETTINGS,
    CheckName.VERSIONS,
    CheckName.ENGINE,
    CheckName.DATA_FOLDER,
    CheckName.SESSION_FOLDER,
    CheckName.SPACE,
    CheckName.DATABASE,
    CheckName.LOCKS,
)
"""What nobody hears of otherwise. The clock, the network and the connections tell of themselves, what was interrupted
is offered, and the keyring could ask for a password that nobody asked for."""


class CheckCard(QFrame):
    """One check, with each of its findings."""

    fix_requested = Signal(object)
    """Carries the diagnosis that is to be put right."""

    def __init__(self, theme: Theme, name: CheckName, can_fix: Callable[[Diagnosis], bool]) -> None:
        super().__init__()
        self.check = name
        self.findings: Sequence[Diagnosis] | None = None
        self.fixes: list[QPushButton] = []
        self._can_fix = can_fix
        self._theme = theme
        self.setProperty("role", "card")
        self._sign = IconCircle(theme, "refresh", _DISC, _ICON, tone=Tone.PROGRESS, scales=True)
        self._name = ScaledLabel(theme, t.TEXT_BODY, QFont.Weight.DemiBold, wraps=False)
        self._outcome = text_label(role="caption", wraps=False)
        head = hbox(self._name, self._outcome, spacing=t.SPACE_3)
        head.addStretch(1)
        self._parts = vbox(spacing=t.SPACE_1)
        column = vbox(head, self._parts, spacing=t.SPACE_1)
        layout = hbox(inside=self, margins=(t.SPACE_4, t.SPACE_3, t.SPACE_4, t.SPACE_3), spacing=t.SPACE_4)
        layout.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(column, 1)
        self.retranslate()

    @property
    def outcome(self) -> CheckOutcome | None:
        """How it ended; None while it runs."""
        return None if self.findings is None else worst(self.findings)

    def show_findings(self, findings: Sequence[Diagnosis] | None) -> None:
        """Show *findings*; None: it is checked for the first time."""
        self.findings = findings
        self.retranslate()

    def retranslate(self) -> None:
        sign, tone = _SIGNS[self.outcome]
        self._sign.show_icon(sign, tone)
        self._name.setText(words.check_name(self.check))
        outcome = texts("doctor.page.checking") if self.outcome is None else words.outcome(self.outcome)
        self._outcome.setText(outcome)
        self._clear()
        spoken = [f"{self._name.text()}: {outcome}."]
        for diagnosis in self.findings or ():
            sentence, step = words.sentence(diagnosis), words.next_step(diagnosis)
            spoken += [sentence, step]
            self._parts.addWidget(self._label(sentence, "secondary" if diagnosis.outcome is CheckOutcome.OK else ""))
            if step:
                self._parts.addWidget(self._label(texts("doctor.page.next", step=step), "secondary"))
            if self._can_fix(diagnosis) and diagnosis.fix is not None:
                button = QPushButton(words.fix(diagnosis.fix))
                button.setAccessibleDescription(sentence)
                button.clicked.connect(partial(self._ask, diagnosis))
                self.fixes.append(button)
                self._parts.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        self.setAccessibleName(" ".join(filter(None, spoken)))

    def _clear(self) -> None:
        self.fixes = []
        while (item := self._parts.takeAt(0)) is not None:
            if (part := item.widget()) is not None:
                part.hide()
                part.deleteLater()

    def _ask(self, diagnosis: Diagnosis, _checked: bool = False) -> None:
        self.fix_requested.emit(diagnosis)

    @staticmethod
    def _label(text: str, role: str) -> QLabel:
        label = text_label(text)
        label.setMinimumWidth(1)
        label.setProperty("role", role)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label


class DiagnosticsPage(Page):
    """Checks when it is first shown, and again at a button. What needs somebody stands on top."""

    bundle_requested = Signal(object)
    """A support bundle is wanted, with the crash reports of these keys checked."""

    def __init__(self, *, theme: Theme, doctor: DoctorService, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._doctor = doctor
        self._clock = clock
        self._running = False
        self._checked_at: datetime | None = None
        self.again = QPushButton()
        self.again.setProperty("role", "primary")
        self.again.clicked.connect(self.check)
        self.copy = QPushButton()
        self.copy.clicked.connect(self._on_copy)
        self.bundle = QPushButton()
        self.bundle.clicked.connect(lambda _checked=False: self.bundle_requested.emit(()))
        self._copied = QTimer(self, singleShot=True, interval=_COPIED_MILLISECONDS)
        self._copied.timeout.connect(self._name_buttons)
        self.tools.addWidget(self.copy)
        self.tools.addWidget(self.again)
        self._bar = IndeterminateBar(theme)
        policy = self._bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing moves below it when a check begins or ends
        self._bar.setSizePolicy(policy)
        self.cards = {name: CheckCard(theme, name, doctor.can_fix) for name in doctor.names}
        self._cards = vbox(spacing=t.SPACE_2)
        for card in self.cards.values():
            card.fix_requested.connect(self.fix)
            self._cards.addWidget(card)
        column = vbox(self._cards, margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_6), spacing=t.SPACE_4)
        column.addWidget(self.bundle, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        inside = QWidget()
        inside.setLayout(column)
        self.area = QScrollArea(widgetResizable=True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.verticalScrollBar().rangeChanged.connect(self._on_range)
        self.area.setWidget(inside)
        self.column.addWidget(self._bar)
        self.column.addWidget(self.area, 1)
        self.restyle()

    @property
    def report(self) -> Report:
        """What is known now, in the order of the checks."""
        return Report(tuple(each for card in self.cards.values() for each in card.findings or ()))

    # --- what a person does

    @async_slot
    async def check(self, _checked: bool = False) -> None:
        """Run every check. What was found before stays on show until it is found again."""
        if self._running:
            return
        self._running = True
        self._show_state()
        try:
            await self._doctor.run(lambda name, found: self.cards[name].show_findings(found))
            self._checked_at = self._clock.now()
        finally:
            self._running = False
            self._sort()
            self._show_state()

    @async_slot
    async def fix(self, diagnosis: Diagnosis) -> None:
        """Put *diagnosis* right, and show what its check finds then."""
        self.cards[diagnosis.check].show_findings(await self._doctor.fix(diagnosis))
        self._sort()
        self._show_state()
        self.again.setFocus(Qt.FocusReason.OtherFocusReason)  # the button that had it is gone

    def _on_copy(self, _checked: bool = False) -> None:
        QGuiApplication.clipboard().setText(words.report_text(self.report))
        self.copy.setText(texts("doctor.page.copied"))
        self._copied.start()

    # --- what is shown

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._checked_at is None:
            self.check()

    def _sort(self) -> None:
        """What needs somebody first; else the order in which one would look."""
        places = {outcome: place for place, outcome in enumerate(_BY_WEIGHT)}
        ordered = sorted(self.cards.values(), key=lambda card: places[card.outcome or CheckOutcome.OK])
        for place, card in enumerate(ordered):
            if self._cards.indexOf(card) != place:
                self._cards.removeWidget(card)
                self._cards.insertWidget(place, card)
        follow_reading_order(self.column)

    def _show_state(self) -> None:
        self._bar.setVisible(self._running)
        self.copy.setEnabled(self._checked_at is not None)
        self._name_buttons()
        if self._running:
            summary = texts("doctor.page.running")
        elif self._checked_at is None:
            summary = ""
        else:
            now = self._clock.now().astimezone().date()
            at = texts("doctor.page.checked_at", time=date_time(self._checked_at.astimezone(), now))
            summary = f"{words.summary(self.report)} {at}"
        self.set_title(texts("doctor.page.title"), summary)

    def _name_buttons(self) -> None:
        self.again.setText(texts("doctor.page.running_short" if self._running else "doctor.page.again"))
        self.again.setIcon(icon("refresh", self._theme.tokens.on_accent, self._theme.px(16)))
        self.copy.setText(texts("doctor.page.copy"))
        self.bundle.setText(texts("doctor.page.bundle"))

    def _on_range(self, _least: int, most: int) -> None:
        """Let the keyboard scroll what does not fit."""
        self.area.setFocusPolicy(Qt.FocusPolicy.TabFocus if most else Qt.FocusPolicy.NoFocus)

    # --- what the window asks of a page

    def take_focus(self) -> None:
        self.again.setFocus(Qt.FocusReason.OtherFocusReason)

    def retranslate(self) -> None:
        super().retranslate()
        self.area.setAccessibleName(texts("doctor.page.title"))
        for card in self.cards.values():
            card.retranslate()
        self._show_state()


_CAUSE: Final = "doctor"


async def check_at_start(doctor: DoctorService, banners: Banners, see: Callable[[], None]) -> None:
    """Run the checks that nothing else tells of, and show a notice where one failed. What is fine is not mentioned."""
    failed = (await doctor.run(only=AT_START)).with_outcome(CheckOutcome.FAILED)
    if not failed:
        return

    def say() -> str:
        return texts.plural("doctor.start", len(failed), sentence=words.sentence(failed[0]))

    def open_page() -> None:
        banners.clear(_CAUSE)
        see()

    banners.show_words(say, _CAUSE, choices=[(lambda: texts("doctor.see"), open_page)])
