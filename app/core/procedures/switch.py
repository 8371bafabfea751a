"""The steps of a provider switch and of its roll-back. At any moment exactly one link of the mentorado is in use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from app.core.event_bus import EventBus
from app.core.links.status_store import StatusWaiter, is_settled
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.outbound.service import OutboundService
from app.core.outbound.smoke_test import SmokeTestService
from app.core.procedures.steps import Step, StepContext
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import REASONS
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.phone import masked
from app.domain.procedure import StepData, StepName
from app.domain.provider import CanPair, Provider
from app.domain.repositories import Clock

CONNECT_SECONDS: Final = 900.0
"""Seconds that the target may take to connect. The codes of a pairing end by themselves long before; this is for a
provider that does not answer, and for a long queue of pairings."""

RETURN_SECONDS: Final = 90.0
"""Seconds that a link which was connected may take to be so again: the target before it is tested and put in use, and
the former provider before a roll-back."""

Require = Callable[[MentoradoId, ProviderKind, str], Awaitable[None]]
"""Raises `Problem` unless the mentorado may be switched to that provider as things stand now, and the switch relies on
nothing but what was approved."""


class SwitchSteps:
    """CHECK_SWITCH, CONNECT_TARGET, TEST_TARGET and CUT_OVER.

    The target is connected and tested beside the link in use, which sends and receives all the while. Cutting over is
    one transaction; until it is done, whatever fails leaves everything as it was.
    """

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        outbound: OutboundService,
        smoke_tests: SmokeTestService,
        providers: Mapping[ProviderKind, Provider],
        require: Require,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._outbound = outbound
        self._smoke_tests = smoke_tests
        self._providers = providers
        self._require = require
        self._bus = bus
        self._clock = clock

    def steps(self) -> tuple[Step, ...]:
        return (
            Step(name=StepName.CHECK_SWITCH, do=self._check),
            Step(
                name=StepName.CONNECT_TARGET,
                do=self._connect,
                pause=self._stop_pairing,
                undo=self._disconnect,
            ),
            Step(name=StepName.TEST_TARGET, before=self._await_target, do=self._test, skip=self._skip_passed),
            Step(
                name=StepName.CUT_OVER,
                before=self._await_target,
                do=self._cut_over,
                already_done=self._find_cut_over,
                undo=self._cut_back,
            ),
        )

    async def _check(self, run: StepContext) -> StepData:
        target = ProviderKind(run.parameters["to"])
        await self._await_current(run)
        await self._require(run.mentorado_id, target, run.parameters.get("basis", ""))
        link = await self._mentorados.prepare_link(run.mentorado_id, target)
        return {"to_link": link.id, "from_link": self._mentorados.get(run.mentorado_id).link.id}

    async def _await_current(self, run: StepContext) -> None:
        """Right after a start of the program the link in use is on its way: that is no change since the approval."""
        link = self._mentorados.get(run.mentorado_id).link
        if link.enabled and self._state(link.id) is not LinkState.BLOCKED:
            with suppress(Problem):  # what keeps it from connecting is looked at next
                await self._connect_within(run.mentorado_id, link.id, RETURN_SECONDS)

    async def _connect(self, run: StepContext) -> StepData:
        target = target_of(run)
        await self._connect_within(run.mentorado_id, target, CONNECT_SECONDS)
        status = self._supervisor.status(target)
        if status.state is not LinkState.CONNECTED:
            raise Problem(ProblemCode.LINK_NOT_BACK, reason=status.reason)
        return {"account": masked(status.account)} if status.account is not None else {}

    async def _stop_pairing(self, run: StepContext) -> StepData:
        """A code that is shown is taken back; a target that is connected goes on, beside the link in use."""
        target = target_of(run)
        link = self._mentorados.through(target).link
        if self._state(target) is not LinkState.CONNECTED:
            if link.account is None and isinstance(self._providers.get(link.provider), CanPair):
                with suppress(Problem):  # the provider does not answer: nothing was linked that is known of
                    await self._supervisor.give_up_pairing(run.mentorado_id, target)
            await self._supervisor.pause(run.mentorado_id, target)
        return {}

    async def _disconnect(self, run: StepContext) -> StepData:
        """Its credentials and its session stay for the next time. Another phone that scanned the code is unlinked: the
        next try would find it there again."""
        target = target_of(run)
        link, done = self._mentorados.through(target).link, {}
        if link.in_use:  # the former provider is gone, and this one stays
            return {"kept": "target"}
        if link.account is None and self._supervisor.status(target).reason is Reason.WRONG_ACCOUNT:
            with suppress(Problem):  # the provider does not answer
                await self._supervisor.reject_account(run.mentorado_id, target)
                done = {"other_phone": "unlinked"}
        else:
            await self._stop_pairing(run)
        await self._supervisor.disconnect(run.mentorado_id, target)
        return done

    async def _skip_passed(self, run: StepContext) -> StepData | None:
        """A test that passed since this switch began is not repeated after a crash."""
        target = target_of(run)
        test = self._smoke_tests.last(run.mentorado_id, target)
        passed = test is not None and test.began_at >= run.procedure.head.began_at
        return {"why": "passed"} if passed and self._smoke_tests.bulk_hold(run.mentorado_id, target) is None else None

    async def _test(self, run: StepContext) -> StepData:
        target = target_of(run)
        test = await self._smoke_tests.run(run.mentorado_id, link_id=target)
        hold = self._smoke_tests.bulk_hold(run.mentorado_id, target)
        if hold is not None:
            raise Problem(hold.code, **hold.context, trouble=test.trouble.value)
        return {"outcome": str(test.outcome)}

    async def _connect_within(self, mentorado_id: MentoradoId, link_id: LinkId, seconds: float) -> None:
        with StatusWaiter(self._bus, self._clock, link_id) as watch:
            if self._state(link_id) is not LinkState.CONNECTED:
                await self._supervisor.connect(mentorado_id, link_id)
            if not is_settled(self._supervisor.status(link_id)):
                await watch.wait_until(is_settled, within=seconds)

    async def _await_target(self, run: StepContext) -> StepData:
        """After a restart of the program the target comes back; so it does after a moment without network."""
        await self._connect_within(run.mentorado_id, target_of(run), RETURN_SECONDS)
        self._require_connected(run)
        return {}

    def _require_connected(self, run: StepContext) -> None:
        if self._state(target_of(run)) is not LinkState.CONNECTED:
            raise Problem(ProblemCode.SWITCH_TARGET_GONE, reason=self._supervisor.status(target_of(run)).reason)

    async def _cut_over(self, run: StepContext) -> StepData:
        """Between two messages: what the former provider was handed is answered, and the next goes to the target."""
        async with self._outbound.sending_paused(run.mentorado_id):
            self._require_connected(run)
            await self._supervisor.put_in_use(run.mentorado_id, target_of(run))
        return {}

    async def _find_cut_over(self, run: StepContext) -> StepData | None:
        return {"found": "switched"} if self._mentorados.get(run.mentorado_id).link.id == target_of(run) else None

    async def _cut_back(self, run: StepContext) -> StepData:
        """A former provider that fell meanwhile is not put in use again: the target works, and stays in use."""
        switched = self._mentorados.get(run.mentorado_id).link.id == target_of(run)
        if switched:
            with suppress(Problem):  # then it is not connected, which is looked at next
                await self._connect_within(run.mentorado_id, former_of(run), RETURN_SECONDS)
        async with self._outbound.sending_paused(run.mentorado_id):
            if switched and self._state(former_of(run)) is not LinkState.CONNECTED:
                return {"kept": "target"}
            await self._supervisor.put_in_use(run.mentorado_id, former_of(run))
        return {}

    def _state(self, link_id: LinkId) -> LinkState:
        return self._supervisor.status(link_id).state


class RollBackSteps:
    """CONNECT_FORMER, CUT_BACK and STOP_TARGET. What arrived meanwhile stays in the history.

    The procedure is begun with *to_link*, the link in use that is left, and *from_link*, the one to go back to.
    """

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        outbound: OutboundService,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._outbound = outbound
        self._bus = bus
        self._clock = clock

    def steps(self) -> tuple[Step, ...]:
        return (
            Step(name=StepName.CONNECT_FORMER, do=self._connect),
            Step(
                name=StepName.CUT_BACK,
                before=self._connect,  # after a restart it is on its way
                do=self._cut_back,
                already_done=self._find_cut_back,
                undo=self._undo_cut_back,
            ),
            Step(name=StepName.STOP_TARGET, do=self._stop, undo=self._connect_again),
        )

    async def _connect(self, run: StepContext) -> StepData:
        """It was kept signed in. Where it is not any more, nothing is changed: going back would leave nobody."""
        await self._connect_and_wait(run.mentorado_id, former_of(run))
        self._require_connected(former_of(run))
        return {}

    async def _connect_and_wait(self, mentorado_id: MentoradoId, link_id: LinkId) -> None:
        """Both links were connected before: no code is shown to connect either again."""
        with StatusWaiter(self._bus, self._clock, link_id) as watch:
            status = self._supervisor.status(link_id)
            gone = status.state is LinkState.BLOCKED and REASONS[status.reason].keys_gone
            if status.state in (LinkState.OFF, LinkState.BLOCKED) and not gone:
                await self._supervisor.connect(mentorado_id, link_id)
            if not is_settled(self._supervisor.status(link_id)):
                await watch.wait_until(is_settled, within=RETURN_SECONDS)

    def _require_connected(self, former: LinkId) -> None:
        status = self._supervisor.status(former)
        if status.state is not LinkState.CONNECTED:
            raise Problem(ProblemCode.SWITCH_OLD_NOT_BACK, reason=status.reason)

    async def _cut_back(self, run: StepContext) -> StepData:
        async with self._outbound.sending_paused(run.mentorado_id):
            self._require_connected(former_of(run))
            await self._supervisor.put_in_use(run.mentorado_id, former_of(run))
        return {}

    async def _find_cut_back(self, run: StepContext) -> StepData | None:
        return {"found": "back"} if self._mentorados.get(run.mentorado_id).link.id == former_of(run) else None

    async def _undo_cut_back(self, run: StepContext) -> StepData:
        """A target that does not come back is not put in use again: the former provider works, and stays in use."""
        with suppress(Problem):  # then it is not connected, which is looked at next
            await self._connect_and_wait(run.mentorado_id, target_of(run))
        async with self._outbound.sending_paused(run.mentorado_id):
            if self._supervisor.status(target_of(run)).state is not LinkState.CONNECTED:
                return {"kept": "former"}
            await self._supervisor.put_in_use(run.mentorado_id, target_of(run))
        return {}

    async def _stop(self, run: StepContext) -> StepData:
        """Its credentials and its session stay, for another try."""
        await self._supervisor.disconnect(run.mentorado_id, target_of(run))
        return {}

    async def _connect_again(self, run: StepContext) -> StepData:
        await self._connect_and_wait(run.mentorado_id, target_of(run))
        return {}


def target_of(run: StepContext) -> LinkId:
    """The link that is switched to."""
    return LinkId(run.parameters.get("to_link") or run.facts(StepName.CHECK_SWITCH)["to_link"])


def former_of(run: StepContext) -> LinkId:
    """The link that was in use before the switch."""
    return LinkId(run.parameters.get("from_link") or run.facts(StepName.CHECK_SWITCH)["from_link"])
