"""Each fault that is planted in a real environment is named by `conecta doctor`, with the right next step."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time

import pytest

from app.domain.diagnosis import DIAGNOSES, CheckOutcome, DiagnosisCode
from tests.acceptance.diagnostics import faults_of_data, faults_of_programs
from tests.acceptance.diagnostics.machine import Machine
from tests.acceptance.diagnostics.planting import FAULTS, Fault, as_parameters

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the faults are planted as they are on Linux"),
    pytest.mark.no_cover,
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
    others = checked.accused - {fault.code} - fault.also
    assert others == set(), [each["sentence"] for each in checked.checks if each["code"] in others]
    assert checked.exit_code == EXIT_CODES[checked.outcome]
    assert (checked.exit_code == 0) is (DIAGNOSES[fault.code].outcome is CheckOutcome.UNKNOWN)
    assert "hidden-word" not in str(checked.checks), "a proxy's password is nobody's business"


def test_at_least_thirty_faults_are_planted() -> None:
    assert len({each.name for each in FAULTS}) >= 30
    assert {each.plant.__module__ for each in FAULTS} == {faults_of_data.__name__, faults_of_programs.__name__}
