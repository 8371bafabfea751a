"""Keys are copied while they are in use, and come back only when it is certain that this does no harm."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.provider import HasSessionBackup
from app.providers.whatsapp_web.session_backup import Snapshots, copy_session, restore_session
from app.providers.whatsapp_web.session_repository import SessionDirectory
from tests.providers.conftest import ProviderHarness, digits
from tests.providers.whatsapp_web.test_snapshots import session_file

BEFORE = datetime(2026, 1, 1, 12, tzinfo=UTC)
TAKEN = BEFORE + timedelta(hours=1)
NOW = BEFORE + timedelta(days=3)


@pytest.fixture
def folder(fast_dir: Path) -> SessionDirectory:
    """Whose session was used until noon."""
    made = SessionDirectory(fast_dir / "session")
    made.make()
    file = session_file(made.path)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("ALTER TABLE filling RENAME TO whatsmeow_sessions")
    (made.path / "current").write_text(file.name)
    os.utime(file, (BEFORE.timestamp(), BEFORE.timestamp()))
    return made


@pytest.fixture
def copied(folder: SessionDirectory, fast_dir: Path) -> Path:
    to = fast_dir / "copy.db"
    assert copy_session(folder, to) == "+5511987654321"
    return to


def current(folder: SessionDirectory) -> Path:
    found = folder.current
    assert found is not None
    return found


def use(folder: SessionDirectory) -> None:
    with closing(sqlite3.connect(current(folder))) as database, database:
        database.execute("INSERT INTO whatsmeow_sessions VALUES ('a step of a ratchet')")


def refused(folder: SessionDirectory, file: Path, *, used_since: bool = False) -> ProblemCode:
    before = snapshot(folder)
    with pytest.raises(Problem) as problem:
        restore_session(folder, file, TAKEN, NOW, used_since=used_since)
    assert snapshot(folder) == before
    return problem.value.code


def snapshot(folder: SessionDirectory) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}


# --- copying ---------------------------------------------------------------------------------------------------------


def test_a_copy_is_private_whole_and_beside_nothing_else(folder: SessionDirectory, copied: Path) -> None:
    if os.name == "posix":
        assert copied.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copied)) as database:
        assert database.execute("SELECT jid FROM whatsmeow_device").fetchone() == ("5511987654321:1@s.whatsapp.net",)
    assert [path.name for path in copied.parent.iterdir() if path.is_file()] == ["copy.db"]


def test_where_there_are_no_keys_nothing_is_copied(folder: SessionDirectory, fast_dir: Path) -> None:
    with closing(sqlite3.connect(current(folder))) as database, database:
        database.execute("DELETE FROM whatsmeow_device")
    assert copy_session(folder, fast_dir / "copy.db") is None
    (folder.path / "current").unlink()
    assert copy_session(folder, fast_dir / "copy.db") is None
    assert copy_session(SessionDirectory(fast_dir / "nobody"), fast_dir / "copy.db") is None
    assert not (fast_dir / "copy.db").exists()


def test_keys_that_cannot_be_copied_are_a_problem(folder: SessionDirectory, fast_dir: Path) -> None:
    with pytest.raises(Problem) as nowhere:
        copy_session(folder, fast_dir / "no such folder" / "copy.db")
    assert nowhere.value.code is ProblemCode.SESSION_DIR_NOT_WRITABLE
    current(folder).write_bytes(b"SQLite format 3\0" + bytes(3000))
    with pytest.raises(Problem) as corrupt:
        copy_session(folder, fast_dir / "copy.db")
    assert corrupt.value.code is ProblemCode.SESSION_CORRUPT


# --- putting back ----------------------------------------------------------------------------------------------------


def test_keys_that_were_lost_without_having_been_used_since_come_back(folder: SessionDirectory, copied: Path) -> None:
    lost = current(folder)
    lost.unlink()
    restore_session(folder, copied, TAKEN, NOW, used_since=False)
    assert current(folder) != lost
    assert folder.session_to_open() == (current(folder), "+5511987654321")
    if os.name == "posix":
        assert current(folder).stat().st_mode & 0o777 == 0o600
    before = snapshot(folder)
    restore_session(folder, copied, TAKEN, NOW, used_since=False)  # asked again
    assert snapshot(folder) == before
    assert not list(folder.path.glob(".*"))


def test_a_file_that_was_damaged_without_having_been_used_is_quarantined_with_a_note(
    folder: SessionDirectory, copied: Path
) -> None:
    damaged = current(folder)
    content = damaged.read_bytes()[:5000]
    damaged.write_bytes(content)
    os.utime(damaged, (BEFORE.timestamp(), BEFORE.timestamp()))
    restore_session(folder, copied, TAKEN, NOW, used_since=False)
    assert folder.session_to_open()[1] == "+5511987654321"
    aside = folder.path / "quarantine" / damaged.name
    assert aside.read_bytes() == content
    note = json.loads(aside.with_name(f"{damaged.name}.json").read_text())
    assert "replaced by a backup" in note["why"]


def test_keys_that_are_still_in_use_as_they_were_stay(folder: SessionDirectory, copied: Path) -> None:
    before = snapshot(folder)
    restore_session(folder, copied, TAKEN, NOW, used_since=True)
    assert snapshot(folder) == before


def test_a_restore_that_was_killed_is_completed(folder: SessionDirectory, copied: Path) -> None:
    old = current(folder)
    (folder.path / ".restored.part").write_text("half a copy")
    shutil.copy(copied, new := folder.path / "session-20260104T120000-ffffffff.db")
    new.chmod(0o600)
    (folder.path / "current").write_text(new.name)
    restore_session(folder, copied, TAKEN, NOW, used_since=True)
    assert current(folder) == new
    assert not old.exists()
    assert (folder.path / "quarantine" / old.name).exists()


def test_keys_that_may_have_been_used_since_do_not_come_back(folder: SessionDirectory, copied: Path) -> None:
    use(folder)
    assert refused(folder, copied) is ProblemCode.SESSION_USED_SINCE  # they work, and went on
    current(folder).write_bytes(b"damaged after the backup")
    assert refused(folder, copied) is ProblemCode.SESSION_USED_SINCE
    current(folder).unlink()
    assert refused(folder, copied, used_since=True) is ProblemCode.SESSION_USED_SINCE  # says the log of the link
    Snapshots(folder.path).take(copied.rename(copied.with_name("session-1.db")), TAKEN + timedelta(seconds=1))
    assert refused(folder, copied.with_name("session-1.db")) is ProblemCode.SESSION_USED_SINCE  # says a snapshot


def test_keys_that_whatsapp_took_back_do_not_come_back(folder: SessionDirectory, copied: Path) -> None:
    file = current(folder)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("DELETE FROM whatsmeow_device")
    os.utime(file, (BEFORE.timestamp(), BEFORE.timestamp()))
    assert refused(folder, copied) is ProblemCode.SESSION_USED_SINCE


# --- files from outside ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM whatsmeow_device",
        "CREATE TABLE other (x)",
        "CREATE TRIGGER whatsmeow_t AFTER INSERT ON whatsmeow_device BEGIN DELETE FROM whatsmeow_device; END",
        "ALTER TABLE whatsmeow_device RENAME TO whatsmeow_d; CREATE VIEW whatsmeow_device AS WITH RECURSIVE"
        " r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x AS jid FROM r",
        "UPDATE whatsmeow_device SET jid = '../../etc/passwd'",
    ],
)
def test_a_file_that_is_no_plain_session_is_refused(folder: SessionDirectory, copied: Path, sql: str) -> None:
    current(folder).unlink()
    with closing(sqlite3.connect(copied)) as database:
        database.executescript(sql)
    assert refused(folder, copied) is ProblemCode.SESSION_CORRUPT


COUNT = 2_500


def test_a_broken_session_file_is_a_problem_and_touches_nothing(folder: SessionDirectory, copied: Path) -> None:
    """ "Fuzzed … session files: an error with a sentence, never a crash, never a write outside the target." """
    dice, good = random.Random(4), copied.read_bytes()  # noqa: S311 - the same inputs in every run
    outside = copied.parent
    current(folder).unlink()
    refusals, refused_with = 0, set[ProblemCode]()
    for _ in range(COUNT):
        copied.write_bytes(broken(good, dice))
        names = {path.name for path in outside.iterdir()}
        try:
            restore_session(folder, copied, TAKEN, NOW, used_since=False)
        except Problem as problem:
            refused_with.add(problem.code)
            refusals += 1
        else:
            assert folder.session_to_open()[1] is not None
            current(folder).unlink()
        assert {path.name for path in outside.iterdir()} == names
        assert not [
            path for path in folder.path.iterdir() if path.suffix not in (".db", "") and "part" not in path.name
        ]
    assert COUNT / 2 < refusals < COUNT  # both happened
    assert refused_with == {ProblemCode.SESSION_CORRUPT}


def broken(good: bytes, dice: random.Random) -> bytes:
    """*good* with bytes changed, mostly in its first page, or cut off, or repeated."""
    content = bytearray(good)
    match dice.randrange(6):
        case 0:
            return bytes(content[: dice.randrange(len(content))])
        case 1:
            at = dice.randrange(len(content))
            return bytes(content[:at] + dice.randbytes(dice.randrange(200)) + content[at:])
        case 2:
            at = dice.randrange(0, len(content), 4096)
            content[at : at + 4096] = dice.randbytes(4096)
        case _:
            for _ in range(dice.choice((1, 2, 8, 64))):
                content[dice.randrange(dice.choice((100, 4096, len(content))))] = dice.randrange(256)
    return bytes(content)


# --- the real client -------------------------------------------------------------------------------------------------


async def test_keys_are_copied_while_their_line_is_open_and_a_restored_copy_connects(
    build: Callable[..., ProviderHarness], fast_dir: Path
) -> None:
    harness = build()
    provider: HasSessionBackup = harness.provider
    copy = fast_dir / "copy.db"
    ana = harness.somebody()
    await harness.pair(ana)
    async with harness.connected(ana):
        assert await provider.copy_session(ana.link, copy) == ana.phone
        copy.unlink()
        with pytest.raises(Problem) as in_use:
            await provider.restore_session(ana.link, copy, harness.clock.now(), used_since=False)
        assert in_use.value.code is ProblemCode.SESSION_IN_USE
    assert await provider.copy_session(ana.link, copy) == ana.phone
    await provider.restore_session(ana.link, copy, harness.clock.now(), used_since=True)  # they are in use as they are

    lost(harness, ana)
    harness.clock.time += timedelta(days=1)
    await provider.restore_session(ana.link, copy, harness.clock.now(), used_since=False)
    async with harness.connected(ana):
        assert digits(ana) in str(ana.phone)


def lost(harness: ProviderHarness, person: Mentorado) -> None:
    folder = harness.root / person.id
    (folder / (folder / "current").read_text().strip()).unlink()
