"""The smoke test of a number at Meta: never to itself, within the window or with an approved template."""

from __future__ import annotations

import asyncio

from app.domain.link_status import SmokeTestOutcome
from app.domain.phone import PhoneNumber
from app.domain.smoke_test import SmokeTestSettings, SmokeTestStage, SmokeTestTarget, SmokeTestTrouble
from tests.acceptance.meta_cloud.harness import BIA, Harness, ProgramRun
from tests.acceptance.meta_cloud.test_webhooks import connected, posted
from tests.acceptance.program import Person
from tests.acceptance.webhooks_on import switch_on, url_for
from tests.emulators.meta_cloud.state import WABA_ID, template
from tests.emulators.meta_cloud.webhooks import envelope, inbound, status

ALL = tuple(SmokeTestStage)


async def choose(run: ProgramRun, named: str = "") -> None:
    number = PhoneNumber(f"+{BIA}")
    await run.core.smoke_tests.choose(SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=number, template=named))


async def write(run: ProgramRun, ana: Person, wamid: str) -> None:
    """Bia writes to Ana, which opens the window."""
    now = run.core.clock.now()
    run.cloud.world.number.inbound[BIA] = now
    url = await url_for(run.core, ana.link)
    assert await posted(url, envelope(inbound(wamid, at=int(now.timestamp())))) == 200


async def test_a_number_does_not_write_to_itself(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        test = await run.core.smoke_tests.run(ana.id)
        assert (test.outcome, test.trouble) == (SmokeTestOutcome.FAILED, SmokeTestTrouble.NOT_TO_ITSELF)
        assert harness.cloud.asked("messages") == []


async def test_a_closed_window_lets_the_named_template_through_and_nothing_else(harness: Harness) -> None:
    harness.cloud.world.templates[WABA_ID] = [template("teste", "Teste.")]
    async with harness.running() as run:
        ana = await run.connected()
        await choose(run)
        test = await run.core.smoke_tests.run(ana.id)
        assert (test.outcome, test.trouble) == (SmokeTestOutcome.FAILED, SmokeTestTrouble.WINDOW_CLOSED)
        await choose(run, "teste/pt_BR")
        test = await run.core.smoke_tests.run(ana.id)
        assert (test.outcome, tuple(test.stages)) == (SmokeTestOutcome.PARTLY, ALL[:2])
        (sent,) = harness.cloud.world.number.sent
        assert sent.payload["template"]["name"] == "teste"


async def test_within_the_window_webhooks_tell_of_the_delivery_and_the_answer(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await connected(run)
        await choose(run)
        await switch_on(run.core)
        await write(run, ana, "wamid.before")
        await run.soon(lambda: run.status(ana).evidence.last_inbound is not None)
        await harness.clock.advance(2)
        testing = asyncio.get_running_loop().create_task(run.core.smoke_tests.run(ana.id))
        await run.soon(lambda: bool(run.cloud.world.number.sent))
        (sent,) = run.cloud.world.number.sent
        url, at = await url_for(run.core, ana.link), int(run.core.clock.now().timestamp())
        assert await posted(url, envelope(status(sent.wamid, "delivered", at=at))) == 200

        def delivered() -> bool:
            current = run.core.smoke_tests.current(ana.id)
            return current is not None and SmokeTestStage.DELIVERED in current.stages

        await run.soon(delivered)
        await write(run, ana, "wamid.after")
        test = await testing
        assert (test.outcome, tuple(test.stages)) == (SmokeTestOutcome.PASSED, ALL)
