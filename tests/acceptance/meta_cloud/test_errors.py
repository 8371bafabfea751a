"""Every row of Meta's error table, over real HTTP, with each status it was ever published with."""

from __future__ import annotations

import pytest

from app.domain.actions import ActionName
from app.domain.guidance import recommend
from app.domain.link_status import LinkState
from app.domain.sending import TRIED_AGAIN, Accepted, NotSent, SendErrorKind
from tests.acceptance.meta_cloud.harness import Harness, ProgramRun
from tests.acceptance.meta_cloud.rows import FINE, SLOWED, TABLE, UNKNOWN, Row, Shown
from tests.acceptance.program import Person

pytestmark = pytest.mark.slow

WELL_LATER = 3700  # seconds: longer than any limit


def shown(run: ProgramRun, person: Person) -> Shown:
    status = run.status(person)
    return Shown(status.state, status.reason, status.capability, recommend(status.state, status.reason))


async def well_again(run: ProgramRun, person: Person) -> None:
    """Whatever it was is over, and a person has connected the link again where it needed one."""
    run.cloud.be_good()
    if run.status(person).state is LinkState.BLOCKED:
        await run.do(ActionName.CONNECT, person)
        await run.until(person, LinkState.CONNECTED)
    if shown(run, person) == SLOWED:
        await run.slept(person, WELL_LATER)
    if shown(run, person) != FINE:
        await run.slept(person, WELL_LATER)
    assert shown(run, person) == FINE, run.status(person).detail


@pytest.mark.within(60)
@pytest.mark.parametrize("status", [400, 429, 500])
async def test_every_code_in_answer_to_a_message_leads_to_its_state_reason_capability_and_action(
    harness: Harness, status: int
) -> None:
    """ "Every row of the error table maps to the right state, reason, capability and action, through real HTTP against
    the emulator, in both the 400 and 429 variants"; by the code, whatever the status."""
    found, expected = {}, {}
    async with harness.running() as run:
        ana = await run.connected()
        await run.rested(ana)
        for number, (code, row) in enumerate(TABLE.items()):
            harness.cloud.decline("messages", code, status=status, details="as scripted")
            before = len(run.cloud.asked("messages"))
            result = await run.send(ana, to=f"5521987{number:06}")
            assert isinstance(result, NotSent), code
            assert len(run.cloud.asked("messages")) == before + 1, code
            if row.link != FINE:
                await run.until_status(ana, lambda _, wanted=row.link: shown(run, ana) == wanted)  # type: ignore[misc]
            found[code] = Row(result.trouble, shown(run, ana), result.after is not None)
            expected[code] = row
            assert (result.code, result.detail) == (str(code), "as scripted")
            assert not found[code].again or result.trouble in TRIED_AGAIN
            await well_again(run, ana)
    assert found == expected
    assert run.cloud.world.number.sent == []


@pytest.mark.within(60)
@pytest.mark.parametrize(
    ("endpoint", "status"), [("debug_token", 400), ("number", 400), ("number", 429), ("more", 400), ("health", 429)]
)
async def test_every_code_in_answer_to_a_question_blocks_with_its_reason_or_leaves_the_state_unknown(
    harness: Harness, endpoint: str, status: int
) -> None:
    """Never a false green: what only passes, or says nothing of the number, leaves `unknown`."""
    found, expected = {}, {}
    async with harness.running() as run:
        ana = await run.connected()
        for code, row in TABLE.items():
            if endpoint == "more" and code == 100:
                continue  # a field that is not known: asked for one by one
            stops = row.link.state is LinkState.BLOCKED
            harness.cloud.decline(endpoint, code, status=status)
            await run.checked(ana, lambda s: s.state is not LinkState.CONNECTED)
            found[code] = shown(run, ana)
            expected[code] = row.link if stops else UNKNOWN
            await well_again(run, ana)
    assert found == expected


async def test_an_unknown_code_is_tried_again_only_when_meta_calls_it_passing(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.decline("messages", 999999, is_transient=True)
        harness.cloud.decline("messages", 999999, is_transient="true")
        first, second = await run.send(ana), await run.send(ana, to="5521987650002")
        assert isinstance(first, NotSent)
        assert isinstance(second, NotSent)
        assert (first.trouble, first.after is None) == (SendErrorKind.TRANSIENT, False)
        assert (second.trouble, second.after is None) == (SendErrorKind.UNKNOWN, True)


async def test_an_object_that_is_not_there_for_this_token_is_a_matter_of_permissions(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.add_mentorado(phone_number_id="777")
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.BLOCKED)
        assert shown(run, ana) == TABLE[803].link


@pytest.mark.parametrize("code", [190, 131042, 131048, 368, 131031, 131064])
async def test_a_number_that_was_stopped_sends_nothing_more_until_a_person_connects_it(
    harness: Harness, code: int
) -> None:
    """ "131048, 368, 131031, bans and time-locks stop the number.\""""
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.decline("messages", code)
        refused = await run.send(ana)
        await run.until(ana, LinkState.BLOCKED)
        asked = len(run.cloud.asked("messages"))
        for _ in range(3):
            assert await run.send(ana, to="5521987650002") == NotSent(
                trouble=getattr(refused, "trouble", SendErrorKind.UNKNOWN),
                code=str(code),
                detail=getattr(refused, "detail", ""),
            )
        await harness.clock.advance(72 * 3600)
        assert run.status(ana).state is LinkState.BLOCKED
        assert len(run.cloud.asked("messages")) == asked

        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)
        assert isinstance(await run.send(ana), Accepted)


async def test_a_number_that_was_stopped_stays_so_when_the_program_starts_again(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        harness.cloud.decline("messages", 131048)
        await run.send(ana)
        await run.until(ana, LinkState.BLOCKED)
    asked = len(harness.cloud.requests)
    async with harness.running(starting=True) as run:
        assert shown(run, ana) == TABLE[131048].link
    assert len(harness.cloud.requests) == asked


@pytest.mark.parametrize("code", [131048, 368, 131031])
async def test_a_failure_that_comes_later_stops_the_number_too(harness: Harness, code: int) -> None:
    """Errors come at once, or later as a status `failed`."""
    async with harness.running() as run:
        ana = await run.connected()
        sent = await run.send(ana)
        assert isinstance(sent, Accepted)
        failed = run.failure(sent.provider_id, code)
        assert run.provider.handle(ana.link, failed, False, lambda: None)
        await run.until(ana, LinkState.BLOCKED)
        assert shown(run, ana) == TABLE[code].link
        assert isinstance(await run.send(ana), NotSent)


async def test_an_old_failure_that_is_told_again_does_not_stop_a_number_that_was_connected_since(
    harness: Harness,
) -> None:
    """Webhooks are repeated for days."""
    async with harness.running() as run:
        ana = await run.connected()
        await run.rested(ana)
        rounds = len(harness.cloud.asked("health"))
        assert run.provider.handle(ana.link, run.failure("w", 131048, seconds_ago=3600), False, lambda: None)
        await harness.clock.advance(10)
        await run.soon(lambda: len(harness.cloud.asked("health")) > rounds)  # asked about, and well
        await run.rested(ana)
        assert shown(run, ana) == FINE
