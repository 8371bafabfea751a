"""``conecta run``: keeps every enabled link connected and runs the background jobs, without a window."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Final

from app.bootstrap import build_services
from app.core.background import BackgroundTasks
from app.domain.audit import AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.events import StatusChanged
from app.domain.guidance import recommend
from app.domain.link_status import LinkState
from app.platform.files import require_room
from app.platform.locks import FileLock, LockHeld
from app.platform.logging import log_to
from app.platform.system import ending_signals
from app.platform.terminal import discard_terminal
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.settings import Settings
from app.text import status as status_text
from app.text.status import texts

SEND_SECONDS: Final = 0.5
"""How long a service manager that does not read may hold up the event loop."""


class ServiceManager:
    """Sends datagrams to the socket that systemd names in the environment.

    Removes the variables from *environment*, so that child processes do not notify systemd.
    """

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        values = os.environ if environment is None else environment
        self._address = _address(values.pop("NOTIFY_SOCKET", ""))
        microseconds, pid = values.pop("WATCHDOG_USEC", ""), values.pop("WATCHDOG_PID", "")
        meant = pid in ("", str(os.getpid()))
        self._heartbeat_seconds = int(microseconds) / 2_000_000 if meant and microseconds.isdecimal() else 0.0
        self._status = ""

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def status(self, words: str) -> None:
        """Show *words*, a single line, in ``systemctl status``."""
        if words != self._status:
            self._status = words
            self._send(f"STATUS={words}")

    async def keep_alive(self) -> None:
        """Notify systemd's watchdog from the event loop, twice per watchdog interval."""
        while self._heartbeat_seconds > 0:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self._heartbeat_seconds)

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(SEND_SECONDS)
            sender.sendto(message.encode(), self._address)


def _address(named: str) -> str:
    """Return a path or a name in Linux's abstract namespace (written with @); empty when it is neither."""
    if not named.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return ""
    return f"\0{named[1:]}" if named.startswith("@") else named


log = logging.getLogger(__name__)

DONE = 0


async def run_until_stopped(settings: Settings, *, as_json: bool) -> int:
    """Keep the links connected until one of `ending_signals` comes, then close them and return 0. Raises `Problem`.

    With *as_json*, standard output is the log, an object per line; else a line per status change.
    """
    stop = asyncio.Event()
    with _set_on_signals(stop):
        manager = ServiceManager()
        log_to(sys.stdout if as_json else sys.stderr, as_json=as_json)
        lock = lock_data_folder(settings)
        try:
            core = build_services(settings)
            moves = _StatusReporter(core, manager, as_json=as_json)
            core.bus.subscribe(StatusChanged, moves.on_status)
            async with BackgroundTasks(manager.keep_alive), core.running():
                await core.open()
                if lock.left_by is not None:
                    core.audit_service.record(AuditAction.TAKE_OVER_WINDOW, before={"owner": str(lock.left_by)})
                await core.supervisor.start_enabled()
                moves.report_ready()
                await stop.wait()
                manager.stopping()
                moves.report_stopping()
        finally:
            lock.release()
    return DONE


class _StatusReporter:
    """Reports status changes of the links on standard output and to systemd."""

    def __init__(self, core: Services, manager: ServiceManager, *, as_json: bool) -> None:
        self._core = core
        self._manager = manager
        self._as_json = as_json
        self._stopping = False

    def report_ready(self) -> None:
        wanted = self._enabled_count()
        log.info("Ready: %d enabled links", wanted)
        if not self._as_json:
            print(texts.plural("cli.run_ready", wanted))
        self._manager.ready()
        self._manager.status(self._summary())

    def report_stopping(self) -> None:
        self._stopping = True
        log.info("Stop requested")
        if not self._as_json:
            print(texts("cli.run_stopping"))

    def on_status(self, event: StatusChanged) -> None:
        before, after = event.before, event.after
        if self._stopping or (before.state, before.reason) == (after.state, after.reason):
            return
        if not self._as_json:
            name = self._core.mentorados.get(event.mentorado_id).name
            print(f"{name}: {status_text.state_badge(after)}")
            if after.state is LinkState.BLOCKED:
                print(f"{name}: {status_text.next_step(recommend(after.state, after.reason))}")
        self._manager.status(self._summary())

    def _enabled_count(self) -> int:
        return sum(each.link.enabled and not each.archived for each in self._core.mentorados.all())

    def _summary(self) -> str:
        status, people = self._core.supervisor.status, self._core.mentorados.all()
        up = sum(status(each.link.id).state is LinkState.CONNECTED for each in people)
        return texts("cli.run_status", up=up, wanted=self._enabled_count())


@contextmanager
def _set_on_signals(stop: asyncio.Event) -> Iterator[None]:
    loop, caught = asyncio.get_running_loop(), []
    for number in ending_signals():
        with suppress(NotImplementedError):  # Windows: Ctrl+C cancels the task, which closes the connections too
            loop.add_signal_handler(number, _stop, number, stop)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


def _stop(number: signal.Signals, stop: asyncio.Event) -> None:
    if number not in (signal.SIGTERM, signal.SIGINT):
        discard_terminal()
    stop.set()


def lock_data_folder(settings: Settings) -> FileLock:
    """Take the lock on the data folder. Raises `Problem` that names the program that holds it."""
    try:
        return FileLock.take(settings.instance)
    except LockHeld as held:
        code = ProblemCode.WINDOW_HELD_ELSEWHERE if held.may_be_overruled else ProblemCode.LINKS_HELD
        raise Problem(code, holder=held.owner.label() if held.owner else "—") from None
    except OSError as error:
        require_room(settings.data_dir)
        raise Problem(
            ProblemCode.DATABASE_NOT_WRITABLE, path=str(settings.instance), detail=error.strerror or ""
        ) from error
