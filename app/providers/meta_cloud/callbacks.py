"""What Meta's webhooks say, in the core's words. Pure: whoever received the body has checked its signature.

A body may hold a thousand updates of several numbers, in any order and more than once; what is not understood is left
out, and the rest is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.domain.messages import (
    REFERRING,
    Address,
    AddressKind,
    Delivery,
    Media,
    MessageKind,
    WireFact,
    WireMessage,
    WireReceipt,
)
from app.domain.phone import PhoneNumber
from app.domain.webhooks import Callback
from app.providers.meta_cloud.plain import document, mapping, mappings, moment, number, phone, text

CHANGES_STATE: Final = frozenset(
    {
        "account_alerts",
        "account_review_update",
        "account_update",
        "business_capability_update",
        "message_template_quality_update",
        "message_template_status_update",
        "phone_number_name_update",
        "phone_number_quality_update",
    }
)
"""Fields that tell of an account or a number: the number's own answer is asked for, and is what counts."""

EVERY_NUMBER: Final = ""
"""The key of what concerns a whole account: which numbers it has is not said here."""

_MEDIA: Final[Mapping[str, MessageKind]] = {
    "image": MessageKind.IMAGE,
    "video": MessageKind.VIDEO,
    "audio": MessageKind.AUDIO,
    "voice": MessageKind.VOICE,
    "document": MessageKind.DOCUMENT,
    "sticker": MessageKind.STICKER,
}
_PLACEHOLDERS: Final[Mapping[str, MessageKind]] = {
    "contacts": MessageKind.CONTACT,
    "location": MessageKind.LOCATION,
}
_DELIVERIES: Final[Mapping[str, Delivery]] = {
    "sent": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.READ,
    "played": Delivery.READ,
    "failed": Delivery.FAILED,
}


def parse(body: bytes, received_at: datetime) -> Sequence[Callback]:
    """What each number of the delivery is told, once for each. Raises `ValueError` for what is no such body.

    What concerns a whole account has the key `EVERY_NUMBER`.
    """
    whole = document(body)
    if whole is None or not isinstance(whole.get("entry"), list):
        raise ValueError("no webhook of Meta's")
    facts: dict[str, list[WireFact]] = {}
    checks: set[str] = set()
    for entry in mappings(whole["entry"]):
        for change in mappings(entry.get("changes")):
            field, value = text(change.get("field")), mapping(change.get("value"))
            if field in ("messages", "smb_message_echoes"):
                key = _id(mapping(value.get("metadata")).get("phone_number_id"))
                if key:
                    facts.setdefault(key, []).extend(_facts(value, received_at))
                    if mappings(value.get("errors")):  # outside any message: about the number itself
                        checks.add(key)
            elif field in CHANGES_STATE:
                checks.add(EVERY_NUMBER)
    return [
        Callback(key=key, facts=tuple(facts.get(key, ())), check=key in checks)
        for key in dict.fromkeys((*facts, *sorted(checks)))
        if facts.get(key) or key in checks
    ]


def _facts(value: Mapping[str, Any], received_at: datetime) -> Iterator[WireFact]:
    names = {}
    people = {}
    for contact in mappings(value.get("contacts")):
        addresses = _addresses(contact.get("wa_id"), contact.get("user_id"))
        for address in addresses:
            names[address] = text(mapping(contact.get("profile")).get("name"))
            people[address] = addresses
    for message in mappings(value.get("messages")):
        sender = _addresses(message.get("from"), message.get("from_user_id") or message.get("user_id"))
        if not sender and len(people) == 1:  # a user name in place of a number, said beside the message only
            sender = next(iter(people.values()))
        sender = tuple(dict.fromkeys(each for one in sender for each in (one, *people.get(one, ()))))
        name = next((names[one] for one in sender if names.get(one)), "")
        said = _message(message, sender, name, received_at)
        if said is not None:
            yield said
    for message in mappings(value.get("message_echoes")):  # sent from the Business app, where the number is in both
        said = _message(
            message, _addresses(message.get("to"), message.get("to_user_id")), "", received_at, from_me=True
        )
        if said is not None:
            yield said
    for status in mappings(value.get("statuses")):
        receipt = _receipt(status, received_at)
        if receipt is not None:
            yield receipt


