"""What a person types so that a hosted provider lets us in. It is kept among the secrets, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.domain.link_status import Reason
from app.domain.mentorado import LinkId, ProviderKind
from app.domain.phone import PhoneNumber


class CredentialField(StrEnum):
    """Stable: they are the keys of what is kept."""

    INSTANCE_ID = "instance_id"
    INSTANCE_TOKEN = "instance_token"  # noqa: S105 - a name
    CLIENT_TOKEN = "client_token"  # noqa: S105 - a name
    ACCESS_TOKEN = "access_token"  # noqa: S105 - a name
    PHONE_NUMBER_ID = "phone_number_id"
    WABA_ID = "waba_id"
    APP_SECRET = "app_secret"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of the form."""

    name: CredentialField
    secret: bool = True  # shown as dots
    required: bool = True


_F = CredentialField

FIELDS: Final[Mapping[ProviderKind, tuple[FieldSpec, ...]]] = MappingProxyType(
    {
        ProviderKind.WHATSAPP_WEB: (),
        ProviderKind.ZAPI: (
            FieldSpec(_F.INSTANCE_ID, secret=False),
            FieldSpec(_F.INSTANCE_TOKEN),
            FieldSpec(_F.CLIENT_TOKEN, required=False),
        ),
        ProviderKind.META_CLOUD: (
            FieldSpec(_F.ACCESS_TOKEN),
            FieldSpec(_F.PHONE_NUMBER_ID, secret=False),
            FieldSpec(_F.WABA_ID, secret=False),
            FieldSpec(_F.APP_SECRET, required=False),  # only to believe webhooks
        ),
    }
)

Credentials = Mapping[CredentialField, str]
"""Never put one into a log, a message or a representation."""


def dumps(credentials: Credentials) -> str:
    """The one text that is kept for a link; fields that are empty are left out."""
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


def missing(kind: ProviderKind, credentials: Credentials) -> tuple[CredentialField, ...]:
    """The fields that *kind* cannot do without, and that are empty."""
    return tuple(asked.name for asked in FIELDS[kind] if asked.required and not credentials.get(asked.name))


_ACCOUNT: Final[Mapping[ProviderKind, CredentialField]] = MappingProxyType(
    {ProviderKind.ZAPI: _F.INSTANCE_ID, ProviderKind.META_CLOUD: _F.PHONE_NUMBER_ID}
)


def account_id(kind: ProviderKind, credentials: Credentials) -> str:
    """What names the account that *credentials* lead to, in a form to compare; empty where nothing does."""
    field_name = _ACCOUNT.get(kind)
    return "" if field_name is None else credentials.get(field_name, "").casefold()


def secret_key(link_id: LinkId) -> str:
    """Under which name a link's credentials are kept among the secrets, as one text."""
    return f"link/{link_id}/credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialReport:
    """What the provider says about credentials; *good* is None when it could not be asked."""

    valid: bool | None
    reason: Reason = Reason.NONE  # why not
    account: PhoneNumber | None = None  # whose number they lead to
    facts: Mapping[str, str] = field(default_factory=dict)  # plain, for the form to show: a name, a plan
    detail: str = ""
