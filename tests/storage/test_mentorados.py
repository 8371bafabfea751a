from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, StatementError

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import ProviderKind
from app.domain.names import MOST_NAME
from app.domain.phone import PhoneNumber
from app.domain.repositories import MentoradoRepository
from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from tests.clock import DAWN
from tests.storage.people import new_mentorado


async def test_what_is_added_is_what_comes_back_in_the_next_run(path: Path) -> None:
    ana = new_mentorado("Ana Lima", cohort="Turma 7")
    bruno = new_mentorado("Bruno Sá", "+5521912345678")
    bruno = replace(bruno, created_at=DAWN + timedelta(microseconds=1))
    async with Database(path) as database:
        mentorado_repository: MentoradoRepository = SqlMentoradoRepository(database)
        await mentorado_repository.add(bruno)
        await mentorado_repository.add(ana)
    async with Database(path) as database:
        assert await SqlMentoradoRepository(database).all() == [ana, bruno]


async def test_edits_of_a_mentorado_and_of_its_link_are_kept_apart(path: Path) -> None:
    ana = new_mentorado()
    mentorado = replace(ana, name="Ana Souza", phone=PhoneNumber("+351912345678"), cohort="8")
    link = replace(
        ana.link, enabled=True, account=PhoneNumber("+551187654321"), accepted_account=PhoneNumber("+351910000000")
    )
    async with Database(path) as database:
        mentorado_repository = SqlMentoradoRepository(database)
        await mentorado_repository.add(ana)
        await mentorado_repository.save_mentorado(mentorado)
        assert await mentorado_repository.all() == [mentorado]
        await mentorado_repository.save_link(link)
        assert await mentorado_repository.all() == [replace(mentorado, link=link)]


async def test_names_are_in_the_order_of_a_portuguese_index(path: Path) -> None:
    names = ["Aline", "Álvaro", "ana", "Ângela", "Antônio", "Caio", "Çağla", "Camila", "Érica", "Zélia"]
    async with Database(path) as database:
        mentorado_repository = SqlMentoradoRepository(database)
        for number, name in enumerate(reversed(names)):
            await mentorado_repository.add(new_mentorado(name, f"+55219100000{number:02}"))
        found = [mentorado.name for mentorado in await mentorado_repository.all()]
    assert found == ["Aline", "Álvaro", "ana", "Ângela", "Antônio", "Çağla", "Caio", "Camila", "Érica", "Zélia"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+5511987654321", "+5511987654321"),
        ("+5511987654321", "+551187654321"),
        ("+525500000001", "+5215500000001"),
        ("+5491123456789", "+541123456789"),
    ],
)
async def test_an_active_number_is_taken_in_each_of_its_forms(path: Path, one: str, other: str) -> None:
    async with Database(path) as database:
        mentorado_repository = SqlMentoradoRepository(database)
        await mentorado_repository.add(ana := new_mentorado("Ana Lima", one))
        with pytest.raises(Problem) as caught:
            await mentorado_repository.add(new_mentorado("Bruno Sá", other))
        assert await mentorado_repository.all() == [ana]
    assert caught.value.code is ProblemCode.PHONE_TAKEN
    assert caught.value.context == {"name": "Ana Lima"}


async def test_a_number_that_was_stored_before_its_forms_were_known_is_taken_too(path: Path) -> None:
    async with Database(path) as database:
        mentorado_repository = SqlMentoradoRepository(database)
        await mentorado_repository.add(new_mentorado("Ana Lima", "+5491123456789"))
        await database.run(
            lambda connection: connection.exec_driver_sql("UPDATE mentorado SET phone_key = '+5491123456789'").close()
        )
        with pytest.raises(Problem, match="phone_taken"):
            await mentorado_repository.add(new_mentorado("Bruno Sá", "+541123456789"))


async def test_the_database_itself_refuses_an_active_number_twice(path: Path) -> None:
    def behind_its_back(connection: Connection) -> None:
        connection.exec_driver_sql(
            "INSERT INTO mentorado SELECT 'other', name, phone, phone_key, '', created_at, NULL FROM mentorado"
        )

    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(new_mentorado())
        with pytest.raises(IntegrityError, match="UNIQUE"):
            await database.run(behind_its_back)


