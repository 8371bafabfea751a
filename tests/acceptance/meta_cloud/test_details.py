"""What is told of a number besides its state."""

from __future__ import annotations

import pytest

from app.domain.errors import Problem, ProblemCode
from tests.acceptance.meta_cloud.harness import Harness
from tests.emulators.meta_cloud.state import WABA_ID, template


async def test_quality_tier_throughput_and_templates_are_told(harness: Harness) -> None:
    """ "quality, tier, throughput and template list shown"."""
    harness.cloud.world.templates[WABA_ID] = [
        template(),
        template("pausado", status="PAUSED"),
        template("com_foto", components=[{"type": "HEADER", "format": "IMAGE"}]),
    ]
    harness.cloud.world.page = 1
    async with harness.running() as run:
        ana = await run.add_mentorado()
        details = await run.core.hosted.details.fetch(ana.id)
        assert dict(details.details.facts) == {
            "status": "connected",
            "platform": "cloud_api",
            "verified_name": "Mentoria da Ana",
            "quality": "green",
            "name_status": "approved",
            "ownership": "verified",
            "mode": "live",
            "throughput": "standard",
            "pin": "yes",
            "on_business_app": "no",
            "official": "no",
            "tier": "tier_2k",
        }
        shown = [(each.name, each.language, each.status, each.usable) for each in details.details.templates]
        assert shown == [
            ("lembrete", "pt_BR", "APPROVED", True),
            ("pausado", "pt_BR", "PAUSED", False),
            ("com_foto", "pt_BR", "APPROVED", False),
        ]


async def test_what_a_version_does_not_know_is_left_out(harness: Harness) -> None:
    known = {"id", "display_phone_number", "status", "platform_type", "quality_rating"}
    harness.cloud.world.known_fields = known
    async with harness.running() as run:
        ana = await run.add_mentorado()
        details = await run.core.hosted.details.fetch(ana.id)
        assert dict(details.details.facts) == {"status": "connected", "platform": "cloud_api", "quality": "green"}


async def test_a_list_without_end_is_read_to_an_end(harness: Harness) -> None:
    page = b'{"data":[{"name":"x","language":"pt_BR"}],"paging":{"cursors":{"after":"1"},"next":"https://x"}}'
    harness.cloud.answer("message_templates", page, times=1000)
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.core.hosted.details.fetch(ana.id)
        assert len(harness.cloud.asked("message_templates")) == 2  # the cursor came again


async def test_a_refused_token_is_a_problem(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.add_mentorado(token="EAAother")
        with pytest.raises(Problem) as caught:
            await run.core.hosted.details.fetch(ana.id)
        assert caught.value.code is ProblemCode.PROVIDER_SILENT
