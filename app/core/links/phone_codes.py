"""Pairing without a camera: a code that is typed on the phone, beside the QR."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from app.core.enrolments import Enrolments
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, LinkId, MentoradoId, ProviderKind
from app.domain.ports import Clock
from app.domain.provider import CanPairByCode, Provider

PAUSE: Final = timedelta(seconds=60)
"""Between two codes of one link: asking for many in a row makes WhatsApp refuse them all for a while."""


class PhoneCodes:
    """One code at a time, for the number that is expected."""

    def __init__(
        self,
        *,
        providers: Mapping[ProviderKind, Provider],
        enrolments: Enrolments,
        status: Callable[[LinkId], LinkStatus],
        clock: Clock,
    ) -> None:
        self._providers = providers
        self._enrolments = enrolments
        self._status = status
        self._clock = clock
        self._given: dict[LinkId, datetime] = {}

    def offered(self, mentorado_id: MentoradoId) -> bool:
        """Whether a code can be had now: a QR is shown, and the provider knows the other way."""
        return self._provider(self._enrolments.get(mentorado_id)) is not None

    async def ask(self, mentorado_id: MentoradoId) -> str:
        """A new code; it is a credential. Raises `Problem(PHONE_CODE_TOO_SOON)`, or what the provider says."""
        enrolment = self._enrolments.get(mentorado_id)
        provider, link, now = self._provider(enrolment), enrolment.link, self._clock.now()
        if provider is None:
            raise Problem(Code.NOT_POSSIBLE_NOW, why="no code is shown")
        last = self._given.get(link.id)
        if last is not None and now - last < PAUSE:
            raise Problem(Code.PHONE_CODE_TOO_SOON, seconds=str((last + PAUSE - now).seconds + 1))
        self._given[link.id] = now
        return await provider.phone_code(link, enrolment.expected_account)

    def _provider(self, enrolment: Enrolment) -> CanPairByCode | None:
        status, provider = self._status(enrolment.link.id), self._providers.get(enrolment.link.provider)
        if status.state is not LinkState.QR_READY or status.reason is Reason.SIGNING_IN:
            return None
        return provider if isinstance(provider, CanPairByCode) else None
