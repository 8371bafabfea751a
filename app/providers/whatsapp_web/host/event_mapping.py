"""What the library says, as (state, reason): the fault table, as data.

Sources: whatsmeow's connectionevents.go and qrchan.go, neonize's goneonize/main.go and encoder.go, and what the pinned
library was seen to do against the emulator. `tests/providers/test_faults.py` walks all of it.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final

from app.domain.link_status import Reason
from app.platform.files import DISK_FULL
from app.providers.whatsapp_web.protocol import SessionState

_S, _R = SessionState, Reason


class Event(IntEnum):
    """The library's event codes that concern us (neonize/events.py)."""

    DEVICE = 0  # always sent, once, when a start is over
    CONNECTED = 3
    KEEPALIVE_TIMEOUT = 4
    KEEPALIVE_RESTORED = 5
    LOGGED_OUT = 6
    STREAM_REPLACED = 7
    TEMPORARY_BAN = 8
    CONNECT_FAILURE = 9
    CLIENT_OUTDATED = 10
    STREAM_ERROR = 11
    DISCONNECTED = 12
    MESSAGE = 17
    RECEIPT = 18
    UNDECRYPTABLE_MESSAGE = 44


ABOUT_MESSAGES: Final = frozenset({Event.MESSAGE, Event.RECEIPT, Event.UNDECRYPTABLE_MESSAGE})
"""Events that are kept until the app has stored what they say."""

SUBSCRIBED: Final = tuple(event for event in Event if event is not Event.DEVICE)


@dataclass(frozen=True, slots=True)
class StateReport:
    """What to report of a session."""

    state: SessionState
    reason: Reason = Reason.NONE
    detail: str = ""
    lasts: float | None = None


_PLAIN: Final[Mapping[int, StateReport]] = MappingProxyType(
    {
        Event.CONNECTED: StateReport(_S.CONNECTED),
        Event.KEEPALIVE_TIMEOUT: StateReport(_S.LOST, _R.KEEPALIVE_TIMEOUT),
        Event.KEEPALIVE_RESTORED: StateReport(_S.CONNECTED),
        Event.STREAM_REPLACED: StateReport(_S.REFUSED, _R.STREAM_REPLACED),
        Event.CLIENT_OUTDATED: StateReport(_S.REFUSED, _R.CLIENT_OUTDATED),
        Event.DISCONNECTED: StateReport(_S.LOST, _R.NETWORK_DOWN),
    }
)

# neonize numbers WhatsApp's codes anew; the names are its own (ConnectFailureReason in Neonize.proto).
_LOGGED_OUT: Final = MappingProxyType({"MAIN_DEVICE_GONE": _R.MAIN_DEVICE_GONE, "UNKNOWN_LOGOUT": _R.BANNED})
_FAILURES: Final = MappingProxyType(
    {
        "BAD_USER_AGENT": _R.CLIENT_REFUSED,
        "EXPERIMENTAL": _R.CLIENT_REFUSED,
        "CLIENT_OUTDATED": _R.CLIENT_OUTDATED,
        "TEMP_BANNED": _R.TEMPORARY_BAN,
    }
)


_WITH_DETAILS: Final = frozenset((Event.LOGGED_OUT, Event.TEMPORARY_BAN, Event.CONNECT_FAILURE, Event.STREAM_ERROR))


def state_from_event(code: int, payload: bytes, messages: Callable[[], Any]) -> StateReport | None:
    """What event *code* means for the session's state; None when it means nothing.

    *messages* loads the library's messages, which the usual events do without.
    """
    if code not in _WITH_DETAILS:
        return _PLAIN.get(code)
    pb = messages()
    match code:
        case Event.LOGGED_OUT:
            name = pb.ConnectFailureReason.Name(pb.LoggedOut.FromString(payload).Reason)
            return StateReport(_S.REFUSED, _LOGGED_OUT.get(name, _R.LOGGED_OUT), name.lower())
        case Event.TEMPORARY_BAN:
            ban = pb.TemporaryBan.FromString(payload)
            return StateReport(
                _S.REFUSED, _R.TEMPORARY_BAN, pb.TemporaryBan.TempBanReason.Name(ban.Code).lower(), ban.Expire
            )
        case Event.CONNECT_FAILURE:
            failure = pb.ConnectFailure.FromString(payload)
            name = pb.ConnectFailureReason.Name(failure.Reason)
            return StateReport(
                _S.REFUSED, _FAILURES.get(name, _R.SERVER_UNAVAILABLE), f"{name.lower()} {failure.Message}".rstrip()
            )
        case Event.STREAM_ERROR:
            return StateReport(_S.LOST, _R.STREAM_ERROR, f"stream error {pb.StreamError.FromString(payload).Code}")
        case _:
            return None


