"""What the desktop is told and when, where the window goes, and what opens at login: taken at once, and true after."""

from __future__ import annotations

from datetime import time

from app.domain.errors import ProblemCode
from app.domain.notifications import NotificationSettings
from app.text.status import texts
from app.ui.settings.notifications import NotificationsSection
from tests.ui.controls import nameless
from tests.ui.settings.page_harness import Harness, InHarness


def section_of(harness: Harness) -> NotificationsSection:
    found = harness.section(NotificationsSection)
    assert isinstance(found, NotificationsSection)
    return found


def shown(section: NotificationsSection) -> set[str]:
    return {name for name, row in section._rows_by_name.items() if not row.isHidden()}


def test_quiet_hours_are_chosen_with_their_days_and_shown_only_then(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        assert shown(section) == {"on", "quiet", "stays", "at_login"}
        section.quiet.button(True).click()
        await harness.settle()
        assert shown(section) == {"on", "quiet", "hours", "days", "stays", "at_login"}
        assert nameless(section) == []
        section.fields["quiet_from"].setText("19h30")
        section.fields["quiet_from"].editingFinished.emit()
        await harness.settle()
        for day in (5, 6):
            section.days[day].click()
            await harness.settle()
        decided = NotificationSettings(quiet=True, quiet_from=time(19, 30), quiet_days=(0, 1, 2, 3, 4))
        assert section.decided == decided
        assert section.fields["quiet_from"].text() == "19:30"
        assert section.message == texts("settings.saved")
        assert harness.audited_actions() == ["set_notifications"] * 4
        section.fields["quiet_from"].editingFinished.emit()
        await harness.settle()
        assert len(harness.audited_actions()) == 4, "nothing changed"

    in_harness(use)


def test_what_is_no_time_is_explained_and_goes_back(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        section.quiet.button(True).click()
        await harness.settle()
        section.fields["quiet_to"].setText("25:00")
        section.fields["quiet_to"].editingFinished.emit()
        await harness.settle()
        assert texts(f"problem.{ProblemCode.QUIET_TIME_INVALID}.sentence") in section.message
        assert section.fields["quiet_to"].text() == "08:00"

    in_harness(use)


def test_no_day_at_all_is_no_quiet(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        section.quiet.button(True).click()
        await harness.settle()
        for day in range(7):
            section.days[day].click()
            await harness.settle()
        assert not section.decided.quiet
        assert section.decided.quiet_days == (6,)
        assert shown(section) == {"on", "quiet", "stays", "at_login"}

    in_harness(use)


def test_notifications_are_switched_off_and_on(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        section.on.button(False).click()
        await harness.settle()
        assert not section.decided.on
        assert shown(section) == {"on", "stays", "at_login"}
        section.on.button(True).click()
        await harness.settle()
        assert section.decided.on

    in_harness(use)


def test_the_program_stays_in_the_tray_where_there_is_one(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = section_of(harness)
        assert section.stays.button(False).isChecked()
        section.stays.button(True).click()
        assert section._preferences.stays_in_tray
        harness.settings_harness.has_tray = False
        section.refresh()
        assert not section.stays.isEnabled()
        assert section.stays.button(False).isChecked(), "what happens now, whatever was chosen where there was a tray"
        assert "não tem bandeja" in section.stays.toolTip()
        assert "não tem bandeja" in section._rows_by_name["stays"].line.text()

    in_harness(use)


def test_it_opens_at_login_and_no_more(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section, entry = section_of(harness), harness.settings_harness.autostart
        assert entry is not None
        section.at_login.button(True).click()
        await harness.settle()
        assert entry.is_on()
        section.at_login.button(False).click()
        await harness.settle()
        assert not entry.is_on()
        entry.file.parent.rmdir()
        entry.file.parent.write_text("", encoding="utf-8")
        section.at_login.button(True).click()
        await harness.settle()
        assert str(entry.file) in section.message
        assert section.at_login.button(False).isChecked(), "it goes back to what is true"

    in_harness(use)


def test_a_system_without_such_entries_has_no_such_choice(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        harness.settings_harness.autostart = None
        section = next(
            each for each in harness.settings_harness.sections(harness.page._theme) if each.name == "notifications"
        )
        assert isinstance(section, NotificationsSection)
        section.retranslate()
        assert shown(section) == {"on", "quiet", "stays"}
        section.open_at_login(True)
        await harness.settle()

    in_harness(use)
