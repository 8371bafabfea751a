from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from html.parser import HTMLParser

import pytest

from app.domain.messages import REFERRING, DeliveryStatus, Media, MessageKind
from app.domain.notes import Note, NoteId
from app.formats.export_html import HtmlExportRenderer
from app.formats.privacy_export import ConversationFile, ExportHead
from app.text.translator import LANGUAGES
from tests.clock import DAWN
from tests.core.archive import BIA, GROUP, stored_message
from tests.storage.people import new_mentorado

BRASILIA = timezone(timedelta(hours=-3))
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title><iframe src='//evil.example'></iframe>",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "\u202etxt.exe",
    "مرحبا 123 <b>",
    "a\x00b\x1bc\x85d\x7fe",
    "linha um\nlinha dois",
    "' style='position:fixed' onclick='x",
)


class Seen(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.policy = ""
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        known = dict(attrs)
        if tag == "a":
            self.links.append(known["href"] or "")
        if known.get("http-equiv") == "Content-Security-Policy":
            self.policy = known["content"] or ""

    def handle_data(self, data: str) -> None:
        self.text += data


ALLOWED_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td", "a", "article", "time", "bdi", "blockquote"),
}
ALLOWED_ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "href", "class", "dir", "datetime", "scope"}


def thread(title: str = "Bia", shown: int = 1) -> ConversationFile:
    made = ConversationFile(
        number=1, id=stored_message(1).conversation_id, title=title, is_group=False, addresses=(BIA,)
    )
    made.shown = shown
    return made


def pages(language: str = "pt-BR") -> HtmlExportRenderer:
    return HtmlExportRenderer(language, BRASILIA)


def whole(title: str, text: str) -> list[Seen]:
    """Both kinds of pages, with *title* and *text* wherever people can put something."""
    page, person = pages(), new_mentorado(title, cohort=text)
    note = Note(
        id=NoteId("a" * 32),
        mentorado_id=person.id,
        text=text,
        author=title,
        written_at=DAWN,
        edited_by=title,
        edited_at=DAWN,
    )
    head = ExportHead(mentorado=person, contact=BIA, contact_title=title, at=DAWN, notes=[note])
    message = stored_message(
        1,
        text,
        sender_name=title,
        quoted_text=text,
        original_text=text,
        kind=MessageKind.DOCUMENT,
        media=Media(name=title),
        reactions=(text, "👍"),
        edited_at=DAWN,
        revoked_at=DAWN,
        delivery=DeliveryStatus.FAILED,
        failure=text,
    )
    talk = thread(title)
    return [
        Seen(page.index(head, [talk])),
        Seen(page.begin(talk, 2) + page.message(message) + page.end(talk, 2, more=True)),
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_people_wrote_is_text_and_nothing_else(hostile: str) -> None:
    for page in whole(hostile, hostile):
        assert page.tags <= ALLOWED_TAGS
        assert page.attributes <= ALLOWED_ATTRIBUTES
        assert page.policy.startswith("default-src 'none'")
        assert all(link.endswith(".html") and ":" not in link for link in page.links)
        shown = "".join(
            sign for sign in hostile if sign == "\n" or (ord(sign) >= 0x20 and not 0x7F <= ord(sign) < 0xA0)
        )
        assert shown in page.text
        assert not set(page.text) & {chr(code) for code in (0, 27, 127, 0x85)}


def test_a_mentorado_is_described_and_conversations_are_linked() -> None:
    head = ExportHead(mentorado=new_mentorado("Ana Lima", cohort="Turma 7"), contact=None, contact_title="", at=DAWN)
    nameless = ConversationFile(
        number=2, id=stored_message(1).conversation_id, title="", is_group=True, addresses=(GROUP,), shown=3
    )
    page = Seen(pages().index(head, [thread(), nameless]))
    assert page.links == ["conversations/0001.html", "conversations/0002.html"]
    for expected in ("O que está guardado sobre Ana Lima", "+55 11 98765-4321", "Turma 7", "31/12/2025 21:00"):
        assert expected in page.text
    assert "4 mensagens." in page.text
    assert "Sem nome" in page.text
    assert "Contato" not in page.text


def test_notes_stand_with_who_wrote_and_who_changed_them() -> None:
    person = new_mentorado("Ana Lima")
    note = Note(id=NoteId("a" * 32), mentorado_id=person.id, text="Ligar à tarde", author="Carla", written_at=DAWN)
    edited = replace(note, text="A irmã cuida", edited_by="Bia", edited_at=DAWN + timedelta(hours=1))
    head = ExportHead(mentorado=person, contact=None, contact_title="", at=DAWN, notes=[note, edited])
    text = Seen(pages().index(head, [])).text
    assert "Anotações da equipe" in text
    assert "Ligar à tardeCarla · 31/12/2025 21:00A irmã cuida" in text
    assert "Carla · 31/12/2025 21:00 · mudada por Bia, 31/12/2025 22:00" in text


def test_a_contact_is_named_with_their_number_once() -> None:
    for title, expected in (("Bia", "Bia · +55 21 98765-0001"), (BIA.value, "+55 21 98765-0001")):
        head = ExportHead(mentorado=new_mentorado(), contact=BIA, contact_title=title, at=DAWN)
        page = Seen(pages("en").index(head, []))
        assert f"Contact{expected}" in page.text
        assert "No messages are kept." in page.text
        assert "table" not in page.tags


def test_pages_of_a_long_conversation_lead_to_each_other() -> None:
    talk = thread(shown=5000)
    first = Seen(pages().begin(talk, 1) + pages().end(talk, 1, more=True))
    middle = Seen(pages().begin(talk, 2) + pages().end(talk, 2, more=True))
    last = Seen(pages().begin(talk, 3) + pages().end(talk, 3, more=False))
    assert first.links == ["../index.html", "0001-2.html"]
    assert middle.links == ["../index.html", "0001.html", "0001-3.html"]
    assert last.links == ["../index.html", "0001-2.html"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_message_can_be_shown(language: str) -> None:
    for kind in set(MessageKind) - REFERRING:
        text = Seen(pages(language).message(stored_message(1, "", kind=kind, sender_name=""))).text
        assert "{" not in text
        assert text.strip()


def test_our_side_and_theirs_are_told_apart_and_times_are_local() -> None:
    ours = pages("en").message(stored_message(1, "oi", from_me=True, sender_name="Ana"))
    assert 'class="ours"' in ours
    assert "Ana" not in ours
    assert '<time datetime="2025-12-31T21:01:00-03:00">2025-12-31 21:01</time>' in ours
    theirs = pages("en").message(stored_message(1, "oi"))
    assert 'class="theirs"' in theirs
    assert Seen(theirs).text == "Biaoi2025-12-31 21:01\n"
