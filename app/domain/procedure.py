"""An operator's long piece of work, written down step by step: a crash in the middle leaves what to continue or undo.

A procedure is what its journal says: `replay` reads the entries, and nothing else is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType
from uuid import uuid4

from app.domain.audit import Actor
from app.domain.errors import ProblemCode
from app.domain.mentorado import LinkId, MentoradoId

ProcedureId = NewType("ProcedureId", str)
StepData = Mapping[str, str]
"""What a step found or made, as plain values: never a secret, never a whole phone number."""


class ProcedureKind(StrEnum):
    """Stable: they are in every journal."""

    RECOVERY = "recovery"
    REAUTHENTICATION = "reauthentication"
    BACKUP = "backup"
    RESTORE = "restore"
    SWITCH = "switch"  # of the provider
    ROLL_BACK = "roll_back"  # of a switch


class StepName(StrEnum):
    """Stable, as the kinds are; words are chosen by them."""

    SCOPE = "scope"  # one link or many?
    SOFT_RECONNECT = "soft_reconnect"  # the session files are not touched
    BACK_UP = "back_up"
    PAIR = "pair"  # a new QR, for this mentorado only
    VERIFY_ACCOUNT = "verify_account"
    SMOKE_CHECK = "smoke_check"
    RECORD = "record"
    COLLECT = "collect"  # copy what belongs into a backup, beside its place
    VERIFY_ARCHIVE = "verify_archive"  # read it back
    PUT_IN_PLACE = "put_in_place"
    CHECK_ARCHIVE = "check_archive"  # is it whole, and whose is it?
    MERGE_HISTORY = "merge_history"
    RESTORE_SESSION = "restore_session"
    CHECK_SWITCH = "check_switch"  # may it begin, and what is switched to?
    CONNECT_TARGET = "connect_target"  # beside the provider in use
    TEST_TARGET = "test_target"
    CUT_OVER = "cut_over"  # from here on the target carries the messages
    CONNECT_FORMER = "connect_former"
    CUT_BACK = "cut_back"
    STOP_TARGET = "stop_target"


_S, _K = StepName, ProcedureKind

STEPS: Final[Mapping[ProcedureKind, tuple[StepName, ...]]] = MappingProxyType(
    {
        _K.RECOVERY: (
            _S.SCOPE,
            _S.SOFT_RECONNECT,
            _S.BACK_UP,
            _S.PAIR,
            _S.VERIFY_ACCOUNT,
            _S.SMOKE_CHECK,
            _S.RECORD,
        ),
        _K.REAUTHENTICATION: (_S.BACK_UP, _S.PAIR, _S.VERIFY_ACCOUNT, _S.SMOKE_CHECK, _S.RECORD),
        _K.BACKUP: (_S.COLLECT, _S.VERIFY_ARCHIVE, _S.PUT_IN_PLACE, _S.RECORD),
        _K.RESTORE: (_S.CHECK_ARCHIVE, _S.BACK_UP, _S.MERGE_HISTORY, _S.RESTORE_SESSION, _S.RECORD),
        _K.SWITCH: (_S.CHECK_SWITCH, _S.CONNECT_TARGET, _S.TEST_TARGET, _S.CUT_OVER, _S.RECORD),
        _K.ROLL_BACK: (_S.CONNECT_FORMER, _S.CUT_BACK, _S.STOP_TARGET, _S.RECORD),
    }
)

POINT_OF_NO_RETURN: Final[Mapping[ProcedureKind, StepName]] = MappingProxyType(
    {_K.RECOVERY: _S.PAIR, _K.REAUTHENTICATION: _S.PAIR, _K.RESTORE: _S.MERGE_HISTORY}
)
"""Once this step is done, the procedure can only go forward. It is announced, and confirmed, before the step begins."""


ENDS_CONNECTION: Final = "ends_connection"
"""The fact with which a procedure begins that may end a connection that works; without it, one that works is left."""


_NEED_LINK: Final = frozenset({_S.PAIR, _S.VERIFY_ACCOUNT, _S.CONNECT_TARGET})
_LINK_LACKED: Final = frozenset({ProblemCode.LINK_NOT_BACK, ProblemCode.NOT_POSSIBLE_NOW})


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"  # not needed: the link came back before
    FAILED = "failed"
    UNDONE = "undone"


class ProcedureState(StrEnum):
    """The state of a procedure, named by who must act next."""

    RUNNING = "running"
    ASKING = "asking"  # a person must say go: after the next step there is no way back
    PAUSED = "paused"  # by a person, or because the program ended
    FAILED = "failed"  # the step can be tried again, or all be undone
    UNDOING = "undoing"
    DONE = "done"
    UNDONE = "undone"


ENDED: Final = frozenset({ProcedureState.DONE, ProcedureState.UNDONE})


class EntryKind(StrEnum):
    """The kind of a journal entry. An entry is on disk before what it announces begins."""

    BEGAN = "began"
    STEP_BEGAN = "step_began"
    STEP_DONE = "step_done"
    STEP_SKIPPED = "step_skipped"
    STEP_FAILED = "step_failed"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    PAUSED = "paused"
    CONTINUED = "continued"
    UNDO_BEGAN = "undo_began"
    STEP_UNDONE = "step_undone"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One line of a procedure's journal; *number* is counted from 1 without gaps."""

    procedure_id: ProcedureId
    number: int
    at: datetime
    kind: EntryKind
    step: StepName | None = None
    facts: StepData = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """How far one step is."""

    name: StepName
    state: StepState = StepState.WAITING
    since: datetime | None = None
    facts: StepData = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureInfo:
    """The fixed properties of a procedure."""

    id: ProcedureId
    kind: ProcedureKind
    mentorado_id: MentoradoId
    actor: Actor
    began_at: datetime
    facts: StepData = field(
        default_factory=dict
    )  # what it was begun with: an archive's path, the reason of an override


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """A procedure as it stands. *entries* is how many lines its journal has."""

    head: ProcedureInfo
    state: ProcedureState = ProcedureState.RUNNING
    steps: tuple[StepRecord, ...]
    entries: int = 0
    confirmed: bool = False  # a person was told about the way back that ends, and said go
    undoing: bool = False  # a person wants all of it taken back; from then on it only goes back

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def next_step(self) -> StepRecord | None:
        """The first step that is neither done nor skipped."""
        settled = (StepState.DONE, StepState.SKIPPED)
        return next((step for step in self.steps if step.state not in settled), None)

    @property
    def can_be_undone(self) -> bool:
        """Whether all that was done so far can be taken back."""
        last = POINT_OF_NO_RETURN.get(self.head.kind)
        return not self.ended and not any(step.name is last and step.state is StepState.DONE for step in self.steps)

    @property
    def awaits_link(self) -> bool:
        """Whether it failed because its link was not connected, and can go on as soon as the link is."""
        step = self.next_step
        if self.state is not ProcedureState.FAILED or self.undoing or step is None:
            return False
        return step.name in _NEED_LINK and step.facts.get("code") in _LINK_LACKED

    @property
    def must_confirm(self) -> bool:
        """Whether the next step needs a confirmation."""
        step = self.next_step
        return step is not None and step.name is POINT_OF_NO_RETURN.get(self.head.kind) and not self.confirmed

    @property
    def link_id(self) -> LinkId | None:
        """The link beside the one in use that it connects; None where it works with the one in use."""
        match self.head.kind:
            case ProcedureKind.SWITCH:
                found = self.step(StepName.CHECK_SWITCH).facts.get("to_link")
            case ProcedureKind.ROLL_BACK:
                found = self.head.facts.get("from_link")
            case _:
                found = None
        return None if found is None else LinkId(found)

    @property
    def ends_connection(self) -> bool:
        """Whether it was begun although the connection worked, by a person who was told that it ends."""
        return self.head.facts.get(ENDS_CONNECTION) == "yes"

    def step(self, name: StepName) -> StepRecord:
        return next(step for step in self.steps if step.name is name)


