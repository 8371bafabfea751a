"""Who is on it and what staff wrote, in the pane: shown, changed, taken back, and never lost while it is typed."""

from __future__ import annotations

import asyncio
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


async def being_changed(harness: PaneHarness) -> Note:
    """A note that is stored, and open with other words typed."""
    notes = section(harness)
    await typed(notes, "Ligar à tarde")
    QTest.mouseClick(notes.items[0].edit, LEFT)
    notes.editor.field.setPlainText("Ligar amanhã")
    return notes.items[0].note


def change_as_bia(harness: PaneHarness, note: Note) -> None:
    theirs = replace(note, text="Já liguei", edited_by="Bia", edited_at=harness.clock.now(), revision=note.revision + 1)
    harness.core.note_record.notes[note.id] = theirs


def discarded(harness: PaneHarness) -> list[Callable[[], None]]:
    """What brings back each text that is given up from now on."""
    given_up: list[Callable[[], None]] = []
    harness.pane.note_discarded.connect(lambda _whose, back: given_up.append(back))
    return given_up


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
        note = await being_changed(harness)
        change_as_bia(harness, note)
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
        await being_changed(harness)
        harness.core.note_record.notes.clear()
        await harness.core.notes.load()
        assert "Esta anotação foi apagada enquanto você escrevia." in words(harness)
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert shown(notes) == ["Ligar amanhã"]


async def test_what_oneself_saves_is_no_change_by_somebody_else(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        await being_changed(harness)
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
        await being_changed(harness)
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


@pytest.mark.parametrize(
    ("by_now", "expected"),
    [("", "Ligar amanhã"), (" \n", "Ligar amanhã"), ("Prefere e-mail", "Ligar amanhã\n\nPrefere e-mail")],
)
@pytest.mark.parametrize("away", [False, True])
async def test_what_was_discarded_comes_back_above_what_is_written_by_now(
    theme: Theme, by_now: str, expected: str, away: bool
) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        given_up = discarded(harness)
        notes.add.click()
        notes.editor.field.setPlainText("Ligar amanhã")
        QTest.mouseClick(notes.editor.cancel, LEFT)
        QTest.mouseClick(notes.add, LEFT)
        notes.editor.field.setPlainText(by_now)
        if away:
            harness.pane.show_mentorado(LUIZA)
        given_up[0]()
        harness.pane.show_mentorado(THIAGO)
        assert notes.editor.field.toPlainText() == expected
        assert notes.unsaved() == [THIAGO]
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert shown(notes) == [expected]


async def test_a_discarded_change_comes_back_in_place_of_a_note_that_was_opened_and_not_changed(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        given_up = discarded(harness)
        for text in ("Ligar à tarde", "Prefere e-mail"):
            await typed(notes, text)
            await harness.clock.advance(60)
        QTest.mouseClick(notes.items[1].edit, LEFT)
        notes.editor.field.setPlainText("Ligar amanhã")
        QTest.mouseClick(notes.editor.cancel, LEFT)
        QTest.mouseClick(notes.items[0].edit, LEFT)
        given_up[0]()
        assert (shown(notes), notes.editor.field.toPlainText()) == (["Prefere e-mail"], "Ligar amanhã")
        QTest.mouseClick(notes.editor.save, LEFT)
        await settle()
        assert shown(notes) == ["Prefere e-mail", "Ligar amanhã"]


@pytest.mark.parametrize("fails", [False, True])
async def test_what_was_discarded_comes_back_once_what_is_being_stored_is_done(
    theme: Theme, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        given_up = discarded(harness)
        notes.add.click()
        notes.editor.field.setPlainText("Ligar amanhã")
        QTest.mouseClick(notes.editor.cancel, LEFT)
        stored, add = asyncio.Event(), harness.core.note_record.add

        async def add_slowly(note: Note) -> None:
            await stored.wait()
            await add(note)

        monkeypatch.setattr(harness.core.note_record, "add", add_slowly)
        await typed(notes, "Prefere e-mail")
        given_up[0]()
        harness.core.note_record.problem = Problem(ProblemCode.DATABASE_DISK_FULL) if fails else None
        stored.set()
        await settle()
        assert shown(notes) == ([] if fails else ["Prefere e-mail"])
        assert notes.editor.isVisible()
        assert notes.editor.save.isEnabled()
        assert notes.editor.field.toPlainText() == ("Ligar amanhã\n\nPrefere e-mail" if fails else "Ligar amanhã")
        assert notes.trouble.isVisible() is fails


@pytest.mark.parametrize("how", ["somebody else was looked at", "discarded and taken back"])
@pytest.mark.parametrize("deleted", [False, True])
async def test_what_a_colleague_changed_meanwhile_is_said_again_to_who_comes_back(
    theme: Theme, how: str, deleted: bool
) -> None:
    async with pane_harness(theme) as harness:
        notes = opened(harness)
        given_up = discarded(harness)
        note = await being_changed(harness)
        change_as_bia(harness, note)
        if deleted:
            harness.core.note_record.notes.clear()
        await harness.core.notes.load()
        warning = notes.trouble.accessibleName()
        if how == "discarded and taken back":
            QTest.mouseClick(notes.editor.cancel, LEFT)
            assert not notes.trouble.isVisible()
            given_up[0]()
        else:
            harness.pane.show_mentorado(LUIZA)
            assert not notes.trouble.isVisible()
            harness.pane.show_mentorado(THIAGO)
        assert notes.trouble.isVisible()
        assert notes.trouble.accessibleName() == warning
        assert (shown(notes), notes.editor.field.toPlainText()) == ([] if deleted else ["Já liguei"], "Ligar amanhã")
        QTest.keyClick(notes.editor.field, Qt.Key.Key_Return, CONTROL)
        await settle()
        assert (shown(notes), notes.trouble.isVisible()) == (["Ligar amanhã"], False)


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
