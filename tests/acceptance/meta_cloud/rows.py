"""Meta's error table, written down once more and on purpose: what each code must lead to, whatever the program says."""

from __future__ import annotations

from typing import NamedTuple

from app.domain.guidance import Recommendation
from app.domain.link_status import LinkState, Reason, SendCapability
from app.domain.sending import SendErrorKind

S, R, C, G, T = LinkState, Reason, SendCapability, Recommendation, SendErrorKind


class Shown(NamedTuple):
    """Of a link: what staff see."""

    state: LinkState
    reason: Reason
    capability: SendCapability
    action: Recommendation


FINE = Shown(S.CONNECTED, R.NONE, C.OK, G.NOTHING)
SLOWED = Shown(S.CONNECTED, R.RATE_LIMITED, C.RESTRICTED, G.WAIT)
UNKNOWN = Shown(S.UNKNOWN, R.UNREACHABLE, C.UNKNOWN, G.CHECK_NOW)
NEW_TOKEN = Shown(S.BLOCKED, R.TOKEN_INVALID, C.BLOCKED, G.FIX_CREDENTIAL)
PERMISSION = Shown(S.BLOCKED, R.PERMISSION_MISSING, C.BLOCKED, G.FIX_AT_PROVIDER)
POLICY = Shown(S.BLOCKED, R.POLICY_RESTRICTED, C.BLOCKED, G.CONTACT_HUMAN)
BILL = Shown(S.BLOCKED, R.BILLING, C.BLOCKED, G.SETTLE_BILL)
REGISTER = Shown(S.BLOCKED, R.NOT_REGISTERED, C.BLOCKED, G.REGISTER_NUMBER)
REGISTER_LATER = Shown(S.BLOCKED, R.REGISTER_LIMIT, C.BLOCKED, G.WAIT)
NAME = Shown(S.BLOCKED, R.NAME_NOT_APPROVED, C.BLOCKED, G.FIX_AT_PROVIDER)


class Row(NamedTuple):
    """*link* is what the number is after the code; *again* whether the message may be tried again by itself."""

    trouble: SendErrorKind
    link: Shown
    again: bool


RETRY = Row(T.TRANSIENT, FINE, True)
CALLS = Row(T.RATE_GLOBAL, SLOWED, True)
TOKEN = Row(T.AUTH, NEW_TOKEN, False)
PERMIT = Row(T.AUTH, PERMISSION, False)
HARD = Row(T.POLICY_BLOCK, POLICY, False)
MONEY = Row(T.BILLING, BILL, False)
GONE = Row(T.NOT_CONNECTED, REGISTER, False)
LOCKED_OUT = Row(T.NOT_CONNECTED, REGISTER_LATER, False)
OURS = Row(T.REQUEST, FINE, False)
THEIRS = Row(T.RECIPIENT_INVALID, FINE, False)
TEMPLATE = Row(T.TEMPLATE, FINE, False)

TABLE: dict[int, Row] = {
    0: TOKEN,
    1: RETRY,
    2: RETRY,
    3: PERMIT,
    4: CALLS,
    10: PERMIT,
    17: CALLS,
    33: Row(T.REQUEST, REGISTER, False),
    32: CALLS,
    100: OURS,
    102: TOKEN,
    104: TOKEN,
    190: TOKEN,
    **dict.fromkeys((200, 210, 230, 273, 299), PERMIT),
    341: CALLS,
    368: HARD,
    613: CALLS,
    803: Row(T.REQUEST, PERMISSION, False),
    **dict.fromkeys((80004, 80007, 80008), CALLS),
    130429: CALLS,
    130472: THEIRS,
    130497: THEIRS,
    131000: RETRY,
    131005: PERMIT,
    131008: OURS,
    131009: OURS,
    131016: RETRY,
    131021: THEIRS,
    131026: THEIRS,
    131030: OURS,
    131031: HARD,
    131037: Row(T.POLICY_BLOCK, NAME, False),
    131042: MONEY,
    131044: MONEY,
    131045: GONE,
    131047: Row(T.WINDOW_CLOSED, FINE, False),
    131048: HARD,
    131049: Row(T.RATE_PAIR, FINE, False),
    131050: Row(T.OPTED_OUT, FINE, False),
    131051: OURS,
    131052: OURS,
    131053: OURS,
    131056: Row(T.RATE_PAIR, FINE, True),
    131057: RETRY,
    131062: OURS,
    131063: TEMPLATE,
    131064: HARD,
    **dict.fromkeys((132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018), TEMPLATE),
    132068: OURS,
    132069: OURS,
    133000: GONE,
    133004: RETRY,
    133005: GONE,
    133006: GONE,
    133008: LOCKED_OUT,
    133009: LOCKED_OUT,
    133010: GONE,
    133015: RETRY,
    133016: LOCKED_OUT,
    134101: RETRY,
    134102: TEMPLATE,
    135000: OURS,
    137000: THEIRS,
    **dict.fromkeys((2388019, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299), TEMPLATE),
    987654: Row(T.UNKNOWN, FINE, False),  # of a later day
}
