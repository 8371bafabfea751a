"""A procedure that waits for its link goes on by itself once what it waited for was decided elsewhere."""

from __future__ import annotations

import logging

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado
from app.domain.phone import PhoneNumber
from app.domain.procedure import ENDS_CONNECTION, EntryKind, Procedure, ProcedureKind, ProcedureState, StepName
from app.domain.provider import Blocked, Connected, QrScanned
from tests.clock import ManualClock, settle
from tests.core.procedures.recovering import CODE, Sending, connected, pairing, states
from tests.services import Core
from tests.waiting import until

K, S, N = ProcedureKind, ProcedureState, StepName
STRANGER = PhoneNumber("+5521912345678")


async def ended(core: Core, ana: Mentorado) -> Procedure:
    """The procedure once it came to its end: its lock is taken in a thread."""
    await until(lambda: core.procedures.active(ana.id) is None)
    return await core.stands(ana)


@pytest.fixture
def core(manual_clock: ManualClock) -> Core:
    return Core(manual_clock, provider=Sending())


@pytest.mark.parametrize("tried", [False, True])
async def test_once_another_number_is_accepted_the_procedure_goes_on(core: Core, tried: bool) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        core.provider.line.say(QrScanned(STRANGER))
        assert (await core.stands(ana)).state is S.FAILED
        if tried:  # before anybody decided
            await core.procedures.resume(shows.head.id)
            await core.stands(ana)
        await core.do(ActionName.ACCEPT_ACCOUNT, ana)
        assert (await core.stands(ana)).state is S.FAILED, "it is not connected yet"
        core.provider.line.say(Connected(STRANGER))
        done = await ended(core, ana)
        assert (done.state, done.step(N.PAIR).facts["found"]) == (S.DONE, "paired")


async def test_a_link_that_connects_twice_moves_the_procedure_once(core: Core) -> None:
    async with core.running():
        ana, _ = await pairing(core)
        core.provider.line.say(QrScanned(STRANGER))
        await core.stands(ana)
        await core.do(ActionName.ACCEPT_ACCOUNT, ana)
        core.provider.line.say(Connected(STRANGER), Connected(STRANGER))
        assert (await ended(core, ana)).state is S.DONE
        assert core.journal.kinds().count("continued") == 1


async def test_what_ends_a_connection_goes_on_for_the_new_number_only(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        asks = await core.begin(K.REAUTHENTICATION, ana, facts={ENDS_CONNECTION: "yes"})
        await core.procedures.confirm(asks.head.id)
        await core.stands(ana)
        core.provider.line.say(CODE, Blocked(Reason.QR_EXPIRED))
        assert (await core.stands(ana)).state is S.FAILED
        await core.supervisor.connect(ana.id)
        await settle()
        core.provider.line.say(Connected(ana.phone))
        assert (await core.stands(ana)).state is S.FAILED, "else the connection would end for a code nobody asked for"
        await core.procedures.resume(asks.head.id)
        await core.stands(ana)
        core.provider.line.say(CODE, QrScanned(STRANGER))
        await core.stands(ana)
        await core.do(ActionName.ACCEPT_ACCOUNT, ana)
        core.provider.line.say(Connected(STRANGER))
        done = await ended(core, ana)
        assert (done.state, states(done)[N.PAIR]) == (S.DONE, "done")


async def test_a_connection_that_comes_back_after_the_check_failed_is_checked_again(core: Core) -> None:
    async with core.running():
        ana, _ = await pairing(core)
        core.provider.line.say(QrScanned(ana.phone), Connected(ana.phone), Blocked(Reason.CLOCK_SKEW))
        await core.stands(ana)
        core.provider.line.say(Blocked(Reason.CLOCK_SKEW))  # it was tried once more
        failed = await core.stands(ana)
        assert failed.step(N.VERIFY_ACCOUNT).facts["code"] == ProblemCode.LINK_NOT_BACK
        await core.supervisor.connect(ana.id)
        await settle()
        core.provider.line.say(Connected(ana.phone))
        done = await ended(core, ana)
        assert (done.state, states(done)[N.VERIFY_ACCOUNT]) == (S.DONE, "done")


async def test_a_journal_that_cannot_be_written_leaves_it_to_a_person(
    core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        core.provider.line.say(QrScanned(STRANGER))
        await core.stands(ana)
        await core.do(ActionName.ACCEPT_ACCOUNT, ana)
        core.journal.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        with caplog.at_level(logging.WARNING):
            core.provider.line.say(Connected(STRANGER))
            await until(lambda: "could not go on by itself: database_disk_full" in caplog.text)
        assert (await core.stands(ana)).state is S.FAILED
        core.journal.problem = None
        await core.procedures.resume(shows.head.id)
        assert (await core.stands(ana)).state is S.DONE


@pytest.mark.parametrize(("reason", "goes_on"), [(Reason.WRONG_ACCOUNT, True), (Reason.CLOCK_SKEW, False)])
async def test_after_a_restart_it_goes_on_only_where_a_person_decided(
    core: Core, reason: Reason, goes_on: bool
) -> None:
    async with core.running():
        ana, _ = await pairing(core)
        if reason is Reason.WRONG_ACCOUNT:
            core.provider.line.say(QrScanned(STRANGER))
        else:
            core.provider.line.say(QrScanned(ana.phone), Connected(ana.phone), Blocked(reason))
            await core.stands(ana)
            core.provider.line.say(Blocked(reason))
        assert (await core.stands(ana)).state is S.FAILED
    again = Core(
        core.clock,
        provider=core.provider,
        mentorado_repository=core.mentorado_repository,
        log=core.log,
        journal=core.journal,
    )
    async with again.running():
        await again.mentorados.load()
        await again.procedures.load()
        await again.supervisor.restore()
        if goes_on:
            await again.do(ActionName.ACCEPT_ACCOUNT, ana)
        else:
            await again.supervisor.connect(ana.id)
            await settle()
        again.provider.line.say(Connected(STRANGER if goes_on else ana.phone))
        after = await (ended if goes_on else Core.stands)(again, ana)
        assert again.status(ana).state is LinkState.CONNECTED
        assert after.state is (S.DONE if goes_on else S.FAILED)


async def test_a_person_who_undoes_is_not_overtaken(core: Core) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        core.provider.line.say(QrScanned(STRANGER))
        await core.stands(ana)
        await core.do(ActionName.ACCEPT_ACCOUNT, ana)
        run = core.procedures._run(shows.head.id)
        async with run.asked:  # a moment before
            core.provider.line.say(Connected(STRANGER))
            await settle()
            await run.write(EntryKind.UNDO_BEGAN)
        await core.stands(ana)
        assert core.journal.kinds()[-1] == "undo_began"
