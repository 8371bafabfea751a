"""The steps of a restore: is the archive whole and theirs, its history merged, its keys put back where that is right.

History comes back always. Keys come back only when it is certain that their device was not used since: otherwise that
step is left out, with the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from app.core.backup.archive import folder_problems
from app.core.backup.backups import Backups
from app.core.backup.manifest import HISTORY
from app.core.backup.reading import Archive
from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.in_a_thread import InThread, in_a_thread
from app.core.procedure.step import Run, Step
from app.domain.backup import BackupPart, BackupProgress
from app.domain.connection import LinkState
from app.domain.errors import Code, Problem
from app.domain.events import HistoryGrew
from app.domain.mentorado import Enrolment, LinkId, ProviderKind
from app.domain.phone import same_account
from app.domain.ports import HistoryTransfer, PersonalHistory, Transition, TransitionLog
from app.domain.procedure import Facts, StepName
from app.domain.provider import KeepsSessions, Provider

_AT_REST: Final = frozenset({LinkState.OFF, LinkState.BLOCKED})
_LOOKED_BACK: Final = 500
_NOT_USABLE: Final = frozenset({Code.SESSION_USED_SINCE, Code.SESSION_CORRUPT})
_TOLD_EVERY: Final = 4 << 20  # bytes


class Restore:
    """CHECK_ARCHIVE, MERGE_HISTORY and RESTORE_SESSION."""

    def __init__(
        self,
        *,
        backups: Backups,
        enrolments: Enrolments,
        providers: Mapping[ProviderKind, Provider],
        transfer: HistoryTransfer,
        history: PersonalHistory,
        transitions: TransitionLog,
        bus: Bus,
    ) -> None:
        self._backups = backups
        self._enrolments = enrolments
        self._providers = providers
        self._transfer = transfer
        self._history = history
        self._transitions = transitions
        self._bus = bus

    def steps(self) -> tuple[Step, ...]:
        return (
            Step(name=StepName.CHECK_ARCHIVE, do=self._check),
            Step(
                name=StepName.MERGE_HISTORY,
                do=self._merge,
                before=self._still_the_same,
                happened=self._merged,
            ),
            Step(name=StepName.RESTORE_SESSION, do=self._restore_session, skip=self._leave_session, optional=True),
        )

    # --- the archive ---------------------------------------------------------------------------------------------

    async def _check(self, run: Run) -> Facts:
        """Read all of it, and every row of its history as the database would."""
        async with _opened(run) as (thread, archive):
            self._require_theirs(archive, self._enrolments.get(run.mentorado_id))
            done = told = 0

            def progress(count: int) -> None:
                nonlocal done
                done += count

            await thread(partial(archive.verify_files, progress))
            batches = archive.rows(progress=progress)
            while await thread(partial(self._next_is_good, batches, archive)):
                if done - told >= _TOLD_EVERY:
                    told = done
                    run.tell(BackupProgress(part=BackupPart.VERIFYING, done=done, total=archive.size))
            manifest = archive.manifest
            return {
                "archive": _fingerprint(archive),
                "at": manifest.head.at.isoformat(),
                "messages": str(manifest.counts.messages),
                "conversations": str(manifest.counts.conversations),
                "session": "none" if manifest.account is None else "kept",
            }

    def _next_is_good(self, batches: Iterator[list[dict[str, Any]]], archive: Archive) -> bool:
        """Whether there was another batch."""
        batch = next(batches, None)
        if batch is not None:
            with _about(archive.path):
                self._transfer.check(batch)
                _require_past(batch, archive.manifest.head.at)
        return batch is not None

    @staticmethod
    def _require_theirs(archive: Archive, enrolment: Enrolment) -> None:
        """Somebody who was enrolled anew has another id, and the number."""
        head, person = archive.manifest.head, enrolment.mentorado
        if head.mentorado_id != person.id and not same_account(head.phone, person.phone):
            raise Problem(Code.BACKUP_OF_ANOTHER, name=head.name, path=str(archive.path))

    # --- the history ---------------------------------------------------------------------------------------------

    async def _still_the_same(self, run: Run) -> Facts:
        async with _opened(run) as (_, archive):
            _require_checked(run, archive)
        before = run.facts(StepName.MERGE_HISTORY).get("before") or str(await self._count(run))
        return {"before": before}

    async def _merge(self, run: Run) -> Facts:
        async with _opened(run) as (thread, archive):
            _require_checked(run, archive)
            batches, done, total = archive.rows(), 0, archive.manifest.counts.rows
            while (batch := await thread(partial(next, batches, None))) is not None:
                with _about(archive.path):
                    await self._transfer.merge(run.mentorado_id, batch)
                done += len(batch)
                run.tell(BackupProgress(part=BackupPart.HISTORY, done=done, total=total))
        await self._transfer.put_in_order(run.mentorado_id)
        talks = await self._history.conversations(run.mentorado_id)
        self._bus.publish(HistoryGrew(run.mentorado_id, tuple(talk.id for talk in talks)))
        before = int(run.facts(StepName.MERGE_HISTORY)["before"])
        return {"new": str(await self._count(run) - before)}

    async def _merged(self, run: Run) -> Facts | None:
        """A merge that was interrupted is completed: what came in cannot be told from what was there, so there is no
        way back from it. When it cannot be, or when nothing came in yet, there is."""
        if str(await self._count(run)) == run.facts(StepName.MERGE_HISTORY).get("before"):
            return None
        try:
            return await self._merge(run)
        except Problem:
            return None

    async def _count(self, run: Run) -> int:
        return (await self._transfer.counts(run.mentorado_id))["message"]

    # --- the keys ------------------------------------------------------------------------------------------------

    async def _leave_session(self, run: Run) -> Facts | None:
        """Why the keys stay as they are, if they do."""
        enrolment = self._enrolments.get(run.mentorado_id)
        provider: object = self._providers.get(enrolment.link.provider)
        async with _opened(run) as (_, archive):
            account = archive.manifest.account
        if account is None or not isinstance(provider, KeepsSessions):
            return {"why": "no_session"}
        if not same_account(account, enrolment.expected_account):
            return {"why": "another_account"}
        try:
            await self._put_back(run, only_ask=True)
        except Problem as problem:
            if problem.code not in _NOT_USABLE:
                raise
            return {"why": problem.code.value}
        return None

    async def _restore_session(self, run: Run) -> Facts:
        await self._put_back(run, only_ask=False)
        return {"session": "restored"}

    async def _put_back(self, run: Run, *, only_ask: bool) -> None:
        link = self._enrolments.get(run.mentorado_id).link
        provider = cast("KeepsSessions", self._providers[link.provider])  # else `_leave_session` had said so
        lines = await self._transitions.of(run.mentorado_id, limit=_LOOKED_BACK)
        keys = self._backups.beside(run.id)
        try:
            async with _opened(run) as (thread, archive):
                taken_at = archive.manifest.head.at
                await thread(partial(_written_out, archive, keys))
            await provider.restore_session(
                link, keys, taken_at, used_since=used_since(lines, link.id, taken_at), only_ask=only_ask
            )
        finally:
            await self._backups.discard_part(run.id)


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


@asynccontextmanager
async def _opened(run: Run) -> AsyncIterator[tuple[InThread, Archive]]:
    """The archive that the restore was begun with, and the thread to read it in."""
    async with in_a_thread() as thread:
        archive = Archive(Path(run.begun_with["path"]), passphrase=run.secret)
        try:
            await thread(archive.open)
            yield thread, archive
        finally:
            await thread(archive.close)  # after it was opened, also when nobody waited for that


def _require_checked(run: Run, archive: Archive) -> None:
    """It is the archive that was read through, and not another in its place."""
    if run.facts(StepName.CHECK_ARCHIVE).get("archive") != _fingerprint(archive):
        raise Problem(Code.BACKUP_ALTERED, path=str(archive.path), detail=archive.path.name)


def _fingerprint(archive: Archive) -> str:
    """The manifest vouches for everything in it."""
    return hashlib.sha256(archive.manifest.written()).hexdigest()


def _require_past(batch: Sequence[Mapping[str, Any]], taken_at: datetime) -> None:
    """Nobody was erased after the backup was taken: such a row would keep what is still to come out of the history."""
    for row in batch:
        if row["kind"] == "suppression" and datetime.fromisoformat(row["erased_at"]) > taken_at:
            raise Problem(Code.BACKUP_ALTERED, path="", detail=HISTORY, why="an erasure that is still to come")


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """What is wrong with a row is wrong with the file it is in."""
    try:
        yield
    except Problem as problem:
        if problem.code is not Code.BACKUP_ALTERED:
            raise
        raise Problem(problem.code, **{**problem.context, "path": str(path)}) from problem


def _written_out(archive: Archive, keys: Path) -> None:
    with folder_problems(keys.parent):
        keys.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys.unlink(missing_ok=True)
        archive.session_to(keys)
