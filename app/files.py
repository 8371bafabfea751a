"""File permissions: who else may write a path, and small files that must be trusted.

POSIX owners and mode bits decide (an access control list shows in the group's bits). Other systems cannot be asked.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

KNOWS_OWNERS: Final = hasattr(os, "geteuid")
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
    for place in file.parent.parents:
        found = place.lstat()
        shared = found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX
        if shared or found.st_uid not in {me, _ROOT, _UNMAPPED}:
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
