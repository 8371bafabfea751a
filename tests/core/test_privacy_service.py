from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.privacy_service import ExportResult, PrivacyService, contact_of
from app.domain.audit import AuditOutcome, AuditRecord
from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.messages import Address, Media, MessageKind, SetAsideReason, StoredMessage
from app.domain.set_aside import SetAsideDelivery
from app.formats.privacy_export import PAGE, ConversationFile, ExportHead
from tests.clock import DAWN
from tests.core.archive import BIA, CAIO, GROUP, FakeArchive, FakeConsents, stored_message, talk
from tests.core.conftest import Run
from tests.fakes import FakeSetAside
from tests.services import Core


class PlainPages:
    """Pages of plain words, one line each."""

    def index(self, head: ExportHead, threads: Sequence[ConversationFile]) -> str:
        return f"{head.contact_title or head.mentorado.name}: {[thread.title for thread in threads]}\n"

    def begin(self, thread: ConversationFile, page: int) -> str:
        return f"{thread.title} page {page}\n"

    def message(self, message: StoredMessage) -> str:
        return f"{message.number} {message.text}\n"

    def end(self, thread: ConversationFile, page: int, *, more: bool) -> str:
        return "more\n" if more else "end\n"


class Harness:
    """Personal data over a played history, and a folder to export to."""

    def __init__(self, core: Core, archive: FakeArchive, folder: Path) -> None:
        self.core, self.archive, self.folder = core, archive, folder / "exports"
        self.aside = FakeSetAside()
        self.data = PrivacyService(
            bus=core.bus,
            mentorados=core.mentorados,
            history=archive,
            set_aside=self.aside,
            consents=FakeConsents(),
            notes_of=core.notes.notes_of,
            audit_service=core.audit_service,
            clock=core.clock,
        )

    async def export(self, person: Mentorado, contact: Address | None = None, **how: Any) -> ExportResult:
        return await self.data.export(person.id, self.folder, PlainPages(), contact=contact, **how)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []

    def record(self) -> AuditRecord:
        """The only one that was written down."""
        (entry,) = self.core.audit.outcomes
        return entry.record


def content(exported: ExportResult) -> dict[str, Any]:
    described: dict[str, Any] = json.loads((exported.folder / "data.json").read_text(encoding="utf-8"))
    return described


async def test_a_whole_mentorado_is_written_in_batches(core: Core, tmp_path: Path) -> None:
    batches = (
        [
            stored_message(1, "olá"),
            stored_message(2, "grupo", talk="group"),
            stored_message(3, "👍", kind=MessageKind.REACTION),
        ],
        [stored_message(4, "foto", media=Media(mime="image/jpeg", size=3), kind=MessageKind.IMAGE, edited_at=DAWN)],
    )
    person = await core.add("Ana Lima")
    harness, items = Harness(core, FakeArchive(*batches), tmp_path), []
    async with core.running():
        exported = await harness.export(person, progress=lambda *so_far: items.append(so_far))
    assert items == [(2, 4), (3, 4)]
    assert harness.archive.asked_for == [None]
    assert exported == ExportResult(folder=harness.folder / "Conecta Ana Lima 2026-01-01", messages=3, conversations=2)
    record = harness.record()
    assert (record.action, record.subject, record.mentorado_id) == (
        "export_mentorado",
        "Ana Lima",
        person.id,
    )
    assert (record.before, record.after) == ({}, {"messages": "3", "conversations": "2"})

    pages = {path.name: path.read_text() for path in exported.folder.rglob("*.html")}
    assert pages == {
        "index.html": "Ana Lima: ['Bia', 'Turma']\n",
        "0001.html": "Bia page 1\n1 olá\n4 foto\nend\n",
        "0002.html": "Turma page 1\n2 grupo\nend\n",
    }
    described = content(exported)
    assert (described["format"], described["schema"]) == ("conecta-export", 1)
    assert described["exported_at"] == "2026-01-01T00:00:00+00:00"
    assert described["mentorado"]["phone"] == "+5511987654321"
    assert described["contact"] is None
    assert [message["number"] for message in described["messages"]] == [1, 2, 3, 4]
    last = described["messages"][-1]
    assert (last["kind"], last["sent_at"]) == ("image", "2026-01-01T00:04:00+00:00")
    assert last["media"] == {"mime": "image/jpeg", "name": "", "size": 3, "seconds": None}
    assert (last["edited_at"], last["revoked_at"]) == ("2026-01-01T00:00:00+00:00", None)
    bia, group = described["conversations"]
    assert (bia["page"], bia["messages"], bia["addresses"]) == (
        "conversations/0001.html",
        2,
        [{"kind": "phone", "value": BIA.value}],
    )
    assert group["is_group"]


