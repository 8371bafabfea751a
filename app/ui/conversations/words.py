"""The words for everything a conversation shows; what is a code in the history is a word from here. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from app.domain.messages import Conversation, Delivery, HistoryExtent, Media, MessageKind, StoredMessage
from app.domain.phone import PhoneNumber, readable
from app.ui.conversations.plain import counted, harmless, one_line
from app.ui.text import texts

KIND_ICON: Mapping[MessageKind, str] = MappingProxyType(
    {
        MessageKind.IMAGE: "image",
        MessageKind.VIDEO: "video",
        MessageKind.AUDIO: "music",
        MessageKind.VOICE: "mic",
        MessageKind.DOCUMENT: "file",
        MessageKind.STICKER: "sticker",
        MessageKind.CONTACT: "contact",
        MessageKind.LOCATION: "map-pin",
        MessageKind.POLL: "poll",
        MessageKind.EVENT: "clock",
        MessageKind.PAYMENT: "ledger",
        MessageKind.CALL: "phone",
        MessageKind.MISSED_CALL: "phone",
        MessageKind.REACTION: "sticker",
        MessageKind.EDIT: "edit",
        MessageKind.REVOCATION: "ban",
        MessageKind.UNREADABLE: "eye-off",
        MessageKind.OTHER: "message",
    }
)
"""What stands in place of what is not text. The word is always beside it."""

DELIVERY_ICON: Mapping[Delivery, str] = MappingProxyType(
    {
        Delivery.ACCEPTED: "clock",
        Delivery.UNCERTAIN: "info",
        Delivery.SENT: "check",
        Delivery.DELIVERED: "check-double",
        Delivery.READ: "check-double",
        Delivery.FAILED: "triangle-alert",
    }
)

_KILO = 1024
_LAST_LETTERS = 400


def kind(message: StoredMessage) -> str:
    """What a message is, when it is not text: ``Foto``, ``Áudio · 0:12``, ``Documento · contrato.pdf``."""
    return " · ".join([texts(f"conversation.kind.{message.kind}"), *_known(message.media)])


def _known(media: Media | None) -> list[str]:
    if media is None:
        return []
    name = one_line(media.name)
    length = "" if media.seconds is None else duration(media.seconds)
    bulk = "" if media.size is None else size(media.size)
    return [part for part in (name, length, bulk) if part]


def duration(seconds: int) -> str:
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: int) -> str:
    """``820 KB``, ``1,2 MB``."""
    value, unit = max(0, count) / _KILO, "KB"
    for larger in ("MB", "GB", "TB"):
        if value < _KILO:
            break
        value, unit = value / _KILO, larger
    shown = f"{value:.1f}" if unit != "KB" else f"{max(1, round(value))}"
    return f"{shown.replace('.', texts('conversation.decimal'))} {unit}"


def number(count: int) -> str:
    """``12.431``, as the language groups digits."""
    return f"{count:,}".replace(",", texts("conversation.thousands"))


def delivery(state: Delivery) -> str:
    return texts(f"conversation.delivery.{state}")


def day(when: date, today: date) -> str:
    """``hoje``, ``ontem``, ``12 de maio``, ``12 de maio de 2025``."""
    if when == today:
        return texts("conversation.today")
    if when == today - timedelta(days=1):
        return texts("conversation.yesterday")
    form = "conversation.day" if when.year == today.year else "conversation.day_with_year"
    return texts(form, day=when.day, month=texts(f"conversation.months.{when.month}"), year=when.year)


def clock_time(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M}"


def moment(when: datetime) -> str:
    """Date and time in full, for details."""
    local = when.astimezone()
    return texts("conversation.moment", date=plain_date(local.date()), time=f"{local:%H:%M:%S}")


def plain_date(when: date) -> str:
    """``12/05/2025``."""
    month = texts(f"date.months.{when.month}")
    return texts("conversation.date", day=when.day, month=month, year=when.year)


def short_time(when: datetime, today: date) -> str:
    """As short as can be, for lists: the hour today, else ``ontem``, else the date."""
    local = when.astimezone()
    if local.date() == today:
        return f"{local:%H:%M}"
    if local.date() == today - timedelta(days=1):
        return texts("conversation.yesterday")
    return plain_date(local.date())


def messages(count: int) -> str:
    return texts.plural("conversation.messages", count).replace(str(count), number(count), 1)


def extent(kept: HistoryExtent) -> str:
    """``Histórico guardado desde 12/05/2025 · 12.431 mensagens``."""
    if kept.since is None:
        return texts("conversation.nothing_kept")
    since = plain_date(kept.since.astimezone().date())
    return texts("conversation.kept_since", date=since, messages=messages(kept.messages))


def title(of: str, *, is_group: bool = False) -> str:
    """A contact's or group's name. Who has none yet is told from others by the end of their number."""
    shown = one_line(of)
    if shown.startswith("+") and shown[1:].isdigit():
        return readable(PhoneNumber(shown))
    if shown.isdigit():
        return texts("conversation.group" if is_group else "conversation.contact", digits=shown[-4:])
    return shown or texts("conversation.nameless_group" if is_group else "conversation.nameless")


def last_line(conversation: Conversation) -> str:
    """What was said last, or that it was not text."""
    return one_line(conversation.last_text[:_LAST_LETTERS]) or texts("conversation.no_text")


def body(message: StoredMessage, most: int | None = None) -> str:
    """The text or caption, harmless, or its beginning; a text without anything to read says so."""
    said = harmless(message.text[:most]).strip("\n").rstrip()
    return said if said or message.kind is not MessageKind.TEXT else texts("conversation.no_text")


def sender(message: StoredMessage) -> str:
    """Who it is from; the mentorado is `you` nowhere, because staff read it."""
    return texts("conversation.mentorado") if message.from_me else one_line(message.sender_name)


def states(message: StoredMessage) -> list[str]:
    """What is to be known about the message apart from what it says."""
    found = []
    if message.revoked_at:
        found.append(texts("conversation.revoked"))
    if message.revocation_asked:
        found.append(texts("conversation.revocation_asked"))
    if message.edited_at:
        found.append(texts("conversation.edited"))
    if message.from_me and message.delivery:
        found.append(delivery(message.delivery))
    signs = [sign if count == 1 else f"{sign} {count}" for sign, count in counted(message.reactions)]
    if signs:
        found.append(texts("conversation.reactions", signs=", ".join(signs)))
    return found


def spoken(message: StoredMessage, today: date, *, partner: str, letters: int = 2000) -> str:
    """The whole message as a screen reader says it."""
    local = message.sent_at.astimezone()
    who = sender(message) or partner
    said = [texts("conversation.spoken", who=who, day=day(local.date(), today), time=f"{local:%H:%M}")]
    if message.quoted_text:
        said.append(texts("conversation.in_reply", quoted=one_line(message.quoted_text)[:120]))
    if message.kind is not MessageKind.TEXT:
        said.append(kind(message))
    said.append(one_line(body(message, 4 * letters)[:letters]))
    return ". ".join(part for part in [*said, *states(message)] if part)


def copied(message: StoredMessage, partner: str) -> str:
    """One message with who and when, as it is pasted elsewhere."""
    local = message.sent_at.astimezone()
    who = sender(message) or partner
    content = [] if message.kind is MessageKind.TEXT else [f"[{kind(message)}]"]
    content += [text for text in (body(message),) if text]
    return f"[{plain_date(local.date())} {local:%H:%M}] {who}: {' '.join(content)}"
