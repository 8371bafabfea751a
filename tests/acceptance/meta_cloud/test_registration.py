"""Registering a number with its PIN: ten tries in 72 hours, and never one by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from tests.acceptance.meta_cloud.harness import Harness, ProgramRun
from tests.acceptance.program import Person
from tests.emulators.meta_cloud.state import NUMBER_ID

PIN = "123456"
HOURS_72 = timedelta(hours=72)


async def refused(run: ProgramRun, person: Person, pin: str = PIN) -> Problem:
    with pytest.raises(Problem) as caught:
        await run.core.hosted.registration.register(person.id, pin)
    return caught.value


async def not_registered(run: ProgramRun) -> Person:
    run.cloud.world.number.fields |= {"status": "DISCONNECTED", "platform_type": "NOT_APPLICABLE"}
    ana = await run.add_mentorado()
    await run.do(ActionName.CONNECT, ana)
    await run.until(ana, LinkState.BLOCKED, Reason.NOT_REGISTERED)
    return ana


async def test_a_registered_number_connects_and_the_try_is_audited_without_the_pin(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await not_registered(run)
        assert (await run.core.hosted.registration.allowance(ana.id)).left == 10
        await run.core.hosted.registration.register(ana.id, PIN)
        await run.until(ana, LinkState.CONNECTED)
        (request,) = harness.cloud.asked("register")
        assert request.path == f"/v25.0/{NUMBER_ID}/register"
        assert request.body == {"messaging_product": "whatsapp", "pin": PIN}
        allowance = await run.core.hosted.registration.allowance(ana.id)
        assert (allowance.left, allowance.until) == (9, harness.clock.now() + HOURS_72)
        await run.core.supervisor._write_queue.flush()
        entry = next(e.record for e in await run.core.audit.entries() if e.record.action == "register")
        assert (entry.outcome, dict(entry.after)) == ("done", {"tries_left": "9"})
        assert PIN not in repr(entry)


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "１２３４５６", "123456\n"])
async def test_what_is_no_pin_costs_no_try(harness: Harness, pin: str) -> None:
    async with harness.running() as run:
        ana = await not_registered(run)
        assert (await refused(run, ana, pin)).code is ProblemCode.PIN_INVALID
        assert (await run.core.hosted.registration.allowance(ana.id)).left == 10
        assert harness.cloud.asked("register") == []


async def test_the_eleventh_try_in_72_hours_is_refused_here_also_after_a_new_start(harness: Harness) -> None:
    """ "10 tries per 72 h are counted"."""
    harness.cloud.world.number.pin = "000000"
    async with harness.running() as run:
        ana = await not_registered(run)
        began = harness.clock.now()
        for _ in range(9):
            problem = await refused(run, ana)
            assert problem.code is ProblemCode.PROVIDER_REFUSED
            assert "133005" in problem.context["detail"]
        await harness.clock.advance(3600)
        await refused(run, ana)
        assert len(harness.cloud.asked("register")) == 10
    async with harness.running() as run:
        problem = await refused(run, ana)
        until = (began + HOURS_72).astimezone()
        expected = {"count": "10", "until": f"{until:%Y-%m-%d %H:%M}"}
        assert (problem.code, problem.context) == (ProblemCode.REGISTER_LIMIT, expected)
        assert len(harness.cloud.asked("register")) == 10
        await harness.clock.advance(71 * 3600)
        assert (await run.core.hosted.registration.allowance(ana.id)).left == 9


async def test_when_meta_counted_more_tries_than_we_did_nothing_is_asked_for_72_hours(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await not_registered(run)
        harness.cloud.decline("register", 133016)
        problem = await refused(run, ana)
        until = (harness.clock.now() + HOURS_72).astimezone()
        assert problem.code is ProblemCode.REGISTER_LIMIT
        assert problem.context == {"count": "10", "until": f"{until:%Y-%m-%d %H:%M}"}
        assert (await refused(run, ana)).code is ProblemCode.REGISTER_LIMIT
        assert len(harness.cloud.asked("register")) == 1


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (190, ProblemCode.CREDENTIALS_REFUSED),
        (10, ProblemCode.CREDENTIALS_REFUSED),
        (133005, ProblemCode.PROVIDER_REFUSED),
        (133006, ProblemCode.PROVIDER_REFUSED),
        (133008, ProblemCode.PROVIDER_REFUSED),
        (133009, ProblemCode.PROVIDER_REFUSED),
        (131031, ProblemCode.PROVIDER_REFUSED),
        (133015, ProblemCode.PROVIDER_SILENT),
        (133004, ProblemCode.PROVIDER_SILENT),
        (100, ProblemCode.PROVIDER_REFUSED),
    ],
)
async def test_what_meta_says_is_told_and_never_tried_again_by_itself(
    harness: Harness, code: int, problem: ProblemCode
) -> None:
    async with harness.running() as run:
        ana = await not_registered(run)
        harness.cloud.decline("register", code, details="in Meta's words")
        new_problem = await refused(run, ana)
        assert new_problem.code is problem
        assert new_problem.context["detail"] == f"{code}: in Meta's words"
        await harness.clock.advance(24 * 3600)
        assert len(harness.cloud.asked("register")) == 1
        await run.core.supervisor._write_queue.flush()
        assert (await run.core.audit.entries())[0].record.outcome == "failed"


async def test_a_number_that_is_taken_off_is_disconnected_and_counted_too(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        await run.core.hosted.registration.deregister(ana.id)
        await run.until(ana, LinkState.OFF)
        assert not run.core.mentorados.get(ana.id).link.enabled
        assert harness.cloud.world.number.fields["platform_type"] == "NOT_APPLICABLE"
        assert (await run.core.hosted.registration.allowance(ana.id)).left == 9


async def test_a_link_of_another_provider_cannot_be_registered(harness: Harness) -> None:
    async with harness.running() as run:
        added = await run.core.mentorados.add("Bia", "+5521987650001")
        with pytest.raises(Problem) as caught:
            await run.core.hosted.registration.register(added.id, PIN)
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
