"""The steps of a restore: is the archive whole and theirs, its history merged, its keys put back where that is right.

History comes back always: what was checked is a copy of ours, and that is merged as a whole or not at all. Keys come
back only when it is certain that their device was not used since: otherwise that step is left out, with the reason.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from app.core.backups import BackupService, remove
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.procedures.steps import Step, StepContext
from app.domain.backup import BackupPart, BackupProgress
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesStored
from app.domain.link_status import LinkState
from app.domain.mentorado import LinkId, Mentorado, ProviderKind
from app.domain.phone import same_account
from app.domain.procedure import StepData, StepName
from app.domain.provider import HasSessionBackup, Provider
from app.domain.repositories import (
    HistoryDump,
    PersonalDataRepository,
    Transition,
    TransitionRepository,
)
from app.formats.backup_manifest import Manifest
from app.formats.backup_reader import BackupReader, about
from app.formats.backup_writer import folder_problems
from app.platform.threads import ThreadWorker, in_a_thread

_AT_REST: Final = frozenset({LinkState.OFF, LinkState.BLOCKED})
_LOOKED_BACK: Final = 500
_NOT_USABLE: Final = frozenset({ProblemCode.SESSION_USED_SINCE, ProblemCode.SESSION_CORRUPT})
_OF_THE_FILE: Final = frozenset(
    {
        ProblemCode.BACKUP_UNREADABLE,
        ProblemCode.BACKUP_ALTERED,
        ProblemCode.BACKUP_LOCKED,
        ProblemCode.BACKUP_NEWER,
        ProblemCode.BACKUP_FOLDER_UNUSABLE,
    }
)


class RestoreSteps:
    """CHECK_ARCHIVE, MERGE_HISTORY and RESTORE_SESSION."""

    def __init__(
        self,
        *,
        backups: BackupService,
        mentorados: MentoradoService,
        providers: Mapping[ProviderKind, Provider],
        transfer: HistoryDump,
        history: PersonalDataRepository,
        transitions: TransitionRepository,
        bus: EventBus,
    ) -> None:
        self._backups = backups
        self._mentorados = mentorados
        self._providers = providers
        self._transfer = transfer
        self._history = history
        self._transitions = transitions
        self._bus = bus

    def steps(self) -> tuple[Step, ...]:
        return (
            Step(name=StepName.CHECK_ARCHIVE, do=self._check, undo=self._dispose),
            Step(
                name=StepName.MERGE_HISTORY,
                do=self._merge,
                before=self._check_unchanged,
                already_done=self._interrupted_merge_facts,
            ),
            Step(name=StepName.RESTORE_SESSION, do=self._restore_session, skip=self._leave_session, optional=True),
        )

    # --- the archive ---------------------------------------------------------------------------------------------

    async def _check(self, run: StepContext) -> StepData:
        """Copy it to where nobody else changes it, and read all of that as it will be read when it is merged.

        What cannot be a backup of theirs is not copied: it may be as large as the disk.
        """
        await self._dispose(run)
        async with self._open_archive(run) as (_, archive):
            self._require_theirs(archive, self._mentorados.get(run.mentorado_id))
        await self._backups.hold(run.id, _path(run))
        try:
            async with self._open_archive(run) as (_, archive):
                self._require_theirs(archive, self._mentorados.get(run.mentorado_id))
            manifest = await self._backups.verify_archive(self._archive(run), on_progress=run.tell)
        except Problem:
            await self._dispose(run)  # the next try copies what is there then
            raise
        return {
            "archive": _fingerprint(manifest),
            "at": manifest.head.at.isoformat(),
            "messages": str(manifest.counts.messages),
            "conversations": str(manifest.counts.conversations),
            "session": "none" if manifest.account is None else "kept",
            "encrypted": "yes" if archive.encrypted else "no",
        }

    async def _dispose(self, run: StepContext) -> StepData:
        await self._backups.discard_part(run.id)
        return {}

    @staticmethod
    def _require_theirs(archive: BackupReader, mentorado: Mentorado) -> None:
        """Accept an archive with the mentorado's id or number: one added again has a new id."""
        head, person = archive.manifest.head, mentorado
        if head.mentorado_id != person.id and not same_account(head.phone, person.phone):
            raise Problem(ProblemCode.BACKUP_OF_ANOTHER, name=head.name, path=str(archive.path))

    # --- the history ---------------------------------------------------------------------------------------------

    async def _check_unchanged(self, run: StepContext) -> StepData:
        async with self._open_archive(run) as (_, archive):
            _require_checked(run, archive)
        before = run.facts(StepName.MERGE_HISTORY).get("before") or str(await self._count(run))
        return {"before": before}

    async def _merge(self, run: StepContext) -> StepData:
        """Merge the whole archive or nothing: an error at the end rolls back all of it."""
        try:
            await self._merge_archive(run, keep=True)
        except Problem as problem:
            if problem.code in _OF_THE_FILE:
                await self._dispose(run)  # should the copy have been damaged, the next try reads the file itself
            raise
        return await self._merged_facts(run)

    async def _merged_facts(self, run: StepContext) -> StepData:
        talks = await self._history.conversations(run.mentorado_id)
        self._bus.publish(MessagesStored(run.mentorado_id, tuple(talk.id for talk in talks)))
        before = int(run.facts(StepName.MERGE_HISTORY)["before"])
        return {"new": str(await self._count(run) - before)}

    async def _interrupted_merge_facts(self, run: StepContext) -> StepData | None:
        """Whether a merge that was interrupted had come in. The number of messages says so where nothing arrived
        meanwhile, and where something did, whether anything of the archive is missing."""
        if str(await self._count(run)) == run.facts(StepName.MERGE_HISTORY).get("before"):
            return None
        try:
            missing = await self._merge_archive(run, keep=False)
        except Problem as problem:
            if problem.code not in _OF_THE_FILE:
                raise
            missing = 0  # nobody can say it, and what came in must never be called undone
        return None if missing else await self._merged_facts(run)

    async def _merge_archive(self, run: StepContext, *, keep: bool) -> int:
        """Returns how many messages are new. Cancelled, it is taken back, or it had come to its end."""
        loop, cancelled = asyncio.get_running_loop(), threading.Event()

        def batches() -> Iterator[list[dict[str, Any]]]:
            with self._archive(run) as archive:
                _require_checked(run, archive)
                done, total = 0, archive.manifest.counts.rows
                for batch in archive.rows(self._transfer.checker()):
                    if cancelled.is_set():
                        raise _CancelledError
                    yield batch
                    done += len(batch)
                    progress = BackupProgress(part=BackupPart.HISTORY, done=done, total=total)
                    loop.call_soon_threadsafe(run.tell, progress)

        try:
            with about(_path(run)):
                return await self._transfer.merge(run.mentorado_id, batches(), keep=keep)
        finally:
            cancelled.set()

    async def _count(self, run: StepContext) -> int:
        return (await self._transfer.counts(run.mentorado_id))["message"]

    # --- the keys ------------------------------------------------------------------------------------------------

    async def _leave_session(self, run: StepContext) -> StepData | None:
        """Why the session is not restored, if it is not."""
        mentorado = self._mentorados.get(run.mentorado_id)
        provider: object = self._providers.get(mentorado.link.provider)
        async with self._open_archive(run) as (_, archive):
            account = archive.manifest.account
        if account is None or not isinstance(provider, HasSessionBackup):
            return {"why": "no_session"}
        if not same_account(account, mentorado.expected_account):
            return {"why": "another_account"}
        try:
            await self._put_back(run, only_ask=True)
        except Problem as problem:
            if problem.code not in _NOT_USABLE:
                raise
            return {"why": problem.code.value}
        return None

    async def _restore_session(self, run: StepContext) -> StepData:
        await self._put_back(run, only_ask=False)
        return {"session": "restored"}

    async def _put_back(self, run: StepContext, *, only_ask: bool) -> None:
        link = self._mentorados.get(run.mentorado_id).link
        provider = cast("HasSessionBackup", self._providers[link.provider])  # else `_leave_session` had said so
        lines = await self._transitions.for_mentorado(run.mentorado_id, limit=_LOOKED_BACK)
        keys = self._backups.key_file_path(run.id)
        try:
            async with self._open_archive(run) as (thread, archive):
                _require_checked(run, archive)
                taken_at = archive.manifest.head.at
                await thread(partial(_extract_session, archive, keys))
            await provider.restore_session(
                link, keys, taken_at, used_since=used_since(lines, link.id, taken_at), only_ask=only_ask
            )
        finally:
            await asyncio.to_thread(remove, keys)

    # --- the file ----------------------------------------------------------------------------------------------------

    def _archive(self, run: StepContext) -> BackupReader:
        return self._backups.held(run.id, _path(run), passphrase=run.secret)

    @asynccontextmanager
    async def _open_archive(self, run: StepContext) -> AsyncIterator[tuple[ThreadWorker, BackupReader]]:
        """The archive, and the thread to read it in."""
        async with in_a_thread() as thread:
            archive = self._archive(run)
            try:
                await thread(archive.open)
                yield thread, archive
            finally:
                await thread.finish(archive.close)  # after it was opened, also when nobody waited for that


