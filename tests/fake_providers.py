"""Providers, played: what they were asked is in their attributes, what they answer a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, LinkId, Mentorado
from app.domain.phone import PhoneNumber
from app.domain.provider import ConnectionEvent
from app.domain.provider_descriptor import CredentialReport, Credentials
from app.domain.sending import NumberDetails, QueuedMessage, Template
from app.domain.settings import SecretBackendKind
from app.formats.encryption import LEAST_LETTERS
from tests.clock import DAWN


class FakeConnection:
    """An open line. `say` what the provider would; `hang_up` when it has nothing more to say."""

    def __init__(self, *, pairing: bool) -> None:
        self.pairing = pairing
        self.closed = False
        self.closing: asyncio.Event | None = None  # set it to make closing wait
        self.close_error: Exception | None = None
        self.confirmed: list[int] = []
        self.checked = 0  # how often a person asked to check now
        self._events: asyncio.Queue[ConnectionEvent | BaseException | None] = asyncio.Queue()

    def say(self, *signals: ConnectionEvent) -> None:
        for signal in signals:
            self._events.put_nowait(signal)

    def hang_up(self) -> None:
        self._events.put_nowait(None)

    def break_with(self, error: BaseException) -> None:
        self._events.put_nowait(error)

    async def confirm(self, up_to: int) -> None:
        self.confirmed.append(up_to)

    def check_now(self) -> None:
        self.checked += 1

    async def events(self) -> AsyncIterator[ConnectionEvent]:
        while (issued := await self._events.get()) is not None:
            if isinstance(issued, BaseException):
                raise issued
            yield issued


class FakeProvider:
    """A provider whose links are paired by QR; everything it was asked is in its attributes."""

    def __init__(self) -> None:
        self.lines: list[FakeConnection] = []
        self.paired: set[LinkId] = set()
        self.adopted: list[LinkId] = []
        self.discarded: list[LinkId] = []
        self.undecided: dict[LinkId, PhoneNumber] = {}
        self.typed_codes: list[tuple[LinkId, PhoneNumber]] = []  # who asked for a code to type, for which phone
        self.problem: Problem | None = None  # raised by the next line that is opened, again and again

    @property
    def line(self) -> FakeConnection:
        """The line opened last."""
        return self.lines[-1]

    @asynccontextmanager
    async def connect(self, mentorado: Mentorado) -> AsyncIterator[FakeConnection]:
        async with self._open(pairing=False) as line:
            yield line

    @asynccontextmanager
    async def pair(self, mentorado: Mentorado) -> AsyncIterator[FakeConnection]:
        async with self._open(pairing=True) as line:
            yield line

    async def has_credentials(self, link: Link) -> bool:
        return link.id in self.paired

    async def commit_pairing(self, link: Link) -> None:
        self.undecided.pop(link.id, None)
        self.paired.add(link.id)
        self.adopted.append(link.id)

    async def rollback_pairing(self, link: Link) -> None:
        self.undecided.pop(link.id, None)
        self.discarded.append(link.id)

    async def current_session_id(self, link: Link) -> str:
        """Every session that is adopted is another one."""
        return f"session {self.adopted.count(link.id)}" if link.id in self.paired else ""

    async def pending_account(self, link: Link) -> PhoneNumber | None:
        return self.undecided.get(link.id)

    async def phone_code(self, link: Link, phone: PhoneNumber) -> str:
        if self.problem is not None:
            raise self.problem
        self.typed_codes.append((link.id, phone))
        return f"ABCD-{len(self.typed_codes):04}"

    @asynccontextmanager
    async def _open(self, *, pairing: bool) -> AsyncIterator[FakeConnection]:
        if self.problem is not None:
            raise self.problem
        self.lines.append(line := FakeConnection(pairing=pairing))
        try:
            yield line
        finally:
            if line.closing is not None:
                await line.closing.wait()
            line.closed = True
            if line.close_error is not None:
                raise line.close_error


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

    async def use_memory(self) -> None:
        self.problem = None

    async def use_file(self, passphrase: str) -> None:
        if len(passphrase) < LEAST_LETTERS:
            raise Problem(ProblemCode.PASSPHRASE_SHORT, least=str(LEAST_LETTERS))
        self.problem = None

    async def retire_file(self) -> None:
        self.problem = None

    async def retry_keyring(self) -> SecretBackendKind:
        return await self.place()

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
