"""Credentials for hosted providers, as an operator enters them. Stored in the secret store only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.link_status import Reason
from app.domain.mentorado import LinkId
from app.domain.phone import PhoneNumber
from app.domain.provider_descriptor import CredentialField

Credentials = Mapping[CredentialField, str]
"""Never put one into a log, a message or a representation."""


def dumps(credentials: Credentials) -> str:
    """Serialize for the secret store; empty fields are left out."""
    return json.dumps({name.value: value for name, value in sorted(credentials.items()) if value}, ensure_ascii=False)


def loads(text: str) -> dict[CredentialField, str]:
    """Parse what `dumps` wrote; fields of a later version are dropped. Raises `ValueError` without any of the text."""
    try:
        kept = json.loads(text)
    except ValueError:  # this one holds the whole text, and so must go no further
        kept = None
    if not isinstance(kept, dict) or not all(isinstance(value, str) for value in kept.values()):
        raise ValueError("credentials are not a JSON object of texts")
    return {name: kept[name.value] for name in CredentialField if kept.get(name.value)}


def secret_key(link_id: LinkId) -> str:
    """Under which name a link's credentials are kept among the secrets, as one text."""
    return f"link/{link_id}/credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialReport:
    """The provider's answer about credentials. *good* is None when it could not be asked."""

    valid: bool | None
    reason: Reason = Reason.NONE  # why not
    account: PhoneNumber | None = None  # whose number they lead to
    facts: Mapping[str, str] = field(default_factory=dict)  # plain, for the form to show: a name, a plan
    detail: str = ""
