"""Keeps the program in sight outside its window: the tray icon, the desktop's notifications, and where the window goes
when it is closed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.notifications.notifier import LINKS, Notifier
from app.domain.alert import Alert, AlertKind
from app.domain.events import AlertsChanged, NotificationDue, NotificationOver, OperatorSettingsChanged
from app.domain.guidance import needs_person
from app.domain.link_status import LinkStatus
from app.domain.mentorado import LinkId, Mentorado, MentoradoId
from app.domain.names import fold_accents
from app.domain.notifications import MUTED_FOR, Notification, NotificationKind
from app.domain.repositories import Clock
from app.platform.notification_server import NotificationServer, NotificationServerGone, notification_server
from app.text.alert import alert_line
from app.text.notification import notification, person_line, shortened
from app.text.status import date_time, texts
from app.ui.async_slots import async_slot, until_destroyed
from app.ui.desktop.tray import TrayIcon
from app.ui.fallen import show_fallen
from app.ui.navigation import HOME

if TYPE_CHECKING:
    from app.ui.appearance import Preferences
    from app.ui.main_window import MainWindow
    from app.ui.mentorado_list.model import MentoradoListModel

log = logging.getLogger(__name__)

UPDATE_MILLISECONDS: Final = 300
"""Changes within this time are one change of the tray."""

LOOK_AGAIN_MILLISECONDS: Final = 30_000
_STAYS: Final = "stays"
_FIRST, _PUT_AWAY = "first_notification", "put_away"  # explained once


class DesktopIntegration(QObject):
    """Tells outside of *window* what `Notifier` says is due. `run` connects it to the desktop."""

    def __init__(
        self,
        window: MainWindow,
        model: MentoradoListModel,
        preferences: Preferences,
        *,
        bus: EventBus,
        clock: Clock,
        mentorados: MentoradoService,
        status: Callable[[LinkId], LinkStatus],
        notifier: Notifier,
        alerts: Callable[[], Iterable[Alert]] = tuple,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._preferences = preferences
        self._clock = clock
        self._mentorados = mentorados
        self._status = status
        self._notifier = notifier
        self._alerts = alerts
        self._server: NotificationServer | None = None
        self._shown: dict[str, Notification] = {}
        self._last = ""  # the key of what the tray told last
        self.tray = TrayIcon(self)
        self.tray.show_requested.connect(window.come_forward)
        self.tray.quit_requested.connect(window.quit)
        self.tray.person_requested.connect(lambda mentorado_id: self._open([MentoradoId(mentorado_id)]))
        self.tray.everybody_requested.connect(lambda: self._open([each.id for each in self._needing()]))
        self.tray.alert_requested.connect(self._open_alert)
        self.tray.mute_requested.connect(self._set_muted)
        self.tray.clicked.connect(lambda: self._open_shown(self._last))
        self._update = QTimer(self, singleShot=True, interval=UPDATE_MILLISECONDS)
        self._update.timeout.connect(self.update)
        self._again = QTimer(self, interval=LOOK_AGAIN_MILLISECONDS)
        self._again.timeout.connect(self.update)
        for changed in (model.needing_changed, model.problem_began, model.problem_ended, model.modelReset):
            changed.connect(self._update_soon)
        window.pane_shown.connect(self._on_looked)
        window.put_away = self.put_away
        window.closing.connect(self.tray.hide)
        until_destroyed(
            self,
            bus.subscribe(NotificationDue, lambda event: self._tell(event.notification)),
            bus.subscribe(NotificationOver, lambda event: self._withdraw(event.key)),
            bus.subscribe(OperatorSettingsChanged, self._update_soon),
            bus.subscribe(AlertsChanged, self._update_soon),
            texts.on_change(self.update),
        )

    async def run(self) -> None:
        """Be in the tray, and follow what is clicked in the desktop's notifications, until cancelled."""
        self.update()
        self._again.start()
        try:
            async with notification_server() as server:
                self._server = server
                await server.follow(self._open_shown)
        except NotificationServerGone:
            log.info("No notification server: the tray tells what is due, where there is one")
        finally:
            self._server = None

    def update(self) -> None:
        """Show in the tray what is true now."""
        self.tray.look_for_tray()
        people = [(each.id, person_line(each.name, self._status(each.link.id))) for each in self._needing()]
        until, now = self._notifier.quiet_until, self._clock.now()
        words = date_time(until.astimezone(), now.astimezone().date()) if until else ""
        alerts = [
            (each, alert_line(each, self._name_of(each), now))
            for each in self._alerts()
            if each.kind is not AlertKind.BLOCKED  # who is blocked is named above
        ]
        self.tray.show_state(people, alerts, words, muted=self._notifier.muted)

    def _update_soon(self, _changed: object = None) -> None:
        self._update.start()

    def put_away(self) -> bool:
        """Leave the program in the tray, where a person wants that and there is one."""
        saving = isinstance(app := QGuiApplication.instance(), QGuiApplication) and app.isSavingSession()
        if saving or not self._preferences.stays_in_tray or not self.tray.available():
            return False
        self._window.hide()
        if self._explain(_PUT_AWAY):
            self._show(_STAYS, texts("tray.stays"), texts("tray.stays_line"))
        return True

    # --- what is due

    def _tell(self, due: Notification) -> None:
        if due.kind is not NotificationKind.SUMMARY and self._is_looked_at():
            return  # the window tells it itself
        people = {each: self._person(each) for each in due.mentorados}
        title, text = notification(due, people, self._clock.now())
        if not self._preferences.stays_in_tray and self._explain(_FIRST):
            text = f"{text}\n{texts('notification.only_while_open')}"
        self._shown[due.key] = due
        self._show(due.key, title, text)

    @async_slot
    async def _show(self, key: str, title: str, text: str) -> None:
        if self._server is not None:
            try:
                await self._server.show(key, title, text, texts("fallen.show"))
            except NotificationServerGone:
                log.info("The notification server is gone")
            else:
                return
        self._last = key
        self.tray.show_message(title, text)

    @async_slot
    async def _withdraw(self, key: str) -> None:
        self._shown.pop(key, None)
        if self._server is not None:
            try:
                await self._server.withdraw(key)
            except NotificationServerGone:
                log.info("The notification server is gone")

    def _on_looked(self) -> None:
        if self._is_looked_at():
            self._notifier.on_looked()
            if LINKS in self._shown:
                self._withdraw(LINKS)

    def _is_looked_at(self) -> bool:
        return QApplication.activeWindow() is not None and self._window.isVisible() and not self._window.isMinimized()

    def _explain(self, what: str) -> bool:
        """Whether *what* was not explained yet; from now on it was."""
        explained = self._preferences.explained
        self._preferences.explained = explained | {what}
        return what not in explained

    # --- what a person wants to see

    def _open_shown(self, key: str) -> None:
        due = self._shown.get(key)
        self._window.come_forward()
        if due is None:
            return
        if due.incident is not None:
            self._window.show_only(due.incident.affected)
        else:
            self._open(list(due.mentorados))

    def _open(self, mentorado_ids: list[MentoradoId]) -> None:
        """Open the one of these who needs somebody; of several the first, in the list of all who do."""
        self._window.come_forward()
        needing = [each.id for each in self._needing()]
        still = [each for each in mentorado_ids if each in needing]
        if still:
            show_fallen(self._window, still)
        elif mentorado_ids:
            self._window.choose(mentorado_ids[0])

    def _open_alert(self, alert: Alert) -> None:
        self._window.come_forward()
        if alert.mentorado_id is not None:
            self._window.choose(alert.mentorado_id)
        else:
            self._window.go(HOME)  # the notice above the list says more of an incident

    def _name_of(self, alert: Alert) -> str:
        return shortened(self._mentorados.get(alert.mentorado_id).name) if alert.mentorado_id is not None else ""

    def _set_muted(self, on: bool) -> None:
        if on:
            self._notifier.mute(MUTED_FOR)
        else:
            self._notifier.unmute()
        self._update.start()

    def _person(self, mentorado_id: MentoradoId) -> tuple[str, LinkStatus]:
        mentorado = self._mentorados.get(mentorado_id)
        return mentorado.name, self._status(mentorado.link.id)

    def _needing(self) -> list[Mentorado]:
        """Who will not come back without a person, by name."""
        active = [each for each in self._mentorados.all() if not each.archived]
        needing = [each for each in active if needs_person(self._status(each.link.id))]
        return sorted(needing, key=lambda each: fold_accents(each.name))
