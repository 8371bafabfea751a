"""What `conecta doctor` puts right by itself: only what loses nothing, at a word, and written down."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import timedelta

import pytest

from app.bootstrap import build_services
from app.domain.audit import AuditAction
from app.domain.diagnosis import DiagnosisCode, Fix
from app.settings import Settings
from tests.acceptance.diagnostics import faults_around
from tests.acceptance.diagnostics import faults_of_data as faults
from tests.acceptance.diagnostics.machine import Machine
from tests.acceptance.diagnostics.planting import Plant

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the faults are planted as they are on Linux"),
]


def written(machine: Machine) -> list[tuple[str, str]]:
    """Who opens the audit afterwards reads this."""

    async def read() -> list[tuple[str, str]]:
        core = build_services(Settings(data_dir=machine.data, session_dir=machine.sessions))
        await core.open()
        try:
            return [(entry.record.action, str(entry.record.after)) for entry in await core.audit.entries()]
        finally:
            await core.close()

    return asyncio.run(read())


@pytest.mark.parametrize(
    ("plant", "fix", "code", "action"),
    [
        (
            faults.messages_that_others_may_read,
            Fix.MAKE_PRIVATE,
            DiagnosisCode.DATA_FOLDER_OPEN,
            AuditAction.MAKE_PRIVATE,
        ),
        (
            faults.keys_that_others_may_read,
            Fix.MAKE_PRIVATE,
            DiagnosisCode.SESSION_FOLDER_OPEN,
            AuditAction.MAKE_PRIVATE,
        ),
        (
            faults_around.a_lock_of_a_window_that_was_killed,
            Fix.RELEASE_LOCKS,
            DiagnosisCode.LOCK_STALE,
            AuditAction.RELEASE_LOCK,
        ),
        (
            faults_around.a_backup_that_was_never_finished,
            Fix.REMOVE_PARTS,
            DiagnosisCode.PARTS_LEFT,
            AuditAction.REMOVE_PARTS,
        ),
        (
            faults.a_database_whose_index_for_the_search_is_damaged,
            Fix.REPAIR_DATABASE,
            DiagnosisCode.SEARCH_DAMAGED,
            AuditAction.REPAIR_DATABASE,
        ),
    ],
    ids=["data", "keys", "lock", "parts", "index"],
)
def test_what_loses_nothing_is_put_right_at_a_word_and_written_down(
    machine: Machine, plant: Plant, fix: Fix, code: DiagnosisCode, action: AuditAction
) -> None:
    """ "A 'fix it' button where that is safe": the same by a command, and the audit says what was done."""
    plant(machine)
    assert machine.doctor().of(code)["fix"] == fix
    checked = machine.doctor("--fix", fix)
    assert [each["code"] for each in checked.fixed] == [code]
    assert (checked.exit_code, checked.accused) == (0, set())
    assert action in [found for found, _after in written(machine)]
    again = machine.doctor("--fix", fix)
    assert (again.exit_code, again.fixed) == (0, [])


def test_a_lock_that_is_held_or_of_another_computer_is_never_released(machine: Machine) -> None:
    faults_around.a_lock_of_another_computer(machine)
    lock = next(machine.sessions.glob("*/owner.lock"))
    before = lock.read_text()
    assert machine.doctor("--fix", Fix.RELEASE_LOCKS).fixed == []
    assert lock.read_text() == before


def test_a_file_that_a_program_still_writes_is_not_removed(machine: Machine) -> None:
    faults_around.a_backup_that_was_never_finished(machine)
    part = machine.data / "backups" / "ana.copy.part"
    os.utime(part, (time.time(), time.time()))
    assert machine.doctor("--fix", Fix.REMOVE_PARTS).fixed == []
    assert part.exists()


def test_what_is_put_right_without_a_database_says_that_it_is_not_written_down(machine: Machine) -> None:
    machine.database.write_bytes(b"no database at all" * 1000)
    machine.data.chmod(0o755)
    done = machine.run("doctor", "--json", "--fix", Fix.MAKE_PRIVATE)
    output = json.loads(done.stdout)
    assert [each["code"] for each in output["fixed"]] == [DiagnosisCode.DATA_FOLDER_OPEN]
    assert output["recorded"] is False
    assert machine.data.stat().st_mode & 0o077 == 0


def test_a_person_reads_each_finding_with_its_next_step_below(machine: Machine) -> None:
    """ "Each: ok / warning / failed, the evidence, one next step": in the person's own language."""
    machine.data.chmod(0o755)
    machine.internet.ahead = timedelta(hours=1)
    done = machine.run("doctor")
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    at = next(number for number, line in enumerate(lines) if line.startswith("Problem      Clock: "))
    assert lines[at + 1].strip().startswith("→ Correct date and time")
    assert lines[-1] == "Problems: 2. Warnings: 0. Not checked: 1."
    machine.environment["LANG"] = "pt_BR.UTF-8"
    assert "→ Corrija a data e a hora" in machine.run("doctor").stdout


def test_words_that_are_not_known_are_told_from_faults_that_are_found(machine: Machine) -> None:
    assert machine.run("doctor", "--fix", "everything").returncode == 2


def test_one_check_can_be_asked_for(machine: Machine) -> None:
    machine.data.chmod(0o755)
    checked = machine.doctor("--only", "space", "--only", "database")
    assert ([each["check"] for each in checked.checks], checked.exit_code) == (["space", "database"], 0)
