"""Parts and rules every test shares. PySide6 is imported only by the fixtures that need it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import psutil
import pytest

from tests.clock import ManualClock, StillClock

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.pop("DBUS_SESSION_BUS_ADDRESS", None)  # the desktop of whoever runs the tests is not notified

MEMORY = Path("/dev/shm")  # noqa: S108 - fresh directories of our own are made in it
ROOM = 4 * 1024**3
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    # `tmp_path`, and what children keep there: every commit of a database waits for a disk, and none for memory.
    tempfile.tempdir = os.environ["TMPDIR"] = str(MEMORY)

T = TypeVar("T")


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def manual_clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fast_dir(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where the machine has one: for databases, whose every commit waits for the disk."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="conecta-test-", dir=MEMORY, ignore_cleanup_errors=True) as directory:
        yield Path(directory)


class OnQt(Protocol):
    """Runs a coroutine function to its end on Qt's own loop, as the program does; fails after *within* seconds."""

    def __call__(self, main: Callable[[], Coroutine[Any, Any, T]], *, within: float = 10) -> T: ...


@pytest.fixture
def on_qt(qapp: QApplication) -> OnQt:
    from app.ui.async_slots import new_loop

    qapp.setQuitOnLastWindowClosed(False)  # otherwise closing a window stops the loop under the test

    def run(main: Callable[[], Coroutine[Any, Any, T]], *, within: float = 10) -> T:
        async def limited() -> T:
            async with asyncio.timeout(within):
                return await main()

        with asyncio.Runner(loop_factory=lambda: new_loop(qapp)) as runner:
            return runner.run(limited())

    return run


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function to its end: on Qt's loop if it uses `on_qt`, else on asyncio's own.

    The mark `within` says how many seconds it may take instead of 30.
    """
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    parts = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    mark = pyfuncitem.get_closest_marker("within")
    within = mark.args[0] if mark is not None else 30
    on_qt: OnQt | None = pyfuncitem.funcargs.get("on_qt")  # type: ignore[assignment]
    if on_qt is not None:
        on_qt(lambda: pyfuncitem.obj(**parts), within=within)
        return True

    async def limited() -> None:
        async with asyncio.timeout(within):
            await pyfuncitem.obj(**parts)

    asyncio.run(limited())
    return True


# A test that never gives its event loop back cannot be ended by a timeout on that loop, nor by pytest-timeout's
# exception once the loop swallows it. So each test also has a limit that ends its process: pytest-xdist then names the
# test, and without it the line below does. The limit of the whole run is kept by the process that hands out the tests.
HARD_LIMIT_OF_A_TEST = 330  # seconds; pytest-timeout ends it after 300, politely
HARD_LIMIT_OF_THE_RUN = 60 * float(os.environ.get("CONECTA_TEST_MINUTES", "25"))
_running: dict[str, float] = {}


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        watchdog = threading.Timer(HARD_LIMIT_OF_THE_RUN, _end_the_run, [session.config])
        watchdog.daemon = True
        watchdog.start()


def pytest_runtest_logstart(nodeid: str) -> None:
    _running[nodeid] = time.monotonic()


def pytest_runtest_logfinish(nodeid: str) -> None:
    _running.pop(nodeid, None)


def _end_the_run(config: pytest.Config) -> None:
    unfinished = "".join(f"\n  {nodeid}, for {time.monotonic() - at:.0f} s" for nodeid, at in _running.items())
    minutes = HARD_LIMIT_OF_THE_RUN / 60
    _end(config, f"The tests took over {minutes:g} minutes and were ended. Running then:{unfinished}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    limit = f"{item.nodeid} did not end within {HARD_LIMIT_OF_A_TEST} seconds; its process was ended."
    watchdog = threading.Timer(HARD_LIMIT_OF_A_TEST, _end, [item.config, limit])
    watchdog.daemon = True
    watchdog.start()
    try:
        return (yield)
    finally:
        watchdog.cancel()


def _end(config: pytest.Config, why: str) -> None:
    if capturing := config.pluginmanager.getplugin("capturemanager"):
        capturing.suspend(in_=True)  # else what is written is lost with the process
    os.write(2, f"\n{why}\n".encode())
    os._exit(3)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = _in_order(items)


def _in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """The files with a slow test in the first half, evenly among the others.

    Several processes share the files. One that is slow must not be the last, and they must not all be at work at once.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    slow = [each for each in files.values() if any(item.get_closest_marker("slow") for item in each)]
    quick = [each for each in files.values() if each not in slow]
    between = len(quick) // 2 // max(len(slow), 1)
    order: list[list[pytest.Item]] = []
    for place, each in enumerate(slow):
        order += [each, *quick[place * between : (place + 1) * between]]
    order += quick[len(slow) * between :]
    return [item for each in order for item in each]


def pytest_collection_finish() -> None:
    """What was imported until now stays anyway; frozen, it costs the collections between tests no time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def freeze_what_stays() -> None:
    """What outlived the tests of the files before stays, too: else each test is slower to end than the last."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def no_session_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """A session host that outlives the tests of a file fails the last of them: the next one would find it."""
    yield
    latest = time.monotonic() + 5
    while left := _session_hosts():
        if time.monotonic() > latest:
            for process in left:
                process.kill()
            pytest.fail(f"{request.node.nodeid} left {len(left)} session hosts behind", pytrace=False)
        time.sleep(0.02)


def _session_hosts() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and "session_host" in " ".join(process.cmdline()):
                found.append(process)
    return found


@pytest.fixture(autouse=True)
def collect_here(request: pytest.FixtureRequest) -> Iterator[None]:
    """Garbage is collected on this thread only, as in the program: elsewhere Qt's objects die on the wrong thread.

    What a test has made is in the youngest generation. Widgets may become garbage in a later test: then all are looked
    through, or Python would take a new object of Qt for the one that was at its address before.
    """
    gc.disable()
    yield
    gc.collect(2 if "qapp" in request.fixturenames else 0)


class _LogCapture(logging.Handler):
    """Keeps what was logged, in words; a record may hold on to anything."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name}: {self.format(record)}")


@pytest.fixture(autouse=True)
def no_unexpected_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """A warning or error in the log fails the test, unless the test asked for `caplog` and so looks at it itself."""
    if "caplog" in request.fixturenames:
        yield
        return
    overheard = _LogCapture()
    logging.getLogger().addHandler(overheard)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(overheard)
    if overheard.lines:
        pytest.fail("unexpected in the log:\n" + "\n".join(overheard.lines), pytrace=False)


@pytest.fixture(autouse=True)
def no_dangling_tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A task that outlives its loop's main coroutine fails the test: `asyncio.run` cancels it without a word."""
    dangling: list[str] = []
    cancel_all: Callable[[asyncio.AbstractEventLoop], None] = vars(asyncio.runners)["_cancel_all_tasks"]

    def notice(loop: asyncio.AbstractEventLoop) -> None:
        dangling.extend(repr(task) for task in asyncio.all_tasks(loop) if not task.cancelling())
        cancel_all(loop)

    monkeypatch.setattr(asyncio.runners, "_cancel_all_tasks", notice)  # every `run` and `Runner` ends through it
    yield
    if dangling:
        pytest.fail("tasks left running:\n" + "\n".join(dangling), pytrace=False)
