"""One thing that cannot be stored or is not understood is set aside, and everything around it is stored in order."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.event_bus import EventBus
from app.core.links.ingest import MessageIngestor
from app.domain.mentorado import Mentorado
from app.domain.messages import (
    DeliveryStatus,
    Media,
    MessageKind,
    MessageUpdate,
    ProviderMessage,
    SetAsideReason,
    WireUnknown,
)
from app.domain.provider import MessagesReceived
from app.domain.set_aside import PAYLOAD_LIMIT, NotStorable
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.set_aside import SqlSetAside
from tests.clock import DAWN, ManualClock
from tests.storage.talk import BIA, BIA_LID, CAIO, a_message, add_mentorado, minutes, phone, receipt, rows, switched

POISON = "veneno"
REFUSE = (
    "CREATE TRIGGER refuse BEFORE INSERT ON message WHEN new.text = 'veneno' BEGIN SELECT RAISE(ABORT, 'refused'); END"
)


@pytest.fixture(autouse=True)
def _warned(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def unknown(kind: str = "history", payload: str = '{"a": 1}', **details: Any) -> WireUnknown:
    return WireUnknown(**{"kind": kind, "payload": payload, "at": DAWN, **details})


async def _keep(database: Database, mentorado: Mentorado, *facts: MessageUpdate) -> None:
    ingestor = MessageIngestor(bus=EventBus(), store=SqlMessageRepository(database), clock=ManualClock())
    async with asyncio.timeout(10):
        await ingestor.store(mentorado, MessagesReceived(facts, 1))


async def _texts(database: Database) -> list[str]:
    return [str(text) for (text,) in await rows(database, "SELECT text FROM message ORDER BY number")]


# What providers have sent, or might: sizes, lengths, halves of letters.
STRANGE = (
    a_message("P", media=Media(size=2**63), kind=MessageKind.DOCUMENT),
    a_message("P", media=Media(size=-1), kind=MessageKind.DOCUMENT),
    a_message("P", media=Media(size=10**5000, seconds=2**64), kind=MessageKind.VIDEO),
    a_message("P", media=Media(seconds=2**63), kind=MessageKind.VOICE),
    a_message("P", "meia \ud800 letra", sender_name="\udfff"),
)


@pytest.mark.parametrize("fact", STRANGE)
async def test_a_size_that_no_column_holds_is_left_out_and_the_message_is_stored(
    path: Path, fact: ProviderMessage
) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        await _keep(database, ana, fact, a_message("Q", "depois"))
        found = await rows(database, "SELECT provider_id, media_size, media_seconds FROM message ORDER BY number")
        assert await SqlSetAside(database).counts() == []
    assert found == [("P", None, None), ("Q", None, None)]


REFUSED = (
    a_message("P", POISON),
    replace(a_message("P"), sent_at=DAWN.replace(tzinfo=None)),  # a time without a zone
    replace(a_message("P"), text=7),  # type: ignore[arg-type]  # not what its type says
    replace(a_message("P"), refers_to={"a": 1}),  # type: ignore[arg-type]
    replace(a_message("P"), kind=MessageKind.DOCUMENT, media=Media(mime=None, size=1)),  # type: ignore[arg-type]
    replace(a_message("P"), chat=(BIA, None)),  # type: ignore[arg-type]
    replace(receipt(DeliveryStatus.READ, "P"), provider_ids=(2**70,)),  # type: ignore[arg-type]
)


@pytest.mark.parametrize("fact", REFUSED)
async def test_what_the_database_refuses_is_set_aside_with_a_reason_and_what_follows_is_stored(
    path: Path, fact: MessageUpdate
) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        await database.run(lambda connection: connection.exec_driver_sql(REFUSE))
        await _keep(database, ana, a_message("A", "antes"), fact, a_message("B", "depois"))
        assert await _texts(database) == ["antes", "depois"]
        (found,) = await SqlSetAside(database).latest(ana.id)
        (count,) = await SqlSetAside(database).counts()
    assert found.kind == ("message" if isinstance(fact, ProviderMessage) else "receipt")
    assert found.reason is SetAsideReason.NOT_STORABLE
    assert found.detail.endswith("Error")
    assert POISON not in repr(found)
    assert (count.count, count.link_id, count.mentorado_id) == (1, ana.link.id, ana.id)


@settings(max_examples=25)
@given(
    st.lists(st.booleans(), min_size=1, max_size=40),
    st.integers(min_value=1, max_value=40),
)
def test_however_poison_is_spread_the_rest_is_stored_in_its_order_and_each_poison_is_counted(
    poisoned: Sequence[bool], at_once: int
) -> None:
    async def main(folder: str) -> tuple[list[str], int]:
        async with Database(Path(folder) / "data" / "conecta.db") as database:
            ana = await add_mentorado(database)
            await database.run(lambda connection: connection.exec_driver_sql(REFUSE))
            facts = [a_message(f"{n}", POISON if bad else f"{n}", minute=n) for n, bad in enumerate(poisoned)]
            for start in range(0, len(facts), at_once):
                await _keep(database, ana, *facts[start : start + at_once])
            return await _texts(database), sum(each.count for each in await SqlSetAside(database).counts())

    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        stored, aside = asyncio.run(main(folder))
    assert stored == [f"{n}" for n, bad in enumerate(poisoned) if not bad]
    assert aside == sum(poisoned)


async def test_trouble_with_the_disk_or_a_bug_of_the_schema_sets_nothing_aside(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await database.run(lambda connection: connection.exec_driver_sql("ALTER TABLE message RENAME TO elsewhere"))
        with pytest.raises(Exception, match="no such table") as error:
            await history.store(ana, [a_message("A")], DAWN)
        assert not isinstance(error.value, NotStorable)
    with closing(sqlite3.connect(path)) as raw:  # the program opens it no more
        assert raw.execute("SELECT count(*) FROM set_aside").fetchone() == (0,)


async def test_what_is_not_understood_is_kept_in_its_order_once_and_counted_by_kind(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        for _ in range(2):  # a provider that was not heard repeats itself
            await history.store(ana, [a_message("A"), unknown(), unknown("calls"), unknown("calls", "{}")], minutes(1))
        await history.store(ana, [unknown("history", "[]")], minutes(2))
        aside = SqlSetAside(database)
        counted = [(each.kind, each.reason, each.count, each.last) for each in await aside.counts(ana.id)]
        latest = [(each.kind, each.payload) for each in await aside.latest(limit=2)]
        nobody = await add_mentorado(database, "Bruno", "+5521912345678")
        assert await aside.counts(nobody.id) == []
        assert await aside.latest(nobody.id) == []
    assert counted == [
        ("history", SetAsideReason.NOT_UNDERSTOOD, 2, minutes(2)),
        ("calls", SetAsideReason.NOT_UNDERSTOOD, 2, minutes(1)),
    ]
    assert latest == [("history", "[]"), ("calls", "{}")]


async def test_a_payload_is_kept_up_to_a_size_and_all_of_a_link_up_to_another(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.storage.set_aside.PAYLOADS_LIMIT", 2 * PAYLOAD_LIMIT)
    long = "á" * (PAYLOAD_LIMIT + 5)
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        for number in range(4):
            await history.store(ana, [unknown(f"{number}", long)], DAWN)
        found = await SqlSetAside(database).latest()
    assert [len(each.payload) for each in found] == [0, 0, PAYLOAD_LIMIT, PAYLOAD_LIMIT]
    assert {each.payload_size for each in found} == {PAYLOAD_LIMIT + 5}


@pytest.mark.parametrize(
    "theirs",
    [
        unknown(about=(BIA_LID,)),
        unknown(about=(phone("+552187650001"),)),  # as the number was before its ninth digit
        unknown(payload='{"threads": [{"id": "5521987650001"}]}'),
        unknown(payload='{"threads": [{"id": "552187650001"}]}'),
        unknown(payload='{"threads": [{"id": "200000000000001@lid"}]}'),
    ],
)
async def test_what_is_about_a_contact_is_erased_with_them_and_does_not_come_back(
    path: Path, theirs: WireUnknown
) -> None:
    async with Database(path) as database:
        ana, history, aside = await add_mentorado(database), SqlMessageRepository(database), SqlSetAside(database)
        other = await switched(database, await add_mentorado(database, "Bruno", "+5521912345678"), ana.link.provider)
        await history.store(ana, [a_message("A", "oi", BIA, BIA_LID), theirs, unknown("calls", about=(CAIO,))], DAWN)
        await history.store(other, [theirs], DAWN)
        bia = await history.find_contact(ana.id, BIA)
        assert bia is not None
        await history.erase(ana.id, bia, minutes(1))
        assert [each.kind for each in await aside.latest(ana.id)] == ["calls"]
        assert [each.kind for each in await aside.latest(other.id)] == ["history"]
        if theirs.about:
            await history.store(ana, [theirs], minutes(2))
            assert [each.kind for each in await aside.latest(ana.id)] == ["calls"]


async def test_what_was_set_aside_is_forgotten_with_the_messages_of_its_time(path: Path) -> None:
    async with Database(path) as database:
        ana, history, aside = await add_mentorado(database), SqlMessageRepository(database), SqlSetAside(database)
        bruno = await add_mentorado(database, "Bruno", "+5521912345678")
        for mentorado in (ana, bruno):
            await history.store(mentorado, [unknown("old")], DAWN)
            await history.store(mentorado, [unknown("new")], DAWN + timedelta(days=9))
        await history.delete_before(ana.id, DAWN + timedelta(days=5))
        assert [each.kind for each in await aside.latest(ana.id)] == ["new"]
        assert [each.kind for each in await aside.latest(bruno.id)] == ["new", "old"]
        await history.delete_before(None, DAWN + timedelta(days=5))
        assert [each.kind for each in await aside.latest()] == ["new", "new"]
