"""Reads one backup, which may come from anywhere: nothing it says is believed before it was checked. Blocks.

Nothing is unpacked by a name the archive gives: there are four names it may hold, each once, and a path of ours for the
one that is written out.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, cast

from app.domain.errors import Problem, ProblemCode
from app.domain.repositories import RowsCheck
from app.formats.backup_manifest import (
    HISTORY,
    LARGEST,
    MANIFEST,
    SESSION,
    Label,
    ManifestError,
    parsed,
    read_label,
    read_manifest,
)
from app.formats.backup_writer import counted
from app.formats.encryption import (
    HEAD,
    MAGIC,
    EncryptedReader,
    words_in,
)
from app.platform.files import private

PIECE: Final = 1 << 16
_PIECE_OF_FILE: Final = 1 << 20
LONGEST_ROW: Final = 10 << 20
"""Bytes. What comes over a wire has at most 4 MB, and a message that was edited has two texts."""

_BATCH_ROWS: Final = 1000
_BATCH_BYTES: Final = 1 << 20
"""A batch ends with the first of the two, so that its rows take little memory whatever is in them."""

_PLAIN_ROW: Final = 1 << 14
"""Bytes up to which a row takes little memory whatever is in it."""

_MOST_STRUCTURE: Final = 1 << 17
"""Bytes of a row outside its texts: room for a contact with thousands of addresses."""

_RATIO: Final = 200
"""So many times its packed size a file may have; words come to 5 to 25, and a bomb to 1000."""

_SMALL: Final = 256 << 20
"""Bytes below which the ratio does not matter: somebody may have sent the same long text a thousand times, and what is
read piece by piece does no harm."""
_BESIDE: Final = 1 << 12
"""Bytes of an archive that may lie between its files: their heads, and where they were written into a stream."""

_AT_ONCE: Final = 1 << 17  # more is never read into memory, whatever the list of files says of its size

_WRONG: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,  # a ZIP's own encryption, recursion, and methods nobody implemented
    ValueError,  # texts that are none, too
    LookupError,
    TypeError,
    AttributeError,  # an object that should be a list, or the reverse
    OverflowError,
)
"""What reading leads to that was made to mislead. None of it is a bug of ours: it is the file's."""

Progress = Callable[[int], None]


