"""What the library reports of messages, as `WireMessage` and `WireReceipt`.

Sources: whatsmeow's types/events/events.go and message.go, neonize's goneonize/utils/encoder.go. History syncs (event
13: what was said before pairing) are not subscribed to; they would be one more kind of record here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.domain.messages import Delivery, MessageKind, WireFact, WireMessage, WireReceipt
from app.domain.trusted_time import moment_of
from app.providers.whatsapp_web.host.addresses import address, is_publication, named
from app.providers.whatsapp_web.host.content import content_of
from app.providers.whatsapp_web.host.events import Event
from app.providers.whatsapp_web.host.records import Record

IGNORED: Final = 60_000
"""A record of ours: a message that came again after the library had used up its key. See `ignored_in`."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_OF_SECOND: Final = timedelta(milliseconds=999)


class NotUnderstood(Exception):
    """A record that is not what its code says. Its text says nothing of what was in it."""


def facts_of(record: Record, pb: Any) -> Sequence[WireFact]:
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
        raise NotUnderstood(type(error).__name__) from error
    raise NotUnderstood("an unknown code")


def _message(event: Any, record: Record) -> Sequence[WireFact]:
    if is_publication(event.Info.MessageSource.Chat):
        return ()
    said = content_of(event.Message)
    if said is None:
        return ()
    message_id = event.Info.ID
    if said.refers_to == message_id:
        message_id = f"{message_id}-{said.kind}"  # else it would be taken for its target, come again
    return (
        _wire(
            event.Info,
            record,
            provider_id=message_id,
            kind=said.kind,
            text=said.text,
            media=said.media,
            refers_to=said.refers_to,
            sender_time=said.sender_time,
        ),
    )


def _in_its_second(sent_at: datetime, sender_time: int | None) -> datetime:
    """When in the second that the server tells something was sent, by the sender's clock.

    The order in which one person changed a message is the order of their clock, however far off that is: before the
    server's second counts as its beginning, and after it as its end.
    """
    by_sender = moment_of(sender_time or 0)
    if by_sender is None or sent_at.microsecond:
        return sent_at
    return sent_at + min(max(by_sender - sent_at, timedelta()), _LAST_OF_SECOND)


def _undecryptable(event: Any, record: Record, pb: Any) -> Sequence[WireFact]:
    """The library has asked the sender to send it again; when that comes, it has the same id and can be read."""
    hidden = event.DecryptFailMode == pb.UndecryptableMessage.DECRYPT_FAIL_HIDE
    if hidden or is_publication(event.Info.MessageSource.Chat):
        return ()  # its sender says that it is nothing to be seen: a vote, a reaction
    return (_wire(event.Info, record, provider_id=event.Info.ID, kind=MessageKind.UNREADABLE),)


def _wire(info: Any, record: Record, *, sender_time: int | None = None, **said: Any) -> WireMessage:
    source = info.MessageSource
    sender = named(source.Sender, source.SenderAlt)
    if source.Chat.Server == "broadcast" and not source.IsFromMe:
        chat = sender  # a broadcast list is its owner's: everybody else gets it as a message from them
    elif source.IsGroup:
        chat = named(source.Chat)
    elif source.IsFromMe:
        chat = named(source.Chat, source.RecipientAlt)
    else:
        chat = named(source.Chat, source.SenderAlt)
    return WireMessage(
        chat=chat,
        sender=sender,
        from_me=source.IsFromMe,
        sender_name=info.Pushname,
        sent_at=_in_its_second(_time(info.Timestamp, record), sender_time),
        received_at=datetime.fromtimestamp(record.received, UTC),
        **said,
    )


def _receipt(event: Any, pb: Any) -> Sequence[WireFact]:
    kinds = pb.Receipt
    deliveries = {
        kinds.DELIVERED: Delivery.DELIVERED,
        kinds.INACTIVE: Delivery.DELIVERED,  # by a client that nobody looks at just now
        kinds.READ: Delivery.READ,
        kinds.PLAYED: Delivery.READ,
    }
    source, delivery = event.MessageSource, deliveries.get(event.Type)
    # The mentorado's own devices say what they have, or read, of other people's messages: no news of ours. In a group
    # the first member's receipt counts for all.
    if delivery is None or source.IsFromMe or not event.MessageIDs or is_publication(source.Chat):
        return ()
    chat = named(source.Chat) if source.IsGroup else named(source.Chat, source.SenderAlt)
    at = moment_of(event.Timestamp) or _EPOCH
    return (WireReceipt(provider_ids=tuple(event.MessageIDs), chat=chat, delivery=delivery, at=at),)


def _ignored(said: dict[str, str], record: Record) -> Sequence[WireFact]:
    chat, sender = (address(*_split(said[name])) for name in ("chat", "sender"))
    if chat is None:
        return ()
    received = datetime.fromtimestamp(record.received, UTC)
    return (
        WireMessage(
            provider_id=said["id"],
            chat=(chat,),
            sender=(sender,) if sender else (),
            from_me=said["own"] == "yes",
            kind=MessageKind.UNREADABLE,
            sent_at=received,
            received_at=received,
        ),
    )


def _split(jid: str) -> tuple[str, str]:
    user, _, server = jid.partition("@")
    return user, server


def _time(count: int, record: Record) -> datetime:
    """WhatsApp's time; a message without one was sent when it was received."""
    return moment_of(count) or datetime.fromtimestamp(record.received, UTC)
