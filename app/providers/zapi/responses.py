"""Parses Z-API's answers. Pure, and safe for any bytes: anything undocumented becomes `UnexpectedResponse`.

Sources: Z-API's documentation (instance/status, instance/qrcode, security/*, queue/*, message/send-message-text) and
what integrators met. An answer counts as good only where it says so in exactly the documented way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Final

from app.domain.link_status import Reason
from app.domain.phone import PhoneNumber, is_e164
from app.domain.sending import QueuedMessage
from app.providers.http_client import Answer, TransportError

_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")
_LONG: Final = re.compile(r"[A-Za-z0-9_-]{16,}|\d{8,}")  # tokens, ids, numbers: nothing that a detail may repeat

_CLIENT_TOKEN: Final = re.compile(r"(?:your )?client[- _]?token\b(.*)\bnot allowed", re.IGNORECASE)
_QUOTES: Final = " '\"`[](){}:"
_NO_TOKEN: Final = ("", "null", "undefined")


def denial_reason(text: str) -> Reason | None:
    """Why Z-API lets nobody in who hears *text*; None for any other text. Compared by parts: wordings vary."""
    low = " ".join(text.lower().split()).rstrip(".!")
    if re.search(r"client[- _]?token\b.*not configured", low):
        return Reason.CLIENT_TOKEN_MISSING
    if match := _CLIENT_TOKEN.fullmatch(low):
        return Reason.CLIENT_TOKEN_MISSING if match[1].strip(_QUOTES) in _NO_TOKEN else Reason.CLIENT_TOKEN_INVALID
    if low.strip(_QUOTES) == "null not allowed":
        return Reason.CLIENT_TOKEN_MISSING
    if "must subscribe" in low:
        return Reason.BILLING
    if low == "instance not found":
        return Reason.TOKEN_INVALID
    who, _, rest = low.rpartition(" not allowed")
    if rest or not who:
        return None
    if who == "[ip request]" or any(_is_address(word.strip("[]()'\"")) for word in who.split()):
        return Reason.ADDRESS_NOT_ALLOWED
    return Reason.TOKEN_INVALID if " " not in who and who != "method" else None


def redact(text: str) -> str:
    """*text* as a detail may repeat it: short, on one line, without what could be a token or a number."""
    visible = "".join(character if character.isprintable() else " " for character in text[:1000])
    visible = _CLIENT_TOKEN.sub("Client-Token … not allowed", visible)
    return _LONG.sub("…", " ".join(visible.split()))[:120]


def parse_time(value: object) -> datetime | None:
    """A time in seconds or in milliseconds, which the documentation both has, also as a text; or as ISO 8601."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) < 16):
            return _written(value)
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e14:
        return None
    return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)


def _written(text: str) -> datetime | None:
    """A date with its time, and UTC where no zone is told."""
    try:
        parsed = datetime.fromisoformat(text) if "T" in text or " " in text else None
        return None if parsed is None else parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_text(value: object) -> str:
    """*value* if it is a text, in characters that can be stored; JSON may smuggle in halves of them."""
    return value.encode("utf-8", "replace").decode().replace("\0", "") if isinstance(value, str) else ""


def name_in(value: object) -> str:
    """The name of somebody or of a conversation; a number may come without its quotes."""
    return str(value) if type(value) is int and 0 < value < 10**30 else parse_text(value)


def parse_id(value: object) -> str:
    """*value* if it can be an id of Z-API's, else nothing."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def flag(value: object) -> bool | None:
    """A boolean, or the text of one. What is missing is no; None is nonsense."""
    if value is None or isinstance(value, bool):
        return bool(value)
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def parse_json(body: bytes) -> Any:
    """What *body* says as JSON, None when it is none; it may be deeper than anybody can follow."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class SessionConnected:
    """The session is up. *phone_online* is None where the answer leaves it out.

    *warning* is an error beside it that is not one of those that Z-API writes while all is well.
    """

    phone_online: bool | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Restorable:
    """The session dropped, and comes back without a code: the common outage."""


@dataclass(frozen=True, slots=True)
class Unlinked:
    """No phone is linked: it takes a code."""


