"""Which provider carries somebody's messages, as long as it never did: a switch of one in use is another matter."""

from __future__ import annotations

from dataclasses import replace

from app.core.action import Refusal
from app.core.enrolments import Enrolments
from app.core.links.supervisor import Supervisor
from app.core.witness import Witness
from app.domain.connection import LinkState, Reason
from app.domain.deeds import DeedName
from app.domain.errors import Code, Problem
from app.domain.guidance import can_have
from app.domain.mentorado import Enrolment, MentoradoId, ProviderKind


class ProviderChoice:
    """The link keeps its id; credentials of the provider before stay where they are."""

    def __init__(self, *, enrolments: Enrolments, supervisor: Supervisor, witness: Witness) -> None:
        self._enrolments = enrolments
        self._supervisor = supervisor
        self._witness = witness

    def refusal(self, mentorado_id: MentoradoId) -> Refusal | None:
        """Why the provider cannot be chosen anew, or None when it can."""
        enrolment = self._enrolments.get(mentorado_id)
        status = self._supervisor.status(enrolment.link.id)
        if enrolment.mentorado.archived:
            return Refusal.ARCHIVED
        if enrolment.link.account is not None:
            return Refusal.CONNECTED_BEFORE
        if status.state not in (LinkState.OFF, LinkState.BLOCKED):
            return Refusal.STILL_RUNNING
        return Refusal.DECIDE_ACCOUNT_FIRST if status.reason is Reason.WRONG_ACCOUNT else None

    async def choose(self, mentorado_id: MentoradoId, kind: ProviderKind) -> Enrolment:
        """Let *kind* carry the messages. Raises `Problem(NOT_POSSIBLE_NOW)` when `refusal` says why not."""
        before = self._enrolments.get(mentorado_id)
        if kind is before.link.provider:
            return before
        if why := self.refusal(mentorado_id):
            raise Problem(Code.NOT_POSSIBLE_NOW, action=DeedName.CHOOSE_PROVIDER, why=why)
        await self._supervisor.disconnect(mentorado_id)  # what blocked it was the other provider's
        link = self._enrolments.get(mentorado_id).link
        values = ({"provider": link.provider.value}, {"provider": kind.value})
        with self._witness.with_changes(DeedName.CHOOSE_PROVIDER, before, before=values[0], after=values[1]):
            after = await self._enrolments.save_link(replace(link, provider=kind))
        if not can_have(kind, self._supervisor.status(link.id).reason):
            await self._supervisor.stand_down(mentorado_id)
        return after
