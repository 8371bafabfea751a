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
from typing import Any, Final

from app.domain.messages import (
    REFERRING,
    Address,
    AddressKind,
    Delivery,
    MessageKind,
    WireFact,
    WireMessage,
    WireReceipt,
    WireUnknown,
)
from app.domain.phone import PhoneNumber, is_e164
from app.domain.webhooks import Callback
from app.providers.zapi.addresses import address, publishes
from app.providers.zapi.content import Content, content_of, is_noted_only, unknown_content
from app.providers.zapi.reading import flag, id_in, json_in, moment, name_in, plain, text_in

_INSTANCE: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_EARLY: Final = timedelta(days=1)  # a clock may be wrong; a message from further in the future was sent when it came
_NAME_LENGTH: Final = 200
_MANY: Final = frozenset({AddressKind.GROUP, AddressKind.OTHER})

_DELIVERIES: Final = MappingProxyType(
    {
        "PENDING": Delivery.ACCEPTED,
        "SENT": Delivery.SENT,
        "RECEIVED": Delivery.DELIVERED,
        "DELIVERED": Delivery.DELIVERED,
        "READ": Delivery.READ,
        "PLAYED": Delivery.READ,
        "FAILED": Delivery.FAILED,
        "ERROR": Delivery.FAILED,
    }
)
_SAYS_ENOUGH: Final = REFERRING | {MessageKind.UNREADABLE}
"""Kinds that need neither words nor a file."""

_NO_NEWS: Final = "READ_BY_ME"
"""What the mentorado read of other people's messages: no news of ours."""

Told = Mapping[str, Any]


class _NotUnderstood(Exception):
    """Something of this kind that says it in a way nobody here knows; its text is a code."""


def read_callback(body: bytes, received_at: datetime) -> Sequence[Callback]:
    """What one delivery says. Raises `ValueError` for what is none; leaves out what nobody here would keep."""
    told = json_in(body)
    told = told if isinstance(told, dict) else {}
    key, kind = text_in(told.get("instanceId")), text_in(told.get("type")).lower()
    if not _INSTANCE.fullmatch(key) or not kind:
        raise ValueError("no callback of Z-API's")
    facts, number = tuple(_facts(kind, told, received_at)), _number(told.get("connectedPhone"))
    return (Callback(key=key, facts=facts, check=kind in _CHECKS, number=number),)


def _number(value: object) -> PhoneNumber | None:
    """The number of the phone that is linked to the instance."""
    digits = f"+{name_in(value).removeprefix('+')}"
    return PhoneNumber(digits) if is_e164(digits) and digits.isascii() else None


def _facts(kind: str, told: Told, received_at: datetime) -> Sequence[WireFact]:
    if kind in _NOTHING_TO_KEEP:
        return ()
    reader = _READERS.get(kind)
    try:
        if reader is None:
            raise _NotUnderstood("type")
        return reader(told, received_at)
    except _NotUnderstood as error:
        return (_unknown(text_in(told.get("type")), told, received_at, str(error)),)


def _unknown(kind: str, told: Told, received_at: datetime, why: str) -> WireUnknown:
    people = _named(told.get("participantLid"), told.get("participantPhone"))
    about = tuple(dict.fromkeys((*_chat(told), *people)))
    try:
        payload = json.dumps(told)
    except (ValueError, RecursionError):  # what could be read need not be what can be written
        payload = ""
    return WireUnknown(kind=kind, payload=payload, at=received_at, about=about, detail=why)


def _message(told: Told, received_at: datetime) -> Sequence[WireFact]:
    if flag(told.get("isNewsletter")) or publishes(name_in(told.get("phone"))) or is_noted_only(told):
        return ()
    message_id, from_me, chat = id_in(told.get("messageId")), flag(told.get("fromMe")), _chat(told)
    if not message_id:
        raise _NotUnderstood("messageId")
    if from_me is None:
        raise _NotUnderstood("fromMe")
    if not chat:
        raise _NotUnderstood("phone")
    said = content_of(told)
    if said is None:
        raise _NotUnderstood("notification")
    facts: list[WireFact] = [_said(said, message_id, chat, told, received_at, from_me=from_me)]
    if from_me and said.kind not in REFERRING and (delivery := _delivery(told.get("status"))):
        facts += _receipt(told, [message_id], delivery, received_at)
    nothing = not said.text and said.media is None and said.kind not in _SAYS_ENOUGH
    if new := unknown_content(told) or (
        "content" if nothing else ""
    ):  # its message is there, and what nobody here can read of it
        facts.append(_unknown(new, told, received_at, "content"))
    return facts


