"""The dry run of a provider switch."""

from __future__ import annotations

from collections.abc import Callable

from app.core.mentorado_service import MentoradoService
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.repositories import Clock
from app.domain.switch import FindingCode, PlannedSwitch, SwitchDryRun, SwitchFinding, SwitchPlan


class SwitchPlanner:
    """Makes dry runs. Every read and check of a switch, and no write."""

    def __init__(self, *, mentorados: MentoradoService, clock: Clock, **_later: object) -> None:
        self._mentorados = mentorados
        self._clock = clock

    def attach(self, *, switching: Callable[[MentoradoId], bool], under_way: object = None) -> None:
        self._switching = switching

    async def dry_run(
        self, plan: SwitchPlan, on_progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> SwitchDryRun:
        """What *plan* would do now."""
        people = []
        chosen = plan.mentorados or [each.id for each in self._mentorados.all() if each.cohort == plan.cohort]
        for each in plan.ordered(chosen):
            mentorado = self._mentorados.get(each)
            findings = []
            if mentorado.link.provider is plan.target:
                findings.append(SwitchFinding(code=FindingCode.SAME_PROVIDER))
            if self._switching(each):
                findings.append(SwitchFinding(code=FindingCode.SWITCH_UNDER_WAY))
            people.append(
                PlannedSwitch(mentorado_id=each, source=mentorado.link.provider, findings=findings, prices=())
            )
        return SwitchDryRun(plan=plan, at=self._clock.now(), people=people)

    async def require(self, mentorado_id: MentoradoId, target: ProviderKind) -> None:
        """Raises `Problem(SWITCH_NOT_POSSIBLE)`."""
        if self._mentorados.get(mentorado_id).link.provider is target:
            raise Problem(ProblemCode.SWITCH_NOT_POSSIBLE, finding=FindingCode.SAME_PROVIDER)
