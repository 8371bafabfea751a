"""Connecting a number with a token, and what is shown of it from then on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import Recommendation
from app.domain.link_status import LinkState, Reason, SendCapability
from tests.acceptance.meta_cloud.harness import Harness
from tests.emulators.meta_cloud.state import NUMBER_ID, TOKEN

NONE = Reason.NONE


async def test_a_token_connects_a_number_and_meta_is_asked_again_every_ten_minutes(harness: Harness) -> None:
    """ "token and number ids checked with `debug_token`, the number's fields and `health_status`", "polling within the
    published quotas"."""
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        status = await run.until(ana, LinkState.CONNECTED)
        assert run.steps(ana) == [(LinkState.CONNECTING, NONE), (LinkState.CONNECTED, NONE)]
        assert (status.account, status.capability) == ("+5511987654321", SendCapability.OK)
        assert run.recommended(ana) is Recommendation.NOTHING
        assert run.core.mentorados.get(ana.id).link.account == "+5511987654321"
        for _ in range(6):
            await run.later(ana, 600)
        assert len(harness.cloud.asked("health")) == 7
        managed = [r for r in harness.cloud.requests if r.endpoint != "debug_token"]
        assert len(managed) <= 7 * 3  # in an hour, of 200


async def test_the_token_travels_in_a_header_and_in_one_address_only(harness: Harness) -> None:
    async with harness.running() as run:
        await run.connected()
    for request in harness.cloud.requests:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.path.startswith("/v25.0/")
        if request.endpoint != "debug_token":
            assert TOKEN not in str(request.query)


async def test_silence_is_unknown_with_an_age_and_checking_now_asks_at_once(harness: Harness) -> None:
    """ "leaves `unknown` with an age and no exception in the log"."""
    async with harness.running() as run:
        ana = await run.connected()
        seen = harness.clock.now()
        harness.cloud.decline("number", 2, times=1)
        await run.later(ana, 600)
        status = await run.until(ana, LinkState.UNKNOWN, Reason.UNREACHABLE)
        assert status.evidence.last_observation == seen
        assert status.capability is SendCapability.UNKNOWN
        assert run.recommended(ana) is Recommendation.CHECK_NOW
        await run.do(ActionName.TRY_NOW, ana)
        await harness.clock.advance(10)  # as often as the quota allows, and no more
        status = await run.until(ana, LinkState.CONNECTED)
        assert status.evidence.last_observation == seen + timedelta(seconds=610)


async def test_silence_is_asked_about_sooner_than_at_the_next_regular_time(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.decline("health", 1, times=2)
        await run.checked(ana, lambda s: s.state is LinkState.UNKNOWN)
        await run.later(ana, 30)
        assert run.status(ana).state is LinkState.UNKNOWN
        await run.later(ana, 60)
        assert run.status(ana).state is LinkState.CONNECTED


async def test_a_number_that_is_not_the_mentorados_is_never_connected(harness: Harness) -> None:
    """The account is the displayed number, which feeds the wrong-number guard."""
    harness.cloud.world.number.fields["display_phone_number"] = "+55 21 99999-0000"
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        status = await run.until(ana, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
        assert status.account == "+5521999990000"
        assert LinkState.CONNECTED not in [state for state, _ in run.steps(ana)]
        assert run.recommended(ana) is Recommendation.DECIDE_ACCOUNT

        await run.do(ActionName.ACCEPT_ACCOUNT, ana)
        await run.until(ana, LinkState.CONNECTED)


async def test_brazils_ninth_digit_makes_no_other_number(harness: Harness) -> None:
    harness.cloud.world.number.fields["display_phone_number"] = "+55 11 8765-4321"
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)


@pytest.mark.parametrize("kept", [None, "", "{", '{"access_token": "EAAx"}', '{"access_token": 1}'])
async def test_without_whole_credentials_the_link_says_so(harness: Harness, kept: str | None) -> None:
    async with harness.running() as run:
        ana = await run.add_mentorado()
        link = run.core.mentorados.get(ana.id).link
        assert await run.provider.has_credentials(link)
        await run.core.secrets.delete(f"link/{ana.link}/credentials")
        if kept is not None:
            await run.core.secrets.set(f"link/{ana.link}/credentials", kept)
        assert not await run.provider.has_credentials(link)
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.BLOCKED, Reason.CREDENTIALS_MISSING)
        assert run.recommended(ana) is Recommendation.FIX_CREDENTIAL
        assert harness.cloud.requests == []


async def test_optional_fields_that_a_version_does_not_know_blind_nothing(harness: Harness) -> None:
    """Being wrong about an optional field must not blind the check."""
    known = {"id", "display_phone_number", "status", "platform_type", "health_status", "quality_rating"}
    harness.cloud.world.known_fields = known
    harness.cloud.world.number.fields["quality_rating"] = "RED"
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED, Reason.QUALITY_LOW)
        asked = len(harness.cloud.asked("more"))
        await run.checked(ana)
        assert len(harness.cloud.asked("more")) == asked + 1  # what was not known is not asked for again
        assert harness.cloud.asked("more")[-1].query["fields"] == "quality_rating"
        assert harness.cloud.asked("number")[0].path == f"/v25.0/{NUMBER_ID}"


async def test_credentials_that_cannot_be_read_now_are_not_missing(harness: Harness) -> None:
    """A locked keyring is another matter than an empty form."""
    async with harness.running() as run:
        ana = await run.add_mentorado()
        locked = Problem(ProblemCode.SECRETS_LOCKED)

        class Locked:
            async def get(self, _name: str) -> str | None:
                raise locked

        run.provider._secrets = Locked()  # type: ignore[assignment]
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.BLOCKED, Reason.SECRETS_LOCKED)
        with pytest.raises(Problem):
            await run.provider.has_credentials(run.core.mentorados.get(ana.id).link)


async def test_a_limit_of_meta_on_our_own_questions_is_respected(harness: Harness) -> None:
    """Asked too often, it is left alone for half an hour."""
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.decline("health", 80007)
        await run.checked(ana, lambda s: s.state is LinkState.UNKNOWN)
        await run.rested(ana)
        asked = len(harness.cloud.requests)
        await harness.clock.advance(1790)
        assert len(harness.cloud.requests) == asked
        await run.later(ana, 10)
        assert run.status(ana).state is LinkState.CONNECTED


async def test_a_clock_that_is_set_back_does_not_put_questions_off(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        await run.rested(ana)
        asked = len(harness.cloud.asked("health"))
        harness.clock.time -= timedelta(hours=3)
        line = run.provider._connections[ana.link][0]
        line._wake()
        await run.later(ana, 600)
        assert len(harness.cloud.asked("health")) == asked + 1
