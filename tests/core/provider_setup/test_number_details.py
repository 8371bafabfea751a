"""What a provider tells of a number is asked on demand, and kept with its age."""

from __future__ import annotations

import pytest

from app.core.provider_setup.selection import NumberDetailsService
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import ProviderKind
from tests.clock import DAWN, ManualClock
from tests.fake_providers import FakeMeta
from tests.services import Core


async def test_what_was_told_last_stays_until_the_provider_is_asked_again(manual_clock: ManualClock) -> None:
    meta = FakeMeta()
    core = Core(manual_clock, hosted={ProviderKind.META_CLOUD: meta})
    service = NumberDetailsService(mentorados=core.mentorados, providers=core.providers, clock=core.clock)
    ana = await core.mentorados.add("Ana", "11 98765-4321", provider=ProviderKind.META_CLOUD)
    assert service.supported(ana.id)
    assert service.cached(ana.id) is None
    details = await service.fetch(ana.id)
    assert (details.details, details.at) == (meta.answer, DAWN)
    meta.problem = Problem(ProblemCode.PROVIDER_SILENT)
    with pytest.raises(Problem):
        await service.fetch(ana.id)
    assert service.cached(ana.id) == details
    bia = await core.add("Bia", "21 98765-4321")
    assert not service.supported(bia.id)
    with pytest.raises(Problem) as caught:
        await service.fetch(bia.id)
    assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
