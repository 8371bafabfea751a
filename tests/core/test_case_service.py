from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.case_service import CaseService
from app.domain.audit import AuditAction
from app.domain.cases import Case, CaseId, CaseKind
from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource
from app.domain.errors import Problem, ProblemCode
from app.domain.events import CasesChanged, ContactOptedOut, SmokeTestChanged
from app.domain.link_status import Reason, SendCapability, SmokeTestOutcome
from app.domain.messages import Address
from app.domain.provider import Blocked
from app.domain.sending import NotSent, OutgoingMessage, SendErrorKind, Uncertain
from app.domain.smoke_test import SmokeTest, SmokeTestTarget, SmokeTestTrouble
from app.storage.cases import SqlCases
from tests.clock import settle
from tests.core.outbound.harness import NOON, Sending, phone, sending

BIA: Address = phone(1)


class Cases:
    """The service over the real database of a link that sends."""

    def __init__(self, s: Sending) -> None:
        self.s = s
        self.repository = SqlCases(s.database)
        self.changes: list[CasesChanged] = []
        s.core.bus.subscribe(CasesChanged, self.changes.append)
        self.service = self.another()

    def another(self) -> CaseService:
        """The service of another program, or of one that was started anew."""
        s = self.s
        return CaseService(
            bus=s.core.bus,
            mentorados=s.core.mentorados,
            repository=self.repository,
            audit_service=s.core.audit_service,
            write_queue=s.core.write_queue,
            clock=s.clock,
        )

    async def opened(self) -> list[Case]:
        await self.s.core.write_queue.flush()
        return list(self.service.open_cases)


@asynccontextmanager
async def with_cases(folder: Path) -> AsyncIterator[Cases]:
    async with sending(folder) as s:
        cases = Cases(s)
        await cases.service.load()
        yield cases


async def test_a_number_that_is_stopped_is_one_case_with_the_providers_reason(tmp_path: Path) -> None:
    async with with_cases(tmp_path) as c:
        await c.s.receive(BIA)
        refused = NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463", detail="to +5511987654321 refused")
        for _ in range(2):
            c.s.provider.answers = [refused]
            await c.s.send(BIA)
            await c.s.service.release(c.s.ana.id)
        (case,) = await c.opened()
        assert (case.kind, case.mentorado_id, case.owner) == (CaseKind.SENDING_STOPPED, c.s.ana.id, "")
        assert (case.evidence["trouble"], case.evidence["code"]) == ("policy_block", "463")
        assert "87654321" not in case.evidence["detail"]  # a number is masked
        assert case.due_at == NOON + timedelta(hours=4)
        assert c.changes


async def test_every_message_that_may_have_gone_out_is_a_case_of_its_own(tmp_path: Path) -> None:
    async with with_cases(tmp_path) as c:
        await c.s.receive(BIA)
        c.s.provider.answers = [Uncertain(), Problem(ProblemCode.REQUEST_TIMED_OUT, seconds="5")]
        await c.s.send(BIA)
        with pytest.raises(Problem):
            await c.s.send(BIA)
        cases = await c.opened()
        assert [case.kind for case in cases] == [CaseKind.UNCERTAIN_MESSAGE] * 2
        assert len({case.subject for case in cases}) == 2
        assert cases[0].evidence == {"purpose": "conversation"}


async def test_what_a_program_that_died_was_sending_is_a_case_of_the_next_one(tmp_path: Path) -> None:
    async with with_cases(tmp_path) as c:
        await c.s.receive(BIA)
        facts = await c.s.repository.facts(c.s.ana, BIA, NOON)
        message = OutgoingMessage(to=BIA, text="Oi")
        from app.domain.consent import Purpose

        left = c.s.service._decide(c.s.ana, message, Purpose.CONVERSATION, ("", 0), NOON, 0.0, facts)
        await c.s.repository.reserve(c.s.ana, BIA, NOON, lambda _facts: left)
        await c.s.later(minutes=20)
        (lost,) = await c.s.service.recover()
        (case,) = await c.opened()
        assert case.subject == lost.reference


async def test_a_case_that_was_not_opened_before_the_program_died_is_opened_at_the_next_start(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA)
        s.provider.answers = [Uncertain()]
        await s.send(BIA)  # nobody listens
        c = Cases(s)
        for _ in range(2):
            await c.service.load()
        (case,) = c.service.open_cases
        assert (case.kind, case.evidence) == (CaseKind.UNCERTAIN_MESSAGE, {"purpose": "conversation"})
        await c.service.close(case.id, "Chegou.")
        await c.service.load()
        assert c.service.open_cases == []  # a settled one does not come back


