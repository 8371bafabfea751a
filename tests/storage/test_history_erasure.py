"""What is erased is gone, from the file too; what is asked for is handed over whole; what is old is forgotten."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, ContactId, Media, MessageKind, StoredMessage
from app.storage.consents import SqlConsents
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.outbound import SqlOutbound
from tests.storage.talk import (
    BIA,
    BIA_LID,
    CAIO,
    CAIO_LID,
    GROUP,
    a_message,
    add_mentorado,
    edit,
    minutes,
    phone,
    reaction,
    rows,
)

SECRETS = ("Jabuticaba", "Pitangueira", "Sapucaia", "Bia Zwinglia", "exame_tireoide", BIA.value, BIA_LID.value)


async def _contact(history: SqlMessageRepository, mentorado_id: MentoradoId, address: Address) -> ContactId:
    found = await history.find_contact(mentorado_id, address)
    assert found is not None
    return found


def _traces(path: Path) -> set[str]:
    """What of the secrets is still in any file beside *path*, in whatever case or encoding the index keeps words."""
    content = b"".join(file.read_bytes() for file in sorted(path.parent.iterdir())).lower()
    words = {word for secret in SECRETS for word in (secret, *secret.split())}
    return {word for word in words if word.lower().encode() in content}


async def test_nothing_of_an_erased_contact_is_left_in_the_files(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        # Many others around it, so that pages were split and index segments merged with the words in them.
        for step in range(30):
            talk = [a_message(f"C{step}-{n}", f"conversa comum {step} {n}", CAIO) for n in range(20)]
            talk += [
                a_message(f"B{step}-{n}", f"Jabuticaba madura {step} {n}", BIA_LID, BIA, sender_name="Bia Zwinglia")
                for n in range(10)
            ]
            talk += [a_message(f"S{step}", "levo a Pitangueira", BIA, from_me=True)]
            await history.store(ana, talk, minutes(step))
            if step % 3:
                await history.index_pending()
        document = Media(name="exame_tireoide.pdf")
        await history.store(
            ana,
            [
                edit("E", "B1-1", "Sapucaia em flor", BIA),
                a_message("G", "Sapucaia no grupo", GROUP, sender=(BIA,), sender_name="Bia Zwinglia"),
                a_message("D", "", BIA, kind=MessageKind.DOCUMENT, media=document),
            ],
            minutes(40),
        )
        await history.index_pending()
        agreed = ConsentEntry(
            mentorado_id=ana.id,
            contact=BIA,
            change=ConsentChange.OPTED_OUT,
            purpose=None,
            source=ConsentSource.TYPED,
            at=minutes(40),
            wording="Eu, Bia Zwinglia, colho Sapucaia",
            note="ligou de " + BIA.value,
        )
        await SqlConsents(database).append([agreed])
        assert _traces(path) >= {"Jabuticaba", "Pitangueira", "Sapucaia", "Zwinglia", BIA.value}

        bia = await _contact(history, ana.id, BIA)
        assert await history.erase(ana.id, bia, minutes(50)) == 30 * 11 + 3
        await history.overwrite()
        assert _traces(path) == set()
        assert await history.search("jabuticaba") == []
        assert len(await history.search("comum 7")) == 20 + 29
        assert await history.find_contact(ana.id, BIA) is None
        (caio,) = await history.conversations(ana.id)
        assert caio.messages == 600
        assert await rows(database, "PRAGMA integrity_check") == [("ok",)]
        assert await rows(database, "PRAGMA foreign_key_check") == []
        facts = await SqlOutbound(database).facts(ana, BIA, minutes(60))
        assert [change for change, _, _ in facts.consent] == [ConsentChange.OPTED_OUT, ConsentChange.ERASED]
        kept = (await SqlConsents(database).contacts(ana.id))[0]  # it outlives them
        assert (kept.addresses, kept.entries[0].note) == ((), "")
        assert kept.entries[0].wording.startswith("sha256:")
        assert kept.entries[0].identity == agreed.identity
        with pytest.raises(IntegrityError):  # and is as unchangeable as before
            await rows(database, "UPDATE consent_entry SET note = 'x'")
    assert _traces(path) == set()


async def test_traces_that_another_program_left_in_the_file_go_too(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message(f"B{n}", "Jabuticaba " * 30, BIA) for n in range(50)], minutes(1))
        await history.store(ana, [a_message("C", "fica", CAIO)], minutes(2))
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("PRAGMA secure_delete = OFF")
        raw.execute("DELETE FROM message WHERE provider_id LIKE 'B%'")
    assert "Jabuticaba" in _traces(path)
    async with Database(path) as database:
        history = SqlMessageRepository(database)
        bia = await _contact(history, ana.id, BIA)
        assert await history.erase(ana.id, bia, minutes(3)) == 0
        await history.overwrite()
        assert _traces(path) == set()
        assert [talk.last_text for talk in await history.conversations(ana.id)] == ["fica"]


async def test_what_was_erased_does_not_come_back_and_what_they_write_later_is_kept(path: Path) -> None:
    old = [
        a_message("M1", "velha", BIA_LID, BIA, minute=1),
        a_message("S1", "velha minha", phone("+552187650001"), from_me=True, minute=2),
        a_message("G1", "velha no grupo", GROUP, sender=(BIA_LID,), minute=2),
        reaction("R1", "G0", "👍", GROUP, sender=(BIA,), minute=2),
    ]
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [*old, a_message("G0", "de outro", GROUP, sender=(CAIO,))], minutes(3))
        erased = await _contact(history, ana.id, BIA)
        assert await history.erase(ana.id, erased, minutes(10)) == 4
        assert await history.store(ana, old, minutes(11)) == []
        await history.store(
            ana, [a_message("M2", "nova", BIA, minute=12), a_message("C", "outro", CAIO, minute=1)], minutes(12)
        )
        talks = await history.conversations(ana.id)
        assert {talk.last_text for talk in talks} == {"nova", "outro", "de outro"}
        assert await rows(database, "SELECT count(*) FROM suppression") == [(2,)]
        assert BIA.value not in str(await rows(database, "SELECT * FROM suppression"))
        bruno = await add_mentorado(database, "Bruno", "+5521912345678")
        assert len(await history.store(bruno, old[:1], minutes(13))) == 1


async def test_by_any_id_that_the_contact_ever_had(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "a", BIA), a_message("M2", "b", BIA_LID)], minutes(1))
        ids = [await _contact(history, ana.id, address) for address in (BIA, BIA_LID)]
        await history.store(ana, [a_message("M3", "c", BIA, BIA_LID)], minutes(2))
        (merged_away,) = {*ids} - {await _contact(history, ana.id, BIA)}
        exported = [message.text async for batch in history.export(ana.id, contact_id=merged_away) for message in batch]
        assert exported == ["a", "b", "c"]
        bruno = await add_mentorado(database, "Bruno", "+5521912345678")
        assert await history.erase(bruno.id, merged_away, minutes(3)) == 0
        assert await history.erase(ana.id, merged_away, minutes(3)) == 3
        assert await rows(database, "SELECT * FROM contact") == []
        assert await history.erase(ana.id, merged_away, minutes(4)) == 0


async def test_an_erasure_that_another_program_keeps_from_the_file_is_told_and_can_be_completed(path: Path) -> None:
    async with Database(path, busy_timeout=0.1) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "Jabuticaba", BIA)], minutes(1))
        bia = await _contact(history, ana.id, BIA)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM message").fetchall()
            assert await history.erase(ana.id, bia, minutes(2)) == 1
            with pytest.raises(Problem) as caught:
                await history.overwrite()
        assert caught.value.code is ProblemCode.DATABASE_LOCKED
        assert await history.conversations(ana.id) == []
        assert await history.traces_left()
        await history.overwrite()
        assert not await history.traces_left()
        assert _traces(path) == set()


async def test_it_is_known_who_was_erased_by_whatever_number_they_are_asked_for(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "a", BIA, BIA_LID)], minutes(1))
        bia = await _contact(history, ana.id, BIA)
        assert set(await history.addresses(ana.id, bia)) == {BIA, BIA_LID}
        assert not await history.was_erased(ana.id, BIA)
        await history.erase(ana.id, bia, minutes(2))
        for address in (BIA, BIA_LID, phone("+552187650001")):
            assert await history.was_erased(ana.id, address)
        assert not await history.was_erased(ana.id, CAIO)
        assert await history.addresses(ana.id, bia) == []


async def test_what_our_clock_was_behind_for_stays_erased_too(path: Path) -> None:
    """The last of what is erased was sent later than now, by the provider's clock: delivered again, it stays out."""
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        old = a_message("M1", "a", BIA, minute=30)
        await history.store(ana, [old], minutes(31))
        await history.erase(ana.id, await _contact(history, ana.id, BIA), minutes(2))
        assert await history.store(ana, [old], minutes(32)) == []
        assert await history.store(ana, [a_message("M2", "b", BIA, minute=31)], minutes(33)) != []


