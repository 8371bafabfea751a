from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.event_bus import E, EventBus
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import Actor, AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.events import HandlingChanged, MentoradoChanged, StatusChanged
from app.domain.handling import Handling
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado
from app.domain.provider import Blocked, Connected, QrIssued, QrScanned
from tests.clock import ManualClock, settle
from tests.services import Core

HANDLE, GIVE_UP = ActionName.HANDLE, ActionName.GIVE_UP


async def fallen(core: Core, name: str = "Ana", phone: str = "11 98765-4321") -> Mentorado:
    """Somebody whose phone was logged out."""
    ana = await core.add(name, phone)
    await core.do(ActionName.CONNECT, ana)
    core.provider.line.say(QrIssued("x", 1, 6, 60), QrScanned(ana.phone), Connected(ana.phone))
    core.provider.line.say(Blocked(Reason.LOGGED_OUT))
    await settle()
    assert core.status(ana).state is LinkState.BLOCKED
    return ana


def connected(core: Core, ana: Mentorado) -> StatusChanged:
    """As the supervisor publishes it when a link is back."""
    now = core.status(ana)
    return StatusChanged(ana.id, ana.link.id, now, replace(now, state=LinkState.CONNECTED, reason=Reason.NONE))


def changes_of(core: Core) -> list[HandlingChanged]:
    """What is published from now on."""
    changes: list[HandlingChanged] = []
    core.bus.subscribe(HandlingChanged, changes.append)
    return changes


def audited(core: Core) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    kept = {HANDLE, GIVE_UP, AuditAction.END_HANDLING}
    records = [entry.record for entry in core.audit.outcomes if entry.record.action in kept]
    return [(each.action, dict(each.before), dict(each.after)) for each in records]


async def test_whoever_is_on_it_is_known_by_name_and_since_when_and_gives_it_back(core: Core) -> None:
    async with core.running():
        ana = await fallen(core)
        changes = changes_of(core)
        await core.do(HANDLE, ana)
        handling = Handling(mentorado_id=ana.id, operator="staff", since=core.clock.now())
        assert core.handlings.current.get(ana.id) == handling
        assert core.actions.unavailable_reason(HANDLE, ana.id) is UnavailableReason.ALREADY_HANDLED
        await core.do(GIVE_UP, ana)
        await core.handlings.give_up(ana.id)  # nobody is any more: nothing is written
        assert core.handlings.current.get(ana.id) is None
        assert core.actions.unavailable_reason(GIVE_UP, ana.id) is UnavailableReason.NOBODY_IS_ON_IT
        assert changes == [HandlingChanged(ana.id, handling), HandlingChanged(ana.id, None)]
        assert audited(core) == [(HANDLE, {}, {}), (GIVE_UP, {}, {})]


async def test_who_needs_nobody_cannot_be_taken_on(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        assert core.actions.unavailable_reason(HANDLE, ana.id) is UnavailableReason.NEEDS_NOBODY
        with pytest.raises(Problem) as refused:
            await core.do(HANDLE, ana)
        assert refused.value.code is ProblemCode.NOT_POSSIBLE_NOW


async def test_a_colleague_takes_over_and_can_be_relieved_and_the_audit_names_both(core: Core) -> None:
    async with core.running():
        ana = await fallen(core)
        theirs = Handling(mentorado_id=ana.id, operator="Bia", since=core.clock.now() - timedelta(hours=1))
        core.handling_record.handlings[ana.id] = theirs
        await core.handlings.load()
        assert core.handlings.current.get(ana.id) == theirs
        await core.do(HANDLE, ana)
        core.handling_record.handlings[ana.id] = theirs
        await core.handlings.load()
        await core.do(GIVE_UP, ana)
        assert audited(core) == [
            (HANDLE, {"operator": "Bia"}, {"operator": "staff"}),
            (GIVE_UP, {"operator": "Bia"}, {}),
        ]


async def test_it_ends_by_itself_when_the_link_is_back(core: Core) -> None:
    async with core.running():
        ana, bruno = await fallen(core), await fallen(core, "Bruno", "11 98765-4322")
        await core.do(HANDLE, ana)
        await core.do(HANDLE, bruno)
        core.bus.publish(connected(core, ana))
        core.bus.publish(connected(core, ana))
        assert core.handlings.current.get(ana.id) is None
        assert core.handlings.current.get(bruno.id) is not None
        await core.handlings.load()  # what is not removed from the disk yet does not come back
        assert core.handlings.current.get(ana.id) is None
        await core.write_queue.flush()
        assert list(core.handling_record.handlings) == [bruno.id]
        assert audited(core)[-1] == (AuditAction.END_HANDLING, {"operator": "staff"}, {})


async def test_it_ends_with_an_archiving_and_with_no_other_change(core: Core) -> None:
    async with core.running():
        ana = await fallen(core)
        await core.do(HANDLE, ana)
        status = core.status(ana)
        core.bus.publish(StatusChanged(ana.id, ana.link.id, status, status))
        core.bus.publish(MentoradoChanged(ana))
        assert core.handlings.current.get(ana.id) is not None
        await core.do(ActionName.ARCHIVE, ana)
        await core.write_queue.flush()
        assert core.handlings.current.get(ana.id) is None
        assert not core.handling_record.handlings


async def test_what_ended_while_the_program_was_off_is_cleared_when_it_is_read(core: Core) -> None:
    async with core.running():
        ana, bruno = await fallen(core), await fallen(core, "Bruno", "11 98765-4322")
        await core.do(ActionName.ARCHIVE, bruno)
        now = core.clock.now()
        core.handling_record.handlings = {
            each: Handling(mentorado_id=each, operator="Bia", since=now) for each in (ana.id, bruno.id)
        }
        await core.handlings.load()
        await core.write_queue.flush()
        assert list(core.handling_record.handlings) == [ana.id]
        assert core.handlings.current.get(bruno.id) is None


async def test_somebody_who_is_back_while_it_is_stored_needs_nobody_either(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(QrIssued("x", 1, 6, 60), QrScanned(ana.phone), Connected(ana.phone))
        await settle()
        await core.handlings.take(ana.id)
        await core.write_queue.flush()
        assert core.handlings.current.get(ana.id) is None
        assert not core.handling_record.handlings


class CountingBus(EventBus):
    """Knows how many listen to statuses."""

    listening = 0

    def subscribe(self, kind: type[E], listener: Callable[[E], None]) -> Callable[[], None]:
        undo = super().subscribe(kind, listener)
        self.listening += kind is StatusChanged

        def end() -> None:
            self.listening -= kind is StatusChanged
            undo()

        return end


async def test_while_nobody_is_on_anything_no_status_is_looked_at(manual_clock: ManualClock) -> None:
    """Signs of life are many: each would cost a call."""
    bus = CountingBus()
    core = Core(manual_clock, bus=bus)
    async with core.running():
        ana, bruno = await fallen(core), await fallen(core, "Bruno", "11 98765-4322")
        before = bus.listening
        await core.do(HANDLE, ana)
        await core.do(HANDLE, bruno)
        assert bus.listening == before + 1
        await core.do(GIVE_UP, ana)
        assert bus.listening == before + 1
        await core.do(GIVE_UP, bruno)
        assert bus.listening == before


async def test_people_are_called_by_the_name_in_the_settings_or_of_their_account() -> None:
    assert [Actor(user="staff", operator="Bia").name, Actor(user="staff").name] == ["Bia", "staff"]
