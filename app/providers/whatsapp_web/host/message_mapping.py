"""What the library reports of messages, as `ProviderMessage` and `DeliveryReceipt`.

Sources: whatsmeow's types/events/events.go and message.go, neonize's goneonize/utils/encoder.go. History syncs (event
13: what was said before pairing) are not subscribed to; they would be one more kind of record here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.domain.messages import (
    Address,
    AddressKind,
    DeliveryReceipt,
    DeliveryStatus,
    MessageKind,
    MessageUpdate,
    ProviderMessage,
)
from app.domain.phone import is_e164
from app.domain.trusted_time import parse_timestamp
from app.providers.whatsapp_web.host.event_mapping import Event
from app.providers.whatsapp_web.host.message_content import content_of
from app.providers.whatsapp_web.host.spool import SpoolRecord

_PEOPLE: Final = frozenset({"s.whatsapp.net", "c.us", "hosted"})
_HIDDEN: Final = frozenset({"lid", "hosted.lid"})
STATUS: Final = "status@broadcast"


def jid_text(jid: Any) -> str:
    """A JID without its device, as whatsmeow writes it."""
    return f"{jid.User}@{jid.Server}" if jid.User else str(jid.Server)


def address_of(jid: Any) -> Address | None:
    """Who *jid* is; None when it is empty."""
    return address(jid.User, jid.Server)


def address(user: str, server: str) -> Address | None:
    if not user:
        return None
    user = user.partition(":")[0].partition(".")[0]  # without the device
    if server in _PEOPLE and is_e164(f"+{user}"):
        return Address(AddressKind.PHONE, f"+{user}")
    if server in _HIDDEN:
        return Address(AddressKind.LID, user)
    if server == "g.us":
        return Address(AddressKind.GROUP, user)
    return Address(AddressKind.OTHER, f"{user}@{server}")


def all_addresses(*jids: Any) -> tuple[Address, ...]:
    """Everything one of them is called, each name once."""
    found = (address_of(jid) for jid in jids)
    return tuple(dict.fromkeys(each for each in found if each is not None))


def is_broadcast(jid: Any) -> bool:
    """Whether nobody talks to the mentorado there: status updates and channels are read by whoever likes to. They are
    not conversations, there can be hundreds a day, and their authors never wrote to us: they are not kept."""
    return bool(jid.Server == "newsletter" or jid_text(jid) == STATUS)


IGNORED: Final = 60_000
"""A record of ours: a message that came again after the library had used up its key. See `ignored_message`."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_OF_SECOND: Final = timedelta(milliseconds=999)


class UnreadableRecord(Exception):
    """A record that is not what its code says. Its text says nothing of what was in it."""


def messages_from(record: SpoolRecord, pb: Any) -> Sequence[MessageUpdate]:
    """What the history should know of *record*; nothing, when it is not about messages people exchange."""
    try:
        match record.code:
            case Event.MESSAGE:
                return _message(pb.Message.FromString(record.payload), record)
            case Event.UNDECRYPTABLE_MESSAGE:
                return _undecryptable(pb.UndecryptableMessage.FromString(record.payload), record, pb)
            case Event.RECEIPT:
                return _receipt(pb.Receipt.FromString(record.payload), pb)
            case _ if record.code == IGNORED:
                return _ignored(json.loads(record.payload), record)
    except Exception as error:  # whatever a stranger sent must not stop what follows it
        raise UnreadableRecord(type(error).__name__) from error
    raise UnreadableRecord("an unknown code")


def _message(event: Any, record: SpoolRecord) -> Sequence[MessageUpdate]:
    if is_broadcast(event.Info.MessageSource.Chat):
        return ()
    content = content_of(event.Message)
    if content is None:
        return ()
    message_id = event.Info.ID
    if content.refers_to == message_id:
        message_id = f"{message_id}-{content.kind}"  # else it would be taken for its target, come again
    return (
        _wire(
            event.Info,
            record,
            provider_id=message_id,
            kind=content.kind,
            text=content.text,
            media=content.media,
            refers_to=content.refers_to,
            sender_time=content.sender_time,
        ),
    )


