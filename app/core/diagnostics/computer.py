"""What holds for the computer: the versions that are installed, its clock, and the locks that programs on it hold."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from app.core.diagnostics.folders import NOWHERE, entries
from app.domain.diagnosis import Diagnosis, DiagnosisCode, diagnosed
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId, is_id
from app.domain.repositories import Clock, ProviderTime
from app.domain.trusted_time import FAR_AHEAD, SKEW_ALLOWED
from app.platform.files import os_errors_as
from app.platform.locks import FileLock, LockHeld, Owner, OwnerState, is_held, read_owner

_C: Final = DiagnosisCode
_Version = tuple[int, ...]

PYTHON_FROM: Final = (3, 11)
PYTHON_BELOW: Final = (3, 15)
PYSIDE_FROM: Final = (6, 11, 3)
PYSIDE_BELOW: Final = (6, 12)
IMMORTAL_NONE: Final = (3, 12)
"""From this Python on, a reference to None that is lost does no harm."""

QT, BINDINGS = "PySide6-Essentials", "shiboken6"


def versions(python: Sequence[int], installed: Callable[[str], str | None]) -> Sequence[Diagnosis]:
    """*installed* is the version of a package, None where there is none. Nothing of Qt is imported."""
    of_python, qt, bindings = ".".join(map(str, python[:3])), installed(QT), installed(BINDINGS)
    wanted = f">={_joined(PYSIDE_FROM)},<{_joined(PYSIDE_BELOW)}"
    evidence = {"python": of_python, "pyside": qt or "", "shiboken": bindings or "", "wanted": wanted}
    found = []
    if not PYTHON_FROM <= tuple(python[:2]) < PYTHON_BELOW:
        found.append(_C.PYTHON_UNSUPPORTED)
    if qt is None:
        found.append(_C.PYSIDE_MISSING)
    else:
        number = _number(qt)
        if number >= PYSIDE_BELOW and tuple(python[:2]) < IMMORTAL_NONE:
            found.append(_C.PYSIDE_PITFALL)
        elif not PYSIDE_FROM <= number < PYSIDE_BELOW:
            found.append(_C.PYSIDE_UNSUPPORTED)
        if bindings != qt:
            found.append(_C.SHIBOKEN_DIFFERS)
    return [diagnosed(code, **evidence) for code in found or [_C.VERSIONS_FINE]]


def _number(version: str) -> _Version:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split(".")[:3])


def _joined(version: _Version) -> str:
    return ".".join(map(str, version))


# --- clock ----------------------------------------------------------------------------------------------------------

GOOD: Final = timedelta(minutes=2)
"""A clock further off ends sign-ins and certificates; less is the way there and the whole seconds of the answer."""


async def clock(
    computer: Clock, provider: ProviderTime, known: Callable[[], Awaitable[datetime | None]]
) -> Sequence[Diagnosis]:
    """*known* is how far time had got when something was stored last, None where nothing was."""
    theirs = await provider.ask()
    now = computer.now()
    if theirs is not None:
        ahead = now - theirs
        code = _C.CLOCK_FINE if abs(ahead) <= GOOD else _C.CLOCK_WRONG
        return [diagnosed(code, computer=_text(now), trusted=_text(theirs), minutes=_minutes(ahead))]
    before = await known()
    if before is not None and not before - SKEW_ALLOWED <= now <= before + FAR_AHEAD:
        code = _C.CLOCK_BEHIND if now < before else _C.CLOCK_AHEAD
        return [diagnosed(code, computer=_text(now), trusted=_text(before), minutes=_minutes(now - before))]
    return [diagnosed(_C.CLOCK_UNKNOWN, computer=_text(now))]


def _text(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _minutes(ahead: timedelta) -> str:
    return f"{round(ahead.total_seconds() / 60):+d}"


# --- locks ----------------------------------------------------------------------------------------------------------

_OWNER, _HOST = "owner.lock", "host.lock"


def locks(window: Path, sessions: Path, procedures: Path, names: Mapping[MentoradoId, str]) -> Sequence[Diagnosis]:
    """The lock of the data folder (*window*), those of the session folders and those of procedures."""
    found = [
        diagnosed(_C.LOCK_UNUSABLE, path=str(path), detail=detail)
        for path in _lock_files(window, sessions, procedures)
        if (detail := _no_lock(path))
    ]
    by_owner: defaultdict[tuple[DiagnosisCode, str], list[tuple[Path, str]]] = defaultdict(list)
    for path, owner, name in _owners(window, sessions, procedures, names):
        state = owner.state()
        if state is OwnerState.UNKNOWN:
            code = _C.LOCK_UNPROVEN
        elif path.name == _HOST:
            continue  # a host never gives its lock back: what its note says of one that is gone means nothing
        else:
            code = _C.LOCK_HELD if _lives(path, state) else _C.LOCK_STALE
        by_owner[code, owner.label()].append((path, name))
    found += [_of_owner(code, owner, theirs, window) for (code, owner), theirs in by_owner.items()]
    return found or [diagnosed(_C.LOCKS_FINE)]


def _of_owner(code: DiagnosisCode, owner: str, theirs: Sequence[tuple[Path, str]], window: Path) -> Diagnosis:
    """One diagnosis for all locks that a program holds or left."""
    if code is _C.LOCK_HELD:
        return diagnosed(code, owner=owner, count=str(len(theirs)))
    names = ", ".join(dict.fromkeys(name or path.name for path, name in theirs))
    evidence = {
        "owner": owner,
        "path": os.path.commonpath([path for path, _ in theirs]),
        "name": names,
        "count": str(len(theirs)),
    }
    if code is _C.LOCK_UNPROVEN:
        commands = "; ".join(dict.fromkeys(_command(path, window, name) for path, name in theirs))
        return diagnosed(code, **evidence, command=commands)
    return diagnosed(code, **evidence, paths=json.dumps([str(path) for path, _ in theirs]))


def _owners(
    window: Path, sessions: Path, procedures: Path, names: Mapping[MentoradoId, str]
) -> Iterator[tuple[Path, Owner, str]]:
    """Each lock that names an owner, and the mentorado that it belongs to, if any."""
    for path in _lock_files(window, sessions, procedures):
        if (owner := read_owner(path)) is not None:
            folder = path.parent.name
            yield path, owner, names.get(MentoradoId(folder), folder if path.name in (_OWNER, _HOST) else "")


def _lock_files(window: Path, sessions: Path, procedures: Path) -> Iterator[Path]:
    """Where locks are or would be. Raises `OSError` for a folder that cannot be read."""
    yield window
    for folder in entries(sessions):
        if is_id(folder.name):
            yield from (folder / _OWNER, folder / _HOST)
    yield from (each for each in entries(procedures) if each.suffix == ".lock")


def _no_lock(path: Path) -> str:
    """Why *path* can be no lock; empty where it is one, or is not there yet."""
    try:
        found = path.lstat()
    except OSError as error:
        if error.errno not in NOWHERE:
            raise
        return ""
    if not stat.S_ISREG(found.st_mode):
        return "not a file"
    return "" if os.access(path, os.R_OK | os.W_OK) else os.strerror(errno.EACCES)


def _command(path: Path, window: Path, name: str) -> str:
    if path == window:
        return "conecta unlock --yes"
    return f'conecta unlock "{name}" --yes' if name else "conecta procedure list"


def release(paths: Sequence[Path]) -> None:
    """Take back the notes of a program that is proven dead. A lock that is held is never broken. Raises `Problem`."""
    for path in paths:
        _release(path)


def _release(path: Path) -> None:
    with os_errors_as(ProblemCode.DATABASE_NOT_WRITABLE, path):
        try:
            lock = FileLock.take(path)
        except LockHeld as held:
            raise Problem(ProblemCode.SESSION_IN_USE, path=str(path), owner=str(held)) from None
        lock.release()


def holder(window: Path) -> str:
    """The program that has the data folder open; empty when none does that lives."""
    owner = read_owner(window)
    return owner.label() if owner is not None and _lives(window, owner.state()) else ""


def _lives(path: Path, state: OwnerState) -> bool:
    return state is OwnerState.ALIVE or (state is OwnerState.SAME_SYSTEM and is_held(path))
