"""What a provider tells of a number is asked on demand, and kept with its age."""

from __future__ import annotations

import pytest

from app.core.hosted.number_details import DetailsDesk
from app.domain.errors import Code, Problem
from app.domain.mentorado import ProviderKind
from tests.clock import DAWN, ManualClock
from tests.core.conftest import Core, Run
from tests.played_hosted import PlayedMeta


def test_what_was_told_last_stays_until_the_provider_is_asked_again(manual_clock: ManualClock, run: Run) -> None:
    meta = PlayedMeta()
    core = Core(manual_clock, hosted={ProviderKind.META_CLOUD: meta})
    desk = DetailsDesk(enrolments=core.enrolments, providers=core.providers, clock=core.clock)

    async def main() -> None:
        ana = await core.enrolments.add("Ana", "11 98765-4321", provider=ProviderKind.META_CLOUD)
        assert desk.tells(ana.mentorado.id)
        assert desk.last(ana.mentorado.id) is None
        told = await desk.ask(ana.mentorado.id)
        assert (told.details, told.at) == (meta.told, DAWN)
        meta.problem = Problem(Code.PROVIDER_SILENT)
        with pytest.raises(Problem):
            await desk.ask(ana.mentorado.id)
        assert desk.last(ana.mentorado.id) == told
        bia = await core.add("Bia", "21 98765-4321")
        assert not desk.tells(bia.mentorado.id)
        with pytest.raises(Problem) as caught:
            await desk.ask(bia.mentorado.id)
        assert caught.value.code is Code.NOT_POSSIBLE_NOW

    run(main())
