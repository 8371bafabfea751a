"""Where the demo happens: a fresh folder, the emulator in a process of its own, and nothing left of either."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from app.platform.logging import configure_logging
from app.settings import Settings
from tests.demo.gateways import Gateways, open_gateways
from tests.demo.phones import Phones
from tests.emulators.whatsapp_web.process import EmulatorProcess, quick_directory

TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True, slots=True)
class DemoSetup:
    """What the program is started with, and the phones around it."""

    settings: Settings
    phones: Phones
    gateways: Gateways


@contextmanager
def open_place() -> Iterator[DemoSetup]:
    """Make a place; leaving it takes it down, whatever happened meanwhile."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    with (
        tempfile.TemporaryDirectory(prefix=f"conecta-demo-{os.getpid()}-", dir=quick_directory()) as home,
        _start_emulator() as emulator,
        open_gateways() as gateways,
        _logging_to(Path(home) / "data") as data,
    ):
        settings = Settings(
            data_dir=data,
            session_dir=data / "sessions",
            session_host=tuple(shlex.split(emulator.host_command())),
            zapi_url=gateways.zapi_url,
            meta_url=gateways.meta_url,
        )
        yield DemoSetup(settings, Phones(emulator.control, gateways), gateways)


def _start_emulator() -> EmulatorProcess:
    """Start it deaf to Ctrl+C, which a terminal sends to every process of ours: it must end after the program."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return EmulatorProcess()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _logging_to(data: Path) -> Iterator[Path]:
    data.mkdir(mode=0o700)
    log = logging.getLogger("app")
    before = list(log.handlers)
    configure_logging(data / "logs" / "conecta.log")
    try:
        yield data
    finally:
        for handler in set(log.handlers) - set(before):
            log.removeHandler(handler)
            handler.close()


def end_on_hangup() -> None:
    """Cancel the running task when the terminal goes, as the program's loop does at Ctrl+C and SIGTERM."""
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, task.cancel)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(TERMINATED)
