"""The messages that wait at a provider for a phone to be back: shown before they go, and decided on by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from app.core.actions import ActionService
from app.core.audit_service import AuditService
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.domain.actions import ActionName
from app.domain.audit import AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.provider import HasQueue, Provider
from app.domain.sending import QueuedMessage


class OutboundQueueService:
    """Each decision is about the messages that were shown: when more have come since, it must be taken again."""

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        actions: ActionService,
        providers: Mapping[ProviderKind, Provider],
        audit_service: AuditService,
    ) -> None:
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._actions = actions
        self._providers = providers
        self._audit_service = audit_service

    async def list(self, mentorado_id: MentoradoId) -> Sequence[QueuedMessage]:
        """The waiting messages, oldest first. Raises `Problem(PROVIDER_SILENT)` when the provider does not answer."""
        return await self._provider(mentorado_id).queue(self._mentorados.get(mentorado_id).link)

    async def send(self, mentorado_id: MentoradoId, seen: Sequence[QueuedMessage]) -> None:
        """Connect, and let the provider send what was *seen*. Raises `Problem(QUEUE_CHANGED)` when more waits now."""
        async with self._audited_decision(mentorado_id, "send", [len(seen)]):
            provider = self._provider(mentorado_id)
            self._actions.require(ActionName.CONNECT, mentorado_id)
            await self._check_unchanged(mentorado_id, seen)
            self._actions.require(ActionName.CONNECT, mentorado_id)  # not while one opens by itself
            provider.allow_flush(self._mentorados.get(mentorado_id).link)
            await self._supervisor.connect(mentorado_id)

    async def purge(self, mentorado_id: MentoradoId, seen: Sequence[QueuedMessage]) -> int:
        """Remove what was *seen* for good, connect a link that does not run, and return how many messages went.

        Raises `Problem(QUEUE_CHANGED)` when more waits now, and has removed nothing then.
        """
        counted = [len(seen)]
        async with self._audited_decision(mentorado_id, "purge", counted):
            provider = self._provider(mentorado_id)
            await self._check_unchanged(mentorado_id, seen)
            counted[0] = count = await provider.purge_queue(self._mentorados.get(mentorado_id).link)
        if self._actions.unavailable_reason(ActionName.CONNECT, mentorado_id) is None:
            await self._supervisor.connect(mentorado_id)
        return count

    def keep(self, mentorado_id: MentoradoId, seen: Sequence[QueuedMessage]) -> None:
        """Audit that the queue was seen and kept."""
        self._audit_service.record(
            ActionName.DECIDE_QUEUE,
            self._mentorados.get(mentorado_id),
            after={"queue": "leave", "messages": str(len(seen))},
            outcome=AuditOutcome.DECLINED,
        )

    def _provider(self, mentorado_id: MentoradoId) -> HasQueue:
        self._actions.require(ActionName.DECIDE_QUEUE, mentorado_id)
        kind = self._mentorados.get(mentorado_id).link.provider
        provider: object = self._providers.get(kind)
        if isinstance(provider, HasQueue):
            return provider
        raise Problem(ProblemCode.PROVIDER_UNAVAILABLE, provider=kind)

    async def _check_unchanged(self, mentorado_id: MentoradoId, seen: Sequence[QueuedMessage]) -> None:
        known = {message.id for message in seen}
        if any(message.id not in known for message in await self.list(mentorado_id)):
            raise Problem(ProblemCode.QUEUE_CHANGED)

    def _audited_decision(
        self, mentorado_id: MentoradoId, choice: str, count: Sequence[int]
    ) -> AbstractAsyncContextManager[None]:
        """*count* holds how many messages it was about in the end."""
        return self._audit_service.around(
            ActionName.DECIDE_QUEUE,
            self._mentorados.get(mentorado_id),
            after=lambda: {"queue": choice, "messages": str(count[0])},
        )
