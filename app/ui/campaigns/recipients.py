"""The contacts of a dry run or of a campaign as a list, and the recipients of one campaign with what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QPushButton, QStackedLayout, QWidget

from app.core.outbound.campaigns import CampaignService
from app.domain.campaign import Campaign, CampaignId, PlannedRecipient, Recipient, RecipientState
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address
from app.domain.names import visible
from app.domain.repositories import Clock
from app.text import campaigns as campaign_text
from app.text.signs import Tone
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.tables import SIDE, RowDelegate, RowList, RowsModel

NameOf = Callable[[MentoradoId], str]
_HEIGHT, _ICON, _GAP = 56, 18, 14
_SOON = 500

_LOOKS: Final = {
    RecipientState.WAITING: (Tone.IDLE, "clock"),
    RecipientState.ACCEPTED: (Tone.CONNECTED, "check-circle"),
    RecipientState.NOT_SENT: (Tone.ERROR, "x-circle"),
    RecipientState.UNCERTAIN: (Tone.WAITING, "triangle-alert"),
}


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """One contact: who, of whom, what became of them, and why."""

    name: str
    contact: str  # the number, and whose contact it is
    state: str
    reason: str
    look: tuple[Tone, str]


def planned_row(planned: PlannedRecipient, name_of: NameOf, clock: Clock) -> RecipientRow:
    """A contact in a dry run."""
    out = planned.excluded
    return RecipientRow(
        *_who(planned.name, planned.address, name_of(planned.mentorado_id)),
        texts("campaign.people.gets_it" if out is None else "campaign.people.left_out"),
        "" if out is None else " ".join(campaign_text.excluded(out, clock.now())),
        _LOOKS[RecipientState.ACCEPTED if out is None else RecipientState.NOT_SENT],
    )


def recipient_row(recipient: Recipient, campaign: Campaign, name_of: NameOf, clock: Clock) -> RecipientRow:
    """A recipient of a campaign."""
    now = clock.now()
    return RecipientRow(
        *_who(recipient.name, recipient.address, name_of(recipient.mentorado_id)),
        campaign_text.recipient_state(recipient, campaign, now),
        " ".join(filter(None, campaign_text.recipient_reason(recipient, now))),
        _LOOKS[recipient.state],
    )


def _who(name: str, address: Address, mentorado: str) -> tuple[str, str]:
    whose = texts("campaign.people.of", contact=campaign_text.contact(address), mentorado=mentorado)
    return visible(name) or texts("campaign.people.no_name"), whose


class RecipientModel(RowsModel[RecipientRow]):
    """The contacts that are shown."""

    def title(self, row: RecipientRow) -> str:
        return row.name

    def description(self, row: RecipientRow) -> str:
        return ", ".join(filter(None, (row.name, row.contact, row.state, row.reason)))

    def tip(self, row: RecipientRow) -> str:
        return row.reason


class RecipientDelegate(RowDelegate):
    """Who on the left, what became of them on the right, and why below it."""

    HEIGHT = _HEIGHT

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, RecipientRow)  # noqa: S101 - Qt hands it through as any object
        colours, side = self._colours, self._theme.px(_ICON)
        middle, step = self.row_height / 2, self._theme.px(10)
        tone, sign = row.look
        colour = colours.badge[tone].fg
        self._sign(painter, sign, colour, side, SIDE, middle)
        left, right = SIDE + side + _GAP, width - SIDE
        state = QFontMetricsF(self._small_font).horizontalAdvance(row.state)
        self._line(painter, row.state, self._small_font, colour, right - state, middle - step, state + 1)
        room = right - left - state - _GAP
        shown = self._line(painter, row.name, self._title_font, colours.text, left, middle - step, room * 0.6)
        beside = left + shown + _GAP
        self._line(painter, row.contact, self._small_font, colours.text2, beside, middle - step, left + room - beside)
        self._line(painter, row.reason, self._small_font, colours.text2, left, middle + step, right - left)


class RecipientList(QWidget):
    """The list, or a placeholder when it is empty."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = RecipientModel(self)
        self.list = RowList(self.model, RecipientDelegate(theme), theme)
        self._empty = EmptyState(theme, "users", "")
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self.setFocusProxy(self.list)

    def show_rows(self, rows: Sequence[RecipientRow]) -> None:
        self.model.show_rows(rows)
        self._stack.setCurrentWidget(self.list if rows else self._empty)

    def set_text(self, name: str) -> None:
        self.list.setAccessibleName(name)
        self.list.setAccessibleDescription(texts("campaign.people.keys"))
        self._empty.show_message(texts("campaign.people.none"), "", "")


class RecipientsView(QWidget):
    """The recipients of one campaign, by what became of them. It follows the campaign while it is on the screen."""

    export_requested = Signal()

    def __init__(
        self, theme: Theme, campaigns: CampaignService, name_of: NameOf, clock: Clock, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._campaigns = campaigns
        self._name_of = name_of
        self._clock = clock
        self.campaign_id: CampaignId | None = None
        self.shown: Sequence[Recipient] = ()
        self.filter = SegmentedControl(theme, ["", *campaign_text.ORDER])
        self.filter.choose("")
        self.filter.picked.connect(lambda _chosen: self.read())
        self.export = QPushButton()
        self.export.clicked.connect(self.export_requested)
        self.people = RecipientList(theme)
        top = hbox((self.filter, 1), margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_3), spacing=t.SPACE_3)
        top.addWidget(self.export)
        vbox(top, (self.people, 1), inside=self)
        self._later = QTimer(self, singleShot=True, interval=_SOON)
        self._later.timeout.connect(self.read)

    @property
    def campaign(self) -> Campaign | None:
        return next((each for each in self._campaigns.campaigns if each.id == self.campaign_id), None)

    def open(self, campaign_id: CampaignId) -> None:
        """Show everybody of this one."""
        self.campaign_id = campaign_id
        self.filter.choose("")
        self.people.show_rows(())
        self.read()

    def on_changed(self, campaign_id: CampaignId | None) -> None:
        """Read again soon: a running campaign changes with every message."""
        if self.isVisible() and campaign_id in (None, self.campaign_id) and not self._later.isActive():
            self._later.start()

    @async_slot
    async def read(self) -> None:
        """Read those that the filter wants, with what is known now."""
        chosen, campaign_id = self.filter.chosen, self.campaign_id
        if campaign_id is None:
            return
        state = chosen if isinstance(chosen, RecipientState) else None
        found = await self._campaigns.recipients(campaign_id, state)
        campaign = self.campaign
        if campaign is not None and (chosen, campaign_id) == (self.filter.chosen, self.campaign_id):
            self.shown = found
            self.people.show_rows([recipient_row(each, campaign, self._name_of, self._clock) for each in found])
            self.retranslate()

    def retranslate(self) -> None:
        campaign = self.campaign
        words = (
            {state: f"{name} ({texts.number(count)})" for state, name, count in campaign_text.counts(campaign)}
            if campaign
            else {}
        )
        every = texts("campaign.people.all") + (f" ({campaign.total})" if campaign else "")
        self.filter.set_text(
            texts("campaign.people.filter"), [every, *(words.get(each, each) for each in campaign_text.ORDER)]
        )
        self.export.setText(texts("campaign.export"))
        self.people.set_text(texts("campaign.people.title", name=campaign.draft.name if campaign else ""))
