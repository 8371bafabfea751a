"""What a terminal, a pipe and a person can do to a command: it ends in a sentence or in silence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.__main__ import main
from app.text.status import texts

WITHIN = 30.0
CONECTA = (sys.executable, "-m", "app")


def environment(data: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "CONECTA_DATA_DIR": str(data), "LANG": "en_US.UTF-8", "PYTHONUTF8": "1", **more}


@pytest.fixture
def data(fast_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder with João in it."""
    monkeypatch.setenv("CONECTA_DATA_DIR", str(fast_dir / "data"))
    monkeypatch.setattr("app.platform.logging.configure_logging", lambda _file: None)
    language = texts.language
    texts.set_language("en")
    assert main(("mentorado", "add", "João", "11 98765-4321")) == 0
    yield fast_dir / "data"
    texts.set_language(language)


def codes(err: str) -> str:
    assert "Traceback" not in err
    return err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        *(
            (("audit", "list", "--limit", limit), "count_invalid")
            for limit in ("-1", "0", "x", "9" * 30, "9" * 5000, "٣")
        ),
        (("set-aside", "--limit", "-1"), "count_invalid"),
        (("mentorado", "add", "\udcff", "11 98765-4322"), "argument_unreadable"),
        (("mentorado", "add", "Ana", "11 98765-4322", "--cohort", "\udcff"), "argument_unreadable"),
        (("connect", "a\0b"), "argument_unreadable"),
        (("export", "João", "--to", "~nobody-of-that-name/x"), "path_unknown"),
        (("--env-file", "~nobody-of-that-name/x", "status"), "path_unknown"),
        (("--env-file", "nowhere", "status"), "settings_file_missing"),
    ],
)
def test_words_that_make_no_sense_are_explained(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: str
) -> None:
    assert main(arguments) == 1
    assert codes(capsys.readouterr().err) == f"[{code}]"


def test_a_pipe_that_is_closed_ends_a_command_in_silence(data: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*CONECTA, "status", "--json"], env=environment(data), stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file here is always full")
def test_output_that_cannot_be_written_is_a_sentence(data: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*CONECTA, "status"], env=environment(data), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, codes(ended.stderr)) == (1, "[output_not_written]")


def test_a_name_that_the_terminal_has_no_letters_for_is_still_shown(data: Path) -> None:
    ended = subprocess.run(
        [*CONECTA, "status"],
        env=environment(data, PYTHONIOENCODING="ascii"),
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=True,
    )
    assert "Joao" in ended.stdout


def test_standard_input_that_is_no_text_is_a_sentence(data: Path) -> None:
    ended = subprocess.run(
        [*CONECTA, "backup", "João", "--passphrase-stdin"],
        env=environment(data),
        input=b"\xff\xfe a passphrase of its own\n",
        capture_output=True,
        timeout=WITHIN,
        check=False,
    )
    assert (ended.returncode, codes(ended.stderr.decode())) == (1, "[input_unreadable]")


def test_ctrl_c_ends_a_command_in_silence(data: Path) -> None:
    """Here while it loads; the window and the connections have tests of their own."""
    script = (
        "import sys, time; from app import __main__ as program; settings = program._settings\n"
        "def loads(file): print(1, flush=True); time.sleep(60); return settings(file)\n"
        "program._settings = loads; sys.exit(program.main(['backup', 'João']))"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", script], env=environment(data), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert command.stdout is not None
    command.stdout.readline()
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=WITHIN)
    assert (command.returncode, err) == (130, b"")
