"""What the database knows of the time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.core.trusted_time import TrustedClock
from app.domain.trusted_time import TimeMark
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.inspection import read_known_time
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.settings import SqlRegistrationAttempts, SqlSettings
from app.storage.time_records import KEY, SqlTimeRecords
from tests.clock import DAWN, StillClock
from tests.fakes import FakeProviderTime
from tests.storage.people import new_mentorado
from tests.storage.talk import BIA, a_message, add_mentorado, execute, minutes

YEARS = timedelta(days=1100)


async def test_a_mark_is_read_as_it_was_stored_and_is_no_decision_of_an_operator(path: Path) -> None:
    async with Database(path) as database:
        records, settings = SqlTimeRecords(database), SqlSettings(database)
        decided = await settings.load()
        assert await records.mark() is None
        for mark in (TimeMark(at=DAWN), TimeMark(at=DAWN, disregarded_until=DAWN + YEARS)):
            await records.save(mark)
            assert await records.mark() == mark
        assert await settings.load() == decided


@pytest.mark.parametrize(
    "written", ["", "[]", '{"at": "soon"}', '{"at": "2026-01-01", "disregarded_until": null}', "9"]
)
async def test_a_damaged_mark_says_nothing(path: Path, written: str) -> None:
    async with Database(path) as database:
        records = SqlTimeRecords(database)
        await records.save(TimeMark(at=DAWN))
        await execute(database, "UPDATE setting SET value = :value WHERE key = :key", value=written, key=KEY)
        assert await records.mark() is None


async def test_the_newest_is_what_the_program_dated_last(path: Path) -> None:
    async with Database(path) as database:
        records, history = SqlTimeRecords(database), SqlMessageRepository(database)
        assert await records.newest() is None
        ana = await add_mentorado(database)
        await history.store(ana, [a_message("1", sent_at=minutes(9))], minutes(5))
        await history.store(ana, [a_message("2", sent_at=minutes(10))], minutes(3))
        assert await records.newest() == minutes(5)
        await execute(database, "UPDATE message SET stored_at = 'never' WHERE number = 1")
        assert await records.newest() == minutes(3)


async def test_dates_still_to_come_are_set_to_now_and_nothing_else_is_touched(path: Path) -> None:
    async with Database(path) as database:
        records, history = SqlTimeRecords(database), SqlMessageRepository(database)
        tries = SqlRegistrationAttempts(database)
        ana = await add_mentorado(database)
        await history.store(
            ana, [a_message("1", sent_at=DAWN + YEARS), a_message("2", sent_at=minutes(1))], DAWN + YEARS
        )
        contact = await history.find_contact(ana.id, BIA)
        assert contact is not None
        await tries.add(ana.link.id, DAWN + YEARS)
        now = minutes(60)
        assert await records.correct(now) > 0
        (talk,) = await history.conversations(ana.id)
        kept = {each.provider_id: each for each in await history.messages(talk.id)}
        assert {each.stored_at for each in kept.values()} == {now}
        assert kept["1"].sent_at <= now
        assert kept["2"].sent_at == minutes(1)
        assert await tries.since(ana.link.id, DAWN) == [now]
        assert await records.correct(now) == 0

        await history.erase(ana.id, contact, DAWN + YEARS)
        assert await records.correct(now) == 1
        await history.store(ana, [a_message("3", sent_at=now), a_message("4", sent_at=now + timedelta(seconds=1))], now)
        (talk,) = await history.conversations(ana.id)
        assert [each.provider_id for each in await history.messages(talk.id)] == ["4"]


@pytest.mark.parametrize(
    ("marked", "disregarded", "known"),
    [
        (None, None, DAWN + timedelta(days=3)),
        (DAWN, None, DAWN + timedelta(days=3)),
        (DAWN, DAWN + timedelta(days=9), DAWN),
        (DAWN + timedelta(days=5), None, DAWN + timedelta(days=5)),
    ],
)
async def test_who_only_looks_takes_time_as_far_as_a_start_does(
    path: Path, marked: datetime | None, disregarded: datetime | None, known: datetime
) -> None:
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(replace(new_mentorado(), created_at=DAWN + timedelta(days=3)))
        records = SqlTimeRecords(database)
        if marked is not None:
            await records.save(TimeMark(at=marked, disregarded_until=disregarded))
        trusted = TrustedClock(StillClock(), records=records, provider_time=FakeProviderTime())
        await trusted.load()
        assert read_known_time(path) == known
        assert (trusted.doubt is not None) is (known > DAWN)
