"""Who is let in: a door per link of a hosted provider, made of the link's credentials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.core.enrolments import Enrolments
from app.domain.credentials import CredentialField, Credentials, from_text, secret_name
from app.domain.errors import Problem
from app.domain.mentorado import Enrolment, LinkId, ProviderKind
from app.domain.ports import Secrets
from app.domain.webhooks import Door, Doors

VERIFY_TOKEN: Final = "webhooks/meta/verify_token"  # noqa: S105 - its name

_HOSTED = frozenset({ProviderKind.ZAPI, ProviderKind.META_CLOUD})


def path_name(link_id: LinkId) -> str:
    """Under which name the end of a link's own path is kept among the secrets."""
    return f"link/{link_id}/webhook_path"


@dataclass(frozen=True, slots=True)
class Found:
    """The doors that could be made, and why the others could not."""

    doors: tuple[Door, ...]
    verify_token: str = field(default="", repr=False)
    problem: Problem | None = None


class WebhookDoors:
    """Reads credentials; what has to be unguessable is made when it is first needed, and kept with them."""

    def __init__(self, *, enrolments: Enrolments, secrets: Secrets, token: Callable[[], str]) -> None:
        self._enrolments = enrolments
        self._secrets = secrets
        self._token = token
        self._made: frozenset[LinkId] = frozenset()

    def enrolments(self) -> Sequence[Enrolment]:
        """Those whose provider can call us, the ones that were connected before first: of two with one account, they
        get what names no number."""
        hosted = [
            each for each in self._enrolments.all() if each.link.provider in _HOSTED and not each.mentorado.archived
        ]
        return sorted(hosted, key=lambda each: each.link.account is None)

    def concern(self, link_id: LinkId) -> bool:
        """Whether this link has a door, or may get one: most never do, and change all the time."""
        return link_id in self._made or any(each.link.id == link_id for each in self.enrolments())

    async def all(self) -> Found:
        """Read everything anew."""
        doors = list[Door]()
        try:
            for enrolment in self.enrolments():
                if (door := await self._door(enrolment)) is not None:
                    doors.append(door)
            self._made = frozenset(door.link_id for door in doors)
            return Found(tuple(doors), await self.verify_token())
        except Problem as problem:
            return Found(tuple(doors), problem=problem)

    async def as_told(self) -> Doors:
        """For the receiver."""
        found = await self.all()
        return Doors(doors=found.doors, verify_token=found.verify_token, complete=found.problem is None)

    async def verify_token(self) -> str:
        return await self._kept_or_made(VERIFY_TOKEN)

    async def _door(self, enrolment: Enrolment) -> Door | None:
        """None while the link has no credentials, or none that a delivery could be checked with."""
        link = enrolment.link
        credentials = await self._credentials(link.id)
        if link.provider is ProviderKind.ZAPI:
            key = credentials.get(CredentialField.INSTANCE_ID, "")
            secret = await self._kept_or_made(path_name(link.id)) if key else ""
        else:
            key = credentials.get(CredentialField.PHONE_NUMBER_ID, "")
            secret = credentials.get(CredentialField.APP_SECRET, "")
        if not (key and secret):
            return None
        return Door(link_id=link.id, provider=link.provider, key=key, secret=secret, number=enrolment.expected_account)

    async def _credentials(self, link_id: LinkId) -> Credentials:
        text = await self._secrets.get(secret_name(link_id))
        try:
            return from_text(text) if text else {}
        except ValueError:
            return {}

    async def _kept_or_made(self, name: str) -> str:
        kept = await self._secrets.get(name)
        if not kept:
            kept = self._token()
            await self._secrets.set(name, kept)
        return kept