async def test_no_more_is_forgotten_than_may_go_at_once(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message(f"M{n}", minute=n) for n in range(20)], minutes(30))
        assert await history.total() == 20
        assert await history.delete_before(None, minutes(10), at_most=4) == 4
        assert (await history.extent(ana.id)).since == minutes(4)
        assert await history.delete_before(None, minutes(10), at_most=100) == 6
        assert await history.total() == 10


async def test_old_messages_are_forgotten_of_one_or_of_all(path: Path) -> None:
    async with Database(path) as database:
        ana, bruno = await add_mentorado(database), await add_mentorado(database, "Bruno", "+5521912345678")
        history = SqlMessageRepository(database)
        for mentorado in (ana, bruno):
            messages = [a_message(f"M{n}", f"dia {n}", minute=n) for n in range(20)]
            await history.store(mentorado, messages, minutes(30))
        await history.index_pending()
        assert await history.delete_before(ana.id, minutes(5)) == 5
        assert await history.delete_before(None, minutes(8)) == 3 + 8
        assert await history.delete_before(None, minutes(8)) == 0
        assert len(await history.search("dia")) == 24
        extent = await history.extent(bruno.id)
        assert (extent.messages, extent.since) == (12, minutes(8))
        numbers = await rows(database, "SELECT max(number) FROM message")
        assert await history.delete_before(None, minutes(99)) == 24
        await history.store(ana, [a_message("N", "nova", minute=40)], minutes(41))
        assert await rows(database, "SELECT number FROM message") == [(numbers[0][0] + 1,)]


