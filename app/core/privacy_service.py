"""Data subject requests: export and erasure of a contact's data."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, cast

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService, parse_phone
from app.core.settings_service import SettingsService
from app.core.trusted_time import TrustedClock
from app.domain.audit import AuditAction, AuditOutcome
from app.domain.consent import ConsentReader, ContactConsents
from app.domain.erasure import Erased, Leftovers, OldCopy, traces_of
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesErased
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.messages import REFERRING, Address, AddressKind, Conversation, StoredMessage
from app.domain.notes import Note
from app.domain.phone import masked
from app.domain.repositories import CheckedClock, PersonalDataRepository, SetAsideDeliveries
from app.formats.privacy_export import ExportHead, ExportWriter, PageRenderer

log = logging.getLogger(__name__)

_SET_ASIDE: Final = 10_000
"""Deliveries in an export, at most; what is kept of them all is bounded where they are stored."""

Progress = Callable[[int, int | None], None]
"""Called with the number of messages written and the total, if known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """The result of an export."""

    folder: Path
    messages: int
    conversations: int


class PrivacyService:
    """Exports and erases data. Each is audited with counts, never with a whole number or message text."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        history: PersonalDataRepository,
        set_aside: SetAsideDeliveries,
        consents: ConsentReader,
        notes_of: Callable[[MentoradoId], Sequence[Note]],
        audit_service: AuditService,
        clock: CheckedClock,
        leftovers: Sequence[Leftovers] = (),
    ) -> None:
        """*leftovers* are the places outside the database that may hold message data."""
        self._bus = bus
        self._mentorados = mentorados
        self._history = history
        self._set_aside = set_aside
        self._consents = consents
        self._notes_of = notes_of
        self._audit_service = audit_service
        self._clock = clock
        self._leftovers = leftovers

    async def export(
        self,
        mentorado_id: MentoradoId,
        folder: Path,
        pages: PageRenderer,
        *,
        contact: Address | None = None,
        progress: Progress = lambda _done, _total: None,
    ) -> ExportResult:
        """Write all that is kept of a mentorado, or of one *contact* of theirs, into a new folder inside *folder*.

        Cancelled or failed, nothing is left there. Raises `Problem(CONTACT_UNKNOWN)` or one about the folder.
        """
        mentorado = self._mentorados.get(mentorado_id)
        record = AuditAction.EXPORT_MENTORADO if contact is None else AuditAction.EXPORT_CONTACT
        counts: dict[str, str] = {}
        async with self._audit_service.around(record, mentorado, before=_audit_contact(contact), after=lambda: counts):
            exported = await self._export(mentorado, folder, pages, contact, progress)
            counts |= {"messages": str(exported.messages), "conversations": str(exported.conversations)}
        return exported

    async def erase_contact(self, mentorado_id: MentoradoId, contact: Address) -> Erased:
        """Remove a contact with every message and no way back.

        Whoever asks must have had it confirmed. Only a hash of the address stays, so that nothing older comes back.
        Asked again, it completes what there was no room for. Raises `Problem(CONTACT_UNKNOWN)`, or what kept the rows
        from being removed: then nothing is erased.
        """
        mentorado = self._mentorados.get(mentorado_id)
        contact_id = await self._history.find_contact(mentorado_id, contact)
        recorded = await self._history.recorded(mentorado_id, contact)
        known = contact_id is not None or bool(recorded)
        if not known and not await self._history.was_erased(mentorado_id, contact):
            raise Problem(ProblemCode.CONTACT_UNKNOWN, contact=contact.value)
        count, addresses = 0, [contact, *recorded]
        if known:
            try:
                if contact_id is not None:
                    addresses += await self._history.addresses(mentorado_id, contact_id)
                at = await self._clock.checked_now()
                with self._audit_service.with_changes(
                    AuditAction.ERASE_CONTACT,
                    mentorado,
                    before=_audit_contact(contact),
                    after=lambda n: {"messages": str(n)},
                ):
                    count = await (
                        self._history.erase_recorded(mentorado_id, contact, at)
                        if contact_id is None
                        else self._history.erase(mentorado_id, contact_id, at)
                    )
            except Problem as problem:
                await self._audit_service.write_or_queue(
                    AuditAction.ERASE_CONTACT,
                    mentorado,
                    before=_audit_contact(contact),
                    outcome=AuditOutcome.FAILED,
                    reason=problem.code,
                )
                raise
            self._bus.publish(MessagesErased(mentorado_id))
        traces, copies = await self._wipe(mentorado_id, addresses)
        if not known or copies or traces is not None:
            await self._audit_service.write(
                AuditAction.ERASE_CONTACT,
                mentorado,
                before=_audit_contact(contact),
                after={"messages": str(count)} | ({"copies": str(len(copies))} if copies else {}),
                reason="" if traces is None else traces.code,
            )
        return Erased(messages=count, traces=traces, copies=copies)

    async def remove_copies(self, mentorado_id: MentoradoId, copies: Sequence[OldCopy]) -> None:
        """Delete copies that may hold erased data. The caller must have confirmed it."""
        mentorado = self._mentorados.get(mentorado_id)
        named = {"copies": ", ".join(each.path.name for each in copies)}
        async with self._audit_service.around(AuditAction.REMOVE_COPIES, mentorado, before=named):
            for place in self._leftovers:
                await place.remove(copies)

    async def _wipe(
        self, mentorado_id: MentoradoId, addresses: Sequence[Address]
    ) -> tuple[Problem | None, tuple[OldCopy, ...]]:
        """Erase outside the database. What fails is reported; the erasure itself stands."""
        failed: Problem | None = None
        copies: list[OldCopy] = []
        for place in self._leftovers:
            try:
                await place.wipe(mentorado_id, traces_of(addresses))
                copies += await place.copies(mentorado_id)
            except Problem as problem:
                log.warning("Leftover files of an erased contact could not be searched: %s", problem.code)
                failed = problem
        try:
            await self._history.overwrite()
        except Problem as problem:
            log.warning("The database could not be rewritten after an erasure: %s", problem.code)
            failed = problem
        return failed, tuple(copies)

    def decline_erasure(self, mentorado_id: MentoradoId, contact: Address) -> None:
        """Audit that the erasure of *contact* was declined."""
        mentorado = self._mentorados.get(mentorado_id)
        self._audit_service.record(
            AuditAction.ERASE_CONTACT, mentorado, before=_audit_contact(contact), outcome=AuditOutcome.DECLINED
        )

    async def _ledger(self, mentorado_id: MentoradoId, contact: Address | None) -> Sequence[ContactConsents]:
        """What was recorded of everybody, or of *contact*."""
        if contact is None:
            return await self._consents.contacts(mentorado_id)
        (entries,) = await self._consents.ledgers(mentorado_id, [contact])
        return [ContactConsents(reference="", addresses=(contact,), entries=entries)] if entries else []

    async def _export(
        self, mentorado: Mentorado, folder: Path, pages: PageRenderer, contact: Address | None, progress: Progress
    ) -> ExportResult:
        mentorado_id = mentorado.id
        contact_id = None if contact is None else await self._history.find_contact(mentorado_id, contact)
        consents = await self._ledger(mentorado_id, contact)
        if contact is not None and contact_id is None and not consents:
            raise Problem(ProblemCode.CONTACT_UNKNOWN, contact=contact.value)
        total = None if contact is not None else (await self._history.extent(mentorado_id)).messages
        conversations = await self._history.conversations(mentorado_id)
        head = ExportHead(
            mentorado=mentorado,
            contact=contact,
            contact_title=_title(contact, conversations),
            at=self._clock.now(),
            consents=consents,
            notes=self._notes_of(mentorado_id) if contact is None else (),
        )
        files = ExportWriter(folder, head, {talk.id: talk for talk in conversations}, pages)
        loop, worker = asyncio.get_running_loop(), ThreadPoolExecutor(1, thread_name_prefix="export")
        done = 0
        try:
            await loop.run_in_executor(worker, files.begin)
            if contact is None or contact_id is not None:  # else only the ledger of consent knows them
                everything = self._history.export(mentorado_id, contact_id=contact_id)
                async with aclosing(cast("AsyncGenerator[Sequence[StoredMessage]]", everything)) as batches:
                    async for batch in batches:
                        await loop.run_in_executor(worker, files.add, batch)
                        done += sum(message.kind not in REFERRING for message in batch)
                        progress(done, total)
            aside = await self._set_aside.latest(mentorado_id, limit=_SET_ASIDE) if contact is None else ()
            written = await loop.run_in_executor(worker, files.finish, aside)
        except BaseException:
            await loop.run_in_executor(worker, files.discard)  # after what it is doing now
            raise
        finally:
            worker.shutdown(wait=False)
        return ExportResult(folder=written, messages=done, conversations=files.conversations)


def contact_of(typed: str) -> Address:
    """The address that somebody typed as a phone number; raises `Problem(PHONE_INVALID)`."""
    return Address(AddressKind.PHONE, parse_phone(typed))


def _title(contact: Address | None, conversations: Sequence[Conversation]) -> str:
    if contact is None:
        return ""
    theirs = (talk for talk in conversations if contact.key in {address.key for address in talk.addresses})
    return next((talk.title for talk in theirs), contact.value)


def _audit_contact(contact: Address | None) -> dict[str, str]:
    return {} if contact is None else {"contact": masked(contact.value)}


EVERY = timedelta(days=1)
LOOK_AGAIN_SECONDS = 3600.0
"""The day is measured by the wall clock, which a computer that slept is ahead with."""


AT_ONCE_LEAST: Final = 1_000
AT_ONCE_SHARE: Final = 5
"""Retention deletes at most a fifth of all messages a day, or a thousand: a mistake is noticed in time."""


class RetentionJob:
    """Off until a number of days is set. A change counts from the next time on, so that a slip can be undone. While the
    computer's date is in doubt, nothing goes."""

    def __init__(
        self,
        *,
        bus: EventBus,
        settings_service: SettingsService,
        history: PersonalDataRepository,
        audit_service: AuditService,
        clock: TrustedClock,
    ) -> None:
        self._bus = bus
        self._settings_service = settings_service
        self._history = history
        self._audit_service = audit_service
        self._clock = clock

    async def run(self) -> None:
        """Delete old messages now, then daily, until cancelled."""
        await self._settings_service.loaded.wait()
        done_at: datetime | None = None
        while True:
            now = self._clock.now()
            if done_at is None or now - done_at >= EVERY:
                done_at = now if await self.forget_old() else None  # what failed is tried again at the next look
            await self.complete_erasures()
            await self._clock.sleep(LOOK_AGAIN_SECONDS)

    async def complete_erasures(self) -> None:
        """Rewrite the database file where an earlier erasure found no disk space for it."""
        try:
            if await self._history.traces_left():
                await self._history.overwrite()
        except Problem as problem:
            log.warning("The database could not be rewritten after an erasure, and is retried: %s", problem.code)

    async def forget_old(self) -> bool:
        """Remove what is older than the operator decided; returns whether the disk and the clock allowed it."""
        days = self._settings_service.settings.retention_days
        if days is None:
            return True
        try:
            if not await self._clock.may_remove():
                log.info("Retention skipped: the computer's clock is doubted")
                return False
            at_most = max(AT_ONCE_LEAST, await self._history.total() // AT_ONCE_SHARE)
            moment = self._clock.now() - timedelta(days=days)
            with self._audit_service.with_each_change(
                AuditAction.FORGET_OLD, lambda count: {"days": str(days), "messages": str(count)}
            ):
                count = await self._history.delete_before(None, moment, at_most=at_most)
        except Problem as problem:
            log.warning("Old messages could not be deleted, and it is retried: %s", problem.code)
            return False
        if count:
            self._bus.publish(MessagesErased(None))
        return True
