"""What readers of contents have in common (waE2E/WAWebProtobufsE2E.proto)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from app.domain.messages import Media, MessageKind

TEXT_LIMIT: Final = 1 << 18
"""Characters; WhatsApp's own apps stop at 65,536."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one message says."""

    kind: MessageKind
    text: str = ""
    media: Media | None = None
    refers_to: str | None = None
    sender_time: int | None = None  # Unix time in milliseconds by the sender's clock, of what changes another message


def target(said: Any) -> str | None:
    """What an encrypted reaction, a vote, a pin and others like them are about."""
    for name in _KEYS:
        if name in getattr(said, "DESCRIPTOR", _NOTHING).fields_by_name and said.HasField(name):
            return str(getattr(said, name).ID) or None
    return quoted(said)


_KEYS: Final = ("key", "targetMessageKey", "pollCreationMessageKey", "eventCreationMessageKey", "requestMessageKey")


class _Nothing:
    fields_by_name: Mapping[str, object] = MappingProxyType({})


_NOTHING: Final = _Nothing()


def quoted(said: Any) -> str | None:
    """The id of the message that *said* answers."""
    fields = getattr(said, "DESCRIPTOR", _NOTHING).fields_by_name
    if "contextInfo" not in fields or not said.HasField("contextInfo"):
        return None
    return str(said.contextInfo.stanzaID) or None


def joined(*parts: str, between: str = "\n") -> str:
    """The parts that say something."""
    return between.join(filter(None, parts))


def any_words(said: Any) -> str:
    """What a content that nobody here knows says in the fields in which contents have their words."""
    fields = getattr(said, "DESCRIPTOR", _NOTHING).fields_by_name
    names = ("title", "name", "text", "caption", "body", "description", "note")
    values = (getattr(said, name) for name in names if name in fields)
    return joined(*(value for value in values if isinstance(value, str)))


def file_reader(kind: MessageKind, caption: str = "caption") -> Callable[[Any], Content]:
    """Reads a message that is a file of *kind*."""

    def read(said: Any) -> Content:
        seconds = getattr(said, "seconds", 0)
        name = getattr(said, "fileName", "") or getattr(said, "title", "")
        media = Media(mime=said.mimetype, name=name, size=said.fileLength or None, seconds=seconds or None)
        return Content(kind=kind, text=str(getattr(said, caption, "")), media=media, refers_to=quoted(said))

    return read


def place(said: Any) -> str:
    """Name, address and coordinates, as far as they are told."""
    named = joined(said.name, said.address, said.comment, between=", ")
    where = f"{said.degreesLatitude:.6f}, {said.degreesLongitude:.6f}"
    return f"{named} ({where})" if named else where


def location(said: Any) -> Content:
    """A `LocationMessage`."""
    return Content(kind=MessageKind.LOCATION, text=place(said), refers_to=quoted(said))


def amount(value: object, offset: object, currency: str) -> str:
    """``BRL 49.90``: *value* is a whole number of parts, of which *offset* make one."""
    if not isinstance(value, int) or not isinstance(offset, int) or not value or offset <= 0:
        return ""
    number = Decimal(value) / Decimal(offset)
    exact = number.quantize(Decimal("0.01")) if abs(number) < 10**20 else number
    return joined(currency, f"{exact if exact == number else number.normalize():f}", between=" ")


def money(said: Any) -> str:
    """A `Money` as it is read."""
    return amount(said.value, said.offset or 1, said.currencyCode)
