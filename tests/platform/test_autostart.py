"""The entry that opens the program at login: made, found again and removed where the desktop looks for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.platform.autostart import Autostart, autostart_folder, start_command


def test_it_is_made_and_removed(tmp_path: Path) -> None:
    entry = Autostart(tmp_path / "config" / "autostart", ["/opt/conecta/conecta"])
    assert not entry.is_on()
    entry.switch_off()
    entry.switch_on()
    assert entry.is_on()
    lines = entry.file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "[Desktop Entry]"
    assert "Exec=/opt/conecta/conecta" in lines
    assert "TryExec=/opt/conecta/conecta" in lines, "a desktop starts nothing that is not installed any more"
    assert [each.name for each in entry.file.parent.iterdir()] == ["conecta.desktop"]
    entry.switch_off()
    assert not entry.is_on()
    assert not entry.file.exists()


def test_what_must_be_installed_is_the_program_and_not_what_sets_its_environment(tmp_path: Path) -> None:
    entry = Autostart(tmp_path, ["env", "CONECTA_DATA_DIR=/srv/c", "/opt/conecta/conecta", "--env-file", "/srv/c/.env"])
    entry.switch_on()
    assert "TryExec=/opt/conecta/conecta\n" in entry.file.read_text(encoding="utf-8")


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_one_that_the_desktop_itself_switched_off_is_off(tmp_path: Path, line: str) -> None:
    entry = Autostart(tmp_path, ["conecta"])
    entry.switch_on()
    entry.file.write_text(f"{entry.file.read_text(encoding='utf-8')}{line}\n", encoding="utf-8")
    assert not entry.is_on()
    entry.switch_on()
    assert entry.is_on()


def test_a_folder_with_spaces_and_signs_is_quoted_as_desktops_want_it(tmp_path: Path) -> None:
    entry = Autostart(tmp_path, ["/home/ana/Meus programas/conecta", '--env-file=100% "meu" $HOME\\x'])
    entry.switch_on()
    (line,) = [each for each in entry.file.read_text(encoding="utf-8").splitlines() if each.startswith("Exec=")]
    assert "TryExec=/home/ana/Meus programas/conecta\n" in entry.file.read_text(encoding="utf-8")
    assert line == r'''Exec="/home/ana/Meus programas/conecta" "--env-file=100%% \\"meu\\" \\$HOME\\\\x"'''


def test_a_folder_that_cannot_be_written_is_a_problem_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    entry = Autostart(tmp_path / "file", ["conecta"])
    for change in (entry.switch_on, entry.switch_off):
        with pytest.raises(Problem) as found:
            change()
        assert found.value.code is ProblemCode.AUTOSTART_NOT_WRITTEN
        assert found.value.context["path"] == str(entry.file)
    assert not entry.is_on()


def test_the_folder_follows_the_desktops_own_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert autostart_folder({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "autostart"
    assert autostart_folder({"XDG_CONFIG_HOME": "relative"}) == Path.home() / ".config" / "autostart"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert autostart_folder() == tmp_path / "autostart"
    monkeypatch.setattr(sys, "platform", "win32")
    assert autostart_folder({}) is None


def test_the_command_is_the_program_that_runs_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    home = str(Path(__file__).parents[2])
    assert start_command({}, None, {}) == ["env", f"PYTHONPATH={home}", str(python), "-P", "-m", "app"]
    script = tmp_path / "conecta"
    script.write_text("#!/bin/sh\n", encoding="utf-8")
    script.chmod(0o755)
    assert start_command({}, None, {}) == [str(script)]
    chosen = start_command({"CONECTA_DATA_DIR": "/srv/c"}, Path("/srv/c/.env"), {})
    assert chosen == ["env", "CONECTA_DATA_DIR=/srv/c", str(script), "--env-file", "/srv/c/.env"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert start_command({}, None, {}) == [str(python)]
    assert start_command({}, None, {"APPIMAGE": "/opt/Conecta.AppImage"}) == ["/opt/Conecta.AppImage"]
