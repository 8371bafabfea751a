"""A guided check: what it looks at, one thing after the other, and the action it ends with."""

from __future__ import annotations

from asyncio import CancelledError, Task, current_task
from datetime import datetime
from enum import StrEnum

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from app.core.diagnostics.passkey import PasskeyService, PasskeyToken
from app.core.diagnostics.troubleshooting import TroubleshootingService
from app.domain.actions import ActionName
from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado
from app.domain.repositories import Clock
from app.domain.troubleshooting import (
    CHECKS_OF,
    ConclusionKind,
    FindingMark,
    Trouble,
    TroubleCheck,
    TroubleConclusion,
    TroubleFinding,
)
from app.text.signs import Tone
from app.text.status import action, texts
from app.text.troubleshooting import check_name, conclusion_lines, finding_line, reason_name, trouble_name
from app.ui.async_slots import async_slot
from app.ui.detail_pane.code_clipboard import CodeClipboard
from app.ui.dialogs.base import ScrollDialog
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_BODY, TEXT_HEADING, TEXT_SMALL, Theme
from app.ui.widgets.labels import IndeterminateBar, ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import IconCircle, ResultCard
from app.ui.widgets.radio_card import RadioCard

_WIDTH = 520
_SIGN, _SIGN_ICON = 28, 14
_BAR = 8
_TICK_MILLISECONDS = 500

_LOOKS = {
    FindingMark.GOOD: (Tone.CONNECTED, "check"),
    FindingMark.WARNING: (Tone.WAITING, "info"),
    FindingMark.BAD: (Tone.ERROR, "triangle-alert"),
    FindingMark.UNKNOWN: (Tone.IDLE, "eye-off"),
}
_WELL = frozenset(
    {
        ConclusionKind.CODE_SHOWN,
        ConclusionKind.CONNECTED,
        ConclusionKind.STEADY,
        ConclusionKind.SESSION_WHOLE,
        ConclusionKind.NO_PASSKEY,
    }
)
_WAITS = frozenset({ConclusionKind.WAITING_TURN, ConclusionKind.NO_SESSION, ConclusionKind.PASSKEY_HERE})


class _State(StrEnum):
    WAITING = "waiting"
    LOOKING = "looking"
    SKIPPED = "skipped"


_STATE_LOOKS = {
    _State.WAITING: (Tone.IDLE, "clock"),
    _State.LOOKING: (Tone.PROGRESS, "refresh"),
    _State.SKIPPED: (Tone.IDLE, "chevron-right"),
}


