from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.export_files import PAGE, ExportHead, Thread
from app.core.personal_data import Exported, PersonalData, contact_of
from app.domain.audit import AuditOutcome, Deed
from app.domain.erasure import Erased
from app.domain.errors import Code, Problem
from app.domain.events import HistoryShrank
from app.domain.mentorado import Enrolment
from app.domain.messages import Address, Media, MessageKind, SetAsideReason, StoredMessage
from app.domain.set_aside import SetAsideDelivery
from tests.clock import DAWN
from tests.core.archive import BIA, CAIO, GROUP, PlayedArchive, PlayedLeftovers, said, talk
from tests.core.conftest import Core, Run
from tests.played import PlayedSetAside


class PlainPages:
    """Pages of plain words, one line each."""

    def index(self, head: ExportHead, threads: Sequence[Thread]) -> str:
        return f"{head.contact_title or head.enrolment.mentorado.name}: {[thread.title for thread in threads]}\n"

    def begin(self, thread: Thread, page: int) -> str:
        return f"{thread.title} page {page}\n"

    def message(self, message: StoredMessage) -> str:
        return f"{message.number} {message.text}\n"

    def end(self, thread: Thread, page: int, *, more: bool) -> str:
        return "more\n" if more else "end\n"


class Desk:
    """Personal data over a played history, and a folder to export to."""

    def __init__(self, core: Core, archive: PlayedArchive, folder: Path) -> None:
        self.core, self.archive, self.folder = core, archive, folder / "exports"
        self.aside = PlayedSetAside()
        self.data = PersonalData(
            bus=core.bus,
            enrolments=core.enrolments,
            history=archive,
            set_aside=self.aside,
            witness=core.witness,
            clock=core.clock,
        )

    async def export(self, person: Enrolment, contact: Address | None = None, **how: Any) -> Exported:
        return await self.data.export(person.mentorado.id, self.folder, PlainPages(), contact=contact, **how)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []

    def deed(self) -> Deed:
        """The only one that was written down."""
        (entry,) = self.core.audit.outcomes
        return entry.deed


def content(exported: Exported) -> dict[str, Any]:
    described: dict[str, Any] = json.loads((exported.folder / "data.json").read_text(encoding="utf-8"))
    return described


def test_a_whole_mentorado_is_written_in_batches(core: Core, run: Run, tmp_path: Path) -> None:
    batches = (
        [said(1, "olá"), said(2, "grupo", talk="group"), said(3, "👍", kind=MessageKind.REACTION)],
        [said(4, "foto", media=Media(mime="image/jpeg", size=3), kind=MessageKind.IMAGE, edited_at=DAWN)],
    )

    async def main() -> None:
        person = await core.add("Ana Lima")
        desk, told = Desk(core, PlayedArchive(*batches), tmp_path), []
        async with core.running():
            exported = await desk.export(person, progress=lambda *so_far: told.append(so_far))
        assert told == [(2, 4), (3, 4)]
        assert desk.archive.asked_for == [None]
        assert exported == Exported(folder=desk.folder / "Conecta Ana Lima 2026-01-01", messages=3, conversations=2)
        deed = desk.deed()
        assert (deed.action, deed.subject, deed.mentorado_id) == ("export_mentorado", "Ana Lima", person.mentorado.id)
        assert (deed.before, deed.after) == ({}, {"messages": "3", "conversations": "2"})

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

    run(main())


