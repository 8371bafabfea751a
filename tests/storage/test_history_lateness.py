"""What a hosted provider tells late is shown where it was said."""

from __future__ import annotations

import random
from pathlib import Path

from app.domain.mentorado import Enrolment, ProviderKind
from app.domain.messages import MessageKind
from app.storage.database import Database
from app.storage.history import SqlHistory
from app.storage.history_lateness import END
from tests.storage.talk import BIA, edit, enrol, minutes, said, switched


async def shown(history: SqlHistory, enrolment: Enrolment) -> list[str]:
    """The ids of one conversation, the oldest first."""
    (talk,) = await history.conversations(enrolment.mentorado.id)
    return [message.provider_id for message in reversed(await history.messages(talk.id, limit=1000))]


async def test_what_comes_late_is_shown_where_it_was_said_and_found_there(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlHistory(database), await enrol(database)
        zapi = await switched(database, ana, ProviderKind.ZAPI)
        for minute in (1, 2, 4, 5):
            await history.store(zapi, [said(f"M{minute}", f"dita {minute}", minute=minute)], minutes(10 + minute))
        await history.store(zapi, [edit("E", "M5", "corrigida", minute=6)], minutes(16))
        await history.catch_up()
        await history.store(zapi, [said("M3", "dita tarde", minute=3)], minutes(20))
        assert await shown(history, ana) == ["M1", "M2", "M3", "M4", "M5"]
        (talk,) = await history.conversations(ana.mentorado.id)
        assert (talk.messages, talk.last_text) == (5, "corrigida")
        found = await history.search("dita", mentorado_id=ana.mentorado.id)
        assert [message.provider_id for message in found] == ["M4", "M3", "M2", "M1"]
        corrected = await history.search("corrigida", mentorado_id=ana.mentorado.id)
        assert MessageKind.TEXT in {message.kind for message in corrected}


async def test_what_was_sent_in_the_same_second_has_one_order_whatever_came_first(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlHistory(database), await enrol(database)
        meta = await switched(database, ana, ProviderKind.META_CLOUD)
        for name in ("C", "A", "B"):
            await history.store(meta, [said(name, minute=1)], minutes(2))
        assert await shown(history, ana) == ["A", "B", "C"]


async def test_order_at_a_client_of_our_own_is_the_order_of_arrival(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlHistory(database), await enrol(database)
        for name, minute in (("M2", 2), ("M1", 1)):
            await history.store(ana, [said(name, minute=minute)], minutes(5))
        assert await shown(history, ana) == ["M2", "M1"]
        zapi = await switched(database, ana, ProviderKind.ZAPI)
        await history.store(zapi, [said("Z", minute=0)], minutes(6))
        assert await shown(history, ana) == ["M2", "M1", "Z"]  # and no other link's messages are touched


async def test_only_the_end_of_a_long_conversation_is_looked_at(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlHistory(database), await enrol(database)
        zapi = await switched(database, ana, ProviderKind.ZAPI)
        told = [said(f"M{number:03}", "oi", BIA, minute=10 + number) for number in range(END + 50)]
        random.Random(3).shuffle(told)  # noqa: S311 - the same in every run
        await history.store(zapi, told[:END], minutes(1))
        in_order = sorted(message.provider_id for message in told[:END])
        assert await shown(history, ana) == in_order
        await history.store(zapi, [said("OLD", minute=1)], minutes(2))
        assert await shown(history, ana) == [in_order[0], "OLD", *in_order[1:]]  # as far back as is looked
