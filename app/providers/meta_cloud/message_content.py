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
from app.providers.contents import list_of_dicts
from app.providers.meta_cloud.client import (
    mapping,
    number,
    text,
)

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
_CAPTIONED: Final = frozenset({_K.IMAGE, _K.VIDEO, _K.DOCUMENT})
"""Kinds whose caption may be taken away."""

_OF_THE_FORM: Final = frozenset({"flow_token"})
"""Keys of a form's answers that the person did not fill in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaContent:
    """What a message says."""

    kind: MessageKind = MessageKind.OTHER
    text: str = ""
    media: Media | None = None
    refers_to: str = ""
    understood: bool = True


def content_of(message: Mapping[str, Any]) -> MetaContent:
    """The content of *message*, an object with a ``type`` and a member of that name."""
    kind = text(message.get("type"))
    reader = _READERS.get(kind)
    read = MetaContent(understood=False) if reader is None else reader(message.get(kind))
    if read.kind is MessageKind.TEXT and not read.text:  # a bubble without a word would say that nothing was written
        read = MetaContent(understood=False)
    if not read.text and read.media is None and read.kind not in (*REFERRING, MessageKind.UNREADABLE):
        read = replace(read, understood=False)  # nothing of it would be left
    if not read.text and read.kind not in REFERRING:
        read = replace(read, text=reasons(message.get("errors")))
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


def reasons(errors: object) -> str:
    """The codes of *errors* with their titles, messages and details, each word once; one line for all."""
    return "; ".join(filter(None, map(_reason, list_of_dicts(errors))))


def _reason(error: Mapping[str, Any]) -> str:
    words = (error.get("title"), error.get("message"), mapping(error.get("error_data")).get("details"))
    parts = dict.fromkeys(filter(None, (_scalar(error.get("code")), *(" ".join(text(each).split()) for each in words))))
    return " · ".join(parts)


def _file(kind: MessageKind) -> Callable[[object], MetaContent]:
    def read(value: object) -> MetaContent:
        message = mapping(value)
        media = Media(
            mime=text(message.get("mime_type")),
            name=text(message.get("filename")),
            size=number(message.get("file_size")),
        )
        spoken = kind is MessageKind.AUDIO and message.get("voice") is True
        kept = MessageKind.VOICE if spoken else kind
        return MetaContent(
            kind=kept, text=text(message.get("caption")), media=media, understood=isinstance(value, dict)
        )

    return read


def _words(*keys: str) -> Callable[[object], MetaContent]:
    """The first of *keys* that says something, or the whole where it is a text itself."""

    def read(value: object) -> MetaContent:
        message = mapping(value)
        return MetaContent(
            kind=_K.TEXT, text=text(value) or next(filter(None, (text(message.get(key)) for key in keys)), "")
        )

    return read


def _reaction(value: object) -> MetaContent:
    message = mapping(value)
    return MetaContent(kind=_K.REACTION, text=text(message.get("emoji")), refers_to=text(message.get("message_id")))


def _edit(value: object) -> MetaContent:
    """The new words: the text of a text, the caption of a file. Without a message in it nothing is emptied."""
    message = mapping(value)
    inner = mapping(message.get("message"))
    kind = text(inner.get("type")) or next((name for name in inner if name in _READERS), "")
    if not kind or not isinstance(inner.get(kind), dict):
        return MetaContent(understood=False)
    new = content_of({"type": kind, kind: inner[kind]})
    if new.kind is MessageKind.OTHER or new.kind in REFERRING or not (new.text or new.kind in _CAPTIONED):
        return MetaContent(text=new.text, understood=False)
    return MetaContent(kind=_K.EDIT, text=new.text, refers_to=text(message.get("original_message_id")))


def _revocation(value: object) -> MetaContent:
    return MetaContent(kind=_K.REVOCATION, refers_to=text(mapping(value).get("original_message_id")))


def _location(value: object) -> MetaContent:
    """Name, address, link and coordinates, as far as they are told."""
    message = mapping(value)
    place = ", ".join(filter(None, (text(message.get(name)) for name in ("name", "address"))))
    known = [message.get(name) for name in ("latitude", "longitude")]
    where = ", ".join(shown for each in known if (shown := _scalar(each)))
    if where and place:
        place, where = f"{place} ({where})", ""
    return MetaContent(kind=_K.LOCATION, text="\n".join(filter(None, (place or where, text(message.get("url"))))))


def _cards(value: object) -> MetaContent:
    """One line for each person: the name, numbers, and addresses."""
    return MetaContent(kind=_K.CONTACT, text="\n".join(filter(None, map(_card, list_of_dicts(value)))))


def _card(card: Mapping[str, Any]) -> str:
    named, work = mapping(card.get("name")), mapping(card.get("org"))
    names = (text(named.get(each)) for each in ("first_name", "middle_name", "last_name"))
    name = text(named.get("formatted_name")) or " ".join(filter(None, names)) or text(work.get("company"))
    numbers = [card_number(each) for each in list_of_dicts(card.get("phones"))]
    mail = [text(each.get("email")) for each in list_of_dicts(card.get("emails"))]
    pages = [text(each.get("url")) for each in list_of_dicts(card.get("urls"))]
    places = [
        ", ".join(filter(None, (text(each.get(part)) for part in ("street", "city", "state", "zip", "country"))))
        for each in list_of_dicts(card.get("addresses"))
    ]
    about = (text(work.get(each)) for each in ("title", "department", "company"))
    parts = (name, *numbers, *mail, *pages, *places, *about, text(card.get("birthday")))
    return " · ".join(dict.fromkeys(filter(None, parts)))


def card_number(phone: Mapping[str, Any]) -> str:
    """A number of a card as it is written there, or the account's where nothing is written."""
    written, account = text(phone.get("phone")), text(phone.get("wa_id"))
    return written or (f"+{account}" if account.isdigit() else account)


