"""A WebSocket over streams that are ours, so that a test can also refuse, close and abort it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol


class WebSocket:
    """One client's WebSocket; writing never waits."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = ServerProtocol(max_size=64 << 20)

    async def upgrade(self, path: str, refusal: HTTPStatus | None) -> bool:
        """Accept the client's upgrade at *path*, or refuse it; say which."""
        async for event in self._events():
            if isinstance(event, Request):
                wrong = HTTPStatus.NOT_FOUND if event.path.partition("?")[0] != path else None
                status = refusal or wrong
                response = self._protocol.reject(status, "") if status else self._protocol.accept(event)
                self._protocol.send_response(response)
                self._flush()
                return response.status_code == HTTPStatus.SWITCHING_PROTOCOLS
        return False

    async def messages(self) -> AsyncIterator[bytes]:
        """What the client says, piece by piece, until it has gone."""
        async for event in self._events():
            if isinstance(event, Frame) and event.opcode in (Opcode.BINARY, Opcode.CONT):
                yield bytes(event.data)

    def send(self, data: bytes) -> None:
        """Say *data*; nothing happens on a line that is closed."""
        if self.open:
            self._protocol.send_binary(data)
            self._flush()

    def close(self, code: int = 1000) -> None:
        """Say good-bye and let the client hang up."""
        if self.open:
            self._protocol.send_close(code)
            self._flush()

    def abort(self) -> None:
        """Hang up without a word."""
        self._writer.transport.abort()

    @property
    def open(self) -> bool:
        """Whether there is still somebody to talk to."""
        return self._protocol.state.name == "OPEN" and not self._writer.is_closing()

    async def _events(self) -> AsyncIterator[Request | Frame]:
        while True:
            for event in self._protocol.events_received():
                if isinstance(event, Request | Frame):
                    yield event
            data = b""
            with contextlib.suppress(ConnectionError, OSError):
                data = await self._reader.read(1 << 16)
            if not data:
                return
            self._protocol.receive_data(data)
            self._flush()

    def _flush(self) -> None:
        if self._writer.is_closing():
            return
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)
            else:
                self._writer.close()
