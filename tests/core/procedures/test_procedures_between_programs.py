"""Procedures of a program that ended, that another program moves, or whose journal cannot be written."""

from __future__ import annotations

import asyncio

import pytest

from app.core.procedures.steps import StepContext as Given
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ProcedureChanged, StorageFailed, StorageRecovered
from app.domain.procedure import (
    ProcedureKind,
    ProcedureState,
    StepName,
)
from tests.clock import settle
from tests.core.conftest import Run
from tests.core.procedures.scripted_steps import ScriptedProcedures, asking
from tests.services import Core

K, S, N = ProcedureKind, ProcedureState, StepName


@pytest.fixture
def works(core: Core) -> ScriptedProcedures:
    return ScriptedProcedures(core.clock)


@pytest.mark.parametrize("happened", [True, False])
async def test_before_an_undo_it_is_found_out_whether_the_point_was_passed_in_a_crash(
    works: ScriptedProcedures, happened: bool
) -> None:
    async with works.running():
        ana, procedure_id = await asking(works)
        works.worked.waits["do merge_history"] = asyncio.Event()
        await works.procedures.confirm(procedure_id)
        await works.stands(ana)
    again = works.again()
    await again.mentorados.load()
    async with again.running():
        await again.procedures.load()
        again.worked.happened = happened
        if not happened:
            await again.procedures.undo(procedure_id)
            assert (await again.stands(ana)).state is S.UNDONE
            return
        with pytest.raises(Problem):
            await again.procedures.undo(procedure_id)
        await again.procedures.resume(procedure_id)
        assert (await again.stands(ana)).state is S.DONE
    assert again.worked.lines == ["do restore_session"]  # the merge was not made twice


async def test_what_was_moving_when_the_program_ended_is_paused_at_the_next_start(works: ScriptedProcedures) -> None:
    async with works.running():
        ana = await works.add()
        bia = await works.add("Bia", "11 98765-0000")
        works.worked.waits["do back_up"] = asyncio.Event()
        await works.begin(K.RESTORE, ana, secret="open sesame")
        works.worked.waits.clear()
        await works.begin(K.RESTORE, bia)
    again = works.again()
    await again.mentorados.load()
    async with again.running():
        await again.procedures.load()
        await again.procedures.load()  # once more is harmless
        first, second = again.procedures.unfinished()
        assert (first.state, second.state) == (S.PAUSED, S.ASKING)
        procedures = [e.procedure for e in again.listener.events if isinstance(e, ProcedureChanged)]
        assert {p.head.id: p.state for p in procedures} == {first.head.id: S.PAUSED, second.head.id: S.ASKING}
        await again.procedures.resume(first.head.id, secret="open sesame")
        assert (await again.stands(ana)).state is S.ASKING
        assert again.worked.secrets[0] == "open sesame"
        await again.procedures.load()  # in the middle of it all
        assert again.procedures.unfinished()[0].state is S.ASKING
    assert works.worked.secrets[:2] == ["open sesame"] * 2
    assert "open sesame" not in repr(works.journal.journals)


async def test_a_secret_is_forgotten_with_the_end(works: ScriptedProcedures) -> None:
    async with works.running():
        ana = await works.add()
        procedure = await works.begin(K.RESTORE, ana, secret="open sesame")
        assert "sesame" not in repr(Given(procedure=procedure, secret="open sesame"))
        await works.procedures.undo(procedure.head.id)
        await works.stands(ana)
        assert works.procedures._runs[ana.id].secret == ""


