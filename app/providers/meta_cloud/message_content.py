"""What one message of a webhook says, by its ``type``: its kind, its words, its file, and what it refers to.

Field names are those of Meta's reference for the ``messages`` webhook. A type that is not known here is `OTHER` and
`understood` is False: whoever reads it keeps the payload.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from app.domain.messages import REFERRING, Media, MessageKind
from app.providers.meta_cloud.plain import mapping, mappings, number, text

DEEPEST: Final = 8
"""Levels of a form's answers that are written out."""

_K = MessageKind
_POINTER: Final = "\u2197 "  # the line that says through what the person came
_MEDIA: Final[Mapping[str, MessageKind]] = MappingProxyType(
    {
        "image": _K.IMAGE,
        "video": _K.VIDEO,
        "audio": _K.AUDIO,
        "voice": _K.VOICE,
        "document": _K.DOCUMENT,
        "sticker": _K.STICKER,
    }
)
_OF_THE_FORM: Final = frozenset({"flow_token"})
"""Keys of a form's answers that the person did not fill in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a message says."""

    kind: MessageKind = MessageKind.OTHER
    text: str = ""
    media: Media | None = None
    refers_to: str = ""
    understood: bool = True


def content_of(message: Mapping[str, Any]) -> Content:
    """The content of *message*, an object with a ``type`` and a member of that name."""
    kind = text(message.get("type"))
    reader = _READERS.get(kind)
    read = Content(understood=False) if reader is None else reader(message.get(kind))
    if read.kind in REFERRING and not read.refers_to:
        read = replace(read, kind=MessageKind.OTHER, understood=False)
    if read.kind in REFERRING:
        return read
    came_by = _referral(message)
    return replace(
        read,
        text="\n".join(filter(None, (read.text, came_by))),
        refers_to=read.refers_to or text(mapping(message.get("context")).get("id")),
    )


def _file(kind: MessageKind) -> Callable[[object], Content]:
    def read(value: object) -> Content:
        said = mapping(value)
        media = Media(
            mime=text(said.get("mime_type")), name=text(said.get("filename")), size=number(said.get("file_size"))
        )
        spoken = kind is MessageKind.AUDIO and said.get("voice") is True
        return Content(kind=MessageKind.VOICE if spoken else kind, text=text(said.get("caption")), media=media)

    return read


def _words(key: str) -> Callable[[object], Content]:
    return lambda value: Content(kind=MessageKind.TEXT, text=text(mapping(value).get(key)))


def _reaction(value: object) -> Content:
    said = mapping(value)
    return Content(kind=_K.REACTION, text=text(said.get("emoji")), refers_to=text(said.get("message_id")))


def _edit(value: object) -> Content:
    """The new words: the text of a text, the caption of a file. Without a message in it nothing is emptied."""
    said = mapping(value)
    inner = mapping(said.get("message"))
    kind = text(inner.get("type"))
    if not kind or not isinstance(inner.get(kind), dict):
        return Content(understood=False)
    new = content_of({"type": kind, kind: inner[kind]})
    if new.kind is MessageKind.OTHER or new.kind in REFERRING or (new.media is None and not new.text):
        return Content(text=new.text, understood=False)
    return Content(kind=_K.EDIT, text=new.text, refers_to=text(said.get("original_message_id")))


def _revocation(value: object) -> Content:
    return Content(kind=_K.REVOCATION, refers_to=text(mapping(value).get("original_message_id")))


def _location(value: object) -> Content:
    """Name, address, link and coordinates, as far as they are told."""
    said = mapping(value)
    place = ", ".join(filter(None, (text(said.get(name)) for name in ("name", "address"))))
    known = [said.get(name) for name in ("latitude", "longitude")]
    where = ", ".join(shown for each in known if (shown := _scalar(each)))
    if where and place:
        place, where = f"{place} ({where})", ""
    return Content(kind=_K.LOCATION, text="\n".join(filter(None, (place or where, text(said.get("url"))))))


def _cards(value: object) -> Content:
    """One line for each person: the name, numbers, and addresses."""
    return Content(kind=_K.CONTACT, text="\n".join(filter(None, map(_card, mappings(value)))))


def _card(card: Mapping[str, Any]) -> str:
    named, work = mapping(card.get("name")), mapping(card.get("org"))
    parts = (text(named.get(each)) for each in ("first_name", "middle_name", "last_name"))
    name = text(named.get("formatted_name")) or " ".join(filter(None, parts)) or text(work.get("company"))
    numbers = [card_number(each) for each in mappings(card.get("phones"))]
    mail = [text(each.get("email")) for each in mappings(card.get("emails"))]
    return " · ".join(filter(None, (name, *numbers, *mail)))


