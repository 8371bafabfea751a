"""Who may be written to: the contacts of one mentorado with what they agreed to, and what can be recorded of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.outbound.consent_services import ConsentServices
from app.domain.audit import AuditAction
from app.domain.consent import ContactConsents, Purpose, last_about
from app.domain.events import ConsentsChanged, ContactOptedOut, MentoradosLoaded, MessagesErased
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.messages import Address, Conversation
from app.domain.repositories import Clock
from app.formats.csv_files import ledger_csv, write_file
from app.text import consent as consent_text
from app.text.conversation import number
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog, until_destroyed
from app.ui.consents.import_dialog import import_consents
from app.ui.consents.model import ConsentDelegate, ConsentFilter, ConsentModel, ContactConsentRow, rows_of
from app.ui.consents.record_dialog import RecordConsentDialog
from app.ui.consents.view import ConsentView
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.dialogs.files import SaveDialog
from app.ui.navigation import Page
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import DropdownButton, Option
from app.ui.widgets.layouts import FlowLayout
from app.ui.widgets.list_and_pane import ListAndPane
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.search_field import SearchField
from app.ui.widgets.toast import Toast

_SEARCH_WIDTH = 260
_TYPING_MILLISECONDS: Final = 120
_SOON_MILLISECONDS: Final = 200
"""Changes that come together are read together."""


def _searched() -> tuple[str, str]:
    return texts("consent.search"), texts("consent.search")


class ConsentsPage(Page):
    """The list of one mentorado's contacts, and beside it the one that is chosen."""

    NARROW = 880

    def __init__(
        self,
        *,
        theme: Theme,
        bus: EventBus,
        consent: ConsentServices,
        mentorados: MentoradoService,
        conversations: Callable[[MentoradoId], Awaitable[Sequence[Conversation]]],
        audit_service: AuditService,
        clock: Clock,
        parent: QWidget | None = None,
    ) -> None:
        """*conversations* of the history say what the contacts are called."""
        super().__init__(theme, parent)
        self._consent = consent
        self._mentorados = mentorados
        self._conversations = conversations
        self._audit_service = audit_service
        self._clock = clock
        self._mentorado_id: MentoradoId | None = None
        self._contacts: Sequence[ContactConsents] = ()
        self._read = False
        self._wanted: Address | None = None
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_MILLISECONDS)
        self._typing.timeout.connect(self._narrow)
        self.model = ConsentModel(self._today, self)
        self.view = ConsentView(theme)
        self.empty = EmptyState(theme, "user-check", "primary")
        self.empty.pressed.connect(self._on_empty)
        self.empty.second_pressed.connect(lambda: self.record(None))
        self.split = ListAndPane(theme, self.model, ConsentDelegate(theme), self.empty, self.view, self._show)
        self.list = self.split.list
        self.view.record_requested.connect(self.record)
        self.view.revoke_requested.connect(self.revoke)
        self.view.opt_out_requested.connect(self.opt_out)
        self.search = SearchField(theme, _searched, width=_SEARCH_WIDTH)
        self.search.textChanged.connect(lambda _typed: self._typing.start())
        self.search.left_downwards.connect(self.list.enter)
        self.list.left_upwards.connect(self.search.take_focus)
        self.person = DropdownButton(theme, self._people)
        self.person.picked.connect(self._on_person)
        self.filter = DropdownButton(theme, _filters)
        self.filter.choose(ConsentFilter.ALL)
        self.filter.picked.connect(lambda _chosen: self._narrow())
        self.import_button, self.export_button, self.record_button = (QPushButton() for _ in range(3))
        self.record_button.setProperty("role", "primary")
        self.import_button.clicked.connect(self.import_file)
        self.export_button.clicked.connect(self.export)
        self.record_button.clicked.connect(lambda: self.record(None))
        for button, sign in (
            (self.import_button, "file"),
            (self.export_button, "download"),
            (self.record_button, "plus"),
        ):
            self.add_tool(button, sign)
        bar = QWidget()
        row = FlowLayout(bar)
        for part in (self.search, self.person, self.filter):
            row.addWidget(part)
        top = QVBoxLayout()
        top.setContentsMargins(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_3)
        top.addWidget(bar)
        self.column.addLayout(top)
        self.column.addWidget(self.split, 1)
        self.toast = Toast(theme, self)
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MILLISECONDS)
        self._soon.timeout.connect(self.read)
        until_destroyed(
            self,
            bus.subscribe(ConsentsChanged, lambda event: self._on_changed(event.mentorado_id)),
            bus.subscribe(ContactOptedOut, lambda event: self._on_changed(event.mentorado_id)),
            bus.subscribe(MessagesErased, lambda event: self._on_changed(event.mentorado_id)),
            bus.subscribe(MentoradosLoaded, lambda _event: self._on_changed(None)),
        )
        self.restyle()

    # --- whose contacts

    @property
    def mentorado(self) -> Mentorado | None:
        """Whose contacts are shown."""
        everybody = {each.id: each for each in self._mentorados.all()}
        return everybody.get(self._mentorado_id) if self._mentorado_id is not None else None

    def show_mentorado(self, mentorado_id: MentoradoId, contact: Address | None = None) -> None:
        """Show the contacts of a mentorado, and of them *contact*."""
        self._wanted = contact
        if mentorado_id != self._mentorado_id:
            self._mentorado_id, self._read, self._contacts = mentorado_id, False, ()
            self.split.shown = None
            self.model.show_all(())
        self.search.clear()
        self.filter.choose(ConsentFilter.ALL)
        self._narrow()
        self.person.choose(mentorado_id)
        self.read()

    @async_slot
    async def read(self) -> None:
        """Read the ledger of whoever is shown."""
        mentorado = self.mentorado
        if mentorado is None:
            self._summarise()
            return
        contacts = await self._consent.ledger.contacts(mentorado.id)
        talks = await self._conversations(mentorado.id)
        names = {address.key: talk.title for talk in talks if not talk.is_group for address in talk.addresses}
        rows = await asyncio.to_thread(rows_of, contacts, names)
        if mentorado.id == self._mentorado_id:
            self._contacts, self._read = contacts, True
            self.model.show_all(rows)
            self._go_to_wanted()
            self._choose()

    # --- what a person does

    @async_slot
    async def record(self, purpose: Purpose | None) -> None:
        """Record a consent: of the contact that is shown for *purpose*, or without it of anybody."""
        mentorado, row = self.mentorado, self.split.row if purpose is not None else None
        if mentorado is None:
            return
        asked_for = purpose or Purpose.CAMPAIGN
        dialog = RecordConsentDialog(
            self._theme,
            self,
            self._consent.ledger,
            mentorado,
            latest=self.model.latest_wording,
            contact=row.addresses[0] if row and row.addresses else None,
            name=row.title if row else "",
            purpose=asked_for,
            opted_out=bool(row and row.states[asked_for].opted_out_at is not None),
        )
        await show_dialog(dialog)
        if dialog.recorded is not None:
            contact, asked_for = dialog.recorded
            self._wanted = contact
            known = self.model.find(contact)
            before = None if known is None else known.states[asked_for]
            words = texts("consent.done", purpose=consent_text.purpose(asked_for))
            if before is None or not (before.granted or before.opted_out_at):
                self.toast.show_message(words, texts("window.undo"), lambda: self.undo_record(contact, asked_for))
            self.read()

    @async_slot
    async def undo_record(self, contact: Address, purpose: Purpose) -> None:
        """Revoke what was recorded a moment ago: nothing is ever removed from the ledger."""
        if self._mentorado_id is not None:
            await self._consent.ledger.revoke(self._mentorado_id, contact, purpose, note=texts("consent.undone_note"))

    @async_slot
    async def revoke(self, purpose: Purpose) -> None:
        """Record that the contact that is shown took a consent back; for a moment it can be recorded again."""
        row = self.split.row
        if self._mentorado_id is None or row is None or not row.addresses:
            return
        last, mentorado_id, contact = last_about(row.entries, purpose), self._mentorado_id, row.addresses[0]
        await self._consent.ledger.revoke(mentorado_id, contact, purpose)
        words = texts("consent.revoked", purpose=consent_text.purpose(purpose))
        if last is not None and last.wording and last.version:
            wording, version = last.wording, last.version
            self.toast.show_message(
                words,
                texts("window.undo"),
                lambda: self.undo_revoke(mentorado_id, contact, purpose, wording, version),
            )

    @async_slot
    async def undo_revoke(
        self, mentorado_id: MentoradoId, contact: Address, purpose: Purpose, wording: str, version: str
    ) -> None:
        """Record the consent again, with the words that it had."""
        note = texts("consent.undone_note")
        await self._consent.ledger.grant(mentorado_id, contact, purpose, wording=wording, version=version, note=note)

    @async_slot
    async def opt_out(self) -> None:
        """Record that the contact that is shown wants to be left alone, once that is confirmed."""
        row = self.split.row
        if self._mentorado_id is None or row is None or not row.addresses:
            return
        mentorado_id, contact = self._mentorado_id, row.addresses[0]
        dialog = ConfirmDialog(
            self._theme, self, texts("consent.opt_out_title", name=row.title), texts("consent.opt_out_confirm")
        )
        dialog.add_line(texts("consent.opt_out_body"))
        if await show_dialog(dialog):
            await self._consent.ledger.opt_out(mentorado_id, contact)

    @async_slot
    async def import_file(self) -> None:
        """Take a spreadsheet; what it granted can be revoked again at once."""
        mentorado = self.mentorado
        if mentorado is None:
            return
        imported = await import_consents(self._theme, self, self._consent.imports, mentorado)
        if imported is not None:
            words = texts.plural("consent.imported", imported.count)
            self.toast.show_message(words, texts("window.undo"), lambda: self.undo_import(mentorado.id, imported.id))

    @async_slot
    async def undo_import(self, mentorado_id: MentoradoId, import_id: str) -> None:
        await self._consent.imports.undo(mentorado_id, import_id)

    @async_slot
    async def export(self) -> None:
        """Choose a file, and write the whole ledger of the mentorado to it."""
        mentorado = self.mentorado
        if mentorado is None:
            return
        name = f"{texts('consent.title')} - {mentorado.name} - {self._today():%Y-%m-%d}"
        file = await SaveDialog(self, texts("consent.export"), name, {"csv": texts("audit.csv")}).choose()
        if file is not None:
            await self.export_to(file, mentorado)

    async def export_to(self, file: Path, mentorado: Mentorado) -> None:
        """Write every entry to *file*, and that it was done into the audit log."""
        contacts = await self._consent.ledger.contacts(mentorado.id)
        count = sum(len(each.entries) for each in contacts)
        written = {"entries": str(count)}
        async with self._audit_service.around(AuditAction.EXPORT_CONSENTS, mentorado, after=lambda: written):
            await asyncio.to_thread(lambda: write_file(file, ledger_csv(contacts)))
        self.set_title(texts("consent.title"), texts.plural("consent.exported", count, file=file.name))

    # --- what is shown

    def _choose(self) -> None:
        """Show the contact that was chosen, or the first."""
        self.split.refresh()
        self._summarise()

    def _go_to_wanted(self) -> None:
        """Show the contact that somebody came for; who is not in the ledger is offered to be recorded."""
        contact, self._wanted = self._wanted, None
        row = None if contact is None else self.model.find(contact)
        if row is None:
            return
        self.split.shown = row.reference
        place = self.model.place_of(row.reference)
        if place is not None:
            self.list.scrollTo(self.model.index(place))

    def _show(self, row: ContactConsentRow) -> None:
        self.view.show_row(row, self._today())

    def _narrow(self) -> None:
        self._typing.stop()
        chosen = self.filter.chosen
        self.model.narrow(self.search.text(), ConsentFilter(chosen) if isinstance(chosen, str) else ConsentFilter.ALL)
        self._choose()

    def _summarise(self) -> None:
        anybody, known = self.mentorado is not None, self.model.total > 0
        summary = ""
        if anybody and self._read:
            out = self.model.count(ConsentFilter.OPTED_OUT)
            counts = [
                texts.plural("consent.contacts", self.model.total, n=number(self.model.total)),
                texts("consent.may_campaign", n=number(self.model.count(ConsentFilter.CAMPAIGN))),
                texts.plural("consent.out", out, n=number(out)),
            ]
            summary = " · ".join(counts if known and not self.narrow else counts[:1])
        self.set_title(texts("consent.title"), summary)
        self.export_button.setEnabled(known)
        for button in (self.import_button, self.record_button):
            button.setEnabled(anybody)
        if not anybody:
            self.empty.show_message(texts("consent.nobody"), texts("consent.nobody_line"), "")
        elif not self._read:
            self.empty.show_message(texts("consent.reading"), "", "")
        elif known:
            self.empty.show_message(texts("consent.not_found"), "", texts("consent.clear"))
        else:
            self.empty.show_message(
                texts("consent.empty"), texts("consent.empty_line"), texts("list.import"), texts("consent.record")
            )

    def _on_empty(self) -> None:
        if self.model.total:
            self.search.clear()
            self.filter.choose(ConsentFilter.ALL)
            self._narrow()
        else:
            self.import_file()

    def _on_person(self, chosen: object) -> None:
        if isinstance(chosen, str):
            self.show_mentorado(MentoradoId(chosen))

    def _on_changed(self, mentorado_id: MentoradoId | None) -> None:
        if mentorado_id in (None, self._mentorado_id):
            self._read_soon()

    def _read_soon(self) -> None:
        """Now where it can be seen; else when it is shown the next time."""
        if self.isVisible():
            self._soon.start()

    def _people(self) -> Sequence[Option]:
        named = sorted((each.name, each.id) for each in self._mentorados.all() if not each.archived)
        return [(mentorado_id, name) for name, mentorado_id in named]

    def _today(self) -> date:
        return self._clock.now().astimezone().date()

    # --- what the window asks of a page

    def take_focus(self) -> None:
        self.split.take_focus()

    def begin_search(self) -> None:
        self.search.take_focus()

    def retranslate(self) -> None:
        super().retranslate()
        self.person.set_text(texts("consent.of"))
        self.filter.set_text(texts("consent.filter"))
        for button, key in (
            (self.import_button, "import"),
            (self.export_button, "export"),
            (self.record_button, "record"),
        ):
            button.setText(texts(f"consent.{key}_short" if self.narrow else f"consent.{key}_button"))
            button.setAccessibleName(texts(f"consent.{key}_button"))
            button.setToolTip(texts(f"consent.{key}_button"))
        self.list.setAccessibleName(texts("consent.title"))
        self.list.setAccessibleDescription(texts("consent.keys"))
        self.search.retranslate()
        self.model.refresh_texts()
        self._choose()

    @property
    def has_way_back(self) -> bool:
        return self.split.side_panel_open

    def put_away(self) -> None:
        self.split.close_side_panel()
        self.take_focus()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.mentorado is None and (people := self._people()):
            self._on_person(people[0][0])
        else:
            self.read()


def _filters() -> Sequence[Option]:
    return [(each, texts(f"consent.filters.{each}")) for each in ConsentFilter]
