"""Archives and encrypted files broken at random, and their heads: an error with a sentence, never a crash."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.names import MOST_NAME
from app.formats.backup_manifest import (
    HISTORY,
    MANIFEST,
    ManifestError,
    read_label,
)
from app.formats.backup_reader import read_label_of
from app.formats.encryption import (
    HEAD,
    PIECE,
    EncryptedReader,
    EncryptedWriter,
)
from tests.core.hostile_archives import (
    read,
    refusal,
    tree,
)
from tests.core.secret_store import PHRASE

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
