"""Incidents as text: what fell, what was checked, what follows by itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING

from app.domain.guidance import applies_to
from app.domain.incident import GOOD, CheckResult
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.text.status import date_time, provider, texts

if TYPE_CHECKING:
    from app.domain.events import IncidentEnded
    from app.domain.incident import Incident


class CheckMark(StrEnum):
    """How one check of an incident ended."""

    GOOD = "good"
    UNKNOWN = "unknown"
    BAD = "bad"


_UNKNOWN = frozenset({CheckResult.CLOCK_UNKNOWN})


def headline(lasting: Incident, now: datetime) -> str:
    """Return how many links are down, and since when."""
    cause = _main_cause(lasting)
    key = {Reason.LOGGED_OUT: "logged_out", Reason.UNREACHABLE: "silent"}.get(cause or Reason.NONE, "fell")
    local, today = lasting.since.astimezone(), now.astimezone().date()
    at = date_time(local, today)
    if cause is not Reason.UNREACHABLE:
        at = texts("incident.at_hour" if local.date() == today else "incident.at_day", time=at)
    through = texts(f"incident.through.{lasting.provider}")
    return texts(f"incident.{key}", fallen=len(lasting.affected), of=lasting.of, at=at, through=through)


def checks(lasting: Incident) -> list[tuple[CheckMark, str]]:
    """Return each check that was made, and what it found; empty until the first one ended."""
    to = texts(f"incident.to.{lasting.provider}")
    return [(_mark(each.found), texts(f"finding.{each.found}", to=to)) for each in lasting.findings]


def checking(lasting: Incident) -> str:
    """Return what is being checked while nothing is known."""
    own = applies_to(lasting.provider, Reason.CLIENT_OUTDATED)
    return texts("incident.looking" if own else "incident.looking_hosted")


def advice(lasting: Incident) -> str:
    """Return what not to do now."""
    if _main_cause(lasting) is Reason.LOGGED_OUT:
        return texts("incident.advice_logged_out")
    refused = any(each.found is CheckResult.VERSION_REFUSED for each in lasting.findings)
    return texts("incident.advice_update" if refused else "incident.advice")


def next_attempt(statuses: Iterable[LinkStatus], now: datetime) -> str:
    """Return when the first of these links is tried again by itself; empty when none is."""
    coming = [status for status in statuses if status.state is LinkState.RECONNECTING]
    if not coming:
        return ""
    times = [status.retry.at for status in coming if status.retry is not None and status.retry.at is not None]
    if len(times) < len(coming) or min(times) <= now:
        return texts("incident.trying")
    seconds = ceil((min(times) - now).total_seconds())
    if seconds < 90:
        return texts("incident.next_seconds", count=seconds)
    return texts("incident.next_minutes", count=round(seconds / 60))


def incident(lasting: Incident, now: datetime) -> str:
    """Return all of it in one line: how many links are down, what was found, and what not to do."""
    found = [words for _mark, words in checks(lasting)] or [checking(lasting)]
    return " ".join((headline(lasting, now), *found, advice(lasting)))


def incident_over(event: IncidentEnded) -> str:
    """Return how many links reconnected, and which did not."""
    kind = provider(event.incident.provider)
    if event.away:
        return texts("incident.over_but", provider=kind, back=len(event.back), away=len(event.away))
    return texts("incident.over", provider=kind, count=len(event.back))


def _main_cause(lasting: Incident) -> Reason | None:
    """Return the reason of more than half of the links."""
    return next((cause for cause, count in lasting.causes if 2 * count > len(lasting.affected)), None)


def _mark(found: CheckResult) -> CheckMark:
    if found in GOOD:
        return CheckMark.GOOD
    return CheckMark.UNKNOWN if found in _UNKNOWN else CheckMark.BAD
