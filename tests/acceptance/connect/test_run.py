"""``conecta run``: a server without a screen holds the links, and ends when it is told to."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect.harness import Harness, hosts, no_hosts
from tests.acceptance.connect.terminal import Command, conecta, started
from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent.parent

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals, and systemd's socket")


class Systemd:
    """The service manager's end of sd_notify(3)."""

    def __init__(self, path: Path) -> None:
        self.events: list[str] = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"}
        threading.Thread(target=self._read, daemon=True).start()

    def says(self, message: str) -> bool:
        return message in self.events

    def _read(self) -> None:
        while message := self.socket.recv(4096).decode():
            self.events.append(message)


@pytest.fixture
def systemd(fast_dir: Path) -> Iterator[Systemd]:
    played = Systemd(fast_dir / "notify")
    yield played
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
        last.sendto(b"", played.environment["NOTIFY_SOCKET"])  # ends its thread
    played.socket.close()


def loaded_qt(pid: int) -> list[str]:
    """The libraries of Qt that a process has loaded, where the system tells."""
    maps = Path(f"/proc/{pid}/maps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    return [each for each in lines if "Qt6" in each or "PySide6" in each]


async def line(command: Command, **fits: str) -> dict[str, Any]:
    """The next log line with these fields."""
    assert command.process.stdout is not None
    async with asyncio.timeout(20):
        while text := await command.process.stdout.readline():
            fields: dict[str, Any] = json.loads(text)
            if fits.items() <= fields.items():
                return fields
    raise AssertionError(f"it ended without {fits}")


@pytest.mark.within(60)
async def test_links_are_held_without_qt_until_sigterm(harness: Harness, systemd: Systemd) -> None:
    """ "Trigger connect", on a server: what should run runs, systemd is told, and SIGTERM closes everything cleanly."""
    async with harness.running() as run:
        ana = await run.connect_new("Ana Prates")
    home, environment = harness.settings.data_dir, {**harness.environment(), **systemd.environment}
    async with started(home, environment, "run", "--json") as service:
        await line(service, link=ana.link, state="connected")
        await until(lambda: systemd.says("READY=1"))
        await until(lambda: systemd.says("STATUS=1 of 1 connected"))
        systemd.events.clear()
        await until(lambda: systemd.says("WATCHDOG=1"))
        assert not loaded_qt(service.process.pid)

        second = await conecta(home, harness.environment(), "run")
        assert second.exit_code == 1
        assert "[links_held]" in second.error
        assert f"PID {service.process.pid}" in second.error
        assert second.out == ""

        service.process.send_signal(signal.SIGTERM)
        ended = await service.finished()
        assert ended.exit_code == 0
        await until(lambda: systemd.says("STOPPING=1"))
        assert ana.digits not in ended.out
    await no_hosts()
    last = (await harness.written(ana))[-1].after
    assert (last.state, last.reason) == (LinkState.OFF, Reason.PROGRAM_CLOSED)


async def test_it_says_in_words_what_it_does_and_ends_by_ctrl_c(harness: Harness) -> None:
    """Without ``--json`` a person reads along; the lock is given back, so that it can be started again at once."""
    home = harness.settings.data_dir
    home.mkdir(parents=True)
    async with started(home, harness.environment(), "run") as service:
        assert service.process.stdout is not None
        async with asyncio.timeout(20):
            assert await service.process.stdout.readline() == b"Ready. 0 connections should run.\n"
        service.process.send_signal(signal.SIGINT)
        ended = await service.finished()
    assert (ended.exit_code, ended.out, ended.error.strip()) == (0, "Closing the connections.\n", "")
    assert (home / "window.lock").read_text() == ""


@pytest.mark.skipif(os.name != "posix", reason="terminals that hang up are POSIX")
async def test_a_terminal_that_is_closed_ends_it_in_order(harness: Harness) -> None:
    """Who closes the window of a terminal, or loses an ssh connection, loses no message: hosts are not hung up."""
    async with harness.running() as run:
        ana = await run.connect_new("Ana Prates")
    terminal, its_end = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "run"],
        cwd=harness.settings.data_dir,
        env={**os.environ, **harness.environment(), "PYTHONPATH": str(ROOT)},
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no thread of ours takes a lock there
    )
    os.close(its_end)
    shown = b""
    while b"Ready" not in shown:
        shown += await asyncio.to_thread(os.read, terminal, 1000)
    await until(lambda: len(hosts()) == 1)
    os.close(terminal)
    assert await asyncio.to_thread(process.wait, 20) == 0
    await no_hosts()
    last = (await harness.written(ana))[-1].after
    assert (last.state, last.reason) == (LinkState.OFF, Reason.PROGRAM_CLOSED)


def test_make_run_passes_its_arguments_on(harness: Harness) -> None:
    """`make run ARGS="..."` is the same program."""
    if subprocess.run(
        ["make", "--question", ".venv/ready-to-run"], cwd=ROOT, capture_output=True, check=False
    ).returncode:
        pytest.skip("the environment of this checkout is not prepared")
    ended = subprocess.run(
        ["make", "run", "ARGS=mentorado list --json"],
        cwd=ROOT,
        env={**os.environ, **harness.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, json.loads(ended.stdout)) == (0, {"mentorados": []})
