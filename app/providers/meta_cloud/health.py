"""One round of questions about a number: the token, the number, what else is told of it, and its health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from app.domain.link_status import Reason, SendCapability
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected, Unreachable
from app.domain.repositories import Clock
from app.providers.contents import list_of_dicts
from app.providers.http_client import TransportError
from app.providers.meta_cloud.client import (
    Graph,
    GraphError,
    GraphResponse,
    Reply,
    enum_value,
    mapping,
    mapping_or_none,
    number,
    parse_time,
    phone,
    redact_token,
    shortened,
    text,
)
from app.providers.meta_cloud.errors import HEALTH, rule_for

ESSENTIAL: Final = ("id", "display_phone_number", "status", "platform_type")
TELLING: Final = ("quality_rating", "name_status")
"""Asked for separately: a field that a version of the API does not know must not blind the rest."""

MESSAGING: Final = "whatsapp_business_messaging"

_STOPPED: Final = frozenset({"BANNED", "RESTRICTED"})
_NOT_REGISTERED: Final = frozenset({"UNVERIFIED", "DISCONNECTED", "PENDING", "DELETED", "MIGRATED"})
_CARRIED: Final[Mapping[str, Reason]] = {
    "CONNECTED": Reason.NONE,
    "FLAGGED": Reason.QUALITY_LOW,
    "RATE_LIMITED": Reason.RATE_LIMITED,
}
_ELSEWHERE: Final = frozenset({"ON_PREMISE", "NOT_APPLICABLE"})
_QUALITY: Final[Mapping[str, Reason]] = {
    "": Reason.NONE,  # the field is not there
    "GREEN": Reason.NONE,
    "UNKNOWN": Reason.NONE,  # not rated yet
    "NA": Reason.NONE,
    "YELLOW": Reason.QUALITY_LOW,
    "RED": Reason.QUALITY_LOW,
}
_NAMES: Final = frozenset({"", "APPROVED", "AVAILABLE_WITHOUT_REVIEW", "DECLINED", "EXPIRED", "PENDING_REVIEW", "NONE"})
_HEALTH: Final = ("AVAILABLE", "LIMITED", "BLOCKED")  # the best first

EXPIRY_NOTICE: Final = timedelta(days=14)
"""So long before a token expires it is said: a person has to make a new one."""

HealthResult = Connected | Blocked | Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number that Meta carries, as it describes it."""

    account: PhoneNumber
    status: str
    platform: str
    more: Mapping[str, str] = field(default_factory=dict)  # what was asked separately, as far as it is known


def evaluate_failure(reply: Reply) -> Blocked | Unreachable:
    """What it says of the link that a question was not answered."""
    if isinstance(reply, GraphError):
        meaning = rule_for(reply)
        detail = f"{reply.code}: {reply.detail}"
        return Blocked(meaning.reason, detail=detail) if meaning.stops else Unreachable(detail)
    return Unreachable(reply.why if not isinstance(reply, GraphResponse) else "an answer that nobody understands")


def evaluate_token(reply: Reply, now: datetime) -> Blocked | Unreachable | None:
    """None when the token is good."""
    data = mapping_or_none(reply.body.get("data")) if isinstance(reply, GraphResponse) else None
    if data is None:
        return evaluate_failure(reply)
    if data.get("is_valid") is False:
        return Blocked(Reason.TOKEN_INVALID, detail="Meta says that the token is not valid")
    if data.get("is_valid") is not True:
        return Unreachable("nothing is said of the token's validity")
    expires = expiry(reply)
    if expires is not None and expires <= now:
        return Blocked(Reason.TOKEN_INVALID, detail=f"the token expired at {expires:%Y-%m-%d %H:%M} UTC")
    scopes = data.get("scopes")
    if isinstance(scopes, list) and scopes and MESSAGING not in scopes:
        return Blocked(Reason.PERMISSION_MISSING, detail=f"the token lacks {MESSAGING}")
    return None


def expiry(reply: Reply) -> datetime | None:
    """When the token expires; None when it never does, or nothing is said of it."""
    data = mapping(reply.body.get("data")) if isinstance(reply, GraphResponse) else {}
    return parse_time(data.get("expires_at")) if (number(data.get("expires_at")) or 0) > 0 else None  # 0 means never


