"""What campaigns and provider switches have in common: a draft, its dry run, what was found, and the approval."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QProgressBar,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.core.mentorado_service import MentoradoService
from app.domain.errors import Problem
from app.ui.async_slots import async_slot
from app.ui.navigation import Page
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.split_view import scrolled
from app.ui.widgets.tables import RowList

_BOTH_WIDTH = 440
"""As wide as a form and what stands beside it are together at least."""

M = TypeVar("M")


class SideText(QFrame):
    """A heading with something below it, beside a form."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "side")
        self._heading = ScaledLabel(theme, t.TEXT_SMALL, QFont.Weight.DemiBold)

    def _lay_out(self, parts: Sequence[QWidget]) -> None:
        content = vbox(self._heading, *parts, margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_4), spacing=t.SPACE_3)
        content.addStretch(1)
        self._area = scrolled(content)
        self._outer = vbox(self._area, inside=self)

    def set_scrolling(self, scrolling: bool) -> None:
        """Whether it scrolls by itself, or is as tall as its words, in something that scrolls."""
        if scrolling is not (self._area.widget() is None):
            return
        if scrolling:
            item = self._outer.takeAt(1)
            if item is not None and (inside := item.widget()) is not None:
                self._area.setWidget(inside)
        else:
            inside = self._area.takeWidget()
            self._outer.addWidget(inside)
            inside.show()
        self._area.setVisible(scrolling)
        for label in self.findChildren(ScaledLabel):
            label.rescale()


class DraftForm(QWidget):
    """Keeps what was written or chosen until `clear`, whatever is shown meanwhile."""

    dry_run_requested = Signal()
    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.run = QPushButton()
        self.run.setProperty("role", "primary")
        self.run.clicked.connect(self.dry_run_requested)
        self._line, self._kept = (text_label(role="caption") for _ in range(2))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it that could be lost."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Follow what was written, and which mentorados there are now."""
        raise NotImplementedError

    def take_focus(self) -> None:
        raise NotImplementedError

    def _lay_out(self, form: QVBoxLayout, beside: SideText) -> None:
        foot, row = footer()
        words = vbox(self._line, self._kept)
        row.addLayout(words, 1)
        row.addWidget(self.run)
        self._form, self._beside, self._both = form, beside, hbox()
        self._area = scrolled(form)
        self._both.addWidget(self._area, 3)
        self._both.addWidget(beside, 2)
        vbox((self._both, 1), foot, inside=self)
        self._theme.changed.connect(self._arrange)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """What stands beside the form goes to its end where there is no room for both."""
        narrow = self.width() < self._theme.px(_BOTH_WIDTH)
        if narrow and self._both.count() > 1:
            self._form.addWidget(self._beside)
            self._beside.set_scrolling(False)
        elif not narrow and self._both.count() == 1:
            self._both.addWidget(self._beside, 2)
            self._beside.set_scrolling(True)


def footer() -> tuple[QFrame, QBoxLayout]:
    """The bar below a page, and the row in it."""
    foot = QFrame()
    foot.setProperty("role", "footer")
    row = QBoxLayout(QBoxLayout.Direction.LeftToRight, foot)
    row.setContentsMargins(t.SPACE_6, t.SPACE_3, t.SPACE_6, t.SPACE_3)
    row.setSpacing(t.SPACE_3)
    return foot, row


