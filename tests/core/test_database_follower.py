"""Two programs over one database: what one of them commits, the other shows and does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.background import BackgroundTasks
from app.core.database_follower import POLL_SECONDS, DatabaseFollower
from app.core.provider_setup.credentials import Accounts
from app.core.settings_service import SettingsService
from app.core.trusted_time import ClockCheck, TrustedClock
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.events import (
    ClockDoubted,
    MentoradoAdded,
    MentoradoChanged,
    OperatorSettingsChanged,
    ProcedureChanged,
    StatusChanged,
)
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureKind, ProcedureState
from app.domain.provider import Blocked, Connected
from app.domain.provider_descriptor import CredentialField, dumps, secret_key
from app.domain.trusted_time import TimeMark
from tests.clock import settle
from tests.core.conftest import Run
from tests.core.links.connecting import ANA, connected
from tests.core.test_settings_service import FakeSettings
from tests.fake_providers import FakeSecretStore
from tests.fakes import FakeProviderTime, FakeTimeRecords
from tests.services import Core


class FakeCommits:
    """What the database says of others' commits."""

    def __init__(self) -> None:
        self.count = 0
        self.problem: Problem | None = None

    async def version(self) -> object:
        if self.problem is not None:
            raise self.problem
        return self.count


class Follower:
    """A program that stays open, and its follower."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.commits = FakeCommits()
        self.settings = FakeSettings()
        self.records = FakeTimeRecords()
        self.clock = TrustedClock(core.clock, records=self.records, provider_time=FakeProviderTime())
        self.settings_service = SettingsService(
            bus=core.bus, store=self.settings, audit_service=core.audit_service, clock=core.clock
        )
        self.clock_check = ClockCheck(bus=core.bus, clock=self.clock, audit_service=core.audit_service)
        self.secret_store = FakeSecretStore()
        self.accounts = Accounts(mentorados=core.mentorados, secrets=self.secret_store)
        self.follower = DatabaseFollower(
            commits=self.commits,
            mentorados=core.mentorados,
            accounts=self.accounts,
            supervisor=core.supervisor,
            settings_service=self.settings_service,
            clock_check=self.clock_check,
            reload=(core.procedures.load, core.outbound.load, core.smoke_tests.load),
            clock=core.clock,
        )

    async def check(self) -> None:
        self.commits.count += 1
        assert await self.follower.check()
        await settle()


@pytest.fixture
def window(core: Core) -> Follower:
    return Follower(core)


@pytest.fixture
def command(core: Core) -> Core:
    """Another program over the same database."""
    return Core(core.clock, provider=core.provider, mentorado_repository=core.mentorado_repository, log=core.log)


async def test_only_differences_are_told(window: Follower, command: Core) -> None:
    """Somebody added, edited, archived and brought back by a command is so in a window that is open."""
    core = window.core
    bia = await core.add("Bia", "21 98765-4321")
    await command.mentorados.load()
    core.listener.events.clear()
    await window.check()
    assert core.listener.events == []
    ana = await command.add()
    await window.check()
    assert core.listener.events == [MentoradoAdded(ana)]
    for change in (
        lambda: command.mentorados.edit(ana.id, "Ana Prates", "11 98765-4321", "Turma 3"),
        lambda: command.mentorados.archive(ana.id),
        lambda: command.mentorados.unarchive(ana.id),
        lambda: command.mentorados.save_link(replace(ana.link, provider=ProviderKind.ZAPI)),
    ):
        core.listener.events.clear()
        await change()
        await window.check()
        now = command.mentorados.get(ana.id)
        assert core.listener.events == [MentoradoChanged(now)]
        assert core.mentorados.get(ana.id) == now
    assert core.mentorados.get(bia.id) == bia


async def test_what_a_command_changed_a_moment_ago_is_not_written_over(window: Follower, command: Core) -> None:
    core = window.core
    ana = await core.add()
    await command.mentorados.load()
    await command.mentorados.archive(ana.id)
    await core.mentorados.edit(ana.id, "Ana Prates", ana.phone, "")
    assert core.mentorados.get(ana.id).archived
    assert [(before.name) for before, _ in await core.mentorados.follow()] == ["Ana"]
    assert await core.mentorados.follow() == []


@pytest.mark.parametrize("how", ["disconnect", "archive", "provider"])
async def test_a_link_that_runs_is_stopped_when_a_command_took_it_away(
    window: Follower, command: Core, how: str
) -> None:
    core = window.core
    async with core.running():
        ana = await connected(core)
        bia = await connected(core, "Bia", "21 98765-4321")
        await command.mentorados.load()
        link = command.mentorados.get(ana.id).link
        if how == "archive":
            await command.mentorados.archive(ana.id)
        elif how == "disconnect":
            await command.mentorados.save_link(replace(link, enabled=False))
        else:
            await command.mentorados.save_link(replace(link, provider=ProviderKind.ZAPI))
        await window.check()
        assert core.status(ana).state is LinkState.OFF
        assert core.supervisor.running() == (bia.link.id,)
        assert core.status(bia).state is LinkState.CONNECTED


async def test_a_code_on_show_is_not_taken_away_by_what_others_commit(window: Follower, command: Core) -> None:
    """Nobody wanted the link before it is connected, and it is not stopped for that."""
    core = window.core
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        await command.mentorados.load()
        await command.mentorados.edit(ana.id, "Ana Prates", ana.phone, "")
        await window.check()
        assert core.supervisor.running() == (ana.link.id,)


def test_a_link_that_a_command_connected_is_held_from_then_on(window: Follower, command: Core, run: Run) -> None:
    async def main() -> None:
        core = window.core
        async with core.running():
            ana = await core.add()
            await command.mentorados.load()
            await core.clock.advance(60)
            async with command.running():
                await connected_by(command)
                await window.check()
                assert core.status(ana).state is LinkState.OFF  # it has it
            await core.clock.advance(1)
            await window.check()
            await core.clock.advance(1)
            assert core.supervisor.running() == (ana.link.id,)
            core.provider.line.say(Connected(ANA))
            await settle()
            assert core.status(ana).state is LinkState.CONNECTED

    async def connected_by(command: Core) -> None:
        (mentorado,) = command.mentorados.all()
        await command.do(ActionName.CONNECT, mentorado)
        command.provider.line.say(Connected(PhoneNumber(mentorado.phone)))
        await settle()

    run(main())


async def test_what_whatsapp_forbade_during_a_command_is_shown_and_so_is_that_it_was_lifted(
    window: Follower, command: Core
) -> None:
    core = window.core
    async with core.running():
        ana = await core.add()
        await command.mentorados.load()
        await core.clock.advance(60)
        async with command.running():
            await command.do(ActionName.CONNECT, ana)
            command.provider.line.say(Blocked(Reason.BANNED))
            await settle()
        await window.check()
        assert core.status(ana).reason is Reason.BANNED
        assert core.supervisor.forbidden(ana.link) is not None
        count = len(core.listener.events)
        await window.check()  # nothing new
        assert not [event for event in core.listener.events[count:] if isinstance(event, StatusChanged)]
        await core.clock.advance(60)
        released = Core(
            core.clock, provider=core.provider, mentorado_repository=core.mentorado_repository, log=core.log
        )
        await released.mentorados.load()
        async with released.running():
            await released.supervisor.restore()
            await released.do(ActionName.LIFT_BAN, ana)
        await window.check()
        assert core.status(ana).state is LinkState.OFF
        assert core.supervisor.forbidden(ana.link) is None


async def test_an_account_that_a_command_stored_is_refused_to_others(window: Follower) -> None:
    """What is remembered of credentials is read anew: else two links could come to share one instance."""
    mine = {CredentialField.INSTANCE_ID: "3C01", CredentialField.INSTANCE_TOKEN: "hush"}
    ana = await window.core.mentorados.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
    bia = await window.core.mentorados.add("Bia", "21 98765-4321", provider=ProviderKind.ZAPI)
    await window.accounts.require_alone(bia.link, mine)
    window.secret_store.kept[secret_key(ana.link.id)] = dumps(mine)  # by a command
    await window.check()
    with pytest.raises(Problem) as refused:
        await window.accounts.require_alone(bia.link, mine)
    assert refused.value.context == {"name": "Ana"}


async def test_what_a_command_decided_is_decided_here(window: Follower) -> None:
    await window.settings_service.load()
    changeds: list[OperatorSettingsChanged] = []
    window.core.bus.subscribe(OperatorSettingsChanged, changeds.append)
    window.settings.settings = replace(window.settings.settings, operator_name="Rita")
    await window.check()
    assert window.settings_service.settings.operator_name == "Rita"
    assert changeds == [OperatorSettingsChanged(window.settings.settings)]
    await window.check()
    assert len(changeds) == 1


def test_a_date_that_a_command_confirmed_is_believed(
    window: Follower, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        doubteds: list[ClockDoubted] = []
        window.core.bus.subscribe(ClockDoubted, doubteds.append)
        now = window.core.clock.now()
        window.records.stored = TimeMark(at=now - timedelta(days=1100))
        await window.clock.load()
        await window.clock_check.check()
        assert window.clock.doubt is not None
        await window.check()
        assert [event.doubt is None for event in doubteds] == [False]
        elsewhere = TrustedClock(window.core.clock, records=window.records, provider_time=FakeProviderTime())
        await elsewhere.load()
        await elsewhere.confirm()
        await window.check()
        assert [event.doubt is None for event in doubteds] == [False, True]
        assert window.clock.now() == now

    run(main())
    assert "is used instead" in caplog.text


async def test_a_procedure_that_begins_here_is_not_taken_for_a_dead_programs(window: Follower) -> None:
    """Its journal is on disk before it is known here: read just then, it was paused as one whose program had ended."""
    core = window.core
    async with core.running():
        ana = await connected(core)
        await core.do(ActionName.DISCONNECT, ana)
        on_disk = asyncio.Event()
        core.journal.on_entry = lambda _entry: on_disk.set()

        async def read() -> None:
            await on_disk.wait()
            await core.procedures.load()

        async with BackgroundTasks(read):
            procedure = await core.begin(ProcedureKind.REAUTHENTICATION, ana)
        assert on_disk.is_set()
        assert procedure.state is ProcedureState.ASKING
        assert "paused" not in core.journal.kinds()
        counts = [event.procedure.entries for event in core.listener.events if isinstance(event, ProcedureChanged)]
        assert counts == list(range(1, procedure.entries + 1))  # each entry once


async def test_it_polls_once_a_second_and_survives_a_database_that_cannot_be_read(
    window: Follower, command: Core
) -> None:
    core = window.core
    async with BackgroundTasks(window.follower.run):
        await window.follower.mark()
        ana = await command.add()
        window.commits.count += 1
        await core.clock.advance(POLL_SECONDS)
        assert list(core.mentorados.all()) == []  # nothing was read for the first time yet
        window.follower.begin()
        await settle()
        window.commits.problem = Problem(ProblemCode.DATABASE_LOCKED)
        await core.clock.advance(POLL_SECONDS)
        assert list(core.mentorados.all()) == []
        window.commits.problem = None
        await core.clock.advance(POLL_SECONDS)
        assert list(core.mentorados.all()) == [ana]
        assert not await window.follower.check()


async def test_secrets_that_are_closed_keep_nobody_from_following(window: Follower, core: Core) -> None:
    async with core.running():
        ana = await core.mentorados.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
        core.clock.time += timedelta(seconds=1)  # Ana was first
        bia = await core.mentorados.add("Bia", "21 98765-0001", provider=ProviderKind.ZAPI)
        typed = {CredentialField.INSTANCE_ID: "3C01"}
        await window.accounts.require_first(bia.link, typed)  # reads what Ana has: nothing
        window.secret_store.lock()
        await window.check()
        window.secret_store.problem = None
        await window.accounts.require_first(bia.link, typed)
        window.secret_store.kept[secret_key(ana.link.id)] = dumps(typed)
        await window.check()
        with pytest.raises(Problem) as caught:
            await window.accounts.require_first(bia.link, typed)
        assert caught.value.context == {"name": "Ana"}
