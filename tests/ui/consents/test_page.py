"""The page of consents as a person uses it, over the real services and database."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from app.core.outbound.consent_import import MOST_ROWS
from app.domain.consent import ConsentChange, Purpose
from app.domain.events import ContactOptedOut
from app.domain.messages import Address
from app.text.status import texts
from app.ui.consents.import_dialog import ConsentImportDialog
from app.ui.consents.model import ConsentFilter
from app.ui.consents.record_dialog import RecordConsentDialog
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.theme.theme import Theme
from tests.core.outbound.harness import NOON, phone
from tests.storage.talk import a_message
from tests.ui.consents.harness import WORDS, ConsentsHarness, open_consents
from tests.ui.controls import nameless, out_of_reach
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

BIA, CAIO, DORA = phone(1), phone(2), phone(3)
GRANTED, REVOKED, OUT = ConsentChange.GRANTED, ConsentChange.REVOKED, ConsentChange.OPTED_OUT


@pytest.fixture
def folder(fast_dir: Path) -> Path:
    return fast_dir


def read_aloud(h: ConsentsHarness) -> list[str]:
    model = h.page.model
    return [str(model.data(model.index(n), Qt.ItemDataRole.AccessibleTextRole)) for n in range(model.rowCount())]


def summary(h: ConsentsHarness) -> str:
    return h.page._summary.text()


async def changes(h: ConsentsHarness, contact: Address = BIA) -> list[ConsentChange]:
    return [each.change for each in await h.p.ledger.history(h.ana.id, contact)]


async def record_dialog(h: ConsentsHarness) -> RecordConsentDialog:
    await until(lambda: any(each.isVisible() for each in h.page.findChildren(RecordConsentDialog)))
    return next(each for each in h.page.findChildren(RecordConsentDialog) if each.isVisible())


async def test_an_empty_page_offers_an_import_and_a_consent_by_hand(theme: Theme, folder: Path) -> None:
    async with open_consents(theme, folder) as h:
        assert summary(h) == "Nenhum contato registrado"
        assert h.page.empty.isVisible()
        assert not h.page.view.isVisible()
        assert not h.page.export_button.isEnabled()
        h.page.take_focus()
        h.page.empty.second_pressed.emit()
        dialog = await record_dialog(h)
        assert nameless(dialog) == []
        QTest.keyClicks(dialog.contact, "11 90000-0001")
        dialog.wording.setPlainText(WORDS["wording"])
        dialog.save.click()
        await until(dialog.trouble.isVisible)
        assert dialog.trouble.text().startswith("Falta a versão")
        QTest.keyClicks(dialog.version, WORDS["version"])
        QTest.keyClicks(dialog.note, "evento")
        QTest.keyClick(dialog.note, Qt.Key.Key_Return)
        await h.shown(1)
        assert read_aloud(h) == [
            "+55 11 90000-0001, +55 11 90000-0001, conversa: sem consentimento, campanha: concordou"
        ]
        assert summary(h) == "1 contato · 1 para campanha · ninguém pediu para sair"
        (entry,) = await h.p.ledger.history(h.ana.id, BIA)
        assert (entry.wording, entry.version, entry.note) == (WORDS["wording"], "2", "evento")
        assert h.page.toast.isVisible()
        h.page.toast.button.click()  # an undo is a new entry
        await until(lambda: summary(h) == "1 contato · 0 para campanha · ninguém pediu para sair")
        assert await changes(h) == [GRANTED, REVOKED]
        assert (nameless(h.page), out_of_reach(h.page)) == ([], [])


async def test_a_contact_is_shown_with_name_states_and_everything_recorded(theme: Theme, folder: Path) -> None:
    async with open_consents(theme, folder) as h:
        written = [a_message("M1", "oi", BIA, sender_name="Bia Prado")]
        await h.p.core.history.store(h.ana, written, NOON)
        await h.p.ledger.grant(h.ana.id, BIA, Purpose.CAMPAIGN, note="evento", **WORDS)
        await h.p.ledger.grant(h.ana.id, CAIO, Purpose.CONVERSATION, **WORDS)
        await h.shown(2)
        assert read_aloud(h)[1].startswith("Bia Prado, +55 11 90000-0001")
        h.choose(BIA)
        view = h.page.view
        assert (view.name.text(), view.number.text()) == ("Bia Prado", "+55 11 90000-0001")
        assert all(
            word in view.history.text() for word in ("Concordou: campanha", WORDS["wording"], "versão 2", "evento")
        )
        campaign, conversation = view.parts[Purpose.CAMPAIGN], view.parts[Purpose.CONVERSATION]
        assert "registrado por um operador" in campaign.origin.text()
        assert not conversation.revoke.isVisible()

        campaign.revoke.click()
        await until(lambda: not campaign.revoke.isVisible())
        h.page.toast.button.click()
        await until(campaign.revoke.isVisible)
        assert await changes(h) == [GRANTED, REVOKED, GRANTED]
        assert (await h.p.ledger.history(h.ana.id, BIA))[-1].version == "2"

        view.opt_out.click()
        await until(lambda: h.page.findChildren(ConfirmDialog))
        (question,) = h.page.findChildren(ConfirmDialog)
        assert question.title.text() == "Bia Prado pediu para sair?"
        question.confirm.click()
        await until(lambda: not view.opt_out.isVisible())
        assert (await changes(h))[-1] is OUT

        conversation.record.click()  # who opted out is let in by an act of its own
        dialog = await record_dialog(h)
        assert dialog.contact.text() == "Bia Prado"
        assert dialog.wording.toPlainText() == WORDS["wording"], "what was agreed to last is proposed"
        dialog.save.click()
        await until(dialog.trouble.isVisible)
        assert "pediu para não receber" in dialog.trouble.text()
        dialog.again.click()
        dialog.save.click()
        await until(conversation.revoke.isVisible)
        assert not campaign.revoke.isVisible()


async def test_contacts_are_found_filtered_and_followed(theme: Theme, folder: Path) -> None:
    async with open_consents(theme, folder) as h:
        for who, purpose in ((BIA, Purpose.CAMPAIGN), (CAIO, Purpose.CONVERSATION), (DORA, Purpose.CAMPAIGN)):
            await h.p.ledger.grant(h.ana.id, who, purpose, **WORDS)
        await h.shown(3)
        now = h.p.clock.now()
        await h.p.core.history.store(h.ana, [replace(a_message("S", "SAIR", DORA), sent_at=now, received_at=now)], now)
        h.p.core.bus.publish(ContactOptedOut(h.ana.id, 4, DORA))
        await until(lambda: summary(h) == "3 contatos · 1 para campanha · 1 pediu para sair")
        counts = {each: h.page.model.count(each) for each in ConsentFilter}
        assert counts == {"all": 3, "conversation": 1, "campaign": 1, "opted_out": 1, "none": 0}
        h.page.filter._select(ConsentFilter.OPTED_OUT)
        assert [row.addresses for row in h.page.model.rows] == [(DORA,)]
        h.page.begin_search()
        QTest.keyClicks(h.page.search, "90000-0002")
        await h.shown(0)
        assert h.page.empty.isVisible()
        h.page.empty.pressed.emit()
        await h.shown(3)
        QTest.keyClicks(h.page.search, "90000-0002")
        await h.shown(1)
        QTest.keyClick(h.page.search, Qt.Key.Key_Down)
        assert h.page.list.hasFocus()
        QTest.keyClick(h.page.list, Qt.Key.Key_Return)
        assert h.page.view.name.text() == "+55 11 90000-0002"

        h.page.show_mentorado(h.ana.id, BIA)  # as the conversation does
        await until(lambda: h.page.view.name.text() == "+55 11 90000-0001")
        await h.p.core.personal_data.erase_contact(h.ana.id, BIA)
        await until(lambda: h.page.view.name.text().startswith("Contato apagado"))
        assert not h.page.view.opt_out.isVisible()
        assert "texto guardado só como código" in h.page.view.history.text()

        bruno = await h.p.core.mentorados.add("Bruno", "21 98765-4321")
        h.page.person._select(bruno.id)
        await until(lambda: summary(h) == "Nenhum contato registrado")
        for language in ("en", "pt-BR"):
            texts.set_language(language)
        h.page.resize(700, 620)
        assert h.page.record_button.text() == "Registrar"


async def test_a_file_is_previewed_line_by_line_imported_reported_and_undone(theme: Theme, folder: Path) -> None:
    async with open_consents(theme, folder) as h:
        await h.p.ledger.opt_out(h.ana.id, CAIO)
        data = b"Telefone;Data\n11 90000-0001;05/12/2025\n11 90000-0002;06/12/2025\n123;\n"
        dialog = ConsentImportDialog(theme, h.page, h.p.core.consent.imports, h.ana, data, "contatos.csv")
        dialog.open()
        dialog.read()
        await until(lambda: dialog.table.topLevelItemCount() == 3)
        assert not dialog.take.isEnabled()
        assert (nameless(dialog), out_of_reach(dialog)) == ([], [])
        dialog.purpose._select(Purpose.CAMPAIGN)  # what the file does not say is said once for all rows
        QTest.keyClicks(dialog.wording, WORDS["wording"])
        QTest.keyClicks(dialog.version, "2")
        await until(dialog.take.isEnabled)
        assert dialog.summary.text().startswith("1 consentimento pode ser registrado.")
        table = [[item.text(n) for n in range(4)] for item in map(dialog.table.topLevelItem, range(3)) if item]
        assert table[0][:2] == ["3", "+55 11 90000-0002"]
        assert "pediu para não receber" in table[0][3]
        assert table[2][:3] == ["2", "+55 11 90000-0001", "campanha"]
        await dialog.save_report_to(folder / "report.csv")
        report = list(csv.reader(io.StringIO((folder / "report.csv").read_text("utf-8-sig")), delimiter=";"))
        assert [line[0] for line in report] == ["Linha", "2", "3", "4"]
        dialog.take.click()
        await until(lambda: dialog.imported is not None)
        assert dialog.imported is not None
        assert await changes(h) == [GRANTED]
        h.page.undo_import(h.ana.id, dialog.imported.id)
        await until(lambda: h.page.model.count(ConsentFilter.CAMPAIGN) == 0 and h.page.model.total == 2)
        assert await changes(h) == [GRANTED, REVOKED]
        await h.page.export_to(folder / "all.csv", h.ana)
        assert len((folder / "all.csv").read_text("utf-8-sig").splitlines()) == 4
        assert (await h.p.actions())[-1] == "export_consents"


async def test_ten_thousand_lines_are_stopped_with_nothing_taken_or_imported_in_seconds(
    theme: Theme, folder: Path
) -> None:
    async with open_consents(theme, folder) as h:
        rows = (f"11 9{number:08};campanha;Aceito;1" for number in range(10_000))
        data = "\n".join(["Telefone;Finalidade;Texto;Versão", *rows, "123;campanha;Aceito;1"]).encode()
        dialog = ConsentImportDialog(theme, h.page, h.p.core.consent.imports, h.ana, data, "contatos.csv")
        dialog.open()
        began = time.monotonic()
        dialog.read()
        await until(dialog.take.isEnabled, within=60)
        assert dialog.table.topLevelItemCount() == 1_000
        assert "9.001 linhas" in dialog.hint.text() or "9001 linhas" in dialog.hint.text()
        dialog.take.click()
        await until(dialog.bar.isVisible)
        dialog.reject()
        await until(lambda: dialog.summary.text().startswith("A importação foi interrompida."))
        assert await h.p.ledger.contacts(h.ana.id) == []
        assert dialog.isVisible()
        dialog.take.click()
        await until(lambda: dialog.imported is not None, within=60)
        await until(lambda: h.page.model.total == 10_000, within=60)
        assert time.monotonic() - began < 60, "a preview and two imports, on a busy machine"
        began = time.monotonic()
        h.page.search.setText("00009999")
        h.page._narrow()
        assert h.page.model.rowCount() == 1
        assert time.monotonic() - began < 2
        assert MOST_ROWS >= 10_000


async def test_a_file_dialog_that_is_given_up_changes_nothing(theme: Theme, folder: Path) -> None:
    async with open_consents(theme, folder) as h:
        await h.p.ledger.grant(h.ana.id, BIA, Purpose.CAMPAIGN, **WORDS)
        await h.shown(1)
        for button in (h.page.import_button, h.page.export_button):
            button.click()
            await until(lambda: h.page.findChildren(QFileDialog))
            for chooser in h.page.findChildren(QFileDialog):
                chooser.reject()
            await until(lambda: not h.page.findChildren(QFileDialog))
        assert await changes(h) == [GRANTED]
        h.page.record_button.click()
        dialog = await record_dialog(h)
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await until(lambda: not h.page.findChildren(RecordConsentDialog))
        assert await changes(h) == [GRANTED]
