"""Cases as text."""

from __future__ import annotations

from datetime import date, datetime

from app.domain.cases import Case, CaseKind
from app.domain.link_status import Reason
from app.domain.sending import SendErrorKind
from app.text.outbound import send_error
from app.text.status import date_time, texts

ICON = {
    CaseKind.BAN: "ban",
    CaseKind.SENDING_STOPPED: "octagon-alert",
    CaseKind.UNCERTAIN_MESSAGE: "message",
    CaseKind.SMOKE_TEST_FAILED: "activity",
    CaseKind.OPTED_OUT: "user-x",
}


def kind(case: Case) -> str:
    return texts(f"cases.kind.{case.kind}")


def step(case: Case) -> str:
    """Return the first thing to do about the case."""
    return texts(f"cases.step.{case.kind}")


def owner(case: Case) -> str:
    return case.owner or texts("cases.nobody")


def due(case: Case, now: datetime) -> str:
    """Return when the case is due, since when it is overdue, or when it was closed."""
    today = now.astimezone().date()
    if case.closed_at is not None:
        return texts("cases.closed_at", when=date_time(case.closed_at.astimezone(), today))
    key = "cases.overdue" if case.is_due(now) else "cases.due"
    return texts(key, when=date_time(case.due_at.astimezone(), today))


def opened(case: Case, today: date) -> str:
    return texts("cases.opened", when=date_time(case.opened_at.astimezone(), today))


def facts(case: Case) -> list[tuple[str, str]]:
    """Return the evidence as pairs of label and value."""
    known = [(texts(f"cases.fact.{name}"), _value(name, value)) for name, value in case.evidence.items()]
    return [*known, (texts("cases.fact.subject"), case.subject[:12])] if case.subject else known


def _value(name: str, value: str) -> str:
    if name == "trouble" and value in {*SendErrorKind}:
        return send_error(SendErrorKind(value))[0]
    if name == "reason" and value in {*Reason}:
        return texts(f"badge.blocked.{value}")
    if name == "test":
        return texts(f"smoke.result.{value}.sentence")
    if name == "purpose":
        return texts(f"cases.purpose.{value}")
    return value
