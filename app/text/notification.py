"""Who needs somebody, and what the desktop is told of it, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from app.domain.alert import AlertKind
from app.domain.guidance import recommend_for
from app.domain.link_status import LinkStatus
from app.domain.mentorado import MentoradoId
from app.domain.notifications import Notification, NotificationKind, Snooze, SnoozeLength
from app.text import incident as incident_text
from app.text.alert import alert_kind, alert_line, alert_step
from app.text.status import date_time, next_step, state_badge, texts

_NAMED: Final = 2
_LISTED: Final = 4
_LONGEST_NAME: Final = 40

Person = tuple[str, LinkStatus]
"""A name, and the status of the link in use."""


def who_needs_you(people: Sequence[Person]) -> str:
    """Return who needs somebody, in one line: by name and badge when it is one, by the first names when they are
    many."""
    names = [shortened(name) for name, _status in people]
    if len(people) == 1:
        return texts("fallen.one", name=names[0], badge=state_badge(people[0][1]))
    listed, more = ", ".join(names[:_NAMED]), len(names) - _NAMED
    if more > 0:
        return texts("fallen.several_more", count=len(names), names=listed, more=more)
    return texts("fallen.several", count=len(names), names=listed)


def notification(due: Notification, people: Mapping[MentoradoId, Person], now: datetime) -> tuple[str, str]:
    """Return title and text of *due*; *people* are all that it names. Nobody's number is in either: others may read
    what a desktop shows."""
    if due.kind is NotificationKind.INCIDENT and due.incident is not None:
        return incident_text.headline(due.incident, now), incident_text.advice(due.incident)
    named = [people[each] for each in due.mentorados]
    if due.kind is NotificationKind.SUMMARY:
        return texts("notification.summary"), _summary(due, named)
    if len(named) > 1:
        return who_needs_you(named), _lines(due, people)
    if due.phones:
        (alert,) = due.phones
        return alert_line(alert, shortened(named[0][0]), now), alert_step(alert)
    return who_needs_you(named), next_step(recommend_for(named[0][1]))


def _summary(due: Notification, named: Sequence[Person]) -> str:
    lines = [who_needs_you(named)] if named else [texts("notification.nobody")]
    if due.incidents:
        lines.append(texts.plural("notification.incidents", due.incidents))
    if due.recovered:
        lines.append(texts.plural("notification.recovered", due.recovered))
    return "\n".join(lines)


def _lines(due: Notification, people: Mapping[MentoradoId, Person]) -> str:
    unseen = {each.mentorado_id for each in due.phones}
    lines = [
        f"{shortened(people[each][0])} · {alert_kind(AlertKind.PHONE_UNSEEN)}"
        if each in unseen
        else person_line(*people[each])
        for each in due.mentorados[:_LISTED]
    ]
    more = len(due.mentorados) - _LISTED
    return "\n".join([*lines, texts.plural("notification.more", more)] if more > 0 else lines)


def person_line(name: str, status: LinkStatus) -> str:
    """Return who it is, and what is the matter."""
    return f"{shortened(name)} · {state_badge(status)}"


def snooze_length(length: SnoozeLength) -> str:
    """Return for how long a link would be left alone."""
    return texts(f"snooze.{length}")


def snooze_state(snooze: Snooze, now: datetime) -> str:
    """Return until when a link is left alone, in this computer's time."""
    if snooze.until is None:
        return texts("snooze.until_recovery")
    return texts("snooze.until", time=date_time(snooze.until.astimezone(), now.astimezone().date()))


def shortened(name: str) -> str:
    """Return *name*, cut where it is longer than a line can show."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
