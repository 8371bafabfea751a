"""The personal data of a contact or of a mentorado is erased."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.core.privacy_service import PrivacyService, contact_of
from app.domain.audit import AuditOutcome
from app.domain.erasure import Erased
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesErased
from tests.clock import DAWN
from tests.core.archive import BIA, FakeArchive, FakeConsents, FakeLeftovers
from tests.core.conftest import Run
from tests.core.test_privacy_service import Harness
from tests.services import Core


async def test_an_erasure_is_written_down_with_its_count_and_told(core: Core, tmp_path: Path) -> None:
    person = await core.add("Ana")
    harness = Harness(core, FakeArchive(), tmp_path)
    eraseds: list[MessagesErased] = []
    core.bus.subscribe(MessagesErased, eraseds.append)
    async with core.running():
        await core.clock.advance(60)
        assert await harness.data.erase_contact(person.id, BIA) == Erased(messages=12)
    assert harness.archive.erased == [("b" * 32, DAWN + timedelta(minutes=1))]
    record = harness.record()
    assert (record.action, record.subject, record.outcome) == ("erase_contact", "Ana", AuditOutcome.DONE)
    assert (record.before, record.after) == ({"contact": "+55…01"}, {"messages": "12"})
    assert eraseds == [MessagesErased(person.id)]


async def test_an_erasure_that_could_not_be_done_is_a_failure_and_can_be_asked_for_again(
    core: Core, tmp_path: Path
) -> None:
    person = await core.add()
    harness = Harness(core, FakeArchive(), tmp_path)
    harness.archive.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
    async with core.running():
        with pytest.raises(Problem):
            await harness.data.erase_contact(person.id, BIA)
        harness.archive.problem = None
        assert (await harness.data.erase_contact(person.id, BIA)).messages == 12
    assert [entry.record.outcome for entry in core.audit.outcomes] == [AuditOutcome.FAILED, AuditOutcome.DONE]


def test_rows_that_are_gone_are_erased_and_what_there_was_no_room_for_is_completed(
    core: Core, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With no room to write the file anew the act was reported as failed, and could not be repeated."""

    async def main() -> None:
        person = await core.add()
        harness = Harness(core, FakeArchive(), tmp_path)
        harness.archive.no_room = Problem(ProblemCode.DATABASE_DISK_FULL)
        async with core.running():
            erased = await harness.data.erase_contact(person.id, BIA)
            assert erased == Erased(messages=12, traces=harness.archive.no_room)
            harness.archive.no_room = None
            assert await harness.data.erase_contact(person.id, BIA) == Erased(messages=0)
            assert harness.archive.overwritten == 1
            with pytest.raises(Problem) as caught:
                await harness.data.erase_contact(person.id, contact_of("11 98765-0009"))
            assert caught.value.code is ProblemCode.CONTACT_UNKNOWN
        audited_actions = [entry.record for entry in core.audit.outcomes]
        assert [(record.outcome, record.reason) for record in audited_actions] == [
            (AuditOutcome.DONE, ""),  # with the rows
            (AuditOutcome.DONE, "database_disk_full"),
            (AuditOutcome.DONE, ""),
        ]

    run(main())
    assert "could not be rewritten after an erasure" in caplog.text


def test_what_lies_beside_the_database_is_wiped_and_copies_are_named_and_removed_on_request(
    core: Core, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        person, place = await core.add(), FakeLeftovers()
        harness = Harness(core, FakeArchive(), tmp_path)
        harness.data = PrivacyService(
            bus=core.bus,
            mentorados=core.mentorados,
            set_aside=harness.aside,
            consents=FakeConsents(),
            notes_of=core.notes.notes_of,
            history=harness.archive,
            audit_service=core.audit_service,
            clock=core.clock,
            leftovers=[place],
        )
        whose = person.id
        async with core.running():
            erased = await harness.data.erase_contact(whose, BIA)
            assert erased.copies == tuple(place.held)
            assert {b"5521987650001", b"552187650001"} <= set(place.wiped)
            place.problem = Problem(ProblemCode.SESSION_DIR_NOT_WRITABLE)
            assert (await harness.data.erase_contact(whose, BIA)).traces is place.problem
            with pytest.raises(Problem):
                await harness.data.remove_copies(whose, erased.copies)
            place.problem = None
            await harness.data.remove_copies(whose, erased.copies)
            assert place.held == []
        audited_actions = [(entry.record.action, entry.record.outcome) for entry in core.audit.outcomes]
        assert audited_actions[3:] == [("remove_copies", AuditOutcome.FAILED), ("remove_copies", AuditOutcome.DONE)]
        assert core.audit.outcomes[4].record.before == {"copies": "Conecta Ana.conecta"}

    run(main())
    assert "could not be searched" in caplog.text


async def test_an_erasure_that_is_given_up_is_written_down(core: Core, tmp_path: Path) -> None:
    harness = Harness(core, FakeArchive(), tmp_path)
    async with core.running():
        ana = await core.add()
        harness.data.decline_erasure(ana.id, BIA)
    assert core.audit.outcomes[-1].record.outcome is AuditOutcome.DECLINED
