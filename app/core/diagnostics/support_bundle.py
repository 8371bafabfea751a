"""Collects what a support bundle holds, and writes the files of it that a person wants."""

from __future__ import annotations

import asyncio
import zipfile
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from app import __version__
from app.core.audit_service import AuditService
from app.core.diagnostics.service import DoctorService
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.procedures.service import ProcedureService
from app.core.settings_service import SettingsService
from app.domain.audit import AuditAction
from app.domain.crash_report import CrashReport
from app.domain.errors import Problem, ProblemCode
from app.domain.loop_block import LoopBlock, block_text
from app.domain.repositories import AuditLog, Clock, SetAsideDeliveries, TransitionRepository
from app.domain.support_bundle import (
    BundleFile,
    BundlePart,
    LockFact,
    PrivateWords,
    Pseudonyms,
    SupportBundle,
    about_text,
    action_row,
    as_json,
    crash_text,
    diagnosis_row,
    known_version,
    link_row,
    log_line,
    move_row,
    procedure_row,
    settings_text,
)
from app.platform.crash_recorder import CrashRecorder
from app.platform.files import os_errors_as, private, replacing
from app.platform.locks import read_owner
from app.platform.logging import recent_lines
from app.platform.system import installed_versions, own_names
from app.settings import Settings

MOST_MOVES: Final = 30
"""Of each mentorado's links."""

MOVES_KEPT: Final = timedelta(days=14)
MOST_ACTIONS: Final = 500
MOST_LINES: Final = 5_000
_ZIPPED_AT: Final = (1980, 1, 1, 0, 0, 0)
_KINDS: Final = {"owner.lock": "session", "host.lock": "host"}


