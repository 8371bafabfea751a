"""What a step of a procedure is made of; `app.core.procedures.service` runs them, and others bring them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from app.core.backups import BackupService
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.outbound.service import OutboundService
from app.domain.backup import BackupProgress
from app.domain.consent import Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import SmokeTestOutcome
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind
from app.domain.outbound import Hold, OutboundState
from app.domain.procedure import Procedure, ProcedureId, StepData, StepName
from app.domain.provider_descriptor import DESCRIPTORS
from app.domain.sending import OutgoingMessage


def ignore_progress(_progress: BackupProgress) -> None:
    """Default progress callback: ignore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """What a step is given: the *procedure* as its journal says when the step is asked.

    The *secret* (a passphrase) lives in memory only: it is empty after a restart unless a person types it again.
    *tell* says how far an archive is.
    """

    procedure: Procedure
    secret: str = field(default="", repr=False)
    tell: Callable[[BackupProgress], None] = ignore_progress

    @property
    def id(self) -> ProcedureId:
        return self.procedure.head.id

    @property
    def mentorado_id(self) -> MentoradoId:
        return self.procedure.head.mentorado_id

    @property
    def parameters(self) -> StepData:
        """What the procedure was begun with: an archive's path, the reason of an override."""
        return self.procedure.head.facts

    def facts(self, name: StepName) -> StepData:
        """What step *name* has found or made so far; nothing for a step this kind of procedure does not have."""
        return next((step.facts for step in self.procedure.steps if step.name is name), {})


async def no_op(_run: StepContext) -> StepData:
    """Default step function: do nothing."""
    return {}


async def not_applicable(_run: StepContext) -> StepData | None:
    """Default of `skip` and `already_done`: does not apply."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, for every kind of procedure that has it.

    All of these may be called again after a crash in their middle, and must be right then, too. A `Problem` makes the
    step fail with its code and context as facts; it can be tried again. What they return is written into the journal:
    never a secret, never a whole phone number. They are cancelled when a person pauses, or the program ends.

    - *do* does it. The journal says that it began before it is called, and that it is done after it returned.
    - *undo* takes back what *do* did, whole, in part or not at all. It is not called for steps that never began.
    - *skip* returns facts (why) when the step is not needed any more; asked before it begins.
    - *before* is asked just before it begins, and for the step without way back before a person is asked to confirm.
      It raises `Problem` when the step must not begin. Its facts are in the journal before *do* is called, which is
      the place for whatever *happened* and *undo* compare with after a crash.
    - *happened* returns facts when a step that began, and is not known to have ended, was in fact done.
    - *pause* puts into a quiet state what a cancelled *do* leaves behind.
    - *optional* steps are tried twice; failing again, they are left out, with the fact `left_out`. Steps after the one
      without way back must be optional (or be sure to succeed in the end): a procedure must always come to an end.
    """

    name: StepName
    do: Callable[[StepContext], Awaitable[StepData]]
    undo: Callable[[StepContext], Awaitable[StepData]] = no_op
    skip: Callable[[StepContext], Awaitable[StepData | None]] = not_applicable
    before: Callable[[StepContext], Awaitable[StepData]] = no_op
    already_done: Callable[[StepContext], Awaitable[StepData | None]] = not_applicable
    pause: Callable[[StepContext], Awaitable[StepData]] = no_op
    optional: bool = False


class SmokeCheck:
    """SMOKE_CHECK: sends and waits for the server to take it. *note* is the text, in the operator's language."""

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        outbound: OutboundService,
        note: Callable[[], str],
    ) -> None:
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._outbound = outbound
        self._note = note

    def step(self) -> Step:
        return Step(name=StepName.SMOKE_CHECK, do=self._check, skip=self._skip_facts, optional=True)

    async def _skip_facts(self, run: StepContext) -> StepData | None:
        kind = self._mentorados.get(run.mentorado_id).link.provider
        if not self._outbound.can_send(kind):
            return {"why": "cannot_send"}
        return None if DESCRIPTORS[kind].sends_to_itself else {"why": "not_to_itself"}

    async def _check(self, run: StepContext) -> StepData:
        mentorado = self._mentorados.get(run.mentorado_id)
        own = self._supervisor.number_of(mentorado)
        note = OutgoingMessage(to=Address(AddressKind.PHONE, own), text=self._note())
        sent = await self._outbound.send(mentorado.id, note, Purpose.SMOKE_TEST)
        if isinstance(sent, Hold):
            raise Problem(ProblemCode.SMOKE_CHECK_FAILED, trouble=sent.reason)
        if sent.trouble is not None:
            raise Problem(ProblemCode.SMOKE_CHECK_FAILED, trouble=sent.trouble, provider_code=sent.code)
        if sent.state is not OutboundState.ACCEPTED:
            raise Problem(ProblemCode.SMOKE_CHECK_FAILED, trouble="uncertain")
        self._supervisor.record_smoke_test(run.mentorado_id, SmokeTestOutcome.PARTLY)  # accepted, and no more was asked
        return {"sent": "yes"}


_MADE_AGAIN = frozenset({ProblemCode.BACKUP_UNREADABLE, ProblemCode.BACKUP_ALTERED})


class BackupSteps:
    """COLLECT, VERIFY_ARCHIVE and PUT_IN_PLACE.

    A passphrase is nowhere but in memory. What began with one never goes on without it.
    """

    def __init__(self, backups: BackupService) -> None:
        self._backups = backups

    def steps(self) -> tuple[Step, ...]:
        return (
            Step(name=StepName.COLLECT, do=self._collect, before=self._encryption_facts, undo=self._discard),
            Step(name=StepName.VERIFY_ARCHIVE, do=self._verify, undo=self._discard),
            Step(name=StepName.PUT_IN_PLACE, do=self._put_in_place),
        )

    async def _encryption_facts(self, run: StepContext) -> StepData:
        locked = run.facts(StepName.COLLECT).get("encrypted") == "yes"
        if locked and not run.secret:
            raise Problem(ProblemCode.BACKUP_LOCKED, path=str(run.id))
        return {"encrypted": "yes" if run.secret else "no"}

    async def _collect(self, run: StepContext) -> StepData:
        return await self._backups.collect(run.id, run.mentorado_id, passphrase=run.secret, on_progress=run.tell)

    async def _verify(self, run: StepContext) -> StepData:
        try:
            info = await self._backups.verify_part(run.id, passphrase=run.secret, on_progress=run.tell)
        except Problem as problem:
            if problem.code not in _MADE_AGAIN:
                raise
            await self._encryption_facts(run)
            await self._collect(run)  # somebody took it away, or the disk did
            info = await self._backups.verify_part(run.id, passphrase=run.secret, on_progress=run.tell)
        return {
            "messages": str(info.messages),
            "conversations": str(info.conversations),
            "session": "none" if info.account is None else "kept",
            "size": str(info.size),
            "encrypted": "yes" if info.encrypted else "no",
        }

    async def _put_in_place(self, run: StepContext) -> StepData:
        info = await self._backups.publish(run.id)
        return {
            "path": str(info.path),
            "messages": str(info.messages),
            "size": str(info.size),
            "encrypted": "yes" if info.encrypted else "no",
        }

    async def _discard(self, run: StepContext) -> StepData:
        await self._backups.discard_part(run.id)
        return {}
