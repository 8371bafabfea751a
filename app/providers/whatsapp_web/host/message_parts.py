"""What several kinds of messages have: the words, files, places and amounts in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from app.domain.messages import Media, MessageKind
from app.providers.contents import joined

TEXT_LIMIT: Final = 1 << 18
"""Characters; WhatsApp's own apps stop at 65,536."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent:
    """What one message says."""

    kind: MessageKind
    text: str = ""
    media: Media | None = None
    refers_to: str | None = None
    sender_time: int | None = None  # Unix time in milliseconds by the sender's clock, of what changes another message


def target(value: Any) -> str | None:
    """What an encrypted reaction, a vote, a pin and others like them are about."""
    for name in _KEYS:
        if name in getattr(value, "DESCRIPTOR", _NOTHING).fields_by_name and value.HasField(name):
            return str(getattr(value, name).ID) or None
    return quoted(value)


_KEYS: Final = ("key", "targetMessageKey", "pollCreationMessageKey", "eventCreationMessageKey", "requestMessageKey")


class _Nothing:
    fields_by_name: Mapping[str, object] = MappingProxyType({})


_NOTHING: Final = _Nothing()


def quoted(value: Any) -> str | None:
    """The id of the message that *value* answers."""
    fields = getattr(value, "DESCRIPTOR", _NOTHING).fields_by_name
    if "contextInfo" not in fields or not value.HasField("contextInfo"):
        return None
    return str(value.contextInfo.stanzaID) or None


def any_words(payload: Any) -> str:
    """What a content that nobody here knows says in the fields in which contents have their words."""
    fields = getattr(payload, "DESCRIPTOR", _NOTHING).fields_by_name
    names = ("title", "name", "text", "caption", "body", "description", "note")
    values = (getattr(payload, name) for name in names if name in fields)
    return joined(*(value for value in values if isinstance(value, str)))


def file_reader(kind: MessageKind, caption: str = "caption") -> Callable[[Any], MessageContent]:
    """Reads a message that is a file of *kind*."""

    def read(value: Any) -> MessageContent:
        seconds = getattr(value, "seconds", 0)
        name = getattr(value, "fileName", "") or getattr(value, "title", "")
        media = Media(mime=value.mimetype, name=name, size=value.fileLength or None, seconds=seconds or None)
        return MessageContent(kind=kind, text=str(getattr(value, caption, "")), media=media, refers_to=quoted(value))

    return read


def place(value: Any) -> str:
    """Name, address and coordinates, as far as they are told."""
    named = joined(value.name, value.address, value.comment, between=", ")
    where = f"{value.degreesLatitude:.6f}, {value.degreesLongitude:.6f}"
    return f"{named} ({where})" if named else where


def location(value: Any) -> MessageContent:
    """Content of a ``LocationMessage``."""
    return MessageContent(kind=MessageKind.LOCATION, text=place(value), refers_to=quoted(value))


def amount(value: object, offset: object, currency: str) -> str:
    """``BRL 49.90``: *value* is a whole number of parts, of which *offset* make one."""
    if not isinstance(value, int) or not isinstance(offset, int) or not value or offset <= 0:
        return ""
    number = Decimal(value) / Decimal(offset)
    exact = number.quantize(Decimal("0.01")) if abs(number) < 10**20 else number
    return joined(currency, f"{exact if exact == number else number.normalize():f}", between=" ")


def money(value: Any) -> str:
    """Text of a ``Money``."""
    return amount(value.value, value.offset or 1, value.currencyCode)
