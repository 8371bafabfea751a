"""Everything a person can do to a mentorado, as data: buttons, menus, shortcuts and commands share this list.

An action is guarded the same way everywhere: may it be done now → is the person sure → may it still → do it → write it
down.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from app.core.action_rules import (
    FORBIDDEN,
    IDLE,
    LOST,
    NEEDS_NEW_CODE,
    NO_CONNECT,
    NO_NEW_PAIRING,
    NO_OLD_SESSION,
    always_available,
    check_archive,
    check_cancel,
    check_credentials,
    check_disconnect,
    check_other_account,
    check_pairing,
    check_queue,
    check_registration,
    check_unarchive,
    refuse_override,
)
from app.core.audit_service import AuditService, status_snapshot
from app.core.links.incident_detector import IncidentDetector
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.domain.actions import (
    Action,
    ActionName,
    Confirm,
    UnavailableReason,
)
from app.domain.audit import AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.procedure import Procedure, ProcedureKind
from app.domain.repositories import Clock
from app.platform.logging import log_context

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


class ActionService:
    """The actions on a mentorado, and the one way to run them."""

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        clock: Clock,
        audit_service: AuditService,
        incidents: IncidentDetector,
        under_way: UnderWay,
        interrupt: Callable[[MentoradoId], Awaitable[None]],
    ) -> None:
        self._mentorados = mentorados
        self._under_way = under_way
        self._interrupt = interrupt  # pauses the procedure that moves a link
        self._incidents = incidents
        self._supervisor = supervisor
        self._clock = clock
        self._audit_service = audit_service
        self._by_name = {action.name: action for action in self._list()}

    def unavailable_reason(self, name: ActionName, mentorado_id: MentoradoId) -> UnavailableReason | None:
        """Why *name* cannot be done now, or None when it can."""
        mentorado = self._mentorados.get(mentorado_id)
        if mentorado.archived and name is not ActionName.BRING_BACK:
            return UnavailableReason.ARCHIVED
        why = self._by_name[name].refusal(mentorado, self._supervisor.status(mentorado.link.id))
        if why is None and self._conflicts_with_procedure(name, mentorado_id):
            return UnavailableReason.UNDER_WAY
        return why or self._incident_lock(name, mentorado)

    def pairing_blocked(self, mentorado_id: MentoradoId, override_reason: str = "") -> UnavailableReason | None:
        """Why no new code may be shown now, not even by a procedure that is under way."""
        mentorado = self._mentorados.get(mentorado_id)
        status = self._supervisor.status(mentorado.link.id)
        why = self._no_new_pairing(mentorado, status)
        locked = None if override_reason.strip() else self._incident_lock(ActionName.REAUTHENTICATE, mentorado)
        return why or locked

    def needs_dialog(self, name: ActionName) -> bool:
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
        with log_context(mentorado_id):
            return await self._run(self._by_name[name], mentorado_id, confirm, override_reason.strip())

    async def _run(self, action: Action, mentorado_id: MentoradoId, confirm: Confirm, override: str) -> AuditOutcome:
        name = action.name
        if action.perform is None:
            raise ValueError(f"{name} opens a sheet")
        self._require(action, mentorado_id, override)
        before = self._state(mentorado_id)
        if action.needs_confirmation and not await confirm(name, self._mentorados.get(mentorado_id)):
            return self._record(name, mentorado_id, before, AuditOutcome.DECLINED, override)
        try:
            self._require(action, mentorado_id, override)  # the world may have moved while they read the question
            if action.recorded:
                await action.perform(mentorado_id)
        except BaseException:
            self._record(name, mentorado_id, before, AuditOutcome.FAILED, override)
            raise
        if not action.recorded:
            mentorado = self._mentorados.get(mentorado_id)
            after = lambda: self._state(mentorado_id)  # noqa: E731
            async with self._audit_service.around(name, mentorado, before=before, after=after, reason=override):
                await action.perform(mentorado_id)
        return AuditOutcome.DONE

    def _incident_lock(self, name: ActionName, mentorado: Mentorado) -> UnavailableReason | None:
        """During an incident nobody is paired: the trouble is not theirs, and a new code would only be one more."""
        shows_code = name in _PAIRING or (name is ActionName.CONNECT and mentorado.link.account is None)
        return (
            UnavailableReason.INCIDENT if shows_code and self._incidents.for_provider(mentorado.link.provider) else None
        )

    def _conflicts_with_procedure(self, name: ActionName, mentorado_id: MentoradoId) -> bool:
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
        mentorado, after = self._mentorados.get(mentorado_id), self._state(mentorado_id)
        self._audit_service.record(name, mentorado, before=before, after=after, outcome=outcome, reason=override)
        return outcome

    def _state(self, mentorado_id: MentoradoId) -> dict[str, str]:
        return status_snapshot(self._supervisor.status(self._mentorados.get(mentorado_id).link.id))

    def _require(self, action: Action, mentorado_id: MentoradoId, override: str) -> None:
        why = self.unavailable_reason(action.name, mentorado_id)
        if why is not None and not (why is UnavailableReason.INCIDENT and override):
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=action.name, why=why)

    def _list(self) -> tuple[Action, ...]:
        supervisor, mentorados = self._supervisor, self._mentorados
        return (
            Action(name=ActionName.CONNECT, refusal=self._no_connect, perform=supervisor.connect),
            Action(name=ActionName.TRY_NOW, refusal=self._no_try_now, perform=supervisor.connect),
            Action(name=ActionName.NEW_CODE, refusal=self._no_new_code, perform=supervisor.pair_again),
            Action(name=ActionName.CANCEL, refusal=check_cancel, perform=self._disconnect),
            Action(
                name=ActionName.DISCONNECT, refusal=check_disconnect, perform=self._disconnect, needs_confirmation=True
            ),
            Action(name=ActionName.RECOVER, refusal=self._no_recovery),
            Action(name=ActionName.REAUTHENTICATE, refusal=self._no_reauthenticate),
            Action(name=ActionName.BACK_UP, refusal=always_available),
            Action(name=ActionName.RESTORE, refusal=check_archive),
            Action(name=ActionName.ENTER_CREDENTIALS, refusal=check_credentials),
            Action(name=ActionName.DECIDE_QUEUE, refusal=check_queue),
            Action(name=ActionName.REGISTER, refusal=check_registration),
            Action(name=ActionName.DEREGISTER, refusal=check_registration),
            Action(
                name=ActionName.ACCEPT_ACCOUNT,
                refusal=self._no_accept,
                perform=supervisor.accept_account,
                needs_confirmation=True,
            ),
            Action(
                name=ActionName.REJECT_ACCOUNT,
                refusal=check_other_account,
                perform=supervisor.reject_account,
                needs_confirmation=True,
            ),
            Action(name=ActionName.LIFT_BAN, refusal=self._no_lift, perform=supervisor.lift, needs_confirmation=True),
            Action(
                name=ActionName.OVERRULE_LOCK,
                refusal=refuse_override,
                perform=supervisor.overrule_lock,
                needs_confirmation=True,
            ),
            Action(
                name=ActionName.ARCHIVE,
                refusal=check_archive,
                perform=mentorados.archive,
                needs_confirmation=True,
                recorded=True,
            ),
            Action(name=ActionName.BRING_BACK, refusal=check_unarchive, perform=mentorados.unarchive, recorded=True),
        )

    def _forbidden(self, mentorado: Mentorado) -> Reason | None:
        """What WhatsApp holds against the number, whatever the link looks like now."""
        status = self._supervisor.forbidden(mentorado.id)
        return None if status is None else status.reason

    def _no_connect(self, mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
        if status.state in IDLE and (forbidden := self._forbidden(mentorado)):
            return FORBIDDEN[forbidden]
        if status.state is LinkState.BLOCKED and status.reason in NEEDS_NEW_CODE:
            return UnavailableReason.NEEDS_NEW_CODE
        if status.state is LinkState.BLOCKED:
            return NO_OLD_SESSION.get(status.reason)
        return NO_CONNECT.get(status.state)

    def _no_try_now(self, mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
        if status.state not in (LinkState.RECONNECTING, LinkState.UNKNOWN):
            return UnavailableReason.NOT_LOST
        return UnavailableReason.ALREADY_HURRIED if self._supervisor.retry_requested(mentorado.link.id) else None

    def _no_accept(self, mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
        if why := check_other_account(mentorado, status):
            return why
        taken = status.account is not None and self._mentorados.holder(status.account, mentorado.link.id) is not None
        return UnavailableReason.NUMBER_TAKEN if taken else None

    def _no_lift(self, mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
        if self._forbidden(mentorado) is None:
            return UnavailableReason.NOTHING_FORBIDDEN
        return None if status.state in IDLE else NO_CONNECT[status.state]

    def _no_new_code(self, mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
        fits = {Reason.QR_EXPIRED, Reason.PAIRING_FAILED, Reason.PHONE_UPDATE_REQUIRED}
        if status.state is not LinkState.BLOCKED or status.reason not in fits:
            return UnavailableReason.NO_EXPIRED_CODE
        return UnavailableReason.SUSPENDED if self._forbidden(mentorado) is Reason.TEMPORARY_BAN else None

    def _no_reauthenticate(self, mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
        if why := check_pairing(mentorado) or self._no_new_pairing(mentorado, status):
            return why
        if mentorado.link.account is None and status.state is LinkState.OFF:
            return UnavailableReason.NEVER_PAIRED
        return None if status.state in IDLE else NO_CONNECT.get(status.state)

    def _no_new_pairing(self, mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
        if self._forbidden(mentorado) is Reason.TEMPORARY_BAN:
            return UnavailableReason.SUSPENDED
        return NO_NEW_PAIRING.get(status.reason) if status.state is LinkState.BLOCKED else None

    def _no_recovery(self, mentorado: Mentorado, status: LinkStatus) -> UnavailableReason | None:
        if why := check_pairing(mentorado):
            return why
        if status.state is LinkState.BLOCKED:
            return NO_OLD_SESSION.get(status.reason) or self._no_reauthenticate(mentorado, status)
        return None if status.state in LOST else UnavailableReason.NOTHING_TO_RECOVER

    async def _disconnect(self, mentorado_id: MentoradoId) -> None:
        """A procedure that is moving this link is paused first; it would bring it back."""
        await self._interrupt(mentorado_id)
        await self._supervisor.disconnect(mentorado_id)
