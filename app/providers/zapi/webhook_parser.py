"""What Z-API's webhooks tell, in the history's words (webhooks/on-message-received and its neighbours).

The time of everything is really spelled ``momment``, and comes in milliseconds or in seconds. Booleans may be texts.
What is not understood is set aside as it came, never dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from app.domain.messages import (
    REFERRING,
    Address,
    AddressKind,
    DeliveryReceipt,
    DeliveryStatus,
    MessageKind,
    MessageUpdate,
    ProviderMessage,
    WireUnknown,
)
from app.domain.phone import PhoneNumber, is_e164
from app.domain.webhooks import ParsedWebhook
from app.providers.zapi.message_content import CallbackBody, ZapiContent, content_of, is_noted_only, unknown_content
from app.providers.zapi.responses import (
    flag,
    name_in,
    parse_id,
    parse_json,
    parse_text,
    parse_time,
    redact,
)

_GROUP: Final = re.compile(r"(\d{5,30}(?:-\d{5,20})?)(?:-group)?")
_OLD_GROUP: Final = re.compile(r"\d{10,15}-\d{9,12}")  # named by its founder and the time; no number has such a dash
_NEW_GROUP: Final = re.compile(r"120363\d{10,14}")  # longer than any number
_LIST: Final = re.compile(r"(\d{3,30})-broadcast")
_DIGITS: Final = re.compile(r"\d{3,30}")
_BETWEEN_DIGITS: Final = str.maketrans("", "", " -.()\u00a0")
_LONGEST: Final = 100


def address(name: str, *, group: bool = False) -> Address | None:
    """The address called *name*; None for what is none. *group* is what is said beside it."""
    name = name.strip()
    if not name.replace("\u00a0", " ").isascii() or len(name) > _LONGEST:
        return None
    local, at, server = name.partition("@")
    if at:
        return _at(local, server.lower())
    if match := _LIST.fullmatch(name):
        return Address(AddressKind.OTHER, f"{match[1]}@broadcast")
    if group or name.endswith("-group") or _OLD_GROUP.fullmatch(name) or _NEW_GROUP.fullmatch(name):
        match = _GROUP.fullmatch(name)
        return Address(AddressKind.GROUP, match[1]) if match else None
    return _phone(name)


def publishes(name: str) -> bool:
    """Whether *name* is of statuses or a channel, where nobody talks to the mentorado."""
    return name.strip().lower().startswith("status@") or name.strip().lower().endswith("@newsletter")


def _at(local: str, server: str) -> Address | None:
    """An address as WhatsApp writes it, perhaps with the device behind a colon."""
    local = local.partition(":")[0]
    match server:
        case "c.us" | "s.whatsapp.net":
            return _phone(local)
        case "lid":
            return Address(AddressKind.LID, local) if _DIGITS.fullmatch(local) else None
        case "g.us":
            found = _GROUP.fullmatch(local)
            return Address(AddressKind.GROUP, found[1]) if found else None
        case "broadcast":
            return Address(AddressKind.OTHER, f"{local}@broadcast") if _DIGITS.fullmatch(local) else None
        case _:
            return None


def _phone(written: str) -> Address | None:
    """A number with its country in front, with or without a plus, and with whatever stands between its digits."""
    digits = written.translate(_BETWEEN_DIGITS)
    digits = digits.removeprefix("+") if digits.startswith("+") else digits.removeprefix("00")
    number = f"+{digits}"
    return Address(AddressKind.PHONE, number) if is_e164(number) else None


_INSTANCE: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_EARLY: Final = timedelta(days=1)  # a clock may be wrong; a message from further in the future was sent when it came
_NAME_LENGTH: Final = 200
_MANY: Final = frozenset({AddressKind.GROUP, AddressKind.OTHER})

_DELIVERIES: Final = MappingProxyType(
    {
        "PENDING": DeliveryStatus.ACCEPTED,
        "SENT": DeliveryStatus.SENT,
        "RECEIVED": DeliveryStatus.DELIVERED,
        "DELIVERED": DeliveryStatus.DELIVERED,
        "READ": DeliveryStatus.READ,
        "PLAYED": DeliveryStatus.READ,
        "FAILED": DeliveryStatus.FAILED,
        "ERROR": DeliveryStatus.FAILED,
    }
)
_SAYS_ENOUGH: Final = REFERRING | {MessageKind.UNREADABLE}
"""Kinds that need neither words nor a file."""

_NO_NEWS: Final = "READ_BY_ME"
"""What the mentorado read of other people's messages: no news of ours."""


