"""What waits at a provider is shown first, and goes, stays or is removed as a person decides."""

from __future__ import annotations

import pytest

from app.core.action import ActionName
from app.core.hosted.queue_desk import QueueDesk
from app.domain.audit import AuditOutcome
from app.domain.connection import LinkState, Reason
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Opened, Refused
from tests.clock import ManualClock, settle
from tests.core.conftest import Core, Run
from tests.played_hosted import PlayedZapi, waiting

STRANGER = PhoneNumber("+5521912345678")


class Office:
    """A core with Z-API, played, and the desk over it."""

    def __init__(self, clock: ManualClock) -> None:
        self.zapi = PlayedZapi()
        self.core = Core(clock, hosted={ProviderKind.ZAPI: self.zapi})
        self.desk = QueueDesk(
            enrolments=self.core.enrolments,
            supervisor=self.core.supervisor,
            actions=self.core.actions,
            providers=self.core.providers,
            witness=self.core.witness,
        )

    async def blocked(self, *numbers: int) -> Enrolment:
        """Somebody whose link waits for a decision about so many messages."""
        ana = await self.core.enrolments.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
        self.zapi.waiting[:] = map(waiting, numbers)
        await self.core.do(ActionName.CONNECT, ana)
        self.zapi.line.say(Refused(Reason.QUEUE_PENDING))
        await settle()
        return ana

    def decisions(self) -> list[tuple[dict[str, str], AuditOutcome, str]]:
        deeds = [entry.deed for entry in self.core.audit.outcomes if entry.deed.action == "decide_queue"]
        return [(dict(deed.after), deed.outcome, deed.reason) for deed in deeds]


@pytest.fixture
def office(manual_clock: ManualClock) -> Office:
    return Office(manual_clock)


def test_what_was_seen_is_let_through_once_and_the_link_connects(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.blocked(1, 2)
            seen = await office.desk.waiting(ana.mentorado.id)
            assert [message.id for message in seen] == ["Q1", "Q2"]
            await office.desk.send(ana.mentorado.id, seen)
            await settle()
            assert office.zapi.flows == [office.core.enrolments.get(ana.mentorado.id).link]
            assert office.core.status(ana).state is LinkState.CONNECTING
        assert office.decisions() == [({"queue": "send", "messages": "2"}, AuditOutcome.DONE, "")]

    run(main())


def test_what_was_seen_is_removed_and_the_link_connects(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.blocked(1, 2, 3)
            assert await office.desk.purge(ana.mentorado.id, await office.desk.waiting(ana.mentorado.id)) == 3
            await settle()
            assert office.zapi.flows == []
            assert len(office.zapi.lines) == 2
        assert office.decisions() == [({"queue": "purge", "messages": "3"}, AuditOutcome.DONE, "")]

    run(main())


def test_a_queue_that_grew_meanwhile_is_neither_sent_nor_removed(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.blocked(1)
            seen = await office.desk.waiting(ana.mentorado.id)
            office.zapi.waiting.append(waiting(2))
            for decide in (office.desk.send, office.desk.purge):
                with pytest.raises(Problem) as caught:
                    await decide(ana.mentorado.id, seen)
                assert caught.value.code is Code.QUEUE_CHANGED
            assert len(office.zapi.waiting) == 2
            assert office.zapi.flows == []
            assert len(office.zapi.lines) == 1
        assert office.decisions() == [
            ({"queue": choice, "messages": "1"}, AuditOutcome.FAILED, "queue_changed") for choice in ("send", "purge")
        ]

    run(main())


def test_a_link_that_runs_is_not_armed_and_can_still_be_purged(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.blocked()
            await office.core.do(ActionName.CONNECT, ana)
            office.zapi.line.say(Opened(ana.mentorado.phone))
            await settle()
            office.zapi.waiting.append(waiting(1))
            seen = await office.desk.waiting(ana.mentorado.id)
            with pytest.raises(Problem) as caught:
                await office.desk.send(ana.mentorado.id, seen)
            assert caught.value.code is Code.NOT_POSSIBLE_NOW
            assert office.zapi.flows == []
            assert await office.desk.purge(ana.mentorado.id, seen) == 1
            assert len(office.zapi.lines) == 2

    run(main())


def test_who_leaves_it_is_written_down_too(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            ana = await office.blocked(1)
            office.desk.leave(ana.mentorado.id, await office.desk.waiting(ana.mentorado.id))
            assert len(office.zapi.waiting) == 1
        assert office.decisions() == [({"queue": "leave", "messages": "1"}, AuditOutcome.DECLINED, "")]

    run(main())


def test_a_provider_without_a_queue_has_none_to_show(office: Office, run: Run) -> None:
    async def main() -> None:
        async with office.core.running():
            bia = await office.core.add("Bia", "21 98765-4321")
            with pytest.raises(Problem) as caught:
                await office.desk.waiting(bia.mentorado.id)
            assert caught.value.code is Code.NOT_POSSIBLE_NOW
            ana = await office.blocked()
            del office.core.providers[ProviderKind.ZAPI]
            with pytest.raises(Problem) as caught:
                await office.desk.waiting(ana.mentorado.id)
            assert caught.value.code is Code.PROVIDER_UNAVAILABLE

    run(main())


def test_a_number_that_is_not_the_mentorados_can_be_accepted_or_refused(office: Office, run: Run) -> None:
    """Credentials may lead to another number, and there is no phone that scanned anything."""

    async def main() -> None:
        async with office.core.running():
            ana = await office.blocked()
            for name, state in (
                (ActionName.REJECT_ACCOUNT, LinkState.OFF),
                (ActionName.ACCEPT_ACCOUNT, LinkState.CONNECTING),
            ):
                await office.core.do(ActionName.CONNECT, ana)
                office.zapi.line.say(Opened(STRANGER))
                await settle()
                assert office.core.status(ana).reason is Reason.WRONG_ACCOUNT
                await office.core.do(name, ana)
                assert office.core.status(ana).state is state
            office.zapi.line.say(Opened(STRANGER))
            await settle()
            assert office.core.status(ana).state is LinkState.CONNECTED

    run(main())
