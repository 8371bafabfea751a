"""History comes back always; keys come back only when that is right; and what is begun comes to an end."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.backup.archive import ArchiveWriter
from app.core.backup.manifest import HISTORY
from app.core.backup.restore import Restore, used_since
from app.core.backup.steps import BackupSteps
from app.core.bus import Bus
from app.core.procedure.step import Run, Step
from app.domain.audit import Actor
from app.domain.backup import BackupPart, BackupProgress
from app.domain.connection import LinkState, LinkStatus
from app.domain.errors import Code, Problem
from app.domain.events import HistoryGrew
from app.domain.lifecycle import Trigger
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.ports import Transition
from app.domain.procedure import (
    STEPS,
    Facts,
    Procedure,
    ProcedureHead,
    ProcedureId,
    ProcedureKind,
    StepName,
    StepRecord,
)
from app.storage.history_transfer import SqlHistoryTransfer
from tests.clock import DAWN
from tests.core.test_hostile_backups import ENROLMENT, HEADING
from tests.core.vault import KEYS, ONE, PHRASE, TALK, TWO, Vault, run, vault
from tests.played import PlayedLog, PlayedProvider
from tests.storage.talk import minutes, said
from tests.storage.test_history_transfer import CONTACT, MESSAGE, SUPPRESSION
from tests.storage.test_history_transfer import TALK as ROW_OF_TALK

OFF, ON = LinkState.OFF, LinkState.CONNECTED


def line(link_id: LinkId, at: datetime, before: LinkState, after: LinkState) -> Transition:
    statuses = (LinkStatus(state=before, since=DAWN), LinkStatus(state=after, since=at))
    return Transition(link_id=link_id, at=at, trigger=Trigger.CONNECT, before=statuses[0], after=statuses[1])


@dataclass
class Desk:
    """The steps of one procedure, run by hand: each is given what those before it found."""

    vault: Vault
    kind: ProcedureKind
    begun_with: dict[str, str] = field(default_factory=dict)
    secret: str = ""
    log: PlayedLog = field(default_factory=PlayedLog)
    bus: Bus = field(default_factory=Bus)
    facts: dict[StepName, Facts] = field(default_factory=dict)
    told: list[BackupProgress] = field(default_factory=list)
    id: ProcedureId = TWO

    def __post_init__(self) -> None:
        v = self.vault
        restore = Restore(
            backups=v.backups,
            enrolments=v.enrolments,
            providers=v.backups._providers,
            transfer=SqlHistoryTransfer(v.database),
            history=v.history,
            transitions=self.log,
            bus=self.bus,
        )
        self.steps: dict[StepName, Step] = {
            step.name: step for step in (*BackupSteps(v.backups).steps(), *restore.steps())
        }

    def run(self) -> Run:
        head = ProcedureHead(
            id=self.id,
            kind=self.kind,
            mentorado_id=self.vault.ana.mentorado.id,
            actor=Actor(user="staff"),
            began_at=DAWN,
            facts=self.begun_with,
        )
        steps = tuple(StepRecord(name=name, facts=self.facts.get(name, {})) for name in STEPS[self.kind])
        return Run(procedure=Procedure(head=head, steps=steps), secret=self.secret, tell=self.told.append)

    async def do(self, *names: StepName) -> Facts:
        """The steps after one another; what the last one found."""
        for name in names:
            step = self.steps[name]
            skipped = await step.skip(self.run())
            if skipped is not None:
                self._found(name, skipped)
                continue
            self._found(name, await step.before(self.run()))
            self._found(name, await step.do(self.run()))
        return self.facts[names[-1]]

    async def refused(self, name: StepName) -> Problem:
        with pytest.raises(Problem) as problem:
            await self.do(name)
        return problem.value

    def _found(self, name: StepName, facts: Facts) -> None:
        self.facts[name] = {**self.facts.get(name, {}), **facts}


def restoring(v: Vault, path: Path, **details: Any) -> Desk:
    return Desk(v, ProcedureKind.RESTORE, {"path": str(path)}, **details)


CHECK, MERGE, SESSION = StepName.CHECK_ARCHIVE, StepName.MERGE_HISTORY, StepName.RESTORE_SESSION


def archive_of(
    place: Path, rows: Sequence[Mapping[str, object]], whose: MentoradoId | None = None, at: datetime = DAWN
) -> Path:
    path = place / "made.conecta"
    head = replace(HEADING, at=at, mentorado_id=whose or HEADING.mentorado_id)
    writer = ArchiveWriter(path, head, "", 1)
    writer.add_rows(rows)
    writer.finish(ENROLMENT)
    return path


# --- a backup, step by step ------------------------------------------------------------------------------------------


def test_a_backup_is_collected_verified_and_put_in_its_place(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir) as v:
            desk = Desk(v, ProcedureKind.BACKUP)
            assert await desk.do(StepName.COLLECT) == {"encrypted": "no", "session": "kept"}
            facts = await desk.do(StepName.VERIFY_ARCHIVE)
            assert (facts["messages"], facts["conversations"], facts["session"]) == ("3", "2", "kept")
            facts = await desk.do(StepName.PUT_IN_PLACE)
            assert Path(facts["path"]).name in v.files()
            assert {each.part for each in desk.told} == set(BackupPart)
            assert await desk.do(StepName.PUT_IN_PLACE) == facts  # after a crash

    run(main())


def test_a_part_that_somebody_took_away_is_made_again(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir) as v:
            desk = Desk(v, ProcedureKind.BACKUP)
            await desk.do(StepName.COLLECT)
            (v.folder / f".{desk.id}.part").unlink()
            assert (await desk.do(StepName.VERIFY_ARCHIVE))["messages"] == "3"

    run(main())


def test_what_began_with_a_passphrase_never_goes_on_without_it(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir) as v:
            desk = Desk(v, ProcedureKind.BACKUP, secret=PHRASE)
            assert (await desk.do(StepName.COLLECT))["encrypted"] == "yes"
            desk.secret = ""
            v.backups._phrases.clear()  # as a program that starts
            for name in (StepName.COLLECT, StepName.VERIFY_ARCHIVE):
                assert (await desk.refused(name)).code is Code.BACKUP_LOCKED
            (v.folder / f".{desk.id}.part").unlink()
            assert (await desk.refused(StepName.VERIFY_ARCHIVE)).code is Code.BACKUP_LOCKED
            desk.secret = PHRASE
            await desk.do(StepName.VERIFY_ARCHIVE, StepName.PUT_IN_PLACE)
            (info,) = await v.backups.all()
            assert info.encrypted

    run(main())


def test_what_was_collected_can_be_taken_back_and_what_is_in_its_place_stays(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir) as v:
            desk = Desk(v, ProcedureKind.BACKUP)
            await desk.do(StepName.COLLECT)
            assert await desk.steps[StepName.COLLECT].undo(desk.run()) == {}
            assert v.files() == []
            await desk.do(StepName.COLLECT, StepName.VERIFY_ARCHIVE, StepName.PUT_IN_PLACE)
            for name in reversed(STEPS[ProcedureKind.BACKUP][:3]):
                await desk.steps[name].undo(desk.run())
            assert len(v.files()) == 1

    run(main())


# --- whose archive it is, and whether it is whole --------------------------------------------------------------------


def test_the_history_of_somebody_enrolled_anew_comes_back(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir / "before") as before:
            path = await before.backup()
        async with vault(fast_dir / "after", [said("9", "depois", minute=60)]) as v:
            desk = restoring(v, path)
            heard: list[HistoryGrew] = []
            desk.bus.subscribe(HistoryGrew, heard.append)
            facts = await desk.do(CHECK)
            assert (facts["messages"], facts["session"]) == ("3", "kept")
            assert (await desk.do(MERGE))["new"] == "4"
            assert len(heard) == 1
            assert len(heard[0].conversations) == 2
            talks = await v.history.conversations(v.ana.mentorado.id)
            texts = {message.text for talk in talks for message in await v.history.messages(talk.id)}
            assert texts == {"Boa tarde", "Olá, tudo bem?", "No grupo", "depois"}
            assert (await desk.do(MERGE))["new"] == "4"  # asked again, nothing is doubled
            assert (await v.history.extent(v.ana.mentorado.id)).messages == 4

    (fast_dir / "before").mkdir()
    (fast_dir / "after").mkdir()
    run(main())


def test_the_archive_of_somebody_else_is_refused(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir) as v:
            path = await v.backup()
            bia = await v.enrolments.add("Bia", "21 98765-0001")
            desk = restoring(replace(v, ana=bia), path)
            problem = await desk.refused(CHECK)
            assert (problem.code, problem.context["name"]) == (Code.BACKUP_OF_ANOTHER, "Ana Lima")

    run(main())


def test_an_archive_of_the_year_9999_is_refused_before_anything_of_it_is_merged(fast_dir: Path) -> None:
    """With an erasure of that year in it, nothing that a contact writes would ever be kept again."""

    async def main() -> None:
        async with vault(fast_dir) as v:
            erased = {**SUPPRESSION, "erased_at": "9998-01-01T00:00:00+00:00"}
            path = archive_of(fast_dir, [erased], at=datetime(9999, 1, 1, tzinfo=UTC))
            problem = await restoring(v, path).refused(CHECK)
            assert (problem.code, problem.context["path"]) == (Code.BACKUP_FROM_FUTURE, str(path))

    run(main())


@pytest.mark.parametrize(
    "rows",
    [
        [CONTACT, ROW_OF_TALK, {**MESSAGE, "sent_at": "yesterday"}],
        [{**SUPPRESSION, "erased_at": "2026-01-01T00:00:01+00:00"}],
        [MESSAGE],
        [CONTACT, ROW_OF_TALK, {**MESSAGE, "sender_id": "d" * 32}],
        [CONTACT, ROW_OF_TALK, MESSAGE, {**MESSAGE, "provider_id": "M2", "provider": "zapi"}],
    ],
    ids=[
        "a row that no database holds",
        "an erasure that is still to come",
        "a message that belongs to nobody",
        "a sender nobody told of",
        "a link that has two providers",
    ],
)
def test_what_cannot_be_restored_is_not_verified_either(fast_dir: Path, rows: list[dict[str, Any]]) -> None:
    """ "*Verified* means *restorable*." """

    async def main() -> None:
        async with vault(fast_dir) as v:
            path = archive_of(fast_dir, rows)
            problem = await restoring(v, path).refused(CHECK)
            assert (problem.code, problem.context["path"]) == (Code.BACKUP_ALTERED, str(path))
            assert v.files() == [], "its copy is gone"
            with pytest.raises(Problem) as refused:
                await v.backups.verify(path)
            assert (refused.value.code, refused.value.context["path"]) == (Code.BACKUP_ALTERED, str(path))
            assert (await v.backups.look(path)).messages == sum(row["kind"] == "message" for row in rows)

    run(main())


@pytest.mark.parametrize("how", ["gone", "forbidden"])
def test_a_file_that_cannot_be_read_is_named_and_leaves_no_copy(
    fast_dir: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def forbidden(self: Path, *_mode: str) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    async def main() -> None:
        async with vault(fast_dir) as v:
            path = archive_of(fast_dir, [CONTACT])
            if how == "gone":
                path.unlink()
            else:
                monkeypatch.setattr(Path, "open", forbidden)
            problem = await restoring(v, path).refused(CHECK)
            assert (problem.code, problem.context["path"]) == (Code.BACKUP_UNREADABLE, str(path))
            assert v.files() == []

    run(main())


@pytest.mark.parametrize("what", ["a film", "a film before it", "a film inside it", "somebody else's"])
def test_what_cannot_be_a_backup_of_theirs_is_never_copied(
    fast_dir: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It may be as large as the disk, and every connection needs that."""

    async def main() -> None:
        async with vault(fast_dir) as v:
            path, whose = archive_of(fast_dir, [CONTACT]), v
            if what == "somebody else's":
                whose = replace(v, ana=await v.enrolments.add("Bia", "21 98765-0001"))
            else:
                content = path.read_bytes()
                at = {"a film before it": 0, "a film inside it": content.index(b"PK\x01\x02")}.get(what)
                path.write_bytes(b"f" * 10_000 if at is None else content[:at] + b"f" * 10_000 + content[at:])
            monkeypatch.setattr("app.core.backup.backups.copied", None)
            problem = await restoring(whose, path).refused(CHECK)
            assert problem.code is (Code.BACKUP_UNREADABLE if whose is v else Code.BACKUP_OF_ANOTHER)

    run(main())


