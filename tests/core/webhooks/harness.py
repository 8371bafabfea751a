"""The webhook service over a server that a test plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from app.core.audit_service import AuditService
from app.core.background import BackgroundTasks
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.settings_service import SettingsService
from app.core.webhooks.service import (
    ServiceState,
    WebhookService,
)
from app.core.write_queue import WriteQueue
from app.domain.errors import Problem, ProblemCode
from app.domain.events import StatusChanged, WebhooksChanged
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import MessageUpdate, ProviderMessage
from app.domain.phone import PhoneNumber
from app.domain.provider_descriptor import CredentialField, Credentials, dumps, secret_key
from app.domain.webhooks import (
    DeliveryBatch,
    EndpointList,
    WebhookSettings,
    WebhookStats,
)
from tests.clock import DAWN, ManualClock, settle
from tests.core.test_settings_service import FakeSettings
from tests.fake_audit import FakeAuditLog, audit_service_of, somebody
from tests.fake_providers import FakeProvider
from tests.fakes import FakeMentoradoRepository

F = CredentialField


class FakeSecrets:
    """Secrets in memory; *locked* while a passphrase is missing."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.locked = False

    async def get(self, name: str) -> str | None:
        if self.locked:
            raise Problem(ProblemCode.SECRETS_LOCKED)
        return self.kept.get(name)

    async def set(self, name: str, value: str) -> None:
        self.kept[name] = value


class FakeRunningServer:
    """An open receiver: `say` what it would, and look at what it was told."""

    def __init__(self, place: WebhookSettings | None) -> None:
        self.place = place
        self.port = place.port if place else 0
        self.endpoints: list[EndpointList] = []
        self.calls: list[tuple[str, LinkId, int]] = []
        self.closed = False
        self._batches: asyncio.Queue[DeliveryBatch | WebhookStats | None] = asyncio.Queue()

    def say(self, *batchs: DeliveryBatch | WebhookStats | None) -> None:
        for each in batchs:
            self._batches.put_nowait(each)

    def set_endpoints(self, endpoints: EndpointList) -> None:
        self.endpoints.append(endpoints)

    async def events(self) -> AsyncIterator[DeliveryBatch | WebhookStats]:
        while (each := await self._batches.get()) is not None:
            yield each

    def confirm(self, link_id: LinkId, mark: int) -> None:
        self.calls.append(("confirm", link_id, mark))

    def pause(self, link_id: LinkId) -> None:
        self.calls.append(("postpone", link_id, 0))

    def resume(self, link_id: LinkId) -> None:
        self.calls.append(("again", link_id, 0))


class FakeReceiver:
    """Opens receptions, unless there is a *problem*."""

    def __init__(self) -> None:
        self.opened: list[FakeRunningServer] = []
        self.tried: list[WebhookSettings] = []
        self.problem: Problem | None = None
        self.left = False

    @property
    def now(self) -> FakeRunningServer:
        return self.opened[-1]

    @asynccontextmanager
    async def open(self, place: WebhookSettings | None) -> AsyncIterator[FakeRunningServer]:
        if self.problem is not None:
            raise self.problem
        self.opened.append(running_server := FakeRunningServer(place))
        try:
            yield running_server
        finally:
            running_server.closed = True

    async def check_bind(self, place: WebhookSettings) -> None:
        assert all(running_server.closed for running_server in self.opened), "it would find its own port taken"
        self.tried.append(place)
        if self.problem is not None:
            raise self.problem

    async def has_backlog(self) -> bool:
        return self.left


