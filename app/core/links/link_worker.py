"""Runs one link, until it is stopped or needs a person."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final, assert_never

from app.core.links.ingest import IngestQueue, MessageIngestor
from app.core.links.pairing import PairingQueue, PairingSlot
from app.core.links.reconnect import Backoff, ConnectRateLimiter
from app.core.links.status_store import StatusStore
from app.core.mentorado_service import MentoradoService
from app.domain.crash_report import CrashEffect
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import REASONS, applies_to
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    QrCode,
    Reason,
    Retry,
    Trigger,
    allowed,
)
from app.domain.mentorado import Link, LinkId, Mentorado
from app.domain.phone import PhoneNumber, same_account
from app.domain.provider import (
    ActivitySeen,
    Blocked,
    CanCheckNow,
    CanPair,
    Connected,
    Connection,
    Failed,
    HostAnswered,
    Lost,
    MessagesReceived,
    Provider,
    QrIssued,
    QrScanned,
    Unreachable,
)
from app.domain.repositories import Clock
from app.platform.logging import CURRENT_MENTORADO


class RetryTimer:
    """One link's: it waits in one place at a time, and whatever it waits for there can be ended from outside."""

    def __init__(self, *, gate: ConnectRateLimiter, backoff: Backoff, clock: Clock) -> None:
        self._gate = gate
        self._backoff = backoff
        self._clock = clock
        self._limit: asyncio.Timeout | None = None
        self._waiting = False
        self._at_once = False
        self._retry_requested = False

    def hurry(self) -> None:
        """End the current wait, and skip the next delay."""
        self._at_once = True
        self.end()

    def call(self) -> None:
        """Wait for no more than the gate's next free moment, if it is the next try that is waited for."""
        if self._waiting:
            self._retry_requested = True
            self.end()

    def end(self) -> None:
        """End the current wait."""
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def interruptible(self) -> AsyncIterator[None]:
        """Let `end` cancel what happens inside."""
        try:
            async with asyncio.timeout(None) as self._limit:
                yield
        except TimeoutError:
            if self._limit is None or not self._limit.expired():
                raise
        finally:
            self._limit = None

    async def wait(self, note: Callable[[Retry], None]) -> None:
        """Wait for the next attempt, at a free moment of the rate limiter. *note* gets it, and None when it comes."""
        delay = self._backoff.next_delay()
        attempt = self._backoff.attempt
        while not self._at_once:
            self._retry_requested, now = False, self._clock.now()
            moment = self._gate.reserve(now + timedelta(seconds=delay))
            note(Retry(attempt, moment))
            self._waiting = True
            async with self.interruptible():
                await self._clock.sleep((moment - now).total_seconds())
            self._waiting = False
            if self._clock.now() < moment:
                self._gate.release(moment)
            if not self._retry_requested:
                break
            delay = 0.0
        self._at_once = False
        note(Retry(attempt, None))


REASON_BY_PROBLEM: Final = {problem: reason for reason, spec in REASONS.items() for problem in spec.problems}
"""A problem met while a connection was being opened, as the reason its link shows."""

TRIED_AGAIN: Final = frozenset({ProblemCode.TOO_MANY_OPEN_FILES})
"""Problems that may pass without a person."""


log = logging.getLogger(__name__)

BREAKS_IN_A_ROW = 6
"""A link that breaks this often on our own side without ever getting through waits for a person."""

REFUSALS_IN_A_ROW = 3
"""A session that the service turned away so often, without a reason, is taken for one it will not let in any more."""

CLOSING_EVENTS_SECONDS = 5.0
"""How long the end of a connection waits for what arrived last to be stored; otherwise the provider repeats it."""

_ON_A_LINE = frozenset({LinkState.CONNECTING, LinkState.CONNECTED, LinkState.QR_READY, LinkState.UNKNOWN})


