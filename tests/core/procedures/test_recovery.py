"""The recovery of the operating guide, step by step: nothing is replaced before softer means have failed."""

from __future__ import annotations

import asyncio

import pytest

from app.core.procedures.recovery import SOFT_SECONDS, SOFT_TRIES
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.procedure import ProcedureKind, ProcedureState, StepName
from app.domain.provider import Blocked, Connected, Failed, Lost, QrIssued
from tests.clock import ManualClock, settle
from tests.core.links.many_links import ManyLinks
from tests.core.procedures.recovering import Sending, fallen, states
from tests.services import Core

K, S, N = ProcedureKind, ProcedureState, StepName
CODE = QrIssued("x", 1, 6, 60)


@pytest.fixture
def core(manual_clock: ManualClock) -> Core:
    return Core(manual_clock, provider=Sending())


# --- scope ------------------------------------------------------------------------------------------------------------


async def test_in_an_incident_nobody_is_repaired_alone_unless_a_person_says_why() -> None:
    links = ManyLinks(4)
    async with links.connected():
        links.served.away = True
        links.served.fall()
        await settle()
        one = links.mentorados.get(links.ids[0])
        with pytest.raises(Problem) as caught:
            await links.procedures.begin(K.RECOVERY, one.id)
        assert caught.value.context["why"] == UnavailableReason.INCIDENT
        begun = await links.begin(K.RECOVERY, one, override_reason=" só o dela caiu ")
        assert begun.head.facts["override_reason"] == "só o dela caiu"
        assert begun.step(N.SCOPE).facts == {"links": "many", "affected": "4", "of": "4"}
    assert links.audit.outcomes[-1].record.reason == "só o dela caiu"


async def test_an_incident_that_begins_meanwhile_stops_at_the_scope() -> None:
    links = ManyLinks(4)
    async with links.connected():
        one = links.mentorados.get(links.ids[0])
        links.served.gone.add(links.ids[0])
        links.served.fall(links.ids[0])
        await settle()
        await links.procedures.begin(K.RECOVERY, one.id)
        links.served.away = True
        links.served.fall()
        stopped = await links.stands(one)
        assert stopped.state is S.FAILED
        assert stopped.step(N.SCOPE).facts["why"] == "incident"


# --- soft reconnect ---------------------------------------------------------------------------------------------------


