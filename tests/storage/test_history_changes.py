"""Edits, reactions and revocations: whose are believed, and which one counts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.mentorado import Mentorado
from app.domain.messages import StoredMessage
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from tests.storage.talk import (
    BIA,
    CAIO,
    CAIO_LID,
    GROUP,
    a_message,
    add_mentorado,
    edit,
    minutes,
    reaction,
    revocation,
    rows,
)


async def _shown(history: SqlMessageRepository, mentorado: Mentorado) -> list[StoredMessage]:
    (talk,) = await history.conversations(mentorado.id)
    return list(reversed(await history.messages(talk.id)))


@pytest.mark.parametrize(
    ("author", "who", "verifiable"),
    [
        ({"sender": (CAIO,)}, {"sender": (CAIO,)}, True),
        ({"sender": (CAIO,)}, {"sender": (BIA,)}, False),
        ({"sender": (CAIO,)}, {"sender": ()}, False),
        ({"sender": ()}, {"sender": ()}, False),  # nobody knows that the two are one
        ({"sender": (CAIO,)}, {"from_me": True}, True),  # the mentorado's phone offers it to admins only
        ({"from_me": True}, {"from_me": True}, True),
        ({"from_me": True}, {"sender": (CAIO,)}, False),
        ({"from_me": True}, {"sender": ()}, False),
    ],
)
@pytest.mark.parametrize("first", ["message", "revocation"])
async def test_only_the_author_or_the_mentorado_revokes_in_a_group(
    path: Path, author: dict[str, Any], who: dict[str, Any], *, verifiable: bool, first: str
) -> None:
    facts = [a_message("G1", "nosso", GROUP, **author), revocation("D", "G1", GROUP, **who, minute=3)]
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        for fact in facts if first == "message" else facts[::-1]:
            await history.store(ana, [fact], minutes(9))
        (shown,) = await _shown(history, ana)
    assert (shown.revoked_at is not None, shown.revocation_asked) == (verifiable, not verifiable)


async def test_a_revocation_counts_once_its_author_is_known_to_be_the_same(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        messages = [
            a_message("G1", "nosso", GROUP, sender=(CAIO_LID,)),
            revocation("D", "G1", GROUP, sender=(CAIO,), minute=3),
        ]
        await history.store(ana, messages, minutes(9))
        assert [message.revocation_asked for message in await _shown(history, ana)] == [True]
        await history.store(ana, [a_message("G2", "eu", GROUP, sender=(CAIO_LID, CAIO), minute=4)], minutes(9))
        shown = await _shown(history, ana)
    assert [(message.revoked_at, message.revocation_asked) for message in shown] == [(minutes(3), False), (None, False)]


@given(st.permutations(["ZZ", "MM", "AA"]), st.integers(1, 3))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_changes_in_one_second_the_one_that_came_last_counts_whatever_their_ids(
    path: Path, ids: list[str], size: int
) -> None:
    first, second, third = ids
    messages = [
        a_message("M1", "primeira", minute=1),
        edit(first, "M1", "segunda", minute=2),
        edit(second, "M1", "terceira", minute=2),
        reaction(f"R{second}", "M1", "👍", minute=2),
        reaction(f"R{first}", "M1", "❤️", minute=2),
        edit(third, "M1", "quarta", minute=2),
    ]

    async def main() -> None:
        async with Database(path) as database:
            found = await rows(database, "SELECT count(*) FROM mentorado")
            ana, history = (
                await add_mentorado(database, number=f"+551197{found[0][0]:07}"),
                SqlMessageRepository(database),
            )
            for start in range(0, len(messages), size):
                await history.store(ana, messages[start : start + size], minutes(9))
            (shown,) = await _shown(history, ana)
            assert (shown.text, shown.reactions) == ("quarta", ("❤️",))

    asyncio.run(main())
