"""Whose device is in a session file: every combination of numbers and copies, decided from the disk alone."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado
from app.domain.phone import PhoneNumber
from app.providers.whatsapp_web.session_owners import SessionOwners
from app.providers.whatsapp_web.session_repository import SessionDevice, SessionRepository, device_in
from tests.providers.conftest import mentorado
from tests.providers.whatsapp_web.test_session_files import NOW
from tests.providers.whatsapp_web.test_session_files import files as files

ANA, OLGA = "5511987654321", "5521987650001"


def write_device(file: Path, number: str, device: int = 12, keys: bytes = b"k" * 32) -> Path:
    """A session file with the columns that tell one device from another."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY, noise_key BLOB, identity_key BLOB)")
        database.execute(
            "INSERT INTO whatsmeow_device VALUES (?, ?, ?)", (f"{number}:{device}@s.whatsapp.net", keys, keys)
        )
    return file


class OwnersHarness:
    """Two mentorados and their folders."""

    def __init__(self, files: SessionRepository) -> None:
        self.files = files
        self.people: list[Mentorado] = []
        self.owners = SessionOwners(files, lambda: self.people)

    def add_mentorado(self, digits: str, *, account: str = "", accepted: str = "", archived: bool = False) -> Mentorado:
        person = mentorado(digits=digits, account=PhoneNumber(f"+{account}") if account else None)
        link = replace(person.link, accepted_account=PhoneNumber(f"+{accepted}") if accepted else None)
        self.people.append(replace(person, archived_at=NOW if archived else None, link=link))
        self.files.folder(person.id).make()
        return self.people[-1]

    def path(self, person: Mentorado, name: str = "session-1.db") -> Path:
        return self.files.folder(person.id).path / name

    def reason(self, person: Mentorado, file: Path) -> Reason | None:
        refusal = self.owners.refusal(person, file)
        return None if refusal is None else refusal.reason


@pytest.fixture
def harness(files: SessionRepository) -> OwnersHarness:
    return OwnersHarness(files)


def test_the_own_session_is_opened_with_and_without_the_ninth_digit(harness: OwnersHarness) -> None:
    ana = harness.add_mentorado(ANA)
    harness.add_mentorado(OLGA)
    assert harness.reason(ana, write_device(harness.path(ana), "551187654321")) is None


@pytest.mark.parametrize("number", [OLGA, "552187650001"], ids=["as-enrolled", "without-the-ninth-digit"])
@pytest.mark.parametrize("name", ["session-1.db", "session-2.db"])
@pytest.mark.parametrize("archived", [False, True])
def test_a_copy_of_another_session_is_the_others_under_any_name(
    harness: OwnersHarness, number: str, name: str, archived: bool
) -> None:
    ana, olga = harness.add_mentorado(ANA), harness.add_mentorado(OLGA, archived=archived)
    held = write_device(harness.path(olga), number)
    copy = Path(shutil.copy2(held, harness.path(ana, name)))
    assert harness.reason(ana, copy) is Reason.SESSION_OF_ANOTHER_MENTORADO
    assert harness.reason(olga, held) is None, "the owner goes on"
    assert harness.owners.may_log_out(ana.id, copy) is False


@pytest.mark.parametrize("known", ["phone", "account", "accepted"])
def test_a_session_that_was_moved_is_known_by_the_number_of_its_owner(harness: OwnersHarness, known: str) -> None:
    ana = harness.add_mentorado(ANA)
    phone, account, accepted = (OLGA if known == name else "" for name in ("phone", "account", "accepted"))
    harness.add_mentorado(phone or "5531999990000", account=account, accepted=accepted)
    moved = write_device(harness.path(ana), OLGA)
    assert harness.reason(ana, moved) is Reason.SESSION_OF_ANOTHER_MENTORADO


def test_another_device_of_a_number_that_a_person_accepted_is_the_links_own(harness: OwnersHarness) -> None:
    ana, olga = harness.add_mentorado(ANA, accepted=OLGA), harness.add_mentorado(OLGA, account=OLGA)
    write_device(harness.path(olga), OLGA, 12, b"o" * 32)
    assert harness.reason(ana, write_device(harness.path(ana), OLGA, 13, b"a" * 32)) is None


def test_one_device_of_two_links_that_both_expect_it_is_opened_by_neither(harness: OwnersHarness) -> None:
    ana, olga = harness.add_mentorado(ANA, accepted=OLGA), harness.add_mentorado(OLGA)
    copy = Path(shutil.copy2(write_device(harness.path(olga), OLGA), harness.path(ana, "session-2.db")))
    for person, file in ((ana, copy), (olga, harness.path(olga))):
        assert harness.reason(person, file) is Reason.SESSION_OF_ANOTHER_MENTORADO