def test_what_was_set_aside_is_in_the_export_of_a_whole_mentorado(core: Core, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        ana, desk = await core.add(), Desk(core, PlayedArchive([said(1)]), tmp_path)
        desk.aside.deliveries = [
            SetAsideDelivery(
                number=1,
                link_id=ana.link.id,
                mentorado_id=ana.mentorado.id,
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
            whole, one = await desk.export(ana), await desk.export(ana, BIA)
        (aside,) = content(whole)["set_aside"]
        assert (aside["kind"], aside["reason"], aside["payload"]) == ("calls", "not_understood", '{"a": 1}')
        assert content(one)["set_aside"] == [], "nothing says that it is about her"

    run(main())


def test_only_this_user_may_read_an_export(core: Core, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        person = await core.add()
        async with core.running():
            exported = await Desk(core, PlayedArchive([said(1)]), tmp_path).export(person)
        for path in (exported.folder, *exported.folder.rglob("*")):
            assert path.stat().st_mode & 0o077 == 0

    run(main())


def test_one_contact_is_found_by_number_and_named(core: Core, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        person = await core.add("Ana")
        desk = Desk(core, PlayedArchive([said(1)]), tmp_path)
        told: list[int | None] = []
        async with core.running():
            exported = await desk.export(
                person, contact_of("21 98765-0001"), progress=lambda _done, total: told.append(total)
            )
        assert exported.folder.name == "Conecta Ana Bia 2026-01-01"
        assert desk.archive.asked_for == ["b" * 32]
        assert told == [None]
        assert content(exported)["contact"] == {"title": "Bia", "kind": "phone", "value": BIA.value}
        deed = desk.deed()
        assert (deed.action, deed.before) == ("export_contact", {"contact": "+55…01"})

    run(main())


def test_a_contact_without_a_conversation_is_named_by_number(core: Core, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        person = await core.add("Ana")
        archive = PlayedArchive([said(1, talk="unknown")], talks=[talk("group", "Turma", GROUP)])
        async with core.running():
            exported = await Desk(core, archive, tmp_path).export(person, BIA)
        assert exported.folder.name == "Conecta Ana 5521987650001 2026-01-01"
        (thread,) = content(exported)["conversations"]
        assert (thread["title"], thread["addresses"]) == ("", [])

    run(main())


def test_who_is_not_known_cannot_be_exported_or_erased(core: Core, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        person = await core.add()
        desk = Desk(core, PlayedArchive([said(1)]), tmp_path)
        async with core.running():
            for ask in (desk.export(person, CAIO), desk.data.erase_contact(person.mentorado.id, CAIO)):
                with pytest.raises(Problem) as caught:
                    await ask
                assert caught.value.code is Code.CONTACT_UNKNOWN
        assert desk.left() == []
        assert desk.archive.erased == []
        deed = desk.deed()
        assert (deed.outcome, deed.reason) == (AuditOutcome.FAILED, "contact_unknown")

    run(main())


def test_long_conversations_have_several_pages(core: Core, run: Run, tmp_path: Path) -> None:
    count = 2 * PAGE + 1

    async def main() -> None:
        person = await core.add()
        messages = [said(number) for number in range(count)]
        archive = PlayedArchive(messages[:10], messages[10 : PAGE + 5], messages[PAGE + 5 :])
        async with core.running():
            exported = await Desk(core, archive, tmp_path).export(person)
        first, second, third = (
            (exported.folder / "conversations" / name).read_text().splitlines()
            for name in ("0001.html", "0001-2.html", "0001-3.html")
        )
        assert [len(page) - 2 for page in (first, second, third)] == [PAGE, PAGE, 1]
        assert (first[0], second[0], third[0]) == ("Bia page 1", "Bia page 2", "Bia page 3")
        assert (first[-1], second[-1], third[-1]) == ("more", "more", "end")
        assert third[1] == f"{count - 1} oi"
        assert len(content(exported)["messages"]) == count

    run(main())


def test_a_page_that_is_just_full_is_the_last(core: Core, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        person = await core.add()
        messages = [said(number) for number in range(PAGE)]
        async with core.running():
            exported = await Desk(core, PlayedArchive(messages), tmp_path).export(person)
        (page,) = (exported.folder / "conversations").iterdir()
        assert page.read_text().endswith(f"{PAGE - 1} oi\nend\n")

    run(main())


def test_a_page_that_was_just_full_gets_its_end_when_more_comes(core: Core, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        person = await core.add()
        messages = [said(number) for number in range(PAGE + 1)]
        async with core.running():
            exported = await Desk(core, PlayedArchive(messages[:PAGE], messages[PAGE:]), tmp_path).export(person)
        pages = exported.folder / "conversations"
        assert (pages / "0001.html").read_text().endswith(f"{PAGE - 1} oi\nmore\n")
        assert (pages / "0001-2.html").read_text() == f"Bia page 2\n{PAGE} oi\nend\n"

    run(main())


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
def test_a_name_is_never_a_path(core: Core, run: Run, tmp_path: Path, name: str, folder: str) -> None:
    async def main() -> None:
        person = await core.add()
        desk = Desk(core, PlayedArchive([said(1, name)], talks=[talk("bia", name, BIA)]), tmp_path)
        person = replace(person, mentorado=replace(person.mentorado, name=name))
        core.enrolments._by_id[person.mentorado.id] = person
        async with core.running():
            exported = await desk.export(person)
            again = await desk.export(person)
        assert exported.folder == desk.folder / folder
        assert again.folder == desk.folder / f"{folder} (2)"
        assert content(exported)["mentorado"]["name"] == name
        assert content(exported)["messages"][0]["text"] == name

    run(main())


@pytest.mark.parametrize("after", [1, 2])
def test_cancelled_nothing_is_left(core: Core, run: Run, tmp_path: Path, after: int) -> None:
    async def main() -> None:
        person = await core.add()
        desk = Desk(core, PlayedArchive([said(1)], [said(2)], [said(3)]), tmp_path)

        def cancel(done: int, _total: int | None) -> None:
            assert len(desk.left()) == 1
            if done == after:
                exporting.cancel()

        async with core.running():
            exporting = asyncio.get_running_loop().create_task(desk.export(person, progress=cancel))
            with pytest.raises(asyncio.CancelledError):
                await exporting
        assert desk.left() == []
        assert desk.archive.closed
        deed = desk.deed()
        assert (deed.outcome, deed.reason) == (AuditOutcome.DECLINED, "cancelled")

    run(main())


def test_cancelled_when_it_is_whole_nothing_is_left_either(
    core: Core, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        person = await core.add()
        desk, loop = Desk(core, PlayedArchive([said(1)]), tmp_path), asyncio.get_running_loop()
        renamed = Path.rename

        def cancel_meanwhile(self: Path, target: Path) -> Path:
            loop.call_soon_threadsafe(exporting.cancel)
            return renamed(self, target)

        monkeypatch.setattr(Path, "rename", cancel_meanwhile)
        async with core.running():
            exporting = loop.create_task(desk.export(person))
            with pytest.raises(asyncio.CancelledError):
                await exporting
        assert desk.left() == []

    run(main())


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, Code.EXPORT_DISK_FULL), (errno.EACCES, Code.EXPORT_FOLDER_UNUSABLE)],
)
def test_a_disk_that_refuses_is_a_problem_and_nothing_is_left(
    core: Core, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: Code
) -> None:
    def refuse(self: PlainPages, head: ExportHead, threads: Sequence[Thread]) -> str:
        raise OSError(number, os.strerror(number))

    async def main() -> None:
        person = await core.add()
        desk = Desk(core, PlayedArchive([said(1)]), tmp_path)
        monkeypatch.setattr(PlainPages, "index", refuse)
        async with core.running():
            with pytest.raises(Problem) as caught:
                await desk.export(person)
        assert caught.value.code is code
        assert desk.left() == []
        assert (desk.deed().outcome, desk.deed().reason) == (AuditOutcome.FAILED, code)

    run(main())


def test_a_file_in_the_folders_place_is_a_problem(core: Core, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        person = await core.add()
        (tmp_path / "exports").write_text("mine")
        async with core.running():
            with pytest.raises(Problem) as caught:
                await Desk(core, PlayedArchive([said(1)]), tmp_path).export(person)
        assert caught.value.code is Code.EXPORT_FOLDER_UNUSABLE
        assert (tmp_path / "exports").read_text() == "mine"

    run(main())


def test_a_history_that_cannot_be_read_leaves_nothing(core: Core, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        person = await core.add()
        desk = Desk(core, PlayedArchive([said(1)]), tmp_path)
        desk.archive.problem = Problem(Code.DATABASE_CORRUPT)
        async with core.running():
            with pytest.raises(Problem) as caught:
                await desk.export(person)
        assert caught.value.code is Code.DATABASE_CORRUPT
        assert desk.left() == []
        shutil.rmtree(desk.folder)

    run(main())


def test_an_erasure_is_written_down_with_its_count_and_told(core: Core, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        person = await core.add("Ana")
        desk = Desk(core, PlayedArchive(), tmp_path)
        told: list[HistoryShrank] = []
        core.bus.subscribe(HistoryShrank, told.append)
        async with core.running():
            await core.clock.advance(60)
            assert await desk.data.erase_contact(person.mentorado.id, BIA) == Erased(messages=12)
        assert desk.archive.erased == [("b" * 32, DAWN + timedelta(minutes=1))]
        deed = desk.deed()
        assert (deed.action, deed.subject, deed.outcome) == ("erase_contact", "Ana", AuditOutcome.DONE)
        assert (deed.before, deed.after) == ({"contact": "+55…01"}, {"messages": "12"})
        assert told == [HistoryShrank(person.mentorado.id)]

    run(main())


def test_an_erasure_that_could_not_be_done_is_a_failure_and_can_be_asked_for_again(
    core: Core, run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        person = await core.add()
        desk = Desk(core, PlayedArchive(), tmp_path)
        desk.archive.problem = Problem(Code.DATABASE_DISK_FULL)
        async with core.running():
            with pytest.raises(Problem):
                await desk.data.erase_contact(person.mentorado.id, BIA)
            desk.archive.problem = None
            assert (await desk.data.erase_contact(person.mentorado.id, BIA)).messages == 12
        assert [entry.deed.outcome for entry in core.audit.outcomes] == [AuditOutcome.FAILED, AuditOutcome.DONE]

    run(main())


def test_rows_that_are_gone_are_erased_and_what_there_was_no_room_for_is_completed(
    core: Core, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With no room to write the file anew the act was reported as failed, and could not be repeated."""

    async def main() -> None:
        person = await core.add()
        desk = Desk(core, PlayedArchive(), tmp_path)
        desk.archive.no_room = Problem(Code.DATABASE_DISK_FULL)
        async with core.running():
            erased = await desk.data.erase_contact(person.mentorado.id, BIA)
            assert erased == Erased(messages=12, traces=desk.archive.no_room)
            desk.archive.no_room = None
            assert await desk.data.erase_contact(person.mentorado.id, BIA) == Erased(messages=0)
            assert desk.archive.overwritten == 1
            with pytest.raises(Problem) as caught:
                await desk.data.erase_contact(person.mentorado.id, contact_of("11 98765-0009"))
            assert caught.value.code is Code.CONTACT_UNKNOWN
        deeds = [entry.deed for entry in core.audit.outcomes]
        assert [(deed.outcome, deed.reason) for deed in deeds] == [
            (AuditOutcome.DONE, ""),  # with the rows
            (AuditOutcome.DONE, "database_disk_full"),
            (AuditOutcome.DONE, ""),
        ]

    run(main())
    assert "is due" in caplog.text


def test_what_lies_beside_the_database_is_wiped_and_copies_are_named_and_removed_on_request(
    core: Core, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        person, place = await core.add(), PlayedLeftovers()
        desk = Desk(core, PlayedArchive(), tmp_path)
        desk.data = PersonalData(
            bus=core.bus,
            enrolments=core.enrolments,
            set_aside=desk.aside,
            history=desk.archive,
            witness=core.witness,
            clock=core.clock,
            leftovers=[place],
        )
        whose = person.mentorado.id
        async with core.running():
            erased = await desk.data.erase_contact(whose, BIA)
            assert erased.copies == tuple(place.held)
            assert {b"5521987650001", b"552187650001"} <= set(place.wiped)
            place.problem = Problem(Code.SESSION_DIR_NOT_WRITABLE)
            assert (await desk.data.erase_contact(whose, BIA)).traces is place.problem
            with pytest.raises(Problem):
                await desk.data.remove_copies(whose, erased.copies)
            place.problem = None
            await desk.data.remove_copies(whose, erased.copies)
            assert place.held == []
        deeds = [(entry.deed.action, entry.deed.outcome) for entry in core.audit.outcomes]
        assert deeds[3:] == [("remove_copies", AuditOutcome.FAILED), ("remove_copies", AuditOutcome.DONE)]
        assert core.audit.outcomes[4].deed.before == {"copies": "Conecta Ana.conecta"}

    run(main())
    assert "could not be looked through" in caplog.text


def test_what_is_typed_as_a_contact_is_a_number() -> None:
    assert contact_of("21 98765-0001") == BIA
    with pytest.raises(Problem) as caught:
        contact_of("Bia")
    assert caught.value.code is Code.PHONE_INVALID
