"""Conversations as text: kinds, times, senders and states of messages."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from app.domain.messages import Conversation, DeliveryStatus, HistoryStats, Media, MessageKind, StoredMessage
from app.domain.phone import PhoneNumber, readable
from app.text.status import texts

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the order of what follows around: "fdp.exe" reads as a document then."""
_UNSEEN = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060\u2061\u2062\u2063\u2064\u3164\ufeff\uffa0")
_JOINERS = frozenset("\u200c\u200d")
_BREAKS = str.maketrans({"\r": "\n", "\u0085": "\n", "\u2028": "\n", "\u2029": "\n", "\v": "\n", "\f": "\n"})
_HARMLESS = re.compile("[\n -~\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]*")
"""Letters of Latin languages and their punctuation: most of what is written."""
_MARKS_PER_LETTER = 4
"""Every language makes do with fewer; more of them climb over the lines above."""
_FLAG, _FLAG_TAGS = "\U0001f3f4", range(0xE0020, 0xE0080)


def sanitize(text: str) -> str:
    """Remove invisible characters that change how *text* is read; line ends become ``\\n``."""
    if _HARMLESS.fullmatch(text):
        return text
    text = text.replace("\r\n", "\n").translate(_BREAKS)
    kept: list[str] = []
    marks = 0
    for place, sign in enumerate(text):
        category = unicodedata.category(sign)
        marks = marks + 1 if category[0] == "M" else 0
        if marks > _MARKS_PER_LETTER or sign in _BIDI or sign in _UNSEEN:
            continue
        if sign in _JOINERS and not _joins(text, place):
            continue
        if ord(sign) in _FLAG_TAGS or ord(sign) == _FLAG_TAGS.stop - 1:
            if _FLAG not in text[max(0, place - 7) : place]:
                continue
        elif category in {"Cc", "Cs", "Cn", "Co"} and sign not in "\n\t":
            sign = "\ufffd"  # noqa: PLW2901 - a sign that stands for one that has no shape
        kept.append(sign)
    return "".join(kept)


def one_line(text: str) -> str:
    """Like `sanitize`, on one line."""
    return " ".join(sanitize(text).split())


def clipped(text: str, letters: int, lines: int) -> str:
    """Shorten *text*, ending it with ``…`` when something is cut off."""
    short = text[:letters]
    ends = [place for place, sign in enumerate(short) if sign == "\n"]
    if len(ends) >= lines:
        short = short[: ends[lines - 1]]
    return text if len(short) == len(text) else short.rstrip() + "…"


def reactions(signs: tuple[str, ...]) -> list[str]:
    """Each reaction once, with how often it was given where that was more than once; the most frequent first."""
    given = Counter(sorted(one_line(sign)[:12] for sign in signs))
    return [sign if count == 1 else f"{sign} {count}" for sign, count in given.most_common() if sign]


def _joins(text: str, place: int) -> bool:
    """Whether a zero-width joiner is between emoji, or letters of a script that needs it."""
    around = text[place - 1 : place] + text[place + 1 : place + 2]
    return len(around) == 2 and all(ord(sign) > 0x2FF for sign in around)


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

DELIVERY_ICON: Mapping[DeliveryStatus, str] = MappingProxyType(
    {
        DeliveryStatus.ACCEPTED: "clock",
        DeliveryStatus.UNCERTAIN: "info",
        DeliveryStatus.SENT: "check",
        DeliveryStatus.DELIVERED: "check-double",
        DeliveryStatus.READ: "check-double",
        DeliveryStatus.FAILED: "triangle-alert",
    }
)

_KILO = 1024
_LAST_LETTERS = 400


def kind(message: StoredMessage) -> str:
    """Return the kind of a message that is not text: ``Foto``, ``Áudio · 0:12``, ``Documento · contrato.pdf``."""
    return " · ".join([texts(f"conversation.kind.{message.kind}"), *_media_facts(message.media)])


def _media_facts(media: Media | None) -> list[str]:
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
    return texts.number(count)


