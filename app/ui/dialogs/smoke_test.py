"""The smoke test of one link: its stages as they happen, and the result with its next step."""

from __future__ import annotations

from asyncio import CancelledError, Task, current_task
from enum import StrEnum
from math import floor

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QWidget

from app.core.event_bus import EventBus
from app.core.outbound.smoke_test import SmokeTestService
from app.domain.events import SmokeTestChanged
from app.domain.link_status import SmokeTestOutcome
from app.domain.mentorado import Mentorado
from app.domain.repositories import Clock
from app.domain.smoke_test import SmokeTest, SmokeTestStage, SmokeTestTrouble
from app.text.outbound import recipient_line, result_lines, stage_name
from app.text.signs import Tone
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.dialogs.base import ScrollDialog
from app.ui.theme.theme import SPACE_1, SPACE_3, TEXT_BODY, Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import IconCircle, ResultCard

_TICK_MILLISECONDS = 250
_SIGN, _SIGN_ICON = 32, 16


class _StageState(StrEnum):
    DONE = "done"
    NOW = "now"
    NEXT = "next"
    UNSEEN = "unseen"
    MISSED = "missed"


_LOOKS = {
    _StageState.DONE: (Tone.CONNECTED, "check"),
    _StageState.NOW: (Tone.PROGRESS, "refresh"),
    _StageState.NEXT: (Tone.IDLE, "clock"),
    _StageState.UNSEEN: (Tone.IDLE, "eye-off"),
    _StageState.MISSED: (Tone.ERROR, "x"),
}
_RESULTS = {
    SmokeTestOutcome.PASSED: (Tone.CONNECTED, "check-circle"),
    SmokeTestOutcome.PARTLY: (Tone.WAITING, "info"),
    SmokeTestOutcome.FAILED: (Tone.ERROR, "triangle-alert"),
    SmokeTestOutcome.CANCELLED: (Tone.IDLE, "x-circle"),
}


_NOT_AGAIN = frozenset(
    {SmokeTestTrouble.RESTRICTED, SmokeTestTrouble.STOPPED, SmokeTestTrouble.POLICY, SmokeTestTrouble.TEST_LIMIT}
)
"""After these another test now can only do harm."""


def stage_state(test: SmokeTest, stage: SmokeTestStage) -> _StageState:
    """How *stage* stands in *test*."""
    if stage in test.stages:
        return _StageState.DONE
    if stage not in test.expected:
        return _StageState.UNSEEN
    if stage is not next(each for each in test.expected if each not in test.stages):
        return _StageState.NEXT
    if test.over:
        return _StageState.MISSED if test.outcome is SmokeTestOutcome.FAILED else _StageState.NEXT
    return _StageState.NOW


