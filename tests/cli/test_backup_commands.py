"""Backups by commands: what they print, what they leave, and what they never show."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from app.__main__ import main
from app.core.backups import BackupService
from app.settings import default_data_folder, default_settings_file
from app.text.status import texts
from tests.cli.conftest import Conecta, store_talk
from tests.core.secret_store import PHRASE, TALK

PROTECTED = "The file is protected by its passphrase."
UNPROTECTED = "The file is not protected: whoever has it can read the conversations and use the session."


@pytest.fixture
def conecta(conecta: Conecta, fast_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Conecta:
    """The command line over a place with one mentorado who said something. Nothing is typed unless a test says so."""
    monkeypatch.setattr("app.bootstrap.BackupService", partial(BackupService, cost=2))  # a guess takes no time here
    monkeypatch.setattr("sys.stdin", io.StringIO())
    conecta("mentorado", "add", "Ana Lima", "11 98765-4321")
    asyncio.run(store_talk(fast_dir / "data" / "conecta.db", TALK))
    return conecta


def backups(place: Path) -> list[Path]:
    return sorted((place / "data" / "backups").glob("*"))


def forget(place: Path) -> None:
    with closing(sqlite3.connect(place / "data" / "conecta.db")) as raw, raw:
        raw.execute("DELETE FROM message")


def test_a_backup_is_made_verified_and_listed(conecta: Conecta, fast_dir: Path) -> None:
    assert conecta("backup", "list")[1] == "There are no backups here.\n"
    code, out, err = conecta("backup", "Ana", "Lima")
    (path,) = backups(fast_dir)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"3 messages of Ana Lima, the settings and the session, if there is one, are in {path}",
        UNPROTECTED,
    ]
    code, out, err = conecta("backup", "verify", str(path))
    assert (code, err) == (0, "")
    assert out.startswith("The backup of Ana Lima is whole: 3 messages, as of ")
    assert out.splitlines()[1:] == [UNPROTECTED]
    code, out, _ = conecta("backup", "list", "ana")
    assert out.endswith(f"\tAna Lima\t3\tnot protected\t{path}\n")
    code, out, _ = conecta("backup", "list", "--json")
    (value,) = json.loads(out)["backups"]
    assert (value["path"], value["messages"], value["encrypted"]) == (str(path), 3, False)
    code, out, _ = conecta("backup", "verify", str(path), "--json")
    assert json.loads(out) == value
    lines = conecta("audit", "list")[1].splitlines()
    done = ["Ana Lima", "Done"]
    assert [line.split("\t")[3:] for line in lines] == [["Backup", *done]] * 2 + [["Mentorado added", *done]]


def test_a_passphrase_comes_from_standard_input_and_is_shown_nowhere(conecta: Conecta, fast_dir: Path) -> None:
    code, out, err = conecta("backup", "ana", "--passphrase-stdin", "--json", typed=f"{PHRASE}\n")
    assert code == 0
    assert json.loads(out)["encrypted"]
    (path,) = backups(fast_dir)
    code, _, err = conecta("backup", "verify", str(path))
    assert (code, err.splitlines()[-1]) == (1, "[backup_locked]")
    code, out, _ = conecta("backup", "verify", str(path), "--passphrase-stdin", typed=PHRASE)
    assert (code, out[:10]) == (0, "The backup")
    assert out.splitlines()[1:] == [PROTECTED]
    assert "\t3\tprotected\t" in conecta("backup", "list")[1]
    code, out, _ = conecta("backup", "ana", "--passphrase-stdin", typed=f"{PHRASE}\n")
    assert out.splitlines()[1:] == [PROTECTED]
    code, out, _ = conecta("restore", "ana", str(path), "--yes", "--passphrase-stdin", typed=f"{PHRASE}\n")
    assert (code, out.splitlines()[-1]) == (0, PROTECTED)
    kept = b"".join(file.read_bytes() for file in fast_dir.rglob("*") if file.is_file())
    assert PHRASE.encode() not in kept
    assert PHRASE not in out + err + conecta("audit", "list", "--json")[1]


def test_a_passphrase_that_is_short_makes_nothing(conecta: Conecta, fast_dir: Path) -> None:
    code, _, err = conecta("backup", "ana", "--passphrase-stdin", typed="short\n")
    assert (code, err.splitlines()[-1]) == (1, "[passphrase_short]")
    assert backups(fast_dir) == []
    assert conecta("backup", "ana")[0] == 0  # and nothing is in the way


def test_history_that_was_lost_comes_back_once(conecta: Conecta, fast_dir: Path) -> None:
    conecta("backup", "ana")
    (path,) = backups(fast_dir)
    forget(fast_dir)
    code, out, err = conecta("restore", "ana", str(path))
    assert (code, out) == (1, "")
    assert err == "Nothing was changed. To restore without being asked, add --yes.\n"
    code, out, _ = conecta("restore", "ana", str(path), "--yes")
    assert (code, out.splitlines()) == (
        0,
        [
            "4 messages of Ana Lima came back. What was there stayed as it was.",
            "There is no session in the backup.",
            UNPROTECTED,
        ],
    )
    code, out, _ = conecta("restore", "ana", str(path), "--yes", "--json")
    assert (code, json.loads(out)) == (0, {"new": 0, "session": "no_session", "encrypted": False})
    assert "3 messages" in conecta("export", "ana", "--to", "out")[1]
    assert len(backups(fast_dir)) == 4  # each was preceded by a backup of what was there
    assert conecta("audit", "verify")[0] == 0


def test_what_cannot_be_restored_is_a_sentence_and_nothing_is_in_the_way_afterwards(
    conecta: Conecta, fast_dir: Path
) -> None:
    conecta("backup", "ana")
    (path,) = backups(fast_dir)
    conecta("mentorado", "add", "Bia", "21 98765-0001")
    code, _, err = conecta("restore", "bia", str(path), "--yes")
    assert (code, err.splitlines()) == (
        1,
        ["This backup belongs to Ana Lima.", "Restore it from Ana Lima's entry.", "[backup_of_another]"],
    )
    (fast_dir / "text.conecta").write_text("no backup")
    code, _, err = conecta("restore", "bia", "text.conecta", "--yes")
    assert (code, err.splitlines()[-1]) == (1, "[backup_unreadable]")
    assert conecta("backup", "bia")[0] == 0


def test_a_person_at_a_terminal_is_asked(
    conecta: Conecta, fast_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    conecta("backup", "ana", "--passphrase-stdin", typed=f"{PHRASE}\n")
    (path,) = backups(fast_dir)
    monkeypatch.setattr("app.cli.backup.getpass", lambda _question: PHRASE)
    for answer, code in (("no\n", 1), ("Yes\n", 0)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        monkeypatch.setattr("sys.stderr", shown := Terminal())
        assert main(["restore", "ana", str(path)]) == code
        assert "\r\x1b[K" in shown.getvalue()
    monkeypatch.setattr("sys.stdin", Terminal(""))
    monkeypatch.setattr("sys.stderr", shown := Terminal())
    assert main(["backup", "verify", str(path)]) == 0
    assert "Check: " in shown.getvalue()
    assert PHRASE not in capsys.readouterr().out


# --- a command that was killed ---------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from app.storage.journal import SqlProcedureJournal
append = SqlProcedureJournal.append
async def last(self, entry):
    await append(self, entry)
    if (entry.kind.value, entry.step and entry.step.value) == (sys.argv[1], sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
SqlProcedureJournal.append = last
from app.__main__ import main
main(sys.argv[3:])
"""


