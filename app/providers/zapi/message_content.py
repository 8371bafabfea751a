"""What a message says, from the body of its callback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from app.domain.messages import (
    Media,
    MessageKind,
)
from app.providers.contents import joined, list_of_dicts, name_on, numbers_on
from app.providers.zapi.responses import (
    flag,
    name_in,
    parse_id,
    parse_text,
    parse_time,
)

_K = MessageKind


TEXT_LIMIT: Final = 1 << 18
"""Characters; WhatsApp's own apps stop at 65,536."""


_REVOKED: Final = "REVOKE"


_SEALED: Final = "CIPHERTEXT"  # it arrived, and could not be decrypted


_NOTED_ONLY: Final = (
    "BIZ_",
    "BLUE_MSG_",
    "BROADCAST_",
    "CHANGE_EPHEMERAL_SETTING",
    "COMMUNITY_",
    "DISAPPEARING_MODE",
    "E2E_",
    "GROUP_",
    "MEMBERSHIP_",
    "NEWSLETTER_",
    "PROFILE_",
    "REVOKED_MEMBERSHIP_REQUESTS",
    "VERIFIED_",
)
"""What the notifications begin with that nobody said: members who come and go, names, pictures, encryption."""


_BESIDE: Final = frozenset({"externalAdReply", "referencedMessage", "contextInfo", "device"})
"""Objects beside a content that are none."""


_LISTS_BESIDE: Final = frozenset({"notificationParameters", "broadcastRecipients", "mentioned", "ids"})
"""Lists that are none."""


_CARDS: Final = ("contact", "contacts")
"""Names of lists of cards; a single card is an object."""


_POINTER: Final = "\u2197 "  # the line that says through what the person came


CallbackBody = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZapiContent:
    """What one message says. *suffix* tells its id from that of the message it changes."""

    kind: MessageKind
    text: str = ""
    media: Media | None = None
    refers_to: str | None = None
    suffix: str = ""


def is_noted_only(fields: CallbackBody) -> bool:
    """Whether it is a notification of what nobody said, which only the phone notes."""
    return parse_text(fields.get("notification")).startswith(_NOTED_ONLY)


def content_of(fields: CallbackBody) -> ZapiContent | None:
    """What *fields* says; None for a notification that nobody here knows."""
    notification = fields.get("notification")
    if notification == _REVOKED:
        return ZapiContent(kind=_K.REVOCATION, refers_to=_id(fields.get("messageId")), suffix="-revocation")
    if notification == _SEALED:
        return ZapiContent(kind=_K.UNREADABLE)
    if notification:
        return _notified(parse_text(notification), fields)
    content = _content_words(fields)
    if fields.get("isEdit") in (True, "true"):
        return _edit(fields, content)
    if came_by := _advertisement(fields.get("externalAdReply")):
        content = replace(content, text=joined(content.text, came_by))
    quoted = _id(fields.get("referenceMessageId"))
    return content if content.refers_to or not quoted else replace(content, refers_to=quoted)


def unknown_content(fields: CallbackBody) -> str:
    """The name of a content that nobody here can read; empty for any other."""
    if fields.get("notification") or any(_is_content(name, fields.get(name)) for name in _CONTENT_READERS):
        return ""
    if fields.get("waitingMessage") in (True, "true"):
        return ""
    unread = next(_unread(fields), "content")
    return "" if unread in _CARDS else unread


def _is_content(name: str, value: object) -> bool:
    """Whether *value* is something that the reader of *name* reads: an object, a text, or a list of cards."""
    return isinstance(value, dict) or (name == "text" and bool(parse_text(value)))


def _unread(fields: CallbackBody) -> Iterator[str]:
    for name, value in fields.items():
        several = isinstance(value, list) and bool(value) and name not in _LISTS_BESIDE
        if several or (isinstance(value, dict) and name not in _BESIDE):
            yield name


def _advertisement(fields: object) -> str:
    """The advertisement through which the person came, on a line of its own."""
    if not isinstance(fields, dict):
        return ""
    words = (" ".join(parse_text(fields.get(name)).split()) for name in ("title", "body", "sourceUrl"))
    shown = joined(*dict.fromkeys(words), between=" · ")
    shown = shown or joined(parse_text(fields.get("sourceType")), parse_text(fields.get("sourceId")), between=" · ")
    return f"{_POINTER}{shown}" if shown else ""


