"""The emulator as one thing to start and stop: certificates, the door, the service and the control line."""

import asyncio
import contextlib
import inspect
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.emulators.whatsapp_web.certificates import noise_identity, tls_context
from tests.emulators.whatsapp_web.operations import Operations
from tests.emulators.whatsapp_web.proxy import Proxy
from tests.emulators.whatsapp_web.service import Service
from tests.emulators.whatsapp_web.tokens import tokens_by_version

STATE_FILE: Final = "emulator.json"
_LINE_LIMIT: Final = 16 << 20
_LEAVE_SECONDS: Final = 5.0


class Emulator:
    """Serves while its context is open; *directory* gets all that a client needs to find and trust it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = contextlib.AsyncExitStack()
        self.service = Service(tokens_by_version(), noise_identity(directory))
        self._proxy = Proxy(tls_context(directory), self.service.serve, self.service.refused)
        self.operations = Operations(self.service, self._proxy)
        self.port = 0  # of the proxy, once the context is open

    async def __aenter__(self) -> Self:
        proxy = await self._stack.enter_async_context(await self._proxy.listen())
        control = await asyncio.start_server(self._control, "127.0.0.1", 0, limit=_LINE_LIMIT)
        await self._stack.enter_async_context(control)
        self.port = _port(proxy)
        ports = {"proxy": self.port, "control": _port(control), "pid": os.getpid()}
        partial = self._directory / f"{STATE_FILE}.part"
        partial.write_text(json.dumps(ports))
        partial.replace(self._directory / STATE_FILE)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.operations.behave(network=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                while self.service.lines:
                    await asyncio.sleep(0.005)
        await self._stack.aclose()

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            name = str(request.pop("do"))
            operation = getattr(self.operations, name, None)
            if name.startswith("_") or not inspect.iscoroutinefunction(operation):
                raise LookupError(f"there is no operation {name!r}")
            return {"ok": True, **await operation(**request)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the test on the other end should read it
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])
