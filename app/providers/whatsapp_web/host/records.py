"""How one thing that happened lies in a file of the spool, and how it is found again beside damage."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_MARK: Final = b"\xc2SP1"
_HEAD: Final = struct.Struct("<4sII")  # mark, length of the rest, its CRC-32
_INNER: Final = struct.Struct("<QdH")  # number, when it was received, code
LARGEST: Final = 64 << 20
"""No record is longer: WhatsApp's frames end at 16 MiB, and neonize reports a message twice in one event."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the library, or we ourselves, reported: the code says what *payload* is."""

    number: int  # grows by one, from host to host
    received: float  # Unix time by this computer's clock
    code: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record, from *begin* to *end* of a file."""

    begin: int
    end: int


def pack(record: Record) -> bytes:
    inner = _INNER.pack(record.number, record.received, record.code) + record.payload
    return _HEAD.pack(_MARK, len(inner), zlib.crc32(inner)) + inner


def unpack(data: bytes, at: int = 0) -> tuple[Record, int] | None:
    """The record that begins at *at*, and where the next one begins; None when there is no whole one."""
    if len(data) < at + _HEAD.size:
        return None
    mark, size, checksum = _HEAD.unpack_from(data, at)
    begin, end = at + _HEAD.size, at + _HEAD.size + size
    if mark != _MARK or not _INNER.size <= size <= LARGEST or end > len(data):
        return None
    inner = memoryview(data)[begin:end]
    if zlib.crc32(inner) != checksum:
        return None
    number, received, code = _INNER.unpack_from(inner)
    return Record(number, received, code, bytes(inner[_INNER.size :])), end


def scan(data: bytes) -> Iterator[tuple[Record | Damage, int]]:
    """Everything in a file's *data*, each with where it ends; what follows damage is found by its mark."""
    at = 0
    while at < len(data):
        found = unpack(data, at)
        if found is not None:
            yield found
            at = found[1]
            continue
        again = at + 1
        while (again := data.find(_MARK, again)) >= 0 and unpack(data, again) is None:
            again += 1
        end = len(data) if again < 0 else again
        yield Damage(at, end), end
        at = end
