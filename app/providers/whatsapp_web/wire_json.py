"""Messages and receipts on their way through the pipe: plain JSON, and back with nothing taken on trust."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.domain.messages import (
    Address,
    AddressKind,
    Delivery,
    Media,
    MessageKind,
    SetAsideReason,
    WireFact,
    WireMessage,
    WirePreference,
    WireReceipt,
    WireUnknown,
)


def to_plain(fact: WireFact) -> dict[str, Any]:
    """*fact* as JSON can say it; what is empty is left out."""
    match fact:
        case WireReceipt():
            plain = {
                "ids": list(fact.provider_ids),
                "chat": _plain_addresses(fact.chat),
                "delivery": fact.delivery.value,
                "at": fact.at.timestamp(),
            }
            why = {"code": fact.code, "why": fact.detail}
            return {**plain, **{name: value for name, value in why.items() if value}}
        case WirePreference():
            return {"stopped": fact.stopped, "who": _plain_addresses(fact.who), "at": fact.at.timestamp()}
        case WireUnknown():
            return {
                "unknown": fact.kind,
                "payload": fact.payload,
                "at": fact.at.timestamp(),
                "about": _plain_addresses(fact.about),
                "reason": fact.reason.value,
                "detail": fact.detail,
            }
        case WireMessage():
            media = fact.media
            plain = {
                "id": fact.provider_id,
                "chat": _plain_addresses(fact.chat),
                "sender": _plain_addresses(fact.sender),
                "from_me": fact.from_me,
                "kind": fact.kind.value,
                "text": fact.text,
                "media": None if media is None else [media.mime, media.name, media.size, media.seconds],
                "refers_to": fact.refers_to,
                "sender_name": fact.sender_name,
                "chat_name": fact.chat_name,
                "sent_at": fact.sent_at.timestamp(),
                "received_at": fact.received_at.timestamp(),
            }
            return {name: value for name, value in plain.items() if value not in ("", None, [])}


def from_plain(plain: object) -> WireFact:
    """The fact that *plain* says; raises `ValueError`."""
    try:
        if not isinstance(plain, Mapping):
            raise TypeError
        if "unknown" in plain:
            return _unknown(plain)
        if "stopped" in plain:
            return _preference(plain)
        return _message(plain) if "id" in plain else _receipt(plain)
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(type(error).__name__) from None


def fact_in(plain: object) -> WireFact:
    """Like `from_plain`, for one fact among others: what cannot be read is `WireUnknown`, and the others are taken."""
    try:
        return from_plain(plain)
    except ValueError as error:
        why = type(error).__name__
        return WireUnknown(kind="fact", payload=json.dumps(plain), at=datetime.fromtimestamp(0, UTC), detail=why)


def _message(plain: Mapping[str, Any]) -> WireMessage:
    media = plain.get("media")
    return WireMessage(
        provider_id=_text(plain["id"]),
        chat=_addresses(plain.get("chat", [])),
        sender=_addresses(plain.get("sender", [])),
        from_me=plain["from_me"] is True,
        kind=MessageKind(plain["kind"]),
        text=_text(plain.get("text", "")),
        media=None if media is None else _media(*media),
        refers_to=None if plain.get("refers_to") is None else _text(plain["refers_to"]),
        sender_name=_text(plain.get("sender_name", "")),
        chat_name=_text(plain.get("chat_name", "")),
        sent_at=_time(plain["sent_at"]),
        received_at=_time(plain["received_at"]),
    )


def _receipt(plain: Mapping[str, Any]) -> WireReceipt:
    return WireReceipt(
        provider_ids=tuple(_text(each) for each in plain["ids"]),
        chat=_addresses(plain.get("chat", [])),
        delivery=Delivery(plain["delivery"]),
        at=_time(plain["at"]),
        code=_text(plain.get("code", "")),
        detail=_text(plain.get("why", "")),
    )


def _preference(plain: Mapping[str, Any]) -> WirePreference:
    return WirePreference(who=_addresses(plain["who"]), stopped=plain["stopped"] is True, at=_time(plain["at"]))


def _unknown(plain: Mapping[str, Any]) -> WireUnknown:
    return WireUnknown(
        kind=_text(plain["unknown"]),
        payload=_text(plain["payload"]),
        at=_time(plain["at"]),
        about=_addresses(plain["about"]),
        reason=SetAsideReason(plain["reason"]),
        detail=_text(plain["detail"]),
    )


def _media(mime: object, name: object, size: object, seconds: object) -> Media:
    return Media(mime=_text(mime), name=_text(name), size=_count(size), seconds=_count(seconds))


def _plain_addresses(addresses: tuple[Address, ...]) -> list[list[str]]:
    return [[address.kind.value, address.value] for address in addresses]


def _addresses(plain: list[tuple[str, str]]) -> tuple[Address, ...]:
    return tuple(Address(AddressKind(kind), _text(value)) for kind, value in plain)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _count(value: object) -> int | None:
    if value is not None and not isinstance(value, int):
        raise TypeError
    return value


def _time(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except OSError:
        raise OverflowError from None
