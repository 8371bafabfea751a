"""Secrets in a file that only a passphrase opens: scrypt makes the key, AES-256-GCM locks the content."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.domain.errors import Problem, ProblemCode
from app.formats.encryption import COST, MAX_COST, passphrase_cipher, require_length
from app.platform.files import os_errors_as, read_small, replacing, write_private

LARGEST: Final = 32 << 20
"""Bytes of the whole file: more tokens than any team has, and no more than memory can take."""

_MAGIC: Final = b"CONECTA-SECRETS\n"
_VERSION: Final = 1
_HEAD: Final = struct.Struct(">16sBB16s12s")  # magic, version, cost, salt, nonce
_SUM: Final = 32


class EncryptedFile:
    """The file, opened. It is read anew each time, so that two programs may use it one after the other.

    Its head, version and all, says how it was made; it is authenticated with the content as it stands in the file. The
    checksum at its end tells damage from a wrong passphrase; whoever alters the file on purpose can mend that, but
    not what the key vouches for.
    """

    def __init__(self, path: Path, passphrase: str, cost: int, salt: bytes) -> None:
        self._path = path
        self._cipher = passphrase_cipher(passphrase, salt, cost)
        self._cost = cost
        self._salt = salt

    @classmethod
    def create(cls, path: Path, passphrase: str, kept: Mapping[str, str], *, cost: int = COST) -> EncryptedFile:
        """Create the file with *kept*. Raises `Problem(PASSPHRASE_SHORT)` before anything is written."""
        require_length(passphrase)
        made = cls(path, passphrase, cost, os.urandom(16))
        made._write(kept)
        return made

    @classmethod
    def open(cls, path: Path, passphrase: str) -> EncryptedFile:
        """Open the existing file. Raises `Problem(PASSPHRASE_WRONG)`, or one that says how it is damaged."""
        cost, salt, _, _, _ = _parse_header(path)
        opened = cls(path, passphrase, cost, salt)
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

        cost, salt, nonce, head, locked = _parse_header(self._path)
        if (cost, salt) != (self._cost, self._salt):
            raise Problem(ProblemCode.SECRETS_LOCKED)  # somebody made it anew meanwhile
        try:
            content = self._cipher.decrypt(nonce, locked, head)
        except InvalidTag:
            raise Problem(ProblemCode.PASSPHRASE_WRONG) from None
        kept: dict[str, str] = json.loads(content)
        return kept

    def _write(self, kept: Mapping[str, str]) -> None:
        nonce = os.urandom(12)
        head = _HEAD.pack(_MAGIC, _VERSION, self._cost, self._salt, nonce)
        whole = head + self._cipher.encrypt(nonce, json.dumps(dict(kept)).encode(), head)
        if len(whole) + _SUM > LARGEST:
            raise Problem(ProblemCode.SECRETS_NOT_SAVED, path=str(self._path), detail=os.strerror(errno.EFBIG))
        with os_errors_as(ProblemCode.SECRETS_NOT_SAVED, self._path):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(self._path) as part:
                write_private(part, whole + hashlib.sha256(whole).digest())


def set_aside(path: Path) -> None:
    """Rename the file; it can still be opened with its passphrase."""
    number = 1
    while (aside := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    with os_errors_as(ProblemCode.SECRETS_NOT_SAVED, path):
        path.rename(aside)


def _parse_header(path: Path) -> tuple[int, bytes, bytes, bytes, bytes]:
    """Cost, salt, nonce, the whole head as it is in the file, and the locked content."""
    try:
        whole = read_small(path, LARGEST)
    except OSError as error:
        raise Problem(ProblemCode.SECRETS_FILE_DAMAGED, path=str(path), detail=error.strerror or "") from error
    if whole is None:
        raise Problem(ProblemCode.SECRETS_LOCKED)
    content, checksum = whole[:-_SUM], whole[-_SUM:]
    damaged = len(content) < _HEAD.size or hashlib.sha256(content).digest() != checksum
    if damaged:
        raise Problem(ProblemCode.SECRETS_FILE_DAMAGED, path=str(path))
    magic, version, cost, salt, nonce = _HEAD.unpack_from(content)
    if magic != _MAGIC or version < 1 or not 1 <= cost <= MAX_COST:
        raise Problem(ProblemCode.SECRETS_FILE_DAMAGED, path=str(path))
    if version > _VERSION:
        raise Problem(ProblemCode.SECRETS_FILE_NEWER, path=str(path))
    return cost, salt, nonce, content[: _HEAD.size], content[_HEAD.size :]
