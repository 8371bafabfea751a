"""What a message says: one of some forty kinds of content that Z-API names, in our few (webhooks/on-message-received).

What we do not know is kept as `OTHER` with whatever words it has, never dropped; what only the phone notes is no
message. Words of people are kept as they are; codes of Z-API's stay codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from app.domain.messages import Media, MessageKind
from app.providers.contact_cards import name_on, numbers_on
from app.providers.zapi.reading import flag, id_in, moment, name_in, text_in

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

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one message says. *suffix* tells its id from that of the message it changes."""

    kind: MessageKind
    text: str = ""
    media: Media | None = None
    refers_to: str | None = None
    suffix: str = ""


def is_noted_only(told: Told) -> bool:
    """Whether it is a notification of what nobody said, which only the phone notes."""
    return text_in(told.get("notification")).startswith(_NOTED_ONLY)


def content_of(told: Told) -> Content | None:
    """What *told* says; None for a notification that nobody here knows."""
    notification = told.get("notification")
    if notification == _REVOKED:
        return Content(kind=_K.REVOCATION, refers_to=_id(told.get("messageId")), suffix="-revocation")
    if notification == _SEALED:
        return Content(kind=_K.UNREADABLE)
    if notification:
        return _notified(text_in(notification), told)
    said = _said(told)
    if told.get("isEdit") in (True, "true"):
        return _edit(told, said)
    if came_by := _advertisement(told.get("externalAdReply")):
        said = replace(said, text=_joined(said.text, came_by))
    quoted = _id(told.get("referenceMessageId"))
    return said if said.refers_to or not quoted else replace(said, refers_to=quoted)


def unknown_content(told: Told) -> str:
    """The name of a content that nobody here can read; empty for any other."""
    if told.get("notification") or any(_is_content(name, told.get(name)) for name in _READERS):
        return ""
    if told.get("waitingMessage") in (True, "true"):
        return ""
    unread = next(_unread(told), "content")
    return "" if unread in _CARDS else unread


def _is_content(name: str, value: object) -> bool:
    """Whether *value* is something that the reader of *name* reads: an object, a text, or a list of cards."""
    return isinstance(value, dict) or (name == "text" and bool(text_in(value)))


def _unread(told: Told) -> Iterator[str]:
    for name, value in told.items():
        several = isinstance(value, list) and bool(value) and name not in _LISTS_BESIDE
        if several or (isinstance(value, dict) and name not in _BESIDE):
            yield name


def _advertisement(said: object) -> str:
    """The advertisement through which the person came, on a line of its own."""
    if not isinstance(said, dict):
        return ""
    words = (" ".join(text_in(said.get(name)).split()) for name in ("title", "body", "sourceUrl"))
    shown = _joined(*dict.fromkeys(words), between=" · ")
    shown = shown or _joined(text_in(said.get("sourceType")), text_in(said.get("sourceId")), between=" · ")
    return f"{_POINTER}{shown}" if shown else ""


def _notified(notification: str, told: Told) -> Content | None:
    if notification.startswith("CALL_"):
        sign = "🎥" if notification.endswith("_VIDEO") else "📞"
        return Content(kind=_K.MISSED_CALL if "MISSED" in notification else _K.CALL, text=sign)
    if notification.startswith("PAYMENT_"):
        parameters = told.get("notificationParameters")
        words = [text_in(each) for each in parameters] if isinstance(parameters, list) else []
        return Content(kind=_K.PAYMENT, text=_joined(notification, *words, between=" · "))
    return None


def _said(told: Told) -> Content:
    for name, read in _READERS.items():
        value = told.get(name)
        if _is_content(name, value):
            said = read(value if isinstance(value, dict) else {"message": value})
            if said.kind is _K.TEXT and not said.text:  # an empty bubble would say that nothing was written
                said = replace(said, kind=_K.OTHER)
            return said if len(said.text) <= TEXT_LIMIT else replace(said, text=said.text[:TEXT_LIMIT] + "…")
    if told.get("waitingMessage") in (True, "true"):
        return Content(kind=_K.UNREADABLE)
    unread = next(_unread(told), None)
    if unread in _CARDS:
        return Content(kind=_K.CONTACT, text=_joined(*(_contact(each).text for each in _listed(told[unread]))))
    parts = [] if unread is None else _listed(told[unread]) or [told[unread]]
    words = (_any_words(each) for each in parts if isinstance(each, dict))
    return Content(kind=_K.OTHER, text=_joined(*words)[:TEXT_LIMIT])


