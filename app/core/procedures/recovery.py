"""The first steps of a recovery, none of which replaces anything: how far it reaches, a soft reconnect, a backup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from app.core.event_bus import EventBus
from app.core.links.incident_detector import IncidentDetector
from app.core.links.status_store import StatusWaiter, is_settled
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.procedures.steps import Step, StepContext
from app.domain.backup import BackupInfo, BackupProgress
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import REASONS
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import Link, MentoradoId, ProviderKind
from app.domain.procedure import ProcedureId, ProcedureKind, StepData, StepName
from app.domain.provider import Provider
from app.domain.repositories import Clock

SOFT_TRIES: Final = 3
SOFT_SECONDS: Final = 180.0
"""A soft reconnect ends with the first of the two. The pauses between the tries are those of any link."""


class Backups(Protocol):
    """Makes one mentorado's archive; whatever of it was begun before a crash may be asked for again."""

    async def collect(
        self,
        procedure_id: ProcedureId,
        mentorado_id: MentoradoId,
        *,
        passphrase: str = "",
        on_progress: Callable[[BackupProgress], None],
    ) -> StepData:
        """Copy everything into a part file beside its place."""
        ...

    async def verify_part(
        self, procedure_id: ProcedureId, *, on_progress: Callable[[BackupProgress], None]
    ) -> BackupInfo:
        """Read the part file back."""
        ...

    async def publish(self, procedure_id: ProcedureId) -> BackupInfo: ...

    async def discard_part(self, procedure_id: ProcedureId) -> None:
        """Remove a part file. A finished backup is never a harm, and stays."""
        ...


class RecoverySteps:
    """SCOPE, SOFT_RECONNECT and BACK_UP."""

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        incidents: IncidentDetector,
        providers: Mapping[ProviderKind, Provider],
        backups: Backups,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._incidents = incidents
        self._providers = providers
        self._backups = backups
        self._bus = bus
        self._clock = clock

    def steps(self) -> tuple[Step, ...]:
        return (
            Step(name=StepName.SCOPE, do=self._scope),
            Step(name=StepName.SOFT_RECONNECT, do=self._soft_reconnect),
            Step(
                name=StepName.BACK_UP,
                before=self._require_passphrase,
                do=self._back_up,
                undo=self._discard_part,
                skip=self._skip_if_back,
            ),
        )

    async def _scope(self, run: StepContext) -> StepData:
        """Check for an incident: the cause is not this link then, unless the operator gives a reason."""
        provider = self._link(run).provider
        incident = self._incidents.for_provider(provider)
        if incident is None:
            return {"links": "one"}
        if "override_reason" not in run.parameters:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why="incident")
        return {"links": "many", "affected": str(len(incident.affected)), "of": str(incident.of)}

    async def _soft_reconnect(self, run: StepContext) -> StepData:
        """Try the session that is there; its files are not touched."""
        link = self._link(run)
        before = self._supervisor.status(link.id)
        if before.state is LinkState.CONNECTED:
            return {"came_back": "yes", "tries": "0"}
        if not await self._can_be_tried(link, before):
            return {"came_back": "no", "tries": "0", "reason": before.reason.value}
        tries = _Tries(before)
        with StatusWaiter(self._bus, self._clock, link.id) as watch:
            await self._supervisor.connect(run.mentorado_id)
            await watch.wait_until(tries.are_enough, within=SOFT_SECONDS)
        after = self._supervisor.status(link.id)
        came_back = after.state is LinkState.CONNECTED
        made = str(max(tries.failed + int(came_back), 1))
        if came_back:
            return {"came_back": "yes", "tries": made}
        return {"came_back": "no", "tries": made, "reason": after.reason.value}

    async def _can_be_tried(self, link: Link, status: LinkStatus) -> bool:
        """Whether the link can be tried without showing a code, which is not asked for yet."""
        provider = self._providers.get(link.provider)
        gone = status.state is LinkState.BLOCKED and REASONS[status.reason].keys_gone
        if gone or self._supervisor.forbidden(link) is not None:
            return False
        return provider is not None and await provider.has_credentials(link)

    async def _skip_if_back(self, run: StepContext) -> StepData | None:
        """Nothing will be replaced when the link is back, so nothing needs to be saved before."""
        repairs = run.procedure.head.kind in (ProcedureKind.RECOVERY, ProcedureKind.REAUTHENTICATION)
        connected = self._supervisor.status(self._link(run).id).state is LinkState.CONNECTED
        return {"why": "came_back"} if repairs and connected and not run.procedure.ends_connection else None

    async def _require_passphrase(self, run: StepContext) -> StepData:
        """An archive that was meant to have a passphrase is not made without one after a restart."""
        if run.parameters.get("with_secret") == "yes" and not run.secret:
            raise Problem(ProblemCode.BACKUP_LOCKED, path=str(run.id))
        return {}

    async def _back_up(self, run: StepContext) -> StepData:
        made = await self._backups.collect(run.id, run.mentorado_id, passphrase=run.secret, on_progress=run.tell)
        await self._backups.verify_part(run.id, on_progress=run.tell)
        info = await self._backups.publish(run.id)
        return {**made, "path": str(info.path), "messages": str(info.messages), "size": str(info.size)}

    async def _discard_part(self, run: StepContext) -> StepData:
        await self._backups.discard_part(run.id)
        return {}

    def _link(self, run: StepContext) -> Link:
        return self._mentorados.get(run.mentorado_id).link


class _Tries:
    """Counts connection attempts of a link from its status."""

    def __init__(self, before: LinkStatus) -> None:
        self.failed = 0
        self._seen = before.retry.attempt if before.retry is not None else 0

    def are_enough(self, status: LinkStatus) -> bool:
        retry = status.retry
        if retry is not None and retry.at is not None and retry.attempt > self._seen:
            self._seen = retry.attempt
            self.failed += 1
        return is_settled(status) or self.failed >= SOFT_TRIES
