"""A place where the program is opened and ended as often as a test likes, over the same data and the same phones."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from app.bootstrap import build_services
from app.core.links.reconnect import ReconnectPolicy
from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.domain.repositories import Transition
from app.platform.locks import read_owner
from app.services import Services
from app.settings import Settings
from app.storage.database import Database
from app.storage.transitions import SqlTransitionRepository
from tests.acceptance import program
from tests.acceptance.program import SOON, Person, Step, new_number
from tests.emulators.whatsapp_web.process import EmulatorProcess

NONE = Reason.NONE
FIRST_TIME: Sequence[Step] = (
    (LinkState.CONNECTING, NONE),
    (LinkState.QR_READY, NONE),
    (LinkState.QR_READY, Reason.SIGNING_IN),
    (LinkState.CONNECTED, NONE),
)
AGAIN: Sequence[Step] = ((LinkState.CONNECTING, NONE), (LinkState.CONNECTED, NONE))


class ForwardClock:
    """The time of this computer, or later: so that an hour's ban need not be waited for."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Harness:
    """Data, sessions and phones; whoever works here opens the program with `running`."""

    def __init__(self, home: Path, emulator: EmulatorProcess, *, host: Sequence[str] = ()) -> None:
        self.emulator = emulator
        self.clock = ForwardClock()
        self.settings = Settings(
            data_dir=home / "data",
            session_dir=home / "sessions",
            session_host=tuple(host) or tuple(shlex.split(emulator.host_command())),
        )

    @property
    def sessions(self) -> Path:
        return self.settings.session_dir

    def folder(self, person: Person) -> Path:
        return self.sessions / person.id

    def session_file(self, person: Person) -> Path:
        """The session in use."""
        return self.folder(person) / (self.folder(person) / "current").read_text().strip()

    def host_pid(self, person: Person) -> int:
        """The process that has the person's session open, by the note in its lock."""
        owner = read_owner(self.folder(person) / "host.lock")
        assert owner is not None
        return owner.pid

    def environment(self) -> dict[str, str]:
        """The same settings, as another process of the program reads them."""
        return {
            **self.emulator.environment(),
            "CONECTA_DATA_DIR": str(self.settings.data_dir),
            "BAILEYS_SESSION_DIR": str(self.sessions),
            "CONECTA_SESSION_HOST": shlex.join(self.settings.session_host or ()),
        }

    @asynccontextmanager
    async def running(self, *, starting: bool = False, policy: ReconnectPolicy = SOON) -> AsyncIterator[ProgramRun]:
        """The program, from its start to its end; *starting* the links that should run, as the window does."""
        core = build_services(self.settings, clock=self.clock, policy=policy)
        run = ProgramRun(self, core)
        await core.open()
        async with core.running():
            await core.procedures.load()  # now that somebody is here to move them
            if starting:
                await core.supervisor.start_enabled()
            else:
                await core.supervisor.restore()
            yield run

    async def written(self, person: Person) -> list[Transition]:
        """What the database says happened to the person's link, oldest first, read as a fresh program would."""
        database = Database(self.settings.database)
        await database.open()
        try:
            return list(reversed(await SqlTransitionRepository(database).for_mentorado(person.id, limit=500)))
        finally:
            await database.close()


class ProgramRun(program.ProgramRun):
    """One run of the program, and the phones around it."""

    def __init__(self, harness: Harness, core: Services) -> None:
        super().__init__(core)
        self.harness = harness

    async def add_mentorado(self, name: str = "Ana") -> Person:
        """Somebody new, with a WhatsApp account of a number that nobody else has."""
        digits = new_number()
        self.harness.emulator.control.add_account(digits)
        added = await self.core.mentorados.add(name, f"+{digits}")
        return Person(name, added.id, added.link.id, digits)

    async def scan(self, person: Person, code: str) -> None:
        """Let the person's phone scan."""
        await asyncio.to_thread(self.harness.emulator.control.scan, person.digits, code)

    async def fault(self, name: str, person: Person | None = None, **how: Any) -> None:
        await asyncio.to_thread(self.harness.emulator.control.fault, name, person.digits if person else None, **how)

    async def pair(self, person: Person) -> None:
        """From whatever asks for a code to connected, with the person's own phone."""
        await self.scan(person, await self.code(person))
        await self.until(person, LinkState.CONNECTED)

    async def connect_new(self, name: str = "Ana") -> Person:
        """Enrolled, paired and connected."""
        person = await self.add_mentorado(name)
        await self.do(ActionName.CONNECT, person)
        await self.pair(person)
        return person


def hosts() -> list[psutil.Process]:
    """The processes that this one, or a child of it, started to hold sessions; not what forked them."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and "session_host" in " ".join(process.cmdline()):
                found.append(process)
    return [process for process in found if not any(child in found for child in process.children())]


async def no_hosts(within: float = 5) -> None:
    """Wait until no session is held by any process of ours: a link is off or blocked a moment before its host ends."""
    async with asyncio.timeout(within):
        while hosts():
            await asyncio.sleep(0.02)


async def ended(process: psutil.Process, within: float) -> bool:
    """Whether *process* ends in time."""
    try:
        async with asyncio.timeout(within):
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.02)
    except TimeoutError:
        return False
    except psutil.NoSuchProcess:
        pass
    return True