def kill_after(kind: str, step: str, *arguments: str) -> None:
    """Run a command in a process of its own, that is killed once this is in the journal."""
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, kind, step, *arguments], check=False, capture_output=True, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


pytest_posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")


@pytest_posix
def test_a_killed_backup_is_in_nobodys_way(conecta: Conecta, fast_dir: Path) -> None:
    """ "A killed command-line backup blocks backup and restore of that mentorado." """
    conecta("backup", "ana")
    (first,) = backups(fast_dir)
    kill_after("step_began", "verify_archive", "backup", "ana")
    (value,) = json.loads(conecta("procedure", "list", "--json")[1])["procedures"]
    assert (value["kind"], value["state"], value["held_by"], value["can_be_undone"]) == (
        "backup",
        "interrupted",
        None,
        True,
    )
    assert "The backup of Ana Lima was interrupted. Nothing was lost." in conecta("procedure", "list")[1]
    code, _, err = conecta("restore", "ana", str(first), "--yes")
    assert (code, err) == (0, "An earlier attempt for Ana Lima had been interrupted. It was settled first.\n")
    kill_after("step_began", "collect", "backup", "ana")
    assert conecta("backup", "ana")[0] == 0
    assert conecta("procedure", "list")[1] == "No procedure is unfinished.\n"
    assert [path.name for path in backups(fast_dir) if path.name.startswith(".")] == []
    assert list((fast_dir / "data" / "procedures").iterdir()) == []
    assert conecta("audit", "verify")[0] == 0


@pytest_posix
def test_a_killed_command_can_be_gone_on_with_or_undone(conecta: Conecta, fast_dir: Path) -> None:
    kill_after("step_began", "verify_archive", "backup", "ana")
    code, out, err = conecta("procedure", "resume", "ana")
    assert (code, out, err) == (0, "The backup is stored and checked.\n", "")
    (path,) = backups(fast_dir)
    assert conecta("backup", "verify", str(path))[0] == 0
    kill_after("step_done", "collect", "backup", "ana")
    code, out, _ = conecta("procedure", "undo", "ana", "--json")
    assert (code, json.loads(out)["state"]) == (0, "undone")
    assert backups(fast_dir) == [path]
    for verb in ("undo", "resume"):
        code, _, err = conecta("procedure", verb, "ana")
        assert (code, err.splitlines()[-1]) == (1, "[procedure_unknown]")


