"""How many sessions share a process is a choice, taken at once and audited."""

from __future__ import annotations

from app.text.status import texts
from tests.ui.controls import nameless
from tests.ui.settings.page_harness import Harness, InHarness


def test_how_many_sessions_share_a_process_is_chosen(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.sessions
        section.refresh()
        await harness.settle()
        assert section.per_host.button(8).isChecked(), "as it is by default"
        section.per_host.button(4).click()
        await harness.settle()
        assert harness.settings_harness.settings_service.settings.sessions_per_host == 4
        assert section.message == texts("settings.saved")
        assert harness.audited_actions() == ["set_sessions_per_host"]
        assert nameless(section) == []

    in_harness(use)
