"""Parses deliveries that were answered, hands them to the app link by link, and deletes them when they are stored.

While the connection of a link is closed, only the numbers of its deliveries are in memory; they are read again later.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.messages import MessageUpdate, ProviderMessage
from app.domain.phone import PhoneNumber, same_account
from app.domain.webhooks import DeliveryBatch, DeliveryOutcome, Endpoint, EndpointList, ParsedWebhook
from app.providers.webhooks.host.counters import OutcomeCounters
from app.providers.webhooks.host.spool import DeliverySpool, SpoolWriter, StoredDelivery


class LinkLookup:
    """Finds the links that a delivery is about. *known* is set once the app has told the endpoints."""

    def __init__(self) -> None:
        self.known = asyncio.Event()
        self._endpoints: tuple[Endpoint, ...] = ()
        self._numbers: dict[LinkId, PhoneNumber] = {}

    def set_endpoints(self, endpoints: EndpointList) -> None:
        """These are the links and their numbers from now on."""
        self._endpoints = endpoints.endpoints
        self._numbers = {
            endpoint.link_id: endpoint.number for endpoint in endpoints.endpoints if endpoint.number is not None
        }
        self.known.set()

    def links_of(self, callback: ParsedWebhook, kept: StoredDelivery) -> Sequence[LinkId]:
        """The links that *callback* is about, of those the delivery may be about; one where it has facts."""
        if not callback.key:
            return tuple(kept.endpoints.values())
        if callback.key not in kept.endpoints:
            return ()
        sharing = [d.link_id for d in self._endpoints if (d.provider, d.key) == (kept.provider, callback.key)]
        candidates = dict.fromkeys((*sharing, kept.endpoints[callback.key]))
        if callback.number is None:
            return tuple(candidates)[:1]
        named = [link_id for link_id in candidates if self._has(link_id, callback.number)]
        unknown = [link_id for link_id in candidates if link_id not in self._numbers]
        return (*named, *unknown)[:1]

    def is_of_another_number(self, callback: ParsedWebhook, kept: StoredDelivery) -> bool:
        """Whether it is about an account that a link has, and about the number of none."""
        return callback.key in kept.endpoints and not self.links_of(callback, kept)

    def _has(self, link_id: LinkId, number: PhoneNumber) -> bool:
        own = self._numbers.get(link_id)
        return own is not None and same_account(own, number)


PORTION: Final = 100  # facts in one line to the app
PORTION_LETTERS: Final = 256 << 10
WINDOW: Final = 4  # lines to one link that are not confirmed
AHEAD: Final = 400  # parts of one link in memory; what follows is read again in its turn
READ_AGAIN_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.02  # what comes meanwhile goes to the app together, which wakes fifty times a second at most

_NOBODY: Final = LinkId("")
"""Owes what no link is to get and what could not be set aside either."""

Parser = Callable[[bytes, datetime], Sequence[ParsedWebhook]]
Taken = Sequence[ParsedWebhook] | Exception


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A portion of what one delivery says about one link."""

    number: int
    facts: tuple[MessageUpdate, ...]
    check: bool


@dataclass(slots=True)
class _Outbox:
    """What one link is still to get: *ready* in memory, *later* by number, *sent* and not confirmed."""

    ready: deque[_Chunk] = field(default_factory=deque)
    later: deque[int] = field(default_factory=deque)
    sent: dict[int, list[_Chunk]] = field(default_factory=dict)
    closed: bool = False

    def put_off(self) -> None:
        """Put back all that is not confirmed, to be read again."""
        numbers = dict.fromkeys(part.number for parts in self.sent.values() for part in parts)
        numbers |= dict.fromkeys(part.number for part in self.ready)
        self.later.extendleft(reversed(numbers))
        self.sent.clear()
        self.ready.clear()