def test_an_erasure_of_the_past_is_no_problem_and_a_long_history_tells_how_far_it_is(fast_dir: Path) -> None:
    rows = [{**SUPPRESSION, "erased_at": "2025-12-31T00:00:00+00:00"}, CONTACT, ROW_OF_TALK]
    rows += [{**MESSAGE, "provider_id": f"M{n}", "text": json.dumps([n] * 3000)} for n in range(2000)]

    async def main() -> None:
        async with vault(fast_dir) as v:
            desk = restoring(v, archive_of(fast_dir, rows))
            await desk.do(CHECK)
            assert len(desk.told) >= 2
            assert desk.told[-1].part is BackupPart.VERIFYING
            await desk.do(MERGE)
            assert desk.told[-1] == BackupProgress(part=BackupPart.HISTORY, done=2003, total=2003)

    run(main())


def test_a_database_that_cannot_be_written_is_told_of_as_such(fast_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_asked: object, **_details: object) -> int:
        raise Problem(Code.DATABASE_DISK_FULL, path="conecta.db")

    async def main() -> None:
        async with vault(fast_dir) as v:
            desk = restoring(v, await v.backup())
            await desk.do(CHECK)
            with monkeypatch.context() as patch:
                patch.setattr(SqlHistoryTransfer, "merge", full)
                assert (await desk.refused(MERGE)).context["path"] == "conecta.db"
            await desk.do(MERGE)

    run(main())


