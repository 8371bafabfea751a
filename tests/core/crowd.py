"""Many links of one provider whose far end can be taken away and brought back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random

from app.core.links.backoff import ReconnectPolicy
from app.domain.connection import LinkState, Reason
from app.domain.mentorado import Enrolment, Link, LinkId, Mentorado, MentoradoId
from app.domain.phone import PhoneNumber
from app.domain.provider import Failed, Opened, Silent
from tests.clock import DAWN, ManualClock
from tests.core.conftest import Core
from tests.played import PlayedLine, PlayedProvider, PlayedRoster

POLICY = ReconnectPolicy(draw=Random(4).uniform)  # noqa: S311 - the same waits in every run


class ServedProvider(PlayedProvider):
    """Signs everybody in at once while its server is there, and nobody while it is away."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock
        self.away = False
        self.mute = False  # as a hosted provider is: it cannot be asked how a link is
        self.gone: set[MentoradoId] = set()  # for these it stays away
        self.tries: list[datetime] = []
        self.open: dict[MentoradoId, PlayedLine] = {}

    @asynccontextmanager
    async def connect(self, enrolment: Enrolment) -> AsyncIterator[PlayedLine]:
        self.tries.append(self.clock.now())
        async with super().connect(enrolment) as line:
            away = self.away or enrolment.mentorado.id in self.gone
            there = Silent("timed out") if self.mute else Opened(enrolment.mentorado.phone)
            line.say(Failed(Reason.NETWORK_DOWN) if away else there)
            self.open[enrolment.mentorado.id] = line
            yield line

    def fall(self, *who: MentoradoId, reason: Reason = Reason.NETWORK_DOWN) -> None:
        """The lines of *who*, or of everybody, fall."""
        for mentorado_id in who or tuple(self.open):
            self.open[mentorado_id].say(Failed(reason))


class Crowd(Core):
    """The core with *count* people who were all paired before."""

    def __init__(self, count: int, policy: ReconnectPolicy = POLICY) -> None:
        clock = ManualClock()
        self.served = ServedProvider(clock)
        people = [_person(number) for number in range(count)]
        super().__init__(clock, provider=self.served, roster=PlayedRoster(*people), policy=policy)
        self.ids = [person.mentorado.id for person in people]

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Everybody is connected inside."""
        await self.enrolments.load()
        async with self.running():
            await self.supervisor.start_wanted()
            await self.clock.advance(len(self.ids) / POLICY.per_second + 1)
            assert self.count(LinkState.CONNECTED) == len(self.ids)
            self.served.tries.clear()
            yield

    def state(self, number: int) -> LinkState:
        return self.status(self.enrolments.get(self.ids[number])).state

    def count(self, state: LinkState) -> int:
        return sum(self.status(enrolment).state is state for enrolment in self.enrolments.all())


def _person(number: int) -> Enrolment:
    phone = PhoneNumber(f"+55119{80000000 + number}")
    mentorado_id = MentoradoId(f"{number:032x}")
    mentorado = Mentorado(id=mentorado_id, name=f"Mentorado {number:03}", phone=phone, created_at=DAWN)
    link = Link(id=LinkId(f"{number:031x}f"), mentorado_id=mentorado_id, wanted=True, account=phone)
    return Enrolment(mentorado, link)
