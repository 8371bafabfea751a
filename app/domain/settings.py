"""What operators decide while the program runs. What is decided before it starts is in `app.settings`.

A new decision is an attribute of `OperatorSettings` and a `SettingField` in `SETTINGS`: how it is kept in the database,
checked, audited and set follows from the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from app.domain.errors import Problem, ProblemCode
from app.domain.metrics import MetricsSettings
from app.domain.notifications import NotificationSettings
from app.domain.opt_out import DEFAULT_WORDS, checked_words, stored_words
from app.domain.outbound import RANGES, OutboundLimits, checked_limits, format_limits, loosened
from app.domain.phone import masked
from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget
from app.domain.webhooks import WebhookSettings

T = TypeVar("T")

LONGEST_NAME: Final = 80
LEAST_DAYS, MOST_DAYS = 1, 36_500
LEAST_REASON: Final = 10
"""Characters of a reason, which the audit keeps."""

DEFAULT_SESSIONS_PER_HOST, MOST_SESSIONS_PER_HOST = 8, 16
"""With more, one crash takes more connections for longer than the memory saved is worth (docs/measurements.md)."""

LONGEST_LOG: Final = timedelta(days=7)
"""Detail is for diagnosis: it must not become the normal state of things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """The operator settings. By default everything is off, but for what protects people."""

    operator_name: str = ""  # who is at the keyboard, beside the user of the computer
    retention_days: int | None = None  # messages older than this are removed; None keeps all
    provider_log_until: datetime | None = None  # the providers' detailed log is written until then
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    smoke_test: SmokeTestSettings = field(default_factory=SmokeTestSettings)
    opt_out_words: tuple[str, ...] = DEFAULT_WORDS  # a message that is one of them ends all consent of who wrote it
    outbound_limits: OutboundLimits = field(default_factory=OutboundLimits)
    switch_second_person: bool = False  # a provider switch is approved by two people
    sessions_per_host: int = DEFAULT_SESSIONS_PER_HOST  # WhatsApp Web sessions that share a process of ours
    notifications: NotificationSettings = field(default_factory=NotificationSettings)  # of the desktop
    metrics: MetricsSettings = field(default_factory=MetricsSettings)  # for a monitoring system on this computer


def text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def filled_text(value: object) -> str | None:
    return text(value) or None


def flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def number(least: int, most: int | None = None) -> Callable[[object], int | None]:
    """Reads a whole number from *least* to *most*, both included."""

    def read(value: object) -> int | None:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            return None
        return value if most is None or value <= most else None

    return read


def time_of_day(value: object) -> time | None:
    """Reads hours and minutes."""
    try:
        return time.fromisoformat(str(value)).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        return None


def days_of_week(value: object) -> tuple[int, ...] | None:
    """Reads days, each a number from Monday (0)."""
    if not isinstance(value, list) or not all(isinstance(each, int) and 0 <= each <= 6 for each in value):
        return None
    return tuple(sorted(set(value)))


