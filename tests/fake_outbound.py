"""Stores of what is sent and of who is switched, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from app.domain.consent import ConsentChange, ConsentEntry, ContactConsents, Purpose
from app.domain.errors import Problem
from app.domain.mentorado import LinkId, Mentorado, MentoradoId
from app.domain.messages import Address, DeliveryStatus
from app.domain.outbound import Hold, OutboundFacts, OutboundMessage, OutboundStop
from app.domain.smoke_test import SmokeTest
from app.domain.switch import SwitchItem, SwitchRun, SwitchRunId


class FakeOutbound:
    """The record of what went out, and the ledger beside it, in memory: everybody agreed to everything."""

    def __init__(self) -> None:
        self.messages: dict[str, OutboundMessage] = {}
        self.stopped: dict[LinkId, OutboundStop] = {}
        self.ledger: list[ConsentEntry] = []

    async def facts(self, mentorado: Mentorado, to: Address, now: datetime) -> OutboundFacts:
        return OutboundFacts(
            recipient=to.key,
            consent=[(ConsentChange.GRANTED, purpose, now) for purpose in Purpose],
            sent=[each for each in self.messages.values() if each.link_id == mentorado.link.id],
            stop=self.stopped.get(mentorado.link.id),
        )

    async def reserve(
        self,
        mentorado: Mentorado,
        to: Address,
        now: datetime,
        decide: Callable[[OutboundFacts], OutboundMessage | Hold],
    ) -> OutboundMessage | Hold:
        decided = decide(await self.facts(mentorado, to, now))
        if isinstance(decided, OutboundMessage):
            await self.save(decided)
        return decided

    async def save(self, message: OutboundMessage) -> None:
        self.messages[message.reference] = message

    async def recover(self, before: datetime) -> Sequence[OutboundMessage]:
        return []

    async def stops(self) -> Sequence[OutboundStop]:
        return list(self.stopped.values())

    async def stop(self, stop: OutboundStop) -> None:
        self.stopped.setdefault(stop.link_id, stop)

    async def release(self, link_id: LinkId) -> None:
        self.stopped.pop(link_id, None)

    async def append(self, entries: Sequence[ConsentEntry]) -> None:
        self.ledger.extend(entries)

    async def contacts(self, mentorado_id: MentoradoId) -> Sequence[ContactConsents]:
        theirs = [each for each in self.ledger if each.mentorado_id == mentorado_id]
        return [
            ContactConsents(
                reference=contact.key, addresses=(contact,), entries=[e for e in theirs if e.contact == contact]
            )
            for contact in dict.fromkeys(each.contact for each in theirs)
        ]


class FakeSmokeTests:
    """The results of smoke tests, in memory; nothing ever arrives unless *answered* is set."""

    def __init__(self) -> None:
        self.tests: list[SmokeTest] = []
        self.answered = False  # everything is delivered and answered at once

    async def add(self, test: SmokeTest) -> None:
        self.tests.append(test)

    async def latest(self) -> Sequence[SmokeTest]:
        return self.tests

    async def delivery(self, link_id: LinkId, provider_id: str) -> tuple[DeliveryStatus | None, str]:
        return (DeliveryStatus.DELIVERED if self.answered else None), ""

    async def has_received(self, link_id: LinkId, *, receipts: bool) -> bool:
        return False

    async def arrived(
        self,
        mentorado_id: MentoradoId,
        since: datetime,
        *,
        word: str = "",
        sender: Address | None = None,
        link_id: LinkId | None = None,
    ) -> bool:
        return self.answered


class FakeSwitches:
    """The runs of provider switches in memory."""

    def __init__(self) -> None:
        self.stored: dict[SwitchRunId, SwitchRun] = {}
        self.billed: list[Address] = []  # to whom the messages outside the window went
        self.group_count = 0
        self.since: list[datetime] = []  # from when on the history was asked about
        self.problem: Problem | None = None  # raised by every write while set

    async def add(self, run: SwitchRun) -> None:
        self._may_write()
        self.stored[run.id] = run

    async def all(self) -> Sequence[SwitchRun]:
        return list(reversed(self.stored.values()))

    async def save_run(self, run: SwitchRun) -> None:
        self._may_write()
        self.stored[run.id] = replace(run, items=self.stored[run.id].items)

    async def save_item(self, item: SwitchItem) -> None:
        self._may_write()
        self.stored[item.run_id] = self.stored[item.run_id].with_item(item)

    async def outside_window(self, mentorado_id: MentoradoId, since: datetime) -> Sequence[Address]:
        self.since.append(since)
        return tuple(self.billed)

    async def groups(self, mentorado_id: MentoradoId, since: datetime) -> int:
        self.since.append(since)
        return self.group_count

    def _may_write(self) -> None:
        if self.problem is not None:
            raise self.problem
