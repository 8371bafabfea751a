"""What people see of the program outside its window: the tray, notifications, and where the window goes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon

from app.domain.alert import Alert, AlertKind
from app.domain.events import AlertsChanged, NotificationDue, NotificationOver, OperatorSettingsChanged
from app.domain.incident import Incident
from app.domain.mentorado import ProviderKind
from app.domain.notifications import Notification, NotificationKind
from app.domain.settings import OperatorSettings
from app.text.status import texts
from app.ui.desktop.tray import tray_icon
from app.ui.mentorado_list.row import ListFilter
from tests.desktop_bus import desktop
from tests.ui.desktop.harness import CONNECTED, present
from tests.ui.window_checks import InWindow
from tests.ui.window_harness import NOON, WindowHarness, person
from tests.waiting import until


@pytest.fixture(autouse=True)
def _no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)


def test_the_tray_counts_and_names_who_needs_somebody(in_window: InWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(harness: WindowHarness) -> None:
        async with present(harness, monkeypatch) as made:
            tray = made.integration.tray
            assert tray.tool_tip == "Conecta · Ninguém precisa de você"
            assert made.menu == [
                "Mostrar o Conecta",
                "—",
                "Ninguém precisa de você",
                "—",
                "Sem avisos por 1 hora",
                "—",
                "Encerrar o Conecta",
            ]
            assert not made.entry("Ninguém precisa de você").isEnabled()
            made.fall(*harness.people[:7])
            assert tray.tool_tip == "Conecta · 7 precisam de você"
            assert len([line for line in made.menu if line.endswith(" · Saiu da conta")]) == 5
            assert "e mais 2…" in made.menu
            texts.set_language("en")
            assert "and 2 more…" in made.menu
            harness.observe(harness.people[0], CONNECTED)
            harness.model.flush()
            await until(lambda: tray.tool_tip == "Conecta · 6 need you")

    in_window(use)


def test_an_entry_opens_that_person_and_the_rest_are_listed(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with present(harness, monkeypatch) as made:
            window, fallen = harness.window, sorted(harness.people[:7], key=lambda each: each.name)
            made.fall(*fallen)
            await made.look_away()
            made.entry(f"{fallen[1].name} · Saiu da conta").trigger()
            assert window.list.table.chosen_id == fallen[1].id
            assert not window.isMinimized()
            made.entry("e mais 2…").trigger()
            assert harness.model.group is ListFilter.ERROR
            assert harness.model.rowCount() == 7
            window.hide()
            made.entry("Mostrar o Conecta").trigger()
            assert window.isVisible()
            made.entry("Encerrar o Conecta").trigger()
            assert made.quits == 1

    in_window(use)


def test_an_incident_and_a_phone_that_gives_no_sign_are_in_the_tray_too(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with present(harness, monkeypatch) as made:
            ana, since = harness.people[3], NOON - timedelta(days=12)
            kinds = AlertKind.INCIDENT, AlertKind.PHONE_UNSEEN, AlertKind.BLOCKED
            made.alerts = tuple(
                Alert(kind=kind, provider=ana.link.provider, since=since, mentorado_id=whom)
                for kind, whom in zip(kinds, (None, ana.id, ana.id), strict=True)
            )
            harness.bus.publish(AlertsChanged(made.alerts, made.alerts, ()))
            await until(lambda: made.integration.tray.tool_tip == "Conecta · Ninguém precisa de você · 2 alertas")
            incident, phone = made.menu[4:6]
            assert phone == f"{ana.name}: nenhum sinal do celular há 12 dias."
            made.entry(phone).trigger()
            assert harness.window.list.table.chosen_id == ana.id
            harness.window.go("audit")
            made.entry(incident).trigger()
            assert harness.window.places.page is None

    in_window(use)


def test_a_click_on_the_icon_brings_the_window_and_a_right_click_does_not(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with present(harness, monkeypatch) as made:
            harness.window.hide()
            icon, how = made.integration.tray._icon, QSystemTrayIcon.ActivationReason
            icon.activated.emit(how.Context)
            assert not harness.window.isVisible()
            icon.activated.emit(how.Trigger)
            assert harness.window.isVisible()

    in_window(use)


def test_a_menu_that_is_open_does_not_change_under_the_pointer(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with present(harness, monkeypatch) as made:
            monkeypatch.setattr(made.integration.tray.menu, "isVisible", lambda: True)
            made.fall(harness.people[0])
            assert "Ninguém precisa de você" in made.menu
            monkeypatch.undo()
            made.integration.update()
            assert "Ninguém precisa de você" not in made.menu

    in_window(use)


def test_notifications_are_held_for_an_hour_and_given_back(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with present(harness, monkeypatch) as made:
            made.entry("Sem avisos por 1 hora").trigger()
            until_words = f"{(NOON + timedelta(hours=1)).astimezone():%H:%M}"
            await until(lambda: f"Voltar a avisar (em silêncio até {until_words})" in made.menu)
            assert made.integration.tray.tool_tip.endswith(f" · sem avisos até {until_words}")
            made.entry(f"Voltar a avisar (em silêncio até {until_words})").trigger()
            await until(lambda: "Sem avisos por 1 hora" in made.menu)
            notifier, later = harness.core.services.notifier, NOON + timedelta(minutes=30)
            monkeypatch.setattr(type(notifier), "quiet_until", property(lambda _self: later))
            harness.bus.publish(OperatorSettingsChanged(OperatorSettings()))
            hours = f"Horas de silêncio até {later.astimezone():%H:%M}"
            await until(lambda: hours in made.menu)
            assert not made.entry(hours).isEnabled()

    in_window(use)


def test_without_a_notification_server_the_tray_tells_it_and_a_click_opens_the_person(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with present(harness, monkeypatch) as made:
            ana = harness.people[3]
            await made.look_away()
            made.fall(ana)
            made.due(ana)
            await until(lambda: made.messages)
            title, text = made.messages[0]
            assert title == f"{ana.name} precisa de você · Saiu da conta"
            assert "Avisos e bandeja" in text
            made.integration.tray.clicked.emit()
            assert harness.window.shows(ana.id) or harness.window.list.table.chosen_id == ana.id
            await made.look_away()
            made.due(ana)
            await until(lambda: len(made.messages) == 2)
            assert "Avisos e bandeja" not in made.messages[1][1], "explained once"

    in_window(use)


def test_what_a_person_looks_at_is_told_by_the_window_alone(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with present(harness, monkeypatch) as made:
            harness.window.activateWindow()
            await until(lambda: QGuiApplication.focusWindow() is not None)
            made.fall(harness.people[3])
            made.due(harness.people[3])
            made.due(harness.people[3], kind=NotificationKind.SUMMARY, key="summary")
            await until(lambda: made.messages)
            assert [title for title, _text in made.messages] == ["Enquanto os avisos estavam em silêncio"]

    in_window(use)


def test_the_desktop_shows_it_with_a_button_that_opens_them_and_forgets_it_once_looked_at(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch, fast_dir: Path
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with desktop(fast_dir, monkeypatch) as played, present(harness, monkeypatch) as made:
            ana, bia = harness.people[3:5]
            await until(lambda: played.matches)
            await made.look_away()
            made.fall(ana, bia)
            made.due(ana, bia)
            await until(lambda: played.shown)
            (number,) = played.shown
            assert played.shown[number].buttons["open"] == "Mostrar"
            assert f"{bia.name} · Saiu da conta" in played.shown[number].text
            await played.click(number)
            await until(lambda: not harness.window.isMinimized())
            assert harness.model.group is ListFilter.ERROR
            await made.look_away()
            made.due(ana, bia)
            await until(lambda: played.shown)
            harness.window.come_forward()
            await until(lambda: not played.shown)
            assert made.messages == []

    in_window(use)


def test_an_incident_opens_those_who_fell_and_ends_with_it(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch, fast_dir: Path
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with desktop(fast_dir, monkeypatch) as played, present(harness, monkeypatch) as made:
            affected = tuple(each.id for each in harness.people[:3])
            incident = Incident(
                provider=ProviderKind.WHATSAPP_WEB,
                since=NOON,
                affected=affected,
                of=3,
                causes=(),
            )
            due = Notification(key="incident", kind=NotificationKind.INCIDENT, mentorados=affected, incident=incident)
            await until(lambda: played.matches)
            await made.look_away()
            harness.bus.publish(NotificationDue(due))
            await until(lambda: played.shown)
            await played.click(next(iter(played.shown)), "default")
            await until(lambda: harness.model.rowCount() == 3)
            await made.look_away()
            harness.bus.publish(NotificationDue(due))
            await until(lambda: played.shown)
            harness.bus.publish(NotificationOver("incident"))
            await until(lambda: not played.shown)
            made.integration._open_shown("incident")
            assert not harness.window.isMinimized()

    in_window(use)


def test_a_bus_that_ends_leaves_the_tray(in_window: InWindow, monkeypatch: pytest.MonkeyPatch, fast_dir: Path) -> None:
    async def use(harness: WindowHarness) -> None:
        async with desktop(fast_dir, monkeypatch) as played, present(harness, monkeypatch) as made:
            await until(lambda: played.matches)
            await made.look_away()
            await played.end()
            made.due(harness.people[3], harness.people[4])
            await until(lambda: made.messages)
            harness.bus.publish(NotificationOver("links"))

    in_window(use)


def test_closing_the_window_ends_the_program_unless_it_is_to_stay_in_the_tray(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with present(harness, monkeypatch) as made:
            window = harness.window
            window.close()
            assert (made.quits, window.isVisible()) == (1, True)
            harness.preferences.stays_in_tray = True
            window.close()
            await until(lambda: made.messages)
            assert (made.quits, window.isVisible()) == (1, False)
            assert made.messages == [("O Conecta continua aqui", texts("tray.stays_line"))]
            window.come_forward()
            window.close()
            assert not window.isVisible()
            assert len(made.messages) == 1, "explained once"
            window.come_forward()
            window.quit()
            assert made.quits == 2
            monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: False)
            window.close()
            assert (made.quits, window.isVisible()) == (3, True), "nobody would find it again"
            monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)
            monkeypatch.setattr(QGuiApplication, "isSavingSession", lambda _app: True)
            window.close()
            assert made.quits == 4, "the person signs out of the computer"

    in_window(use)


def test_somebody_who_recovered_meanwhile_is_opened_all_the_same(
    in_window: InWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(harness: WindowHarness) -> None:
        async with present(harness, monkeypatch) as made:
            made.integration._open([person(5).id, person(6).id])
            assert harness.window.list.table.chosen_id == person(5).id
            made.integration._open([])
            assert harness.window.list.table.chosen_id == person(5).id

    in_window(use)


def test_the_icon_differs_by_the_count_up_to_nine(in_window: InWindow) -> None:
    async def use(_harness: WindowHarness) -> None:
        pictures = [bytes(tray_icon(count).pixmap(32).toImage().constBits()) for count in (0, 1, 9, 10, 99)]
        assert len(set(pictures)) == 4
        assert pictures[3] == pictures[4]

    in_window(use)
