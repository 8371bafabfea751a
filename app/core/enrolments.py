"""Everybody who is looked after: checks what staff type, stores it, and tells the rest of the program."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.core.action import ActionName
from app.core.bus import Bus
from app.core.phone_numbers import parse_phone
from app.core.witness import Witness
from app.domain.deeds import DeedName
from app.domain.errors import Code, Problem
from app.domain.events import MentoradoAdded, MentoradoChanged, MentoradosLoaded
from app.domain.mentorado import (
    Enrolment,
    Link,
    LinkId,
    Mentorado,
    MentoradoId,
    ProviderKind,
    new_link_id,
    new_mentorado_id,
)
from app.domain.names import checked_cohort, checked_name
from app.domain.phone import PhoneNumber, masked, same_account
from app.domain.ports import Clock, Roster


class Enrolments:
    """The roster in memory; the disk has it first, with the audit entry of what was done, then listeners hear of it."""

    def __init__(self, *, bus: Bus, roster: Roster, clock: Clock, witness: Witness) -> None:
        self._bus = bus
        self._roster = roster
        self._clock = clock
        self._witness = witness
        self._by_id: dict[MentoradoId, Enrolment] = {}
        self._writing = asyncio.Lock()
        self._changed_elsewhere: list[tuple[Enrolment, Enrolment]] = []  # since `follow` was asked

    async def load(self) -> None:
        """Read everybody from disk."""
        everybody = await self._roster.all()
        self._by_id = {enrolment.mentorado.id: enrolment for enrolment in everybody}
        self._bus.publish(MentoradosLoaded(tuple(everybody)))

    async def follow(self) -> list[tuple[Enrolment, Enrolment]]:
        """Read everybody anew, and tell what another program changed; returns who was changed, as before and as now."""
        async with self._writing:
            await self._follow()
            changed, self._changed_elsewhere = self._changed_elsewhere, []
            return changed

    async def _follow(self) -> None:
        for now in await self._roster.all():
            before = self._by_id.get(now.mentorado.id)
            if before is None:
                self._by_id[now.mentorado.id] = now
                self._bus.publish(MentoradoAdded(now))
            elif before != now:
                self._changed_elsewhere.append((before, self._keep(now)))

    def all(self) -> Iterable[Enrolment]:
        return tuple(self._by_id.values())

    def get(self, mentorado_id: MentoradoId) -> Enrolment:
        """The enrolment as it is now; raises `Problem(MENTORADO_UNKNOWN)`."""
        try:
            return self._by_id[mentorado_id]
        except KeyError:
            raise Problem(Code.MENTORADO_UNKNOWN, name=mentorado_id) from None

    def of_link(self, link_id: LinkId) -> Enrolment:
        """The enrolment whose link in use is *link_id*."""
        return next(enrolment for enrolment in self._by_id.values() if enrolment.link.id == link_id)

    async def add(
        self, name: str, phone: str, cohort: str = "", *, provider: ProviderKind = ProviderKind.WHATSAPP_WEB
    ) -> Enrolment:
        """Enrol somebody new. Raises `Problem` when the name is empty, or the number is none or is taken."""
        async with self._writing:
            mentorado = Mentorado(
                id=new_mentorado_id(),
                name=checked_name(name),
                phone=await self._free_phone(phone),
                cohort=checked_cohort(cohort),
                created_at=self._clock.now(),
            )
            enrolment = Enrolment(mentorado, Link(id=new_link_id(), mentorado_id=mentorado.id, provider=provider))
            with self._witness.with_changes(DeedName.ADD_MENTORADO, enrolment, after=_described(enrolment)):
                await self._roster.add(enrolment)
            self._by_id[mentorado.id] = enrolment
        self._bus.publish(MentoradoAdded(enrolment))
        return enrolment

    async def edit(self, mentorado_id: MentoradoId, name: str, phone: str, cohort: str) -> Enrolment:
        """Change who somebody is. A number that another person accepted for the link is forgotten with the old one."""
        async with self._writing:
            await self._follow()  # what another program changed must not be written over
            before = self.get(mentorado_id)
            number = await self._free_phone(phone, besides=mentorado_id)
            mentorado = replace(before.mentorado, name=checked_name(name), phone=number, cohort=checked_cohort(cohort))
            link = before.link
            if number != before.mentorado.phone and link.accepted_account is not None:
                link = replace(link, accepted_account=None)
            after = Enrolment(mentorado, link)
            if after == before:
                return before
            was, now = _changed(_described(before), _described(after))
            with self._witness.with_changes(DeedName.EDIT_MENTORADO, after, before=was, after=now):
                await self._roster.save(after)
            return self._keep(after)

    async def archive(self, mentorado_id: MentoradoId, *, undo_import: bool = False) -> None:
        """Take somebody out of the list. Session files and history stay where they are.

        With *undo_import* the audit says that it is because their import was taken back.
        """
        action = DeedName.UNDO_IMPORT if undo_import else ActionName.ARCHIVE
        async with self._writing:
            await self._follow()
            before = self.get(mentorado_id)
            mentorado = replace(before.mentorado, archived_at=self._clock.now())
            with self._witness.with_changes(action, before):
                await self._roster.save_mentorado(mentorado)
            self._keep(Enrolment(mentorado, before.link))

    async def bring_back(self, mentorado_id: MentoradoId) -> None:
        """Undo `archive`; raises `Problem(PHONE_TAKEN)` when the number went to somebody else meanwhile."""
        async with self._writing:
            await self._follow()
            before = self.get(mentorado_id)
            await self._free_phone(before.mentorado.phone, besides=mentorado_id)
            if before.link.accepted_account is not None:
                await self._require_free(before.link.accepted_account, before.link)
            mentorado = replace(before.mentorado, archived_at=None)
            with self._witness.with_changes(ActionName.BRING_BACK, before):
                await self._roster.save_mentorado(mentorado)
            self._keep(Enrolment(mentorado, before.link))

    async def save_link(self, link: Link) -> Enrolment:
        """Store how a link is configured now."""
        async with self._writing:
            before = self.get(link.mentorado_id)
            if link == before.link:
                return before
            if link.accepted_account is not None and link.accepted_account != before.link.accepted_account:
                await self._require_free(link.accepted_account, link)
            await self._roster.save_link(link)
            return self._keep(Enrolment(before.mentorado, link))

    def named(self, name: str, *, archived: bool = False) -> Enrolment:
        """The one active mentorado called *name*, or whose number it is; with *archived*, an archived one is found as
        well, where nobody active is called so.

        Raises `Problem` when none or several are.
        """
        wanted, number = name.strip().casefold(), _number_in(name)
        found: list[Enrolment] = []
        for exactly in (True, False):
            for among in (False, True) if archived else (False,):
                everybody = [each for each in self._by_id.values() if each.mentorado.archived is among]
                found = found or [each for each in everybody if _is_called(each.mentorado, wanted, number, exactly)]
        if not found:
            raise Problem(Code.MENTORADO_UNKNOWN, name=name)
        if len(found) > 1:
            raise Problem(Code.MENTORADO_AMBIGUOUS, name=name, count=str(len(found)))
        return found[0]

    async def _require_free(self, number: PhoneNumber, link: Link) -> None:
        """Raises `Problem(ACCOUNT_TAKEN)`. The disk is asked, too: a command may have added somebody meanwhile."""
        here = self.holder(number, link.id)
        holder = await self._roster.by_phone(number) if here is None else here.mentorado
        if holder is not None and holder.id != link.mentorado_id:
            raise Problem(Code.ACCOUNT_TAKEN, name=holder.name)

    def _keep(self, enrolment: Enrolment) -> Enrolment:
        self._by_id[enrolment.mentorado.id] = enrolment
        self._bus.publish(MentoradoChanged(enrolment))
        return enrolment

    async def _free_phone(self, typed: str, besides: MentoradoId | None = None) -> PhoneNumber:
        number = parse_phone(typed)
        holder = await self._roster.by_phone(number)
        if holder is None or holder.id == besides:
            holder = self._accepted_by(number, besides)
        if holder is not None:
            raise Problem(Code.PHONE_TAKEN, name=holder.name)
        return number

    def _accepted_by(self, number: PhoneNumber, besides: MentoradoId | None) -> Mentorado | None:
        """Who connects with *number*, although it is not the one that was typed for them."""
        for each in self._by_id.values():
            accepted = each.link.accepted_account
            if each.mentorado.archived or each.mentorado.id == besides or accepted is None:
                continue
            if same_account(accepted, number):
                return each.mentorado
        return None

    def holder(self, number: PhoneNumber, besides: LinkId) -> Enrolment | None:
        """Whose WhatsApp number *number* is, of everybody who is not archived; not asked about the link *besides*.

        Somebody whose link is expected to have it, or signed in with it last.
        """
        others = [each for each in self._by_id.values() if each.link.id != besides and not each.mentorado.archived]
        numbers = ((each, {each.expected_account, each.mentorado.phone}) for each in others)
        expecting = (each for each, theirs in numbers if any(same_account(one, number) for one in theirs))
        signed_in = (each for each in others if each.link.account and same_account(each.link.account, number))
        return next(expecting, None) or next(signed_in, None)


def _described(enrolment: Enrolment) -> dict[str, str]:
    """As the audit has it."""
    mentorado = enrolment.mentorado
    known = {"name": mentorado.name, "phone": masked(mentorado.phone), "cohort": mentorado.cohort}
    return {key: value for key, value in known.items() if value} | {"provider": enrolment.link.provider.value}


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What differs, on either side. Two numbers may look the same with most of their digits hidden."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)] or ["phone"]
    return {name: before.get(name, "") for name in names}, {name: after.get(name, "") for name in names}


def _number_in(typed: str) -> PhoneNumber | None:
    """The number that was *typed* in place of a name, in any spelling."""
    if sum(map(str.isdigit, typed)) < 8:
        return None
    try:
        return parse_phone(typed)
    except Problem:
        return None


def _is_called(person: Mentorado, wanted: str, number: PhoneNumber | None, exactly: bool) -> bool:
    if not exactly:
        return bool(wanted) and wanted in person.name.casefold()
    has_number = number is not None and same_account(person.phone, number)
    return has_number or wanted in (person.name.casefold(), person.phone, person.id)