@pytest_posix
def test_a_killed_restore_is_whole_or_nothing(conecta: Conecta, fast_dir: Path) -> None:
    conecta("backup", "ana")
    (path,) = backups(fast_dir)
    forget(fast_dir)
    kill_after("step_began", "merge_history", "restore", "ana", str(path), "--yes")
    assert conecta("procedure", "undo", "ana")[:2] == (0, "Undone. Everything is as it was.\n")
    assert "0 messages" in conecta("export", "ana", "--to", "none")[1]
    kill_after("step_done", "merge_history", "restore", "ana", str(path), "--yes")
    code, _, err = conecta("procedure", "undo", "ana")
    assert (code, err) == (1, "The history is merged already: this can no longer be undone\n")
    assert conecta("procedure", "resume", "ana") == (0, "The backup was restored.\n", "")
    assert "3 messages" in conecta("export", "ana", "--to", "all")[1]


@pytest_posix
def test_what_waits_for_an_answer_is_not_taken_away_by_another_command(conecta: Conecta, fast_dir: Path) -> None:
    conecta("backup", "ana")
    (path,) = backups(fast_dir)
    kill_after("asked", "merge_history", "restore", "ana", str(path))
    code, _, err = conecta("backup", "ana")
    assert (code, err.splitlines()[-1]) == (1, "[procedure_unfinished]")
    assert "conecta procedure undo Ana Lima" in err
    code, _, err = conecta("procedure", "resume", "ana")
    assert (code, err) == (1, "It waits for an answer. To continue without being asked, add --yes.\n")
    assert conecta("procedure", "resume", "ana", "--yes")[0] == 0
    assert conecta("backup", "ana")[0] == 0


@pytest_posix
def test_what_another_computer_may_be_doing_is_left_to_it_unless_a_person_says_so(
    conecta: Conecta, fast_dir: Path
) -> None:
    kill_after("step_began", "verify_archive", "backup", "ana")
    (note,) = (fast_dir / "data" / "procedures").iterdir()
    owner = json.loads(note.read_text())
    note.write_text(json.dumps({**owner, "host": "elsewhere", "machine": "another", "boot": "", "namespace": ""}))
    for words in (("backup", "ana"), ("procedure", "resume", "ana"), ("procedure", "undo", "ana")):
        code, _, err = conecta(*words)
        assert (code, err.splitlines()[-1]) == (1, "[procedure_held]")
        assert "elsewhere" in err
    assert "at work: elsewhere" in conecta("procedure", "list")[1]
    assert conecta("procedure", "undo", "ana", "--take-over")[0] == 0
    assert conecta("backup", "ana")[0] == 0


@pytest.mark.parametrize("asked", [("backup", "verify", "gone.conecta"), ("restore", "Ana", "gone.conecta")])
def test_a_file_that_is_not_there_is_not_called_damaged(
    conecta: Conecta, fast_dir: Path, asked: tuple[str, ...]
) -> None:
    code, out, err = conecta(*asked)
    assert (code, out) == (1, "")
    assert f"There is no file {fast_dir / 'gone.conecta'}." in err
    assert "[backup_missing]" in err


def test_verify_without_a_file_asks_for_one_and_not_for_somebody_of_that_name(conecta: Conecta) -> None:
    code, out, err = conecta("backup", "verify")
    assert (code, out, err.strip()) == (2, "", "Name the file: conecta backup verify PATH")


@pytest.mark.parametrize("verb", ["resume", "undo"])
def test_where_no_procedure_is_unfinished_that_is_said(conecta: Conecta, verb: str) -> None:
    code, _, err = conecta("procedure", verb, "Ana")
    assert code == 1
    assert "There is no unfinished procedure here." in err


def test_the_help_is_in_the_chosen_language_all_of_it(conecta: Conecta, capsys: pytest.CaptureFixture[str]) -> None:
    texts.set_language("pt-BR")
    for asked in ([], ["procedure"], ["procedure", "undo"], ["database", "use"]):
        with pytest.raises(SystemExit) as ended:
            main([*asked, "--help"])
        assert ended.value.code == 0
        text = capsys.readouterr().out
        for left in ("positional arguments", "options:", "show "):
            assert left not in text
        assert "opções:" in text


def test_the_help_names_exit_codes_and_where_data_and_settings_are(
    conecta: Conecta, capsys: pytest.CaptureFixture[str]
) -> None:
    texts.set_language("en")
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert "Exit codes: 0 done; 1 a problem" in text
    assert f"Data folder: {default_data_folder()} (CONECTA_DATA_DIR)" in text
    assert f"Settings: {default_settings_file()} (CONECTA_ENV_FILE)" in text
