"""What arrived and is not stored yet, on disk: written before the library can take the next event, kept until the app
says that it has it, and repeated by the next host otherwise.

A record is written by one `os.write`, which outlives this process at once; `sync` then makes it outlive the computer.
All but `append` is for one thread.
"""

from __future__ import annotations

import errno
import json
import os
import re
import struct
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.platform.files import DISK_FULL, open_binary, sync, write_atomic
from app.providers.whatsapp_web.protocol import SPOOL

_MARK: Final = b"\xc2SP1"
_HEAD: Final = struct.Struct("<4sII")  # mark, length of the rest, its CRC-32
_INNER: Final = struct.Struct("<QdH")  # number, when it was received, code
LARGEST: Final = 64 << 20
"""No record is longer: WhatsApp's frames end at 16 MiB, and neonize reports a message twice in one event."""


@dataclass(frozen=True, slots=True)
class SpoolRecord:
    """What the library, or we ourselves, reported: the code says what *payload* is."""

    number: int  # grows by one, from host to host
    received: float  # Unix time by this computer's clock
    code: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class CorruptRange:
    """Bytes that are no record, from *begin* to *end* of a file."""

    begin: int
    end: int


def pack_record(record: SpoolRecord) -> bytes:
    inner = _INNER.pack(record.number, record.received, record.code) + record.payload
    return _HEAD.pack(_MARK, len(inner), zlib.crc32(inner)) + inner


def unpack(data: bytes, at: int = 0) -> tuple[SpoolRecord, int] | None:
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
    return SpoolRecord(number, received, code, bytes(inner[_INNER.size :])), end


def iter_records(data: bytes) -> Iterator[tuple[SpoolRecord | CorruptRange, int]]:
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
        yield CorruptRange(at, end), end
        at = end


ROTATE_AT: Final = 1 << 20
ENOUGH: Final = 256 << 10  # bytes read at a time
RESERVE: Final = 1 << 20
"""Bytes kept for the moment when the disk is full: what is on its way then fits into them."""

_NAME: Final = re.compile(r"(\d{20})-.*\.spool")


@dataclass(slots=True)
class _Segment:
    path: Path
    last: int  # the number of its last record, or of the one before it
    size: int = 0


