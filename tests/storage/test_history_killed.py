"""The program may die at any moment: a batch is stored whole or not at all, and goes in once when it is told again."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.messages import ProviderMessage
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.storage.killed import killed_while_storing
from tests.storage.talk import a_message, add_mentorado, minutes

BATCH, BATCHES = 40, 400


def batches() -> list[list[ProviderMessage]]:
    return [[a_message(f"M{n}-{m}", f"texto {n} {m}") for m in range(BATCH)] for n in range(BATCHES)]


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2])
async def test_what_was_confirmed_is_there_and_no_batch_is_half_stored(path: Path, after: float) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
    confirmed = await killed_while_storing(path, batches, after)

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
