"""The page of campaigns: the list with one of them beside it, and what is opened from there."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.outbound.campaigns import CampaignService
from app.domain.campaign import Campaign, CampaignId, CampaignState, RecipientState
from app.domain.errors import Problem
from app.domain.events import CampaignsChanged
from app.domain.mentorado import MentoradoId
from app.domain.outbound import Hold
from app.domain.repositories import Clock
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.campaigns.overview import CampaignDelegate, CampaignModel, CampaignView
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.navigation import Page
from app.ui.theme.theme import Theme
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.split_view import SplitView
from app.ui.widgets.tables import RowList

_SECOND = 1000


class CampaignsPage(Page):
    """Shows the campaigns of *campaigns*. *show_cases* leads to the cases of uncertain messages."""

    def __init__(
        self,
        *,
        theme: Theme,
        bus: EventBus,
        campaigns: CampaignService,
        mentorados: MentoradoService,
        clock: Clock,
        show_cases: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, parent)
        self._campaigns = campaigns
        self._mentorados = mentorados
        self._clock = clock
        self._shown: CampaignId | None = None
        self.model = CampaignModel(campaigns, clock, self)
        self.list = RowList(self.model, CampaignDelegate(theme), theme)
        self.list.opened.connect(self._open)
        self.list.selectionModel().currentChanged.connect(lambda index, _before: self._on_walked(index.row()))
        self.view = CampaignView(theme)
        self.view.paused.connect(lambda: self._do(campaigns.pause))
        self.view.resumed.connect(lambda: self._do(campaigns.resume))
        self.view.stopped.connect(lambda: self._do(self._stop))
        self.view.cases_requested.connect(show_cases)
        self._empty = EmptyState(theme, "send", "primary")
        left = QWidget()
        self._stack = QStackedLayout(left)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self.split = SplitView(left, theme)
        self.split.set_pane(self.view)
        self.column.addWidget(self.split, 1)
        self._second = QTimer(self, interval=_SECOND)
        self._second.timeout.connect(self._on_second)
        undo = bus.subscribe(CampaignsChanged, lambda _event: self.refresh())
        self.destroyed.connect(lambda _gone: undo())
        self.restyle()

    # --- what is shown

    def refresh(self) -> None:
        """Show what there is now, with the chosen one as it is."""
        self.model.refresh()
        count = self.model.rowCount()
        self.set_title(texts("campaign.title"), texts.plural("campaign.summary", count))
        self._stack.setCurrentWidget(self.list if count else self._empty)
        place = self.model.place_of(self._shown)
        if place is None and count:
            place = 0
        self.split.set_pane_needed(place is not None)
        if place is None:
            self._shown = None
        else:
            self._show(place)

    def show_campaign(self, campaign_id: CampaignId) -> None:
        """Choose this one."""
        self._shown = campaign_id
        self.refresh()
        self.split.open_side_panel()

    def _show(self, place: int) -> None:
        campaign = self.model.campaigns[place]
        self._shown = campaign.id
        self.list.setCurrentIndex(self.model.index(place))
        self.view.show_campaign(campaign, self._waits(campaign), self._clock)

    def _waits(self, campaign: Campaign) -> Sequence[tuple[str, Hold]]:
        waits = self._campaigns.waits(campaign.id)
        return sorted((self._name_of(mentorado_id), held) for mentorado_id, held in waits.items())

    def _on_walked(self, place: int) -> None:
        if place >= 0 and self.model.campaigns[place].id != self._shown:
            self._show(place)

    def _open(self, place: int) -> None:
        self._show(place)
        self.split.open_side_panel()

    def _on_second(self) -> None:
        """Let what counts down count down."""
        if any(campaign.state is CampaignState.RUNNING for campaign in self.model.campaigns):
            self.refresh()

    def _name_of(self, mentorado_id: MentoradoId) -> str:
        try:
            return self._mentorados.get(mentorado_id).name
        except Problem:  # not of this database any more
            return mentorado_id

    # --- what a person does

    @async_slot
    async def _do(self, act: Callable[[CampaignId], Coroutine[Any, Any, None]]) -> None:
        if self._shown is not None:
            await act(self._shown)
            self.refresh()

    async def _stop(self, campaign_id: CampaignId) -> None:
        place = self.model.place_of(campaign_id)
        if place is not None and await show_dialog(self.stop_dialog(self.model.campaigns[place])) is _YES:
            await self._campaigns.stop(campaign_id)

    def stop_dialog(self, campaign: Campaign) -> ConfirmDialog:
        """What stopping means, before it is done."""
        dialog = ConfirmDialog(
            self._theme, self, texts("campaign.stop_title", name=campaign.draft.name), texts("campaign.stop_confirm")
        )
        dialog.add_aspect("kept", texts("campaign.stop_kept"))
        dialog.add_aspect("lost", texts.plural("campaign.stop_lost", campaign.counts.get(RecipientState.WAITING, 0)))
        return dialog

    # --- what the window asks of a page

    def take_focus(self) -> None:
        if self.model.rowCount():
            self.list.enter()
        else:
            self._empty.setFocus(Qt.FocusReason.OtherFocusReason)

    def retranslate(self) -> None:
        super().retranslate()
        self.list.setAccessibleName(texts("campaign.title"))
        self.list.setAccessibleDescription(texts("campaign.keys"))
        self._empty.show_message(texts("campaign.empty"), texts("campaign.empty_line"), "")
        self.refresh()

    def restyle(self) -> None:
        super().restyle()
        self.retranslate()

    def event(self, event: QEvent) -> bool:
        # The window has another use for Esc: here it puts away what lies over the list.
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride and self._is_back(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._is_back(event):
            self.split.close_side_panel()
            self.take_focus()
        else:
            super().keyPressEvent(event)

    def _is_back(self, event: QKeyEvent) -> bool:
        return event.key() == Qt.Key.Key_Escape and self.split.side_panel_open

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self._second.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._second.stop()


_YES = BaseDialog.DialogCode.Accepted
