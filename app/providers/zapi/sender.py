"""A message handed to Z-API, and what its answer means for it."""

from __future__ import annotations

import re
from typing import Final

from app.domain.link_status import Reason
from app.domain.messages import Address, AddressKind
from app.domain.sending import Accepted, NotSent, SendErrorKind, SendResult, Uncertain
from app.providers.http_client import Answer, TransportError
from app.providers.zapi.responses import denied_in, error_in, object_in, parse_id, redact

AGAIN_SECONDS: Final = 5.0
SLOW_DOWN_SECONDS: Final = 60.0

_MAY_BE_DONE: Final = frozenset({408, 425, 499})
"""Statuses below 500 with which a gateway says that it did not wait for the end."""

_TIMED_OUT: Final = re.compile(r"\btime(?:d)?[ -]?out\b", re.IGNORECASE)

_TROUBLES: Final = (
    ("restore the session", SendErrorKind.NOT_CONNECTED),
    ("not connected", SendErrorKind.NOT_CONNECTED),
    ("disconnected", SendErrorKind.NOT_CONNECTED),
    ("invalid phone", SendErrorKind.RECIPIENT_INVALID),
    ("phone number does not exist", SendErrorKind.RECIPIENT_INVALID),
)


def phone_field(to: Address) -> str | None:
    """*to* as Z-API writes it: digits, ``…@lid``, or a group's id. The address is never changed by a rule."""
    match to.kind:
        case AddressKind.PHONE:
            return to.value.removeprefix("+")
        case AddressKind.LID:
            return f"{to.value}@lid"
        case AddressKind.GROUP:  # older groups are named by their founder and time, with a dash between
            return to.value if "-" in to.value else f"{to.value}-group"
        case _:
            return None


def result_of(answer: Answer) -> tuple[SendResult, Reason | None]:
    """What became of the message, and why the whole number must stop, where it must.

    Good is only what names the message. What a gateway or a broken exchange says of it leaves it uncertain.
    """
    if isinstance(answer, TransportError):
        if answer.sent:
            return Uncertain(detail=answer.why), None
        return NotSent(trouble=SendErrorKind.TRANSIENT, detail=answer.why, after=AGAIN_SECONDS), None
    error, fields = error_in(answer), object_in(answer) or {}
    code, detail = str(answer.status), redact(error)
    denied = denied_in(answer)
    reason = None if denied is None else denied.reason
    named = any(parse_id(fields.get(name)) for name in ("messageId", "id", "zaapId"))
    fails = bool(error or fields.get("error")) or not 200 <= answer.status < 300
    if named and fails:  # it was queued, or may have been: it can still go out
        return Uncertain(detail=f"HTTP {code}, and the message is named beside an error: {detail}"), reason
    if reason is not None:
        trouble = SendErrorKind.BILLING if reason is Reason.BILLING else SendErrorKind.AUTH
        return NotSent(trouble=trouble, code=code, detail=detail), reason
    if answer.status == 429:
        after = answer.retry_after or SLOW_DOWN_SECONDS
        return NotSent(trouble=SendErrorKind.RATE_GLOBAL, code=code, detail=detail, after=after), None
    if answer.status >= 500 or answer.status in _MAY_BE_DONE:
        return Uncertain(detail=f"HTTP {code}"), None
    if _TIMED_OUT.search(error):  # nothing says that it did not go out
        return Uncertain(detail=f"HTTP {code}: {detail}"), None
    if error or answer.status >= 400:
        return NotSent(trouble=_trouble(error, answer.status), code=code, detail=detail), None
    message_id = parse_id(fields.get("messageId")) or parse_id(fields.get("id"))
    if fails or not message_id:
        return Uncertain(detail=f"HTTP {code}, and the message is not named"), None
    return Accepted(provider_id=message_id, queue_id=parse_id(fields.get("zaapId"))), None


def _trouble(error: str, status: int) -> SendErrorKind:
    low = error.lower()
    for words, trouble in _TROUBLES:
        if words in low:
            return trouble
    # 400 is documented as "invalid data", 405 and 415 as a wrong verb or header; the rest is not documented.
    return SendErrorKind.REQUEST if status in (400, 405, 415) else SendErrorKind.UNKNOWN
