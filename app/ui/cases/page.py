"""The page of cases: bans, refused and uncertain messages, failed tests; with owner and due time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final

from PySide6.QtCore import (
    QObject,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QShowEvent
from PySide6.QtWidgets import (
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.case_service import CaseService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.domain.cases import Case, CaseId
from app.domain.events import CasesChanged
from app.domain.mentorado import MentoradoId
from app.domain.repositories import Clock
from app.text import cases as case_text
from app.text.status import date_time, texts
from app.ui.async_slots import async_slot, until_destroyed
from app.ui.navigation import Page
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, vbox
from app.ui.widgets.list_and_pane import ListAndPane
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.split_view import SidePane
from app.ui.widgets.tables import SIDE, RowDelegate, RowsModel

_HEIGHT, _ICON, _GAP = 64, 20, 14
_MINUTE: Final = 60_000


class CaseFilter(StrEnum):
    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    DUE = "due"
    CLOSED = "closed"


class CaseModel(RowsModel[Case]):
    """The listed cases, in order."""

    def __init__(self, name_of: Callable[[MentoradoId], str], clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name_of = name_of
        self._clock = clock

    def key(self, row: Case) -> CaseId:
        return row.id

    def title(self, row: Case) -> str:
        return self._name_of(row.mentorado_id)

    def description(self, row: Case) -> str:
        owner, due = case_text.owner(row), case_text.due(row, self._clock.now())
        return texts("cases.row", kind=case_text.kind(row), name=self.title(row), owner=owner, due=due)

    def painted(self, row: Case) -> object:
        now = self._clock.now()
        return row, self.title(row), case_text.owner(row), case_text.due(row, now), row.is_due(now)


class CaseDelegate(RowDelegate):
    """Paints a case: kind and mentorado, with owner and due time on the right."""

    HEIGHT = _HEIGHT

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, tuple)  # noqa: S101 - Qt hands it through as any object
        case, name, owner, due, is_due = row
        colours, side = self._colours, self._theme.px(_ICON)
        middle, step = self.row_height / 2, self._theme.px(10)
        colour = colours.danger_text if is_due else colours.text2
        self._sign(painter, case_text.ICON[case.kind], colour, side, SIDE, middle)
        left, right = SIDE + side + _GAP, width - SIDE
        metrics = QFontMetricsF(self._tiny_font)
        room = max(metrics.horizontalAdvance(due), metrics.horizontalAdvance(owner))
        for words, tone, at in ((due, colour, middle - step), (owner, colours.text2, middle + step)):
            self._line(painter, words, self._tiny_font, tone, right - metrics.horizontalAdvance(words), at, room + 1)
        words_room = right - left - room - _GAP
        self._line(painter, name, self._title_font, colours.text, left, middle - step, words_room)
        self._line(painter, case_text.kind(case), self._small_font, colours.text2, left, middle + step, words_room)


class CaseView(SidePane):
    """One case with its evidence, first step, notes and actions."""

    taken = Signal()
    given_back = Signal()
    postponed = Signal()
    noted = Signal(str)
    closed = Signal(str)
    mentorado_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.kind = ScaledLabel(theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        self.kind.setWordWrap(True)
        self.name = QPushButton()
        self.name.setProperty("role", "link")
        self.name.clicked.connect(self.mentorado_requested)
        self.when = text_label(role="caption", selectable=True)
        self.step = text_label(selectable=True)
        self.facts, self.notes = (text_label(role="secondary", selectable=True) for _ in range(2))
        self.facts_head, self.notes_head = (ScaledLabel(theme, t.TEXT_SMALL, QFont.Weight.DemiBold) for _ in range(2))
        self.field = QPlainTextEdit(tabChangesFocus=True)
        self.field.textChanged.connect(self._on_typed)
        self.take, self.give_back, self.postpone, self.note, self.close_button = (QPushButton() for _ in range(5))
        self.close_button.setProperty("role", "primary")
        self.take.clicked.connect(self.taken)
        self.give_back.clicked.connect(self.given_back)
        self.postpone.clicked.connect(self.postponed)
        self.note.clicked.connect(lambda: self.noted.emit(self.field.toPlainText()))
        self.close_button.clicked.connect(lambda: self.closed.emit(self.field.toPlainText()))
        column = vbox(margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_4), spacing=t.SPACE_3)
        for part in (self.kind, self.name, self.when, self.step):
            column.addWidget(part)
        column.setAlignment(self.name, Qt.AlignmentFlag.AlignLeft)
        who = FlowLayout(spacing=t.SPACE_2)
        for button in (self.take, self.give_back, self.postpone):
            who.addWidget(button)
        column.addLayout(who)
        for part in (self.facts_head, self.facts, self.notes_head, self.notes):
            column.addWidget(part)
        column.addWidget(self.field)
        row = hbox(self.note, self.close_button, spacing=t.SPACE_2)
        row.addStretch(1)
        column.addLayout(row)
        column.addStretch(1)
        self.fill(column)

    def show_case(self, case: Case, name: str, operator: str, clock: Clock) -> None:
        """Show *case* of the mentorado called *name* to *operator*."""
        now = clock.now()
        today = now.astimezone().date()
        self.kind.setText(case_text.kind(case))
        self.name.setText(name)
        self.name.setAccessibleName(f"{texts('cases.show')}: {name}")
        self.name.setToolTip(texts("cases.show"))
        looked_after = texts("cases.owner", owner=case.owner) if case.owner else texts("cases.no_owner")
        self.when.setText(" · ".join((case_text.opened(case, today), case_text.due(case, now), looked_after)))
        self.step.setText(case_text.step(case))
        facts = case_text.facts(case)
        self.facts_head.setText(texts("cases.evidence"))
        self.facts.setText("\n".join(f"{name}: {value}" for name, value in facts))
        for part in (self.facts_head, self.facts):
            part.setVisible(bool(facts))
        self.notes_head.setText(texts("cases.notes"))
        written = [f"{note.text}\n{_by(note.author, date_time(note.at.astimezone(), today))}" for note in case.notes]
        self.notes.setText("\n\n".join(written) or texts("cases.no_notes"))
        self.take.setText(texts("cases.take"))
        self.take.setVisible(case.is_open and case.owner != operator)
        self.give_back.setText(texts("cases.give_back"))
        self.give_back.setVisible(case.is_open and case.owner == operator)
        self.postpone.setText(texts("cases.tomorrow"))
        self.note.setText(texts("cases.note"))
        self.close_button.setText(texts("cases.close"))
        self.field.setPlaceholderText(texts("cases.note_field"))
        self.field.setAccessibleName(texts("cases.note_field"))
        self.field.setFixedHeight(self._theme.px(84))
        for widget in (self.postpone, self.note, self.close_button, self.field):
            widget.setVisible(case.is_open)
        self._on_typed()

    def _on_typed(self) -> None:
        """Enable the buttons that need a note."""
        written = bool(self.field.toPlainText().strip())
        self.note.setEnabled(written)
        self.close_button.setEnabled(written)


def _by(author: str, when: str) -> str:
    return texts("cases.note_by", author=author, when=when)


class CasesPage(Page):
    """The list with its filters, and the selected case beside it. *show_mentorado* opens its mentorado."""

    def __init__(
        self,
        *,
        theme: Theme,
        bus: EventBus,
        cases: CaseService,
        mentorados: MentoradoService,
        clock: Clock,
        show_mentorado: Callable[[MentoradoId], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, parent)
        self._cases = cases
        self._name_of = mentorados.name_of
        self._clock = clock
        self._show_mentorado = show_mentorado
        self._closed: Sequence[Case] = ()
        self._drafts: dict[CaseId, str] = {}
        self.filter = SegmentedControl(theme, list(CaseFilter))
        self.filter.choose(CaseFilter.OPEN)
        self.filter.picked.connect(self._on_filter)
        self.model = CaseModel(self._name_of, clock, self)
        self.view = CaseView(theme)
        self.view.taken.connect(lambda: self._do(cases.take))
        self.view.given_back.connect(lambda: self._do(partial(cases.assign, owner="")))
        self.view.postponed.connect(lambda: self._do(self._postpone))
        self.view.noted.connect(lambda text: self._do(partial(cases.add_note, text=text), written=True))
        self.view.closed.connect(lambda text: self._do(partial(cases.close, text=text), written=True))
        self.view.mentorado_requested.connect(self._on_mentorado)
        self._empty = EmptyState(theme, "shield-check", "")
        self.split = ListAndPane(theme, self.model, CaseDelegate(theme), self._empty, self.view, self._show)
        self.list = self.split.list
        self._written_of: CaseId | None = None  # whose note the field holds
        top = QVBoxLayout()
        top.setContentsMargins(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_3)
        top.addWidget(self.filter)
        self.column.addLayout(top)
        self.column.addWidget(self.split, 1)
        self.while_shown(_MINUTE, self.refresh)
        until_destroyed(self, bus.subscribe(CasesChanged, lambda _event: self._on_changed()))
        self.restyle()

    # --- what is shown

    def refresh(self) -> None:
        """Reload the list, keeping the selection."""
        wanted = {
            CaseFilter.OPEN: lambda _case: True,
            CaseFilter.MINE: lambda case: case.owner == self._cases.operator,
            CaseFilter.UNASSIGNED: lambda case: not case.owner,
            CaseFilter.DUE: lambda case: case.is_due(self._clock.now()),
        }
        chosen = self.filter.chosen
        found = self._closed if chosen is CaseFilter.CLOSED else self._cases.open_cases
        matches = wanted.get(chosen, lambda _case: True) if isinstance(chosen, CaseFilter) else lambda _case: True
        self.model.show_rows([case for case in found if matches(case)])
        count = len(self._cases.open_cases)
        self.set_title(texts("cases.title"), texts.plural("cases.summary", count))
        self.split.refresh()

    def _show(self, case: Case) -> None:
        if case.id != self._written_of:
            if self._written_of is not None:
                self._drafts[self._written_of] = self.view.field.toPlainText()
            self._written_of = case.id
            self.view.field.setPlainText(self._drafts.get(case.id, ""))
        self.view.show_case(case, self._name_of(case.mentorado_id), self._cases.operator, self._clock)

    def _on_changed(self) -> None:
        if self.filter.chosen is CaseFilter.CLOSED:
            self._read_closed()
        else:
            self.refresh()

    def _on_filter(self, chosen: CaseFilter) -> None:
        self.split.close_side_panel()
        if chosen is CaseFilter.CLOSED:
            self._read_closed()
        else:
            self.refresh()

    @async_slot
    async def _read_closed(self) -> None:
        self._closed = await self._cases.closed_cases()
        self.refresh()

    # --- what a person does

    @async_slot
    async def _do(self, act: Callable[..., Any], *, written: bool = False) -> None:
        """Run *act* on the shown case; clear the field when the *written* note was stored."""
        case = self.split.row
        if case is None:
            return
        await act(case.id)
        if written:
            self._drafts.pop(case.id, None)
            if self._written_of == case.id:
                self.view.field.clear()
        self.refresh()

    async def _postpone(self, case_id: CaseId) -> None:
        await self._cases.set_due(case_id, self._clock.now() + timedelta(days=1))

    def _on_mentorado(self) -> None:
        if (case := self.split.row) is not None:
            self._show_mentorado(case.mentorado_id)

    # --- what the window asks of a page

    def take_focus(self) -> None:
        if self.model.rowCount():
            self.list.enter()
        else:
            self.filter.take_focus()

    def retranslate(self) -> None:
        super().retranslate()
        self.filter.set_text(texts("cases.filter"), [texts(f"cases.filters.{each}") for each in CaseFilter])
        self.list.setAccessibleName(texts("cases.title"))
        self.list.setAccessibleDescription(texts("cases.keys"))
        self._empty.show_message(texts("cases.empty"), texts("cases.empty_line"), "")
        self.refresh()

    @property
    def has_way_back(self) -> bool:
        return self.split.side_panel_open

    def put_away(self) -> None:
        self.split.close_side_panel()
        self.take_focus()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
