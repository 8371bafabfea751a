"""Whether a second person approves switches: to demand one is free, to demand none any more asks for a reason."""

from __future__ import annotations

from app.domain.audit import AuditOutcome
from app.text.status import texts
from app.ui.dialogs.confirm import ReasonDialog
from app.ui.settings.providers import SwitchesSection
from tests.ui.controls import nameless
from tests.ui.settings.page_harness import Harness, InHarness


def section_of(harness: Harness) -> SwitchesSection:
    found = harness.section(SwitchesSection)
    assert isinstance(found, SwitchesSection)
    return found


async def pick(harness: Harness, on: bool) -> None:
    section_of(harness).second.button(on).click()
    await harness.settle()


async def answer(harness: Harness, reason: str | None) -> None:
    (sheet,) = [each for each in harness.page.findChildren(ReasonDialog) if each.isVisible()]
    assert not sheet.confirm.isEnabled()
    assert sheet.field.hasFocus()
    if reason is None:
        sheet.cancel.click()
    else:
        sheet.field.setPlainText(reason)
        sheet.confirm.click()
    await harness.settle()


def test_a_second_person_is_demanded_at_once(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        assert not section.second.chosen
        await pick(harness, True)
        assert section._settings_service.settings.switch_second_person
        assert section.message == texts("settings.saved")
        assert harness.audited_actions() == ["set_switch_second_person"]
        assert nameless(section) == []
        await pick(harness, True)
        assert len(harness.audited_actions()) == 1

    in_harness(use)


def test_to_demand_none_any_more_takes_a_reason_and_may_be_given_up(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        await pick(harness, True)
        await pick(harness, False)
        await answer(harness, None)
        assert section.second.button(True).isChecked(), "it goes back to what is true"
        assert harness.audit.outcomes[-1].record.outcome is AuditOutcome.DECLINED
        await pick(harness, False)
        await answer(harness, "somos só duas pessoas esta semana")
        assert not section._settings_service.settings.switch_second_person
        assert not section.second.chosen
        assert harness.audit.outcomes[-1].record.reason == "somos só duas pessoas esta semana"

    in_harness(use)
