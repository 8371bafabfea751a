"""Everything a person can do to a mentorado, as data: buttons, menus, shortcuts and commands share this list.

An action is guarded the same way everywhere: may it be done now → is the person sure → may it still → do it → write it
down.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from app.core.action import Action, ActionName, Confirm, Refusal
from app.core.enrolments import Enrolments
from app.core.links.incident import Incidents
from app.core.links.supervisor import Supervisor
from app.core.log_context import about
from app.core.refusals import (
    FORBIDDEN,
    IDLE,
    LOST,
    NEEDS_NEW_CODE,
    NO_CONNECT,
    NO_NEW_PAIRING,
    NO_OLD_SESSION,
    no_archive,
    no_bring_back,
    no_cancel,
    no_credentials,
    no_disconnect,
    no_other_account,
    no_overruling,
    no_pairing,
    no_queue,
    no_registration,
    possible,
)
from app.core.witness import Witness, described
from app.domain.audit import AuditOutcome
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, MentoradoId
from app.domain.ports import Clock
from app.domain.procedure import Procedure, ProcedureKind

_PAIRING = frozenset({ActionName.NEW_CODE, ActionName.REAUTHENTICATE, ActionName.RECOVER})

_ONE_AT_A_TIME = frozenset(
    {
        ActionName.RECOVER,
        ActionName.REAUTHENTICATE,
        ActionName.BACK_UP,
        ActionName.RESTORE,
        ActionName.ARCHIVE,
    }
)
_LINK_IS_TAKEN = frozenset({*_ONE_AT_A_TIME, ActionName.CONNECT, ActionName.NEW_CODE})
"""What waits until a procedure is done or undone; how to go on with it is always offered."""

UnderWay = Callable[[MentoradoId], Procedure | None]
"""The procedure of a mentorado that is not finished."""


class Actions:
    """The actions on a mentorado, and the one way to run them."""

    def __init__(
        self,
        *,
        enrolments: Enrolments,
        supervisor: Supervisor,
        clock: Clock,
        witness: Witness,
        incidents: Incidents,
        under_way: UnderWay,
        interrupt: Callable[[MentoradoId], Awaitable[None]],
    ) -> None:
        self._enrolments = enrolments
        self._under_way = under_way
        self._interrupt = interrupt  # pauses the procedure that moves a link
        self._incidents = incidents
        self._supervisor = supervisor
        self._clock = clock
        self._witness = witness
        self._by_name = {action.name: action for action in self._list()}

    def refusal(self, name: ActionName, mentorado_id: MentoradoId) -> Refusal | None:
        """Why *name* cannot be done now, or None when it can."""
        enrolment = self._enrolments.get(mentorado_id)
        if enrolment.mentorado.archived and name is not ActionName.BRING_BACK:
            return Refusal.ARCHIVED
        why = self._by_name[name].refusal(enrolment, self._supervisor.status(enrolment.link.id))
        if why is None and self._in_the_way(name, mentorado_id):
            return Refusal.UNDER_WAY
        return why or self._locked(name, enrolment)

    def no_pairing(self, mentorado_id: MentoradoId, override_reason: str = "") -> Refusal | None:
        """Why no new code may be shown now, not even by a procedure that is under way."""
        enrolment = self._enrolments.get(mentorado_id)
        status = self._supervisor.status(enrolment.link.id)
        why = self._no_new_pairing(enrolment, status)
        locked = None if override_reason.strip() else self._locked(ActionName.REAUTHENTICATE, enrolment)
        return why or locked

    def opens_sheet(self, name: ActionName) -> bool:
        """Whether *name* is not done by `run`, but by what a sheet asks for."""
        return self._by_name[name].perform is None

    def require(self, name: ActionName, mentorado_id: MentoradoId, *, override_reason: str = "") -> None:
        """Raise `Problem(NOT_POSSIBLE_NOW)` unless *name* may be done now."""
        self._require(self._by_name[name], mentorado_id, override_reason.strip())

    async def run(
        self, name: ActionName, mentorado_id: MentoradoId, confirm: Confirm, *, override_reason: str = ""
    ) -> AuditOutcome:
        """Check, ask when it must be asked, check again, do, write down. Raises `Problem(NOT_POSSIBLE_NOW)`.

        With an *override_reason*, typed by the operator and audited, the lock of an incident is passed; no other is.
        """
        with about(mentorado_id):
            return await self._run(self._by_name[name], mentorado_id, confirm, override_reason.strip())

    async def _run(self, action: Action, mentorado_id: MentoradoId, confirm: Confirm, override: str) -> AuditOutcome:
        name = action.name
        if action.perform is None:
            raise ValueError(f"{name} opens a sheet")
        self._require(action, mentorado_id, override)
        before = self._state(mentorado_id)
        if action.asks and not await confirm(name, self._enrolments.get(mentorado_id)):
            return self._record(name, mentorado_id, before, AuditOutcome.DECLINED, override)
        try:
            self._require(action, mentorado_id, override)  # the world may have moved while they read the question
            if action.recorded:
                await action.perform(mentorado_id)
        except BaseException:
            self._record(name, mentorado_id, before, AuditOutcome.FAILED, override)
            raise
        if not action.recorded:
            enrolment = self._enrolments.get(mentorado_id)
            after = lambda: self._state(mentorado_id)  # noqa: E731
            async with self._witness.around(name, enrolment, before=before, after=after, reason=override):
                await action.perform(mentorado_id)
        return AuditOutcome.DONE

    def _locked(self, name: ActionName, enrolment: Enrolment) -> Refusal | None:
        """During an incident nobody is paired: the trouble is not theirs, and a new code would only be one more."""
        shows_code = name in _PAIRING or (name is ActionName.CONNECT and enrolment.link.account is None)
        return Refusal.INCIDENT if shows_code and self._incidents.of(enrolment.link.provider) else None

    def _in_the_way(self, name: ActionName, mentorado_id: MentoradoId) -> bool:
        """Whether *name* would come between the procedure that is open and what it works on."""
        procedure = self._under_way(mentorado_id)
        if procedure is None:
            return False
        return name in (_ONE_AT_A_TIME if procedure.head.kind is ProcedureKind.BACKUP else _LINK_IS_TAKEN)

    def _record(
        self,
        name: ActionName,
        mentorado_id: MentoradoId,
        before: Mapping[str, str],
        outcome: AuditOutcome,
        override: str,
    ) -> AuditOutcome:
        enrolment, after = self._enrolments.get(mentorado_id), self._state(mentorado_id)
        self._witness.record(name, enrolment, before=before, after=after, outcome=outcome, reason=override)
        return outcome

    def _state(self, mentorado_id: MentoradoId) -> dict[str, str]:
        return described(self._supervisor.status(self._enrolments.get(mentorado_id).link.id))

    def _require(self, action: Action, mentorado_id: MentoradoId, override: str) -> None:
        why = self.refusal(action.name, mentorado_id)
        if why is not None and not (why is Refusal.INCIDENT and override):
            raise Problem(Code.NOT_POSSIBLE_NOW, action=action.name, why=why)

    def _list(self) -> tuple[Action, ...]:
        supervisor, enrolments = self._supervisor, self._enrolments
        return (
            Action(name=ActionName.CONNECT, refusal=self._no_connect, perform=supervisor.connect),
            Action(name=ActionName.TRY_NOW, refusal=self._no_try_now, perform=supervisor.connect),
            Action(name=ActionName.NEW_CODE, refusal=self._no_new_code, perform=supervisor.pair_anew),
            Action(name=ActionName.CANCEL, refusal=no_cancel, perform=self._disconnect),
            Action(name=ActionName.DISCONNECT, refusal=no_disconnect, perform=self._disconnect, asks=True),
            Action(name=ActionName.RECOVER, refusal=self._no_recovery),
            Action(name=ActionName.REAUTHENTICATE, refusal=self._no_reauthenticate),
            Action(name=ActionName.BACK_UP, refusal=possible),
            Action(name=ActionName.RESTORE, refusal=no_archive),
            Action(name=ActionName.ENTER_CREDENTIALS, refusal=no_credentials),
            Action(name=ActionName.DECIDE_QUEUE, refusal=no_queue),
            Action(name=ActionName.REGISTER, refusal=no_registration),
            Action(name=ActionName.DEREGISTER, refusal=no_registration),
            Action(
                name=ActionName.ACCEPT_ACCOUNT,
                refusal=self._no_accept,
                perform=supervisor.accept_account,
                asks=True,
            ),
            Action(
                name=ActionName.REJECT_ACCOUNT,
                refusal=no_other_account,
                perform=supervisor.reject_account,
                asks=True,
            ),
            Action(name=ActionName.LIFT_BAN, refusal=self._no_lift, perform=supervisor.lift, asks=True),
            Action(name=ActionName.OVERRULE_LOCK, refusal=no_overruling, perform=supervisor.overrule_lock, asks=True),
            Action(name=ActionName.ARCHIVE, refusal=no_archive, perform=enrolments.archive, asks=True, recorded=True),
            Action(name=ActionName.BRING_BACK, refusal=no_bring_back, perform=enrolments.bring_back, recorded=True),
        )

    def _forbidden(self, enrolment: Enrolment) -> Reason | None:
        """What WhatsApp holds against the number, whatever the link looks like now."""
        status = self._supervisor.forbidden(enrolment.mentorado.id)
        return None if status is None else status.reason

    def _no_connect(self, enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if status.state in IDLE and (forbidden := self._forbidden(enrolment)):
            return FORBIDDEN[forbidden]
        if status.state is LinkState.BLOCKED and status.reason in NEEDS_NEW_CODE:
            return Refusal.NEEDS_NEW_CODE
        if status.state is LinkState.BLOCKED:
            return NO_OLD_SESSION.get(status.reason)
        return NO_CONNECT.get(status.state)

    def _no_try_now(self, enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if status.state not in (LinkState.RECONNECTING, LinkState.UNKNOWN):
            return Refusal.NOT_LOST
        return Refusal.ALREADY_HURRIED if self._supervisor.hurried(enrolment.link.id) else None

    def _no_accept(self, enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if why := no_other_account(enrolment, status):
            return why
        taken = status.account is not None and self._enrolments.holder(status.account, enrolment.link.id) is not None
        return Refusal.NUMBER_TAKEN if taken else None

    def _no_lift(self, enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if self._forbidden(enrolment) is None:
            return Refusal.NOTHING_FORBIDDEN
        return None if status.state in IDLE else NO_CONNECT[status.state]

    def _no_new_code(self, _enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        fits = {Reason.QR_EXPIRED, Reason.PAIRING_FAILED, Reason.PHONE_UPDATE_REQUIRED}
        return None if status.state is LinkState.BLOCKED and status.reason in fits else Refusal.NO_EXPIRED_CODE

    def _no_reauthenticate(self, enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if why := no_pairing(enrolment) or self._no_new_pairing(enrolment, status):
            return why
        if enrolment.link.account is None and status.state is LinkState.OFF:
            return Refusal.NEVER_PAIRED
        return None if status.state in IDLE else NO_CONNECT.get(status.state)

    def _no_new_pairing(self, enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if self._forbidden(enrolment) is Reason.TEMPORARY_BAN:
            return Refusal.SUSPENDED
        return NO_NEW_PAIRING.get(status.reason) if status.state is LinkState.BLOCKED else None

    def _no_recovery(self, enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if why := no_pairing(enrolment):
            return why
        if status.state is LinkState.BLOCKED:
            return NO_OLD_SESSION.get(status.reason) or self._no_reauthenticate(enrolment, status)
        return None if status.state in LOST else Refusal.NOTHING_TO_RECOVER

    async def _disconnect(self, mentorado_id: MentoradoId) -> None:
        """A procedure that is moving this link is paused first; it would bring it back."""
        await self._interrupt(mentorado_id)
        await self._supervisor.disconnect(mentorado_id)
