"""The header: what is counted in it moves nothing that stands beside it."""

from __future__ import annotations

import pytest

from app.domain.link_status import LinkState, LinkStatus
from app.text.status import texts
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
