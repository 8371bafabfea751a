"""The app's end of one session host."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Self

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.providers.hosts.process import HEARTBEAT_SECONDS, ChildProcess, child_command, child_environment
from app.providers.whatsapp_web.protocol import (
    LINE_LIMIT,
    Answer,
    FromHost,
    LogOut,
    PairPhone,
    Ready,
    SendText,
    ToHost,
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
        **child_environment(base),
        "NEONIZE_BOT_TAG": "off",  # else neonize marks messages to people as a bot's
    }


class HostProcess(ChildProcess[ToHost, FromHost]):
    """A running host. What it says waits in `incoming`; answers go to whoever asked."""

    def __init__(self, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        super().__init__(decode_from_host, line_limit=LINE_LIMIT, grace=_GRACE, heartbeat=heartbeat)
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._requests = 0

    async def start(self, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Start *command*; raises `Problem` when there is no such program."""
        try:
            return await super().start(command, environment)
        except OSError as error:
            why = error.strerror or str(error)
            if error.errno in _NO_FILES_LEFT:
                raise Problem(ProblemCode.TOO_MANY_OPEN_FILES, why=why) from error
            raise Problem(ProblemCode.HOST_NOT_STARTED, command=command[0], why=why) from error

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

    def _receive(self, message: FromHost) -> None:
        if isinstance(message, Ready):
            self.start_heartbeat()
        if not isinstance(message, Answer):
            super()._receive(message)
        elif (answer := self._asked.get(message.request)) is not None and not answer.done():
            answer.set_result(message)

    def _end(self, detail: str, reason: Reason = Reason.HOST_CRASHED) -> None:
        super()._end(detail, reason)
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(self._ended())

    @staticmethod
    def _ended() -> Problem:
        return Problem(ProblemCode.REQUEST_REFUSED, why="the session host ended")

    def _death(self) -> str:
        fatal = next((line for line in self.noise if _FATAL.match(line)), "")
        return ": ".join(filter(None, (super()._death(), fatal)))
