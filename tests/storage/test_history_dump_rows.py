"""Rows of a dump that are wrong: refused with nothing of their batch kept, or merged."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import new_link_id
from app.storage.database import Database
from app.storage.history.dump_rows import DumpCheck
from app.storage.history.repository import SqlHistoryDump, SqlMessageRepository
from tests.storage.talk import (
    add_mentorado,
    minutes,
    rows,
)
from tests.storage.test_history import EVERYTHING
from tests.storage.transfer import (
    CONTACT,
    FORMER,
    MESSAGE,
    NOTE,
    SUPPRESSION,
    TALK,
    Rows,
    batches_of,
    brought_in,
    dumped,
)

# --- what no dump would hold -----------------------------------------------------------------------------------------


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
        pytest.param({**NOTE, "id": "../note"}, id="a note without an id"),
        pytest.param({**NOTE, "text": "a" * 4_001}, id="a note that is too long"),
        pytest.param({**NOTE, "edited_at": "yesterday"}, id="a note changed at no time"),
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
    assert counts == {
        "contact": 1,
        "conversation": 1,
        "message": 1,
        "suppression": 0,
        "early_receipt": 1,
        "consents": 0,
        "note": 0,
    }


async def test_a_link_that_has_another_provider_here_is_not_taken_for_it(path: Path) -> None:
    """Whether an archive can be restored does not depend on what is there already."""
    async with Database(path) as database:
        ana = await add_mentorado(database)
        first = {**MESSAGE, "link_id": new_link_id(), "provider": "zapi"}
        await brought_in(database, ana, [CONTACT, TALK, first])
        other = {**first, "provider": "meta_cloud", "text": "outra"}
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