def delivery(state: DeliveryStatus) -> str:
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
    """Format date and time in full."""
    local = when.astimezone()
    return texts("conversation.moment", date=plain_date(local.date()), time=f"{local:%H:%M:%S}")


def plain_date(when: date) -> str:
    """``12/05/2025``."""
    month = texts(f"date.months.{when.month}")
    return texts("conversation.date", day=when.day, month=month, year=when.year)


def short_time(when: datetime, today: date) -> str:
    """Format a time for lists: the hour today, else ``ontem``, else the date."""
    local = when.astimezone()
    if local.date() == today:
        return f"{local:%H:%M}"
    if local.date() == today - timedelta(days=1):
        return texts("conversation.yesterday")
    return plain_date(local.date())


def messages(count: int) -> str:
    return texts.plural("conversation.messages", count).replace(str(count), number(count), 1)


def extent(kept: HistoryStats) -> str:
    """``Histórico guardado desde 12/05/2025 · 12.431 mensagens``."""
    if kept.since is None:
        return texts("conversation.nothing_kept")
    since = plain_date(kept.since.astimezone().date())
    return texts("conversation.kept_since", date=since, messages=messages(kept.messages))


def title(of: str, *, is_group: bool = False) -> str:
    """Return the name of a contact or group; without a name, the end of the number."""
    shown = one_line(of)
    if shown.startswith("+") and shown[1:].isdigit():
        return readable(PhoneNumber(shown))
    if shown.isdigit():
        return texts("conversation.group" if is_group else "conversation.contact", digits=shown[-4:])
    return shown or texts("conversation.nameless_group" if is_group else "conversation.nameless")


def last_line(conversation: Conversation) -> str:
    """Return the last message as one line, or its kind."""
    return one_line(conversation.last_text[:_LAST_LETTERS]) or texts("conversation.no_text")


def body(message: StoredMessage, most: int | None = None) -> str:
    """Return the sanitized text or caption, perhaps shortened; a text without visible characters says so."""
    text = sanitize(message.text[:most]).strip("\n").rstrip()
    return text if text or message.kind is not MessageKind.TEXT else texts("conversation.no_text")


def sender(message: StoredMessage) -> str:
    """Name of the sender. The mentorado is never "you": staff read this."""
    return texts("conversation.mentorado") if message.from_me else one_line(message.sender_name)


def states(message: StoredMessage) -> list[str]:
    """List the states of a message: edited, deleted, forwarded and the like."""
    found = []
    if message.revoked_at:
        found.append(texts("conversation.revoked"))
    if message.revocation_asked:
        found.append(texts("conversation.revocation_asked"))
    if message.edited_at:
        found.append(texts("conversation.edited"))
    if message.from_me and message.delivery:
        found.append(delivery(message.delivery))
    signs = reactions(message.reactions)
    if signs:
        found.append(texts("conversation.reactions", signs=", ".join(signs)))
    return found


def spoken(message: StoredMessage, today: date, *, partner: str, letters: int = 2000) -> str:
    """Return the whole message for screen readers."""
    local = message.sent_at.astimezone()
    who = sender(message) or partner
    lines = [texts("conversation.spoken", who=who, day=day(local.date(), today), time=f"{local:%H:%M}")]
    if message.quoted_text:
        lines.append(texts("conversation.in_reply", quoted=one_line(message.quoted_text)[:120]))
    if message.kind is not MessageKind.TEXT:
        lines.append(kind(message))
    lines.append(one_line(body(message, 4 * letters)[:letters]))
    return ". ".join(part for part in [*lines, *states(message)] if part)


def copied(message: StoredMessage, partner: str) -> str:
    """Return a message with sender and time for the clipboard."""
    local = message.sent_at.astimezone()
    who = sender(message) or partner
    content = [] if message.kind is MessageKind.TEXT else [f"[{kind(message)}]"]
    content += [text for text in (body(message),) if text]
    return f"[{plain_date(local.date())} {local:%H:%M}] {who}: {' '.join(content)}"
