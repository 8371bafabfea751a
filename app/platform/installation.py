"""The files that this program was started from: whether they were replaced since, and how it is started again."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import app

LOADED_ELSEWHERE: Final = (
    "app.cli",
    "app.sample",
    "app.storage.migrations.env",
    "app.storage.migrations.versions",
    "app.providers.whatsapp_web.host",
    "app.providers.webhooks.host",
)
"""Parts of the program that a window never loads: those of commands, of hosts, and what Alembic loads by itself."""


def is_frozen() -> bool:
    """Whether this is a package, in which the executable holds the program."""
    return bool(getattr(sys, "frozen", False))


class ProgramFile:
    """The file that stands for the program, as it was at the start."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or (Path(sys.executable) if is_frozen() else Path(app.__file__))
        self._identity = self._look()

    def replaced(self) -> bool:
        """Whether another file is there by now. One that is gone, as during an update, is not another."""
        found = self._look()
        return found is not None and found != self._identity

    def _look(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def program_command() -> list[str]:
    """The command line that opens the window."""
    if is_frozen():
        return [sys.executable]
    return [sys.executable, "-P", "-m", "app"]  # -P: the current folder is no place to import from


def start_again(arguments: Sequence[str]) -> None:
    """Put the program that is installed now in the place of this one; does not return on POSIX."""
    command = [*program_command(), *arguments]
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - our own program
    import subprocess

    subprocess.Popen(command)  # noqa: S603


def unloaded_modules() -> Iterator[str]:
    """The modules of the program that a window may still load, in no order that matters."""
    for found in pkgutil.walk_packages(app.__path__, f"{app.__name__}."):
        if found.name not in sys.modules and not found.name.startswith(LOADED_ELSEWHERE):
            yield found.name


def load(module: str) -> None:
    """Import *module*, with everything that it needs."""
    importlib.import_module(module)