def before_expiry(opened: Connected, expires: datetime | None, now: datetime) -> Connected:
    """*opened* with a notice where the token expires soon and nothing worse is to be said."""
    if expires is None or expires - now > EXPIRY_NOTICE or opened.reason is not Reason.NONE:
        return opened
    detail = f"the token expires at {expires:%Y-%m-%d %H:%M} UTC"
    return replace(opened, reason=Reason.TOKEN_EXPIRING, until=expires, detail=detail)


def evaluate_number(reply: Reply) -> Number | Unreachable | Blocked:
    """The number, when enough is said of it."""
    if not isinstance(reply, GraphResponse):
        return evaluate_failure(reply)
    account = phone(reply.body.get("display_phone_number"))
    status, platform = enum_value(reply.body.get("status")), enum_value(reply.body.get("platform_type"))
    if account is None:
        return Unreachable("nothing is said of whose number it is")
    if not status or not platform:
        return Unreachable("nothing is said of the number's state")
    return Number(account=account, status=status, platform=platform)


def evaluate_health(reply: Reply, known: Number) -> HealthResult:
    """The whole verdict: on *known* and on what can be sent from it now."""
    refused = check_registered(known)
    if refused is not None:
        return refused
    found = _health(reply)
    if not isinstance(found, tuple):
        return found
    health, why = found
    if health == "BLOCKED":
        return _blocked(why, known)
    unknown = [
        f"{name} {value}"
        for name, value, values in (
            ("status", known.status, _CARRIED),
            ("platform", known.platform, {"CLOUD_API"}),
            ("quality", known.more.get("quality_rating", ""), _QUALITY),
            ("name", known.more.get("name_status", ""), _NAMES),
        )
        if value not in values
    ]
    if unknown:
        return Unreachable(shortened("a value that nobody knows: " + ", ".join(unknown)))
    reason = _limit(known, limited=health == "LIMITED")
    capability = SendCapability.OK if reason is Reason.NONE else SendCapability.RESTRICTED
    return Connected(known.account, capability, reason)


def check_registered(known: Number) -> Blocked | None:
    """Why nothing can come or go, whatever the health says."""
    if known.status in _STOPPED:
        return Blocked(Reason.POLICY_RESTRICTED, detail=f"the number's status is {known.status}")
    if known.status in _NOT_REGISTERED or known.platform in _ELSEWHERE:
        return Blocked(Reason.NOT_REGISTERED, detail=f"status {known.status}, platform {known.platform}")
    return None


def _limit(known: Number, *, limited: bool) -> Reason:
    of_status = _CARRIED[known.status]
    if of_status is Reason.NONE:
        of_status = _QUALITY[known.more.get("quality_rating", "")]
    return Reason.RATE_LIMITED if of_status is Reason.NONE and limited else of_status


def _health(reply: Reply) -> tuple[str, list[Mapping[str, Any]]] | Unreachable | Blocked:
    """The worst of what is said, and the errors of what is blocked."""
    if not isinstance(reply, GraphResponse):
        return evaluate_failure(reply)
    health = mapping_or_none(reply.body.get("health_status"))
    if health is None:
        return Unreachable("nothing is said of the number's health")
    listed = health.get("entities", [])
    entities = list_of_dicts(listed)
    if not isinstance(listed, list) or len(entities) != len(listed):
        return Unreachable("a health status that nobody understands")
    words = [enum_value(each.get("can_send_message")) for each in (health, *entities)]
    if not all(word in _HEALTH for word in words):
        return Unreachable("a health status that nobody knows")
    blocked = [each for each in entities if enum_value(each.get("can_send_message")) == "BLOCKED"]
    return max(words, key=_HEALTH.index), [error for each in blocked for error in list_of_dicts(each.get("errors"))]


def _blocked(errors: list[Mapping[str, Any]], known: Number) -> Blocked:
    for error in errors:
        reason = HEALTH.get(number(error.get("error_code")) or -1)
        if reason is not None:
            return Blocked(reason, detail=_error_text(error))
    if known.more.get("name_status") == "DECLINED":
        return Blocked(Reason.NAME_NOT_APPROVED, detail="the display name was declined")
    return Blocked(
        Reason.POLICY_RESTRICTED, detail=_error_text(errors[0]) if errors else "the number's health is BLOCKED"
    )


