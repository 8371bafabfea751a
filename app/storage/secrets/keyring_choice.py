"""Finds a keyring that can be trusted to hold a secret, and tries it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from app.domain.errors import Problem
from app.storage.secrets.drawers import SystemKeyring

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

log = logging.getLogger(__name__)

TRUSTED: Final = frozenset(
    {
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.kwallet.DBusKeyringKWallet4",
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
    }
)
"""Whatever else is installed may keep secrets in a plain file, or nowhere, and say nothing of it."""


def trusted_keyring(trusted: frozenset[str] = TRUSTED) -> SystemKeyring | None:
    """The keyring of this system, if one is *trusted* and gives back what it was given. May block and ask a person."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    candidates = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    for backend in candidates:
        if name_of(backend) in trusted:
            drawer = SystemKeyring(backend)
            return drawer if _gives_back(drawer) else None
    log.info("No keyring that is trusted: %s", ", ".join(map(name_of, candidates)))
    return None


def name_of(backend: KeyringBackend) -> str:
    kind = type(backend)
    return f"{kind.__module__}.{kind.__qualname__}"


def _gives_back(drawer: SystemKeyring) -> bool:
    name, value = f"trial {uuid4().hex}", uuid4().hex
    try:
        drawer.set(name, value)
        kept = drawer.get(name)
        drawer.delete(name)
        return kept == value and drawer.get(name) is None
    except Problem:
        return False
