"""Whether the program's folders are there, writable and private, with room left in them; and what killed programs left.

What a check looks at is never changed by it, but for a small trial file that it takes away again.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from time import monotonic, time
from typing import Final

from app.domain.backup import BACKUP_ENDING
from app.domain.diagnosis import Diagnosis, DiagnosisCode, diagnosed
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import is_id
from app.formats.backup_reader import BackupReader, read_label_of
from app.platform.files import KNOWS_OWNERS, os_errors_as, refuse_broken_link, require_room

_C: Final = DiagnosisCode

LITTLE: Final = 500 << 20
"""Bytes below which a backup, or a day of messages, may not fit any more."""

TOO_LITTLE: Final = 16 << 20
"""Bytes below which no session is opened."""

LEFT_SECONDS: Final = 3600.0
"""A piece of a file that was not written to for so long belongs to no program that still writes it."""

_PATTERNS: Final = (".*.part", "*.copy.part", ".trial-*", ".*.session", ".*.archive")
"""What a program that is killed while it writes leaves behind. The whole file is never called so."""

NOWHERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
"""How the file system says that there can be nothing at a path."""

OpenProcedures = Callable[[], frozenset[str] | None]
"""The procedures that may go on and need their files, by id; None where that cannot be told."""


def data_folder(folder: Path, database: Path) -> Sequence[Diagnosis]:
    """Whether the data folder and what belongs into it can be used, and nobody else reads it."""
    try:
        refuse_broken_link(folder)
        if not folder.exists():
            return _absent(folder)
        if not folder.is_dir():
            return [_unusable(folder, "not a folder")]
        if (owner := _other_owner(folder)) is not None:
            return [_unusable(folder, f"belongs to: {owner}")]
        require_room(folder)
    except Problem as problem:
        return [diagnosed(_C.DATA_FOLDER_UNUSABLE, problem, path=str(folder))]
    except OSError as error:
        return [_unusable(folder, error.strerror or str(error))]
    if unusable := list(_unusable_parts(folder)):
        return unusable
    private = [database, database.with_name(f"{database.name}-wal")]
    readable = _open_to_others([folder, *filter(Path.is_file, private)])
    if readable:
        return [diagnosed(_C.DATA_FOLDER_OPEN, path=str(path), mode=_mode(path)) for path in readable]
    return [diagnosed(_C.DATA_FOLDER_FINE, path=str(folder))]


_FOLDERS: Final = ("backups", "crashes", "logs", "procedures")


def _unusable_parts(folder: Path) -> Iterator[Diagnosis]:
    """The folders in the data folder that the program could not use. What is a file has a check of its own."""
    for name in _FOLDERS:
        path = folder / name
        code = _C.LOGS_UNUSABLE if name == "logs" else _C.DATA_PART_UNUSABLE
        try:
            refuse_broken_link(path)
            found = path.stat()
        except FileNotFoundError:
            continue
        except Problem as problem:
            yield diagnosed(code, path=str(path), detail=f"a link that leads nowhere: {problem.context['target']}")
            continue
        if not stat.S_ISDIR(found.st_mode):
            yield diagnosed(code, path=str(path), detail="not a folder")
        elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            yield diagnosed(code, path=str(path), detail=os.strerror(errno.EACCES))


def _absent(folder: Path) -> Sequence[Diagnosis]:
    """A folder that is not there yet is made at the first start, if that may be."""
    above = next(each for each in folder.parents if each.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return [diagnosed(_C.DATA_FOLDER_NEW, path=str(folder))]
    return [_unusable(above, "nothing can be made in it")]


def _unusable(path: Path, why: str) -> Diagnosis:
    problem = Problem(ProblemCode.DATABASE_NOT_WRITABLE, path=str(path), detail=why)
    return diagnosed(_C.DATA_FOLDER_UNUSABLE, problem, path=str(path))


def session_folder(root: Path, *, chosen: bool) -> Sequence[Diagnosis]:
    """Whether sessions can be kept in *root*. One that a setting names must be there: its drive may be missing."""
    try:
        refuse_broken_link(root)
        return _session_folder(root, chosen=chosen)
    except Problem as problem:
        return [diagnosed(_C.SESSION_FOLDER_UNUSABLE, problem, path=str(root))]
    except OSError:
        denied = Problem(ProblemCode.SESSION_DIR_NOT_WRITABLE, path=str(root))
        return [diagnosed(_C.SESSION_FOLDER_UNUSABLE, denied, path=str(root))]


def _session_folder(root: Path, *, chosen: bool) -> Sequence[Diagnosis]:
    if not root.exists():
        if chosen:
            problem = Problem(ProblemCode.SESSION_DIR_MISSING, path=str(root))
            return [diagnosed(_C.SESSION_FOLDER_UNUSABLE, problem, path=str(root))]
        return [diagnosed(_C.SESSION_FOLDER_NEW, path=str(root))]
    if (trouble := _session_folder_problem(root)) is not None:
        return [diagnosed(_C.SESSION_FOLDER_UNUSABLE, trouble, path=str(root))]
    folders = sorted(each for each in root.iterdir() if each.is_dir() and not each.is_symlink())
    files = (file for folder in folders for file in folder.glob("session-*.db"))
    if readable := _open_to_others([root, *folders, *filter(Path.is_file, files)]):
        return [diagnosed(_C.SESSION_FOLDER_OPEN, path=str(path), mode=_mode(path)) for path in readable]
    return [diagnosed(_C.SESSION_FOLDER_FINE, path=str(root), count=str(len(folders)))]


def _session_folder_problem(root: Path) -> Problem | None:
    if not root.is_dir():
        return Problem(ProblemCode.SESSION_DIR_NOT_A_FOLDER, path=str(root))
    if (owner := _other_owner(root)) is not None:
        return Problem(ProblemCode.SESSION_OF_ANOTHER_USER, path=str(root), owner=owner)
    try:
        require_room(root)
    except Problem as problem:
        full = problem.code is ProblemCode.DATABASE_DISK_FULL
        code = ProblemCode.SESSION_DISK_FULL if full else ProblemCode.SESSION_DIR_NOT_WRITABLE
        return Problem(code, path=str(root))
    return None


def _other_owner(path: Path) -> str | None:
    """Who else owns *path*."""
    if not KNOWS_OWNERS or (found := path.stat().st_uid) == os.geteuid():
        return None
    try:
        return path.owner()
    except KeyError:
        return str(found)


def _open_to_others(paths: Sequence[Path]) -> list[Path]:
    """Which of *paths* others may look into. A link says nothing of that, only what it leads to."""
    return [path for path in paths if path.exists() and path.stat().st_mode & 0o077] if KNOWS_OWNERS else []


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def make_private(path: Path) -> None:
    """Take away what others may do with *path*, one of our own folders or files. Raises `Problem`."""
    with os_errors_as(ProblemCode.DATABASE_NOT_WRITABLE, path):
        if path.stat().st_uid != os.geteuid():
            raise PermissionError(f"{path} is not of this user")
        path.chmod(0o700 if path.is_dir() else 0o600)


# --- backups ----------------------------------------------------------------------------------------------------------

BACKUP_SECONDS: Final = 3.0
"""How long backups are read through, the newest first; of the rest only the beginning is looked at."""


class _OutOfTimeError(Exception):
    """Backups were read for long enough."""


def backups(folder: Path, *, seconds: float = BACKUP_SECONDS) -> Sequence[Diagnosis]:
    """Whether each backup that is there can be read, and is as it was written as far as that shows without its
    passphrase. Raises `OSError` for what may not be read."""
    until, found = monotonic() + seconds, sorted(_backup_files(folder), key=_changed_at, reverse=True)
    damaged, unread, locked = list[str](), 0, 0
    for path in found:
        try:
            with path.open("rb"):
                pass  # what may not be read is no damage
            if read_label_of(path).info.encrypted:
                locked += 1
            elif not _same_as_written(path, until):
                unread += 1
        except Problem:
            damaged.append(path.name)
    evidence = {"path": str(folder), "count": str(len(found)), "locked": str(locked)}
    result = [diagnosed(_C.BACKUPS_DAMAGED, **evidence, names=", ".join(damaged))] if damaged else []
    if unread:
        result.append(diagnosed(_C.BACKUPS_PARTLY_READ, **evidence, unread=str(unread), seconds=f"{seconds:g}"))
    return result or [diagnosed(_C.BACKUPS_FINE if found else _C.BACKUPS_NONE, **evidence)]


def _backup_files(folder: Path) -> Iterator[Path]:
    for path in entries(folder):
        if path.suffix == BACKUP_ENDING and not path.name.startswith(".") and path.is_file():
            yield path


def _changed_at(path: Path) -> float:
    return path.stat().st_mtime


def _same_as_written(path: Path, until: float) -> bool:
    """Whether all of it was compared in time. Raises `Problem` for what is damaged."""

    def progress(_bytes: int) -> None:
        if monotonic() > until:
            raise _OutOfTimeError

    try:
        with BackupReader(path) as archive:
            archive.compare_sums(progress)
    except _OutOfTimeError:
        return False
    return True


# --- room ---------------------------------------------------------------------------------------------------------


def room(
    folders: Sequence[Path],
    *,
    free: Callable[[Path], int] | None = None,
    files: Callable[[Path], int] | None = None,
) -> Sequence[Diagnosis]:
    """How much room is left where *folders* are or will be, each disk once."""
    places: dict[int, Path] = {}
    for folder in folders:
        place = next(each for each in (folder, *folder.parents) if os.path.exists(each))  # noqa: PTH110 - never raises
        places.setdefault(place.stat().st_dev, place)
    free, files = free or _free_bytes, files or _free_files
    return [_room_of(place, free(place), files(place)) for place in places.values()]


def _room_of(place: Path, free: int, files: int) -> Diagnosis:
    evidence = {"path": str(place), "free": str(free >> 20), "wanted": str(LITTLE >> 20)}
    if free < TOO_LITTLE:
        return diagnosed(_C.SPACE_OUT, **evidence)
    if files == 0:
        return diagnosed(_C.FILES_OUT, **evidence)
    return diagnosed(_C.SPACE_LOW if free < LITTLE else _C.SPACE_FINE, **evidence)


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _free_files(folder: Path) -> int:
    """How many files can still be made; 1 where the file system sets no limit, or does not say."""
    if not hasattr(os, "statvfs"):
        return 1
    found = os.statvfs(folder)
    return found.f_favail if found.f_files else 1


# --- what killed programs left --------------------------------------------------------------------------------------


def leftovers(
    folders: Sequence[Path], in_use: OpenProcedures, *, now: Callable[[], float] = time
) -> Sequence[Diagnosis]:
    """Pieces of files that nobody writes any more, folder by folder."""
    found = [
        diagnosed(_C.PARTS_LEFT, path=str(folder), count=str(len(parts)), names=", ".join(each.name for each in parts))
        for folder in folders
        if (parts := list(old_parts(folder, in_use(), now())))
    ]
    return found or [diagnosed(_C.LEFTOVERS_FINE)]


def old_parts(folder: Path, in_use: frozenset[str] | None, now: float) -> Iterator[Path]:
    """The pieces in *folder* that were last written to long before *now*, by name."""
    for each in entries(folder):
        if not any(fnmatchcase(each.name, pattern) for pattern in _PATTERNS):
            continue
        found = each.lstat()
        if not stat.S_ISREG(found.st_mode) or now - found.st_mtime <= LEFT_SECONDS:
            continue
        procedure = each.name.split(".")[1]
        if not is_id(procedure) or (in_use is not None and procedure not in in_use):
            yield each


def entries(folder: Path) -> Sequence[Path]:
    """What is in *folder*, by name; nothing where there is no such folder. Raises `OSError` where it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        if error.errno not in NOWHERE:
            raise
        return []


def remove_parts(folder: Path, in_use: OpenProcedures, *, now: Callable[[], float] = time) -> None:
    """Remove the old pieces in *folder*. Raises `Problem`."""
    with os_errors_as(ProblemCode.DATABASE_NOT_WRITABLE, folder):
        for each in list(old_parts(folder, in_use(), now())):
            each.unlink(missing_ok=True)
