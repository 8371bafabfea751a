"""Meta's error codes as data: what each means for the message, and for the number it was sent from.

After the error table of its Cloud API. Only what waits is ever tried again, and nothing after an answer that never
came: there is no key that would keep a repeated request from sending twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from app.domain.link_status import Reason
from app.domain.sending import SendErrorKind
from app.providers.meta_cloud.client import GraphError


@dataclass(frozen=True, slots=True)
class RetryDelay:
    """Seconds before another try: *first*, times *factor* for each that failed before, *most* at the end."""

    first: float
    most: float
    tries: int = 5
    factor: float = 2.0

    def longest(self, failed: int) -> float | None:
        """The ceiling after *failed* tries, counted from 1; None when there were enough."""
        return None if failed > self.tries else min(self.most, self.first * self.factor ** (failed - 1))


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """What one code says. With *stops*, nothing more goes out from the number until a person connects it again, and
    *reason* says why; a reason without it is a limit that passes by itself."""

    trouble: SendErrorKind
    reason: Reason = Reason.NONE
    stops: bool = False
    wait: RetryDelay | None = None


_T, _R = SendErrorKind, Reason

_FEW = RetryDelay(2, 60, tries=3)
_SOON = RetryDelay(2, 60)
_MINUTES = RetryDelay(60, 900)
_LONG = RetryDelay(300, 3600)
PAIR: Final = RetryDelay(1, 4.0**6, tries=7, factor=4)
"""131056: a message to one recipient every 6 s; wait 4^X s, X = 0, 1, 2 …"""

_SIGN_IN = ErrorRule(_T.AUTH, _R.TOKEN_INVALID, stops=True)
_PERMISSION = ErrorRule(_T.AUTH, _R.PERMISSION_MISSING, stops=True)
_POLICY = ErrorRule(_T.POLICY_BLOCK, _R.POLICY_RESTRICTED, stops=True)
_BILL = ErrorRule(_T.BILLING, _R.BILLING, stops=True)
_REGISTER = ErrorRule(_T.NOT_CONNECTED, _R.NOT_REGISTERED, stops=True)
_REGISTER_LATER = ErrorRule(_T.NOT_CONNECTED, _R.REGISTER_LIMIT, stops=True)
_CALLS = ErrorRule(_T.RATE_GLOBAL, _R.RATE_LIMITED, wait=_MINUTES)
_USE_CASE = ErrorRule(_T.RATE_GLOBAL, _R.RATE_LIMITED, wait=_LONG)
"""80007 and 80008 are WhatsApp's own; the others are those of Meta's other products, counted for the same app."""
_REQUEST = ErrorRule(_T.REQUEST)
_RECIPIENT = ErrorRule(_T.RECIPIENT_INVALID)
_TEMPLATE = ErrorRule(_T.TEMPLATE)

RULES: Final[Mapping[int, ErrorRule]] = MappingProxyType(
    {
        0: _SIGN_IN,
        1: ErrorRule(_T.TRANSIENT, wait=_FEW),
        2: ErrorRule(_T.TRANSIENT, wait=_SOON),
        3: _PERMISSION,
        4: _CALLS,
        10: _PERMISSION,
        17: _CALLS,
        32: _CALLS,
        33: ErrorRule(_T.REQUEST, _R.NOT_REGISTERED, stops=True),  # the number was deleted
        100: _REQUEST,
        102: _SIGN_IN,  # the session is over
        104: _SIGN_IN,
        190: _SIGN_IN,
        **dict.fromkeys(range(200, 300), _PERMISSION),
        341: _CALLS,
        368: _POLICY,
        613: _CALLS,
        803: ErrorRule(_T.REQUEST, _R.PERMISSION_MISSING, stops=True),  # the number is not there for this token
        **dict.fromkeys(range(80000, 80015), _USE_CASE),
        130429: ErrorRule(_T.RATE_GLOBAL, _R.RATE_LIMITED, wait=_SOON),
        130472: _RECIPIENT,  # in an experiment of Meta's
        130497: _RECIPIENT,  # in a country this business may not write to
        131000: ErrorRule(_T.TRANSIENT, wait=_FEW),
        131005: _PERMISSION,
        131008: _REQUEST,
        131009: _REQUEST,
        131016: ErrorRule(_T.TRANSIENT, wait=_SOON),
        131021: _RECIPIENT,
        131026: _RECIPIENT,
        131030: _REQUEST,  # a test number, and the recipient is not on its list
        131031: _POLICY,
        131037: ErrorRule(_T.POLICY_BLOCK, _R.NAME_NOT_APPROVED, stops=True),
        131042: _BILL,
        131044: _BILL,
        131045: _REGISTER,
        131047: ErrorRule(_T.WINDOW_CLOSED),
        131048: _POLICY,
        131049: ErrorRule(_T.RATE_PAIR),  # held back from this person: a day at least, and never by itself
        131050: ErrorRule(_T.OPTED_OUT),
        131051: _REQUEST,
        131052: _REQUEST,
        131053: _REQUEST,
        131056: ErrorRule(_T.RATE_PAIR, wait=PAIR),
        131057: ErrorRule(_T.TRANSIENT, wait=_MINUTES),
        131062: _REQUEST,
        131063: _TEMPLATE,
        131064: _POLICY,
        **dict.fromkeys((132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018), _TEMPLATE),
        132068: _REQUEST,
        132069: _REQUEST,
        133000: _REGISTER,  # a deregistration that stopped half way
        133004: ErrorRule(_T.TRANSIENT, wait=_SOON),
        133005: _REGISTER,
        133006: _REGISTER,
        133008: _REGISTER_LATER,
        133009: _REGISTER_LATER,
        133010: _REGISTER,
        133015: ErrorRule(_T.TRANSIENT, wait=RetryDelay(300, 300, tries=3)),  # deleted a moment ago
        133016: _REGISTER_LATER,
        134101: ErrorRule(_T.TRANSIENT, wait=RetryDelay(120, 600)),  # a template that is still being spread
        134102: _TEMPLATE,
        135000: _REQUEST,
        137000: _RECIPIENT,
        **dict.fromkeys((2388019, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299), _TEMPLATE),
    }
)

_NOT_THERE: Final = 33
"""The subcode with which 100 says that the object is not there, or not for this token."""

TOO_MANY: Final = 429
"""The HTTP status that stands for a code where a gateway answered, not the API."""

_UNKNOWN = ErrorRule(_T.UNKNOWN)
_PASSING = ErrorRule(_T.TRANSIENT, wait=_SOON)

HEALTH: Final[Mapping[int, Reason]] = MappingProxyType(
    {
        **{code: meaning.reason for code, meaning in RULES.items() if meaning.stops},
        141006: Reason.BILLING,
    }
)
"""Why a health status is blocked, by the code it names; for any other code it is a matter of policy."""

STALE_TEMPLATES: Final = frozenset({132000, 132001, 132007, 132012, 132015, 132016, 134102})
"""After these the list of templates is asked for again before another is used."""


def rule_for(declined: GraphError) -> ErrorRule:
    """What the code means; an unknown one is tried again only if Meta calls it passing."""
    if declined.code == 100 and declined.subcode == _NOT_THERE:
        return RULES[803]
    known = RULES.get(declined.code)
    return known or (_PASSING if declined.transient else _UNKNOWN)
