"""Whether webhooks are received, who is let in, and where what came goes; the receiver and the lines are played."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from app.core.audit_service import AuditService
from app.core.background import BackgroundTasks
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.settings_service import SettingsService
from app.core.webhooks.endpoints import VERIFY_TOKEN, path_name
from app.core.webhooks.service import (
    ENDED_SECONDS,
    PLACE_SECONDS,
    SUMMARY_SECONDS,
    ServiceState,
    WebhookService,
)
from app.core.write_queue import WriteQueue
from app.domain.credentials import Credentials, dumps, secret_key
from app.domain.errors import Problem, ProblemCode
from app.domain.events import StatusChanged, WebhooksChanged
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import DeliveryReceipt, DeliveryStatus, MessageUpdate, ProviderMessage, WireUnknown
from app.domain.phone import PhoneNumber
from app.domain.provider_descriptor import CredentialField
from app.domain.webhooks import (
    DeliveryBatch,
    DeliveryOutcome,
    Endpoint,
    EndpointList,
    OutcomeCount,
    WebhookSettings,
    WebhookStats,
)
from tests.clock import DAWN, ManualClock, settle
from tests.core.test_settings_service import FakeSettings
from tests.fakes import (
    FakeAuditLog,
    FakeMentoradoRepository,
    FakeProvider,
    audit_service_of,
    somebody,
)
from tests.storage.talk import a_message

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
        audit_service = AuditService(audit=self.audit, write_queue=self.write_queue, clock=self.clock, actor=somebody)
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


def handed(mentorado: Mentorado, mark: int, *facts: MessageUpdate, check: bool = False) -> DeliveryBatch:
    return DeliveryBatch(link_id=mentorado.link.id, mark=mark, facts=facts, check=check)


def endpoint(mentorado: Mentorado, provider: ProviderKind, key: str, secret: str) -> Endpoint:
    number = mentorado.phone
    return Endpoint(link_id=mentorado.link.id, provider=provider, key=key, secret=secret, number=number)


def play(harness: Harness, use: Callable[[], object]) -> None:
    async def main() -> None:
        async with asyncio.timeout(10), harness.running():
            await use()  # type: ignore[misc] # a coroutine function

    asyncio.run(main())


def test_they_are_off_until_somebody_wants_them() -> None:
    harness = Harness()

    async def use() -> None:
        assert harness.phase() is ServiceState.OFF
        assert harness.receiver.opened == []
        assert harness.secrets.kept.keys() == {secret_key(each.link.id) for each in (ANA, BIA, DORA, EVA)}
        await harness.service.switch_on()
        await settle()
        assert harness.phase() is ServiceState.LISTENING
        assert harness.receiver.tried == [ON]
        assert harness.store.settings.webhooks.on
        await harness.service.switch_on()  # it is
        await harness.service.switch_off()
        await settle()
        assert harness.receiver.now.closed
        assert harness.phase() is ServiceState.OFF
        assert len(harness.receiver.opened) == 1
        lines = [(entry.record.before["value"], entry.record.after["value"]) for entry in harness.audit.outcomes]
        assert lines == [("off 127.0.0.1:8790", "on 127.0.0.1:8790"), ("on 127.0.0.1:8790", "off 127.0.0.1:8790")]

    play(harness, use)


def test_a_place_that_is_taken_is_said_and_nothing_changes() -> None:
    harness = Harness()

    async def use() -> None:
        harness.receiver.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="8790")
        with pytest.raises(Problem):
            await harness.service.switch_on()
        await settle()
        assert harness.phase() is ServiceState.OFF
        assert not harness.store.settings.webhooks.on

    play(harness, use)


def test_moving_closes_the_old_place_first_and_comes_back_to_it_when_the_new_one_is_taken() -> None:
    harness = Harness(ON)

    async def use() -> None:
        await harness.service.set_listen_address(" 0.0.0.0 ", "9000")
        await settle()
        assert [each.place for each in harness.receiver.opened] == [ON, replace(ON, address="0.0.0.0", port=9000)]  # noqa: S104
        harness.receiver.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="9001")

        async def free_again() -> None:
            while not harness.receiver.tried[1:]:
                await asyncio.sleep(0)
            harness.receiver.problem = None

        async with asyncio.TaskGroup() as group:
            group.create_task(free_again())
            with pytest.raises(Problem):
                await harness.service.set_listen_address("localhost", "9001")
        await settle()
        assert harness.service.settings.port == 9000
        assert harness.receiver.now.place == replace(ON, address="0.0.0.0", port=9000)  # noqa: S104
        assert not harness.receiver.now.closed

    play(harness, use)


def test_while_they_are_off_a_place_is_only_remembered() -> None:
    harness = Harness()

    async def use() -> None:
        await harness.service.set_listen_address("::1", "9000")
        assert harness.receiver.tried == []
        assert (harness.service.settings.address, harness.service.settings.port) == ("::1", 9000)
        assert (await harness.service.endpoint_urls())[0].url.startswith("http://[::1]:9000/zapi/")

    play(harness, use)


@pytest.mark.parametrize(
    ("address", "port", "code"),
    [
        ("", "8790", ProblemCode.WEBHOOK_ADDRESS_UNUSABLE),
        ("relay.example", "8790", ProblemCode.WEBHOOK_ADDRESS_UNUSABLE),
        ("127.0.0.1", "0", ProblemCode.WEBHOOK_PORT_INVALID),
        ("127.0.0.1", "65536", ProblemCode.WEBHOOK_PORT_INVALID),
        ("127.0.0.1", "٣٣", ProblemCode.WEBHOOK_PORT_INVALID),
        ("127.0.0.1", "", ProblemCode.WEBHOOK_PORT_INVALID),
    ],
)
def test_what_is_no_place_is_said(address: str, port: str, code: ProblemCode) -> None:
    harness = Harness()

    async def use() -> None:
        with pytest.raises(Problem) as refused:
            await harness.service.set_listen_address(address, port)
        assert refused.value.code is code

    play(harness, use)


def test_the_public_address_is_https_and_nothing_more() -> None:
    harness = Harness()

    async def use() -> None:
        await harness.service.set_public_url(" https://relay.example/conecta/ ")
        assert harness.service.settings.public_url == "https://relay.example/conecta"
        ways = {way.mentorado.name: (way.url, way.verifiable) for way in await harness.service.endpoint_urls()}
        assert ways == {
            "Ana": ("https://relay.example/conecta/zapi/token-0", True),
            "Bia": ("https://relay.example/conecta/meta", True),
            "Dora": ("https://relay.example/conecta/meta", False),
        }
        for wrong in ("http://relay.example", "relay.example", "https://", "https://a?b", "https://a b", "https://u@a"):
            with pytest.raises(Problem) as refused:
                await harness.service.set_public_url(wrong)
            assert refused.value.code is ProblemCode.WEBHOOK_URL_INVALID
        with pytest.raises(Problem):
            await harness.service.set_public_url("https://[::1")
        await harness.service.set_public_url("")
        assert harness.service.settings.public_url == ""

    play(harness, use)


def test_each_link_with_credentials_gets_an_endpoint_and_what_is_unguessable_stays_the_same() -> None:
    harness = Harness(ON)

    async def use() -> None:
        (endpoints,) = harness.receiver.now.endpoints[-1:]
        assert endpoints == EndpointList(
            endpoints=(
                endpoint(ANA, ProviderKind.ZAPI, "INSTANCE", "token-0"),
                endpoint(BIA, ProviderKind.META_CLOUD, "1111", "the-secret"),
            ),
            verify_token="token-1",
        )
        assert harness.secrets.kept[path_name(ANA.link.id)] == "token-0"
        assert harness.secrets.kept[VERIFY_TOKEN] == await harness.service.verify_token() == "token-1"
        assert "token-0" not in repr(endpoints)
        harness.secrets.kept[secret_key(DORA.link.id)] = dumps({**META, F.PHONE_NUMBER_ID: "2222"})
        harness.secrets.kept[secret_key(BIA.link.id)] = "damaged"
        harness.moved(DORA, LinkState.OFF, LinkState.CONNECTING)
        await settle()
        keys = [endpoint.key for endpoint in harness.receiver.now.endpoints[-1].endpoints]
        assert keys == ["INSTANCE", "2222"]
        count = len(harness.receiver.now.endpoints)
        harness.moved(CAIO, LinkState.OFF, LinkState.CONNECTING)
        await harness.mentorados.save_link(replace(CAIO.link, enabled=True))
        await settle()
        assert len(harness.receiver.now.endpoints) == count  # a link of WhatsApp Web has none
        await harness.mentorados.save_link(replace(ANA.link, provider=ProviderKind.WHATSAPP_WEB))
        await settle()
        assert [endpoint.key for endpoint in harness.receiver.now.endpoints[-1].endpoints] == ["2222"]

    play(harness, use)


def test_while_secrets_are_locked_the_receiver_knows_that_it_does_not_know_all() -> None:
    harness = Harness(ON)
    harness.secrets.locked = True

    async def use() -> None:
        assert harness.receiver.now.endpoints[-1] == EndpointList(complete=False)
        with pytest.raises(Problem) as refused:
            await harness.service.endpoint_urls()
        assert refused.value.code is ProblemCode.SECRETS_LOCKED
        harness.secrets.locked = False
        harness.service.reload_endpoints()
        await settle()
        assert harness.receiver.now.endpoints[-1].complete

    play(harness, use)


def test_what_came_goes_to_the_open_line_and_is_confirmed_once_it_is_stored() -> None:
    harness = Harness(ON)

    async def use() -> None:
        running_server = harness.receiver.now
        running_server.say(
            handed(ANA, 1, a_message("M1"), check=True), handed(ANA, 2, a_message("M2")), handed(ANA, 3, check=True)
        )
        await settle()
        assert harness.provider.taken == [
            (ANA.link.id, (a_message("M1"),), True),
            (ANA.link.id, (a_message("M2"),), False),
            (ANA.link.id, (), True),
        ]
        assert running_server.calls == [("confirm", ANA.link.id, 3)]  # of that one, nothing is to be stored
        for confirm in harness.provider.confirms[:2]:
            confirm()
        assert [mark for _, _, mark in running_server.calls] == [3, 1, 2]
        harness.moved(ANA, LinkState.RECONNECTING, LinkState.CONNECTED)
        assert len(running_server.calls) == 3  # everything is settled

    play(harness, use)


def test_without_an_open_line_it_waits_until_there_is_one() -> None:
    harness = Harness(ON)
    harness.provider.open = False

    async def use() -> None:
        running_server = harness.receiver.now
        running_server.say(handed(ANA, 1, a_message("M1")), handed(BIA, 2, a_message("M2")), handed(ANA, 3, check=True))
        await settle()
        assert running_server.calls == [
            ("postpone", ANA.link.id, 0),
            ("postpone", BIA.link.id, 0),  # whose provider is not there
            ("confirm", ANA.link.id, 3),  # a hint that nobody needs any more
        ]
        harness.moved(ANA, LinkState.CONNECTING, LinkState.CONNECTING)
        harness.moved(ANA, LinkState.CONNECTING, LinkState.RECONNECTING)
        assert len(running_server.calls) == 3
        harness.moved(ANA, LinkState.RECONNECTING, LinkState.CONNECTED)
        assert running_server.calls[3:] == [("again", ANA.link.id, 0)]

    play(harness, use)


def test_what_a_line_had_not_stored_is_offered_to_the_next_one() -> None:
    harness = Harness(ON)

    async def use() -> None:
        running_server = harness.receiver.now
        running_server.say(handed(ANA, 1, a_message("M1")))
        await settle()
        harness.moved(ANA, LinkState.CONNECTED, LinkState.RECONNECTING)
        harness.moved(ANA, LinkState.RECONNECTING, LinkState.UNKNOWN)
        assert running_server.calls == [("again", ANA.link.id, 0)]
        harness.provider.confirms[0]()  # late, and true all the same
        assert running_server.calls[1:] == [("confirm", ANA.link.id, 1)]

    play(harness, use)


def test_a_bug_in_one_line_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(ON)
    harness.provider.broken = True

    async def use() -> None:
        harness.receiver.now.say(
            handed(ANA, 1, a_message("M1")), handed(replace(ANA, link=CAIO.link), 2, a_message("M2"))
        )
        await settle()
        assert [word for word, _, _ in harness.receiver.now.calls] == ["postpone", "postpone"]
        assert "could not be passed on" in caplog.text

    play(harness, use)


def test_a_fact_that_the_line_fails_on_is_set_aside_and_the_others_arrive_in_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)
    harness = Harness(ON)
    read = DeliveryReceipt(provider_ids=("M0",), chat=(), delivery=DeliveryStatus.READ, at=DAWN)

    async def use() -> None:
        harness.receiver.now.say(handed(ANA, 1, a_message("M1"), a_message("M2", "veneno"), read))
        await settle()
        first, aside, last = (facts for _, (*facts,), _ in harness.provider.taken)
        assert (first, last) == ([a_message("M1")], [read])
        assert isinstance(aside[0], WireUnknown)
        assert (aside[0].kind, aside[0].detail) == ("message", "RuntimeError")
        for confirm in harness.provider.confirms[:-1]:
            confirm()
        assert harness.receiver.now.calls == [], "the delivery is not stored yet"
        harness.provider.confirms[-1]()
        assert harness.receiver.now.calls == [("confirm", ANA.link.id, 1)]

    play(harness, use)


def test_a_line_that_fails_on_what_is_set_aside_too_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    harness = Harness(ON)
    harness.provider.broken = True

    async def use() -> None:
        harness.receiver.now.say(handed(ANA, 1, WireUnknown(kind="calls", payload="{}", at=DAWN)))
        await settle()
        assert [word for word, _, _ in harness.receiver.now.calls] == ["postpone"]

    play(harness, use)


def test_what_is_for_a_link_that_is_gone_waits() -> None:
    harness = Harness(ON)

    async def use() -> None:
        gone = LinkId("9" * 32)
        harness.receiver.now.say(DeliveryBatch(link_id=gone, mark=1, facts=(a_message("M1"),), check=False))
        await settle()
        assert harness.receiver.now.calls == [("postpone", gone, 0)]

    play(harness, use)


def test_a_receiver_that_breaks_is_opened_again_and_said(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(ON)

    async def use() -> None:
        harness.receiver.now.say(None)
        await settle()
        assert harness.phase() is ServiceState.FAILED
        assert harness.trouble() is ProblemCode.WEBHOOK_HOST_ENDED
        harness.receiver.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="8790")
        await harness.clock.advance(ENDED_SECONDS)
        assert harness.trouble() is ProblemCode.WEBHOOK_PORT_TAKEN
        await harness.clock.advance(PLACE_SECONDS)  # the log is not told twice
        harness.receiver.problem = None
        await harness.clock.advance(PLACE_SECONDS)
        assert harness.phase() is ServiceState.LISTENING
        assert harness.trouble() is None
        assert caplog.text.count("tried again") == 2

    play(harness, use)


def test_what_fails_is_tried_at_once_when_the_settings_change(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(ON)
    harness.receiver.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="8790")

    async def use() -> None:
        assert harness.phase() is ServiceState.FAILED
        harness.receiver.problem = None
        await harness.service.set_listen_address("127.0.0.1", "9000")
        await settle()
        assert harness.phase() is ServiceState.LISTENING
        assert "webhook_port_taken" in caplog.text

    play(harness, use)


def test_what_was_left_is_handed_out_though_they_are_off() -> None:
    harness = Harness()
    harness.receiver.left = True

    async def use() -> None:
        assert harness.receiver.now.place is None
        assert harness.phase() is ServiceState.OFF
        harness.receiver.now.say(handed(ANA, 1, a_message("M1")), None)
        await settle()
        assert len(harness.provider.taken) == 1
        assert len(harness.receiver.opened) == 1  # not again and again, should one never go

    play(harness, use)


def test_counts_are_passed_on_and_summed_up_in_the_log_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    harness = Harness(ON)

    async def use() -> None:
        def stats(accepted: int, refused: int) -> WebhookStats:
            counts = (
                OutcomeCount(ANA.link.id, DeliveryOutcome.ACCEPTED, accepted, DAWN),
                OutcomeCount(None, DeliveryOutcome.SIGNATURE_WRONG, refused, DAWN),
            )
            return WebhookStats(counts, {BIA.link.id: 3})

        changes = harness.changes
        for number in range(50):
            harness.receiver.now.say(stats(number, 100 * number))
        await settle(100)
        assert harness.changes == changes + 50
        assert harness.service.counts[1].count == 4900
        assert harness.service.waiting == {BIA.link.id: 3}
        assert "refused until now" not in caplog.text
        await harness.clock.advance(SUMMARY_SECONDS)
        harness.receiver.now.say(stats(50, 5000), stats(51, 5100))
        await settle()
        await harness.clock.advance(SUMMARY_SECONDS)
        harness.receiver.now.say(stats(50, 5000))
        await settle()
        assert caplog.text.count("50 accepted and 5000 refused until now") == 1

    play(harness, use)
