"""The status of every link, and the only place where it changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any

from app.core.event_bus import EventBus
from app.core.write_queue import WriteQueue
from app.domain.errors import Problem
from app.domain.events import StandbyStatusChanged, StatusChanged, StorageFailed
from app.domain.guidance import REASONS, applies_to, forbids
from app.domain.link_status import (
    Evidence,
    LinkState,
    LinkStatus,
    Reason,
    SendCapability,
    SmokeTestOutcome,
    Trigger,
    next_state,
)
from app.domain.mentorado import Link, LinkId
from app.domain.repositories import Clock, Transition, TransitionRepository

log = logging.getLogger(__name__)

_CAPABILITY = {LinkState.CONNECTED: SendCapability.OK, LinkState.BLOCKED: SendCapability.BLOCKED}


class StatusStore:
    """Holds the statuses. `move` follows the transition table; `note` changes only what is shown beside the state."""

    def __init__(
        self, *, bus: EventBus, clock: Clock, write_queue: WriteQueue, transitions: TransitionRepository
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._write_queue = write_queue
        self._transitions = transitions
        self._statuses: dict[LinkId, LinkStatus] = {}
        self._tested: dict[LinkId, Evidence] = {}  # what smoke tests found, in former runs too
        self._forbidden: dict[LinkId, LinkStatus] = {}  # by WhatsApp, until it is lifted
        self._since = clock.now()

    def status(self, link_id: LinkId) -> LinkStatus:
        """The status of *link_id*; off when it was never started."""
        return self._statuses.get(link_id) or LinkStatus(since=self._since, evidence=self._evidence(link_id))

    def init(self, link_id: LinkId, since: datetime) -> None:
        """Set *link_id* to off *since* then, without a transition."""
        self._statuses.setdefault(link_id, LinkStatus(since=since, evidence=self._evidence(link_id)))

    def restore(self, link: Link, status: LinkStatus, *, forbidden: LinkStatus | None = None) -> None:
        """Restore the status from when the program ended, without a transition; *forbidden* is the prohibition then."""
        self._forbidden.pop(link.id, None)
        for each in (forbidden, status):
            if each is not None and forbids(each, self._clock.now()):
                self._forbidden[link.id] = each
        shown = self._overriding_status(link, status) or status
        self._publish(
            link, self.status(link.id), replace(shown, evidence=self._tested_evidence(link.id, shown.evidence))
        )

    def forbidden(self, link: Link) -> LinkStatus | None:
        """The status with which WhatsApp forbade the number of *link*, while that stands."""
        status = self._forbidden.get(link.id)
        if status is None or not forbids(status, self._clock.now()):
            return None
        return status if applies_to(link.provider, status.reason) else None

    def standing(self, link: Link) -> tuple[LinkStatus, LinkStatus | None]:
        """The status of *link* and what WhatsApp holds against its number: what the rules for actions ask together."""
        return self.status(link.id), self.forbidden(link)

    def lift(self, link: Link) -> None:
        """Forget a prohibition that WhatsApp lifted, as a person confirms: the link is off."""
        forbidden = self._forbidden.get(link.id)
        if forbidden is None:
            return
        if self.status(link.id).reason is not forbidden.reason:
            self.move(
                link, Trigger.REFUSED, forbidden.reason, until=forbidden.until
            )  # so that the log tells what ended
        del self._forbidden[link.id]
        self.move(link, Trigger.DISCONNECT)

    def move(self, link: Link, trigger: Trigger, reason: Reason = Reason.NONE, **shown: Any) -> LinkStatus:
        """Step, store, log, publish. *shown* are fields of `LinkStatus`; what is not given starts empty."""
        before, now = self.status(link.id), self._clock.now()
        state = next_state(before.state, trigger)
        after = LinkStatus(
            state=state,
            reason=reason,
            since=before.since if (before.state, before.reason) == (state, reason) else now,
            evidence=replace(
                before.evidence,
                connected_since=_connected_since(before, state, now),
                # What could not be asked was not observed: the badge shows how old the last truth is.
                last_observation=before.evidence.last_observation if state is LinkState.UNKNOWN else now,
            ),
            **{
                "account": before.account,
                "capability": _CAPABILITY.get(state, SendCapability.UNKNOWN),
                **shown,
            },
        )
        after = self._with_prohibition(link, after, now)
        moved = (before.state, before.reason) != (after.state, after.reason)
        if moved:
            fields = {"link": link.id, "state": after.state, "reason": after.reason}
            log.info("Link %s: %s → %s (%s)", link.id, before.state, after.state, after.reason, extra=fields)
            transition = Transition(link_id=link.id, at=now, trigger=trigger, before=before, after=after)
            self._write_queue.add(partial(self._transitions.append, transition))
        self._publish(link, before, after)
        return after

    def _with_prohibition(self, link: Link, after: LinkStatus, now: datetime) -> LinkStatus:
        """*after*, or the prohibition of the number where that outweighs it."""
        if after.state is LinkState.CONNECTED:
            self._forbidden.pop(link.id, None)
        stands = self._overriding_status(link, after)
        if stands is not None:
            return replace(stands, account=after.account, evidence=after.evidence)
        if after.state is LinkState.BLOCKED and forbids(after, now):
            self._forbidden[link.id] = after
        return after

    def _overriding_status(self, link: Link, status: LinkStatus) -> LinkStatus | None:
        """The prohibition to show in place of *status*, if any."""
        stands = self.forbidden(link)
        if stands is None or stands.reason is status.reason:
            return None
        is_settled = status.state in (LinkState.OFF, LinkState.BLOCKED)
        return stands if is_settled and REASONS[status.reason].outweighed else None

    def update(self, link: Link, **shown: Any) -> None:
        """Change fields beside the state, such as the next attempt or the evidence."""
        before = self.status(link.id)
        self._publish(link, before, replace(before, **shown))

    def record_smoke_test(self, link: Link, outcome: SmokeTestOutcome | None, at: datetime) -> None:
        """What a smoke test of *link* found; before anything is known of the link, it is shown with what comes."""
        tested = replace(self._evidence(link.id), smoke_test=outcome)
        if outcome in (SmokeTestOutcome.PASSED, SmokeTestOutcome.PARTLY):
            tested = replace(tested, last_smoke_test=at)
        self._tested[link.id] = tested
        if (before := self._statuses.get(link.id)) is not None:
            self.update(link, evidence=self._tested_evidence(link.id, before.evidence))

    def _tested_evidence(self, link_id: LinkId, evidence: Evidence) -> Evidence:
        """*evidence* with what smoke tests found."""
        tested = self._evidence(link_id)
        return replace(evidence, smoke_test=tested.smoke_test, last_smoke_test=tested.last_smoke_test)

    def _evidence(self, link_id: LinkId) -> Evidence:
        return self._tested.get(link_id, Evidence())

    def record_shutdown(self) -> None:
        """Record that the running links are no longer kept running. It is not a transition: they start again with the
        program."""
        now = self._clock.now()
        for link_id, status in self._statuses.items():
            if status.state not in (LinkState.OFF, LinkState.BLOCKED):
                away = LinkStatus(reason=Reason.PROGRAM_CLOSED, since=now, account=status.account)
                left = Transition(link_id=link_id, at=now, trigger=Trigger.DISCONNECT, before=status, after=away)
                self._write_queue.add(partial(self._transitions.append, left))

    def storage_failed(self, problem: Problem) -> None:
        """Publish that something about a link could not be stored; the link goes on."""
        log.warning("A link's settings could not be stored: %s", problem.code)
        self._bus.publish(StorageFailed(problem))

    def _publish(self, link: Link, before: LinkStatus, after: LinkStatus) -> None:
        self._statuses[link.id] = after
        kind = StatusChanged if link.in_use else StandbyStatusChanged
        self._bus.publish(kind(link.mentorado_id, link.id, before, after))

    def announce(self, link: Link) -> None:
        """Publish the status of *link* again: it was put in use just now, or taken out."""
        status = self.status(link.id)
        self._publish(link, status, status)


def clamp_to_now(status: LinkStatus, now: datetime) -> LinkStatus:
    """Limit the dates of a stored *status* to *now*: a clock that was ahead may have written them. A ban keeps its
    length."""
    ahead = status.since - now
    if ahead <= timedelta():
        return status
    return replace(status, since=now, until=None if status.until is None else status.until - ahead)


def _connected_since(before: LinkStatus, state: LinkState, now: datetime) -> datetime | None:
    if state is not LinkState.CONNECTED:
        return None
    return before.evidence.connected_since or now


class StatusWaiter:
    """Waits for a status of one link. Enter its context before the request, so that no status is missed."""

    def __init__(self, bus: EventBus, clock: Clock, link_id: LinkId) -> None:
        self._bus = bus
        self._clock = clock
        self._link_id = link_id
        self._changes: asyncio.Queue[LinkStatus | None] = asyncio.Queue()

    def __enter__(self) -> StatusWaiter:
        self._leave = (
            self._bus.subscribe(StatusChanged, self._on_status),
            self._bus.subscribe(StandbyStatusChanged, self._on_status),
        )
        return self

    def __exit__(self, _kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        for leave in self._leave:
            leave()

    async def wait_until(
        self, settled: Callable[[LinkStatus], bool], *, within: float | None = None
    ) -> LinkStatus | None:
        """The first status from now on that is *settled*; None when *within* so many seconds there was none."""
        async with asyncio.TaskGroup() as group:
            bell = group.create_task(self._expire(within))
            while (status := await self._changes.get()) is not None and not settled(status):
                pass
            bell.cancel()
        return status

    async def _expire(self, within: float | None) -> None:
        if within is not None:
            await self._clock.sleep(within)
            self._changes.put_nowait(None)

    def _on_status(self, event: StatusChanged | StandbyStatusChanged) -> None:
        if event.link_id == self._link_id:
            self._changes.put_nowait(event.after)


def is_settled(status: LinkStatus) -> bool:
    """Whether the link is connected, or will not change by itself."""
    return status.state in (LinkState.CONNECTED, LinkState.BLOCKED, LinkState.OFF)
