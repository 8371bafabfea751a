"""How much is kept, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QLineEdit, QProgressBar, QPushButton, QWidget

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.privacy_service import PrivacyService
from app.core.settings_service import SettingsService
from app.domain.erasure import OldCopy
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesErased
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, HistoryStats
from app.domain.phone import PhoneNumber, readable
from app.domain.repositories import Clock
from app.domain.settings import RETENTION
from app.text.status import date_time, old_copy, texts, traces_left
from app.ui.async_slots import async_slot, show_dialog, until_destroyed
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.dialogs.files import FileDialog
from app.ui.settings.section import OpenFolder, Section, SettingRow
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import DropdownButton, Option
from app.ui.widgets.layouts import FlowLayout, vbox

OFFERED = (None, 730, 365, 180, 90, 30)


class HistorySection(Section):
    """Everything is kept until somebody decides otherwise, and to keep less must be confirmed in writing."""

    def __init__(
        self,
        theme: Theme,
        *,
        bus: EventBus,
        settings_service: SettingsService,
        mentorados: MentoradoService,
        stats: Callable[[MentoradoId], Awaitable[HistoryStats]],
        clock: Clock,
    ) -> None:
        super().__init__(theme, "history", "message")
        self._settings_service = settings_service
        self._mentorados = mentorados
        self._stats = stats
        self._clock = clock
        self._counted: tuple[int, int, datetime | None] | None = None
        self._counting = False
        self.retention = DropdownButton(theme, self._options)
        self._extent = SettingRow(theme)
        self._kept = SettingRow(theme, self.retention)
        self.add(self._extent)
        self.add(self._kept)
        self.retention.picked.connect(self.keep)
        until_destroyed(self, bus.subscribe(MessagesErased, lambda _event: self.refresh()))

    @property
    def line(self) -> str:
        """What is said of how much there is."""
        return self._extent.line.text()

    def refresh(self) -> None:
        self._show_retention()
        if not self._counting:
            self._count()

    @async_slot
    async def keep(self, chosen: Hashable) -> None:
        """Keep for so many days from the next time on; None keeps everything."""
        days = chosen if isinstance(chosen, int) else None
        before = self._settings_service.settings.retention_days
        try:
            fewer = days is not None and (before is None or days < before)
            if days is not None and fewer and not await self._confirm_retention(days):
                return
            await self.change_setting(self._settings_service, RETENTION, days)
        finally:
            self._show_retention()

    def sheet(self, days: int) -> ConfirmDialog:
        """What is lost, before it is: the number of days is to be typed."""
        words = _days(days)
        sheet = ConfirmDialog(
            self._theme,
            self,
            texts("settings.history.ask_title", days=words),
            texts("settings.history.ask_confirm"),
            typed=words,
        )
        sheet.add_aspect("kept", texts("settings.history.ask_kept"))
        sheet.add_aspect("changes", texts("settings.history.ask_changes", days=words))
        sheet.add_aspect("lost", texts("settings.history.ask_lost", days=words))
        sheet.ask_for_name()
        return sheet

    def retranslate(self) -> None:
        super().retranslate()
        self._kept.set_text(texts("settings.history.retention"), texts("settings.history.retention_line"))
        self._show_retention()
        self._show_extent()

    @async_slot
    async def _count(self) -> None:
        self._counting = True
        try:
            messages, conversations, since = 0, 0, None
            for mentorado in self._mentorados.all():
                extent = await self._stats(mentorado.id)
                messages += extent.messages
                conversations += extent.conversations
                if extent.since is not None:
                    since = extent.since if since is None else min(since, extent.since)
            self._counted = (messages, conversations, since)
        finally:
            self._counting = False
        self._show_extent()

    def _show_extent(self) -> None:
        if self._counted is None:
            line = texts("settings.history.counting")
        elif (counted := self._counted)[2] is None:
            line = texts("settings.history.nothing")
        else:
            messages, conversations, since = counted
            now = self._clock.now().astimezone().date()
            line = texts(
                "settings.history.extent_line",
                messages=texts.plural("settings.history.messages", messages),
                conversations=texts.plural("settings.history.conversations", conversations),
                since=date_time(since.astimezone(), now) if since else "",
            )
        self._extent.set_text(texts("settings.history.extent"), line)

    def _show_retention(self) -> None:
        self.retention.choose(self._settings_service.settings.retention_days)
        self.retention.set_text("")

    async def _confirm_retention(self, days: int) -> bool:
        if await show_dialog(self.sheet(days)) is BaseDialog.DialogCode.Accepted:
            return True
        self._settings_service.decline(RETENTION, days)
        return False

    def _options(self) -> Sequence[Option]:
        now = self._settings_service.settings.retention_days
        offered = OFFERED if now in OFFERED else (*OFFERED, now)
        return [(days, texts("settings.history.all") if days is None else _days(days)) for days in offered]


def _days(days: int) -> str:
    return texts.plural("settings.history.days", days)


class PersonalSection(Section):
    """First whose data, then, if it is about one of their contacts, that number; then what to do with it."""

    def __init__(
        self, theme: Theme, *, personal_data: PrivacyService, mentorados: MentoradoService, open_folder: OpenFolder
    ) -> None:
        super().__init__(theme, "personal", "users")
        self._personal_data = personal_data
        self._mentorados = mentorados
        self._open_folder = open_folder
        self._exporting: asyncio.Task[object] | None = None
        self._given_up = False
        self.whom = DropdownButton(theme, self._people)
        self.contact = QLineEdit()
        self.export_button, self.erase_button, self.cancel_button = QPushButton(), QPushButton(), QPushButton()
        self.bar = QProgressBar(textVisible=False)
        self._whom = SettingRow(theme, self.whom)
        self._contact = SettingRow(theme, self.contact)
        buttons = QWidget()
        row = FlowLayout(buttons)
        for button in (self.export_button, self.erase_button, self.cancel_button):
            row.addWidget(button)
        audited_actions = QWidget()
        vbox(buttons, self.bar, inside=audited_actions, spacing=t.SPACE_3)
        self._audited_actions = SettingRow(theme, audited_actions, below=True)
        for each in (self._whom, self._contact, self._audited_actions):
            self.add(each)
        self.whom.picked.connect(self._update_buttons)
        self.contact.textChanged.connect(self._update_buttons)
        self.export_button.clicked.connect(self.export)
        self.erase_button.clicked.connect(self.erase)
        self.cancel_button.clicked.connect(self.give_up)
        self.bar.hide()
        self.cancel_button.hide()
        theme.changed.connect(self._fit)
        self._fit()

    @async_slot
    async def export(self, _checked: bool = False) -> None:
        """Ask where to, and write pages to read and a file for machines."""
        mentorado_id, contact = self._requested_contact()
        dialog = FileDialog(self, texts("settings.personal.where"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        if await show_dialog(dialog) is QFileDialog.DialogCode.Accepted:
            await self.export_to(Path(dialog.selectedFiles()[0]), mentorado_id, contact)

    async def export_to(self, folder: Path, mentorado_id: MentoradoId, contact: Address | None) -> None:
        """Write into a new folder inside *folder*; given up midway, nothing of it stays."""
        from app.formats.export_html import HtmlExportRenderer

        self.clear_message()
        self._exporting, self._given_up = asyncio.current_task(), False
        self._show_progress(0, None)
        try:
            exported = await self._personal_data.export(
                mentorado_id, folder, HtmlExportRenderer(texts.language), contact=contact, progress=self._show_progress
            )
        except asyncio.CancelledError:
            if not self._given_up or self._exporting is None:
                raise
            self._exporting.uncancel()
            self.show_saved(texts("settings.personal.cancelled"))
        else:
            self.show_saved(texts.plural("settings.personal.exported", exported.messages, folder=exported.folder.name))
            self._open_folder(exported.folder)
        finally:
            self._exporting = None
            self.bar.hide()
            self.cancel_button.hide()
            self._update_buttons()

    def give_up(self, _checked: bool = False) -> None:
        """Stop the export; what was written of it goes."""
        if self._exporting is not None:
            self._given_up = True
            self._exporting.cancel()

    @async_slot
    async def erase(self, _checked: bool = False) -> None:
        """Erase one contact, once their number was typed again."""
        mentorado_id, contact = self._requested_contact()
        if contact is None:
            return
        if await show_dialog(self.sheet(mentorado_id, contact)) is not BaseDialog.DialogCode.Accepted:
            self._personal_data.decline_erasure(mentorado_id, contact)
            return
        erased = await self._personal_data.erase_contact(mentorado_id, contact)
        text = texts.plural("settings.personal.erased", erased.messages)
        if erased.traces is not None:
            self.show_saved(f"{text} {traces_left(erased.traces)}")  # the number stays, to ask again
        else:
            self.contact.clear()
            self.show_saved(text)
        if erased.copies:
            await self._offer_to_remove(mentorado_id, erased.copies)

    async def _offer_to_remove(self, mentorado_id: MentoradoId, copies: Sequence[OldCopy]) -> None:
        if await show_dialog(self.copies_sheet(copies)) is BaseDialog.DialogCode.Accepted:
            await self._personal_data.remove_copies(mentorado_id, copies)
            self.show_saved(texts.plural("erasure.removed", len(copies)))

    def copies_sheet(self, copies: Sequence[OldCopy]) -> ConfirmDialog:
        """Which copies may hold who was erased, each with its date, before they are removed or kept."""
        sheet = ConfirmDialog(self._theme, self, texts("erasure.copies_title"), texts("erasure.remove"))
        sheet.cancel.setText(texts("erasure.keep"))
        sheet.add_line("\n".join(old_copy(each) for each in copies))
        sheet.add_aspect("lost", texts("erasure.copies_lost"))
        return sheet

    def sheet(self, mentorado_id: MentoradoId, contact: Address) -> ConfirmDialog:
        """What goes for good, before it does."""
        number = readable(PhoneNumber(contact.value))
        known = {"contact": number, "name": self._mentorados.get(mentorado_id).name}
        title, verb = texts("settings.personal.ask_title", **known), texts("settings.personal.ask_confirm")
        sheet = ConfirmDialog(self._theme, self, title, verb, typed=number)
        for aspect in ("kept", "changes", "lost"):
            sheet.add_aspect(aspect, texts(f"settings.personal.ask_{aspect}", **known))
        sheet.ask_for_name()
        return sheet

    def refresh(self) -> None:
        self.whom.set_text("")
        self._update_buttons()

    def retranslate(self) -> None:
        super().retranslate()
        self.whom.set_text("")
        self._whom.set_text(texts("settings.personal.whom"), texts("settings.personal.whom_line"))
        self._contact.set_text(texts("settings.personal.contact"), texts("settings.personal.contact_line"))
        self.contact.setPlaceholderText(texts("settings.personal.contact_hint"))
        self.contact.setAccessibleName(texts("settings.personal.contact"))
        self._audited_actions.set_text(texts("settings.personal.deeds"), texts("settings.personal.deeds_line"))
        self.export_button.setText(texts("settings.personal.export"))
        self.erase_button.setText(texts("settings.personal.erase"))
        self.cancel_button.setText(texts("dialog.cancel"))
        self.bar.setAccessibleName(texts("settings.personal.progress"))
        self._update_buttons()

    def _requested_contact(self) -> tuple[MentoradoId, Address | None]:
        from app.core.privacy_service import contact_of

        if not isinstance(self.whom.chosen, str):
            raise Problem(ProblemCode.NAME_MISSING)
        typed = self.contact.text().strip()
        return MentoradoId(self.whom.chosen), contact_of(typed) if typed else None

    def _update_buttons(self, _signal: object = None) -> None:
        somebody, busy = isinstance(self.whom.chosen, str), self._exporting is not None
        self.export_button.setEnabled(somebody and not busy)
        self.erase_button.setEnabled(somebody and not busy and bool(self.contact.text().strip()))

    def _show_progress(self, done: int, total: int | None) -> None:
        self.bar.setRange(0, total or 0)
        self.bar.setValue(done)
        self.bar.show()
        self.cancel_button.show()
        self._update_buttons()

    def _people(self) -> Sequence[Option]:
        named = sorted((each.name, each.id) for each in self._mentorados.all())
        nobody = (None, texts("settings.personal.choose"))
        return [nobody, *((mentorado_id, name) for name, mentorado_id in named)]

    def _fit(self) -> None:
        self.contact.setMinimumWidth(min(self._theme.px(220), 320))
