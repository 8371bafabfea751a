"""The number and hash of each audit entry once more, in a file beside the database that is only ever appended to.

Whoever exchanges the database for an older or an empty one, sets its head back or works the whole chain out anew is
told by it, unless they rewrite this file as well. A line is written after its entry is committed, so that the file may
lack the latest entries after a crash, and never knows one that the database does not.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.domain.audit import AuditEntry
from app.domain.errors import Problem, ProblemCode
from app.domain.repositories import SecretStore
from app.domain.settings import SecretBackendKind
from app.platform.files import os_errors_as
from app.platform.locks import open_regular

log = logging.getLogger(__name__)

NAME: Final = "audit-heads.jsonl"
_LONGEST_LINE: Final = 400
_TAIL: Final = 64 << 10
"""Bytes of the end of the file, some hundred entries."""


class AuditHeads:
    """The file at *path*. Errors in writing it are logged; the audit itself does not depend on it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, entry: AuditEntry) -> None:
        """Note *entry*, which is committed."""
        line = {"number": entry.number, "hash": entry.hash, "at": entry.record.at.astimezone(UTC).isoformat()}
        try:
            descriptor = open_regular(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                # Begins with a line end: what a crash or a full disk cut short spoils no line but its own.
                os.write(descriptor, f"\n{json.dumps(line)}".encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("The audit head could not be written to %s: %s", self.path.name, error.strerror)

    def known(self) -> Mapping[int, str]:
        """The hash of each entry that was noted, by its number; the one noted first counts.

        Raises `Problem(AUDIT_NOTES_UNREADABLE)`.
        """
        noted: dict[int, str] = {}
        with os_errors_as(ProblemCode.AUDIT_NOTES_UNREADABLE, self.path), suppress(FileNotFoundError):
            descriptor = open_regular(self.path, os.O_RDONLY)
            with open(descriptor, encoding="utf-8", errors="replace") as lines:  # noqa: PTH123 - by descriptor
                while line := lines.readline(_LONGEST_LINE):
                    if found := _read(line):
                        noted.setdefault(*found)
        return noted

    def latest(self) -> tuple[int, str] | None:
        """Number and hash of the entry that was noted last, found without reading the whole file.

        Raises `Problem`: `AUDIT_NOTES_UNREADABLE`, or `AUDIT_NOTES_DAMAGED` where no line of its end is whole.
        """
        with os_errors_as(ProblemCode.AUDIT_NOTES_UNREADABLE, self.path), suppress(FileNotFoundError):
            descriptor = open_regular(self.path, os.O_RDONLY)
            with open(descriptor, "rb") as file:  # noqa: PTH123 - by descriptor
                file.seek(max(0, os.fstat(descriptor).st_size - _TAIL))
                lines = file.read(_TAIL).decode(errors="replace").splitlines()
            noted = [found for line in lines if (found := _read(line)) is not None]
            if not noted and any(lines):
                raise Problem(ProblemCode.AUDIT_NOTES_DAMAGED, path=str(self.path))
            return max(noted, default=None)
        return None

    def set_aside(self) -> None:
        """Start a new file after the database was replaced; the former is kept under today's date."""
        with os_errors_as(ProblemCode.DATABASE_NOT_WRITABLE, self.path), suppress(FileNotFoundError):
            at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
            self.path.rename(self.path.with_name(f"{self.path.stem}.{at}{self.path.suffix}"))


def _read(line: str) -> tuple[int, str] | None:
    try:
        noted = json.loads(line)
        return int(noted["number"]), str(noted["hash"])
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


KEY: Final = "audit-key"
_KEY_BYTES: Final = 32
_KEEPS_KEY: Final = frozenset({SecretBackendKind.KEYRING, SecretBackendKind.ENCRYPTED_FILE})

HashOf = Callable[[int], Awaitable[str | None]]


class AuditSeals:
    """The key and the remembered entry of the audit in *database*, kept in *place*.

    An act waits *act_limit* seconds at most for a place that is silent, and only once; a verification *verify_limit*.
    """

    def __init__(
        self, place: SecretStore, database: Path, *, act_limit: float = 2.0, verify_limit: float = 15.0
    ) -> None:
        self._place = place
        self.remembered_name = f"audit-last-{sha256(os.path.realpath(database).encode()).hexdigest()[:16]}"
        self._act_limit = act_limit
        self._verify_limit = verify_limit
        self.key: bytes | None = None
        self._loading: asyncio.Task[None] | None = None
        self._silent = False  # an act waited in vain: the next ones do not, until the place has answered
        self._latest: AuditEntry | None = None  # what is to be remembered next
        self._writing: asyncio.Task[None] | None = None
        self._is_reset = False

    async def prepare(self) -> None:
        """Load or create the key before an entry is written, if a secret store answers in time."""
        if self.key is None:
            await self._load(make=True, limit=0 if self._silent else self._act_limit)

    async def prepare_verification(self) -> tuple[int, str] | None:
        """Have the key ready if there is one. Return number and hash of the entry that the keyring remembers."""
        await self.settled()
        if self.key is None:
            await self._load(make=False, limit=self._verify_limit)
        try:
            async with asyncio.timeout(self._verify_limit):
                return await self._remembered()
        except (Problem, TimeoutError):
            return None

    def remember(self, entry: AuditEntry, hash_of: HashOf) -> None:
        """Have the keyring remember *entry*, which is committed. While it writes, only the latest waits to be next."""
        self._latest = entry
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._remember_latest(hash_of))  # noqa: TID251 - `settled` waits

    def begin_anew(self) -> None:
        """Start over after the database was replaced: the next seal replaces the stored one."""
        self._is_reset = True

    async def settled(self) -> None:
        """Wait until the last entry is remembered and no key is being loaded, for as long as an act would."""
        loading = None if self._silent else self._loading
        if begun := {task for task in (self._writing, loading) if task is not None}:
            await asyncio.wait(begun, timeout=self._act_limit)

    async def _load(self, *, make: bool, limit: float) -> None:
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._load_key(make=make))  # noqa: TID251 - `settled` waits
        answered, _ = await asyncio.wait({self._loading}, timeout=limit)
        self._silent = not answered

    async def _load_key(self, *, make: bool) -> None:
        try:
            if await self._place.place() not in _KEEPS_KEY:
                return
            kept = await self._place.get(KEY)
            if kept is None and make:
                await self._place.set(KEY, secrets.token_hex(_KEY_BYTES))
                kept = await self._place.get(KEY)  # another program may have made one at the same time
            self.key = None if kept is None else _read_key(kept)
        except Problem as problem:
            log.info("Audit entries are not sealed: %s", problem.code)
        except ValueError:
            log.info("Audit entries are not sealed: their key cannot be read")

    async def _remember_latest(self, hash_of: HashOf) -> None:
        while self._latest is not None:
            entry, self._latest = self._latest, None
            try:
                if await self._place.place() is not SecretBackendKind.KEYRING:
                    return
                before = None if self._is_reset else await self._remembered()
                if before is not None and not await _follows(entry, before, hash_of):
                    return  # an older database, or one of another program that was quicker: not to be forgotten
                value = json.dumps({"number": entry.number, "hash": entry.hash})
                await self._place.set(self.remembered_name, value)
                self._is_reset = False
            except (Problem, RuntimeError) as error:  # the latter when the database was closed meanwhile
                log.info("The last audit entry was not sealed: %s", type(error).__name__)
                return

    async def _remembered(self) -> tuple[int, str] | None:
        if await self._place.place() is not SecretBackendKind.KEYRING:
            return None
        try:
            kept = json.loads(await self._place.get(self.remembered_name) or "null")
            return None if kept is None else (int(kept["number"]), str(kept["hash"]))
        except (ValueError, TypeError, LookupError, OverflowError):
            return None


def _read_key(kept: str) -> bytes:
    key = bytes.fromhex(kept)
    if len(key) != _KEY_BYTES:
        raise ValueError("not the length of a key")
    return key


async def _follows(entry: AuditEntry, before: tuple[int, str], hash_of: HashOf) -> bool:
    number, its_hash = before
    return number <= entry.number and await hash_of(number) == its_hash
