"""What a procedure says, chosen by its kind, its steps, and what they found. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.connection import Reason
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment
from app.domain.phone import last_digits
from app.domain.procedure import (
    Procedure,
    ProcedureKind,
    ProcedureState,
    StepName,
    StepRecord,
    StepState,
)
from app.ui import text
from app.ui.text import texts

_SETTLED = (StepState.DONE, StepState.SKIPPED)
_WAITING = (ProcedureState.ASKING, ProcedureState.PAUSED, ProcedureState.FAILED)


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence that a tired person can rely on, and a line with what it means for them."""

    sentence: str
    line: str


def title(kind: ProcedureKind, name: str) -> str:
    return texts(f"procedure.title.{kind}", name=name)


def said(procedure: Procedure, enrolment: Enrolment) -> Said:
    """What is going on, or how it ended."""
    kind, name = procedure.head.kind, enrolment.mentorado.name
    step = procedure.next_step
    match procedure.state:
        case ProcedureState.DONE:
            return Said(outcome(procedure, name), _outcome_line(procedure))
        case ProcedureState.UNDONE:
            return Said(texts("procedure.undone"), texts("procedure.undone_line"))
        case ProcedureState.UNDOING:
            return Said(texts("procedure.undoing"), texts("procedure.undoing_line"))
        case ProcedureState.ASKING:
            return Said(texts(f"procedure.asking.{kind}"), texts(f"procedure.asking_line.{kind}", name=name))
        case ProcedureState.PAUSED:
            stopped = texts(f"procedure.step.{step.name}") if step else ""
            return Said(texts("procedure.paused", step=stopped), texts("procedure.paused_line"))
        case ProcedureState.FAILED:
            return _failed(procedure, step, enrolment)
        case ProcedureState.RUNNING:
            if step is None:
                return Said(texts("procedure.now.record"), texts("procedure.safe.record"))
            return Said(texts(f"procedure.now.{step.name}"), texts(f"procedure.safe.{step.name}", name=name))


def scan(enrolment: Enrolment) -> str:
    """What to ask of the mentorado while a code is on show."""
    digits = last_digits(enrolment.expected_account)
    return texts("procedure.scan", name=enrolment.mentorado.name, digits=digits)


def outcome(procedure: Procedure, name: str) -> str:
    """How it ended well, in one sentence."""
    if procedure.head.kind is ProcedureKind.RECOVERY and procedure.step(StepName.PAIR).state is StepState.SKIPPED:
        return texts("procedure.outcome.recovery_soft", name=name)
    return texts(f"procedure.outcome.{procedure.head.kind}", name=name)


def step_line(step: StepRecord, state: ProcedureState, *, is_next: bool) -> str:
    """What became of a step, or what it is waiting for; nothing for those to come."""
    match step.state:
        case StepState.DONE:
            return _done(step)
        case StepState.SKIPPED:
            key = f"procedure.skipped.{step.name}"
            return texts(key) if texts.has(key) else texts("procedure.skipped.not_needed")
        case StepState.FAILED:
            return texts("procedure.failed_step")
        case StepState.UNDONE:
            return texts("procedure.undone_step")
        case StepState.WAITING | StepState.RUNNING:
            return _at_hand(step, state) if is_next else ""


def _at_hand(step: StepRecord, state: ProcedureState) -> str:
    match state:
        case ProcedureState.ASKING:
            return texts("procedure.waits_step")
        case ProcedureState.PAUSED:
            return texts("procedure.stopped_step")
        case ProcedureState.RUNNING if step.state is StepState.RUNNING:
            return texts("procedure.now_step")
        case _:
            return ""


def spoken_step(procedure: Procedure, step: StepRecord, line: str) -> str:
    """A step as a screen reader says it."""
    words = texts(
        "procedure.spoken_step",
        number=procedure.steps.index(step) + 1,
        total=len(procedure.steps),
        state=texts(f"procedure.spoken.{step.state}"),
        step=texts(f"procedure.step.{step.name}"),
    )
    return f"{words}. {line}" if line else words


def progress(procedure: Procedure, now: datetime) -> str:
    """Which step it is at, and how long it takes; how long it took once it ended."""
    if procedure.ended:
        last = max((step.since for step in procedure.steps if step.since), default=procedure.head.began_at)
        return texts("procedure.ended", time=elapsed(last - procedure.head.began_at))
    settled = sum(step.state in _SETTLED for step in procedure.steps)
    number = min(settled + 1, len(procedure.steps))
    at = texts("procedure.progress", number=number, total=len(procedure.steps))
    if procedure.state in _WAITING:  # it may have waited for days
        return f"{at} · {texts('procedure.began', age=text.age(now - procedure.head.began_at))}"
    return f"{at} · {elapsed(now - procedure.head.began_at)}"


def elapsed(took: timedelta) -> str:
    seconds = max(0, int(took.total_seconds()))
    if seconds < 60:
        return texts("procedure.elapsed_seconds", seconds=seconds)
    if seconds < 3600:
        return texts("procedure.elapsed_minutes", minutes=seconds // 60, seconds=seconds % 60)
    return texts("procedure.elapsed_hours", hours=seconds // 3600, minutes=seconds % 3600 // 60)


def if_closed(procedure: Procedure) -> str:
    """What happens to it if the program is closed now; nothing once it ended."""
    if procedure.ended:
        return ""
    if procedure.state is ProcedureState.UNDOING:
        return texts("procedure.if_closed.undoing")
    if procedure.state in _WAITING:
        return texts("procedure.if_closed.waiting")
    step = procedure.next_step
    pairing = step is not None and step.name is StepName.PAIR
    return texts("procedure.if_closed.pair" if pairing else "procedure.if_closed.running")


def mark(procedure: Procedure) -> str:
    """That there is one, for the summary of its mentorado."""
    return texts(f"procedure.mark.{procedure.state}", title=texts(f"procedure.mark_title.{procedure.head.kind}"))


def _done(step: StepRecord) -> str:
    return texts(f"procedure.done.{step.name}")


def _outcome_line(procedure: Procedure) -> str:
    return texts(f"procedure.outcome_line.{procedure.head.kind}")


def _failed(procedure: Procedure, step: StepRecord | None, enrolment: Enrolment) -> Said:
    sentence, next_step = _trouble(step, enrolment)
    safe = texts("procedure.failed_line" if procedure.can_be_undone else "procedure.failed_forward")
    return Said(sentence, f"{next_step} {safe}".strip())


def _trouble(step: StepRecord | None, enrolment: Enrolment) -> tuple[str, str]:
    """Why a step failed, by the code of the problem or the reason of the link that it wrote down."""
    facts = step.facts if step else {}
    code, reason = facts.get("code", ""), facts.get("reason", "")
    if code in set(Code):
        context = {name: value for name, value in facts.items() if name != "code"}
        return text.problem(Problem(Code(code), **context))
    if reason in set(Reason):
        return texts(f"sentence.blocked.{reason}", account="", provider=text.provider(enrolment.link.provider)), ""
    return texts("procedure.failed_step"), ""
