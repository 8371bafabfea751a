"""Whatever fails unexpectedly is recorded once, counted when it repeats, and found again after a restart."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.crash_report import Crash, CrashEffect, CrashPlace, CrashReport
from app.domain.errors import Problem, ProblemCode
from app.platform.crash_recorder import MOST_REPORTS, CrashRecorder

log = logging.getLogger("app.core.actions")


@pytest.fixture
def recorder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[CrashRecorder]:
    made = CrashRecorder(tmp_path / "crashes", "1.2.3")
    undo = made.install()
    yield made
    undo()


def fail(words: str = "Ana Souza") -> None:
    raise ValueError(words)


def fail_and_log(words: str = "Ana Souza") -> None:
    try:
        fail(words)
    except ValueError:
        log.exception("%s failed", words, extra={"effect": CrashEffect.PAUSED})


def test_what_is_logged_as_an_error_is_recorded_with_what_was_done_about_it(recorder: CrashRecorder) -> None:
    found: list[CrashReport] = []
    recorder.subscribe(found.append)
    fail_and_log()
    (report,) = found
    assert report.version == "1.2.3"
    assert report.crash == Crash(
        lines=("  [other code]", "  [other code]", "ValueError"),
        place=CrashPlace.PROGRAM,
        effect=CrashEffect.PAUSED,
        about="[…] failed",
    )


def test_the_same_failure_is_counted_and_not_told_again(recorder: CrashRecorder) -> None:
    found: list[CrashReport] = []
    recorder.subscribe(found.append)
    for number in range(11):
        fail_and_log(f"Ana {number}")
    assert len(found) == 1
    assert [report.count for report in recorder.reports()] == [11]


def test_reports_of_earlier_runs_are_found_and_counted_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _run in range(3):
        recorder = CrashRecorder(tmp_path / "crashes", "1.2.3")
        undo = recorder.install()
        fail_and_log()
        fail_and_log()
        undo()
    (report,) = CrashRecorder(tmp_path / "crashes", "2.0").reports()
    assert (report.version, report.count) == ("1.2.3", 6)
    assert report.first_at < report.last_at


def test_files_are_private_few_and_small(recorder: CrashRecorder, tmp_path: Path) -> None:
    folder = tmp_path / "crashes"
    folder.mkdir()
    for number in range(3 * MOST_REPORTS):
        (folder / f"{number:016x}.json").write_text("of an earlier run")
    for number in range(2 * MOST_REPORTS):
        recorder.record(Crash(lines=(f"  app.core.actions:{number} run", "ValueError")))
    recorder.flush()
    files = list(folder.glob("*.json"))
    assert len(files) == MOST_REPORTS
    assert len(recorder.reports()) == MOST_REPORTS
    assert all(file.stat().st_mode & 0o077 == 0 for file in files if file.stat().st_size > 20)
    assert folder.stat().st_mode & 0o777 in (0o700, 0o755)


def test_what_else_lies_in_the_folder_is_no_report(recorder: CrashRecorder, tmp_path: Path) -> None:
    folder = tmp_path / "crashes"
    folder.mkdir()
    (folder / "a.json").write_text('{"lines": ["Ana Souza"]}')
    (folder / "b.json").mkdir()
    (folder / "c.json").write_bytes(b"\xff" * 100_000)
    assert recorder.reports() == ()


def test_a_disk_that_cannot_be_written_loses_the_file_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "crashes").write_text("a file in its place")
    recorder = CrashRecorder(tmp_path / "crashes", "1")
    recorder.record(Crash(lines=("ValueError",)))
    assert len(recorder.reports()) == 1
    nowhere = CrashRecorder(None, "1")
    nowhere.record(Crash(lines=("ValueError",)))
    assert len(nowhere.reports()) == 1


def test_what_is_explained_or_only_a_warning_is_no_crash(recorder: CrashRecorder) -> None:
    log.error("Without an exception")
    log.error("Explained", exc_info=Problem(ProblemCode.PHONE_TAKEN, name="Ana"))
    log.warning("A warning", exc_info=ValueError("Ana"))
    assert recorder.reports() == ()


def test_an_exception_in_a_thread_is_recorded(recorder: CrashRecorder) -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    ending = threading.Thread(target=sys.exit)
    ending.start()
    ending.join()
    assert [report.crash.place for report in recorder.reports()] == [CrashPlace.THREAD]


def test_an_exception_in_a_finalizer_is_recorded(recorder: CrashRecorder) -> None:
    class Failing:
        def __del__(self) -> None:
            fail()

    Failing()
    gc.collect()
    assert len(recorder.reports()) == 1


def test_the_hooks_are_given_back(tmp_path: Path) -> None:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    CrashRecorder(None, "1").install()()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_nobody_elses_message_is_kept(recorder: CrashRecorder) -> None:
    logging.getLogger("asyncio").error("Task of Ana Souza", exc_info=ValueError("Ana"))
    (report,) = recorder.reports()
    assert (report.crash.about, report.crash.place) == ("", CrashPlace.TASK)
