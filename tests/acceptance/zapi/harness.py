"""The program as it is, and Z-API played at the other end of real HTTP. Only time is quicker than outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.bootstrap import build_services
from app.domain.actions import ActionName
from app.domain.events import MessagesStored
from app.domain.link_status import LinkState
from app.domain.mentorado import ProviderKind
from app.domain.messages import Address, AddressKind
from app.domain.provider_descriptor import CredentialField, Credentials
from app.domain.sending import OutgoingMessage, SendResult
from app.providers.http_client import Timeouts
from app.providers.zapi.poller import ZapiConnection
from app.providers.zapi.provider import ZapiProvider
from app.services import Services
from app.settings import Settings
from tests.acceptance import program
from tests.acceptance.program import SOON, Person, new_number
from tests.clock import DAWN
from tests.emulators.serving import Served
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.emulators.zapi.instance import Instance

SPEED = 60.0
"""A minute passes in a second: the real pauses between questions are kept, and need not be waited for."""


class QuickClock:
    """A `Clock` whose time passes `SPEED` times as fast as outside."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.ahead = timedelta()

    def now(self) -> datetime:
        return DAWN + self.ahead + timedelta(seconds=(time.monotonic() - self._began) * SPEED)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)


@dataclass(frozen=True, slots=True)
class Client:
    """A mentorado, and the instance that is theirs."""

    person: Person
    instance: Instance


class Harness:
    """Data on disk, an emulator, and a program that is opened and ended over both."""

    def __init__(self, home: Path, emulator: ZapiEmulator, served: Served, clock: QuickClock) -> None:
        self.emulator = emulator
        self.clock = clock
        self.settings = Settings(data_dir=home / "data", session_dir=home / "sessions", zapi_url=served.url)
        self.kept: dict[str, str] = {}  # what the secrets' memory held when the program ended

    @asynccontextmanager
    async def running(self, *, starting: bool = False, timeouts: Timeouts | None = None) -> AsyncIterator[ProgramRun]:
        core = build_services(self.settings, clock=self.clock, policy=SOON)
        core.secrets._trusted = frozenset()  # never this machine's own keyring
        await core.secrets.use_memory()
        for name, value in self.kept.items():
            await core.secrets.set(name, value)
        run = ProgramRun(self, core)
        if timeouts is not None:
            run.provider._timeouts = timeouts
        await core.open()
        async with core.running():
            await (core.supervisor.start_enabled() if starting else core.supervisor.restore())
            yield run


class ProgramRun(program.ProgramRun):
    """One run of the program, with mentorados whose messages Z-API carries."""

    def __init__(self, harness: Harness, core: Services) -> None:
        super().__init__(core)
        self.zapi = harness
        self.grown: list[MessagesStored] = []
        core.bus.subscribe(MessagesStored, self.grown.append)

    @property
    def provider(self) -> ZapiProvider:
        provider = self.core.providers[ProviderKind.ZAPI]
        assert isinstance(provider, ZapiProvider)
        return provider

    async def client(self, name: str = "Ana", *, linked: bool = False, credentials: bool = True) -> Client:
        """Somebody new, with an instance of theirs; *linked*, their phone is connected to it already."""
        digits = new_number()
        added = await self.core.mentorados.add(name, f"+{digits}", provider=ProviderKind.ZAPI)
        instance = self.zapi.emulator.add_instance()
        if linked:
            instance.link(digits)
        client = Client(Person(name, added.id, added.link.id, digits), instance)
        if credentials:
            await self.enter(client, self.credentials(client))
        return client

    def credentials(self, client: Client) -> dict[CredentialField, str]:
        typed = {
            CredentialField.INSTANCE_ID: client.instance.id,
            CredentialField.INSTANCE_TOKEN: client.instance.token,
        }
        if token := self.zapi.emulator.client_token:
            typed[CredentialField.CLIENT_TOKEN] = token
        return typed

    async def enter(self, client: Client, typed: Credentials) -> None:
        """Type them, and keep them for the next time the program is opened."""
        await self.core.hosted.credentials.save(client.person.id, typed)
        text = await self.core.secrets.get(f"link/{client.person.link}/credentials")
        assert text is not None
        self.zapi.kept[f"link/{client.person.link}/credentials"] = text

    async def connected(self, name: str = "Ana") -> Client:
        """Somebody whose phone is linked, connected."""
        client = await self.client(name, linked=True)
        await self.do(ActionName.CONNECT, client.person)
        await self.until(client.person, LinkState.CONNECTED)
        return client

    async def scan_shown(self, client: Client, phone: str = "") -> None:
        """The phone scans the code that the window shows."""
        client.instance.scan(phone or client.person.digits, await self.code(client.person))

    def line(self, client: Client) -> ZapiConnection:
        return self.provider._connections[client.person.link]

    async def send(self, client: Client, text: str, to: str = "+5511912345678") -> SendResult:
        address = Address(AddressKind.PHONE, to)
        return await self.provider.send(
            self.core.mentorados.get(client.person.id), OutgoingMessage(to=address, text=text)
        )
