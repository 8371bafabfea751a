"""The campaigns as a list, and one of them beside it: how far it is, what it waits for, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QObject, QRect, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from app.core.outbound.campaigns import CampaignService
from app.domain.campaign import Campaign, CampaignId, CampaignState, RecipientState
from app.domain.outbound import Hold
from app.domain.repositories import Clock
from app.text import campaigns as campaign_text
from app.text.status import texts
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.labels import Badge, ScaledLabel, text_label
from app.ui.widgets.layouts import FlowLayout, vbox
from app.ui.widgets.split_view import SidePane
from app.ui.widgets.tables import SIDE, RowDelegate, RowsModel, paint_shares

_HEIGHT, _ICON, _GAP, _BAR = 84, 20, 14, 4


class CampaignModel(RowsModel[Campaign]):
    """The campaigns, the latest first."""

    def __init__(self, campaigns: CampaignService, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._service = campaigns
        self._clock = clock

    def refresh(self) -> None:
        """Show what there is now."""
        self.show_rows(self._service.campaigns)

    def key(self, row: Campaign) -> CampaignId:
        return row.id

    def title(self, row: Campaign) -> str:
        return row.draft.name

    def description(self, row: Campaign) -> str:
        known = {"state": campaign_text.state(row), "progress": campaign_text.progress(row)}
        return texts("campaign.row", name=row.draft.name, **known)

    def painted(self, row: Campaign) -> object:
        waits = campaign_text.waits_line(self._service.waits(row.id), self._clock.now())
        return row, campaign_text.progress(row), waits


_BAR_STATES: Final = (RecipientState.ACCEPTED, RecipientState.UNCERTAIN, RecipientState.NOT_SENT)


def paint_progress(painter: QPainter, rect: QRect, campaign: Campaign, theme: Theme) -> None:
    """A bar of what was accepted, is uncertain and was not sent, of all."""
    colours = theme.tokens
    counts = (campaign.counts.get(each, 0) for each in _BAR_STATES)
    shares = zip(counts, (colours.accent, colours.border_strong, colours.danger), strict=True)
    paint_shares(painter, rect, colours.border, shares, campaign.total)


class CampaignDelegate(RowDelegate):
    """The name and the state, how far it is, and what it waits for."""

    HEIGHT = _HEIGHT

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, tuple)  # noqa: S101 - Qt hands it through as any object
        campaign, progress, waits = row
        colours, side, px = self._colours, self._theme.px(_ICON), self._theme.px
        tone, sign = campaign_text.look(campaign)
        upper, middle, lower = px(22), px(43), px(60)
        self._sign(painter, sign, colours.badge[tone].fg, side, SIDE, upper)
        left, right = SIDE + side + _GAP, width - SIDE
        room = right - left - self._badge(painter, tone, sign, campaign_text.state(campaign), right, upper) - _GAP
        self._line(painter, campaign.draft.name, self._title_font, colours.text, left, upper, room)
        line = f"{progress} · {waits}" if waits else progress
        self._line(painter, line, self._small_font, colours.text2, left, middle, right - left)
        paint_progress(painter, QRect(left, lower, right - left, px(_BAR)), campaign, self._theme)


class ProgressBar(QWidget):
    """The same bar as in the list."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._campaign: Campaign | None = None
        self.setFixedHeight(6)

    def show_campaign(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self.setAccessibleName(campaign_text.progress(campaign))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._campaign is not None:
            painter = QPainter(self)
            paint_progress(painter, self.rect(), self._campaign, self._theme)
            painter.end()


class CampaignView(SidePane):
    """One campaign: its state and why, its counts, what each link waits for, what is sent, and the buttons."""

    paused = Signal()
    resumed = Signal()
    stopped = Signal()
    recipients_requested = Signal()
    cases_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._announced: tuple[CampaignId, CampaignState] | None = None
        self.name = ScaledLabel(theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        self.badge = Badge(theme)
        self.sentence, self.when = (text_label(role=role, selectable=True) for role in ("", "caption"))
        self.bar = ProgressBar(theme)
        grid = QGridLayout()
        grid.setHorizontalSpacing(t.SPACE_3)
        grid.setVerticalSpacing(t.SPACE_1)
        grid.setColumnStretch(0, 1)
        self.counts: dict[RecipientState, tuple[QLabel, QLabel]] = {}
        for row, each in enumerate(campaign_text.ORDER):
            label, value = (
                text_label(role="secondary", selectable=True),
                ScaledLabel(theme, t.TEXT_BODY, QFont.Weight.Medium),
            )
            self.counts[each] = label, value
            grid.addWidget(label, row, 0)
            grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignRight)
        self.pause, self.resume, self.stop, self.recipients, self.cases = (QPushButton() for _ in range(5))
        self.resume.setProperty("role", "primary")
        self.cases.setProperty("role", "link")
        for button, signal in (
            (self.pause, self.paused),
            (self.resume, self.resumed),
            (self.stop, self.stopped),
            (self.recipients, self.recipients_requested),
            (self.cases, self.cases_requested),
        ):
            button.clicked.connect(signal)
        actions = FlowLayout(spacing=t.SPACE_2)
        for button in (self.pause, self.resume, self.stop, self.recipients):
            actions.addWidget(button)
        self.uncertain, self.waits, self.message = (text_label(role="secondary", selectable=True) for _ in range(3))
        self.waits_head, self.message_head = (ScaledLabel(theme, t.TEXT_SMALL, QFont.Weight.DemiBold) for _ in range(2))
        column = vbox(margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_4), spacing=t.SPACE_3)
        top: tuple[QWidget, ...] = (self.name, self.badge, self.sentence, self.bar)
        for part in top:
            column.addWidget(part)
        column.addLayout(grid)
        column.addLayout(actions)
        for part in (self.uncertain, self.cases, self.waits_head, self.waits, self.message_head, self.message):
            column.addWidget(part)
        column.setAlignment(self.cases, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.when)
        column.addStretch(1)
        self.fill(column)

    def show_campaign(self, campaign: Campaign, waits: Sequence[tuple[str, Hold]], clock: Clock) -> None:
        """Fill it with *campaign*, whose links wait for *waits*, each with whose it is."""
        now = clock.now()
        self.name.setText(campaign.draft.name)
        self.badge.show_badge(*campaign_text.look(campaign), campaign_text.state(campaign))
        self.sentence.setText(campaign_text.sentence(campaign))
        was, self._announced = self._announced, (campaign.id, campaign.state)
        if was is not None and was[0] == campaign.id and was != self._announced:  # and not when another is looked at
            announce(self.sentence, self.sentence.text())
        self.bar.show_campaign(campaign)
        for each, words, count in campaign_text.counts(campaign):
            label, value = self.counts[each]
            label.setText(words)
            value.setText(texts.number(count))
            value.setAccessibleName(f"{words}: {texts.number(count)}")
        for button, key in (
            (self.pause, "campaign.pause"),
            (self.resume, "campaign.resume"),
            (self.stop, "campaign.stop"),
            (self.recipients, "campaign.recipients"),
            (self.cases, "campaign.cases"),
        ):
            button.setText(texts(key))
        self.pause.setVisible(campaign.state is CampaignState.RUNNING)
        self.resume.setVisible(campaign.state is CampaignState.PAUSED)
        self.stop.setVisible(campaign.is_open)
        self.uncertain.setText(texts("campaign.uncertain_line"))
        for part in (self.uncertain, self.cases):
            part.setVisible(campaign.counts.get(RecipientState.UNCERTAIN, 0) > 0)
        self.waits_head.setText(texts("campaign.waits"))
        self.show_waits(waits, clock)
        self.message_head.setText(texts("campaign.message"))
        self.message.setText(campaign_text.content(campaign.draft))
        self.when.setText(campaign_text.approved(campaign, now))

    def show_waits(self, waits: Sequence[tuple[str, Hold]], clock: Clock) -> None:
        """Say anew what is waited for, and for how long."""
        now = clock.now()
        self.waits.setText("\n".join(f"{name}: {campaign_text.wait(held, now)}" for name, held in waits))
        for part in (self.waits_head, self.waits):
            part.setVisible(bool(waits))
