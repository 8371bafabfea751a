"""Archives from outside: an error with a sentence, never a crash, never a write outside the target."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.formats.backup_manifest import (
    HISTORY,
    MANIFEST,
    SESSION,
    SETTINGS,
)
from app.formats.backup_reader import BackupReader, read_label_of
from tests.core.hostile_archives import (
    HEADING,
    Change,
    in_manifest,
    packed_anew,
    read,
    refusal,
)
from tests.core.secret_store import KEYS, PHRASE

# --- what it is good for ---------------------------------------------------------------------------------------------


def test_an_archive_of_ours_is_read(good: Path, locked: Path) -> None:
    read(good)
    read(locked, passphrase=PHRASE)
    assert (read_label_of(good).info.messages, read_label_of(locked).info.messages) == (20, 20)
    assert read_label_of(good).procedure == read_label_of(locked).procedure == HEADING.procedure


# --- what it may not hold --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda files: files.update({"../../evil.txt": b"x"}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.update({"/etc/cron.d/evil": b"x"}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.update({"session.db/": b""}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.pop(MANIFEST), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.pop(HISTORY), ProblemCode.BACKUP_ALTERED),
        (lambda files: files.pop(SESSION), ProblemCode.BACKUP_ALTERED),
        (lambda files: files.update({MANIFEST: b"[" * 60_000}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.update({MANIFEST: b"[]"}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.update({MANIFEST: b"{}"}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.update({MANIFEST: b" " * (1 << 17)}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.update({HISTORY: b"not json\n"}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.update({HISTORY: files[HISTORY][:-1]}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.update({HISTORY: b"[]\n"}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.update({HISTORY: b'{"kind": NaN}\n'}), ProblemCode.BACKUP_UNREADABLE),
        (lambda files: files.update({HISTORY: b""}), ProblemCode.BACKUP_ALTERED),
        (lambda files: files.update({HISTORY: files[HISTORY] * 2}), ProblemCode.BACKUP_ALTERED),
        (in_manifest(format="zip"), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(schema=4), ProblemCode.BACKUP_NEWER),
        (in_manifest(schema="1"), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(schema=True), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(mentorado_id="../../etc"), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(phone="911"), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(account="911"), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(account=None), ProblemCode.BACKUP_ALTERED),
        (in_manifest(provider="icq"), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(at="2026-01-01T00:00:00"), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(at="soon"), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(name="\ud800"), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(name="x" * 2000), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(files=[]), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(files={HISTORY: {"size": 1, "sha256": "0" * 64}}), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(counts={}), ProblemCode.BACKUP_UNREADABLE),
        (in_manifest(counts={"rows": -1}), ProblemCode.BACKUP_UNREADABLE),
        (
            in_manifest(counts={"rows": 22, "messages": 19, "conversations": 1, "contacts": 1}),
            ProblemCode.BACKUP_ALTERED,
        ),
    ],
)
def test_what_no_backup_holds_is_refused(good: Path, change: Change, code: ProblemCode) -> None:
    assert refusal(packed_anew(good, change)) is code


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.update({SESSION: KEYS[:-1] + b"!"}),
        lambda files: files.update({SETTINGS: b"{}"}),
        lambda files: files.update({HISTORY: files[HISTORY].replace(b"oi", b"ou")}),
        in_manifest(files={name: {"size": 1, "sha256": "z" * 64} for name in (HISTORY, SETTINGS)}),
        in_manifest(files={name: {"size": 1 << 40, "sha256": "0" * 64} for name in (HISTORY, SETTINGS, SESSION)}),
    ],
)
def test_what_does_not_add_up_is_refused(good: Path, change: Change) -> None:
    assert refusal(packed_anew(good, change, summed=False)) in (
        ProblemCode.BACKUP_ALTERED,
        ProblemCode.BACKUP_UNREADABLE,
    )


def test_files_that_are_there_twice_are_refused(good: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(good, "a") as archive:
        archive.writestr(HISTORY, b"another")
    assert refusal(good) is ProblemCode.BACKUP_UNREADABLE


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO])
def test_a_link_is_refused(good: Path, mode: int) -> None:
    with zipfile.ZipFile(good) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(good, "w") as archive:
        for name, content in files.items():
            about = zipfile.ZipInfo(name)
            about.external_attr = (mode | 0o777 if name == SETTINGS else 0o100600) << 16
            archive.writestr(about, content)
    assert refusal(good) is ProblemCode.BACKUP_UNREADABLE


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_is_packed_in_another_way_is_refused(good: Path, method: int) -> None:
    with zipfile.ZipFile(good) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(good, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    assert refusal(good) is ProblemCode.BACKUP_UNREADABLE


@pytest.mark.parametrize("what", ["missing", "a folder", "empty", "text"])
def test_what_is_no_archive_is_refused(fast_dir: Path, what: str) -> None:
    path = fast_dir / "some.conecta"
    if what == "a folder":
        path.mkdir()
    elif what != "missing":
        path.write_text("Conecta" if what == "text" else "")
    assert refusal(path) is ProblemCode.BACKUP_UNREADABLE
    with pytest.raises(Problem):
        read_label_of(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are POSIX")
def test_a_pipe_is_not_waited_for(fast_dir: Path) -> None:
    os.mkfifo(fast_dir / "pipe.conecta")
    assert refusal(fast_dir / "pipe.conecta") is ProblemCode.BACKUP_UNREADABLE


def test_keys_are_never_written_over_a_file_that_is_there(good: Path) -> None:
    precious = good.with_name("precious")
    precious.write_text("mine")
    with BackupReader(good) as archive, pytest.raises(FileExistsError):
        archive.session_to(precious)
    assert precious.read_text() == "mine"
