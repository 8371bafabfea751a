"""The guided check of a link that disconnects often."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.domain.actions import ActionName
from app.domain.incident import CheckResult, Finding
from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.provider import Blocked, Connected, Failed, Lost, SessionHolder
from app.domain.troubleshooting import (
    CHECKS_OF,
    ConclusionKind,
    Trouble,
)
from tests.clock import settle
from tests.core.diagnostics.troubleshooting import C, Check, K, M, SessionFiles, connected
from tests.core.diagnostics.troubleshooting import core as core
from tests.core.diagnostics.troubleshooting import files as files
from tests.services import Core


async def test_a_link_that_holds_is_steady(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        check = Check(core, Trouble.DISCONNECTS, ana)
        found = await check.end()
        assert (found.kind, found.values) == (K.STEADY, {"count": 0})
        assert check.checks == list(CHECKS_OF[Trouble.DISCONNECTS])
        assert {each.mark for each in check.findings} == {M.GOOD}


@pytest.mark.parametrize(
    ("network", "clock", "kind"),
    [
        (CheckResult.NETWORK_DOWN, CheckResult.CLOCK_UNKNOWN, K.NETWORK),
        (CheckResult.PROXY_REFUSED, CheckResult.CLOCK_UNKNOWN, K.NETWORK),
        (CheckResult.CERTIFICATE_REFUSED, CheckResult.CLOCK_UNKNOWN, K.NETWORK),
        (CheckResult.SERVER_SILENT, CheckResult.CLOCK_UNKNOWN, K.NETWORK),
        (CheckResult.NETWORK_GOOD, CheckResult.CLOCK_WRONG, K.CLOCK),
        (CheckResult.NETWORK_GOOD, CheckResult.CLOCK_UNKNOWN, K.STEADY),
    ],
)
async def test_the_network_and_the_clock_come_before_anything_else(
    core: Core, network: CheckResult, clock: CheckResult, kind: ConclusionKind
) -> None:
    core.checks.findings = [Finding(network), Finding(clock, "+7200 s")]
    async with core.running():
        ana = await connected(core)
        assert (await Check(core, Trouble.DISCONNECTS, ana).end()).kind is kind


async def fallen(core: Core, times: int) -> Mentorado:
    ana = await connected(core)
    for _ in range(times):
        core.provider.line.say(Lost(Reason.KEEPALIVE_TIMEOUT))
        await settle()
        core.provider.line.say(Connected(ana.phone))
        await settle()
    return ana


async def test_a_link_that_falls_often_names_the_most_frequent_reason(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, 4)
        check = Check(core, Trouble.DISCONNECTS, ana)
        found = await check.end()
        assert (found.kind, found.reason) == (K.FALLS_OFTEN, Reason.KEEPALIVE_TIMEOUT)
        counted = next(each for each in check.findings if each.check is C.CLOSE_REASONS)
        assert (counted.mark, counted.reasons) == (M.BAD, ((Reason.KEEPALIVE_TIMEOUT, 4),))


async def test_one_fall_a_day_is_nothing_unusual(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, 1)
        check = Check(core, Trouble.DISCONNECTS, ana)
        assert (await check.end()).kind is K.STEADY
        assert check.seen(C.CLOSE_REASONS) == (M.WARNING, "some")


async def test_falls_of_the_day_before_are_not_counted(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, 4)
        core.clock.time += timedelta(hours=25)
        assert (await Check(core, Trouble.DISCONNECTS, ana).end()).kind is K.STEADY


async def test_a_link_that_waits_says_when_the_next_try_is(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Failed(Reason.NETWORK_DOWN))
        await settle()
        check = Check(core, Trouble.DISCONNECTS, ana)
        await check.end()
        assert check.seen(C.WAITS) == (M.GOOD, "waiting")


async def test_a_try_that_is_under_way_is_said_to_be(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Failed(Reason.NETWORK_DOWN))
        await settle()
        await core.do(ActionName.TRY_NOW, ana)
        check = Check(core, Trouble.DISCONNECTS, ana)
        await check.end()
        assert check.seen(C.WAITS) == (M.GOOD, "trying")


async def test_a_link_that_was_stopped_for_flapping_can_be_connected_again(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, 5)
        core.provider.line.say(Lost(Reason.STREAM_ERROR))
        await settle()
        assert core.status(ana).reason is Reason.FLAPPING
        check = Check(core, Trouble.DISCONNECTS, ana)
        found = await check.end()
        assert (found.kind, found.action) == (K.FALLS_OFTEN, ActionName.CONNECT)
        assert check.seen(C.WAITS) == (M.WARNING, "stopped")


async def test_a_flapping_link_whose_log_is_gone_still_says_so(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, 5)
        core.provider.line.say(Lost(Reason.STREAM_ERROR))
        await settle()
        core.log.lines.clear()
        assert (await Check(core, Trouble.DISCONNECTS, ana).end()).reason is Reason.FLAPPING


async def test_a_blocked_link_leads_to_what_blocks_it(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
        found = await Check(core, Trouble.DISCONNECTS, ana).end()
        assert (found.kind, found.action) == (K.STATUS, ActionName.REAUTHENTICATE)


async def test_a_session_that_is_open_elsewhere_explains_the_falls(core: Core, files: SessionFiles) -> None:
    async with core.running():
        ana = await connected(core)
        files.holder = (SessionHolder.ELSEWHERE, "notebook")
        assert (await Check(core, Trouble.DISCONNECTS, ana).end()).kind is K.HELD


async def test_an_incident_is_not_the_trouble_of_one_link(core: Core) -> None:
    async with core.running():
        everybody = []
        for number in range(4):
            each = await core.add(f"Ana {number}", f"11 98765-432{number}")
            core.provider.paired.add(each.link.id)
            await core.do(ActionName.CONNECT, each)
            core.provider.line.say(Connected(each.phone))
            await settle()
            everybody.append(each)
        for line in core.provider.lines:
            line.say(Lost(Reason.NETWORK_DOWN))
        await settle()
        assert core.incidents.for_provider(ProviderKind.WHATSAPP_WEB) is not None
        assert (await Check(core, Trouble.DISCONNECTS, everybody[0]).end()).kind is K.INCIDENT
