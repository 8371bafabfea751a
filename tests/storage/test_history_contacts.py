"""Who is who in the history: numbers, names, merged contacts, and ids that two people chose."""

from __future__ import annotations

from pathlib import Path

from app.domain.mentorado import ProviderKind
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from tests.storage.talk import (
    BIA,
    BIA_LID,
    CAIO,
    CAIO_LID,
    GROUP,
    a_message,
    add_mentorado,
    edit,
    lid,
    minutes,
    phone,
    reaction,
    rows,
    switched,
)
from tests.storage.test_history import _shown

# --- who is who ------------------------------------------------------------------------------------------------------


async def test_brazils_ninth_digit_makes_no_other_contact(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "com", phone("+5531987654321"))], minutes(1))
        await history.store(ana, [a_message("M2", "sem", phone("+553187654321"))], minutes(2))
        await history.store(ana, [a_message("M3", "fixo", phone("+553133334444"))], minutes(3))
        talks = await history.conversations(ana.id)
        same = {await history.find_contact(ana.id, phone(number)) for number in ("+5531987654321", "+553187654321")}
    assert [talk.messages for talk in talks] == [1, 2]
    assert len(same) == 1
    assert None not in same


async def test_two_that_turn_out_to_be_one_are_merged_into_the_older_and_both_ids_lead_there(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("P1", "fone", BIA, minute=1)], minutes(1))
        await history.store(ana, [a_message("L1", "lid", BIA_LID, minute=2)], minutes(2))
        await history.store(ana, [a_message("N1", "terceira", lid("9"), minute=3)], minutes(3))
        newest, newer, older = [talk.id for talk in await history.conversations(ana.id)]
        contacts = [await history.find_contact(ana.id, address) for address in (BIA, BIA_LID)]
        assert contacts[0] != contacts[1]

        changed = await history.store(ana, [a_message("J", "juntas", BIA_LID, BIA, minute=4)], minutes(4))
        assert set(changed) == {older, newer}
        changed = await history.store(ana, [a_message("K", "todas", BIA, lid("9"), minute=5)], minutes(5))
        assert set(changed) == {older, newest}

        (talk,) = await history.conversations(ana.id)
        assert talk.id == older
        read = [[message.text for message in await history.messages(some)] for some in (older, newer, newest)]
        assert read == [["todas", "juntas", "terceira", "lid", "fone"]] * 3
        assert len({await history.find_contact(ana.id, one) for one in (BIA, BIA_LID, lid("9"))}) == 1
        assert await rows(database, "SELECT count(DISTINCT merged_into) FROM conversation") == [(1,)]
        assert await rows(database, "PRAGMA foreign_key_check") == []


async def test_a_contact_met_in_a_group_and_one_met_alone_are_merged_too(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(
            ana, [a_message("G1", "grupo", GROUP, sender=(BIA_LID,)), a_message("M1", "só", BIA)], minutes(1)
        )
        await history.store(ana, [edit("E", "G1", "editada", GROUP, sender=(BIA,))], minutes(2))
        assert [message.text for message in await _shown(history, ana)] == ["só", "grupo"]
        await history.store(ana, [a_message("G2", "eu", GROUP, sender=(BIA, BIA_LID))], minutes(3))
        assert [message.text for message in await _shown(history, ana)] == ["editada", "eu", "só"]


async def test_a_sender_that_shares_nothing_with_the_chat_does_not_become_one_with_it(path: Path) -> None:
    own = phone("+5511987654321")
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(
            ana, [a_message("M1", "a", BIA, sender=(own,)), a_message("M2", "b", CAIO, sender=(own,))], minutes(1)
        )
        assert len(await history.conversations(ana.id)) == 2


async def test_another_provider_goes_on_with_the_same_conversation(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "pelo web")], minutes(1))
        (before,) = await history.conversations(ana.id)
        later = await switched(database, ana, ProviderKind.META_CLOUD)
        facts = [a_message("W1", "pela meta", phone("+552187650001"), refers_to="M1"), reaction("W2", "M1", "👍")]
        await history.store(later, facts, minutes(2))
        (after,) = await history.conversations(ana.id)
        new, old = await history.messages(before.id)
    assert after.id == before.id
    assert (old.provider, new.provider) == (ProviderKind.WHATSAPP_WEB, ProviderKind.META_CLOUD)
    assert (new.quoted_text, old.reactions) == ("pelo web", ("👍",))


