"""What carries sample data: nothing is opened, dialled or sent, whatever is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from app.domain.incident import Finding
from app.domain.mentorado import Link, LinkId, Mentorado, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Connected, ConnectionEvent, QrIssued, QrScanned
from app.domain.repositories import Clock

SCANNED_AFTER: Final = 8.0
_CODE_SECONDS: Final = 60
_SIGN_IN_SECONDS: Final = 1.0

Script = Sequence[ConnectionEvent]
"""What is seen of a connection as soon as it is opened; it stays so."""


class SampleConnection:
    """Tells its events, each after its pause, and then nothing more until it is closed."""

    def __init__(self, clock: Clock, events: Sequence[tuple[float, ConnectionEvent]]) -> None:
        self._clock = clock
        self._events = events

    async def events(self) -> AsyncIterator[ConnectionEvent]:
        for pause, event in self._events:
            if pause:
                await self._clock.sleep(pause)
            yield event
        await asyncio.Event().wait()

    async def confirm(self, up_to: int) -> None:
        """There is nothing that would be repeated."""


class SampleProvider:
    """Implements `Provider`, `CanPair` and `HasSessionId`. It cannot send, so nothing that sends ever begins.

    *scripts* are the connections as they are found; whoever is paired here is connected from then on. A code says
    *code* to whoever scans it, and is scanned by itself.
    """

    def __init__(self, clock: Clock, scripts: Mapping[PhoneNumber, Script], code: Callable[[], str]) -> None:
        self._clock = clock
        self._scripts = scripts
        self._code = code
        self._pairings: dict[LinkId, int] = {}

    @asynccontextmanager
    async def connect(self, mentorado: Mentorado) -> AsyncIterator[SampleConnection]:
        account = mentorado.expected_account
        script = () if mentorado.link.id in self._pairings else self._scripts.get(account, ())
        yield SampleConnection(self._clock, [(0, event) for event in script or (Connected(account),)])

    @asynccontextmanager
    async def pair(self, mentorado: Mentorado) -> AsyncIterator[SampleConnection]:
        account = mentorado.expected_account
        shown = QrIssued(self._code(), 1, 1, _CODE_SECONDS)
        events: list[tuple[float, ConnectionEvent]] = [
            (0, shown),
            (SCANNED_AFTER, QrScanned(account)),
            (_SIGN_IN_SECONDS, Connected(account)),
        ]
        yield SampleConnection(self._clock, events)

    async def has_credentials(self, link: Link) -> bool:
        return link.account is not None

    async def commit_pairing(self, link: Link) -> None:
        self._pairings[link.id] = self._pairings.get(link.id, 0) + 1

    async def rollback_pairing(self, link: Link) -> None:
        """Nothing was made that had to be given up."""

    async def pending_account(self, link: Link) -> PhoneNumber | None:
        return None

    async def current_session_id(self, link: Link) -> str:
        return f"sample {self._pairings.get(link.id, 0)}"


class SampleChecks:
    """Implements `ConnectivityChecker` and `ProviderTime` without asking anybody."""

    async def check(self, provider: ProviderKind) -> Sequence[Finding]:
        return ()

    async def ask(self) -> datetime | None:
        return None