async def test_what_was_set_aside_is_in_the_export_of_a_whole_mentorado(core: Core, tmp_path: Path) -> None:
    ana, harness = await core.add(), Harness(core, FakeArchive([stored_message(1)]), tmp_path)
    harness.aside.deliveries = [
        SetAsideDelivery(
            number=1,
            link_id=ana.link.id,
            mentorado_id=ana.id,
            provider=ana.link.provider,
            kind="calls",
            reason=SetAsideReason.NOT_UNDERSTOOD,
            detail="",
            at=DAWN,
            payload='{"a": 1}',
            payload_size=8,
        )
    ]
    async with core.running():
        whole, one = await harness.export(ana), await harness.export(ana, BIA)
    (aside,) = content(whole)["set_aside"]
    assert (aside["kind"], aside["reason"], aside["payload"]) == ("calls", "not_understood", '{"a": 1}')
    assert content(one)["set_aside"] == [], "nothing says that it is about her"


async def test_only_this_user_may_read_an_export(core: Core, tmp_path: Path) -> None:
    person = await core.add()
    async with core.running():
        exported = await Harness(core, FakeArchive([stored_message(1)]), tmp_path).export(person)
    for path in (exported.folder, *exported.folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0


async def test_one_contact_is_found_by_number_and_named(core: Core, tmp_path: Path) -> None:
    person = await core.add("Ana")
    harness = Harness(core, FakeArchive([stored_message(1)]), tmp_path)
    counts: list[int | None] = []
    async with core.running():
        exported = await harness.export(
            person, contact_of("21 98765-0001"), progress=lambda _done, total: counts.append(total)
        )
    assert exported.folder.name == "Conecta Ana Bia 2026-01-01"
    assert harness.archive.asked_for == ["b" * 32]
    assert counts == [None]
    assert content(exported)["contact"] == {"title": "Bia", "kind": "phone", "value": BIA.value}
    record = harness.record()
    assert (record.action, record.before) == ("export_contact", {"contact": "+55…01"})


async def test_a_contact_without_a_conversation_is_named_by_number(core: Core, tmp_path: Path) -> None:
    person = await core.add("Ana")
    archive = FakeArchive([stored_message(1, talk="unknown")], talks=[talk("group", "Turma", GROUP)])
    async with core.running():
        exported = await Harness(core, archive, tmp_path).export(person, BIA)
    assert exported.folder.name == "Conecta Ana 5521987650001 2026-01-01"
    (thread,) = content(exported)["conversations"]
    assert (thread["title"], thread["addresses"]) == ("", [])


async def test_who_is_not_known_cannot_be_exported_or_erased(core: Core, tmp_path: Path) -> None:
    person = await core.add()
    harness = Harness(core, FakeArchive([stored_message(1)]), tmp_path)
    async with core.running():
        for ask in (harness.export(person, CAIO), harness.data.erase_contact(person.id, CAIO)):
            with pytest.raises(Problem) as caught:
                await ask
            assert caught.value.code is ProblemCode.CONTACT_UNKNOWN
    assert harness.left() == []
    assert harness.archive.erased == []
    record = harness.record()
    assert (record.outcome, record.reason) == (AuditOutcome.FAILED, "contact_unknown")


async def test_long_conversations_have_several_pages(core: Core, tmp_path: Path) -> None:
    count = 2 * PAGE + 1
    person = await core.add()
    messages = [stored_message(number) for number in range(count)]
    archive = FakeArchive(messages[:10], messages[10 : PAGE + 5], messages[PAGE + 5 :])
    async with core.running():
        exported = await Harness(core, archive, tmp_path).export(person)
    first, second, third = (
        (exported.folder / "conversations" / name).read_text().splitlines()
        for name in ("0001.html", "0001-2.html", "0001-3.html")
    )
    assert [len(page) - 2 for page in (first, second, third)] == [PAGE, PAGE, 1]
    assert (first[0], second[0], third[0]) == ("Bia page 1", "Bia page 2", "Bia page 3")
    assert (first[-1], second[-1], third[-1]) == ("more", "more", "end")
    assert third[1] == f"{count - 1} oi"
    assert len(content(exported)["messages"]) == count


async def test_a_page_that_is_just_full_is_the_last(core: Core, tmp_path: Path) -> None:
    person = await core.add()
    messages = [stored_message(number) for number in range(PAGE)]
    async with core.running():
        exported = await Harness(core, FakeArchive(messages), tmp_path).export(person)
    (page,) = (exported.folder / "conversations").iterdir()
    assert page.read_text().endswith(f"{PAGE - 1} oi\nend\n")


async def test_a_page_that_was_just_full_gets_its_end_when_more_comes(core: Core, tmp_path: Path) -> None:
    person = await core.add()
    messages = [stored_message(number) for number in range(PAGE + 1)]
    async with core.running():
        exported = await Harness(core, FakeArchive(messages[:PAGE], messages[PAGE:]), tmp_path).export(person)
    pages = exported.folder / "conversations"
    assert (pages / "0001.html").read_text().endswith(f"{PAGE - 1} oi\nmore\n")
    assert (pages / "0001-2.html").read_text() == f"Bia page 2\n{PAGE} oi\nend\n"


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("../../etc/passwd", "Conecta etc passwd 2026-01-01"),
        ("..", "Conecta 2026-01-01"),
        ("<script>alert(1)</script>", "Conecta script alert 1 script 2026-01-01"),
        ("C:\\CON\\x|?*", "Conecta C CON x 2026-01-01"),
        ("\u202etxt.exe\u0000", "Conecta txt exe 2026-01-01"),
        ("منى", "Conecta منى 2026-01-01"),
        ("a" * 300, f"Conecta {'a' * 40} 2026-01-01"),
    ],
)
async def test_a_name_is_never_a_path(core: Core, tmp_path: Path, name: str, folder: str) -> None:
    person = await core.add()
    harness = Harness(core, FakeArchive([stored_message(1, name)], talks=[talk("bia", name, BIA)]), tmp_path)
    person = replace(person, name=name)
    core.mentorados._by_id[person.id] = person
    async with core.running():
        exported = await harness.export(person)
        again = await harness.export(person)
    assert exported.folder == harness.folder / folder
    assert again.folder == harness.folder / f"{folder} (2)"
    assert content(exported)["mentorado"]["name"] == name
    assert content(exported)["messages"][0]["text"] == name