# --- between the check and the merge ---------------------------------------------------------------------------------


def forged(path: Path, count: int = 2006) -> None:
    """Put another history into the archive at *path*, under the manifest that was checked."""
    row = {**MESSAGE, "conversation_id": "c" * 32}
    lines = [
        json.dumps(each) for each in (CONTACT, ROW_OF_TALK, *({**row, "provider_id": f"F{n}"} for n in range(count)))
    ]
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files[HISTORY] = ("\n".join(lines) + "\n").encode().ljust(len(files[HISTORY]))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


async def texts_of(v: Vault) -> list[str]:
    return [message.text async for some in v.history.export(v.ana.mentorado.id) for message in some]


@pytest.mark.parametrize("how", ["another backup", "forged", "cut off", "gone", "a folder"])
def test_what_was_checked_is_merged_whatever_lies_in_its_place_by_then(fast_dir: Path, how: str) -> None:
    """ "The file replaced between check and merge: 2,006 forged rows stayed." """

    async def main() -> None:
        async with vault(fast_dir / "before") as before:
            path = await before.backup(ONE)
            before.clock.time += timedelta(seconds=1)
            other = await before.backup(TWO)
        async with vault(fast_dir / "after", []) as v:
            desk = restoring(v, path)
            await desk.do(CHECK)
            replaced(path, other, how)
            assert (await desk.do(MERGE))["new"] == "4"
            assert set(await texts_of(v)) == {"Boa tarde", "No grupo", "Olá, tudo bem?"}
            await desk.log.append(line(v.ana.link.id, DAWN - timedelta(hours=1), ON, OFF))
            await desk.do(SESSION)
            assert [keys for keys, *_ in v.provider.restored] == [KEYS]

    (fast_dir / "before").mkdir()
    (fast_dir / "after").mkdir()
    run(main())


