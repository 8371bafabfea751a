"""What a new code cannot mend is mended where it broke."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from tests.services import Core


@pytest.mark.parametrize("reason", [Reason.CREDENTIALS_MISSING, Reason.TOKEN_INVALID, Reason.BILLING])
async def test_without_access_to_the_provider_no_code_is_offered_but_the_access_is(core: Core, reason: Reason) -> None:
    async with core.running():
        ana = await core.add()
        link = replace(ana.link, provider=ProviderKind.ZAPI)
        await core.mentorados.save_link(link)
        status = LinkStatus(state=LinkState.BLOCKED, reason=reason, since=core.clock.now())
        core.supervisor._board.restore(link, status)
        for name in (ActionName.RECOVER, ActionName.REAUTHENTICATE):
            assert core.actions.unavailable_reason(name, ana.id) is UnavailableReason.FIX_ACCESS_FIRST
        for name in (ActionName.ENTER_CREDENTIALS, ActionName.CONNECT):
            assert core.actions.unavailable_reason(name, ana.id) is None


async def test_messages_that_wait_are_decided_about_before_anything_brings_the_phone_back(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        link = replace(ana.link, provider=ProviderKind.ZAPI, account=ana.phone)
        await core.mentorados.save_link(link)
        waiting = LinkStatus(state=LinkState.BLOCKED, reason=Reason.QUEUE_PENDING, since=core.clock.now())
        core.supervisor._board.restore(link, waiting)
        for name in (ActionName.RECOVER, ActionName.REAUTHENTICATE):
            assert core.actions.unavailable_reason(name, ana.id) is UnavailableReason.DECIDE_QUEUE_FIRST
        assert core.actions.unavailable_reason(ActionName.DECIDE_QUEUE, ana.id) is None


async def test_a_link_that_cannot_be_asked_is_asked_again_and_not_given_a_new_code(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        link = replace(ana.link, provider=ProviderKind.ZAPI, account=ana.phone)
        await core.mentorados.save_link(link)
        core.supervisor._board.restore(link, LinkStatus(state=LinkState.UNKNOWN, since=core.clock.now()))
        assert core.actions.unavailable_reason(ActionName.REAUTHENTICATE, ana.id) is UnavailableReason.ON_ITS_WAY
        assert core.actions.unavailable_reason(ActionName.TRY_NOW, ana.id) is None
