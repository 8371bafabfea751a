"""One run of the webhooks host: commands of the app, requests from outside and deliveries to the app, on one loop."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from app.domain.mentorado import ProviderKind
from app.domain.webhooks import EndpointList, WebhookStats
from app.providers.hosts.codec import Ping, PipeWriter, Pong, ProtocolError
from app.providers.webhooks.host.counters import OutcomeCounters
from app.providers.webhooks.host.dispatcher import DeliveryDispatcher, LinkLookup, Parser
from app.providers.webhooks.host.request_handler import WebhookRequestHandler
from app.providers.webhooks.host.spool import DeliverySpool, SpoolWriter, StoredDelivery
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
    decode_to_host,
)
from app.providers.webhooks.server_process import bind_error_kind

NOWHERE: Final = -1
TELL_SECONDS: Final = 0.5  # between two tellings of the counts
WRITE_EVERY: Final = 4  # tellings between two writings of them
_DRAIN_SECONDS: Final = 2.0  # seconds


async def serve(source: BinaryIO, channel: int, parsers: Mapping[ProviderKind, Parser]) -> None:
    """Run the commands that *source* holds until it ends; *channel* is the descriptor to answer on."""
    host = WebhookHost(channel, parsers)
    commands = asyncio.Queue[ToHost | None]()
    threading.Thread(target=_read_commands, args=(source, asyncio.get_running_loop(), commands), daemon=True).start()
    begin = await commands.get()
    if not isinstance(begin, StartServer):
        return
    try:
        await host.open(begin)
    except OSError as error:
        host.tell(StartFailed(bind_error_kind(error), error.strerror or type(error).__name__))
    except sqlite3.Error as error:
        host.tell(StartFailed("disk", str(error)))
    else:
        await host.work(commands)
    finally:
        await host.close()


class WebhookHost:
    """The parts of one run of the process."""

    def __init__(self, channel: int, parsers: Mapping[ProviderKind, Parser]) -> None:
        self._writer = PipeWriter(channel)
        self.tell: Callable[[FromHost], None] = self._writer.send
        self._parsers = parsers
        self._listens = False
        self._spool_writer: SpoolWriter | None = None
        self._http_server: HttpServer | None = None

    async def open(self, begin: StartServer) -> None:
        """Raises `OSError` when one cannot listen there, `sqlite3.Error` when nothing can be kept."""
        spool = DeliverySpool(Path(begin.folder))
        if spool.note:
            self.tell(LogMessage(spool.note))
        new_from, counted = spool.last + 1, spool.counters()
        spool.vacuum()
        self._spool_writer = spool_writer = SpoolWriter(spool)
        self._counting = OutcomeCounters(counted, _now)
        links = LinkLookup()
        self._dispatcher = DeliveryDispatcher(
            spool_writer,
            self._parsers,
            links,
            counting=self._counting,
            tell=self.tell,
            note=lambda words: self.tell(LogMessage(words)),
            new_from=new_from,
        )
        self._links = links
        self._request_handler = WebhookRequestHandler(self._keep, self._counting, _now)
        port = 0
        self._listens = begin.port != NOWHERE
        if self._listens:
            self._http_server = HttpServer(self._request_handler)
            port = await self._http_server.open(begin.address, begin.port)
        self.tell(Listening(port))

    async def work(self, commands: asyncio.Queue[ToHost | None]) -> None:
        """Run until the app closes the pipe, or nothing is left and no endpoint is open."""
        tasks = [
            asyncio.get_running_loop().create_task(each)
            for each in (self._dispatcher.run(), self._report(), self._run_commands(commands))
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def close(self) -> None:
        """Answer and store what was accepted, then send the last messages to the app."""
        if self._http_server is not None:
            await self._http_server.close()
        if self._spool_writer is not None:
            counts = self._counting.all()
            with suppress(sqlite3.Error):
                await self._spool_writer.query(lambda spool: spool.write_counts(counts))
            self._spool_writer.close()
        self._writer.close(_DRAIN_SECONDS)

    async def _keep(self, kept: StoredDelivery) -> int:
        assert self._spool_writer is not None  # noqa: S101 - no endpoint is open without it
        number = await self._spool_writer.append(kept)
        self._dispatcher.notify()
        return number

    async def _run_commands(self, commands: asyncio.Queue[ToHost | None]) -> None:
        while (message := await commands.get()) is not None:
            match message:
                case EndpointList():
                    self._request_handler.set_endpoints(message)
                    self._links.set_endpoints(message)
                case ConfirmBatch(link_id, mark):
                    self._dispatcher.confirm(link_id, mark)
                case Pause(link_id):
                    self._dispatcher.pause(link_id)
                case Resume(link_id):
                    self._dispatcher.resume(link_id)
                case Ping(number):
                    self.tell(Pong(number))
                case StartServer():
                    pass

    async def _report(self) -> None:
        """Tell the counts when they changed, and write them down now and then."""
        assert self._spool_writer is not None  # noqa: S101 - opened by now
        count = 0
        while self._listens or not self._dispatcher.caught_up or self._dispatcher.has_pending:
            if self._counting.changed:
                self._counting.changed = False
                counts = self._counting.all()
                self.tell(WebhookStats(counts, self._dispatcher.waiting()))
                count += 1
                if count % WRITE_EVERY == 0:
                    with suppress(sqlite3.Error):
                        await self._spool_writer.query(lambda spool, counts=counts: spool.write_counts(counts))  # type: ignore[misc]
            await asyncio.sleep(TELL_SECONDS)


def _read_commands(source: BinaryIO, loop: asyncio.AbstractEventLoop, commands: asyncio.Queue[ToHost | None]) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile
        for line in iter(lambda: source.readline(LINE_LIMIT), b""):
            try:
                loop.call_soon_threadsafe(commands.put_nowait, decode_to_host(line))
            except ProtocolError:
                break  # something else than the app is speaking
        loop.call_soon_threadsafe(commands.put_nowait, None)


def _now() -> datetime:
    return datetime.now(UTC)


def raise_limits() -> None:
    """As many connections as the system lets us have."""
    if os.name == "posix":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


EXCHANGE_SECONDS: Final = 15.0
"""From the first byte of a request to the last of its answer: uvicorn alone would wait for a slow head for ever."""

IDLE_SECONDS: Final = 10
CONNECTIONS: Final = 800
HEAD_MOST: Final = 16 << 10  # bytes


class HttpServer:
    """Listens; every connection that takes too long is closed."""

    def __init__(self, request_handler: WebhookRequestHandler, *, exchange_seconds: float = EXCHANGE_SECONDS) -> None:
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # one line a request would be one line too much
        self._config = Config(
            cast("Any", request_handler),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            limit_concurrency=CONNECTIONS,
            h11_max_incomplete_event_size=HEAD_MOST,
        )
        self._config.load()
        self._state = ServerState()
        self._exchange_seconds = exchange_seconds
        self._server: asyncio.Server | None = None

    async def open(self, address: str, port: int) -> int:
        """Listen; returns the port. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, address, port, backlog=512)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self, within: float = 2.0) -> None:
        """Take no more, and let what is being answered be answered."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=within)
        for connection in list(self._state.connections):
            connection.transport.abort()

    def _connection(self) -> _TimeoutProtocol:
        return _TimeoutProtocol(self._config, self._state, self._exchange_seconds)


class _TimeoutProtocol(H11Protocol):
    """One connection. An alarm is set whenever the other end should say something, and ends it."""

    def __init__(self, config: Config, state: ServerState, seconds: float) -> None:
        super().__init__(config, state, {})
        self._seconds = seconds
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_alarm()

    def data_received(self, data: bytes) -> None:
        if self._alarm is None:
            self._set_alarm()
        super().data_received(data)
        self._quiet_if_done()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._quiet_if_done()

    def connection_lost(self, exc: Exception | None) -> None:
        self._quiet()
        super().connection_lost(exc)

    def _set_alarm(self) -> None:
        self._alarm = self.loop.call_later(self._seconds, self.transport.abort)

    def _quiet_if_done(self) -> None:
        """Between two requests, uvicorn's own alarm is enough."""
        if self.conn.our_state is h11.IDLE and self.conn.their_state is h11.IDLE and self.cycle is not None:
            self._quiet()

    def _quiet(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
