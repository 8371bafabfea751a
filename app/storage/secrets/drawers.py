"""The places themselves. They block, and are used in a thread of their own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from app.domain.errors import Code, Problem

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

log = logging.getLogger(__name__)

SERVICE = "conecta"


class Drawer(Protocol):
    """Holds small texts by name."""

    def get(self, name: str) -> str | None: ...

    def set(self, name: str, value: str) -> None: ...

    def delete(self, name: str) -> None: ...


class Memory:
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
        raise Problem(Code.SECRETS_UNAVAILABLE) from error
