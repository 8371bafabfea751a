"""The recovery of the operating guide with the real client: soft means first, and what is replaced is kept."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.actions import ActionName
from app.domain.backup import SessionOutcome
from app.domain.link_status import LinkState
from app.domain.procedure import ProcedureKind, ProcedureState, StepName, StepState
from tests.acceptance.connect.harness import Harness, ProgramRun
from tests.acceptance.program import Person
from tests.acceptance.recovery.harness import (
    MESSAGES,
    kept,
    session_files,
    somebody_with_history,
)

_NOTE_WITHIN = 20.0


async def written_to(run: ProgramRun) -> Person:
    """Somebody with a history, connected."""
    person = await somebody_with_history(run)
    await run.do(ActionName.CONNECT, person)
    await run.until(person, LinkState.CONNECTED)
    return person


@pytest.mark.within(90)
async def test_a_link_that_can_be_brought_back_keeps_its_session(harness: Harness) -> None:
    """ "Attempt soft reconnect first (without deleting session artifacts)." """
    async with harness.running() as run:
        ana, bia = await written_to(run), await written_to(run)
        before, file, count = await kept(run.core, harness, ana), harness.session_file(ana), len(run.steps(bia))
        await run.fault("failure-503", ana, times=1)
        await run.fault("abort", ana)
        await run.until(ana, LinkState.RECONNECTING)
        await run.core.procedures.begin(ProcedureKind.RECOVERY, ana.id)
        done = await run.stands(ana, ProcedureState.DONE)
        assert done.step(StepName.SOFT_RECONNECT).facts["came_back"] == "yes"
        for name in (StepName.BACK_UP, StepName.PAIR):
            assert done.step(name).state is StepState.SKIPPED
        assert done.step(StepName.SMOKE_CHECK).state is StepState.DONE
        assert run.status(ana).evidence.last_smoke_test is not None
        assert harness.session_file(ana) == file
        assert (await kept(run.core, harness, ana)).sessions == before.sessions
        assert run.steps(bia)[count:] == []


@pytest.mark.within(90)
async def test_what_does_not_come_back_is_backed_up_asked_about_and_paired_anew(harness: Harness) -> None:
    """ "If reconnect fails repeatedly, backup affected session folder before any cleanup. Re-authenticate via QR only
    for the affected mentorado. Record recovery action and timestamp for auditability." """
    async with harness.running() as run:
        ana, bia = await written_to(run), await written_to(run)
        before, old, count = await kept(run.core, harness, ana), harness.session_file(ana), len(run.steps(bia))
        await run.fault("device-removed", ana)
        await run.until(ana, LinkState.BLOCKED)
        begun = await run.core.procedures.begin(ProcedureKind.RECOVERY, ana.id)
        asks = await run.stands(ana, ProcedureState.ASKING)
        assert asks.step(StepName.SOFT_RECONNECT).facts["came_back"] == "no"
        ledger = await run.core.procedures.ledger(ProcedureKind.RECOVERY, ana.id)
        assert (ledger.history.messages, ledger.contacts) == (MESSAGES, before.contacts)
        assert (ledger.session, ledger.queue, ledger.old_device_stays) == (SessionOutcome.REPLACED, None, True)
        assert ledger.last_backup is not None
        assert harness.session_file(ana) == old  # nothing was replaced yet
        await run.core.procedures.confirm(begun.head.id)
        await run.scan(ana, await run.code(ana))
        done = await run.stands(ana, ProcedureState.DONE)
        assert done.step(StepName.VERIFY_ACCOUNT).facts["account"].endswith(ana.digits[-2:])
        (archive,) = await run.core.backups.all(ana.id)
        assert (await run.core.backups.verify(archive.path)).messages == MESSAGES
        async with asyncio.timeout(_NOTE_WITHIN):
            while len((now := await kept(run.core, harness, ana)).messages) == MESSAGES:
                await asyncio.sleep(0.05)  # the note enters the history like any message
        assert now.messages > before.messages
        assert now.sessions > before.sessions
        assert {file.name for file in session_files(harness.folder(ana)) if file.parent.name == "quarantine"} == {
            old.name
        }
        assert run.steps(bia)[count:] == []
        recorded = [e.record for e in await run.core.audit.entries(mentorado_id=ana.id)]
        assert [(d.action, d.after["moment"]) for d in recorded if "moment" in d.after] == [
            ("recover", "done"),
            ("recover", "began"),
        ]
        assert await run.core.audit.verify() is None
