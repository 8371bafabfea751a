"""What Z-API's answers mean. Pure, and of any bytes at all: what is not what the documentation says is `Unclear`.

Sources: Z-API's documentation (instance/status, instance/qrcode, security/*, queue/*, message/send-message-text) and
what integrators met. An answer counts as good only where it says so in exactly the documented way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.domain.connection import Reason
from app.domain.phone import PhoneNumber, is_e164
from app.domain.sending import QueuedMessage
from app.providers.wire import Answer, Unanswered
from app.providers.zapi.reading import denial, id_in, json_in, moment, plain, text_in


@dataclass(frozen=True, slots=True)
class Connected:
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
class Denied:
    """Z-API does not serve us until a person has changed something."""

    reason: Reason
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """It could not be asked, or its answer is not one we know."""

    why: str


@dataclass(frozen=True, slots=True)
class Code:
    """The text to render as a QR; a credential."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """A code that was drawn already, which cannot be read back here."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The phone asks for a passkey, which only Z-API's own page can give."""


@dataclass(frozen=True, slots=True)
class Device:
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


Status = Connected | Restorable | Unlinked | Denied | Unclear

_RESTORE, _NOT_CONNECTED, _ALREADY = "restore the session", "you are not connected", "already connected"
_USUAL: Final = 40  # characters; "You are already connected." has 26, and whatever is longer says more
_PICTURES: Final = ("data:", "iVBOR", "/9j/")  # as a data address, or PNG and JPEG in bare base64
_CODE_LENGTH: Final = range(20, 2001)
_WORDS: Final = 600  # bytes of a body that may be a plain sentence; a header holds 400
_OF_THE_CLIENT_TOKEN: Final = (Reason.CLIENT_TOKEN_MISSING, Reason.CLIENT_TOKEN_INVALID)
_TYPED_CODE: Final = re.compile(r"[A-Za-z0-9-]{4,16}")


def status_of(answer: Answer) -> Status:
    """The state behind ``/status``. Its ``error`` is filled even when all is well: ``You are already connected.``"""
    said = _said(answer)
    if not isinstance(said, dict):
        return said
    if denied := _denied(answer, said):
        return denied
    connected, error = said.get("connected"), _error(said)
    down, online = _down(error), said.get("smartphoneConnected")
    if not _good(answer):
        return _unclear(answer, error)
    if connected is False:
        return down or _unclear(answer, error)
    if connected is not True or down is not None:
        return Unclear("it does not say whether it is connected")
    if _odd(online):
        return Unclear("it does not say whether the phone is online")
    return Connected(online, _warning(said))


def qr_of(answer: Answer) -> Code | Picture | Challenge | Connected | Denied | Unclear:
    """What ``/qr-code`` says; `Connected` also where only its lack of a code hints at that."""
    said = _said(answer)
    if not isinstance(said, dict):
        return said
    if denied := _denied(answer, said):
        return denied
    error = _error(said)
    if said.get("challenge"):
        return Challenge()
    if not _good(answer):
        return _unclear(answer, error)
    if said.get("connected") is True or _ALREADY in error.lower() or ("value" in said and said["value"] is None):
        return Connected()
    value = said.get("value")
    if not isinstance(value, str):
        return _unclear(answer, error)
    if value.startswith(_PICTURES):
        return Picture()
    if len(value) not in _CODE_LENGTH or not (value.isascii() and value.isprintable()) or " " in value:
        return Unclear("what it sent is not a code")
    return Code(value)


def phone_code_of(answer: Answer) -> Code | Challenge | Denied | Unclear:
    """The code to type on the phone. Documented as ``value``, met as ``code`` and ``pairingCode``."""
    said = _said(answer)
    if not isinstance(said, dict):
        return said
    if denied := _denied(answer, said):
        return denied
    if said.get("challenge"):
        return Challenge()
    for name in ("value", "code", "pairingCode"):
        value = said.get(name)
        if _good(answer) and isinstance(value, str) and _TYPED_CODE.fullmatch(value):
            return Code(value)
    return _unclear(answer, _error(said))


def device_of(answer: Answer) -> Device | Denied | Unclear:
    """Whose number is linked, from ``/device``."""
    said = _said(answer)
    if not isinstance(said, dict):
        return said
    if denied := _denied(answer, said):
        return denied
    phone = said.get("phone")
    number = f"+{phone.removeprefix('+')}" if isinstance(phone, str) else ""
    if _good(answer) and is_e164(number) and number.isascii():
        return Device(PhoneNumber(number))
    return _unclear(answer, _error(said))


def done_of(answer: Answer) -> Done | Denied | Unclear:
    """Whether ``/restore-session``, ``/restart``, ``/disconnect`` and the like were done: they say ``value: true``."""
    said = _said(answer)
    if not isinstance(said, dict):
        return said
    if denied := _denied(answer, said):
        return denied
    return Done() if _good(answer) and said.get("value") is True else _unclear(answer, _error(said))


