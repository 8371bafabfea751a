"""All checks run at once, none for too long, and what is put right was still wrong."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Mapping, Sequence

import pytest

from app.core.diagnostics.service import DoctorService, FixAction
from app.domain.diagnosis import (
    DIAGNOSES,
    Check,
    CheckName,
    CheckOutcome,
    Diagnosis,
    DiagnosisCode,
    Fix,
    diagnosed,
    worst,
)

OPEN = diagnosed(DiagnosisCode.DATA_FOLDER_OPEN, path="x", mode="0755")
FINE = diagnosed(DiagnosisCode.DATA_FOLDER_FINE, path="x")
FULL = diagnosed(DiagnosisCode.SPACE_OUT, path="x", free="0", wanted="500")


def finds(*found: Diagnosis) -> Check:
    async def check() -> Sequence[Diagnosis]:
        return found

    return check


async def forever() -> Sequence[Diagnosis]:
    await asyncio.Event().wait()
    raise AssertionError


async def breaks() -> Sequence[Diagnosis]:
    raise ZeroDivisionError


def service(
    checks: Mapping[CheckName, Check], fixes: Mapping[Fix, FixAction] | None = None, limit: float = 0.05
) -> DoctorService:
    return DoctorService(checks, fixes or {}, limit=limit)


def test_every_code_has_its_row_and_every_check_can_be_good() -> None:
    assert set(DIAGNOSES) == set(DiagnosisCode)
    good = {row.check for row in DIAGNOSES.values() if row.outcome is CheckOutcome.OK}
    assert good == set(CheckName)


def test_a_code_of_any_check_is_no_diagnosis_by_itself() -> None:
    with pytest.raises(ValueError, match="belongs to no check"):
        diagnosed(DiagnosisCode.BROKE)


def test_the_heaviest_outcome_counts() -> None:
    assert worst([]) is CheckOutcome.OK
    assert worst([FINE, OPEN]) is CheckOutcome.FAILED
    assert worst([FINE, diagnosed(DiagnosisCode.CHANNEL_NO_PROGRAM)]) is CheckOutcome.UNKNOWN


async def test_results_come_one_by_one_and_stand_in_order() -> None:
    results: list[CheckName] = []
    checks = {CheckName.SPACE: finds(FULL), CheckName.DATA_FOLDER: finds(FINE)}
    run = service(checks)
    assert run.names == (CheckName.DATA_FOLDER, CheckName.SPACE)
    report = await run.run(lambda name, _found: results.append(name))
    assert report.diagnoses == (FINE, FULL)
    assert (report.outcome, report.with_outcome(CheckOutcome.OK)) == (CheckOutcome.FAILED, (FINE,))
    assert set(results) == set(checks)
    assert (await run.run(only=[CheckName.SPACE])).diagnoses == (FULL,)


async def test_a_check_that_hangs_or_breaks_is_said_not_to_be_known(caplog: pytest.LogCaptureFixture) -> None:
    checks = {CheckName.DATA_FOLDER: forever, CheckName.SPACE: breaks, CheckName.LOCKS: finds(FULL)}
    found = (await service(checks).run()).diagnoses
    assert [each.code for each in found] == [
        DiagnosisCode.TOOK_TOO_LONG,
        DiagnosisCode.BROKE,
        DiagnosisCode.SPACE_OUT,
    ]
    assert [each.check for each in found[:2]] == [CheckName.DATA_FOLDER, CheckName.SPACE]
    assert found[1].evidence == {"error": "ZeroDivisionError"}
    assert [each.outcome for each in found[:2]] == [CheckOutcome.WARNING] * 2, "what could not look is no good sign"
    assert "ZeroDivisionError" in caplog.text


async def test_a_check_that_may_not_read_names_the_path_and_the_cause() -> None:
    async def may_not() -> Sequence[Diagnosis]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/data/sessions")

    async def names_nothing() -> Sequence[Diagnosis]:
        raise OSError

    found = (await service({CheckName.DATA_FOLDER: may_not, CheckName.SPACE: names_nothing}).run()).diagnoses
    assert {each.code for each in found} == {DiagnosisCode.COULD_NOT_LOOK}
    assert [each.evidence for each in found] == [
        {"path": "/data/sessions", "detail": "Permission denied"},
        {"path": "", "detail": "OSError"},
    ]


async def test_what_the_others_would_disturb_is_measured_after_them() -> None:
    ended: list[CheckName] = []

    async def slow() -> Sequence[Diagnosis]:
        await asyncio.sleep(0.01)
        return (FULL,)

    checks = {CheckName.LOOP: finds(FINE), CheckName.SPACE: slow}
    report = await service(checks).run(lambda name, _found: ended.append(name))
    assert ended == [CheckName.SPACE, CheckName.LOOP]
    assert report.diagnoses == (FULL, FINE)


async def test_a_run_can_be_given_up() -> None:
    running = asyncio.get_running_loop().create_task(service({CheckName.SPACE: forever}, limit=60).run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_what_is_put_right_is_looked_at_before_and_after() -> None:
    found = [OPEN]
    done: list[Diagnosis] = []

    async def check() -> Sequence[Diagnosis]:
        return tuple(found)

    async def put_right(diagnosis: Diagnosis) -> None:
        done.append(diagnosis)
        found[:] = [FINE]

    run = service({CheckName.DATA_FOLDER: check, CheckName.SPACE: finds(FULL)}, {Fix.MAKE_PRIVATE: put_right})
    assert run.can_fix(OPEN)
    assert not run.can_fix(FULL)
    assert await run.fix(OPEN) == (FINE,)
    assert await run.fix(OPEN) == (FINE,), "it is not true any more"
    assert await run.fix(FULL) == (FULL,), "nothing can be done about that"
    assert done == [OPEN]