def card_number(phone: Mapping[str, Any]) -> str:
    """A number of a card as it is written there, or the account's where nothing is written."""
    written, account = text(phone.get("phone")), text(phone.get("wa_id"))
    return written or (f"+{account}" if account.isdigit() else account)


def _order(value: object) -> Content:
    """What was written with the order, and a line for each item: quantity, product and price."""
    said = mapping(value)
    lines = [text(said.get("text")), *map(_item, mappings(said.get("product_items")))]
    return Content(kind=_K.TEXT, text="\n".join(filter(None, lines)))


def _item(item: Mapping[str, Any]) -> str:
    quantity, product = _scalar(item.get("quantity")), _scalar(item.get("product_retailer_id"))
    price = " ".join(filter(None, (_scalar(item.get("item_price")), text(item.get("currency")))))
    named = " × ".join(filter(None, (quantity, product)))
    return " · ".join(filter(None, (named, price)))


def _interactive(value: object) -> Content:
    """The button, the row or the answers that were given."""
    said = mapping(value)
    for kind in ("button_reply", "list_reply"):
        chosen = mapping(said.get(kind))
        if chosen:
            words = (text(chosen.get("title")) or text(chosen.get("id")), text(chosen.get("description")))
            return Content(kind=_K.TEXT, text="\n".join(filter(None, words)))
    if (form := mapping(said.get("nfm_reply"))) or "nfm_reply" in said:
        return Content(kind=_K.TEXT, text=_answers(form))
    kind = text(said.get("type"))
    lines = tuple(_lines(said.get(kind))) if kind else ()
    return Content(kind=_K.TEXT if lines else _K.OTHER, text="\n".join(lines), understood=bool(lines))


def _answers(form: Mapping[str, Any]) -> str:
    """What was filled into a form, a line for each answer; the form's own words where there is none."""
    raw = form.get("response_json")
    try:
        answers = json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):
        answers = text(raw)  # kept as it came
    lines = list(_lines(answers))
    return "\n".join(lines) or text(form.get("body"))


def _lines(value: object, name: str = "", depth: int = 0) -> Iterator[str]:
    """``name: value`` for each plain value; names of nested objects are joined by a dot, plain lists by a comma."""
    if isinstance(value, dict) and depth < DEEPEST:
        for key, each in value.items():
            if not (depth == 0 and key in _OF_THE_FORM):
                yield from _lines(each, f"{name}.{text(key)}" if name else text(key), depth + 1)
        return
    if isinstance(value, list) and depth < DEEPEST and any(isinstance(each, dict | list) for each in value):
        for count, each in enumerate(value, 1):
            yield from _lines(each, f"{name}.{count}" if name else str(count), depth + 1)
        return
    shown = ", ".join(filter(None, map(_scalar, value))) if isinstance(value, list) else _scalar(value)
    if shown:
        yield f"{name}: {shown}" if name else shown


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        try:
            return str(value)
        except ValueError:  # a number with more digits than Python writes out
            return ""
    return text(value)


def _referral(message: Mapping[str, Any]) -> str:
    """The advertisement, post or product through which the person came, on a line of its own."""
    said = mapping(message.get("referral"))
    parts = [text(said.get(name)) for name in ("headline", "body", "source_url")]
    if said and not any(parts):
        parts = [text(said.get(name)) for name in ("source_type", "source_id")]
    product = mapping(mapping(message.get("context")).get("referred_product"))
    parts += [text(product.get(name)) for name in ("catalog_id", "product_retailer_id")]
    shown = " · ".join(" ".join(part.split()) for part in parts if part)
    return f"{_POINTER}{shown}" if shown else ""


def _notice(value: object) -> Content:
    """What WhatsApp says about the person: a number or an identity that changed."""
    return Content(text=text(mapping(value).get("body")))


def _unsupported(value: object) -> Content:
    """What the Cloud API itself cannot hand over."""
    return Content(text=text(mapping(value).get("type")).replace("_", " "))


_READERS: Final[Mapping[str, Callable[[object], Content]]] = MappingProxyType(
    {
        **{name: _file(kind) for name, kind in _MEDIA.items()},
        "text": _words("body"),
        "button": _words("text"),
        "reaction": _reaction,
        "edit": _edit,
        "revoke": _revocation,
        "location": _location,
        "contacts": _cards,
        "order": _order,
        "interactive": _interactive,
        "system": _notice,
        "unsupported": _unsupported,
        "media_placeholder": lambda _: Content(kind=_K.UNREADABLE),  # the file's own message follows under its id
    }
)
