"""Archives that were altered, and how reading one ends."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureId
from app.formats.backup_manifest import (
    MANIFEST,
    SESSION,
    BackupHead,
)
from app.formats.backup_reader import BackupReader
from app.formats.backup_writer import ArchiveWriter
from app.storage.history.dump_rows import DumpCheck
from tests.clock import DAWN
from tests.core.secret_store import KEYS
from tests.storage.transfer import CONTACT, MESSAGE, TALK

WHO = MentoradoId("a" * 32)
HEADING = BackupHead(
    procedure=ProcedureId("1" * 32),
    program="1.0",
    at=DAWN,
    mentorado_id=WHO,
    name="Ana Lima",
    phone=PhoneNumber("+5511987654321"),
    provider=ProviderKind.WHATSAPP_WEB,
)
MENTORADO = Mentorado(
    id=WHO,
    name="Ana Lima",
    phone=PhoneNumber("+5511987654321"),
    created_at=DAWN,
    link=Link(id=LinkId("b" * 32), mentorado_id=WHO),
)
ROWS: Final = [CONTACT, TALK, *({**MESSAGE, "provider_id": f"M{number}"} for number in range(20))]

Change = Callable[[dict[str, bytes]], object]


def archive_at(path: Path, *, passphrase: str = "") -> Path:
    keys = path.with_name("keys")
    keys.write_bytes(KEYS)
    writer = ArchiveWriter(path, HEADING, passphrase, 1)
    writer.add_session(keys, PhoneNumber("+5511987654321"))
    writer.add_rows(ROWS)
    writer.finish(MENTORADO)
    keys.unlink()
    return path


def read(path: Path, *, passphrase: str = "") -> None:
    """Everything anybody does with an archive."""
    with BackupReader(path, passphrase=passphrase) as archive:
        archive.verify(DumpCheck())
        target = path.with_name("keys")
        try:
            if SESSION in archive.manifest.files:
                archive.session_to(target)
        finally:
            target.unlink(missing_ok=True)


def refusal(path: Path, *, passphrase: str = "") -> ProblemCode:
    before = tree(path.parent)
    with pytest.raises(Problem) as problem:
        read(path, passphrase=passphrase)
    assert tree(path.parent) == before
    assert problem.value.context["path"] == str(path)
    return problem.value.code


def tree(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def packed_anew(path: Path, change: Change, *, summed: bool = True) -> Path:
    """The archive with other files in it, whose manifest still adds up when it is *summed* anew."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    if summed:
        with suppress(LookupError, ValueError, TypeError, RecursionError):
            manifest = json.loads(files[MANIFEST])
            for name in manifest["files"]:
                content = files.get(name, b"")
                manifest["files"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            files[MANIFEST] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def in_manifest(**changes: Any) -> Change:
    def change(files: dict[str, bytes]) -> None:
        files[MANIFEST] = json.dumps({**json.loads(files[MANIFEST]), **changes}).encode()

    return change
