"""What a message says: one of about a hundred kinds of content (waE2E/WAWebProtobufsE2E.proto), in our few.

What we do not know is kept as `OTHER`, never dropped; what only keeps devices in step is no message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.unknown_fields import UnknownFieldSet

from app.domain.messages import Media, MessageKind
from app.domain.trusted_time import parse_timestamp
from app.providers.contents import joined, name_on, numbers_on
from app.providers.whatsapp_web.host import business_content as business
from app.providers.whatsapp_web.host.message_parts import (
    TEXT_LIMIT,
    MessageContent,
    amount,
    any_words,
    file_reader,
    location,
    money,
    place,
    quoted,
    target,
)

_K = MessageKind

_WRAPPERS: Final = frozenset({"FutureProofMessage", "DeviceSentMessage"})
"""Messages around a message: ephemeral, view once, with caption, edited, sent by another device, and newer ones.
whatsmeow opens those it knows; whoever reads its event finds the rest still closed."""

_NO_CONTENT: Final = frozenset(
    {"messageContextInfo", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"}
)
"""What travels along with a message. Alone, it hands out a group's keys: what is said follows, with the same id."""

_REVOKE, _EDIT = 0, 14  # ProtocolMessage.Type


def content_of(message: Any) -> MessageContent | None:
    """What *message* says; None when it is between devices only."""
    for _ in range(8):
        inner = next(_wrapped(message), None)
        if inner is None:
            break
        message = inner
    parts = [(field.name, value) for field, value in message.ListFields() if field.name not in _NO_CONTENT]
    if not parts:
        # A content that is newer than this protobuf is there, but has no name.
        return MessageContent(kind=_K.OTHER) if len(UnknownFieldSet(message)) else None
    for name, value in parts:
        if name == "protocolMessage":
            return _protocol(value)
        if (read := _READERS.get(name)) is not None:
            return _cut(read(value))
    unknown = parts[0][1]
    return _cut(MessageContent(kind=_K.OTHER, text=any_words(unknown), refers_to=target(unknown)))


def _wrapped(message: Any) -> Iterator[Any]:
    for field, value in message.ListFields():
        kind = field.message_type
        if kind is not None and kind.name in _WRAPPERS and value.HasField("message"):
            yield value.message


def _protocol(message: Any) -> MessageContent | None:
    if message.type == _REVOKE and message.HasField("key"):
        return MessageContent(kind=_K.REVOCATION, refers_to=message.key.ID)
    if message.type == _EDIT and message.HasField("editedMessage"):
        edited = content_of(message.editedMessage)
        text = edited.text if edited else ""
        return MessageContent(
            kind=_K.EDIT, text=text, refers_to=message.key.ID, sender_time=message.timestampMS or None
        )
    return None  # settings, keys, histories: the library's business


def _cut(content: MessageContent) -> MessageContent:
    if len(content.text) <= TEXT_LIMIT:
        return content
    return replace(content, text=content.text[:TEXT_LIMIT] + "…")


def _words(kind: MessageKind, *names: str) -> Callable[[Any], MessageContent]:
    """Reads all that the fields called *names* say, each on a line of its own, and what is quoted or answered."""

    def read(message: Any) -> MessageContent:
        return MessageContent(
            kind=kind, text=joined(*(str(getattr(message, name)) for name in names)), refers_to=target(message)
        )

    return read


def _audio(message: Any) -> MessageContent:
    return file_reader(_K.VOICE if message.PTT else _K.AUDIO)(message)


def _sticker_pack(message: Any) -> MessageContent:
    media = Media(name=message.name, size=message.fileLength or None)
    text = joined(message.name, message.publisher, message.packDescription, message.caption)
    return MessageContent(kind=_K.STICKER, text=text, media=media, refers_to=quoted(message))


def _contact(message: Any) -> MessageContent:
    """The name on the card, and its numbers."""
    return MessageContent(kind=_K.CONTACT, text=joined(*_card(message)), refers_to=quoted(message))


