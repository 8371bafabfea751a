"""A run of the real program: what staff do in it, and what it tells them."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from app.core.links.reconnect import ReconnectPolicy
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditOutcome
from app.domain.events import StatusChanged
from app.domain.guidance import RECOMMENDED_ACTION, Recommendation, recommend
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import LinkId, Mentorado, MentoradoId
from app.domain.procedure import Procedure, ProcedureKind, ProcedureState
from app.services import Services
from app.text import status as status_text

T = TypeVar("T")
Step = tuple[LinkState, Reason]

SOON = ReconnectPolicy(first=0.05, factor=1.0)
"""For tests in which waiting is not the point."""

_numbers = itertools.count(10_000_001)


def new_number() -> str:
    """The digits of a Brazilian mobile number that no other test uses."""
    return f"55119{70_000_000 + next(_numbers)}"


def run(main: Coroutine[Any, Any, T], *, within: float = 30) -> T:
    """Run *main* to its end, or fail after *within* seconds: a host that hangs must not hang the tests."""

    async def limited() -> T:
        async with asyncio.timeout(within):
            return await main

    return asyncio.run(limited())


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody enrolled, and their phone."""

    name: str
    id: MentoradoId
    link: LinkId
    digits: str

    @property
    def phone(self) -> str:
        return f"+{self.digits}"


class ProgramRun:
    """One run of the program: its services, and every status it told of every link, in order."""

    def __init__(self, core: Services) -> None:
        self.core = core
        self._seen: defaultdict[LinkId, list[LinkStatus]] = defaultdict(list)
        self._read: defaultdict[LinkId, int] = defaultdict(int)
        self._news = asyncio.Event()
        core.bus.subscribe(StatusChanged, self._on_status)

    def _on_status(self, event: StatusChanged) -> None:
        self._seen[event.link_id].append(event.after)
        self._news.set()

    # --- what staff do

    async def do(self, action: ActionName, person: Person, *, sure: bool = True) -> str:
        """Run *action* and say how it ended; `until` then reads only what is told from here on."""
        self._read[person.link] = len(self._seen[person.link])

        async def answer(_name: ActionName, _mentorado: Mentorado) -> bool:
            return sure

        if action is ActionName.REAUTHENTICATE:
            return await self._reauthenticate(person, sure=sure)
        return await self.core.actions.run(action, person.id, answer)

    async def _reauthenticate(self, person: Person, *, sure: bool) -> str:
        """As far as the code, or to the question and back."""
        begun = await self.core.procedures.begin(ProcedureKind.REAUTHENTICATION, person.id)
        await self.stands(person, ProcedureState.ASKING)
        if sure:
            await self.core.procedures.confirm(begun.head.id)
            return AuditOutcome.DONE
        await self.undo(person)
        return AuditOutcome.DECLINED

    async def undo(self, person: Person) -> None:
        """Take back the procedure that is open."""
        procedure = self.core.procedures.active(person.id)
        assert procedure is not None
        await self.core.procedures.undo(procedure.head.id)
        await self.stands(person, ProcedureState.UNDONE)

    async def stands(self, person: Person, state: ProcedureState, within: float = 30) -> Procedure:
        """The person's latest procedure, once it stands there."""
        async with asyncio.timeout(within):
            while True:
                procedure = (await self.core.procedures.latest(person.id))[0]
                if procedure.state is state:
                    return procedure
                await asyncio.sleep(0.02)

    # --- what staff see

    def status(self, person: Person) -> LinkStatus:
        return self.core.supervisor.status(person.link)

    def sentence(self, person: Person) -> str:
        return status_text.sentence(self.status(person), self.core.mentorados.get(person.id), self.core.clock.now())

    def recommended(self, person: Person) -> Recommendation:
        status = self.status(person)
        return recommend(status.state, status.reason)

    def button(self, person: Person) -> ActionName | None:
        return RECOMMENDED_ACTION[self.recommended(person)]

    def refusal(self, action: ActionName, person: Person) -> UnavailableReason | None:
        return self.core.actions.unavailable_reason(action, person.id)

    def steps(self, person: Person) -> list[Step]:
        """The (state, reason) pairs that were told, each move once."""
        pairs = [(status.state, status.reason) for status in self._seen[person.link]]
        return [pair for pair, _same in itertools.groupby(pairs)]

    async def until(
        self, person: Person, state: LinkState, reason: Reason | None = None, within: float = 20
    ) -> LinkStatus:
        """The next status told of that *state* (and *reason*); what comes before it is read and let go."""
        return await self.until_status(
            person, lambda status: status.state is state and reason in (None, status.reason), within
        )

    async def until_status(self, person: Person, fits: Callable[[LinkStatus], bool], within: float = 20) -> LinkStatus:
        status = self._seen[person.link]
        try:
            async with asyncio.timeout(within):
                while True:
                    while self._read[person.link] < len(status):
                        self._read[person.link] += 1
                        if fits(status[self._read[person.link] - 1]):
                            return status[self._read[person.link] - 1]
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            details = [f"{s.state}/{s.reason} {s.detail}".strip() for s in status]
            raise AssertionError(f"{person.name}: not told within {within} s, but: {details}") from None

    async def code(self, person: Person, *, number: int = 1, within: float = 20) -> str:
        """The text of the code to scan."""
        status = await self.until_status(person, lambda s: s.qr is not None and s.qr.number >= number, within)
        assert status.qr is not None
        return status.qr.text