def purged_of(answer: Answer) -> Done | Denied | Unclear:
    """Whether ``DELETE /queue`` was taken. Only its status is documented, so any body will do that names no error."""
    if isinstance(answer, Unanswered):
        return Unclear(answer.why)
    said = json_in(answer.body)
    if isinstance(said, dict):
        if denied := _denied(answer, said):
            return denied
        if _error(said):
            return _unclear(answer, _error(said))
    return Done() if _good(answer) else _unclear(answer, "")


def queue_of(answer: Answer) -> QueuePage | Denied | Unclear:
    """One page of ``POST /queue``. A page with one message that cannot be read is none: fewer must never be shown."""
    said = _said(answer)
    if not isinstance(said, dict):
        return said
    if denied := _denied(answer, said):
        return denied
    messages, more, cursor = said.get("messages"), said.get("hasMore"), said.get("pagingState")
    if not _good(answer) or not isinstance(messages, list) or not isinstance(more, bool):
        return _unclear(answer, _error(said))
    read = [_queued(message) for message in messages]
    known = tuple(message for message in read if message is not None)
    if len(known) < len(read) or (more and not (isinstance(cursor, str) and cursor)):
        return Unclear("what waits cannot be read")
    return QueuePage(known, cursor if more else None)


def facts_of(answer: Answer) -> Mapping[str, str]:
    """What ``/me`` tells of the account: its name, until when it is paid, and how; never the token it repeats."""
    said = _said(answer)
    if not isinstance(said, dict) or not _good(answer) or _error(said):
        return {}
    due = moment(said.get("due"))
    facts = {
        "name": plain(text_in(said.get("name"))),
        "payment": plain(text_in(said.get("paymentStatus"))),
        "due": "" if due is None else due.date().isoformat(),
    }
    return {name: value for name, value in facts.items() if value}


def error_in(answer: Answer) -> str:
    """The error that *answer* names, whatever its status."""
    said = _said(answer)
    return _error(said) if isinstance(said, dict) else ""


def object_in(answer: Answer) -> Mapping[str, Any] | None:
    """The JSON object that *answer* holds."""
    said = _said(answer)
    return said if isinstance(said, dict) else None


def _said(answer: Answer) -> dict[str, Any] | Unclear:
    if isinstance(answer, Unanswered):
        return Unclear(answer.why)
    said = json_in(answer.body)
    if isinstance(said, dict):
        return said
    words = said if isinstance(said, str) else answer.body[:_WORDS].decode("utf-8", "replace")
    if not _good(answer) and denial(words) in _OF_THE_CLIENT_TOKEN:  # in the same words, without the object around
        return {"error": words}
    return Unclear(f"HTTP {answer.status}, and no answer that can be read")


def _good(answer: Answer) -> bool:
    return not isinstance(answer, Unanswered) and 200 <= answer.status < 300


def _error(said: Mapping[str, Any]) -> str:
    for name in ("error", "message"):
        if isinstance(text := said.get(name), str) and text:
            return text
    return ""


def _texts(said: Mapping[str, Any]) -> Iterator[str]:
    """Whatever an answer says in words: a code may stand in one member and the sentence in the other, or below."""
    for name in ("error", "message"):
        value = said.get(name)
        for text in (
            (value, *(value.get(each) for each in ("message", "error"))) if isinstance(value, dict) else (value,)
        ):
            if isinstance(text, str) and text:
                yield text


def _warning(said: Mapping[str, Any]) -> str:
    """What stands beside a yes and is not Z-API's usual word for it; an error that is no text leaves a trace, too."""
    for name in ("error", "message"):
        text = said.get(name)
        if text in (None, "", False) or (isinstance(text, str) and _ALREADY in text.lower() and len(text) < _USUAL):
            continue
        return plain(text) or "an error that cannot be repeated" if isinstance(text, str) else "an error without a text"
    return ""


def _denied(answer: Answer, said: Mapping[str, Any]) -> Denied | None:
    if isinstance(answer, Unanswered) or answer.status in (405, 415):  # a wrong verb or header is our own mistake
        return None
    return next((Denied(reason, plain(text)) for text in _texts(said) if (reason := denial(text))), None)


def denied_in(answer: Answer) -> Denied | None:
    """Why Z-API serves nobody who asks like this, whatever was asked."""
    said = _said(answer)
    return _denied(answer, said) if isinstance(said, dict) else None


def _down(error: str) -> Restorable | Unlinked | None:
    low = error.lower()
    if _RESTORE in low:
        return Restorable()
    return Unlinked() if _NOT_CONNECTED in low else None


def _odd(value: object) -> bool:
    return value is not None and not isinstance(value, bool)


def _unclear(answer: Answer, error: str) -> Unclear:
    status = "no answer" if isinstance(answer, Unanswered) else f"HTTP {answer.status}"
    return Unclear(f"{status}: {plain(error)}" if error else f"{status}, and not what was asked for")


def _queued(message: object) -> QueuedMessage | None:
    if not isinstance(message, dict):
        return None
    queue_id = id_in(message.get("ZaapId")) or id_in(message.get("_id"))
    if not queue_id:
        return None
    to, text = text_in(message.get("Phone")), text_in(message.get("Message"))
    return QueuedMessage(id=queue_id, to=to, text=text, since=moment(message.get("Created")))
