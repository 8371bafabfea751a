"""What is stored is there once, and reads as people see it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import DeliveryStatus, Media, MessageKind, MessageUpdate, StoredMessage
from app.domain.repositories import MessageRepository
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
    receipt,
    revocation,
    rows,
    switched,
)


async def _shown(history: MessageRepository, mentorado: Mentorado) -> list[StoredMessage]:
    """Everything, one conversation after the other, the oldest first."""
    talks = await history.conversations(mentorado.id)
    return [message for talk in talks for message in reversed(await history.messages(talk.id))]


async def test_a_message_comes_back_with_all_that_was_told(path: Path) -> None:
    media = Media(mime="image/jpeg", name="praia.jpg", size=70_123, seconds=3)
    message = a_message("M1", "Olha só", BIA, BIA_LID, kind=MessageKind.IMAGE, media=media, sender_name="Bia", minute=1)
    async with Database(path) as database:
        ana = await add_mentorado(database)
        changed = await SqlMessageRepository(database).store(ana, [message], minutes(5))
    async with Database(path) as database:
        history: MessageRepository = SqlMessageRepository(database)
        (talk,) = await history.conversations(ana.id)
        (found,) = await history.messages(talk.id)
    assert found == StoredMessage(
        number=1,
        conversation_id=talk.id,
        link_id=ana.link.id,
        provider=ProviderKind.WHATSAPP_WEB,
        provider_id="M1",
        from_me=False,
        sender_name="Bia",
        kind=MessageKind.IMAGE,
        text="Olha só",
        original_text="Olha só",
        media=media,
        reactions=(),
        quoted_text=None,
        sent_at=minutes(1),
        received_at=minutes(1),
        stored_at=minutes(5),
        delivery=None,
        edited_at=None,
        revoked_at=None,
    )
    assert changed == [talk.id]
    assert (talk.title, talk.addresses, talk.is_group) == ("Bia", (BIA, BIA_LID), False)
    assert (talk.messages, talk.last_text, talk.last_at) == (1, "Olha só", minutes(1))


async def test_what_is_told_again_changes_nothing(path: Path) -> None:
    first = a_message("M1")
    facts: list[MessageUpdate] = [
        first,
        a_message("M2", from_me=True),
        receipt(DeliveryStatus.READ, "M2"),
        edit("E", "M1", "olá"),
    ]
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, facts, minutes(1))
        before = await _shown(history, ana)
        for again in (facts, [replace(first, text="another", received_at=minutes(3))], [facts[2]] * 2):
            assert await history.store(ana, again, minutes(2)) == []
        assert await _shown(history, ana) == before
    assert [message.text for message in before] == ["olá", "oi"]


async def test_the_same_id_on_another_link_is_another_message(path: Path) -> None:
    async with Database(path) as database:
        ana, bruno = await add_mentorado(database), await add_mentorado(database, "Bruno", "+5521912345678")
        history = SqlMessageRepository(database)
        for mentorado in (ana, bruno):
            await history.store(mentorado, [a_message("M1", mentorado.name)], minutes(1))
        assert [message.text for message in await _shown(history, bruno)] == ["Bruno"]


async def test_what_could_not_be_read_is_replaced_when_it_is_sent_again(path: Path) -> None:
    broken = a_message("M1", "", kind=MessageKind.UNREADABLE)
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [broken, a_message("M2", "depois")], minutes(1))
        await history.search("x")  # the index knows the unreadable one
        await history.store(ana, [a_message("M1", "agora sim")], minutes(2))
        await history.store(ana, [broken], minutes(3))
        first, _ = await _shown(history, ana)
        assert (first.number, first.text, first.kind) == (1, "agora sim", MessageKind.TEXT)
        assert [message.number for message in await history.search("agora")] == [1]


async def test_deliveries_only_move_forward_and_wait_for_their_message(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(
            ana, [receipt(DeliveryStatus.DELIVERED, "M1", "M2"), receipt(DeliveryStatus.READ, "IN")], minutes(1)
        )
        await history.store(ana, [receipt(DeliveryStatus.SENT, "M2")], minutes(1))
        await history.store(
            ana, [a_message("M1", from_me=True), a_message("IN"), a_message("M2", from_me=True)], minutes(2)
        )
        assert [message.delivery for message in await _shown(history, ana)] == [
            DeliveryStatus.DELIVERED,
            None,
            DeliveryStatus.DELIVERED,
        ]
        for status, stays in (
            (DeliveryStatus.SENT, DeliveryStatus.DELIVERED),
            (DeliveryStatus.READ, DeliveryStatus.READ),
        ):
            await history.store(ana, [receipt(status, "M1")], minutes(3))
            assert (await _shown(history, ana))[0].delivery is stays
        assert await history.store(ana, [receipt(DeliveryStatus.FAILED, "M1")], minutes(4)) == []


async def test_edits_reactions_revocations_and_quotes_are_shown_with_what_they_refer_to(path: Path) -> None:
    facts = [
        edit("E2", "M1", "terceira", minute=3),
        edit("E1", "M1", "segunda", minute=2),
        reaction("R1", "M1", "👍", from_me=True, minute=4),
        reaction("R2", "M1", "❤️", minute=5),
        reaction("R3", "M1", "", from_me=True, minute=6),
        revocation("D", "M2", from_me=True, minute=7),
        a_message("M1", "primeira", minute=1),
        a_message("M2", "resposta", from_me=True, refers_to="M1", minute=2),
    ]
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        for fact in facts:
            await history.store(ana, [fact], minutes(9))
        first, second = await _shown(history, ana)
        (talk,) = await history.conversations(ana.id)
    assert (first.text, first.original_text, first.edited_at) == ("terceira", "primeira", minutes(3))
    assert first.reactions == ("❤️",)
    assert (second.quoted_text, second.revoked_at, second.text) == ("terceira", minutes(7), "resposta")
    assert (talk.messages, talk.last_text) == (2, "")


async def test_nobody_edits_or_revokes_what_another_wrote(path: Path) -> None:
    """In a group its admins may revoke: who is one is not known here, so that it is shown as asked for."""
    facts = [
        a_message("M1", "meu", from_me=True),
        edit("E", "M1", "forjado"),
        revocation("D", "M1"),
        a_message("G1", "nosso", GROUP),
        edit("GE", "G1", "forjado", GROUP, sender=(CAIO,)),
        revocation("GD", "G1", GROUP, sender=(CAIO,), minute=3),
        edit("X", "G1", "de outra conversa", BIA),
    ]
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, facts, minutes(9))
        group, direct = await _shown(history, ana)
    assert (direct.text, direct.revoked_at) == ("meu", None)
    assert (group.text, group.revoked_at, group.revocation_asked) == ("nosso", None, True)
    assert direct.revocation_asked


async def test_a_long_conversation_is_read_in_pages(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message(f"M{n}", str(n)) for n in range(25)], minutes(1))
        (talk,) = await history.conversations(ana.id)
        pages, before = [], None
        while page := await history.messages(talk.id, before=before, limit=10):
            pages.append([int(message.text) for message in page])
            before = page[-1].number
        extent, contacts = await history.extent(ana.id), await history.contacts(ana.id)
    assert contacts == 1
    assert pages == [[*range(24, 14, -1)], [*range(14, 4, -1)], [*range(4, -1, -1)]]
    assert (extent.messages, extent.conversations, extent.since) == (25, 1, minutes(0))


async def test_nothing_a_provider_says_stops_the_rest(path: Path) -> None:
    facts: list[MessageUpdate] = [
        replace(a_message("M1", "lugar nenhum"), chat=(), sender=()),
        a_message("M2", "meia \ud83d letra", sender_name="\udc00"),
        a_message("M3", "zero\0byte", kind=MessageKind.OTHER, media=Media()),
        reaction("R", "nothing", "👍"),
        replace(receipt(DeliveryStatus.SENT, "M1"), provider_ids=(), chat=()),
    ]
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, facts, minutes(1))
        assert {message.text for message in await _shown(history, ana)} == {
            "lugar nenhum",
            "meia ? letra",
            "zero\0byte",
        }


# --- whatever the order ----------------------------------------------------------------------------------------------

EVERYTHING: list[MessageUpdate] = [
    a_message("M1", "primeira", BIA, sender_name="Bia", minute=1),
    a_message("M2", "segunda", BIA_LID, sender_name="Bia L.", minute=2),
    a_message("M3", "juntas", BIA_LID, BIA, minute=3),
    a_message("M4", "nona", phone("+5521987650001"), minute=4),
    a_message("M5", "sem nona", phone("+552187650001"), minute=5),
    a_message("S1", "minha", BIA, from_me=True, minute=6),
    a_message("S2", "outra", CAIO, from_me=True, minute=7),
    a_message("G1", "no grupo", GROUP, sender=(CAIO_LID,), sender_name="Caio", minute=8),
    a_message("G2", "de novo", GROUP, sender=(CAIO,), minute=9),
    a_message("G3", "sou um só", GROUP, sender=(CAIO_LID, CAIO), minute=10),
    a_message("U", "", CAIO, kind=MessageKind.UNREADABLE, minute=11),
    a_message("U", "legível", CAIO, minute=11),
    edit("E1", "M1", "primeira, corrigida", BIA_LID, minute=12),
    edit("E2", "M1", "primeira, corrigida outra vez", BIA, minute=13),
    edit("E3", "G1", "no grupo, corrigida", GROUP, sender=(CAIO,), minute=14),
    edit("E4", "S1", "forjada", BIA, minute=14),
    reaction("R1", "M2", "👍", BIA, from_me=True, minute=15),
    reaction("R2", "G2", "🎉", GROUP, sender=(CAIO_LID,), minute=16),
    reaction("R3", "G2", "", GROUP, sender=(CAIO,), minute=17),
    revocation("D1", "M3", BIA, minute=18),
    a_message("Q", "resposta", BIA, refers_to="M1", from_me=True, minute=19),
    receipt(DeliveryStatus.SENT, "S1", "S2"),
    receipt(DeliveryStatus.READ, "S1", "M1"),
    receipt(DeliveryStatus.DELIVERED, "S1", "S2", "Q"),
    receipt(DeliveryStatus.FAILED, "S2"),
    a_message("S3", "não chegou", CAIO, from_me=True, minute=20),
    receipt(DeliveryStatus.FAILED, "S3", "S1"),
    replace(receipt(DeliveryStatus.FAILED, "S3", "S1"), code="131049", detail="Held back · Try tomorrow"),
    replace(receipt(DeliveryStatus.FAILED, "S3"), code="131026"),
]


async def _after(place: Path, batches: list[list[MessageUpdate]]) -> object:
    """What a new mentorado's history shows after *batches*, but for our own numbers and ids."""
    async with Database(place) as database:
        found = await rows(database, "SELECT count(*) FROM mentorado")
        ana, history = await add_mentorado(database, number=f"+551198{found[0][0]:07}"), SqlMessageRepository(database)
        for batch in batches:
            await history.store(ana, batch, minutes(60))
        seen = []
        for talk in await history.conversations(ana.id):
            messages = [
                replace(message, number=0, conversation_id=talk.id, link_id=ana.link.id)
                for message in await history.messages(talk.id)
            ]
            named = frozenset(address.key for address in talk.addresses)
            seen.append((named, talk.title, talk.messages, sorted(_plain(message) for message in messages)))
        hits = await history.search("corrigida", mentorado_id=ana.id)
        return sorted(seen, key=lambda talk: sorted(talk[0])), sorted(hit.provider_id for hit in hits)


