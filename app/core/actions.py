"""Everything a person can do to a mentorado, as data: buttons, menus, shortcuts and commands share this list.

An action is guarded the same way everywhere: may it be done now → is the person sure → may it still → do it → write it
down.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from app.core.action_rules import LOST, ActionContext, availability, incident_lock, pairing_blocked
from app.core.audit_service import AuditService, status_snapshot
from app.core.handling_service import HandlingService
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
from app.domain.link_status import Reason
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.outbound import OutboundStop
from app.domain.procedure import Procedure
from app.domain.repositories import Clock
from app.domain.switch import SwitchItem
from app.platform.logging import log_context

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
        handlings: HandlingService,
    ) -> None:
        self._mentorados = mentorados
        self._incidents = incidents
        self._handlings = handlings
        self._supervisor = supervisor
        self._clock = clock
        self._audit_service = audit_service
        self._by_name = {action.name: action for action in self._list()}

    def attach(
        self,
        *,
        under_way: UnderWay,
        interrupt: Callable[[MentoradoId], Awaitable[None]],
        stops_of: Callable[[MentoradoId], Sequence[OutboundStop]],
        switch_of: Callable[[MentoradoId], SwitchItem | None],
    ) -> None:
        """Connect what is built over this service, before any action: procedures, the outbound service, and switches.

        *interrupt* pauses the procedure that moves a link; *stops_of* says why nothing is sent over the links of a
        mentorado; *switch_of* is the provider switch of one that is not settled.
        """
        self._under_way, self._interrupt, self._stops_of, self._switch_of = under_way, interrupt, stops_of, switch_of

    def context(self, mentorado_id: MentoradoId) -> ActionContext:
        """Collect the state that the rules depend on."""
        mentorado = self._mentorados.get(mentorado_id)
        link, supervisor = mentorado.link, self._supervisor
        status, forbidden = supervisor.standing(link)
        other = status.account if status.reason is Reason.WRONG_ACCOUNT else None
        stops, handling = self._stops_of(mentorado_id), self._handlings.current.get(mentorado_id)
        return ActionContext(
            mentorado=mentorado,
            status=status,
            forbidden=forbidden,
            retry_requested=status.state in LOST and supervisor.retry_requested(link.id),
            account_taken=other is not None and self._mentorados.holder(other, link.id) is not None,
            procedure=self._under_way(mentorado_id),
            incident=self._incidents.for_provider(link.provider) is not None,
            stop=next((each for each in stops if each.link_id == link.id), None),
            stopped_beside=any(each.link_id != link.id for each in stops),
            switch=self._switch_of(mentorado_id),
            handled_by=handling.operator if handling else None,
            operator=self._handlings.operator if handling else "",
        )

    def availability(self, mentorado_id: MentoradoId) -> Mapping[ActionName, UnavailableReason | None]:
        """Why each action cannot be done now, or None when it can."""
        return availability(self.context(mentorado_id))

    def unavailable_reason(self, name: ActionName, mentorado_id: MentoradoId) -> UnavailableReason | None:
        """Why *name* cannot be done now, or None when it can."""
        return self.availability(mentorado_id)[name]

    def pairing_blocked(self, mentorado_id: MentoradoId, override_reason: str = "") -> UnavailableReason | None:
        """Why no new code may be shown now, not even by a procedure that is under way."""
        context = self.context(mentorado_id)
        locked = None if override_reason.strip() else incident_lock(ActionName.REAUTHENTICATE, context)
        return pairing_blocked(context) or locked

    def needs_dialog(self, name: ActionName) -> bool:
        """Whether *name* is performed through a dialog rather than by `run`."""
        return self._by_name[name].perform is None

    def require(self, name: ActionName, mentorado_id: MentoradoId, *, override_reason: str = "") -> None:
        """Raise `Problem(NOT_POSSIBLE_NOW)` unless *name* may be done now."""
        self._require(self._by_name[name], mentorado_id, override_reason.strip())

    async def run(
        self, name: ActionName, mentorado_id: MentoradoId, confirm: Confirm, *, override_reason: str = ""
    ) -> AuditOutcome:
        """Check the rules, confirm if needed, check again, perform and audit.

        Raises `Problem(NOT_POSSIBLE_NOW)`. An *override_reason*, typed by the operator and audited, passes the lock of
        an incident and no other.
        """
        with log_context(mentorado_id):
            return await self._run(self._by_name[name], mentorado_id, confirm, override_reason.strip())

    async def _run(self, action: Action, mentorado_id: MentoradoId, confirm: Confirm, override: str) -> AuditOutcome:
        name = action.name
        if action.perform is None:
            raise ValueError(f"{name} opens a sheet")
        self._require(action, mentorado_id, override)
        link_id = self._mentorados.get(mentorado_id).link.id
        before = self._state(link_id)
        if action.needs_confirmation and not await confirm(name, self._mentorados.get(mentorado_id)):
            return self._record(name, mentorado_id, before, AuditOutcome.DECLINED, override)
        try:
            if action.needs_confirmation:
                self._require(action, mentorado_id, override)  # the world may have moved while they read the question
            if action.recorded:
                await action.perform(mentorado_id)
        except BaseException:
            self._record(name, mentorado_id, before, AuditOutcome.FAILED, override)
            raise
        if not action.recorded:
            mentorado = self._mentorados.get(mentorado_id)
            after = lambda: self._state(link_id)  # noqa: E731
            async with self._audit_service.around(name, mentorado, before=before, after=after, reason=override):
                await action.perform(mentorado_id)
        return AuditOutcome.DONE

    def _record(
        self,
        name: ActionName,
        mentorado_id: MentoradoId,
        before: Mapping[str, str],
        outcome: AuditOutcome,
        override: str,
    ) -> AuditOutcome:
        mentorado = self._mentorados.get(mentorado_id)
        after = self._state(mentorado.link.id)
        self._audit_service.record(name, mentorado, before=before, after=after, outcome=outcome, reason=override)
        return outcome

    def _state(self, link_id: LinkId) -> dict[str, str]:
        return status_snapshot(self._supervisor.status(link_id))

    def _require(self, action: Action, mentorado_id: MentoradoId, override: str) -> None:
        why = self.unavailable_reason(action.name, mentorado_id)
        if why is not None and not (why is UnavailableReason.INCIDENT and override):
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=action.name, why=why)

    def _list(self) -> tuple[Action, ...]:
        supervisor, mentorados = self._supervisor, self._mentorados
        return (
            Action(name=ActionName.SMOKE_TEST),
            Action(name=ActionName.CONNECT, perform=supervisor.connect),
            Action(name=ActionName.TRY_NOW, perform=supervisor.connect),
            Action(name=ActionName.NEW_CODE, perform=supervisor.pair_again),
            Action(name=ActionName.CANCEL, perform=self._disconnect),
            Action(name=ActionName.DISCONNECT, perform=self._disconnect, needs_confirmation=True),
            Action(name=ActionName.RECOVER),
            Action(name=ActionName.REAUTHENTICATE),
            Action(name=ActionName.BACK_UP),
            Action(name=ActionName.RESTORE),
            Action(name=ActionName.ENTER_CREDENTIALS),
            Action(name=ActionName.DECIDE_QUEUE),
            Action(name=ActionName.REGISTER),
            Action(name=ActionName.DEREGISTER),
            Action(name=ActionName.ACCEPT_ACCOUNT, perform=supervisor.accept_account, needs_confirmation=True),
            Action(name=ActionName.REJECT_ACCOUNT, perform=supervisor.reject_account, needs_confirmation=True),
            Action(name=ActionName.LIFT_BAN, perform=supervisor.lift, needs_confirmation=True),
            Action(name=ActionName.OVERRULE_LOCK, perform=supervisor.overrule_lock, needs_confirmation=True),
            Action(name=ActionName.RELEASE_SENDING),
            Action(name=ActionName.SWITCH_PROVIDER),
            Action(name=ActionName.ROLL_BACK),
            Action(name=ActionName.RELEASE_FORMER),
            Action(name=ActionName.TROUBLESHOOT),
            Action(name=ActionName.HANDLE, perform=self._handlings.take, recorded=True),
            Action(name=ActionName.GIVE_UP, perform=self._handlings.give_up, recorded=True),
            Action(name=ActionName.ARCHIVE, perform=mentorados.archive, needs_confirmation=True, recorded=True),
            Action(name=ActionName.BRING_BACK, perform=mentorados.unarchive, recorded=True),
        )

    async def _disconnect(self, mentorado_id: MentoradoId) -> None:
        """A procedure that is moving this link is paused first; it would bring it back."""
        await self._interrupt(mentorado_id)
        await self._supervisor.disconnect(mentorado_id)
