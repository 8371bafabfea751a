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

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.write_queue import WriteQueue
from app.domain.actions import ActionName
from app.domain.audit import Actor, AuditOutcome, AuditRecord
from app.storage.audit_log import SqlAuditLog
from app.storage.database import Database
from app.ui import async_slots
from app.ui.async_slots import cancel_slots
from app.ui.audit.page import AuditPage
from app.ui.theme.theme import Theme
from tests.clock import StillClock
from tests.conftest import OnQt
from tests.fake_audit import somebody
from tests.ui.window_harness import NOON, person

PEOPLE = [person(number) for number in range(1, 4)]


def record(number: int, **changed: object) -> AuditRecord:
    """The entry of that *number*, an hour older for each that comes after it in a hundred."""
    somebody = PEOPLE[number % len(PEOPLE)]
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
    return AuditRecord(**(known | changed))  # type: ignore[arg-type]


def reading() -> bool:
    """Whether a slot that reads entries has begun or is about to."""
    return any(task.get_name().startswith("AuditPage.read") for task in async_slots._running)


@dataclass
class Harness:
    """The page, what it reads from, and the file below both."""

    page: AuditPage
    audit: SqlAuditLog
    file: Path
    clock: StillClock

    async def settle(self) -> None:
        """Wait until the page has read what it wants to read: that passes through a thread."""
        async with asyncio.timeout(5):
            await asyncio.sleep(0.02)
            while self.page._busy or reading() or not self.page.verify_button.isEnabled():
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


Use = Callable[[Harness], Awaitable[None]]
InHarness = Callable[..., None]


@pytest.fixture
def in_harness(on_qt: OnQt, theme: Theme, fast_dir: Path) -> InHarness:
    """Record *deeds*, open the page over them, use it, and close it."""

    @asynccontextmanager
    async def open_harness(audited_actions: Iterable[AuditRecord]) -> AsyncIterator[Harness]:
        file = fast_dir / "data" / "conecta.db"
        async with Database(file) as database:
            audit, clock = SqlAuditLog(database), StillClock(NOON)
            for each in audited_actions:
                await audit.record(each)
            bus = EventBus()
            write_queue = WriteQueue(bus=bus, clock=clock)
            audit_service = AuditService(bus=bus, audit=audit, write_queue=write_queue, clock=clock, actor=somebody)
            page = AuditPage(theme=theme, audit=audit, people=lambda: PEOPLE, audit_service=audit_service, clock=clock)
            page.resize(1180, 800)
            page.show()
            harness = Harness(page, audit, file, clock)
            try:
                async with asyncio.TaskGroup() as group:
                    writing = group.create_task(write_queue.run())
                    await harness.settle()
                    yield harness
                    await write_queue.flush()
                    writing.cancel()
            finally:
                await cancel_slots()
                page.close()
                page.deleteLater()

    def play(use: Use, audited_actions: Iterable[AuditRecord] = ()) -> None:
        async def main() -> None:
            async with open_harness(audited_actions) as harness:
                await use(harness)

        on_qt(main, within=30)
        QApplication.processEvents()

    return play
