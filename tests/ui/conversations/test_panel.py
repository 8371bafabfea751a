"""The conversations as a person uses them, over a real history in a real file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QLabel

from app.domain.errors import Problem, ProblemCode
from app.domain.messages import DeliveryStatus, MessageKind
from app.text.status import texts
from app.ui.async_slots import show_error
from app.ui.conversations.bubbles import Bubble, lay_out
from app.ui.conversations.message_dialog import MessageDialog
from app.ui.conversations.thread_model import KEPT, PIECE, ThreadRow
from app.ui.theme.theme import Mode, Theme
from tests.conftest import OnQt
from tests.ui.conversations.harness import HOSTILE, PanelHarness, open_panel
from tests.ui.conversations.talk import DORA, a_message, changed, received

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

Role = Qt.ItemDataRole


@pytest.fixture
def path(fast_dir: Path) -> Path:
    return fast_dir / "conecta.db"


def top_message(harness: PanelHarness) -> tuple[int, int]:
    """Which message is at the top, and where exactly its end is."""
    view = harness.page.view
    place = view.top_place()
    assert place is not None
    index = harness.page.model.index(place + 1)
    return harness.page.model.row(place + 1).message.number, view.visualRect(index).bottom()


def shown_texts(harness: PanelHarness) -> list[str]:
    return [each.text for each in harness.page.model.messages]


async def test_the_list_says_who_what_when_and_how_much(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        rows = harness.panel.home.conversations
        titles = [rows.data(rows.index(n)) for n in range(rows.rowCount())]
        assert titles[:2] == ["Beatriz Nóbrega", "Grupo de final 0009"]
        spoken = rows.data(rows.index(0), Role.AccessibleTextRole)
        assert spoken.startswith("Beatriz Nóbrega, 19 mensagens, ")
        assert spoken.endswith(": Chegou?")
        assert harness.panel.home.line.text().startswith("Histórico guardado desde ")
        assert harness.panel.home.line.text().endswith(" · 335 mensagens")


async def test_a_conversation_opens_at_its_end(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Bia")
        assert harness.page.view.at_end
        assert shown_texts(harness)[-1].startswith("mensagem 299")
        assert harness.page.head.line.text() == "Thiago Torquato · 300 mensagens"
        assert harness.page.view.hasFocus() or harness.panel.focusWidget() is harness.page.view
        assert not harness.page.jump.isVisible()


async def test_the_day_that_floats_never_stands_beside_the_day_of_the_first_message(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Bia")
        while not harness.page.model.has_first:
            harness.page.reader.load_older()
            await harness.settle()
        bar, day = harness.page.view.verticalScrollBar(), harness.page._day
        for value, floats in ((20, False), (60, True)):
            bar.setValue(0)
            await harness.settle()
            day.hide()
            bar.setValue(value)
            assert day.isVisible() is floats, value


async def test_reading_back_loads_more_and_nothing_jumps(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Bia")
        bar, count = harness.page.view.verticalScrollBar(), harness.page.model.rowCount()
        bar.setValue(bar.maximum() // 2)
        await harness.settle()
        before, held = top_message(harness), harness.page.model.rowCount()
        bar.setValue(bar.value() - 1)
        before = (before[0], before[1] + 1)
        while not harness.page.model.has_first:
            harness.page.reader.load_older()
            await harness.settle()
            assert top_message(harness) == before
        assert harness.page.model.rowCount() >= held >= count
        assert [each.number for each in harness.page.model.messages] == sorted(
            each.number for each in harness.page.model.messages
        )
        bar.setValue(0)
        await harness.settle()
        assert shown_texts(harness)[0].startswith("mensagem 0")


async def test_home_and_end_reach_the_first_and_the_last_at_once(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Bia")
        assert not harness.page.model.has_first
        QTest.keyClick(harness.page.view, Qt.Key.Key_Home)
        await harness.settle()
        assert shown_texts(harness)[0].startswith("mensagem 0")
        assert harness.page.view.top_place() == 0
        QTest.keyClick(harness.page.view, Qt.Key.Key_End)
        await harness.settle()
        assert harness.page.view.at_end
        for key in (Qt.Key.Key_Up, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Down):
            QTest.keyClick(harness.page.view, key)


async def test_what_arrives_is_seen_at_once_by_who_is_at_the_end(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Beatriz")
        await harness.library.tell(harness.ana, a_message("Z1", "Chegou sim!"))
        await harness.until(lambda: shown_texts(harness)[-1] == "Chegou sim!")
        assert harness.page.view.at_end
        assert not harness.page.jump.isVisible()


async def test_who_reads_further_up_is_told_and_not_moved(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Bia")
        bar = harness.page.view.verticalScrollBar()
        bar.setValue(bar.maximum() // 2)
        await harness.settle()
        before = top_message(harness)
        await harness.library.tell(harness.ana, a_message("Z1", "um", DORA), a_message("Z2", "dois", DORA))
        await harness.until(lambda: harness.page.jump.text() == "2 novas mensagens")
        assert top_message(harness) == before
        QTest.mouseClick(harness.page.jump, Qt.MouseButton.LeftButton)
        await harness.settle()
        assert harness.page.view.at_end
        assert shown_texts(harness)[-1] == "dois"
        assert harness.page.jump.text() == ""


async def test_who_reads_long_ago_is_told_too(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Bia")
        QTest.keyClick(harness.page.view, Qt.Key.Key_Home)
        await harness.settle()
        assert not harness.page.model.has_last
        await harness.library.tell(harness.ana, a_message("Z1", "um", DORA))
        await harness.until(harness.page.jump.text)
        assert shown_texts(harness)[0].startswith("mensagem 0")
        QTest.mouseClick(harness.page.jump, Qt.MouseButton.LeftButton)
        await harness.settle()
        assert shown_texts(harness)[-1] == "um"
        assert harness.page.view.at_end


async def test_a_flood_is_not_scrolled_through(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Beatriz")
        await harness.library.tell(harness.ana, *(a_message(f"Z{n}", f"nova {n}") for n in range(3 * PIECE)))
        await harness.until(lambda: shown_texts(harness)[-1] == f"nova {3 * PIECE - 1}")
        assert harness.page.view.at_end
        assert harness.page.model.rowCount() <= KEPT


def test_receipts_edits_and_reactions_are_seen_where_they_belong(on_qt: OnQt, theme: Theme, path: Path) -> None:
    async def main() -> None:
        async with open_panel(theme, path) as harness:
            await harness.open("Beatriz")
            number = next(each.number for each in harness.page.model.messages if each.provider_id == "B7")

            def link() -> str:
                place = harness.page.model.place_of(number)
                assert place is not None
                return str(harness.page.model.data(harness.page.model.index(place), Role.AccessibleTextRole))

            assert link().endswith(". enviada")
            await harness.library.tell(
                harness.ana,
                received(DeliveryStatus.READ, "B7"),
                changed(MessageKind.REACTION, "X9", "B7", "👍"),
                changed(MessageKind.EDIT, "X8", "B7", "o contrato novo", from_me=True),
            )
            await harness.until(lambda: link().endswith("o contrato novo. editada. lida. reações: 👍"))

    on_qt(main)


async def test_a_search_marks_the_words_and_leads_to_their_place(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.search("DUVIDAS")
        results = harness.panel.home.results
        assert harness.panel.home.line.text() == "1 mensagem encontrada"
        found = results.model.rows[0]
        assert "dúvidas" in found.sentence
        assert results.model.data(results.model.index(0), Role.AccessibleTextRole).startswith("Beatriz Nóbrega, ")
        results.list.opened.emit(0)
        await harness.settle()
        current = harness.page.view.currentIndex()
        assert "dúvidas" in harness.page.model.data(current)
        made = harness.page.view.delegate.bubble(harness.page.model.row(current.row()))
        assert made.text is not None
        assert len(made.text.layout.formats()) == 1
        assert harness.page.view.viewport().rect().contains(harness.page.view.visualRect(current).center())
        QTest.keyClick(harness.page.view, Qt.Key.Key_Escape)
        assert not harness.panel.in_thread
        assert harness.panel.home.pages.currentWidget() is results, "back to what was found"


async def test_a_message_far_back_opens_with_its_neighbours(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.search("mensagem 100 ")
        harness.panel.home.results.list.opened.emit(0)
        await harness.settle()
        assert harness.page.model.data(harness.page.view.currentIndex()).startswith("mensagem 100")
        found = shown_texts(harness)
        assert found.index(next(t for t in found if t.startswith("mensagem 99"))) >= PIECE - 2


async def test_everybodys_messages_can_be_searched(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        wanted = QSignalSpy(harness.panel.mentorado_requested)
        await harness.search("terca")
        assert {harness.panel.home.results.model.rows[n].mentorado for n in range(2)} == {""}
        harness.panel.home.search.set_everywhere(True)
        await harness.settle()
        rows = harness.panel.home.results.model
        everything = [rows.rows[n] for n in range(rows.rowCount())]
        assert {each.mentorado for each in everything} == {"Thiago Torquato", "Luíza Prates"}
        place = next(n for n, each in enumerate(everything) if each.mentorado == "Luíza Prates")
        harness.panel.home.results.list.opened.emit(place)
        await harness.settle()
        assert wanted.at(0) == [everything[place].mentorado_id]
        assert shown_texts(harness) == ["O próximo encontro é na terça?"]
        assert harness.panel.home.search.typed == "terca", "one can go back to what was found"


async def test_nothing_found_offers_to_look_at_everybody(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.search("xilofone")
        assert harness.panel.home.results.nothing.isVisible()
        assert "xilofone" in harness.panel.home.results.nothing.accessibleName()
        harness.panel.home.results.nothing.pressed.emit()
        await harness.settle()
        assert harness.panel.home.search.everywhere
        QTest.keyClick(harness.panel.home.search.field, Qt.Key.Key_Escape)
        assert harness.panel.home.pages.currentWidget() is harness.panel.home.list


async def test_a_conversation_is_laid_out_for_one_width_when_it_is_opened(
    theme: Theme, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scroll bar takes its room before the messages are laid out, not after; a short one has none."""
    widths: list[int] = []

    def counted(row: ThreadRow, width: int, *given: Any, **details: Any) -> Bubble:
        widths.append(width)
        return lay_out(row, width, *given, **details)

    monkeypatch.setattr("app.ui.conversations.thread_delegate.lay_out", counted)
    async with open_panel(theme, path) as harness:
        for title, long in (("Bia", True), ("Caio", False), ("Bia", True)):
            widths.clear()
            await harness.open(title)
            view = harness.page.view
            assert view.verticalScrollBar().isVisible() is long
            assert set(widths) == {view.viewport().width()}
            harness.panel.leave_thread()