class BackupReader:
    """An archive that is open. Raises `Problem` for what is not right, wherever it turns out."""

    def __init__(self, path: Path, *, passphrase: str = "", copy: Path | None = None) -> None:
        """*copy* is read if there is one; *path* is what messages name."""
        self.path = path
        self._file = copy or path
        self._passphrase = passphrase
        self._stack = ExitStack()

    def open(self) -> None:
        """Read the list of files and the manifest; nothing else is known to be right yet."""
        with ExitStack() as stack, self._readable():
            file = stack.enter_context(_open_plain(self._file))
            self.encrypted = file.read(len(MAGIC)) == MAGIC
            file.seek(0)
            source = EncryptedReader(file, self.path, self._passphrase) if self.encrypted else file
            self._zip = stack.enter_context(zipfile.ZipFile(cast("IO[bytes]", _Portioned(source))))
            self._entries = self._check_names(self._zip.infolist())
            self.manifest = read_manifest(self._read_small(MANIFEST), self.path)
            self._compare()
            self._stack = stack.pop_all()

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> BackupReader:
        self.open()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.close()

    def rows(self, check: RowsCheck, progress: Progress = lambda _bytes: None) -> Iterator[list[dict[str, Any]]]:
        """The rows of the history, in batches that passed *check*, which is a new one for each time through.

        Only after the last batch it is known that none was altered. Whoever merges a history reads it by this, and
        whoever says that it can be merged: so what was verified can be restored.
        """
        for batch in self._batches(progress):
            with about(self.path):
                check(batch)
                _require_past(batch, self.manifest.head.at)
            yield batch

    def session_to(self, file: Path) -> None:
        """Write the session out to *file*, which must not be there yet. Raises `FileExistsError`."""
        with open(file, "xb", opener=private) as target:
            target.writelines(self._read_pieces(SESSION))

    def compare_sums(self, progress: Progress = lambda _bytes: None) -> None:
        """Read every file, and compare what it is with what the manifest says; what its rows say is not looked at."""
        for name in sorted(self.manifest.files):
            for piece in self._read_pieces(name):
                progress(len(piece))

    def verify(self, check: RowsCheck, progress: Progress = lambda _bytes: None) -> None:
        """Read everything and compare it with the manifest."""
        for name in sorted(self.manifest.files.keys() - {HISTORY}):
            for piece in self._read_pieces(name):
                progress(len(piece))
        for _ in self.rows(check, progress):
            pass

    @property
    def size(self) -> int:
        """Bytes that `verify` reads."""
        return sum(each.size for each in self.manifest.files.values())

    def _batches(self, progress: Progress) -> Iterator[list[dict[str, Any]]]:
        counts, declared = dict.fromkeys(("rows", "messages", "conversations", "contacts"), 0), self.manifest.counts
        batch: list[dict[str, Any]] = []
        size = 0
        for row, length in self._rows(progress):
            counts["rows"] += 1
            for name in counted(row):
                counts[name] += 1
            if counts["rows"] > declared.rows:
                break
            batch.append(row)
            size += length
            if len(batch) == _BATCH_ROWS or size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if any(getattr(declared, name) != count for name, count in counts.items()):
            raise self._altered_problem(HISTORY)
        if batch:
            yield batch

    def _rows(self, progress: Progress) -> Iterator[tuple[dict[str, Any], int]]:
        """The rows, and the bytes that each has."""
        with self._readable():
            pieces = _Pieces(self._read_pieces(HISTORY))
            with io.BufferedReader(pieces, PIECE) as lines:
                while line := lines.readline(LONGEST_ROW):
                    if not line.endswith(b"\n"):
                        raise ManifestError("a row without its end")
                    if len(line) > _PLAIN_ROW:
                        _require_plain(line)
                    progress(len(line))
                    yield parsed(line), len(line)

    def _read_small(self, name: str) -> bytes:
        """A small file. The module for ZIPs would unpack all there is, and then cut it off."""
        with self._zip.open(self._entries[name]) as file:
            return file.read(LARGEST[name] + 1)

    def _read_pieces(self, name: str) -> Iterator[bytes]:
        """What is in a file, whole and as it was; after the last piece, its sum was compared."""
        declared, sum_, size = self.manifest.files[name], hashlib.sha256(), 0
        with self._readable(), self._zip.open(self._entries[name]) as file:
            while piece := file.read(PIECE):
                size += len(piece)
                sum_.update(piece)
                yield piece
        if (size, sum_.hexdigest()) != (declared.size, declared.sha256):
            raise self._altered_problem(name)

    def _check_names(self, found: list[zipfile.ZipInfo]) -> Mapping[str, zipfile.ZipInfo]:
        """Return the files by name, if they are those an archive may hold."""
        entries = {each.filename: each for each in found if each.filename in LARGEST}
        if len(entries) != len(found) or MANIFEST not in entries:
            raise ManifestError("other files than those of a backup")
        for name, each in entries.items():
            kind = stat.S_IFMT(each.external_attr >> 16)
            if kind not in (0, stat.S_IFREG) or each.flag_bits & 0x1:
                raise ManifestError("a link, or locked by itself")
            if each.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ManifestError("packed in another way")
            if each.file_size > LARGEST[name]:
                raise ManifestError("larger than a backup can be")
            if each.file_size > max(_SMALL, each.compress_size * _RATIO):
                raise ManifestError("packed more than words can be")
        before = min(each.header_offset for each in found)
        if before or self._zip.start_dir > sum(each.compress_size for each in found) + _BESIDE:
            raise ManifestError("something else before or between its files")  # it would be copied, however large
        return entries

    def _compare(self) -> None:
        """Compare the manifest with the list of files."""
        declared = {name: each.size for name, each in self.manifest.files.items()}
        if declared != {name: each.file_size for name, each in self._entries.items() if name != MANIFEST}:
            raise self._altered_problem(MANIFEST)
        if (self.manifest.account is not None) != (SESSION in declared):
            raise self._altered_problem(SESSION)

    def _altered_problem(self, name: str) -> Problem:
        return Problem(ProblemCode.BACKUP_ALTERED, path=str(self.path), detail=name)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except _WRONG as error:
            raise _unreadable(self.path, error) from error


