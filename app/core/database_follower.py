"""Takes up what other programs (a command beside the window or beside `conecta run`) commit to the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.provider_setup.credentials import Accounts
from app.core.settings_service import SettingsService
from app.core.trusted_time import ClockCheck
from app.domain.errors import Problem
from app.domain.repositories import Clock, ForeignCommits

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0


class DatabaseFollower:
    """Polls for commits of other programs, and reloads what is cached. `mark` comes before the first read of the
    database, `begin` after it."""

    def __init__(
        self,
        *,
        commits: ForeignCommits,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        settings_service: SettingsService,
        clock_check: ClockCheck,
        accounts: Accounts,
        reload: Sequence[Callable[[], Awaitable[None]]],
        clock: Clock,
    ) -> None:
        """*reload* are those of services that only have to read again what they keep in memory."""
        self._commits = commits
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._settings_service = settings_service
        self._clock_check = clock_check
        self._accounts = accounts
        self._reload = reload
        self._clock = clock
        self._seen: object = None
        self._begun = asyncio.Event()

    async def mark(self) -> None:
        """Remember the state of the database; what is committed later by others will be noticed."""
        self._seen = await self._commits.version()

    def begin(self) -> None:
        """Everything was read once: from now on `run` polls."""
        self._begun.set()

    async def run(self) -> None:
        """Poll every `POLL_SECONDS` until cancelled. A database that cannot be read now is read the next time."""
        await self._begun.wait()
        while True:
            await self._clock.sleep(POLL_SECONDS)
            try:
                await self.check()
            except Problem as problem:
                log.debug("The database was not polled: %s", problem.code)

    async def check(self) -> bool:
        """Follow the database if another program committed to it; returns whether one did. Raises `Problem`."""
        version = await self._commits.version()
        if version == self._seen:
            return False
        changed = await self._mentorados.follow()
        await self._supervisor.follow(changed)
        await self._follow_accounts()
        await self._settings_service.follow()
        for reload in self._reload:
            await reload()
        await self._clock_check.follow()
        self._seen = version  # only now: what failed half-way is read again
        return True

    async def _follow_accounts(self) -> None:
        """Reopen connections whose link has another account now: the former one may belong to another link."""
        try:
            moved = await self._accounts.reload_changed()
        except Problem as problem:  # the secrets are closed here, and no connection is opened with them either
            log.debug("The accounts were not reloaded: %s", problem.code)
            return
        for mentorado_id, link_id in moved:
            await self._supervisor.restart(mentorado_id, link_id)
