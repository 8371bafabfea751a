"""The page of campaigns: the list with one of them beside it, and what is opened from there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QPushButton, QStackedLayout, QWidget

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
from app.domain.mentorado import MentoradoId
from app.domain.outbound import Hold
from app.domain.repositories import Clock
from app.formats.campaign_export import dry_run_csv, recipients_csv
from app.formats.consent_export import write_file
from app.text import campaigns as campaign_text
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.campaigns.composer import Composer
from app.ui.campaigns.overview import CampaignDelegate, CampaignModel, CampaignView
from app.ui.campaigns.recipients import RecipientsView
from app.ui.campaigns.report import ReportView
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.dialogs.files import FileDialog
from app.ui.navigation import Page
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.split_view import SplitView
from app.ui.widgets.tables import RowList

_SECOND = 1000
_ICON = 18


class CampaignsPage(Page):
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
        super().__init__(theme, parent)
        self._campaigns = campaigns
        self._mentorados = mentorados
        self._clock = clock
        self._planner = planner
        self._audit_service = audit_service
        self._shown: CampaignId | None = None
        self._planning: asyncio.Task[object] | None = None
        self._exported = ""  # what was written to a file, until something else is shown
        self.back, self.new_button = QPushButton(), QPushButton()
        self.new_button.setProperty("role", "primary")
        self.tools.addWidget(self.back)
        self.tools.addWidget(self.new_button)
        self.back.clicked.connect(self.go_back)
        self.new_button.clicked.connect(self.compose)
        self.model = CampaignModel(campaigns, clock, self)
        self.list = RowList(self.model, CampaignDelegate(theme), theme)
        self.list.opened.connect(self._open)
        self.list.selectionModel().currentChanged.connect(lambda index, _before: self._on_walked(index.row()))
        self.view = CampaignView(theme)
        self.view.paused.connect(lambda: self._do(campaigns.pause))
        self.view.resumed.connect(lambda: self._do(campaigns.resume))
        self.view.stopped.connect(lambda: self._do(self._stop))
        self.view.cases_requested.connect(show_cases)
        self.view.recipients_requested.connect(self._show_recipients)
        self._empty = EmptyState(theme, "send", "primary")
        self._empty.pressed.connect(self.compose)
        left = QWidget()
        self._stack = QStackedLayout(left)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self.split = SplitView(left, theme)
        self.split.set_pane(self.view)
        self.composer = Composer(theme, mentorados, details)
        self.composer.dry_run_requested.connect(self._dry_run)
        self.composer.changed.connect(self._show_header)
        self.report = ReportView(theme, self._name_of, clock)
        self.report.cancelled.connect(self._cancel)
        self.report.again_requested.connect(self._dry_run)
        self.report.edit_requested.connect(self.compose)
        self.report.approved.connect(self._approve)
        self.report.export_requested.connect(partial(self._export, of_report=True))
        self.recipients = RecipientsView(theme, campaigns, self._name_of, clock)
        self.recipients.export_requested.connect(partial(self._export, of_report=False))
        self._parts = QStackedLayout()
        self.column.addLayout(self._parts, 1)  # before it has parts: without a parent the first is a window of its own
        for part in (self.split, self.composer, self.report, self.recipients):
            self._parts.addWidget(part)
        self._second = QTimer(self, interval=_SECOND)
        self._second.timeout.connect(self._on_second)
        undo = bus.subscribe(CampaignsChanged, self._on_changed)
        self.destroyed.connect(lambda _gone: undo())
        self.restyle()

    # --- what is shown

    def refresh(self) -> None:
        """Show what there is now, with the chosen one as it is."""
        self.model.refresh()
        count = self.model.rowCount()
        self._show_header()
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
        """Lead to this one in the list."""
        self._shown = campaign_id
        self._go(self.split)
        self.refresh()
        self.split.open_side_panel()

    def _go(self, part: QWidget) -> None:
        """Show one part of the page; what the others hold stays."""
        self.banners.clear("asked")
        self._exported = ""
        self._parts.setCurrentWidget(part)
        self._show_header()

    def _show_header(self) -> None:
        here, campaign, made = self._parts.currentWidget(), self.recipients.campaign, self.report.made
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
        self.back.setVisible(here is not self.split)
        drafted = not self.composer.is_empty
        self.new_button.setVisible(here is self.split and (self.model.rowCount() > 0 or drafted))
        self.new_button.setText(texts("campaign.continue_draft" if drafted else "campaign.new"))

    def _on_changed(self, event: CampaignsChanged) -> None:
        self.refresh()
        self.recipients.on_changed(event.campaign_id)

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

    def compose(self, _checked: bool = False) -> None:
        """Write a campaign; what was written before is still there."""
        self.composer.refresh()
        self._go(self.composer)
        self.composer.take_focus()

    def go_back(self, _checked: bool = False) -> None:
        """From the report to the draft, from anywhere else to the list."""
        self._cancel()
        if self._parts.currentWidget() is self.report:
            self.compose()
        else:
            self._go(self.split)
            self.take_focus()

    def _show_recipients(self) -> None:
        if self._shown is not None:
            self.recipients.open(self._shown)
            self._go(self.recipients)
            self.recipients.filter.take_focus()

    @async_slot
    async def _dry_run(self) -> None:
        """Find out what the draft would do, and show it, or what is wrong with the draft."""
        self._planning = asyncio.current_task()
        try:
            draft = self.composer.draft
            self.report.show_running()
            self._go(self.report)
            self.report.show_dry_run(await self._planner.dry_run(draft, self.report.show_progress))
            self._show_header()
        except BaseException:
            if self._parts.currentWidget() is self.report:
                self.compose()
            raise
        finally:
            self._planning = None

    def _cancel(self) -> None:
        if self._planning is not None:
            self._planning.cancel()

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
        dialog = FileDialog(self, texts("campaign.export"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([texts("audit.csv")])
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(f"{texts('campaign.file_name')}-{self._clock.now().astimezone():%Y-%m-%d}")
        if await show_dialog(dialog) is _YES:
            await self.export_to(Path(dialog.selectedFiles()[0]), of_report=of_report)

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
        here = self._parts.currentWidget()
        if here is self.composer:
            self.composer.take_focus()
        elif here is not self.split:
            self.back.setFocus(Qt.FocusReason.OtherFocusReason)
        elif self.model.rowCount():
            self.list.enter()
        else:
            self._empty.setFocus(Qt.FocusReason.OtherFocusReason)

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

    def restyle(self) -> None:
        super().restyle()
        side, colours = self._theme.px(_ICON), self._theme.tokens
        for button, sign, colour in (
            (self.new_button, "plus", colours.on_accent),
            (self.back, "arrow-left", colours.text2),
        ):
            button.setIcon(icon(sign, colour, side))
            button.setIconSize(QSize(side, side))
        self.retranslate()

    def event(self, event: QEvent) -> bool:
        # The window has another use for Esc: here it puts away what lies over the list.
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride and self._is_back(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._is_back(event) and self._parts.currentWidget() is not self.split:
            self.go_back()
        elif self._is_back(event):
            self.split.close_side_panel()
            self.take_focus()
        else:
            super().keyPressEvent(event)

    def _is_back(self, event: QKeyEvent) -> bool:
        open_part = self._parts.currentWidget() is not self.split or self.split.side_panel_open
        return event.key() == Qt.Key.Key_Escape and open_part

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self._second.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._second.stop()


_YES = BaseDialog.DialogCode.Accepted
