"""A program that stores batches of messages until it is killed: ``python -m tests.storage.killed FILE MODULE NAME``."""

from __future__ import annotations

import asyncio
import importlib
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from app.domain.messages import ProviderMessage
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.storage.talk import minutes


async def killed_while_storing(
    file: Path, batches: Callable[[], Sequence[Sequence[ProviderMessage]]], after: float
) -> list[str]:
    """Kill a program that stores *batches*, *after* seconds from its first; returns the last id of each stored one."""
    command = [sys.executable, "-m", "tests.storage.killed", str(file), batches.__module__, batches.__name__]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    stored = [program.stdout.readline().strip()]
    await asyncio.sleep(after)
    program.send_signal(signal.SIGKILL)
    stored += [line.strip() for line in program.stdout if line.endswith("\n")]
    program.stdout.close()
    assert program.wait() == -signal.SIGKILL
    return stored


async def _store(file: Path, batches: Sequence[Sequence[ProviderMessage]]) -> None:
    async with Database(file) as database:
        (ana,) = await SqlMentoradoRepository(database).all()
        history = SqlMessageRepository(database)
        for number, batch in enumerate(batches):
            await history.store(ana, batch, minutes(1))
            sys.stdout.write(f"{batch[-1].provider_id}\n")
            sys.stdout.flush()
            if number % 3 == 2:
                await history.index_pending()


if __name__ == "__main__":
    asyncio.run(_store(Path(sys.argv[1]), getattr(importlib.import_module(sys.argv[2]), sys.argv[3])()))