def new_procedure_id() -> ProcedureId:
    return ProcedureId(uuid4().hex)


def replay(head: ProcedureInfo, journal: Iterable[JournalEntry]) -> Procedure:
    """Rebuild the procedure from its *journal*, oldest entry first."""
    procedure = Procedure(head=head, steps=tuple(StepRecord(name=name) for name in STEPS[head.kind]))
    for entry in journal:
        procedure = apply(procedure, entry)
    return procedure


def apply(procedure: Procedure, entry: JournalEntry) -> Procedure:
    """The procedure once *entry* was written."""
    procedure = replace(
        procedure, entries=entry.number, state=_STATES.get(entry.kind, procedure.state), steps=_steps(procedure, entry)
    )
    if entry.kind is EntryKind.CONFIRMED:
        return replace(procedure, confirmed=True)
    if entry.kind is EntryKind.UNDO_BEGAN:
        return replace(procedure, undoing=True)
    if entry.kind is EntryKind.ENDED:
        undone = any(step.state is StepState.UNDONE for step in procedure.steps) or "undone" in entry.facts
        return replace(procedure, state=ProcedureState.UNDONE if undone else ProcedureState.DONE)
    return procedure


_STATES: Final = MappingProxyType(
    {
        EntryKind.STEP_BEGAN: ProcedureState.RUNNING,
        EntryKind.STEP_FAILED: ProcedureState.FAILED,
        EntryKind.ASKED: ProcedureState.ASKING,
        EntryKind.CONFIRMED: ProcedureState.RUNNING,
        EntryKind.PAUSED: ProcedureState.PAUSED,
        EntryKind.CONTINUED: ProcedureState.RUNNING,
        EntryKind.UNDO_BEGAN: ProcedureState.UNDOING,
    }
)

_STEP_STATES: Final = MappingProxyType(
    {
        EntryKind.STEP_BEGAN: StepState.RUNNING,
        EntryKind.STEP_DONE: StepState.DONE,
        EntryKind.STEP_SKIPPED: StepState.SKIPPED,
        EntryKind.STEP_FAILED: StepState.FAILED,
        EntryKind.STEP_UNDONE: StepState.UNDONE,
    }
)


def _steps(procedure: Procedure, entry: JournalEntry) -> tuple[StepRecord, ...]:
    state = _STEP_STATES.get(entry.kind)
    if state is None:
        return procedure.steps
    return tuple(
        replace(step, state=state, since=entry.at, facts={**step.facts, **entry.facts})
        if step.name is entry.step
        else step
        for step in procedure.steps
    )
