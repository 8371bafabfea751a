"""Which link an account (an instance at Z-API, a number at Meta, a WhatsApp number) belongs to: one, and no other."""

from __future__ import annotations

from app.core.mentorado_service import MentoradoService
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider_descriptor import DESCRIPTORS, Credentials, loads, secret_key
from app.domain.repositories import SecretStore


class Accounts:
    """Implements `AccountOwners`, over what is enrolled and what is kept of credentials.

    Archived mentorados own nothing: their number and their instance may have gone to somebody else.
    """

    def __init__(self, *, mentorados: MentoradoService, secrets: SecretStore) -> None:
        self._mentorados = mentorados
        self._secrets = secrets
        self._read: dict[LinkId, tuple[ProviderKind, str]] = {}  # a keyring is slow, and everybody asks about all

    def forget(self, link_id: LinkId) -> None:
        """The credentials of *link_id* are others now."""
        self._read.pop(link_id, None)

    async def reload_changed(self) -> list[MentoradoId]:
        """Reload the cached accounts; returns the mentorados whose account another program changed."""
        known, self._read = self._read, {}
        links = [each.link for each in self._mentorados.all() if each.link.id in known]
        return [link.mentorado_id for link in links if await self._account_of(link) != known[link.id][1]]

    async def require_alone(self, link: Link, credentials: Credentials) -> None:
        self._read.clear()  # a command may have changed it: what cannot be undone is not done on memory
        for other in await self._find_sharing(link, credentials):
            raise taken_by(other)

    async def require_first(self, link: Link, credentials: Credentials) -> None:
        others = await self._find_sharing(link, credentials)
        mine = next((each for each in self._mentorados.all() if each.link.id == link.id), None)
        if mine is None or link.account is not None:
            return
        for other in others:
            if other.link.account is not None or _age(other) < _age(mine):
                raise taken_by(other)

    def require_nobodys(self, number: PhoneNumber, besides: LinkId) -> None:
        holder = self._mentorados.holder(number, besides)
        if holder is not None:
            raise taken_by(holder)

    async def _find_sharing(self, link: Link, credentials: Credentials) -> list[Mentorado]:
        """The other links with the same account, those that were connected before the others, the oldest first."""
        account = DESCRIPTORS[link.provider].account_id(credentials)
        others = [
            each
            for each in self._mentorados.all()
            if account and each.link.id != link.id and each.link.provider is link.provider and not each.archived
        ]
        found = [each for each in others if await self._account_of(each.link) == account]
        return sorted(found, key=lambda each: (each.link.account is None, *_age(each)))

    async def _account_of(self, link: Link) -> str:
        known = self._read.get(link.id)
        if known is None or known[0] is not link.provider:
            text = await self._secrets.get(secret_key(link.id))
            try:
                known = link.provider, DESCRIPTORS[link.provider].account_id(loads(text) if text else {})
            except ValueError:  # damaged: nobody can sign in with them
                known = link.provider, ""
            self._read[link.id] = known
        return known[1]


def taken_by(other: Mentorado) -> Problem:
    """The problem that names the owner of the account."""
    return Problem(ProblemCode.ACCOUNT_TAKEN, name=other.name)


def _age(mentorado: Mentorado) -> tuple[str, str]:
    return mentorado.created_at.isoformat(), mentorado.id