def _in_its_second(sent_at: datetime, sender_time: int | None) -> datetime:
    """When in the second that the server tells something was sent, by the sender's clock.

    The order in which one person changed a message is the order of their clock, however far off that is: before the
    server's second counts as its beginning, and after it as its end.
    """
    by_sender = parse_timestamp(sender_time or 0)
    if by_sender is None or sent_at.microsecond:
        return sent_at
    return sent_at + min(max(by_sender - sent_at, timedelta()), _LAST_OF_SECOND)


def _undecryptable(event: Any, record: SpoolRecord, pb: Any) -> Sequence[MessageUpdate]:
    """The library has asked the sender to send it again; when that comes, it has the same id and can be read."""
    hidden = event.DecryptFailMode == pb.UndecryptableMessage.DECRYPT_FAIL_HIDE
    if hidden or is_broadcast(event.Info.MessageSource.Chat):
        return ()  # its sender says that it is nothing to be seen: a vote, a reaction
    return (_wire(event.Info, record, provider_id=event.Info.ID, kind=MessageKind.UNREADABLE),)


def _wire(info: Any, record: SpoolRecord, *, sender_time: int | None = None, **fields: Any) -> ProviderMessage:
    source = info.MessageSource
    sender = all_addresses(source.Sender, source.SenderAlt)
    if source.Chat.Server == "broadcast" and not source.IsFromMe:
        chat = sender  # a broadcast list is its owner's: everybody else gets it as a message from them
    elif source.IsGroup:
        chat = all_addresses(source.Chat)
    elif source.IsFromMe:
        chat = all_addresses(source.Chat, source.RecipientAlt)
    else:
        chat = all_addresses(source.Chat, source.SenderAlt)
    return ProviderMessage(
        chat=chat,
        sender=sender,
        from_me=source.IsFromMe,
        sender_name=info.Pushname,
        sent_at=_in_its_second(_time(info.Timestamp, record), sender_time),
        received_at=datetime.fromtimestamp(record.received, UTC),
        **fields,
    )


def _receipt(event: Any, pb: Any) -> Sequence[MessageUpdate]:
    kinds = pb.Receipt
    deliveries = {
        kinds.DELIVERED: DeliveryStatus.DELIVERED,
        kinds.INACTIVE: DeliveryStatus.DELIVERED,  # by a client that nobody looks at just now
        kinds.READ: DeliveryStatus.READ,
        kinds.PLAYED: DeliveryStatus.READ,
    }
    source, delivery = event.MessageSource, deliveries.get(event.Type)
    # The mentorado's own devices say what they have, or read, of other people's messages: no news of ours. In a group
    # the first member's receipt counts for all.
    if delivery is None or source.IsFromMe or not event.MessageIDs or is_broadcast(source.Chat):
        return ()
    chat = all_addresses(source.Chat) if source.IsGroup else all_addresses(source.Chat, source.SenderAlt)
    at = parse_timestamp(event.Timestamp) or _EPOCH
    return (DeliveryReceipt(provider_ids=tuple(event.MessageIDs), chat=chat, delivery=delivery, at=at),)


def _ignored(fields: dict[str, str], record: SpoolRecord) -> Sequence[MessageUpdate]:
    chat, sender = (address(*_split(fields[name])) for name in ("chat", "sender"))
    if chat is None:
        return ()
    received = datetime.fromtimestamp(record.received, UTC)
    return (
        ProviderMessage(
            provider_id=fields["id"],
            chat=(chat,),
            sender=(sender,) if sender else (),
            from_me=fields["own"] == "yes",
            kind=MessageKind.UNREADABLE,
            sent_at=received,
            received_at=received,
        ),
    )


def _split(jid: str) -> tuple[str, str]:
    user, _, server = jid.partition("@")
    return user, server


def _time(count: int, record: SpoolRecord) -> datetime:
    """WhatsApp's time; a message without one was sent when it was received."""
    return parse_timestamp(count) or datetime.fromtimestamp(record.received, UTC)
