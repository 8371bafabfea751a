"""A window with its tray icon and notifications; the tray of the desktop itself is played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QSystemTrayIcon

from app.domain.alert import Alert
from app.domain.events import NotificationDue
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado
from app.domain.notifications import Notification, NotificationKind
from app.ui.desktop.integration import DesktopIntegration
from tests.ui.window_harness import NOON, WindowHarness

CONNECTED = LinkStatus(state=LinkState.CONNECTED, since=NOON)
LOGGED_OUT = LinkStatus(state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=NOON)


@dataclass
class DesktopHarness:
    """`messages` is what the tray showed, title and text; `quits` how often the end of the program was asked for."""

    window_harness: WindowHarness
    integration: DesktopIntegration
    messages: list[tuple[str, str]] = field(default_factory=list)
    quits: int = 0
    alerts: tuple[Alert, ...] = ()

    @property
    def menu(self) -> list[str]:
        """What the menu of the icon says, a dash for each line."""
        return ["—" if each.isSeparator() else each.text() for each in self.integration.tray.menu.actions()]

    def entry(self, words: str) -> QAction:
        return next(each for each in self.integration.tray.menu.actions() if each.text() == words)

    def fall(self, *people: Mentorado) -> None:
        for each in people:
            self.window_harness.observe(each, LOGGED_OUT)
        self.window_harness.model.flush()
        self.integration.update()

    def due(self, *people: Mentorado, kind: NotificationKind = NotificationKind.LINKS, key: str = "links") -> None:
        due = Notification(key=key, kind=kind, mentorados=tuple(each.id for each in people))
        self.window_harness.bus.publish(NotificationDue(due))

    async def look_away(self) -> None:
        """The window is minimized, so that nobody looks at it."""
        self.window_harness.window.showMinimized()
        await asyncio.sleep(0)


def played_tray(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Let the desktop have a tray; return the messages it shows from now on, title and text."""
    messages: list[tuple[str, str]] = []

    def show_message(_icon: QSystemTrayIcon, title: str, text: str, _picture: QIcon) -> None:
        messages.append((title, text))

    monkeypatch.setattr(QSystemTrayIcon, "showMessage", show_message)
    monkeypatch.setattr(QSystemTrayIcon, "show", lambda _icon: None)
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)
    return messages


@asynccontextmanager
async def present(harness: WindowHarness, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DesktopHarness]:
    """*harness* with everybody connected, and the desktop's tray."""
    messages = played_tray(monkeypatch)
    for each in harness.people:
        harness.observe(each, CONNECTED)
    harness.model.flush()
    integration = DesktopIntegration(
        harness.window,
        harness.model,
        harness.preferences,
        bus=harness.bus,
        clock=harness.clock,
        mentorados=harness.mentorados,
        status=harness.supervisor.status,
        notifier=harness.core.services.notifier,
        alerts=lambda: made.alerts,
    )
    made = DesktopHarness(harness, integration, messages)

    def count() -> None:
        made.quits += 1

    harness.window.close_requested.connect(count)
    running = asyncio.get_running_loop().create_task(integration.run())
    await asyncio.sleep(0)
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait([running])
