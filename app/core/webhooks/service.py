"""Receives webhooks where a team has a public address for them, and hands each to the connection that it is about.

Off unless somebody switches them on. Without them everything works; but what a provider took is then all that is known
of a message it does not let us ask about.
"""

from __future__ import annotations

import asyncio
import logging
import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Final

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.settings_service import SettingsService
from app.core.webhooks import endpoints as webhook_place
from app.core.webhooks.endpoints import EndpointRegistry
from app.domain.errors import Problem, ProblemCode
from app.domain.events import (
    MentoradoChanged,
    MentoradosLoaded,
    OperatorSettingsChanged,
    StandbyStatusChanged,
    StatusChanged,
    WebhooksChanged,
)
from app.domain.link_status import LinkState
from app.domain.mentorado import LinkId, Mentorado, ProviderKind
from app.domain.messages import MessageUpdate, ProviderMessage, WireUnknown
from app.domain.provider import HandlesWebhooks, Provider
from app.domain.provider_descriptor import WEBHOOK_SCHEMES
from app.domain.repositories import Clock, SecretStore
from app.domain.set_aside import refused
from app.domain.settings import WEBHOOKS
from app.domain.webhooks import (
    REFUSED,
    DeliveryBatch,
    DeliveryOutcome,
    OutcomeCount,
    RunningWebhookServer,
    WebhookServer,
    WebhookSettings,
    WebhookStats,
)

log = logging.getLogger(__name__)


class WebhookDispatcher:
    """Hands deliveries of one *running_server* to open connections. The server keeps each until it is confirmed."""

    def __init__(
        self,
        running_server: RunningWebhookServer,
        *,
        mentorados: MentoradoService,
        providers: Mapping[ProviderKind, Provider],
    ) -> None:
        self._running_server = running_server
        self._mentorados = mentorados
        self._providers = providers
        self._out: dict[LinkId, set[int]] = {}

    def dispatch(self, batch: DeliveryBatch) -> None:
        """Hand *batch* to the open connection of the link; without one, the server keeps it until there is."""
        link_id, mark = batch.link_id, batch.mark
        mentorado = next((each for each in self._mentorados.through_all() if each.link.id == link_id), None)
        provider: object = self._providers.get(mentorado.link.provider) if mentorado else None
        confirm: Callable[[], None] = partial(self._confirm, link_id, mark)
        taken = False
        self._out.setdefault(link_id, set()).add(mark)
        if isinstance(provider, HandlesWebhooks):
            try:
                taken = provider.handle(link_id, batch.facts, batch.check, confirm)
            except Exception:  # one delivery's bug must not stop the others
                log.exception("A webhook delivery for link %s could not be dispatched", link_id)
                taken = _deliver_separately(provider, batch, confirm)
        if not batch.facts:
            confirm()  # nothing of it is to be kept
        elif not taken:
            self._running_server.pause(link_id)

    def offer_again(self, link_id: LinkId) -> None:
        """Offer a newly opened connection what waits for it, and what the one before had not stored."""
        if self._out.pop(link_id, None) is not None:
            self._running_server.resume(link_id)

    def _confirm(self, link_id: LinkId, mark: int) -> None:
        marks = self._out.get(link_id, set())
        marks.discard(mark)
        if not marks:
            self._out.pop(link_id, None)
        self._running_server.confirm(link_id, mark)


def _deliver_separately(provider: HandlesWebhooks, batch: DeliveryBatch, confirm: Callable[[], None]) -> bool:
    """Pass on each fact by itself; one that the connection fails on is set aside, so that the others arrive.

    Returns False when nothing at all can be passed on: then all is tried again with the next connection.
    """
    last = len(batch.facts) - 1
    try:
        return all(
            _deliver_one(provider, batch.link_id, fact, confirm if number == last else _no_confirm)
            for number, fact in enumerate(batch.facts)
        )
    except Exception:  # noqa: BLE001 - the connection itself is broken, and the log has said so
        return False


def _deliver_one(provider: HandlesWebhooks, link_id: LinkId, fact: MessageUpdate, confirm: Callable[[], None]) -> bool:
    try:
        return provider.handle(link_id, (fact,), False, confirm)
    except Exception as error:
        if isinstance(fact, WireUnknown):
            raise
        at = fact.received_at if isinstance(fact, ProviderMessage) else fact.at
        return provider.handle(link_id, (refused(fact, type(error).__name__, at),), False, confirm)


def _no_confirm() -> None:
    """The last fact of a delivery is stored after the others, and confirms them all."""


SUMMARY_SECONDS: Final = 60.0