class _StageRow(QWidget):
    """One stage: a sign, its name, and when it was seen."""

    def __init__(self, theme: Theme, stage: SmokeTestStage) -> None:
        super().__init__()
        self._theme = theme
        self._stage = stage
        self.sign = IconCircle(theme, "clock", _SIGN, _SIGN_ICON, scales=True)
        self._strong, self._plain = (
            ScaledLabel(theme, TEXT_BODY, weight) for weight in (QFont.Weight.DemiBold, QFont.Weight.Normal)
        )
        self._time = text_label(role="secondary", wraps=False)
        row = hbox(self.sign, (self._strong, 1), inside=self, margins=(0, SPACE_1, 0, SPACE_1), spacing=SPACE_3)
        row.addWidget(self._plain, 1)
        row.addWidget(self._time, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def show_stage(self, test: SmokeTest) -> None:
        state = stage_state(test, self._stage)
        tone, sign = _LOOKS[state]
        self.sign.show_icon(sign, tone)
        label, passed = stage_name(self._stage), ""
        if (at := test.stages.get(self._stage)) is not None:
            passed = seconds_line((at - test.began_at).total_seconds())
        elif state is _StageState.UNSEEN:
            passed = texts("smoke.unseen")
        self._strong.setText(label)
        self._plain.setText(label)
        self._strong.setVisible(state in (_StageState.NOW, _StageState.MISSED))
        self._plain.setVisible(self._strong.isHidden())
        self._time.setText(passed)
        self.setAccessibleName(texts(f"smoke.state.{state}", label=label, time=passed))


def seconds_line(seconds: float) -> str:
    return texts("smoke.seconds", seconds=floor(seconds)) if seconds >= 1 else texts("smoke.instant")


class SmokeTestDialog(ScrollDialog):
    """Begins the test when it is shown. Given up, the test is cancelled; what was sent stays sent.

    `wants_settings` says afterwards whether the person wants to choose another recipient.
    """

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        mentorado: Mentorado,
        service: SmokeTestService,
        bus: EventBus,
        clock: Clock,
        partner: str,
    ) -> None:
        super().__init__(theme, over)
        self._mentorado = mentorado
        self._service = service
        self._clock = clock
        self._partner = partner
        self._test: SmokeTest | None = None
        self._task: Task[None] | None = None
        self.wants_settings = False
        self.set_title(texts("smoke.title", name=mentorado.name))
        self.recipient = text_label(role="secondary")
        self.rows = {stage: _StageRow(theme, stage) for stage in SmokeTestStage}
        stages = vbox(spacing=SPACE_1)
        for row in self.rows.values():
            stages.addWidget(row)
        self.elapsed = text_label(wraps=False)
        self.closing = text_label(texts("smoke.closing"))
        self.outcome = ResultCard(theme)
        for caption in (self.elapsed, self.closing):
            caption.setProperty("role", "caption")
        self.inside.addWidget(self.recipient)
        self.inside.addLayout(stages)
        for part in (self.elapsed, self.outcome, self.closing):
            self.inside.addWidget(part)
        self.settings = self.add_button(texts("smoke.settings"))
        self.again = self.add_button(texts("smoke.again"))
        self.close_button = self.add_button(texts("smoke.close"), "primary")
        self.cancel = self.add_button(texts("smoke.cancel"))
        self.settings.clicked.connect(self._go_to_settings)
        self.again.clicked.connect(self._begin)
        self.close_button.clicked.connect(self.accept)
        self.cancel.clicked.connect(self._cancel)
        self._timer = QTimer(self, interval=_TICK_MILLISECONDS)
        self._timer.timeout.connect(self._show_elapsed)
        leave = bus.subscribe(SmokeTestChanged, self._on_changed)
        self.finished.connect(lambda _result: leave())
        self._arrange(running=True)

    def open(self) -> None:
        super().open()
        self._begin()

    def done(self, result: int) -> None:
        self._cancel()
        self._timer.stop()
        super().done(result)

    def show_test(self, test: SmokeTest) -> None:
        """Where *test* stands."""
        self._test = test
        self.recipient.setText(recipient_line(test, self._partner))
        for row in self.rows.values():
            row.show_stage(test)
        self._show_elapsed()
        if test.outcome is not None:
            sentence, step = result_lines(test, self._clock.now())
            code = texts("smoke.code", code=test.code) if test.code else ""
            self.outcome.show_result(_RESULTS[test.outcome], sentence, step, code)
        self._arrange(running=not test.over)

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self.outcome.show_result(_RESULTS[SmokeTestOutcome.FAILED], sentence, next_step)
        self._arrange(running=False)

    @async_slot
    async def _begin(self, _checked: bool = False) -> None:
        self._task = current_task()
        self._arrange(running=True)
        self._timer.start()
        try:
            await self._service.run(self._mentorado.id)
        except CancelledError:
            pass  # its result was told already
        finally:
            self._task = None

    def _cancel(self, _checked: bool = False) -> None:
        if self._task is not None:
            self._task.cancel()

    def _go_to_settings(self, _checked: bool = False) -> None:
        self.wants_settings = True
        self.accept()

    def _on_changed(self, event: SmokeTestChanged) -> None:
        if event.test.mentorado_id == self._mentorado.id:
            self.show_test(event.test)

    def _show_elapsed(self) -> None:
        if self._test is not None:
            end = self._test.ended_at or self._clock.now()
            seconds = floor((end - self._test.began_at).total_seconds())
            self.elapsed.setText(texts("smoke.took" if self._test.over else "smoke.elapsed", seconds=seconds))

    def _arrange(self, *, running: bool) -> None:
        focused = self.focusWidget()
        test = self._test
        self.outcome.setVisible(not running)
        self.close_button.setVisible(not running)
        self.again.setVisible(not running and (test is None or test.trouble not in _NOT_AGAIN))
        self.settings.setVisible(not running and (test is None or test.outcome is not SmokeTestOutcome.PASSED))
        self.cancel.setVisible(running)
        self.closing.setVisible(running)
        if not running:
            self._timer.stop()
        if focused is None or not focused.isVisible():
            (self.cancel if running else self.close_button).setFocus()
        if not running:
            announce(self.outcome, self.outcome.accessibleName())
