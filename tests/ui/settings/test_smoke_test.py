"""Whom smoke tests write to: the number itself at once, a partner or a number when it is known who that is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget
from app.text.status import texts
from app.ui.settings.smoke_test import SmokeTestSection
from tests.ui.controls import nameless, out_of_reach
from tests.ui.settings.page_harness import PEOPLE, Harness, InHarness

BIA = PEOPLE[1]


def section_of(harness: Harness) -> SmokeTestSection:
    found = harness.section(SmokeTestSection)
    assert isinstance(found, SmokeTestSection)
    return found


def chosen(harness: Harness) -> SmokeTestSettings:
    return harness.settings_harness.smoke_tests.chosen


def test_a_partner_is_taken_once_it_is_known_who(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        assert section.target.chosen is SmokeTestTarget.OWN
        assert not section.partner.isVisible()
        section.target.button(SmokeTestTarget.PARTNER).click()
        await harness.settle()
        assert section.partner.isVisible()
        assert not section.number.isVisible()
        assert chosen(harness) == SmokeTestSettings(), "nobody was chosen yet"
        (entry,) = [each for each in section.partner.menu_of_options().actions() if each.text() == BIA.name]
        entry.trigger()
        await harness.settle()
        assert chosen(harness) == SmokeTestSettings(target=SmokeTestTarget.PARTNER, partner=BIA.id)
        assert section._message.text() == texts("settings.saved")
        assert harness.audited_actions() == ["set_smoke_test"]
        section.target.button(SmokeTestTarget.OWN).click()
        await harness.settle()
        assert chosen(harness).target is SmokeTestTarget.OWN
        section.target.button(SmokeTestTarget.PARTNER).click()
        await harness.settle()
        assert chosen(harness).target is SmokeTestTarget.PARTNER, "the one before is remembered"

    in_harness(use)


def test_a_number_is_taken_when_it_is_one(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        section.target.button(SmokeTestTarget.NUMBER).click()
        section.number.setText("123")
        QTest.keyClick(section.number, Qt.Key.Key_Return)
        await harness.settle()
        assert chosen(harness) == SmokeTestSettings()
        assert section._message.isVisible()
        section.number.setText("11 95555-0000")
        QTest.keyClick(section.number, Qt.Key.Key_Return)
        await harness.settle()
        assert (chosen(harness).target, chosen(harness).number) == (SmokeTestTarget.NUMBER, "+5511955550000")
        assert section.number.text() == "+55 11 95555-0000"
        section.template.setText(" teste/pt_BR ")
        QTest.keyClick(section.template, Qt.Key.Key_Return)
        await harness.settle()
        assert chosen(harness).template == "teste/pt_BR"
        section.target.button(SmokeTestTarget.OWN).click()
        section.target.button(SmokeTestTarget.NUMBER).click()
        await harness.settle()
        assert chosen(harness).target is SmokeTestTarget.NUMBER

    in_harness(use)


@pytest.mark.parametrize("target", SmokeTestTarget)
def test_everything_has_a_name_and_is_reached_by_keyboard(in_harness: InHarness, target: SmokeTestTarget) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        section.target.button(target).click()
        await harness.settle()
        assert nameless(section) == []
        assert out_of_reach(section) == []

    in_harness(use)
