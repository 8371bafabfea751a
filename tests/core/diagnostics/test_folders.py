"""Folders as they are on the disk: missing, a file, another's, open to others, full; and what killed programs left."""

from __future__ import annotations

import os
from pathlib import Path
from time import time

import pytest

from app.core.diagnostics import folders
from app.core.diagnostics.folders import LEFT_SECONDS, LITTLE, TOO_LITTLE
from app.domain.diagnosis import Diagnosis, DiagnosisCode
from app.domain.errors import Problem, ProblemCode
from app.formats.backup_manifest import HISTORY
from tests.core.hostile_archives import archive_at, packed_anew
from tests.core.secret_store import PHRASE

C = DiagnosisCode
ID = "a" * 32


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def only(found: object) -> Diagnosis:
    assert isinstance(found, list)
    (diagnosis,) = found
    assert isinstance(diagnosis, Diagnosis)
    return diagnosis


def of_data(folder: Path) -> Diagnosis:
    return only(folders.data_folder(folder, folder / "conecta.db"))


def problem_of(diagnosis: Diagnosis) -> ProblemCode:
    assert diagnosis.problem is not None
    return diagnosis.problem.code


def taken_from_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files here belong to somebody else from now on."""
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)


# --- backups


def test_backups_that_are_as_they_were_written_are_fine(data: Path) -> None:
    assert only(folders.backups(data / "none")).code is C.BACKUPS_NONE
    archive_at(data / "ana.conecta")
    archive_at(data / "bia.conecta", passphrase=PHRASE)
    (data / ".caio.conecta").write_bytes(b"still being written")
    (data / "letters.conecta").mkdir()
    (data / "list.txt").touch()
    fine = only(folders.backups(data))
    assert (fine.code, fine.evidence["count"], fine.evidence["locked"]) == (C.BACKUPS_FINE, "2", "1")


def test_a_backup_that_was_cut_off_or_altered_is_named(data: Path) -> None:
    archive_at(data / "whole.conecta")
    cut = archive_at(data / "cut.conecta")
    cut.write_bytes(cut.read_bytes()[:-400])
    locked = archive_at(data / "locked.conecta", passphrase=PHRASE)
    locked.write_bytes(locked.read_bytes()[:900])
    altered = archive_at(data / "altered.conecta")
    packed_anew(altered, lambda files: files.update({HISTORY: files[HISTORY][::-1]}), summed=False)
    found = only(folders.backups(data))
    assert found.code is C.BACKUPS_DAMAGED
    assert set(found.evidence["names"].split(", ")) == {"cut.conecta", "locked.conecta", "altered.conecta"}


def test_backups_that_take_long_to_read_are_looked_at_and_not_read_through(data: Path) -> None:
    archive_at(data / "ana.conecta")
    found = only(folders.backups(data, seconds=-1))
    assert (found.code, found.evidence["unread"]) == (C.BACKUPS_PARTLY_READ, "1")


def test_a_backup_that_may_not_be_read_is_no_damage(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_at(data / "ana.conecta")

    def denied(path: Path, mode: str) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(PermissionError):
        folders.backups(data)


# --- the data folder


def test_a_private_folder_is_fine(data: Path) -> None:
    assert of_data(data).code is C.DATA_FOLDER_FINE
    assert list(data.iterdir()) == [], "the trial is taken away"


def test_a_folder_that_is_to_come_is_fine_where_it_can_be_made(data: Path) -> None:
    assert of_data(data / "a" / "b").code is C.DATA_FOLDER_NEW
    (data / "file").touch()
    blocked = of_data(data / "file" / "b")
    assert (blocked.code, blocked.evidence["path"]) == (C.DATA_FOLDER_UNUSABLE, str(data / "file"))


def test_a_file_is_no_folder(data: Path) -> None:
    (data / "file").touch()
    assert problem_of(of_data(data / "file")) is ProblemCode.DATABASE_NOT_WRITABLE


def test_a_folder_of_somebody_else_is_named_with_its_owner(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = data.owner()
    taken_from_us(monkeypatch)
    found = of_data(data)
    assert found.problem is not None
    assert owner in found.problem.context["detail"]
    monkeypatch.setattr(Path, "owner", lambda _path: dict[str, str]()["nobody"])
    found = of_data(data)
    assert found.problem is not None
    assert str(os.getuid()) in found.problem.context["detail"]


def test_a_folder_that_takes_no_file_is_said_so(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise Problem(ProblemCode.DATABASE_NOT_WRITABLE, path=str(folder), detail="read-only")

    monkeypatch.setattr(folders, "require_room", refuse)
    assert problem_of(of_data(data)) is ProblemCode.DATABASE_NOT_WRITABLE


def test_what_others_can_read_is_named_and_made_private(data: Path) -> None:
    database = data / "conecta.db"
    database.touch(mode=0o644)
    database.chmod(0o644)
    data.chmod(0o750)
    found = folders.data_folder(data, database)
    assert [(each.code, each.evidence["path"], each.evidence["mode"]) for each in found] == [
        (C.DATA_FOLDER_OPEN, str(data), "0750"),
        (C.DATA_FOLDER_OPEN, str(database), "0644"),
    ]
    for each in found:
        folders.make_private(Path(each.evidence["path"]))
    assert of_data(data).code is C.DATA_FOLDER_FINE


def test_only_what_is_ours_is_made_private(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken_from_us(monkeypatch)
    with pytest.raises(Problem) as met:
        folders.make_private(data)
    assert met.value.code is ProblemCode.DATABASE_NOT_WRITABLE


def test_a_link_to_the_folder_is_judged_by_where_it_leads(data: Path, tmp_path: Path) -> None:
    """Its own mode is 0777 everywhere, and says nothing."""
    link = tmp_path / "link"
    link.symlink_to(data)
    data.chmod(0o700)
    assert only(folders.data_folder(link, link / "conecta.db")).code is C.DATA_FOLDER_FINE
    data.chmod(0o755)
    assert only(folders.data_folder(link, link / "conecta.db")).code is C.DATA_FOLDER_OPEN
    folders.make_private(link)
    assert data.stat().st_mode & 0o777 == 0o700


# --- sessions


def test_sessions_need_their_folder_only_where_a_setting_names_it(data: Path) -> None:
    assert only(folders.session_folder(data / "s", chosen=False)).code is C.SESSION_FOLDER_NEW
    missing = only(folders.session_folder(data / "s", chosen=True))
    assert problem_of(missing) is ProblemCode.SESSION_DIR_MISSING


def test_a_session_folder_that_cannot_be_used_says_why(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "file").touch()
    found = only(folders.session_folder(data / "file", chosen=True))
    assert problem_of(found) is ProblemCode.SESSION_DIR_NOT_A_FOLDER
    codes = {
        ProblemCode.DATABASE_DISK_FULL: ProblemCode.SESSION_DISK_FULL,
        ProblemCode.DATABASE_NOT_WRITABLE: ProblemCode.SESSION_DIR_NOT_WRITABLE,
    }
    for met, code in codes.items():

        def refuse(_folder: Path, met: ProblemCode = met) -> None:
            raise Problem(met)

        monkeypatch.setattr(folders, "require_room", refuse)
        assert problem_of(only(folders.session_folder(data, chosen=True))) is code
    taken_from_us(monkeypatch)
    assert problem_of(only(folders.session_folder(data, chosen=True))) is ProblemCode.SESSION_OF_ANOTHER_USER


def test_keys_that_others_can_read_are_named(data: Path) -> None:
    folder = data / ID
    folder.mkdir(mode=0o700)
    assert only(folders.session_folder(data, chosen=False)).code is C.SESSION_FOLDER_FINE
    file = folder / "session-1.db"
    file.touch()
    file.chmod(0o640)
    found = only(folders.session_folder(data, chosen=False))
    assert (found.code, found.evidence["path"]) == (C.SESSION_FOLDER_OPEN, str(file))


def test_a_system_without_owners_says_nothing_about_them(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data.chmod(0o755)
    monkeypatch.setattr(folders, "KNOWS_OWNERS", False)
    assert of_data(data).code is C.DATA_FOLDER_FINE


# --- room


@pytest.mark.parametrize(
    ("free", "files", "code"),
    [
        (LITTLE, 1, C.SPACE_FINE),
        (LITTLE - 1, 1, C.SPACE_LOW),
        (TOO_LITTLE, 1, C.SPACE_LOW),
        (TOO_LITTLE - 1, 1, C.SPACE_OUT),
        (LITTLE, 0, C.FILES_OUT),
    ],
)
def test_room_is_judged_by_what_the_next_work_needs(data: Path, free: int, files: int, code: C) -> None:
    found = folders.room([data, data / "to come"], free=lambda _folder: free, files=lambda _folder: files)
    assert only(found).code is code, "one disk is looked at once"


def test_room_is_read_from_the_disk(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(folders.room([data])).check.value == "space"
    monkeypatch.delattr("os.statvfs")
    assert folders._free_files(data) == 1


# --- what killed programs left


def leave(folder: Path, name: str, *, age: float = 2 * LEFT_SECONDS) -> Path:
    path = folder / name
    path.write_bytes(b"half")
    os.utime(path, (time() - age,) * 2)
    return path


def test_old_pieces_are_named_and_removed(data: Path) -> None:
    old = {leave(data, name) for name in (".conecta.db.1a.part", "conecta.copy.part", f".{ID}.session")}
    young = leave(data, ".window.ini.part", age=1)
    ours = leave(data, "conecta.db")
    (data / ".folder.part").mkdir()
    found = only(folders.leftovers([data, data / "none"], frozenset))
    assert (found.code, found.evidence["count"]) == (C.PARTS_LEFT, "3")
    folders.remove_parts(data, frozenset)
    assert not any(path.exists() for path in old)
    assert young.exists()
    assert ours.exists()
    assert only(folders.leftovers([data], frozenset)).code is C.LEFTOVERS_FINE


@pytest.mark.parametrize("in_use", [frozenset({ID}), None])
def test_what_a_procedure_may_go_on_with_is_left_alone(data: Path, in_use: frozenset[str] | None) -> None:
    part = leave(data, f".{ID}.part")
    folders.remove_parts(data, lambda: in_use)
    assert part.exists()
    assert only(folders.leftovers([data], lambda: in_use)).code is C.LEFTOVERS_FINE


# --- what is there and cannot be used


def test_a_link_that_leads_nowhere_is_no_folder_that_is_to_come(data: Path) -> None:
    link = data / "link"
    link.symlink_to(data / "gone")
    assert problem_of(of_data(link)) is ProblemCode.LINK_BROKEN
    assert problem_of(only(folders.session_folder(link, chosen=False))) is ProblemCode.LINK_BROKEN
    assert problem_of(of_data(link / "below")) is ProblemCode.LINK_BROKEN


def test_a_path_that_no_file_system_takes_is_named_with_the_cause(data: Path) -> None:
    long = data / ("x" * 300)
    found = of_data(long)
    assert found.problem is not None
    assert found.problem.context["detail"] == "File name too long"
    unusable = only(folders.session_folder(long, chosen=False))
    assert problem_of(unusable) is ProblemCode.SESSION_DIR_NOT_WRITABLE
    assert folders.entries(long) == []
    assert only(folders.room([long], free=lambda _: LITTLE, files=lambda _: 1)).evidence["path"] == str(data)


def test_folders_inside_that_cannot_be_used_are_named_and_a_log_is_only_a_warning(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "logs").touch()
    (data / "backups").symlink_to("gone")
    (data / "procedures").mkdir()
    (data / "crashes").mkdir()
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path).name != "procedures")
    found = {Path(each.evidence["path"]).name: each for each in folders.data_folder(data, data / "conecta.db")}
    assert {name: (each.code, each.evidence["detail"]) for name, each in found.items()} == {
        "backups": (C.DATA_PART_UNUSABLE, "a link that leads nowhere: gone"),
        "logs": (C.LOGS_UNUSABLE, "not a folder"),
        "procedures": (C.DATA_PART_UNUSABLE, "Permission denied"),
    }


def test_what_may_not_be_read_is_not_called_tidy(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(folder: Path) -> object:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(PermissionError):
        folders.leftovers([data], frozenset)