def _edit(told: Told, said: Content) -> Content:
    """An edit comes with the id of what it edits; a later one of the same message differs in its time.

    What brings no new words that anybody here can read changes nothing: the old ones stay.
    """
    target = _id(told.get("editMessageId")) or _id(told.get("messageId"))
    when = told.get("momment")
    suffix = f"-edit-{when}" if isinstance(when, int) and 0 < when < 10**15 else "-edit"
    if said.kind in (_K.OTHER, _K.UNREADABLE, _K.REACTION) or (said.media is None and not said.text):
        return Content(kind=_K.OTHER, text=said.text, refers_to=target, suffix=suffix)
    return Content(kind=_K.EDIT, text=said.text, refers_to=target, suffix=suffix)


def _id(value: object) -> str | None:
    return id_in(value) or None


def _joined(*parts: str, between: str = "\n") -> str:
    """The parts that say something."""
    return between.join(filter(None, parts))


def _first(said: Told, *names: str) -> str:
    return next(filter(None, (text_in(said.get(name)) for name in names)), "")


_CHOICES: Final = ("groupName", "selectedDisplayText", "displayText", "response", "value")


def _any_words(said: Told) -> str:
    """What a content that nobody here knows says in the fields that contents have their words in."""
    return _first(said, "text", "message", "title", "name", "caption", "body", "description", "displayName", *_CHOICES)


