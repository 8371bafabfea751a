"""Archives of one mentorado each: session, history and settings in one file that was read back before it is there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, cast

from app import __version__
from app.core.backup.archive import ArchiveWriter
from app.core.backup.cipher import COST, require_length
from app.core.backup.folder import PARTS, BackupFolder, copied, remove
from app.core.backup.manifest import BackupHead, Manifest
from app.core.backup.reading import Archive, label
from app.core.enrolments import Enrolments
from app.core.in_a_thread import InThread, in_a_thread
from app.domain.backup import BackupInfo, BackupPart, BackupProgress
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.ports import Audit, Clock, HistoryTransfer, RowsCheck
from app.domain.procedure import Facts, ProcedureId
from app.domain.provider import KeepsSessions, Provider
from app.domain.trusted_time import SKEW_ALLOWED

OnProgress = Callable[[BackupProgress], None]

_TOLD_EVERY: Final = 4 << 20  # bytes read back, about a tenth of a second
_NO_KEYS: Final = frozenset(
    {
        Code.SESSION_MISSING,
        Code.SESSION_CORRUPT,
        Code.SESSION_OF_ANOTHER_USER,
        Code.SESSION_OF_ANOTHER_MENTORADO,
        Code.SESSION_DIR_MISSING,
        Code.SESSION_DIR_NOT_A_FOLDER,
        Code.SESSION_DIR_NOT_WRITABLE,
    }
)
"""With these the history is saved all the same."""


def unheard(_progress: BackupProgress) -> None:
    """Nobody listens."""


class Backups:
    """Makes them beside their place, puts them there, and reads them. All of it can be asked again after a crash.

    The part file of a procedure is named by it, and its archive names it inside. Cancelled or failed, nothing is left.
    """

    def __init__(
        self,
        folder: Path,
        *,
        enrolments: Enrolments,
        providers: Mapping[ProviderKind, Provider],
        transfer: HistoryTransfer,
        clock: Clock,
        audit: Audit,
        cost: int = COST,
    ) -> None:
        self._folder = BackupFolder(folder)
        self._enrolments = enrolments
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
        on_progress: OnProgress = unheard,
    ) -> Facts:
        """Copy everything into the part file. Keys that cannot be read are left out, and that is among the facts.

        Raises `Problem(PASSPHRASE_SHORT)` or one about the folder.
        """
        if passphrase:
            require_length(passphrase)
        self._phrases[procedure_id] = passphrase
        enrolment = self._enrolments.get(mentorado_id)
        part, session = self._folder.part(procedure_id), self._folder.part(procedure_id, "session")
        async with in_a_thread() as thread:
            try:
                await thread(partial(self._folder.prepare, part, session))
                account, facts = await self._copy_session(enrolment, session, on_progress)
                await self._write(thread, await self._head(procedure_id, enrolment), account, on_progress)
            except BaseException:
                await thread(partial(remove, part, session))  # after what it is doing now
                raise
            await thread(partial(remove, session))
        return {**facts, "encrypted": "yes" if passphrase else "no"}

    async def verify_part(
        self, procedure_id: ProcedureId, *, passphrase: str = "", on_progress: OnProgress = unheard
    ) -> BackupInfo:
        """Read the part file back. The passphrase is known as long as the program runs."""
        phrase = passphrase or self._phrases.get(procedure_id, "")
        return await self.verify(self._folder.part(procedure_id), passphrase=phrase, on_progress=on_progress)

    async def put_in_place(self, procedure_id: ProcedureId) -> BackupInfo:
        """Give it its name. Returns the archive that is there when this was done before."""
        info = await asyncio.to_thread(self._folder.put_in_place, procedure_id)
        self._phrases.pop(procedure_id, None)
        return info

    def keys_of(self, procedure_id: ProcedureId) -> Path:
        """Where keys may lie for a moment, for this user alone; `discard_part` removes them, too."""
        return self._folder.part(procedure_id, "session")

    async def discard_part(self, procedure_id: ProcedureId) -> None:
        """Remove what a procedure keeps beside the backups. A finished backup is never a harm, and stays."""
        self._phrases.pop(procedure_id, None)
        await asyncio.to_thread(remove, *(self._folder.part(procedure_id, what) for what in PARTS))

    # --- what is to be restored --------------------------------------------------------------------------------------

    async def hold(self, procedure_id: ProcedureId, path: Path) -> None:
        """Copy the archive at *path* to where only this user can change it, until `discard_part`."""
        copy = self._folder.part(procedure_id, "archive")
        async with in_a_thread() as thread:
            try:
                await thread(partial(self._folder.prepare, copy))
                await thread(partial(copied, path, copy))
            except BaseException:
                await thread(partial(remove, copy))  # after what it is doing now
                raise

    def held(self, procedure_id: ProcedureId, path: Path, *, passphrase: str) -> Archive:
        """The archive that was held; the one at *path* where the copy is gone, which is to be compared with it."""
        copy = self._folder.part(procedure_id, "archive")
        return Archive(path, passphrase=passphrase, copy=copy if copy.exists() else None)

    # --- what there is -------------------------------------------------------------------------------------------

    async def verify(self, path: Path, *, passphrase: str = "", on_progress: OnProgress = unheard) -> BackupInfo:
        """Read it whole, and check all that a restore does.

        Raises `Problem` for what is no backup, is damaged, was altered, or is locked.
        """
        archive = Archive(path, passphrase=passphrase)
        manifest = await self.verify_archive(archive, on_progress=on_progress)
        return manifest.info(path, encrypted=archive.encrypted)

    async def verify_archive(self, archive: Archive, *, on_progress: OnProgress = unheard) -> Manifest:
        """Like `verify`, for an *archive* that is not open; it is closed afterwards."""
        loop, cancelled, check = asyncio.get_running_loop(), threading.Event(), self._transfer.checker()

        def tell(done: int, total: int) -> None:
            if cancelled.is_set():
                raise _CancelledError
            told = BackupProgress(part=BackupPart.VERIFYING, done=done, total=total)
            loop.call_soon_threadsafe(on_progress, told)

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
            raise Problem(Code.BACKUP_FROM_FUTURE, path=str(path), **dates)

    async def look(self, path: Path) -> BackupInfo:
        """What it says of itself; nobody vouches for it. Raises `Problem`."""
        return (await asyncio.to_thread(label, path)).info

    async def all(self, mentorado_id: MentoradoId | None = None) -> Sequence[BackupInfo]:
        """The latest first, as they say of themselves. What cannot be read is left out, with a line in the log."""
        return await asyncio.to_thread(self._folder.all, mentorado_id)

    async def last(self, mentorado_id: MentoradoId) -> datetime | None:
        """When the latest was made; none was later than now, whatever it says."""
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
        self, enrolment: Enrolment, to: Path, on_progress: OnProgress
    ) -> tuple[PhoneNumber | None, dict[str, str]]:
        provider: object = self._providers.get(enrolment.link.provider)
        if not isinstance(provider, KeepsSessions):
            return None, {"session": "none"}
        on_progress(BackupProgress(part=BackupPart.SESSION, done=0, total=None))
        try:
            account = await provider.copy_session(enrolment.link, to)
        except Problem as problem:
            if problem.code is Code.SESSION_DISK_FULL:  # ours: it was being written
                raise Problem(Code.BACKUP_DISK_FULL, path=str(self._folder.path)) from problem
            if problem.code not in _NO_KEYS:
                raise
            return None, {"session": problem.code.value}
        return account, {"session": "none" if account is None else "kept"}

    async def _write(
        self, thread: InThread, head: BackupHead, account: PhoneNumber | None, on_progress: OnProgress
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
            await thread(partial(writer.finish, self._enrolments.get(head.mentorado_id)))
        except BaseException:
            await thread(partial(_give_up, made))
            raise

    async def _head(self, procedure_id: ProcedureId, enrolment: Enrolment) -> BackupHead:
        audit_number, audit_hash = await self._audit.head()
        return BackupHead(
            procedure=procedure_id,
            program=__version__,
            at=self._clock.now(),
            mentorado_id=enrolment.mentorado.id,
            name=enrolment.mentorado.name,
            phone=enrolment.mentorado.phone,
            provider=enrolment.link.provider,
            audit_number=audit_number,
            audit_hash=audit_hash,
        )


class _CancelledError(Exception):
    """Nobody waits for the answer any more."""


def _give_up(made: Sequence[ArchiveWriter]) -> None:
    for writer in made:
        writer.give_up()


def _verify(archive: Archive, check: RowsCheck, tell: Callable[[int, int], None]) -> Manifest:
    done = told = 0
    with archive:
        total = archive.size

        def progress(count: int) -> None:
            nonlocal done, told
            done += count
            if done - told >= _TOLD_EVERY:
                told = done
                tell(done, total)

        archive.verify(check, progress)
        tell(total, total)
        return archive.manifest
