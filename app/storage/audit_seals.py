"""The key that seals audit entries, and the last entry once more, where secrets are kept: outside the data folder.

Nothing here keeps an act waiting for long. Where no place keeps a key, or it does not answer in time, entries are
written without a seal, and `verification` says so. The last entry is remembered in the system's keyring only: the
encrypted file lies in the data folder and would be put back with it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.domain.audit import AuditEntry
from app.domain.errors import Problem
from app.domain.ports import Secrets
from app.domain.secrets import SecretsPlace

log = logging.getLogger(__name__)

KEY: Final = "audit-key"
_KEY_BYTES: Final = 32
_KEEPS_KEY: Final = frozenset({SecretsPlace.KEYRING, SecretsPlace.ENCRYPTED_FILE})

HashOf = Callable[[int], Awaitable[str | None]]


class AuditSeals:
    """The key and the remembered entry of the audit in *database*, kept in *place*.

    An act waits *act_limit* seconds at most for a place that is silent, and only once; a verification *verify_limit*.
    """

    def __init__(self, place: Secrets, database: Path, *, act_limit: float = 2.0, verify_limit: float = 15.0) -> None:
        self._place = place
        self.remembered_name = f"audit-last-{sha256(str(database.resolve()).encode()).hexdigest()[:16]}"
        self._act_limit = act_limit
        self._verify_limit = verify_limit
        self.key: bytes | None = None
        self._loading: asyncio.Task[None] | None = None
        self._silent = False  # an act waited in vain: the next ones do not, until the place has answered
        self._latest: AuditEntry | None = None  # what is to be remembered next
        self._writing: asyncio.Task[None] | None = None
        self._anew = False

    async def prepare(self) -> None:
        """Have the key ready before an entry is written, if there is a place that keeps one and answers in time."""
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
        """What is remembered next replaces what was: a person put another database in place."""
        self._anew = True

    async def settled(self) -> None:
        """Wait until the last entry is remembered, for as long as an act would."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=self._act_limit)

    async def _load(self, *, make: bool, limit: float) -> None:
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._load_key(make=make))  # noqa: TID251 - outlives the act
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
            log.info("Audit entries are written without a seal: %s", problem.code)
        except ValueError:
            log.info("Audit entries are written without a seal: their key cannot be read")

    async def _remember_latest(self, hash_of: HashOf) -> None:
        while self._latest is not None:
            entry, self._latest = self._latest, None
            try:
                if await self._place.place() is not SecretsPlace.KEYRING:
                    return
                before = None if self._anew else await self._remembered()
                if before is not None and not await _follows(entry, before, hash_of):
                    return  # an older database, or one of another program that was quicker: not to be forgotten
                value = json.dumps({"number": entry.number, "hash": entry.hash})
                await self._place.set(self.remembered_name, value)
                self._anew = False
            except (Problem, RuntimeError) as error:  # the latter when the database was closed meanwhile
                log.info("The last audit entry is not remembered: %s", type(error).__name__)
                return

    async def _remembered(self) -> tuple[int, str] | None:
        if await self._place.place() is not SecretsPlace.KEYRING:
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
