"""The app's end of a child process: starts it, reads it to the end, and never leaves it behind."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, Self, TypeVar, cast

import app
from app.domain.crash_report import read_child_line
from app.domain.link_status import Reason
from app.providers.hosts.codec import Ping, Pong, ProtocolError, encode

log = logging.getLogger(__name__)

ToChild = TypeVar("ToChild")
FromChild = TypeVar("FromChild")

_KEPT_LINES: Final = 50
_DRAIN_SECONDS: Final = 0.5  # seconds that output may still be read after the process has ended
HEARTBEAT_SECONDS: Final = 10.0
_EXIT_CODE_WITHIN: Final = 1.0  # seconds, after a process that somebody else waits for has ended
_UNKNOWN_EXIT_CODE: Final = 255  # asyncio's word for it
MISSED: Final = 4
"""A child that left so many heartbeats in a row unanswered does not work any more. They are counted, not timed: a
computer that slept, or an app that was busy, has missed none of them."""


def child_command(module: str, frozen_flag: str) -> list[str]:
    """The command line that runs *module*; a frozen build has no ``-m``, and is told by *frozen_flag* what to be."""
    if getattr(sys, "frozen", False):
        program = Path(sys.executable)
        host = program.with_name(f"{program.stem}-host{program.suffix}")  # without Qt, so smaller and sooner ready
        return [str(host), frozen_flag]
    # -P: the current folder, which may be a stranger's, is no place to import from.
    return [sys.executable, "-u", "-P", "-m", module]


def child_environment(base: Mapping[str, str]) -> dict[str, str]:
    """*base*, with the folder of the program as the first place to import from."""
    home = str(Path(app.__file__).parent.parent)
    given = base.get("PYTHONPATH", "").split(os.pathsep)
    path = os.pathsep.join([home, *filter(None, given)])  # an empty part means the current folder
    return {**base, "PYTHONPATH": path}


@dataclass(frozen=True, slots=True)
class HostExited:
    """The child ended, or broke the protocol; *detail* is for the log."""

    detail: str
    reason: Reason = Reason.HOST_CRASHED
    given_up: bool = False  # by us, for what need not be its fault


class ChildProcess(asyncio.SubprocessProtocol, Generic[ToChild, FromChild]):
    """A running child. Its messages wait in `incoming`, which ends with a `HostExited`."""

    def __init__(
        self,
        decode: Callable[[bytes], FromChild],
        *,
        line_limit: int,  # bytes; a longer line means that something else is speaking
        grace: float,  # seconds to leave when its input closes, and once more when it was killed
        heartbeat: float,  # seconds
    ) -> None:
        self.incoming: asyncio.Queue[FromChild | HostExited] = asyncio.Queue()
        self.stderr_lines: deque[str] = deque(maxlen=_KEPT_LINES)  # what it printed: for a crash's detail only
        self._decode = decode
        self._line_limit = line_limit
        self._grace = grace
        self._heartbeat = heartbeat
        self._pings = 0
        self._ponged = 0  # the number of the last ping that was answered
        self._next_ping: asyncio.TimerHandle | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._exited = asyncio.Event()
        self._closing = False
        self._gone = False
        self._unread = {1: bytearray(), 2: bytearray()}

    async def start(self, command: Sequence[str], environment: Mapping[str, str], pass_fds: Sequence[int] = ()) -> Self:
        """Run *command*; raises `OSError` when it cannot be."""
        no_window: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows only
        await self.start_by(
            asyncio.get_running_loop().subprocess_exec(
                lambda: self, *command, env=dict(environment), creationflags=no_window, pass_fds=pass_fds
            )
        )
        return self

    async def start_by(self, start: Coroutine[Any, Any, object]) -> None:
        """Run *start*, which makes the process and connects it to this protocol."""
        starting = asyncio.get_running_loop().create_task(start)
        try:
            await asyncio.shield(starting)  # cancelled within, Python 3.11 polls; see `kill`
        except asyncio.CancelledError:
            await asyncio.wait([starting])
            if not starting.cancelled() and starting.exception() is None:
                self.kill()
                await self.close()
            raise

    @property
    def pid(self) -> int:
        return self._transport.get_pid() if self._transport else 0

    @property
    def exit_code(self) -> int | None:
        """Negative for a signal; None while it runs."""
        return self._transport.get_returncode() if self._transport else None

    def send(self, message: ToChild) -> None:
        """Send a message; ignored when the child is gone."""
        pipe = self._transport.get_pipe_transport(0) if self._transport else None
        if isinstance(pipe, asyncio.WriteTransport) and not pipe.is_closing():
            pipe.write(encode(message))

    def start_heartbeat(self) -> None:
        """Ping it from now on. A child that stops answering is killed, and reported as frozen."""
        self._next_ping = asyncio.get_running_loop().call_later(self._heartbeat, self._ping)

    def ping_now(self) -> None:
        """Ping it between two heartbeats. A missing answer does not count: only heartbeats give a child up."""
        self.send(Ping(self._pings))  # type: ignore[arg-type]  # every child knows it

    def kill(self) -> None:
        """Kill the child unless its exit is known.

        The transport's `kill()` polls first in Python 3.11: a child that is just ending is then reaped twice, there
        and by the thread that waits for it, and its exit code is lost.
        """
        if self._transport is not None and self.exit_code is None:
            with suppress(ProcessLookupError):
                if sys.platform == "win32" or isinstance(self._transport, ForkedProcess):
                    self._transport.kill()
                else:
                    os.kill(self.pid, signal.SIGKILL)

    async def close(self) -> None:
        """End the child: it leaves by itself when its input closes, or is killed."""
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
        finally:  # also when cancelled here: it must be gone before anybody else may open its files or its port
            if not self._exited.is_set():
                self.kill()
                await self._wait_for_exit()

    async def _wait_for_exit(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                await self._exited.wait()

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
                    self._read(line)
                else:
                    self._read_stderr(line.decode(errors="replace"))
        if len(unread) > self._line_limit:
            unread.clear()
            if fd == 1:
                self._end("it sent a line without end")

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:  # it can say no more; normally because it ended, which is about to be known
            asyncio.get_running_loop().call_later(_DRAIN_SECONDS, self._end, "it closed its output")

    def process_exited(self) -> None:
        self._exited.set()
        if self._closing and self._transport is not None:
            self._transport.close()  # not before: while the exit is unknown it polls, which loses the exit code
        asyncio.get_running_loop().call_later(_DRAIN_SECONDS, self._end_by_death)

    def connection_lost(self, exc: Exception | None) -> None:
        """The process ended and all its output was read."""
        self._end_by_death()

    # ----------------------------------------------------------------------------------------------------------------

    def _read(self, line: bytes) -> None:
        if self._gone:
            return
        try:
            message = self._decode(line)
        except ProtocolError as error:
            self._end(f"not understood: {error}")
            return
        if isinstance(message, Pong):
            self._ponged = message.number
        self._receive(message)

    def _read_stderr(self, line: str) -> None:
        """Record a crash that the child reports; keep anything else that it printed for its end."""
        crash = read_child_line(line)
        if crash is None:
            self.stderr_lines.append(line)
        else:
            fields = {"trace": crash.lines, "place": crash.place, "effect": crash.effect}
            log.error("A child process failed unexpectedly", extra=fields)

    def _receive(self, message: FromChild) -> None:
        self._deliver(message)

    def _deliver(self, message: FromChild | HostExited) -> None:
        self.incoming.put_nowait(message)

    def _ping(self) -> None:
        """Send the next heartbeat, or kill the child if it answered none of the last ones."""
        if self._pings - self._ponged >= MISSED:
            self._end(f"no answer for {MISSED * self._heartbeat:g} s", Reason.HOST_FROZEN)
            self.kill()
            return
        self._pings += 1
        self.send(Ping(self._pings))  # type: ignore[arg-type]  # every child knows it
        self.start_heartbeat()

    def _stop_heartbeat(self) -> None:
        if self._next_ping is not None:
            self._next_ping.cancel()

    def _end_by_death(self) -> None:
        self._end(self._death())

    def _end(self, detail: str, reason: Reason = Reason.HOST_CRASHED, *, given_up: bool = False) -> None:
        if not self._gone:
            self._gone = True
            self._stop_heartbeat()
            self._deliver(HostExited(detail, reason, given_up))

    def _death(self) -> str:
        """What the process ended with."""
        code = self.exit_code
        if code is None or code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"


class ForkedProcess(asyncio.SubprocessTransport):
    """A process that a fork server made. It is no child of ours, so its end is seen by its descriptor."""

    def __init__(self, protocol: asyncio.SubprocessProtocol, pid: int, descriptor: int) -> None:
        super().__init__()
        self._protocol = protocol
        self._pid = pid
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._pipes: dict[int, asyncio.ReadTransport | asyncio.WriteTransport] = {}
        self._open_pipes = 0
        self._gone = False
        self._code: int | None = None  # as the server tells it, perhaps before we see the end
        self._returncode: int | None = None
        self._code_due: asyncio.TimerHandle | None = None
        self._code_expected = True
        self._closed = False

    def abandon(self) -> None:
        """Follow the process no more, instead of `connect`."""
        os.close(self._descriptor)

    async def connect(self, ends: Sequence[int]) -> None:
        """Follow the process, by our *ends* of its standard streams."""
        self._protocol.connection_made(self)
        self._open_pipes = len(ends)
        for number, end in enumerate(ends):
            await self._connect_stream(number, end)
        self._loop.add_reader(self._descriptor, self._on_end)

    async def _connect_stream(self, number: int, end: int) -> None:
        stream = _Stream(self, number)
        if number == 0:
            self._pipes[number], _ = await self._loop.connect_write_pipe(lambda: stream, os.fdopen(end, "wb", 0))
        else:
            self._pipes[number], _ = await self._loop.connect_read_pipe(lambda: stream, os.fdopen(end, "rb", 0))

    def data_received(self, number: int, data: bytes) -> None:
        self._protocol.pipe_data_received(number, data)

    def pipe_lost(self, number: int, error: Exception | None) -> None:
        self._open_pipes -= 1
        self._protocol.pipe_connection_lost(number, error)
        self._finish()

    def set_exit_code(self, code: int) -> None:
        """Take the exit code, negative for a signal."""
        self._code = code
        if self._gone:
            self._exited()

    def expect_no_exit_code(self) -> None:
        """The server is gone, and nobody else can know it."""
        self._code_expected = False
        if self._gone:
            self._exited()

    def _on_end(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._gone = True
        if self._code is None and self._code_expected:
            self._code_due = self._loop.call_later(_EXIT_CODE_WITHIN, self._exited)
        else:
            self._exited()

    def _exited(self) -> None:
        if self._code_due is not None:
            self._code_due.cancel()
        if self._returncode is None:
            self._returncode = _UNKNOWN_EXIT_CODE if self._code is None else self._code
            self._protocol.process_exited()
            self._finish()

    def _finish(self) -> None:
        if self._returncode is not None and not self._open_pipes:
            self._loop.call_soon(self._protocol.connection_lost, None)

    # --- asyncio.SubprocessTransport --------------------------------------------------------------------------------

    def get_pid(self) -> int:
        return self._pid

    def get_returncode(self) -> int | None:
        return self._returncode

    def get_pipe_transport(self, fd: int) -> asyncio.BaseTransport | None:
        return self._pipes.get(fd)

    def send_signal(self, signal: int) -> None:
        if not self._gone:
            with suppress(ProcessLookupError):
                _send_signal(self._descriptor, signal)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Close the pipes, and kill the process if it runs."""
        self._closed = True
        for pipe in self._pipes.values():
            pipe.close()
        self.kill()


class _Stream(asyncio.Protocol):
    """One of a forked process's standard streams."""

    def __init__(self, process: ForkedProcess, number: int) -> None:
        self._process = process
        self._number = number

    def data_received(self, data: bytes) -> None:
        self._process.data_received(self._number, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._process.pipe_lost(self._number, exc)


def _send_signal(descriptor: int, number: int) -> None:
    if sys.platform == "linux":
        signal.pidfd_send_signal(descriptor, number)