class _NotUnderstood(Exception):
    """Something of this kind that says it in a way nobody here knows; its text is a code."""


def read_callback(body: bytes, received_at: datetime) -> Sequence[ParsedWebhook]:
    """What one delivery says. Raises `ValueError` for what is none; leaves out what nobody here would keep."""
    document = parse_json(body)
    document = document if isinstance(document, dict) else {}
    key, kind = parse_text(document.get("instanceId")), parse_text(document.get("type")).lower()
    if not _INSTANCE.fullmatch(key) or not kind:
        raise ValueError("no callback of Z-API's")
    facts, number = tuple(_facts(kind, document, received_at)), _number(document.get("connectedPhone"))
    return (ParsedWebhook(key=key, facts=facts, check=kind in _CHECKS, number=number),)


def _number(value: object) -> PhoneNumber | None:
    """The number of the phone that is linked to the instance."""
    digits = f"+{name_in(value).removeprefix('+')}"
    return PhoneNumber(digits) if is_e164(digits) and digits.isascii() else None


def _facts(kind: str, callback: CallbackBody, received_at: datetime) -> Sequence[MessageUpdate]:
    if kind in _NOTHING_TO_KEEP:
        return ()
    reader = _READERS.get(kind)
    try:
        if reader is None:
            raise _NotUnderstood("type")
        return reader(callback, received_at)
    except _NotUnderstood as error:
        return (_unknown(parse_text(callback.get("type")), callback, received_at, str(error)),)


def _unknown(kind: str, callback: CallbackBody, received_at: datetime, why: str) -> WireUnknown:
    people = _named(callback.get("participantLid"), callback.get("participantPhone"))
    about = tuple(dict.fromkeys((*_chat(callback), *people)))
    try:
        payload = json.dumps(callback)
    except (ValueError, RecursionError):  # what could be read need not be what can be written
        payload = ""
    return WireUnknown(kind=kind, payload=payload, at=received_at, about=about, detail=why)


def _message(callback: CallbackBody, received_at: datetime) -> Sequence[MessageUpdate]:
    if flag(callback.get("isNewsletter")) or publishes(name_in(callback.get("phone"))) or is_noted_only(callback):
        return ()
    message_id, from_me, chat = parse_id(callback.get("messageId")), flag(callback.get("fromMe")), _chat(callback)
    if not message_id:
        raise _NotUnderstood("messageId")
    if from_me is None:
        raise _NotUnderstood("fromMe")
    if not chat:
        raise _NotUnderstood("phone")
    content = content_of(callback)
    if content is None:
        raise _NotUnderstood("notification")
    facts: list[MessageUpdate] = [_provider_message(content, message_id, chat, callback, received_at, from_me=from_me)]
    if from_me and content.kind not in REFERRING and (delivery := _delivery(callback.get("status"))):
        facts += _receipt(callback, [message_id], delivery, received_at)
    nothing = not content.text and content.media is None and content.kind not in _SAYS_ENOUGH
    if new := unknown_content(callback) or (
        "content" if nothing else ""
    ):  # its message is there, and what nobody here can read of it
        facts.append(_unknown(new, callback, received_at, "content"))
    return facts


def _provider_message(
    content: ZapiContent,
    message_id: str,
    chat: tuple[Address, ...],
    callback: CallbackBody,
    received_at: datetime,
    *,
    from_me: bool,
) -> ProviderMessage:
    several = chat[0].kind in _MANY
    return ProviderMessage(
        provider_id=f"{message_id}{content.suffix}",
        chat=chat,
        sender=_sender(callback, chat, from_me=from_me),
        from_me=from_me,
        kind=content.kind,
        text=content.text,
        media=content.media,
        refers_to=content.refers_to,
        sender_name="" if from_me else parse_text(callback.get("senderName"))[:_NAME_LENGTH],
        chat_name=_name(callback.get("chatName")) if several else "",
        sent_at=_time(callback, received_at),
        received_at=received_at,
    )


