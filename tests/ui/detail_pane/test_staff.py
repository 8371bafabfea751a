"""Who is on it and what staff wrote, in the pane: shown, changed, taken back, and never lost while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.handling import Handling
from app.domain.link_status import LinkState, Reason
from app.domain.notes import MOST_NOTE, Note
from app.text.status import texts
from app.ui.detail_pane.staff import HandlingLine, NotesSection
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach
from tests.ui.detail_pane.harness import LUIZA, THIAGO, PaneHarness, pane_harness
from tests.ui.detail_pane.pane_controls import open_pane, words

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(autouse=True)
def in_portuguese() -> None:
    texts.set_language("pt-BR")


def line(harness: PaneHarness) -> HandlingLine:
    return harness.pane._content.handling


def section(harness: PaneHarness) -> NotesSection:
    found = harness.pane._content.notes
    assert found is not None
    return found


def opened(harness: PaneHarness) -> NotesSection:
    """The section of notes, where its pane can be seen and typed in."""
    open_pane(harness)
    harness.pane.resize(364, 2400)
    harness.pane.activateWindow()
    return section(harness)


async def typed(notes: NotesSection, text: str) -> None:
    """Type *text* as a new note and save it by keyboard."""
    notes.add.click()
    assert notes.focusWidget() is notes.editor.field
    notes.editor.field.setPlainText(text)
    QTest.keyClick(notes.editor.field, Qt.Key.Key_Return, CONTROL)
    await settle()


def shown(notes: NotesSection) -> list[str]:
    return [item.text.text() for item in notes.items if item.isVisible()]


async def test_nobody_is_on_it_until_somebody_says_so_and_it_can_be_left_again(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(LinkState.CONNECTED)
        assert not line(harness).isVisible()
        harness.put(LinkState.BLOCKED, Reason.LOGGED_OUT)
        assert line(harness).words.text() == "Ninguém está cuidando ainda"
        assert not line(harness).give_up.isVisible()
        QTest.mouseClick(line(harness).handle, LEFT)
        await settle()
        assert line(harness).words.text().startswith("staff está cuidando desde ")
        assert not line(harness).handle.isVisible()
        assert nameless(harness.pane) == []
        QTest.mouseClick(line(harness).give_up, LEFT)
        await settle()
        assert line(harness).words.text() == "Ninguém está cuidando ainda"
        assert THIAGO not in harness.core.handlings.current


async def test_a_colleagues_name_is_shown_in_every_state_until_the_link_is_back(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(LinkState.BLOCKED, Reason.LOGGED_OUT)
        since = harness.clock.now() - timedelta(days=2)
        harness.core.handling_record.handlings[THIAGO] = Handling(mentorado_id=THIAGO, operator="Bia", since=since)
        await harness.core.handlings.load()
        assert line(harness).words.text().startswith("Bia está cuidando desde ")
        assert line(harness).handle.isVisible()  # somebody can step in
        assert not line(harness).give_up.isVisible()
        harness.show_code(harness.code())
        assert not line(harness).isVisible()  # a code that lives needs the room
        harness.put(LinkState.CONNECTING)
        assert line(harness).isVisible()
        assert harness.actions.unavailable_reason(ActionName.HANDLE, THIAGO) is None
        harness.put(LinkState.CONNECTED)
        await settle()
        assert not line(harness).isVisible()


async def test_a_note_is_written_changed_and_deleted_by_keyboard_and_mouse(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        await typed(notes, "Ligar à tarde")
        assert shown(notes) == ["Ligar à tarde"]
        assert notes.items[0].caption.text().startswith("staff · ")
        assert not notes.editor.isVisible()
        assert notes.focusWidget() is notes.add
        assert nameless(harness.pane) == []
        assert out_of_reach(notes) == []
        QTest.mouseClick(notes.items[0].edit, LEFT)
        assert notes.editor.field.toPlainText() == "Ligar à tarde"
        assert shown(notes) == []  # it is being changed
        notes.editor.field.setPlainText("Ligar de manhã")
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert shown(notes) == ["Ligar de manhã"]
        assert " · mudada por staff, " in notes.items[0].caption.text()
        gone: list[Note] = []
        harness.pane.note_removed.connect(gone.append)
        QTest.mouseClick(notes.items[0].remove, LEFT)
        await settle()
        assert shown(notes) == []
        assert [each.text for each in gone] == ["Ligar de manhã"]
        assert notes.focusWidget() is notes.add


async def test_escape_closes_what_is_unchanged_and_never_takes_what_was_typed(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        notes.write()
        field = notes.editor.field
        assert not notes.editor.save.isEnabled()
        QTest.keyClick(field, Qt.Key.Key_Return, CONTROL)  # there is nothing to save
        QTest.keyClick(field, Qt.Key.Key_Escape)
        assert not notes.editor.isVisible()
        notes.write()
        QTest.keyClicks(field, "a b")
        QTest.keyClick(field, Qt.Key.Key_Return)
        QTest.keyClick(field, Qt.Key.Key_Escape)
        assert field.toPlainText() == "a b\n"
        notes.write()  # as from elsewhere: what is typed stays
        assert field.toPlainText() == "a b\n"
        QTest.mouseClick(notes.editor.cancel, LEFT)
        await settle()
        assert not notes.editor.isVisible()
        assert harness.core.notes.notes_of(THIAGO) == ()


async def test_what_is_being_typed_about_somebody_waits_for_their_return(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        notes.write()
        notes.editor.field.setPlainText("Ligar à tar")
        harness.pane.show_mentorado(LUIZA)
        assert not notes.editor.isVisible()
        await typed(notes, "De Luíza")
        harness.pane.show_mentorado(THIAGO)
        assert notes.editor.field.toPlainText() == "Ligar à tar"
        assert shown(notes) == []
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert shown(notes) == ["Ligar à tar"]
        assert [note.text for note in harness.core.notes.notes_of(LUIZA)] == ["De Luíza"]


async def test_a_note_that_cannot_be_stored_keeps_its_text_and_says_why(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        await typed(notes, "a" * (MOST_NOTE + 1))
        assert "4.001" in words(harness)
        assert len(notes.editor.field.toPlainText()) == MOST_NOTE + 1
        notes.editor.field.setPlainText("Curta")
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert shown(notes) == ["Curta"]
        assert not notes.trouble.isVisible()
        harness.core.note_record.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        QTest.mouseClick(notes.items[0].remove, LEFT)
        await settle()
        assert notes.trouble.isVisible()
        assert shown(notes) == ["Curta"]
        harness.pane.show_mentorado(LUIZA)
        assert not notes.trouble.isVisible()


async def test_what_a_colleague_changed_meanwhile_is_read_before_it_is_replaced(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        await typed(notes, "Ligar à tarde")
        (note,) = harness.core.notes.notes_of(THIAGO)
        QTest.mouseClick(notes.items[0].edit, LEFT)
        notes.editor.field.setPlainText("Ligar amanhã")
        now = harness.clock.now()
        harness.core.note_record.notes[note.id] = replace(
            note, text="Já liguei", edited_by="Bia", edited_at=now, revision=2
        )
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        await harness.core.write_queue.flush()
        assert "Bia mudou esta anotação enquanto você escrevia" in words(harness)
        assert (shown(notes), notes.editor.field.toPlainText()) == (["Já liguei"], "Ligar amanhã")
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert shown(notes) == ["Ligar amanhã"]


async def test_what_a_colleague_changes_is_shown_while_the_note_is_still_being_written(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        for text in ("Ligar à tarde", "Segunda", "Terceira", "Quarta"):
            await typed(notes, text)
            await harness.clock.advance(60)
        QTest.mouseClick(notes.more, LEFT)
        QTest.mouseClick(notes.items[-1].edit, LEFT)
        notes._whole = False  # as after a look at somebody else
        notes.editor.field.setPlainText("Ligar amanhã")
        note = harness.core.notes.notes_of(THIAGO)[-1]
        long = "Já liguei, e combinei outra hora. " * 12
        theirs = replace(note, text=long.strip(), edited_by="Bia", edited_at=harness.clock.now(), revision=2)
        harness.core.note_record.notes[note.id] = theirs
        await harness.core.notes.load()  # what another program stored
        assert notes.trouble.isVisible()
        assert shown(notes)[-1] == theirs.text, "whole, also where only the latest are shown"
        assert notes.editor.field.toPlainText() == "Ligar amanhã"
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert not notes.trouble.isVisible()
        assert harness.core.notes.notes_of(THIAGO)[-1].text == "Ligar amanhã"
        assert harness.core.notes.notes_of(THIAGO)[-1].revision == 3


async def test_a_note_that_is_deleted_while_it_is_being_changed_becomes_a_new_one(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        await typed(notes, "Ligar à tarde")
        QTest.mouseClick(notes.items[0].edit, LEFT)
        notes.editor.field.setPlainText("Ligar amanhã")
        harness.core.note_record.notes.clear()
        await harness.core.notes.load()
        assert "Esta anotação foi apagada enquanto você escrevia." in words(harness)
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert shown(notes) == ["Ligar amanhã"]


async def test_what_oneself_saves_is_no_change_by_somebody_else(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        await typed(notes, "Ligar à tarde")
        QTest.mouseClick(notes.items[0].edit, LEFT)
        notes.editor.field.setPlainText("Ligar amanhã")
        seen = []
        notes.trouble.show_trouble = lambda *text: seen.append(text)  # type: ignore[method-assign]
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert (shown(notes), seen) == (["Ligar amanhã"], [])


@pytest.mark.parametrize("how", ["save", "discard", "delete", "write", "change"])
async def test_the_keyboard_stays_with_the_notes_when_the_editor_opens_and_closes(theme: Theme, how: str) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        harness.pane.activateWindow()
        await typed(notes, "Ligar à tarde")
        strangers: list[str] = []
        QTest.mouseClick(notes.items[0].edit, LEFT)
        notes.editor.field.setPlainText("Ligar amanhã")
        app = QApplication.instance()
        assert isinstance(app, QApplication)

        def look(_before: QWidget | None, now: QWidget | None) -> None:
            if now is not None and not notes.isAncestorOf(now):
                strangers.append(type(now).__name__)

        app.focusChanged.connect(look)
        button = {"save": notes.editor.save, "discard": notes.editor.cancel}.get(how)
        if button is None:
            notes.editor.cancel.click()
            await settle()
            button = {"delete": notes.items[0].remove, "change": notes.items[0].edit}.get(how, notes.add)
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Space)
        await settle()
        expected = notes.editor.field if how in ("write", "change") else notes.add
        assert QApplication.focusWidget() is expected
        app.focusChanged.disconnect(look)
        assert strangers == [], "nothing else had it for a moment, and was read aloud"


async def test_the_keyboard_stays_on_a_note_while_others_come(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        await typed(notes, "Ligar à tarde")
        notes.items[0].edit.setFocus()
        await harness.clock.advance(60)
        await harness.core.notes.write(THIAGO, "De um colega")
        await settle()
        assert shown(notes) == ["De um colega", "Ligar à tarde"]
        assert QApplication.focusWidget() is notes.items[1].edit


async def test_what_was_discarded_comes_back(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        given_up: list[tuple[str, Callable[[], None]]] = []
        harness.pane.note_discarded.connect(lambda whose, back: given_up.append((whose, back)))
        notes.write()
        QTest.mouseClick(notes.editor.cancel, LEFT)
        assert given_up == [], "there was nothing to lose"
        await typed(notes, "Ligar à tarde")
        QTest.mouseClick(notes.items[0].edit, LEFT)
        notes.editor.field.setPlainText("Ligar amanhã")
        QTest.mouseClick(notes.editor.cancel, LEFT)
        ((whose, bring_back),) = given_up
        assert whose == THIAGO
        harness.pane.show_mentorado(LUIZA)
        bring_back()
        assert not notes.editor.isVisible(), "it is about somebody else"
        harness.pane.show_mentorado(THIAGO)
        assert notes.editor.field.toPlainText() == "Ligar amanhã"
        QTest.mouseClick(notes.editor.cancel, LEFT)
        given_up[1][1]()
        assert notes.editor.field.toPlainText() == "Ligar amanhã"
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert shown(notes) == ["Ligar amanhã"]


async def test_many_and_long_notes_are_shown_in_part_until_all_are_asked_for(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        for number in range(4):
            await harness.core.notes.write(THIAGO, f"Nota {number}")
            await harness.clock.advance(60)
        await settle()
        assert shown(notes) == ["Nota 3", "Nota 2", "Nota 1"]
        assert notes.more.text() == "Mostrar todas as 4 anotações"
        QTest.mouseClick(notes.more, LEFT)
        assert shown(notes) == ["Nota 3", "Nota 2", "Nota 1", "Nota 0"]
        assert not notes.more.isVisible()
        assert notes.focusWidget() is notes.items[0].edit
        await harness.core.notes.write(LUIZA, "longa " * 100)
        harness.pane.show_mentorado(LUIZA)
        await settle()
        assert shown(notes)[0].endswith("…")
        assert notes.more.text() == "Mostrar a anotação inteira"
        QTest.mouseClick(notes.more, LEFT)
        assert shown(notes) == [("longa " * 100).strip()]


async def test_both_follow_the_language_and_the_theme(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        harness.put(LinkState.BLOCKED, Reason.LOGGED_OUT)
        await typed(notes, "Ligar à tarde")
        texts.set_language("en")
        assert notes.add.text() == "Write a note"
        assert line(harness).words.text() == "Nobody is on it yet"
        assert notes.items[0].edit.accessibleName() == "Change the note"
        theme.changed.emit()
        assert shown(notes) == ["Ligar à tarde"]


async def test_what_is_typed_and_not_saved_is_known_when_the_program_closes(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        assert notes.unsaved() == []
        notes.add.click()
        assert notes.unsaved() == [], "an empty note loses nothing"
        notes.editor.field.setPlainText("Ligar amanhã")
        assert notes.unsaved() == [THIAGO]
        harness.pane.show_mentorado(LUIZA)
        assert notes.unsaved() == [THIAGO]
        harness.pane.show_mentorado(THIAGO)
        QTest.keyClick(notes.editor.field, Qt.Key.Key_Return, CONTROL)
        await settle()
        assert notes.unsaved() == []
