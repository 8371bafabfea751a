"""Qt and asyncio on one thread: slots that wait, dialogs that are awaited, and a clean end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from shiboken6 import delete

from app.domain.errors import Problem, ProblemCode
from app.ui.async_slots import async_slot, cancel_slots, show_dialog
from tests.conftest import OnQt


class SpoolWriter(QWidget):
    """Does what it is asked, and remembers what it showed."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[object] = []

    def show_problem(self, problem: Problem) -> None:
        self.shown.append(problem.code)

    def show_crash(self, error: Exception) -> None:
        self.shown.append(error)

    @async_slot
    async def work(self, outcome: object) -> None:
        await asyncio.sleep(0)
        if isinstance(outcome, Exception):
            raise outcome
        self.shown.append(outcome)

    @async_slot
    async def wait_forever(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.shown.append("cleaned up")


def test_a_key_before_the_loop_runs_does_nothing(qapp: QApplication) -> None:
    spool_writer = SpoolWriter()
    spool_writer.work("done")
    assert spool_writer.shown == []


def test_a_slot_may_wait(on_qt: OnQt) -> None:
    async def main() -> list[object]:
        spool_writer = SpoolWriter()
        spool_writer.work("done")
        await asyncio.sleep(0.05)
        return spool_writer.shown

    assert on_qt(main) == ["done"]


def test_a_problem_becomes_a_sentence_and_a_bug_a_report(on_qt: OnQt, caplog: pytest.LogCaptureFixture) -> None:
    bug = ZeroDivisionError()

    async def main() -> list[object]:
        spool_writer = SpoolWriter()
        spool_writer.work(Problem(ProblemCode.NAME_MISSING))
        spool_writer.work(bug)
        await asyncio.sleep(0.05)
        return spool_writer.shown

    assert on_qt(main) == [ProblemCode.NAME_MISSING, bug]
    assert "SpoolWriter.work failed" in caplog.text


def test_what_a_part_cannot_show_is_shown_by_the_nearest_around_it(
    on_qt: OnQt, caplog: pytest.LogCaptureFixture
) -> None:
    class Part(QWidget):
        @async_slot
        async def work(self, outcome: Exception) -> None:
            raise outcome

    class Inner(QWidget):
        def __init__(self, parent: QWidget) -> None:
            super().__init__(parent)
            self.shown: list[object] = []

        def show_problem(self, problem: Problem) -> None:
            self.shown.append(problem.code)

    async def main() -> None:
        outer, bug = SpoolWriter(), ZeroDivisionError()
        inner = Inner(outer)
        part = Part(QWidget(inner))
        part.work(Problem(ProblemCode.NAME_MISSING))
        part.work(bug)
        await asyncio.sleep(0.05)
        assert inner.shown == [ProblemCode.NAME_MISSING]
        assert outer.shown == [bug]
        alone = Part()
        alone.work(Problem(ProblemCode.PHONE_TAKEN, name="Ana"))
        await asyncio.sleep(0.05)

    on_qt(main)
    assert "Nothing shows the errors of Part" in caplog.text
    assert "Ana" not in caplog.text


def test_an_answer_for_a_widget_that_is_gone_is_nobodys(on_qt: OnQt) -> None:
    class Label(SpoolWriter):
        @async_slot
        async def title(self, outcome: Problem | None = None) -> None:
            await asyncio.sleep(0.01)
            if outcome is not None:
                raise outcome
            self.setWindowTitle("too late")

    async def main() -> list[object]:
        label = Label()
        label.title()
        label.title(Problem(ProblemCode.NAME_MISSING))
        delete(label)
        await asyncio.sleep(0.05)
        return label.shown

    assert on_qt(main) == []


def test_what_was_asked_survives_a_collection_and_is_ended_at_close(on_qt: OnQt) -> None:
    async def main() -> list[object]:
        spool_writer = SpoolWriter()
        spool_writer.wait_forever()
        await asyncio.sleep(0.01)
        gc.collect()
        await cancel_slots()
        return spool_writer.shown

    assert on_qt(main) == ["cleaned up"]


@pytest.mark.parametrize("answer", [QDialog.DialogCode.Accepted, QDialog.DialogCode.Rejected])
def test_a_dialog_is_awaited_while_everything_else_goes_on(on_qt: OnQt, answer: QDialog.DialogCode) -> None:
    ticks: list[int] = []

    async def tick() -> None:
        while True:
            ticks.append(1)
            await asyncio.sleep(0.005)

    async def main() -> QDialog.DialogCode:
        ticking = asyncio.get_running_loop().create_task(tick())
        dialog = QDialog()
        QTimer.singleShot(100, lambda: dialog.done(answer.value))
        given = await show_dialog(dialog)
        ticking.cancel()
        await asyncio.wait([ticking])
        return given

    assert on_qt(main) == answer
    assert len(ticks) > 3


def test_a_question_nobody_waits_for_any_more_is_closed(on_qt: OnQt) -> None:
    async def main() -> list[int]:
        dialog = QDialog()
        answers: list[int] = []
        dialog.finished.connect(answers.append)
        asking = asyncio.get_running_loop().create_task(show_dialog(dialog))
        await asyncio.sleep(0.02)
        asking.cancel()
        await asyncio.wait([asking])
        return answers

    assert on_qt(main) == [QDialog.DialogCode.Rejected.value]


PROGRAM = textwrap.dedent(
    """
    import asyncio, gc, sys
    from PySide6.QtWidgets import QApplication, QWidget
    from app.ui.async_slots import run

    app = QApplication([])

    async def main():
        window = QWidget()
        window.show()
        assert not gc.isenabled()
        assert gc.get_freeze_count() > 10_000  # what was loaded is not looked through each time
        try:
            print("ready", flush=True)
            {body}
        finally:
            await asyncio.sleep(0)
            print("closed", flush=True)

    run(app, main)
    print("ended", flush=True)
    """
)


def start(body: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    program = subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    return program


def end_of(program: subprocess.Popen[str]) -> tuple[str, str, int]:
    """What it said after "ready", on both channels, and its exit code.

    Not `communicate`: that reads past what `readline` has already taken out of the pipe.
    """
    assert program.stdout is not None
    assert program.stderr is not None
    with program.stdout as out, program.stderr as err:
        return out.read(), err.read(), program.wait(20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_program_in_order(number: signal.Signals) -> None:
    program = start("await asyncio.Event().wait()")
    program.send_signal(number)
    out, err, code = end_of(program)
    assert (out, code) == ("closed\nended\n", 0), err


def test_closing_the_last_window_does_not_stop_the_loop_under_the_program() -> None:
    program = start("window.close(); await asyncio.to_thread(print, 'still here')")
    out, err, code = end_of(program)
    assert (out, code) == ("still here\nclosed\nended\n", 0), err


def test_the_fixture_and_the_program_agree_on_closing(qapp: QApplication, on_qt: OnQt) -> None:
    assert not qapp.quitOnLastWindowClosed()
