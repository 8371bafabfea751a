"""What only the running program can tell: whether its session hosts answer, and whether its own loop does."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Protocol

from app.core.event_bus import EventBus
from app.domain.diagnosis import Diagnosis, DiagnosisCode, diagnosed
from app.domain.events import StandbyStatusChanged, StatusChanged
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.loop_block import LoopBlock
from app.domain.mentorado import LinkId, Mentorado
from app.domain.procedure import Procedure, ProcedureState
from app.domain.repositories import Clock

_C: Final = DiagnosisCode

ANSWER_SECONDS: Final = 1.5
"""How long a host may take to answer; one that works does so in milliseconds, whatever else it is doing."""

UNCONFIRMED: Final = timedelta(minutes=5)
"""A hosted provider is asked every minute or so."""

BLOCKED_SECONDS: Final = 0.2
_TICK: Final = 0.02
_TICKS: Final = 15

_ENDED: Final = frozenset({Reason.HOST_CRASHED, Reason.HOST_FROZEN, Reason.ENGINE_MISSING, Reason.ENGINE_MISMATCH})


class PingsHosts(Protocol):
    """Asks the session hosts for a sign of life."""

    def ping_hosts(self) -> Iterable[LinkId]:
        """Ping every host that holds a connection; returns the links. Each answer is evidence of its link."""
        ...


class ChannelCheck:
    """Whether an answer of every session host comes through the bus, as everything they say does."""

    def __init__(
        self,
        *,
        bus: EventBus,
        hosts: PingsHosts,
        mentorados: Callable[[], Iterable[Mentorado]],
        name_of: Callable[[LinkId], str],
        status: Callable[[LinkId], LinkStatus],
        clock: Clock,
        within: float = ANSWER_SECONDS,
    ) -> None:
        self._bus = bus
        self._hosts = hosts
        self._mentorados = mentorados
        self._name_of = name_of
        self._status = status
        self._clock = clock
        self._within = within

    async def __call__(self) -> Sequence[Diagnosis]:
        asked, deaf, slowest = await self._ask()
        found = self._deaf(link_id for link_id in sorted(deaf) if self._should_hear(link_id))
        ended: defaultdict[str, list[str]] = defaultdict(list)  # names, by what their process ended with
        for mentorado in self._mentorados():
            status = self._status(mentorado.link.id)
            if mentorado.archived or status.state is LinkState.OFF:
                continue
            if status.reason in _ENDED:
                ended[status.detail or status.reason].append(mentorado.name)
            elif (age := self._unconfirmed(status)) is not None:
                provider = mentorado.link.provider.value
                found.append(diagnosed(_C.LINK_UNCONFIRMED, name=mentorado.name, provider=provider, age=age))
        found += [diagnosed(_C.HOST_ENDED, name=", ".join(names), detail=detail) for detail, names in ended.items()]
        answered = len(asked) - len(deaf)
        if answered:
            found.append(diagnosed(_C.CHANNEL_FINE, count=str(answered), milliseconds=str(round(slowest * 1000))))
        return found or [diagnosed(_C.CHANNEL_UNUSED)]

    async def _ask(self) -> tuple[frozenset[LinkId], frozenset[LinkId], float]:
        """The links whose hosts were asked, those of which no answer came, and how long the slowest answer took."""
        loop = asyncio.get_running_loop()
        began, slowest = loop.time(), 0.0
        waiting: set[LinkId] = set()
        answered = asyncio.Event()

        def on_status(event: StatusChanged | StandbyStatusChanged) -> None:
            if event.after.evidence.host_answered != event.before.evidence.host_answered:
                nonlocal slowest
                slowest = loop.time() - began
                waiting.discard(event.link_id)
                if not waiting:
                    answered.set()

        leave = [self._bus.subscribe(StatusChanged, on_status), self._bus.subscribe(StandbyStatusChanged, on_status)]
        try:
            asked = frozenset(self._hosts.ping_hosts())
            waiting |= asked
            if waiting:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._within):
                        await answered.wait()
        finally:
            for stop in leave:
                stop()
        return asked, frozenset(waiting), slowest

    def _should_hear(self, link_id: LinkId) -> bool:
        """Whether there is a host still: one that ended meanwhile is no deaf one."""
        status = self._status(link_id)
        return status.state is not LinkState.OFF and status.reason not in _ENDED

    def _deaf(self, link_ids: Iterable[LinkId]) -> list[Diagnosis]:
        """One for each process, however many sessions it holds."""
        by_process: defaultdict[object, list[LinkId]] = defaultdict(list)
        for link_id in link_ids:
            host = self._status(link_id).evidence.host
            by_process[link_id if host is None else host.pid].append(link_id)
        return [self._deaf_process(theirs) for theirs in by_process.values()]

    def _deaf_process(self, link_ids: Sequence[LinkId]) -> Diagnosis:
        answers = [self._status(each).evidence.host_answered for each in link_ids]
        last = max((each for each in answers if each is not None), default=None)
        names = ", ".join(sorted(map(self._name_of, link_ids)))
        return diagnosed(_C.HOST_DEAF, name=names, age=self._age(last), seconds=f"{self._within:g}")

    def _unconfirmed(self, status: LinkStatus) -> str | None:
        """How many seconds ago a hosted provider was heard of last, where that is too long."""
        if status.state is not LinkState.UNKNOWN:
            return None
        last = status.evidence.last_observation or status.since
        return self._age(last) if self._clock.now() - last > UNCONFIRMED else None

    def _age(self, since: datetime | None) -> str:
        """Seconds since then; empty where there is nothing to count from."""
        return "" if since is None else str(round((self._clock.now() - since).total_seconds()))


async def responsiveness(blocks: Callable[[], Iterable[LoopBlock]] = tuple) -> Sequence[Diagnosis]:
    """How late this program's loop is with what is due, at the worst of a third of a second; and its *blocks* since the
    program was started, as far as they were not the fault of other programs."""
    loop, worst = asyncio.get_running_loop(), 0.0
    for _ in range(_TICKS):
        due = loop.time() + _TICK
        await asyncio.sleep(_TICK)
        worst = max(worst, loop.time() - due)
    milliseconds = str(round(worst * 1000))
    if worst > BLOCKED_SECONDS:
        return [diagnosed(_C.LOOP_BLOCKED, milliseconds=milliseconds)]
    if earlier := [block for block in blocks() if block.own / 1000 > BLOCKED_SECONDS]:
        count, longest = sum(block.count for block in earlier), max(block.longest for block in earlier)
        return [diagnosed(_C.LOOP_WAS_BLOCKED, count=str(count), milliseconds=str(longest))]
    return [diagnosed(_C.LOOP_FINE, milliseconds=milliseconds)]


def procedures(unfinished: Iterable[Procedure], name: Callable[[Procedure], str]) -> Sequence[Diagnosis]:
    """The procedures that are not finished, as the program has them."""
    codes = {
        ProcedureState.RUNNING: _C.PROCEDURE_MOVES,
        ProcedureState.UNDOING: _C.PROCEDURE_MOVES,
        ProcedureState.ASKING: _C.PROCEDURE_WAITS,
    }
    found = [
        diagnosed(
            codes.get(each.state, _C.PROCEDURE_INTERRUPTED),
            id=each.head.id,
            kind=each.head.kind.value,
            name=name(each),
            since=each.head.began_at.isoformat(),
        )
        for each in unfinished
    ]
    return found or [diagnosed(_C.PROCEDURES_FINE)]
