"""What systemd hears, as sd_notify(3) has it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.cli.run import ServiceManager

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd's socket")


def test_each_word_is_a_datagram_and_children_do_not_get_the_socket(fast_dir: Path) -> None:
    environment = {"NOTIFY_SOCKET": str(fast_dir / "notify"), "OTHER": "stays"}
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(environment["NOTIFY_SOCKET"])
        manager = ServiceManager(environment)
        assert environment == {"OTHER": "stays"}
        manager.ready()
        manager.status("1 of 2 connected")
        manager.status("1 of 2 connected")  # nothing new
        manager.stopping()
        asyncio.run(manager.keep_alive())  # not asked for: it ends at once
        data = [systemd.recv(100) for _ in range(3)]
        assert data == [b"READY=1", b"STATUS=1 of 2 connected", b"STOPPING=1"]
        systemd.setblocking(False)
        with pytest.raises(BlockingIOError):
            systemd.recv(100)


@pytest.mark.skipif(sys.platform != "linux", reason="the abstract namespace is Linux's")
def test_a_name_in_the_abstract_namespace_is_one() -> None:
    name = f"conecta-test-{os.getpid()}"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(f"\0{name}")
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert systemd.recv(100) == b"READY=1"


@pytest.mark.parametrize("names_us", [False, True])
def test_the_watchdog_hears_twice_within_its_time(fast_dir: Path, names_us: bool) -> None:
    path = str(fast_dir / "notify")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(path)
        systemd.settimeout(10)
        pid = str(os.getpid()) if names_us else ""
        manager = ServiceManager({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": pid})

        async def main() -> list[bytes]:
            keeping = asyncio.get_running_loop().create_task(manager.keep_alive())
            data = [await asyncio.to_thread(systemd.recv, 100) for _ in range(3)]
            keeping.cancel()
            await asyncio.wait([keeping])
            return data

        assert asyncio.run(main()) == [b"WATCHDOG=1"] * 3


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"NOTIFY_SOCKET": ""},
        {"NOTIFY_SOCKET": "vsock:2:1234"},
        {"NOTIFY_SOCKET": "/nowhere/notify"},
        {"NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
    ],
)
def test_without_systemd_or_with_nonsense_nothing_happens(environment: dict[str, str]) -> None:
    manager = ServiceManager(environment)
    manager.ready()
    manager.status("fine")
    asyncio.run(manager.keep_alive())
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & environment.keys()