async def test_an_export_has_everything_in_the_order_of_arrival(path: Path) -> None:
    facts = [
        *(a_message(f"M{n}", str(n)) for n in range(2_500)),
        edit("E", "M7", "sete"),
        a_message("G1", "dela", GROUP, sender=(BIA_LID,)),
        a_message("G2", "dele", GROUP, sender=(CAIO_LID,)),
        a_message("C", "outro", CAIO),
        a_message("J", "junta", BIA, BIA_LID),
    ]
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, facts, minutes(1))
        bia = await _contact(history, ana.id, BIA)
        batches: list[Sequence[StoredMessage]] = [batch async for batch in history.export(ana.id)]
        hers = [message async for batch in history.export(ana.id, contact_id=bia) for message in batch]
    whole = [message for batch in batches for message in batch]
    assert len(batches) == 3
    assert [message.provider_id for message in whole] == [fact.provider_id for fact in facts]
    assert (whole[7].text, whole[7].original_text) == ("sete", "7")
    assert {fact.provider_id for fact in facts} - {message.provider_id for message in hers} == {"G2", "C"}


async def test_an_export_goes_on_while_messages_arrive(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message(f"M{n}") for n in range(1_500)], minutes(1))
        seen = 0
        async for batch in history.export(ana.id):
            seen += len(batch)
            if seen == 1_000:
                await history.store(ana, [a_message("LATE")], minutes(2))
            await asyncio.sleep(0)
        assert seen == 1_501


async def test_work_goes_on_after_the_file_was_written_anew(path: Path) -> None:
    def count(connection: Connection) -> int:
        return int(connection.exec_driver_sql("SELECT count(*) FROM message").scalar_one())

    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1")], minutes(1))
        await database.rewrite()
        await history.store(ana, [a_message("M2")], minutes(2))
        assert await database.read(count) == 2
