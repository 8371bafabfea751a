"""One mentorado with a history on disk and keys in a played provider, and the backups of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from app.core.backup.backups import Backups
from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.domain.audit import Actor
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, Link, ProviderKind
from app.domain.messages import WireFact
from app.domain.phone import PhoneNumber
from app.domain.procedure import EntryKind, JournalEntry, ProcedureHead, ProcedureId, ProcedureKind
from app.domain.provider import Provider
from app.storage.audit import SqlAudit
from app.storage.database import Database
from app.storage.history import SqlHistory
from app.storage.history_transfer import SqlHistoryTransfer
from app.storage.journal import SqlJournal
from app.storage.roster import SqlRoster
from tests.clock import ManualClock
from tests.played import PlayedAudit, PlayedProvider, witness_of
from tests.storage.talk import CAIO, GROUP, edit, minutes, said

T = TypeVar("T")

KEYS = b"keys of a device " * 100
PHRASE = "correct horse battery"
TALK: list[WireFact] = [
    said("1", "Bom dia", sender_name="Bia"),
    said("2", "Olá, tudo bem?", from_me=True),
    edit("3", "1", "Boa tarde"),
    said("4", "No grupo", GROUP, sender=(CAIO,)),
]
ONE, TWO = ProcedureId("1" * 32), ProcedureId("2" * 32)


class KeepingProvider(PlayedProvider):
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
            raise Problem(Code.SESSION_USED_SINCE)
        if self.restore_problem is not None:
            raise self.restore_problem
        if not only_ask:
            self.restored.append((file.read_bytes(), taken_at, used_since))  # noqa: ASYNC240 - the same


@dataclass
class Vault:
    """Everything that backups are made with."""

    place: Path
    database: Database
    ana: Enrolment
    enrolments: Enrolments
    backups: Backups
    clock: ManualClock
    provider: KeepingProvider
    history: SqlHistory = field(init=False)
    journal: SqlJournal = field(init=False)

    def __post_init__(self) -> None:
        self.history = SqlHistory(self.database)
        self.journal = SqlJournal(self.database)

    @property
    def folder(self) -> Path:
        return self.place / "backups"

    def files(self) -> Sequence[str]:
        return sorted(path.name for path in self.folder.glob("*")) if self.folder.is_dir() else []

    async def begin(self, procedure_id: ProcedureId) -> None:
        """Write down that a backup was begun, as the procedures do before one is made."""
        head = ProcedureHead(
            id=procedure_id,
            kind=ProcedureKind.BACKUP,
            mentorado_id=self.ana.mentorado.id,
            actor=Actor(user="staff"),
            began_at=self.clock.time,
        )
        first = JournalEntry(procedure_id=procedure_id, number=1, at=self.clock.time, kind=EntryKind.BEGAN)
        await self.journal.begin(head, first)

    async def order(self) -> Mapping[ProcedureId, int]:
        return await self.journal.order(self.ana.mentorado.id)

    async def backup(self, procedure_id: ProcedureId = ONE, *, passphrase: str = "") -> Path:
        await self.backups.collect(procedure_id, self.ana.mentorado.id, passphrase=passphrase)
        await self.backups.verify_part(procedure_id)
        return (await self.backups.put_in_place(procedure_id)).path


@asynccontextmanager
async def vault(
    place: Path, facts: Sequence[WireFact] = TALK, *, provider: Provider | None = None
) -> AsyncIterator[Vault]:
    clock, keeping = ManualClock(), KeepingProvider()
    async with Database(place / "conecta.db") as database:
        enrolments = Enrolments(bus=Bus(), roster=SqlRoster(database), clock=clock, witness=witness_of(PlayedAudit()))
        ana = await enrolments.add("Ana Lima", "11 98765-4321")
        await SqlHistory(database).store(ana, facts, minutes(5))
        backups = Backups(
            place / "backups",
            enrolments=enrolments,
            providers={ProviderKind.WHATSAPP_WEB: provider or keeping},
            transfer=SqlHistoryTransfer(database),
            clock=clock,
            audit=SqlAudit(database),
            cost=2,
        )
        yield Vault(place, database, ana, enrolments, backups, clock, keeping)


def run(main: Coroutine[Any, Any, T]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(30):
            return await main

    return asyncio.run(limited())