LOGIN_STATUS: Final[Mapping[str, StateReport]] = MappingProxyType(
    {
        "timeout": StateReport(_S.REFUSED, _R.QR_EXPIRED),
        "error": StateReport(_S.REFUSED, _R.PAIRING_FAILED),
        "err-client-outdated": StateReport(_S.REFUSED, _R.CLIENT_OUTDATED),
        "err-unexpected-state": StateReport(_S.REFUSED, _R.PAIRING_FAILED),
        "err-scanned-without-multidevice": StateReport(_S.REFUSED, _R.PHONE_UPDATE_REQUIRED),
        # The library has no call to answer a passkey with, so the phone's question ends the pairing.
        "passkey-request": StateReport(_S.REFUSED, _R.PASSKEY_REQUIRED),
        "passkey-confirmation": StateReport(_S.REFUSED, _R.PASSKEY_REQUIRED),
    }
)
"""Every login status that ends a pairing; "success" does not."""

_ERRORS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), StateReport(state, reason))
    for pattern, state, reason in (
        # WhatsApp's codes 413 to 418 and unknown bans have no number in neonize: it fails while telling us of them.
        (r"required field neonize\.ConnectFailure", _S.REFUSED, _R.CLIENT_REFUSED),
        (r"required field neonize\.LoggedOut", _S.REFUSED, _R.LOGGED_OUT),
        (r"required field neonize\.TemporaryBan", _S.REFUSED, _R.TEMPORARY_BAN),
        (r"too many open files", _S.FAILED, _R.TOO_MANY_OPEN_FILES),
        (r"database (table )?is locked", _S.REFUSED, _R.SESSION_IN_USE),
        (
            r"malformed|not a database|no such table|foreign keys are not enabled",
            _S.REFUSED,
            _R.SESSION_CORRUPT,
        ),
        (r"disk is full|no space left", _S.REFUSED, _R.DISK_FULL),
        (
            r"unable to open database|readonly database|disk I/O error|permission denied",
            _S.REFUSED,
            _R.SESSION_DIR_NOT_WRITABLE,
        ),
        (r"device (was )?deleted", _S.REFUSED, _R.LOGGED_OUT),
        (r"x509: certificate has expired or is not yet valid", _S.FAILED, _R.CLOCK_SKEW),
        (r"x509:|tls: |failed to verify .*cert", _S.FAILED, _R.CERTIFICATE_REFUSED),
        # Go reports a proxy's refusal by the words of its status line alone.
        (
            r"proxyconnect|socks connect|proxy auth|: (Forbidden|Method Not Allowed|Bad Gateway)$",
            _S.FAILED,
            _R.PROXY_REFUSED,
        ),
        (r"but got \d{3}|noise handshake failed", _S.FAILED, _R.SERVER_UNAVAILABLE),
        (
            r"dial |lookup |connection (refused|reset)|unreachable|timeout|timed out|deadline|EOF|websocket",
            _S.FAILED,
            _R.NETWORK_DOWN,
        ),
    )
)


def state_from_error(text: str) -> StateReport:
    """What a start that ended with the error *text* means."""
    for pattern, news in _ERRORS:
        if pattern.search(text):
            return StateReport(news.state, news.reason, text)
    return StateReport(_S.FAILED, _R.UNEXPECTED, text)


def state_from_disk(error: OSError) -> StateReport:
    """What the file system's refusal means."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return StateReport(_S.FAILED, _R.TOO_MANY_OPEN_FILES, str(error))
    reason = _R.DISK_FULL if error.errno in DISK_FULL else _R.SESSION_DIR_NOT_WRITABLE
    return StateReport(_S.REFUSED, reason, str(error))


@dataclass(frozen=True, slots=True)
class LogHint:
    """What the library's log says of a fall before, or instead of, the event of it."""

    news: StateReport
    at_once: bool = False  # no event will follow
    crashes: bool = False  # the library dereferences nil as soon as it goes on


_IGNORED: Final = re.compile(r"Ignoring message (\S+) from (?:(\S+) in )?(\S+?): .*old counter")


