"""A backup is whole and read back before it is there, nothing of it is left when it is not, and it says whose it is."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.audit_service import AuditService
from app.core.backups import BackupCopies, BackupPruner, BackupService
from app.core.event_bus import EventBus
from app.core.write_queue import WriteQueue
from app.domain.backup import BackupInfo, BackupPart, BackupProgress
from app.domain.erasure import CopyKind, OldCopy
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.procedure import ProcedureId
from app.storage.audit_log import SqlAuditLog
from app.storage.history.repository import SqlHistoryDump
from tests.clock import DAWN, settle
from tests.core.secret_store import (
    KEYS,
    ONE,
    PHRASE,
    TALK,
    TWO,
    SelectableSecretStore,
    run,
    secret_store,
)
from tests.fake_audit import FakeAuditLog, somebody
from tests.fake_providers import FakeProvider
from tests.storage.talk import a_message


def code_of(error: pytest.ExceptionInfo[Problem]) -> ProblemCode:
    return error.value.code


# --- making one ------------------------------------------------------------------------------------------------------


async def test_an_archive_holds_keys_history_and_settings_with_the_sum_of_each(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        facts = await v.backups.collect(ONE, v.ana.id)
        assert facts == {"session": "kept", "encrypted": "no"}
        assert v.files() == [f".{ONE}.part"]
        checked = await v.backups.verify_part(ONE)
        info = await v.backups.publish(ONE)
        assert (checked.messages, checked.conversations, checked.account) == (3, 2, "+5511987654321")
        assert v.files() == [info.path.name] == ["Conecta Ana Lima 20260101T000000Z.conecta"]
        assert (info.at, info.name, info.size, info.encrypted) == (DAWN, "Ana Lima", checked.size, False)
        if os.name == "posix":
            assert info.path.stat().st_mode & 0o777 == 0o600
            assert v.folder.stat().st_mode & 0o777 == 0o700
        transfer = SqlHistoryDump(v.database)
        dumped = [row async for batch in transfer.dump(v.ana.id) for row in batch]
        with zipfile.ZipFile(info.path) as archive:
            assert sorted(archive.namelist()) == ["history.jsonl", "manifest.json", "session.db", "settings.json"]
            assert archive.read("session.db") == KEYS
            assert [json.loads(line) for line in archive.read("history.jsonl").splitlines()] == dumped
            settings = json.loads(archive.read("settings.json"))
            manifest = json.loads(archive.read("manifest.json"))
            for name, value in manifest["files"].items():
                content = archive.read(name)
                assert value == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        assert settings["mentorado"]["phone"] == "+5511987654321"
        assert settings["link"]["id"] == v.ana.link.id
        number, head = await SqlAuditLog(v.database).head()
        assert (manifest["audit_number"], manifest["audit_hash"]) == (number, head) == (0, "0" * 64)
        assert (info.audit_number, info.audit_hash) == (number, head)
        assert (manifest["format"], manifest["schema"], manifest["procedure"]) == ("conecta-backup", 3, ONE)


async def test_a_history_without_a_word_and_a_provider_without_keys_can_be_backed_up(fast_dir: Path) -> None:
    async with secret_store(fast_dir, [], provider=FakeProvider()) as v:
        assert (await v.backups.collect(ONE, v.ana.id))["session"] == "none"
        info = await v.backups.verify_part(ONE)
        assert (info.account, info.messages) == (None, 0)


@pytest.mark.parametrize(
    ("problem", "fact"),
    [
        (None, "none"),
        (Problem(ProblemCode.SESSION_CORRUPT, path="x"), "session_corrupt"),
        (Problem(ProblemCode.SESSION_MISSING, path="x"), "session_missing"),
        (Problem(ProblemCode.SESSION_DIR_NOT_WRITABLE, path="x"), "session_dir_not_writable"),
    ],
)
async def test_keys_that_cannot_be_read_keep_nobody_from_saving_the_history(
    fast_dir: Path, problem: Problem | None, fact: str
) -> None:
    async with secret_store(fast_dir) as v:
        v.provider.copy_problem = problem
        if problem is None:
            v.provider.keys = None
        assert (await v.backups.collect(ONE, v.ana.id))["session"] == fact
        assert (await v.backups.verify_part(ONE)).account is None
        assert v.files() == [f".{ONE}.part"]


@pytest.mark.parametrize(
    ("code", "problem_code"),
    [
        (ProblemCode.SESSION_IN_USE, ProblemCode.SESSION_IN_USE),
        (ProblemCode.SESSION_DISK_FULL, ProblemCode.BACKUP_DISK_FULL),
    ],
)
async def test_any_other_trouble_with_the_keys_ends_it_and_nothing_is_left(
    fast_dir: Path, code: ProblemCode, problem_code: ProblemCode
) -> None:
    async with secret_store(fast_dir) as v:
        v.provider.copy_problem = Problem(code, path="x")
        with pytest.raises(Problem) as error:
            await v.backups.collect(ONE, v.ana.id)
        assert code_of(error) is problem_code
        assert v.files() == []


async def test_how_far_it_is_is_told(fast_dir: Path) -> None:
    async with secret_store(fast_dir, [a_message(f"{n}") for n in range(2500)]) as v:
        progress: list[BackupProgress] = []
        v.provider.keys = os.urandom(9 << 20)
        await v.backups.collect(ONE, v.ana.id, on_progress=progress.append)
        await v.backups.verify_part(ONE, on_progress=progress.append)
        await settle()
        history = [(each.done, each.total) for each in progress if each.part is BackupPart.HISTORY]
        assert history[:3] == [(1000, 2500), (2000, 2500), (2500, 2500)]
        verifying = [each for each in progress if each.part is BackupPart.VERIFYING]
        assert len(verifying) >= 3
        assert verifying[-1].done == verifying[-1].total
        assert progress[0].part is BackupPart.SESSION


async def test_what_was_cancelled_leaves_nothing(fast_dir: Path) -> None:
    async with secret_store(fast_dir, [a_message(f"{n}", "x" * 500) for n in range(3000)]) as v:
        v.provider.copying = asyncio.Event()
        for wait_for in (f".{ONE}.session", f".{ONE}.part"):
            async with asyncio.TaskGroup() as group:
                task = group.create_task(v.backups.collect(ONE, v.ana.id))
                while wait_for not in v.files():
                    await asyncio.sleep(0.001)
                task.cancel()
            assert v.files() == []
            v.provider.copying.set()


async def test_what_was_cancelled_while_its_key_was_made_leaves_nothing(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        v.backups._cost = 15  # takes a moment
        async with asyncio.TaskGroup() as group:
            task = group.create_task(v.backups.collect(ONE, v.ana.id, passphrase=PHRASE))
            while f".{ONE}.part" not in v.files():
                await asyncio.sleep(0.001)
            task.cancel()
        assert v.files() == []


async def test_reading_that_is_cancelled_stops(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        v.provider.keys = os.urandom(40 << 20)
        path = await v.backup()
        began = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(v.backups.verify(path, on_progress=lambda _progress: began.set()))
            await began.wait()
            task.cancel()
        assert task.cancelled()


async def test_each_part_of_the_work_can_be_asked_for_again_after_a_crash(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        v.folder.mkdir()
        (v.folder / f".{ONE}.part").write_text("half an archive")
        (v.folder / f".{ONE}.session").write_text("half a session")
        for _ in range(2):
            await v.backups.collect(ONE, v.ana.id)
        for _ in range(2):
            await v.backups.verify_part(ONE)
        first = await v.backups.publish(ONE)
        assert await v.backups.publish(ONE) == first
        await v.backups.discard_part(ONE)
        await v.backups.discard_part(ONE)
        assert v.files() == [first.path.name]
        with pytest.raises(Problem) as error:
            await v.backups.publish(TWO)
        assert code_of(error) is ProblemCode.BACKUP_UNREADABLE


async def test_two_of_the_same_second_stand_beside_each_other_and_the_latest_is_first(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        assert await v.backups.last(v.ana.id) is None
        first, second = await v.backup(ONE), await v.backup(TWO)
        v.clock.time += timedelta(hours=1)
        third = await v.backup(ProcedureId("3" * 32), passphrase=PHRASE)
        bia = await v.mentorados.add("Bia", "21 98765-0001")
        await v.backups.collect(ONE, bia.id)
        fourth = await v.backups.publish(ONE)
        assert second.name == "Conecta Ana Lima 20260101T000000Z (2).conecta"
        (v.folder / "notes.conecta").write_text("no backup")
        (v.folder / "other.txt").write_text("nor this")
        infos = await v.backups.all(v.ana.id)
        assert [info.path for info in infos] == [third, first, second] or infos[0].path == third
        assert len(await v.backups.all()) == 4
        assert fourth in await v.backups.all()
        assert await v.backups.last(v.ana.id) == v.clock.now()
        locked = infos[0]
        assert (locked.encrypted, locked.messages, locked.account) == (True, 3, None)


async def test_an_id_that_could_be_a_path_is_a_mistake(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        with pytest.raises(ValueError, match="path"):
            await v.backups.discard_part(ProcedureId("../../etc/passwd"))


# --- a disk that does not want to ------------------------------------------------------------------------------------


async def test_a_folder_that_cannot_be_used_is_a_problem(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        v.folder.write_text("a file")
        with pytest.raises(Problem) as error:
            await v.backups.collect(ONE, v.ana.id)
        assert code_of(error) is ProblemCode.BACKUP_FOLDER_UNUSABLE
        assert await v.backups.all() == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
async def test_a_folder_that_others_could_read_is_closed(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        v.folder.mkdir(mode=0o755)
        await v.backup()
        assert v.folder.stat().st_mode & 0o777 == 0o700


class FullDisk:
    """Lets so many bytes be written to archives, and no more."""

    def __init__(self, bytes_left: int, monkeypatch: pytest.MonkeyPatch) -> None:
        from app.formats import backup_writer as backup_archive

        self.left = bytes_left
        write = backup_archive._Target.write

        def limited(target: backup_archive._Target, data: bytes) -> int:
            self.left -= len(data)
            if self.left < 0 and target._file is not None:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(target, data)

        monkeypatch.setattr(backup_archive._Target, "write", limited)


@pytest.mark.parametrize("room", [0, 100, 1000, 2000, 2500, 3000])
@pytest.mark.parametrize("passphrase", ["", PHRASE])
async def test_a_full_disk_is_a_problem_and_nothing_is_left(
    fast_dir: Path, monkeypatch: pytest.MonkeyPatch, room: int, passphrase: str
) -> None:
    FullDisk(room, monkeypatch)
    async with secret_store(fast_dir) as v:
        with pytest.raises(Problem) as error:
            await v.backups.collect(ONE, v.ana.id, passphrase=passphrase)
        assert code_of(error) is ProblemCode.BACKUP_DISK_FULL
        assert v.files() == []


# --- with a passphrase -----------------------------------------------------------------------------------------------


async def test_what_is_locked_opens_to_its_passphrase_only(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        path = await v.backup(passphrase=PHRASE)
        content = path.read_bytes()
        for hidden in (b"Bom dia", b"98765", b"manifest.json", KEYS[:20], b"history"):
            assert hidden not in content
        info = await v.backups.verify(path, passphrase=PHRASE)
        assert (info.encrypted, info.account, info.messages) == (True, "+5511987654321", 3)
        for wrong in ("", "another passphrase", PHRASE.upper()):
            with pytest.raises(Problem) as error:
                await v.backups.verify(path, passphrase=wrong)
            assert code_of(error) is ProblemCode.BACKUP_LOCKED
        with pytest.raises(Problem) as short:
            await v.backups.collect(TWO, v.ana.id, passphrase="short")
        assert code_of(short) is ProblemCode.PASSPHRASE_SHORT


async def test_after_a_restart_the_passphrase_is_asked_for_again(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        await v.backups.collect(ONE, v.ana.id, passphrase=PHRASE)
        v.backups._phrases.clear()  # as a program that starts
        with pytest.raises(Problem) as error:
            await v.backups.verify_part(ONE)
        assert code_of(error) is ProblemCode.BACKUP_LOCKED
        assert (await v.backups.verify_part(ONE, passphrase=PHRASE)).encrypted


async def removed(backups: BackupService, *what: Any) -> Sequence[BackupInfo]:
    await backups.remove(old := await backups.old(*what))
    return old


# --- keeping no more than are of use ---------------------------------------------------------------------------------


def ingestor(
    v: SelectableSecretStore, audit: FakeAuditLog, under_way: Callable[[object], object | None]
) -> tuple[BackupPruner, WriteQueue]:
    bus = EventBus()
    write_queue = WriteQueue(bus=bus, clock=v.clock)
    audit_service = AuditService(bus=bus, audit=audit, write_queue=write_queue, clock=v.clock, actor=somebody)
    retention = BackupPruner(
        backups=v.backups,
        mentorados=v.mentorados,
        journal=v.journal,
        audit_service=audit_service,
        clock=v.clock,
        under_way=under_way,
    )
    return retention, write_queue


def test_the_latest_ten_stay_and_never_the_only_one_goes(
    fast_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with secret_store(fast_dir, TALK[:1]) as v:
            v.provider.keys = b"small"
            for number in range(12):
                v.clock.time += timedelta(days=1)
                await v.begin(ProcedureId(f"{number:032x}"))
                await v.backup(ProcedureId(f"{number:032x}"))
            audit, open_ones = FakeAuditLog(), {v.ana.id}
            retention, write_queue = ingestor(v, audit, lambda who: who if who in open_ones else None)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(retention.run()), group.create_task(write_queue.run())]
                await v.clock.until_asleep()
                await v.clock.advance(3601)
                await v.clock.until_asleep()
                assert len(v.files()) == 12  # a procedure is open
                open_ones.clear()
                await v.clock.advance(3600)
                await v.clock.until_asleep()
                assert len(v.files()) == 12  # it is not due
                await v.clock.advance(24 * 3600)
                await v.clock.until_asleep()
                while len(v.files()) != 10:
                    await asyncio.sleep(0.001)
                await write_queue.flush()
                for task in tasks:
                    task.cancel()
            assert v.files()[0].endswith("20260104T000000Z.conecta")
            (entry,) = audit.outcomes
            assert (entry.record.action, entry.record.after) == ("remove_backups", {"backups": "2"})
            assert await retention.remove_old()
            assert len(audit.outcomes) == 1
            await v.backups.remove(old := await v.backups.old(v.ana.id, 0, await v.order()))
            assert len(old) == 9
            assert len(v.files()) == 1

            async def stuck(_mentorado_id: object, _keep: int, _order: object) -> None:
                raise Problem(ProblemCode.BACKUP_FOLDER_UNUSABLE, path="x")

            monkeypatch.setattr(v.backups, "old", stuck)
            assert not await retention.remove_old()

    run(main())
    assert "could not be deleted" in caplog.text


async def test_a_wrong_clock_does_not_make_the_new_backups_the_old_ones(fast_dir: Path) -> None:
    """Seven are made with the clock years ahead, then it is put right: those made since are the latest ones."""
    async with secret_store(fast_dir, TALK[:1]) as v:
        v.provider.keys = b"small"
        right, wrong = v.clock.time, v.clock.time + timedelta(days=1100)
        made = [ProcedureId(f"{number:032x}") for number in range(14)]
        for number, each in enumerate(made):
            v.clock.time = (wrong if number < 7 else right) + timedelta(days=number)
            await v.begin(each)
            await v.backup(each)
        gone = await removed(v.backups, v.ana.id, 5, await v.order())
        assert len(gone) == 9
        assert {info.at < wrong for info in await v.backups.all()} == {True}
        assert await v.backups.last(v.ana.id) == v.clock.time


async def test_what_was_not_made_here_is_never_removed_and_a_copy_does_not_push_another_out(fast_dir: Path) -> None:
    async with secret_store(fast_dir, TALK[:1]) as v:
        v.provider.keys = b"small"
        for each in (ONE, TWO):
            await v.begin(each)
            path = await v.backup(each)
        await v.backup(ProcedureId("9" * 32))  # of another database
        path.with_name("copy.conecta").write_bytes(path.read_bytes())
        assert await removed(v.backups, v.ana.id, 2, await v.order()) == []
        assert len(await removed(v.backups, v.ana.id, 1, await v.order())) == 1
        assert len(v.files()) == 3


@pytest.mark.parametrize("ahead", [timedelta(minutes=6), timedelta(days=366 * 7000)])
async def test_an_archive_from_the_future_is_refused(fast_dir: Path, ahead: timedelta) -> None:
    async with secret_store(fast_dir, TALK[:1]) as v:
        v.clock.time += ahead
        path = await v.backup()
        v.clock.time -= ahead
        with pytest.raises(Problem) as caught:
            await v.backups.verify(path)
        assert caught.value.code is ProblemCode.BACKUP_FROM_FUTURE
        assert caught.value.context["path"] == str(path)
        assert await v.backups.last(v.ana.id) == v.clock.time  # nothing was made later than now
        v.clock.time += ahead - timedelta(minutes=5)
        assert (await v.backups.verify(path)).path == path


@pytest.mark.parametrize("there", [True, False])
async def test_an_archive_that_cannot_be_read_leaves_no_half_of_a_copy(
    fast_dir: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """Gone, or on a drive that fails under it."""

    def failing(_descriptor: int) -> None:
        raise OSError(errno.EIO, "the drive failed")

    async with secret_store(fast_dir) as kept:
        archive = fast_dir / "from-elsewhere.conecta"
        if there:
            archive.write_bytes(b"x" * 100)
            monkeypatch.setattr("app.formats.backup_reader.os", SimpleNamespace(fstat=failing))
        with pytest.raises(Problem) as caught:
            await kept.backups.hold(ONE, archive)
        assert caught.value.code is ProblemCode.BACKUP_UNREADABLE
        assert [path for path in kept.folder.iterdir() if ONE in path.name] == []


async def test_backups_of_the_mentorado_are_copies(fast_dir: Path) -> None:
    async with secret_store(fast_dir, TALK[:1]) as v:
        path = await v.backup()
        copies = BackupCopies(v.backups)
        assert await copies.wipe(v.ana.id, [b"5521987650001"]) == 0
        found = await copies.copies(v.ana.id)
        assert found == [OldCopy(kind=CopyKind.BACKUP, path=path, at=v.clock.time)]
        assert await copies.copies(MentoradoId("a" * 32)) == []
        await copies.remove([OldCopy(kind=CopyKind.DATABASE, path=path, at=DAWN)])
        assert path.exists()
        await copies.remove(found)
        assert not path.exists()
