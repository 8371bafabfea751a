"""The clock that stored times and decisions rely on.

The computer's clock is compared with the last run, with the newest thing in the database and, where there is a doubt
or something is about to be removed, with a provider's clock. It is used while it fits them. While it does not, time
goes on from what was known, nothing is removed by age, and a person is asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.domain.audit import AuditAction
from app.domain.errors import Problem
from app.domain.events import ClockDoubted
from app.domain.repositories import Clock, ProviderTime, TimeRecords
from app.domain.trusted_time import FAR_AHEAD, SKEW_ALLOWED, ClockDoubt, TimeMark

log = logging.getLogger(__name__)

ASK_AGAIN_SECONDS: Final = 600.0
IN_DOUBT: Final = timedelta(days=366)

PROVIDER_SECOND: Final = timedelta(seconds=1)
"""Providers send whole seconds: anything within the last second counts as past."""

FRESH_SECONDS: Final = 86_400.0
"""A provider's time is this old at most when something is removed by age, where a provider answers at all."""


class TrustedClock:
    """A `Clock` that never goes before the newest stored time, nor far ahead of other sources."""

    def __init__(
        self,
        clock: Clock,
        *,
        records: TimeRecords,
        provider_time: ProviderTime,
        elapsed: Callable[[], float] | None = None,
    ) -> None:
        """*elapsed* counts seconds whatever the clock is set to; without it, only the start of a run is checked."""
        self._clock = clock
        self._began = clock.now()
        self._records = records
        self._provider_time = provider_time
        self._elapsed = elapsed or self._wall_seconds
        self._known: tuple[datetime, float] | None = None  # the last trusted time, and when it was read
        self._reference: tuple[datetime, float] | None = None  # the same, as a provider said
        self._disregarded_until: datetime | None = None
        self.loaded = asyncio.Event()

    def now(self) -> datetime:
        trusted, doubt = self._read()
        if self._known is not None and (doubt is None or not doubt.certain):
            self._known = (trusted, self._elapsed())  # in doubt, too: time never goes back when the doubt is over
        return trusted

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def latest(self) -> datetime:
        """The latest date an incoming message can have. In doubt it is far ahead: changing a provider's date would lose
        it."""
        trusted, doubt = self._read()
        return trusted if doubt is None else max(trusted, doubt.computer) + IN_DOUBT

    @property
    def doubt(self) -> ClockDoubt | None:
        """Why the computer's clock is doubted; None while it is trusted."""
        return self._read()[1]

    async def load(self) -> None:
        """Read what is known from former runs. With a doubt, a provider is asked before this returns.

        A database that can only be read now keeps nobody from reading it: what is due is written by `ClockCheck`.
        """
        mark, newest = await self._records.mark(), await self._records.newest()
        known = mark.at if mark is not None else None
        self._disregarded_until = mark.disregarded_until if mark is not None else None
        if newest is not None and (known is None or newest > known):
            disregarded = self._disregarded_until is not None and newest <= self._disregarded_until
            known = known if disregarded else newest
        self._known = (known or self._clock.now(), self._elapsed())
        with suppress(Problem):
            if self.doubt is not None:
                await self.ask_provider()
            await self.correct()
        self.loaded.set()

    async def correct(self) -> None:
        """Set dates in the future to now, unless the clock is doubted: a merged backup may have brought some."""
        if self.doubt is None:
            await self._records.correct(self.now())

    async def ask_provider(self) -> None:
        """Compare with a provider's time; where none answers, everything stays as it is."""
        theirs = await self._provider_time.ask()
        if theirs is None:
            return
        self._reference = (theirs, self._elapsed())
        await self._follow(self._read()[0])

    async def checked_now(self) -> datetime:
        """The time that keeps out what was sent until now, and nothing that is sent from now on: providers date that,
        and a computer may be hours ahead of them before it is doubted. Where none answers, it is `now`."""
        await self.ask_provider()
        now = self.now()
        if self._reference is None:
            return now
        return min(now, _advance(self._reference, self._elapsed()) + PROVIDER_SECOND)

    async def may_remove(self) -> bool:
        """Whether something may be removed by its age now."""
        asked = self._reference is not None and self._elapsed() - self._reference[1] < FRESH_SECONDS
        if not asked or self.doubt is not None:
            await self.ask_provider()
        return self.doubt is None

    async def confirm(self) -> None:
        """Trust the computer's date, as a person confirms."""
        await self._follow(self._clock.now())
        self._reference = None

    async def save(self) -> None:
        """Store the current time for the next run; does nothing before `load`."""
        if self._known is None:
            return
        await self._records.save(TimeMark(at=self.now(), disregarded_until=self._disregarded_until))

    def _wall_seconds(self) -> float:
        return (self._clock.now() - self._began).total_seconds()

    def _read(self) -> tuple[datetime, ClockDoubt | None]:
        computer, elapsed = self._clock.now(), self._elapsed()
        if self._reference is not None:
            theirs = _advance(self._reference, elapsed)
            fits, certain = abs(computer - theirs) <= SKEW_ALLOWED, True
        elif self._known is not None:
            theirs = _advance(self._known, elapsed)
            fits, certain = theirs - SKEW_ALLOWED <= computer <= theirs + FAR_AHEAD, False
            if fits:
                computer = max(computer, self._known[0])
        else:
            return computer, None
        if fits:
            return computer, None
        return theirs, ClockDoubt(computer=computer, trusted=theirs, certain=certain)

    async def _follow(self, now: datetime) -> None:
        """Take *now* as right: stored times after it are wrong, and not compared with any more."""
        until = self._disregarded_until
        if self._known is not None and self._known[0] > now:
            until = max(self._known[0], until or self._known[0])
        await self._records.correct(now)
        await self._records.save(TimeMark(at=now, disregarded_until=until))
        self._known, self._disregarded_until = (now, self._elapsed()), until


