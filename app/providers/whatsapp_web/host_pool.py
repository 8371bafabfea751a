"""Which session is opened in which host: several share one, and a pairing has one of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from app.domain.link_status import HostPlacement
from app.platform.system import process_memory
from app.providers.hosts.fork_server import ForkServer, can_fork
from app.providers.hosts.process import HEARTBEAT_SECONDS, HostExited
from app.providers.whatsapp_web.host_process import HostProcess, MoveRequested, SessionMessage, host_environment
from app.providers.whatsapp_web.protocol import Open, OpenMode, SetLogging

log = logging.getLogger(__name__)

_CLOSED_WITHIN: Final = 5.0
"""Seconds after which a host that does not let go of a session is ended. A start that dials can take longer."""

_LIVES: Final = 3
"""A host opens at most so many times as many sessions as it may hold: the library forgets none of them entirely."""

_REMEMBERED: Final = 24 * 3600.0
_ALONE_FOR: Final = 3600.0
"""Seconds. A session whose host ended twice within the first is alone for the second after the last time, and twice as
long with each further time."""

_FORK_FAILURES: Final = 3
"""After so many in a row, or one server that does not answer, every host is a program of its own."""

_numbers = count(1)


@dataclass(eq=False, kw_only=True)
class SharedHost:
    """A host process, and what is open in it."""

    alone: bool  # takes no second session
    forked: bool  # if that could be done
    process: HostProcess
    starting: asyncio.Task[HostProcess]
    sessions: set[HostedSession] = field(default_factory=set)
    files: set[Path] = field(default_factory=set)  # of every session it ever had: none comes back to it
    emptying: bool = False  # its one session is about to move
    ended: bool = False

    def takes(self, file: Path, limit: int) -> bool:
        """Whether the session in *file* can be opened here, beside others."""
        full = len(self.sessions) >= limit or len(self.files) >= _LIVES * limit
        return not (self.alone or self.emptying or self.ended or full or file in self.files)


class HostedSession:
    """A session that has its place in a host."""

    def __init__(self, host: SharedHost, file: Path, mode: OpenMode) -> None:
        self.id = f"s{next(_numbers)}"
        self.host = host
        self.file = file
        self.mode = mode
        self.incoming: asyncio.Queue[SessionMessage] = host.process.join(self.id)
        self.ends_host = False  # it said that the library would abort

    def open(self, *, device_name: str, proxy: str) -> None:
        """Open it there, or begin its pairing."""
        message = Open(session=self.id, mode=self.mode, file=str(self.file), device_name=device_name, proxy=proxy)
        self.host.process.send(message)

    def move(self) -> None:
        """Tell whoever follows the session that it should move to another host."""
        self.host.emptying = True
        self.incoming.put_nowait(MoveRequested())


class HostPool:
    """Every session host there is. One that has nothing open any more is ended."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        sessions_per_host: Callable[[], int],
        heartbeat: float = HEARTBEAT_SECONDS,
        detailed_log: bool = False,
        fork: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """*sessions_per_host* is asked whenever a session is placed; *fork* lets hosts be forked where they can be."""
        self._command = list(command)
        self._sessions_per_host = sessions_per_host
        self._heartbeat = heartbeat
        self._detailed_log = detailed_log
        self._monotonic = monotonic
        self._forks = fork and can_fork()
        self._fork_failures = 0
        self._fork_server: asyncio.Task[ForkServer] | None = None
        self._hosts: set[SharedHost] = set()
        self._exits: defaultdict[Path, list[float]] = defaultdict(list)  # of the hosts that a session was open in
        self._releases: set[asyncio.Task[None]] = set()

    async def place(self, file: Path, mode: OpenMode) -> HostedSession:
        """Give the session in *file* its place in a host that runs; raises `Problem`."""
        host = self._choose(file, mode)
        session = HostedSession(host, file, mode)
        host.sessions.add(session)
        host.files.add(file)
        try:
            await asyncio.shield(host.starting)
        except BaseException:
            await self.release(session)
            raise
        return session

    async def release(self, session: HostedSession) -> None:
        """Close *session*; when this returns, or is cancelled, its files are free."""
        task = asyncio.get_running_loop().create_task(self._release(session))
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    async def _release(self, session: HostedSession) -> None:
        host = session.host
        if session.ends_host:
            host.ended = True
            self._blame(session)
        if host.ended:
            await host.process.close()  # it may live on, and have the files
        elif len(host.sessions) > 1 and host.process.pid:
            await host.process.leave(session.id, _CLOSED_WITHIN)
        host.sessions.discard(session)
        if not host.sessions and host in self._hosts:
            self._hosts.discard(host)
            host.ended = True
            if not host.starting.done():
                host.starting.cancel()
            await asyncio.wait([host.starting])
            await host.process.close()
            if not any(each.forked for each in self._hosts):
                await self._end_fork_server()

    def _choose(self, file: Path, mode: OpenMode) -> SharedHost:
        """The fullest host with room, or a new one."""
        limit = self._limit
        if mode is OpenMode.PAIR:
            return self._start_host(alone=True, fork=False)  # a fork server that has to start first delays the code
        if limit == 1 or self.is_alone(file):
            return self._start_host(alone=True)
        with_room = [host for host in self._hosts if host.takes(file, limit)]
        return max(with_room, key=lambda host: len(host.sessions)) if with_room else self._start_host(alone=False)

    @property
    def _limit(self) -> int:
        # A host keeps the files of sessions that left it open, and there no open file can be replaced.
        return 1 if os.name == "nt" else self._sessions_per_host()

    def _start_host(self, *, alone: bool, fork: bool = True) -> SharedHost:
        # A single host takes less without a server beside it.
        fork = fork and self._forks and any(not host.ended for host in self._hosts)
        process = HostProcess(self._heartbeat, on_exit=lambda exited: self._on_exit(host, exited))
        # What a shared host does belongs to no mentorado's log.
        context = None if alone else Context()
        starting = asyncio.get_running_loop().create_task(self._start(process, fork=fork), context=context)
        starting.add_done_callback(lambda task: task.cancelled() or task.exception())  # somebody else may hear of it
        host = SharedHost(alone=alone, forked=fork, process=process, starting=starting)
        self._hosts.add(host)
        return host

    async def _start(self, process: HostProcess, *, fork: bool) -> HostProcess:
        if not (fork and await self._fork(process)):
            await process.start(self._command, host_environment(os.environ))
        if self._detailed_log:
            process.send(SetLogging(enabled=True))
        return process

    async def _fork(self, process: HostProcess) -> bool:
        """Fork *process*; False when that cannot be done, and is not to be tried again."""
        while self._forks:
            if self._fork_server is None:
                starting = ForkServer().start(self._command, host_environment(os.environ))
                # What the server does belongs to no mentorado's log.
                self._fork_server = asyncio.get_running_loop().create_task(starting, context=Context())
            server = self._fork_server
            try:
                await (await asyncio.shield(server)).fork(process)
            except OSError as error:
                if server is self._fork_server:
                    self._fork_failures += 1
                    self._forks = self._fork_failures < _FORK_FAILURES and not isinstance(error, TimeoutError)
                    log.info("A session host could not be forked: %s", error)
                    if not self._forks:
                        log.info("No session host is forked any more")
                    await self._end_fork_server()
            else:
                self._fork_failures = 0
                return True
        return False

    async def _end_fork_server(self) -> None:
        server, self._fork_server = self._fork_server, None
        if server is not None:
            if not server.done():  # else whoever is cancelled here would leave it behind
                await asyncio.wait([server])
            if not server.cancelled() and server.exception() is None:
                await server.result().close()

    # --- hosts that end ---------------------------------------------------------------------------------------------

    def _on_exit(self, host: SharedHost, exited: HostExited) -> None:
        host.ended = True
        if not exited.given_up:
            for session in host.sessions:
                self._blame(session)
        log.info("A session host with %d sessions ended: %s", len(host.sessions), exited.detail)

    def _blame(self, session: HostedSession) -> None:
        self._exits[session.file].append(self._monotonic())

    def is_alone(self, file: Path) -> bool:
        """Whether the session in *file* is kept away from others, because its host ended too often."""
        now = self._monotonic()
        exits = self._exits[file] = [at for at in self._exits[file] if now - at < _REMEMBERED]
        return len(exits) >= 2 and now - exits[-1] < _ALONE_FOR * 2 ** (len(exits) - 2)

    # --- moving -----------------------------------------------------------------------------------------------------

    def should_move(self, session: HostedSession) -> bool:
        """Whether *session* has a host of its own and could share one."""
        host, limit = session.host, self._limit
        if limit == 1 or host.ended or host.emptying or len(host.sessions) != 1 or self.is_alone(session.file):
            return False
        return any(
            other.takes(session.file, limit) or self._will_move(other) for other in self._hosts if other is not host
        )

    def _will_move(self, host: SharedHost) -> bool:
        """Whether *host* has a host of its own for no other reason than its pairing."""
        return (
            host.alone
            and not (host.emptying or host.ended)
            and not any(self.is_alone(session.file) for session in host.sessions)
        )

    # ----------------------------------------------------------------------------------------------------------------

    def set_detailed_log(self, on: bool) -> None:
        """Whether hosts pass the library's log on."""
        self._detailed_log = on
        for host in self._hosts:
            host.process.send(SetLogging(enabled=on))

    def pids(self) -> list[int]:
        """The process of each host."""
        return [host.process.pid for host in self._hosts if host.process.pid]

    def placement(self, session: HostedSession) -> HostPlacement:
        """Where *session* is."""
        host = session.host
        return HostPlacement(
            pid=host.process.pid,
            others=len(host.sessions) - 1,
            kept_alone=self.is_alone(session.file),
            memory=host.process.memory,
        )

    def memory(self) -> list[int]:
        """Bytes of each host: as it said with its last sign of life, or as the system tells of one that is new."""
        found = [host.process.memory or process_memory(host.process.pid) for host in tuple(self._hosts)]
        return [size for size in found if size is not None]
