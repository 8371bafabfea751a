from __future__ import annotations

import pytest

from app.core.secret_service import SecretService
from app.domain.audit import AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.settings import SecretBackendKind
from tests.services import Core


class FakeSecrets:
    """Secrets of which only the place is played."""

    def __init__(self) -> None:
        self.where = SecretBackendKind.NONE
        self.keyring = SecretBackendKind.NONE

    async def place(self) -> SecretBackendKind:
        return self.where

    async def use_memory(self) -> None:
        self.where = SecretBackendKind.MEMORY

    async def use_file(self, passphrase: str) -> None:
        if passphrase != "right":
            raise Problem(ProblemCode.PASSPHRASE_WRONG)
        self.where = SecretBackendKind.ENCRYPTED_FILE

    async def retire_file(self) -> None:
        self.where = SecretBackendKind.NONE

    async def retry_keyring(self) -> SecretBackendKind:
        self.where = self.keyring
        return self.where

    async def get(self, name: str) -> str | None:
        raise NotImplementedError

    async def set(self, name: str, value: str) -> None:
        raise NotImplementedError

    async def delete(self, name: str) -> None:
        raise NotImplementedError


async def test_every_choice_is_written_down(core: Core) -> None:
    secrets = FakeSecrets()
    service = SecretService(secrets=secrets, audit_service=core.audit_service)
    async with core.running():
        assert await service.place() is SecretBackendKind.NONE
        assert await service.retry_keyring() is SecretBackendKind.NONE
        assert await service.use_memory() is SecretBackendKind.MEMORY
        with pytest.raises(Problem) as caught:
            await service.use_file("wrong")
        assert caught.value.code is ProblemCode.PASSPHRASE_WRONG
        assert await service.use_file("right") is SecretBackendKind.ENCRYPTED_FILE
        assert await service.retire_file() is SecretBackendKind.NONE
        secrets.keyring = SecretBackendKind.KEYRING
        assert await service.retry_keyring() is SecretBackendKind.KEYRING
    audited_actions = [entry.record for entry in core.audit.outcomes]
    assert {record.action for record in audited_actions} == {"set_secrets_place"}
    assert [(d.before["place"], d.after["place"], d.outcome, d.reason) for d in audited_actions] == [
        ("none", "none", AuditOutcome.DONE, ""),
        ("none", "memory", AuditOutcome.DONE, ""),
        ("memory", "memory", AuditOutcome.FAILED, "passphrase_wrong"),
        ("memory", "encrypted_file", AuditOutcome.DONE, ""),
        ("encrypted_file", "none", AuditOutcome.DONE, ""),
        ("none", "keyring", AuditOutcome.DONE, ""),
    ]


async def test_a_file_that_is_not_replaced_after_all_is_written_down(core: Core) -> None:
    service = SecretService(secrets=FakeSecrets(), audit_service=core.audit_service)
    async with core.running():
        await service.decline_set_aside()
    (entry,) = core.audit.outcomes
    record = entry.record
    assert (record.outcome, record.before, record.after) == (
        AuditOutcome.DECLINED,
        {"place": "none"},
        {"place": "none"},
    )
