"""Issue 13, 5: "notes per mentorado and 'I am on it'", over a restart, and until the link is back."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditAction
from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect.harness import Harness
from tests.emulators.whatsapp_web.process import EmulatorProcess


@pytest.fixture
def harness(emulator: EmulatorProcess, fast_dir: Path) -> Harness:
    return Harness(fast_dir, emulator)


async def test_whoever_is_on_it_stays_so_over_a_restart_and_until_the_link_is_back(harness: Harness) -> None:
    """ "I am on it": a colleague who starts the program sees the name; nobody has to take it away afterwards."""
    async with harness.running() as run:
        ana = await run.connect_new()
        assert run.refusal(ActionName.HANDLE, ana) is UnavailableReason.NEEDS_NOBODY
        await run.fault("device-removed", ana)
        await run.until(ana, LinkState.BLOCKED, Reason.LOGGED_OUT)
        await run.do(ActionName.HANDLE, ana)
        taken = run.core.handlings.current[ana.id]
    async with harness.running(starting=True) as run:
        assert run.core.handlings.current == {ana.id: taken}
        assert run.refusal(ActionName.HANDLE, ana) is UnavailableReason.ALREADY_HANDLED
        await run.do(ActionName.REAUTHENTICATE, ana)
        await run.pair(ana)
        assert run.core.handlings.current == {}
        await run.core.write_queue.flush()
        entries = await run.core.audit.entries(mentorado_id=ana.id)
        last = {entry.record.action: entry.record for entry in entries}
        assert last[ActionName.HANDLE].actor.name == taken.operator
        assert dict(last[AuditAction.END_HANDLING].before) == {"operator": taken.operator}
    async with harness.running() as run:
        assert run.core.handlings.current == {}


async def test_notes_are_there_after_a_restart_and_the_audit_has_no_word_of_them(harness: Harness) -> None:
    """ "notes per mentorado": written, changed and deleted ones, with who and when."""
    async with harness.running() as run:
        ana = await run.connect_new()
        kept = await run.core.notes.write(ana.id, "A irmã cuida do celular à tarde")
        gone = await run.core.notes.write(ana.id, "Ligar hoje")
        kept = await run.core.notes.edit(kept, "A irmã cuida do celular de manhã")
        await run.core.notes.remove(gone)
    async with harness.running() as run:
        assert run.core.notes.notes_of(ana.id) == (kept,)
        assert (kept.revision, kept.edited_by) == (2, kept.author)
        entries = await run.core.audit.entries(mentorado_id=ana.id)
        assert "irmã" not in str(entries)
        assert [entry.record.action for entry in entries][:4] == [
            AuditAction.REMOVE_NOTE,
            AuditAction.EDIT_NOTE,
            AuditAction.WRITE_NOTE,
            AuditAction.WRITE_NOTE,
        ]
