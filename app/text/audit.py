"""Audit entries as text. Codes of a newer version are shown as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from app.domain.audit import AuditAction, AuditOutcome, AuditRecord, ChainBreak, Verification
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.names import visible
from app.domain.settings import METRICS, OPERATOR_NAME, PROVIDER_LOG, RETENTION, WEBHOOKS
from app.text.signs import ACTION_ICON, Tone, badge_icon, tone_of
from app.text.status import (
    date_time,
    problem,
    state_badge,
    texts,
)

OUTCOME_TONE: Final = MappingProxyType(
    {
        AuditOutcome.BEGUN: Tone.PROGRESS,
        AuditOutcome.DONE: Tone.CONNECTED,
        AuditOutcome.DECLINED: Tone.IDLE,
        AuditOutcome.FAILED: Tone.ERROR,
    }
)
OUTCOME_ICON: Final = MappingProxyType(
    {
        AuditOutcome.BEGUN: "clock",
        AuditOutcome.DONE: "check-circle",
        AuditOutcome.DECLINED: "undo",
        AuditOutcome.FAILED: "triangle-alert",
    }
)

_ICONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name.value: sign for name, sign in ACTION_ICON.items()},
        OPERATOR_NAME.action: "edit",
        RETENTION.action: "clock",
        PROVIDER_LOG.action: "activity",
        AuditAction.SET_SECRETS_PLACE: "key",
        WEBHOOKS.action: "globe",
        METRICS.action: "chart",
        AuditAction.EXPORT_MENTORADO: "download",
        AuditAction.EXPORT_CONTACT: "download",
        AuditAction.EXPORT_AUDIT: "download",
        AuditAction.ERASE_CONTACT: "trash",
        AuditAction.FORGET_OLD: "trash",
        AuditAction.TAKE_OVER_SESSION: "unlink",
        AuditAction.CHOOSE_PROVIDER: "swap",
        AuditAction.FORGET_CREDENTIALS: "key",
        AuditAction.IMPORT_MENTORADOS: "user-plus",
        AuditAction.ADD_MENTORADO: "user-plus",
        AuditAction.WRITE_NOTE: "edit",
        AuditAction.EDIT_NOTE: "edit",
        AuditAction.REMOVE_NOTE: "trash",
        AuditAction.BRING_BACK_NOTE: "undo",
        AuditAction.END_HANDLING: "check-circle",
        AuditAction.EDIT_MENTORADO: "edit",
        AuditAction.UNDO_IMPORT: "undo",
        AuditAction.IMPORT_CONSENTS: "user-plus",
        AuditAction.UNDO_CONSENT_IMPORT: "undo",
        AuditAction.EXPORT_CONSENTS: "download",
        AuditAction.EXPORT_CAMPAIGN: "download",
    }
)

_BY_ITSELF: Final = frozenset({AuditAction.STOP_SENDING, AuditAction.OPT_OUT_RECEIVED, AuditAction.END_HANDLING})
"""Nobody at this computer did it: it followed from what the provider or a contact said, or from the connection."""

_OWNER: Final = re.compile(
    r"process (?P<pid>\d+) on (?P<host>.*), started (?P<started>\S+?)(?P<overruled>; not proven dead, overruled)?"
)

_FOUND: Final = MappingProxyType(
    {
        "missing": "missing",
        "altered": "altered",
        "not what follows the entry before": "moved",
        "the head is missing": "head_missing",
        "added behind the head": "added",
        "not what the head says": "head_differs",
        "added before the first": "added",
        "not what was noted outside the database": "noted_differs",
        "noted outside the database and missing": "noted_missing",
        "not what the key sealed": "seal_wrong",
        "not what the keyring remembers": "remembered_differs",
        "older than what the keyring remembers": "older",
    }
)


@dataclass(frozen=True, slots=True)
class Side:
    """The state before or after: text, and the badge's tone and icon when it is the state of a link."""

    words: str
    tone: Tone | None = None
    icon: str = ""


def action_label(action: str) -> str:
    """Return the action's label."""
    key = f"audit.action.{action}"
    return texts(key) if texts.has(key) else action


def icon(action: str) -> str:
    return _ICONS.get(action, "activity")


def actor_label(record: AuditRecord) -> str:
    """Return the system user, and the operator's name where one is set."""
    return visible(" · ".join(filter(None, (record.actor.user, record.actor.operator))) or "—")


def subject_label(record: AuditRecord) -> str:
    """Return the mentorado or subject of the entry."""
    return visible(record.subject)


def reason(record: AuditRecord) -> str:
    """Return the reason as typed; a problem code becomes its sentence."""
    if record.reason == "cancelled":
        return texts("audit.cancelled")
    if record.reason in set(ProblemCode):
        return problem(Problem(ProblemCode(record.reason)))[0]
    return f"“{visible(record.reason)}”" if record.reason else ""


def outcome(result: AuditOutcome) -> str:
    return texts(f"audit.outcome.{result}")


def sides(record: AuditRecord) -> tuple[Side | None, Side | None]:
    """Return the states before and after; None where there is none or nothing changed."""
    before, after = _side(record, record.before), _side(record, record.after)
    moment = f"audit.moment.{record.after.get('moment')}"
    if after is not None and texts.has(moment):  # a procedure has two entries, and each says which it is
        return None, replace(after, words=f"{texts(moment)} · {after.words}")
    return (None if before == after else before), after


