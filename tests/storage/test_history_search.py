"""Messages are found by their words, and the index never says anything else than the messages do."""

from __future__ import annotations

import asyncio
import random
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from app.domain.messages import Media, MessageKind
from app.storage.database import Database
from app.storage.history.reading import expression
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