def _order(value: object) -> MetaContent:
    """What was written with the order, and a line for each item: quantity, product and price."""
    message = mapping(value)
    lines = [text(message.get("text")), *map(_item, list_of_dicts(message.get("product_items")))]
    return MetaContent(kind=_K.TEXT, text="\n".join(filter(None, lines)))


def _item(item: Mapping[str, Any]) -> str:
    quantity, product = _scalar(item.get("quantity")), _scalar(item.get("product_retailer_id"))
    price = " ".join(filter(None, (_scalar(item.get("item_price")), text(item.get("currency")))))
    named = " × ".join(filter(None, (quantity, product)))
    return " · ".join(filter(None, (named, price)))


def _interactive(value: object) -> MetaContent:
    """The button, the row or the answers that were given."""
    message = mapping(value)
    for kind in ("button_reply", "list_reply"):
        chosen = mapping(message.get(kind))
        if chosen:
            words = (text(chosen.get("title")) or text(chosen.get("id")), text(chosen.get("description")))
            return MetaContent(kind=_K.TEXT, text="\n".join(filter(None, words)))
    if (form := mapping(message.get("nfm_reply"))) or "nfm_reply" in message:
        return MetaContent(kind=_K.TEXT, text=_answers(form))
    kind = text(message.get("type"))
    lines = tuple(_lines(message.get(kind))) if kind else ()
    lines = lines or tuple(_written(message))
    return MetaContent(kind=_K.TEXT if lines else _K.OTHER, text="\n".join(lines), understood=bool(lines))


def _template(value: object) -> MetaContent:
    """What a business sent as a template, as far as its words are told; else the template's name."""
    message = mapping(value)
    lines = [text(message.get("name"))]
    for part in list_of_dicts(message.get("components")):
        lines += filter(
            None, (text(part.get("text")), *_written(part), *map(_parameter, list_of_dicts(part.get("parameters"))))
        )
    return MetaContent(kind=_K.TEXT, text="\n".join(filter(None, lines)))


def _parameter(value: Mapping[str, Any]) -> str:
    return text(value.get("text")) or text(value.get("payload"))


