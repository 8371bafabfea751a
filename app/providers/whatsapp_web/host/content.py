"""What a message says: one of about a hundred kinds of content (waE2E/WAWebProtobufsE2E.proto), in our few.

What we do not know is kept as `OTHER`, never dropped; what only keeps devices in step is no message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.unknown_fields import UnknownFieldSet

from app.domain.messages import Media, MessageKind

_K = MessageKind

TEXT_LIMIT: Final = 1 << 18
"""Characters; WhatsApp's own apps stop at 65,536."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one message says."""

    kind: MessageKind
    text: str = ""
    media: Media | None = None
    refers_to: str | None = None


_WRAPPERS: Final = frozenset({"FutureProofMessage", "DeviceSentMessage"})
"""Messages around a message: ephemeral, view once, with caption, edited, sent by another device, and newer ones.
whatsmeow opens those it knows; whoever reads its event finds the rest still closed."""

_NOT_SAID: Final = frozenset(
    {"messageContextInfo", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"}
)
"""What travels along with a message. Alone, it hands out a group's keys: what is said follows, with the same id."""

_REVOKE, _EDIT = 0, 14  # ProtocolMessage.Type


def content_of(message: Any) -> Content | None:
    """What *message* says; None when it is between devices only."""
    for _ in range(8):
        inner = next(_wrapped(message), None)
        if inner is None:
            break
        message = inner
    said = [(field.name, value) for field, value in message.ListFields() if field.name not in _NOT_SAID]
    if not said:
        # A content that is newer than this protobuf is there, but has no name.
        return Content(kind=_K.OTHER) if len(UnknownFieldSet(message)) else None
    for name, value in said:
        if name == "protocolMessage":
            return _protocol(value)
        if (read := _READERS.get(name)) is not None:
            return _cut(read(value))
    return Content(kind=_K.OTHER, refers_to=_target(said[0][1]))


def _wrapped(message: Any) -> Iterator[Any]:
    for field, value in message.ListFields():
        kind = field.message_type
        if kind is not None and kind.name in _WRAPPERS and value.HasField("message"):
            yield value.message


def _protocol(said: Any) -> Content | None:
    if said.type == _REVOKE and said.HasField("key"):
        return Content(kind=_K.REVOCATION, refers_to=said.key.ID)
    if said.type == _EDIT and said.HasField("editedMessage"):
        edited = content_of(said.editedMessage)
        return Content(kind=_K.EDIT, text=edited.text if edited else "", refers_to=said.key.ID)
    return None  # settings, keys, histories: the library's business


def _target(said: Any) -> str | None:
    """What an encrypted reaction, a vote, a pin and others like them are about."""
    for name in ("key", "targetMessageKey", "pollCreationMessageKey"):
        if name in getattr(said, "DESCRIPTOR", _NOTHING).fields_by_name and said.HasField(name):
            return str(getattr(said, name).ID) or None
    return _quoted(said)


class _Nothing:
    fields_by_name: Mapping[str, object] = MappingProxyType({})


_NOTHING: Final = _Nothing()


def _quoted(said: Any) -> str | None:
    fields = getattr(said, "DESCRIPTOR", _NOTHING).fields_by_name
    if "contextInfo" not in fields or not said.HasField("contextInfo"):
        return None
    return str(said.contextInfo.stanzaID) or None


def _cut(content: Content) -> Content:
    if len(content.text) <= TEXT_LIMIT:
        return content
    return Content(
        kind=content.kind, text=content.text[:TEXT_LIMIT] + "…", media=content.media, refers_to=content.refers_to
    )


def _words(kind: MessageKind, *paths: str) -> Callable[[Any], Content]:
    """Reads the first of the fields at *paths* that says something, and what is quoted."""

    def read(said: Any) -> Content:
        return Content(kind=kind, text=_first(said, paths), refers_to=_quoted(said))

    return read


def _first(said: Any, paths: tuple[str, ...]) -> str:
    for path in paths:
        value = said
        for name in path.split("."):
            value = getattr(value, name, "")
        if value:
            return str(value)
    return ""


def _file(kind: MessageKind, caption: str = "caption") -> Callable[[Any], Content]:
    def read(said: Any) -> Content:
        seconds = getattr(said, "seconds", 0)
        name = getattr(said, "fileName", "") or getattr(said, "title", "")
        media = Media(mime=said.mimetype, name=name, size=said.fileLength or None, seconds=seconds or None)
        return Content(kind=kind, text=str(getattr(said, caption, "")), media=media, refers_to=_quoted(said))

    return read


def _audio(said: Any) -> Content:
    return _file(_K.VOICE if said.PTT else _K.AUDIO)(said)


def _contacts(said: Any) -> Content:
    names = [contact.displayName for contact in said.contacts]
    return Content(kind=_K.CONTACT, text=", ".join(filter(None, names)) or said.displayName, refers_to=_quoted(said))


def _location(said: Any) -> Content:
    place = ", ".join(filter(None, (said.name, said.address, said.comment)))
    where = f"{said.degreesLatitude:.6f}, {said.degreesLongitude:.6f}"
    return Content(kind=_K.LOCATION, text=f"{place} ({where})" if place else where, refers_to=_quoted(said))


def _live_location(said: Any) -> Content:
    where = f"{said.degreesLatitude:.6f}, {said.degreesLongitude:.6f}"
    return Content(kind=_K.LOCATION, text=f"{said.caption} ({where})" if said.caption else where)


def _poll(said: Any) -> Content:
    lines = [said.name, *(f"- {option.optionName}" for option in said.options)]
    return Content(kind=_K.POLL, text="\n".join(lines), refers_to=_quoted(said))


def _reaction(said: Any) -> Content:
    return Content(kind=_K.REACTION, text=said.text, refers_to=said.key.ID)


_READERS: Final[Mapping[str, Callable[[Any], Content]]] = MappingProxyType(
    {
        "conversation": lambda said: Content(kind=_K.TEXT, text=said),
        "extendedTextMessage": _words(_K.TEXT, "text"),
        "imageMessage": _file(_K.IMAGE),
        "videoMessage": _file(_K.VIDEO),
        "ptvMessage": _file(_K.VIDEO),
        "audioMessage": _audio,
        "documentMessage": _file(_K.DOCUMENT),
        "stickerMessage": _file(_K.STICKER, caption=""),
        "contactMessage": _words(_K.CONTACT, "displayName"),
        "contactsArrayMessage": _contacts,
        "locationMessage": _location,
        "liveLocationMessage": _live_location,
        **{f"pollCreationMessage{version}": _poll for version in ("", "V2", "V3", "V5", "V6")},
        "reactionMessage": _reaction,
        # What businesses send and what people choose of it: shown as the text it is on the phone.
        "buttonsMessage": _words(_K.TEXT, "contentText", "text"),
        "buttonsResponseMessage": _words(_K.TEXT, "selectedDisplayText"),
        "listMessage": _words(_K.TEXT, "description", "title"),
        "listResponseMessage": _words(_K.TEXT, "title", "description"),
        "templateMessage": _words(
            _K.TEXT, "hydratedTemplate.hydratedContentText", "hydratedFourRowTemplate.hydratedContentText"
        ),
        "templateButtonReplyMessage": _words(_K.TEXT, "selectedDisplayText"),
        "interactiveMessage": _words(_K.TEXT, "body.text"),
        "interactiveResponseMessage": _words(_K.TEXT, "body.text"),
        "groupInviteMessage": _words(_K.OTHER, "caption", "groupName"),
        "eventMessage": _words(_K.OTHER, "name"),
        "productMessage": _words(_K.OTHER, "product.title"),
        "orderMessage": _words(_K.OTHER, "message", "orderTitle"),
    }
)