async def test_archiving_frees_the_number_and_coming_back_needs_it_free(path: Path) -> None:
    ana, bruno = new_mentorado("Ana Lima"), new_mentorado("Bruno Sá")
    archived = replace(ana, archived_at=DAWN + timedelta(days=1))
    async with Database(path) as database:
        mentorado_repository = SqlMentoradoRepository(database)
        await mentorado_repository.add(ana)
        await mentorado_repository.save_mentorado(archived)
        assert await mentorado_repository.by_phone(ana.phone) is None
        await mentorado_repository.add(bruno)
        assert await mentorado_repository.all() == [archived, bruno]
        with pytest.raises(Problem) as caught:
            await mentorado_repository.save_mentorado(ana)
        assert caught.value.context == {"name": "Bruno Sá"}
        await mentorado_repository.save_mentorado(replace(bruno, archived_at=DAWN))
        await mentorado_repository.save_mentorado(ana)
        assert await mentorado_repository.by_phone(PhoneNumber("+551187654321")) == ana


async def test_a_mentorado_does_not_take_the_number_from_themself(path: Path) -> None:
    async with Database(path) as database:
        mentorado_repository = SqlMentoradoRepository(database)
        await mentorado_repository.add(ana := new_mentorado())
        await mentorado_repository.save_mentorado(changed := replace(ana, phone=PhoneNumber("+551187654321")))
        assert await mentorado_repository.by_phone(ana.phone) == changed


async def test_saving_somebody_who_is_not_there_is_said(path: Path) -> None:
    async with Database(path) as database:
        mentorado_repository = SqlMentoradoRepository(database)
        for saving in (
            mentorado_repository.save_mentorado(new_mentorado()),
            mentorado_repository.save_link(new_mentorado().link),
        ):
            with pytest.raises(Problem) as caught:
                await saving
            assert caught.value.code is ProblemCode.MENTORADO_UNKNOWN


async def test_a_second_link_may_be_prepared_but_only_one_is_in_use(path: Path) -> None:
    from app.storage.tables import link

    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana := new_mentorado())
        next_link = {"id": "next", "mentorado_id": ana.id, "provider": "zapi", "wanted": False}
        await database.run(lambda c: c.execute(link.insert().values(active=False, **next_link)))
        assert await SqlMentoradoRepository(database).all() == [ana]
        with pytest.raises(IntegrityError, match="UNIQUE"):
            await database.run(lambda c: c.execute(link.update().values(active=True)))
        await database.run(lambda c: c.execute(link.update().values(active=link.c.id == "next")))
        assert [mentorado.link.provider for mentorado in await SqlMentoradoRepository(database).all()] == [
            ProviderKind.ZAPI
        ]


async def test_a_link_belongs_to_somebody(path: Path) -> None:
    async with Database(path) as database:
        ana, nobody = new_mentorado(), new_mentorado()
        with pytest.raises(IntegrityError, match="FOREIGN KEY"):
            await SqlMentoradoRepository(database).add(replace(ana, link=nobody.link))
        assert await SqlMentoradoRepository(database).all() == []


async def test_a_time_without_a_zone_is_refused(path: Path) -> None:
    ana = new_mentorado()
    naive = replace(ana, created_at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
    async with Database(path) as database:
        with pytest.raises(StatementError, match="no time zone"):
            await SqlMentoradoRepository(database).add(naive)


async def test_a_name_that_an_earlier_version_took_is_shown_bounded_and_readable(path: Path) -> None:
    async with Database(path) as database:
        mentorado_repository = SqlMentoradoRepository(database)
        await mentorado_repository.add(new_mentorado("Ana"))
        await database.run(
            lambda connection: connection.exec_driver_sql(
                "UPDATE mentorado SET name = ?", ("Ana\x1b[2J " + "x" * 100_000,)
            ).close()
        )
        (ana,) = await mentorado_repository.all()
    assert ana.name.startswith("Ana␛[2J x")
    assert len(ana.name) == MOST_NAME