def _submitted(callback: CallbackBody, received_at: datetime) -> Sequence[MessageUpdate]:
    """Handed to WhatsApp, not to the person; with an error, not even that."""
    delivery = DeliveryStatus.FAILED if callback.get("error") else DeliveryStatus.SENT
    return _receipt(callback, [callback.get("messageId")], delivery, received_at)


def _status(callback: CallbackBody, received_at: datetime) -> Sequence[MessageUpdate]:
    if parse_text(callback.get("status")).upper() == _NO_NEWS:
        return ()
    ids = next(filter(None, (callback.get(name) for name in ("ids", "id", "messageId"))), None)
    delivery = _delivery(callback.get("status"))
    if delivery is None:
        raise _NotUnderstood("status")
    return _receipt(callback, ids if isinstance(ids, list) else [ids], delivery, received_at)


def _delivery(status: object) -> DeliveryStatus | None:
    return _DELIVERIES.get(status.upper()) if isinstance(status, str) else None


def _receipt(
    callback: CallbackBody, ids: Sequence[object], delivery: DeliveryStatus, received_at: datetime
) -> Sequence[MessageUpdate]:
    known = tuple(dict.fromkeys(filter(None, map(parse_id, ids[:1000]))))
    if not known:
        raise _NotUnderstood("messageId")
    code = redact(_failure(callback.get("error"))) if delivery is DeliveryStatus.FAILED else ""
    at = _time(callback, received_at)
    return (DeliveryReceipt(provider_ids=known, chat=_chat(callback), delivery=delivery, at=at, code=code),)


def _failure(error: object) -> str:
    """Why a message failed, as a text or in an object's members."""
    if not isinstance(error, dict):
        return name_in(error)
    return " · ".join(filter(None, (name_in(error.get(name)) for name in ("code", "error", "message", "reason"))))


_READERS: Final[Mapping[str, Callable[[CallbackBody, datetime], Sequence[MessageUpdate]]]] = MappingProxyType(
    {"receivedcallback": _message, "deliverycallback": _submitted, "messagestatuscallback": _status}
)
_CHECKS: Final = frozenset({"connectedcallback", "disconnectedcallback"})
_NOTHING_TO_KEEP: Final = _CHECKS | {"presencechatcallback"}


def _chat(callback: CallbackBody) -> tuple[Address, ...]:
    """Every name of the conversation, the hidden one first: a phone may be missing, or be the hidden one again."""
    written = address(name_in(callback.get("phone")), group=bool(flag(callback.get("isGroup"))))
    if written is not None and written.kind in _MANY:
        return (written,)
    if flag(callback.get("isGroup")):
        return ()
    theirs = None if flag(callback.get("fromMe")) else callback.get("senderLid")
    return _named(callback.get("chatLid"), theirs, callback.get("phone"))


def _sender(callback: CallbackBody, chat: tuple[Address, ...], *, from_me: bool) -> tuple[Address, ...]:
    if from_me:
        return _named(callback.get("senderLid"), callback.get("connectedPhone"))
    if chat[0].kind in _MANY:
        return _named(callback.get("participantLid"), callback.get("participantPhone"))
    return chat


def _named(*names: object) -> tuple[Address, ...]:
    found = [each for name in names if (each := address(name_in(name))) is not None and each.kind not in _MANY]
    hidden = {f"+{each.value}" for each in found if each.kind is AddressKind.LID}
    return tuple(dict.fromkeys(each for each in found if each.value not in hidden))  # a hidden id without its ending


def _name(value: object) -> str:
    """What a group is called; its number in place of a name is none."""
    name = parse_text(value).strip()[:_NAME_LENGTH]
    return "" if address(name, group=True) is not None else name


def _time(callback: CallbackBody, received_at: datetime) -> datetime:
    sent_at = parse_time(callback.get("momment"))
    return received_at if sent_at is None or sent_at > received_at + _EARLY else sent_at
