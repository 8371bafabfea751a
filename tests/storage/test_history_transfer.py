"""A history that was taken out is brought in again: nothing missing, nothing twice, nothing back that was erased."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import Address, AddressKind, DeliveryStatus, MessageUpdate, StoredMessage
from app.storage.database import Database
from app.storage.history.repository import SqlHistoryDump, SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.storage.talk import (
    BIA,
    BIA_LID,
    CAIO,
    GROUP,
    a_message,
    add_mentorado,
    edit,
    minutes,
    reaction,
    receipt,
    rows,
    switched,
)
from tests.storage.test_history import EVERYTHING
from tests.storage.transfer import brought_in, dumped


async def seen(database: Database, who: Mentorado) -> object:
    """What is shown of a history, in order, but for our own numbers and ids."""
    history = SqlMessageRepository(database)
    talks = []
    for talk in await history.conversations(who.id):
        named = sorted(address.key for address in talk.addresses)
        messages = await history.messages(talk.id, limit=1000)
        title = Address(AddressKind.PHONE, talk.title).key  # a number may be written with its ninth digit or without
        talks.append((named, title, talk.is_group, [plain(message) for message in messages]))
    found = await history.search("corrigida", mentorado_id=who.id)
    return sorted(talks, key=lambda talk: talk[0]), sorted(message.provider_id for message in found)


def plain(message: StoredMessage) -> object:
    left_out = {"number": 0, "conversation_id": "", "link_id": ""}
    return repr(replace(message, **left_out))  # type: ignore[arg-type]


async def store_at_minutes(database: Database, who: Mentorado, facts: Sequence[MessageUpdate]) -> None:
    """Each at the minute of its place, as if it had just arrived."""
    for minute, fact in enumerate(facts):
        await SqlMessageRepository(database).store(who, [fact], minutes(100 + minute))


async def same_person(database: Database, who: Mentorado) -> Mentorado:
    """Enrolled in another database."""
    await SqlMentoradoRepository(database).add(who)
    return who


@asynccontextmanager
async def fresh(place: Path) -> AsyncIterator[Database]:
    """An empty database; its shape is made once and copied, which is quicker."""
    template = place / "template.db"
    if not template.exists():
        async with Database(template):
            pass
    file = place / f"{next(_numbers)}.db"
    shutil.copyfile(template, file)
    async with Database(file) as database:
        yield database
    file.unlink()


_numbers = itertools.count()

# --- whatever was said -----------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(EVERYTHING), max_size=len(EVERYTHING)), st.integers(1, 30))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_brought_into_an_empty_database_is_what_was_taken_out(
    fast_dir: Path, facts: list[MessageUpdate], size: int
) -> None:
    async def main() -> None:
        async with fresh(fast_dir) as one, fresh(fast_dir) as two:
            ana = await same_person(two, await add_mentorado(one))
            await store_at_minutes(one, ana, facts)
            items = await dumped(one, ana)
            messages = sum(row["kind"] == "message" for row in items)
            assert await brought_in(two, ana, items, size) == messages
            assert await seen(two, ana) == await seen(one, ana)
            assert await dumped(two, ana) == items
            counts = await SqlHistoryDump(two).counts(ana.id)
            assert counts == await SqlHistoryDump(one).counts(ana.id)
            assert counts["message"] == messages

            assert await brought_in(two, ana, items, size) == 0
            assert await brought_in(one, ana, items, size) == 0
            assert await dumped(two, ana) == await dumped(one, ana) == items

    asyncio.run(main())


@given(st.data(), st.integers(1, 30))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_database_that_went_on_holds_both_afterwards(fast_dir: Path, data: st.DataObject, size: int) -> None:
    """The far end repeats some of what it had said before, and goes on from there."""
    places = st.sets(st.integers(0, len(EVERYTHING) - 1))
    cut, first, second = data.draw(st.integers(0, len(EVERYTHING))), data.draw(places), data.draw(places)
    before = [EVERYTHING[place] for place in sorted(first) if place < cut]
    later = [EVERYTHING[place] for place in sorted(second) if place >= cut or place in first]

    async def main() -> None:
        async with fresh(fast_dir) as one, fresh(fast_dir) as two, fresh(fast_dir) as three:
            ana = await same_person(three, await same_person(two, await add_mentorado(one)))
            await store_at_minutes(one, ana, before)
            for database in (two, three):
                for minute, fact in enumerate([*(before if database is three else []), *later]):
                    at = minute if database is three else minute + len(before)
                    await SqlMessageRepository(database).store(ana, [fact], minutes(100 + at))
            items = await dumped(one, ana)
            for _ in range(2):
                await brought_in(two, ana, items, size)
                assert await seen(two, ana) == await seen(three, ana)
            assert await rows(two, "PRAGMA foreign_key_check") == []

    asyncio.run(main())


# --- in their place --------------------------------------------------------------------------------------------------


async def test_what_is_brought_back_stands_before_what_came_since(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await same_person(two, await add_mentorado(one))
        await SqlMessageRepository(one).store(
            ana, [a_message(f"A{n}", f"antes {n}", minute=n) for n in range(5)], minutes(5)
        )
        await SqlMessageRepository(one).store(ana, [a_message("B", "antes ainda", minute=6)], minutes(6))
        await SqlMessageRepository(two).store(
            ana, [a_message("C", "depois", minute=7), a_message("D", "por fim", minute=8)], minutes(8)
        )
        assert len(await SqlMessageRepository(two).search("depois")) == 1  # it is in the index
        await brought_in(two, ana, await dumped(one, ana), size=3)
        (talk,) = await SqlMessageRepository(two).conversations(ana.id)
        texts = [message.text for message in await SqlMessageRepository(two).messages(talk.id)]
        assert texts == ["por fim", "depois", "antes ainda", *(f"antes {n}" for n in reversed(range(5)))]
        assert talk.last_text == "por fim"
        for word, count in (("antes", 6), ("depois", 1)):
            assert len(await SqlMessageRepository(two).search(word)) == count
        numbers = await rows(two, "SELECT number FROM message ORDER BY number")
        await SqlHistoryDump(two).merge(ana.id, [])
        assert await rows(two, "SELECT number FROM message ORDER BY number") == numbers


async def test_they_are_put_in_order_piece_by_piece(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.storage.history.ordering._AT_ONCE", 3)
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await same_person(two, await add_mentorado(one))
        await SqlMessageRepository(one).store(ana, [a_message(f"A{n}", f"{n}", minute=n) for n in range(9)], minutes(1))
        for at in range(8):  # two at a time are stored together, and stay together
            await SqlMessageRepository(two).store(
                ana, [a_message(f"B{at}{n}", f"{at}{n}") for n in range(2)], minutes(2 + at)
            )
        await brought_in(two, ana, await dumped(one, ana))
        (talk,) = await SqlMessageRepository(two).conversations(ana.id)
        texts = [message.text for message in await SqlMessageRepository(two).messages(talk.id)][::-1]
    assert texts == [*map(str, range(9)), *(f"{at}{n}" for at in range(8) for n in range(2))]


# --- links -----------------------------------------------------------------------------------------------------------


async def test_a_mentorado_who_was_enrolled_anew_gets_the_history_and_nothing_repeated_is_doubled(path: Path) -> None:
    facts = [a_message("M1", "oi"), a_message("S1", "olá", from_me=True), edit("E1", "M1", "oi, corrigida")]
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana, again = await add_mentorado(one), await add_mentorado(two)
        await SqlMessageRepository(one).store(ana, facts, minutes(1))
        assert await brought_in(two, again, await dumped(one, ana)) == 3
        await SqlMessageRepository(two).store(again, [*facts, receipt(DeliveryStatus.READ, "S1")], minutes(2))
        (talk,) = await SqlMessageRepository(two).conversations(again.id)
        messages = await SqlMessageRepository(two).messages(talk.id)
    assert [(message.text, message.delivery) for message in messages] == [
        ("olá", DeliveryStatus.READ),
        ("oi, corrigida", None),
    ]
    assert {message.link_id for message in messages} == {again.link.id}


async def test_messages_of_a_provider_that_is_not_in_use_get_a_link_that_is_not_in_use(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await add_mentorado(one)
        earlier = await switched(one, ana, ProviderKind.ZAPI)
        await SqlMessageRepository(one).store(earlier, [a_message("Z1", "pela z-api")], minutes(1))
        await SqlMessageRepository(one).store(
            ana, [a_message("M1", "pelo web"), receipt(DeliveryStatus.READ, "early")], minutes(2)
        )
        items = await dumped(one, ana)
        await same_person(two, ana)
        assert await brought_in(two, ana, items) == 2
        assert await dumped(two, ana) == items
        links = await rows(two, "SELECT id, provider, active, account FROM link ORDER BY active")
        assert links == [(earlier.link.id, "zapi", 0, None), (ana.link.id, "whatsapp_web", 1, None)]


async def test_the_history_of_somebody_enrolled_twice_can_be_had_by_both(path: Path) -> None:
    """The ids in it are the first one's, who is archived in the same database."""
    async with Database(path) as database:
        ana = await add_mentorado(database)
        zapi = await switched(database, ana, ProviderKind.ZAPI)
        await store_at_minutes(database, ana, EVERYTHING)
        await SqlMessageRepository(database).store(zapi, [a_message("Z1", "pela z-api")], minutes(500))
        items = await dumped(database, ana)
        archived = replace(ana, archived_at=minutes(0))
        await SqlMentoradoRepository(database).save_mentorado(archived)
        again = await add_mentorado(database)
        for _ in range(2):
            await brought_in(database, again, items, size=4)
            assert await seen(database, again) == await seen(database, ana)
        assert await dumped(database, ana) == items
        ids = {row["id"] for row in items if row["kind"] == "contact"}
        theirs = await dumped(database, again)
        assert ids.isdisjoint(row["id"] for row in theirs if row["kind"] == "contact")