async def test_who_only_looks_takes_nothing_up(works: ScriptedProcedures) -> None:
    """A command that runs beside the window reads the same journals."""
    async with works.running():
        ana = await works.add()
        works.worked.waits["do back_up"] = asyncio.Event()
        procedure = await works.begin(K.RESTORE, ana)
        beside = works.again()
        await beside.mentorados.load()
        await beside.procedures.load()
        (seen,) = beside.procedures.unfinished()
        assert seen.state is S.RUNNING
        for wish in (beside.procedures.pause, beside.procedures.undo):
            with pytest.raises(Problem):
                await wish(procedure.head.id)
        with pytest.raises(Problem) as caught:
            await beside.procedures.begin(K.RESTORE, ana.id)
        assert caught.value.context["why"] == "under_way"
        bia = await beside.add("Bia", "11 98765-0000")
        with pytest.raises(Problem):
            await beside.procedures.begin(K.RESTORE, bia.id)  # nobody would move it
        assert (await works.stands(ana)).entries == 4


async def test_what_another_program_moved_meanwhile_is_not_moved_here(works: ScriptedProcedures) -> None:
    async with works.running():
        _, procedure_id = await asking(works)
        beside = works.again()
        await beside.mentorados.load()
        async with beside.procedures:
            await beside.procedures.load()
            await works.procedures.pause(procedure_id)
            with pytest.raises(Problem) as caught:
                await beside.procedures.confirm(procedure_id)
            assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW


async def test_a_journal_that_cannot_be_written_stops_everything_before_it_begins(
    works: ScriptedProcedures, caplog: pytest.LogCaptureFixture
) -> None:
    async with works.running():
        ana = await works.add()
        works.worked.waits["do check_archive"] = asyncio.Event()
        procedure = await works.begin(K.RESTORE, ana)
        works.journal.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        works.worked.waits["do check_archive"].set()
        stopped = await works.stands(ana)
        assert stopped.state is S.PAUSED
        assert "do back_up" not in works.worked.lines
        with pytest.raises(Problem) as caught:
            await works.procedures.resume(procedure.head.id)
        assert caught.value.code is ProblemCode.DATABASE_DISK_FULL
        works.journal.problem = None
        await works.procedures.resume(procedure.head.id)
        assert (await works.stands(ana)).state is S.ASKING
    types = [type(event) for event in works.listener.events if isinstance(event, StorageFailed | StorageRecovered)]
    assert types == [StorageFailed, StorageRecovered]


async def test_a_beginning_that_cannot_be_written_never_was(works: ScriptedProcedures) -> None:
    async with works.running():
        ana = await works.add()
        works.journal.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        with pytest.raises(Problem):
            await works.procedures.begin(K.RESTORE, ana.id)
        works.journal.problem = None
        works.journal.journals.clear()
        assert works.procedures.active(ana.id) is None
        assert (await works.begin(K.RESTORE, ana)).state is S.ASKING
    assert [entry.record.after["moment"] for entry in works.audit.outcomes] == ["began"]


