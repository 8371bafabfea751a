"""Webhooks, where a team has a public address for them: on or off, who is let in, and what came is handed to its line.

Off unless somebody switches them on. Without them everything works; but what a provider took is then all that is known
of a message it does not let us ask about.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from app.core.bus import Bus
from app.core.enrolments import Enrolments
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
from app.domain.provider import Provider, TakesDeliveries
from app.domain.webhooks import (
    META_PATH,
    REFUSED,
    ZAPI_PATH,
    Handed,
    Outcome,
    Receiver,
    Reception,
    Tallied,
    Tally,
    WebhookSettings,
)

log = logging.getLogger(__name__)

PLACE_SECONDS: Final = 30.0
"""How often a place where one cannot listen is tried again."""

ENDED_SECONDS: Final = 2.0
SUMMARY_SECONDS: Final = 60.0
LEAST_PORT, MOST_PORT = 1, 65_535

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
        self._reception: Reception | None = None
        self._out: dict[LinkId, set[int]] = {}  # handed to a line, not confirmed
        self._tallied = Tallied((), {})
        self._told = (clock.now(), 0, 0)  # when the log had its last line, and the counts it gave
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
        return self._tallied.tallies

    @property
    def waiting(self) -> Mapping[LinkId, int]:
        """How many deliveries wait for their link to be connected."""
        return self._tallied.waiting

    # --- what a person decides ------------------------------------------------------------------------------------

    async def switch_on(self) -> None:
        """Receive them from now on. Raises `Problem` when one cannot listen there."""
        await self._put(replace(self.settings, on=True))

    async def switch_off(self) -> None:
        await self._put(replace(self.settings, on=False))

    async def move(self, address: str, port: str) -> None:
        """Listen at *address* and *port*, as typed. Raises `Problem`, and everything stays as it was."""
        await self._put(replace(self.settings, address=_address(address), port=_port(port)))

    async def set_public_url(self, typed: str) -> None:
        """How the providers reach us; only to be copied from here."""
        await self._desk.set_webhooks(replace(self.settings, public_url=_public_url(typed)))

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
            self._reception = reception
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(self._follow(reception), name="webhooks"),
                        group.create_task(self._admit(reception, place), name="webhooks' doors"),
                        group.create_task(self._until_changed(), name="webhooks' settings"),
                    ]
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    for task in tasks:
                        task.cancel()
            finally:
                self._reception = None
                self._out.clear()

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

    async def _follow(self, reception: Reception) -> None:
        async for said in reception.words():
            if isinstance(said, Handed):
                self._pass_on(reception, said)
                continue
            self._tallied = said
            self._summarise()
            self._bus.publish(WebhooksChanged())

    def _pass_on(self, reception: Reception, handed: Handed) -> None:
        """To the open line of the link, which stores it; else it waits with the receiver until one is open."""
        link_id, mark = handed.link_id, handed.mark
        enrolment = next((each for each in self._enrolments.all() if each.link.id == link_id), None)
        provider: object = self._providers.get(enrolment.link.provider) if enrolment else None
        confirm: Callable[[], None] = partial(self._confirm, reception, link_id, mark)
        taken = False
        self._out.setdefault(link_id, set()).add(mark)
        if isinstance(provider, TakesDeliveries):
            try:
                taken = provider.deliver(link_id, handed.facts, handed.check, confirm)
            except Exception:  # one delivery's bug must not stop the others; it is tried again with the next line
                log.exception("What a webhook said of link %s could not be passed on", link_id)
        if not handed.facts:
            confirm()  # nothing of it is to be kept
        elif not taken:
            reception.postpone(link_id)

    def _confirm(self, reception: Reception, link_id: LinkId, mark: int) -> None:
        marks = self._out.get(link_id, set())
        marks.discard(mark)
        if not marks:
            self._out.pop(link_id, None)
        reception.confirm(link_id, mark)

    def _on_changed(self, event: MentoradoChanged) -> None:
        if self._doors.concern(event.enrolment.link.id):
            self.look_again()

    def _on_status(self, event: StatusChanged) -> None:
        """A line that has just opened takes what waits, and what the line before it had not stored."""
        if event.before.state is event.after.state:
            return
        if event.after.state is LinkState.CONNECTING and self._doors.concern(event.link_id):
            self.look_again()  # its credentials may be new
        if event.after.state in _ON_A_LINE and self._reception is not None and event.link_id in self._out:
            del self._out[event.link_id]
            self._reception.offer_again(event.link_id)

    def _summarise(self) -> None:
        """One line a minute at most, however much garbage comes."""
        at, accepted_then, refused_then = self._told
        accepted = sum(tally.count for tally in self.tallies if tally.outcome is Outcome.ACCEPTED)
        refused = sum(tally.count for tally in self.tallies if tally.outcome in REFUSED)
        now = self._clock.now()
        if (now - at).total_seconds() < SUMMARY_SECONDS or (accepted, refused) == (accepted_then, refused_then):
            return
        self._told = (now, accepted, refused)
        log.info("Webhooks: %d accepted and %d refused until now", accepted, refused)

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


def _address(typed: str) -> str:
    address = typed.strip()
    try:
        return str(ipaddress.ip_address("127.0.0.1" if address.lower() == "localhost" else address))
    except ValueError:
        raise Problem(Code.WEBHOOK_ADDRESS_UNUSABLE, address=address or "—") from None


def _port(typed: str) -> int:
    digits = typed.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6 and LEAST_PORT <= int(digits) <= MOST_PORT):
        raise Problem(Code.WEBHOOK_PORT_INVALID, least=str(LEAST_PORT), most=str(MOST_PORT))
    return int(digits)


def _public_url(typed: str) -> str:
    url = typed.strip().rstrip("/")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if (
        not host
        or parts.scheme != "https"
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or len(url.split()) > 1
    ):
        raise Problem(Code.WEBHOOK_URL_INVALID)
    return url