async def test_results_go_on_as_they_are_scrolled(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.search("mensagem")
        rows = harness.panel.home.results.model
        assert rows.rowCount() == PIECE
        assert harness.panel.home.line.text() == "Mais de 60 mensagens encontradas"
        while harness.panel.home.results._more:
            bar = harness.panel.home.results.list.verticalScrollBar()
            bar.setValue(bar.maximum())
            await harness.settle()
        numbers = [rows.rows[n].message.number for n in range(rows.rowCount())]
        assert numbers == sorted(set(numbers), reverse=True)
        assert len(numbers) == 300


async def test_messages_are_copied_with_or_without_who_and_when(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Beatriz")
        view, clipboard = harness.page.view, QGuiApplication.clipboard()
        QTest.keyClick(view, Qt.Key.Key_Up)
        QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert clipboard.text().startswith("https://conecta.example/contrato/")
        QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        lines = clipboard.text().splitlines()
        assert len(lines) == 2
        assert lines[1].endswith("] Mentorado: Chegou?")
        menu = harness.page.menu(harness.page.model.messages[-1].number)
        assert [action.text() for action in menu.actions()] == [
            "Copiar texto",
            "Copiar com nome e hora",
            "Ver detalhes",
        ]
        menu.actions()[0].trigger()
        assert clipboard.text().splitlines() == lines
        menu.deleteLater()


async def test_the_details_show_all_of_a_message(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Estranho")
        number = next(each.number for each in harness.page.model.messages if len(each.text) == 64_000)
        harness.page.view.details_requested.emit(number)
        await harness.until(lambda: harness.panel.findChildren(MessageDialog))
        (sheet,) = harness.panel.findChildren(MessageDialog)
        assert sheet.text is not None
        assert len(sheet.text.toPlainText()) == 64_000
        sheet.reject()
        await asyncio.sleep(0)


async def test_the_details_of_what_was_not_sent_say_why(theme: Theme, path: Path) -> None:
    """ "store code+title+details with the message, show in the message's details" """
    async with open_panel(theme, path) as harness:
        await harness.open("Beatriz")
        number = next(each.number for each in harness.page.model.messages if each.delivery is DeliveryStatus.FAILED)
        harness.page.view.details_requested.emit(number)
        await harness.until(lambda: harness.panel.findChildren(MessageDialog))
        (sheet,) = harness.panel.findChildren(MessageDialog)
        words = [label.text() for label in sheet.findChildren(QLabel)]
        assert words[words.index("Motivo da falha") + 1] == ("131049 · Not delivered to keep the ecosystem healthy")
        sheet.reject()
        await asyncio.sleep(0)


async def test_somebody_without_messages_is_told_so(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Beatriz")
        harness.panel.show_mentorado(harness.lonely.id)
        await harness.settle()
        assert not harness.panel.in_thread
        assert harness.panel.home.empty.isVisible()
        assert harness.panel.home.line.text() == "Nenhuma mensagem guardada ainda"
        await harness.library.tell(harness.lonely, a_message("F1", "Primeira!", sender_name="Bia"))
        await harness.until(lambda: harness.panel.home.conversations.rowCount() == 1)


async def test_an_erased_conversation_says_that_it_is_gone(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        whose = harness.ana.id
        conversation = next(
            each for each in await harness.library.history.conversations(whose) if each.title.startswith("Caio")
        )
        contact = await harness.library.history.find_contact(whose, conversation.addresses[0])
        assert contact is not None
        await harness.library.history.erase(whose, contact, harness.library.clock.now())
        await harness.open("Caio")
        assert harness.page._gone.isVisible()


async def test_trouble_with_the_database_is_a_sentence(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        show_error(harness.page.reader, Problem(ProblemCode.DATABASE_DISK_FULL))
        assert harness.panel.home.trouble.isVisible()
        harness.panel.home.trouble.dismissed.emit()
        assert not harness.panel.home.trouble.isVisible()
        show_error(harness.page.reader, RuntimeError())
        assert harness.panel.home.trouble.isVisible()


async def test_language_look_and_size_change_while_one_reads(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Beatriz")
        view, model = harness.page.view, harness.page.model
        texts.set_language("en")
        assert harness.page.head.wide.toolTip() == "Read on a wide page"
        assert "not sent" in model.data(model.index(model.rowCount() - 1), Role.AccessibleTextRole)
        assert "not sent" in [mark.text for mark in view.delegate.bubble(model.row(model.rowCount() - 1)).marks]
        assert view.at_end
        for scale in (200, 100):
            theme.set_text_scale(scale)
            assert view.at_end
        before = harness.panel.grab().toImage().pixelColor(300, 300).lightness()
        theme.set_mode(Mode.DARK)
        assert harness.panel.grab().toImage().pixelColor(300, 300).lightness() < before


async def test_every_row_speaks_whatever_is_in_it(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        for title in ("Beatriz", "Estranho", "Gr"):
            harness.panel.leave_thread()
            await harness.open(title)
            model = harness.page.model
            for place in range(model.rowCount()):
                spoken = model.data(model.index(place), Role.AccessibleTextRole)
                assert len(spoken) > 8
                assert "\u202e" not in spoken
        assert harness.page.view.accessibleName() == "Conversa com Grupo de final 0009"
        assert len(HOSTILE) > 9


async def test_reading_wide_keeps_the_place(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Bia")
        lent: list[object] = []
        harness.panel.wide_requested.connect(lent.append)
        done = QSignalSpy(harness.panel.wide_done)
        bar = harness.page.view.verticalScrollBar()
        bar.setValue(bar.maximum() // 2)
        await harness.settle()
        index = harness.page.view.indexAt(QPoint(4, harness.page.view.viewport().height() - 1))
        last = harness.page.model.row(index.row()).message.number
        harness.page.wide_requested.emit()
        assert lent == [harness.page]
        assert not harness.panel.in_thread
        harness.page.setParent(None)
        harness.page.resize(900, 700)
        harness.page.show()
        index = harness.page.view.indexAt(QPoint(4, harness.page.view.viewport().height() - 1))
        assert abs(harness.page.model.row(index.row()).message.number - last) <= 1
        QTest.keyClick(harness.page.view, Qt.Key.Key_Escape)
        assert done.count() == 1
        assert harness.panel.in_thread


async def test_a_screen_reader_finds_every_message_in_the_list(theme: Theme, path: Path) -> None:
    async with open_panel(theme, path) as harness:
        await harness.open("Beatriz")
        view, model = harness.page.view, harness.page.model
        seen = QAccessible.queryAccessibleInterface(view)
        rows = [seen.child(place) for place in range(seen.childCount())]
        spoken = [row.text(QAccessible.Text.Name) for row in rows if row is not None]
        for place in range(model.rowCount()):
            assert model.data(model.index(place), Role.AccessibleTextRole) in spoken
