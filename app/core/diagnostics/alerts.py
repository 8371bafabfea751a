"""Lists what needs an admin now, and publishes each matter once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

from app.core.event_bus import EventBus
from app.domain.alert import PHONE_UNSEEN_AFTER, Alert, AlertKind, PhoneSightings
from app.domain.errors import Problem
from app.domain.events import AlertsChanged, IncidentBegan, IncidentEnded
from app.domain.guidance import REASONS
from app.domain.incident import Incident
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import LinkId, Mentorado, ProviderKind
from app.domain.provider_descriptor import kinds_where
from app.domain.repositories import Clock

LOOK_SECONDS: Final = 15.0
"""How often the links are looked at; what comes and goes between two looks is no alert."""

PHONES_SECONDS: Final = 600.0
"""How old the sightings of phones may be."""

_WITH_PHONE: Final = kinds_where(lambda provider: provider.pairs_by_code)
_ON_THE_LINE: Final = frozenset({LinkState.CONNECTED, LinkState.RECONNECTING, LinkState.UNKNOWN})
_ORDER: Final = tuple(AlertKind)


def find_alerts(
    links: Iterable[tuple[Mentorado, LinkStatus]],
    incidents: Iterable[Incident],
    phones: Mapping[LinkId, datetime],
    now: datetime,
) -> tuple[Alert, ...]:
    """What needs an admin *now*, the most urgent kind first, and of a kind the longest-lasting first.

    *links* are those in use with their status; *phones* says when each phone was seen last. A link that fell with an
    incident is part of that, and no alert of its own. Archived mentorados have none.
    """
    lasting = tuple(incidents)
    affected = {mentorado_id for incident in lasting for mentorado_id in incident.affected}
    found = [
        Alert(kind=AlertKind.INCIDENT, provider=incident.provider, since=incident.since, count=len(incident.affected))
        for incident in lasting
    ]
    for mentorado, status in links:
        if mentorado.archived:
            continue
        if mentorado.id not in affected and _is_blocked(mentorado, status):
            found.append(_alert(AlertKind.BLOCKED, mentorado, status))
        if status.state is LinkState.CONNECTED and status.reason is Reason.TOKEN_EXPIRING:
            found.append(_alert(AlertKind.TOKEN_EXPIRING, mentorado, status))
        seen = phones.get(mentorado.link.id)
        if seen is not None and _is_unseen(mentorado.link.provider, status, seen, now):
            found.append(
                Alert(
                    kind=AlertKind.PHONE_UNSEEN,
                    provider=mentorado.link.provider,
                    mentorado_id=mentorado.id,
                    since=seen,
                )
            )
    return tuple(sorted(found, key=lambda alert: (_ORDER.index(alert.kind), alert.since)))


def _alert(kind: AlertKind, mentorado: Mentorado, status: LinkStatus) -> Alert:
    return Alert(
        kind=kind,
        provider=mentorado.link.provider,
        mentorado_id=mentorado.id,
        since=status.since,
        reason=status.reason,
        until=status.until,
    )


def _is_blocked(mentorado: Mentorado, status: LinkStatus) -> bool:
    """A first pairing that failed is no alert: whoever began it has just seen so."""
    first_pairing = mentorado.link.account is None and REASONS[status.reason].ends_pairing
    return status.state is LinkState.BLOCKED and not first_pairing


def _is_unseen(provider: ProviderKind, status: LinkStatus, seen: datetime, now: datetime) -> bool:
    if provider not in _WITH_PHONE or status.state not in _ON_THE_LINE:
        return False
    if provider is ProviderKind.ZAPI and (status.state, status.reason) == (LinkState.CONNECTED, Reason.NONE):
        return False  # Z-API itself says that the phone is there
    return now - seen >= PHONE_UNSEEN_AFTER


class AlertService:
    """Holds the current alerts. `AlertsChanged.begun` has each matter once in a run of the program."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: Callable[[], Iterable[Mentorado]],
        status: Callable[[LinkId], LinkStatus],
        incident: Callable[[ProviderKind], Incident | None],
        sightings: PhoneSightings,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._status = status
        self._incident = incident
        self._sightings = sightings
        self._clock = clock
        self._phones: Mapping[LinkId, datetime] = {}
        self._phones_read: datetime | None = None
        self._published: set[str] = set()
        self._look = asyncio.Event()
        self.alerts: tuple[Alert, ...] = ()
        """What needs an admin now; empty until the first look."""
        self.looked = False
        bus.subscribe(IncidentBegan, lambda _event: self._look.set())
        bus.subscribe(IncidentEnded, lambda _event: self._look.set())

    async def run(self) -> None:
        """Look now, every quarter of a minute, and when an incident begins or ends; until cancelled."""
        while True:
            self._look.clear()
            await self.look()
            async with asyncio.TaskGroup() as group:
                timer = group.create_task(self._look_later())
                await self._look.wait()
                timer.cancel()

    async def look(self) -> None:
        """Find the alerts of this moment, and publish what changed."""
        now = self._clock.now()
        if self._phones_read is None or not 0 <= (now - self._phones_read).total_seconds() < PHONES_SECONDS:
            with suppress(Problem):  # the database says so elsewhere; what was known stays known
                self._phones, self._phones_read = await self._sightings.last_seen(), now
        incidents = filter(None, map(self._incident, ProviderKind))
        links = ((each, self._status(each.link.id)) for each in self._mentorados())
        before, self.alerts = self.alerts, find_alerts(links, incidents, self._phones, now)
        self.looked = True
        if self.alerts == before:
            return
        begun = tuple(alert for alert in self.alerts if alert.key not in self._published)
        self._published.update(alert.key for alert in begun)
        lasting = {alert.key for alert in self.alerts}
        ended = tuple(alert for alert in before if alert.key not in lasting)
        self._bus.publish(AlertsChanged(self.alerts, begun, ended))

    async def _look_later(self) -> None:
        await self._clock.sleep(LOOK_SECONDS)
        self._look.set()
