"""What waits at a provider is shown first, and goes, stays or is removed as a person decides."""

from __future__ import annotations

import pytest

from app.core.provider_setup.queue import OutboundQueueService
from app.domain.actions import ActionName
from app.domain.audit import AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected
from tests.clock import ManualClock, settle
from tests.fake_providers import FakeZapi, waiting
from tests.services import Core

STRANGER = PhoneNumber("+5521912345678")


class Harness:
    """A core with Z-API, played, and the desk over it."""

    def __init__(self, clock: ManualClock) -> None:
        self.zapi = FakeZapi()
        self.core = Core(clock, hosted={ProviderKind.ZAPI: self.zapi})
        self.service = OutboundQueueService(
            mentorados=self.core.mentorados,
            supervisor=self.core.supervisor,
            actions=self.core.actions,
            providers=self.core.providers,
            audit_service=self.core.audit_service,
        )

    async def blocked(self, *numbers: int) -> Mentorado:
        """Somebody whose link waits for a decision about so many messages."""
        ana = await self.core.mentorados.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
        self.zapi.waiting[:] = map(waiting, numbers)
        await self.core.do(ActionName.CONNECT, ana)
        self.zapi.line.say(Blocked(Reason.QUEUE_PENDING))
        await settle()
        return ana

    def decisions(self) -> list[tuple[dict[str, str], AuditOutcome, str]]:
        audited_actions = [entry.record for entry in self.core.audit.outcomes if entry.record.action == "decide_queue"]
        return [(dict(record.after), record.outcome, record.reason) for record in audited_actions]


@pytest.fixture
def harness(manual_clock: ManualClock) -> Harness:
    return Harness(manual_clock)


async def test_what_was_seen_is_let_through_once_and_the_link_connects(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.blocked(1, 2)
        seen = await harness.service.list(ana.id)
        assert [message.id for message in seen] == ["Q1", "Q2"]
        await harness.service.send(ana.id, seen)
        await settle()
        assert harness.zapi.flows == [harness.core.mentorados.get(ana.id).link]
        assert harness.core.status(ana).state is LinkState.CONNECTING
    assert harness.decisions() == [({"queue": "send", "messages": "2"}, AuditOutcome.DONE, "")]


async def test_what_was_seen_is_removed_and_the_link_connects(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.blocked(1, 2, 3)
        assert await harness.service.purge(ana.id, await harness.service.list(ana.id)) == 3
        await settle()
        assert harness.zapi.flows == []
        assert len(harness.zapi.lines) == 2
    assert harness.decisions() == [({"queue": "purge", "messages": "3"}, AuditOutcome.DONE, "")]


async def test_a_queue_that_grew_meanwhile_is_neither_sent_nor_removed(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.blocked(1)
        seen = await harness.service.list(ana.id)
        harness.zapi.waiting.append(waiting(2))
        for decide in (harness.service.send, harness.service.purge):
            with pytest.raises(Problem) as caught:
                await decide(ana.id, seen)
            assert caught.value.code is ProblemCode.QUEUE_CHANGED
        assert len(harness.zapi.waiting) == 2
        assert harness.zapi.flows == []
        assert len(harness.zapi.lines) == 1
    assert harness.decisions() == [
        ({"queue": choice, "messages": "1"}, AuditOutcome.FAILED, "queue_changed") for choice in ("send", "purge")
    ]


async def test_a_link_that_runs_is_not_armed_and_can_still_be_purged(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.blocked()
        await harness.core.do(ActionName.CONNECT, ana)
        harness.zapi.line.say(Connected(ana.phone))
        await settle()
        harness.zapi.waiting.append(waiting(1))
        seen = await harness.service.list(ana.id)
        with pytest.raises(Problem) as caught:
            await harness.service.send(ana.id, seen)
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
        assert harness.zapi.flows == []
        assert await harness.service.purge(ana.id, seen) == 1
        assert len(harness.zapi.lines) == 2


async def test_who_leaves_it_is_written_down_too(harness: Harness) -> None:
    async with harness.core.running():
        ana = await harness.blocked(1)
        harness.service.keep(ana.id, await harness.service.list(ana.id))
        assert len(harness.zapi.waiting) == 1
    assert harness.decisions() == [({"queue": "leave", "messages": "1"}, AuditOutcome.DECLINED, "")]


async def test_a_provider_without_a_queue_has_none_to_show(harness: Harness) -> None:
    async with harness.core.running():
        bia = await harness.core.add("Bia", "21 98765-4321")
        with pytest.raises(Problem) as caught:
            await harness.service.list(bia.id)
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
        ana = await harness.blocked()
        del harness.core.providers[ProviderKind.ZAPI]
        with pytest.raises(Problem) as caught:
            await harness.service.list(ana.id)
        assert caught.value.code is ProblemCode.PROVIDER_UNAVAILABLE


async def test_a_number_that_is_not_the_mentorados_can_be_accepted_or_refused(harness: Harness) -> None:
    """Credentials may lead to another number, and there is no phone that scanned anything."""
    async with harness.core.running():
        ana = await harness.blocked()
        for name, state in (
            (ActionName.REJECT_ACCOUNT, LinkState.OFF),
            (ActionName.ACCEPT_ACCOUNT, LinkState.CONNECTING),
        ):
            await harness.core.do(ActionName.CONNECT, ana)
            harness.zapi.line.say(Connected(STRANGER))
            await settle()
            assert harness.core.status(ana).reason is Reason.WRONG_ACCOUNT
            await harness.core.do(name, ana)
            assert harness.core.status(ana).state is state
        harness.zapi.line.say(Connected(STRANGER))
        await settle()
        assert harness.core.status(ana).state is LinkState.CONNECTED
