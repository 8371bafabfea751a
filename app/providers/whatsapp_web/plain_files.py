"""Opens files that are nothing but files: a link could lead out of the folder, and a pipe would never answer."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from app.domain.errors import Code, Problem

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # Windows has neither, and few links


def open_plain(path: Path, flags: int, mode: int = 0o600) -> int:
    """A descriptor of *path*; raises `OSError(ELOOP)` when it is a link, a pipe, a device or a folder."""
    try:
        descriptor = os.open(path, flags | _NO_FOLLOW, mode)
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ENXIO):
            raise _not_plain(path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain(path)
    return descriptor


def read_plain(path: Path, most: int = 1 << 16) -> str:
    """The text of *path*, *most* bytes of it. Raises like `open_plain`, and `UnicodeDecodeError`."""
    descriptor = open_plain(path, os.O_RDONLY)
    try:
        return os.read(descriptor, most).decode()
    finally:
        os.close(descriptor)


def require_own(path: Path) -> None:
    """Raise `Problem(SESSION_OF_ANOTHER_USER)` when *path* belongs to somebody else: they could read it, or swap it."""
    if os.name != "posix":
        return
    owner = path.lstat().st_uid
    if owner != os.geteuid():
        raise Problem(Code.SESSION_OF_ANOTHER_USER, path=str(path), owner=_name_of(owner))


def _name_of(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _not_plain(path: Path) -> OSError:
    return OSError(errno.ELOOP, "not a plain file", str(path))
