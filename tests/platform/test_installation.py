"""Whether the program on disk is still the one that runs, and what of it was not loaded yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.platform.installation import ProgramFile, program_command


def test_a_file_that_is_replaced_is_noticed_and_one_that_is_gone_for_a_moment_is_not(tmp_path: Path) -> None:
    """As dpkg does it: the new file is written beside the old one and renamed onto it."""
    file = tmp_path / "conecta"
    file.write_bytes(b"1")
    program = ProgramFile(file)
    assert not program.replaced()
    aside = file.rename(tmp_path / "aside")
    assert not program.replaced()
    aside.rename(file)
    assert not program.replaced()
    (tmp_path / "new").write_bytes(b"2")
    (tmp_path / "new").rename(file)
    assert program.replaced()


def test_a_package_starts_its_executable_and_a_checkout_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    assert program_command()[-2:] == ["-m", "app"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert program_command() == [sys.executable]


def test_started_again_it_is_the_same_process_with_the_same_arguments() -> None:
    child = "import os, sys; print(os.getpid(), sys.argv[1:])"
    script = (
        "import os, sys; from app.platform import installation\n"
        f"installation.program_command = lambda: [sys.executable, '-c', {child!r}]\n"
        "print(os.getpid(), flush=True); installation.start_again(['--env-file', 'x'])"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, after = ended.stdout.splitlines()
    assert after == f"{before} ['--env-file', 'x']"


def test_what_a_window_may_still_load_is_named_without_the_parts_of_others() -> None:
    script = (
        "import app.gui\n"
        "from app.platform.installation import load, unloaded_modules\n"
        "names = list(unloaded_modules()); [load(name) for name in names]\n"
        "others = any(name.startswith(('app.cli', 'app.providers.webhooks.host')) for name in names)\n"
        "print(len(names), others, list(unloaded_modules()))"
    )
    environment = {"QT_QPA_PLATFORM": "offscreen"}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    count, of_others, left = ended.stdout.strip().split(" ", 2)
    assert int(count) > 200
    assert (of_others, left) == ("False", "[]")
