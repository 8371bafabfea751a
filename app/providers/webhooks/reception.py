"""The app's end of the process that receives webhooks: starts it, tells it whom to let in, and hears what came."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import app
from app.domain.errors import Code, Problem
from app.domain.mentorado import LinkId
from app.domain.webhooks import Doors, Handed, Tallied, WebhookSettings
from app.providers.webhooks import protocol
from app.providers.webhooks.protocol import (
    Begin,
    Confirm,
    FromHost,
    Listening,
    Note,
    OfferAgain,
    Ping,
    Pong,
    Postpone,
    ToHost,
    Unable,
)
from app.providers.work_beside import beside

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


class WebhookReceiver:
    """Implements `app.domain.webhooks.Receiver`. What is accepted is kept in a folder of *data_dir* until stored."""

    def __init__(
        self, data_dir: Path, *, command: Sequence[str] | None = None, heartbeat: float = HEARTBEAT_SECONDS
    ) -> None:
        self._folder = data_dir / FOLDER
        self._command = command
        self._heartbeat = heartbeat  # seconds

    @asynccontextmanager
    async def open(self, place: WebhookSettings | None) -> AsyncIterator[HostReception]:
        """Start the process. Raises `Problem` when it cannot listen there."""
        asked = place or NOWHERE
        host = await self._start()
        try:
            host.say(Begin(str(self._folder), asked.address, asked.port))
            match await host.first():
                case Listening(port):
                    async with beside(host.watch(self._heartbeat)):
                        yield HostReception(host, port)
                case Unable(why, detail):
                    raise _problem(why, detail, asked)
                case _:
                    raise Problem(Code.WEBHOOK_HOST_ENDED, why=host.last_words())
        finally:
            await host.close()

    async def try_place(self, place: WebhookSettings) -> None:
        """Listen there for a moment, with the same call as the process."""
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(asyncio.Protocol, place.address, place.port)
        except OSError as error:
            from app.providers.webhooks.listening import why

            raise _problem(why(error), error.strerror or "", place) from error
        server.close()

    async def has_left(self) -> bool:
        """Whether something was accepted earlier that nobody has stored yet."""
        from app.providers.webhooks.host.spool import has_left

        return await asyncio.to_thread(has_left, self._folder)

    @property
    def _argv(self) -> Sequence[str]:
        return self._command or host_command()

    async def _start(self) -> _Host:
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
            raise Problem(Code.WEBHOOK_HOST_ENDED, why=error.strerror or str(error)) from error
        return _Host(process)


class HostReception:
    """Implements `app.domain.webhooks.Reception` over the pipes."""

    def __init__(self, host: _Host, port: int) -> None:
        self._host = host
        self._port = port

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        """The process's."""
        return self._host.pid

    def admit(self, doors: Doors) -> None:
        self._host.say(doors)

    async def words(self) -> AsyncIterator[Handed | Tallied]:
        while (message := await self._host.hear()) is not None:
            match message:
                case Handed() | Tallied():
                    yield message
                case Note(text):
                    log.warning("Webhooks: %s", text)
                case Pong(number):
                    self._host.ponged = number
                case _:
                    break

    def confirm(self, link_id: LinkId, mark: int) -> None:
        self._host.say(Confirm(link_id, mark))

    def postpone(self, link_id: LinkId) -> None:
        self._host.say(Postpone(link_id))

    def offer_again(self, link_id: LinkId) -> None:
        self._host.say(OfferAgain(link_id))


class _Host:
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
            self._process.kill()
        await asyncio.Event().wait()  # the body goes on until it has heard of the end

    async def first(self) -> FromHost | None:
        """The first that is no note: whether it could begin."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while isinstance(message := await self.hear(), Note):
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

    def last_words(self) -> str:
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
                self._process.kill()
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
            return Problem(Code.WEBHOOK_PORT_TAKEN, port=str(place.port))
        case "forbidden":
            return Problem(Code.WEBHOOK_PORT_FORBIDDEN, port=str(place.port))
        case "address":
            return Problem(Code.WEBHOOK_ADDRESS_UNUSABLE, address=place.address)
        case _:
            return Problem(Code.WEBHOOK_SPOOL_UNUSABLE, detail=detail)
