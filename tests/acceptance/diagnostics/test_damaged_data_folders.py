"""Whatever happened to the data folder, each command ends with an answer: never with an error of the program itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.diagnostics.damages import COMMANDS, DAMAGES, Environment, make_healthy
from tests.acceptance.diagnostics.machine import ROOT
from tests.acceptance.diagnostics.planting import have

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the damages are done as they are on Linux"),
    pytest.mark.skipif(not have("permissions"), reason="an administrator may read everything"),
]

HEALTHY = "healthy"
SEEN_BY_NO_CHECK = {
    "an_audit_that_was_altered",  # `conecta audit verify` reads the whole audit
    "settings_that_make_no_sense",  # their defaults are used
    "a_folder_as_log",  # it is replaced, where it is empty
}


@dataclass(frozen=True, slots=True)
class Ended:
    code: int | None
    output: str


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], Ended]]:
    """How each command ended on a data folder with each damage, and on a healthy one."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder of our own is made in it
    base = memory / f"conecta-damages-{os.getpid()}" if os.access(memory, os.W_OK) else tmp_path_factory.mktemp("d")
    base.mkdir(mode=0o700, exist_ok=True)
    try:
        make_healthy(base / HEALTHY)
        asked = [_asked(base, damage, command) for damage in (HEALTHY, *DAMAGES) for command in COMMANDS]
        codes = _run(asked)
        yield {
            (str(each["damage"]), str(each["command"])): Ended(code, Path(str(each["out"])).read_text(errors="replace"))
            for each, code in zip(asked, codes, strict=True)
        }
    finally:
        for folder, _, _ in os.walk(base):
            Path(folder).chmod(0o700)
        shutil.rmtree(base, ignore_errors=True)


def _asked(base: Path, damage: str, command: str) -> dict[str, object]:
    home = base / f"{damage}-{command.replace(' ', '-')}"
    home.mkdir()
    data = home / "data"
    shutil.copytree(base / HEALTHY, data)
    environment: Environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONUTF8": "1",
        "CONECTA_DATA_DIR": str(data),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    if damage != HEALTHY:
        DAMAGES[damage](data, environment)
    words, until = COMMANDS[command]
    named = {"damage": damage, "command": command, "folder": "/", "out": str(home / "out")}
    return {**named, "words": words, "until": until, "environment": environment}


def _run(asked: list[dict[str, object]]) -> list[int | None]:
    obeys = ["setpriv", "--bounding-set", "-all"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*obeys, sys.executable, "-m", "tests.acceptance.diagnostics.command_server"],
        cwd=ROOT,
        env={**os.environ, "LANG": "pt_BR.UTF-8", "LC_ALL": "pt_BR.UTF-8"},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    codes: list[int | None] = json.loads(done.stdout)
    return codes


def test_at_least_thirty_damages_are_done() -> None:
    assert len(DAMAGES) >= 30


@pytest.mark.parametrize("command", COMMANDS)
def test_a_healthy_folder_is_answered_for(ended: dict[tuple[str, str], Ended], command: str) -> None:
    assert ended[HEALTHY, command].code == 0, ended[HEALTHY, command].output


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_command_explains_what_it_met(ended: dict[tuple[str, str], Ended], damage: str) -> None:
    for command in COMMANDS:
        found = ended[damage, command]
        assert found.code in (0, 1, 3), (command, found)
        assert "Traceback" not in found.output, (command, found.output)
        assert "app.__main__" not in found.output, (command, found.output)  # the outline of an error of the program
        if found.code == 1 and command not in ("doctor", "audit verify"):
            assert found.output.strip().endswith("]"), "a sentence, a next step and a code"


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_doctor_sees_the_damage(ended: dict[tuple[str, str], Ended], damage: str) -> None:
    found = ended[damage, "doctor"]
    read = json.loads(found.output)
    assert (found.code != 0) is (damage not in SEEN_BY_NO_CHECK), read
    assert not [each for each in read["checks"] if each["code"] in ("broke", "took_too_long")], read