class SessionSpool:
    """An append-only queue in numbered files."""

    def __init__(
        self,
        folder: Path,
        session: str,
        *,
        note: Callable[[str], None],
        rotate_at: int = ROTATE_AT,
        reserve: int = RESERVE,
    ) -> None:
        """Open what is there, set damage aside, and begin a new file for the records of *session*."""
        self._place = folder / SPOOL
        self._quarantine = folder / "quarantine"
        self._session = session
        self._note = note
        self._rotate_at = rotate_at
        self._reserve_size = reserve
        self._writing = threading.Lock()
        self.full = False  # the reserve had to be used: no more should be let in
        self._place.mkdir(mode=0o700, exist_ok=True)
        self.confirmed = self._read_mark()
        self._ahead: deque[SpoolRecord] = deque()
        self._unread = deque(self._recover())
        self._offset = 0  # in the first of them
        self._done: deque[_Segment] = deque()  # read to the end, waiting to be confirmed
        self._handed = self.confirmed
        self._last = self._synced = max(self.confirmed, *(old.last for old in self._unread), 0)
        self.replayed_to = self._last  # up to here, a former host kept it
        self._keep_reserve()
        self._active, self._descriptor = self._begin()
        self._unread.append(self._active)

    # --- writing: on threads of the library -----------------------------------------------------------------------

    def append(self, code: int, payload: bytes) -> int:
        """Write one record; returns its number. Raises `OSError` when it cannot be kept."""
        with self._writing:
            number = self._last + 1
            raw = pack_record(SpoolRecord(number, time.time(), code, payload))
            try:
                self._write(raw)
            except OSError as error:
                if error.errno not in DISK_FULL or self.full:
                    raise
                self.full = True
                with suppress(FileNotFoundError):
                    (self._place / "reserve").unlink()
                self._write(raw)
            self._last = self._active.last = number
            self._active.size += len(raw)
            return number

    def _write(self, raw: bytes) -> None:
        rest = raw
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            os.ftruncate(self._descriptor, self._active.size)  # not half a record in front of the next one
            raise

    def close(self) -> None:
        """Make what was appended outlive a power cut, and write no more: `append` raises `OSError` from now on."""
        with self._writing:
            descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.fsync(descriptor)
            os.close(descriptor)

    # --- reading: on one thread -----------------------------------------------------------------------------------

    def sync(self) -> None:
        """Make everything that was appended outlive a power cut: only such records are read."""
        with self._writing:
            last = self._last
        if last > self._synced:
            os.fsync(self._descriptor)
            self._synced = last

    def read(self, most: int) -> Sequence[SpoolRecord]:
        """The next records, *most* at most, each once."""
        while not self._ahead and self._handed < self._synced:
            self._read_ahead()
        records: list[SpoolRecord] = []
        size = 0
        while self._ahead and len(records) < most and size < ENOUGH:
            records.append(self._ahead.popleft())
            size += len(records[-1].payload)
        if records:
            self._handed = records[-1].number
        return records

    def unconfirmed(self) -> Iterator[SpoolRecord]:
        """All that former hosts left, without moving on to it."""
        for segment in list(self._unread)[:-1]:
            yield from self._records(segment)

    def confirm(self, up_to: int) -> None:
        """Records up to this number are stored elsewhere: forget them as soon as their whole file can go."""
        up_to = min(up_to, self._handed)
        if up_to > self.confirmed:
            self.confirmed = up_to
            self._write_mark()
        if not self._emptied() and self._active.size >= self._rotate_at:
            self._rotate()
        while self._done and self._done[0].last <= self.confirmed:
            self._done.popleft().path.unlink(missing_ok=True)

    def _emptied(self) -> bool:
        """Forget what the file in use holds, once all of it is stored elsewhere: words must not outlive an erasure."""
        with self._writing:
            if self.confirmed < self._last:
                return False
            if self._active.size:
                os.ftruncate(self._descriptor, 0)
                self._active.size = self._offset = 0
            return True

    def _read_ahead(self) -> None:
        segment = self._unread[0]
        if segment is not self._active:
            begin, self._offset = self._offset, 0
            self._ahead.extend(self._records(segment, begin))
            self._done.append(self._unread.popleft())
            return
        begin, size = self._offset, segment.size
        with segment.path.open("rb") as file:
            file.seek(begin)
            data = file.read(size - begin)
        for found, end in iter_records(data):
            if isinstance(found, CorruptRange):
                raise OSError(errno.EIO, "the spool does not hold what was written to it", str(segment.path))
            if found.number > self._synced:
                break
            self._ahead.append(found)
            self._offset = begin + end
        if not self._ahead:
            raise OSError(errno.EIO, "the spool lost what was written to it", str(segment.path))

    def _records(self, segment: _Segment, begin: int = 0) -> Iterator[SpoolRecord]:
        for found, _ in iter_records(segment.path.read_bytes()[begin:]):
            if isinstance(found, SpoolRecord) and found.number > self.confirmed:
                yield found

    # --- files ----------------------------------------------------------------------------------------------------

    def _begin(self) -> tuple[_Segment, int]:
        first = self._last + 1  # or later by the time it is used: the name is for the order
        path = self._place / f"{first:020d}-{self._session}.spool"
        descriptor = open_binary(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        sync(self._place)
        return _Segment(path, 0), descriptor

    def _rotate(self) -> None:
        try:
            fresh, open_for_it = self._begin()
        except OSError:
            return  # no room for another file: this one goes on
        with self._writing:
            filled, descriptor = self._active, self._descriptor
            fresh.last = filled.last
            self._active, self._descriptor = fresh, open_for_it
            self._unread.append(fresh)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._synced = filled.last
        if self._handed == filled.last and not self._ahead:
            self._offset = 0
            self._unread.popleft()
            self._done.append(filled)

    def _recover(self) -> Iterator[_Segment]:
        for path in sorted(self._place.glob("*.spool")):
            if _NAME.fullmatch(path.name) is None:
                continue
            data, last = path.read_bytes(), 0
            for found, _ in iter_records(data):
                if isinstance(found, CorruptRange):
                    self._set_aside(path, data, found)
                else:
                    last = max(last, found.number)
            if last <= self.confirmed:  # also an empty one, and one that is damaged from end to end
                path.unlink()
                continue
            yield _Segment(path, last, len(data))

    def _set_aside(self, path: Path, data: bytes, damage: CorruptRange) -> None:
        """Keep the bytes nobody can read, with a note: never deleted, never handed on."""
        self._quarantine.mkdir(mode=0o700, exist_ok=True)
        kept = self._quarantine / f"{path.name}-{damage.begin}.bytes"
        if kept.exists():
            return
        why = "a record that was not written to its end" if damage.end == len(data) else "damaged"
        write_atomic(kept, data[damage.begin : damage.end])
        note = {"file": path.name, "begin": damage.begin, "end": damage.end, "why": why, "at": time.time()}
        write_atomic(kept.with_name(kept.name + ".json"), json.dumps(note, indent=1).encode())
        self._note(f"{damage.end - damage.begin} bytes of {path.name} were {why}, and set aside")

    def set_aside_record(self, record: SpoolRecord, why: str) -> None:
        """Keep a record that nobody understood, with a note."""
        self._quarantine.mkdir(mode=0o700, exist_ok=True)
        kept = self._quarantine / f"spool-record-{record.number:020d}.bytes"
        write_atomic(kept, pack_record(record))
        note = {"number": record.number, "code": record.code, "why": why, "at": time.time()}
        write_atomic(kept.with_name(kept.name + ".json"), json.dumps(note, indent=1).encode())
        self._note(f"record {record.number} was not understood, and set aside: {why}")

    def _keep_reserve(self) -> None:
        reserve = self._place / "reserve"
        if not reserve.exists() or reserve.stat().st_size < self._reserve_size:
            write_atomic(reserve, bytes(self._reserve_size))

    def _read_mark(self) -> int:
        try:
            return int((self._place / "confirmed").read_text())
        except (FileNotFoundError, ValueError):
            return 0  # everything is repeated, which the history knows how to take

    def _write_mark(self) -> None:
        # Without `fsync`, and on a full disk not at all: a mark that is lost costs a repetition.
        with suppress(OSError):
            descriptor = open_binary(self._place / "confirmed", os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, f"{self.confirmed:020d}\n".encode())
            finally:
                os.close(descriptor)
