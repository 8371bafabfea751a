"""What may come over the wire instead of an answer, to every question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState
from app.domain.sending import NumberDetails
from tests.acceptance.meta_cloud.harness import QUICK, Harness
from tests.acceptance.meta_cloud.rows import FINE, UNKNOWN
from tests.acceptance.meta_cloud.test_errors import shown
from tests.acceptance.program import run
from tests.emulators.meta_cloud.faults import Fault
from tests.emulators.meta_cloud.state import TOKEN
from tests.providers.garbage import garbage

QUESTIONS = ("debug_token", "number", "more", "health")


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("endpoint", QUESTIONS)
def test_garbage_leaves_unknown_with_an_age_and_nothing_in_the_log(
    harness: Harness, log_file: Path, endpoint: str, fault: Fault
) -> None:
    """ "Garbage from the wire (HTML 502, empty body, 200 with an error inside, wrong types, strings for booleans,
    unknown enum values, 5 MB bodies, slow drip, connection reset mid-body) leaves `unknown` with an age and no
    exception in the log"."""

    async def main() -> None:
        async with harness.running(timeouts=QUICK) as run:
            ana = await run.connected()
            seen = harness.clock.now()
            harness.cloud.fault(endpoint, fault, times=1)
            await run.later(ana, 600)
            assert shown(run, ana) == UNKNOWN
            assert run.status(ana).evidence.last_observation == seen
            assert run.sentence(ana)
            await run.later(ana, 30)
            assert shown(run, ana) == FINE
            assert LinkState.RECONNECTING not in [state for state, _ in run.steps(ana)]

    run(main())
    lines = log_file.read_text(encoding="utf-8")
    assert "Traceback" not in lines
    assert '"error"' not in lines


def test_broken_bodies_over_real_http_are_never_green(harness: Harness, log_file: Path) -> None:
    """A sample of the ten thousand that are read in `tests/providers/meta_cloud`, through the whole program."""

    async def main() -> None:
        world = harness.cloud.world
        true = {
            "debug_token": world.inspect(TOKEN),
            "number": world.fields(world.number, ["display_phone_number", "status", "platform_type"]),
            "more": world.fields(world.number, ["quality_rating", "name_status"]),
            "health": world.fields(world.number, ["health_status"]),
        }
        async with harness.running(timeouts=QUICK) as run:
            ana = await run.connected()
            for endpoint, body in true.items():
                for broken in garbage([body], seed=5, count=60):
                    harness.cloud.answer(endpoint, broken)
                    await run.checked(ana)
                    await run.rested(ana) if run.status(ana).state is not LinkState.BLOCKED else None
                    if json.dumps(body).encode() != broken and shown(run, ana) == FINE:
                        assert essence(endpoint, broken) == essence(endpoint, json.dumps(body).encode())
                    if run.status(ana).state is LinkState.BLOCKED:
                        harness.cloud.be_good()
                        await run.do(ActionName.CONNECT, ana)
                        await run.until(ana, LinkState.CONNECTED)

    run(main(), within=120)
    assert "Traceback" not in log_file.read_text(encoding="utf-8")


def essence(endpoint: str, body: bytes) -> object:
    """What must be as documented for a green light; an optional field may be left out."""
    value = json.loads(body)
    match endpoint:
        case "debug_token":
            return value["data"]["is_valid"]
        case "number":
            return [value["status"], value["platform_type"]]
        case "more":
            return value.get("quality_rating", "GREEN")
        case _:
            return value["health_status"]["can_send_message"]


@pytest.mark.parametrize("fault", Fault)
async def test_garbage_while_connecting_is_unknown_too(harness: Harness, fault: Fault) -> None:
    harness.cloud.fault("number", fault, times=2)
    async with harness.running(timeouts=QUICK) as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.UNKNOWN)
        assert shown(run, ana) == UNKNOWN


@pytest.mark.parametrize("fault", Fault)
async def test_garbage_about_details_is_a_problem_or_only_leaves_the_templates_out(
    harness: Harness, fault: Fault
) -> None:
    async with harness.running(timeouts=QUICK) as run:
        ana = await run.add_mentorado()
        link = run.core.mentorados.get(ana.id).link
        harness.cloud.fault("number", fault)
        with pytest.raises(Problem) as caught:
            await run.provider.details(link)
        assert caught.value.code is ProblemCode.PROVIDER_SILENT
        harness.cloud.fault("message_templates", fault)
        details = await run.provider.details(link)
        assert isinstance(details, NumberDetails)
        assert details.facts["quality"] == "green"
        assert details.templates == ()


@pytest.mark.parametrize("fault", Fault)
async def test_garbage_after_a_registration_says_that_nobody_answered(harness: Harness, fault: Fault) -> None:
    async with harness.running(timeouts=QUICK) as run:
        ana = await run.add_mentorado()
        harness.cloud.fault("register", fault)
        with pytest.raises(Problem) as caught:
            await run.core.hosted.registration.register(ana.id, "123456")
        assert caught.value.code is ProblemCode.PROVIDER_SILENT
        assert len(harness.cloud.asked("register")) == 1
        assert (await run.core.hosted.registration.allowance(ana.id)).left == 9


@pytest.mark.within(60)
@pytest.mark.parametrize("fault", [*Fault])
async def test_credentials_that_could_not_be_asked_about_are_neither_good_nor_bad(
    harness: Harness, fault: Fault
) -> None:
    async with harness.running(timeouts=QUICK) as run:
        ana = await run.add_mentorado()
        for endpoint in (*QUESTIONS, "phone_numbers"):
            harness.cloud.fault(endpoint, fault)
            report = await run.core.hosted.credentials.check(ana.id, {})
            assert report.valid is None, endpoint
            harness.cloud.be_good()
