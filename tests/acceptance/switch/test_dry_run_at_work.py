"""A dry run while the program is at work, with sessions of WhatsApp Web beside the hosted providers."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

import pytest

from app.domain.audit import AuditAction
from app.domain.mentorado import ProviderKind
from app.domain.switch import SwitchPlan
from tests.acceptance.switch.harness import META, WEB, ZAPI, Harness, rows
from tests.acceptance.switch.test_dry_run import READS

OWN = ("audit", "audit_head")
"""A dry run leaves its hash in the audit, and nothing else anywhere."""


def contents(folder: Path) -> dict[str, str]:
    """Every file below *folder* by its hash, but for the database, whose rows are compared, and the audit's note."""
    files = [file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("conecta.")]
    return {
        str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest()
        for file in files
        if "audit" not in file.name
    }


@pytest.mark.within(90)
@pytest.mark.parametrize("target", [ZAPI, META, WEB])
async def test_a_dry_run_writes_nothing_and_asks_nobody_to_do_anything(harness: Harness, target: ProviderKind) -> None:
    """ "Proof that a dry run writes nothing: the database and files are byte-identical afterwards apart from its own
    report and audit entry, and the emulators saw only reads." """
    async with harness.at_work() as run:
        await run.with_tester()
        people = [await run.person(source, f"Ana {source}") for source in (WEB, ZAPI, META) if source != target]
        await run.prepare(people[0], target)
        await run.core.audit_service.flush()
        await run.core.write_queue.flush()
        await asyncio.sleep(0.5)  # what connecting asks by itself is over
        control = harness.emulator.control
        before = await rows(run.core, besides=OWN), contents(harness.settings.data_dir), contents(harness.sessions)
        links = len(run.core.mentorados.links_beside(people[1].id))
        dialed = len(await control.off_loop(control.attempts))
        harness.zapi.requested.clear()
        harness.cloud.requests.clear()
        made = await run.core.switches.dry_run(SwitchPlan(target=target, cohort="2026"))
        await run.core.write_queue.flush()
        after = await rows(run.core, besides=OWN), contents(harness.settings.data_dir), contents(harness.sessions)
        assert after == before
        assert len(run.core.mentorados.links_beside(people[1].id)) == links
        assert len(await control.off_loop(control.attempts)) == dialed
        assert set(harness.zapi.requested) <= READS
        assert {each.method for each in harness.cloud.requests} <= {"GET"}
        last = (await run.core.audit.entries(limit=1))[0].record
        assert (last.action, last.after["dry_run"]) == (AuditAction.DRY_RUN_SWITCH, made.digest)
        assert [each.will_switch for each in made.people].count(True) >= 1
