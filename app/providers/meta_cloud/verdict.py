"""From what Meta says of a token, a number and its health to one signal. Green only when every word of it is known.

What cannot be read, or has a value that was never documented, is `Silent`: the link shows unknown, with an age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from app.domain.connection import Reason, SendCapability
from app.domain.phone import PhoneNumber
from app.domain.provider import Opened, Refused, Silent
from app.providers.meta_cloud.errors import HEALTH, meaning_of
from app.providers.meta_cloud.graph import Declined, Reply, Said, discreet
from app.providers.meta_cloud.plain import (
    code_word,
    mapping,
    mapping_or_none,
    mappings,
    moment,
    number,
    phone,
    shortened,
    text,
)

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

Verdict = Opened | Refused | Silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number that Meta carries, as it describes it."""

    account: PhoneNumber
    status: str
    platform: str
    more: Mapping[str, str] = field(default_factory=dict)  # what was asked separately, as far as it is known


def of_failure(reply: Reply) -> Refused | Silent:
    """What it says of the link that a question was not answered."""
    if isinstance(reply, Declined):
        meaning = meaning_of(reply)
        detail = f"{reply.code}: {reply.detail}"
        return Refused(meaning.reason, detail=detail) if meaning.stops else Silent(detail)
    return Silent(reply.why if not isinstance(reply, Said) else "an answer that nobody understands")


def of_token(reply: Reply, now: datetime) -> Refused | Silent | None:
    """None when the token is good."""
    data = mapping_or_none(reply.body.get("data")) if isinstance(reply, Said) else None
    if data is None:
        return of_failure(reply)
    if data.get("is_valid") is False:
        return Refused(Reason.TOKEN_INVALID, detail="Meta says that the token is not valid")
    if data.get("is_valid") is not True:
        return Silent("nothing is said of the token's validity")
    expires = expiry(reply)
    if expires is not None and expires <= now:
        return Refused(Reason.TOKEN_INVALID, detail=f"the token expired at {expires:%Y-%m-%d %H:%M} UTC")
    scopes = data.get("scopes")
    if isinstance(scopes, list) and scopes and MESSAGING not in scopes:
        return Refused(Reason.PERMISSION_MISSING, detail=f"the token lacks {MESSAGING}")
    return None


def expiry(reply: Reply) -> datetime | None:
    """When the token expires; None when it never does, or nothing is said of it."""
    data = mapping(reply.body.get("data")) if isinstance(reply, Said) else {}
    return moment(data.get("expires_at")) if (number(data.get("expires_at")) or 0) > 0 else None  # 0 means never


def before_expiry(opened: Opened, expires: datetime | None, now: datetime) -> Opened:
    """*opened* with a notice where the token expires soon and nothing worse is to be said."""
    if expires is None or expires - now > EXPIRY_NOTICE or opened.reason is not Reason.NONE:
        return opened
    detail = f"the token expires at {expires:%Y-%m-%d %H:%M} UTC"
    return replace(opened, reason=Reason.TOKEN_EXPIRING, until=expires, detail=detail)


def of_number(reply: Reply) -> Number | Silent | Refused:
    """The number, when enough is said of it."""
    if not isinstance(reply, Said):
        return of_failure(reply)
    account = phone(reply.body.get("display_phone_number"))
    status, platform = code_word(reply.body.get("status")), code_word(reply.body.get("platform_type"))
    if account is None:
        return Silent("nothing is said of whose number it is")
    if not status or not platform:
        return Silent("nothing is said of the number's state")
    return Number(account=account, status=status, platform=platform)


def of_health(reply: Reply, known: Number) -> Verdict:
    """The whole verdict: on *known* and on what can be sent from it now."""
    refused = without_carrier(known)
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
        return Silent(shortened("a value that nobody knows: " + ", ".join(unknown)))
    reason = _limit(known, limited=health == "LIMITED")
    capability = SendCapability.OK if reason is Reason.NONE else SendCapability.RESTRICTED
    return Opened(known.account, capability, reason)


def without_carrier(known: Number) -> Refused | None:
    """Why nothing can come or go, whatever the health says."""
    if known.status in _STOPPED:
        return Refused(Reason.POLICY_RESTRICTED, detail=f"the number's status is {known.status}")
    if known.status in _NOT_REGISTERED or known.platform in _ELSEWHERE:
        return Refused(Reason.NOT_REGISTERED, detail=f"status {known.status}, platform {known.platform}")
    return None


def _limit(known: Number, *, limited: bool) -> Reason:
    of_status = _CARRIED[known.status]
    if of_status is Reason.NONE:
        of_status = _QUALITY[known.more.get("quality_rating", "")]
    return Reason.RATE_LIMITED if of_status is Reason.NONE and limited else of_status


def _health(reply: Reply) -> tuple[str, list[Mapping[str, Any]]] | Silent | Refused:
    """The worst of what is said, and the errors of what is blocked."""
    if not isinstance(reply, Said):
        return of_failure(reply)
    health = mapping_or_none(reply.body.get("health_status"))
    if health is None:
        return Silent("nothing is said of the number's health")
    listed = health.get("entities", [])
    entities = mappings(listed)
    if not isinstance(listed, list) or len(entities) != len(listed):
        return Silent("a health status that nobody understands")
    words = [code_word(each.get("can_send_message")) for each in (health, *entities)]
    if not all(word in _HEALTH for word in words):
        return Silent("a health status that nobody knows")
    blocked = [each for each in entities if code_word(each.get("can_send_message")) == "BLOCKED"]
    return max(words, key=_HEALTH.index), [error for each in blocked for error in mappings(each.get("errors"))]


def _blocked(errors: list[Mapping[str, Any]], known: Number) -> Refused:
    for error in errors:
        reason = HEALTH.get(number(error.get("error_code")) or -1)
        if reason is not None:
            return Refused(reason, detail=_told(error))
    if known.more.get("name_status") == "DECLINED":
        return Refused(Reason.NAME_NOT_APPROVED, detail="the display name was declined")
    return Refused(Reason.POLICY_RESTRICTED, detail=_told(errors[0]) if errors else "the number's health is BLOCKED")


def _told(error: Mapping[str, Any]) -> str:
    words = text(error.get("error_description"))
    solution = text(error.get("possible_solution"))
    return discreet(shortened(f"{number(error.get('error_code'))}: {words} {solution}"))
