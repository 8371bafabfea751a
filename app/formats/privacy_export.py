"""Writes one export: pages to read, and one file of JSON for machines. Blocks, and is used in a thread of its own."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, TextIO
from uuid import uuid4

from app.domain.consent import ContactConsents
from app.domain.errors import ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.messages import REFERRING, Address, Conversation, ConversationId, StoredMessage
from app.domain.notes import Note
from app.domain.set_aside import SetAsideDelivery
from app.platform.files import os_errors_as, private

SCHEMA: Final = 1
"""Of the JSON; it grows when a reader of the former would be misled."""

PAGE: Final = 2_000
"""Messages on one page: more are slow to open."""

_NAMES: Final = tuple(field.name for field in fields(StoredMessage))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportHead:
    """Whose data it is, and of when."""

    mentorado: Mentorado
    contact: Address | None  # the one contact it is about; None for the whole mentorado
    contact_title: str
    at: datetime
    consents: Sequence[ContactConsents] = ()
    notes: Sequence[Note] = ()  # of the staff, about the mentorado


@dataclass(slots=True, kw_only=True)
class ConversationFile:
    """A conversation in the export, and how far it is written."""

    number: int  # counted from 1
    id: ConversationId
    title: str
    is_group: bool
    addresses: tuple[Address, ...]
    shown: int = 0

    @property
    def pages(self) -> int:
        return -(-self.shown // PAGE)

    def file(self, page: int = 1) -> str:
        """The name of one of its pages, counted from 1."""
        return f"{self.number:04}.html" if page == 1 else f"{self.number:04}-{page}.html"


class PageRenderer(Protocol):
    """Makes what people read, whole and escaped; it is called in a thread of the export's own."""

    def index(self, head: ExportHead, threads: Sequence[ConversationFile]) -> str:
        """The first page, written last."""
        ...

    def begin(self, thread: ConversationFile, page: int) -> str: ...

    def message(self, message: StoredMessage) -> str: ...

    def end(self, thread: ConversationFile, page: int, *, more: bool) -> str: ...


class ExportWriter:
    """A folder that is written beside where it belongs, and takes its place only when it is whole."""

    def __init__(
        self, folder: Path, head: ExportHead, conversations: Mapping[ConversationId, Conversation], pages: PageRenderer
    ) -> None:
        self._folder = folder
        self._head = head
        self._conversations = conversations
        self._pages = pages
        self._threads: dict[ConversationId, ConversationFile] = {}
        self._place = folder / f".conecta-{uuid4().hex}.part"
        self._count = 0

    @property
    def conversations(self) -> int:
        return len(self._threads)

    def begin(self) -> None:
        with self._problems():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._place.mkdir(mode=0o700)
            (self._place / "conversations").mkdir(mode=0o700)
            with self._data() as data:
                data.write(json.dumps(_header_as_json(self._head), ensure_ascii=False)[:-1] + ', "messages": [')

    def add(self, batch: Sequence[StoredMessage]) -> None:
        """Write some messages; no more of them than these are in memory."""
        with self._problems():
            with self._data() as data:
                for message in batch:
                    data.write(
                        (",\n" if self._count else "\n") + json.dumps(_message_as_json(message), ensure_ascii=False)
                    )
                    self._count += 1
            by_thread: defaultdict[ConversationId, list[StoredMessage]] = defaultdict(list)
            for message in batch:
                if message.kind not in REFERRING:
                    by_thread[message.conversation_id].append(message)
            for conversation_id, messages in by_thread.items():
                self._add_to(self._thread(conversation_id), messages)

    def finish(self, set_aside: Sequence[SetAsideDelivery] = ()) -> Path:
        """Complete the files, put the folder in its place and return that.

        *set_aside* is what was delivered besides and not taken into the history.
        """
        threads = list(self._threads.values())
        with self._problems():
            for thread in threads:
                self._end(thread, more=False)
            with self._data() as data:
                described = [_conversation_as_json(thread) for thread in threads]
                aside = [_set_aside_as_json(each) for each in set_aside]
                data.write(f'\n], "conversations": {json.dumps(described, ensure_ascii=False)}')
                data.write(f', "set_aside": {json.dumps(aside, ensure_ascii=False)}}}\n')
            with _open(self._place / "index.html") as index:
                index.write(self._pages.index(self._head, threads))
            target = _unused_folder(self._folder, _name(self._head))
            self._place.rename(target)
            self._place = target
        return target

    def discard(self) -> None:
        """Leave nothing behind, however far it went."""
        shutil.rmtree(self._place, ignore_errors=True)

    def _data(self) -> TextIO:
        return _open(self._place / "data.json")

    def _thread(self, conversation_id: ConversationId) -> ConversationFile:
        if (thread := self._threads.get(conversation_id)) is None:
            known = self._conversations.get(conversation_id)
            thread = self._threads[conversation_id] = ConversationFile(
                number=len(self._threads) + 1,
                id=conversation_id,
                title=known.title if known else "",
                is_group=known.is_group if known else False,
                addresses=known.addresses if known else (),
            )
        return thread

    def _add_to(self, thread: ConversationFile, messages: Sequence[StoredMessage]) -> None:
        """A file is open only while it is written: there may be more conversations than a program may have files."""
        while messages:
            if thread.shown and thread.shown % PAGE == 0:
                self._end(thread, more=True)
            page = thread.shown // PAGE + 1
            some, messages = messages[: page * PAGE - thread.shown], messages[page * PAGE - thread.shown :]
            with self._page(thread, page) as file:
                file.writelines(map(self._pages.message, some))
            thread.shown += len(some)

    def _end(self, thread: ConversationFile, *, more: bool) -> None:
        with self._page(thread, thread.pages) as file:
            file.write(self._pages.end(thread, thread.pages, more=more))

    @contextmanager
    def _page(self, thread: ConversationFile, page: int) -> Iterator[TextIO]:
        path = self._place / "conversations" / thread.file(page)
        new = not path.exists()
        with _open(path) as file:
            if new:
                file.write(self._pages.begin(thread, page))
            yield file

    def _problems(self) -> AbstractContextManager[None]:
        code, full = ProblemCode.EXPORT_FOLDER_UNUSABLE, ProblemCode.EXPORT_DISK_FULL
        return os_errors_as(code, self._folder, full=full)


