"""Everything that a service does to its clients on a bad day, as a table with names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, TypeVar

from tests.emulators.whatsapp_web.nodes import SERVICE, Node, node


class Ending(StrEnum):
    """How the service leaves a client."""

    KEEP = "keep"  # it does not
    CLOSE = "close"  # WebSocket close, code 1000
    ABORT = "abort"  # the connection is gone
    STREAM_END = "stream-end"  # xmlstreamend, then close


@dataclass(frozen=True, slots=True)
class LineFault:
    """Happens at once, to lines that are open."""

    stanza: Node | None = None
    ending: Ending = Ending.CLOSE
    unlinks: bool = False


@dataclass(frozen=True, slots=True)
class EntryFault:
    """Waits for the next login or registration, which gets this <failure> instead."""

    attrs: Mapping[str, str]

    @property
    def stanza(self) -> Node:
        """The node the client gets."""
        return Node("failure", self.attrs)


@dataclass(frozen=True, slots=True)
class UpgradeFault:
    """Waits for the next WebSocket upgrade, which gets this status instead; nobody knows yet who is calling."""

    status: HTTPStatus


class PairingStep(StrEnum):
    """What goes wrong when a phone scans a code or types one."""

    BAD_HMAC = "bad-hmac"
    BAD_SIGNATURE = "bad-signature"
    DOWNGRADE = "downgrade"  # the phone is too old for linked devices
    PASSKEY = "passkey"  # the account wants a passkey first


@dataclass(frozen=True, slots=True)
class PairingFault:
    """Waits for the next pairing."""

    step: PairingStep


@dataclass(frozen=True, slots=True)
class SendFault:
    """Waits for the next message from a client, which is refused with this error, or carried and not acknowledged."""

    error: str = ""  # none: it arrives, and the writer hears nothing of it


Fault = LineFault | EntryFault | UpgradeFault | PairingFault | SendFault
_F = TypeVar("_F", LineFault, EntryFault, UpgradeFault, PairingFault, SendFault)


def _stream_error(*inside: Node, **attrs: str) -> Node:
    return Node("stream:error", attrs, inside or None)


def _failure(reason: int, **attrs: str) -> EntryFault:
    return EntryFault({"reason": str(reason), **attrs})


_REASONS: Final = (400, 401, 403, 405, 406, 409, 413, 414, 415, 418, 500, 501, 503)
FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "replaced": LineFault(_stream_error(node("conflict", type="replaced"))),
        "replaced-kept-open": LineFault(_stream_error(node("conflict", type="replaced")), Ending.KEEP),
        "device-removed": LineFault(_stream_error(node("conflict", type="device_removed"), code="401"), unlinks=True),
        "stream-401": LineFault(_stream_error(code="401")),
        "stream-500": LineFault(_stream_error(code="500")),
        "stream-503": LineFault(_stream_error(code="503")),
        "stream-515": LineFault(_stream_error(code="515"), Ending.KEEP),
        "stream-516": LineFault(_stream_error(code="516")),
        "stream-end": LineFault(ending=Ending.STREAM_END),
        "close-1000": LineFault(ending=Ending.CLOSE),
        "abort": LineFault(ending=Ending.ABORT),
        "downgrade": LineFault(Node("ib", {"from": SERVICE}, (node("downgrade_webclient"),)), Ending.KEEP),
        **{f"failure-{reason}": _failure(reason) for reason in _REASONS},
        "failure-402": _failure(402, code="101", expire="3600"),
        **{f"upgrade-{status}": UpgradeFault(HTTPStatus(status)) for status in (403, 429, 503)},
        **{f"pairing-{step}": PairingFault(step) for step in PairingStep},
        "send-463": SendFault("463"),
        "send-unacknowledged": SendFault(),
    }
)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    phone: str | None  # None: whoever comes first
    linking: bool
    left: int | None  # None: until cleared


@dataclass(slots=True)
class ArmedFaults:
    """Faults that wait for their moment, each once, a number of times, or until they are cleared."""

    _armed: list[_Armed] = field(default_factory=list)

    def arm(self, fault: Fault, *, phone: str | None, times: int | None, linking: bool = False) -> None:
        """Let *fault* wait; *linking* means registrations, which have no phone yet, rather than logins."""
        self._armed.append(_Armed(fault, phone, linking, times))

    def take(self, kind: type[_F], *, phone: str | None = None, linking: bool = False) -> _F | None:
        """The oldest fault of *kind* that waits for this moment, used up by one."""
        for armed in self._armed:
            if isinstance(armed.fault, kind) and armed.phone in (None, phone) and armed.linking == linking:
                if armed.left is not None:
                    armed.left -= 1
                    if not armed.left:
                        self._armed.remove(armed)
                return armed.fault
        return None

    def clear(self, phone: str | None = None) -> None:
        """Forget what waits: all of it, or one phone's."""
        self._armed = [armed for armed in self._armed if phone is not None and armed.phone != phone]
