"""The only door: an HTTP proxy that leads to the emulator and nowhere else."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

from tests.emulators.whatsapp_web.certificates import HOST

_ONLY: Final = f"{HOST}:443"
_TIMEOUT: Final = 15.0

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Proxy:
    """Opens TLS, as the host itself, to whoever asks for the one host there is; refuses everybody else."""

    def __init__(self, context: ssl.SSLContext, serve: Serve, refused: Callable[[str], None]) -> None:
        self._context = context
        self._serve = serve
        self._refused = refused
        self.reachable = True

    async def listen(self) -> asyncio.Server:
        """Open the door on a free port of this machine."""
        return await asyncio.start_server(self._enter, "127.0.0.1", 0)

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(_TIMEOUT):
                head = await reader.readuntil(b"\r\n\r\n")
            method, target, *_ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
            if not self.reachable:
                self._refused("network-down")
                writer.transport.abort()
                return
            if method != "CONNECT" or target != _ONLY:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.start_tls(self._context, ssl_handshake_timeout=_TIMEOUT)
                await self._serve(reader, writer)
        with contextlib.suppress(OSError, ssl.SSLError):
            writer.close()