def test_an_unknown_number_is_a_question_for_a_person(harness: OwnersHarness) -> None:
    ana = harness.add_mentorado(ANA)
    refusal = harness.owners.refusal(ana, write_device(harness.path(ana), OLGA))
    assert refusal is not None
    assert (refusal.reason, refusal.account) == (Reason.WRONG_ACCOUNT, f"+{OLGA}")


def test_a_file_that_is_locked_is_a_doubt(harness: OwnersHarness) -> None:
    ana, olga = harness.add_mentorado(ANA, accepted=OLGA), harness.add_mentorado(OLGA)
    own = write_device(harness.path(ana), OLGA, 13, b"a" * 32)
    held = write_device(harness.path(olga), OLGA, 12, b"o" * 32)
    with closing(sqlite3.connect(held, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Problem) as met:
            harness.owners.refusal(ana, own)
        assert met.value.code is ProblemCode.SESSION_IN_USE
        assert harness.owners.may_log_out(ana.id, own) is False
    assert harness.owners.may_log_out(ana.id, own) is True


def test_a_device_whose_owner_lost_its_file_is_not_logged_out(harness: OwnersHarness) -> None:
    ana, olga = harness.add_mentorado(ANA), harness.add_mentorado(OLGA, account=OLGA)
    scanned = write_device(harness.path(ana), OLGA)
    assert harness.owners.may_log_out(ana.id, scanned) is False
    write_device(harness.path(olga), OLGA, 12, b"o" * 32).rename(harness.path(olga, "session-9.db"))
    assert device_in(scanned) is not None
    write_device(harness.path(ana, "session-3.db"), OLGA, 14, b"n" * 32)
    assert harness.owners.may_log_out(ana.id, harness.path(ana, "session-3.db")) is True


@pytest.mark.parametrize(
    ("name", "still_there", "came"),
    [("session-1.db", True, True), ("session-2.db", True, False), ("session-1.db", False, True)],
    ids=["whole-folder-copied", "file-alone", "whole-folder-moved"],
)
def test_messages_follow_the_folder_they_came_with(
    harness: OwnersHarness, name: str, still_there: bool, came: bool
) -> None:
    ana, olga = harness.add_mentorado(ANA, account=ANA), harness.add_mentorado(OLGA)
    held = write_device(harness.path(olga), OLGA)
    copy = Path(shutil.copy2(held, harness.path(ana, name)))
    if not still_there:
        held.unlink()
    assert harness.owners.came_with_messages(ana, copy) is came


def test_messages_of_the_links_own_former_number_are_its_own(harness: OwnersHarness) -> None:
    ana = harness.add_mentorado(ANA, account="5531999990000")
    assert harness.owners.came_with_messages(ana, write_device(harness.path(ana), "5531999990000")) is False
    assert harness.owners.came_with_messages(ana, write_device(harness.path(ana, "session-2.db"), ANA)) is False


@pytest.mark.parametrize("content", [b"", b"noise" * 100], ids=["empty", "noise"])
def test_what_holds_no_device_is_nobodys(harness: OwnersHarness, content: bytes) -> None:
    ana = harness.add_mentorado(ANA)
    file = harness.path(ana)
    file.write_bytes(content)
    assert device_in(file) is None
    assert harness.reason(ana, file) is None


_jids = st.sampled_from(["1:1", "1:2", "2:1"])
_keys = st.sampled_from(["", "a", "b"])
_devices = st.builds(SessionDevice, st.just(PhoneNumber("+5511987654321")), _jids, _keys)


@given(one=_devices, other=_devices)
def test_being_one_device_is_mutual_and_needs_a_name_or_keys_in_common(
    one: SessionDevice, other: SessionDevice
) -> None:
    assert one.is_same(other) is other.is_same(one)
    assert one.is_same(one)
    assert one.is_same(other) is (
        one.jid == other.jid or (bool(one.fingerprint) and one.fingerprint == other.fingerprint)
    )


@pytest.mark.parametrize("where", [".", "quarantine", "snapshots"])
def test_the_messages_of_a_session_are_its_owners_wherever_that_keeps_it(harness: OwnersHarness, where: str) -> None:
    ana, olga = harness.add_mentorado(ANA), harness.add_mentorado(OLGA)
    kept = harness.path(olga, where)
    kept.mkdir(exist_ok=True)
    (kept / "session-a.20260101T000000-1.db").touch()
    (kept / "session-ab.db").touch()
    spool = harness.path(ana, "spool")
    spool.mkdir()
    for name in ("session-a", "session-b", "session-ab", "../session-a", "*"):
        (spool / f"{1:020d}-{name.replace('/', '_')}.spool").touch()
    sessions = harness.files.folder(ana.id).sessions_with_messages()
    assert sessions == {"session-a", "session-b", "session-ab"}
    assert harness.owners.of_others(ana.id, sessions) == ["session-a", "session-ab"]
    assert harness.owners.of_others(olga.id, sessions) == []