@pytest.mark.parametrize("after", [1, 2])
async def test_cancelled_nothing_is_left(core: Core, tmp_path: Path, after: int) -> None:
    person = await core.add()
    harness = Harness(core, FakeArchive([stored_message(1)], [stored_message(2)], [stored_message(3)]), tmp_path)

    def cancel(done: int, _total: int | None) -> None:
        assert len(harness.left()) == 1
        if done == after:
            exporting.cancel()

    async with core.running():
        exporting = asyncio.get_running_loop().create_task(harness.export(person, progress=cancel))
        with pytest.raises(asyncio.CancelledError):
            await exporting
    assert harness.left() == []
    assert harness.archive.closed
    record = harness.record()
    assert (record.outcome, record.reason) == (AuditOutcome.DECLINED, "cancelled")


def test_cancelled_when_it_is_whole_nothing_is_left_either(
    core: Core, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        person = await core.add()
        harness, loop = Harness(core, FakeArchive([stored_message(1)]), tmp_path), asyncio.get_running_loop()
        renamed = Path.rename

        def cancel_meanwhile(self: Path, target: Path) -> Path:
            loop.call_soon_threadsafe(exporting.cancel)
            return renamed(self, target)

        monkeypatch.setattr(Path, "rename", cancel_meanwhile)
        async with core.running():
            exporting = loop.create_task(harness.export(person))
            with pytest.raises(asyncio.CancelledError):
                await exporting
        assert harness.left() == []

    run(main())


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, ProblemCode.EXPORT_DISK_FULL), (errno.EACCES, ProblemCode.EXPORT_FOLDER_UNUSABLE)],
)
async def test_a_disk_that_refuses_is_a_problem_and_nothing_is_left(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: ProblemCode
) -> None:
    def refuse(self: PlainPages, head: ExportHead, threads: Sequence[ConversationFile]) -> str:
        raise OSError(number, os.strerror(number))

    person = await core.add()
    harness = Harness(core, FakeArchive([stored_message(1)]), tmp_path)
    monkeypatch.setattr(PlainPages, "index", refuse)
    async with core.running():
        with pytest.raises(Problem) as caught:
            await harness.export(person)
    assert caught.value.code is code
    assert harness.left() == []
    assert (harness.record().outcome, harness.record().reason) == (AuditOutcome.FAILED, code)


