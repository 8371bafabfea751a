"""The one place where this program's secrets are, and how it is found."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from app.domain.errors import Code, Problem
from app.domain.secrets import SecretsPlace
from app.storage.secrets.drawers import Drawer, Memory
from app.storage.secrets.encrypted_file import COST, EncryptedFile, set_aside
from app.storage.secrets.keyring_choice import TRUSTED, trusted_keyring

log = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST: Final = 1200
"""Characters: Windows holds 2560 bytes of UTF-16 under a name. The same everywhere, so that a move never fails."""


class Vault:
    """Implements `app.domain.ports.SecretsChoice`. A file that was made goes before a keyring found later: what is in
    it would otherwise be out of sight."""

    def __init__(
        self,
        file: Path,
        *,
        trusted: frozenset[str] = TRUSTED,
        patience: float = 60.0,  # a locked keyring asks the person for its password
        cost: int = COST,
        passphrase: Callable[[], str] | None = None,
    ) -> None:
        """*passphrase* opens the file, or makes it where there is no keyring: for a server, where nobody types one."""
        self._file = file
        self._trusted = trusted
        self._patience = patience
        self._cost = cost
        self._passphrase = passphrase
        self._place: SecretsPlace | None = None
        self._drawer: Drawer | None = None
        self._turn = asyncio.Lock()

    async def place(self) -> SecretsPlace:
        async with self._turn:
            return await self._found()

    async def get(self, name: str) -> str | None:
        return await self._use(lambda drawer: drawer.get(name))

    async def set(self, name: str, value: str) -> None:
        if len(value.encode("utf-16-le")) > 2 * LONGEST:
            raise Problem(Code.SECRET_TOO_LONG, most=str(LONGEST))
        await self._use(lambda drawer: drawer.set(name, value))

    async def delete(self, name: str) -> None:
        await self._use(lambda drawer: drawer.delete(name))

    async def keep_in_memory(self) -> None:
        async with self._turn:
            if await self._found() is SecretsPlace.NONE:
                self._put(SecretsPlace.MEMORY, Memory())

    async def keep_in_file(self, passphrase: str) -> None:
        async with self._turn:
            if await self._found() is SecretsPlace.KEYRING:
                return  # there is a better place, and what is in it would be out of sight
            if self._file.exists():
                opened = await self._in_thread(lambda: EncryptedFile.open(self._file, passphrase))
            else:
                kept = self._drawer.kept if isinstance(self._drawer, Memory) else {}
                make = lambda: EncryptedFile.create(self._file, passphrase, kept, cost=self._cost)  # noqa: E731
                opened = await self._in_thread(make)
            self._put(SecretsPlace.ENCRYPTED_FILE, opened)

    async def set_file_aside(self) -> None:
        async with self._turn:
            if self._file.exists():
                await self._in_thread(lambda: set_aside(self._file))
                self._place = None
            await self._found()

    async def try_keyring_again(self) -> SecretsPlace:
        async with self._turn:
            if self._place is SecretsPlace.NONE:
                self._place = None
            return await self._found()

    async def _found(self) -> SecretsPlace:
        if self._place is not None:
            return self._place
        if self._file.exists():
            opened = await self._file_by_passphrase()
            return self._put(SecretsPlace.ENCRYPTED_FILE if opened else SecretsPlace.LOCKED_FILE, opened)
        keyring = await self._keyring()
        if keyring is not None:
            return self._put(SecretsPlace.KEYRING, keyring)
        made = await self._file_by_passphrase()
        return self._put(SecretsPlace.ENCRYPTED_FILE if made else SecretsPlace.NONE, made)

    async def _file_by_passphrase(self) -> Drawer | None:
        """The file, opened or made with the passphrase that is known without a person; None where that fails."""
        passphrase = self._passphrase
        if passphrase is None:
            return None

        def work() -> Drawer:
            if self._file.exists():
                return EncryptedFile.open(self._file, passphrase())
            return EncryptedFile.create(self._file, passphrase(), {}, cost=self._cost)

        try:
            return await self._in_thread(work)
        except Problem as problem:
            log.warning("The encrypted file of secrets stays closed: %s", problem.code)
            return None

    async def _keyring(self) -> Drawer | None:
        try:
            return await self._in_thread(lambda: trusted_keyring(self._trusted))
        except Problem:
            return None

    def _put(self, place: SecretsPlace, drawer: Drawer | None) -> SecretsPlace:
        self._place, self._drawer = place, drawer
        log.info("Secrets are kept: %s", place)
        return place

    async def _use(self, work: Callable[[Drawer], T]) -> T:
        async with self._turn:
            place = await self._found()
            drawer = self._drawer
            if drawer is None:
                locked = place is SecretsPlace.LOCKED_FILE
                raise Problem(Code.SECRETS_LOCKED if locked else Code.SECRETS_UNAVAILABLE)
            try:
                return await self._in_thread(lambda: work(drawer))
            except Problem as problem:
                if problem.code is Code.SECRETS_LOCKED:  # somebody made the file anew, or took it away
                    self._place = None
                raise

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do *work* without the loop waiting; raise `Problem(SECRETS_UNAVAILABLE)` when a keyring fails or is silent.

        A thread of its own, that ends with the program: one that waits for a prompt nobody sees would hold a pool's.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(result)  # type: ignore[arg-type] # None only where T has it
            else:
                done.set_exception(error)

        def run() -> None:
            result, failed = None, None
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                failed = error
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, result, failed)

        threading.Thread(target=run, name="secrets", daemon=True).start()
        try:
            async with asyncio.timeout(self._patience):
                return await done
        except TimeoutError:
            log.info("The place of the secrets did not answer in %g s", self._patience)
            raise Problem(Code.SECRETS_UNAVAILABLE) from None
