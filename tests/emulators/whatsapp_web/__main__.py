"""Serve in a process of its own until standard input closes or SIGTERM comes: ``python -m … DIRECTORY``."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from tests.emulators.whatsapp_web.emulator import Emulator


async def serve(directory: Path) -> None:
    """Serve from *directory* until told to stop."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    with contextlib.suppress(PermissionError):  # a file, or nothing, cannot be watched: then only SIGTERM ends it
        loop.add_reader(sys.stdin.fileno(), _at_end_of_input, stop)
    async with Emulator(directory):
        await stop.wait()


def _at_end_of_input(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        stop.set()


if __name__ == "__main__":
    chosen = Path(sys.argv[1])
    chosen.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(chosen))
