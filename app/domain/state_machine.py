"""The life of a link, whole, on one page."""

from __future__ import annotations

from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from app.domain.link_status import LinkState


class Trigger(Enum):
    """The events that move a link from state to state."""

    CONNECT = auto()  # a person, or the start of the program
    DISCONNECT = auto()  # a person
    CODE_SHOWN = auto()  # provider: a QR awaits the phone
    CODE_ACCEPTED = auto()  # provider: the phone scanned it; the first sign-in follows
    OPENED = auto()  # provider: through
    LOST = auto()  # provider or host: will come back by itself
    REFUSED = auto()  # provider or guard: will not come back without a person
    SILENT = auto()  # a hosted provider could not be asked


class IllegalTransition(Exception):
    """A bug: a trigger was fired that means nothing in that state."""


_S, _T = LinkState, Trigger
_RUNNING = (_S.CONNECTING, _S.QR_READY, _S.CONNECTED, _S.RECONNECTING, _S.UNKNOWN)

TABLE: Final = MappingProxyType(
    {
        (_S.OFF, _T.CONNECT): _S.CONNECTING,
        (_S.BLOCKED, _T.CONNECT): _S.CONNECTING,
        (_S.UNKNOWN, _T.CONNECT): _S.CONNECTING,
        (_S.RECONNECTING, _T.CONNECT): _S.RECONNECTING,  # hurried: the next try is now
        (_S.CONNECTING, _T.CONNECT): _S.CONNECTING,  # its turn to pair has come
        (_S.CONNECTING, _T.CODE_SHOWN): _S.QR_READY,
        (_S.RECONNECTING, _T.CODE_SHOWN): _S.QR_READY,  # the host of a pairing came back
        (_S.QR_READY, _T.CODE_SHOWN): _S.QR_READY,  # the next code
        (_S.UNKNOWN, _T.CODE_SHOWN): _S.QR_READY,  # a hosted provider answers again
        (_S.QR_READY, _T.CODE_ACCEPTED): _S.QR_READY,
        **{(s, _T.OPENED): _S.CONNECTED for s in _RUNNING},
        **{(s, _T.LOST): _S.RECONNECTING for s in _RUNNING},
        **{(s, _T.REFUSED): _S.BLOCKED for s in (*_RUNNING, _S.BLOCKED)},
        **{(s, _T.SILENT): _S.UNKNOWN for s in _RUNNING},
        **{(s, _T.DISCONNECT): _S.OFF for s in LinkState},
    }
)


def next_state(state: LinkState, trigger: Trigger) -> LinkState:
    """Return the state that follows, or raise `IllegalTransition`."""
    try:
        return TABLE[state, trigger]
    except KeyError:
        raise IllegalTransition(f"{trigger.name} while {state}") from None


def allowed(state: LinkState, trigger: Trigger) -> bool:
    """Whether *trigger* means anything in *state*; menus are enabled by this."""
    return (state, trigger) in TABLE