class WebhookStatsLog:
    """The latest counts. The log has one line of them a minute at most, however much garbage comes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.stats = WebhookStats((), {})
        self._last_logged = (clock.now(), 0, 0)  # when the log had its last line, and the counts it gave

    def take(self, stats: WebhookStats) -> None:
        """Take over the latest counts."""
        self.stats = stats
        at, accepted_then, refused_then = self._last_logged
        accepted = sum(item.count for item in stats.counts if item.outcome is DeliveryOutcome.ACCEPTED)
        refused = sum(item.count for item in stats.counts if item.outcome in REFUSED)
        now = self._clock.now()
        if (now - at).total_seconds() < SUMMARY_SECONDS or (accepted, refused) == (accepted_then, refused_then):
            return
        self._last_logged = (now, accepted, refused)
        log.info("Webhooks: %d accepted and %d refused until now", accepted, refused)


PLACE_SECONDS: Final = 30.0
"""How often a place where one cannot listen is tried again."""

ENDED_SECONDS: Final = 2.0

_ON_A_LINE = frozenset({LinkState.CONNECTED, LinkState.UNKNOWN})


class ServiceState(StrEnum):
    """Whether webhooks are received now."""

    OFF = "off"
    STARTING = "starting"
    LISTENING = "listening"
    FAILED = "failed"  # tried again by itself


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """The URL to enter at a provider for one link."""

    mentorado: Mentorado
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)  # the end of the address, for Z-API
    verifiable: bool = True  # False: a Meta link without the secret of its app, whose deliveries nobody can check


class WebhookService:
    """Runs the webhook server and dispatches its deliveries."""

    def __init__(
        self,
        *,
        bus: EventBus,
        settings_service: SettingsService,
        receiver: WebhookServer,
        mentorados: MentoradoService,
        providers: Mapping[ProviderKind, Provider],
        secrets: SecretStore,
        clock: Clock,
        token: Callable[[], str] = lambda: randomness.token_urlsafe(32),
    ) -> None:
        self._bus = bus
        self._settings_service = settings_service
        self._receiver = receiver
        self._mentorados = mentorados
        self._providers = providers
        self._clock = clock
        self._endpoints = EndpointRegistry(mentorados=mentorados, secrets=secrets, token=token)
        self._changed = asyncio.Event()
        self._endpoints_changed = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._moving = asyncio.Lock()
        self._held_back = False
        self._counts = WebhookStatsLog(clock)
        self._failing: ProblemCode | None = None  # what the log was told last
        self.phase = ServiceState.OFF
        self.problem: Problem | None = None
        bus.subscribe(OperatorSettingsChanged, lambda _event: self._changed.set())
        bus.subscribe(MentoradosLoaded, lambda _event: self.reload_endpoints())

    @property
    def settings(self) -> WebhookSettings:
        return self._settings_service.settings.webhooks

    @property
    def counts(self) -> tuple[OutcomeCount, ...]:
        """Everything that was counted, since webhooks were first on."""
        return self._counts.stats.counts

    @property
    def waiting(self) -> Mapping[LinkId, int]:
        """How many deliveries wait for their link to be connected."""
        return self._counts.stats.waiting

    # --- what a person decides ------------------------------------------------------------------------------------

    async def switch_on(self) -> None:
        """Receive them from now on. Raises `Problem` when one cannot listen there."""
        await self._apply(replace(self.settings, on=True))

    async def switch_off(self) -> None:
        await self._apply(replace(self.settings, on=False))

    async def set_listen_address(self, address: str, port: str) -> None:
        """Listen at *address* and *port*, as typed. Raises `Problem`, and everything stays as it was."""
        await self._apply(
            replace(self.settings, address=webhook_place.parse_address(address), port=webhook_place.parse_port(port))
        )

    async def set_public_url(self, typed: str) -> None:
        """Set the address under which providers reach this program; it is only shown, to be copied."""
        url = webhook_place.parse_public_url(typed)
        await self._settings_service.change(WEBHOOKS, replace(self.settings, public_url=url))

    async def _apply(self, after: WebhookSettings) -> None:
        """Pause the server, which may be listening there, to check an address; providers repeat what they send."""
        async with self._moving:
            before = self.settings
            if after.on and (after.address, after.port, True) != (before.address, before.port, before.on):
                self._held_back = True
                self._changed.set()
                try:
                    await self._at_rest.wait()
                    await self._receiver.check_bind(after)
                    await self._settings_service.change(WEBHOOKS, after)
                finally:
                    self._held_back = False
                    self._changed.set()
            else:
                await self._settings_service.change(WEBHOOKS, after)

    # --- what a person copies -------------------------------------------------------------------------------------

    async def endpoint_urls(self) -> list[WebhookUrl]:
        """Where each link's provider is to send, by name. Raises `Problem` while the secrets cannot be read."""
        endpoints = await self._endpoints.all()
        if endpoints.problem is not None:
            raise endpoints.problem
        ways = []
        for mentorado in self._endpoints.mentorados():
            endpoint = next(
                (endpoint for endpoint in endpoints.endpoints if endpoint.link_id == mentorado.link.id), None
            )
            scheme = WEBHOOK_SCHEMES[mentorado.link.provider]
            if scheme.signed_with:
                ways.append(WebhookUrl(mentorado, self._url(scheme.path), verifiable=endpoint is not None))
            elif endpoint is not None:
                ways.append(WebhookUrl(mentorado, self._url(scheme.path + endpoint.secret), endpoint.secret))
        return sorted(ways, key=lambda way: way.mentorado.name)

    async def verify_token(self) -> str:
        """The token that Meta asks for when the URL is entered. Raises `Problem` while it cannot be read."""
        return await self._endpoints.verify_token()

    def _url(self, path: str) -> str:
        place = self.settings
        host = f"[{place.address}]" if ":" in place.address else place.address
        return (place.public_url or f"http://{host}:{place.port}") + path

    def reload_endpoints(self) -> None:
        """Reload the endpoints after credentials or links changed."""
        self._endpoints_changed.set()

    # --- while the program runs -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run the server while webhooks are on, until cancelled. A backlog is delivered even when they are off."""
        await self._settings_service.loaded.wait()
        handed_out = False
        while True:
            self._changed.clear()
            place = self.settings if self.settings.on else None
            if self._held_back or (place is None and (handed_out or not await self._receiver.has_backlog())):
                self._set_phase(ServiceState.OFF)
                self._at_rest.set()
                await self._changed.wait()
                continue
            self._at_rest.clear()
            try:
                await self._receive(place)
            except Problem as problem:
                pause = self._report_failure(problem, PLACE_SECONDS)
            else:
                handed_out = place is None and not self._changed.is_set()
                if handed_out or self._changed.is_set():
                    continue
                pause = self._report_failure(Problem(ProblemCode.WEBHOOK_HOST_ENDED), ENDED_SECONDS)
            finally:
                self._at_rest.set()
            await self._wait_for_change(pause)

    async def _receive(self, place: WebhookSettings | None) -> None:
        if place is not None:
            self._set_phase(ServiceState.STARTING)
        async with self._receiver.open(place) as running_server:
            deliveries = WebhookDispatcher(running_server, mentorados=self._mentorados, providers=self._providers)
            leave = (
                self._bus.subscribe(MentoradoChanged, self._on_changed),
                self._bus.subscribe(StatusChanged, partial(self._on_status, deliveries)),
                self._bus.subscribe(StandbyStatusChanged, partial(self._on_status, deliveries)),
            )
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(self._follow(running_server, deliveries), name="webhooks"),
                        group.create_task(self._send_endpoints(running_server, place), name="webhooks' endpoints"),
                        group.create_task(self._wait_until_changed(), name="webhooks' settings"),
                    ]
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    for task in tasks:
                        task.cancel()
            finally:
                for stop in leave:
                    stop()

    async def _wait_until_changed(self) -> None:
        await self._changed.wait()

    async def _send_endpoints(self, running_server: RunningWebhookServer, place: WebhookSettings | None) -> None:
        """Send the endpoints to the server, now and whenever they change. It starts listening with the first."""
        while True:
            self._endpoints_changed.clear()
            running_server.set_endpoints(await self._endpoints.to_list())
            if place is not None:
                self._failing = None
                self._set_phase(ServiceState.LISTENING)
            await self._endpoints_changed.wait()

    async def _follow(self, running_server: RunningWebhookServer, deliveries: WebhookDispatcher) -> None:
        async for event in running_server.events():
            if isinstance(event, DeliveryBatch):
                deliveries.dispatch(event)
                continue
            self._counts.take(event)
            self._bus.publish(WebhooksChanged())

    def _on_changed(self, event: MentoradoChanged) -> None:
        links = (event.mentorado.link, *self._mentorados.links_beside(event.mentorado.id))
        if any(self._endpoints.affects(link.id) for link in links):
            self.reload_endpoints()

    def _on_status(self, deliveries: WebhookDispatcher, event: StatusChanged | StandbyStatusChanged) -> None:
        if event.before.state is event.after.state:
            return
        if event.after.state is LinkState.CONNECTING and self._endpoints.affects(event.link_id):
            self.reload_endpoints()  # its credentials may be new
        if event.after.state in _ON_A_LINE:
            deliveries.offer_again(event.link_id)

    def _report_failure(self, problem: Problem, pause: float) -> float:
        if problem.code is not self._failing:
            self._failing = problem.code
            log.warning("The webhook server failed, and is restarted: %s", problem.code)
        self._set_phase(ServiceState.FAILED, problem)
        return pause

    def _set_phase(self, phase: ServiceState, problem: Problem | None = None) -> None:
        if (phase, problem) != (self.phase, self.problem):
            self.phase, self.problem = phase, problem
            self._bus.publish(WebhooksChanged())

    async def _wait_for_change(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(self._clock.sleep(seconds)), group.create_task(self._wait_until_changed())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
