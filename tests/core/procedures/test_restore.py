"""History comes back always; keys come back only when that is right; and what is begun comes to an end."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.backup import BackupPart, BackupProgress
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesStored
from app.domain.mentorado import MentoradoId
from app.domain.procedure import (
    StepData,
    StepName,
)
from app.formats.backup_manifest import HISTORY
from app.formats.backup_writer import ArchiveWriter
from app.storage.history.repository import SqlHistoryDump
from tests.clock import DAWN
from tests.core.hostile_archives import HEADING, MENTORADO
from tests.core.procedures.step_by_step import OFF, ON, StepByStep, line, restoring
from tests.core.secret_store import (
    KEYS,
    ONE,
    PHRASE,
    TWO,
    SelectableSecretStore,
    run,
    secret_store,
)
from tests.storage.talk import a_message, minutes
from tests.storage.transfer import CONTACT, MESSAGE, SUPPRESSION
from tests.storage.transfer import TALK as ROW_OF_TALK

CHECK, MERGE, SESSION = StepName.CHECK_ARCHIVE, StepName.MERGE_HISTORY, StepName.RESTORE_SESSION


def archive_of(
    place: Path, rows: Sequence[Mapping[str, object]], whose: MentoradoId | None = None, at: datetime = DAWN
) -> Path:
    path = place / "made.conecta"
    head = replace(HEADING, at=at, mentorado_id=whose or HEADING.mentorado_id)
    writer = ArchiveWriter(path, head, "", 1)
    writer.add_rows(rows)
    writer.finish(MENTORADO)
    return path


# --- whose archive it is, and whether it is whole --------------------------------------------------------------------


def test_the_history_of_somebody_enrolled_anew_comes_back(fast_dir: Path) -> None:
    async def main() -> None:
        async with secret_store(fast_dir / "before") as before:
            path = await before.backup()
        async with secret_store(fast_dir / "after", [a_message("9", "depois", minute=60)]) as v:
            procedure = restoring(v, path)
            storeds: list[MessagesStored] = []
            procedure.bus.subscribe(MessagesStored, storeds.append)
            facts = await procedure.do(CHECK)
            assert (facts["messages"], facts["session"]) == ("3", "kept")
            assert (await procedure.do(MERGE))["new"] == "4"
            assert len(storeds) == 1
            assert len(storeds[0].conversations) == 2
            talks = await v.history.conversations(v.ana.id)
            texts = {message.text for talk in talks for message in await v.history.messages(talk.id)}
            assert texts == {"Boa tarde", "Olá, tudo bem?", "No grupo", "depois"}
            assert (await procedure.do(MERGE))["new"] == "4"  # asked again, nothing is doubled
            assert (await v.history.extent(v.ana.id)).messages == 4

    (fast_dir / "before").mkdir()
    (fast_dir / "after").mkdir()
    run(main())


async def test_the_archive_of_somebody_else_is_refused(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        path = await v.backup()
        bia = await v.mentorados.add("Bia", "21 98765-0001")
        procedure = restoring(replace(v, ana=bia), path)
        problem = await procedure.refused(CHECK)
        assert (problem.code, problem.context["name"]) == (ProblemCode.BACKUP_OF_ANOTHER, "Ana Lima")


async def test_an_archive_of_the_year_9999_is_refused_before_anything_of_it_is_merged(fast_dir: Path) -> None:
    """With an erasure of that year in it, nothing that a contact writes would ever be kept again."""
    async with secret_store(fast_dir) as v:
        erased = {**SUPPRESSION, "erased_at": "9998-01-01T00:00:00+00:00"}
        path = archive_of(fast_dir, [erased], at=datetime(9999, 1, 1, tzinfo=UTC))
        problem = await restoring(v, path).refused(CHECK)
        assert (problem.code, problem.context["path"]) == (ProblemCode.BACKUP_FROM_FUTURE, str(path))


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
        "an erasure dated after the backup",
        "a message that belongs to nobody",
        "a sender nobody told of",
        "a link that has two providers",
    ],
)
async def test_what_cannot_be_restored_is_not_verified_either(fast_dir: Path, rows: list[dict[str, Any]]) -> None:
    """ "*Verified* means *restorable*." """
    async with secret_store(fast_dir) as v:
        path = archive_of(fast_dir, rows)
        problem = await restoring(v, path).refused(CHECK)
        assert (problem.code, problem.context["path"]) == (ProblemCode.BACKUP_ALTERED, str(path))
        assert v.files() == [], "its copy is gone"
        with pytest.raises(Problem) as refused:
            await v.backups.verify(path)
        assert (refused.value.code, refused.value.context["path"]) == (ProblemCode.BACKUP_ALTERED, str(path))
        assert (await v.backups.check(path)).messages == sum(row["kind"] == "message" for row in rows)


@pytest.mark.parametrize("how", ["gone", "forbidden"])
async def test_a_file_that_cannot_be_read_is_named_and_leaves_no_copy(
    fast_dir: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def forbidden(self: Path, *_mode: str) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    async with secret_store(fast_dir) as v:
        path = archive_of(fast_dir, [CONTACT])
        if how == "gone":
            path.unlink()
        else:
            monkeypatch.setattr(Path, "open", forbidden)
        problem = await restoring(v, path).refused(CHECK)
        assert (problem.code, problem.context["path"]) == (ProblemCode.BACKUP_UNREADABLE, str(path))
        assert v.files() == []


@pytest.mark.parametrize("what", ["a film", "a film before it", "a film inside it", "somebody else's"])
async def test_what_cannot_be_a_backup_of_theirs_is_never_copied(
    fast_dir: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It may be as large as the disk, and every connection needs that."""
    async with secret_store(fast_dir) as v:
        path, whose = archive_of(fast_dir, [CONTACT]), v
        if what == "somebody else's":
            whose = replace(v, ana=await v.mentorados.add("Bia", "21 98765-0001"))
        else:
            content = path.read_bytes()
            at = {"a film before it": 0, "a film inside it": content.index(b"PK\x01\x02")}.get(what)
            path.write_bytes(b"f" * 10_000 if at is None else content[:at] + b"f" * 10_000 + content[at:])
        monkeypatch.setattr("app.core.backups.copy_private_file", None)
        problem = await restoring(whose, path).refused(CHECK)
        assert problem.code is (ProblemCode.BACKUP_UNREADABLE if whose is v else ProblemCode.BACKUP_OF_ANOTHER)


