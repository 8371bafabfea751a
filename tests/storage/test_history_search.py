"""Messages are found by their words, and the index never says anything else than the messages do."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from app.domain.errors import Problem
from app.domain.messages import Media, MessageKind, ProviderMessage
from app.storage.database import Database
from app.storage.history import reading
from app.storage.history.reading import expression
from app.storage.history.repository import SqlMessageRepository
from tests.storage.killed import killed_while_storing
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
    revocation,
    rows,
)

TEXTS = {
    "ação": "A AÇÃO começou às 9h",
    "acao": "acao sem acento",
    "nfd": "ac\u0327a\u0303o decomposta",
    "ana": "Ana falou com a Anabela",
    "syntax": 'disse "ou" AND NOT (text:x) -- fim*',
    "emoji": "parabéns 🎉",
    "number": "pedido 12345-67",
}


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("acao", {"ação", "acao", "nfd"}),
        ("AÇÃO", {"ação", "acao", "nfd"}),
        ("ac\u0327a\u0303o", {"ação", "acao", "nfd"}),
        ("começou ação", {"ação"}),
        ("acao ausente", set()),
        ("anab", {"ana"}),
        ("ana ", {"ana"}),
        ("anab ", set()),
        ("an fal", set()),
        ("ana fal", {"ana"}),
        ('"ou" AND', {"syntax"}),
        ("text:x", {"syntax"}),
        ("NOT", {"syntax"}),
        ("fim*", {"syntax"}),
        ("parabens 🎉", {"emoji"}),
        ("12345 67", {"number"}),
        ("12345-6", {"number"}),
        ("a", {"ação", "acao", "nfd", "ana", "syntax"}),
        ("", set()),
        ("  ", set()),
        ("🎉", set()),
        ("'; --", set()),
    ],
)
async def test_what_is_typed_finds_messages_with_all_the_words(path: Path, typed: str, found: set[str]) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message(name, text) for name, text in TEXTS.items()], minutes(1))
        assert {message.provider_id for message in await history.search(typed)} == found


async def test_it_comes_newest_first_in_pages_of_one_or_all_mentorados(path: Path) -> None:
    async with Database(path) as database:
        ana, bruno = await add_mentorado(database), await add_mentorado(database, "Bruno", "+5521912345678")
        history = SqlMessageRepository(database)
        for number in range(12):
            await history.store(
                (ana, bruno)[number % 2], [a_message(f"M{number}", f"boleto {number}")], minutes(number)
            )
        first = await history.search("boleto", limit=5)
        second = await history.search("boleto", limit=5, before=first[-1].number)
        of_bruno = await history.search("boleto", mentorado_id=bruno.id)
    assert [message.text for message in (*first, *second)] == [f"boleto {number}" for number in range(11, 1, -1)]
    assert [message.text for message in of_bruno] == [f"boleto {number}" for number in range(11, 0, -2)]


async def test_it_finds_captions_and_file_names_as_they_are_now_and_nothing_that_is_not_shown(path: Path) -> None:
    contract = Media(mime="application/pdf", name="Contrato_Assinado.pdf")
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        facts = [
            a_message("D", "segue", kind=MessageKind.DOCUMENT, media=contract),
            a_message("M", "antigo"),
            reaction("R", "M", "secreto"),
        ]
        await history.store(ana, facts, minutes(1))
        assert [message.provider_id for message in await history.search("assinado")] == ["D"]
        await history.store(ana, [edit("E", "M", "novo")], minutes(2))
        assert [message.provider_id for message in await history.search("novo")] == ["M"]
        assert await history.search("antigo") == []
        assert await history.search("secreto") == []


@given(st.text(max_size=40))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_can_be_typed_is_an_error(path: Path, text: str) -> None:
    async def check() -> None:
        async with Database(path) as database:
            await SqlMessageRepository(database).search(text)

    asyncio.run(check())


async def test_no_letter_of_any_script_is_an_error(path: Path) -> None:
    signs = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    words = [f"a{sign}b" for sign in signs if unicodedata.category(sign)[0] in "LN"]

    def ask(connection: Connection) -> None:
        for start in range(0, len(words), 200):
            wanted = expression(" ".join(words[start : start + 200]))
            connection.exec_driver_sql("SELECT rowid FROM message_fts WHERE message_fts MATCH ?", (wanted,)).all()

    async with Database(path) as database:
        await database.read(ask)


async def test_the_index_never_diverges_from_the_messages(path: Path) -> None:
    chance = random.Random(7)  # noqa: S311
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        ids: list[str] = []
        for step in range(150):
            chat = chance.choice([(BIA,), (BIA_LID,), (CAIO,), (GROUP,)])
            target = chance.choice(ids) if ids else "M0"
            match chance.randrange(10):
                case 0:
                    await history.index_pending()
                case 1:
                    await history.store(ana, [edit(f"E{step}", target, f"mudada {step}", *chat)], minutes(step))
                case 2:
                    await history.store(ana, [revocation(f"D{step}", target, *chat)], minutes(step))
                case 3:
                    await history.store(
                        ana, [a_message(f"U{step}", "", *chat, kind=MessageKind.UNREADABLE)], minutes(step)
                    )
                    await history.store(ana, [a_message(f"U{step}", f"lida {step}", *chat)], minutes(step))
                case 4 if step % 7 == 0:
                    await history.delete_before(None, minutes(step - 60))
                case 5 if step > 100:
                    await history.store(ana, [a_message(f"J{step}", "juntas", BIA, BIA_LID)], minutes(step))
                case _:
                    ids.append(f"M{step}")
                    await history.store(
                        ana, [a_message(f"M{step}", f"palavra {step}", *chat, minute=step)], minutes(step)
                    )
            await database.run(_compare)
        caio = await history.find_contact(ana.id, CAIO)
        assert caio is not None
        assert await history.erase(ana.id, caio, minutes(999)) > 0
        await database.run(_compare)
        await history.index_pending()
        await database.run(_compare)
        assert await rows(database, "SELECT count(*) FROM message_fts") == await rows(
            database, "SELECT count(*) FROM message WHERE shown"
        )


_WORDS = ("ação", "ACAO", "boleto", "bolo", "Ana", "anabela", "12345", "🎉")
_STEPS = st.one_of(
    st.tuples(st.just("store"), st.lists(st.lists(st.sampled_from(_WORDS), max_size=3), min_size=1, max_size=6)),
    st.tuples(st.just("edit"), st.tuples(st.integers(0, 8), st.sampled_from(_WORDS))),
    st.tuples(st.just("erase"), st.sampled_from([BIA, CAIO])),
    st.tuples(st.just("index"), st.none()),
)


@given(
    steps=st.lists(_STEPS, max_size=12),
    typed=st.sampled_from(["acao", "bol", "ana ", "ana", "boleto 1", "1", "ana bol", "x"]),
    limit=st.integers(1, 5),
    skipped=st.integers(0, 4),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_not_indexed_yet_is_found_as_if_it_were(
    path: Path, steps: list[tuple[str, Any]], typed: str, limit: int, skipped: int
) -> None:
    async def main() -> None:
        async with Database(path) as database:
            (count,) = (await rows(database, "SELECT count(*) FROM mentorado"))[0]
            history = SqlMessageRepository(database)
            ana = await add_mentorado(database, number=f"+551197{count:07}")
            for number, (what, how) in enumerate(steps):
                if what == "store":
                    chats = [(BIA, CAIO)[len(words) % 2] for words in how]
                    facts = [
                        a_message(f"M{number}-{place}", " ".join(words), chat, minute=number)
                        for place, (words, chat) in enumerate(zip(how, chats, strict=True))
                    ]
                    await history.store(ana, facts, minutes(60))
                elif what == "edit":
                    await history.store(ana, [edit(f"E{number}", f"M{how[0]}-0", how[1], minute=number)], minutes(60))
                elif what == "index":
                    await history.index_pending()
                elif (contact := await history.find_contact(ana.id, how)) is not None:
                    await history.erase(ana.id, contact, minutes(number))
            between = await history.search(typed, mentorado_id=ana.id)
            before = between[skipped].number if skipped < len(between) else None
            page = await history.search(typed, mentorado_id=ana.id, before=before, limit=limit)
            await history.index_pending()
            assert await history.search(typed, mentorado_id=ana.id) == between
            assert await history.search(typed, mentorado_id=ana.id, before=before, limit=limit) == page
            assert await rows(database, "SELECT (SELECT max(number) FROM message) > number FROM search_mark") != [(1,)]

    asyncio.run(main())


async def test_what_is_not_indexed_yet_is_found_however_much_it_is(path: Path) -> None:
    """Newest first, over several portions of what is looked at at once, and then what is indexed."""
    texts = [f"boleto {n}" if n % 900 == 7 else "outra coisa" for n in range(2_500)]
    async with Database(path) as database:
        ana = await add_mentorado(database)
        history = SqlMessageRepository(database)
        await history.store(ana, [a_message("M", "boleto antigo")], minutes(1))
        await history.index_pending()
        await history.store(ana, [a_message(f"M{n}", text) for n, text in enumerate(texts)], minutes(2))
        found = await database.read(lambda connection: reading.search(connection, "boleto", None, None, 60))
        page = await database.read(lambda connection: reading.search(connection, "boleto", None, found[1].number, 1))
    assert [each.text for each in found] == ["boleto 1807", "boleto 907", "boleto 7", "boleto antigo"]
    assert [each.text for each in page] == ["boleto 7"]


async def test_the_search_works_while_nothing_can_be_written(path: Path) -> None:
    async with Database(path, busy_timeout=0.05) as database:
        ana = await add_mentorado(database)
        history = SqlMessageRepository(database)
        await history.store(ana, [a_message(f"M{n}", f"boleto {n}") for n in range(700)], minutes(1))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Problem):
                await history.index_pending()
            assert [each.text for each in await history.search("boleto 3 ")] == ["boleto 3"]
        assert len(await history.search("boleto", limit=1_000)) == 700


async def test_what_arrives_while_it_is_indexed_waits_for_the_next_time(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        history = SqlMessageRepository(database)
        await history.store(ana, [a_message("M1")], minutes(1))
        indexing = asyncio.get_running_loop().create_task(history.index_pending())
        stored = [await history.store(ana, [a_message(f"N{n}")], minutes(2)) for n in range(3)]
        await indexing
        assert all(stored)
        assert len(await history.search("oi")) == 4


def talk() -> list[list[ProviderMessage]]:
    return [[a_message(f"M{n}-{m}", f"palavra {n} {m}") for m in range(25)] for n in range(600)]


@pytest.mark.parametrize("after", [0.0, 0.07, 0.15, 0.3])
async def test_a_program_that_is_killed_leaves_an_index_that_is_true_and_caught_up_with(
    path: Path, after: float
) -> None:
    async with Database(path) as database:
        await add_mentorado(database)
    confirmed = await killed_while_storing(path, talk, after)
    async with Database(path) as database:
        history = SqlMessageRepository(database)
        await database.run(_compare)
        ((count,),) = await rows(database, "SELECT count(*) FROM message")
        assert count >= 25 * len(confirmed)
        assert len(await history.search("palavra", limit=100_000)) == count
        await history.index_pending()
        await database.run(_compare)
        assert await rows(database, "SELECT count(*) FROM message_fts") == [(count,)]


async def test_the_comparison_would_notice_a_divergence(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "uma palavra")], minutes(1))
        await history.index_pending()
        await database.run(_compare)
        await database.run(lambda c: c.exec_driver_sql("DROP TRIGGER message_words_change"))
        await database.run(lambda c: c.exec_driver_sql("UPDATE message SET text = 'outra'"))
        with pytest.raises((AssertionError, DatabaseError)):
            await database.run(_compare)


def _compare(connection: Connection) -> None:
    """Word by word: what is in the index is what an index made anew of the same messages has."""
    connection.exec_driver_sql("INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 0)")
    shape = "fts5(text, file, owner, detail='none', tokenize='unicode61 remove_diacritics 2')"
    connection.exec_driver_sql(f"CREATE VIRTUAL TABLE temp.anew USING {shape}")
    connection.exec_driver_sql(
        "INSERT INTO temp.anew (rowid, text, file, owner) SELECT number, text, file, owner FROM message_words"
        " WHERE number <= (SELECT number FROM search_mark)"
    )
    words = {}
    for name, schema in (("message_fts", "main"), ("anew", "temp")):
        connection.exec_driver_sql(f"CREATE VIRTUAL TABLE temp.words USING fts5vocab('{schema}', '{name}', 'instance')")
        words[name] = connection.exec_driver_sql("SELECT term, doc FROM temp.words ORDER BY term, doc").all()
        connection.exec_driver_sql("DROP TABLE temp.words")
    connection.exec_driver_sql("DROP TABLE temp.anew")
    assert words["message_fts"] == words["anew"]
