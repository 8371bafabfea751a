"""What is true of every link, and the only place where that changes."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from app.core.bus import Bus
from app.core.scribe import Scribe
from app.domain.connection import LinkState, LinkStatus, Reason, SendCapability
from app.domain.errors import Problem
from app.domain.events import StatusChanged, StorageFailed
from app.domain.guidance import OUTWEIGHED, can_have, forbids
from app.domain.lifecycle import Trigger, step
from app.domain.mentorado import Link, LinkId
from app.domain.ports import Clock, Transition, TransitionLog

log = logging.getLogger(__name__)

_CAPABILITY = {LinkState.CONNECTED: SendCapability.OK, LinkState.BLOCKED: SendCapability.BLOCKED}


class StatusBoard:
    """Holds the statuses. `move` follows the transition table; `note` changes only what is shown beside the state."""

    def __init__(self, *, bus: Bus, clock: Clock, scribe: Scribe, transitions: TransitionLog) -> None:
        self._bus = bus
        self._clock = clock
        self._scribe = scribe
        self._transitions = transitions
        self._statuses: dict[LinkId, LinkStatus] = {}
        self._forbidden: dict[LinkId, LinkStatus] = {}  # by WhatsApp, until it is lifted
        self._since = clock.now()

    def status(self, link_id: LinkId) -> LinkStatus:
        """What is true of *link_id* now; a link nobody asked for is off."""
        return self._statuses.get(link_id) or LinkStatus(since=self._since)

    def begin(self, link_id: LinkId, since: datetime) -> None:
        """Nobody asked for *link_id* yet, or any more, *since* then. It is no transition."""
        self._statuses.setdefault(link_id, LinkStatus(since=since))

    def restore(self, link: Link, status: LinkStatus, *, forbidden: LinkStatus | None = None) -> None:
        """Take up what was true when the program ended, without a transition; *forbidden* is what stood beside it."""
        self._forbidden.pop(link.id, None)
        for each in (forbidden, status):
            if each is not None and forbids(each, self._clock.now()):
                self._forbidden[link.id] = each
        self._publish(link, self.status(link.id), self._outweighed(link, status) or status)

    def forbidden(self, link: Link) -> LinkStatus | None:
        """The status with which WhatsApp forbade the number of *link*, while that stands."""
        status = self._forbidden.get(link.id)
        if status is None or not forbids(status, self._clock.now()):
            return None
        return status if can_have(link.provider, status.reason) else None

    def lift(self, link: Link) -> None:
        """A person says that WhatsApp lifted what it forbade: the link is off, as if nobody had asked for it."""
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
        state = step(before.state, trigger)
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
        after = self._remembered(link, after)
        moved = (before.state, before.reason) != (after.state, after.reason)
        if moved:
            fields = {"link": link.id, "state": after.state, "reason": after.reason}
            log.info("Link %s: %s → %s (%s)", link.id, before.state, after.state, after.reason, extra=fields)
            transition = Transition(link_id=link.id, at=now, trigger=trigger, before=before, after=after)
            self._scribe.add(lambda: self._transitions.append(transition))
        self._publish(link, before, after)
        return after

    def _remembered(self, link: Link, after: LinkStatus) -> LinkStatus:
        """*after*, or what stands against the number where that is more."""
        if after.state is LinkState.CONNECTED:
            self._forbidden.pop(link.id, None)
        stands = self._outweighed(link, after)
        if stands is not None:
            return replace(stands, account=after.account, evidence=after.evidence)
        if forbids(after, self._clock.now()):
            self._forbidden[link.id] = after
        return after

    def _outweighed(self, link: Link, status: LinkStatus) -> LinkStatus | None:
        """What is shown in place of *status*, which says less."""
        stands = self.forbidden(link)
        if stands is None or stands.reason is status.reason:
            return None
        at_rest = status.state in (LinkState.OFF, LinkState.BLOCKED)
        return stands if at_rest and status.reason in OUTWEIGHED else None

    def note(self, link: Link, **shown: Any) -> None:
        """Change what is shown beside the state: the next try, the evidence."""
        before = self.status(link.id)
        self._publish(link, before, replace(before, **shown))

    def sign_off(self) -> None:
        """Write down that nobody keeps the running links running any more. It is no move: they are taken up again."""
        now = self._clock.now()
        for link_id, status in self._statuses.items():
            if status.state not in (LinkState.OFF, LinkState.BLOCKED):
                away = LinkStatus(reason=Reason.PROGRAM_CLOSED, since=now, account=status.account)
                left = Transition(link_id=link_id, at=now, trigger=Trigger.DISCONNECT, before=status, after=away)
                self._scribe.add(partial(self._transitions.append, left))

    def storage_failed(self, problem: Problem) -> None:
        """Something about a link could not be stored; the link itself goes on."""
        log.warning("A link's settings could not be stored: %s", problem.code)
        self._bus.publish(StorageFailed(problem))

    def _publish(self, link: Link, before: LinkStatus, after: LinkStatus) -> None:
        self._statuses[link.id] = after
        self._bus.publish(StatusChanged(link.mentorado_id, link.id, before, after))


def as_of(status: LinkStatus, now: datetime) -> LinkStatus:
    """A stored *status* without a future: what a clock that was ahead wrote down is taken as of *now*, and a ban then
    lasts as long as it was said to."""
    ahead = status.since - now
    if ahead <= timedelta():
        return status
    return replace(status, since=now, until=None if status.until is None else status.until - ahead)


def _connected_since(before: LinkStatus, state: LinkState, now: datetime) -> datetime | None:
    if state is not LinkState.CONNECTED:
        return None
    return before.evidence.connected_since or now