def _card(message: Any) -> list[str]:
    return [message.displayName or name_on(message.vcard), *numbers_on(message.vcard)]


def _contacts(message: Any) -> MessageContent:
    """A line for each card; names alone are a list."""
    cards = [_card(contact) for contact in message.contacts]
    lines = (joined(*card, between=" · ") for card in cards)
    text = joined(*lines, between="\n" if any(len(card) > 1 for card in cards) else ", ")
    return MessageContent(kind=_K.CONTACT, text=text or message.displayName, refers_to=quoted(message))


def _live_location(message: Any) -> MessageContent:
    where = f"{message.degreesLatitude:.6f}, {message.degreesLongitude:.6f}"
    return MessageContent(kind=_K.LOCATION, text=f"{message.caption} ({where})" if message.caption else where)


def _poll(message: Any) -> MessageContent:
    lines = [message.name, *(f"- {option.optionName}" for option in message.options)]
    return MessageContent(kind=_K.POLL, text="\n".join(lines), refers_to=quoted(message))


def _poll_result(message: Any) -> MessageContent:
    lines = [message.name, *(f"- {vote.optionName}: {vote.optionVoteCount}" for vote in message.pollVotes)]
    return MessageContent(kind=_K.POLL, text="\n".join(lines), refers_to=quoted(message))


def _poll_option(message: Any) -> MessageContent:
    return MessageContent(kind=_K.POLL, text=f"- {message.addOption.optionName}", refers_to=target(message))


def _reaction(message: Any) -> MessageContent:
    return MessageContent(
        kind=_K.REACTION, text=message.text, refers_to=message.key.ID, sender_time=message.senderTimestampMS or None
    )


def _comment(message: Any) -> MessageContent:
    """What is said about another message."""
    return replace(_inner(message.message), refers_to=message.targetMessageKey.ID or None)


def _inner(message: Any) -> MessageContent:
    return content_of(message) or MessageContent(kind=_K.OTHER)


# --- appointments and calls ------------------------------------------------------------------------------------------


def _event(message: Any) -> MessageContent:
    text = joined(
        ("✗ " if message.isCanceled else "") + message.name,
        _time(message.startTime),
        place(message.location) if message.HasField("location") else "",
        message.description,
        message.joinLink,
    )
    return MessageContent(kind=_K.EVENT, text=text, refers_to=quoted(message))


def _event_invitation(message: Any) -> MessageContent:
    named = ("✗ " if message.isCanceled else "") + message.eventTitle
    text = joined(named, _time(message.startTime), message.caption, message.callLink)
    return MessageContent(kind=_K.EVENT, text=text, refers_to=quoted(message))


def _scheduled_call(message: Any) -> MessageContent:
    return MessageContent(kind=_K.EVENT, text=joined(message.title, _time(message.scheduledTimestampMS)))


def _time(count: int) -> str:
    moment = parse_timestamp(count)
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


_MISSED: Final = frozenset({1, 6, 7})  # CallLogMessage.CallOutcome: missed, and silenced for one reason or another


def _call(message: Any) -> MessageContent:
    media = Media(seconds=message.durationSecs) if message.durationSecs > 0 else None
    return MessageContent(kind=_K.MISSED_CALL if message.callOutcome in _MISSED else _K.CALL, media=media)


# --- money -----------------------------------------------------------------------------------------------------------


def _payment(message: Any) -> MessageContent:
    """Money that was sent: its note. The amount is not told to other devices."""
    note = _inner(message.noteMessage).text if message.HasField("noteMessage") else ""
    return MessageContent(kind=_K.PAYMENT, text=note, refers_to=target(message))


def _payment_request(message: Any) -> MessageContent:
    note = _inner(message.noteMessage) if message.HasField("noteMessage") else MessageContent(kind=_K.PAYMENT)
    asked = money(message.amount) or amount(message.amount1000, 1000, message.currencyCodeIso4217)
    return MessageContent(kind=_K.PAYMENT, text=joined(asked, note.text), refers_to=note.refers_to)