def read_label_of(path: Path) -> Label:
    """Read the summary of an archive. Raises `Problem`."""
    try:
        with _open_plain(path) as file:
            head = file.read(HEAD)
        if head.startswith(MAGIC):
            return read_label(words_in(head, path), path)
    except _WRONG as error:
        raise _unreadable(path, error) from error
    with BackupReader(path) as archive:
        return Label(archive.manifest.head.procedure, archive.manifest.info(path, encrypted=False))


class _Portioned(io.RawIOBase):
    """A file that returns at most a fixed number of bytes per read: ``zipfile`` would read as much as an archive tells
    it to."""

    def __init__(self, file: Any) -> None:
        self._file = io.BufferedReader(file, PIECE) if isinstance(file, io.RawIOBase) else file

    def read(self, size: int | None = -1) -> bytes:
        found: bytes = self._file.read(_AT_ONCE + 1 if size is None or not 0 <= size <= _AT_ONCE else size)
        if len(found) > _AT_ONCE:
            raise ManifestError("a list of files without end")
        return found

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        at: int = self._file.seek(offset, whence)
        return at

    def tell(self) -> int:
        at: int = self._file.tell()
        return at


class _Pieces(io.RawIOBase):
    """The pieces of a file, as a file again."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._read_pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._left = self._left or next(self._read_pieces, b"")
        some, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(some)] = some
        return len(some)


def _require_plain(line: bytes) -> None:
    """Raises `ManifestError` for a row of a thousand lists, each of which takes twenty times its letters in memory."""
    bare = line.replace(b"\\\\", b"").replace(b'\\"', b"")  # what is left of quotation marks begins and ends texts
    outside = len(bare) if bare.count(b'"') > _MOST_STRUCTURE else sum(map(len, bare.split(b'"')[::2]))
    if outside > _MOST_STRUCTURE:
        raise ManifestError("a row of more than a message has")


def _require_past(batch: Sequence[Mapping[str, Any]], taken_at: datetime) -> None:
    """Refuse erasures dated after the backup: they would suppress messages that are still to come."""
    for row in batch:
        if row["kind"] == "suppression" and datetime.fromisoformat(row["erased_at"]) > taken_at:
            raise Problem(ProblemCode.BACKUP_ALTERED, path="", detail=HISTORY, why="an erasure dated after the backup")


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Report errors in a row as errors in its file."""
    try:
        yield
    except Problem as problem:
        if problem.code is not ProblemCode.BACKUP_ALTERED:
            raise
        raise Problem(problem.code, **{**problem.context, "path": str(path)}) from problem


def pieces(path: Path) -> Iterator[bytes]:
    """The file at *path*, as large as it is now. Raises `Problem` when it cannot be read."""
    try:
        with _open_plain(path) as file:
            left = os.fstat(file.fileno()).st_size  # one that grows meanwhile has no end
            while piece := file.read(min(left, _PIECE_OF_FILE)):
                yield piece
                left -= len(piece)
    except OSError as error:
        raise _unreadable(path, error) from error


def _open_plain(path: Path) -> IO[bytes]:
    if not path.is_file():
        raise Problem(ProblemCode.BACKUP_UNREADABLE, path=str(path), detail="not a file")
    return path.open("rb")


def _unreadable(path: Path, error: Exception) -> Problem:
    """Build the problem without repeating anything the file contains."""
    detail = str(error) if isinstance(error, ManifestError) else type(error).__name__
    return Problem(ProblemCode.BACKUP_UNREADABLE, path=str(path), detail=detail)
