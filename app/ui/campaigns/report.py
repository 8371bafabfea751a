"""What a dry run found: who gets it, who does not and why, how long it takes, what it costs; and the approval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QLineEdit,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.domain.campaign import RECOMMENDED_FROM, DryRun, PlannedLink
from app.domain.repositories import Clock
from app.text import campaigns as campaign_text
from app.text.status import date_time, problem, texts
from app.text.uptime import length
from app.ui.campaigns.recipients import NameOf, RecipientList, planned_row
from app.ui.dry_run import DryRunView, footer
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.labels import ScaledLabel, set_role, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, set_beside, vbox
from app.ui.widgets.split_view import scrolled

_LEAST_HEIGHT, _ROW_WIDTH = 110, 400
_DECISIONS_PART = 0.65
"""Of the width, as much as what is to be decided may take beside words."""


class ReportPart(StrEnum):
    SUMMARY = "summary"
    INCLUDED = "included"
    EXCLUDED = "excluded"


class ReportView(DryRunView[DryRun]):
    """Below what was found, a field in which a person approves it."""

    approved = Signal(str)

    def __init__(self, theme: Theme, name_of: NameOf, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._name_of = name_of
        self._clock = clock
        self.part = SegmentedControl(theme, list(ReportPart))
        self.part.choose(ReportPart.SUMMARY)
        self.part.picked.connect(lambda _chosen: self._show())
        self.approve.clicked.connect(self._on_approved)
        self.field = QLineEdit()
        self.field.textChanged.connect(self._on_typed)
        self.field.returnPressed.connect(self.approve.setFocus)
        self.asked = text_label()
        self.summary = _Summary(theme, name_of, clock)
        self.people = RecipientList(theme)
        self._found = _Found()
        self._body = QStackedLayout(self._found)
        self._lay_out(self._report_part())

    # --- what the page says

    def show_running(self) -> None:
        """A dry run begins."""
        self.field.clear()
        super().show_running()

    def show_dry_run(self, made: DryRun) -> None:
        """It is done: show what it found."""
        self.made, self.problem = made, None
        self.part.choose(ReportPart.SUMMARY)
        self.retranslate()
        (self.field if made.included else self.edit).setFocus()

    # --- what is shown

    def _on_approved(self) -> None:
        self.approved.emit(self.field.text())

    def _on_typed(self) -> None:
        count = len(self.made.included) if self.made else 0
        right = bool(count) and self.field.text().strip() == str(count)
        self.approve.setEnabled(right and not self._busy and self.problem is None)

    def _progress(self, done: int, total: int) -> str:
        return texts("campaign.report.progress", done=done, total=total)

    def _show_found(self) -> None:
        made = self.made
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
        set_role(self.asked, "danger" if self.problem is not None else "")
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
        self._arrange()

    def _report_part(self) -> QWidget:
        part = QWidget()
        top = hbox((self.part, 1), self.export, margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_3), spacing=t.SPACE_3)
        foot, self._foot = footer()
        self._foot.addWidget(self.asked, 1)
        self._decisions = QWidget()
        row = FlowLayout(self._decisions, spacing=t.SPACE_3)
        for widget in (self.field, self.approve, self.again, self.edit):
            row.addWidget(widget)
        self._foot.addWidget(self._decisions)
        self._body.addWidget(self.summary)
        self._body.addWidget(self.people)
        vbox(top, (self._found, 1), foot, inside=part)
        return scrolled(part)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """The decisions beside the words, or below them; where a low window has no room, all of it scrolls."""
        self._found.setMinimumHeight(self._theme.px(_LEAST_HEIGHT))
        set_beside(self._foot, self._decisions.sizeHint().width() <= self.width() * _DECISIONS_PART)


class _Found(QWidget):
    """Asks for no more height than it needs, for its parts scroll by themselves."""

    def sizeHint(self) -> QSize:
        return self.minimumSize()


class _Summary(QScrollArea):
    """The figures, where the official provider is recommended, each mentorado, and why some are left out."""

    def __init__(self, theme: Theme, name_of: NameOf, clock: Clock) -> None:
        super().__init__(widgetResizable=True)
        self._rows: list[QBoxLayout] = []
        self._theme = theme
        self._name_of = name_of
        self._clock = clock
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        for row in self._rows:
            set_beside(row, self.width() >= self._theme.px(_ROW_WIDTH))

    def show_dry_run(self, made: DryRun) -> None:
        """Fill it with what *made* found."""
        inside = QWidget()
        self._column = vbox(inside=inside, margins=(t.SPACE_6, t.SPACE_2, t.SPACE_6, t.SPACE_4), spacing=t.SPACE_3)
        self._add_figures(made)
        self._add_recommendation(made.links)
        self._head(texts("campaign.message"))
        self._column.addWidget(text_label(campaign_text.content(made.draft)))
        if not made.recipients:
            self._column.addWidget(text_label(texts("campaign.report.no_contacts")))
        self._head(texts("campaign.report.links"))
        for link in made.links:
            self._add_link(link)
        self._add_reasons(made)
        now = self._clock.now()
        at = date_time(made.at.astimezone(), now.astimezone().date())
        self._column.addWidget(text_label(texts("campaign.report.at", when=at), "caption"))
        self._column.addStretch(1)
        self._arrange()
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
        row = hbox(spacing=t.SPACE_3)
        self._rows = [row]
        for value, words in figures:
            tile = QFrame()
            tile.setProperty("role", "sunken")
            column = vbox(inside=tile, margins=(t.SPACE_4, t.SPACE_3, t.SPACE_4, t.SPACE_3))
            large = ScaledLabel(self._theme, t.TEXT_TITLE, QFont.Weight.DemiBold)
            large.setText(value)
            column.addWidget(large)
            column.addWidget(text_label(words, "secondary"))
            column.addStretch(1)
            row.addWidget(tile, 1)
        self._column.addLayout(row)
        if made.price is not None and made.price.unknown:
            self._column.addWidget(text_label(texts.plural("campaign.report.unknown", made.price.unknown), "secondary"))

    def _add_recommendation(self, links: Sequence[PlannedLink]) -> None:
        names = [self._name_of(link.mentorado_id) for link in links if link.recommends_official]
        if not names:
            return
        card = QFrame()
        card.setProperty("role", "banner")
        column = QVBoxLayout(card)
        column.setContentsMargins(t.SPACE_4, t.SPACE_3, t.SPACE_4, t.SPACE_3)
        head = text_label(texts("campaign.report.official", names=", ".join(names)), "banner")
        head.setFont(self._theme.font(t.TEXT_BODY, QFont.Weight.DemiBold))
        column.addWidget(head)
        column.addWidget(text_label(texts("campaign.report.official_why", count=RECOMMENDED_FROM), "banner"))
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
        words = vbox(text_label(line))
        if step:
            words.addWidget(text_label(step, "danger" if wrong else "secondary"))
        row = hbox(spacing=t.SPACE_4)
        self._rows.append(row)
        row.addWidget(name, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self._column.addLayout(row)
