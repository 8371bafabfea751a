"""File permissions: who else may write a path, small files that must be trusted, and the private data folder.

POSIX owners and mode bits decide (an access control list shows in the group's bits). Other systems cannot be asked.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from app.domain.errors import Problem, ProblemCode

KNOWS_OWNERS: Final = hasattr(os, "geteuid")
ENOUGH_FILES: Final = 65_536
"""Open files of one process, for thousands of links."""
LARGEST: Final = 64 * 1024
"""Bytes of a settings file."""

_ROOT = 0
_UNMAPPED = 65534  # who owns the outer folders inside a user namespace, as of Flatpak
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def unsafe_place(file: Path, *, only_mine: bool = False) -> Path | None:
    """Return the first of *file*, its folder and the folders above that somebody else may write or replace.

    None means that only this user and root (*only_mine*: only this user) decide what *file* says. A shared folder above
    with the sticky bit, as `/tmp`, is safe: others cannot rename what is in it.
    """
    if not KNOWS_OWNERS:
        return None
    me = os.geteuid()
    owners = {me} if only_mine else {me, _ROOT}
    for place in (file, file.parent):
        found = place.lstat()
        if found.st_uid not in owners or found.st_mode & _OTHERS_WRITE or stat.S_ISLNK(found.st_mode):
            return place
    return _unsafe_above(file.parent)


def unsafe_link(file: Path) -> Path | None:
    """Return the first symbolic link on the way to *file*, an absolute path, or the first folder above one, that
    somebody else may write: who can replace the link chooses which file is read.

    Raises `OSError` where there is no such way.
    """
    if not KNOWS_OWNERS:
        return None
    place, left = Path(file.anchor), list(reversed(file.parts[1:]))
    while left:
        part = left.pop()
        if part == "..":
            place = place.parent
            continue
        here = place / part
        if not here.is_symlink():
            place = here
            continue
        for each in (here, place):
            found = each.lstat()
            writable = each is place and found.st_mode & _OTHERS_WRITE  # the mode of a link says nothing
            if writable or found.st_uid not in {os.geteuid(), _ROOT, _UNMAPPED}:
                return each
        if unsafe := _unsafe_above(place):
            return unsafe
        target = here.readlink()
        place = Path(target.anchor) if target.is_absolute() else place
        left.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))
    return None


def _unsafe_above(folder: Path) -> Path | None:
    for place in folder.parents:
        found = place.lstat()
        shared = found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX
        if shared or found.st_uid not in {os.geteuid(), _ROOT, _UNMAPPED}:
            return place
    return None


def read_small(file: Path) -> bytes | None:
    """Return the content of a regular *file* of at most `LARGEST` bytes, None where there is no file.

    Raises `OSError`; never waits for a pipe.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    with open(descriptor, "rb") as opened:  # noqa: PTH123 - by descriptor: what was checked is what is read
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(22, "not a regular file", str(file))
        content = opened.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(27, os.strerror(27), str(file))
    return content


def raise_open_file_limit() -> None:
    """Let this process, and those it starts, open as many files as the system allows a user: each link takes several.

    Does nothing where the limit cannot be raised.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (ENOUGH_FILES, 10_240):  # some systems name no limit, and refuse what is above theirs
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft == resource.RLIM_INFINITY or soft >= most:
            return
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            return


# --- the data folder ---------------------------------------------------------------------------------------------


def prepare_data_folder(folder: Path) -> None:
    """Create the data folder for this user alone, or take away what others may do in it.

    What this user's earlier starts made is narrowed to 0700. A folder that others may write to is refused with
    `Problem(DATA_FOLDER_UNSAFE)`: what is in it may already be theirs. So is one that cannot be made or narrowed, with
    `DATABASE_DISK_FULL` or `DATABASE_NOT_WRITABLE`.
    """
    try:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):  # `parents=True` would give the outer ones the usual mode
            each.mkdir(mode=0o700, exist_ok=True)
        if not KNOWS_OWNERS:
            return
        found = folder.stat()
        mine = found.st_uid == os.geteuid()
        if found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and not (mine and _is_ours(folder))):
            raise Problem(ProblemCode.DATA_FOLDER_UNSAFE, path=str(folder))
        if mine and found.st_mode & 0o077 and _is_ours(folder):
            folder.chmod(0o700)
    except OSError as error:
        raise _not_writable(folder, error) from error


def require_room(folder: Path) -> None:
    """Raise `Problem(DATABASE_DISK_FULL)` or `DATABASE_NOT_WRITABLE` unless a small file can be written in *folder*."""
    trial = folder / f".trial-{os.getpid()}"
    try:
        try:
            with trial.open("xb") as file:
                file.write(b"\0" * 4096)
        finally:
            trial.unlink(missing_ok=True)
    except OSError as error:
        raise _not_writable(folder, error) from error


def _is_ours(folder: Path) -> bool:
    """Whether *folder* holds nothing but what this program keeps: somebody's home must not be narrowed."""
    names = {each.name for each in folder.iterdir()}
    return not names or "conecta.db" in names or names <= {"logs"}


def _not_writable(folder: Path, error: OSError) -> Problem:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    code = ProblemCode.DATABASE_DISK_FULL if full else ProblemCode.DATABASE_NOT_WRITABLE
    return Problem(code, path=str(folder), detail=error.strerror or str(error))
