"""The metrics for a monitoring system: off until somebody wants them, and where they can be read then."""

from __future__ import annotations

from app.core.background import BackgroundTasks
from app.domain.errors import Problem, ProblemCode
from app.text.status import texts
from app.ui.settings.general import MetricsSection
from tests.ui.controls import nameless
from tests.ui.settings.page_harness import Harness, InHarness


def section_of(harness: Harness) -> MetricsSection:
    found = harness.section(MetricsSection)
    assert isinstance(found, MetricsSection)
    return found


def test_they_are_switched_on_and_the_address_is_shown(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section, settings = section_of(harness), harness.settings_harness
        async with BackgroundTasks(settings.metrics.run):
            assert section.choice.chosen is False
            assert section.line == texts("settings.metrics.line")
            assert nameless(section) == []
            section.choice.button(True).click()
            await harness.settle()
            assert "http://127.0.0.1:9464/metrics" in section.line
            section.port.setText("9500")
            section.port.editingFinished.emit()
            await harness.settle()
            assert settings.metrics_server.ports == [9464, 9500]
            assert "http://127.0.0.1:9500/metrics" in section.line
            section.port.editingFinished.emit()
            section.choice.button(False).click()
            await harness.settle()
            assert section.line == texts("settings.metrics.line")
            assert harness.audited_actions() == ["set_metrics"] * 3

    in_harness(use)


def test_a_port_that_is_taken_or_none_is_explained(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section, settings = section_of(harness), harness.settings_harness
        settings.metrics_server.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="9464")
        async with BackgroundTasks(settings.metrics.run):
            section.choice.button(True).click()
            await harness.settle()
            assert texts("problem.webhook_port_taken.sentence", port="9464") in section.line
            section.port.setText("x")
            section.port.editingFinished.emit()
            await harness.settle()
            assert texts("problem.webhook_port_invalid.sentence") in section.message

    in_harness(use)
