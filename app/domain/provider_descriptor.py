"""What is known of each provider without asking it, a row per provider. Plain data, so that every layer may read it.

Nothing else asks which provider it is: what differs between them is a property here, or a Protocol of
`app.domain.provider` that its class implements.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
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


Credentials = Mapping[CredentialField, str]
"""Never put one into a log, a message or a representation."""


def dumps(credentials: Credentials) -> str:
    """Serialize for the secret store; empty fields are left out."""
    return json.dumps({name.value: value for name, value in sorted(credentials.items()) if value}, ensure_ascii=False)


def loads(text: str | None) -> dict[CredentialField, str]:
    """Parse what `dumps` wrote; fields of a later version are dropped. Nothing where it is damaged: typed again, the
    credentials are whole again."""
    try:
        kept = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(kept, dict) or not all(isinstance(value, str) for value in kept.values()):
        return {}
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


_PATH_PART = re.compile(r"[A-Za-z0-9_-]+")  # it becomes part of an address, so nothing else may be in it
_NUMBER = re.compile(r"[1-9][0-9]*")  # with zeros before it, it would be another name of the same account
_HEADER = re.compile(r"[!-~]+")  # what may stand in one


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of the form in which credentials are entered."""

    name: CredentialField
    pattern: re.Pattern[str]  # what it looks like; whether it is right only the provider knows
    secret: bool = True  # shown as dots
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookScheme:
    """How the sender of a webhook is authenticated."""

    path: str  # where it comes in
    account: CredentialField  # whose it is
    signed_with: CredentialField | None = None  # signs each delivery (X-Hub-Signature-256); without, the path is secret
    account_in: str = ""  # the member of the body that names the account, for who signs nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDescriptor:
    """A provider. Its texts are `provider.<kind>`, `comparison.<kind>.…` and `settings.providers.<kind>`."""

    icon: str
    probe_url: str  # whose host is asked whether the provider can be reached
    official: bool = False
    keeps_session: bool = False  # its session is a file of ours; every other is hosted elsewhere
    pairs_by_code: bool = False  # links are paired by a QR, and not by credentials alone
    has_queue: bool = False
    registers_numbers: bool = False
    sends_to_itself: bool = True  # a number can write to itself, which a smoke test does
    delivers_in_order: bool = False  # messages come in their order, but for a long backlog
    fields: tuple[FieldSpec, ...] = ()
    account: CredentialField | None = None  # names the account; no two links may have the same
    pasted: re.Pattern[str] | None = None  # an address to paste that holds fields, as groups by their names
    webhooks: WebhookScheme | None = None

    def missing(self, credentials: Mapping[CredentialField, str]) -> tuple[CredentialField, ...]:
        """The fields that it cannot do without, and that are empty."""
        return tuple(asked.name for asked in self.fields if asked.required and not credentials.get(asked.name))

    def account_id(self, credentials: Mapping[CredentialField, str]) -> str:
        """What names the account that *credentials* lead to, in a form to compare; empty where nothing does."""
        return "" if self.account is None else credentials.get(self.account, "").casefold()


_F = CredentialField

DESCRIPTORS: Final[Mapping[ProviderKind, ProviderDescriptor]] = MappingProxyType(
    {
        ProviderKind.WHATSAPP_WEB: ProviderDescriptor(
            icon="monitor",
            probe_url="https://web.whatsapp.com",
            keeps_session=True,
            pairs_by_code=True,
            delivers_in_order=True,
        ),
        ProviderKind.ZAPI: ProviderDescriptor(
            icon="globe",
            probe_url="https://api.z-api.io",
            pairs_by_code=True,
            has_queue=True,
            fields=(
                FieldSpec(_F.INSTANCE_ID, _PATH_PART, secret=False),
                FieldSpec(_F.INSTANCE_TOKEN, _PATH_PART),
                FieldSpec(_F.CLIENT_TOKEN, _HEADER, required=False),
            ),
            account=_F.INSTANCE_ID,
            pasted=re.compile(r"/instances/(?P<instance_id>[A-Za-z0-9_-]+)/token/(?P<instance_token>[A-Za-z0-9_-]+)"),
            webhooks=WebhookScheme(path="/zapi/", account=_F.INSTANCE_ID, account_in="instanceId"),
        ),
        ProviderKind.META_CLOUD: ProviderDescriptor(
            icon="shield-check",
            probe_url="https://graph.facebook.com",
            official=True,
            registers_numbers=True,
            sends_to_itself=False,
            fields=(
                FieldSpec(_F.ACCESS_TOKEN, _HEADER),
                FieldSpec(_F.PHONE_NUMBER_ID, _NUMBER, secret=False),
                FieldSpec(_F.WABA_ID, _NUMBER, secret=False),
                FieldSpec(_F.APP_SECRET, _HEADER, required=False),  # only to check webhooks
            ),
            account=_F.PHONE_NUMBER_ID,
            webhooks=WebhookScheme(path="/meta", account=_F.PHONE_NUMBER_ID, signed_with=_F.APP_SECRET),
        ),
    }
)

WEBHOOK_SCHEMES: Final = {kind: scheme for kind, each in DESCRIPTORS.items() if (scheme := each.webhooks) is not None}
"""The providers that call us."""


def kinds_where(holds: Callable[[ProviderDescriptor], bool]) -> frozenset[ProviderKind]:
    """The providers whose descriptor is like that."""
    return frozenset(kind for kind, descriptor in DESCRIPTORS.items() if holds(descriptor))
