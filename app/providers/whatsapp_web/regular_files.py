"""Files and folders that are nothing but that, and ours: a link could lead elsewhere, and a pipe would never answer."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.domain.errors import Problem, ProblemCode
from app.platform.files import DISK_FULL, open_binary
from app.platform.locks import open_regular, read_plain

__all__ = [
    "code_of",
    "map_os_errors",
    "open_regular",
    "read_plain",
    "require_folder",
    "require_free_descriptors",
    "require_no_link",
    "require_owner",
]

_CODES: Final = {
    **dict.fromkeys(DISK_FULL, ProblemCode.SESSION_DISK_FULL),
    errno.ENOTDIR: ProblemCode.SESSION_DIR_NOT_A_FOLDER,
    errno.EEXIST: ProblemCode.SESSION_DIR_NOT_A_FOLDER,
    errno.EMFILE: ProblemCode.TOO_MANY_OPEN_FILES,
    errno.ENFILE: ProblemCode.TOO_MANY_OPEN_FILES,
}


def require_free_descriptors(count: int = 16) -> None:
    """Raise `Problem(TOO_MANY_OPEN_FILES)` unless *count* more files can be opened now.

    Asked before a session is looked into: where no file can be opened, a whole session looks damaged.
    """
    opened: list[int] = []
    try:
        with map_os_errors(Path(os.devnull)):
            for _ in range(count):
                opened.append(open_binary(os.devnull, os.O_RDONLY))
    finally:
        for descriptor in opened:
            os.close(descriptor)


def code_of(error: OSError) -> ProblemCode:
    """What the file system refused."""
    return _CODES.get(error.errno or 0, ProblemCode.SESSION_DIR_NOT_WRITABLE)


def require_owner(path: Path) -> None:
    """Raise `Problem(SESSION_OF_ANOTHER_USER)` when *path* belongs to somebody else: they could read it, or swap it."""
    if os.name != "posix":
        return
    owner = path.lstat().st_uid
    if owner != os.geteuid():
        raise Problem(ProblemCode.SESSION_OF_ANOTHER_USER, path=str(path), owner=_name_of(owner))


def require_folder(path: Path, *, may_be_linked: bool = False) -> None:
    """Raise `Problem` unless *path* is a folder of ours that we can write in, and keep others out of it.

    Only the root may be a link, because a person chose it; one further down could lead out of it.
    """
    if not os.path.lexists(path):
        raise Problem(ProblemCode.SESSION_MISSING, path=str(path))
    if not may_be_linked:
        require_no_link(path)
    if not path.is_dir():
        raise Problem(ProblemCode.SESSION_DIR_NOT_A_FOLDER, path=str(path))
    require_owner(path.resolve() if may_be_linked else path)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise Problem(ProblemCode.SESSION_DIR_NOT_WRITABLE, path=str(path))
    if os.name == "posix" and path.stat().st_mode & 0o077:
        with map_os_errors(path):
            path.chmod(0o700)


def require_no_link(path: Path) -> None:
    """Raise `Problem` when *path* is a link."""
    if path.is_symlink():
        raise Problem(ProblemCode.SESSION_DIR_NOT_A_FOLDER, path=str(path))


@contextlib.contextmanager
def map_os_errors(path: Path) -> Iterator[None]:
    """What the file system refuses, as a `Problem`."""
    try:
        yield
    except OSError as error:
        raise Problem(code_of(error), path=str(path)) from error


def _name_of(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
