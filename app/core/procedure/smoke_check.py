"""One short note to the mentorado's own number: proof that the link carries messages, and bothers nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from app.core.enrolments import Enrolments
from app.core.links.supervisor import Supervisor
from app.core.procedure.step import Run, Step
from app.domain.connection import LinkState
from app.domain.errors import Code, Problem
from app.domain.mentorado import ProviderKind
from app.domain.messages import Address, AddressKind
from app.domain.procedure import Facts, StepName
from app.domain.provider import CanSend, Provider
from app.domain.sending import NotSent, Outgoing, SendTrouble, Uncertain

_NOT_TO_ITSELF: Final = frozenset({ProviderKind.META_CLOUD})
"""Where a number cannot write to itself."""


class SmokeCheck:
    """SMOKE_CHECK: sends and waits for the server to take it. *note* is the text, in the operator's language."""

    def __init__(
        self,
        *,
        enrolments: Enrolments,
        supervisor: Supervisor,
        providers: Mapping[ProviderKind, Provider],
        note: Callable[[], str],
    ) -> None:
        self._enrolments = enrolments
        self._supervisor = supervisor
        self._providers = providers
        self._note = note

    def step(self) -> Step:
        return Step(name=StepName.SMOKE_CHECK, do=self._check, skip=self._not_possible, optional=True)

    async def _not_possible(self, run: Run) -> Facts | None:
        kind = self._enrolments.get(run.mentorado_id).link.provider
        if not isinstance(self._providers.get(kind), CanSend):
            return {"why": "cannot_send"}
        return {"why": "not_to_itself"} if kind in _NOT_TO_ITSELF else None

    async def _check(self, run: Run) -> Facts:
        enrolment = self._enrolments.get(run.mentorado_id)
        provider: object = self._providers.get(enrolment.link.provider)
        status = self._supervisor.status(enrolment.link.id)
        if not isinstance(provider, CanSend) or status.state is not LinkState.CONNECTED:
            raise Problem(Code.SMOKE_CHECK_FAILED, trouble=SendTrouble.NOT_CONNECTED)
        to = Address(AddressKind.PHONE, status.account or enrolment.expected_account)
        result = await provider.send(enrolment, Outgoing(to=to, text=self._note(), reference=run.id))
        if isinstance(result, NotSent):
            raise Problem(Code.SMOKE_CHECK_FAILED, trouble=result.trouble, provider_code=result.code)
        if isinstance(result, Uncertain):
            raise Problem(Code.SMOKE_CHECK_FAILED, trouble="uncertain")
        self._supervisor.note_smoke_test(run.mentorado_id)
        return {"sent": "yes"}
