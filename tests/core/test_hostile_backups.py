"""Archives from outside: an error with a sentence, never a crash, never a write outside the target."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.names import MOST_NAME
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureId
from app.formats.backup_manifest import (
    HISTORY,
    MANIFEST,
    SESSION,
    SETTINGS,
    BackupHead,
    ManifestError,
    read_label,
)
from app.formats.backup_reader import BackupReader, read_label_of
from app.formats.backup_writer import ArchiveWriter
from app.formats.encryption import (
    HEAD,
    PIECE,
    EncryptedReader,
    EncryptedWriter,
)
from app.storage.history.dump_rows import DumpCheck
from tests.clock import DAWN
from tests.core.secret_store import KEYS, PHRASE
from tests.storage.test_history_transfer import CONTACT, MESSAGE, TALK

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


@pytest.fixture
def good(fast_dir: Path) -> Path:
    return archive_at(fast_dir / "good.conecta")


@pytest.fixture
def locked(fast_dir: Path) -> Path:
    return archive_at(fast_dir / "locked.conecta", passphrase=PHRASE)


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
        (in_manifest(schema=2), ProblemCode.BACKUP_NEWER),
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


def test_a_bomb_is_refused_before_any_of_it_is_unpacked(good: Path) -> None:
    def bomb(files: dict[str, bytes]) -> None:
        files[HISTORY] = b" " * (257 << 20)

    packed_anew(good, bomb)
    assert good.stat().st_size < 1 << 20
    assert refusal(good) is ProblemCode.BACKUP_UNREADABLE
    with pytest.raises(Problem, match="packed more than words can be"), BackupReader(good):
        pass


def test_a_row_without_end_is_not_taken_into_memory(good: Path) -> None:
    packed_anew(good, lambda files: files.update({HISTORY: b" " * (64 << 20)}))
    assert refusal(good) is ProblemCode.BACKUP_UNREADABLE


def test_the_same_long_text_over_and_over_is_no_bomb(good: Path) -> None:
    row = json.dumps({**MESSAGE, "text": "a" * 60_000}).encode() + b"\n"
    people = b"".join(json.dumps(each).encode() + b"\n" for each in (CONTACT, TALK))
    manifest: Change = in_manifest(counts={"rows": 502, "messages": 500, "conversations": 1, "contacts": 1})
    packed_anew(good, lambda files: (files.update({HISTORY: people + row * 500}), manifest(files)))
    assert good.stat().st_size < 200_000
    read(good)


# --- however much is in it, little of it is in memory at once ---------------------------------------------------------

LEAST: Final = 48 << 20
"""Bytes that each of these would take if its numbers were believed; most would take hundreds of megabytes."""


def many_lists(files: dict[str, bytes]) -> None:
    files[HISTORY] = b'{"kind":"message","x":[' + b"[]," * (2 << 20) + b"0]}\n"


def many_numbers(files: dict[str, bytes]) -> None:
    files[HISTORY] = b'{"kind":"message","x":[' + b"1.5," * (2 << 20) + b"0]}\n"


def many_texts(files: dict[str, bytes]) -> None:
    files[HISTORY] = b'{"kind":"message","x":["\\""' + b',"\\\\ab"' * (1 << 20) + b"]}\n"


def many_names(files: dict[str, bytes]) -> None:
    files[HISTORY] = b'{"kind":"message"' + b"".join(b',"%07d":1' % number for number in range(800_000)) + b"}\n"


def deep_lists(files: dict[str, bytes]) -> None:
    files[HISTORY] = b'{"kind":"message","x":' + b"[" * (4 << 20) + b"]" * (4 << 20) + b"}\n"


def a_long_number(files: dict[str, bytes]) -> None:
    files[HISTORY] = b'{"kind":"message","x":' + b"9" * (8 << 20) + b"}\n"


def a_long_row(files: dict[str, bytes]) -> None:
    files[HISTORY] = b'{"kind":"message","x":"' + b"a" * (48 << 20) + b'"}\n'


def long_rows(files: dict[str, bytes]) -> None:
    row = json.dumps({**MESSAGE, "text": "a" * (3 << 20)}).encode() + b"\n"
    files[HISTORY] = b"".join(json.dumps(each).encode() + b"\n" for each in (CONTACT, TALK)) + row * 20
    in_manifest(counts={"rows": 22, "messages": 20, "conversations": 1, "contacts": 1})(files)


@pytest.mark.parametrize(
    "change", [many_lists, many_numbers, many_texts, many_names, deep_lists, a_long_number, a_long_row, long_rows]
)
def test_a_small_archive_does_not_take_a_large_memory(good: Path, change: Change) -> None:
    """ "A 245 KB backup takes 6 GB of memory in verify and restore." """
    packed_anew(good, change)
    taken = memory_for(lambda: read(good), refused=change is not long_rows)
    assert taken < LEAST


def test_a_manifest_is_not_unpacked_beyond_its_size(good: Path) -> None:
    """What the list of files says of it is a lie: its 40 KB become 40 MB."""
    packed_anew(good, lambda files: files.update({MANIFEST: files[MANIFEST] + b" " * (40 << 20)}), summed=False)
    with zipfile.ZipFile(good) as archive:
        (at,) = [number for number, name in enumerate(archive.namelist()) if name == MANIFEST]
    content, entry = bytearray(good.read_bytes()), -1
    for _ in range(at + 1):
        entry = content.index(b"PK\x01\x02", entry + 1)
    struct.pack_into("<I", content, entry + 24, 60_000)
    good.write_bytes(content)
    assert memory_for(lambda: read(good), refused=True) < 4 << 20


def memory_for(call: Callable[[], object], *, refused: bool) -> int:
    """The most bytes that were taken at once."""
    tracemalloc.start()
    try:
        with pytest.raises(Problem) if refused else nullcontext():
            call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_contact_with_thousands_of_addresses_is_read(good: Path) -> None:
    """As is a text full of quotation marks and brackets."""
    contact = {**CONTACT, "addresses": [["lid", f"{number:015}"] for number in range(5_000)]}
    odd = {**MESSAGE, "text": '["\\", {"a": "b\\\\"}]\n' * 20_000}
    content = b"".join(json.dumps(each).encode() + b"\n" for each in (contact, TALK, odd))
    manifest: Change = in_manifest(counts={"rows": 3, "messages": 1, "conversations": 1, "contacts": 1})
    packed_anew(good, lambda files: (files.update({HISTORY: content}), manifest(files)))
    read(good)


def test_a_list_of_files_that_is_larger_than_the_memory_should_be_is_not_read(fast_dir: Path) -> None:
    file = fast_dir / "long.conecta"
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(30_000):
            archive.writestr(f"{number:060}", b"")
    with pytest.raises(Problem, match="without end"):
        read(file)


def test_a_size_that_lies_is_found_out(good: Path) -> None:
    content = bytearray(good.read_bytes())
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 1 << 29)  # the first file's, in the list
    good.write_bytes(content)
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


# --- locked ones -----------------------------------------------------------------------------------------------------


def test_a_head_that_was_altered_does_not_open(locked: Path) -> None:
    content = bytearray(locked.read_bytes())
    at = content.index(b"Ana Lima")
    content[at : at + 3] = b"Eva"
    locked.write_bytes(content)
    assert refusal(locked, passphrase=PHRASE) is ProblemCode.BACKUP_LOCKED
    assert read_label_of(locked).info.name == "Eva Lima"  # nobody vouches for it


@pytest.mark.parametrize(
    ("at", "value", "code"),
    [
        (16, 2, ProblemCode.BACKUP_NEWER),  # the version
        (17, 40, ProblemCode.BACKUP_UNREADABLE),  # a cost that would take all the memory there is
        (17, 0, ProblemCode.BACKUP_UNREADABLE),
        (41, 255, ProblemCode.BACKUP_UNREADABLE),  # more words than there is room for
    ],
)
def test_a_head_that_asks_too_much_is_refused(locked: Path, at: int, value: int, code: ProblemCode) -> None:
    content = bytearray(locked.read_bytes())
    content[at] = value
    locked.write_bytes(content)
    assert refusal(locked, passphrase=PHRASE) is code


@pytest.mark.parametrize("words", [b"", b"[]", b"{}", b"\xff"])
def test_words_in_the_clear_that_are_none_are_refused(fast_dir: Path, words: bytes) -> None:
    path = fast_dir / "x.conecta"
    with path.open("wb") as file:
        EncryptedWriter(file, PHRASE, 1).finish(words)
    with pytest.raises(Problem) as problem:
        read_label_of(path)
    assert problem.value.code is ProblemCode.BACKUP_UNREADABLE
    assert refusal(path, passphrase=PHRASE) is ProblemCode.BACKUP_UNREADABLE


def test_words_are_never_longer_than_the_head(fast_dir: Path) -> None:
    with (fast_dir / "x").open("wb") as file, pytest.raises(ValueError, match="too long"):
        EncryptedWriter(file, PHRASE, 1).finish(b"x" * 1000)


SIZES = (0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_locked_in_pieces_comes_back_from_anywhere(fast_dir: Path, size: int) -> None:
    content, path = random.Random(size).randbytes(size), fast_dir / "x"  # noqa: S311 - the same in every run
    with path.open("wb") as file:
        locked = EncryptedWriter(file, PHRASE, 1)
        assert locked.writable()
        for start in range(0, size, 50_001):
            locked.write(content[start : start + 50_001])
        locked.finish(b"{}")
    with path.open("rb") as file:
        opened = EncryptedReader(file, path, PHRASE)
        assert io.BufferedReader(opened).read() == content
        for at in (0, 1, PIECE - 5, PIECE, size):
            opened.seek(at)
            assert opened.tell() == at
            assert opened.read(10) == content[at : at + 10][: PIECE - at % PIECE]
        assert opened.seek(-min(size, 3), os.SEEK_END) == size - min(size, 3)
        assert opened.seek(0, os.SEEK_CUR) == size - min(size, 3)
        with pytest.raises(ValueError, match="beginning"):
            opened.seek(-1)


def test_no_piece_can_be_left_out_moved_or_repeated(fast_dir: Path) -> None:
    path, piece = fast_dir / "x", PIECE + 16
    with path.open("wb") as file:
        locked = EncryptedWriter(file, PHRASE, 1)
        for letter in (b"a", b"b", b"c", b"d"):
            locked.write(letter * PIECE)
        locked.finish(b"{}")
    good = path.read_bytes()
    head, pieces = good[:HEAD], [good[at : at + piece] for at in range(HEAD, len(good), piece)]
    for order in ([0, 1, 2], [0, 2, 1, 3], [0, 1, 3], [1, 2, 3], [0, 1, 2, 3, 3], [0, 0, 1, 2, 3], [3]):
        path.write_bytes(head + b"".join(pieces[number] for number in order))
        with path.open("rb") as file, pytest.raises(Problem) as problem:
            EncryptedReader(file, path, PHRASE).read()
        assert problem.value.code is ProblemCode.BACKUP_UNREADABLE
    for end in (HEAD - 1, HEAD, HEAD + 10, HEAD + piece, len(good) - 1, len(good) - piece + 16):
        path.write_bytes(good[:end])
        with path.open("rb") as file, pytest.raises(Problem):
            EncryptedReader(file, path, PHRASE)


# --- ten thousand of them --------------------------------------------------------------------------------------------

ARCHIVES, LOCKED, MANIFESTS, HEADS, HISTORIES = 2_500, 1_200, 2_500, 1_200, 1_200
"""With 2,500 session files (tests/providers/whatsapp_web/test_session_copies.py) these are 11,100."""


def survived(path: Path, inputs: Iterator[bytes], look: Callable[[], object]) -> tuple[int, int]:
    """Give each input to *look*; returns how many were read, and how many refused."""
    allowed, fine, refused = set(tree(path.parent)), 0, 0
    for content in inputs:
        path.write_bytes(content)
        try:
            look()
        except Problem as problem:
            refused += 1
            assert problem.code.value.startswith("backup_"), problem  # noqa: PT017 - the point of it
        else:
            fine += 1
        assert set(tree(path.parent)) == allowed
    return fine, refused


def broken(good: bytes, count: int, seed: int, *, within: int | None = None) -> Iterator[bytes]:
    """*good* with bytes changed, cut off, put in, or put together with itself in another way."""
    dice = random.Random(seed)  # noqa: S311 - the same inputs in every run
    for _ in range(count):
        content = bytearray(good)
        end = within or len(content)
        match dice.randrange(8):
            case 0:
                del content[dice.randrange(len(content)) :]
            case 1:
                at = dice.randrange(end)
                content[at:at] = dice.randbytes(dice.randrange(1, 100))
            case 2:
                at = dice.randrange(end)
                del content[at : at + dice.randrange(1, 100)]
            case 3:
                start, at = dice.randrange(end), dice.randrange(end)
                content[at : at + 40] = content[start : start + 40]
            case 4:
                at = dice.randrange(max(1, end - 8))
                content[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\1\0\0\0"))
            case _:
                for _ in range(dice.choice((1, 1, 2, 5, 40))):
                    content[dice.randrange(end)] = dice.randrange(256)
        yield bytes(content)


def test_broken_archives(good: Path) -> None:
    fine, refused = survived(good, broken(good.read_bytes(), ARCHIVES, 1), lambda: read(good))
    assert fine + refused == ARCHIVES
    assert refused > ARCHIVES * 0.8


def test_broken_locked_archives(locked: Path) -> None:
    look = lambda: read(locked, passphrase=PHRASE)  # noqa: E731
    whole = locked.read_bytes()
    fine, refused = survived(locked, broken(whole, LOCKED, 2), look)
    assert fine + refused == LOCKED
    assert fine == sum(content == whole for content in broken(whole, LOCKED, 2))  # every byte is vouched for


def test_broken_heads(locked: Path) -> None:
    fine, refused = survived(locked, broken(locked.read_bytes()[: HEAD + 50], HEADS, 3), lambda: read_label_of(locked))
    assert fine + refused == HEADS
    assert refused > HEADS * 0.3


def test_broken_manifests(good: Path) -> None:
    with zipfile.ZipFile(good) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    inputs = (zipped({**files, MANIFEST: changed}) for changed in manifests(files[MANIFEST]))
    fine, refused = survived(good, inputs, lambda: read(good))
    assert fine + refused == MANIFESTS
    assert refused > MANIFESTS * 0.5


def test_broken_histories_whose_sums_are_right(good: Path) -> None:
    with zipfile.ZipFile(good) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    def inputs() -> Iterator[bytes]:
        for changed in broken(files[HISTORY], HISTORIES, 5):
            manifest = json.loads(files[MANIFEST])
            manifest["files"][HISTORY] = {"size": len(changed), "sha256": hashlib.sha256(changed).hexdigest()}
            yield zipped({**files, HISTORY: changed, MANIFEST: json.dumps(manifest).encode()})

    fine, refused = survived(good, inputs(), lambda: read(good))
    assert fine + refused == HISTORIES
    assert fine
    assert refused


def zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def manifests(good: bytes) -> Iterator[bytes]:
    """Half with broken bytes, half with values of another kind where JSON is right."""
    yield from broken(good, MANIFESTS // 2, 4)
    dice = random.Random(6)  # noqa: S311 - the same inputs in every run
    odd: tuple[Any, ...] = (
        None,
        True,
        -1,
        2**80,
        1.5,
        "",
        "x",
        "\ud800",
        "../..",
        [],
        {},
        [[]],
        "9" * 5000,
        {"size": []},
        float("inf"),
    )
    for _ in range(MANIFESTS - MANIFESTS // 2):
        plain = json.loads(good)
        place = dice.choice([plain, plain["files"], plain["files"][HISTORY], plain["counts"]])
        place[dice.choice([*place, "more"])] = dice.choice(odd)
        yield json.dumps(plain).encode()


def test_labels_that_are_none_are_misshapen() -> None:
    with pytest.raises(ManifestError):
        read_label(b'{"at": 1}'.replace(b"1", b'"2026-01-01T00:00:00"'), Path("x"))


def test_a_name_in_a_strangers_archive_is_bounded_and_steers_no_terminal(tmp_path: Path) -> None:
    (archive := tmp_path / "x").write_bytes(b"")
    name = "Ana\x1b]0;owned\x07\u202e " + "x" * 900
    label: dict[str, object] = {
        "at": "2026-01-01T00:00:00+00:00",
        "mentorado_id": "a" * 32,
        "procedure": "b" * 32,
        "name": name,
    }
    label |= {"provider": "whatsapp_web", "messages": 0, "conversations": 0}
    info = read_label(json.dumps(label).encode(), archive).info
    assert info.name.startswith("Ana␛]0;owned␇\ufffd x")
    assert len(info.name) == MOST_NAME