# --- receipts --------------------------------------------------------------------------------------------------------


async def test_receipts_reach_their_messages_whatever_came_first(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await same_person(two, await add_mentorado(one))
        sent = [a_message(f"S{n}", "enviada", from_me=True) for n in range(4)]
        await SqlMessageRepository(one).store(
            ana, [*sent[:2], receipt(DeliveryStatus.SENT, "S0", "S2", "S3")], minutes(1)
        )
        await SqlMessageRepository(two).store(ana, [*sent[2:3], receipt(DeliveryStatus.READ, "S1")], minutes(1))
        await SqlMessageRepository(two).store(ana, [receipt(DeliveryStatus.DELIVERED, "S3")], minutes(2))
        await brought_in(two, ana, await dumped(one, ana))
        messages = [message async for some in SqlMessageRepository(two).export(ana.id) for message in some]
        assert {message.provider_id: message.delivery for message in messages} == {
            "S0": DeliveryStatus.SENT,
            "S1": DeliveryStatus.READ,
            "S2": DeliveryStatus.SENT,
        }
        assert await rows(two, "SELECT provider_id, delivery FROM early_receipt") == [("S3", "delivered")]


# --- what was erased -------------------------------------------------------------------------------------------------


async def test_who_was_erased_since_stays_erased(path: Path) -> None:
    bia = [a_message("M1", "segredo", BIA, BIA_LID, sender_name="Bia", minute=1)]
    group = [
        a_message("G1", "da bia", GROUP, sender=(BIA_LID,), minute=2),
        a_message("G2", "do caio", GROUP, sender=(CAIO,)),
    ]
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [*bia, *group, reaction("R1", "G2", "👍", GROUP, sender=(BIA,))], minutes(5))
        items = await dumped(database, ana)
        found = await history.find_contact(ana.id, BIA)
        assert found is not None
        await history.erase(ana.id, found, minutes(10))
        before = await dumped(database, ana)
        assert await brought_in(database, ana, items, size=2) == 0
        assert await dumped(database, ana) == before
        assert await history.find_contact(ana.id, BIA_LID) is None

        await history.store(ana, [a_message("M9", "de volta", BIA, minute=20)], minutes(20))  # they write again
        assert await brought_in(database, ana, items, size=2) == 0
        assert await history.find_contact(ana.id, BIA_LID) is None
        texts = [message.text async for some in history.export(ana.id) for message in some]
    assert texts == ["do caio", "de volta"]


