"""The window as a person uses it: with eyes, with a keyboard, with a screen reader, in either language."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QWidget

from app.domain.errors import Problem, ProblemCode
from app.domain.events import StorageFailed, StorageRecovered
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import ProviderKind
from app.domain.names import fold_accents
from app.domain.uptime import TimeRange
from app.text.signs import Tone, tone_of
from app.text.status import texts
from app.ui.appearance import Preferences
from app.ui.main_window import MainWindow
from app.ui.mentorado_list.model import STATUS_ROLE, MentoradoListModel
from app.ui.mentorado_list.narrowing import Narrowing, has_connected
from app.ui.mentorado_list.order import SortOrder
from app.ui.mentorado_list.row import ListFilter
from app.ui.theme.theme import DARK, Mode, Theme
from tests.clock import StillClock
from tests.conftest import OnQt
from tests.ui.controls import nameless, out_of_reach, text_in
from tests.ui.window_checks import PEOPLE, InWindow, settle
from tests.ui.window_harness import (
    NOON,
    WindowHarness,
    person,
    status,
)


def shown_names(harness: WindowHarness) -> list[str]:
    return [harness.model.data(harness.model.index(row)) for row in range(harness.model.rowCount())]


def test_the_header_counts_everybody_and_who_is_connected(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        connected = harness.model.count(ListFilter.CONNECTED)
        assert f"40 cadastrados · {connected} conectados" in text_in(harness.window.header)

    in_window(use)


def test_nobody_is_counted_before_the_list_was_read(theme: Theme, tmp_path: Path, on_qt: OnQt) -> None:
    async def main() -> None:
        harness = WindowHarness(tmp_path, theme=theme)
        await harness.show()
        assert harness.window.header._summary.text() == ""
        await harness.load()
        assert harness.window.header._summary.text() == "Ninguém cadastrado ainda"
        await harness.close()

    on_qt(main)


def test_nothing_in_the_header_is_cut_in_a_narrow_window_with_large_text(in_window: InWindow, theme: Theme) -> None:
    async def use(harness: WindowHarness) -> None:
        theme.set_text_scale(150)
        harness.window.resize(700, 620)
        await settle()
        for part in harness.window.header.findChildren(QWidget):
            if isinstance(part, (QLabel, QPushButton)) and part.isVisible():
                assert part.width() >= part.sizeHint().width(), part.text()

    in_window(use)


def test_the_search_narrows_and_says_when_nobody_is_left(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.header.search.setText("joao")
        assert shown_names(harness) == ["João Pedro de Araújo"]
        window.header.search.setText("zzz")
        assert "Nada corresponde a “zzz”. Limpe a busca ou os filtros." in text_in(window.list)
        clear = next(b for b in window.list.findChildren(QPushButton) if b.isVisible() and "Limpar" in b.text())
        clear.click()
        assert window.header.search.text() == ""
        assert window.list.table.isVisible()

    in_window(use)


def test_a_filter_with_nobody_says_which(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.window.list.chips.pick(ListFilter.CONNECTED)
        assert "Ninguém está em “Conectado” agora." in text_in(harness.window.list)

    in_window(use, range(3, 4))


def test_an_empty_list_is_invited_to_begin(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        text = text_in(window.list)
        assert "Comece pelo primeiro mentorado" in text
        assert "Adicionar mentorado" in text
        assert not window.list.chips.isVisible()
        assert harness.window._pane is not None
        assert not harness.window._pane.isVisible()
        await harness.mentorados.add("Ana", "11 91234-5678")
        await settle()
        assert window.list.table.isVisible()
        assert harness.window._pane.isVisible()

    in_window(use, range(0))


def test_an_empty_list_has_the_keyboard_on_adding_and_two_more_ways_to_begin(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        asked: list[str] = []
        window.sample_requested.connect(lambda: asked.append("sample"))
        window.list.import_requested.connect(lambda: asked.append("import"))
        add = window.focusWidget()
        assert isinstance(add, QPushButton)
        assert add.text() == texts("list.add")
        offered = {each.text(): each for each in window.list.findChildren(QPushButton) if each.isVisible()}
        offered[texts("sample.open")].click()
        assert asked == ["sample"]
        assert offered[texts("list.import")].property("role") is None, "a button like others"
        window.mark_as_sample()
        await settle()
        assert not offered[texts("sample.open")].isVisible()
        assert window.windowTitle() == texts("sample.window")

    in_window(use, range(0))


def test_everything_is_said_in_the_other_language_at_once(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.list.table.choose(person(9).id)
        await settle()
        before = text_in(window)
        window.header._language.click()
        await settle()
        after = text_in(window)
        assert texts.language == "en"
        assert "Adicionar mentorado" in before
        assert "Add mentorado" in after
        portuguese = [piece for piece in before.split(" | ") if any(letter in piece for letter in "çãõáéíóúê")]
        names = {person(number).name for number in PEOPLE}
        assert [piece for piece in portuguese if piece in after.split(" | ") and piece not in names] == []
        assert harness.preferences.language == "en"
        spoken = harness.model.data(harness.model.index(0), Qt.ItemDataRole.AccessibleTextRole)
        assert "Suspended" in spoken

    in_window(use)


def test_the_look_is_kept(in_window: InWindow, theme: Theme) -> None:
    async def use(harness: WindowHarness) -> None:
        theme.set_mode(Mode.DARK)
        theme.set_text_scale(125)
        await settle()
        image: QImage = harness.window.grab().toImage()
        corner = image.pixelColor(4, image.height() - 4).name()
        assert corner == DARK.surface

    harness = in_window(use)
    assert (harness.preferences.mode, harness.preferences.text_scale) == (Mode.DARK, 125)


def test_the_last_filter_is_kept(in_window: InWindow) -> None:
    async def pick(harness: WindowHarness) -> None:
        harness.window.list.chips.pick(ListFilter.ERROR)

    async def look(harness: WindowHarness) -> None:
        assert harness.model.group is ListFilter.ERROR

    in_window(pick)
    in_window(look)


def test_how_far_back_the_timeline_looks_is_kept(in_window: InWindow) -> None:
    async def pick(harness: WindowHarness) -> None:
        assert harness.window._pane is not None
        harness.window._pane._content.picture.choice.button(TimeRange.WEEK).click()

    async def look(harness: WindowHarness) -> None:
        assert harness.window._pane is not None
        assert harness.window._pane._content.picture.span is TimeRange.WEEK

    in_window(pick)
    in_window(look)


def test_that_sending_is_limited_is_said_in_words_where_they_fit_and_by_a_mark_elsewhere(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        delegate, limited = harness.window.list.table._delegate, status(22)
        assert limited is not None
        assert delegate.badge_words(limited, 208) == ("Conectado · envio restrito", False)
        assert delegate.badge_words(limited, 144) == ("Conectado", True)
        free = status(23)
        assert free is not None
        assert delegate.badge_words(free, 144) == ("Conectado", False)
        assert delegate.badge_words(free, 208, stopped=True) == ("Conectado · envio parado", False)
        assert delegate.badge_words(free, 144, stopped=True) == ("Conectado", True)
        lost = replace(free, state=LinkState.OFF)
        assert delegate.badge_words(lost, 208, stopped=True) == ("Desligado", True)
        harness.theme.set_text_scale(200)
        assert delegate.badge_words(limited, 208) == ("Conectado", True)

    in_window(use)


def test_choosing_somebody_shows_them_beside_the_list(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.resize(1240, 860)
        window.list.table.choose(person(9).id)
        await settle()
        assert window._pane is not None
        assert person(9).name in text_in(window._pane)
        window.header.search.setText("zzz")  # whoever was chosen stays chosen while hidden
        await settle()
        assert person(9).name in text_in(window._pane)
        window.header.search.clear()
        assert window.list.table.currentIndex().row() == harness.model.row_of(person(9).id)

    in_window(use)


def test_keys_reach_everything(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.activateWindow()
        table, search = window.list.table, window.header.search
        table.setFocus()
        assert table.chosen_id is None  # a list that gets the focus has chosen nobody yet
        QTest.keyClick(table, Qt.Key.Key_Down)
        assert table.currentIndex().row() == 0
        QTest.keyClick(table, Qt.Key.Key_Down)
        assert table.chosen_id == harness.model.id_at(harness.model.index(1))
        QTest.keyClicks(table, "l")
        assert search.text() == "l"
        QTest.keyClick(search, Qt.Key.Key_Escape)
        assert search.text() == ""
        keys = {shortcut.key().toString() for shortcut in window.findChildren(QShortcut)}
        assert {"Ctrl+F", "Ctrl+N", "Ctrl+L", "Esc"} <= keys

    in_window(use)


def test_everything_has_a_name_and_can_be_reached(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.list.table.choose(person(9).id)
        window.on_storage_failed(StorageFailed(Problem(ProblemCode.DATABASE_LOCKED)))
        await settle()
        assert nameless(window) == []
        inner = ("qt_spinbox_lineedit", "ScrollLeftButton", "ScrollRightButton")
        lost = [
            w for w in out_of_reach(window) if w.objectName() not in inner and w.parent() is not window.header.search
        ]
        assert [(type(w).__name__, w.accessibleName()) for w in lost] == []
        assert window.list.table.accessibleName()
        assert window.list.table.accessibleDescription()

    in_window(use)


def test_tab_goes_from_left_to_right_and_down(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.list.table.choose(person(9).id)
        await settle()
        order: list[QWidget] = []
        widget = window.header.search.nextInFocusChain()
        while widget is not None and widget is not window.header.search:
            if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                order.append(widget)
            widget = widget.nextInFocusChain()
        stations: list[QWidget] = [window.header._language, window.header._look, window.header.add_button]
        stations += [window.list.chips._chips[ListFilter.ALL], window.list.table]
        assert [order.index(station) for station in stations] == sorted(order.index(station) for station in stations)
        assert window._pane is not None
        in_pane = [place for place, w in enumerate(order) if window._pane.isAncestorOf(w)]
        assert min(in_pane) > order.index(window.list.table)

    in_window(use)


def test_trouble_with_the_disk_is_told_until_it_is_over(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.on_storage_failed(StorageFailed(Problem(ProblemCode.DATABASE_DISK_FULL)))
        window.on_storage_failed(StorageFailed(Problem(ProblemCode.DATABASE_LOCKED)))
        window.show_problem(Problem(ProblemCode.NAME_MISSING))
        await settle()
        text = text_in(window.banners)
        assert "Outro programa está usando os dados do Conecta (" in text
        assert "O disco está cheio." not in text
        window.on_storage_recovered(StorageRecovered())
        assert "Outro programa" not in text_in(window.banners)
        cross = next(b for b in window.banners.findChildren(QPushButton) if b.isVisible())
        cross.click()
        assert not window.banners.isVisible()

    in_window(use)


def test_text_twice_as_large_is_not_clipped(in_window: InWindow, theme: Theme) -> None:
    async def use(harness: WindowHarness) -> None:
        theme.set_text_scale(200)
        harness.window.resize(1240, 860)
        await settle()
        for label in harness.window.header.findChildren(QLabel):
            assert label.width() >= label.sizeHint().width(), label.text()
            assert label.height() >= label.sizeHint().height(), label.text()
        for button in harness.window.header.findChildren(QPushButton):
            assert button.height() >= button.fontMetrics().height()
            assert button.width() >= button.minimumSizeHint().width(), button.text()

    in_window(use)


def test_ages_grow_by_themselves(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.observe(person(1), LinkStatus(state=LinkState.CONNECTED, since=NOON))
        harness.model.flush()
        row = harness.model.row_of(person(1).id)
        assert row is not None
        index = harness.model.index(row)
        assert harness.model.spoken(harness.model._shown[row]).endswith("agora")
        harness.clock.time = NOON.replace(hour=16)
        harness.window._ages.timeout.emit()
        assert str(index.data(Qt.ItemDataRole.AccessibleTextRole)).endswith("há 1 h")

    in_window(use)


def test_the_window_can_be_seen_before_anything_is_loaded(theme: Theme, tmp_path: Path, qapp: QApplication) -> None:
    preferences = Preferences(tmp_path / "window.ini")
    window = MainWindow(theme=theme, preferences=preferences, model=MentoradoListModel(StillClock(NOON)))
    painted: list[int] = []
    window.painted.connect(lambda: painted.append(1))
    window.show_at_once()
    assert painted == [1]
    assert "Abrindo os cadastros…" in text_in(window.list)
    assert not window.header.add_button.isEnabled()
    QTest.keySequence(window, QKeySequence("Ctrl+N"))  # nobody could do it yet
    window.finish()
    assert not window.isVisible()
    window.deleteLater()


def test_who_needs_somebody_is_on_top_and_another_order_is_kept(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        listed, model = harness.window.list, harness.model
        waiting = model.count(ListFilter.ERROR) + model.count(ListFilter.WAITING)
        tones = [tone_of(model.data(model.index(row), STATUS_ROLE)) for row in range(model.rowCount())]
        assert tones[:waiting] == sorted(tones[:waiting], key=[Tone.ERROR, Tone.WAITING].index)
        assert not {Tone.ERROR, Tone.WAITING} & {*tones[waiting:]}
        pick(listed.bar.order.menu_of_options(), "Nome")
        assert shown_names(harness) == sorted(shown_names(harness), key=fold_accents)
        assert Preferences(harness.folder / "window.ini").sort is SortOrder.NAME
        assert listed.bar.order.text() == "Ordem: Nome"

    in_window(use)


def test_the_list_is_narrowed_to_a_cohort_and_a_provider_and_says_how_many_match(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window, bar = harness.window, harness.window.list.bar
        await settle()
        assert bar.count.text() == "40 mentorados"
        pick(bar.narrowing.menu_of_choices(), "Turma", "Turma 13")
        pick(bar.narrowing.menu_of_choices(), "Provedor", "Z-API")
        await settle()
        meant = [person(n).name for n in PEOPLE if person(n).cohort == "Turma 13" and person(n).link.provider == "zapi"]
        assert sorted(shown_names(harness)) == sorted(meant)
        assert bar.count.text() == f"{len(meant)} encontrados"
        assert bar.narrowing.accessibleName() == "Filtrar: Z-API · Turma 13"
        window.header.search.setText("zzz")
        window.header.search.clear()
        pick(bar.narrowing.menu_of_choices(), "Nunca conectou")
        assert all(not has_connected(harness.model.painted(row)[0]) for row in range(harness.model.rowCount()))
        pick(bar.narrowing.menu_of_choices(), "Limpar filtros")
        assert len(shown_names(harness)) == 40

    in_window(use)


def test_filters_are_kept_as_a_view_and_come_back_after_a_restart(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        narrowing = harness.window.list.bar.narrowing
        file = harness.folder / "window.ini"
        keep = next(entry for entry in narrowing.menu_of_choices().actions() if entry.text().startswith("Guardar"))
        assert not keep.isEnabled(), "everybody is no view"
        pick(narrowing.menu_of_choices(), "Turma", "Turma 13")
        pick(narrowing.menu_of_choices(), "Provedor", "Z-API")
        pick(narrowing.menu_of_choices(), "Guardar este filtro como visão")
        pick(narrowing.menu_of_choices(), "Limpar filtros")
        harness.preferences.save()
        assert Preferences(file).views == [Narrowing(cohort="Turma 13", provider=ProviderKind.ZAPI)]
        pick(narrowing.menu_of_choices(), "Z-API · Turma 13")
        assert narrowing.accessibleName() == "Filtrar: Z-API · Turma 13"
        assert 0 < len(shown_names(harness)) < 40
        pick(narrowing.menu_of_choices(), "Esquecer esta visão")
        harness.preferences.save()
        assert Preferences(file).views == []

    in_window(use)


def test_filters_that_leave_nobody_say_so_and_are_cleared(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        listed = harness.window.list
        pick(listed.bar.narrowing.menu_of_choices(), "Turma", "Turma 13")
        listed.chips.pick(ListFilter.CONNECTED)
        pick(listed.bar.narrowing.menu_of_choices(), "Nunca conectou")
        assert "Ninguém aqui corresponde aos filtros." in text_in(listed)
        next(b for b in listed.findChildren(QPushButton) if b.isVisible() and "Limpar busca" in b.text()).click()
        assert len(shown_names(harness)) == 40
        assert listed.bar.narrowing.text() == "Filtrar"

    in_window(use)


def test_enter_in_the_search_opens_the_first_match(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.resize(1240, 860)
        search = window.header.search
        search.take_focus()
        QTest.keyClicks(search, "joao pedro")
        QTest.keyClick(search, Qt.Key.Key_Return)
        await settle()
        assert window.list.table.chosen_id == harness.model.id_at(harness.model.index(0))
        assert window.list.table.hasFocus()
        QTest.keyClicks(window.list.table, "zzz")
        before = window.list.table.chosen_id
        QTest.keyClick(search, Qt.Key.Key_Return)
        assert window.list.table.chosen_id == before

    in_window(use)


def pick(menu: QMenu, *path: str) -> None:
    """Choose in a menu, and the menus below it, what is called so."""
    for name in path[:-1]:
        below = next(entry for entry in menu.actions() if entry.text() == name).menu()
        assert isinstance(below, QMenu)
        menu = below
    next(entry for entry in menu.actions() if entry.text() == path[-1]).trigger()