def _notified(notification: str, fields: CallbackBody) -> ZapiContent | None:
    if notification.startswith("CALL_"):
        sign = "🎥" if notification.endswith("_VIDEO") else "📞"
        return ZapiContent(kind=_K.MISSED_CALL if "MISSED" in notification else _K.CALL, text=sign)
    if notification.startswith("PAYMENT_"):
        parameters = fields.get("notificationParameters")
        words = [parse_text(each) for each in parameters] if isinstance(parameters, list) else []
        return ZapiContent(kind=_K.PAYMENT, text=joined(notification, *words, between=" · "))
    return None


def _content_words(fields: CallbackBody) -> ZapiContent:
    for name, read in _CONTENT_READERS.items():
        value = fields.get(name)
        if _is_content(name, value):
            content = read(value if isinstance(value, dict) else {"message": value})
            if content.kind is _K.TEXT and not content.text:  # an empty bubble would say that nothing was written
                content = replace(content, kind=_K.OTHER)
            return (
                content if len(content.text) <= TEXT_LIMIT else replace(content, text=content.text[:TEXT_LIMIT] + "…")
            )
    if fields.get("waitingMessage") in (True, "true"):
        return ZapiContent(kind=_K.UNREADABLE)
    unread = next(_unread(fields), None)
    if unread in _CARDS:
        return ZapiContent(
            kind=_K.CONTACT, text=joined(*(_contact(each).text for each in list_of_dicts(fields[unread])))
        )
    parts = [] if unread is None else list_of_dicts(fields[unread]) or [fields[unread]]
    words = (_any_words(each) for each in parts if isinstance(each, dict))
    return ZapiContent(kind=_K.OTHER, text=joined(*words)[:TEXT_LIMIT])


def _edit(fields: CallbackBody, content: ZapiContent) -> ZapiContent:
    """An edit comes with the id of what it edits; a later one of the same message differs in its time.

    What brings no new words that anybody here can read changes nothing: the old ones stay.
    """
    target = _id(fields.get("editMessageId")) or _id(fields.get("messageId"))
    when = fields.get("momment")
    suffix = f"-edit-{when}" if isinstance(when, int) and 0 < when < 10**15 else "-edit"
    if content.kind in (_K.OTHER, _K.UNREADABLE, _K.REACTION) or (content.media is None and not content.text):
        return ZapiContent(kind=_K.OTHER, text=content.text, refers_to=target, suffix=suffix)
    return ZapiContent(kind=_K.EDIT, text=content.text, refers_to=target, suffix=suffix)


def _id(value: object) -> str | None:
    return parse_id(value) or None


def _first(fields: CallbackBody, *names: str) -> str:
    return next(filter(None, (parse_text(fields.get(name)) for name in names)), "")


_CHOICES: Final = ("groupName", "selectedDisplayText", "displayText", "response", "value")


def _any_words(fields: CallbackBody) -> str:
    """What a content that nobody here knows says in the fields that contents have their words in."""
    return _first(
        fields, "text", "message", "title", "name", "caption", "body", "description", "displayName", *_CHOICES
    )


