"""What a message says: one of some thirty kinds of content that Z-API names, in our few.

What we do not know is kept as `OTHER`, never dropped; a notification is no message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from app.domain.messages import Media, MessageKind
from app.providers.zapi.reading import id_in, text_in

_K = MessageKind

TEXT_LIMIT: Final = 1 << 18
"""Characters; WhatsApp's own apps stop at 65,536."""

_REVOKED: Final = "REVOKE"
_SEALED: Final = "CIPHERTEXT"  # it arrived, and could not be decrypted

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one message says. *suffix* tells its id from that of the message it changes."""

    kind: MessageKind
    text: str = ""
    media: Media | None = None
    refers_to: str | None = None
    suffix: str = ""


def content_of(told: Told) -> Content | None:
    """What *told* says; None for what only the phone notes: calls, members who come and go."""
    notification = told.get("notification")
    if notification == _REVOKED:
        return Content(kind=_K.REVOCATION, refers_to=_id(told.get("messageId")), suffix="-revocation")
    if notification == _SEALED:
        return Content(kind=_K.UNREADABLE)
    if notification:
        return None
    said = _said(told)
    if told.get("isEdit") in (True, "true"):
        return _edit(told, said)
    quoted = _id(told.get("referenceMessageId"))
    return said if said.refers_to or not quoted else _refer(said, quoted)


def _said(told: Told) -> Content:
    for name, read in _READERS.items():
        if isinstance(value := told.get(name), dict):
            said = read(value)
            return said if len(said.text) <= TEXT_LIMIT else _cut(said)
    return Content(kind=_K.UNREADABLE if told.get("waitingMessage") in (True, "true") else _K.OTHER)


def _edit(told: Told, said: Content) -> Content:
    """An edit comes with the id of what it edits; a later one of the same message differs in its time."""
    target = _id(told.get("editMessageId")) or _id(told.get("messageId"))
    when = told.get("momment")
    suffix = f"-edit-{when}" if isinstance(when, int) and 0 < when < 10**15 else "-edit"
    return Content(kind=_K.EDIT, text=said.text, refers_to=target, suffix=suffix)


def _refer(said: Content, to: str) -> Content:
    return Content(kind=said.kind, text=said.text, media=said.media, refers_to=to)


def _cut(said: Content) -> Content:
    return Content(kind=said.kind, text=said.text[:TEXT_LIMIT] + "…", media=said.media, refers_to=said.refers_to)


def _id(value: object) -> str | None:
    return id_in(value) or None


def _words(kind: MessageKind, *names: str) -> Callable[[Told], Content]:
    """Reads the first of the fields called *names* that says something."""

    def read(said: Told) -> Content:
        return Content(kind=kind, text=next(filter(None, (text_in(said.get(name)) for name in names)), ""))

    return read


def _file(kind: MessageKind, *names: str) -> Callable[[Told], Content]:
    def read(said: Told) -> Content:
        name = next(filter(None, (text_in(said.get(each)) for each in names)), "")
        seconds = said.get("seconds")
        lasts = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < 10**6 else None
        media = Media(mime=text_in(said.get("mimeType"))[:100], name=name[:200], seconds=lasts)
        return Content(kind=kind, text=text_in(said.get("caption")), media=media)

    return read


def _audio(said: Told) -> Content:
    return _file(_K.VOICE if said.get("ptt") is True else _K.AUDIO)(said)


def _location(said: Told) -> Content:
    place = ", ".join(filter(None, (text_in(said.get("name")), text_in(said.get("address")))))
    numbers = [said.get("latitude"), said.get("longitude")]
    degrees = [f"{number:.6f}" for number in numbers if isinstance(number, int | float) and abs(number) <= 180]
    where = ", ".join(degrees) if len(degrees) == len(numbers) else ""
    return Content(kind=_K.LOCATION, text=f"{place} ({where})" if place and where else place or where)


def _poll(said: Told) -> Content:
    options = said.get("options")
    names = (
        [text_in(each.get("name")) for each in options if isinstance(each, dict)] if isinstance(options, list) else []
    )
    return Content(kind=_K.POLL, text="\n".join([text_in(said.get("question")), *(f"- {name}" for name in names)]))


def _reaction(said: Told) -> Content:
    target = said.get("referencedMessage")
    refers_to = _id(target.get("messageId")) if isinstance(target, dict) else None
    # Without what it is about it would be shown nowhere.
    kind = _K.REACTION if refers_to else _K.OTHER
    return Content(kind=kind, text=text_in(said.get("value")), refers_to=refers_to, suffix="-reaction")


_READERS: Final[Mapping[str, Callable[[Told], Content]]] = MappingProxyType(
    {
        "reaction": _reaction,
        "image": _file(_K.IMAGE),
        "video": _file(_K.VIDEO),
        "ptv": _file(_K.VIDEO),
        "audio": _audio,
        "document": _file(_K.DOCUMENT, "fileName", "title"),
        "sticker": _file(_K.STICKER),
        "contact": _words(_K.CONTACT, "displayName"),
        "location": _location,
        "poll": _poll,
        # What businesses send and what people choose of it: shown as the text it is on the phone.
        "buttonsResponseMessage": _words(_K.TEXT, "message"),
        "listResponseMessage": _words(_K.TEXT, "message", "title"),
        "buttonsMessage": _words(_K.TEXT, "message"),
        "listMessage": _words(_K.TEXT, "description", "title"),
        "hydratedTemplate": _words(_K.TEXT, "message"),
        "text": _words(_K.TEXT, "message"),
        "product": _words(_K.OTHER, "title"),
        "order": _words(_K.OTHER, "message", "orderTitle"),
    }
)
