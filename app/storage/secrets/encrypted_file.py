"""Secrets in a file that only a passphrase opens: scrypt makes the key, AES-256-GCM locks the content."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import struct
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.domain.errors import Problem, ProblemCode
from app.platform.files import os_errors_as, replacing, write_private

LEAST_LETTERS: Final = 12
COST: Final = 17
"""As a power of two: 128 MB and a third of a second for each guess."""

LARGEST: Final = 32 << 20
"""Bytes of the whole file: more tokens than any team has, and no more than memory can take."""

_MAGIC: Final = b"CONECTA-SECRETS\n"
_VERSION: Final = 1
_HEAD: Final = struct.Struct(">16sBB16s12s")  # magic, version, cost, salt, nonce
_SUM: Final = 32
_MAX_COST: Final = 18  # a forged head must not ask for all the memory there is


class EncryptedFile:
    """The file, opened. It is read anew each time, so that two programs may use it one after the other.

    Its head, version and all, says how it was made; it is authenticated with the content as it stands in the file. The
    checksum at its end tells damage from a wrong passphrase; whoever alters the file on purpose can mend that, but
    not what the key vouches for.
    """

    def __init__(self, path: Path, key: bytes, cost: int, salt: bytes) -> None:
        self._path = path
        self._key = key
        self._cost = cost
        self._salt = salt

    @classmethod
    def create(cls, path: Path, passphrase: str, kept: Mapping[str, str], *, cost: int = COST) -> EncryptedFile:
        """Make the file with what is *kept*. Raises `Problem(PASSPHRASE_SHORT)` before anything is written."""
        if len(_normalize(passphrase)) < LEAST_LETTERS:
            raise Problem(ProblemCode.PASSPHRASE_SHORT, least=str(LEAST_LETTERS))
        salt = os.urandom(16)
        made = cls(path, _derive(passphrase, salt, cost), cost, salt)
        made._write(kept)
        return made

    @classmethod
    def open(cls, path: Path, passphrase: str) -> EncryptedFile:
        """Open the file that exists. Raises `Problem(PASSPHRASE_WRONG)` or one that says what became of the file."""
        cost, salt, _, _, _ = _parse_header(path)
        opened = cls(path, _derive(passphrase, salt, cost), cost, salt)
        opened._read()
        return opened

    def get(self, name: str) -> str | None:
        return self._read().get(name)

    def set(self, name: str, value: str) -> None:
        self._write({**self._read(), name: value})

    def delete(self, name: str) -> None:
        kept = self._read()
        if kept.pop(name, None) is not None:
            self._write(kept)

    def _read(self) -> dict[str, str]:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        cost, salt, nonce, head, locked = _parse_header(self._path)
        if (cost, salt) != (self._cost, self._salt):
            raise Problem(ProblemCode.SECRETS_LOCKED)  # somebody made it anew meanwhile
        try:
            content = AESGCM(self._key).decrypt(nonce, locked, head)
        except InvalidTag:
            raise Problem(ProblemCode.PASSPHRASE_WRONG) from None
        kept: dict[str, str] = json.loads(content)
        return kept

    def _write(self, kept: Mapping[str, str]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(12)
        head = _HEAD.pack(_MAGIC, _VERSION, self._cost, self._salt, nonce)
        whole = head + AESGCM(self._key).encrypt(nonce, json.dumps(dict(kept)).encode(), head)
        if len(whole) + _SUM > LARGEST:
            raise Problem(ProblemCode.SECRETS_NOT_SAVED, path=str(self._path), detail=os.strerror(errno.EFBIG))
        with os_errors_as(ProblemCode.SECRETS_NOT_SAVED, self._path):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(self._path) as part:
                write_private(part, whole + hashlib.sha256(whole).digest())


def set_aside(path: Path) -> None:
    """Rename the file; what is in it can be opened by whoever finds the passphrase again."""
    number = 1
    while (aside := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    with os_errors_as(ProblemCode.SECRETS_NOT_SAVED, path):
        path.rename(aside)


def _parse_header(path: Path) -> tuple[int, bytes, bytes, bytes, bytes]:
    """Cost, salt, nonce, the whole head as it is in the file, and the locked content."""
    try:
        whole = _read_bounded(path)
    except FileNotFoundError:
        raise Problem(ProblemCode.SECRETS_LOCKED) from None
    except OSError as error:
        raise Problem(ProblemCode.SECRETS_FILE_DAMAGED, path=str(path), detail=error.strerror or "") from error
    content, checksum = whole[:-_SUM], whole[-_SUM:]
    damaged = len(content) < _HEAD.size or hashlib.sha256(content).digest() != checksum
    if damaged:
        raise Problem(ProblemCode.SECRETS_FILE_DAMAGED, path=str(path))
    magic, version, cost, salt, nonce = _HEAD.unpack_from(content)
    if magic != _MAGIC or version < 1 or not 1 <= cost <= _MAX_COST:
        raise Problem(ProblemCode.SECRETS_FILE_DAMAGED, path=str(path))
    if version > _VERSION:
        raise Problem(ProblemCode.SECRETS_FILE_NEWER, path=str(path))
    return cost, salt, nonce, content[: _HEAD.size], content[_HEAD.size :]


def _read_bounded(path: Path) -> bytes:
    """Read a regular file of at most `LARGEST` bytes. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123 - by descriptor: a pipe must not make us wait
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        whole = file.read(LARGEST + 1)
    if len(whole) > LARGEST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return whole


def _derive(passphrase: str, salt: bytes, cost: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=1 << cost, r=8, p=1).derive(_normalize(passphrase).encode())


def _normalize(passphrase: str) -> str:
    """The same letters whatever keyboard and system they were typed on."""
    return unicodedata.normalize("NFKC", passphrase)
