"""Files: who else may write a path, small files that must be trusted, writing for this user alone and in one step, and
the private data folder.

POSIX owners and mode bits decide (an access control list shows in the group's bits). Other systems cannot be asked.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from app.domain.errors import Problem, ProblemCode

KNOWS_OWNERS: Final = hasattr(os, "geteuid")
ENOUGH_FILES: Final = 65_536
"""Open files of one process, for thousands of links."""
_WAITS: Final = (0.01, 0.04, 0.15, 0.3)  # seconds
LARGEST: Final = 64 * 1024
"""Bytes of a settings file."""
DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a file system says that has no room: none at all, none for this user, or none for so large a file."""

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


def open_binary(path: str | Path, flags: int, mode: int = 0o600) -> int:
    """`os.open`, byte for byte on every system, and not inherited by children.

    Windows would otherwise write a line feed as two characters, and end a file at the first 0x1A.
    """
    return os.open(path, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0), mode)


def read_small(file: Path, largest: int = LARGEST) -> bytes | None:
    """Return the content of a regular *file* of at most *largest* bytes, None where there is no file.

    Raises `OSError`; never waits for a pipe.
    """
    try:
        descriptor = open_binary(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    with open(descriptor, "rb") as opened:  # noqa: PTH123 - by descriptor: what was checked is what is read
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(file))
        content = opened.read(largest + 1)
    if len(content) > largest:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))
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


# --- writing -----------------------------------------------------------------------------------------------------


@contextmanager
def os_errors_as(code: ProblemCode, path: Path, *, full: ProblemCode | None = None) -> Iterator[None]:
    """Raise `Problem(code)` about *path* instead of the file system's own error; *full* where there is no room."""
    try:
        yield
    except OSError as error:
        found = full if full is not None and error.errno in DISK_FULL else code
        raise Problem(found, path=str(path), detail=error.strerror or str(error)) from error


def refuse_broken_link(path: Path) -> None:
    """Raise `Problem(LINK_BROKEN)` where *path*, or a folder on the way to it, is a link that leads nowhere.

    What is made there would be made elsewhere, or nowhere at all; and it is not simply missing: a drive may be.
    """
    for place in (*reversed(path.parents), path):
        try:
            place.stat()
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP) and place.is_symlink():
                raise Problem(ProblemCode.LINK_BROKEN, path=str(place), target=str(place.readlink())) from error
            return  # nothing further down can be looked at


def private(name: str, flags: int) -> int:
    """An opener: what `open` creates with it is for this user alone."""
    return open_binary(name, flags)


def write_private(path: Path, content: bytes) -> None:
    """Write a new file for this user alone. Raises `OSError`, also when it is there."""
    with open(path, "xb", opener=private) as file:
        file.write(content)


@contextmanager
def replacing(path: Path, part: Path | None = None) -> Iterator[Path]:
    """Yield a name in the same folder under which the block makes a file; at its end, that takes the place of *path*.

    A crash leaves the old file or the new one, whole and on the disk; a block that fails leaves the old one. Raises
    `OSError`.
    """
    part = part or path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)  # of a program that was killed
    try:
        yield part
        sync(part)
        _take_place(part, path)
        sync(path.parent)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _take_place(part: Path, path: Path) -> None:
    """Rename *part* onto *path*. Windows refuses while somebody reads *path*, as virus scanners do for a moment."""
    for wait in _WAITS if sys.platform == "win32" else ():
        try:
            part.replace(path)
        except PermissionError:
            time.sleep(wait)
        else:
            return
    part.replace(path)


def write_atomic(path: Path, content: bytes) -> None:
    """Write *path* for this user alone, like `replacing`. Several may do so at once: the last one counts."""
    with replacing(path, path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")) as part:
        write_private(part, content)


def sync(path: Path) -> None:
    """Have what was written to a file, or renamed in a folder, on the disk. Windows can do so for files alone."""
    if os.name == "posix" or path.is_file():
        descriptor = open_binary(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# --- the data folder ---------------------------------------------------------------------------------------------


def prepare_data_folder(folder: Path) -> None:
    """Create the data folder for this user alone, or take away what others may do in it.

    What this user's earlier starts made is narrowed to 0700. A folder that others may write to is refused with
    `Problem(DATA_FOLDER_UNSAFE)`: what is in it may already be theirs. So is one that cannot be made or narrowed, with
    `DATABASE_DISK_FULL` or `DATABASE_NOT_WRITABLE`.
    """
    refuse_broken_link(folder)
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
    code = ProblemCode.DATABASE_DISK_FULL if error.errno in DISK_FULL else ProblemCode.DATABASE_NOT_WRITABLE
    return Problem(code, path=str(folder), detail=error.strerror or str(error))
