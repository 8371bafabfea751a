"""The readable side of an export: pages that need nothing but themselves, run nothing, and load nothing. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from html import escape
from typing import Final

from app.domain.consent import ConsentEntry
from app.domain.messages import DeliveryStatus, StoredMessage
from app.domain.notes import Note
from app.domain.phone import PhoneNumber, readable
from app.formats.privacy_export import ConversationFile, ExportHead
from app.text.translator import Translator

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2321; background: #fff; max-width: 46rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; } p, dl, table { margin: 0 0 1rem; } dt { color: #56605d; }
dd { margin: 0 0 .4rem; } table { border-collapse: collapse; width: 100%; } th { text-align: start; color: #56605d; }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #dde3e0; vertical-align: top; }
article { margin: 0 4rem .6rem 0; padding: .5rem .8rem; background: #f1f4f2; border-radius: .5rem;
  overflow-wrap: anywhere; unicode-bidi: isolate; }
article.ours { margin: 0 0 .6rem 4rem; background: #dff3e7; } article p { margin: 0; white-space: pre-wrap; }
.small, blockquote { color: #56605d; font-size: .85rem; } blockquote { margin: 0 0 .3rem; padding-inline-start: .6rem;
  border-inline-start: 3px solid #b9c4bf; white-space: pre-wrap; }
@media print { body { margin: 0; } article { break-inside: avoid; } }
"""


