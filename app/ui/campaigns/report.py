"""What a dry run found: who gets it, who does not and why, how long it takes, what it costs; and the approval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.domain.campaign import RECOMMENDED_FROM, DryRun, PlannedLink
from app.domain.errors import Problem
from app.domain.repositories import Clock
from app.text import campaigns as campaign_text
from app.text.status import date_time, problem, texts
from app.text.uptime import length
from app.ui.campaigns.recipients import NameOf, RecipientList, planned_row
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.labels import ScaledLabel


class ReportPart(StrEnum):
    SUMMARY = "summary"
    INCLUDED = "included"
    EXCLUDED = "excluded"


class ReportView(QWidget):
    """First the progress of a dry run, then what it found, with the field in which a person approves it."""

    cancelled = Signal()
    approved = Signal(str)
    again_requested = Signal()
    edit_requested = Signal()
    export_requested = Signal()

    def __init__(self, theme: Theme, name_of: NameOf, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name_of = name_of
        self._clock = clock
        self._done, self._busy = (0, 0), False
        self.made: DryRun | None = None
        self.problem: Problem | None = None  # why the approval was refused
        self.part = SegmentedControl(theme, list(ReportPart))
        self.part.choose(ReportPart.SUMMARY)
        self.part.picked.connect(lambda _chosen: self._show())
        self.export, self.cancel, self.edit, self.again, self.approve = (QPushButton() for _ in range(5))
        self.approve.setProperty("role", "primary")
        self.export.clicked.connect(self.export_requested)
        self.cancel.clicked.connect(self.cancelled)
        self.edit.clicked.connect(self.edit_requested)
        self.again.clicked.connect(self.again_requested)
        self.approve.clicked.connect(self._on_approved)
        self.field = QLineEdit()
        self.field.textChanged.connect(self._on_typed)
        self.field.returnPressed.connect(self.approve.setFocus)
        self.asked = _label("")
        self.bar = QProgressBar(textVisible=False)
        self.running = ScaledLabel(theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        self.step = _label("secondary")
        self.summary = _Summary(theme, name_of, clock)
        self.people = RecipientList(theme)
        self._body = QStackedLayout()
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._progress_part())
        self._stack.addWidget(self._report_part())

    # --- what the page says

    def show_running(self) -> None:
        """A dry run begins."""
        self.made, self.problem, self._done = None, None, (0, 0)
        self.field.clear()
        self._show()
        self.cancel.setFocus()

    def show_progress(self, done: int, total: int) -> None:
        self._done = done, total
        self._show()

    def show_dry_run(self, made: DryRun) -> None:
        """It is done: show what it found."""
        self.made, self.problem = made, None
        self.part.choose(ReportPart.SUMMARY)
        self.retranslate()
        (self.field if made.included else self.edit).setFocus()

    def show_refused(self, refused: Problem) -> None:
        """The world changed since: this dry run cannot be approved any more, but a new one."""
        self.problem, self._busy = refused, False
        self._show()
        self.again.setFocus()

    def set_busy(self, busy: bool) -> None:
        """Whether the approval is being checked."""
        self._busy = busy
        self._show()

    # --- what is shown

    def _on_approved(self) -> None:
        self.approved.emit(self.field.text())

    def _on_typed(self) -> None:
        count = len(self.made.included) if self.made else 0
        right = bool(count) and self.field.text().strip() == str(count)
        self.approve.setEnabled(right and not self._busy and self.problem is None)

    def _show(self) -> None:
        made = self.made
        self._stack.setCurrentIndex(0 if made is None else 1)
        done, total = self._done
        self.bar.setMaximum(max(total, 1))
        self.bar.setValue(done)
        self.step.setText(texts("campaign.report.progress", done=done, total=total) if total else "")
        if made is None:
            return
        chosen, count = self.part.chosen, len(made.included)
        if chosen is ReportPart.SUMMARY:
            self._body.setCurrentWidget(self.summary)
        else:
            wanted = [each for each in made.recipients if (each.excluded is None) is (chosen is ReportPart.INCLUDED)]
            self.people.show_rows([planned_row(each, self._name_of, self._clock) for each in wanted])
            self._body.setCurrentWidget(self.people)
        if self.problem is not None:
            words = " ".join(problem(self.problem))
        else:
            words = (
                texts.plural("campaign.report.type", count, typed=str(count))
                if count
                else texts("campaign.report.nobody")
            )
        self.asked.setText(words)
        self.asked.setProperty("role", "danger" if self.problem is not None else "")
        self.asked.style().polish(self.asked)
        for part in (self.field, self.approve):
            part.setVisible(count > 0 and self.problem is None)
        self.field.setAccessibleName(words)
        for button in (self.edit, self.again, self.export, self.field):
            button.setEnabled(not self._busy)
        self.approve.setText(texts("campaign.report.approving" if self._busy else "campaign.report.approve"))
        self._on_typed()

    def retranslate(self) -> None:
        made = self.made
        parts = [texts(f"campaign.report.parts.{each}") for each in ReportPart]
        if made is not None:
            counts = len(made.included), len(made.recipients) - len(made.included)
            parts[1:] = [f"{words} ({texts.number(count)})" for words, count in zip(parts[1:], counts, strict=True)]
            self.summary.show_dry_run(made)
        self.part.set_text(texts("campaign.report.part"), parts)
        self.people.set_text(texts("campaign.report.part"))
        self.running.setText(texts("campaign.report.running"))
        self.bar.setAccessibleName(texts("campaign.report.running"))
        self.cancel.setText(texts("campaign.report.cancel"))
        self.edit.setText(texts("campaign.report.edit"))
        self.again.setText(texts("campaign.report.again"))
        self.export.setText(texts("campaign.export"))
        self.field.setFixedWidth(self._theme.px(110))
        self._show()

    def _progress_part(self) -> QWidget:
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(t.SPACE_8, t.SPACE_8, t.SPACE_8, t.SPACE_8)
        column.setSpacing(t.SPACE_3)
        column.addStretch(1)
        for widget in (self.running, self.bar, self.step):
            column.addWidget(widget)
        column.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(2)
        return part

    def _report_part(self) -> QWidget:
        part = QWidget()
        top = QHBoxLayout()
        top.setContentsMargins(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_3)
        top.setSpacing(t.SPACE_3)
        top.addWidget(self.part, 1)
        top.addWidget(self.export)
        foot = QFrame()
        foot.setProperty("role", "footer")
        row = QHBoxLayout(foot)
        row.setContentsMargins(t.SPACE_6, t.SPACE_3, t.SPACE_6, t.SPACE_3)
        row.setSpacing(t.SPACE_3)
        row.addWidget(self.asked, 1)
        for widget in (self.field, self.approve, self.again, self.edit):
            row.addWidget(widget)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addLayout(self._body, 1)  # before it has parts: without a parent the first is a window of its own
        self._body.addWidget(self.summary)
        self._body.addWidget(self.people)
        column.addWidget(foot)
        return part


class _Summary(QScrollArea):
    """The figures, where the official provider is recommended, each mentorado, and why some are left out."""

    def __init__(self, theme: Theme, name_of: NameOf, clock: Clock) -> None:
        super().__init__(widgetResizable=True)
        self._theme = theme
        self._name_of = name_of
        self._clock = clock
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_dry_run(self, made: DryRun) -> None:
        """Fill it with what *made* found."""
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(t.SPACE_6, t.SPACE_2, t.SPACE_6, t.SPACE_4)
        self._column.setSpacing(t.SPACE_3)
        self._add_figures(made)
        self._add_recommendation(made.links)
        self._head(texts("campaign.message"))
        self._column.addWidget(_label("", campaign_text.content(made.draft)))
        if not made.recipients:
            self._column.addWidget(_label("", texts("campaign.report.no_contacts")))
        self._head(texts("campaign.report.links"))
        for link in made.links:
            self._add_link(link)
        self._add_reasons(made)
        now = self._clock.now()
        at = date_time(made.at.astimezone(), now.astimezone().date())
        self._column.addWidget(_label("caption", texts("campaign.report.at", when=at)))
        self._column.addStretch(1)
        self.setWidget(inside)  # the one before is deleted

    def _add_figures(self, made: DryRun) -> None:
        out = len(made.recipients) - len(made.included)
        figures = [
            (texts.number(len(made.included)), texts("campaign.report.figure.included")),
            (texts.number(out), texts("campaign.report.figure.excluded")),
            (length(made.duration), texts("campaign.report.figure.duration")),
        ]
        if made.price is None:
            figures.append((texts("campaign.report.free"), texts("campaign.report.figure.no_price")))
        else:
            under = texts("campaign.report.figure.price", date=campaign_text.list_date(made.price))
            figures.append((campaign_text.price(made.price), under))
        row = QHBoxLayout()
        row.setSpacing(t.SPACE_3)
        for value, words in figures:
            tile = QFrame()
            tile.setProperty("role", "sunken")
            column = QVBoxLayout(tile)
            column.setContentsMargins(t.SPACE_4, t.SPACE_3, t.SPACE_4, t.SPACE_3)
            column.setSpacing(0)
            large = ScaledLabel(self._theme, t.TEXT_TITLE, QFont.Weight.DemiBold)
            large.setText(value)
            column.addWidget(large)
            column.addWidget(_label("secondary", words))
            column.addStretch(1)
            row.addWidget(tile, 1)
        self._column.addLayout(row)
        if made.price is not None and made.price.unknown:
            self._column.addWidget(_label("secondary", texts.plural("campaign.report.unknown", made.price.unknown)))

    def _add_recommendation(self, links: Sequence[PlannedLink]) -> None:
        names = [self._name_of(link.mentorado_id) for link in links if link.recommends_official]
        if not names:
            return
        card = QFrame()
        card.setProperty("role", "banner")
        column = QVBoxLayout(card)
        column.setContentsMargins(t.SPACE_4, t.SPACE_3, t.SPACE_4, t.SPACE_3)
        head = _label("banner", texts("campaign.report.official", names=", ".join(names)))
        head.setFont(self._theme.font(t.TEXT_BODY, QFont.Weight.DemiBold))
        column.addWidget(head)
        column.addWidget(_label("banner", texts("campaign.report.official_why", count=RECOMMENDED_FROM)))
        self._column.addWidget(card)

    def _add_link(self, link: PlannedLink) -> None:
        parts = [texts.plural("campaign.report.link", link.recipients)]
        if link.excluded:
            parts.append(texts.plural("campaign.report.link_out", link.excluded))
        if link.recipients:
            parts.append(texts("campaign.report.link_time", time=length(link.duration)))
        sentence = "" if link.blocked is None else " ".join(campaign_text.excluded(link.blocked, self._clock.now()))
        self._entry(self._name_of(link.mentorado_id), " · ".join(parts), sentence, wrong=link.blocked is not None)

    def _add_reasons(self, made: DryRun) -> None:
        counted = Counter(each.excluded for each in made.recipients if each.excluded is not None)
        if counted:
            self._head(texts("campaign.report.reasons"))
        for reason, count in counted.most_common():
            sentence, step = campaign_text.excluded(reason, self._clock.now())
            self._entry(texts.plural("campaign.report.contacts", count), sentence, step)

    def _head(self, words: str) -> None:
        head = ScaledLabel(self._theme, t.TEXT_SMALL, QFont.Weight.DemiBold)
        head.setText(words)
        self._column.addSpacing(t.SPACE_2)
        self._column.addWidget(head)

    def _entry(self, title: str, line: str, step: str, *, wrong: bool = False) -> None:
        name = ScaledLabel(self._theme, t.TEXT_BODY, QFont.Weight.Medium)
        name.setText(title)
        name.setFixedWidth(self._theme.px(220))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(_label("", line))
        if step:
            words.addWidget(_label("danger" if wrong else "secondary", step))
        row = QHBoxLayout()
        row.setSpacing(t.SPACE_4)
        row.addWidget(name, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self._column.addLayout(row)


def _label(role: str, words: str = "") -> QLabel:
    label = QLabel(words, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    return label
