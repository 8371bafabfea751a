"""What is said over a link: messages, receipts, and who they are from and to.

A *wire* value is what a provider reported, in our words; a *stored* one is what the history keeps of it. Nothing is
ever changed: an edit, a reaction or a revocation is a message of its own that refers to another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import NewType

from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber, comparison_key, former_keys

ContactId = NewType("ContactId", str)
ConversationId = NewType("ConversationId", str)


class AddressKind(StrEnum):
    """The kinds of address providers use; one contact can have several."""

    PHONE = "phone"  # E.164
    LID = "lid"  # WhatsApp's hidden id, digits
    GROUP = "group"  # the part before @g.us
    META_USER = "meta_user"
    OTHER = "other"  # broadcast lists, channels: the whole address


@dataclass(frozen=True, slots=True)
class Address:
    """One name of a contact or group at a provider."""

    kind: AddressKind
    value: str

    def __hash__(self) -> int:
        return hash(self.value)  # of the kind too would take as long again, and tells hardly anybody apart

    @property
    def key(self) -> str:
        """Equal for two addresses that reach the same one, whatever form of a number each has."""
        return _keys(self.kind, self.value)[0]

    @property
    def keys(self) -> tuple[str, ...]:
        """`key`, then those under which earlier versions stored the same address."""
        return _keys(self.kind, self.value)


@lru_cache(maxsize=4096)  # asked several times for each message of a contact
def _keys(kind: AddressKind, value: str) -> tuple[str, ...]:
    if kind is not AddressKind.PHONE:
        return (f"{kind}:{value}",)
    number = PhoneNumber(value)
    return tuple(f"{kind}:{each}" for each in (comparison_key(number), *former_keys(number)))


class MessageKind(StrEnum):
    """The kind of a message. Anything but text is stored as a typed placeholder with its caption."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    VOICE = "voice"
    DOCUMENT = "document"
    STICKER = "sticker"
    CONTACT = "contact"
    LOCATION = "location"
    POLL = "poll"  # a question, or the vote on one, which refers to it
    EVENT = "event"  # an appointment, or the answer to one, which refers to it
    PAYMENT = "payment"  # a key to pay to, a request, a payment, an order with its total
    CALL = "call"
    MISSED_CALL = "missed_call"
    REACTION = "reaction"  # its text is the sign, empty when taken back
    EDIT = "edit"  # its text is the new text
    REVOCATION = "revocation"
    UNREADABLE = "unreadable"  # arrived, but could not be decrypted
    OTHER = "other"


REFERRING = frozenset({MessageKind.REACTION, MessageKind.EDIT, MessageKind.REVOCATION})
"""Kinds that change how another message is shown, and are not shown by themselves."""


class DeliveryStatus(StrEnum):
    """How far an outgoing message got. It only moves forward."""

    ACCEPTED = "accepted"
    UNCERTAIN = "uncertain"  # it may have left: nobody answered, and no receipt has come yet
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


_ORDER = (
    DeliveryStatus.ACCEPTED,
    DeliveryStatus.UNCERTAIN,
    DeliveryStatus.SENT,
    DeliveryStatus.DELIVERED,
    DeliveryStatus.READ,
)