async def test_a_contact_goes_by_the_name_they_gave_last(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        for minute, name in ((2, "Bia"), (5, "Bia Souza"), (3, "B.")):
            await history.store(ana, [a_message(f"M{minute}", sender_name=name, minute=minute)], minutes(9))
        await history.store(ana, [a_message("S", from_me=True, sender_name="Ana", minute=8)], minutes(9))
        (talk,) = await history.conversations(ana.id)
    assert talk.title == "Bia Souza"


MARTA, MARTA_1 = phone("+525500000001"), phone("+5215500000001")
"""One account of Mexico, as Meta names it when it is written to, and when it writes."""


async def test_a_group_goes_by_the_name_that_was_told_last_and_a_talk_between_two_by_none(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        facts = [
            a_message("2", "oi", GROUP, minute=2, chat_name="Turma de junho", sender_name="Bia"),
            a_message("1", "oi", GROUP, minute=1, chat_name="Turma de maio", sender_name="Bia"),
            a_message("3", "oi", GROUP, minute=3, from_me=True),
            a_message("4", "oi", CAIO, minute=4, chat_name="Caio do trabalho"),
        ]
        for fact in facts:
            await history.store(ana, [fact], minutes(9))
        titles = [talk.title for talk in await history.conversations(ana.id)]
    assert titles == [CAIO.value, "Turma de junho"]


async def test_the_forms_of_a_number_are_one_person(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        facts = [a_message("X1", "Olá, Marta", MARTA, from_me=True), a_message("X2", "hola", MARTA_1, minute=1)]
        facts += [a_message("Y1", "Olá", phone("+541123456789")), a_message("Y2", "hola", phone("+5491123456789"))]
        await history.store(ana, facts, minutes(5))
        talks = await history.conversations(ana.id)
        assert sorted(talk.messages for talk in talks) == [2, 2]


async def test_two_people_of_before_become_one_when_either_writes_again(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("X1", "hola", MARTA_1), a_message("X2", "Olá", CAIO)], minutes(5))
        await database.run(  # as a version that knew only Brazil's forms stored them
            lambda connection: connection.exec_driver_sql(
                "UPDATE contact_address SET key = CASE value WHEN ? THEN 'phone:' || value ELSE ? END",
                (MARTA_1.value, MARTA.key),
            ).close()
        )
        assert len(await history.conversations(ana.id)) == 2
        await history.store(ana, [a_message("X3", "de novo", MARTA, minute=6)], minutes(7))
        (talk,) = await history.conversations(ana.id)
        assert talk.messages == 3


async def test_who_was_erased_under_one_form_does_not_come_back_under_another(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("X1", "hola", MARTA_1)], minutes(1))
        await database.run(
            lambda connection: connection.exec_driver_sql("UPDATE contact_address SET key = 'phone:' || value").close()
        )
        found = await history.find_contact(ana.id, MARTA)
        assert found is not None
        await history.erase(ana.id, found, minutes(5))
        await history.store(ana, [a_message("X1", "hola", MARTA), a_message("X2", "nova", MARTA, minute=6)], minutes(7))
        assert [message.text for message in await _shown(history, ana)] == ["nova"]


async def test_two_people_may_choose_the_same_id(path: Path) -> None:
    first = a_message("X", "from Bia", BIA)
    again = a_message("X", "from Caio", CAIO, minute=1)
    grouped = [a_message("X", "Caio, in the group", GROUP, sender=(CAIO_LID,), minute=2)]
    mine = a_message("X", "mine", BIA, from_me=True, minute=3)
    for batches in ([[first], [again], grouped, [mine]], [[first, again, *grouped, mine]]):
        async with Database(path.with_name(f"{len(batches)}.db")) as database:
            ana, history = await add_mentorado(database), SqlMessageRepository(database)
            for messages in [*batches, *batches]:  # what is told twice is there once
                await history.store(ana, messages, minutes(5))
            texts = {message.text for message in await _shown(history, ana)}
            assert texts == {"from Bia", "from Caio", "Caio, in the group", "mine"}
            assert len(await _shown(history, ana)) == 4


async def test_the_same_message_under_another_name_of_its_author_is_one(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("X", "oi", BIA_LID)], minutes(1))
        await history.store(ana, [a_message("X", "oi", BIA)], minutes(2))  # that both are Bia is not known yet
        await history.store(ana, [a_message("Y", "oi, de novo", BIA, BIA_LID, minute=3)], minutes(3))
        await history.store(ana, [a_message("X", "oi", BIA, minute=4)], minutes(4))
        assert [message.provider_id for message in await _shown(history, ana)] == ["X", "Y"]
