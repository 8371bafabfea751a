"""Alerts as text: what is the matter, and what to do."""

from __future__ import annotations

from datetime import datetime

from app.domain.alert import Alert, AlertKind
from app.domain.guidance import Recommendation, recommend
from app.domain.link_status import LinkState
from app.text.status import date_time, next_step, texts


def alert_kind(kind: AlertKind) -> str:
    return texts(f"alert.kind.{kind}")


def alert_line(alert: Alert, name: str, now: datetime) -> str:
    """Return what is the matter in one sentence; *name* is the mentorado's, or empty where it is about many."""
    today = now.astimezone().date()
    since = date_time(alert.since.astimezone(), today)
    match alert.kind:
        case AlertKind.INCIDENT:
            through = texts(f"incident.through.{alert.provider}")
            return texts.plural("alert.incident", alert.count, through=through, at=since)
        case AlertKind.BLOCKED:
            return texts("alert.blocked", name=name, why=texts(f"badge.blocked.{alert.reason}"), at=since)
        case AlertKind.TOKEN_EXPIRING:
            until = alert.until or alert.since
            return texts("alert.token_expiring", name=name, at=date_time(until.astimezone(), today))
        case AlertKind.PHONE_UNSEEN:
            return texts("alert.phone_unseen", name=name, days=(now - alert.since).days)


def alert_step(alert: Alert) -> str:
    """Return what to do about it."""
    match alert.kind:
        case AlertKind.INCIDENT:
            return texts("alert.incident_step")
        case AlertKind.BLOCKED:
            return next_step(recommend(LinkState.BLOCKED, alert.reason))
        case AlertKind.TOKEN_EXPIRING:
            return next_step(Recommendation.RENEW_TOKEN)
        case AlertKind.PHONE_UNSEEN:
            return texts("alert.phone_unseen_step")
