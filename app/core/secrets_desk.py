"""Lets a person choose where secrets are kept, and writes down that they did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from app.core.witness import Witness
from app.domain.audit import AuditOutcome
from app.domain.deeds import DeedName
from app.domain.ports import SecretsChoice
from app.domain.secrets import SecretsPlace


class SecretsDesk:
    """The choices of `SecretsChoice`; each returns the place that is in use then."""

    def __init__(self, *, secrets: SecretsChoice, witness: Witness) -> None:
        self._secrets = secrets
        self._witness = witness

    async def place(self) -> SecretsPlace:
        """Where secrets are now. The first time, the keyring may ask the person to unlock it."""
        return await self._secrets.place()

    async def keep_in_memory(self) -> SecretsPlace:
        return await self._choose(self._secrets.keep_in_memory)

    async def keep_in_file(self, passphrase: str) -> SecretsPlace:
        """Make the file, or open it. Raises `Problem` as `SecretsChoice.keep_in_file` does."""
        return await self._choose(lambda: self._secrets.keep_in_file(passphrase))

    async def set_file_aside(self) -> SecretsPlace:
        return await self._choose(self._secrets.set_file_aside)

    async def decline_set_aside(self) -> None:
        """Somebody was asked whether to begin anew without the file, and left it."""
        place = await self._secrets.place()
        here = {"place": place.value}
        self._witness.record(DeedName.SET_SECRETS_PLACE, before=here, after=here, outcome=AuditOutcome.DECLINED)

    async def try_keyring_again(self) -> SecretsPlace:
        return await self._choose(self._secrets.try_keyring_again)

    async def _choose(self, choice: Callable[[], Awaitable[object]]) -> SecretsPlace:
        before = await self._secrets.place()
        after = before
        async with self._witness.around(
            DeedName.SET_SECRETS_PLACE, before={"place": before.value}, after=lambda: {"place": after.value}
        ):
            await choice()
            after = await self._secrets.place()
        return after
