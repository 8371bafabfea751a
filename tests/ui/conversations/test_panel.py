"""The conversations as a person uses them, over a real history in a real file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QLabel

from app.domain.errors import Problem, ProblemCode
from app.domain.messages import DeliveryStatus, MessageKind
from app.text.status import texts
from app.ui.conversations.message_dialog import MessageDialog
from app.ui.conversations.thread_model import KEPT, PIECE
from app.ui.theme.theme import Mode, Theme
from tests.conftest import OnQt
from tests.ui.conversations.scene import HOSTILE, Scene, scene
from tests.ui.conversations.talk import DORA, a_message, changed, received

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

Role = Qt.ItemDataRole


@pytest.fixture
def path(fast_dir: Path) -> Path:
    return fast_dir / "conecta.db"


def top_message(stage: Scene) -> tuple[int, int]:
    """Which message is at the top, and where exactly its end is."""
    view = stage.page.view
    place = view.top_place()
    assert place is not None
    index = stage.page.model.index(place + 1)
    return stage.page.model.row(place + 1).message.number, view.visualRect(index).bottom()


def shown_texts(stage: Scene) -> list[str]:
    return [each.text for each in stage.page.model.messages]


async def test_the_list_says_who_what_when_and_how_much(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        rows = stage.panel.home.conversations
        titles = [rows.data(rows.index(n)) for n in range(rows.rowCount())]
        assert titles[:2] == ["Beatriz Nóbrega", "Grupo de final 0009"]
        spoken = rows.data(rows.index(0), Role.AccessibleTextRole)
        assert spoken.startswith("Beatriz Nóbrega, 19 mensagens, ")
        assert spoken.endswith(": Chegou?")
        assert stage.panel.home.line.text().startswith("Histórico guardado desde ")
        assert stage.panel.home.line.text().endswith(" · 335 mensagens")


async def test_a_conversation_opens_at_its_end(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Bia")
        assert stage.page.view.at_end
        assert shown_texts(stage)[-1].startswith("mensagem 299")
        assert stage.page.head.line.text() == "Thiago Torquato · 300 mensagens"
        assert stage.page.view.hasFocus() or stage.panel.focusWidget() is stage.page.view
        assert not stage.page.jump.isVisible()


async def test_reading_back_loads_more_and_nothing_jumps(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Bia")
        bar, count = stage.page.view.verticalScrollBar(), stage.page.model.rowCount()
        bar.setValue(bar.maximum() // 2)
        await stage.settle()
        before, held = top_message(stage), stage.page.model.rowCount()
        bar.setValue(bar.value() - 1)
        before = (before[0], before[1] + 1)
        while not stage.page.model.has_first:
            stage.page.reader.load_older()
            await stage.settle()
            assert top_message(stage) == before
        assert stage.page.model.rowCount() >= held >= count
        assert [each.number for each in stage.page.model.messages] == sorted(
            each.number for each in stage.page.model.messages
        )
        bar.setValue(0)
        await stage.settle()
        assert shown_texts(stage)[0].startswith("mensagem 0")


async def test_home_and_end_reach_the_first_and_the_last_at_once(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Bia")
        assert not stage.page.model.has_first
        QTest.keyClick(stage.page.view, Qt.Key.Key_Home)
        await stage.settle()
        assert shown_texts(stage)[0].startswith("mensagem 0")
        assert stage.page.view.top_place() == 0
        QTest.keyClick(stage.page.view, Qt.Key.Key_End)
        await stage.settle()
        assert stage.page.view.at_end
        for key in (Qt.Key.Key_Up, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Down):
            QTest.keyClick(stage.page.view, key)


async def test_what_arrives_is_seen_at_once_by_who_is_at_the_end(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Beatriz")
        await stage.library.tell(stage.ana, a_message("Z1", "Chegou sim!"))
        await stage.until(lambda: shown_texts(stage)[-1] == "Chegou sim!")
        assert stage.page.view.at_end
        assert not stage.page.jump.isVisible()


async def test_who_reads_further_up_is_told_and_not_moved(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Bia")
        bar = stage.page.view.verticalScrollBar()
        bar.setValue(bar.maximum() // 2)
        await stage.settle()
        before = top_message(stage)
        await stage.library.tell(stage.ana, a_message("Z1", "um", DORA), a_message("Z2", "dois", DORA))
        await stage.until(lambda: stage.page.jump.text() == "2 novas mensagens")
        assert top_message(stage) == before
        QTest.mouseClick(stage.page.jump, Qt.MouseButton.LeftButton)
        await stage.settle()
        assert stage.page.view.at_end
        assert shown_texts(stage)[-1] == "dois"
        assert stage.page.jump.text() == ""


async def test_who_reads_long_ago_is_told_too(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Bia")
        QTest.keyClick(stage.page.view, Qt.Key.Key_Home)
        await stage.settle()
        assert not stage.page.model.has_last
        await stage.library.tell(stage.ana, a_message("Z1", "um", DORA))
        await stage.until(stage.page.jump.text)
        assert shown_texts(stage)[0].startswith("mensagem 0")
        QTest.mouseClick(stage.page.jump, Qt.MouseButton.LeftButton)
        await stage.settle()
        assert shown_texts(stage)[-1] == "um"
        assert stage.page.view.at_end


async def test_a_flood_is_not_scrolled_through(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Beatriz")
        await stage.library.tell(stage.ana, *(a_message(f"Z{n}", f"nova {n}") for n in range(3 * PIECE)))
        await stage.until(lambda: shown_texts(stage)[-1] == f"nova {3 * PIECE - 1}")
        assert stage.page.view.at_end
        assert stage.page.model.rowCount() <= KEPT


def test_receipts_edits_and_reactions_are_seen_where_they_belong(on_qt: OnQt, theme: Theme, path: Path) -> None:
    async def main() -> None:
        async with scene(theme, path) as stage:
            await stage.open("Beatriz")
            number = next(each.number for each in stage.page.model.messages if each.provider_id == "B7")

            def link() -> str:
                place = stage.page.model.place_of(number)
                assert place is not None
                return str(stage.page.model.data(stage.page.model.index(place), Role.AccessibleTextRole))

            assert link().endswith(". enviada")
            await stage.library.tell(
                stage.ana,
                received(DeliveryStatus.READ, "B7"),
                changed(MessageKind.REACTION, "X9", "B7", "👍"),
                changed(MessageKind.EDIT, "X8", "B7", "o contrato novo", from_me=True),
            )
            await stage.until(lambda: link().endswith("o contrato novo. editada. lida. reações: 👍"))

    on_qt(main)


async def test_a_search_marks_the_words_and_leads_to_their_place(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.search("DUVIDAS")
        results = stage.panel.home.results
        assert stage.panel.home.line.text() == "1 mensagem encontrada"
        found = results.model.found(0)
        assert "dúvidas" in found.sentence
        assert results.model.data(results.model.index(0), Role.AccessibleTextRole).startswith("Beatriz Nóbrega, ")
        results.list.opened.emit(0)
        await stage.settle()
        current = stage.page.view.currentIndex()
        assert "dúvidas" in stage.page.model.data(current)
        made = stage.page.view.delegate.bubble(stage.page.model.row(current.row()))
        assert made.text is not None
        assert len(made.text.layout.formats()) == 1
        assert stage.page.view.viewport().rect().contains(stage.page.view.visualRect(current).center())
        QTest.keyClick(stage.page.view, Qt.Key.Key_Escape)
        assert not stage.panel.in_thread
        assert stage.panel.home.pages.currentWidget() is results, "back to what was found"


async def test_a_message_far_back_opens_with_its_neighbours(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.search("mensagem 100 ")
        stage.panel.home.results.list.opened.emit(0)
        await stage.settle()
        assert stage.page.model.data(stage.page.view.currentIndex()).startswith("mensagem 100")
        found = shown_texts(stage)
        assert found.index(next(t for t in found if t.startswith("mensagem 99"))) >= PIECE - 2


async def test_everybodys_messages_can_be_searched(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        wanted = QSignalSpy(stage.panel.mentorado_requested)
        await stage.search("terca")
        assert {stage.panel.home.results.model.found(n).mentorado for n in range(2)} == {""}
        stage.panel.home.search.set_everywhere(True)
        await stage.settle()
        rows = stage.panel.home.results.model
        everything = [rows.found(n) for n in range(rows.rowCount())]
        assert {each.mentorado for each in everything} == {"Thiago Torquato", "Luíza Prates"}
        place = next(n for n, each in enumerate(everything) if each.mentorado == "Luíza Prates")
        stage.panel.home.results.list.opened.emit(place)
        await stage.settle()
        assert wanted.at(0) == [everything[place].mentorado_id]
        assert shown_texts(stage) == ["O próximo encontro é na terça?"]
        assert stage.panel.home.search.typed == "terca", "one can go back to what was found"


async def test_nothing_found_offers_to_look_at_everybody(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.search("xilofone")
        assert stage.panel.home.results.nothing.isVisible()
        assert "xilofone" in stage.panel.home.results.nothing.accessibleName()
        stage.panel.home.results.nothing.pressed.emit()
        await stage.settle()
        assert stage.panel.home.search.everywhere
        QTest.keyClick(stage.panel.home.search.field, Qt.Key.Key_Escape)
        assert stage.panel.home.pages.currentWidget() is stage.panel.home.list


async def test_results_go_on_as_they_are_scrolled(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.search("mensagem")
        rows = stage.panel.home.results.model
        assert rows.rowCount() == PIECE
        assert stage.panel.home.line.text() == "Mais de 60 mensagens encontradas"
        while stage.panel.home.results._more:
            bar = stage.panel.home.results.list.verticalScrollBar()
            bar.setValue(bar.maximum())
            await stage.settle()
        numbers = [rows.found(n).message.number for n in range(rows.rowCount())]
        assert numbers == sorted(set(numbers), reverse=True)
        assert len(numbers) == 300


async def test_messages_are_copied_with_or_without_who_and_when(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Beatriz")
        view, clipboard = stage.page.view, QGuiApplication.clipboard()
        QTest.keyClick(view, Qt.Key.Key_Up)
        QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert clipboard.text().startswith("https://conecta.example/contrato/")
        QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        lines = clipboard.text().splitlines()
        assert len(lines) == 2
        assert lines[1].endswith("] Mentorado: Chegou?")
        menu = stage.page.menu(stage.page.model.messages[-1].number)
        assert [action.text() for action in menu.actions()] == [
            "Copiar texto",
            "Copiar com nome e hora",
            "Ver detalhes",
        ]
        menu.actions()[0].trigger()
        assert clipboard.text().splitlines() == lines
        menu.deleteLater()


async def test_the_details_show_all_of_a_message(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Estranho")
        number = next(each.number for each in stage.page.model.messages if len(each.text) == 64_000)
        stage.page.view.details_requested.emit(number)
        await stage.until(lambda: stage.panel.findChildren(MessageDialog))
        (sheet,) = stage.panel.findChildren(MessageDialog)
        assert sheet.text is not None
        assert len(sheet.text.toPlainText()) == 64_000
        sheet.reject()
        await asyncio.sleep(0)


async def test_the_details_of_what_was_not_sent_say_why(theme: Theme, path: Path) -> None:
    """ "store code+title+details with the message, show in the message's details" """
    async with scene(theme, path) as stage:
        await stage.open("Beatriz")
        number = next(each.number for each in stage.page.model.messages if each.delivery is DeliveryStatus.FAILED)
        stage.page.view.details_requested.emit(number)
        await stage.until(lambda: stage.panel.findChildren(MessageDialog))
        (sheet,) = stage.panel.findChildren(MessageDialog)
        words = [label.text() for label in sheet.findChildren(QLabel)]
        assert words[words.index("Motivo da falha") + 1] == ("131049 · Not delivered to keep the ecosystem healthy")
        sheet.reject()
        await asyncio.sleep(0)


async def test_somebody_without_messages_is_told_so(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Beatriz")
        stage.panel.show_mentorado(stage.lonely.id)
        await stage.settle()
        assert not stage.panel.in_thread
        assert stage.panel.home.empty.isVisible()
        assert stage.panel.home.line.text() == "Nenhuma mensagem guardada ainda"
        await stage.library.tell(stage.lonely, a_message("F1", "Primeira!", sender_name="Bia"))
        await stage.until(lambda: stage.panel.home.conversations.rowCount() == 1)


async def test_an_erased_conversation_says_that_it_is_gone(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        whose = stage.ana.id
        conversation = next(
            each for each in await stage.library.history.conversations(whose) if each.title.startswith("Caio")
        )
        contact = await stage.library.history.find_contact(whose, conversation.addresses[0])
        assert contact is not None
        await stage.library.history.erase(whose, contact, stage.library.clock.now())
        await stage.open("Caio")
        assert stage.page._gone.isVisible()


async def test_trouble_with_the_database_is_a_sentence(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        stage.page.reader.show_problem(Problem(ProblemCode.DATABASE_DISK_FULL))
        assert stage.panel.home.trouble.isVisible()
        stage.panel.home.trouble.dismissed.emit()
        assert not stage.panel.home.trouble.isVisible()
        stage.page.reader.show_crash(RuntimeError())
        assert stage.panel.home.trouble.isVisible()


async def test_language_look_and_size_change_while_one_reads(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Beatriz")
        view, model = stage.page.view, stage.page.model
        texts.set_language("en")
        assert stage.page.head.wide.toolTip() == "Read on a wide page"
        assert "not sent" in model.data(model.index(model.rowCount() - 1), Role.AccessibleTextRole)
        assert "not sent" in [mark.text for mark in view.delegate.bubble(model.row(model.rowCount() - 1)).marks]
        assert view.at_end
        for scale in (200, 100):
            theme.set_text_scale(scale)
            assert view.at_end
        before = stage.panel.grab().toImage().pixelColor(300, 300).lightness()
        theme.set_mode(Mode.DARK)
        assert stage.panel.grab().toImage().pixelColor(300, 300).lightness() < before


async def test_every_row_speaks_whatever_is_in_it(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        for title in ("Beatriz", "Estranho", "Gr"):
            stage.panel.leave_thread()
            await stage.open(title)
            model = stage.page.model
            for place in range(model.rowCount()):
                spoken = model.data(model.index(place), Role.AccessibleTextRole)
                assert len(spoken) > 8
                assert "\u202e" not in spoken
        assert stage.page.view.accessibleName() == "Conversa com Grupo de final 0009"
        assert len(HOSTILE) > 9


async def test_reading_wide_keeps_the_place(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Bia")
        lent: list[object] = []
        stage.panel.wide_requested.connect(lent.append)
        done = QSignalSpy(stage.panel.wide_done)
        bar = stage.page.view.verticalScrollBar()
        bar.setValue(bar.maximum() // 2)
        await stage.settle()
        index = stage.page.view.indexAt(QPoint(4, stage.page.view.viewport().height() - 1))
        last = stage.page.model.row(index.row()).message.number
        stage.page.wide_requested.emit()
        assert lent == [stage.page]
        assert not stage.panel.in_thread
        stage.page.setParent(None)
        stage.page.resize(900, 700)
        stage.page.show()
        index = stage.page.view.indexAt(QPoint(4, stage.page.view.viewport().height() - 1))
        assert abs(stage.page.model.row(index.row()).message.number - last) <= 1
        QTest.keyClick(stage.page.view, Qt.Key.Key_Escape)
        assert done.count() == 1
        assert stage.panel.in_thread


async def test_a_screen_reader_finds_every_message_in_the_list(theme: Theme, path: Path) -> None:
    async with scene(theme, path) as stage:
        await stage.open("Beatriz")
        view, model = stage.page.view, stage.page.model
        seen = QAccessible.queryAccessibleInterface(view)
        rows = [seen.child(place) for place in range(seen.childCount())]
        spoken = [row.text(QAccessible.Text.Name) for row in rows if row is not None]
        for place in range(model.rowCount()):
            assert model.data(model.index(place), Role.AccessibleTextRole) in spoken
