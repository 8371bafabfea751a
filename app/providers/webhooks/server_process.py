"""The app's end of the process that receives webhooks: starts it, tells it whom to let in, and hears what came."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import app
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import LinkId
from app.domain.webhooks import DeliveryBatch, EndpointList, WebhookSettings, WebhookStats
from app.platform.threads import background_task
from app.providers.hosts.process import kill_child
from app.providers.webhooks import protocol
from app.providers.webhooks.protocol import (
    Confirm,
    FromHost,
    Listening,
    LogMessage,
    Pause,
    Ping,
    Pong,
    Resume,
    StartFailed,
    StartServer,
    ToHost,
)

log = logging.getLogger(__name__)

FROZEN_FLAG: Final = "--webhooks-host"
"""How a frozen build, which has no ``-m``, is told to receive webhooks instead of being the app."""

FOLDER: Final = "webhooks"
START_SECONDS: Final = 20.0
END_SECONDS: Final = 5.0
HEARTBEAT_SECONDS: Final = 10.0
MISSED: Final = 4
"""A process that left so many heartbeats in a row unanswered is ended, and replaced like one that ended by itself."""
NOWHERE: Final = WebhookSettings(address="", port=-1)


def host_command() -> list[str]:
    """The command line that starts the process."""
    if getattr(sys, "frozen", False):
        return [sys.executable, FROZEN_FLAG]
    # -P: the current folder, which may be a stranger's, is no place to import from.
    return [sys.executable, "-P", "-m", "app.providers.webhooks.host"]


class WebhookServerProcess:
    """Implements `app.domain.webhooks.WebhookServer`. Accepted deliveries are kept below *data_dir* until stored."""

    def __init__(
        self, data_dir: Path, *, command: Sequence[str] | None = None, heartbeat: float = HEARTBEAT_SECONDS
    ) -> None:
        self._folder = data_dir / FOLDER
        self._command = command
        self._heartbeat = heartbeat  # seconds

    @asynccontextmanager
    async def open(self, place: WebhookSettings | None) -> AsyncIterator[RunningServer]:
        """Start the process. Raises `Problem` when it cannot listen there."""
        asked = place or NOWHERE
        host = await self._start()
        try:
            host.say(StartServer(str(self._folder), asked.address, asked.port))
            match await host.first():
                case Listening(port):
                    async with background_task(host.watch(self._heartbeat)):
                        yield RunningServer(host, port)
                case StartFailed(why, detail):
                    raise _problem(why, detail, asked)
                case _:
                    raise Problem(ProblemCode.WEBHOOK_HOST_ENDED, why=host.stderr_tail())
        finally:
            await host.close()

    async def check_bind(self, place: WebhookSettings) -> None:
        """Listen there for a moment, with the same call as the process."""
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(asyncio.Protocol, place.address, place.port)
        except OSError as error:
            raise _problem(bind_error_kind(error), error.strerror or "", place) from error
        server.close()

    async def has_backlog(self) -> bool:
        """Whether something was accepted earlier that nobody has stored yet."""
        from app.providers.webhooks.host.spool import has_left

        return await asyncio.to_thread(has_left, self._folder)

    @property
    def _argv(self) -> Sequence[str]:
        return self._command or host_command()

    async def _start(self) -> _Process:
        home = str(Path(app.__file__).parent.parent)
        given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        path = os.pathsep.join([home, *filter(None, given)])  # an empty part means the current folder
        no_window: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows only
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=protocol.LINE_LIMIT,
                env={**os.environ, "PYTHONPATH": path},
                creationflags=no_window,
            )
        except OSError as error:
            raise Problem(ProblemCode.WEBHOOK_HOST_ENDED, why=error.strerror or str(error)) from error
        return _Process(process)


class RunningServer:
    """Implements `app.domain.webhooks.RunningWebhookServer` over the pipes."""

    def __init__(self, host: _Process, port: int) -> None:
        self._host = host
        self._port = port

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        """The process's."""
        return self._host.pid

    def set_endpoints(self, endpoints: EndpointList) -> None:
        self._host.say(endpoints)

    async def events(self) -> AsyncIterator[DeliveryBatch | WebhookStats]:
        while (message := await self._host.hear()) is not None:
            match message:
                case DeliveryBatch() | WebhookStats():
                    yield message
                case LogMessage(text):
                    log.warning("Webhooks: %s", text)
                case Pong(number):
                    self._host.ponged = number
                case _:
                    break

    def confirm(self, link_id: LinkId, mark: int) -> None:
        self._host.say(Confirm(link_id, mark))

    def pause(self, link_id: LinkId) -> None:
        self._host.say(Pause(link_id))

    def resume(self, link_id: LinkId) -> None:
        self._host.say(Resume(link_id))


