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

from app.clock import SystemClock
from app.core.chores import Chores
from app.core.hosted.webhooks import Phase, WebhookDesk
from app.core.intake import HistoryKeeper
from app.core.operator_desk import OperatorDesk
from app.core.scribe import Scribe
from app.core.witness import Witness
from app.domain.credentials import CredentialField, as_text, secret_name
from app.domain.mentorado import Enrolment, Link, LinkId, ProviderKind
from app.domain.messages import WireFact
from app.domain.phone import PhoneNumber
from app.domain.provider import Arrived
from app.providers.webhooks.reception import WebhookReceiver
from app.storage.database import Database
from app.storage.history import SqlHistory
from app.storage.operator_settings import SqlOperatorSettings
from app.storage.roster import SqlRoster
from app.storage.secrets.vault import Vault
from app.ui.loop import run
from tests.benchmarks.programs.many_updates import latency
from tests.benchmarks.programs.marks import mark
from tests.benchmarks.programs.webhook_sender import NUMBER_ID, SHOWN_NUMBER
from tests.played import PlayedAudit, PlayedProvider, somebody
from tests.ui.stage import Stage, person, status

ROWS = 1000
SECRET = "the-app-secret"
CATCH_UP_SECONDS = 30.0


class Storing(PlayedProvider):
    """Lines that are always open: what is delivered goes to the history through the core's own keeper."""

    def __init__(self, keeper: HistoryKeeper, enrolment: Enrolment) -> None:
        super().__init__()
        self._keeper = keeper
        self._enrolment = enrolment
        self._queue: asyncio.Queue[tuple[Sequence[WireFact], Callable[[], None]]] = asyncio.Queue()
        self.stored = 0

    def deliver(self, link_id: LinkId, facts: Sequence[WireFact], check: bool, confirm: Callable[[], None]) -> bool:
        self._queue.put_nowait((facts, confirm))
        return True

    async def run(self) -> None:
        while True:
            facts, confirm = await self._queue.get()
            await self._keeper.keep(self._enrolment, Arrived(tuple(facts), 0))
            self.stored += len(facts)
            confirm()


async def measure(rounds: int, seconds: float, rate: int) -> None:
    with tempfile.TemporaryDirectory(prefix="conecta-bench-") as name:
        folder = Path(name)
        first = person(0)
        shown = PhoneNumber(f"+{SHOWN_NUMBER}")
        hosted = Enrolment(
            replace(first.mentorado, phone=shown),
            Link(
                id=first.link.id,
                mentorado_id=first.mentorado.id,
                provider=ProviderKind.META_CLOUD,
                account=shown,
            ),
        )
        stage = Stage(folder, [hosted, *(person(number) for number in range(1, ROWS))])
        await stage.load(*(status(number) for number in range(ROWS)))
        stage.window.resize(1240, 860)
        await stage.show()
        clock, database = SystemClock(), Database(folder / "conecta.db")
        await database.open()
        await SqlRoster(database).add(hosted)
        scribe = Scribe(bus=stage.bus, clock=clock)
        witness = Witness(audit=PlayedAudit(), scribe=scribe, clock=clock, actor=somebody)
        operator = OperatorDesk(bus=stage.bus, store=SqlOperatorSettings(database), witness=witness, clock=clock)
        vault = Vault(folder / "secrets.enc", trusted=frozenset())
        await vault.keep_in_memory()
        kept = {CredentialField.PHONE_NUMBER_ID: NUMBER_ID, CredentialField.APP_SECRET: SECRET}
        await vault.set(secret_name(hosted.link.id), as_text(kept))
        storing = Storing(HistoryKeeper(bus=stage.bus, store=SqlHistory(database), clock=clock), hosted)
        desk = WebhookDesk(
            bus=stage.bus,
            desk=operator,
            receiver=WebhookReceiver(folder),
            enrolments=stage.enrolments,
            providers={ProviderKind.META_CLOUD: storing},
            secrets=vault,
            clock=clock,
        )
        async with Chores(scribe.run, desk.run, storing.run):
            await operator.load()
            port = _free_port()
            await desk.move("127.0.0.1", str(port))
            await desk.switch_on()
            while desk.phase is not Phase.LISTENING:
                await asyncio.sleep(0.01)
            await asyncio.sleep(1)
            for number in range(rounds):
                idle = await latency(seconds / 2)
                before = storing.stored
                sender = await _send(port, rate, seconds, number)
                busy = await latency(seconds)
                told, _ = await sender.communicate()
                line = next(line for line in told.decode().splitlines() if line.startswith("sent "))
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
