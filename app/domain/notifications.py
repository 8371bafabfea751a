"""What the desktop is told about links, when it is left alone, and which links are snoozed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final, Protocol

from app.domain.alert import Alert
from app.domain.guidance import REASONS, needs_person
from app.domain.incident import Incident
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import LinkId, MentoradoId

EVERY_DAY: Final = (0, 1, 2, 3, 4, 5, 6)
"""The days of a week, from Monday."""

MORNING: Final = time(8)
"""When a snooze until tomorrow ends."""

MUTED_FOR: Final = timedelta(hours=1)
"""How long the menu of the tray icon makes it quiet."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSettings:
    """Whether the desktop is told, and its quiet hours, in this computer's time."""

    on: bool = True
    quiet: bool = False
    quiet_from: time = time(20)
    quiet_to: time = time(8)  # the same as `quiet_from`: the whole day
    quiet_days: tuple[int, ...] = EVERY_DAY  # on which quiet hours begin


def quiet_until(now: datetime, settings: NotificationSettings, zone: tzinfo | None = None) -> datetime | None:
    """When the quiet hours of *zone* (None is this computer's) that *now* lies in are over; None outside of them."""
    if not settings.quiet:
        return None
    moment = now
    for _ in EVERY_DAY:  # the hours of one day may lead into those of the next
        end = _quiet_end(moment, settings, zone)
        if end is None:
            break
        moment = end
    return moment if moment > now else None


def _quiet_end(moment: datetime, settings: NotificationSettings, zone: tzinfo | None) -> datetime | None:
    today = moment.astimezone(zone).date()
    for day in (today - _DAY, today):
        if day.weekday() in settings.quiet_days:
            over_midnight = settings.quiet_to <= settings.quiet_from
            begin = _local(datetime.combine(day, settings.quiet_from), zone)
            end = _local(datetime.combine(day + _DAY if over_midnight else day, settings.quiet_to), zone)
            if begin <= moment < end:
                return end
    return None


def _local(moment: datetime, zone: tzinfo | None) -> datetime:
    """*moment*, which has no zone, in *zone*."""
    return moment.astimezone() if zone is None else moment.replace(tzinfo=zone)


class SnoozeLength(StrEnum):
    """For how long a link is to be left alone. Codes are in the audit."""

    HOUR = "hour"
    TOMORROW = "tomorrow"  # 08:00
    RECOVERY = "recovery"  # of the link, however long that takes


@dataclass(frozen=True, slots=True)
class Snooze:
    """A link that the desktop is not told about; None until it recovers. A recovery ends every snooze."""

    until: datetime | None

    def over(self, now: datetime) -> bool:
        return self.until is not None and self.until <= now


def snooze(length: SnoozeLength, now: datetime, zone: tzinfo | None = None) -> Snooze:
    """A snooze of *length* that begins *now*; tomorrow is that of *zone* (None is this computer's)."""
    if length is SnoozeLength.HOUR:
        return Snooze(now + timedelta(hours=1))
    if length is SnoozeLength.TOMORROW:
        return Snooze(_local(datetime.combine(now.astimezone(zone).date() + _DAY, MORNING), zone))
    return Snooze(None)


class SnoozeRepository(Protocol):
    """The snoozes, on disk."""

    async def load(self) -> Mapping[LinkId, Snooze]: ...

    async def save(self, snoozes: Mapping[LinkId, Snooze], at: datetime) -> None:
        """Keep these and no others."""
        ...


def is_notable(status: LinkStatus) -> bool:
    """Whether somebody should hear of a link that is so: it will not come back without a person, or it works and its
    provider names a trouble, as a token that is about to expire."""
    return needs_person(status) or (status.state is LinkState.CONNECTED and REASONS[status.reason].warns)


def can_snooze(status: LinkStatus) -> bool:
    """Whether there is anything to be left alone with: a link that is well, or that nobody asked to run, has nothing
    to tell. A snooze ends when this becomes false."""
    return status.state is not LinkState.OFF and (status.state is not LinkState.CONNECTED or is_notable(status))


class NotificationKind(StrEnum):
    """Each has its words in the catalogues."""

    LINKS = "links"  # one link, or several together
    INCIDENT = "incident"
    SUMMARY = "summary"  # of what happened in quiet hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing to be said; a later one with the same *key* takes its place."""

    key: str
    kind: NotificationKind
    mentorados: tuple[MentoradoId, ...] = ()  # whose links need somebody; of an incident, all that fell
    phones: tuple[Alert, ...] = ()  # of those whose phone was not used for too long, and nothing else is the matter
    incident: Incident | None = None
    recovered: int = 0  # of a summary: how many links are well again
    incidents: int = 0  # of a summary
