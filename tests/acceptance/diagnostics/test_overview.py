"""Issue 14, 3: signals for admins, in the real program over its own database."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.domain.figures import Figure, FigureKey, hour_of
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.uptime import TimeRange
from app.text.status import texts
from app.ui.overview.page import OverviewPage
from tests.ui.controls import read_aloud
from tests.ui.procedures.test_program import Started, program
from tests.waiting import until

pytestmark = [pytest.mark.usefixtures("on_qt"), pytest.mark.within(40)]


async def open_page(started: Started) -> OverviewPage:
    window = started.window
    await until(lambda: window.places.rail is not None)
    rail = window.places.rail
    assert rail is not None
    QTest.mouseClick(rail._buttons["overview"], Qt.MouseButton.LeftButton)
    page = window.places.page
    assert isinstance(page, OverviewPage)
    await until(page.cards["messages"].headline.text)
    return page


def _has_buckets(page: OverviewPage, buckets: int) -> bool:
    return len(page.bar.buckets) == buckets


async def test_the_overview_shows_every_picture_of_what_was_counted(qapp: QApplication, fast_dir: Path) -> None:
    """An overview page with pictures: connected over time, time to connect, reconnects, failures by reason, messages in
    and out, hosts' memory."""
    async with program(qapp, fast_dir) as started:
        core = started.core
        await core.mentorados.add("Ana Prates", "11 98765-4321")
        await core.figures.count()
        hour = hour_of(core.clock.now() - timedelta(hours=2))
        counts = {
            (Figure.TIME, "connected"): 3_600_000,
            (Figure.CONNECT, "5"): 3,
            (Figure.CONNECT_TIME, ""): 9_000,
            (Figure.RECONNECT, ""): 1_204,
            (Figure.FAILURE, "network_down"): 1_300,
            (Figure.MESSAGE_IN, ""): 12_431,
            (Figure.MESSAGE_OUT, ""): 7,
            (Figure.MEMORY_MOST, ""): 40_000_000,
        }
        repository = core.overview._repository
        await repository.add(
            {FigureKey(hour, figure, "whatsapp_web", detail): value for (figure, detail), value in counts.items()}
        )
        page = await open_page(started)
        shown = {name: read_aloud(card.headline.text()) for name, card in page.cards.items()}
        assert shown["messages"] == "12.431 recebidas · 7 enviadas"
        assert shown["reconnects"] == "1.204"
        assert shown["failures"] == "1.300"
        assert shown["connect"] == "9 de cada 10 em até 5 s"
        assert shown["connected"] == "0 de 1 agora"
        assert {"connected", "connect", "reconnects", "failures", "messages", "memory"} == shown.keys()
        for picture in (page.bar, *(card.picture for card in page.cards.values())):
            assert picture.accessibleName()
            assert picture.accessibleDescription()
        for span, buckets in zip(TimeRange, (24, 42, 30, 90), strict=True):
            page.show_span(span)
            await until(partial(_has_buckets, page, buckets))
        started.window.close()


async def test_an_alert_shows_whom_it_is_about(qapp: QApplication, fast_dir: Path) -> None:
    """Alerts … for incidents, blocked links, phones unseen for 12 days, tokens about to expire."""
    async with program(qapp, fast_dir) as started:
        core, window = started.core, started.window
        ana = await core.mentorados.add("Ana Prates", "11 98765-4321")
        blocked = LinkStatus(state=LinkState.BLOCKED, reason=Reason.BANNED, since=core.clock.now())
        core.supervisor._board.restore(ana.link, blocked)
        page = await open_page(started)
        await core.alerts.look()
        (row,) = page.alert_list.rows
        assert row.button.accessibleName().startswith("Mostrar: Ana Prates: Banido")
        row.button.click()
        assert window.places.here == "home"
        assert window.list.table.chosen_id == ana.id
        window.close()


async def test_it_is_in_the_palette_and_under_a_key(qapp: QApplication, fast_dir: Path) -> None:
    """Opened like every other page."""
    from app.ui.main_window_controller import commands

    async with program(qapp, fast_dir) as started:
        window = started.window
        await until(lambda: window.places.rail is not None)
        names = [texts(f"rail.{name}") for name in window.places.icons]
        assert names[1] == "Visão geral"
        (entry,) = [entry for entry in commands(window) if entry.title == "Visão geral"]
        entry.do()
        assert window.places.here == "overview"
        window.close()
