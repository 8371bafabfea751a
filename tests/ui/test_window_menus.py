"""What the window offers for a row, and how it closes, crashes and comes back."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QCloseEvent, QIcon
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QPushButton, QStyle, QWidget

from app.domain.actions import ActionName
from app.domain.link_status import LinkState
from app.ui.crash import CrashSheet
from app.ui.dialogs.command_palette import CommandPalette
from app.ui.widgets.action_menu import CARDS, LEAD, MORE
from tests.crashes import crash_report
from tests.ui.controls import text_in
from tests.ui.window_checks import InWindow, settle
from tests.ui.window_harness import (
    CREDENTIAL,
    WindowHarness,
    person,
)


def test_archiving_can_be_undone_for_a_moment(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        await harness.mentorados.archive(person(3).id)
        assert window.toast.isVisible()
        assert f"{person(3).name} foi para o arquivo." in text_in(window.toast)
        assert harness.model.row_of(person(3).id) is None
        window.toast.button.click()
        await settle()
        assert text_in(window.toast) == f"Desfeito: arquivamento de {person(3).name}."
        assert harness.model.row_of(person(3).id) is not None

    in_window(use)


def menu_of(harness: WindowHarness, number: int) -> dict[str, QAction]:
    """The entries of somebody's menu. It is not popped up: that would grab a keyboard that is not there."""
    window = harness.window
    menu = window.controller.menu(harness.runner, person(number).id)
    return {action.text(): action for action in menu.actions() if not action.isSeparator()}


def test_the_menu_of_a_row_offers_what_fits_and_says_why_the_rest_does_not(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        offered = menu_of(harness, 1)
        assert list(offered)[:2] == ["Smoke test", "Conectar · Já está conectado"]
        assert offered["Desconectar"].isEnabled()
        locked = offered["Arquivar · Desconecte primeiro"]
        assert not locked.isEnabled()
        assert locked.toolTip() == "Desconecte primeiro"

    in_window(use)


def test_whoever_is_on_it_says_so_in_the_menu_or_the_palette(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        who = person(5)
        assert "Estou cuidando" not in menu_of(harness, 1), "who is connected needs nobody"
        menu_of(harness, 5)["Estou cuidando"].trigger()
        await settle()
        assert harness.core.handlings.current[who.id].operator == "staff"
        assert "Estou cuidando" not in menu_of(harness, 5)
        harness.window.choose(who.id)
        harness.window.controller.open_palette()
        await settle()
        (palette,) = harness.window.findChildren(CommandPalette)
        palette.line.setText("deixar para outra")
        title = palette.list.item(0).data(Qt.ItemDataRole.AccessibleTextRole)
        assert title.startswith(f"Deixar para outra pessoa: {who.name}") or who.name in title
        palette._select()
        await settle()
        assert who.id not in harness.core.handlings.current

    in_window(use)


def test_what_the_menu_offers_is_done(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        async with harness.supervisor:
            menu_of(harness, 3)["Conectar"].trigger()
            await settle()
            assert harness.supervisor.status(person(3).link.id).state is LinkState.CONNECTING
            await harness.supervisor.disconnect(person(3).id)

    in_window(use)


def test_menu_palette_and_pane_lead_to_the_consents_of_whoever_it_is_about(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        asked: list[str] = []
        window.controller.consents_requested.connect(asked.append)
        assert window._pane is not None
        window._pane.consents_requested.connect(asked.append)
        menu_of(harness, 3)["Consentimentos dos contatos"].trigger()
        window.choose(person(1).id)
        await settle()
        (button,) = [
            each for each in window.findChildren(QPushButton) if each.accessibleName() == "Consentimentos dos contatos"
        ]
        button.click()
        window.controller.open_palette()
        await settle()
        (palette,) = window.findChildren(CommandPalette)
        palette.line.setText("consentimentos dos contatos")
        palette.line.returnPressed.emit()
        await settle()
        assert asked == [person(3).id, person(1).id, person(1).id]

    in_window(use)


def test_every_action_has_its_place_in_the_menu_and_the_pane() -> None:
    offered = [name for slot in (*LEAD, *CARDS, *MORE) for name in slot]
    assert sorted(offered) == sorted(ActionName)


def test_closing_only_asks(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        asked: list[int] = []
        harness.window.close_requested.connect(lambda: asked.append(1))
        event = QCloseEvent()
        QApplication.sendEvent(harness.window, event)
        assert not event.isAccepted()
        assert asked == [1]
        assert harness.window.isVisible()
        harness.window.finish()
        assert not harness.window.isVisible()

    in_window(use)


def test_a_crash_is_shown_without_standing_in_the_way(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        crashes: list[object] = []
        harness.window.crashed.connect(crashes.append)
        bug = ZeroDivisionError()
        harness.window.show_crash(bug)
        assert crashes == [bug]
        harness.window.show_report(crash_report("KeyError"))
        harness.window.show_report(crash_report("ValueError"))
        (sheet,) = harness.window.findChildren(CrashSheet)
        assert not sheet.isModal()
        assert "ValueError" in sheet.text.toPlainText()
        sheet.close()

    in_window(use)


def test_the_code_is_written_nowhere(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.window.list.table.choose(person(4).id)
        await settle()
        for widget in harness.window.findChildren(QWidget):
            for text in (
                widget.toolTip(),
                widget.accessibleName(),
                widget.accessibleDescription(),
                widget.windowTitle(),
            ):
                assert CREDENTIAL not in text
        assert CREDENTIAL not in text_in(harness.window)

    in_window(use)


def test_geometry_is_kept(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.window.resize(900, 620)
        await settle()

    harness = in_window(use)
    assert harness.preferences.geometry is not None


def _icon_sizes(window: QWidget) -> dict[str, int]:
    """How wide the icon of each button and of each entry of the row's menu is, by its name."""
    pressed = [each for each in window.findChildren(QAbstractButton) if not each.icon().isNull()]
    found = {each.accessibleName() or each.text(): _width(each.icon(), each.iconSize().width()) for each in pressed}
    for menu in window.findChildren(QMenu):
        side = menu.style().pixelMetric(QStyle.PixelMetric.PM_SmallIconSize, None, menu)
        entries = [each for each in menu.actions() if not each.icon().isNull()]
        found |= {each.text(): _width(each.icon(), side) for each in entries}
    return found


def _width(icon: QIcon, room: int) -> int:
    """It is never drawn larger than it was made."""
    return min(room, icon.actualSize(QSize(400, 400)).width())


def test_icons_grow_with_the_text(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.choose(person(9).id)
        window.header.search.setText("a")

        async def looked() -> dict[str, int]:
            await settle()
            menu = window.controller.menu(harness.runner, person(9).id)
            menu.ensurePolished()
            sizes = _icon_sizes(window)
            menu.setParent(None)
            menu.deleteLater()
            return sizes

        usual = await looked()
        harness.theme.set_text_scale(200)
        large = await looked()
        assert len(usual) > 20
        assert {name: size for name, size in usual.items() if large.get(name, 999) < size * 1.9} == {}

    in_window(use)