async def test_a_link_that_comes_back_is_neither_backed_up_nor_paired(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        adopted = list(core.provider.adopted)
        await core.begin(K.RECOVERY, ana)
        assert not core.provider.line.pairing
        core.provider.line.say(Connected(ana.phone))
        done = await core.stands(ana)
        assert done.state is S.DONE
        assert done.step(N.SOFT_RECONNECT).facts == {"came_back": "yes", "tries": "1"}
        assert states(done) | {"back_up": "skipped", "pair": "skipped"} == states(done)
        assert done.step(N.VERIFY_ACCOUNT).facts == {"account": "+55…21"}
        assert (core.backups.placed, core.provider.adopted) == ([], adopted)
        assert core.status(ana).evidence.last_smoke_test == core.clock.now()
    assert core.audit.outcomes[-1].record.outcome is AuditOutcome.DONE


async def test_after_repeated_failure_it_is_backed_up_and_asked(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        lines = len(core.provider.lines)
        await core.begin(K.RECOVERY, ana)
        for _ in range(SOFT_TRIES):
            core.provider.line.say(Failed(Reason.NETWORK_DOWN))
            await core.clock.advance(10)
        asks = await core.stands(ana)
        assert asks.state is S.ASKING
        soft = asks.step(N.SOFT_RECONNECT).facts
        assert soft == {"came_back": "no", "tries": str(SOFT_TRIES), "reason": "network_down"}
        assert len(core.provider.lines) - lines >= SOFT_TRIES
        assert not any(line.pairing for line in core.provider.lines[1:])
        assert asks.step(N.BACK_UP).facts["messages"] == "12431"
        assert core.backups.placed == [asks.head.id]


async def test_a_link_that_says_nothing_is_not_waited_for_forever(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(Reason.SERVER_UNAVAILABLE))
        waits = await core.begin(K.RECOVERY, ana)
        assert states(waits)["soft_reconnect"] == "running"
        await core.clock.advance(SOFT_SECONDS)
        asks = await core.stands(ana)
        assert asks.step(N.SOFT_RECONNECT).facts["tries"] == "1"
        await core.procedures.confirm(asks.head.id)
        await core.stands(ana)
        assert core.provider.lines[-2].closed  # the line that said nothing made way
        assert core.provider.line.pairing


@pytest.mark.parametrize("reason", [Reason.LOGGED_OUT, Reason.MAIN_DEVICE_GONE, Reason.BANNED])
async def test_keys_that_whatsapp_took_back_are_not_tried(core: Core, reason: Reason) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(reason))
        lines = len(core.provider.lines)
        if core.actions.unavailable_reason(ActionName.RECOVER, ana.id) is None:
            asks = await core.begin(K.RECOVERY, ana)
            soft = {"came_back": "no", "tries": "0", "reason": reason.value}
            assert asks.step(N.SOFT_RECONNECT).facts == soft
        assert len(core.provider.lines) == lines


async def test_who_was_never_paired_is_shown_no_code_before_being_asked(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Blocked(Reason.QR_EXPIRED))
        await settle()
        asks = await core.begin(K.RECOVERY, ana)
        assert (asks.state, len(core.provider.lines)) == (S.ASKING, 1)


async def test_a_link_that_came_back_before_the_first_try_is_left_alone(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Lost(Reason.STREAM_ERROR))
        await core.procedures.begin(K.RECOVERY, ana.id)
        core.provider.line.say(Connected(ana.phone))
        done = await core.stands(ana)
        assert done.step(N.SOFT_RECONNECT).facts == {"came_back": "yes", "tries": "0"}


async def test_a_link_that_is_switched_off_while_it_is_tried_pauses_the_recovery(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        await core.begin(K.RECOVERY, ana)
        await core.do(ActionName.DISCONNECT, ana)
        assert (await core.stands(ana)).state is S.PAUSED
        assert core.status(ana).state is LinkState.OFF


# --- backup -----------------------------------------------------------------------------------------------------------


async def test_without_a_backup_nothing_is_replaced(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(Reason.LOGGED_OUT))
        core.backups.problem = Problem(ProblemCode.BACKUP_DISK_FULL, path="/backups")
        failed = await core.begin(K.REAUTHENTICATION, ana, secret="open sesame")
        assert (failed.state, states(failed)["pair"]) == (S.FAILED, "waiting")
        core.backups.problem = None
        await core.procedures.resume(failed.head.id)
        asks = await core.stands(ana)
        assert asks.state is S.ASKING
        assert asks.step(N.BACK_UP).facts["encrypted"] == "yes"
        assert core.backups.passphrases == ["open sesame"] * 2


async def test_what_began_with_a_passphrase_never_goes_on_without_it(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(Reason.LOGGED_OUT))
        core.backups.collecting = asyncio.Event()
        begun = await core.begin(K.REAUTHENTICATION, ana, secret="open sesame")
    again = Core(
        core.clock,
        provider=core.provider,
        mentorado_repository=core.mentorado_repository,
        log=core.log,
        audit=core.audit,
        journal=core.journal,
        backups=core.backups,
    )
    core.backups.collecting = None
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.restore()
        await again.procedures.load()
        await again.procedures.resume(begun.head.id)
        locked = await again.stands(ana)
        assert locked.step(N.BACK_UP).facts["code"] == ProblemCode.BACKUP_LOCKED
        await again.procedures.resume(begun.head.id, secret="open sesame")
        asks = await again.stands(ana)
        assert (asks.state, asks.step(N.BACK_UP).facts["encrypted"]) == (S.ASKING, "yes")


async def test_undone_it_leaves_no_part_of_an_archive_and_the_finished_one_stays(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(Reason.LOGGED_OUT))
        core.backups.problem = Problem(ProblemCode.BACKUP_DISK_FULL)
        failed = await core.begin(K.REAUTHENTICATION, ana)
        assert core.backups.parts == {failed.head.id}
        await core.procedures.undo(failed.head.id)
        assert (await core.stands(ana)).state is S.UNDONE
        assert core.backups.parts == set()
        core.backups.problem = None
        asks = await core.begin(K.REAUTHENTICATION, ana)
        await core.procedures.undo(asks.head.id)
        await core.stands(ana)
        assert core.backups.placed == [asks.head.id]
