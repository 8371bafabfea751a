"""A switch that was approved: its state and what to do next, its waves, and one mentorado beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QFont, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QLabel, QPushButton, QWidget

from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.procedures.service import ProcedureService
from app.core.provider_switch.service import SwitchService
from app.domain.errors import Problem
from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind
from app.domain.procedure import Procedure, ProcedureState
from app.domain.repositories import Clock
from app.domain.switch import SwitchItem, SwitchItemState, SwitchPause, SwitchRun, SwitchRunId, SwitchState
from app.text import switch as switch_text
from app.text import switch_run as run_text
from app.text.signs import Tone
from app.text.status import provider, texts
from app.ui.switches.cards import Card, Wave, WaveBoard
from app.ui.switches.item_pane import ItemPane, ItemView, ScanPanel, waits_for_phone
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.labels import Badge, ScaledLabel, set_role, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, set_beside, vbox
from app.ui.widgets.split_view import SplitView, scrolled
from app.ui.widgets.tables import paint_shares

_S = SwitchItemState
_SOON = 40
"""Milliseconds in which changes are gathered, so that many at once are painted once."""

_LEAST_HEIGHT = 240
"""What the waves and the mentorado beside them have at least; where that is too much, the whole board scrolls."""

_BY_TAB = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
_BAR = 6
_BUTTONS_PART = 0.55
"""Of the width, as much as buttons beside words may take."""


class BoardFilter(StrEnum):
    ALL = "all"
    FAILED = "failed"
    KEPT = "kept"


_WANTED = {
    BoardFilter.ALL: frozenset(_S),
    BoardFilter.FAILED: frozenset({_S.FAILED, _S.ROLLED_BACK, _S.LEFT_OUT}),
    BoardFilter.KEPT: frozenset({_S.SWITCHED}),
}


def paint_progress(painter: QPainter, rect: QRect, run: SwitchRun, theme: Theme) -> None:
    """A bar of who was switched, is under way, and failed, of all."""
    colours = theme.tokens
    parts = (
        (run_text.DONE, colours.accent),
        ((_S.RUNNING,), colours.badge[Tone.PROGRESS].fg),
        ((_S.FAILED,), colours.danger),
        ((_S.ROLLED_BACK, _S.LEFT_OUT), colours.border_strong),
    )
    shares = ((run.count(*states), colour) for states, colour in parts)
    paint_shares(painter, rect, colours.border, shares, len(run.items))


class SwitchProgressBar(QWidget):
    """The same bar as in the list."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._run: SwitchRun | None = None
        self.setFixedHeight(_BAR)

    def show_run(self, run: SwitchRun) -> None:
        if run != self._run:
            self._run = run
            self.setAccessibleName(run_text.progress(run))
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._run is not None:
            painter = QPainter(self)
            paint_progress(painter, self.rect(), self._run, self._theme)
            painter.end()