def _content_number(value: object) -> str:
    """An amount as it is written, whose unit is the provider's own."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return f"{value:.15g}"
    return parse_text(value).strip()[:30]


def _amount(fields: CallbackBody, name: str, *currencies: str) -> str:
    number = _content_number(fields.get(name))
    return joined(_first(fields, *currencies), number, between=" ") if number else ""


def _words(kind: MessageKind, *names: str) -> Callable[[CallbackBody], ZapiContent]:
    """Reads the first of the fields called *names* that says something."""
    return lambda fields: ZapiContent(kind=kind, text=_first(fields, *names))


def _file(kind: MessageKind, *names: str) -> Callable[[CallbackBody], ZapiContent]:
    def read(fields: CallbackBody) -> ZapiContent:
        seconds = fields.get("seconds")
        lasts = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < 10**6 else None
        media = Media(mime=parse_text(fields.get("mimeType"))[:100], name=_first(fields, *names)[:200], seconds=lasts)
        return ZapiContent(kind=kind, text=parse_text(fields.get("caption")), media=media)

    return read


def _audio(fields: CallbackBody) -> ZapiContent:
    return _file(_K.VOICE if flag(fields.get("ptt")) else _K.AUDIO)(fields)


def _contact(fields: CallbackBody) -> ZapiContent:
    """The name on the card, and its numbers."""
    phones = fields.get("phones")
    items = phones if isinstance(phones, list) else [phones]
    numbers = [_first(each, "phone", "number", "waid") if isinstance(each, dict) else name_in(each) for each in items]
    card = parse_text(fields.get("vCard"))
    name = _first(fields, "displayName", "name") or name_on(card)
    return ZapiContent(kind=_K.CONTACT, text=joined(name, *(numbers if any(numbers) else numbers_on(card))))


def _place(fields: CallbackBody) -> str:
    place = joined(parse_text(fields.get("name")), parse_text(fields.get("address")), between=", ")
    degrees = [shown for name in ("latitude", "longitude") if (shown := _degrees(fields.get(name)))]
    where = ", ".join(degrees) if len(degrees) == 2 else ""
    return f"{place} ({where})" if place and where else place or where


def _degrees(value: object) -> str:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 999.0
    except (ValueError, OverflowError):
        return ""
    return f"{number:.6f}" if abs(number) <= 180 else ""


def _location(fields: CallbackBody) -> ZapiContent:
    return ZapiContent(
        kind=_K.LOCATION, text=joined(_place(fields), parse_text(fields.get("caption")), parse_text(fields.get("url")))
    )


def _poll(fields: CallbackBody) -> ZapiContent:
    options = [f"- {parse_text(each.get('name'))}" for each in list_of_dicts(fields.get("options"))]
    return ZapiContent(kind=_K.POLL, text="\n".join([parse_text(fields.get("question")), *options]))


def _vote(fields: CallbackBody) -> ZapiContent:
    """What somebody chose, or that they took it back."""
    chosen = [f"☑ {name}" for each in list_of_dicts(fields.get("options")) if (name := parse_text(each.get("name")))]
    return ZapiContent(kind=_K.POLL, text="\n".join(chosen) or "☐", refers_to=_id(fields.get("pollMessageId")))


def _target(fields: CallbackBody) -> str | None:
    target = fields.get("referencedMessage")
    return _id(target.get("messageId")) if isinstance(target, dict) else None


def _reaction(fields: CallbackBody) -> ZapiContent:
    refers_to = _target(fields)
    # Without what it is about it would be shown nowhere.
    kind = _K.REACTION if refers_to else _K.OTHER
    return ZapiContent(kind=kind, text=parse_text(fields.get("value")), refers_to=refers_to, suffix="-reaction")


def _pin(fields: CallbackBody) -> ZapiContent:
    sign = "📌" if fields.get("action") in (None, "pin") else f"📌 {parse_text(fields.get('action'))}"
    return ZapiContent(kind=_K.OTHER, text=sign, refers_to=_target(fields))


def _event(fields: CallbackBody) -> ZapiContent:
    begins = parse_time(fields.get("scheduleTime"))
    where = fields.get("location")
    return ZapiContent(
        kind=_K.EVENT,
        text=joined(
            ("✗ " if flag(fields.get("canceled")) else "") + parse_text(fields.get("name")),
            "" if begins is None else f"{begins:%Y-%m-%d %H:%M} UTC",
            _place(where) if isinstance(where, dict) else parse_text(where),
            parse_text(fields.get("description")),
            parse_text(fields.get("joinLink")),
        ),
    )


def _event_response(fields: CallbackBody) -> ZapiContent:
    return ZapiContent(kind=_K.EVENT, text=parse_text(fields.get("response")) or "?", refers_to=_target(fields))


def _pix(fields: CallbackBody) -> ZapiContent:
    """A key to pay to: the key itself, what kind it is, and whose."""
    kind = parse_text(fields.get("keyType"))
    key = joined(parse_text(fields.get("key")), f"({kind})" if kind else "", between=" ")
    return ZapiContent(kind=_K.PAYMENT, text=joined(f"Pix: {key}".strip(), parse_text(fields.get("merchantName"))))


def _payment(fields: CallbackBody) -> ZapiContent:
    """A request to pay, or a payment: the amount, the note beside it, and how it stands."""
    info = fields.get("paymentInfo")
    info = info if isinstance(info, dict) else {}
    amount = _amount(fields, "value", "currencyCode") or _amount(info, "value", "currencyCode")
    note = _first(fields, "message", "note", "text", "description")
    return ZapiContent(kind=_K.PAYMENT, text=joined(amount, note, _first(info, "status", "transactionStatus")))


def _bought(each: CallbackBody) -> str:
    quantity = _content_number(each.get("quantity"))
    price = _amount(each, "price", "currencyCode") or _content_number(each.get("value"))
    return joined(f"{quantity} ×" if quantity else "", parse_text(each.get("name")), price, between=" ")


def _order(fields: CallbackBody) -> ZapiContent:
    """A cart, or an order to be paid: its words, what is in it, and what it comes to."""
    return ZapiContent(
        kind=_K.PAYMENT,
        text=joined(
            parse_text(fields.get("orderTitle")),
            parse_text(fields.get("message")),
            *(f"- {_bought(each)}" for each in list_of_dicts(fields.get("products"))),
            _amount(fields, "total", "currency"),
            joined(parse_text(fields.get("orderStatus")), parse_text(fields.get("paymentStatus")), between=" · "),
        ),
    )


def _product(fields: CallbackBody) -> ZapiContent:
    words = (parse_text(fields.get("title")), parse_text(fields.get("description")), parse_text(fields.get("url")))
    return ZapiContent(kind=_K.OTHER, text=joined(*words[:2], _amount(fields, "price", "currencyCode"), words[2]))


def _buttons(fields: CallbackBody) -> Iterator[str]:
    for name in ("hydratedButtons", "buttons"):
        for button in list_of_dicts(fields.get(name)):
            labels = [parse_text(button.get("label")), *(_any_label(each) for each in button.values())]
            yield from (f"[{label}]" for label in filter(None, labels))


def _any_label(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    return joined(_first(value, "displayText", "text"), _first(value, "url", "phoneNumber"), between=" · ")


def _template(fields: CallbackBody) -> ZapiContent:
    """What businesses send: words, with a file or a place above them and buttons below."""
    header = fields.get("header")
    header = header if isinstance(header, dict) else {}
    words = (parse_text(fields.get(name)) for name in ("title", "message", "description", "text", "footer"))
    text = joined(*words, *_buttons(fields))
    for name in ("image", "video", "document", "location"):
        if isinstance(shown := header.get(name), dict):
            above = _CONTENT_READERS[name](shown)
            return replace(above, text=joined(above.text, text))
    return ZapiContent(kind=_K.TEXT, text=text)


def _list(fields: CallbackBody) -> ZapiContent:
    sections = list_of_dicts(fields.get("sections"))
    rows = [row for each in sections for name in ("rows", "options") for row in list_of_dicts(each.get(name))]
    rows += list_of_dicts(fields.get("options"))
    shown = (joined(_first(row, "title", "name"), parse_text(row.get("description")), between=": ") for row in rows)
    options = (f"- {row}" for row in shown if row)
    words = (parse_text(fields.get(name)) for name in ("title", "description", "message", "footerText"))
    return ZapiContent(kind=_K.TEXT, text=joined(*words, *options))


def _chosen(fields: CallbackBody) -> ZapiContent:
    words = (parse_text(fields.get("title")), parse_text(fields.get("message")))
    return ZapiContent(kind=_K.TEXT, text=joined(*dict.fromkeys(words)) or _first(fields, "selectedRowId", "buttonId"))


def _carousel(fields: CallbackBody) -> ZapiContent:
    cards = (_template(card).text for card in list_of_dicts(fields.get("cards")))
    return ZapiContent(kind=_K.TEXT, text=joined(_first(fields, "text", "message"), *cards))


def _invitation(fields: CallbackBody) -> ZapiContent:
    return ZapiContent(
        kind=_K.OTHER, text=joined(parse_text(fields.get("newsletterName")), parse_text(fields.get("text")))
    )


_CONTENT_READERS: Final[Mapping[str, Callable[[CallbackBody], ZapiContent]]] = MappingProxyType(
    {
        "reaction": _reaction,
        "image": _file(_K.IMAGE),
        "video": _file(_K.VIDEO),
        "ptv": _file(_K.VIDEO),
        "audio": _audio,
        "document": _file(_K.DOCUMENT, "fileName", "title"),
        "sticker": _file(_K.STICKER),
        "contact": _contact,
        "location": _location,
        "liveLocation": _location,
        "poll": _poll,
        "pollVote": _vote,
        "event": _event,
        "eventResponse": _event_response,
        "pixKeyMessage": _pix,
        "requestPayment": _payment,
        "sendPayment": _payment,
        "reviewAndPay": _order,
        "reviewOrder": _order,
        "order": _order,
        "product": _product,
        "pinMessage": _pin,
        "newsletterAdminInvite": _invitation,
        # What businesses send and what people choose of it: shown as the text it is on the phone.
        "buttonsResponseMessage": _chosen,
        "listResponseMessage": _chosen,
        "buttonsMessage": _template,
        "listMessage": _list,
        "hydratedTemplate": _template,
        "carouselMessage": _carousel,
        "text": _words(_K.TEXT, "message", "title", "description", "descritpion", "url"),
    }
)
