"""The smoke test with the real client: each way in which it can end shows its stage, its trouble and its next step.

Only the waiting times are shorter than in real life.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from app.core.outbound import smoke_test as waiting
from app.domain.link_status import LinkState, SendCapability, SmokeTestOutcome
from app.domain.phone import PhoneNumber
from app.domain.smoke_test import SmokeTest, SmokeTestSettings, SmokeTestStage, SmokeTestTarget, SmokeTestTrouble
from app.text.outbound import result_lines
from tests.acceptance.connect.harness import Harness, ProgramRun, no_hosts
from tests.acceptance.connect.terminal import conecta
from tests.acceptance.program import Person, new_number
from tests.emulators.whatsapp_web.process import EmulatorProcess

G, E, T = SmokeTestStage, SmokeTestOutcome, SmokeTestTrouble
ALL: Final = tuple(G)


@pytest.fixture
def harness(emulator: EmulatorProcess, fast_dir: Path) -> Harness:
    return Harness(fast_dir, emulator)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "DELIVERY_SECONDS", 4.0)
    monkeypatch.setattr(waiting, "ANSWER_SECONDS", 15.0)
    monkeypatch.setattr(waiting, "PERSON_SECONDS", 4.0)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.1)


async def partners(run: ProgramRun) -> tuple[Person, Person]:
    """Ana, who is tested, and Bia, who answers by herself."""
    ana, bia = await run.connect_new("Ana"), await run.connect_new("Bia")
    await run.core.smoke_tests.choose(SmokeTestSettings(target=SmokeTestTarget.PARTNER, partner=bia.id))
    return ana, bia


async def with_number(run: ProgramRun, *, answers: str | None = None, silent: bool = False) -> tuple[Person, str]:
    """Ana, and a phone of the business."""
    control, digits = run.harness.emulator.control, new_number()
    await control.off_loop(control.add_account, digits)
    await control.off_loop(control.answer_texts, digits, answers)
    await control.off_loop(control.silence, digits, silent)
    chosen = SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=PhoneNumber(f"+{digits}"))
    ana = await run.connect_new("Ana")
    await run.core.smoke_tests.choose(chosen)
    return ana, digits


def ended(test: SmokeTest) -> tuple[SmokeTestOutcome | None, SmokeTestTrouble, tuple[SmokeTestStage, ...]]:
    assert test.ended_at is not None
    sentence, step = result_lines(test, test.ended_at)
    assert sentence.endswith(".")
    assert step.endswith(".")
    return test.outcome, test.trouble, tuple(test.stages)


@pytest.mark.within(60)
async def test_between_two_partners_it_passes_without_anybodys_help(harness: Harness) -> None:
    async with harness.running() as run:
        ana, bia = await partners(run)
        test = await run.core.smoke_tests.run(ana.id)
        assert ended(test) == (E.PASSED, T.NONE, ALL)
        control = harness.emulator.control
        for phone in (ana, bia):  # each has what it was sent, and a copy of what its device sent
            found = [message.own for message in await control.off_loop(control.wait_received, phone.digits, 2)]
            assert sorted(found) == [False, True]
        assert run.status(ana).evidence.smoke_test is E.PASSED
        await run.core.audit_service.flush()
        assert "smoke_test" in [each.record.action for each in await run.core.audit.entries(mentorado_id=ana.id)]
    async with harness.running() as run:
        evidence = run.status(ana).evidence
        assert (evidence.smoke_test, evidence.last_smoke_test) == (E.PASSED, test.ended_at), "it is kept"


@pytest.mark.within(60)
async def test_a_number_of_the_business_is_answered_by_a_person(harness: Harness) -> None:
    async with harness.running() as run:
        ana, _digits = await with_number(run, answers="ok")
        assert ended(await run.core.smoke_tests.run(ana.id)) == (E.PASSED, T.NONE, ALL)


@pytest.mark.within(60)
async def test_delivered_and_not_answered(harness: Harness) -> None:
    async with harness.running() as run:
        ana, _digits = await with_number(run)
        assert ended(await run.core.smoke_tests.run(ana.id)) == (E.FAILED, T.NO_ANSWER, ALL[:3])


@pytest.mark.within(60)
async def test_acknowledged_and_never_delivered(harness: Harness) -> None:
    """A message to the former address of somebody can vanish after the server took it."""
    async with harness.running() as run:
        ana, digits = await with_number(run, silent=True)
        assert ended(await run.core.smoke_tests.run(ana.id)) == (E.FAILED, T.NOT_DELIVERED, ALL[:2])
        control = harness.emulator.control
        assert len(await control.off_loop(control.inbox, digits)) == 1, "nothing is sent twice"


@pytest.mark.within(60)
async def test_463_is_a_policy_and_stops_the_number(harness: Harness) -> None:
    async with harness.running() as run:
        ana, _digits = await with_number(run, answers="ok")
        await run.fault("send-463", ana)
        test = await run.core.smoke_tests.run(ana.id)
        assert ended(test) == (E.FAILED, T.POLICY, ALL[:1])
        assert "463" in test.code
        assert run.status(ana).evidence.smoke_test is E.FAILED
        assert ended(await run.core.smoke_tests.run(ana.id)) == (E.FAILED, T.STOPPED, ())


@pytest.mark.within(60)
async def test_without_an_ack_nobody_knows_whether_it_left(harness: Harness) -> None:
    async with harness.running() as run:
        run.core.whatsapp_web._timeouts = replace(run.core.whatsapp_web._timeouts, send=3.0)
        ana, digits = await with_number(run, answers="ok")
        await run.fault("send-unacknowledged", ana)
        assert ended(await run.core.smoke_tests.run(ana.id)) == (E.FAILED, T.NO_ACK, ALL[:1])
        control = harness.emulator.control
        assert len(await control.off_loop(control.inbox, digits)) == 1, "nothing is sent twice"


@pytest.mark.within(60)
async def test_nothing_is_sent_by_a_restricted_link_or_to_a_partner_who_is_away(harness: Harness) -> None:
    async with harness.running() as run:
        ana, bia = await partners(run)
        link = run.core.mentorados.get(ana.id).link
        run.core.supervisor._board.update(link, capability=SendCapability.RESTRICTED)
        assert ended(await run.core.smoke_tests.run(ana.id)) == (E.FAILED, T.RESTRICTED, ())
        run.core.supervisor._board.update(link, capability=SendCapability.OK)
        await run.core.supervisor.disconnect(bia.id)
        assert ended(await run.core.smoke_tests.run(ana.id)) == (E.FAILED, T.PARTNER_OFFLINE, ())
        await run.core.supervisor.disconnect(ana.id)
        assert run.status(ana).state is LinkState.OFF
        assert ended(await run.core.smoke_tests.run(ana.id)) == (E.FAILED, T.NOT_CONNECTED, ())
        control = harness.emulator.control
        assert await control.off_loop(control.inbox, bia.digits) == []


@pytest.mark.within(90)
async def test_by_command_a_line_per_stage_and_an_exit_code(harness: Harness) -> None:
    async with harness.running() as run:
        await partners(run)
    home, environment = harness.settings.data_dir, {**harness.environment(), "LANG": "en_US.UTF-8"}
    passed = await conecta(home, environment, "smoke-test", "ana", "--json")
    assert passed.exit_code == 0, passed.error
    tests = [fields for fields in passed.events if fields["event"] == "smoke_test"]
    assert [len(fields["stages"]) for fields in tests] == [0, 1, 2, 3, 4, 4]
    assert (tests[-1]["outcome"], tests[-1]["trouble"]) == ("passed", "none")
    partly = await conecta(home, environment, "smoke-test", "bia")
    assert partly.exit_code == 3, partly.error
    assert "Accepted by the server" in partly.out
    assert "choose a test partner in Settings" in partly.out
    refused = await conecta(home, environment, "smoke-test", "ana", "--to", f"+{new_number()}")
    assert refused.exit_code == 1
    assert "no recorded consent" in refused.out
    await no_hosts()