async def test_a_contact_who_opted_out_is_a_case_once_whoever_sees_it_first(tmp_path: Path) -> None:
    async with with_cases(tmp_path) as c:
        await c.s.receive(BIA)
        await c.s.say(BIA, ConsentChange.OPTED_OUT)  # by an operator: they know
        entry = ConsentEntry(
            mentorado_id=c.s.ana.id,
            contact=BIA,
            change=ConsentChange.OPTED_OUT,
            purpose=None,
            source=ConsentSource.PROVIDER,
            at=NOON,
        )
        await c.s.consents.append([entry])
        await c.service.load()
        c.s.core.bus.publish(ContactOptedOut(c.s.ana.id, 2, BIA))
        (case,) = await c.opened()
        assert (case.kind, case.subject, case.evidence) == (CaseKind.OPTED_OUT, "2", {"contact": "+55…01"})
        await c.service.close(case.id, "Tirada da lista.")
        await c.service.load()
        assert await c.opened() == []


async def test_a_ban_is_a_case(tmp_path: Path) -> None:
    async with with_cases(tmp_path) as c:
        await c.s.restrict(SendCapability.RESTRICTED)  # no ban
        c.s.provider.line.say(Blocked(Reason.TEMPORARY_BAN, NOON + timedelta(hours=24), "402: 104"))
        await settle()
        c.service.open(CaseKind.BAN, c.s.ana.id)  # the same matter
        (case,) = await c.opened()
        assert (case.kind, case.evidence) == (CaseKind.BAN, {"reason": "temporary_ban", "detail": "402: 104"})


async def test_the_second_smoke_test_that_fails_in_a_row_is_a_case(tmp_path: Path) -> None:
    async with with_cases(tmp_path) as c:
        ana = c.s.ana
        test = SmokeTest(mentorado_id=ana.id, link_id=ana.link.id, target=SmokeTestTarget.OWN, began_at=NOON)
        failed = replace(test, outcome=SmokeTestOutcome.FAILED, trouble=SmokeTestTrouble.NOT_CONNECTED)
        passed = replace(test, outcome=SmokeTestOutcome.PASSED)
        for each in (test, failed, passed, failed):
            c.s.core.bus.publish(SmokeTestChanged(each))
            assert await c.opened() == []
        c.s.core.bus.publish(SmokeTestChanged(failed))
        (case,) = await c.opened()
        assert (case.kind, case.evidence) == (CaseKind.SMOKE_TEST_FAILED, {"test": "not_connected"})


async def test_people_take_note_postpone_and_close_and_all_of_it_is_audited(tmp_path: Path) -> None:
    async with with_cases(tmp_path) as c:
        c.service.open(CaseKind.OPTED_OUT, c.s.ana.id, "hash")
        (case,) = await c.opened()
        await c.service.take(case.id)
        await c.service.add_note(case.id, " Falei com ela. ")
        await c.service.set_due(case.id, NOON + timedelta(days=9))
        (changed,) = c.service.open_cases
        assert (changed.owner, changed.due_at) == ("staff", NOON + timedelta(days=9))
        assert [(note.author, note.text) for note in changed.notes] == [("staff", "Falei com ela.")]
        for empty in ("", "  \n"):
            with pytest.raises(Problem) as caught:
                await c.service.close(case.id, empty)
            assert caught.value.code is ProblemCode.CASE_NOTE_MISSING
        await c.service.close(case.id, "Tirada da lista.")
        assert c.service.open_cases == []
        (closed,) = await c.service.closed_cases()
        assert [note.text for note in closed.notes] == ["Falei com ela.", "Tirada da lista."]
        assert not closed.is_open
        assert not closed.is_due(NOON + timedelta(days=99))
        actions = [entry.record.action for entry in c.s.core.audit.entries_]
        assert actions[-4:] == [
            AuditAction.ASSIGN_CASE,
            AuditAction.NOTE_CASE,
            AuditAction.SET_CASE_DUE,
            AuditAction.CLOSE_CASE,
        ]
        again = c.another()
        await again.load()
        again.open(CaseKind.OPTED_OUT, c.s.ana.id, "hash")  # the same matter again, after it was closed
        await c.s.core.write_queue.flush()
        assert len(again.open_cases) == 1


async def test_a_case_that_another_program_closed_cannot_be_changed_here(tmp_path: Path) -> None:
    async with with_cases(tmp_path) as c:
        c.service.open(CaseKind.OPTED_OUT, c.s.ana.id, "hash")
        (case,) = await c.opened()
        other = c.another()
        await other.load()
        await other.close(case.id, "Feito.")
        entries = len(c.s.core.audit.entries_)
        for act in (c.service.take(case.id), c.service.assign(CaseId("unknown"), "Bia")):
            with pytest.raises(Problem) as caught:
                await act
            assert caught.value.code is ProblemCode.CASE_CLOSED
        assert len(c.s.core.audit.entries_) == entries  # what did not happen is not in the audit
        await c.service.load()
        assert c.service.open_cases == []