def _payment_refused(message: Any) -> MessageContent:
    return MessageContent(kind=_K.PAYMENT, text="✗", refers_to=target(message))


def _invoice(message: Any) -> MessageContent:
    media = Media(mime=message.attachmentMimetype) if message.attachmentMimetype else None
    return MessageContent(kind=_K.PAYMENT, text=message.note, media=media)


def _payment_reminder(message: Any) -> MessageContent:
    return MessageContent(kind=_K.PAYMENT, text=joined(money(message.amount), message.description))


def _split_payment(message: Any) -> MessageContent:
    return MessageContent(
        kind=_K.PAYMENT, text=joined(money(message.totalAmount), message.description), refers_to=quoted(message)
    )


_READERS: Final[Mapping[str, Callable[[Any], MessageContent]]] = MappingProxyType(
    {
        "conversation": lambda message: MessageContent(kind=_K.TEXT, text=message),
        "extendedTextMessage": _words(_K.TEXT, "text"),
        "imageMessage": file_reader(_K.IMAGE),
        "videoMessage": file_reader(_K.VIDEO),
        "ptvMessage": file_reader(_K.VIDEO),
        "audioMessage": _audio,
        "documentMessage": file_reader(_K.DOCUMENT),
        "stickerMessage": file_reader(_K.STICKER, caption=""),
        "stickerPackMessage": _sticker_pack,
        "contactMessage": _contact,
        "contactsArrayMessage": _contacts,
        "locationMessage": location,
        "liveLocationMessage": _live_location,
        **{f"pollCreationMessage{version}": _poll for version in ("", "V2", "V3", "V5", "V6")},
        **{f"pollResultSnapshotMessage{version}": _poll_result for version in ("", "V3")},
        "pollAddOptionMessage": _poll_option,
        "reactionMessage": _reaction,
        "commentMessage": _comment,
        "questionResponseMessage": _words(_K.TEXT, "text"),
        "statusQuestionAnswerMessage": _words(_K.TEXT, "text"),
        "statusQuotedMessage": _words(_K.TEXT, "text"),
        "eventMessage": _event,
        "eventInviteMessage": _event_invitation,
        "scheduledCallCreationMessage": _scheduled_call,
        "callLogMesssage": _call,
        "sendPaymentMessage": _payment,
        "requestPaymentMessage": _payment_request,
        "declinePaymentRequestMessage": _payment_refused,
        "cancelPaymentRequestMessage": _payment_refused,
        "paymentInviteMessage": lambda _message: MessageContent(kind=_K.PAYMENT),
        "paymentReminderMessage": _payment_reminder,
        "splitPaymentMessage": _split_payment,
        "invoiceMessage": _invoice,
        "orderMessage": business.order,
        "productMessage": business.product,
        "buttonsMessage": business.buttons,
        "buttonsResponseMessage": business.chosen("selectedDisplayText", otherwise="selectedButtonID"),
        "listMessage": business.choice_list,
        "listResponseMessage": business.chosen("title", "description", otherwise="singleSelectReply.selectedRowID"),
        "templateMessage": business.template,
        "templateButtonReplyMessage": business.chosen("selectedDisplayText", otherwise="selectedID"),
        "highlyStructuredMessage": lambda message: MessageContent(kind=_K.TEXT, text=business.structured(message)),
        "interactiveMessage": business.interactive,
        "interactiveResponseMessage": business.interactive_answer,
        "richResponseMessage": business.rich_response,
        "groupInviteMessage": _words(_K.OTHER, "groupName", "caption"),
        "newsletterAdminInviteMessage": _words(_K.OTHER, "newsletterName", "caption"),
        "newsletterFollowerInviteMessageV2": _words(_K.OTHER, "newsletterName", "caption"),
    }
)
