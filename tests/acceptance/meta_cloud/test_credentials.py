"""What the form is told of a token and two ids."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.link_status import Reason
from tests.acceptance.meta_cloud.harness import Harness
from tests.emulators.meta_cloud.state import TOKEN, CloudNumber, Token


async def test_right_credentials_name_the_number_and_what_it_is(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.add_mentorado()
        report = await run.core.hosted.credentials.check(ana.id, {})
        assert (report.valid, report.reason, report.account) == (True, Reason.NONE, "+5511987654321")
        assert report.facts["verified_name"] == "Mentoria da Ana"
        assert report.facts["tier"] == "tier_2k"


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"token": "EAAother"}, Reason.TOKEN_INVALID),
        ({"phone_number_id": "404"}, Reason.PERMISSION_MISSING),
        ({"waba_id": "404"}, Reason.PERMISSION_MISSING),
        ({"waba_id": "555"}, Reason.PERMISSION_MISSING),
    ],
)
async def test_wrong_credentials_are_refused_with_a_reason(harness: Harness, other: Any, reason: Reason) -> None:
    """A number of another account would send the templates of somebody else."""
    harness.cloud.world.add_number(CloudNumber(id="556", waba_id="555", digits="5511999990000"))
    async with harness.running() as run:
        ana = await run.add_mentorado(**other)
        report = await run.core.hosted.credentials.check(ana.id, {})
        assert (report.valid, report.reason) == (False, reason)


async def test_a_number_on_a_later_page_is_found(harness: Harness) -> None:
    world = harness.cloud.world
    own = world.numbers.pop(world.number.id)
    for number in range(250):
        world.add_number(CloudNumber(id=str(9000 + number), digits=f"55119{number:08}"))
    world.add_number(own)
    async with harness.running() as run:
        ana = await run.add_mentorado()
        assert (await run.core.hosted.credentials.check(ana.id, {})).valid is True
        assert len(harness.cloud.asked("phone_numbers")) == 3


async def test_good_credentials_of_a_number_in_trouble_are_good_and_say_so(harness: Harness) -> None:
    harness.cloud.world.number.fields["platform_type"] = "NOT_APPLICABLE"
    async with harness.running() as run:
        ana = await run.add_mentorado()
        report = await run.core.hosted.credentials.check(ana.id, {})
        assert (report.valid, report.reason, report.account) == (True, Reason.NOT_REGISTERED, "+5511987654321")


async def test_a_new_token_opens_the_line_again(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.world.tokens["EAAnew000000000"] = Token()
        harness.cloud.world.tokens[TOKEN].valid = False
        from app.domain.provider_descriptor import CredentialField

        await run.core.hosted.credentials.save(ana.id, {CredentialField.ACCESS_TOKEN: "EAAnew000000000"})
        await run.rested(ana)
        assert harness.cloud.requests[-1].headers["authorization"] == "Bearer EAAnew000000000"