@pytest.mark.parametrize("how", ["another backup", "forged", "cut off", "gone", "a folder"])
def test_when_what_was_checked_is_gone_another_file_is_refused_and_nothing_of_it_stays(
    fast_dir: Path, how: str
) -> None:
    async def main() -> None:
        async with vault(fast_dir / "before") as before:
            path = await before.backup(ONE)
            before.clock.time += timedelta(seconds=1)
            other = await before.backup(TWO)
        async with vault(fast_dir / "after", []) as v:
            desk = restoring(v, path)
            await desk.do(CHECK)
            desk.facts[MERGE] = await desk.steps[MERGE].before(desk.run())
            (v.folder / f".{desk.id}.archive").unlink()
            replaced(path, other, how)
            with pytest.raises(Problem) as refused:
                await desk.steps[MERGE].do(desk.run())
            assert refused.value.code in (Code.BACKUP_ALTERED, Code.BACKUP_UNREADABLE)
            assert refused.value.context["path"] == str(path)
            assert await texts_of(v) == []
            assert await v.history.conversations(v.ana.mentorado.id) == []
            assert await desk.steps[MERGE].happened(desk.run()) is None

    (fast_dir / "before").mkdir()
    (fast_dir / "after").mkdir()
    run(main())


def replaced(path: Path, other: Path, how: str) -> None:
    match how:
        case "another backup":
            other.replace(path)
        case "forged":
            forged(path)
        case "cut off":
            path.write_bytes(path.read_bytes()[:-10])
        case _:
            path.unlink()
            if how == "a folder":
                path.mkdir()


