"""What the form is told of a token and two ids."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.connection import Reason
from tests.acceptance.meta_cloud.office import Office, run
from tests.emulators.meta_cloud.world import TOKEN, CloudNumber, Token


def test_right_credentials_name_the_number_and_what_it_is(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.enrol()
            report = await day.core.hosted.credentials.check(ana.id, {})
            assert (report.good, report.reason, report.account) == (True, Reason.NONE, "+5511987654321")
            assert report.facts["verified_name"] == "Mentoria da Ana"
            assert report.facts["tier"] == "tier_2k"

    run(main())


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"token": "EAAother"}, Reason.TOKEN_INVALID),
        ({"phone_number_id": "404"}, Reason.PERMISSION_MISSING),
        ({"waba_id": "404"}, Reason.PERMISSION_MISSING),
        ({"waba_id": "555"}, Reason.PERMISSION_MISSING),
    ],
)
def test_wrong_credentials_are_refused_with_a_reason(office: Office, other: Any, reason: Reason) -> None:
    """A number of another account would send the templates of somebody else."""

    async def main() -> None:
        office.cloud.world.add_number(CloudNumber(id="556", waba_id="555", digits="5511999990000"))
        async with office.at_work() as day:
            ana = await day.enrol(**other)
            report = await day.core.hosted.credentials.check(ana.id, {})
            assert (report.good, report.reason) == (False, reason)

    run(main())


def test_a_number_on_a_later_page_is_found(office: Office) -> None:
    async def main() -> None:
        world = office.cloud.world
        own = world.numbers.pop(world.number.id)
        for number in range(250):
            world.add_number(CloudNumber(id=str(9000 + number), digits=f"55119{number:08}"))
        world.add_number(own)
        async with office.at_work() as day:
            ana = await day.enrol()
            assert (await day.core.hosted.credentials.check(ana.id, {})).good is True
            assert len(office.cloud.asked("phone_numbers")) == 3

    run(main())


def test_good_credentials_of_a_number_in_trouble_are_good_and_say_so(office: Office) -> None:
    async def main() -> None:
        office.cloud.world.number.fields["platform_type"] = "NOT_APPLICABLE"
        async with office.at_work() as day:
            ana = await day.enrol()
            report = await day.core.hosted.credentials.check(ana.id, {})
            assert (report.good, report.reason, report.account) == (True, Reason.NOT_REGISTERED, "+5511987654321")

    run(main())


def test_a_new_token_opens_the_line_again(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            office.cloud.world.tokens["EAAnew000000000"] = Token()
            office.cloud.world.tokens[TOKEN].valid = False
            from app.domain.credentials import CredentialField

            await day.core.hosted.credentials.save(ana.id, {CredentialField.ACCESS_TOKEN: "EAAnew000000000"})
            await day.rested(ana)
            assert office.cloud.requests[-1].headers["authorization"] == "Bearer EAAnew000000000"

    run(main())
