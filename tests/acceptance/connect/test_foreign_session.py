"""A session file that is another mentorado's: told apart offline, never signed in with, and mended by a new code."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.errors import ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.phone import PhoneNumber
from app.text.status import unbroken
from tests.acceptance.connect.harness import Harness, ProgramRun, no_hosts
from tests.acceptance.connect.outcomes import check_blocked
from tests.acceptance.program import Person, run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="folders are copied by POSIX means")


def file_over_file(harness: Harness, owner: Person, victim: Person) -> None:
    shutil.copy2(harness.session_file(owner), harness.session_file(victim))


def file_under_a_name_of_its_own(harness: Harness, owner: Person, victim: Person) -> None:
    name = "session-20260101T000000-0badc0de.db"
    shutil.copy2(harness.session_file(owner), harness.folder(victim) / name)
    (harness.folder(victim) / "current").write_text(f"{name}\n")


def whole_folder(harness: Harness, owner: Person, victim: Person) -> None:
    shutil.rmtree(harness.folder(victim))
    shutil.copytree(harness.folder(owner), harness.folder(victim))


def hard_link(harness: Harness, owner: Person, victim: Person) -> None:
    harness.session_file(victim).unlink()
    os.link(harness.session_file(owner), harness.session_file(victim))


def keys_in_the_write_ahead_log(harness: Harness, owner: Person, victim: Person) -> None:
    """The file itself holds no device: its row is only in the log beside it, as after a crash."""
    place = harness.folder(victim) / "copied"
    place.mkdir()
    copy = Path(shutil.copy2(harness.session_file(owner), place / "whole.db"))
    writer = sqlite3.connect(copy)
    writer.execute("CREATE TEMP TABLE kept AS SELECT * FROM whatsmeow_device")
    writer.execute("DELETE FROM whatsmeow_device")
    writer.commit()
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute("INSERT INTO whatsmeow_device SELECT * FROM kept")
    writer.commit()
    target = harness.session_file(victim)
    for beside in ("", "-wal"):
        shutil.copy2(copy.with_name(copy.name + beside), target.with_name(target.name + beside))
    writer.close()
    shutil.rmtree(place)
    with contextlib.closing(sqlite3.connect(f"file:{target}?immutable=1", uri=True)) as without_log:
        assert without_log.execute("SELECT count(*) FROM whatsmeow_device").fetchone() == (0,)


COPIES: dict[str, Callable[[Harness, Person, Person], None]] = {
    "the file over the link's own": file_over_file,
    "the file under another name": file_under_a_name_of_its_own,
    "the whole folder": whole_folder,
    "a hard link": hard_link,
    "with its write-ahead log": keys_in_the_write_ahead_log,
}


@contextmanager
def kept_whole(folder: Path) -> Iterator[None]:
    aside = folder.with_name(f"{folder.name}.whole")
    shutil.copytree(folder, aside)
    try:
        yield
    finally:
        shutil.rmtree(folder)
        aside.rename(folder)


@pytest.fixture(scope="module")
def owner(shared: Harness) -> Person:
    async def main() -> Person:
        async with shared.running() as run:
            owner = await run.connect_new("Olga")
            await run.do(ActionName.DISCONNECT, owner)  # a start of the program must not bring it back by itself
            return owner

    return run(main())


def attempts(run: ProgramRun) -> int:
    return len(run.harness.emulator.control.attempts())


@pytest.mark.within(60)
@pytest.mark.parametrize("copy", COPIES.values(), ids=[name.replace(" ", "-") for name in COPIES])
async def test_a_copy_of_another_session_is_named_and_nothing_is_dialled(
    shared: Harness, veteran: Person, owner: Person, copy: Callable[[Harness, Person, Person], None]
) -> None:
    """ "On a doubt nothing is dialled": not a message is acknowledged, and the owner's live connection stays."""
    control = shared.emulator.control
    async with shared.running() as run:
        with kept_whole(shared.folder(veteran)):
            copy(shared, owner, veteran)
            ids = [control.send_text(veteran.digits, owner.digits, f"private {n}") for n in range(3)]
            before = attempts(run)
            for _ in range(2):
                await run.do(ActionName.CONNECT, veteran)
                status = await run.until(veteran, LinkState.BLOCKED)
                check_blocked(run, veteran, Reason.SESSION_OF_ANOTHER_MENTORADO)
            assert status.detail.startswith(f"{ProblemCode.SESSION_OF_ANOTHER_MENTORADO}: ")
            assert "Olga" in status.detail
            assert unbroken(PhoneNumber(owner.phone)) in run.sentence(veteran)
            assert attempts(run) == before
            assert set(ids) <= {each for waiting in control.waiting(owner.digits).values() for each in waiting}

            await run.do(ActionName.CONNECT, owner)  # it is the one who may
            await run.until(owner, LinkState.CONNECTED)
            before = attempts(run)
            await run.do(ActionName.CONNECT, veteran)
            await run.until(veteran, LinkState.BLOCKED, Reason.SESSION_OF_ANOTHER_MENTORADO)
            assert (attempts(run), run.status(owner).state) == (before, LinkState.CONNECTED)
            await run.do(ActionName.DISCONNECT, owner)
        assert await run.core.history.conversations(veteran.id) == []
    await no_hosts()


