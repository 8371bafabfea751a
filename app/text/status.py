"""Statuses, reasons, problems and actions as text, chosen by their codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import REASONS, Recommendation
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    Reason,
    SendCapability,
)
from app.domain.names import visible
from app.domain.phone import PhoneNumber, is_e164, last_digits, readable, same_account
from app.domain.provider_descriptor import DESCRIPTORS
from app.text.translator import LANGUAGES, Translator

if TYPE_CHECKING:
    from app.domain.erasure import OldCopy
    from app.domain.trusted_time import ClockDoubt

if TYPE_CHECKING:  # the words are needed before the core is
    from app.domain.actions import ActionName, UnavailableReason
    from app.domain.mentorado import Mentorado, ProviderKind
    from app.domain.messages import SetAsideReason
    from app.domain.set_aside import SetAsideCount
    from app.domain.settings import SecretBackendKind
    from app.settings import Override, Settings

__all__ = [
    "LANGUAGES",
    "Translator",
    "accepted_number",
    "action",
    "age",
    "date_time",
    "full_date_time",
    "is_limited",
    "mentorado_badge",
    "next_step",
    "override",
    "problem",
    "provider",
    "reason",
    "refusal",
    "row_badge",
    "secrets_place",
    "sentence",
    "set_aside",
    "set_aside_count",
    "shown_number",
    "state_badge",
    "texts",
    "unused_settings",
]

texts = Translator()
"""The one catalogue of this process."""

_LIMITED = (SendCapability.RESTRICTED, SendCapability.BLOCKED)


_COUNTS = frozenset({"count", "least", "length", "most", "row", "rows"})
"""The values of a problem that say how many."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class _Known(dict[str, object]):
    """The values of a problem's text; a missing value is shown as a dash instead of failing."""

    def __missing__(self, _name: str) -> str:
        return "—"


def state_badge(status: LinkStatus, *, stopped: bool = False) -> str:
    """Return the badge's text; *stopped* when sending is stopped until a person releases it."""
    if status.state is LinkState.BLOCKED:
        return texts(f"badge.blocked.{status.reason}")
    if stopped and status.state is LinkState.CONNECTED:
        return texts("badge.connected_stopped")
    if is_limited(status):
        return texts("badge.connected_limited")
    if status.reason in (Reason.WAITING_TURN, Reason.SIGNING_IN) or REASONS[status.reason].warns:
        return texts(f"badge.{status.reason}")
    if status.has_typed_code:
        return texts("badge.code_to_type")
    return texts(f"badge.{status.state}")


def mentorado_badge(mentorado: Mentorado, status: LinkStatus, *, stopped: bool = False) -> str:
    """Return the badge's text; a link over which no number ever signed in is not just switched off, and nothing of it
    can come back."""
    if _never_connected(status, mentorado):
        return texts("badge.never_connected")
    if status.state is LinkState.RECONNECTING and mentorado.link.account is None:
        return texts("badge.connecting")
    return state_badge(status, stopped=stopped)


def _never_connected(status: LinkStatus, mentorado: Mentorado) -> bool:
    return (status.state, status.reason) == (LinkState.OFF, Reason.NONE) and mentorado.link.account is None


def accepted_number(account: PhoneNumber, who: str) -> str:
    """Return that another number than the mentorado's signs in, and who accepted it where that is known."""
    number = unbroken(account)
    return texts("detail.accepted_by", account=number, who=who) if who else texts("detail.accepted", account=number)


def shown_number(mentorado: Mentorado) -> str:
    """Return the mentorado's number, and the one that a person accepted in its place."""
    number, accepted = readable(mentorado.phone), mentorado.link.accepted_account
    return texts("list.other_number", phone=number, account=readable(accepted)) if accepted else number


def row_badge(status: LinkStatus) -> str:
    """Return the badge's text for list rows, where limited sending has its own mark."""
    return texts("badge.connected") if is_limited(status) else state_badge(status)


def is_limited(status: LinkStatus) -> bool:
    """Whether the link is connected and its sending is restricted."""
    return status.state is LinkState.CONNECTED and status.capability in _LIMITED


