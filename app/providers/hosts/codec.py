"""Encodes messages between the app and its child processes as lines of JSON, and decodes them with every check.

A message is a dataclass: an object with the name of its class in snake_case under ``type``, and its fields without
those that have their default. Fields nobody knows are ignored; a type nobody knows is an error.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from queue import SimpleQueue
from types import UnionType
from typing import Any, Final, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from app.domain.messages import MessageUpdate, WireUnknown

T = TypeVar("T")
_Reader = Callable[[Any], Any]
"""Makes a value of what JSON holds; raises `TypeError` or `ValueError`, and `ProtocolError` for an object's field."""


class ProtocolError(Exception):
    """A line that is not of the protocol. Its text is never repeated here: it may be a credential."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A heartbeat: the child answers at once with the same *number*, whatever else it is doing."""

    number: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a `Ping`."""

    number: int
    memory: int | None = None  # bytes that no other process shares with the child; None where it does not know


def encode(message: object) -> bytes:
    """*message* as one line, newline included."""
    return json.dumps(_fields_of(message, named=True), default=_plain, separators=(",", ":")).encode() + b"\n"


def line_decoder(messages: Any) -> Callable[[bytes], Any]:
    """What reads a line that holds one of *messages*, a union of dataclasses; it raises `ProtocolError`."""
    kinds = {_name(kind): kind for kind in get_args(messages)}

    def decode(line: bytes) -> Any:
        try:
            plain = json.loads(line)
        except (ValueError, RecursionError):
            raise ProtocolError("not JSON") from None
        return _one_of(kinds, plain)

    return decode


def read_update(plain: object) -> MessageUpdate:
    """One update among others: what cannot be read is `WireUnknown`, and the others are taken."""
    try:
        update: MessageUpdate = _one_of(_UPDATES, plain)
    except ProtocolError as error:
        return WireUnknown(kind="fact", payload=json.dumps(plain), at=datetime.fromtimestamp(0, UTC), detail=str(error))
    return update


@cache
def _name(kind: Any) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


_UPDATES: Final = {_name(kind): kind for kind in get_args(MessageUpdate)}


def _plain(value: object) -> object:
    """What `json` cannot write by itself: a time, and a dataclass within another."""
    return value.timestamp() if isinstance(value, datetime) else _fields_of(value, type(value) in _UPDATES.values())


def _fields_of(message: object, named: bool) -> dict[str, object]:
    kind: Any = type(message)
    plain: dict[str, object] = {"type": _name(kind)} if named else {}
    for name, default in _defaults(kind):
        if (value := getattr(message, name)) != default:
            plain[name] = value
    return plain


@cache
def _defaults(kind: Any) -> tuple[tuple[str, object], ...]:
    return tuple((part.name, part.default) for part in fields(kind))


def _one_of(kinds: Mapping[str, type], plain: object) -> Any:
    if not isinstance(plain, dict):
        raise ProtocolError("not an object")
    name = plain.get("type")
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ProtocolError("a message of unknown type")
    return _object(kind, plain)


def _object(kind: Any, plain: object) -> Any:
    if not isinstance(plain, dict):
        raise TypeError
    values = {}
    for name, read, annotation, needed in _readers(kind):
        if name in plain:
            try:
                values[name] = read(plain[name])
            except TypeError:
                raise ProtocolError(f"{kind.__name__}: {name} is not of type {annotation}") from None
            except (ValueError, OverflowError, OSError):
                raise ProtocolError(f"{kind.__name__}: {name} has an unknown value") from None
        elif needed:
            raise ProtocolError(f"{kind.__name__}: {name} is missing")
    return kind(**values)


@cache
def _readers(kind: Any) -> tuple[tuple[str, _Reader, str, bool], ...]:
    hints = get_type_hints(kind)
    return tuple(
        (part.name, _reader(hints[part.name]), str(part.type), part.default is MISSING) for part in fields(kind)
    )


def _reader(annotation: Any) -> _Reader:
    """How a field of type *annotation* is read."""
    if isinstance(annotation, NewType):
        return _reader(annotation.__supertype__)
    if annotation == MessageUpdate:
        return read_update
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None:
            return _plain_reader(annotation)
        case origin if origin is tuple:
            read = _reader(arguments[0])
            return lambda value: tuple(map(read, _of(list, value)))
        case origin if origin is Mapping:
            of_key, of_value = map(_reader, arguments)
            return lambda value: {of_key(key): of_value(each) for key, each in _of(dict, value).items()}
        case origin if origin in (Union, UnionType):
            (some,) = (_reader(each) for each in arguments if each is not type(None))
            return lambda value: None if value is None else some(value)
        case _:
            raise NotImplementedError(f"no message has a field of type {annotation}")


def _plain_reader(kind: type) -> _Reader:
    if is_dataclass(kind):
        return lambda value: _object(kind, value)
    if issubclass(kind, Enum):
        return lambda value: kind(_of(str, value))
    if kind is datetime:
        return lambda value: datetime.fromtimestamp(_number(value), UTC)
    return _number if kind is float else lambda value: _of(kind, value)


def _of(kind: type[T], value: object) -> T:
    """*value*, which JSON made and is of no subclass: a `bool` is no `int`."""
    if type(value) is not kind:
        raise TypeError
    return value


def _number(value: object) -> float:
    return float(_of(int, value)) if type(value) is int else _of(float, value)


class PipeWriter:
    """Writes messages to a pipe, on a thread of its own: the child's work must not wait for the app to read.

    Once nobody reads any more it calls *on_closed* on that thread, and writes nothing from then on.
    """

    def __init__(self, channel: int, on_closed: Callable[[], None] = lambda: None) -> None:
        self._channel = channel
        self._on_closed = on_closed
        self._waiting: SimpleQueue[object] = SimpleQueue()  # messages; None ends
        self._thread = threading.Thread(target=self._write, name="pipe writer", daemon=True)
        self._thread.start()

    def send(self, message: object) -> None:
        self._waiting.put(message)

    def close(self, within: float) -> None:
        """Write what is queued, waiting at most so many seconds for a reader."""
        if threading.current_thread() is not self._thread:
            self._waiting.put(None)
            self._thread.join(within)

    def _write(self) -> None:
        while (message := self._waiting.get()) is not None:
            line = memoryview(encode(message))
            try:
                while line:
                    line = line[os.write(self._channel, line) :]
            except OSError:
                self._on_closed()
                return
