"""The page of campaigns: the list with one of them beside it, and what is opened from there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.outbound.campaign_plan import CampaignPlanner
from app.core.outbound.campaigns import CampaignService
from app.core.provider_setup.selection import NumberDetailsService
from app.domain.audit import AuditAction
from app.domain.campaign import Campaign, CampaignId, CampaignState, RecipientState
from app.domain.errors import Problem, ProblemCode
from app.domain.events import CampaignsChanged
from app.domain.outbound import Hold
from app.domain.repositories import Clock
from app.formats.csv_files import dry_run_csv, recipients_csv, write_file
from app.text import campaigns as campaign_text
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog, until_destroyed
from app.ui.campaigns.composer import Composer
from app.ui.campaigns.overview import CampaignDelegate, CampaignModel, CampaignView
from app.ui.campaigns.recipients import RecipientsView
from app.ui.campaigns.report import ReportView
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.dialogs.files import SaveDialog
from app.ui.dry_run import DraftPage
from app.ui.theme.theme import Theme
from app.ui.widgets.list_and_pane import ListAndPane
from app.ui.widgets.placeholders import EmptyState

_SECOND = 1000


class CampaignsPage(DraftPage):
    """Shows the campaigns of *campaigns*. *show_cases* leads to the cases of uncertain messages."""

    def __init__(
        self,
        *,
        theme: Theme,
        bus: EventBus,
        campaigns: CampaignService,
        planner: CampaignPlanner,
        details: NumberDetailsService,
        mentorados: MentoradoService,
        audit_service: AuditService,
        clock: Clock,
        show_cases: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, mentorados, parent)
        self._campaigns = campaigns
        self._clock = clock
        self._audit_service = audit_service
        self.model = CampaignModel(campaigns, clock, self)
        self.view = CampaignView(theme)
        self.view.paused.connect(lambda: self._do(campaigns.pause))
        self.view.resumed.connect(lambda: self._do(campaigns.resume))
        self.view.stopped.connect(lambda: self._do(self._stop))
        self.view.cases_requested.connect(show_cases)
        self.view.recipients_requested.connect(self._show_recipients)
        empty = EmptyState(theme, "send", "primary")
        self.split = ListAndPane(theme, self.model, CampaignDelegate(theme), empty, self.view, self._show)
        self.list = self.split.list
        self.composer = Composer(theme, mentorados, details)
        self.report = ReportView(theme, self._name_of, clock)
        self.report.approved.connect(self._approve)
        self.report.export_requested.connect(partial(self._export, of_report=True))
        self.recipients = RecipientsView(theme, campaigns, self._name_of, clock)
        self.recipients.export_requested.connect(partial(self._export, of_report=False))
        self._lay_out(
            self.split,
            self.composer,
            self.report,
            self.recipients,
            rows=self.list,
            empty=empty,
            dry_run=lambda tell: planner.dry_run(self.composer.draft, tell),
        )
        self.while_shown(_SECOND, self._on_second)
        until_destroyed(self, bus.subscribe(CampaignsChanged, self._on_changed))
        self.restyle()

    # --- what is shown

    def refresh(self) -> None:
        """Show what there is now, with the chosen one as it is."""
        self.model.refresh()
        self._show_header()
        self.split.refresh()

    def show_campaign(self, campaign_id: CampaignId) -> None:
        """Lead to this one in the list."""
        self.split.shown = campaign_id
        self._go(self.split)
        self.refresh()
        self.split.open_side_panel()

    def _show_header(self) -> None:
        here, campaign, made = self._here, self.recipients.campaign, self.report.made
        if here is self.composer:
            self.set_title(texts("campaign.new"), "")
        elif here is self.report:
            title = texts("campaign.report.title", name=self.composer.name.text())
            cohort = "" if made is None else campaign_text.cohort(made.draft.cohort)
            self.set_title(title, self._exported or cohort)
        elif here is self.recipients and campaign is not None:
            title = texts("campaign.people.title", name=campaign.draft.name)
            self.set_title(title, self._exported or campaign_text.approved(campaign, self._clock.now()))
        else:
            self.set_title(texts("campaign.title"), texts.plural("campaign.summary", self.model.rowCount()))
        self.new_button.setText(texts("campaign.new" if self.composer.is_empty else "campaign.continue_draft"))
        super()._show_header()

    def _on_changed(self, event: CampaignsChanged) -> None:
        self.refresh()
        self.recipients.on_changed(event.campaign_id)

    def _show(self, campaign: Campaign) -> None:
        self.view.show_campaign(campaign, self._waits(campaign), self._clock)

    def _waits(self, campaign: Campaign) -> Sequence[tuple[str, Hold]]:
        waits = self._campaigns.waits(campaign.id)
        return sorted((self._name_of(mentorado_id), held) for mentorado_id, held in waits.items())

    def _on_second(self) -> None:
        """Let what counts down count down."""
        if any(campaign.state is CampaignState.RUNNING for campaign in self.model.rows):
            self.refresh()

    # --- what a person does

    def _show_recipients(self) -> None:
        if (shown := self.split.row) is not None:
            self.recipients.open(shown.id)
            self._go(self.recipients)
            self.recipients.filter.take_focus()

    @async_slot
    async def _approve(self, typed: str) -> None:
        """Begin to send what the dry run found, unless something has changed since."""
        made = self.report.made
        if made is None:
            return
        self.report.set_busy(True)
        try:
            campaign = await self._campaigns.approve(made, typed)
        except Problem as problem:
            if problem.code is not ProblemCode.CAMPAIGN_CHANGED:
                raise
            self.report.show_refused(problem)
            return
        finally:
            self.report.set_busy(False)
        self.composer.clear()
        self.show_campaign(campaign.id)
        self.take_focus()

    @async_slot
    async def _export(self, *, of_report: bool) -> None:
        """Choose a file, and write what is shown to it."""
        name = f"{texts('campaign.file_name')}-{self._clock.now().astimezone():%Y-%m-%d}"
        file = await SaveDialog(self, texts("campaign.export"), name, {"csv": texts("audit.csv")}).choose()
        if file is not None:
            await self.export_to(file, of_report=of_report)

    async def export_to(self, file: Path, *, of_report: bool) -> None:
        """Write the dry run, or the recipients that the filter shows, to *file*. Raises `Problem`."""
        made, campaign = self.report.made, self.recipients.campaign
        if of_report and made is not None:
            name, count, content = made.draft.name, len(made.recipients), dry_run_csv(made, self._name_of)
        elif campaign is not None:
            shown = self.recipients.shown
            name, count = campaign.draft.name, len(shown)
            content = recipients_csv(campaign, shown, self._name_of, self._clock.now())
        else:
            return
        written = {"name": name, "file": file.name, "entries": str(count)}
        async with self._audit_service.around(AuditAction.EXPORT_CAMPAIGN, after=lambda: written):
            await asyncio.to_thread(write_file, file, content)
        self._exported = texts.plural("campaign.exported", count, file=file.name)
        self._show_header()

    @async_slot
    async def _do(self, act: Callable[[CampaignId], Coroutine[Any, Any, None]]) -> None:
        if (shown := self.split.row) is not None:
            await act(shown.id)
            self.refresh()

    async def _stop(self, campaign_id: CampaignId) -> None:
        place = self.model.place_of(campaign_id)
        if place is not None and await show_dialog(self.stop_dialog(self.model.rows[place])) is _YES:
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
        here = self._here
        if here is self.composer:
            self.composer.take_focus()
        elif here is not self.split:
            self.back.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.split.take_focus()

    def retranslate(self) -> None:
        super().retranslate()
        self.back.setText(texts("campaign.back"))
        self.composer.retranslate()
        self.report.retranslate()
        self.recipients.retranslate()
        self.list.setAccessibleName(texts("campaign.title"))
        self.list.setAccessibleDescription(texts("campaign.keys"))
        self._empty.show_message(texts("campaign.empty"), texts("campaign.empty_line"), texts("campaign.new"))
        self.refresh()

    @property
    def has_way_back(self) -> bool:
        return self._here is not self.split or self.split.side_panel_open

    def put_away(self) -> None:
        if self._here is self.split:
            self.split.close_side_panel()
            self.take_focus()
        else:
            self.go_back()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()


_YES = BaseDialog.DialogCode.Accepted
