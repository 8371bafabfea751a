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
from app.domain.trusted_time import moment_of
from app.providers.contact_cards import name_on, numbers_on
from app.providers.whatsapp_web.host import business_content as business
from app.providers.whatsapp_web.host.content_parts import (
    TEXT_LIMIT,
    Content,
    amount,
    any_words,
    file_reader,
    joined,
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

_NOT_SAID: Final = frozenset(
    {"messageContextInfo", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"}
)
"""What travels along with a message. Alone, it hands out a group's keys: what is said follows, with the same id."""

_REVOKE, _EDIT = 0, 14  # ProtocolMessage.Type


def content_of(message: Any) -> Content | None:
    """What *message* says; None when it is between devices only."""
    for _ in range(8):
        inner = next(_wrapped(message), None)
        if inner is None:
            break
        message = inner
    said = [(field.name, value) for field, value in message.ListFields() if field.name not in _NOT_SAID]
    if not said:
        # A content that is newer than this protobuf is there, but has no name.
        return Content(kind=_K.OTHER) if len(UnknownFieldSet(message)) else None
    for name, value in said:
        if name == "protocolMessage":
            return _protocol(value)
        if (read := _READERS.get(name)) is not None:
            return _cut(read(value))
    unknown = said[0][1]
    return _cut(Content(kind=_K.OTHER, text=any_words(unknown), refers_to=target(unknown)))


def _wrapped(message: Any) -> Iterator[Any]:
    for field, value in message.ListFields():
        kind = field.message_type
        if kind is not None and kind.name in _WRAPPERS and value.HasField("message"):
            yield value.message


def _protocol(said: Any) -> Content | None:
    if said.type == _REVOKE and said.HasField("key"):
        return Content(kind=_K.REVOCATION, refers_to=said.key.ID)
    if said.type == _EDIT and said.HasField("editedMessage"):
        edited = content_of(said.editedMessage)
        text = edited.text if edited else ""
        return Content(kind=_K.EDIT, text=text, refers_to=said.key.ID, sender_time=said.timestampMS or None)
    return None  # settings, keys, histories: the library's business


def _cut(content: Content) -> Content:
    if len(content.text) <= TEXT_LIMIT:
        return content
    return replace(content, text=content.text[:TEXT_LIMIT] + "…")


def _words(kind: MessageKind, *names: str) -> Callable[[Any], Content]:
    """Reads all that the fields called *names* say, each on a line of its own, and what is quoted or answered."""

    def read(said: Any) -> Content:
        return Content(kind=kind, text=joined(*(str(getattr(said, name)) for name in names)), refers_to=target(said))

    return read


def _audio(said: Any) -> Content:
    return file_reader(_K.VOICE if said.PTT else _K.AUDIO)(said)


def _sticker_pack(said: Any) -> Content:
    media = Media(name=said.name, size=said.fileLength or None)
    text = joined(said.name, said.publisher, said.packDescription, said.caption)
    return Content(kind=_K.STICKER, text=text, media=media, refers_to=quoted(said))


def _contact(said: Any) -> Content:
    """The name on the card, and its numbers."""
    return Content(kind=_K.CONTACT, text=joined(*_card(said)), refers_to=quoted(said))


def _card(said: Any) -> list[str]:
    return [said.displayName or name_on(said.vcard), *numbers_on(said.vcard)]


def _contacts(said: Any) -> Content:
    """A line for each card; names alone are a list."""
    cards = [_card(contact) for contact in said.contacts]
    lines = (joined(*card, between=" · ") for card in cards)
    text = joined(*lines, between="\n" if any(len(card) > 1 for card in cards) else ", ")
    return Content(kind=_K.CONTACT, text=text or said.displayName, refers_to=quoted(said))


def _live_location(said: Any) -> Content:
    where = f"{said.degreesLatitude:.6f}, {said.degreesLongitude:.6f}"
    return Content(kind=_K.LOCATION, text=f"{said.caption} ({where})" if said.caption else where)


def _poll(said: Any) -> Content:
    lines = [said.name, *(f"- {option.optionName}" for option in said.options)]
    return Content(kind=_K.POLL, text="\n".join(lines), refers_to=quoted(said))


def _poll_result(said: Any) -> Content:
    lines = [said.name, *(f"- {vote.optionName}: {vote.optionVoteCount}" for vote in said.pollVotes)]
    return Content(kind=_K.POLL, text="\n".join(lines), refers_to=quoted(said))


def _poll_option(said: Any) -> Content:
    return Content(kind=_K.POLL, text=f"- {said.addOption.optionName}", refers_to=target(said))


def _reaction(said: Any) -> Content:
    return Content(kind=_K.REACTION, text=said.text, refers_to=said.key.ID, sender_time=said.senderTimestampMS or None)


def _comment(said: Any) -> Content:
    """What is said about another message."""
    return replace(_inner(said.message), refers_to=said.targetMessageKey.ID or None)


def _inner(message: Any) -> Content:
    return content_of(message) or Content(kind=_K.OTHER)


# --- appointments and calls ------------------------------------------------------------------------------------------


def _event(said: Any) -> Content:
    text = joined(
        ("✗ " if said.isCanceled else "") + said.name,
        _time(said.startTime),
        place(said.location) if said.HasField("location") else "",
        said.description,
        said.joinLink,
    )
    return Content(kind=_K.EVENT, text=text, refers_to=quoted(said))


def _event_invitation(said: Any) -> Content:
    named = ("✗ " if said.isCanceled else "") + said.eventTitle
    text = joined(named, _time(said.startTime), said.caption, said.callLink)
    return Content(kind=_K.EVENT, text=text, refers_to=quoted(said))


def _scheduled_call(said: Any) -> Content:
    return Content(kind=_K.EVENT, text=joined(said.title, _time(said.scheduledTimestampMS)))


def _time(count: int) -> str:
    moment = moment_of(count)
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


_MISSED: Final = frozenset({1, 6, 7})  # CallLogMessage.CallOutcome: missed, and silenced for one reason or another


def _call(said: Any) -> Content:
    media = Media(seconds=said.durationSecs) if said.durationSecs > 0 else None
    return Content(kind=_K.MISSED_CALL if said.callOutcome in _MISSED else _K.CALL, media=media)


# --- money -----------------------------------------------------------------------------------------------------------


def _payment(said: Any) -> Content:
    """Money that was sent: its note. The amount is not told to other devices."""
    note = _inner(said.noteMessage).text if said.HasField("noteMessage") else ""
    return Content(kind=_K.PAYMENT, text=note, refers_to=target(said))


def _payment_request(said: Any) -> Content:
    note = _inner(said.noteMessage) if said.HasField("noteMessage") else Content(kind=_K.PAYMENT)
    asked = money(said.amount) or amount(said.amount1000, 1000, said.currencyCodeIso4217)
    return Content(kind=_K.PAYMENT, text=joined(asked, note.text), refers_to=note.refers_to)


def _payment_refused(said: Any) -> Content:
    return Content(kind=_K.PAYMENT, text="✗", refers_to=target(said))


def _invoice(said: Any) -> Content:
    media = Media(mime=said.attachmentMimetype) if said.attachmentMimetype else None
    return Content(kind=_K.PAYMENT, text=said.note, media=media)


def _payment_reminder(said: Any) -> Content:
    return Content(kind=_K.PAYMENT, text=joined(money(said.amount), said.description))


def _split_payment(said: Any) -> Content:
    return Content(kind=_K.PAYMENT, text=joined(money(said.totalAmount), said.description), refers_to=quoted(said))


_READERS: Final[Mapping[str, Callable[[Any], Content]]] = MappingProxyType(
    {
        "conversation": lambda said: Content(kind=_K.TEXT, text=said),
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
        "paymentInviteMessage": lambda _said: Content(kind=_K.PAYMENT),
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
        "highlyStructuredMessage": lambda said: Content(kind=_K.TEXT, text=business.structured(said)),
        "interactiveMessage": business.interactive,
        "interactiveResponseMessage": business.interactive_answer,
        "richResponseMessage": business.rich_response,
        "groupInviteMessage": _words(_K.OTHER, "groupName", "caption"),
        "newsletterAdminInviteMessage": _words(_K.OTHER, "newsletterName", "caption"),
        "newsletterFollowerInviteMessageV2": _words(_K.OTHER, "newsletterName", "caption"),
    }
)