def _open(path: Path) -> TextIO:
    """To write at its end; for this user alone."""
    return open(path, "a", encoding="utf-8", opener=private)


def _name(head: ExportHead) -> str:
    """A name that is safe on every system: letters, digits, spaces and hyphens only."""
    parts = ["Conecta", safe_name(head.mentorado.name)]
    if head.contact is not None:
        parts.append(safe_name(head.contact_title))
    return " ".join([*filter(None, parts), f"{head.at:%Y-%m-%d}"])


def safe_name(name: str) -> str:
    kept = (sign if unicodedata.category(sign)[0] in "LMN" or sign == "-" else " " for sign in name)
    return " ".join("".join(kept).split())[:40].strip()


def _unused_folder(folder: Path, name: str) -> Path:
    target, number = folder / name, 1
    while target.exists():
        number += 1
        target = folder / f"{name} ({number})"
    return target


def _header_as_json(head: ExportHead) -> dict[str, Any]:
    person, link = head.mentorado, head.mentorado.link
    return {
        "format": "conecta-export",
        "schema": SCHEMA,
        "exported_at": utc_text(head.at),
        "mentorado": {
            **mentorado_as_json(person),
            "provider": link.provider,
            "account": link.account,
        },
        "contact": None if head.contact is None else {"title": head.contact_title, **asdict(head.contact)},
        "notes": [_note_as_json(each) for each in head.notes],
        "consents": [_consents_as_json(each) for each in head.consents],
    }


def _note_as_json(note: Note) -> dict[str, Any]:
    edited = {"edited_by": note.edited_by, "edited_at": utc_text(note.edited_at)} if note.edited_at else {}
    return {"text": note.text, "author": note.author, "written_at": utc_text(note.written_at)} | edited


def _consents_as_json(contact: ContactConsents) -> dict[str, Any]:
    entries = [
        {
            "change": each.change,
            "purpose": each.purpose,
            "at": utc_text(each.at),
            "source": each.source,
            "recorded_by": each.recorded_by,
            "wording": each.wording,
            "version": each.version,
            "note": each.note,
            "import_id": each.import_id or None,
        }
        for each in contact.entries
    ]
    return {
        "addresses": [asdict(address) for address in contact.addresses],
        "reference": contact.reference or None,  # a hash, of who was erased all that is left
        "entries": entries,
    }


def _message_as_json(message: StoredMessage) -> dict[str, Any]:
    values = {name: getattr(message, name) for name in _NAMES}  # `asdict` would copy all of it, and there is much
    return {name: utc_text(value) if isinstance(value, datetime) else value for name, value in values.items()} | {
        "media": None if message.media is None else asdict(message.media)
    }


def _conversation_as_json(thread: ConversationFile) -> dict[str, Any]:
    return {
        "id": thread.id,
        "title": thread.title,
        "is_group": thread.is_group,
        "addresses": [asdict(address) for address in thread.addresses],
        "page": f"conversations/{thread.file()}",
        "messages": thread.shown,
    }


def _set_aside_as_json(delivery: SetAsideDelivery) -> dict[str, Any]:
    return {
        "at": utc_text(delivery.at),
        "provider": delivery.provider,
        "kind": delivery.kind,
        "reason": delivery.reason,
        "payload": delivery.payload,
    }


def mentorado_as_json(mentorado: Mentorado) -> dict[str, Any]:
    """What an export and a backup say of a mentorado, without its link."""
    return {
        "id": mentorado.id,
        "name": mentorado.name,
        "phone": mentorado.phone,
        "cohort": mentorado.cohort,
        "created_at": utc_text(mentorado.created_at),
        "archived_at": utc_text(mentorado.archived_at),
    }


def utc_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
