"""What the token, the number and its health say together: green only when every word of it is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from app.domain.actions import ActionName
from app.domain.guidance import RECOMMENDED_ACTION
from app.domain.link_status import LinkState, Reason, SendCapability
from app.text.signs import Tone, tone_of
from app.text.status import date_time
from tests.acceptance.meta_cloud.harness import Harness
from tests.acceptance.meta_cloud.rows import (
    BILL,
    FINE,
    NAME,
    NEW_TOKEN,
    PERMISSION,
    POLICY,
    REGISTER,
    SLOWED,
    UNKNOWN,
    G,
    Shown,
)
from tests.acceptance.meta_cloud.test_errors import shown
from tests.clock import DAWN
from tests.emulators.meta_cloud.state import TOKEN, MetaState

IN_A_FORTNIGHT = int(DAWN.timestamp()) + 14 * 24 * 3600
ENDS_SOON = Shown(LinkState.CONNECTED, Reason.TOKEN_EXPIRING, SendCapability.OK, G.RENEW_TOKEN)
LOW = Shown(LinkState.CONNECTED, Reason.QUALITY_LOW, SendCapability.RESTRICTED, G.SLOW_DOWN)


def has(**fields: Any) -> Any:
    def change(world: MetaState) -> None:
        world.number.fields |= fields

    return change


def health(state: str, *errors: tuple[int, str], entity: str = "WABA") -> Any:
    def change(world: MetaState) -> None:
        world.number.set_health(state, entity, *errors)

    return change


def token(**values: Any) -> Any:
    def change(world: MetaState) -> None:
        for name, value in values.items():
            setattr(world.tokens[TOKEN], name, value)

    return change


def both(*changes: Any) -> Any:
    def change(world: MetaState) -> None:
        for each in changes:
            each(world)

    return change


ROWS: dict[str, tuple[Any, Shown]] = {
    "all is well": (has(), FINE),
    # the token
    "token revoked": (token(valid=False), NEW_TOKEN),
    "token expired": (token(expires_at=1_700_000_000), NEW_TOKEN),
    "token that lasts": (token(expires_at=1_900_000_000), FINE),
    "token that lasts long enough": (token(expires_at=IN_A_FORTNIGHT + 60), FINE),
    "token that ends within days": (token(expires_at=IN_A_FORTNIGHT), ENDS_SOON),
    "token that ends within days, in milliseconds": (token(expires_at=IN_A_FORTNIGHT * 1000), ENDS_SOON),
    "token that ends, and low quality": (both(token(expires_at=IN_A_FORTNIGHT), has(quality_rating="RED")), LOW),
    "token that never expires": (token(expires_at=0), FINE),
    "token for other things": (token(scopes=["public_profile"]), PERMISSION),
    # the number's status
    "banned": (has(status="BANNED"), POLICY),
    "restricted": (has(status="RESTRICTED"), POLICY),
    "banned, and taken off": (has(status="BANNED", platform_type="NOT_APPLICABLE"), POLICY),
    "pending": (has(status="PENDING"), REGISTER),
    "unverified": (has(status="UNVERIFIED"), REGISTER),
    "disconnected": (has(status="DISCONNECTED"), REGISTER),
    "deleted": (has(status="DELETED"), REGISTER),
    "migrated": (has(status="MIGRATED"), REGISTER),
    "not registered": (has(platform_type="NOT_APPLICABLE"), REGISTER),
    "on premise": (has(platform_type="ON_PREMISE"), REGISTER),
    "flagged": (has(status="FLAGGED"), LOW),
    "rate limited": (has(status="RATE_LIMITED"), SLOWED),
    "rate limited and red": (has(status="RATE_LIMITED", quality_rating="RED"), SLOWED),
    # quality
    "yellow": (has(quality_rating="YELLOW"), LOW),
    "red": (has(quality_rating="RED"), LOW),
    "not rated": (has(quality_rating="UNKNOWN"), FINE),
    "no rating": (has(quality_rating="NA"), FINE),
    # health
    "limited": (health("LIMITED"), SLOWED),
    "limited and yellow": (both(health("LIMITED"), has(quality_rating="YELLOW")), LOW),
    "blocked": (health("BLOCKED"), POLICY),
    "blocked for a reason nobody knows": (health("BLOCKED", (141999, "?")), POLICY),
    "blocked by a bill": (health("BLOCKED", (131042, "Payment issue")), BILL),
    "blocked by a bill, as health calls it": (health("BLOCKED", (141006, "Payment issue")), BILL),
    "blocked by policy": (health("BLOCKED", (368, "Violation")), POLICY),
    "blocked for its name": (health("BLOCKED", (131037, "Name"), entity="PHONE_NUMBER"), NAME),
    "blocked, and its name declined": (both(health("BLOCKED"), has(name_status="DECLINED")), NAME),
    "blocked, and not registered": (health("BLOCKED", (133010, "Register"), entity="PHONE_NUMBER"), REGISTER),
    "name declined, and yet available": (has(name_status="DECLINED"), FINE),
    # words that nobody knows
    "status of MO's schema": (has(status="LINKED"), UNKNOWN),
    "status of a later day": (has(status="HIBERNATING"), UNKNOWN),
    "status unknown": (has(status="UNKNOWN"), UNKNOWN),
    "status of a wrong type": (has(status=["CONNECTED"]), UNKNOWN),
    "no status": (has(status=None), UNKNOWN),
    "platform of a later day": (has(platform_type="MOON_BASE"), UNKNOWN),
    "quality of a later day": (has(quality_rating="PURPLE"), UNKNOWN),
    "quality of a wrong type": (has(quality_rating=True), UNKNOWN),
    "name status of a later day": (has(name_status="DISPUTED"), UNKNOWN),
    "no number shown": (has(display_phone_number=None), UNKNOWN),
    "a number as a number": (has(display_phone_number=5511987654321), UNKNOWN),
    "words for a number": (has(display_phone_number="your number"), UNKNOWN),
    "health of a later day": (health("SNEEZING"), UNKNOWN),
}


@pytest.mark.parametrize("name", ROWS)
async def test_every_row_of_the_verdict(harness: Harness, name: str) -> None:
    """ "verdict mapping of §2B.3"; "unknown enum values" leave `unknown`, and never green."""
    change, expected = ROWS[name]
    change(harness.cloud.world)
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        await run.until_status(ana, lambda s: s.state is not LinkState.CONNECTING)
        assert shown(run, ana) == expected
        assert run.sentence(ana)


NO_TOKEN_VERDICT = [
    b"{}",
    b'{"data":{}}',
    b'{"data":[]}',
    b'{"data":{"is_valid":"true"}}',
    b'{"data":{"is_valid":1}}',
    b'{"data":{"is_valid":null}}',
    b'{"data":{"valid":true}}',
]


@pytest.mark.parametrize("body", NO_TOKEN_VERDICT, ids=lambda body: body.decode())
async def test_a_token_is_good_only_where_meta_says_so_plainly(harness: Harness, body: bytes) -> None:
    """ "being wrong about it shows as `unknown`, never as a false green"."""
    harness.cloud.answer("debug_token", body, times=100)
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.UNKNOWN)
        assert shown(run, ana) == UNKNOWN


NO_HEALTH = [
    b'{"id":"106540352242922"}',
    b'{"health_status":null}',
    b'{"health_status":"AVAILABLE"}',
    b'{"health_status":{"entities":[]}}',
    b'{"health_status":{"can_send_message":true}}',
    b'{"health_status":{"can_send_message":"AVAILABLE","entities":{}}}',
    b'{"health_status":{"can_send_message":"AVAILABLE","entities":["WABA"]}}',
    b'{"health_status":{"can_send_message":"AVAILABLE","entities":[{"entity_type":"WABA"}]}}',
    b'{"health_status":{"can_send_message":"AVAILABLE","entities":[{"can_send_message":"SOON"}]}}',
]


@pytest.mark.parametrize("body", NO_HEALTH, ids=lambda body: body.decode())
async def test_a_health_that_is_not_understood_is_no_health(harness: Harness, body: bytes) -> None:
    harness.cloud.answer("health", body, times=100)
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.UNKNOWN)
        assert shown(run, ana) == UNKNOWN


async def test_the_worst_of_all_entities_counts(harness: Harness) -> None:
    """ "Overall = worst entity", even if the overall word says otherwise."""
    world = harness.cloud.world
    world.number.set_health("BLOCKED", "BUSINESS", (368, "Violation"))
    world.number.health["can_send_message"] = "AVAILABLE"
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        status = await run.until(ana, LinkState.BLOCKED)
        assert shown(run, ana) == POLICY
        assert "368: Violation" in status.detail


async def test_a_number_that_falls_ill_is_shown_so_at_the_next_question_and_well_after_it(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        for change, expected in ((has(quality_rating="RED"), LOW), (has(quality_rating="GREEN"), FINE)):
            change(harness.cloud.world)
            await run.later(ana, 600)
            assert shown(run, ana) == expected
        harness.cloud.world.tokens[TOKEN].valid = False
        await run.rested(ana)
        await harness.clock.advance(600)
        await run.until(ana, LinkState.BLOCKED)
        assert shown(run, ana) == NEW_TOKEN


async def test_a_token_that_ends_is_told_with_its_date_and_what_to_do(harness: Harness) -> None:
    """ "a token that ends within days is not green without a word" """
    async with harness.running() as run:
        ends = DAWN + timedelta(days=3)
        harness.cloud.world.tokens[TOKEN].expires_at = int(ends.timestamp())
        ana = await run.connected()
        status = run.status(ana)
        assert status.until == ends
        assert tone_of(status) is Tone.WAITING
        assert date_time(ends.astimezone(), DAWN.astimezone().date()) in run.sentence(ana)
        assert RECOMMENDED_ACTION[run.recommended(ana)] is ActionName.ENTER_CREDENTIALS
        assert run.core.actions.unavailable_reason(ActionName.ENTER_CREDENTIALS, ana.id) is None


@pytest.mark.parametrize(
    ("endpoint", "as_date"),
    [("debug_token", False), ("number", False), ("more", False), ("health", False), ("health", True)],
)
async def test_no_question_is_asked_before_the_pause_that_meta_asked_for_is_over(
    harness: Harness, endpoint: str, as_date: bool
) -> None:
    """ "no question before 300 s" """
    async with harness.running() as run:
        ana = await run.connected()
        await run.rested(ana)
        # The date counts from the answer's own, which the server that is played takes from its clock,
        # in whole seconds and under load a second or two late.
        until = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
        harness.cloud.answer(endpoint, b"<html>slow down</html>", 429, retry_after=until if as_date else "300")
        await run.checked(ana, lambda status: status.state is LinkState.UNKNOWN)
        await run.rested(ana)
        before = len(harness.cloud.requests)
        for seconds in (30, 60, 200):
            run.check(ana)  # whoever wants it
            await run.later(ana, seconds)
        assert len(harness.cloud.requests) == before
        await run.later(ana, 20)
        assert len(harness.cloud.requests) > before
        assert shown(run, ana) == FINE
