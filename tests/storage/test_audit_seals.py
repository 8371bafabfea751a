"""Who rewrites the audit and the file beside it without the key is found, and a data folder put back is."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.audit import (
    FIRST_HASH,
    Actor,
    AuditRecord,
    ChainBreak,
    Sealing,
    Verification,
    chain_entry,
    seal,
    seal_holds,
)
from app.domain.settings import SecretBackendKind
from app.storage.audit_integrity import KEY, AuditHeads, AuditSeals
from app.storage.audit_log import SqlAuditLog
from app.storage.database import Database
from app.storage.secrets.store import SelectableSecretStore
from tests.clock import DAWN
from tests.storage.test_secrets import PASSPHRASE, FakeKeyring, file, no_keyring, secret_store, system

__all__ = ["file", "no_keyring", "system"]  # fixtures

RECORD = AuditRecord(at=DAWN, actor=Actor(user="rosa"), action="connect", reason="troca de celular")
keys = st.binary(min_size=32, max_size=32)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(key=keys, other=keys, number=st.integers(1, 1 << 40), entry_hash=hashes, other_hash=hashes)
def test_a_seal_holds_for_its_key_number_and_hash_only(
    key: bytes, other: bytes, number: int, entry_hash: str, other_hash: str
) -> None:
    made = seal(key, number, entry_hash)
    assert seal_holds(key, number, entry_hash, made) is True
    assert seal_holds(key, number + 1, entry_hash, made) is False
    assert seal_holds(key, number, other_hash, made) is (other_hash == entry_hash)
    assert seal_holds(None, number, entry_hash, made) is None
    assert seal_holds(other, number, entry_hash, made) is (True if other == key else None)


@given(found=st.one_of(st.none(), st.integers(), st.binary(), st.text()))
def test_what_is_no_seal_does_not_hold(found: object) -> None:
    assert seal_holds(None, 1, FIRST_HASH, found) is False


def _sealed(path: Path, database: Database, place: SelectableSecretStore, limit: float = 5) -> SqlAuditLog:
    seals = AuditSeals(place, path, act_limit=limit, verify_limit=limit)
    return SqlAuditLog(database, AuditHeads(path.with_name("audit-heads.jsonl")), seals)


async def _write(
    path: Path, place: SelectableSecretStore, count: int, reason: str = "troca de celular"
) -> Verification:
    async with Database(path) as database:
        audit = _sealed(path, database, place)
        for _ in range(count):
            number, _hash = await audit.head()
            await audit.record(replace(RECORD, at=DAWN + timedelta(minutes=number), reason=reason))
        await audit.settled()
        return await audit.verification()


async def _verify(path: Path, place: SelectableSecretStore) -> Verification:
    async with Database(path) as database:
        return await _sealed(path, database, place).verification()


def _past_triggers(path: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for trigger, _sql in triggers:
            raw.execute(f"DROP TRIGGER {trigger}")
        change(raw)
        for _trigger, sql in triggers:
            raw.execute(sql)


def _made_anew(path: Path, count: int, mac: Callable[[int, str], str | None]) -> None:
    """Rewrite the whole chain, its head and the file beside it, as somebody would who knows all but the key."""

    def change(raw: sqlite3.Connection) -> None:
        before = FIRST_HASH
        raw.execute("DELETE FROM audit WHERE number > ?", (count,))
        for number in range(1, count + 1):
            entry = chain_entry(
                number, replace(RECORD, at=DAWN + timedelta(minutes=number - 1), reason="outra"), before
            )
            raw.execute(
                "UPDATE audit SET reason = 'outra', previous_hash = ?, hash = ?, mac = ? WHERE number = ?",
                (before, entry.hash, mac(number, entry.hash), number),
            )
            before = entry.hash
        raw.execute("UPDATE audit_head SET number = ?, hash = ?", (count, before))

    _past_triggers(path, change)
    path.with_name("audit-heads.jsonl").unlink()


def _with_old_seals(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        seals = dict(raw.execute("SELECT number, mac FROM audit").fetchall())
    _made_anew(path, 10, lambda number, _hash: seals[number])


def _with_another_key(path: Path) -> None:
    _made_anew(path, 10, lambda number, entry_hash: seal(b"?" * 32, number, entry_hash))


def _without_seals(path: Path) -> None:
    _made_anew(path, 10, lambda _number, _hash: None)


def _one_seal_is_nonsense(path: Path) -> None:
    _past_triggers(path, lambda raw: raw.execute("UPDATE audit SET mac = 'x' WHERE number = 4"))


def _two_seals_exchanged(path: Path) -> None:
    _past_triggers(
        path,
        lambda raw: raw.execute("UPDATE audit SET mac = (SELECT mac FROM audit WHERE number = 3) WHERE number = 4"),
    )


def _head_set_back(path: Path) -> None:
    def change(raw: sqlite3.Connection) -> None:
        raw.execute("DELETE FROM audit WHERE number > 6")
        raw.execute("UPDATE audit_head SET number = 6, hash = (SELECT hash FROM audit WHERE number = 6)")

    _past_triggers(path, change)
    path.with_name("audit-heads.jsonl").unlink()


def _folder_put_back(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.with_name("earlier").rename(path.parent)


def _folder_removed(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize(
    ("forge", "number", "found"),
    [
        (_with_old_seals, 1, "not what the key sealed"),
        (_with_another_key, 10, "not what the keyring remembers"),
        (_without_seals, 10, "not what the keyring remembers"),
        (_one_seal_is_nonsense, 4, "not what the key sealed"),
        (_two_seals_exchanged, 4, "not what the key sealed"),
        (_head_set_back, 7, "older than what the keyring remembers"),
        (_folder_put_back, 6, "older than what the keyring remembers"),
        (_folder_removed, 1, "older than what the keyring remembers"),
    ],
)
async def test_a_forgery_of_all_files_without_the_keyring_is_found_and_not_forgotten(
    system: FakeKeyring, file: Path, path: Path, forge: Callable[[Path], None], number: int, found: str
) -> None:
    """Seen: each of them was said to hold."""
    await _write(path, secret_store(file), 5)
    shutil.copytree(path.parent, path.parent.with_name("earlier"))
    intact = await _write(path, secret_store(file), 5)
    expected = Verification(
        broken=None, number=10, sealed_from=1, sealed_to=10, remembered=10, noted_from=1, noted_to=10
    )
    assert intact == expected
    assert intact.sealing is Sealing.SEALED
    forge(path)
    broken = ChainBreak(number=number, found=found)
    assert (await _verify(path, secret_store(file))).broken == broken
    after = (await _write(path, secret_store(file), 12, "depois")).broken  # does not make it forgotten
    assert after is not None
    assert after.found in ("not what the keyring remembers", found)


async def test_another_database_put_in_place_by_a_person_is_remembered_anew(
    system: FakeKeyring, file: Path, path: Path
) -> None:
    await _write(path, secret_store(file), 8)
    _folder_removed(path)
    async with Database(path) as database:
        audit = _sealed(path, database, secret_store(file))
        assert (await audit.verification()).broken is not None
        audit.begin_anew()
        await audit.record(RECORD)
        await audit.settled()
        assert (await audit.verification()).broken is None
    assert (await _write(path, secret_store(file), 1)).remembered == 2


async def test_a_key_that_is_being_loaded_for_an_act_that_was_cancelled_is_waited_for(
    system: FakeKeyring, file: Path, path: Path
) -> None:
    """Seen: a program that was closed early left it behind."""
    seals = AuditSeals(secret_store(file), path)
    act = asyncio.get_running_loop().create_task(seals.prepare())
    await asyncio.sleep(0)
    act.cancel()
    await asyncio.wait({act})
    assert seals.key is None
    await seals.settled()
    assert seals.key is not None


async def test_a_lost_key_accuses_nobody_and_the_next_entry_is_sealed_with_a_new_one(
    system: FakeKeyring, file: Path, path: Path
) -> None:
    await _write(path, secret_store(file), 3)
    system.kept.clear()
    lost = await _verify(path, secret_store(file))
    assert (lost.broken, lost.sealing, lost.remembered) == (None, Sealing.KEY_MISSING, None)
    assert system.kept == {}  # to verify makes no key
    anew = await _write(path, secret_store(file), 1)
    assert (anew.broken, anew.sealing, anew.sealed_from, anew.remembered) == (None, Sealing.SEALED, 4, 4)


@pytest.mark.parametrize(
    "nonsense",
    ["no hex", "abcd", "null", '{"number": 1e999, "hash": ""}', '{"number": 2}', "[]", '{"number": "x", "hash": ""}'],
)
async def test_nonsense_in_the_keyring_stops_no_act(system: FakeKeyring, file: Path, path: Path, nonsense: str) -> None:
    await _write(path, secret_store(file), 1)
    for name in system.kept:
        system.kept[name] = nonsense
    found = await _write(path, secret_store(file), 1)
    assert (found.broken, found.number, found.sealing) == (None, 2, Sealing.KEY_MISSING)


async def test_without_a_keyring_entries_are_chained_and_said_not_to_be_sealed(
    no_keyring: None, file: Path, path: Path
) -> None:
    found = await _write(path, secret_store(file), 3)
    assert found == Verification(broken=None, number=3, noted_from=1, noted_to=3)
    assert found.sealing is Sealing.NOT_SEALED


async def test_entries_of_before_are_only_chained_and_the_encrypted_file_seals_without_remembering(
    no_keyring: None, file: Path, path: Path
) -> None:
    await _write(path, secret_store(file), 2)
    place = secret_store(file)
    await place.use_memory()
    assert (await _write(path, place, 1)).sealing is Sealing.NOT_SEALED  # its key would be lost with the program
    await place.use_file(PASSPHRASE)
    found = await _write(path, place, 2)
    assert found == Verification(broken=None, number=5, sealed_from=4, sealed_to=5, noted_from=1, noted_to=5)
    later = secret_store(file)  # the file waits for its passphrase
    assert (await later.place(), (await _write(path, later, 1)).sealing) == (
        SecretBackendKind.LOCKED_FILE,
        Sealing.KEY_MISSING,
    )
    assert (await _verify(path, place)).sealing is Sealing.PARTLY


async def test_a_keyring_that_asks_and_gets_no_answer_holds_up_no_act(
    system: FakeKeyring, file: Path, path: Path
) -> None:
    system.answers.clear()
    async with Database(path) as database:
        audit = _sealed(path, database, secret_store(file), limit=0.2)
        async with asyncio.timeout(3):
            await audit.record(RECORD)
            with audit.with_changes(lambda _count: RECORD):
                await database.run(lambda _connection: None)
            assert (await audit.verification()).sealing is Sealing.NOT_SEALED
        system.answers.set()
        async with asyncio.timeout(5):
            while (await audit.verification()).sealing is not Sealing.PARTLY:  # the key was made meanwhile
                with audit.with_changes(lambda _count: RECORD):
                    await database.run(lambda _connection: None)
                if (await audit.verification()).sealing is Sealing.SEALED:
                    break
        found = await audit.verification()
    assert found.broken is None
    assert (found.sealed_from or 0) > 2


async def test_a_locked_keyring_stops_no_act_and_what_it_remembers_is_compared_later(
    system: FakeKeyring, file: Path, path: Path
) -> None:
    place = secret_store(file)
    await _write(path, place, 2)
    system.locked = True
    found = await _write(path, place, 2)
    assert (found.broken, found.sealing, found.remembered) == (None, Sealing.KEY_MISSING, None)
    system.locked = False
    found = await _write(path, place, 0)
    assert (found.broken, found.sealing, found.sealed_to, found.remembered) == (None, Sealing.PARTLY, 2, 2)


async def test_the_key_and_the_remembered_entry_have_names_of_their_own(
    system: FakeKeyring, file: Path, path: Path
) -> None:
    await _write(path, secret_store(file), 1)
    other = path.parent.with_name("other") / "conecta.db"
    other.parent.mkdir()
    assert (await _write(other, secret_store(file), 3)).broken is None
    names = {name for _service, name in system.kept}
    here, there = (AuditSeals(secret_store(file), each).remembered_name for each in (path, other))
    assert names == {KEY, here, there}
    assert json.loads(system.kept["conecta", here])["number"] == 1
    assert len(bytes.fromhex(system.kept["conecta", KEY])) == 32
