"""What a new code cannot mend is mended where it broke."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.action import ActionName, Refusal
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from tests.core.conftest import Core, Run


@pytest.mark.parametrize("reason", [Reason.CREDENTIALS_MISSING, Reason.TOKEN_INVALID, Reason.BILLING])
def test_without_access_to_the_provider_no_code_is_offered_but_the_access_is(
    core: Core, run: Run, reason: Reason
) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            link = replace(ana.link, provider=ProviderKind.ZAPI)
            await core.enrolments.save_link(link)
            status = LinkStatus(state=LinkState.BLOCKED, reason=reason, since=core.clock.now())
            core.supervisor._board.restore(link, status)
            for name in (ActionName.RECOVER, ActionName.REAUTHENTICATE):
                assert core.actions.refusal(name, ana.mentorado.id) is Refusal.FIX_ACCESS_FIRST
            for name in (ActionName.ENTER_CREDENTIALS, ActionName.CONNECT):
                assert core.actions.refusal(name, ana.mentorado.id) is None

    run(main())