class HtmlExportRenderer:
    """Implements `app.formats.privacy_export.PageRenderer` in one language, with the times of one place."""

    def __init__(self, language: str, zone: tzinfo | None = None) -> None:
        self._say = Translator(language)  # of its own: the window may change its language while an export is written
        self._zone = zone  # None: this computer's

    def index(self, head: ExportHead, threads: Sequence[ConversationFile]) -> str:
        say, person = self._say, head.mentorado
        facts = [
            (say("export.mentorado"), _text(person.name)),
            (say("export.phone"), _text(readable(person.phone))),
            (say("export.cohort"), _text(person.cohort)),
            (say("export.enrolled"), self._time(person.created_at)),
            (say("export.provider"), _text(say(f"provider.{head.mentorado.link.provider}"))),
            (say("export.made"), self._time(head.at)),
        ]
        if head.contact is not None:
            named = head.contact_title if head.contact_title != head.contact.value else ""
            address = readable(PhoneNumber(head.contact.value))
            facts.insert(0, (say("export.contact"), _text(" · ".join(filter(None, (named, address))))))
        listed = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in facts if value)
        rows = "".join(self._row(thread) for thread in threads)
        heads = "".join(
            f'<th scope="col">{escape(say(key))}</th>' for key in ("export.conversation", "export.messages")
        )
        table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>" if threads else ""
        kept = f"{say.plural('export.count', sum(thread.shown for thread in threads))} {say('export.complete')}"
        return self._page(
            say("export.title", name=head.contact_title or person.name),
            f"<dl>{listed}</dl>{self._notes(head)}<p>{escape(kept)}</p>{table}{self._consents(head)}",
        )

    def _notes(self, head: ExportHead) -> str:
        """What the staff wrote about the mentorado."""
        if not head.notes:
            return ""
        each = (
            f'<article><p>{_text(note.text)}</p><p class="small">{_text(note.author)} · '
            f"{self._time(note.written_at)}{self._edited(note)}</p></article>"
            for note in head.notes
        )
        return f"<h2>{escape(self._say('export.notes'))}</h2>{''.join(each)}"

    def _edited(self, note: Note) -> str:
        if note.edited_at is None:
            return ""
        return f" · {_text(self._say('export.note_edited', who=note.edited_by))}, {self._time(note.edited_at)}"

    def _consents(self, head: ExportHead) -> str:
        """What one contact agreed to and took back; of everybody, where that is."""
        say = self._say
        if not head.consents:
            return ""
        title = f"<h2>{escape(say('export.consents'))}</h2>"
        if head.contact is None:
            return f"{title}<p>{escape(say.plural('export.consents_in_data', len(head.consents)))}</p>"
        names = ("at", "change", "purpose", "source", "recorded_by", "wording", "version", "note")
        heads = "".join(f'<th scope="col">{escape(say(f"consent.column.{name}"))}</th>' for name in names)
        rows = "".join(self._consent_row(entry) for each in head.consents for entry in each.entries)
        return f"{title}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"

    def _consent_row(self, entry: ConsentEntry) -> str:
        say = self._say
        cells = (
            f"{entry.at:%Y-%m-%d %H:%M:%S} UTC",
            say(f"consent.change.{entry.change}"),
            "" if entry.purpose is None else say(f"consent.purpose.{entry.purpose}"),
            say(f"consent.source.{entry.source}"),
            entry.recorded_by,
            entry.wording,
            entry.version,
            entry.note,
        )
        return f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in cells)}</tr>"

    def begin(self, thread: ConversationFile, page: int) -> str:
        title = self._title(thread)
        back = f'<p class="small"><a href="../index.html">{escape(self._say("export.back"))}</a></p>'
        return self._top(title) + back + f"<h1>{_text(title)}</h1>{self._page_link(thread, page - 1, 'export.earlier')}"

    def message(self, message: StoredMessage) -> str:
        lines = [f'<article class="{"ours" if message.from_me else "theirs"}" dir="auto">']
        if message.sender_name and not message.from_me:
            lines.append(f'<p class="small">{_text(message.sender_name)}</p>')
        if message.quoted_text:
            lines.append(f"<blockquote>{_text(message.quoted_text)}</blockquote>")
        if message.kind != "text":
            lines.append(f'<p class="small">{_text(self._content_label(message))}</p>')
        if message.text:
            lines.append(f"<p>{_text(message.text)}</p>")
        lines.append(f'<p class="small">{self._marks(message)}</p></article>\n')
        return "".join(lines)

    def end(self, thread: ConversationFile, page: int, *, more: bool) -> str:
        return (self._page_link(thread, page + 1, "export.later") if more else "") + _BOTTOM

    def _row(self, thread: ConversationFile) -> str:
        link = f'<a href="conversations/{thread.file()}">{_text(self._title(thread))}</a>'
        return f"<tr><td>{link}</td><td>{thread.shown}</td></tr>"

    def _title(self, thread: ConversationFile) -> str:
        return thread.title or self._say("export.nameless")

    def _page_link(self, thread: ConversationFile, page: int, key: str) -> str:
        if page < 1:
            return ""
        return f'<p><a href="{thread.file(page)}">{escape(self._say(key))}</a></p>'

    def _content_label(self, message: StoredMessage) -> str:
        name = message.media.name if message.media else ""
        return " · ".join(filter(None, (self._say(f"export.kind.{message.kind}"), name)))

    def _marks(self, message: StoredMessage) -> str:
        say = self._say
        marks = [self._time(message.sent_at)]
        if message.reactions:
            marks.append(_text(" ".join(message.reactions)))
        if message.delivery is DeliveryStatus.FAILED:
            marks.append(" · ".join(filter(None, (escape(say("export.failed")), _text(message.failure)))))
        if message.edited_at is not None:
            marks.append(f"{escape(say('export.edited'))} {_text(message.original_text)}")
        if message.revoked_at is not None:
            marks.append(escape(say("export.revoked")))
        if message.revocation_asked:
            marks.append(escape(say("export.revocation_asked")))
        return " · ".join(marks)

    def _time(self, moment: datetime) -> str:
        local = moment.astimezone(self._zone)
        shown = f"{local:%d/%m/%Y %H:%M}" if self._say.language == "pt-BR" else f"{local:%Y-%m-%d %H:%M}"
        return f'<time datetime="{local.isoformat(timespec="seconds")}">{shown}</time>'

    def _page(self, title: str, body: str) -> str:
        return f"{self._top(title)}<h1>{_text(title)}</h1>{body}{_BOTTOM}"

    def _top(self, title: str) -> str:
        return (
            f'<!doctype html>\n<html lang="{self._say.language}"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{escape(_without_controls(title))}</title><style>{_STYLE}</style></head><body>\n"
        )


_CONTROLS: Final = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {ord("\n"), ord("\t")})
_BOTTOM: Final = "</body></html>\n"


def _text(text: str) -> str:
    """*text* as text and nothing else; its direction stays with it."""
    plain = _without_controls(text)
    return f"<bdi>{escape(plain)}</bdi>" if plain else ""


def _without_controls(text: str) -> str:
    """Without control characters, which no page may hold."""
    return text.translate(_CONTROLS)
