"""The parent's end of one session host: starts it, reads it to the end, and never leaves it behind."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shlex
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import app
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.providers.hosts.process import kill_child
from app.providers.whatsapp_web import protocol
from app.providers.whatsapp_web.codec import ProtocolError, decode_from_host, encode
from app.providers.whatsapp_web.protocol import Answer, FromHost, LogOut, PairPhone, Ping, Pong, Ready, SendText, ToHost

FROZEN_FLAG: Final = "--session-host"
"""How a frozen build, which has no ``-m``, is told to be a host instead of the app."""

_KEPT_LINES: Final = 50
_LAST_WORDS: Final = 0.5  # seconds that output may still be read after the process has ended
_GRACE: Final = 2.0
_NO_FILES_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE})
HEARTBEAT_SECONDS: Final = 10.0
MISSED: Final = 4
"""A host that left so many heartbeats in a row unanswered does not work any more. They are counted, not timed: a
computer that slept, or an app that was busy, has missed none of them."""
_FATAL: Final = re.compile(r"^(fatal error: |panic: |Fatal Python error: |\w*Error: ).*")


def host_command(setting: str = "") -> list[str]:
    """The command line that starts a host: ours, or the one `CONECTA_SESSION_HOST` names."""
    if setting.strip():
        return shlex.split(setting, posix=os.name == "posix")
    if getattr(sys, "frozen", False):
        return [sys.executable, FROZEN_FLAG]
    # -P: the current folder, which may be a stranger's, is no place to import from.
    return [sys.executable, "-u", "-P", "-m", "app.providers.whatsapp_web.host"]


def host_environment(base: Mapping[str, str]) -> dict[str, str]:
    """What a host is started with. Go reads its environment once, at the start, so this is the only chance."""
    kept = {
        # Processors for Go. With more, what tells the server that we have a message overtakes what hands it to us more
        # often; with one, the latter falls behind in a burst (docs/decisions/0008).
        "GOMAXPROCS": "2",
        **base,
        "NEONIZE_BOT_TAG": "off",  # else neonize marks messages to people as a bot's
    }
    home = str(Path(app.__file__).parent.parent)
    given = base.get("PYTHONPATH", "").split(os.pathsep)
    kept["PYTHONPATH"] = os.pathsep.join([home, *filter(None, given)])  # an empty part means the current folder
    return kept


@dataclass(frozen=True, slots=True)
class HostExited:
    """The host ended, or spoke something else than the protocol; *detail* is for the log."""

    detail: str
    reason: Reason = Reason.HOST_CRASHED


class HostProcess(asyncio.SubprocessProtocol):
    """A running host. What it says waits in `incoming`; answers go to whoever asked."""

    def __init__(self, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._heartbeat = heartbeat  # seconds
        self._pings = 0
        self._ponged = 0  # the number of the last ping that was answered
        self._next_ping: asyncio.TimerHandle | None = None
        self.incoming: asyncio.Queue[FromHost | HostExited] = asyncio.Queue()
        self.noise: deque[str] = deque(maxlen=_KEPT_LINES)  # the library's output: for a crash's detail only
        self._transport: asyncio.SubprocessTransport | None = None
        self._exited = asyncio.Event()
        self._closing = False
        self._gone = False
        self._unread = {1: bytearray(), 2: bytearray()}
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._requests = 0

    @classmethod
    async def start(
        cls, command: Sequence[str], environment: Mapping[str, str], *, heartbeat: float = HEARTBEAT_SECONDS
    ) -> HostProcess:
        """Start *command*; raises `Problem` when there is no such program. *heartbeat* is the pause in seconds."""
        loop = asyncio.get_running_loop()
        no_window: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows only
        try:
            _, host = await loop.subprocess_exec(
                lambda: cls(heartbeat), *command, env=dict(environment), creationflags=no_window
            )
        except OSError as error:
            if error.errno in _NO_FILES_LEFT:
                raise Problem(ProblemCode.TOO_MANY_OPEN_FILES, why=error.strerror or str(error)) from error
            raise Problem(ProblemCode.HOST_NOT_STARTED, command=command[0], why=error.strerror or str(error)) from error
        return host

    @property
    def pid(self) -> int:
        return self._transport.get_pid() if self._transport else 0

    def send(self, message: ToHost) -> None:
        """Tell the host; into the void when it is gone."""
        pipe = self._transport.get_pipe_transport(0) if self._transport else None
        if isinstance(pipe, asyncio.WriteTransport) and not pipe.is_closing():
            pipe.write(encode(message))

    async def ask(self, question: Callable[[int], SendText | PairPhone | LogOut], within: float) -> Answer:
        """Ask, and wait for the answer; raises `Problem` when it is a refusal or does not come.

        A request that timed out may still be carried out: the host cannot take it back.
        """
        self._requests += 1
        request = self._requests
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[request] = answer
        if self._gone:
            answer.set_exception(self._ended())
        else:
            self.send(question(request))
        try:
            async with asyncio.timeout(within):
                answered = await answer
        except TimeoutError:
            raise Problem(ProblemCode.REQUEST_TIMED_OUT, seconds=f"{within:g}") from None
        finally:
            del self._asked[request]
        if answered.error:
            raise Problem(ProblemCode.REQUEST_REFUSED, why=answered.error)
        return answered

    async def close(self) -> None:
        """End the host: it leaves by itself when its input closes, or is killed."""
        transport = self._transport
        if transport is None:
            return
        self._stop_heartbeat()
        self._closing = True
        if self._exited.is_set():
            transport.close()
            return
        try:
            if (pipe := transport.get_pipe_transport(0)) is not None:
                pipe.close()
            await self._wait_for_exit()
        finally:  # also when we are cancelled here: the host must be gone before anybody else may open its session
            if not self._exited.is_set():
                kill_child(transport)
                await self._wait_for_exit()

    async def _wait_for_exit(self) -> None:
        try:
            async with asyncio.timeout(_GRACE):
                await self._exited.wait()
        except TimeoutError:
            pass

    # --- called by the loop ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        unread = self._unread[fd]
        unread += data
        if b"\n" in data:
            *lines, rest = bytes(unread).split(b"\n")
            unread[:] = rest
            for line in lines:
                if fd == 1:
                    self._hear(line)
                else:
                    self.noise.append(line.decode(errors="replace"))
        if len(unread) > protocol.LINE_LIMIT:
            unread.clear()
            if fd == 1:
                self._end("it sent a line without end")

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:  # it can say no more; normally because it ended, which is about to be known
            asyncio.get_running_loop().call_later(_LAST_WORDS, self._end, "it closed its output")

    def process_exited(self) -> None:
        self._exited.set()
        if self._closing and self._transport is not None:
            self._transport.close()  # not before: while the exit is unknown it polls, which loses the exit code
        asyncio.get_running_loop().call_later(_LAST_WORDS, self._end_by_death)

    def connection_lost(self, exc: Exception | None) -> None:
        """The process ended and all its output was read."""
        self._end_by_death()

    # ----------------------------------------------------------------------------------------------------------------

    def _hear(self, line: bytes) -> None:
        if self._gone:
            return
        try:
            message = decode_from_host(line)
        except ProtocolError as error:
            self._end(f"not understood: {error}")
            return
        if isinstance(message, Ready):
            self._ping_later()
        if isinstance(message, Pong):
            self._ponged = message.number
        if not isinstance(message, Answer):
            self.incoming.put_nowait(message)
        elif (answer := self._asked.get(message.request)) is not None and not answer.done():
            answer.set_result(message)

    def _ping(self) -> None:
        """Send the next heartbeat, or give the host up that answered none of the last ones."""
        if self._pings - self._ponged >= MISSED:
            self._end(f"no answer for {MISSED * self._heartbeat:g} s", Reason.HOST_FROZEN)
            return
        self._pings += 1
        self.send(Ping(number=self._pings))
        self._ping_later()

    def _ping_later(self) -> None:
        self._next_ping = asyncio.get_running_loop().call_later(self._heartbeat, self._ping)

    def _stop_heartbeat(self) -> None:
        if self._next_ping is not None:
            self._next_ping.cancel()

    def _end_by_death(self) -> None:
        self._end(self._death())

    def _end(self, detail: str, reason: Reason = Reason.HOST_CRASHED) -> None:
        if self._gone:
            return
        self._gone = True
        self._stop_heartbeat()
        self.incoming.put_nowait(HostExited(detail, reason))
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(self._ended())

    @staticmethod
    def _ended() -> Problem:
        return Problem(ProblemCode.REQUEST_REFUSED, why="the session host ended")

    def _death(self) -> str:
        code = self._transport.get_returncode() if self._transport else None
        how = f"exit code {code}"
        if code is not None and code < 0:
            try:
                how = signal.Signals(-code).name
            except ValueError:
                how = f"signal {-code}"
        fatal = next((line for line in self.noise if _FATAL.match(line)), "")
        return f"{how}: {fatal}" if fatal else how
