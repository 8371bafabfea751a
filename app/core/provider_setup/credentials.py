"""Credentials of hosted providers: validated, checked with the provider, stored and audited without their values."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from app.core.actions import ActionService
from app.core.audit_service import AuditService
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditAction, AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import REASONS
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber, same_account
from app.domain.provider import Provider, UsesCredentials
from app.domain.provider_descriptor import (
    DESCRIPTORS,
    CredentialField,
    CredentialReport,
    Credentials,
    dumps,
    loads,
    secret_key,
)
from app.domain.repositories import SecretStore

log = logging.getLogger(__name__)


class Accounts:
    """Implements `AccountOwners`, over what is enrolled and what is kept of credentials.

    Archived mentorados own nothing: their number and their instance may have gone to somebody else.
    """

    def __init__(self, *, mentorados: MentoradoService, secrets: SecretStore) -> None:
        self._mentorados = mentorados
        self._secrets = secrets
        self._read: dict[LinkId, tuple[ProviderKind, str]] = {}  # a keyring is slow, and everybody asks about all

    def forget(self, link_id: LinkId) -> None:
        """Forget the cached account of *link_id*, whose credentials changed."""
        self._read.pop(link_id, None)

    async def reload_changed(self) -> list[tuple[MentoradoId, LinkId]]:
        """Reload the cached accounts; returns the mentorados, with the link, whose account another program changed."""
        known, self._read = self._read, {}
        links = [each.link for each in self._mentorados.through_all() if each.link.id in known]
        return [(link.mentorado_id, link.id) for link in links if await self._account_of(link) != known[link.id][1]]

    def forget_all(self) -> None:
        """Read all credentials again: a command may have changed some."""
        self._read.clear()

    async def require_alone(self, link: Link, credentials: Credentials, *, fresh: bool = True) -> None:
        if fresh:
            self._read.clear()  # what cannot be undone is not done on memory
        for other in await self._find_sharing(link, credentials):
            raise taken_by(other)

    async def require_unshared(self, mentorado: Mentorado) -> None:
        """Raises `Problem(ACCOUNT_TAKEN)` when the account that the credentials of *mentorado* name is another link's.

        Where the secrets cannot be read, connecting refuses it.
        """
        self._read.clear()
        link = mentorado.link
        if DESCRIPTORS[link.provider].account is None:
            return
        try:
            credentials = loads(await self._secrets.get(secret_key(link.id)))
            others = await self._find_sharing(link, credentials)
        except Problem:
            return
        for other in others:
            raise taken_by(other)

    async def require_first(self, link: Link, credentials: Credentials) -> None:
        others = await self._find_sharing(link, credentials)
        mine = next((each for each in self._mentorados.through_all() if each.link.id == link.id), None)
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
            for each in self._mentorados.through_all()
            if account and each.link.id != link.id and each.link.provider is link.provider and not each.archived
        ]
        found = [each for each in others if await self._account_of(each.link) == account]
        return sorted(found, key=lambda each: (each.link.account is None, *_age(each)))

    async def _account_of(self, link: Link) -> str:
        known = self._read.get(link.id)
        if known is None or known[0] is not link.provider:
            credentials = loads(await self._secrets.get(secret_key(link.id)))
            self._read[link.id] = known = link.provider, DESCRIPTORS[link.provider].account_id(credentials)
        return known[1]


def taken_by(other: Mentorado) -> Problem:
    """The problem that names the owner of the account."""
    return Problem(ProblemCode.ACCOUNT_TAKEN, name=other.name)


def _age(mentorado: Mentorado) -> tuple[str, str]:
    return mentorado.created_at.isoformat(), mentorado.id


_INVISIBLE = str.maketrans("", "", "\u200b\u200c\u200d\u2060\ufeff")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCredentials:
    """Stored credentials as a window may show them: plain fields with their values, secret fields by name only."""

    plain: Mapping[CredentialField, str]
    secret: frozenset[CredentialField]

    @property
    def anything(self) -> bool:
        return bool(self.plain or self.secret)


class CredentialService:
    """Stores credentials and never returns one. Each link has one text in the `SecretStore`.

    Fields that were left empty mean what is kept already. Where secrets cannot be kept now, `Problem` says so.
    """

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        actions: ActionService,
        providers: Mapping[ProviderKind, Provider],
        secrets: SecretStore,
        audit_service: AuditService,
        accounts: Accounts,
    ) -> None:
        """*accounts* is shared with the providers, so that changes reach them."""
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._actions = actions
        self._providers = providers
        self._secrets = secrets
        self._audit_service = audit_service
        self._accounts = accounts
        self._saving = asyncio.Lock()  # two that are saved at once must not both find the account free

    def _require(self, mentorado: Mentorado) -> None:
        """Raises `Problem(NOT_POSSIBLE_NOW)`. A link beside the one in use waits for its credentials, whatever the
        other does."""
        if mentorado.link.in_use:
            self._actions.require(ActionName.ENTER_CREDENTIALS, mentorado.id)
        elif mentorado.archived or not DESCRIPTORS[mentorado.link.provider].fields:
            why = UnavailableReason.ARCHIVED if mentorado.archived else UnavailableReason.NO_CREDENTIALS
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=ActionName.ENTER_CREDENTIALS, why=why)

    async def known(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> StoredCredentials:
        """The stored credentials of the link in use, or, here and below, of *link_id* beside it."""
        link = self._mentorados.get(mentorado_id, link_id).link
        kept = await self._load_plain(link)
        asked = {field.name: field.secret for field in DESCRIPTORS[link.provider].fields if field.name in kept}
        return StoredCredentials(
            plain={name: kept[name] for name, secret in asked.items() if not secret},
            secret=frozenset(name for name, secret in asked.items() if secret),
        )

    async def check(
        self, mentorado_id: MentoradoId, typed: Credentials, link_id: LinkId | None = None
    ) -> CredentialReport:
        """Ask the provider whether they are right.

        Raises `Problem` when a field is missing or cannot be one, or when the account is another link's. Where there
        is no place for secrets yet, nothing is kept that could be another link's.
        """
        mentorado = self._mentorados.get(mentorado_id, link_id)
        self._require(mentorado)
        link = mentorado.link
        provider: object = self._providers.get(link.provider)
        if isinstance(provider, UsesCredentials):
            report = await provider.check(await self._whole(link, typed))
            self._require_own_number(mentorado, report)
            return report
        raise Problem(ProblemCode.PROVIDER_UNAVAILABLE, provider=link.provider)

    async def _whole(self, link: Link, typed: Credentials) -> Credentials:
        """*typed*, completed by what is stored. Raises `Problem` when another link has the account."""
        try:
            kept = await self._load_plain(link)
        except Problem as problem:
            if problem.code is not ProblemCode.SECRETS_UNAVAILABLE:
                raise
            return _validate(link.provider, {}, typed)
        whole = _validate(link.provider, kept, typed)
        await self._require_free(link, kept, whole)
        return whole

    async def save(
        self,
        mentorado_id: MentoradoId,
        typed: Credentials,
        report: CredentialReport | None = None,
        link_id: LinkId | None = None,
    ) -> tuple[CredentialField, ...]:
        """Store them, and let a running link sign in with them; returns the fields that changed.

        *report* is what the provider said about them, or None when nobody asked it. Raises `Problem(ACCOUNT_TAKEN)`,
        and keeps nothing, when the account or its number is another link's.
        """
        mentorado = self._mentorados.get(mentorado_id, link_id)
        self._require(mentorado)
        link = mentorado.link
        async with self._saving:
            try:
                kept = await self._load_plain(link)
                whole = _validate(link.provider, kept, typed)
                changed = tuple(name for name in CredentialField if kept.get(name) != whole.get(name))
                await self._require_free(link, kept, whole)
                self._require_own_number(mentorado, report)
            except Problem as problem:
                await self._audit_service.write_or_queue(
                    ActionName.ENTER_CREDENTIALS, mentorado, outcome=AuditOutcome.FAILED, reason=problem.code
                )
                raise
            if changed:
                written = {"fields": ", ".join(changed), "checked": _check_outcome(report)}
                async with self._audit_service.around(ActionName.ENTER_CREDENTIALS, mentorado, after=lambda: written):
                    await self._secrets.set(secret_key(link.id), dumps(whole))
                    self._accounts.forget(link.id)
        if changed:
            descriptor = DESCRIPTORS[link.provider]
            if descriptor.account_id(kept) != descriptor.account_id(whole):
                await self._clear_account_decision(mentorado)
            await self._supervisor.restart(mentorado_id, link_id)
        return changed

    async def _require_free(self, link: Link, kept: Credentials, whole: Credentials) -> None:
        """Raises `Problem` when another link has the account; when it is unchanged, only if that link had it first."""
        descriptor = DESCRIPTORS[link.provider]
        same = descriptor.account_id(kept) == descriptor.account_id(whole)
        await (self._accounts.require_first if same else self._accounts.require_alone)(link, whole)

    def _require_own_number(self, mentorado: Mentorado, report: CredentialReport | None) -> None:
        number = report.account if report is not None else None
        if number is not None and not same_account(number, mentorado.expected_account):
            self._accounts.require_nobodys(number, mentorado.link.id)

    async def _clear_account_decision(self, mentorado: Mentorado) -> None:
        """Clear an open decision about the number of the former account."""
        if REASONS[self._supervisor.status(mentorado.link.id).reason].about_account:
            await self._supervisor.pause(mentorado.id, mentorado.link.id)

    async def forget(self, mentorado_id: MentoradoId) -> None:
        """Delete the stored credentials. Raises `Problem(NOT_POSSIBLE_NOW)` while the link runs: it could not
        reconnect."""
        self._actions.require(ActionName.ARCHIVE, mentorado_id)  # what holds for it, holds here: nothing may run
        mentorado = self._mentorados.get(mentorado_id)
        kept = await self._load_plain(mentorado.link)
        async with self._audit_service.around(
            AuditAction.FORGET_CREDENTIALS, mentorado, before={"fields": ", ".join(kept)}
        ):
            await self._secrets.delete(secret_key(mentorado.link.id))
            self._accounts.forget(mentorado.link.id)

    async def _load_plain(self, link: Link) -> dict[CredentialField, str]:
        text = await self._secrets.get(secret_key(link.id))
        kept = loads(text)
        if text and not kept:
            log.warning("The credentials of link %s cannot be read", link.id)
        return kept


def clean_input(text: str) -> str:
    """Strip the spaces, line breaks and invisible characters that copying brings along."""
    return "".join(text.translate(_INVISIBLE).split())


def parse_pasted_url(text: str) -> Mapping[CredentialField, str]:
    """The fields in an address that was pasted whole, as a provider's panel shows it; nothing for any other text."""
    cleaned = clean_input(text)
    patterns = [descriptor.pasted for descriptor in DESCRIPTORS.values() if descriptor.pasted is not None]
    match = next(filter(None, (pattern.search(cleaned) for pattern in patterns)), None)
    return {CredentialField(name): value for name, value in match.groupdict().items()} if match else {}


def _validate(kind: ProviderKind, kept: Credentials, typed: Credentials) -> Credentials:
    """Merge *typed* over *kept*, and require that every field of *kind* is present and well-formed."""
    new = {name: clean_input(value) for name, value in typed.items()}
    whole = {**kept, **{name: value for name, value in new.items() if value}}
    if lacking := DESCRIPTORS[kind].missing(whole):
        raise Problem(ProblemCode.CREDENTIAL_EMPTY, field=lacking[0])
    for asked in DESCRIPTORS[kind].fields:
        if asked.name in whole and not asked.pattern.fullmatch(whole[asked.name]):
            raise Problem(ProblemCode.CREDENTIAL_MALFORMED, field=asked.name)
    return whole


def _check_outcome(report: CredentialReport | None) -> str:
    if report is None:
        return "not_asked"
    return {True: "good", False: "refused", None: "silent"}[report.valid]
