"""What Meta's webhooks say, in the core's words. Pure: whoever received the body has checked its signature.

A body may hold a thousand updates of several numbers, in any order and more than once; what is not understood is left
out, and the rest is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from app.domain.messages import (
    Address,
    AddressKind,
    DeliveryReceipt,
    DeliveryStatus,
    Media,
    MessageKind,
    MessageUpdate,
    ProviderMessage,
    WirePreference,
    WireUnknown,
)
from app.domain.phone import PhoneNumber
from app.domain.webhooks import ParsedWebhook
from app.providers.contents import list_of_dicts
from app.providers.meta_cloud.client import (
    enum_value,
    mapping,
    number,
    parse_json,
    parse_time,
    phone,
    redact_token,
    text,
)
from app.providers.meta_cloud.message_content import content_of, reasons

Addresses = tuple[Address, ...]

LONGEST_KIND: Final = 80  # characters of Meta's word for what is not understood
LONGEST_REASON: Final = 500
"""Characters that are kept of why a message failed."""

CHANGES_STATE: Final = frozenset(
    {
        "account_alerts",
        "account_review_update",
        "account_update",
        "business_capability_update",
        "business_status_update",
        "message_template_components_update",
        "message_template_quality_update",
        "message_template_status_update",
        "phone_number_name_update",
        "phone_number_quality_update",
        "security",
        "template_category_update",
    }
)
"""Fields that tell of an account or a number: the number's own answer is asked for, and is what counts."""

EVERY_NUMBER: Final = ""
"""The key of what concerns a whole account: which numbers it has is not said here."""

_DELIVERIES: Final[Mapping[str, DeliveryStatus]] = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.READ,
    "failed": DeliveryStatus.FAILED,
}
_OLD_DELIVERIES: Final[Mapping[str, DeliveryStatus]] = {
    "SENT": DeliveryStatus.SENT,
    "DELIVERED": DeliveryStatus.DELIVERED,
    "READ": DeliveryStatus.READ,
    "PLAYED": DeliveryStatus.READ,
    "ERROR": DeliveryStatus.FAILED,
}
_WISHES: Final[Mapping[str, bool]] = {"stop": True, "resume": False, "signup": False}
_CHANGED: Final = frozenset({"user_changed_number", "user_changed_user_id", "customer_changed_number"})


def parse(body: bytes, received_at: datetime) -> Sequence[ParsedWebhook]:
    """What each number of the delivery is told, once for each. Raises `ValueError` for what is no such body.

    What concerns a whole account has the key `EVERY_NUMBER`. What is not understood is a `WireUnknown`.
    """
    whole = parse_json(body)
    if whole is None or not isinstance(whole.get("entry"), list):
        raise ValueError("no webhook of Meta's")
    facts: dict[str, list[MessageUpdate]] = {}
    numbers: dict[str, PhoneNumber | None] = {}
    checks: set[str] = set()
    for entry in list_of_dicts(whole["entry"]):
        for change in list_of_dicts(entry.get("changes")):
            field, value = text(change.get("field")), mapping(change.get("value"))
            if field in CHANGES_STATE:
                checks.add(EVERY_NUMBER)
                continue
            about = mapping(value.get("metadata"))
            key = _id(about.get("phone_number_id")) or EVERY_NUMBER
            numbers[key] = phone(about.get("display_phone_number")) or numbers.get(key)
            read = _FIELDS.get(field)
            found = facts.setdefault(key, [])
            about_whom = _about(value)
            if key == EVERY_NUMBER and (read is not None or about_whom):
                # Nobody says to whose number it belongs: its words are kept with none of them.
                found.append(_unknown(field or "change", sorted(map(text, value)), received_at, ()))
                continue
            if read is None or key == EVERY_NUMBER:
                found.append(_unknown(field or "change", value, received_at, about_whom))
                continue
            found.extend(read(value, received_at))
            if left := _left_over(field, value):
                found.append(_unknown(f"{field}/{next(iter(left))}", left, received_at, about_whom))
            if list_of_dicts(value.get("errors")):  # outside any message: about the number itself
                checks.add(key)
    return [
        ParsedWebhook(key=key, facts=tuple(facts.get(key, ())), check=key in checks, number=numbers.get(key))
        for key in dict.fromkeys((*facts, *sorted(checks)))
        if facts.get(key) or key in checks
    ]


