"""``conecta run``: holds every link that should run, and does the daily work, without a window."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from app.bootstrap import Core, build_core
from app.core.chores import Chores
from app.domain.connection import LinkState
from app.domain.deeds import DeedName
from app.domain.errors import Code, Problem
from app.domain.events import StatusChanged
from app.domain.guidance import recommend
from app.file_lock import FileLock, LockHeld
from app.files import require_room
from app.logs import log_to
from app.service_manager import ServiceManager
from app.settings import Settings
from app.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.ui import text
from app.ui.text import texts

log = logging.getLogger(__name__)

DONE = 0


async def run_until_stopped(settings: Settings, *, as_json: bool) -> int:
    """Hold the links until SIGTERM or SIGINT, then close every line and return 0. Raises `Problem`.

    With *as_json* standard output is the log, an object per line; else a line per move of a link.
    """
    stop = asyncio.Event()
    with _stopped_by_signals(stop):
        manager = ServiceManager()
        log_to(sys.stdout if as_json else sys.stderr, as_json=as_json)
        lock = _only_program(settings)
        try:
            core = build_core(settings)
            moves = _Moves(core, manager, as_json=as_json)
            core.bus.subscribe(StatusChanged, moves.on_status)
            async with Chores(manager.keep_alive), core.running():
                await core.open()
                if lock.left_by is not None:
                    core.witness.record(DeedName.TAKE_OVER_WINDOW, before={"owner": str(lock.left_by)})
                await core.supervisor.start_wanted()
                moves.tell_ready()
                await stop.wait()
                manager.stopping()
                moves.tell_stopping()
        finally:
            lock.release()
    return DONE


class _Moves:
    """Tells what happens to the links: whoever reads standard output, and systemd."""

    def __init__(self, core: Core, manager: ServiceManager, *, as_json: bool) -> None:
        self._core = core
        self._manager = manager
        self._as_json = as_json
        self._stopping = False

    def tell_ready(self) -> None:
        wanted = self._wanted()
        log.info("Ready: %d links should run", wanted)
        if not self._as_json:
            print(texts.plural("cli.run_ready", wanted))
        self._manager.ready()
        self._manager.status(self._summary())

    def tell_stopping(self) -> None:
        self._stopping = True
        log.info("Asked to end")
        if not self._as_json:
            print(texts("cli.run_stopping"))

    def on_status(self, event: StatusChanged) -> None:
        before, after = event.before, event.after
        if self._stopping or (before.state, before.reason) == (after.state, after.reason):
            return
        if not self._as_json:
            name = self._core.enrolments.get(event.mentorado_id).mentorado.name
            print(f"{name}: {text.state_badge(after)}")
            if after.state is LinkState.BLOCKED:
                print(f"{name}: {text.next_step(recommend(after.state, after.reason))}")
        self._manager.status(self._summary())

    def _wanted(self) -> int:
        return sum(each.link.wanted and not each.mentorado.archived for each in self._core.enrolments.all())

    def _summary(self) -> str:
        status = self._core.supervisor.status
        up = sum(status(link).state is LinkState.CONNECTED for link in self._core.supervisor.running())
        return texts("cli.run_status", up=up, wanted=self._wanted())


@contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    loop, caught = asyncio.get_running_loop(), []
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows: Ctrl+C cancels the task, which closes the lines too
            loop.add_signal_handler(number, stop.set)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


def _only_program(settings: Settings) -> FileLock:
    """Become the one program that holds the links of this data folder. Raises `Problem` that names another."""
    try:
        return FileLock.take(settings.instance)
    except LockHeld as held:
        code = Code.WINDOW_HELD_ELSEWHERE if held.may_be_overruled else Code.LINKS_HELD
        raise Problem(code, holder=held.owner.label() if held.owner else "—") from None
    except OSError as error:
        require_room(settings.data_dir)
        raise Problem(Code.DATABASE_NOT_WRITABLE, path=str(settings.instance), detail=error.strerror or "") from error
