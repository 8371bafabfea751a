"""The messages of `protocol` as lines of JSON, and back with nothing taken on trust."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar

from app.domain.link_status import Reason
from app.domain.messages import (
    Address,
    AddressKind,
    DeliveryReceipt,
    DeliveryStatus,
    Media,
    MessageKind,
    MessageUpdate,
    ProviderMessage,
    SetAsideReason,
    WirePreference,
    WireUnknown,
)
from app.providers.whatsapp_web.protocol import (
    Account,
    Answer,
    Close,
    Confirm,
    Facts,
    FromHost,
    LoginStatus,
    LogLine,
    LogOut,
    Open,
    OpenMode,
    PairPhone,
    Ping,
    Pong,
    QrText,
    Ready,
    SendText,
    SessionState,
    SetLogging,
    SignOfLife,
    StateChanged,
    ToHost,
    Unable,
)


def message_to_json(fact: MessageUpdate) -> dict[str, Any]:
    """*fact* as JSON can say it; what is empty is left out."""
    match fact:
        case DeliveryReceipt():
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
        case ProviderMessage():
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


def message_from_json(plain: object) -> MessageUpdate:
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


def fact_in(plain: object) -> MessageUpdate:
    """Like `from_plain`, for one fact among others: what cannot be read is `WireUnknown`, and the others are taken."""
    try:
        return message_from_json(plain)
    except ValueError as error:
        why = type(error).__name__
        return WireUnknown(kind="fact", payload=json.dumps(plain), at=datetime.fromtimestamp(0, UTC), detail=why)


def _message(plain: Mapping[str, Any]) -> ProviderMessage:
    media = plain.get("media")
    return ProviderMessage(
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


def _receipt(plain: Mapping[str, Any]) -> DeliveryReceipt:
    return DeliveryReceipt(
        provider_ids=tuple(_text(each) for each in plain["ids"]),
        chat=_addresses(plain.get("chat", [])),
        delivery=DeliveryStatus(plain["delivery"]),
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


_M = TypeVar("_M")

_TO_HOST: Final[Mapping[str, type[ToHost]]] = MappingProxyType(
    {
        "open": Open,
        "send_text": SendText,
        "pair_phone": PairPhone,
        "log_out": LogOut,
        "close": Close,
        "set_logging": SetLogging,
        "confirm": Confirm,
        "ping": Ping,
    }
)
_FROM_HOST: Final[Mapping[str, type[FromHost]]] = MappingProxyType(
    {
        "ready": Ready,
        "unable": Unable,
        "code": QrText,
        "login_status": LoginStatus,
        "account": Account,
        "state": StateChanged,
        "sign_of_life": SignOfLife,
        "facts": Facts,
        "answer": Answer,
        "log": LogLine,
        "pong": Pong,
    }
)
_NAMES: Final = {kind: name for table in (_TO_HOST, _FROM_HOST) for name, kind in table.items()}


class ProtocolError(Exception):
    """A line that is not of this protocol. Its text is never repeated here: it may be a credential."""


def encode(message: ToHost | FromHost) -> bytes:
    """*message* as one line, newline included."""
    body = {"type": _NAMES[type(message)], **{f.name: getattr(message, f.name) for f in fields(message)}}
    if isinstance(message, Facts):
        body["facts"] = [message_to_json(fact) for fact in message.facts]
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def decode_to_host(line: bytes) -> ToHost:
    """What the app asked; raises `ProtocolError`."""
    return _decode(line, _TO_HOST)


def decode_from_host(line: bytes) -> FromHost:
    """What a host told; raises `ProtocolError`."""
    return _decode(line, _FROM_HOST)


def _decode(line: bytes, kinds: Mapping[str, type[_M]]) -> _M:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        raise ProtocolError("not JSON") from None
    if not isinstance(body, dict):
        raise ProtocolError("not an object")
    name = body.get("type")
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ProtocolError("a message of unknown type")
    values = {}
    for part in fields(kind):  # type: ignore[arg-type]  # every kind in the tables is a dataclass
        if part.name in body:
            values[part.name] = _checked(name, part.name, str(part.type), body[part.name])
        elif part.default is MISSING:
            raise ProtocolError(f"{name}: {part.name} is missing")
    return kind(**values)


def _facts(plain: object) -> tuple[MessageUpdate, ...]:
    return tuple(fact_in(each) for each in plain) if isinstance(plain, list) else ()


_READERS: Final[Mapping[str, tuple[tuple[type, ...], Callable[[object], object]]]] = MappingProxyType(
    {
        "str": ((str,), str),
        "int": ((int,), lambda value: value),
        "bool": ((bool,), bool),
        "float": ((int, float), lambda value: value),
        "float | None": ((int, float, type(None)), lambda value: value),
        "tuple[MessageUpdate, ...]": ((list,), _facts),
        "OpenMode": ((str,), lambda value: OpenMode(str(value))),
        "SessionState": ((str,), lambda value: SessionState(str(value))),
        "Reason": ((str,), lambda value: Reason(str(value))),
    }
)


def _checked(kind: object, name: str, annotation: str, value: object) -> object:
    allowed, read = _READERS[annotation]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise ProtocolError(f"{kind}: {name} is not of type {annotation}")
    try:
        return read(value)
    except ValueError:
        raise ProtocolError(f"{kind}: {name} has an unknown value") from None