async def test_an_erasure_of_the_past_is_no_problem_and_a_long_history_tells_how_far_it_is(fast_dir: Path) -> None:
    rows = [{**SUPPRESSION, "erased_at": "2025-12-31T00:00:00+00:00"}, CONTACT, ROW_OF_TALK]
    rows += [{**MESSAGE, "provider_id": f"M{n}", "text": json.dumps([n] * 3000)} for n in range(2000)]
    async with secret_store(fast_dir) as v:
        procedure = restoring(v, archive_of(fast_dir, rows))
        await procedure.do(CHECK)
        assert len(procedure.progress) >= 2
        assert procedure.progress[-1].part is BackupPart.VERIFYING
        await procedure.do(MERGE)
        assert procedure.progress[-1] == BackupProgress(part=BackupPart.HISTORY, done=2003, total=2003)


def test_a_database_that_cannot_be_written_is_told_of_as_such(fast_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_asked: object, **_details: object) -> int:
        raise Problem(ProblemCode.DATABASE_DISK_FULL, path="conecta.db")

    async def main() -> None:
        async with secret_store(fast_dir) as v:
            procedure = restoring(v, await v.backup())
            await procedure.do(CHECK)
            with monkeypatch.context() as patch:
                patch.setattr(SqlHistoryDump, "merge", full)
                assert (await procedure.refused(MERGE)).context["path"] == "conecta.db"
            await procedure.do(MERGE)

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


async def texts_of(v: SelectableSecretStore) -> list[str]:
    return [message.text async for some in v.history.export(v.ana.id) for message in some]


@pytest.mark.parametrize("how", ["another backup", "forged", "cut off", "gone", "a folder"])
def test_what_was_checked_is_merged_whatever_lies_in_its_place_by_then(fast_dir: Path, how: str) -> None:
    """ "The file replaced between check and merge: 2,006 forged rows stayed." """

    async def main() -> None:
        async with secret_store(fast_dir / "before") as before:
            path = await before.backup(ONE)
            before.clock.time += timedelta(seconds=1)
            other = await before.backup(TWO)
        async with secret_store(fast_dir / "after", []) as v:
            procedure = restoring(v, path)
            await procedure.do(CHECK)
            replaced(path, other, how)
            assert (await procedure.do(MERGE))["new"] == "4"
            assert set(await texts_of(v)) == {"Boa tarde", "No grupo", "Olá, tudo bem?"}
            await procedure.log.append(line(v.ana.link.id, DAWN - timedelta(hours=1), ON, OFF))
            await procedure.do(SESSION)
            assert [keys for keys, *_ in v.provider.restored] == [KEYS]

    (fast_dir / "before").mkdir()
    (fast_dir / "after").mkdir()
    run(main())


