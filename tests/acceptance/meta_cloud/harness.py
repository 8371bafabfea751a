"""The program with its real core, over a Cloud API that is played at the far end of real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from app.bootstrap import build_services
from app.domain.actions import ActionName
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import ProviderKind
from app.domain.messages import Address, AddressKind, DeliveryStatus, MessageUpdate, ProviderMessage
from app.domain.provider import CanSend
from app.domain.provider_descriptor import CredentialField
from app.domain.sending import OutgoingMessage, SendResult, TemplateMessage
from app.providers.http_client import Timeouts
from app.providers.meta_cloud import webhook_parser as callbacks
from app.providers.meta_cloud.provider import MetaCloudProvider
from app.services import Services
from app.settings import Settings
from tests.acceptance import program
from tests.acceptance.program import Person
from tests.clock import ManualClock, settle
from tests.emulators.meta_cloud import webhooks
from tests.emulators.meta_cloud.graph import MetaCloud
from tests.emulators.meta_cloud.state import NUMBER_ID, TOKEN, WABA_ID

BIA = "5521987650001"
QUICK = Timeouts(connect=1.0, read=0.4, whole=0.6)
"""For tests in which an answer never comes."""


class Harness:
    """Data and a clock that outlive the program; whoever works here opens it with `running`."""

    def __init__(self, home: Path, url: str, cloud: MetaCloud, clock: ManualClock) -> None:
        self.cloud = cloud
        self.clock = clock
        self.settings = Settings(data_dir=home / "data", session_dir=home / "sessions", meta_url=url)

    @asynccontextmanager
    async def running(self, *, timeouts: Timeouts | None = None, starting: bool = False) -> AsyncIterator[ProgramRun]:
        """The program, from its start to its end. Secrets are kept for the day only."""
        core = build_services(self.settings, clock=self.clock)
        if timeouts is not None:
            provider = core.providers[ProviderKind.META_CLOUD]
            assert isinstance(provider, MetaCloudProvider)
            provider._timeouts = timeouts
        run = ProgramRun(self, core)
        await core.secrets.use_memory()
        await core.open()
        async with core.running():
            if starting:
                await core.supervisor.start_enabled()
            yield run


class ProgramRun(program.ProgramRun):
    """One run of the program; what is told of a link is read from the last action on."""

    def __init__(self, harness: Harness, core: Services) -> None:
        super().__init__(core)
        self.harness = harness
        self.cloud = harness.cloud

    @property
    def provider(self) -> MetaCloudProvider:
        provider = self.core.providers[ProviderKind.META_CLOUD]
        assert isinstance(provider, MetaCloudProvider)
        return provider

    async def add_mentorado(self, phone: str = "+5511987654321", token: str = TOKEN, **other: str) -> Person:
        """Somebody new at the Cloud API, whose credentials were typed."""
        added = await self.core.mentorados.add("Ana", phone)
        await self.core.hosted.choice.choose(added.id, ProviderKind.META_CLOUD)
        typed = {
            CredentialField.ACCESS_TOKEN: token,
            CredentialField.PHONE_NUMBER_ID: NUMBER_ID,
            CredentialField.WABA_ID: WABA_ID,
        }
        typed |= {CredentialField(name): value for name, value in other.items()}
        await self.core.hosted.credentials.save(added.id, typed)
        return Person("Ana", added.id, added.link.id, phone.lstrip("+"))

    async def connected(self) -> Person:
        """Somebody enrolled and connected."""
        ana = await self.add_mentorado()
        await self.do(ActionName.CONNECT, ana)
        await self.until(ana, LinkState.CONNECTED)
        return ana

    async def do(self, action: ActionName, person: Person, *, sure: bool = True) -> str:
        self._seen[person.link].clear()
        return await super().do(action, person, sure=sure)

    async def until_status(self, person: Person, fits: Callable[[LinkStatus], bool], within: float = 10) -> LinkStatus:
        self._read[person.link] = 0  # what was told before is read again
        return await super().until_status(person, fits, within)

    def check(self, person: Person) -> None:
        """Have the number asked about at once, as a webhook does."""
        self._seen[person.link].clear()
        assert self.provider.handle(person.link, (), True, lambda: None)

    async def rested(self, person: Person) -> None:
        """Wait until the line has asked all it wanted to."""
        async with asyncio.timeout(10):
            while (line := self.provider._connections.get(person.link)) is None or line[0]._nap is None:
                await asyncio.sleep(0.001)
        await settle()  # what it said is on its way to the board

    async def soon(self, fits: Callable[[], bool], within: float = 10) -> None:
        """Wait until *fits*."""
        async with asyncio.timeout(within):
            while not fits():
                await asyncio.sleep(0.005)

    async def later(self, person: Person, seconds: float) -> None:
        """Let time pass once the line rests, and wait for what it asks then."""
        await self.rested(person)
        await self.harness.clock.advance(seconds)
        await self.rested(person)

    async def slept(self, person: Person, seconds: float) -> None:
        """Let time pass as on a computer that sleeps: what was due meanwhile is done once."""
        await self.rested(person)
        self.harness.clock.time += timedelta(seconds=seconds)
        await self.harness.clock.advance(1)
        await self.rested(person)

    async def checked(self, person: Person, fits: Callable[[LinkStatus], bool] = lambda _: True) -> LinkStatus:
        """The next status that is told after the number was asked about."""
        await self.rested(person)
        self.check(person)
        await self.harness.clock.advance(10)
        return await self.until_status(person, fits)

    def failure(self, wamid: str, code: int, *, seconds_ago: int = 0) -> tuple[MessageUpdate, ...]:
        """What a webhook says of a message that failed after it was taken."""
        now = self.core.clock.now()
        failed = webhooks.status(wamid, "failed", code=code, at=int(now.timestamp()) - seconds_ago)
        (callback,) = callbacks.parse(webhooks.envelope(failed), now)
        return callback.facts

    async def delivery_of(self, person: Person, provider_id: str) -> DeliveryStatus | None:
        """How far a message of ours got, as the history knows it; the message is put there as whoever sends it does."""
        now, to = self.core.clock.now(), (Address(AddressKind.PHONE, f"+{BIA}"),)
        own = ProviderMessage(
            provider_id=provider_id, chat=to, sender=(), from_me=True, text="oi", sent_at=now, received_at=now
        )
        mentorado = self.core.mentorados.get(person.id)
        await self.core.history.store(mentorado, [own], now)
        (conversation,) = await self.core.history.conversations(person.id)
        stored = await self.core.history.messages(conversation.id)
        return next(each.delivery for each in stored if each.provider_id == provider_id)

    async def send(
        self,
        person: Person,
        words: str = "oi",
        *,
        to: str = BIA,
        template: TemplateMessage | None = None,
        reference: str = "",
        wrote: bool = True,
    ) -> SendResult:
        """Send through the provider's own door; the contact *wrote* a moment ago unless told otherwise."""
        now = self.core.clock.now()
        if wrote:
            self.cloud.world.number.inbound[to] = now
        message = OutgoingMessage(
            to=Address(AddressKind.PHONE, f"+{to}"),
            text="" if template else words,
            template=template,
            reference=reference,
            last_inbound=now if wrote else None,
        )
        provider = self.provider
        assert isinstance(provider, CanSend)
        return await provider.send(self.core.mentorados.get(person.id), message)