class SupportBundleService:
    """Prepares bundles. Who has a better source of crash reports than the disk, or a doctor, sets it; crash reports are
    asked for in a thread."""

    def __init__(
        self,
        *,
        settings: Settings,
        blocks: Callable[[], Sequence[LoopBlock]],
        mentorados: MentoradoService,
        supervisor: Supervisor,
        procedures: ProcedureService,
        transitions: TransitionRepository,
        set_aside: SetAsideDeliveries,
        audit: AuditLog,
        audit_service: AuditService,
        settings_service: SettingsService,
        clock: Clock,
    ) -> None:
        self.crash_reports: Callable[[], Sequence[CrashReport]] = CrashRecorder(settings.crash_dir, __version__).reports
        self.doctor: DoctorService | None = None
        self._settings = settings
        self._blocks = blocks
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._procedures = procedures
        self._transitions = transitions
        self._set_aside = set_aside
        self._audit = audit
        self._audit_service = audit_service
        self._settings_service = settings_service
        self._clock = clock

    async def prepare(self) -> SupportBundle:
        """Collect everything; nothing is written. What the database cannot give is left out, and marked so."""
        mentorados = self._mentorados
        pseudonyms = Pseudonyms(mentorados.all(), mentorados.links_of)
        p, at = BundlePart, self._clock.now()
        files = [
            BundleFile(part=p.LINKS, name="links.json", text=await _rows(self._links(pseudonyms))),
            BundleFile(part=p.MOVES, name="moves.json", text=await _rows(self._moves(pseudonyms))),
            BundleFile(part=p.PROCEDURES, name="procedures.json", text=await _rows(self._procedure_rows(pseudonyms))),
            BundleFile(part=p.ACTIONS, name="actions.json", text=await _rows(self._actions(pseudonyms))),
            BundleFile(part=p.SETTINGS, name="settings.json", text=self._settings_text()),
            BundleFile(part=p.BLOCKS, name="blocks.txt", text="\n\n".join(map(block_text, self._blocks())) + "\n"),
        ]
        if self.doctor is not None:
            found = [diagnosis_row(each) for each in (await self.doctor.run()).diagnoses]
            files.append(BundleFile(part=p.DOCTOR, name="doctor.json", text=as_json(found)))
        files += await asyncio.to_thread(self._read_files, pseudonyms, self._known_words())
        files.sort(key=lambda file: list(BundlePart).index(file.part))
        about = BundleFile(part=p.ABOUT, name="about.txt", text=about_text(files, at))
        return SupportBundle(at=at, files=(about, *files), people=pseudonyms.people)

    async def write(self, bundle: SupportBundle, path: Path, names: Collection[str]) -> None:
        """Write the files of *bundle* that are in *names* to *path*, a zip for this user alone, and audit that as soon
        as the database allows: one that is broken is what a bundle may be needed for.

        Raises `Problem`: `EXPORT_FOLDER_UNUSABLE` or `EXPORT_DISK_FULL`; what was there before stays then.
        """
        chosen = [file for file in bundle.files if file.name in names]
        await asyncio.to_thread(_write_zip, path, chosen)
        written = {"file": path.name, "files": ", ".join(file.name for file in chosen)}
        await self._audit_service.write_or_queue(AuditAction.EXPORT_SUPPORT_BUNDLE, after=written)

    # --- what it holds ------------------------------------------------------------------------------------------------

    async def _links(self, pseudonyms: Pseudonyms) -> list[dict[str, Any]]:
        aside = Counter[str]()
        for count in await self._set_aside.counts():
            aside[count.link_id] += count.count
        return [
            link_row(person, link, self._supervisor.status(link.id), pseudonyms, aside[link.id])
            for person in pseudonyms.people.values()
            for link in self._mentorados.links_of(person.id)
        ]

    async def _moves(self, pseudonyms: Pseudonyms) -> list[dict[str, Any]]:
        since = self._clock.now() - MOVES_KEPT
        return [
            move_row(move, pseudonyms)
            for person in pseudonyms.people.values()
            if not person.archived
            for move in await self._transitions.for_mentorado(person.id, MOST_MOVES)
            if move.at >= since
        ]

    async def _procedure_rows(self, pseudonyms: Pseudonyms) -> list[dict[str, Any]]:
        return [
            procedure_row(procedure, pseudonyms)
            for person in pseudonyms.people.values()
            if not person.archived
            for procedure in await self._procedures.latest(person.id)
        ]

    async def _actions(self, pseudonyms: Pseudonyms) -> list[dict[str, Any]]:
        entries = await self._audit.entries(limit=MOST_ACTIONS)
        return [{"number": entry.number, **action_row(entry.record, pseudonyms)} for entry in entries]

    def _settings_text(self) -> str:
        return settings_text(self._settings_service.settings, self._settings.without_values())

    def _known_words(self) -> list[str]:
        people = list(self._mentorados.all())
        operator = self._settings_service.settings.operator_name
        return [*(each.name for each in people), *(each.cohort for each in people), operator]

    def _read_files(self, pseudonyms: Pseudonyms, known: Iterable[str]) -> list[BundleFile]:
        """In a thread: what is read from the disk."""
        words = PrivateWords([*known, *own_names()])
        lines = (log_line(line, pseudonyms, words) for line in recent_lines(self._settings.log_file, MOST_LINES))
        versions = {name: _plain_version(value) for name, value in installed_versions().items()}
        crashes = [
            BundleFile(
                part=BundlePart.CRASH,
                name=f"crash-{report.crash.key}.txt",
                text=crash_text(report, words),
                wanted=False,
            )
            for report in self.crash_reports()
        ]
        return [
            BundleFile(part=BundlePart.VERSIONS, name="versions.json", text=as_json(versions)),
            BundleFile(part=BundlePart.LOCKS, name="locks.json", text=as_json(self._locks(pseudonyms))),
            BundleFile(part=BundlePart.LOG, name="log.jsonl", text="".join(f"{line}\n" for line in lines if line)),
            *crashes,
        ]

    def _locks(self, pseudonyms: Pseudonyms) -> list[dict[str, Any]]:
        window, procedures = self._settings.instance, self._settings.data_dir / "procedures"
        sessions = [each for name in _KINDS for each in sorted(self._settings.session_dir.glob(f"*/{name}"))]
        found: list[dict[str, Any]] = []
        for path in (window, *sessions, *sorted(procedures.glob("*.lock"))):
            if (owner := read_owner(path)) is None:
                continue
            of_session = path.name in _KINDS
            fact = LockFact(
                kind=_KINDS.get(path.name, "window" if path == window else "procedure"),
                whose=pseudonyms.mentorado(path.parent.name) if of_session else "",
                state=owner.state(),
                mine=owner.is_this_process(),
                pid=owner.pid,
                started=owner.started,
            )
            found.append(fact.row())
        return found


async def _rows(collecting: Awaitable[object]) -> str:
    try:
        return as_json(await collecting)
    except Problem as problem:
        return as_json({"problem": problem.code.value})


def _plain_version(value: object) -> object:
    return value if isinstance(value, bool) else known_version(value)


def _write_zip(path: Path, files: Iterable[BundleFile]) -> None:
    full = ProblemCode.EXPORT_DISK_FULL
    with (
        os_errors_as(ProblemCode.EXPORT_FOLDER_UNUSABLE, path.parent, full=full),
        replacing(path) as part,
        open(part, "xb", opener=private) as target,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name, _ZIPPED_AT), file.content, zipfile.ZIP_DEFLATED)


def require_names(bundle: SupportBundle, names: Iterable[str]) -> None:
    """Raise `Problem(BUNDLE_FILE_UNKNOWN)` for the first of *names* that is no file of *bundle*."""
    known = {file.name for file in bundle.files}
    for name in names:
        if name not in known:
            raise Problem(ProblemCode.BUNDLE_FILE_UNKNOWN, name=name)
