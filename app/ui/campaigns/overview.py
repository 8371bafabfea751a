"""The campaigns as a list, and one of them beside it: how far it is, what it waits for, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.core.outbound.campaigns import CampaignService
from app.domain.campaign import Campaign, CampaignId, CampaignState, RecipientState
from app.domain.outbound import Hold
from app.domain.repositories import Clock
from app.text import campaigns as campaign_text
from app.text.status import texts
from app.ui.theme import tokens as t
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.announcement import announce
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.labels import Badge, ScaledLabel, badge_size, paint_badge
from app.ui.widgets.tables import SIDE, RowDelegate

Role = Qt.ItemDataRole
_NOWHERE = QModelIndex()
_HEIGHT, _ICON, _GAP, _BAR = 84, 20, 14, 4


class CampaignModel(QAbstractListModel):
    """The campaigns, the latest first."""

    def __init__(self, campaigns: CampaignService, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._service = campaigns
        self._clock = clock
        self.campaigns: list[Campaign] = []

    def refresh(self) -> None:
        """Show what there is now."""
        found = list(self._service.campaigns)
        if [each.id for each in found] == [each.id for each in self.campaigns]:
            self.campaigns = found
            if found:
                self.dataChanged.emit(self.index(0), self.index(len(found) - 1))
            return
        self.beginResetModel()
        self.campaigns = found
        self.endResetModel()

    def place_of(self, campaign_id: CampaignId | None) -> int | None:
        return next((place for place, each in enumerate(self.campaigns) if each.id == campaign_id), None)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.campaigns)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        campaign = self.campaigns[index.row()]
        if role == Role.UserRole:
            waits = campaign_text.waits_line(self._service.waits(campaign.id), self._clock.now())
            return campaign, campaign_text.progress(campaign), waits
        if role == Role.DisplayRole:
            return campaign.draft.name
        if role == Role.AccessibleTextRole:
            known = {"state": campaign_text.state(campaign), "progress": campaign_text.progress(campaign)}
            return texts("campaign.row", name=campaign.draft.name, **known)
        return None


_BAR_STATES: Final = (RecipientState.ACCEPTED, RecipientState.UNCERTAIN, RecipientState.NOT_SENT)


def paint_progress(painter: QPainter, rect: QRect, campaign: Campaign, theme: Theme) -> None:
    """A bar of what was accepted, is uncertain and was not sent, of all."""
    colours = theme.tokens
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    painter.fillRect(rect, QColor(colours.border))
    left = float(rect.left())
    for each, colour in zip(_BAR_STATES, (colours.accent, colours.border_strong, colours.danger), strict=True):
        width = rect.width() * campaign.counts.get(each, 0) / max(campaign.total, 1)
        painter.fillRect(QRect(round(left), rect.top(), round(left + width) - round(left), rect.height()), colour)
        left += width
    painter.restore()


class CampaignDelegate(RowDelegate):
    """The name and the state, how far it is, and what it waits for."""

    @property
    def row_height(self) -> int:
        return self._theme.px(_HEIGHT)

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, tuple)  # noqa: S101 - Qt hands it through as any object
        campaign, progress, waits = row
        colours, side, px = self._colours, self._theme.px(_ICON), self._theme.px
        tone, sign = campaign_text.look(campaign)
        upper, middle, lower = px(22), px(43), px(60)
        drawn = pixmap(sign, colours.badge[tone].fg, side, painter.device().devicePixelRatioF())
        painter.drawPixmap(QPointF(SIDE, upper - side / 2), drawn)
        left, right = SIDE + side + _GAP, width - SIDE
        state = campaign_text.state(campaign)
        size = badge_size(state, self._theme)
        badge = QRect(right - size.width(), upper - size.height() // 2, size.width(), size.height())
        paint_badge(painter, badge, tone, sign, state, self._theme)
        room = right - left - size.width() - _GAP
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


class CampaignView(QWidget):
    """One campaign: its state and why, its counts, what each link waits for, what is sent, and the buttons."""

    paused = Signal()
    resumed = Signal()
    stopped = Signal()
    recipients_requested = Signal()
    cases_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._announced: tuple[CampaignId, CampaignState] | None = None
        self._theme = theme
        self.name = ScaledLabel(theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        self.badge = Badge(theme)
        self.sentence, self.when = self._label(""), self._label("caption")
        self.bar = ProgressBar(theme)
        grid = QGridLayout()
        grid.setHorizontalSpacing(t.SPACE_3)
        grid.setVerticalSpacing(t.SPACE_1)
        grid.setColumnStretch(0, 1)
        self.counts: dict[RecipientState, tuple[QLabel, QLabel]] = {}
        for row, each in enumerate(campaign_text.ORDER):
            label, value = self._label("secondary"), ScaledLabel(theme, t.TEXT_BODY, QFont.Weight.Medium)
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
        self.uncertain, self.waits, self.message = (self._label("secondary") for _ in range(3))
        self.waits_head, self.message_head = (ScaledLabel(theme, t.TEXT_SMALL, QFont.Weight.DemiBold) for _ in range(2))
        column = QVBoxLayout()
        column.setContentsMargins(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_4)
        column.setSpacing(t.SPACE_3)
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
        inside = QWidget()
        inside.setLayout(column)
        area = QScrollArea(widgetResizable=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

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

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter, colours = QPainter(self), self._theme.tokens
        painter.fillRect(self.rect(), QColor(colours.surface))
        painter.fillRect(0, 0, 1, self.height(), QColor(colours.border))
        painter.end()

    @staticmethod
    def _label(role: str) -> QLabel:
        label = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        label.setProperty("role", role)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label
