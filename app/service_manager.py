"""Tells systemd how far the service is, as sd_notify(3) says; without systemd nothing happens."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Final

SEND_SECONDS: Final = 0.5
"""How long a service manager that does not read may hold up the event loop."""


class ServiceManager:
    """Sends datagrams to the socket that systemd names in the environment.

    The names are taken out of *environment*: processes that are started from here must not speak for the service.
    """

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        values = os.environ if environment is None else environment
        self._address = _address(values.pop("NOTIFY_SOCKET", ""))
        microseconds, pid = values.pop("WATCHDOG_USEC", ""), values.pop("WATCHDOG_PID", "")
        meant = pid in ("", str(os.getpid()))
        self._alive_every = int(microseconds) / 2_000_000 if meant and microseconds.isdecimal() else 0.0
        self._status = ""

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def status(self, words: str) -> None:
        """Show *words*, a single line, in ``systemctl status``."""
        if words != self._status:
            self._status = words
            self._send(f"STATUS={words}")

    async def keep_alive(self) -> None:
        """Say that the event loop runs, twice within the time after which systemd would restart the service."""
        while self._alive_every > 0:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self._alive_every)

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(SEND_SECONDS)
            sender.sendto(message.encode(), self._address)


def _address(named: str) -> str:
    """A path, or a name in Linux's abstract namespace (written with @); empty for what is neither."""
    if not named.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return ""
    return f"\0{named[1:]}" if named.startswith("@") else named
