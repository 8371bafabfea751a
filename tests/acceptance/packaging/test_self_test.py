"""`conecta self-test` in a checkout; in a package it is tried in test_package."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from app.cli import self_test
from app.cli.self_test import run_self_test
from app.domain.errors import Problem, ProblemCode


@pytest.mark.slow
@pytest.mark.within(120)
async def test_a_whole_installation_says_so_and_touches_nothing_of_the_user(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """ "prints a line each, exit code" """
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CONECTA_DATA_DIR", str(tmp_path / "of the user"))
    assert await run_self_test(as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["works"]
    assert [each["part"] for each in found["parts"]] == [
        *("texts", "database", "session_host", "webhooks_host", "backup", "secrets", "window")
    ]
    assert not (tmp_path / "of the user").exists()


async def test_without_room_nothing_is_tried_and_the_installation_is_not_blamed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(self_test, "ROOM", 1 << 62)
    with pytest.raises(Problem) as caught:
        await run_self_test(as_json=False)
    assert caught.value.code is ProblemCode.SELF_TEST_NO_ROOM
    assert caught.value.context["folder"] == str(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(Problem, match="No such file"):
        await run_self_test(as_json=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "gone")])
    with pytest.raises(Problem, match="no temporary folder"):
        await run_self_test(as_json=False)
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - a test may look


@pytest.mark.within(60)
async def test_a_disk_that_fills_up_meanwhile_is_what_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    explains = "echo 'The disk is full.' >&2; echo 'Free some space.' >&2; echo '[database_disk_full]' >&2; exit 1"
    monkeypatch.setattr(self_test, "program_command", lambda: ["/bin/sh", "-c", explains])
    monkeypatch.setattr(self_test, "child_command", lambda *_: ["/bin/sh", "-c", explains])
    assert await run_self_test(as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum("The disk is full. Free some space. (" in line for line in lines) == 6
    assert "[" not in "".join(lines), "no code where people read"
    assert "Install Conecta again" not in lines[-1]
    assert "TMPDIR" in lines[-1]
    assert await run_self_test(as_json=True) == 1
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert [each["problem"] for each in parts] == [None, *["database_disk_full"] * 6]


@pytest.mark.within(60)
async def test_a_program_that_fails_or_hangs_is_named_with_what_it_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line a part, and the exit code 1."""
    monkeypatch.setattr(self_test, "WITHIN_SECONDS", 0.3)
    monkeypatch.setattr(self_test, "program_command", lambda: ["/bin/sh", "-c", "echo broken >&2; exit 3"])
    monkeypatch.setattr(self_test, "child_command", lambda *_: ["/bin/sleep", "60"])
    assert await run_self_test(as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert sum("3: broken" in line for line in lines) == 5
    assert sum("0 s (" in line for line in lines) == 1
