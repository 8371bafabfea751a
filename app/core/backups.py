"""Archives of one mentorado each: session, history and settings in one file that was read back before it is there."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, cast

from app import __version__
from app.core.audit_service import AuditService
from app.core.mentorado_service import MentoradoService
from app.domain.audit import AuditAction
from app.domain.backup import BACKUP_ENDING, BackupInfo, BackupPart, BackupProgress
from app.domain.erasure import CopyKind, OldCopy
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind, is_id
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureId, StepData
from app.domain.provider import HasSessionBackup, Provider
from app.domain.repositories import (
    AuditLog,
    Clock,
    HistoryDump,
    ProcedureJournal,
    RowsCheck,
)
from app.domain.trusted_time import SKEW_ALLOWED
from app.formats.backup_manifest import BackupHead, Label, Manifest
from app.formats.backup_reader import BackupReader, pieces, read_label_of
from app.formats.backup_writer import ArchiveWriter, folder_problems
from app.formats.encryption import COST, require_length
from app.formats.privacy_export import safe_name
from app.platform.files import private, sync
from app.platform.threads import ThreadWorker, in_a_thread

log = logging.getLogger(__name__)

PARTS: Final = ("part", "session", "archive")
"""Names of the temporary files of a procedure."""


class BackupDirectory:
    """The directory of archives. An archive is identified by its manifest, never by its file name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def part(self, procedure_id: ProcedureId, what: str = "part") -> Path:
        """The path of a temporary file of a procedure."""
        if not is_id(procedure_id):
            raise ValueError("not an id; it must never become a path")
        return self.path / f".{procedure_id}.{what}"

    def prepare(self, *parts: Path) -> None:
        """Make the folder, for this user alone, and have nothing left at *parts*."""
        with folder_problems(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.name == "posix" and self.path.stat().st_mode & 0o077:
                self.path.chmod(0o700)
        remove(*parts)

    def publish(self, procedure_id: ProcedureId) -> BackupInfo:
        """Give the part file its name. Returns the archive that is there when this was done before."""
        part = self.part(procedure_id)
        if not part.exists():
            done = next((each.info for each in self.labels() if each.procedure == procedure_id), None)
            if done is None:
                raise Problem(ProblemCode.BACKUP_UNREADABLE, path=str(part), detail="deleted meanwhile")
            return done
        info = read_label_of(part).info
        with folder_problems(self.path):
            target = self._unused_path(f"Conecta {safe_name(info.name)} {info.at.astimezone(UTC):%Y%m%dT%H%M%SZ}")
            part.rename(target)
            sync(self.path)
        return read_label_of(target).info

    def all(self, mentorado_id: MentoradoId | None) -> Sequence[BackupInfo]:
        """List archives, latest first. Unreadable ones are logged and left out."""
        infos = [each.info for each in self.labels(mentorado_id)]
        return sorted(infos, key=lambda info: (info.at, info.path.name), reverse=True)

    def labels(self, mentorado_id: MentoradoId | None = None) -> list[Label]:
        """The manifest headers of all archives, or of those of one mentorado, unordered."""
        found = []
        for path in self.path.glob(f"[!.]*{BACKUP_ENDING}"):
            try:
                found.append(read_label_of(path))
            except Problem as problem:
                log.info("Unreadable backup %s: %s", path.name, problem.code)
        return [each for each in found if mentorado_id in (None, each.info.mentorado_id)]

    def _unused_path(self, name: str) -> Path:
        target, number = self.path / f"{name}{BACKUP_ENDING}", 1
        while target.exists():
            number += 1
            target = self.path / f"{name} ({number}){BACKUP_ENDING}"
        return target


def remove(*paths: Path) -> None:
    """Delete those of *paths* that exist."""
    for path in paths:
        with folder_problems(path.parent), suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()


def copy_private_file(path: Path, copy: Path) -> None:
    """Copy the file at *path* to *copy*, which must not be there yet, for this user alone."""
    with folder_problems(copy.parent), open(copy, "xb", opener=private) as target:
        target.writelines(pieces(path))


OnProgress = Callable[[BackupProgress], None]

_REPORTED_EVERY: Final = 4 << 20  # bytes read back, about a tenth of a second
_NO_KEYS: Final = frozenset(
    {
        ProblemCode.SESSION_MISSING,
        ProblemCode.SESSION_CORRUPT,
        ProblemCode.SESSION_OF_ANOTHER_USER,
        ProblemCode.SESSION_OF_ANOTHER_MENTORADO,
        ProblemCode.SESSION_DIR_MISSING,
        ProblemCode.SESSION_DIR_NOT_A_FOLDER,
        ProblemCode.SESSION_DIR_NOT_WRITABLE,
    }
)
"""With these the history is saved all the same."""


def ignore_progress(_progress: BackupProgress) -> None:
    """Default progress callback: ignore."""


class BackupService:
    """Creates, verifies, moves into place and reads archives. Every call can be repeated after a crash.

    The partial file of a procedure is named after it, and so is its archive's manifest. Cancelled or failed, nothing is
    left.
    """

    def __init__(
        self,
        folder: Path,
        *,
        mentorados: MentoradoService,
        providers: Mapping[ProviderKind, Provider],
        transfer: HistoryDump,
        clock: Clock,
        audit: AuditLog,
        cost: int = COST,
    ) -> None:
        self._folder = BackupDirectory(folder)
        self._mentorados = mentorados
        self._providers = providers
        self._transfer = transfer
        self._clock = clock
        self._audit = audit
        self._cost = cost
        self._phrases: dict[ProcedureId, str] = {}  # of what is not in its place yet

    # --- making one ----------------------------------------------------------------------------------------------

    async def collect(
        self,
        procedure_id: ProcedureId,
        mentorado_id: MentoradoId,
        *,
        passphrase: str = "",
        on_progress: OnProgress = ignore_progress,
    ) -> StepData:
        """Copy everything into the part file. Keys that cannot be read are left out, and that is among the facts.

        Raises `Problem(PASSPHRASE_SHORT)` or one about the folder.
        """
        if passphrase:
            require_length(passphrase)
        self._phrases[procedure_id] = passphrase
        mentorado = self._mentorados.get(mentorado_id)
        part, session = self._folder.part(procedure_id), self._folder.part(procedure_id, "session")
        async with in_a_thread() as thread:
            try:
                await thread(partial(self._folder.prepare, part, session))
                account, facts = await self._copy_session(mentorado, session, on_progress)
                await self._write(thread, await self._head(procedure_id, mentorado), account, on_progress)
            except BaseException:
                await thread.finish(partial(remove, part, session))  # after what it is doing now
                raise
            await thread(partial(remove, session))
        return {**facts, "encrypted": "yes" if passphrase else "no"}

    async def verify_part(
        self, procedure_id: ProcedureId, *, passphrase: str = "", on_progress: OnProgress = ignore_progress
    ) -> BackupInfo:
        """Read the part file back. The passphrase is known as long as the program runs."""
        phrase = passphrase or self._phrases.get(procedure_id, "")
        return await self.verify(self._folder.part(procedure_id), passphrase=phrase, on_progress=on_progress)

    async def publish(self, procedure_id: ProcedureId) -> BackupInfo:
        """Give it its name. Returns the archive that is there when this was done before."""
        info = await asyncio.to_thread(self._folder.publish, procedure_id)
        self._phrases.pop(procedure_id, None)
        return info

    def key_file_path(self, procedure_id: ProcedureId) -> Path:
        """Where keys may lie for a moment, for this user alone; `discard_part` removes them, too."""
        return self._folder.part(procedure_id, "session")

    async def discard_part(self, procedure_id: ProcedureId) -> None:
        """Delete the temporary files of a procedure. A finished backup stays."""
        self._phrases.pop(procedure_id, None)
        await asyncio.to_thread(remove, *(self._folder.part(procedure_id, what) for what in PARTS))

    # --- what is to be restored --------------------------------------------------------------------------------------

    async def hold(self, procedure_id: ProcedureId, path: Path) -> None:
        """Copy the archive at *path* to where only this user can change it, until `discard_part`."""
        copy = self._folder.part(procedure_id, "archive")
        async with in_a_thread() as thread:
            try:
                await thread(partial(self._folder.prepare, copy))
                await thread(partial(copy_private_file, path, copy))
            except BaseException:
                await thread.finish(partial(remove, copy))  # after what it is doing now
                raise

    def held(self, procedure_id: ProcedureId, path: Path, *, passphrase: str) -> BackupReader:
        """The archive that was held; the one at *path* where the copy is gone, which is to be compared with it."""
        copy = self._folder.part(procedure_id, "archive")
        return BackupReader(path, passphrase=passphrase, copy=copy if copy.exists() else None)

    # --- what there is -------------------------------------------------------------------------------------------

    async def verify(
        self, path: Path, *, passphrase: str = "", on_progress: OnProgress = ignore_progress
    ) -> BackupInfo:
        """Read it whole, and check all that a restore does.

        Raises `Problem` for what is no backup, is damaged, was altered, or is locked.
        """
        archive = BackupReader(path, passphrase=passphrase)
        manifest = await self.verify_archive(archive, on_progress=on_progress)
        return manifest.info(path, encrypted=archive.encrypted)

    async def verify_archive(self, archive: BackupReader, *, on_progress: OnProgress = ignore_progress) -> Manifest:
        """Like `verify`, for an *archive* that is not open; it is closed afterwards."""
        loop, cancelled, check = asyncio.get_running_loop(), threading.Event(), self._transfer.checker()

        def tell(done: int, total: int) -> None:
            if cancelled.is_set():
                raise _CancelledError
            progress = BackupProgress(part=BackupPart.VERIFYING, done=done, total=total)
            loop.call_soon_threadsafe(on_progress, progress)

        try:
            manifest = await asyncio.to_thread(_verify, archive, check, tell)
        finally:
            cancelled.set()
        self._require_past(manifest.head.at, archive.path)
        return manifest

    def _require_past(self, at: datetime, path: Path) -> None:
        """An archive that says it was made later than now is refused: what was erased until then would keep what is
        still to come out of the history."""
        now = self._clock.now()
        if at > now + SKEW_ALLOWED:
            dates = {"at": f"{at:%Y-%m-%d %H:%M} UTC", "now": f"{now:%Y-%m-%d %H:%M} UTC"}
            raise Problem(ProblemCode.BACKUP_FROM_FUTURE, path=str(path), **dates)

    async def check(self, path: Path) -> BackupInfo:
        """Read the manifest without verifying it. Raises `Problem`."""
        return (await asyncio.to_thread(read_label_of, path)).info

    async def all(self, mentorado_id: MentoradoId | None = None) -> Sequence[BackupInfo]:
        """List archives by their manifests, latest first. Unreadable ones are logged and left out."""
        return await asyncio.to_thread(self._folder.all, mentorado_id)

    async def last(self, mentorado_id: MentoradoId) -> datetime | None:
        """The time of the latest backup, at most now."""
        latest = max((info.at for info in await self.all(mentorado_id)), default=None)
        return None if latest is None else min(latest, self._clock.now())

    async def old(self, mentorado_id: MentoradoId, keep: int, order: Mapping[ProcedureId, int]) -> Sequence[BackupInfo]:
        """All but the latest *keep* that were made here, and at least one: what `remove` may take.

        *order* numbers the procedures of this database as they were begun. That alone says which is the latest, and
        what was made here: what an archive says of its date counts for nothing, and what was brought here stays.
        """
        labels = await asyncio.to_thread(self._folder.labels, mentorado_id)
        numbers = sorted({order[each.procedure] for each in labels if each.procedure in order}, reverse=True)
        gone = set(numbers[max(keep, 1) :])
        return [each.info for each in labels if order.get(each.procedure) in gone]

    async def remove(self, old: Sequence[BackupInfo]) -> None:
        """Delete the files of *old*."""
        await asyncio.to_thread(remove, *(info.path for info in old))

    # --- in their threads ----------------------------------------------------------------------------------------

    async def _copy_session(
        self, mentorado: Mentorado, to: Path, on_progress: OnProgress
    ) -> tuple[PhoneNumber | None, dict[str, str]]:
        provider: object = self._providers.get(mentorado.link.provider)
        if not isinstance(provider, HasSessionBackup):
            return None, {"session": "none"}
        on_progress(BackupProgress(part=BackupPart.SESSION, done=0, total=None))
        try:
            account = await provider.copy_session(mentorado.link, to)
        except Problem as problem:
            if problem.code is ProblemCode.SESSION_DISK_FULL:  # ours: it was being written
                raise Problem(ProblemCode.BACKUP_DISK_FULL, path=str(self._folder.path)) from problem
            if problem.code not in _NO_KEYS:
                raise
            return None, {"session": problem.code.value}
        return account, {"session": "none" if account is None else "kept"}

    async def _write(
        self, thread: ThreadWorker, head: BackupHead, account: PhoneNumber | None, on_progress: OnProgress
    ) -> None:
        part, phrase = self._folder.part(head.procedure), self._phrases[head.procedure]
        made: list[ArchiveWriter] = []  # in the thread, also when nobody waits for it any more
        try:
            await thread(lambda: made.append(ArchiveWriter(part, head, phrase, self._cost)))
            (writer,) = made
            if account is not None:
                await thread(partial(writer.add_session, self._folder.part(head.procedure, "session"), account))
            done, total = 0, (await self._transfer.counts(head.mentorado_id))["message"]
            everything = cast("AsyncGenerator[Sequence[Mapping[str, object]]]", self._transfer.dump(head.mentorado_id))
            async with aclosing(everything) as batches:
                async for batch in batches:
                    await thread(partial(writer.add_rows, batch))
                    done += sum(row["kind"] == "message" for row in batch)
                    on_progress(BackupProgress(part=BackupPart.HISTORY, done=done, total=max(done, total)))
            on_progress(BackupProgress(part=BackupPart.SETTINGS, done=0, total=None))
            await thread(partial(writer.finish, self._mentorados.get(head.mentorado_id)))
        except BaseException:
            await thread(partial(_abort_writers, made))
            raise

    async def _head(self, procedure_id: ProcedureId, mentorado: Mentorado) -> BackupHead:
        audit_number, audit_hash = await self._audit.head()
        return BackupHead(
            procedure=procedure_id,
            program=__version__,
            at=self._clock.now(),
            mentorado_id=mentorado.id,
            name=mentorado.name,
            phone=mentorado.phone,
            provider=mentorado.link.provider,
            audit_number=audit_number,
            audit_hash=audit_hash,
        )


class _CancelledError(Exception):
    """The caller was cancelled."""


def _abort_writers(made: Sequence[ArchiveWriter]) -> None:
    for writer in made:
        writer.abort()


def _verify(archive: BackupReader, check: RowsCheck, tell: Callable[[int, int], None]) -> Manifest:
    done = entries_read = 0
    with archive:
        total = archive.size

        def progress(count: int) -> None:
            nonlocal done, entries_read
            done += count
            if done - entries_read >= _REPORTED_EVERY:
                entries_read = done
                tell(done, total)

        archive.verify(check, progress)
        tell(total, total)
        return archive.manifest


KEPT: Final = 10
"""The latest of each mentorado."""

EVERY: Final = timedelta(days=1)
LOOK_AGAIN_SECONDS: Final = 3600.0


class BackupPruner:
    """Deletes old backups daily, except those of mentorados with an active procedure, and never the only one."""

    def __init__(
        self,
        *,
        backups: BackupService,
        mentorados: MentoradoService,
        journal: ProcedureJournal,
        audit_service: AuditService,
        clock: Clock,
        under_way: Callable[[MentoradoId], object | None],
    ) -> None:
        self._backups = backups
        self._mentorados = mentorados
        self._journal = journal
        self._audit_service = audit_service
        self._clock = clock
        self._under_way = under_way

    async def run(self) -> None:
        """Prune after an hour, then daily, until cancelled."""
        done_at: datetime | None = None
        while True:
            await self._clock.sleep(LOOK_AGAIN_SECONDS)
            now = self._clock.now()
            if done_at is None or now - done_at >= EVERY:
                done_at = now if await self.remove_old() else None

    async def remove_old(self) -> bool:
        """Delete all but the latest `KEPT`; returns whether the disk allowed it."""
        for mentorado in self._mentorados.all():
            if self._under_way(mentorado.id) is not None:
                continue
            try:
                order = await self._journal.order(mentorado.id)
                if old := await self._backups.old(mentorado.id, KEPT, order):
                    await self._remove(mentorado, old)
            except Problem as problem:
                log.warning("Old backups could not be deleted, and it is retried: %s", problem.code)
                return False
        return True

    async def _remove(self, mentorado: Mentorado, old: Sequence[BackupInfo]) -> None:
        counted = {"backups": str(len(old))}
        async with self._audit_service.around(
            AuditAction.REMOVE_BACKUPS, mentorado, before=counted, after=lambda: counted
        ):
            await self._backups.remove(old)


class BackupCopies:
    """Implements `app.domain.erasure.Leftovers`. An archive is whole or it is nothing: it is never rewritten."""

    def __init__(self, backups: BackupService) -> None:
        self._backups = backups

    async def wipe(self, mentorado_id: MentoradoId, traces: Sequence[bytes]) -> int:
        return 0

    async def copies(self, mentorado_id: MentoradoId) -> Sequence[OldCopy]:
        return [
            OldCopy(kind=CopyKind.BACKUP, path=info.path, at=info.at, encrypted=info.encrypted)
            for info in await self._backups.all(mentorado_id)
        ]

    async def remove(self, copies: Sequence[OldCopy]) -> None:
        await asyncio.to_thread(remove, *(each.path for each in copies if each.kind is CopyKind.BACKUP))
