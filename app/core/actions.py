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
from app.core.witness import Witness, described
from app.domain.audit import AuditOutcome
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.credentials import ASKED
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, MentoradoId, ProviderKind
from app.domain.ports import Clock
from app.domain.procedure import Procedure, ProcedureKind

_IN_PROGRESS = frozenset({LinkState.CONNECTING, LinkState.QR_READY})
_IDLE = frozenset({LinkState.OFF, LinkState.BLOCKED})
_LOST = frozenset({LinkState.RECONNECTING, LinkState.UNKNOWN})

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

_NO_CONNECT = {
    LinkState.CONNECTED: Refusal.ALREADY_CONNECTED,
    LinkState.CONNECTING: Refusal.ON_ITS_WAY,
    LinkState.QR_READY: Refusal.ON_ITS_WAY,
    LinkState.RECONNECTING: Refusal.ON_ITS_WAY,
}

_NO_NEW_PAIRING = {  # a new QR would make these worse
    Reason.TEMPORARY_BAN: Refusal.SUSPENDED,
    Reason.CLIENT_OUTDATED: Refusal.OUTDATED,
    Reason.CLIENT_REFUSED: Refusal.OUTDATED,
    Reason.STREAM_REPLACED: Refusal.IN_USE_ELSEWHERE,
    Reason.SESSION_IN_USE: Refusal.IN_USE_ELSEWHERE,
    Reason.WRONG_ACCOUNT: Refusal.DECIDE_ACCOUNT_FIRST,
    # A code is not what these lack.
    Reason.CREDENTIALS_MISSING: Refusal.FIX_ACCESS_FIRST,
    Reason.SECRETS_LOCKED: Refusal.FIX_ACCESS_FIRST,
    Reason.TOKEN_INVALID: Refusal.FIX_ACCESS_FIRST,
    Reason.CLIENT_TOKEN_MISSING: Refusal.FIX_ACCESS_FIRST,
    Reason.ADDRESS_NOT_ALLOWED: Refusal.FIX_ACCESS_FIRST,
    Reason.BILLING: Refusal.FIX_ACCESS_FIRST,
}


_NO_OLD_SESSION = {
    Reason.WRONG_ACCOUNT: Refusal.DECIDE_ACCOUNT_FIRST,
    Reason.BANNED: Refusal.BANNED,  # its keys are gone; after an appeal that succeeded, a new pairing is the way
}

