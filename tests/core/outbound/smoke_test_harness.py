"""Two links that test each other over the real services; providers and clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from app.core.outbound.smoke_test import SmokeTestService, SmokeTestTexts
from app.core.settings_service import SettingsService
from app.domain.actions import ActionName
from app.domain.events import MessagesStored, SmokeTestChanged
from app.domain.link_status import SmokeTestOutcome
from app.domain.mentorado import Mentorado
from app.domain.messages import Address, AddressKind, DeliveryReceipt, DeliveryStatus, ProviderMessage
from app.domain.outbound import OutboundLimits
from app.domain.phone import PhoneNumber
from app.domain.provider import Connected, QrIssued, QrScanned
from app.domain.smoke_test import SmokeTest, SmokeTestSettings, SmokeTestStage, SmokeTestTarget, SmokeTestTrouble
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.settings import SqlSettings
from app.storage.smoke_tests import SqlSmokeTests
from tests.clock import settle
from tests.core.outbound.harness import Sending, asked, sending
from tests.fake_providers import FakeConnection

E, G, T = SmokeTestOutcome, SmokeTestStage, SmokeTestTrouble
COLLEAGUE = PhoneNumber("+5511955550000")
SENT = (G.SUBMITTED, G.ACCEPTED)
ALL = tuple(G)
TEXTS = SmokeTestTexts(
    test=lambda word: f"teste {word}",
    asks_person=lambda word: f"responda {word}",
    answer=lambda word: f"chegou {word}",
    consent=lambda: "um número do negócio",
)


class TwoLinks:
    """Ana, whose link is tested, and Bia, who is connected too."""

    def __init__(self, s: Sending, bia: Mentorado, lines: Sequence[FakeConnection]) -> None:
        self.s, self.core, self.ana, self.bia = s, s.core, s.ana, bia
        self.provider, self.clock = s.provider, s.clock
        self.anas_line, self.bias_line = lines
        self.words = iter(f"palavra{number}" for number in range(100))
        self.seen: list[SmokeTest] = []
        self.core.bus.subscribe(SmokeTestChanged, lambda event: self.seen.append(event.test))
        self.settings = SettingsService(
            bus=self.core.bus,
            store=SqlSettings(s.database),
            audit_service=self.core.audit_service,
            clock=self.clock,
        )
        self.repository = SqlSmokeTests(s.database)
        self.service = self.made()

    def made(self) -> SmokeTestService:
        """The service as a program makes it when it starts."""
        return SmokeTestService(
            bus=self.core.bus,
            mentorados=self.core.mentorados,
            supervisor=self.core.supervisor,
            outbound=self.s.service,
            unavailable=lambda whose: self.core.actions.unavailable_reason(ActionName.SMOKE_TEST, whose),
            repository=self.repository,
            consents=self.s.consents,
            settings_service=self.settings,
            audit_service=self.core.audit_service,
            write_queue=self.core.write_queue,
            clock=self.clock,
            texts=TEXTS,
            word=lambda: next(self.words),
        )

    async def choose(self, target: SmokeTestTarget, template: str = "") -> None:
        partner = self.bia.id if target is SmokeTestTarget.PARTNER else ""
        number = COLLEAGUE if target is SmokeTestTarget.NUMBER else PhoneNumber("")
        await self.service.choose(SmokeTestSettings(target=target, partner=partner, number=number, template=template))

    def begun(self, to: PhoneNumber | None = None) -> asyncio.Task[SmokeTest]:
        return asyncio.get_running_loop().create_task(self.service.run(self.ana.id, to))

    async def over(self, task: asyncio.Task[SmokeTest]) -> SmokeTest:
        """Let time pass until the test is over."""
        while not task.done():
            await self.clock.advance(1)
            await asyncio.sleep(0.002)
        ended = task.result()
        await self.core.write_queue.flush()
        return ended

    async def run(self, to: PhoneNumber | None = None) -> SmokeTest:
        return await self.over(self.begun(to))

    async def receipt(
        self, delivery: DeliveryStatus, *, number: int = 1, published: bool = True, code: str = ""
    ) -> None:
        """What WhatsApp says of Ana's message."""
        now, chat = self.clock.now(), (Address(AddressKind.PHONE, COLLEAGUE),)
        receipt = DeliveryReceipt(provider_ids=(f"id {number}",), chat=chat, delivery=delivery, at=now, code=code)
        await self.s.history.store(self.ana, [receipt], now)
        if published:
            self.core.bus.publish(MessagesStored(self.ana.id, ()))

    async def receive(self, whose: Mentorado, sender: str, text: str) -> None:
        """*whose* link receives *text*."""
        now, who = self.clock.now(), (Address(AddressKind.PHONE, sender),)
        message = ProviderMessage(
            provider_id=f"in {whose.name} {text} {now.timestamp()}",
            chat=who, sender=who, from_me=False, text=text, sent_at=now, received_at=now,
        )  # fmt: skip
        changed = await self.s.history.store(whose, [message], now)
        self.core.bus.publish(MessagesStored(whose.id, tuple(changed)))

    async def deliver(self, number: int, whose: Mentorado, sender: Mentorado) -> None:
        """The *number*-th message that was sent arrives at *whose* link."""
        await asked(self.provider, number)
        await self.receive(whose, sender.phone, self.provider.sent[number - 1].text)


@asynccontextmanager
async def two_links(folder: Path, target: SmokeTestTarget | None) -> AsyncIterator[TwoLinks]:
    limits = OutboundLimits(shortest_gap=0, longest_gap=0)
    async with sending(folder, limits=limits) as s:
        anas = s.provider.line
        bia = await s.core.add("Bia", "11 91234-5678")
        await SqlMentoradoRepository(s.database).add(bia)
        await s.core.supervisor.connect(bia.id)
        await settle()
        s.provider.line.say(QrIssued("code", 1, 6, 60.0), QrScanned(bia.phone), Connected(bia.phone))
        await settle()
        made = TwoLinks(s, bia, (anas, s.provider.line))
        await made.settings.load()
        if target is not None:
            await made.choose(target)
        yield made


def result(test: SmokeTest) -> tuple[SmokeTestOutcome | None, SmokeTestTrouble, tuple[SmokeTestStage, ...]]:
    return test.outcome, test.trouble, tuple(test.stages)
