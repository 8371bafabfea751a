"""The folder of the backups: part files in the making, and archives that are done.

    the backups' folder/        0700
      .<procedure id>.part      an archive that is being written, or was not yet read back
      .<procedure id>.session   keys on their way into it, or out of one
      .<procedure id>.archive   a copy of what is being restored
      Conecta <name> <time>.conecta

Everything here blocks: call it from a worker thread.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import Final

from app.core.backup.archive import folder_problems, private
from app.core.backup.manifest import Label
from app.core.backup.reading import label, pieces
from app.core.export_files import safe_name
from app.domain.backup import BackupInfo
from app.domain.errors import Code, Problem
from app.domain.mentorado import MentoradoId, is_id
from app.domain.procedure import ProcedureId

log = logging.getLogger(__name__)

ENDING: Final = ".conecta"
PARTS: Final = ("part", "session", "archive")
"""What a procedure may keep beside the archives."""


class BackupFolder:
    """Archives are known by what they say of themselves, and never by their names."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def part(self, procedure_id: ProcedureId, what: str = "part") -> Path:
        """Where a procedure keeps what is not done yet."""
        if not is_id(procedure_id):
            raise ValueError("not an id; it must never become a path")
        return self.path / f".{procedure_id}.{what}"

    def prepare(self, *parts: Path) -> None:
        """Make the folder, for this user alone, and have nothing left at *parts*."""
        with folder_problems(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.name == "posix" and self.path.stat().st_mode & 0o077:
                self.path.chmod(0o700)
        remove(*parts)

    def put_in_place(self, procedure_id: ProcedureId) -> BackupInfo:
        """Give the part file its name. Returns the archive that is there when this was done before."""
        part = self.part(procedure_id)
        if not part.exists():
            done = next((each.info for each in self.labels() if each.procedure == procedure_id), None)
            if done is None:
                raise Problem(Code.BACKUP_UNREADABLE, path=str(part), detail="not there any more")
            return done
        info = label(part).info
        with folder_problems(self.path):
            target = self._free(f"Conecta {safe_name(info.name)} {info.at.astimezone(UTC):%Y%m%dT%H%M%SZ}")
            part.rename(target)
            _sync(self.path)
        return label(target).info

    def all(self, mentorado_id: MentoradoId | None) -> Sequence[BackupInfo]:
        """The latest first. What cannot be read is left out, with a line in the log."""
        infos = [each.info for each in self.labels(mentorado_id)]
        return sorted(infos, key=lambda info: (info.at, info.path.name), reverse=True)

    def labels(self, mentorado_id: MentoradoId | None = None) -> list[Label]:
        """What the archives of one mentorado, or of all, say of themselves, in no order."""
        found = []
        for path in self.path.glob(f"[!.]*{ENDING}"):
            try:
                found.append(label(path))
            except Problem as problem:
                log.info("%s is left out of the list of backups: %s", path.name, problem.code)
        return [each for each in found if mentorado_id in (None, each.info.mentorado_id)]

    def _free(self, name: str) -> Path:
        target, number = self.path / f"{name}{ENDING}", 1
        while target.exists():
            number += 1
            target = self.path / f"{name} ({number}){ENDING}"
        return target


def remove(*paths: Path) -> None:
    """Remove what is there of *paths*."""
    for path in paths:
        with folder_problems(path.parent), suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()


def copied(path: Path, copy: Path) -> None:
    """Copy the file at *path* to *copy*, which must not be there yet, for this user alone."""
    with folder_problems(copy.parent), open(copy, "xb", opener=private) as target:
        target.writelines(pieces(path))


def _sync(folder: Path) -> None:
    with suppress(PermissionError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