class ReasonBars(QWidget):
    """How often each reason was seen, as bars; the same is said in words beside it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._reasons: tuple[tuple[Reason, int], ...] = ()
        theme.changed.connect(self.updateGeometry)

    def show_reasons(self, reasons: tuple[tuple[Reason, int], ...]) -> None:
        self._reasons = reasons
        self.setAccessibleName(", ".join(f"{reason_name(reason)}: {texts.number(count)}" for reason, count in reasons))
        self.setVisible(bool(reasons))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(200), len(self._reasons) * self._row)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._theme.px(120), len(self._reasons) * self._row)

    @property
    def _row(self) -> int:
        return QFontMetrics(self._theme.font(TEXT_SMALL)).height() + self._theme.px(_BAR) + SPACE_2

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter, tokens = QPainter(self), self._theme.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font(TEXT_SMALL))
        words, bar = painter.fontMetrics().height(), self._theme.px(_BAR)
        most = max((count for _reason, count in self._reasons), default=1)
        for place, (reason, count) in enumerate(self._reasons):
            top = place * self._row
            painter.setPen(QColor(tokens.text2))
            line = QRectF(0, top, self.width(), words)
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft, reason_name(reason))
            painter.drawText(line, Qt.AlignmentFlag.AlignRight, texts.number(count))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.border))
            painter.drawRoundedRect(QRectF(0, top + words, self.width(), bar), bar / 2, bar / 2)
            painter.setBrush(QColor(tokens.danger))
            painter.drawRoundedRect(QRectF(0, top + words, self.width() * count / most, bar), bar / 2, bar / 2)
        painter.end()


class _CheckRow(QWidget):
    """One check: a sign, its name, and what it saw."""

    def __init__(self, theme: Theme, check: TroubleCheck) -> None:
        super().__init__()
        self._check = check
        self._sign = IconCircle(theme, "clock", _SIGN, _SIGN_ICON, scales=True)
        self._name = ScaledLabel(theme, TEXT_BODY, QFont.Weight.DemiBold)
        self._name.setText(check_name(check))
        self.line = text_label(role="secondary")
        self.bars = ReasonBars(theme)
        self.bars.hide()
        words = vbox(self._name, self.line, self.bars, spacing=SPACE_1)
        row = hbox(inside=self, margins=(0, SPACE_1, 0, SPACE_1), spacing=SPACE_3)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.state: _State | FindingMark = _State.WAITING
        self.show_state(_State.WAITING)

    def show_state(self, state: _State) -> None:
        self.state = state
        self._show(_STATE_LOOKS[state], texts(f"trouble.{state}"))

    def show_finding(self, finding: TroubleFinding, mentorado: Mentorado, now: datetime) -> None:
        self.state = finding.mark
        self._show(_LOOKS[finding.mark], finding_line(finding, mentorado, now), texts(f"trouble.mark.{finding.mark}"))
        if finding.check is TroubleCheck.CLOSE_REASONS:
            self.bars.show_reasons(finding.reasons)

    def _show(self, look: tuple[Tone, str], line: str, mark: str = "") -> None:
        self._sign.show_icon(look[1], look[0])
        self.line.setText(line)
        spoken = f"{mark}. {line}" if mark else line
        self.setAccessibleName(texts("trouble.state", name=check_name(self._check), line=spoken))


class PasskeySteps(QFrame):
    """The three steps by which a person answers a passkey, with the token that the extension asks for."""

    def __init__(self, theme: Theme, clock: Clock) -> None:
        super().__init__()
        self.setProperty("role", "sunken")
        self._clock = clock
        self._token: PasskeyToken | None = None
        self._clipboard = CodeClipboard(clock, self)
        self._clipboard.changed.connect(self._show_copy)
        install, enter, answer = (
            text_label(texts(f"trouble.passkey.{step}")) for step in ("install", "enter", "answer")
        )
        self.token = ScaledLabel(theme, TEXT_HEADING, QFont.Weight.DemiBold)
        self.token.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self.copy = QPushButton(texts("trouble.passkey.copy"))
        self.copy.clicked.connect(self._copy)
        self.left, self.state, self.failed = (text_label() for _ in range(3))
        self.left.setProperty("role", "caption")
        self.bar = IndeterminateBar(theme)
        line = hbox(self.token, self.copy, self.left, spacing=SPACE_3)
        line.addStretch(1)
        column = vbox(install, enter, line, inside=self, margins=(SPACE_4, SPACE_3, SPACE_4, SPACE_3), spacing=SPACE_2)
        for below in (answer, self.failed, self.state, self.bar):
            column.addWidget(below)
        self._timer = QTimer(self, interval=_TICK_MILLISECONDS)
        self._timer.timeout.connect(self._show_left)

    def show_token(self, token: PasskeyToken, failed: str) -> None:
        """Show *token*; *failed* is what the provider says of the answer before."""
        self._token = token
        self.token.setText(token.text)
        self.token.setAccessibleName(" ".join(token.text))
        self.failed.setText(texts("trouble.passkey.failed", why=failed) if failed else "")
        self.failed.setVisible(bool(failed))
        self.show_state("waits", waits=True)
        self._show_copy()
        self._show_left()
        self._timer.start()

    def show_state(self, key: str, *, waits: bool) -> None:
        self.state.setText(texts(f"trouble.passkey.{key}"))
        self.bar.setVisible(waits)

    def forget(self) -> None:
        """Take the token back, from the clipboard too."""
        self._timer.stop()
        self._clipboard.take_back()
        self._token = None
        self.token.setText("")

    def _copy(self, _checked: bool = False) -> None:
        if self._token is not None:
            self._clipboard.put_text(self._token.text, self._token.expires_at)

    def _show_copy(self) -> None:
        self.copy.setText(texts("trouble.passkey.copied" if self._clipboard.holds_text else "trouble.passkey.copy"))
        self.copy.setAccessibleName(self.copy.text())

    def _show_left(self) -> None:
        if self._token is None:
            return
        seconds = int((self._token.expires_at - self._clock.now()).total_seconds())
        expired = seconds <= 0
        time = f"{seconds // 60}:{seconds % 60:02}"
        self.left.setText(texts("trouble.passkey.expired") if expired else texts("trouble.passkey.left", time=time))
        self.copy.setEnabled(not expired)


class TroubleshootingDialog(ScrollDialog):
    """Asks what is seen, runs that check, and offers what it ends with: `wanted` is the action a person chose."""

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        mentorado: Mentorado,
        service: TroubleshootingService,
        passkeys: PasskeyService,
        clock: Clock,
        suggested: Trouble,
    ) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self._mentorado = mentorado
        self._service = service
        self._passkeys = passkeys
        self._clock = clock
        self._trouble = suggested
        self._task: Task[None] | None = None
        self._conclusion: TroubleConclusion | None = None
        self.wanted: ActionName | None = None
        self.set_title(texts("trouble.title", name=mentorado.name))
        self._lead = text_label(texts("trouble.choose"), "secondary")
        self.choices = {trouble: RadioCard(theme) for trouble in Trouble}
        self._chooser = QWidget()
        choices = vbox(self._lead, inside=self._chooser, spacing=SPACE_2)
        for trouble, card in self.choices.items():
            card.show_words(*trouble_name(trouble))
            card.clicked.connect(lambda _checked=False, trouble=trouble: self.choose(trouble))
            choices.addWidget(card)
        self.choices[suggested].setChecked(True)
        self._name = ScaledLabel(theme, TEXT_BODY, QFont.Weight.DemiBold)
        self.rows = {check: _CheckRow(theme, check) for check in TroubleCheck}
        self._rows = QWidget()
        self._list = vbox(self._name, inside=self._rows, spacing=SPACE_1)
        for row in self.rows.values():
            self._list.addWidget(row)
        self.outcome = ResultCard(theme)
        self.steps = PasskeySteps(theme, clock)
        for part in (self._chooser, self._rows, self.outcome, self.steps):
            self.inside.addWidget(part)
        self.cancel = self.add_button(texts("trouble.cancel"))
        self.close_button = self.add_button(texts("trouble.close"))
        self.other = self.add_button(texts("trouble.other"))
        self.again = self.add_button(texts("trouble.again"))
        self.new_token = self.add_button(texts("trouble.passkey.new"))
        self.begin = self.add_button(texts("trouble.begin"), "primary")
        self.act = self.add_button("", "primary")
        self.cancel.clicked.connect(self._stop)
        self.close_button.clicked.connect(self.reject)
        self.other.clicked.connect(self._show_chooser)
        self.again.clicked.connect(self._begin)
        self.begin.clicked.connect(self._begin)
        self.new_token.clicked.connect(self._answer_passkey)
        self.act.clicked.connect(self._act)
        self._show_chooser()

    def choose(self, trouble: Trouble) -> None:
        """Select the check that *begin* runs."""
        self._trouble = trouble
        self.choices[trouble].setChecked(True)

    def done(self, result: int) -> None:
        self._stop()
        self.steps.forget()
        super().done(result)

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self._end((Tone.ERROR, "triangle-alert"), sentence, next_step)

    # --- a check

    @async_slot
    async def _begin(self, _checked: bool = False) -> None:
        self._task = current_task()
        self.show_checks()
        try:
            conclusion = await self._service.check(self._trouble, self._mentorado.id, self.show_finding)
        except CancelledError:
            self._show_chooser()
            return
        finally:
            self._task = None
        self.show_conclusion(conclusion)
        if conclusion.kind is ConclusionKind.PASSKEY_HERE:
            self._answer_passkey()

    def show_checks(self) -> None:
        """The checks that are about to be made, the first one under way."""
        self._conclusion = None
        checks = CHECKS_OF[self._trouble]
        self._name.setText(trouble_name(self._trouble)[0])
        for check, row in self.rows.items():
            row.setVisible(check in checks)
            row.bars.hide()
            row.show_state(_State.LOOKING if check is checks[0] else _State.WAITING)
        for check in checks:
            self._list.addWidget(self.rows[check])  # in the order in which they are made
        self._arrange(running=True)

    def show_finding(self, finding: TroubleFinding) -> None:
        """What one check saw; the next one is under way."""
        row = self.rows[finding.check]
        row.show_finding(finding, self._mentorado, self._clock.now())
        waiting = (self.rows[check] for check in CHECKS_OF[self._trouble])
        if following := next((each for each in waiting if each.state is _State.WAITING), None):
            following.show_state(_State.LOOKING)
        self.bring_into_view(row)

    def show_conclusion(self, conclusion: TroubleConclusion) -> None:
        """What it ended with."""
        self._conclusion = conclusion
        for row in self.rows.values():
            if row.state in (_State.LOOKING, _State.WAITING):
                row.show_state(_State.SKIPPED)
        well, waits = conclusion.kind in _WELL, conclusion.kind in _WAITS
        look = (Tone.CONNECTED, "check-circle") if well else (Tone.WAITING, "info") if waits else None
        sentence, step = conclusion_lines(conclusion, self._mentorado, self._clock.now())
        self._end(look or (Tone.ERROR, "triangle-alert"), sentence, step)

    # --- a passkey

    @async_slot
    async def _answer_passkey(self, _checked: bool = False) -> None:
        """Show a token and wait; what became of the answer before is asked first."""
        again = not self.steps.isHidden()
        self._task = current_task()
        self._arrange(running=True)
        try:
            failed = await self._passkeys.begin_anew(self._mentorado.id) if again else ""
            token = await self._passkeys.token(self._mentorado.id)
            self.show_passkey(token, failed)
            passed = await self._passkeys.wait(self._mentorado.id, token)
        except CancelledError:
            return
        finally:
            self._task = None
        self.steps.forget()
        self.steps.show_state("passed" if passed else "no_answer_yet", waits=False)
        self._arrange(running=False, passkey=True)
        self.new_token.setVisible(not passed)

    def show_passkey(self, token: PasskeyToken, failed: str) -> None:
        """The steps with *token*; *failed* is what the provider says of the answer before."""
        self.steps.show_token(token, failed)
        self._arrange(running=True, passkey=True)
        self.bring_into_view(self.steps)

    # --- how it is shown

    def _end(self, look: tuple[Tone, str], sentence: str, step: str) -> None:
        self.outcome.show_result(look, sentence, step)
        self._arrange(running=False)
        self.bring_into_view(self.outcome)

    def _show_chooser(self, _checked: bool = False) -> None:
        self._conclusion = None
        self._arrange(running=False, choosing=True)
        self.choices[self._trouble].setFocus()

    def _arrange(self, *, running: bool, choosing: bool = False, passkey: bool = False) -> None:
        focused = self.focusWidget()
        conclusion = self._conclusion
        wanted = conclusion.action if conclusion is not None else None
        self._chooser.setVisible(choosing)
        self._rows.setVisible(not choosing)
        self.outcome.setVisible((not running and not choosing) or passkey)
        self.steps.setVisible(passkey)
        self.cancel.setVisible(running and not passkey)
        self.close_button.setVisible(not running or passkey)
        self.other.setVisible(not running and not choosing)
        self.again.setVisible(not running and not choosing and not passkey)
        self.new_token.setVisible(False)
        self.begin.setVisible(choosing)
        self.act.setVisible(not running and not choosing and wanted is not None)
        if wanted is not None:
            label, line = action(wanted)
            self.act.setText(label)
            self.act.setAccessibleDescription(line)
        if not choosing and (focused is None or not focused.isVisible()):
            self._focusable(running=running, passkey=passkey).setFocus()

    def _focusable(self, *, running: bool, passkey: bool) -> QPushButton:
        return self.cancel if running and not passkey else self.close_button

    def _stop(self, _checked: bool = False) -> None:
        if self._task is not None:
            self._task.cancel()

    def _act(self, _checked: bool = False) -> None:
        if self._conclusion is not None:
            self.wanted = self._conclusion.action
        self.accept()
