"""Keeps every link running that should run, and nothing running that should not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.intake import HistoryKeeper
from app.core.links.backoff import Backoff, ReconnectPolicy
from app.core.links.link_run import LinkRun
from app.core.links.pairing import PairingDesk
from app.core.links.phone_codes import PhoneCodes
from app.core.links.start_gate import StartGate
from app.core.links.status_board import StatusBoard, as_of
from app.core.refusals import FORBIDDEN
from app.core.scribe import Scribe
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.errors import Code, Problem
from app.domain.events import MentoradoAdded
from app.domain.guidance import STAYS_BLOCKED, forbids
from app.domain.lifecycle import Trigger
from app.domain.mentorado import Enrolment, Link, LinkId, MentoradoId, ProviderKind
from app.domain.ports import Clock, Transition, TransitionLog
from app.domain.provider import CanPair, LocksSessions, Provider

FLUSH_SECONDS = 3.0


class Supervisor:
    """Owns one task per running link, and the scribe's.

    Enter it to get a task group; leave it, and every line has been closed and everything has been written down.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        providers: Mapping[ProviderKind, Provider],
        enrolments: Enrolments,
        transitions: TransitionLog,
        keeper: HistoryKeeper,
        clock: Clock,
        scribe: Scribe,
        policy: ReconnectPolicy | None = None,
    ) -> None:
        self._providers = providers
        self._enrolments = enrolments
        self._transitions = transitions
        self._keeper = keeper
        self._clock = clock
        self._policy = policy or ReconnectPolicy()
        self._gate = StartGate(clock, self._policy.per_second)
        self._scribe = scribe
        self._board = StatusBoard(bus=bus, clock=clock, scribe=scribe, transitions=transitions)
        self.pairing = PairingDesk(bus)
        self.phone_codes = PhoneCodes(providers=providers, enrolments=enrolments, status=self.status, clock=clock)
        self._group = asyncio.TaskGroup()
        self._runs: dict[LinkId, tuple[LinkRun, asyncio.Task[None]]] = {}
        self._refusals: Counter[LinkId] = Counter()  # of sign-ins in a row, which outlive a run
        self._service: list[asyncio.Task[None]] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._closing = False
        bus.subscribe(MentoradoAdded, self._on_added)

    async def __aenter__(self) -> Supervisor:
        await self._group.__aenter__()
        self._service.append(self._group.create_task(self._scribe.run(), name="scribe"))
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
        self._board.sign_off()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._scribe.flush()
        for task in self._service:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def status(self, link_id: LinkId) -> LinkStatus:
        return self._board.status(link_id)

    def running(self) -> tuple[LinkId, ...]:
        """The links that have a task: connected ones and those on their way."""
        return tuple(self._runs)

    async def start_wanted(self) -> None:
        """Take up what was true when the program ended, then start the links that should run, one after the other."""
        await self.restore()
        self._start_later(self._enrolments.all())

    async def follow(self, changed: Iterable[tuple[Enrolment, Enrolment]]) -> None:
        """Take up what another program stored about links: *changed* as they were and as they are.

        A link that runs here is stopped when it was archived, disconnected or given another provider elsewhere. Of
        those that do not, the last stored status is shown; one that another program connected and left is started here.
        """
        for before, after in changed:
            unwanted = after.mentorado.archived or (before.link.wanted and not after.link.wanted)
            if after.link.id in self._runs and (unwanted or before.link.provider is not after.link.provider):
                await self.stand_down(after.mentorado.id)
        latest, forbidding = await self._transitions.latest(), await self._transitions.forbidding()
        left: list[Enrolment] = []
        for enrolment in self._enrolments.all():
            link, last = enrolment.link, latest.get(enrolment.link.id)
            if link.id in self._runs or last is None or last.at <= self.status(link.id).since:
                continue
            if last.after.state not in (LinkState.OFF, LinkState.BLOCKED) or last.after.reason is Reason.SESSION_IN_USE:
                continue
            self._restore(enrolment, last, forbidding.get(link.id), anew=True)
            if last.after.reason is Reason.PROGRAM_CLOSED:
                left.append(enrolment)
        if left:
            self._start_later(left)

    def bring_back(self, mentorado_ids: Iterable[MentoradoId]) -> None:
        """What took these links down together seems to be over: try them one after the other, without their waits."""
        fallen = [self._enrolments.get(mentorado_id) for mentorado_id in mentorado_ids]
        for enrolment in fallen:
            if running := self._runs.get(enrolment.link.id):
                running[0].call()
        flapping = [enrolment for enrolment in fallen if self.status(enrolment.link.id).reason is Reason.FLAPPING]
        self._start_later(flapping)

    async def restore(self) -> None:
        """Show what a person still has to decide, and what WhatsApp forbade. Other links begin as off."""
        latest, forbidding = await self._transitions.latest(), await self._transitions.forbidding()
        for enrolment in self._enrolments.all():
            self._restore(enrolment, latest.get(enrolment.link.id), forbidding.get(enrolment.link.id))

    def _restore(
        self, enrolment: Enrolment, last: Transition | None, forbade: Transition | None, *, anew: bool = False
    ) -> None:
        """Show what the last transition of a link says that does not run; *anew* where something else is shown."""
        link, now = enrolment.link, self._clock.now()
        forbidden = None if forbade is None else as_of(forbade.after, now)
        if forbidden is not None and not forbids(forbidden, now):
            forbidden = None
        if last is None:
            self._board.begin(link.id, min(enrolment.mentorado.created_at, now))
        elif last.after.state is LinkState.BLOCKED and last.after.reason is not Reason.SESSION_IN_USE:
            self._board.restore(link, as_of(last.after, now), forbidden=forbidden)
        elif forbidden is not None:
            self._board.restore(link, forbidden)
        elif anew:
            self._board.restore(link, LinkStatus(since=min(last.at, now)))
        elif last.after.state in (LinkState.OFF, LinkState.BLOCKED):  # what another program had open then is past
            self._board.begin(link.id, min(last.at, now))

    def forbidden(self, mentorado_id: MentoradoId) -> LinkStatus | None:
        """The status with which WhatsApp forbade the number, while that stands."""
        return self._board.forbidden(self._enrolments.get(mentorado_id).link)

    async def lift(self, mentorado_id: MentoradoId) -> None:
        """A person says that WhatsApp lifted what it forbade. Nothing is connected by that."""
        self._board.lift(self._enrolments.get(mentorado_id).link)

    def _on_added(self, event: MentoradoAdded) -> None:
        self._board.begin(event.enrolment.link.id, event.enrolment.mentorado.created_at)

    def _start_later(self, enrolments: Iterable[Enrolment]) -> None:
        task = self._group.create_task(self._start_each(enrolments), name="start links")
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start_each(self, enrolments: Iterable[Enrolment]) -> None:
        for mentorado_id in [enrolment.mentorado.id for enrolment in enrolments]:
            if not self._should_start(mentorado_id):
                continue
            await self._gate.turn()
            if self._should_start(mentorado_id):  # somebody may have been quicker
                await self.connect(mentorado_id)

    def _should_start(self, mentorado_id: MentoradoId) -> bool:
        enrolment = self._enrolments.get(mentorado_id)
        link, status = enrolment.link, self.status(enrolment.link.id)
        if not link.wanted or link.provider not in self._providers:
            return False
        if enrolment.mentorado.archived or self._waits_for_a_person(status) or self._board.forbidden(link):
            return False
        return status.state is LinkState.BLOCKED or link.id not in self._runs

    def _waits_for_a_person(self, status: LinkStatus) -> bool:
        if status.state is not LinkState.BLOCKED:
            return False
        if status.until is not None and status.until <= self._clock.now():
            return False
        return status.reason in STAYS_BLOCKED

    async def connect(self, mentorado_id: MentoradoId) -> None:
        """Ask the link to run, pairing it if it never was; hurries a link that is already on its way back."""
        enrolment = self._enrolments.get(mentorado_id)
        running = self._runs.get(enrolment.link.id)
        if running is not None and self.status(enrolment.link.id).state is LinkState.RECONNECTING:
            running[0].hurry()
            return
        if running is not None and self.status(enrolment.link.id).state is LinkState.UNKNOWN:
            running[0].check_now()
            return
        await self._start(enrolment, pair_anew=False)

    def hurried(self, link_id: LinkId) -> bool:
        """Whether the next try of this link was already hurried."""
        running = self._runs.get(link_id)
        return running is not None and running[0].hurried

    async def pair_anew(self, mentorado_id: MentoradoId) -> None:
        """Pair a new session; the old one stays until the new one is connected, and is quarantined then."""
        await self._start(self._enrolments.get(mentorado_id), pair_anew=True)

    async def stand_down(self, mentorado_id: MentoradoId) -> None:
        """Stop the link for a moment, and wait until its line is closed; it stays one that should run."""
        link = self._enrolments.get(mentorado_id).link
        await self._stop(link)
        self._board.move(link, Trigger.DISCONNECT)

    async def give_up_pairing(self, mentorado_id: MentoradoId) -> None:
        """Stop a pairing, and set aside what it made so far. The session in use is untouched.

        A phone that has scanned the code stays linked: that is undone by `reject_account` alone, which a person is
        asked about.
        """
        await self.stand_down(mentorado_id)
        link = self._enrolments.get(mentorado_id).link
        provider = self._providers[link.provider]
        if isinstance(provider, CanPair):
            try:
                if await provider.undecided_account(link) is None:
                    await provider.discard(link)
            except Problem as problem:
                if problem.code is not Code.ACCOUNT_TAKEN:  # there is nothing of this link's to give up
                    raise

    def note_smoke_test(self, mentorado_id: MentoradoId) -> None:
        """A message went out over this link just now, and was taken."""
        link = self._enrolments.get(mentorado_id).link
        seen = replace(self.status(link.id).evidence, last_smoke_test=self._clock.now())
        self._board.note(link, evidence=seen)

    async def disconnect(self, mentorado_id: MentoradoId) -> None:
        """Ask the link to stop, and wait until its line is closed. Its session stays for the next time."""
        await self.stand_down(mentorado_id)
        await self._enrolments.save_link(replace(self._enrolments.get(mentorado_id).link, wanted=False))

    async def accept_account(self, mentorado_id: MentoradoId) -> None:
        """A person says that the other number which scanned the code is right."""
        link = self._enrolments.get(mentorado_id).link
        account = self.status(link.id).account
        if account is None:
            raise Problem(Code.NOT_POSSIBLE_NOW)
        enrolment = await self._enrolments.save_link(replace(link, accepted_account=account))
        provider = self._providers[link.provider]
        if isinstance(provider, CanPair):
            await provider.adopt(enrolment.link)
        self._board.lift(enrolment.link)  # what was forbidden was the number before
        await self._start(enrolment, pair_anew=False)

    async def reject_account(self, mentorado_id: MentoradoId) -> None:
        """A person says that the other number is wrong. A phone that scanned a code is unlinked again; the former
        session, or what a provider signs in with, is untouched."""
        link = self._enrolments.get(mentorado_id).link
        provider = self._providers[link.provider]
        if isinstance(provider, CanPair):
            await provider.discard(link)
        self._board.move(link, Trigger.DISCONNECT, account=link.account)

    async def overrule_lock(self, mentorado_id: MentoradoId) -> None:
        """A person says that the program which is noted as having the session open is gone; connects with it then."""
        enrolment = self._enrolments.get(mentorado_id)
        provider: object = self._providers.get(enrolment.link.provider)
        if not isinstance(provider, LocksSessions):
            raise Problem(Code.NOT_POSSIBLE_NOW)
        await self._ended(enrolment.link)
        await provider.overrule_lock(enrolment.link)
        await self._start(enrolment, pair_anew=False)

    async def reopen(self, mentorado_id: MentoradoId) -> None:
        """Close the line of a link that runs and open another, with what it signs in with now."""
        link = self._enrolments.get(mentorado_id).link
        if link.id not in self._runs or self.status(link.id).state is LinkState.BLOCKED:
            return
        await self._stop(link)
        self._board.move(link, Trigger.DISCONNECT)
        await self._start(self._enrolments.get(mentorado_id), pair_anew=False)

    async def _start(self, enrolment: Enrolment, *, pair_anew: bool) -> None:
        """Start a run. One that was refused may still be closing its line: two lines of one link must never be open."""
        link = enrolment.link
        if self.status(link.id).state in (LinkState.BLOCKED, LinkState.OFF):
            await self._ended(link)
        if self._closing:
            raise Problem(Code.NOT_POSSIBLE_NOW, why="closing")
        if link.id in self._runs:
            return  # somebody asked twice
        forbidden = self._board.forbidden(link)
        if forbidden is not None and not (pair_anew and forbidden.reason is not Reason.TEMPORARY_BAN):
            raise Problem(Code.NOT_POSSIBLE_NOW, why=FORBIDDEN[forbidden.reason])
        provider = self._providers.get(link.provider)
        if provider is None:
            raise Problem(Code.PROVIDER_UNAVAILABLE, provider=link.provider)
        self._board.move(link, Trigger.CONNECT)
        run = LinkRun(
            enrolment.mentorado.id,
            provider=provider,
            enrolments=self._enrolments,
            board=self._board,
            desk=self.pairing,
            keeper=self._keeper,
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
            await self._ended(link)

    async def _ended(self, link: Link) -> None:
        if running := self._runs.get(link.id):
            await asyncio.wait([running[1]])
            await asyncio.sleep(0)  # lets the task's own clean-up of `_runs` go first
