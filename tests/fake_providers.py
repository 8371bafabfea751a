"""Hosted providers, played: what they were asked is in their attributes, what they answer a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from app.domain.credentials import CredentialReport, Credentials
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, LinkId, Mentorado
from app.domain.phone import PhoneNumber
from app.domain.sending import NumberDetails, QueuedMessage, Template
from app.domain.settings import SecretBackendKind
from tests.clock import DAWN
from tests.fakes import FakeConnection


class FakeHosted:
    """A provider that signs in with credentials."""

    def __init__(self) -> None:
        self.lines: list[FakeConnection] = []
        self.checked: list[Credentials] = []
        self.report = CredentialReport(valid=True)
        self.ready = True
        self.asking: asyncio.Event | None = None  # set it to make asking wait
        self.problem_of_check: Problem | None = None
        self.refusal: Problem | None = None  # raised by the next line that is opened

    @property
    def line(self) -> FakeConnection:
        """The line opened last."""
        return self.lines[-1]

    @asynccontextmanager
    async def connect(self, mentorado: Mentorado) -> AsyncIterator[FakeConnection]:
        if self.refusal is not None:
            raise self.refusal
        self.lines.append(line := FakeConnection(pairing=False))
        try:
            yield line
        finally:
            line.closed = True

    async def has_credentials(self, link: Link) -> bool:
        return self.ready

    async def check(self, credentials: Credentials) -> CredentialReport:
        self.checked.append(credentials)
        if self.asking is not None:
            await self.asking.wait()
        if self.problem_of_check is not None:
            raise self.problem_of_check
        return self.report


class FakeZapi(FakeHosted):
    """Has a queue, as Z-API does."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[QueuedMessage] = []
        self.flows: list[Link] = []
        self.problem: Problem | None = None

    async def queue(self, link: Link) -> Sequence[QueuedMessage]:
        if self.problem is not None:
            raise self.problem
        return tuple(self.waiting)

    async def purge_queue(self, link: Link) -> int:
        count = len(self.waiting)
        self.waiting.clear()
        return count

    def allow_flush(self, link: Link) -> None:
        self.flows.append(link)


class FakeMeta(FakeHosted):
    """Tells of a number, as Meta does."""

    def __init__(self) -> None:
        super().__init__()
        self.problem: Problem | None = None
        self.registered: list[str] = []
        self.deregistered = 0
        self.answer = NumberDetails(
            facts={"verified_name": "Prates Mentoria", "quality": "green"},
            templates=(
                Template(name="boas_vindas", language="pt_BR", category="UTILITY", status="APPROVED", usable=True),
            ),
        )

    async def details(self, link: Link) -> NumberDetails:
        if self.problem is not None:
            raise self.problem
        return self.answer

    async def register(self, link: Link, pin: str) -> None:
        if self.asking is not None:
            await self.asking.wait()
        if self.problem is not None:
            raise self.problem
        self.registered.append(pin)

    async def deregister(self, link: Link) -> None:
        if self.problem is not None:
            raise self.problem
        self.deregistered += 1


class FakeSecretStore:
    """Secrets in memory; *problem* is what a place that is locked or absent says."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.problem: Problem | None = None

    async def place(self) -> SecretBackendKind:
        return SecretBackendKind.NONE if self.problem else SecretBackendKind.MEMORY

    async def get(self, name: str) -> str | None:
        self._open()
        return self.kept.get(name)

    async def set(self, name: str, value: str) -> None:
        self._open()
        self.kept[name] = value

    async def delete(self, name: str) -> None:
        self._open()
        self.kept.pop(name, None)

    def lock(self, code: ProblemCode = ProblemCode.SECRETS_LOCKED) -> None:
        self.problem = Problem(code)

    def _open(self) -> None:
        if self.problem is not None:
            raise self.problem


class FakeTries:
    """When numbers were registered, in memory."""

    def __init__(self) -> None:
        self.made: list[tuple[LinkId, datetime]] = []

    async def add(self, link_id: LinkId, at: datetime) -> None:
        self.made.append((link_id, at))

    async def since(self, link_id: LinkId, moment: datetime) -> Sequence[datetime]:
        return [at for made_for, at in self.made if made_for == link_id and at > moment]


def waiting(number: int, to: str = "5511987650001", text: str = "Oi, tudo bem?") -> QueuedMessage:
    """A message that waits since some minutes after dawn."""
    return QueuedMessage(id=f"Q{number}", to=to, text=text, since=DAWN + timedelta(minutes=number))


def right(account: str | None = None, **facts: str) -> CredentialReport:
    """What a provider says about credentials that are right."""
    return CredentialReport(valid=True, account=PhoneNumber(account) if account else None, facts=facts)
