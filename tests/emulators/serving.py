"""Serves an ASGI application over real HTTP, on a loopback port of its own and in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Final, Self

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_START_SECONDS: Final = 10.0
_PATIENT_STEPS: Final = 60


class _PromptServer(uvicorn.Server):
    """Ends when it is told to. Its own way is to look ten times a second, which hundreds of tests would wait for."""

    _ending: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def end(self) -> None:
        """From any thread."""
        self.should_exit = self.force_exit = True
        if self._ending is not None:
            loop, asked = self._ending
            loop.call_soon_threadsafe(asked.set)

    async def main_loop(self) -> None:
        self._ending = asyncio.get_running_loop(), asyncio.Event()
        await self.on_tick(0)
        if not self.should_exit:
            await self._ending[1].wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if not self.force_exit:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(_PATIENT_STEPS):  # an application that is still answering hears soon that nobody listens
            if not self.server_state.tasks:
                break
            await asyncio.sleep(0.005)


class Served:
    """A running application, as a context. Its thread touches what tests touch too: both sides keep to small steps."""

    def __init__(self, application: Application, port: int = 0) -> None:
        # With its protocol named, or asyncio would not switch Nagle's algorithm off, and each answer took 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(128)  # whoever reads the address may come at once
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            application,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,  # what goes wrong in an application reaches the log that tests watch
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=None,
        )
        self.application = application
        self._server = _PromptServer(config)
        self._thread = threading.Thread(target=self._serve, name=f"served {self.port}", daemon=True)
        self._over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        waited = 0.0
        while not self._server.started:
            if not self._thread.is_alive() or waited > _START_SECONDS:
                raise RuntimeError("the server did not start")
            self._over.wait(0.005)
            waited += 0.005
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.end()
        self._thread.join(_START_SECONDS)
        self._socket.close()

    def serve_until_interrupted(self) -> None:
        """Serve in this thread, for a program of its own."""
        uvicorn.Server(self._server.config).run(sockets=[self._socket])

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])
        self._over.set()


async def reset(send: Send) -> None:
    """Break off the connection that *send* writes to, as a machine does that fell: with a reset, and no last word."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await asyncio.sleep(0.01)  # lets the server see it, or it would complain about an answer without an end


async def hang(receive: Receive) -> None:
    """Answer nothing until the other side has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body