async def test_who_wrote_again_after_the_erasure_comes_back_with_that_only(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await same_person(two, await add_mentorado(one))
        everything = [
            a_message("M1", "antes", minute=1),
            a_message("M2", "depois", minute=20),
            a_message("C1", "caio", CAIO),
        ]
        everything.append(a_message("G1", "no grupo, antes", GROUP, minute=1))
        await SqlMessageRepository(one).store(ana, everything, minutes(30))
        await SqlMessageRepository(two).store(ana, everything[:1], minutes(5))
        found = await SqlMessageRepository(two).find_contact(ana.id, BIA)
        assert found is not None
        await SqlMessageRepository(two).erase(ana.id, found, minutes(10))
        await brought_in(two, ana, await dumped(one, ana))
        texts = {message.text async for some in SqlMessageRepository(two).export(ana.id) for message in some}
    assert texts == {"depois", "caio"}


async def test_who_was_erased_before_the_backup_is_not_stored_when_repeated_after_it(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await same_person(two, await add_mentorado(one))
        old = [a_message("M1", "apagada", minute=1), a_message("C1", "caio", CAIO, minute=1)]
        await SqlMessageRepository(one).store(ana, old, minutes(5))
        found = await SqlMessageRepository(one).find_contact(ana.id, BIA)
        assert found is not None
        await SqlMessageRepository(one).erase(ana.id, found, minutes(10))
        items = await dumped(one, ana)
        assert "5521987650001" not in json.dumps(items)
        for _ in range(2):
            await brought_in(two, ana, items)
        await SqlMessageRepository(two).store(ana, old, minutes(20))
        texts = [message.text async for some in SqlMessageRepository(two).export(ana.id) for message in some]
        assert texts == ["caio"]

        suppressed = [
            {**row, "erased_at": "2026-02-01T00:00:00+00:00"} for row in items if row["kind"] == "suppression"
        ]
        await brought_in(two, ana, suppressed)  # the later of two erasures counts
        assert await rows(two, "SELECT erased_at FROM suppression") == [("2026-02-01T00:00:00.000000+00:00",)]