def test_an_archive_whose_end_is_wrong_leaves_nothing_of_its_beginning(fast_dir: Path) -> None:
    """Whoever can write into our own folder can change the copy, too; its sums are compared while it is merged."""

    async def main() -> None:
        async with vault(fast_dir, []) as v:
            rows = [CONTACT, ROW_OF_TALK, *({**MESSAGE, "provider_id": f"M{n}"} for n in range(2500))]
            path = archive_of(fast_dir, rows)
            desk = restoring(v, path)
            await desk.do(CHECK)
            copy = v.folder / f".{desk.id}.archive"
            with zipfile.ZipFile(copy) as archive:
                files = {name: archive.read(name) for name in archive.namelist()}
            files[HISTORY] = files[HISTORY].replace(b"M2499", b"M9999")
            with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in files.items():
                    archive.writestr(name, content)
            assert (await desk.refused(MERGE)).code is Code.BACKUP_ALTERED
            assert await texts_of(v) == []
            assert (await desk.do(MERGE))["new"] == "2500", "read from the file itself when it is tried again"

    run(main())


def test_a_merge_that_is_paused_is_taken_back(fast_dir: Path) -> None:
    rows = [CONTACT, ROW_OF_TALK, *({**MESSAGE, "provider_id": f"M{n}"} for n in range(20_000))]

    async def main() -> None:
        async with vault(fast_dir, []) as v:
            desk = restoring(v, archive_of(fast_dir, rows))
            await desk.do(CHECK)
            desk.facts[MERGE] = await desk.steps[MERGE].before(desk.run())
            desk.told.clear()
            async with asyncio.TaskGroup() as group:
                merging = group.create_task(merge_of(desk))
                while not desk.told:
                    await asyncio.sleep(0.001)
                merging.cancel()
            assert await texts_of(v) == []
            assert await desk.steps[MERGE].happened(desk.run()) is None

    run(main())


def test_a_locked_archive_needs_its_passphrase_at_each_step(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir) as v:
            desk = restoring(v, await v.backup(passphrase=PHRASE))
            for name in (CHECK, MERGE):
                assert (await desk.refused(name)).code is Code.BACKUP_LOCKED
                desk.secret = PHRASE
                await desk.do(name)
                desk.secret = ""

    run(main())


# --- a merge that was interrupted ------------------------------------------------------------------------------------


def test_whether_an_interrupted_merge_came_in_is_known_also_when_something_arrived_meanwhile(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir / "before") as before:
            path = await before.backup(passphrase=PHRASE)
        async with vault(fast_dir / "after", []) as v:
            desk = restoring(v, path, secret=PHRASE)
            await desk.do(CHECK)
            desk.facts[MERGE] = await desk.steps[MERGE].before(desk.run())
            step = desk.steps[MERGE]
            assert await step.happened(desk.run()) is None
            await v.history.store(v.ana, [said("9", "chegou", minute=60)], minutes(60))
            assert await step.happened(desk.run()) is None
            assert await texts_of(v) == ["chegou"], "asking merges nothing"
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(SqlHistoryTransfer, "merge", cannot)
                with pytest.raises(Problem, match="database_locked"):
                    await step.happened(desk.run())
            assert await step.do(desk.run()) == {"new": "5"}
            assert await step.before(desk.run()) == {"before": "0"}  # as it was at first
            assert await step.happened(desk.run()) == {"new": "5"}
            desk.secret = ""
            assert await step.happened(desk.run()) == {"new": "5"}, "what may have come in is never called undone"

    (fast_dir / "before").mkdir()
    (fast_dir / "after").mkdir()
    run(main())


async def merge_of(desk: Desk) -> Facts:
    return await desk.steps[MERGE].do(desk.run())


async def cannot(*_asked: object, **_details: object) -> int:
    raise Problem(Code.DATABASE_LOCKED, path="conecta.db")


