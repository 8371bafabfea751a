"""Writes one backup: a ZIP of known files, the manifest last, locked as a whole where there is a passphrase. Blocks."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import UTC
from pathlib import Path
from typing import IO, Any, Final, cast

from app.domain.errors import ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.messages import REFERRING
from app.domain.phone import PhoneNumber
from app.formats.backup_manifest import (
    HISTORY,
    MANIFEST,
    SESSION,
    SETTINGS,
    BackupHead,
    Counts,
    FileDigest,
    Manifest,
)
from app.formats.encryption import COST, EncryptedWriter
from app.formats.privacy_export import mentorado_as_json
from app.platform.files import os_errors_as, private

_PIECE: Final = 1 << 20
_ZIP_YEARS: Final = (1980, 2107)
"""Others cannot be written into a ZIP; the manifest has the whole date."""


class ArchiveWriter:
    """Makes the file *part*, by its methods in their order. It is on the disk when `finish` returns; until then it may
    be given up."""

    def __init__(self, part: Path, head: BackupHead, passphrase: str, cost: int = COST) -> None:
        self._part = part
        self._head = head
        self._files: dict[str, FileDigest] = {}
        self._account: PhoneNumber | None = None
        self._counts = dict.fromkeys(("rows", "messages", "conversations", "contacts"), 0)
        with folder_problems(part.parent), ExitStack() as stack:
            self._file = stack.enter_context(open(part, "xb", opener=private))
            self._locked = EncryptedWriter(self._file, passphrase, cost) if passphrase else None
            stack.pop_all()  # closed by `finish` or `give_up`
        self._target = _Target(self._locked or self._file)
        self._zip = zipfile.ZipFile(cast("IO[bytes]", self._target), "w")
        self._entry: _Entry | None = None

    def add_session(self, file: Path, account: PhoneNumber) -> None:
        """Keys hardly shrink, so they are stored as they are."""
        self._account = account
        with folder_problems(self._part.parent), file.open("rb") as source:
            entry = self._begin(SESSION, zipfile.ZIP_STORED)
            while piece := source.read(_PIECE):
                entry.write(piece)
            self._end()

    def add_rows(self, rows: Sequence[Mapping[str, object]]) -> None:
        with folder_problems(self._part.parent):
            history = self._entry or self._begin(HISTORY)
            for row in rows:
                history.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                for name in ("rows", *counted(row)):
                    self._counts[name] += 1

    def finish(self, mentorado: Mentorado) -> Manifest:
        self.add_rows([])  # there is a history, even when nothing was ever said
        with folder_problems(self._part.parent):
            self._end()
            settings = json.dumps(settings_of(mentorado), ensure_ascii=False, indent=1)
            self._begin(SETTINGS).write(settings.encode())
            self._end()
            manifest = Manifest(
                head=self._head, account=self._account, files=dict(self._files), counts=Counts(**self._counts)
            )
            self._begin(MANIFEST).write(manifest.written())
            self._end()
            self._zip.close()
            if self._locked is not None:
                self._locked.finish(manifest.public_header())
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return manifest

    def abort(self) -> None:
        """Let go of the file, however far it is; whoever asked for it removes it."""
        self._target.sink()
        self._end()
        self._zip.close()
        with suppress(OSError):  # what was not written yet is not missed
            self._file.close()

    def _begin(self, name: str, method: int = zipfile.ZIP_DEFLATED) -> _Entry:
        at = self._head.at.astimezone(UTC)
        in_zip = at if _ZIP_YEARS[0] <= at.year <= _ZIP_YEARS[1] else at.replace(year=_ZIP_YEARS[0], day=1)
        about = zipfile.ZipInfo(name, in_zip.timetuple()[:6])
        about.compress_type = method
        about.external_attr = 0o100600 << 16
        self._entry = _Entry(name, self._zip.open(about, "w", force_zip64=True))
        return self._entry

    def _end(self) -> None:
        entry, self._entry = self._entry, None
        if entry is not None:
            entry.file.close()
            self._files[entry.name] = FileDigest(entry.size, entry.sum.hexdigest())


class _Target:
    """Where the ZIP goes; nowhere any more once it was given up."""

    def __init__(self, file: IO[bytes] | EncryptedWriter) -> None:
        self._file: IO[bytes] | EncryptedWriter | None = file

    def sink(self) -> None:
        self._file = None

    def write(self, data: bytes) -> int:
        return len(data) if self._file is None else self._file.write(data)

    def flush(self) -> None:
        """There is only one flush that counts, at the end."""


class _Entry:
    """A file in the archive, and what was written to it."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name = name
        self.file = file
        self.size = 0
        self.sum = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self.size += len(data)
        self.sum.update(data)


def counted(row: Mapping[str, object]) -> tuple[str, ...]:
    """Under which counts a row of the history is."""
    match row.get("kind"):
        case "message":
            return () if row.get("type") in REFERRING else ("messages",)
        case "conversation":
            return ("conversations",)
        case "contact":
            return ("contacts",)
        case _:
            return ()


def settings_of(mentorado: Mentorado) -> dict[str, Any]:
    """How mentorado and link are configured; there is no secret among it."""
    link = mentorado.link
    return {
        "mentorado": mentorado_as_json(mentorado),
        "link": {
            "id": link.id,
            "provider": link.provider,
            "wanted": link.enabled,
            "account": link.account,
            "accepted_account": link.accepted_account,
        },
    }


def folder_problems(folder: Path) -> AbstractContextManager[None]:
    """What the file system refuses, as a `Problem` about *folder*."""
    return os_errors_as(ProblemCode.BACKUP_FOLDER_UNUSABLE, folder, full=ProblemCode.BACKUP_DISK_FULL)