class DeliveryDispatcher:
    """Runs on the loop of the host; the thread of `SpoolWriter` reads, other threads parse."""

    def __init__(
        self,
        spool_writer: SpoolWriter,
        parsers: Mapping[ProviderKind, Parser],
        links: LinkLookup,
        *,
        counting: OutcomeCounters,
        tell: Callable[[DeliveryBatch], None],
        note: Callable[[str], None],
        new_from: int,
    ) -> None:
        """Deliveries from number *new_from* on are counted; the ones before were, in a former run."""
        self._spool_writer = spool_writer
        self._parsers = parsers
        self._links = links
        self._counting = counting
        self._tell = tell
        self._note = note
        self._new_from = new_from
        self._read_to = 0
        self._work = asyncio.Event()
        self._work.set()
        self._boxes: dict[LinkId, _Outbox] = {}
        self._owed: dict[int, Counter[LinkId]] = {}  # how many parts each link has yet to confirm; 0: not parsed
        self._mark = 0
        self.caught_up = False  # everything that was on disk has been looked at

    @property
    def has_pending(self) -> int:
        """How many deliveries were looked at and are not stored."""
        return len(self._owed)

    def waiting(self) -> dict[LinkId, int]:
        """How many deliveries wait, of the links that do not take any now."""
        return {link_id: len(box.later) for link_id, box in self._boxes.items() if box.closed and box.later}

    def notify(self) -> None:
        """Something new is on disk."""
        self._work.set()

    def confirm(self, link_id: LinkId, mark: int) -> None:
        """The app has stored what it was told under *mark*."""
        box = self._boxes.get(link_id)
        stored = Counter(part.number for part in (box.sent.pop(mark, ()) if box else ()))
        for number, parts in stored.items():
            owed = self._owed[number]
            owed[link_id] -= parts
            if owed[link_id] <= 0:
                del owed[link_id]
            self._forget_if_done(number)
        if box is not None:
            self._pump(link_id, box)

    def pause(self, link_id: LinkId) -> None:
        """Hold back deliveries for *link_id*: it has no open connection."""
        box = self._boxes.setdefault(link_id, _Outbox())
        box.closed = True
        box.put_off()
        self._counting.changed = True

    def resume(self, link_id: LinkId) -> None:
        """Deliver again, from the first one that is not confirmed."""
        if (box := self._boxes.get(link_id)) is not None:
            box.closed = False
            box.put_off()
            self._counting.changed = True
            self._work.set()

    async def run(self) -> None:
        """Deliver what is in the spool, in its order, until cancelled."""
        await self._links.known.wait()
        while True:
            await self._work.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._work.clear()
            try:
                while await self._look_further():
                    pass
                self.caught_up = True
                for link_id, box in list(self._boxes.items()):
                    await self._read_again(link_id, box)
            except sqlite3.Error as error:
                self._note(f"the spool could not be read and is tried again: {error}")
                await asyncio.sleep(READ_AGAIN_SECONDS)
                self._work.set()

    async def _look_further(self) -> bool:
        read_to = self._read_to
        some = await self._spool_writer.query(lambda spool: spool.read_after(read_to))
        if not some:
            return False
        self._read_to = some[-1].number
        for kept, webhooks in zip(some, await self._parse_all(some), strict=True):
            await self._route(kept, webhooks)
        for link_id, box in self._boxes.items():
            self._pump(link_id, box)
        return True

    async def _parse_all(self, some: Sequence[StoredDelivery]) -> list[Taken]:
        return await asyncio.to_thread(lambda: [self._parsed(kept) for kept in some])

    def _parsed(self, kept: StoredDelivery) -> Taken:
        try:
            return self._parsers[kept.provider](kept.body, kept.received_at)
        except Exception as error:  # noqa: BLE001 - whatever somebody sent, the next delivery must be looked at
            return error

    async def _route(self, kept: StoredDelivery, webhooks: Taken) -> None:
        """Queue the parts of the delivery for their links."""
        if isinstance(webhooks, Exception):
            self._counting.add(DeliveryOutcome.UNREADABLE, _only(kept.endpoints.values()))
            await self._set_aside(kept, webhooks)
            return
        strangers = any(callback.key and callback.key not in kept.endpoints for callback in webhooks)
        if strangers:
            self._counting.add(DeliveryOutcome.OTHER_ACCOUNT, _only(kept.endpoints.values()))
        links = dict.fromkeys(link_id for callback in webhooks for link_id in self._links.links_of(callback, kept))
        owed = self._owed[kept.number] = Counter[LinkId]()
        misled = await self._keep_misled(kept, webhooks)
        for link_id in links:
            if kept.number >= self._new_from:
                self._counting.add(DeliveryOutcome.ACCEPTED, link_id)
            box = self._boxes.setdefault(link_id, _Outbox())
            if box.closed or box.later or len(box.ready) >= AHEAD:
                if any(callback.facts for callback in webhooks if link_id in self._links.links_of(callback, kept)):
                    self._put_off(kept.number, link_id)
            elif parts := self._parts(kept, webhooks, link_id):
                owed[link_id] = len(parts)
                box.ready.extend(parts)
        if not links and not strangers and not misled and kept.number >= self._new_from:
            self._counting.add(DeliveryOutcome.ACCEPTED, _only(kept.endpoints.values()))
        self._forget_if_done(kept.number)

    def _put_off(self, number: int, link_id: LinkId) -> None:
        """Delivery *number* is read again when the connection of *link_id* takes it."""
        self._owed[number][link_id] = 0
        self._boxes.setdefault(link_id, _Outbox()).later.append(number)
        self._counting.changed = True

    async def _keep_misled(self, kept: StoredDelivery, webhooks: Sequence[ParsedWebhook]) -> bool:
        """Set aside what is about an account of ours, but names a number that none of its links has."""
        misled = [each for each in webhooks if self._links.is_of_another_number(each, kept)]
        if not any(each.facts for each in misled):
            return bool(misled)
        if kept.number >= self._new_from:
            self._counting.add(DeliveryOutcome.OTHER_ACCOUNT, kept.endpoints[misled[0].key])
        try:
            await self._spool_writer.query(lambda spool: spool.quarantine(kept, "OtherNumber"))
        except Exception as trouble:  # noqa: BLE001 - then it stays where it is until the next start
            self._owed[kept.number][_NOBODY] = 1
            self._note(f"delivery {kept.number} could not be set aside: {type(trouble).__name__}")
        else:
            self._note(f"delivery {kept.number} names a number that its link does not have, and was set aside")
        return True

    async def _read_again(self, link_id: LinkId, box: _Outbox) -> None:
        """Parse, for this link alone, deliveries of which only the numbers were in memory."""
        while not box.closed and box.later and len(box.ready) < PORTION:
            numbers = list(itertools.islice(box.later, PORTION))
            some = await self._spool_writer.query(functools.partial(_read_by_number, numbers))
            taken = await self._parse_all(some)
            if box.closed or list(itertools.islice(box.later, len(some))) != [kept.number for kept in some]:
                continue  # it closed, or began again, meanwhile
            for kept, webhooks in zip(some, taken, strict=True):
                box.later.popleft()
                parts = [] if isinstance(webhooks, Exception) else self._parts(kept, webhooks, link_id)
                if not parts and not isinstance(webhooks, Exception):
                    await self._move_on(kept, webhooks, link_id)
                box.ready.extend(parts)
                owed = self._owed[kept.number]
                owed[link_id] = len(parts)
                if not parts:
                    del owed[link_id]
                    self._forget_if_done(kept.number)
            self._pump(link_id, box)

    async def _move_on(self, kept: StoredDelivery, webhooks: Sequence[ParsedWebhook], link_id: LinkId) -> None:
        """What *link_id* waited for may be another link's by now: credentials were corrected, or are known only now."""
        links = dict.fromkeys(each for callback in webhooks for each in self._links.links_of(callback, kept))
        for other in links:
            if other not in (link_id, *self._owed[kept.number]):
                self._put_off(kept.number, other)
                self._work.set()
        if not links:
            await self._keep_misled(kept, webhooks)

    def _parts(self, kept: StoredDelivery, webhooks: Sequence[ParsedWebhook], link_id: LinkId) -> list[_Chunk]:
        mine = [callback for callback in webhooks if link_id in self._links.links_of(callback, kept)]
        facts = [fact for callback in mine for fact in callback.facts]
        check = any(callback.check for callback in mine)
        portions = [tuple(facts[at : at + PORTION]) for at in range(0, len(facts), PORTION)] or [()]
        parts = [_Chunk(kept.number, portion, check and at == 0) for at, portion in enumerate(portions)]
        return parts if facts or check else []

    def _pump(self, link_id: LinkId, box: _Outbox) -> None:
        while not box.closed and box.ready and len(box.sent) < WINDOW:
            portion = [box.ready.popleft()]
            facts, letters = len(portion[0].facts), _letters(portion[0])
            while box.ready and facts + len(box.ready[0].facts) <= PORTION and letters < PORTION_LETTERS:
                portion.append(box.ready.popleft())
                facts, letters = facts + len(portion[-1].facts), letters + _letters(portion[-1])
            self._mark += 1
            box.sent[self._mark] = portion
            updates = sorted(
                (fact for part in portion for fact in part.facts), key=_time_of
            )  # what came together, in order
            check = any(part.check for part in portion)
            self._tell(DeliveryBatch(link_id=link_id, mark=self._mark, facts=tuple(updates), check=check))
        if box.later and not box.closed and len(box.ready) < PORTION:
            self._work.set()

    def _forget_if_done(self, number: int) -> None:
        if not self._owed.get(number, True):
            del self._owed[number]
            self._spool_writer.delete([number])

    async def _set_aside(self, kept: StoredDelivery, error: Exception) -> None:
        """Move a delivery that cannot be parsed out of the spool, into a file."""

        def move(spool: DeliverySpool) -> None:
            spool.quarantine(kept, type(error).__name__)
            spool.keep([], [kept.number])

        try:
            await self._spool_writer.query(move)
        except Exception as trouble:  # noqa: BLE001 - then it stays where it is until the next start
            self._note(f"delivery {kept.number} could not be set aside: {type(trouble).__name__}")
        else:
            self._note(f"delivery {kept.number} was not understood ({type(error).__name__}), and set aside")


def _read_by_number(numbers: Sequence[int], spool: DeliverySpool) -> list[StoredDelivery]:
    return spool.read_by_number(numbers)


def _time_of(fact: MessageUpdate) -> datetime:
    return fact.sent_at if isinstance(fact, ProviderMessage) else fact.at


def _letters(part: _Chunk) -> int:
    return sum(len(getattr(fact, "text", "")) for fact in part.facts)


def _only(links: Iterable[LinkId]) -> LinkId | None:
    first, *others = dict.fromkeys(links)
    return None if others else first
