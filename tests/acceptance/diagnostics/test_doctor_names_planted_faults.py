"""Each fault that is planted in a real environment is named by `conecta doctor`, with the right next step."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from app.domain.diagnosis import DIAGNOSES, CheckOutcome, DiagnosisCode
from app.domain.diagnosis import DiagnosisCode as C
from tests.acceptance.diagnostics import faults_around, faults_of_data, faults_of_programs
from tests.acceptance.diagnostics.machine import ROOT, Machine
from tests.acceptance.diagnostics.planting import FAULTS, Fault, as_parameters

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the faults are planted as they are on Linux"),
]

EXIT_CODES = {CheckOutcome.OK: 0, CheckOutcome.UNKNOWN: 0, CheckOutcome.FAILED: 1, CheckOutcome.WARNING: 3}


def test_a_healthy_machine_gives_no_false_alarm_within_two_seconds(machine: Machine) -> None:
    """ "A healthy machine gives no false alarm"; "`conecta doctor` on a healthy machine in <= 2 s"."""
    machine.session()
    machine.has_keyring("open")
    machine.doctor()  # what is read for the first time is slower, as after any installation
    began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    checked = machine.doctor()
    seconds = time.monotonic() - began
    if os.getloadavg()[0] > (os.cpu_count() or 1):  # others are at work here: what counts is its own work
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used
    assert seconds < 2
    assert checked.accused == set(), [each["sentence"] for each in checked.checks]
    assert checked.exit_code == 0
    unknown = {each["code"] for each in checked.checks if each["outcome"] == CheckOutcome.UNKNOWN}
    assert unknown == {DiagnosisCode.CHANNEL_NO_PROGRAM}, "no window is open, and that is said"


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="there is no display to open here")
def test_a_screen_that_answers_gives_no_false_alarm(machine: Machine) -> None:
    """With a real X server, and everything looked at that Qt loads for it."""
    reading, writing = os.pipe()
    with subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing)], pass_fds=[writing], stderr=subprocess.DEVNULL
    ) as server:
        os.close(writing)
        try:
            with os.fdopen(reading) as numbers:
                machine.environment["DISPLAY"] = f":{numbers.readline().strip()}"
            del machine.environment["QT_QPA_PLATFORM"]
            checked = machine.doctor("--only", "display")
        finally:
            server.kill()
    assert (checked.exit_code, checked.accused) == (0, set()), [each["sentence"] for each in checked.checks]
    assert checked.of(DiagnosisCode.DISPLAY_FINE)["evidence"]["display"] == f"DISPLAY={machine.environment['DISPLAY']}"


def test_a_new_machine_gives_no_false_alarm(machine: Machine) -> None:
    """Before the first start: nothing is there yet, which is as it should be, and nothing is made by being asked."""
    shutil.rmtree(machine.data)
    checked = machine.doctor()
    assert (checked.exit_code, checked.accused) == (0, set()), [each["sentence"] for each in checked.checks]
    assert not machine.data.exists()


def test_a_database_of_the_first_version_gives_no_false_alarm(machine: Machine) -> None:
    """It had no procedures, no audit and no settings: there is nothing to be read of them."""
    for each in machine.data.glob("conecta.db*"):
        each.unlink()
    (machine.data / "audit-heads.jsonl").unlink()
    with closing(sqlite3.connect(machine.database)) as opened:
        opened.executescript((ROOT / "tests" / "storage" / "shapes" / "0001.sql").read_text())
    machine.database.chmod(0o600)
    checked = machine.doctor("--only", "database", "--only", "procedures")
    assert [each["code"] for each in checked.checks] == [C.DATABASE_OLDER, C.PROCEDURES_FINE]


def test_what_the_doctor_says_is_in_the_language_that_is_chosen(machine: Machine) -> None:
    machine.environment |= {"LANG": "pt_BR.UTF-8", "HTTPS_PROXY": "http://127.0.0.1:9"}
    machine.internet.ahead = timedelta(hours=1)
    sentences = {each["code"]: each["sentence"] for each in machine.doctor().checks}
    assert "a conexão foi recusada" in sentences[C.PROXY_UNREACHABLE]
    assert "0,4 MB" in sentences[C.DATABASE_FINE] or "0,5 MB" in sentences[C.DATABASE_FINE]
    assert f"{datetime.now().astimezone():%d/%m/%Y} " in sentences[C.CLOCK_UNKNOWN]


@pytest.mark.parametrize("fault", as_parameters())
def test_the_fault_is_named_with_the_right_next_step(machine: Machine, fault: Fault) -> None:
    """ "Each of at least 30 faults planted in a real environment ... is named by doctor with the right next step"."""
    with fault.planted(machine):
        checked = machine.doctor()
    found = checked.of(fault.code)
    assert fault.says in found["sentence"]
    assert fault.step in (found["next"] or ""), found["next"]
    assert found["next"], "there is one next step"
    assert found["problem"] == fault.problem
    path = found["evidence"].get("path", "—")
    assert not found["sentence"].endswith(f"{path}. ({path})"), "a path is said once"
    others = checked.accused - {fault.code} - fault.also
    assert others == set(), [each["sentence"] for each in checked.checks if each["code"] in others]
    assert checked.exit_code == EXIT_CODES[checked.outcome]
    assert (checked.exit_code == 0) is (DIAGNOSES[fault.code].outcome is CheckOutcome.UNKNOWN)
    assert "hidden-word" not in str(checked.checks), "a proxy's password is nobody's business"


def test_at_least_thirty_faults_are_planted() -> None:
    assert len({each.name for each in FAULTS}) >= 30
    assert {each.plant.__module__ for each in FAULTS} == {
        each.__name__ for each in (faults_around, faults_of_data, faults_of_programs)
    }
