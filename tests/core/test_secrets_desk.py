from __future__ import annotations

import pytest

from app.core.secrets_desk import SecretsDesk
from app.domain.audit import AuditOutcome
from app.domain.errors import Code, Problem
from app.domain.secrets import SecretsPlace
from tests.core.conftest import Core, Run


class PlayedSecrets:
    """Secrets of which only the place is played."""

    def __init__(self) -> None:
        self.where = SecretsPlace.NONE
        self.keyring = SecretsPlace.NONE

    async def place(self) -> SecretsPlace:
        return self.where

    async def keep_in_memory(self) -> None:
        self.where = SecretsPlace.MEMORY

    async def keep_in_file(self, passphrase: str) -> None:
        if passphrase != "right":
            raise Problem(Code.PASSPHRASE_WRONG)
        self.where = SecretsPlace.ENCRYPTED_FILE

    async def set_file_aside(self) -> None:
        self.where = SecretsPlace.NONE

    async def try_keyring_again(self) -> SecretsPlace:
        self.where = self.keyring
        return self.where

    async def get(self, name: str) -> str | None:
        raise NotImplementedError

    async def set(self, name: str, value: str) -> None:
        raise NotImplementedError

    async def delete(self, name: str) -> None:
        raise NotImplementedError


def test_every_choice_is_written_down(core: Core, run: Run) -> None:
    async def main() -> None:
        secrets = PlayedSecrets()
        desk = SecretsDesk(secrets=secrets, witness=core.witness)
        async with core.running():
            assert await desk.place() is SecretsPlace.NONE
            assert await desk.try_keyring_again() is SecretsPlace.NONE
            assert await desk.keep_in_memory() is SecretsPlace.MEMORY
            with pytest.raises(Problem) as caught:
                await desk.keep_in_file("wrong")
            assert caught.value.code is Code.PASSPHRASE_WRONG
            assert await desk.keep_in_file("right") is SecretsPlace.ENCRYPTED_FILE
            assert await desk.set_file_aside() is SecretsPlace.NONE
            secrets.keyring = SecretsPlace.KEYRING
            assert await desk.try_keyring_again() is SecretsPlace.KEYRING
        deeds = [entry.deed for entry in core.audit.outcomes]
        assert {deed.action for deed in deeds} == {"set_secrets_place"}
        assert [(d.before["place"], d.after["place"], d.outcome, d.reason) for d in deeds] == [
            ("none", "none", AuditOutcome.DONE, ""),
            ("none", "memory", AuditOutcome.DONE, ""),
            ("memory", "memory", AuditOutcome.FAILED, "passphrase_wrong"),
            ("memory", "encrypted_file", AuditOutcome.DONE, ""),
            ("encrypted_file", "none", AuditOutcome.DONE, ""),
            ("none", "keyring", AuditOutcome.DONE, ""),
        ]

    run(main())
