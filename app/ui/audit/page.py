"""The audit page: the entries, and the verification that none was altered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFont, QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QWidget,
)

from app.core.audit_service import AuditService
from app.domain.audit import AuditAction, AuditRecord
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.names import visible
from app.domain.repositories import AuditLog, Clock
from app.formats.audit_export import ExportFile, Format
from app.text import audit as audit_text
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.audit.filters import FilterBar
from app.ui.audit.model import AuditModel, AuditQuery, AuditRow, search_text
from app.ui.audit.table import EntryTable
from app.ui.audit.verification_card import Verdict, VerificationCard
from app.ui.dialogs.base import ScrollDialog
from app.ui.dialogs.files import SaveDialog
from app.ui.navigation import Page
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon
from app.ui.theme.theme import (
    SPACE_2,
    SPACE_4,
    TEXT_SMALL,
    Theme,
)
from app.ui.widgets.action_menu import pop_up
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import vbox
from app.ui.widgets.placeholders import EmptyState

_WIDTH = 560
_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


class EntryDialog(ScrollDialog):
    """Shows one entry, which can be copied, and taken back where there is *undo*. Esc closes it."""

    def __init__(self, line: AuditRow, theme: Theme, over: QWidget, undo: Callable[[], None] | None = None) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self._rows = _rows(line)
        self.set_title(texts("audit.entry.title", number=audit_text.number(line.entry.number)))
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE_4)
        grid.setVerticalSpacing(SPACE_2)
        grid.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(self._rows):
            label = ScaledLabel(theme, TEXT_SMALL, QFont.Weight.DemiBold, wraps=False)
            label.setText(name)
            value_label = text_label(_breakable(value), "secondary")
            value_label.setTextInteractionFlags(_SELECTABLE)
            value_label.setAccessibleName(f"{name}: {value}")
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value_label, row, 1)
        self.inside.addLayout(grid)
        if undo is not None:
            self.undo = self.add_button(texts("window.undo"))
            self.undo.clicked.connect(self.accept)
            self.undo.clicked.connect(lambda _checked=False: undo())
        self._copy = self.add_button(texts("audit.entry.copy"))
        self._copy.clicked.connect(self._on_copy)
        close = self.add_button(texts("dialog.close"), "primary")
        close.clicked.connect(self.accept)
        close.setAutoDefault(True)
        close.setFocus()

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(f"{name}: {value}" for name, value in self._rows))
        self._copy.setText(texts("audit.copied"))


def _rows(line: AuditRow) -> list[tuple[str, str]]:
    entry, record = line.entry, line.entry.record
    before = ", ".join(f"{name}: {value}" for name, value in record.before.items())
    after = ", ".join(f"{name}: {value}" for name, value in record.after.items())
    rows = (
        ("when", audit_text.exact_time(record.at)),
        ("who", line.who),
        ("what", f"{line.what} ({record.action})"),
        ("whom", audit_text.subject_label(record)),
        ("outcome", line.outcome),
        ("change", audit_text.change(record)),
        ("before", before),
        ("after", after),
        ("reason", line.reason),
        ("previous_hash", entry.previous_hash),
        ("hash", entry.hash),
    )
    return [(texts(f"audit.column.{name}"), visible(value)) for name, value in rows if value]


def _breakable(value: str) -> str:
    """Insert break opportunities into a hash."""
    if len(value) != 64 or " " in value:
        return value
    return f"{value[:32]}\n{value[32:]}"


def save_dialog(over: QWidget, today: date) -> SaveDialog:
    kinds = {Format.CSV.value: texts("audit.csv"), Format.JSON.value: texts("audit.json")}
    return SaveDialog(over, texts("audit.export"), f"{texts('audit.file_name')}-{today:%Y-%m-%d}", kinds)


async def save(reading: AuditQuery, file: Path, now: datetime, tell: Callable[[int], None]) -> int:
    """Write all entries that *reading* finds to *file*, reporting progress; return their number."""
    form = Format.JSON if file.suffix.lower() == f".{Format.JSON}" else Format.CSV
    with ExportFile(file, form, now) as target:
        while not reading.ended:
            entries = await reading.next()
            await asyncio.to_thread(target.add, entries)
            tell(target.count)
    return target.count


_ICON = 18


def entry_menu(
    parent: QWidget,
    theme: Theme,
    line: AuditRow,
    *,
    show: Callable[[AuditRow], None],
    only: Callable[[MentoradoId], None],
) -> QMenu:
    """Build the context menu: open the entry, or filter by its mentorado."""
    menu, record, colours = QMenu(parent), line.entry.record, theme.tokens
    menu.addAction(icon("ledger", colours.text2, theme.px(_ICON)), texts("audit.entry.open")).triggered.connect(
        lambda: show(line)
    )
    mentorado_id = record.mentorado_id
    if mentorado_id is not None:
        name = record.subject.replace("&", "&&")  # else a menu takes it for the key of the letter behind it
        narrow = menu.addAction(icon("filter", colours.text2, theme.px(_ICON)), texts("audit.entry.only", name=name))
        narrow.triggered.connect(lambda: only(mentorado_id))
    return menu


LOOK_AGAIN_MILLISECONDS = 5_000
"""Milliseconds between polls for new entries."""

_AT_ONCE = 60


class AuditPage(Page):
    """Shows the entries of *audit*; *people* returns the mentorados to filter by. *undo_of* takes a change back."""

    NARROW = 720

    def __init__(
        self,
        *,
        theme: Theme,
        audit: AuditLog,
        people: Callable[[], Iterable[Mentorado]],
        audit_service: AuditService,
        clock: Clock,
        undo_of: Callable[[AuditRecord], Callable[[], None] | None] = lambda _record: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, parent)
        self._undo_of = undo_of
        self._audit = audit
        self._audit_service = audit_service
        self._clock = clock
        self._newest = 0
        self._busy = False
        self.model = AuditModel(self._today, self)
        self.table = EntryTable(self.model, theme)
        self.filters = FilterBar(theme, people)
        self.verdict = VerificationCard(theme)
        self.verify_button = QPushButton()
        self.verify_button.setProperty("role", "primary")
        self.export_button = QPushButton()
        self.add_tool(self.export_button, "download")
        self.add_tool(self.verify_button, "shield-check")
        self._reading = self._new_query()

        top = vbox(self.filters, self.verdict, margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_3), spacing=t.SPACE_3)
        self._nothing = EmptyState(theme, "ledger", "")
        self._nothing.pressed.connect(self.filters.clear)
        self._loading = EmptyState(theme, "clock", "")
        self._stack = QStackedLayout()
        self.column.addLayout(top)
        self.column.addLayout(self._stack, 1)  # before it has parts: without a parent the first is a window of its own
        for part in (self._loading, self.table, self._nothing):
            part.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)  # never squeezes what is above
            self._stack.addWidget(part)

        self._again = self.while_shown(LOOK_AGAIN_MILLISECONDS, self.look_for_newer)
        self.verify_button.clicked.connect(self.verify)
        self.export_button.clicked.connect(self.export)
        self.filters.changed.connect(self.read_anew)
        self.filters.search.left_downwards.connect(self.take_focus)
        self.model.more_requested.connect(self.read_on)
        self.table.opened.connect(self._show_entry)
        self.table.menu_requested.connect(self._show_menu)
        self.verdict.entry_requested.connect(self.go_to)
        self.verdict.dismissed.connect(self.take_focus)
        self.restyle()

    # --- what a person asks for

    @async_slot
    async def read_anew(self) -> None:
        """Read the audit log from its end, with the current filter."""
        self._reading = reading = self._new_query()
        self.model.clear()
        await self._fill(reading)

    @async_slot
    async def read_on(self) -> None:
        """Load more, after scrolling to the last entry."""
        await self._fill(self._reading)

    @async_slot
    async def look_for_newer(self) -> None:
        """Prepend entries added since."""
        reading = self._reading
        if self._busy or reading.newest is None:
            return
        entries = await self._audit.entries(limit=_AT_ONCE)
        new = [entry for entry in entries if entry.number > self._newest]
        if reading is not self._reading or not new:
            return
        if len(new) == len(entries):  # there may be others between: begin anew
            self.read_anew()
            return
        self._newest = new[0].number
        self.model.add_newer([entry for entry in new if reading.matches(entry)])
        self._show_what_there_is()

    @async_slot
    async def verify(self, _checked: bool = False) -> None:
        """Verify the whole chain and show the result."""
        self.verify_button.setEnabled(False)
        self.verdict.show_running(self._newest)
        try:
            verified = await self._audit.verification()
            broken = verified.broken
            last = None if broken else next(iter(await self._audit.entries(limit=1)), None)
        except BaseException:
            self.verdict.give_up()
            raise
        finally:
            self.verify_button.setEnabled(True)
        self.model.mark_broken(broken.number if broken else None)
        self.verdict.show_verdict(Verdict(self._clock.now(), verified, last))

    @async_slot
    async def go_to(self, number: int) -> None:
        """Scroll to the entry that fails verification, or to the next one where it is missing."""
        self.filters.reset()
        self._reading = reading = self._new_query()
        self.model.clear()
        while not self.table.show_number(number) and reading is self._reading and not reading.ended:
            await self._fill(reading)
        self.table.setFocus(Qt.FocusReason.TabFocusReason)

    @async_slot
    async def export(self, _checked: bool = False) -> None:
        """Choose a file, and export the filtered entries."""
        if (file := await save_dialog(self, self._today()).choose()) is not None:
            await self.export_to(file)

    async def export_to(self, file: Path) -> None:
        """Export all entries that match the filter to *file*, show their number, and audit the export."""
        self.export_button.setEnabled(False)
        written = {"file": file.name}
        try:
            async with self._audit_service.around(AuditAction.EXPORT_AUDIT, after=lambda: written):
                count = await save(self._new_query(), file, self._clock.now(), self._say_progress)
                written["entries"] = str(count)
        finally:
            self.export_button.setEnabled(True)
        self._summarise(texts.plural("audit.exported", count, n=audit_text.number(count), file=file.name))

    # --- what the window asks of a page

    def take_focus(self) -> None:
        shown: QWidget = self.table if self._stack.currentWidget() is self.table else self.filters.search
        shown.setFocus(Qt.FocusReason.OtherFocusReason)

    def begin_search(self) -> None:
        self.filters.search.take_focus()

    def retranslate(self) -> None:
        super().retranslate()
        self.set_title(texts("audit.title"), texts("audit.summary_loading"))
        self.verify_button.setText(texts("audit.verify.short" if self.narrow else "audit.verify.button"))
        self.verify_button.setAccessibleName(texts("audit.verify.button"))
        self.verify_button.setToolTip(texts("audit.verify.tip"))
        self.export_button.setText(texts("audit.export"))
        self.export_button.setAccessibleName(texts("audit.export"))
        self.export_button.setToolTip(texts("audit.export_tip"))
        self.table.setAccessibleName(texts("audit.title"))
        self.table.setAccessibleDescription(texts("audit.keys"))
        self._loading.show_message(texts("audit.loading"), "", "")
        for part in (self.filters, self.verdict, self.model):
            part.retranslate()
        self._show_what_there_is()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        (self.look_for_newer if self._reading.newest is not None else self.read_anew)()

    # --- reading

    def _new_query(self) -> AuditQuery:
        return AuditQuery(self._audit, self.filters.wanted, self._clock.now(), search_text)

    async def _fill(self, reading: AuditQuery) -> None:
        """Read until the view is full or the log ends; a newer read cancels this one."""
        self._busy, found = True, 0
        try:
            while reading is self._reading and found < _AT_ONCE and not reading.ended:
                entries = await reading.next()
                if reading is not self._reading:
                    return
                self._newest = max(self._newest, reading.newest or 0)
                found += len(entries)
                self.model.add_older(entries, more=not reading.ended and found >= _AT_ONCE)
                self._show_what_there_is()
        except Problem as problem:
            if problem.code is not ProblemCode.AUDIT_UNREADABLE:
                raise
            reading.ended = True
            self._show_what_there_is(unreadable=True)
        finally:
            self._busy = False

    def _show_what_there_is(self, *, unreadable: bool = False) -> None:
        narrowed = self.filters.wanted.narrows
        page: QWidget = self.table
        if unreadable and not self.model.rowCount():
            page = self._nothing
            self._nothing.show_message(texts("audit.unreadable"), texts("audit.unreadable_line"), "")
        elif self._reading.newest is None or not (self.model.rowCount() or self._reading.ended):
            page = self._loading
        elif not self.model.rowCount():
            page = self._nothing
            if narrowed:
                self._nothing.show_message(
                    texts("audit.not_found"), texts("audit.not_found_line"), texts("audit.filter.clear")
                )
            else:
                self._nothing.show_message(texts("audit.nothing"), texts("audit.nothing_line"), "")
        self._stack.setCurrentWidget(page)
        self.export_button.setEnabled(self.model.rowCount() > 0)
        self._summarise()

    def _say_progress(self, count: int) -> None:
        self._summarise(texts.plural("audit.exporting", count, n=audit_text.number(count)))

    def _summarise(self, words_: str = "") -> None:
        if not words_ and self._reading.newest is not None:
            words_ = texts.plural("audit.entries", self._newest, n=audit_text.number(self._newest))
        self.set_title(texts("audit.title"), words_ or texts("audit.summary_loading"))

    # --- one entry

    def _show_entry(self, line: AuditRow) -> None:
        EntryDialog(line, self._theme, self, self._undo_of(line.entry.record)).open()

    def _show_menu(self, line: AuditRow, where: QPoint) -> None:
        pop_up(self.entry_menu(line), where)

    def entry_menu(self, line: AuditRow) -> QMenu:
        """The context menu of an entry."""
        return entry_menu(self, self._theme, line, show=self._show_entry, only=self.filters.only)

    def _today(self) -> date:
        return self._clock.now().astimezone().date()