class ClockCheck:
    """Checks the computer's clock while the program runs, and publishes doubts."""

    def __init__(self, *, bus: EventBus, clock: TrustedClock, audit_service: AuditService) -> None:
        self._bus = bus
        self._clock = clock
        self._audit_service = audit_service
        self._shown: ClockDoubt | None = None

    async def run(self) -> None:
        """Check now and every ten minutes, until cancelled."""
        await self._clock.loaded.wait()
        while True:
            await self.check()
            await self._clock.sleep(ASK_AGAIN_SECONDS)

    async def check(self) -> None:
        """Publish the current doubt, after asking a provider about it."""
        with suppress(Problem):  # a database that cannot be written now is told of by whoever needs it
            if self._clock.doubt is not None:
                await self._clock.ask_provider()
            await self._clock.save()
            await self._clock.correct()
        self._publish()

    async def confirm(self) -> None:
        """Trust the computer's date, as a person confirms, and audit that."""
        doubt = self._clock.doubt
        if doubt is None:
            return
        before, after = ({"value": f"{moment:%Y-%m-%d %H:%M} UTC"} for moment in (doubt.trusted, doubt.computer))
        with self._audit_service.with_changes(AuditAction.CONFIRM_DATE, before=before, after=after, at=doubt.computer):
            await self._clock.confirm()
        self._publish()

    async def follow(self) -> None:
        """Another program may have confirmed the date."""
        if self._clock.doubt is not None:
            await self._clock.load()
            self._publish()

    def _publish(self) -> None:
        doubt = self._clock.doubt
        if (doubt is None) != (self._shown is None) or (doubt and self._shown and doubt.certain != self._shown.certain):
            if doubt is not None:
                log.warning("The computer's clock (%s) is doubted; %s is used instead", doubt.computer, doubt.trusted)
            self._shown = doubt
            self._bus.publish(ClockDoubted(doubt))


def _advance(read: tuple[datetime, float], elapsed: float) -> datetime:
    moment, at = read
    return moment + timedelta(seconds=elapsed - at)
