"""Decides what is notified of links, and when: once for each problem, not for each reconnect, not in quiet hours.

What is worth telling is gathered for some seconds, so that links that fall together are told of together, and what was
over before anybody could have looked is not told at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Final

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.notifications.snooze_service import SnoozeService
from app.domain.alert import Alert, AlertKind
from app.domain.events import (
    AlertsChanged,
    HandlingChanged,
    IncidentBegan,
    IncidentChanged,
    IncidentEnded,
    NotificationDue,
    NotificationOver,
    OperatorSettingsChanged,
    SnoozesChanged,
    StatusChanged,
)
from app.domain.incident import Incident
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.notifications import (
    Notification,
    NotificationKind,
    NotificationSettings,
    can_snooze,
    is_notable,
    quiet_until,
)
from app.domain.repositories import Clock

GATHER: Final = timedelta(seconds=10)
"""What happens within this time is told together."""

GRACE: Final = timedelta(minutes=10)
"""A trouble that begins anew within this time after it was over is the same one, and was told already."""

LINKS, SUMMARY = "links", "summary"
"""The keys of notifications; an incident has one of its own for each provider."""


_ON_THE_WAY: Final = frozenset({LinkState.CONNECTING, LinkState.QR_READY, LinkState.RECONNECTING, LinkState.UNKNOWN})
"""Neither well nor worth telling yet: each leads to a state that is."""


@dataclass(slots=True)
class _Trouble:
    """What was notified of a link, until it has been connected for `GRACE`."""

    notified: set[str] = field(default_factory=set)
    well_since: datetime | None = None

    def over(self, now: datetime) -> bool:
        return self.well_since is not None and now - self.well_since >= GRACE


@dataclass(slots=True)
class _ProviderIncident:
    """The incident of a provider; it outlives its end by `GRACE`."""

    incident: Incident
    notified: bool = False
    ended: datetime | None = None


@dataclass(slots=True)
class _Missed:
    """What happened in quiet hours."""

    mentorados: dict[MentoradoId, None] = field(default_factory=dict)
    incidents: int = 0


LOOK_AGAIN_SECONDS = 60.0
"""The moment is looked for by the wall clock this often: a computer that slept would otherwise be late."""


class Alarm:
    """Waits for a moment, or until something changes first. `ring` may come before the wait or during it: it is never
    lost."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """End the wait: something is due, or the moment has changed."""
        self._rung.set()

    async def wait_until(self, moment: datetime | None) -> None:
        """Return no later than at *moment*, and no later than a minute from now where there is one; when it rings at
        the latest where there is none."""
        if moment is None:
            await self._rung.wait()
        else:
            await self._sleep_until(moment)
        self._rung.clear()

    async def _sleep_until(self, moment: datetime) -> None:
        async with asyncio.TaskGroup() as group:
            asleep = group.create_task(self._sleep((moment - self._clock.now()).total_seconds()))
            await self._rung.wait()
            asleep.cancel()

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep(min(max(seconds, 0), LOOK_AGAIN_SECONDS))
        self._rung.set()


class Notifier:
    """Publishes `NotificationDue` and `NotificationOver`; `run` keeps its times. *has_somebody* is whether a person
    said that they look after a mentorado already."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        status: Callable[[LinkId], LinkStatus],
        snoozes: SnoozeService,
        settings: Callable[[], NotificationSettings],
        clock: Clock,
        has_somebody: Callable[[MentoradoId], bool] = lambda _mentorado_id: False,
        zone: tzinfo | None = None,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._status = status
        self._snoozes = snoozes
        self._settings = settings
        self._clock = clock
        self._has_somebody = has_somebody
        self._zone = zone
        self._alarm = Alarm(clock)
        self._troubles: dict[MentoradoId, _Trouble] = {}
        self._pending: dict[MentoradoId, None] = {}  # to be told of, in the order of their falls
        self._unseen: dict[MentoradoId, Alert] = {}  # whose phone was not used for too long
        self._shown: dict[MentoradoId, None] = {}  # in the notification about links, unless a person looked
        self._incidents: dict[ProviderKind, _ProviderIncident] = {}
        self._gathered_at: datetime | None = None
        self._muted_until: datetime | None = None
        self._missed = _Missed()
        self._any_snoozed = False
        bus.subscribe(StatusChanged, self._on_status)
        bus.subscribe(IncidentBegan, self._on_incident)
        bus.subscribe(IncidentChanged, self._on_incident)
        bus.subscribe(IncidentEnded, self._on_incident_ended)
        bus.subscribe(OperatorSettingsChanged, lambda _event: self._alarm.ring())
        bus.subscribe(AlertsChanged, self._on_alerts)
        bus.subscribe(SnoozesChanged, self._on_snoozes)
        bus.subscribe(HandlingChanged, self._on_handling)

    @property
    def quiet_until(self) -> datetime | None:
        """When notifications are shown again; None when they are shown now."""
        now = self._clock.now()
        ends = (self._muted_until, quiet_until(now, self._settings(), self._zone))
        return max((end for end in ends if end is not None and end > now), default=None)

    @property
    def muted(self) -> bool:
        """Whether a person muted notifications, and that is not over."""
        return self._muted_until is not None and self._muted_until > self._clock.now()

    def mute(self, length: timedelta) -> None:
        """Show no notifications for *length* from now on, whatever the hour."""
        self._muted_until = self._clock.now() + length
        self._alarm.ring()

    def unmute(self) -> None:
        """Show notifications again, except in quiet hours."""
        self._muted_until = None
        self._alarm.ring()

    def is_silent(self, mentorado_id: MentoradoId) -> bool:
        """Whether nothing is notified of a mentorado: the link is snoozed, or somebody handles it."""
        return self._snoozes.snooze_of(mentorado_id) is not None or self._has_somebody(mentorado_id)

    def on_looked(self) -> None:
        """The window got the focus: what was notified so far is known."""
        self._shown.clear()

    async def run(self) -> None:
        """Publish what is due, until cancelled."""
        while True:
            self._pending.update(dict.fromkeys(self._expire_snoozes()))
            self._tell_gathered()
            self._tell_missed()
            await self._alarm.wait_until(self._next_moment())

    # --- facts

    def _on_status(self, event: StatusChanged) -> None:
        before, after, mentorado_id = event.before, event.after, event.mentorado_id
        if (before.state, before.reason) == (after.state, after.reason):
            return
        on_the_way = after.state in _ON_THE_WAY
        if not on_the_way and after.reason is not Reason.NONE and is_notable(after):
            if before.state is not LinkState.OFF:  # what was stored is no news
                self._consider(mentorado_id)
            return
        self._pending.pop(mentorado_id, None)
        self._drop_shown([mentorado_id])
        if on_the_way or after.state is LinkState.BLOCKED:
            self._end_calm(mentorado_id)
            return
        if self._any_snoozed:
            self._snoozes.on_recovered(mentorado_id)
        if mentorado_id in self._troubles:
            self._troubles[mentorado_id].well_since = self._clock.now()

    def _end_calm(self, mentorado_id: MentoradoId) -> None:
        """The link fell again: what was notified still counts, unless it was connected for long enough."""
        trouble = self._troubles.get(mentorado_id)
        if trouble is not None and trouble.over(self._clock.now()):
            del self._troubles[mentorado_id]
        elif trouble is not None:
            trouble.well_since = None

    def _on_incident(self, event: IncidentBegan | IncidentChanged) -> None:
        incident, now = event.incident, self._clock.now()
        known = self._incidents.get(incident.provider)
        notified = known is not None and known.notified and (known.ended is None or now - known.ended < GRACE)
        self._incidents[incident.provider] = _ProviderIncident(incident, notified)
        self._gather()

    def _on_incident_ended(self, event: IncidentEnded) -> None:
        known = self._incidents[event.incident.provider]
        known.ended = event.at
        if known.notified:
            self._bus.publish(NotificationOver(_incident_key(event.incident.provider)))
        for mentorado_id in event.away:  # from now on each is alone
            if is_notable(self._status_of(mentorado_id)):
                self._consider(mentorado_id)

    def _on_alerts(self, event: AlertsChanged) -> None:
        """A phone that nobody used for days is only known from the alerts; the rest is known here sooner."""
        for alert in (*event.begun, *event.ended):
            if alert.kind is AlertKind.PHONE_UNSEEN and alert.mentorado_id is not None:
                self._unseen.pop(alert.mentorado_id, None)
                if alert in event.begun:
                    self._unseen[alert.mentorado_id] = alert
                    self._consider(alert.mentorado_id)

    def _on_snoozes(self, event: SnoozesChanged) -> None:
        self._any_snoozed = self._snoozes.has_any
        if event.mentorado_id is not None and self.is_silent(event.mentorado_id):
            self._drop_shown([event.mentorado_id])
            if not can_snooze(self._status_of(event.mentorado_id)):  # it recovered while the snooze was stored
                self._snoozes.on_recovered(event.mentorado_id)
        self._alarm.ring()  # the first of them may end at another time now

    def _on_handling(self, event: HandlingChanged) -> None:
        """Whoever handles it knows; once nobody does and it is no better, it is notified again, as after a snooze."""
        if event.handling is not None:
            self._drop_shown([event.mentorado_id])
        elif is_notable(self._status_of(event.mentorado_id)):
            self._troubles[event.mentorado_id] = _Trouble()
            self._consider(event.mentorado_id)

    def _consider(self, mentorado_id: MentoradoId) -> None:
        self._end_calm(mentorado_id)
        self._troubles.setdefault(mentorado_id, _Trouble())
        self._pending[mentorado_id] = None
        self._gather()

    def _gather(self) -> None:
        if self._gathered_at is None:
            self._gathered_at = self._clock.now() + GATHER
            self._alarm.ring()

    def _expire_snoozes(self) -> list[MentoradoId]:
        """A link that has not recovered is notified again once its snooze is over."""
        ended = [each for each in self._snoozes.expire() if is_notable(self._status_of(each))]
        for mentorado_id in ended:
            self._troubles[mentorado_id] = _Trouble()
            self._gather()
        return ended

    # --- telling

    def _next_moment(self) -> datetime | None:
        missed = self._missed.mentorados or self._missed.incidents
        moments = (self._gathered_at, self._snoozes.next_end, self.quiet_until if missed else None)
        return min((moment for moment in moments if moment is not None), default=None)

    def _tell_gathered(self) -> None:
        now = self._clock.now()
        if self._gathered_at is None or now < self._gathered_at:
            return
        self._gathered_at = None
        incidents = [each for each in self._incidents.values() if each.ended is None and not each.notified]
        lasting = {who for each in self._incidents.values() if each.ended is None for who in each.incident.affected}
        fallen = [each for each in self._pending if each not in lasting and self._is_news(each)]
        self._pending.clear()
        if not self._settings().on:
            return
        for each in incidents:
            self._tell_incident(each)
        for mentorado_id in fallen:
            self._troubles[mentorado_id].notified.add(self._matter(mentorado_id))
        self._drop_shown(lasting)
        if self.quiet_until is not None:
            self._missed.mentorados.update(dict.fromkeys(fallen))
        elif fallen:
            self._shown.update(dict.fromkeys(fallen))
            phones = tuple(self._unseen[each] for each in self._shown if self._matter(each) == AlertKind.PHONE_UNSEEN)
            kind, shown = NotificationKind.LINKS, tuple(self._shown)
            self._tell(Notification(key=LINKS, kind=kind, mentorados=shown, phones=phones))

    def _is_news(self, mentorado_id: MentoradoId) -> bool:
        matter, notified = self._matter(mentorado_id), self._troubles[mentorado_id].notified
        return bool(matter) and matter not in notified and not self.is_silent(mentorado_id)

    def _matter(self, mentorado_id: MentoradoId) -> str:
        """What there is to notify now; empty where there is nothing."""
        status = self._status_of(mentorado_id)
        if is_notable(status):
            return status.reason
        return AlertKind.PHONE_UNSEEN if mentorado_id in self._unseen else ""

    def _tell_incident(self, known: _ProviderIncident) -> None:
        incident = known.incident
        if all(self.is_silent(each) for each in incident.affected):
            return
        known.notified = True
        if self.quiet_until is not None:
            self._missed.incidents += 1
            return
        kind, key = NotificationKind.INCIDENT, _incident_key(incident.provider)
        self._tell(Notification(key=key, kind=kind, mentorados=incident.affected, incident=incident))

    def _tell_missed(self) -> None:
        """After quiet hours, sum up what happened meanwhile in one notification."""
        missed = self._missed
        if self.quiet_until is not None or not (missed.mentorados or missed.incidents):
            return
        self._missed = _Missed()
        if not self._settings().on:
            return
        still = tuple(each for each in missed.mentorados if self._matter(each))
        self._tell(
            Notification(
                key=SUMMARY,
                kind=NotificationKind.SUMMARY,
                mentorados=tuple(each for each in still if not self.is_silent(each)),
                recovered=len(missed.mentorados) - len(still),
                incidents=missed.incidents,
            )
        )

    def _tell(self, notification: Notification) -> None:
        self._bus.publish(NotificationDue(notification))

    def _drop_shown(self, mentorado_ids: Iterable[MentoradoId]) -> None:
        """The notification about links is over once none of those it names needs anybody."""
        had = bool(self._shown)
        for mentorado_id in mentorado_ids:
            self._shown.pop(mentorado_id, None)
        if had and not self._shown:
            self._bus.publish(NotificationOver(LINKS))

    def _status_of(self, mentorado_id: MentoradoId) -> LinkStatus:
        return self._status(self._mentorados.get(mentorado_id).link.id)


def _incident_key(provider: ProviderKind) -> str:
    return f"incident of {provider}"
