"""The packaged window on a screen inside a bare system, opened as its entry in the menu says. Slow.

After `test_package`: what the screen itself needs is not installed before the package's own needs were looked at.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.acceptance.packaging.harness import BareSystem
from tests.acceptance.packaging.test_repository import logged

ENTRY = "usr/share/applications/conecta.desktop"


@contextmanager
def running(system: BareSystem, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A program of ana's in *system*, until the context ends."""
    with subprocess.Popen(
        system.words_as_user(*words, **environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            yield program
        finally:
            program.terminate()


@pytest.fixture
def screen(installed: BareSystem) -> Iterator[str]:
    """The name of an X server in the bare system. Its picture is in ana's home."""
    found = installed.run("apt-get", "install", "--yes", "--no-install-recommends", "xvfb", check=False)
    if found.returncode:
        pytest.skip(f"no Xvfb for {installed.root.name}: {found.stderr.strip()[-200:]}")
    sockets = installed.root / "tmp/.X11-unix"
    sockets.mkdir(exist_ok=True)
    sockets.chmod(0o1777)
    size = ("-screen", "0", "1280x720x24")
    # It chooses a name that is free: bare systems share the network of this one, where such names are taken as well.
    with running(installed, "Xvfb", "-displayfd", "1", *size, "-nolisten", "tcp", "-fbdir", "/home/ana") as server:
        assert server.stdout is not None
        number = server.stdout.readline().strip()
        assert number, "the screen did not start"
        yield f":{number}"


def picture(file: Path) -> Image.Image:
    """What is on the screen: a header of big-endian numbers, a table of colours, and the rows of pixels."""
    content = file.read_bytes()
    header = np.frombuffer(content, ">u4", 25)
    size, width, height, row, colours = (int(header[at]) for at in (0, 4, 5, 12, 19))
    pixels = np.frombuffer(content, np.uint8, row * height, size + 12 * colours).reshape(height, row)
    return Image.fromarray(np.ascontiguousarray(pixels.reshape(height, -1, 4)[:, :width, 2::-1]))


@pytest.mark.parametrize("language", ["pt_BR.UTF-8", "en_US.UTF-8"])
def test_it_opens_from_the_menu(installed: BareSystem, screen: str, tmp_path: Path, language: str) -> None:
    """ "window … under Xvfb": by the command in the menu, with people in the list, and it closes in order."""
    installed.as_user("conecta", "mentorado", "add", f"Ana {language[:2]}", f"11 98765-43{len(language)}", check=False)
    entry = (installed.root / ENTRY).read_text(encoding="utf-8")
    (command,) = re.findall(r"^Exec=(.*)$", entry, re.MULTILINE)
    (installed.root / "home/ana/.local/share/conecta/logs/conecta.log").unlink(missing_ok=True)
    with running(installed, *shlex.split(command), DISPLAY=screen, LANG=language) as window:
        logged(installed, "The whole program is loaded")
        seen = picture(installed.root / "home/ana/Xvfb_screen0")
        assert window.poll() is None
        window.terminate()
        _, errors = window.communicate(timeout=20)
    seen.save(tmp_path / f"{installed.root.name}-{language[:2]}.png")
    assert (window.returncode, "Traceback" in errors) == (0, False), errors
    assert len(seen.getcolors(1280 * 720) or ()) > 100, "the screen is empty"