def sentence(status: LinkStatus, mentorado: Mentorado, now: datetime) -> str:
    """Return the status in one or two sentences."""
    match status.state:
        case LinkState.CONNECTED:
            return _connected(status, now)
        case LinkState.RECONNECTING:
            first = mentorado.link.account is None
            return f"{_first_cause(status.reason) if first else _cause(status.reason)} {_next_try(status, now)}"
        case LinkState.BLOCKED:
            return _blocked(status, mentorado, now)
        case LinkState.UNKNOWN:
            seen = status.evidence.last_observation or status.since
            return texts("sentence.unknown", provider=provider(mentorado.link.provider), age=age(now - seen))
        case LinkState.OFF if _never_connected(status, mentorado):
            return texts("sentence.never_connected")
        case LinkState.QR_READY if status.reason is not Reason.SIGNING_IN:
            key = "qr.typed_sentence" if status.has_typed_code else "sentence.qr_ready"
            return texts(key, digits=last_digits(mentorado.expected_account))
        case LinkState.CONNECTING | LinkState.QR_READY if status.reason in (Reason.WAITING_TURN, Reason.SIGNING_IN):
            return texts(f"sentence.{status.reason}")
        case state:
            return texts(f"sentence.{state}")


def next_step(recommendation: Recommendation) -> str:
    """Return the recommended next step."""
    return texts(f"next.{recommendation}")


def problem(trouble: Problem) -> tuple[str, str]:
    """Return the sentence for *trouble*, and its next step."""
    known = _Known({name: _value(name, value) for name, value in trouble.context.items()})
    if texts.has(limit := f"settings.limits.name.{trouble.context.get('limit')}"):
        known["limit"] = texts(limit)
    known.update({name: reason(str(known[name])) for name in ("detail", "why") if name in known})
    sentence_ = _words(f"problem.{trouble.code}.sentence", known)
    why = f"refusal.{trouble.context.get('why')}"
    if trouble.code is ProblemCode.NOT_POSSIBLE_NOW and texts.has(why):
        return sentence_, f"{texts(why)}."
    return sentence_, _words(f"problem.{trouble.code}.next", known)


def reason(detail: str) -> str:
    """Return what the system or the program says of a failure, in the chosen language where its words are known.

    Words behind a colon name things and stay as they are.
    """
    head, colon, named = detail.partition(": ")
    name = "_".join(re.findall("[a-z0-9]+", head.casefold()))
    return f"{texts(f'why.{name}')}{colon}{named}" if texts.has(f"why.{name}") else detail


def _value(name: str, value: str) -> str:
    """Return a value of a problem as people write it: numbers of phones, counts and days."""
    if is_e164(value):
        return unbroken(PhoneNumber(value))
    if name in _COUNTS and value.isdecimal():
        return texts.number(int(value))
    if name == "day" and _DAY.fullmatch(value):
        day = date.fromisoformat(value)
        return texts("number.day", day=f"{day.day:02}", month=texts(f"date.months.{day.month}"), year=day.year)
    return value


def refusal(why: UnavailableReason) -> str:
    """Return why an action is unavailable, as a phrase without a full stop."""
    return texts(f"refusal.{why}")


def set_aside(kind: str, reason: SetAsideReason) -> str:
    """Return what a quarantined delivery was, and why it was not stored."""
    named = f"aside.kind.{kind}"
    what = texts(named) if texts.has(named) else texts("aside.named", kind=_visible(kind))
    return f"{what}: {texts(f'aside.reason.{reason}')}"


def set_aside_count(counted: SetAsideCount, today: date) -> str:
    """Return how often deliveries were quarantined, and when last."""
    last = date_time(counted.last.astimezone(), today)
    return texts("aside.counted", what=set_aside(counted.kind, counted.reason), count=counted.count, last=last)


def _visible(word: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in word)


def action(name: ActionName) -> tuple[str, str]:
    """Return an action's label and explanation."""
    return texts(f"action.{name}.label"), texts(f"action.{name}.line")


def override(chosen: Override) -> tuple[str, str]:
    """Return a setting that is not the default, as a phrase, and where it is set."""
    place = str(chosen.file) if chosen.file else texts("override.environment")
    words = texts(f"override.{chosen.setting}", value=chosen.value, default=chosen.default)
    return words, texts("override.set_in", setting=chosen.setting, place=place)


def unused_settings(settings: Settings) -> str:
    """Return the ignored settings of the current folder's ``.env``, why, and where to write them; empty for none."""
    unused = settings.unused
    if unused is None:
        return ""
    known = {"file": unused.file, "names": ", ".join(unused.names), "settings_file": settings.settings_file}
    if unused.unsafe is None:
        return texts("override.unused", **known)
    return texts("override.unused_unsafe", **known, unsafe=unused.unsafe)


def secrets_place(place: SecretBackendKind) -> str:
    """Return where secrets are stored, as a phrase without a full stop."""
    return texts(f"secrets.place.{place}")


def provider(kind: ProviderKind) -> str:
    return texts(f"provider.{kind}")


