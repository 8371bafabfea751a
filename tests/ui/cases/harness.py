"""The page of cases over the real service and database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.core.case_service import CaseService
from app.domain.cases import CaseKind
from app.domain.mentorado import Mentorado, MentoradoId
from app.storage.cases import SqlCases
from app.storage.mentorados import SqlMentoradoRepository
from app.ui.async_slots import cancel_slots
from app.ui.cases.page import CasesPage
from app.ui.theme.theme import Theme
from tests.core.outbound.harness import Sending, sending


@dataclass
class CasesHarness:
    """A page that is on the screen."""

    s: Sending
    service: CaseService
    page: CasesPage
    bruno: Mentorado
    led_to: list[MentoradoId] = field(default_factory=list)

    async def open(self, kind: CaseKind, mentorado: Mentorado, subject: str = "", **evidence: str) -> None:
        self.service.open(kind, mentorado.id, subject, evidence)
        await self.s.core.write_queue.flush()


@asynccontextmanager
async def open_cases(theme: Theme, folder: Path) -> AsyncIterator[CasesHarness]:
    """Two mentorados, and no case yet."""
    async with sending(folder) as s:
        bruno = await s.core.add("Bruno Tavares", "21 98765-4321")
        await SqlMentoradoRepository(s.database).add(bruno)
        service = CaseService(
            bus=s.core.bus,
            mentorados=s.core.mentorados,
            repository=SqlCases(s.database),
            audit_service=s.core.audit_service,
            write_queue=s.core.write_queue,
            clock=s.clock,
        )
        await service.load()
        led_to: list[MentoradoId] = []
        page = CasesPage(
            theme=theme,
            bus=s.core.bus,
            cases=service,
            mentorados=s.core.mentorados,
            clock=s.clock,
            show_mentorado=led_to.append,
        )
        page.resize(1180, 720)
        page.show()
        try:
            yield CasesHarness(s, service, page, bruno, led_to)
        finally:
            await cancel_slots()
            page.hide()
            page.deleteLater()
