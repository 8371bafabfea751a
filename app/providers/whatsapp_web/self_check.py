"""Whether the WhatsApp library is there, whole and of the right version, and whether sessions can be read.

The library is loaded by a session host only, started as for a link.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from time import monotonic
from typing import Final

from app.domain.diagnosis import Diagnosis, DiagnosisCode, LinksInUse, diagnosed
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import MentoradoId, is_id
from app.domain.phone import PhoneNumber, same_account
from app.platform.threads import run_abandonable
from app.providers.hosts.process import HostExited
from app.providers.whatsapp_web import protocol
from app.providers.whatsapp_web.host.engine import VERSION, EngineMissing, library_path
from app.providers.whatsapp_web.host.spool import CorruptRange, iter_records
from app.providers.whatsapp_web.host_process import HostProcess, host_command, host_environment
from app.providers.whatsapp_web.protocol import SPOOL, Ready, Unable
from app.providers.whatsapp_web.regular_files import map_os_errors, require_no_link
from app.providers.whatsapp_web.session_repository import SessionDirectory, inspect_account, require_whole

_C: Final = DiagnosisCode

READY_SECONDS: Final = 4.0
PAGES_SECONDS: Final = 1.5
_PACKAGE: Final = "neonize"


async def check_engine(
    command: Sequence[str] | None = None,
    *,
    library: Callable[[], Path] = library_path,
    package: Callable[[], Distribution | None] | None = None,
    within: float = READY_SECONDS,
    starts: bool = True,
) -> Sequence[Diagnosis]:
    """The file, its checksum, and, if one *starts*, what a session host says of it."""
    at_rest = await run_abandonable(lambda: _inspect(library, package or _distribution))
    if at_rest.code not in (_C.ENGINE_FINE, _C.ENGINE_UNVERIFIED):
        return [at_rest]
    if not starts:
        return [at_rest]
    started = await _start(list(command or host_command()), within)
    return [at_rest if started is None else started]


def _inspect(library: Callable[[], Path], package: Callable[[], Distribution | None]) -> Diagnosis:
    try:
        file = library()
    except EngineMissing as error:
        return diagnosed(_C.ENGINE_ABSENT, detail=str(error), version=VERSION)
    installed = package()
    evidence = {"path": str(file), "version": VERSION}
    if installed is not None and installed.version != VERSION:
        return diagnosed(_C.ENGINE_WRONG_VERSION, **evidence, found=installed.version)
    wanted = None if installed is None else _recorded(installed, file.name)
    if wanted is None:
        return diagnosed(_C.ENGINE_UNVERIFIED, **evidence)
    return diagnosed(_C.ENGINE_FINE if _checksum(file) == wanted else _C.ENGINE_ALTERED, **evidence)


def _distribution() -> Distribution | None:
    """The installed package; None in a bundle, which has the library alone."""
    try:
        return distribution(_PACKAGE)
    except PackageNotFoundError:
        return None


def _recorded(installed: Distribution, name: str) -> str | None:
    """The checksum that the package itself states of the file called *name*."""
    found = next((each for each in installed.files or () if each.name == name and each.hash is not None), None)
    return None if found is None or found.hash is None or found.hash.mode != "sha256" else found.hash.value


def _checksum(file: Path) -> str:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def _start(command: Sequence[str], within: float) -> Diagnosis | None:
    """What is wrong with a session host that is started now; None when it is ready."""
    host = HostProcess()
    of_it = host.join("")
    try:
        await host.start(command, host_environment(os.environ))
    except Problem as problem:
        return diagnosed(_C.HOST_NOT_STARTED, problem, command=command[0])
    try:
        async with asyncio.timeout(within):
            ready = await of_it.get()
            if isinstance(ready, Ready) and not ready.engine:
                ready = await of_it.get()
    except TimeoutError:
        host.kill()  # one that says nothing does not hear either that its input closes
        return diagnosed(_C.HOST_SILENT, command=command[0], seconds=f"{within:g}")
    finally:
        await host.close()
    match ready:
        case Ready(protocol=protocol.VERSION):
            return None if ready.engine == VERSION else _wrong_version(ready.engine)
        case Unable(reason=Reason.ENGINE_MISMATCH, detail=detail):
            return _wrong_version(detail)
        case Unable(detail=detail) | HostExited(detail=detail):
            return diagnosed(_C.HOST_UNABLE, detail=detail)
        case _:
            return diagnosed(_C.HOST_UNABLE, detail=f"{type(ready).__name__} is not what a host of this program says")


def _wrong_version(found: str) -> Diagnosis:
    return diagnosed(_C.ENGINE_WRONG_VERSION, path="", version=VERSION, found=found)


def check_sessions(root: Path, links: LinksInUse) -> Sequence[Diagnosis]:
    """The sessions that cannot be used, or are not there, found without changing anything.

    Each is looked through page by page until `PAGES_SECONDS` are over; of the others only the length is looked at.
    """
    found = _strays_in(root)
    missing = set(links.paired)
    deadline = monotonic() + PAGES_SECONDS
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if not is_id(folder.name):
            continue
        mentorado_id = MentoradoId(folder.name)
        name = links.names.get(mentorado_id)
        found += _strange(SessionDirectory(folder), name or folder.name)
        try:
            file = _session_of(SessionDirectory(folder))
            if file is None:
                continue
            missing.discard(mentorado_id)
            if monotonic() > deadline:
                _require_length(file)
            elif (account := inspect_account(file)) is not None:
                _require_own(mentorado_id, file, account, links)
            elif name is not None:
                found.append(diagnosed(_C.SESSION_UNLINKED, name=name, path=str(file)))
        except Problem as problem:
            missing.discard(mentorado_id)
            if problem.code is not ProblemCode.SESSION_IN_USE:  # whoever has it open can read it
                path = problem.context.get("path") or str(folder)
                found.append(diagnosed(_C.SESSION_UNUSABLE, problem, name=name or folder.name, path=path))
    for mentorado_id in sorted(missing):
        name, path = links.names[mentorado_id], str(root / mentorado_id)
        found.append(
            diagnosed(_C.SESSION_UNUSABLE, Problem(ProblemCode.SESSION_MISSING, path=path), name=name, path=path)
        )
    return found


_LIKE_A_SESSION: Final = re.compile(r"(?!\.).*session-.*\.db.*")
_IN_SPOOL: Final = re.compile(r"confirmed|reserve|\d{20}-.*\.spool|\..*")
_BESIDE: Final = ("", "-journal", "-wal", "-shm")
_LARGEST_SEGMENT: Final = 8 << 20
"""Bytes; a file of the spool is closed after one mebibyte, unless the last message in it was a large one."""


def _strays_in(root: Path) -> list[Diagnosis]:
    """Folders beside those of mentorados that hold sessions, as a copy of one does; whatever else is there is no
    business of ours."""
    beside = (each for each in sorted(root.iterdir()) if not is_id(each.name)) if root.is_dir() else ()
    names = [
        each.name
        for each in beside
        if _LIKE_A_SESSION.fullmatch(each.name) or (each.is_dir() and any(each.glob("session-*.db*")))
    ]
    return [diagnosed(_C.SESSION_STRAY, name="—", names=", ".join(names), path=str(root))] if names else []


def _strange(folder: SessionDirectory, name: str) -> list[Diagnosis]:
    """Copies of sessions that nothing uses, and what is no messages where messages wait to be stored."""
    found: list[Diagnosis] = []
    try:
        used = {f"{each.name}{end}" for each in (folder.current, folder.candidate) if each for end in _BESIDE}
        strays = [each.name for each in sorted(folder.path.iterdir()) if _LIKE_A_SESSION.fullmatch(each.name)]
        strays = [each for each in strays if each not in used]
        if used and strays:
            found.append(diagnosed(_C.SESSION_STRAY, name=name, names=", ".join(strays), path=str(folder.path)))
        spool = folder.path / SPOOL
        strange = [each.name for each in sorted(spool.iterdir()) if not _is_of_spool(each)] if spool.is_dir() else []
        if strange:
            found.append(diagnosed(_C.SPOOL_STRANGE, name=name, names=", ".join(strange), path=str(spool)))
    except (Problem, OSError):
        pass  # said of the session itself
    return found


def _is_of_spool(path: Path) -> bool:
    """Whether *path* is what a host writes there. The end of the last record may be missing: the host was killed."""
    if _IN_SPOOL.fullmatch(path.name) is None:
        return False
    if path.suffix != ".spool" or path.stat().st_size > _LARGEST_SEGMENT:
        return True
    data = path.read_bytes()
    return not any(isinstance(each, CorruptRange) and end < len(data) for each, end in iter_records(data))


def _require_own(mentorado_id: MentoradoId, file: Path, account: PhoneNumber, links: LinksInUse) -> None:
    """Raise `Problem` when the device in *file* is one of another mentorado's number, and not of this one's."""
    if any(same_account(account, each) for each in links.numbers.get(mentorado_id, ())):
        return
    for other, numbers in links.numbers.items():
        if other != mentorado_id and any(same_account(account, each) for each in numbers):
            raise Problem(ProblemCode.SESSION_OF_ANOTHER_MENTORADO, path=str(file))


def _session_of(folder: SessionDirectory) -> Path | None:
    """The file in use; None where none is yet. Raises `Problem`, also where there are files and none is named."""
    require_no_link(folder.path)
    if not folder.path.is_dir():
        raise Problem(ProblemCode.SESSION_DIR_NOT_A_FOLDER, path=str(folder.path))
    current, candidate = folder.current, folder.candidate
    if current is None and any(each != candidate for each in folder.path.glob("session-*.db")):
        raise Problem(ProblemCode.SESSION_MISSING, path=str(folder.path / "current"))
    return current


def _require_length(file: Path) -> None:
    if not os.path.lexists(file):
        raise Problem(ProblemCode.SESSION_MISSING, path=str(file))
    with map_os_errors(file):
        require_whole(file)
