"""Who may be written to, for what: recording it, asking about it, and confirming an opt-out to who asked for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.outbound.service import OutboundService
from app.domain.audit import Actor, AuditAction
from app.domain.consent import (
    ConsentChange,
    ConsentEntry,
    ConsentRepository,
    ConsentSource,
    ConsentState,
    ContactConsents,
    OptOut,
    Purpose,
    state_for,
)
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ConsentsChanged, ContactOptedOut, MessagesStored
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address
from app.domain.opt_out import OLD
from app.domain.outbound import Hold
from app.domain.phone import masked
from app.domain.repositories import Clock
from app.domain.sending import OutgoingMessage

log = logging.getLogger(__name__)

CHECK_SECONDS: Final = 60.0


def recorder(actor: Actor) -> str:
    """Who recorded an entry: the operator's name where one is set, beside the user of the computer."""
    return f"{actor.operator} ({actor.user})" if actor.operator else actor.user


LONGEST: Final = 10_000
"""Characters of a wording, a version or a note: a row of a backup holds many of them."""


def require_length(*texts: str) -> None:
    """Raises `Problem(CONSENT_TOO_LONG)`."""
    if any(len(each) > LONGEST for each in texts):
        raise Problem(ProblemCode.CONSENT_TOO_LONG, most=str(LONGEST))


