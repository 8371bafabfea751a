"""Issue 14, 6: "Conecta stays in sight: tray icon with the count that needs somebody (where the desktop has a tray),
desktop notifications grouped per incident with the reason and one button, snooze per link [...], quiet hours;
autostart at login as a setting; never a notification per flap". The whole program runs; the desktop is played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import time, timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.domain.events import IncidentBegan, IncidentEnded, SnoozesChanged
from app.domain.incident import Incident
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.notifications import Snooze, SnoozeLength
from app.domain.settings import NOTIFICATIONS
from app.ui.desktop.integration import DesktopIntegration
from app.ui.settings.notifications import NotificationsSection
from app.ui.settings.page import SettingsPage
from tests.desktop_bus import FakeDesktop, desktop
from tests.ui.desktop.harness import played_tray
from tests.ui.procedures.test_program import Started, program
from tests.waiting import until

pytestmark = [pytest.mark.usefixtures("on_qt"), pytest.mark.within(60)]

GATHER = timedelta(milliseconds=150)


@dataclass
class InSight:
    """The program, what the desktop shows of it, and its people."""

    started: Started
    desktop: FakeDesktop
    tray_messages: list[tuple[str, str]]

    @property
    def integration(self) -> DesktopIntegration:
        return self.started.window.findChildren(DesktopIntegration)[0]

    @property
    def menu(self) -> list[str]:
        return [each.text() for each in self.integration.tray.menu.actions() if each.text()]

    async def people(self, count: int) -> list[Mentorado]:
        """So many, and as many again and more who stay connected: else their falls would be an incident."""
        core = self.started.core
        names = [*(f"Ana {number}" for number in range(count)), *(f"Bia {number}" for number in range(count + 3))]
        added = [await core.mentorados.add(name, f"11 987{number:02d}-4321") for number, name in enumerate(names, 10)]
        for each in added:
            self.observe(each, LinkState.CONNECTED)
        return added[:count]

    def observe(self, mentorado: Mentorado, state: LinkState, reason: Reason = Reason.NONE) -> None:
        core = self.started.core
        core.supervisor._board.restore(mentorado.link, LinkStatus(state=state, reason=reason, since=core.clock.now()))

    def fall(self, *people: Mentorado, reason: Reason = Reason.LOGGED_OUT) -> None:
        for each in people:
            self.observe(each, LinkState.BLOCKED, reason)

    async def look_away(self) -> None:
        self.started.window.showMinimized()
        await asyncio.sleep(0.05)

    async def long_enough(self) -> None:
        """What would be told is told by then."""
        await asyncio.sleep(3 * GATHER.total_seconds())

    def settings(self) -> NotificationsSection:
        window = self.started.window
        window.go("settings", "notifications")
        page = window.places.page
        assert isinstance(page, SettingsPage)
        return next(each for each in page.sections if isinstance(each, NotificationsSection))


@asynccontextmanager
async def in_sight(qapp: QApplication, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InSight]:
    """One run of the program on a desktop, whose window nobody looks at."""
    monkeypatch.setattr("app.core.notifications.notifier.GATHER", GATHER)
    messages = played_tray(monkeypatch)
    async with desktop(folder, monkeypatch) as played, program(qapp, folder / "data") as started:
        made = InSight(started, played, messages)
        await until(lambda: played.matches)
        await made.look_away()
        yield made
        core = started.core
        for each in core.mentorados.all():
            core.supervisor._board.restore(each.link, LinkStatus(since=core.clock.now()))
        started.window.quit()


@pytest.fixture
def folder(fast_dir: Path) -> Path:
    (fast_dir / "data").mkdir()
    return fast_dir


async def test_whoever_falls_is_told_once_with_the_reason_and_opened_with_one_button(
    qapp: QApplication, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "desktop notifications [...] with the reason and one button"; "never a notification per flap"."""
    async with in_sight(qapp, folder, monkeypatch) as run:
        (ana,) = await run.people(1)
        run.fall(ana)
        await until(lambda: run.desktop.shown)
        ((number, shown),) = run.desktop.shown.items()
        assert shown.title == "Ana 0 precisa de você · Saiu da conta"
        assert set(shown.buttons.values()) == {"Mostrar"}
        await run.desktop.click(number)
        await until(lambda: run.started.window.shows(ana.id))
        await run.look_away()
        for _flap in range(5):
            run.observe(ana, LinkState.CONNECTED)
            run.fall(ana)
        await run.long_enough()
        assert len(run.desktop.all) == 1, "the same trouble"
        assert run.tray_messages == []


