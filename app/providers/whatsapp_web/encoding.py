"""The messages of `protocol` as lines of JSON, and back with nothing taken on trust."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Final, TypeVar

from app.domain.connection import Reason
from app.domain.messages import WireFact
from app.providers.whatsapp_web.protocol import (
    Account,
    Answer,
    Close,
    Code,
    Confirm,
    Facts,
    FromHost,
    LoginStatus,
    LogLine,
    LogOut,
    Mode,
    Open,
    PairPhone,
    Ping,
    Pong,
    Ready,
    SendText,
    SessionState,
    SetLogging,
    SignOfLife,
    StateChanged,
    ToHost,
    Unable,
)
from app.providers.whatsapp_web.wire_json import fact_in, to_plain

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
        "code": Code,
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
        body["facts"] = [to_plain(fact) for fact in message.facts]
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


def _facts(plain: object) -> tuple[WireFact, ...]:
    return tuple(fact_in(each) for each in plain) if isinstance(plain, list) else ()


_READERS: Final[Mapping[str, tuple[tuple[type, ...], Callable[[object], object]]]] = MappingProxyType(
    {
        "str": ((str,), str),
        "int": ((int,), lambda value: value),
        "bool": ((bool,), bool),
        "float": ((int, float), lambda value: value),
        "float | None": ((int, float, type(None)), lambda value: value),
        "tuple[WireFact, ...]": ((list,), _facts),
        "Mode": ((str,), lambda value: Mode(str(value))),
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
