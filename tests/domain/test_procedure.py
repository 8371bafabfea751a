"""A procedure is what its journal says: properties that hold for whatever a journal may say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.audit import Actor
from app.domain.mentorado import MentoradoId
from app.domain.procedure import (
    POINT_OF_NO_RETURN,
    STEPS,
    EntryKind,
    JournalEntry,
    Procedure,
    ProcedureInfo,
    ProcedureKind,
    ProcedureState,
    StepData,
    StepName,
    StepState,
    apply,
    new_procedure_id,
    replay,
)
from tests.clock import DAWN

K, E = ProcedureKind, EntryKind
_OF_STEPS = frozenset({E.STEP_BEGAN, E.STEP_DONE, E.STEP_SKIPPED, E.STEP_FAILED, E.STEP_UNDONE, E.ASKED})


def head_of(kind: ProcedureKind) -> ProcedureInfo:
    return ProcedureInfo(
        id=new_procedure_id(), kind=kind, mentorado_id=MentoradoId("a" * 32), actor=Actor(user="rosa"), began_at=DAWN
    )


def entry(head: ProcedureInfo, number: int, kind: EntryKind, step: StepName | None = None) -> JournalEntry:
    return JournalEntry(procedure_id=head.id, number=number, at=DAWN, kind=kind, step=step, facts={"n": str(number)})


@st.composite
def journals(draw: st.DrawFn) -> tuple[ProcedureInfo, list[JournalEntry]]:
    """Any lines at all, of steps this kind of procedure has, up to the last one."""
    head = head_of(draw(st.sampled_from(K)))
    kinds = draw(st.lists(st.sampled_from([kind for kind in E if kind is not E.ENDED]), max_size=40))
    steps = st.sampled_from(STEPS[head.kind])
    lines = [entry(head, n, kind, draw(steps) if kind in _OF_STEPS else None) for n, kind in enumerate(kinds, 1)]
    if draw(st.booleans()):
        lines.append(entry(head, len(lines) + 1, E.ENDED))
    return head, lines


@given(journals())
def test_it_is_the_same_read_at_once_or_line_by_line(journal: tuple[ProcedureInfo, list[JournalEntry]]) -> None:
    head, lines = journal
    step_by_step = replay(head, [])
    for line in lines:
        step_by_step = apply(step_by_step, line)
    assert step_by_step == replay(head, lines)
    assert step_by_step.entries == len(lines)
    assert [step.name for step in step_by_step.steps] == list(STEPS[head.kind])


@given(journals())
def test_it_can_be_undone_until_the_step_without_way_back_is_done(
    journal: tuple[ProcedureInfo, list[JournalEntry]],
) -> None:
    head, lines = journal
    procedure = replay(head, lines)
    last = POINT_OF_NO_RETURN.get(head.kind)
    passed = last is not None and procedure.step(last).state is StepState.DONE
    assert procedure.can_be_undone is not (passed or procedure.ended)


@given(journals())
def test_it_has_ended_when_its_journal_says_so_and_only_then(
    journal: tuple[ProcedureInfo, list[JournalEntry]],
) -> None:
    head, lines = journal
    procedure = replay(head, lines)
    assert procedure.ended is (bool(lines) and lines[-1].kind is E.ENDED)
    if not procedure.ended:  # whoever must act next has something to act on
        assert procedure.state in ProcedureState
        assert procedure.next_step is not None or all(s.state is not StepState.WAITING for s in procedure.steps)


@given(journals())
def test_nobody_is_taken_past_the_point_of_no_return_without_having_said_go(
    journal: tuple[ProcedureInfo, list[JournalEntry]],
) -> None:
    head, lines = journal
    procedure = replay(head, lines)
    confirmed = any(line.kind is E.CONFIRMED for line in lines)
    before_it = procedure.next_step is not None and procedure.next_step.name is POINT_OF_NO_RETURN.get(head.kind)
    assert procedure.must_confirm is (before_it and not confirmed)


@given(journals())
def test_once_it_is_being_undone_it_only_goes_back(journal: tuple[ProcedureInfo, list[JournalEntry]]) -> None:
    head, lines = journal
    assert replay(head, lines).undoing is any(line.kind is E.UNDO_BEGAN for line in lines)


def test_what_was_undone_ends_as_undone() -> None:
    def ends(*kinds: EntryKind) -> Procedure:
        head = head_of(K.BACKUP)
        lines = [entry(head, n, kind, StepName.COLLECT if kind in _OF_STEPS else None) for n, kind in enumerate(kinds)]
        return replay(head, lines)

    assert ends(E.BEGAN, E.STEP_BEGAN, E.STEP_DONE, E.ENDED).state is ProcedureState.DONE
    assert ends(E.BEGAN, E.STEP_BEGAN, E.STEP_UNDONE, E.ENDED).state is ProcedureState.UNDONE


def test_a_step_remembers_all_it_ever_found() -> None:
    head = head_of(K.BACKUP)
    lines = [
        JournalEntry(
            procedure_id=head.id, number=n, at=DAWN, kind=kind, step=StepName.COLLECT, facts={kind.value: "yes"}
        )
        for n, kind in enumerate((E.STEP_BEGAN, E.STEP_FAILED, E.STEP_BEGAN, E.STEP_DONE), 1)
    ]
    assert set(replay(head, lines).step(StepName.COLLECT).facts) == {"step_began", "step_failed", "step_done"}


@pytest.mark.parametrize(
    ("kind", "begun_with", "found", "link_id"),
    [
        (ProcedureKind.SWITCH, {}, {}, None),
        (ProcedureKind.SWITCH, {}, {"to_link": "target"}, "target"),
        (ProcedureKind.ROLL_BACK, {"from_link": "former", "to_link": "target"}, {}, "former"),
        (ProcedureKind.RECOVERY, {}, {}, None),
    ],
)
def test_a_switch_connects_a_link_beside_the_one_in_use(
    kind: ProcedureKind, begun_with: StepData, found: StepData, link_id: str | None
) -> None:
    begun = replay(replace(head_of(kind), facts=begun_with), [])
    steps = tuple(replace(step, facts=found) for step in begun.steps)
    assert replace(begun, steps=steps).link_id == link_id
