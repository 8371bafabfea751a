"""A history that came through two links is restored with nothing twice, also where it came through other links."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import DeliveryStatus, MessageUpdate, StoredMessage
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.storage.talk import a_message, add_mentorado, edit, minutes, reaction, receipt, rows, switched
from tests.storage.test_two_links import as_meta
from tests.storage.transfer import CONTACT, MESSAGE, TALK, brought_in, dumped

WEB, ZAPI, META = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD

_FACTS: list[MessageUpdate] = [
    a_message("M1", "um", minute=1),
    a_message("S1", "dois", from_me=True, minute=2),
    a_message("T1", "igual", minute=3),
    a_message("T2", "igual", minute=3),
    edit("E1", "M1", "um, corrigida", minute=4),
    reaction("R1", "S1", "👍", minute=5),
    a_message("M2", "três", refers_to="M1", minute=6),
    receipt(DeliveryStatus.DELIVERED, "S1", minute=7),
]


def _as_reported_by(provider: ProviderKind) -> list[MessageUpdate]:
    return [as_meta(fact) for fact in _FACTS] if provider is META else _FACTS


async def _seen(database: Database, mentorado: Mentorado) -> list[tuple[Any, ...]]:
    history = SqlMessageRepository(database)
    (talk,) = await history.conversations(mentorado.id)

    def what(each: StoredMessage) -> tuple[Any, ...]:
        return each.sent_at, each.text, each.delivery, each.reactions, each.quoted_text

    return [what(each) for each in reversed(await history.messages(talk.id))]


async def _through(database: Database, mentorado: Mentorado, provider: ProviderKind) -> Mentorado:
    return mentorado if provider is mentorado.link.provider else await switched(database, mentorado, provider)


async def test_the_ids_of_both_links_come_along(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await add_mentorado(one)
        await SqlMentoradoRepository(two).add(ana)
        zapi, meta = await switched(one, ana, ZAPI), await switched(one, ana, META)
        for who in (ana, zapi, meta):
            await SqlMessageRepository(one).store(who, _as_reported_by(who.link.provider), minutes(9))
        items, seen = await dumped(one, ana), await _seen(one, ana)
        assert await brought_in(two, ana, items, size=3) == 7
        assert await brought_in(two, ana, items) == 0
        assert (await _seen(two, ana), await dumped(two, ana)) == (seen, items)
        for who in (zapi, meta, ana):  # told again, after it was restored
            await SqlMessageRepository(two).store(who, _as_reported_by(who.link.provider), minutes(20))
        assert await _seen(two, ana) == seen


@pytest.mark.parametrize("here", [WEB, ZAPI, META])
@pytest.mark.parametrize("there", [WEB, ZAPI, META])
@pytest.mark.parametrize("size", [1, 100])
async def test_what_came_through_another_provider_here_is_the_same(
    path: Path, here: ProviderKind, there: ProviderKind, size: int
) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana, again = await add_mentorado(one), await add_mentorado(two)
        reporting_there, reporting_here = await _through(one, ana, there), await _through(two, again, here)
        await SqlMessageRepository(one).store(reporting_there, _as_reported_by(there), minutes(9))
        await SqlMessageRepository(two).store(reporting_here, _as_reported_by(here), minutes(9))
        before = await rows(two, "SELECT number, link_id, provider, provider_id, refers_to FROM message")
        items, seen = await dumped(one, ana), await _seen(one, ana)
        for _ in range(2):
            assert await brought_in(two, again, items, size=size) == 0
        assert await rows(two, "SELECT number, link_id, provider, provider_id, refers_to FROM message") == before
        assert await _seen(two, again) == seen


async def test_what_is_new_refers_to_what_is_here_under_another_id(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana, again = await add_mentorado(one), await add_mentorado(two)
        meta = await switched(one, ana, META)
        await SqlMessageRepository(one).store(meta, _as_reported_by(META), minutes(9))
        await SqlMessageRepository(two).store(again, _FACTS[:4], minutes(9))
        early = receipt(DeliveryStatus.READ, "wamid.S1")
        await SqlMessageRepository(two).store(await switched(two, again, META), [early], minutes(9))
        assert await brought_in(two, again, await dumped(one, ana), size=2) == 3
        seen = await _seen(two, again)
        assert await rows(two, "SELECT * FROM early_receipt") == []
    assert [each[1:] for each in seen] == [
        ("um, corrigida", None, (), None),
        ("dois", DeliveryStatus.READ, ("👍",), None),
        ("igual", None, (), None),
        ("igual", None, (), None),
        ("três", None, (), "um, corrigida"),
    ]


async def test_a_backup_of_an_earlier_version_has_no_other_ids(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana, again = await add_mentorado(one), await add_mentorado(two)
        zapi = await switched(one, ana, ZAPI)
        for who in (ana, zapi):
            await SqlMessageRepository(one).store(who, _FACTS, minutes(9))
        items = [{name: row[name] for name in row if name != "aliases"} for row in await dumped(one, ana)]
        assert await brought_in(two, again, items) == 7
        assert await _seen(two, again) == await _seen(one, ana)


@pytest.mark.parametrize("aliases", [7, [{}], [{"link_id": "x"}], [{**MESSAGE, "provider": "telegram"}]])
async def test_other_ids_that_no_dump_holds_are_refused(path: Path, aliases: object) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        with pytest.raises(Problem) as caught:
            await brought_in(database, ana, [CONTACT, TALK, {**MESSAGE, "aliases": aliases}])
    assert caught.value.code is ProblemCode.BACKUP_ALTERED


async def test_the_other_ids_of_a_link_that_is_another_mentorado_s_get_a_link_of_their_own(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        zapi = await switched(database, ana, ZAPI)
        for who in (ana, zapi):
            await SqlMessageRepository(database).store(who, _FACTS, minutes(9))
        items = await dumped(database, ana)
        await SqlMentoradoRepository(database).save_mentorado(replace(ana, archived_at=minutes(0)))
        again = await add_mentorado(database)
        for _ in range(2):
            await brought_in(database, again, items)
            assert await _seen(database, again) == await _seen(database, ana)
        assert await dumped(database, ana) == items
        shared = "SELECT count(*) FROM message_alias a JOIN link l ON l.id = a.link_id GROUP BY l.mentorado_id"
        assert await rows(database, shared) == [(7,), (7,)]