class TakingProvider(FakeProvider):
    """A hosted provider whose lines take deliveries while they are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open = True
        self.broken = False
        self.taken: list[tuple[LinkId, Sequence[MessageUpdate], bool]] = []
        self.confirms: list[Callable[[], None]] = []

    def handle(self, link_id: LinkId, facts: Sequence[MessageUpdate], check: bool, confirm: Callable[[], None]) -> bool:
        if self.broken or any(isinstance(fact, ProviderMessage) and fact.text == "veneno" for fact in facts):
            raise RuntimeError("a bug")
        if self.open:
            self.taken.append((link_id, facts, check))
            self.confirms.append(confirm)
        return self.open


def person(name: str, provider: ProviderKind, *, archived: bool = False) -> Mentorado:
    letter = name[0].lower()
    mentorado_id = MentoradoId(f"{ord(letter):032x}")
    return Mentorado(
        id=mentorado_id,
        name=name,
        phone=PhoneNumber(f"+55119876500{ord(letter) % 100:02}"),
        created_at=DAWN,
        archived_at=DAWN if archived else None,
        link=Link(id=LinkId(letter * 32), mentorado_id=mentorado_id, provider=provider),
    )


ANA = person("Ana", ProviderKind.ZAPI)
BIA = person("Bia", ProviderKind.META_CLOUD)
CAIO = person("Caio", ProviderKind.WHATSAPP_WEB)
DORA = person("Dora", ProviderKind.META_CLOUD)  # without her app's secret
EVA = person("Eva", ProviderKind.ZAPI, archived=True)
FABIO = person("Fabio", ProviderKind.ZAPI)  # without credentials
ZAPI: Credentials = {F.INSTANCE_ID: "INSTANCE", F.INSTANCE_TOKEN: "t"}
META: Credentials = {F.ACCESS_TOKEN: "t", F.PHONE_NUMBER_ID: "1111", F.WABA_ID: "1", F.APP_SECRET: "the-secret"}


class Harness:
    """The desk over the core's own parts."""

    def __init__(self, settings: WebhookSettings | None = None) -> None:
        self.bus, self.clock, self.audit = EventBus(), ManualClock(), FakeAuditLog()
        self.write_queue = WriteQueue(bus=self.bus, clock=self.clock)
        self.secrets, self.receiver, self.provider = FakeSecrets(), FakeReceiver(), TakingProvider()
        for mentorado, credentials in ((ANA, ZAPI), (BIA, META), (EVA, ZAPI)):
            self.secrets.kept[secret_key(mentorado.link.id)] = dumps(credentials)
        self.secrets.kept[secret_key(DORA.link.id)] = dumps({**META, F.APP_SECRET: ""})
        self.mentorados = MentoradoService(
            bus=self.bus,
            mentorado_repository=FakeMentoradoRepository(ANA, BIA, CAIO, DORA, EVA, FABIO),
            clock=self.clock,
            audit_service=audit_service_of(self.audit),
        )
        self.store = FakeSettings(None)
        if settings is not None:
            self.store.settings = replace(self.store.settings, webhooks=settings)
        audit_service = AuditService(
            bus=self.bus, audit=self.audit, write_queue=self.write_queue, clock=self.clock, actor=somebody
        )
        self.operator = SettingsService(bus=self.bus, store=self.store, audit_service=audit_service, clock=self.clock)
        tokens = iter(f"token-{number}" for number in range(100))
        self.service = WebhookService(
            bus=self.bus,
            settings_service=self.operator,
            receiver=self.receiver,
            mentorados=self.mentorados,
            providers={ProviderKind.ZAPI: self.provider, ProviderKind.WHATSAPP_WEB: FakeProvider()},
            secrets=self.secrets,  # type: ignore[arg-type] # no more of it is asked
            clock=self.clock,
            token=lambda: next(tokens),
        )
        self.changes = 0
        self.bus.subscribe(WebhooksChanged, self._count)

    def phase(self) -> ServiceState:
        return self.service.phase

    def trouble(self) -> ProblemCode | None:
        return None if self.service.problem is None else self.service.problem.code

    def _count(self, _event: WebhooksChanged) -> None:
        self.changes += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with BackgroundTasks(self.write_queue.run, self.service.run):
            await self.operator.load()
            await self.mentorados.load()
            await settle()
            yield

    def moved(self, mentorado: Mentorado, before: LinkState, after: LinkState) -> None:
        old, new = LinkStatus(state=before, since=DAWN), LinkStatus(state=after, since=DAWN)
        self.bus.publish(StatusChanged(mentorado.id, mentorado.link.id, old, new))


ON = WebhookSettings(on=True)


def play(harness: Harness, use: Callable[[], object]) -> None:
    async def main() -> None:
        async with asyncio.timeout(10), harness.running():
            await use()  # type: ignore[misc] # a coroutine function

    asyncio.run(main())
