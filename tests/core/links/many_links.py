"""Many links of one provider whose far end can be taken away and brought back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from math import ceil
from random import Random

from app.core.links.reconnect import ReconnectPolicy
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId
from app.domain.phone import PhoneNumber
from app.domain.provider import Connected, Failed, Unreachable
from tests.clock import DAWN, ManualClock
from tests.fake_providers import FakeConnection, FakeProvider
from tests.fakes import FakeMentoradoRepository
from tests.services import Core

POLICY = ReconnectPolicy(random=Random(4).uniform)  # noqa: S311 - the same waits in every run


def most_tries(policy: ReconnectPolicy, links: int, seconds: float) -> int:
    """How many tries *links* that all fell can make at most in *seconds*, however the jitter falls."""
    least_wait = replace(policy, random=min).delay(policy.budget + 1)
    each = policy.budget + int(seconds / least_wait)
    return min(links * each, policy.per_second * ceil(seconds) + 1)


class ServedProvider(FakeProvider):
    """Signs everybody in at once while its server is there, and nobody while it is away."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock
        self.away = False
        self.mute = False  # as a hosted provider is: it cannot be asked how a link is
        self.gone: set[MentoradoId] = set()  # for these it stays away
        self.tries: list[datetime] = []
        self.open: dict[MentoradoId, FakeConnection] = {}

    @asynccontextmanager
    async def connect(self, mentorado: Mentorado) -> AsyncIterator[FakeConnection]:
        self.tries.append(self.clock.now())
        async with super().connect(mentorado) as line:
            away = self.away or mentorado.id in self.gone
            there = Unreachable("timed out") if self.mute else Connected(mentorado.phone)
            line.say(Failed(Reason.NETWORK_DOWN) if away else there)
            self.open[mentorado.id] = line
            yield line

    def fall(self, *who: MentoradoId, reason: Reason = Reason.NETWORK_DOWN) -> None:
        """The lines of *who*, or of everybody, fall."""
        for mentorado_id in who or tuple(self.open):
            self.open[mentorado_id].say(Failed(reason))


class ManyLinks(Core):
    """The core with *count* people who were all paired before."""

    def __init__(self, count: int, policy: ReconnectPolicy = POLICY) -> None:
        clock = ManualClock()
        self.served = ServedProvider(clock)
        people = [_person(number) for number in range(count)]
        super().__init__(
            clock, provider=self.served, mentorado_repository=FakeMentoradoRepository(*people), policy=policy
        )
        self.ids = [person.id for person in people]

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Everybody is connected inside."""
        await self.mentorados.load()
        async with self.running():
            await self.supervisor.start_enabled()
            await self.clock.advance(len(self.ids) / POLICY.per_second + 1)
            assert self.count(LinkState.CONNECTED) == len(self.ids)
            self.served.tries.clear()
            yield

    def state(self, number: int) -> LinkState:
        return self.status(self.mentorados.get(self.ids[number])).state

    def count(self, state: LinkState) -> int:
        return sum(self.status(mentorado).state is state for mentorado in self.mentorados.all())


def _person(number: int) -> Mentorado:
    phone = PhoneNumber(f"+55119{80000000 + number}")
    mentorado_id = MentoradoId(f"{number:032x}")
    link = Link(id=LinkId(f"{number:031x}f"), mentorado_id=mentorado_id, enabled=True, account=phone)
    return Mentorado(id=mentorado_id, name=f"Mentorado {number:03}", phone=phone, created_at=DAWN, link=link)
