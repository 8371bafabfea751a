"""Procedures move entry by entry, stop where a person is needed, and are taken up after any end of the program."""

from __future__ import annotations

import asyncio

import pytest

from app.core.procedures.steps import Step, no_op
from app.domain.actions import ActionName
from app.domain.audit import AuditOutcome
from app.domain.backup import SessionOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.events import BackupProgressed, ProcedureChanged
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado
from app.domain.procedure import (
    EntryKind,
    Procedure,
    ProcedureId,
    ProcedureKind,
    ProcedureState,
    StepName,
    StepState,
)
from app.domain.provider import Blocked, Connected, QrIssued, QrScanned
from tests.clock import settle
from tests.core.conftest import Run
from tests.core.procedures.scripted_steps import ScriptedProcedures, asking
from tests.services import Core

K, S, N = ProcedureKind, ProcedureState, StepName


@pytest.fixture
def works(core: Core) -> ScriptedProcedures:
    return ScriptedProcedures(core.clock)


def kinds(core: Core) -> list[str]:
    return core.journal.kinds()


TO_THE_QUESTION = [
    "began",
    "step_began check_archive",
    "step_done check_archive",
    "step_began back_up",
    "step_done back_up",
    "asked merge_history",
]


async def test_it_goes_by_itself_to_the_point_of_no_return_and_asks_with_the_figures(works: ScriptedProcedures) -> None:
    async with works.running():
        ana, _ = await asking(works)
        procedure = works.procedures.active(ana.id)
        assert procedure is not None
        assert (procedure.must_confirm, procedure.can_be_undone) == (True, True)
        figures = procedure.step(N.MERGE_HISTORY).facts
        assert figures == {}  # what was asked is no fact of the step
        asked = works.journal.journals[procedure.head.id][1][-1]
        assert (asked.facts["messages"], asked.facts["contacts"]) == ("12431", "41")
        assert asked.facts["session"] == SessionOutcome.NONE
        assert procedure.step(N.CHECK_ARCHIVE).facts["path"] == "/backups/ana"
    assert kinds(works) == TO_THE_QUESTION
    assert works.worked.lines == ["do check_archive", "do back_up", "before merge_history"]


async def test_confirmed_it_goes_to_its_end_and_is_written_down(works: ScriptedProcedures) -> None:
    async with works.running():
        ana, procedure_id = await asking(works)
        await works.procedures.confirm(procedure_id)
        done = await works.stands(ana)
        assert (done.state, done.can_be_undone) == (S.DONE, False)
        assert works.procedures.active(ana.id) is None
        assert works.procedures.unfinished() == []
    assert kinds(works)[6:] == [
        "confirmed",
        "step_began merge_history",
        "step_done merge_history",
        "step_began restore_session",
        "step_done restore_session",
        "step_began record",
        "step_done record",
        "ended",
    ]
    began, ended = [entry.record for entry in works.audit.outcomes]
    assert (began.action, began.after["moment"], ended.after["moment"]) == ("restore", "began", "done")
    assert (ended.outcome, ended.after["procedure"]) == (AuditOutcome.DONE, procedure_id)


async def test_every_entry_is_told_and_how_far_an_archive_is(works: ScriptedProcedures) -> None:
    progress: list[BackupProgressed] = []
    works.bus.subscribe(BackupProgressed, progress.append)
    async with works.running():
        _, procedure_id = await asking(works)
    states = [e.procedure.entries for e in works.listener.events if isinstance(e, ProcedureChanged)]
    assert states == [1, 2, 3, 4, 5, 6]
    assert {moved.procedure_id for moved in progress} == {procedure_id}


async def test_a_mentorado_has_one_procedure_at_a_time(works: ScriptedProcedures) -> None:
    async with works.running():
        ana = await works.add()
        both = await asyncio.gather(
            works.procedures.begin(K.RESTORE, ana.id),
            works.procedures.begin(K.RESTORE, ana.id),
            return_exceptions=True,
        )
        refused = [one for one in both if isinstance(one, Problem)]
        assert [problem.context["why"] for problem in refused] == ["under_way"]
        with pytest.raises(Problem) as caught:
            await works.procedures.begin(K.RESTORE, ana.id)
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
        bia = await works.add("Bia", "11 98765-0000")
        await works.begin(K.RESTORE, bia)
        assert [one.head.mentorado_id for one in works.procedures.unfinished()] == [
            ana.id,
            bia.id,
        ]


async def test_a_step_that_fails_says_why_and_can_be_tried_again(works: ScriptedProcedures) -> None:
    async with works.running():
        ana = await works.add()
        works.worked.problem["do back_up"] = Problem(ProblemCode.BACKUP_DISK_FULL, path="/backups")
        failed = await works.begin(K.RESTORE, ana)
        assert failed.state is S.FAILED
        assert failed.step(N.BACK_UP).facts == {"code": "backup_disk_full", "path": "/backups"}
        works.worked.problem.clear()
        await works.procedures.resume(failed.head.id)
        assert (await works.stands(ana)).state is S.ASKING
    assert kinds(works)[3:] == [
        "step_began back_up",
        "step_failed back_up",
        "continued",
        "step_began back_up",
        "step_done back_up",
        "asked merge_history",
    ]


