"""The last archiving or import is taken back by the toast, by Ctrl+Z or in the audit, until the next one."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.core.csv_import import CsvImportService, open_spreadsheet
from app.domain.actions import ActionName
from app.domain.audit import AuditAction, AuditRecord
from app.domain.errors import ProblemCode
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import MentoradoId
from app.ui.main_window_controller import commands
from app.ui.widgets.toast import LONGER_MILLISECONDS, SHOWN_MILLISECONDS
from tests.ui.controls import text_in
from tests.ui.window_checks import InWindow, settle
from tests.ui.window_harness import WindowHarness, person

SPREADSHEET = b"nome;telefone\nAna Lima;11987654321\nCarla;21912345678\n"


async def undone_by_key(harness: WindowHarness) -> None:
    window = harness.window
    window.activateWindow()
    window.list.take_focus()
    QTest.keyClick(window.list.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    await settle()


def offered(harness: WindowHarness) -> str:
    return harness.window.controller.undo.offered


def shown_words(harness: WindowHarness) -> str:
    return text_in(harness.window.toast)


async def imported(harness: WindowHarness) -> list[MentoradoId]:
    service = CsvImportService(mentorados=harness.mentorados, audit_service=harness.audit_service)
    file = open_spreadsheet(SPREADSHEET)
    added = await service.import_rows(service.preview(file, file.columns), lambda _count: True)
    harness.window.controller.undo.on_imported(added)
    return list(added)


def entry(harness: WindowHarness, action: str) -> AuditRecord:
    return next(each.record for each in reversed(harness.audit.outcomes) if each.record.action == action)


def test_an_archiving_is_undone_long_after_its_toast(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        assert offered(harness) == ""
        await undone_by_key(harness)
        await harness.mentorados.archive(person(3).id)
        harness.window.toast.hide()
        assert offered(harness) == f"arquivamento de {person(3).name}"
        assert commands(harness.window)[0].title == f"Desfazer: arquivamento de {person(3).name}"
        await undone_by_key(harness)
        assert not harness.mentorados.get(person(3).id).archived
        assert offered(harness) == ""
        assert not [each for each in commands(harness.window) if "Desfazer" in each.title]

    in_window(use)


def test_those_archived_together_come_back_together_and_stay_longer_on_show(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        await harness.mentorados.archive(person(3).id)
        assert window.toast._timer.interval() == SHOWN_MILLISECONDS
        for number in (5, 6):
            await harness.mentorados.archive(person(number).id)
        assert "3 foram para o arquivo." in text_in(window.toast)
        assert window.toast._timer.interval() == LONGER_MILLISECONDS
        await undone_by_key(harness)
        assert not any(each.archived for each in harness.mentorados.all())
        assert shown_words(harness) == "Desfeito: arquivamento de 3 mentorados."
        assert not window.toast.button.isVisible(), "there is nothing more to do"

    in_window(use)


def test_who_cannot_come_back_is_named_and_the_others_do(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        for number in (3, 5):
            await harness.mentorados.archive(person(number).id)
        await harness.mentorados.add("Zilda", str(person(3).phone))
        await undone_by_key(harness)
        assert harness.mentorados.get(person(3).id).archived
        assert not harness.mentorados.get(person(5).id).archived
        assert shown_words(harness) == f"Desfeito: arquivamento de {person(5).name}."
        codes = [each.code for each in harness.window.banners.problems()]
        assert codes == [ProblemCode.PHONE_TAKEN]

    in_window(use)


def test_an_import_is_undone_but_not_for_who_was_connected_since(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        async with harness.supervisor:
            ana, carla = await imported(harness)
            assert offered(harness) == "importação de 2 mentorados"
            connected = LinkStatus(state=LinkState.CONNECTED, since=harness.clock.now())
            harness.observe(harness.mentorados.get(ana), connected)
            await undone_by_key(harness)
            assert not harness.mentorados.get(ana).archived
            assert harness.mentorados.get(carla).archived
            assert shown_words(harness) == "Desfeito: importação de Carla. 1 continua na lista: já está em uso."
            assert offered(harness) == "", "what an undo archives is no archiving to be undone"

    in_window(use)


def test_the_entry_of_the_last_change_takes_it_back_and_no_other_does(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        undo = harness.window.controller.undo
        await harness.mentorados.archive(person(3).id)
        archived = entry(harness, ActionName.ARCHIVE)
        assert undo.undo_of(archived) is not None
        added = await imported(harness)
        assert undo.undo_of(archived) is None
        take_back = undo.undo_of(entry(harness, AuditAction.IMPORT_MENTORADOS))
        assert take_back is not None
        take_back()
        await settle()
        assert all(harness.mentorados.get(each).archived for each in added)

    in_window(use)


def test_a_deleted_note_comes_back_by_key_and_by_its_entry(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        who, notes, undo = person(3), harness.core.notes, harness.window.controller.undo
        for take_back in ("key", "entry"):
            note = await notes.write(who.id, "Ligar à tarde")
            await notes.remove(note)
            undo.on_note_removed(note)
            assert "A anotação foi apagada." in text_in(harness.window.toast)
            assert offered(harness) == f"anotação apagada sobre {who.name}"
            by_entry = undo.undo_of(entry(harness, AuditAction.REMOVE_NOTE))
            assert by_entry is not None
            if take_back == "key":
                await undone_by_key(harness)
            else:
                by_entry()
                await settle()
            assert note in notes.notes_of(who.id)
            assert shown_words(harness) == f"Desfeito: anotação apagada sobre {who.name}."
            assert offered(harness) == ""

    in_window(use)


def test_in_a_field_ctrl_z_takes_back_what_was_typed(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        await harness.mentorados.archive(person(3).id)
        search = harness.window.header.search
        search.setFocus()
        QTest.keyClicks(search, "ana")
        QTest.keyClick(search, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        await settle()
        assert search.text() != "ana"
        assert harness.mentorados.get(person(3).id).archived

    in_window(use)


def test_ctrl_q_closes_the_window_as_its_button_does(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        asked: list[bool] = []
        window.close_requested.connect(lambda: asked.append(True))
        window.activateWindow()
        QTest.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
        await settle()
        assert asked

    in_window(use)


def test_text_that_was_discarded_is_taken_back_by_toast_and_key(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.choose(person(3).id)
        await settle()
        assert window._pane is not None
        notes = window._pane._content.notes
        assert notes is not None
        notes.write()
        notes.editor.field.setPlainText("Ligar amanhã")
        notes.editor.cancel.click()
        assert "O texto não salvo foi descartado." in text_in(window.toast)
        assert offered(harness) == f"texto não salvo sobre {person(3).name}"
        window.choose(person(5).id)
        await settle()
        window.toast.button.click()
        await settle()
        assert window._pane._mentorado_id == person(3).id
        assert notes.editor.field.toPlainText() == "Ligar amanhã"
        notes.editor.cancel.click()
        await undone_by_key(harness)
        assert notes.editor.field.toPlainText() == "Ligar amanhã"
        assert offered(harness) == ""

    in_window(use)
