"""Changes where secrets are stored, and audits it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from app.core.audit_service import AuditService
from app.domain.audit import AuditAction, AuditOutcome
from app.domain.repositories import SecretStoreSelector
from app.domain.settings import SecretBackendKind


class SecretService:
    """The choices of `SecretStoreSelector`; each returns the place that is in use then."""

    def __init__(self, *, secrets: SecretStoreSelector, audit_service: AuditService) -> None:
        self._secrets = secrets
        self._audit_service = audit_service

    async def place(self) -> SecretBackendKind:
        """Where secrets are now. The first time, the keyring may ask the person to unlock it."""
        return await self._secrets.place()

    async def use_memory(self) -> SecretBackendKind:
        return await self._choose(self._secrets.use_memory)

    async def use_file(self, passphrase: str) -> SecretBackendKind:
        """Make the file, or open it. Raises `Problem` as `SecretStoreSelector.keep_in_file` does."""
        return await self._choose(lambda: self._secrets.use_file(passphrase))

    async def retire_file(self) -> SecretBackendKind:
        return await self._choose(self._secrets.retire_file)

    async def decline_set_aside(self) -> None:
        """Audit that replacing the encrypted file was declined."""
        place = await self._secrets.place()
        here = {"place": place.value}
        self._audit_service.record(
            AuditAction.SET_SECRETS_PLACE, before=here, after=here, outcome=AuditOutcome.DECLINED
        )

    async def retry_keyring(self) -> SecretBackendKind:
        return await self._choose(self._secrets.retry_keyring)

    async def _choose(self, choice: Callable[[], Awaitable[object]]) -> SecretBackendKind:
        before = await self._secrets.place()
        after = before
        async with self._audit_service.around(
            AuditAction.SET_SECRETS_PLACE, before={"place": before.value}, after=lambda: {"place": after.value}
        ):
            await choice()
            after = await self._secrets.place()
        return after
