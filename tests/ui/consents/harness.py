"""The page of consents over the real services and database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, Purpose
from app.domain.mentorado import Mentorado
from app.domain.messages import Address
from app.storage.consents import SqlConsents
from app.ui.async_slots import cancel_slots
from app.ui.consents.page import ConsentsPage
from app.ui.theme.theme import Theme
from tests.core.outbound.harness import NOON, phone
from tests.core.outbound.test_consents import Program, program
from tests.waiting import until

WORDS = {"wording": "Aceito receber novidades da mentoria pelo WhatsApp.", "version": "2"}


@dataclass
class ConsentsHarness:
    """A page that is on the screen."""

    p: Program
    page: ConsentsPage

    @property
    def ana(self) -> Mentorado:
        return self.p.ana

    async def shown(self, count: int) -> None:
        """Wait until so many contacts are in the list."""
        await until(lambda: self.page.model.rowCount() == count)

    async def fill(self, count: int) -> None:
        """So many contacts who agreed to campaigns, without an audit entry each."""
        entries = [
            ConsentEntry(
                mentorado_id=self.ana.id,
                contact=phone(number),
                change=ConsentChange.GRANTED,
                purpose=Purpose.CAMPAIGN,
                source=ConsentSource.IMPORTED,
                at=NOON,
                recorded_by="carla",
                **WORDS,
            )
            for number in range(count)
        ]
        await SqlConsents(self.p.core.database).append(entries)

    def choose(self, contact: Address) -> None:
        row = self.page.model.find(contact)
        assert row is not None
        place = self.page.model.place_of(row.reference)
        assert place is not None
        self.page.list.opened.emit(place)


@asynccontextmanager
async def open_consents(theme: Theme, folder: Path) -> AsyncIterator[ConsentsHarness]:
    """One mentorado, of whose contacts nothing is recorded yet."""
    async with program(folder) as p:
        core = p.core
        page = ConsentsPage(
            theme=theme,
            bus=core.bus,
            consent=core.consent,
            mentorados=core.mentorados,
            conversations=core.history.conversations,
            audit_service=core.audit_service,
            clock=core.clock,
        )
        page.resize(1220, 720)
        page.show()
        await until(lambda: page._read)
        try:
            yield ConsentsHarness(p, page)
        finally:
            await cancel_slots()
            page.hide()
            page.deleteLater()