@dataclass(frozen=True, slots=True)
class AccessDenied:
    """Z-API does not serve us until a person has changed something."""

    reason: Reason
    text: str = ""


@dataclass(frozen=True, slots=True)
class UnexpectedResponse:
    """It could not be asked, or its answer is not one we know."""

    why: str


@dataclass(frozen=True, slots=True)
class Code:
    """The text to render as a QR; a credential."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class QrImage:
    """A code that was drawn already, which cannot be read back here."""


@dataclass(frozen=True, slots=True)
class PasskeyChallenge:
    """The phone asks for a passkey, which only Z-API's own page can give."""


@dataclass(frozen=True, slots=True)
class ExtensionToken:
    """What is entered in the browser extension that answers a passkey; a credential."""

    text: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PasskeyReset:
    """Another answer can be given; *why* is what Z-API says of the one before, or nothing."""

    why: str


@dataclass(frozen=True, slots=True)
class PhoneDevice:
    """Whose number is linked."""

    phone: PhoneNumber


@dataclass(frozen=True, slots=True)
class Done:
    """It did what it was asked to."""


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Some of what waits, and where to go on reading; None at the end."""

    messages: tuple[QueuedMessage, ...]
    cursor: str | None


Status = SessionConnected | Restorable | Unlinked | AccessDenied | UnexpectedResponse

_RESTORE, _NOT_CONNECTED, _ALREADY = "restore the session", "you are not connected", "already connected"
_USUAL: Final = 40  # characters; "You are already connected." has 26, and whatever is longer says more
_PICTURES: Final = ("data:", "iVBOR", "/9j/")  # as a data address, or PNG and JPEG in bare base64
_CODE_LENGTH: Final = range(20, 2001)
_WORDS: Final = 600  # bytes of a body that may be a plain sentence; a header holds 400
_OF_THE_CLIENT_TOKEN: Final = (Reason.CLIENT_TOKEN_MISSING, Reason.CLIENT_TOKEN_INVALID)
_TYPED_CODE: Final = re.compile(r"[A-Za-z0-9-]{4,16}")


def parse_status(answer: Answer) -> Status:
    """The state behind ``/status``. Its ``error`` is filled even when all is well: ``You are already connected.``"""
    fields = _fields(answer)
    if not isinstance(fields, dict):
        return fields
    if denied := _denied(answer, fields):
        return denied
    connected, error = fields.get("connected"), _error(fields)
    down, online = _down(error), fields.get("smartphoneConnected")
    if not _good(answer):
        return _unclear(answer, error)
    if connected is False:
        return down or _unclear(answer, error)
    if connected is not True or down is not None:
        return UnexpectedResponse("it does not say whether it is connected")
    if _odd(online):
        return UnexpectedResponse("it does not say whether the phone is online")
    return SessionConnected(online, _warning(fields))


def parse_qr(
    answer: Answer,
) -> Code | QrImage | PasskeyChallenge | SessionConnected | AccessDenied | UnexpectedResponse:
    """What ``/qr-code`` says; `Connected` also where only its lack of a code hints at that."""
    fields = _fields(answer)
    if not isinstance(fields, dict):
        return fields
    if denied := _denied(answer, fields):
        return denied
    error = _error(fields)
    if fields.get("challenge"):
        return PasskeyChallenge()
    if not _good(answer):
        return _unclear(answer, error)
    if fields.get("connected") is True or _ALREADY in error.lower() or ("value" in fields and fields["value"] is None):
        return SessionConnected()
    value = fields.get("value")
    if not isinstance(value, str):
        return _unclear(answer, error)
    if value.startswith(_PICTURES):
        return QrImage()
    if len(value) not in _CODE_LENGTH or not (value.isascii() and value.isprintable()) or " " in value:
        return UnexpectedResponse("what it sent is not a code")
    return Code(value)


def parse_phone_code(answer: Answer) -> Code | PasskeyChallenge | AccessDenied | UnexpectedResponse:
    """The code to type on the phone. Documented as ``value``, met as ``code`` and ``pairingCode``."""
    fields = _fields(answer)
    if not isinstance(fields, dict):
        return fields
    if denied := _denied(answer, fields):
        return denied
    if fields.get("challenge"):
        return PasskeyChallenge()
    for name in ("value", "code", "pairingCode"):
        value = fields.get(name)
        if _good(answer) and isinstance(value, str) and _TYPED_CODE.fullmatch(value):
            return Code(value)
    return _unclear(answer, _error(fields))


def parse_device(answer: Answer) -> PhoneDevice | AccessDenied | UnexpectedResponse:
    """Whose number is linked, from ``/device``."""
    fields = _fields(answer)
    if not isinstance(fields, dict):
        return fields
    if denied := _denied(answer, fields):
        return denied
    phone = fields.get("phone")
    number = f"+{phone.removeprefix('+')}" if isinstance(phone, str) else ""
    if _good(answer) and is_e164(number) and number.isascii():
        return PhoneDevice(PhoneNumber(number))
    return _unclear(answer, _error(fields))


def parse_extension_token(answer: Answer) -> ExtensionToken | AccessDenied | UnexpectedResponse:
    """What ``/extension-token`` gives: ``token``, and ``expiresAt`` in milliseconds."""
    fields = _fields(answer)
    if not isinstance(fields, dict):
        return fields
    if denied := _denied(answer, fields):
        return denied
    token, expires_at = fields.get("token"), parse_time(fields.get("expiresAt"))
    if _good(answer) and isinstance(token, str) and _TYPED_CODE.fullmatch(token) and expires_at is not None:
        return ExtensionToken(token, expires_at)
    return _unclear(answer, _error(fields))


def parse_passkey_reset(answer: Answer) -> PasskeyReset | AccessDenied | UnexpectedResponse:
    """What ``/reset-passkey-challenge`` says: ``success``, and the ``error`` of one that failed."""
    fields = _fields(answer)
    if not isinstance(fields, dict):
        return fields
    if denied := _denied(answer, fields):
        return denied
    if _good(answer) and isinstance(fields.get("success"), bool):
        return PasskeyReset(redact(_error(fields)))
    return _unclear(answer, _error(fields))


def parse_done(answer: Answer) -> Done | AccessDenied | UnexpectedResponse:
    """Whether ``/restore-session``, ``/restart``, ``/disconnect`` and the like were done: they say ``value: true``."""
    fields = _fields(answer)
    if not isinstance(fields, dict):
        return fields
    if denied := _denied(answer, fields):
        return denied
    return Done() if _good(answer) and fields.get("value") is True else _unclear(answer, _error(fields))


def parse_purged(answer: Answer) -> Done | AccessDenied | UnexpectedResponse:
    """Whether ``DELETE /queue`` was taken. Only its status is documented, so any body will do that names no error."""
    if isinstance(answer, TransportError):
        return UnexpectedResponse(answer.why)
    fields = parse_json(answer.body)
    if isinstance(fields, dict):
        if denied := _denied(answer, fields):
            return denied
        if _error(fields):
            return _unclear(answer, _error(fields))
    return Done() if _good(answer) else _unclear(answer, "")


def parse_queue(answer: Answer) -> QueuePage | AccessDenied | UnexpectedResponse:
    """One page of ``POST /queue``. A page with one message that cannot be read is none: fewer must never be shown."""
    fields = _fields(answer)
    if not isinstance(fields, dict):
        return fields
    if denied := _denied(answer, fields):
        return denied
    messages, more, cursor = fields.get("messages"), fields.get("hasMore"), fields.get("pagingState")
    if not _good(answer) or not isinstance(messages, list) or not isinstance(more, bool):
        return _unclear(answer, _error(fields))
    read = [_queued(message) for message in messages]
    known = tuple(message for message in read if message is not None)
    if len(known) < len(read) or (more and not (isinstance(cursor, str) and cursor)):
        return UnexpectedResponse("what waits cannot be read")
    return QueuePage(known, cursor if more else None)


def parse_facts(answer: Answer) -> Mapping[str, str]:
    """What ``/me`` tells of the account: its name, until when it is paid, and how; never the token it repeats."""
    fields = _fields(answer)
    if not isinstance(fields, dict) or not _good(answer) or _error(fields):
        return {}
    due = parse_time(fields.get("due"))
    facts = {
        "name": redact(parse_text(fields.get("name"))),
        "payment": redact(parse_text(fields.get("paymentStatus"))),
        "due": "" if due is None else due.date().isoformat(),
    }
    return {name: value for name, value in facts.items() if value}


def error_in(answer: Answer) -> str:
    """The error that *answer* names, whatever its status."""
    response = _fields(answer)
    return _error(response) if isinstance(response, dict) else ""


def object_in(answer: Answer) -> Mapping[str, Any] | None:
    """The JSON object that *answer* holds."""
    response = _fields(answer)
    return response if isinstance(response, dict) else None


def _fields(answer: Answer) -> dict[str, Any] | UnexpectedResponse:
    if isinstance(answer, TransportError):
        return UnexpectedResponse(answer.why)
    value = parse_json(answer.body)
    if isinstance(value, dict):
        return value
    words = value if isinstance(value, str) else answer.body[:_WORDS].decode("utf-8", "replace")
    if (
        not _good(answer) and denial_reason(words) in _OF_THE_CLIENT_TOKEN
    ):  # in the same words, without the object around
        return {"error": words}
    return UnexpectedResponse(f"HTTP {answer.status}, and no answer that can be read")


def _good(answer: Answer) -> bool:
    return not isinstance(answer, TransportError) and 200 <= answer.status < 300


def _error(fields: Mapping[str, Any]) -> str:
    for name in ("error", "message"):
        if isinstance(text := fields.get(name), str) and text:
            return text
    return ""


def _texts(fields: Mapping[str, Any]) -> Iterator[str]:
    """Whatever an answer says in words: a code may stand in one member and the sentence in the other, or below."""
    for name in ("error", "message"):
        value = fields.get(name)
        for text in (
            (value, *(value.get(each) for each in ("message", "error"))) if isinstance(value, dict) else (value,)
        ):
            if isinstance(text, str) and text:
                yield text


def _warning(fields: Mapping[str, Any]) -> str:
    """What stands beside a yes and is not Z-API's usual word for it; an error that is no text leaves a trace, too."""
    for name in ("error", "message"):
        text = fields.get(name)
        if text in (None, "", False) or (isinstance(text, str) and _ALREADY in text.lower() and len(text) < _USUAL):
            continue
        return (
            redact(text) or "an error that cannot be repeated" if isinstance(text, str) else "an error without a text"
        )
    return ""