class ConsentService:
    """Records what contacts agreed to and took back. Every change is on disk with its audit entry, or not at all."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        consents: ConsentRepository,
        audit_service: AuditService,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._consents = consents
        self._audit_service = audit_service
        self._clock = clock

    async def grant(
        self,
        mentorado_id: MentoradoId,
        contact: Address,
        purpose: Purpose,
        *,
        wording: str,
        version: str,
        note: str = "",
    ) -> None:
        """Record that *contact* agreed to the exact *wording*.

        Raises `Problem`: `CONSENT_WORDING_MISSING`, `CONSENT_VERSION_MISSING`, and `CONSENT_OPTED_OUT` for who asked to
        be left alone: that needs `allow_again`.
        """

        def check(_entry: ConsentEntry, ledger: Sequence[ConsentEntry]) -> None:
            opted_out_at = state_for(ledger, purpose).opted_out_at
            if opted_out_at is not None:
                raise Problem(ProblemCode.CONSENT_OPTED_OUT, contact=contact.value, day=f"{opted_out_at:%Y-%m-%d}")

        entry = self._granted(mentorado_id, contact, purpose, wording, version, note)
        await self._record(AuditAction.GRANT_CONSENT, entry, check)

    async def allow_again(
        self,
        mentorado_id: MentoradoId,
        contact: Address,
        purpose: Purpose,
        *,
        wording: str,
        version: str,
        note: str = "",
    ) -> None:
        """Record that *contact* agreed anew, whatever they asked for before. Raises `Problem` as `grant` does."""
        entry = self._granted(mentorado_id, contact, purpose, wording, version, note)
        await self._record(AuditAction.ALLOW_AGAIN, entry, _accept)

    async def revoke(self, mentorado_id: MentoradoId, contact: Address, purpose: Purpose, *, note: str = "") -> None:
        """Record that *contact* took their consent for *purpose* back. Raises `Problem(CONSENT_NOT_GIVEN)`."""

        def check(_entry: ConsentEntry, ledger: Sequence[ConsentEntry]) -> None:
            if not state_for(ledger, purpose).granted:
                raise Problem(ProblemCode.CONSENT_NOT_GIVEN, contact=contact.value)

        entry = self._entry(mentorado_id, contact, ConsentChange.REVOKED, purpose, note)
        await self._record(AuditAction.REVOKE_CONSENT, entry, check)

    async def opt_out(self, mentorado_id: MentoradoId, contact: Address, *, note: str = "") -> None:
        """Record that *contact* asked to be left alone, in another way than by a message to this number."""
        entry = self._entry(mentorado_id, contact, ConsentChange.OPTED_OUT, None, note)
        await self._record(AuditAction.OPT_OUT, entry, _accept)

    async def state(self, mentorado_id: MentoradoId, contact: Address, purpose: Purpose) -> ConsentState:
        """What holds now. Raises `Problem`."""
        return state_for(await self.history(mentorado_id, contact), purpose)

    async def history(self, mentorado_id: MentoradoId, contact: Address) -> Sequence[ConsentEntry]:
        """All that was recorded of *contact*, the oldest first. Raises `Problem`."""
        (ledger,) = await self._consents.ledgers(self._mentorados.get(mentorado_id).id, [contact])
        return ledger

    async def contacts(self, mentorado_id: MentoradoId) -> Sequence[ContactConsents]:
        """Everybody of whom something was recorded. Raises `Problem`."""
        return await self._consents.contacts(self._mentorados.get(mentorado_id).id)

    def _granted(
        self, mentorado_id: MentoradoId, contact: Address, purpose: Purpose, wording: str, version: str, note: str
    ) -> ConsentEntry:
        if not wording.strip():
            raise Problem(ProblemCode.CONSENT_WORDING_MISSING)
        if not version.strip():
            raise Problem(ProblemCode.CONSENT_VERSION_MISSING)
        require_length(wording, version, note)
        return self._entry(mentorado_id, contact, ConsentChange.GRANTED, purpose, note, wording, version.strip())

    def _entry(
        self,
        mentorado_id: MentoradoId,
        contact: Address,
        change: ConsentChange,
        purpose: Purpose | None,
        note: str,
        wording: str = "",
        version: str = "",
    ) -> ConsentEntry:
        return ConsentEntry(
            mentorado_id=mentorado_id,
            contact=contact,
            change=change,
            purpose=purpose,
            source=ConsentSource.TYPED,
            at=self._clock.now(),
            recorded_by=recorder(self._audit_service.actor),
            wording=wording,
            version=version,
            note=note.strip(),
        )

    async def _record(
        self, action: AuditAction, entry: ConsentEntry, check: Callable[[ConsentEntry, Sequence[ConsentEntry]], None]
    ) -> None:
        mentorado = self._mentorados.get(entry.mentorado_id)
        after = _audit_values(entry)
        with self._audit_service.with_changes(action, mentorado, after=after, reason=entry.note):
            await self._consents.append_checked([entry], check)
        self._bus.publish(ConsentsChanged(mentorado.id))

    async def follow(self) -> None:
        """Another program may have recorded something."""
        self._bus.publish(ConsentsChanged(None))


def _accept(_entry: ConsentEntry, _ledger: Sequence[ConsentEntry]) -> None:
    """Whatever the ledger has."""


def _audit_values(entry: ConsentEntry) -> Mapping[str, str]:
    values = {
        "contact": masked(entry.contact.value),
        "purpose": "" if entry.purpose is None else entry.purpose.value,
        "version": entry.version,
    }
    return {name: value for name, value in values.items() if value}


class OptOutConfirmations:
    """Answers who opted out, once. A program that ends in the middle of it never answers a second time."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        consents: ConsentRepository,
        outbound: OutboundService,
        audit_service: AuditService,
        clock: Clock,
        text: Callable[[], str],
    ) -> None:
        """*text* is the answer in the language of the operator."""
        self._bus = bus
        self._mentorados = mentorados
        self._consents = consents
        self._outbound = outbound
        self._clock = clock
        self._audit_service = audit_service
        self._text = text
        self._returned: set[int] = set()  # audited, and not answered yet
        self._stored = asyncio.Event()
        bus.subscribe(MessagesStored, self._on_stored)

    def _on_stored(self, _event: MessagesStored) -> None:
        self._stored.set()

    async def run(self) -> None:
        """Until cancelled: confirm what was recorded, soon after messages were stored and every minute."""
        while True:
            self._stored.clear()
            try:
                await self.confirm()
            except Problem as problem:
                log.debug("Opt-outs are confirmed later: %s", problem.code)
            async with asyncio.TaskGroup() as group:
                alarm = group.create_task(self._wake())
                await self._stored.wait()
                alarm.cancel()

    async def confirm(self) -> int:
        """Confirm what may be confirmed now; returns how many answers were tried. Raises `Problem`.

        What cannot be sent now is tried again later, for a day.
        """
        tried = 0
        for opt_out in await self._consents.unconfirmed():
            tried += await self._confirm(opt_out)
        return tried

    async def _confirm(self, opt_out: OptOut) -> bool:
        mentorado = self._mentorados.get(opt_out.mentorado_id)
        if mentorado.archived or self._clock.now() - opt_out.at > OLD:
            await self._claim(opt_out)
            return False
        message = OutgoingMessage(to=opt_out.contact, text=self._text())
        purpose = Purpose.OPT_OUT_CONFIRMATION
        if await self._outbound.check(mentorado.id, message, purpose) is not None:
            return False
        if not await self._claim(opt_out):
            return False
        # From here on it was answered, even if nothing follows: rather not at all than twice.
        if isinstance(await self._outbound.send(mentorado.id, message, purpose), Hold):
            self._returned.add(opt_out.number)
            await self._consents.return_confirmation(opt_out.number)
            return False
        return True

    async def _claim(self, opt_out: OptOut) -> bool:
        """Take the right to answer; False when another program has it. Whoever takes it tells of the opt-out, and
        audits it in the same transaction."""
        mentorado = self._mentorados.get(opt_out.mentorado_id)
        after = {"contact": masked(opt_out.contact.value), "sent_at": f"{opt_out.at:%Y-%m-%d %H:%M} UTC"}
        with ExitStack() as audited:
            if opt_out.number not in self._returned:
                received = AuditAction.OPT_OUT_RECEIVED
                audited.enter_context(self._audit_service.with_each_change(received, lambda _count: after, mentorado))
            claimed = await self._consents.claim_confirmation(opt_out.number)
        if claimed:
            self._bus.publish(ContactOptedOut(opt_out.mentorado_id, opt_out.number, opt_out.contact))
        return claimed

    async def _wake(self) -> None:
        await self._clock.sleep(CHECK_SECONDS)
        self._stored.set()
