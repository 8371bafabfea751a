"""A new QR for one mentorado, and the proof that the right account is behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from app.core.event_bus import EventBus
from app.core.links.status_store import StatusWaiter, is_settled
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.procedures.steps import Step, StepContext
from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import REASONS
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind
from app.domain.phone import masked, same_account
from app.domain.procedure import StepData, StepName
from app.domain.provider import CanPair, HasSessionId, Provider
from app.domain.repositories import Clock

_STILL: Final = frozenset({LinkState.OFF, LinkState.BLOCKED})

VERIFY_SECONDS: Final = 90.0
"""How long a link may take to be through again after the program was started anew."""

NoPairing = Callable[[MentoradoId, str], UnavailableReason | None]
"""Why no new code may be shown now, given the reason of an override."""


class ReauthenticationSteps:
    """PAIR, after which there is no way back, and VERIFY_ACCOUNT.

    The old session stays current until the new one is connected; whether that happened is told by the name of the
    session in use, which is in the journal before the pairing begins.
    """

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        providers: Mapping[ProviderKind, Provider],
        no_pairing: NoPairing,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._providers = providers
        self._no_pairing = no_pairing
        self._bus = bus
        self._clock = clock

    def steps(self) -> tuple[Step, ...]:
        pair = Step(
            name=StepName.PAIR,
            before=self._check_pairing_allowed,
            do=self._pair,
            skip=self._not_needed,
            already_done=self._paired_facts,
            pause=self._stop_pairing,
            undo=self._undo_pairing,
        )
        return pair, Step(name=StepName.VERIFY_ACCOUNT, do=self._verify, optional=True)

    async def _not_needed(self, run: StepContext) -> StepData | None:
        mentorado = self._mentorado(run)
        if self._status(mentorado).state is LinkState.CONNECTED and not run.procedure.ends_connection:
            return {"why": "came_back"}
        if not isinstance(self._providers.get(mentorado.link.provider), CanPair):
            return {"why": "no_pairing"}
        return None

    async def _check_pairing_allowed(self, run: StepContext) -> StepData:
        """Not during a suspension or an incident, not with an old client, not while another program has the session."""
        why = self._no_pairing(run.mentorado_id, run.parameters.get("override_reason", ""))
        if why is None and self._would_wait_in_turn(run):
            why = UnavailableReason.SOMEBODY_IS_PAIRED
        if why is not None:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=ActionName.REAUTHENTICATE, why=why)
        return {"session_before": await self._session(self._mentorado(run))}

    def _would_wait_in_turn(self, run: StepContext) -> bool:
        """Whether a connection that works would be ended only to wait for somebody else's code."""
        link, paired = self._mentorado(run).link, self._supervisor.pairing.current
        works = self._supervisor.status(link.id).state is LinkState.CONNECTED
        return works and paired not in (None, link.id)

    async def _pair(self, run: StepContext) -> StepData:
        mentorado = self._mentorado(run)
        state = self._status(mentorado).state
        if state is LinkState.CONNECTED and not run.procedure.ends_connection:  # just now, with the session it had
            raise Problem(
                ProblemCode.NOT_POSSIBLE_NOW, action=ActionName.REAUTHENTICATE, why=UnavailableReason.ALREADY_CONNECTED
            )
        if state not in _STILL:
            await self._supervisor.pause(run.mentorado_id)
        with StatusWaiter(self._bus, self._clock, mentorado.link.id) as watch:
            await self._supervisor.pair_again(run.mentorado_id)
            through = await watch.wait_until(is_settled)
        return self._account_of(through or self._status(mentorado))  # it may have fallen again since

    async def _paired_facts(self, run: StepContext) -> StepData | None:
        """Whether another session is in use than before; where sessions have no names, whether the link is through."""
        mentorado = self._mentorado(run)
        if isinstance(self._providers.get(mentorado.link.provider), HasSessionId):
            before = run.facts(StepName.PAIR).get("session_before")
            return {"found": "paired"} if before not in (None, await self._session(mentorado)) else None
        return {"found": "connected"} if self._status(mentorado).state is LinkState.CONNECTED else None

    async def _stop_pairing(self, run: StepContext) -> StepData:
        """What was scanned meanwhile and nobody adopted is given up; what was adopted stays, and a link that is
        blocked for another reason than the pairing is left alone: a suspension must be sat out, and whether a wrong
        phone is unlinked is for a person to say."""
        status = self._status(self._mentorado(run))
        about_pairing = status.state is not LinkState.BLOCKED or REASONS[status.reason].ends_pairing
        began = "session_before" in run.facts(StepName.PAIR)
        if (
            began
            and about_pairing
            and status.state is not LinkState.CONNECTED
            and await self._paired_facts(run) is None
        ):
            await self._supervisor.give_up_pairing(run.mentorado_id)
        if run.procedure.ends_connection:
            await self._connect_former(run)
        return {}

    async def _undo_pairing(self, run: StepContext) -> StepData:
        await self._stop_pairing(run)
        await self._connect_former(run)
        return {}

    async def _connect_former(self, run: StepContext) -> None:
        mentorado = self._mentorado(run)
        link, state = mentorado.link, self._status(mentorado).state
        if state is LinkState.OFF and link.enabled and link.account is not None:  # the session that stayed goes on
            await self._supervisor.connect(run.mentorado_id)

    async def _verify(self, run: StepContext) -> StepData:
        """The account that signed in is the one expected. A link that is on its way is waited for."""
        mentorado = self._mentorado(run)
        with StatusWaiter(self._bus, self._clock, mentorado.link.id) as watch:
            status = self._status(mentorado)
            if status.state in _STILL and not REASONS[status.reason].needs_operator:
                await self._supervisor.connect(run.mentorado_id)
            if not is_settled(self._status(mentorado)):
                await watch.wait_until(is_settled, within=VERIFY_SECONDS)
        status = self._status(mentorado)
        if status.account is not None and not same_account(status.account, mentorado.expected_account):
            raise Problem(ProblemCode.LINK_NOT_BACK, reason=Reason.WRONG_ACCOUNT)
        return self._account_of(status)

    @staticmethod
    def _account_of(status: LinkStatus) -> StepData:
        if status.state is not LinkState.CONNECTED:
            raise Problem(ProblemCode.LINK_NOT_BACK, reason=status.reason)
        return {"account": masked(status.account)} if status.account is not None else {}

    async def _session(self, mentorado: Mentorado) -> str:
        provider: object = self._providers.get(mentorado.link.provider)
        return await provider.current_session_id(mentorado.link) if isinstance(provider, HasSessionId) else ""

    def _status(self, mentorado: Mentorado) -> LinkStatus:
        return self._supervisor.status(mentorado.link.id)

    def _mentorado(self, run: StepContext) -> Mentorado:
        return self._mentorados.get(run.mentorado_id)
