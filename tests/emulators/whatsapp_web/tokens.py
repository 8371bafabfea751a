"""The dictionaries of binary XML, by the version that a client announces in its connection header.

Version 3 is read from the installed client and not kept here. No installed package has version 2 (Baileys 6): its
words are in ``dictionary_2.txt``, with their source and licence.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.emulators.whatsapp_web.installed import library_path

_SINGLE_COUNT: Final = 236
_DOUBLE_COUNT: Final = 256
_DICTIONARIES: Final = 4
_RELATIVE: Final = frozenset({8, 1027})  # R_X86_64_RELATIVE, R_AARCH64_RELATIVE
_LOAD: Final = 1
_RELA: Final = 4
_HEADER: Final = 16  # a Go string is a pointer and a length
_SLICE: Final = 24  # a Go slice is a pointer, a length and a capacity
_VERSION_2: Final = Path(__file__).with_name("dictionary_2.txt")
_LIST_MARK: Final = "== "


@dataclass(frozen=True, slots=True)
class Tokens:
    """Every word that travels as one byte (index into *single*) or two (which dictionary, index in it)."""

    single: tuple[str, ...]
    double: tuple[tuple[str, ...], ...]

    def index(self) -> dict[str, bytes]:
        """What each word is on the wire."""
        found: dict[str, bytes] = {}
        for number, words in enumerate(self.double):
            found.update(
                {word: bytes((_SINGLE_COUNT + number, position)) for position, word in enumerate(words) if word}
            )
        found.update({word: bytes((position,)) for position, word in enumerate(self.single) if word})
        return found


@cache
def installed_tokens() -> Tokens:
    """The dictionaries of the installed client; about a tenth of a second, once per process."""
    return read_tokens(library_path())


@cache
def tokens_by_version() -> Mapping[int, Tokens]:
    """The dictionaries of every version that clients announce."""
    return MappingProxyType({2: read_word_lists(_VERSION_2), 3: installed_tokens()})


def read_word_lists(file: Path) -> Tokens:
    """Read dictionaries from a text *file*: words between spaces, each list after a line that begins with ``==``."""
    lists: list[list[str]] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith(_LIST_MARK):
            lists.append([])
        elif lists:
            lists[-1] += line.split()
    single, *double = (tuple(words) for words in lists)
    return Tokens(("", *single), tuple(double))


def read_tokens(library: Path) -> Tokens:
    """Find the dictionaries in *library* by two neighbours of each kind that every version has had."""
    image = _Image(library.read_bytes())
    first = image.strings_starting_with("xmlstreamstart", "xmlstreamend")
    single = image.strings(first - _HEADER, _SINGLE_COUNT)
    lists = image.pointer_to(image.strings_starting_with("read-self", "active"))
    double = tuple(
        image.strings(image.pointers[lists + number * _SLICE], _DOUBLE_COUNT) for number in range(_DICTIONARIES)
    )
    return Tokens(single, double)


class _Image:
    """A position-independent ELF file with 64-bit words, as the loader would see it at address zero."""

    def __init__(self, raw: bytes) -> None:
        if raw[:5] != b"\x7fELF\x02":
            raise ValueError("the dictionaries can only be read from a 64-bit ELF library")
        self._raw = raw

    @cached_property
    def _segments(self) -> tuple[tuple[int, int, int], ...]:
        """(address, size in the file, offset in the file) of what gets loaded."""
        table, size, count = self._header(0x20, 0x36)
        rows = (struct.unpack_from("<IIQQQQQQ", self._raw, table + number * size) for number in range(count))
        return tuple((row[3], row[5], row[2]) for row in rows if row[0] == _LOAD)

    @cached_property
    def pointers(self) -> dict[int, int]:
        """Where the loader writes an address, and which: pointers are empty in the file itself."""
        return dict(self._relocations())

    def strings(self, address: int, count: int) -> tuple[str, ...]:
        """The Go array of *count* strings at *address*."""
        return tuple(self._string(address + number * _HEADER) for number in range(count))

    def strings_starting_with(self, word: str, following: str) -> int:
        """The address of the one array that holds *word* and then *following*."""
        for at in self._places(word):
            try:
                if self.strings(at, 2) == (word, following):
                    return at
            except (KeyError, ValueError):
                continue
        raise LookupError(f"no array with {word!r} and {following!r} in the library")

    def pointer_to(self, address: int) -> int:
        """Where the dictionaries' own table starts: the first pointer to *address* with their length beside it."""
        for at, target in self.pointers.items():
            if target == address and self._word(at + 8) == _DOUBLE_COUNT:
                return at
        raise LookupError("no table of dictionaries in the library")

    def _places(self, word: str) -> Iterator[int]:
        raw = word.encode()
        return (
            at
            for at, target in self.pointers.items()
            if (offset := self._offset(target)) is not None and self._raw.startswith(raw, offset)
        )

    def _string(self, address: int) -> str:
        length = self._word(address + 8)
        if not length:
            return ""
        offset = self._offset(self.pointers[address])
        if offset is None or length > 100:
            raise ValueError("not a string")
        return self._raw[offset : offset + length].decode()

    def _word(self, address: int) -> int:
        offset = self._offset(address)
        return 0 if offset is None else int(struct.unpack_from("<Q", self._raw, offset)[0])

    def _offset(self, address: int) -> int | None:
        for start, size, offset in self._segments:
            if start <= address < start + size:
                return address - start + offset
        return None

    def _relocations(self) -> Iterator[tuple[int, int]]:
        table, size, count = self._header(0x28, 0x3A)
        for number in range(count):
            section = struct.unpack_from("<IIQQQQ", self._raw, table + number * size)
            if section[1] == _RELA:
                body = self._raw[section[4] : section[4] + section[5]]
                for where, info, addend in struct.iter_unpack("<QQQ", body):
                    if info & 0xFFFFFFFF in _RELATIVE:
                        yield where, addend

    def _header(self, table_at: int, size_at: int) -> tuple[int, int, int]:
        (table,) = struct.unpack_from("<Q", self._raw, table_at)
        size, count = struct.unpack_from("<HH", self._raw, size_at)
        return table, size, count