def moment(value: object) -> datetime | None:
    """Reads ISO 8601 with its zone."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


@dataclass(frozen=True, kw_only=True)
class SettingField(Generic[T]):
    """How one setting is stored, validated, audited and set."""

    name: str  # of the attribute of `OperatorSettings`, and of its row in the database
    action: str  # its code in the audit, a stable one
    reads: Mapping[str, Callable[[object], Any]]  # what is stored of each part, "" the whole; None if it makes no sense
    format_value: Callable[[T, datetime], str]  # its value in an audit entry of that moment
    check: Callable[[T], T] = lambda value: value  # what was chosen, tidied; raises `Problem` when it is refused
    loosens: Callable[[T, T], bool] = lambda _before, _after: (
        False
    )  # whether the change protects less: it needs a reason

    def get(self, settings: OperatorSettings) -> T:
        value: T = getattr(settings, self.name)
        return value

    def put(self, settings: OperatorSettings, value: T) -> OperatorSettings:
        """Return *settings* with this one changed."""
        change: dict[str, Any] = {self.name: value}
        return replace(settings, **change)

    def rows(self, settings: OperatorSettings) -> dict[str, object]:
        """Its plain values by their keys in the database."""
        value = self.get(settings)
        return {self._key(part): _plain(getattr(value, part) if part else value) for part in self.reads}

    def read(self, rows: Mapping[str, object]) -> T:
        """The value that *rows* hold; what makes no sense counts as not decided."""
        default = self.get(OperatorSettings())
        found = {part: read(rows.get(self._key(part))) for part, read in self.reads.items()}
        known = {part: value for part, value in found.items() if value is not None}
        return known.get("", default) if "" in self.reads else replace(default, **known)  # type: ignore[type-var]

    def _key(self, part: str) -> str:
        return f"{self.name}_{part}" if part else self.name


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, time) else value


def _checked_days(days: int | None) -> int | None:
    if days is not None and not LEAST_DAYS <= days <= MOST_DAYS:
        raise Problem(ProblemCode.RETENTION_INVALID, least=str(LEAST_DAYS), most=str(MOST_DAYS))
    return days


def _webhooks(webhooks: WebhookSettings, _at: datetime) -> str:
    where = f"{webhooks.address}:{webhooks.port} {webhooks.public_url}".strip()
    return f"{'on' if webhooks.on else 'off'} {where}"


def _target(value: object) -> SmokeTestTarget | None:
    return next((each for each in SmokeTestTarget if each == value), None)


def _smoke_test(chosen: SmokeTestSettings, _at: datetime) -> str:
    whom = {
        SmokeTestTarget.OWN: "",
        SmokeTestTarget.PARTNER: chosen.partner,
        SmokeTestTarget.NUMBER: masked(chosen.number),
    }
    return " ".join(filter(None, (chosen.target.value, whom[chosen.target], chosen.template)))


def _notifications(chosen: NotificationSettings, _at: datetime) -> str:
    if not chosen.on:
        return "off"
    if not chosen.quiet:
        return "on"
    days = ",".join(str(day + 1) for day in chosen.quiet_days)  # from Monday, 1, as ISO 8601 counts
    return f"on, quiet {chosen.quiet_from:%H:%M}-{chosen.quiet_to:%H:%M}, days {days}"


OPERATOR_NAME: Final = SettingField[str](
    name="operator_name",
    action="set_operator_name",
    reads={"": text},
    format_value=lambda name, _at: name,
    check=lambda typed: " ".join(typed.split())[:LONGEST_NAME],
)
RETENTION: Final = SettingField[int | None](
    name="retention_days",
    action="set_retention",
    reads={"": number(1)},
    format_value=lambda days, _at: "off" if days is None else str(days),
    check=_checked_days,
)
PROVIDER_LOG: Final = SettingField[datetime | None](
    name="provider_log_until",
    action="set_provider_log",
    reads={"": moment},
    format_value=lambda until, at: "off" if until is None or until <= at else f"until {until.isoformat()}",
)
WEBHOOKS: Final = SettingField[WebhookSettings](
    name="webhooks",
    action="set_webhooks",
    reads={"on": flag, "address": filled_text, "port": number(1, 65_535), "public_url": text},
    format_value=_webhooks,
)
SMOKE_TEST: Final = SettingField[SmokeTestSettings](
    name="smoke_test",
    action="set_smoke_test",
    reads={"target": _target, "partner": text, "number": text, "template": text},
    format_value=_smoke_test,
    check=SmokeTestSettings.checked,
)
OPT_OUT_WORDS: Final = SettingField[tuple[str, ...]](
    name="opt_out_words",
    action="set_opt_out_words",
    reads={"": stored_words},
    format_value=lambda words, _at: ", ".join(words),
    check=checked_words,
)
OUTBOUND_LIMITS: Final = SettingField[OutboundLimits](
    name="outbound_limits",
    action="set_outbound_limits",
    reads={
        **{name: number(each.least, each.most) for name, each in RANGES.items()},
        "quiet_from": time_of_day,
        "quiet_to": time_of_day,
        "partly_confirmed_counts": flag,
    },
    format_value=format_limits,
    check=checked_limits,
    loosens=lambda before, after: bool(loosened(before, after)),
)
SWITCH_SECOND_PERSON: Final = SettingField[bool](
    name="switch_second_person",
    action="set_switch_second_person",
    reads={"": flag},
    format_value=lambda on, _at: "on" if on else "off",
    loosens=lambda before, after: before and not after,
)
SESSIONS_PER_HOST: Final = SettingField[int](
    name="sessions_per_host",
    action="set_sessions_per_host",
    reads={"": number(1, MOST_SESSIONS_PER_HOST)},
    format_value=lambda sessions, _at: str(sessions),
)
NOTIFICATIONS: Final = SettingField[NotificationSettings](
    name="notifications",
    action="set_notifications",
    reads={
        "on": flag,
        "quiet": flag,
        "quiet_from": time_of_day,
        "quiet_to": time_of_day,
        "quiet_days": days_of_week,
    },
    format_value=_notifications,
)
METRICS: Final = SettingField[MetricsSettings](
    name="metrics",
    action="set_metrics",
    reads={"on": flag, "port": number(1, 65_535)},
    format_value=lambda metrics, _at: f"{'on' if metrics.on else 'off'} port {metrics.port}",
)
SETTINGS: Final[tuple[SettingField[Any], ...]] = (
    OPERATOR_NAME,
    RETENTION,
    PROVIDER_LOG,
    WEBHOOKS,
    SMOKE_TEST,
    OPT_OUT_WORDS,
    OUTBOUND_LIMITS,
    SWITCH_SECOND_PERSON,
    SESSIONS_PER_HOST,
    NOTIFICATIONS,
    METRICS,
)


class SecretBackendKind(StrEnum):
    """One place at a time; nothing falls back to another without being asked to."""

    KEYRING = "keyring"  # the operating system's
    ENCRYPTED_FILE = "encrypted_file"  # opened with its passphrase in this run
    LOCKED_FILE = "locked_file"  # the same file, its passphrase not typed yet
    MEMORY = "memory"  # until the program ends
    NONE = "none"  # no keyring, and nobody chose anything else
