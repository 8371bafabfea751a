"""Webhooks, where a team has a public address for them: on or off, who is let in, and what came is handed to its line.

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
from typing import Final

from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.hosted import webhook_place
from app.core.hosted.deliveries import Deliveries
from app.core.hosted.webhook_counts import WebhookCounts
from app.core.hosted.webhook_doors import WebhookDoors
from app.core.operator_desk import OperatorDesk
from app.domain.connection import LinkState
from app.domain.errors import Code, Problem
from app.domain.events import (
    MentoradoChanged,
    MentoradosLoaded,
    OperatorSettingsChanged,
    StatusChanged,
    WebhooksChanged,
)
from app.domain.mentorado import Enrolment, LinkId, ProviderKind
from app.domain.ports import Clock, Secrets
from app.domain.provider import Provider
from app.domain.webhooks import (
    META_PATH,
    ZAPI_PATH,
    Handed,
    Receiver,
    Reception,
    Tally,
    WebhookSettings,
)

log = logging.getLogger(__name__)

PLACE_SECONDS: Final = 30.0
"""How often a place where one cannot listen is tried again."""

ENDED_SECONDS: Final = 2.0

_ON_A_LINE = frozenset({LinkState.CONNECTED, LinkState.UNKNOWN})


class Phase(StrEnum):
    """Whether webhooks are received now."""

    OFF = "off"
    STARTING = "starting"
    LISTENING = "listening"
    FAILED = "failed"  # tried again by itself


@dataclass(frozen=True, slots=True)
class WayIn:
    """Where a provider is to send what it has to say about one link."""

    enrolment: Enrolment
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)  # the end of the address, for Z-API
    believed: bool = True  # False: a Meta link without the secret of its app, whose deliveries nobody can check


class WebhookDesk:
    """Decides, opens the receiver, and passes on what it hands out."""

    def __init__(
        self,
        *,
        bus: Bus,
        desk: OperatorDesk,
        receiver: Receiver,
        enrolments: Enrolments,
        providers: Mapping[ProviderKind, Provider],
        secrets: Secrets,
        clock: Clock,
        token: Callable[[], str] = lambda: randomness.token_urlsafe(32),
    ) -> None:
        self._bus = bus
        self._desk = desk
        self._receiver = receiver
        self._enrolments = enrolments
        self._providers = providers
        self._clock = clock
        self._doors = WebhookDoors(enrolments=enrolments, secrets=secrets, token=token)
        self._changed = asyncio.Event()
        self._doors_changed = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._moving = asyncio.Lock()
        self._held_back = False
        self._deliveries: Deliveries | None = None  # while there is a reception
        self._counts = WebhookCounts(clock)
        self._failing: Code | None = None  # what the log was told last
        self.phase = Phase.OFF
        self.problem: Problem | None = None
        bus.subscribe(OperatorSettingsChanged, lambda _event: self._changed.set())
        bus.subscribe(MentoradosLoaded, lambda _event: self.look_again())
        bus.subscribe(MentoradoChanged, self._on_changed)
        bus.subscribe(StatusChanged, self._on_status)

    @property
    def settings(self) -> WebhookSettings:
        return self._desk.settings.webhooks

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """Everything that was counted, since webhooks were first on."""
        return self._counts.tallied.tallies

    @property
    def waiting(self) -> Mapping[LinkId, int]:
        """How many deliveries wait for their link to be connected."""
        return self._counts.tallied.waiting

    # --- what a person decides ------------------------------------------------------------------------------------

    async def switch_on(self) -> None:
        """Receive them from now on. Raises `Problem` when one cannot listen there."""
        await self._put(replace(self.settings, on=True))

    async def switch_off(self) -> None:
        await self._put(replace(self.settings, on=False))

    async def move(self, address: str, port: str) -> None:
        """Listen at *address* and *port*, as typed. Raises `Problem`, and everything stays as it was."""
        await self._put(replace(self.settings, address=webhook_place.address(address), port=webhook_place.port(port)))

    async def set_public_url(self, typed: str) -> None:
        """How the providers reach us; only to be copied from here."""
        await self._desk.set_webhooks(replace(self.settings, public_url=webhook_place.public_url(typed)))

    async def _put(self, after: WebhookSettings) -> None:
        """One cannot try a place while listening there: the receiver rests for that moment, and providers try again."""
        async with self._moving:
            before = self.settings
            if after.on and (after.address, after.port, True) != (before.address, before.port, before.on):
                self._held_back = True
                self._changed.set()
                try:
                    await self._at_rest.wait()
                    await self._receiver.try_place(after)
                    await self._desk.set_webhooks(after)
                finally:
                    self._held_back = False
                    self._changed.set()
            else:
                await self._desk.set_webhooks(after)

    # --- what a person copies -------------------------------------------------------------------------------------

    async def ways_in(self) -> list[WayIn]:
        """Where each link's provider is to send, by name. Raises `Problem` while the secrets cannot be read."""
        doors = await self._doors.all()
        if doors.problem is not None:
            raise doors.problem
        ways = []
        for enrolment in self._doors.enrolments():
            door = next((door for door in doors.doors if door.link_id == enrolment.link.id), None)
            if enrolment.link.provider is ProviderKind.META_CLOUD:
                ways.append(WayIn(enrolment, self._url(META_PATH), believed=door is not None))
            elif door is not None:
                ways.append(WayIn(enrolment, self._url(ZAPI_PATH + door.secret), door.secret))
        return sorted(ways, key=lambda way: way.enrolment.mentorado.name)

    async def verify_token(self) -> str:
        """What Meta asks for when the address is typed there. Raises `Problem` while it cannot be read."""
        return await self._doors.verify_token()

    def _url(self, path: str) -> str:
        place = self.settings
        host = f"[{place.address}]" if ":" in place.address else place.address
        return (place.public_url or f"http://{host}:{place.port}") + path

    def look_again(self) -> None:
        """Credentials or links may have changed: who is let in is found out anew."""
        self._doors_changed.set()

    # --- while the program runs -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Receive while they are on, until cancelled. What was accepted before they were off is handed out still."""
        await self._desk.loaded.wait()
        handed_out = False
        while True:
            self._changed.clear()
            place = self.settings if self.settings.on else None
            if self._held_back or (place is None and (handed_out or not await self._receiver.has_left())):
                self._show(Phase.OFF)
                self._at_rest.set()
                await self._changed.wait()
                continue
            self._at_rest.clear()
            try:
                await self._receive(place)
            except Problem as problem:
                pause = self._fail(problem, PLACE_SECONDS)
            else:
                handed_out = place is None and not self._changed.is_set()
                if handed_out or self._changed.is_set():
                    continue
                pause = self._fail(Problem(Code.WEBHOOK_HOST_ENDED), ENDED_SECONDS)
            finally:
                self._at_rest.set()
            await self._changed_within(pause)

    async def _receive(self, place: WebhookSettings | None) -> None:
        if place is not None:
            self._show(Phase.STARTING)
        async with self._receiver.open(place) as reception:
            self._deliveries = deliveries = Deliveries(
                reception, enrolments=self._enrolments, providers=self._providers
            )
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(self._follow(reception, deliveries), name="webhooks"),
                        group.create_task(self._admit(reception, place), name="webhooks' doors"),
                        group.create_task(self._until_changed(), name="webhooks' settings"),
                    ]
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    for task in tasks:
                        task.cancel()
            finally:
                self._deliveries = None

    async def _until_changed(self) -> None:
        await self._changed.wait()

    async def _admit(self, reception: Reception, place: WebhookSettings | None) -> None:
        """Tell the receiver whom to let in, now and whenever that changes. It listens for good once it knows."""
        while True:
            self._doors_changed.clear()
            reception.admit(await self._doors.as_told())
            if place is not None:
                self._failing = None
                self._show(Phase.LISTENING)
            await self._doors_changed.wait()

    async def _follow(self, reception: Reception, deliveries: Deliveries) -> None:
        async for said in reception.words():
            if isinstance(said, Handed):
                deliveries.pass_on(said)
                continue
            self._counts.take(said)
            self._bus.publish(WebhooksChanged())

    def _on_changed(self, event: MentoradoChanged) -> None:
        if self._doors.concern(event.enrolment.link.id):
            self.look_again()

    def _on_status(self, event: StatusChanged) -> None:
        if event.before.state is event.after.state:
            return
        if event.after.state is LinkState.CONNECTING and self._doors.concern(event.link_id):
            self.look_again()  # its credentials may be new
        if event.after.state in _ON_A_LINE and self._deliveries is not None:
            self._deliveries.offer_again(event.link_id)

    def _fail(self, problem: Problem, pause: float) -> float:
        if problem.code is not self._failing:
            self._failing = problem.code
            log.warning("Webhooks are not received, and that is tried again: %s", problem.code)
        self._show(Phase.FAILED, problem)
        return pause

    def _show(self, phase: Phase, problem: Problem | None = None) -> None:
        if (phase, problem) != (self.phase, self.problem):
            self.phase, self.problem = phase, problem
            self._bus.publish(WebhooksChanged())

    async def _changed_within(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(self._clock.sleep(seconds)), group.create_task(self._until_changed())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