class _CancelledError(Exception):
    """The caller was cancelled."""


def used_since(lines: Sequence[Transition], link_id: LinkId, moment: datetime) -> bool:
    """Whether the link may have run after *moment*, as its log says, the latest line first. A log that does not reach
    back so far says nothing, and so it may have."""
    for line in lines:
        if line.link_id != link_id:
            continue
        if line.at <= moment:
            return line.after.state not in _AT_REST
        if not {line.before.state, line.after.state} <= _AT_REST:
            return True
    return True


def _path(run: StepContext) -> Path:
    """Where the archive is that the restore was begun with."""
    return Path(run.parameters["path"])


def _require_checked(run: StepContext, archive: BackupReader) -> None:
    """Raises `Problem` unless it is the archive that was verified before."""
    if run.facts(StepName.CHECK_ARCHIVE).get("archive") != _fingerprint(archive.manifest):
        raise Problem(ProblemCode.BACKUP_ALTERED, path=str(archive.path), detail=archive.path.name)


def _fingerprint(manifest: Manifest) -> str:
    """The hash of the manifest, which has the hashes of all parts."""
    return hashlib.sha256(manifest.written()).hexdigest()


def _extract_session(archive: BackupReader, keys: Path) -> None:
    with folder_problems(keys.parent):
        keys.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys.unlink(missing_ok=True)
        archive.session_to(keys)
