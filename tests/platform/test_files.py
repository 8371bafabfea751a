"""The data folder is this user's alone, whichever entry makes it, and a file is written whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.platform.files import (
    DISK_FULL,
    os_errors_as,
    prepare_data_folder,
    replacing,
    require_room,
    write_atomic,
    write_private,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes mean something else here")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("command", [("status",), ()], ids=["command line", "window"])
def test_whichever_entry_makes_the_data_folder_it_is_this_users_alone(tmp_path: Path, command: tuple[str, ...]) -> None:
    data = tmp_path / "outer" / "data"
    environment = {**os.environ, "CONECTA_DATA_DIR": str(data), "QT_QPA_PLATFORM": "offscreen"}
    if command:
        program = [sys.executable, "-m", "app", *command]
    else:  # up to the first thing that comes after
        script = (
            "import app.ui.single_instance as s; s.SingleInstance.claim = lambda _: (_ for _ in ()).throw(SystemExit)"
        )
        program = [sys.executable, "-c", f"{script}\nfrom app.__main__ import main; main([])"]
    subprocess.run(program, env=environment, umask=0, capture_output=True, timeout=30, check=False)
    assert (mode(data), mode(data.parent)) == (0o700, 0o700)


@pytest.mark.parametrize("bits", [0o777, 0o1777, 0o707, 0o702])
def test_a_data_folder_that_others_may_write_to_is_refused_with_a_way_out(tmp_path: Path, bits: int) -> None:
    (tmp_path / "conecta.db").touch()
    tmp_path.chmod(bits)
    with pytest.raises(Problem) as caught:
        prepare_data_folder(tmp_path)
    assert (caught.value.code, caught.value.context) == (ProblemCode.DATA_FOLDER_UNSAFE, {"path": str(tmp_path)})
    assert tmp_path.stat().st_mode & 0o7777 == bits


@pytest.mark.parametrize("bits", [0o770, 0o755, 0o750, 0o700])
@pytest.mark.parametrize("kept", [(), ("logs",), ("conecta.db", "logs", "a letter")])
def test_what_earlier_starts_made_too_open_is_narrowed(tmp_path: Path, bits: int, kept: tuple[str, ...]) -> None:
    for name in kept:
        (tmp_path / name).touch()
    tmp_path.chmod(bits)
    prepare_data_folder(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_folder_with_other_things_in_it_is_not_narrowed(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    tmp_path.chmod(0o755)
    prepare_data_folder(tmp_path)
    assert mode(tmp_path) == 0o755
    tmp_path.chmod(0o775)
    with pytest.raises(Problem) as caught:
        prepare_data_folder(tmp_path)
    assert caught.value.code is ProblemCode.DATA_FOLDER_UNSAFE


def test_a_data_folder_that_cannot_be_made_names_itself_and_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem) as caught:
        prepare_data_folder(tmp_path / "file" / "data")
    assert caught.value.code is ProblemCode.DATABASE_NOT_WRITABLE
    assert caught.value.context["path"] == str(tmp_path / "file" / "data")
    assert caught.value.context["detail"]


def test_a_trial_leaves_nothing(tmp_path: Path) -> None:
    require_room(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Problem) as caught:
        require_room(tmp_path / "gone")
    assert caught.value.code is ProblemCode.DATABASE_NOT_WRITABLE


def test_a_file_is_replaced_by_one_for_this_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    write_atomic(file, b"new")
    assert (file.read_text(), mode(file)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def write_half() -> None:
        with replacing(file) as part:
            write_private(part, b"half of the new o")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_program_left_is_no_hindrance_and_no_way_elsewhere(tmp_path: Path) -> None:
    file, elsewhere = tmp_path / "file", tmp_path / "elsewhere"
    elsewhere.write_text("not to be touched")
    (tmp_path / ".file.part").symlink_to(elsewhere)
    with replacing(file) as part:
        write_private(part, b"new")
    assert (file.read_text(), elsewhere.read_text()) == ("new", "not to be touched")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere", "file"]


def test_several_may_write_one_file_at_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    contents = [bytes([65 + number]) * 10_000 for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda content: write_atomic(file, content), contents * 5))
    assert file.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("number", [*sorted(DISK_FULL), errno.EACCES])
def test_no_room_is_told_from_everything_else_that_a_file_system_refuses(tmp_path: Path, number: int) -> None:
    code, full = ProblemCode.BACKUP_FOLDER_UNUSABLE, ProblemCode.BACKUP_DISK_FULL
    with pytest.raises(Problem) as caught, os_errors_as(code, tmp_path, full=full):
        raise OSError(number, "no")
    assert caught.value.code is (full if number in DISK_FULL else code)
    assert caught.value.context == {"path": str(tmp_path), "detail": "no"}
    with pytest.raises(Problem) as caught, os_errors_as(code, tmp_path):
        raise OSError(number, "no")
    assert caught.value.code is code


LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from app.platform.files import raise_open_file_limit
raise_open_file_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "hard", "after"), [(64, 512, 512), (512, 512, 512)], ids=["low", "at its most"])
def test_the_limit_of_open_files_is_raised_as_far_as_the_system_lets_it(soft: int, hard: int, after: int) -> None:
    script = LIMIT.format(soft=soft, hard=hard)
    text = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert text.split() == [str(after), str(hard)]


@pytest.mark.parametrize(("refusals", "taken"), [(0, True), (4, True), (5, False)])
def test_windows_is_asked_again_while_somebody_reads_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: int, taken: bool
) -> None:
    """A virus scanner, say, for a moment; whoever keeps it open is an error, and the old file stays."""
    file, left, rename = tmp_path / "file", [refusals], Path.replace
    file.write_bytes(b"old")

    def replace(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] >= 0:
            raise PermissionError(errno.EACCES, "in use")
        return rename(self, target)

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(Path, "replace", replace)
    if taken:
        write_atomic(file, b"new")
    else:
        with pytest.raises(PermissionError):
            write_atomic(file, b"new")
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (b"new" if taken else b"old", [file])


def test_elsewhere_a_refusal_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def replace(self: Path, _target: Path) -> Path:
        asked.append(self)
        raise PermissionError(errno.EACCES, "not yours")

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(PermissionError):
        write_atomic(tmp_path / "file", b"new")
    assert len(asked) == 1
