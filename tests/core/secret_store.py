"""One mentorado with a history on disk and keys in a played provider, and the backups of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from app.core.backups import BackupService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.domain.audit import Actor
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, Mentorado, ProviderKind
from app.domain.messages import MessageUpdate
from app.domain.phone import PhoneNumber
from app.domain.procedure import EntryKind, JournalEntry, ProcedureId, ProcedureInfo, ProcedureKind
from app.domain.provider import Provider
from app.storage.audit_log import SqlAuditLog
from app.storage.database import Database
from app.storage.history.repository import SqlHistoryDump, SqlMessageRepository
from app.storage.journal import SqlProcedureJournal
from app.storage.mentorados import SqlMentoradoRepository
from tests.clock import ManualClock
from tests.fake_audit import FakeAuditLog, audit_service_of
from tests.fake_providers import FakeProvider
from tests.storage.talk import CAIO, GROUP, a_message, edit, minutes

T = TypeVar("T")

KEYS = b"keys of a device " * 100
PHRASE = "correct horse battery"
TALK: list[MessageUpdate] = [
    a_message("1", "Bom dia", sender_name="Bia"),
    a_message("2", "Olá, tudo bem?", from_me=True),
    edit("3", "1", "Boa tarde"),
    a_message("4", "No grupo", GROUP, sender=(CAIO,)),
]
ONE, TWO = ProcedureId("1" * 32), ProcedureId("2" * 32)


class KeepingProvider(FakeProvider):
    """Its keys are a few bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: bytes | None = KEYS
        self.account = PhoneNumber("+5511987654321")
        self.copy_problem: Problem | None = None
        self.copying: asyncio.Event | None = None  # set it to make copying wait
        self.restore_problem: Problem | None = None
        self.restored: list[tuple[bytes, datetime, bool]] = []

    async def copy_session(self, link: Link, to: Path) -> PhoneNumber | None:
        if self.keys is None:
            return None
        to.write_bytes(self.keys)  # noqa: ASYNC240 - a few bytes
        if self.copying is not None:
            await self.copying.wait()
        if self.copy_problem is not None:
            raise self.copy_problem
        return self.account

    async def restore_session(
        self, link: Link, file: Path, taken_at: datetime, *, used_since: bool, only_ask: bool = False
    ) -> None:
        if used_since:
            raise Problem(ProblemCode.SESSION_USED_SINCE)
        if self.restore_problem is not None:
            raise self.restore_problem
        if not only_ask:
            self.restored.append((file.read_bytes(), taken_at, used_since))  # noqa: ASYNC240 - the same


@dataclass
class SelectableSecretStore:
    """Everything that backups are made with."""

    place: Path
    database: Database
    ana: Mentorado
    mentorados: MentoradoService
    backups: BackupService
    clock: ManualClock
    provider: KeepingProvider
    history: SqlMessageRepository = field(init=False)
    journal: SqlProcedureJournal = field(init=False)

    def __post_init__(self) -> None:
        self.history = SqlMessageRepository(self.database)
        self.journal = SqlProcedureJournal(self.database)

    @property
    def folder(self) -> Path:
        return self.place / "backups"

    def files(self) -> Sequence[str]:
        return sorted(path.name for path in self.folder.glob("*")) if self.folder.is_dir() else []

    async def begin(self, procedure_id: ProcedureId) -> None:
        """Write down that a backup was begun, as the procedures do before one is made."""
        head = ProcedureInfo(
            id=procedure_id,
            kind=ProcedureKind.BACKUP,
            mentorado_id=self.ana.id,
            actor=Actor(user="staff"),
            began_at=self.clock.time,
        )
        first = JournalEntry(procedure_id=procedure_id, number=1, at=self.clock.time, kind=EntryKind.BEGAN)
        await self.journal.begin(head, first)

    async def order(self) -> Mapping[ProcedureId, int]:
        return await self.journal.order(self.ana.id)

    async def backup(self, procedure_id: ProcedureId = ONE, *, passphrase: str = "") -> Path:
        await self.backups.collect(procedure_id, self.ana.id, passphrase=passphrase)
        await self.backups.verify_part(procedure_id)
        return (await self.backups.publish(procedure_id)).path


@asynccontextmanager
async def secret_store(
    place: Path, facts: Sequence[MessageUpdate] = TALK, *, provider: Provider | None = None
) -> AsyncIterator[SelectableSecretStore]:
    clock, keeping = ManualClock(), KeepingProvider()
    async with Database(place / "conecta.db") as database:
        mentorados = MentoradoService(
            bus=EventBus(),
            mentorado_repository=SqlMentoradoRepository(database),
            clock=clock,
            audit_service=audit_service_of(FakeAuditLog()),
        )
        ana = await mentorados.add("Ana Lima", "11 98765-4321")
        await SqlMessageRepository(database).store(ana, facts, minutes(5))
        backups = BackupService(
            place / "backups",
            mentorados=mentorados,
            providers={ProviderKind.WHATSAPP_WEB: provider or keeping},
            transfer=SqlHistoryDump(database),
            clock=clock,
            audit=SqlAuditLog(database),
            cost=2,
        )
        yield SelectableSecretStore(place, database, ana, mentorados, backups, clock, keeping)


def run(main: Coroutine[Any, Any, T]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(30):
            return await main

    return asyncio.run(limited())
