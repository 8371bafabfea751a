"""The palette finds people and actions by a few letters, and does what was picked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.domain.actions import ActionName
from app.domain.link_status import LinkState
from app.text.status import action, refusal, texts
from app.ui.dialogs.command_palette import MOST, CommandPalette, Entry, command, found
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.controls import nameless
from tests.ui.window_harness import WindowHarness, person, status
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@asynccontextmanager
async def opened(theme: Theme, folder: Path) -> AsyncIterator[tuple[WindowHarness, CommandPalette]]:
    harness = WindowHarness(folder, [person(number) for number in range(4)], theme)
    await harness.load(*(status(number) for number in range(4)))
    await harness.show()
    async with harness.supervisor:
        harness.window.choose(harness.people[1].id)
        harness.window.controller.open_palette()
        await settle()
        (palette,) = harness.window.findChildren(CommandPalette)
        try:
            yield harness, palette
        finally:
            for left in harness.window.findChildren(CommandPalette):  # what was picked or given up is gone already
                left.reject()
            await settle()
    await harness.close()


def shown(palette: CommandPalette) -> list[str]:
    entries: list[Entry] = [
        palette.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(palette.list.count())
    ]
    return [entry.title for entry in entries]


async def test_a_person_is_found_by_part_of_the_name_and_shown(theme: Theme, tmp_path: Path) -> None:
    async with opened(theme, tmp_path) as (harness, palette):
        somebody = harness.people[3]
        palette.line.setText(somebody.name.split()[-1].lower())
        assert somebody.name in shown(palette)
        palette.line.setText(somebody.phone[-6:])
        assert shown(palette) == [somebody.name]
        QTest.keyClick(palette.line, Qt.Key.Key_Return)
        await settle()
        assert harness.window.list.table.chosen_id == somebody.id


async def test_what_can_be_done_with_the_one_on_show_comes_first_and_is_done(theme: Theme, tmp_path: Path) -> None:
    async with opened(theme, tmp_path) as (harness, palette):
        ana = harness.people[1]
        fitting = [name for name in ActionName if harness.actions.unavailable_reason(name, ana.id) is None]
        wanted = [texts("palette.action", action=action(name)[0], name=ana.name) for name in fitting]
        assert shown(palette)[: len(wanted)] == wanted
        archive = texts("palette.action", action=action(ActionName.DISCONNECT)[0], name=ana.name)
        palette.line.setText(archive)
        assert shown(palette)[:1] == [archive] or ActionName.DISCONNECT not in fitting


async def test_a_command_runs_and_the_arrows_walk_while_typing(theme: Theme, tmp_path: Path) -> None:
    async with opened(theme, tmp_path) as (harness, palette):
        before = theme.text_scale
        palette.line.setText(texts("palette.larger"))
        QTest.keyClick(palette.line, Qt.Key.Key_Return)
        await settle()
        assert theme.text_scale > before
        harness.window.check.scale_text(0)
        assert theme.text_scale == before


async def test_the_arrows_walk_the_list_while_the_line_keeps_the_keyboard(theme: Theme, tmp_path: Path) -> None:
    async with opened(theme, tmp_path) as (harness, palette):
        QTest.keyClick(palette.line, Qt.Key.Key_Down)
        assert palette.list.currentRow() == 1
        QTest.keyClick(palette.line, Qt.Key.Key_Up)
        assert palette.list.currentRow() == 0
        assert palette.line.hasFocus()
        palette.line.setText("nobody is called this")
        assert palette.nothing.isVisible()
        QTest.keyClick(palette.line, Qt.Key.Key_Return)
        assert palette.isVisible()
        assert nameless(palette) == []
        QTest.keyClick(palette.line, Qt.Key.Key_Escape)
        await settle()
        assert harness.window.findChildren(CommandPalette) == []


@pytest.mark.parametrize(
    ("language", "typed", "wanted"),
    [
        ("pt-BR", "nota", "Escrever uma anotação"),
        ("pt-BR", "anota", "Escrever uma anotação"),
        ("en", "note", "Write a note"),
        ("en", "comment", "Write a note"),
        ("pt-BR", "reconectar", "Conectar"),
        ("en", "reconnect", "Connect"),
        ("pt-BR", "qr", "Conectar"),
        ("pt-BR", "pausar", "Desconectar"),
        ("en", "pause", "Disconnect"),
        ("pt-BR", "recuperar", "Recuperação guiada"),
        ("en", "recover", "Guided recovery"),
        ("pt-BR", "backup", "Fazer backup"),
        ("en", "backup", "Back up"),
        ("pt-BR", "trocar provedor", "Trocar de provedor"),
        ("en", "change provider", "Switch provider"),
        ("pt-BR", "excluir", "Arquivar"),
        ("en", "delete", "Archive"),
        ("pt-BR", "ajuda", "Verificação guiada"),
        ("en", "help", "Guided check"),
        ("pt-BR", "histórico", "Ver as conversas"),
        ("en", "history", "See the conversations"),
        ("pt-BR", "telefone", "Editar cadastro"),
        ("pt-BR", "teste de fumaça", "Smoke test"),
        ("pt-BR", "importar", "Importar planilha"),
        ("en", "excel", "Import"),
        ("pt-BR", "exportar", "Auditoria"),
        ("en", "export", "Audit"),
        ("pt-BR", "tema", "Tema: Escuro"),
        ("en", "dark", "Theme: Dark"),
        ("pt-BR", "senha", "Configurações: Senhas e tokens"),
        ("en", "preferences", "Settings"),
        ("pt-BR", "idioma", "Mudar para inglês"),
    ],
)
async def test_everyday_words_find_what_they_mean(
    theme: Theme, tmp_path: Path, language: str, typed: str, wanted: str
) -> None:
    texts.set_language(language)
    try:
        async with opened(theme, tmp_path) as (_harness, palette):
            palette.line.setText(typed)
            assert any(title.startswith(wanted) for title in shown(palette)), shown(palette)
    finally:
        texts.set_language("pt-BR")


async def test_what_cannot_be_done_now_is_found_last_and_says_why(theme: Theme, tmp_path: Path) -> None:
    async with opened(theme, tmp_path) as (harness, palette):
        ana = harness.people[1]
        refused = harness.actions.unavailable_reason(ActionName.CONNECT, ana.id)
        assert refused is not None
        title = texts("palette.action", action=action(ActionName.CONNECT)[0], name=ana.name)
        assert title not in shown(palette)
        palette.line.setText("reconectar")
        row = shown(palette).index(title)
        entry: Entry = palette.list.item(row).data(Qt.ItemDataRole.UserRole)
        assert (entry.line, entry.icon) == (refusal(refused), "lock")
        palette.list.setCurrentRow(row)
        QTest.keyClick(palette.line, Qt.Key.Key_Return)
        await settle()
        assert harness.window.list.table.chosen_id == ana.id


async def test_a_note_is_written_from_the_palette(theme: Theme, tmp_path: Path) -> None:
    async with opened(theme, tmp_path) as (harness, palette):
        harness.window.activateWindow()
        palette.line.setText("anotar")
        QTest.keyClick(palette.line, Qt.Key.Key_Return)
        await settle()
        pane = harness.window._pane
        assert pane is not None
        assert pane._content.notes is not None
        assert pane._content.notes.editor.field.hasFocus()


async def test_without_anybody_chosen_it_says_what_to_choose_first(theme: Theme, tmp_path: Path) -> None:
    window = QWidget()
    palette = CommandPalette(theme, window, [], anybody=False)
    palette.line.setText("conectar")
    assert palette.nothing.text() == texts("palette.nothing_chosen")
    window.deleteLater()


async def test_it_can_be_drawn_in_both_states(theme: Theme, tmp_path: Path) -> None:
    async with opened(theme, tmp_path) as (harness, palette):
        await asyncio.sleep(0.05)
        picture = palette.grab().toImage()
        chosen = palette.list.visualItemRect(palette.list.currentItem()).center()
        at = palette.list.viewport().mapTo(palette, chosen)
        assert picture.pixelColor(at.x() + palette.list.width() // 3, at.y()).name() == theme.tokens.accent_soft.lower()
        assert harness.supervisor.status(harness.people[0].link.id).state is not LinkState.CONNECTING


def test_no_more_are_shown_than_anybody_reads() -> None:
    entries = [
        Entry(title=str(number), line="", icon="users", search_text=f"name {number}", do=lambda: None)
        for number in range(200)
    ]
    assert len(found(entries, "")) == MOST
    assert found(entries, "name 7")[0].title == "7"


async def test_only_what_is_shown_is_made_at_first_and_everybody_is_found(theme: Theme) -> None:
    window = QWidget()
    window.resize(900, 700)
    window.show()
    made: list[int] = []

    def everybody() -> Iterator[Entry]:
        for number in range(1000):
            made.append(number)
            yield command(f"Ana {number}", "", "users", lambda: None)

    palette = CommandPalette(theme, window, everybody())
    assert len(made) == MOST
    palette.line.setText("ana 997")
    assert shown(palette) == ["Ana 997"]
    palette.line.clear()
    palette.open()
    assert len(shown(palette)) == MOST
    palette.reject()
    idle = CommandPalette(theme, window, everybody())
    made.clear()
    idle.open()
    await until(lambda: made[-1:] == [999], within=5)
    idle.reject()
    window.hide()
    window.deleteLater()