@pytest.mark.within(60)
@pytest.mark.parametrize("moved", [False, True], ids=["copied", "moved"])
async def test_a_new_code_mends_a_copied_folder_and_leaves_the_owner_alone(harness: Harness, moved: bool) -> None:
    """What the copied folder received stays out of the history of whoever has the copy, and on the disk."""
    control = harness.emulator.control
    async with harness.running() as run:
        olga = await run.connect_new("Olga")
        await run.do(ActionName.DISCONNECT, olga)
        (received,) = (harness.folder(olga) / "spool").glob("*.spool")
        await no_hosts()
        ana = await run.connect_new("Ana")
        await run.do(ActionName.DISCONNECT, ana)
        await no_hosts()
        whole_folder(harness, olga, ana)
        unread = harness.folder(ana) / "spool" / received.name
        unread.write_bytes(b"what Olga received")
        if moved:
            shutil.rmtree(harness.folder(olga))
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.BLOCKED, Reason.SESSION_OF_ANOTHER_MENTORADO)
        await run.do(ActionName.REAUTHENTICATE, ana)
        await run.pair(ana)
        aside = harness.folder(ana) / "quarantine"
        assert (aside / unread.name).read_bytes() == b"what Olga received"
        assert len(list(aside.glob("session-*.db"))) == 1
        assert len(control.devices(olga.digits)) == 1, "nobody unlinked Olga"
        if not moved:
            await run.do(ActionName.CONNECT, olga)
            await run.until(olga, LinkState.CONNECTED)
        assert run.status(ana).state is LinkState.CONNECTED


@pytest.mark.within(60)
async def test_a_copied_folder_that_was_put_right_by_hand_hands_on_nothing_that_the_other_session_received(
    harness: Harness,
) -> None:
    """The own session is back in its place, and what the other one had received still lies beside it."""
    async with harness.running() as run:
        olga, ana = await run.connect_new("Olga"), await run.connect_new("Ana")
        for person in (ana, olga):
            await run.do(ActionName.DISCONNECT, person)
        await no_hosts()
        spool, own = harness.folder(ana) / "spool", harness.session_file(ana).stem
        strange = spool / f"{7:020d}-{harness.session_file(olga).stem}.spool"
        strange.write_bytes(b"what was received")
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)
        aside = harness.folder(ana) / "quarantine"
        assert (aside / strange.name).read_bytes() == b"what was received"
        assert "another mentorado's" in (aside / f"{strange.name}.json").read_text()
        assert {each.name[21:] for each in spool.glob("*.spool")} == {f"{own}.spool"}


@pytest.mark.within(60)
async def test_a_file_of_an_unknown_number_waits_for_a_person_without_being_dialled(harness: Harness) -> None:
    """Nobody's number here: the same question as after a wrong scan, asked before anything signs in."""
    async with harness.running() as run:
        ana, guest = await run.connect_new("Ana"), await run.connect_new("Guest")
        for person in (ana, guest):
            await run.do(ActionName.DISCONNECT, person)
        await no_hosts()
        file_over_file(harness, guest, ana)
        # The guest left: their folder and their number are another's matter now.
        shutil.rmtree(harness.folder(guest))
        other = f"+55119{int(guest.digits[-8:]) + 50_000:08d}"
        await run.core.mentorados.save_link(replace(run.core.mentorados.get(guest.id).link, account=None))
        await run.core.mentorados.edit(guest.id, "Guest", other, "")
        before = attempts(run)
        await run.do(ActionName.CONNECT, ana)
        status = await run.until(ana, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
        assert (status.account, attempts(run)) == (guest.phone, before)
        await run.do(ActionName.REJECT_ACCOUNT, ana)
        assert len(harness.emulator.control.devices(guest.digits)) == 1, "it was not ours to unlink"
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
        await run.do(ActionName.ACCEPT_ACCOUNT, ana)
        await run.until(ana, LinkState.CONNECTED)


@pytest.mark.within(60)
async def test_a_copied_pairing_that_waits_for_a_decision_is_neither_adopted_nor_logged_out(harness: Harness) -> None:
    """A restored folder can bring a candidate as well: rejecting it must not unlink the phone of its owner."""
    control = harness.emulator.control
    async with harness.running() as run:
        olga = await run.connect_new("Olga")
        ana = await run.connect_new("Ana")
        await run.do(ActionName.DISCONNECT, ana)
        name = "session-20260101T000000-0badc0de.db"
        shutil.copy2(harness.session_file(olga), harness.folder(ana) / name)
        (harness.folder(ana) / "candidate").write_text(f"{name}\n")
        await run.do(ActionName.CONNECT, ana)  # with the session that is its own
        await run.until(ana, LinkState.CONNECTED)
        await run.do(ActionName.DISCONNECT, ana)
        await run.do(ActionName.REAUTHENTICATE, ana)
        await run.pair(ana)
        assert len(control.devices(olga.digits)) == 1
        assert run.status(olga).state is LinkState.CONNECTED
        assert (harness.folder(ana) / "quarantine" / name).exists()