def age(delta: timedelta) -> str:
    """Format how long ago something was: ``agora``, ``há 2 min``, ``há 3 h``, ``há 4 dias``."""
    seconds = max(0, int(delta.total_seconds()))
    if seconds < 60:
        return texts("age.now")
    if seconds < 3600:
        return texts("age.minutes", count=seconds // 60)
    if seconds < 86400:
        return texts("age.hours", count=seconds // 3600)
    return texts.plural("age.days", seconds // 86400)


def date_time(local: datetime, today: date | None = None) -> str:
    """Format a local time; only the hour when it is *today*."""
    if local.date() == today:
        return f"{local:%H:%M}"
    if today is not None and local.year != today.year:
        return full_date_time(local)
    return texts("date.short", day=local.day, month=_month(local), time=f"{local:%H:%M}")


def clock_doubt(doubt: ClockDoubt) -> str:
    """Return why the computer's date is doubted, what waits because of it, and the next step."""
    key = "clock.wrong" if doubt.certain else "clock.doubt"
    computer, trusted = (full_date_time(moment.astimezone()) for moment in (doubt.computer, doubt.trusted))
    return texts(key, computer=computer, trusted=trusted)


def old_copy(copy: OldCopy) -> str:
    """Return the kind and date of a copy."""
    text = texts(f"erasure.copy.{copy.kind}", at=full_date_time(copy.at.astimezone()))
    return texts("erasure.encrypted", copy=text) if copy.encrypted else text


def traces_left(why: Problem) -> str:
    """Return what an erasure has not completed yet, and how to complete it."""
    return texts("erasure.traces", why=problem(why)[0])


def full_date_time(local: datetime) -> str:
    """Format a local time with its year, where it may be any."""
    return texts("date.with_year", day=local.day, month=_month(local), year=local.year, time=f"{local:%H:%M}")


def _month(local: datetime) -> str:
    return texts(f"date.months.{local.month}")


def _until(status: LinkStatus, now: datetime) -> str | None:
    if status.until is None or status.until <= now:
        return None
    return date_time(status.until.astimezone(), now.astimezone().date())


def _connected(status: LinkStatus, now: datetime) -> str:
    if is_limited(status):
        until = _until(status, now)
        if until is None:
            return texts(f"sentence.connected_{status.capability}")
        return texts(f"sentence.connected_{status.capability}_until", until=until)
    if REASONS[status.reason].warns:
        until = _until(status, now) or texts("sentence.any_moment")
        return texts(f"sentence.{status.reason}", detail=status.detail or "—", until=until)
    if status.reason is not Reason.NONE:
        return _cause(status.reason)
    last_seen = status.evidence.last_inbound
    return texts("sentence.connected_heard", age=age(now - last_seen)) if last_seen else texts("sentence.connected")


def _cause(reason: Reason) -> str:
    key = f"cause.{reason}"
    return texts(key) if texts.has(key) else texts("cause.other")


def _first_cause(reason: Reason) -> str:
    """Return why a link does not come through that never was: nothing was lost that could come back."""
    key = f"cause.first.{reason}"
    if texts.has(key):
        return texts(key)
    return _cause(reason) if texts.has(f"cause.{reason}") else texts("cause.first.other")


def _next_try(status: LinkStatus, now: datetime) -> str:
    if status.retry is None or status.retry.at is None or status.retry.at <= now:
        return texts("sentence.retry_now")
    seconds = ceil((status.retry.at - now).total_seconds())
    if seconds < 90:
        return texts("sentence.retry_seconds", count=seconds)
    return texts("sentence.retry_minutes", count=round(seconds / 60))


def _blocked(status: LinkStatus, mentorado: Mentorado, now: datetime) -> str:
    if status.reason is Reason.TEMPORARY_BAN:
        until = _until(status, now)
        if until is not None:
            return texts("sentence.suspended_until", until=until)
        if status.until is not None:
            return texts("sentence.suspension_over")
    account = unbroken(status.account) if status.account else texts("sentence.another_number")
    if status.reason is Reason.WRONG_ACCOUNT and not DESCRIPTORS[mentorado.link.provider].pairs_by_code:
        return texts("sentence.other_credentials", account=account)
    if status.reason is Reason.WRONG_ACCOUNT and status.account and same_account(status.account, mentorado.phone):
        return texts("sentence.registered_again", account=account, digits=last_digits(mentorado.expected_account))
    known = {"account": account, "holder": status.holder or "—", "provider": provider(mentorado.link.provider)}
    if status.reason is Reason.ACCOUNT_TAKEN:
        known["name"] = status.detail or texts("sentence.another_mentorado")
    return texts(f"sentence.blocked.{status.reason}", **known)


def unbroken(number: PhoneNumber) -> str:
    """Format *number* with non-breaking spaces."""
    return readable(number).replace(" ", "\u00a0").replace("-", "\u2011")


def _words(key: str, known: Mapping[str, object]) -> str:
    return visible(texts.template(key).format_map(known))
