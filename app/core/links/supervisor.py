"""Keeps every link running that should run, and nothing running that should not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from app.core.event_bus import EventBus
from app.core.links.ingest import MessageIngestor
from app.core.links.link_worker import LinkWorker
from app.core.links.pairing import PairingCodeService, PairingQueue
from app.core.links.reconnect import Backoff, ConnectRateLimiter, ReconnectPolicy
from app.core.links.status_store import StatusStore, clamp_to_now
from app.core.mentorado_service import MentoradoService
from app.core.write_queue import WriteQueue
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MentoradoAdded
from app.domain.guidance import BANS, FORBIDDING, REASONS, forbids
from app.domain.link_status import LinkState, LinkStatus, Reason, SmokeTestOutcome, Trigger
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber, same_account
from app.domain.provider import CanPair, LocksSessions, Provider
from app.domain.repositories import Clock, Transition, TransitionRepository

FLUSH_SECONDS = 3.0


class Supervisor:
    """Owns one task per running link, and that of the write queue.

    Enter it to get a task group; leave it, and every connection has been closed and everything has been written down.
    """

    def __init__(
        self,
        *,
        bus: EventBus,
        providers: Mapping[ProviderKind, Provider],
        mentorados: MentoradoService,
        transitions: TransitionRepository,
        ingestor: MessageIngestor,
        clock: Clock,
        write_queue: WriteQueue,
        policy: ReconnectPolicy | None = None,
    ) -> None:
        self._providers = providers
        self._mentorados = mentorados
        self._transitions = transitions
        self._ingestor = ingestor
        self._clock = clock
        self._policy = policy or ReconnectPolicy()
        self._gate = ConnectRateLimiter(clock, self._policy.per_second)
        self._write_queue = write_queue
        self._board = board = StatusStore(bus=bus, clock=clock, write_queue=write_queue, transitions=transitions)
        self.status, self.forbidden, self.standing = board.status, board.forbidden, board.standing
        self.pairing = PairingQueue(bus)
        self.phone_codes = PairingCodeService(providers=providers, mentorados=mentorados, statuses=board, clock=clock)
        self._group = asyncio.TaskGroup()
        self._runs: dict[LinkId, tuple[LinkWorker, asyncio.Task[None]]] = {}
        self._refusals: Counter[LinkId] = Counter()  # of sign-ins in a row, which outlive a run
        self._service: list[asyncio.Task[None]] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._closing = False
        bus.subscribe(MentoradoAdded, self._on_added)

    async def __aenter__(self) -> Supervisor:
        await self._group.__aenter__()
        self._service.append(self._group.create_task(self._write_queue.run(), name="write queue"))
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        self._closing = True  # whoever asks for a link from now on is refused: nobody would be left to stop it
        for task in self._starting:
            task.cancel()
        while self._runs:
            running = [task for _run, task in self._runs.values()]
            for task in running:
                task.cancel()
            await asyncio.wait(running)
            await asyncio.sleep(0)  # lets the tasks' own clean-up of `_runs` go first
        self._board.record_shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._write_queue.flush()
        for task in self._service:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def running(self) -> tuple[LinkId, ...]:
        """The links that have a task: connected ones and those on their way."""
        return tuple(self._runs)

    async def start_enabled(self) -> None:
        """Take up what was true when the program ended, then start the links that should run, one after the other."""
        await self.restore()
        self._start_later(self._mentorados.through_all())

    async def follow(self, changed: Iterable[tuple[Mentorado, Mentorado]]) -> None:
        """Take up what another program stored about links: *changed* as they were and as they are.

        A link that runs here is stopped when it was archived, disconnected or given another provider elsewhere. Of
        those that do not, the last stored status is shown; one that another program connected and left is started here.
        """
        for before, after in changed:
            if before.link.id != after.link.id:  # switched elsewhere
                self._board.announce(after.link)
                continue
            unwanted = after.archived or (before.link.enabled and not after.link.enabled)
            if after.link.id in self._runs and (unwanted or before.link.provider is not after.link.provider):
                await self.pause(after.id)
        latest, forbidding = await self._transitions.latest(), await self._transitions.forbidding()
        left: list[Mentorado] = []
        for mentorado in self._mentorados.all():
            link, last = mentorado.link, latest.get(mentorado.link.id)
            if link.id in self._runs or last is None or last.at <= self.status(link.id).since:
                continue
            if last.after.state not in (LinkState.OFF, LinkState.BLOCKED) or last.after.reason is Reason.SESSION_IN_USE:
                continue
            self._restore(mentorado, last, forbidding.get(link.id), anew=True)
            if last.after.reason is Reason.PROGRAM_CLOSED:
                left.append(mentorado)
        if left:
            self._start_later(left)

    def reconnect(self, mentorado_ids: Iterable[MentoradoId]) -> None:
        """What took these links down together seems to be over: try them one after the other, without their waits."""
        fallen = [self._mentorados.get(mentorado_id) for mentorado_id in mentorado_ids]
        for mentorado in fallen:
            if running := self._runs.get(mentorado.link.id):
                running[0].retry_soon()
        flapping = [mentorado for mentorado in fallen if self.status(mentorado.link.id).reason is Reason.FLAPPING]
        self._start_later(flapping)

    async def restore(self) -> None:
        """Restore open decisions and prohibitions. Other links begin as off."""
        latest, forbidding = await self._transitions.latest(), await self._transitions.forbidding()
        for mentorado in self._mentorados.through_all():
            self._restore(mentorado, latest.get(mentorado.link.id), forbidding.get(mentorado.link.id))

    def _restore(
        self, mentorado: Mentorado, last: Transition | None, forbade: Transition | None, *, anew: bool = False
    ) -> None:
        """Show what the last transition of a link says that does not run; *anew* where something else is shown."""
        link, now = mentorado.link, self._clock.now()
        forbidden = None if forbade is None else clamp_to_now(forbade.after, now)
        if forbidden is not None and not forbids(forbidden, now):
            forbidden = None
        if last is None:
            self._board.init(link.id, min(mentorado.created_at, now))
        elif last.after.state is LinkState.BLOCKED and last.after.reason is not Reason.SESSION_IN_USE:
            self._board.restore(link, clamp_to_now(last.after, now), forbidden=forbidden)
        elif forbidden is not None:
            self._board.restore(link, forbidden)
        elif anew:
            self._board.restore(link, LinkStatus(since=min(last.at, now)))
        elif last.after.state in (LinkState.OFF, LinkState.BLOCKED):  # what another program had open then is past
            self._board.init(link.id, min(last.at, now))

    async def lift(self, mentorado_id: MentoradoId) -> None:
        """Confirm that WhatsApp lifted a prohibition. Connects nothing."""
        self._board.lift(self._mentorados.get(mentorado_id).link)

    def _on_added(self, event: MentoradoAdded) -> None:
        self._board.init(event.mentorado.link.id, event.mentorado.created_at)

    def _start_later(self, mentorados: Iterable[Mentorado]) -> None:
        task = self._group.create_task(self._start_each(mentorados), name="start links")
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start_each(self, mentorados: Iterable[Mentorado]) -> None:
        for link_id in [mentorado.link.id for mentorado in mentorados]:
            if not self._should_start(link_id):
                continue
            await self._gate.acquire()
            if self._should_start(link_id):  # somebody may have been quicker
                await self.connect(self._mentorados.through(link_id).id, link_id)

    def _should_start(self, link_id: LinkId) -> bool:
        mentorado = self._mentorados.through(link_id)
        link, status = mentorado.link, self.status(mentorado.link.id)
        if not link.enabled or link.provider not in self._providers:
            return False
        if mentorado.archived or self._waits_for_a_person(status) or self._board.forbidden(link):
            return False
        return status.state is LinkState.BLOCKED or link.id not in self._runs

    def _waits_for_a_person(self, status: LinkStatus) -> bool:
        if status.state is not LinkState.BLOCKED:
            return False
        if status.until is not None and status.until <= self._clock.now():
            return False
        return REASONS[status.reason].needs_operator

    def number_of(self, mentorado: Mentorado) -> PhoneNumber:
        """The number that the link signed in with, or the one that is expected of it."""
        return self.status(mentorado.link.id).account or mentorado.expected_account

    def ban(self, mentorado_id: MentoradoId) -> LinkStatus | None:
        """The status with which WhatsApp banned the number, whichever of its links heard of it, while that stands."""
        links = (self._mentorados.get(mentorado_id).link, *self._mentorados.links_beside(mentorado_id))
        found = (self._board.forbidden(link) for link in links)
        return next((each for each in found if each is not None and each.reason in BANS), None)

    async def connect(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> None:
        """Ask the link to run, pairing it if it never was; hurries a link that is already on its way back.

        Here and below, *link_id* is one beside the link in use, which is meant otherwise.
        """
        mentorado = self._mentorados.get(mentorado_id, link_id)
        running = self._runs.get(mentorado.link.id)
        if running is not None and self.status(mentorado.link.id).state is LinkState.RECONNECTING:
            running[0].retry_now()
            return
        if running is not None and self.status(mentorado.link.id).state is LinkState.UNKNOWN:
            running[0].check_now()
            return
        await self._start(mentorado, pair_anew=False)

    def retry_requested(self, link_id: LinkId) -> bool:
        """Whether the next try of this link was already hurried."""
        running = self._runs.get(link_id)
        return running is not None and running[0].retry_requested_early

    async def pair_again(self, mentorado_id: MentoradoId) -> None:
        """Pair a new session; the old one stays until the new one is connected, and is quarantined then."""
        await self._start(self._mentorados.get(mentorado_id), pair_anew=True)

    async def pause(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> None:
        """Stop the link for a moment, and wait until its connection is closed; it stays one that should run."""
        link = self._mentorados.get(mentorado_id, link_id).link
        await self._stop(link)
        self._board.move(link, Trigger.DISCONNECT)

    async def give_up_pairing(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> None:
        """Stop a pairing, and set aside what it made so far. The session in use is untouched.

        A phone that has scanned the code stays linked: that is undone by `reject_account` alone, which a person is
        asked about.
        """
        await self.pause(mentorado_id, link_id)
        link = self._mentorados.get(mentorado_id, link_id).link
        provider = self._providers[link.provider]
        if isinstance(provider, CanPair):
            try:
                if await provider.pending_account(link) is None:
                    await provider.rollback_pairing(link)
            except Problem as problem:
                if problem.code is not ProblemCode.ACCOUNT_TAKEN:  # there is nothing of this link's to give up
                    raise

    def record_smoke_test(
        self,
        mentorado_id: MentoradoId,
        outcome: SmokeTestOutcome | None,
        at: datetime | None = None,
        link_id: LinkId | None = None,
    ) -> None:
        """The last smoke test of this link ended so, *at* that time or just now."""
        link = self._mentorados.get(mentorado_id, link_id).link
        self._board.record_smoke_test(link, outcome, at or self._clock.now())

    async def disconnect(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> None:
        """Ask the link to stop, and wait until its connection is closed. Its session stays for the next time."""
        await self.pause(mentorado_id, link_id)
        await self._mentorados.save_link(replace(self._mentorados.get(mentorado_id, link_id).link, enabled=False))

    async def put_in_use(self, mentorado_id: MentoradoId, link_id: LinkId) -> None:
        """Put *link_id*, which is beside the link in use, in its place. Neither connection is closed."""
        former = self._mentorados.get(mentorado_id).link
        after = await self._mentorados.put_in_use(link_id)
        self._board.announce(after.link)
        if former.id != after.link.id:
            self._board.announce(self._mentorados.through(former.id).link)

    async def accept_account(self, mentorado_id: MentoradoId) -> None:
        """Accept the other number that scanned the code."""
        before = self._mentorados.get(mentorado_id)
        link, account = before.link, self.status(before.link.id).account
        if account is None:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW)
        accepted = None if same_account(account, before.phone) else account  # theirs again, and no other is meant
        mentorado = await self._mentorados.save_link(replace(link, accepted_account=accepted))
        provider = self._providers[link.provider]
        if isinstance(provider, CanPair):
            await provider.commit_pairing(mentorado.link)
        self._board.lift(mentorado.link)  # what was forbidden was the number before
        await self._start(mentorado, pair_anew=False)

    async def reject_account(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> None:
        """Reject the other number. A phone that scanned a code is unlinked; the former session or credentials stay."""
        link = self._mentorados.get(mentorado_id, link_id).link
        provider = self._providers[link.provider]
        if isinstance(provider, CanPair):
            await provider.rollback_pairing(link)
        self._board.move(link, Trigger.DISCONNECT, account=link.account)

    async def overrule_lock(self, mentorado_id: MentoradoId) -> None:
        """Take the session from a program that a person knows to be gone, and connect."""
        mentorado = self._mentorados.get(mentorado_id)
        provider: object = self._providers.get(mentorado.link.provider)
        if not isinstance(provider, LocksSessions):
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW)
        await self._on_worker_ended(mentorado.link)
        await provider.overrule_lock(mentorado.link)
        await self._start(mentorado, pair_anew=False)

    async def restart(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> None:
        """Close the connection of a link that runs and open another, with what it signs in with now."""
        link = self._mentorados.get(mentorado_id, link_id).link
        if link.id not in self._runs or self.status(link.id).state is LinkState.BLOCKED:
            return
        await self._stop(link)
        self._board.move(link, Trigger.DISCONNECT)
        await self._start(self._mentorados.get(mentorado_id, link_id), pair_anew=False)

    async def _start(self, mentorado: Mentorado, *, pair_anew: bool) -> None:
        """Start a worker, once the former one has closed: a link must never have two open connections."""
        link = mentorado.link
        if self.status(link.id).state in (LinkState.BLOCKED, LinkState.OFF):
            await self._on_worker_ended(link)
        if self._closing:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why="closing")
        if link.id in self._runs:
            return  # somebody asked twice
        forbidden = self._board.forbidden(link)
        if forbidden is not None and not (pair_anew and forbidden.reason is not Reason.TEMPORARY_BAN):
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why=FORBIDDING[forbidden.reason])
        provider = self._providers.get(link.provider)
        if provider is None:
            raise Problem(ProblemCode.PROVIDER_UNAVAILABLE, provider=link.provider)
        self._board.move(link, Trigger.CONNECT)
        run = LinkWorker(
            mentorado,
            provider=provider,
            mentorados=self._mentorados,
            board=self._board,
            pairing_queue=self.pairing,
            ingestor=self._ingestor,
            clock=self._clock,
            gate=self._gate,
            backoff=Backoff(self._policy),
            refusals=self._refusals,
        )
        task = self._group.create_task(run.run(pair_anew=pair_anew), name=f"link {link.id}")
        self._runs[link.id] = (run, task)
        task.add_done_callback(lambda _done: self._runs.pop(link.id, None))

    async def _stop(self, link: Link) -> None:
        if running := self._runs.get(link.id):
            running[1].cancel()
            await self._on_worker_ended(link)

    async def _on_worker_ended(self, link: Link) -> None:
        if running := self._runs.get(link.id):
            await asyncio.wait([running[1]])
            await asyncio.sleep(0)  # lets the task's own clean-up of `_runs` go first
