"""Builds the checks of `conecta doctor` and of the page Diagnostics.

Nothing here needs a database that opens, a folder that can be written or a display: it is asked when those are missing.
So without a running program every check looks for itself, and with one (*live*) some ask its services instead.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.core.diagnostics import computer, folders
from app.core.diagnostics.live import ChannelCheck, procedures, responsiveness
from app.core.diagnostics.service import DoctorService, FixAction
from app.domain.audit import AuditAction
from app.domain.diagnosis import Check, CheckName, Diagnosis, DiagnosisCode, Fix, LinksInUse, diagnosed
from app.domain.errors import Problem
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.provider_descriptor import DESCRIPTORS
from app.platform.display import diagnose_display
from app.platform.system import SystemClock
from app.platform.threads import run_abandonable
from app.settings import Settings

if TYPE_CHECKING:
    from app.providers.connectivity import HttpConnectivityChecker
    from app.services import Services

_C: Final = DiagnosisCode

NETWORK_SECONDS: Final = 5.0
KEYRING_SECONDS: Final = 3.0
"""After this a keyring is said to wait for its password."""

Audited = Callable[[AuditAction, Mapping[str, str], Callable[[], Awaitable[None]]], Awaitable[None]]
"""Does something outside the database, and writes that down."""


def build_doctor(
    settings: Settings,
    *,
    live: Services | None = None,
    audited: Audited | None = None,
    settings_problem: Problem | None = None,
    starts_host: bool = True,
) -> DoctorService:
    """The checks for *settings*, or of the program that runs (*live*).

    What is put right is written down by *audited*, else by the running program; without both nothing is put right.
    *settings_problem* is why the settings are not those that were meant; without *starts_host* the WhatsApp library is
    only looked at.
    """
    if audited is None and live is not None:
        audited = partial(audited_by, live)
    doctor = _Doctor(settings, live, starts_host=starts_host)
    data, sessions = settings.data_dir, settings.session_dir
    checks: dict[CheckName, Check] = {
        CheckName.SETTINGS: partial(_settings, settings, settings_problem),
        CheckName.VERSIONS: _versions,
        CheckName.ENGINE: doctor.engine,
        CheckName.DISPLAY: _threaded(diagnose_display),
        CheckName.DATA_FOLDER: _threaded(partial(folders.data_folder, data, settings.database)),
        CheckName.SESSION_FOLDER: doctor.sessions,
        CheckName.SPACE: _threaded(partial(folders.room, (data, sessions, settings.backup_dir))),
        CheckName.DATABASE: doctor.database,
        CheckName.BACKUPS: _threaded(partial(folders.backups, settings.backup_dir)),
        CheckName.SECRETS: doctor.secrets,
        CheckName.CLOCK: doctor.clock,
        CheckName.NETWORK: doctor.network,
        CheckName.CHANNEL: doctor.channel,
        CheckName.LOCKS: doctor.locks,
        CheckName.PROCEDURES: doctor.procedures,
        CheckName.LEFTOVERS: doctor.leftovers,
    }
    if live is not None:  # the loop of a command is not the one that holds connections
        checks[CheckName.LOOP] = partial(responsiveness, lambda: live.loop_watchdog.blocks)
    return DoctorService(checks, {} if audited is None else doctor.fixes(audited))


def _threaded(call: Callable[[], Sequence[Diagnosis]]) -> Check:
    return lambda: run_abandonable(call)


async def _settings(settings: Settings, problem: Problem | None) -> Sequence[Diagnosis]:
    found = [] if problem is None else [diagnosed(_C.SETTINGS_INVALID, problem)]
    if (unused := settings.unused) is not None:
        evidence = {"file": str(unused.file), "names": ", ".join(unused.names), "wanted": str(settings.settings_file)}
        found.append(diagnosed(_C.SETTINGS_UNUSED, **evidence))
    if settings.relative:
        places = {"names": ", ".join(settings.relative), "path": str(Path.cwd())}
        found.append(diagnosed(_C.SETTINGS_RELATIVE, **places))
    changed = ", ".join(each.setting for each in settings.overrides)
    return found or [diagnosed(_C.SETTINGS_FINE, path=str(settings.settings_file or ""), changed=changed)]


async def _versions() -> Sequence[Diagnosis]:
    return computer.versions(sys.version_info[:3], _installed)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


class _Doctor:
    """The checks that need to know the database, the network or the running program."""

    def __init__(self, settings: Settings, live: Services | None, *, starts_host: bool) -> None:
        self._settings = settings
        self._live = live
        self._clock = SystemClock()
        self._network: HttpConnectivityChecker | None = None
        self._starts_host = starts_host

    # --- what is known of the links

    async def _links(self) -> LinksInUse:
        """Of the program, else of the database; nothing where that cannot be read."""
        everybody = self._loaded()
        if everybody:
            return LinksInUse(
                providers=frozenset(each.link.provider for each in everybody),
                names={each.id: each.name for each in everybody},
                numbers={
                    each.id: frozenset(filter(None, (each.phone, each.link.account, each.link.accepted_account)))
                    for each in everybody
                },
                paired=frozenset(
                    each.id
                    for each in everybody
                    if each.link.provider is ProviderKind.WHATSAPP_WEB and each.link.account is not None
                ),
            )
        from app.storage.inspection import read_links

        return await run_abandonable(partial(read_links, self._settings.database)) or LinksInUse()

    def _loaded(self) -> list[Mentorado]:
        """Those of the running program; nobody before its database is read."""
        return [] if self._live is None else [each for each in self._live.mentorados.all() if not each.archived]

    # --- checks

    async def engine(self) -> Sequence[Diagnosis]:
        from app.providers.whatsapp_web.self_check import check_engine

        return await check_engine(self._settings.session_host, starts=self._starts_host)

    async def sessions(self) -> Sequence[Diagnosis]:
        from app.providers.whatsapp_web.self_check import check_sessions

        root, links = self._settings.session_dir, await self._links()
        chosen = self._settings.session_dir_was_chosen

        def look() -> Sequence[Diagnosis]:
            of_root = folders.session_folder(root, chosen=chosen)
            if any(each.code is _C.SESSION_FOLDER_UNUSABLE for each in of_root):
                return of_root
            return [*of_root, *check_sessions(root, links)]

        return await run_abandonable(look)

    async def database(self) -> Sequence[Diagnosis]:
        from app.storage.audit_integrity import NAME as HEADS
        from app.storage.audit_integrity import AuditHeads
        from app.storage.inspection import inspect_database
        from app.storage.lost_database import former_files

        settings = self._settings
        heads = AuditHeads(settings.data_dir / HEADS)
        return await run_abandonable(partial(inspect_database, settings.database, former_files(settings), heads))

    async def secrets(self) -> Sequence[Diagnosis]:
        from app.storage.inspection import inspect_secrets
        from app.storage.secrets.store import read_passphrase

        file = self._settings.passphrase_file
        needed = any(DESCRIPTORS[kind].fields for kind in (await self._links()).providers)
        passphrase = None if file is None else partial(read_passphrase, file)
        look = partial(inspect_secrets, self._settings.secrets, passphrase, needed=needed)
        try:
            async with asyncio.timeout(KEYRING_SECONDS):
                return await run_abandonable(look)
        except TimeoutError:
            return [diagnosed(_C.KEYRING_SILENT, seconds=f"{KEYRING_SECONDS:g}")]

    async def clock(self) -> Sequence[Diagnosis]:
        from app.storage.inspection import read_known_time

        known = partial(run_abandonable, partial(read_known_time, self._settings.database))
        return await computer.clock(self._clock, self._checker(), known)

    async def network(self) -> Sequence[Diagnosis]:
        in_use = (await self._links()).providers or {ProviderKind.WHATSAPP_WEB}  # what a first link will need
        checker = self._checker()
        return await asyncio.gather(*(checker.diagnose(kind) for kind in ProviderKind if kind in in_use))

    def _checker(self) -> HttpConnectivityChecker:
        from app.providers.registry import build_checks

        if self._network is None:
            self._network = build_checks(self._settings, self._clock, within=NETWORK_SECONDS)
        return self._network

    async def channel(self) -> Sequence[Diagnosis]:
        if self._live is not None:
            core = self._live
            check = ChannelCheck(
                bus=core.bus,
                hosts=core.whatsapp_web,
                mentorados=core.mentorados.all,
                name_of=lambda link_id: core.mentorados.through(link_id).name,
                status=core.supervisor.status,
                clock=core.clock,
            )
            return await check()
        holder = await run_abandonable(partial(computer.holder, self._settings.instance))
        if holder:
            return [diagnosed(_C.CHANNEL_ELSEWHERE, owner=holder)]
        return [diagnosed(_C.CHANNEL_NO_PROGRAM)]

    async def locks(self) -> Sequence[Diagnosis]:
        names, settings = (await self._links()).names, self._settings
        procedures_ = settings.data_dir / "procedures"
        return await run_abandonable(
            partial(computer.locks, settings.instance, settings.session_dir, procedures_, names)
        )

    async def procedures(self) -> Sequence[Diagnosis]:
        if (core := self._live) is not None and self._loaded():
            return procedures(
                core.procedures.unfinished(), lambda each: core.mentorados.get(each.head.mentorado_id).name
            )
        from app.storage.inspection import read_procedures

        folder = self._settings.data_dir / "procedures"
        held = lambda id_: bool(computer.holder(folder / f"{id_}.lock"))  # noqa: E731
        return await run_abandonable(partial(read_procedures, self._settings.database, held=held))

    async def leftovers(self) -> Sequence[Diagnosis]:
        places = (self._settings.data_dir, self._settings.backup_dir)
        return await run_abandonable(partial(folders.leftovers, places, self._open_procedures))

    def _open_procedures(self) -> frozenset[str] | None:
        from app.storage.inspection import read_open_procedures

        return read_open_procedures(self._settings.database)

    # --- fixes

    def fixes(self, audited: Audited) -> Mapping[Fix, FixAction]:
        def on_path(action: AuditAction, fix: Callable[[Path], None]) -> FixAction:
            async def put_right(diagnosis: Diagnosis) -> None:
                path = Path(diagnosis.evidence["path"])
                await audited(action, {"value": str(path)}, lambda: asyncio.to_thread(fix, path))

            return put_right

        fixes: dict[Fix, FixAction] = {
            Fix.MAKE_PRIVATE: on_path(AuditAction.MAKE_PRIVATE, folders.make_private),
            Fix.RELEASE_LOCKS: partial(self._release, audited),
            Fix.REMOVE_PARTS: on_path(
                AuditAction.REMOVE_PARTS, lambda folder: folders.remove_parts(folder, self._open_procedures)
            ),
        }
        fixes[Fix.REPAIR_DATABASE] = partial(self._repair, audited)
        if self._live is not None:
            fixes[Fix.RESUME_PROCEDURES] = partial(_resume, self._live)
        return fixes

    async def _release(self, audited: Audited, diagnosis: Diagnosis) -> None:
        paths = [Path(each) for each in json.loads(diagnosis.evidence["paths"])]
        written = {"value": ", ".join(map(str, paths))}
        await audited(AuditAction.RELEASE_LOCK, written, lambda: asyncio.to_thread(computer.release, paths))

    async def _repair(self, audited: Audited, diagnosis: Diagnosis) -> None:
        from app.storage.database import Database

        async def repair() -> None:
            if self._live is not None:
                await self._live.database.repair()
                return
            async with Database(self._settings.database) as database:
                await database.repair()

        await audited(AuditAction.REPAIR_DATABASE, {"value": diagnosis.evidence["path"]}, repair)


async def _resume(core: Services, diagnosis: Diagnosis) -> None:
    """It stops by itself before anything that cannot be taken back, and writes its own audit entry."""
    found = next((each for each in core.procedures.unfinished() if each.head.id == diagnosis.evidence["id"]), None)
    if found is not None:
        await core.procedures.resume(found.head.id)


async def audited_by(
    core: Services, action: AuditAction, after: Mapping[str, str], act: Callable[[], Awaitable[None]]
) -> None:
    """Do *act*, with an audit entry before and after it."""
    async with core.audit_service.around(action, after=lambda: dict(after)):
        await act()
