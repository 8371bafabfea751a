"""The core with three providers that connect, are tested and send as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta

from app.domain.audit import Actor
from app.domain.consent import Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import Address, AddressKind, DeliveryStatus
from app.domain.outbound import Hold, OutboundMessage
from app.domain.phone import PhoneNumber
from app.domain.provider import Connected, ConnectionEvent, QrIssued, QrScanned
from app.domain.provider_descriptor import CredentialField, CredentialReport, Credentials, dumps
from app.domain.sending import Accepted, NotSent, OutgoingMessage, SendErrorKind, SendResult
from app.domain.settings import SMOKE_TEST, WEBHOOKS
from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget
from app.domain.switch import SwitchItem, SwitchPlan, SwitchRun
from tests.clock import settle
from tests.fake_outbound import FakeSmokeTests, FakeSwitches
from tests.fake_providers import FakeConnection, FakeSecretStore
from tests.services import Core

TESTER = PhoneNumber("+5511955550000")
"""Answers every smoke test."""

ALL = tuple(ProviderKind)


class SwitchedProvider:
    """A provider whose links connect at once, unless *trouble* says what they say instead."""

    reaches: Sequence[AddressKind] = (AddressKind.PHONE,)
    echoes_sent = True
    window: timedelta | None = None

    def __init__(self, *, pairs: bool) -> None:
        self.pairs = pairs
        self.open: dict[LinkId, FakeConnection] = {}
        self.paired: set[LinkId] = set()
        self.trouble: dict[MentoradoId, ConnectionEvent] = {}
        self.waits: set[MentoradoId] = set()  # a code is shown, and nobody scans it
        self.refuses: set[MentoradoId] = set()  # what is sent
        self.sent: list[tuple[LinkId, OutgoingMessage]] = []
        self.on_sent: Callable[[Mentorado, OutgoingMessage], None] = lambda _mentorado, _message: None
        self.handing_over: asyncio.Event | None = None  # set it to make sending wait

    @asynccontextmanager
    async def connect(self, mentorado: Mentorado) -> AsyncIterator[FakeConnection]:
        async with self._line(mentorado, pairing=False) as line:
            yield line

    @asynccontextmanager
    async def pair(self, mentorado: Mentorado) -> AsyncIterator[FakeConnection]:
        async with self._line(mentorado, pairing=True) as line:
            yield line

    @asynccontextmanager
    async def _line(self, mentorado: Mentorado, *, pairing: bool) -> AsyncIterator[FakeConnection]:
        line = self.open[mentorado.link.id] = FakeConnection(pairing=pairing)
        if pairing:
            line.say(QrIssued("x", 1, 6, 60))
        if mentorado.id in self.trouble:
            line.say(self.trouble[mentorado.id])
        elif mentorado.id not in self.waits:
            phone = mentorado.expected_account
            line.say(*([QrScanned(phone)] if pairing else []), Connected(phone))
        try:
            yield line
        finally:
            line.closed = True
            del self.open[mentorado.link.id]

    async def check(self, credentials: Credentials) -> CredentialReport:
        return CredentialReport(valid=True)

    async def has_credentials(self, link: Link) -> bool:
        return not self.pairs or link.id in self.paired

    async def commit_pairing(self, link: Link) -> None:
        self.paired.add(link.id)

    async def rollback_pairing(self, link: Link) -> None:
        """Nothing was linked."""

    async def pending_account(self, link: Link) -> PhoneNumber | None:
        return None

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        if self.handing_over is not None:
            await self.handing_over.wait()
        self.sent.append((mentorado.link.id, message))
        self.on_sent(mentorado, message)
        if mentorado.id in self.refuses:
            return NotSent(trouble=SendErrorKind.RECIPIENT_INVALID, code="131026")
        return Accepted(provider_id=f"id{len(self.sent)}")


class AnsweredTests(FakeSmokeTests):
    """Every test is delivered and answered, unless a test says not."""

    def __init__(self) -> None:
        super().__init__()
        self.silent: set[MentoradoId] = set()

    async def delivery(self, link_id: LinkId, provider_id: str) -> tuple[DeliveryStatus | None, str]:
        return DeliveryStatus.DELIVERED, ""

    async def arrived(
        self,
        mentorado_id: MentoradoId,
        since: datetime,
        *,
        word: str = "",
        sender: Address | None = None,
        link_id: LinkId | None = None,
    ) -> bool:
        return mentorado_id not in self.silent


class EverySecret(FakeSecretStore):
    """Whatever link is asked about, there are credentials of an account of its own."""

    async def get(self, name: str) -> str | None:
        own = dumps(dict.fromkeys(CredentialField, name)) if name.startswith("link/") else None
        return await super().get(name) or own


class SwitchRecord(FakeSwitches):
    """The runs in memory; while *deaf*, the program dies before it stores what became of anybody."""

    deaf = False
    broken = False  # a bug: it raises what nobody expects

    async def save_item(self, item: SwitchItem) -> None:
        if self.broken:
            raise RuntimeError("a bug")
        if not self.deaf:
            await super().save_item(item)


@dataclass
class Switching(Core):
    """The core in memory with one played provider of every kind; *people* are connected through the first."""

    smoke_test_record: AnsweredTests = field(default_factory=AnsweredTests)
    played: dict[ProviderKind, SwitchedProvider] = field(
        default_factory=lambda: {kind: SwitchedProvider(pairs=kind is not ProviderKind.META_CLOUD) for kind in ALL}
    )

    secrets: EverySecret = field(default_factory=EverySecret)
    operator: Actor = field(default_factory=lambda: Actor(user="staff", operator="Rita"))
    switch_record: SwitchRecord = field(default_factory=SwitchRecord)

    def __post_init__(self) -> None:
        self.actor = lambda: self.operator
        self.hosted = self.played
        super().__post_init__()
        self.switches = self.services.switches

    def again(self) -> Switching:
        """The program after its end, over what it left on disk."""
        kept = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("bus", "clock")}
        return Switching(clock=self.clock, **{**kept, "hosted": {}})

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """The services that a switch needs, running. Smoke tests go to `TESTER`, and all of them can be seen."""
        async with self.supervisor, self.procedures:
            for load in self.services.loads:
                if load != self.services.campaigns.load:  # they are on disk only
                    await load()
            settings = self.services.settings_service
            await settings.change(SMOKE_TEST, SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=TESTER))
            await settings.change(WEBHOOKS, replace(settings.settings.webhooks, on=True))
            running = asyncio.get_running_loop().create_task(self.switches.run())
            await settle()
            try:
                yield
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    async def people(self, count: int, source: ProviderKind = ProviderKind.WHATSAPP_WEB) -> list[Mentorado]:
        """So many mentorados of one cohort, connected through *source*."""
        found = []
        for number in range(count):
            mentorado = await self.mentorados.add(f"Ana {number:02}", f"11 98765-4{number:03}", "2026", provider=source)
            for kind in ALL:  # whose credentials were entered
                if kind is not source:
                    await self.mentorados.prepare_link(mentorado.id, kind)
            await self.supervisor.connect(mentorado.id)
            await settle()
            found.append(self.mentorados.get(mentorado.id))
        return found

    async def approved(self, plan: SwitchPlan) -> SwitchRun:
        """*plan*, approved as soon as its dry run is made."""
        made = await self.switches.dry_run(plan)
        return await self.switches.approve(made, self.switches.confirmation(made))

    async def moved(self) -> None:
        """Until nothing moves by itself any more; what passes through a thread takes a moment of real time."""
        still, before = 0, None
        while still < 30:
            await settle(50)
            await asyncio.to_thread(int)  # what was given to a thread before is done when this is
            sent = sum(len(played.sent) for played in self.played.values())
            now = (sent, sum(len(lines) for _, lines in self.journal.journals.values()), repr(self.switches.runs))
            still, before = (still + 1 if now == before else 0), now

    def stop_writing(self) -> None:
        """The disk takes no journal entry any more."""
        self.journal.problem = Problem(ProblemCode.DATABASE_DISK_FULL)

    def run(self) -> SwitchRun:
        """The one approved last, as it is now."""
        return self.switches.runs[0]

    def item(self, mentorado: Mentorado) -> SwitchItem:
        return next(item for item in self.run().items if item.mentorado_id == mentorado.id)

    def provider_of(self, mentorado: Mentorado) -> ProviderKind:
        return self.mentorados.get(mentorado.id).link.provider

    def connected(self, mentorado: Mentorado) -> set[ProviderKind]:
        """Through which providers *mentorado* has an open line."""
        links = {self.mentorados.get(mentorado.id).link, *self.mentorados.links_beside(mentorado.id)}
        return {link.provider for link in links if link.id in self.played[link.provider].open}

    async def write(self, mentorado: Mentorado, text: str = "Bom dia") -> OutboundMessage | Hold:
        """An answer in a conversation."""
        message = OutgoingMessage(to=Address(AddressKind.PHONE, TESTER), text=text)
        return await self.outbound.send(mentorado.id, message, Purpose.CONVERSATION)