class LinkWorker:
    """Opens connections for one link, one after another, and turns their events into status transitions."""

    def __init__(
        self,
        mentorado: Mentorado,
        *,
        provider: Provider,
        mentorados: MentoradoService,
        board: StatusStore,
        pairing_queue: PairingQueue,
        ingestor: MessageIngestor,
        clock: Clock,
        gate: ConnectRateLimiter,
        backoff: Backoff,
        refusals: Counter[LinkId],
    ) -> None:
        self._mentorado_id = mentorado.id
        self._link_id = mentorado.link.id
        self._provider = provider
        self._mentorados = mentorados
        self._board = board
        self._pairing_queue = pairing_queue
        self._ingestor = ingestor
        self._clock = clock
        self._backoff = backoff
        self._retry_timer = RetryTimer(gate=gate, backoff=backoff, clock=clock)
        self._refusals = refusals
        self._connection: Connection | None = None
        self._grace: asyncio.Task[None] | None = None
        self._breaks = 0
        self._was_connected = False  # whether the present connection ever connected
        self.retry_requested_early = False

    async def run(self, *, pair_anew: bool) -> None:
        """Keep the link running. Returns when it is blocked; cancel to stop it."""
        CURRENT_MENTORADO.set(self._mentorado_id)  # a task of its own, so nobody else's
        while True:
            try:
                self._was_connected, self._grace = False, None
                await self._run_connection(pair_anew)
            except Problem as problem:
                self._stop_for(problem)
            except Exception as error:  # one link's bug must not end the others
                log.exception("Worker of link %s failed", self._link_id, extra={"effect": CrashEffect.LINK_RETRIES})
                self._on_connection_closed(Reason.UNEXPECTED, repr(error))
            pair_anew = pair_anew and not self._was_connected
            if self._status.state in _ON_A_LINE:
                self._on_connection_lost(Reason.STREAM_ERROR, "connection closed by the provider without a reason")
            if self._status.state is not LinkState.RECONNECTING:
                return
            await self._retry_timer.wait(lambda retry: self._board.update(self._link, retry=retry))

    def retry_now(self) -> None:
        """Try now instead of later; once, until the link has been through again."""
        self.retry_requested_early = True
        self._retry_timer.hurry()

    def check_now(self) -> None:
        """Have a polled provider asked at once over the connection that is open; another is opened if it cannot be."""
        connection = self._connection
        if connection is not None and isinstance(connection, CanCheckNow):
            connection.check_now()
        else:
            self.retry_now()

    def retry_soon(self) -> None:
        """Try at the gate's next free moment, if the link only waits: whatever took many links down may be over."""
        self._retry_timer.call()

    async def _run_connection(self, pair_anew: bool) -> None:
        """Pair or connect, whichever is due, until the connection ends."""
        link = self._link
        if isinstance(self._provider, CanPair):
            account = await self._pending_account(self._provider, link, pair_anew=pair_anew)
            if account is not None and self._is_wrong(account):
                self._move(Trigger.REFUSED, Reason.WRONG_ACCOUNT, account=account)
                return
            if account is not None and not pair_anew:  # the program ended between the scan and the swap
                await self._provider.commit_pairing(link)
            elif pair_anew or not (link.account or await self._provider.has_credentials(link)):
                await self._pair(self._provider)
                return
        async with self._retry_timer.interruptible(), self._provider.connect(self._mentorado) as connection:
            await self._listen(connection, None)

    async def _pending_account(self, provider: CanPair, link: Link, *, pair_anew: bool) -> PhoneNumber | None:
        """The account of a scan that a person must decide about first. A new pairing replaces a damaged one."""
        try:
            return await provider.pending_account(link)
        except Problem:
            if not pair_anew:
                raise
            return None

    async def _pair(self, provider: CanPair) -> None:
        if self._pairing_queue.current is not None:
            self._move(Trigger.CONNECT, Reason.WAITING_TURN)
        async with self._pairing_queue.slot(self._link_id) as turn:
            if self._status.reason is Reason.WAITING_TURN:
                self._move(Trigger.CONNECT)
            async with self._retry_timer.interruptible(), provider.pair(self._mentorado) as connection:
                await self._listen(connection, turn)

    async def _listen(self, connection: Connection, turn: PairingSlot | None) -> None:
        """Handle the events of *connection* until it ends, or one of them ends it; with a *turn*, it is a pairing."""
        intake = IngestQueue(connection, self._ingestor)
        self._connection = connection
        try:
            async with asyncio.TaskGroup() as group:
                taking_in = group.create_task(intake.run(), name=f"intake {self._link_id}")
                await self._follow(connection, intake, turn, group)
                self._end_grace()
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSING_EVENTS_SECONDS):
                        await intake.join()
                taking_in.cancel()
        except ExceptionGroup as group_of_one:  # whichever failed, the other was only cancelled for it
            raise group_of_one.exceptions[0] from None
        finally:
            self._connection = None

    async def _follow(
        self, connection: Connection, intake: IngestQueue, turn: PairingSlot | None, group: asyncio.TaskGroup
    ) -> None:
        async for signal in connection.events():
            match signal:
                case MessagesReceived():
                    intake.add(self._mentorado, signal)
                case QrScanned(account) | Connected(account) if self._is_wrong(account):
                    self._move(Trigger.REFUSED, Reason.WRONG_ACCOUNT, account=account)
                    return
                case Connected():
                    self._end_grace()
                    await self._on_opened(signal, turn)
                case Lost(reason, detail, retry_timer):
                    self._on_connection_lost(reason, detail)
                    if self._status.state is LinkState.BLOCKED:
                        return
                    self._begin_grace(turn, group, self._backoff.grace if retry_timer is None else retry_timer)
                case Blocked():
                    self._on_blocked(signal, paired=turn is None)
                    return
                case Failed(reason, detail):
                    self._on_connection_closed(reason, detail)
                    return
                case _:
                    self._show_progress(signal)

    def _stop_for(self, problem: Problem) -> None:
        """No connection could be opened: a person is needed, unless the cause may be over in a moment."""
        reason = REASON_BY_PROBLEM.get(problem.code, Reason.UNEXPECTED)
        if problem.code in TRIED_AGAIN:
            self._on_connection_closed(reason, str(problem))
        else:
            detail = problem.context["name"] if problem.code is ProblemCode.ACCOUNT_TAKEN else str(problem)
            self._move(Trigger.REFUSED, reason, detail=detail, holder=problem.context.get("holder", ""))

    def _on_blocked(self, refused: Blocked, *, paired: bool) -> None:
        reason, detail = self._blocking_reason(refused.reason, paired=paired), refused.detail
        shown: dict[str, object] = {} if refused.account is None else {"account": refused.account}
        if reason is Reason.SESSION_HELD_ELSEWHERE:  # the detail is the one who has it
            shown["holder"], detail = detail, f"{reason}: {detail}"
        self._move(Trigger.REFUSED, reason, until=refused.until, detail=detail, **shown)

    def _blocking_reason(self, reason: Reason, *, paired: bool) -> Reason:
        """*reason*, unless a session was turned away so often that asking again with it will not help."""
        counts = paired and reason is Reason.SERVER_UNAVAILABLE
        if not counts or not applies_to(self._link.provider, Reason.SIGN_IN_FAILED):
            return reason
        self._refusals[self._link_id] += 1
        return Reason.SIGN_IN_FAILED if self._refusals[self._link_id] >= REFUSALS_IN_A_ROW else reason

    def _show_progress(self, signal: QrIssued | QrScanned | Unreachable | ActivitySeen | HostAnswered) -> None:
        """Update the status for an event that does not end the connection."""
        match signal:
            case QrIssued():
                self._show_code(signal)
            case QrScanned(account):
                self._move(Trigger.CODE_ACCEPTED, Reason.SIGNING_IN, account=account)
            case Unreachable(detail):
                self._end_grace()
                self._move(Trigger.SILENT, Reason.UNREACHABLE, detail=detail)
            case ActivitySeen():
                self._on_activity(signal)
            case HostAnswered(at, host):
                self._board.update(self._link, evidence=replace(self._status.evidence, host_answered=at, host=host))
            case _:
                assert_never(signal)

    def _begin_grace(self, turn: PairingSlot | None, group: asyncio.TaskGroup, seconds: float) -> None:
        if self._grace is None and (turn is None or self._was_connected):  # a pairing is left to its provider
            self._grace = group.create_task(self._replace_later(seconds), name=f"grace {self._link_id}")

    async def _replace_later(self, seconds: float) -> None:
        """Give a lost connection a grace period to recover, then open another one."""
        await self._clock.sleep(seconds)
        self._retry_timer.end()

    def _end_grace(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
        self._grace = None

    def _show_code(self, code: QrIssued) -> None:
        now = self._clock.now()
        expires = now + timedelta(seconds=code.lifetime)
        typed = self._status.qr.typed if self._status.qr else ""  # the phone may be typing it just now
        qr = QrCode(
            text=code.text, number=code.number, total=code.total, issued_at=now, expires_at=expires, typed=typed
        )
        self._move(Trigger.CODE_SHOWN, qr=qr)

    def _on_activity(self, activity: ActivitySeen) -> None:
        seen = replace(self._status.evidence, last_observation=self._clock.now())
        seen = replace(seen, last_inbound=activity.at) if activity.inbound else replace(seen, last_ack=activity.at)
        self._board.update(self._link, evidence=seen)

    async def _on_opened(self, opened: Connected, turn: PairingSlot | None) -> None:
        link = self._link
        if turn is not None:
            if not self._was_connected and isinstance(self._provider, CanPair):
                await self._provider.commit_pairing(link)
                link = self._link
            turn.end()
        known = opened.account or link.account
        try:
            await self._mentorados.save_link(replace(link, account=known, enabled=True))
        except Problem as problem:  # a link that works is not taken down because the disk is full
            self._board.storage_failed(problem)
        self._was_connected = True
        self._breaks = 0
        self._refusals.pop(self._link_id, None)
        self.retry_requested_early = False
        shown = {
            "account": known,
            "capability": opened.capability,
            "until": opened.until,
            "detail": opened.detail,
        }
        self._move(Trigger.OPENED, opened.reason, **shown)

    def _on_connection_closed(self, reason: Reason, detail: str) -> None:
        """Reconnect after the connection closed, unless it keeps failing."""
        self._breaks = self._breaks + 1 if REASONS[reason].our_side else 0
        if not allowed(self._status.state, Trigger.LOST):
            return
        if self._breaks >= BREAKS_IN_A_ROW:
            self._move(Trigger.REFUSED, reason, detail=detail)
        else:
            self._on_connection_lost(reason, detail)

    def _on_connection_lost(self, reason: Reason, detail: str) -> None:
        """Wait for the provider to recover, unless the link has fallen too often."""
        counted = None
        if self._status.state is LinkState.CONNECTED:
            counted = self._backoff.record_drop(reason, self._status.evidence.connected_since, self._clock.now())
        if counted is None:
            self._move(Trigger.LOST, reason, detail=detail)
        else:
            self._move(Trigger.REFUSED, Reason.FLAPPING, detail=counted)

    def _is_wrong(self, account: PhoneNumber | None) -> bool:
        return account is not None and not same_account(account, self._mentorado.expected_account)

    def _move(self, trigger: Trigger, reason: Reason = Reason.NONE, **shown: object) -> None:
        self._board.move(self._link, trigger, reason, **shown)

    @property
    def _mentorado(self) -> Mentorado:
        return self._mentorados.through(self._link_id)

    @property
    def _link(self) -> Link:
        return self._mentorado.link

    @property
    def _status(self) -> LinkStatus:
        return self._board.status(self._link_id)
