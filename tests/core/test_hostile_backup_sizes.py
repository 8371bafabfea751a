"""Archives that lie about sizes: refused before they are believed, with little memory."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import pytest

from app.domain.errors import Problem, ProblemCode
from app.formats.backup_manifest import (
    HISTORY,
    MANIFEST,
)
from app.formats.backup_reader import BackupReader
from tests.core.hostile_archives import (
    Change,
    in_manifest,
    packed_anew,
    read,
    refusal,
)
from tests.storage.transfer import CONTACT, MESSAGE, TALK


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