async def test_a_file_in_the_folders_place_is_a_problem(core: Core, tmp_path: Path) -> None:
    person = await core.add()
    (tmp_path / "exports").write_text("mine")
    async with core.running():
        with pytest.raises(Problem) as caught:
            await Harness(core, FakeArchive([stored_message(1)]), tmp_path).export(person)
    assert caught.value.code is ProblemCode.EXPORT_FOLDER_UNUSABLE
    assert (tmp_path / "exports").read_text() == "mine"


async def test_a_history_that_cannot_be_read_leaves_nothing(core: Core, tmp_path: Path) -> None:
    person = await core.add()
    harness = Harness(core, FakeArchive([stored_message(1)]), tmp_path)
    harness.archive.problem = Problem(ProblemCode.DATABASE_CORRUPT)
    async with core.running():
        with pytest.raises(Problem) as caught:
            await harness.export(person)
    assert caught.value.code is ProblemCode.DATABASE_CORRUPT
    assert harness.left() == []
    shutil.rmtree(harness.folder)


def test_what_is_typed_as_a_contact_is_a_number() -> None:
    assert contact_of("21 98765-0001") == BIA
    with pytest.raises(Problem) as caught:
        contact_of("Bia")
    assert caught.value.code is ProblemCode.PHONE_INVALID


async def test_the_notes_about_a_mentorado_are_in_their_export_and_in_nobody_elses(core: Core, tmp_path: Path) -> None:
    async with core.running():
        person = await core.add()
        harness = Harness(core, FakeArchive(), tmp_path)
        note = await core.notes.write(person.id, "Ligar à tarde")
        await core.clock.advance(60)
        await core.notes.edit(note, "Ligar de manhã")
        whole, one = await harness.export(person), await harness.export(person, BIA)
        at = [moment.isoformat() for moment in (note.written_at, core.clock.now())]
        (written,) = content(whole)["notes"]
        assert (written["text"], written["author"], written["edited_by"]) == ("Ligar de manhã", "staff", "staff")
        assert [written[key].replace("Z", "+00:00")[:19] for key in ("written_at", "edited_at")] == [
            each[:19] for each in at
        ]
        assert content(one)["notes"] == []


async def test_who_only_the_ledger_of_consent_knows_is_exported_with_it(core: Core, tmp_path: Path) -> None:
    given = ConsentEntry(
        mentorado_id=MentoradoId("a" * 32),
        contact=BIA,
        change=ConsentChange.GRANTED,
        purpose=Purpose.CAMPAIGN,
        source=ConsentSource.TYPED,
        at=DAWN,
        wording="Aceito",
    )

    class Ledger(FakeConsents):
        async def ledgers(
            self, mentorado_id: MentoradoId, contacts: Sequence[Address]
        ) -> Sequence[Sequence[ConsentEntry]]:
            return [(given,) for _ in contacts]

    archive = FakeArchive([stored_message(1, "olá")])
    archive.unknown = True
    harness = Harness(core, archive, tmp_path)
    harness.data._consents = Ledger()
    async with core.running():
        exported = await harness.export(await core.add(), BIA)
    assert "Aceito" in (exported.folder / "data.json").read_text(encoding="utf-8")
    assert "olá" not in (exported.folder / "data.json").read_text(encoding="utf-8")
