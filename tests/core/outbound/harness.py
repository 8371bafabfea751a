"""The outbound service over the real database; the provider and the clock are played."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.outbound.service import OutboundService
from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, Purpose
from app.domain.link_status import SendCapability
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import Address, AddressKind, ProviderMessage
from app.domain.outbound import Hold, OutboundLimits, OutboundMessage
from app.domain.provider import Connected, Provider, QrIssued, QrScanned
from app.domain.sending import Accepted, OutgoingMessage, SendResult
from app.storage.consents import SqlConsents
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.outbound import SqlOutbound
from tests.clock import ManualClock, settle
from tests.fake_providers import FakeProvider
from tests.services import Core
from tests.waiting import until

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class SendingProvider(FakeProvider):
    """Takes every message, or answers what it was told to."""

    reaches: Sequence[AddressKind] = (AddressKind.PHONE, AddressKind.LID)
    echoes_sent = True
    window: timedelta | None = None

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[OutgoingMessage] = []
        self.answers: list[SendResult | BaseException] = []
        self.holding: asyncio.Event | None = None  # an answer does not come before this is set

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        self.sent.append(message)
        if self.holding is not None:
            await self.holding.wait()
        answer = self.answers.pop(0) if self.answers else Accepted(provider_id=f"id {len(self.sent)}")
        if isinstance(answer, BaseException):
            raise answer
        return answer


def phone(number: int) -> Address:
    return Address(AddressKind.PHONE, f"+55119{number:08}")


class Sending:
    """One connected mentorado whose messages go out; gaps are zero unless a test gives *gap*."""

    def __init__(
        self,
        database: Database,
        core: Core,
        provider: SendingProvider,
        ana: Mentorado,
        *,
        limits: OutboundLimits,
        gap: Callable[[float, float], float],
        zones: Sequence[tzinfo],
        providers: Mapping[ProviderKind, Provider] | None = None,
    ) -> None:
        self.database = database
        self.core = core
        self.clock = core.clock
        self.provider = provider
        self.ana = ana
        self.limits = limits
        self.zones = list(zones)
        self.repository = SqlOutbound(database)
        self.consents = SqlConsents(database)
        self.history = SqlMessageRepository(database)
        self.service = OutboundService(
            bus=core.bus,
            mentorados=core.mentorados,
            supervisor=core.supervisor,
            providers=core.providers if providers is None else providers,
            repository=self.repository,
            consents=self.consents,
            history=self.history,
            audit_service=core.audit_service,
            write_queue=core.write_queue,
            clock=core.clock,
            zones=lambda _address: self.zones,
            limits=lambda: self.limits,
            gap=gap,
        )

    async def send(
        self,
        to: Address,
        text: str = "Oi",
        purpose: Purpose = Purpose.CONVERSATION,
        campaign: tuple[str, int] = ("", 0),
    ) -> OutboundMessage | Hold:
        sent = await self.service.send(self.ana.id, OutgoingMessage(to=to, text=text), purpose, campaign=campaign)
        await self.core.write_queue.flush()
        return sent

    async def check(self, to: Address, text: str = "Oi", purpose: Purpose = Purpose.CONVERSATION) -> Hold | None:
        return await self.service.check(self.ana.id, OutgoingMessage(to=to, text=text), purpose)

    async def grant(self, to: Address, purpose: Purpose = Purpose.CONVERSATION) -> None:
        await self.say(to, ConsentChange.GRANTED, purpose)

    async def say(self, to: Address, change: ConsentChange, purpose: Purpose | None = None) -> None:
        entry = ConsentEntry(
            mentorado_id=self.ana.id,
            contact=to,
            change=change,
            purpose=purpose,
            source=ConsentSource.TYPED,
            at=self.clock.now(),
            recorded_by="Bia",
        )
        await self.consents.append([entry])

    async def receive(self, *sender: Address, text: str = "Olá") -> None:
        """Somebody writes to Ana."""
        now = self.clock.now()
        message = ProviderMessage(
            provider_id=f"in {now.timestamp()} {text} {sender[0].value}",
            chat=sender,
            sender=sender,
            from_me=False,
            text=text,
            sent_at=now,
            received_at=now,
        )
        await self.history.store(self.ana, [message], now)

    async def restrict(self, capability: SendCapability) -> None:
        self.provider.line.say(Connected(self.ana.phone, capability=capability))
        await settle()

    async def later(self, **passed: float) -> None:
        await self.clock.advance(timedelta(**passed).total_seconds())

    async def again(self) -> OutboundService:
        """The service of a program that was started anew over the same database."""
        self.service = Sending(
            self.database,
            self.core,
            self.provider,
            self.ana,
            limits=self.limits,
            gap=lambda _low, _high: 0.0,
            zones=self.zones,
        ).service
        await self.service.load()
        return self.service


@asynccontextmanager
async def sending(
    folder: Path,
    *,
    limits: OutboundLimits | None = None,
    gap: Callable[[float, float], float] = lambda _low, _high: 0.0,
    zones: Sequence[tzinfo] = (UTC,),
    now: datetime = NOON,
) -> AsyncIterator[Sending]:
    provider = SendingProvider()
    core = Core(ManualClock(now), provider=provider)
    async with Database(folder / "conecta.db") as database, core.running():
        ana = await core.add()
        await SqlMentoradoRepository(database).add(ana)
        await core.supervisor.connect(ana.id)
        await settle()
        provider.line.say(QrIssued("code", 1, 6, 60.0), QrScanned(ana.phone), Connected(ana.phone))
        await settle()
        made = Sending(database, core, provider, ana, limits=limits or OutboundLimits(), gap=gap, zones=zones)
        await made.service.load()
        yield made


def begun(sending: Coroutine[Any, Any, OutboundMessage | Hold]) -> asyncio.Task[OutboundMessage | Hold]:
    """A message that is on its way while the test does something else."""
    return asyncio.get_running_loop().create_task(sending)


async def asked(provider: SendingProvider, times: int = 1) -> None:
    """Wait until the provider was asked to send so often."""
    await until(lambda: len(provider.sent) >= times)


def play_at_random(
    empty: Path,
    stories: st.SearchStrategy[list[tuple[Any, ...]]],
    play: Callable[[Path, list[tuple[Any, ...]]], Coroutine[Any, Any, int]],
    *,
    times: int,
) -> int:
    """Play *times* stories, each over a copy of the folder *empty*; returns how often a provider was asked in all."""
    asked: list[int] = []

    @settings(max_examples=times, deadline=None)
    @given(stories)
    def check(todo: list[tuple[Any, ...]]) -> None:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made) / "data"
            shutil.copytree(empty, folder)
            asked.append(asyncio.run(play(folder, todo)))

    check()
    return sum(asked)
