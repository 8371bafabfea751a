"""The far end of a desktop's notifications: a session bus with a notification server, that speaks D-Bus on a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jeepney import DBusAddress, HeaderFields, Message, Parser, new_error, new_method_return, new_signal

_SERVER = DBusAddress("/org/freedesktop/Notifications", interface="org.freedesktop.Notifications")

_METHODS = frozenset({"GetCapabilities", "Notify", "CloseNotification"})


@dataclass
class Shown:
    """What stands on the desktop."""

    title: str
    text: str
    buttons: dict[str, str]


@dataclass
class FakeDesktop:
    """`shown` is what a person sees, by its number; `all` is all that ever came."""

    capabilities: list[str] = field(default_factory=lambda: ["body", "actions"])
    shown: dict[int, Shown] = field(default_factory=dict)
    all: list[Shown] = field(default_factory=list)
    matches: list[str] = field(default_factory=list)
    refuses: bool = False
    _writers: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = field(default_factory=dict)
    _serial: int = 0

    @property
    def titles(self) -> list[str]:
        return [each.title for each in self.shown.values()]

    async def click(self, number: int, action: str = "open") -> None:
        """A person presses the button, and the server takes the notification away."""
        await self.signal("ActionInvoked", "us", (number, action))
        self.shown.pop(number, None)
        await self.signal("NotificationClosed", "uu", (number, 2))

    async def signal(self, name: str, signature: str, body: tuple[Any, ...]) -> None:
        for writer in self._writers:
            await self._write(writer, new_signal(_SERVER, name, signature, body))

    async def end(self) -> None:
        """The session's bus ends."""
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*filter(None, self._writers.values()), return_exceptions=True)
        self._writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # the program ended
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n")
        writer.write(b"OK 1234deadbeef\r\n")
        await reader.readuntil(b"\r\n")
        self._writers[writer] = asyncio.current_task()
        parser = Parser()
        while data := await reader.read(4096):
            parser.add_data(data)
            while (message := parser.get_next_message()) is not None:
                await self._write(writer, self._answer(message))

    def _answer(self, message: Message) -> Message:
        name, body = message.header.fields[HeaderFields.member], message.body
        if name == "Hello":
            return new_method_return(message, "s", (":1.7",))
        if name == "AddMatch":
            self.matches.append(body[0])
            return new_method_return(message)
        if self.refuses or name not in _METHODS:  # of the keyring, which looks for its own service here
            return new_error(message, "org.freedesktop.DBus.Error.ServiceUnknown")
        if name == "GetCapabilities":
            return new_method_return(message, "as", (self.capabilities,))
        if name == "Notify":
            assert message.header.fields[HeaderFields.signature] == "susssasa{sv}i"
            _program, replaced, _icon, title, text, actions, _hints, _expires = body
            number = replaced or len(self.all) + 41
            shown = Shown(title, text, dict(zip(actions[::2], actions[1::2], strict=True)))
            self.all.append(shown)
            self.shown[number] = shown
            return new_method_return(message, "u", (number,))
        self.shown.pop(body[0], None)
        return new_method_return(message)

    async def _write(self, writer: asyncio.StreamWriter, message: Message) -> None:
        self._serial += 1
        with suppress(ConnectionError):  # the program ended
            writer.write(message.serialise(self._serial))
            await writer.drain()


@asynccontextmanager
async def desktop(folder: Path, monkeypatch: pytest.MonkeyPatch, **how: Any) -> AsyncIterator[FakeDesktop]:
    """A session whose bus is reached as on a real desktop."""
    made = FakeDesktop(**how)
    path = folder / "bus"
    server = await asyncio.start_unix_server(made.serve, path)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={path},guid=00")
    try:
        yield made
    finally:
        server.close()
        await made.end()