def _denied(answer: Answer, fields: Mapping[str, Any]) -> AccessDenied | None:
    if isinstance(answer, TransportError) or answer.status in (405, 415):  # a wrong verb or header is our own mistake
        return None
    return next(
        (AccessDenied(reason, redact(text)) for text in _texts(fields) if (reason := denial_reason(text))), None
    )


def denied_in(answer: Answer) -> AccessDenied | None:
    """Why Z-API serves nobody who asks like this, whatever was asked."""
    response = _fields(answer)
    return _denied(answer, response) if isinstance(response, dict) else None


def _down(error: str) -> Restorable | Unlinked | None:
    low = error.lower()
    if _RESTORE in low:
        return Restorable()
    return Unlinked() if _NOT_CONNECTED in low else None


def _odd(value: object) -> bool:
    return value is not None and not isinstance(value, bool)


def _unclear(answer: Answer, error: str) -> UnexpectedResponse:
    status = "no answer" if isinstance(answer, TransportError) else f"HTTP {answer.status}"
    return UnexpectedResponse(f"{status}: {redact(error)}" if error else f"{status}, and not what was asked for")


def _queued(message: object) -> QueuedMessage | None:
    if not isinstance(message, dict):
        return None
    queue_id = parse_id(message.get("ZaapId")) or parse_id(message.get("_id"))
    if not queue_id:
        return None
    to, text = parse_text(message.get("Phone")), parse_text(message.get("Message"))
    return QueuedMessage(id=queue_id, to=to, text=text, since=parse_time(message.get("Created")))
