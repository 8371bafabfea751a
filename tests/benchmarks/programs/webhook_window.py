"""The real window with a thousand rows, first at rest and then while signed webhooks arrive and become history.

The receiver is the program's own process, the history a real database; the deliveries come from a third process.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.core.audit_service import AuditService
from app.core.background import BackgroundTasks
from app.core.links.ingest import MessageIngestor
from app.core.settings_service import SettingsService
from app.core.webhooks.service import ServiceState, WebhookService
from app.core.write_queue import WriteQueue
from app.domain.mentorado import Link, LinkId, Mentorado, ProviderKind
from app.domain.messages import MessageUpdate
from app.domain.phone import PhoneNumber
from app.domain.provider import MessagesReceived
from app.domain.provider_descriptor import CredentialField, dumps, secret_key
from app.platform.system import SystemClock
from app.providers.webhooks.server_process import WebhookServerProcess
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.secrets.store import SelectableSecretStore
from app.storage.settings import SqlSettings
from app.ui.async_slots import run
from tests.benchmarks.programs.many_updates import latency
from tests.benchmarks.programs.marks import mark
from tests.benchmarks.programs.webhook_sender import NUMBER_ID, SHOWN_NUMBER
from tests.fake_audit import FakeAuditLog, somebody
from tests.fake_providers import FakeProvider
from tests.ui.window_harness import WindowHarness, person, status

ROWS = 1000
SECRET = "the-app-secret"
CATCH_UP_SECONDS = 30.0


class Storing(FakeProvider):
    """Lines that are always open: what is delivered goes to the history through the core's own keeper."""

    def __init__(self, ingestor: MessageIngestor, mentorado: Mentorado) -> None:
        super().__init__()
        self._ingestor = ingestor
        self._mentorado = mentorado
        self._queue: asyncio.Queue[tuple[Sequence[MessageUpdate], Callable[[], None]]] = asyncio.Queue()
        self.stored = 0

    def handle(self, link_id: LinkId, facts: Sequence[MessageUpdate], check: bool, confirm: Callable[[], None]) -> bool:
        self._queue.put_nowait((facts, confirm))
        return True

    async def run(self) -> None:
        while True:
            facts, confirm = await self._queue.get()
            await self._ingestor.store(self._mentorado, MessagesReceived(tuple(facts), 0))
            self.stored += len(facts)
            confirm()


async def measure(rounds: int, seconds: float, rate: int) -> None:
    with tempfile.TemporaryDirectory(prefix="conecta-bench-") as name:
        folder = Path(name)
        first = person(0)
        shown = PhoneNumber(f"+{SHOWN_NUMBER}")
        hosted = replace(
            first,
            phone=shown,
            link=Link(
                id=first.link.id,
                mentorado_id=first.id,
                provider=ProviderKind.META_CLOUD,
                account=shown,
            ),
        )
        stage = WindowHarness(folder, [hosted, *(person(number) for number in range(1, ROWS))])
        await stage.load(*(status(number) for number in range(ROWS)))
        stage.window.resize(1240, 860)
        await stage.show()
        clock, database = SystemClock(), Database(folder / "conecta.db")
        await database.open()
        await SqlMentoradoRepository(database).add(hosted)
        write_queue = WriteQueue(bus=stage.bus, clock=clock)
        audit_service = AuditService(
            bus=stage.bus, audit=FakeAuditLog(), write_queue=write_queue, clock=clock, actor=somebody
        )
        operator = SettingsService(bus=stage.bus, store=SqlSettings(database), audit_service=audit_service, clock=clock)
        secret_store = SelectableSecretStore(folder / "secrets.enc", trusted=frozenset())
        await secret_store.use_memory()
        kept = {CredentialField.PHONE_NUMBER_ID: NUMBER_ID, CredentialField.APP_SECRET: SECRET}
        await secret_store.set(secret_key(hosted.link.id), dumps(kept))
        storing = Storing(MessageIngestor(bus=stage.bus, store=SqlMessageRepository(database), clock=clock), hosted)
        webhook_service = WebhookService(
            bus=stage.bus,
            settings_service=operator,
            receiver=WebhookServerProcess(folder),
            mentorados=stage.mentorados,
            providers={ProviderKind.META_CLOUD: storing},
            secrets=secret_store,
            clock=clock,
        )
        async with BackgroundTasks(write_queue.run, webhook_service.run, storing.run):
            await operator.load()
            port = _free_port()
            await webhook_service.set_listen_address("127.0.0.1", str(port))
            await webhook_service.switch_on()
            while webhook_service.phase is not ServiceState.LISTENING:
                await asyncio.sleep(0.01)
            await asyncio.sleep(1)
            for number in range(rounds):
                idle = await latency(seconds / 2)
                before = storing.stored
                sender = await _send(port, rate, seconds, number)
                busy = await latency(seconds)
                data, _ = await sender.communicate()
                line = next(line for line in data.decode().splitlines() if line.startswith("sent "))
                sent, median, slowest, refused = line.split()[2:]
                async with asyncio.timeout(CATCH_UP_SECONDS):
                    while storing.stored - before < int(rate * seconds):
                        await asyncio.sleep(0.05)
                mark("round", f"{idle} {busy} {sent} {median} {slowest} {refused}")
        await database.close()
        await stage.close()


async def _send(port: int, rate: int, seconds: float, number: int) -> asyncio.subprocess.Process:
    """Start the deliveries, and wait until the first are on their way."""
    arguments = [str(port), SECRET, str(rate), str(seconds), str(number * 1_000_000)]
    command = [sys.executable, "-m", "tests.benchmarks.programs.webhook_sender", *arguments]
    sender = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert sender.stdout is not None
    await sender.stdout.readline()
    return sender


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


if __name__ == "__main__":
    run(QApplication(sys.argv[:1]), lambda: measure(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
    mark("done")