# --- the keys --------------------------------------------------------------------------------------------------------


def test_keys_come_back_when_the_link_was_off_all_the_while(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir) as v:
            desk = restoring(v, await v.backup())
            await desk.log.append(line(v.ana.link.id, DAWN - timedelta(hours=1), ON, OFF))
            facts = await desk.do(CHECK, MERGE, SESSION)
            assert facts == {"session": "restored"}
            assert v.provider.restored == [(KEYS, DAWN, False)]
            assert not [name for name in v.files() if name.endswith(".session")]

    run(main())


@pytest.mark.parametrize("why", ["session_used_since", "session_corrupt", "another_account", "no_session", "no_keys"])
def test_keys_stay_as_they_are_for_a_reason(fast_dir: Path, why: str) -> None:
    async def main() -> None:
        async with vault(fast_dir) as v:
            if why == "no_session":
                v.provider.keys = None
            if why == "another_account":
                v.provider.account = PhoneNumber("+5511900000000")
            path = await v.backup()
            desk = restoring(v, path)
            if why != "session_used_since":
                await desk.log.append(line(v.ana.link.id, DAWN, ON, OFF))
            if why == "session_corrupt":
                v.provider.restore_problem = Problem(Code.SESSION_CORRUPT, path="x")
            if why == "no_keys":
                desk = restoring(replace_provider(v, PlayedProvider()), path)
            facts = await desk.do(CHECK, MERGE, SESSION)
            assert facts == {"why": "no_session" if why == "no_keys" else why}
            assert v.provider.restored == []
            assert not [name for name in v.files() if name.endswith(".session")]

    run(main())


def replace_provider(v: Vault, provider: PlayedProvider) -> Vault:
    v.backups._providers = {ProviderKind.WHATSAPP_WEB: provider}
    return v


def test_keys_that_another_program_uses_are_tried_again_later(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir) as v:
            desk = restoring(v, await v.backup())
            await desk.log.append(line(v.ana.link.id, DAWN, ON, OFF))
            v.provider.restore_problem = Problem(Code.SESSION_IN_USE, owner="another")
            await desk.do(CHECK, MERGE)
            assert (await desk.refused(SESSION)).code is Code.SESSION_IN_USE
            v.provider.restore_problem = None
            assert await desk.do(SESSION) == {"session": "restored"}

    run(main())


A, B = LinkId("a" * 32), LinkId("b" * 32)
NOON = DAWN + timedelta(hours=12)


@pytest.mark.parametrize(
    ("lines", "used"),
    [
        ([], True),  # nobody knows
        ([line(A, DAWN, ON, OFF)], False),
        ([line(A, NOON, ON, OFF)], False),  # in the same moment
        ([line(A, DAWN, OFF, ON)], True),  # it was on when the backup was taken
        ([line(B, DAWN, ON, OFF)], True),  # another link
        ([line(B, NOON + timedelta(hours=1), OFF, ON), line(A, DAWN, ON, OFF)], False),
        ([line(A, NOON + timedelta(hours=1), OFF, LinkState.CONNECTING), line(A, DAWN, ON, OFF)], True),
        ([line(A, NOON + timedelta(hours=1), ON, OFF), line(A, DAWN, ON, OFF)], True),
        ([line(A, NOON + timedelta(hours=1), OFF, LinkState.BLOCKED), line(A, DAWN, ON, OFF)], False),
        ([line(A, NOON + timedelta(hours=1), OFF, OFF)], True),  # the log does not reach back so far
    ],
)
def test_whether_a_device_was_used_since_is_yes_when_nobody_knows(lines: list[Transition], used: bool) -> None:
    assert used_since(lines, A, NOON) is used


def test_a_pause_in_the_middle_leaves_no_keys_lying_about(fast_dir: Path) -> None:
    async def main() -> None:
        async with vault(fast_dir, [*TALK, *(said(f"X{n}", "x" * 200) for n in range(3000))]) as v:
            path = await v.backup()
            desk = restoring(v, path)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(desk.do(CHECK))
                await asyncio.sleep(0.01)
                task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert v.files() in ([path.name], [f".{desk.id}.archive", path.name])
            assert await desk.steps[CHECK].undo(desk.run()) == {}
            assert v.files() == [path.name]

    run(main())
