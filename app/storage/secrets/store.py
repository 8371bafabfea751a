"""The one place where this program's secrets are, and how it is found."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import logging
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from uuid import uuid4

from app.domain.errors import Problem, ProblemCode
from app.domain.settings import SecretBackendKind
from app.formats.encryption import COST, MAX_COST, passphrase_cipher, require_length
from app.platform.files import KNOWS_OWNERS, os_errors_as, read_small, replacing, write_private
from app.platform.threads import run_abandonable

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend


log = logging.getLogger(__name__)

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


def require_readable(path: Path) -> None:
    """Raise `Problem` unless *path* is a whole file of secrets that this version can read, with its passphrase."""
    _parse_header(path)


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


SERVICE = "conecta"


class SecretBackend(Protocol):
    """Holds small texts by name."""

    def get(self, name: str) -> str | None: ...

    def set(self, name: str, value: str) -> None: ...

    def delete(self, name: str) -> None: ...


class MemoryBackend:
    """Forgets everything when the program ends."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.kept.get(name)

    def set(self, name: str, value: str) -> None:
        self.kept[name] = value

    def delete(self, name: str) -> None:
        self.kept.pop(name, None)


class SystemKeyring:
    """A back end of `keyring`. Each has its own errors; here they are all `Problem(SECRETS_UNAVAILABLE)`."""

    def __init__(self, backend: KeyringBackend) -> None:
        self._backend = backend

    def get(self, name: str) -> str | None:
        with _unavailable():
            return self._backend.get_password(SERVICE, name)

    def set(self, name: str, value: str) -> None:
        with _unavailable():
            self._backend.set_password(SERVICE, name, value)

    def delete(self, name: str) -> None:
        with _unavailable():
            if self._backend.get_password(SERVICE, name) is not None:  # else back ends disagree on what to raise
                self._backend.delete_password(SERVICE, name)


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.info("The keyring cannot be used: %s", type(error).__name__)  # what it says may quote the secret
        raise Problem(ProblemCode.SECRETS_UNAVAILABLE) from error


TRUSTED: Final = frozenset(
    {
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.kwallet.DBusKeyringKWallet4",
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
    }
)
"""The trusted keyring backends: others may store secrets in plain files, or lose them."""


