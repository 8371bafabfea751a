"""Provider switches with the real program and the wire of all three providers."""

from __future__ import annotations

from itertools import permutations

import pytest

from app.domain.link_status import LinkState
from app.domain.mentorado import ProviderKind
from app.domain.switch import SwitchItemState, SwitchPlan
from tests.acceptance.switch.harness import WEB, Harness

S = SwitchItemState
DIRECTIONS = list(permutations(ProviderKind, 2))


@pytest.mark.within(120)
@pytest.mark.parametrize(("source", "target"), DIRECTIONS, ids=[f"{one}-to-{other}" for one, other in DIRECTIONS])
async def test_one_mentorado_goes_from_each_provider_to_each_other_and_back(
    harness: Harness, source: ProviderKind, target: ProviderKind
) -> None:
    """ "All six directions between the three providers, end to end against the emulators": the target is connected
    and tested beside the current provider, which is kept signed in and silent until a person decides."""
    async with harness.at_work() as run:
        await run.with_tester()
        ana = await run.person(source)
        await run.prepare(ana, target)
        async with run.answering():
            await run.approve(SwitchPlan(target=target, mentorados=(ana.id,)))
            if target is WEB:
                await run.scan_target(ana)
            item = await run.settled(ana, S.SWITCHED, S.FAILED)
        assert item.state is S.SWITCHED, item.reason
        assert run.provider_of(ana) is target
        assert run.state_of(item.to_link) is LinkState.CONNECTED
        assert run.state_of(item.from_link) is LinkState.CONNECTED
        await run.core.switches.roll_back(ana.id)
        await run.settled(ana, S.ROLLED_BACK)
        assert run.provider_of(ana) is source
        assert run.mentorado(ana).link.id == ana.link
        assert run.state_of(item.to_link) is LinkState.OFF
        texts = await run.texts(ana)
        assert len({conversation for conversation, _ in texts}) == 1
        assert [text for _, text in texts].count("ok") == 1, "both providers heard the answer, and it is one message"
