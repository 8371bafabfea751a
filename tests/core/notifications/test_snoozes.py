"""A link can be left alone for a while; that is kept, audited, and over when the link recovers."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.events import SnoozesChanged
from app.domain.link_status import LinkState
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.notifications import Snooze, SnoozeLength
from tests.core.notifications.harness import BRASILIA, NotifierHarness


def notified(harness: NotifierHarness) -> list[MentoradoId | None]:
    found: list[MentoradoId | None] = []
    harness.core.bus.subscribe(SnoozesChanged, lambda event: found.append(event.mentorado_id))
    return found


async def test_the_three_lengths() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1, LinkState.RECONNECTING)
        now = harness.clock.now()  # 21:00 of the 31st of December in Brasília
        ends = []
        for length in SnoozeLength:
            await harness.snoozes.begin(ana.id, length)
            found = harness.snoozes.snooze_of(ana.id)
            assert found is not None
            ends.append(found.until)
        assert ends == [now + timedelta(hours=1), datetime(2026, 1, 1, 8, tzinfo=BRASILIA), None]


async def test_begin_and_end_are_stored_with_their_entries_and_told() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1, LinkState.RECONNECTING)
        changes = notified(harness)
        await harness.snoozes.end(ana.id)  # nothing to end
        await harness.snoozes.begin(ana.id, SnoozeLength.RECOVERY)
        assert harness.stored.kept == {ana.link.id: Snooze(None)}
        assert harness.snoozes.snoozed_mentorados() == [ana.id]
        await harness.snoozes.end(ana.id)
        assert harness.stored.kept == {}
        assert harness.snoozes.snoozed_mentorados() == []
        assert changes == [ana.id, ana.id]
        assert [
            (each.record.action, dict(each.record.after))
            for each in harness.core.audit.entries_
            if "snooze" in each.record.action
        ] == [("snooze_link", {"length": "recovery"}), ("end_snooze", {})]


async def test_one_of_a_link_that_recovered_while_it_was_stored_ends_at_once() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1)
        await harness.snoozes.begin(ana.id, SnoozeLength.RECOVERY)
        assert harness.snoozes.snooze_of(ana.id) is None
        await harness.core.write_queue.flush()
        assert harness.stored.kept == {}


async def test_what_cannot_be_stored_is_not_true() -> None:
    harness = NotifierHarness()
    async with harness.running():
        (ana,) = await harness.people(1)
        harness.stored.problem = Problem(ProblemCode.DATABASE_NOT_WRITABLE)
        with pytest.raises(Problem):
            await harness.snoozes.begin(ana.id, SnoozeLength.HOUR)
        assert harness.snoozes.snooze_of(ana.id) is None


async def test_after_a_restart_those_are_known_that_still_matter() -> None:
    harness = NotifierHarness()
    async with harness.running():
        ana, bia, caio = await harness.people(3)
        now = harness.clock.now()
        harness.stored.kept = {
            ana.link.id: Snooze(None),
            bia.link.id: Snooze(now),
            caio.link.id: Snooze(now + timedelta(hours=2)),
            LinkId("of a former provider"): Snooze(None),
        }
        changes = notified(harness)
        await harness.snoozes.load()
        assert [harness.snoozes.snooze_of(each.id) is not None for each in (ana, bia, caio)] == [True, False, True]
        assert harness.snoozes.next_end == now + timedelta(hours=2)
        assert changes == [None]


async def test_one_that_ends_by_itself_is_stored_and_not_audited() -> None:
    harness = NotifierHarness()
    async with harness.running():
        ana, bia = await harness.people(2, LinkState.RECONNECTING)
        await harness.snoozes.begin(ana.id, SnoozeLength.HOUR)
        await harness.snoozes.begin(bia.id, SnoozeLength.TOMORROW)
        assert harness.snoozes.expire() == []
        await harness.clock.advance(3600)
        await harness.core.write_queue.flush()
        assert list(harness.stored.kept) == [bia.link.id]
        await harness.recover(bia)
        await harness.core.write_queue.flush()
        assert harness.stored.kept == {}
        assert not any(each.record.action == "end_snooze" for each in harness.core.audit.entries_)