def _unknown(kind: str, payload: object, received_at: datetime, about: Addresses) -> WireUnknown:
    return WireUnknown(kind=kind[:LONGEST_KIND], payload=json.dumps(payload), at=received_at, about=about)


def _left_over(field: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of *value* its reader does not read: other members, and what stands in a list and is no object."""
    known = {*_READ[field], *_BESIDE}
    left = {name: each for name, each in value.items() if name not in known and isinstance(each, dict | list) and each}
    for name in _READ[field]:
        payload = value.get(name)
        strange = [each for each in payload if not isinstance(each, dict)] if isinstance(payload, list) else payload
        if strange:
            left[name] = strange
    return left


def _facts(value: Mapping[str, Any], received_at: datetime) -> Iterator[MessageUpdate]:
    """Of the fields ``messages`` and ``smb_message_echoes``."""
    people = _People(value)
    for message in list_of_dicts(value.get("messages")):
        yield from _incoming(message, people, received_at)
    for message in list_of_dicts(
        value.get("message_echoes")
    ):  # sent from the Business app, where the number is in both
        chat = people.whole(_addresses(message.get("to"), message.get("to_user_id"))) or people.only
        yield from _message(message, _in_group(message) or chat, (), "", received_at, from_me=True)
    for status in list_of_dicts(value.get("statuses")):
        yield from _receipt(status, people, received_at)


def _history(value: Mapping[str, Any], received_at: datetime) -> Iterator[MessageUpdate]:
    """What was said on the phone before the number came to the Cloud API, and how far it got.

    ``messages`` beside ``history`` are the files of placeholders, under the same ids.
    """
    ours = _addresses(mapping(value.get("metadata")).get("display_phone_number"), None)
    for chunk in list_of_dicts(value.get("history")):
        if list_of_dicts(chunk.get("errors")):
            yield _unknown("history/errors", chunk, received_at, ())
        if chunk.get("threads") and not isinstance(chunk["threads"], list):
            yield _unknown("history/threads", chunk, received_at, ())
        for thread in list_of_dicts(chunk.get("threads")):
            named = mapping(thread.get("context"))
            chat = _addresses(named.get("wa_id") or thread.get("id"), named.get("user_id"))
            for message in list_of_dicts(thread.get("messages")):
                yield from _old(message, chat, ours, received_at)
    people = _People(value)
    for message in list_of_dicts(value.get("messages")):
        author = _addresses(message.get("from"), message.get("from_user_id"))
        if _same(author, ours):
            yield from _old(message, _addresses(message.get("to"), message.get("to_user_id")), ours, received_at)
        else:
            yield from _incoming(message, people, received_at)


def _old(
    message: Mapping[str, Any], chat: Addresses, ours: Addresses, received_at: datetime
) -> Iterator[MessageUpdate]:
    author = _addresses(message.get("from"), message.get("from_user_id"))
    from_me = mapping(message.get("history_context")).get("from_me") is True or _same(author, ours)
    group = _in_group(message)
    sender = () if from_me else author or chat
    yield from _message(message, group or chat, sender, "", received_at, from_me=from_me)
    delivery = _OLD_DELIVERIES.get(enum_value(mapping(message.get("history_context")).get("status")))
    provider_id = text(message.get("id"))
    if from_me and delivery is not None and provider_id:
        at = parse_time(message.get("timestamp")) or received_at
        yield DeliveryReceipt(provider_ids=(provider_id,), chat=group or chat, delivery=delivery, at=at)


def _calls(value: Mapping[str, Any], received_at: datetime) -> Iterator[MessageUpdate]:
    """A call that ended, in the conversation with whoever it was with; of one that only begins nothing is known yet."""
    people = _People(value)
    for call in list_of_dicts(value.get("calls")):
        from_me = text(call.get("direction")).upper() == "BUSINESS_INITIATED"
        other, side = ("to", "to_user_id") if from_me else ("from", "from_user_id")
        who = people.whole(_addresses(call.get(other), call.get(side))) or people.only
        call_id, at = text(call.get("id")), parse_time(call.get("end_time") or call.get("timestamp")) or received_at
        if text(call.get("event")).lower() != "terminate" or not call_id or not who:
            yield _unknown("calls", call, received_at, who)
            continue
        taken = text(call.get("status")).upper() == "COMPLETED"
        yield ProviderMessage(
            provider_id=call_id,
            chat=who,
            sender=() if from_me else who,
            from_me=from_me,
            kind=MessageKind.CALL if taken or from_me else MessageKind.MISSED_CALL,
            media=Media(seconds=number(call.get("duration"))) if taken else None,
            sender_name=people.name(who),
            sent_at=at,
            received_at=received_at,
        )


def _preferences(value: Mapping[str, Any], received_at: datetime) -> Iterator[MessageUpdate]:
    """Whether a person wants marketing messages: a wish that holds templates back, and a notice in the conversation."""
    people = _People(value)
    for wish in list_of_dicts(value.get("user_preferences")):
        who = people.whole(_addresses(wish.get("wa_id"), wish.get("user_id"))) or people.only
        stopped = _WISHES.get(text(wish.get("value")).lower())
        at = parse_time(wish.get("timestamp")) or received_at
        if not who or stopped is None:
            yield _unknown("user_preferences", wish, received_at, who)
            continue
        if "marketing" in (text(wish.get("category")).lower() or "marketing"):
            yield WirePreference(who=who, stopped=stopped, at=at)
        yield ProviderMessage(
            provider_id=f"user_preferences:{who[0].value}:{text(wish.get('value')).lower()}:{int(at.timestamp())}",
            chat=who,
            sender=who,
            from_me=False,
            kind=MessageKind.OTHER,
            text=text(wish.get("detail")) or text(wish.get("value")),
            sender_name=people.name(who),
            sent_at=at,
            received_at=received_at,
        )


_BESIDE: Final = frozenset({"metadata", "contacts"})
_READ: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "messages": ("messages", "message_echoes", "statuses"),
        "smb_message_echoes": ("messages", "message_echoes", "statuses"),
        "calls": ("calls",),
        "history": ("history", "messages"),
        "user_preferences": ("user_preferences",),
    }
)
"""The members of a change that the reader of its field reads."""

_FIELDS: Final[Mapping[str, Callable[[Mapping[str, Any], datetime], Iterator[MessageUpdate]]]] = MappingProxyType(
    {
        "messages": _facts,
        "smb_message_echoes": _facts,
        "calls": _calls,
        "history": _history,
        "user_preferences": _preferences,
    }
)


class _People:
    """Who is named beside the messages of one change: each with a number, an id, or both."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self._names: dict[Address, str] = {}
        self._addresses: dict[Address, Addresses] = {}
        for contact in list_of_dicts(value.get("contacts")):
            addresses = _addresses(contact.get("wa_id"), contact.get("user_id"))
            for address in addresses:
                called = mapping(contact.get("profile"))
                self._names[address] = text(called.get("name")) or text(called.get("username"))
                self._addresses[address] = addresses

    @property
    def only(self) -> Addresses:
        """The one person that is named, where it is one."""
        different = set(self._addresses.values())
        return next(iter(different)) if len(different) == 1 else ()

    def whole(self, addresses: Addresses) -> Addresses:
        """*addresses* and the others that the same person is named with."""
        return tuple(dict.fromkeys(each for one in addresses for each in (one, *self._addresses.get(one, ()))))

    def name(self, addresses: Addresses) -> str:
        return next((self._names[one] for one in addresses if self._names.get(one)), "")


def _incoming(message: Mapping[str, Any], people: _People, received_at: datetime) -> Iterator[MessageUpdate]:
    """One message to us, in the conversation with its group, or with its sender under every name they have or had."""
    sender = _addresses(message.get("from"), message.get("from_user_id") or message.get("user_id"))
    if text(message.get("type")) == "system":
        sender = tuple(dict.fromkeys((*sender, *_former_and_new(mapping(message.get("system"))))))
    sender = people.whole(sender or people.only)  # a user name in place of a number may be said beside it only
    sender = tuple(dict.fromkeys((*sender, *_own_card(message))))
    yield from _message(message, _in_group(message) or sender, sender, people.name(sender), received_at)


def _former_and_new(system: Mapping[str, Any]) -> Addresses:
    """The names before and after a change of number or user id; of other notices nothing is concluded."""
    if text(system.get("type")) not in _CHANGED:
        return ()
    before = _addresses(system.get("customer"), system.get("previous_user_id"))
    after = _addresses(system.get("wa_id") or system.get("new_wa_id"), system.get("user_id"))
    return (*before, *after)


def _own_card(message: Mapping[str, Any]) -> Addresses:
    """The sender's own number, shared because it was asked for; any other card is about somebody else."""
    cards = list_of_dicts(message.get("contacts")) if text(message.get("type")) == "contacts" else []
    if len(cards) != 1 or text(cards[0].get("origin")) != "contact_request":
        return ()
    numbers = [phone(each.get("wa_id") or each.get("phone")) for each in list_of_dicts(cards[0].get("phones"))]
    known = {Address(AddressKind.PHONE, each) for each in numbers if each is not None}
    return tuple(known) if len(known) == 1 else ()


def _in_group(message: Mapping[str, Any]) -> Addresses:
    group = text(message.get("group_id"))
    return (Address(AddressKind.GROUP, group),) if group else ()


def _message(
    message: Mapping[str, Any],
    chat: Addresses,
    sender: Addresses,
    name: str,
    received_at: datetime,
    *,
    from_me: bool = False,
) -> Iterator[MessageUpdate]:
    provider_id, kind = text(message.get("id")), text(message.get("type"))
    if not provider_id or not chat:
        yield _unknown(f"messages/{kind}", message, received_at, chat)
        return
    content = content_of(message)
    yield ProviderMessage(
        provider_id=provider_id,
        chat=chat,
        sender=() if from_me else sender,
        from_me=from_me,
        kind=content.kind,
        text=content.text,
        media=content.media,
        refers_to=content.refers_to or None,
        sender_name=name,
        sent_at=parse_time(message.get("timestamp")) or received_at,
        received_at=received_at,
    )
    if not content.understood:
        yield _unknown(f"messages/{kind}", message, received_at, chat)


def _receipt(status: Mapping[str, Any], people: _People, received_at: datetime) -> Iterator[MessageUpdate]:
    provider_id, word, about = text(status.get("id")), text(status.get("status")), text(status.get("type"))
    of_a_message = about in ("", "message")  # a payment or a call has a course of its own
    delivery = _DELIVERIES.get(word.lower()) if of_a_message else None
    if text(status.get("recipient_type")) == "group":
        chat: Addresses = (Address(AddressKind.GROUP, text(status.get("recipient_id"))),)
    else:
        user_id = status.get("recipient_user_id") or status.get("user_id")
        chat = people.whole(_addresses(status.get("recipient_id"), user_id)) or people.only
    if not provider_id or delivery is None:
        yield _unknown(f"statuses/{word}", status, received_at, chat)
        return
    at = parse_time(status.get("timestamp")) or received_at
    code, why = _reason(status) if delivery is DeliveryStatus.FAILED else ("", "")
    yield DeliveryReceipt(provider_ids=(provider_id,), chat=chat, delivery=delivery, at=at, code=code, detail=why)


def _reason(status: Mapping[str, Any]) -> tuple[str, str]:
    """The code of the first error that has one, and the words of all."""
    errors = list_of_dicts(status.get("errors"))
    codes = [str(code) for each in errors if (code := number(each.get("code"))) is not None]
    first = codes[0] if codes else ""
    return first, redact_token(reasons(errors).removeprefix(first).removeprefix(" · "))[:LONGEST_REASON]


def _about(value: Mapping[str, Any]) -> Addresses:
    """Whom a change that is not understood names: it is erased with them."""
    found: list[Address] = []
    for name in ("contacts", "calls", "state_sync", "groups", "messages", "message_echoes", "statuses"):
        for each in list_of_dicts(value.get(name)):
            card = mapping(each.get("contact"))
            found += _addresses(each.get("wa_id"), each.get("user_id"))
            found += _addresses(each.get("from"), each.get("from_user_id"))
            found += _addresses(each.get("to"), each.get("to_user_id"))
            found += _addresses(each.get("recipient_id"), each.get("recipient_user_id"))
            found += _addresses(card.get("phone_number"), card.get("user_id"))
    return tuple(dict.fromkeys(found))


def _same(some: Addresses, others: Addresses) -> bool:
    return bool({each.key for each in some} & {each.key for each in others})


def _addresses(wa_id: object, user_id: object) -> Addresses:
    """The number, where it is said, and Meta's id of the user: either may be missing."""
    bare = isinstance(wa_id, int) and not isinstance(wa_id, bool) and 0 < wa_id < 10**15  # without its quotes
    account: PhoneNumber | None = phone(str(wa_id) if bare else wa_id)
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