def _plain(message: StoredMessage) -> tuple[object, ...]:
    return (
        message.provider_id,
        message.text,
        message.original_text,
        message.kind.value,
        message.reactions,
        message.quoted_text,
        str(message.delivery),
        message.failure,
        str(message.edited_at),
        str(message.revoked_at),
        message.sender_name,
    )


@given(st.permutations(EVERYTHING), st.lists(st.sampled_from(EVERYTHING), max_size=8), st.integers(1, 12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_history_ends_the_same_whatever_the_order_and_repetition(
    path: Path, order: list[MessageUpdate], again: list[MessageUpdate], size: int
) -> None:
    updates = [*order, *again]
    batches = [updates[start : start + size] for start in range(0, len(updates), size)]
    assert asyncio.run(_after(path, batches)) == asyncio.run(_after(path, [EVERYTHING]))


async def test_a_failure_is_kept_with_its_reason_until_the_message_gets_through(path: Path) -> None:
    """The reason may come before the message, after the bare failure, or both."""
    why = replace(receipt(DeliveryStatus.FAILED, "M1"), code="131049", detail="Held back · Try tomorrow")
    bare, own = receipt(DeliveryStatus.FAILED, "M1"), a_message("M1", from_me=True)
    orders: list[list[MessageUpdate]] = [[own, why], [why, own], [own, bare, why], [bare, why, own], [why, bare, own]]
    for number, updates in enumerate(orders):
        async with Database(path.with_name(f"{number}.db")) as database:
            ana, history = await add_mentorado(database), SqlMessageRepository(database)
            for fact in updates:
                await history.store(ana, [fact], minutes(1))
            (talk,) = await history.conversations(ana.id)
            (failed,) = await history.messages(talk.id)
            assert (failed.delivery, failed.failure) == (DeliveryStatus.FAILED, "131049 · Held back · Try tomorrow")
            await history.store(ana, [receipt(DeliveryStatus.DELIVERED, "M1")], minutes(2))
            (delivered,) = await history.messages(talk.id)
            assert (delivered.delivery, delivered.failure) == (DeliveryStatus.DELIVERED, "")


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


@pytest.mark.parametrize("unreadable_first", [False, True])
@pytest.mark.parametrize("together", [False, True])
async def test_what_comes_again_and_cannot_be_decrypted_is_no_other_message(
    path: Path, unreadable_first: bool, together: bool
) -> None:
    """After a kill the server repeats what was read already, with another time and another name of its author."""
    facts = [a_message("X", "oi", BIA), a_message("X", "", BIA_LID, kind=MessageKind.UNREADABLE, minute=4)]
    if unreadable_first:
        facts.reverse()
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        for messages in [facts] if together else [[fact] for fact in facts]:
            await history.store(ana, messages, minutes(5))
        shown = await _shown(history, ana)
        assert [(message.provider_id, message.text, message.kind) for message in shown] == [
            ("X", "oi", MessageKind.TEXT)
        ]


async def test_an_edit_reaches_the_message_of_its_own_author(path: Path) -> None:
    facts: list[MessageUpdate] = [
        a_message("X", "from Bia", BIA),
        a_message("X", "from Caio", CAIO, minute=1),
        edit("E", "X", "Caio, corrected", CAIO, minute=2),
    ]
    for steps in ([facts], [[fact] for fact in facts]):
        async with Database(path.with_name(f"{len(steps)}.db")) as database:
            ana, history = await add_mentorado(database), SqlMessageRepository(database)
            for step in steps:
                await history.store(ana, step, minutes(5))
            assert {message.text for message in await _shown(history, ana)} == {"from Bia", "Caio, corrected"}
