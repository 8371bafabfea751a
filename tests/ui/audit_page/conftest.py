"""A real audit in a real database file, and the page over it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.core.action import ActionName
from app.core.bus import Bus
from app.core.scribe import Scribe
from app.core.witness import Witness
from app.domain.audit import Actor, AuditOutcome, Deed
from app.storage.audit import SqlAudit
from app.storage.database import Database
from app.ui.audit_page.page import AuditPage
from app.ui.loop import cancel_asked
from app.ui.theme import Theme
from tests.clock import StillClock
from tests.conftest import OnQt
from tests.played import somebody
from tests.ui.stage import NOON, person

PEOPLE = [person(number) for number in range(1, 4)]


def deed(number: int, **changed: object) -> Deed:
    """The entry of that *number*, an hour older for each that comes after it in a hundred."""
    somebody = PEOPLE[number % len(PEOPLE)].mentorado
    known: dict[str, object] = {
        "at": NOON - timedelta(hours=1000 - number),
        "actor": Actor(user="rosa", operator="Rosa Prado"),
        "action": ActionName.DISCONNECT.value,
        "mentorado_id": somebody.id,
        "subject": somebody.name,
        "before": {"state": "connected", "reason": "none"},
        "after": {"state": "off", "reason": "none"},
        "outcome": (AuditOutcome.DONE, AuditOutcome.DECLINED, AuditOutcome.FAILED)[number % 3],
    }
    return Deed(**(known | changed))  # type: ignore[arg-type]


@dataclass
class Office:
    """The page, what it reads from, and the file below both."""

    page: AuditPage
    audit: SqlAudit
    file: Path
    clock: StillClock

    async def settle(self) -> None:
        """Wait until the page has read what it wants to read: that passes through a thread."""
        async with asyncio.timeout(5):
            await asyncio.sleep(0.02)
            while self.page._busy or not self.page.verify_button.isEnabled():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.02)

    def numbers(self) -> list[int]:
        """Those that are shown, from above."""
        model = self.page.model
        lines = [model.line_at(model.index(row)) for row in range(model.rowCount())]
        return [line.entry.number for line in lines if line is not None]

    def tamper(self, *statements: str) -> None:
        """Change the file as somebody would who knows SQLite: past the triggers, and with another program."""
        with closing(sqlite3.connect(self.file)) as raw, raw:
            for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                raw.execute(f"DROP TRIGGER {trigger}")
            for statement in statements:
                raw.execute(statement)


Use = Callable[[Office], Awaitable[None]]
InOffice = Callable[..., None]


@pytest.fixture
def in_office(on_qt: OnQt, theme: Theme, fast_dir: Path) -> InOffice:
    """Record *deeds*, open the page over them, use it, and close it."""

    @asynccontextmanager
    async def open_office(deeds: Iterable[Deed]) -> AsyncIterator[Office]:
        file = fast_dir / "data" / "conecta.db"
        async with Database(file) as database:
            audit, clock = SqlAudit(database), StillClock(NOON)
            for each in deeds:
                await audit.record(each)
            scribe = Scribe(bus=Bus(), clock=clock)
            witness = Witness(audit=audit, scribe=scribe, clock=clock, actor=somebody)
            page = AuditPage(theme=theme, audit=audit, people=lambda: PEOPLE, witness=witness, clock=clock)
            page.resize(1180, 800)
            page.show()
            office = Office(page, audit, file, clock)
            try:
                async with asyncio.TaskGroup() as group:
                    writing = group.create_task(scribe.run())
                    await office.settle()
                    yield office
                    await scribe.flush()
                    writing.cancel()
            finally:
                await cancel_asked()
                page.close()
                page.deleteLater()

    def play(use: Use, deeds: Iterable[Deed] = ()) -> None:
        async def main() -> None:
            async with open_office(deeds) as office:
                await use(office)

        on_qt(main, within=30)
        QApplication.processEvents()

    return play
