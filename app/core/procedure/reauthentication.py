"""A new QR for one mentorado, and the proof that the right account is behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from app.core.action import ActionName, Refusal
from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.links.link_watch import LinkWatch, at_rest
from app.core.links.supervisor import Supervisor
from app.core.procedure.step import Run, Step
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.errors import Code, Problem
from app.domain.guidance import STAYS_BLOCKED
from app.domain.mentorado import Enrolment, MentoradoId, ProviderKind
from app.domain.phone import masked, same_account
from app.domain.ports import Clock
from app.domain.procedure import Facts, StepName
from app.domain.provider import CanPair, NamesSessions, Provider

_STILL: Final = frozenset({LinkState.OFF, LinkState.BLOCKED})

_OF_PAIRING: Final = frozenset(
    {
        Reason.QR_EXPIRED,
        Reason.PAIRING_FAILED,
        Reason.PASSKEY_REQUIRED,
        Reason.PHONE_UPDATE_REQUIRED,
    }
)

VERIFY_SECONDS: Final = 90.0
"""How long a link may take to be through again after the program was started anew."""

NoPairing = Callable[[MentoradoId, str], Refusal | None]
"""Why no new code may be shown now, given the reason of an override."""


class Reauthentication:
    """PAIR, after which there is no way back, and VERIFY_ACCOUNT.

    The old session stays current until the new one is connected; whether that happened is told by the name of the
    session in use, which is in the journal before the pairing begins.
    """

    def __init__(
        self,
        *,
        enrolments: Enrolments,
        supervisor: Supervisor,
        providers: Mapping[ProviderKind, Provider],
        no_pairing: NoPairing,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._enrolments = enrolments
        self._supervisor = supervisor
        self._providers = providers
        self._no_pairing = no_pairing
        self._bus = bus
        self._clock = clock

    def steps(self) -> tuple[Step, ...]:
        pair = Step(
            name=StepName.PAIR,
            before=self._before_pairing,
            do=self._pair,
            skip=self._not_needed,
            happened=self._paired,
            pause=self._stop_pairing,
            undo=self._take_back,
        )
        return pair, Step(name=StepName.VERIFY_ACCOUNT, do=self._verify, optional=True)

    async def _not_needed(self, run: Run) -> Facts | None:
        enrolment = self._enrolment(run)
        if self._status(enrolment).state is LinkState.CONNECTED:
            return {"why": "came_back"}
        if not isinstance(self._providers.get(enrolment.link.provider), CanPair):
            return {"why": "no_pairing"}
        return None

    async def _before_pairing(self, run: Run) -> Facts:
        """Not during a suspension or an incident, not with an old client, not while another program has the session."""
        why = self._no_pairing(run.mentorado_id, run.begun_with.get("override_reason", ""))
        if why is not None:
            raise Problem(Code.NOT_POSSIBLE_NOW, action=ActionName.REAUTHENTICATE, why=why)
        return {"session_before": await self._session(self._enrolment(run))}

    async def _pair(self, run: Run) -> Facts:
        enrolment = self._enrolment(run)
        state = self._status(enrolment).state
        if state is LinkState.CONNECTED:  # just now, with the session it had
            raise Problem(Code.NOT_POSSIBLE_NOW, action=ActionName.REAUTHENTICATE, why=Refusal.ALREADY_CONNECTED)
        if state not in _STILL:
            await self._supervisor.stand_down(run.mentorado_id)
        with LinkWatch(self._bus, self._clock, enrolment.link.id) as watch:
            await self._supervisor.pair_anew(run.mentorado_id)
            through = await watch.until(at_rest)
        return self._account_of(through or self._status(enrolment))  # it may have fallen again since

    async def _paired(self, run: Run) -> Facts | None:
        """Whether another session is in use than before; where sessions have no names, whether the link is through."""
        enrolment = self._enrolment(run)
        if isinstance(self._providers.get(enrolment.link.provider), NamesSessions):
            before = run.facts(StepName.PAIR).get("session_before")
            return {"found": "paired"} if before not in (None, await self._session(enrolment)) else None
        return {"found": "connected"} if self._status(enrolment).state is LinkState.CONNECTED else None

    async def _stop_pairing(self, run: Run) -> Facts:
        """What was scanned meanwhile and nobody adopted is given up; what was adopted stays, and a link that is
        blocked for another reason than the pairing is left alone: a suspension must be sat out, and whether a wrong
        phone is unlinked is for a person to say."""
        status = self._status(self._enrolment(run))
        about_pairing = status.state is not LinkState.BLOCKED or status.reason in _OF_PAIRING
        began = "session_before" in run.facts(StepName.PAIR)
        if began and about_pairing and status.state is not LinkState.CONNECTED and await self._paired(run) is None:
            await self._supervisor.give_up_pairing(run.mentorado_id)
        return {}

    async def _take_back(self, run: Run) -> Facts:
        await self._stop_pairing(run)
        enrolment = self._enrolment(run)
        link, state = enrolment.link, self._status(enrolment).state
        if state is LinkState.OFF and link.wanted and link.account is not None:  # the session that stayed goes on
            await self._supervisor.connect(run.mentorado_id)
        return {}

    async def _verify(self, run: Run) -> Facts:
        """The account that signed in is the one expected. A link that is on its way is waited for."""
        enrolment = self._enrolment(run)
        with LinkWatch(self._bus, self._clock, enrolment.link.id) as watch:
            status = self._status(enrolment)
            if status.state in _STILL and status.reason not in STAYS_BLOCKED:
                await self._supervisor.connect(run.mentorado_id)
            if not at_rest(self._status(enrolment)):
                await watch.until(at_rest, within=VERIFY_SECONDS)
        status = self._status(enrolment)
        if status.account is not None and not same_account(status.account, enrolment.expected_account):
            raise Problem(Code.LINK_NOT_BACK, reason=Reason.WRONG_ACCOUNT)
        return self._account_of(status)

    @staticmethod
    def _account_of(status: LinkStatus) -> Facts:
        if status.state is not LinkState.CONNECTED:
            raise Problem(Code.LINK_NOT_BACK, reason=status.reason)
        return {"account": masked(status.account)} if status.account is not None else {}

    async def _session(self, enrolment: Enrolment) -> str:
        provider: object = self._providers.get(enrolment.link.provider)
        return await provider.session_in_use(enrolment.link) if isinstance(provider, NamesSessions) else ""

    def _status(self, enrolment: Enrolment) -> LinkStatus:
        return self._supervisor.status(enrolment.link.id)

    def _enrolment(self, run: Run) -> Enrolment:
        return self._enrolments.get(run.mentorado_id)