def trusted_keyring(trusted: frozenset[str] = TRUSTED) -> SystemKeyring | None:
    """The system's keyring, if one is *trusted* and returns what it stored. May block and ask a person."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    candidates = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    for candidate in candidates:
        if name_of(candidate) in trusted:
            backend = SystemKeyring(candidate)
            return backend if round_trips(backend) else None
    log.info("No trusted keyring: %s", ", ".join(map(name_of, candidates)))
    return None


def name_of(backend: KeyringBackend) -> str:
    kind = type(backend)
    return f"{kind.__module__}.{kind.__qualname__}"


def round_trips(backend: SystemKeyring) -> bool:
    """Whether *backend* returns what it is given; the trial is taken away again. May block and ask a person."""
    name, value = f"trial {uuid4().hex}", uuid4().hex
    try:
        backend.set(name, value)
        kept = backend.get(name)
        backend.delete(name)
        return kept == value and backend.get(name) is None
    except Problem:
        return False


T = TypeVar("T")

LONGEST: Final = 1200
"""Characters: Windows holds 2560 bytes of UTF-16 under a name. The same everywhere, so that a move never fails."""


class SelectableSecretStore:
    """Implements `SecretStoreSelector`. A file that was made goes before a keyring found later: what is in
    it would otherwise be out of sight."""

    def __init__(
        self,
        file: Path,
        *,
        trusted: frozenset[str] = TRUSTED,
        timeout: float = 60.0,  # a locked keyring asks the person for its password
        cost: int = COST,
        passphrase: Callable[[], str] | None = None,
    ) -> None:
        """*passphrase* opens or creates the file where there is no keyring: for a server without an operator."""
        self._file = file
        self._trusted = trusted
        self._timeout = timeout
        self._cost = cost
        self._passphrase = passphrase
        self._place: SecretBackendKind | None = None
        self._backend: SecretBackend | None = None
        self._turn = asyncio.Lock()

    async def place(self) -> SecretBackendKind:
        async with self._turn:
            return await self._find_backend()

    async def get(self, name: str) -> str | None:
        return await self._use(lambda backend: backend.get(name))

    async def set(self, name: str, value: str) -> None:
        if len(value.encode("utf-16-le")) > 2 * LONGEST:
            raise Problem(ProblemCode.SECRET_TOO_LONG, most=str(LONGEST))
        await self._use(lambda backend: backend.set(name, value))

    async def delete(self, name: str) -> None:
        await self._use(lambda backend: backend.delete(name))

    async def use_memory(self) -> None:
        async with self._turn:
            if await self._find_backend() is SecretBackendKind.NONE:
                self._activate(SecretBackendKind.MEMORY, MemoryBackend())

    async def use_file(self, passphrase: str) -> None:
        async with self._turn:
            if await self._find_backend() is SecretBackendKind.KEYRING:
                return  # there is a better place, and what is in it would be out of sight
            if self._file.exists():
                opened = await self._in_thread(lambda: EncryptedFile.open(self._file, passphrase))
            else:
                kept = self._backend.kept if isinstance(self._backend, MemoryBackend) else {}
                make = lambda: EncryptedFile.create(self._file, passphrase, kept, cost=self._cost)  # noqa: E731
                opened = await self._in_thread(make)
            self._activate(SecretBackendKind.ENCRYPTED_FILE, opened)

    async def retire_file(self) -> None:
        async with self._turn:
            if self._file.exists():
                await self._in_thread(lambda: set_aside(self._file))
                self._place = None
            await self._find_backend()

    async def retry_keyring(self) -> SecretBackendKind:
        async with self._turn:
            if self._place is SecretBackendKind.NONE:
                self._place = None
            return await self._find_backend()

    async def _find_backend(self) -> SecretBackendKind:
        if self._place is not None:
            return self._place
        if self._file.exists():
            opened = await self._file_by_passphrase()
            return self._activate(SecretBackendKind.ENCRYPTED_FILE if opened else SecretBackendKind.LOCKED_FILE, opened)
        keyring = await self._keyring()
        if keyring is not None:
            return self._activate(SecretBackendKind.KEYRING, keyring)
        made = await self._file_by_passphrase()
        return self._activate(SecretBackendKind.ENCRYPTED_FILE if made else SecretBackendKind.NONE, made)

    async def _file_by_passphrase(self) -> SecretBackend | None:
        """Open or create the file with the configured passphrase; None when that fails."""
        passphrase = self._passphrase
        if passphrase is None:
            return None

        def work() -> SecretBackend:
            if self._file.exists():
                return EncryptedFile.open(self._file, passphrase())
            return EncryptedFile.create(self._file, passphrase(), {}, cost=self._cost)

        try:
            return await self._in_thread(work)
        except Problem as problem:
            log.warning("The encrypted secrets file was not opened: %s", problem.code)
            return None

    async def _keyring(self) -> SecretBackend | None:
        try:
            return await self._in_thread(lambda: trusted_keyring(self._trusted))
        except Problem:
            return None

    def _activate(self, place: SecretBackendKind, backend: SecretBackend | None) -> SecretBackendKind:
        self._place, self._backend = place, backend
        log.info("Secrets backend: %s", place)
        return place

    async def _use(self, work: Callable[[SecretBackend], T]) -> T:
        async with self._turn:
            place = await self._find_backend()
            backend = self._backend
            if backend is None:
                locked = place is SecretBackendKind.LOCKED_FILE
                raise Problem(ProblemCode.SECRETS_LOCKED if locked else ProblemCode.SECRETS_UNAVAILABLE)
            try:
                return await self._in_thread(lambda: work(backend))
            except Problem as problem:
                if problem.code is ProblemCode.SECRETS_LOCKED:  # somebody made the file anew, or took it away
                    self._place = None
                raise

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do *work* without the loop waiting; raise `Problem(SECRETS_UNAVAILABLE)` when a keyring fails or is silent.

        A thread of its own, that ends with the program: one that waits for a prompt nobody sees would hold a pool's.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await run_abandonable(work)
        except TimeoutError:
            log.info("The secrets backend did not answer in %g s", self._timeout)
            raise Problem(ProblemCode.SECRETS_UNAVAILABLE) from None


def read_passphrase(file: Path) -> str:
    """The first line of *file*, which only this user may read. Raises `Problem(PASSPHRASE_FILE_UNUSABLE)`."""
    try:
        if KNOWS_OWNERS and file.stat().st_mode & 0o077:
            raise PermissionError(errno.EPERM, "others may read it")
        lines = file.read_text(encoding="utf-8").splitlines()
        if not lines or not lines[0]:
            raise OSError(errno.EINVAL, "empty")
    except (OSError, UnicodeDecodeError) as error:
        detail = getattr(error, "strerror", None) or "not UTF-8"
        raise Problem(ProblemCode.PASSPHRASE_FILE_UNUSABLE, path=str(file), detail=detail) from None
    return lines[0]
