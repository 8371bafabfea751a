"""Takes up what other programs (a command beside the window or beside `conecta run`) commit to the database."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from app.core.enrolments import Enrolments
from app.core.hosted.accounts import Accounts
from app.core.links.supervisor import Supervisor
from app.core.operator_desk import OperatorDesk
from app.core.procedure.procedures import Procedures
from app.core.trusted_time import ClockCheck
from app.domain.errors import Problem
from app.domain.ports import Clock, ForeignCommits

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0


class DatabaseFollower:
    """Polls for commits of other programs, and has everything read anew that is kept in memory.

    `mark` comes before the first reading of the database, `begin` after it.
    """

    def __init__(
        self,
        *,
        commits: ForeignCommits,
        enrolments: Enrolments,
        supervisor: Supervisor,
        desk: OperatorDesk,
        procedures: Procedures,
        clock_check: ClockCheck,
        accounts: Accounts,
        clock: Clock,
    ) -> None:
        self._commits = commits
        self._enrolments = enrolments
        self._supervisor = supervisor
        self._desk = desk
        self._procedures = procedures
        self._clock_check = clock_check
        self._accounts = accounts
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
                await self.look()
            except Problem as problem:
                log.debug("The database was not polled: %s", problem.code)

    async def look(self) -> bool:
        """Follow the database if another program committed to it; returns whether one did. Raises `Problem`."""
        version = await self._commits.version()
        if version == self._seen:
            return False
        changed = await self._enrolments.follow()
        await self._supervisor.follow(changed)
        await self._follow_accounts()
        await self._desk.follow()
        await self._procedures.load()
        await self._clock_check.follow()
        self._seen = version  # only now: what failed half-way is read again
        return True

    async def _follow_accounts(self) -> None:
        """Open a line anew whose link has another account now: the former one may be another link's by then."""
        try:
            moved = await self._accounts.changed_elsewhere()
        except Problem as problem:  # the secrets are closed here, and no line is opened with them either
            log.debug("The accounts were not read anew: %s", problem.code)
            return
        for mentorado_id in moved:
            await self._supervisor.reopen(mentorado_id)