def _error_text(error: Mapping[str, Any]) -> str:
    words = text(error.get("error_description"))
    solution = text(error.get("possible_solution"))
    return redact_token(shortened(f"{number(error.get('error_code'))}: {words} {solution}"))


UNKNOWN_FIELD: Final = 100
"""The code for a field that this version of the API does not have."""


class HealthProbe:
    """Asks about one number, a question after the other; the first that decides is the last."""

    def __init__(self, graph: Graph, phone_number_id: str, clock: Clock) -> None:
        self._graph = graph
        self._id = phone_number_id
        self._clock = clock
        self._unknown: set[str] = set()  # fields that were not known when they were asked for
        self._expires: datetime | None = None  # when the token does, as far as Meta says

    async def verdict(self) -> HealthResult:
        """What is true of the number now."""
        known = await self.number()
        return await self.evaluate(known) if isinstance(known, Number) else known

    def take_pause(self) -> float:
        """Seconds of quiet that Meta asked for since this was called last."""
        return self._graph.take_pause()

    async def evaluate(self, known: Number) -> HealthResult:
        """What is true of a number of which the first is known."""
        refused = check_registered(known)
        if refused is not None:
            return refused
        more = await self.fields(TELLING)
        if isinstance(more, GraphError | TransportError):
            return evaluate_failure(more)
        known = replace(known, more={name: enum_value(value) or "?" for name, value in more.items()})
        verdict = evaluate_health(await self._graph.get(self._id, fields="health_status"), known)
        return before_expiry(verdict, self._expires, self._clock.now()) if isinstance(verdict, Connected) else verdict

    async def number(self) -> Number | Blocked | Unreachable:
        """Whose number the credentials lead to."""
        inspected = await self._graph.inspect_token()
        self._expires = expiry(inspected)
        bad_token = evaluate_token(inspected, self._clock.now())
        if bad_token is not None:
            return bad_token
        return evaluate_number(await self._graph.get(self._id, fields=",".join(ESSENTIAL)))

    async def fields(self, fields: Sequence[str]) -> Mapping[str, object] | GraphError | TransportError:
        """The values of *fields*, as they came. What this version of the API does not know is left out, and not asked
        for again."""
        wanted = [name for name in fields if name not in self._unknown]
        if not wanted:
            return {}
        together = await self._graph.get(self._id, fields=",".join(wanted))
        if isinstance(together, GraphResponse):
            if not text(together.body.get("id")):
                return TransportError("an answer that does not say about what", sent=True)
            return {name: together.body[name] for name in wanted if name in together.body}
        if isinstance(together, TransportError) or together.code != UNKNOWN_FIELD or rule_for(together).stops:
            return together
        if len(wanted) == 1:
            self._unknown.add(wanted[0])
            return {}
        found: dict[str, object] = {}
        for name in wanted:
            alone = await self.fields([name])
            if isinstance(alone, GraphError | TransportError):
                return alone
            found |= alone
        return found


ASKED_FOR: Final = (
    "verified_name",
    "quality_rating",
    "name_status",
    "new_name_status",
    "code_verification_status",
    "account_mode",
    "throughput",
    "is_pin_enabled",
    "is_on_biz_app",
    "is_official_business_account",
    "whatsapp_business_manager_messaging_limit",
)
"""Optional fields: what a version of the API does not know is left out."""

_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "quality_rating": "quality",
        "new_name_status": "next_name_status",
        "code_verification_status": "ownership",
        "account_mode": "mode",
        "is_pin_enabled": "pin",
        "is_on_biz_app": "on_business_app",
        "is_official_business_account": "official",
        "whatsapp_business_manager_messaging_limit": "tier",
    }
)


def facts(values: Mapping[str, object]) -> dict[str, str]:
    """By our own names: ``quality``, ``tier``, ``throughput``, ``name_status``, ``verified_name``, ``pin``, …

    Codes stay as Meta writes them, in lower case; switches are ``yes`` or ``no``. What is empty or odd is left out.
    """
    found = {_KEYS.get(name, name): _plain(name, value) for name, value in values.items()}
    return {name: value for name, value in found.items() if value}


def _plain(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "throughput":
        return text(mapping(value).get("level")).lower()
    words = text(value).strip()
    return words if name == "verified_name" else words.lower()
