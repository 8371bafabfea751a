"""Where requests come in: uvicorn's HTTP, given less patience than it has by itself.

Neither uvicorn's server nor its signal handlers are used, only its reading of HTTP.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, cast

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from app.providers.webhooks.host.request_handler import WebhookRequestHandler

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