def _written(message: Mapping[str, Any]) -> Iterator[str]:
    """The words of what a business sends to choose from: above, between and below, and every choice."""
    for part in ("header", "body", "footer"):
        if words := text(mapping(message.get(part)).get("text")) or text(message.get(part)):
            yield words
    action = mapping(message.get("action"))
    rows = [row for section in list_of_dicts(action.get("sections")) for row in list_of_dicts(section.get("rows"))]
    shown = [mapping(each.get("reply")) or each for each in (*list_of_dicts(action.get("buttons")), *rows)]
    shown += [*list_of_dicts(message.get("buttons")), mapping(action.get("parameters"))]
    for each in shown:
        parts = (text(each.get(name)) for name in ("title", "text", "display_text", "description", "url"))
        if label := " · ".join(dict.fromkeys(filter(None, parts))):
            yield f"[{label}]"


def _answers(form: Mapping[str, Any]) -> str:
    """What was filled into a form, a line for each answer; the form's own words where there is none."""
    raw = form.get("response_json")
    try:
        answers = json.loads(raw) if isinstance(raw, str) else raw
        answers = json.loads(answers) if isinstance(answers, str) and answers.startswith("{") else answers
    except (ValueError, RecursionError):
        answers = text(raw)  # kept as it came
    lines = list(_lines(answers))
    return "\n".join(lines) or text(form.get("body"))


def _lines(value: object, name: str = "", depth: int = 0) -> Iterator[str]:
    """``name: value`` for each plain value; names of nested objects are joined by a dot, plain lists by a comma.

    What is nested deeper than `DEEPEST` is written as the JSON it is.
    """
    if isinstance(value, dict) and depth < DEEPEST:
        for key, each in value.items():
            if not (depth == 0 and key in _OF_THE_FORM):
                yield from _lines(each, f"{name}.{text(key)}" if name else text(key), depth + 1)
        return
    if isinstance(value, list) and depth < DEEPEST and any(isinstance(each, dict | list) for each in value):
        for count, each in enumerate(value, 1):
            yield from _lines(each, f"{name}.{count}" if name else str(count), depth + 1)
        return
    if depth >= DEEPEST and isinstance(value, dict | list):
        shown = _as_json(value)
    else:
        shown = ", ".join(filter(None, map(_scalar, value))) if isinstance(value, list) else _scalar(value)
    if shown:
        yield f"{name}: {shown}" if name else shown


def _as_json(value: object) -> str:
    try:
        return text(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):  # what could be read need not be what can be written
        return ""


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
    fields = mapping(message.get("referral"))
    parts = [text(fields.get(name)) for name in ("headline", "body", "source_url")]
    if fields and not any(parts):
        parts = [text(fields.get(name)) for name in ("source_type", "source_id")]
    product = mapping(mapping(message.get("context")).get("referred_product"))
    parts += [text(product.get(name)) for name in ("catalog_id", "product_retailer_id")]
    shown = " · ".join(" ".join(part.split()) for part in parts if part)
    return f"{_POINTER}{shown}" if shown else ""


def _notice(value: object) -> MetaContent:
    """What WhatsApp says about the person: a number or an identity that changed; without words, from what to what."""
    message = mapping(value)
    before = text(message.get("customer")) or text(message.get("previous_user_id"))
    after = next(filter(None, (text(message.get(name)) for name in ("wa_id", "new_wa_id", "user_id"))), "")
    kind = text(message.get("type")).replace("_", " ")
    changed = " → ".join(filter(None, (before, after)))
    return MetaContent(text=text(value) or text(message.get("body")) or ": ".join(filter(None, (kind, changed))))


def _unsupported(value: object) -> MetaContent:
    """What the Cloud API itself cannot hand over."""
    return MetaContent(text=text(mapping(value).get("type")).replace("_", " "))


_READERS: Final[Mapping[str, Callable[[object], MetaContent]]] = MappingProxyType(
    {
        **{name: _file(kind) for name, kind in _MEDIA.items()},
        "text": _words("body"),
        "button": _words("text", "payload"),
        "reaction": _reaction,
        "edit": _edit,
        "revoke": _revocation,
        "location": _location,
        "contacts": _cards,
        "order": _order,
        "interactive": _interactive,
        "template": _template,
        "system": _notice,
        "unsupported": _unsupported,
        "media_placeholder": lambda _: MetaContent(kind=_K.UNREADABLE),  # the file's own message follows under its id
    }
)
