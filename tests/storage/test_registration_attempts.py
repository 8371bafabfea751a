from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from app.domain.repositories import RegistrationAttempts
from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.settings import SqlRegistrationAttempts
from tests.clock import DAWN
from tests.storage.people import new_mentorado

HOUR = timedelta(hours=1)


async def test_tries_outlive_the_program_and_are_told_oldest_first(path: Path) -> None:
    ana = new_mentorado()
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        tries: RegistrationAttempts = SqlRegistrationAttempts(database)
        for hours in (5, 1, 3):
            await tries.add(ana.link.id, DAWN + hours * HOUR)
    async with Database(path) as database:
        kept = await SqlRegistrationAttempts(database).since(ana.link.id, DAWN + HOUR)
    assert kept == [DAWN + 3 * HOUR, DAWN + 5 * HOUR]


async def test_two_tries_at_the_same_moment_are_two(path: Path) -> None:
    ana = new_mentorado()
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        for _ in range(2):
            await SqlRegistrationAttempts(database).add(ana.link.id, DAWN)
        assert await SqlRegistrationAttempts(database).since(ana.link.id, DAWN - HOUR) == [DAWN, DAWN]


async def test_the_tries_of_another_number_do_not_count(path: Path) -> None:
    ana, bia = new_mentorado("Ana"), new_mentorado("Bia", "+5521987650001")
    async with Database(path) as database:
        for one in (ana, bia):
            await SqlMentoradoRepository(database).add(one)
        await SqlRegistrationAttempts(database).add(bia.link.id, DAWN)
        assert await SqlRegistrationAttempts(database).since(ana.link.id, DAWN - HOUR) == []