def merge_delivery(before: DeliveryStatus | None, after: DeliveryStatus) -> DeliveryStatus:
    """Combine two delivery reports, in whichever order they arrived. A failure counts only until a later stage is
    known: what was delivered did not fail."""
    if before is None:
        return after
    if DeliveryStatus.FAILED in (before, after):
        other = after if before is DeliveryStatus.FAILED else before
        return other if other in (DeliveryStatus.DELIVERED, DeliveryStatus.READ) else DeliveryStatus.FAILED
    return max(before, after, key=_ORDER.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Metadata of a message's file; the file itself stays with the provider."""

    mime: str = ""
    name: str = ""
    size: int | None = None  # bytes
    seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMessage:
    """A message as a provider reported it, sent from the phone itself too. Unique per link and *provider_id*."""

    provider_id: str
    chat: tuple[Address, ...]  # every address known of the conversation
    sender: tuple[Address, ...]
    from_me: bool
    kind: MessageKind = MessageKind.TEXT
    text: str = ""  # or the caption
    media: Media | None = None
    refers_to: str | None = None  # the provider id it reacts to, edits, revokes or quotes
    sender_name: str = ""  # as the sender calls themselves
    chat_name: str = ""  # what a group or list is called
    sent_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReceipt:
    """How far earlier outgoing messages got."""

    provider_ids: tuple[str, ...]
    chat: tuple[Address, ...]
    delivery: DeliveryStatus
    at: datetime
    code: str = ""  # the provider's own, of what failed
    detail: str = ""  # the provider's own words of why it failed

    @property
    def failure(self) -> str:
        """Code and words of a failure in one line; empty for anything else, and where nothing was said."""
        return " · ".join(filter(None, (self.code, self.detail))) if self.delivery is DeliveryStatus.FAILED else ""


class SetAsideReason(StrEnum):
    """Why a delivery was not taken into the history. Stable: it is stored."""

    NOT_UNDERSTOOD = "not_understood"  # it can be parsed, but nobody here knows what it means
    NOT_STORABLE = "not_storable"  # the database refuses it


@dataclass(frozen=True, slots=True, kw_only=True)
class WireUnknown:
    """A delivery this version does not understand. It is set aside in order, with a reason."""

    kind: str  # the provider's own word for it, such as the field or type of a webhook
    payload: str = field(repr=False)  # JSON
    at: datetime  # when it was received
    about: tuple[Address, ...] = ()  # whose data it is, where that can be told: it is erased with theirs
    reason: SetAsideReason = SetAsideReason.NOT_UNDERSTOOD
    detail: str = ""  # a code; never contents


@dataclass(frozen=True, slots=True, kw_only=True)
class WirePreference:
    """A contact's marketing preference, as the provider reports it; the last one counts."""

    who: tuple[Address, ...]
    stopped: bool
    at: datetime


MessageUpdate = ProviderMessage | DeliveryReceipt | WirePreference | WireUnknown


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message as the history shows it: the latest edit folded in, the original kept beside it."""

    number: int  # grows with the order of arrival, lateness of webhooks mended; also the position to scroll from
    conversation_id: ConversationId
    link_id: LinkId
    provider: ProviderKind
    provider_id: str
    from_me: bool
    sender_name: str
    kind: MessageKind
    text: str
    original_text: str
    media: Media | None
    reactions: tuple[str, ...]
    quoted_text: str | None
    sent_at: datetime
    received_at: datetime
    stored_at: datetime
    delivery: DeliveryStatus | None  # None for incoming messages
    failure: str = ""  # of a failed one: the provider's code and words, as far as it said why
    edited_at: datetime | None
    revoked_at: datetime | None
    revocation_asked: bool = False  # by somebody who did not write it, and of whom nobody knows whether they may


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One thread of one mentorado. Its id outlives sessions, providers and changes of address."""

    id: ConversationId
    mentorado_id: MentoradoId
    title: str  # the contact's or group's name, else its best address
    addresses: tuple[Address, ...]
    is_group: bool
    messages: int
    last_text: str
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondent:
    """The mentorado of a conversation, and every address of its contact or group."""

    mentorado_id: MentoradoId
    addresses: tuple[Address, ...]
    is_group: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRef:
    """The mentorado and the title of a conversation, shown beside a search hit."""

    id: ConversationId
    mentorado_id: MentoradoId
    title: str
    is_group: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMessages:
    """When the last stored message came in, and when the last one that was confirmed went out."""

    received: datetime | None = None
    confirmed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStats:
    """Size and age of the stored history."""

    messages: int
    conversations: int
    since: datetime | None
