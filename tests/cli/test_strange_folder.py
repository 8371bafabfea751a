"""A stranger's folder, as after unpacking an archive: starting the program in it runs nothing that lies there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.providers.webhooks.server_process import host_command as webhooks_command
from app.providers.whatsapp_web.host_process import host_command, host_environment

ROOT = Path(__file__).parents[2]
WITHIN = 30.0


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A folder whose every file leaves a trace when it is executed."""
    folder = tmp_path / "strange"
    folder.mkdir()
    trace = f"import pathlib; pathlib.Path({str(folder / 'trace')!r}).touch()\n"
    for module in ("app/__init__.py", "json.py", "neonize/__init__.py", "sitecustomize.py"):
        (folder / module).parent.mkdir(exist_ok=True)
        (folder / module).write_text(trace)
    (folder / ".env").write_text(
        f"CONECTA_SESSION_HOST=touch {folder / 'trace'}\n"
        f"CONECTA_DATA_DIR={folder / 'data'}\n"
        "CONECTA_ZAPI_URL=https://harvest.example\n"
        "CONECTA_META_URL=https://harvest.example\n"
    )
    return folder


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONECTA_", "BAILEYS_"))}
    return {**kept, "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "own"), **more}


def test_no_command_no_address_and_no_folder_of_it_is_used(strange: Path, tmp_path: Path) -> None:
    def conecta(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-P", "-m", "app", *arguments)
        env = environment(tmp_path, PYTHONPATH=str(ROOT), LANG="en_US.UTF-8")
        return subprocess.run(
            command, cwd=strange, env=env, capture_output=True, text=True, timeout=WITHIN, check=False
        )

    ended = conecta("status", "--json")
    assert json.loads(ended.stdout) == {"mentorados": []}
    for name in ("CONECTA_DATA_DIR", "CONECTA_META_URL", "CONECTA_SESSION_HOST", "CONECTA_ZAPI_URL"):
        assert name in ended.stderr
    assert str(strange / ".env") in ended.stderr
    assert str(tmp_path / "config" / "conecta" / ".env") in ended.stderr
    assert (tmp_path / "own" / "conecta" / "conecta.db").exists()
    assert not (strange / "data").exists()
    assert not (strange / "trace").exists()


@pytest.mark.parametrize("command", [host_command(), webhooks_command()], ids=["session host", "webhooks"])
def test_the_processes_that_are_started_there_import_nothing_of_it(
    strange: Path, tmp_path: Path, command: list[str]
) -> None:
    env = host_environment(environment(tmp_path, PYTHONPATH=os.pathsep))
    subprocess.run(command, cwd=strange, env=env, input=b"", capture_output=True, timeout=WITHIN, check=False)
    assert not (strange / "trace").exists()


def test_what_is_not_the_default_is_told_by_status(tmp_path: Path) -> None:
    config = tmp_path / "config" / "conecta"
    config.mkdir(parents=True)
    (config / ".env").write_text("CONECTA_ZAPI_URL=https://relay.example\n")
    env = environment(tmp_path, CONECTA_META_URL="http://127.0.0.1:9000", LANG="en_US.UTF-8")

    def status(*arguments: str) -> str:
        command = (sys.executable, "-m", "app", "status", *arguments)
        return subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=WITHIN, check=True
        ).stdout

    text = status()
    assert "https://relay.example" in text
    assert str(config / ".env") in text
    assert "http://127.0.0.1:9000" in text
    fields = {each["setting"]: (each["value"], each["set_in"]) for each in json.loads(status("--json"))["not_default"]}
    assert fields == {
        "CONECTA_ZAPI_URL": ("https://relay.example", str(config / ".env")),
        "CONECTA_META_URL": ("http://127.0.0.1:9000", "environment"),
    }
