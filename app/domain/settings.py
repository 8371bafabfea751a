"""What operators decide while the program runs. What is decided before it starts is in `app.settings`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.webhooks import WebhookSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """Everything is off until somebody decides otherwise."""

    operator_name: str = ""  # who is at the keyboard, beside the user of the computer
    retention_days: int | None = None  # messages older than this are removed; None keeps all
    provider_log_until: datetime | None = None  # the providers' detailed log is written until then
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)


class SecretBackendKind(StrEnum):
    """One place at a time; nothing falls back to another without being asked to."""

    KEYRING = "keyring"  # the operating system's
    ENCRYPTED_FILE = "encrypted_file"  # opened with its passphrase in this run
    LOCKED_FILE = "locked_file"  # the same file, its passphrase not typed yet
    MEMORY = "memory"  # until the program ends
    NONE = "none"  # no keyring, and nobody chose anything else