def _listed(value: object) -> list[Told]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(value: object) -> str:
    """An amount as it is written, whose unit is the provider's own."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return f"{value:.15g}"
    return text_in(value).strip()[:30]


def _amount(said: Told, name: str, *currencies: str) -> str:
    number = _number(said.get(name))
    return _joined(_first(said, *currencies), number, between=" ") if number else ""


def _words(kind: MessageKind, *names: str) -> Callable[[Told], Content]:
    """Reads the first of the fields called *names* that says something."""
    return lambda said: Content(kind=kind, text=_first(said, *names))


def _file(kind: MessageKind, *names: str) -> Callable[[Told], Content]:
    def read(said: Told) -> Content:
        seconds = said.get("seconds")
        lasts = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < 10**6 else None
        media = Media(mime=text_in(said.get("mimeType"))[:100], name=_first(said, *names)[:200], seconds=lasts)
        return Content(kind=kind, text=text_in(said.get("caption")), media=media)

    return read


def _audio(said: Told) -> Content:
    return _file(_K.VOICE if flag(said.get("ptt")) else _K.AUDIO)(said)


def _contact(said: Told) -> Content:
    """The name on the card, and its numbers."""
    phones = said.get("phones")
    told = phones if isinstance(phones, list) else [phones]
    numbers = [_first(each, "phone", "number", "waid") if isinstance(each, dict) else name_in(each) for each in told]
    card = text_in(said.get("vCard"))
    name = _first(said, "displayName", "name") or name_on(card)
    return Content(kind=_K.CONTACT, text=_joined(name, *(numbers if any(numbers) else numbers_on(card))))


def _place(said: Told) -> str:
    place = _joined(text_in(said.get("name")), text_in(said.get("address")), between=", ")
    degrees = [shown for name in ("latitude", "longitude") if (shown := _degrees(said.get(name)))]
    where = ", ".join(degrees) if len(degrees) == 2 else ""
    return f"{place} ({where})" if place and where else place or where


def _degrees(value: object) -> str:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 999.0
    except (ValueError, OverflowError):
        return ""
    return f"{number:.6f}" if abs(number) <= 180 else ""


def _location(said: Told) -> Content:
    return Content(kind=_K.LOCATION, text=_joined(_place(said), text_in(said.get("caption")), text_in(said.get("url"))))


def _poll(said: Told) -> Content:
    options = [f"- {text_in(each.get('name'))}" for each in _listed(said.get("options"))]
    return Content(kind=_K.POLL, text="\n".join([text_in(said.get("question")), *options]))


def _vote(said: Told) -> Content:
    """What somebody chose, or that they took it back."""
    chosen = [f"☑ {name}" for each in _listed(said.get("options")) if (name := text_in(each.get("name")))]
    return Content(kind=_K.POLL, text="\n".join(chosen) or "☐", refers_to=_id(said.get("pollMessageId")))


def _target(said: Told) -> str | None:
    target = said.get("referencedMessage")
    return _id(target.get("messageId")) if isinstance(target, dict) else None


def _reaction(said: Told) -> Content:
    refers_to = _target(said)
    # Without what it is about it would be shown nowhere.
    kind = _K.REACTION if refers_to else _K.OTHER
    return Content(kind=kind, text=text_in(said.get("value")), refers_to=refers_to, suffix="-reaction")


def _pin(said: Told) -> Content:
    sign = "📌" if said.get("action") in (None, "pin") else f"📌 {text_in(said.get('action'))}"
    return Content(kind=_K.OTHER, text=sign, refers_to=_target(said))


def _event(said: Told) -> Content:
    begins = moment(said.get("scheduleTime"))
    where = said.get("location")
    return Content(
        kind=_K.EVENT,
        text=_joined(
            ("✗ " if flag(said.get("canceled")) else "") + text_in(said.get("name")),
            "" if begins is None else f"{begins:%Y-%m-%d %H:%M} UTC",
            _place(where) if isinstance(where, dict) else text_in(where),
            text_in(said.get("description")),
            text_in(said.get("joinLink")),
        ),
    )


def _event_response(said: Told) -> Content:
    return Content(kind=_K.EVENT, text=text_in(said.get("response")) or "?", refers_to=_target(said))


def _pix(said: Told) -> Content:
    """A key to pay to: the key itself, what kind it is, and whose."""
    kind = text_in(said.get("keyType"))
    key = _joined(text_in(said.get("key")), f"({kind})" if kind else "", between=" ")
    return Content(kind=_K.PAYMENT, text=_joined(f"Pix: {key}".strip(), text_in(said.get("merchantName"))))


def _payment(said: Told) -> Content:
    """A request to pay, or a payment: the amount, the note beside it, and how it stands."""
    info = said.get("paymentInfo")
    info = info if isinstance(info, dict) else {}
    amount = _amount(said, "value", "currencyCode") or _amount(info, "value", "currencyCode")
    note = _first(said, "message", "note", "text", "description")
    return Content(kind=_K.PAYMENT, text=_joined(amount, note, _first(info, "status", "transactionStatus")))


def _bought(each: Told) -> str:
    quantity = _number(each.get("quantity"))
    price = _amount(each, "price", "currencyCode") or _number(each.get("value"))
    return _joined(f"{quantity} ×" if quantity else "", text_in(each.get("name")), price, between=" ")


def _order(said: Told) -> Content:
    """A cart, or an order to be paid: its words, what is in it, and what it comes to."""
    return Content(
        kind=_K.PAYMENT,
        text=_joined(
            text_in(said.get("orderTitle")),
            text_in(said.get("message")),
            *(f"- {_bought(each)}" for each in _listed(said.get("products"))),
            _amount(said, "total", "currency"),
            _joined(text_in(said.get("orderStatus")), text_in(said.get("paymentStatus")), between=" · "),
        ),
    )


def _product(said: Told) -> Content:
    words = (text_in(said.get("title")), text_in(said.get("description")), text_in(said.get("url")))
    return Content(kind=_K.OTHER, text=_joined(*words[:2], _amount(said, "price", "currencyCode"), words[2]))


def _buttons(said: Told) -> Iterator[str]:
    for name in ("hydratedButtons", "buttons"):
        for button in _listed(said.get(name)):
            labels = [text_in(button.get("label")), *(_any_label(each) for each in button.values())]
            yield from (f"[{label}]" for label in filter(None, labels))


def _any_label(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    return _joined(_first(value, "displayText", "text"), _first(value, "url", "phoneNumber"), between=" · ")


def _template(said: Told) -> Content:
    """What businesses send: words, with a file or a place above them and buttons below."""
    header = said.get("header")
    header = header if isinstance(header, dict) else {}
    words = (text_in(said.get(name)) for name in ("title", "message", "description", "text", "footer"))
    text = _joined(*words, *_buttons(said))
    for name in ("image", "video", "document", "location"):
        if isinstance(shown := header.get(name), dict):
            above = _READERS[name](shown)
            return replace(above, text=_joined(above.text, text))
    return Content(kind=_K.TEXT, text=text)


def _list(said: Told) -> Content:
    sections = _listed(said.get("sections"))
    rows = [row for each in sections for name in ("rows", "options") for row in _listed(each.get(name))]
    rows += _listed(said.get("options"))
    shown = (_joined(_first(row, "title", "name"), text_in(row.get("description")), between=": ") for row in rows)
    options = (f"- {row}" for row in shown if row)
    words = (text_in(said.get(name)) for name in ("title", "description", "message", "footerText"))
    return Content(kind=_K.TEXT, text=_joined(*words, *options))


def _chosen(said: Told) -> Content:
    words = (text_in(said.get("title")), text_in(said.get("message")))
    return Content(kind=_K.TEXT, text=_joined(*dict.fromkeys(words)) or _first(said, "selectedRowId", "buttonId"))


def _carousel(said: Told) -> Content:
    cards = (_template(card).text for card in _listed(said.get("cards")))
    return Content(kind=_K.TEXT, text=_joined(_first(said, "text", "message"), *cards))


def _invitation(said: Told) -> Content:
    return Content(kind=_K.OTHER, text=_joined(text_in(said.get("newsletterName")), text_in(said.get("text"))))


_READERS: Final[Mapping[str, Callable[[Told], Content]]] = MappingProxyType(
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