def ignored_message(level: str, text: str, own_users: Collection[str]) -> bytes | None:
    """The message that the library ignores, by a line of its log, as a record to keep; None for any other line.

    A library that is killed between using up a message's key and handing the message over gets it again, cannot read
    it any more, logs this line (whatsmeow's message.go, ``ErrOldCounter``) and tells the server that it has it. Most
    times the message was handed over and only its receipt was lost; then it is in the history, under the same id.
    """
    match = _IGNORED.match(text) if level == "WARN" else None
    if match is None:
        return None
    message_id, sender, chat = match[1], match[2] or match[3], match[3]
    own, to_self = (user_of(jid) in own_users for jid in (sender, chat))
    if to_self:
        return None  # what the phone says to its devices: keys and settings, and seldom a note to oneself
    return json.dumps({"id": message_id, "chat": chat, "sender": sender, "own": "yes" if own else "no"}).encode()


def user_of(jid: str) -> str:
    """The part of a JID that says who, without which device or which service."""
    return jid.partition("@")[0].partition(":")[0].partition(".")[0]


_CANNOT_KEEP: Final = re.compile(
    r"(unable to open database file|attempt to write a readonly database|disk I/O error|database or disk is full"
    r"|database disk image is malformed|no such table: whatsmeow_\w+)(: .*| \(\d+\))?$"
)
"""What SQLite says when the library cannot write its keys any more. The library only logs it, goes on, and can read
nothing that arrives from then on, while its line looks well."""

_FAILURE_NODE: Final = re.compile(r"<failure[^>]*>")


def hint_from_log(level: str, text: str) -> LogHint | None:
    """What a line of the library's log adds to its events, which carry less than it knows."""
    if level not in ("WARN", "ERROR", "INFO"):
        return None
    if level != "INFO" and (match := _CANNOT_KEEP.search(text)) is not None:
        return LogHint(StateReport(_S.REFUSED, state_from_error(match[1]).reason, match[1]), at_once=True)
    if text.startswith("Got 503 stream error"):
        return LogHint(StateReport(_S.LOST, _R.SERVER_UNAVAILABLE, "stream error 503"))
    if (match := re.match(r"Got (\d{3})/.* connect failure, assuming automatic reconnect", text)) is not None:
        return LogHint(StateReport(_S.LOST, _R.SERVER_UNAVAILABLE, f"failure {match[1]}"))
    if (match := re.match(r"Got (41[34])/.* connect failure, refreshing CAT", text)) is not None:
        # The access token of a kind of client that we are not: the library calls a refresher that nobody set.
        return LogHint(StateReport(_S.REFUSED, _R.CLIENT_REFUSED, f"failure {match[1]}"), at_once=True, crashes=True)
    if text.startswith("Error reconnecting after autoreconnect sleep: "):
        # The library tries on, but says no more about it than this line.
        reason = state_from_error(text).reason
        return LogHint(StateReport(_S.LOST, reason, text), at_once=True)
    if text.startswith("Failed to reconnect after 515 code: "):
        return LogHint(StateReport(_S.FAILED, state_from_error(text).reason, text), at_once=True)
    if text.startswith("Temporary ban connect failure: "):
        expire = re.search(r'expire="?(\d+)', text)
        lasts = float(expire[1]) if expire else None
        return LogHint(StateReport(_S.REFUSED, _R.TEMPORARY_BAN, _node(text), lasts))
    if (match := re.match(r"Got (\d{3}): .* connect failure, sending LoggedOut", text)) is not None:
        reason = {"403": _R.MAIN_DEVICE_GONE, "406": _R.BANNED}.get(match[1], _R.LOGGED_OUT)
        return LogHint(StateReport(_S.REFUSED, reason, f"failure {match[1]}"))
    if text.startswith("Unknown connect failure: "):
        code = re.search(r'reason="?(\d+)', text)
        refused = code is not None and code[1] in ("409", "415", "418", "501")
        return LogHint(StateReport(_S.REFUSED, _R.CLIENT_REFUSED if refused else _R.SERVER_UNAVAILABLE, _node(text)))
    if text.startswith("Failed to pair device: "):
        return LogHint(StateReport(_S.REFUSED, _R.PAIRING_FAILED, text))
    return None


def _node(text: str) -> str:
    match = _FAILURE_NODE.search(text)
    return match[0] if match else text