def test_a_bug_in_the_journal_leaves_a_way_out(
    works: ScriptedProcedures, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with works.running():
            ana = await works.add()

            def broken(_entry: object) -> None:
                works.journal.on_entry = lambda _: None
                raise ZeroDivisionError

            works.worked.waits["do check_archive"] = asyncio.Event()
            procedure = await works.begin(K.RESTORE, ana)
            works.journal.on_entry = broken
            works.worked.waits["do check_archive"].set()
            assert (await works.stands(ana)).state is S.PAUSED
        again = works.again()
        await again.mentorados.load()
        async with again.running():
            await again.procedures.load()
            await again.procedures.undo(procedure.head.id)
            assert (await again.stands(ana)).state is S.UNDONE

    run(main())
    assert "A procedure failed unexpectedly" in caplog.text


async def test_who_begins_while_everything_closes_is_refused(works: ScriptedProcedures) -> None:
    ana = await works.add()
    async with works.procedures:
        beginning = asyncio.gather(works.procedures.begin(K.RESTORE, ana.id), return_exceptions=True)
        await asyncio.sleep(0)
    (refused,) = await beginning
    assert isinstance(refused, Problem)
    assert refused.context["why"] == "closing"


# --- another program -------------------------------------------------------------------------------------------------


async def test_what_another_program_moves_is_left_to_it_and_what_it_left_is_taken_up(works: ScriptedProcedures) -> None:
    async with works.running():
        works.worked.waits[f"do {N.CHECK_ARCHIVE}"] = asyncio.Event()
        ana = await works.add()
        begun = await works.procedures.begin(K.RESTORE, ana.id)
        await settle()
        assert works.locks.held == {begun.head.id}
        other = works.again()
        other.locks.elsewhere[begun.head.id] = True
        async with other.running():
            await other.mentorados.load()
            with pytest.raises(Problem, match="under_way"):
                await other.procedures.begin(K.BACKUP, ana.id)
            await other.procedures.load()
            seen = other.procedures.active(ana.id)
            assert seen is not None
            assert (seen.state, other.procedures.holder(seen)) == (S.RUNNING, "another")
            for wish in (other.procedures.pause, other.procedures.resume, other.procedures.undo):
                with pytest.raises(Problem) as refused:
                    await wish(begun.head.id)
                assert refused.value.code is ProblemCode.NOT_POSSIBLE_NOW
            works.worked.waits[f"do {N.CHECK_ARCHIVE}"].set()
            await works.procedures.pause(begun.head.id)
            assert works.locks.held == set()
            await other.procedures.load()
            seen = other.procedures.active(ana.id)
            assert seen is not None
            assert (seen.state, other.procedures.holder(seen)) == (S.PAUSED, "")
            with pytest.raises(Problem) as refused:
                await other.procedures.resume(begun.head.id)
            assert refused.value.code is ProblemCode.PROCEDURE_HELD
            other.locks.elsewhere.clear()
            await other.procedures.undo(begun.head.id)
            await settle()
            assert other.procedures.active(ana.id) is None
            assert other.locks.held == set()


async def test_what_another_program_ended_is_seen_to_have_ended(works: ScriptedProcedures) -> None:
    async with works.running():
        works.worked.waits[f"do {N.CHECK_ARCHIVE}"] = asyncio.Event()
        ana = await works.add()
        begun = await works.procedures.begin(K.RESTORE, ana.id)
        await settle()
        other = works.again()
        other.locks.elsewhere[begun.head.id] = False
        async with other.running():
            await other.procedures.load()
            await works.procedures.undo(begun.head.id)
            await settle()
            await other.procedures.load()
            assert other.procedures.active(ana.id) is None
            assert other.procedures.unfinished() == []


@pytest.mark.parametrize("certain", [True, False])
async def test_a_person_can_overrule_what_cannot_be_proven_but_nobody_who_is_there(
    works: ScriptedProcedures, *, certain: bool
) -> None:
    async with works.running():
        works.worked.waits[f"do {N.CHECK_ARCHIVE}"] = asyncio.Event()
        ana = await works.add()
        begun = await works.procedures.begin(K.RESTORE, ana.id)
        await settle()
    other = works.again()
    other.locks.elsewhere[begun.head.id] = not certain
    async with other.running():
        await other.procedures.load()
        if certain:
            with pytest.raises(Problem) as refused:
                await other.procedures.take_over(begun.head.id)
            assert refused.value.code is ProblemCode.PROCEDURE_HELD
        else:
            for _ in range(2):
                await other.procedures.take_over(begun.head.id)
                seen = other.procedures.active(ana.id)
                assert seen is not None
                assert seen.state is S.PAUSED


async def test_a_journal_that_cannot_be_written_while_taking_up_is_a_problem_and_holds_nothing(
    works: ScriptedProcedures,
) -> None:
    async with works.running():
        works.worked.waits[f"do {N.CHECK_ARCHIVE}"] = asyncio.Event()
        ana = await works.add()
        await works.procedures.begin(K.RESTORE, ana.id)
        await settle()
    other = works.again()
    async with other.running():
        other.journal.problem = Problem(ProblemCode.DATABASE_LOCKED, path="conecta.db")
        with pytest.raises(Problem) as refused:
            await other.procedures.load()
        assert refused.value.code is ProblemCode.DATABASE_LOCKED
        assert other.locks.held == set()