@pytest.mark.parametrize("how", ["another backup", "forged", "cut off", "gone", "a folder"])
def test_when_what_was_checked_is_gone_another_file_is_refused_and_nothing_of_it_stays(
    fast_dir: Path, how: str
) -> None:
    async def main() -> None:
        async with secret_store(fast_dir / "before") as before:
            path = await before.backup(ONE)
            before.clock.time += timedelta(seconds=1)
            other = await before.backup(TWO)
        async with secret_store(fast_dir / "after", []) as v:
            procedure = restoring(v, path)
            await procedure.do(CHECK)
            procedure.facts[MERGE] = await procedure.steps[MERGE].before(procedure.run())
            (v.folder / f".{procedure.id}.archive").unlink()
            replaced(path, other, how)
            with pytest.raises(Problem) as refused:
                await procedure.steps[MERGE].do(procedure.run())
            assert refused.value.code in (ProblemCode.BACKUP_ALTERED, ProblemCode.BACKUP_UNREADABLE)
            assert refused.value.context["path"] == str(path)
            assert await texts_of(v) == []
            assert await v.history.conversations(v.ana.id) == []
            assert await procedure.steps[MERGE].already_done(procedure.run()) is None

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


async def test_an_archive_whose_end_is_wrong_leaves_nothing_of_its_beginning(fast_dir: Path) -> None:
    """Whoever can write into our own folder can change the copy, too; its sums are compared while it is merged."""
    async with secret_store(fast_dir, []) as v:
        rows = [CONTACT, ROW_OF_TALK, *({**MESSAGE, "provider_id": f"M{n}"} for n in range(2500))]
        path = archive_of(fast_dir, rows)
        procedure = restoring(v, path)
        await procedure.do(CHECK)
        copy = v.folder / f".{procedure.id}.archive"
        with zipfile.ZipFile(copy) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        files[HISTORY] = files[HISTORY].replace(b"M2499", b"M9999")
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        assert (await procedure.refused(MERGE)).code is ProblemCode.BACKUP_ALTERED
        assert await texts_of(v) == []
        assert (await procedure.do(MERGE))["new"] == "2500", "read from the file itself when it is tried again"


async def test_a_merge_that_is_paused_is_taken_back(fast_dir: Path) -> None:
    rows = [CONTACT, ROW_OF_TALK, *({**MESSAGE, "provider_id": f"M{n}"} for n in range(20_000))]
    async with secret_store(fast_dir, []) as v:
        procedure = restoring(v, archive_of(fast_dir, rows))
        await procedure.do(CHECK)
        procedure.facts[MERGE] = await procedure.steps[MERGE].before(procedure.run())
        procedure.progress.clear()
        async with asyncio.TaskGroup() as group:
            merging = group.create_task(merge_of(procedure))
            while not procedure.progress:
                await asyncio.sleep(0.001)
            merging.cancel()
        assert await texts_of(v) == []
        assert await procedure.steps[MERGE].already_done(procedure.run()) is None


async def test_a_locked_archive_needs_its_passphrase_at_each_step(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        procedure = restoring(v, await v.backup(passphrase=PHRASE))
        for name in (CHECK, MERGE):
            assert (await procedure.refused(name)).code is ProblemCode.BACKUP_LOCKED
            procedure.secret = PHRASE
            await procedure.do(name)
            procedure.secret = ""


# --- a merge that was interrupted ------------------------------------------------------------------------------------


def test_whether_an_interrupted_merge_came_in_is_known_also_when_something_arrived_meanwhile(fast_dir: Path) -> None:
    async def main() -> None:
        async with secret_store(fast_dir / "before") as before:
            path = await before.backup(passphrase=PHRASE)
        async with secret_store(fast_dir / "after", []) as v:
            procedure = restoring(v, path, secret=PHRASE)
            await procedure.do(CHECK)
            procedure.facts[MERGE] = await procedure.steps[MERGE].before(procedure.run())
            step = procedure.steps[MERGE]
            assert await step.already_done(procedure.run()) is None
            await v.history.store(v.ana, [a_message("9", "chegou", minute=60)], minutes(60))
            assert await step.already_done(procedure.run()) is None
            assert await texts_of(v) == ["chegou"], "asking merges nothing"
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(SqlHistoryDump, "merge", cannot)
                with pytest.raises(Problem, match="database_locked"):
                    await step.already_done(procedure.run())
            assert await step.do(procedure.run()) == {"new": "5"}
            assert await step.before(procedure.run()) == {"before": "0"}  # as it was at first
            assert await step.already_done(procedure.run()) == {"new": "5"}
            procedure.secret = ""
            assert await step.already_done(procedure.run()) == {"new": "5"}, (
                "what may have come in is never called undone"
            )

    (fast_dir / "before").mkdir()
    (fast_dir / "after").mkdir()
    run(main())


async def merge_of(procedure: StepByStep) -> StepData:
    return await procedure.steps[MERGE].do(procedure.run())


async def cannot(*_asked: object, **_details: object) -> int:
    raise Problem(ProblemCode.DATABASE_LOCKED, path="conecta.db")
