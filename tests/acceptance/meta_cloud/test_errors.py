"""Every row of Meta's error table, over real HTTP, with each status it was ever published with."""

from __future__ import annotations

import pytest

from app.core.action import ActionName
from app.domain.connection import LinkState
from app.domain.guidance import recommend
from app.domain.sending import TRIED_AGAIN, Accepted, NotSent, SendTrouble
from tests.acceptance.meta_cloud.office import Day, Office, Person, run
from tests.acceptance.meta_cloud.rows import FINE, SLOWED, TABLE, UNKNOWN, Row, Shown

WELL_LATER = 3700  # seconds: longer than any limit


def shown(day: Day, person: Person) -> Shown:
    status = day.status(person)
    return Shown(status.state, status.reason, status.capability, recommend(status.state, status.reason))


async def well_again(day: Day, person: Person) -> None:
    """Whatever it was is over, and a person has connected the link again where it needed one."""
    day.cloud.be_good()
    if day.status(person).state is LinkState.BLOCKED:
        await day.do(ActionName.CONNECT, person)
        await day.until(person, LinkState.CONNECTED)
    if shown(day, person) == SLOWED:
        await day.office.clock.advance(WELL_LATER)
    if shown(day, person) != FINE:
        await day.later(person, WELL_LATER)
    await day.rested(person)
    assert shown(day, person) == FINE, day.status(person).detail


@pytest.mark.parametrize("status", [400, 429, 500])
def test_every_code_in_answer_to_a_message_leads_to_its_state_reason_capability_and_action(
    office: Office, status: int
) -> None:
    """ "Every row of the error table maps to the right state, reason, capability and action, through real HTTP against
    the emulator, in both the 400 and 429 variants"; by the code, whatever the status."""

    async def main() -> None:
        found, expected = {}, {}
        async with office.at_work() as day:
            ana = await day.connected()
            await day.rested(ana)
            for number, (code, row) in enumerate(TABLE.items()):
                office.cloud.decline("messages", code, status=status, details="as scripted")
                before = len(day.cloud.asked("messages"))
                result = await day.send(ana, to=f"5521987{number:06}")
                assert isinstance(result, NotSent), code
                assert len(day.cloud.asked("messages")) == before + 1, code
                if row.link != FINE:
                    await day.until_told(ana, lambda _, wanted=row.link: shown(day, ana) == wanted)  # type: ignore[misc]
                found[code] = Row(result.trouble, shown(day, ana), result.after is not None)
                expected[code] = row
                assert (result.code, result.detail) == (str(code), "as scripted")
                assert not found[code].again or result.trouble in TRIED_AGAIN
                await well_again(day, ana)
        assert found == expected
        assert day.cloud.world.number.sent == []

    run(main(), within=60)


@pytest.mark.parametrize(
    ("endpoint", "status"), [("debug_token", 400), ("number", 400), ("number", 429), ("more", 400), ("health", 429)]
)
def test_every_code_in_answer_to_a_question_blocks_with_its_reason_or_leaves_the_state_unknown(
    office: Office, endpoint: str, status: int
) -> None:
    """Never a false green: what only passes, or says nothing of the number, leaves `unknown`."""

    async def main() -> None:
        found, expected = {}, {}
        async with office.at_work() as day:
            ana = await day.connected()
            for code, row in TABLE.items():
                if endpoint == "more" and code == 100:
                    continue  # a field that is not known: asked for one by one
                stops = row.link.state is LinkState.BLOCKED
                office.cloud.decline(endpoint, code, status=status)
                await day.checked(ana, lambda s: s.state is not LinkState.CONNECTED)
                found[code] = shown(day, ana)
                expected[code] = row.link if stops else UNKNOWN
                await well_again(day, ana)
        assert found == expected

    run(main(), within=60)


def test_an_unknown_code_is_tried_again_only_when_meta_calls_it_passing(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            office.cloud.decline("messages", 999999, is_transient=True)
            office.cloud.decline("messages", 999999, is_transient="true")
            first, second = await day.send(ana), await day.send(ana, to="5521987650002")
            assert isinstance(first, NotSent)
            assert isinstance(second, NotSent)
            assert (first.trouble, first.after is None) == (SendTrouble.TRANSIENT, False)
            assert (second.trouble, second.after is None) == (SendTrouble.UNKNOWN, True)

    run(main())


def test_an_object_that_is_not_there_for_this_token_is_a_matter_of_permissions(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.enrol(phone_number_id="777")
            await day.do(ActionName.CONNECT, ana)
            await day.until(ana, LinkState.BLOCKED)
            assert shown(day, ana) == TABLE[803].link

    run(main())


@pytest.mark.parametrize("code", [190, 131042, 131048, 368, 131031, 131064])
def test_a_number_that_was_stopped_sends_nothing_more_until_a_person_connects_it(office: Office, code: int) -> None:
    """ "131048, 368, 131031, bans and time-locks stop the number.\""""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            office.cloud.decline("messages", code)
            refused = await day.send(ana)
            await day.until(ana, LinkState.BLOCKED)
            asked = len(day.cloud.asked("messages"))
            for _ in range(3):
                assert await day.send(ana, to="5521987650002") == NotSent(
                    trouble=getattr(refused, "trouble", SendTrouble.UNKNOWN),
                    code=str(code),
                    detail=getattr(refused, "detail", ""),
                )
            await office.clock.advance(72 * 3600)
            assert day.status(ana).state is LinkState.BLOCKED
            assert len(day.cloud.asked("messages")) == asked

            await day.do(ActionName.CONNECT, ana)
            await day.until(ana, LinkState.CONNECTED)
            assert isinstance(await day.send(ana), Accepted)

    run(main())


def test_a_number_that_was_stopped_stays_so_when_the_program_starts_again(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            office.cloud.decline("messages", 131048)
            await day.send(ana)
            await day.until(ana, LinkState.BLOCKED)
        asked = len(office.cloud.requests)
        async with office.at_work(starting=True) as day:
            assert shown(day, ana) == TABLE[131048].link
        assert len(office.cloud.requests) == asked

    run(main())


@pytest.mark.parametrize("code", [131048, 368, 131031])
def test_a_failure_that_comes_later_stops_the_number_too(office: Office, code: int) -> None:
    """Errors come at once, or later as a status `failed`."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            sent = await day.send(ana)
            assert isinstance(sent, Accepted)
            failed = day.failure(sent.provider_id, code)
            assert day.provider.deliver(ana.link, failed, False, lambda: None)
            await day.until(ana, LinkState.BLOCKED)
            assert shown(day, ana) == TABLE[code].link
            assert isinstance(await day.send(ana), NotSent)

    run(main())


def test_an_old_failure_that_is_told_again_does_not_stop_a_number_that_was_connected_since(office: Office) -> None:
    """Webhooks are repeated for days."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            await day.rested(ana)
            rounds = len(office.cloud.asked("health"))
            assert day.provider.deliver(ana.link, day.failure("w", 131048, seconds_ago=3600), False, lambda: None)
            await office.clock.advance(10)
            await day.soon(lambda: len(office.cloud.asked("health")) > rounds)  # asked about, and well
            await day.rested(ana)
            assert shown(day, ana) == FINE

    run(main())
