"""A connection that works is ended for a new code only for whoever was told, and is never lost for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.action_rules import availability
from app.domain.actions import ActionName, UnavailableReason
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.procedure import ENDS_CONNECTION, ProcedureKind, ProcedureState, StepName
from app.domain.provider import Blocked, Connected, QrScanned
from tests.clock import ManualClock, settle
from tests.core.procedures.recovering import CODE, Sending, connected, states
from tests.services import Core

K, S, N = ProcedureKind, ProcedureState, StepName
AGREED = {ENDS_CONNECTION: "yes"}


@pytest.fixture
def core(manual_clock: ManualClock) -> Core:
    return Core(manual_clock, provider=Sending())


async def test_a_connection_that_works_is_backed_up_and_ended_only_once_the_new_code_was_confirmed(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        asks = await core.begin(K.REAUTHENTICATION, ana, facts=AGREED)
        assert (asks.state, states(asks)[N.BACK_UP]) == (S.ASKING, "done")
        assert core.status(ana).state is LinkState.CONNECTED, "nobody said yes yet"
        await core.procedures.confirm(asks.head.id)
        await core.stands(ana)
        core.provider.line.say(CODE)
        await settle()
        assert core.status(ana).state is LinkState.QR_READY
        core.provider.line.say(QrScanned(ana.phone), Connected(ana.phone))
        done = await core.stands(ana)
        assert (done.state, states(done)[N.PAIR]) == (S.DONE, "done")
        assert (core.status(ana).state, len(core.provider.adopted)) == (LinkState.CONNECTED, 2)


async def test_who_was_not_told_that_it_ends_keeps_a_connection_that_came_back(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        done = await core.begin(K.REAUTHENTICATION, ana)
        assert (done.state, states(done)[N.PAIR]) == (S.DONE, "skipped")
        assert len(core.provider.adopted) == 1


@pytest.mark.parametrize("wish", ["pause", "undo"])
@pytest.mark.parametrize("expired", [True, False])
async def test_a_code_that_nobody_scans_leaves_the_former_session_connected(
    core: Core, wish: str, expired: bool
) -> None:
    async with core.running():
        ana = await connected(core)
        asks = await core.begin(K.REAUTHENTICATION, ana, facts=AGREED)
        await core.procedures.confirm(asks.head.id)
        await core.stands(ana)
        core.provider.line.say(CODE)
        await settle()
        if expired:
            core.provider.line.say(Blocked(Reason.QR_EXPIRED))
            await settle()
        if not (expired and wish == "pause"):  # a step that failed moves no more
            await getattr(core.procedures, wish)(asks.head.id)
            await core.stands(ana)
            assert not core.provider.line.pairing
            core.provider.line.say(Connected(ana.phone))
            await settle()
            assert core.status(ana).state is LinkState.CONNECTED
        assert len(core.provider.adopted) == 1


async def test_a_procedure_that_was_paused_asks_for_its_code_again_although_the_former_session_is_back(
    core: Core,
) -> None:
    async with core.running():
        ana = await connected(core)
        asks = await core.begin(K.REAUTHENTICATION, ana, facts=AGREED)
        await core.procedures.confirm(asks.head.id)
        await core.stands(ana)
        await core.procedures.pause(asks.head.id)
        core.provider.line.say(Connected(ana.phone))
        await core.stands(ana)
        await core.procedures.resume(asks.head.id)
        await core.stands(ana)
        assert core.provider.line.pairing
        core.provider.line.say(CODE, QrScanned(ana.phone), Connected(ana.phone))
        assert (await core.stands(ana)).state is S.DONE


async def test_a_connection_that_works_is_not_ended_to_wait_for_somebody_elses_code(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        bia = await core.add("Bia", "21 91234-5678")
        await core.do(ActionName.CONNECT, bia)
        refused = await core.begin(K.REAUTHENTICATION, ana, facts=AGREED)
        assert refused.step(N.PAIR).facts["why"] == UnavailableReason.SOMEBODY_IS_PAIRED
        assert core.status(ana).state is LinkState.CONNECTED
        await core.do(ActionName.CANCEL, bia)
        await core.procedures.resume(refused.head.id)
        assert (await core.stands(ana)).state is S.ASKING


async def test_where_the_session_is_not_kept_here_a_connection_that_works_has_no_way_back_and_is_left(
    core: Core,
) -> None:
    async with core.running():
        ana = await core.mentorados.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
        now = core.actions.context(ana.id)
        works = replace(now, status=replace(now.status, state=LinkState.CONNECTED))
        assert availability(works)[ActionName.REAUTHENTICATE] is UnavailableReason.ALREADY_CONNECTED
