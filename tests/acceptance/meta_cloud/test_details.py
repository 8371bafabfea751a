"""What is told of a number besides its state."""

from __future__ import annotations

import pytest

from app.domain.errors import Code, Problem
from tests.acceptance.meta_cloud.office import Office, run
from tests.emulators.meta_cloud.world import WABA_ID, template


def test_quality_tier_throughput_and_templates_are_told(office: Office) -> None:
    """ "quality, tier, throughput and template list shown"."""

    async def main() -> None:
        office.cloud.world.templates[WABA_ID] = [
            template(),
            template("pausado", status="PAUSED"),
            template("com_foto", components=[{"type": "HEADER", "format": "IMAGE"}]),
        ]
        office.cloud.world.page = 1
        async with office.at_work() as day:
            ana = await day.enrol()
            told = await day.core.hosted.details.ask(ana.id)
            assert dict(told.details.facts) == {
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
            shown = [(each.name, each.language, each.status, each.usable) for each in told.details.templates]
            assert shown == [
                ("lembrete", "pt_BR", "APPROVED", True),
                ("pausado", "pt_BR", "PAUSED", False),
                ("com_foto", "pt_BR", "APPROVED", False),
            ]

    run(main())


def test_what_a_version_does_not_know_is_left_out(office: Office) -> None:
    async def main() -> None:
        known = {"id", "display_phone_number", "status", "platform_type", "quality_rating"}
        office.cloud.world.known_fields = known
        async with office.at_work() as day:
            ana = await day.enrol()
            told = await day.core.hosted.details.ask(ana.id)
            assert dict(told.details.facts) == {"status": "connected", "platform": "cloud_api", "quality": "green"}

    run(main())


def test_a_list_without_end_is_read_to_an_end(office: Office) -> None:
    async def main() -> None:
        page = b'{"data":[{"name":"x","language":"pt_BR"}],"paging":{"cursors":{"after":"1"},"next":"https://x"}}'
        office.cloud.answer("message_templates", page, times=1000)
        async with office.at_work() as day:
            ana = await day.enrol()
            await day.core.hosted.details.ask(ana.id)
            assert len(office.cloud.asked("message_templates")) == 2  # the cursor came again

    run(main())


def test_a_refused_token_is_a_problem(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.enrol(token="EAAother")
            with pytest.raises(Problem) as caught:
                await day.core.hosted.details.ask(ana.id)
            assert caught.value.code is Code.PROVIDER_SILENT

    run(main())