_NEEDS_NEW_CODE = frozenset({Reason.LOGGED_OUT, Reason.MAIN_DEVICE_GONE})
"""WhatsApp took the keys back: connecting would only say so again. Files that are lost or damaged can be put back."""


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
        why = self._no_new_pairing(status)
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
            await action.perform(mentorado_id)
        except BaseException:
            self._record(name, mentorado_id, before, AuditOutcome.FAILED, override)
            raise
        return self._record(name, mentorado_id, before, AuditOutcome.DONE, override)

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
            Action(name=ActionName.CANCEL, refusal=_no_cancel, perform=self._disconnect),
            Action(name=ActionName.DISCONNECT, refusal=_no_disconnect, perform=self._disconnect, asks=True),
            Action(name=ActionName.RECOVER, refusal=self._no_recovery),
            Action(name=ActionName.REAUTHENTICATE, refusal=self._no_reauthenticate),
            Action(name=ActionName.BACK_UP, refusal=_possible),
            Action(name=ActionName.RESTORE, refusal=_no_archive),
            Action(name=ActionName.ENTER_CREDENTIALS, refusal=_no_credentials),
            Action(name=ActionName.DECIDE_QUEUE, refusal=_no_queue),
            Action(name=ActionName.REGISTER, refusal=_no_registration),
            Action(name=ActionName.DEREGISTER, refusal=_no_registration),
            Action(
                name=ActionName.ACCEPT_ACCOUNT,
                refusal=_no_other_account,
                perform=supervisor.accept_account,
                asks=True,
            ),
            Action(name=ActionName.REJECT_ACCOUNT, refusal=_no_other_account, perform=supervisor.reject_account),
            Action(name=ActionName.ARCHIVE, refusal=_no_archive, perform=enrolments.archive, asks=True),
            Action(name=ActionName.BRING_BACK, refusal=_no_bring_back, perform=enrolments.bring_back),
        )

    def _suspended(self, status: LinkStatus) -> bool:
        return (
            status.state is LinkState.BLOCKED
            and status.reason is Reason.TEMPORARY_BAN
            and (status.until is None or status.until > self._clock.now())
        )

    def _no_connect(self, _enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if self._suspended(status):
            return Refusal.SUSPENDED
        if status.state is LinkState.BLOCKED and status.reason in _NEEDS_NEW_CODE:
            return Refusal.NEEDS_NEW_CODE
        if status.state is LinkState.BLOCKED:
            return _NO_OLD_SESSION.get(status.reason)
        return _NO_CONNECT.get(status.state)

    def _no_try_now(self, enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if status.state not in (LinkState.RECONNECTING, LinkState.UNKNOWN):
            return Refusal.NOT_LOST
        return Refusal.ALREADY_HURRIED if self._supervisor.hurried(enrolment.link.id) else None

    def _no_new_code(self, _enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        fits = {Reason.QR_EXPIRED, Reason.PAIRING_FAILED, Reason.PHONE_UPDATE_REQUIRED}
        return None if status.state is LinkState.BLOCKED and status.reason in fits else Refusal.NO_EXPIRED_CODE

    def _no_reauthenticate(self, enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if why := _no_pairing(enrolment) or self._no_new_pairing(status):
            return why
        if enrolment.link.account is None and status.state is LinkState.OFF:
            return Refusal.NEVER_PAIRED
        return None if status.state in _IDLE else _NO_CONNECT.get(status.state)

    def _no_new_pairing(self, status: LinkStatus) -> Refusal | None:
        ended = status.reason is Reason.TEMPORARY_BAN and not self._suspended(status)
        return None if status.state is not LinkState.BLOCKED or ended else _NO_NEW_PAIRING.get(status.reason)

    def _no_recovery(self, enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
        if why := _no_pairing(enrolment):
            return why
        if status.state is LinkState.BLOCKED:
            return _NO_OLD_SESSION.get(status.reason) or self._no_reauthenticate(enrolment, status)
        return None if status.state in _LOST else Refusal.NOTHING_TO_RECOVER

    async def _disconnect(self, mentorado_id: MentoradoId) -> None:
        """A procedure that is moving this link is paused first; it would bring it back."""
        await self._interrupt(mentorado_id)
        await self._supervisor.disconnect(mentorado_id)


def _possible(_enrolment: Enrolment, _status: LinkStatus) -> Refusal | None:
    return None


def _no_pairing(enrolment: Enrolment) -> Refusal | None:
    """A number at Meta is registered, not paired: there is no session to recover by a code."""
    return Refusal.NO_PAIRING if enrolment.link.provider is ProviderKind.META_CLOUD else None


def _no_credentials(enrolment: Enrolment, _status: LinkStatus) -> Refusal | None:
    return None if ASKED[enrolment.link.provider] else Refusal.NO_CREDENTIALS


def _no_queue(enrolment: Enrolment, _status: LinkStatus) -> Refusal | None:
    return None if enrolment.link.provider is ProviderKind.ZAPI else Refusal.NO_QUEUE


def _no_registration(enrolment: Enrolment, _status: LinkStatus) -> Refusal | None:
    return None if enrolment.link.provider is ProviderKind.META_CLOUD else Refusal.NO_REGISTRATION


def _no_cancel(_enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
    return None if status.state in _IN_PROGRESS else Refusal.NOTHING_TO_CANCEL


def _no_disconnect(_enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
    running = status.state in (LinkState.CONNECTED, LinkState.RECONNECTING, LinkState.UNKNOWN)
    return None if running else Refusal.NOT_RUNNING


def _no_other_account(_enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
    waits = status.state is LinkState.BLOCKED and status.reason is Reason.WRONG_ACCOUNT
    return None if waits else Refusal.NO_OTHER_ACCOUNT


def _no_archive(_enrolment: Enrolment, status: LinkStatus) -> Refusal | None:
    return None if status.state in _IDLE else Refusal.STILL_RUNNING


def _no_bring_back(enrolment: Enrolment, _status: LinkStatus) -> Refusal | None:
    return None if enrolment.mentorado.archived else Refusal.NOT_ARCHIVED
