"""The app's end of a fork server: a process that has loaded what children need, and forks them.

A child that is forked costs neither the start of an interpreter nor the import of its modules, and shares their memory
with every other. Linux only: it needs descriptors that stand for processes.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from app.providers.hosts.codec import ProtocolError
from app.providers.hosts.process import ChildProcess, ForkedProcess, HostExited

FLAG: Final = "--fork-server"
"""What is added to a child's command line, with the number of the control socket after it."""

_ANSWERS_WITHIN: Final = 20.0
"""Seconds. A fork takes milliseconds, but the server loads its modules first, from a disk that may be slow."""

_GRACE: Final = 2.0
_LONGEST: Final = 256  # bytes of a message


class ForkServerFailed(OSError):
    """The server is gone, or cannot fork."""


def can_fork() -> bool:
    """Whether this system has what a fork server needs."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # an old kernel, or a sandbox
        return False
    return True


class ForkServer(ChildProcess[object, object]):
    """A running fork server. It ends when it is closed or when the app is gone; what it forked lives on."""

    def __init__(self) -> None:
        super().__init__(_refuse, line_limit=_LONGEST, grace=_GRACE, heartbeat=0.0)
        self._control: socket.socket | None = None
        self._asked: deque[tuple[ChildProcess[Any, Any], asyncio.Future[ForkedProcess]]] = deque()
        self._forked: dict[int, ForkedProcess] = {}

    async def start(self, command: Sequence[str], environment: Mapping[str, str], pass_fds: Sequence[int] = ()) -> Self:
        """Run *command*, a child's, which has to know `FLAG`; raises `OSError`."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setblocking(False)
        with theirs:
            asyncio.get_running_loop().add_reader(self._control, self._read_control)
            try:
                given = [*pass_fds, theirs.fileno()]
                return await super().start([*command, FLAG, str(theirs.fileno())], environment, given)
            except BaseException:
                self._drop("it did not start")
                raise

    async def fork(self, child: ChildProcess[Any, Any]) -> None:
        """Fork the process of *child*; raises `OSError`, a `TimeoutError` when the server does not answer."""
        if self._control is None:
            raise ForkServerFailed("the fork server is gone")
        answer: asyncio.Future[ForkedProcess] = asyncio.get_running_loop().create_future()
        ours, theirs = _pipes()
        try:
            socket.send_fds(self._control, [b"fork"], theirs)
            self._asked.append((child, answer))
            async with asyncio.timeout(_ANSWERS_WITHIN):
                process = await answer
        except BaseException as error:  # a child that comes late, or just came, finds its input closed, and ends
            _close(ours)
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                answer.result().abandon()
            if isinstance(error, TimeoutError):
                self._drop("no answer")
                self.kill()
            raise
        finally:
            _close(theirs)
        await child.start_by(process.connect(ours))

    async def close(self) -> None:
        """End the server."""
        self._drop("it was closed")
        await super().close()

    def _deliver(self, message: object) -> None:
        # It has nothing to say on its output: a program that does not know the flag would.
        self._drop(message.detail if isinstance(message, HostExited) else "it spoke")

    def _read_control(self) -> None:
        """Read ``pid PID`` with the descriptor that stands for it, ``failed TEXT``, or ``exit PID CODE``."""
        if self._control is None:
            return
        try:
            message, descriptors, *_rest = socket.recv_fds(self._control, _LONGEST, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError as error:
            self._drop(str(error))
            return
        match message.split(maxsplit=1):
            case [b"pid", pid] if descriptors:
                child, answer = self._asked.popleft()
                if answer.done():
                    _close(descriptors)
                else:  # kept at once: its end may be the next message
                    process = self._forked[int(pid)] = ForkedProcess(child, int(pid), descriptors[0])
                    answer.set_result(process)
            case [b"failed", why]:
                _, answer = self._asked.popleft()
                if not answer.done():
                    answer.set_exception(ForkServerFailed(why.decode(errors="replace")))
            case [b"exit", rest]:
                pid, code = rest.split()
                if (ended := self._forked.pop(int(pid), None)) is not None:
                    ended.set_exit_code(int(code))
            case _:
                self._drop("it ended")

    def _drop(self, why: str) -> None:
        """Drop the server: every waiting fork fails, and no exit codes come any more."""
        if self._control is None:
            return
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        self._control = None
        while self._asked:
            _, answer = self._asked.popleft()
            if not answer.done():
                answer.set_exception(ForkServerFailed(f"the fork server is gone: {why}"))
        while self._forked:
            self._forked.popitem()[1].expect_no_exit_code()


def _pipes() -> tuple[list[int], list[int]]:
    """Our ends of a child's standard input, output and error output, and its own; raises `OSError`."""
    ours, theirs = list[int](), list[int]()
    try:
        for number in range(3):
            reading, writing = os.pipe()
            ours.append(reading if number else writing)
            theirs.append(writing if number else reading)
    except OSError:
        _close([*ours, *theirs])
        raise
    return ours, theirs


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _refuse(line: bytes) -> object:
    raise ProtocolError(f"a fork server has nothing to say: {line[:40]!r}")
