"""What somebody may ask for by law: to be given what is kept of them, or to have a contact erased."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QLineEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.domain.erasure import OldCopy
from app.domain.errors import Code, Problem
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address
from app.domain.phone import PhoneNumber, readable
from app.ui import tokens as t
from app.ui.dialogs.question import QuestionSheet
from app.ui.dialogs.sheet import Sheet
from app.ui.loop import ask, asked
from app.ui.pick import Option, Pick
from app.ui.settings_page.parts import Parts
from app.ui.settings_page.section import Row, Section
from app.ui.text import old_copy, texts, traces_left
from app.ui.theme import Theme
from app.ui.wrapping import WrappingRow


class PersonalSection(Section):
    """First whose data, then, if it is about one of their contacts, that number; then what to do with it."""

    def __init__(self, theme: Theme, parts: Parts) -> None:
        super().__init__(theme, "personal", "users")
        self._parts = parts
        self._exporting: asyncio.Task[object] | None = None
        self._given_up = False
        self.whom = Pick(theme, self._people)
        self.contact = QLineEdit()
        self.export_button, self.erase_button, self.cancel_button = QPushButton(), QPushButton(), QPushButton()
        self.bar = QProgressBar(textVisible=False)
        self._whom = Row(theme, self.whom)
        self._contact = Row(theme, self.contact)
        buttons = QWidget()
        row = WrappingRow(buttons)
        for button in (self.export_button, self.erase_button, self.cancel_button):
            row.addWidget(button)
        deeds = QWidget()
        column = QVBoxLayout(deeds)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(t.SPACE_3)
        column.addWidget(buttons)
        column.addWidget(self.bar)
        self._deeds = Row(theme, deeds, below=True)
        for each in (self._whom, self._contact, self._deeds):
            self.add(each)
        self.whom.picked.connect(self._allow)
        self.contact.textChanged.connect(self._allow)
        self.export_button.clicked.connect(self.export)
        self.erase_button.clicked.connect(self.erase)
        self.cancel_button.clicked.connect(self.give_up)
        self.bar.hide()
        self.cancel_button.hide()
        theme.changed.connect(self._fit)
        self._fit()

    @asked
    async def export(self, _checked: bool = False) -> None:
        """Ask where to, and write pages to read and a file for machines."""
        mentorado_id, contact = self._asked_for()
        dialog = QFileDialog(self, texts("settings.personal.where"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        if await ask(dialog) is QFileDialog.DialogCode.Accepted:
            await self.export_to(Path(dialog.selectedFiles()[0]), mentorado_id, contact)

    async def export_to(self, folder: Path, mentorado_id: MentoradoId, contact: Address | None) -> None:
        """Write into a new folder inside *folder*; given up midway, nothing of it stays."""
        from app.ui.export_page import HtmlPages

        self.hush()
        self._exporting, self._given_up = asyncio.current_task(), False
        self._show_progress(0, None)
        try:
            exported = await self._parts.personal_data.export(
                mentorado_id, folder, HtmlPages(texts.language), contact=contact, progress=self._show_progress
            )
        except asyncio.CancelledError:
            if not self._given_up or self._exporting is None:
                raise
            self._exporting.uncancel()
            self.say_done(texts("settings.personal.cancelled"))
        else:
            self.say_done(texts.plural("settings.personal.exported", exported.messages, folder=exported.folder.name))
            self._parts.open_folder(exported.folder)
        finally:
            self._exporting = None
            self.bar.hide()
            self.cancel_button.hide()
            self._allow()

    def give_up(self, _checked: bool = False) -> None:
        """Stop the export; what was written of it goes."""
        if self._exporting is not None:
            self._given_up = True
            self._exporting.cancel()

    @asked
    async def erase(self, _checked: bool = False) -> None:
        """Erase one contact, once their number was typed again."""
        mentorado_id, contact = self._asked_for()
        if contact is None:
            return
        if await ask(self.sheet(mentorado_id, contact)) is not Sheet.DialogCode.Accepted:
            self._parts.personal_data.decline_erasure(mentorado_id, contact)
            return
        erased = await self._parts.personal_data.erase_contact(mentorado_id, contact)
        said = texts.plural("settings.personal.erased", erased.messages)
        if erased.traces is not None:
            self.say_done(f"{said} {traces_left(erased.traces)}")  # the number stays, to ask again
        else:
            self.contact.clear()
            self.say_done(said)
        if erased.copies:
            await self._offer_to_remove(mentorado_id, erased.copies)

    async def _offer_to_remove(self, mentorado_id: MentoradoId, copies: Sequence[OldCopy]) -> None:
        if await ask(self.copies_sheet(copies)) is Sheet.DialogCode.Accepted:
            await self._parts.personal_data.remove_copies(mentorado_id, copies)
            self.say_done(texts.plural("erasure.removed", len(copies)))

    def copies_sheet(self, copies: Sequence[OldCopy]) -> QuestionSheet:
        """Which copies may hold who was erased, each with its date, before they are removed or kept."""
        sheet = QuestionSheet(self._theme, self, texts("erasure.copies_title"), texts("erasure.remove"))
        sheet.cancel.setText(texts("erasure.keep"))
        sheet.add_line("\n".join(old_copy(each) for each in copies))
        sheet.add_aspect("lost", texts("erasure.copies_lost"))
        return sheet

    def sheet(self, mentorado_id: MentoradoId, contact: Address) -> QuestionSheet:
        """What goes for good, before it does."""
        number = readable(PhoneNumber(contact.value))
        known = {"contact": number, "name": self._parts.enrolments.get(mentorado_id).mentorado.name}
        title, verb = texts("settings.personal.ask_title", **known), texts("settings.personal.ask_confirm")
        sheet = QuestionSheet(self._theme, self, title, verb, typed=number)
        for aspect in ("kept", "changes", "lost"):
            sheet.add_aspect(aspect, texts(f"settings.personal.ask_{aspect}", **known))
        sheet.ask_for_name()
        return sheet

    def refresh(self) -> None:
        self.whom.say("")
        self._allow()

    def retranslate(self) -> None:
        super().retranslate()
        self.whom.say("")
        self._whom.say(texts("settings.personal.whom"), texts("settings.personal.whom_line"))
        self._contact.say(texts("settings.personal.contact"), texts("settings.personal.contact_line"))
        self.contact.setPlaceholderText(texts("settings.personal.contact_hint"))
        self.contact.setAccessibleName(texts("settings.personal.contact"))
        self._deeds.say(texts("settings.personal.deeds"), texts("settings.personal.deeds_line"))
        self.export_button.setText(texts("settings.personal.export"))
        self.erase_button.setText(texts("settings.personal.erase"))
        self.cancel_button.setText(texts("dialog.cancel"))
        self.bar.setAccessibleName(texts("settings.personal.progress"))
        self._allow()

    def _asked_for(self) -> tuple[MentoradoId, Address | None]:
        from app.core.personal_data import contact_of

        if not isinstance(self.whom.chosen, str):
            raise Problem(Code.NAME_MISSING)
        typed = self.contact.text().strip()
        return MentoradoId(self.whom.chosen), contact_of(typed) if typed else None

    def _allow(self, _signal: object = None) -> None:
        somebody, busy = isinstance(self.whom.chosen, str), self._exporting is not None
        self.export_button.setEnabled(somebody and not busy)
        self.erase_button.setEnabled(somebody and not busy and bool(self.contact.text().strip()))

    def _show_progress(self, done: int, total: int | None) -> None:
        self.bar.setRange(0, total or 0)
        self.bar.setValue(done)
        self.bar.show()
        self.cancel_button.show()
        self._allow()

    def _people(self) -> Sequence[Option]:
        named = sorted((each.mentorado.name, each.mentorado.id) for each in self._parts.enrolments.all())
        nobody = (None, texts("settings.personal.choose"))
        return [nobody, *((mentorado_id, name) for name, mentorado_id in named)]

    def _fit(self) -> None:
        self.contact.setMinimumWidth(min(self._theme.px(220), 320))
