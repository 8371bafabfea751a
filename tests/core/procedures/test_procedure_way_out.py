"""Whatever people, phones, servers, disks and crashes do to a procedure: it has a way out, and no session file is lost.

The session folders are real files; the test plays the phone and the wire.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Link, Mentorado
from app.domain.phone import PhoneNumber
from app.domain.procedure import Procedure, ProcedureKind, ProcedureState
from app.domain.provider import Blocked, Connected, ConnectionEvent, Failed, Lost, QrIssued, QrScanned
from app.domain.sending import Accepted, OutgoingMessage, SendResult
from app.providers.whatsapp_web.session_repository import SessionRepository
from tests.clock import ManualClock, settle
from tests.fake_providers import FakeConnection, FakeProvider
from tests.services import Core

pytestmark = pytest.mark.slow

S = ProcedureState
ANA = PhoneNumber("+5511987654321")
STRANGER = PhoneNumber("+5521912345678")
CODE = QrIssued("x", 1, 6, 60)


class FileProvider(FakeProvider):
    """Keeps sessions in real folders, as the real one does; a phone that scans writes into the candidate's file."""

    def __init__(self, root: Path, clock: ManualClock) -> None:
        super().__init__()
        self.files = SessionRepository(root, chosen=False, minimum_free=0)
        self.clock = clock
        self.away = False

    @asynccontextmanager
    async def connect(self, mentorado: Mentorado) -> AsyncIterator[FakeConnection]:
        _, account = self.files.folder_of_paired(mentorado.id).session_to_open()
        async with super().connect(mentorado) as line:
            line.say(Failed(Reason.NETWORK_DOWN) if self.away else Connected(account))
            yield line

    @asynccontextmanager
    async def pair(self, mentorado: Mentorado) -> AsyncIterator[FakeConnection]:
        self.files.prepare(paired_before=mentorado.link.account is not None)
        folder = self.files.folder(mentorado.id)
        folder.make()
        _, account = folder.candidate_to_pair(self.clock.now())
        if account == STRANGER:
            folder.reject(self.clock.now(), "the wrong phone")
            folder.candidate_to_pair(self.clock.now())
        async with super().pair(mentorado) as line:
            line.say(CODE)
            yield line

    def scan(self, link: Link, phone: PhoneNumber) -> None:
        """The phone links: its keys are in the file before anybody hears of it."""
        candidate = self.files.folder(link.mentorado_id).candidate
        if candidate is None or not self.lines or not self.line.pairing or self.line.closed or candidate.exists():
            return
        with closing(sqlite3.connect(candidate)) as file, file:
            file.execute("CREATE TABLE whatsmeow_device (jid TEXT)")
            file.execute("INSERT INTO whatsmeow_device VALUES (?)", (f"{phone[1:]}:7@s.whatsapp.net",))
        candidate.chmod(0o600)
        self.line.say(QrScanned(phone), Connected(phone))

    async def has_credentials(self, link: Link) -> bool:
        return link.account is not None or self.files.folder(link.mentorado_id).current is not None

    async def commit_pairing(self, link: Link) -> None:
        self.files.folder(link.mentorado_id).adopt(self.clock.now())

    async def rollback_pairing(self, link: Link) -> None:
        self.files.folder(link.mentorado_id).reject(self.clock.now(), "given up")

    async def current_session_id(self, link: Link) -> str:
        current = self.files.folder(link.mentorado_id).current
        return "" if current is None else current.name

    async def pending_account(self, link: Link) -> PhoneNumber | None:
        candidate = self.files.folder(link.mentorado_id).candidate
        if candidate is None or not candidate.exists():
            return None
        with closing(sqlite3.connect(candidate)) as file:
            (jid,) = file.execute("SELECT jid FROM whatsmeow_device").fetchone()
        return PhoneNumber("+" + jid.partition(":")[0])

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        return Accepted(provider_id="1")

    def sessions(self, link: Link) -> set[str]:
        folder = self.files.folder(link.mentorado_id).path
        return {file.name for place in (folder, folder / "quarantine") for file in place.glob("session-*.db")}


