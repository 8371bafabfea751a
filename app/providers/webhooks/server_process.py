"""The app's end of the process that receives webhooks: starts it, sends it the endpoints, and takes deliveries."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import LinkId
from app.domain.webhooks import DeliveryBatch, EndpointList, WebhookSettings, WebhookStats
from app.providers.hosts.codec import Pong
from app.providers.hosts.process import (
    HEARTBEAT_SECONDS,
    ChildProcess,
    HostExited,
    child_command,
    child_environment,
)
from app.providers.webhooks.protocol import (
    LINE_LIMIT,
    ConfirmBatch,
    FromHost,
    Listening,
    LogMessage,
    Pause,
    Resume,
    StartFailed,
    StartServer,
    ToHost,
    decode_from_host,
)

log = logging.getLogger(__name__)

FOLDER: Final = "webhooks"
START_SECONDS: Final = 20.0
END_SECONDS: Final = 5.0
NOWHERE: Final = WebhookSettings(address="", port=-1)


def host_command() -> list[str]:
    """The command line that starts the process."""
    return child_command("app.providers.webhooks.host", "--webhooks-host")


class WebhookServerProcess:
    """Implements `app.domain.webhooks.WebhookServer`. Accepted deliveries are kept below *data_dir* until stored."""

    def __init__(
        self, data_dir: Path, *, command: Sequence[str] | None = None, heartbeat: float = HEARTBEAT_SECONDS
    ) -> None:
        self._folder = data_dir / FOLDER
        self._command = command or host_command()
        self._heartbeat = heartbeat  # seconds

    @asynccontextmanager
    async def open(self, place: WebhookSettings | None) -> AsyncIterator[RunningServer]:
        """Start the process. Raises `Problem` when it cannot listen there."""
        asked = place or NOWHERE
        host = ReceiverProcess(self._heartbeat)
        try:
            await host.start(self._command, child_environment(os.environ))
        except OSError as error:
            raise Problem(ProblemCode.WEBHOOK_HOST_ENDED, why=error.strerror or str(error)) from error
        try:
            host.send(StartServer(str(self._folder), asked.address, asked.port))
            match await host.first():
                case Listening(port):
                    host.start_heartbeat()
                    yield RunningServer(host, port)
                case StartFailed(why, detail):
                    raise _problem(why, detail, asked)
                case _:
                    raise Problem(ProblemCode.WEBHOOK_HOST_ENDED, why=host.stderr_tail())
        finally:
            await host.close()

    async def check_bind(self, place: WebhookSettings) -> None:
        """Raise `Problem` unless one can listen there; tried with the same call as in the process."""
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(asyncio.Protocol, place.address, place.port)
        except OSError as error:
            raise _problem(bind_error_kind(error), error.strerror or "", place) from error
        server.close()

    async def has_backlog(self) -> bool:
        """Whether the spool of an earlier run holds deliveries."""
        from app.providers.webhooks.host.spool import has_left

        return await asyncio.to_thread(has_left, self._folder)


class RunningServer:
    """Implements `app.domain.webhooks.RunningWebhookServer` over the pipes."""

    def __init__(self, host: ReceiverProcess, port: int) -> None:
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
        self._host.send(endpoints)

    async def events(self) -> AsyncIterator[DeliveryBatch | WebhookStats]:
        while True:
            match await self._host.incoming.get():
                case DeliveryBatch() | WebhookStats() as message:
                    yield message
                case LogMessage(text):
                    log.warning("Webhooks: %s", text)
                case Pong():
                    pass
                case HostExited(detail, Reason.HOST_FROZEN):
                    log.warning("Webhooks: %s, and the process is replaced", detail)
                    break
                case _:
                    break

    def confirm(self, link_id: LinkId, mark: int) -> None:
        self._host.send(ConfirmBatch(link_id, mark))

    def pause(self, link_id: LinkId) -> None:
        self._host.send(Pause(link_id))

    def resume(self, link_id: LinkId) -> None:
        self._host.send(Resume(link_id))


class ReceiverProcess(ChildProcess[ToHost, FromHost]):
    """The running process; a new one is started when it ends or is killed as frozen."""

    def __init__(self, heartbeat: float) -> None:
        super().__init__(decode_from_host, line_limit=LINE_LIMIT, grace=END_SECONDS, heartbeat=heartbeat)

    async def first(self) -> FromHost | HostExited | None:
        """The first that is no note: whether it could begin."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while isinstance(message := await self.incoming.get(), LogMessage):
                    log.warning("Webhooks: %s", message.text)
                return message
        except TimeoutError:
            return None

    def stderr_tail(self) -> str:
        """The last line it printed, without what may have come from outside."""
        return next(filter(None, map(str.strip, reversed(self.stderr_lines))), "").partition(":")[0]


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
    """``taken``, ``forbidden`` or ``address``; ``disk`` for what has nothing to do with it."""
    # Since Python 3.13 asyncio says without a number that none of the addresses is this computer's.
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, None):
        return "address"
    if error.errno == errno.EADDRINUSE:
        return "taken"
    return "forbidden" if error.errno in (errno.EACCES, errno.EPERM) else "disk"
