"""What Z-API's webhooks tell, in the history's words (webhooks/on-message-received and its neighbours).

The time of everything is really spelled ``momment``, and comes in milliseconds or in seconds. Booleans may be texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from app.domain.messages import Address, AddressKind, Delivery, WireFact, WireMessage, WireReceipt
from app.domain.phone import is_e164
from app.domain.webhooks import Callback
from app.providers.zapi.content import content_of
from app.providers.zapi.reading import id_in, json_in, moment, text_in

_INSTANCE: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_GROUP: Final = re.compile(r"(\d{5,30}(?:-\d{5,20})?)(?:-group)?")
_LID: Final = re.compile(r"(\d{3,30})@lid")
_EARLY: Final = timedelta(days=1)  # a clock may be wrong; a message from further in the future was sent when it came
_NAME_LENGTH: Final = 200

_DELIVERIES: Final = MappingProxyType(
    {"SENT": Delivery.SENT, "RECEIVED": Delivery.DELIVERED, "READ": Delivery.READ, "PLAYED": Delivery.READ}
)
"""``READ_BY_ME`` is what the mentorado read of other people's messages: no news of ours."""

Told = Mapping[str, Any]


def read_callback(body: bytes, received_at: datetime) -> Sequence[Callback]:
    """What one delivery says. Raises `ValueError` for what is none; leaves out what nobody here would keep."""
    told = json_in(body)
    told = told if isinstance(told, dict) else {}
    key, kind = text_in(told.get("instanceId")), text_in(told.get("type")).lower()
    if not _INSTANCE.fullmatch(key) or not kind:
        raise ValueError("no callback of Z-API's")
    reader = _READERS.get(kind)
    facts = tuple(reader(told, received_at)) if reader is not None else ()
    return (Callback(key=key, facts=facts, check=kind in _CHECKS),)


def _message(told: Told, received_at: datetime) -> Sequence[WireFact]:
    message_id, from_me = id_in(told.get("messageId")), _flag(told.get("fromMe"))
    chat = _chat(told)
    publication = _flag(told.get("isNewsletter")) or text_in(told.get("phone")).startswith("status@")
    if not message_id or from_me is None or not chat or publication:
        return ()
    said = content_of(told)
    if said is None:
        return ()
    return (
        WireMessage(
            provider_id=f"{message_id}{said.suffix}",
            chat=chat,
            sender=_sender(told, chat, from_me=from_me),
            from_me=from_me,
            kind=said.kind,
            text=said.text,
            media=said.media,
            refers_to=said.refers_to,
            sender_name="" if from_me else text_in(told.get("senderName"))[:_NAME_LENGTH],
            sent_at=_time(told, received_at),
            received_at=received_at,
        ),
    )


def _handed_over(told: Told, received_at: datetime) -> Sequence[WireFact]:
    """Handed to WhatsApp, not to the person; with an error, not even that."""
    delivery = Delivery.FAILED if told.get("error") else Delivery.SENT
    return _receipt(told, [told.get("messageId")], delivery, received_at)


def _status(told: Told, received_at: datetime) -> Sequence[WireFact]:
    status, ids = told.get("status"), told.get("ids")
    delivery = _DELIVERIES.get(status) if isinstance(status, str) else None
    if delivery is None or not isinstance(ids, list):
        return ()
    return _receipt(told, ids, delivery, received_at)


def _receipt(told: Told, ids: Sequence[object], delivery: Delivery, received_at: datetime) -> Sequence[WireFact]:
    known = tuple(dict.fromkeys(filter(None, map(id_in, ids[:1000]))))
    if not known:
        return ()
    return (WireReceipt(provider_ids=known, chat=_chat(told), delivery=delivery, at=_time(told, received_at)),)


_READERS: Final[Mapping[str, Callable[[Told, datetime], Sequence[WireFact]]]] = MappingProxyType(
    {"receivedcallback": _message, "deliverycallback": _handed_over, "messagestatuscallback": _status}
)
_CHECKS: Final = frozenset({"connectedcallback", "disconnectedcallback"})


def _chat(told: Told) -> tuple[Address, ...]:
    """Every name of the conversation, the hidden one first: a phone may be missing, or be the hidden one again."""
    if _flag(told.get("isGroup")) or text_in(told.get("phone")).endswith("-group"):
        return _named(told.get("phone"), group=True)
    theirs = None if _flag(told.get("fromMe")) else told.get("senderLid")
    return _named(told.get("chatLid"), theirs, told.get("phone"))


def _sender(told: Told, chat: tuple[Address, ...], *, from_me: bool) -> tuple[Address, ...]:
    if from_me:
        return _named(told.get("senderLid"), told.get("connectedPhone"))
    if chat[0].kind is AddressKind.GROUP:
        return _named(told.get("participantLid"), told.get("participantPhone"))
    return chat


def _named(*names: object, group: bool = False) -> tuple[Address, ...]:
    found = (_address(text_in(name), group=group) for name in names)
    return tuple(dict.fromkeys(address for address in found if address is not None))


def _address(name: str, *, group: bool) -> Address | None:
    if not name.isascii():
        return None
    if group:
        match = _GROUP.fullmatch(name)
        return Address(AddressKind.GROUP, match[1]) if match else None
    if match := _LID.fullmatch(name):
        return Address(AddressKind.LID, match[1])
    number = f"+{name.removeprefix('+')}"
    return Address(AddressKind.PHONE, number) if is_e164(number) else None


def _time(told: Told, received_at: datetime) -> datetime:
    sent_at = moment(told.get("momment"))
    return received_at if sent_at is None or sent_at > received_at + _EARLY else sent_at


def _flag(value: object) -> bool | None:
    """What is missing is no; None is nonsense."""
    if value is None or isinstance(value, bool):
        return bool(value)
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None
