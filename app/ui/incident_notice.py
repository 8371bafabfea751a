"""Tells over the list that many connections fell together, what is behind it, and how it ended."""

from __future__ import annotations

from PySide6.QtCore import QTimer

from app.domain.events import IncidentBegan, IncidentChanged, IncidentEnded
from app.domain.incident import Incident
from app.domain.ports import Clock
from app.ui import text
from app.ui.banners import Banners

REPORT_MILLISECONDS = 30_000


class IncidentNotice:
    """One banner per provider. It cannot be put aside while the incident lasts; the report can."""

    def __init__(self, banners: Banners, clock: Clock) -> None:
        self._banners = banners
        self._clock = clock

    def on_lasting(self, event: IncidentBegan | IncidentChanged) -> None:
        incident = event.incident
        self._banners.clear(_report(incident))
        self._banners.show_words(
            lambda: text.incident(incident, self._clock.now()), cause=_cause(incident), dismissible=False
        )

    def on_ended(self, event: IncidentEnded) -> None:
        cause = _report(event.incident)
        self._banners.clear(_cause(event.incident))
        self._banners.show_words(lambda: text.incident_over(event), cause=cause)
        if not event.away:  # nothing is left to be done
            QTimer.singleShot(REPORT_MILLISECONDS, self._banners, lambda: self._banners.clear(cause))


def _cause(incident: Incident) -> str:
    return f"incident of {incident.provider}"


def _report(incident: Incident) -> str:
    return f"report on {_cause(incident)}"