def _message(
    message: Mapping[str, Any], chat: tuple[Address, ...], name: str, received_at: datetime, *, from_me: bool = False
) -> WireMessage | None:
    provider_id, kind_word = text(message.get("id")), text(message.get("type"))
    if not provider_id or not chat:
        return None
    content = mapping(message.get(kind_word))
    kind, words, refers_to = MessageKind.OTHER, "", text(mapping(message.get("context")).get("id"))
    media = None
    if kind_word == "text":
        kind, words = MessageKind.TEXT, text(content.get("body"))
    elif kind_word in _MEDIA:
        kind, words, media = _MEDIA[kind_word], text(content.get("caption")), _media(content)
        kind = MessageKind.VOICE if kind is MessageKind.AUDIO and content.get("voice") is True else kind
    elif kind_word in _PLACEHOLDERS:
        kind, words = _PLACEHOLDERS[kind_word], _placeholder(message, kind_word)
    elif kind_word == "reaction":
        kind, words = MessageKind.REACTION, text(content.get("emoji"))
        refers_to = text(content.get("message_id"))
    elif kind_word == "button":
        kind, words = MessageKind.TEXT, text(content.get("text"))
    elif kind_word == "interactive":
        kind, words = MessageKind.TEXT, _chosen(content)
    elif kind_word == "edit":
        kind, words = MessageKind.EDIT, text(mapping(mapping(content.get("message")).get("text")).get("body"))
        refers_to = text(content.get("original_message_id"))
    elif kind_word == "revoke":
        kind, refers_to = MessageKind.REVOCATION, text(content.get("original_message_id"))
    if kind in REFERRING and not refers_to:
        kind = MessageKind.OTHER
    return WireMessage(
        provider_id=provider_id,
        chat=chat,
        sender=() if from_me else chat,
        from_me=from_me,
        kind=kind,
        text=words,
        media=media,
        refers_to=refers_to or None,
        sender_name=name,
        sent_at=moment(message.get("timestamp")) or received_at,
        received_at=received_at,
    )


def _media(content: Mapping[str, Any]) -> Media:
    return Media(
        mime=text(content.get("mime_type")),
        name=text(content.get("filename")),
        size=number(content.get("file_size")),
    )


def _placeholder(message: Mapping[str, Any], kind: str) -> str:
    if kind == "contacts":
        people = (mapping(each.get("name")) for each in mappings(message.get("contacts")))
        return ", ".join(name for each in people if (name := text(each.get("formatted_name"))))
    place = mapping(message.get("location"))
    return text(place.get("name")) or text(place.get("address"))


def _chosen(content: Mapping[str, Any]) -> str:
    """The words of the button or the row that was chosen."""
    replies = (mapping(content.get(kind)) for kind in ("button_reply", "list_reply", "nfm_reply"))
    return next((words for each in replies if (words := text(each.get("title")) or text(each.get("body")))), "")


def _receipt(status: Mapping[str, Any], received_at: datetime) -> WireReceipt | None:
    provider_id, delivery = text(status.get("id")), _DELIVERIES.get(text(status.get("status")))
    chat = _addresses(status.get("recipient_id"), status.get("recipient_user_id") or status.get("user_id"))
    if not provider_id or delivery is None:
        return None
    at = moment(status.get("timestamp")) or received_at
    why = (number(error.get("code")) for error in mappings(status.get("errors")))
    code = next((str(each) for each in why if each is not None), "") if delivery is Delivery.FAILED else ""
    return WireReceipt(provider_ids=(provider_id,), chat=chat, delivery=delivery, at=at, code=code)


def _addresses(wa_id: object, user_id: object) -> tuple[Address, ...]:
    """The number, where it is said, and Meta's id of the user: either may be missing."""
    account: PhoneNumber | None = phone(wa_id)
    user = text(user_id)
    found = [] if account is None else [Address(AddressKind.PHONE, account)]
    if user:
        found.append(Address(AddressKind.META_USER, user))
    elif account is None and (other := text(wa_id)):
        found.append(Address(AddressKind.META_USER, other))
    return tuple(found)


def _id(value: object) -> str:
    """An id of the Graph API: digits, now and then as a number."""
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)
    return digits if digits.isascii() and digits.isdigit() and len(digits) <= 32 else ""
