"""Where Qt and asyncio meet. The only file that imports qasync.

Both loops are imported when they are first needed: the window can be on the screen before either is loaded.
"""

from __future__ import annotations

import functools
import gc
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QDialog
from shiboken6 import isValid

from app.domain.errors import Problem
from app.platform.system import ending_signals, give_back_memory

if TYPE_CHECKING:
    import asyncio
    from contextvars import Context

log = logging.getLogger(__name__)

WORKER_THREADS = 32
GC_MILLISECONDS = 1000
GIVE_BACK_MILLISECONDS = 5000

P = ParamSpec("P")


def new_loop(app: QApplication) -> asyncio.AbstractEventLoop:
    """Return an event loop for asyncio that runs on Qt's.

    qasync 0.28 asks ``asyncio.iscoroutinefunction`` about every callback, deprecated in Python 3.14, removed in 3.16.
    """
    import asyncio

    from qasync import QEventLoop

    class Loop(QEventLoop):  # type: ignore[misc]  # qasync has no types
        def call_later(
            self, delay: float, callback: Callable[..., object], *args: object, context: Context | None = None
        ) -> asyncio.Handle:
            handle = asyncio.Handle(callback, args, self, context=context)
            return self._add_callback(handle, max(delay, 0))  # type: ignore[no-any-return]

    loop: asyncio.AbstractEventLoop = Loop(app)
    return loop


def run(app: QApplication, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run *main* on Qt's loop until it returns; Qt ends when it does, not before. `ending_signals` cancel *main*."""
    import asyncio

    app.setQuitOnLastWindowClosed(False)  # otherwise closing the window stops the loop under everything that must close
    gc.disable()  # a collection in a worker thread would delete widgets there
    gc.freeze()  # what was loaded until now stays: to look through it all takes longer than a frame
    collector = QTimer(interval=GC_MILLISECONDS)
    collector.timeout.connect(_collect)
    collector.start()
    giver = QTimer(interval=GIVE_BACK_MILLISECONDS)
    giver.timeout.connect(give_back_memory)
    giver.start()
    try:
        with asyncio.Runner(loop_factory=lambda: new_loop(app)) as runner, suppress(asyncio.CancelledError):
            runner.run(_start(main))
    finally:
        collector.stop()
        giver.stop()
        gc.unfreeze()
        gc.enable()


async def _start(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    loop.set_default_executor(ThreadPoolExecutor(WORKER_THREADS, thread_name_prefix="worker"))
    for number in ending_signals():
        with suppress(NotImplementedError):  # Windows; there the runner itself minds Ctrl+C
            loop.add_signal_handler(number, task.cancel if task else loop.stop)
    try:
        await main()
    finally:
        await cancel_slots()


def timer_beats(seconds: float, beat: Callable[[], None]) -> Callable[[], None]:
    """The beats of `LoopWatchdog`, at half the price of asyncio's: Qt's timer goes on by itself."""
    timer = QTimer(interval=round(seconds * 1000))
    timer.timeout.connect(beat)
    timer.start()
    return timer.stop


def _collect() -> None:
    """Run the garbage collector on this thread, instead of wherever Python would."""
    for generation in (2, 1, 0):
        if gc.get_count()[generation] > gc.get_threshold()[generation]:
            gc.collect(generation)
            return


W = TypeVar("W")
D = TypeVar("D", bound=QDialog)

_running: set[asyncio.Task[None]] = set()


def async_slot(method: Callable[Concatenate[W, P], Coroutine[Any, Any, None]]) -> Callable[Concatenate[W, P], None]:
    """Make a coroutine method callable from a signal: problems become sentences, bugs become reports.

    `sender()` is gone by the time the coroutine runs, so bind what it needs when connecting. The widget itself may be
    gone by the time it has run: what it meant to show then is nobody's any more. Before the loop runs, when the window
    is only to be seen, nothing happens.
    """

    async def answer(self: W, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await method(self, *args, **kwargs)
        except Problem as problem:
            if _is_there(self):
                show_error(self, problem)
        except Exception as error:
            if isinstance(error, RuntimeError) and not _is_there(self):
                return  # closed meanwhile: there is nothing left to show it on
            log.exception("%s failed", method.__qualname__)
            if _is_there(self):
                show_error(self, error)

    @functools.wraps(method)
    def slot(self: W, /, *args: P.args, **kwargs: P.kwargs) -> None:
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        task = loop.create_task(answer(self, *args, **kwargs), name=method.__qualname__)
        _running.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(_running.discard)

    return slot


def show_error(asker: object, error: Exception) -> None:
    """Show *error* on *asker*, or on the nearest it lies in that can.

    A problem goes to a `show_problem`, anything else to a `show_crash`, and the words of both to a `show_trouble`.
    """
    from app.text.status import problem, texts

    show, at = "show_problem" if isinstance(error, Problem) else "show_crash", asker
    while at is not None:
        if hasattr(at, show):
            getattr(at, show)(error)
            return
        if hasattr(at, "show_trouble"):
            crash = texts("detail.crash"), texts("detail.crash_next")
            at.show_trouble(*(problem(error) if isinstance(error, Problem) else crash))
            return
        at = at.parent() if isinstance(at, QObject) else None
    log.error("Nothing shows the errors of %s", type(asker).__name__)


def until_destroyed(subscriber: QObject, *undo: Callable[[], object]) -> None:
    """Call each of *undo*, which end subscriptions, when *subscriber* is destroyed."""
    subscriber.destroyed.connect(lambda _gone: [each() for each in undo])  # without a reference to *subscriber*


def _is_there(asker: object) -> bool:
    """Whether *asker* can still be touched: a widget may be gone by the time its question is answered."""
    return not isinstance(asker, QObject) or isValid(asker)


async def cancel_slots() -> None:
    """End every slot that still runs, and wait until it has cleaned up."""
    import asyncio

    tasks = [task for task in _running if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def show_dialog(dialog: D) -> QDialog.DialogCode:
    """Show *dialog* window-modally and wait for it, without a second event loop."""
    import asyncio

    finished: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def answer(result: int) -> None:
        if not finished.done():
            finished.set_result(result)

    dialog.finished.connect(answer)
    dialog.open()
    try:
        return QDialog.DialogCode(await finished)
    except asyncio.CancelledError:
        dialog.reject()
        raise
    finally:
        dialog.deleteLater()
