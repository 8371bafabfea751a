"""Locks with a passphrase: scrypt makes the key, AES-256-GCM locks the content; an archive's in pieces.

The pieces let an archive of any size be written and read with little memory. The nonce of each says which one it is
and whether it is the last, so none can be left out, moved or cut off unseen (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár, 2015). The head says in the clear how it was made and whose it is, so that archives can
be listed without their passphrases; it is authenticated with them.
"""

from __future__ import annotations

import io
import os
import struct
import unicodedata
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from app.domain.errors import Problem, ProblemCode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LEAST_LETTERS: Final = 12
COST: Final = 17
"""As a power of two: 128 MB and a third of a second for each guess."""

MAGIC: Final = b"CONECTA-BACKUP\0\n"
HEAD: Final = 1024
"""Bytes before the first piece."""

PIECE: Final = 64 * 1024

_VERSION: Final = 1
MAX_COST: Final = 18  # a forged head must not ask for all the memory there is
_FIXED: Final = struct.Struct(
    ">16sBB16s7sH"
)  # magic, version, cost, salt, beginning of the nonces, length of the words
_TAG: Final = 16
_LONGEST_WORDS: Final = HEAD - _FIXED.size - _TAG
_OPEN, _LAST, _OF_HEAD = 0, 1, 2
_PIECES: Final = 2**32 - 1
"""So many at most: 256 terabytes."""


class EncryptedWriter(io.RawIOBase):
    """A new file that locks what is written to it. `finish` writes the head; without it the file opens to nobody."""

    def __init__(self, file: IO[bytes], passphrase: str, cost: int = COST) -> None:
        salt = os.urandom(16)
        self._file = file
        self._salt, self._cost, self._nonce = salt, cost, os.urandom(7)
        self._cipher = passphrase_cipher(passphrase, salt, cost)
        self._waiting = bytearray()
        self._number = 0
        file.write(bytes(HEAD))

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._waiting += data
        while len(self._waiting) > PIECE:  # the last piece is known to be it only at the end
            self._lock(bytes(self._waiting[:PIECE]), _OPEN)
            del self._waiting[:PIECE]
        return len(data)

    def finish(self, words: bytes) -> None:
        """Write the last piece, and the head with its *words* in the clear."""
        self._lock(bytes(self._waiting), _LAST)
        if len(words) > _LONGEST_WORDS:
            raise ValueError("the words in the clear are too long")
        fixed = _FIXED.pack(MAGIC, _VERSION, self._cost, self._salt, self._nonce, len(words))
        header = (fixed + words).ljust(HEAD - _TAG, b"\0")
        self._file.seek(0)
        self._file.write(header + self._cipher.encrypt(_nonce(self._nonce, _PIECES, _OF_HEAD), b"", header))

    def _lock(self, piece: bytes, mark: int) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._nonce, self._number, mark), piece, None))
        self._number += 1


class EncryptedReader(io.RawIOBase):
    """What is in a locked file, to be read anywhere in it. Each piece is authenticated before any of it is given."""

    def __init__(self, file: IO[bytes], path: Path, passphrase: str) -> None:
        """Raises `Problem`, with BACKUP_LOCKED for another passphrase and for a head that was altered alike."""
        from cryptography.exceptions import InvalidTag

        self._file, self._path = file, path
        header = file.read(HEAD)
        cost, salt, self._nonce, _ = _parse_header(header, path)
        locked = file.seek(0, os.SEEK_END) - HEAD
        self._count = -(-locked // (PIECE + _TAG))
        self._size = locked - self._count * _TAG
        if not 0 < self._count <= _PIECES or self._size <= (self._count - 1) * PIECE - int(self._count == 1):
            raise Problem(ProblemCode.BACKUP_UNREADABLE, path=str(path), detail="truncated")
        if not passphrase:
            raise Problem(ProblemCode.BACKUP_LOCKED, path=str(path))
        self._cipher = passphrase_cipher(passphrase, salt, cost)
        try:
            self._cipher.decrypt(_nonce(self._nonce, _PIECES, _OF_HEAD), header[-_TAG:], header[:-_TAG])
        except InvalidTag:
            raise Problem(ProblemCode.BACKUP_LOCKED, path=str(path)) from None
        self._at = 0
        self._number, self._piece = -1, b""
        self._unlock(self._count - 1)  # is the end there?

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if at < 0:
            raise ValueError("before the beginning")
        self._at = at
        return at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at >= self._size:
            return 0
        number, within = divmod(self._at, PIECE)
        self._unlock(number)
        some = self._piece[within : within + len(buffer)]
        buffer[: len(some)] = some
        self._at += len(some)
        return len(some)

    def _unlock(self, number: int) -> None:
        from cryptography.exceptions import InvalidTag

        if number == self._number:
            return
        self._file.seek(HEAD + number * (PIECE + _TAG))
        mark = _LAST if number == self._count - 1 else _OPEN
        try:
            piece = self._cipher.decrypt(_nonce(self._nonce, number, mark), self._file.read(PIECE + _TAG), None)
        except InvalidTag:
            raise Problem(ProblemCode.BACKUP_UNREADABLE, path=str(self._path), detail="damaged") from None
        self._number, self._piece = number, piece


def words_in(head: bytes, path: Path) -> bytes:
    """What the head says in the clear; nobody vouches for it."""
    return _parse_header(head, path)[3]


def require_length(passphrase: str) -> None:
    """Raises `Problem(PASSPHRASE_SHORT)`."""
    if len(_normalize(passphrase)) < LEAST_LETTERS:
        raise Problem(ProblemCode.PASSPHRASE_SHORT, least=str(LEAST_LETTERS))


def _parse_header(header: bytes, path: Path) -> tuple[int, bytes, bytes, bytes]:
    """Cost, salt, beginning of the nonces, words."""
    if len(header) < HEAD or not header.startswith(MAGIC):
        raise Problem(ProblemCode.BACKUP_UNREADABLE, path=str(path), detail="no header")
    _, version, cost, salt, nonce, length = _FIXED.unpack_from(header)
    if version > _VERSION:
        raise Problem(ProblemCode.BACKUP_NEWER, path=str(path))
    if not 1 <= cost <= MAX_COST or length > _LONGEST_WORDS:
        raise Problem(ProblemCode.BACKUP_UNREADABLE, path=str(path), detail="damaged header")
    return cost, salt, nonce, header[_FIXED.size : _FIXED.size + length]


def passphrase_cipher(passphrase: str, salt: bytes, cost: int) -> AESGCM:
    """What locks and unlocks with *passphrase*: slow, and the same for the same *salt* and *cost*."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    typed = _normalize(passphrase).encode(errors="surrogatepass")  # a pipe may hand over half characters
    return AESGCM(Scrypt(salt=salt, length=32, n=1 << cost, r=8, p=1).derive(typed))


def _nonce(beginning: bytes, number: int, mark: int) -> bytes:
    return beginning + number.to_bytes(4, "big") + bytes([mark])


def _normalize(passphrase: str) -> str:
    """The same letters whatever keyboard and system they were typed on."""
    return unicodedata.normalize("NFKC", passphrase)
