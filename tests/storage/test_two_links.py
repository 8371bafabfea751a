"""Two links of one mentorado tell of the same messages, as they do during a provider switch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import (
    REFERRING,
    DeliveryReceipt,
    DeliveryStatus,
    Media,
    MessageKind,
    MessageUpdate,
    ProviderMessage,
    StoredMessage,
)
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
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
    revocation,
    rows,
    switched,
)

ZAPI, META = ProviderKind.ZAPI, ProviderKind.META_CLOUD


async def _shown(history: SqlMessageRepository, mentorado: Mentorado) -> list[StoredMessage]:
    """Everything in the only conversation, the oldest first."""
    (talk,) = await history.conversations(mentorado.id)
    return list(reversed(await history.messages(talk.id, limit=1000)))


def as_meta(fact: MessageUpdate) -> MessageUpdate:
    """As Meta tells of it: under ids of its own."""
    if isinstance(fact, ProviderMessage):
        refers_to = None if fact.refers_to is None else f"wamid.{fact.refers_to}"
        return replace(fact, provider_id=f"wamid.{fact.provider_id}", refers_to=refers_to)
    assert isinstance(fact, DeliveryReceipt)
    return replace(fact, provider_ids=tuple(f"wamid.{each}" for each in fact.provider_ids))


async def test_what_both_tell_of_is_one_message_and_stays_as_the_first_told_it(path: Path) -> None:
    facts = [a_message("M1", "oi", BIA, minute=1), a_message("S1", "olá", from_me=True, minute=2)]
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        zapi, meta = await switched(database, ana, ZAPI), await switched(database, ana, META)
        await history.store(ana, facts, minutes(5))
        before = await rows(database, "SELECT * FROM message")
        for again in range(3):
            assert await history.store(zapi, facts, minutes(6 + again)) == []
            assert await history.store(meta, [as_meta(fact) for fact in facts], minutes(6 + again)) == []
        assert await rows(database, "SELECT * FROM message") == before
        aliases = await rows(database, "SELECT link_id, provider_id, of_link_id, of_provider_id FROM message_alias")
    assert set(aliases) == {
        *((zapi.link.id, each, ana.link.id, each) for each in ("M1", "S1")),
        *((meta.link.id, f"wamid.{each}", ana.link.id, each) for each in ("M1", "S1")),
    }


async def test_an_id_under_which_two_people_wrote_stays_two_messages_on_both_links(path: Path) -> None:
    real = a_message("M1", "da bia", GROUP, sender=(BIA,), minute=1)
    forged = a_message("M1", "do caio", GROUP, sender=(CAIO,), minute=2)
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        zapi = await switched(database, ana, ZAPI)
        for who, fact in ((ana, real), (zapi, forged), (zapi, real), (ana, forged), (zapi, real)):
            await history.store(who, [fact], minutes(5))
        await history.store(ana, [edit("E", "M1", "corrigida", GROUP, sender=(CAIO,), minute=3)], minutes(6))
        assert [message.text for message in await _shown(history, ana)] == ["da bia", "corrigida"]


async def test_what_we_wrote_is_nobody_else_s_message_with_the_same_id(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        zapi = await switched(database, ana, ZAPI)
        await history.store(ana, [a_message("M1", "meu", from_me=True)], minutes(5))
        await history.store(zapi, [a_message("M1", "da bia")], minutes(5))
        await history.store(zapi, [receipt(DeliveryStatus.READ, "M1")], minutes(6))
        found = {message.text: message.delivery for message in await _shown(history, ana)}
    assert found == {"meu": DeliveryStatus.READ, "da bia": None}


@pytest.mark.parametrize("first", ["web", "meta"])
async def test_the_same_said_twice_in_one_second_stays_said_twice(path: Path, first: str) -> None:
    facts = [a_message("A", "oi"), a_message("B", "oi")]
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        meta = await switched(database, ana, META)
        reported: list[tuple[Mentorado, MessageUpdate]] = [(ana, fact) for fact in facts]
        reported += [(meta, as_meta(fact)) for fact in facts]
        for who, fact in reported if first == "web" else reported[::-1]:
            await history.store(who, [fact], minutes(5))
        assert len(await _shown(history, ana)) == 2
        await history.store(meta, [a_message("wamid.C", "oi")], minutes(6))
        assert len(await _shown(history, ana)) == 3


@pytest.mark.parametrize(
    "other",
    [
        a_message("wamid.A", "olá"),
        a_message("wamid.A", "oi", CAIO),
        a_message("wamid.A", "oi", from_me=True),
        a_message("wamid.A", "oi", minute=1 / 60),
        a_message("wamid.A", "oi", kind=MessageKind.IMAGE),
        a_message("wamid.A", "oi", media=Media(mime="image/png")),
    ],
)
async def test_what_differs_in_anything_that_both_tell_is_another_message(path: Path, other: ProviderMessage) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        meta = await switched(database, ana, META)
        await history.store(ana, [a_message("A", "oi")], minutes(5))
        await history.store(meta, [other], minutes(5))
        assert await rows(database, "SELECT count(*) FROM message") == [(2,)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (a_message("A", "Praça (1, 2)", kind=MessageKind.LOCATION), a_message("B", "1, 2", kind=MessageKind.LOCATION)),
        (a_message("A", "oi\n↗ Anúncio · Aula"), a_message("B", "oi\n↗ Aula")),
        (a_message("A", "↗ Anúncio"), a_message("B", "↗ Aula")),
        (a_message("A", "oi", sent_at=minutes(1)), a_message("B", "oi", sent_at=minutes(1 + 0.9 / 60))),
    ],
)
async def test_what_each_provider_puts_in_its_own_words_does_not_make_two_of_one(
    path: Path, one: ProviderMessage, other: ProviderMessage
) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        meta = await switched(database, ana, META)
        await history.store(ana, [one], minutes(5))
        await history.store(meta, [other], minutes(5))
        await history.store(meta, [replace(other, provider_id="C", text="outra\n↗ Aula")], minutes(6))
        shown = {message.provider_id for message in await _shown(history, ana)}
    assert shown == {"A", "C"}


async def test_only_other_links_messages_are_taken_for_the_same(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        meta = await switched(database, ana, META)
        bruno = await add_mentorado(database, "Bruno", "+5521912345678")
        await history.store(bruno, [a_message("A", "oi")], minutes(5))
        await history.store(meta, [a_message("wamid.A", "oi")], minutes(5))
        await history.store(meta, [a_message("wamid.B", "oi")], minutes(5))
        assert len(await _shown(history, ana)) == 2


async def test_receipts_reach_the_message_through_either_link_whenever_they_come(path: Path) -> None:
    sent = [a_message(f"S{number}", f"dita {number}", from_me=True, minute=number) for number in range(5)]
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        zapi, meta = await switched(database, ana, ZAPI), await switched(database, ana, META)
        early = [receipt(DeliveryStatus.DELIVERED, "S0"), receipt(DeliveryStatus.READ, "S1")]
        await history.store(zapi, early[:1], minutes(9))
        await history.store(meta, [as_meta(early[1])], minutes(9))
        await history.store(ana, sent, minutes(10))
        await history.store(zapi, [receipt(DeliveryStatus.READ, "S2")], minutes(11))
        await history.store(meta, [as_meta(fact) for fact in sent], minutes(12))
        await history.store(meta, [as_meta(receipt(DeliveryStatus.DELIVERED, "S3"))], minutes(13))
        found = [message.delivery for message in await _shown(history, ana)]
        assert await rows(database, "SELECT * FROM early_receipt") == []
    delivered, read, accepted = DeliveryStatus.DELIVERED, DeliveryStatus.READ, DeliveryStatus.ACCEPTED
    assert found == [delivered, read, read, delivered, accepted]


@pytest.mark.parametrize("late", [False, True])
async def test_what_refers_to_a_message_by_its_other_id_changes_it(path: Path, *, late: bool) -> None:
    facts = [
        edit("E", "M1", "corrigida", minute=2),
        reaction("R", "M1", "👍", from_me=True, minute=3),
        a_message("M2", "resposta", from_me=True, refers_to="M1", minute=4),
        revocation("D", "M2", from_me=True, minute=5),
    ]
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        meta, first = await switched(database, ana, META), a_message("M1", "primeira", minute=1)
        await history.store(ana, [first], minutes(9))
        reported = [as_meta(first), *(as_meta(fact) for fact in facts)]
        for fact in reported[::-1] if late else reported:
            await history.store(meta, [fact], minutes(9))
        question, answer = await _shown(history, ana)
        assert (question.text, question.reactions, answer.quoted_text) == ("corrigida", ("👍",), "corrigida")
        assert answer.revoked_at == minutes(5)
        await history.store(ana, facts, minutes(10))
        assert await _shown(history, ana) == [question, answer]


@pytest.mark.parametrize("provider", [ZAPI, META])
async def test_what_one_link_could_not_read_is_read_through_the_other(path: Path, provider: ProviderKind) -> None:
    broken, good = a_message("M1", "", kind=MessageKind.UNREADABLE), a_message("M1", "agora sim")
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        other = await switched(database, ana, provider)
        await history.store(ana, [broken], minutes(1))
        reported = as_meta(good) if provider is META else good
        await history.store(other, [reported], minutes(2))
        await history.store(ana, [good], minutes(3))  # sent again by its author
        await history.store(ana, [reaction("R", "M1", "👍")], minutes(4))
        await history.store(ana, [broken, good], minutes(5))
        (shown,) = await _shown(history, ana)
        assert (shown.text, shown.kind, shown.reactions) == ("agora sim", MessageKind.TEXT, ("👍",))
        assert shown.link_id == (other if provider is META else ana).link.id


async def test_what_one_link_could_not_read_does_not_hide_what_the_other_read(path: Path) -> None:
    broken, good = a_message("M1", "", kind=MessageKind.UNREADABLE), a_message("M1", "lida")
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        zapi, meta = await switched(database, ana, ZAPI), await switched(database, ana, META)
        await history.store(meta, [as_meta(good)], minutes(1))
        await history.store(ana, [broken], minutes(2))
        await history.store(zapi, [good], minutes(3))
        (shown,) = await _shown(history, ana)
        assert (shown.text, shown.provider) == ("lida", META)
        reported = await rows(
            database, "SELECT provider_id, of_provider_id FROM message_alias ORDER BY link_id = ?", zapi.link.id
        )
        assert reported == [("M1", "wamid.M1")] * 2


async def test_an_opt_out_that_both_tell_of_is_one(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        zapi, meta = await switched(database, ana, ZAPI), await switched(database, ana, META)
        await history.store(ana, [a_message("M1", "PARAR")], minutes(1))
        before = await rows(database, "SELECT * FROM consent_entry")
        await history.store(zapi, [a_message("M1", "PARAR")], minutes(2))
        await history.store(meta, [a_message("wamid.M1", "PARAR")], minutes(3))
        assert await rows(database, "SELECT * FROM consent_entry") == before != []


async def test_addresses_that_only_the_second_link_tells_of_are_learned(path: Path) -> None:
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        zapi = await switched(database, ana, ZAPI)
        await history.store(ana, [a_message("M1", "oi", BIA)], minutes(1))
        (before,) = await history.conversations(ana.id)
        await history.store(zapi, [a_message("M1", "oi", BIA, BIA_LID, sender_name="Bia")], minutes(2))
        await history.store(zapi, [a_message("M2", "de novo", BIA_LID, minute=2)], minutes(3))
        (after,) = await history.conversations(ana.id)
    assert (after.id, after.title, after.messages) == (before.id, "Bia", 2)


async def test_what_was_erased_is_not_told_again_by_the_other_link_nor_are_its_ids_kept(path: Path) -> None:
    facts = [a_message("M1", "segredo", minute=1), a_message("C1", "fica", CAIO, minute=1)]
    async with Database(path) as database:
        history, ana = SqlMessageRepository(database), await add_mentorado(database)
        meta = await switched(database, ana, META)
        await history.store(ana, facts, minutes(2))
        await history.store(meta, [as_meta(fact) for fact in facts], minutes(2))
        found = await history.find_contact(ana.id, BIA)
        assert found is not None
        await history.erase(ana.id, found, minutes(5))
        assert await rows(database, "SELECT provider_id FROM message_alias") == [("wamid.C1",)]
        await history.store(meta, [as_meta(facts[0])], minutes(6))
        assert [message.text for message in await _shown(history, ana)] == ["fica"]
        await history.delete_before(None, minutes(9))
        assert await rows(database, "SELECT * FROM message_alias") == []


# --- whatever the order ----------------------------------------------------------------------------------------------

_QUOTED = a_message("S1", "dois", from_me=True, minute=2)
_ANSWER = a_message("M2", "três", refers_to="S1", minute=3)
_TALK: list[MessageUpdate] = [
    a_message("M1", "um", minute=1),
    _QUOTED,
    a_message("S2", "dois e meio", from_me=True, minute=2.5),
    _ANSWER,
    edit("E1", "M1", "um, corrigida", minute=4),
    reaction("R1", "S1", "👍", minute=5),
    a_message("M3", "quatro", minute=6),
    revocation("D1", "M3", minute=7),
    receipt(DeliveryStatus.DELIVERED, "S1", "S2", minute=8),
    receipt(DeliveryStatus.READ, "S2", minute=9),
    a_message("G1", "no grupo", GROUP, sender=(CAIO,), minute=3),
    a_message("T1", "igual", minute=10),
    a_message("T2", "igual", minute=10),
]


def _reported_by(provider: ProviderKind) -> list[MessageUpdate]:
    return [as_meta(fact) for fact in _TALK] if provider is META else _TALK


async def _seen(database: Database, mentorado: Mentorado) -> list[tuple[Any, ...]]:
    """What a person sees; that it is in its order is checked here."""
    history = SqlMessageRepository(database)
    seen = []
    for talk in await history.conversations(mentorado.id):
        shown = [
            (talk.title, each.sent_at, each.text, str(each.delivery), each.reactions, each.quoted_text, each.revoked_at)
            for each in reversed(await history.messages(talk.id, limit=100))
        ]
        assert [each[1] for each in shown] == sorted(each[1] for each in shown)
        seen += shown
    return sorted(seen, key=str)


async def _store(
    database: Database, reported: Sequence[tuple[Mentorado, MessageUpdate]], cuts: Sequence[bool], start: float
) -> None:
    """Store *told* in this order; a cut ends a batch, and so does a change of link."""
    history, batch = SqlMessageRepository(database), list[tuple[Mentorado, MessageUpdate]]()
    for place, each in enumerate(reported):
        if batch and (batch[0][0] is not each[0] or cuts[place]):
            await history.store(batch[0][0], [fact for _, fact in batch], minutes(start + place))
            batch.clear()
        batch.append(each)
    await history.store(batch[0][0], [fact for _, fact in batch], minutes(start + len(reported)))


@pytest.mark.parametrize("other", [ZAPI, META])
@given(
    order=st.permutations(range(2 * len(_TALK))),
    cuts=st.lists(st.booleans(), min_size=2 * len(_TALK), max_size=2 * len(_TALK)),
    with_web=st.integers(0, 2 ** len(_TALK) - 1),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_links_tell_what_one_alone_would(
    path: Path, other: ProviderKind, order: Sequence[int], cuts: Sequence[bool], with_web: int
) -> None:
    """Each fact comes through the second link, and some of them through the first one, too.

    What one quotes comes with it: a message stays as the first link told it, with an id that nothing may be stored by.
    """
    if with_web >> _TALK.index(_ANSWER) & 1:
        with_web |= 1 << _TALK.index(_QUOTED)

    async def main() -> None:
        async with Database(path) as database:
            (count,) = (await rows(database, "SELECT count(*) FROM mentorado"))[0]
            one = await add_mentorado(database, "Ana", f"+551197{count:07}")
            two = await add_mentorado(database, "Bia", f"+551196{count:07}")
            second = await switched(database, two, other)
            everything: list[tuple[Mentorado, MessageUpdate] | None] = [
                (two, fact) if with_web >> place & 1 else None for place, fact in enumerate(_TALK)
            ]
            everything += [(second, fact) for fact in _reported_by(other)]
            reported = [each for place in order if (each := everything[place]) is not None]
            await _store(database, reported, cuts, 60)
            await _store(database, [(one, fact) for fact in _TALK], [False] * len(_TALK), 60)
            assert await _seen(database, two) == await _seen(database, one)
            kinds = [fact.kind for fact in _TALK if isinstance(fact, ProviderMessage)]
            shown = len([kind for kind in kinds if kind not in REFERRING])
            theirs = "SELECT count(*) FROM message JOIN link ON link.id = link_id WHERE shown AND mentorado_id = ?"
            assert await rows(database, theirs, two.id) == [(shown,)]

    asyncio.run(main())