class _Process:
    """The running process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._errors = asyncio.get_running_loop().create_task(self._read_errors(), name="webhooks' last words")
        self._last = ""
        self.ponged = 0  # the number of the last ping that was answered

    @property
    def pid(self) -> int:
        return self._process.pid

    def say(self, message: ToHost) -> None:
        """Into the void when it is gone."""
        pipe = self._process.stdin
        if pipe is not None and not pipe.is_closing():
            pipe.write(protocol.encode(message))

    async def watch(self, heartbeat: float) -> None:
        """Ping every *heartbeat* seconds, and kill the process once it answers no more; its reader then hears it end.

        What is accepted meanwhile is refused by nobody, but answered by nobody either: senders try again.
        """
        pings = 0
        while self._process.returncode is None and pings - self.ponged < MISSED:
            pings += 1
            self.say(Ping(pings))
            await asyncio.sleep(heartbeat)
        if self._process.returncode is None:
            log.warning("Webhooks: the process answered nothing for %g s, and is replaced", MISSED * heartbeat)
            kill_child(self._process)
        await asyncio.Event().wait()  # the body goes on until it has heard of the end

    async def first(self) -> FromHost | None:
        """The first that is no note: whether it could begin."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while isinstance(message := await self.hear(), LogMessage):
                    log.warning("Webhooks: %s", message.text)
                return message
        except TimeoutError:
            return None

    async def hear(self) -> FromHost | None:
        """The next thing it says; None when it is gone, or speaks something else."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        try:
            line = await self._process.stdout.readline()
            return protocol.decode_from_host(line) if line.endswith(b"\n") else None
        except (protocol.ProtocolError, ValueError, OSError):
            return None

    def stderr_tail(self) -> str:
        """The last line it printed, without what may have come from outside."""
        return self._last.partition(":")[0]

    async def close(self) -> None:
        """It ends when its input does, or is killed: nobody else may listen there or write to its spool before."""
        try:
            if self._process.stdin is not None:
                self._process.stdin.close()
            reading = asyncio.get_running_loop().create_task(self._read_to_the_end())
            try:
                async with asyncio.timeout(END_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                pass
            finally:
                reading.cancel()
        finally:
            if self._process.returncode is None:
                kill_child(self._process)
                await self._process.wait()
            self._errors.cancel()

    async def _read_to_the_end(self) -> None:
        while await self.hear() is not None:
            pass

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was asked for
        async for line in self._process.stderr:
            self._last = line.decode(errors="replace").strip() or self._last


def _problem(why: str, detail: str, place: WebhookSettings) -> Problem:
    match why:
        case "taken":
            return Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port=str(place.port))
        case "forbidden":
            return Problem(ProblemCode.WEBHOOK_PORT_FORBIDDEN, port=str(place.port))
        case "address":
            return Problem(ProblemCode.WEBHOOK_ADDRESS_UNUSABLE, address=place.address)
        case _:
            return Problem(ProblemCode.WEBHOOK_SPOOL_UNUSABLE, detail=detail)


def bind_error_kind(error: OSError) -> str:
    """`taken`, `forbidden` or `address`; `disk` for what has nothing to do with it."""
    # Since Python 3.13 asyncio says without a number that none of the addresses is this computer's.
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, None):
        return "address"
    if error.errno == errno.EADDRINUSE:
        return "taken"
    return "forbidden" if error.errno in (errno.EACCES, errno.EPERM) else "disk"