def _said(
    said: Content, message_id: str, chat: tuple[Address, ...], told: Told, received_at: datetime, *, from_me: bool
) -> WireMessage:
    several = chat[0].kind in _MANY
    return WireMessage(
        provider_id=f"{message_id}{said.suffix}",
        chat=chat,
        sender=_sender(told, chat, from_me=from_me),
        from_me=from_me,
        kind=said.kind,
        text=said.text,
        media=said.media,
        refers_to=said.refers_to,
        sender_name="" if from_me else text_in(told.get("senderName"))[:_NAME_LENGTH],
        chat_name=_name(told.get("chatName")) if several else "",
        sent_at=_time(told, received_at),
        received_at=received_at,
    )


def _handed_over(told: Told, received_at: datetime) -> Sequence[WireFact]:
    """Handed to WhatsApp, not to the person; with an error, not even that."""
    delivery = Delivery.FAILED if told.get("error") else Delivery.SENT
    return _receipt(told, [told.get("messageId")], delivery, received_at)


def _status(told: Told, received_at: datetime) -> Sequence[WireFact]:
    if text_in(told.get("status")).upper() == _NO_NEWS:
        return ()
    ids = next(filter(None, (told.get(name) for name in ("ids", "id", "messageId"))), None)
    delivery = _delivery(told.get("status"))
    if delivery is None:
        raise _NotUnderstood("status")
    return _receipt(told, ids if isinstance(ids, list) else [ids], delivery, received_at)


def _delivery(status: object) -> Delivery | None:
    return _DELIVERIES.get(status.upper()) if isinstance(status, str) else None


def _receipt(told: Told, ids: Sequence[object], delivery: Delivery, received_at: datetime) -> Sequence[WireFact]:
    known = tuple(dict.fromkeys(filter(None, map(id_in, ids[:1000]))))
    if not known:
        raise _NotUnderstood("messageId")
    code = plain(_failure(told.get("error"))) if delivery is Delivery.FAILED else ""
    at = _time(told, received_at)
    return (WireReceipt(provider_ids=known, chat=_chat(told), delivery=delivery, at=at, code=code),)


def _failure(error: object) -> str:
    """Why a message failed, as a text or in an object's members."""
    if not isinstance(error, dict):
        return name_in(error)
    return " · ".join(filter(None, (name_in(error.get(name)) for name in ("code", "error", "message", "reason"))))


_READERS: Final[Mapping[str, Callable[[Told, datetime], Sequence[WireFact]]]] = MappingProxyType(
    {"receivedcallback": _message, "deliverycallback": _handed_over, "messagestatuscallback": _status}
)
_CHECKS: Final = frozenset({"connectedcallback", "disconnectedcallback"})
_NOTHING_TO_KEEP: Final = _CHECKS | {"presencechatcallback"}


def _chat(told: Told) -> tuple[Address, ...]:
    """Every name of the conversation, the hidden one first: a phone may be missing, or be the hidden one again."""
    written = address(name_in(told.get("phone")), group=bool(flag(told.get("isGroup"))))
    if written is not None and written.kind in _MANY:
        return (written,)
    if flag(told.get("isGroup")):
        return ()
    theirs = None if flag(told.get("fromMe")) else told.get("senderLid")
    return _named(told.get("chatLid"), theirs, told.get("phone"))


def _sender(told: Told, chat: tuple[Address, ...], *, from_me: bool) -> tuple[Address, ...]:
    if from_me:
        return _named(told.get("senderLid"), told.get("connectedPhone"))
    if chat[0].kind in _MANY:
        return _named(told.get("participantLid"), told.get("participantPhone"))
    return chat


def _named(*names: object) -> tuple[Address, ...]:
    found = [each for name in names if (each := address(name_in(name))) is not None and each.kind not in _MANY]
    hidden = {f"+{each.value}" for each in found if each.kind is AddressKind.LID}
    return tuple(dict.fromkeys(each for each in found if each.value not in hidden))  # a hidden id without its ending


def _name(value: object) -> str:
    """What a group is called; its number in place of a name is none."""
    name = text_in(value).strip()[:_NAME_LENGTH]
    return "" if address(name, group=True) is not None else name


def _time(told: Told, received_at: datetime) -> datetime:
    sent_at = moment(told.get("momment"))
    return received_at if sent_at is None or sent_at > received_at + _EARLY else sent_at
