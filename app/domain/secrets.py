"""Where secrets are kept, as a person is told."""

from __future__ import annotations

from enum import StrEnum


class SecretsPlace(StrEnum):
    """One place at a time; nothing falls back to another without being asked to."""

    KEYRING = "keyring"  # the operating system's
    ENCRYPTED_FILE = "encrypted_file"  # opened with its passphrase in this run
    LOCKED_FILE = "locked_file"  # the same file, its passphrase not typed yet
    MEMORY = "memory"  # until the program ends
    NONE = "none"  # no keyring, and nobody chose anything else