class RunHead(QFrame):
    """The state of a run in words, what to do next, and the buttons."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._announced: tuple[SwitchRunId, SwitchState, SwitchPause | None] | None = None
        self.setProperty("role", "header")
        self.badge = Badge(theme)
        self.sentence = ScaledLabel(theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        self.next = text_label()
        self.bar = SwitchProgressBar(theme)
        self.second, self.resume, self.retry, self.release, self.pause, self.stop, self.show_code, self.decide = (
            QPushButton() for _ in range(8)
        )
        for button in (self.second, self.resume, self.show_code, self.decide):
            button.setProperty("role", "primary")
        words = vbox(spacing=t.SPACE_1 // 2)
        first = hbox(spacing=t.SPACE_3)
        first.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignTop)
        first.addWidget(self.sentence, 1)
        words.addLayout(first)
        words.addWidget(self.next)
        self.buttons = QWidget()
        row = FlowLayout(self.buttons, spacing=t.SPACE_2)
        for button in self._all:
            row.addWidget(button)
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._both.setSpacing(t.SPACE_3)
        self._both.addLayout(words, 1)
        self._both.addWidget(self.buttons)
        column = vbox(self._both, inside=self, margins=(t.SPACE_6, t.SPACE_3, t.SPACE_6, t.SPACE_3), spacing=t.SPACE_3)
        column.addWidget(self.bar)

    @property
    def _all(self) -> Sequence[QPushButton]:
        """The buttons in their order."""
        return (
            self.show_code,
            self.decide,
            self.second,
            self.resume,
            self.pause,
            self.retry,
            self.release,
            self.stop,
        )

    def show_run(self, run: SwitchRun, now: datetime, context: run_text.RunContext, *, code_hidden: bool) -> None:
        sentence, step = run_text.sentence(run, now, context)
        self.badge.show_badge(*run_text.look(run, context), switch_text.state(run))
        self.sentence.setText(sentence)
        was, self._announced = self._announced, (run.id, run.state, run.pause)
        if was is not None and was[0] == run.id and was != self._announced:  # and not when another is looked at
            announce(self.sentence, f"{sentence} {step}")
        self.next.setText(step)
        self.bar.show_run(run)
        failed, due = len(run_text.to_retry(run, context)), len(run_text.due(run, now, context))
        undecided = bool(context.stuck) or any(item.awaits_decision for item in run.items)
        shown = {
            self.decide: undecided,
            self.show_code: code_hidden,
            self.second: run.state is SwitchState.AWAITING_SECOND,
            self.resume: run.state is SwitchState.PAUSED,
            self.pause: run.state is SwitchState.RUNNING or run.pause_until is not None,
            self.retry: failed > 0 and run.state in (SwitchState.PAUSED, SwitchState.FINISHED),
            self.release: due > 0,
            self.stop: run.is_open,
        }
        words = {
            self.decide: texts("switches.decide"),
            self.show_code: texts("switches.show_code"),
            self.second: texts("switches.approve_second"),
            self.resume: texts("switches.resume"),
            self.pause: texts("switches.pause"),
            self.retry: texts.plural("switches.retry", failed),
            self.release: texts.plural("switches.release_due", due),
            self.stop: texts("switches.stop"),
        }
        for button, text in words.items():
            if button.text() != text:
                button.setText(text)
        for button, visible in shown.items():
            if button.isHidden() is visible:
                button.setVisible(visible)
        if self.resume.property("role") != (role := "" if undecided else "primary"):
            set_role(self.resume, role)
        self.buttons.setVisible(any(shown.values()))
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """The buttons beside the words, or below them where that would leave the words too little room."""
        set_beside(self._both, self.buttons.sizeHint().width() <= self.width() * _BUTTONS_PART)


class SwitchBoard(QWidget):
    """One run. Each `SwitchService` event changes only what it is about."""

    back_requested = Signal(object)
    release_requested = Signal(object)
    open_requested = Signal(object)
    credentials_requested = Signal(object)
    """Each carries the id of a mentorado."""

    def __init__(
        self,
        theme: Theme,
        *,
        switches: SwitchService,
        procedures: ProcedureService,
        supervisor: Supervisor,
        mentorados: MentoradoService,
        clock: Clock,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._switches = switches
        self._procedures = procedures
        self._supervisor = supervisor
        self._mentorados = mentorados
        self._name_of = mentorados.name_of
        self._clock = clock
        self.run_id: SwitchRunId | None = None
        self._picked: MentoradoId | None = None  # by a person; else the one under way is shown
        self.head = RunHead(theme)
        self.filter = SegmentedControl(theme, list(BoardFilter))
        self.filter.choose(BoardFilter.ALL)
        self.filter.picked.connect(lambda _wanted: self.refresh())
        self.waves = WaveBoard(theme)
        self.waves.chosen.connect(self._pick)
        self.waves.walked.connect(self._on_walked)
        self.scan = ScanPanel(theme, clock, supervisor, mentorados)
        self.item = ItemView(theme)
        for signal, out in (
            (self.item.back_requested, self.back_requested),
            (self.item.release_requested, self.release_requested),
            (self.item.open_requested, self.open_requested),
            (self.item.credentials_requested, self.credentials_requested),
        ):
            signal.connect(lambda out=out: out.emit(self.shown))
        self.approved = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText, alignment=Qt.AlignmentFlag.AlignRight)
        self.approved.setProperty("role", "caption")
        left = QWidget()
        top = hbox((self.filter, 3), margins=(t.SPACE_6, t.SPACE_3, t.SPACE_6, t.SPACE_1), spacing=t.SPACE_3)
        top.addWidget(self.approved, 2)
        vbox(top, (self.waves, 1), inside=left)
        self.split = SplitView(left, theme)
        self.pane = ItemPane(theme, self.scan, self.item)
        self.split.set_pane(self.pane)
        whole = QWidget()
        vbox(self.head, (self.split, 1), inside=whole)
        self._area = scrolled(whole)  # a low window has no room for both
        vbox(self._area, inside=self)
        for button in whole.findChildren(QPushButton):
            button.installEventFilter(self)
        self._rescale()
        theme.changed.connect(self._rescale)
        self.head.show_code.clicked.connect(self.split.open_side_panel)
        self.head.decide.clicked.connect(self._open_undecided)
        self.split.side_panel_changed.connect(self._on_arranged)
        self._hidden = False  # whether the side is neither beside the waves nor over them
        self._later = QTimer(self, singleShot=True, interval=_SOON)
        self._later.timeout.connect(self.refresh)

    @property
    def run(self) -> SwitchRun | None:
        return next((each for each in self._switches.runs if each.id == self.run_id), None)

    @property
    def shown(self) -> MentoradoId | None:
        """Who is shown beside the waves."""
        run = self.run
        if run is None:
            return None
        known = [item.mentorado_id for item in run.items]
        if self._picked in known:
            return self._picked
        stuck = self.context_of(run).stuck
        order = sorted(run.items, key=lambda item: _urgency(item, stuck))
        return order[0].mentorado_id if order else None

    def open(self, run_id: SwitchRunId) -> None:
        """Show this one."""
        self.run_id, self._picked = run_id, None
        self.filter.choose(BoardFilter.ALL)
        self.refresh()
        if (shown := self.shown) is not None:
            QTimer.singleShot(0, self, lambda: self.waves.bring_into_view(shown))

    def context_of(self, run: SwitchRun) -> run_text.RunContext:
        """What is known of the mentorados of *run* beside it."""
        elsewhere, busy, stuck = set[MentoradoId](), set[MentoradoId](), set[MentoradoId]()
        for item in run.items:
            if item.state is _S.FAILED and self._provider_of(item) is item.target:
                elsewhere.add(item.mentorado_id)
            if (procedure := self._procedures.active(item.mentorado_id)) is None:
                continue
            busy.add(item.mentorado_id)
            if item.state is _S.SWITCHED and item.is_of(procedure) and procedure.state is ProcedureState.FAILED:
                stuck.add(item.mentorado_id)
        return run_text.RunContext(self._name_of, frozenset(elsewhere), frozenset(busy), frozenset(stuck))

    def refresh_soon(self) -> None:
        """Something about it changed."""
        if self.isVisible() and not self._later.isActive():
            self._later.start()

    def refresh(self) -> None:
        """Show what is true now."""
        run = self.run
        if run is None:
            return
        moving = {item.mentorado_id: self._procedure(item) for item in run.items}
        context = self.context_of(run)
        self.waves.show_waves([*self._waves(run, moving, context)])
        under_way = next((item for item in run.items if item.state is _S.RUNNING), None)
        self.scan.show_item(under_way)
        code_waits = under_way is not None and self._scans(under_way)
        self.head.show_run(run, self._clock.now(), context, code_hidden=code_waits and self._hidden)
        shown = self.shown
        item = next((each for each in run.items if each.mentorado_id == shown), None)
        self.approved.setText(run_text.approved(run, self._clock.now()))
        self.split.set_pane_needed(item is not None)
        if item is not None:
            self.waves.choose(shown)
            procedure, scan = moving[item.mentorado_id], self._scans(item)
            self.item.show_item(run, item, self._mentorado(item), procedure, self._clock, scan=scan, context=context)

    def retranslate(self) -> None:
        self.scan.retranslate()
        self.refresh()
        self.show_counts()

    def show_counts(self) -> None:
        """Say how many each filter would show."""
        run = self.run
        counts = [0 if run is None else run.count(*_WANTED[each]) for each in BoardFilter]
        self.filter.set_text(
            texts("switches.filter_name"),
            [texts(f"switches.filter.{each}", count=count) for each, count in zip(BoardFilter, counts, strict=True)],
        )

    def take_focus(self) -> None:
        self.waves.take_focus()
        if (card := self.waves.focusWidget()) is not None:
            self._area.ensureWidgetVisible(card, 0, 0)

    def _on_arranged(self, side_panel_open: bool) -> None:
        hidden = self.split.narrow and not side_panel_open
        if hidden is not self._hidden:
            self._hidden = hidden
            self.refresh_soon()

    def _show_other(self, mentorado_id: MentoradoId) -> None:
        self._picked = mentorado_id
        self.refresh()

    def _on_walked(self, mentorado_id: MentoradoId) -> None:
        self._show_other(mentorado_id)
        if (card := self.waves.cards.get(mentorado_id)) is not None:
            self._area.ensureWidgetVisible(card, 0, 0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        by_key = isinstance(event, QFocusEvent) and event.gotFocus() and event.reason() in _BY_TAB
        if by_key and isinstance(watched, QWidget):
            self._area.ensureWidgetVisible(watched, 0, t.SPACE_2)  # also where the focus comes from the header
        return super().eventFilter(watched, event)

    def _rescale(self) -> None:
        self.split.setMinimumHeight(self._theme.px(_LEAST_HEIGHT))

    def _pick(self, mentorado_id: MentoradoId) -> None:
        self._show_other(mentorado_id)
        if self.split.narrow:
            self.split.open_side_panel()

    def _procedure(self, item: SwitchItem) -> Procedure | None:
        procedure = self._procedures.active(item.mentorado_id)
        return procedure if procedure is not None and item.is_of(procedure) else None

    def _scans(self, item: SwitchItem) -> bool:
        """Whether the code of the target waits for a phone."""
        if item.to_link is None or item.state is not _S.RUNNING:
            return False
        status = self._supervisor.status(item.to_link)
        return waits_for_phone(status.state, status.qr is not None)

    def _mentorado(self, item: SwitchItem) -> Mentorado:
        return self._mentorados.get(item.mentorado_id)

    def _provider_of(self, item: SwitchItem) -> ProviderKind:
        try:
            return self._mentorado(item).link.provider
        except Problem:  # not of this database any more
            return item.source

    def _open_undecided(self) -> None:
        """Lead to the mentorado who waits for a decision."""
        if (run := self.run) is None:
            return
        stuck = self.context_of(run).stuck
        waiting = (item.mentorado_id for item in run.items if item.awaits_decision or item.mentorado_id in stuck)
        if (found := next(waiting, None)) is not None:
            self.open_requested.emit(found)

    def _waves(
        self, run: SwitchRun, moving: dict[MentoradoId, Procedure | None], context: run_text.RunContext
    ) -> Iterable[Wave]:
        wanted = self.filter.chosen
        states = _WANTED[wanted] if isinstance(wanted, BoardFilter) else frozenset(_S)
        items = sorted(run.items, key=lambda item: (item.wave, item.number))
        for number, group in groupby(items, key=lambda item: item.wave):
            whole = list(group)
            cards = [
                self._card(run, each, moving[each.mentorado_id], context) for each in whole if each.state in states
            ]
            if cards:
                yield Wave(run_text.wave(run, number), _summary(whole), cards)

    def _card(
        self, run: SwitchRun, item: SwitchItem, procedure: Procedure | None, context: run_text.RunContext
    ) -> Card:
        words = run_text.item(run, item, procedure, self._clock.now(), scan=self._scans(item), context=context)
        here = self._provider_of(item)
        return Card(
            mentorado_id=item.mentorado_id,
            name=self._name_of(item.mentorado_id),
            provider=provider(here),
            moved=here is item.target,
            state=words.state,
            line=words.brief,
            tone=words.tone,
            icon=words.icon,
        )


def _urgency(item: SwitchItem, stuck: frozenset[MentoradoId]) -> tuple[bool, ...]:
    """Who is under way comes first, then whose way back is stuck, then who failed."""
    return item.state is not _S.RUNNING, item.mentorado_id not in stuck, item.state is not _S.FAILED


def _summary(items: Sequence[SwitchItem]) -> str:
    """How far a wave is."""
    switched = sum(item.state in run_text.DONE for item in items)
    failed = sum(item.state is _S.FAILED for item in items)
    words = texts("switches.wave_progress", switched=switched, total=len(items))
    return f"{words} · {texts.plural('switches.wave_failed', failed)}" if failed else words
