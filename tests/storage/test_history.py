"""What is stored is there once, and reads as people see it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import DeliveryStatus, LastMessages, Media, MessageKind, MessageUpdate, StoredMessage
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
    minutes,
    phone,
    reaction,
    receipt,
    revocation,
    rows,
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


async def test_what_was_received_and_confirmed_last_is_known_after_a_restart(path: Path) -> None:
    async with Database(path) as database:
        ana, bruno = await add_mentorado(database), await add_mentorado(database, "Bruno", "+5511987650009")
        history = SqlMessageRepository(database)
        assert await history.last_messages(ana.id) == LastMessages()
        facts: list[MessageUpdate] = [
            a_message("M1", "bom dia", minute=1),
            a_message("M2", "oi", minute=2, from_me=True),
            a_message("M3", "ainda a caminho", minute=3, from_me=True),
            receipt(DeliveryStatus.DELIVERED, "M2", minute=4),
            reaction("M4", "M2", "👍", minute=5),
        ]
        await history.store(ana, facts, minutes(9))
        await history.store(bruno, [a_message("M9", "de outra pessoa", minute=8)], minutes(9))
    async with Database(path) as database:
        last = await SqlMessageRepository(database).last_messages(ana.id)
    assert last == LastMessages(received=minutes(1), confirmed=minutes(2))


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
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
