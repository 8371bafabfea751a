"""A place where the program is opened and ended as often as a test likes, over the same data and the same phones."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shlex
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import psutil

from app.bootstrap import Services, build_services
from app.core.links.reconnect import ReconnectPolicy
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditOutcome
from app.domain.events import StatusChanged
from app.domain.guidance import RECOMMENDED_ACTION, Recommendation, recommend
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import LinkId, Mentorado, MentoradoId
from app.domain.procedure import Procedure, ProcedureKind, ProcedureState
from app.domain.repositories import Transition
from app.platform.locks import read_owner
from app.settings import Settings
from app.storage.database import Database
from app.storage.transitions import SqlTransitionRepository
from app.text import status as status_text
from tests.emulators.whatsapp_web.process import EmulatorProcess

T = TypeVar("T")
Step = tuple[LinkState, Reason]

NONE = Reason.NONE
FIRST_TIME: Sequence[Step] = (
    (LinkState.CONNECTING, NONE),
    (LinkState.QR_READY, NONE),
    (LinkState.QR_READY, Reason.SIGNING_IN),
    (LinkState.CONNECTED, NONE),
)
AGAIN: Sequence[Step] = ((LinkState.CONNECTING, NONE), (LinkState.CONNECTED, NONE))

SOON = ReconnectPolicy(first=0.05, factor=1.0)
"""For tests in which waiting is not the point."""

_numbers = itertools.count(10_000_001)


def run(main: Coroutine[Any, Any, T], *, within: float = 30) -> T:
    """Run *main* to its end, or fail after *within* seconds: a host that hangs must not hang the tests."""

    async def limited() -> T:
        async with asyncio.timeout(within):
            return await main

    return asyncio.run(limited())


class ForwardClock:
    """The time of this computer, or later: so that an hour's ban need not be waited for."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody enrolled, and their phone."""

    name: str
    id: MentoradoId
    link: LinkId
    digits: str

    @property
    def phone(self) -> str:
        return f"+{self.digits}"


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


class ProgramRun:
    """One run of the program: its core, and everything it said of every link, in order."""

    def __init__(self, harness: Harness, core: Services) -> None:
        self.harness = harness
        self.core = core
        self._seen: defaultdict[LinkId, list[LinkStatus]] = defaultdict(list)
        self._read: defaultdict[LinkId, int] = defaultdict(int)
        self._news = asyncio.Event()
        core.bus.subscribe(StatusChanged, self._on_status)

    def _on_status(self, event: StatusChanged) -> None:
        self._seen[event.link_id].append(event.after)
        self._news.set()

    # --- people and phones

    async def add_mentorado(self, name: str = "Ana") -> Person:
        """Somebody new, with a WhatsApp account of a number that nobody else has."""
        digits = f"55119{70_000_000 + next(_numbers)}"
        self.harness.emulator.control.add_account(digits)
        added = await self.core.mentorados.add(name, f"+{digits}")
        return Person(name, added.id, added.link.id, digits)

    async def scan(self, person: Person, code: str) -> None:
        """Let the person's phone scan."""
        await asyncio.to_thread(self.harness.emulator.control.scan, person.digits, code)

    async def fault(self, name: str, person: Person | None = None, **how: Any) -> None:
        await asyncio.to_thread(self.harness.emulator.control.fault, name, person.digits if person else None, **how)

    # --- what staff do

    async def do(self, action: ActionName, person: Person, *, sure: bool = True) -> str:
        """Run *action* and say how it ended; `until` then reads only what is told from here on."""
        self._read[person.link] = len(self._seen[person.link])

        async def answer(_name: ActionName, _mentorado: Mentorado) -> bool:
            return sure

        if action is ActionName.REAUTHENTICATE:
            return await self._reauthenticate(person, sure=sure)
        return await self.core.actions.run(action, person.id, answer)

    async def _reauthenticate(self, person: Person, *, sure: bool) -> str:
        """As far as the code, or to the question and back."""
        begun = await self.core.procedures.begin(ProcedureKind.REAUTHENTICATION, person.id)
        await self.stands(person, ProcedureState.ASKING)
        if sure:
            await self.core.procedures.confirm(begun.head.id)
            return AuditOutcome.DONE
        await self.undo(person)
        return AuditOutcome.DECLINED

    async def undo(self, person: Person) -> None:
        """Take back the procedure that is open."""
        procedure = self.core.procedures.active(person.id)
        assert procedure is not None
        await self.core.procedures.undo(procedure.head.id)
        await self.stands(person, ProcedureState.UNDONE)

    async def stands(self, person: Person, state: ProcedureState, within: float = 30) -> Procedure:
        """The person's latest procedure, once it stands there."""
        async with asyncio.timeout(within):
            while True:
                procedure = (await self.core.procedures.latest(person.id))[0]
                if procedure.state is state:
                    return procedure
                await asyncio.sleep(0.02)

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

    # --- what staff see

    def status(self, person: Person) -> LinkStatus:
        return self.core.supervisor.status(person.link)

    def sentence(self, person: Person) -> str:
        return status_text.sentence(self.status(person), self.core.mentorados.get(person.id), self.core.clock.now())

    def recommended(self, person: Person) -> Recommendation:
        status = self.status(person)
        return recommend(status.state, status.reason)

    def button(self, person: Person) -> ActionName | None:
        return RECOMMENDED_ACTION[self.recommended(person)]

    def refusal(self, action: ActionName, person: Person) -> UnavailableReason | None:
        return self.core.actions.unavailable_reason(action, person.id)

    def steps(self, person: Person) -> list[Step]:
        """The (state, reason) pairs that were told, each move once."""
        pairs = [(status.state, status.reason) for status in self._seen[person.link]]
        return [pair for pair, _same in itertools.groupby(pairs)]

    async def until(
        self, person: Person, state: LinkState, reason: Reason | None = None, within: float = 20
    ) -> LinkStatus:
        """The next status told of that *state* (and *reason*); what comes before it is read and let go."""
        return await self.until_status(
            person, lambda status: status.state is state and reason in (None, status.reason), within
        )

    async def until_status(self, person: Person, fits: Callable[[LinkStatus], bool], within: float = 20) -> LinkStatus:
        status = self._seen[person.link]
        try:
            async with asyncio.timeout(within):
                while True:
                    while self._read[person.link] < len(status):
                        self._read[person.link] += 1
                        if fits(status[self._read[person.link] - 1]):
                            return status[self._read[person.link] - 1]
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            details = [f"{s.state}/{s.reason} {s.detail}".strip() for s in status]
            raise AssertionError(f"{person.name}: not told within {within} s, but: {details}") from None

    async def code(self, person: Person, *, number: int = 1, within: float = 20) -> str:
        """The text of the code to scan."""
        status = await self.until_status(person, lambda s: s.qr is not None and s.qr.number >= number, within)
        assert status.qr is not None
        return status.qr.text


def hosts() -> list[psutil.Process]:
    """The processes that this one, or a child of it, started to hold sessions."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and "session_host" in " ".join(process.cmdline()):
                found.append(process)
    return found


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
