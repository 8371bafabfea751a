"""What is told late is shown where it was said."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import MessageKind, ProviderMessage
from app.storage.database import Database
from app.storage.history.ordering import END
from app.storage.history.repository import SqlMessageRepository
from tests.storage.talk import BIA, CAIO, a_message, add_mentorado, edit, minutes, rows, switched


async def shown(history: SqlMessageRepository, mentorado: Mentorado) -> list[str]:
    """The ids of one conversation, the oldest first."""
    (talk,) = await history.conversations(mentorado.id)
    return [message.provider_id for message in reversed(await history.messages(talk.id, limit=1000))]


async def test_what_comes_late_is_shown_where_it_was_said_and_found_there(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        zapi = await switched(database, ana, ProviderKind.ZAPI)
        for minute in (1, 2, 4, 5):
            await history.store(zapi, [a_message(f"M{minute}", f"dita {minute}", minute=minute)], minutes(10 + minute))
        await history.store(zapi, [edit("E", "M5", "corrigida", minute=6)], minutes(16))
        await history.index_pending()
        await history.store(zapi, [a_message("M3", "dita tarde", minute=3)], minutes(20))
        assert await shown(history, ana) == ["M1", "M2", "M3", "M4", "M5"]
        (talk,) = await history.conversations(ana.id)
        assert (talk.messages, talk.last_text) == (5, "corrigida")
        found = await history.search("dita", mentorado_id=ana.id)
        assert [message.provider_id for message in found] == ["M4", "M3", "M2", "M1"]
        corrected = await history.search("corrigida", mentorado_id=ana.id)
        assert MessageKind.TEXT in {message.kind for message in corrected}


async def test_what_was_sent_in_the_same_second_has_one_order_whatever_came_first(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        meta = await switched(database, ana, ProviderKind.META_CLOUD)
        for name in ("C", "A", "B"):
            await history.store(meta, [a_message(name, minute=1)], minutes(2))
        assert await shown(history, ana) == ["A", "B", "C"]


async def test_what_several_links_tell_of_is_in_one_order(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        for name, minute in (("M2", 2), ("M1", 1)):
            await history.store(ana, [a_message(name, minute=minute)], minutes(5))
        assert await shown(history, ana) == ["M1", "M2"]
        zapi = await switched(database, ana, ProviderKind.ZAPI)
        await history.store(zapi, [a_message("Z", minute=0)], minutes(6))
        await history.store(ana, [a_message("M3", minute=1.5)], minutes(7))
        assert await shown(history, ana) == ["Z", "M1", "M3", "M2"]
        await history.store(zapi, [a_message("Y", minute=3)], minutes(8))
        await history.store(ana, [a_message("M4", minute=2.5)], minutes(9))
        assert await shown(history, ana) == ["Z", "M1", "M3", "M2", "M4", "Y"]


async def test_within_a_second_each_link_s_messages_keep_the_order_that_they_have_without_the_other(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        meta = await switched(database, ana, ProviderKind.META_CLOUD)
        for who, name in ((ana, "C"), (meta, "Z"), (ana, "A"), (meta, "X"), (ana, "B"), (meta, "Y")):
            await history.store(who, [a_message(name, name, minute=1)], minutes(2))
        found = await shown(history, ana)
    assert [name for name in found if name in "ABC"] == ["C", "A", "B"]
    assert [name for name in found if name in "XYZ"] == ["X", "Y", "Z"]


async def test_a_backlog_beside_another_link_is_put_in_place_however_long(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        meta = await switched(database, ana, ProviderKind.META_CLOUD)
        facts = [a_message(f"M{number:03}", f"dita {number}", minute=number) for number in range(END + 60)]
        await history.store(meta, facts[5:], minutes(500))
        await history.store(ana, facts[:5], minutes(501))
        assert await shown(history, ana) == [fact.provider_id for fact in facts]


async def test_at_a_client_of_our_own_what_was_sent_in_one_second_stays_as_it_came(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        for name in ("C", "A", "B"):
            await history.store(ana, [a_message(name, minute=1), edit(f"E{name}", name, "outra", minute=0)], minutes(2))
        assert await shown(history, ana) == ["C", "A", "B"]


_MESSAGES = [
    a_message(f"M{number:02}", "oi", *((CAIO,) if number % 3 == 0 else (BIA,)), minute=number) for number in range(24)
]


@given(st.permutations(_MESSAGES), st.integers(1, 24))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_conversation_reads_the_same_in_whatever_order_and_portions_it_came(
    path: Path, order: list[ProviderMessage], size: int
) -> None:
    async def main() -> None:
        async with Database(path) as database:
            (count,) = (await rows(database, "SELECT count(*) FROM mentorado"))[0]
            history, ana = SqlMessageRepository(database), await add_mentorado(database, number=f"+551197{count:07}")
            for start in range(0, len(order), size):
                await history.store(ana, order[start : start + size], minutes(60 + start))
            for talk in await history.conversations(ana.id):
                ids = [message.provider_id for message in reversed(await history.messages(talk.id))]
                assert ids == sorted(ids)
                assert len(ids) in (8, 16)

    asyncio.run(main())


async def test_a_backlog_longer_than_the_library_s_queue_is_shown_in_its_order(path: Path) -> None:
    """ "a backlog over 2,048 is shown out of order": what does not fit into the queue comes as chance has it."""
    collected = [a_message(f"M{number:04}", f"dita {number}", minute=number / 60) for number in range(2_600)]
    chance = random.Random(5)  # noqa: S311 - the same in every run
    in_order, rest = collected[:2_048], collected[2_048:]
    for late in rest[::5]:
        in_order.insert(chance.randrange(2_000, len(in_order)), late)
    arrived = in_order + [late for late in rest if late not in rest[::5]]
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        for start in range(0, len(arrived), 100):
            await history.store(ana, arrived[start : start + 100], minutes(60 + start))
        (talk,) = await history.conversations(ana.id)
        messages = [message.provider_id for message in reversed(await history.messages(talk.id, limit=3_000))]
        assert messages == [message.provider_id for message in collected]
        found = await history.search("dita 2500", mentorado_id=ana.id)
        assert [message.provider_id for message in found] == ["M2500"]


async def test_only_the_end_of_a_long_conversation_is_looked_at(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        zapi = await switched(database, ana, ProviderKind.ZAPI)
        messages = [a_message(f"M{number:03}", "oi", BIA, minute=10 + number) for number in range(END + 50)]
        random.Random(3).shuffle(messages)  # noqa: S311 - the same in every run
        await history.store(zapi, messages[:END], minutes(1))
        in_order = sorted(message.provider_id for message in messages[:END])
        assert await shown(history, ana) == in_order
        await history.store(zapi, [a_message("OLD", minute=1)], minutes(2))
        assert await shown(history, ana) == [in_order[0], "OLD", *in_order[1:]]  # as far back as is looked
