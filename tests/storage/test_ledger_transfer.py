"""The ledger of consent goes into a backup and comes back: whole, once, and never more than the contacts allow."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.domain.consent import ASKED_FOR, ConsentChange, ConsentEntry, ConsentSource, Purpose, state_for
from app.domain.errors import Problem
from app.domain.mentorado import Mentorado
from app.domain.messages import Address
from app.storage.cases import SqlCases
from app.storage.consents import SqlConsents
from app.storage.database import Database
from app.storage.history.dump_rows import read
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.storage.talk import BIA, BIA_LID, CAIO, a_message, add_mentorado, minutes, rows
from tests.storage.transfer import Rows, brought_in, dumped

OUT, GRANTED = ConsentChange.OPTED_OUT, ConsentChange.GRANTED


def an_entry(ana: Mentorado, contact: Address, minute: float, change: ConsentChange = GRANTED) -> ConsentEntry:
    return ConsentEntry(
        mentorado_id=ana.id,
        contact=contact,
        change=change,
        purpose=None if change is OUT else Purpose.CAMPAIGN,
        source=ConsentSource.TYPED,
        at=minutes(minute),
        recorded_by="Carla",
        wording="Aceito receber novidades",
        version="3",
        note="evento",
    )


async def contacts(database: Database, ana: Mentorado) -> Any:
    """What is recorded of everybody, but for ids that differ between databases."""
    found = await SqlConsents(database).contacts(ana.id)
    return [(each.addresses, [replace(entry, mentorado_id=ana.id) for entry in each.entries]) for each in found]


async def filled(database: Database) -> Mentorado:
    """Bia by two addresses, who wrote to be left alone; Caio, who agreed; and more entries than fit in a row."""
    ana = await add_mentorado(database)
    consents, history = SqlConsents(database), SqlMessageRepository(database)
    await consents.append([an_entry(ana, BIA, 1), an_entry(ana, CAIO, 2)])
    await history.store(ana, [a_message("M1", "SAIR", BIA_LID, BIA, minute=3)], minutes(3))
    many = [an_entry(ana, CAIO, minute, ConsentChange.REVOKED if minute % 2 else GRANTED) for minute in range(10, 131)]
    await consents.append(many)
    return ana


@pytest.mark.parametrize("size", [1, 1000])
async def test_the_ledger_comes_back_whole_and_once_also_to_a_mentorado_who_was_added_anew(
    path: Path, size: int
) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await filled(one)
        items = await dumped(one, ana)
        anew = await add_mentorado(two)
        assert anew.id != ana.id
        for _ in range(2):
            await brought_in(two, anew, items, size)
            there = [
                (who, [replace(e, mentorado_id=ana.id) for e in entries]) for who, entries in await contacts(two, anew)
            ]
            assert there == await contacts(one, ana)
        assert await rows(two, "SELECT * FROM opt_out_confirmation") == [], "nobody is answered a second time"
        assert await SqlCases(two).unsettled() == [], "and nobody has to look after it once more"
        await SqlMessageRepository(two).store(anew, [a_message("M9", "SAIR", CAIO, minute=900)], minutes(900))
        assert len(await SqlCases(two).unsettled()) == 1
        before = await rows(one, "SELECT * FROM consent_entry")
        await brought_in(one, ana, items, size)
        assert await rows(one, "SELECT * FROM consent_entry") == before


async def test_who_opted_out_since_the_backup_stays_out_and_an_older_backup_takes_nothing_back(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await add_mentorado(one)
        await SqlConsents(one).append([an_entry(ana, BIA, 1), an_entry(ana, CAIO, 1)])
        items = await dumped(one, ana)
        await SqlConsents(one).append([an_entry(ana, BIA, 5, OUT)])
        before = await contacts(one, ana)
        await brought_in(one, ana, items)
        assert await contacts(one, ana) == before

        await SqlMentoradoRepository(two).add(ana)  # a new computer, to which Bia writes before the restore
        await SqlMessageRepository(two).store(ana, [a_message("M1", "SAIR", BIA, minute=6)], minutes(6))
        await brought_in(two, ana, items)
        bia, caio = await SqlConsents(two).ledgers(ana.id, [BIA, CAIO])
        assert state_for(bia, Purpose.CAMPAIGN).opted_out_at == minutes(6)
        assert state_for(caio, Purpose.CAMPAIGN).granted
        assert [each.change for each in bia] == [OUT, GRANTED, OUT]
        assert bia[-1].source is ConsentSource.RESTORE


async def test_of_who_was_erased_no_name_and_no_consent_comes_back(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await add_mentorado(one)
        await SqlConsents(one).append([an_entry(ana, BIA, 1), an_entry(ana, CAIO, 1, OUT)])
        items = await dumped(one, ana)
        history = SqlMessageRepository(one)
        assert await history.recorded(ana.id, BIA) == [BIA]
        for address in (BIA, CAIO):
            await history.erase_recorded(ana.id, address, minutes(5))
        before = await rows(one, "SELECT * FROM consent_entry")
        await brought_in(one, ana, items)
        assert await rows(one, "SELECT * FROM consent_entry") == before
        assert await rows(one, "SELECT * FROM consent_contact") == []

        erased = await dumped(one, ana)
        assert BIA.value.removeprefix("+") not in json.dumps(erased)
        await SqlMentoradoRepository(two).add(ana)
        await brought_in(two, ana, erased)
        assert await contacts(two, ana) == await contacts(one, ana)
        bia, caio = await SqlConsents(two).ledgers(ana.id, [BIA, CAIO])
        assert not any(state_for(bia, each).granted for each in ASKED_FOR)
        assert all(state_for(caio, each).opted_out_at for each in ASKED_FOR)


async def test_an_erasure_by_a_version_that_did_not_say_so_in_the_ledger_counts_all_the_same(path: Path) -> None:
    async with Database(path) as one, Database(path.with_name("two.db")) as two:
        ana = await add_mentorado(one)
        await SqlConsents(one).append([an_entry(ana, BIA, 1)])
        items: Rows = await dumped(one, ana)
        await SqlMentoradoRepository(two).add(ana)
        await SqlMessageRepository(two).erase_recorded(ana.id, BIA, minutes(5))  # nothing was recorded here
        await brought_in(two, ana, items)
        (ledger,) = await SqlConsents(two).ledgers(ana.id, [BIA])
        assert [each.change for each in ledger] == [GRANTED, ConsentChange.ERASED]
        assert await rows(two, "SELECT * FROM consent_contact") == []
        assert "Aceito" not in str(await rows(two, "SELECT * FROM consent_entry"))


@pytest.mark.parametrize(
    "changed",
    [
        {"hash": "x" * 64},
        {"hash": "0"},
        {"change": "later"},
        {"purpose": "party"},
        {"source": 1},
        {"at": "soon"},
        {"at": "2026-01-01T00:00:00"},
        {"wording": None},
        {"address": ["phone"]},
        {"address": ["pigeon", "1"]},
        {"note": "\ud800"},
    ],
)
def test_what_no_ledger_holds_is_refused(changed: dict[str, object]) -> None:
    values: dict[str, object] = dict.fromkeys(("recorded_by", "wording", "version", "note", "import_id"), "")
    values |= {"hash": "0" * 64, "address": ["phone", BIA.value], "change": "granted", "purpose": "campaign"}
    values |= {"source": "typed", "at": "2026-01-01T00:00:00+00:00"}
    assert read([{"kind": "consents", "entries": [values]}]).consents
    for entries in ([values | changed], None, [None]):
        with pytest.raises(Problem):
            read([{"kind": "consents", "entries": entries}])
