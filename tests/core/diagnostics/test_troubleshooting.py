"""The guided checks of codes that do not appear and of passkeys, and which one is suggested."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.domain.provider import Blocked, HostAnswered, Lost, SessionHolder
from app.domain.troubleshooting import (
    CHANNEL_WITHIN,
    CHECKS_OF,
    CODE_WITHIN,
    Trouble,
    TroubleCheck,
    suggested_trouble,
)
from tests.clock import DAWN, settle
from tests.core.diagnostics.troubleshooting import CODE, C, Check, Extension, K, M, SessionFiles, connected
from tests.core.diagnostics.troubleshooting import core as core
from tests.core.diagnostics.troubleshooting import files as files
from tests.services import Core


async def test_a_link_that_shows_a_code_ends_with_it(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.NO_CODE, ana)
        task = asyncio.get_running_loop().create_task(check.end())
        await settle(60)
        core.provider.line.say(CODE)
        found = await task
    assert (found.kind, found.action) == (K.CODE_SHOWN, None)
    assert check.checks == list(CHECKS_OF[Trouble.NO_CODE])
    assert check.seen(C.SESSION_LOCK) == (M.GOOD, "free")
    assert check.seen(C.REQUEST) == (M.GOOD, "begun")
    assert check.seen(C.ANSWER) == (M.GOOD, "code")


async def test_a_link_that_is_on_its_way_is_watched_and_not_connected_again(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(CODE)
        await settle()
        check = Check(core, Trouble.NO_CODE, ana)
        assert (await check.end()).kind is K.CODE_SHOWN
        assert check.seen(C.REQUEST) == (M.GOOD, "under_way")
        assert len(core.provider.lines) == 1


async def test_a_connected_link_needs_no_code(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        check = Check(core, Trouble.NO_CODE, ana)
        assert (await check.end()).kind is K.CONNECTED
        assert check.seen(C.REQUEST) == (M.GOOD, "not_needed")


async def test_a_link_that_is_lost_says_why_instead_of_waiting_for_a_code(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Lost(Reason.NETWORK_DOWN))
        await settle()
        found = await Check(core, Trouble.NO_CODE, ana).end()
        assert (found.kind, found.reason, found.action) == (K.STATUS, Reason.NETWORK_DOWN, ActionName.TRY_NOW)


async def test_a_refusal_ends_the_check_with_its_own_next_step(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.NO_CODE, ana)
        task = asyncio.get_running_loop().create_task(check.end())
        await settle(60)
        core.provider.line.say(Blocked(Reason.PASSKEY_REQUIRED))
        found = await task
        assert (found.kind, found.reason) == (K.STATUS, Reason.PASSKEY_REQUIRED)
        assert check.seen(C.ANSWER) == (M.BAD, "reason")


async def test_a_logged_out_link_is_not_connected_and_leads_to_its_recovery(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
        check = Check(core, Trouble.NO_CODE, ana)
        found = await check.end()
        assert (found.kind, found.action) == (K.STATUS, ActionName.REAUTHENTICATE)
        assert check.seen(C.REQUEST) == (M.BAD, "refused")
        assert len(core.provider.lines) == 1


async def test_a_code_that_ran_out_is_asked_for_anew(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Blocked(Reason.BANNED))
        await settle()
        found = await Check(core, Trouble.NO_CODE, ana).end()
        assert (found.kind, found.status.reason) == (K.STATUS, Reason.BANNED)


async def test_an_archived_mentorado_cannot_be_connected(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.ARCHIVE, ana)
        found = await Check(core, Trouble.NO_CODE, ana).end()
        assert (found.kind, found.why) == (K.NOT_ALLOWED, UnavailableReason.ARCHIVED)


async def test_who_waits_for_the_pairing_of_another_is_told_whose(core: Core) -> None:
    async with core.running():
        bruno = await core.add("Bruno", "11 98765-0000")
        await core.do(ActionName.CONNECT, bruno)
        core.provider.line.say(CODE)
        ana = await core.add()
        check = Check(core, Trouble.NO_CODE, ana)
        found = await check.end(after=CHANNEL_WITHIN)
        assert (found.kind, found.values) == (K.WAITING_TURN, {"name": "Bruno"})
        assert check.seen(C.EVENT_CHANNEL) == (M.GOOD, "waits")


async def test_a_connection_that_says_nothing_is_a_silent_channel_and_switches_the_detailed_log_on(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.NO_CODE, ana)
        found = await check.end(after=CODE_WITHIN)
        assert (found.kind, found.action) == (K.SILENT_CHANNEL, ActionName.CANCEL)
        assert check.seen(C.EVENT_CHANNEL) == (M.BAD, "silent")
        assert check.seen(C.ANSWER) == (M.BAD, "nothing")
        assert core.services.provider_log.until == found.values["until"]


async def test_a_host_that_answers_its_heartbeat_is_no_silent_channel(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(HostAnswered(core.clock.now()))
        await settle()
        found = await Check(core, Trouble.NO_CODE, ana).end(after=CODE_WITHIN)
        assert found.kind is K.NO_ANSWER


@pytest.mark.parametrize("holder", [SessionHolder.ELSEWHERE, SessionHolder.UNPROVEN])
async def test_a_session_that_another_program_holds_is_not_connected(
    core: Core, files: SessionFiles, holder: SessionHolder
) -> None:
    files.holder = (holder, "notebook, PID 7")
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.NO_CODE, ana)
        found = await check.end()
        assert (found.kind, found.values, found.action) == (K.HELD, {"holder": "notebook, PID 7"}, None)
        assert check.seen(C.SESSION_LOCK) == (M.BAD, holder.value)
        assert core.provider.lines == []


async def test_an_unproven_lock_that_blocks_the_link_can_be_overruled(core: Core, files: SessionFiles) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.SESSION_HELD_ELSEWHERE, detail="notebook"))
        await settle()
        files.holder = (SessionHolder.UNPROVEN, "notebook")
        found = await Check(core, Trouble.SESSION, ana).end()
        assert (found.kind, found.action) == (K.HELD, ActionName.OVERRULE_LOCK)


async def test_the_lock_of_a_dead_program_is_no_trouble(core: Core, files: SessionFiles) -> None:
    files.holder = (SessionHolder.NOBODY, "notebook, PID 7")
    async with core.running():
        ana = await connected(core)
        check = Check(core, Trouble.NO_CODE, ana)
        await check.end()
        assert check.seen(C.SESSION_LOCK) == (M.GOOD, "left")


async def test_a_passkey_that_nobody_asks_for_is_no_trouble(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        check = Check(core, Trouble.PASSKEY, ana)
        assert (await check.end()).kind is K.NO_PASSKEY
        assert check.seen(C.SIGN_IN) == (M.GOOD, "no_passkey")


async def test_a_passkey_on_whatsapp_web_leads_to_another_provider(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Blocked(Reason.PASSKEY_REQUIRED))
        await settle()
        found = await Check(core, Trouble.PASSKEY, ana).end()
        assert (found.kind, found.action) == (K.PASSKEY_ELSEWHERE, ActionName.SWITCH_PROVIDER)


async def test_a_passkey_at_a_provider_with_an_extension_can_be_answered(core: Core) -> None:
    async with core.running():
        ana = await core.mentorados.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
        zapi = core.providers[ProviderKind.ZAPI]
        assert isinstance(zapi, Extension)
        await core.do(ActionName.CONNECT, ana)
        zapi.line.say(Blocked(Reason.PASSKEY_REQUIRED))
        await settle()
        assert (await Check(core, Trouble.PASSKEY, ana).end()).kind is K.PASSKEY_HERE


@pytest.mark.parametrize(
    ("state", "reason", "trouble"),
    [
        (LinkState.BLOCKED, Reason.PASSKEY_REQUIRED, Trouble.PASSKEY),
        (LinkState.BLOCKED, Reason.SESSION_CORRUPT, Trouble.SESSION),
        (LinkState.CONNECTING, Reason.NONE, Trouble.NO_CODE),
        (LinkState.BLOCKED, Reason.QR_EXPIRED, Trouble.NO_CODE),
        (LinkState.BLOCKED, Reason.FLAPPING, Trouble.DISCONNECTS),
        (LinkState.RECONNECTING, Reason.NETWORK_DOWN, Trouble.DISCONNECTS),
        (LinkState.CONNECTED, Reason.NONE, Trouble.DISCONNECTS),
        (LinkState.OFF, Reason.NONE, Trouble.NO_CODE),
    ],
)
def test_the_check_that_fits_what_is_seen_is_suggested(state: LinkState, reason: Reason, trouble: Trouble) -> None:
    assert suggested_trouble(LinkStatus(state=state, reason=reason, since=DAWN)) is trouble


def test_every_check_belongs_to_a_guided_check() -> None:
    assert {check for checks in CHECKS_OF.values() for check in checks} == set(TroubleCheck)