class DryRunView(QWidget, Generic[M]):
    """First the progress of a dry run, then what it found."""

    cancelled = Signal()
    again_requested = Signal()
    edit_requested = Signal()
    export_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._done, self._busy = (0, 0), False
        self.made: M | None = None
        """What was found; None while it is being found out."""
        self.problem: Problem | None = None  # why it can be approved no more
        self.export, self.cancel, self.edit, self.again, self.approve = (QPushButton() for _ in range(5))
        self.approve.setProperty("role", "primary")
        self.export.clicked.connect(self.export_requested)
        self.cancel.clicked.connect(self.cancelled)
        self.edit.clicked.connect(self.edit_requested)
        self.again.clicked.connect(self.again_requested)
        self.bar = QProgressBar(textVisible=False)
        self.running = ScaledLabel(theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        self.step = text_label(role="secondary")
        self._stack = QStackedLayout(self)

    def show_running(self) -> None:
        """A dry run begins."""
        self.made, self.problem, self._done = None, None, (0, 0)
        self._show()
        self.cancel.setFocus()

    def show_progress(self, done: int, total: int) -> None:
        self._done = done, total
        self._show()

    def show_dry_run(self, made: M) -> None:
        """It is done: show what it found."""
        raise NotImplementedError

    def show_refused(self, refused: Problem) -> None:
        """The world changed since: this dry run cannot be approved any more, but a new one."""
        self.problem, self._busy = refused, False
        self._show()
        self.again.setFocus()

    def set_busy(self, busy: bool) -> None:
        """Whether the approval is being checked."""
        self._busy = busy
        self._show()

    def _progress(self, done: int, total: int) -> str:
        """How far it is, in words."""
        raise NotImplementedError

    def _show_found(self) -> None:
        """Show `made`, what it came to, and what can be done with it."""
        raise NotImplementedError

    def _show(self) -> None:
        self._stack.setCurrentIndex(0 if self.made is None else 1)
        done, total = self._done
        self.bar.setMaximum(max(total, 1))
        self.bar.setValue(done)
        self.step.setText(self._progress(done, total) if total else "")
        if self.made is not None:
            self._show_found()

    def _lay_out(self, found: QWidget) -> None:
        progress = QWidget()
        column = vbox(inside=progress, margins=(t.SPACE_8, t.SPACE_8, t.SPACE_8, t.SPACE_8), spacing=t.SPACE_3)
        column.addStretch(1)
        for widget in (self.running, self.bar, self.step):
            column.addWidget(widget)
        column.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(2)
        self._stack.addWidget(progress)
        self._stack.addWidget(found)


class DraftPage(Page):
    """A page of which one part is shown at a time: the home of it with a list, a draft, its dry run, and others."""

    def __init__(self, theme: Theme, mentorados: MentoradoService, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._mentorados = mentorados
        self._name_of = mentorados.name_of
        self._planning: asyncio.Task[object] | None = None
        self._exported = ""  # what was written to a file, until something else is shown
        self.back, self.new_button = QPushButton(), QPushButton()
        self.new_button.setProperty("role", "primary")
        self.back.clicked.connect(self.go_back)
        self.new_button.clicked.connect(self.compose)
        for button, sign in ((self.back, "arrow-left"), (self.new_button, "plus")):
            self.add_tool(button, sign)
        self._parts = QStackedLayout()
        self.column.addLayout(self._parts, 1)  # before it has parts: without a parent the first is a window of its own

    def _lay_out(
        self,
        home: QWidget,
        draft: DraftForm,
        report: DryRunView[Any],
        *others: QWidget,
        rows: RowList,
        empty: EmptyState,
        dry_run: Callable[[Callable[[int, int], None]], Awaitable[Any]],
    ) -> None:
        """*dry_run* finds out what the draft would do, and tells how far it is; it raises what is wrong with it."""
        self._home, self._draft, self._report = home, draft, report
        self._rows, self._empty, self._find_out = rows, empty, dry_run
        empty.pressed.connect(self.compose)
        draft.dry_run_requested.connect(self._dry_run)
        draft.changed.connect(self._show_header)
        report.cancelled.connect(self._cancel)
        report.again_requested.connect(self._dry_run)
        report.edit_requested.connect(self.compose)
        for part in (home, draft, report, *others):
            self._parts.addWidget(part)

    def _show_header(self) -> None:
        """Show the title, and the buttons that the part which is shown has a use for."""
        at_home = self._here is self._home
        self.back.setVisible(not at_home)
        self.new_button.setVisible(at_home and (self._rows.model().rowCount() > 0 or not self._draft.is_empty))

    @property
    def _here(self) -> QWidget | None:
        return self._parts.currentWidget()

    def _go(self, part: QWidget) -> None:
        """Show one part of the page; what the others hold stays."""
        self.banners.clear("asked")
        self._exported = ""
        self._parts.setCurrentWidget(part)
        self._show_header()

    def compose(self, _checked: bool = False) -> None:
        """Write a draft; what was there before still is."""
        self._draft.refresh()
        self._go(self._draft)
        self._draft.take_focus()

    def go_back(self, _checked: bool = False) -> None:
        """From the report to the draft, from anywhere else to the list."""
        self._cancel()
        if self._here is self._report:
            self.compose()
        else:
            self._go(self._home)
            self.take_focus()

    @async_slot
    async def _dry_run(self) -> None:
        """Find out what the draft would do, and show it, or what is wrong with the draft."""
        self._planning = asyncio.current_task()
        try:
            finding_out = self._find_out(self._report.show_progress)
            self._report.show_running()
            self._go(self._report)
            self._report.show_dry_run(await finding_out)
            self._show_header()
        except BaseException:
            if self._here is self._report:
                self.compose()
            raise
        finally:
            self._planning = None

    def _cancel(self) -> None:
        if self._planning is not None:
            self._planning.cancel()