def change(record: AuditRecord) -> str:
    """Return both states as one line of text."""
    before, after = sides(record)
    return " → ".join(side.words for side in (before, after) if side is not None)


def account(record: AuditRecord) -> str:
    """Return by whom it was done, with which result and for which reason, as a phrase; what a link did, its own entries
    tell."""
    name = visible(record.actor.name or "—")
    key = "by_itself" if record.action in _BY_ITSELF else record.outcome
    phrase = texts(f"audit.account.{key}", who=name)
    changed = "" if "state" in record.before or "state" in record.after else change(record)
    return " · ".join(filter(None, (phrase, changed, reason(record))))


def found(broken: ChainBreak) -> str:
    """Describe the first entry that fails verification."""
    return texts(f"audit.found.{_FOUND.get(broken.found, 'other')}", number=number(broken.number))


def sealing(verified: Verification) -> str:
    """Describe what an intact log proves, with or without a key and a keyring; empty while there are no entries."""
    if not verified.number:
        return ""
    first, last = verified.sealed_from or 0, verified.sealed_to or 0
    lines = [texts(f"audit.sealing.{verified.sealing}", first=number(first), last=number(last))]
    if first > 1:
        lines.append(texts("audit.sealing.before", first=number(first)))
    if verified.remembered is None:
        lines.append(texts("audit.sealing.not_remembered"))
    else:
        lines.append(texts("audit.sealing.remembered", number=number(verified.remembered)))
    if verified.noted_from is None or verified.noted_to is None:
        lines.append(texts("audit.sealing.not_noted"))
    elif verified.noted_from > 1:
        lines.append(texts("audit.sealing.noted_from", first=number(verified.noted_from)))
    return " ".join(lines)


def _grouped(digits: str) -> str:
    return number(int(digits)) if digits.isdecimal() else digits


def number(count: int) -> str:
    """Format *count* with the language's thousands separator."""
    return texts.number(count)


def time(at: datetime, today: date) -> str:
    return date_time(at.astimezone(), today)


def exact_time(at: datetime) -> str:
    """Format a moment to the second, with its time zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S %z}"


def _side(record: AuditRecord, values: Mapping[str, str]) -> Side | None:
    if not values:
        return None
    if "state" in values:
        return _link_side(record, values)
    if set(values) == {"value"}:
        return Side(_value(record, values["value"]))
    if set(values) == {"place"}:
        return Side(_place(values["place"]))
    if record.action == AuditAction.FORGET_OLD and {"days", "messages"} <= set(values):
        return Side(texts("audit.value.forgot", days=values["days"], messages=_grouped(values["messages"])))
    return Side(", ".join(f"{_name(name)}: {_plain(name, value)}" for name, value in values.items()))


def _link_side(record: AuditRecord, values: Mapping[str, str]) -> Side:
    account = values.get("account")
    try:
        reason = Reason(values.get("reason", Reason.NONE))
        status = LinkStatus(state=LinkState(values["state"]), reason=reason, since=record.at)
    except ValueError:  # a state of a newer version
        return Side(" · ".join(filter(None, (values["state"], values.get("reason"), account))))
    words = " · ".join(filter(None, (state_badge(status), account)))
    return Side(words, tone_of(status), badge_icon(status))


def _value(record: AuditRecord, value: str) -> str:
    """Format a setting's value; plain text is unchanged."""
    if record.action == RETENTION.action:
        return texts.plural("audit.value.days", int(value)) if value.isdecimal() else texts("audit.value.keep_all")
    if record.action == PROVIDER_LOG.action:
        return _until(record, value.removeprefix("until ")) if value.startswith("until ") else texts("audit.value.off")
    if record.action == OPERATOR_NAME.action:
        return value or texts("audit.value.no_name")
    return value or "—"


def _place(place: str) -> str:
    key = f"audit.value.place.{place}"
    return texts(key) if texts.has(key) else place


def _until(record: AuditRecord, moment: str) -> str:
    try:
        until = datetime.fromisoformat(moment).astimezone()
    except ValueError:
        return moment
    return texts("audit.value.until", time=date_time(until, record.at.astimezone().date()))


def _plain(name: str, value: str) -> str:
    """Replace a value that is a code, or several, by its text; anything else is unchanged."""
    if name == "owner":
        return _owner(value)
    if name == "fields":
        return ", ".join(_plain("field", each) for each in value.split(", "))
    for key in (f"audit.value.{name}.{value}", f"credentials.{name}.{value}", f"{name}.{value}"):
        if texts.has(key):
            return texts(key)
    return value


def _owner(value: str) -> str:
    """Format the program that had a session open, as it was written down; anything else is unchanged."""
    found = _OWNER.fullmatch(value)
    if found is None:
        return value
    try:
        since = date_time(datetime.fromisoformat(found["started"]).astimezone())
    except ValueError:
        since = found["started"]
    words = texts("audit.value.owner", pid=found["pid"], host=found["host"], since=since)
    return texts("audit.value.overruled", owner=words) if found["overruled"] else words


def _name(name: str) -> str:
    key = f"audit.value.name.{name}"
    return texts(key) if texts.has(key) else name
