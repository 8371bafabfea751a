"""The header: what is counted in it moves nothing that stands beside it."""

from __future__ import annotations

import pytest

from app.domain.link_status import LinkState, LinkStatus
from app.text.status import texts
from app.ui.theme.theme import Theme
from tests.ui.window_checks import InWindow, settle
from tests.ui.window_harness import NOON, WindowHarness, person


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_the_search_stays_where_it_is_while_people_connect(in_window: InWindow, language: str) -> None:
    async def use(harness: WindowHarness) -> None:
        texts.set_language(language)
        header = harness.window.header
        harness.window.resize(1280, 720)
        for each in harness.people:
            harness.observe(each, LinkStatus(since=NOON))
        places, summaries = set(), set()
        for number in range(40):
            harness.observe(person(number), LinkStatus(state=LinkState.CONNECTED, since=NOON))
            harness.model.flush()
            await settle()
            places.add(header.search.x())
            summaries.add(header._summary.text())
        assert len(summaries) == 40
        assert len(places) == 1

    in_window(use, range(1_040))


@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize(("width", "scale"), [(760, 100), (760, 150), (760, 200), (1000, 200), (1280, 100)])
def test_nothing_in_the_header_is_cut(in_window: InWindow, theme: Theme, language: str, width: int, scale: int) -> None:
    async def use(harness: WindowHarness) -> None:
        header, window = harness.window.header, harness.window
        window.resize(width, 700)
        await settle()
        for label in (header._title, header._summary):
            assert label.width() >= label.fontMetrics().horizontalAdvance(label.text()), label.text()
        assert header.add_button.geometry().right() < header.width()
        assert header.add_button.accessibleName() == texts("list.add")
        search = header.search
        room = search.width() - search.textMargins().left()
        assert search.fontMetrics().horizontalAdvance(search.placeholderText()) < room
        assert search.accessibleName() == texts("list.search")

    theme.set_text_scale(scale)
    texts.set_language(language)
    try:
        in_window(use, range(1_040))
    finally:
        texts.set_language("pt-BR")