class Scenario:
    """One mentorado, through as many starts of the program as it takes."""

    def __init__(self, root: Path) -> None:
        self.clock = ManualClock()
        self.provider = FileProvider(root, self.clock)
        self.core = Core(self.clock, provider=self.provider)
        self.seen: set[str] = set()

    @asynccontextmanager
    async def program(self) -> AsyncIterator[None]:
        """One run of it, over what the ones before left on disk."""
        before = self.core
        self.core = Core(
            self.clock,
            provider=self.provider,
            mentorado_repository=before.mentorado_repository,
            log=before.log,
            audit=before.audit,
            journal=before.journal,
            backups=before.backups,
        )
        async with self.core.running():
            await self.core.mentorados.load()
            await self.core.procedures.load()
            await self.core.supervisor.start_enabled()
            await settle()
            yield

    @property
    def ana(self) -> Mentorado:
        return next(iter(self.core.mentorados.all()))

    @property
    def procedure(self) -> Procedure | None:
        return self.core.procedures.active(self.ana.id)

    async def connected(self) -> None:
        """Paired for the first time."""
        ana = await self.core.mentorados.add("Ana", ANA)
        await self.core.do(ActionName.CONNECT, ana)
        self.provider.scan(ana.link, ANA)
        await settle()
        assert self.core.status(ana).state is LinkState.CONNECTED

    async def do(self, what: str, how: object) -> None:
        """One thing that happens, which does not always fit."""
        try:
            await self._do(what, how)
        except Problem:
            return

    async def _do(self, what: str, how: object) -> None:
        procedures, procedure = self.core.procedures, self.procedure
        match what, how:
            case "begin", ProcedureKind() as kind:
                await procedures.begin(kind, self.ana.id)
            case "go", _ if procedure is not None:
                await (procedures.confirm if procedure.state is S.ASKING else procedures.resume)(procedure.head.id)
            case "go", _:
                await procedures.begin(ProcedureKind.REAUTHENTICATION, self.ana.id)
            case "wish", str(wish) if procedure is not None:
                await getattr(procedures, wish)(procedure.head.id)
            case "act", ActionName() as name:
                await self.core.do(name, self.ana)
            case "scan", str(phone):
                self.provider.scan(self.ana.link, PhoneNumber(phone))
            case "say", signal if self.provider.lines and isinstance(signal, ConnectionEvent):
                self.provider.line.say(signal)
            case "away", bool(away):
                self.provider.away = away
            case "disk", bool(full):
                self.core.journal.problem = Problem(ProblemCode.DATABASE_DISK_FULL) if full else None
            case "backups", bool(full):
                self.core.backups.problem = Problem(ProblemCode.BACKUP_DISK_FULL) if full else None
            case "wait", int(seconds):
                await self.clock.advance(seconds)
            case _:
                pass

    def check(self) -> None:
        """Nothing was lost, and somebody can do something, or nobody needs to."""
        now = self.provider.sessions(self.ana.link)
        assert now >= self.seen, "a session file is gone"
        self.seen |= now
        current = self.provider.files.folder(self.ana.id).current
        assert current is not None
        assert current.exists(), "the session in use is gone"
        procedure, core = self.procedure, self.core
        if procedure is not None:
            run = core.procedures._runs[self.ana.id]
            assert not run.is_orphaned, "nobody moves it"
            if procedure.state in (S.PAUSED, S.FAILED, S.ASKING):
                assert procedure.can_be_undone or not procedure.must_confirm
        elif core.status(self.ana).state is LinkState.BLOCKED:
            assert any(core.actions.unavailable_reason(name, self.ana.id) is None for name in _WAYS_OUT) or (
                core.status(self.ana).reason is Reason.TEMPORARY_BAN
            )

    async def bring_to_an_end(self, *, undo: bool) -> None:
        """With the disk, the server and the right phone there, a person who presses what is offered gets through."""
        self.core.journal.problem = self.core.backups.problem = None
        self.provider.away = False
        for _ in range(40):
            procedure, status = self.procedure, self.core.status(self.ana)
            if procedure is None and status.state is LinkState.CONNECTED:
                return
            await self._one_step(procedure, undo=undo)
            self.check()
        raise AssertionError(f"no way out: {self.procedure} {self.core.status(self.ana)}")

    async def _one_step(self, procedure: Procedure | None, *, undo: bool) -> None:
        status = self.core.status(self.ana)
        if status.reason is Reason.WRONG_ACCOUNT:
            await self.do("act", ActionName.REJECT_ACCOUNT)
        elif status.state is LinkState.QR_READY:
            self.provider.scan(self.ana.link, ANA)
            if status.reason is Reason.NONE:
                self.provider.line.say(CODE)
        elif procedure is None:
            for name in _WAYS_OUT:
                if self.core.actions.unavailable_reason(name, self.ana.id) is None:
                    await self.do("act", name)
                    break
        elif undo and procedure.can_be_undone and procedure.state not in (S.RUNNING, S.UNDOING):
            await self.do("wish", "undo")
            if self.procedure is not None and not self.procedure.can_be_undone:
                await self.do("wish", "resume")
        elif procedure.state is S.ASKING:
            await self.do("wish", "confirm")
        elif procedure.state in (S.PAUSED, S.FAILED):
            await self.do("wish", "resume")
        await settle(100)
        await self.clock.advance(200)


