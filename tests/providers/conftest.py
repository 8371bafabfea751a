"""The real host with the real library, against the emulator. Nothing is played but the far end."""

from __future__ import annotations

import asyncio
import itertools
import shlex
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.domain.mentorado import Link, Mentorado, new_link_id, new_mentorado_id
from app.domain.phone import PhoneNumber
from app.domain.provider import Connected, Connection, ConnectionEvent, HostAnswered, QrIssued, QrScanned
from app.providers.whatsapp_web.connection import SessionConnection, SessionTimeouts
from app.providers.whatsapp_web.host_process import HostProcess
from app.providers.whatsapp_web.provider import WhatsAppWebProvider
from tests.clock import StillClock
from tests.emulators.whatsapp_web import session_host
from tests.emulators.whatsapp_web.process import EmulatorProcess

T = TypeVar("T")
_numbers = itertools.count(11_000_000)


def run(main: Coroutine[Any, Any, T], *, within: float = 30) -> T:
    """Run *main* to its end, or fail after *within* seconds: a host that hangs must not hang the tests."""

    async def limited() -> T:
        async with asyncio.timeout(within):
            return await main

    return asyncio.run(limited())


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in session_host.environment(running.directory, {}).items():
            patch.setenv(name, value)  # hosts find it as it must be, and need not start themselves again
        yield running


@pytest.fixture(autouse=True)
def good_manners(request: pytest.FixtureRequest) -> Iterator[None]:
    """No fault armed by one test waits for the next."""
    yield
    if "emulator" in request.fixturenames:
        request.getfixturevalue("emulator").control.clear_faults()


def mentorado(*, digits: str = "", account: PhoneNumber | None = None) -> Mentorado:
    """Somebody new, with a number nobody else has."""
    phone = PhoneNumber("+" + (digits or f"55119{next(_numbers):08d}"))
    mentorado_id, created = new_mentorado_id(), datetime(2026, 1, 1, tzinfo=UTC)
    link = Link(id=new_link_id(), mentorado_id=mentorado_id, account=account)
    return Mentorado(id=mentorado_id, name="Ana", phone=phone, created_at=created, link=link)


@dataclass(kw_only=True)
class ProviderHarness:
    """A provider, the emulator, and people with phones."""

    emulator: EmulatorProcess
    provider: WhatsAppWebProvider
    root: Path
    clock: StillClock = field(default_factory=StillClock)

    def somebody(self) -> Mentorado:
        """Enrolled, with a WhatsApp account, not paired."""
        person = mentorado()
        self.emulator.control.add_account(digits(person))
        return person

    async def scan(self, person: Mentorado, code: str) -> None:
        """Let the person's phone scan."""
        await asyncio.to_thread(self.emulator.control.scan, digits(person), code)

    async def pair(self, person: Mentorado) -> None:
        """From nothing to an adopted session."""
        async with self.provider.pair(person) as line:
            async for signal in line.events():
                match signal:
                    case QrIssued(text=text, number=1):
                        await self.scan(person, text)
                    case Connected():
                        await self.provider.commit_pairing(person.link)
                        return
                    case QrScanned() | HostAnswered():
                        pass
                    case _:
                        pytest.fail(f"pairing said {signal}")

    @asynccontextmanager
    async def connected(self, person: Mentorado) -> AsyncIterator[SessionConnection]:
        """A line of a paired person that is through."""
        async with self.provider.connect(person) as line:
            await until(line, Connected)
            assert isinstance(line, SessionConnection)
            yield line

    def fault(self, name: str, person: Mentorado | None = None, **how: Any) -> None:
        self.emulator.control.fault(name, digits(person) if person else None, **how)


def digits(person: Mentorado) -> str:
    return person.phone.lstrip("+")


async def until(line: Connection, wanted: type[T] | Callable[[ConnectionEvent], bool]) -> Any:
    """Follow *line* to the first signal of the *wanted* kind, or that fits; everything before it is let go."""
    async for signal in line.events():
        if isinstance(signal, wanted) if isinstance(wanted, type) else wanted(signal):
            return signal
    pytest.fail(f"the line ended without {wanted}")


def world_in(emulator: EmulatorProcess, home: Path, **settings: Any) -> ProviderHarness:
    """A provider whose hosts trust the emulator, with its sessions under *home*."""
    clock = StillClock()
    root = settings.pop("session_root", home / "sessions")
    timeouts = SessionTimeouts(first_code=15, sign_in=15, send=20, request=10)
    settings = {"command": shlex.split(emulator.host_command()), "timeouts": timeouts, **settings}
    provider = WhatsAppWebProvider(root, clock=clock, **settings)
    return ProviderHarness(emulator=emulator, provider=provider, root=root, clock=clock)


@pytest.fixture
def build(emulator: EmulatorProcess, fast_dir: Path) -> Callable[..., ProviderHarness]:
    """Makes worlds with settings of the test's own."""
    return partial(world_in, emulator, fast_dir)


@pytest.fixture
def harness(build: Callable[..., ProviderHarness]) -> ProviderHarness:
    return build()


def host_of(line: SessionConnection) -> HostProcess:
    assert line._session is not None
    return line._session.host.process