async def test_those_who_fall_together_are_one_notification_and_the_tray_counts_them(
    qapp: QApplication, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "tray icon with the count that needs somebody"; "grouped"."""
    async with in_sight(qapp, folder, monkeypatch) as run:
        people = await run.people(7)
        run.fall(*people)
        await until(lambda: run.desktop.all)
        assert run.desktop.titles == ["7 mentorados precisam de você: Ana 0, Ana 1 e mais 5"]
        await until(lambda: run.integration.tray.tool_tip == "Conecta · 7 precisam de você")
        assert run.menu[1:7] == [*(f"Ana {number} · Saiu da conta" for number in range(5)), "e mais 2…"]
        for each in people:
            run.observe(each, LinkState.CONNECTED)
        await until(lambda: not run.desktop.shown)
        await until(lambda: run.integration.tray.tool_tip == "Conecta · Ninguém precisa de você")
        assert len(run.desktop.all) == 1


async def test_an_incident_is_one_notification_however_many_it_takes(
    qapp: QApplication, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "desktop notifications grouped per incident with the reason"."""
    async with in_sight(qapp, folder, monkeypatch) as run:
        people = await run.people(3)
        core, affected = run.started.core, tuple(each.id for each in people)
        incident = Incident(
            provider=ProviderKind.WHATSAPP_WEB, since=core.clock.now(), affected=affected, of=3, causes=()
        )
        core.bus.publish(IncidentBegan(incident))
        run.fall(*people, reason=Reason.UNREACHABLE)
        await run.long_enough()
        assert len(run.desktop.all) == 1
        (title,) = run.desktop.titles
        assert title.startswith("3 de 3 conexões do WhatsApp Web caíram juntas")
        core.bus.publish(IncidentEnded(incident, core.clock.now(), back=affected, away=()))
        await until(lambda: not run.desktop.shown)


async def test_quiet_hours_hold_everything_and_end_with_one_summary(
    qapp: QApplication, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "quiet hours"."""
    async with in_sight(qapp, folder, monkeypatch) as run:
        people = await run.people(3)
        service = run.started.core.settings_service
        whole_day = replace(service.settings.notifications, quiet=True, quiet_from=time(0), quiet_to=time(0))
        await service.change(NOTIFICATIONS, whole_day)
        run.fall(*people)
        await run.long_enough()
        run.observe(people[0], LinkState.CONNECTED)
        assert run.desktop.all == []
        assert any(line.startswith("Horas de silêncio até") for line in run.menu)
        await service.change(NOTIFICATIONS, replace(whole_day, quiet=False))
        await until(lambda: run.desktop.all)
        (shown,) = run.desktop.all
        assert shown.title == "Enquanto os avisos estavam em silêncio"
        assert "2 mentorados precisam de você: Ana 1, Ana 2" in shown.text
        assert "1 conexão caiu e já voltou." in shown.text


async def test_a_snoozed_link_is_left_alone_over_a_restart_and_told_when_that_is_over(
    qapp: QApplication, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "snooze per link"."""
    async with in_sight(qapp, folder, monkeypatch) as run:
        core, (ana, bia) = run.started.core, await run.people(2)
        run.fall(ana)
        await until(lambda: run.desktop.shown)
        run.started.window.controller.snooze(ana.id, SnoozeLength.HOUR)
        await until(lambda: not run.desktop.shown)
        run.fall(ana, reason=Reason.BANNED)
        await run.long_enough()
        assert len(run.desktop.all) == 1, "left alone"
        run.fall(bia)
        await until(lambda: len(run.desktop.all) == 2)
        assert run.desktop.titles == ["Ana 1 precisa de você · Saiu da conta"]
        stored = core.snoozes.snooze_of(ana.id)
        await core.snoozes.load()
        assert core.snoozes.snooze_of(ana.id) == stored, "on disk"
        assert run.started.window._model.find_row(ana.id).snoozed
        core.snoozes._snoozes[ana.link.id] = Snooze(core.clock.now() + GATHER)
        core.bus.publish(SnoozesChanged(None))
        await until(lambda: len(run.desktop.all) == 3)
        assert run.desktop.titles == ["2 mentorados precisam de você: Ana 1, Ana 0"]
        run.started.window.controller.snooze(ana.id, SnoozeLength.RECOVERY)
        await until(lambda: core.snoozes.snooze_of(ana.id))
        run.observe(ana, LinkState.CONNECTED)
        assert core.snoozes.snooze_of(ana.id) is None, "it recovered"


async def test_whoever_is_looked_after_by_somebody_is_not_told_until_they_recover(
    qapp: QApplication, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "'I am on it' with a name that clears at recovery"."""
    async with in_sight(qapp, folder, monkeypatch) as run:
        handlings, (ana,) = run.started.core.handlings, await run.people(1)
        run.fall(ana)
        await until(lambda: run.desktop.shown)
        await handlings.take(ana.id)
        await until(lambda: not run.desktop.shown)
        run.fall(ana, reason=Reason.BANNED)
        await run.long_enough()
        assert len(run.desktop.all) == 1
        run.observe(ana, LinkState.CONNECTED)
        assert handlings.current == {}


async def test_the_program_is_opened_at_login_when_that_is_chosen(
    qapp: QApplication, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "autostart at login as a setting"."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    async with in_sight(qapp, folder, monkeypatch) as run:
        section, entry = run.settings(), folder / "config" / "autostart" / "conecta.desktop"
        section.at_login.button(True).click()
        await until(entry.exists)
        (line,) = [each for each in entry.read_text(encoding="utf-8").splitlines() if each.startswith("Exec=")]
        assert line.endswith(("conecta", " app"))
        section.at_login.button(False).click()
        await until(lambda: not entry.exists())


async def test_closing_the_window_leaves_it_in_the_tray_when_that_is_chosen_and_the_tray_quits(
    qapp: QApplication, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "Conecta stays in sight": off by default, and explained when it happens first."""
    async with in_sight(qapp, folder, monkeypatch) as run:
        window, (ana,) = run.started.window, await run.people(1)
        window.showNormal()
        run.settings().stays.button(True).click()
        window.close()
        await until(lambda: run.desktop.titles == ["O Conecta continua aqui"])
        assert not window.isVisible()
        run.fall(ana)
        await until(lambda: len(run.desktop.all) == 2)
        await run.desktop.click(next(iter(run.desktop.shown)), "default")
        await until(window.isVisible)
        window.close()
        await until(lambda: any(line.startswith("Ana 0") for line in run.menu))
        next(each for each in run.integration.tray.menu.actions() if each.text().startswith("Ana 0")).trigger()
        await until(window.isVisible)
        assert run.started.core.supervisor.status(ana.link.id).state is LinkState.BLOCKED


async def test_what_still_runs_is_asked_about_when_the_tray_quits_although_the_window_is_away(
    qapp: QApplication, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question is not hidden with the window."""
    async with in_sight(qapp, folder, monkeypatch) as run:
        window = run.started.window
        await run.people(1)
        monkeypatch.setattr(
            run.started.core.supervisor, "running", lambda: [next(iter(run.started.core.mentorados.all())).link.id]
        )
        window.hide()
        next(each for each in run.integration.tray.menu.actions() if each.text() == "Encerrar o Conecta").trigger()
        sheet = await run.started.question()
        assert sheet.isVisible()
        assert window.isVisible()
        sheet.cancel.click()
        await until(lambda: not run.started.questions)
        await asyncio.sleep(0.05)
        monkeypatch.setattr(run.started.core.supervisor, "running", list)
