"""A history that was taken out is brought in again: nothing missing, nothing twice, nothing back that was erased."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, ProviderKind, new_link_id
from app.domain.messages import Address, AddressKind, DeliveryStatus, MessageUpdate, StoredMessage
from app.domain.repositories import HistoryDump
from app.storage.database import Database
from app.storage.history.dump_rows import DumpCheck
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

Rows = list[Mapping[str, object]]


async def dumped(database: Database, who: Mentorado) -> Rows:
    transfer: HistoryDump = SqlHistoryDump(database)
    everything = [row async for batch in transfer.dump(who.id) for row in batch]
    through_a_file: Rows = [json.loads(json.dumps(row)) for row in everything]
    return through_a_file


async def brought_in(
    database: Database, who: Mentorado, items: Sequence[Mapping[str, object]], size: int = 1000
) -> int:
    transfer: HistoryDump = SqlHistoryDump(database)
    check = transfer.checker()
    for batch in batches_of(items, size):
        check(batch)
    return await transfer.merge(who.id, batches_of(items, size))


def batches_of(items: Sequence[Mapping[str, object]], size: int = 1000) -> list[Sequence[Mapping[str, object]]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


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


# --- what no dump would hold -----------------------------------------------------------------------------------------

MESSAGE: dict[str, Any] = {
    "kind": "message",
    "conversation_id": "c" * 32,
    "link_id": "e" * 32,
    "provider": "whatsapp_web",
    "provider_id": "X1",
    "from_me": False,
    "sender_id": None,
    "sender_name": "",
    "type": "text",
    "text": "oi",
    "media": None,
    "refers_to": None,
    "sent_at": "2026-01-01T00:00:00+00:00",
    "received_at": "2026-01-01T00:00:00+00:00",
    "stored_at": "2026-01-01T00:00:00+00:00",
    "delivery": None,
    "edited_text": None,
    "edited_at": None,
    "revoked_at": None,
}
CONTACT: dict[str, Any] = {
    "kind": "contact",
    "id": "a" * 32,
    "many": False,
    "name": "Bia",
    "named_at": None,
    "created_at": "2026-01-01T00:00:00+00:00",
    "last_at": None,
    "addresses": [["phone", "+5521987650001"]],
}
TALK: dict[str, Any] = {
    "kind": "conversation",
    "id": "c" * 32,
    "contact_id": "a" * 32,
    "created_at": "2026-01-01T00:00:00+00:00",
}
FORMER = {"kind": "former_contact", "id": "f" * 32, "now": "a" * 32, "created_at": "2026-01-01T00:00:00+00:00"}
SUPPRESSION = {"kind": "suppression", "hash": "0" * 64, "erased_at": "2026-01-01T00:00:00+00:00"}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"kind": "table"}, id="another kind"),
        pytest.param({}, id="no kind"),
        pytest.param({**MESSAGE, "conversation_id": "../../etc/passwd"}, id="a path for an id"),
        pytest.param({**MESSAGE, "conversation_id": None}, id="no id"),
        pytest.param({**MESSAGE, "conversation_id": "b" * 32}, id="a conversation nobody told of"),
        pytest.param({**MESSAGE, "sender_id": "b" * 32}, id="a sender nobody told of"),
        pytest.param({**MESSAGE, "text": 5}, id="a number for a text"),
        pytest.param({**MESSAGE, "text": "\ud800"}, id="half a character"),
        pytest.param({**MESSAGE, "text": "a" * (4 << 20) + "b"}, id="a text without end"),
        pytest.param({**MESSAGE, "from_me": 1}, id="a number for yes"),
        pytest.param({**MESSAGE, "type": "virus"}, id="an unknown type"),
        pytest.param({**MESSAGE, "provider": "icq"}, id="an unknown provider"),
        pytest.param({**MESSAGE, "sent_at": "yesterday"}, id="no time"),
        pytest.param({**MESSAGE, "sent_at": "2026-01-01T00:00:00"}, id="a time without a zone"),
        pytest.param({**MESSAGE, "sent_at": "0001-01-01T00:00:00+14:00"}, id="before all time"),
        pytest.param({**MESSAGE, "sent_at": 20260101}, id="a number for a time"),
        pytest.param({**MESSAGE, "delivery": "eaten"}, id="an unknown delivery"),
        pytest.param({**MESSAGE, "media": []}, id="a list for media"),
        pytest.param({**MESSAGE, "media": {"mime": "", "name": "", "size": 2**63, "seconds": 0}}, id="too large"),
        pytest.param({**MESSAGE, "media": {"mime": "", "name": "", "size": True, "seconds": 0}}, id="yes for a size"),
        pytest.param({**CONTACT, "addresses": []}, id="a contact without address"),
        pytest.param({**CONTACT, "addresses": [["phone"]]}, id="half an address"),
        pytest.param({**CONTACT, "addresses": [["fax", "1"]]}, id="an unknown kind of address"),
        pytest.param({**TALK, "id": "b" * 32, "contact_id": "b" * 32}, id="a conversation with nobody"),
        pytest.param({**FORMER, "now": "b" * 32}, id="a contact that became nobody"),
        pytest.param({**FORMER, "kind": "former_conversation", "now": "b" * 32}, id="one that became no conversation"),
        pytest.param({**SUPPRESSION, "hash": "z" * 64}, id="no hash"),
        pytest.param({**SUPPRESSION, "hash": "0"}, id="a short hash"),
        pytest.param({**SUPPRESSION, "erased_at": None}, id="an erasure without a time"),
    ],
)
async def test_a_row_that_no_dump_would_hold_is_refused_and_nothing_of_its_batch_is_kept(
    path: Path, row: dict[str, Any]
) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        before = await dumped(database, ana)
        items = [CONTACT, TALK, MESSAGE, row]
        with pytest.raises(Problem) as refused:
            SqlHistoryDump(database).checker()(items)
        assert refused.value.code is ProblemCode.BACKUP_ALTERED
        with pytest.raises(Problem) as refused:
            await SqlHistoryDump(database).merge(ana.id, [items])
        assert refused.value.code is ProblemCode.BACKUP_ALTERED
        assert await dumped(database, ana) == before == []


async def test_rows_that_come_twice_in_one_batch_are_there_once(path: Path) -> None:
    early = {key: MESSAGE[key] for key in ("link_id", "provider")} | {"kind": "early_receipt", "provider_id": "X2"}
    early |= {"delivery": "sent", "at": "2026-01-01T00:00:00+00:00"}
    other = {**CONTACT, "id": "b" * 32}
    moved = {**FORMER, "kind": "former_conversation", "id": "d" * 32, "now": "c" * 32}
    items = [
        CONTACT,
        other,
        TALK,
        {**TALK, "id": "9" * 32},
        FORMER,
        moved,
        MESSAGE,
        early,
        {**early, "delivery": "read"},
    ]
    async with Database(path) as database:
        ana = await add_mentorado(database)
        assert await brought_in(database, ana, [*items, *items]) == 1
        before = await dumped(database, ana)
        assert await brought_in(database, ana, items) == 0
        assert await dumped(database, ana) == before
        counts = await SqlHistoryDump(database).counts(ana.id)
        assert await rows(database, "SELECT delivery FROM early_receipt") == [("read",)]
        assert await rows(database, "PRAGMA foreign_key_check") == []
    assert counts == {"contact": 1, "conversation": 1, "message": 1, "suppression": 0, "early_receipt": 1}


async def test_a_link_that_has_another_provider_here_is_not_taken_for_it(path: Path) -> None:
    """Whether an archive can be restored does not depend on what is there already."""
    async with Database(path) as database:
        ana = await add_mentorado(database)
        first = {**MESSAGE, "link_id": new_link_id(), "provider": "zapi"}
        await brought_in(database, ana, [CONTACT, TALK, first])
        other = {**first, "provider": "meta_cloud"}
        for _ in range(2):
            await brought_in(database, ana, [CONTACT, TALK, other])
        twice = await add_mentorado(database, "Ana", "+5521987650009")
        for fields in (first, other):
            await brought_in(database, twice, [CONTACT, TALK, fields])
        query = "SELECT m.provider, l.provider, l.mentorado_id FROM message m JOIN link l ON l.id = m.link_id"
        kept = await rows(database, query)
    both = [(provider, provider) for provider in ("zapi", "meta_cloud")]
    assert kept == [(*each, who.id) for who in (ana, twice) for each in both]


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_what_is_wrong_at_the_end_takes_back_all_that_came_before(path: Path, size: int) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        await SqlMessageRepository(database).store(ana, EVERYTHING, minutes(1))
        before = await rows(database, "SELECT * FROM message")
        items = [CONTACT, TALK, *({**MESSAGE, "provider_id": f"N{n}"} for n in range(10)), {"kind": "table"}]
        transfer = SqlHistoryDump(database)
        with pytest.raises(Problem) as refused:
            await transfer.merge(ana.id, (batch for batch in batches_of(items, size)))
        assert refused.value.code is ProblemCode.BACKUP_ALTERED
        assert await rows(database, "SELECT * FROM message") == before
        assert await transfer.merge(ana.id, batches_of(items[:-1], size), keep=False) == 10
        assert await rows(database, "SELECT * FROM message") == before
        assert await transfer.merge(ana.id, batches_of(items[:-1], size)) == 10


@pytest.mark.parametrize(
    "items",
    [
        [MESSAGE],
        [CONTACT, MESSAGE],
        [TALK],
        [CONTACT, TALK, {**MESSAGE, "sender_id": "b" * 32}],
        [FORMER],
        [CONTACT, {**FORMER, "kind": "former_conversation", "now": "c" * 32}],
        [CONTACT, TALK, MESSAGE, {**MESSAGE, "provider_id": "X2", "provider": "zapi"}],
        [
            CONTACT,
            TALK,
            MESSAGE,
            {
                "kind": "early_receipt",
                "link_id": MESSAGE["link_id"],
                "provider": "zapi",
                "provider_id": "X2",
                "delivery": "read",
                "at": MESSAGE["sent_at"],
            },
        ],
    ],
)
async def test_what_is_about_nobody_is_found_without_a_database(items: list[Mapping[str, object]]) -> None:
    """A row at a time: what comes later was not told yet."""
    check = SqlHistoryDump(Database(Path("nowhere"))).checker()
    for row in items[:-1]:
        check([row])
    with pytest.raises(Problem) as refused:
        check(items[-1:])
    assert refused.value.code is ProblemCode.BACKUP_ALTERED


async def test_a_dump_of_more_people_than_anybody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.storage.history.dump_rows.MOST", 3)
    erasures = [{**SUPPRESSION, "hash": f"{number:064}"} for number in range(4)]
    people: Rows = [{**CONTACT, "id": f"{number:032}"} for number in range(4)]
    for items in (erasures, people):
        check = DumpCheck()
        check(items[:3])
        with pytest.raises(Problem, match="more people"):
            check(items[3:])


BROKEN = 800


async def test_broken_rows_are_refused_or_merged_and_nothing_else_happens(path: Path) -> None:
    """ "Fuzzed backups …: an error with a sentence, never a crash": here are those whose sums are right."""
    dice = random.Random(7)  # noqa: S311 - the same inputs in every run
    early = {"kind": "early_receipt", "link_id": "e" * 32, "provider": "zapi", "provider_id": "X1", "delivery": "read"}
    good = [
        CONTACT,
        {**CONTACT, "id": "b" * 32, "addresses": [["lid", "1"], ["group", "g"]]},
        TALK,
        FORMER,
        SUPPRESSION,
    ]
    good += [MESSAGE, {**MESSAGE, "provider_id": "X2", "type": "edit", "refers_to": "X1", "sender_id": "b" * 32}]
    good += [{**early, "at": "2026-01-01T00:00:00+00:00"}, {**FORMER, "kind": "former_conversation", "now": "c" * 32}]
    odd: list[Any] = [
        None,
        True,
        0,
        -1,
        2**80,
        1.5,
        "",
        "x",
        "\ud800",
        "a\0b",
        "a" * 32,
        "c" * 32,
        [],
        {},
        [[]],
        "zapi",
    ]
    odd += ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00", [["phone", ""], ["lid", "1"]], "' OR 1=1 --"]
    refused = 0
    async with Database(path) as database:
        ana = await add_mentorado(database)
        await SqlMessageRepository(database).store(ana, EVERYTHING, minutes(1))
        before = {row["provider_id"] for row in await dumped(database, ana) if row["kind"] == "message"}
        for _ in range(BROKEN):
            items = [dict(row) for row in good]
            for _ in range(dice.choice((1, 1, 2, 4))):
                row = dice.choice(items)
                if dice.random() < 0.1:
                    items.append(dict(row))
                elif dice.random() < 0.1:
                    items.remove(row)
                else:
                    row[dice.choice([*row])] = dice.choice(odd)
            dice.shuffle(items)
            try:
                await brought_in(database, ana, items)
            except Problem as problem:
                refused += 1
                assert problem.code is ProblemCode.BACKUP_ALTERED, problem  # noqa: PT017 - the point of it
        assert await rows(database, "PRAGMA foreign_key_check") == []
        assert await rows(database, "PRAGMA integrity_check") == [("ok",)]
        after = {row["provider_id"] for row in await dumped(database, ana) if row["kind"] == "message"}
        assert before <= after
        assert await SqlMessageRepository(database).search("corrigida")
        assert BROKEN * 0.3 < refused < BROKEN
