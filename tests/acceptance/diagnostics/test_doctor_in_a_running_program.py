"""What only the running program can tell: whether its hosts answer through the bus, and whether its loop does."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from app.core.diagnostics.service import DoctorService
from app.doctor import build_doctor
from app.domain.diagnosis import CheckName, CheckOutcome, Diagnosis, DiagnosisCode
from app.domain.link_status import LinkState
from app.text import diagnosis as words
from app.text.status import texts
from tests.acceptance.connect.harness import Harness, ProgramRun, no_hosts
from tests.acceptance.program import Person
from tests.emulators.whatsapp_web.process import EmulatorProcess

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a host is stopped by signals here")

LIVE = (CheckName.CHANNEL, CheckName.LOOP, CheckName.LOCKS, CheckName.PROCEDURES)


@pytest.fixture(scope="module")
def shared(emulator: EmulatorProcess, shared_home: object) -> Harness:
    """An office whose hosts are started by a script that a test can break."""
    from pathlib import Path

    from tests.acceptance.connect.host_script import HostScript

    home = Path(str(shared_home))
    HostScript(home / "host", emulator.host_command()).mend()
    return Harness(home, emulator, host=[str(home / "host")])


def doctor_of(run: ProgramRun) -> DoctorService:
    return build_doctor(run.harness.settings, live=run.core)


async def found(run: ProgramRun) -> Sequence[Diagnosis]:
    return (await doctor_of(run).run(only=LIVE)).diagnoses


def of(check: CheckName, diagnoses: Sequence[Diagnosis]) -> Diagnosis:
    (one,) = [each for each in diagnoses if each.check is check]
    return one


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_every_host_answers_through_the_bus_while_all_is_well(shared: Harness, veteran: Person) -> None:
    """ "Event channel alive (a heartbeat from every session host through the bus to the window, with its age)"."""
    async with shared.running(starting=True) as run:
        await run.until(veteran, LinkState.CONNECTED)
        diagnoses = await found(run)
        assert {each.outcome for each in diagnoses} == {CheckOutcome.OK}
        channel = of(CheckName.CHANNEL, diagnoses)
        assert (channel.code, channel.evidence["count"]) == (DiagnosisCode.CHANNEL_FINE, "1")
        assert int(channel.evidence["milliseconds"]) < 1500
    await no_hosts()


async def test_a_deaf_host_is_named_with_the_age_of_its_last_answer(shared: Harness, veteran: Person) -> None:
    """A host that hears nothing, though its process is there."""
    async with shared.running(starting=True) as run:
        await run.until(veteran, LinkState.CONNECTED)
        await found(run)
        with stopped(shared.host_pid(veteran)):
            deaf = of(CheckName.CHANNEL, await found(run))
        assert (deaf.code, deaf.evidence["name"]) == (DiagnosisCode.HOST_DEAF, veteran.name)
        assert int(deaf.evidence["age"]) <= 5
        assert veteran.name in words.sentence(deaf)
        assert words.next_step(deaf) == texts("doctor.step.host_deaf")
        assert of(CheckName.CHANNEL, await found(run)).code is DiagnosisCode.CHANNEL_FINE, "it hears again"
    await no_hosts()


async def test_a_dead_host_that_does_not_come_back_is_named(shared: Harness, veteran: Person) -> None:
    script = shared.settings.data_dir.parent / "host"
    good = script.read_text()
    async with shared.running(starting=True) as run:
        await run.until(veteran, LinkState.CONNECTED)
        script.write_text("#!/bin/sh\nexit 3\n")
        try:
            os.kill(shared.host_pid(veteran), signal.SIGKILL)
            await run.until_status(veteran, lambda status: status.state is not LinkState.CONNECTED)
            dead = of(CheckName.CHANNEL, await found(run))
        finally:
            script.write_text(good)
        assert (dead.code, dead.evidence["name"]) == (DiagnosisCode.HOST_ENDED, veteran.name)
        assert veteran.name in words.next_step(dead)
    await no_hosts()


async def test_a_blocked_loop_is_found_while_it_is_blocked(shared: Harness) -> None:
    async with shared.running() as run:
        checking = asyncio.get_running_loop().create_task(found(run))
        while not checking.done():
            time.sleep(0.3)  # noqa: ASYNC251 - this is the fault
            await asyncio.sleep(0.05)
        blocked = of(CheckName.LOOP, await checking)
        assert blocked.code is DiagnosisCode.LOOP_BLOCKED
        assert int(blocked.evidence["milliseconds"]) >= 200
        after = of(CheckName.LOOP, await found(run))
        assert (after.code, after.outcome) == (DiagnosisCode.LOOP_WAS_BLOCKED, CheckOutcome.OK)
        assert int(after.evidence["milliseconds"]) >= 200


async def test_the_command_beside_an_open_program_accuses_nobody(shared: Harness, veteran: Person) -> None:
    """A live process holds its locks rightly, and its files are not looked at as if nobody used them."""
    async with shared.running(starting=True) as run:
        await run.until(veteran, LinkState.CONNECTED)
        beside = build_doctor(shared.settings)
        only = (CheckName.DATABASE, CheckName.SESSION_FOLDER, CheckName.LOCKS, CheckName.PROCEDURES)
        report = await beside.run(only=only)
        assert report.outcome is CheckOutcome.OK, [words.sentence(each) for each in report.diagnoses]
    await no_hosts()