_WAYS_OUT = (
    ActionName.CONNECT,
    ActionName.TRY_NOW,
    ActionName.NEW_CODE,
    ActionName.REAUTHENTICATE,
    ActionName.REJECT_ACCOUNT,
    ActionName.CANCEL,
)

_reasons = st.sampled_from(
    [
        Reason.LOGGED_OUT,
        Reason.QR_EXPIRED,
        Reason.PAIRING_FAILED,
        Reason.SERVER_UNAVAILABLE,
        Reason.STREAM_REPLACED,
        Reason.FLAPPING,
    ]
)
_kinds = st.sampled_from([ProcedureKind.RECOVERY, ProcedureKind.REAUTHENTICATION])
_happenings = st.one_of(
    st.tuples(st.just("begin"), _kinds),
    st.tuples(st.just("go"), st.none()),  # what is offered first
    st.tuples(st.just("go"), st.none()),
    st.tuples(st.just("wish"), st.sampled_from(["confirm", "pause", "resume", "undo"])),
    st.tuples(
        st.just("act"),
        st.sampled_from([ActionName.CONNECT, ActionName.CANCEL, ActionName.DISCONNECT, ActionName.REJECT_ACCOUNT]),
    ),
    st.tuples(st.just("scan"), st.sampled_from([ANA, ANA, STRANGER])),
    st.tuples(
        st.just("say"),
        st.one_of(
            st.builds(Blocked, _reasons), st.just(Lost(Reason.STREAM_ERROR)), st.just(Failed(Reason.HOST_CRASHED))
        ),
    ),
    st.tuples(st.sampled_from(["away", "disk", "backups"]), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 10, 70, 200])),
    st.tuples(st.just("crash"), st.none()),
)
_turns = st.integers(0, 60)  # of the loop, before the next thing happens


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.builds(Blocked, _reasons) | st.just(Failed(Reason.NETWORK_DOWN)),
    happenings=st.lists(st.tuples(_happenings, _turns), min_size=3, max_size=25),
    undo=st.booleans(),
)
def test_no_sequence_ends_without_a_way_out_or_loses_a_session(
    first: ConnectionEvent,
    happenings: list[tuple[tuple[str, object], int]],
    undo: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)  # what a provider must never say breaks its link, and that is logged

    async def main(root: Path) -> None:
        scenario, left = Scenario(root), list(happenings)
        async with scenario.core.running():
            await scenario.connected()
            scenario.provider.line.say(first)
            await settle()
        while left or scenario.core.journal.problem is not None:
            scenario.core.journal.problem = None  # a program whose database cannot be read does not start
            async with scenario.program():
                while left:
                    (what, how), turns = left.pop(0)
                    if what == "crash":
                        break
                    await scenario.do(what, how)
                    await settle(turns)
                    scenario.check()
        async with scenario.program():
            await scenario.bring_to_an_end(undo=undo)
            assert scenario.core.status(scenario.ana).account == ANA
        assert await scenario.core.audit.verify() is None

    with tempfile.TemporaryDirectory(dir=_FAST) as root:
        asyncio.run(main(Path(root) / "sessions"))


_FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a fresh directory of our own is made in it
