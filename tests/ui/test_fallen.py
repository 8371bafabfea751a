"""Whoever falls while nobody looks is announced from everywhere, once, and marked until somebody looked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from app.domain.link_status import LinkState, LinkStatus, Reason
from app.text.signs import Tone
from app.text.status import texts
from app.ui.fallen import FallenNotice
from app.ui.mentorado_list.row import ListFilter
from app.ui.theme.theme import LIGHT
from tests.ui.controls import text_in
from tests.ui.window_checks import InWindow
from tests.ui.window_harness import NOON, WindowHarness, person
from tests.waiting import until

CONNECTED = LinkStatus(state=LinkState.CONNECTED, since=NOON)
LOGGED_OUT = LinkStatus(state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=NOON)


def listening(harness: WindowHarness) -> FallenNotice:
    """The notice as the program wires it, with everybody connected."""
    notice = FallenNotice(harness.window, harness.model, harness.theme)
    for mentorado in harness.people:
        harness.observe(mentorado, CONNECTED)
    harness.model.flush()
    return notice


def unseen(harness: WindowHarness) -> set[str]:
    harness.model.flush()
    rows = [harness.model.painted(place)[0] for place in range(harness.model.rowCount())]
    return {row.mentorado.name for row in rows if row.unseen}


def test_one_who_logs_out_elsewhere_is_opened_with_one_click_from_any_page(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        notice, window, fallen = listening(harness), harness.window, person(9)
        window.choose(person(3).id)
        window.list.chips.pick(ListFilter.CONNECTED)
        window.go("audit")
        harness.observe(fallen, LOGGED_OUT)
        await until(notice.toast.isVisible)
        assert text_in(notice.toast) == f"{fallen.name} precisa de você · Saiu da conta | Mostrar"
        assert notice.toast.isVisible()
        assert window.windowTitle() == "1 precisa de você · Conecta"
        assert unseen(harness) == set()  # filtered out now
        notice.toast.button.click()
        assert window.places.page is None
        assert window.list.table.chosen_id == fallen.id
        assert window.shows(fallen.id)
        assert not notice.toast.isVisible()
        window.list.chips.pick(ListFilter.ALL)
        assert unseen(harness) == set()

    in_window(use)


def test_the_row_has_a_dot_until_somebody_looked(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        listening(harness)
        window, fallen = harness.window, person(9)
        window.choose(person(3).id)
        harness.observe(fallen, LOGGED_OUT)
        assert unseen(harness) == {fallen.name}
        spoken = harness.model.data(
            harness.model.index(harness.model.row_of(fallen.id) or 0), Qt.ItemDataRole.AccessibleTextRole
        )
        assert spoken.endswith("ainda não visto")
        window.list.table.scrollTo(harness.model.index(harness.model.row_of(fallen.id) or 0))
        assert has_dot(harness, fallen.id)
        await harness.mentorados.edit(fallen.id, "Outro Nome", fallen.phone, "")
        assert unseen(harness) == {"Outro Nome"}
        await harness.mentorados.load()
        assert unseen(harness) == {"Outro Nome"}
        window.choose(fallen.id)
        assert unseen(harness) == set()

    in_window(use)


def has_dot(harness: WindowHarness, mentorado_id: str) -> bool:
    table = harness.window.list.table
    row = next(place for place in range(harness.model.rowCount()) if harness.model.painted(place)[0].id == mentorado_id)
    rect = table.visualRect(harness.model.index(row))
    image: QImage = table.viewport().grab(rect).toImage()
    colours = {image.pixelColor(x, y).name() for x in range(image.width() // 3) for y in range(image.height() // 2)}
    return LIGHT.badge[Tone.ERROR].fg.lower() in colours


def test_whoever_is_on_show_is_not_announced(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        notice = listening(harness)
        harness.window.choose(person(9).id)
        harness.observe(person(9), LOGGED_OUT)
        assert unseen(harness) == set()
        assert not notice._gather.isActive()

    in_window(use)


def test_whoever_is_to_be_left_alone_gets_the_dot_and_no_toast(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        notice = FallenNotice(harness.window, harness.model, harness.theme, lambda mentorado_id: mentorado_id == ana.id)
        for mentorado in harness.people:
            harness.observe(mentorado, CONNECTED)
        harness.model.flush()
        harness.observe(ana, LOGGED_OUT)
        assert unseen(harness) == {ana.name}
        assert not notice._gather.isActive()
        harness.observe(person(2), LOGGED_OUT)
        await until(notice.toast.isVisible)
        assert person(2).name in text_in(notice.toast)
        assert ana.name not in text_in(notice.toast)

    ana = person(9)
    in_window(use)


def test_fifty_at_once_are_one_toast(in_window: InWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(harness: WindowHarness) -> None:
        notice, window = listening(harness), harness.window
        shown: list[str] = []
        show_message = notice.toast.show_message

        def recording(words: str, button: str, undo: Callable[[], None]) -> None:
            shown.append(words)
            show_message(words, button, undo)

        monkeypatch.setattr(notice.toast, "show_message", recording)
        for mentorado in harness.people:
            harness.observe(mentorado, LOGGED_OUT)
        await until(notice.toast.isVisible)
        first, second = person(0).name, person(1).name
        assert shown == [f"50 mentorados precisam de você: {first}, {second} e mais 48"]
        assert window.windowTitle() == "50 precisam de você · Conecta"
        window.header.search.setText("ninguém tem este nome")
        notice.toast.button.click()
        assert window.list.table.chosen_id == person(0).id
        assert harness.model.group is ListFilter.ERROR
        assert harness.model.rowCount() == 50
        assert len(unseen(harness)) == 49

    in_window(use, range(50))


def test_a_second_one_joins_the_toast_and_whoever_comes_back_leaves_it(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        notice = listening(harness)
        harness.observe(person(1), LOGGED_OUT)
        await until(notice.toast.isVisible)
        harness.observe(person(2), replace(LOGGED_OUT, reason=Reason.BANNED))
        await until(lambda: "2 mentorados" in text_in(notice.toast))
        texts.set_language("en")
        assert "2 mentorados need you: " in text_in(notice.toast)
        harness.observe(person(1), CONNECTED)
        await until(lambda: f"{person(2).name} needs you · Banned" in text_in(notice.toast))
        harness.observe(person(2), CONNECTED)
        await until(lambda: not notice.toast.isVisible())
        assert unseen(harness) == set()
        assert harness.window.windowTitle() == "Conecta"
        harness.observe(person(3), LOGGED_OUT)
        await harness.mentorados.archive(person(3).id)
        assert harness.model.find_row(person(3).id).unseen is False

    in_window(use)


def test_what_was_stored_is_no_news_and_neither_is_a_code_that_ran_out(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        notice = listening(harness)
        harness.observe(person(1), LinkStatus(since=NOON))
        harness.observe(person(1), LOGGED_OUT)
        harness.observe(person(2), replace(LOGGED_OUT, reason=Reason.QR_EXPIRED))
        assert unseen(harness) == set()
        assert not notice._gather.isActive()

    in_window(use)


def test_a_long_name_fits_in_a_narrow_window_and_above_the_other_toast(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        notice, window = listening(harness), harness.window
        window.resize(640, 480)
        await harness.mentorados.edit(person(9).id, "Ana " * 29, person(9).phone, "")
        window.toast.show_message("Foi para o arquivo.", "Desfazer", lambda: None)
        harness.observe(person(9), replace(LOGGED_OUT, reason=Reason.PASSKEY_REQUIRED))
        await until(notice.toast.isVisible)
        window.toast.show_message("Foi para o arquivo.", "Desfazer", lambda: None)
        assert notice.toast.geometry().right() <= window.width()
        below = window.toast.mapTo(window, window.toast.rect().topLeft()).y()
        assert notice.toast.geometry().bottom() < below

    in_window(use)


def test_a_page_that_is_made_later_does_not_cover_the_toast(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        notice, window = listening(harness), harness.window
        harness.observe(person(9), LOGGED_OUT)
        await until(notice.toast.isVisible)
        window.go("audit")
        assert window.childAt(notice.toast.mapTo(window, notice.toast.rect().center())) in (
            notice.toast,
            *notice.toast.children(),
        )

    in_window(use)


def test_those_of_an_incident_are_shown_alone_from_any_page_and_hurried_together(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        listening(harness)
        window = harness.window
        waiting = LinkStatus(state=LinkState.RECONNECTING, since=NOON)
        for number in (4, 5, 6):
            harness.observe(person(number), waiting)
        window.go("audit")
        window.show_only([person(4).id, person(5).id, person(6).id])
        assert window.places.page is None
        assert harness.model.rowCount() == 3
        assert window.list.bar.narrowing.text() == "Só 3 escolhidos"
        async with harness.core.running():
            window.controller.try_all([person(4).id, person(5).id, person(7).id])
            await until(lambda: len(harness.audit.outcomes) == 2)
            assert {each.record.mentorado_id for each in harness.audit.outcomes} == {person(4).id, person(5).id}
        window.list._clear()
        assert harness.model.rowCount() == 40

    in_window(use)
