"""The messages that wait at a provider for a phone to be back: shown before they go, and decided on by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from app.core.action import ActionName
from app.core.actions import Actions
from app.core.enrolments import Enrolments
from app.core.links.supervisor import Supervisor
from app.core.witness import Witness
from app.domain.audit import AuditOutcome
from app.domain.errors import Code, Problem
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.provider import HasQueue, Provider
from app.domain.sending import QueuedMessage


class QueueDesk:
    """Each decision is about the messages that were shown: when more have come since, it must be taken again."""

    def __init__(
        self,
        *,
        enrolments: Enrolments,
        supervisor: Supervisor,
        actions: Actions,
        providers: Mapping[ProviderKind, Provider],
        witness: Witness,
    ) -> None:
        self._enrolments = enrolments
        self._supervisor = supervisor
        self._actions = actions
        self._providers = providers
        self._witness = witness

    async def waiting(self, mentorado_id: MentoradoId) -> Sequence[QueuedMessage]:
        """What waits, the oldest first. Raises `Problem(PROVIDER_SILENT)` when it cannot be asked."""
        return await self._provider(mentorado_id).queue(self._enrolments.get(mentorado_id).link)

    async def send(self, mentorado_id: MentoradoId, seen: Sequence[QueuedMessage]) -> None:
        """Connect, and let the provider send what was *seen*. Raises `Problem(QUEUE_CHANGED)` when more waits now."""
        async with self._deciding(mentorado_id, "send", [len(seen)]):
            provider = self._provider(mentorado_id)
            self._actions.require(ActionName.CONNECT, mentorado_id)
            await self._refuse_unseen(mentorado_id, seen)
            self._actions.require(ActionName.CONNECT, mentorado_id)  # a line that opens by itself must not take it
            provider.let_queue_flow(self._enrolments.get(mentorado_id).link)
            await self._supervisor.connect(mentorado_id)

    async def purge(self, mentorado_id: MentoradoId, seen: Sequence[QueuedMessage]) -> int:
        """Remove what was *seen* for good, connect a link that does not run, and return how many messages went.

        Raises `Problem(QUEUE_CHANGED)` when more waits now, and has removed nothing then.
        """
        counted = [len(seen)]
        async with self._deciding(mentorado_id, "purge", counted):
            provider = self._provider(mentorado_id)
            await self._refuse_unseen(mentorado_id, seen)
            counted[0] = count = await provider.purge_queue(self._enrolments.get(mentorado_id).link)
        if self._actions.refusal(ActionName.CONNECT, mentorado_id) is None:
            await self._supervisor.connect(mentorado_id)
        return count

    def leave(self, mentorado_id: MentoradoId, seen: Sequence[QueuedMessage]) -> None:
        """Write down that a person looked, and left it all as it is."""
        self._witness.record(
            ActionName.DECIDE_QUEUE,
            self._enrolments.get(mentorado_id),
            after={"queue": "leave", "messages": str(len(seen))},
            outcome=AuditOutcome.DECLINED,
        )

    def _provider(self, mentorado_id: MentoradoId) -> HasQueue:
        self._actions.require(ActionName.DECIDE_QUEUE, mentorado_id)
        kind = self._enrolments.get(mentorado_id).link.provider
        provider: object = self._providers.get(kind)
        if isinstance(provider, HasQueue):
            return provider
        raise Problem(Code.PROVIDER_UNAVAILABLE, provider=kind)

    async def _refuse_unseen(self, mentorado_id: MentoradoId, seen: Sequence[QueuedMessage]) -> None:
        known = {message.id for message in seen}
        if any(message.id not in known for message in await self.waiting(mentorado_id)):
            raise Problem(Code.QUEUE_CHANGED)

    def _deciding(
        self, mentorado_id: MentoradoId, choice: str, count: Sequence[int]
    ) -> AbstractAsyncContextManager[None]:
        """*count* holds how many messages it was about in the end."""
        return self._witness.around(
            ActionName.DECIDE_QUEUE,
            self._enrolments.get(mentorado_id),
            after=lambda: {"queue": choice, "messages": str(count[0])},
        )
