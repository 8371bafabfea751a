"""Two programs over one database: what one of them commits, the other shows and does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.action import ActionName
from app.core.chores import Chores
from app.core.database_follower import POLL_SECONDS, DatabaseFollower
from app.core.hosted.accounts import Accounts
from app.core.operator_desk import OperatorDesk
from app.core.trusted_time import ClockCheck, TrustedClock
from app.domain.connection import LinkState, Reason
from app.domain.credentials import CredentialField, as_text, secret_name
from app.domain.errors import Code, Problem
from app.domain.events import (
    ClockDoubted,
    MentoradoAdded,
    MentoradoChanged,
    OperatorSettingsChanged,
    ProcedureChanged,
    StatusChanged,
)
from app.domain.mentorado import ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureKind, ProcedureState
from app.domain.provider import Opened, Refused
from app.domain.trusted_time import TimeMark
from tests.clock import settle
from tests.core.conftest import Core, Run
from tests.core.test_operator_desk import PlayedSettings
from tests.core.test_supervisor import ANA, connected
from tests.played import PlayedProviderTime, PlayedTimeRecords
from tests.played_hosted import PlayedVault


class PlayedCommits:
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
        self.commits = PlayedCommits()
        self.settings = PlayedSettings()
        self.records = PlayedTimeRecords()
        self.clock = TrustedClock(core.clock, records=self.records, provider_time=PlayedProviderTime())
        self.desk = OperatorDesk(bus=core.bus, store=self.settings, witness=core.witness, clock=core.clock)
        self.clock_check = ClockCheck(bus=core.bus, clock=self.clock, witness=core.witness)
        self.vault = PlayedVault()
        self.accounts = Accounts(enrolments=core.enrolments, secrets=self.vault)
        self.follower = DatabaseFollower(
            commits=self.commits,
            enrolments=core.enrolments,
            accounts=self.accounts,
            supervisor=core.supervisor,
            desk=self.desk,
            procedures=core.procedures,
            clock_check=self.clock_check,
            clock=core.clock,
        )

    async def look(self) -> None:
        self.commits.count += 1
        assert await self.follower.look()
        await settle()


@pytest.fixture
def window(core: Core) -> Follower:
    return Follower(core)


@pytest.fixture
def command(core: Core) -> Core:
    """Another program over the same database."""
    return Core(core.clock, provider=core.provider, roster=core.roster, log=core.log)


def test_only_differences_are_told(window: Follower, command: Core, run: Run) -> None:
    """Somebody added, edited, archived and brought back by a command is so in a window that is open."""

    async def main() -> None:
        core = window.core
        bia = await core.add("Bia", "21 98765-4321")
        await command.enrolments.load()
        core.listener.heard.clear()
        await window.look()
        assert core.listener.heard == []
        ana = await command.add()
        await window.look()
        assert core.listener.heard == [MentoradoAdded(ana)]
        for change in (
            lambda: command.enrolments.edit(ana.mentorado.id, "Ana Prates", "11 98765-4321", "Turma 3"),
            lambda: command.enrolments.archive(ana.mentorado.id),
            lambda: command.enrolments.bring_back(ana.mentorado.id),
            lambda: command.enrolments.save_link(replace(ana.link, provider=ProviderKind.ZAPI)),
        ):
            core.listener.heard.clear()
            await change()
            await window.look()
            now = command.enrolments.get(ana.mentorado.id)
            assert core.listener.heard == [MentoradoChanged(now)]
            assert core.enrolments.get(ana.mentorado.id) == now
        assert core.enrolments.get(bia.mentorado.id) == bia

    run(main())


def test_what_a_command_changed_a_moment_ago_is_not_written_over(window: Follower, command: Core, run: Run) -> None:
    async def main() -> None:
        core = window.core
        ana = (await core.add()).mentorado
        await command.enrolments.load()
        await command.enrolments.archive(ana.id)
        await core.enrolments.edit(ana.id, "Ana Prates", ana.phone, "")
        assert core.enrolments.get(ana.id).mentorado.archived
        assert [(before.mentorado.name) for before, _ in await core.enrolments.follow()] == ["Ana"]
        assert await core.enrolments.follow() == []

    run(main())


@pytest.mark.parametrize("how", ["disconnect", "archive", "provider"])
def test_a_link_that_runs_is_stopped_when_a_command_took_it_away(
    window: Follower, command: Core, run: Run, how: str
) -> None:
    async def main() -> None:
        core = window.core
        async with core.running():
            ana = await connected(core)
            bia = await connected(core, "Bia", "21 98765-4321")
            await command.enrolments.load()
            link = command.enrolments.get(ana.mentorado.id).link
            if how == "archive":
                await command.enrolments.archive(ana.mentorado.id)
            elif how == "disconnect":
                await command.enrolments.save_link(replace(link, wanted=False))
            else:
                await command.enrolments.save_link(replace(link, provider=ProviderKind.ZAPI))
            await window.look()
            assert core.status(ana).state is LinkState.OFF
            assert core.supervisor.running() == (bia.link.id,)
            assert core.status(bia).state is LinkState.CONNECTED

    run(main())


def test_a_code_on_show_is_not_taken_away_by_what_others_commit(window: Follower, command: Core, run: Run) -> None:
    """Nobody wanted the link before it is connected, and it is not stopped for that."""

    async def main() -> None:
        core = window.core
        async with core.running():
            ana = await core.add()
            await core.do(ActionName.CONNECT, ana)
            await command.enrolments.load()
            await command.enrolments.edit(ana.mentorado.id, "Ana Prates", ana.mentorado.phone, "")
            await window.look()
            assert core.supervisor.running() == (ana.link.id,)

    run(main())


def test_a_link_that_a_command_connected_is_held_from_then_on(window: Follower, command: Core, run: Run) -> None:
    async def main() -> None:
        core = window.core
        async with core.running():
            ana = await core.add()
            await command.enrolments.load()
            await core.clock.advance(60)
            async with command.running():
                await connected_by(command)
                await window.look()
                assert core.status(ana).state is LinkState.OFF  # it has it
            await core.clock.advance(1)
            await window.look()
            await core.clock.advance(1)
            assert core.supervisor.running() == (ana.link.id,)
            core.provider.line.say(Opened(ANA))
            await settle()
            assert core.status(ana).state is LinkState.CONNECTED

    async def connected_by(command: Core) -> None:
        (enrolment,) = command.enrolments.all()
        await command.do(ActionName.CONNECT, enrolment)
        command.provider.line.say(Opened(PhoneNumber(enrolment.mentorado.phone)))
        await settle()

    run(main())


def test_what_whatsapp_forbade_during_a_command_is_shown_and_so_is_that_it_was_lifted(
    window: Follower, command: Core, run: Run
) -> None:
    async def main() -> None:
        core = window.core
        async with core.running():
            ana = await core.add()
            await command.enrolments.load()
            await core.clock.advance(60)
            async with command.running():
                await command.do(ActionName.CONNECT, ana)
                command.provider.line.say(Refused(Reason.BANNED))
                await settle()
            await window.look()
            assert core.status(ana).reason is Reason.BANNED
            assert core.supervisor.forbidden(ana.mentorado.id) is not None
            told = len(core.listener.heard)
            await window.look()  # nothing new
            assert not [event for event in core.listener.heard[told:] if isinstance(event, StatusChanged)]
            await core.clock.advance(60)
            released = Core(core.clock, provider=core.provider, roster=core.roster, log=core.log)
            await released.enrolments.load()
            async with released.running():
                await released.supervisor.restore()
                await released.do(ActionName.LIFT_BAN, ana)
            await window.look()
            assert core.status(ana).state is LinkState.OFF
            assert core.supervisor.forbidden(ana.mentorado.id) is None

    run(main())


def test_an_account_that_a_command_stored_is_refused_to_others(window: Follower, run: Run) -> None:
    """What is remembered of credentials is read anew: else two links could come to share one instance."""

    async def main() -> None:
        mine = {CredentialField.INSTANCE_ID: "3C01", CredentialField.INSTANCE_TOKEN: "hush"}
        ana = await window.core.enrolments.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
        bia = await window.core.enrolments.add("Bia", "21 98765-4321", provider=ProviderKind.ZAPI)
        await window.accounts.require_alone(bia.link, mine)
        window.vault.kept[secret_name(ana.link.id)] = as_text(mine)  # by a command
        await window.look()
        with pytest.raises(Problem) as refused:
            await window.accounts.require_alone(bia.link, mine)
        assert refused.value.context == {"name": "Ana"}

    run(main())


def test_what_a_command_decided_is_decided_here(window: Follower, run: Run) -> None:
    async def main() -> None:
        await window.desk.load()
        heard: list[OperatorSettingsChanged] = []
        window.core.bus.subscribe(OperatorSettingsChanged, heard.append)
        window.settings.settings = replace(window.settings.settings, operator_name="Rita")
        await window.look()
        assert window.desk.settings.operator_name == "Rita"
        assert heard == [OperatorSettingsChanged(window.settings.settings)]
        await window.look()
        assert len(heard) == 1

    run(main())


def test_a_date_that_a_command_confirmed_is_believed(
    window: Follower, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        told: list[ClockDoubted] = []
        window.core.bus.subscribe(ClockDoubted, told.append)
        now = window.core.clock.now()
        window.records.stored = TimeMark(at=now - timedelta(days=1100))
        await window.clock.load()
        await window.clock_check.look()
        assert window.clock.doubt is not None
        await window.look()
        assert [event.doubt is None for event in told] == [False]
        elsewhere = TrustedClock(window.core.clock, records=window.records, provider_time=PlayedProviderTime())
        await elsewhere.load()
        await elsewhere.confirm()
        await window.look()
        assert [event.doubt is None for event in told] == [False, True]
        assert window.clock.now() == now

    run(main())
    assert "is trusted instead" in caplog.text


def test_a_procedure_that_begins_here_is_not_taken_for_a_dead_programs(window: Follower, run: Run) -> None:
    """Its journal is on disk before it is known here: read just then, it was paused as one whose program had ended."""

    async def main() -> None:
        core = window.core
        async with core.running():
            ana = await connected(core)
            await core.do(ActionName.DISCONNECT, ana)
            on_disk = asyncio.Event()
            core.journal.on_entry = lambda _entry: on_disk.set()

            async def read() -> None:
                await on_disk.wait()
                await core.procedures.load()

            async with Chores(read):
                procedure = await core.begin(ProcedureKind.REAUTHENTICATION, ana)
            assert on_disk.is_set()
            assert procedure.state is ProcedureState.ASKING
            assert "paused" not in core.journal.kinds()
            told = [event.procedure.entries for event in core.listener.heard if isinstance(event, ProcedureChanged)]
            assert told == list(range(1, procedure.entries + 1))  # each entry once

    run(main())


def test_it_polls_once_a_second_and_survives_a_database_that_cannot_be_read(
    window: Follower, command: Core, run: Run
) -> None:
    async def main() -> None:
        core = window.core
        async with Chores(window.follower.run):
            await window.follower.mark()
            ana = await command.add()
            window.commits.count += 1
            await core.clock.advance(POLL_SECONDS)
            assert list(core.enrolments.all()) == []  # nothing was read for the first time yet
            window.follower.begin()
            await settle()
            window.commits.problem = Problem(Code.DATABASE_LOCKED)
            await core.clock.advance(POLL_SECONDS)
            assert list(core.enrolments.all()) == []
            window.commits.problem = None
            await core.clock.advance(POLL_SECONDS)
            assert list(core.enrolments.all()) == [ana]
            assert not await window.follower.look()

    run(main())


def test_secrets_that_are_closed_keep_nobody_from_following(window: Follower, core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.enrolments.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
            core.clock.time += timedelta(seconds=1)  # Ana was first
            bia = await core.enrolments.add("Bia", "21 98765-0001", provider=ProviderKind.ZAPI)
            typed = {CredentialField.INSTANCE_ID: "3C01"}
            await window.accounts.require_first(bia.link, typed)  # reads what Ana has: nothing
            window.vault.lock()
            await window.look()
            window.vault.problem = None
            await window.accounts.require_first(bia.link, typed)
            window.vault.kept[secret_name(ana.link.id)] = as_text(typed)
            await window.look()
            with pytest.raises(Problem) as caught:
                await window.accounts.require_first(bia.link, typed)
            assert caught.value.context == {"name": "Ana"}

    run(main())