def test_a_bug_in_a_step_is_a_failure_of_that_step(
    works: ScriptedProcedures, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with works.running():
            ana = await works.add()
            works.worked.problem["do back_up"] = ZeroDivisionError("a bug")
            failed = await works.begin(K.RESTORE, ana)
            assert (failed.state, failed.step(N.BACK_UP).facts) == (S.FAILED, {"code": "unexpected"})

    run(main())
    assert "A step failed unexpectedly" in caplog.text


async def test_a_step_that_is_not_needed_is_left_out(works: ScriptedProcedures) -> None:
    works.worked.skipped.add(N.BACK_UP)
    async with works.running():
        ana, _ = await asking(works)
        procedure = await works.stands(ana)
        assert procedure.step(N.BACK_UP).state is StepState.SKIPPED
    assert "do back_up" not in works.worked.lines


async def test_a_pause_cuts_the_step_short_and_going_on_does_it_again(works: ScriptedProcedures) -> None:
    async with works.running():
        ana = await works.add()
        works.worked.waits["do back_up"] = asyncio.Event()
        procedure = await works.begin(K.RESTORE, ana)
        assert procedure.state is S.RUNNING
        await works.procedures.pause(procedure.head.id)
        paused = await works.stands(ana)
        assert (paused.state, paused.step(N.BACK_UP).state) == (S.PAUSED, StepState.RUNNING)
        with pytest.raises(Problem):
            await works.procedures.pause(procedure.head.id)
        works.worked.waits.clear()
        await works.procedures.resume(procedure.head.id)
        assert (await works.stands(ana)).state is S.ASKING
    assert works.worked.lines.count("do back_up") == 2


@pytest.mark.parametrize("turns", range(40))
async def test_a_pause_at_any_moment_leaves_what_can_be_gone_on_with(works: ScriptedProcedures, turns: int) -> None:
    async with works.running():
        ana = await works.add()
        procedure = await works.procedures.begin(K.RESTORE, ana.id)
        await settle(turns)
        await works.procedures.pause(procedure.head.id)
        paused = works.procedures.active(ana.id)
        assert paused is not None
        assert paused.state is S.PAUSED
        count = len(works.worked.lines)
        await settle()
        assert len(works.worked.lines) == count  # it stands still
        await works.procedures.resume(procedure.head.id)
        assert (await works.stands(ana)).state is S.ASKING


async def test_a_step_puts_in_order_what_a_pause_interrupted(works: ScriptedProcedures) -> None:
    async with works.running():
        ana, procedure_id = await asking(works)
        works.worked.waits["do merge_history"] = asyncio.Event()
        await works.procedures.confirm(procedure_id)
        await works.stands(ana)
        works.worked.problem["pause merge_history"] = Problem(ProblemCode.DATABASE_LOCKED)
        await works.procedures.pause(procedure_id)
        assert (await works.stands(ana)).state is S.PAUSED
    assert works.worked.lines[-1] == "pause merge_history"


async def test_a_question_can_wait(works: ScriptedProcedures) -> None:
    async with works.running():
        ana, procedure_id = await asking(works)
        await works.procedures.pause(procedure_id)
        assert (await works.stands(ana)).state is S.PAUSED
        with pytest.raises(Problem):
            await works.procedures.confirm(procedure_id)
        await works.procedures.resume(procedure_id)
        assert (await works.stands(ana)).state is S.ASKING  # nobody has said yes


async def test_an_undo_takes_back_what_was_done_the_last_first(works: ScriptedProcedures) -> None:
    async with works.running():
        ana, procedure_id = await asking(works)
        await works.procedures.undo(procedure_id)
        undone = await works.stands(ana)
        assert (undone.state, undone.ended) == (S.UNDONE, True)
        assert works.procedures.active(ana.id) is None
    assert kinds(works)[6:] == ["undo_began", "step_undone back_up", "step_undone check_archive", "ended"]
    assert works.worked.lines[-2:] == ["undo back_up", "undo check_archive"]
    assert works.audit.outcomes[-1].record.outcome is AuditOutcome.DECLINED


async def test_what_was_left_out_or_never_began_is_not_undone(works: ScriptedProcedures) -> None:
    works.worked.skipped.add(N.CHECK_ARCHIVE)
    async with works.running():
        ana = await works.add()
        works.worked.waits["do back_up"] = asyncio.Event()
        procedure = await works.begin(K.RESTORE, ana)
        await works.procedures.undo(procedure.head.id)  # without a pause before
        assert (await works.stands(ana)).state is S.UNDONE
    assert works.worked.lines == ["do back_up", "undo back_up"]


async def test_an_undo_that_fails_or_is_paused_is_gone_on_with(works: ScriptedProcedures) -> None:
    async with works.running():
        ana, procedure_id = await asking(works)
        works.worked.problem["undo check_archive"] = Problem(ProblemCode.BACKUP_FOLDER_UNUSABLE)
        await works.procedures.undo(procedure_id)
        failed = await works.stands(ana)
        assert (failed.state, failed.undoing, failed.can_be_undone) == (S.FAILED, True, True)
        works.worked.problem.clear()
        works.worked.waits["undo check_archive"] = asyncio.Event()
        await works.procedures.resume(procedure_id)
        assert (await works.stands(ana)).state is S.UNDOING
        await works.procedures.pause(procedure_id)
        assert (await works.stands(ana)).state is S.PAUSED
        works.worked.waits.clear()
        await works.procedures.undo(procedure_id)
        assert (await works.stands(ana)).state is S.UNDONE
    assert works.worked.lines.count("undo back_up") == 1


async def test_there_is_no_undo_behind_the_point_of_no_return(works: ScriptedProcedures) -> None:
    async with works.running():
        ana, procedure_id = await asking(works)
        works.worked.waits["do restore_session"] = asyncio.Event()
        await works.procedures.confirm(procedure_id)
        assert not (await works.stands(ana)).can_be_undone
        with pytest.raises(Problem) as caught:
            await works.procedures.undo(procedure_id)
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
        await works.procedures.pause(procedure_id)
        with pytest.raises(Problem):
            await works.procedures.undo(procedure_id)


async def test_an_optional_step_is_tried_twice_and_then_left_out(works: ScriptedProcedures) -> None:
    async with works.running():
        ana, procedure_id = await asking(works)
        works.worked.problem["do restore_session"] = Problem(ProblemCode.SESSION_USED_SINCE)
        await works.procedures.confirm(procedure_id)
        assert (await works.stands(ana)).state is S.FAILED
        await works.procedures.resume(procedure_id)
        done = await works.stands(ana)
        assert done.state is S.DONE
        assert done.step(N.RESTORE_SESSION).state is StepState.SKIPPED
        assert done.step(N.RESTORE_SESSION).facts["left_out"] == "yes"
    assert works.audit.outcomes[-1].record.outcome is AuditOutcome.FAILED


async def test_the_record_is_written_once_however_often_it_is_tried(works: ScriptedProcedures) -> None:
    async with works.running():
        ana, procedure_id = await asking(works)
        await works.procedures.confirm(procedure_id)
        done = await works.stands(ana)
        await works.procedures._recorder.ended(done)
    assert [entry.record.after["moment"] for entry in works.audit.outcomes] == ["began", "done"]


async def test_nobody_moves_what_nobody_began(works: ScriptedProcedures) -> None:
    async with works.running():
        nobody = ProcedureId("0" * 32)
        for wish in (works.procedures.pause, works.procedures.resume, works.procedures.undo):
            with pytest.raises(Problem) as caught:
                await wish(nobody)
            assert caught.value.code is ProblemCode.PROCEDURE_UNKNOWN


def test_a_procedure_that_could_get_stuck_is_not_accepted(works: ScriptedProcedures) -> None:
    steps = works.worked.steps()
    with pytest.raises(ValueError, match="stuck"):
        works.with_steps([*steps[:-1], Step(name=N.RESTORE_SESSION, do=no_op)])
    with pytest.raises(ValueError, match="nobody could tell"):
        works.with_steps([Step(name=N.MERGE_HISTORY, do=no_op)])


async def test_switching_off_pauses_what_would_bring_the_link_back(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.procedures.pause_active(ana.id)  # nothing is under way
        procedure = await paired_and_pairing_again(core, ana)
        assert procedure.state is S.RUNNING
        await core.do(ActionName.CANCEL, ana)
        assert (await core.stands(ana)).state is S.PAUSED
        assert core.status(ana).state is LinkState.OFF
        await core.procedures.pause_active(ana.id)  # it stands still already


async def paired_and_pairing_again(core: Core, ana: Mentorado) -> Procedure:
    phone = ana.phone
    await core.supervisor.connect(ana.id)
    await settle()
    core.provider.line.say(QrIssued("x", 1, 6, 60), QrScanned(phone), Connected(phone))
    await settle()
    core.provider.line.say(Blocked(Reason.LOGGED_OUT))
    await settle()
    asks = await core.begin(K.REAUTHENTICATION, ana)
    await core.procedures.confirm(asks.head.id)
    return await core.stands(ana)


async def test_the_journal_says_what_kind_of_entry_belongs_to_a_step(works: ScriptedProcedures) -> None:
    async with works.running():
        await asking(works)
    entries = [entry for _, lines in works.journal.journals.values() for entry in lines]
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert {entry.kind for entry in entries if entry.step is None} == {EntryKind.BEGAN}
