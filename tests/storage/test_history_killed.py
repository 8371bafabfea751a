"""The program may die at any moment: a batch is stored whole or not at all, and goes in once when it is told again."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.messages import ProviderMessage
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.storage.talk import a_message, add_mentorado, minutes

BATCH, BATCHES = 40, 400

SCRIPT = """
import asyncio, sys
from pathlib import Path
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.storage.talk import minutes
from tests.storage.test_history_killed import batches

async def main():
    async with Database(Path(sys.argv[1])) as database:
        (ana,) = await SqlMentoradoRepository(database).all()
        for batch in batches():
            await SqlMessageRepository(database).store(ana, batch, minutes(1))
            print(batch[-1].provider_id, flush=True)

asyncio.run(main())
"""


def batches() -> list[list[ProviderMessage]]:
    return [[a_message(f"M{n}-{m}", f"texto {n} {m}") for m in range(BATCH)] for n in range(BATCHES)]


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2])
async def test_what_was_confirmed_is_there_and_no_batch_is_half_stored(path: Path, after: float) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
    program = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    confirmed = [program.stdout.readline().strip()]
    await asyncio.sleep(after)
    program.send_signal(signal.SIGKILL)
    confirmed += [line.strip() for line in program.stdout if line.endswith("\n")]
    program.stdout.close()
    assert program.wait() == -signal.SIGKILL

    async with Database(path) as database:
        assert await SqlMentoradoRepository(database).all() == [ana]
        history = SqlMessageRepository(database)
        (talk,) = await history.conversations(ana.id)
        assert talk.messages % BATCH == 0
        assert len(confirmed) * BATCH <= talk.messages <= (len(confirmed) + 1) * BATCH
        for batch in batches()[: len(confirmed) + 3]:
            await history.store(ana, batch, minutes(2))
        found = await history.messages(talk.id, limit=BATCH * BATCHES)
    expected = [message.provider_id for batch in batches()[: len(confirmed) + 3] for message in batch]
    assert [message.provider_id for message in reversed(found)] == expected
