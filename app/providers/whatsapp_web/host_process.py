"""The app's end of one session host."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.providers.hosts.codec import Pong
from app.providers.hosts.process import HEARTBEAT_SECONDS, ChildProcess, HostExited, child_command, child_environment
from app.providers.whatsapp_web.protocol import (
    LINE_LIMIT,
    Answer,
    Close,
    Closed,
    FromHost,
    LogOut,
    PairPhone,
    Ready,
    SendText,
    ToHost,
    Unable,
    decode_from_host,
)

_GRACE: Final = 2.0
_NO_FILES_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE})
_FATAL: Final = re.compile(r"^(fatal error: |panic: |Fatal Python error: |\w*Error: ).*")


def host_command(setting: str = "") -> list[str]:
    """The command line that starts a host: ours, or the one `CONECTA_SESSION_HOST` names."""
    if setting.strip():
        return shlex.split(setting, posix=os.name == "posix")
    return child_command("app.providers.whatsapp_web.host", "--session-host")


def host_environment(base: Mapping[str, str]) -> dict[str, str]:
    """What a host is started with. Go reads its environment once, at the start, so this is the only chance."""
    return {
        # Processors for Go. With more, what tells the server that we have a message overtakes what hands it to us more
        # often; with one, the latter falls behind in a burst (docs/decisions/0008).
        "GOMAXPROCS": "2",
        # The C library keeps a heap for every few threads, and a host with eight sessions has some thirty.
        "MALLOC_ARENA_MAX": "2",
        **child_environment(base),
        "NEONIZE_BOT_TAG": "off",  # else neonize marks messages to people as a bot's
    }


@dataclass(frozen=True, slots=True)
class MoveRequested:
    """The session has a host of its own, and could share one."""


SessionMessage = FromHost | HostExited | MoveRequested
"""What whoever follows a session hears: what its host says, how that ended, and what the pool asks for."""


class HostProcess(ChildProcess[ToHost, FromHost]):
    """A running host. What it says of a session waits where the session was joined; answers go to whoever asked."""

    def __init__(
        self,
        heartbeat: float = HEARTBEAT_SECONDS,
        on_exit: Callable[[HostExited], None] = lambda _exited: None,
    ) -> None:
        """*on_exit* hears of an end that nobody asked for."""
        super().__init__(decode_from_host, line_limit=LINE_LIMIT, grace=_GRACE, heartbeat=heartbeat)
        self._asked: dict[int, tuple[str, asyncio.Future[Answer]]] = {}
        self._requests = 0
        self._joined: dict[str, asyncio.Queue[SessionMessage]] = {}
        self._of_the_host: list[FromHost | HostExited] = []
        self._on_exit = on_exit
        self.memory: int | None = None  # bytes, as it said last

    async def start(self, command: Sequence[str], environment: Mapping[str, str], pass_fds: Sequence[int] = ()) -> Self:
        """Start *command*; raises `Problem` when there is no such program."""
        try:
            return await super().start(command, environment, pass_fds)
        except OSError as error:
            why = error.strerror or str(error)
            if error.errno in _NO_FILES_LEFT:
                raise Problem(ProblemCode.TOO_MANY_OPEN_FILES, why=why) from error
            raise Problem(ProblemCode.HOST_NOT_STARTED, command=command[0], why=why) from error

    def join(self, session: str) -> asyncio.Queue[SessionMessage]:
        """What the host says of *session* and of itself, from its first word on."""
        queue = self._joined[session] = asyncio.Queue()
        for message in self._of_the_host:
            queue.put_nowait(message)
        return queue

    async def leave(self, session: str, within: float) -> None:
        """Close *session* and no other. A host that does not let go of it within *within* seconds is ended whole:
        nobody else may open the session's files before."""
        queue = self._joined[session]
        for of, answer in self._asked.values():
            if of == session and not answer.done():
                answer.set_exception(self._ended())
        self.send(Close(session=session))
        try:
            async with asyncio.timeout(within):
                while not isinstance(await queue.get(), Closed | HostExited):
                    pass
        except TimeoutError:
            # A library that dials into a network that is down lets nobody go either.
            self._end(f"a session was not closed within {within:g} s", Reason.HOST_FROZEN, given_up=True)
            self.kill()
            await self._wait_for_exit()
        finally:
            self._joined.pop(session, None)

    async def ask(
        self, session: str, question: Callable[[int], SendText | PairPhone | LogOut], within: float
    ) -> Answer:
        """Ask about *session*, and wait for the answer; raises `Problem` when it is a refusal or does not come.

        A request that timed out may still be carried out: the host cannot take it back.
        """
        self._requests += 1
        request = self._requests
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[request] = session, answer
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

    def _receive(self, message: FromHost) -> None:
        if isinstance(message, Ready):
            self.start_heartbeat()
        if not isinstance(message, Answer):
            super()._receive(message)
            return
        _session, answer = self._asked.get(message.request, ("", None))
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _deliver(self, message: FromHost | HostExited) -> None:
        """To the session it is about, or to all when it is about the host."""
        if isinstance(message, Ready | Unable | HostExited):
            self._of_the_host.append(message)
        if isinstance(message, HostExited) and not self._closing:
            self._on_exit(message)
        if isinstance(message, Pong):
            self.memory = message.memory
        if isinstance(message, Ready | Unable | HostExited | Pong):
            for queue in self._joined.values():
                queue.put_nowait(message)
        elif (queue_of_one := self._joined.get(message.session)) is not None:
            queue_of_one.put_nowait(message)

    def _end(self, detail: str, reason: Reason = Reason.HOST_CRASHED, *, given_up: bool = False) -> None:
        super()._end(detail, reason, given_up=given_up)
        for _session, answer in self._asked.values():
            if not answer.done():
                answer.set_exception(self._ended())

    @staticmethod
    def _ended() -> Problem:
        return Problem(ProblemCode.REQUEST_REFUSED, why="the session host ended")

    def _death(self) -> str:
        fatal = next((line for line in self.stderr_lines if _FATAL.match(line)), "")
        return ": ".join(filter(None, (super()._death(), fatal)))
