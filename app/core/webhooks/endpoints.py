"""The webhook endpoints: one per link of a hosted provider, derived from its credentials."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from app.core.mentorado_service import MentoradoService
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, LinkId, Mentorado
from app.domain.provider_descriptor import WEBHOOK_SCHEMES, loads, secret_key
from app.domain.repositories import SecretStore
from app.domain.webhooks import Endpoint, EndpointList

VERIFY_TOKEN: Final = "webhooks/meta/verify_token"  # noqa: S105 - its name


def _is_needed(link: Link) -> bool:
    """Whether deliveries of *link* are wanted: it is in use, runs beside it, or was prepared to."""
    return link.in_use or link.enabled or link.account is None


def path_name(link_id: LinkId) -> str:
    """The key of the secret part of a link's own path in the secret store."""
    return f"link/{link_id}/webhook_path"


@dataclass(frozen=True, slots=True)
class EndpointLookup:
    """The endpoints that could be made, and why the others could not."""

    endpoints: tuple[Endpoint, ...]
    verify_token: str = field(default="", repr=False)
    problem: Problem | None = None


class EndpointRegistry:
    """Derives endpoints from credentials. Unguessable parts are created when first needed, and stored with them."""

    def __init__(self, *, mentorados: MentoradoService, secrets: SecretStore, token: Callable[[], str]) -> None:
        self._mentorados = mentorados
        self._secrets = secrets
        self._token = token
        self._made: frozenset[LinkId] = frozenset()

    def mentorados(self) -> Sequence[Mentorado]:
        """Mentorados whose provider sends webhooks, each with their link. Those connected before come first: with a
        shared account they get deliveries that name no number."""
        people = [
            each
            for each in self._mentorados.through_all()
            if each.link.provider in WEBHOOK_SCHEMES and not each.archived and _is_needed(each.link)
        ]
        return sorted(people, key=lambda each: each.link.account is None)

    def affects(self, link_id: LinkId) -> bool:
        """Whether this link has an endpoint, or may get one: most never do, and change all the time."""
        return link_id in self._made or any(each.link.id == link_id for each in self.mentorados())

    async def all(self) -> EndpointLookup:
        """Reload all endpoints."""
        endpoints = list[Endpoint]()
        try:
            for mentorado in self.mentorados():
                if (endpoint := await self._endpoint(mentorado)) is not None:
                    endpoints.append(endpoint)
            self._made = frozenset(endpoint.link_id for endpoint in endpoints)
            return EndpointLookup(tuple(endpoints), await self.verify_token())
        except Problem as problem:
            return EndpointLookup(tuple(endpoints), problem=problem)

    async def to_list(self) -> EndpointList:
        """The endpoints as the webhook server takes them."""
        found = await self.all()
        return EndpointList(endpoints=found.endpoints, verify_token=found.verify_token, complete=found.problem is None)

    async def verify_token(self) -> str:
        return await self._load_or_create_path(VERIFY_TOKEN)

    async def _endpoint(self, mentorado: Mentorado) -> Endpoint | None:
        """None while the link has no credentials, or none that a delivery could be checked with."""
        link = mentorado.link
        credentials = loads(await self._secrets.get(secret_key(link.id)))
        scheme = WEBHOOK_SCHEMES[link.provider]
        key = credentials.get(scheme.account, "")
        if scheme.signed_with:
            secret = credentials.get(scheme.signed_with, "")
        else:
            secret = await self._load_or_create_path(path_name(link.id)) if key else ""
        if not (key and secret):
            return None
        return Endpoint(
            link_id=link.id, provider=link.provider, key=key, secret=secret, number=mentorado.expected_account
        )

    async def _load_or_create_path(self, name: str) -> str:
        kept = await self._secrets.get(name)
        if not kept:
            kept = self._token()
            await self._secrets.set(name, kept)
        return kept


LEAST_PORT: Final = 1
MOST_PORT: Final = 65_535


def parse_address(typed: str) -> str:
    """An address of this machine, or ``localhost``."""
    text = typed.strip()
    try:
        return str(ipaddress.ip_address("127.0.0.1" if text.lower() == "localhost" else text))
    except ValueError:
        raise Problem(ProblemCode.WEBHOOK_ADDRESS_UNUSABLE, address=text or "—") from None


def parse_port(typed: str) -> int:
    digits = typed.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6 and LEAST_PORT <= int(digits) <= MOST_PORT):
        raise Problem(ProblemCode.WEBHOOK_PORT_INVALID, first=str(LEAST_PORT), last=str(MOST_PORT))
    return int(digits)


def parse_public_url(typed: str) -> str:
    """Without its last slash; empty when there is none yet. Secrets go there, so that it has to be ``https``."""
    url = typed.strip().rstrip("/")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if (
        not host
        or parts.scheme != "https"
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or len(url.split()) > 1
    ):
        raise Problem(ProblemCode.WEBHOOK_URL_INVALID)
    return url
